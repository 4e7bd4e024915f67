package caddytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// startPolicy runs a site with the rules, whose models lead to one mock in OpenAI's
// and Anthropic's dialects.
func startPolicy(t *testing.T, p *provider, rules string) *site {
	t.Helper()
	return start(t, `{
	llm_gateway {
		provider openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{url}}/v1
		}
		provider claude anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {{url}}
		}
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			team growth
			models gpt-4o* claude-* smart
		}
		key batch {env.BATCH_KEY} {
			team research
		}
	}
	llm_policy {
`+rules+`
	}
	llm_cost {
		budget 100 USD/day
	}
	llm_upstream {
		model gpt-* openai
		model o3* openai
		model claude-* claude
		model smart openai/gpt-4o
	}
}`, options{vars: map[string]string{"url": p.URL}})
}

// tell sends one of redactCalls with a text.
func (s *site) tell(i int, stream bool, text string) *answer {
	s.t.Helper()
	q := &redactCalls[i]
	body := strings.Replace(strings.Replace(q.body, "TEXT", text, 1), "STREAM", fmt.Sprint(stream), 1)
	return s.do(call{path: q.path, body: body, anthropic: q.anthropic})
}

// awsKey is made here so that no file holds what looks like a key.
var awsKey = "AKIA" + "QX7ZBD3PLMWV5TRE"

// A rule about what detectors find in answers holds on every path: nothing of what it
// refuses reaches the client, and a stream ends in an error of its dialect.
func TestDenyAnswers(t *testing.T) {
	p := newProvider(t)
	p.answers(echo)
	s := startPolicy(t, p, "\t\tdeny leak `secrets(response.all).size() > 0` \"the answer holds a credential\" {\n\t\t\tin response\n\t\t}")
	for i := range redactCalls {
		q := &redactCalls[i]
		for _, stream := range []bool{false, true} {
			name := fmt.Sprintf("%s, stream %v", q.name, stream)
			if a := s.tell(i, stream, "nothing to see").ok(); !strings.Contains(a.Body, "nothing") && !stream || strings.Contains(a.Body, "policy_blocked") {
				t.Errorf("%s: a harmless answer: %s", name, a.Body)
			}
			a := s.tell(i, stream, "my key is "+awsKey+" ok")
			if !stream {
				a.denied(422, "policy_blocked", q.anthropic)
			} else {
				text, args := heard(t, "", a.ok().Body, true)
				if text != "you said my key is " || args != "" || !strings.Contains(a.Body, "policy_blocked") || !strings.Contains(a.Body, "the answer holds a credential") {
					t.Errorf("%s: the client got %q and %q:\n%s", name, text, args, a.Body)
				}
			}
			if strings.Contains(a.Body, "AKIA") {
				t.Errorf("%s: it leaked: %s", name, a.Body)
			}
			rec := s.ended(a.Header.Get("Llm-Request-Id"))
			if rec.Denial.Code != "policy_blocked" || rec.Denial.Rule != "leak" || strings.Contains(rec.raw, "AKIA") ||
				!strings.Contains(rec.raw, `"detail":"response: after `) || !stream && !strings.Contains(rec.raw, "after 0 bytes") {
				t.Errorf("%s: the record: %s", name, rec.raw)
			}
			if rec.Usage.Output == 0 || rec.Cost == 0 {
				t.Errorf("%s: what was made is not paid for: %s", name, rec.raw)
			}
		}
	}
	s.nothingHeld()
	s.verify("default")
}

// Rules change the model and the limits, within what the key may use, and the price is
// that of what is really asked.
func TestRouteAndSet(t *testing.T) {
	p := newProvider(t)
	p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		var req struct {
			Model  string
			Stream bool
		}
		_ = json.Unmarshal(body, &req)
		if req.Stream {
			plainAnswer(w, r, body)
			return
		}
		sendJSON(w, 200, strings.ReplaceAll(chatWhole, "gpt-4o-mini", req.Model))
	})
	s := startPolicy(t, p, strings.Join([]string{
		"\t\troute cheap `prompt.user.exists(s, s.text.contains(\"cheap\"))` gpt-4o-mini",
		"\t\troute never `prompt.user.exists(s, s.text.contains(\"cheap\"))` o3",
		"\t\troute far `prompt.user.exists(s, s.text.contains(\"far\"))` claude-sonnet-4-5",
		"\t\troute forbidden `prompt.user.exists(s, s.text.contains(\"forbidden\"))` o3",
		"\t\tset cap `llm.model == \"gpt-4o-mini\"` {\n\t\t\tmax_tokens 20\n\t\t}",
		"\t\ttag small `llm.max_tokens <= 20` small",
	}, "\n"))
	sent := func(a *answer) (string, record) {
		t.Helper()
		a.ok()
		r := p.requests()
		return r[len(r)-1].URI + " " + r[len(r)-1].Body, s.ended(a.Header.Get("Llm-Request-Id"))
	}
	got, rec := sent(s.tell(0, false, "something cheap"))
	if !strings.Contains(got, `"model":"gpt-4o-mini"`) || !strings.Contains(got, `"max_tokens":20`) || rec.Attempts[0].Model != "gpt-4o-mini" || rec.Model != "gpt-4o" {
		t.Errorf("the provider got %s\n%s", got, rec.raw)
	}
	if !strings.Contains(rec.raw, `"rule":"small","action":"tag"`) {
		t.Errorf("no tag: %s", rec.raw)
	}
	_, plain := sent(s.tell(0, false, "as it is"))
	if rec.Cost == 0 || rec.Cost*5 > plain.Cost {
		t.Errorf("a cheap call costs %d, a dear one %d", rec.Cost, plain.Cost)
	}
	got, rec = sent(s.tell(0, true, "go far"))
	if !strings.HasPrefix(got, "/v1/messages ") || rec.Attempts[0].Provider != "claude" {
		t.Errorf("the provider got %s\n%s", got, rec.raw)
	}
	p.forget()
	s.tell(0, false, "forbidden").denied(403, "model_not_allowed", false)
	if p.count() != 0 {
		t.Error("a model that the key may not use was asked")
	}
	// Another key may; and an alias that is listed may lead anywhere.
	body := `{"model":"gpt-4o","max_tokens":50,"messages":[{"role":"user","content":"forbidden"}]}`
	s.chat(call{body: body, key: batchKey}).ok()
	s.chat(call{body: strings.Replace(body, "gpt-4o", "smart", 1)}).ok()
	if got := p.requests(); !strings.Contains(got[len(got)-1].Body, `"o3"`) {
		t.Errorf("the alias led to %s", got[len(got)-1].Body)
	}
	s.nothingHeld()
}

// A stream that a rule stops ends at once on both sides: the provider's call is
// cancelled, through llm_upstream and a stock proxy; and a rule with buffer answers
// with a plain refusal.
func TestStoppedStreams(t *testing.T) {
	p := newProvider(t)
	left := make(chan struct{}, 8)
	p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, s := range []string{"well: ", awsKey, " and so on"} {
			_, _ = fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", s)
			w.(http.Flusher).Flush()
		}
		select { // it would go on for ever
		case <-r.Context().Done():
			left <- struct{}{}
		case <-time.After(patience):
			t.Error("the provider was not left")
		}
	})
	rules := "\t\tdeny leak `secrets(response.all).size() > 0` {\n\t\t\tin response\n\t\t}"
	t.Setenv("MODEL_SERVER", strings.TrimPrefix(p.URL, "http://"))
	for _, end := range []string{"llm_upstream openai {env.OPENAI_API_KEY} {\n\t\tbase_url " + p.URL + "/v1\n\t}", "reverse_proxy {env.MODEL_SERVER}"} {
		s := start(t, ":8080 {\n\tllm_audit\n\tllm_auth {\n\t\tkey web {env.WEB_APP_KEY}\n\t}\n\tllm_policy {\n"+rules+"\n\t}\n\t"+end+"\n}", options{})
		a := s.tell(0, true, "hi").ok()
		if text, _ := heard(t, "", a.Body, true); text != "well: " || !strings.Contains(a.Body, "policy_blocked") {
			t.Errorf("%s: %s", end, a.Body)
		}
		select {
		case <-left:
		case <-time.After(patience):
			t.Errorf("%s: the provider goes on", end)
		}
		if rec := s.ended(a.Header.Get("Llm-Request-Id")); rec.Outcome != "cut" || !strings.Contains(rec.raw, "after ") || rec.Denial.Rule != "leak" {
			t.Errorf("%s: the record: %s", end, rec.raw)
		}
		s.stop()
	}

	p.answers(plainAnswer)
	s := startPolicy(t, p, "\t\tdeny hello `response.text.contains(\"there\")` \"no greetings\" {\n\t\t\tin response\n\t\t\tbuffer\n\t\t}")
	for i := range redactCalls {
		a := s.tell(i, true, "hi").denied(422, "policy_blocked", redactCalls[i].anthropic)
		if strings.Contains(a.Body, "Hello") {
			t.Errorf("%s: %s", redactCalls[i].name, a.Body)
		}
	}
	s.nothingHeld()
}
