package main

import (
	"fmt"
	"io"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/measure"
)

// obfuscation prints the recall of disguised attacks against plain ones, and
// of attacks in the middle of 4 KB of benign text.
func obfuscation(w io.Writer, held []scored, models []*linear.Model) {
	var attacks []scored
	var filler []string
	for _, s := range held {
		if s.Label == 1 && len(s.Text) < 3000 && s.Source != "bipia_train" {
			attacks = append(attacks, s)
		}
		if s.Source == "t0_p3" && len(s.Text) > 1000 {
			filler = append(filler, s.Text)
		}
	}
	fmt.Fprintln(w, "\nrecall at 0.9 under disguise, all direct attacks and explicit overrides")
	line := func(name string, do func(int, string) string) {
		n, hit, no, ho := 0, 0, 0, 0
		lost := 0.0
		for i, a := range attacks {
			got := score(models[a.fold], row{Text: do(i, a.Text)}, a.fold)
			o := measure.Override(a.Text)
			n++
			if o {
				no++
				lost += a.margin - got.margin
			}
			if got.odds >= oddsPercent {
				hit++
				if o {
					ho++
				}
			}
		}
		if n > 0 && no > 0 {
			fmt.Fprintf(w, "%-24s %6d %6.3f   %6d %6.3f  margin lost %.2f\n", name, n, float64(hit)/float64(n), no, float64(ho)/float64(no), lost/float64(no))
		}
	}
	line("plain", func(_ int, s string) string { return s })
	for _, d := range measure.Disguises {
		line(d.Name, func(_ int, s string) string { return d.Do(s) })
	}
	if len(filler) == 0 {
		return
	}
	line("in 4 KB of benign text", func(i int, s string) string { return measure.Inside(s, filler, i*7, 4096) })
}
