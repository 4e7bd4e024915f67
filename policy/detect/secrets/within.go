package secrets

import "github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"

// glance remembers what one machine has seen of a text, so that values which overlap
// are not read once each: a stretch without any of its words, and one word.
type glance struct {
	from, to int // text[from:to] has no word
	word     [2]int
}

// longest is more than the words have that a glance is asked for.
const longest = 20

// within tells whether a word of a is in text[p:e].
func (g *glance) within(text string, p, e int, a *automaton.Automaton) bool {
	if p <= g.word[0] && g.word[1] <= e && g.word[1] > 0 {
		return true
	}
	from := p
	if known := g.from <= p && p <= g.to; known {
		if e <= g.to {
			return false
		}
		from = max(p, g.to-longest) // a word may end behind what is known
	} else {
		g.from = p
	}
	found := false
	a.Find(text[from:e], func(_, start, end int) bool {
		found = true
		g.word = [2]int{from + start, from + end}
		g.to = from + end - 1
		return false
	})
	if !found {
		g.to = e
	}
	return found
}
