package prices

import (
	"math"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Rates are prices in nano-dollars per million tokens. Nil means not given: the
// tokens then cost what the fallback named at each field costs, never nothing.
type Rates struct {
	Input        *llm.Money // uncached prompt; without it the highest of the others
	Output       *llm.Money // without it (embeddings) as Input
	CacheRead    *llm.Money // prompt read from the cache; without it as Input
	CacheWrite   *llm.Money // prompt written to the cache; without it as Input
	CacheWrite1h *llm.Money // the same for the long term; without it as CacheWrite
	InputAudio   *llm.Money // without it as Input
	OutputAudio  *llm.Money // without it as Output
	Reasoning    *llm.Money // hidden part of the output; without it as Output
}

// Tier holds the rates of calls whose whole prompt, cached tokens included, has
// more than Above tokens. They apply to all tokens of the call. A rate that a
// tier lacks is that of the tier below.
type Tier struct {
	Above int64
	Rates
}

// Price is what one model costs.
type Price struct {
	Rates
	// Tiers are higher bands of context in rising order of Above.
	Tiers []Tier
	// WebSearch is the fee for one web search and Request the fee for one call,
	// in nano-dollars; nil means none is charged.
	WebSearch, Request *llm.Money
	// MaxOutput is the largest number of output tokens of the model, 0 if not
	// known.
	MaxOutput int64
	// AsOf is the day as of which the price is known, e.g. "2026-08-21"; empty
	// for an operator's override.
	AsOf string

	// override is true for prices that the operator set, exact for those of one
	// model by its whole name.
	override, exact bool
}

// USD makes a rate or fee out of an amount: in rates, per million tokens.
func USD(m llm.Money) *llm.Money { return &m }

// Flat returns a price of m per million tokens of any kind.
func Flat(m llm.Money) Price { return Price{Rates: Rates{Input: &m, Output: &m}} }

// Free returns a price of nothing.
func Free() Price { return Flat(0) }

// rates are Rates with all fallbacks applied.
type rates struct {
	input, output, cacheRead, cacheWrite, cacheWrite1h, inputAudio, outputAudio, reasoning llm.Money
}

func first(ms ...*llm.Money) llm.Money {
	for _, m := range ms {
		if m != nil {
			return max(0, *m)
		}
	}
	return 0
}

// highest returns the larger of what is given.
func highest(ms ...*llm.Money) *llm.Money {
	var h *llm.Money
	for _, m := range ms {
		if m != nil && (h == nil || *m > *h) {
			h = m
		}
	}
	return h
}

// over returns the rates of r where it has them, else those of base.
func (r *Rates) over(base *Rates) Rates {
	pick := func(a, b *llm.Money) *llm.Money {
		if a != nil {
			return a
		}
		return b
	}
	return Rates{
		pick(r.Input, base.Input), pick(r.Output, base.Output),
		pick(r.CacheRead, base.CacheRead), pick(r.CacheWrite, base.CacheWrite), pick(r.CacheWrite1h, base.CacheWrite1h),
		pick(r.InputAudio, base.InputAudio), pick(r.OutputAudio, base.OutputAudio), pick(r.Reasoning, base.Reasoning),
	}
}

func (r *Rates) resolve() rates {
	in := r.Input
	if in == nil {
		in = highest(r.CacheRead, r.CacheWrite, r.CacheWrite1h, r.InputAudio, r.Output)
	}
	out := r.Output
	if out == nil {
		out = in
	}
	return rates{
		input:        first(in),
		output:       first(out),
		cacheRead:    first(r.CacheRead, in),
		cacheWrite:   first(r.CacheWrite, in),
		cacheWrite1h: first(r.CacheWrite1h, r.CacheWrite, in),
		inputAudio:   first(r.InputAudio, in),
		outputAudio:  first(r.OutputAudio, out),
		reasoning:    first(r.Reasoning, out),
	}
}

// band returns the rates for a prompt of n tokens.
func (p *Price) band(n int64) rates {
	if len(p.Tiers) == 0 || n <= p.Tiers[0].Above {
		return p.resolve()
	}
	r := p.Rates
	for i := range p.Tiers {
		if n <= p.Tiers[i].Above {
			break
		}
		r = p.Tiers[i].over(&r)
	}
	return r.resolve()
}

// Cost returns what a usage costs, each bucket rounded up to the next
// nano-dollar. Usage comes from outside: negative counts are nothing, and parts
// larger than their whole are charged as they stand. Usage.Parts are not looked
// at: see Catalogue.CostOf.
func (p Price) Cost(u *llm.Usage) llm.Money {
	in, out := max(0, u.Input), max(0, u.Output)
	read, write, write1h := max(0, u.CacheRead), max(0, u.CacheWrite), max(0, u.CacheWrite1h)
	r := p.band(add(add(in, read), add(write, write1h)))
	audioIn, audioOut := max(0, u.InputAudio), max(0, u.OutputAudio)
	reasoning := int64(0)
	if r.reasoning != r.output {
		reasoning = max(0, u.Reasoning)
	}
	c := r.input.PerMillion(in - audioIn)
	c = c.Add(r.inputAudio.PerMillion(audioIn))
	c = c.Add(r.cacheRead.PerMillion(read))
	c = c.Add(r.cacheWrite.PerMillion(write))
	c = c.Add(r.cacheWrite1h.PerMillion(write1h))
	c = c.Add(r.output.PerMillion(max(0, out-audioOut) - reasoning))
	c = c.Add(r.outputAudio.PerMillion(audioOut))
	c = c.Add(r.reasoning.PerMillion(reasoning))
	c = c.Add(times(first(p.WebSearch), u.WebSearches))
	return c.Add(first(p.Request))
}

// Bound returns an upper bound of Cost for every usage of one call whose whole
// prompt has at most input tokens and whose output at most output tokens, in
// whatever way they fall into buckets. Web searches are not in it.
func (p Price) Bound(input, output int64) llm.Money {
	input, output = max(0, input), max(0, output)
	r := p.resolve()
	in, out := r.dearestInput(), r.dearestOutput()
	acc := p.Rates
	for i := range p.Tiers {
		if input <= p.Tiers[i].Above {
			break
		}
		acc = p.Tiers[i].over(&acc)
		r = acc.resolve()
		in, out = max(in, r.dearestInput()), max(out, r.dearestOutput())
	}
	return bound(in, input, inputBuckets).Add(bound(out, output, outputBuckets)).Add(first(p.Request))
}

// Free reports whether no usage whatsoever costs anything.
func (p Price) Free() bool {
	if first(p.WebSearch) > 0 {
		return false
	}
	return p.Bound(math.MaxInt64, math.MaxInt64) == 0
}

func (r *rates) dearestInput() llm.Money {
	return max(r.input, r.cacheRead, r.cacheWrite, r.cacheWrite1h, r.inputAudio)
}

func (r *rates) dearestOutput() llm.Money { return max(r.output, r.outputAudio, r.reasoning) }

// Buckets of Cost on either side: each rounds up on its own.
const inputBuckets, outputBuckets = 5, 3

func bound(rate llm.Money, n int64, buckets llm.Money) llm.Money {
	if rate == 0 || n == 0 {
		return 0
	}
	return rate.PerMillion(n).Add(min(buckets, llm.Money(n)) - 1)
}

func add(a, b int64) int64 {
	if s := a + b; s >= 0 {
		return s
	}
	return math.MaxInt64
}

// times returns m·n, saturating.
func times(m llm.Money, n int64) llm.Money {
	if m <= 0 || n <= 0 {
		return 0
	}
	if m > llm.MaxMoney/llm.Money(n) {
		return llm.MaxMoney
	}
	return m * llm.Money(n)
}

// Fixed returns the price as one that no price of the model served replaces:
// the operator has decided it.
func (p Price) Fixed() Price {
	p.override = true
	return p
}

// IsFixed reports whether the operator has decided the price.
func (p Price) IsFixed() bool { return p.override }
