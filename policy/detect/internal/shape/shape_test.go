package shape

import (
	"math/rand/v2"
	"regexp"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

var patterns = []string{
	`ab[0-9]{3}`, `(?:one|two|three)-[a-z]{1,5}`, `(?i)key[A-Z]{2}x?`, `a{2,4}b`, `[a-z]{3}\.[a-z]{0,2}!`, `(?:x[0-9]){2,3}end`, `\$[a-f0-9]{2}(?:=|%3D)`, `sk(?:-live|-test)?_[A-Za-z0-9]{4}`,
	`(?:a|bc){2,3}x`, `[0-9]{1,3}-[a-z]{2}`, `(?:k|(?:l|mn){1,2})?[0-9]{2}(?:y|zz)`,
}

func TestAgainstRegexp(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, pattern := range patterns {
		p := Compile(pattern)
		re := regexp.MustCompile(`^(?:` + pattern + `)`)
		for range 300 {
			text := p.Sample(rnd.IntN)
			if rnd.IntN(2) == 0 {
				b := []byte(text)
				b[rnd.IntN(len(b))] = byte('!' + rnd.IntN(90))
				text = string(b)
			}
			c := detect.NewCursor(text, true)
			got := p.Match(&c, 0)
			want := -1
			if m := re.FindStringIndex(text); m != nil {
				want = m[1]
			}
			if got != want {
				t.Fatalf("%q on %q: %d, want %d", pattern, text, got, want)
			}
			if got > p.Max {
				t.Fatalf("%q on %q: %d bytes, more than %d", pattern, text, got, p.Max)
			}
			if got > 1 && (!p.First.Has(text[0]) || !p.Second.Has(text[1])) {
				t.Fatalf("%q on %q: the first two bytes are not announced", pattern, text)
			}
			if got >= 0 && !p.Begins(text) {
				t.Fatalf("%q on %q: the first four bytes are not announced", pattern, text)
			}
		}
	}
}

// A pattern that wanted more text says so, and one that is decided does not.
func TestShort(t *testing.T) {
	p := Compile(`ab[0-9]{3}`)
	for text, short := range map[string]bool{"a": true, "ab1": true, "ab12": true, "ab123": false, "ac": false, "abx": false} {
		c := detect.NewCursor(text, false)
		p.Match(&c, 0)
		if c.Short() != short {
			t.Errorf("%q: Short is %v", text, c.Short())
		}
	}
}

func TestRefusesUnbounded(t *testing.T) {
	for _, pattern := range []string{`a+`, `[a-z]*b`, `a{3,}`, `^ab`, `ab$`, `.b`, `(`, `a?b?`} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%q was compiled", pattern)
				}
			}()
			Compile(pattern)
		}()
	}
}

func FuzzCompile(f *testing.F) {
	for _, p := range patterns {
		f.Add(p, "ab123")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 60 {
			return
		}
		p := try(pattern)
		if p == nil {
			return
		}
		c := detect.NewCursor(text, true)
		if e := p.Match(&c, 0); e > len(text) || e > p.Max || e == 0 || e == 1 {
			t.Fatalf("%q on %q: %d", pattern, text, e)
		}
	})
}

// try compiles a pattern that may be wrong.
func try(pattern string) (p *Pattern) {
	defer func() { _ = recover() }()
	return Compile(pattern)
}
