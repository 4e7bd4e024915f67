package limits

import (
	"context"
	"errors"
	"math"
	"math/bits"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// UnpricedMode says what happens to calls of models without a price.
type UnpricedMode uint8

// The modes.
const (
	UnpricedDeny  UnpricedMode = iota // refused: 403 model_unpriced
	UnpricedMeter                     // let through at no cost
	UnpricedRate                      // priced at UnpricedPolicy.Rate
)

// UnpricedPolicy is a mode with its rate.
type UnpricedPolicy struct {
	Mode UnpricedMode
	Rate llm.Money // per million tokens, in and out; only for UnpricedRate
}

// GuardOptions configure a Guard.
type GuardOptions struct {
	// Budgets must all agree to a call. Without any, calls are only priced and
	// written down.
	Budgets []Budget
	// ScopeValue returns the value of a scope for a call, "" for none. It must
	// be cheap and must not block.
	ScopeValue func(x *llm.Exchange, a *llm.Attempt, scope string) string
	Unpriced   UnpricedPolicy
	// DefaultMaxTokens bounds the output of calls that name no limit, if there
	// are budgets; see Declare. 0 leaves such calls unbounded, and refused.
	DefaultMaxTokens int64
	// UnboundedCeiling is reserved, on top of what can be bounded, for a call
	// of which a part cannot be (View.Unbounded). 0 refuses such calls under a
	// budget.
	UnboundedCeiling llm.Money
}

// Guard prices calls and holds them to budgets. It is the llm.Governor of
// llm_cost; one Guard serves all requests of a configuration.
//
// For each attempt it reserves an upper bound of the cost in every budget
// before the call leaves, and settles it afterwards to the cost of the usage.
// The sum of what is settled and reserved never exceeds a budget by a
// reservation; what a provider bills beyond the bound is charged as debt.
type Guard struct {
	l      *ledger.Ledger
	cat    *prices.Catalogue
	o      GuardOptions
	number uint32
}

// guards numbers the guards of a process, to keep apart those that govern one
// request together.
var guards atomic.Uint32

// NewGuard returns a guard that writes to a ledger. The catalogue and the
// options must not be modified afterwards.
func NewGuard(l *ledger.Ledger, cat *prices.Catalogue, o GuardOptions) *Guard {
	return &Guard{l: l, cat: cat, o: o, number: guards.Add(1)}
}

var _ llm.Governor = (*Guard)(nil)

// Declare adds to a request what the guard needs to bound and to measure it;
// call it once the View is there, before the gate. It asks for the usage chunk
// of streams that have one only on request, and under a budget it limits the
// output of a call that names no limit.
func (g *Guard) Declare(x *llm.Exchange) {
	v := x.View
	if v == nil {
		return
	}
	if !x.Dialect.Generates() {
		return
	}
	if v.Stream && (x.Dialect == llm.Chat || x.Dialect == llm.Completions) {
		x.Changes.IncludeUsage = true
	}
	if len(g.o.Budgets) > 0 && v.MaxTokens < 0 && x.Changes.MaxTokens <= 0 && g.o.DefaultMaxTokens > 0 {
		x.Changes.MaxTokens = g.o.DefaultMaxTokens
	}
}

// Reserve prices the attempt and holds the upper bound of its cost. It refuses
// with 403 model_unpriced, 403 unbounded_request, 429 budget_exceeded or 503
// store_unavailable.
func (g *Guard) Reserve(x *llm.Exchange, a *llm.Attempt) (llm.Hold, error) {
	if !x.Dialect.Billed() {
		return nil, nil
	}
	price, priced := g.price(a)
	if !priced {
		return nil, g.deny(x, "", unpriced(a.Deployment.Model))
	}
	need := llm.Money(0)
	if !price.Free() {
		var unbounded string
		need, unbounded = g.bound(x, &a.Deployment, &price)
		if unbounded != "" && len(g.o.Budgets) > 0 {
			if g.o.UnboundedCeiling <= 0 {
				return nil, g.deny(x, "", unboundedRequest(unbounded))
			}
			need = need.Add(g.o.UnboundedCeiling)
		}
	}
	if !price.IsFixed() || !price.Free() {
		// Whatever may turn out to cost something touches the budgets.
		need = max(need, llm.NanoUSD)
	}
	h := &guardHold{g: g, price: price, bound: need}
	charges := h.few[:0]
	if need > 0 {
		for i := range g.o.Budgets {
			b := &g.o.Budgets[i]
			charges = append(charges, ledger.Charge{Budget: b, Value: g.o.ScopeValue(x, a, b.Scope), Need: need})
		}
	}
	call := g.call(x, a)
	h.first = call.Part == 0
	held, refused, err := g.l.Reserve(a.Started, call, charges)
	if err != nil {
		return nil, storeUnavailable(err)
	}
	if refused != nil {
		return nil, g.deny(x, refused.Budget.Label(), budgetExceeded(refused, need, a.Started))
	}
	h.held = held
	a.Reserved = max(a.Reserved, held.Reserved())
	if h.first {
		a.PriceVersion = g.cat.Version()
	}
	x.Decide(llm.Decision{Module: "cost", Action: "allow"})
	return h, nil
}

// price returns the price at which the attempt is admitted.
func (g *Guard) price(a *llm.Attempt) (prices.Price, bool) {
	d := &a.Deployment
	if p, ok := g.cat.Lookup(d.Provider, d.Type, d.Model, a.Started); ok {
		return p, true
	}
	switch g.o.Unpriced.Mode {
	case UnpricedMeter:
		return prices.Free().Fixed(), true
	case UnpricedRate:
		return prices.Flat(g.o.Unpriced.Rate).Fixed(), true
	}
	return prices.Price{}, false
}

// bound returns the upper bound of what the call can cost and, if a part of it
// has none, the name of that part.
func (g *Guard) bound(x *llm.Exchange, d *llm.Deployment, p *prices.Price) (llm.Money, string) {
	v := x.View
	if v == nil {
		return 0, "body"
	}
	unbounded := strings.Join(v.Unbounded, ", ")
	output, ok := outputBound(x)
	if !ok && p.MaxOutput > 0 {
		output, ok = p.MaxOutput, true
	}
	if !ok {
		if unbounded != "" {
			unbounded += ", "
		}
		unbounded += "max_tokens"
	}
	input := max(dialects.InputBound(v, d.Dialect), d.InputBound)
	return p.Bound(input, multiply(output, v.Choices)), unbounded
}

// outputBound returns the limit on output tokens of one choice with which the
// call will leave.
func outputBound(x *llm.Exchange) (n int64, ok bool) {
	if !x.Dialect.Generates() {
		return 0, true
	}
	n = x.View.MaxTokens
	if m := x.Changes.MaxTokens; m > 0 && (n < 0 || m < n) {
		n = m
	}
	return n, n >= 0
}

func multiply(a, b int64) int64 {
	if a <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(a), uint64(max(1, b)))
	if hi != 0 || lo > math.MaxInt64 {
		return math.MaxInt64
	}
	return int64(lo)
}

func (g *Guard) call(x *llm.Exchange, a *llm.Attempt) ledger.Call {
	c := ledger.Call{
		ID:   ledger.ID{Request: x.ID, Attempt: uint32(len(x.Attempts))},
		Time: a.Started, Provider: a.Deployment.Provider, Model: a.Deployment.Model, PriceVersion: g.cat.Version(),
		Project: x.Project, Tags: x.Tags,
	}
	if a.PriceVersion != "" { // another guard has priced this attempt: it writes the main row
		c.Part = g.number
	}
	if p := x.Principal; p != nil {
		c.Key, c.User, c.Team, c.Org = p.Key, p.User, p.Team, p.Org
	}
	return c
}

// guardHold is what the guard holds for one attempt.
type guardHold struct {
	g     *Guard
	held  *ledger.Hold
	price prices.Price
	bound llm.Money
	first bool // of the guards of this attempt: it speaks for the attempt
	few   [3]ledger.Charge
}

// Durable waits until the reservation is on disk.
func (h *guardHold) Durable(ctx context.Context) error {
	err := h.held.Durable(ctx)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && errors.Is(err, ctx.Err()):
		return llm.Deny(499, llm.CodeClientGone, llm.StageRequest, "the request ended before it was admitted").Because(context.Cause(ctx))
	}
	return storeUnavailable(err)
}

// Settle charges what the attempt cost and lets go of the rest.
func (h *guardHold) Settle(x *llm.Exchange, a *llm.Attempt) {
	switch a.Result {
	case llm.ResultUnsent:
		h.held.Cancel()
		return
	case llm.ResultRefused:
		h.held.Settle(a.Ended, ledger.Row{Result: a.Result})
		return
	}
	u := &a.Usage
	d := &a.Deployment
	cost := h.g.cat.CostOf(h.price, d.Provider, d.Type, a.Started, u)
	if !u.Reported && !u.Estimated {
		// It was answered, or may have been, and nobody knows what it used:
		// then it used all that it could.
		cost = max(cost, h.bound)
		if h.first {
			u.Estimated = true
		}
	}
	if h.first {
		a.Cost = cost
	}
	row := ledger.Row{Served: u.Model, Usage: *u, Cost: cost, Result: a.Result}
	row.Usage.Parts = nil
	h.held.Settle(a.Ended, row)
}

func (g *Guard) deny(x *llm.Exchange, rule string, d *llm.Denial) *llm.Denial {
	d.Rule = rule
	x.Decide(llm.Decision{Module: "cost", Rule: rule, Action: "deny", Code: d.Code, Detail: d.Message})
	return d
}

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
func budgetExceeded(r *ledger.Refusal, need llm.Money, now time.Time) *llm.Denial {
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
	if !r.Ends.IsZero() {
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
		"the budget%s of %s%s per %s has too little left: %s remains and this request may cost up to %s; %s. A smaller max_tokens or prompt costs less",
		name, b.Amount, window, scope, r.Remaining, need, until)
	d.NoRetry = true
	if !r.Ends.IsZero() {
		d.RetryAfter = max(time.Second, r.Ends.Sub(now))
	}
	return d
}
