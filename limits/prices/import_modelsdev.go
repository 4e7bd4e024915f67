package prices

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// importModelsDev reads the list of models.dev: providers, their models, and their
// costs in dollars per million tokens.
func importModelsDev(top map[string]jsontext.Value) (*Imported, error) {
	i := newImporter(ShapeModelsDev)
	for _, provider := range slices.Sorted(maps.Keys(top)) {
		var p struct {
			Models map[string]jsontext.Value `json:"models"`
		}
		if err := json.Unmarshal(top[provider], &p); err != nil {
			return nil, fmt.Errorf("provider %.100q: models is not an object of models", provider)
		}
		for _, model := range slices.Sorted(maps.Keys(p.Models)) {
			d := devModel{provider: provider, price: &SnapshotPrice{}}
			if err := d.read(p.Models[model]); err != nil {
				return nil, fmt.Errorf("provider %.100q, model %.100q: %w", provider, model, err)
			}
			if d.why != "" {
				i.leave(provider+"/"+model, d.why)
				continue
			}
			i.put(provider, model, d.price)
		}
	}
	return i.done()
}

type devModel struct {
	provider string
	price    *SnapshotPrice
	why      string // it is left out
}

var devRates = map[string]kind{
	"input": input, "output": output, "cache_read": cacheRead, "cache_write": cacheWrite, "reasoning": reasoning,
	"input_audio": inputAudio, "output_audio": outputAudio,
}

func (d *devModel) read(v jsontext.Value) error {
	var m struct {
		Cost  jsontext.Value `json:"cost"`
		Limit struct {
			Output jsontext.Value `json:"output"`
		} `json:"limit"`
		Experimental jsontext.Value `json:"experimental"`
	}
	if err := json.Unmarshal(v, &m); err != nil {
		return errors.New("not a model")
	}
	if m.Cost.Kind() == jsontext.KindInvalid || m.Cost.Kind() == 'n' {
		d.why = "it has no cost"
		return nil
	}
	if err := d.cost(&d.price.Rates, &d.price.Tiers, m.Cost); err != nil {
		return fmt.Errorf("cost: %w", err)
	}
	if n, given, err := number(m.Limit.Output, 0); err == nil && given {
		d.price.MaxOutput = int64(n / 1_000_000_000)
	}
	return d.modes(m.Experimental)
}

// cost reads rates with the bands above them.
func (d *devModel) cost(r *SnapshotRates, tiers *[]SnapshotRates, v jsontext.Value) error {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(v, &members); err != nil {
		return errors.New("not an object")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		v := members[name]
		if k, ok := devRates[name]; ok {
			m, given, err := number(v, 0)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if given {
				*r.fields()[k] = written(m)
			}
			continue
		}
		switch {
		case v.Kind() == 'n':
		case name == "tiers" && tiers != nil:
			if err := d.bands(tiers, v); err != nil {
				return fmt.Errorf("tiers: %w", err)
			}
		case name == "context_over_200k" && tiers != nil:
			if members["tiers"] != nil { // says the same, and more
				continue
			}
			if err := d.cost(tierAbove(tiers, d.above(200_000)), nil, v); err != nil {
				return fmt.Errorf("context_over_200k: %w", err)
			}
		case name == "tier" && tiers == nil:
		default:
			d.why = "its cost has a part that is not understood: " + name
		}
	}
	return nil
}

func (d *devModel) bands(tiers *[]SnapshotRates, v jsontext.Value) error {
	var list []jsontext.Value
	if err := json.Unmarshal(v, &list); err != nil {
		return errors.New("not a list")
	}
	for n, v := range list {
		var band struct {
			Tier struct {
				Type string         `json:"type"`
				Size jsontext.Value `json:"size"`
			} `json:"tier"`
		}
		if err := json.Unmarshal(v, &band); err != nil {
			return fmt.Errorf("entry %d: not a band of context", n+1)
		}
		size, given, err := number(band.Tier.Size, 0)
		above := int64(size / 1_000_000_000)
		if err != nil || !given || above < 2 || band.Tier.Type != "" && band.Tier.Type != "context" {
			return fmt.Errorf("entry %d: not a band of context", n+1)
		}
		if err := d.cost(tierAbove(tiers, d.above(above)), nil, v); err != nil {
			return fmt.Errorf("entry %d: %w", n+1, err)
		}
	}
	return nil
}

func (d *devModel) above(n int64) int64 {
	if inclusive(d.provider) {
		n--
	}
	return n
}

// modes reads experimental modes, such as fast, that have costs of their own.
func (d *devModel) modes(v jsontext.Value) error {
	var e struct {
		Modes map[string]jsontext.Value `json:"modes"`
	}
	if v.Kind() != '{' || json.Unmarshal(v, &e) != nil {
		return nil // true and false say nothing of prices
	}
	for name, v := range e.Modes {
		var mode struct {
			Cost jsontext.Value `json:"cost"`
		}
		if json.Unmarshal(v, &mode) != nil || mode.Cost.Kind() != '{' || Standard(name) {
			continue
		}
		s, put := d.price.tierServed(name)
		if err := d.cost(&s.Rates, &s.Tiers, mode.Cost); err != nil {
			return fmt.Errorf("mode %.40q: %w", name, err)
		}
		if s.Rates.Input != "" || s.Rates.Output != "" {
			put(s)
		}
	}
	if len(d.price.Served) == 0 {
		d.price.Served = nil
	}
	return nil
}
