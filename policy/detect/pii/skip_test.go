package pii

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// everywhere is Scan that tries each place where a match may begin, also within words.
func everywhere(text string) (out []detect.Match) {
	f := finder{c: detect.NewCursor(text, true), text: text}
	for p := 0; p < len(text); {
		var prev byte
		if p > 0 {
			prev = text[p-1]
		}
		if starts[text[p]] && !(alnum(prev) && !escaped(text, p-1) || prev == '_' || escaped(text, p)) {
			if end, rule := f.at(p, text[p], prev); end > p {
				out = append(out, detect.Match{Start: p, End: end, Rule: rule, Kind: detect.KindPII})
				p = end
				continue
			}
		}
		p++
	}
	return out
}

// What is passed over begins nothing.
func TestPassedOver(t *testing.T) {
	parts := []string{"ada@example.org", "a.b@c.de", "4111 1111 1111 1111", "536-22-1234", "ssn ", "+49 30 901820", "call ", "212-555-0187", "192.168.17.4", "2001:db8::1:7334", "00:1a:2b:3c:4d:5e", "born on ", "12 March 1984", "March 12, 1984", "may 3, 1990",
		"DE89 3704 0044 0532 0130 00", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "RSSMRA85T10A562S", "X1234567L", `\n`, `\r`, `\t`, `\\`, `\`, "n", "r", "t1", "_", " ", "-", ".", ":", "é", "ß", "\xc3", "a", "7", "words", "internationalization", "enero 3, 1999", "märz 4, 1988"}
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 12).Draw(r, "parts"), rapid.SampledFrom([]string{"", "", " "}).Draw(r, "between"))
		if got, want := New().Scan(nil, text), everywhere(text); !slices.Equal(got, want) {
			t.Fatalf("%q: %+v, want %+v", text, got, want)
		}
	})
}
