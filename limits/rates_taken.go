package limits

import (
	"sync/atomic"
	"time"
)

// Taken is a successful Take or Reserve. It must be ended, by Release or Settle;
// whichever comes first counts.
type Taken struct {
	// Status is in the order of the charges; Settle brings it up to date.
	Status []Status
	// Output is what Reserve has chosen.
	Output int64

	r     *Rates
	items []takenItem // what has to be given back or may change
	ended atomic.Bool
}

// oneTaken and fewTaken are a Taken with room for what it lists, so that it is
// one piece of memory.
type oneTaken struct {
	Taken
	status [1]Status
	items  [1]takenItem
}

type fewTaken struct {
	Taken
	status [4]Status
	items  [2]takenItem
}

// newTaken returns a Taken with n statuses and room for some items.
func newTaken(n, items int) *Taken {
	switch {
	case n == 1:
		k := new(oneTaken)
		k.Status, k.Taken.items = k.status[:], k.items[:0]
		return &k.Taken
	case n <= 4 && items <= 2:
		k := new(fewTaken)
		k.Status, k.Taken.items = k.status[:n], k.items[:0]
		return &k.Taken
	}
	// Meters point into the items: they must not move.
	return &Taken{Status: make([]Status, n), items: make([]takenItem, 0, items)}
}

// takenItem is an open charge, or a slot.
type takenItem struct {
	entry *rateEntry
	n     int64
	// mark is where the charge is kept: the slice of a window, the position in a
	// meter.
	mark int64
	at   int // index of the charge
}

// taken makes the result of a transaction whose shards are still locked.
func (r *Rates) taken(req []Charge, hits []rateHit, output, t int64) *Taken {
	open := 0
	for i := range hits {
		if hits[i].fam.concurrent || req[hits[i].at].Hold {
			open++
		}
	}
	k := newTaken(len(req), open)
	k.r, k.Output = r, output
	for i := range hits {
		h := &hits[i]
		e := h.entry
		k.Status[h.at] = e.status(req[h.at].Limit, h.amount, t)
		if !e.fam.concurrent && !req[h.at].Hold {
			continue
		}
		k.items = append(k.items, takenItem{entry: e, n: h.n, mark: h.mark, at: h.at})
		if e.fam.concurrent {
			continue
		}
		e.held++
		if e.meter != nil {
			e.meter.open = append(e.meter.open, &k.items[len(k.items)-1])
		}
	}
	return k
}

// Release ends it without a change: concurrency is given back, all else stays as
// it was charged. It is idempotent and safe from any goroutine; on a nil Taken
// it does nothing.
func (k *Taken) Release() {
	if k == nil || k.ended.Swap(true) {
		return
	}
	k.end(0, nil)
}

// Settle ends it: concurrency is given back, and each held charge is replaced by
// what used says was really used of its limit, at the time now. Less is refunded
// where it was charged; more is a debt, counted from now on, even if it exceeds
// the limit. A negative figure leaves the charge as it is. It is idempotent and
// safe from any goroutine; on a nil Taken it does nothing.
func (k *Taken) Settle(now time.Time, used func(*RateLimit) int64) {
	if k == nil || k.ended.Swap(true) {
		return
	}
	k.end(k.r.now(now), used)
}

func (k *Taken) end(t int64, used func(*RateLimit) int64) {
	for i := range k.items {
		it := &k.items[i]
		n := it.n
		if used != nil && !it.entry.fam.concurrent {
			if u := used(k.Status[it.at].Limit); u >= 0 {
				n = u
			}
		}
		k.endItem(it, &k.Status[it.at], n, t, used != nil)
	}
}

func (k *Taken) endItem(it *takenItem, st *Status, used, t int64, settled bool) {
	e := it.entry
	s := &k.r.shards[e.shard]
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.fam.concurrent {
		e.inflight -= it.n
		return
	}
	e.held--
	switch {
	case e.meter != nil:
		e.meter.drain(e.fam.window, t)
		e.meter.settle(it, used)
	case used < it.n:
		e.window.expire(e.fam.width, t)
		e.window.refund(it.mark, it.n-used)
	case used > it.n:
		e.window.expire(e.fam.width, t)
		e.window.charge(e.fam.width, t, min(used-it.n, max(0, maxTotal-e.window.total)))
	}
	if settled {
		*st = e.status(st.Limit, st.Amount, t)
	}
}
