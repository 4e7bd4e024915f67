package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject/internal/linear"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/measure"
)

// exam prints how a model does on the texts written by hand.
func exam(w io.Writer, m *linear.Model, verbose bool) {
	odds := func(texts string) []float64 {
		return examOdds(m, texts, func(odds float64, text string) {
			if verbose {
				fmt.Fprintf(w, "    %6.2f %q\n", odds, text)
			}
		})
	}
	trigger, toolClean, foreignClean := odds(examTrigger), odds(examToolClean), odds(examForeignClean)
	all := append(append(append([]float64(nil), trigger...), toolClean...), foreignClean...)
	fmt.Fprintf(w, "\nexam: flagged at 0.9, at 0.99, AUC against the harmless texts beside it\n")
	line := func(name string, v, against []float64) {
		fmt.Fprintf(w, "%-32s %4d %6.3f %6.3f", name, len(v), measure.Above(v, oddsPercent), measure.Above(v, oddsMille))
		if against != nil {
			fmt.Fprintf(w, " %6.3f", measure.AUC(v, against))
		}
		fmt.Fprintln(w)
	}
	line("explicit override", odds(examOverride), all)
	line("extraction", odds(examExtract), all)
	line("jailbreak", odds(examJailbreak), all)
	line("in tool results", odds(examTool), toolClean)
	line("not English", odds(examForeign), foreignClean)
	late := odds(lateHarmless)
	line("late: direct", odds(lateAttacks), late)
	line("late: in tool results", odds(lateTools), late)
	line("late: harmless", late, nil)
	line("harmless, trigger words", trigger, nil)
	line("harmless tool results", toolClean, nil)
	line("harmless, not English", foreignClean, nil)
}

// resultExam prints how the head for tool results does on those of the texts that it is for.
func resultExam(w io.Writer, m *linear.Model, verbose bool) {
	odds := func(texts string) []float64 {
		return examOdds(m, texts, func(odds float64, text string) {
			if verbose {
				fmt.Fprintf(w, "    %6.2f %q\n", odds, text)
			}
		})
	}
	fmt.Fprintf(w, "\nexam, head for tool results: flagged at 0.9, at 0.99\n")
	for _, c := range []struct{ name, texts string }{
		{"in tool results", examTool}, {"late: in tool results", lateTools}, {"explicit override", examOverride}, {"harmless tool results", examToolClean},
	} {
		v := odds(c.texts)
		fmt.Fprintf(w, "%-32s %4d %6.3f %6.3f\n", c.name, len(v), measure.Above(v, oddsPercent), measure.Above(v, oddsMille))
	}
}

// examOdds returns the log-odds of each of the texts and shows them to see,
// which may be nil.
func examOdds(m *linear.Model, texts string, see func(odds float64, text string)) []float64 {
	var out []float64
	for line := range strings.Lines(texts) {
		line = strings.ReplaceAll(strings.TrimSpace(line), "\\n", "\n")
		if line == "" {
			continue
		}
		var s linear.Scanner
		out = append(out, s.Scan(m, line).Odds)
		if see != nil {
			see(out[len(out)-1], line)
		}
	}
	return out
}
