package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/measure"
)

// report prints what the cross-fitted models do on the sources that they did
// not see, and returns all benign rows with their margins, short and long, to
// calibrate the final model with.
func report(w io.Writer, held []scored, models []*linear.Model, rows []row, set settings, worst int) []scored {
	var benign []scored
	for _, s := range held {
		if s.Label == 0 {
			benign = append(benign, s)
		}
	}
	for _, r := range longTexts(rows, set.seed) {
		f := foldOf(r.Source)
		benign = append(benign, score(models[f], r, f))
	}
	// Each fold is calibrated with the benign rows of the other folds.
	for f, m := range models {
		var others []scored
		for _, s := range benign {
			if s.fold != f {
				others = append(others, s)
			}
		}
		calibrate(m, others)
	}
	for b := range linear.Buckets {
		fmt.Fprint(w, "bucket ", b, " 1% and .1% margins by fold:")
		for _, m := range models {
			c := m.Bucket[b]
			fmt.Fprintf(w, "  %.2f %.2f", (oddsPercent-c.Offset)/c.Slope, (oddsMille-c.Offset)/c.Slope)
		}
		fmt.Fprintln(w)
	}
	apply := func(list []scored) {
		for i := range list {
			list[i].odds = models[list[i].fold].Odds(list[i].margin, list[i].units)
		}
	}
	apply(held)
	apply(benign)
	var plain []float64
	for _, s := range benign {
		if s.Kind != "long" {
			plain = append(plain, s.odds)
		}
	}
	one, mille := measure.Quantile(plain, 0.99), measure.Quantile(plain, 0.999)

	fmt.Fprintln(w, "\nattacks of sources not trained on, against the benign rows not trained on")
	fmt.Fprintf(w, "%-24s %6s %6s %7s %7s %8s %8s\n", "source", "rows", "AUC", "R@1%", "R@.1%", "R ship", "R ship.1")
	groups := make(map[string][]float64)
	var names []string
	add := func(name string, odds float64) {
		if groups[name] == nil {
			names = append(names, name)
		}
		groups[name] = append(groups[name], odds)
	}
	for _, s := range held {
		if s.Label == 1 {
			add(s.Source, s.odds)
		}
	}
	for _, s := range held {
		if s.Label == 1 {
			if s.Source == "bipia_train" {
				add("= tool results", s.odds)
			} else {
				add("= direct, pooled", s.odds)
			}
			if measure.NonEnglish(s.Text) {
				add("= not English", s.odds)
			}
			if measure.Override(s.Text) {
				add("= explicit override", s.odds)
			}
		}
	}
	for _, n := range names {
		g := groups[n]
		fmt.Fprintf(w, "%-24s %6d %6.3f %7.3f %7.3f %8.3f %8.3f\n", n, len(g), measure.AUC(g, plain), measure.Above(g, one), measure.Above(g, mille), measure.Above(g, oddsPercent), measure.Above(g, oddsMille))
	}

	var tool []float64
	for _, s := range benign {
		if s.Source == "bipia_train" && s.Kind != "long" {
			tool = append(tool, s.odds)
		}
	}
	if g := groups["= tool results"]; len(g) > 0 && len(tool) > 0 {
		fmt.Fprintf(w, "tool results against the harmless tool results of that source: AUC %.3f\n", measure.AUC(g, tool))
	}

	fmt.Fprintln(w, "\nbenign rows of sources not trained on: flagged at 0.9, at 0.99")
	flagged(w, benign)
	obfuscation(w, held, models)
	if worst > 0 {
		printWorst(w, held, worst)
	}
	return benign
}

// flagged prints how many harmless texts lie above the thresholds, by length and source.
func flagged(w io.Writer, benign []scored) {
	fp := make(map[string][]float64)
	var fnames []string
	for _, s := range benign {
		k := s.Source
		if s.Kind == "long" {
			k = "long " + k
		}
		b := [...]string{"<=1K", "1-3K", "3-7K", "7-20K", ">20K"}[linear.Bucket(s.units)]
		for _, n := range []string{"all: " + b, k} {
			if fp[n] == nil {
				fnames = append(fnames, n)
			}
			fp[n] = append(fp[n], s.odds)
		}
	}
	sort.Strings(fnames)
	for _, n := range fnames {
		fmt.Fprintf(w, "%-30s %6d %7.4f %7.4f\n", n, len(fp[n]), measure.Above(fp[n], oddsPercent), measure.Above(fp[n], oddsMille))
	}
}

func printWorst(w io.Writer, held []scored, n int) {
	by := make(map[string][]scored)
	for _, s := range held {
		k := fmt.Sprint(s.Source, " ", s.Label)
		by[k] = append(by[k], s)
	}
	for k, list := range by {
		benign := strings.HasSuffix(k, " 0")
		sort.Slice(list, func(i, j int) bool { return list[i].odds < list[j].odds != benign })
		fmt.Fprintln(w, "---", k)
		for _, s := range list[:min(n, len(list))] {
			t := s.Text
			if len(t) > 160 {
				t = t[:160]
			}
			fmt.Fprintf(w, "  %6.2f %5d %q\n", s.odds, len(s.Text), t)
		}
	}
}

// extraReport counts what m flags in the files below dir, which should be
// benign: each file, cut to 256 KB, is one text.
func extraReport(w io.Writer, m *linear.Model, dir string) error {
	var sc linear.Scanner
	n := [linear.Buckets]int{}
	hit := n
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() || info.Size() > 256<<10 {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		f := sc.Scan(m, string(b))
		k := linear.Bucket(sc.Units())
		n[k]++
		if f.Odds >= oddsPercent {
			hit[k]++
			fmt.Fprintf(w, "  %6.2f %6.2f %s %q\n", f.Odds, f.Margin, path, string(b[f.From:f.To]))
		}
		return nil
	})
	fmt.Fprintf(w, "extra benign texts flagged, by bucket: %v of %v\n", hit, n)
	return err
}
