package limits

import (
	"context"
	"errors"
	"sync/atomic"

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
	// DefaultMaxTokens is the limit on output tokens that is put, under a budget,
	// into calls that name none where the model's own is not known; 0 leaves such
	// calls unbounded, and refused.
	DefaultMaxTokens int64
	// AlwaysDefault makes DefaultMaxTokens hold although the model's own limit is
	// known.
	AlwaysDefault bool
	// MinOutput is the lowest limit on output tokens of each choice to which a
	// call may be lowered when its own is not affordable; 0 never lowers.
	MinOutput int64
	// UnboundedCeiling is reserved, on top of what can be bounded, for a call
	// of which a part cannot be (View.Unbounded), UnboundedTokens in budgets of
	// tokens. 0 refuses such calls under a budget of that unit.
	UnboundedCeiling llm.Money
	UnboundedTokens  int64
	// Fallback is the model to ask instead when a budget refuses, "" for none.
	Fallback string
	// OnWarn, if set, is told of thresholds that were reached. It must not block.
	OnWarn func(x *llm.Exchange, w []ledger.Warning)
}

// Guard prices calls and holds them to budgets. It is the llm.Governor of
// llm_cost; one Guard serves all requests of a configuration.
//
// For each attempt it reserves an upper bound of the cost in every budget
// before the call leaves, and settles it afterwards to the cost of the usage.
// The sum of what is settled and reserved never exceeds a budget by a
// reservation, except one that reserves estimates; what a provider bills beyond
// the bound is charged as debt.
type Guard struct {
	l         *ledger.Ledger
	cat       func() *prices.Catalogue
	o         GuardOptions
	number    uint32
	estimates *estimates
}

// guards numbers the guards of a process, to keep apart those that govern one
// request together.
var guards atomic.Uint32

// NewGuard returns a guard that writes to a ledger. The catalogue is asked for
// once an attempt; it and the options must not be modified.
func NewGuard(l *ledger.Ledger, catalogue func() *prices.Catalogue, o GuardOptions) *Guard {
	return &Guard{l: l, cat: catalogue, o: o, number: guards.Add(1), estimates: newEstimates()}
}

var _ llm.Governor = (*Guard)(nil)

// Declare adds to a request what the guard needs to measure it; call it once the
// View is there, before the gate. It asks for the usage chunk of streams that
// have one only on request, and under a budget names the limit on the output of
// calls that have none.
func (g *Guard) Declare(x *llm.Exchange) {
	v := x.View
	if v == nil || !x.Dialect.Generates() {
		return
	}
	if v.Stream && (x.Dialect == llm.Chat || x.Dialect == llm.Completions) {
		x.Changes.IncludeUsage = true
	}
	if len(g.o.Budgets) > 0 {
		x.Changes.DefaultMaxTokens = max(0, g.o.DefaultMaxTokens)
	}
}

// Reserve prices the attempt and holds the upper bound of its cost. Where the
// bound is not affordable it lowers Attempt.MaxTokens to what is, down to
// MinOutput. It refuses with 403 model_unpriced, 403 unbounded_request, 429
// budget_exceeded or 503 store_unavailable.
func (g *Guard) Reserve(x *llm.Exchange, a *llm.Attempt) (llm.Hold, error) {
	if !x.Dialect.Billed() {
		return nil, nil
	}
	cat := g.cat()
	price, priced := g.price(cat, a)
	if !priced {
		return nil, g.deny(x, "", unpriced(a.Deployment.Model))
	}
	n := need{g: g, x: x, a: a, price: price}
	if len(g.o.Budgets) > 0 && x.Dialect.Generates() && x.View != nil && x.OutputLimit(a) < 0 {
		if price.MaxOutput <= 0 || g.o.AlwaysDefault {
			a.MaxTokens = g.o.DefaultMaxTokens
		}
	}
	n.bound = BoundOf(x, a)
	n.ask = n.bound.served(&n.price, x, a)
	if n.bound.Output < 0 && price.MaxOutput > 0 {
		n.bound.Output = price.MaxOutput // the model's own
	}
	if d := n.unbounded(); d != nil {
		return nil, g.deny(x, "", d)
	}
	h := &guardHold{g: g, cat: cat, price: price}
	call := g.call(cat, x, a)
	h.first = call.Part == 0
	// Each round lowers the output to what the refusing budget can afford; other
	// budgets, and other calls meanwhile, may refuse again.
	for round := 0; ; round++ {
		charges := n.charges(h.few[:0])
		held, refused, err := g.l.Reserve(a.Started, call, charges)
		if err != nil {
			return nil, storeUnavailable(err)
		}
		if refused == nil {
			h.held, h.bound, h.tokens = held, n.money(), n.tokens()
			break
		}
		if round > len(g.o.Budgets)+maxRounds || !n.lower(refused) {
			d := g.deny(x, refused.Budget.Label(), budgetExceeded(refused, a.Started))
			d.Fallback = g.o.Fallback
			return nil, d
		}
	}
	a.Reserved = max(a.Reserved, h.held.Reserved())
	a.CutAt = n.cutAt()
	if w := h.held.Warned(); w != "" {
		a.Warning = w
	}
	if h.first {
		a.PriceVersion = cat.Version()
	}
	if n.lowered {
		x.Decide(llm.Decision{Module: "cost", Rule: "max_tokens", Action: "lower"})
	}
	x.Decide(llm.Decision{Module: "cost", Action: "allow"})
	return h, nil
}

// maxRounds is how often, beyond once a budget, a reservation is tried with less.
const maxRounds = 4

// price returns the price at which the attempt is admitted.
func (g *Guard) price(cat *prices.Catalogue, a *llm.Attempt) (prices.Price, bool) {
	d := &a.Deployment
	if p, ok := cat.Lookup(d.Provider, d.Type, d.Model, a.Started); ok {
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

func (g *Guard) call(cat *prices.Catalogue, x *llm.Exchange, a *llm.Attempt) ledger.Call {
	c := ledger.Call{
		ID:   ledger.ID{Request: x.ID, Attempt: uint32(len(x.Attempts))},
		Time: a.Started, Provider: a.Deployment.Provider, Model: a.Deployment.Model, PriceVersion: cat.Version(),
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
	g      *Guard
	held   *ledger.Hold
	cat    *prices.Catalogue
	price  prices.Price
	bound  llm.Money // of the cost
	tokens int64     // bound of the tokens
	first  bool      // of the guards of this attempt: it speaks for the attempt
	few    [3]ledger.Charge
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
	cost, tokens := h.cat.CostOf(h.price, d.Provider, d.Type, a.Started, u), totalTokens(u)
	if !u.Reported && !u.Estimated {
		// It was answered, or may have been, and nobody knows what it used:
		// then it used all that it could.
		cost, tokens = max(cost, h.bound), max(tokens, h.tokens)
		if h.first {
			u.Estimated = true
		}
	} else if a.Result == llm.ResultAnswered && h.g.estimating() {
		h.g.estimates.learn(moneyOf(d.Model), h.bound, cost)
		h.g.estimates.learn(tokensOf(d.Model), llm.Money(h.tokens), llm.Money(tokens))
	}
	if h.first {
		a.Cost = cost
	}
	row := ledger.Row{Served: u.Model, Usage: *u, Cost: cost, Tokens: tokens, Result: a.Result}
	row.Usage.Parts = nil
	if w := h.held.Settle(a.Ended, row); len(w) > 0 && h.g.o.OnWarn != nil {
		h.g.o.OnWarn(x, w)
	}
}

// totalTokens counts what budgets of tokens are charged: prompt and output of the
// call, or of its parts where it has any.
func totalTokens(u *llm.Usage) int64 {
	if len(u.Parts) == 0 {
		return add(add(add(u.Input, u.CacheRead), add(u.CacheWrite, u.CacheWrite1h)), u.Output)
	}
	sum := int64(0)
	for i := range u.Parts {
		sum = add(sum, totalTokens(&u.Parts[i]))
	}
	return sum
}

func (g *Guard) estimating() bool {
	for i := range g.o.Budgets {
		if g.o.Budgets[i].Estimate {
			return true
		}
	}
	return false
}

func (g *Guard) deny(x *llm.Exchange, rule string, d *llm.Denial) *llm.Denial {
	d.Rule = rule
	x.Decide(llm.Decision{Module: "cost", Rule: rule, Action: "deny", Code: d.Code, Detail: d.Message})
	return d
}
