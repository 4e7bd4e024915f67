package ledger

import (
	"context"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// BenchmarkReserveSettle measures whole calls: a durable reservation in two
// budgets, then its settlement. Bar: 14,000 calls/s with 64 writers.
func BenchmarkReserveSettle(b *testing.B) {
	for _, writers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			l, err := Open(filepath.Join(b.TempDir(), "ledger.db"), Options{})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			key := &Budget{Amount: llm.MaxMoney, Window: Day, Scope: "key"}
			team := &Budget{Amount: llm.MaxMoney, Window: Month, Scope: "team"}
			var n atomic.Int64
			var wg sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for w := range writers {
				wg.Go(func() {
					charges := []Charge{charge(key, fmt.Sprint("k", w)), charge(team, "t")}
					for n.Add(1) <= int64(b.N) {
						id, _ := uuid.NewV7()
						h, refused, err := reserve(l, time.Now(), Call{ID: ID{Request: id.String()}, Time: time.Now(), Key: "k", Provider: "openai", Model: "gpt-4o"}, 1000, charges)
						if refused != nil || err != nil {
							b.Error(refused, err)
							return
						}
						if err := h.Durable(context.Background()); err != nil {
							b.Error(err)
							return
						}
						h.Settle(time.Now(), Row{Cost: 900, Usage: llm.Usage{Input: 100, Output: 20}})
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
		})
	}
}

// BenchmarkDecide measures the decision alone, in memory: the last of the budgets
// refuses, so all are looked at and nothing is written. Bars: 200 ns for each scope,
// four scopes in 1 µs.
func BenchmarkDecide(b *testing.B) {
	l, err := Open(filepath.Join(b.TempDir(), "ledger.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	most := func(scope string, w Window) Charge {
		return charge(&Budget{Amount: llm.MaxMoney, Window: w, Scope: scope}, scope)
	}
	charges := []Charge{most("org", Month), most("team", Month), most("user", Week), charge(&Budget{Amount: 1, Window: Day, Scope: "key"}, "k")}
	for _, scopes := range []int{1, 2, 4} {
		b.Run(fmt.Sprint("scopes=", scopes), func(b *testing.B) {
			now, ask := time.Now(), charges[len(charges)-scopes:]
			for i := range ask {
				ask[i].Need = 1000
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, refused, err := l.Reserve(now, Call{ID: ID{Request: "r"}}, ask); refused == nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(scopes), "ns/scope")
		})
	}
}
