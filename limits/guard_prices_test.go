package limits

import (
	"fmt"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A call settles at the prices at which it was admitted, whatever was read meanwhile:
// a budget is never overspent by new prices, nor does a call get cheaper by them.
func TestPricesChangeInFlight(t *testing.T) {
	src := prices.NewSource(nil)
	dollars := func(rate string) {
		t.Helper()
		if _, err := src.Update(fmt.Appendf(nil, `{"as_of":"2026-11-01","providers":[{"name":"openai","models":[{"match":["test-model"],"prices":[{"rates":{"input":%q,"output":%[1]q}}]}]}]}`, rate)); err != nil {
			t.Fatal(err)
		}
	}
	f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(1000)}})
	f.g = NewGuard(f.l, src.Current, f.g.o)
	var want llm.Money
	for _, c := range [][2]string{{"0.001", "9"}, {"0.002", "0"}, {"0.001", "9000000000"}} {
		dollars(c[0])
		x := f.exchange()
		a, err := f.admit(x, openai)
		if err != nil {
			t.Fatal(err)
		}
		version := src.Current().Version()
		dollars(c[1])
		a.Result = llm.ResultAnswered
		a.Usage = llm.Usage{Input: 100, Output: 50, Reported: true, Final: true, Model: "test-model"}
		x.Settle(a, noon)
		rate, _ := llm.ParseMoney(c[0])
		want += rate.PerMillion(150)
		if a.Cost != rate.PerMillion(150) || a.Cost > a.Reserved || a.PriceVersion != version {
			t.Errorf("%v: cost %d of %d reserved, at %s", c, a.Cost, a.Reserved, a.PriceVersion)
		}
	}
	// The last price is beyond all money: it fits into no budget, and overflows none.
	_, err := f.admit(f.exchange(), openai)
	denial(t, err, 429, llm.CodeBudgetExceeded)
	if s, r, _ := f.l.Balance(dayBudget(1000).Budget, "alice", noon); s != want || r != 0 {
		t.Errorf("settled %d, reserved %d", s, r)
	}
}
