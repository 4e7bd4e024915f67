package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// Tools are stripped, members set and headers asked for, in every dialect and before
// a stock proxy, where the bytes that leave say it.
func TestEditsLeave(t *testing.T) {
	p := newProvider(t)
	rules := strings.Join([]string{
		"\t\tset cool `true` {\n\t\t\ttemperature 0.2\n\t\t\tmax_tokens 40\n\t\t}",
		"\t\tstrip_tools shell `!(\"shell\" in caller.scopes)` bash* *_EXEC mcp_server",
		"\t\tdeny tools `llm.tools.exists(t, t.name.startsWith(\"bash\"))`",
		"\t\tredact mail email",
		"\t\trequire_header ticket `prompt.user.exists(s, s.text.contains(\"prod\"))` X-Ticket OPS-* {\n\t\t\tmessage \"name the ticket\"\n\t\t}",
	}, "\n")
	s := startPolicy(t, p, rules)
	sent := func(a *answer) string {
		t.Helper()
		a.ok()
		r := p.requests()
		return r[len(r)-1].Body
	}
	chat := `{"model":"gpt-4o","max_tokens":50,"temperature":1,"messages":[{"role":"user","content":"mail ann@home.example %s"}],"tools":[{"type":"function","function":{"name":"bash"}},{"type":"function","function":{"name":"Run_Exec"}},{"type":"function","function":{"name":"functions.Bash"}}],"tool_choice":"auto"}`
	want := `{"model":"gpt-4o","max_tokens":40,"temperature":0.2,"messages":[{"role":"user","content":"mail [EMAIL] now"}]}`
	if got := sent(s.chat(call{body: fmt.Sprintf(chat, "now")})); got != want {
		t.Errorf("the provider got\n%s\nwant\n%s", got, want)
	}
	msg := `{"model":"claude-sonnet-4-5","max_tokens":50,"messages":[{"role":"user","content":"hi"}],"mcp_servers":[{"type":"url","url":"https://mcp.example","name":"files"}],"tools":[{"name":"bash","input_schema":{}},{"name":"look","input_schema":{}}]}`
	got := sent(s.do(call{path: "/v1/messages", body: msg, anthropic: true}))
	if strings.Contains(got, "mcp") || strings.Contains(got, "bash") || !strings.Contains(got, `"look"`) || !strings.Contains(got, `"temperature":0.2`) {
		t.Errorf("the provider got %s", got)
	}
	s.chat(call{body: fmt.Sprintf(chat, "prod")}).denied(422, "policy_blocked", false)
	s.chat(call{body: fmt.Sprintf(chat, "prod"), header: map[string]string{"X-Ticket": "none"}}).denied(422, "policy_blocked", false)
	s.chat(call{body: fmt.Sprintf(chat, "prod"), header: map[string]string{"X-Ticket": "OPS-12"}}).ok()
	rec := s.ended(s.chat(call{body: fmt.Sprintf(chat, "now")}).Header.Get("Llm-Request-Id"))
	for _, want := range []string{`"rule":"shell","action":"strip_tools"`, `"detail":"3 tools"`, `"detail":"max_tokens 40, temperature 0.2"`} {
		if !strings.Contains(rec.raw, want) {
			t.Errorf("the record has no %s: %s", want, rec.raw)
		}
	}
	s.nothingHeld()
	s.stop()

	p.forget()
	t.Setenv("MODEL_SERVER", strings.TrimPrefix(p.URL, "http://"))
	s = start(t, ":8080 {\n\tllm_audit\n\tllm_auth {\n\t\tkey web {env.WEB_APP_KEY}\n\t}\n\tllm_policy {\n"+rules+"\n\t\troute other `true` local-model\n\t}\n\treverse_proxy {env.MODEL_SERVER}\n}", options{})
	if got := sent(s.chat(call{body: fmt.Sprintf(chat, "now")})); got != strings.Replace(want, "gpt-4o", "local-model", 1) {
		t.Errorf("the model server got\n%s", got)
	}
}

// approveSite is a site on which calls about money wait for a person.
const approveSite = `:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
		key batch {env.BATCH_KEY}
	}
	llm_policy {
		approve wire ` + "`prompt.user.exists(s, s.text.contains(\"wire\"))`" + ` "payments are looked at by a person" {
			expires {{expires}}
		}
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{url}}/v1
	}
}`

// restart runs a site that was stopped once more, with the same directories and
// another Caddyfile.
func (s *site) restart(caddyfile string, o options) {
	s.t.Helper()
	for name, v := range o.vars {
		caddyfile = strings.ReplaceAll(caddyfile, "{{"+name+"}}", v)
	}
	if err := caddy.Load(s.adapt(caddyfile, o), true); err != nil {
		s.t.Fatal(err)
	}
	s.stopped = false
}

func TestApprove(t *testing.T) {
	p := newProvider(t)
	admin := freePort(t)
	vars := map[string]string{"url": p.URL, "expires": "2h"}
	o := options{vars: vars, admin: admin, patch: func(cfg map[string]any) {
		cfg["admin"] = map[string]any{"listen": fmt.Sprintf("127.0.0.1:%d", admin)}
	}}
	s := start(t, approveSite, o)
	body := `{"model":"gpt-4o","messages":[{"role":"user","content":"wire 5 USD"}]}`
	ask := func(key, body, token string) *answer {
		t.Helper()
		return s.chat(call{key: key, body: body, header: map[string]string{"LLM-Approval": token}})
	}
	var list struct {
		Approvals []struct{ ID, State, Principal, Model, Rule string }
	}
	get := func() string {
		t.Helper()
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/llm_gateway/approvals?state=pending", admin))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if err := json.Unmarshal(b, &list); err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	decide := func(verb, id string, want int) string {
		t.Helper()
		resp, err := http.Post(fmt.Sprintf("http://127.0.0.1:%d/llm_gateway/approvals/%s", admin, verb), "application/json",
			strings.NewReader(`{"id":"`+id+`","by":"eve","reason":"agreed"}`))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != want {
			t.Fatalf("%s: %d %s", verb, resp.StatusCode, b)
		}
		return string(b)
	}

	first := ask(webKey, body, "").denied(403, "approval_required", false)
	token, id := first.Header.Get("Llm-Approval"), first.Header.Get("Llm-Approval-Id")
	if !strings.Contains(first.Body, token) || !strings.Contains(first.Body, "payments are looked at") || first.Header.Get("X-Should-Retry") != "false" || p.count() != 0 {
		t.Errorf("%s %v", first.Body, first.Header)
	}
	view := get()
	if len(list.Approvals) != 1 || list.Approvals[0].ID != id || list.Approvals[0].Principal != "web" || strings.Contains(view, "5 USD") || strings.Contains(view, token) {
		t.Errorf("the list: %s", view)
	}
	ask(webKey, body, token).denied(403, "approval_required", false)
	if got := decide("grant", id, 200); !strings.Contains(got, `"granted"`) || !strings.Contains(got, `"log":"default"`) {
		t.Error(got)
	}
	decide("grant", id, 409)
	decide("grant", "apr_none", 404)
	// Another key, another body, and no token at all.
	ask(batchKey, body, token).denied(403, "approval_required", false)
	ask(webKey, strings.Replace(body, "5", "500", 1), token).denied(403, "approval_required", false)
	ask(webKey, body, "").denied(403, "approval_required", false)
	if p.count() != 0 {
		t.Fatal("a call went without approval")
	}
	// After a restart it is good, once.
	s.stop()
	s.restart(approveSite, o)
	a := ask(webKey, body, token).ok()
	if rec := s.ended(a.Header.Get("Llm-Request-Id")); !strings.Contains(rec.raw, `"action":"approve"`) || !strings.Contains(rec.raw, id+" by eve") {
		t.Errorf("the record: %s", rec.raw)
	}
	ask(webKey, body, token).denied(422, "policy_blocked", false)
	again := ask(webKey, body, "").denied(403, "approval_required", false)
	if again.Header.Get("Llm-Approval-Id") == id {
		t.Error("the same approval waits again")
	}
	if p.count() != 1 {
		t.Errorf("%d calls reached the provider", p.count())
	}
	decide("deny", again.Header.Get("Llm-Approval-Id"), 200)
	ask(webKey, body, again.Header.Get("Llm-Approval")).denied(422, "policy_blocked", false)
	var told []string
	for _, r := range s.records("default", "") {
		if strings.Contains(r.raw, "approval.") {
			told = append(told, r.raw)
		}
	}
	if len(told) != 2 || !strings.Contains(told[0], "approval.grant") || !strings.Contains(told[1], "approval.deny") {
		t.Errorf("the decisions in the log: %v", told)
	}
	// A changed policy is another question.
	third := ask(webKey, strings.Replace(body, "5", "7", 1), "").denied(403, "approval_required", false)
	decide("grant", third.Header.Get("Llm-Approval-Id"), 200)
	s.stop()
	vars["expires"] = "3h"
	s.restart(approveSite, o)
	ask(webKey, strings.Replace(body, "5", "7", 1), third.Header.Get("Llm-Approval")).denied(403, "approval_required", false)
	s.verify("default")
}
