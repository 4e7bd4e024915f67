package prices

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The shapes of price files.
const (
	ShapeOwn       = "own"        // a Snapshot
	ShapeLiteLLM   = "litellm"    // LiteLLM's model_prices_and_context_window.json
	ShapeModelsDev = "models.dev" // https://models.dev/api.json
)

// Imported is what was read from a price file.
type Imported struct {
	Snapshot *Snapshot
	Shape    string
	// Left says which models were left out, and why: they are priced in other
	// units than tokens, or by something that is not understood. They have no
	// price then, rather than a wrong one.
	Left []string
}

// errShape says what a price file can be.
var errShape = errors.New("not a list of prices: want as_of and providers, or the shape of LiteLLM's or models.dev's list")

// Import reads a price file in any of the shapes, which it tells apart by itself.
// A Snapshot of another shape than our own has no AsOf. What is malformed is refused,
// saying where.
func Import(data []byte) (*Imported, error) {
	var top map[string]jsontext.Value
	if err := json.Unmarshal(data, &top); err != nil {
		return nil, fmt.Errorf("reading prices: %w", err)
	}
	if top["providers"] != nil || top["as_of"] != nil || len(top) == 0 {
		im := &Imported{Shape: ShapeOwn, Snapshot: &Snapshot{}}
		if err := json.Unmarshal(data, im.Snapshot, json.RejectUnknownMembers(true)); err != nil {
			return nil, fmt.Errorf("reading prices: %w", err)
		}
		return im, nil
	}
	for _, v := range top {
		var probe struct {
			Provider jsontext.Value `json:"litellm_provider"`
			Models   jsontext.Value `json:"models"`
		}
		if v.Kind() != '{' || json.Unmarshal(v, &probe) != nil {
			continue
		}
		switch {
		case probe.Provider != nil:
			return importLiteLLM(top)
		case probe.Models.Kind() == '{':
			return importModelsDev(top)
		}
	}
	return nil, errShape
}

// importer gathers models by provider.
type importer struct {
	im        *Imported
	providers map[string]map[string]*SnapshotPrice
}

func newImporter(shape string) *importer {
	return &importer{im: &Imported{Shape: shape, Snapshot: &Snapshot{Source: shape}}, providers: map[string]map[string]*SnapshotPrice{}}
}

// leave notes that a model was left out.
func (i *importer) leave(model, why string) {
	i.im.Left = append(i.im.Left, fmt.Sprintf("%.100q: %s", model, why))
}

// put adds a model, unless it has no price of tokens.
func (i *importer) put(provider, model string, p *SnapshotPrice) {
	switch {
	case model == "" || provider == "" || len(model) > 256 || len(provider) > 64:
		i.leave(model, "its name or that of its provider is missing or too long")
		return
	case strings.ContainsAny(model, "*?"):
		i.leave(model, "it is a pattern")
		return
	case p.Rates.Input == "" && p.Rates.Output == "":
		i.leave(model, "tokens have no price")
		return
	}
	provider, model = strings.ToLower(provider), strings.ToLower(model)
	models := i.providers[provider]
	if models == nil {
		models = map[string]*SnapshotPrice{}
		i.providers[provider] = models
	}
	if models[model] == nil {
		models[model] = p
	}
}

// done returns everything in the order of names.
func (i *importer) done() (*Imported, error) {
	s := i.im.Snapshot
	for _, name := range slices.Sorted(maps.Keys(i.providers)) {
		p := SnapshotProvider{Name: name}
		for _, model := range slices.Sorted(maps.Keys(i.providers[name])) {
			p.Models = append(p.Models, SnapshotModel{Match: []string{model}, Prices: []SnapshotPrice{*i.providers[name][model]}})
		}
		s.Providers = append(s.Providers, p)
	}
	if len(s.Providers) == 0 {
		return nil, errors.New("no model in it has a price of tokens")
	}
	return i.im, nil
}

// number reads a member that is a price; null is none.
func number(v jsontext.Value, shift int) (m llm.Money, given bool, err error) {
	switch v.Kind() {
	case 'n', jsontext.KindInvalid:
		return 0, false, nil
	case '0':
		m, err = llm.ParseNumber(string(v), shift)
		return m, err == nil, err
	}
	return 0, false, fmt.Errorf("%.40s is not a number", v)
}

// dearer writes an amount, unless a higher one stands there.
func dearer(to *string, m llm.Money) {
	if old, err := llm.ParseMoney(*to); err == nil && *to != "" && old >= m {
		return
	}
	*to = written(m)
}

// tierServed returns a tier of a price to change; put it back with the function.
func (sp *SnapshotPrice) tierServed(name string) (s SnapshotServed, put func(SnapshotServed)) {
	if sp.Served == nil {
		sp.Served = map[string]SnapshotServed{}
	}
	return sp.Served[name], func(s SnapshotServed) { sp.Served[name] = s }
}

// inclusive reports whether the thresholds of a provider belong to the upper band.
func inclusive(provider string) bool { return provider == "xai" || provider == "x-ai" }

// written writes an amount as a Snapshot does.
func written(m llm.Money) string {
	s := m.Decimal()
	if strings.Contains(s, ".") {
		s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
	}
	return s
}
