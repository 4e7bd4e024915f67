package caddytest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// contract reads one of the Caddyfiles that operators' configs depend on.
func contract(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name+".Caddyfile"))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// minimal.Caddyfile: "One key, one provider. No key: 401. Above 60 requests in a
// minute: 429. Every call, allowed or denied, is in the audit log in the data
// directory, audit/default."
func TestContractMinimal(t *testing.T) {
	// The file names no base_url, so the call goes to OpenAI's own address:
	// the transport is led to the mock on the way.
	p := newProvider(t)
	s := start(t, contract(t, "minimal"), options{patch: func(cfg map[string]any) { toMock(t, cfg, p.URL) }})

	a := s.chat(call{}).ok()
	if a.Body != chatWhole {
		t.Errorf("the answer was changed: %s", a.Body)
	}
	got := p.requests()[0]
	if got.URI != "/v1/chat/completions" || got.Header.Get("Authorization") != "Bearer "+openaiKey || got.Body != dialects[0].request {
		t.Errorf("the provider got %s %v %s", got.URI, got.Header, got.Body)
	}
	if a.Header.Get("X-Ratelimit-Limit-Requests") != "60" {
		t.Errorf("no rate headers: %v", a.Header)
	}
	nobody := s.chat(call{key: "-"}).denied(401, "unauthenticated", false)
	s.chat(call{key: wrongKey}).denied(401, "unauthenticated", false)

	var ids []string
	limited := 0
	for range 60 {
		a := s.chat(call{})
		if a.Status == 429 {
			limited++
			a.denied(429, "rate_limited", false)
			if n, err := strconv.Atoi(a.Header.Get("Retry-After")); err != nil || n < 1 || n > 62 {
				t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
			}
		} else {
			a.ok()
		}
		ids = append(ids, a.Header.Get("Llm-Request-Id"))
	}
	if limited != 1 {
		t.Errorf("of 61 requests %d were refused, want 1", limited)
	}
	if n := p.count(); n != 60 {
		t.Errorf("%d requests reached the provider, want 60", n)
	}
	s.stop()
	s.verify("default")
	for i, id := range append(ids, a.Header.Get("Llm-Request-Id")) {
		rec := s.ended(id)
		want := "completed"
		if rec.Status == 429 {
			want = "denied"
		}
		if rec.Stage != want || rec.Principal.Key != "web" {
			t.Fatalf("request %d: %s", i, rec.raw)
		}
	}
	if rec := s.ended(nobody.Header.Get("Llm-Request-Id")); rec.Stage != "denied" || rec.Denial.Code != "unauthenticated" || rec.Status != 401 {
		t.Errorf("the stranger's record: %s", rec.raw)
	}
}

// toMock leads the calls of the configured providers to a mock, below what the
// gateway knows of addresses: by their base_url in the adapted config.
func toMock(t *testing.T, cfg map[string]any, url string) {
	t.Helper()
	changed := 0
	walk(cfg, func(m map[string]any) {
		if m["handler"] != "llm_upstream" {
			return
		}
		if p, ok := m["provider"].(map[string]any); ok {
			if p["base_url"] != nil {
				t.Error("the config names a base_url already")
			}
			p["base_url"] = url + "/v1"
			changed++
		}
	})
	if changed != 1 {
		t.Fatalf("%d providers in the config", changed)
	}
}

// walk visits every object of a config.
func walk(v any, f func(map[string]any)) {
	switch v := v.(type) {
	case map[string]any:
		f(v)
		for _, e := range v {
			walk(e, f)
		}
	case []any:
		for _, e := range v {
			walk(e, f)
		}
	}
}

// compatible.Caddyfile: "Any OpenAI-compatible server … behind one key, audited;
// usage metered, nothing priced."
func TestContractCompatible(t *testing.T) {
	p := newProvider(t)
	t.Setenv("OPENAI_BASE_URL", p.URL+"/v1")
	s := start(t, contract(t, "compatible"), options{})

	body := `{"model":"my-own-model","messages":[{"role":"user","content":"Say hello."}]}`
	whole := s.chat(call{body: body}).ok()
	if whole.Body != chatWhole {
		t.Errorf("the answer was changed: %s", whole.Body)
	}
	if got := p.requests()[0]; got.Body != body {
		t.Errorf("the request was changed: %s", got.Body)
	}
	streamed := s.chat(call{body: strings.Replace(body, `]}`, `],"stream":true}`, 1)}).ok()
	if streamed.Body != stream(chatEvents...) {
		t.Errorf("the stream was changed, or shows the usage chunk that nobody asked for:\n%s", streamed.Body)
	}
	if got := p.requests()[1]; !strings.Contains(got.Body, `"include_usage":true`) {
		t.Errorf("usage was not asked for: %s", got.Body)
	}
	s.chat(call{key: "-"}).denied(401, "unauthenticated", false)
	totals := s.nothingHeld()
	if totals.Rows != 2 || totals.Settled != 0 {
		t.Errorf("the ledger: %+v", totals)
	}
	for _, a := range []*answer{whole, streamed} {
		id := a.Header.Get("Llm-Request-Id")
		rec := s.ended(id)
		if rec.Outcome != "ok" || rec.Usage.Input != 11 || rec.Usage.Output != 7 || rec.Cost != 0 || rec.Model != "my-own-model" {
			t.Errorf("the record: %s", rec.raw)
		}
		if rec.Answer != sha(a.Body) || rec.BytesOut != int64(len(a.Body)) {
			t.Errorf("the record does not stand for the answer: %s", rec.raw)
		}
		if rows := s.rows(id); len(rows) != 1 || rows[0].Usage.Input != 11 || rows[0].Usage.Output != 7 || rows[0].Key != "web" {
			t.Errorf("the rows: %+v", rows)
		}
	}
	s.verify("default")
}

// in-front-of-reverse-proxy.Caddyfile: "An existing site that already proxies to
// a local model server gets governance without changing its upstream."
func TestContractInFrontOfReverseProxy(t *testing.T) {
	p := newProvider(t)
	t.Setenv("MODEL_SERVER", strings.TrimPrefix(p.URL, "http://"))
	s := start(t, contract(t, "in-front-of-reverse-proxy"), options{})

	if a := s.do(call{method: "GET", path: "/", key: "-"}).ok(); a.Body != "hello" {
		t.Errorf("the rest of the site: %s", a.Body)
	}
	s.chat(call{key: "-"}).denied(401, "unauthenticated", false)
	if p.count() != 0 {
		t.Fatal("a call without a key reached the model server")
	}
	request := strings.Replace(dialects[0].request, "gpt-4o-mini", "local", 1)
	whole := s.chat(call{body: request}).ok()
	if whole.Body != chatWhole {
		t.Errorf("the answer was changed: %s", whole.Body)
	}
	if got := p.requests()[0]; got.Header.Get("Authorization") != "" || got.Body != request {
		t.Errorf("the model server got %v %s", got.Header, got.Body)
	}
	streamed := s.chat(call{body: with(request, `,"stream":true`)}).ok()
	// What may become an address is held for a moment, so the cuts may move.
	if text, _ := heard(t, "", streamed.Body, true); text != "Hello there." || !strings.HasSuffix(streamed.Body, "data: [DONE]\n\n") {
		t.Errorf("the stream:\n%s", streamed.Body)
	}
	// $5 a day at $1 a million tokens: 6 million tokens of output do not fit and are
	// lowered to what does; 6 million bytes of input do not fit whatever comes out.
	p.forget()
	s.chat(call{body: `{"model":"local","messages":[{"role":"user","content":"Hi"}],"max_tokens":6000000}`}).ok()
	var lowered struct {
		MaxTokens int64 `json:"max_tokens"`
	}
	if got := p.requests()[0].Body; json.Unmarshal([]byte(got), &lowered) != nil || lowered.MaxTokens < 4_900_000 || lowered.MaxTokens >= 5_000_000 {
		t.Errorf("6 million tokens were lowered to %q", got)
	}
	p.forget()
	big := s.chat(call{body: `{"model":"local","messages":[{"role":"user","content":"` + strings.Repeat("Hi ", 2_000_000) + `"}],"max_tokens":10}`})
	big.denied(429, "budget_exceeded", false)
	if big.Header.Get("X-Should-Retry") != "false" || big.Header.Get("Retry-After") == "" {
		t.Errorf("headers of an exhausted budget: %v", big.Header)
	}
	if p.count() != 0 {
		t.Error("a call beyond the budget reached the model server")
	}
	// A limit is put into a request that names none.
	s.chat(call{body: `{"model":"local","messages":[{"role":"user","content":"Hi"}]}`}).ok()
	if got := p.requests()[0].Body; !strings.Contains(got, `"max_tokens":16384`) {
		t.Errorf("no limit on the output: %s", got)
	}
	// A dead model server is an error in the caller's dialect and costs nothing.
	p.Close()
	dead := s.chat(call{body: request}).denied(502, "provider_error", false)

	totals := s.nothingHeld()
	// 18 tokens at $1 a million, four times.
	if want := int64(4 * 18_000); int64(totals.Settled) != want {
		t.Errorf("settled %s, want %d nano-dollars", totals.Settled, want)
	}
	if rec := s.ended(dead.Header.Get("Llm-Request-Id")); rec.Outcome != "provider_error" || rec.Cost != 0 {
		t.Errorf("the record of the dead server: %s", rec.raw)
	}
	if rec := s.ended(big.Header.Get("Llm-Request-Id")); rec.Stage != "denied" || rec.Denial.Code != "budget_exceeded" {
		t.Errorf("the record of the refusal: %s", rec.raw)
	}
	if rec := s.ended(streamed.Header.Get("Llm-Request-Id")); rec.Cost != 18_000 || rec.Outcome != "ok" || !rec.Stream {
		t.Errorf("the record of the stream: %s", rec.raw)
	}
	s.verify("default")
}
