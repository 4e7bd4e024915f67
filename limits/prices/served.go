package prices

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Served is how the rates of a service tier differ from the standard ones. A rate
// that it has not is the standard one multiplied by Times or, where Times is 0
// too, changed as the tier changes the rate of all input (or output).
type Served struct {
	Times Factor
	Rates
	// Tiers are bands of context as in Price. Without them the tier's rates
	// change from band to band as the standard ones do, and never fall.
	Tiers []Tier
}

// Ask is what a request says about how it is to be served. What it leaves open the
// provider may choose.
type Ask struct {
	// Tier is the service tier that was asked for, "" or "auto" for any.
	Tier string
	// NotFast is true if the speed "fast" cannot be what serves the request.
	NotFast bool
	// Region is where it asked to be served, "" for wherever the provider's
	// account says, "global" for no region in particular.
	Region string
}

// Standard reports whether a name of a tier means the standard one.
func Standard(tier string) bool {
	switch tier {
	case "", "standard", "standard_only", "default", "auto", "on_demand", "unspecified":
		return true
	}
	return false
}

// may reports whether a request can be served by a tier that the price lists.
func (a *Ask) may(tier string) bool {
	asked := strings.ToLower(a.Tier)
	switch {
	case tier == "batch": // asked for by files of requests, never by a call
		return false
	case tier == "fast":
		return !a.NotFast
	case asked == "" || asked == "auto":
		return true
	case Standard(asked):
		return false
	}
	return asked == tier || !knownTier(asked)
}

// knownTier reports whether a name of a tier is one that providers use.
func knownTier(s string) bool {
	switch s {
	case "flex", "priority", "scale", "fast", "batch", "offpeak":
		return true
	}
	return false
}

// at returns the rates of a call with a whole prompt of n tokens, served by a tier
// and in a region.
func (p *Price) at(n int64, tier, region string) rates {
	r := p.band(n)
	if len(p.Served) > 0 {
		if s := p.Served[strings.ToLower(tier)]; s != nil {
			r = s.at(p, n, r)
		}
	}
	if len(p.Regions) > 0 && region != "" {
		if f := p.Regions[strings.ToLower(region)]; f != 0 {
			for k := range r {
				r[k] = f.of(r[k])
			}
		}
	}
	return r
}

// at returns the rates of the tier; standard are those of the price.
func (s *Served) at(p *Price, n int64, standard rates) rates {
	if len(s.Tiers) > 0 || len(p.Tiers) == 0 || n <= p.Tiers[0].Above {
		own := inBand(&s.Rates, s.Tiers, n)
		return s.fill(&own, standard)
	}
	base := p.resolve()
	r := s.fill(&s.Rates, base)
	for k := range r {
		if base[k] > 0 {
			r[k] = max(r[k], scale(standard[k], r[k], base[k]))
		} else {
			r[k] = max(r[k], standard[k])
		}
	}
	return r
}

// fill completes the rates of the tier from the standard ones.
func (s *Served) fill(own *Rates, standard rates) rates {
	r := standard
	for k, m := range own.fields() {
		lead, of := own.Input, standard[input]
		if kind(k).isOutput() {
			lead, of = own.Output, standard[output]
		}
		switch {
		case *m != nil:
			r[k] = max(0, **m)
		case s.Times != 0:
			r[k] = s.Times.of(standard[k])
		case lead != nil && of > 0:
			r[k] = scale(standard[k], *lead, of)
		}
	}
	return r
}

// thresholds calls f with a number of tokens of each band of context that a prompt
// of at most n tokens can be in.
func (p *Price) thresholds(s *Served, n int64, f func(n int64)) {
	f(0)
	bands := [2][]Tier{p.Tiers}
	if s != nil {
		bands[1] = s.Tiers
	}
	for _, tiers := range bands {
		for i := range tiers {
			if tiers[i].Above >= n {
				break
			}
			f(tiers[i].Above + 1)
		}
	}
}

// extremes are the highest rates of either side and the most buckets.
type extremes struct {
	in, out               llm.Money
	inBuckets, outBuckets llm.Money
}

// dearest returns the extremes of whatever a request with a prompt of at most n
// tokens can be served by.
func (p *Price) dearest(n int64, ask *Ask) (d extremes) {
	d.inBuckets, d.outBuckets = inputBuckets, outputBuckets
	one := func(tier string, s *Served) {
		p.thresholds(s, n, func(n int64) {
			r := p.at(n, tier, "")
			in, out := r.dearest()
			d.in, d.out = max(d.in, in), max(d.out, out)
			more := [2]llm.Money{}
			for _, k := range rare {
				if r[k.kind] == r[k.of] {
					continue
				}
				if k.kind.isOutput() {
					more[1]++
				} else {
					more[0]++
				}
			}
			d.inBuckets, d.outBuckets = max(d.inBuckets, inputBuckets+more[0]), max(d.outBuckets, outputBuckets+more[1])
		})
	}
	one("", nil)
	for tier, s := range p.Served {
		if ask.may(tier) {
			one(tier, s)
		}
	}
	var top Factor
	for region, f := range p.Regions {
		if ask.Region == "" || strings.EqualFold(ask.Region, region) {
			top = max(top, f)
		}
	}
	if top > Factor(llm.USD) { // rounding each rate up keeps their order
		d.in, d.out = top.of(d.in), top.of(d.out)
	}
	return d
}
