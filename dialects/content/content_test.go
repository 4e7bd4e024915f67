package content

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// told is the content in one line for comparing.
func told(c *Content) string {
	s := fmt.Sprintf("%q %q", c.Text(), c.Reasoning())
	for _, call := range c.Calls() {
		s += fmt.Sprintf(" %s:%s(%s)", call.Type, call.Name, call.Arguments)
	}
	if c.Open() {
		s += " open"
	}
	return s
}

func TestWhole(t *testing.T) {
	for _, c := range []struct {
		d          llm.Dialect
		body, want string
	}{
		{llm.Chat, `{"choices":[{"index":0,"message":{"content":"a","reasoning_content":"r","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}},{"type":"custom","custom":{"name":"g","input":"free"}}]},"finish_reason":"stop"},{"index":1,"message":{"content":[{"type":"text","text":"b"}],"refusal":"no","function_call":{"name":"old","arguments":"1"}}}]}`,
			"\"a\\nb\\nno\" \"r\" function:f({}) function:g(free) function:old(1)"},
		{llm.Chat, `{"choices":[{"message":{"content":null,"tool_calls":null}}]}`, `"" ""`},
		{llm.Chat, `{"error":{"message":"x"}}`, `"" ""`},
		{llm.Completions, `{"choices":[{"index":0,"text":"a"}]}`, `"a" ""`},
		{llm.Messages, `{"content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"a"},{"type":"tool_use","name":"f","input":{"x":1}},{"type":"server_tool_use","name":"web_search","input":{}}]}`,
			`"a" "t" function:f({"x":1}) server_tool_use:web_search({})`},
		{llm.Responses, `{"output":[{"type":"reasoning","summary":[{"type":"summary_text","text":"r"}]},{"type":"message","content":[{"type":"output_text","text":"a"},{"type":"refusal","refusal":"b"}]},{"type":"function_call","name":"f","arguments":"{}"},{"type":"web_search_call","action":{"query":"q"}},{"type":"custom_tool_call","name":"g","input":"i"}]}`,
			"\"a\\nb\" \"r\" function:f({}) web_search_call:web_search({\"query\":\"q\"}) function:g(i)"},
		{llm.GenerateContent, `{"candidates":[{"content":{"parts":[{"text":"t","thought":true},{"text":"a"},{"functionCall":{"name":"f","args":{"x":1}}},{"executableCode":{"code":"c"}}]}}]}`,
			`"a" "t" function:f({"x":1}) code_execution:code_execution(c)`},
		{llm.GenerateContent, ` [{"candidates":[{"content":{"parts":[{"text":"a"}]}}]},{"candidates":[{"content":{"parts":[{"text":"b"}]}}]}]`, `"ab" ""`},
		{llm.OllamaChat, `{"message":{"content":"a","thinking":"t","tool_calls":[{"function":{"name":"f","arguments":{"x":1}}}]},"done":true}`, `"a" "t" function:f({"x":1})`},
		{llm.OllamaGenerate, `{"response":"a","done":true}`, `"a" ""`},
		{llm.Embeddings, `{"data":[]}`, `"" ""`},
	} {
		r := New(c.d)
		if err := r.Body([]byte(c.body)); err != nil || told(r) != c.want {
			t.Errorf("%v %s:\n%s, %v; want\n%s", c.d, c.body, told(r), err, c.want)
		}
	}
}

func TestStream(t *testing.T) {
	for _, c := range []struct {
		d      llm.Dialect
		events []string
		steps  []string
	}{
		{llm.Chat, []string{
			`data: {"choices":[{"index":0,"delta":{"content":"a"}}]}`,
			`data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{"}}]}}]}`,
			`data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"name":"g","arguments":""}}]}}]}`,
			`data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}}]}`,
			`data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`,
			`: ping`, `data: [DONE]`,
		}, []string{`"a" ""`, `"a" "" open`, `"a" "" function:f({) open`, `"a" "" open`, `"a" "" function:f({}) function:g()`, `"a" "" function:f({}) function:g()`, `"a" "" function:f({}) function:g()`}},
		{llm.Messages, []string{
			"event: content_block_start\ndata: " + `{"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"f","input":{}}}`,
			`data: {"type":"content_block_delta","index":0,"delta":{"type":"input_json_delta","partial_json":"{}"}}`,
			`data: {"type":"content_block_stop","index":0}`,
			`data: {"type":"content_block_delta","index":1,"delta":{"type":"thinking_delta","thinking":"t"}}`,
		}, []string{`"" "" open`, `"" "" open`, `"" "" function:f({})`, `"" "t" function:f({})`}},
		{llm.Responses, []string{
			`data: {"type":"response.output_text.delta","output_index":0,"content_index":0,"delta":"a"}`,
			`data: {"type":"response.function_call_arguments.delta","output_index":1,"delta":"{"}`,
			`data: {"type":"response.output_item.done","output_index":1,"item":{"type":"function_call","name":"f","arguments":"{}"}}`,
			`data: {"type":"response.completed","response":{"output":[{"type":"message","content":[{"type":"output_text","text":"ab"}]},{"type":"function_call","name":"f","arguments":"{}"}]}}`,
		}, []string{`"a" ""`, `"a" "" open`, `"a" "" function:f({})`, `"ab" "" function:f({})`}},
	} {
		r := New(c.d)
		for i, ev := range c.events {
			before := r.Changes()
			if err := r.Event([]byte(ev + "\n\n")); err != nil {
				t.Fatal(err)
			}
			if told(r) != c.steps[i] {
				t.Errorf("%v after %s: %s, want %s", c.d, ev, told(r), c.steps[i])
			}
			if strings.Contains(ev, "arguments\":\"}") && r.Changes() == before {
				t.Error("a call that goes on does not count as a change")
			}
		}
	}
}

func TestBounds(t *testing.T) {
	c := New(llm.Chat)
	big, _ := json.Marshal(strings.Repeat("x", MaxText))
	for range 2 {
		if err := c.Event([]byte(`data: {"choices":[{"delta":{"content":` + string(big) + `}}]}` + "\n\n")); err != nil {
			t.Fatal(err)
		}
	}
	if len(c.Text()) != MaxText || !c.Short() {
		t.Errorf("%d bytes kept, short %v", len(c.Text()), c.Short())
	}
	for _, bad := range []string{`data: {"choices":{}}`, `data: {"choices":[{"delta":"x"}]}`, `data: {`, `data: 7`} {
		if err := New(llm.Chat).Event([]byte(bad + "\n\n")); err == nil {
			t.Errorf("%s was read", bad)
		}
	}
}

func FuzzContent(f *testing.F) {
	for _, s := range []string{
		`{"choices":[{"index":0,"delta":{"content":"a","tool_calls":[{"index":9,"function":{"name":"f","arguments":"{"}}]},"finish_reason":"x"}]}`,
		`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","name":"f","input":{}}}`,
		`{"type":"response.completed","response":{"output":[{"type":"function_call","name":"f","arguments":"{}"}]}}`,
		`[{"candidates":[{"content":{"parts":[{"text":"a"},{"functionCall":{"name":"f","args":{}}}]}}]}]`,
		`{"message":{"content":"a","tool_calls":[{"function":{"name":"f","arguments":{}}}]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, d := range []llm.Dialect{llm.Chat, llm.Completions, llm.Messages, llm.Responses, llm.GenerateContent, llm.OllamaChat, llm.OllamaGenerate} {
			c := New(d)
			_ = c.Event(append([]byte("data: "), b...))
			_ = c.Event(b)
			_ = c.Body(b)
			if c.Open() {
				t.Errorf("%v: a call is open at the end", d)
			}
			size := len(c.Reasoning()) + len(c.Text())
			for _, s := range c.Segments() {
				size -= len(s.Text)
			}
			if size > len(c.Segments()) {
				t.Errorf("%v: more text than in the segments", d)
			}
		}
	})
}
