package limits

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What a request says about how it is to be served decides what is reserved: what may
// serve it has to fit, and no more. A dear service without a price has no bound.
func TestServiceThatIsAskedFor(t *testing.T) {
	million := func(n llm.Money) *llm.Money { return prices.USD(n * 1_000_000) } // n nano-dollars a token
	cat := prices.Embedded().With([]prices.Override{
		{Pattern: "tiers", Price: prices.Price{
			Rates: prices.Rates{Input: million(1), Output: million(2)},
			Served: map[string]*prices.Served{
				"flex":     {Times: 500_000_000},
				"priority": {Rates: prices.Rates{Input: million(3), Output: million(6)}},
				"fast":     {Times: 10 * prices.Factor(llm.USD)},
				"batch":    {Times: 100 * prices.Factor(llm.USD)},
			},
			Regions: map[string]prices.Factor{"us": 1_100_000_000},
		}},
		{Pattern: "plain", Price: prices.Price{Rates: prices.Rates{Input: million(1), Output: million(2)}}},
	})
	const slack, standard = 6, 200 // of roundings; 100 × 1 + 50 × 2
	for _, tc := range []struct {
		model   string
		dialect llm.Dialect
		to      llm.Dialect
		body    string
		dear    string    // what the dialect's reader takes for unbounded
		want    llm.Money // 0 if it is refused
	}{
		{"plain", llm.Chat, llm.Chat, `{"service_tier":"flex"}`, "", standard},
		{"plain", llm.Chat, llm.Chat, `{"service_tier":"priority"}`, "service_tier", 0},
		{"tiers", llm.Chat, llm.Chat, `{"service_tier":"default"}`, "", 1.1 * standard},
		{"tiers", llm.Chat, llm.Chat, `{"service_tier":"flex"}`, "", 1.1 * standard},
		{"tiers", llm.Chat, llm.Chat, `{"service_tier":"priority"}`, "service_tier", 1.1 * 3 * standard},
		{"tiers", llm.Chat, llm.Chat, `{"service_tier":"Priority"}`, "service_tier", 1.1 * 3 * standard},
		{"tiers", llm.Chat, llm.Chat, `{"service_tier":"scale"}`, "service_tier", 0},
		{"tiers", llm.Chat, llm.Chat, `{}`, "", 1.1 * 10 * standard}, // it may be the project's default
		{"tiers", llm.Chat, llm.Chat, `{"service_tier":"fast"}`, "service_tier", 1.1 * 10 * standard},
		{"tiers", llm.Messages, llm.Messages, `{}`, "", 1.1 * 3 * standard}, // fast only if asked for
		{"tiers", llm.Messages, llm.Messages, `{"service_tier":"standard_only"}`, "", 1.1 * standard},
		{"tiers", llm.Messages, llm.Messages, `{"service_tier":"standard_only","inference_geo":"global"}`, "", standard},
		{"tiers", llm.Messages, llm.Messages, `{"service_tier":"standard_only","inference_geo":"us"}`, "inference_geo", 1.1 * standard},
		{"tiers", llm.Messages, llm.Messages, `{"service_tier":"standard_only","inference_geo":"mars"}`, "inference_geo", 0},
		{"tiers", llm.Messages, llm.Messages, `{"service_tier":"standard_only","speed":"fast","inference_geo":"global"}`, "speed", 10 * standard},
		{"plain", llm.Messages, llm.Messages, `{"speed":"fast"}`, "speed", 0},
		{"tiers", llm.Chat, llm.Messages, `{}`, "", 1505},                               // 1.1 × 3 × (256 + standard): translation adds to the prompt, and never asks for speed
		{"tiers", llm.Messages, llm.Chat, `{"service_tier":"standard_only"}`, "", 5016}, // 1.1 × 10 × (256 + standard): translation may drop it
	} {
		f := guard(t, GuardOptions{Budgets: []Budget{{Budget: ledger.Budget{Amount: llm.USD, Window: BudgetDay, Scope: "key"}}}})
		f.g.cat = func() *prices.Catalogue { return cat }
		x := f.exchange()
		x.Dialect = tc.dialect
		x.View.Dialect, x.View.Model, x.View.Raw = tc.dialect, tc.model, []byte(tc.body)
		x.View.Unbounded = strings.Fields(tc.dear)
		d := openai
		d.Model, d.Dialect = tc.model, tc.to
		a, err := f.admit(x, d)
		if tc.want == 0 {
			denial(t, err, 403, llm.CodeUnbounded)
			continue
		}
		if err != nil {
			t.Errorf("%s %s: %v", tc.model, tc.body, err)
			continue
		}
		if a.Reserved < tc.want || a.Reserved > tc.want+2*slack {
			t.Errorf("%s %s: reserved %d, want %d", tc.model, tc.body, a.Reserved, tc.want)
		}
		a.Result = llm.ResultUnsent
		x.Settle(a, noon)
	}
}
