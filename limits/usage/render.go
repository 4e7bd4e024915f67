package usage

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/terminal"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

type column struct {
	name   string // in CSV
	title  string // in a table
	value  func(*Counts) string
	zero   func(*Counts) bool
	always bool // shown in a table even if it is zero in every line
}

func count(name, title string, of func(*Counts) *Sum) column {
	return column{name: name, title: title, value: func(c *Counts) string { return of(c).String() },
		zero: func(c *Counts) bool { return of(c).Sign() == 0 }}
}

func money(name, title string, of func(*Counts) *USD) column {
	return column{name: name, title: title, value: func(c *Counts) string { return of(c).Decimal() },
		zero: func(c *Counts) bool { return of(c).Sign() == 0 }}
}

func (c column) shown() column { c.always = true; return c }

var columns = []column{
	count("calls", "calls", func(c *Counts) *Sum { return &c.Calls }).shown(),
	count("answered", "answered", func(c *Counts) *Sum { return &c.Answered }).shown(),
	count("cut", "cut", func(c *Counts) *Sum { return &c.Cut }),
	count("refused", "refused", func(c *Counts) *Sum { return &c.Refused }),
	count("crash_charged", "crash-charged", func(c *Counts) *Sum { return &c.CrashCharged }),
	count("crash_released", "crash-released", func(c *Counts) *Sum { return &c.CrashReleased }),
	count("estimated", "estimated", func(c *Counts) *Sum { return &c.Estimated }),
	count("input_tokens", "input", func(c *Counts) *Sum { return &c.Input }).shown(),
	count("cache_read_tokens", "cache read", func(c *Counts) *Sum { return &c.CacheRead }),
	count("cache_write_tokens", "cache write", func(c *Counts) *Sum { return &c.CacheWrite }),
	count("output_tokens", "output", func(c *Counts) *Sum { return &c.Output }).shown(),
	count("reasoning_tokens", "reasoning", func(c *Counts) *Sum { return &c.Reasoning }),
	count("web_searches", "searches", func(c *Counts) *Sum { return &c.WebSearches }),
	money("cost_usd", "cost USD", func(c *Counts) *USD { return &c.Cost }).shown(),
	money("reserved_beyond_usd", "reserved beyond", func(c *Counts) *USD { return &c.Beyond }),
	money("debt_usd", "debt", func(c *Counts) *USD { return &c.Debt }),
}

// JSON writes the report as one indented JSON object.
func (r *Report) JSON(w io.Writer) error {
	if err := json.MarshalWrite(w, r, jsontext.WithIndent("  "), json.Deterministic(true)); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

// CSV writes the report with a header line and without the total. Names are
// quoted so that no spreadsheet takes them for a formula.
func (r *Report) CSV(w io.Writer) error {
	b := bufio.NewWriter(w)
	for _, d := range r.By {
		b.WriteString(CSVText(d))
		b.WriteByte(',')
	}
	for i, c := range columns {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(c.name)
	}
	b.WriteByte('\n')
	rows := r.Rows
	if len(r.By) == 0 {
		rows = []Row{{Counts: r.Total}}
	}
	for i := range rows {
		for _, d := range r.By {
			b.WriteString(CSVText(rows[i].Group[d]))
			b.WriteByte(',')
		}
		for j, c := range columns {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(c.value(&rows[i].Counts))
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

// Table writes the report for people, with a line for the total. Columns that are
// zero everywhere are left out.
func (r *Report) Table(w io.Writer) error {
	t := TextTable{Left: len(r.By)}
	var head []string
	head = append(head, r.By...)
	var cols []column
	for _, c := range columns {
		if c.always || !c.zero(&r.Total) {
			cols, head = append(cols, c), append(head, c.title)
		}
	}
	t.Add(head...)
	line := func(names []string, c *Counts) {
		for _, col := range cols {
			names = append(names, col.value(c))
		}
		t.Add(names...)
	}
	for i := range r.Rows {
		names := make([]string, len(r.By))
		for j, d := range r.By {
			names[j] = Printable(r.Rows[i].Group[d])
		}
		line(names, &r.Rows[i].Counts)
	}
	total := make([]string, len(r.By))
	if len(total) > 0 {
		total[0] = "total"
	}
	line(total, &r.Total)
	if period := r.period(); period != "" {
		if _, err := fmt.Fprintln(w, period); err != nil {
			return err
		}
	}
	return t.Write(w)
}

func (r *Report) period() string {
	f := func(t time.Time) string { return t.Format("2006-01-02 15:04:05 MST") }
	switch {
	case r.From.IsZero() && r.To.IsZero():
		return ""
	case r.To.IsZero():
		return "from " + f(r.From)
	case r.From.IsZero():
		return "until " + f(r.To)
	}
	return "from " + f(r.From) + " until " + f(r.To)
}

// TextTable writes lines of cells in columns. The cells must be Printable.
type TextTable struct {
	Left  int // columns that are aligned to the left; the others to the right
	lines [][]string
}

// Add adds a line.
func (t *TextTable) Add(cells ...string) { t.lines = append(t.lines, cells) }

// Write writes the table.
func (t *TextTable) Write(w io.Writer) error {
	var width []int
	for _, l := range t.lines {
		for i, c := range l {
			if i == len(width) {
				width = append(width, 0)
			}
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	b := bufio.NewWriter(w)
	for _, l := range t.lines {
		var out strings.Builder
		for i, c := range l {
			if i > 0 {
				out.WriteString("  ")
			}
			pad := strings.Repeat(" ", width[i]-utf8.RuneCountInString(c))
			if i < t.Left {
				out.WriteString(c + pad)
			} else {
				out.WriteString(pad + c)
			}
		}
		b.WriteString(strings.TrimRight(out.String(), " "))
		b.WriteByte('\n')
	}
	return b.Flush()
}

// Printable returns a name as it may be shown on a terminal.
func Printable(s string) string { return terminal.Name(s) }

// PrintableLine is Printable for a line of running text.
func PrintableLine(s string) string { return terminal.Line(s) }

// CSVText returns a name as a cell of a CSV file, always in quotes. A name that a
// spreadsheet would take for a formula gets an apostrophe before it; control
// characters are escaped as in Printable.
func CSVText(s string) string {
	s = terminal.Line(s)
	if r, _ := utf8.DecodeRuneInString(strings.TrimLeft(s, " ")); strings.ContainsRune("=+-@＝＋－＠", r) {
		s = "'" + s
	}
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}
