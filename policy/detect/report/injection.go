package main

import (
	"cmp"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/measure"
)

// scored is a labelled prompt with what the shipped model says of it.
type scored struct {
	Text   string `json:"text"`
	Label  int    `json:"label"`
	Source string `json:"source"`
	// Kind that begins with "tool" marks a result of a tool.
	Kind  string  `json:"kind"`
	score float64 // as what it is
	asked float64 // as a prompt
}

func (s scored) tool() bool { return strings.HasPrefix(s.Kind, "tool") }

// injection prints how well the shipped weights tell attacks from harmless
// texts. They have seen the development data: on that these figures flatter,
// and what the trainer prints with -eval counts. On other data they count.
func (r *report) injection() error {
	files, err := filepath.Glob(filepath.Join(r.dir, "prompts", "*.jsonl.gz"))
	if err != nil {
		return err
	}
	slices.Sort(files)
	var list []scored
	for _, f := range files {
		part, err := rows[scored](f)
		if err != nil {
			return err
		}
		for i := range part {
			part[i].asked = inject.Score(part[i].Text)
			part[i].score = part[i].asked
			if part[i].tool() {
				part[i].score = inject.ScoreToolResult(part[i].Text)
			}
			part[i].Source = cmp.Or(part[i].Source, strings.TrimSuffix(filepath.Base(f), ".jsonl.gz"))
		}
		list = append(list, part...)
	}
	of := func(keep func(scored) bool) (out []float64) {
		for _, s := range list {
			if keep(s) {
				out = append(out, s.score)
			}
		}
		return out
	}
	plain := of(func(s scored) bool { return s.Label == 0 && !s.tool() })
	results := of(func(s scored) bool { return s.Label == 0 && s.tool() })

	r.printf("injection: the shipped weights %s (on the development data, which they have seen, these figures flatter)\n", inject.Revision())
	r.printf("  %-34s %6s %6s %7s %7s %8s %8s\n", "attacks", "rows", "AUC", "R@1%", "R@.1%", "R at .9", "R at .99")
	line := func(name string, attacks, harmless []float64) {
		if len(attacks) > 0 && len(harmless) > 0 {
			r.printf("  %-34s %6d %6.3f %7.3f %7.3f %8.3f %8.3f\n", name, len(attacks), measure.AUC(attacks, harmless),
				measure.Above(attacks, measure.Quantile(harmless, 0.99)), measure.Above(attacks, measure.Quantile(harmless, 0.999)),
				measure.Above(attacks, inject.Percent), measure.Above(attacks, inject.Mille))
		}
	}
	direct := func(s scored) bool { return s.Label == 1 && !s.tool() }
	line("explicit overrides", of(func(s scored) bool { return direct(s) && measure.Override(s.Text) }), plain)
	line("all direct attacks", of(direct), plain)
	line("not English", of(func(s scored) bool { return direct(s) && measure.NonEnglish(s.Text) }), plain)
	line("in results of tools", of(func(s scored) bool { return s.Label == 1 && s.tool() }), results)
	var asPrompts []float64
	for _, s := range list {
		if s.Label == 1 && s.tool() {
			asPrompts = append(asPrompts, s.asked)
		}
	}
	line("  read as prompts, against prompts", asPrompts, plain)
	for _, source := range sources(list) {
		line("source "+source, of(func(s scored) bool { return direct(s) && s.Source == source }), plain)
	}

	r.printf("  %-34s %6s %24s %8s\n", "harmless texts", "rows", "flagged at .9", "at .99")
	flagged := func(name string, keep func(scored) bool) {
		if v := of(func(s scored) bool { return s.Label == 0 && keep(s) }); len(v) > 0 {
			r.printf("  %-34s %6d %23.2f%% %7.2f%%\n", name, len(v), 100*measure.Above(v, inject.Percent), 100*measure.Above(v, inject.Mille))
		}
	}
	flagged("prompts", func(s scored) bool { return !s.tool() })
	flagged("results of tools", scored.tool)
	for _, b := range []struct {
		name     string
		from, to int
	}{{"up to 1,000 characters", 0, 1000}, {"1,001 to 4,000 characters", 1001, 4000}, {"longer", 4001, 1 << 30}} {
		flagged(b.name, func(s scored) bool {
			n := utf8.RuneCountInString(s.Text)
			return n >= b.from && n <= b.to
		})
	}
	for _, source := range sources(list) {
		flagged("source "+source, func(s scored) bool { return s.Source == source })
	}
	r.disguised(list)
	if r.verbose {
		for _, s := range list {
			if (s.score >= inject.Percent) != (s.Label == 1) {
				r.printf("wrong: %d of %s, %.3f: %.200q\n", s.Label, s.Source, s.score, s.Text)
			}
		}
	}
	return nil
}

func sources(list []scored) (out []string) {
	for _, s := range list {
		out = append(out, s.Source)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// disguised prints what is still found at inject.Percent when direct attacks
// are disguised, or stand in the middle of other text.
func (r *report) disguised(list []scored) {
	var attacks []scored
	var filler []string
	for _, s := range list {
		switch {
		case s.Label == 1 && !s.tool() && len(s.Text) < 3000:
			attacks = append(attacks, s)
		case s.Label == 0 && !s.tool() && len(s.Text) > 1000 && s.score < inject.Percent:
			filler = append(filler, s.Text)
		}
	}
	if len(attacks) == 0 {
		return
	}
	r.printf("  %-34s %16s %20s\n", "found at .9 in disguise", "direct attacks", "explicit overrides")
	line := func(name string, do func(int, string) string) {
		var all, overrides []float64
		for i, a := range attacks {
			score := inject.Score(do(i, a.Text))
			all = append(all, score)
			if measure.Override(a.Text) {
				overrides = append(overrides, score)
			}
		}
		r.printf("  %-34s %16.3f %20.3f\n", name, measure.Above(all, inject.Percent), measure.Above(overrides, inject.Percent))
	}
	line("plain", func(_ int, s string) string { return s })
	for _, d := range measure.Disguises {
		line(d.Name, func(_ int, s string) string { return d.Do(s) })
	}
	if len(filler) > 0 {
		line("in 4 KB of harmless text", func(i int, s string) string { return measure.Inside(s, filler, i*7, 4096) })
	}
}
