package limits

import (
	"net/http"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func unpriced(model string) *llm.Denial {
	d := llm.Deny(http.StatusForbidden, llm.CodeModelUnpriced, llm.StageQuota,
		"the model %.100q has no price here, so its cost cannot be held to a budget; name another model or ask the operator to set a price", model)
	d.Param = "model"
	d.NoRetry = true
	return d
}

func unboundedRequest(parts string) *llm.Denial {
	d := llm.Deny(http.StatusForbidden, llm.CodeUnbounded, llm.StageQuota,
		"the cost of this request has no upper bound because of %s, and it falls under a budget; leave that out or ask the operator for a ceiling", parts)
	d.NoRetry = true
	return d
}

func storeUnavailable(err error) *llm.Denial {
	return llm.Deny(http.StatusServiceUnavailable, llm.CodeStoreUnavailable, llm.StageInfrastructure,
		"the gateway cannot write to its ledger at the moment; try again shortly").Because(err)
}

// budgetExceeded speaks to the caller about its own budget only: what remains
// of a budget that it shares is not more than what it could find out by asking.
func budgetExceeded(r *ledger.Refusal, now time.Time) *llm.Denial {
	b := r.Budget
	scope := b.Scope
	if strings.HasPrefix(scope, "{") {
		scope = "caller group"
	}
	name := ""
	if b.Name != "" {
		name = " " + b.Name
	}
	until := "it does not start anew"
	switch {
	case b.Rolling:
		until = "enough may be free again at " + r.Ends.UTC().Format(time.RFC3339)
	case !r.Ends.IsZero():
		until = "it starts anew at " + r.Ends.Format(time.RFC3339)
	}
	window := " a " + b.Window.String()
	switch b.Window {
	case ledger.Total:
		window = " in total"
	case ledger.Hour:
		window = " an hour"
	}
	d := llm.Deny(http.StatusTooManyRequests, llm.CodeBudgetExceeded, llm.StageQuota,
		"the budget%s of %s%s per %s has too little left: %s remains and this request may take up to %s; %s. A smaller max_tokens or prompt takes less",
		name, b.Unit.Format(r.Amount), window, scope, b.Unit.Format(r.Remaining), b.Unit.Format(r.Need), until)
	d.NoRetry = true
	if !r.Ends.IsZero() {
		d.RetryAfter = max(time.Second, r.Ends.Sub(now))
	}
	return d
}
