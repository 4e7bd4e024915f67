package norm

import "github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"

// A text and its normalised form mostly are the same bytes, with a few characters
// between them that are not. What a scanner makes of a place is decided by the
// detect.MaxBehind bytes before it, by what it reads ahead, and by whether a match
// reaches over it: that is what detect.Incremental promises, and what a Stream lives
// on. So where both readings go on at one place, with as many equal bytes before it,
// they find the same until one asks for a byte that is not equal, and one reading is
// enough.

// stretch is a part of the original that was copied: n bytes.
type stretch struct{ raw, norm, n int }

const (
	// settle is how far behind the beginning of a stretch both readings go at first.
	// They are found in step if they wait for text at one place, MaxBehind bytes or
	// more behind it. Scanners rarely wait for more than a word.
	settle = detect.MaxBehind + 40
	// leastStretch is the least that is worth that.
	leastStretch = settle + 64
)

// stretches returns the parts of a whole text that were copied and are long enough to
// be read once.
func (v *View) stretches() (out []stretch) {
	for i, s := range v.spans {
		if s.end > 0 {
			continue
		}
		end := v.size
		if i+1 < len(v.spans) {
			end = v.spans[i+1].norm
		}
		if n := end - s.norm; n >= leastStretch {
			out = append(out, stretch{raw: s.raw, norm: s.norm, n: n})
		}
	}
	return out
}

// both is one scanner that reads a text and its normalised form.
type both struct {
	s         detect.Incremental
	v         *View
	raw, norm string
	out       []detect.Match
	// Where the readings go on. All before is decided.
	atRaw, atNorm int
}

// scan finds what the scanner finds in either form. What it finds where both are read
// at once is there once.
func (b *both) scan(list []stretch) {
	for _, e := range list {
		if !b.inStep(e) {
			continue
		}
		from := b.atRaw
		b.readRaw(e.raw+e.n, e.raw+e.n == len(b.raw) && e.norm+e.n == len(b.norm))
		b.atNorm += b.atRaw - from
	}
	b.readRaw(len(b.raw), true)
	b.readNorm(len(b.norm), true)
}

// inStep reads both forms on into a stretch until they go on at one place of it.
func (b *both) inStep(e stretch) bool {
	if e.raw == 0 && e.norm == 0 {
		return true // both begin here
	}
	for n := settle; ; n *= 2 {
		n = min(n, e.n)
		b.readRaw(e.raw+n, false)
		b.readNorm(e.norm+n, false)
		if at := b.atRaw - e.raw; at >= detect.MaxBehind && at == b.atNorm-e.norm {
			return true
		}
		if n == e.n {
			return false
		}
	}
}

func (b *both) readRaw(until int, final bool) {
	b.out, b.atRaw = b.s.Advance(b.out, b.raw[:until], b.atRaw, final)
}

func (b *both) readNorm(until int, final bool) {
	first := len(b.out)
	b.out, b.atNorm = b.s.Advance(b.out, b.norm[:until], b.atNorm, final)
	for i := first; i < len(b.out); i++ {
		b.out[i].Start, b.out[i].End = b.v.Original(b.out[i].Start, b.out[i].End)
	}
}
