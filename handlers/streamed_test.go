package handlers

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/redact"
)

// The oracle of everything that rules do to streams: whatever is said, whatever the
// rules and wherever the provider's bytes are cut, a client that puts the pieces of a
// stream together has what the same answer would have said in one piece, and of what is
// masked or refused not one byte has left.

// said is what an answer says: texts, and what a tool is called with, as JSON.
type said struct{ thought, text, other, args string }

// spoken is a dialect as its providers speak it. cut cuts a text into pieces, write
// writes a string as JSON.
type spoken struct {
	name, path, wholePath string
	ctype                 string
	body                  string // of the request; STREAM stands for true or false
	stream                func(s said, cut func(string) []string, write func(string) string, mix *rand.Rand) []string
	whole                 func(s said, write func(string) string) string
	hear                  func(data []byte, into *said) // a piece of a stream
	hearWhole             func(body []byte) said
	thinks, choices       bool // what it has: thoughts, a second choice
}

// joined interleaves lists of events at random, each in its own order.
func joined(mix *rand.Rand, lists ...[]string) (out []string) {
	for {
		var left []int
		for i := range lists {
			if len(lists[i]) > 0 {
				left = append(left, i)
			}
		}
		if len(left) == 0 {
			return out
		}
		i := left[mix.IntN(len(left))]
		out = append(out, lists[i][0])
		lists[i] = lists[i][1:]
	}
}

func each(pieces []string, f func(piece string) string) (out []string) {
	for _, p := range pieces {
		out = append(out, f(p))
	}
	return out
}

const askedMail = "ann@home.example"

var dialectsSpoken = []spoken{
	{
		name: "chat", path: "/v1/chat/completions", ctype: "text/event-stream", thinks: true, choices: true,
		body: `{"model":"m","stream":STREAM,"n":2,"messages":[{"role":"user","content":"write to ` + askedMail + `"}]}`,
		stream: func(s said, cut func(string) []string, write func(string) string, mix *rand.Rand) []string {
			delta := func(i int, d string) string {
				return fmt.Sprintf(`data: {"id":"c","object":"chat.completion.chunk","choices":[{"index":%d,"delta":%s,"logprobs":null,"finish_reason":null}]}`+"\n\n", i, d)
			}
			end := func(i int, why string) string {
				return fmt.Sprintf(`data: {"id":"c","choices":[{"index":%d,"delta":{},"finish_reason":"%s"}]}`+"\n\n", i, why)
			}
			first := each(cut(s.thought), func(p string) string { return delta(0, `{"reasoning_content":`+write(p)+`}`) })
			first = append(first, each(cut(s.text), func(p string) string { return delta(0, `{"content":`+write(p)+`}`) })...)
			first = append(first, delta(0, `{"tool_calls":[{"index":0,"id":"call","type":"function","function":{"name":"f","arguments":""}}]}`))
			first = append(first, each(cut(s.args), func(p string) string {
				return delta(0, `{"tool_calls":[{"index":0,"function":{"arguments":`+write(p)+`}}]}`)
			})...)
			second := each(cut(s.other), func(p string) string { return delta(1, `{"content":`+write(p)+`}`) })
			events := joined(mix, append(first, end(0, "tool_calls")), append(second, end(1, "stop")))
			return append(events, figures, done)
		},
		whole: func(s said, write func(string) string) string {
			return `{"id":"c","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","reasoning_content":` + write(s.thought) + `,"content":` + write(s.text) +
				`,"tool_calls":[{"id":"call","type":"function","function":{"name":"f","arguments":` + write(s.args) + `}}]},"finish_reason":"tool_calls"},{"index":1,"message":{"role":"assistant","content":` + write(s.other) +
				`},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2,"total_tokens":5}}`
		},
		hear: func(data []byte, into *said) {
			var e chatSaid
			if json.Unmarshal(data, &e) == nil {
				e.add(into)
			}
		},
		hearWhole: func(body []byte) (s said) {
			var e chatSaid
			if json.Unmarshal(body, &e) == nil {
				e.add(&s)
			}
			return s
		},
	},
	{
		name: "messages", path: "/v1/messages", ctype: "text/event-stream", thinks: true,
		body: `{"model":"m","stream":STREAM,"max_tokens":99,"messages":[{"role":"user","content":"write to ` + askedMail + `"}]}`,
		stream: func(s said, cut func(string) []string, write func(string) string, mix *rand.Rand) []string {
			ev := func(kind, rest string) string {
				return "event: " + kind + "\ndata: {\"type\":\"" + kind + "\"" + rest + "}\n\n"
			}
			block := func(i int, begin string, deltas []string) (out []string) {
				out = append(out, ev("content_block_start", fmt.Sprintf(`,"index":%d,"content_block":%s`, i, begin)))
				for _, d := range deltas {
					out = append(out, ev("content_block_delta", fmt.Sprintf(`,"index":%d,"delta":%s`, i, d)))
				}
				return append(out, ev("content_block_stop", fmt.Sprintf(`,"index":%d`, i)))
			}
			thought := each(cut(s.thought), func(p string) string { return `{"type":"thinking_delta","thinking":` + write(p) + `}` })
			text := each(cut(s.text), func(p string) string { return `{"type":"text_delta","text":` + write(p) + `}` })
			args := each(cut(s.args), func(p string) string { return `{"type":"input_json_delta","partial_json":` + write(p) + `}` })
			events := []string{ev("message_start", `,"message":{"id":"msg","type":"message","role":"assistant","content":[],"usage":{"input_tokens":3,"output_tokens":1}}`)}
			events = append(events, joined(mix, block(0, `{"type":"thinking","thinking":"","signature":""}`, thought), block(1, `{"type":"text","text":""}`, text),
				block(2, `{"type":"tool_use","id":"t","name":"f","input":{}}`, args))...)
			return append(events, ev("message_delta", `,"delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":2}`), ev("message_stop", ""))
		},
		whole: func(s said, write func(string) string) string {
			return `{"id":"msg","type":"message","role":"assistant","content":[{"type":"thinking","thinking":` + write(s.thought) + `,"signature":"x"},{"type":"text","text":` + write(s.text) +
				`},{"type":"tool_use","id":"t","name":"f","input":` + s.args + `}],"stop_reason":"tool_use","usage":{"input_tokens":3,"output_tokens":2}}`
		},
		hear: func(data []byte, into *said) {
			var e struct {
				Delta struct {
					Thinking, Text string
					JSON           string `json:"partial_json"`
				}
			}
			if json.Unmarshal(data, &e) == nil {
				into.thought, into.text, into.args = into.thought+e.Delta.Thinking, into.text+e.Delta.Text, into.args+e.Delta.JSON
			}
		},
		hearWhole: func(body []byte) (s said) {
			var m struct {
				Content []struct {
					Thinking, Text string
					Input          json.RawMessage
				}
			}
			if json.Unmarshal(body, &m) == nil {
				for _, b := range m.Content {
					s.thought, s.text, s.args = s.thought+b.Thinking, s.text+b.Text, s.args+string(b.Input)
				}
			}
			return s
		},
	},
	{
		name: "responses", path: "/v1/responses", ctype: "text/event-stream", thinks: true,
		body: `{"model":"m","stream":STREAM,"input":"write to ` + askedMail + `"}`,
		stream: func(s said, cut func(string) []string, write func(string) string, mix *rand.Rand) []string {
			ev := func(kind, rest string) string {
				return "event: " + kind + "\ndata: {\"type\":\"" + kind + "\",\"sequence_number\":0" + rest + "}\n\n"
			}
			thought := `{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":` + write(s.thought) + `}]}`
			text := `{"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":` + write(s.text) + `}]}`
			call := `{"type":"function_call","id":"f","call_id":"c","name":"f","arguments":` + write(s.args) + `}`
			item := func(i int, begin, whole string, deltas []string, done string) (out []string) {
				out = append(out, ev("response.output_item.added", fmt.Sprintf(`,"output_index":%d,"item":%s`, i, begin)))
				out = append(append(out, deltas...), done)
				return append(out, ev("response.output_item.done", fmt.Sprintf(`,"output_index":%d,"item":%s`, i, whole)))
			}
			thoughts := each(cut(s.thought), func(p string) string {
				return ev("response.reasoning_summary_text.delta", `,"item_id":"r","output_index":0,"summary_index":0,"delta":`+write(p))
			})
			texts := each(cut(s.text), func(p string) string {
				return ev("response.output_text.delta", `,"item_id":"m","output_index":1,"content_index":0,"delta":`+write(p))
			})
			args := each(cut(s.args), func(p string) string {
				return ev("response.function_call_arguments.delta", `,"item_id":"f","output_index":2,"delta":`+write(p))
			})
			events := []string{ev("response.created", `,"response":{"id":"resp","status":"in_progress","output":[]}`)}
			events = append(events, joined(mix,
				item(0, `{"type":"reasoning","id":"r","summary":[]}`, thought, thoughts, ev("response.reasoning_summary_text.done", `,"item_id":"r","output_index":0,"summary_index":0,"text":`+write(s.thought))),
				item(1, `{"type":"message","id":"m","role":"assistant","content":[]}`, text, texts, ev("response.output_text.done", `,"item_id":"m","output_index":1,"content_index":0,"text":`+write(s.text))),
				item(2, `{"type":"function_call","id":"f","call_id":"c","name":"f","arguments":""}`, call, args, ev("response.function_call_arguments.done", `,"item_id":"f","output_index":2,"arguments":`+write(s.args))))...)
			return append(events, ev("response.completed", `,"response":{"id":"resp","status":"completed","output":[`+thought+`,`+text+`,`+call+`],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}`))
		},
		whole: func(s said, write func(string) string) string {
			return `{"id":"resp","object":"response","status":"completed","output":[{"type":"reasoning","id":"r","summary":[{"type":"summary_text","text":` + write(s.thought) +
				`}]},{"type":"message","id":"m","role":"assistant","content":[{"type":"output_text","text":` + write(s.text) + `}]},{"type":"function_call","id":"f","call_id":"c","name":"f","arguments":` + write(s.args) +
				`}],"usage":{"input_tokens":3,"output_tokens":2,"total_tokens":5}}`
		},
		hear: func(data []byte, into *said) {
			var e struct {
				Type, Delta string
				Response    struct{ Output []responseSaid }
			}
			if json.Unmarshal(data, &e) != nil {
				return
			}
			switch e.Type {
			case "response.output_text.delta":
				into.text += e.Delta
			case "response.reasoning_summary_text.delta":
				into.thought += e.Delta
			case "response.function_call_arguments.delta":
				into.args += e.Delta
			case "response.completed":
				// The copy of all that was said must be what was said.
				if all := itemsSaid(e.Response.Output); all != *into {
					into.other = fmt.Sprintf("the last event says %q", all)
				}
			}
		},
		hearWhole: func(body []byte) said {
			var r struct{ Output []responseSaid }
			_ = json.Unmarshal(body, &r)
			return itemsSaid(r.Output)
		},
	},
	gemini("gemini", "text/event-stream", "?alt=sse"),
	gemini("gemini as an array", "application/json", ""),
	{
		name: "ollama", path: "/api/chat", ctype: "application/x-ndjson", thinks: true,
		body: `{"model":"m","stream":STREAM,"messages":[{"role":"user","content":"write to ` + askedMail + `"}]}`,
		stream: func(s said, cut func(string) []string, write func(string) string, _ *rand.Rand) []string {
			line := func(message string) string {
				return `{"model":"m","message":{"role":"assistant",` + message + `},"done":false}` + "\n"
			}
			events := each(cut(s.thought), func(p string) string { return line(`"content":"","thinking":` + write(p)) })
			events = append(events, each(cut(s.text), func(p string) string { return line(`"content":` + write(p)) })...)
			events = append(events, line(`"content":"","tool_calls":[{"function":{"name":"f","arguments":`+s.args+`}}]`))
			return append(events, `{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}`+"\n")
		},
		whole: func(s said, write func(string) string) string {
			return `{"model":"m","message":{"role":"assistant","thinking":` + write(s.thought) + `,"content":` + write(s.text) + `,"tool_calls":[{"function":{"name":"f","arguments":` + s.args +
				`}}]},"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}`
		},
		hear:      func(data []byte, into *said) { ollamaSaid(data, into) },
		hearWhole: func(body []byte) (s said) { ollamaSaid(body, &s); return s },
	},
	{
		name: "ollama generate", path: "/api/generate", ctype: "application/x-ndjson", thinks: true,
		body: `{"model":"m","stream":STREAM,"prompt":"write to ` + askedMail + `"}`,
		stream: func(s said, cut func(string) []string, write func(string) string, _ *rand.Rand) []string {
			events := each(cut(s.thought), func(p string) string {
				return `{"model":"m","response":"","thinking":` + write(p) + `,"done":false}` + "\n"
			})
			events = append(events, each(cut(s.text), func(p string) string { return `{"model":"m","response":` + write(p) + `,"done":false}` + "\n" })...)
			return append(events, `{"model":"m","response":"","done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}`+"\n")
		},
		whole: func(s said, write func(string) string) string {
			return `{"model":"m","response":` + write(s.text) + `,"thinking":` + write(s.thought) + `,"done":true,"done_reason":"stop","prompt_eval_count":3,"eval_count":2}`
		},
		hear:      func(data []byte, into *said) { ollamaSaid(data, into) },
		hearWhole: func(body []byte) (s said) { ollamaSaid(body, &s); return s },
	},
}

type chatSaid struct {
	Choices []struct {
		Index          int
		Delta, Message struct {
			Content string
			Thought string                                          `json:"reasoning_content"`
			Calls   []struct{ Function struct{ Arguments string } } `json:"tool_calls"`
		}
	}
}

func (c *chatSaid) add(into *said) {
	for _, ch := range c.Choices {
		if ch.Index == 1 {
			into.other += ch.Delta.Content + ch.Message.Content
			continue
		}
		into.text += ch.Delta.Content + ch.Message.Content
		into.thought += ch.Delta.Thought + ch.Message.Thought
		for _, call := range append(ch.Delta.Calls, ch.Message.Calls...) {
			into.args += call.Function.Arguments
		}
	}
}

type responseSaid struct {
	Arguments        string
	Content, Summary []struct{ Text string }
}

func itemsSaid(items []responseSaid) (s said) {
	for _, it := range items {
		s.args += it.Arguments
		for _, c := range it.Content {
			s.text += c.Text
		}
		for _, c := range it.Summary {
			s.thought += c.Text
		}
	}
	return s
}

// gemini is Google's stream, as events or as one JSON array.
func gemini(name, ctype, query string) spoken {
	type chunk struct {
		Candidates []struct {
			Index   int
			Content struct {
				Parts []struct {
					Text    string
					Thought bool
					Call    *struct{ Args json.RawMessage } `json:"functionCall"`
				}
			}
		}
	}
	add := func(c *chunk, into *said) {
		for _, cand := range c.Candidates {
			for _, p := range cand.Content.Parts {
				switch {
				case cand.Index == 1:
					into.other += p.Text
				case p.Thought:
					into.thought += p.Text
				default:
					into.text += p.Text
				}
				if p.Call != nil {
					into.args += string(p.Call.Args)
				}
			}
		}
	}
	part := func(i int, p, end string) string {
		return fmt.Sprintf(`{"candidates":[{"content":{"role":"model","parts":[%s]},"index":%d%s}],"modelVersion":"g"}`, p, i, end)
	}
	const finish = `,"finishReason":"STOP"`
	return spoken{
		name: name, path: "/v1beta/models/m:streamGenerateContent" + query, wholePath: "/v1beta/models/m:generateContent", ctype: ctype, thinks: true, choices: true,
		body: `{"contents":[{"role":"user","parts":[{"text":"write to ` + askedMail + `"}]}],"generationConfig":{"candidateCount":2}}`,
		stream: func(s said, cut func(string) []string, write func(string) string, mix *rand.Rand) []string {
			first := each(cut(s.thought), func(p string) string { return part(0, `{"text":`+write(p)+`,"thought":true}`, "") })
			first = append(first, each(cut(s.text), func(p string) string { return part(0, `{"text":`+write(p)+`}`, "") })...)
			first = append(first, part(0, `{"functionCall":{"name":"f","args":`+s.args+`}}`, finish))
			second := append(each(cut(s.other), func(p string) string { return part(1, `{"text":`+write(p)+`}`, "") }), part(1, `{"text":""}`, finish))
			events := joined(mix, first, second)
			events = append(events, `{"candidates":[],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}`)
			if query == "" {
				for i := range events[:len(events)-1] {
					events[i] += ",\r\n"
				}
				events[0], events[len(events)-1] = "["+events[0], events[len(events)-1]+"]"
				return events
			}
			return each(events, func(ev string) string { return "data: " + ev + "\r\n\r\n" })
		},
		// Google itself gives a whole answer in several parts, too.
		whole: func(s said, write func(string) string) string {
			half := len(s.text) / 2
			for half > 0 && half < len(s.text) && !utf8.RuneStart(s.text[half]) {
				half--
			}
			return `{"candidates":[{"content":{"role":"model","parts":[{"text":` + write(s.thought) + `,"thought":true},{"text":` + write(s.text[:half]) + `},{"text":` + write(s.text[half:]) + `},{"functionCall":{"name":"f","args":` + s.args +
				`}}]},"index":0` + finish + `},{"content":{"role":"model","parts":[{"text":` + write(s.other) + `}]},"index":1` + finish + `}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2,"totalTokenCount":5}}`
		},
		hear: func(data []byte, into *said) {
			var list []chunk
			if json.Unmarshal(data, &list) != nil {
				list = make([]chunk, 1)
				if json.Unmarshal(data, &list[0]) != nil {
					return
				}
			}
			for i := range list {
				add(&list[i], into)
			}
		},
		hearWhole: func(body []byte) (s said) {
			var c chunk
			if json.Unmarshal(body, &c) == nil {
				add(&c, &s)
			}
			return s
		},
	}
}

func ollamaSaid(data []byte, into *said) {
	var o struct {
		Response, Thinking string
		Message            struct {
			Content, Thinking string
			Calls             []struct {
				Function struct{ Arguments json.RawMessage }
			} `json:"tool_calls"`
		}
	}
	if json.Unmarshal(data, &o) != nil {
		return
	}
	into.text += o.Response + o.Message.Content
	into.thought += o.Thinking + o.Message.Thinking
	for _, c := range o.Message.Calls {
		into.args += string(c.Function.Arguments)
	}
}

// streamedRules are sets of rules, each of which must treat a stream as the whole.
var streamedRules = func() (sets []*Policy) {
	redacting := func(style string, in ...string) Rule {
		return Rule{Name: "out", Action: actionRedact, Kinds: []string{"email", "credit_card", "secrets"}, Style: style, In: in}
	}
	deny := Rule{Name: "secret", Action: "deny", Expr: `secrets(response.all).size() > 0 || has_phrase(response.all, "project falcon")`, In: []string{"response"}}
	flag := Rule{Name: "mails", Action: "flag", Expr: `pii(response.all, ["email"]).size() > 0 && response.text.size() > 3`, In: []string{"response"}}
	for _, rules := range [][]Rule{
		{redacting("mask", "response")},
		{redacting("hash", "both")},
		{redacting("reversible", "both")},
		{deny, flag},
		{Rule{Name: "no", Action: "strip_tools", Expr: "true"}, deny, flag, {Name: "mail", Action: actionRedact, Kinds: []string{"email"}, In: []string{"both"}, Style: "reversible"}},
		{Rule{Name: "whole", Action: "deny", Expr: `response.text.contains("falcon") || response.text.contains("😀") || response.all.exists(s, s.text.contains("4111"))`, Buffer: true, In: []string{"response"}}, redacting("mask", "response")},
	} {
		p := &Policy{Rules: rules}
		p.gw, p.log = &house{}, zap.NewNop()
		if err := p.setUp(); err != nil {
			panic(err)
		}
		sets = append(sets, p)
	}
	return sets
}()

// passThrough sends an answer, cut into writes, through the rules of a policy.
func passThrough(t *testing.T, p *Policy, path, body, ctype string, answer []byte, size func(left int) int) (*httptest.ResponseRecorder, *call) {
	t.Helper()
	rec := httptest.NewRecorder()
	r := requested(rec, path, body)
	var c *call
	func() {
		defer func() {
			if e := recover(); e != nil && e != http.ErrAbortHandler {
				panic(e)
			}
		}()
		err := p.ServeHTTP(rec, r, caddyhttp.HandlerFunc(func(w http.ResponseWriter, r *http.Request) error {
			c = caddyhttp.GetVar(r.Context(), callVar).(*call)
			w.Header().Set("Content-Type", ctype)
			for rest := answer; len(rest) > 0; {
				n := min(max(size(len(rest)), 1), len(rest))
				piece := bytes.Clone(rest[:n])
				if _, err := w.Write(piece); err != nil {
					return err
				}
				clear(piece)
				rest = rest[n:]
			}
			return nil
		}))
		if err != nil && !errors.As(err, new(*llm.Denial)) {
			t.Fatal(err)
		}
	}()
	if c == nil {
		t.Fatalf("the request was refused: %s", rec.Body)
	}
	return rec, c
}

func requested(rec *httptest.ResponseRecorder, path, body string) *http.Request {
	r := httptest.NewRequest("POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return caddyhttp.PrepareRequest(r, caddy.NewReplacer(), rec, new(caddyhttp.Server))
}

// refusedBy sends a request that does not reach a provider.
func refusedBy(p *Policy, body string) (*httptest.ResponseRecorder, error) {
	rec := httptest.NewRecorder()
	err := p.ServeHTTP(rec, requested(rec, chatPath, body), caddyhttp.HandlerFunc(func(http.ResponseWriter, *http.Request) error {
		panic("the call left")
	}))
	return rec, err
}

// numbered are the replacements of a reversible rule; they are numbered as the values
// come, which texts that come side by side may do in another order.
var numbered = regexp.MustCompile(`\[\[([A-Z_]+)_[0-9]+\]\]`)

// forges tells whether the provider itself says something that looks like a replacement.
func (s said) forges() bool {
	return slices.ContainsFunc([]string{s.thought, s.text, s.other, s.args}, numbered.MatchString)
}

// plain is what was said in a form in which a stream and a whole answer are equal. Where
// the provider forges replacements, one of ours may have the number of one of them in one
// order and not in the other: they are then told apart by their kinds only.
func (s said) plain(forged bool) any {
	seen := map[string]string{}
	plain := func(t string) string {
		return numbered.ReplaceAllStringFunc(t, func(m string) string {
			if forged {
				return "[[" + numbered.FindStringSubmatch(m)[1] + "]]"
			}
			if seen[m] == "" {
				seen[m] = fmt.Sprintf("[[%s_%c]]", numbered.FindStringSubmatch(m)[1], 'a'+len(seen))
			}
			return seen[m]
		})
	}
	out := []any{plain(s.thought), plain(s.text), plain(s.other)}
	args := plain(s.args)
	var v any
	if err := json.Unmarshal([]byte(args), &v); err != nil && s.args != "" {
		return append(out, "arguments that are no JSON: "+s.args)
	}
	return append(out, v)
}

// guarded are values that some rule takes out or refuses.
var guarded = []string{"bob@corp.example", "4111 1111 1111 1111", "AKIA" + "QX7ZBD3PLMWV5TRE"}

// sameStreamed holds streams of one answer against the answer in one piece.
func sameStreamed(t *testing.T, sp *spoken, p *Policy, s said, rnd *rand.Rand) {
	t.Helper()
	if !sp.thinks {
		s.thought = ""
	}
	if !sp.choices {
		s.other = ""
	}
	if sp.name == "ollama generate" {
		s.args = ""
	}
	write := []func(string) string{plainJSON, escapedJSON}[rnd.IntN(2)]
	cut := cutter(rnd)
	events := sp.stream(s, cut, write, rnd)
	whole := sp.whole(s, write)
	wholePath := sp.wholePath
	if wholePath == "" {
		wholePath = sp.path
	}
	body := func(stream string) string { return strings.ReplaceAll(sp.body, "STREAM", stream) }
	want, wantCall := passThrough(t, p, wholePath, body("false"), "application/json", []byte(whole), func(left int) int { return left })
	stream := strings.Join(events, "")
	most := 1 + rnd.IntN(1+len(stream)>>rnd.IntN(9))
	got, gotCall := passThrough(t, p, sp.path, body("true"), sp.ctype, []byte(stream), func(int) int { return 1 + rnd.IntN(most) })

	var heard said
	switch {
	case sp.ctype == "application/json":
		sp.hear(got.Body.Bytes(), &heard)
	case strings.Contains(sp.ctype, "ndjson"):
		for line := range bytes.SplitSeq(got.Body.Bytes(), []byte("\n")) {
			sp.hear(line, &heard)
		}
	default:
		split := new(answer.Splitter)
		if err := split.Feed(got.Body.Bytes(), func(ev []byte) error { sp.hear(answer.Data(ev), &heard); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	tell := func(format string, args ...any) {
		t.Helper()
		t.Fatalf("%s: %s\nsaid %+q\nwhole %s\n%d %s\nstream %s\n%d %s", sp.name, fmt.Sprintf(format, args...), s, whole, want.Code, want.Body, stream, got.Code, got.Body)
	}
	refused := want.Code == http.StatusUnprocessableEntity
	if gone := gotCall.x.Denied != nil; gone != refused || !refused && want.Code != 200 {
		tell("the whole answer: %v, the stream: %v", wantCall.x.Denied, gotCall.x.Denied)
	}
	if !refused {
		told := sp.hearWhole(want.Body.Bytes())
		if a, b := heard.plain(s.forges()), told.plain(s.forges()); !reflect.DeepEqual(a, b) {
			tell("streamed %q, whole %q", a, b)
		}
	}
	// Not one byte of what is masked or refused has left.
	for _, pair := range [][2]string{{s.thought, heard.thought}, {s.text, heard.text}, {s.other, heard.other}} {
		p.nothingLeft(pair[0], pair[1], refused, tell)
	}
}

// nothingLeft fails if a value that may not leave is in what was heard.
func (h *Policy) nothingLeft(text, heard string, refused bool, tell func(format string, args ...any)) {
	for i := range h.redacts {
		r := h.redacts[i].rule
		for _, m := range detect.Merge(norm.Scan(text, r.Scanners...)) {
			v := text[m.Start:m.End]
			if !r.Rules[m.Rule] && !r.Kinds[m.Kind] || r.Style == redact.Reversible && strings.Contains(text, "[[") {
				continue // a value that the caller has sent may come back
			}
			if left := strings.Count(heard, v); left > 0 && left >= strings.Count(text, v) && !strings.Contains(v, askedMail) {
				tell("%q is left in %q", v, heard)
			}
		}
	}
	if !refused || !strings.HasPrefix(text, heard) {
		return
	}
	if h.Rules[0].Buffer && heard != "" {
		tell("%q left of an answer that was to be held", heard)
	}
	if slices.ContainsFunc(h.Rules, func(r Rule) bool { return r.Name == "secret" }) {
		for _, m := range norm.Scan(text, secrets.New()) {
			if len(heard) > m.Start {
				tell("%d bytes of a refused value left: %q", len(heard)-m.Start, heard)
			}
		}
	}
}

// plainJSON writes a text as JSON. Of one that is cut within a character it writes the
// bytes, or the half of a pair of surrogates; so do some servers.
func plainJSON(s string) string { return inJSON(s, false) }

// escapedJSON writes what is not ASCII, and "@" besides, as escapes.
func escapedJSON(s string) string { return inJSON(s, true) }

func inJSON(s string, escape bool) string {
	b := []byte{'"'}
	for s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if half := s[:min(3, len(s))]; len(half) == 3 && half[0] == 0xed && half[1] >= 0xa0 {
			quoted := strictjson.AppendQuotedHalves(nil, half)
			b, s = append(b, quoted[1:len(quoted)-1]...), s[3:]
			continue
		}
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ', escape && (n > 1 || r == '@'):
			for _, u := range utf16.Encode([]rune{r}) {
				b = fmt.Appendf(b, `\u%04x`, u)
			}
		default:
			b = append(b, s[:n]...)
		}
		s = s[n:]
	}
	return string(append(b, '"'))
}

// cutter cuts texts in pieces of up to some length, or in two: between characters,
// between surrogates, or anywhere.
func cutter(rnd *rand.Rand) func(string) []string {
	most, two, how := 1+rnd.IntN(24), rnd.IntN(3) == 0, rnd.IntN(4)
	return func(s string) (pieces []string) {
		if how == 1 {
			var b []byte
			for _, r := range s {
				if high, low := utf16.EncodeRune(r); high != utf8.RuneError {
					b = strictjson.AppendHalves(b, fmt.Appendf(nil, `"\u%04x"`, high))
					b = strictjson.AppendHalves(b, fmt.Appendf(nil, `"\u%04x"`, low))
					continue
				}
				b = utf8.AppendRune(b, r)
			}
			s = string(b)
		}
		for s != "" {
			n := 1 + rnd.IntN(min(most, len(s)))
			if two {
				n = 1 + rnd.IntN(len(s))
			}
			for how != 2 && n < len(s) && !utf8.RuneStart(s[n]) {
				n++
			}
			pieces = append(pieces, s[:n])
			s = s[n:]
		}
		return pieces
	}
}

// argsOf are arguments with a text as a value and as a name, nested, and a number.
func argsOf(text string, rnd *rand.Rand) string {
	write := []func(string) string{plainJSON, escapedJSON}[rnd.IntN(2)]
	switch rnd.IntN(4) {
	case 0:
		return `{"a":` + write(text) + `}`
	case 1:
		return `{ "list" : [` + write(text) + `, {"deep":` + write("x\n"+text) + `}], "n": 4111111111111111 }`
	case 2:
		return `{"nested":` + write(`{"a":`+write(text)+`}`) + `}`
	}
	return `{"` + "k" + `":1,` + write(text) + `:` + write(text) + `}`
}

// TestStreamedEqualsWhole does this with what is likely to go wrong, in all dialects. More
// rounds: STREAMED_ROUNDS=20000.
func TestStreamedEqualsWhole(t *testing.T) {
	rounds := 150
	if n, err := strconv.Atoi(os.Getenv("STREAMED_ROUNDS")); err == nil {
		rounds = n
	}
	words := []string{"x", " ", "\n", "\\", "\"", "{", "é", "\U0001f600", "\u200b", "\u202e", "[[EMAIL_1]]", "[[EMAIL_", "1]]", "[[", "bob@", "corp.example", guarded[0], guarded[1], "4111", guarded[2], guarded[2][:9],
		"Project", " falcon", "FALCON ", askedMail, "write to ", "\t", "𝐛𝐨𝐛", "\\u0062ob@corp.example", "\\n", "</s>", "1", "-----BEGIN RSA PRIVATE KEY-----"}
	for round := range rounds {
		rnd := rand.New(rand.NewPCG(uint64(round), 6))
		text := func() (s string) {
			for range rnd.IntN(7) {
				s += words[rnd.IntN(len(words))]
			}
			return s
		}
		s := said{text(), text(), text(), argsOf(text(), rnd)}
		for i := range dialectsSpoken {
			sameStreamed(t, &dialectsSpoken[i], streamedRules[rnd.IntN(len(streamedRules))], s, rnd)
			if t.Failed() {
				t.Fatalf("round %d", round)
			}
		}
	}
}

// FuzzStreamed does it with anything.
func FuzzStreamed(f *testing.F) {
	f.Add("write to "+guarded[0], "a \n"+guarded[2], "é"+guarded[1], uint64(1))
	f.Add("[[EMAIL_1]] and [[EMAIL_2]]", "\U0001f600"+guarded[0], "\\u0062ob@corp.example", uint64(2))
	f.Add("Project\tfalcon", "-----BEGIN RSA PRIVATE KEY-----\nxyz", "\"}", uint64(3))
	f.Add("", "4111 1111 1111 1111\u200b", askedMail, uint64(4))
	f.Add("[[EMAIL_1]] and [[EMAIL_2]]", "\U0001f600"+guarded[0], "\\u0062ob@corp.example", uint64(47))
	for i := range uint64(24) {
		f.Add("a"+guarded[0], "b"+guarded[2], "c", i)
	}
	f.Fuzz(func(t *testing.T, a, b, c string, seed uint64) {
		if len(a)+len(b)+len(c) > 4<<10 {
			return
		}
		rnd := rand.New(rand.NewPCG(seed, 7))
		a, b, c = strings.ToValidUTF8(a, "?"), strings.ToValidUTF8(b, "?"), strings.ToValidUTF8(c, "?")
		s := said{a, b, b + a, argsOf(c, rnd)}
		sameStreamed(t, &dialectsSpoken[seed%uint64(len(dialectsSpoken))], streamedRules[rnd.IntN(len(streamedRules))], s, rnd)
	})
}
