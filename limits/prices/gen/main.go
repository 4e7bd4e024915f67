// Command gen makes ../snapshot.json out of a copy of genai-prices' v2 data
// file (JSON, plain or gzip), whose facts are used under its licence: see
// ../NOTICE.
//
//	go run ./limits/prices/gen <data.json[.gz]> <as of, e.g. 2026-08-21> > limits/prices/snapshot.json
//
// Numbers are copied digit by digit, never through floating point. Models for
// which the source has no price at all are left out: they are unknown, not free.
package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

type sourceProvider struct {
	ID     string        `json:"id"`
	Models []sourceModel `json:"models"`
}

type sourceModel struct {
	ID     string         `json:"id"`
	Match  clause         `json:"match"`
	Prices jsontext.Value `json:"prices"`
}

type clause struct {
	Equals     string   `json:"equals"`
	StartsWith string   `json:"starts_with"`
	EndsWith   string   `json:"ends_with"`
	Contains   string   `json:"contains"`
	Regex      string   `json:"regex"`
	Or         []clause `json:"or"`
	And        []clause `json:"and"`
}

type conditional struct {
	Constraint struct {
		StartDate string `json:"start_date"`
		StartTime string `json:"start_time"`
		EndTime   string `json:"end_time"`
	} `json:"constraint"`
	Prices map[string]jsontext.Value `json:"prices"`
}

// wellKnown are the providers whose models are known by name alone.
var wellKnown = map[string]bool{
	"openai": true, "anthropic": true, "google": true, "mistral": true, "cohere": true, "deepseek": true,
	"x-ai": true, "moonshotai": true, "zhipuai": true, "minimax": true, "perplexity": true, "voyageai": true,
}

var also = map[string][]string{
	"google": {"gemini", "vertex"}, "aws": {"bedrock"}, "x-ai": {"xai"}, "moonshotai": {"moonshot"}, "zhipuai": {"zhipu"},
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("usage: gen <data.json[.gz]> <as of>")
	}
	data, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	if bytes.HasPrefix(data, []byte{0x1f, 0x8b}) {
		z, err := gzip.NewReader(bytes.NewReader(data))
		if err != nil {
			return err
		}
		if data, err = io.ReadAll(z); err != nil {
			return err
		}
	}
	s, err := convert(data)
	if err != nil {
		return err
	}
	s.AsOf = args[1]
	made, err := marshal(s)
	if err != nil {
		return err
	}
	if _, err := prices.Load(made); err != nil {
		return fmt.Errorf("the result does not load: %w", err)
	}
	_, err = out.Write(made)
	return err
}

func marshal(s *prices.Snapshot) ([]byte, error) {
	made, err := json.Marshal(s, jsontext.WithIndent(" "), json.Deterministic(true))
	return append(made, '\n'), err
}

func convert(data []byte) (*prices.Snapshot, error) {
	var source []sourceProvider
	if err := json.Unmarshal(data, &source); err != nil {
		return nil, err
	}
	s := &prices.Snapshot{Source: "genai-prices (MIT), see NOTICE"}
	for _, sp := range source {
		p := prices.SnapshotProvider{Name: sp.ID, Also: also[sp.ID], WellKnown: wellKnown[sp.ID]}
		for _, sm := range sp.Models {
			m, err := convertModel(sp.ID, &sm)
			if err != nil {
				return nil, fmt.Errorf("%s, %s: %w", sp.ID, sm.ID, err)
			}
			if m != nil {
				supplement(sp.ID, m)
				p.Models = append(p.Models, *m)
			}
		}
		if len(p.Models) > 0 {
			s.Providers = append(s.Providers, p)
		}
	}
	return s, nil
}

func convertModel(provider string, sm *sourceModel) (*prices.SnapshotModel, error) {
	m := &prices.SnapshotModel{}
	if err := sm.Match.into(m); err != nil {
		return nil, err
	}
	var all []conditional
	if sm.Prices.Kind() == '[' {
		if err := json.Unmarshal(sm.Prices, &all); err != nil {
			return nil, err
		}
	} else {
		var c conditional
		if err := json.Unmarshal(sm.Prices, &c.Prices); err != nil {
			return nil, err
		}
		all = []conditional{c}
	}
	for _, c := range all {
		p, err := convertPrice(provider, &c)
		if err != nil {
			return nil, err
		}
		if p == nil {
			return nil, nil // no price at all: unknown
		}
		m.Prices = append(m.Prices, *p)
	}
	return m, nil
}

func (c *clause) into(m *prices.SnapshotModel) error {
	for _, s := range []string{c.Equals, c.StartsWith, c.EndsWith, c.Contains} {
		if strings.ContainsAny(s, "*?") {
			return fmt.Errorf("match %q holds a wildcard", s)
		}
	}
	switch {
	case len(c.And) > 0:
		return errors.New("a conjunction cannot be expressed")
	case len(c.Or) > 0:
		for i := range c.Or {
			if err := c.Or[i].into(m); err != nil {
				return err
			}
		}
	case c.Equals != "":
		m.Match = append(m.Match, c.Equals)
	case c.StartsWith != "":
		m.Match = append(m.Match, c.StartsWith+"*")
	case c.EndsWith != "":
		m.Match = append(m.Match, "*"+c.EndsWith)
	case c.Contains != "":
		m.Match = append(m.Match, "*"+c.Contains+"*")
	case c.Regex != "":
		m.Regex = append(m.Regex, c.Regex)
	default:
		return errors.New("an unknown kind of match")
	}
	return nil
}

// field is one price of the source: where it goes, and what it is divided by
// (fees are given per thousand).
type field struct {
	rate func(*prices.SnapshotRates) *string
	fee  func(*prices.SnapshotPrice) *string
}

var fields = map[string]field{
	"input_mtok":          {rate: func(r *prices.SnapshotRates) *string { return &r.Input }},
	"output_mtok":         {rate: func(r *prices.SnapshotRates) *string { return &r.Output }},
	"cache_read_mtok":     {rate: func(r *prices.SnapshotRates) *string { return &r.CacheRead }},
	"cache_write_mtok":    {rate: func(r *prices.SnapshotRates) *string { return &r.CacheWrite }},
	"cache_write_1h_mtok": {rate: func(r *prices.SnapshotRates) *string { return &r.CacheWrite1h }},
	"input_audio_mtok":    {rate: func(r *prices.SnapshotRates) *string { return &r.InputAudio }},
	"output_audio_mtok":   {rate: func(r *prices.SnapshotRates) *string { return &r.OutputAudio }},
	"input_image_mtok":    {rate: func(r *prices.SnapshotRates) *string { return &r.InputImage }},
	"output_image_mtok":   {rate: func(r *prices.SnapshotRates) *string { return &r.OutputImage }},
	// The usage that providers report does not tell films from text: what cannot
	// be told apart costs the dearer of the two.
	"input_video_mtok":  {rate: func(r *prices.SnapshotRates) *string { return &r.Input }},
	"output_video_mtok": {rate: func(r *prices.SnapshotRates) *string { return &r.Output }},

	"output_reasoning_mtok": {rate: func(r *prices.SnapshotRates) *string { return &r.Reasoning }},
	"cache_audio_read_mtok": {rate: func(r *prices.SnapshotRates) *string { return &r.CacheReadAudio }},
	// Nor pictures read from the cache; citations are never dearer than the output
	// that they are part of.
	"cache_image_read_mtok": {rate: func(r *prices.SnapshotRates) *string { return &r.CacheRead }},
	"output_citation_mtok":  {},

	"web_searches_kcount": {fee: func(p *prices.SnapshotPrice) *string { return &p.WebSearch }},
	"requests_kcount":     {fee: func(p *prices.SnapshotPrice) *string { return &p.Request }},
}

func convertPrice(provider string, c *conditional) (*prices.SnapshotPrice, error) {
	p := &prices.SnapshotPrice{From: c.Constraint.StartDate}
	if c.Constraint.StartTime != "" {
		p.Daily = strings.TrimSuffix(c.Constraint.StartTime, ":00Z") + "-" + strings.TrimSuffix(c.Constraint.EndTime, ":00Z")
	}
	for name, v := range c.Prices {
		f, ok := fields[name]
		if !ok {
			return nil, fmt.Errorf("unknown price %q", name)
		}
		switch {
		case f.fee != nil:
			m, err := llm.ParseMoney(digits(v))
			if err != nil || m%1000 != 0 {
				return nil, fmt.Errorf("%s: %s is not a fee", name, v)
			}
			*f.fee(p) = trim((m / 1000).Decimal())
		case f.rate == nil:
		case v.Kind() == '{':
			var t struct {
				Base  jsontext.Value `json:"base"`
				Tiers []struct {
					Start int64          `json:"start"`
					Price jsontext.Value `json:"price"`
				} `json:"tiers"`
			}
			if err := json.Unmarshal(v, &t); err != nil {
				return nil, err
			}
			if err := dearer(f.rate(&p.Rates), t.Base); err != nil {
				return nil, err
			}
			for _, tier := range t.Tiers {
				above := tier.Start
				if provider == "x-ai" || provider == "openrouter" {
					above-- // their threshold belongs to the upper tier
				}
				if err := dearer(f.rate(p.Tier(above)), tier.Price); err != nil {
					return nil, err
				}
			}
		default:
			if err := dearer(f.rate(&p.Rates), v); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if p.Rates.Input == "" && p.Rates.Output == "" {
		return nil, nil
	}
	return p, nil
}

// dearer puts a number into a price unless a higher one stands there.
func dearer(to *string, v jsontext.Value) error {
	m, err := llm.ParseMoney(digits(v))
	if err != nil {
		return err
	}
	if *to != "" {
		if old, _ := llm.ParseMoney(*to); old >= m {
			return nil
		}
	}
	*to = trim(m.Decimal())
	return nil
}

// digits writes a number with nine decimals, rounded to the nearest: the source
// has the scars of floating point here and there (0.18000000000000002).
func digits(v jsontext.Value) string {
	r, ok := new(big.Rat).SetString(string(v))
	if !ok {
		return string(v)
	}
	return r.FloatString(9)
}

func trim(s string) string {
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
