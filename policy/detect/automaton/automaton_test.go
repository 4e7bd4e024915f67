package automaton

import (
	"slices"
	"strings"
	"testing"
)

type hit struct{ word, start, end int }

func find(a *Automaton, text string) (out []hit) {
	a.Find(text, func(w, s, e int) bool {
		out = append(out, hit{w, s, e})
		return true
	})
	return out
}

func lower(s string) string {
	b := []byte(s)
	for i := range b {
		b[i] = fold(b[i])
	}
	return string(b)
}

// naive finds the same by comparing everywhere.
func naive(words []string, text string) (out []hit) {
	text = lower(text)
	for end := range len(text) + 1 {
		var here []hit
		for w, word := range words {
			if strings.HasSuffix(text[:end], lower(word)) {
				here = append(here, hit{w, end - len(word), end})
			}
		}
		slices.SortStableFunc(here, func(a, b hit) int { return a.start - b.start })
		out = append(out, here...)
	}
	return out
}

func TestFind(t *testing.T) {
	for _, c := range []struct {
		words []string
		text  string
	}{
		{[]string{"he", "she", "his", "hers"}, "uSHErs and his"},
		{[]string{"a", "aa", "aaa"}, "aaaa"},
		{[]string{"abcd", "bc"}, "abce abcd"},
		{[]string{"same", "SAME", "ame"}, "same"},
		{[]string{"\x00\xff", "\xff"}, "\x00\xff\xff"},
		{[]string{"[", "{"}, "[{;"},
		{[]string{"@"}, "`@"},
	} {
		a := Must(c.words...)
		if got, want := find(a, c.text), naive(c.words, c.text); !slices.Equal(got, want) {
			t.Errorf("%q in %q: %v, want %v", c.words, c.text, got, want)
		}
	}
}

func TestStopsWhenTold(t *testing.T) {
	n := 0
	Must("a", "aa").Find("aaaa", func(int, int, int) bool { n++; return n < 3 })
	if n != 3 {
		t.Errorf("yield was called %d times, want 3", n)
	}
}

func TestRefuses(t *testing.T) {
	if _, err := New([]string{"a", ""}); err == nil {
		t.Error("an empty word was taken")
	}
	if _, err := New([]string{strings.Repeat("a", MaxStates)}); err == nil {
		t.Error("a word of more than MaxStates bytes was taken")
	}
	var all []byte
	for b := range 256 {
		all = append(all, byte(b))
	}
	if a, err := New([]string{string(all)}); err != nil || !a.Contains("x"+string(all)) {
		t.Errorf("a word of all bytes: %v", err)
	}
}

func TestNoWords(t *testing.T) {
	a := Must()
	if a.Contains("anything") || a.Size() == 0 {
		t.Error("an automaton without words found one, or takes no memory at all")
	}
}

func FuzzFind(f *testing.F) {
	f.Add("he she his hers", "ushers")
	f.Add("a aa \xff", "aAa\xff")
	f.Fuzz(func(t *testing.T, list, text string) {
		if len(list) > 200 || len(text) > 400 {
			return
		}
		words := strings.Fields(list)
		a, err := New(words)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := find(a, text), naive(words, text); !slices.Equal(got, want) {
			t.Fatalf("%q in %q: %v, want %v", words, text, got, want)
		}
		for _, w := range words {
			if strings.Contains(lower(text), lower(w)) && !a.Contains(text) {
				t.Fatalf("%q contains %q", text, w)
			}
		}
	})
}

func BenchmarkContains(b *testing.B) {
	a := Must("password", "secret", "token", "api_key", "credential", "heroku", "github", "datadog")
	text := strings.Repeat("The quarterly report shows that sales rose by four percent. ", 17)[:1000]
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		a.Contains(text)
	}
}
