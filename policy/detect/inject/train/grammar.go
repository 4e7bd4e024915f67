package main

import (
	"math/rand/v2"
	"strings"
)

// The grammar is a set of named lists of phrases. A phrase may hold slots:
// {name} stands for a phrase of that list, {name?} for one or nothing. Lists
// are written as text, one phrase a line, "= name" before the first of a list.

// A lexicon holds the lists of a grammar.
type lexicon map[string][]string

// add reads lists from text into x; a list named twice grows.
func (x lexicon) add(text string) {
	name := ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		if n, ok := strings.CutPrefix(line, "= "); ok {
			name = n
			continue
		}
		if strings.TrimSpace(line) != "" {
			x[name] = append(x[name], strings.ReplaceAll(line, "\\n", "\n"))
		}
	}
}

// A speaker draws phrases of a lexicon by lot.
type speaker struct {
	lex lexicon
	rnd *rand.Rand
	// nested says that slots within other braces, as in JSON, are slots too. The
	// lists that were there first are read without: a text says {subject} then.
	nested bool
}

// say expands one phrase of the list, chosen by lot.
func (s *speaker) say(list string) string {
	return s.fill(s.pick(list), 0)
}

func (s *speaker) pick(list string) string {
	phrases := s.lex[list]
	if len(phrases) == 0 {
		panic("grammar: no list " + list)
	}
	return phrases[s.rnd.IntN(len(phrases))]
}

func (s *speaker) fill(phrase string, depth int) string {
	if depth > 12 {
		panic("grammar: lists go round in circles at " + phrase)
	}
	var b strings.Builder
	for {
		open := strings.IndexByte(phrase, '{')
		if open < 0 {
			break
		}
		end := strings.IndexByte(phrase[open:], '}')
		if end < 0 {
			break
		}
		if in := strings.LastIndexByte(phrase[open+1:open+end], '{'); s.nested && in >= 0 {
			open, end = open+1+in, end-1-in
		}
		name := phrase[open+1 : open+end]
		b.WriteString(phrase[:open])
		phrase = phrase[open+end+1:]
		if plain, ok := strings.CutSuffix(name, "?"); ok {
			if s.chance(0.5) {
				// The blank after a phrase left out goes too.
				phrase = strings.TrimPrefix(phrase, " ")
				continue
			}
			name = plain
		}
		if len(s.lex[name]) == 0 {
			// Braces that name no list are text: JSON, code.
			b.WriteByte('{')
			b.WriteString(name)
			b.WriteByte('}')
			continue
		}
		b.WriteString(s.fill(s.pick(name), depth+1))
	}
	b.WriteString(phrase)
	return b.String()
}

func (s *speaker) chance(p float64) bool { return s.rnd.Float64() < p }

// several joins up to most phrases of a list, at least least.
func (s *speaker) several(list string, least, most int, between string) string {
	n := least + s.rnd.IntN(most-least+1)
	parts := make([]string, n)
	for i := range parts {
		parts[i] = s.say(list)
	}
	return strings.Join(parts, between)
}

// shape changes how a text is written, not what it says: capitals, lost
// punctuation, slips of the fingers.
func (s *speaker) shape(text string) string {
	switch s.rnd.IntN(24) {
	case 0, 1:
		return strings.ToUpper(text)
	case 2, 3:
		return strings.ToLower(text)
	case 4, 5:
		return strings.Map(func(r rune) rune {
			if strings.ContainsRune(".,!?:;\"", r) {
				return -1
			}
			return r
		}, text)
	case 6, 7:
		return s.slips(text)
	case 8:
		return strings.ReplaceAll(text, ". ", ".\n")
	}
	return text
}

// slips swaps, drops or doubles a few letters.
func (s *speaker) slips(text string) string {
	r := []rune(text)
	for range 1 + len(r)/40 {
		if len(r) < 4 {
			break
		}
		i := 1 + s.rnd.IntN(len(r)-2)
		switch s.rnd.IntN(4) {
		case 0:
			r[i], r[i+1] = r[i+1], r[i]
		case 1:
			r = append(r[:i], r[i+1:]...)
		case 2:
			r = append(r[:i+1], r[i:]...)
		default:
			r = append(r[:i], append([]rune{' '}, r[i:]...)...)
		}
	}
	return string(r)
}
