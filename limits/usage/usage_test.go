package usage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/big"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func day(d, h int) time.Time { return time.Date(2026, 11, d, h, 30, 0, 0, time.UTC) }

func row(at time.Time, key, team, model string, cost, reserved llm.Money, u llm.Usage, tags ...string) *ledger.Row {
	return &ledger.Row{Call: ledger.Call{Time: at, Key: key, Team: team, Model: model, Provider: "openai", Tags: tags},
		Kind: ledger.Settled, Result: llm.ResultAnswered, Usage: u, Cost: cost, Reserved: reserved}
}

func sample() []*ledger.Row {
	cut := row(day(2, 10), "bob", "research", "gpt-4o", 5_000_000, 4_000_000, llm.Usage{Input: 100, Output: 900, Reasoning: 500, Estimated: true})
	cut.Result = llm.ResultCut
	refused := row(day(2, 11), "bob", "research", "gpt-4o", 0, 9_000_000, llm.Usage{})
	refused.Result = llm.ResultRefused
	crash := row(day(3, 1), "", "", "gpt-4o-mini", 7_000_001, 7_000_001, llm.Usage{Estimated: true})
	crash.Kind, crash.Result = ledger.CrashCharged, llm.ResultCut
	gone := row(day(3, 2), "alice", "growth", "gpt-4o-mini", 0, 1_000_000, llm.Usage{})
	gone.Kind, gone.Result = ledger.Released, llm.ResultCut
	return []*ledger.Row{
		row(day(1, 9), "alice", "growth", "gpt-4o-mini", 1_234_567, 2_000_000, llm.Usage{Input: 1000, CacheRead: 300, CacheWrite: 20, CacheWrite1h: 5, Output: 50}, "env=prod", "batch"),
		row(day(1, 23), "alice", "growth", "gpt-4o-mini", 1, 1, llm.Usage{Input: 7, Output: 1, WebSearches: 2}, "env:staging"),
		cut, refused, crash, gone,
		row(day(4, 0), "=cmd|' /C calc'!A0", "\x1b[31mred\nteam", "gpt-4o", 3, 4, llm.Usage{Input: 1, Output: 1}, "batch", "batch"),
	}
}

func report(t *testing.T, o Options, by string) *Report {
	t.Helper()
	var err error
	if o.By, err = ParseBy(by); err != nil {
		t.Fatal(err)
	}
	a := New(o)
	for _, r := range sample() {
		a.Add(r)
	}
	return a.Report()
}

func lines(r *Report) string {
	var b strings.Builder
	for _, row := range r.Rows {
		for i, d := range r.By {
			if i > 0 {
				b.WriteString("/")
			}
			b.WriteString(row.Group[d])
		}
		fmt.Fprintf(&b, " %s %s; ", row.Calls, row.Cost)
	}
	return b.String()
}

func TestGroups(t *testing.T) {
	where := func(s string) []Condition {
		c, err := ParseCondition(s)
		if err != nil {
			t.Fatal(err)
		}
		return []Condition{c}
	}
	tokyo := time.FixedZone("JST", 9*3600)
	for _, c := range []struct {
		by   string
		o    Options
		want string
	}{
		{"", Options{}, ""},
		{"key", Options{}, "_none 1 0.007000001; bob 2 0.005; alice 3 0.001234568; =cmd|' /C calc'!A0 1 0.000000003; "},
		{"model", Options{}, "gpt-4o-mini 4 0.008234569; gpt-4o 3 0.005000003; "},
		{"served", Options{}, "_none 7 0.013234572; "},
		{"day", Options{}, "2026-11-01 2 0.001234568; 2026-11-02 2 0.005; 2026-11-03 2 0.007000001; 2026-11-04 1 0.000000003; "},
		{"day", Options{Zone: tokyo}, "2026-11-01 1 0.001234567; 2026-11-02 3 0.005000001; 2026-11-03 2 0.007000001; 2026-11-04 1 0.000000003; "},
		{"hour", Options{To: day(1, 10)}, "2026-11-01T09:00Z 1 0.001234567; "},
		{"hour", Options{To: day(1, 10), Zone: tokyo}, "2026-11-01T18:00+09:00 1 0.001234567; "},
		{"month,team", Options{From: day(4, 0)}, "2026-11/\x1b[31mred\nteam 1 0.000000003; "},
		{"tag", Options{}, "_none 4 0.012000001; batch,env=prod 1 0.001234567; batch 1 0.000000003; env:staging 1 0.000000001; "},
		{"tag:env", Options{}, "_none 5 0.012000004; prod 1 0.001234567; staging 1 0.000000001; "},
		{"result", Options{}, "crash_charged 1 0.007000001; cut 1 0.005; answered 3 0.001234571; refused 1 0.00; released 1 0.00; "},
		{"key", Options{Where: where("team=growth")}, "alice 3 0.001234568; "},
		{"key", Options{Where: where("tag=batch")}, "alice 1 0.001234567; =cmd|' /C calc'!A0 1 0.000000003; "},
		{"key", Options{From: day(2, 11), To: day(3, 2)}, "_none 1 0.007000001; bob 1 0.00; "},
		{"key", Options{MaxGroups: 2}, "bob 2 0.005; alice 3 0.001234568; _other 2 0.007000004; "},
		{"team,model", Options{MaxGroups: 1}, "growth/gpt-4o-mini 3 0.001234568; _other/_other 4 0.012000004; "},
	} {
		r := report(t, c.o, c.by)
		if got := lines(r); got != c.want {
			t.Errorf("by %q %+v:\n got %q\nwant %q", c.by, c.o, got, c.want)
		}
		if c.by == "" {
			continue
		}
		var sum Counts
		for i := range r.Rows {
			sum.Plus(&r.Rows[i].Counts)
		}
		if sum != r.Total {
			t.Errorf("by %q: the rows add up to %+v, the total is %+v", c.by, sum, r.Total)
		}
		if r.Complete() != (c.o.MaxGroups == 0) {
			t.Errorf("by %q: complete: %v", c.by, r.Complete())
		}
	}
}

// Whatever the rows and however few the lines, the lines add up to the total, and
// the total to what a plain sum says.
func TestTotals(t *testing.T) {
	names := []string{"", "a", "b", "_other", "_none", "a,b", "\xff"}
	rapid.Check(t, func(t *rapid.T) {
		by, err := ParseBy(rapid.SampledFrom([]string{"key", "team,model", "tag", "tag:a,key", "day,result", "hour", "served,provider,project"}).Draw(t, "by"))
		if err != nil {
			t.Fatal(err)
		}
		a := New(Options{By: by, MaxGroups: rapid.IntRange(0, 4).Draw(t, "groups")})
		cost, debt, calls := new(big.Int), new(big.Int), 0
		name := rapid.SampledFrom(names)
		for range rapid.IntRange(0, 60).Draw(t, "rows") {
			r := row(day(1, 0).Add(time.Duration(rapid.Int64Range(0, 1e14).Draw(t, "at"))), name.Draw(t, "key"), name.Draw(t, "team"), name.Draw(t, "model"),
				llm.Money(rapid.Int64Range(0, math.MaxInt64).Draw(t, "cost")), llm.Money(rapid.Int64Range(0, math.MaxInt64).Draw(t, "reserved")), llm.Usage{Output: math.MaxInt64}, name.Draw(t, "tag"), name.Draw(t, "tag"))
			r.Kind = rapid.SampledFrom([]ledger.Kind{ledger.Settled, ledger.CrashCharged, ledger.Released}).Draw(t, "kind")
			a.Add(r)
			calls++
			cost.Add(cost, big.NewInt(int64(r.Cost)))
			if r.Reserved > 0 && r.Cost > r.Reserved {
				debt.Add(debt, big.NewInt(int64(r.Cost-r.Reserved)))
			}
		}
		rep := a.Report()
		var sum Counts
		for i := range rep.Rows {
			sum.Plus(&rep.Rows[i].Counts)
		}
		if sum != rep.Total || rep.Total.Cost.Big().Cmp(cost) != 0 || rep.Total.Debt.Big().Cmp(debt) != 0 || rep.Total.Calls != SumOf(int64(calls)) {
			t.Fatalf("rows %+v, total %+v, want %s and debt %s", sum, rep.Total, cost, debt)
		}
		c := &rep.Total
		if c.Answered.Plus(c.Cut).Plus(c.Refused).Plus(c.CrashCharged).Plus(c.CrashReleased) != c.Calls {
			t.Fatalf("the kinds do not add up: %+v", c)
		}
	})
}

func TestNotDimensions(t *testing.T) {
	for _, s := range []string{"colour", "key,key", "key,,team", "tag:", "key:x", "tag:" + strings.Repeat("x", 65), "\x1b[31m", ",", "tag:a,tag:b,tag:c,tag:d,tag:e,tag:f,tag:g,tag:h,tag:i"} {
		if _, err := ParseBy(s); !errors.Is(err, ErrBy) {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"team", "team=", "=x", "colour=red"} {
		if _, err := ParseCondition(s); !errors.Is(err, ErrBy) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// However hostile the sums, they are exact.
func TestSums(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want, sum := new(big.Int), Sum{}
		for _, n := range rapid.SliceOfN(rapid.Int64(), 0, 50).Draw(t, "n") {
			want.Add(want, big.NewInt(n))
			sum.Add(n)
		}
		if sum.String() != want.String() || sum.Sign() != want.Sign() || sum.Abs().String() != new(big.Int).Abs(want).String() {
			t.Fatalf("%s, want %s", sum, want)
		}
		back, err := ParseSum(sum.String())
		if err != nil || back != sum {
			t.Fatalf("%s came back as %s: %v", sum, back, err)
		}
		m := USD{sum}
		b, _ := json.Marshal(m)
		var m2 USD
		if err := json.Unmarshal(b, &m2); err != nil || m2 != m {
			t.Fatalf("%s came back as %s: %v", m, m2, err)
		}
	})
	var s Sum
	for range 4 {
		s.Add(math.MaxInt64)
	}
	if s.String() != "36893488147419103228" || (USD{s}).Decimal() != "36893488147.419103228" {
		t.Errorf("%s %s", s, USD{s})
	}
	for _, bad := range []string{"", "1_000", "+1", "0x10", "1.5", "1e3", " 1", strings.Repeat("9", 60), "-"} {
		if _, err := ParseSum(bad); !errors.Is(err, ErrSum) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{`1.5`, `"1"`, `"1."`, `".5"`, `"1.0000000001"`, `"1.-5"`, `""`, `"`, `"x.00"`} {
		var m USD
		if err := m.UnmarshalJSON([]byte(bad)); err == nil {
			t.Errorf("%s was read as %s", bad, m)
		}
	}
}

func TestPeriod(t *testing.T) {
	now := time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		s        string
		zone     *time.Location
		from, to string
	}{
		{"2026-11-01", time.UTC, "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"},
		{"2026-10-25", berlin, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"}, // 25 hours
		{"2026-12", time.UTC, "2026-12-01T00:00:00Z", "2027-01-01T00:00:00Z"},
		{"2026-11-01T05:06:07+02:00", time.UTC, "2026-11-01T03:06:07Z", "2026-11-01T03:06:07Z"},
		{"7d", time.UTC, "2026-11-16T20:00:00Z", "2026-11-16T20:00:00Z"},
		{"90min", time.UTC, "2026-11-23T18:30:00Z", "2026-11-23T18:30:00Z"},
		{"2week", time.UTC, "2026-11-09T20:00:00Z", "2026-11-09T20:00:00Z"},
	} {
		from, err := ParseFrom(c.s, now, c.zone)
		to, err2 := ParseTo(c.s, now, c.zone)
		if err != nil || err2 != nil || from.UTC().Format(time.RFC3339) != c.from || to.UTC().Format(time.RFC3339) != c.to {
			t.Errorf("%q: %v %v %v %v", c.s, from.UTC(), to.UTC(), err, err2)
		}
	}
	for _, s := range []string{"", "yesterday", "2026-13-01", "2026-02-30", "7", "d", "0d", "-1d", "99999999999999999999d", "9223372036854775807d", "40000d", "7 d", "7fortnights"} {
		if got, err := ParseFrom(s, now, time.UTC); !errors.Is(err, ErrPeriod) {
			t.Errorf("%q: %v %v", s, got, err)
		}
	}
}

func TestHostileNames(t *testing.T) {
	for _, c := range []struct{ in, table, csv string }{
		{"plain", "plain", `"plain"`},
		{"\x1b]0;title\a", `\u001b]0;title\u0007`, `"\u001b]0;title\u0007"`},
		{"a\nb\r\tc", `a\u000ab\u000d\u0009c`, `"a\u000ab\u000d\u0009c"`},
		{"\u202egnp.exe", `\u202egnp.exe`, `"\u202egnp.exe"`},
		{"zero\u200bwidth", `zero\u200bwidth`, `"zero\u200bwidth"`},
		{"bad\xff", `bad\xff`, `"bad\xff"`},
		{"tag\U000E0041", `tag\U000e0041`, `"tag\U000e0041"`},
		{`back\slash "quoted"`, `back\\slash "quoted"`, `"back\\slash ""quoted"""`},
		{"=1+1", "=1+1", `"'=1+1"`},
		{"+1", "+1", `"'+1"`},
		{"-1", "-1", `"'-1"`},
		{"@SUM(A1)", "@SUM(A1)", `"'@SUM(A1)"`},
		{"  =1", "  =1", `"'  =1"`},
		{"＝1", "＝1", `"'＝1"`},
		{"\t=1", `\u0009=1`, `"\u0009=1"`},
		{"x;=1,2", "x;=1,2", `"x;=1,2"`},
		{"", "", `""`},
		{strings.Repeat("x", 100), strings.Repeat("x", 64) + "…", `"` + strings.Repeat("x", 100) + `"`},
	} {
		if got := Printable(c.in); got != c.table {
			t.Errorf("%q in a table: %s, want %s", c.in, got, c.table)
		}
		if got := CSVText(c.in); got != c.csv {
			t.Errorf("%q in CSV: %s, want %s", c.in, got, c.csv)
		}
	}
}

func TestRendered(t *testing.T) {
	for name, f := range map[string]func(*Report, *bytes.Buffer) error{
		"table.txt":  func(r *Report, b *bytes.Buffer) error { return r.Table(b) },
		"usage.csv":  func(r *Report, b *bytes.Buffer) error { return r.CSV(b) },
		"usage.json": func(r *Report, b *bytes.Buffer) error { return r.JSON(b) },
	} {
		var b bytes.Buffer
		if err := f(report(t, Options{From: day(1, 0), To: day(5, 0)}, "team,key"), &b); err != nil {
			t.Fatal(err)
		}
		golden(t, name, b.Bytes())
	}
	// What a program reads is what was counted, with either reader.
	r := report(t, Options{From: day(1, 0)}, "key,tag:env")
	var b bytes.Buffer
	if err := r.JSON(&b); err != nil {
		t.Fatal(err)
	}
	var back Report
	if err := json.Unmarshal(b.Bytes(), &back); err != nil {
		t.Fatal(err)
	}
	if back.Total != r.Total || len(back.Rows) != len(r.Rows) || back.Rows[1].Group["key"] != r.Rows[1].Group["key"] || !back.From.Equal(r.From) {
		t.Errorf("%+v", back)
	}
	b.Reset()
	if err := report(t, Options{}, "").CSV(&b); err != nil || strings.Count(b.String(), "\n") != 2 {
		t.Errorf("%v %s", err, b.String())
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := "testdata/" + name
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}

// A million names from strangers do not fill the memory.
func TestBounded(t *testing.T) {
	by, _ := ParseBy("model,key")
	a := New(Options{By: by, MaxGroups: MaxGroups * 2})
	long := strings.Repeat("x", 240)
	r := row(day(1, 1), "k", "t", "m", 1, 2, llm.Usage{Input: 1})
	const n = 120_000
	for i := range n {
		r.Model = fmt.Sprint(long, i)
		a.Add(r)
	}
	if a.names > maxNames || len(a.groups) > MaxGroups {
		t.Errorf("%d groups, %d bytes of names", len(a.groups), a.names)
	}
	rep := a.Report()
	if rep.Complete() || rep.Total.Calls != SumOf(n) || rep.Rows[len(rep.Rows)-1].Calls != SumOf(n-int64(len(a.groups))) {
		t.Errorf("%d rows, total %s", len(rep.Rows), rep.Total.Calls)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"key,team", "tag:env", "2026-11-01", "7d", "team=research", "\x1b[2J", "=1"} {
		f.Add(s)
	}
	now := day(23, 20)
	f.Fuzz(func(t *testing.T, s string) {
		if by, err := ParseBy(s); err == nil {
			words := make([]string, len(by))
			for i := range by {
				words[i] = by[i].String()
			}
			again, err := ParseBy(strings.Join(words, ","))
			if err != nil || len(again) != len(by) {
				t.Errorf("%q: %v", s, err)
			}
		}
		_, _ = ParseCondition(s)
		from, err := ParseFrom(s, now, time.UTC)
		if to, err2 := ParseTo(s, now, time.UTC); (err == nil) != (err2 == nil) || err == nil && to.Before(from) {
			t.Errorf("%q: from %v to %v", s, from, to)
		}
		for _, shown := range []string{Printable(s), CSVText(s)} {
			if strings.ContainsFunc(shown, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0x1b }) {
				t.Errorf("%q is shown as %q", s, shown)
			}
		}
		if c := CSVText(s); len(c) > 2 && strings.ContainsAny(c[1:2], "=+-@") || strings.Count(c, `"`)%2 != 0 {
			t.Errorf("%q: %s", s, c)
		}
	})
}

func BenchmarkAggregate(b *testing.B) {
	by, _ := ParseBy("day,team,model")
	a := New(Options{By: by})
	rows := sample()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		a.Add(rows[i%len(rows)])
	}
}
