package caddytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const proxySite = `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			models gpt-4o* claude-*
		}
	}
	llm_ratelimit {
		requests 1M/min
		concurrent 4
	}
	llm_policy {
		deny falcon ` + "`prompt.all.exists(s, s.text.contains(\"FALCON\"))`" + `
	}
	llm_cost {
		min_output off
		budget 100 USD/day
	}
	reverse_proxy {{upstreams}} {
		lb_policy first
		lb_retries 2
		{{retry}}
	}
}
`

// The stock reverse_proxy is governed like llm_upstream: what is refused sends
// nothing at all, not even a header.
func TestGovernedReverseProxy(t *testing.T) {
	p := newProvider(t)
	s := start(t, proxySite, options{vars: map[string]string{"upstreams": p.URL, "retry": ""}})
	s.chat(call{}).ok()
	s.do(message(true, "claude-sonnet-4-5", "hi", "")).ok()
	p.forget()
	for _, anthropic := range []bool{false, true} {
		model := map[bool]string{false: "gpt-4o-mini", true: "claude-sonnet-4-5"}[anthropic]
		s.do(message(anthropic, "o3-pro", "x", "")).denied(403, "model_not_allowed", anthropic)
		s.do(message(anthropic, model, "FALCON", "")).denied(422, "policy_blocked", anthropic)
		s.do(message(anthropic, model, "x", `,"max_tokens":900000000`)).denied(429, "budget_exceeded", anthropic)
		s.do(message(anthropic, "gpt-4o-nobody-knows", "x", "")).denied(403, "model_unpriced", anthropic)
		c := message(anthropic, model, "x", "")
		c.body = "{"
		s.do(c).denied(400, "malformed", anthropic)
		c.path, c.body = "/v1/unknown", "{}"
		s.do(c).denied(404, "not_found", anthropic)
		c = message(anthropic, model, "x", "")
		c.header = map[string]string{"Connection": "Upgrade", "Upgrade": "websocket"}
		s.do(c).denied(501, "upgrade_unsupported", anthropic)
		c.header = map[string]string{"Content-Type": "text/plain"}
		s.do(c).denied(415, "unsupported_media_type", anthropic)
	}
	if n := p.count(); n != 0 {
		t.Errorf("%d refused requests reached the model server: %+v", n, p.requests())
	}
	// GET /v1/models passes: it costs nothing.
	if a := s.do(call{method: "GET", path: "/v1/models"}).ok(); a.Body != openaiModels {
		t.Errorf("the models: %s", a.Body)
	}
	// No rule reads a body there, so none passes.
	p.forget()
	s.do(call{method: "GET", path: "/v1/models", body: `{"say":"FALCON"}`, header: map[string]string{"Content-Type": "application/json"}}).ok()
	if got := p.requests(); len(got) != 1 || got[0].Body != "" || got[0].Header.Get("Content-Type") != "" {
		t.Errorf("the model server got %+v", got)
	}
	// "FALCON" for those who believe in UTF-7 is none for us.
	c := message(false, "gpt-4o-mini", "+AEYAQQBMAEMATwBO-", "")
	c.header = map[string]string{"Content-Type": "application/json; charset=UTF-7"}
	s.do(c).denied(415, "unsupported_media_type", false)
	c.header = map[string]string{"Content-Type": "application/json; charset=UTF-8"}
	s.do(c).ok()
	// The server's errors pass with their headers, and cost nothing.
	p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("Retry-After", "7")
		sendJSON(w, 429, `{"error":{"message":"slow down","code":"theirs"}}`)
	})
	a := s.chat(call{})
	if a.Status != 429 || !strings.Contains(a.Body, "theirs") || a.Header.Get("Retry-After") != "7" {
		t.Errorf("got %d %s %v", a.Status, a.Body, a.Header)
	}
	if rec := s.ended(a.Header.Get("Llm-Request-Id")); rec.Outcome != "provider_error" || rec.Cost != 0 {
		t.Errorf("the record: %s", rec.raw)
	}
	s.slots(p, 4)
	s.nothingHeld()
	s.verify("default")
}

// A proxy that tries a second server after a dead one passes the gate once, and
// the call is charged once.
func TestReverseProxyRetries(t *testing.T) {
	p := newProvider(t)
	dead := fmt.Sprint("127.0.0.1:", freePort(t))
	s := start(t, proxySite, options{vars: map[string]string{"upstreams": dead + " " + strings.TrimPrefix(p.URL, "http://"), "retry": "fail_duration 30s"}})
	a := s.chat(call{}).ok()
	rec := s.ended(a.Header.Get("Llm-Request-Id"))
	if rec.Outcome != "ok" || len(rec.Attempts) != 1 || rec.Attempts[0].Result != "answered" || rec.Cost != 5850 {
		t.Errorf("the record: %s", rec.raw)
	}
	if p.count() != 1 || p.requests()[0].Body != dialects[0].request {
		t.Errorf("the model server got %+v", p.requests())
	}
	totals := s.nothingHeld()
	if totals.Rows != 1 || int64(totals.Settled) != 5850 {
		t.Errorf("the ledger: %+v", totals)
	}
}

// Whatever answers behind the governors, it answers nobody without a key, on no
// path that is none of ours, and not without the gate.
func TestOtherHandlersBehindGovernors(t *testing.T) {
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 1 USD/day
	}
	respond "I am no model"
}`, options{})
	s.do(call{method: "GET", path: "/index.html", key: "-"}).denied(401, "unauthenticated", false)
	s.do(call{method: "GET", path: "/index.html"}).denied(404, "not_found", false)
	a := s.chat(call{})
	rec := s.ended(a.Header.Get("Llm-Request-Id"))
	if len(rec.Attempts) != 1 {
		t.Errorf("it did not pass the gate: %s", rec.raw)
	}
	s.nothingHeld()
}
