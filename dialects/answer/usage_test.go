package answer

import (
	"reflect"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// read feeds the data of events, or a whole body if stream is false.
func read(t *testing.T, d llm.Dialect, stream bool, parts ...string) *Answer {
	t.Helper()
	a := New(d, stream)
	for _, p := range parts {
		if !stream {
			if err := a.Body([]byte(p)); err != nil {
				t.Fatalf("%s: %v", p, err)
			}
		} else if v := a.Event([]byte("data: " + p + "\n\n")); v == Malformed {
			t.Fatalf("%s: malformed", p)
		}
	}
	return a
}

// Each case is a rule of which peers' bug lists have an example.
func TestUsage(t *testing.T) {
	const (
		start = `{"type":"message_start","message":{"type":"message","model":"claude-x","content":[],"usage":{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},"output_tokens":1,"service_tier":"standard"}}}`
		stop  = `{"type":"message_stop"}`
	)
	for _, tc := range []struct {
		name   string
		d      llm.Dialect
		stream bool
		in     []string
		want   llm.Usage
	}{
		{"chat", llm.Chat, false, []string{`{"model":"gpt-4o","service_tier":"flex","choices":[],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`},
			llm.Usage{Input: 10, Output: 5, Model: "gpt-4o", Tier: "flex", Reported: true, Final: true}},
		{"chat: cached and reasoning are inside", llm.Chat, false, []string{`{"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":150,"prompt_tokens_details":{"cached_tokens":60,"cache_write_tokens":10,"audio_tokens":5},"completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":3}}}`},
			llm.Usage{Input: 30, CacheRead: 60, CacheWrite: 10, InputAudio: 5, Output: 50, Reasoning: 20, OutputAudio: 3, Reported: true, Final: true}},
		{"chat: cached beside the prompt, total includes it", llm.Chat, false, []string{`{"usage":{"prompt_tokens":100,"completion_tokens":50,"total_tokens":210,"prompt_tokens_details":{"cached_tokens":60}}}`},
			llm.Usage{Input: 100, CacheRead: 60, Output: 50, Reported: true, Final: true}},
		{"chat: more cached than prompt is beside it", llm.Chat, false, []string{`{"usage":{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":600}}}`},
			llm.Usage{Input: 100, CacheRead: 600, Output: 5, Reported: true, Final: true}},
		{"chat: hidden thoughts of Google", llm.Chat, false, []string{`{"usage":{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109}}`},
			llm.Usage{Input: 35, Output: 74, Reported: true, Final: true}},
		{"chat: hidden thoughts beside a cache", llm.Chat, false, []string{`{"usage":{"prompt_tokens":35,"completion_tokens":12,"total_tokens":109,"prompt_tokens_details":{"cached_tokens":20}}}`},
			llm.Usage{Input: 15, CacheRead: 20, Output: 74, Reported: true, Final: true}},
		{"chat: reasoning of xAI is outside the completion", llm.Chat, false, []string{`{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":315,"completion_tokens_details":{"reasoning_tokens":300}}}`},
			llm.Usage{Input: 10, Output: 305, Reasoning: 300, Reported: true, Final: true}},
		{"chat: reasoning beyond the output is cut", llm.Chat, false, []string{`{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15,"completion_tokens_details":{"reasoning_tokens":300}}}`},
			llm.Usage{Input: 10, Output: 5, Reasoning: 5, Reported: true, Final: true}},
		{"chat: an explicit zero is a figure", llm.Chat, false, []string{`{"usage":{"prompt_tokens":7,"completion_tokens":0,"total_tokens":7}}`},
			llm.Usage{Input: 7, Reported: true, Final: true}},
		{"chat: an empty usage says nothing", llm.Chat, false, []string{`{"usage":{}}`}, llm.Usage{}},
		{"chat: null usage", llm.Chat, false, []string{`{"usage":null}`}, llm.Usage{}},
		{"chat: usage of nulls", llm.Chat, false, []string{`{"usage":{"prompt_tokens":null,"completion_tokens":null}}`}, llm.Usage{}},
		{"chat: usage that is no object", llm.Chat, false, []string{`{"usage":[1,2]}`}, llm.Usage{}},
		{"chat: no output given is not final", llm.Chat, false, []string{`{"usage":{"prompt_tokens":7}}`}, llm.Usage{Input: 7, Reported: true}},
		{"chat: negative, absurd, fractional and text are not given", llm.Chat, false,
			[]string{`{"usage":{"prompt_tokens":-5,"completion_tokens":1e30,"total_tokens":99999999999999999999,"prompt_tokens_details":{"cached_tokens":1.5,"cache_write_tokens":"7","audio_tokens":9000000000000}}}`}, llm.Usage{}},
		{"chat: 12.0", llm.Chat, false, []string{`{"usage":{"prompt_tokens":12.0,"completion_tokens":3.00}}`}, llm.Usage{Input: 12, Output: 3, Reported: true, Final: true}},
		{"chat: a bad figure does not undo a good one", llm.Chat, true,
			[]string{`{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6}}`, `{"choices":[],"usage":{"prompt_tokens":-1,"completion_tokens":null}}`},
			llm.Usage{Input: 5, Output: 6, Reported: true, Final: true}},
		{"chat stream: last chunk", llm.Chat, true,
			[]string{`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}],"usage":null}`, `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":null}`, `{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":6}}`, `[DONE]`},
			llm.Usage{Input: 5, Output: 6, Reported: true, Final: true}},
		{"chat stream: usage in the last chunk with choices", llm.Chat, true,
			[]string{`{"model":"deepseek","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":50,"completion_tokens":6,"total_tokens":56,"prompt_cache_hit_tokens":40,"prompt_cache_miss_tokens":10}}`},
			llm.Usage{Input: 10, CacheRead: 40, Output: 6, Model: "deepseek", Reported: true, Final: true}},
		{"chat stream: inside the choice", llm.Chat, true, []string{`{"choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":5,"completion_tokens":6}}]}`},
			llm.Usage{Input: 5, Output: 6, Reported: true, Final: true}},
		{"chat stream: Groq", llm.Chat, true, []string{`{"choices":[],"x_groq":{"id":"r","usage":{"prompt_tokens":5,"completion_tokens":6}}}`},
			llm.Usage{Input: 5, Output: 6, Reported: true, Final: true}},
		{"chat stream: Mistral", llm.Chat, true, []string{`{"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":6,"num_cached_tokens":20}}`},
			llm.Usage{Input: 30, CacheRead: 20, Output: 6, Reported: true, Final: true}},
		{"chat stream: growing figures are not added", llm.Chat, true,
			[]string{`{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}`, `{"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}`},
			llm.Usage{Input: 5, Output: 2, Reported: true, Final: true}},
		{"completions", llm.Completions, false, []string{`{"choices":[{"text":"x","index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":6}}`}, llm.Usage{Input: 5, Output: 6, Reported: true, Final: true}},
		{"embeddings", llm.Embeddings, false, []string{`{"object":"list","model":"e","data":[{"embedding":[0.1],"index":0}],"usage":{"prompt_tokens":9,"total_tokens":9}}`}, llm.Usage{Input: 9, Model: "e", Reported: true, Final: true}},
		{"embeddings: only the total", llm.Embeddings, false, []string{`{"usage":{"total_tokens":9}}`}, llm.Usage{Input: 9, Reported: true, Final: true}},
		{"responses", llm.Responses, false, []string{`{"object":"response","status":"completed","model":"gpt-5","service_tier":"default","usage":{"input_tokens":100,"input_tokens_details":{"cached_tokens":40,"cache_write_tokens":10},"output_tokens":20,"output_tokens_details":{"reasoning_tokens":8},"total_tokens":120}}`},
			llm.Usage{Input: 50, CacheRead: 40, CacheWrite: 10, Output: 20, Reasoning: 8, Model: "gpt-5", Tier: "default", Reported: true, Final: true}},
		{"responses stream: failed has usage too", llm.Responses, true,
			[]string{`{"type":"response.created","response":{"status":"in_progress","usage":null}}`, `{"type":"response.failed","response":{"status":"failed","error":{"code":"x","message":"y"},"usage":{"input_tokens":5,"output_tokens":2,"total_tokens":7}}}`},
			llm.Usage{Input: 5, Output: 2, Reported: true, Final: true}},
		{"messages: cache is outside, writes are split", llm.Messages, false,
			[]string{`{"type":"message","model":"claude-x","usage":{"input_tokens":10,"cache_read_input_tokens":100,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_5m_input_tokens":20,"ephemeral_1h_input_tokens":10},"output_tokens":7,"output_tokens_details":{"thinking_tokens":4},"server_tool_use":{"web_search_requests":2},"service_tier":"priority"}}`},
			llm.Usage{Input: 10, CacheRead: 100, CacheWrite: 20, CacheWrite1h: 10, Output: 7, Reasoning: 4, WebSearches: 2, Model: "claude-x", Tier: "priority", Reported: true, Final: true}},
		{"messages: total of writes without split", llm.Messages, false, []string{`{"usage":{"input_tokens":10,"cache_creation_input_tokens":30,"output_tokens":7}}`},
			llm.Usage{Input: 10, CacheWrite: 30, Output: 7, Reported: true, Final: true}},
		{"messages: only the hour of the split", llm.Messages, false, []string{`{"usage":{"input_tokens":10,"cache_creation_input_tokens":30,"cache_creation":{"ephemeral_1h_input_tokens":25},"output_tokens":7}}`},
			llm.Usage{Input: 10, CacheWrite: 5, CacheWrite1h: 25, Output: 7, Reported: true, Final: true}},
		{"messages: speed is the tier, wherever it stands", llm.Messages, false, []string{`{"usage":{"input_tokens":1,"output_tokens":1,"speed":"fast","service_tier":"standard"}}`},
			llm.Usage{Input: 1, Output: 1, Tier: "fast", Reported: true, Final: true}},
		{"messages: standard speed is no tier", llm.Messages, false, []string{`{"usage":{"input_tokens":1,"output_tokens":1,"service_tier":"priority","speed":"standard"}}`},
			llm.Usage{Input: 1, Output: 1, Tier: "priority", Reported: true, Final: true}},
		{"messages stream: the start alone is not final", llm.Messages, true, []string{start},
			llm.Usage{Input: 10, CacheRead: 100, CacheWrite: 20, CacheWrite1h: 10, Output: 1, Model: "claude-x", Tier: "standard", Reported: true}},
		{"messages stream: per field the last that is not null", llm.Messages, true,
			[]string{start, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"input_tokens":12,"cache_read_input_tokens":0,"cache_creation_input_tokens":null,"output_tokens":40}}`, stop},
			llm.Usage{Input: 12, CacheWrite: 20, CacheWrite1h: 10, Output: 40, Model: "claude-x", Tier: "standard", Reported: true, Final: true}},
		{"messages stream: a delta without usage is not final", llm.Messages, true, []string{start, `{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{}}`, stop},
			llm.Usage{Input: 10, CacheRead: 100, CacheWrite: 20, CacheWrite1h: 10, Output: 1, Model: "claude-x", Tier: "standard", Reported: true}},
		{"messages stream: the type last", llm.Messages, true,
			[]string{`{"message":{"content":[],"id":"msg_0123456789012345678901234567890123456789","model":"claude-with-a-long-name-20991231","role":"assistant","stop_reason":null,"stop_sequence":null,"type":"message","usage":{"input_tokens":10,"output_tokens":1}},"type":"message_start"}`},
			llm.Usage{Input: 10, Output: 1, Model: "claude-with-a-long-name-20991231", Reported: true}},
		{"messages: iterations", llm.Messages, false,
			[]string{`{"model":"claude-x","usage":{"input_tokens":10,"output_tokens":7,"iterations":[{"type":"message","input_tokens":4,"output_tokens":3,"cache_read_input_tokens":2,"cache_creation":{"ephemeral_1h_input_tokens":6}},{"type":"advisor_message","model":"claude-opus","input_tokens":2518,"output_tokens":22}]}}`},
			llm.Usage{Input: 10, Output: 7, Model: "claude-x", Reported: true, Final: true, Parts: []llm.Usage{
				{Input: 4, CacheRead: 2, CacheWrite1h: 6, Output: 3, Reported: true}, {Input: 2518, Output: 22, Model: "claude-opus", Reported: true}}}},
		{"messages: empty iterations do not make it free", llm.Messages, false,
			[]string{`{"usage":{"input_tokens":10,"output_tokens":7,"iterations":[{},null,3,{"model":"x"}]}}`}, llm.Usage{Input: 10, Output: 7, Reported: true, Final: true}},
		{"messages: iterations that are no list", llm.Messages, false,
			[]string{`{"usage":{"input_tokens":10,"output_tokens":7,"iterations":{"a":1}}}`}, llm.Usage{Input: 10, Output: 7, Reported: true, Final: true}},
		{"messages: iterations inside iterations are not read", llm.Messages, false,
			[]string{`{"usage":{"input_tokens":10,"output_tokens":7,"iterations":[{"input_tokens":1,"output_tokens":2,"iterations":[{"input_tokens":9}]}]}}`},
			llm.Usage{Input: 10, Output: 7, Reported: true, Final: true, Parts: []llm.Usage{{Input: 1, Output: 2, Reported: true}}}},
		{"chat: cached audio is told", llm.Chat, false, []string{`{"usage":{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":60,"audio_tokens":50,"image_tokens":7,"cached_tokens_details":{"audio_tokens":30}},"completion_tokens_details":{"image_tokens":2}}}`},
			llm.Usage{Input: 40, CacheRead: 60, CacheReadAudio: 30, InputAudio: 20, InputImage: 7, Output: 5, OutputImage: 2, OutputSplit: true, Reported: true, Final: true}},
		{"chat: more audio than what was not cached", llm.Chat, false, []string{`{"usage":{"prompt_tokens":100,"completion_tokens":5,"prompt_tokens_details":{"cached_tokens":60,"audio_tokens":50}}}`},
			llm.Usage{Input: 40, CacheRead: 60, CacheReadAudio: 10, InputAudio: 40, Output: 5, Reported: true, Final: true}},
		{"responses: the provider's tools", llm.Responses, false, []string{`{"object":"response","status":"completed","output":[{"type":"web_search_call","action":{"type":"search","query":"x"}},{"type":"web_search_call","action":{"type":"open_page"}},{"type":"web_search_call"},{"type":"file_search_call"},{"type":"code_interpreter_call","container_id":"a"},{"type":"code_interpreter_call","container_id":"a"},{"type":"code_interpreter_call","container_id":"b"},{"type":"message","content":[]},7],"usage":{"input_tokens":5,"output_tokens":2}}`},
			llm.Usage{Input: 5, Output: 2, WebSearches: 2, FileSearches: 1, CodeSessions: 2, Reported: true, Final: true}},
		{"responses: tools without usage are no usage", llm.Responses, false, []string{`{"object":"response","status":"completed","output":[{"type":"web_search_call"}]}`},
			llm.Usage{WebSearches: 1}},
		{"messages: where it was served", llm.Messages, false, []string{`{"usage":{"input_tokens":1,"output_tokens":1,"inference_geo":"us"}}`},
			llm.Usage{Input: 1, Output: 1, Region: "us", Reported: true, Final: true}},
		{"chat: repeated members, the last wins", llm.Chat, false, []string{`{"usage":{"prompt_tokens":1,"prompt_tokens":5,"completion_tokens":6}}`}, llm.Usage{Input: 5, Output: 6, Reported: true, Final: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := read(t, tc.d, tc.stream, tc.in...).Usage(); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("\n got %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

// Whatever a provider writes as a figure, no bucket is negative or beyond what
// can be priced.
func TestFigures(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "1": 1, "999999999999999": -1, "1000000000000": 1_000_000_000_000, "1000000000001": -1, "9999999999999999": -1,
		"-1": -1, "-0": -1, "1e3": -1, "1.0": 1, "1.5": -1, "0.0": 0, "1.0e5": -1, "12345678901234567890": -1,
	} {
		var f figure
		n, ok := integer([]byte(in))
		if ok {
			f.put(n)
		}
		if got := f; got.set != (want >= 0) || (got.set && got.n != want) {
			t.Errorf("%s: %+v, want %d", in, got, want)
		}
	}
}
