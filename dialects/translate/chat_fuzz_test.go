package translate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// fuzzRequest fails if a request that has passed the strict pass becomes anything
// but a refusal or a request that passes it, too.
func fuzzRequest(t *testing.T, client llm.Dialect, body []byte) {
	if _, den := dialects.Parse(client, body); den != nil {
		return
	}
	for upstream := range codecs {
		if !Can(client, upstream) {
			continue
		}
		c := testCall(client, upstream)
		out, lost, err := c.Request(body)
		if err != nil {
			if d, ok := err.(*llm.Denial); !ok || d.Status != 400 {
				t.Fatalf("%s: no denial: %v", upstream, err)
			}
			continue
		}
		if !json.Valid(out) {
			t.Fatalf("%s: not JSON: %s", upstream, out)
		}
		if len(lost) > maxLost {
			t.Fatalf("%d losses", len(lost))
		}
		if upstream == llm.Chat || upstream == llm.Messages {
			if _, den := dialects.Parse(upstream, out); den != nil && strings.Contains(den.Message, "not acceptable JSON") {
				t.Fatalf("%s: %v\n%s", upstream, den, out)
			}
			var n notes
			if _, err := codecs[upstream].readRequest(out, &n); err != nil {
				t.Fatalf("%s: its own reader refuses it: %v\n%s", upstream, err, out)
			}
		}
	}
}

// Whatever a chat client sends, the request is refused or becomes JSON.
func FuzzChatRequest(f *testing.F) {
	f.Add([]byte(talk[llm.Chat]))
	f.Add([]byte(plainRequests[llm.Chat]))
	f.Add([]byte(`{"model":"claude-opus-4-6","messages":[{"role":"assistant","content":"a","function_call":{"name":"f","arguments":"{"}},{"role":"function","name":"f","content":null},{"role":"developer","content":"x"}],"functions":[{"name":"f"}],"function_call":"auto","n":2,"stop":["a"],"temperature":2e0,"top_p":0.1,"reasoning_effort":"high","response_format":{"type":"json_schema","json_schema":{"schema":{}}}}`))
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","name":"x","content":[{"type":"file","file":{"file_data":"data:text/plain;base64,YQ=="}},{"type":"image_url","image_url":{"url":"data:,"}},{"type":"input_audio","input_audio":{"data":"x","format":"\ud800"}},{"type":"x"}]}],"tools":[{"type":"function","function":{"name":"f","parameters":{ }}},{"type":"custom","custom":{"name":"c","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}},"parallel_tool_calls":false}`))
	f.Fuzz(func(t *testing.T, body []byte) { fuzzRequest(t, llm.Chat, body) })
}

// Whatever a client of messages sends, the request is refused or becomes JSON.
func FuzzMessagesRequest(f *testing.F) {
	f.Add([]byte(talk[llm.Messages]))
	f.Add([]byte(plainRequests[llm.Messages]))
	f.Add([]byte(`{"model":"gpt-5","max_tokens":9,"system":[{"type":"text","text":"x-anthropic-billing-header: x"}],"messages":[{"role":"assistant","content":[{"type":"thinking","thinking":"a","signature":"` + packSeal(Seal{Origin: llm.GenerateContent, Kind: sealCall, ID: "a", Data: "x"}) + `"},{"type":"redacted_thinking","data":"x"},{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"system","content":"s"}],"thinking":{"type":"enabled","budget_tokens":2000},"output_config":{"effort":"max","format":{"type":"json_schema","schema":{}}},"context_management":{"edits":[{"type":"clear_x"}]},"tool_choice":{"type":"tool","name":"f"}}`))
	f.Add([]byte(`{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[{"type":"document","title":"t","context":"c","source":{"type":"content","content":[{"type":"image","source":{"type":"url","url":"x"}}]}},{"type":"tool_result","tool_use_id":"a","content":[{"type":"tool_result","tool_use_id":"b","content":[{"type":"tool_use","id":"q","name":"z","input":{}}]}]},{"type":"search_result"}]}]}`))
	f.Fuzz(func(t *testing.T, body []byte) { fuzzRequest(t, llm.Messages, body) })
}

// Whatever a provider streams, it is refused or becomes a stream that keeps the
// client's rules and has a proper end.
func FuzzChatAndMessagesStream(f *testing.F) {
	for _, tc := range chatShapes {
		f.Add(true, []byte(tc.stream))
	}
	for _, tc := range messagesShapes {
		f.Add(false, []byte(tc.stream))
	}
	f.Add(true, []byte(chunks(calls(`{"index":9007199254740991,"function":{"name":"f"}},{"index":-1,"id":"x"}`), `{"index":-5,"delta":{"content":"x"}}`)))
	f.Fuzz(func(t *testing.T, chat bool, stream []byte) {
		if chat {
			got, err := relayed(t, llm.Messages, llm.Chat, plainRequests[llm.Messages], string(stream), 1<<20)
			if err == nil {
				brief(t, got)
				ownReader(t, llm.Messages, withoutComments(got))
			}
			return
		}
		got, err := relayed(t, llm.Chat, llm.Messages, messagesShapeRequest(false), string(stream), 1<<20)
		if err == nil {
			ownReader(t, llm.Chat, withoutComments(got))
			if _, docs := frames(t, got); len(docs) > 0 {
				lawfulChat(t, docs)
			}
		}
	})
}

// withoutComments leaves nothing of a stream that has comments only.
func withoutComments(stream string) string {
	return strings.TrimPrefix(strings.ReplaceAll(stream, ": ping\n\n", ""), ": ping\n\n")
}

// lawfulChat checks chunks whatever they say.
func lawfulChat(t testing.TB, docs []string) {
	for i, d := range docs {
		if (d == "[DONE]") != (i == len(docs)-1) {
			t.Fatalf("chunk %d of %d: %s", i, len(docs), d)
		}
		if d != "[DONE]" && !json.Valid([]byte(d)) {
			t.Fatalf("not JSON: %s", d)
		}
	}
}

// Whatever an error of a provider looks like, the client gets its own form.
func FuzzError(f *testing.F) {
	f.Add(uint8(0), 400, []byte(`{"error":{"message":"maximum context length is 1 tokens, 2 tokens","code":"x"}}`))
	f.Add(uint8(1), 500, []byte(`<html>`))
	f.Add(uint8(2), 422, []byte(`{"detail":[{"loc":["body",1,null],"msg":"x"}]}`))
	f.Add(uint8(3), 429, []byte(`[{"error":{"status":"X","message":"`+strings.Repeat("x", 3000)+`"}}]`))
	f.Fuzz(func(t *testing.T, which uint8, status int, body []byte) {
		for upstream := range llm.FamilyOllama + 1 {
			out := Error(llm.Family(which%4), upstream, 400+abs(status)%200, body, "r")
			if !json.Valid(out) || len(out) > 32<<10 {
				t.Fatalf("%d bytes: %s", len(out), out)
			}
		}
	})
}

func abs(n int) int {
	if n %= 1000; n < 0 {
		return -n
	}
	return n
}
