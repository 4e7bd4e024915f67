// Package shape matches the shapes of tokens: short anchored patterns written
// like regular expressions, run without going back. A repetition takes all it
// can and gives nothing back, an alternative that fits is not reconsidered. So
// a pattern reads each byte once, and never more than Max bytes.
//
// It reads through a cursor and so works on text of which more may follow. It
// must not search: it is told where to begin.
package shape

import (
	"errors"
	"fmt"
	"regexp/syntax"
	"sync"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// A Set is a set of bytes.
type Set [4]uint64

// Has tells whether b is in the set.
func (s *Set) Has(b byte) bool { return s[b>>6]&(1<<(b&63)) != 0 }

// Add puts b into the set.
func (s *Set) Add(b byte) { s[b>>6] |= 1 << (b & 63) }

// Bytes returns the set of the bytes of all, where x-y is a range.
func Bytes(class string) *Set {
	p, err := syntax.Parse("["+class+"]", syntax.Perl)
	if err != nil || (p.Op != syntax.OpCharClass && p.Op != syntax.OpLiteral) {
		panic(fmt.Sprintf("shape: class [%s]: %v", class, err))
	}
	return setOf(p)
}

func setOf(p *syntax.Regexp) *Set {
	s := new(Set)
	if p.Op == syntax.OpLiteral {
		for _, r := range p.Rune {
			s.Add(byte(r))
		}
	}
	for i := 0; p.Op == syntax.OpCharClass && i < len(p.Rune); i += 2 {
		for r := p.Rune[i]; r <= min(p.Rune[i+1], 0xff); r++ {
			s.Add(byte(r))
		}
	}
	return s
}

type op uint8

const (
	opLit op = iota // the bytes of lit
	opSet           // min to max bytes of set
	opSeq           // all of subs, one after the other
	opAlt           // the first of subs that fits
	opRep           // subs[0], min to max times
)

type node struct {
	op       op
	fold     bool
	lit      string
	set      *Set
	min, max int
	place    int // of set in detect.Runs; 0 for none
	subs     []*node
}

// Places in detect.Runs are given to the long repetitions of patterns that are part of the
// program. Those that come first in their patterns share one by their set. What stands
// behind another has its own: it reads elsewhere than the first one at the same time.
const (
	longRun   = 10 // from so many bytes on a run is worth remembering
	longLater = 40
)

var places = struct {
	sync.Mutex
	shared map[Set]int
	next   int
}{shared: map[Set]int{}, next: 1}

// remember gives places to the runs of n. first says that no long run stands before it;
// it returns whether that still holds behind it.
func (n *node) remember(first bool) bool {
	if n.op == opSet {
		switch {
		case first && n.max >= longRun:
			place, ok := places.shared[*n.set]
			if !ok && places.next < detect.MaxRuns {
				place = places.next
				places.next++
				places.shared[*n.set] = place
			}
			n.place = place
			return false
		case n.max >= longLater && places.next < detect.MaxRuns:
			n.place = places.next
			places.next++
		}
		return first
	}
	after := first
	for _, s := range n.subs {
		if n.op == opAlt {
			after = s.remember(first) && after
			continue
		}
		after = s.remember(after)
	}
	return after
}

// A Head is the repetition with which all matches of a pattern begin.
type Head struct {
	Set   *Set
	Place int // in detect.Runs; 0 for none
	Least int // how many bytes it takes at least
}

// Head returns the repetition with which the pattern begins, if it begins with one.
func (p *Pattern) Head() (h Head, ok bool) {
	n := p.root
	for n.op == opSeq && len(n.subs) > 0 {
		n = n.subs[0]
	}
	if n.op != opSet || n.place == 0 || n.min == 0 {
		return h, false
	}
	return Head{Set: n.set, Place: n.place, Least: n.min}, true
}

// A Pattern is a compiled pattern.
type Pattern struct {
	root *node
	// First and Second are the bytes with which a match can begin, Third and Fourth what
	// can follow those.
	First, Second, Third, Fourth Set
	// Max is how many bytes a match has at most.
	Max int
}

// Compile compiles a pattern of literals, ASCII classes, groups, alternatives
// and bounded repetitions; (?i) folds ASCII case. It panics on anything else:
// patterns are part of the program.
func Compile(pattern string) *Pattern {
	p, err := Parse(pattern, 1<<20)
	if err != nil {
		panic(fmt.Sprintf("shape %q: %v", pattern, err))
	}
	places.Lock()
	defer places.Unlock()
	p.root.remember(true)
	return p
}

// Parse is Compile for patterns that are not part of the program: it returns an
// error that says what is the matter, also where a match could be longer than most.
func Parse(pattern string, most int) (p *Pattern, err error) {
	re, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return nil, err
	}
	defer func() {
		if r := recover(); r != nil {
			text, ok := r.(fault)
			if !ok {
				panic(r)
			}
			p, err = nil, errors.New(string(text))
		}
	}()
	p = &Pattern{root: compile(re)}
	var low int
	low, p.Max = p.root.length()
	if low < 2 {
		return nil, errors.New("it may match fewer than two bytes")
	}
	if p.Max > most {
		return nil, fmt.Errorf("it may match more than %d bytes", most)
	}
	p.root.first(&p.First, 0)
	p.root.first(&p.Second, 1)
	p.root.first(&p.Third, 2)
	p.root.first(&p.Fourth, 3)
	if low < 3 {
		p.Third = all
	}
	if low < 4 {
		p.Fourth = all
	}
	return p, nil
}

var all = Set{^uint64(0), ^uint64(0), ^uint64(0), ^uint64(0)}

// Begins tells whether a match may begin with the first four bytes of s. It is true if s
// has fewer.
func (p *Pattern) Begins(s string) bool {
	return len(s) < 4 || p.First.Has(s[0]) && p.Second.Has(s[1]) && p.Third.Has(s[2]) && p.Fourth.Has(s[3])
}

// fault is what compile panics with.
type fault string

func compile(re *syntax.Regexp) *node {
	subs := func() []*node {
		var out []*node
		for _, s := range re.Sub {
			out = append(out, compile(s))
		}
		return out
	}
	repeat := func(least, most int) *node {
		if most < 0 {
			panic(fault("a repetition without an upper bound: write {1,64} for +"))
		}
		sub := compile(re.Sub[0])
		if sub.op == opSet && sub.min == 1 && sub.max == 1 {
			return &node{op: opSet, set: sub.set, min: least, max: most}
		}
		if sub.op == opLit && len(sub.lit) == 1 {
			s := new(Set)
			s.Add(sub.lit[0])
			if sub.fold && sub.lit[0] >= 'a' && sub.lit[0] <= 'z' {
				s.Add(sub.lit[0] - 32)
			}
			return &node{op: opSet, set: s, min: least, max: most}
		}
		return &node{op: opRep, subs: []*node{sub}, min: least, max: most}
	}
	switch re.Op {
	case syntax.OpLiteral:
		fold := re.Flags&syntax.FoldCase != 0
		lit := make([]byte, 0, len(re.Rune))
		for _, r := range re.Rune {
			if r == 0 { // which is what a cursor reads behind the end
				panic(fault("NUL is not known here as a letter, only in classes"))
			}
			if fold && r >= 'A' && r <= 'Z' {
				r += 32
			}
			lit = utf8.AppendRune(lit, r)
		}
		return &node{op: opLit, lit: string(lit), fold: fold}
	case syntax.OpCharClass:
		return &node{op: opSet, set: setOf(re), min: 1, max: 1}
	case syntax.OpStar, syntax.OpPlus:
		return repeat(0, -1)
	case syntax.OpConcat:
		return &node{op: opSeq, subs: subs()}
	case syntax.OpAlternate:
		return &node{op: opAlt, subs: subs()}
	case syntax.OpCapture:
		return compile(re.Sub[0])
	case syntax.OpQuest:
		return repeat(0, 1)
	case syntax.OpRepeat:
		return repeat(re.Min, re.Max)
	case syntax.OpEmptyMatch:
		return &node{op: opSeq}
	}
	panic(fault(fmt.Sprintf("%s is not known here: literals, classes such as [A-Z0-9], groups, alternatives and bounded repetitions are", re)))
}

func (n *node) length() (least, most int) {
	switch n.op {
	case opLit:
		return len(n.lit), len(n.lit)
	case opSet:
		return n.min, n.max
	case opRep:
		a, b := n.subs[0].length()
		return a * n.min, b * n.max
	case opAlt:
		for i, s := range n.subs {
			a, b := s.length()
			if i == 0 || a < least {
				least = a
			}
			most = max(most, b)
		}
		return least, most
	}
	for _, s := range n.subs {
		a, b := s.length()
		least, most = least+a, most+b
	}
	return least, most
}

// first adds to s the bytes that can stand at offset skip of a match, and
// returns nothing more exact than a superset of them.
func (n *node) first(s *Set, skip int) {
	switch n.op {
	case opLit:
		if skip < len(n.lit) {
			b := n.lit[skip]
			s.Add(b)
			if n.fold && b >= 'a' && b <= 'z' {
				s.Add(b - 32)
			}
		}
	case opSet:
		if skip < n.max {
			for i := range s {
				s[i] |= n.set[i]
			}
		}
	case opAlt:
		for _, sub := range n.subs {
			sub.first(s, skip)
		}
	case opSeq:
		firstOf(s, skip, len(n.subs), func(i int) *node { return n.subs[i] })
	case opRep:
		firstOf(s, skip, n.max, func(int) *node { return n.subs[0] })
	}
}

// firstOf is first of n nodes that stand one behind the other.
func firstOf(s *Set, skip, n int, sub func(i int) *node) {
	before, most := 0, 0 // the bytes that what stands before takes
	for i := range n {
		if before > skip {
			return
		}
		for k := max(0, skip-most); k <= skip-before; k++ {
			sub(i).first(s, k)
		}
		a, b := sub(i).length()
		before, most = before+a, most+b
	}
}

// Match returns the end of the match that begins at p, or -1.
func (p *Pattern) Match(c *detect.Cursor, at int) int { return p.root.match(c, at) }

func (n *node) match(c *detect.Cursor, p int) int {
	switch n.op {
	case opLit:
		for i := range len(n.lit) {
			b := c.At(p + i)
			if n.fold && b >= 'A' && b <= 'Z' {
				b += 32
			}
			if b != n.lit[i] {
				return -1
			}
		}
		return p + len(n.lit)
	case opSet:
		k := c.SpanOf(n.place, p, n.max, (*[4]uint64)(n.set))
		if k < n.min {
			return -1
		}
		return p + k
	case opSeq:
		for _, s := range n.subs {
			if p = s.match(c, p); p < 0 {
				return -1
			}
		}
		return p
	case opAlt:
		for _, s := range n.subs {
			if e := s.match(c, p); e >= 0 {
				return e
			}
		}
		return -1
	}
	for k := range n.max {
		e := n.subs[0].match(c, p)
		if e < 0 || e == p {
			if k < n.min {
				return -1
			}
			return p
		}
		p = e
	}
	return p
}
