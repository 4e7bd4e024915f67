package prices

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

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
	From  string        `json:"from,omitzero"`  // a day, UTC: 2026-09-01
	Daily string        `json:"daily,omitzero"` // a time of day, UTC: 00:30-16:30
	Rates SnapshotRates `json:"rates"`
	// Tiers are bands of context by the whole prompt, in rising order.
	Tiers []SnapshotRates `json:"tiers,omitzero"`
	// Served are prices of service tiers other than the standard one, such as
	// flex, priority, fast.
	Served map[string]SnapshotServed `json:"served,omitzero"`
	// Regions multiply all rates by where a call was served: {"us": "1.1"}.
	Regions     map[string]string `json:"regions,omitzero"`
	WebSearch   string            `json:"web_search,omitzero"`   // for one
	FileSearch  string            `json:"file_search,omitzero"`  // for one
	CodeSession string            `json:"code_session,omitzero"` // for one
	Request     string            `json:"request,omitzero"`      // for one
	MaxOutput   int64             `json:"max_output,omitzero"`
}

// SnapshotServed is what a service tier costs: rates of its own, or the standard
// ones multiplied.
type SnapshotServed struct {
	Times string          `json:"times,omitzero"`
	Rates SnapshotRates   `json:"rates,omitzero"`
	Tiers []SnapshotRates `json:"tiers,omitzero"`
}

// Tier returns the tier above n tokens and adds it if there is none.
func (sp *SnapshotPrice) Tier(n int64) *SnapshotRates { return tierAbove(&sp.Tiers, n) }

func tierAbove(tiers *[]SnapshotRates, n int64) *SnapshotRates {
	i := slices.IndexFunc(*tiers, func(r SnapshotRates) bool { return r.Above >= n })
	if i < 0 {
		i = len(*tiers)
	}
	if i == len(*tiers) || (*tiers)[i].Above > n {
		*tiers = slices.Insert(*tiers, i, SnapshotRates{Above: n})
	}
	return &(*tiers)[i]
}

// SnapshotRates are rates, in a tier with the number of prompt tokens above
// which they hold.
type SnapshotRates struct {
	Above          int64  `json:"above,omitzero"`
	Input          string `json:"input,omitzero"`
	Output         string `json:"output,omitzero"`
	CacheRead      string `json:"cache_read,omitzero"`
	CacheWrite     string `json:"cache_write,omitzero"`
	CacheWrite1h   string `json:"cache_write_1h,omitzero"`
	CacheReadAudio string `json:"cache_read_audio,omitzero"`
	InputAudio     string `json:"input_audio,omitzero"`
	InputImage     string `json:"input_image,omitzero"`
	OutputAudio    string `json:"output_audio,omitzero"`
	OutputImage    string `json:"output_image,omitzero"`
	Reasoning      string `json:"reasoning,omitzero"`
}

// kindNames are the names of the rates in a Snapshot, by kind.
var kindNames = [kinds]string{"input", "output", "cache_read", "cache_write", "cache_write_1h", "cache_read_audio",
	"input_audio", "input_image", "output_audio", "output_image", "reasoning"}

// Named returns where the rate of that name stands, nil if there is no such rate.
func (sr *SnapshotRates) Named(name string) *string {
	if k := slices.Index(kindNames[:], name); k >= 0 {
		return sr.fields()[k]
	}
	return nil
}

// fields are the rates by kind.
func (sr *SnapshotRates) fields() [kinds]*string {
	return [kinds]*string{&sr.Input, &sr.Output, &sr.CacheRead, &sr.CacheWrite, &sr.CacheWrite1h, &sr.CacheReadAudio,
		&sr.InputAudio, &sr.InputImage, &sr.OutputAudio, &sr.OutputImage, &sr.Reasoning}
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

// Load reads a catalogue in any shape that Import knows. It refuses what it cannot
// read in full: unknown members, bad prices, models without a price.
func Load(data []byte) (*Catalogue, error) {
	im, err := Import(data)
	if err != nil {
		return nil, err
	}
	s := im.Snapshot
	if im.Shape != ShapeOwn {
		sum := sha256.Sum256(data)
		c, err := s.catalogue(im.Shape + "~" + hex.EncodeToString(sum[:4]))
		if err == nil {
			c.imported = true
		}
		return c, err
	}
	if _, err := time.Parse(time.DateOnly, s.AsOf); err != nil {
		return nil, fmt.Errorf("price catalogue: as_of %q is not a date", s.AsOf)
	}
	return s.catalogue(s.AsOf)
}

func (s *Snapshot) catalogue(version string) (*Catalogue, error) {
	if len(s.Providers) == 0 {
		return nil, errors.New("price catalogue: no provider")
	}
	c := &Catalogue{version: version, providers: map[string]*provider{}}
	for i := range s.Providers {
		sp := &s.Providers[i]
		p := &provider{name: sp.Name, exact: map[string]*model{}}
		for j := range sp.Models {
			if err := p.add(&sp.Models[j], s.AsOf); err != nil {
				return nil, fmt.Errorf("price catalogue: provider %q, model %d: %w", sp.Name, j+1, err)
			}
		}
		p.inherit()
		for _, name := range append([]string{sp.Name}, sp.Also...) {
			if name == "" || c.providers[strings.ToLower(name)] != nil {
				return nil, fmt.Errorf("price catalogue: the provider %q is empty or given twice", name)
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
	t.price, err = sp.price()
	return t, err
}

// Price reads the price as one that always holds.
func (sp *SnapshotPrice) Price() (Price, error) {
	if sp.From != "" || sp.Daily != "" {
		return Price{}, errors.New("a price that does not always hold")
	}
	return sp.price()
}

func (sp *SnapshotPrice) price() (p Price, err error) {
	if p.Rates, p.Tiers, err = banded(&sp.Rates, sp.Tiers); err != nil {
		return p, err
	}
	if p.Input == nil && p.Output == nil {
		return p, errors.New("neither input nor output has a price")
	}
	for name, served := range sp.Served {
		s := &Served{}
		lower := strings.ToLower(name)
		if Standard(lower) || p.Served[lower] != nil {
			return p, fmt.Errorf("served: %q is the standard tier or given twice", name)
		}
		if s.Rates, s.Tiers, err = banded(&served.Rates, served.Tiers); err == nil && served.Times != "" {
			s.Times, err = ParseFactor(served.Times)
		} else if err == nil && s.Input == nil && s.Output == nil {
			err = errors.New("neither a factor nor a price of input or output")
		}
		if err != nil {
			return p, fmt.Errorf("served %q: %w", name, err)
		}
		if p.Served == nil {
			p.Served = map[string]*Served{}
		}
		p.Served[lower] = s
	}
	for name, times := range sp.Regions {
		lower := strings.ToLower(name)
		f, err := ParseFactor(times)
		if err == nil && (lower == "" || lower == "global" || p.Regions[lower] != 0) {
			err = errors.New("no region, or given twice")
		}
		if err != nil {
			return p, fmt.Errorf("region %q: %w", name, err)
		}
		if p.Regions == nil {
			p.Regions = map[string]Factor{}
		}
		p.Regions[lower] = f
	}
	for _, fee := range [...]struct {
		name, s string
		to      **llm.Money
	}{
		{"web_search", sp.WebSearch, &p.WebSearch}, {"file_search", sp.FileSearch, &p.FileSearch},
		{"code_session", sp.CodeSession, &p.CodeSession}, {"request", sp.Request, &p.Request},
	} {
		if *fee.to, err = amount(fee.name, fee.s); err != nil {
			return p, err
		}
	}
	p.MaxOutput = max(0, sp.MaxOutput)
	return p, nil
}

// banded reads rates and the bands of context above them.
func banded(base *SnapshotRates, bands []SnapshotRates) (r Rates, tiers []Tier, err error) {
	if base.Above != 0 {
		return r, nil, errors.New("above belongs to tiers")
	}
	if r, err = base.parse(); err != nil {
		return r, nil, err
	}
	for i := range bands {
		t := Tier{Above: bands[i].Above}
		if t.Rates, err = bands[i].parse(); err != nil {
			return r, nil, fmt.Errorf("above %d: %w", t.Above, err)
		}
		if t.Above < 1 || i > 0 && t.Above <= tiers[i-1].Above {
			return r, nil, errors.New("tiers must rise and begin above 0")
		}
		tiers = append(tiers, t)
	}
	return r, slices.Clip(tiers), nil
}

func (sr *SnapshotRates) parse() (r Rates, err error) {
	to := r.fields()
	for k, s := range sr.fields() {
		if *to[k], err = amount(kindNames[k], *s); err != nil {
			return r, err
		}
	}
	return r, nil
}

// inherit gives dated names what the catalogue lists only for the undated one:
// service tiers and regions, if the standard rates are the same.
func (p *provider) inherit() {
	for name, m := range p.exact {
		base := p.exact[undated(name)]
		if base == nil || base == m {
			continue
		}
		from := &base.prices[len(base.prices)-1].price
		for i := range m.prices {
			to := &m.prices[i].price
			if to.standard() != from.standard() {
				continue
			}
			if to.Served == nil {
				to.Served = from.Served
			}
			if to.Regions == nil {
				to.Regions = from.Regions
			}
		}
	}
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
