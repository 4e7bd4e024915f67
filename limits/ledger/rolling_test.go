package ledger

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Rolling budgets against a plain list of what was spent when, with restarts,
// grants and a clock that is set forth and back: no window admits more than the
// amount, and what surely fits is admitted.
func TestRollingAgainstAModel(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n, ".db"))
		now := noon
		o := Options{NoSync: true, Now: func() time.Time { return now }}
		l := openAt(t, path, o)
		defer func() { l.Close() }()
		b := &Budget{Amount: 100, Window: rapid.SampledFrom([]Window{Hour, Day, Week, Month}).Draw(rt, "window"), Rolling: true, Scope: "key",
			Unit: rapid.SampledFrom([]Unit{USD, Tokens}).Draw(rt, "unit")}
		span := time.Duration(b.Window.seconds()) * time.Second
		slot := time.Duration(b.Window.slotWidth()) * time.Second
		type spent struct {
			at, latest time.Time // the clock, and the latest that it had shown
			n          llm.Money
		}
		var events []spent
		open := map[int]*Hold{}
		needs := map[int]llm.Money{}
		made := 0
		latest := now
		granted, sure, grantEnd := llm.Money(0), llm.Money(0), time.Time{}
		row := func(cost llm.Money) Row { return Row{Cost: cost, Tokens: int64(cost)} }
		reserved := func() (sum llm.Money) {
			for i := range open {
				sum += needs[i]
			}
			return sum
		}
		rt.Repeat(map[string]func(*rapid.T){
			"reserve": func(rt *rapid.T) {
				need := llm.Money(rapid.Int64Range(1, 60).Draw(rt, "need"))
				exact, atMost := llm.Money(0), llm.Money(0)
				for _, e := range events {
					if e.at.After(now.Add(-span)) {
						exact += e.n
					}
					if e.latest.After(now.Add(-span - 2*slot)) {
						atMost += e.n
					}
				}
				// A grant that has ended once does not come back with the clock.
				amount, surely := b.Amount, b.Amount
				if now.Before(grantEnd) {
					amount += granted
				}
				if latest.Before(grantEnd) {
					surely += sure
				}
				h, refused, err := l.Reserve(now, Call{ID: id(made), Time: now}, []Charge{{Budget: b, Value: "k", Need: need}})
				switch held := reserved(); {
				case err != nil:
					rt.Fatal(err)
				case h != nil && exact+held+need > amount:
					rt.Fatalf("%d admitted with %d spent and %d held of %d", need, exact, held, amount)
				case h == nil && atMost+held+need <= surely:
					rt.Fatalf("%d refused with at most %d spent and %d held of %d: %+v", need, atMost, held, amount, refused)
				}
				if h != nil {
					open[made], needs[made] = h, need
					made++
				} else if refused.Ends.Before(now) {
					rt.Fatalf("it ends at %s, in the past", refused.Ends)
				}
			},
			"settle": func(rt *rapid.T) {
				for i := range made {
					h := open[i]
					if h == nil {
						continue
					}
					cost := llm.Money(rapid.Int64Range(0, 80).Draw(rt, "cost"))
					h.Settle(now, row(cost))
					events = append(events, spent{now, latest, cost})
					delete(open, i)
					return
				}
				rt.SkipNow()
			},
			"grant": func(rt *rapid.T) {
				g := llm.Money(rapid.Int64Range(1, 50).Draw(rt, "amount"))
				if err := l.Grant(t.Context(), *b, "k", g, now); err != nil {
					rt.Fatal(err)
				}
				if !now.Before(grantEnd) {
					granted = 0
				}
				if !latest.Before(grantEnd) {
					sure = 0
				}
				granted, sure, grantEnd = granted+g, sure+g, now.Add(span)
			},
			"time passes": func(rt *rapid.T) {
				now = now.Add(time.Duration(rapid.Int64Range(1, int64(span)).Draw(rt, "d"))).Truncate(time.Second)
				if now.After(latest) {
					latest = now
				}
			},
			"the clock is set back": func(rt *rapid.T) {
				if latest.Sub(now) <= time.Hour { // by clockSlack at most
					now = now.Add(-time.Hour)
				}
			},
			"restart": func(rt *rapid.T) {
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				l = openAt(t, path, o)
				for i := range open {
					events = append(events, spent{now, latest, needs[i]})
				}
				open = map[int]*Hold{}
			},
		})
	})
}
