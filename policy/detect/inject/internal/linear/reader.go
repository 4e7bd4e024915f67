package linear

import "unicode/utf8"

// Sizes of what a Reader makes. A unit is about a byte of plain text: a folded
// ASCII character counts one, a letter of another alphabet two, an ideograph
// three.
const (
	// BlockUnits is how many units a full block has.
	BlockUnits = 16
	// WordFlag marks the hash of a word feature; the others are of characters.
	WordFlag = 1 << 31

	recentBits = 12 // log2 of how many features are remembered
	maxRun     = 3  // how many equal symbols or letters in a row are looked at
	perRune    = 3  // character features that end with one character
	perWord    = 4  // word features that end with one word
	perStart   = 2  // and of those that begin a line, a sentence or a field
	maxBlock   = (BlockUnits + 4) * (perRune + perWord + perStart)
)

// A Reader turns text into hashed features, a block of about BlockUnits at a
// time: the 3, 4 and 5-grams of folded characters and the 1, 2 and 3-grams of
// words (and the pair around one word). A feature that came a moment ago, within
// about the widest window, is left out, or what is repeated would count for
// more than it says. It keeps a few words of state, so text
// may come in pieces cut anywhere, also inside a character. The zero Reader is
// not ready; call Reset first. It is for one goroutine.
type Reader struct {
	feats [maxBlock]uint32
	n     int // features in the block so far
	units int // units in the block so far
	total int // number of the present block; begins above widest

	r1, r2, r3, r4 uint32 // the folded characters before the present one
	run            int    // how often in a row r1 has come
	last           rune
	wordHash       uint32
	wordLen        int
	w1, w2         uint32 // the words before the present one
	escape         bool   // the character before was a backslash

	starts bool  // features of what begins lines, sentences and fields are wanted
	edge   edge  // what came before the present word
	begun  uint8 // how many words back a start was, 0 for none

	// For some late features the block they came in and a part of their hash,
	// at a place that another part decides; a newer one takes the place.
	recent [1 << recentBits]uint32

	carry  [utf8.UTFMax]byte // the beginning of a character cut by the end of a piece
	carryN int
}

// Reset makes r ready for a new text. With starts it also makes features of the one
// and the two words that begin a line, a sentence or a field of a record: what they are
// tells an order that stands in a table from the word in the middle of a sentence.
func (r *Reader) Reset(starts bool) {
	*r = Reader{r1: ' ', r2: ' ', r3: ' ', r4: ' ', run: 1, last: ' ', total: widest + 1, starts: starts, edge: edgeSure}
}

// An edge tells whether the next word begins something.
type edge uint8

const (
	edgeNone edge = iota
	edgeStop      // a mark that ends a sentence if a blank follows
	edgeSure
)

// mark notes what a character that is no letter, raw and folded, says of the word behind it.
func (r *Reader) mark(raw, folded rune) {
	switch folded {
	case '|', '"', '<', '>', '{', '}', '[', ']', '!', '?':
		r.edge = edgeSure
	case '.', ':', ';', '*', '#', '-', '/', '(':
		if raw == '。' || raw == '：' || raw == '；' {
			r.edge = edgeSure // no blank follows these
		} else if r.edge != edgeSure {
			r.edge = edgeStop
		}
	case ' ':
		if raw == '\n' || raw == '\r' || raw == '\t' || r.edge == edgeStop {
			r.edge = edgeSure
		}
	}
}

// Fill reads from s until a block is full and returns how many bytes it took.
// When full is true the block is to be taken with Block and then left with
// Next; otherwise all of s was taken.
func (r *Reader) Fill(s string) (n int, full bool) {
	if r.carryN > 0 {
		for n < len(s) && !utf8.FullRune(r.carry[:r.carryN]) {
			r.carry[r.carryN] = s[n]
			r.carryN++
			n++
		}
		if !utf8.FullRune(r.carry[:r.carryN]) {
			return n, false
		}
		c, size := utf8.DecodeRune(r.carry[:r.carryN])
		// Only the bytes of this character are used up: when it is invalid
		// the others are read again.
		n -= r.carryN - size
		r.carryN = 0
		if n < 0 {
			// They came with an earlier piece; an invalid sequence counts as
			// one blank whatever its length, so nothing is lost.
			n = 0
		}
		r.put(c)
		if r.units >= BlockUnits {
			return n, true
		}
	}
	for n < len(s) {
		b := s[n]
		if b < utf8.RuneSelf {
			n++
			r.put(rune(b))
		} else {
			c, size := utf8.DecodeRuneInString(s[n:])
			if c == utf8.RuneError && size <= 1 && !utf8.FullRuneInString(s[n:]) {
				r.carryN = copy(r.carry[:], s[n:])
				return len(s), false
			}
			n += size
			r.put(c)
		}
		if r.units >= BlockUnits {
			return n, true
		}
	}
	return n, false
}

// End closes the text: what was left open becomes part of the last block.
// It reports whether there is a block to be taken.
func (r *Reader) End() bool {
	if r.carryN > 0 {
		r.carryN = 0
		r.put(utf8.RuneError)
	}
	r.put(' ')
	return r.n > 0
}

// Block returns the features of the present block; they are overwritten after
// Next. Word features have WordFlag set.
func (r *Reader) Block() []uint32 { return r.feats[:r.n] }

// Next begins a new block.
func (r *Reader) Next() {
	r.n, r.units = 0, 0
	r.total++
}

// Multipliers of the hashes: odd numbers with well spread bits.
const (
	m1 = 0x9e3779b1
	m2 = 0x85ebca77
	m3 = 0xc2b2ae3d
	m4 = 0x27d4eb2f
	m5 = 0x165667b1
)

func mix(h uint32) uint32 {
	h ^= h >> 15
	h *= 0x2c1b3c6d
	return h ^ h>>13
}

func (r *Reader) put(raw rune) {
	if r.escape {
		r.escape = false
		// The two characters \n of a JSON string are a line break, not a
		// letter that belongs to the next word.
		if raw == 'n' || raw == 't' || raw == 'r' {
			raw = '\n'
		}
	}
	c := Fold(raw)
	if c == skip {
		return
	}
	if c == '\\' {
		r.escape = true
		c = ' '
	}
	if r.starts && classOf(c) != letter {
		if r.wordLen > 0 {
			r.endWord()
		}
		r.mark(raw, c)
	}
	if c == r.last {
		if c == ' ' {
			return
		}
		if r.run++; r.run > maxRun {
			return
		}
	} else {
		r.last, r.run = c, 1
	}
	u := uint32(c)
	k := classOf(c)
	switch k {
	case letter:
		r.wordHash = (r.wordHash ^ u) * m5
		r.wordHash ^= r.wordHash >> 14
		r.wordLen++
	case ideograph:
		r.endWord()
		r.wordHash, r.wordLen = u*m4, 1
		r.endWord()
	default:
		r.endWord()
	}
	h := u*m1 + r.r1*m2 + r.r2*m3
	h4 := h + r.r3*m4
	h5 := h4 + r.r4*m5
	r.emit(mix(h) &^ WordFlag)
	r.emit(mix(h4^0x3c6ef372) &^ WordFlag)
	r.emit(mix(h5^0x1b873593) &^ WordFlag)
	r.r4, r.r3, r.r2, r.r1 = r.r3, r.r2, r.r1, u
	switch {
	case c < 0x80:
		r.units++
	case k == ideograph:
		r.units += 3
	default:
		r.units += 2
	}
}

// emit adds a feature to the block unless it came a moment ago.
func (r *Reader) emit(f uint32) {
	const blockBits = 10
	at := &r.recent[(f>>8)&(1<<recentBits-1)]
	block := uint32(r.total) & (1<<blockBits - 1)
	tag := f << blockBits
	old := *at
	*at = tag | block
	if old&^(1<<blockBits-1) == tag && (block-old)&(1<<blockBits-1) < widest {
		return
	}
	r.feats[r.n] = f
	r.n++
}

func (r *Reader) endWord() {
	if r.wordLen == 0 {
		return
	}
	w := r.wordHash
	r.emit(mix(w*m1) | WordFlag)
	r.emit(mix(w*m2+r.w1*m3) | WordFlag)
	r.emit(mix(w*m4+r.w1*m5+r.w2*m1) | WordFlag)
	r.emit(mix(w*m3+r.w2*m2^0x7f4a7c15) | WordFlag)
	if r.starts {
		switch {
		case r.edge == edgeSure:
			r.emit(mix(w*m5^0x2545f491) | WordFlag)
			r.begun = 1
		case r.begun == 1:
			r.emit(mix(w*m1+r.w1*m4^0x6a09e667) | WordFlag)
			r.begun = 0
		}
		r.edge = edgeNone
	}
	r.w2, r.w1 = r.w1, w
	r.wordHash, r.wordLen = 0, 0
}
