// Package automaton finds many words in a text at once: the machine of Aho and
// Corasick over bytes, as one table, with ASCII case folded. Each byte of the
// text costs one look into the table, whatever the words are.
//
// It knows bytes only: no Unicode, no borders of words. It must not grow
// patterns; package shape has those.
package automaton

import (
	"fmt"
)

// MaxStates is how many states an automaton has at most: about one for each
// byte of the words, less where words begin alike.
const MaxStates = 1 << 20

// A State is where an automaton is in a text. The zero State is the beginning.
type State int32

// An Automaton finds words. It is safe for concurrent use.
type Automaton struct {
	class   [256]uint8 // bytes that occur in no word are of class 0; folded, all fit
	classes int
	next    []State   // [state*classes + class]
	out     []int32   // by state: the longest word that ends there + 1, or 0
	ends    []bool    // by state: whether any word ends there
	rest    []State   // by state: the next shorter state where a word ends, or 0
	lengths []int32   // by word
	same    [][]int32 // by word: the later words that are equal to it
}

// New returns an automaton for words. It fails if a word is empty or if there
// are more than MaxStates states.
func New(words []string) (*Automaton, error) {
	a := &Automaton{classes: 1, lengths: make([]int32, len(words)), same: make([][]int32, len(words))}
	for i, w := range words {
		if w == "" {
			return nil, fmt.Errorf("word %d is empty", i)
		}
		a.lengths[i] = int32(len(w))
		for j := range len(w) {
			if b := fold(w[j]); a.class[b] == 0 {
				a.class[b] = uint8(a.classes)
				a.classes++
			}
		}
	}
	for b := byte('A'); b <= 'Z'; b++ {
		a.class[b] = a.class[b|0x20]
	}
	a.grow()
	for i, w := range words {
		s := State(0)
		for j := range len(w) {
			slot := int(s)*a.classes + int(a.class[w[j]])
			if a.next[slot] == 0 {
				if len(a.out) == MaxStates {
					return nil, fmt.Errorf("the words need more than %d states", MaxStates)
				}
				a.next[slot] = State(len(a.out))
				a.grow()
			}
			s = a.next[slot]
		}
		if first := a.out[s]; first != 0 {
			a.same[first-1] = append(a.same[first-1], int32(i))
		} else {
			a.out[s] = int32(i + 1)
		}
	}
	a.link()
	a.ends = make([]bool, len(a.out))
	for s := range a.ends {
		a.ends[s] = a.out[s] != 0 || a.rest[s] != 0
	}
	return a, nil
}

// Must is New for words that are part of the program: it panics on an error.
func Must(words ...string) *Automaton {
	a, err := New(words)
	if err != nil {
		panic("automaton: " + err.Error())
	}
	return a
}

func (a *Automaton) grow() {
	a.next = append(a.next, make([]State, a.classes)...)
	a.out = append(a.out, 0)
	a.rest = append(a.rest, 0)
}

// link goes through the states from short to long and fills in where each byte
// leads that continues no word.
func (a *Automaton) link() {
	fail := make([]State, len(a.out))
	var queue []State
	for _, s := range a.next[:a.classes] {
		if s != 0 {
			queue = append(queue, s)
		}
	}
	for len(queue) > 0 {
		s := queue[0]
		queue = queue[1:]
		if f := fail[s]; a.out[f] != 0 {
			a.rest[s] = f
		} else {
			a.rest[s] = a.rest[f]
		}
		for c := range a.classes {
			slot := int(s)*a.classes + c
			other := a.next[int(fail[s])*a.classes+c]
			if t := a.next[slot]; t != 0 {
				fail[t] = other
				queue = append(queue, t)
			} else {
				a.next[slot] = other
			}
		}
	}
}

func fold(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		b |= 0x20
	}
	return b
}

// Next returns the state after byte b.
func (a *Automaton) Next(s State, b byte) State {
	return a.next[int(s)*a.classes+int(a.class[b])]
}

// Ends tells whether a word ends at state s.
func (a *Automaton) Ends(s State) bool { return a.ends[s] }

// Words calls yield with the number and the length in bytes of each word that
// ends at state s, the longest first, until yield returns false.
func (a *Automaton) Words(s State, yield func(word, length int) bool) {
	if a.out[s] == 0 {
		s = a.rest[s]
	}
	for ; s != 0; s = a.rest[s] {
		w := int(a.out[s]) - 1
		if !yield(w, int(a.lengths[w])) {
			return
		}
		for _, other := range a.same[w] {
			if !yield(int(other), int(a.lengths[other])) {
				return
			}
		}
	}
}

// Contains tells whether any word is in text.
func (a *Automaton) Contains(text string) bool {
	s := State(0)
	for i := range len(text) {
		if s = a.Next(s, text[i]); a.Ends(s) {
			return true
		}
	}
	return false
}

// Find calls yield with each word in text and where it begins and ends, in the
// order of the ends and of two with one end the longer first, until yield
// returns false. Words may overlap.
func (a *Automaton) Find(text string, yield func(word, start, end int) bool) {
	s := State(0)
	more := true
	for i := 0; i < len(text) && more; i++ {
		if s = a.Next(s, text[i]); a.Ends(s) {
			a.Words(s, func(w, n int) bool {
				more = yield(w, i+1-n, i+1)
				return more
			})
		}
	}
}

// Size returns how many bytes of memory the tables take.
func (a *Automaton) Size() int {
	return 4*(len(a.next)+len(a.out)+len(a.rest)+len(a.lengths)) + len(a.ends) + 24*len(a.same)
}
