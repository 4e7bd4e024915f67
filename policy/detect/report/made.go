package main

import (
	"cmp"
	"maps"
	"slices"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/made"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

// made prints what is found in texts that the program makes itself.
func (r *report) made(set *made.Set, seed uint64) {
	s := secrets.New()
	type count struct{ spans, found, whole int }
	by := map[string]*count{}
	var all count
	for _, row := range set.Secrets(seed) {
		c := by[row.Name]
		if c == nil {
			c = new(count)
			by[row.Name] = c
		}
		found := detect.Merge(norm.Scan(row.Text, s))
		for _, span := range row.Spans {
			c.spans++
			all.spans++
			var hit, whole bool
			for _, m := range found {
				if m.Start < span.End && m.End > span.Start {
					hit = true
					whole = whole || m.Start <= span.Start && m.End >= span.End
				}
			}
			if hit {
				c.found++
				all.found++
			} else if r.verbose {
				r.printf("missed %s: %.300q\n", row.Name, row.Text)
			}
			if whole {
				c.whole++
				all.whole++
			} else if hit && r.verbose {
				r.printf("partly %s: %.100q %v\n", row.Name, row.Text[span.Start:span.End], found)
			}
		}
	}
	full, some := 0, 0
	for _, name := range slices.Sorted(maps.Keys(by)) {
		c := by[name]
		if c.found == c.spans {
			full++
		}
		if c.found > 0 {
			some++
		}
		if r.verbose && c.found < c.spans {
			r.printf("  %-24s %d of %d\n", name, c.found, c.spans)
		}
	}
	r.printf("made secrets, %s set: %d kinds, found %d of %d (%.3f), whole %.3f, by the mean over kinds %.3f; %d kinds always, %d kinds never\n", set.Name, len(by), all.found, all.spans,
		ratio(all.found, all.spans), ratio(all.whole, all.spans), mean(by, func(c *count) float64 { return ratio(c.found, c.spans) }), full, len(by)-some)
	flagged, rows := 0, 0
	which := map[string]int{}
	for _, row := range set.Near(seed) {
		rows++
		found := norm.Scan(row.Text, s)
		if len(found) > 0 {
			flagged++
			which[row.Name]++
		}
		for _, m := range found {
			if r.verbose {
				r.printf("near %s %s: %.80q in %.100q\n", row.Name, m.Rule, row.Text[m.Start:m.End], row.Text)
			}
		}
	}
	r.printf("made look-alikes: flagged %d of %d\n", flagged, rows)
	for _, name := range slices.SortedFunc(maps.Keys(which), func(a, b string) int { return cmp.Compare(which[b], which[a]) }) {
		r.printf("  %-28s %d\n", name, which[name])
	}
}

// madePersonal does the same for personal data, by rule.
func (r *report) madePersonal(seed uint64) {
	s := pii.New()
	type count struct{ spans, found, whole, other int }
	by := map[string]*count{}
	for _, row := range made.Personal(seed) {
		c := by[row.Name]
		if c == nil {
			c = new(count)
			by[row.Name] = c
		}
		for _, m := range norm.Scan(row.Text, s) {
			if !slices.ContainsFunc(row.Spans, func(span made.Span) bool { return m.Rule == row.Name && m.Start < span.End && m.End > span.Start }) {
				c.other++
				if r.verbose {
					r.printf("other %s: %s %q in %.100q\n", row.Name, m.Rule, row.Text[m.Start:m.End], row.Text)
				}
			}
		}
		for _, span := range row.Spans {
			c.spans++
			var hit, whole bool
			for _, m := range norm.Scan(row.Text, s) {
				if m.Rule == row.Name && m.Start < span.End && m.End > span.Start {
					hit = true
					whole = whole || m.Start <= span.Start && m.End >= span.End
				}
			}
			if hit {
				c.found++
			} else if r.verbose {
				r.printf("missed %s: %.100q\n", row.Name, row.Text)
			}
			if whole {
				c.whole++
			} else if hit && r.verbose {
				r.printf("partly %s: %.100q\n", row.Name, row.Text)
			}
		}
	}
	r.printf("made personal data: found, whole, other findings\n")
	for _, name := range slices.Sorted(maps.Keys(by)) {
		c := by[name]
		r.printf("  %-18s %.3f %.3f  (%d made, %d others)\n", name, ratio(c.found, c.spans), ratio(c.whole, c.spans), c.spans, c.other)
	}
	flagged, rows := 0, 0
	for _, row := range made.NearPersonal(seed) {
		rows++
		found := norm.Scan(row.Text, s)
		flagged += min(1, len(found))
		for _, m := range found {
			r.printf("  near %s: %q in %.80q\n", m.Rule, row.Text[m.Start:m.End], row.Text)
		}
	}
	r.printf("made look-alikes of personal data: flagged %d of %d\n", flagged, rows)
}
