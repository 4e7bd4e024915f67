package limits

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A thousand calls at once, with every ending: what is admitted never exceeds
// the budget, and in the end nothing is reserved and all sums agree.
func TestGuardUnderConcurrency(t *testing.T) {
	const amount = 100_000
	f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(amount), {Budget: ledger.Budget{Amount: amount / 2, Window: BudgetMonth, Scope: "model"}}}})
	var admitted, denied atomic.Int64
	var cost atomic.Int64
	var wg sync.WaitGroup
	for i := range 1000 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(7, uint64(i)))
			x := f.exchange()
			x.Principal = &llm.Principal{Key: fmt.Sprint("k", i%3)}
			x.Govern(f.g)
			func() {
				defer func() { recover() }()
				defer x.Finish(noon)
				a, err := x.Admit(context.Background(), openai, noon)
				if err != nil {
					denied.Add(1)
					return
				}
				admitted.Add(1)
				if r := f.l.Reserved(); r > amount/2 {
					t.Errorf("%d reserved", r)
				}
				switch rng.IntN(5) {
				case 0:
					a.Result = llm.ResultUnsent
				case 1:
					a.Result = llm.ResultRefused
				case 2:
					a.Result, a.Usage = llm.ResultCut, llm.Usage{Input: rng.Int64N(50), Estimated: true}
				case 3:
					panic("in the handler")
				default:
					a.Result, a.Usage = llm.ResultAnswered, llm.Usage{Input: rng.Int64N(100), Output: rng.Int64N(50), Reported: true, Final: true}
				}
			}()
			for _, a := range x.Attempts {
				cost.Add(int64(a.Cost))
				if a.Cost > a.Reserved {
					t.Errorf("cost %d of %d reserved", a.Cost, a.Reserved)
				}
			}
		})
	}
	wg.Wait()
	if f.l.Reserved() != 0 {
		t.Errorf("%d reserved", f.l.Reserved())
	}
	totals, _ := f.close(t)
	if totals.Open != 0 || int64(totals.Settled) != cost.Load() || cost.Load() > amount/2 {
		t.Errorf("%d open; rows say %d, attempts %d", totals.Open, totals.Settled, cost.Load())
	}
	if admitted.Load() == 0 || denied.Load() == 0 {
		t.Errorf("%d admitted, %d denied: the test does not reach the limit", admitted.Load(), denied.Load())
	}
}

func BenchmarkGuard(b *testing.B) {
	f := guard(b, GuardOptions{})
	b.Run("metered", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			x := &llm.Exchange{ID: uuid.NewString(), Dialect: llm.Chat, Principal: &llm.Principal{Key: "alice"}, View: &llm.View{Model: "test-model", MaxTokens: 50, Choices: 1, InputBound: 100}}
			x.Govern(f.g)
			a, err := x.Admit(context.Background(), openai, noon)
			if err != nil {
				b.Fatal(err)
			}
			a.Result, a.Usage = llm.ResultAnswered, llm.Usage{Input: 40, Output: 20, Reported: true, Final: true}
			x.Finish(noon)
		}
	})
}
