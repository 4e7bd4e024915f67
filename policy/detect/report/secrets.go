package main

import (
	"cmp"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

// secrets prints the recall by provider, and what benign texts are flagged.
func (r *report) secrets() error {
	list, err := rows[struct {
		Text     string `json:"text"`
		Label    int    `json:"label"`
		Provider string `json:"provider"`
	}](filepath.Join(r.dir, "secrets.jsonl.gz"))
	if err != nil {
		return err
	}
	s := secrets.New()
	type count struct{ found, all int }
	by := map[string]*count{}
	var total, other count
	for _, row := range list {
		p := provider(row.Provider)
		found := s.Scan(nil, row.Text)
		if row.Label == 0 {
			other.all++
			if len(found) > 0 {
				other.found++
			}
			continue
		}
		c := by[p]
		if c == nil {
			c = new(count)
			by[p] = c
		}
		c.all++
		total.all++
		if len(found) > 0 {
			c.found++
			total.found++
		} else if r.verbose {
			r.printf("missed %s: %.200q\n", row.Provider, row.Text)
		}
	}
	r.printf("secrets: %d rules; found %d of %d (%.3f), by the mean over %d providers %.3f; flagged %d of %d near misses\n",
		len(s.Rules()), total.found, total.all, float64(total.found)/float64(total.all), len(by), mean(by, func(c *count) float64 { return float64(c.found) / float64(c.all) }), other.found, other.all)
	// Leave one provider out: what finds it without the rules that carry its name?
	without := 0
	for _, row := range list {
		if row.Label != 1 {
			continue
		}
		p := provider(row.Provider)
		if slices.ContainsFunc(s.Scan(nil, row.Text), func(m detect.Match) bool { return !strings.Contains(m.Rule, p) }) {
			without++
		}
	}
	r.printf("leave one provider out: rules that do not name the provider find %d of %d (%.3f)\n", without, total.all, float64(without)/float64(total.all))
	benign, err := r.prompts()
	if err != nil {
		return err
	}
	flagged := 0
	which := map[string]int{}
	for _, text := range benign {
		found := s.Scan(nil, text)
		if len(found) == 0 {
			continue
		}
		flagged++
		for _, m := range found {
			which[m.Rule]++
			if r.verbose {
				r.printf("benign %s: %.80q in %.60q\n", m.Rule, text[m.Start:m.End], text[max(0, m.Start-50):m.Start])
			}
		}
	}
	r.printf("benign prompts with a secret: %d of %d\n", flagged, len(benign))
	for _, rule := range slices.SortedFunc(maps.Keys(which), func(a, b string) int { return cmp.Compare(which[b], which[a]) }) {
		r.printf("  %-28s %d\n", rule, which[rule])
	}
	return nil
}

func mean[K comparable, V any](m map[K]V, f func(V) float64) float64 {
	var sum float64
	for _, v := range m {
		sum += f(v)
	}
	return sum / float64(max(1, len(m)))
}

// provider returns the second part of a name like np.github.1.
func provider(name string) string {
	parts := strings.Split(name, ".")
	return parts[min(1, len(parts)-1)]
}
