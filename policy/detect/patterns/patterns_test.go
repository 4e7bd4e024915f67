package patterns

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/detecttest"
)

func must(t testing.TB, list ...Pattern) *Scanner {
	t.Helper()
	s, err := New(list...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func samples(t testing.TB) *Scanner {
	return must(t, Pattern{Name: "employee-id", Expr: `EMP-[0-9]{6}`}, Pattern{Name: "ticket", Expr: `(?i:INC|CHG)[0-9]{7,9}`},
		Pattern{Name: "falcon", Phrase: "Project  Falcon"}, Pattern{Name: "strasse", Phrase: "Große Straße"}, Pattern{Name: "mark", Expr: `##[a-z]{1,8}##`},
		Pattern{Name: "hash", Expr: `[0-9a-f]{8}(?:-[0-9a-f]{4}){3}`})
}

var texts = []struct{ text, want string }{
	{"ask EMP-123456 or EMP-12345 or XEMP-123456 or EMP-1234567", "employee-id EMP-123456"},
	{"inc0012345, Chg123456789.", "ticket inc0012345; ticket Chg123456789"},
	{"the project\n falcon and projectfalcon and Project Falcons", "falcon project\n falcon"},
	{"PROJECT FALCON", "falcon PROJECT FALCON"},
	{"die große Straße, Große  Straße", "strasse große Straße; strasse Große  Straße"},
	{"x##abc##y ##ABC##", "mark ##abc##"},
	{"id deadbeef-0000-1111-2222 and deadbeef-0000-1111", "hash deadbeef-0000-1111-2222"},
	{"éEMP-123456 EMP-123456é _EMP-123456", ""},
	{"", ""},
}

func TestScan(t *testing.T) {
	s := samples(t)
	for _, c := range texts {
		var got []string
		for _, m := range detecttest.Equal(t, c.text, 3, s) {
			got = append(got, m.Rule+" "+c.text[m.Start:m.End])
		}
		if strings.Join(got, "; ") != c.want {
			t.Errorf("%q: %q, want %q", c.text, got, c.want)
		}
	}
}

func TestRefuses(t *testing.T) {
	for _, c := range []struct {
		p    Pattern
		want string
	}{
		{Pattern{Name: "a", Expr: `x[a-z]+`}, "upper bound"},
		{Pattern{Name: "a", Expr: `x.y`}, "not known here"},
		{Pattern{Name: "a", Expr: `^xy`}, "not known here"},
		{Pattern{Name: "a", Expr: `(`}, "no regular expression"},
		{Pattern{Name: "a", Expr: `x`}, "fewer than two"},
		{Pattern{Name: "a", Expr: `x[a-z]{2,300}`}, "more than 256"},
		{Pattern{Name: "a", Expr: `[a-z]{1,9}x`}, "gives nothing back"},
		{Pattern{Name: "a", Expr: `(?:ab|abc)`}, "longer alternatives first"},
		{Pattern{Name: "a", Expr: `[äö]{2}`}, "not ASCII"},
		{Pattern{Name: "A", Expr: `xy`}, "the name"},
		{Pattern{Name: "", Expr: `xy`}, "the name"},
		{Pattern{Name: "a"}, "give an expression"},
		{Pattern{Name: "a", Expr: "xy", Phrase: "z"}, "give an expression"},
		{Pattern{Name: "a", Phrase: "\xff\xff"}, "UTF-8"},
		{Pattern{Name: "a", Phrase: "  "}, "fewer than two"},
	} {
		if _, err := New(c.p); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.p, err, c.want)
		}
	}
	if _, err := New(); err == nil {
		t.Error("no pattern")
	}
	if _, err := New(make([]Pattern, MaxPatterns+1)...); err == nil {
		t.Error("too many patterns")
	}
	if _, err := New(Pattern{Name: "k", Expr: `(?i:[k-s]{2}-x)`}); err != nil {
		t.Errorf("a folded class: %v", err)
	}
}

func FuzzStream(f *testing.F) {
	for _, c := range texts {
		f.Add(c.text, 2)
	}
	s := samples(f)
	f.Fuzz(func(t *testing.T, text string, step int) {
		detecttest.Equal(t, text[:min(len(text), 300)], min(max(step, 1), 40), s)
	})
}

// BenchmarkFifteen is fifteen patterns over a text that holds none.
func BenchmarkFifteen(b *testing.B) {
	var list []Pattern
	for i := range 10 {
		list = append(list, Pattern{Name: fmt.Sprintf("p%d", i), Phrase: fmt.Sprintf("%c%c codename %d", 'a'+2*i, 'e'+i, i)})
	}
	for i, e := range []string{`EMP-[0-9]{6}`, `(?i:INC|CHG)[0-9]{7,9}`, `[A-Z]{3}-[0-9]{4}-[A-Z]{2}`, `[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}`, `acme_[a-z0-9]{20,40}`} {
		list = append(list, Pattern{Name: fmt.Sprintf("e%d", i), Expr: e})
	}
	s := must(b, list...)
	text := strings.Repeat("The quick brown fox of 1984 jumps over the lazy dog, and nobody knows why it does so again and again. ", 1100)
	for _, n := range []int{1 << 10, 100 << 10} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.SetBytes(int64(n))
			for b.Loop() {
				if m := s.Scan(nil, text[:n]); len(m) > 0 {
					b.Fatal(m[0])
				}
			}
		})
	}
}

var _ detect.Incremental = (*Scanner)(nil)
