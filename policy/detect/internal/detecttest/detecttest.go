// Package detecttest checks what every scanner promises: that a stream finds
// what a scan of the whole finds, that it holds back little and that matches
// are in order. It is for tests only.
package detecttest

import (
	"slices"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// Feed gives text to a stream in pieces that end at the given cuts and returns
// what came out. It fails the test when a promise is broken on the way.
func Feed(t testing.TB, text string, cuts []int, scanners ...detect.Incremental) []detect.Match {
	t.Helper()
	s := detect.NewStream(scanners...)
	var out strings.Builder
	var matches []detect.Match
	take := func(safe string, found []detect.Match) {
		from := out.Len()
		out.WriteString(safe)
		for _, m := range found {
			if m.Start < from || m.End > out.Len() {
				t.Fatalf("%+v was given out with the bytes [%d, %d)", m, from, out.Len())
			}
		}
		matches = append(matches, found...)
		if held := s.Held(); held > s.MaxHeld() {
			t.Fatalf("%d bytes are held, more than %d", held, s.MaxHeld())
		}
	}
	last := 0
	for _, c := range cuts {
		take(s.Feed(text[last:c]))
		last = c
	}
	take(s.Feed(text[last:]))
	take(s.Flush())
	if out.String() != text {
		t.Fatalf("the stream gave out %q for %q", out.String(), text)
	}
	return matches
}

// Equal fails unless streams of text, cut at every place into two pieces, into
// single bytes and into pieces of size, find what a scan of the whole finds. It
// returns that.
func Equal(t testing.TB, text string, size int, scanners ...detect.Incremental) []detect.Match {
	t.Helper()
	want := detect.ScanAll(text, scanners...)
	Sound(t, text, scanners...)
	check := func(cuts []int) {
		t.Helper()
		if got := Feed(t, text, cuts, scanners...); !slices.Equal(got, want) {
			t.Fatalf("%q cut at %v: %+v, want %+v", text, cuts, got, want)
		}
	}
	for _, step := range []int{1, max(1, size)} {
		var cuts []int
		for c := step; c < len(text); c += step {
			cuts = append(cuts, c)
		}
		check(cuts)
	}
	for c := 1; c < len(text) && len(text) < 4096; c++ {
		check([]int{c})
	}
	return want
}

// Sound fails if matches of one scanner are out of order, out of the text, too
// long, or unnamed.
func Sound(t testing.TB, text string, scanners ...detect.Incremental) {
	t.Helper()
	for _, s := range scanners {
		last := 0
		for _, m := range s.Scan(nil, text) {
			if m.Start < last || m.End <= m.Start || m.End > len(text) || m.End-m.Start > s.MaxMatch() || m.Rule == "" || m.Kind == "" {
				t.Fatalf("%q: the match %+v is not sound", text, m)
			}
			last = m.End
		}
	}
}
