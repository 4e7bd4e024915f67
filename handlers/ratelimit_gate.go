package handlers

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// rateGate is what an llm_ratelimit leaves at the gate for one request: its
// limits that are charged there, together with what it charged before.
type rateGate struct {
	c        *call
	throttle *limits.Throttle
	before   *limits.Taken
	refused  bool // the last thing that the gate said to us was no
}

var _ llm.Governor = (*rateGate)(nil)

// Reserve charges the limits of the gate, all or none.
func (g *rateGate) Reserve(x *llm.Exchange, a *llm.Attempt) (llm.Hold, error) {
	h, refused := g.throttle.Hold(x, a)
	g.refused = refused != nil
	if refused != nil {
		g.c.standing.refused(refused)
		return nil, refused.Deny(x)
	}
	if h == nil {
		return nil, nil
	}
	g.c.standing.add(h.Status())
	return h, nil
}

// end is called when the exchange is over. What one limit of a directive refused
// counts for none of them: a request that only failed at the gate's limits, and
// of which nothing left, is not charged to the limits on requests either.
func (g *rateGate) end() {
	x := &g.c.x
	if g.refused && len(x.Attempts) == 0 {
		g.before.Settle(x.End, func(*limits.RateLimit) int64 { return 0 })
		return
	}
	g.before.Release()
}
