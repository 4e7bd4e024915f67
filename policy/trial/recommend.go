package trial

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/terminal"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Traffic gathers recorded calls, to find the tightest limits that all of them would
// have passed.
type Traffic struct {
	// Headroom is what is added to what was seen, in percent.
	Headroom int
	// Scope is "key" or "team".
	Scope string

	of       map[string]*usage
	reserved map[string]llm.Money // by request: what is held for it
	day      string               // that the spending counts for
	calls    int
	first    time.Time
	last     time.Time
}

// usage is what one key or team has done.
type usage struct {
	models   map[string]bool
	starts   []time.Time
	edges    []edge // of calls, for how many were under way at once
	output   int64  // the most tokens of one answer
	held     llm.Money
	spent    llm.Money // today
	peak     llm.Money // the most that was spent and held on one day
	reserves bool      // something was ever reserved
}

type edge struct {
	at time.Time
	up bool
}

// Call is a call that ended, or that was let through to a provider.
type Call struct {
	ID           string
	Key, Team    string
	Model        string // as the client named it
	Dialect      string
	Start, End   time.Time
	Cost         llm.Money
	OutputTokens int64
}

func (t *Traffic) usage(c *Call) *usage {
	name := c.Key
	if t.Scope == "team" {
		name = c.Team
	}
	if t.of == nil {
		t.of, t.reserved = map[string]*usage{}, map[string]llm.Money{}
	}
	u := t.of[name]
	if u == nil {
		u = &usage{models: map[string]bool{}}
		t.of[name] = u
	}
	return u
}

// today forgets what was spent on another day.
func (t *Traffic) today(at time.Time) {
	if d := at.UTC().Format(time.DateOnly); d != t.day {
		t.day = d
		for _, u := range t.of {
			u.spent = 0
		}
	}
}

// Admitted notes what was reserved for a call that is about to leave.
func (t *Traffic) Admitted(c *Call, reserved llm.Money) {
	u := t.usage(c)
	t.today(c.Start)
	u.reserves = u.reserves || reserved > 0
	u.held = u.held.Add(reserved)
	t.reserved[c.ID] = t.reserved[c.ID].Add(reserved)
	u.peak = max(u.peak, u.spent.Add(u.held))
}

// Ended notes a call that has ended and was not refused.
func (t *Traffic) Ended(c *Call) {
	u := t.usage(c)
	t.calls++
	if t.first.IsZero() || c.Start.Before(t.first) {
		t.first = c.Start
	}
	if c.End.After(t.last) {
		t.last = c.End
	}
	t.today(c.End)
	u.held = max(u.held-t.reserved[c.ID], 0)
	delete(t.reserved, c.ID)
	u.spent = u.spent.Add(c.Cost)
	u.peak = max(u.peak, u.spent.Add(u.held))
	if c.Model != "" {
		u.models[c.Model] = true
	}
	u.output = max(u.output, c.OutputTokens)
	u.starts = append(u.starts, c.Start)
	u.edges = append(u.edges, edge{c.Start, true}, edge{c.End, false})
}

// Refused notes a call that came to nothing: what was held for it is free.
func (t *Traffic) Refused(c *Call) {
	u := t.usage(c)
	u.held = max(u.held-t.reserved[c.ID], 0)
	delete(t.reserved, c.ID)
}

// perMinute is the most calls that began within any 60 seconds.
func (u *usage) perMinute() int64 {
	slices.SortFunc(u.starts, time.Time.Compare)
	most, from := 0, 0
	for i, at := range u.starts {
		for at.Sub(u.starts[from]) >= time.Minute {
			from++
		}
		most = max(most, i-from+1)
	}
	return int64(most)
}

// atOnce is the most calls that were under way at a time.
func (u *usage) atOnce() int64 {
	slices.SortStableFunc(u.edges, func(a, b edge) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		switch { // one that begins when another ends is beside it: clocks are not that fine
		case a.up && !b.up:
			return -1
		case b.up && !a.up:
			return 1
		}
		return 0
	})
	n, most := 0, 0
	for _, e := range u.edges {
		if e.up {
			n++
		} else {
			n--
		}
		most = max(most, n)
	}
	return int64(most)
}

// roomy adds the headroom and rounds up.
func (t *Traffic) roomy(n int64) int64 { return n + (n*int64(t.Headroom)+99)/100 }

// cents rounds money up to cents.
func cents(m llm.Money) string {
	const cent = llm.USD / 100
	n := int64((m + cent - 1) / cent)
	return fmt.Sprintf("%d.%02d", n/100, n%100)
}

// Recommend writes the limits as directives of a Caddyfile, for the inside of a site.
func (t *Traffic) Recommend(w io.Writer) {
	names := slices.Sorted(maps.Keys(t.of))
	names = slices.DeleteFunc(names, func(n string) bool { return n == "" || len(t.of[n].starts) == 0 })
	for _, n := range names {
		if !writable(n) {
			fmt.Fprintf(w, "# Left out, since no Caddyfile can hold its name: %s\n", comment(n))
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !writable(n) })
	fmt.Fprintf(w, "# %d calls of %d %ss, %s to %s; headroom %d %%.\n", t.calls, len(names), t.Scope,
		t.first.UTC().Format(time.RFC3339), t.last.UTC().Format(time.RFC3339), t.Headroom)
	if len(names) == 0 {
		fmt.Fprintln(w, "# Nothing to recommend.")
		return
	}
	per := func(f func(u *usage) int64) (least int64, over []string) {
		for _, n := range names {
			if v := f(t.of[n]); least == 0 || v < least {
				least = v
			}
		}
		for _, n := range names {
			if v := f(t.of[n]); v > least {
				over = append(over, fmt.Sprintf("override %s %d", quoted(n), v))
			}
		}
		return least, over
	}
	fmt.Fprintln(w, "llm_ratelimit {")
	for _, l := range []struct {
		line string
		of   func(u *usage) int64
	}{
		{"requests %d/min", func(u *usage) int64 { return t.roomy(u.perMinute()) }},
		{"concurrent %d", func(u *usage) int64 { return t.roomy(u.atOnce()) }},
	} {
		least, over := per(l.of)
		block(w, fmt.Sprintf(l.line, least)+" per "+t.Scope, over)
	}
	fmt.Fprintln(w, "}")

	fmt.Fprintln(w, "llm_policy {")
	taken := map[string]int{}
	for _, n := range names {
		u := t.of[n]
		rule, who := ruleName(n), "caller."+t.Scope+" == "+strconv.Quote(n)
		if taken[rule]++; taken[rule] > 1 {
			rule += "-" + strconv.Itoa(taken[rule])
		}
		models := slices.Collect(maps.Keys(u.models))
		for name := range u.models {
			// A provider's name before a model may be one that is taken off, and rules are
			// held against either name.
			if _, bare, ok := llm.SplitModel(name); ok {
				models = append(models, bare)
			}
		}
		slices.Sort(models)
		if models = slices.Compact(models); len(models) > 0 {
			list := make([]string, len(models))
			for i, m := range models {
				list[i] = strconv.Quote(m)
			}
			fmt.Fprintf(w, "\tdeny models-%s `%s && llm.model != \"\" && !(llm.model in [%s])` \"this model is not among those that %s uses\"\n", rule, celText(who), celText(strings.Join(list, ", ")), plain(n))
		}
		if u.output > 0 {
			fmt.Fprintf(w, "\tset cap-%s `%s` {\n\t\tmax_tokens %d\n\t}\n", rule, celText(who), t.roomy(u.output))
		}
	}
	fmt.Fprintln(w, "}")

	var priced, reserves bool
	for _, n := range names {
		priced = priced || t.of[n].peak > 0
		reserves = reserves || t.of[n].reserves
	}
	if !priced {
		fmt.Fprintln(w, "# No budget: the calls cost nothing, or their cost was not recorded.")
		return
	}
	if !reserves {
		fmt.Fprintln(w, "# Nothing was reserved when these calls were made (no budget was configured). A")
		fmt.Fprintln(w, "# budget also holds the most that running calls can cost: give it that much more.")
	}
	fmt.Fprintln(w, "llm_cost {")
	amount := func(u *usage) llm.Money { return max(u.peak+u.peak*llm.Money(t.Headroom)/100, llm.USD/100) }
	least := llm.Money(0)
	for _, n := range names {
		if v := amount(t.of[n]); least == 0 || v < least {
			least = v
		}
	}
	var over []string
	for _, n := range names {
		if v := amount(t.of[n]); cents(v) != cents(least) {
			over = append(over, fmt.Sprintf("override %s %s USD", quoted(n), cents(v)))
		}
	}
	block(w, "budget "+cents(least)+" USD/day per "+t.Scope, over)
	fmt.Fprintln(w, "}")
}

// block writes an option with its own options.
func block(w io.Writer, line string, inside []string) {
	fmt.Fprintf(w, "\t%s", line)
	if len(inside) > 0 {
		fmt.Fprint(w, " {")
		for _, l := range inside {
			fmt.Fprintf(w, "\n\t\t%s", l)
		}
		fmt.Fprint(w, "\n\t}")
	}
	fmt.Fprintln(w)
}

// quoted is a name as one argument of a Caddyfile.
func quoted(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_.@/:", r))
	}) {
		return s
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// ruleName makes a part of a rule's name of a name.
func ruleName(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' || r == '.' {
			return r
		}
		return '_'
	}, s)
}

// celText makes an expression fit between backquotes. Braces, of which an expression has
// none but in its strings, would make a placeholder of what a caller named: the value of
// {$NAME} is put in wherever it stands in a Caddyfile.
func celText(s string) string {
	return strings.NewReplacer("`", `\x60`, "{", `\x7b`, "}", `\x7d`).Replace(s)
}

// writable reports whether a name can be an argument in a Caddyfile and be read back: what
// has braces cannot, nor what a terminal does not show.
func writable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool { return r == '{' || r == '}' || !unicode.IsPrint(r) })
}

// comment is a name behind a number sign.
func comment(s string) string {
	return strings.NewReplacer("{", "(", "}", ")").Replace(terminal.Name(s))
}

// plain is a name inside the quotes of a message.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '"' || r == '\\' || r == '{' || r == '}' || !unicode.IsPrint(r) {
			return '_'
		}
		return r
	}, s)
}
