package strictjson

import (
	"hash/maphash"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Names is a set of governed member names: in an object read with it, a name
// that differs from one of them only in letter case is refused, and so are any
// two names that differ only so. Lenient readers take such names for the same.
type Names struct{ byLen [33][]string }

// NewNames returns the set. The names must be ASCII, at most 32 bytes each.
func NewNames(names ...string) *Names {
	n := new(Names)
	for _, s := range names {
		n.byLen[len(s)] = append(n.byLen[len(s)], s)
	}
	return n
}

// variant reports whether name is a governed name in other letters. It is given
// the canonical form of names that are not ASCII.
func (n *Names) variant(name []byte) bool {
	if len(name) >= len(n.byLen) {
		return false
	}
	for _, g := range n.byLen[len(name)] {
		if name[0]|0x20 == g[0]|0x20 && equalFold(name, g) {
			return string(name) != g
		}
	}
	return false
}

// Members is the state of an object being read. Name is the name of the
// current member, decoded; it may share memory with the text.
type Members struct {
	Name  string
	names *Names
	base  int // of this object's names in Scanner.names
	table []int32
	at    int // where the current value begins, -1 before the first
	open  bool
	// From and To are the span of the current name, its quotes included.
	From, To int
}

// nameRef is a name seen in an open object.
type nameRef struct {
	key        uint32 // length and both ends: tells most names apart at once
	start, end int32  // offsets in the text; start < 0: decoded[^start], and end 1 if that was folded
}

// linear is how many names are compared one by one before a table is made.
const linear = 16

var seed = maphash.MakeSeed()

// Enter begins reading an object, which Kind has announced. With nil the object
// is free-form: only exact duplicates are refused.
func (s *Scanner) Enter(names *Names) Members {
	m := Members{names: names, base: len(s.names), at: -1}
	if s.Kind() != Object {
		s.bad(s.pos)
		return m
	}
	m.open = s.enter()
	return m
}

// Member moves to the value of the next member; false at the end or after an
// error. A value that the caller does not read is skipped.
func (s *Scanner) Member(m *Members) bool {
	if m.at >= 0 && s.pos == m.at {
		s.Skip()
	}
	if s.err != nil || !m.open {
		return false
	}
	c := s.space()
	switch {
	case c == '}':
		s.pos++
		s.depth--
		m.open = false
		s.names = s.names[:m.base]
		return false
	case m.at >= 0:
		if c != ',' {
			s.bad(s.pos)
			return false
		}
		s.pos++
		c = s.space()
	}
	if c != '"' {
		s.bad(s.pos)
		return false
	}
	at := s.pos
	end, escaped, odd := s.quoted(at + 1)
	if s.err != nil {
		return false
	}
	name := s.data[at+1 : end]
	if escaped {
		name = AppendUnescaped(make([]byte, 0, len(name)), name)
	}
	m.Name = alias(name)
	if !s.lenient && !s.admit(m, name, at, end, escaped, odd) {
		return false
	}
	s.pos = end + 1
	m.From, m.To = at, s.pos
	if s.space() != ':' {
		s.bad(s.pos)
		return false
	}
	s.pos++
	if kinds[s.space()] == Invalid {
		s.bad(s.pos)
		return false
	}
	m.at = s.pos
	return true
}

// admit checks a name, which stands between the quotes at and end, and notes it.
func (s *Scanner) admit(m *Members, cmp []byte, at, end int, escaped, odd bool) bool {
	if odd {
		s.failName(BadName, at, m.Name)
		return false
	}
	ref := nameRef{start: int32(at + 1), end: int32(end)}
	if m.names != nil && !ascii(cmp) {
		cmp = canonical(cmp)
		escaped = true
	}
	if escaped {
		ref.start, ref.end = ^int32(len(s.decoded)), 0
		if string(cmp) != m.Name {
			ref.end = 1
		}
		s.decoded = append(s.decoded, cmp)
	}
	if m.names != nil && m.names.variant(cmp) {
		s.failName(CaseVariant, at, m.Name)
		return false
	}
	return s.fresh(m, ref, cmp, at)
}

func (s *Scanner) failName(r Reason, at int, name string) {
	s.fail(r, at)
	if len(name) > 64 {
		name = name[:64]
	}
	s.err.Name = strings.Clone(strings.ToValidUTF8(name, ""))
}

// fresh adds a name to the open object unless it is there already, which is an
// error.
func (s *Scanner) fresh(m *Members, ref nameRef, name []byte, at int) bool {
	folding := m.names != nil
	ref.key = uint32(len(name)) << 16
	if len(name) > 0 {
		ref.key |= uint32(name[0]|0x20)<<8 | uint32(name[len(name)-1]|0x20)
	}
	seen := s.names[m.base:]
	if len(seen) < linear {
		for i := range seen {
			if seen[i].key == ref.key && s.same(seen[i], name, folding) {
				return s.twice(m, seen[i], at)
			}
		}
		s.names = append(s.names, ref)
		return true
	}
	if 2*len(seen) >= len(m.table) {
		m.table = make([]int32, 8*len(seen))
		for i := range seen {
			slot, _ := s.find(m, s.nameOf(seen[i]), seen[:i], folding)
			m.table[slot] = int32(i) + 1
		}
	}
	slot, dup := s.find(m, name, seen, folding)
	if dup >= 0 {
		return s.twice(m, seen[dup], at)
	}
	m.table[slot] = int32(len(seen)) + 1
	s.names = append(s.names, ref)
	return true
}

// find looks a name up in the table: the index of an equal name, or -1 and the
// slot where it belongs. The hash is seeded: no one can prepare collisions.
func (s *Scanner) find(m *Members, name []byte, seen []nameRef, folding bool) (slot, dup int) {
	key := name
	if folding {
		s.fold = s.fold[:0]
		for _, c := range name {
			s.fold = append(s.fold, lower(c))
		}
		key = s.fold
	}
	size := uint64(len(m.table))
	for i := maphash.Bytes(seed, key) % size; ; i = (i + 1) % size {
		j := m.table[i]
		if j == 0 {
			return int(i), -1
		}
		if s.same(seen[j-1], name, folding) {
			return 0, int(j - 1)
		}
	}
}

func (s *Scanner) nameOf(r nameRef) []byte {
	if r.start < 0 {
		return s.decoded[^r.start]
	}
	return s.data[r.start:r.end]
}

func (s *Scanner) same(r nameRef, name []byte, folding bool) bool {
	old := s.nameOf(r)
	if folding {
		return equalFold(old, alias(name))
	}
	return string(old) == string(name)
}

func (s *Scanner) twice(m *Members, old nameRef, at int) bool {
	if string(s.nameOf(old)) == m.Name && (old.start >= 0 || old.end == 0) {
		s.failName(Duplicate, at, m.Name)
	} else {
		s.failName(CaseVariant, at, m.Name)
	}
	return false
}

func lower(c byte) byte {
	if c-'A' < 26 {
		return c | 0x20
	}
	return c
}

// equalFold compares with ASCII folding only: what is not ASCII has been made
// canonical before.
func equalFold(a []byte, b string) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if lower(a[i]) != lower(b[i]) {
			return false
		}
	}
	return true
}

func ascii(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// canonical replaces each rune by the smallest one that folds to it, so that
// two names fold to the same string if and only if their canonical forms do
// under ASCII folding: the Kelvin sign becomes K.
func canonical(b []byte) []byte {
	out := make([]byte, 0, len(b))
	for _, r := range string(b) {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		out = utf8.AppendRune(out, least)
	}
	return out
}
