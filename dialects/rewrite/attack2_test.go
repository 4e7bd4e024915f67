package rewrite

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A text may begin where its part is announced, in members that no dialect has today, and
// in events whose ends say nothing: what is cut between two events does not leave.
func TestTextsThatBeginEarly(t *testing.T) {
	data := func(s string) string { return "data: " + s + "\n\n" }
	for _, tc := range []struct {
		name   string
		d      llm.Dialect
		events []string
	}{
		{"an empty reason to finish", llm.Chat, []string{
			data(`{"choices":[{"index":0,"delta":{"content":"a <12"},"finish_reason":""}]}`), data(`{"choices":[{"index":0,"delta":{"content":"34> b"},"finish_reason":"stop"}]}`)}},
		{"a reason that is none", llm.GenerateContent, []string{
			data(`{"candidates":[{"content":{"parts":[{"text":"a <12"}]},"finishReason":"FINISH_REASON_UNSPECIFIED"}]}`), data(`{"candidates":[{"content":{"parts":[{"text":"34> b"}]},"finishReason":"STOP"}]}`)}},
		{"a reason in every chunk", llm.GenerateContent, []string{
			data(`{"candidates":[{"content":{"parts":[{"text":"a <12"}]},"finishReason":"STOP"}]}`), data(`{"candidates":[{"content":{"parts":[{"text":"34> b"}]},"finishReason":"STOP"}]}`)}},
		{"a block that begins with text", llm.Messages, []string{
			data(`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":"a <12"}}`), data(`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"34> b"}}`), data(`{"type":"content_block_stop","index":0}`)}},
		{"a block that begins with all but its end", llm.Messages, []string{
			data(`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"a <12"}}`), data(`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"34> b"}}`), data(`{"type":"content_block_stop","index":0}`)}},
		{"a delta of a new kind", llm.Messages, []string{
			data(`{"type":"content_block_delta","index":0,"delta":{"type":"compaction_delta","content":"a <12"}}`), data(`{"type":"content_block_delta","index":0,"delta":{"type":"compaction_delta","content":"34> b"}}`)}},
		{"a part that begins with text", llm.Responses, []string{
			data(`{"type":"response.content_part.added","item_id":"m","output_index":0,"content_index":0,"part":{"type":"output_text","text":"a <12"}}`), data(`{"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":"34> b"}`)}},
		{"an item that begins with arguments", llm.Responses, []string{
			data(`{"type":"response.output_item.added","output_index":0,"item":{"type":"function_call","id":"f","arguments":"a <12"}}`), data(`{"type":"response.function_call_arguments.delta","item_id":"f","output_index":0,"delta":"34> b"}`)}},
		{"comments", llm.Chat, []string{": a <1234> b\n\n", ": <1234>\ndata: [DONE]\n\n"}},
		{"comments with data", llm.Chat, []string{": a <1234> b\nx: <1234>\n<1234>\nid: <1234>\n" + data(`{"choices":[]}`)}},
		{"lines that are none", llm.Messages, []string{"<1234>\r\n\r\n"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			out := stream(t, tc.d, tc.events...)
			if strings.Contains(out, "12") || strings.Contains(out, "34") || !strings.Contains(out, "[###]") {
				t.Errorf("what leaves is\n%s", out)
			}
		})
	}
}

// What is held of a text that an event has only begun comes in an event that goes on with
// it, not in one that begins it again.
func TestHeldBeginnings(t *testing.T) {
	out := stream(t, llm.Messages, `data: {"type":"content_block_start","index":3,"content_block":{"type":"text","text":"a <12"}}`+"\n\n", `data: {"type":"content_block_stop","index":3}`+"\n\n")
	if want := `"text":"a "}}` + "\n\nevent: content_block_delta\ndata: " + `{"type":"content_block_delta","index":3,"delta":{"type":"text_delta","text":"<12"}}` + "\n\n"; !strings.Contains(out, want) {
		t.Errorf("%s", out)
	}
	out = stream(t, llm.Responses, `data: {"type":"response.output_item.added","sequence_number":7,"output_index":1,"item":{"type":"message","id":"m","content":[{"type":"output_text","text":"a <12"}]}}`+"\n\n",
		`data: {"type":"response.completed","sequence_number":8,"response":{}}`+"\n\n")
	if want := "event: response.output_text.delta\ndata: " + `{"type":"response.output_text.delta","sequence_number":8,"item_id":"m","output_index":1,"content_index":0,"delta":"<12"}` + "\n\n"; !strings.Contains(out, want) || !strings.Contains(out, `"sequence_number":9`) {
		t.Errorf("%s", out)
	}
}

// An event that says that it is the last one waits until it is known to be.
func TestLastEventWaits(t *testing.T) {
	live := 0
	r := New(llm.GenerateContent, shout{&live})
	last := `data: {"candidates":[{"content":{"parts":[{"text":"a <1","inlineData":{"mimeType":"image/png","data":"x"}}]},"finishReason":"STOP"}]}` + "\n\n"
	out, err := r.Event(nil, []byte(last))
	if err != nil || len(out) != 0 {
		t.Fatalf("%s %v", out, err)
	}
	if out = r.End(nil); string(out) != last || len(r.Unread()) != 1 {
		t.Errorf("%s, unread %v", out, r.Unread())
	}
}

// Servers repeat a text token by token under names of their own.
func TestRepeatedByToken(t *testing.T) {
	live := 0
	for _, more := range []string{
		`"prompt_logprobs":[null,{"1":{"decoded_token":"<1"}},{"2":{"decoded_token":"2>"}}]`, `"completion_probabilities":[{"content":"<1"},{"content":"2>"}]`,
		`"meta_info":{"output_token_logprobs":[[-0.1,1,"<1"],[-0.1,2,"2>"]]}`, `"tokens":[91,92]`,
	} {
		out, err := New(llm.Chat, shout{&live}).Body([]byte(`{"choices":[{"message":{"content":"<12>"},` + more + `}]}`))
		if err != nil || strings.Contains(string(out), "<1") || strings.Contains(string(out), "2>") || strings.Contains(string(out), "91") {
			t.Errorf("%s, %v", out, err)
		}
		event := stream(t, llm.Completions, `data: {"choices":[{"index":0,"text":"<12>",`+more+`}]}`+"\n\n")
		if strings.Contains(event, "<1") || strings.Contains(event, "2>") || strings.Contains(event, "91") {
			t.Errorf("%s", event)
		}
	}
}

// Some servers say with every piece of a chat what there is so far: half a value does not
// leave in it, and the whole text does at the end.
func TestTextSoFar(t *testing.T) {
	chunk := func(piece, soFar, finish string) string {
		return `data: {"choices":[{"index":0,"message":{"role":"assistant","content":"` + soFar + `"},"delta":{"content":"` + piece + `"},"finish_reason":` + finish + `}]}` + "\n\n"
	}
	out := stream(t, llm.Chat, chunk("a <12", "a <12", "null"), chunk("34> b", "a <1234> b", `"stop"`))
	if strings.Contains(out, "12") || strings.Contains(out, "34") || !strings.Contains(out, `"content":"a [###] b"`) || !strings.Contains(out, `"role":"assistant"`) {
		t.Error(out)
	}
}

// Names and texts that users and tools have shaped stand in places of their own.
func TestShapedByOthers(t *testing.T) {
	live := 0
	for d, body := range map[llm.Dialect]string{
		llm.Messages:        `{"type":"message_start","message":{"content":[{"type":"web_fetch_tool_result","content":{"type":"web_fetch_result","content":{"type":"document","source":{"type":"text","media_type":"text/plain","data":"a <1234> b"}}}}]}}`,
		llm.Responses:       `{"type":"x","response":{"output":[{"type":"file_search_call","results":[{"attributes":{"<1234>":1}}]},{"type":"local_shell_call","action":{"env":{"<1234>":"x"}}}]}}`,
		llm.GenerateContent: `{"candidates":[{"content":{"parts":[{"functionResponse":{"response":{"<1234>":1}}}]}}]}`,
	} {
		whole, err := New(d, shout{&live}).Body([]byte(body))
		for _, out := range []string{string(whole), stream(t, d, "data: "+body+"\n\n")} {
			if err != nil || strings.Contains(out, "1234") || !strings.Contains(out, "[###]") {
				t.Errorf("%v: %s, %v", d, out, err)
			}
		}
	}
}
