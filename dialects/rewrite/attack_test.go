package rewrite

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// stream sends events through a rewriter and returns what leaves.
func stream(t *testing.T, d llm.Dialect, events ...string) string {
	t.Helper()
	live := 0
	r := New(d, shout{&live})
	var out []byte
	for _, ev := range events {
		var err error
		if out, err = r.Event(out, []byte(ev)); err != nil {
			t.Fatal(err)
		}
	}
	return string(r.End(out))
}

// Texts that dialects hide in places of their own are texts all the same: what is cut
// between two events does not leave.
func TestTextsInPieces(t *testing.T) {
	chat := func(delta string) string {
		return "data: " + `{"choices":[{"index":0,"delta":` + delta + `}]}` + "\n\n"
	}
	item := func(kind, rest string) string {
		return "data: " + `{"type":"` + kind + `",` + rest + `}` + "\n\n"
	}
	gemini := func(part string) string {
		return "data: " + `{"candidates":[{"index":0,"content":{"parts":[` + part + `]}}]}` + "\n\n"
	}
	for _, tc := range []struct {
		name   string
		d      llm.Dialect
		events []string
	}{
		{"parts of a content", llm.Chat, []string{chat(`{"content":[{"type":"text","text":"a <12"}]}`), chat(`{"content":[{"type":"text","text":"34> b"}]}`)}},
		{"thoughts in a content", llm.Chat, []string{chat(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"a <12"}]}]}`), chat(`{"content":[{"type":"thinking","thinking":[{"type":"text","text":"34> b"}]}]}`)}},
		{"reasoning details", llm.Chat, []string{chat(`{"reasoning_details":[{"type":"reasoning.text","text":"a <12","index":0}]}`), chat(`{"reasoning_details":[{"type":"reasoning.text","text":"34> b","index":0}]}`)}},
		{"summaries in reasoning details", llm.Chat, []string{chat(`{"reasoning_details":[{"type":"reasoning.summary","summary":"a <12"}]}`), chat(`{"reasoning_details":[{"type":"reasoning.summary","summary":"34> b"}]}`)}},
		{"what is spoken", llm.Chat, []string{chat(`{"audio":{"id":"a","transcript":"a <12"}}`), chat(`{"audio":{"transcript":"34> b"}}`)}},
		{"an item ends while another goes on", llm.Responses, []string{
			item("response.output_text.delta", `"item_id":"m","output_index":1,"content_index":0,"delta":"a <12"`),
			item("response.output_item.done", `"output_index":0,"item":{"id":"r","type":"reasoning"}`),
			item("response.output_text.delta", `"item_id":"m","output_index":1,"content_index":0,"delta":"34> b"`),
		}},
		{"two parts in the last event", llm.GenerateContent, []string{
			"data: " + `{"candidates":[{"index":0,"content":{"parts":[{"text":"a <12"},{"text":"34> b"}]},"finishReason":"STOP"}]}` + "\n\n",
		}},
		{"numbers that come and go", llm.GenerateContent, []string{
			"data: " + `{"candidates":[{"content":{"parts":[{"text":"a <12"}]}}]}` + "\n\n", gemini(`{"text":"34> b"}`),
		}},
		{"numbers of tokens", llm.OllamaGenerate, []string{`{"response":"a <12","done":false}` + "\n", `{"response":"34> b","done":true,"context":[1212,3434]}` + "\n"}},
		{"arguments of Gemini in pieces", llm.GenerateContent, []string{
			gemini(`{"functionCall":{"name":"f","partialArgs":[{"jsonPath":"$.to","stringValue":"a <12","willContinue":true}],"willContinue":true}}`),
			gemini(`{"functionCall":{"partialArgs":[{"jsonPath":"$.to","stringValue":"34> b"}],"willContinue":true}}`),
			gemini(`{"functionCall":{}}`),
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := stream(t, tc.d, tc.events...)
			if strings.Contains(out, "12") || strings.Contains(out, "34") || !strings.Contains(out, "[###]") {
				t.Errorf("what leaves is\n%s", out)
			}
		})
	}
}

// Some servers give all calls of an answer the index 0 and tell them apart by id: what
// was held of one does not become part of the next.
func TestCallsOfOneIndex(t *testing.T) {
	call := func(id, args string) string {
		return `{"index":0,"id":"` + id + `","function":{"name":"f","arguments":"` + args + `"}}`
	}
	chunk := func(calls ...string) string {
		return "data: " + `{"choices":[{"index":0,"delta":{"tool_calls":[` + strings.Join(calls, ",") + `]}}]}` + "\n\n"
	}
	for name, events := range map[string][]string{
		"in one event":  {chunk(call("a", "x <1"), call("b", "2> y"))},
		"in two events": {chunk(call("a", "x <1")), chunk(call("b", "2> y"))},
	} {
		out := stream(t, llm.Chat, events...)
		if strings.Contains(out, "[###]") || strings.Index(out, "<1") > strings.Index(out, "2> y") || !strings.Contains(out, `"2> y"`) {
			t.Errorf("%s:\n%s", name, out)
		}
	}
}

// Members of what a model has shaped have names of its own making.
func TestNamesOfMembers(t *testing.T) {
	live := 0
	const body = `{"content":[{"type":"tool_use","name":"f","input":{"<12>":{"<34>":1},"<12>":2}}]}`
	const want = `{"content":[{"type":"tool_use","name":"f","input":{"[###]":{"[###]":1},"[###]":2}}]}`
	out, err := New(llm.Messages, shout{&live}).Body([]byte(body))
	if err != nil || string(out) != want {
		t.Errorf("%s %v", out, err)
	}
	if got := stream(t, llm.Messages, "data: "+body+"\n\n"); got != "data: "+want+"\n\n" {
		t.Errorf("%s", got)
	}
}

// The items of a response have ids, signed thoughts and arguments, whole and in the last
// event of a stream; only what is within them is of the model's making.
func TestItemsOfResponses(t *testing.T) {
	const in = `"output":[{"id":"<1>","type":"function_call","call_id":"<2>","arguments":"<3>"},{"type":"reasoning","encrypted_content":"<4>","summary":[{"text":"<5>"}]},{"type":"x_call","output":{"id":"<6>"}}]`
	const want = `"output":[{"id":"<1>","type":"function_call","call_id":"<2>","arguments":"{Arguments}"},{"type":"reasoning","encrypted_content":"<4>","summary":[{"text":"{}"}]},{"type":"x_call","output":{"id":"{made}"}}]`
	if out, err := New(llm.Responses, kinds{}).Body([]byte("{" + in + "}")); err != nil || string(out) != "{"+want+"}" {
		t.Errorf("%s %v", out, err)
	}
	ev := func(s string) string { return `data: {"type":"response.completed","response":{` + s + "}}\n\n" }
	if out, err := New(llm.Responses, kinds{}).Event(nil, []byte(ev(in))); err != nil || string(out) != ev(want) {
		t.Errorf("%s %v", out, err)
	}
}

// kinds is a filter that says of what kind each "<…>" was taken for.
type kinds struct{ Filter }

func (kinds) Whole(k Kind, text string) string {
	switch {
	case k == Arguments && strings.HasPrefix(text, "{"):
		return strings.ReplaceAll(text, "<6>", "{made}")
	case !strings.HasPrefix(text, "<"):
		return text
	case k == Arguments:
		return "{Arguments}"
	}
	return "{}"
}

// A byte order mark before the first event hides nothing.
func TestByteOrderMark(t *testing.T) {
	if out := stream(t, llm.Chat, "\xef\xbb\xbfdata: {\"x\":\"<12>\"}\n\n"); strings.Contains(out, "<12>") {
		t.Errorf("it left: %q", out)
	}
}

// What stands behind the JSON of an event is not sent unread.
func TestTrailingText(t *testing.T) {
	live := 0
	if out, err := New(llm.Chat, shout{&live}).Event(nil, []byte("data: {} <12>\n\n")); err == nil {
		t.Errorf("it left: %s", out)
	}
}

// Google's whole answers, and its streams without alt=sse, bring a text in several parts.
func TestParts(t *testing.T) {
	live := 0
	for in, want := range map[string]string{
		`{"candidates":[{"content":{"parts":[{"text":"a <12"},{"text":"34> b"}]}}]}`:                                                         `{"candidates":[{"content":{"parts":[{"text":"a "},{"text":"[###] b"}]}}]}`,
		`[{"candidates":[{"content":{"parts":[{"text":"a <12"}]}}]},` + "\n" + `{"candidates":[{"content":{"parts":[{"text":"34> <5"}]}}]}]`: `[{"candidates":[{"content":{"parts":[{"text":"a "}]}}]},` + "\n" + `{"candidates":[{"content":{"parts":[{"text":"[###] <5"}]}}]}]`,
		`[{"candidates":[{"content":{"parts":[{"text":"a <1"}]}},{"content":{"parts":[{"text":"2>"}]}}]}]`:                                   `[{"candidates":[{"content":{"parts":[{"text":"a <1"}]}},{"content":{"parts":[{"text":"2>"}]}}]}]`,
		`[{"candidates":[{"content":{"parts":[{"text":"<1"}]}}]},{"error":{"message":"<7>"}}]`:                                               `[{"candidates":[{"content":{"parts":[{"text":"<1"}]}}]},{"error":{"message":"[###]"}}]`,
		`{"candidates":[{"content":{"parts":[{"functionCall":{"args":{"a":["<1>"]}}}]}}]}`:                                                   `{"candidates":[{"content":{"parts":[{"functionCall":{"args":{"a":["[###]"]}}}]}}]}`,
		`[]`: `[]`,
	} {
		out, err := New(llm.GenerateContent, shout{&live}).Body([]byte(in))
		if err != nil || string(out) != want {
			t.Errorf("%s\n%s\nwant %s (%v)", in, out, want, err)
		}
	}
	for _, bad := range []string{``, `[`, `[{}`, `[{}] {}`, `{"a":`, `[{},]`} {
		if out, err := New(llm.GenerateContent, shout{&live}).Body([]byte(bad)); err == nil {
			t.Errorf("%q is read as %q", bad, out)
		}
	}
	if _, err := New(llm.GenerateContent, shout{&live}).Body([]byte("[" + strings.Repeat("[],", maxWholeNodes) + "[]]")); err == nil {
		t.Error("an answer of a million values was read")
	}
}

// A character of which the halves come in two events is whole when it leaves.
func TestHalvesOfCharacters(t *testing.T) {
	say := func(text string) string {
		return "data: " + `{"choices":[{"index":0,"delta":{"content":"` + text + `"}}]}` + "\n\n"
	}
	for _, pieces := range [][]string{{`a \ud83d`, `\ude00 <12>`}, {"a \xf0\x9f", "\x98\x80 <12>"}, {"a \xf0", "\x9f", "\x98\x80 <1", "2>"}, {`a \ud83d`, ``, `\ude00 <12>`}} {
		var events []string
		for _, p := range pieces {
			events = append(events, say(p))
		}
		text := ""
		for ev := range strings.SplitSeq(stream(t, llm.Chat, events...), "\n\n") {
			var e struct {
				Choices []struct{ Delta struct{ Content string } }
			}
			if json.Unmarshal([]byte(strings.TrimPrefix(ev, "data: ")), &e) == nil && len(e.Choices) > 0 {
				text += e.Choices[0].Delta.Content
			}
		}
		if text != "a \U0001f600 [###]" {
			t.Errorf("%q: %q", pieces, text)
		}
	}
	// What never becomes a character is not lost.
	if out := stream(t, llm.Chat, say(`a \ud83d`), "data: [DONE]\n\n"); !strings.Contains(out, `\ud83d`) {
		t.Error(out)
	}
}
