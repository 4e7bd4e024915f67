package limits

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// need is what one attempt asks of the budgets.
type need struct {
	g     *Guard
	x     *llm.Exchange
	a     *llm.Attempt
	price prices.Price
	ask   prices.Ask
	bound Bound
	// lowered is true once the output was lowered to what is affordable.
	lowered bool
}

// unbounded refuses what has no upper bound and falls under a budget that has no
// ceiling for such calls.
func (n *need) unbounded() *llm.Denial {
	var what []string
	if n.bound.Unbounded != "" {
		what = append(what, n.bound.Unbounded)
	}
	if n.bound.Output < 0 {
		what = append(what, "max_tokens")
	}
	if len(what) == 0 {
		return nil
	}
	for i := range n.g.o.Budgets {
		switch n.g.o.Budgets[i].Unit {
		case ledger.USD:
			if n.g.o.UnboundedCeiling <= 0 && !n.price.Free() {
				return unboundedRequest(strings.Join(what, ", "))
			}
		case ledger.Tokens:
			if n.g.o.UnboundedTokens <= 0 {
				return unboundedRequest(strings.Join(what, ", "))
			}
		}
	}
	return nil
}

// money is the upper bound of what the call can cost.
func (n *need) money() llm.Money { return n.moneyFor(&n.bound) }

func (n *need) moneyFor(b *Bound) llm.Money {
	sum := llm.Money(0)
	if !n.price.Free() {
		sum = b.cost(&n.price, n.ask)
		if b.Unbounded != "" || b.Output < 0 {
			sum = sum.Add(n.g.o.UnboundedCeiling)
		}
	}
	if !n.price.IsFixed() || !n.price.Free() {
		// Whatever may turn out to cost something touches the budgets.
		sum = max(sum, llm.NanoUSD)
	}
	return sum
}

// tokens is the upper bound of the tokens that the call can use.
func (n *need) tokens() int64 { return n.tokensFor(&n.bound) }

func (n *need) tokensFor(b *Bound) int64 {
	sum := b.tokens()
	if b.Unbounded != "" || b.Output < 0 {
		sum = add(sum, n.g.o.UnboundedTokens)
	}
	return max(1, sum)
}

// of is what one budget is asked for with a bound.
func (n *need) of(b *Budget, bound *Bound) llm.Money {
	var need llm.Money
	name := moneyOf(n.a.Deployment.Model)
	if b.Unit == ledger.Tokens {
		need, name = llm.Money(n.tokensFor(bound)), tokensOf(n.a.Deployment.Model)
	} else {
		need = n.moneyFor(bound)
	}
	if b.Estimate && need > 0 {
		need = n.g.estimates.of(name, need)
	}
	return need
}

// charges appends what all budgets are asked for.
func (n *need) charges(to []ledger.Charge) []ledger.Charge {
	for i := range n.g.o.Budgets {
		b := &n.g.o.Budgets[i]
		value := n.g.o.ScopeValue(n.x, n.a, b.Scope)
		to = append(to, ledger.Charge{Budget: &b.Budget, Value: value, Need: n.of(b, &n.bound), Amount: b.Overrides[value]})
	}
	return to
}

// lower sets the attempt's limit on output tokens to what a budget that refused
// can afford. It reports false if that is less than a call may be lowered to.
func (n *need) lower(r *ledger.Refusal) bool {
	least := n.g.o.MinOutput
	if least <= 0 || n.x.View == nil || !n.x.Dialect.Generates() || n.bound.Output <= 0 {
		return false
	}
	var b *Budget
	for i := range n.g.o.Budgets {
		if &n.g.o.Budgets[i].Budget == r.Budget {
			b = &n.g.o.Budgets[i]
		}
	}
	if b == nil {
		return false
	}
	// A thinking budget must fit below the limit, and something after it.
	least += max(0, n.x.View.MinOutput)
	bound := n.bound
	// The most output of which the need fits: the need never falls with it.
	low, high := int64(0), n.bound.Output-1
	for low < high {
		mid := low + (high-low+1)/2
		bound.Output = mid
		if n.of(b, &bound) <= r.Remaining {
			low = mid
		} else {
			high = mid - 1
		}
	}
	bound.Output = low
	if low < least || n.of(b, &bound) > r.Remaining {
		return false
	}
	n.bound.Output, n.a.MaxTokens, n.lowered = low, low, true
	return true
}

// cutAt is where an answer has used up what was reserved: never where nothing
// was, or only an estimate.
func (n *need) cutAt() int64 {
	for i := range n.g.o.Budgets {
		if !n.g.o.Budgets[i].Estimate && n.x.Dialect.Generates() && n.bound.Output > 0 {
			return n.bound.outputs()
		}
	}
	return 0
}

// moneyOf and tokensOf name what is learned of a model.
func moneyOf(model string) string  { return "usd " + strings.ToLower(model) }
func tokensOf(model string) string { return "tok " + strings.ToLower(model) }
