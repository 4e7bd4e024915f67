package content

import (
	"errors"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func read(t *testing.T, d llm.Dialect, events ...string) *Content {
	t.Helper()
	c := New(d)
	for _, ev := range events {
		if err := c.Event([]byte("data: " + ev + "\n\n")); err != nil {
			t.Fatal(err)
		}
	}
	c.End()
	return c
}

// Servers number the calls of a chat, and repeat the names of tools, as they like; a
// call must not hide in the one before it.
func TestChatCalls(t *testing.T) {
	chunk := func(calls ...string) string {
		return `{"choices":[{"index":0,"delta":{"tool_calls":[` + strings.Join(calls, ",") + `]}}]}`
	}
	for _, tc := range []struct {
		name   string
		events []string
		want   []Call
	}{
		{"one index, two ids", []string{
			chunk(`{"index":0,"id":"a","function":{"name":"read","arguments":"{}"}}`, `{"index":0,"id":"b","function":{"name":"bash","arguments":"{\"x\""}}`),
			chunk(`{"index":0,"function":{"arguments":":1}"}}`),
		}, []Call{{"read", "{}", "function"}, {"bash", `{"x":1}`, "function"}}},
		{"one index, two events", []string{
			chunk(`{"index":0,"id":"a","function":{"name":"read","arguments":"{}"}}`),
			chunk(`{"index":0,"id":"b","function":{"name":"bash","arguments":"{}"}}`),
		}, []Call{{"read", "{}", "function"}, {"bash", "{}", "function"}}},
		{"the id and the name again", []string{
			chunk(`{"index":0,"id":"a","function":{"name":"bash","arguments":"{\"x\""}}`),
			chunk(`{"index":0,"id":"a","function":{"name":"bash","arguments":":1}"}}`),
		}, []Call{{"bash", `{"x":1}`, "function"}}},
		{"a name in pieces", []string{
			chunk(`{"index":0,"id":"a","function":{"name":"ba"}}`), chunk(`{"index":0,"function":{"name":"sh","arguments":"{}"}}`),
		}, []Call{{"bash", "{}", "function"}}},
	} {
		got := read(t, llm.Chat, tc.events...).Calls()
		if len(got) != len(tc.want) {
			t.Errorf("%s: %+v", tc.name, got)
			continue
		}
		for i := range got {
			if got[i] != tc.want[i] {
				t.Errorf("%s: %+v", tc.name, got)
			}
		}
	}
}

// What is spoken, and thoughts wherever they stand, are texts.
func TestChatTexts(t *testing.T) {
	c := read(t, llm.Chat,
		`{"choices":[{"index":0,"delta":{"audio":{"id":"a","transcript":"spo"}}}]}`,
		`{"choices":[{"index":0,"delta":{"audio":{"transcript":"ken"},"reasoning_details":[{"type":"reasoning.text","text":"de"}]}}]}`,
		`{"choices":[{"index":0,"delta":{"reasoning_details":[{"type":"reasoning.summary","summary":"tail"}]}}]}`,
		`{"choices":[{"index":0,"delta":{"content":[{"type":"thinking","thinking":[{"type":"text","text":"deep"}]},{"type":"text","text":"said"}]}}]}`)
	if got := c.Text(); got != "spoken\nsaid" {
		t.Errorf("text %q", got)
	}
	if got := c.Reasoning(); got != "detail\ndeep" {
		t.Errorf("reasoning %q", got)
	}
	c = New(llm.Chat)
	if err := c.Body([]byte(`{"choices":[{"message":{"audio":{"transcript":"spoken"},"content":null,"reasoning":"same","reasoning_details":[{"text":"same"}]}}]}`)); err != nil {
		t.Fatal(err)
	}
	if c.Text() != "spoken" || c.Reasoning() != "same" {
		t.Errorf("%q %q", c.Text(), c.Reasoning())
	}
}

// Arguments that come by JSON paths cannot be judged: they do not pass for none.
func TestGeminiPartialArguments(t *testing.T) {
	for _, call := range []string{
		`{"name":"bash","partialArgs":[{"jsonPath":"$.command","stringValue":"rm","willContinue":true}],"willContinue":true}`,
		`{"name":"bash","willContinue":true}`,
		`{"name":"bash","partialArgs":[{"jsonPath":"$.command","stringValue":"rm"}]}`,
	} {
		err := New(llm.GenerateContent).Event([]byte(`data: {"candidates":[{"content":{"parts":[{"functionCall":` + call + `}]}}]}` + "\n\n"))
		if !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", call, err)
		}
	}
}

// An empty reason to finish, as some servers send with every piece, ends no call.
func TestEmptyFinishReason(t *testing.T) {
	c := New(llm.Chat)
	piece := `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"bash","arguments":"rm"}}]},"finish_reason":""}]}` + "\n\n"
	if err := c.Event([]byte(piece)); err != nil || !c.Open() {
		t.Errorf("open %v, %v", c.Open(), err)
	}
}

// What servers that number nothing say one after the other stays apart, and stays.
func TestUnnumbered(t *testing.T) {
	for d, events := range map[llm.Dialect][]string{
		llm.Messages: {
			`{"type":"content_block_start","content_block":{"type":"text","text":"a"}}`, `{"type":"content_block_stop"}`,
			`{"type":"content_block_start","content_block":{"type":"tool_use","name":"read","input":{}}}`, `{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}}`,
			`{"type":"content_block_start","content_block":{"type":"tool_use","name":"bash","input":{}}}`, `{"type":"content_block_delta","delta":{"type":"input_json_delta","partial_json":"{}"}}`,
		},
		llm.Responses: {
			`{"type":"response.output_item.added","item":{"type":"message","content":[]}}`, `{"type":"response.output_text.delta","delta":"a"}`,
			`{"type":"response.output_item.done","item":{"type":"message","content":[{"type":"output_text","text":"a"}]}}`,
			`{"type":"response.output_item.added","item":{"type":"function_call","name":"read","arguments":""}}`, `{"type":"response.function_call_arguments.delta","delta":"{}"}`,
			`{"type":"response.output_item.added","item":{"type":"function_call","name":"bash","arguments":""}}`, `{"type":"response.function_call_arguments.delta","delta":"{}"}`,
			`{"type":"response.completed","response":{}}`,
		},
	} {
		c := read(t, d, events...)
		if got := told(c); got != `"a" "" function:read({}) function:bash({})` {
			t.Errorf("%v: %s", d, got)
		}
	}
}
