package caddytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// The metrics have the names and labels of the contract, and what comes from
// strangers is no label.
func TestMetrics(t *testing.T) {
	p := newProvider(t)
	site := strings.Replace(fullSite, "\n{\n", "\n{\n\tmetrics\n", 1)
	site = strings.Replace(site, ":8080 {\n", ":8080 {\n\t@scrape path /metrics\n\troute @scrape {\n\t\tmetrics\n\t}\n", 1)
	site = strings.Replace(site, "\tllm_audit\n", "\thandle {\n\tllm_audit\n", 1) + "}\n"
	site = strings.Replace(site, "route @scrape", "handle @scrape", 1)
	s := start(t, site, options{vars: map[string]string{"openai": p.URL, "deadport": fmt.Sprint(freePort(t))}})
	before := scrape(t, s)
	s.chat(call{}).ok()
	s.do(message(true, "claude-sonnet-4-5", "Say hello.", "")).ok()
	s.chat(call{body: dialects[0].streamRequest}).ok()
	s.chat(call{key: wrongKey})
	s.do(message(false, "gpt-4o-mini", "FALCON", ""))
	s.do(message(false, "gpt-4o-nobody-knows-this-one", "x", ""))
	s.do(message(false, "dead-1", "x", ""))
	s.do(message(false, "gpt-4o-mini", "x", `,"max_tokens":9000000`))
	var after map[string]float64
	if !eventually(func() bool {
		after = scrape(t, s)
		return sum(after, "caddy_llm_requests_total")-sum(before, "caddy_llm_requests_total") >= 8
	}) {
		t.Errorf("8 requests were made, %v counted", sum(after, "caddy_llm_requests_total")-sum(before, "caddy_llm_requests_total"))
	}
	for _, name := range []string{
		"caddy_llm_requests_total", "caddy_llm_tokens_total", "caddy_llm_cost_usd_total", "caddy_llm_request_duration_seconds_count",
		"caddy_llm_ttft_seconds_count", "caddy_llm_denied_total", "caddy_llm_policy_rule_total", "caddy_llm_budget_remaining_ratio",
		"caddy_llm_reserved_usd", "caddy_llm_audit_append_duration_seconds_count", "caddy_llm_upstream_attempts_total",
	} {
		if !slices.ContainsFunc(keys(after), func(k string) bool { return k == name || strings.HasPrefix(k, name+"{") }) {
			t.Errorf("no series %s", name)
		}
	}
	for _, want := range []struct {
		name   string
		labels []string
		n      float64
	}{
		{"caddy_llm_requests_total", []string{`dialect="chat"`, `provider="openai"`, `model="gpt-4o*"`, `team="growth"`, `outcome="ok"`, `server="srv0"`}, 2},
		{"caddy_llm_requests_total", []string{`dialect="messages"`, `provider="claude"`, `outcome="ok"`}, 1},
		{"caddy_llm_tokens_total", []string{`provider="openai"`, `kind="input"`}, 22},
		{"caddy_llm_tokens_total", []string{`provider="claude"`, `kind="output"`}, 7},
		{"caddy_llm_denied_total", []string{`stage="auth"`, `code="unauthenticated"`}, 1},
		{"caddy_llm_denied_total", []string{`stage="policy"`, `code="policy_blocked"`}, 1},
		{"caddy_llm_denied_total", []string{`stage="quota"`, `code="model_unpriced"`}, 1},
		{"caddy_llm_denied_total", []string{`stage="quota"`, `code="budget_exceeded"`}, 1},
		{"caddy_llm_denied_total", []string{`stage="provider"`, `code="provider_error"`}, 1},
		{"caddy_llm_policy_rule_total", []string{`rule="no-falcon"`, `action="deny"`, `enforcement="on"`}, 1},
		{"caddy_llm_policy_rule_total", []string{`rule="greeting"`, `action="flag"`}, 3},
		{"caddy_llm_upstream_attempts_total", []string{`provider="openai"`, `result="answered"`}, 2},
		{"caddy_llm_upstream_attempts_total", []string{`provider="dead"`, `result="unsent"`}, 1},
		{"caddy_llm_ttft_seconds_count", []string{`dialect="chat"`}, 2},
	} {
		got := matching(after, want.name, want.labels) - matching(before, want.name, want.labels)
		if got < want.n {
			t.Errorf("%s%v: %v, want at least %v", want.name, want.labels, got, want.n)
		}
	}
	if got := sum(after, "caddy_llm_reserved_usd"); got != 0 {
		t.Errorf("reserved: %v", got)
	}
	for k, v := range after {
		if strings.HasPrefix(k, "caddy_llm_budget_remaining_ratio") && (v <= 0 || v > 1) {
			t.Errorf("%s: %v", k, v)
		}
		if strings.HasPrefix(k, "caddy_llm_") && (strings.Contains(k, "nobody-knows") || strings.Contains(k, wrongKey)) {
			t.Errorf("a stranger's word became a label: %s", k)
		}
	}
	// Metrics go on over a reload.
	if err := s.apply(strings.Replace(site, "1 USD/day", "2 USD/day", 1), options{}); err != nil {
		t.Fatal(err)
	}
	again := scrape(t, s)
	if sum(again, "caddy_llm_requests_total") < sum(after, "caddy_llm_requests_total") {
		t.Error("the counters began anew at a reload")
	}
}

func keys(m map[string]float64) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	return out
}

// scrape reads the metrics of a site.
func scrape(t *testing.T, s *site) map[string]float64 {
	t.Helper()
	a := s.do(call{method: "GET", path: "/metrics", key: "-"}).ok()
	out := map[string]float64{}
	for _, line := range strings.Split(a.Body, "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		var v float64
		if _, err := fmt.Sscan(line[i+1:], &v); err == nil {
			out[line[:i]] = v
		}
	}
	return out
}

func sum(m map[string]float64, name string) float64 { return matching(m, name, nil) }

func matching(m map[string]float64, name string, labels []string) (total float64) {
	for k, v := range m {
		if k != name && !strings.HasPrefix(k, name+"{") {
			continue
		}
		if !slices.ContainsFunc(labels, func(l string) bool { return !strings.Contains(k, l) }) {
			total += v
		}
	}
	return total
}

// Placeholders are there for Caddy's own directives, after the call.
func TestPlaceholders(t *testing.T) {
	p := newProvider(t)
	names := []string{"request_id", "dialect", "model", "upstream_model", "provider", "stream", "user", "key.id", "team", "org",
		"decision", "rule", "tokens.input", "tokens.output", "cost.usd", "ttft_ms"}
	var lines string
	for _, n := range names {
		lines += "\tlog_append p." + n + " {http.llm." + n + "}\n"
	}
	s := start(t, `
{
	llm_gateway {
		provider openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{openai}}/v1
		}
	}
}
:8080 {
	log {
		output file {{dir}}/access.log
		format llm_safe
	}
`+lines+`
	log_append p.auth {http.auth.user.id}
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			user ada
			team growth
			org acme
		}
	}
	llm_policy {
		deny falcon `+"`prompt.all.exists(s, s.text.contains(\"FALCON\"))`"+`
	}
	llm_cost {
		budget 1 USD/day
	}
	llm_upstream {
		model smart openai/gpt-4o
		model * openai
	}
}`, options{vars: map[string]string{"openai": p.URL}})
	entries := func(n int) []map[string]any {
		var out []map[string]any
		if !eventually(func() bool { return strings.Count(s.read("access.log"), "\n") >= n }) {
			t.Fatalf("the access log: %s", s.read("access.log"))
		}
		for _, line := range strings.Split(strings.TrimSpace(s.read("access.log")), "\n") {
			var e map[string]any
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatal(err)
			}
			out = append(out, e)
		}
		return out
	}
	check := func(e map[string]any, want map[string]string) {
		t.Helper()
		for name, w := range want {
			if got := fmt.Sprint(e["p."+name]); got != w {
				t.Errorf("{http.llm.%s} is %q, want %q", name, got, w)
			}
		}
	}
	a := s.chat(call{body: `{"model":"smart","messages":[{"role":"user","content":"Say hello."}]}`}).ok()
	e := entries(1)[0]
	// It was served by gpt-4o-mini: 11 tokens at $0.15 and 7 at $0.60 a million.
	check(e, map[string]string{"request_id": a.Header.Get("Llm-Request-Id"), "dialect": "chat", "model": "smart", "upstream_model": "gpt-4o",
		"provider": "openai", "stream": "false", "user": "ada", "key.id": "web", "team": "growth", "org": "acme", "decision": "allow", "rule": "",
		"tokens.input": "11", "tokens.output": "7", "cost.usd": "0.00000585", "auth": "web"})
	if e["p.ttft_ms"] == nil || e["user_id"] != "web" {
		t.Errorf("ttft %v, user_id %v", e["p.ttft_ms"], e["user_id"])
	}
	llm, _ := e["llm"].(map[string]any)
	if llm["request_id"] != a.Header.Get("Llm-Request-Id") || llm["outcome"] != "ok" || llm["cost_usd"] != "0.00000585" {
		t.Errorf("the object llm: %v", llm)
	}
	if got := p.requests()[0].Body; !strings.Contains(got, `"model":"gpt-4o"`) {
		t.Errorf("the alias was not resolved: %s", got)
	}
	s.do(message(false, "gpt-4o", "FALCON", "")).denied(422, "policy_blocked", false)
	e = entries(2)[1]
	check(e, map[string]string{"decision": "deny", "rule": "falcon", "tokens.input": "0", "cost.usd": "0.00"})
	s.chat(call{body: dialects[0].streamRequest}).ok()
	check(entries(3)[2], map[string]string{"stream": "true", "model": "gpt-4o-mini", "tokens.output": "7"})
}

// Two sites that name the same limit share it.
func TestTwoSitesShareALimiter(t *testing.T) {
	p := newProvider(t)
	second := freePort(t)
	block := ` {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_ratelimit requests 3/h
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}
`
	s := start(t, ":8080"+block+fmt.Sprint(":", second)+block, options{vars: map[string]string{"openai": p.URL}})
	other := *s
	other.URL = fmt.Sprintf("http://127.0.0.1:%d", second)
	s.chat(call{}).ok()
	other.chat(call{}).ok()
	s.chat(call{}).ok()
	other.chat(call{}).denied(429, "rate_limited", false)
	s.chat(call{}).denied(429, "rate_limited", false)
	if p.count() != 3 {
		t.Errorf("%d requests reached the provider", p.count())
	}
	s.stop()
	if recs := s.records("default", ""); len(recs) != 3*2+2 {
		t.Errorf("%d records of two sites", len(recs))
	}
}

// Governors work wherever an operator puts them, under any prefix, and a handle
// or route beside them does not slip past.
func TestUnderHandleRouteAndPrefix(t *testing.T) {
	p := newProvider(t)
	block := `
		llm_audit
		llm_auth {
			key web {env.WEB_APP_KEY}
		}
		llm_upstream openai {env.OPENAI_API_KEY} {
			base_url {{openai}}/v1
		}
`
	for name, c := range map[string]struct{ site, path string }{
		"handle":            {"handle /v1/* {" + block + "\t}\n", "/v1/chat/completions"},
		"handle_path":       {"handle_path /llm/* {" + block + "\t}\n", "/llm/v1/chat/completions"},
		"route":             {"route {" + block + "\t}\n", "/v1/chat/completions"},
		"route with path":   {"route /team-a/* {" + block + "\t}\n", "/team-a/v1/chat/completions"},
		"prefix":            {block, "/some/prefix/v1/chat/completions"},
		"beside a handle":   {"llm_audit\n\tllm_auth {\n\t\tkey web {env.WEB_APP_KEY}\n\t}\n\thandle /v1/* {\n\t\tllm_upstream openai {env.OPENAI_API_KEY} {\n\t\t\tbase_url {{openai}}/v1\n\t\t}\n\t}\n\thandle {\n\t\trespond 404\n\t}\n", "/v1/chat/completions"},
		"beside a proxy":    {"llm_audit\n\tllm_auth {\n\t\tkey web {env.WEB_APP_KEY}\n\t}\n\thandle /v1/* {\n\t\treverse_proxy {{openai}}\n\t}\n", "/v1/chat/completions"},
		"split over routes": {"route {\n\t\tllm_audit\n\t\troute {\n\t\t\tllm_auth {\n\t\t\t\tkey web {env.WEB_APP_KEY}\n\t\t\t}\n\t\t}\n\t\tllm_upstream openai {env.OPENAI_API_KEY} {\n\t\t\tbase_url {{openai}}/v1\n\t\t}\n\t}\n", "/v1/chat/completions"},
	} {
		t.Run(name, func(t *testing.T) {
			p.forget()
			s := start(t, ":8080 {\n\t"+c.site+"}\n", options{vars: map[string]string{"openai": p.URL}})
			if a := s.chat(call{path: c.path}).ok(); a.Body != chatWhole {
				t.Errorf("got %s", a.Body)
			}
			if got := p.requests(); len(got) != 1 || got[0].URI != "/v1/chat/completions" {
				t.Errorf("the provider got %+v", got)
			}
			p.forget()
			s.chat(call{path: c.path, key: "-"}).denied(401, "unauthenticated", false)
			s.chat(call{path: c.path, key: wrongKey}).denied(401, "unauthenticated", false)
			if p.count() != 0 {
				t.Error("a call without a key reached the provider")
			}
		})
	}
}

// GET /v1/models answers in the caller's dialect with what this caller may use.
func TestModels(t *testing.T) {
	p := newProvider(t)
	s := startFull(t, p)
	ids := func(a *answer) []string {
		t.Helper()
		var list struct {
			Object  string
			Data    []struct{ ID, Object, Type string }
			HasMore *bool `json:"has_more"`
		}
		if err := json.Unmarshal([]byte(a.Body), &list); err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, m := range list.Data {
			out = append(out, m.ID)
		}
		slices.Sort(out)
		return out
	}
	a := s.do(call{method: "GET", path: "/v1/models"}).ok()
	if got := ids(a); !slices.Equal(got, []string{"claude-sonnet-4-5", "gpt-4o", "gpt-4o-mini"}) || !strings.Contains(a.Body, `"object":"list"`) {
		t.Errorf("got %v: %s", got, a.Body)
	}
	a = s.do(call{method: "GET", path: "/v1/models?limit=1000", anthropic: true}).ok()
	if got := ids(a); len(got) != 3 || !strings.Contains(a.Body, `"has_more":false`) || !strings.Contains(a.Body, `"type":"model"`) {
		t.Errorf("got %s", a.Body)
	}
	if a := s.do(call{method: "GET", path: "/v1/models/gpt-4o"}).ok(); !strings.Contains(a.Body, `"id":"gpt-4o"`) {
		t.Error(a.Body)
	}
	s.do(call{method: "GET", path: "/v1/models/o3"}).denied(404, "model_not_found", false)
	s.do(call{method: "GET", path: "/v1/models/o3", anthropic: true}).denied(404, "model_not_found", true)
	s.do(call{method: "GET", path: "/v1/models", key: "-"}).denied(401, "unauthenticated", false)
	for _, r := range p.requests() {
		if want := map[bool]string{true: "/v1/models", false: "/v1/models"}[true]; !strings.HasPrefix(r.URI, want) || r.Method != "GET" {
			t.Errorf("the provider got %s %s", r.Method, r.URI)
		}
		if r.Header.Get("Anthropic-Version") != "" && r.Header.Get("X-Api-Key")+r.Header.Get("Authorization") == "" {
			t.Errorf("no key for the provider: %v", r.Header)
		}
	}
}

// Validating a config makes no file and dials nobody.
func TestValidateHasNoSideEffects(t *testing.T) {
	p := newProvider(t)
	for _, name := range []string{"minimal", "compatible", "in-front-of-reverse-proxy"} {
		t.Setenv("OPENAI_BASE_URL", p.URL+"/v1")
		t.Setenv("MODEL_SERVER", strings.TrimPrefix(p.URL, "http://"))
		validate(t, contract(t, name), options{})
	}
	validate(t, fullSite, options{vars: map[string]string{"openai": p.URL, "deadport": "1"}})
	if p.count() != 0 {
		t.Errorf("%d requests", p.count())
	}
}

func validate(t *testing.T, caddyfile string, o options) {
	t.Helper()
	s := prepare(t, o)
	var cfg *caddy.Config
	if err := caddy.StrictUnmarshalJSON(s.adapt(caddyfile, o), &cfg); err != nil {
		t.Fatal(err)
	}
	// Its file would be the test's.
	cfg.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}}}}
	if err := caddy.Validate(cfg); err != nil {
		t.Errorf("validating: %v", err)
	}
	_ = filepath.Walk(s.dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			t.Errorf("validating made %s", strings.TrimPrefix(path, s.dir))
		}
		return nil
	})
	if _, err := os.Stat(s.data); !os.IsNotExist(err) {
		t.Errorf("validating made the data directory: %v", err)
	}
}

// However a call ends, it is settled and recorded, and nothing stays held.
func TestReservedIsZeroAfterEveryEnding(t *testing.T) {
	p := newProvider(t)
	s := startFull(t, p)
	endings := map[string]func(w http.ResponseWriter, r *http.Request, body []byte){
		"ok": plainAnswer,
		"429": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			sendJSON(w, 429, `{"error":{"message":"slow down"}}`)
		},
		"500": func(w http.ResponseWriter, _ *http.Request, _ []byte) { sendJSON(w, 500, `{}`) },
		"cut": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			sendJSON(w, 200, `{"id`)
			panic(http.ErrAbortHandler)
		},
		"aborted before the header": func(http.ResponseWriter, *http.Request, []byte) { panic(http.ErrAbortHandler) },
		"empty":                     func(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(200) },
		"204":                       func(w http.ResponseWriter, _ *http.Request, _ []byte) { w.WriteHeader(204) },
		"302":                       func(w http.ResponseWriter, r *http.Request, _ []byte) { http.Redirect(w, r, "/", http.StatusFound) },
		"hints first": func(w http.ResponseWriter, r *http.Request, body []byte) {
			w.Header().Set("Link", "</x>; rel=preload")
			w.WriteHeader(103)
			plainAnswer(w, r, body)
		},
		"error inside 200": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			sendJSON(w, 200, `{"error":{"message":"overloaded","type":"server_error"}}`)
		},
		"stream without type": func(w http.ResponseWriter, _ *http.Request, body []byte) {
			w.Header()["Content-Type"] = nil
			sendPieces(w, stream(chatEvents...), 3, 1)
		},
		"slow": func(_ http.ResponseWriter, r *http.Request, _ []byte) { <-r.Context().Done() },
		"no usage": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			sendJSON(w, 200, `{"id":"x","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}`)
		},
	}
	for name, answer := range endings {
		t.Run(name, func(t *testing.T) {
			s.t = t
			p.answers(answer)
			for i := range dialects {
				d := &dialects[i]
				if d.name == "completions" {
					continue // its model is not for this key
				}
				for _, body := range []string{d.request, d.streamRequest} {
					if body == "" || strings.Contains(body, "embedding") {
						continue
					}
					a := s.do(call{path: d.path, body: body, anthropic: d.anthropic})
					rec := s.ended(a.Header.Get("Llm-Request-Id"))
					if len(rec.Attempts) != 1 || rec.Attempts[0].Result == "pending" || rec.Outcome == "" {
						t.Errorf("%s: the record: %s", d.name, rec.raw)
					}
					if rec.Status != a.Status {
						t.Errorf("%s: the record says %d, the client got %d", d.name, rec.Status, a.Status)
					}
				}
			}
		})
	}
	s.t = t
	s.slots(p, 4)
	s.nothingHeld()
	s.verify("default")
	for _, r := range s.rows("") {
		if r.Cost < 0 || r.Cost > r.Reserved {
			t.Errorf("a row costs %s of %s reserved: %+v", r.Cost, r.Reserved, r)
		}
	}
}

// The data directory belongs to one process.
func TestDataDirectoryIsPrivate(t *testing.T) {
	p := newProvider(t)
	s := start(t, strings.Replace(inputSite, "\tllm_upstream", "\tllm_cost {\n\t\tunpriced meter\n\t}\n\tllm_upstream", 1), options{vars: map[string]string{"openai": p.URL}})
	s.chat(call{}).ok()
	s.stop()
	_ = filepath.Walk(s.data, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()
		if mode&0o077 != 0 && !strings.HasSuffix(path, "key.pub") {
			t.Errorf("%s has mode %v", strings.TrimPrefix(path, s.data), mode)
		}
		return nil
	})
}
