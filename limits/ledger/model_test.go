package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The ledger against a plain model: sums in a map.
func TestAgainstAModel(t *testing.T) {
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		path := filepath.Join(dir, fmt.Sprint(n, ".db"))
		o := Options{NoSync: true, hooks: hooks{area: 4 * journalPage, applyEvery: time.Millisecond}}
		l := openAt(t, path, o)
		defer func() { l.Close() }()
		budgets := []*Budget{
			{Amount: 100, Window: Day, Scope: "key"}, {Amount: 300, Window: Month, Scope: "team"}, {Amount: 150, Window: Total, Scope: "key", Name: "n"},
		}
		type call struct {
			h    *Hold
			need llm.Money
			keys []string
		}
		settled, reserved := map[string]llm.Money{}, map[string]llm.Money{}
		calls := map[int]*call{}
		now, made := noon, 0
		key := func(b *Budget, v string) string {
			switch b.Window {
			case Day:
				return b.Label() + v + now.Format(time.DateOnly)
			case Month:
				return b.Label() + v + now.Format("2006-01")
			}
			return b.Label() + v
		}
		end := func(i int, cost llm.Money) {
			c := calls[i]
			for _, k := range c.keys {
				reserved[k] -= c.need
				settled[k] += cost
			}
			delete(calls, i)
		}
		pick := func(rt *rapid.T) int {
			if len(calls) == 0 {
				rt.SkipNow()
			}
			ids := make([]int, 0, len(calls))
			for i := range made {
				if calls[i] != nil {
					ids = append(ids, i)
				}
			}
			return rapid.SampledFrom(ids).Draw(rt, "call")
		}
		rt.Repeat(map[string]func(*rapid.T){
			"reserve": func(rt *rapid.T) {
				need := llm.Money(rapid.Int64Range(1, 60).Draw(rt, "need"))
				var charges []Charge
				var keys []string
				fits := true
				for _, b := range budgets {
					if !rapid.Bool().Draw(rt, b.Label()) {
						continue
					}
					v := rapid.SampledFrom([]string{"a", "b"}).Draw(rt, "value")
					k := key(b, v)
					charges, keys = append(charges, charge(b, v)), append(keys, k)
					fits = fits && settled[k]+reserved[k]+need <= b.Amount
				}
				h, refused, err := reserve(l, now, Call{ID: id(made), Time: now}, need, charges)
				if err != nil || (h != nil) != fits || (refused == nil) != fits {
					rt.Fatalf("reserve %d: admitted %v, the model says %v (%v)", need, h != nil, fits, err)
				}
				if fits {
					for _, k := range keys {
						reserved[k] += need
					}
					calls[made] = &call{h, need, keys}
					made++
				}
			},
			"settle": func(rt *rapid.T) {
				i := pick(rt)
				cost := llm.Money(rapid.Int64Range(0, 80).Draw(rt, "cost"))
				calls[i].h.Settle(now, Row{Cost: cost})
				end(i, cost)
			},
			"cancel": func(rt *rapid.T) {
				i := pick(rt)
				calls[i].h.Cancel()
				end(i, 0)
			},
			"time passes": func(rt *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(1, 60).Draw(rt, "hours")) * time.Hour) },
			"restart": func(rt *rapid.T) {
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				l = openAt(t, path, o)
				for i := range made {
					if calls[i] != nil {
						end(i, calls[i].need)
					}
				}
			},
			"crash": func(rt *rapid.T) {
				// Settlements are written soon, and a crash before that charges
				// the reservation: wait for them.
				h, _, err := reserve(l, now, Call{ID: ID{Request: fmt.Sprint("barrier", n)}, Time: now}, 1, []Charge{charge(crashBudget, "barrier")})
				if err == nil {
					err = h.Durable(context.Background())
				}
				if err != nil {
					rt.Fatal(err)
				}
				h.Cancel()
				n++
				copied := filepath.Join(dir, fmt.Sprint(n, ".db"))
				snapshot(rt, l, copied)
				if err := l.Close(); err != nil {
					rt.Fatal(err)
				}
				path = copied
				l = openAt(t, path, o)
				for i := range made {
					if calls[i] != nil {
						end(i, calls[i].need)
					}
				}
			},
			"": func(rt *rapid.T) {
				sum := llm.Money(0)
				for _, c := range calls {
					if len(c.keys) > 0 {
						sum += c.need
					}
				}
				if l.Reserved() != sum {
					rt.Fatalf("reserved %d, the model says %d", l.Reserved(), sum)
				}
				for _, b := range budgets {
					for _, v := range []string{"a", "b"} {
						s, r, _ := l.Balance(*b, v, now)
						if k := key(b, v); s != settled[k] || r != reserved[k] {
							rt.Fatalf("%s: settled %d, reserved %d; the model says %d, %d", k, s, r, settled[k], reserved[k])
						}
					}
				}
			},
		})
	})
}
