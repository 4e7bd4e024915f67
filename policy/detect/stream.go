package detect

import (
	"cmp"
	"slices"
)

// A Stream runs scanners over a text that arrives in pieces, of any size and cut
// anywhere, also within a character. The matches are those that the scanners
// find in the whole text. It is for one goroutine.
type Stream struct {
	scanners []Incremental
	next     []int // per scanner: where it goes on, in buf
	buf      []byte
	base     int // position of buf[0] in the whole text
	released int // position in buf up to which text was given out
	pending  []Match
	done     bool
}

// NewStream returns a Stream for one text.
func NewStream(scanners ...Incremental) *Stream {
	return &Stream{scanners: scanners, next: make([]int, len(scanners))}
}

// Feed takes the next piece and returns the text that is decided now, which is
// empty while all of it could still belong to a match, and the matches within
// it. Their positions are those in the whole text; none reaches beyond what was
// given out so far, and later ones begin behind it. Matches of different
// scanners may overlap: they are ordered by Start, then End, then Rule. What is
// returned is good until the next call.
func (s *Stream) Feed(piece string) (safe string, matches []Match) { return s.feed(piece, false) }

// Flush says that the text is over and returns the rest of it. A Stream that was
// flushed returns nothing more.
func (s *Stream) Flush() (safe string, matches []Match) { return s.feed("", true) }

// Held returns how many bytes were fed and not given out yet.
func (s *Stream) Held() int { return len(s.buf) - s.released }

// MaxHeld returns how many bytes Held is at most.
func (s *Stream) MaxHeld() int {
	most := 0
	for _, sc := range s.scanners {
		// A match of one scanner may wait for an undecided part of another.
		most = max(most, sc.MaxHeld()) + sc.MaxMatch()
	}
	return most
}

func (s *Stream) feed(piece string, final bool) (string, []Match) {
	if s.done {
		return "", nil
	}
	s.done = final
	s.drop()
	s.buf = append(s.buf, piece...)
	text := string(s.buf)
	safe := len(text)
	for i, sc := range s.scanners {
		first := len(s.pending)
		s.pending, s.next[i] = sc.Advance(s.pending, text, s.next[i], final)
		for j := first; j < len(s.pending); j++ {
			s.pending[j].Start += s.base
			s.pending[j].End += s.base
		}
		safe = min(safe, s.next[i])
	}
	slices.SortStableFunc(s.pending, Compare)
	// No match may be given out in part. Going down in order of Start is not
	// enough: an earlier match may reach further, so look until nothing moves.
	for moved := true; moved; {
		moved = false
		for _, m := range s.pending {
			if m.Start-s.base < safe && m.End-s.base > safe {
				safe, moved = m.Start-s.base, true
			}
		}
	}
	safe = max(safe, s.released)
	n := 0
	for n < len(s.pending) && s.pending[n].End-s.base <= safe {
		n++
	}
	var out []Match
	if n > 0 {
		out = slices.Clone(s.pending[:n])
		s.pending = slices.Delete(s.pending, 0, n)
	}
	from := s.released
	s.released = safe
	return text[from:safe], out
}

// drop forgets text that was given out and that no scanner looks back to.
func (s *Stream) drop() {
	keep := s.released
	for _, n := range s.next {
		keep = min(keep, n)
	}
	keep -= MaxBehind
	if keep < MaxBehind {
		return // too little to be worth the copying
	}
	s.buf = s.buf[:copy(s.buf, s.buf[keep:])]
	s.base += keep
	s.released -= keep
	for i := range s.next {
		s.next[i] -= keep
	}
}

// Compare orders matches by Start, End, Rule.
func Compare(a, b Match) int {
	return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.End, b.End), cmp.Compare(a.Rule, b.Rule))
}

// Merge joins matches that overlap, so that each byte is edited once: it sorts
// them and returns, in place, matches without overlap that cover the same
// bytes. A joined match has the Rule and Kind of the longest of its parts, of
// the first of those that are equally long. Because a Stream never gives out
// part of a match, merging each result of Feed is merging the whole.
func Merge(matches []Match) []Match {
	slices.SortStableFunc(matches, Compare)
	out := matches[:0]
	longest := 0
	for _, m := range matches {
		if n := len(out); n > 0 && m.Start < out[n-1].End {
			last := &out[n-1]
			last.End = max(last.End, m.End)
			if l := m.End - m.Start; l > longest {
				longest, last.Rule, last.Kind = l, m.Rule, m.Kind
			}
			continue
		}
		longest = m.End - m.Start
		out = append(out, m)
	}
	return out
}

// ScanAll returns the matches of all scanners in text, in the order in which a
// Stream returns them.
func ScanAll(text string, scanners ...Incremental) []Match {
	var out []Match
	for _, s := range scanners {
		out = s.Scan(out, text)
	}
	slices.SortStableFunc(out, Compare)
	return out
}
