package prices

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Catalogue finds prices. It is immutable and safe for concurrent use.
type Catalogue struct {
	version   string
	overrides []Override
	providers map[string]*provider
	wellKnown []*provider
	// imported is true for a list of others.
	imported bool
}

// Override is a price that the operator set.
type Override struct {
	// Pattern is a pattern of model names (see llm.MatchModel), for one provider
	// of the configuration ("local/*", "openai/gpt-4o*") or, without a slash,
	// for all of them. Models whose names hold a slash are written with a
	// provider, if need be any: "*/meta-llama/*".
	Pattern string
	// Free makes matching models cost nothing, whatever Price says.
	Free bool
	Price
}

type provider struct {
	name   string
	exact  map[string]*model // by lower-case name
	models []*model          // those with patterns, in order
}

type model struct {
	match    []string         // lower-case patterns for llm.MatchModel
	regex    []*regexp.Regexp // on the lower-case name
	prices   []timed          // the last one in force counts
	provider *provider
}

// timed is a price that holds from a day on, or at a time of day; without
// either always.
type timed struct {
	from       time.Time
	start, end int // seconds of the UTC day; equal: all day
	price      Price
}

// Version names the state of the catalogue in ledgers and records, e.g.
// "2026-08-21", with a hash of the overrides if there are any.
func (c *Catalogue) Version() string { return c.version }

// With returns a catalogue that looks at the overrides first, in order; those
// of an earlier With come after them.
func (c *Catalogue) With(overrides []Override) *Catalogue {
	if len(overrides) == 0 {
		return c
	}
	d := *c
	d.overrides = make([]Override, 0, len(overrides)+len(c.overrides))
	h := sha256.New()
	fmt.Fprintln(h, c.version)
	for _, o := range overrides {
		if o.Free {
			o.Price = Free()
		}
		o.Price.override, o.Price.exact = true, !strings.Contains(o.Pattern, "*")
		d.overrides = append(d.overrides, o)
		fmt.Fprintf(h, "%q %s\n", o.Pattern, o.Price.fingerprint())
	}
	d.overrides = append(d.overrides, c.overrides...)
	base, _, _ := strings.Cut(c.version, "+")
	d.version = base + "+" + hex.EncodeToString(h.Sum(nil)[:4])
	return &d
}

// fingerprint writes out everything of a price that can change a cost.
func (p *Price) fingerprint() string {
	var b strings.Builder
	one := func(m *llm.Money) {
		if m == nil {
			b.WriteString("-,")
			return
		}
		fmt.Fprintf(&b, "%d,", int64(*m))
	}
	all := func(r *Rates, tiers []Tier) {
		for _, m := range r.fields() {
			one(*m)
		}
		for i := range tiers {
			fmt.Fprintf(&b, ">%d:", tiers[i].Above)
			for _, m := range tiers[i].fields() {
				one(*m)
			}
		}
	}
	all(&p.Rates, p.Tiers)
	for _, m := range [...]*llm.Money{p.WebSearch, p.FileSearch, p.CodeSession, p.Request} {
		one(m)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Served)) {
		s := p.Served[name]
		fmt.Fprintf(&b, "|%q*%d:", name, s.Times)
		all(&s.Rates, s.Tiers)
	}
	for _, name := range slices.Sorted(maps.Keys(p.Regions)) {
		fmt.Fprintf(&b, "@%q*%d", name, p.Regions[name])
	}
	return b.String()
}

// standard is the fingerprint of the standard input and output rates.
func (p *Price) standard() string {
	q := Price{Rates: Rates{Input: p.Input, Output: p.Output}}
	return q.fingerprint()
}

// resells are types of providers that ask the list prices of another for what
// the catalogue does not list under their own name.
var resells = map[string]string{"azure": "openai"}

// Lookup finds the price of a model at a provider: name is its name in the
// configuration, typ its type; at is the moment of the call. It asks, in order:
//
//  1. the overrides, for "name/model" and for the bare model;
//  2. the catalogue's provider called like name ("groq", "azure"): whoever
//     names a compatible server so means that one;
//  3. the catalogue's provider called like typ, and whom that resells at list
//     price (Azure: OpenAI);
//  4. if typ is not in the catalogue (empty before a stock proxy), the
//     well-known first-party providers by the name of the model.
//
// Names of models are compared without case. A dated name ("gpt-4o-2026-01-31",
// "claude-x-20260131") that has no price of its own costs what the undated one
// does. It reports false when there is no price.
func (c *Catalogue) Lookup(name, typ, model string, at time.Time) (Price, bool) {
	if model == "" {
		return Price{}, false
	}
	for i := range c.overrides {
		if c.overrides[i].matches(name, model) {
			return c.overrides[i].Price, true
		}
	}
	lower := strings.ToLower(model)
	named := c.providers[strings.ToLower(name)]
	if named != nil {
		if m := named.find(lower); m != nil {
			return m.at(at), true
		}
	}
	if typed := c.providers[strings.ToLower(typ)]; typed != nil {
		if typed != named {
			if m := typed.find(lower); m != nil {
				return m.at(at), true
			}
		}
		if first := c.providers[resells[strings.ToLower(typ)]]; first != nil {
			if m := first.find(lower); m != nil {
				return m.at(at), true
			}
		}
		return Price{}, false
	}
	if m := c.findWellKnown(lower); m != nil {
		return m.at(at), true
	}
	return Price{}, false
}

func (o *Override) matches(name, model string) bool {
	// A slash always parts provider and model: a client that calls its model
	// "local/x" must not get the price of the provider called local.
	if p, rest, ok := llm.SplitModel(o.Pattern); ok {
		return llm.MatchModel(p, name) && llm.MatchModel(rest, model)
	}
	return llm.MatchModel(o.Pattern, model)
}

func (c *Catalogue) findWellKnown(lower string) *model {
	for _, name := range []string{lower, undated(lower)} {
		if name == "" {
			continue
		}
		for _, p := range c.wellKnown {
			if m := p.exact[name]; m != nil {
				return m
			}
		}
		for _, p := range c.wellKnown {
			if m := p.findPattern(name); m != nil {
				return m
			}
		}
	}
	return nil
}

func (p *provider) find(lower string) *model {
	for _, name := range []string{lower, undated(lower)} {
		if name == "" {
			continue
		}
		if m := p.exact[name]; m != nil {
			return m
		}
		if m := p.findPattern(name); m != nil {
			return m
		}
	}
	return nil
}

func (p *provider) findPattern(lower string) *model {
	for _, m := range p.models {
		for _, pat := range m.match {
			if llm.MatchModel(pat, lower) {
				return m
			}
		}
		for _, re := range m.regex {
			if re.MatchString(lower) {
				return m
			}
		}
	}
	return nil
}

// undated cuts a date off the end of a model's name: -2026-01-31, -20260131 or
// @20260131. It returns "" if there is none.
func undated(s string) string {
	digits := func(t string) bool {
		for i := range len(t) {
			if t[i] < '0' || t[i] > '9' {
				return false
			}
		}
		return true
	}
	if n := len(s); n > 11 && s[n-11] == '-' && s[n-6] == '-' && s[n-3] == '-' &&
		digits(s[n-10:n-6]) && digits(s[n-5:n-3]) && digits(s[n-2:]) && s[n-10] == '2' {
		return s[:n-11]
	}
	if n := len(s); n > 9 && (s[n-9] == '-' || s[n-9] == '@') && digits(s[n-8:]) && s[n-8] == '2' {
		return s[:n-9]
	}
	return ""
}

func (m *model) at(t time.Time) Price {
	for i := len(m.prices) - 1; i > 0; i-- {
		if m.prices[i].holds(t) {
			return m.prices[i].price
		}
	}
	return m.prices[0].price
}

func (p *timed) holds(t time.Time) bool {
	if !p.from.IsZero() && t.Before(p.from) {
		return false
	}
	if p.start == p.end {
		return true
	}
	t = t.UTC()
	s := t.Hour()*3600 + t.Minute()*60 + t.Second()
	if p.start < p.end {
		return s >= p.start && s < p.end
	}
	return s >= p.start || s < p.end
}

// CostOf returns what a call costs that was admitted at a price, when it says
// which model served it: that model's own price counts if the catalogue has
// one, except that an operator's price for the model asked for is only beaten
// by one for exactly the model served, not by a pattern that happens to cover
// it too, and that what the operator gives for free stays free: nothing was
// reserved for it. Parts are each priced at their own model and
// replace the totals. What has no price of its own costs what was admitted.
// Where the provider itself names a higher cost, that counts, unless the operator
// has set the price.
func (c *Catalogue) CostOf(admitted Price, name, typ string, at time.Time, u *llm.Usage) llm.Money {
	cost := c.listed(admitted, name, typ, at, u)
	if !admitted.override {
		cost = max(cost, u.ProviderCost)
	}
	return cost
}

// listed is CostOf by the lists alone.
func (c *Catalogue) listed(admitted Price, name, typ string, at time.Time, u *llm.Usage) llm.Money {
	if len(u.Parts) == 0 {
		return c.served(admitted, name, typ, u.Model, at).Cost(u)
	}
	var sum llm.Money
	fees := llm.Usage{WebSearches: u.WebSearches, FileSearches: u.FileSearches, CodeSessions: u.CodeSessions}
	for i := range u.Parts {
		part := u.Parts[i]
		part.Parts = nil
		if part.Model == "" {
			part.Model = u.Model
		}
		if part.Tier == "" {
			part.Tier = u.Tier
		}
		if part.Region == "" {
			part.Region = u.Region
		}
		sum = sum.Add(c.listed(admitted, name, typ, at, &part))
		fees.WebSearches -= max(0, part.WebSearches)
		fees.FileSearches -= max(0, part.FileSearches)
		fees.CodeSessions -= max(0, part.CodeSessions)
	}
	// Fees for tools stand in the totals, not in the parts.
	once := Price{WebSearch: admitted.WebSearch, FileSearch: admitted.FileSearch, CodeSession: admitted.CodeSession}
	return sum.Add(once.Cost(&fees))
}

func (c *Catalogue) served(admitted Price, name, typ, model string, at time.Time) Price {
	if model == "" {
		return admitted
	}
	p, ok := c.Lookup(name, typ, model, at)
	if !ok || admitted.override && (!p.override || !p.exact || admitted.Free()) {
		return admitted
	}
	return p
}
