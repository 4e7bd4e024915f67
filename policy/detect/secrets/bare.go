package secrets

import (
	"math/bits"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/shape"
)

// runRules are the rules without a prefix whose tokens may begin with one byte, arranged
// so that one look at a run of bytes rules out all that want a longer one.
type runRules struct {
	all   []*compiled // in the order in which they are tried
	free  ruleSet     // those that need no word before the token
	any   ruleSet     // those that begin with something else than a run
	heads []runHead
	// A run of word bytes, which most of the sets are part of, that is shorter than plain
	// rules out the heads before others.
	plain  int
	others int
}

// wordRun is the pattern of a run that holds those of most rules.
var wordRun, _ = shape.Compile(`[A-Za-z0-9_-]{20,100}`).Head()

// runHead are the rules whose tokens begin with a run of one set.
type runHead struct {
	shape.Head // Least is that of the rule that needs least
	rules      ruleSet
}

// ruleSet is a set of rules by their numbers in runRules.all.
type ruleSet [2]uint64

func (s *ruleSet) add(i int)       { s[i>>6] |= 1 << (i & 63) }
func (s *ruleSet) join(o *ruleSet) { s[0] |= o[0]; s[1] |= o[1] }
func (s *ruleSet) only(o *ruleSet) { s[0] &= o[0]; s[1] &= o[1] }
func (s *ruleSet) empty() bool     { return s[0]|s[1] == 0 }

// next takes the lowest number out of the set, or returns -1.
func (s *ruleSet) next() int {
	for w := range s {
		if s[w] != 0 {
			i := bits.TrailingZeros64(s[w])
			s[w] &= s[w] - 1
			return w<<6 + i
		}
	}
	return -1
}

func byRun(free, near []*compiled) (r runRules) {
	r.all = append(append(r.all, free...), near...)
	if len(r.all) > len(ruleSet{})*64 {
		panic("secrets: too many rules begin with the same byte")
	}
	at := map[int]int{} // by place
	for i, c := range r.all {
		if len(c.near) == 0 {
			r.free.add(i)
		}
		h, ok := c.pattern.Head()
		if !ok {
			r.any.add(i)
			continue
		}
		k, ok := at[h.Place]
		if !ok {
			k = len(r.heads)
			at[h.Place] = k
			r.heads = append(r.heads, runHead{Head: h})
		}
		r.heads[k].Least = min(r.heads[k].Least, h.Least)
		r.heads[k].rules.add(i)
	}
	for i, h := range r.heads {
		if !within(h.Set, wordRun.Set) {
			continue
		}
		if r.others == 0 || h.Least < r.plain {
			r.plain = h.Least
		}
		r.heads[i], r.heads[r.others] = r.heads[r.others], h
		r.others++
	}
	return r
}

// within tells whether all of a is in b.
func within(a, b *shape.Set) bool {
	for i := range a {
		if a[i]&^b[i] != 0 {
			return false
		}
	}
	return true
}

// fit returns the rules that the runs at p do not rule out. A run that goes on in text
// that is still to come rules out nothing.
func (r *runRules) fit(c *detect.Cursor, p int) ruleSet {
	todo := r.any
	from := 0
	if r.others > 0 && c.Less(wordRun.Place, p, r.plain, (*[4]uint64)(wordRun.Set)) {
		from = r.others
	}
	for i := from; i < len(r.heads); i++ {
		h := &r.heads[i]
		if !c.Less(h.Place, p, h.Least, (*[4]uint64)(h.Set)) {
			todo.join(&h.rules)
		}
	}
	return todo
}
