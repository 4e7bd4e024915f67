package rewrite

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Pictures, files and sound in answers are noticed, whole and in a stream, in every
// dialect; what only looks like them is not.
func TestUnread(t *testing.T) {
	for _, tc := range []struct {
		name        string
		d           llm.Dialect
		whole, want string
		event       string // "" for the whole as an event
	}{
		{"text", llm.Chat, `{"choices":[{"message":{"content":"x","audio":null,"images":[]}}]}`, "", ""},
		{"spoken", llm.Chat, `{"choices":[{"message":{"audio":{"id":"a","data":"UklGRg==","transcript":"x"}}}]}`, "file", `{"choices":[{"delta":{"audio":{"data":"UklGRg=="}}}]}`},
		{"a transcript", llm.Chat, `{"choices":[{"message":{"audio":{"id":"a","transcript":"x"}}}]}`, "", ""},
		{"pictures", llm.Chat, `{"choices":[{"message":{"images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]}}]}`, "image", ""},
		{"a part", llm.Chat, `{"choices":[{"message":{"content":[{"image_url":{"url":"https://x"},"type":"image_url"}]}}]}`, "image", ""},
		{"a generated picture", llm.Responses, `{"output":[{"id":"i","type":"image_generation_call","status":"completed","result":"iVBORw0KGgo="}]}`, "image", `{"type":"response.output_item.done","item":{"result":"iVBORw0KGgo=","type":"image_generation_call"}}`},
		{"one that has begun", llm.Responses, `{"output":[{"id":"i","type":"image_generation_call","status":"in_progress","result":null}]}`, "", ""},
		{"half of it", llm.Responses, `{"type":"response.image_generation_call.partial_image","partial_image_b64":"AA=="}`, "image", ""},
		{"speech", llm.Responses, `{"type":"response.output_audio.delta","delta":"AAAA"}`, "file", ""},
		{"what code has drawn", llm.Responses, `{"output":[{"type":"code_interpreter_call","outputs":[{"type":"image","url":"https://x"}]}]}`, "image", ""},
		{"inline", llm.GenerateContent, `{"candidates":[{"content":{"parts":[{"inlineData":{"mimeType":"image\/png","data":"AA=="}},{"inlineData":{"data":"AA==","mimeType":"audio/pcm"}}]}}]}`, "image file", ""},
		{"by address", llm.GenerateContent, `[{"candidates":[{"content":{"parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"gs://x"}}]}}]}]`, "file", `{"candidates":[{"content":{"parts":[{"fileData":{"mimeType":"application/pdf","fileUri":"gs://x"}}]}}]}`},
		{"a block", llm.Messages, `{"content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA=="}}]}`, "image", ""},
		{"a fetched page", llm.Messages, `{"content":[{"type":"web_fetch_tool_result","content":{"type":"web_fetch_result","content":{"type":"document","source":{"type":"text","media_type":"text/plain","data":"x"}}}}]}`, "file", ""},
		{"a file that code made", llm.Messages, `{"content":[{"type":"code_execution_tool_result","content":{"content":[{"type":"code_execution_output","file_id":"f"}]}}]}`, "file", ""},
		{"arguments", llm.Messages, `{"content":[{"type":"tool_use","input":{"type":"image","source":"x","images":["y"],"inlineData":{"data":"z"}}}]}`, "", ""},
		{"drawn", llm.OllamaGenerate, `{"response":"","image":"iVBORw0KGgo=","done":true}`, "image", ""},
		{"pictures of a message", llm.OllamaChat, `{"message":{"content":"","images":["iVBORw0KGgo="]},"done":true}`, "image", ""},
	} {
		live := 0
		r := New(tc.d, shout{&live})
		if _, err := r.Body([]byte(tc.whole)); err != nil || strings.Join(r.Unread(), " ") != tc.want {
			t.Errorf("%s: %q, want %q (%v)", tc.name, r.Unread(), tc.want, err)
		}
		event := tc.event
		if event == "" {
			event = tc.whole
		}
		if tc.d.Family() != llm.FamilyOllama {
			event = "data: " + event + "\n"
		}
		r = New(tc.d, shout{&live})
		if _, err := r.Event(nil, []byte(event+"\n")); err != nil || strings.Join(r.Unread(), " ") != tc.want {
			t.Errorf("%s in a stream: %q, want %q (%v)", tc.name, r.Unread(), tc.want, err)
		}
	}
}
