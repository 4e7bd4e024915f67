package limits

import (
	"cmp"
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// The dimensions of a rate limit.
const (
	Requests   = "requests"   // requests in a window
	Concurrent = "concurrent" // requests at once
)

// None is the scope value that callers without the scope share.
const None = "_none"

// overflow is the scope value that newcomers share once Rates is full.
const overflow = "_overflow"

// RateLimit is one configured limit. Its counters are found by Dimension,
// Window, Scope and Name (and the caller's scope value), never by Amount: a
// reload that changes the amount keeps the counters.
type RateLimit struct {
	Dimension string        // Requests or Concurrent
	Amount    int64         // how many; at least 1
	Window    time.Duration // of Requests; at least 1 ms; ignored for Concurrent
	// Scope is "key", "user", "team", "org", "model", "provider", "ip",
	// "global" or a placeholder; it is only a label here, the value travels in
	// the Charge.
	Scope string
	// Name keeps limits apart that are otherwise of one identity; may be empty.
	Name string
}

// Charge asks one limit for one request.
type Charge struct {
	Limit *RateLimit
	Value string // resolved scope value; empty means None
}

// Status says where a caller stands with one limit after a Take.
type Status struct {
	Limit     *RateLimit
	Remaining int64     // how much is left right now
	Reset     time.Time // when all of it will be available again if nothing more is asked
}

// Taken is a successful Take.
type Taken struct {
	// Status is in the order of the charges.
	Status []Status

	r        *Rates
	slots    []*rateEntry // concurrent ones, to be given back
	released atomic.Bool
	few      [4]Status
	fewSlots [2]*rateEntry
}

// Refusal says which limit refused: if several did, the one that takes longest.
type Refusal struct {
	Limit     *RateLimit
	Remaining int64
	// RetryAfter is how long the caller must wait at least; more than 0. For
	// Concurrent nobody knows, and it is one second.
	RetryAfter time.Duration
	// Reset is when all of the limit will be available again.
	Reset time.Time
}

// MaxEntries bounds the number of counters that a Rates keeps (see NewRates).
const MaxEntries = 100_000

const (
	rateShards = 64
	// A window is cut into this many buckets and a bucket is counted until all
	// of it has left the window, so counts err by at most one bucket, upwards:
	// 64/65 = 98.4 % of a limit is usable at a steady rate.
	windowBuckets = 64
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

type rateShard struct {
	mu      sync.Mutex
	entries map[rateKey]*rateEntry
	order   []*rateEntry // all entries, for the sweep
	hand    int
	_       [64]byte // keeps neighbouring locks off one cache line
}

type rateIdent struct {
	concurrent bool
	window     time.Duration
	scope      string
	name       string
}

type rateKey struct {
	rateIdent
	value string
}

// rateFamily counts the entries of one limit's identity.
type rateFamily struct{ live atomic.Int64 }

// NewRates returns empty counters.
func NewRates() *Rates { return newRates(MaxEntries) }

func newRates(limit int64) *Rates {
	r := &Rates{base: time.Now(), seed: maphash.MakeSeed(), max: limit, families: map[rateIdent]*rateFamily{}}
	for i := range r.shards {
		r.shards[i].entries = map[rateKey]*rateEntry{}
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

type rateHit struct {
	key   rateKey
	shard uint32
	at    int // index of the charge
	entry *rateEntry
	took  bool
}

// Take charges one request to every limit or, if one refuses, to none. Requests
// stay charged; concurrency is given back by Taken.Release, which must be called
// exactly when the request has ended.
//
// No window of a limit, wherever it starts, admits more than its amount.
func (r *Rates) Take(now time.Time, req []Charge) (*Taken, *Refusal) {
	t := r.now(now)
	var few [4]rateHit
	hits := few[:0]
	for i := range req {
		hits = append(hits, r.hit(&req[i], i))
	}
	// One order for all: whoever takes several shards takes the lowest first.
	if len(hits) > 1 {
		slices.SortFunc(hits, func(a, b rateHit) int { return cmp.Compare(a.shard, b.shard) })
	}
	for i := range hits {
		if i == 0 || hits[i].shard != hits[i-1].shard {
			r.shards[hits[i].shard].mu.Lock()
		}
	}
	defer func() {
		for i := range hits {
			if i == 0 || hits[i].shard != hits[i-1].shard {
				r.shards[hits[i].shard].mu.Unlock()
			}
		}
	}()

	var refused *Refusal
	for i := range hits {
		h := &hits[i]
		l := req[h.at].Limit
		h.entry = r.entry(h, t)
		if h.entry.take(l.Amount, t) {
			h.took = true
			continue
		}
		f := h.entry.refusal(l, t, now)
		if refused == nil || f.RetryAfter > refused.RetryAfter {
			refused = f
		}
	}
	if refused != nil {
		for i := range hits {
			if hits[i].took {
				hits[i].entry.untake()
			}
		}
		return nil, refused
	}
	taken := &Taken{r: r}
	taken.slots = taken.fewSlots[:0]
	if len(req) <= len(taken.few) {
		taken.Status = taken.few[:len(req)]
	} else {
		taken.Status = make([]Status, len(req))
	}
	for i := range hits {
		h := &hits[i]
		taken.Status[h.at] = h.entry.status(req[h.at].Limit, t, now)
		if h.key.concurrent {
			taken.slots = append(taken.slots, h.entry)
		}
	}
	return taken, nil
}

// Release gives the concurrency back. It is idempotent and safe from any
// goroutine; on a nil Taken it does nothing.
func (t *Taken) Release() {
	if t == nil || t.released.Swap(true) {
		return
	}
	for _, e := range t.slots {
		s := &t.r.shards[e.shard]
		s.mu.Lock()
		e.inflight--
		s.mu.Unlock()
	}
}
