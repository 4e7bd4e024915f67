package limits

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// plainWindow is the plainest model of a sliding window: a list of what was
// charged when. It knows no slices.
type plainWindow struct {
	window time.Duration
	events []plainEvent
}

type plainEvent struct {
	at time.Duration
	n  int64
}

// since is the sum of what was charged after a moment.
func (w *plainWindow) since(from time.Duration) (sum int64) {
	for _, e := range w.events {
		if e.at > from {
			sum += e.n
		}
	}
	return sum
}

// openCharge is a held charge in the model.
type openCharge struct {
	taken *Taken
	event int // index in plainWindow.events
	n     int64
}

// Whatever is taken, reserved, settled, refunded and owed in whatever order: a
// window admits what a list of all charges allows, refuses only what a list that
// forgets one slice later refuses, and never counts below nothing.
func TestWindowAgainstPlainList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRates()
		amount := rapid.Int64Range(1, 10_000).Draw(t, "amount")
		window := time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(time.Hour)).Draw(t, "window"))
		slack := 2 * (window/windowSlices + 1)
		l := &RateLimit{Dimension: Tokens, Amount: amount, Window: window, Scope: "team"}
		m := plainWindow{window: window}
		now := time.Duration(0)
		var open []openCharge
		var settled []plainEvent // of charges: as they were in the end, without debts
		check := func() {
			s := &r.shards
			for i := range s {
				for _, e := range s[i].order {
					sum := int64(0)
					for _, b := range e.window.buckets[e.window.head:] {
						if b.n < 0 {
							t.Fatalf("a slice counts %d", b.n)
						}
						sum += b.n
					}
					if sum != e.window.total || len(e.window.buckets) > windowSlices+2 {
						t.Fatalf("total %d, slices %d in %d", e.window.total, sum, len(e.window.buckets))
					}
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"": func(*rapid.T) { check() },
			"wait": func(t *rapid.T) {
				now += time.Duration(rapid.Int64Range(0, int64(window)/4).Draw(t, "step"))
			},
			"leap": func(t *rapid.T) {
				now += time.Duration(rapid.Int64Range(0, int64(window)*3).Draw(t, "leap"))
			},
			"charge": func(t *rapid.T) {
				n := rapid.Int64Range(1, amount+amount/8+1).Draw(t, "n")
				hold := rapid.Bool().Draw(t, "hold")
				ask := func() (*Taken, *Refusal) {
					return r.Take(r.base.Add(now), []Charge{{Limit: l, Value: "v", N: n, Hold: hold}})
				}
				taken, refused := ask()
				if refused != nil {
					if m.since(now-window-slack)+n <= amount {
						t.Fatalf("%d refused with %d of %d used", n, m.since(now-window-slack), amount)
					}
					if refused.Never != (n > amount) || refused.RetryAfter <= 0 || refused.Remaining < 0 || refused.Need != n {
						t.Fatalf("%+v", refused)
					}
					if refused.Never || !rapid.Bool().Draw(t, "obey") {
						return
					}
					now += refused.RetryAfter
					if taken, refused = ask(); refused != nil {
						t.Fatalf("refused after waiting as told: %+v", refused)
					}
				}
				if used := m.since(now - window); used+n > amount {
					t.Fatalf("%d admitted with %d of %d used", n, used, amount)
				}
				m.events = append(m.events, plainEvent{now, n})
				if hold {
					open = append(open, openCharge{taken, len(m.events) - 1, n})
				} else {
					settled = append(settled, plainEvent{now, n})
					taken.Release()
				}
			},
			"settle": func(t *rapid.T) {
				if len(open) == 0 {
					return
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				o := open[i]
				open = slices.Delete(open, i, i+1)
				used := rapid.Int64Range(-1, 2*o.n).Draw(t, "used")
				o.taken.Settle(r.base.Add(now), func(*RateLimit) int64 { return used })
				o.taken.Settle(r.base.Add(now), func(*RateLimit) int64 { return 0 }) // nothing
				switch {
				case used < 0:
					used = o.n
				case used < o.n:
					m.events[o.event].n = used
				case used > o.n:
					m.events = append(m.events, plainEvent{now, used - o.n})
				}
				settled = append(settled, plainEvent{m.events[o.event].at, min(used, o.n)})
			},
		})
		for _, o := range open {
			o.taken.Release()
			settled = append(settled, plainEvent{m.events[o.event].at, o.n})
		}
		// No window, wherever it starts.
		for _, from := range settled {
			sum := int64(0)
			for _, e := range settled {
				if e.at >= from.at && e.at < from.at+window {
					sum += e.n
				}
			}
			if sum > amount {
				t.Fatalf("%d in one window of %s, limit %d", sum, window, amount)
			}
		}
		// Nothing stays once all is over.
		now += window + slack
		if taken, refused := r.Take(r.base.Add(now), []Charge{{Limit: l, Value: "v", N: amount}}); refused != nil {
			t.Fatalf("all is over and %+v", refused)
		} else {
			taken.Release()
		}
	})
}

// A transaction over several limits of all kinds charges all or none, whatever
// the order of its charges.
func TestTransactionsAreAllOrNone(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRates()
		limits := []*RateLimit{
			{Dimension: Requests, Amount: 30, Window: time.Minute, Scope: "key"},
			{Dimension: Requests, Amount: 50, Window: time.Hour, Scope: "team", Burst: 10},
			{Dimension: Tokens, Amount: 500, Window: time.Minute, Scope: "org"},
			{Dimension: OutputTokens, Amount: 300, Window: time.Minute, Scope: "user", Burst: 200},
			{Dimension: Concurrent, Amount: 4, Scope: "global"},
			{Dimension: Concurrent, Amount: 3, Scope: "key"},
		}
		values := []string{"a", "b", ""}
		now := r.base
		left := func(l *RateLimit, value string) int64 {
			var h rateHit
			r.find(&h, &Charge{Limit: l, Value: value})
			s := &r.shards[h.shard]
			s.mu.Lock()
			defer s.mu.Unlock()
			if e := s.get(h.hash, h.fam, h.value); e != nil {
				return e.left(l, e.share(l.Amount), r.now(now))
			}
			if l.Burst > 0 {
				return l.Burst
			}
			return l.Amount
		}
		var open []*Taken
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(t, "step")))
			},
			"end": func(t *rapid.T) {
				if len(open) == 0 {
					return
				}
				i := rapid.IntRange(0, len(open)-1).Draw(t, "which")
				open[i].Settle(now, func(*RateLimit) int64 { return rapid.Int64Range(-1, 200).Draw(t, "used") })
				open = slices.Delete(open, i, i+1)
			},
			"take": func(t *rapid.T) {
				var req []Charge
				for _, l := range rapid.Permutation(limits).Draw(t, "order")[:rapid.IntRange(1, len(limits)).Draw(t, "of")] {
					c := Charge{Limit: l, Value: rapid.SampledFrom(values).Draw(t, "value"), Hold: rapid.Bool().Draw(t, "hold")}
					switch l.Dimension {
					case Tokens:
						c.N, c.PerOutput = rapid.Int64Range(0, 100).Draw(t, "input"), 2
					case OutputTokens:
						c.PerOutput = 2
					}
					req = append(req, c)
				}
				most := rapid.Int64Range(0, 200).Draw(t, "most")
				least := rapid.Int64Range(0, most).Draw(t, "least")
				var before []int64
				for _, c := range req {
					before = append(before, left(c.Limit, c.Value))
				}
				taken, refused := r.Reserve(now, req, least, most)
				if refused == nil && (taken.Output < least || taken.Output > most) {
					t.Fatalf("output %d, wanted %d to %d", taken.Output, least, most)
				}
				short := false
				for i, c := range req {
					after := left(c.Limit, c.Value)
					switch want := c.weight(least); {
					case refused != nil && after != before[i]:
						t.Fatalf("%s: a refused request left %d of %d", c.Limit.Dimension, after, before[i])
					case refused != nil && want > before[i]:
						short = true
					case refused == nil && before[i]-after != c.weight(taken.Output):
						t.Fatalf("%s: charged %d, want %d", c.Limit.Dimension, before[i]-after, c.weight(taken.Output))
					case refused == nil && taken.Status[i].Remaining != max(0, after):
						t.Fatalf("%s: told %d, left %d", c.Limit.Dimension, taken.Status[i].Remaining, after)
					}
				}
				if refused != nil && !short {
					t.Fatalf("refused although all fits: %+v", refused)
				}
				if refused == nil {
					open = append(open, taken)
				}
			},
		})
		for _, k := range open {
			k.Release()
		}
		for _, l := range limits[4:] {
			for _, v := range values {
				if got := left(l, v); got != l.Amount {
					t.Fatalf("%d of %d slots after all have ended", got, l.Amount)
				}
			}
		}
	})
}
