package trial

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/terminal"
)

// Print writes results as a table, a line for each case where all of its runs came out
// alike, and returns how many runs failed.
func Print(w io.Writer, results []Result) (failed int) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "\tCASE\tTRIED\tGOT")
	type group struct {
		first Result
		runs  []string
	}
	var groups []group
	for _, r := range results {
		if !r.OK {
			failed++
		}
		n := len(groups) - 1
		if n < 0 || groups[n].first.Case != r.Case || groups[n].first.OK != r.OK || groups[n].first.Got != r.Got ||
			strings.Join(groups[n].first.Problems, "\n") != strings.Join(r.Problems, "\n") {
			groups = append(groups, group{first: r})
			n++
		}
		run := r.Dialect
		if r.Stream {
			run += " stream"
		}
		groups[n].runs = append(groups[n].runs, run)
	}
	for _, g := range groups {
		mark := "ok"
		if !g.first.OK {
			mark = "FAIL"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", mark, terminal.Text(g.first.Case), tried(g.runs), terminal.Text(g.first.Got))
		for _, p := range g.first.Problems {
			fmt.Fprintf(t, "\t  %s\t\t\n", terminal.Text(p))
		}
	}
	t.Flush()
	fmt.Fprintf(w, "%d of %d runs as expected\n", len(results)-failed, len(results))
	return failed
}

// tried names runs shortly: "chat, messages, responses; each streamed, too".
func tried(runs []string) string {
	var whole, both []string
	has := map[string]bool{}
	for _, r := range runs {
		has[r] = true
	}
	for _, r := range runs {
		name, stream := strings.CutSuffix(r, " stream")
		switch {
		case stream && has[name]:
		case !stream && has[name+" stream"]:
			both = append(both, name)
		default:
			whole = append(whole, r)
		}
	}
	s := strings.Join(both, ", ")
	if s != "" {
		s += " (whole, stream)"
	}
	if len(whole) > 0 {
		if s != "" {
			s += ", "
		}
		s += strings.Join(whole, ", ")
	}
	return s
}
