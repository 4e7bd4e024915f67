package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	answers "github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

// about makes a rule that denies answers.
func about(expr string, buffer bool) Rule {
	return Rule{Name: "r", Action: ActionDeny, Expr: expr, In: InResponse, Buffer: buffer}
}

// What can be decided on the way needs no buffer; what cannot is refused without.
func TestWhatStreams(t *testing.T) {
	for _, c := range []struct {
		expr  string
		early bool
	}{
		{`secrets(response.all).size() > 0`, true},
		{`size(pii(response.all)) >= 3 && caller.team != "hr"`, true},
		{`pii(response.all, ["email"]).size() != 0 || secrets(response.all).size() != 0`, true},
		{`!(secrets(response.all).size() == 0)`, true},
		{`0 < secrets(response.all).size()`, true},
		{`"email" in pii(response.all)`, true},
		{`has_phrase(response.all, "Project Falcon")`, true},
		{`has_phrase(content, "Project Falcon")`, true},
		{`secrets(response.all).exists(s, s.startsWith("aws"))`, true},
		{`!secrets(response.all).all(s, s == "x")`, true},
		{`response.tool_calls.exists(c, c.name == "shell")`, true},
		{`!response.tool_calls.all(c, c.name in ["search", "read"])`, true},
		{`response.tool_calls.size() > 2`, true},
		{`llm.stream ? secrets(response.all).size() > 0 : has_phrase(response.all, "x")`, true},

		{`secrets(response.all).size() == 0`, false},
		{`!has_phrase(response.all, "as agreed")`, false},
		{`has_phrase(response.all, caller.team)`, false},
		{`response.text.contains("x")`, false},
		{`response.finish_reason == "length"`, false},
		{`injection_score(response.all) > 0.9`, false},
		{`response.all.exists(s, s.text.size() > 9)`, false},
		{`response.tool_calls.all(c, c.name == "x")`, false},
		{`response.tool_calls[0].name == "x"`, false},
		{`secrets(response.all).size() > response.tool_calls.size()`, false},
		{`secrets(response.all).exists(s, response.text.contains(s))`, false},
		{`response.usage.output > 10`, false},
		{`secrets(response.all).exists_one(s, s == "x")`, false},
		{`secrets(response.all).filter(s, s == "x").size() > 0`, false},
		{`dyn(response).text == "x"`, false},
		{`[response].exists(r, r.text == "x")`, false},
	} {
		_, err := Compile([]Rule{about(c.expr, false)})
		if (err == nil) != c.early || err != nil && !strings.Contains(err.Error(), "buffer") {
			t.Errorf("%s: %v", c.expr, err)
		}
		if _, err := Compile([]Rule{about(c.expr, true)}); (err == nil) == c.early {
			t.Errorf("%s with buffer: %v", c.expr, err)
		}
		flag := about(c.expr, false)
		flag.Action = ActionFlag
		if _, err := Compile([]Rule{flag}); err != nil {
			t.Errorf("flag %s: %v", c.expr, err)
		}
	}
	for expr, want := range map[string]string{
		`caller.team == "x"`: "reads nothing of them",
		`has_phrase(response.all, "` + strings.Repeat("x", 300) + `")`: "phrases of 1 to",
	} {
		if _, err := Compile([]Rule{about(expr, false)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", expr, err)
		}
	}
	both := about(`response.status == 200`, true)
	both.In = InBoth
	if _, err := Compile([]Rule{both}); err == nil || !strings.Contains(err.Error(), "`content` is the texts") {
		t.Error(err)
	}
}

// speech is an answer of a dialect, streamed in pieces of any size and whole.
type speech struct {
	dialect llm.Dialect
	// stream makes the events of texts and of the arguments of a tool call, cut at
	// the places that cut gives; whole is the same in one document.
	stream func(text, name, args string, cut func(string) []string) []string
	whole  func(text, name, args string) string
	// hear reads text and arguments out of an event.
	hear func(ev []byte) (text, args string)
}

func q(s string) string { b, _ := json.Marshal(s); return string(b) }

var speeches = []speech{
	{
		dialect: llm.Chat,
		stream: func(text, name, args string, cut func(string) (pieces []string)) (evs []string) {
			for _, p := range cut(text) {
				evs = append(evs, `data: {"choices":[{"index":0,"delta":{"content":`+q(p)+`},"finish_reason":null}]}`)
			}
			evs = append(evs, `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","type":"function","function":{"name":`+q(name)+`,"arguments":""}}]},"finish_reason":null}]}`)
			for _, p := range cut(args) {
				evs = append(evs, `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":`+q(p)+`}}]},"finish_reason":null}]}`)
			}
			return append(evs, `data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}`, `data: [DONE]`)
		},
		whole: func(text, name, args string) string {
			return `{"choices":[{"index":0,"message":{"role":"assistant","content":` + q(text) + `,"tool_calls":[{"id":"c","type":"function","function":{"name":` + q(name) + `,"arguments":` + q(args) + `}}]},"finish_reason":"tool_calls"}]}`
		},
		hear: func(ev []byte) (text, args string) {
			var e struct {
				Choices []struct {
					Delta struct {
						Content string
						Calls   []struct{ Function struct{ Arguments string } } `json:"tool_calls"`
					}
				}
			}
			if json.Unmarshal(answers.Data(ev), &e) == nil && len(e.Choices) > 0 {
				text = e.Choices[0].Delta.Content
				for _, c := range e.Choices[0].Delta.Calls {
					args += c.Function.Arguments
				}
			}
			return text, args
		},
	},
	{
		dialect: llm.Messages,
		stream: func(text, name, args string, cut func(string) []string) (evs []string) {
			evs = append(evs, "event: content_block_start\ndata: "+`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`)
			for _, p := range cut(text) {
				evs = append(evs, "event: content_block_delta\ndata: "+`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":`+q(p)+`}}`)
			}
			evs = append(evs, `data: {"type":"content_block_stop","index":0}`, `data: {"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"t","name":`+q(name)+`,"input":{}}}`)
			for _, p := range cut(args) {
				evs = append(evs, `data: {"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":`+q(p)+`}}`)
			}
			return append(evs, `data: {"type":"content_block_stop","index":1}`, `data: {"type":"message_delta","delta":{"stop_reason":"tool_use"}}`, `data: {"type":"message_stop"}`)
		},
		whole: func(text, name, args string) string {
			return `{"type":"message","content":[{"type":"text","text":` + q(text) + `},{"type":"tool_use","id":"t","name":` + q(name) + `,"input":` + args + `}]}`
		},
		hear: func(ev []byte) (text, args string) {
			var e struct {
				Delta struct {
					Text string
					JSON string `json:"partial_json"`
				}
			}
			_ = json.Unmarshal(answers.Data(ev), &e)
			return e.Delta.Text, e.Delta.JSON
		},
	},
	{
		dialect: llm.Responses,
		stream: func(text, name, args string, cut func(string) []string) (evs []string) {
			for _, p := range cut(text) {
				evs = append(evs, `data: {"type":"response.output_text.delta","item_id":"m","output_index":0,"content_index":0,"delta":`+q(p)+`}`)
			}
			item := `{"type":"message","id":"m","content":[{"type":"output_text","text":` + q(text) + `}]}`
			evs = append(evs, `data: {"type":"response.output_text.done","item_id":"m","output_index":0,"content_index":0,"text":`+q(text)+`}`,
				`data: {"type":"response.output_item.done","output_index":0,"item":`+item+`}`,
				`data: {"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","id":"f","name":`+q(name)+`,"arguments":""}}`)
			for _, p := range cut(args) {
				evs = append(evs, `data: {"type":"response.function_call_arguments.delta","item_id":"f","output_index":1,"delta":`+q(p)+`}`)
			}
			call := `{"type":"function_call","id":"f","name":` + q(name) + `,"arguments":` + q(args) + `}`
			return append(evs, `data: {"type":"response.function_call_arguments.done","item_id":"f","output_index":1,"arguments":`+q(args)+`}`,
				`data: {"type":"response.output_item.done","output_index":1,"item":`+call+`}`,
				`data: {"type":"response.completed","response":{"status":"completed","output":[`+item+`,`+call+`]}}`)
		},
		whole: func(text, name, args string) string {
			return `{"status":"completed","output":[{"type":"message","id":"m","content":[{"type":"output_text","text":` + q(text) + `}]},{"type":"function_call","id":"f","name":` + q(name) + `,"arguments":` + q(args) + `}]}`
		},
		hear: func(ev []byte) (text, args string) {
			var e struct{ Type, Delta string }
			_ = json.Unmarshal(answers.Data(ev), &e)
			switch e.Type {
			case "response.output_text.delta":
				return e.Delta, ""
			case "response.function_call_arguments.delta":
				return "", e.Delta
			}
			return "", ""
		},
	},
}

// outcome is what came of an answer: the rule that refused it, and what was flagged.
func outcome(x *llm.Exchange, d *llm.Denial) string {
	var flags []string
	for _, dec := range x.Decisions {
		if dec.Action == ActionFlag {
			flags = append(flags, dec.Rule)
		}
	}
	slices.Sort(flags)
	if d != nil {
		return "denied by " + d.Rule
	}
	return fmt.Sprint("passed ", flags)
}

func exchange(d llm.Dialect) *llm.Exchange {
	return &llm.Exchange{ID: "x", Dialect: d, View: &llm.View{Dialect: d, Model: "m", MaxTokens: -1}}
}

// judgeWhole is what becomes of a whole answer.
func judgeWhole(t testing.TB, s *Set, d llm.Dialect, body string) string {
	x := exchange(d)
	r := s.Review(context.Background(), x, RequestEnv{Now: noon})
	if err := r.Body([]byte(body)); err != nil {
		t.Fatalf("%v: %v: %s", d, err, body)
	}
	if r.Watches() {
		if _, err := rewrite.New(d, r).Body([]byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	return outcome(x, r.End(200, "stop", llm.Usage{Output: 3}))
}

// judgeStream is what becomes of a stream, and what has left until then.
func judgeStream(t testing.TB, s *Set, sp *speech, events []string) (how, text, args string) {
	x := exchange(sp.dialect)
	r := s.Review(context.Background(), x, RequestEnv{Now: noon})
	rw := rewrite.New(sp.dialect, r)
	var parked []byte
	ended := false
	send := func(out []byte) {
		parked = append(parked, out...)
		if !ended && (r.Buffers() || r.Holds()) {
			return
		}
		for _, ev := range strings.SplitAfter(string(parked), "\n\n") {
			a, b := sp.hear([]byte(ev))
			text, args = text+a, args+b
		}
		parked = nil
	}
	for _, ev := range events {
		raw := []byte(ev + "\n\n")
		if err := r.Event(raw); err != nil {
			t.Fatalf("%v: %s", err, ev)
		}
		out, err := rw.Event(nil, raw)
		if err != nil {
			t.Fatal(err)
		}
		if d := r.Denied(); d != nil {
			return outcome(x, d), text, args
		}
		send(out)
	}
	out := rw.End(nil)
	if d := r.End(200, "stop", llm.Usage{Output: 3}); d != nil {
		return outcome(x, d), text, args
	}
	ended = true
	send(out)
	return outcome(x, nil), text, args
}

// key is made here so that no file holds what looks like one.
var key = "AKIA" + "QX7ZBD3PLMWV5TRE"

var answerRules = []Rule{
	{Name: "secret", Action: ActionDeny, In: InResponse, Expr: `secrets(response.all).size() > 0`},
	{Name: "falcon", Action: ActionDeny, In: InResponse, Expr: `has_phrase(response.all, "project falcon")`},
	{Name: "mails", Action: ActionDeny, In: InBoth, Expr: `pii(content, ["email"]).size() > 1`},
	{Name: "shell", Action: ActionDeny, In: InResponse, Expr: `response.tool_calls.exists(c, c.name == "shell" && c.arguments.contains("rm -rf"))`},
	{Name: "one", Action: ActionFlag, In: InResponse, Expr: `pii(response.all).size() == 1`},
	{Name: "long", Action: ActionFlag, In: InResponse, Expr: `response.text.size() > 40 && response.usage.output == 3`},
}

// For every text, in every dialect, a stream that is cut anywhere has the outcome of
// the whole answer, and not one byte leaves of what is refused.
func TestStreamedEqualsWhole(t *testing.T) {
	set := mustCompile(t, nil, answerRules...)
	for _, c := range []struct{ text, name, args, want string }{
		{"nothing at all", "look", `{"q":"x"}`, "passed []"},
		{"my key is " + key + " ok", "look", `{}`, "denied by secret"},
		{"fine", "look", `{"q":"` + key + `"}`, "denied by secret"},
		{"about Project \n  FALCON here", "look", `{}`, "denied by falcon"},
		{"about Proj\u200bect Falcon here", "look", `{}`, "denied by falcon"},
		{"about Project Falco", "look", `{}`, "passed []"},
		{"ann@home.example", "look", `{"to":"ann@home.example"}`, "passed [one]"},
		{"ann@home.example", "look", `{"to":"bob@home.example"}`, "denied by mails"},
		{"a text that is longer than forty bytes are", "look", `{}`, "passed [long]"},
		{"go", "shell", `{"cmd":"rm -rf /"}`, "denied by shell"},
		{"go", "shell", `{"cmd":"ls"}`, "passed []"},
	} {
		for i := range speeches {
			sp := &speeches[i]
			if got := judgeWhole(t, set, sp.dialect, sp.whole(c.text, c.name, c.args)); got != c.want {
				t.Errorf("%v: %q %s(%s): %s, want %s", sp.dialect, c.text, c.name, c.args, got, c.want)
			}
			for at := 0; at <= len(c.text)+len(c.args); at++ {
				cut := func(s string) []string {
					if at == 0 {
						return strings.Split(s, "") // every character
					}
					n := at
					for n < len(s) && s[n]&0xC0 == 0x80 {
						n++
					}
					if n >= len(s) {
						return []string{s}
					}
					return []string{s[:n], s[n:]}
				}
				got, text, args := judgeStream(t, set, sp, sp.stream(c.text, c.name, c.args, cut))
				if got != c.want {
					t.Fatalf("%v cut at %d: %q %s(%s): %s, want %s", sp.dialect, at, c.text, c.name, c.args, got, c.want)
				}
				switch {
				case strings.HasPrefix(got, "passed"):
					if text != c.text || args != c.args {
						t.Fatalf("%v cut at %d: %q and %q arrived", sp.dialect, at, text, args)
					}
				case strings.Contains(text+args, "AKIA"), strings.Contains(strings.ToLower(text), "falcon"), strings.Contains(args, "rm "), strings.Contains(args, "bob"):
					t.Fatalf("%v cut at %d: %q and %q leaked", sp.dialect, at, text, args)
				}
			}
		}
	}
}

// A rule over the whole answer lets nothing leave until it has judged.
func TestBuffer(t *testing.T) {
	set := mustCompile(t, nil, about(`response.text.contains("never") || response.finish_reason == "length"`, true))
	for i := range speeches {
		sp := &speeches[i]
		for text, want := range map[string]string{"well": "passed []", "we never do": "denied by r"} {
			got, heard, _ := judgeStream(t, set, sp, sp.stream(text, "f", `{}`, func(s string) []string { return strings.Split(s, "") }))
			if got != want || want == "denied by r" && heard != "" || want != "denied by r" && heard != text {
				t.Errorf("%v: %q: %s, %q left", sp.dialect, text, got, heard)
			}
			if got := judgeWhole(t, set, sp.dialect, sp.whole(text, "f", `{}`)); got != want {
				t.Errorf("%v: whole %q: %s", sp.dialect, text, got)
			}
		}
	}
}

// A rule about an answer that cannot be evaluated refuses it.
func TestAnswerErrors(t *testing.T) {
	s := mustCompile(t, nil, about(`response.tool_calls.exists(c, c.arguments.matches(c.name))`, false))
	sp := &speeches[0]
	if got := judgeWhole(t, s, llm.Chat, sp.whole("x", "(", `{}`)); got != "denied by r" {
		t.Error(got)
	}
	long := mustCompile(t, nil, about(`response.text.contains("x")`, true))
	if got := judgeWhole(t, long, llm.Chat, sp.whole(strings.Repeat("y", 5<<20), "f", `{}`)); got != "denied by r" {
		t.Error("an answer that is too long to judge:", got)
	}
	x := exchange(llm.Chat)
	if err := long.Review(context.Background(), x, RequestEnv{}).Event([]byte("data: {\"choices\":7}\n\n")); err == nil {
		t.Error("an event of another shape was read")
	}
}

// FuzzAnswers: whatever is said, and however it is cut, stream and whole have one
// outcome, and what is refused does not leave.
func FuzzAnswers(f *testing.F) {
	f.Add("key "+key+" end", "bash", "rm -rf x", uint64(1))
	f.Add("Project\tFalcon ann@home.example \u202eb", "shell", "ann@home.example bob@x.example", uint64(7))
	f.Add("proj project project falco", "shell", "\\u0061nn@home.example", uint64(9))
	set := mustCompile(f, nil, answerRules...)
	f.Fuzz(func(t *testing.T, text, name, arg string, seed uint64) {
		sameOutcome(t, set, text, name, arg, seed)
	})
}

// TestRandomAnswers does the same with what is likely to go wrong: the full run is
// POLICY_ROUNDS=20000.
func TestRandomAnswers(t *testing.T) {
	rounds := 120
	if n, err := strconv.Atoi(os.Getenv("POLICY_ROUNDS")); err == nil {
		rounds = n
	}
	set := mustCompile(t, nil, answerRules...)
	words := []string{key, key[:9], "project", "Project ", " \n", "falcon", "FALCON", "ann@home.example", "bob@", "home.example", "\u200b", "\u202e", "é", "\"", "\\", "\\u0041", "rm -rf", "shell", "AKIA", "[", "<", "4111 1111 1111 1111", "+1 212 555 0123", "x"}
	for i := range rounds {
		rnd := rand.New(rand.NewPCG(uint64(i), 2))
		text := func() (s string) {
			for range rnd.IntN(7) {
				s += words[rnd.IntN(len(words))]
			}
			return s
		}
		sameOutcome(t, set, text(), []string{"shell", "look", "sh"}[rnd.IntN(3)], text(), uint64(i))
		if t.Failed() {
			t.Fatalf("round %d", i)
		}
	}
}

// sameOutcome holds a stream, cut by the seed, against the whole answer.
func sameOutcome(t *testing.T, set *Set, text, name, arg string, seed uint64) {
	if len(text)+len(name)+len(arg) > 4<<10 {
		return
	}
	text, name = strings.ToValidUTF8(text, "?"), strings.ToValidUTF8(name, "?")
	args := `{"a":` + q(arg) + `}`
	rnd := rand.New(rand.NewPCG(seed, 1))
	cut := func(s string) (pieces []string) {
		for len(s) > 0 {
			n := 1 + rnd.IntN(min(len(s), 9))
			for n < len(s) && s[n]&0xC0 == 0x80 {
				n++
			}
			pieces = append(pieces, s[:n])
			s = s[n:]
		}
		return pieces
	}
	for i := range speeches {
		sp := &speeches[i]
		want := judgeWhole(t, set, sp.dialect, sp.whole(text, name, args))
		got, heard, heardArgs := judgeStream(t, set, sp, sp.stream(text, name, args, cut))
		if strings.HasPrefix(want, "denied") != strings.HasPrefix(got, "denied") {
			t.Errorf("%v: %q %q %q: streamed %s, whole %s", sp.dialect, text, name, args, got, want)
		}
		if strings.HasPrefix(got, "passed") && (heard != text || heardArgs != args || got != want) {
			t.Errorf("%v: %q arrived as %q, %q as %q; %s, %s", sp.dialect, text, heard, args, heardArgs, got, want)
		}
		for _, c := range []struct{ said, heard string }{{text, heard}, {args, heardArgs}} {
			for _, m := range norm.Scan(c.said, secrets.New()) {
				if len(c.heard) > m.Start {
					t.Errorf("%v: %d bytes of a secret at %d left: %q of %q", sp.dialect, len(c.heard)-m.Start, m.Start, c.heard, c.said)
				}
			}
		}
	}
}
