package policy

import (
	"context"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The detectors in rules: each finds what it is for, in the list that it is asked
// about and no other.
func TestDetectorsInRules(t *testing.T) {
	key := "AKIA" + "QX7ZBD3PLMWV5TRE"
	for expr, want := range map[string]bool{
		`secrets(prompt.all).size() == 1`:                                   true,
		`secrets(prompt.system).size() > 0`:                                 false,
		`pii(prompt.user).exists(k, k == "email")`:                          true,
		`pii(prompt.user, ["iban"]).size() > 0`:                             false,
		`pii(prompt.user, ["email", "iban"]).size() == 1`:                   true,
		`pii(prompt.system).size() > 0`:                                     false,
		`hidden_chars(prompt.user) == 2`:                                    true,
		`hidden_chars(prompt.system) == 0`:                                  true,
		`has_phrase(prompt.user, "PROJECT   falcon")`:                       true,
		`has_phrase(prompt.user, "project eagle")`:                          false,
		`tokens(prompt.user) > 10 && tokens(prompt.user) < 100`:             true,
		`injection_score(prompt.user) >= 0.0`:                               true,
		`injection_score(prompt.system) < 0.9`:                              true,
		`secrets(prompt.all).size() > 0 && pii(prompt.all).size() > 0`:      true,
		`pii(prompt.tool_results).size() + secrets(prompt.user).size() > 2`: false,
		`has_phrase(prompt.tool_results, "project kestrel")`:                true,
		`"email" in pii(prompt.tool_results)`:                               true,
	} {
		x := chat()
		x.View.Segments = []llm.Segment{
			{Role: llm.RoleSystem, Text: "You are a helpful assistant."},
			{Role: llm.RoleTool, Kind: llm.KindToolResult, Text: `{"note":"Project\u0020Kestrel","to":"ann\u0040home.example"}`},
			{Role: llm.RoleUser, Text: "Project Falcon: write to ann@home.example, the key is " + key + "\u200b\u202e"},
		}
		s := mustCompile(t, nil, deny(expr))
		if d := s.Evaluate(context.Background(), x, testEnv()); (d != nil && d.Code == llm.CodePolicyBlocked) != want || d != nil && d.Err != nil {
			t.Errorf("%s: %v, want %v", expr, d, want)
		}
	}
}

// What is cut over parts of one text is found; parts of other messages are other texts.
func TestDetectorsAcrossParts(t *testing.T) {
	key := "AKIA" + "QX7ZBD3PLMWV5TRE"
	for expr, want := range map[string]bool{
		`secrets(prompt.all).size() == 1`:             true,
		`pii(prompt.user).size() == 1`:                true,
		`has_phrase(prompt.user, "project falcon")`:   true,
		`has_phrase(prompt.all, "project kestrel")`:   true,
		`has_phrase(prompt.user, "eagle has landed")`: false,
	} {
		x := chat()
		for _, part := range []struct{ path, text string }{
			{"messages[0].content[0].text", "mail ann@home."}, {"messages[0].content[1].text", "example about project fal"}, {"messages[0].content[2].text", "con " + key[:9]},
			{"messages[0].content[3].text", key[9:] + " project"}, {"messages[0].content[4].text", "kestrel"}, {"messages[0].content[5].text", "the eagle has"}, {"messages[1].content[0].text", "landed"},
		} {
			x.View.Segments = append(x.View.Segments, llm.Segment{Role: llm.RoleUser, Path: part.path, Text: part.text})
		}
		s := mustCompile(t, nil, deny(expr))
		if d := s.Evaluate(context.Background(), x, testEnv()); (d != nil && d.Code == llm.CodePolicyBlocked) != want || d != nil && d.Err != nil {
			t.Errorf("%s: %v, want %v", expr, d, want)
		}
	}
}

// More text than a detector looks at refuses the request, rather than being
// looked at in part; large texts within the bound do not run into the deadline.
func TestDetectorsOnMuchText(t *testing.T) {
	for size, refused := range map[int]bool{1 << 20: false, maxScan + 1: true} {
		x := chat()
		x.View.Segments = []llm.Segment{{Role: llm.RoleUser, Text: strings.Repeat("lorem ipsum ", size/12+1)}}
		s := mustCompile(t, nil, deny(`secrets(prompt.all).size() > 0 || hidden_chars(prompt.all) > 0`))
		if d := s.Evaluate(context.Background(), x, testEnv()); (d != nil) != refused {
			t.Errorf("%d bytes: %v", size, d)
		}
	}
}

func TestDetect(t *testing.T) {
	d, err := Detect([]string{"email", "credit_card", "secrets"})
	if err != nil || len(d.Scanners) != 2 || !d.Rules["email"] || !d.Rules["credit-card"] || !d.Kinds["secret"] {
		t.Errorf("%+v %v", d, err)
	}
	if _, err := Detect([]string{"emial"}); err == nil || !strings.Contains(err.Error(), "email") {
		t.Errorf("%v", err)
	}
}

// Every dialect has a name in rules.
func TestDialectInRules(t *testing.T) {
	for d := llm.DialectNone; d <= llm.Objects; d++ {
		x := chat()
		x.Dialect = d
		s := mustCompile(t, nil, deny(`llm.dialect == "`+d.String()+`"`))
		if den := s.Evaluate(context.Background(), x, testEnv()); den == nil || den.Code != llm.CodePolicyBlocked || den.Err != nil {
			t.Errorf("%v: %v", d, den)
		}
	}
}
