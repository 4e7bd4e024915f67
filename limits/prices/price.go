package prices

import (
	"math"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Price is what one model costs.
type Price struct {
	Rates
	// Tiers are higher bands of context in rising order of Above.
	Tiers []Tier
	// Served are the service tiers that have prices of their own, by name in
	// lower case; any other costs what the standard one does.
	Served map[string]*Served
	// Regions multiply all rates of calls that were served in a region, by name
	// in lower case.
	Regions map[string]Factor
	// Fees for one web search, one search in files, one session of a code
	// interpreter and one call, in nano-dollars; nil means none is charged.
	WebSearch, FileSearch, CodeSession, Request *llm.Money
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

// band returns the standard rates for a prompt of n tokens.
func (p *Price) band(n int64) rates {
	if len(p.Tiers) == 0 || n <= p.Tiers[0].Above {
		return p.resolve()
	}
	r := inBand(&p.Rates, p.Tiers, n)
	return r.resolve()
}

// Cost returns what a usage costs, by the tier and the region that served it, each
// bucket rounded up to the next nano-dollar. Usage comes from outside: negative
// counts are nothing, and parts larger than their whole are charged as they stand.
// Where the provider has not said what kinds of output there are, all of it costs
// what the dearest of text and pictures does. Usage.Parts are not looked at: see
// Catalogue.CostOf.
func (p Price) Cost(u *llm.Usage) llm.Money {
	in, out := max(0, u.Input), max(0, u.Output)
	read, write, write1h := max(0, u.CacheRead), max(0, u.CacheWrite), max(0, u.CacheWrite1h)
	r := p.at(add(add(in, read), add(write, write1h)), u.Tier, u.Region)
	if r[outputImage] > r[output] && !u.OutputSplit {
		r[output] = r[outputImage]
	}
	n := [kinds]int64{
		inputAudio: max(0, u.InputAudio), inputImage: max(0, u.InputImage), cacheReadAudio: max(0, u.CacheReadAudio),
		cacheWrite: write, cacheWrite1h: write1h,
		outputAudio: max(0, u.OutputAudio), outputImage: max(0, u.OutputImage),
	}
	for _, k := range rare { // what has no rate of its own is not rounded on its own
		if r[k.kind] == r[k.of] {
			n[k.kind] = 0
		}
	}
	n[input] = in - add(n[inputAudio], n[inputImage])
	n[cacheRead] = read - n[cacheReadAudio]
	n[output] = max(0, out-add(n[outputAudio], n[outputImage]))
	if r[reasoning] != r[output] {
		n[reasoning] = max(0, u.Reasoning)
		n[output] -= n[reasoning]
	}
	var c llm.Money
	for k := range r {
		c = c.Add(r[k].PerMillion(n[k]))
	}
	c = c.Add(times(first(p.WebSearch), u.WebSearches))
	c = c.Add(times(first(p.FileSearch), u.FileSearches))
	c = c.Add(times(first(p.CodeSession), u.CodeSessions))
	return c.Add(first(p.Request))
}

// Bound returns an upper bound of Cost for every usage of one call whose whole
// prompt has at most input tokens and whose output at most output tokens, in
// whatever way they fall into buckets, served by whatever ask leaves open. Fees for
// tools of the provider are not in it.
func (p Price) Bound(input, output int64, ask Ask) llm.Money {
	input, output = max(0, input), max(0, output)
	d := p.dearest(input, &ask)
	return bound(d.in, input, d.inBuckets).Add(bound(d.out, output, d.outBuckets)).Add(first(p.Request))
}

// Free reports whether no usage whatsoever costs anything.
func (p Price) Free() bool {
	if first(p.WebSearch) > 0 || first(p.FileSearch) > 0 || first(p.CodeSession) > 0 {
		return false
	}
	return p.Bound(math.MaxInt64, math.MaxInt64, Ask{}) == 0
}

// Buckets of Cost on either side, each of which rounds up on its own, and the rare
// ones: few prices have rates of their own for them.
const inputBuckets, outputBuckets = 5, 3

var rare = [...]struct{ kind, of kind }{{inputImage, input}, {cacheReadAudio, cacheRead}, {outputImage, output}}

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
