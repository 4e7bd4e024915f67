package norm

import (
	"slices"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// Scan returns the matches of the scanners in text and in its normalised form,
// with positions in text. They are in the order of detect.Compare, without
// doubles, and may overlap: see detect.Merge. A Stream finds the same.
func Scan(text string, scanners ...detect.Incremental) []detect.Match {
	return tidy(scan(text, of(text, true), scanners))
}

// Deep is Scan that also looks into what is encoded in the text, once: see Runs.
// A match there is the whole run. A Stream does not find these: a run can be
// long, and its end is needed to read it.
func Deep(text string, scanners ...detect.Incremental) []detect.Match {
	v := of(text, true)
	return tidy(runs(scan(text, v, scanners), v, scanners))
}

func tidy(matches []detect.Match) []detect.Match {
	slices.SortStableFunc(matches, detect.Compare)
	return slices.Compact(matches)
}

func scan(text string, v *View, scanners []detect.Incremental) []detect.Match {
	if v.Same() {
		return detect.ScanAll(text, scanners...)
	}
	plain, list := v.Text(), v.stretches()
	var out []detect.Match
	for _, s := range scanners {
		b := both{s: s, v: v, raw: text, norm: plain, out: out}
		b.scan(list)
		out = b.out
	}
	return out
}

func runs(out []detect.Match, v *View, scanners []detect.Incremental) []detect.Match {
	var found []detect.Match
	for _, r := range Runs(v.Text()) {
		found = found[:0]
		for _, s := range scanners {
			found = s.Scan(found, r.Text)
		}
		from, to := v.Original(r.Start, r.End)
		for _, m := range found {
			out = append(out, detect.Match{Start: from, End: to, Rule: m.Rule, Kind: m.Kind})
		}
	}
	return out
}

// A Stream is a detect.Stream that also finds what the scanners find in the
// normalised text. What is encoded is found in whole texts only: see Deep. It is
// for one goroutine.
type Stream struct {
	raw, plain *detect.Stream
	view       View
	text       []byte // fed and not given out
	base       int    // position of text[0]
	seen       int    // how much raw gave out
	read       int    // how much plain gave out, in the normalised text
	pending    []detect.Match
	done       bool
	inner      *Stream // of the text without its escapes, for one that is JSON
}

// NewStream returns a Stream for one text.
func NewStream(scanners ...detect.Incremental) *Stream {
	return &Stream{raw: detect.NewStream(scanners...), plain: detect.NewStream(scanners...), view: View{escapes: true}}
}

// Feed takes the next piece; see detect.Stream.
func (s *Stream) Feed(piece string) (safe string, matches []detect.Match) {
	return s.feed(piece, false)
}

// Flush says that the text is over and returns the rest of it.
func (s *Stream) Flush() (safe string, matches []detect.Match) { return s.feed("", true) }

// Held returns how many bytes were fed and not given out yet.
func (s *Stream) Held() int { return len(s.text) }

func (s *Stream) feed(piece string, final bool) (string, []detect.Match) {
	if s.done {
		return "", nil
	}
	s.done = final
	if s.inner != nil {
		return s.feedJSON(piece, final)
	}
	s.text = append(s.text, piece...)
	safe, found := s.raw.Feed(piece)
	s.seen += len(safe)
	s.pending = append(s.pending, found...)
	s.view.Write(piece, final)
	plain, more := s.plain.Feed(s.view.take(s.read))
	s.translate(plain, more)
	if final {
		safe, found = s.raw.Flush()
		s.seen += len(safe)
		s.pending = append(s.pending, found...)
		s.translate(s.plain.Flush())
	}
	// What is decided in both forms. What was dropped behind the last decided
	// byte could still belong to a match, unless nothing is held.
	until := s.base + len(s.text) - len(s.view.tail)
	if s.read < s.view.size {
		until, _ = s.view.Original(s.read, s.read)
	}
	return s.give(min(until, s.seen))
}

// translate takes what the stream of another form of the text gave out.
func (s *Stream) translate(safe string, found []detect.Match) {
	s.read += len(safe)
	for _, m := range found {
		m.Start, m.End = s.view.Original(m.Start, m.End)
		s.pending = append(s.pending, m)
	}
}
