package limits

import (
	"math"
	"math/big"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// plainMeter is the plainest model of a rate with a burst: a queue of charges
// that a leak works off in order, in exact fractions of a unit.
type plainMeter struct {
	window, rate, burst int64
	at                  time.Duration
	queue               []*plainCharge
}

type plainCharge struct{ left *big.Int } // in units of 1/window

func (m *plainMeter) drain(now time.Duration) {
	supply := new(big.Int).Mul(big.NewInt(int64(now-m.at)), big.NewInt(m.rate))
	m.at = now
	for len(m.queue) > 0 && supply.Sign() > 0 {
		c := m.queue[0]
		if c.left.Cmp(supply) > 0 {
			c.left.Sub(c.left, supply)
			return
		}
		supply.Sub(supply, c.left)
		c.left.SetInt64(0)
		m.queue = m.queue[1:]
	}
}

// level is what is in the queue, in units rounded up.
func (m *plainMeter) level() int64 {
	sum := new(big.Int)
	for _, c := range m.queue {
		sum.Add(sum, c.left)
	}
	sum.Add(sum, big.NewInt(m.window-1))
	return sum.Div(sum, big.NewInt(m.window)).Int64()
}

func (m *plainMeter) add(n int64) *plainCharge {
	c := &plainCharge{new(big.Int).Mul(big.NewInt(n), big.NewInt(m.window))}
	m.queue = append(m.queue, c)
	return c
}

// refund takes whole units out of a charge, as far as it is still in the queue.
func (m *plainMeter) refund(c *plainCharge, n int64) {
	whole := new(big.Int).Div(c.left, big.NewInt(m.window))
	n = min(n, whole.Int64())
	c.left.Sub(c.left, new(big.Int).Mul(big.NewInt(n), big.NewInt(m.window)))
}

// A meter decides, to the nanosecond and the unit, as the queue does; and what
// it admits in any stretch of time, settled to what was used, is no more than
// the burst and what the rate gives in that time.
func TestBurstAgainstPlainQueue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRates()
		window := rapid.Int64Range(int64(time.Millisecond), int64(time.Hour)).Draw(t, "window")
		rate := rapid.Int64Range(1, 10_000).Draw(t, "rate")
		burst := rapid.Int64Range(1, 20_000).Draw(t, "burst")
		l := &RateLimit{Dimension: Tokens, Amount: rate, Window: time.Duration(window), Scope: "team", Burst: burst}
		m := &plainMeter{window: window, rate: rate, burst: burst}
		now := time.Duration(0)
		type held struct {
			taken *Taken
			c     *plainCharge
			n     int64
			at    time.Duration
		}
		var open []held
		var settled []plainEvent
		t.Repeat(map[string]func(*rapid.T){
			"wait": func(t *rapid.T) {
				now += time.Duration(rapid.Int64Range(0, window/4).Draw(t, "step"))
			},
			"leap": func(t *rapid.T) {
				now += time.Duration(rapid.Int64Range(0, window*3).Draw(t, "leap"))
			},
			"charge": func(t *rapid.T) {
				n := rapid.Int64Range(1, burst+burst/8+1).Draw(t, "n")
				hold := rapid.Bool().Draw(t, "hold")
				ask := func() (*Taken, *Refusal) {
					m.drain(now)
					return r.Take(r.base.Add(now), []Charge{{Limit: l, Value: "v", N: n, Hold: hold}})
				}
				taken, refused := ask()
				if (refused == nil) != (m.level()+n <= burst) {
					t.Fatalf("%d on %d of %d: %+v", n, m.level(), burst, refused)
				}
				if refused != nil {
					if refused.Never != (n > burst) || refused.Remaining != max(0, burst-m.level()) || refused.RetryAfter <= 0 {
						t.Fatalf("level %d: %+v", m.level(), refused)
					}
					if refused.Never || !rapid.Bool().Draw(t, "obey") {
						return
					}
					now += refused.RetryAfter - 1
					if _, again := ask(); again == nil {
						t.Fatalf("admitted a nanosecond before the time that was named")
					}
					now++
					if taken, refused = ask(); refused != nil {
						t.Fatalf("refused after waiting as told: %+v", refused)
					}
				}
				c := m.add(n)
				if taken.Status[0].Remaining != max(0, burst-m.level()) {
					t.Fatalf("told %d, level %d of %d", taken.Status[0].Remaining, m.level(), burst)
				}
				if hold {
					open = append(open, held{taken, c, n, now})
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
				m.drain(now)
				o.taken.Settle(r.base.Add(now), func(*RateLimit) int64 { return used })
				switch {
				case used < 0:
					used = o.n
				case used < o.n:
					m.refund(o.c, o.n-used)
				case used > o.n:
					m.add(max(0, min(used-o.n, burst+rate-m.level())))
				}
				settled = append(settled, plainEvent{o.at, min(used, o.n)})
			},
		})
		for _, o := range open {
			settled = append(settled, plainEvent{o.at, o.n})
		}
		for _, from := range settled {
			for _, to := range settled {
				if to.at < from.at {
					continue
				}
				sum := int64(0)
				for _, e := range settled {
					if e.at >= from.at && e.at <= to.at {
						sum += e.n
					}
				}
				// sum <= burst + rate * T / window
				over := new(big.Int).Mul(big.NewInt(sum-burst), big.NewInt(window))
				if over.Cmp(new(big.Int).Mul(big.NewInt(rate), big.NewInt(int64(to.at-from.at)))) > 0 {
					t.Fatalf("%d in %s, with a burst of %d and %d in %s", sum, to.at-from.at, burst, rate, time.Duration(window))
				}
			}
		}
	})
}

// All of the rate is usable, however the numbers divide.
func TestBurstIsUsable(t *testing.T) {
	for _, tc := range []struct {
		rate, burst int64
		window      time.Duration
	}{{7, 1, time.Second}, {600, 20, time.Minute}, {999_983, 1000, time.Minute}, {3, 3, time.Hour}} {
		r := NewRates()
		l := &RateLimit{Dimension: Requests, Amount: tc.rate, Window: tc.window, Burst: tc.burst, Scope: "key"}
		charge := []Charge{{Limit: l, Value: "k"}}
		const most = 20_000
		end := min(20*tc.window, tc.window/time.Duration(tc.rate)*most)
		admitted := int64(0)
		for now := time.Duration(0); now <= end; {
			if _, refused := r.Take(r.base.Add(now), charge); refused != nil {
				now += refused.RetryAfter
				continue
			}
			admitted++
		}
		given := tc.burst + int64(end)*tc.rate/int64(tc.window)
		t.Logf("%d in %s with a burst of %d: %d of %d", tc.rate, tc.window, tc.burst, admitted, given)
		if admitted > given+1 || admitted*1000 < given*990 {
			t.Errorf("%d in %s: %d of %d admitted", tc.rate, tc.window, admitted, given)
		}
	}
}

// What has leaked is time that has passed: giving it back would let it be used
// twice. What came behind keeps its place.
func TestBurstRefundsOnlyWhatHasNotLeaked(t *testing.T) {
	r := NewRates()
	l := &RateLimit{Dimension: Tokens, Amount: 60, Window: time.Minute, Burst: 100, Scope: "key"}
	take := func(at time.Duration, n int64) *Taken {
		t.Helper()
		k, refused := r.Take(r.base.Add(at), []Charge{{Limit: l, N: n, Hold: true}})
		if refused != nil {
			t.Fatalf("%d after %s: %+v", n, at, refused)
		}
		return k
	}
	first := take(0, 100) // 20 will turn out to be used
	second := take(50*time.Second, 30)
	if got := second.Status[0].Remaining; got != 20 {
		t.Fatalf("%d left, want 20", got)
	}
	first.Settle(r.base.Add(50*time.Second), func(*RateLimit) int64 { return 20 })
	if got := first.Status[0].Remaining; got != 70 {
		t.Fatalf("%d left, want 70: the second holds 30", got)
	}
	second.Settle(r.base.Add(50*time.Second), func(*RateLimit) int64 { return 0 })
	if got := second.Status[0].Remaining; got != 100 {
		t.Fatalf("%d left, want all", got)
	}
}

// A lying provider cannot lock a caller out for ever.
func TestBurstDebtIsBounded(t *testing.T) {
	r := NewRates()
	l := &RateLimit{Dimension: Tokens, Amount: 100, Window: time.Minute, Burst: 50, Scope: "key"}
	k, _ := r.Take(r.base, []Charge{{Limit: l, N: 10, Hold: true}})
	k.Settle(r.base, func(*RateLimit) int64 { return math.MaxInt64 })
	_, refused := r.Take(r.base, []Charge{{Limit: l}})
	if refused == nil || refused.Remaining != 0 || refused.RetryAfter > 61*time.Second || refused.RetryAfter < time.Minute {
		t.Fatalf("%+v", refused)
	}
	if _, refused := r.Take(r.base.Add(refused.RetryAfter), []Charge{{Limit: l}}); refused != nil {
		t.Fatalf("%+v", refused)
	}
}

// Amounts of any size neither overflow nor hang.
func TestBurstOfAnySize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := NewRates()
		size := rapid.Int64Range(1, MaxAmount)
		l := &RateLimit{
			Dimension: Tokens, Amount: size.Draw(t, "rate"), Burst: size.Draw(t, "burst"), Scope: "key",
			Window: time.Duration(rapid.Int64Range(int64(time.Millisecond), int64(MaxWindow)).Draw(t, "window")),
		}
		now := r.base
		for range 20 {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(100*365*24*time.Hour)/20).Draw(t, "step")))
			k, refused := r.Take(now, []Charge{{Limit: l, N: rapid.Int64().Draw(t, "n"), Hold: true}})
			if refused != nil {
				if refused.RetryAfter <= 0 || refused.Reset < 0 || refused.Remaining < 0 {
					t.Fatalf("%+v", refused)
				}
				continue
			}
			k.Settle(now, func(*RateLimit) int64 { return rapid.Int64().Draw(t, "used") })
			if s := k.Status[0]; s.Remaining < 0 || s.Remaining > l.Burst || s.Reset < 0 || s.Reset > MaxWindow {
				t.Fatalf("%+v", s)
			}
		}
	})
}

// Three calls in a row; when the first gives everything back, what the others
// hold moves up, and is still theirs to give back.
func TestBurstRefundsMoveTheQueue(t *testing.T) {
	r := NewRates()
	l := &RateLimit{Dimension: Tokens, Amount: 60, Window: time.Minute, Burst: 100, Scope: "key"}
	var k [3]*Taken
	for i := range k {
		k[i], _ = r.Take(r.base, []Charge{{Limit: l, N: 30, Hold: true}})
	}
	at := func(s int) time.Time { return r.base.Add(time.Duration(s) * time.Second) }
	none := func(*RateLimit) int64 { return 0 }
	left := func(i int, want int64) {
		t.Helper()
		if got := k[i].Status[0].Remaining; got != want {
			t.Errorf("%d left after %d, want %d", got, i, want)
		}
	}
	k[0].Settle(at(0), none)
	left(0, 40) // 60 held
	// 20 of the second have leaked since: 10 are left of it, not 30.
	k[1].Settle(at(20), none)
	left(1, 70)
	k[2].Settle(at(20), none)
	left(2, 100)
}
