package norm

import (
	"slices"
	"unicode/utf8"
)

// View is a normalised text and the way back. The zero View is that of the empty
// text; it grows by Write.
type View struct {
	text  []byte // from size-len(text) on; a stream forgets what it passed on
	size  int    // length of the normalised text
	spans []span
	raw   int    // how much of the original was read
	tail  []byte // the beginning of a character that is not there yet
	// escapes makes JSON's \uhhhh the character that it stands for: texts often are
	// JSON themselves, such as arguments of tools.
	escapes bool
	form    uint8 // see unescape
}

// span is a part of the text: copied from the original, or one character of it.
// Between spans the original may have more, which was dropped.
type span struct {
	norm, raw int // where it begins
	end       int // where the character ends in the original; 0 for copied
}

// Of returns the View of a whole text.
func Of(text string) *View { return of(text, false) }

// Read returns the normalised text, in which JSON's \uhhhh is the character that it
// stands for.
func Read(text string) string { return of(text, true).Text() }

func of(text string, escapes bool) *View {
	v := &View{escapes: escapes}
	v.text = make([]byte, 0, len(text))
	v.Write(text, true)
	return v
}

// Same tells whether the normalised text is the original.
func (v *View) Same() bool {
	return v.size == v.raw && (len(v.spans) == 0 || len(v.spans) == 1 && v.spans[0].end == 0)
}

// Text returns the normalised text.
func (v *View) Text() string { return string(v.text) }

// Original returns the bytes of the original that became [start, end) of the
// normalised text, with what was dropped between them.
func (v *View) Original(start, end int) (from, to int) {
	from = v.raw
	if start < v.size {
		s := v.span(start)
		from = s.raw
		if s.end == 0 {
			from += start - s.norm
		}
	}
	if end <= start {
		return from, from
	}
	s := v.span(end - 1)
	if s.end > 0 {
		return from, s.end
	}
	return from, s.raw + end - s.norm
}

// span returns the one that byte i belongs to.
func (v *View) span(i int) span {
	k, exact := slices.BinarySearchFunc(v.spans, i, func(s span, i int) int { return s.norm - i })
	if !exact {
		k--
	}
	return v.spans[k]
}

// Write adds the next piece of the original, which may end within a character.
// If final, nothing follows.
func (v *View) Write(piece string, final bool) {
	if len(v.tail) > 0 {
		piece = string(v.tail) + piece
		v.tail = v.tail[:0]
	}
	// What is copied is added at once: piece[from:i] waits.
	from, i := 0, 0
	for i < len(piece) {
		b := piece[i]
		if b < utf8.RuneSelf {
			if b != '\\' || !v.escapes {
				i++
				continue
			}
			r, n, whole := escaped(piece[i:])
			if !final && !whole {
				break
			}
			if r < 0 {
				i++
				continue
			}
			v.copied(piece[from:i])
			switch what, text := lookup(r); what {
			case keep:
				v.became(n, string(r))
			case drop:
				v.raw += n
			default:
				v.became(n, text)
			}
			i += n
			from = i
			continue
		}
		r, n := utf8.DecodeRuneInString(piece[i:])
		if r == utf8.RuneError && n == 1 {
			if !final && !utf8.FullRuneInString(piece[i:]) {
				break
			}
			i++
			continue
		}
		what, text := lookup(r)
		if what != keep {
			v.copied(piece[from:i])
			if what == drop {
				v.raw += n
			} else {
				v.became(n, text)
			}
			from = i + n
		}
		i += n
	}
	v.copied(piece[from:i])
	v.tail = append(v.tail, piece[i:]...)
}

// became adds what the next n bytes of the original are read as.
func (v *View) became(n int, text string) {
	v.spans = append(v.spans, span{norm: v.size, raw: v.raw, end: v.raw + n})
	v.text = append(v.text, text...)
	v.size += len(text)
	v.raw += n
}

// maxSlashes is how many backslashes an escape has at most: JSON inside a text of JSON
// has two, and once more inside that, four.
const maxSlashes = 4

// escaped returns the character of the escape that s begins with and how long that is;
// -1 if it is none, or half a character. whole is false if more must be seen to tell.
func escaped(s string) (r rune, n int, whole bool) {
	slashes := 0
	for slashes < min(len(s), maxSlashes) && s[slashes] == '\\' {
		slashes++
	}
	if slashes == len(s) {
		return -1, 0, false
	}
	if s[slashes] != 'u' {
		return -1, 0, true
	}
	for i := range 4 {
		at := slashes + 1 + i
		if at == len(s) {
			return -1, 0, false
		}
		switch c := s[at]; {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return -1, 0, true
		}
	}
	if !utf8.ValidRune(r) {
		return -1, 0, true
	}
	return r, slashes + 5, true
}

// copied adds text as it is.
func (v *View) copied(text string) {
	if text == "" {
		return
	}
	if n := len(v.spans); n == 0 || v.spans[n-1].end > 0 || v.spans[n-1].raw+v.size-v.spans[n-1].norm != v.raw {
		v.spans = append(v.spans, span{norm: v.size, raw: v.raw})
	}
	v.text = append(v.text, text...)
	v.size += len(text)
	v.raw += len(text)
}

// take returns the normalised text since the last call and forgets it, and all
// that is needed only for what stands before the byte at i.
func (v *View) take(i int) string {
	out := string(v.text)
	v.text = v.text[:0]
	if len(v.spans) > 256 && v.spans[128].norm <= i {
		v.spans = slices.Delete(v.spans, 0, 128)
	}
	return out
}
