package handlers

import (
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// rateGate is what an llm_ratelimit leaves at the gate for one request: its
// limits that are charged there, together with what it charged before.
type rateGate struct {
	c        *call
	h        *RateLimit
	throttle *limits.Throttle
	before   *limits.Taken
	back     bool            // before has been given back
	told     []limits.Status // of the gate's limits, by the latest attempt
}

var _ llm.Governor = (*rateGate)(nil)

// charge takes the limits that are charged when the request comes.
func (g *rateGate) charge(at time.Time) error {
	c, x := g.c, &g.c.x
	var few [4]limits.Charge
	charges := few[:0]
	for _, l := range g.h.before {
		charges = append(charges, limits.Charge{Limit: l, Value: scopeValue(x, nil, l.Scope), Hold: len(g.h.gate) > 0})
	}
	taken, refused := c.stores.Rates.Take(at, charges)
	if refused != nil {
		c.standing.refused(refused)
		return refused.Deny(x)
	}
	var told []limits.Status
	if g.before != nil {
		told = g.before.Status
	}
	c.standing.tell(told, taken.Status)
	g.before, g.back = taken, false
	return nil
}

// Reserve charges the limits of the gate, all or none. What one limit of a
// directive refuses counts for none of them: while nothing of the request has
// left, its charges of before are given back, and taken anew should it be tried
// elsewhere.
func (g *rateGate) Reserve(x *llm.Exchange, a *llm.Attempt) (llm.Hold, error) {
	if g.back {
		if err := g.charge(a.Started); err != nil {
			return nil, err
		}
	}
	h, refused := g.throttle.Hold(x, a)
	if refused != nil {
		if len(x.Attempts) == 0 {
			g.before.Settle(a.Started, func(*limits.RateLimit) int64 { return 0 })
			g.back = true
		}
		g.c.standing.refused(refused)
		return nil, refused.Deny(x)
	}
	if h == nil {
		return nil, nil
	}
	g.c.standing.tell(g.told, h.Status())
	g.told = h.Status()
	return h, nil
}

// end is called when the exchange is over.
func (g *rateGate) end() { g.before.Release() }
