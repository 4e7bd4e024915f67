package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// startTranslated runs a site whose models stand for upstreams of one dialect
// each, all of them the same mock.
func startTranslated(t *testing.T, p *provider, opts string) *site {
	t.Helper()
	return start(t, `{
	llm_gateway {
		provider chatonly openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{url}}/v1
			speaks chat
		}
		provider resp openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{url}}/v1
			speaks responses
		}
		provider claude anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {{url}}
		}
		provider google gemini {
			api_key {env.OPENAI_API_KEY}
			base_url {{url}}
		}
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 100 USD/day
	}
	llm_upstream {
		model chat chatonly/gpt-4o
		model responses resp/gpt-4o
		model messages claude/claude-sonnet-4-5
		model generate_content google/gemini-2.5-pro
		`+opts+`
	}
}`, options{vars: map[string]string{"url": p.URL}})
}

const (
	geminiWhole = `{"candidates":[{"content":{"role":"model","parts":[{"text":"Hello there."}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":7,"totalTokenCount":18},"modelVersion":"gemini-2.5-pro","responseId":"g1"}`
	geminiFirst = `data: {"candidates":[{"content":{"role":"model","parts":[{"text":"Hello"}]},"index":0}],"usageMetadata":{"promptTokenCount":11},"modelVersion":"gemini-2.5-pro"}`
	geminiLast  = `data: {"candidates":[{"content":{"role":"model","parts":[{"text":" there."}]},"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":11,"candidatesTokenCount":7,"totalTokenCount":18},"modelVersion":"gemini-2.5-pro"}`
)

// nativeAnswer answers in the dialect of the path, streamed or not.
func nativeAnswer(w http.ResponseWriter, r *http.Request, body []byte) {
	if !strings.Contains(r.URL.Path, ":") {
		plainAnswer(w, r, body)
		return
	}
	if strings.HasSuffix(r.URL.Path, ":streamGenerateContent") {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, geminiFirst+"\n\n"+geminiLast+"\n\n")
		return
	}
	sendJSON(w, 200, geminiWhole)
}

// speakers are the client dialects that are translated.
var speakers = []struct {
	name, path, body string
	anthropic        bool
	whole            []string // what a whole answer must hold
	end              string   // what a stream must end with
}{
	{"chat", "/v1/chat/completions", `{"model":"MODEL","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, false,
		[]string{`"object":"chat.completion"`, `"content":"Hello there."`, `"finish_reason":"stop"`, `"prompt_tokens":11`, `"completion_tokens":7`}, "data: [DONE]\n\n"},
	{"responses", "/v1/responses", `{"model":"MODEL","stream":STREAM,"store":false,"max_output_tokens":50,"input":"hi"}`, false,
		[]string{`"object":"response"`, `"text":"Hello there."`, `"status":"completed"`, `"input_tokens":11`, `"output_tokens":7`}, `"response.completed"`},
	{"messages", "/v1/messages", `{"model":"MODEL","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`, true,
		[]string{`"type":"message"`, `"text":"Hello there."`, `"stop_reason":"end_turn"`, `"input_tokens":11`, `"output_tokens":7`}, "event: message_stop"},
}

func (s *site) speak(i int, model string, stream bool) *answer {
	q := &speakers[i]
	body := strings.Replace(strings.Replace(q.body, "MODEL", model, 1), "STREAM", fmt.Sprint(stream), 1)
	return s.do(call{path: q.path, body: body, anthropic: q.anthropic})
}

// Every client dialect on every upstream dialect: the text arrives, the figures
// are billed as the provider gave them, and the record names the attempt.
func TestEveryDialectOnEveryUpstream(t *testing.T) {
	p := newProvider(t)
	p.answers(nativeAnswer)
	s := startTranslated(t, p, "")
	cells := 0
	for i := range speakers {
		q := &speakers[i]
		for _, model := range []string{"chat", "responses", "messages", "generate_content"} {
			for _, stream := range []bool{false, true} {
				a := s.speak(i, model, stream)
				name := fmt.Sprintf("%s on %s, stream %v", q.name, model, stream)
				if a.Status != 200 || a.Err != nil {
					t.Errorf("%s: %d %s", name, a.Status, a.Body)
					continue
				}
				switch {
				case !stream:
					for _, want := range q.whole {
						if !strings.Contains(a.Body, want) {
							t.Errorf("%s: %s is not in %s", name, want, a.Body)
						}
					}
					if !json.Valid([]byte(a.Body)) {
						t.Errorf("%s: no JSON: %s", name, a.Body)
					}
				case !strings.Contains(a.Body, "Hello") || !strings.Contains(a.Body, " there.") || !strings.Contains(a.Body, q.end) || strings.Contains(a.Body, `"error":{`):
					t.Errorf("%s: %s", name, a.Body)
				}
				rec := s.ended(a.Header.Get("Llm-Request-Id"))
				if len(rec.Attempts) != 1 || rec.Usage.Input != 11 || rec.Usage.Output != 7 || rec.Usage.Estimated || rec.Outcome != "ok" || rec.Cost == 0 {
					t.Errorf("%s: the record: %s", name, rec.raw)
				}
				cells++
			}
		}
	}
	t.Logf("%d cells", cells)
	s.nothingHeld()
}

// An upstream of another dialect that breaks off is never passed off as whole.
func TestTranslatedStreamThatBreaksOff(t *testing.T) {
	first := map[string]string{
		"chat": chatEvents[0] + "\n\n" + chatEvents[1] + "\n\n", "responses": responsesEvents[0] + "\n\n" + responsesEvents[1] + "\n\n",
		"messages": messagesEvents[0] + "\n\n" + messagesEvents[1] + "\n\n" + messagesEvents[2] + "\n\n", "generate_content": geminiFirst + "\n\n",
	}
	ends := map[string]string{
		"clean end": "", "half an event": "data: {\"id\"", "garbage": "data: ]\n\n",
		"error": "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"overloaded " + openaiKey + claudeKey + "\"}}\n\n",
	}
	p := newProvider(t)
	s := startTranslated(t, p, "")
	for model, begin := range first {
		for how, end := range ends {
			p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = io.WriteString(w, begin+end)
			})
			for i := range speakers {
				q := &speakers[i]
				a := s.speak(i, model, true)
				name := fmt.Sprintf("%s on %s: %s", q.name, model, how)
				failed := strings.Contains(a.Body, `"error"`) || strings.Contains(a.Body, "response.failed")
				if a.Status == 200 && (!failed || (strings.Contains(a.Body, q.end) && q.name != model)) {
					t.Errorf("%s: %s", name, a.Body)
				}
				rec := s.ended(a.Header.Get("Llm-Request-Id"))
				if rec.Outcome == "ok" || len(rec.Attempts) != 1 || rec.Attempts[0].Result != "cut" || !rec.Usage.Estimated {
					t.Errorf("%s: the record: %s", name, rec.raw)
				}
			}
		}
	}
	s.nothingHeld()
}

// What cannot be carried is refused by name, or dropped, or dropped and told.
func TestOnUnsupported(t *testing.T) {
	p := newProvider(t)
	p.answers(nativeAnswer)
	body := `{"model":"messages","max_tokens":50,"logit_bias":{"1":2},"messages":[{"role":"user","content":"hi"}]}`
	t.Run("reject", func(t *testing.T) {
		p.forget()
		s := startTranslated(t, p, "")
		a := s.chat(call{body: body}).denied(400, "unsupported_field", false)
		if !strings.Contains(a.Body, `"param":"logit_bias"`) || p.count() != 0 {
			t.Errorf("%d calls; %s", p.count(), a.Body)
		}
		s.nothingHeld()
	})
	for _, how := range []string{"drop", "warn"} {
		t.Run(how, func(t *testing.T) {
			p.forget()
			s := startTranslated(t, p, "on_unsupported "+how)
			a := s.chat(call{body: body}).ok()
			want := ""
			if how == "warn" {
				want = "logit_bias"
			}
			if got := a.Header.Get("LLM-Unsupported"); got != want {
				t.Errorf("LLM-Unsupported: %q", got)
			}
			if sent := p.requests()[0].Body; strings.Contains(sent, "logit_bias") {
				t.Errorf("sent: %s", sent)
			}
		})
	}
}

// A provider's error reaches the client in its own envelope, with the provider's
// words and without the gateway's key.
func TestTranslatedErrors(t *testing.T) {
	p := newProvider(t)
	s := startTranslated(t, p, "")
	for _, status := range []int{400, 404, 429, 500, 529} {
		p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Retry-After", "3")
			sendJSON(w, status, `{"type":"error","error":{"type":"some_error","message":"no luck with `+openaiKey+claudeKey+`"}}`)
		})
		for i := range speakers {
			for _, model := range []string{"chat", "responses", "messages", "generate_content"} {
				a := s.speak(i, model, false)
				if a.Status != status || !strings.Contains(a.Body, "no luck with") || !strings.Contains(a.Body, "[redacted]") || a.Header.Get("Retry-After") != "3" {
					t.Errorf("%s on %s: %d %s", speakers[i].name, model, a.Status, a.Body)
				}
				var e struct {
					Type  string
					Error struct{ Message, Type string }
				}
				if err := json.Unmarshal([]byte(a.Body), &e); err != nil || e.Error.Message == "" || (e.Type == "error") != speakers[i].anthropic && speakers[i].name != model {
					t.Errorf("%s on %s: the envelope: %s", speakers[i].name, model, a.Body)
				}
			}
		}
	}
	s.nothingHeld()
}
