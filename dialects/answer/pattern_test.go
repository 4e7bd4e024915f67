package answer

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// similar are events that differ from the first one of their dialect (see deltas)
// in little, and not always in a text.
func similar(raw string) []string {
	s := []string{raw, raw}
	for _, r := range [][2]string{
		{" gateway", ""}, {" gateway", "usage"}, {" gateway", `\"error\":{`}, {" gateway", `x\\`}, {" gateway", `x\`}, {" gateway", "a\nb"}, {" gateway", "\\\nx"},
		{" gateway", `","error":{"message":"m"},"x":"`}, {" gateway", strings.Repeat("long ", 2000)}, {"aB3dE", `","usage":{"total_tokens":1},"x":"`},
		{"aB3dE", "other padding"}, {`"finish_reason":null`, `"finish_reason":"stop"`}, {`"sequence_number":17`, `"sequence_number":181`},
		{`"sequence_number":17`, `"sequence_number":1.8`}, {`"index":0`, `"index":1`}, {"}\n\n", "}\r\n\r\n"}, {"}\n\n", "}\ndata: {}\n\n"},
		{"data: ", "data:"}, {"data: ", "id: 1\ndata: "}, {"data: ", "data: {}\ndata: "}, {"text_delta", "message_delta"}, {"output_text.delta", "completed"},
	} {
		s = append(s, strings.ReplaceAll(raw, r[0], r[1]), raw)
	}
	return s
}

// An event that is known by its pattern counts as it would have without one.
func TestPatternChangesNothing(t *testing.T) {
	for _, tc := range deltas {
		a, plain := New(tc.d, true), New(tc.d, true)
		for i, raw := range similar(tc.raw) {
			same(t, fmt.Sprintf("%s %d", tc.name, i), a, plain, []byte(raw))
		}
	}
}

func same(t *testing.T, name string, a, plain *Answer, raw []byte) {
	t.Helper()
	plain.known = pattern{}
	got, want := a.Event(raw), plain.Event(raw)
	if got != want || a.text != plain.text || a.Terminal() != plain.Terminal() || a.failed != plain.failed || a.usage.given() != plain.usage.given() || a.finish != plain.finish {
		t.Fatalf("%s: %q: verdict %v, want %v; %d bytes of text, want %d", name, raw, got, want, a.text, plain.text)
	}
}

func TestPatternIsKnown(t *testing.T) {
	for _, tc := range deltas {
		a := New(tc.d, true)
		for _, r := range []string{" one", " other", `"`, "", " 日本"} {
			a.Event([]byte(strings.ReplaceAll(strings.ReplaceAll(tc.raw, " gateway", strings.ReplaceAll(r, `"`, `\"`)), `_number":17`, fmt.Sprintf(`_number":%d`, len(r)))))
		}
		if a.known.misses != 1 {
			t.Errorf("%s: %d events were looked at", tc.name, a.known.misses)
		}
	}
}

// A stream in which no event is like the one before is not learned from each time.
func TestPatternGivesUp(t *testing.T) {
	a := New(llm.Chat, true)
	for i := range 1000 {
		a.Event(fmt.Appendf(nil, "data: {\"id\":\"%d\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"}}]}\n\n", i))
	}
	if a.known.misses != 1000 || a.text != 1000 || !strings.Contains(string(a.known.raw), `"511"`) {
		t.Errorf("%d misses, %d bytes, %s", a.known.misses, a.text, a.known.raw)
	}
}

func FuzzPattern(f *testing.F) {
	for i, tc := range deltas {
		for _, s := range similar(tc.raw) {
			f.Add(uint8(i), []byte(tc.raw), []byte(s))
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, one, two []byte) {
		d := fuzzed[int(n)%len(fuzzed)]
		a, plain := New(d, true), New(d, true)
		for _, raw := range [][]byte{one, two, one, two} {
			same(t, d.String(), a, plain, raw)
		}
	})
}

// A name that is written with escapes is the name all the same.
func TestEscapedNames(t *testing.T) {
	a := New(llm.Chat, true)
	for range 3 {
		a.Event([]byte(`data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}` + "\n\n"))
	}
	a.Event([]byte(`data: {"choices":[{"index":0,"delta":{},"finish_re\u0061son":"stop"}],"\u0075sage":{"prompt_tokens":1,"completion_tokens":2}}` + "\n\n"))
	if u := a.Usage(); u.Output != 2 || a.FinishReason() != "stop" {
		t.Errorf("%+v %q", u, a.FinishReason())
	}
}
