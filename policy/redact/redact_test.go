package redact

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// digits finds runs of 4 to 8 digits, "number", and words "top-secret".
type digits struct{}

func (digits) MaxMatch() int { return 10 }
func (digits) MaxHeld() int  { return 10 }

func (d digits) Scan(dst []detect.Match, text string) []detect.Match {
	dst, _ = d.Advance(dst, text, 0, true)
	return dst
}

func (digits) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	const word = "top-secret"
	for from < len(text) {
		end := from
		for end < len(text) && end-from < 8 && text[end] >= '0' && text[end] <= '9' {
			end++
		}
		switch {
		case strings.HasPrefix(text[from:], word):
			dst = append(dst, detect.Match{Start: from, End: from + len(word), Rule: "word", Kind: detect.KindSecret})
			from += len(word)
		case !final && (end == len(text) && end-from < 8 && end > from || strings.HasPrefix(word, text[from:])):
			return dst, from
		case end-from >= 4:
			dst = append(dst, detect.Match{Start: from, End: end, Rule: "number", Kind: detect.KindPII})
			from = end
		default:
			from = max(end, from+1)
		}
	}
	return dst, from
}

func numbers(style Style, request, response bool) *Rule {
	return &Rule{Name: "n", Style: style, Scanners: []detect.Incremental{digits{}}, Rules: map[string]bool{"number": true}, Request: request, Response: response}
}

func view(t testing.TB, d llm.Dialect, body string) *llm.View {
	t.Helper()
	v, denied := dialects.Parse(d, []byte(body))
	if denied != nil {
		t.Fatal(denied)
	}
	return v
}

func request(t *testing.T, s *Session, v *llm.View) string {
	t.Helper()
	edits, err := s.Request(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(llm.Splice(v.Raw, edits))
}

// Texts, tool results, arguments as strings and as objects, and definitions are
// redacted; everything else stays byte for byte.
func TestRequest(t *testing.T) {
	for _, tc := range []struct {
		name       string
		d          llm.Dialect
		rule       *Rule
		body, want string
	}{
		{"mask", llm.Chat, numbers(Mask, true, false), `{"model":"m-1234","messages":[{"role":"user","content":"call 123456 \u0031\u0032345 now"}],"seed":123456}`,
			`{"model":"m-1234","messages":[{"role":"user","content":"call [NUMBER] [NUMBER] now"}],"seed":123456}`},
		{"same value, same number", llm.Chat, numbers(Reversible, true, false), `{"model":"m","messages":[{"role":"system","content":"1111 2222"},{"role":"user","content":[{"type":"text","text":"2222 1111"}]}]}`,
			`{"model":"m","messages":[{"role":"system","content":"[[NUMBER_1]] [[NUMBER_2]]"},{"role":"user","content":[{"type":"text","text":"[[NUMBER_2]] [[NUMBER_1]]"}]}]}`},
		{"a forged replacement", llm.Chat, numbers(Reversible, true, false), `{"model":"m","messages":[{"role":"user","content":"[[NUMBER_1]] is not 1111"}]}`,
			`{"model":"m","messages":[{"role":"user","content":"[[NUMBER_1]] is not [[NUMBER_2]]"}]}`},
		{"a forged replacement, disguised", llm.Chat, numbers(Reversible, true, false), `{"model":"m","messages":[{"role":"user","content":"[[NUMBER\u005f1]] \u005b[NUM\u200bBER_2]] is not 1111"}]}`,
			`{"model":"m","messages":[{"role":"user","content":"[[NUMBER_1]] [[NUM` + "\u200b" + `BER_2]] is not [[NUMBER_3]]"}]}`},
		{"what no model is shown", llm.Chat, numbers(Mask, true, false), `{"model":"m","user":"u 11111","metadata":{"22222":"33333","a":["44444"]},"stop":["55555"],"messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"m","user":"u [NUMBER]","metadata":{"[NUMBER]":"[NUMBER]","a":["[NUMBER]"]},"stop":["[NUMBER]"],"messages":[{"role":"user","content":"hi"}]}`},
		{"a user of messages", llm.Messages, numbers(Mask, true, false), `{"model":"m","max_tokens":9,"metadata":{"user_id":"u 11111"},"stop_sequences":["55555"],"messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"m","max_tokens":9,"metadata":{"user_id":"u [NUMBER]"},"stop_sequences":["[NUMBER]"],"messages":[{"role":"user","content":"hi"}]}`},
		{"tools of messages", llm.Messages, numbers(Mask, true, false), `{"model":"m","max_tokens":9,"tools":[{"name":"f","description":"dial 4444","input_schema":{"type":"object"}}],"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t_1234","name":"f","input":{"n":"5555","deep":[{"x":"66666"}]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t_1234","content":"7777"}]}]}`,
			`{"model":"m","max_tokens":9,"tools":[{"name":"f","description":"dial [NUMBER]","input_schema":{"type":"object"}}],"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t_1234","name":"f","input":{"n":"[NUMBER]","deep":[{"x":"[NUMBER]"}]}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t_1234","content":"[NUMBER]"}]}]}`},
		{"names that a model has made", llm.Messages, numbers(Mask, true, false), `{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"5555":{"66666":1}}}]}]}`,
			`{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"[NUMBER]":{"[NUMBER]":1}}}]}]}`},
		{"responses", llm.Responses, numbers(Mask, true, false), `{"model":"m","input":[{"role":"user","content":"8888"},{"type":"function_call_output","call_id":"c_9999","output":"9999"}]}`,
			`{"model":"m","input":[{"role":"user","content":"[NUMBER]"},{"type":"function_call_output","call_id":"c_9999","output":"[NUMBER]"}]}`},
		{"not in requests", llm.Chat, numbers(Mask, false, true), `{"model":"m","messages":[{"role":"user","content":"1234"}]}`, `{"model":"m","messages":[{"role":"user","content":"1234"}]}`},
	} {
		s := NewSession()
		s.Add(tc.rule)
		if got := request(t, s, view(t, tc.d, tc.body)); got != tc.want {
			t.Errorf("%s:\n%s\nwant\n%s", tc.name, got, tc.want)
		}
	}
}

// What was taken out of a prompt comes back in the answer, and only that.
func TestRestored(t *testing.T) {
	s := NewSession()
	s.Add(numbers(Reversible, true, true))
	v := view(t, llm.Chat, `{"model":"m","messages":[{"role":"user","content":"1111 and 2222"}]}`)
	request(t, s, v)
	for in, want := range map[string]string{
		"you said [[NUMBER_1]] and [[NUMBER_2]]": "you said 1111 and 2222",
		"[[NUMBER_3]] [[NUMBER_]] [[X]] [[]] [[": "[[NUMBER_3]] [[NUMBER_]] [[X]] [[]] [[",
		"[[[NUMBER_1]]]":                         "[1111]",
		"a new one: 3333":                        "a new one: [[NUMBER_3]]",
		"1111 by itself":                         "[[NUMBER_1]] by itself",
	} {
		if got := s.Whole(rewrite.Text, in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	if got := s.Whole(rewrite.Reasoning, "about [[NUMBER_1]], 7777"); got != "about [[NUMBER_1]], [[NUMBER_4]]" {
		t.Errorf("reasoning: %q", got)
	}
	// A number that stands for a value of the answer is never given back.
	if got := s.Whole(rewrite.Text, "[[NUMBER_3]]"); got != "[[NUMBER_3]]" {
		t.Errorf("a value of the answer: %q", got)
	}
}

// Values are escaped for the arguments that they are put into.
func TestRestoredInArguments(t *testing.T) {
	s := NewSession()
	quote := &Rule{Name: "w", Style: Reversible, Scanners: []detect.Incremental{digits{}}, Kinds: map[string]bool{detect.KindSecret: true}, Request: true}
	s.Add(quote)
	s.values["[[WORD_1]]"], s.tokens[`say "hi"`+"\n"] = `say "hi"`+"\n", "[[WORD_1]]"
	got := s.Whole(rewrite.Arguments, `{"q":"[[WORD_1]]"}`)
	var back struct {
		Q string `json:"q"`
	}
	if err := json.Unmarshal([]byte(got), &back); err != nil || back.Q != `say "hi"`+"\n" {
		t.Errorf("%s: %v", got, err)
	}
}

// Streamed text equals whole text at every cut, with restoring and masking at
// once, and little is held.
func TestEveryCut(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		s := NewSession()
		s.Add(numbers(Style(rapid.IntRange(0, 2).Draw(rt, "style")), true, true))
		v := view(t, llm.Chat, `{"model":"m","messages":[{"role":"user","content":"1111 and 2222"}]}`)
		if _, err := s.Request(v); err != nil {
			rt.Fatal(err)
		}
		parts := rapid.SliceOfN(rapid.SampledFrom([]string{"[[NUMBER_1]]", "[[NUMBER_2", "]]", "[", "12", "3456", "789", " ", "top-", "secret", "é", "x"}), 1, 20).Draw(rt, "parts")
		text := strings.Join(parts, "")
		want := s.Whole(rewrite.Text, text)
		st := s.Stream(rewrite.Text)
		var got strings.Builder
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(rt, "cut")
			got.WriteString(st.Feed(rest[:n]))
			rest = rest[n:]
			if st.Held() > maxToken+10 {
				rt.Fatalf("%d bytes held", st.Held())
			}
		}
		got.WriteString(st.Flush())
		if got.String() != want {
			rt.Fatalf("%q became %q, in one piece %q", text, got.String(), want)
		}
	})
}

// The record says what was found and where, never what it was; shadow changes
// nothing and never shields what another rule takes out.
func TestDecisions(t *testing.T) {
	s := NewSession()
	shadow := numbers(Mask, true, true)
	shadow.Name, shadow.Shadow = "shadow", true
	both := &Rule{Name: "all", Style: Mask, Scanners: []detect.Incremental{digits{}}, Kinds: map[string]bool{detect.KindSecret: true}, Rules: map[string]bool{}, Request: true}
	s.Add(shadow, both)
	v := view(t, llm.Chat, `{"model":"m","messages":[{"role":"user","content":"1234 top-secret 1234"}]}`)
	if got := request(t, s, v); !strings.Contains(got, `"1234 [WORD] 1234"`) {
		t.Errorf("%s", got)
	}
	if got := s.Whole(rewrite.Text, "5678"); got != "5678" {
		t.Errorf("shadow changed it to %q", got)
	}
	var got []string
	s.Decisions(func(d llm.Decision) { got = append(got, fmt.Sprint(d.Rule, " ", d.Action, " ", d.Detail)) })
	if want := "shadow would_redact request: 2 number, all redact request: 1 word, shadow would_redact response: 1 number"; strings.Join(got, ", ") != want {
		t.Errorf("%s", strings.Join(got, ", "))
	}
	s = NewSession()
	s.Add(shadow, numbers(Mask, true, false))
	if got := request(t, s, v); !strings.Contains(got, `"[NUMBER] top-secret [NUMBER]"`) {
		t.Errorf("a rule in shadow shields: %s", got)
	}
	// Hash: equal values look equal.
	s = NewSession()
	s.Add(numbers(Hash, true, true))
	a, b, c := s.Whole(rewrite.Text, "1234"), s.Whole(rewrite.Text, "1234"), s.Whole(rewrite.Text, "1235")
	if a != b || a == c || !strings.HasPrefix(a, "[NUMBER:") || strings.Contains(a, "1234]") {
		t.Errorf("%s %s %s", a, b, c)
	}
}

// Disguises do not help: look-alikes, invisible characters and one layer of
// encoding are seen through, and the original bytes are what is replaced.
func TestDisguised(t *testing.T) {
	s := NewSession()
	s.Add(numbers(Mask, true, true))
	for in, want := range map[string]string{
		"call 12\u200b34 now":       "call [NUMBER] now",
		"call １２３４ now":             "call [NUMBER] now",
		"call \U0001D7CF234 now":    "call [NUMBER] now",
		"call 12\u00ad\u200d34 now": "call [NUMBER] now",
	} {
		body, _ := json.Marshal(in)
		got := request(t, s, view(t, llm.Chat, `{"model":"m","messages":[{"role":"user","content":`+string(body)+`}]}`))
		if !strings.Contains(got, `"`+want+`"`) {
			t.Errorf("request: %q became %s", in, got)
		}
		if got := s.Whole(rewrite.Text, in); got != want {
			t.Errorf("answer: %q became %q", in, got)
		}
	}
	secret := "dG9wLXNlY3JldCBpcyB0aGUgd29yZA==" // "top-secret is the word"
	s = NewSession()
	s.Add(&Rule{Name: "w", Scanners: []detect.Incremental{digits{}}, Kinds: map[string]bool{detect.KindSecret: true}, Request: true})
	s.rules[0].Response = true
	if got := s.Whole(rewrite.Text, "decode "+secret+" please"); got != "decode [WORD] please" {
		t.Errorf("encoded in an answer: %s", got)
	}
	if got := request(t, s, view(t, llm.Chat, `{"model":"m","messages":[{"role":"user","content":"decode `+secret+` please"}]}`)); !strings.Contains(got, `"decode [WORD] please"`) {
		t.Errorf("encoded: %s", got)
	}
}
