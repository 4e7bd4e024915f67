package usage

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The rate at which a report reads a ledger's file.
func BenchmarkReport(b *testing.B) {
	path := filepath.Join(b.TempDir(), "ledger.db")
	l, err := ledger.Open(path, ledger.Options{NoSync: true})
	if err != nil {
		b.Fatal(err)
	}
	const rows = 20_000
	start := time.Now()
	for i := range rows {
		id, err := uuid.NewV7()
		if err != nil {
			b.Fatal(err)
		}
		h, _, err := l.Reserve(start, ledger.Call{ID: ledger.ID{Request: id.String()}, Time: start, Key: "web-app", Team: "growth", Provider: "openai",
			Model: []string{"gpt-4o", "gpt-4o-mini", "o3"}[i%3], PriceVersion: "embedded-2026-08-21", Project: "checkout", Tags: []string{"env=prod"}}, nil)
		if err != nil {
			b.Fatal(err)
		}
		h.Settle(start, ledger.Row{Served: "gpt-4o-2024-08-06", Usage: llm.Usage{Input: 1000, Output: 200}, Cost: 1, Tokens: 1200, Result: llm.ResultAnswered})
		if i%500 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	by, err := ParseBy("day,team,model")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		a := New(Options{By: by})
		if err := ledger.ReadRows(path, time.Time{}, func(r *ledger.Row) bool { a.Add(r); return true }); err != nil {
			b.Fatal(err)
		}
		if n := a.Report().Total.Calls; n != SumOf(rows) {
			b.Fatalf("%s rows", n)
		}
	}
	b.ReportMetric(float64(rows*b.N)/b.Elapsed().Seconds(), "rows/s")
}
