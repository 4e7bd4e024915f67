// Package routing says which deployments may answer for the model that a client
// names. It knows names only: no addresses, no credentials, no health.
package routing

import (
	"errors"
	"fmt"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Target is a place to send to: a provider and, if the name changes, the model.
type Target struct {
	// Provider is the name of a provider.
	Provider string
	// Model is the name to send; empty keeps the client's (without a provider
	// prefix).
	Model string
	// Weight is the share that weighted policies give it, 0 for 1.
	Weight int
}

// ParseTarget reads "provider" or "provider/model".
func ParseTarget(s string) (Target, error) {
	name, model, found := strings.Cut(s, "/")
	if name == "" || (found && model == "") {
		return Target{}, fmt.Errorf("%q is neither a provider nor provider/model", s)
	}
	return Target{Provider: name, Model: model}, nil
}

// String is the inverse of ParseTarget.
func (t Target) String() string {
	if t.Model == "" {
		return t.Provider
	}
	return t.Provider + "/" + t.Model
}

// Line routes the models that match a pattern to targets, in order of
// preference.
type Line struct {
	Pattern string
	Targets []Target
	// Index is the position of the line in the table; Check sets it.
	Index int
}

// Exact reports whether the pattern stands for one name only: a model or an
// alias that can be listed.
func (l *Line) Exact() bool { return !strings.ContainsAny(l.Pattern, "*?") }

// Table is what llm_upstream knows about models.
type Table struct {
	// Lines are tried in the order written; the first that matches decides.
	Lines []Line
	// Inline, when set, answers for every model if there are no lines. Its name
	// is never stripped from a model.
	Inline string
	// Declared reports whether a provider of that name may be chosen by a
	// prefix of the model.
	Declared func(name string) bool
}

// ErrEmpty is returned by Check for a table that could never answer.
var ErrEmpty = errors.New("no provider: give one in the first line (llm_upstream openai {env.OPENAI_API_KEY}) or `model <pattern> <provider>` lines")

// Check reports what is wrong with the table as configured.
func (t *Table) Check() error {
	if t.Inline == "" && len(t.Lines) == 0 {
		return ErrEmpty
	}
	seen := map[string]bool{}
	for i := range t.Lines {
		l := &t.Lines[i]
		l.Index = i
		if l.Pattern == "" {
			return errors.New("model: empty pattern")
		}
		if seen[l.Pattern] {
			return fmt.Errorf("model %s: given twice", l.Pattern)
		}
		seen[l.Pattern] = true
		if len(l.Targets) == 0 && t.Inline == "" {
			return fmt.Errorf("model %s: leads to no provider", l.Pattern)
		}
		given := map[Target]bool{}
		for _, tg := range l.Targets {
			if name := (Target{Provider: tg.Provider, Model: tg.Model}); given[name] {
				return fmt.Errorf("model %s: %s is given twice", l.Pattern, tg)
			} else {
				given[name] = true
			}
			if tg.Weight < 0 || tg.Weight > MaxWeight {
				return fmt.Errorf("model %s: the weight of %s must be from 1 to %d", l.Pattern, tg, MaxWeight)
			}
			if tg.Provider != t.Inline && !t.Declared(tg.Provider) {
				return fmt.Errorf("model %s: there is no provider %q; declare it in the global option llm_gateway", l.Pattern, tg.Provider)
			}
		}
	}
	return nil
}

// MaxWeight is the largest weight of a target.
const MaxWeight = 1000

// Choice is one place that may answer.
type Choice struct {
	Provider, Model string
	// Weight is at least 1.
	Weight int
}

// Resolve returns the places for the model that a client names, in the order
// written, and the line that matched (nil for an inline provider without lines).
// It returns no choice if the model is unknown.
//
// A client may put the name of a declared provider before the model
// ("openai/gpt-4o"): it chooses among the targets and is stripped.
func (t *Table) Resolve(model string) (choices []Choice, line *Line) {
	if len(t.Lines) == 0 {
		return []Choice{{Provider: t.Inline, Model: model, Weight: 1}}, nil
	}
	prefix, rest, ok := llm.SplitModel(model)
	chosen := ok && prefix != t.Inline && t.Declared(prefix)
	for i := range t.Lines {
		l := &t.Lines[i]
		if !llm.MatchModel(l.Pattern, model) && !(chosen && llm.MatchModel(l.Pattern, rest)) {
			continue
		}
		targets := l.Targets
		if len(targets) == 0 {
			targets = []Target{{Provider: t.Inline}}
		}
		for _, tg := range targets {
			c := Choice{Provider: tg.Provider, Model: model, Weight: max(tg.Weight, 1)}
			if chosen {
				if tg.Provider != prefix {
					continue
				}
				c.Model = rest
			}
			if tg.Model != "" {
				c.Model = tg.Model
			}
			choices = append(choices, c)
		}
		if len(choices) > 0 {
			return choices, l
		}
	}
	return nil, nil
}

// Names returns how the models that a provider offers may be called by clients:
// a bare id where a pattern takes it, else with the provider's prefix.
func (t *Table) Names(provider string, ids []string) []string {
	if len(t.Lines) == 0 {
		return ids
	}
	var out []string
	for _, id := range ids {
		for _, name := range [...]string{id, provider + "/" + id} {
			choices, _ := t.Resolve(name)
			if len(choices) > 0 && choices[0].Provider == provider && choices[0].Model == id {
				out = append(out, name)
				break
			}
		}
	}
	return out
}
