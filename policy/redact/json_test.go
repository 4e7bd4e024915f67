package redact

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// data looks for what the rules of sites look for.
func data(t testing.TB, style Style) *Session {
	t.Helper()
	d, err := policy.DetectWith([]string{"email", "credit_card", "secrets"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := NewSession()
	s.Add(&Rule{Name: "d", Style: style, Scanners: d.Scanners, Rules: d.Rules, Kinds: d.Kinds, Request: true, Response: true})
	return s
}

// Arguments stay JSON, whatever is taken out of them.
func TestArgumentsStayJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":"first\nann@home.example"}`:       `{"a":"first\n[EMAIL]"}`,
		`{"a":"\ud83d\ude00ann@home.example"}`:  `{"a":"\ud83d\ude00[EMAIL]"}`,
		`{"a":"ann\u0040home.example","b":"x"}`: `{"a":"[EMAIL]","b":"x"}`,
		`{"n":4111111111111111,"m":1}`:          `{"n":"[CREDIT_CARD]","m":1}`,
		`[4111111111111111]`:                    `["[CREDIT_CARD]"]`,
		`{"n": -4111111111111111 }`:             `{"n": -0 }`,
		`{"ann@home.example":1}`:                `{"[EMAIL]":1}`,
		`{"k":"-----BEGIN RSA PRIVATE KEY-----\n` + strings.Repeat(`MIIEowIBAAKCAQEA`, 6) + `","b":{"c":[1,"x"]}}`: `{"k":"[PRIVATE_KEY]","":{"c":[1,"x"]}}`, // a key without an end goes on
		`write to ann@home.example`: `write to [EMAIL]`,
		`C:\nann@home.example`:      `C:\n[EMAIL]`,
	} {
		if got := data(t, Mask).Whole(rewrite.Arguments, in); got != want {
			t.Errorf("%s\n%s, want\n%s", in, got, want)
		}
	}
	// In requests, too: as text and as an object.
	s := data(t, Mask)
	got := request(t, s, view(t, llm.Chat, `{"model":"m","messages":[{"role":"user","content":"x"},{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{\"a\":\"x\\nann@home.example\",\"n\":4111111111111111}"}}]}]}`))
	if want := `"arguments":"{\"a\":\"x\\n[EMAIL]\",\"n\":\"[CREDIT_CARD]\"}"`; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
	got = request(t, s, view(t, llm.Messages, `{"model":"m","max_tokens":9,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{"a":"x\nann@home.example","n":4111111111111111}}]}]}`))
	if want := `"input":{"a":"x\n[EMAIL]","n":"[CREDIT_CARD]"}`; !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}

// A value is the same value in a text and, escaped, in arguments; what stands for it
// comes back escaped for them, also where the model has forgotten the quotes.
func TestArgumentsAndTextsAgree(t *testing.T) {
	s := data(t, Reversible)
	request(t, s, view(t, llm.Chat, `{"model":"m","messages":[{"role":"user","content":"ann@home.example"}]}`))
	for in, want := range map[string]string{
		`{"a":"ann\u0040home.example"}`: `{"a":"[[EMAIL_1]]"}`,
		`{"a":"to [[EMAIL_1]]"}`:        `{"a":"to ann@home.example"}`,
		`{"a":[[EMAIL_1]]}`:             `{"a":"ann@home.example"}`,
		`{"a":"\u005b[EMAIL_1]]"}`:      `{"a":"ann@home.example"}`,
	} {
		if got := s.Whole(rewrite.Arguments, in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	h := data(t, Hash)
	text, args := h.Whole(rewrite.Text, "ann@home.example"), h.Whole(rewrite.Arguments, `{"a":"ann\u0040home.example"}`)
	if args != `{"a":"`+text+`"}` {
		t.Errorf("%s and %s", text, args)
	}
}

// FuzzArguments: what was JSON is JSON, and a stream of it is the whole.
func FuzzArguments(f *testing.F) {
	f.Add(`{"a":"first\nann@home.example","n":4111111111111111}`, uint64(1))
	f.Add(`[[1,-4111111111111111.5e3],"[[EMAIL_1]]",[[]]]`, uint64(2))
	f.Add(`{"k":"-----BEGIN RSA PRIVATE KEY-----\\n","b":{"\ud83d\ude00ann@home.example":[true]}}`, uint64(3))
	f.Add(`{"a":[[EMAIL_1]]}`, uint64(4))
	f.Fuzz(func(t *testing.T, text string, seed uint64) {
		if len(text) > 2<<10 {
			return
		}
		s := data(t, Style(seed%3))
		if seed%3 == uint64(Reversible) {
			s.values["[[EMAIL_1]]"], s.tokens["\"ann\"@home.example"] = "\"ann\"@home.example", "[[EMAIL_1]]"
		}
		want := s.Whole(rewrite.Arguments, text)
		if json.Valid([]byte(text)) && !json.Valid([]byte(want)) && strings.ContainsAny(strings.TrimSpace(text)[:1], "{[") {
			t.Fatalf("%s\nbecame\n%s", text, want)
		}
		rnd, st, got := rand.New(rand.NewPCG(seed, 1)), s.Stream(rewrite.Arguments), ""
		for rest := text; rest != ""; {
			n := 1 + rnd.IntN(min(len(rest), 9))
			got += st.Feed(rest[:n])
			rest = rest[n:]
		}
		if got += st.Flush(); got != want {
			t.Fatalf("%s\nstreamed\n%s\nwhole\n%s", text, got, want)
		}
	})
}
