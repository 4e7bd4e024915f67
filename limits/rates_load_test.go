package limits

import (
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func tokensPer(scope string, n int64, w time.Duration) *RateLimit {
	return &RateLimit{Dimension: Tokens, Amount: n, Window: w, Scope: scope}
}

// A thousand at once on one limit: exactly as many as it allows.
func TestThousandAtOnce(t *testing.T) {
	for name, l := range map[string]*RateLimit{
		"requests":   {Dimension: Requests, Amount: 100, Window: time.Hour, Scope: "key"},
		"burst":      {Dimension: Requests, Amount: 1, Window: 24 * time.Hour, Burst: 100, Scope: "key"},
		"concurrent": {Dimension: Concurrent, Amount: 100, Scope: "key"},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewRates()
			var admitted atomic.Int64
			var wg sync.WaitGroup
			start := make(chan struct{})
			for range 1000 {
				wg.Go(func() {
					<-start
					if taken, _ := r.Take(time.Now(), []Charge{{Limit: l, Value: "k"}}); taken != nil {
						admitted.Add(1)
					}
				})
			}
			close(start)
			wg.Wait()
			if admitted.Load() != 100 {
				t.Errorf("%d admitted, want 100", admitted.Load())
			}
		})
	}
}

// A thousand calls that reserve, use less, as much or more, and end, all at once:
// what is held and used without debt never exceeds the limit.
func TestThousandReservationsAtOnce(t *testing.T) {
	for _, burst := range []int64{0, 100_000} {
		r := NewRates()
		l := tokensPer("team", 100_000, 24*time.Hour)
		l.Burst = burst
		var charged, admitted, refused atomic.Int64
		var wg sync.WaitGroup
		start := make(chan struct{})
		for i := range 1000 {
			wg.Go(func() {
				<-start
				for range 5 {
					taken, _ := r.Reserve(time.Now(), []Charge{{Limit: l, Value: "t", N: 100, PerOutput: 1, Hold: true}}, 200, 900)
					if taken == nil {
						refused.Add(1)
						continue
					}
					admitted.Add(1)
					held := 100 + taken.Output
					if n := charged.Add(held); n > 100_000 {
						t.Errorf("%d held of 100,000", n)
					}
					used := held * int64(i%3) / 2 // none, half or all of it
					charged.Add(used - held)
					taken.Settle(time.Now(), func(*RateLimit) int64 { return used })
				}
			})
		}
		close(start)
		wg.Wait()
		t.Logf("burst %d: %d admitted, %d refused, %d tokens charged", burst, admitted.Load(), refused.Load(), charged.Load())
		if admitted.Load() == 0 || refused.Load() == 0 || charged.Load() < 99_000 {
			t.Errorf("the limit was not reached: %d admitted, %d refused, %d charged", admitted.Load(), refused.Load(), charged.Load())
		}
	}
}

// Ten thousand requests that end in any way, at any time, some twice: no slot is
// lost, none is made, and nothing stays open.
func TestNoSlotIsLost(t *testing.T) {
	r := NewRates()
	slots := &RateLimit{Dimension: Concurrent, Amount: 16, Scope: "key"}
	tokens := tokensPer("team", 1<<40, time.Minute)
	meter := &RateLimit{Dimension: Requests, Amount: 1 << 40, Burst: 1 << 40, Window: time.Minute, Scope: "key"}
	end := func(k *Taken) {
		switch rand.IntN(5) {
		case 0:
			k.Release()
		case 1:
			k.Settle(time.Now(), func(*RateLimit) int64 { return rand.Int64N(1000) })
		case 2:
			k.Settle(time.Now(), func(*RateLimit) int64 { return -1 })
		case 3:
			k.Release()
			k.Settle(time.Now(), func(*RateLimit) int64 { return 0 })
		default:
			func() {
				defer func() { _ = recover() }()
				defer k.Release()
				panic("a handler failed")
			}()
		}
	}
	var wg sync.WaitGroup
	var running, most, admitted atomic.Int64
	for range 100 {
		wg.Go(func() {
			for range 100 {
				taken, _ := r.Take(time.Now(), []Charge{{Limit: slots, Value: "k"}, {Limit: tokens, N: 500, Hold: true}, {Limit: meter, Hold: true}})
				if taken == nil {
					continue
				}
				admitted.Add(1)
				n := running.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				running.Add(-1)
				end(taken)
			}
		})
	}
	wg.Wait()
	if most.Load() > 16 || admitted.Load() == 0 {
		t.Errorf("%d at once of 16, %d admitted", most.Load(), admitted.Load())
	}
	for i := range r.shards {
		for _, e := range r.shards[i].order {
			if e.inflight != 0 || e.held != 0 || (e.meter != nil && len(e.meter.open) != 0) {
				t.Errorf("%d slots and %d charges stay", e.inflight, e.held)
			}
		}
	}
}

// What nobody uses any more goes, whatever it counted; what is still open stays,
// so that what a long call owes is charged where it was reserved.
func TestIdleCountersGo(t *testing.T) {
	r := NewRates()
	limits := []*RateLimit{
		tokensPer("key", 1000, time.Minute),
		{Dimension: Tokens, Amount: 1000, Burst: 1000, Window: time.Minute, Scope: "key"},
		{Dimension: Concurrent, Amount: 5, Scope: "key"},
	}
	sweep := func(after time.Duration) int {
		for i := range r.shards {
			r.shards[i].mu.Lock()
			r.sweep(&r.shards[i], r.now(r.base.Add(after)), 1000)
			r.shards[i].mu.Unlock()
		}
		return r.Len()
	}
	take := func(value string) *Taken {
		t.Helper()
		k, refused := r.Take(r.base, []Charge{{Limit: limits[0], Value: value, N: 600, Hold: true}, {Limit: limits[1], Value: value, N: 600, Hold: true}, {Limit: limits[2], Value: value}})
		if refused != nil {
			t.Fatalf("%+v", refused)
		}
		return k
	}
	long := take("long")
	for i := range 50 {
		take(fmt.Sprint(i)).Settle(r.base, func(*RateLimit) int64 { return 500 })
	}
	if got := r.Len(); got < 3+2*50 {
		t.Errorf("%d counters, want 100 that count and 3 that are open", got)
	}
	if got := sweep(time.Hour); got != 3 {
		t.Errorf("%d counters after an hour, want the 3 of the call that still runs", got)
	}
	now := r.base.Add(time.Hour)
	long.Settle(now, func(*RateLimit) int64 { return 1400 }) // 800 more than it reserved
	for i, l := range limits[:2] {
		_, refused := r.Take(now, []Charge{{Limit: l, Value: "long", N: 300}})
		if refused == nil || refused.Remaining != 200 {
			t.Errorf("%d: a debt of 800 left %+v", i, refused)
		}
	}
	if got := sweep(2 * time.Hour); got != 0 {
		t.Errorf("%d counters stay", got)
	}
}

// Found in other gateways: the counter was raised before the check, so rejected
// calls ate the quota.
func TestRefusedCallsBurnNoQuota(t *testing.T) {
	for _, burst := range []int64{0, 10} {
		r := NewRates()
		l := &RateLimit{Dimension: Requests, Amount: 10, Window: time.Minute, Burst: burst, Scope: "key"}
		charge := []Charge{{Limit: l, Value: "k"}}
		for range 10 {
			r.Take(r.base, charge)
		}
		for i := range 1000 {
			if taken, _ := r.Take(r.base.Add(time.Duration(i)*time.Millisecond), charge); taken != nil {
				t.Fatal("the 11th was admitted")
			}
		}
		if taken, _ := r.Take(r.base.Add(61*time.Second), []Charge{{Limit: l, Value: "k", N: 10}}); taken == nil {
			t.Errorf("burst %d: refused calls were charged", burst)
		}
	}
}

// Found in other gateways: windows of fixed minutes let twice the limit through
// around the full minute.
func TestNotAFixedWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRates()
		l := perKey(10, time.Minute)
		admit := func() (n int) {
			for range 20 {
				if taken, _ := r.Take(time.Now(), []Charge{{Limit: l, Value: "k"}}); taken != nil {
					n++
				}
			}
			return n
		}
		time.Sleep(time.Until(time.Now().Truncate(time.Minute).Add(time.Minute - time.Second)))
		if n := admit(); n != 10 {
			t.Errorf("%d before the full minute", n)
		}
		for range 58 {
			time.Sleep(time.Second)
			if n := admit(); n != 0 {
				t.Fatalf("%d more within a minute", n)
			}
		}
		time.Sleep(3 * time.Second)
		if n := admit(); n != 10 {
			t.Errorf("%d after the window", n)
		}
	})
}

// Found in other gateways: counters drifted below zero, and admitted more than
// the limit from then on.
func TestCountersNeverNegative(t *testing.T) {
	for _, burst := range []int64{0, 100} {
		r := NewRates()
		l := tokensPer("key", 100, time.Minute)
		l.Burst = burst
		take := func(at time.Duration, n int64) *Taken {
			t.Helper()
			k, refused := r.Take(r.base.Add(at), []Charge{{Limit: l, N: n, Hold: true}})
			if refused != nil {
				t.Fatalf("%+v", refused)
			}
			return k
		}
		none := func(*RateLimit) int64 { return 0 }
		// Settled long after its window; settled twice; settled while another
		// counts in its place.
		late := take(0, 90)
		twice := take(2*time.Minute, 40)
		late.Settle(r.base.Add(2*time.Minute), none)
		twice.Settle(r.base.Add(2*time.Minute), none)
		twice.Settle(r.base.Add(2*time.Minute), none)
		twice.Release()
		if got := twice.Status[0].Remaining; got != 100 {
			t.Errorf("burst %d: %d left of 100", burst, got)
		}
		take(2*time.Minute, 100)
		if _, refused := r.Take(r.base.Add(2*time.Minute), []Charge{{Limit: l}}); refused == nil {
			t.Errorf("burst %d: more than the limit", burst)
		}
	}
}

// Found in other gateways: a call that costs more than the whole limit crashed
// the limiter. Here it is told that it never fits, and a settled one is owed.
func TestMoreThanTheWholeLimit(t *testing.T) {
	for _, burst := range []int64{0, 100} {
		r := NewRates()
		l := tokensPer("key", 100, time.Minute)
		l.Burst = burst
		_, refused := r.Take(r.base, []Charge{{Limit: l, N: 101}})
		if refused == nil || !refused.Never || refused.Need != 101 || refused.Amount != 100 {
			t.Errorf("%+v", refused)
		}
		k, _ := r.Take(r.base, []Charge{{Limit: l, N: 50, Hold: true}})
		k.Settle(r.base, func(*RateLimit) int64 { return 150 })
		if k.Status[0].Remaining != 0 {
			t.Errorf("%+v", k.Status)
		}
		_, refused = r.Take(r.base.Add(time.Second), []Charge{{Limit: l}})
		if refused == nil || refused.Never || refused.RetryAfter < 20*time.Second {
			t.Errorf("burst %d: a debt lets %+v", burst, refused)
		}
	}
}

// Strangers who each hold something: what is held cannot make room, and the
// rest are limited together; all of it goes when they end.
func TestHostileValuesThatHold(t *testing.T) {
	const most = 1000
	r := newRates(most)
	l := tokensPer("{http.request.header.X}", 6400, time.Minute)
	slots := &RateLimit{Dimension: Concurrent, Amount: 64, Scope: "{http.request.header.X}"}
	var open []*Taken
	strangers := 0
	for i := range 20 * most {
		k, refused := r.Take(r.base, []Charge{{Limit: l, Value: fmt.Sprint("v", i), N: 100, Hold: true}, {Limit: slots, Value: fmt.Sprint("v", i)}})
		switch {
		case refused == nil:
			open = append(open, k)
		case refused.Never || refused.RetryAfter <= 0:
			t.Fatalf("%+v", refused)
		default:
			strangers++
		}
	}
	if n := r.Len(); n > most+2*rateShards {
		t.Errorf("%d counters of at most %d", n, most)
	}
	if strangers == 0 || len(open) > most/2+64 {
		t.Errorf("%d admitted, %d refused", len(open), strangers)
	}
	for _, k := range open {
		k.Settle(r.base, func(*RateLimit) int64 { return 50 })
	}
	later := r.base.Add(2 * time.Minute)
	for i := range r.shards {
		r.sweep(&r.shards[i], r.now(later), 1000)
	}
	if n := r.Len(); n != 0 {
		t.Errorf("%d counters stay", n)
	}
}

// Providers that lie about what was used, again and again.
func TestDebtsDoNotOverflow(t *testing.T) {
	for _, burst := range []int64{0, 100} {
		r := NewRates()
		l := tokensPer("key", 100, time.Minute)
		l.Burst = burst
		var open []*Taken
		for range 20 {
			k, refused := r.Take(r.base, []Charge{{Limit: l, Hold: true}})
			if refused != nil {
				t.Fatalf("%+v", refused)
			}
			open = append(open, k)
		}
		for _, k := range open {
			k.Settle(r.base, func(*RateLimit) int64 { return math.MaxInt64 })
			if k.Status[0].Remaining != 0 {
				t.Fatalf("%+v", k.Status[0])
			}
		}
		if taken, _ := r.Take(r.base, []Charge{{Limit: l}}); taken != nil {
			t.Error("admitted")
		}
		if taken, _ := r.Take(r.base.Add(3*time.Minute), []Charge{{Limit: l}}); taken == nil {
			t.Error("locked out")
		}
	}
}

// Found in other limiters: 24 bytes for each token of a limit, for each key.
func TestMemoryOfALargeTokenLimit(t *testing.T) {
	r := NewRates()
	l := tokensPer("key", 1_000_000, time.Minute)
	for i := range 1_000_000 {
		if taken, refused := r.Take(r.base.Add(time.Duration(i)*59*time.Microsecond), []Charge{{Limit: l}}); taken == nil {
			t.Fatalf("%d: %+v", i, refused)
		}
	}
	for i := range r.shards {
		for _, e := range r.shards[i].order {
			if cap(e.window.buckets) > windowSlices+8 {
				t.Errorf("room for %d slices", cap(e.window.buckets))
			}
		}
	}
}

// The wall clock is set back; nothing is freed. (Set forward it is not seen at
// all: times of a running process carry a monotonic reading.)
func TestWallClockJumps(t *testing.T) {
	for _, burst := range []int64{0, 10} {
		r := NewRates()
		l := &RateLimit{Dimension: Requests, Amount: 10, Window: time.Minute, Burst: burst, Scope: "key"}
		for range 10 {
			r.Take(time.Now(), []Charge{{Limit: l}})
		}
		for _, jump := range []time.Duration{-time.Hour, -time.Minute} {
			if taken, _ := r.Take(time.Now().Round(0).Add(jump), []Charge{{Limit: l}}); taken != nil {
				t.Errorf("burst %d: a clock set back by %s freed the limit", burst, -jump)
			}
		}
		if taken, _ := r.Take(time.Now(), []Charge{{Limit: l}}); taken != nil {
			t.Error("the limit was freed")
		}
	}
}

// Overrides are amounts of single scope values; a reload may bring others.
func TestOverrides(t *testing.T) {
	r := NewRates()
	l := &RateLimit{Dimension: Requests, Amount: 2, Window: time.Minute, Scope: "team", Overrides: map[string]int64{"research": 5, None: 1}}
	for value, want := range map[string]int{"growth": 2, "research": 5, "": 1} {
		n := 0
		for range 10 {
			taken, refused := r.Take(r.base, []Charge{{Limit: l, Value: value}})
			if refused != nil {
				if refused.Amount != int64(want) {
					t.Errorf("%q: refused with %+v", value, refused)
				}
				break
			}
			if taken.Status[0].Amount != int64(want) {
				t.Errorf("%q: %+v", value, taken.Status[0])
			}
			n++
		}
		if n != want {
			t.Errorf("%q: %d admitted, want %d", value, n, want)
		}
	}
	more := &RateLimit{Dimension: Requests, Amount: 2, Window: time.Minute, Scope: "team", Overrides: map[string]int64{"growth": 4}}
	if taken, _ := r.Take(r.base, []Charge{{Limit: more, Value: "growth"}}); taken == nil || taken.Status[0].Remaining != 1 {
		t.Errorf("%+v", taken)
	}
}
