package caddytest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A rule leads no call to a model without a price under a budget, nor past the models of
// its key, whichever rule it is and however it is spelt.
func TestRulesKeepBudgetsAndKeys(t *testing.T) {
	p := newProvider(t)
	body := `{"model":"gpt-4o","max_tokens":5,"messages":[{"role":"user","content":"hi"}]}`
	for _, rule := range []string{
		"\t\troute lead `true` gpt-nobody-priced-9",
		"\t\tset lead `true` {\n\t\t\tmodel gpt-nobody-priced-9\n\t\t}",
	} {
		s := startPolicy(t, p, rule)
		p.forget()
		if a := s.chat(call{key: batchKey, body: body}); a.Status < 400 || !strings.Contains(a.Body, "price") {
			t.Errorf("%s: %d %s", rule, a.Status, a.Body)
		}
		s.chat(call{key: webKey, body: strings.Replace(body, "gpt-4o", "gpt-4o-mini", 1)}).denied(403, "model_not_allowed", false)
		if p.count() != 0 {
			t.Errorf("%s: a call left", rule)
		}
		s.nothingHeld()
		s.stop()
	}
}

// One approval, many calls at once through a real server: one of them is made.
func TestOneApprovalAtOnce(t *testing.T) {
	p := newProvider(t)
	admin := freePort(t)
	s := start(t, approveSite, options{vars: map[string]string{"url": p.URL, "expires": "2h"}, admin: admin, patch: func(cfg map[string]any) {
		cfg["admin"] = map[string]any{"listen": fmt.Sprintf("127.0.0.1:%d", admin)}
	}})
	body := `{"model":"gpt-4o","messages":[{"role":"user","content":"wire 5 USD"}]}`
	first := s.chat(call{key: webKey, body: body}).denied(403, "approval_required", false)
	resp, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/llm_gateway/approvals/grant", admin), "application/json", strings.NewReader(`{"id":"`+first.Header.Get("Llm-Approval-Id")+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	var wg sync.WaitGroup
	made := make([]bool, 8)
	for i := range made {
		wg.Go(func() {
			a := s.chat(call{key: webKey, body: body, header: map[string]string{"LLM-Approval": first.Header.Get("Llm-Approval")}})
			made[i] = a.Status == 200
		})
	}
	wg.Wait()
	n := 0
	for _, ok := range made {
		if ok {
			n++
		}
	}
	if n != 1 || p.count() != 1 {
		t.Errorf("%d calls were answered and %d left, with one approval", n, p.count())
	}
}

// A rule about a model holds, too, for a caller who puts the provider's name before it.
func TestProviderIsNoWayAroundARule(t *testing.T) {
	p := newProvider(t)
	s := startPolicy(t, p, "\t\tdeny dear `llm.model.startsWith(\"gpt-4o\") && llm.model != \"gpt-4o-mini\"` \"ask for a smaller model\"\n\t\tset calm `llm.model == \"o3\"` {\n\t\t\tmax_tokens 7\n\t\t}")
	body := func(model string) string {
		return `{"model":"` + model + `","max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`
	}
	for _, model := range []string{"gpt-4o", "openai/gpt-4o"} {
		s.chat(call{key: batchKey, body: body(model)}).denied(422, "policy_blocked", false)
	}
	if p.count() != 0 {
		t.Error("a call left")
	}
	for _, model := range []string{"o3", "openai/o3"} {
		s.chat(call{key: batchKey, body: body(model)}).ok()
		sent := p.requests()[p.count()-1].Body
		if !strings.Contains(sent, ":7") || !strings.Contains(sent, `"o3"`) {
			t.Errorf("%s: sent %s", model, sent)
		}
	}
}
