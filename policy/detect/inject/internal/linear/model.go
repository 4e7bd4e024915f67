package linear

import "math"

// How windows over the blocks of a text are made and judged.
const (
	// Kinds is the number of windows of different width that slide over a
	// text. A text shorter than a window is one window of that kind.
	Kinds = 3
	// WordGain is what a word feature counts against a character feature.
	WordGain = 2
	// Buckets is the number of length classes with a calibration of their own.
	Buckets = 5
)

// The upper ends of the length buckets but the last, in units.
var bucketEnd = [Buckets - 1]int{1 << 10, 3 << 10, 7 << 10, 20 << 10}

// Widths are the widths of the windows, in blocks, rising.
var Widths = [Kinds]int{4, 8, widest}

const widest = 20

// Bucket returns the length class of a text of so many units.
func Bucket(units int) int {
	for i, end := range bucketEnd {
		if units <= end {
			return i
		}
	}
	return Buckets - 1
}

// A Calibration turns a margin into log-odds: Slope*margin + Offset.
type Calibration struct{ Slope, Offset float64 }

// A Model is what training makes. It is read only once made, and then safe for
// concurrent use.
type Model struct {
	Table  []int8         // a weight for each feature hash, length a power of two
	Scale  float64        // what one step of a table entry is worth
	Bias   [Kinds]float64 // of each kind of window
	Bucket [Buckets]Calibration
	Starts bool // there are weights for the words that begin something, see Reader.Reset
	// Relative is what a unit of the level of a text takes off its margin. Where it is
	// zero only the background of long texts does.
	Relative float64
}

// A Window sums the features of one or more blocks.
type Window struct {
	Sum         int32 // of table entries, words times WordGain
	Chars, Word int32 // how many features of either sort
}

// Sum adds the weights of the features of one block.
func (m *Model) Sum(feats []uint32) Window {
	var chars, words, nw int32
	mask := uint32(len(m.Table) - 1)
	table := m.Table
	for _, f := range feats {
		w := int32(table[f&mask])
		if f&WordFlag != 0 {
			words += w
			nw++
		} else {
			chars += w
		}
	}
	return Window{Sum: chars + WordGain*words, Chars: int32(len(feats)) - nw, Word: nw}
}

// Margin returns the margin of a window of the given kind (an index of Widths).
func (m *Model) Margin(w Window, kind int) float64 {
	n := w.Chars + WordGain*WordGain*w.Word
	if n == 0 {
		return m.Bias[kind]
	}
	// The conversion keeps compilers from fusing the operations: the same
	// text has the same score on every processor.
	return float64(m.Scale*float64(w.Sum)/math.Sqrt(float64(n))) + m.Bias[kind]
}

// Odds returns the calibrated log-odds for a margin in a text of so many units.
func (m *Model) Odds(margin float64, units int) float64 {
	c := m.Bucket[Bucket(units)]
	return float64(c.Slope*margin) + c.Offset
}

// What the rest of a long text does to its score. A passage that looks like an
// attack among others that look half like one (a list of prompts, a manual full of
// orders) says less than the same passage among plain prose.
const (
	// chunkBlocks is how many blocks are one chunk: about 1,024 units.
	chunkBlocks = 64
	// contrast is what a unit of background takes off the margin.
	contrast = 0.75
	// The background counts within these bounds. The upper one is that of usual
	// documents: nobody hides an attack by writing half an attack all around it.
	calmest, loudest = -3.0, -1.0
)

// A background is the mean of the highest margins of the chunks of a text, without
// the two highest: the passage that counts may lie across two chunks.
type background struct {
	blocks     int // of the present chunk
	best       float64
	chunks     int
	sum        float64
	top1, top2 float64
}

// add takes the highest margin that ends at the next block.
func (b *background) add(margin float64) {
	if b.blocks == 0 || margin > b.best {
		b.best = margin
	}
	if b.blocks++; b.blocks == chunkBlocks {
		b.close()
	}
}

// close ends the present chunk.
func (b *background) close() {
	if b.blocks == 0 {
		return
	}
	b.blocks = 0
	v := max(b.best, calmest)
	b.chunks++
	b.sum += v
	switch {
	case b.chunks == 1:
		b.top1 = v
	case b.chunks == 2:
		b.top1, b.top2 = max(b.top1, v), min(b.top1, v)
	case v > b.top1:
		b.top1, b.top2 = v, b.top1
	case v > b.top2:
		b.top2 = v
	}
}

// level returns the background of the text so far; that of usual documents when
// there is too little text to tell.
func (b background) level() float64 {
	b.close()
	if b.chunks < 4 {
		return loudest
	}
	return min(float64(b.sum-b.top1-b.top2)/float64(b.chunks-2), loudest)
}

// How the level of a text is told from the margins of its windows.
const (
	levelLow, levelHigh = -3.0, 1.0 // within these bounds
	levelPrior          = 8         // so many blocks at zero stand before every text
)

// Level returns what the windows of a text look like on the whole, for the sum of the highest
// margins of the windows that end at each of n blocks. A request among the rows of a
// table says more than one among the sentences of a letter.
func Level(sum float64, n int) float64 {
	return max(levelLow, min(levelHigh, sum/float64(n+levelPrior)))
}

// A Slider slides the windows over the blocks of a text and remembers the
// highest margin. The zero Slider is ready.
type Slider struct {
	ring  [widest]Window
	at    [widest]int
	count int
	best  float64
	start int
	end   int
	tried bool
	block float64 // the highest margin of the windows that end at the present block
	some  bool    // there is one
	back  background
	sum   float64 // of the highest margins of the blocks
	n     int
}

// Add takes the next block, which covers the bytes [start, end) of the text.
func (s *Slider) Add(m *Model, b Window, start, end int) {
	i := s.count % widest
	s.ring[i], s.at[i] = b, start
	s.count++
	var w Window
	kind := 0
	s.some = false
	for k := 1; k <= widest && k <= s.count; k++ {
		w.Sum += s.ring[i].Sum
		w.Chars += s.ring[i].Chars
		w.Word += s.ring[i].Word
		if k == Widths[kind] {
			s.see(m.Margin(w, kind), s.at[i], end)
			kind++
		}
		if i--; i < 0 {
			i = widest - 1
		}
	}
	if s.some {
		s.back.add(s.block)
		s.sum += s.block
		s.n++
	}
}

// Best returns the highest margin, less what the background takes off, and the bytes
// it was found at. end is the length of the text: a text shorter than a window is one
// window.
func (s *Slider) Best(m *Model, end int) (margin float64, from, to int) {
	t := *s
	if t.count == 0 {
		return min(m.Bias[0], 0), 0, 0
	}
	if t.count < widest {
		var w Window
		for _, b := range t.ring[:t.count] {
			w.Sum += b.Sum
			w.Chars += b.Chars
			w.Word += b.Word
		}
		for kind, width := range Widths {
			if t.count < width {
				t.see(m.Margin(w, kind), 0, end)
				break
			}
		}
	}
	if m.Relative != 0 {
		return t.best - float64(m.Relative*Level(t.sum, t.n)), t.start, t.end
	}
	return t.best - float64(contrast*(t.back.level()-loudest)), t.start, t.end
}

func (s *Slider) see(margin float64, start, end int) {
	if !s.some || margin > s.block {
		s.some, s.block = true, margin
	}
	if !s.tried || margin > s.best {
		s.tried, s.best, s.start, s.end = true, margin, start, end
	}
}
