package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The operations of the reservation API, as a client sees them.
type operation struct {
	kind string // reserve, settle, cancel, read
	call int
	n    llm.Money
}

type outcome struct {
	ok                bool
	settled, reserved llm.Money
}

// linearCalls is how many calls a history has at most.
const linearCalls = 48

// account is what the operations must look like: one budget, one thing after the
// other. It is a plain value, so that the search knows a state it has been in.
type account struct {
	settled, reserved llm.Money
	open              [linearCalls]llm.Money // what each call holds
}

func linearModel(amount llm.Money) porcupine.Model {
	return porcupine.Model{
		Init: func() any { return account{} },
		Step: func(state, input, output any) (bool, any) {
			a, op, out := state.(account), input.(operation), output.(outcome)
			switch op.kind {
			case "reserve":
				fits := a.settled+a.reserved+op.n <= amount
				if fits != out.ok {
					return false, a
				}
				if fits {
					a.reserved += op.n
					a.open[op.call] = op.n
				}
			case "settle", "cancel":
				need := a.open[op.call]
				if need == 0 {
					return false, a
				}
				a.open[op.call] = 0
				a.reserved -= need
				a.settled += op.n
			case "read":
				return out.settled == a.settled && out.reserved == a.reserved, a
			}
			return true, a
		},
		DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v %+v", input, output) },
	}
}

// Reserve, Settle, Cancel and Balance look as if one thing had happened after the
// other, however many goroutines call them: checked by searching for such an order.
func TestReservationsAreLinearizable(t *testing.T) {
	const amount = 500
	rounds := 30
	if testing.Short() {
		rounds = 8
	}
	decided := 0
	for round := range rounds {
		l := openAt(t, filepath.Join(t.TempDir(), "ledger.db"), Options{NoSync: true})
		b := &Budget{Amount: amount, Window: Total, Scope: "key"}
		var mu sync.Mutex
		var history []porcupine.Operation
		record := func(client int, op operation, do func() outcome) {
			begin := time.Now().UnixNano()
			out := do()
			end := time.Now().UnixNano()
			mu.Lock()
			history = append(history, porcupine.Operation{ClientId: client, Input: op, Call: begin, Output: out, Return: end})
			mu.Unlock()
		}
		var wg sync.WaitGroup
		for g := range linearCalls / 8 {
			wg.Go(func() {
				r := rand.New(rand.NewPCG(uint64(round), uint64(g)))
				for i := range 8 {
					call := g*8 + i
					need := llm.Money(50 + r.IntN(200))
					var h *Hold
					record(g, operation{"reserve", call, need}, func() outcome {
						var err error
						h, _, err = reserve(l, noon, Call{ID: id(call), Time: noon}, need, []Charge{charge(b, "k")})
						if err == nil && h != nil {
							err = h.Durable(context.Background())
						}
						if err != nil {
							t.Error(err)
						}
						return outcome{ok: h != nil}
					})
					record(g, operation{kind: "read"}, func() outcome {
						s, held, _ := l.Balance(*b, "k", noon)
						return outcome{settled: s, reserved: held}
					})
					if h == nil {
						continue
					}
					cost := llm.Money(r.IntN(15))
					if r.IntN(4) == 0 {
						record(g, operation{"cancel", call, 0}, func() outcome { h.Cancel(); return outcome{} })
					} else {
						record(g, operation{"settle", call, cost}, func() outcome { h.Settle(noon, Row{Cost: cost}); return outcome{} })
					}
				}
			})
		}
		wg.Wait()
		// On a busy machine so many operations can overlap that the search has no
		// end; such a round says nothing.
		switch porcupine.CheckOperationsTimeout(linearModel(amount), history, 2*time.Second) {
		case porcupine.Illegal:
			t.Fatalf("round %d: no order explains %d operations", round, len(history))
		case porcupine.Ok:
			decided++
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of %d histories were decided", decided, rounds)
	if decided == 0 {
		t.Error("none of the histories could be decided")
	}
}

// The checker itself: a history in which two reservations that exclude each other
// were both admitted is found out.
func TestLinearizabilityCheckerFindsOverspending(t *testing.T) {
	bad := []porcupine.Operation{
		{ClientId: 0, Input: operation{"reserve", 1, 300}, Call: 0, Output: outcome{ok: true}, Return: 10},
		{ClientId: 1, Input: operation{"reserve", 2, 300}, Call: 5, Output: outcome{ok: true}, Return: 12},
	}
	if porcupine.CheckOperations(linearModel(500), bad) {
		t.Error("600 of 500 pass for a legal history")
	}
}
