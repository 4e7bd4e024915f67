package translate

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// chunks makes a chat stream of the choices of each chunk.
func chunks(choices ...string) string {
	var b strings.Builder
	for _, c := range choices {
		if strings.HasPrefix(c, ":") || strings.HasPrefix(c, "data:") {
			b.WriteString(c + "\n\n")
			continue
		}
		b.WriteString(`data: {"id":"chatcmpl-9","object":"chat.completion.chunk","created":7,"model":"x","choices":[` + c + "]}\n\n")
	}
	return b.String()
}

// says is a choice with a delta.
func says(delta string) string { return `{"index":0,"delta":{` + delta + `},"finish_reason":null}` }

// ends is the last choice.
func ends(reason string) string { return `{"index":0,"delta":{},"finish_reason":"` + reason + `"}` }

func calls(pieces string) string { return says(`"tool_calls":[` + pieces + `]`) }

const chatEnd = `data: [DONE]`

// brief tells a stream for a client of messages in a few words a line, and checks
// what holds for all of them: one block at a time, in order, each event under its
// name, arguments that are objects if the answer is whole.
func brief(t testing.TB, stream string) (list []string) {
	t.Helper()
	names, docs := frames(t, stream)
	open, next, args, kind, ended, stopped := -1, 0, "", "", false, false
	reason := ""
	var inputs []string
	for i, d := range docs {
		var e struct {
			Type    string
			Index   int
			Message struct {
				ID, Type, Role, Model string
				Content               []int
				Usage                 map[string]int
			}
			Block *struct {
				Type, ID, Name, Data      string
				Text, Thinking, Signature *string
				Input                     map[string]any
			} `json:"content_block"`
			Delta struct {
				Type, Text, Thinking, Signature string
				Partial                         string  `json:"partial_json"`
				Stop                            string  `json:"stop_reason"`
				Sequence                        *string `json:"stop_sequence"`
			}
			Usage map[string]int
		}
		if err := json.Unmarshal([]byte(d), &e); err != nil {
			t.Fatalf("%v: %s", err, d)
		}
		if e.Type != names[i] || stopped || ended && e.Type != "message_stop" || (i == 0) != (e.Type == "message_start") {
			t.Fatalf("event %d %q is out of place\n%s", i, names[i], stream)
		}
		switch e.Type {
		case "message_start":
			if e.Message.Role != "assistant" || e.Message.Type != "message" || e.Message.Content == nil || e.Message.Usage == nil {
				t.Fatalf("start: %s", d)
			}
			list = append(list, "start "+e.Message.ID+" "+e.Message.Model)
		case "ping":
			list = append(list, "ping")
		case "content_block_start":
			if open >= 0 || e.Index != next {
				t.Fatalf("block %d begins, %d is open, %d is next\n%s", e.Index, open, next, stream)
			}
			open, args, kind = e.Index, "", e.Block.Type
			next++
			switch kind {
			case "tool_use":
				list = append(list, "tool "+e.Block.ID+" "+e.Block.Name)
				if e.Block.Input == nil || e.Block.ID == "" || e.Block.Name == "" {
					t.Fatalf("tool: %s", d)
				}
			case "redacted_thinking":
				list = append(list, "redacted "+e.Block.Data)
			default:
				list = append(list, kind)
			}
		case "content_block_delta":
			if e.Index != open {
				t.Fatalf("a piece of block %d, %d is open\n%s", e.Index, open, stream)
			}
			want := map[string]string{"text": "text_delta", "tool_use": "input_json_delta", "thinking": "thinking_delta"}[kind]
			if e.Delta.Type != want && !(kind == "thinking" && e.Delta.Type == "signature_delta") {
				t.Fatalf("%s in %s", e.Delta.Type, kind)
			}
			args += e.Delta.Partial
			s := e.Delta.Text + e.Delta.Thinking + e.Delta.Partial
			if e.Delta.Type == "signature_delta" {
				if s = "signature " + e.Delta.Signature; strings.HasPrefix(e.Delta.Signature, sealMark) {
					seal, ok := unpackSeal(e.Delta.Signature)
					s = strings.Join(strings.Fields(fmt.Sprintf("seal %s %s %s %s %v", seal.Origin, seal.Kind, seal.ID, seal.Data, ok)), " ")
				}
			}
			list = append(list, "+"+s)
		case "content_block_stop":
			if e.Index != open {
				t.Fatalf("block %d ends, %d is open\n%s", e.Index, open, stream)
			}
			if kind == "tool_use" {
				inputs = append(inputs, args)
			}
			open = -1
		case "message_delta":
			if open >= 0 || e.Delta.Stop == "" || e.Usage == nil {
				t.Fatalf("end: %s\n%s", d, stream)
			}
			ended, reason = true, e.Delta.Stop
			end := fmt.Sprintf("end %s %d+%d>%d", e.Delta.Stop, e.Usage["input_tokens"], e.Usage["cache_read_input_tokens"], e.Usage["output_tokens"])
			if e.Delta.Sequence != nil {
				end += " " + *e.Delta.Sequence
			}
			list = append(list, end)
		case "message_stop":
			stopped = true
			if !ended {
				t.Fatalf("no message_delta\n%s", stream)
			}
		default:
			t.Fatalf("event %q", e.Type)
		}
	}
	if len(docs) > 0 && !stopped {
		t.Fatalf("no end\n%s", stream)
	}
	for _, in := range inputs {
		if reason == "tool_use" && in != "" && !isObject(in) {
			list = append(list, "broken "+in)
		}
	}
	return list
}

// chatShapes are streams as servers of chat send them, and what a client of
// messages gets.
var chatShapes = map[string]struct {
	stream string
	want   string
}{
	"text": {chunks(says(`"role":"assistant","content":"","refusal":null`), says(`"content":"Hel"`), says(`"content":"lo é😀"`), ends("stop"), `data: {"id":"chatcmpl-9","choices":[],"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":5}}}`, chatEnd),
		`start msg_chatcmpl-9 x|text|+Hel|+lo é😀|end end_turn 4+5>4`},
	"Azure":                   {chunks(`data: {"id":"","object":"","created":0,"model":"","choices":[],"prompt_filter_results":[{"prompt_index":0}]}`, says(`"content":"a"`), ends("stop"), chatEnd), `start msg_chatcmpl-9 x|text|+a|end end_turn 0+0>0`},
	"comments":                {chunks(`: OPENROUTER PROCESSING`, says(`"content":"a"`), `: OPENROUTER PROCESSING`, says(`"content":"b"`), ends("stop"), chatEnd), `start msg_chatcmpl-9 x|text|+a|ping|+b|end end_turn 0+0>0`},
	"usage in the last chunk": {chunks(says(`"content":"a"`), `data: {"id":"chatcmpl-9","model":"x","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":9,"completion_tokens":4,"prompt_cache_hit_tokens":0}}`, chatEnd), `start msg_chatcmpl-9 x|text|+a|end end_turn 9+0>4`},
	"without DONE":            {chunks(says(`"content":"a"`), ends("length")), `start msg_chatcmpl-9 x|text|+a|end max_tokens 0+0>0`},
	"nothing":                 {chunks(ends("content_filter"), chatEnd), `start msg_chatcmpl-9 x|end refusal 0+0>0`},
	"no reason":               {chunks(says(`"content":"a"`), chatEnd), `start msg_chatcmpl-9 x|text|+a|end end_turn 0+0>0`},
	"reasoning": {chunks(says(`"reasoning_content":"h"`), says(`"reasoning_content":"m","content":null`), says(`"content":"a"`), ends("stop"), chatEnd),
		`start msg_chatcmpl-9 x|thinking|+h|+m|+seal chat reasoning_content true|text|+a|end end_turn 0+0>0`},
	"reasoning and words in one": {chunks(says(`"reasoning":"h","content":"a"`), says(`"content":"b"`), says(`"reasoning":"again"`), calls(`{"index":0,"id":"c","function":{"name":"f","arguments":"{}"}}`), ends("tool_calls"), chatEnd),
		`start msg_chatcmpl-9 x|thinking|+h|+seal chat reasoning_content true|text|+a|+b|thinking|+again|+seal chat reasoning_content true|tool c f|+{}|end tool_use 0+0>0`},
	"only reasoning":  {chunks(says(`"reasoning":"h"`), ends("length"), chatEnd), `start msg_chatcmpl-9 x|thinking|+h|+seal chat reasoning_content true|end max_tokens 0+0>0`},
	"refusal":         {chunks(says(`"refusal":"I "`), says(`"refusal":"can't"`), ends("stop"), chatEnd), `start msg_chatcmpl-9 x|text|+I |+can't|end refusal 0+0>0`},
	"a stop sequence": {chunks(says(`"content":"a"`), `{"index":0,"delta":{},"finish_reason":"stop","stop_reason":"END"}`, chatEnd), `start msg_chatcmpl-9 x|text|+a|end stop_sequence 0+0>0 END`},
	"tools": {chunks(says(`"content":"so"`), calls(`{"index":0,"id":"c0","type":"function","function":{"name":"f","arguments":""}}`), calls(`{"index":0,"function":{"arguments":"{\"a\":"}}`), calls(`{"index":0,"function":{"arguments":"\"}\"}"}}`),
		calls(`{"index":1,"id":"c1","type":"function","function":{"name":"g","arguments":""}}`), calls(`{"index":1,"function":{"arguments":"{}"}}`), ends("tool_calls"), chatEnd),
		`start msg_chatcmpl-9 x|text|+so|tool c0 f|+{"a":|+"}"}|tool c1 g|+{}|end tool_use 0+0>0`},
	"interleaved tools": {chunks(calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":"{\"a\":"}},{"index":1,"id":"c1","function":{"name":"g","arguments":"{"}}`), calls(`{"index":2,"id":"c2","function":{"name":"h","arguments":"{}"}}`), says(`"content":"by the way"`),
		calls(`{"index":1,"function":{"arguments":"\"b\":2"}},{"index":0,"function":{"arguments":"1}"}}`), calls(`{"index":1,"function":{"arguments":"}"}}`), ends("tool_calls"), chatEnd),
		`start msg_chatcmpl-9 x|tool c0 f|+{"a":|+1}|tool c1 g|+{|+"b":2|+}|tool c2 h|+{}|text|+by the way|end tool_use 0+0>0`},
	"tools without an index": {chunks(calls(`{"id":"c0","function":{"name":"f","arguments":"{\"a\":1}"}}`), calls(`{"id":"c1","function":{"name":"f","arguments":"{\"a\":"}}`), calls(`{"function":{"arguments":"2}"}}`), calls(`{"id":"c1","function":{"arguments":" "}}`), ends("stop"), chatEnd),
		`start msg_chatcmpl-9 x|tool c0 f|+{"a":1}|tool c1 f|+{"a":|+2}|+ |end tool_use 0+0>0`},
	"tools without index or id": {chunks(calls(`{"function":{"name":"f","arguments":"{\"a\":1}"}},{"function":{"name":"f","arguments":{"a":2}}}`), ends("stop"), chatEnd),
		`start msg_chatcmpl-9 x|tool call_0191ab_3 f|+{"a":1}|tool call_0191ab_4 f|+{"a":2}|end tool_use 0+0>0`},
	"every index is 0": {chunks(calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":"{}"}}`), calls(`{"index":0,"id":"c1","function":{"name":"g","arguments":"{"}}`), calls(`{"index":0,"function":{"arguments":"}"}}`), ends("tool_calls"), chatEnd),
		`start msg_chatcmpl-9 x|tool c0 f|+{}|tool c1 g|+{|+}|end tool_use 0+0>0`},
	"every index is 0, back to the first": {chunks(calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":"{"}}`), calls(`{"index":0,"id":"c1","function":{"name":"g","arguments":"{}"}}`), calls(`{"index":0,"id":"c0","function":{"arguments":"}"}}`), ends("tool_calls"), chatEnd),
		`start msg_chatcmpl-9 x|tool c0 f|+{|+}|tool c1 g|+{}|end tool_use 0+0>0`},
	"a call and no reason": {chunks(calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":"{}"}}`), chatEnd), `start msg_chatcmpl-9 x|tool c0 f|+{}|end tool_use 0+0>0`},
	"more behind the end":  {chunks(says(`"content":"a"`), ends("stop"), chatEnd, `data: so long`), `start msg_chatcmpl-9 x|text|+a|end end_turn 0+0>0`},
	"the id in every piece": {chunks(calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":"{"}}`), calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":"}"}}`), ends("tool_calls"), chatEnd),
		`start msg_chatcmpl-9 x|tool c0 f|+{|+}|end tool_use 0+0>0`},
	"arguments before the name": {chunks(calls(`{"index":0,"id":"c0","function":{"arguments":"{\"a\""}}`), calls(`{"index":0,"function":{"name":"f","arguments":":1}"}}`), ends("tool_calls"), chatEnd), `start msg_chatcmpl-9 x|tool c0 f|+{"a":1}|end tool_use 0+0>0`},
	"no arguments":              {chunks(calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":null}}`), calls(`{"index":1,"id":"c1","function":{"name":"g","arguments":"null"}}`), ends("tool_calls"), chatEnd), `start msg_chatcmpl-9 x|tool c0 f|tool c1 g|end tool_use 0+0>0`},
	"cut arguments":             {chunks(calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":"{\"a\":\"long"}}`), ends("length"), chatEnd), `start msg_chatcmpl-9 x|tool c0 f|+{"a":"long|end max_tokens 0+0>0`},
	"a signature of Gemini": {chunks(calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"G"}}}`), ends("tool_calls"), chatEnd),
		`start msg_chatcmpl-9 x|thinking|+seal generate_content call c0 G true|tool c0 f|+{}|end tool_use 0+0>0`},
	"a signature that comes late": {chunks(calls(`{"index":0,"id":"c0","function":{"name":"f","arguments":"{\"a\":"}}`), calls(`{"index":0,"extra_content":{"google":{"thought_signature":"G"}}}`), calls(`{"index":0,"function":{"arguments":"1}"}}`), ends("tool_calls"), chatEnd),
		`start msg_chatcmpl-9 x|tool c0 f|+{"a":|+1}|thinking|+seal generate_content call c0 G true|end tool_use 0+0>0`},
	"two choices":       {chunks(`{"index":1,"delta":{"content":"other"}},{"index":0,"delta":{"content":"a"}}`, `{"index":1,"delta":{},"finish_reason":"length"}`, ends("stop"), chatEnd), `start msg_chatcmpl-9 x|text|+a|end end_turn 0+0>0`},
	"log probabilities": {chunks(`{"index":0,"delta":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-1,"bytes":[97],"top_logprobs":[]}]}}`, ends("stop"), chatEnd), `start msg_chatcmpl-9 x|text|+a|end end_turn 0+0>0`},
	"data in two lines": {"data: {\"id\":\"chatcmpl-9\",\"model\":\"x\",\ndata: \"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n" + chunks(ends("stop"), chatEnd), `start msg_chatcmpl-9 x|text|+a|end end_turn 0+0>0`},
}

func TestChatStreams(t *testing.T) {
	for name, tc := range chatShapes {
		t.Run(name, func(t *testing.T) {
			got, err := relayed(t, llm.Messages, llm.Chat, plainRequests[llm.Messages], tc.stream, 1<<20)
			if err != nil {
				t.Fatal(err)
			}
			if s := strings.Join(brief(t, got), "|"); s != tc.want {
				t.Errorf("\n%s, want\n%s", s, tc.want)
			}
			ownReader(t, llm.Messages, got)
		})
	}
}

// ownReader fails unless the client's side of the gateway takes a stream for
// whole and well formed.
func ownReader(t testing.TB, client llm.Dialect, stream string) {
	t.Helper()
	meter := answer.New(client, true)
	var s answer.Splitter
	if err := s.Feed([]byte(stream), func(ev []byte) error {
		if meter.Event(ev) == answer.Malformed {
			return fmt.Errorf("malformed: %s", ev)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if len(s.Rest()) > 0 || stream != "" && !meter.Terminal() {
		t.Fatalf("no end\n%s", stream)
	}
}

// However the bytes of a stream arrive, the client gets the same.
func TestRechunkingOfShapes(t *testing.T) {
	n := 0
	try := func(client, upstream llm.Dialect, name, request, stream string) {
		t.Helper()
		want, err := relayed(t, client, upstream, request, stream, len(stream))
		if err != nil {
			t.Fatal(err)
		}
		for _, sep := range []string{"\n", "\r\n", "\r"} {
			s := strings.ReplaceAll(stream, "\n", sep)
			step := 1
			if sep != "\n" { // the splitter's own tests go through the rest
				step = 13
			}
			for cut := 0; cut <= len(s); cut += step { // 0 is byte by byte
				c := testCall(client, upstream)
				if _, _, err := c.Request([]byte(request)); err != nil {
					t.Fatal(err)
				}
				meter := answer.New(upstream, true)
				var split answer.Splitter
				var out []byte
				feed := func(p string) {
					if err := split.Feed([]byte(p), func(ev []byte) (err error) {
						meter.Event(ev)
						out, err = c.Event(out, ev, meter.Usage)
						return err
					}); err != nil {
						t.Fatal(err)
					}
				}
				if cut == 0 {
					for i := range len(s) {
						feed(s[i : i+1])
					}
				} else {
					feed(s[:cut])
					feed(s[cut:])
				}
				n++
				if out = c.End(out, meter.Usage()); string(out) != want {
					t.Fatalf("%s, lines ended by %q, cut at %d:\n%s\nwant\n%s", name, sep, cut, out, want)
				}
			}
		}
	}
	for name, tc := range chatShapes {
		try(llm.Messages, llm.Chat, name, plainRequests[llm.Messages], tc.stream)
	}
	for name, tc := range messagesShapes {
		try(llm.Chat, llm.Messages, name, messagesShapeRequest(tc.functions), tc.stream)
	}
	if n < 10_000 {
		t.Errorf("only %d re-chunkings", n)
	}
	t.Logf("%d re-chunkings of %d shapes", n, len(chatShapes)+len(messagesShapes))
}
