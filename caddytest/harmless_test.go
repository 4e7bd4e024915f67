package caddytest

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

const harmlessSite = `:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_policy {
		unscannable allow file image tokens
		deny secrets  ` + "`secrets(prompt.all).size() > 0`" + `
		deny personal ` + "`pii(prompt.all).size() > 0`" + `
		deny phrase   ` + "`has_phrase(prompt.all, \"project falcon\")`" + `
		redact both pii secrets {
			in request
		}
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{provider}}/v1
		objects shared
	}
}
`

// Requests of honest clients come to the provider byte for byte through rules that look
// for everything, and their records note no decision.
func TestHonestRequestsAreLeftAlone(t *testing.T) {
	p := newProvider(t)
	s := start(t, harmlessSite, options{vars: map[string]string{"provider": p.URL}})
	raw, err := os.ReadFile("../policy/testdata/harmless.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	paths := map[string]string{"chat": "chat/completions", "responses": "responses", "embeddings": "embeddings", "completions": "completions"}
	sent := 0
	for line := range strings.Lines(string(raw)) {
		var h struct {
			Dialect, Name string
			Body          json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &h); err != nil {
			t.Fatal(err)
		}
		if paths[h.Dialect] == "" {
			continue
		}
		sent++
		p.forget()
		a := s.do(call{method: "POST", path: "/v1/" + paths[h.Dialect], body: string(h.Body)})
		if a.Status != 200 {
			t.Errorf("%s/%s: %d %s", h.Dialect, h.Name, a.Status, a.Body)
			continue
		}
		if got := p.requests(); len(got) != 1 || got[0].Body != string(h.Body) {
			t.Errorf("%s/%s: the provider got %v", h.Dialect, h.Name, got)
		}
		for _, d := range s.ended(a.Header.Get("Llm-Request-Id")).Decisions {
			if d.Module == "policy" && d.Rule != "unscannable" { // files and tokens may pass here
				t.Errorf("%s/%s: decision %v", h.Dialect, h.Name, d)
			}
		}
	}
	if sent < 35 {
		t.Error("only", sent, "requests")
	}
}
