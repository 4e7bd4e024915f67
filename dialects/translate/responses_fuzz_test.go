package translate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Streams as providers send them, by the dialect.
var recorded = map[llm.Dialect]string{
	llm.GenerateContent: geminiHello,
	llm.Responses:       openaiStream,
	llm.Messages: sse(
		`{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[],"usage":{"input_tokens":5,"output_tokens":1}}}`,
		`{"type":"ping"}`,
		`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm é"}}`,
		`{"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"SIG"}}`,
		`{"type":"content_block_stop","index":0}`,
		`{"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"RED"}}`,
		`{"type":"content_block_stop","index":1}`,
		`{"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}}`,
		`{"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"Hello 😀"}}`,
		`{"type":"content_block_stop","index":2}`,
		`{"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"toolu_1","name":"f","input":{}}}`,
		`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a\":"}}`,
		`{"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"1}"}}`,
		`{"type":"content_block_stop","index":3}`,
		`{"type":"content_block_start","index":4,"content_block":{"type":"tool_use","id":"toolu_2","name":"patch","input":{}}}`,
		`{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"{\"input\":\"x\\"}}`,
		`{"type":"content_block_delta","index":4,"delta":{"type":"input_json_delta","partial_json":"ny\"}"}}`,
		`{"type":"content_block_stop","index":4}`,
		`{"type":"message_delta","delta":{"stop_reason":"tool_use","stop_sequence":null},"usage":{"output_tokens":9}}`,
		`{"type":"message_stop"}`),
	llm.Chat: `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"x","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"hm"}}]}

data: {"choices":[{"index":0,"delta":{"content":"Hello 😀"}}]}

: keep-alive

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c0","type":"function","function":{"name":"f","arguments":"{\"a\":"}},{"index":1,"id":"c1","type":"function","function":{"name":"patch","arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{\"input\":\"x\\"}},{"index":0,"function":{"arguments":"1}"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"ny\"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":9,"total_tokens":14}}

data: [DONE]

`,
}

// plainRequests ask for a stream in each client's dialect, with the tools that
// the recorded streams call.
var plainRequests = map[llm.Dialect]string{
	llm.Responses: `{"model":"m","stream":true,"input":"hi",` + patchTools + `}`,
	llm.Chat:      `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"patch"}}]}`,
	llm.Messages:  `{"model":"m","stream":true,"max_tokens":99,"stop_sequences":["END"],"messages":[{"role":"user","content":"hi"}],"tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"patch","input_schema":{"type":"object"}}]}`,
}

// pairs calls f for each pair of dialects in which Responses or Gemini takes part.
func pairs(f func(client, upstream llm.Dialect)) {
	for client := range plainRequests {
		for upstream := range recorded {
			if (client == llm.Responses || upstream == llm.Responses || upstream == llm.GenerateContent) && Can(client, upstream) {
				f(client, upstream)
			}
		}
	}
}

// However the bytes of a provider's stream arrive, the client gets the same.
func TestRechunking(t *testing.T) {
	n := 0
	pairs(func(client, upstream llm.Dialect) {
		n++
		t.Run(fmt.Sprintf("%s from %s", client, upstream), func(t *testing.T) {
			stream := recorded[upstream]
			want, err := relayed(t, client, upstream, plainRequests[client], stream, len(stream))
			if err != nil {
				t.Fatal(err)
			}
			if client == llm.Responses {
				lawful(t, want)
			}
			for _, sep := range []string{"\n", "\r\n", "\r"} {
				s := strings.ReplaceAll(stream, "\n", sep)
				for _, size := range []int{1, 2, 3, 5, 7, 11, 64, 1000} {
					if got, err := relayed(t, client, upstream, plainRequests[client], s, size); err != nil || got != want {
						t.Fatalf("lines ended by %q in pieces of %d: %v\n%s\nwant\n%s", sep, size, err, got, want)
					}
				}
			}
			for cut := 1; cut < len(stream); cut++ {
				c := testCall(client, upstream)
				if _, _, err := c.Request([]byte(plainRequests[client])); err != nil {
					t.Fatal(err)
				}
				meter := answer.New(upstream, true)
				var s answer.Splitter
				var out []byte
				for _, piece := range []string{stream[:cut], stream[cut:]} {
					if err := s.Feed([]byte(piece), func(ev []byte) (err error) {
						meter.Event(ev)
						out, err = c.Event(out, ev, meter.Usage)
						return err
					}); err != nil {
						t.Fatal(err)
					}
				}
				if out = c.End(out, meter.Usage()); string(out) != want {
					t.Fatalf("cut at %d:\n%s\nwant\n%s", cut, out, want)
				}
			}
		})
	})
	if n != 7 {
		t.Errorf("%d pairs", n)
	}
}

// The tool calls of each provider reach each client whole.
func TestStreamsKeepTheCalls(t *testing.T) {
	pairs(func(client, upstream llm.Dialect) {
		t.Run(fmt.Sprintf("%s from %s", client, upstream), func(t *testing.T) {
			got, err := relayed(t, client, upstream, plainRequests[client], recorded[upstream], 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			_, docs := frames(t, got)
			var said strings.Builder
			args := map[float64]string{}
			for _, d := range docs {
				var e map[string]any
				if json.Unmarshal([]byte(d), &e) != nil {
					continue // [DONE]
				}
				collect(e, &said, args)
			}
			text := map[llm.Dialect]string{llm.Responses: "Hello"}[upstream]
			if text == "" {
				text = "Hello 😀"
			}
			if said.String() != text {
				t.Errorf("text %q", said.String())
			}
			found := 0
			for _, a := range args {
				if a == `{"a":1}` {
					found++
				}
			}
			if found != 1 {
				t.Errorf("arguments %v", args)
			}
		})
	})
}

// collect takes text and arguments out of an event of any dialect.
func collect(e map[string]any, said *strings.Builder, args map[float64]string) {
	switch e["type"] {
	case "response.output_text.delta":
		said.WriteString(e["delta"].(string))
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		args[e["output_index"].(float64)] += e["delta"].(string)
	case "content_block_delta":
		d := e["delta"].(map[string]any)
		switch d["type"] {
		case "text_delta":
			said.WriteString(d["text"].(string))
		case "input_json_delta":
			args[e["index"].(float64)] += d["partial_json"].(string)
		}
	}
	choices, _ := e["choices"].([]any)
	for _, c := range choices {
		d, _ := c.(map[string]any)["delta"].(map[string]any)
		if s, ok := d["content"].(string); ok {
			said.WriteString(s)
		}
		calls, _ := d["tool_calls"].([]any)
		for _, c := range calls {
			m := c.(map[string]any)
			if f, ok := m["function"].(map[string]any); ok {
				s, _ := f["arguments"].(string)
				args[m["index"].(float64)] += s
			}
		}
	}
}

// Whatever a client sends, the request is refused or becomes JSON.
func FuzzResponsesRequest(f *testing.F) {
	for _, body := range codexRequests {
		f.Add([]byte(body))
	}
	f.Add([]byte(plainRequests[llm.Responses]))
	f.Add([]byte(`{"model":"m","input":[{"type":"reasoning","encrypted_content":"` + packSeal(Seal{Origin: llm.GenerateContent, Kind: sealCall, ID: "c", Data: "x"}) + `"},{"type":"function_call","call_id":"c","name":"f","arguments":"{}"}]}`))
	f.Add([]byte(`{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:,"},{"type":"input_file","file_data":"x"}]}],"tool_choice":{"type":"allowed_tools","tools":[{}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if _, den := dialects.Parse(llm.Responses, body); den != nil {
			return
		}
		for _, upstream := range []llm.Dialect{llm.Chat, llm.Messages, llm.GenerateContent} {
			out, _, err := testCall(llm.Responses, upstream).Request(body)
			if err != nil {
				if _, ok := err.(*llm.Denial); !ok {
					t.Fatalf("%s: no denial: %v", upstream, err)
				}
				continue
			}
			if !json.Valid(out) {
				t.Fatalf("%s: not JSON: %s", upstream, out)
			}
			if upstream != llm.GenerateContent { // whose requests do not name the model
				if _, den := dialects.Parse(upstream, out); den != nil && strings.Contains(den.Message, "not acceptable JSON") {
					t.Fatalf("%s: %v\n%s", upstream, den, out)
				}
			}
		}
	})
}

// Whatever a provider answers, it is refused or becomes an answer that the
// client's side accepts.
func FuzzAnswer(f *testing.F) {
	f.Add(uint8(0), []byte(`{"id":"r","status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"a","logprobs":[{}]}]},{"type":"reasoning","summary":[],"encrypted_content":"x"},{"type":"function_call","name":"patch","arguments":"{"}]}`))
	f.Add(uint8(1), []byte(`{"candidates":[{"finishReason":"STOP","content":{"parts":[{"text":"a","thought":true},{"functionCall":{"name":"f","args":{}}}]},"logprobsResult":{"chosenCandidates":[{}]}}]}`))
	f.Add(uint8(2), []byte(`{"id":"c","model":"m","choices":[{"index":0,"finish_reason":"stop","message":{"content":"a","tool_calls":[{"id":"1","function":{"name":"patch","arguments":"x"}}]},"logprobs":{"content":[1]}}]}`))
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		upstream := [...]llm.Dialect{llm.Responses, llm.GenerateContent, llm.Chat, llm.Messages}[which%4]
		for client := range plainRequests {
			if !Can(client, upstream) {
				continue
			}
			c := testCall(client, upstream)
			if _, _, err := c.Request([]byte(plainRequests[client])); err != nil {
				t.Fatal(err)
			}
			out, err := c.Body(body, llm.Usage{Input: 1})
			if err != nil {
				continue
			}
			if err := answer.New(client, false).Body(out); err != nil {
				t.Fatalf("%s from %s: %v\n%s", client, upstream, err, out)
			}
		}
	})
}

// Whatever a provider streams, it is refused or becomes a stream that the
// client's side accepts, with a proper end.
func FuzzStream(f *testing.F) {
	for i, d := range []llm.Dialect{llm.Responses, llm.GenerateContent, llm.Chat, llm.Messages} {
		f.Add(uint8(i), []byte(recorded[d]))
	}
	f.Add(uint8(0), []byte("data: {\"type\":\"response.output_text.delta\",\"output_index\":99999,\"delta\":\"x\"}\n\n"))
	f.Fuzz(func(t *testing.T, which uint8, stream []byte) {
		upstream := [...]llm.Dialect{llm.Responses, llm.GenerateContent, llm.Chat, llm.Messages}[which%4]
		for client := range plainRequests {
			if !Can(client, upstream) || client != llm.Responses && upstream != llm.Responses && upstream != llm.GenerateContent {
				continue
			}
			out, err := relayed(t, client, upstream, plainRequests[client], string(stream), 1<<20)
			if err != nil || out == "" {
				continue
			}
			if client == llm.Responses {
				lawful(t, out)
			}
			meter := answer.New(client, true)
			_, docs := frames(t, out)
			for _, d := range docs {
				if meter.Event([]byte("data: "+d+"\n\n")) == answer.Malformed {
					t.Fatalf("%s from %s: malformed: %s", client, upstream, d)
				}
			}
			if len(docs) > 0 && !meter.Terminal() {
				t.Fatalf("%s from %s: no end\n%s", client, upstream, out)
			}
		}
	})
}
