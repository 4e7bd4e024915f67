package simulated

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func call(t *testing.T, h http.Handler, path, body string, header ...string) (*http.Response, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://simulated.invalid"+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := (&Transport{Handler: h}).RoundTrip(req)
	if err != nil {
		return nil, "", err
	}
	defer res.Body.Close()
	if res.Header.Get("LLM-Simulated") != "true" {
		t.Errorf("%s %s: not marked as simulated", path, body)
	}
	b, err := io.ReadAll(res.Body)
	return res, string(b), err
}

// stream returns the events of an answer.
func stream(t *testing.T, h http.Handler, path, body string) []string {
	t.Helper()
	res, got, err := call(t, h, path, body)
	if err != nil || res.StatusCode != 200 || res.Header.Get("Content-Type") != "text/event-stream" {
		t.Fatalf("%s: %+v %v", body, res, err)
	}
	events := strings.SplitAfter(got, "\n\n")
	if last := events[len(events)-1]; last != "" {
		t.Errorf("%s: ends in %q", body, last)
	}
	return events[:len(events)-1]
}

// event cuts an event into its name and its decoded data.
func event(t *testing.T, ev string) (name string, v map[string]any) {
	t.Helper()
	for line := range strings.Lines(ev) {
		if s, ok := strings.CutPrefix(line, "event: "); ok {
			name = strings.TrimSpace(s)
		}
		if s, ok := strings.CutPrefix(line, "data: "); ok && s != "[DONE]\n" {
			if err := json.Unmarshal([]byte(s), &v); err != nil {
				t.Fatalf("%q: %v", ev, err)
			}
		}
	}
	return name, v
}

// at walks into decoded JSON.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

const hello = "This is a simulated answer of m to: hello there"

func TestChat(t *testing.T) {
	in := `{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"hello"},{"type":"text","text":"there"}]}]%s}`
	res, body, err := call(t, Handler(0), "/v1/chat/completions", fmt.Sprintf(in, ""))
	if err != nil || res.Header.Get("Content-Type") != "application/json" {
		t.Fatal(err)
	}
	var v any
	if json.Unmarshal([]byte(body), &v) != nil || at(v, "object") != "chat.completion" || at(v, "choices", 0, "message", "content") != hello ||
		at(v, "choices", 0, "finish_reason") != "stop" || at(v, "usage", "completion_tokens") != 10.0 || at(v, "created") != float64(created) {
		t.Error(body)
	}
	_, again, _ := call(t, Handler(0), "/v1/chat/completions", fmt.Sprintf(in, ""))
	if again != body {
		t.Error("the same request got another answer")
	}
	for _, usage := range []bool{false, true} {
		more := `,"stream":true`
		if usage {
			more += `,"stream_options":{"include_usage":true}`
		}
		events := stream(t, Handler(0), "/v1/chat/completions", fmt.Sprintf(in, more))
		var text strings.Builder
		n := 0
		for i, ev := range events[:len(events)-1] {
			_, v := event(t, ev)
			if at(v, "object") != "chat.completion.chunk" {
				t.Error(ev)
			}
			if i == 0 && at(v, "choices", 0, "delta", "role") != "assistant" {
				t.Error("the role does not come first")
			}
			s, _ := at(v, "choices", 0, "delta", "content").(string)
			text.WriteString(s)
			if at(v, "usage") != nil {
				n++
				if at(v, "choices", 0) != nil || i != len(events)-2 {
					t.Error(ev)
				}
			}
		}
		if text.String() != hello || events[len(events)-1] != "data: [DONE]\n\n" || (n == 1) != usage {
			t.Errorf("%q, usage %d, end %q", text.String(), n, events[len(events)-1])
		}
	}
}

func TestResponses(t *testing.T) {
	_, body, _ := call(t, Handler(0), "/v1/responses", `{"model":"m","input":"hello there"}`)
	var v any
	if json.Unmarshal([]byte(body), &v) != nil || at(v, "object") != "response" || at(v, "status") != "completed" || at(v, "output", 0, "content", 0, "text") != hello ||
		at(v, "usage", "output_tokens") != 10.0 {
		t.Error(body)
	}
	events := stream(t, Handler(0), "/v1/responses", `{"model":"m","stream":true,"input":[{"role":"user","content":[{"type":"input_text","text":"hello there"}]}]}`)
	var kinds []string
	var text string
	for i, ev := range events {
		name, v := event(t, ev)
		if at(v, "type") != name || at(v, "sequence_number") != float64(i) {
			t.Error(ev)
		}
		if name == "response.output_text.delta" {
			text += at(v, "delta").(string)
			if kinds[len(kinds)-1] == name {
				continue
			}
		}
		kinds = append(kinds, name)
		if name == "response.completed" && (at(v, "response", "output", 0, "content", 0, "text") != hello || at(v, "response", "usage", "total_tokens") == nil) {
			t.Error(ev)
		}
	}
	want := "response.created response.in_progress response.output_item.added response.content_part.added response.output_text.delta " +
		"response.output_text.done response.content_part.done response.output_item.done response.completed"
	if got := strings.Join(kinds, " "); got != want || text != hello {
		t.Errorf("%s\n%q", got, text)
	}
}

func TestMessages(t *testing.T) {
	_, body, _ := call(t, Handler(0), "/v1/messages", `{"model":"m","max_tokens":50,"messages":[{"role":"user","content":"hello there"}]}`)
	var v any
	if json.Unmarshal([]byte(body), &v) != nil || at(v, "type") != "message" || at(v, "content", 0, "text") != hello || at(v, "stop_reason") != "end_turn" || at(v, "usage", "output_tokens") != 10.0 {
		t.Error(body)
	}
	events := stream(t, Handler(0), "/v1/messages", `{"model":"m","max_tokens":50,"stream":true,"messages":[{"role":"user","content":"hello there"}]}`)
	var kinds []string
	var text string
	for _, ev := range events {
		name, v := event(t, ev)
		if at(v, "type") != name {
			t.Error(ev)
		}
		if name == "content_block_delta" {
			text += at(v, "delta", "text").(string)
			if kinds[len(kinds)-1] == name {
				continue
			}
		}
		kinds = append(kinds, name)
	}
	if got := strings.Join(kinds, " "); got != "message_start content_block_start ping content_block_delta content_block_stop message_delta message_stop" || text != hello {
		t.Errorf("%s\n%q", got, text)
	}
	_, body, _ = call(t, Handler(0), "/v1/messages/count_tokens", `{"model":"m","messages":[]}`)
	if strings.TrimSpace(body) != `{"input_tokens":7}` {
		t.Error(body)
	}
}

func TestTools(t *testing.T) {
	chatTools := `,"tools":[{"type":"function","function":{"name":"weather"}}]`
	flatTools := `,"tools":[{"type":"function","name":"weather"}]`
	asked, plain := `[{"role":"user","content":"please use the tool"}]`, `[{"role":"user","content":"hi"}]`
	for _, tc := range []struct {
		path, body string
		want       bool
	}{
		{"/v1/chat/completions", `{"model":"sim-tools","messages":` + plain + chatTools, true},
		{"/v1/chat/completions", `{"model":"m","messages":` + asked + chatTools, true},
		{"/v1/chat/completions", `{"model":"m","messages":` + plain + chatTools, false},
		{"/v1/chat/completions", `{"model":"sim-tools","messages":` + plain, false},
		{"/v1/chat/completions", `{"model":"sim-tools","messages":[{"role":"user","content":"hi"},{"role":"tool","content":"x"}]` + chatTools, false},
		{"/v1/responses", `{"model":"sim-tools","input":"hi"` + flatTools, true},
		{"/v1/responses", `{"model":"sim-tools","input":[{"type":"function_call_output","output":"x"}]` + flatTools, false},
		{"/v1/messages", `{"model":"sim-tools","messages":` + plain + flatTools, true},
		{"/v1/messages", `{"model":"sim-tools","messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]` + flatTools, false},
	} {
		_, body, err := call(t, Handler(0), tc.path, tc.body+"}")
		if got := strings.Contains(body, `"weather"`); err != nil || got != tc.want {
			t.Errorf("%s: %v: %s", tc.body, err, body)
		}
		// Streamed, the arguments come in pieces that make JSON.
		var args string
		for _, ev := range stream(t, Handler(0), tc.path, tc.body+`,"stream":true}`) {
			name, v := event(t, ev)
			for _, s := range []any{at(v, "choices", 0, "delta", "tool_calls", 0, "function", "arguments"), at(v, "delta", "partial_json")} {
				s, _ := s.(string)
				args += s
			}
			if name == "response.function_call_arguments.delta" {
				args += at(v, "delta").(string)
			}
		}
		if (args == toolArguments) != tc.want {
			t.Errorf("%s: streamed arguments %q", tc.body, args)
		}
	}
}

func TestEmbeddings(t *testing.T) {
	for input, n := range map[string]int{`"hello"`: 1, `["a","b","c"]`: 3, `[1,2,3]`: 1, `[[1,2],[3]]`: 2} {
		for _, encoding := range []string{"float", "base64"} {
			_, body, err := call(t, Handler(0), "/v1/embeddings", `{"model":"m","input":`+input+`,"dimensions":4,"encoding_format":"`+encoding+`"}`)
			var v struct {
				Data []struct {
					Index     int
					Embedding any
				}
				Usage map[string]int
			}
			if json.Unmarshal([]byte(body), &v) != nil || err != nil || len(v.Data) != n || v.Usage["prompt_tokens"] == 0 {
				t.Fatalf("%s: %v %s", input, err, body)
			}
			for i, d := range v.Data {
				switch e := d.Embedding.(type) {
				case string:
					if b, err := base64.StdEncoding.DecodeString(e); err != nil || len(b) != 16 || encoding != "base64" {
						t.Errorf("%s %v", e, err)
					}
				case []any:
					if len(e) != 4 || encoding != "float" {
						t.Errorf("%v", e)
					}
				default:
					t.Errorf("%T", e)
				}
				if d.Index != i {
					t.Errorf("index %d", d.Index)
				}
			}
		}
	}
}

func TestModels(t *testing.T) {
	_, body, _ := call(t, Handler(0), "/v1/models", "")
	if !strings.Contains(body, `"object":"model"`) || strings.Contains(body, `"display_name"`) {
		t.Error(body)
	}
	_, body, _ = call(t, Handler(0), "/v1/models", "", "anthropic-version", "2023-06-01")
	if !strings.Contains(body, `"display_name"`) {
		t.Error(body)
	}
}

var endpoints = []struct {
	d    llm.Dialect
	path string
}{{llm.Chat, "/v1/chat/completions"}, {llm.Responses, "/v1/responses"}, {llm.Completions, "/v1/completions"}, {llm.Messages, "/v1/messages"}}

// The gateway's reader of answers agrees on what each behaviour is.
func TestBehaviours(t *testing.T) {
	for _, tc := range []struct {
		model                    string
		terminal, failed, broken bool // of a stream
		words                    int64
	}{
		{"sim-fast", true, false, false, 10}, {"sim-long-300", true, false, false, 300}, {"sim-long", true, false, false, 200}, {"claude-x", true, false, false, 10},
		{"sim-cut", false, false, false, 0}, {"sim-reset", false, false, true, 0}, {"sim-error-stream", false, true, false, 0},
	} {
		for _, e := range endpoints {
			in := `{"model":"` + tc.model + `","messages":[{"role":"user","content":"one two"}],"input":"one two","prompt":"one two","stream":true,"stream_options":{"include_usage":true}}`
			_, body, err := call(t, Handler(0), e.path, in)
			if (err == io.ErrUnexpectedEOF) != tc.broken || (err != nil) != tc.broken {
				t.Errorf("%s %v: %v", tc.model, e.d, err)
			}
			a := answer.New(e.d, true)
			for ev := range strings.SplitAfterSeq(body, "\n\n") {
				if ev != "" && a.Event([]byte(ev)) == answer.Malformed {
					t.Errorf("%s %v: malformed %q", tc.model, e.d, ev)
				}
			}
			_, failed := a.Failed()
			u := a.Usage()
			if a.Terminal() != tc.terminal || failed != tc.failed || u.Final != tc.terminal {
				t.Errorf("%s %v: terminal %v, failed %v, %+v", tc.model, e.d, a.Terminal(), failed, u)
			}
			if tc.terminal && (u.Output != tc.words || u.Input != int64(len(in)+3)/4 || u.Model != tc.model) {
				t.Errorf("%s %v: %+v", tc.model, e.d, u)
			}
			if !tc.broken && tc.model != "sim-cut" { // whole
				_, body, err := call(t, Handler(0), e.path, strings.Replace(in, `"stream":true`, `"stream":false`, 1))
				a := answer.New(e.d, false)
				if e := a.Body([]byte(body)); e != nil || err != nil || (tc.words > 0 && a.Usage().Output != tc.words) {
					t.Errorf("%s: %v %v %s", tc.model, e, err, body)
				}
			}
		}
	}
	for _, model := range []string{"sim-cut", "sim-malformed", "sim-reset"} {
		for _, e := range endpoints {
			_, body, err := call(t, Handler(0), e.path, `{"model":"`+model+`"}`)
			if (model == "sim-reset") != (err == io.ErrUnexpectedEOF) || answer.New(e.d, false).Body([]byte(body)) == nil {
				t.Errorf("%s %v: %v %s", model, e.d, err, body)
			}
		}
	}
}

func TestErrors(t *testing.T) {
	for _, e := range endpoints {
		for _, status := range []int{400, 401, 403, 404, 429, 500, 503, 529} {
			for _, streamed := range []string{"true", "false"} {
				res, body, err := call(t, Handler(0), e.path, fmt.Sprintf(`{"model":"sim-error-%d","stream":%s}`, status, streamed))
				if err != nil || res.StatusCode != status || (res.Header.Get("Retry-After") == "1") != (status == 429) {
					t.Errorf("%d: %+v %v", status, res, err)
				}
				var v any
				if json.Unmarshal([]byte(body), &v) != nil || at(v, "error", "message") == nil || at(v, "error", "type") == nil || (at(v, "type") == "error") != (e.d == llm.Messages) {
					t.Error(body)
				}
			}
		}
		if res, _, _ := call(t, Handler(0), e.path, `{"model":"sim-error-200"}`); res.StatusCode != 500 {
			t.Error(res.StatusCode)
		}
		if res, _, _ := call(t, Handler(0), e.path, `{"model":`); res.StatusCode != 400 {
			t.Error(res.StatusCode)
		}
	}
	if res, _, _ := call(t, Handler(0), "/v1/images", `{}`); res.StatusCode != 404 {
		t.Error(res.StatusCode)
	}
}

func TestLimit(t *testing.T) {
	for _, e := range []struct{ path, member, want string }{
		{"/v1/chat/completions", "max_tokens", `"finish_reason":"length"`}, {"/v1/chat/completions", "max_completion_tokens", `"finish_reason":"length"`},
		{"/v1/messages", "max_tokens", `"stop_reason":"max_tokens"`},
	} {
		if _, body, _ := call(t, Handler(0), e.path, `{"model":"sim-long-50","`+e.member+`":5}`); !strings.Contains(body, e.want) || !strings.Contains(body, `tokens":5`) {
			t.Error(body)
		}
	}
}
