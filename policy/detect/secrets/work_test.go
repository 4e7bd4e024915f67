package secrets

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// Candidates that begin close to each other do not read the same bytes once each: the bytes
// that runs look at are bounded by the length of the text, whatever the text is.
func TestRunsAreReadOnce(t *testing.T) {
	const size, most = 8 << 10, 16 // most is bytes looked at for one of the text
	units := []string{"sk-", "eyJ-", "eyJ-.", "a.", "a-", "12:", "://a:", "kucoin=", "kagi-okta-blynk-fastly-", "1//0", "hv" + "s.", "FwoGZXIvYXdz/", "LS0tLS1CRUdJTi/", "dt0a00.", "444444444:AA:"}
	for _, w := range New().Words() {
		units = append(units, w, w+"-")
	}
	for _, unit := range units {
		text := strings.Repeat(unit, size/len(unit)+1)[:size]
		j := job{s: New(), c: detect.NewCursor(text, true), text: text}
		j.advance(nil, 0)
		if j.c.Work() > most*size {
			t.Errorf("%q: %d bytes are looked at for each of the text", unit, j.c.Work()/size)
		}
	}
}

// What overlapping values remember of the words in them is what is there.
func TestGlance(t *testing.T) {
	text := strings.Repeat("a-sample.of-redacted_00000000x", 12) + strings.Repeat("nothing.at.all-", 30) + "example" + strings.Repeat("b", 80)
	for _, size := range []int{5, 17, 90, 300} {
		var g glance
		for p := 0; p < len(text); p++ {
			for _, e := range []int{min(len(text), p+size), min(len(text), p+size/2), min(len(text), p+size+p%7)} {
				if got, want := g.within(text, p, e, emptyTokens), emptyTokens.Contains(text[p:e]); got != want {
					t.Fatalf("[%d, %d): %v, want %v", p, e, got, want)
				}
			}
		}
	}
}
