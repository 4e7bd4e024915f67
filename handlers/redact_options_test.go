package handlers

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/zap"
)

func policyOf(t *testing.T, config string) *Policy {
	t.Helper()
	p := new(Policy)
	if err := p.UnmarshalCaddyfile(caddyfile.NewTestDispenser("llm_policy {\n" + config + "\n}")); err != nil {
		t.Fatal(err)
	}
	p.gw, p.log = &house{}, zap.NewNop()
	if err := p.setUp(); err != nil {
		t.Fatal(err)
	}
	return p
}

const (
	mailAsked  = `{"model":"m","messages":[{"role":"user","content":"to ann@home.example"}]}`
	mailAnswer = `{"choices":[{"index":0,"message":{"role":"assistant","content":"to bob@corp.example"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`
)

// A redact rule takes a condition, which decides for the request and its answer, and what
// all rules take: enforcement, also on a sample of the calls, and on_error.
func TestRedactOptions(t *testing.T) {
	for _, tc := range []struct{ name, options, request, answer, told string }{
		{"always", "", "[EMAIL]", "[EMAIL]", "redact redact"},
		{"it holds", "when `llm.model == \"m\" && prompt.user.exists(s, s.text.contains(\"to \"))`", "[EMAIL]", "[EMAIL]", "redact redact"},
		{"it does not", "when `llm.model == \"x\"`", "ann@home.example", "bob@corp.example", ""},
		{"in shadow", "enforcement shadow", "ann@home.example", "bob@corp.example", "would_redact would_redact"},
		{"it does not hold in shadow", "enforcement shadow\nwhen `false`", "ann@home.example", "bob@corp.example", ""},
		{"a condition that fails, allowed", "when `request.headers[\"absent\"] == \"x\"`\non_error allow", "ann@home.example", "bob@corp.example", "error"},
		{"a condition that fails in shadow", "when `request.headers[\"absent\"] == \"x\"`\nenforcement shadow", "ann@home.example", "bob@corp.example", "error"},
	} {
		p := policyOf(t, "redact mails email {\nin both\n"+tc.options+"\n}")
		rec, c := passThrough(t, p, chatPath, mailAsked, "application/json", []byte(mailAnswer), func(n int) int { return n })
		if sent := string(c.body.bytes("max_tokens")); !strings.Contains(sent, tc.request) || !strings.Contains(rec.Body.String(), tc.answer) {
			t.Errorf("%s: sent %s, got %s", tc.name, sent, rec.Body)
		}
		var told []string
		for _, d := range c.x.Decisions {
			told = append(told, d.Action)
		}
		if strings.Join(told, " ") != tc.told {
			t.Errorf("%s: %q, want %q", tc.name, told, tc.told)
		}
	}

	// A condition that fails refuses.
	p := policyOf(t, "redact mails email {\nwhen `request.headers[\"absent\"] == \"x\"`\n}")
	if rec, _ := refusedBy(p, mailAsked); rec.Code != 422 || !strings.Contains(rec.Body.String(), "mails") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}

	// On a sample: some calls, and each for good, request and answer alike.
	p = policyOf(t, "redact mails email {\nin both\nenforcement sample 40\n}")
	on := 0
	for range 200 {
		rec, c := passThrough(t, p, chatPath, mailAsked, "application/json", []byte(mailAnswer), func(n int) int { return n })
		request, answer := strings.Contains(string(c.body.bytes("max_tokens")), "[EMAIL]"), strings.Contains(rec.Body.String(), "[EMAIL]")
		if request != answer {
			t.Fatal("the request and its answer are treated apart")
		}
		if request {
			on++
		}
	}
	if on < 40 || on > 130 {
		t.Errorf("on for %d of 200 calls, want about 80", on)
	}
}

// What cannot be read is withheld by a rule that insists, and passes one that does not.
func TestRedactUnreadableAnswers(t *testing.T) {
	for options, denied := range map[string]bool{"": true, "on_error allow": false, "enforcement shadow": false, "when `false`": false} {
		p := policyOf(t, "redact mails email {\nin response\n"+options+"\n}")
		for ctype, answer := range map[string]string{"application/pdf": "%PDF", "text/event-stream": "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":" + strings.Repeat("[", 200) + strings.Repeat("]", 200) + "}}]}\n\n" + finish + done} {
			body := strings.Replace(mailAsked, "{", fmt.Sprintf(`{"stream":%v,`, ctype != "application/pdf"), 1)
			rec, c := passThrough(t, p, chatPath, body, ctype, []byte(answer), func(n int) int { return n })
			if (c.x.Denied != nil) != denied || !denied && rec.Body.String() != answer {
				t.Errorf("%q, %s: %v; %d %s", options, ctype, c.x.Denied, rec.Code, rec.Body)
			}
		}
	}
}

func TestRedactOptionErrors(t *testing.T) {
	for config, want := range map[string]string{
		"redact a email {\n\tin both\n\twhen `llm.modell == \"x\"`\n}":             "Testfile:4",
		"redact a email {\n\tin response\n\twhen `response.text == \"x\"`\n}":      "can't be used here",
		"redact a email {\n\twhen `llm.model`\n}":                                  "must give a bool",
		"redact a email {\n\tenforcement sample 0\n}":                              "from 1 to 99",
		"redact a email {\n\tenforcement sometimes\n}":                             "on, shadow or sample",
		"redact a email {\n\ton_error maybe\n}":                                    "deny or allow",
		"redact a email {\n\tbuffer\n}":                                            "in, style, when, enforcement or on_error",
		"redact a email {\n\twhen `classify(\"x\", prompt.user).flagged`\n}":       "no classifier",
		"redact a email {\n\twhen `secrets(prompt.all + prompt.user).size()>0`\n}": "takes a list as it is",
	} {
		err := new(Policy).UnmarshalCaddyfile(caddyfile.NewTestDispenser("llm_policy {\n" + config + "\n}"))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", config, err, want)
		}
	}
}
