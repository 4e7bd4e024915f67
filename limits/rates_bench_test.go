package limits

import (
	"fmt"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Bars: a decision in 200 ns for each scope, four scopes in 1 µs.
func BenchmarkTake(b *testing.B) {
	most := int64(MaxAmount)
	key := perKey(most, time.Minute)
	team := &RateLimit{Dimension: Requests, Amount: most, Window: time.Minute, Scope: "team"}
	org := &RateLimit{Dimension: Requests, Amount: most, Window: time.Hour, Scope: "org"}
	slots := &RateLimit{Dimension: Concurrent, Amount: most, Scope: "key"}
	burst := &RateLimit{Dimension: Requests, Amount: most, Window: time.Minute, Burst: most, Scope: "key"}
	full := perKey(1, 300*24*time.Hour)
	for _, bm := range []struct {
		name    string
		charges []Charge
	}{
		{"1scope", []Charge{{Limit: key, Value: "alice"}}},
		{"burst", []Charge{{Limit: burst, Value: "alice"}}},
		{"refused", []Charge{{Limit: full, Value: "alice"}}},
		{"4scopes", []Charge{{Limit: key, Value: "alice"}, {Limit: team, Value: "growth"}, {Limit: org, Value: "acme"}, {Limit: slots, Value: "alice"}}},
	} {
		b.Run(bm.name, func(b *testing.B) {
			r := NewRates()
			now := time.Now()
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				taken, _ := r.Take(now.Add(time.Duration(i)*time.Microsecond), bm.charges)
				taken.Release()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(len(bm.charges)), "ns/scope")
		})
	}
}

func BenchmarkTakeManyKeys(b *testing.B) {
	r := NewRates()
	l := perKey(MaxAmount, time.Minute)
	keys := make([]string, 10_000)
	for i := range keys {
		keys[i] = fmt.Sprint("key-", i)
	}
	now := time.Now()
	i := 0
	for b.Loop() {
		i++
		r.Take(now.Add(time.Duration(i)*time.Microsecond), []Charge{{Limit: l, Value: keys[i%len(keys)]}})
	}
}

// The gate's part of a call: reserve in two limits, settle.
func BenchmarkThrottle(b *testing.B) {
	g := NewThrottle(NewRates(), []*RateLimit{tokensPer("team", MaxAmount, time.Minute), {Dimension: OutputTokens, Amount: MaxAmount, Window: time.Minute, Scope: "key"}}, byTeam)
	x := asks(900, 500)
	a := &llm.Attempt{Deployment: llm.Deployment{Provider: "p", Model: "m"}, Started: time.Now(), Result: llm.ResultAnswered, Usage: uses(200, 30)}
	b.ReportAllocs()
	for b.Loop() {
		a.Started = a.Started.Add(time.Microsecond)
		h, _ := g.Hold(x, a)
		a.Ended = a.Started
		h.Settle(x, a)
	}
}
