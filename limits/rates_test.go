package limits

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"
)

func perKey(n int64, w time.Duration) *RateLimit {
	return &RateLimit{Dimension: Requests, Amount: n, Window: w, Scope: "key"}
}

// worstWindow returns the largest number of moments in any window of length w.
func worstWindow(at []time.Duration, w time.Duration) int {
	worst, from := 0, 0
	for i := range at {
		for at[i]-at[from] >= w {
			from++
		}
		worst = max(worst, i-from+1)
	}
	return worst
}

func TestNoWindowAdmitsMoreThanItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(1, 50).Draw(t, "amount")
		window := time.Duration(rapid.Int64Range(1, int64(time.Hour)).Draw(t, "window"))
		r := NewRates()
		l := perKey(amount, window)
		now, elapsed := r.base, time.Duration(0)
		var admitted []time.Duration
		for i := range rapid.IntRange(1, 400).Draw(t, "n") {
			// Steps from none to a few windows, most of them small.
			step := time.Duration(rapid.Int64Range(0, int64(window)*3/20+1).Draw(t, "step"))
			if i%37 == 0 {
				step = time.Duration(rapid.Int64Range(0, int64(window)*3).Draw(t, "leap"))
			}
			now, elapsed = now.Add(step), elapsed+step
			taken, refused := r.Take(now, []Charge{{Limit: l, Value: "k"}})
			if taken != nil {
				admitted = append(admitted, elapsed)
				continue
			}
			if refused.RetryAfter <= 0 || refused.Limit != l {
				t.Fatalf("refusal %+v", refused)
			}
			// The wait it names is enough.
			if rapid.Bool().Draw(t, "obey") {
				now, elapsed = now.Add(refused.RetryAfter), elapsed+refused.RetryAfter
				if taken, refused := r.Take(now, []Charge{{Limit: l, Value: "k"}}); taken == nil {
					t.Fatalf("refused after waiting as told: %+v", refused)
				}
				admitted = append(admitted, elapsed)
			}
		}
		if w := worstWindow(admitted, window); int64(w) > amount {
			t.Fatalf("%d admitted in one window of %s, limit %d", w, window, amount)
		}
	})
}

func TestWindowIsUsable(t *testing.T) {
	for _, tc := range []struct {
		amount int64
		window time.Duration
	}{{600, time.Minute}, {100_000, time.Minute}, {1000, time.Second}, {7_000, time.Hour}} {
		r := NewRates()
		l := perKey(tc.amount, tc.window)
		// A greedy caller that asks twice as often as it may, for 20 windows.
		const windows = 20
		admitted := int64(0)
		for i := range 2 * tc.amount * windows {
			at := r.base.Add(time.Duration(i * int64(tc.window) / (2 * tc.amount)))
			if taken, _ := r.Take(at, []Charge{{Limit: l, Value: "k"}}); taken != nil {
				admitted++
			}
		}
		got := admitted * 1000 / (tc.amount * windows)
		t.Logf("%d in %s: %d.%d %% usable", tc.amount, tc.window, got/10, got%10)
		if got < 980 {
			t.Errorf("%d in %s: %d of 1000 usable, want 980", tc.amount, tc.window, got)
		}
	}
}

// All of a limit is there after a pause, at once.
func TestFullBurstAfterPause(t *testing.T) {
	r := NewRates()
	l := perKey(60, time.Minute)
	for round := range 3 {
		now := r.base.Add(time.Duration(round) * 62 * time.Second)
		for i := range 60 {
			if _, refused := r.Take(now, []Charge{{Limit: l, Value: "k"}}); refused != nil {
				t.Fatalf("round %d, request %d: %+v", round, i, refused)
			}
		}
		if _, refused := r.Take(now, []Charge{{Limit: l, Value: "k"}}); refused == nil {
			t.Fatalf("round %d: the 61st was admitted", round)
		}
	}
}

func TestAllOrNone(t *testing.T) {
	r := NewRates()
	team := &RateLimit{Dimension: Requests, Amount: 2, Window: time.Minute, Scope: "team"}
	key := perKey(10, time.Minute)
	slots := &RateLimit{Dimension: Concurrent, Amount: 5, Scope: "key"}
	charges := []Charge{{Limit: key, Value: "k"}, {Limit: slots, Value: "k"}, {Limit: team, Value: "t"}}
	for range 2 {
		if _, refused := r.Take(r.base, charges); refused != nil {
			t.Fatal(refused)
		}
	}
	for range 20 {
		_, refused := r.Take(r.base, charges)
		if refused == nil || refused.Limit != team {
			t.Fatalf("refusal %+v", refused)
		}
	}
	taken, refused := r.Take(r.base, []Charge{{Limit: key, Value: "k"}, {Limit: slots, Value: "k"}})
	if refused != nil {
		t.Fatal(refused)
	}
	if taken.Status[0].Remaining != 7 || taken.Status[1].Remaining != 2 {
		t.Errorf("refused requests were charged: %+v", taken.Status)
	}
}

func TestStrictestRefusalSpeaks(t *testing.T) {
	r := NewRates()
	minute, hour := perKey(1, time.Minute), perKey(1, time.Hour)
	r.Take(r.base, []Charge{{Limit: minute, Value: "k"}, {Limit: hour, Value: "k"}})
	for _, order := range [][]Charge{{{Limit: minute, Value: "k"}, {Limit: hour, Value: "k"}}, {{Limit: hour, Value: "k"}, {Limit: minute, Value: "k"}}} {
		_, refused := r.Take(r.base.Add(time.Second), order)
		if refused == nil || refused.Limit != hour || refused.RetryAfter < 59*time.Minute {
			t.Fatalf("%+v", refused)
		}
	}
}

func TestReleaseGivesBackOnce(t *testing.T) {
	r := NewRates()
	l := &RateLimit{Dimension: Concurrent, Amount: 2, Scope: "key"}
	a, _ := r.Take(r.base, []Charge{{Limit: l, Value: "k"}})
	b, _ := r.Take(r.base, []Charge{{Limit: l, Value: "k"}})
	if _, refused := r.Take(r.base, []Charge{{Limit: l, Value: "k"}}); refused == nil || refused.RetryAfter != time.Second {
		t.Fatalf("%+v", refused)
	}
	a.Release()
	a.Release()
	if c, _ := r.Take(r.base, []Charge{{Limit: l, Value: "k"}}); c == nil {
		t.Fatal("the slot did not come back")
	}
	if c, _ := r.Take(r.base, []Charge{{Limit: l, Value: "k"}}); c != nil {
		t.Fatal("a double release made a slot")
	}
	b.Release()
	(*Taken)(nil).Release()
}

func TestIdentity(t *testing.T) {
	base := func() *RateLimit {
		return &RateLimit{Dimension: Requests, Amount: 1, Window: time.Minute, Scope: "key"}
	}
	for name, tc := range map[string]struct {
		change func(*RateLimit)
		value  string
		shares bool
	}{
		"amount is not identity": {func(l *RateLimit) { l.Amount = 1 }, "", true},
		"another limit object":   {func(*RateLimit) {}, "", true},
		"window":                 {func(l *RateLimit) { l.Window = time.Hour }, "", false},
		"scope":                  {func(l *RateLimit) { l.Scope = "team" }, "", false},
		"name":                   {func(l *RateLimit) { l.Name = "n" }, "", false},
		"dimension":              {func(l *RateLimit) { l.Dimension = Concurrent }, "", false},
		"value":                  {func(*RateLimit) {}, "v", false},
		"none by name":           {func(*RateLimit) {}, None, true},
	} {
		r := NewRates()
		first, l := base(), base()
		r.Take(r.base, []Charge{{Limit: first}})
		tc.change(l)
		_, refused := r.Take(r.base, []Charge{{Limit: l, Value: tc.value}})
		if (refused != nil) != tc.shares {
			t.Errorf("%s: shares %v, want %v", name, refused != nil, tc.shares)
		}
	}
}

// A reload brings new amounts for the same counters.
func TestAmountTravelsWithTheRequest(t *testing.T) {
	r := NewRates()
	for range 5 {
		r.Take(r.base, []Charge{{Limit: perKey(10, time.Minute), Value: "k"}})
	}
	if _, refused := r.Take(r.base, []Charge{{Limit: perKey(3, time.Minute), Value: "k"}}); refused == nil || refused.Remaining != 0 {
		t.Fatalf("a lowered limit admits: %+v", refused)
	}
	taken, _ := r.Take(r.base, []Charge{{Limit: perKey(20, time.Minute), Value: "k"}})
	if taken == nil || taken.Status[0].Remaining != 14 {
		t.Fatalf("%+v", taken)
	}
}

// In a running server times carry a monotonic reading: the wall clock may jump.
// Where they do not, time that went back frees nothing.
func TestClockSetBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRates()
		l := perKey(5, time.Minute)
		wall := r.base.Round(0) // no monotonic reading
		real := time.Duration(0)
		var admitted []time.Duration
		for range 300 {
			step := time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "step"))
			real += step
			wall = wall.Add(step)
			if rapid.IntRange(0, 20).Draw(t, "jump") == 0 {
				wall = wall.Add(-time.Duration(rapid.Int64Range(0, int64(time.Hour)).Draw(t, "back")))
			}
			if taken, _ := r.Take(wall, []Charge{{Limit: l, Value: "k"}}); taken != nil {
				admitted = append(admitted, real)
			}
		}
		if w := worstWindow(admitted, time.Minute); w > 5 {
			t.Fatalf("%d in a minute", w)
		}
	})
}

// A request that has waited comes with a time of the past. It counts from when
// it is charged, as far as others have shown what time it is.
func TestStaleTime(t *testing.T) {
	r := NewRates()
	l := perKey(1, time.Minute)
	r.Take(r.base.Add(time.Minute), []Charge{{Limit: l, Value: "other"}})
	r.Take(r.base, []Charge{{Limit: l, Value: "k"}})
	if taken, _ := r.Take(r.base.Add(90*time.Second), []Charge{{Limit: l, Value: "k"}}); taken != nil {
		t.Error("two in half a minute")
	}
}

func TestRunningTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewRates()
		l := perKey(10, time.Minute)
		for i := range 10 {
			if _, refused := r.Take(time.Now(), []Charge{{Limit: l, Value: "k"}}); refused != nil {
				t.Fatalf("%d: %+v", i, refused)
			}
			time.Sleep(time.Second)
		}
		_, refused := r.Take(time.Now(), []Charge{{Limit: l, Value: "k"}})
		if refused == nil {
			t.Fatal("the 11th was admitted")
		}
		// The first left a minute after it came, give or take a bucket.
		if refused.RetryAfter < 50*time.Second || refused.RetryAfter > 51*time.Second {
			t.Errorf("retry after %s", refused.RetryAfter)
		}
		time.Sleep(refused.RetryAfter - 1)
		if taken, _ := r.Take(time.Now(), []Charge{{Limit: l, Value: "k"}}); taken != nil {
			t.Error("admitted before the time that was named")
		}
		time.Sleep(time.Nanosecond)
		if _, refused := r.Take(time.Now(), []Charge{{Limit: l, Value: "k"}}); refused != nil {
			t.Errorf("%+v", refused)
		}
	})
}

func TestHostileScopeValues(t *testing.T) {
	const limit = 2_000
	r := newRates(limit)
	hostile := &RateLimit{Dimension: Requests, Amount: 100, Window: time.Hour, Scope: "{http.request.header.X}"}
	honest := perKey(5, time.Minute)
	admitted := 0
	for i := range 20 * limit {
		value := fmt.Sprint("v", i)
		if i%100 == 0 {
			value += strings.Repeat("x", 10_000)
		}
		if taken, _ := r.Take(r.base, []Charge{{Limit: hostile, Value: value}}); taken != nil {
			admitted++
		}
	}
	if n := r.Len(); n > limit/2+rateShards {
		t.Errorf("%d counters live, want at most half of %d and one a shard", n, limit)
	}
	// Those that found no room are limited together.
	if admitted > limit/2+100 {
		t.Errorf("%d admitted", admitted)
	}
	// Others still have room, and their limits hold.
	for i := range 100 {
		v := fmt.Sprint("honest", i)
		for n := range 6 {
			taken, _ := r.Take(r.base, []Charge{{Limit: honest, Value: v}})
			if (taken != nil) != (n < 5) {
				t.Fatalf("honest caller %d, request %d: admitted %v", i, n, taken != nil)
			}
		}
	}
	// When the hour is over, room comes back.
	later := r.base.Add(2 * time.Hour)
	for i := range 3 * limit {
		r.Take(later, []Charge{{Limit: hostile, Value: fmt.Sprint("w", i%(limit/4))}})
	}
	for i := range limit / 4 {
		if taken, _ := r.Take(later, []Charge{{Limit: hostile, Value: fmt.Sprint("w", i)}}); taken == nil {
			t.Fatal("no room after idle counters expired")
		}
	}
	for i := range r.shards {
		for _, e := range r.shards[i].order {
			if len(e.value) > maxValue {
				t.Fatalf("a value of %d bytes is kept", len(e.value))
			}
		}
	}
}

func TestConcurrentTakes(t *testing.T) {
	r := NewRates()
	key := &RateLimit{Dimension: Requests, Amount: 300, Window: time.Hour, Scope: "key"}
	team := &RateLimit{Dimension: Requests, Amount: 500, Window: time.Hour, Scope: "team"}
	slots := &RateLimit{Dimension: Concurrent, Amount: 7, Scope: "global"}
	var admitted, running, most atomic.Int64
	var wg sync.WaitGroup
	for g := range 16 {
		wg.Go(func() {
			k := fmt.Sprint("k", g%2)
			for range 2000 {
				// The order of the charges must not matter to the locks.
				charges := []Charge{{Limit: key, Value: k}, {Limit: team, Value: "t"}, {Limit: slots, Value: "g"}}
				if g%3 == 0 {
					charges = []Charge{{Limit: slots, Value: "g"}, {Limit: team, Value: "t"}, {Limit: key, Value: k}}
				}
				taken, _ := r.Take(time.Now(), charges)
				if taken == nil {
					continue
				}
				admitted.Add(1)
				n := running.Add(1)
				for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
				}
				running.Add(-1)
				taken.Release()
			}
		})
	}
	wg.Wait()
	if admitted.Load() > 500 || most.Load() > 7 {
		t.Errorf("%d admitted, %d at once", admitted.Load(), most.Load())
	}
	if taken, _ := r.Take(time.Now(), []Charge{{Limit: slots, Value: "g"}}); taken == nil || taken.Status[0].Remaining != 6 {
		t.Errorf("slots leaked: %+v", taken)
	}
}

func TestOneLimitTwiceInOneTake(t *testing.T) {
	r := NewRates()
	l := perKey(3, time.Minute)
	if _, refused := r.Take(r.base, []Charge{{Limit: l, Value: "k"}, {Limit: l, Value: "k"}}); refused != nil {
		t.Fatal(refused)
	}
	if _, refused := r.Take(r.base, []Charge{{Limit: l, Value: "k"}, {Limit: l, Value: "k"}}); refused == nil {
		t.Fatal("4 of 3 admitted")
	}
	if taken, _ := r.Take(r.base, []Charge{{Limit: l, Value: "k"}}); taken == nil {
		t.Fatal("the refused pair was charged")
	}
}
