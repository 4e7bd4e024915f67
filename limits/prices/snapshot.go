package prices

import (
	_ "embed"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Snapshot is the form in which a catalogue is written down, as JSON. Prices
// are decimal strings in USD, per million tokens for rates; a price that is not
// written is not known, "0" is free.
type Snapshot struct {
	AsOf      string             `json:"as_of"`
	Source    string             `json:"source,omitzero"`
	Providers []SnapshotProvider `json:"providers"`
}

// SnapshotProvider lists the models of a provider.
type SnapshotProvider struct {
	Name string `json:"name"`
	// Also are other names of the same provider.
	Also []string `json:"also,omitzero"`
	// WellKnown providers are also searched by the mere name of a model.
	WellKnown bool            `json:"well_known,omitzero"`
	Models    []SnapshotModel `json:"models"`
}

// SnapshotModel is a model. The first model with a matching pattern counts, a
// pattern without wildcards before all others.
type SnapshotModel struct {
	// Match are patterns with '*' and '?'; Regex are regular expressions.
	Match []string `json:"match,omitzero"`
	Regex []string `json:"regex,omitzero"`
	// Prices has one entry, or several of which the last one in force counts.
	Prices []SnapshotPrice `json:"prices"`
}

// SnapshotPrice is a price with the condition under which it holds.
type SnapshotPrice struct {
	From      string          `json:"from,omitzero"`  // a day, UTC: 2026-09-01
	Daily     string          `json:"daily,omitzero"` // a time of day, UTC: 00:30-16:30
	Rates     SnapshotRates   `json:"rates"`
	Tiers     []SnapshotRates `json:"tiers,omitzero"`
	WebSearch string          `json:"web_search,omitzero"` // for one
	Request   string          `json:"request,omitzero"`    // for one
	MaxOutput int64           `json:"max_output,omitzero"`
}

// Tier returns the tier above n tokens and adds it if there is none.
func (sp *SnapshotPrice) Tier(n int64) *SnapshotRates {
	i := slices.IndexFunc(sp.Tiers, func(r SnapshotRates) bool { return r.Above >= n })
	if i < 0 {
		i = len(sp.Tiers)
	}
	if i == len(sp.Tiers) || sp.Tiers[i].Above > n {
		sp.Tiers = slices.Insert(sp.Tiers, i, SnapshotRates{Above: n})
	}
	return &sp.Tiers[i]
}

// SnapshotRates are rates, in a tier with the number of prompt tokens above
// which they hold.
type SnapshotRates struct {
	Above        int64  `json:"above,omitzero"`
	Input        string `json:"input,omitzero"`
	Output       string `json:"output,omitzero"`
	CacheRead    string `json:"cache_read,omitzero"`
	CacheWrite   string `json:"cache_write,omitzero"`
	CacheWrite1h string `json:"cache_write_1h,omitzero"`
	InputAudio   string `json:"input_audio,omitzero"`
	OutputAudio  string `json:"output_audio,omitzero"`
	Reasoning    string `json:"reasoning,omitzero"`
}

//go:embed snapshot.json
var embedded []byte

// Embedded returns the catalogue that comes with the binary.
var Embedded = sync.OnceValue(func() *Catalogue {
	c, err := Load(embedded)
	if err != nil {
		// The snapshot is part of the binary and covered by a test.
		panic(fmt.Sprintf("prices: embedded snapshot: %v", err))
	}
	return c
})

// Load reads a catalogue from a Snapshot in JSON. It refuses what it cannot
// read in full: unknown members, bad prices, models without a price.
func Load(data []byte) (*Catalogue, error) {
	var s Snapshot
	if err := json.Unmarshal(data, &s, json.RejectUnknownMembers(true)); err != nil {
		return nil, fmt.Errorf("reading the price catalogue: %w", err)
	}
	if _, err := time.Parse(time.DateOnly, s.AsOf); err != nil {
		return nil, fmt.Errorf("price catalogue: as_of %q is not a date", s.AsOf)
	}
	if len(s.Providers) == 0 {
		return nil, errors.New("price catalogue: no provider")
	}
	c := &Catalogue{version: s.AsOf, providers: map[string]*provider{}}
	for i := range s.Providers {
		sp := &s.Providers[i]
		p := &provider{name: sp.Name, exact: map[string]*model{}}
		for j := range sp.Models {
			if err := p.add(&sp.Models[j], s.AsOf); err != nil {
				return nil, fmt.Errorf("price catalogue: provider %q, model %d: %w", sp.Name, j+1, err)
			}
		}
		for _, name := range append([]string{sp.Name}, sp.Also...) {
			if name == "" || c.providers[strings.ToLower(name)] != nil {
				return nil, fmt.Errorf("price catalogue: provider %q is empty or given twice", name)
			}
			c.providers[strings.ToLower(name)] = p
		}
		if sp.WellKnown {
			c.wellKnown = append(c.wellKnown, p)
		}
	}
	return c, nil
}

func (p *provider) add(sm *SnapshotModel, asOf string) error {
	m := &model{provider: p}
	for i := range sm.Prices {
		t, err := sm.Prices[i].timed()
		if err != nil {
			return err
		}
		t.price.AsOf = asOf
		m.prices = append(m.prices, t)
	}
	if len(m.prices) == 0 || len(sm.Match)+len(sm.Regex) == 0 {
		return errors.New("no prices or no match")
	}
	for _, pat := range sm.Match {
		pat = strings.ToLower(pat)
		switch {
		case pat == "":
			return errors.New("an empty pattern")
		case strings.ContainsAny(pat, "*?"):
			m.match = append(m.match, pat)
		case p.exact[pat] == nil:
			p.exact[pat] = m
		}
	}
	for _, expr := range sm.Regex {
		re, err := regexp.Compile(expr)
		if err != nil {
			return err
		}
		m.regex = append(m.regex, re)
	}
	if len(m.match)+len(m.regex) > 0 {
		p.models = append(p.models, m)
	}
	return nil
}

func (sp *SnapshotPrice) timed() (t timed, err error) {
	if sp.From != "" {
		if t.from, err = time.Parse(time.DateOnly, sp.From); err != nil {
			return t, fmt.Errorf("from: %q is not a date", sp.From)
		}
	}
	if sp.Daily != "" {
		a, b, ok := strings.Cut(sp.Daily, "-")
		start, err1 := time.Parse("15:04", a)
		end, err2 := time.Parse("15:04", b)
		if !ok || err1 != nil || err2 != nil {
			return t, fmt.Errorf("daily: %q is not a time of day such as 00:30-16:30", sp.Daily)
		}
		t.start, t.end = start.Hour()*3600+start.Minute()*60, end.Hour()*3600+end.Minute()*60
	}
	p := &t.price
	if p.Rates, err = sp.Rates.parse(); err != nil {
		return t, err
	}
	if p.Input == nil && p.Output == nil {
		return t, errors.New("neither input nor output has a price")
	}
	for i := range sp.Tiers {
		r, err := sp.Tiers[i].parse()
		if err != nil {
			return t, err
		}
		p.Tiers = append(p.Tiers, Tier{Above: sp.Tiers[i].Above, Rates: r})
	}
	for i := range p.Tiers {
		if p.Tiers[i].Above < 1 || (i > 0 && p.Tiers[i].Above <= p.Tiers[i-1].Above) {
			return t, errors.New("tiers must rise and begin above 0")
		}
	}
	p.Tiers = slices.Clip(p.Tiers)
	if p.WebSearch, err = amount("web_search", sp.WebSearch); err != nil {
		return t, err
	}
	if p.Request, err = amount("request", sp.Request); err != nil {
		return t, err
	}
	p.MaxOutput = max(0, sp.MaxOutput)
	return t, nil
}

func (sr *SnapshotRates) parse() (r Rates, err error) {
	for _, f := range []struct {
		name string
		s    string
		to   **llm.Money
	}{
		{"input", sr.Input, &r.Input}, {"output", sr.Output, &r.Output},
		{"cache_read", sr.CacheRead, &r.CacheRead}, {"cache_write", sr.CacheWrite, &r.CacheWrite},
		{"cache_write_1h", sr.CacheWrite1h, &r.CacheWrite1h},
		{"input_audio", sr.InputAudio, &r.InputAudio}, {"output_audio", sr.OutputAudio, &r.OutputAudio},
		{"reasoning", sr.Reasoning, &r.Reasoning},
	} {
		if *f.to, err = amount(f.name, f.s); err != nil {
			return r, err
		}
	}
	return r, nil
}

func amount(name, s string) (*llm.Money, error) {
	if s == "" {
		return nil, nil
	}
	m, err := llm.ParseMoney(s)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return &m, nil
}
