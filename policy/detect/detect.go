package detect

// Kinds of matches.
const (
	KindSecret = "secret"
	KindPII    = "pii"
	KindHidden = "hidden"
)

// Bounds that all scanners keep.
const (
	// MaxMatch is how many bytes a match has at most, unless its rule is about
	// something that is long by nature.
	MaxMatch = 512
	// MaxLong is the same for what is long by nature: key files, signed tokens.
	MaxLong = 8 << 10
	// MaxBehind is how many bytes before a match a scanner looks at, at most.
	MaxBehind = 256
)

// A Match is a found part of a text.
type Match struct {
	// Start and End are the bytes [Start, End) of the original text.
	Start, End int
	// Rule names what was recognised, lower case with hyphens, for records and
	// for choosing: "github-token", "email".
	Rule string
	// Kind is the family of the rule: one of the Kind constants.
	Kind string
}

// A Scanner finds matches in a text. It is deterministic, works from left to
// right, takes time linear in the text and is safe for concurrent use.
type Scanner interface {
	// Scan appends the matches in text to dst, ordered by Start and without
	// overlap among themselves. The text need not be valid UTF-8.
	Scan(dst []Match, text string) []Match
	// MaxMatch is the length in bytes that no match of this scanner exceeds.
	MaxMatch() int
}

// An Incremental is a Scanner that can stop where the text stops and go on when
// more has come. Scanners of this module are; a Stream needs it.
type Incremental interface {
	Scanner
	// Advance appends the matches that begin in text[from:] and are decided,
	// and returns the position from which to go on. All before it is decided.
	// Text before from has been scanned; at least MaxBehind bytes of it are
	// there, or all. If final, no text follows and all of it is decided, else
	// what could still become a match is left for the next call.
	// What it decides at a place must depend on nothing but the MaxBehind bytes
	// before it and the text behind it, of which it leaves undecided what it
	// does not see: neither on what stands further ahead nor on where the call
	// began. Streams and package norm, which reads most of a text and of its
	// normalised form once, rely on that.
	Advance(dst []Match, text string, from int, final bool) ([]Match, int)
	// MaxHeld is how many bytes Advance leaves undecided, at most.
	MaxHeld() int
}

// A Cursor reads a text of which more may follow. The zero byte stands for what
// is not there.
type Cursor struct {
	text  string
	final bool
	short bool
	runs  *Runs
	work  int
}

// MaxRuns is how many sets a Runs has a place for.
const MaxRuns = 128

// Runs remembers a stretch of the text for each of some sets: all of its bytes are in
// the set. Candidates that begin close to each other read the same bytes ahead, which
// so are looked at once and not once a candidate. It is for one text.
type Runs [MaxRuns]struct{ from, to int }

// Remember makes SpanOf remember what it reads in r.
func (c *Cursor) Remember(r *Runs) { c.runs = r }

// NewCursor returns a Cursor on text. If final, no text follows.
func NewCursor(text string, final bool) Cursor { return Cursor{text: text, final: final} }

// At returns the byte at i, or 0 beyond the end. It notes whether what it
// returned depends on text that is still to come.
func (c *Cursor) At(i int) byte {
	if i < len(c.text) {
		return c.text[i]
	}
	c.short = c.short || !c.final
	return 0
}

// Span returns how many bytes from i on, most at most, are in set, which has a
// bit for each byte.
func (c *Cursor) Span(i, most int, set *[4]uint64) int {
	end := min(len(c.text), i+most)
	k := i
	for k < end {
		b := c.text[k]
		if set[b>>6]&(1<<(b&63)) == 0 {
			return k - i
		}
		k++
	}
	c.short = c.short || k-i < most && !c.final
	return max(0, k-i)
}

// SpanOf is Span for a set whose place in Runs is n, or that has none, if n is 0.
func (c *Cursor) SpanOf(n, i, most int, set *[4]uint64) int {
	if n == 0 || c.runs == nil {
		return c.Span(i, most, set)
	}
	k := c.read(n, i, most, set)
	c.short = c.short || k-i < most && k >= len(c.text) && !c.final
	return max(0, k-i)
}

// Less tells whether surely fewer than least bytes from i on are in set, whatever text is
// still to come, whose place in Runs is n. It is no question about that text.
func (c *Cursor) Less(n, i, least int, set *[4]uint64) bool {
	k := c.read(n, i, least, set)
	return k-i < least && (k < len(c.text) || c.final)
}

// read returns where the run of set at i ends, most bytes behind it at most.
func (c *Cursor) read(n, i, most int, set *[4]uint64) int {
	end := min(len(c.text), i+most)
	k := i
	r := &c.runs[n]
	known := i >= r.from && i <= r.to
	if known {
		if r.to >= end {
			return max(i, end)
		}
		k = r.to
	}
	from := k
	for k < end && set[c.text[k]>>6]&(1<<(c.text[k]&63)) != 0 {
		k++
	}
	c.work += k - from + 1
	switch {
	case known:
		r.to = k
	case i < r.from && k >= r.from:
		r.from, r.to = i, max(r.to, k)
	default:
		r.from, r.to = i, k
	}
	return k
}

// Work returns how many bytes SpanOf and Less have looked at that they did not remember.
func (c *Cursor) Work() int { return c.work }

// Text returns the bytes there are, for looking behind only: what is ahead must
// be read with At.
func (c *Cursor) Text() string { return c.text }

// Short tells whether text that is still to come was asked for since Clear.
func (c *Cursor) Short() bool { return c.short }

// Clear forgets that more text was asked for. A matcher that knows its answer
// regardless of what follows calls it.
func (c *Cursor) Clear() { c.short = false }
