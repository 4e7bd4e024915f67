package gateway

import (
	"errors"
	"fmt"
	"slices"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// PriceOverride sets the price of models. Prices are decimal amounts in USD, per
// million tokens.
type PriceOverride struct {
	// Match is `provider/pattern`, or a pattern for every provider. `*` stands
	// for any characters.
	Match string `json:"match"`
	// Free makes the models cost nothing.
	Free bool `json:"free,omitempty"`
	// Input and Output are the prices of input and output tokens; CacheRead
	// and CacheWrite those of cached input, by default the price of input.
	Input      string `json:"input,omitempty"`
	Output     string `json:"output,omitempty"`
	CacheRead  string `json:"cache_read,omitempty"`
	CacheWrite string `json:"cache_write,omitempty"`
	// More is everything else that a price can have, in the schema of price
	// files; what stands above does not stand there too.
	More *prices.SnapshotPrice `json:"more,omitempty"`
}

// override turns the option into the catalogue's form.
func (p PriceOverride) override() (prices.Override, error) {
	o := prices.Override{Pattern: p.Match, Free: p.Free}
	if p.Match == "" {
		return o, errors.New("the pattern is empty")
	}
	if p.Free {
		if p.Input+p.Output+p.CacheRead+p.CacheWrite != "" || p.More != nil {
			return o, errors.New("free and priced at once")
		}
		return o, nil
	}
	var all prices.SnapshotPrice
	if p.More != nil {
		all = *p.More
	}
	for _, f := range []struct {
		name, written string
		into          *string
	}{
		{"input", p.Input, &all.Rates.Input}, {"output", p.Output, &all.Rates.Output},
		{"cache_read", p.CacheRead, &all.Rates.CacheRead}, {"cache_write", p.CacheWrite, &all.Rates.CacheWrite},
	} {
		if f.written != "" && *f.into != "" {
			return o, fmt.Errorf("%s is given twice", f.name)
		}
		if f.written != "" {
			*f.into = f.written
		}
	}
	if all.Rates.Input == "" || all.Rates.Output == "" {
		return o, errors.New("want the prices of input and output")
	}
	var err error
	o.Price, err = all.Price()
	return o, err
}

// parsePrice reads `price <pattern> free`, or
//
//	price <pattern> [<input> <output> [<cache read> [<cache write>]]] {
//		input|output|cache_read|cache_write|cache_write_1h|cache_read_audio|input_audio|input_image|output_audio|output_image|reasoning <USD>
//		above <tokens> {
//			<rates>
//		}
//		tier <name> [<factor>] {
//			<rates>
//			above <tokens> {
//				<rates>
//			}
//		}
//		region <name> <factor>
//		web_search|file_search|code_session|request <USD>
//		max_output <tokens>
//	}
func parsePrice(d *caddyfile.Dispenser, app *App) error {
	args := d.RemainingArgs()
	if len(args) < 1 {
		return d.Err("price takes a pattern and `free`, two to four prices in USD per million tokens, or a block")
	}
	o := PriceOverride{Match: args[0]}
	switch n := len(args) - 1; {
	case n > 0 && args[1] == "free":
		if n > 1 {
			return d.Errf("price %s: nothing may follow free", o.Match)
		}
		o.Free = true
	case n == 1 || n > 4:
		return d.Errf("price %s: want <input> <output> [<cache read> [<cache write>]] in USD per million tokens", o.Match)
	default:
		for i, to := range []*string{&o.Input, &o.Output, &o.CacheRead, &o.CacheWrite}[:n] {
			*to = args[i+1]
		}
	}
	if err := parsePriceBlock(d, &o); err != nil {
		return err
	}
	if _, err := o.override(); err != nil {
		return d.Errf("price %s: %v", o.Match, err)
	}
	if slices.ContainsFunc(app.Prices, func(p PriceOverride) bool { return p.Match == o.Match }) {
		return d.Errf("price %s is given twice", o.Match)
	}
	app.Prices = append(app.Prices, o)
	return nil
}

func parsePriceBlock(d *caddyfile.Dispenser, o *PriceOverride) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if o.More == nil {
			o.More = &prices.SnapshotPrice{}
		}
		p := o.More
		var err error
		switch name := d.Val(); name {
		case "above":
			err = parseBand(d, &p.Tiers)
		case "tier":
			err = parseServed(d, p)
		case "region":
			args := d.RemainingArgs()
			if len(args) != 2 || p.Regions[args[0]] != "" {
				return d.Err("region takes a name and a factor, each name once")
			}
			if _, err := prices.ParseFactor(args[1]); err != nil {
				return d.Errf("region %s: %v", args[0], err)
			}
			if p.Regions == nil {
				p.Regions = map[string]string{}
			}
			p.Regions[args[0]] = args[1]
		case "web_search":
			err = parseRate(d, &p.WebSearch)
		case "file_search":
			err = parseRate(d, &p.FileSearch)
		case "code_session":
			err = parseRate(d, &p.CodeSession)
		case "request":
			err = parseRate(d, &p.Request)
		case "max_output":
			if p.MaxOutput != 0 {
				return d.Err("max_output is given twice")
			}
			p.MaxOutput, err = parseCount(d)
		default:
			err = parseRates(d, &p.Rates)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// parseServed reads the price of a service tier.
func parseServed(d *caddyfile.Dispenser, p *prices.SnapshotPrice) error {
	args := d.RemainingArgs()
	if len(args) < 1 || len(args) > 2 {
		return d.Err("tier takes a name, and perhaps a factor")
	}
	if _, twice := p.Served[args[0]]; twice {
		return d.Errf("tier %s is given twice", args[0])
	}
	var s prices.SnapshotServed
	if len(args) == 2 {
		if _, err := prices.ParseFactor(args[1]); err != nil {
			return d.Errf("tier %s: %v", args[0], err)
		}
		s.Times = args[1]
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var err error
		if d.Val() == "above" {
			err = parseBand(d, &s.Tiers)
		} else {
			err = parseRates(d, &s.Rates)
		}
		if err != nil {
			return err
		}
	}
	if p.Served == nil {
		p.Served = map[string]prices.SnapshotServed{}
	}
	p.Served[args[0]] = s
	return nil
}

// parseBand reads `above <tokens> { <rates> }`.
func parseBand(d *caddyfile.Dispenser, bands *[]prices.SnapshotRates) error {
	n, err := parseCount(d)
	if err != nil {
		return err
	}
	r := prices.SnapshotRates{Above: n}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if err := parseRates(d, &r); err != nil {
			return err
		}
	}
	*bands = append(*bands, r)
	return nil
}

func parseRates(d *caddyfile.Dispenser, r *prices.SnapshotRates) error {
	to := r.Named(d.Val())
	if to == nil {
		return d.Errf("unknown option %q of price", d.Val())
	}
	return parseRate(d, to)
}

func parseRate(d *caddyfile.Dispenser, to *string) error {
	name := d.Val()
	args := d.RemainingArgs()
	if len(args) != 1 || *to != "" {
		return d.Errf("%s takes one amount in USD, once", name)
	}
	if _, err := llm.ParseMoney(args[0]); err != nil {
		return d.Errf("%s: %q is not an amount in USD", name, args[0])
	}
	*to = args[0]
	return nil
}

func parseCount(d *caddyfile.Dispenser) (int64, error) {
	name := d.Val()
	args := d.RemainingArgs()
	if len(args) != 1 {
		return 0, d.Errf("%s takes a number of tokens", name)
	}
	n, err := limits.ParseAmount(args[0])
	if err != nil || n < 1 {
		return 0, d.Errf("%s: %q is not a number of tokens", name, args[0])
	}
	return n, nil
}
