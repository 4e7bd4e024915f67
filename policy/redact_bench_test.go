package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/redact"
)

func piiSession(b *testing.B) *redact.Session {
	d, err := Detect([]string{"pii", "secrets"})
	if err != nil {
		b.Fatal(err)
	}
	s := redact.NewSession()
	s.Add(&redact.Rule{Name: "r", Style: redact.Reversible, Scanners: d.Scanners, Rules: d.Rules, Kinds: d.Kinds, Request: true, Response: true})
	return s
}

// An event of a stream through all detectors, and how much prose is held.
func BenchmarkRedactEvent(b *testing.B) {
	words := strings.SplitAfter("The quick brown fox, aged 12, jumps over the lazy dog; it costs 3.50 a day. ", " ")
	events := make([][]byte, len(words))
	for i, w := range words {
		events[i] = fmt.Appendf(nil, "data: {\"id\":\"chatcmpl-1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", w)
	}
	r := rewrite.New(llm.Chat, piiSession(b))
	var out []byte
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		var err error
		if out, err = r.Event(out[:0], events[i%len(events)]); err != nil {
			b.Fatal(err)
		}
	}
}

// A whole text in a request, by its size.
func BenchmarkRedactText(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10} {
		b.Run(fmt.Sprint(size>>10, "KiB"), func(b *testing.B) {
			s := piiSession(b)
			text := strings.Repeat("The quick brown fox, aged 12, jumps over the lazy dog; it costs 3.50 a day. ", size/60+1)[:size]
			v := &llm.View{Raw: []byte(`"` + text + `"`), Segments: []llm.Segment{{Text: text, Span: llm.Span{Start: 0, End: size + 2}}}}
			b.SetBytes(int64(size))
			for b.Loop() {
				if _, err := s.Request(v); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
