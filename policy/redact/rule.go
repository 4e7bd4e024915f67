package redact

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// Style says what stands for a value that was found.
type Style uint8

// The styles.
const (
	// Mask names the kind of the value: [EMAIL].
	Mask Style = iota
	// Hash adds a keyed hash, by which equal values can be told to be equal
	// without being known: [EMAIL:4f1d2c3b5a69]. The key is made when the process
	// starts.
	Hash
	// Reversible numbers the values of a request, [[EMAIL_1]], and gives them back
	// in the answer.
	Reversible
)

// Rule is one rule.
type Rule struct {
	Name string
	// Policy is the hash of the set of rules that it is one of, for decisions.
	Policy string
	Style  Style
	// Scanners find the values. Of their matches those count whose rule is among
	// Rules or whose kind is among Kinds.
	Scanners     []detect.Incremental
	Rules, Kinds map[string]bool
	// Request and Response say where it looks.
	Request, Response bool
	// Shadow only counts.
	Shadow bool
	// Lenient lets pass what cannot be examined.
	Lenient bool
}

// Insists reports whether nothing may pass that the rule cannot examine.
func (r *Rule) Insists() bool { return !r.Shadow && !r.Lenient }

// label is how a kind of value is called where it stood: "credit-card" is
// CREDIT_CARD.
func label(rule string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z':
			return r - 'a' + 'A'
		case r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			return r
		}
		return '_'
	}, rule)
}
