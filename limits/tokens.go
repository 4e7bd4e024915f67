package limits

import (
	"context"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

const (
	// UnlimitedOutput is what a token limit reserves for each choice of a call
	// that names no limit on its output: an estimate, settled to what was used.
	UnlimitedOutput = 4096
	// MinOutput is the least output to which a Throttle lowers a call. With less
	// an answer is rarely of use.
	MinOutput = 256
	// estimateShare is by how much an input bound is divided where a limit
	// estimates: the bound counts a token for a byte, and text runs at 3.5 to 5
	// bytes a token in the tokenizers measured.
	estimateShare = 3
)

// Throttle holds attempts to rate limits at the gate: all limits of tokens, and
// those of requests whose scope is known only there (model, provider). It is an
// llm.Governor; one Throttle serves all requests of a configuration.
//
// For each attempt it reserves in all limits, or in none, an upper bound of the
// tokens, and settles that to the usage once it is known. If the bound does not
// fit and the input does, the attempt's output is lowered to what does
// (llm.Attempt.MaxTokens), but not below MinOutput or the caller's own limit.
type Throttle struct {
	r          *Rates
	limits     []*RateLimit
	scopeValue func(x *llm.Exchange, a *llm.Attempt, scope string) string
}

// NewThrottle returns a throttle. scopeValue returns the value of a scope for an
// attempt, "" for none; it must be cheap and must not block.
func NewThrottle(r *Rates, limits []*RateLimit, scopeValue func(x *llm.Exchange, a *llm.Attempt, scope string) string) *Throttle {
	return &Throttle{r: r, limits: limits, scopeValue: scopeValue}
}

var _ llm.Governor = (*Throttle)(nil)

// Declare adds to a request what the throttle needs to measure it; call it once
// the View is there. It asks for the usage of streams that tell it only on
// request.
func (g *Throttle) Declare(x *llm.Exchange) {
	if v := x.View; v != nil && v.Stream && (x.Dialect == llm.Chat || x.Dialect == llm.Completions) {
		x.Changes.IncludeUsage = true
	}
}

// Reserve charges the attempt, or refuses it with 429 rate_limited.
func (g *Throttle) Reserve(x *llm.Exchange, a *llm.Attempt) (llm.Hold, error) {
	h, refused := g.Hold(x, a)
	if refused != nil {
		return nil, refused.Deny(x)
	}
	if h == nil {
		return nil, nil
	}
	return h, nil
}

// ThrottleHold is what a Throttle holds for one attempt.
type ThrottleHold struct{ taken *Taken }

// Hold is Reserve with a refusal that has not been made a denial yet. Both
// results are nil when no limit applies.
func (g *Throttle) Hold(x *llm.Exchange, a *llm.Attempt) (*ThrottleHold, *Refusal) {
	var few [4]Charge
	charges := few[:0]
	d := demandOf(x, a)
	for _, l := range g.limits {
		c := Charge{Limit: l, Hold: true}
		input := d.input
		if l.Estimate {
			input = (input + estimateShare - 1) / estimateShare
		}
		switch l.Dimension {
		case Tokens:
			c.N, c.PerOutput = input, d.choices
		case InputTokens:
			c.N = input
		case OutputTokens:
			c.PerOutput = d.choices
		}
		if l.counted() && (!d.billed || (c.N == 0 && c.PerOutput == 0)) {
			continue
		}
		c.Value = g.scopeValue(x, a, l.Scope)
		charges = append(charges, c)
	}
	if len(charges) == 0 {
		return nil, nil
	}
	taken, refused := g.r.Reserve(a.Started, charges, d.least, d.most)
	if refused != nil {
		return nil, refused
	}
	if taken.Output < d.most {
		a.MaxTokens = taken.Output
		x.Decide(llm.Decision{Module: "ratelimit", Rule: g.tightest(taken), Action: "lower", Detail: "the output was limited to what the token limits have left"})
	}
	return &ThrottleHold{taken}, nil
}

// tightest names the limit that has left nothing.
func (g *Throttle) tightest(k *Taken) string {
	var l *RateLimit
	least := int64(0)
	for i := range k.Status {
		s := &k.Status[i]
		if (s.Limit.Dimension == Tokens || s.Limit.Dimension == OutputTokens) && (l == nil || s.Remaining < least) {
			l, least = s.Limit, s.Remaining
		}
	}
	if l == nil {
		return ""
	}
	return l.Label()
}

// counted reports whether a limit counts tokens.
func (l *RateLimit) counted() bool {
	return l.Dimension == Tokens || l.Dimension == InputTokens || l.Dimension == OutputTokens
}

// demand is what a call may use.
type demand struct {
	billed      bool
	input       int64 // upper bound, in tokens
	choices     int64 // how many answers there may be; 0 when there is no output
	least, most int64 // output of each choice
}

func demandOf(x *llm.Exchange, a *llm.Attempt) demand {
	d := demand{billed: x.Dialect.Billed()}
	v := x.View
	if !d.billed || v == nil {
		return d
	}
	b := BoundOf(x, a)
	d.input = b.Input
	if !x.Dialect.Generates() {
		return d
	}
	d.choices, d.most = b.Choices, b.Output
	if d.most < 0 {
		d.most = UnlimitedOutput
	}
	// A thinking budget must fit below the limit, and something after it.
	d.least = min(d.most, MinOutput+max(0, v.MinOutput))
	return d
}

// Status says where the caller stands; after Settle, what is left then.
func (h *ThrottleHold) Status() []Status { return h.taken.Status }

// Durable does nothing: rate limits live in memory.
func (h *ThrottleHold) Durable(context.Context) error { return nil }

// Settle replaces what was reserved by what was used. An attempt that never left
// or that the provider refused used no tokens; one whose usage nobody knows used
// all that was reserved.
func (h *ThrottleHold) Settle(_ *llm.Exchange, a *llm.Attempt) {
	u := usedOf(a)
	h.taken.Settle(a.Ended, func(l *RateLimit) int64 {
		switch l.Dimension {
		case Tokens:
			if u.unknown {
				return -1
			}
			return u.input + u.output
		case InputTokens:
			if u.unknown {
				return -1
			}
			return u.input
		case OutputTokens:
			if u.unknown {
				return -1
			}
			return u.output
		}
		if a.Result == llm.ResultUnsent {
			return 0
		}
		return -1 // the provider was asked
	})
}

// used is what an attempt has used, in tokens.
type used struct {
	input, output int64
	unknown       bool
}

func usedOf(a *llm.Attempt) used {
	if a.Result == llm.ResultUnsent || a.Result == llm.ResultRefused {
		return used{}
	}
	u := &a.Usage
	if len(u.Parts) == 0 {
		n := used{input: sane(u.Input, u.CacheRead, u.CacheWrite, u.CacheWrite1h), output: sane(u.Output)}
		n.unknown = !u.Reported && n.input == 0 && n.output == 0
		return n
	}
	var n used
	for i := range u.Parts {
		p := &u.Parts[i]
		n.input = sane(n.input, p.Input, p.CacheRead, p.CacheWrite, p.CacheWrite1h)
		n.output = sane(n.output, p.Output)
	}
	return n
}

// sane adds figures of a provider, which may be negative or absurd.
func sane(figures ...int64) (sum int64) {
	for _, n := range figures {
		sum = min(sum+min(max(n, 0), MaxAmount), MaxAmount)
	}
	return sum
}
