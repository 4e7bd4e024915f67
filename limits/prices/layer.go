package prices

import (
	"maps"
	"slices"
)

// Over returns a catalogue that knows what c knows and, of models that c does not
// know, what base knows. Its version is that of c.
func (c *Catalogue) Over(base *Catalogue) *Catalogue {
	d := *c
	d.overrides = append(slices.Clone(c.overrides), base.overrides...)
	d.providers = maps.Clone(base.providers)
	merged := map[*provider]*provider{} // by the provider of either
	for name, p := range c.providers {
		if merged[p] == nil {
			merged[p] = p.over(base.providers[name])
		}
		d.providers[name] = merged[p]
		if b := base.providers[name]; b != nil {
			merged[b] = merged[p]
		}
	}
	for name, p := range base.providers { // further names of a provider of both
		if m := merged[p]; m != nil && c.providers[name] == nil {
			d.providers[name] = m
		}
	}
	d.wellKnown = nil
	for _, p := range append(slices.Clone(base.wellKnown), c.wellKnown...) {
		if m := merged[p]; m != nil {
			p = m
		}
		if !slices.Contains(d.wellKnown, p) {
			d.wellKnown = append(d.wellKnown, p)
		}
	}
	return &d
}

// over is Over for one provider; base may be nil.
func (p *provider) over(base *provider) *provider {
	if base == nil {
		return p
	}
	m := &provider{name: p.name, exact: maps.Clone(base.exact), models: append(slices.Clone(p.models), base.models...)}
	if m.exact == nil {
		m.exact = map[string]*model{}
	}
	maps.Copy(m.exact, p.exact)
	return m
}

// Models is how many prices of models the catalogue has.
func (c *Catalogue) Models() int {
	seen := map[*model]bool{}
	for _, p := range c.providers {
		for _, m := range p.exact {
			seen[m] = true
		}
		for _, m := range p.models {
			seen[m] = true
		}
	}
	return len(seen)
}
