package norm

import (
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// A text that is JSON, as arguments of tools are, says what its strings say: `\n` before
// a name is the end of a line, not a letter of the name, and an edit must not cut an
// escape in two. The functions here find what Scan, Deep and a Stream find in the text
// without its escapes, at the positions of the escapes. A text that does not begin as an
// object or array is no JSON: its backslashes are backslashes.

// Forms of a text, see View.unescape.
const (
	formUnknown uint8 = iota
	formJSON
	formPlain
)

// IsJSON reports whether a text begins as JSON's objects and arrays do; known is false
// while there is nothing but space.
func IsJSON(text string) (is, known bool) {
	text = strings.TrimLeft(text, " \t\r\n")
	return text != "" && (text[0] == '{' || text[0] == '['), text != ""
}

// Unescape returns text from within a string of JSON without the escapes; what is none
// stays.
func Unescape(text string) string {
	v := View{form: formJSON}
	v.unescape(text, true)
	return v.Text()
}

// DeepJSON is Deep for a text that is JSON.
func DeepJSON(text string, scanners ...detect.Incremental) []detect.Match {
	var v View
	v.unescape(text, true)
	found := Deep(v.Text(), scanners...)
	for i := range found {
		found[i].Start, found[i].End = v.Original(found[i].Start, found[i].End)
	}
	return tidy(found)
}

// NewJSONStream returns a Stream for one text that is JSON.
func NewJSONStream(scanners ...detect.Incremental) *Stream {
	return &Stream{inner: NewStream(scanners...)}
}

// feedJSON gives out what is decided of a text that is JSON.
func (s *Stream) feedJSON(piece string, final bool) (string, []detect.Match) {
	s.text = append(s.text, piece...)
	s.view.unescape(piece, final)
	s.translate(s.inner.Feed(s.view.take(s.read)))
	if final {
		s.translate(s.inner.Flush())
	}
	until := s.base + len(s.text) - len(s.view.tail)
	if s.read < s.view.size {
		until, _ = s.view.Original(s.read, s.read)
	}
	return s.give(until)
}

// unescape adds the next piece of an original that is JSON: only the escapes of its
// strings are read. Half of a pair of surrogates stays as it is written.
func (v *View) unescape(piece string, final bool) {
	if len(v.tail) > 0 {
		piece = string(v.tail) + piece
		v.tail = v.tail[:0]
	}
	if is, known := IsJSON(piece); v.form == formUnknown && known {
		if v.form = formPlain; is {
			v.form = formJSON
		}
	}
	for len(piece) > 0 {
		n := 0
		for n < len(piece) && (v.form == formPlain || piece[n] != '\\') {
			n++
		}
		if n > 0 {
			v.copied(piece[:n])
			piece = piece[n:]
			continue
		}
		r, n, whole := jsonEscape(piece)
		switch {
		case !whole && !final:
			v.tail = append(v.tail, piece...)
			return
		case r < 0:
			n = max(n, 1)
			v.kept(piece[:n])
		default:
			v.became(n, string(r))
		}
		piece = piece[n:]
	}
}

// kept adds text that is one thing, of which nothing may be cut off.
func (v *View) kept(text string) { v.became(len(text), text) }

// jsonEscape returns the character of the escape that s begins with, and its length; -1
// for none, and for half a pair of surrogates. whole is false if more must be seen.
func jsonEscape(s string) (r rune, n int, whole bool) {
	if len(s) < 2 {
		return -1, len(s), false
	}
	switch c := s[1]; c {
	case '"', '\\', '/':
		return rune(c), 2, true
	case 'b':
		return '\b', 2, true
	case 'f':
		return '\f', 2, true
	case 'n':
		return '\n', 2, true
	case 'r':
		return '\r', 2, true
	case 't':
		return '\t', 2, true
	case 'u':
	default:
		return -1, 1, true
	}
	r, n, whole = hex4(s)
	if r < 0 || !utf16.IsSurrogate(r) {
		return r, n, whole
	}
	if len(s) == n || s[n:] == `\` { // its other half may follow
		return -1, n, false
	}
	if s[n] != '\\' || s[n+1] != 'u' {
		return -1, n, true
	}
	low, m, whole := hex4(s[n:])
	if !whole {
		return -1, n, false
	}
	if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
		return pair, n + m, true
	}
	return -1, n, true
}

// hex4 reads the number of an escape \uhhhh.
func hex4(s string) (r rune, n int, whole bool) {
	for i := 2; i < 6; i++ {
		if i == len(s) {
			return -1, 1, false
		}
		if !hexDigit(s[i]) {
			return -1, 1, true
		}
		r = r<<4 | rune(value(s[i]))
	}
	return r, 6, true
}

// give gives out the text up to a place at most, with the matches in it: none is given
// out in part.
func (s *Stream) give(until int) (string, []detect.Match) {
	s.pending = tidy(s.pending)
	for moved := true; moved; {
		moved = false
		for _, m := range s.pending {
			if m.Start < until && m.End > until {
				until, moved = m.Start, true
			}
		}
	}
	n := 0
	for n < len(s.pending) && s.pending[n].End <= until {
		n++
	}
	var out []detect.Match
	if n > 0 {
		out = slices.Clone(s.pending[:n])
		s.pending = slices.Delete(s.pending, 0, n)
	}
	give := string(s.text[:until-s.base])
	s.text = append(s.text[:0], s.text[until-s.base:]...)
	s.base = until
	return give, out
}
