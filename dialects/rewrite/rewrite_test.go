package rewrite

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// shout is a filter that puts "[###]" in the place of each "<digits>" and holds
// back what may become one.
type shout struct{ live *int }

func (s shout) Stream(Kind) Stream { *s.live++; return &shouting{} }
func (s shout) Whole(_ Kind, t string) string {
	st := &shouting{}
	return st.Feed(t) + st.Flush()
}

type shouting struct{ held string }

func (s *shouting) Feed(p string) string {
	s.held += p
	var b strings.Builder
	for {
		i := strings.IndexByte(s.held, '<')
		if i < 0 {
			b.WriteString(s.held)
			s.held = ""
			return b.String()
		}
		b.WriteString(s.held[:i])
		s.held = s.held[i:]
		j := 1
		for j < len(s.held) && s.held[j] >= '0' && s.held[j] <= '9' {
			j++
		}
		switch {
		case j == len(s.held):
			return b.String()
		case j > 1 && s.held[j] == '>':
			b.WriteString("[###]")
			s.held = s.held[j+1:]
		default:
			b.WriteString(s.held[:j])
			s.held = s.held[j:]
		}
	}
}

func (s *shouting) Flush() string {
	t := s.held
	s.held = ""
	return t
}

func (s *shouting) Held() int { return len(s.held) }

// speech is how a dialect streams texts: say makes the event of a piece, begin
// and end what stands around a text, and hear reads the pieces of a text out of
// the events.
type speech struct {
	name       string
	dialect    llm.Dialect
	texts      int // at once
	begin, end func(i int) string
	say        func(i int, piece string) string
	last       string
	hear       func(ev []byte, text []string)
}

func q(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

var speeches = []speech{
	{
		name: "chat", dialect: llm.Chat, texts: 3,
		begin: func(i int) string {
			return fmt.Sprintf(`data: {"choices":[{"index":%d,"delta":{"role":"assistant","content":""},"logprobs":null,"finish_reason":null}]}`+"\n\n", i)
		},
		say: func(i int, p string) string {
			if i == 2 { // a tool call
				return fmt.Sprintf(`data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_<1>","function":{"name":"f","arguments":%s}}]},"finish_reason":null}]}`+"\n\n", q(p))
			}
			return fmt.Sprintf(`data: {"id":"x<12>","choices":[{"delta":{"content":%s},"index":%d,"logprobs":{"content":[{"token":%s}]},"finish_reason":null}],"note":"a <77> b"}`+"\n\n", q(p), i, q(p))
		},
		end: func(i int) string {
			if i == 2 {
				return ""
			}
			return fmt.Sprintf(`data: {"choices":[{"index":%d,"delta":{},"finish_reason":"stop"}],"usage":null}`+"\n\n", i)
		},
		last: "data: [DONE]\n\n",
		hear: func(ev []byte, text []string) {
			var e struct {
				Choices []struct {
					Index int
					Delta struct {
						Content   string
						ToolCalls []struct {
							Function struct{ Arguments string }
						} `json:"tool_calls"`
					}
				}
			}
			if json.Unmarshal(answer.Data(ev), &e) == nil {
				for _, c := range e.Choices {
					text[c.Index] += c.Delta.Content
					for _, tc := range c.Delta.ToolCalls {
						text[2] += tc.Function.Arguments
					}
				}
			}
		},
	},
	{
		name: "messages", dialect: llm.Messages, texts: 3,
		begin: func(i int) string {
			return fmt.Sprintf("event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":%d,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n", i)
		},
		say: func(i int, p string) string {
			kind := []string{`{"type":"text_delta","text":%s}`, `{"type":"input_json_delta","partial_json":%s}`, `{"type":"thinking_delta","thinking":%s}`}[i]
			return fmt.Sprintf("event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":%d,\"delta\":%s}\n\n", i, fmt.Sprintf(kind, q(p)))
		},
		end: func(i int) string {
			return fmt.Sprintf("event: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":%d}\n\n", i)
		},
		last: "event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":5}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
		hear: func(ev []byte, text []string) {
			var e struct {
				Index int
				Delta struct {
					Text     string
					JSON     string `json:"partial_json"`
					Thinking string
				}
			}
			if json.Unmarshal(answer.Data(ev), &e) == nil {
				text[e.Index] += e.Delta.Text + e.Delta.JSON + e.Delta.Thinking
			}
		},
	},
	{
		name: "responses", dialect: llm.Responses, texts: 2,
		begin: func(i int) string {
			return fmt.Sprintf("event: response.content_part.added\ndata: {\"type\":\"response.content_part.added\",\"item_id\":\"i\",\"content_index\":%d,\"part\":{\"text\":\"\"},\"sequence_number\":SEQ}\n\n", i)
		},
		say: func(i int, p string) string {
			return fmt.Sprintf("event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"i\",\"content_index\":%d,\"delta\":%s,\"logprobs\":[{\"token\":%s}],\"sequence_number\":SEQ,\"obfuscation\":\"<5>\"}\n\n", i, q(p), q(p))
		},
		end: func(i int) string {
			return fmt.Sprintf("event: response.output_text.done\ndata: {\"type\":\"response.output_text.done\",\"item_id\":\"i\",\"content_index\":%d,\"text\":TEXT%d,\"sequence_number\":SEQ}\n\n", i, i)
		},
		last: "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[{\"content\":[{\"text\":TEXT0},{\"text\":TEXT1}]}]},\"sequence_number\":SEQ}\n\n",
		hear: func(ev []byte, text []string) {
			var e struct {
				Type  string
				Index int `json:"content_index"`
				Delta string
			}
			if json.Unmarshal(answer.Data(ev), &e) == nil && e.Type == "response.output_text.delta" {
				text[e.Index] += e.Delta
			}
		},
	},
	{
		name: "gemini", dialect: llm.GenerateContent, texts: 2,
		begin: func(int) string { return "" },
		say: func(i int, p string) string {
			return fmt.Sprintf(`data: {"candidates":[{"content":{"parts":[{"text":%s}]},"index":%d}],"modelVersion":"g<3>"}`+"\r\n\r\n", q(p), i)
		},
		end: func(i int) string {
			return fmt.Sprintf(`data: {"candidates":[{"content":{"parts":[{"text":""}]},"finishReason":"STOP","index":%d}]}`+"\r\n\r\n", i)
		},
		hear: func(ev []byte, text []string) {
			var e struct {
				Candidates []struct {
					Index   int
					Content struct{ Parts []struct{ Text string } }
				}
			}
			if json.Unmarshal(answer.Data(ev), &e) == nil {
				for _, c := range e.Candidates {
					for _, p := range c.Content.Parts {
						text[c.Index] += p.Text
					}
				}
			}
		},
	},
	{
		name: "ollama", dialect: llm.OllamaChat, texts: 1,
		begin: func(int) string { return "" },
		say: func(_ int, p string) string {
			return fmt.Sprintf(`{"model":"m","message":{"role":"assistant","content":%s},"done":false}`+"\n", q(p))
		},
		end: func(int) string {
			return `{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","eval_count":3}` + "\n"
		},
		hear: func(ev []byte, text []string) {
			var e struct{ Message struct{ Content string } }
			if json.Unmarshal(ev, &e) == nil {
				text[0] += e.Message.Content
			}
		},
	},
}

// stream makes a whole stream of texts, cut at random and mixed.
func (sp *speech) stream(texts []string, r *rand.Rand) string {
	var b strings.Builder
	rest := append([]string(nil), texts[:sp.texts]...)
	seq := 0
	add := func(ev string) {
		for i, t := range texts {
			ev = strings.ReplaceAll(ev, fmt.Sprint("TEXT", i), q(t))
		}
		for strings.Contains(ev, "SEQ") {
			ev = strings.Replace(ev, "SEQ", fmt.Sprint(seq), 1)
			seq++
		}
		b.WriteString(ev)
	}
	for i := range rest {
		add(sp.begin(i))
	}
	for open := len(rest); open > 0; {
		i := r.IntN(len(rest))
		if rest[i] == "" {
			continue
		}
		n := 1 + r.IntN(min(12, len(rest[i])))
		for n < len(rest[i]) && !utf8.RuneStart(rest[i][n]) {
			n++
		}
		add(sp.say(i, rest[i][:n]))
		if rest[i] = rest[i][n:]; rest[i] == "" {
			open--
		}
	}
	for i := range rest {
		add(sp.end(i))
	}
	add(sp.last)
	return b.String()
}

type splitter interface {
	Feed(p []byte, yield func(event []byte) error) error
}

func (sp *speech) split() splitter {
	if sp.dialect.Family() == llm.FamilyOllama {
		return new(answer.LineSplitter)
	}
	return new(answer.Splitter)
}

func (sp *speech) rewrite(t *testing.T, stream string) string {
	t.Helper()
	live := 0
	r := New(sp.dialect, shout{&live})
	var out []byte
	err := sp.split().Feed([]byte(stream), func(ev []byte) (err error) {
		out, err = r.Event(out, ev)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(r.End(out))
}

// masked is what shout leaves nowhere.
var masked = regexp.MustCompile("<[0-9]+>")

func judgeSpeech(t *testing.T, sp *speech, texts []string, seed uint64) {
	t.Helper()
	in := sp.stream(texts, rand.New(rand.NewPCG(seed, 1)))
	out := sp.rewrite(t, in)
	heard := make([]string, len(texts))
	ids := map[string]bool{}
	if err := sp.split().Feed([]byte(out), func(ev []byte) error {
		sp.hear(ev, heard)
		var e struct {
			Seq *int `json:"sequence_number"`
		}
		if json.Unmarshal(answer.Data(ev), &e) == nil && e.Seq != nil {
			if s := fmt.Sprint(*e.Seq); ids[s] {
				t.Errorf("%s: the number %s stands twice", sp.name, s)
			} else {
				ids[s] = true
			}
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for i := range sp.texts {
		if want := (shout{}).Whole(Text, texts[i]); heard[i] != want {
			t.Fatalf("%s: %q became %q, want %q\n%s\n%s", sp.name, texts[i], heard[i], want, in, out)
		}
	}
	// Nothing that is to be masked stands anywhere, but in names and ids.
	clean := strings.NewReplacer("x<12>", "", "call_<1>", "", "g<3>", "", `"obfuscation":"<5>"`, "").Replace(out)
	if masked.MatchString(clean) {
		t.Fatalf("%s: left in the answer: %s", sp.name, clean)
	}
}

// A stream says the same as the whole text, however it is cut, and every other
// byte stays.
func TestStreamedIsWhole(t *testing.T) {
	texts := []string{"call <123> or <4>, not <a5> or <", "<1><2><3> ü <77", "{\"n\":\"<999>\"} <12345678901> ok"}
	for i := range speeches {
		sp := &speeches[i]
		for seed := range uint64(200) {
			judgeSpeech(t, sp, texts, seed)
		}
		plain := []string{"nothing to do", "nor here", "or here"}
		in := strings.ReplaceAll(sp.stream(plain, rand.New(rand.NewPCG(1, 2))), "<", "{")
		live := 0
		r := New(sp.dialect, shout{&live})
		in = strings.ReplaceAll(strings.ReplaceAll(in, `"logprobs":{`, `"other":{`), `"logprobs":[`, `"other":[`)
		var out []byte
		_ = sp.split().Feed([]byte(in), func(ev []byte) (err error) {
			out, err = r.Event(out, ev)
			return err
		})
		if sp.dialect == llm.GenerateContent {
			out = r.End(out) // what says that it is the last event waits for that
		}
		if string(out) != in {
			t.Errorf("%s: changed without a reason:\n%s\n%s", sp.name, in, out)
		}
		if len(r.streams) != 0 && sp.last != "" {
			t.Errorf("%s: %d texts have not ended", sp.name, len(r.streams))
		}
	}
}

func FuzzStreamedIsWhole(f *testing.F) {
	f.Add("call <123>", "<1", "x", uint64(1))
	f.Fuzz(func(t *testing.T, a, b, c string, seed uint64) {
		if len(a)+len(b)+len(c) > 500 || strings.ContainsAny(a+b+c, "TS") { // the placeholders of the streams
			return
		}
		texts := []string{strings.ToValidUTF8(a, ""), strings.ToValidUTF8(b, ""), strings.ToValidUTF8(c, "")}
		for i := range texts {
			texts[i] += "." // none is empty
		}
		for i := range speeches {
			judgeSpeech(t, &speeches[i], texts, seed)
		}
	})
}

// Whatever an event is, it is rewritten to something readable or refused.
func FuzzEvent(f *testing.F) {
	for i := range speeches {
		f.Add(uint8(i), []byte(speeches[i].say(0, "a <12> b")))
	}
	f.Add(uint8(0), []byte("data: {\"choices\":[{\"delta\":{\"content\":\"<1\"}}]}\ndata: x\n\n"))
	f.Add(uint8(0), []byte("event: x\r\ndata: [1,\r\ndata: \"<2>\"]\r\n\r\n"))
	f.Fuzz(func(t *testing.T, which uint8, raw []byte) {
		sp := &speeches[int(which)%len(speeches)]
		live := 0
		r := New(sp.dialect, shout{&live})
		out, err := r.Event(nil, raw)
		if err != nil {
			if len(out) > 0 {
				t.Error("something was sent of what cannot be read")
			}
			return
		}
		out = r.End(out)
		if !bytes.Equal(out, raw) {
			if bytes.Contains(raw, []byte("\n\n")) || bytes.Contains(raw, []byte("\r")) {
				return // more than one event
			}
		}
	})
}

func TestBody(t *testing.T) {
	live := 0
	for in, want := range map[string]string{
		`{"id":"<1>","choices":[{"message":{"content":"say <12>","tool_calls":[{"id":"<3>","function":{"name":"f","arguments":"{\"a\":\"<4>\"}"}}]},"logprobs":{"content":[{"token":"<12>"}]}}]}`: `{"id":"<1>","choices":[{"message":{"content":"say [###]","tool_calls":[{"id":"<3>","function":{"name":"f","arguments":"{\"a\":\"[###]\"}"}}]},"logprobs":null}]}`,
		`{"content":[{"type":"tool_use","id":"<1>","input":{"id":"<2>","data":["<3>",{"signature":"<4>"}]}}]}`:                                                                                    `{"content":[{"type":"tool_use","id":"<1>","input":{"id":"[###]","data":["[###]",{"signature":"[###]"}]}}]}`,
		`{"a":"\u003c1\u003e","new_member":{"x":["<9>"]}}`: `{"a":"[###]","new_member":{"x":["[###]"]}}`,
		`{"a": 1, "b" : [ ] }`:                             `{"a": 1, "b" : [ ] }`,
		`"<1>"`:                                            `"[###]"`,
	} {
		r := New(llm.Chat, shout{&live})
		out, err := r.Body([]byte(in))
		if err != nil || string(out) != want {
			t.Errorf("%s\n%s\nwant %s (%v)", in, out, want, err)
		}
	}
	for _, bad := range []string{``, `{`, `{"a":`, `{} {}`, `nonsense`} {
		if out, err := New(llm.Chat, shout{&live}).Body([]byte(bad)); err == nil {
			t.Errorf("%q is read as %q", bad, out)
		}
	}
	if out, err := Strings([]byte(`{"id":"<1>","x":["<2>",3]}`), (shout{}).one); err != nil || string(out) != `{"id":"[###]","x":["[###]",3]}` {
		t.Errorf("%s %v", out, err)
	}
}

func (s shout) one(t string) string { return s.Whole(Text, t) }

// An event with too many values is refused, not examined in part.
func TestBoundsOfAnEvent(t *testing.T) {
	live := 0
	for _, data := range []string{"[" + strings.Repeat("1,", maxNodes) + "1]", strings.Repeat("[", maxDepth+2) + strings.Repeat("]", maxDepth+2)} {
		if _, err := New(llm.Chat, shout{&live}).Event(nil, []byte("data: "+data+"\n\n")); err == nil {
			t.Error("examined")
		}
	}
}
