package hidden

import (
	"unicode"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// Names of the rules.
const (
	Tags      = "tag-characters"
	Bidi      = "bidi-control"
	ZeroWidth = "zero-width"
	Selectors = "variation-selectors"
	Control   = "control-characters"
)

// Scanner finds hidden characters. A match is a run of them, of MaxMatch bytes
// at most; what is longer is several matches. Its zero value is ready.
type Scanner struct{}

var _ detect.Incremental = Scanner{}

// New returns the scanner.
func New() Scanner { return Scanner{} }

// Rules returns the names of all rules.
func (Scanner) Rules() []string { return []string{Tags, Bidi, ZeroWidth, Selectors, Control} }

// MaxMatch implements detect.Scanner.
func (Scanner) MaxMatch() int { return detect.MaxMatch }

// MaxHeld implements detect.Incremental.
func (Scanner) MaxHeld() int { return detect.MaxMatch + 8 }

// Scan implements detect.Scanner.
func (s Scanner) Scan(dst []detect.Match, text string) []detect.Match {
	dst, _ = s.Advance(dst, text, 0, true)
	return dst
}

// A Finding is a match and what it spells.
type Finding struct {
	detect.Match
	// Payload is the text that tag characters or variation selectors encode;
	// empty if they encode none. It comes from the text and is not to be trusted.
	Payload string
}

// Find returns the findings in text.
func Find(text string) []Finding {
	var out []Finding
	for _, m := range New().Scan(nil, text) {
		out = append(out, Finding{Match: m, Payload: Payload(text[m.Start:m.End])})
	}
	return out
}

// class is what kind of hidden character one is.
type class uint8

const (
	visible  class = iota
	tag            // U+E0001, U+E0020 to U+E007F
	bidi           // embeddings, overrides, isolates
	mark           // left-to-right and right-to-left marks
	joiner         // zero width joiner and non-joiner
	zero           // other characters without width
	selector       // variation selectors
	control        // C0 and C1 but for white space
)

// classOf returns the class of r.
func classOf(r rune) class {
	switch {
	case r < 0x20:
		if r == '\t' || r == '\n' || r == '\r' || r == '\f' {
			return visible
		}
		return control
	case r < 0x7f:
		return visible
	case r <= 0x9f:
		return control
	case r == 0xad, r == 0x34f, r == 0x115f, r == 0x1160, r == 0x180e, r == 0x200b, r >= 0x2060 && r <= 0x2064, r == 0x3164, r == 0xfeff, r == 0xffa0, r >= 0xfff9 && r <= 0xfffb,
		r >= 0x206a && r <= 0x206f, r >= 0x1d173 && r <= 0x1d17a:
		return zero
	case r == 0x200c, r == 0x200d:
		return joiner
	case r == 0x200e, r == 0x200f, r == 0x61c:
		return mark
	case r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
		return bidi
	case r >= 0xfe00 && r <= 0xfe0f, r >= 0xe0100 && r <= 0xe01ef, r >= 0x180b && r <= 0x180d:
		return selector
	case r >= 0xe0000 && r <= 0xe007f:
		return tag
	}
	return visible
}

// leads are the bytes with which hidden characters begin.
var leads = func() (t [256]bool) {
	for r := range rune(0x20000) {
		if utf8.ValidRune(r) && classOf(r) != visible {
			var b [utf8.UTFMax]byte
			utf8.EncodeRune(b[:], r)
			t[b[0]] = true
		}
	}
	t[0xf3] = true // tags and selectors
	return t
}()

// reader is one call of Advance.
type reader struct {
	c    detect.Cursor
	text string
}

// rune returns the character at i, of which no more may be there yet.
func (r *reader) rune(i int) (rune, int) {
	b := r.c.At(i)
	if b < 0x80 {
		if i >= len(r.text) {
			return -1, 0
		}
		return rune(b), 1
	}
	end := min(len(r.text), i+utf8.UTFMax)
	c, n := utf8.DecodeRuneInString(r.text[i:end])
	if c == utf8.RuneError && n == 1 && !utf8.FullRuneInString(r.text[i:end]) {
		r.c.At(end)
	}
	return c, n
}

// Advance implements detect.Incremental.
func (Scanner) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	r := reader{c: detect.NewCursor(text, final), text: text}
	for p := from; p < len(text); {
		if !leads[text[p]] {
			p++
			continue
		}
		c, n := r.rune(p)
		if r.c.Short() {
			return dst, p
		}
		if classOf(c) == visible {
			p += n
			continue
		}
		end, rule := r.run(p)
		if r.c.Short() {
			return dst, p
		}
		if rule != "" {
			dst = append(dst, detect.Match{Start: p, End: end, Rule: rule, Kind: detect.KindHidden})
		}
		p = end
	}
	return dst, len(text)
}

// run returns the end of the run of hidden characters at p, and the rule that it
// falls under, which is empty if it is there for a reason.
func (r *reader) run(p int) (end int, rule string) {
	var count [control + 1]int
	end = p
	total := 0
	for end-p <= detect.MaxMatch-utf8.UTFMax {
		c, n := r.rune(end)
		if r.c.Short() {
			return p, ""
		}
		k := classOf(c)
		if c < 0 || k == visible {
			break
		}
		count[k]++
		total++
		end += n
	}
	before := rune(-1)
	if p > 0 {
		before, _ = utf8.DecodeLastRuneInString(r.text[max(0, p-utf8.UTFMax):p])
	}
	switch {
	case count[tag] > 0:
		if before == 0x1f3f4 && count[tag] == total && total <= 7 && Payload(r.text[p:end]) != "" {
			return end, "" // the flag of a region
		}
		return end, Tags
	case count[bidi] > 0:
		return end, Bidi
	case count[control] > 0:
		return end, Control
	case total == 1 && count[selector] == 1:
		if before > 0x2f || before == '#' || before == '*' {
			return end, ""
		}
		return end, Selectors
	case count[selector] > 0 && count[zero] == 0 && total == 2 && count[joiner] == 1 && before > 0x7f:
		return end, "" // within an emoji
	case count[selector] > 0:
		return end, Selectors
	case total == 1 && count[joiner] == 1:
		if before > 0x2ff {
			return end, ""
		}
	case total == 1 && count[mark] == 1:
		if rightToLeft(before) {
			return end, ""
		}
		after, _ := r.rune(end)
		if rightToLeft(after) {
			return end, ""
		}
	}
	return end, ZeroWidth
}

// rightToLeft tells whether r belongs to a script that is written so.
func rightToLeft(r rune) bool {
	return r >= 0x590 && r <= 0x8ff || r >= 0xfb1d && r <= 0xfdff || r >= 0xfe70 && r <= 0xfefc
}

// Payload returns the text that the tag characters and the variation selectors
// in text encode: a tag is an ASCII character, a selector a byte. It is empty
// if that is no readable text.
func Payload(text string) string {
	var tags, bytes []byte
	for _, r := range text {
		switch {
		case r >= 0xe0020 && r <= 0xe007e:
			tags = append(tags, byte(r-0xe0000))
		case r >= 0xfe00 && r <= 0xfe0f:
			bytes = append(bytes, byte(r-0xfe00))
		case r >= 0xe0100 && r <= 0xe01ef:
			bytes = append(bytes, byte(r-0xe0100+16))
		}
	}
	if len(tags) > 0 {
		return string(tags)
	}
	if len(bytes) < 2 || !utf8.Valid(bytes) {
		return ""
	}
	for _, r := range string(bytes) {
		if !unicode.IsGraphic(r) && r != '\n' && r != '\t' {
			return ""
		}
	}
	return string(bytes)
}
