package detect_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/hidden"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/detecttest"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

var all = []detect.Incremental{secrets.New(), pii.New(), hidden.New()}

// Parts of which texts are put together. Some only mean something together.
var parts = []string{
	"ada@example.org", "4111 1111 1111 1111", " ", "\n", "\\n", "%3D", "password", "=", ": ", "\"", "'", "tr0ub4dor&3", "api_key", "9f8a7b6c5d4e3f2a1b0c9d8e", "ssn ", "536-22-1234",
	"+49 30 901820", "call ", "212-555-0187", "x42", " office", "192.168.17.4", "2001:db8::1:7334", "gh" + "p_4U3LSowpDx8XvYE7A8GH56oxU5aWnY2mzIbV", "AKIA", "IOSF0DNN7QXAMPLF", "born on ",
	"12 March 1984", "DE89 3704 0044 0532 0130 00", "https://me:", "s3cret9x", "@host/", "Authorization: Basic ", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Bearer ", "-----BEGIN PRIV" + "ATE KEY-----", "-----END PRIV" + "ATE KEY-----",
	"b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAA", "eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0NTY3ODkwIn0", ".c2lnbmF0dXJlc2lnbmF0dXJl", "\u200b", "\U000e0041", "é", "漢", "\xff", "-u ", "--password ",
	"heroku_api ", "8f14e45f-ceea-467f-9575-6a3bb1e3f1d2", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "a", "0", ".", "-", ";", "the report", "user", "is ", "0x", "_", "/",
}

// For every text and every way to cut it, a stream finds what a scan finds.
func TestStreamIsScan(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 24).Draw(r, "parts"), "")
		var cuts []int
		at := 0
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 40), 0, 30).Draw(r, "pieces") {
			if at += n; at > len(text) {
				break
			}
			cuts = append(cuts, at)
		}
		want := detect.ScanAll(text, all...)
		if got := detecttest.Feed(t, text, cuts, all...); !slices.Equal(got, want) {
			t.Fatalf("%q cut at %v: %+v, want %+v", text, cuts, got, want)
		}
		detecttest.Sound(t, text, all...)
	})
}

// Every split of one text that has something of everything.
func TestEveryByteSplit(t *testing.T) {
	detecttest.Equal(t, strings.Join(parts, " "), 3, all...)
	detecttest.Equal(t, strings.Join(parts, ""), 3, all...)
}

func TestLongText(t *testing.T) {
	text := strings.Repeat(strings.Join(parts, " and "), 12)
	want := detect.ScanAll(text, all...)
	for _, size := range []int{7, 97, 1000} {
		var cuts []int
		for c := size; c < len(text); c += size {
			cuts = append(cuts, c)
		}
		if got := detecttest.Feed(t, text, cuts, all...); !slices.Equal(got, want) {
			t.Errorf("pieces of %d: %d matches, want %d", size, len(got), len(want))
		}
	}
}

func TestMerge(t *testing.T) {
	in := []detect.Match{{Start: 8, End: 9, Rule: "d", Kind: "k"}, {Start: 5, End: 8, Rule: "c", Kind: "k"}, {Start: 0, End: 2, Rule: "a", Kind: "k"}, {Start: 1, End: 6, Rule: "b", Kind: "l"}}
	want := []detect.Match{{Start: 0, End: 8, Rule: "b", Kind: "l"}, {Start: 8, End: 9, Rule: "d", Kind: "k"}}
	if got := detect.Merge(in); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := detect.Merge(nil); len(got) != 0 {
		t.Errorf("%+v out of nothing", got)
	}
}

func TestMergeCoversTheSame(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var in []detect.Match
		var covered [80]bool
		for range rapid.IntRange(0, 12).Draw(r, "n") {
			s := rapid.IntRange(0, 60).Draw(r, "start")
			e := s + rapid.IntRange(1, 15).Draw(r, "length")
			in = append(in, detect.Match{Start: s, End: e, Rule: "r", Kind: "k"})
			for i := s; i < e; i++ {
				covered[i] = true
			}
		}
		last := 0
		for _, m := range detect.Merge(in) {
			if m.Start < last {
				r.Fatalf("%+v overlaps what ends at %d", m, last)
			}
			last = m.End
			for i := m.Start; i < m.End; i++ {
				if !covered[i] {
					r.Fatalf("%+v covers %d", m, i)
				}
				covered[i] = false
			}
		}
		if slices.Contains(covered[:], true) {
			r.Fatal("a byte was lost")
		}
	})
}

// After Flush nothing comes any more.
func TestFlushed(t *testing.T) {
	s := detect.NewStream(all...)
	s.Feed("ada@exam")
	if safe, _ := s.Flush(); safe != "ada@exam" {
		t.Errorf("%q came out", safe)
	}
	if safe, m := s.Feed("ple.org"); safe != "" || m != nil {
		t.Errorf("%q and %v came after the end", safe, m)
	}
	if s.Held() != 0 {
		t.Errorf("%d bytes are held", s.Held())
	}
}
