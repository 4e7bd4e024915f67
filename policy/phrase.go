package policy

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// phraseKind is the kind of the matches of a phrase; their rule is the phrase.
const phraseKind = "phrase"

// Bounds of a phrase and of how it is written.
const (
	maxPhrase = 256            // bytes
	maxGap    = 64             // bytes of space between two words; more is taken for a match
	maxSpread = detect.MaxLong // bytes of one match
)

// phrase finds words in a text, whatever their case and the space between them. It
// is a detect.Incremental.
type phrase struct{ words string }

// MaxMatch implements detect.Scanner.
func (phrase) MaxMatch() int { return maxSpread }

// MaxHeld implements detect.Incremental.
func (phrase) MaxHeld() int { return maxSpread }

// Scan implements detect.Scanner.
func (p phrase) Scan(dst []detect.Match, text string) []detect.Match {
	dst, _ = p.Advance(dst, text, 0, true)
	return dst
}

// Advance implements detect.Incremental.
func (p phrase) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	for from < len(text) {
		end, verdict := p.at(text, from, final)
		switch verdict {
		case unfinished:
			return dst, from
		case found:
			dst = append(dst, detect.Match{Start: from, End: end, Rule: p.words, Kind: phraseKind})
			from = end
		default:
			_, n := utf8.DecodeRuneInString(text[from:])
			from += n
		}
	}
	return dst, from
}

type verdictAt uint8

const (
	absent verdictAt = iota
	found
	unfinished
)

// at compares the phrase with the text at a place.
func (p phrase) at(text string, i int, final bool) (end int, v verdictAt) {
	start := i
	for w := p.words; w != ""; {
		want, wn := utf8.DecodeRuneInString(w)
		if i >= len(text) {
			return 0, open(final)
		}
		if !final && !utf8.FullRuneInString(text[i:]) {
			return 0, unfinished
		}
		if want == ' ' {
			gap := i
			for i < len(text) {
				if !final && !utf8.FullRuneInString(text[i:]) {
					return 0, unfinished
				}
				r, n := utf8.DecodeRuneInString(text[i:])
				if !unicode.IsSpace(r) {
					break
				}
				if i += n; i-gap > maxGap || i-start > maxSpread-utf8.UTFMax {
					return i, found
				}
			}
			if i == gap {
				return 0, absent
			}
			w = w[wn:]
			continue
		}
		r, n := utf8.DecodeRuneInString(text[i:])
		if unicode.ToLower(r) != want {
			return 0, absent
		}
		i, w = i+n, w[wn:]
	}
	return i, found
}

func open(final bool) verdictAt {
	if final {
		return absent
	}
	return unfinished
}

var _ detect.Incremental = phrase{}

// tooLong reports whether a phrase is longer than can be looked for.
func tooLong(words string) bool { return len(words) > maxPhrase || strings.TrimSpace(words) == "" }
