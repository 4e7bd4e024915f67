package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	answers "github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
)

// echo answers in the dialect of the path with what the user wrote last and an
// address of its own: as text, as thoughts, and as the arguments of a tool call,
// streamed in pieces of a few bytes.
func echo(w http.ResponseWriter, r *http.Request, body []byte) {
	var req struct {
		Stream   bool
		Input    json.RawMessage
		Messages []struct{ Content json.RawMessage }
	}
	_ = json.Unmarshal(body, &req)
	said := req.Input
	if n := len(req.Messages); n > 0 {
		said = req.Messages[n-1].Content
	}
	var text string
	if json.Unmarshal(said, &text) != nil {
		var parts []struct{ Text string }
		_ = json.Unmarshal(said, &parts)
		for _, p := range parts {
			text += p.Text
		}
	}
	text = "you said " + text + " and I am me@model.example"
	args, _ := json.Marshal(map[string]string{"to": text})
	q := func(s string) string { b, _ := json.Marshal(s); return string(b) }
	if !req.Stream {
		switch {
		case strings.HasSuffix(r.URL.Path, "/messages"):
			sendJSON(w, 200, `{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[{"type":"text","text":`+q(text)+`},{"type":"tool_use","id":"toolu_1","name":"mail","input":`+string(args)+`}],"stop_reason":"end_turn","usage":{"input_tokens":11,"output_tokens":7}}`)
		case strings.HasSuffix(r.URL.Path, "/responses"):
			sendJSON(w, 200, `{"id":"resp_1","object":"response","status":"completed","model":"gpt-4o","output":[{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":`+q(text)+`,"annotations":[],"logprobs":[]}]},{"type":"function_call","id":"f","call_id":"c","name":"mail","arguments":`+q(string(args))+`,"status":"completed"}],"usage":{"input_tokens":11,"output_tokens":7,"total_tokens":18}}`)
		default:
			sendJSON(w, 200, `{"id":"chatcmpl-1","object":"chat.completion","created":1,"model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":`+q(text)+`,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"mail","arguments":`+q(string(args))+`}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}`)
		}
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	say := func(format string, s string) {
		for len(s) > 0 {
			n := min(3, len(s))
			_, _ = fmt.Fprintf(w, format+"\n\n", q(s[:n]))
			w.(http.Flusher).Flush()
			s = s[n:]
		}
	}
	end := func(events ...string) { _, _ = io.WriteString(w, strings.Join(events, "\n\n")+"\n\n") }
	switch {
	case strings.HasSuffix(r.URL.Path, "/messages"):
		end(`event: message_start`+"\n"+`data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-sonnet-4-5","content":[],"usage":{"input_tokens":11,"output_tokens":1}}}`,
			`event: content_block_start`+"\n"+`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
		say("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":%s}}", text)
		end(`event: content_block_stop`+"\n"+`data: {"type":"content_block_stop","index":0}`,
			`event: content_block_start`+"\n"+`data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"toolu_1","name":"mail","input":{}}}`)
		say("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":%s}}", string(args))
		end(`event: content_block_stop`+"\n"+`data: {"type":"content_block_stop","index":1}`,
			`event: message_delta`+"\n"+`data: {"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":7}}`, `event: message_stop`+"\n"+`data: {"type":"message_stop"}`)
	case strings.HasSuffix(r.URL.Path, "/responses"):
		say(`event: response.output_text.delta`+"\n"+`data: {"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":%s,"sequence_number":1}`, text)
		end(`event: response.output_text.done` + "\n" + `data: {"type":"response.output_text.done","item_id":"m","output_index":0,"content_index":0,"text":` + q(text) + `,"sequence_number":2}`)
		say(`event: response.function_call_arguments.delta`+"\n"+`data: {"type":"response.function_call_arguments.delta","item_id":"f","output_index":1,"delta":%s,"sequence_number":3}`, string(args))
		end(`event: response.function_call_arguments.done`+"\n"+`data: {"type":"response.function_call_arguments.done","item_id":"f","output_index":1,"arguments":`+q(string(args))+`,"sequence_number":4}`,
			`event: response.completed`+"\n"+`data: {"type":"response.completed","response":{"id":"resp_1","object":"response","status":"completed","model":"gpt-4o","output":[{"type":"message","content":[{"type":"output_text","text":`+q(text)+`}]},{"type":"function_call","arguments":`+q(string(args))+`}],"usage":{"input_tokens":11,"output_tokens":7,"total_tokens":18}},"sequence_number":5}`)
	default:
		say(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":%s},"finish_reason":null}]}`, text)
		say(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"mail","arguments":%s}}]},"finish_reason":null}]}`, string(args))
		end(`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`,
			`data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}`, `data: [DONE]`)
	}
}

// heard puts together what a client hears of an answer: the text, and the
// arguments of the tool call.
func heard(t *testing.T, path, body string, stream bool) (text, args string) {
	t.Helper()
	type message struct {
		Content json.RawMessage
		Calls   []struct {
			Function struct{ Arguments string }
		} `json:"tool_calls"`
	}
	var e struct {
		Type    string
		Delta   json.RawMessage
		Content []struct {
			Text  string
			Input json.RawMessage
		}
		Output []struct {
			Arguments string
			Content   []struct{ Text string }
		}
		Choices []struct{ Message, Delta message }
	}
	read := func(data []byte) {
		e.Type, e.Delta, e.Choices = "", nil, nil
		if json.Unmarshal(data, &e) != nil {
			return
		}
		for _, c := range e.Choices {
			for _, m := range []message{c.Message, c.Delta} {
				var s string
				_ = json.Unmarshal(m.Content, &s)
				text += s
				for _, call := range m.Calls {
					args += call.Function.Arguments
				}
			}
		}
		var delta string
		var block struct {
			Text string
			JSON string `json:"partial_json"`
		}
		switch {
		case e.Type == "response.output_text.delta" && json.Unmarshal(e.Delta, &delta) == nil:
			text += delta
		case e.Type == "response.function_call_arguments.delta" && json.Unmarshal(e.Delta, &delta) == nil:
			args += delta
		case e.Type == "content_block_delta" && json.Unmarshal(e.Delta, &block) == nil:
			text, args = text+block.Text, args+block.JSON
		}
	}
	if !stream {
		read([]byte(body))
		for _, c := range e.Content {
			text += c.Text
			args += string(c.Input)
		}
		for _, o := range e.Output {
			args += o.Arguments
			for _, c := range o.Content {
				text += c.Text
			}
		}
	} else if err := new(answers.Splitter).Feed([]byte(body), func(ev []byte) error { read(answers.Data(ev)); return nil }); err != nil {
		t.Fatal(err)
	}
	var a struct{ To string }
	if err := json.Unmarshal([]byte(args), &a); args != "" && err != nil {
		t.Errorf("%s: the arguments are no JSON: %q", path, args)
	}
	return text, a.To
}

var redactCalls = []struct {
	name, path, body string
	anthropic        bool
}{
	{"chat", "/v1/chat/completions", `{"model":"gpt-4o","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"TEXT"}]}`, false},
	{"chat on messages", "/v1/chat/completions", `{"model":"claude-sonnet-4-5","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"TEXT"}]}`, false},
	{"responses", "/v1/responses", `{"model":"gpt-4o","stream":STREAM,"store":false,"max_output_tokens":50,"input":"TEXT"}`, false},
	{"messages", "/v1/messages", `{"model":"claude-sonnet-4-5","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":[{"type":"text","text":"TEXT"}]}]}`, true},
	{"messages on chat", "/v1/messages", `{"model":"gpt-4o","stream":STREAM,"max_tokens":50,"messages":[{"role":"user","content":"TEXT"}]}`, true},
}

func startGovernedSite(t *testing.T) (*site, *provider) {
	t.Helper()
	p := newProvider(t)
	t.Setenv("OPENAI_BASE_URL", p.URL+"/v1")
	t.Setenv("ANTHROPIC_BASE_URL", p.URL)
	t.Setenv("LOCAL_BASE_URL", p.URL+"/v1")
	t.Setenv("LLM_DATA_DIR", t.TempDir())
	s := start(t, contract(t, "governed"), options{})
	s.data = ""
	return s, p
}

// governed.Caddyfile, its policy: what its rules say holds in every dialect, as it
// is and translated, streamed or not.
func TestContractGovernedPolicy(t *testing.T) {
	s, p := startGovernedSite(t)
	p.answers(echo)
	for i := range redactCalls {
		q := &redactCalls[i]
		for _, stream := range []bool{false, true} {
			name := fmt.Sprintf("%s, stream %v", q.name, stream)
			send := func(text string) *answer {
				p.forget()
				body := strings.Replace(strings.Replace(q.body, "TEXT", text, 1), "STREAM", fmt.Sprint(stream), 1)
				return s.do(call{path: q.path, body: body, anthropic: q.anthropic})
			}
			a := send("write to ann@home.example and bob@work.example, ann@home.example first").ok()
			if got := p.requests()[0].Body; strings.Contains(got, "ann@home") || strings.Contains(got, "bob@work") || strings.Count(got, "[[EMAIL_1]]") != 2 {
				t.Errorf("%s: the provider got %s", name, got)
			}
			text, to := heard(t, q.path, a.Body, stream)
			want := "you said write to ann@home.example and bob@work.example, ann@home.example first and I am [[EMAIL_3]]"
			if text != want || to != want {
				t.Errorf("%s: the client got %q and %q:\n%s", name, text, to, a.Body)
			}
			if strings.Contains(a.Body, "model.example") {
				t.Errorf("%s: not masked: %s", name, a.Body)
			}
			// The policy denies credentials and tools.
			send("my key is "+"AKIA"+"QX7ZBD3PLMWV5TRE").denied(422, "policy_blocked", q.anthropic)
			if p.count() != 0 {
				t.Errorf("%s: a credential reached the provider", name)
			}
		}
	}
	tools := `{"model":"gpt-4o","max_tokens":50,"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}}]}`
	s.chat(call{body: tools}).denied(422, "policy_blocked", false)
	s.chat(call{body: tools, key: batchKey}).ok()
}

// in-front-of-reverse-proxy.Caddyfile: addresses are masked both ways.
func TestContractInFrontPolicy(t *testing.T) {
	p := newProvider(t)
	p.answers(echo)
	t.Setenv("MODEL_SERVER", strings.TrimPrefix(p.URL, "http://"))
	s := start(t, contract(t, "in-front-of-reverse-proxy"), options{})
	for _, stream := range []bool{false, true} {
		p.forget()
		a := s.chat(call{body: fmt.Sprintf(`{"model":"local","stream":%v,"messages":[{"role":"user","content":"write to ann@home.example"}]}`, stream)}).ok()
		if got := p.requests()[0].Body; strings.Contains(got, "ann@home") || !strings.Contains(got, "write to [EMAIL]") {
			t.Errorf("the model server got %s", got)
		}
		text, to := heard(t, "", a.Body, stream)
		if want := "you said write to [EMAIL] and I am [EMAIL]"; text != want || to != want {
			t.Errorf("the client got %q and %q", text, to)
		}
		rec := s.ended(a.Header.Get("Llm-Request-Id"))
		if !strings.Contains(rec.raw, `"detail":"request: 1 email"`) || !strings.Contains(rec.raw, `"detail":"response: 2 email"`) || strings.Contains(rec.raw, "ann@home") {
			t.Errorf("the record: %s", rec.raw)
		}
	}
	s.nothingHeld()
	s.verify("default")
}
