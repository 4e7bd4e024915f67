package policy

import (
	"errors"
	"strings"
	"testing"
)

// Words that a rule could never meet are refused where they stand; what may be is not.
func TestLiterals(t *testing.T) {
	for expr, want := range map[string]string{
		`pii(prompt.all, ["email", "emial"]).size() > 0`:                    `1:27: no kind of personal data "emial"; known are`,
		`pii(prompt.all, []).size() > 0`:                                    `1:17: an empty list of kinds finds nothing`,
		`"emial" in pii(prompt.all)`:                                        `1:1: no word that pii() gives: "emial"`,
		`"aws" in secrets(prompt.all)`:                                      `no word that secrets() gives: "aws"`,
		`"medcal" in classify_prompt(prompt.all)`:                           `no word that classify_prompt() gives: "medcal"; known are code`,
		`"medical" in classify_prompt(prompt.all)`:                          "",
		`has_phrase(prompt.all, " ")`:                                       `has_phrase() takes words`,
		`has_phrase(prompt.all, "` + strings.Repeat("a ", maxPhrase) + `")`: `has_phrase() takes words`,
		`now.getHours("Europe/Berln") < 6`:                                  `1:14: no time zone "Europe/Berln"`,
		`llm.dialect == "openai"`:                                           `1:16: no dialect "openai"; known are chat, responses`,
		`"openai" != llm.dialect`:                                           `no dialect "openai"`,
		`prompt.all.exists(s, s.kind == "toolresult")`:                      `no kind of segment "toolresult"; known are text, tool_result`,
		`pii(prompt.all, ["email", "credit_card"]).size() > 0`:              "",
		`"us_ssn" in pii(prompt.all) && has_phrase(prompt.all, "falcon")`:   "",
		`now.getHours("Europe/Berlin") < 6 || now.getHours("+01:00") < 6 || now.getHours("UTC") < 6 || now.getDayOfWeek() == 0`: "",
		`llm.dialect == "generate_content" || llm.dialect == llm.model || llm.model == "openai"`:                                "",
		`prompt.all.exists(s, s.kind == "tool_result" && s.role == "x" && s.text == "kind")`:                                    "",
	} {
		_, err := Compile([]Rule{deny(expr)})
		var c *CompileError
		switch {
		case want == "" && err != nil:
			t.Errorf("%.80s: %v", expr, err)
		case want != "" && (!errors.As(err, &c) || !strings.Contains(err.Error(), want)):
			t.Errorf("%.80s: %v, want %s", expr, err, want)
		}
	}
}
