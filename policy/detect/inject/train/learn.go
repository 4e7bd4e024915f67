package main

import (
	"math"
	"math/rand/v2"
	"sort"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
)

// settings are the knobs of training.
type settings struct {
	bits     int     // log2 of the table's length
	epochs   int     // passes over the texts
	rate     float64 // of AdaGrad
	decay    float64 // L2, at each touch of a weight
	rare     int     // features in fewer texts are left out
	prune    float64 // weights below this share of the heaviest count as none
	step     float64 // weights are multiples of so many steps of 127: fewer values make a smaller file
	part     int     // one in so many synthetic texts
	seed     uint64
	starts   bool    // learn the words that begin something too
	sure     float32 // what is off by less is learned already
	relative float64 // see linear.Model
}

// A doc is a text as features, block by block.
type doc struct {
	feats  []uint32
	ends   []int32 // where each block ends in feats
	lens   []int32 // what each block counts in the length of a window
	label  float32
	weight float32
	// Of an attack whose place is known, the blocks [from, until) hold its beginning and
	// [from, to) all of it. to is 0 where it is not known.
	from, until, to int
}

// features turns a row into a doc; at most maxBlocks blocks of it.
func features(r row, maxBlocks int, starts bool) doc {
	d := doc{label: float32(r.Label), weight: r.weight}
	text := r.Text
	var read int
	var in linear.Reader
	in.Reset(starts)
	take := func() {
		d.feats = append(d.feats, in.Block()...)
		d.ends = append(d.ends, int32(len(d.feats)))
		d.lens = append(d.lens, length(in.Block()))
		in.Next()
		if read <= r.from {
			d.from = len(d.ends)
		}
		if read < r.to {
			d.to = len(d.ends) + 1
		}
		if read < min(r.to, r.from+lead) {
			d.until = len(d.ends) + 1
		}
	}
	if r.to > 0 {
		d.until, d.to = 1, 1
	}
	for len(text) > 0 && len(d.ends) < maxBlocks {
		n, full := in.Fill(text)
		text = text[n:]
		read += n
		if full {
			take()
		}
	}
	if len(text) == 0 && in.End() {
		take()
	}
	d.until, d.to = min(d.until, len(d.ends)), min(d.to, len(d.ends))
	if r.to > 0 && d.from >= d.to {
		return doc{} // the attack lies behind what is looked at: nothing to learn here
	}
	return d
}

// lead is how many bytes the beginning of an attack has.
const lead = 160

// A learner is logistic regression over hashed features with a bias for each
// window width, trained with AdaGrad on the windows of texts: of a benign text
// every window is benign, of an attack at least one is not.
type learner struct {
	set  settings
	mask uint32
	w, g []float32
	keep []bool // features that come often enough
	bias [linear.Kinds]float32
	bg   [linear.Kinds]float32
	rnd  *rand.Rand
	sums []winSum
}

type winSum struct {
	sum float32
	n   int32
}

type window struct {
	first, last int // blocks, last excluded
	kind        int
}

func newLearner(set settings) *learner {
	n := 1 << set.bits
	return &learner{
		set: set, mask: uint32(n - 1), w: make([]float32, n), g: make([]float32, n),
		rnd: rand.New(rand.NewPCG(set.seed, 1)),
	}
}

// train learns from the docs in place of whatever was learned before.
func (l *learner) train(docs []*doc) {
	l.countRare(docs)
	order := make([]int, len(docs))
	for i := range order {
		order[i] = i
	}
	mean := make([]float64, len(l.w))
	var bias [linear.Kinds]float64
	passes := 0
	for e := range l.set.epochs {
		l.rnd.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		rate := float32(l.set.rate)
		for _, i := range order {
			l.learn(docs[i], rate, e == 0)
		}
		if e >= l.set.epochs/3 {
			passes++
			for i, w := range l.w {
				mean[i] += float64(w)
			}
			for i, b := range l.bias {
				bias[i] += float64(b)
			}
		}
	}
	// The mean of the later passes wavers less than where the last one ended.
	for i := range l.w {
		l.w[i] = float32(mean[i] / float64(passes))
	}
	for i := range l.bias {
		l.bias[i] = float32(bias[i] / float64(passes))
	}
}

func (l *learner) countRare(docs []*doc) {
	n := 1 << l.set.bits
	count := make([]uint16, n)
	seen := make([]int32, n)
	for i, d := range docs {
		for _, f := range d.feats {
			h := f & l.mask
			if seen[h] != int32(i+1) {
				seen[h] = int32(i + 1)
				if count[h] < math.MaxUint16 {
					count[h]++
				}
			}
		}
	}
	l.keep = make([]bool, n)
	for h, c := range count {
		l.keep[h] = int(c) >= l.set.rare
	}
}

// learn makes one step on a text. At first all windows of an attack count a
// little; later the one that looks most like an attack stands for it. Of a
// benign text the worst window and one drawn by lot count.
func (l *learner) learn(d *doc, rate float32, first bool) {
	blocks := len(d.ends)
	if blocks == 0 {
		return
	}
	l.forward(d)
	for kind, width := range linear.Widths {
		if blocks < width {
			l.step(d, window{0, blocks, kind}, d.label, rate, d.weight)
			return
		}
		l.worst(d, width, kind, rate, first)
	}
}

func (l *learner) worst(d *doc, width, kind int, rate float32, first bool) {
	n := len(d.ends) - width + 1
	if d.to > 0 {
		l.placed(d, width, kind, rate, first)
		return
	}
	if first && d.label == 1 && n > 1 {
		share := min(n, 4)
		for range share {
			at := l.rnd.IntN(n)
			l.step(d, window{at, at + width, kind}, d.label, rate, d.weight/float32(share))
		}
		return
	}
	at := l.highest(0, n, width, kind)
	l.step(d, window{at, at + width, kind}, d.label, rate, d.weight)
	if d.label == 0 && n > 1 {
		at := l.rnd.IntN(n)
		l.step(d, window{at, at + width, kind}, d.label, rate, d.weight)
	}
}

// placed makes a step on the window that looks worst of those that hold the beginning of an
// attack, and one on the window that looks worst of those that hold nothing of it.
func (l *learner) placed(d *doc, width, kind int, rate float32, first bool) {
	n := len(d.ends) - width + 1
	low, high := max(0, d.from-width+1), min(n, d.until)
	if low < high {
		at := low + l.rnd.IntN(high-low)
		if !first {
			at = l.highest(low, high, width, kind)
		}
		l.step(d, window{at, at + width, kind}, 1, rate, d.weight)
	}
	before, after := max(0, d.from-width+1), min(n, d.to)
	switch {
	case before > 0 && (after >= n || l.rnd.IntN(2) == 0):
		at := l.highest(0, before, width, kind)
		l.step(d, window{at, at + width, kind}, 0, rate, d.weight/2)
	case after < n:
		at := l.highest(after, n, width, kind)
		l.step(d, window{at, at + width, kind}, 0, rate, d.weight/2)
	}
}

// highest returns where the window with the highest margin begins that begins in [from, to).
func (l *learner) highest(from, to, width, kind int) int {
	best, at := float32(math.Inf(-1)), from
	for i := from; i < to; i++ {
		if m := l.margin(i, i+width, kind); m > best {
			best, at = m, i
		}
	}
	return at
}

// forward fills l.sums with the sums of each block. The scorer does not know which features
// were left out, so they count in the length; their weights are nothing.
func (l *learner) forward(d *doc) {
	l.sums = l.sums[:0]
	start := int32(0)
	for i, end := range d.ends {
		var c, w float32
		for _, f := range d.feats[start:end] {
			if f&linear.WordFlag != 0 {
				w += l.w[f&l.mask]
			} else {
				c += l.w[f&l.mask]
			}
		}
		l.sums = append(l.sums, winSum{c + float32(linear.WordGain*w), d.lens[i]})
		start = end
	}
}

func length(feats []uint32) int32 {
	var n int32
	for _, f := range feats {
		if f&linear.WordFlag != 0 {
			n += linear.WordGain * linear.WordGain
		} else {
			n++
		}
	}
	return n
}

func (l *learner) margin(first, last, kind int) float32 {
	var s float32
	var n int32
	for _, b := range l.sums[first:last] {
		s += b.sum
		n += b.n
	}
	if n == 0 {
		return l.bias[kind]
	}
	return float32(s/float32(math.Sqrt(float64(n)))) + l.bias[kind]
}

func (l *learner) step(d *doc, w window, label, rate, weight float32) {
	m := l.margin(w.first, w.last, w.kind)
	p := float32(1 / (1 + math.Exp(-float64(m))))
	delta := float32((p - label) * weight)
	var n int32
	for _, b := range l.sums[w.first:w.last] {
		n += b.n
	}
	if n == 0 || (delta < l.set.sure && delta > -l.set.sure) {
		return
	}
	norm := float32(delta / float32(math.Sqrt(float64(n))))
	decay := float32(l.set.decay)
	start := int32(0)
	if w.first > 0 {
		start = d.ends[w.first-1]
	}
	for _, f := range d.feats[start:d.ends[w.last-1]] {
		h := f & l.mask
		if !l.keep[h] {
			continue
		}
		g := norm
		if f&linear.WordFlag != 0 {
			g = float32(linear.WordGain * norm)
		}
		g += float32(decay * l.w[h])
		l.g[h] += float32(g * g)
		l.w[h] -= float32(rate*g) / float32(1e-3+float32(math.Sqrt(float64(l.g[h]))))
	}
	l.bg[w.kind] += float32(delta * delta)
	l.bias[w.kind] -= float32(rate*delta) / float32(1e-3+float32(math.Sqrt(float64(l.bg[w.kind]))))
}

// model returns what was learned with weights of eight bits. Its calibration
// is the identity.
func (l *learner) model() *linear.Model {
	abs := make([]float64, 0, len(l.w))
	for _, w := range l.w {
		if w != 0 {
			abs = append(abs, math.Abs(float64(w)))
		}
	}
	sort.Float64s(abs)
	top := 1.0
	if len(abs) > 0 {
		// The few heaviest weights are cut, so that the many light ones keep
		// their differences.
		top = abs[int(float64(len(abs)-1)*0.9995)]
	}
	m := &linear.Model{Table: make([]int8, len(l.w)), Scale: top / 127, Starts: l.set.starts, Relative: l.set.relative}
	for i, w := range l.w {
		q := math.RoundToEven(float64(w) / m.Scale)
		if math.Abs(q) < l.set.prune*127 {
			// A text of a sort never seen meets weights only by collision;
			// the fewer there are, the closer it stays to nothing.
			continue
		}
		if step := max(l.set.step, 1); step > 1 {
			// Rounded away from nothing: what counted still counts.
			q = math.Copysign(max(step, math.RoundToEven(math.Abs(q)/step)*step), q)
		}
		m.Table[i] = int8(max(-127, min(127, q)))
	}
	for i := range m.Bias {
		m.Bias[i] = float64(l.bias[i])
	}
	for i := range m.Bucket {
		m.Bucket[i].Slope = 1
	}
	return m
}
