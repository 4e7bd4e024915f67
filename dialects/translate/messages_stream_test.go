package translate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// messagesShapeRequest is a chat client's request for the shapes.
func messagesShapeRequest(functions bool) string {
	if functions {
		return `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}],"functions":[{"name":"f"}]}`
	}
	return `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"f"}},{"type":"custom","custom":{"name":"patch"}}]}`
}

// message makes a stream of messages around blocks.
func message(stop string, events ...string) string {
	all := append([]string{`{"type":"message_start","message":{"id":"msg_9","type":"message","role":"assistant","model":"claude","content":[],"stop_reason":null,"usage":{"input_tokens":9,"cache_read_input_tokens":4,"output_tokens":1}}}`}, events...)
	return sse(append(all, `{"type":"message_delta","delta":{"stop_reason":`+stop+`},"usage":{"output_tokens":5}}`, `{"type":"message_stop"}`)...)
}

// block makes the events of one block.
func block(i int, begin string, deltas ...string) string {
	list := []string{fmt.Sprintf(`{"type":"content_block_start","index":%d,"content_block":{%s}}`, i, begin)}
	for _, d := range deltas {
		list = append(list, fmt.Sprintf(`{"type":"content_block_delta","index":%d,"delta":{%s}}`, i, d))
	}
	return strings.Join(append(list, fmt.Sprintf(`{"type":"content_block_stop","index":%d}`, i)), "\x00")
}

// stream flattens what message and block made.
func streamOf(stop string, blocks ...string) string {
	var events []string
	for _, b := range blocks {
		events = append(events, strings.Split(b, "\x00")...)
	}
	return message(stop, events...)
}

const beginText = `"type":"text","text":""`

func textDelta(s string) string { return `"type":"text_delta","text":"` + s + `"` }

func argsDelta(s string) string {
	b, _ := json.Marshal(s)
	return `"type":"input_json_delta","partial_json":` + string(b)
}

func beginTool(id, name string) string {
	return `"type":"tool_use","id":"` + id + `","name":"` + name + `","input":{}`
}

// messagesShapes are streams of Anthropic, and what a chat client gets.
var messagesShapes = map[string]struct {
	stream    string
	functions bool
	want      string
}{
	"text":            {stream: streamOf(`"end_turn"`, block(0, beginText, textDelta("Hel"), textDelta("lo é😀"))), want: `chatcmpl-msg_9 claude|role|Hel|lo é😀|stop|13>5 (4)|DONE`},
	"ping":            {stream: streamOf(`"end_turn"`, `{"type":"ping"}`, block(0, beginText, textDelta("a"))), want: `chatcmpl-msg_9 claude|role|a|stop|13>5 (4)|DONE`},
	"text at once":    {stream: streamOf(`"max_tokens"`, block(0, `"type":"text","text":"all"`)), want: `chatcmpl-msg_9 claude|role|all|length|13>5 (4)|DONE`},
	"nothing":         {stream: streamOf(`"refusal"`), want: `chatcmpl-msg_9 claude|role|content_filter|13>5 (4)|DONE`},
	"a stop sequence": {stream: streamOf(`"stop_sequence","stop_sequence":"END"`, block(0, beginText, textDelta("a"))), want: `chatcmpl-msg_9 claude|role|a|stop|13>5 (4)|DONE`},
	"two texts":       {stream: streamOf(`"end_turn"`, block(0, beginText, textDelta("a")), block(1, beginText, textDelta("b"))), want: `chatcmpl-msg_9 claude|role|a|b|stop|13>5 (4)|DONE`},
	"thinking": {stream: streamOf(`"end_turn"`, block(0, `"type":"thinking","thinking":"","signature":""`, `"type":"thinking_delta","thinking":"hm"`, `"type":"signature_delta","signature":"SIG"`), block(1, `"type":"redacted_thinking","data":"RED"`), block(2, beginText, textDelta("a"))),
		want: `chatcmpl-msg_9 claude|role|(hm)|a|stop|13>5 (4)|DONE`},
	"tools": {stream: streamOf(`"tool_use"`, block(0, beginText, textDelta("so")), block(1, beginTool("toolu_1", "f"), argsDelta(""), argsDelta(`{"a":`), argsDelta(`"}"}`)), block(2, beginTool("toolu_2", "f"))),
		want: `chatcmpl-msg_9 claude|role|so|0 toolu_1 function f|0 {"a":|0 "}"}|1 toolu_2 function f|1 {}|tool_calls|13>5 (4)|DONE`},
	"input at once":       {stream: streamOf(`"tool_use"`, block(0, `"type":"tool_use","id":"t","name":"f","input":{"a": 1}`)), want: `chatcmpl-msg_9 claude|role|0 t function f|0 {"a": 1}|tool_calls|13>5 (4)|DONE`},
	"a tool of free text": {stream: streamOf(`"tool_use"`, block(0, beginTool("t", "patch"), argsDelta(`{"inp`), argsDelta(`ut":"x\`), argsDelta(`ny"}`))), want: `chatcmpl-msg_9 claude|role|0 t custom patch|0 x|0 ` + "\n" + `y|tool_calls|13>5 (4)|DONE`},
	"tools of the provider": {stream: streamOf(`"end_turn"`, block(0, `"type":"server_tool_use","id":"s","name":"web_search","input":{}`, argsDelta(`{"q":1}`)), block(1, `"type":"web_search_tool_result","tool_use_id":"s","content":[]`), block(2, beginText, `"type":"citations_delta","citation":{}`, textDelta("a"))),
		want: `chatcmpl-msg_9 claude|role|a|stop|13>5 (4)|DONE`},
	"functions": {functions: true, stream: streamOf(`"tool_use"`, block(0, beginTool("t", "f"), argsDelta(`{"a":`), argsDelta(`1}`)), block(1, beginTool("u", "f"), argsDelta(`{}`))),
		want: `chatcmpl-msg_9 claude|role|f()|f {"a":|f 1}|function_call|DONE`},
	"a mark of others":     {stream: streamOf(`"end_turn"`, block(0, beginText, textDelta("a"))) + chunks(chatEnd), want: `chatcmpl-msg_9 claude|role|a|stop|13>5 (4)|DONE`},
	"a call and no reason": {stream: streamOf(`null`, block(0, beginTool("t", "f"), argsDelta(`{}`))), want: `chatcmpl-msg_9 claude|role|0 t function f|0 {}|tool_calls|13>5 (4)|DONE`},
	"events to come":       {stream: streamOf(`"end_turn"`, `{"type":"content_block_hint","index":0}`, block(0, beginText, `"type":"mood_delta","mood":"x"`, textDelta("a"))), want: `chatcmpl-msg_9 claude|role|a|stop|13>5 (4)|DONE`},
}

// briefChat tells a stream for a chat client in a few words a line, and checks
// what holds for all of them.
func briefChat(t testing.TB, stream string) (list []string) {
	t.Helper()
	names, docs := frames(t, stream)
	begun := map[int]bool{}
	finished := map[int]bool{}
	args := map[string]string{}
	for i, d := range docs {
		if names[i] != "" {
			t.Fatalf("an event with a name: %s", names[i])
		}
		if d == "[DONE]" {
			if i != len(docs)-1 {
				t.Fatalf("more behind the end\n%s", stream)
			}
			list = append(list, "DONE")
			continue
		}
		var e struct {
			ID, Object, Model string
			Created           int64
			Choices           []struct {
				Index int
				Delta struct {
					Role, Refusal string
					Content       *string
					Reasoning     string `json:"reasoning_content"`
					Calls         []struct {
						Index            *int
						ID, Type         string
						Function, Custom *struct{ Name, Arguments, Input string }
						Extra            json.RawMessage `json:"extra_content"`
					} `json:"tool_calls"`
					Call *struct{ Name, Arguments string } `json:"function_call"`
				}
				Logprobs json.RawMessage
				Finish   *string `json:"finish_reason"`
			}
			Usage *struct {
				In      int `json:"prompt_tokens"`
				Out     int `json:"completion_tokens"`
				Total   int `json:"total_tokens"`
				Details struct {
					Cached int `json:"cached_tokens"`
				} `json:"prompt_tokens_details"`
			}
		}
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			t.Fatalf("%v: %s", err, d)
		}
		if e.Object != "chat.completion.chunk" || e.Created == 0 || e.Choices == nil {
			t.Fatalf("chunk %s", d)
		}
		if i == 0 {
			list = append(list, e.ID+" "+e.Model)
		}
		if u := e.Usage; u != nil {
			if len(e.Choices) > 0 || u.In+u.Out != u.Total {
				t.Fatalf("usage: %s", d)
			}
			list = append(list, fmt.Sprintf("%d>%d (%d)", u.In, u.Out, u.Details.Cached))
		}
		for _, c := range e.Choices {
			x := c.Delta
			if begun[c.Index] == (x.Role == "assistant") || finished[c.Index] {
				t.Fatalf("choice %d: begun %v, finished %v: %s", c.Index, begun[c.Index], finished[c.Index], d)
			}
			begun[c.Index] = true
			switch {
			case x.Role != "":
				list = append(list, "role")
			case x.Reasoning != "":
				list = append(list, "("+x.Reasoning+")")
			case x.Refusal != "":
				list = append(list, "!"+x.Refusal)
			case x.Call != nil && x.Call.Name != "":
				list = append(list, x.Call.Name+"()")
			case x.Call != nil:
				list = append(list, "f "+x.Call.Arguments)
			case x.Content != nil:
				list = append(list, *x.Content)
			}
			for _, p := range x.Calls {
				f := p.Function
				if f == nil {
					f = p.Custom
				}
				at := fmt.Sprint(c.Index, *p.Index)
				if old, known := args[at]; known == (p.ID != "") || known == (f.Name != "") {
					t.Fatalf("call %s: %q: %s", at, old, d)
				}
				if args[at] += f.Arguments; p.ID != "" {
					list = append(list, fmt.Sprintf("%d %s %s %s", *p.Index, p.ID, p.Type, f.Name)+string(p.Extra))
				} else {
					list = append(list, fmt.Sprintf("%d %s", *p.Index, f.Arguments+f.Input))
				}
				if p.Custom != nil {
					args[at] = "{}"
				}
			}
			if len(c.Logprobs) > 0 && string(c.Logprobs) != "null" {
				list = append(list, "logprobs "+string(c.Logprobs))
			}
			if c.Finish != nil {
				finished[c.Index] = true
				list = append(list, *c.Finish)
				if *c.Finish == "tool_calls" {
					for at, a := range args {
						if strings.HasPrefix(at, fmt.Sprint(c.Index, "")) && !json.Valid([]byte(a)) {
							list = append(list, "broken "+a)
						}
					}
				}
			}
		}
	}
	for n := range begun {
		if !finished[n] {
			t.Fatalf("choice %d has no end\n%s", n, stream)
		}
	}
	return list
}

func TestMessagesStreams(t *testing.T) {
	for name, tc := range messagesShapes {
		t.Run(name, func(t *testing.T) {
			got, err := relayed(t, llm.Chat, llm.Messages, messagesShapeRequest(tc.functions), tc.stream, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if s := strings.Join(briefChat(t, got), "|"); s != tc.want {
				t.Errorf("\n%s, want\n%s\n%s", s, tc.want, got)
			}
			ownReader(t, llm.Chat, got)
		})
	}
}

// Chat clients of other providers: several choices, log probabilities,
// signatures, refusals.
func TestStreamsForChat(t *testing.T) {
	for name, tc := range map[string]struct {
		upstream     llm.Dialect
		stream, want string
	}{
		"choices of Gemini": {llm.GenerateContent, sse(`{"candidates":[{"index":0,"content":{"parts":[{"text":"a"}]}},{"index":1,"content":{"parts":[{"text":"b"}]}}],"responseId":"r","modelVersion":"g"}`, `{"candidates":[{"index":1,"finishReason":"MAX_TOKENS"},{"index":0,"finishReason":"STOP"}],"responseId":"r","modelVersion":"g"}`),
			`chatcmpl-r g|role|a|role|b|length|stop|0>0 (0)|DONE`},
		"a signature of Gemini": {llm.GenerateContent, sse(`{"candidates":[{"index":0,"content":{"parts":[{"text":"hm","thought":true},{"text":"so"},{"functionCall":{"id":"c","name":"f","args":{"a":1}},"thoughtSignature":"G"}]},"finishReason":"STOP"}],"responseId":"r","modelVersion":"g"}`),
			`chatcmpl-r g|role|(hm)|so|0 c function f{"google":{"thought_signature":"G"}}|0 {"a":1}|tool_calls|0>0 (0)|DONE`},
		"log probabilities in data of two lines": {llm.Responses, sse(`{"type":"response.created","response":{"id":"resp_1","model":"o","created_at":7,"status":"in_progress","output":[]}}`,
			`{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m","role":"assistant","content":[]}}`) +
			"data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"content_index\":0,\"item_id\":\"m\",\"delta\":\"a\",\ndata: \"logprobs\":[{\"token\":\"a\",\ndata: \"logprob\":-1}]}\n\n" +
			sse(`{"type":"response.completed","response":{"id":"resp_1","model":"o","status":"completed","output":[],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}}`),
			`chatcmpl-resp_1 o|role|a|logprobs {"content":[{"token":"a","logprob":-1}],"refusal":null}|stop|1>2 (0)|DONE`},
		"a refusal": {llm.Responses, sse(`{"type":"response.created","response":{"id":"resp_1","model":"o","created_at":7,"status":"in_progress","output":[]}}`,
			`{"type":"response.output_item.added","output_index":0,"item":{"type":"message","id":"m","role":"assistant","content":[]}}`,
			`{"type":"response.refusal.delta","output_index":0,"content_index":0,"item_id":"m","delta":"I can't"}`,
			`{"type":"response.completed","response":{"id":"resp_1","model":"o","status":"completed","output":[{"type":"message","id":"m","role":"assistant","content":[{"type":"refusal","refusal":"I can't"}]}],"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}}`),
			`chatcmpl-resp_1 o|role|!I can't|stop|1>2 (0)|DONE`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := relayed(t, llm.Chat, tc.upstream, messagesShapeRequest(false), tc.stream, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if s := strings.Join(briefChat(t, got), "|"); s != tc.want {
				t.Errorf("\n%s, want\n%s\n%s", s, tc.want, got)
			}
			ownReader(t, llm.Chat, got)
		})
	}
}

// Streams that are none end in an error, not in an answer.
func TestStreamsRefused(t *testing.T) {
	for _, tc := range []struct {
		client, upstream llm.Dialect
		event            string
	}{
		{llm.Messages, llm.Chat, `data: {"choices":7}`}, {llm.Messages, llm.Chat, `data: {"choices":[{"delta":"x"}]}`}, {llm.Messages, llm.Chat, `data: {"choices":[`}, {llm.Messages, llm.Chat, `data: hello`},
		{llm.Messages, llm.Chat, `data: {"choices":[{"index":"0"}]}`}, {llm.Messages, llm.Chat, `data: {"choices":[{"delta":{"tool_calls":[{"index":"0"}]}}]}`},
		{llm.Chat, llm.Messages, `data: {"type":7}`}, {llm.Chat, llm.Messages, `data: {"type":"content_block_delta","delta":{"text":7}}`}, {llm.Chat, llm.Messages, `data: {"type":"content_block_start"`},
	} {
		if got, err := relayed(t, tc.client, tc.upstream, plainRequests[tc.client], tc.event+"\n\n", 1<<20); err == nil {
			t.Errorf("%s became %s", tc.event, got)
		} else if strings.Contains(err.Error(), "hello") {
			t.Errorf("the error repeats the answer: %v", err)
		}
	}
}
