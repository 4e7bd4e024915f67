package limits

import (
	"math"
	"math/bits"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Bound is what an attempt can use at most, in tokens.
type Bound struct {
	// Input bounds the whole prompt, as it goes to the attempt's deployment.
	Input int64
	// Output bounds the output of one choice; -1 if nothing limits it.
	Output int64
	// Choices is how many answers are asked for, at least 1.
	Choices int64
	// Unbounded names the parts of the request that are not covered, "" for none.
	Unbounded string
}

// BoundOf returns the bound of an attempt from the view, the declared changes and
// what governors have already lowered. Without a view nothing is bounded.
func BoundOf(x *llm.Exchange, a *llm.Attempt) Bound {
	v := x.View
	if v == nil {
		return Bound{Output: -1, Choices: 1, Unbounded: "body"}
	}
	b := Bound{
		Input:     max(dialects.InputBound(v, a.Deployment.Dialect), a.Deployment.InputBound),
		Output:    x.OutputLimit(a),
		Choices:   max(1, v.Choices),
		Unbounded: strings.Join(v.Unbounded, ", "),
	}
	if !x.Dialect.Generates() {
		b.Output = 0
	}
	return b
}

// outputs is the bound of the output of all choices together.
func (b *Bound) outputs() int64 { return multiply(b.Output, b.Choices) }

// tokens is the bound of all tokens together.
func (b *Bound) tokens() int64 { return add(b.Input, b.outputs()) }

// cost is the bound of what the call can cost at a price.
func (b *Bound) cost(p *prices.Price, ask prices.Ask) llm.Money {
	return p.Bound(b.Input, b.outputs(), ask)
}

// served reads how the request asks to be served, and takes out of what is
// unbounded the service that the price lists.
func (b *Bound) served(p *prices.Price, x *llm.Exchange, a *llm.Attempt) (ask prices.Ask) {
	v := x.View
	if len(p.Served)+len(p.Regions) == 0 || v == nil {
		return ask // nothing depends on it
	}
	s := dialects.ServiceOf(v)
	asked := strings.ToLower(s.Tier)
	var left []string
	for _, what := range v.Unbounded {
		switch {
		case what == "service_tier" && p.Served[asked] != nil:
		case what == "speed" && p.Served[strings.ToLower(s.Speed)] != nil:
		case what == "inference_geo" && p.Regions[strings.ToLower(s.Region)] != 0:
		default:
			left = append(left, what)
		}
	}
	b.Unbounded = strings.Join(left, ", ")
	to := a.Deployment.Dialect
	if to == llm.DialectNone { // a stock proxy passes on what came
		to = v.Dialect
	}
	switch {
	case to.Family() == llm.FamilyAnthropic: // it is fast only where that is asked for, and translation never does
		ask.NotFast = to != v.Dialect || s.Speed == "" || s.Speed == "standard"
	case to == v.Dialect:
		ask.NotFast = asked != "" && asked != "auto" && asked != "fast"
	}
	if to == v.Dialect { // else translation may have dropped it
		ask.Tier, ask.Region = s.Tier, s.Region
	}
	return ask
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

// add adds without overflow what is not negative.
func add(a, b int64) int64 {
	if s := max(0, a) + max(0, b); s >= 0 {
		return s
	}
	return math.MaxInt64
}
