package answer

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestTerminal(t *testing.T) {
	const (
		a0, a1 = `{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":null}]}`, `{"choices":[{"index":1,"delta":{"content":"b"},"finish_reason":null}]}`
		f0, f1 = `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, `{"choices":[{"index":1,"delta":{},"finish_reason":"length"}]}`
		done   = "[DONE]"
	)
	for _, tc := range []struct {
		name   string
		d      llm.Dialect
		in     []string
		want   bool
		finish string
	}{
		{"nothing", llm.Chat, nil, false, ""},
		{"text only", llm.Chat, []string{a0}, false, ""},
		{"done", llm.Chat, []string{a0, done}, true, ""},
		{"finish reason, no done", llm.Chat, []string{a0, f0}, true, "stop"},
		{"finish reason in the only chunk", llm.Chat, []string{f0}, true, "stop"},
		{"one of two choices", llm.Chat, []string{a0, a1, f0}, false, "stop"},
		{"both choices", llm.Chat, []string{a0, a1, f0, f1}, true, "length"},
		{"a late second choice", llm.Chat, []string{f0, a1}, false, "stop"},
		{"usage only", llm.Chat, []string{`{"choices":[],"usage":{"prompt_tokens":1}}`}, false, ""},
		{"parallel tool calls are no choices", llm.Chat, []string{`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"{"}}]},"finish_reason":null}]}`, `{"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`}, true, "tool_calls"},
		{"empty finish reason", llm.Chat, []string{`{"choices":[{"index":0,"delta":{"content":"a"},"finish_reason":""}]}`}, false, ""},
		{"finish in the text", llm.Chat, []string{`{"choices":[{"index":0,"delta":{"content":"\"finish_reason\":\"stop\", [DONE]"},"finish_reason":null}]}`}, false, ""},
		{"completions", llm.Completions, []string{`{"choices":[{"index":0,"text":"a","finish_reason":null}]}`, `{"choices":[{"index":0,"text":"","finish_reason":"stop"}]}`}, true, "stop"},
		{"responses", llm.Responses, []string{`{"type":"response.created","response":{"status":"in_progress"}}`, `{"type":"response.output_text.delta","delta":"a"}`}, false, ""},
		{"responses completed", llm.Responses, []string{`{"type":"response.completed","response":{"status":"completed"}}`}, true, "completed"},
		{"responses incomplete", llm.Responses, []string{`{"type":"response.incomplete","response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}`}, true, "max_output_tokens"},
		{"responses failed", llm.Responses, []string{`{"type":"response.failed","response":{"status":"failed","error":{"message":"m"}}}`}, true, "failed"},
		{"responses: done is not its end", llm.Responses, []string{done}, false, ""},
		{"responses: type last", llm.Responses, []string{`{"response":{"status":"completed","output":[{"type":"message","content":[{"type":"output_text","text":"response.created"}]}]},"sequence_number":3,"type":"response.completed"}`}, true, "completed"},
		{"responses: the end in the text", llm.Responses, []string{`{"type":"response.output_text.delta","delta":"{\"type\":\"response.completed\"}"}`}, false, ""},
		{"messages", llm.Messages, []string{`{"type":"message_start","message":{}}`, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"message_stop"}}`}, false, ""},
		{"messages: reason is not yet the end", llm.Messages, []string{`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":1}}`}, false, "end_turn"},
		{"messages stopped", llm.Messages, []string{`{"type":"message_stop"}`}, true, ""},
		{"messages: done is not its end", llm.Messages, []string{done}, false, ""},
		{"messages: the end in a tool's input", llm.Messages, []string{`{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"type\": \"message_stop\"}"}}`}, false, ""},
		{"messages: the end inside a block", llm.Messages, []string{`{"type":"content_block_start","content_block":{"type":"tool_result","content":[{"type":"message_stop"}]}}`}, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := read(t, tc.d, true, tc.in...)
			if a.Terminal() != tc.want || a.FinishReason() != tc.finish {
				t.Errorf("terminal %v, finish %q; want %v, %q", a.Terminal(), a.FinishReason(), tc.want, tc.finish)
			}
		})
	}
}

func TestFailed(t *testing.T) {
	for _, tc := range []struct {
		name   string
		d      llm.Dialect
		stream bool
		in     string
		want   bool
		words  string
	}{
		{"chat stream", llm.Chat, true, `{"error":{"message":"overloaded","code":500}}`, true, "overloaded"},
		{"chat stream, words only", llm.Chat, true, `{"error":"overloaded"}`, true, "overloaded"},
		{"chat stream, null", llm.Chat, true, `{"choices":[],"error":null}`, false, ""},
		{"chat stream, empty", llm.Chat, true, `{"choices":[],"error":""}`, false, ""},
		{"chat stream, in the text", llm.Chat, true, `{"choices":[{"index":0,"delta":{"content":"{\"error\":{\"message\":\"x\"}}"}}]}`, false, ""},
		{"chat", llm.Chat, false, `{"error":{"message":"overloaded"}}`, true, "overloaded"},
		{"chat ok", llm.Chat, false, `{"choices":[],"error":null}`, false, ""},
		{"responses failed", llm.Responses, true, `{"type":"response.failed","response":{"error":{"code":"c","message":"broke"}}}`, true, "broke"},
		{"responses error", llm.Responses, true, `{"type":"error","code":"c","message":"broke","param":null}`, true, "broke"},
		{"responses error, type last", llm.Responses, true, `{"code":"c","message":"broke","type":"error"}`, true, "broke"},
		{"responses error, nested", llm.Responses, true, `{"type":"error","error":{"message":"broke"}}`, true, "broke"},
		{"responses", llm.Responses, false, `{"status":"failed","error":{"message":"broke"}}`, true, "broke"},
		{"responses ok", llm.Responses, false, `{"status":"completed","error":null}`, false, ""},
		{"messages stream", llm.Messages, true, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}`, true, "Overloaded"},
		{"messages", llm.Messages, false, `{"type":"error","error":{"type":"api_error","message":"no"}}`, true, "no"},
		{"responses, shape of a chat", llm.Responses, true, `{"error":{"message":"broke","type":"server_error"}}`, true, "broke"},
		{"messages, shape of a chat", llm.Messages, true, `{"error":{"message":"broke","type":"server_error"}}`, true, "broke"},
		{"messages, untyped body", llm.Messages, false, `{"error":{"message":"broke"}}`, true, "broke"},
		{"messages ok", llm.Messages, false, `{"type":"message"}`, false, ""},
		{"messages: the error of a tool", llm.Messages, true, `{"type":"content_block_start","content_block":{"type":"x_result","content":{"type":"error","error_code":"y"}}}`, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			words, got := read(t, tc.d, tc.stream, tc.in).Failed()
			if got != tc.want || words != tc.words {
				t.Errorf("%v %q, want %v %q", got, words, tc.want, tc.words)
			}
		})
	}
}

func TestVerdicts(t *testing.T) {
	for _, tc := range []struct {
		name string
		d    llm.Dialect
		in   string
		want Verdict
	}{
		{"usage only", llm.Chat, `data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":2}}`, UsageOnly},
		{"usage only, padded", llm.Chat, `data: {"id":"a","choices":[],"usage":{"prompt_tokens":1},"obfuscation":"abc","moderation":null}`, UsageOnly},
		{"usage with moderation", llm.Chat, `data: {"choices":[],"usage":{"prompt_tokens":1},"moderation":{"flagged":true}}`, Pass},
		{"usage with choices", llm.Chat, `data: {"choices":[{"index":0,"delta":{}}],"usage":{"prompt_tokens":1}}`, Pass},
		{"usage null", llm.Chat, `data: {"choices":[],"usage":null}`, Pass},
		{"no choices member", llm.Chat, `data: {"usage":{"prompt_tokens":1}}`, Pass},
		{"filter results first", llm.Chat, `data: {"choices":[],"prompt_filter_results":[{}]}`, Pass},
		{"completions", llm.Completions, `data: {"choices":[],"usage":{"prompt_tokens":1}}`, UsageOnly},
		{"comment", llm.Chat, `: ping`, Pass},
		{"empty data", llm.Chat, `data:`, Pass},
		{"event without data", llm.Messages, `event: ping`, Pass},
		{"garbage", llm.Chat, `data: {"this is`, Malformed},
		{"broken where it matters", llm.Chat, `data: {"choices":[{"finish_reason":"stop",}]}`, Malformed},
		{"array", llm.Chat, `data: []`, Malformed},
		{"text", llm.Messages, `data: hello`, Malformed},
		{"text", llm.Responses, `data: hello`, Malformed},
		{"broken start", llm.Messages, `data: {"type":"message_start","message":{"usage":}}`, Malformed},
		{"broken end", llm.Responses, `data: {"type":"response.completed","response":{"usage":}}`, Malformed},
		{"done in messages", llm.Messages, `data: [DONE]`, Pass},
		{"done in responses", llm.Responses, `data: [DONE]`, Pass},
		{"done without blank", llm.Chat, `data:[DONE]`, Pass},
		{"unknown event", llm.Responses, `data: {"type":"codex.rate_limits","x":1}`, Pass},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := New(tc.d, true).Event([]byte(tc.in + "\n\n")); got != tc.want {
				t.Errorf("%d, want %d", got, tc.want)
			}
		})
	}
}

func TestBodyRefuses(t *testing.T) {
	for _, d := range []llm.Dialect{llm.Chat, llm.Responses, llm.Embeddings, llm.Completions, llm.Messages} {
		for _, in := range []string{``, ` `, `{`, `[]`, `null`, `{"a":1}{"b":2}`, `{"a":1} x`, `{"choices":[`, `<html>`, `{"usage":{"prompt_tokens":1}`, `{"a":01}`} {
			a := New(d, false)
			if a.Body([]byte(in)) == nil {
				t.Errorf("%v accepts %q", d, in)
			}
			if a.Terminal() {
				t.Errorf("%v: %q is terminal", d, in)
			}
		}
		if err := New(d, false).Body([]byte(" {\"a\":1}\r\n ")); err != nil {
			t.Errorf("%v: %v", d, err)
		}
	}
	for _, d := range []llm.Dialect{llm.Models, llm.AnthropicModels, llm.CountTokens} {
		if New(d, false).Body([]byte(`{"a":1} x`)) == nil || New(d, false).Body([]byte(`[1,2]`)) != nil {
			t.Error(d)
		}
	}
}

// The estimate of what was generated never falls short of the text.
func TestTextBytes(t *testing.T) {
	for _, tc := range []struct {
		d    llm.Dialect
		in   string
		want int64
	}{
		{llm.Chat, `{"choices":[{"index":0,"delta":{"role":"assistant","content":"hello"},"finish_reason":null}]}`, 5},
		{llm.Chat, `{"choices": [{"index": 0, "delta": {"content": "hello"}, "finish_reason": null}]}`, 5},
		{llm.Chat, `{"choices":[{"index":0,"delta":{"content":"a\"b\\"},"finish_reason":null}]}`, 6},
		{llm.Chat, `{"choices":[{"index":0,"delta":{"reasoning_content":"abc","content":null}}]}`, 3},
		{llm.Chat, `{"choices":[{"index":0,"delta":{"refusal":"abc"}}]}`, 3},
		{llm.Chat, `{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":1}"}}]}}]}`, 9},
		{llm.Chat, `{"choices":[{"index":0,"delta":{"content":[{"type":"text","text":"abc"}]}}]}`, 3},
		{llm.Chat, `{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, 0},
		{llm.Completions, `{"choices":[{"index":0,"text":"abcd"}]}`, 4},
		{llm.Responses, `{"type":"response.output_text.delta","item_id":"m","delta":"abc"}`, 3},
		{llm.Responses, `{"type":"response.function_call_arguments.delta","delta":"abc"}`, 3},
		{llm.Responses, `{"type":"response.reasoning_summary_text.delta","delta":"abc"}`, 3},
		{llm.Responses, `{"type":"response.output_text.done","text":"abc"}`, 0},
		{llm.Messages, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"abc"}}`, 3},
		{llm.Messages, `{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"abc"}}`, 3},
		{llm.Messages, `{"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}}`, 6},
		{llm.Messages, `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x \"error\" \"message_stop\" y"}}`, 30},
	} {
		if got := read(t, tc.d, true, tc.in).TextBytes(); got != tc.want {
			t.Errorf("%s: %d, want %d", tc.in, got, tc.want)
		}
	}
}

// hostile are texts that a message may carry from outside.
var hostile = []string{
	"", "plain", "a \"quoted\" \\ text", "line\nbreak\r\n\ttab", "\x00\x01\x1f\x7f\u0080\u009f", "</script><!-- & -->", "\u2028\u2029",
	"\xff\xfe broken \xc3", "\xed\xa0\x80", "data: x\n\nevent: y\n\n", strings.Repeat("x", 10<<10), strings.Repeat("\x80", 10<<10),
	strings.Repeat("é", 5<<10), "x" + strings.Repeat("😀", 3<<10), strings.Repeat("\x00", 10<<10), "😀\U0010ffff\ufffd",
}

func TestErrorsAreValid(t *testing.T) {
	for _, text := range hostile {
		d := llm.Deny(502, text, llm.StageProvider, "%s", text)
		d.Param = text
		for _, f := range []llm.Family{llm.FamilyOpenAI, llm.FamilyAnthropic} {
			b := ErrorBody(f, d, text)
			var v struct {
				Type      string
				RequestID string `json:"request_id"`
				Error     struct{ Message, Type, Code string }
			}
			if err := json.Unmarshal(b, &v); err != nil || !utf8.Valid(b) {
				t.Fatalf("%.80q: %v: %.200s", text, err, b)
			}
			if len(b) > 40<<10 {
				t.Errorf("%.20q: %d bytes", text, len(b))
			}
			if len(text) < 100 && v.Error.Message != strings.ToValidUTF8(text, "\ufffd") && utf8.ValidString(text) {
				t.Errorf("%q became %q", text, v.Error.Message)
			}
			if strings.ContainsAny(string(b), "<>&\x00\x7f\n\r\u2028\u2029") {
				t.Errorf("%.80q: raw specials in %.200q", text, b)
			}
		}
		for _, dialect := range []llm.Dialect{llm.Chat, llm.Completions, llm.Responses, llm.Messages} {
			ev := ErrorEvent(dialect, d, text, 7)
			events, rest := chop(t, ev)
			if len(events) != 1 || rest != "" {
				t.Fatalf("%v %.80q: %d events", dialect, text, len(events))
			}
			if !json.Valid(Data(ev)) {
				t.Fatalf("%v %.80q: %.200s", dialect, text, ev)
			}
			// Our own reader takes it for what it is.
			a := New(dialect, true)
			if v := a.Event(ev); v != Pass {
				t.Errorf("%v: verdict %d", dialect, v)
			}
			if _, failed := a.Failed(); !failed {
				t.Errorf("%v %.80q: not a failure: %.200s", dialect, text, ev)
			}
		}
		models := []ModelInfo{{ID: text, Provider: text}, {ID: "b"}}
		for _, f := range []llm.Family{llm.FamilyOpenAI, llm.FamilyAnthropic} {
			if b := ModelsBody(f, models); !json.Valid(b) {
				t.Errorf("%.80q: %.200s", text, b)
			}
		}
	}
}

func TestErrorTypes(t *testing.T) {
	for _, tc := range []struct {
		status            int
		code              string
		openai, anthropic string
	}{
		{400, llm.CodeMalformed, "invalid_request_error", "invalid_request_error"}, {401, llm.CodeUnauthenticated, "authentication_error", "authentication_error"},
		{403, llm.CodeModelNotAllowed, "permission_error", "permission_error"}, {404, llm.CodeModelNotFound, "invalid_request_error", "not_found_error"},
		{413, llm.CodeTooLarge, "invalid_request_error", "request_too_large"}, {429, llm.CodeRateLimited, "rate_limit_error", "rate_limit_error"},
		{429, llm.CodeBudgetExceeded, "insufficient_quota", "rate_limit_error"}, {500, llm.CodeInternal, "server_error", "api_error"},
		{502, llm.CodeProviderError, "server_error", "api_error"}, {503, llm.CodeStoreUnavailable, "server_error", "overloaded_error"},
		{504, llm.CodeProviderTimeout, "server_error", "timeout_error"}, {408, llm.CodeRequestTimeout, "invalid_request_error", "timeout_error"},
	} {
		d := llm.Deny(tc.status, tc.code, llm.StageRequest, "m")
		if b := string(ErrorBody(llm.FamilyOpenAI, d, "r")); b != `{"error":{"message":"m","type":"`+tc.openai+`","param":null,"code":"`+tc.code+`"}}` {
			t.Error(b)
		}
		if b := string(ErrorBody(llm.FamilyAnthropic, d, "r")); b != `{"type":"error","error":{"type":"`+tc.anthropic+`","message":"m","code":"`+tc.code+`"},"request_id":"r"}` {
			t.Error(b)
		}
	}
	d := llm.Deny(502, "c", llm.StageProvider, "m")
	if got := string(ErrorEvent(llm.Messages, d, "r", 0)); !strings.HasPrefix(got, "event: error\ndata: {\"type\":\"error\",") || !strings.HasSuffix(got, "}\n\n") {
		t.Error(got)
	}
	if got := string(ErrorEvent(llm.Responses, d, "r", 12)); !strings.HasPrefix(got, "event: response.failed\ndata: {\"type\":\"response.failed\",\"sequence_number\":12,\"response\":{\"id\":\"resp_r\",") {
		t.Error(got)
	}
	if got := string(ErrorEvent(llm.Chat, d, "r", 0)); !strings.HasPrefix(got, "data: {\"error\":{\"message\":\"m\"") {
		t.Error(got)
	}
}

func TestModels(t *testing.T) {
	models := []ModelInfo{{"gpt-4o", "openai"}, {"claude", "anthropic"}}
	for _, tc := range []struct {
		f      llm.Family
		models []ModelInfo
		want   string
	}{
		{llm.FamilyOpenAI, nil, `{"object":"list","data":[]}`},
		{llm.FamilyAnthropic, nil, `{"data":[],"has_more":false,"first_id":null,"last_id":null}`},
		{llm.FamilyOpenAI, models, `{"object":"list","data":[{"id":"gpt-4o","object":"model","created":0,"owned_by":"openai"},{"id":"claude","object":"model","created":0,"owned_by":"anthropic"}]}`},
		{llm.FamilyAnthropic, models, `{"data":[{"type":"model","id":"gpt-4o","display_name":"gpt-4o","created_at":"1970-01-01T00:00:00Z"},{"type":"model","id":"claude","display_name":"claude","created_at":"1970-01-01T00:00:00Z"}],"has_more":false,"first_id":"gpt-4o","last_id":"claude"}`},
	} {
		if got := string(ModelsBody(tc.f, tc.models)); got != tc.want {
			t.Errorf("got %s", got)
		}
	}
}

// What comes from outside is bounded before it is kept.
func TestBoundedTexts(t *testing.T) {
	long := strings.Repeat("é", 1<<20)
	a := read(t, llm.Chat, false, `{"model":"`+long+`","choices":[{"finish_reason":"`+long+`"}],"error":{"message":"`+long+`"}}`)
	words, _ := a.Failed()
	for _, s := range []string{a.Model(), a.FinishReason(), words} {
		if len(s) > maxMessage || !utf8.ValidString(s) || s == "" {
			t.Errorf("%d bytes", len(s))
		}
	}
	var many strings.Builder
	for i := range 5000 {
		many.WriteString(`{"index":` + strings.Repeat("1", i%9+1) + string(rune('0'+i%10)) + `,"delta":{}},`)
	}
	a = read(t, llm.Chat, true, `{"choices":[`+strings.TrimSuffix(many.String(), ",")+`]}`)
	if len(a.choices) > maxChoices {
		t.Errorf("%d choices", len(a.choices))
	}
}
