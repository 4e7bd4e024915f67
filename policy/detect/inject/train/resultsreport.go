package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/measure"
)

// The head for tool results is measured like the other one: on rows of
// sources that it has not seen. Its negatives are harmless texts as tools return them; a
// prompt in which a user asks for something is none.

// resultRows returns the rows that stand for tool results: the attacks of all sources and
// the harmless rows of the one that has them.
func resultRows(rows []row) []row {
	var out []row
	for _, r := range rows {
		if r.Label == 1 || r.Source == "bipia_train" {
			r.weight = 1
			out = append(out, r)
		}
	}
	return out
}

// harmlessResults makes harmless texts as tools return them of what rows hold beside requests:
// prose without the task that came with it, code and records. Short ones are as they
// are; long ones are joined.
func harmlessResults(rows []row) []row {
	var out []row
	parts := make(map[string][]string)
	var names []string
	add := func(source, text string) {
		if text = strings.TrimSpace(text); len(text) < 40 {
			return
		}
		out = append(out, row{Text: text, Source: source, Kind: "made"})
		if parts[source] == nil {
			names = append(names, source)
		}
		parts[source] = append(parts[source], text)
	}
	for i, r := range rows {
		if r.Label != 0 {
			continue
		}
		switch r.Source {
		case "bipia_train":
			add(r.Source, r.Text)
		case "mbpp":
			_, code, _ := strings.Cut(r.Text, "\n")
			add(r.Source, code)
		case "apibench":
			_, record, _ := strings.Cut(r.Text, "'Output': ")
			add(r.Source, record)
		case "t0_p3", "piguard_valid":
			add(r.Source, strings.Join(told(r), []string{" ", "\n"}[i%2]))
		case "gsm8k":
			add(r.Source, strings.Join(told(r), " "))
		}
	}
	for _, name := range names {
		for _, size := range []int{1500, 2200, 2800, 4000, 5000, 6000, 9000, 14000, 18000, 30000, 60000} {
			out = append(out, joined(name, parts[name], size)...)
		}
	}
	return out
}

// resultReport prints what the models of the folds do on tool results of sources that
// they did not see.
func resultReport(w io.Writer, held []scored, models []*linear.Model, rows []row, worst int) {
	var benign []scored
	for _, r := range harmlessResults(rows) {
		f := foldOf(r.Source)
		benign = append(benign, score(models[f], r, f))
	}
	for _, m := range models {
		calibrateResults(m)
	}
	for _, list := range [][]scored{held, benign} {
		for i := range list {
			list[i].odds = models[list[i].fold].Odds(list[i].margin, list[i].units)
		}
	}
	var all, own []float64
	for _, s := range benign {
		if s.Kind != "long" && s.Source != proseSource {
			all = append(all, s.odds)
			if s.Source == "bipia_train" {
				own = append(own, s.odds)
			}
		}
	}
	fmt.Fprintln(w, "\nhead for tool results: attacks of sources not trained on, against harmless tool results not trained on: those of")
	fmt.Fprintf(w, "all sources (%d), and those of the source of the tool results only (%d)\n", len(all), len(own))
	fmt.Fprintf(w, "%-24s %6s %6s %7s %7s   %6s %7s   %7s %8s\n", "source", "rows", "AUC", "R@1%", "R@.1%", "AUC", "R@1%", "R ship", "R ship.1")
	groups := make(map[string][]float64)
	var names []string
	add := func(name string, odds float64) {
		if groups[name] == nil {
			names = append(names, name)
		}
		groups[name] = append(groups[name], odds)
	}
	for _, s := range held {
		if s.Label != 1 {
			continue
		}
		add(s.Source, s.odds)
		if s.Source == "bipia_train" {
			if i := strings.LastIndexByte(s.Kind, '_'); i > 0 {
				add("  "+s.Kind[:i], s.odds)
			}
			continue
		}
		add("= direct, pooled", s.odds)
		if measure.Override(s.Text) {
			add("= explicit override", s.odds)
		}
	}
	one, mille, ownOne := measure.Quantile(all, 0.99), measure.Quantile(all, 0.999), measure.Quantile(own, 0.99)
	for _, n := range names {
		g := groups[n]
		fmt.Fprintf(w, "%-24s %6d %6.3f %7.3f %7.3f   %6.3f %7.3f   %7.3f %8.3f\n", n, len(g), measure.AUC(g, all), measure.Above(g, one), measure.Above(g, mille),
			measure.AUC(g, own), measure.Above(g, ownOne), measure.Above(g, oddsPercent), measure.Above(g, oddsMille))
	}
	fmt.Fprintln(w, "\nharmless tool results of sources not trained on: flagged at 0.9, at 0.99")
	flagged(w, benign)
	embeddedResults(w, held, models, rows)
	if worst > 0 {
		printWorst(w, held, worst)
		printWorst(w, benign, worst)
	}
}

// resultMargins are the margins that stand for the scores 0.9 and 0.99 in each length bucket. About
// one in a hundred and one in a thousand of 6,000 pieces and whole files of manuals, READMEs, pages, records and
// sources of other projects reach them. Those are not part of the data, and nothing was
// learned from them; the harmless rows of the data are too tame to calibrate by, but for those that
// are left out together with nearly all the prose, which are too wild.
var resultMargins = [linear.Buckets][2]float64{{3.95, 5.3}, {4.45, 5.4}, {4.9, 5.9}, {5.7, 6.9}, {6.75, 7.5}}

// calibrateResults sets the calibration of m by these margins.
func calibrateResults(m *linear.Model) {
	for b, at := range resultMargins {
		slope := (oddsMille - oddsPercent) / (at[1] - at[0])
		m.Bucket[b] = linear.Calibration{Slope: slope, Offset: oddsPercent - slope*at[0]}
	}
}

// proseSource is the only source with much prose. The model that was held out from it has seen no
// prose but the grammar's and looks worse on it than any other, so it is shown apart.
const proseSource = "t0_p3"

// embeddedResults prints how many explicit overrides are found under disguise and in the middle of
// harmless text.
func embeddedResults(w io.Writer, held []scored, models []*linear.Model, rows []row) {
	var filler []string
	for _, r := range rows {
		if r.Source == "t0_p3" && r.Label == 0 {
			if list := told(r); len(list) > 4 {
				filler = append(filler, strings.Join(list, " "))
			}
		}
	}
	if len(filler) == 0 {
		return
	}
	fmt.Fprintln(w, "\nexplicit overrides found at 0.9 in tool results")
	line := func(name string, do func(i int, s string) string) {
		n, hit := 0, 0
		for i, a := range held {
			if a.Label == 1 && len(a.Text) < 3000 && a.Source != "bipia_train" && measure.Override(a.Text) {
				n++
				if score(models[a.fold], row{Text: do(i, a.Text)}, a.fold).odds >= oddsPercent {
					hit++
				}
			}
		}
		if n > 0 {
			fmt.Fprintf(w, "%-24s %6d %6.3f\n", name, n, float64(hit)/float64(n))
		}
	}
	line("plain", func(_ int, s string) string { return s })
	for _, d := range measure.Disguises {
		line(d.Name, func(_ int, s string) string { return d.Do(s) })
	}
	for _, size := range []int{1 << 10, 4 << 10} {
		line(fmt.Sprintf("in %d KB", size>>10), func(i int, s string) string { return measure.Inside(s, filler, i*7, size) })
	}
}

// leaveKinds prints how many of the grammar's own attacks of each kind are found by a head for
// tool results that learned all kinds but that one, with one in four of the texts. Their
// carriers are of the lists that it knows; what they ask for is not.
func leaveKinds(w io.Writer, rows []row, set settings) {
	set.part *= 4
	made := slices.Concat(resultTexts(set.seed, rows, set.part), resultRows(rows))
	fresh := resultTexts(set.seed+1, nil, 2*set.part)
	fmt.Fprintln(w, "\nkinds of attacks left out of training: AUC, found at 1 %, against harmless carriers drawn anew")
	for _, kind := range []string{"asked", "shaping", "codeask", "agent", "direct", "language"} {
		m := fit(slices.DeleteFunc(slices.Clone(made), func(r row) bool {
			return r.Kind == kind || r.Label == 1 && (r.Kind == "passage" || r.Kind == "embedded" || kind == "direct" && r.Source != "grammar")
		}), set)
		var attacks, harmless []float64
		for _, r := range fresh {
			switch {
			case r.Kind == kind:
				attacks = append(attacks, score(m, r, 0).margin)
			case r.Label == 0:
				harmless = append(harmless, score(m, r, 0).margin)
			}
		}
		fmt.Fprintf(w, "%-24s %6d %6.3f %7.3f\n", kind, len(attacks), measure.AUC(attacks, harmless), measure.Above(attacks, measure.Quantile(harmless, 0.99)))
	}
}
