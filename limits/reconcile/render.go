package reconcile

import (
	"bufio"
	"fmt"
	"io"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

// JSON writes the report as one indented JSON object.
func (r *Report) JSON(w io.Writer) error {
	if err := json.MarshalWrite(w, r, jsontext.WithIndent("  "), json.Deterministic(true)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// CSV writes the lines and then the totals.
func (r *Report) CSV(w io.Writer) error {
	b := bufio.NewWriter(w)
	b.WriteString("start,key,model,measure,provider,ours,drift,percent,beyond\n")
	for _, list := range [][]Line{r.Lines, r.Totals} {
		for i := range list {
			l := &list[i]
			fmt.Fprintf(b, "%s,%s,%s,%s,%s,%s,%s,%s,%t\n", start(l), usage.CSVText(l.Key), usage.CSVText(l.Model), l.Measure, l.Provider, l.Ours, l.Drift, l.Percent, l.Beyond)
		}
	}
	return b.Flush()
}

func start(l *Line) string {
	if l.Start.IsZero() {
		return ""
	}
	return l.Start.Format(time.RFC3339)
}

// Table writes the report for people.
func (r *Report) Table(w io.Writer) error {
	fmt.Fprintf(w, "%s against the ledger, %s until %s, tolerance %s\n", r.Provider, r.From.Format("2006-01-02 15:04 MST"), r.To.Format("2006-01-02 15:04 MST"), r.Tolerance)
	sliced := len(r.Lines) > 0 && !r.Lines[0].Start.IsZero()
	t := usage.TextTable{Left: 3}
	head := []string{"key", "model", "measure", r.Provider, "ours", "drift", "percent", ""}
	if sliced {
		t.Left, head = 4, append([]string{"start"}, head...)
	}
	t.Add(head...)
	for _, list := range [][]Line{r.Lines, r.Totals} {
		for i := range list {
			l := &list[i]
			mark := ""
			if l.Beyond {
				mark = "beyond"
			}
			cells := []string{usage.Printable(l.Key), usage.Printable(l.Model), l.Measure, l.Provider, l.Ours, l.Drift, l.Percent, mark}
			if sliced {
				cells = append([]string{start(l)}, cells...)
			}
			t.Add(cells...)
		}
	}
	if err := t.Write(w); err != nil {
		return err
	}
	for _, n := range r.Notes {
		fmt.Fprintln(w, "note:", n)
	}
	return nil
}
