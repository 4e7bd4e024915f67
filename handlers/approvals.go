package handlers

import (
	"cmp"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// approvals opens the record of calls that wait for a person when a rule first asks
// for one.
type approvals struct{ stores *Stores }

// Approve implements policy.Approver.
func (a approvals) Approve(q policy.Question, token string, now time.Time) (policy.Approval, error) {
	if a.stores.Approver != nil {
		return a.stores.Approver.Approve(q, token, now)
	}
	s, err := a.stores.Approvals()
	if err != nil {
		return policy.Approval{}, err
	}
	return s.Approve(q, token, now)
}

// budgets are where the caller stands with the budgets that it falls under, as far as
// they are known before a provider is chosen.
func (c *call) budgets(declared []limits.Budget) []policy.Budget {
	if c.stores == nil || c.stores.Ledger == nil {
		return nil
	}
	out := make([]policy.Budget, 0, len(declared))
	for i := range declared {
		b := declared[i]
		if b.Scope == "provider" {
			continue
		}
		value := cmp.Or(scopeValue(&c.x, nil, b.Scope), ledger.None)
		if m := b.Overrides[value]; m > 0 {
			b.Amount = m
		}
		_, _, remaining := c.stores.Ledger.Balance(b.Budget, value, c.x.Start)
		unit := float64(1)
		if b.Unit != ledger.Tokens {
			unit = float64(llm.USD)
		}
		out = append(out, policy.Budget{Name: b.Label(), USD: b.Unit != ledger.Tokens, Amount: float64(b.Amount) / unit, Remaining: float64(remaining) / unit})
	}
	return out
}
