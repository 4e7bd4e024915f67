package limits

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

type rateShard struct {
	mu sync.Mutex
	// entries are found by hash; those of one hash are a list. The hash is keyed,
	// so nobody can aim at one.
	entries map[uint64]*rateEntry
	order   []*rateEntry // all entries, for the sweep
	hand    int
	_       [64]byte // keeps neighbouring locks off one cache line
}

// rateIdent is what makes two configured limits one.
type rateIdent struct {
	dimension string
	window    time.Duration
	scope     string
	name      string
	burst     bool
}

// rateFamily is a limit's identity in one Rates, with what all its counters
// share.
type rateFamily struct {
	rates      *Rates
	concurrent bool
	burst      bool
	window     int64 // in ns
	width      int64 // of a slice of the window, in ns
	salt       uint64
	live       atomic.Int64 // counters of this identity
}

// rateEntry is the counter of one limit and scope value. Its shard's lock
// guards it.
type rateEntry struct {
	fam      *rateFamily
	value    string
	hash     uint64
	next     *rateEntry // of the same hash
	shard    uint32
	index    int   // in rateShard.order
	held     int   // open charges; a counter with any is not idle
	inflight int64 // of Concurrent
	window   slidingWindow
	meter    *meter // instead of window, where the family has a burst
}

// family finds what the counters of a limit share.
func (r *Rates) family(l *RateLimit) *rateFamily {
	if f := l.bound.Load(); f != nil && f.rates == r {
		return f
	}
	id := rateIdent{l.Dimension, l.Window, l.Scope, l.Name, l.Burst > 0}
	if l.Dimension == Concurrent {
		id.window, id.burst = 0, false
	}
	r.famMu.Lock()
	defer r.famMu.Unlock()
	f := r.families[id]
	if f == nil {
		w := max(1, int64(id.window))
		f = &rateFamily{
			rates: r, concurrent: l.Dimension == Concurrent, burst: id.burst, salt: rand.Uint64(),
			window: w, width: (w + windowSlices - 1) / windowSlices,
		}
		r.families[id] = f
	}
	l.bound.Store(f)
	return f
}

// find says which counter a charge goes to.
func (r *Rates) find(h *rateHit, c *Charge) {
	h.fam = r.family(c.Limit)
	h.value = c.Value
	switch {
	case c.Value == "":
		h.value = None
	case len(c.Value) > maxValue:
		sum := sha256.Sum256([]byte(c.Value))
		h.value = "sha256:" + hex.EncodeToString(sum[:])
	}
	// The family is mixed in: limits of one scope should not all meet in one
	// shard.
	h.hash = (maphash.String(r.seed, h.value) ^ h.fam.salt) * 0x9e3779b97f4a7c15
	h.shard = uint32(h.hash >> (64 - rateShardBits))
}

func (s *rateShard) get(hash uint64, fam *rateFamily, value string) *rateEntry {
	for e := s.entries[hash]; e != nil; e = e.next {
		if e.fam == fam && e.value == value {
			return e
		}
	}
	return nil
}

// entry finds or makes the counter of a hit, whose shard is locked. If there is
// no room it is the one that newcomers share.
func (r *Rates) entry(h *rateHit, t int64) *rateEntry {
	s := &r.shards[h.shard]
	if e := s.get(h.hash, h.fam, h.value); e != nil {
		return e
	}
	value := h.value
	r.sweep(s, t, 4)
	if value != overflow && r.full(h.fam) {
		r.sweep(s, t, 64)
		if r.full(h.fam) {
			// The shared counter must be one and the same for all, but its
			// shard may come earlier in the order of locks; so there is one in
			// every shard, and each admits its part of the amount.
			value = overflow
			h.hash = h.fam.salt + uint64(h.shard)
			if e := s.get(h.hash, h.fam, value); e != nil {
				return e
			}
		}
	}
	e := &rateEntry{
		fam: h.fam, hash: h.hash, next: s.entries[h.hash], shard: h.shard, index: len(s.order),
		value: strings.Clone(value), // it may be a piece of a large request
	}
	if h.fam.burst {
		e.meter = new(meter)
	}
	s.entries[h.hash] = e
	s.order = append(s.order, e)
	r.live.Add(1)
	h.fam.live.Add(1)
	return e
}

func (r *Rates) full(fam *rateFamily) bool {
	return r.live.Load() >= r.max || fam.live.Load() >= max(1, r.max/2)
}

// sweep looks at the next n entries of a shard and removes those that no longer
// say anything.
func (r *Rates) sweep(s *rateShard, t int64, n int) {
	for range n {
		if len(s.order) == 0 {
			return
		}
		if s.hand >= len(s.order) {
			s.hand = 0
		}
		e := s.order[s.hand]
		if !e.idle(t) {
			s.hand++
			continue
		}
		last := s.order[len(s.order)-1]
		s.order[e.index], last.index = last, e.index
		s.order[len(s.order)-1] = nil
		s.order = s.order[:len(s.order)-1]
		s.forget(e)
		e.fam.live.Add(-1)
		r.live.Add(-1)
	}
}

// forget takes an entry off the list of its hash.
func (s *rateShard) forget(e *rateEntry) {
	first := s.entries[e.hash]
	if first == e {
		if e.next == nil {
			delete(s.entries, e.hash)
		} else {
			s.entries[e.hash] = e.next
		}
		return
	}
	for ; first != nil; first = first.next {
		if first.next == e {
			first.next = e.next
			return
		}
	}
}

func (e *rateEntry) idle(t int64) bool {
	switch {
	case e.held > 0:
		return false
	case e.fam.concurrent:
		return e.inflight == 0
	case e.meter != nil:
		e.meter.drain(e.fam.window, t)
		return e.meter.level == 0
	}
	e.window.expire(e.fam.width, t)
	return e.window.total == 0
}

// share is the part of an amount that a counter may admit: all of it, but for
// the counters that strangers share, of which there is one in each shard.
func (e *rateEntry) share(amount int64) int64 {
	if e.value != overflow {
		return amount
	}
	part := amount / rateShards
	if int64(e.shard) < amount%rateShards {
		part++
	}
	return part
}

// left returns how much the counter has room for; less than 0 when it is in
// debt. amount is the limit's for this counter.
func (e *rateEntry) left(l *RateLimit, amount, t int64) int64 {
	switch {
	case e.fam.concurrent:
		return amount - e.inflight
	case e.meter != nil:
		e.meter.set(amount, e.share(l.Burst))
		e.meter.drain(e.fam.window, t)
		return e.meter.burst - e.meter.level
	}
	e.window.expire(e.fam.width, t)
	return amount - e.window.total
}

// charge takes n, for which there is room. It returns where that is kept, for
// uncharge and settle.
func (e *rateEntry) charge(n, t int64) (mark int64) {
	switch {
	case e.fam.concurrent:
		e.inflight += n
		return 0
	case e.meter != nil:
		return e.meter.charge(n)
	}
	return e.window.charge(e.fam.width, t, n)
}

// uncharge undoes the latest charge, within the same hold of the lock.
func (e *rateEntry) uncharge(n, mark int64) {
	switch {
	case e.fam.concurrent:
		e.inflight -= n
	case e.meter != nil:
		e.meter.level -= n
	default:
		e.window.refund(mark, n)
	}
}

func (e *rateEntry) status(l *RateLimit, amount, t int64) Status {
	s := Status{Limit: l, Amount: amount}
	switch {
	case e.fam.concurrent:
		s.Remaining = max(0, amount-e.inflight)
	case e.meter != nil:
		s.Amount = e.meter.burst
		s.Remaining = max(0, e.meter.burst-e.meter.level)
		s.Reset = e.meter.wait(e.fam.window, e.meter.level)
	default:
		s.Remaining = max(0, amount-e.window.total)
		s.Reset = e.window.empty(e.fam.width, t)
	}
	return s
}

// refusal explains why there is no room for a hit.
func (e *rateEntry) refusal(c *Charge, h *rateHit, t int64) *Refusal {
	s := e.status(c.Limit, h.amount, t)
	f := &Refusal{Limit: c.Limit, Amount: s.Amount, Remaining: s.Remaining, Need: h.n, Reset: s.Reset, RetryAfter: time.Second}
	whole := c.Limit.amount(h.value)
	if c.Limit.Burst > 0 && !e.fam.concurrent {
		whole = c.Limit.Burst
	}
	switch {
	case h.n > whole:
		f.Never = true
	case h.n > s.Amount: // only of a counter that strangers share
		f.RetryAfter = max(s.Reset, time.Second)
	case e.fam.concurrent:
		f.Reset = time.Second
	case e.meter != nil:
		f.RetryAfter = e.meter.wait(e.fam.window, e.meter.level+h.n-e.meter.burst)
	default:
		f.RetryAfter = e.window.wait(e.fam.width, t, e.window.total+h.n-h.amount)
	}
	f.RetryAfter = max(f.RetryAfter, 1)
	return f
}
