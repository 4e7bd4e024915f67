package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// requests for hostile rules, and hostile requests for plain rules.
func manySegments() *llm.Exchange { return withText(10_000, 100) }
func oneHuge() *llm.Exchange      { return withText(1, 4<<20) }
func longSegments() *llm.Exchange { return withText(9_000, 3<<10) }
func fewLong() *llm.Exchange      { return withText(300, 3<<10) }
func one64K() *llm.Exchange       { return withText(1, 64<<10) }

func twoLong() *llm.Exchange { return withText(2, 2<<20) }

func withText(n, size int) *llm.Exchange {
	x := chat()
	x.View.Segments = make([]llm.Segment, n)
	for i := range x.View.Segments {
		x.View.Segments[i] = llm.Segment{Role: llm.RoleUser, Text: strings.Repeat("x", size)}
	}
	return x
}

// doubling doubles start n times by + and then evaluates end on it ($).
func doubling(start string, n int, end string) string {
	s, out := start, ""
	for i := range n {
		v := fmt.Sprintf("v%d", i)
		out += "cel.bind(" + v + ", " + s + ", "
		s = v + " + " + v
	}
	return out + strings.ReplaceAll(end, "$", s) + strings.Repeat(")", n)
}

type hostile struct {
	name string
	x    func() *llm.Exchange
	expr string
	want error // nil: it must end by itself
}

var hostiles = []hostile{
	{"triple all", manySegments, `prompt.all.all(a, prompt.all.all(b, prompt.all.all(c, a.text == b.text || c.text == "y")))`, errDeadline},
	{"filter is free", manySegments, `prompt.all.filter(a, prompt.all.filter(b, false).size() > 0).size() > 0`, errDeadline},
	{"map of maps", manySegments, `prompt.all.map(a, prompt.all.map(b, b.text)).size() == 1`, errDeadline},
	{"exists_one", manySegments, `prompt.all.exists_one(a, prompt.all.exists_one(b, a == b))`, errDeadline},
	{"two variables", manySegments, `prompt.all.exists(i, a, prompt.all.exists(j, b, i + j < 0))`, errDeadline},
	{"transformList", manySegments, `prompt.all.transformList(i, a, prompt.all.transformList(j, b, i+j)).size() == 0`, errDeadline},
	{"transformMap", manySegments, `prompt.all.transformMap(i, a, prompt.all.transformMap(j, b, i+j)).size() == 0`, errDeadline},
	{"ternary step", manySegments, `prompt.all.map(a, prompt.all.exists(b, b.text == "y") ? 1 : 2).size() == 1`, errDeadline},
	{"sortBy", manySegments, `prompt.all.sortBy(s, s.text).size() == 1`, errSize},
	{"regex in a loop", manySegments, `prompt.all.exists(a, a.text.matches("(x+x+)+y"))`, errDeadline},
	{"in itself", manySegments, `prompt.all.all(s, s in prompt.all)`, errCost},
	{"sets", manySegments, `sets.contains(prompt.all, prompt.user)`, errSize},
	{"range in range", one64K, `lists.range(5000).all(a, lists.range(5000).all(b, a + b >= 0))`, errDeadline},
	{"regex on a huge text", oneHuge, `prompt.all[0].text.matches("y")`, errSize},
	{"computed huge regex", one64K, `llm.model.matches(prompt.all[0].text)`, errSize},
	{"slow regex", one64K, `prompt.all[0].text.matches("(x+x+)+y")`, nil},
	{"slowest regex", one64K, `prompt.all[0].text.matches("((x?x?x?x?x?x?x?x?)*(x*x*x*x*x*x*x*)*)*y")`, nil},
	{"wide regex", one64K, `prompt.all[0].text.matches("(x?){400}y")`, errCost},
	{"lower huge", oneHuge, `prompt.all[0].text.lowerAscii().contains("y")`, errSize},
	{"split huge", oneHuge, `prompt.all[0].text.split("").size() == 3`, errSize},
	{"replace to squares", one64K, `prompt.all[0].text.replace("x", prompt.all[0].text).size() == 3`, errSize},
	{"join to squares", one64K, `lists.range(5000).map(i, "x").join(prompt.all[0].text).size() == 3`, errSize},
	{"double a string", one64K, doubling("prompt.all[0].text", 12, `($).size() == 1`), errCost},
	{"double a list", manySegments, doubling("prompt.all", 20, `prompt.all[0] in ($)`), errSize},
	{"compare doubled lists", manySegments, doubling("prompt.user", 20, `($) == ($)`), errSize},
	{"sort long strings", longSegments, `prompt.all.map(s, s.text).sort().size() == 1`, errSize},
	{"sort many strings", manySegments, `prompt.all.map(s, s.text).sort().size() == 1`, errCost},
	{"distinct long strings", fewLong, `prompt.all.map(s, s.text).distinct().size() == 2`, errCost},
	{"all pairs of long strings", longSegments, `prompt.all.all(a, prompt.all.all(b, a.text == b.text))`, errDeadline},
	{"equal long texts", twoLong, `lists.range(5000).all(i, prompt.all[0].text == prompt.all[1].text)`, errCost},
	{"order of long texts", twoLong, `lists.range(5000).all(i, prompt.all[0].text <= prompt.all[1].text)`, errCost},
	{"long text in a list", twoLong, `lists.range(5000).all(i, prompt.all[0].text in [prompt.all[1].text])`, errCost},
	{"long text in a map", twoLong, `lists.range(5000).all(i, !(prompt.all[0].text in {llm.model: 1}))`, errCost},
	{"lists in lists", manySegments, `cel.bind(l, [prompt.all.map(s, s.text)], lists.range(5000).all(i, l == l))`, errCost},
	{"long text as a header", twoLong, `lists.range(5000).all(i, !(prompt.all[0].text in request.headers))`, errCost},
	{"long text names a header", twoLong, `lists.range(5000).exists(i, request.headers[prompt.all[0].text] == "")`, errSize},
	{"texts as headers", fewLong, `prompt.all.all(s, prompt.all.all(t, !(s.text in request.headers)))`, errCost},
	{"texts as phrases", manySegments, `prompt.user.exists(s, has_phrase(prompt.all, s.path + s.text + "q"))`, errCost},
	{"a detector in a loop", fewLong, `prompt.all.exists(s, tokens(prompt.all) == 0 || pii(prompt.all, ["email"]).size() > 0)`, nil},
	{"print a list in a list", fewLong, `prompt.all.exists(s, "%s%s".format([prompt.all.map(t, t.text), s.text]) == "x")`, errCost},
	{"phrases in a list", manySegments, `["project falcon", "b c"].exists(p, has_phrase(prompt.all, p))`, nil},
	{"contains, worst case", oneHuge, `prompt.all[0].text.contains("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxy")`, nil},
	{"size", oneHuge, `prompt.all[0].text.size() == 3`, nil},
	{"plain rule, many segments", manySegments, `prompt.all.exists(s, s.role == "system")`, nil},
}

// TestHostile stops each rule by a clock that moves 2 µs whenever it is looked
// at, so the outcome does not depend on the machine; BenchmarkHostile shows the
// real times.
func TestHostile(t *testing.T) {
	for _, c := range hostiles {
		t.Run(c.name, func(t *testing.T) {
			s := mustCompile(t, nil, deny(c.expr))
			at, looks := noon, 0
			s.clock = func() time.Time {
				looks++
				at = at.Add(2 * time.Microsecond)
				return at
			}
			d := s.Evaluate(context.Background(), c.x(), testEnv())
			switch {
			case c.want == nil && d != nil:
				t.Fatalf("got %v", d)
			case c.want != nil && (d == nil || d.Err == nil):
				t.Fatalf("got %v, want %v", d, c.want)
			case c.want != nil && d.Err != c.want && !(c.want == errDeadline && d.Err == errCost):
				t.Fatalf("got %v, want %v", d.Err, c.want)
			}
			if looks > 3_000 {
				t.Errorf("looked at the clock %d times", looks)
			}
		})
	}
}

// TestDeadlineAlone takes the meter away: every loop must still stop.
func TestDeadlineAlone(t *testing.T) {
	for _, c := range hostiles {
		if c.want != errDeadline {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			s := mustCompile(t, []Option{WithCostLimit(1 << 62)}, deny(c.expr))
			at := noon
			s.clock = func() time.Time { at = at.Add(2 * time.Microsecond); return at }
			if d := s.Evaluate(context.Background(), c.x(), testEnv()); d == nil || d.Err != errDeadline {
				t.Fatalf("got %v", d)
			}
		})
	}
}

// TestMeterAlone takes the clock away: what costs must stop too.
func TestMeterAlone(t *testing.T) {
	for _, expr := range []string{
		`prompt.all.all(a, prompt.all.all(b, a.text == b.text))`,
		`prompt.all.all(s, s in prompt.all)`,
		`prompt.all.exists(a, a.text.matches("(x+x+)+y"))`,
	} {
		s := mustCompile(t, nil, deny(expr))
		s.clock = func() time.Time { return noon }
		if d := s.Evaluate(context.Background(), manySegments(), testEnv()); d == nil || d.Err != errCost {
			t.Errorf("%s: got %v", expr, d)
		}
	}
}

// A wide pattern does far more than what it pays for says: the clock must count at once.
func TestWideRegex(t *testing.T) {
	for name, x := range map[string]*llm.Exchange{"many": withText(200, 140), "one": withText(1, 8<<10)} {
		s := mustCompile(t, nil, deny(`prompt.all.all(s, !s.text.matches("(x{1,30}){1,30}y"))`))
		at := noon
		s.clock = func() time.Time { at = at.Add(time.Millisecond); return at }
		if d := s.Evaluate(context.Background(), x, testEnv()); d == nil || d.Err != errDeadline {
			t.Errorf("%s: got %v", name, d)
		}
	}
}

// A regular expression at work must see the clock too.
func TestRegexStops(t *testing.T) {
	s := mustCompile(t, []Option{WithDeadline(time.Millisecond)}, deny(`prompt.all[0].text.matches("(x+x+)+y")`))
	at := noon
	s.clock = func() time.Time { at = at.Add(10 * time.Microsecond); return at }
	if d := s.Evaluate(context.Background(), one64K(), testEnv()); d == nil || d.Err != errDeadline {
		t.Fatalf("got %v", d)
	}
}

func TestNeverWithinTheLimit(t *testing.T) {
	for _, expr := range []string{
		`lists.range(1000000000).size() == 0`,
		doubling("[1]", 20, `3 in ($)`),
		`lists.range(10000).map(x, lists.range(10000)).flatten().size() == 1`,
	} {
		_, err := Compile([]Rule{deny(expr)})
		if err == nil || !strings.Contains(err.Error(), "costs at least") {
			t.Errorf("%s: got %v", expr, err)
		}
	}
}

// The two ways to change case must agree with each other on every byte.
func TestCase(t *testing.T) {
	all := make([]byte, 0, 256*9)
	for i := range 256 {
		all = append(all, byte(i), byte(255-i), 'a', 'Z', byte(i), '@', '[', '`', '{')
	}
	for from := range 17 {
		x := chat()
		x.View.Segments[0].Text = string(all[from:])
		want := []byte(string(all[from:]))
		for i, c := range want {
			if 'A' <= c && c <= 'Z' {
				want[i] += 32
			}
		}
		x.View.Segments[1].Text = string(want)
		upper := []byte(string(all[from:]))
		for i, c := range upper {
			if 'a' <= c && c <= 'z' {
				upper[i] -= 32
			}
		}
		x.View.Segments[2].Text = string(upper)
		if got := judge(t, `prompt.all[0].text.lowerAscii() == prompt.all[1].text && prompt.all[0].text.upperAscii() == prompt.all[2].text`, x); got != "true" {
			t.Errorf("from %d: %s", from, got)
		}
		if x.View.Segments[0].Text != string(all[from:]) {
			t.Fatal("the request was changed")
		}
	}
}

// BenchmarkHostile prints how long each rule really runs until it is stopped.
func BenchmarkHostile(b *testing.B) {
	for _, c := range hostiles {
		b.Run(strings.ReplaceAll(c.name, " ", "_"), func(b *testing.B) {
			s, x, env := mustCompile(b, nil, deny(c.expr)), c.x(), testEnv()
			var worst time.Duration
			for b.Loop() {
				x.Decisions = x.Decisions[:0]
				start := time.Now()
				s.Evaluate(context.Background(), x, env)
				worst = max(worst, time.Since(start))
			}
			b.ReportMetric(float64(worst.Microseconds()), "worst-µs")
		})
	}
}
