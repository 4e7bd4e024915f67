package limits

import (
	"hash/maphash"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"
)

// The dimensions of a rate limit.
const (
	Requests     = "requests"      // requests in a window
	Tokens       = "tokens"        // input and output tokens in a window
	InputTokens  = "input_tokens"  // input tokens in a window, cached ones included
	OutputTokens = "output_tokens" // output tokens in a window, reasoning included
	Concurrent   = "concurrent"    // requests at once
)

// None is the scope value that callers without the scope share.
const None = "_none"

// overflow is the scope value that newcomers share once Rates is full.
const overflow = "_overflow"

// RateLimit is one configured limit. Its counters are found by Dimension,
// Window, Scope, Name and kind (window or burst), and by the caller's scope
// value, never by an amount: a reload that changes amounts keeps the counters.
//
// A RateLimit must not be copied or modified once it was used.
type RateLimit struct {
	Dimension string        // one of the constants above
	Amount    int64         // how many; 1 to MaxAmount
	Window    time.Duration // 1 ms to MaxWindow; ignored for Concurrent
	// Burst is 0 for a sliding window, in which no more than Amount ever fits.
	// Else the limit is a rate with room: Burst at once, refilled at Amount in
	// Window, so that any stretch of time T holds at most Burst + Amount·T/Window.
	Burst int64
	// Scope is "key", "user", "team", "org", "model", "provider", "ip",
	// "global" or a placeholder; it is only a label here, the value travels in
	// the Charge.
	Scope string
	// Name keeps limits apart that are otherwise of one identity; may be empty.
	Name string
	// Overrides are amounts for single scope values, in the place of Amount.
	Overrides map[string]int64
	// Estimate makes a Throttle reserve a third of the input's bound for it.
	Estimate bool

	bound atomic.Pointer[rateFamily]
}

// MaxAmount bounds the amount of a rate limit and its burst.
const MaxAmount = 1 << 53

// amount is what the limit allows to a scope value.
func (l *RateLimit) amount(value string) int64 {
	if l.Overrides != nil {
		if n, ok := l.Overrides[value]; ok {
			return n
		}
	}
	return l.Amount
}

// Charge asks one limit for one request.
type Charge struct {
	Limit *RateLimit
	Value string // resolved scope value; empty means None
	// N is how much is asked for; 0 means 1. PerOutput is asked for in addition
	// for each unit of the output that Rates.Reserve chooses.
	N, PerOutput int64
	// Hold keeps the charge open, so that Taken.Settle can change it. What is not
	// held stays as it was charged.
	Hold bool
}

// Status says where a caller stands with one limit after a Take.
type Status struct {
	Limit     *RateLimit
	Amount    int64         // the limit's amount for this caller, or its burst
	Remaining int64         // how much is left right now; at least 0
	Reset     time.Duration // until all of it is available again if nothing more is asked
}

// Refusal says which limit refused: if several did, the one that takes longest.
type Refusal struct {
	Limit  *RateLimit
	Amount int64 // the limit's amount for this caller, or its burst
	// Remaining is what was left, Need what was asked for; where Reserve could
	// choose, what was needed at least.
	Remaining, Need int64
	// RetryAfter is how long the caller must wait; more than 0. After it the
	// request fits if nobody else asks in between. For Concurrent nobody knows,
	// and it is one second.
	RetryAfter time.Duration
	// Reset is how long it takes until all of the limit is available again.
	Reset time.Duration
	// Never is true when the request needs more than the whole limit: waiting
	// is of no use.
	Never bool
}

// stricter reports whether f should speak rather than g.
func (f *Refusal) stricter(g *Refusal) bool {
	if g == nil || f.Never != g.Never {
		return g == nil || f.Never
	}
	return f.RetryAfter > g.RetryAfter
}

// MaxEntries bounds the number of counters that a Rates keeps (see NewRates).
const MaxEntries = 100_000

const (
	rateShards    = 64 // a power of two
	rateShardBits = 6
	// maxValue bounds the bytes of a scope value kept in memory; a longer value
	// is replaced by its hash.
	maxValue = 128
)

// Rates holds the counters of all rate limits of a process (or a data
// directory). It is safe for concurrent use and keeps its counters for as long
// as it lives, whatever configurations come and go.
//
// Memory is bounded however hostile the scope values are: at most MaxEntries
// counters live, half of them for any one limit; idle ones make room; and when
// none is left, newcomers share the amount of their limit, cut into fixed parts
// by their hash, so that they are limited together rather than not at all.
type Rates struct {
	base   time.Time // with a monotonic reading: wall clock jumps do not matter
	seed   maphash.Seed
	clock  atomic.Int64 // latest time seen, in ns since base; never goes back
	live   atomic.Int64
	max    int64
	shards [rateShards]rateShard

	famMu    sync.Mutex
	families map[rateIdent]*rateFamily
}

// NewRates returns empty counters.
func NewRates() *Rates { return newRates(MaxEntries) }

func newRates(limit int64) *Rates {
	r := &Rates{base: time.Now(), seed: maphash.MakeSeed(), max: limit, families: map[rateIdent]*rateFamily{}}
	for i := range r.shards {
		r.shards[i].entries = map[uint64]*rateEntry{}
	}
	return r
}

// Close does nothing; it lets a Rates be kept where files are kept.
func (r *Rates) Close() error { return nil }

// Len returns the number of live counters.
func (r *Rates) Len() int { return int(r.live.Load()) }

// now maps a moment to nanoseconds since base. With a monotonic reading (any
// time.Now) elapsed time is right even when the wall clock jumps. A moment
// earlier than one seen before counts as that one: time that cannot be proven to
// have passed frees nothing.
func (r *Rates) now(t time.Time) int64 {
	n := int64(t.Sub(r.base))
	for {
		last := r.clock.Load()
		if n <= last {
			return last
		}
		if r.clock.CompareAndSwap(last, n) {
			return n
		}
	}
}

// rateHit is one charge on its way to its counter.
type rateHit struct {
	fam    *rateFamily
	value  string
	hash   uint64
	shard  uint32
	at     int // index of the charge
	entry  *rateEntry
	amount int64 // of the limit, for this counter
	n      int64 // charged
	mark   int64 // where in the counter, see takenItem
	took   bool
}

// Take charges all limits or, if one refuses, none. What is not held stays
// charged; concurrency is given back by Taken.Release, which must be called
// exactly when the request has ended.
//
// No window of a limit, wherever it starts, admits more than its amount.
func (r *Rates) Take(now time.Time, req []Charge) (*Taken, *Refusal) {
	return r.Reserve(now, req, 0, 0)
}

// Reserve is Take for calls whose output can be limited: it chooses the most
// output, from least to most, that all limits have room for, and charges each
// N + PerOutput × output. Taken.Output is what it chose.
func (r *Rates) Reserve(now time.Time, req []Charge, least, most int64) (*Taken, *Refusal) {
	t := r.now(now)
	var few [4]rateHit
	hits := few[:0]
	if len(req) > len(few) {
		hits = make([]rateHit, 0, len(req))
	}
	for i := range req {
		hits = hits[:i+1]
		r.find(&hits[i], &req[i])
		hits[i].at = i
	}
	sortHits(hits)
	lock(r, hits)
	defer unlock(r, hits)

	output := most
	for i := range hits {
		h := &hits[i]
		c := &req[h.at]
		h.entry = r.entry(h, t)
		h.entry.held++ // until the transaction ends: another hit may sweep this shard
		h.amount = h.entry.share(c.Limit.amount(h.value))
		if c.PerOutput > 0 {
			left := h.entry.left(c.Limit, h.amount, t)
			output = min(output, (left-min(c.N, maxTotal))/c.PerOutput)
		}
	}
	output = max(output, least)
	var refused *Refusal
	for i := range hits {
		h := &hits[i]
		c := &req[h.at]
		h.n = c.weight(output)
		if h.n <= h.entry.left(c.Limit, h.amount, t) {
			h.mark = h.entry.charge(h.n, t)
			h.took = true
		} else if f := h.entry.refusal(c, h, t); f.stricter(refused) {
			refused = f
		}
	}
	if refused != nil {
		for i := range hits {
			if hits[i].took {
				hits[i].entry.uncharge(hits[i].n, hits[i].mark)
			}
		}
		return nil, refused
	}
	return r.taken(req, hits, output, t), nil
}

// weight is what the charge asks for together with an output.
func (c *Charge) weight(output int64) int64 {
	n := c.N
	switch {
	case n == 0 && c.PerOutput == 0:
		return 1
	case n < 0:
		n = 0
	}
	return min(min(n, maxTotal)+times(output, c.PerOutput), maxTotal)
}

// times multiplies what is not negative, up to maxTotal.
func times(a, b int64) int64 {
	if a <= 0 || b <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	if hi != 0 || lo > maxTotal {
		return maxTotal
	}
	return int64(lo)
}

// maxTotal bounds every sum of a counter, far from where integers end.
const maxTotal = 1 << 61

// sortHits puts hits in the order of their shards: whoever takes several takes
// the lowest first. There are few of them.
func sortHits(hits []rateHit) {
	for i := 1; i < len(hits); i++ {
		for j := i; j > 0 && hits[j].shard < hits[j-1].shard; j-- {
			hits[j], hits[j-1] = hits[j-1], hits[j]
		}
	}
}

func lock(r *Rates, hits []rateHit) {
	for i := range hits {
		if i == 0 || hits[i].shard != hits[i-1].shard {
			r.shards[hits[i].shard].mu.Lock()
		}
	}
}

func unlock(r *Rates, hits []rateHit) {
	for i := range hits {
		if e := hits[i].entry; e != nil {
			e.held--
		}
	}
	for i := range hits {
		if i == 0 || hits[i].shard != hits[i-1].shard {
			r.shards[hits[i].shard].mu.Unlock()
		}
	}
}
