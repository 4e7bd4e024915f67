package limits

import (
	"crypto/sha256"
	"encoding/hex"
	"hash/maphash"
	"strings"
	"time"
)

// rateEntry is the counter of one limit and scope value. Its shard's lock
// guards it.
type rateEntry struct {
	key      rateKey
	family   *rateFamily
	shard    uint32
	index    int   // in rateShard.order
	inflight int64 // of Concurrent
	total    int64 // of Requests: the sum of buckets
	width    int64 // of a bucket, in ns
	head     int   // first bucket that counts
	buckets  []bucket
}

// bucket counts the requests of one slice of time. Only slices in which
// something happened have one, so that a caller seen once costs little.
type bucket struct{ slice, n int64 }

func (r *Rates) hit(c *Charge, at int) rateHit {
	l := c.Limit
	h := rateHit{at: at}
	h.key.concurrent = l.Dimension == Concurrent
	if !h.key.concurrent {
		h.key.window = l.Window
	}
	h.key.scope, h.key.name, h.key.value = l.Scope, l.Name, c.Value
	switch {
	case c.Value == "":
		h.key.value = None
	case len(c.Value) > maxValue:
		sum := sha256.Sum256([]byte(c.Value))
		h.key.value = "sha256:" + hex.EncodeToString(sum[:])
	}
	h.shard = r.shardOf(&h.key)
	return h
}

// shardOf mixes the value with the length of the window: limits of one scope
// should not all meet in one shard.
func (r *Rates) shardOf(k *rateKey) uint32 {
	x := maphash.String(r.seed, k.value) + uint64(k.window)*0x9e3779b97f4a7c15
	if k.concurrent {
		x += 0xd1b54a32d192ed03
	}
	return uint32((x>>32)^x) % rateShards
}

// entry finds or makes the counter of a hit, whose shard is locked. If there is
// no room it is the one that newcomers share.
func (r *Rates) entry(h *rateHit, t int64) *rateEntry {
	s := &r.shards[h.shard]
	if e := s.entries[h.key]; e != nil {
		return e
	}
	fam := r.family(h.key.rateIdent)
	r.sweep(s, t, 4)
	if h.key.value != overflow && (r.live.Load() >= r.max || fam.live.Load() >= max(1, r.max/2)) {
		r.sweep(s, t, 64)
		if r.live.Load() >= r.max || fam.live.Load() >= max(1, r.max/2) {
			// The shared counter must be one and the same for all, but its
			// shard may come earlier in the order of locks; so there is one in
			// every shard, and each admits its part of the amount.
			k := h.key
			k.value = overflow
			if e := s.entries[k]; e != nil {
				return e
			}
			h.key = k
		}
	}
	k := h.key
	k.value = strings.Clone(k.value) // it may be a piece of a large request
	e := &rateEntry{key: k, family: fam, shard: h.shard, index: len(s.order)}
	if !k.concurrent {
		e.width = max(1, (int64(k.window)+windowBuckets-1)/windowBuckets)
	}
	s.entries[k] = e
	s.order = append(s.order, e)
	r.live.Add(1)
	fam.live.Add(1)
	return e
}

func (r *Rates) family(id rateIdent) *rateFamily {
	r.famMu.Lock()
	defer r.famMu.Unlock()
	f := r.families[id]
	if f == nil {
		f = &rateFamily{}
		r.families[id] = f
	}
	return f
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
		delete(s.entries, e.key)
		e.family.live.Add(-1)
		r.live.Add(-1)
	}
}

func (e *rateEntry) idle(t int64) bool {
	if e.key.concurrent {
		return e.inflight == 0
	}
	e.expire(t)
	return e.total == 0
}

// expire forgets the buckets that have wholly left the window that ends at t.
func (e *rateEntry) expire(t int64) {
	oldest := t/e.width - windowBuckets // the slice in which that window starts
	for e.head < len(e.buckets) && e.buckets[e.head].slice < oldest {
		e.total -= e.buckets[e.head].n
		e.head++
	}
	if e.head == len(e.buckets) {
		e.buckets, e.head = e.buckets[:0], 0
	}
}

// share is the part of an amount that a counter may admit: all of it, but for
// the counters that strangers share, of which there is one in each shard.
func (e *rateEntry) share(amount int64) int64 {
	if e.key.value != overflow {
		return amount
	}
	part := amount / rateShards
	if int64(e.shard) < amount%rateShards {
		part++
	}
	return part
}

func (e *rateEntry) take(amount, t int64) bool {
	amount = e.share(amount)
	if e.key.concurrent {
		if e.inflight >= amount {
			return false
		}
		e.inflight++
		return true
	}
	e.expire(t)
	if e.total >= amount {
		return false
	}
	slice := t / e.width
	if n := len(e.buckets); n > e.head && e.buckets[n-1].slice >= slice {
		e.buckets[n-1].n++
	} else {
		if n == cap(e.buckets) && e.head > 0 { // make room in place
			n = copy(e.buckets, e.buckets[e.head:])
			e.buckets, e.head = e.buckets[:n], 0
		}
		e.buckets = append(e.buckets, bucket{slice, 1})
	}
	e.total++
	return true
}

// untake undoes a take, within the same hold of the lock.
func (e *rateEntry) untake() {
	if e.key.concurrent {
		e.inflight--
		return
	}
	n := len(e.buckets) - 1
	e.total--
	if e.buckets[n].n--; e.buckets[n].n == 0 {
		e.buckets = e.buckets[:n]
	}
}

// leaves returns when the last request of a slice stops counting, from t on.
func (e *rateEntry) leaves(slice, t int64) time.Duration {
	return max(1, time.Duration((slice+windowBuckets+1)*e.width-t))
}

func (e *rateEntry) status(l *RateLimit, t int64, now time.Time) Status {
	amount := e.share(l.Amount)
	if e.key.concurrent {
		return Status{Limit: l, Remaining: max(0, amount-e.inflight), Reset: now}
	}
	return Status{Limit: l, Remaining: max(0, amount-e.total), Reset: now.Add(e.leaves(e.buckets[len(e.buckets)-1].slice, t))}
}

func (e *rateEntry) refusal(l *RateLimit, t int64, now time.Time) *Refusal {
	f := &Refusal{Limit: l, RetryAfter: time.Second, Reset: now.Add(time.Second)}
	if e.key.concurrent || e.total == 0 { // nothing is counted and yet it refuses: no share
		return f
	}
	// Wait until enough slices have left for one more request.
	excess := e.total - e.share(l.Amount) + 1
	for i := e.head; i < len(e.buckets); i++ {
		excess -= e.buckets[i].n
		f.RetryAfter = e.leaves(e.buckets[i].slice, t)
		if excess <= 0 {
			break
		}
	}
	f.Reset = now.Add(e.leaves(e.buckets[len(e.buckets)-1].slice, t))
	return f
}
