package caddytest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
)

// panicHandler is a broken module of somebody else, between the governors and
// the upstream.
type panicHandler struct{}

func (panicHandler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.test_panic", New: func() caddy.Module { return new(panicHandler) }}
}

func (panicHandler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	switch r.Header.Get("X-Test-Panic") {
	case "":
	case "second write":
		w = &panicWriter{ResponseWriterWrapper: &caddyhttp.ResponseWriterWrapper{ResponseWriter: w}}
	default:
		panic("a handler broke")
	}
	return next.ServeHTTP(w, r)
}

// panicWriter breaks at the second write.
type panicWriter struct {
	*caddyhttp.ResponseWriterWrapper
	writes int
}

func (w *panicWriter) Write(p []byte) (int, error) {
	if w.writes++; w.writes > 1 {
		panic("a handler broke")
	}
	return w.ResponseWriterWrapper.Write(p)
}

func init() {
	caddy.RegisterModule(panicHandler{})
	httpcaddyfile.RegisterHandlerDirective("test_panic", func(httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
		return panicHandler{}, nil
	})
	httpcaddyfile.RegisterDirectiveOrder("test_panic", httpcaddyfile.Before, "invoke")
}

// fullSite uses every handler.
const fullSite = `
{
	llm_gateway {
		provider openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{openai}}/v1
		}
		provider claude anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {{openai}}
		}
		provider dead openai {
			base_url http://127.0.0.1:{{deadport}}/v1
		}
		provider deadclaude anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url http://127.0.0.1:{{deadport}}
		}
		price dead/* free
		price deadclaude/* free
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			team growth
			models gpt-4o* claude-* dead-* unpriced-* unknown-*
		}
		key batch {env.BATCH_KEY}
	}
	llm_ratelimit {
		requests 1M/min
		concurrent 4
	}
	llm_policy {
		deny no-falcon ` + "`prompt.all.exists(s, s.text.contains(\"FALCON\"))`" + ` "project names do not leave the house"
		flag greeting ` + "`prompt.user.exists(s, s.text.contains(\"hello\"))`" + `
	}
	llm_cost {
		min_output off
		budget 1 USD/day per team
	}
	test_panic
	llm_upstream {
		model dead-claude* deadclaude
		model dead-* dead
		model claude-* claude
		model gpt-4o* openai
		model unpriced-claude* claude
		model unpriced-* openai
		first_byte_timeout 4s
		stream_idle_timeout 4s
	}
}
`

func startFull(t *testing.T, p *provider) *site {
	t.Helper()
	return start(t, fullSite, options{vars: map[string]string{"openai": p.URL, "deadport": fmt.Sprint(freePort(t))}})
}

// slots fails the test unless that many streams can be open at once, and no more.
func (s *site) slots(p *provider, n int) {
	s.t.Helper()
	g := newGate()
	p.answers(g.answer)
	defer p.answers(plainAnswer)
	c := call{path: "/v1/chat/completions", body: dialects[0].streamRequest}
	for i := range n {
		// The slot of the last call may come back a moment after its answer.
		var resp *http.Response
		if !eventually(func() bool {
			var err error
			if resp, err = s.client.Do(s.newRequest(c)); err != nil {
				s.t.Fatal(err)
			}
			if resp.StatusCode != 200 {
				resp.Body.Close()
			}
			return resp.StatusCode == 200
		}) {
			s.t.Fatalf("only %d of %d slots have come back", i, n)
		}
		defer resp.Body.Close()
	}
	s.do(c).denied(429, "rate_limited", false)
}

// message makes a request of either dialect.
func message(anthropic bool, model, text, more string) call {
	c := call{path: "/v1/chat/completions", anthropic: anthropic}
	if anthropic {
		c.path = "/v1/messages"
		if !strings.Contains(more, "max_tokens") {
			more += `,"max_tokens":50`
		}
	}
	c.body = `{"model":` + quote(model) + `,"messages":[{"role":"user","content":` + quote(text) + `}]` + more + `}`
	return c
}

func quote(s string) string { return `"` + s + `"` }

// Every refusal and failure has its status and code, in the envelope of the
// caller's dialect, leaves a record, holds nothing; and what is refused never
// reaches the provider.
func TestErrorCodesInBothDialects(t *testing.T) {
	p := newProvider(t)
	s := startFull(t, p)
	model := map[bool]string{false: "gpt-4o-mini", true: "claude-sonnet-4-5"}
	dead := map[bool]string{false: "dead-1", true: "dead-claude-1"}
	free := map[bool]string{false: "unpriced-x", true: "unpriced-claude"}
	type errorCase struct {
		name   string
		status int
		code   string
		make   func(anthropic bool) call
		answer func(w http.ResponseWriter, r *http.Request, body []byte)
		header map[string]string // expected on the answer, "*" for any value
		// stranger marks refusals before authentication, upstream those that
		// are the provider's fault and reach it.
		stranger, upstream bool
		// openai marks what an Anthropic client cannot ask for.
		openai bool
	}
	mod := func(f func(c *call)) func(bool) call {
		return func(anthropic bool) call {
			c := message(anthropic, model[anthropic], "Say hello.", "")
			c.header = map[string]string{}
			f(&c)
			return c
		}
	}
	cases := []errorCase{
		{name: "no key", status: 401, code: "unauthenticated", stranger: true, header: map[string]string{"Www-Authenticate": "*"},
			make: mod(func(c *call) { c.key = "-" })},
		{name: "wrong key", status: 401, code: "unauthenticated", stranger: true,
			make: mod(func(c *call) { c.key = wrongKey })},
		{name: "basic auth", status: 401, code: "unauthenticated", stranger: true,
			make: mod(func(c *call) { c.key = "-"; c.header["Authorization"] = "Basic d2ViOnNlY3JldA==" })},
		{name: "two keys", status: 400, code: "conflicting_credentials", stranger: true,
			make: mod(func(c *call) {
				c.header["X-Api-Key"], c.header["Authorization"] = webKey, "Bearer "+batchKey
			})},
		{name: "preflight", status: 403, code: "cors_disabled", stranger: true, make: mod(func(c *call) {
			c.method, c.key, c.body = "OPTIONS", "-", ""
			c.header["Origin"], c.header["Access-Control-Request-Method"] = "https://evil.example", "POST"
		})},
		{name: "not JSON", status: 400, code: "malformed", make: mod(func(c *call) { c.body = `{"model":` })},
		{name: "empty body", status: 400, code: "malformed", make: mod(func(c *call) { c.body = ""; c.header["Content-Type"] = "application/json" })},
		{name: "duplicate names", status: 400, code: "malformed", make: mod(func(c *call) { c.body = with(c.body, `,"model":"o3-pro"`) })},
		{name: "duplicate names by escape", status: 400, code: "malformed", make: mod(func(c *call) { c.body = with(c.body, `,"m\u006fdel":"o3-pro"`) })},
		{name: "duplicate names by case", status: 400, code: "malformed", make: mod(func(c *call) { c.body = with(c.body, `,"Model":"o3-pro"`) })},
		{name: "two documents", status: 400, code: "malformed", make: mod(func(c *call) { c.body += `{}` })},
		{name: "invalid UTF-8", status: 400, code: "malformed", make: mod(func(c *call) { c.body = strings.Replace(c.body, "Say", "S\xff", 1) })},
		{name: "too deep", status: 400, code: "malformed", make: mod(func(c *call) {
			c.body = with(c.body, `,"x":`+strings.Repeat("[", 300)+strings.Repeat("]", 300))
		})},
		{name: "no model", status: 400, code: "malformed", make: mod(func(c *call) { c.body = strings.Replace(c.body, `"model"`, `"x_model"`, 1) })},
		{name: "model is a number", status: 400, code: "malformed", make: func(anthropic bool) call {
			c := message(anthropic, "@", "x", "")
			c.body = strings.Replace(c.body, `"@"`, `7`, 1)
			return c
		}},
		{name: "stream is a string", status: 400, code: "malformed", make: mod(func(c *call) { c.body = with(c.body, `,"stream":"yes"`) })},
		{name: "max_tokens is a string", status: 400, code: "malformed", make: func(a bool) call {
			return message(a, model[a], "x", `,"max_tokens":"50"`)
		}},
		{name: "max_tokens is negative", status: 400, code: "malformed", make: func(a bool) call {
			return message(a, model[a], "x", `,"max_tokens":-1`)
		}},
		{name: "max_tokens is huge", status: 400, code: "malformed", make: func(a bool) call {
			return message(a, model[a], "x", `,"max_tokens":1e400`)
		}},
		{name: "path with dots", status: 400, code: "malformed", make: mod(func(c *call) { c.path = "/v1/x/%2e%2e" + c.path[3:] })},
		{name: "path with a slash escaped", status: 400, code: "malformed", make: mod(func(c *call) { c.path = "/v1/..%2fv1" + c.path[3:] })},
		{name: "wrong method", status: 405, code: "method_not_allowed", header: map[string]string{"Allow": "POST"},
			make: mod(func(c *call) { c.method, c.body = "GET", "" })},
		{name: "unknown path", status: 404, code: "not_found", make: mod(func(c *call) { c.path = "/v1/unknown" })},
		{name: "wrong content type", status: 415, code: "unsupported_media_type", make: mod(func(c *call) { c.header["Content-Type"] = "text/plain" })},
		{name: "a form", status: 415, code: "unsupported_media_type", make: mod(func(c *call) { c.header["Content-Type"] = "multipart/form-data; boundary=x" })},
		{name: "unknown encoding", status: 415, code: "unsupported_media_type", make: mod(func(c *call) { c.header["Content-Encoding"] = "compress" })},
		{name: "two encodings", status: 415, code: "unsupported_media_type", make: mod(func(c *call) { c.header["Content-Encoding"] = "gzip, br" })},
		{name: "gzip that is none", status: 400, code: "malformed", make: mod(func(c *call) { c.header["Content-Encoding"] = "gzip" })},
		{name: "too large", status: 413, code: "too_large", make: mod(func(c *call) { c.body = with(c.body, `,"x":"`+strings.Repeat("a", 32<<20)+`"`) })},
		{name: "upgrade", status: 501, code: "upgrade_unsupported", make: mod(func(c *call) {
			c.method, c.body = "GET", ""
			c.header["Connection"], c.header["Upgrade"] = "Upgrade", "websocket"
		})},
		{name: "forbidden model", status: 403, code: "model_not_allowed", make: func(a bool) call { return message(a, "o3-pro", "x", "") }},
		{name: "unknown model", status: 404, code: "model_not_found", make: func(a bool) call { return message(a, "unknown-1", "x", "") }},
		{name: "dialect that cannot be translated", status: 400, code: "unsupported_dialect", openai: true, make: func(a bool) call {
			c := message(a, model[true], "x", "")
			c.path, c.body = "/v1/completions", `{"model":"`+model[true]+`","prompt":"x","max_tokens":5}`
			return c
		}},
		{name: "what cannot be translated", status: 400, code: "unsupported_field", make: func(a bool) call {
			if a {
				return message(a, model[!a], "x", `,"top_k":3`)
			}
			return message(a, model[!a], "x", `,"logit_bias":{"1":1}`)
		}},
		{name: "policy", status: 422, code: "policy_blocked", make: func(a bool) call { return message(a, model[a], "about FALCON", "") }},
		{name: "policy reads escapes", status: 422, code: "policy_blocked", make: func(a bool) call { return message(a, model[a], `\u0046ALCON`, "") }},
		{name: "unpriced", status: 403, code: "model_unpriced", make: func(a bool) call { return message(a, free[a], "x", "") }},
		{name: "unbounded", status: 403, code: "unbounded_request", make: func(a bool) call {
			if a {
				return message(a, model[a], "x", `,"tools":[{"type":"web_search_20250305","name":"web_search"}]`)
			}
			c := message(a, model[a], "x", "")
			c.path, c.body = "/v1/responses", `{"model":"gpt-4o-mini","input":"x","prompt":{"id":"pmpt_1"},"max_output_tokens":10}`
			return c
		}},
		{name: "budget", status: 429, code: "budget_exceeded", header: map[string]string{"Retry-After": "*", "X-Should-Retry": "false"},
			make: func(a bool) call { return message(a, model[a], "x", `,"max_tokens":9000000`) }},
		{name: "panic", status: 500, code: "internal_error", make: mod(func(c *call) { c.header["X-Test-Panic"] = "1" })},
		{name: "dead provider", status: 502, code: "provider_error", make: func(a bool) call { return message(a, dead[a], "x", "") }},
		{name: "not JSON from the provider", status: 502, code: "provider_error", upstream: true, make: mod(func(*call) {}),
			answer: func(w http.ResponseWriter, _ *http.Request, _ []byte) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = io.WriteString(w, "<html>")
			}},
		{name: "broken JSON from the provider", status: 502, code: "provider_error", upstream: true, make: mod(func(*call) {}),
			answer: func(w http.ResponseWriter, _ *http.Request, _ []byte) { sendJSON(w, 200, chatWhole[:len(chatWhole)-9]) }},
		{name: "cut body from the provider", status: 502, code: "provider_error", upstream: true, make: mod(func(*call) {}),
			answer: func(w http.ResponseWriter, _ *http.Request, _ []byte) {
				w.Header().Set("Content-Length", "5000")
				sendJSON(w, 200, chatWhole[:100])
				w.(http.Flusher).Flush()
				panic(http.ErrAbortHandler)
			}},
		{name: "redirect from the provider", status: 502, code: "provider_error", upstream: true, make: mod(func(*call) {}),
			answer: func(w http.ResponseWriter, r *http.Request, _ []byte) {
				http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
			}},
		{name: "encoding that was not asked for", status: 502, code: "provider_error", upstream: true, make: mod(func(*call) {}),
			answer: func(w http.ResponseWriter, _ *http.Request, _ []byte) {
				w.Header().Set("Content-Encoding", "br")
				sendJSON(w, 200, "\x1b\x00")
			}},
		{name: "slow provider", status: 504, code: "provider_timeout", upstream: true, make: mod(func(*call) {}),
			answer: func(_ http.ResponseWriter, r *http.Request, _ []byte) { <-r.Context().Done() }},
	}
	codes := map[string]bool{}
	var ids []struct{ id, name, code string }
	for _, c := range cases {
		for _, anthropic := range []bool{false, true} {
			if anthropic && c.openai {
				continue
			}
			name := c.name + map[bool]string{false: "/openai", true: "/anthropic"}[anthropic]
			t.Run(name, func(t *testing.T) {
				s.t = t
				p.forget()
				p.answers(plainAnswer)
				if c.answer != nil {
					p.answers(c.answer)
				}
				cl := c.make(anthropic)
				a := s.do(cl)
				a.denied(c.status, c.code, anthropic)
				for name, want := range c.header {
					if got := a.Header.Get(name); got != want && (want != "*" || got == "") {
						t.Errorf("%s: %q, want %q", name, got, want)
					}
				}
				if n := p.count(); (n > 0) != c.upstream {
					t.Errorf("%d requests reached the provider", n)
				}
				for _, secret := range append([]string{s.dir, "goroutine", ".go:"}, canaries...) {
					if strings.Contains(a.Body, secret) {
						t.Errorf("%q is in the answer: %s", secret, a.Body)
					}
				}
				codes[c.code] = true
				if !c.stranger {
					ids = append(ids, struct{ id, name, code string }{a.Header.Get("Llm-Request-Id"), name, c.code})
				}
			})
		}
	}
	s.t = t
	t.Logf("%d codes in both dialects: %d cases", len(codes), 2*len(cases))
	for _, x := range ids {
		if x.id == "" {
			continue
		}
		rec := s.ended(x.id)
		if rec.Denial.Code != x.code || rec.Principal.Key != "web" {
			t.Errorf("%s: the record: %s", x.name, rec.raw)
		}
	}
	// The gateway still works, and nothing is left held.
	p.answers(plainAnswer)
	s.chat(call{}).ok()
	s.slots(p, 4)
	s.nothingHeld()
	s.verify("default")
	denied := 0
	for _, r := range s.records("default", "") {
		if r.Denial.Code == "unauthenticated" {
			denied++
		}
	}
	// Six strangers' refusals: the first and a count, so that they cannot fill
	// the disk.
	if denied < 1 || denied > 3 {
		t.Errorf("%d records for the strangers", denied)
	}
}

// The requests limit refuses with its headers, in both dialects, and a
// request that is refused later has been counted.
func TestRateLimited(t *testing.T) {
	p := newProvider(t)
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
		key batch {env.BATCH_KEY}
	}
	llm_ratelimit {
		requests 2/h
		concurrent 1 per key
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}`, options{vars: map[string]string{"openai": p.URL}})
	s.chat(call{}).ok()
	s.chat(call{path: "/v1/unknown"}).denied(404, "not_found", false) // is none of the calls that are counted
	s.chat(call{body: `{`}).denied(400, "malformed", false)
	a := s.chat(call{}).denied(429, "rate_limited", false)
	if a.Header.Get("Retry-After") == "" || a.Header.Get("X-Ratelimit-Limit-Requests") != "2" || a.Header.Get("X-Ratelimit-Remaining-Requests") != "0" || a.Header.Get("X-Ratelimit-Reset-Requests") == "" {
		t.Errorf("headers: %v", a.Header)
	}
	if a.Header.Get("X-Should-Retry") == "false" {
		t.Error("a rate limit forbids to retry")
	}
	a = s.do(message(true, "gpt-4o", "x", "")).denied(429, "rate_limited", true)
	if a.Header.Get("Anthropic-Ratelimit-Requests-Limit") != "2" {
		t.Errorf("headers: %v", a.Header)
	}
	// One at a time, of another key.
	g := newGate()
	p.answers(g.answer)
	st := s.open(call{key: batchKey, path: "/v1/chat/completions", body: dialects[0].streamRequest})
	g.next <- chatEvents[0] + "\n\n"
	st.want(chatEvents[0] + "\n\n")
	a = s.chat(call{key: batchKey}).denied(429, "rate_limited", false)
	if !strings.Contains(a.Body, "at once") {
		t.Errorf("not the limit of concurrency: %s", a.Body)
	}
	st.close()
	<-g.gone
	p.answers(plainAnswer)
	if !eventually(func() bool { return s.chat(call{key: batchKey}).Status != 429 || time.Now().IsZero() }) {
		t.Error("the slot of a client that left was not given back")
	}
}

// A route without the required governors refuses to serve.
func TestMisordered(t *testing.T) {
	p := newProvider(t)
	for name, body := range map[string]string{
		"no auth":       "\tllm_audit\n\tllm_upstream openai {env.OPENAI_API_KEY} {\n\t\tbase_url {{openai}}/v1\n\t}\n",
		"auth too late": "\troute {\n\t\tllm_audit\n\t\tllm_upstream openai {env.OPENAI_API_KEY} {\n\t\t\tbase_url {{openai}}/v1\n\t\t}\n\t\tllm_auth {\n\t\t\tkey web {env.WEB_APP_KEY}\n\t\t}\n\t}\n",
		"alone":         "\tllm_upstream openai {env.OPENAI_API_KEY} {\n\t\tbase_url {{openai}}/v1\n\t}\n",
	} {
		t.Run(name, func(t *testing.T) {
			p.forget()
			s := start(t, ":8080 {\n"+body+"}\n", options{vars: map[string]string{"openai": p.URL}})
			s.chat(call{}).denied(500, "misordered", false)
			s.do(message(true, "x", "x", "")).denied(500, "misordered", true)
			if p.count() != 0 {
				t.Error("it reached the provider")
			}
			if !strings.Contains(s.read("default.log"), "llm_auth") {
				t.Error("the log does not tell the operator")
			}
		})
	}
}

// errors pass hands refusals to handle_errors, with their status.
func TestErrorsPass(t *testing.T) {
	p := newProvider(t)
	s := start(t, `
:8080 {
	llm_audit {
		errors pass
	}
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
	handle_errors {
		respond "mine: {err.status_code} {http.llm.decision}" {err.status_code}
	}
}`, options{vars: map[string]string{"openai": p.URL}, patch: safeLogs})
	a := s.chat(call{key: wrongKey})
	if a.Status != 401 || a.Body != "mine: 401 deny" || a.Header.Get("Llm-Request-Id") == "" {
		t.Errorf("got %d %q %v", a.Status, a.Body, a.Header)
	}
	if a := s.chat(call{header: map[string]string{"X-Api-Key": webKey, "Authorization": ""}}).ok(); a.Body != chatWhole {
		t.Error(a.Body)
	}
	if a := s.chat(call{body: "{"}); a.Status != 400 || a.Body != "mine: 400 deny" {
		t.Errorf("got %d %q", a.Status, a.Body)
	}
}

// safeLogs gives the default log the encoder llm_safe, as the docs tell
// operators who pass errors on.
func safeLogs(cfg map[string]any) {
	walk(cfg["logging"], func(m map[string]any) {
		if m["writer"] != nil {
			m["encoder"] = map[string]any{"format": "llm_safe"}
		}
	})
}
