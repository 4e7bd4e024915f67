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
// budgets, then its settlement.
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
		})
	}
}

// BenchmarkDecide measures the decision alone, in memory.
func BenchmarkDecide(b *testing.B) {
	l, err := Open(filepath.Join(b.TempDir(), "ledger.db"), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	key := &Budget{Amount: 1, Window: Day, Scope: "key"}
	team := &Budget{Amount: llm.MaxMoney, Window: Month, Scope: "team"}
	charges := []Charge{charge(team, "t"), charge(key, "k")}
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() { // refused: nothing is written
		reserve(l, now, Call{ID: ID{Request: "r"}}, 1000, charges)
	}
}
