package translate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// answered returns what a client gets for a provider's whole answer.
func answered(t *testing.T, client, upstream llm.Dialect, request, body string) []byte {
	t.Helper()
	c := testCall(client, upstream)
	if request != "" {
		if _, _, err := c.Request([]byte(request)); err != nil {
			t.Fatal(err)
		}
	}
	meter := answer.New(upstream, false)
	if err := meter.Body([]byte(body)); err != nil {
		t.Fatal(err)
	}
	out, err := c.Body([]byte(body), meter.Usage())
	if err != nil {
		t.Fatal(err)
	}
	back := answer.New(client, false)
	if err := back.Body(out); err != nil || !back.Terminal() {
		t.Errorf("the client's side refuses it: %v\n%s", err, out)
	}
	return out
}

// What a client of messages gets of the answers of chat servers.
func TestChatAnswers(t *testing.T) {
	long := strings.Repeat("n", 100)
	request := `{"model":"m","max_tokens":9,"stop_sequences":["END"],"messages":[{"role":"user","content":"hi"}],"tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"` + long + `","input_schema":{"type":"object"}}]}`
	open := packSeal(openSeal)
	for name, tc := range map[string]struct {
		message, finish, usage string // of the answer
		content, stop, spent   string
	}{
		"text": {`"content":"hello","refusal":null,"tool_calls":null,"annotations":[]`, `"stop"`,
			`{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":12,"cache_write_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}}`,
			`[{"type":"text","text":"hello"}]`, `"end_turn"`, `{"input_tokens":5,"cache_read_input_tokens":12,"cache_creation_input_tokens":3,"output_tokens":5}`},
		"parts":                         {`"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]`, `"stop"`, ``, `[{"type":"text","text":"a"},{"type":"text","text":"b"}]`, `"end_turn"`, ``},
		"nothing":                       {`"content":null`, `"stop"`, ``, `[]`, `"end_turn"`, ``},
		"length":                        {`"content":"he"`, `"length"`, ``, `[{"type":"text","text":"he"}]`, `"max_tokens"`, ``},
		"filtered":                      {`"content":"he"`, `"content_filter"`, ``, `[{"type":"text","text":"he"}]`, `"refusal"`, ``},
		"a reason of its own":           {`"content":"he"`, `"tired"`, ``, `[{"type":"text","text":"he"}]`, `"end_turn"`, ``},
		"no reason":                     {`"content":"he"`, `null`, ``, `[{"type":"text","text":"he"}]`, `"end_turn"`, ``},
		"refusal":                       {`"content":null,"refusal":"I can't"`, `"stop"`, ``, `[{"type":"text","text":"I can't"}]`, `"refusal"`, ``},
		"a stop sequence":               {`"content":"he"`, `"stop","stop_reason":"END"`, ``, `[{"type":"text","text":"he"}]`, `"stop_sequence","stop_sequence":"END"`, ``},
		"a word of its own for the end": {`"content":"he"`, `"stop","stop_reason":"eos"`, ``, `[{"type":"text","text":"he"}]`, `"end_turn"`, ``},
		"a stop token":                  {`"content":"he"`, `"stop","stop_reason":128009`, ``, `[{"type":"text","text":"he"}]`, `"end_turn"`, ``},
		"tools": {`"content":"so","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"functions.f:1","type":"function","function":{"name":"` + shortName(long) + `","arguments":""}}]`, `"tool_calls"`, ``,
			`[{"type":"text","text":"so"},{"type":"tool_use","id":"c1","name":"f","input":{"a":1}},{"type":"tool_use","id":"functions_f_1","name":"` + long + `","input":{}}]`, `"tool_use"`, ``},
		"tools of odd servers": {`"tool_calls":[{"function":{"name":"f","arguments":{"a":1}}},{"id":"","function":{"name":"f","arguments":"{\"a\""}},{"id":"x","function":{"name":"f","arguments":"null"}}]`, `"stop"`, ``,
			`[{"type":"tool_use","id":"call_0191ab_0","name":"f","input":{"a":1}},{"type":"tool_use","id":"call_0191ab_1","name":"f","input":{"invalid_arguments":"{\"a\""}},{"type":"tool_use","id":"x","name":"f","input":{}}]`, `"tool_use"`, ``},
		"reasoning":                {`"reasoning_content":"hm","content":"a"`, `"stop"`, ``, `[{"type":"thinking","thinking":"hm","signature":"` + open + `"},{"type":"text","text":"a"}]`, `"end_turn"`, ``},
		"reasoning, by OpenRouter": {`"reasoning":"hm","reasoning_details":[{"type":"x"}],"content":"a"`, `"stop"`, ``, `[{"type":"thinking","thinking":"hm","signature":"` + open + `"},{"type":"text","text":"a"}]`, `"end_turn"`, ``},
		"a signature of Gemini": {`"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"G"}}}]`, `"tool_calls"`, ``,
			`[{"type":"thinking","thinking":"","signature":"` + packSeal(Seal{Origin: llm.GenerateContent, Kind: sealCall, ID: "c1", Data: "G"}) + `"},{"type":"tool_use","id":"c1","name":"f","input":{}}]`, `"tool_use"`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			usage, spent, stop := tc.usage, tc.spent, tc.stop
			if usage == "" {
				usage, spent = `{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3}`, `{"input_tokens":2,"cache_read_input_tokens":0,"cache_creation_input_tokens":0,"output_tokens":1}`
			}
			if !strings.Contains(stop, "stop_sequence\"") {
				stop += `,"stop_sequence":null`
			}
			out := answered(t, llm.Messages, llm.Chat, request, fmt.Sprintf(`{"id":"chatcmpl-1","object":"chat.completion","created":7,"model":"x-1","choices":[{"index":0,"message":{"role":"assistant",%s},"finish_reason":%s,"logprobs":null}],"usage":%s}`, tc.message, tc.finish, usage))
			sameJSON(t, out, fmt.Sprintf(`{"id":"msg_chatcmpl-1","type":"message","role":"assistant","model":"x-1","content":%s,"stop_reason":%s,"usage":%s}`, tc.content, stop, spent))
		})
	}
}

// What a chat client gets of Anthropic's answers.
func TestMessagesAnswers(t *testing.T) {
	const (
		tools     = `{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"patch"}}]}`
		functions = `{"model":"m","messages":[{"role":"user","content":"hi"}],"functions":[{"name":"f"}]}`
	)
	for name, tc := range map[string]struct {
		request              string
		content, stop, usage string
		message, finish      string
		spent                string
	}{
		"text": {tools, `[{"type":"text","text":"hel"},{"type":"text","text":"lo","citations":[]}]`, `"end_turn"`,
			`{"input_tokens":5,"cache_read_input_tokens":12,"cache_creation_input_tokens":3,"cache_creation":{"ephemeral_5m_input_tokens":1,"ephemeral_1h_input_tokens":2},"output_tokens":5,"output_tokens_details":{"thinking_tokens":2},"service_tier":"standard"}`,
			`"content":"hello","refusal":null`, `"stop"`,
			`{"prompt_tokens":20,"completion_tokens":5,"total_tokens":25,"prompt_tokens_details":{"cached_tokens":12,"cache_write_tokens":3},"completion_tokens_details":{"reasoning_tokens":2}}`},
		"nothing":         {tools, `[]`, `"end_turn"`, ``, `"content":"","refusal":null`, `"stop"`, ``},
		"length":          {tools, `[{"type":"text","text":"a"}]`, `"max_tokens"`, ``, `"content":"a","refusal":null`, `"length"`, ``},
		"context":         {tools, `[{"type":"text","text":"a"}]`, `"model_context_window_exceeded"`, ``, `"content":"a","refusal":null`, `"length"`, ``},
		"a stop sequence": {tools, `[{"type":"text","text":"a"}]`, `"stop_sequence","stop_sequence":"END"`, ``, `"content":"a","refusal":null`, `"stop"`, ``},
		"refused":         {tools, `[{"type":"text","text":"a"}]`, `"refusal"`, ``, `"content":"a","refusal":null`, `"content_filter"`, ``},
		"paused":          {tools, `[{"type":"text","text":"a"},{"type":"server_tool_use","id":"s","name":"w","input":{}}]`, `"pause_turn"`, ``, `"content":"a","refusal":null`, `"stop"`, ``},
		"a new reason":    {tools, `[{"type":"text","text":"a"}]`, `"bored"`, ``, `"content":"a","refusal":null`, `"stop"`, ``},
		"thinking": {tools, `[{"type":"thinking","thinking":"hm","signature":"SIG"},{"type":"redacted_thinking","data":"RED"},{"type":"text","text":"a"}]`, `"end_turn"`, ``,
			`"content":"a","refusal":null,"reasoning_content":"hm"`, `"stop"`, ``},
		"tools": {tools, `[{"type":"text","text":"so"},{"type":"tool_use","id":"toolu_1","name":"f","input":{"a": 1}},{"type":"tool_use","id":"toolu_2","name":"f","input":{}},{"type":"tool_use","id":"toolu_3","name":"patch","input":{"input":"x\ny"}}]`, `"tool_use"`, ``,
			`"content":"so","refusal":null,"tool_calls":[{"id":"toolu_1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}},{"id":"toolu_2","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"toolu_3","type":"custom","custom":{"name":"patch","input":"x\ny"}}]`, `"tool_calls"`, ``},
		"functions": {functions, `[{"type":"tool_use","id":"toolu_1","name":"f","input":{"a":1}}]`, `"tool_use"`, ``,
			`"content":null,"refusal":null,"function_call":{"name":"f","arguments":"{\"a\":1}"}`, `"function_call"`, ``},
	} {
		t.Run(name, func(t *testing.T) {
			usage, spent := tc.usage, tc.spent
			if usage == "" {
				usage, spent = `{"input_tokens":2,"output_tokens":1}`, `{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":0},"completion_tokens_details":{"reasoning_tokens":0}}`
			}
			tier := ""
			if strings.Contains(usage, "service_tier") {
				tier = `,"service_tier":"default"`
			}
			out := answered(t, llm.Chat, llm.Messages, tc.request, fmt.Sprintf(`{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":%s,"stop_reason":%s,"usage":%s}`, tc.content, tc.stop, usage))
			sameJSON(t, out, fmt.Sprintf(`{"id":"chatcmpl-msg_1","object":"chat.completion","created":1700000000,"model":"claude","choices":[{"index":0,"message":{"role":"assistant",%s},"logprobs":null,"finish_reason":%s}],"usage":%s%s}`, tc.message, tc.finish, spent, tier))
		})
	}
}

// Answers that are none.
func TestAnswersRefused(t *testing.T) {
	for _, in := range []string{``, `{}`, `[]`, `null`, `{"choices":[]}`, `{"choices":{}}`, `{"choices":[{"message":7}]}`, `{"choices":[{"message":{"tool_calls":{}}}]}`, `{"choices":[{"message":{"content":"a"}}`} {
		if a, err := readChatAnswer([]byte(in)); err == nil {
			t.Errorf("chat: %s accepted as %+v", in, a)
		}
	}
	for _, in := range []string{``, `{}`, `[]`, `null`, `{"content":7}`, `{"content":[7],"stop_reason":"end_turn"}`, `{"content":[{"type":"text","text":7}],"stop_reason":"end_turn"}`, `{"stop_reason":7}`, `{"content":[`} {
		if a, err := readMessagesAnswer([]byte(in)); err == nil {
			t.Errorf("messages: %s accepted as %+v", in, a)
		}
	}
}
