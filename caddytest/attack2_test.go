package caddytest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	ours "github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// More attacks that once worked, on what providers keep and on several
// deployments.

const attackForm = "multipart/form-data; boundary=b"

// formOf is a form of two fields, the second perhaps a file.
func formOf(fields ...string) string {
	var b strings.Builder
	for i := 0; i+1 < len(fields); i += 2 {
		fmt.Fprintf(&b, "--b\r\nContent-Disposition: form-data; %s\r\n\r\n%s\r\n", fields[i], fields[i+1])
	}
	return b.String() + "--b--\r\n"
}

// ownFile makes a file with a key and returns its id.
func (s *site) ownFile(key string) string {
	s.t.Helper()
	a := s.do(call{path: "/v1/files", body: formOf(`name="purpose"`, "user_data"), key: key, header: map[string]string{"Content-Type": attackForm}}).ok()
	return strings.Split(a.Body, `"`)[3]
}

// References were looked for in bodies that called themselves JSON only, while
// others went out as JSON, too.
func TestAttackReferencesInDisguise(t *testing.T) {
	p, k := newProvider(t), &keeper{}
	p.answers(k.answer)
	s := startObjects(t, []string{p.URL}, "objects allow")
	yours := s.ownFile(batchKey)
	p.forget()
	body := `{"file_ids":["` + yours + `"],"name":"x"}`
	for name, c := range map[string]call{
		"no type":        {path: "/v1/vector_stores", body: body, header: map[string]string{"Content-Type": ""}},
		"plain text":     {path: "/v1/vector_stores", body: body, header: map[string]string{"Content-Type": "text/plain"}},
		"a field":        {path: "/v1/containers/x/files", body: formOf(`name="file_id"`, yours), header: map[string]string{"Content-Type": attackForm}},
		"a list":         {path: "/v1/vector_stores", body: formOf(`name="file_ids[]"`, yours), header: map[string]string{"Content-Type": attackForm}},
		"a form":         {path: "/v1/vector_stores", body: "file_ids[]=" + yours, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}},
		"a picture":      {path: "/v1/conversations", body: `{"items":[{"type":"image_generation_call","id":"ig_1"}]}`},
		"a batch":        {path: "/v1/files", body: formOf(`name="purpose"`, "batch", `name="file"; filename="b.jsonl"`, `{"custom_id":"1","method":"POST","url":"/v1/responses","body":{"model":"gpt-4o","previous_response_id":"resp_foreign","input":[]}}`), header: map[string]string{"Content-Type": attackForm}},
		"an eval":        {path: "/v1/evals", body: `{"data_source":{"type":"jsonl","source":{"type":"file_id","id":"` + yours + `"}}}`},
		"stored answers": {path: "/v1/evals", body: `{"data_source":{"type":"completions","source":{"type":"stored_completions"}}}`},
	} {
		a := s.do(c)
		if a.Status < 400 || a.Status >= 500 {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	// Two types: one was judged, and another sent.
	a := s.raw("POST /v1/vector_stores HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + webKey + "\r\nContent-Type: text/plain\r\nContent-Type: application/json\r\nContent-Length: " + fmt.Sprint(len(body)) + "\r\nConnection: close\r\n\r\n" + body)
	if a.Status < 400 {
		t.Errorf("two types: %d %s", a.Status, a.Body)
	}
	if p.count() != 0 {
		t.Errorf("%d calls reached the provider: %v", p.count(), p.requests())
	}
	// What is one's own may be referred to in all these ways.
	mine := s.ownFile(webKey)
	s.do(call{path: "/v1/vector_stores", body: `{"file_ids":["` + mine + `"]}`}).ok()
	s.do(call{path: "/v1/vector_stores", body: formOf(`name="file_ids[]"`, mine), header: map[string]string{"Content-Type": attackForm}}).ok()
}

// A list that did not call itself JSON was passed on with what others have.
func TestAttackListInDisguise(t *testing.T) {
	p, k := newProvider(t), &keeper{}
	p.answers(k.answer)
	s := startObjects(t, []string{p.URL}, "objects allow")
	yours := s.ownFile(batchKey)
	for _, ctype := range []string{"text/plain", "application/octet-stream", "text/event-stream"} {
		p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", ctype)
			_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"`+yours+`"}]}`)
		})
		if a := s.do(call{method: "GET", path: "/v1/files"}); strings.Contains(a.Body, yours) {
			t.Errorf("%s: %d %s", ctype, a.Status, a.Body)
		}
	}
}

// The pictures and files of others could be named in requests.
func TestAttackReferencesInRequests(t *testing.T) {
	p, k := newProvider(t), &keeper{}
	p.answers(k.answer)
	s := startObjects(t, []string{p.URL}, "")
	for _, body := range []string{
		`{"model":"gpt-4o","input":[{"type":"image_generation_call","id":"ig_foreign"}]}`,
		`{"model":"gpt-4o","input":[{"type":"image_generation_call","id":"ig_foreign","result":null}]}`,
		`{"model":"gpt-4o","input":[{"id":"ig_foreign"}]}`,
	} {
		if a := s.do(call{path: "/v1/responses", body: body}); a.Status != 404 && a.Status != 403 {
			t.Errorf("%s: %d %s", body, a.Status, a.Body)
		}
	}
	if p.count() != 0 {
		t.Errorf("%d calls reached the provider", p.count())
	}
	s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","input":[{"type":"image_generation_call","id":"ig_mine","result":"aGk=","status":"completed"},{"role":"user","content":"x"}]}`}).ok()
}

// A second credential made everything made before it somebody else's.
func TestAttackSecondCredential(t *testing.T) {
	p, k := newProvider(t), &keeper{}
	p.answers(k.answer)
	t.Setenv("SECOND_KEY", claudeKey)
	cfg := func(keys string) string {
		return `{
	llm_gateway {
		provider keeper-two openai {
			api_key ` + keys + `
			base_url ` + p.URL + `/v1
		}
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_upstream {
		model * keeper-two
		objects allow
	}
}`
	}
	s := start(t, cfg("{env.OPENAI_API_KEY}"), options{})
	mine := s.ownFile(webKey)
	a := s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","input":"hi"}`}).ok()
	i := strings.Index(a.Body, "resp_")
	id := a.Body[i : i+strings.IndexByte(a.Body[i:], '"')]
	if err := s.apply(cfg("{env.OPENAI_API_KEY} {env.SECOND_KEY}"), options{}); err != nil {
		t.Fatal(err)
	}
	s.do(call{method: "GET", path: "/v1/files/" + mine}).ok()
	if a := s.do(call{method: "GET", path: "/v1/files"}).ok(); !strings.Contains(a.Body, mine) {
		t.Errorf("the list: %s", a.Body)
	}
	for range 3 {
		p.forget()
		s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","previous_response_id":"` + id + `","input":"go on"}`}).ok()
		if got := p.requests()[0].Header.Get("Authorization"); got != "Bearer "+openaiKey {
			t.Errorf("continued with another credential")
		}
	}
}

// A provider that repeats its credential in an error inside a 200 told it to the
// client, and to the record.
func TestAttackEchoedCredentialInside200(t *testing.T) {
	p := newProvider(t)
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}`, options{vars: map[string]string{"openai": p.URL}})
	for _, stream := range []bool{false, true} {
		p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
			w.Header().Set("X-Request-Id", openaiKey)
			sendJSON(w, 200, `{"error":{"message":"Incorrect API key provided: `+openaiKey+`","type":"x"}}`)
		})
		for i := range dialects {
			d := &dialects[i]
			if d.anthropic {
				continue
			}
			body := d.request
			if stream && d.streamRequest != "" {
				body = d.streamRequest
			}
			if a := s.do(call{path: d.path, body: body}); strings.Contains(a.Body+fmt.Sprint(a.Header), openaiKey) {
				t.Errorf("%s: %d %v %s", d.name, a.Status, a.Header, a.Body)
			}
		}
	}
	p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		w.Header().Set("X-Request-Id", openaiKey)
		plainAnswer(w, r, body)
	})
	s.do(call{method: "GET", path: "/v1/models"}).ok()
}

// Tools that only the history names are defined anew for Anthropic, and nobody
// had reserved for that.
func TestAttackInventedTools(t *testing.T) {
	p := newProvider(t)
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 100 USD/day
	}
	llm_upstream anthropic {env.ANTHROPIC_API_KEY} {
		base_url {{url}}
	}
}`, options{vars: map[string]string{"url": p.URL}})
	var calls, results []string
	for i := range 200 {
		calls = append(calls, fmt.Sprintf(`{"id":"c%d","type":"function","function":{"name":"f%d","arguments":"{}"}}`, i, i))
		results = append(results, fmt.Sprintf(`{"role":"tool","tool_call_id":"c%d","content":"x"}`, i))
	}
	a := s.chat(call{body: `{"model":"claude-sonnet-4-5","max_tokens":1,"messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[` + strings.Join(calls, ",") + `]},` + strings.Join(results, ",") + `]}`}).ok()
	sent := p.requests()[0].Body
	v, den := ours.Parse(llm.Messages, []byte(sent))
	if den != nil || len(v.Tools) != 200 {
		t.Fatalf("%v: %s", den, sent)
	}
	// $3 a million tokens.
	var reserved int64
	for _, rec := range s.records("default", a.Header.Get("LLM-Request-Id")) {
		if _, n, ok := strings.Cut(rec.raw, `"reserved_nanousd":`); ok {
			_, _ = fmt.Sscan(n, &reserved)
		}
	}
	if reserved < v.InputBound*3000 {
		t.Errorf("reserved %d for %d tokens", reserved, v.InputBound)
	}
	s.nothingHeld()
}
