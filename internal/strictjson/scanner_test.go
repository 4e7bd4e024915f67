package strictjson

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// walk reads a whole document; every object is governed by names.
func walk(data []byte, names *Names) error {
	var s Scanner
	s.Reset(data)
	walkValue(&s, names, nil)
	return s.End()
}

func walkValue(s *Scanner, names *Names, str func(string)) {
	switch s.Kind() {
	case Object:
		for m := s.Enter(names); s.Member(&m); {
			if str != nil {
				str(m.Name)
			}
			walkValue(s, names, str)
		}
	case Array:
		for l := s.Open(); s.Element(&l); {
			walkValue(s, names, str)
		}
	case String:
		t := s.Str()
		if str != nil && s.Err() == nil {
			str(s.Text(t))
		}
	case True, False:
		s.Bool()
	case Number:
		s.Int()
	default:
		s.Skip()
	}
}

func reason(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return 0
}

func many(n int, f func(i int) string) string {
	var b strings.Builder
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `"%s":%d`, f(i), i)
	}
	b.WriteByte('}')
	return b.String()
}

func TestReasons(t *testing.T) {
	names := NewNames("model", "max_tokens", "stream")
	for _, c := range []struct {
		in         string
		free, gov  Reason // in a free-form and in a governed object
		wantOffset int    // of the free-form error, else of the governed one; -1: do not care
	}{
		{`{}`, 0, 0, 0},
		{` [1, -0, 0.5, 1e9, 1E+2, 2e-2, true , false,null,"x",{"a":[]}] `, 0, 0, 0},
		{`"\ud800"`, 0, 0, 0},
		{`{"a":"\udc00\ud800\ud83d\ude00"}`, 0, 0, 0},
		{`{"":1,"a":2}`, 0, 0, 0},
		{``, Truncated, Truncated, 0},
		{" \n", Truncated, Truncated, 2},
		{"\xEF\xBB\xBF{}", BOM, BOM, 0},
		{`{} {}`, Trailing, Trailing, 3},
		{`1 x`, Trailing, Trailing, 2},
		{`{"a":1,"a":2}`, Duplicate, Duplicate, 7},
		{`{"a":1,"\u0061":2}`, Duplicate, Duplicate, 7},
		{`{"\u0061":1,"a":2}`, Duplicate, Duplicate, 12},
		{`[{"x":{"a":1,"b":{"a":3},"a":2}}]`, Duplicate, Duplicate, 25},
		{`{"id":1,"ID":2}`, 0, CaseVariant, 8},
		{`{"id":1,"\u0049D":2}`, 0, CaseVariant, 8},
		{`{"Model":1}`, 0, CaseVariant, 1},
		{`{"MAX_TOKENS":1}`, 0, CaseVariant, 1},
		{"{\"max_to\u212aens\":1}", 0, CaseVariant, 1},
		{`{"max_to\u212aens":1}`, 0, CaseVariant, 1},
		{"{\"\u017ftream\":1}", 0, CaseVariant, 1},
		{"{\"k\":1,\"\u212a\":1}", 0, CaseVariant, 7},
		{"{\"\u212a\":1,\"k\":1}", 0, CaseVariant, 9},
		{"{\"\u00e9\":1,\"\u00c9\":1}", 0, CaseVariant, 8},
		{"{\"\u00e9\":1,\"\u00e8\":1}", 0, 0, 0},
		{`{"a\u0000":1}`, BadName, BadName, 1},
		{`{"a\ud800":1}`, BadName, BadName, 1},
		{"{\"a\x00\":1}", ControlByte, ControlByte, 3},
		{"[\"a\nb\"]", ControlByte, ControlByte, 3},
		{"\"0123456789abcdef0123\x1f\"", ControlByte, ControlByte, 21},
		{"\"\xff\"", BadUTF8, BadUTF8, 0},
		{"\"0123456789abcdef\xc3\"", BadUTF8, BadUTF8, 0},
		{"\"\xed\xa0\x80\"", BadUTF8, BadUTF8, 0},
		{"{\"\xff\":1}", BadUTF8, BadUTF8, 1},
		{`"\x"`, BadEscape, BadEscape, 1},
		{`"\u12g4"`, BadEscape, BadEscape, 1},
		{`"\u12`, Truncated, Truncated, 5},
		{`"\`, Truncated, Truncated, 2},
		{`"abc`, Truncated, Truncated, 4},
		{`01`, BadNumber, BadNumber, 0},
		{`-`, Truncated, Truncated, 1},
		{`-x`, BadNumber, BadNumber, 0},
		{`[1.]`, BadNumber, BadNumber, 1},
		{`[1.e3]`, BadNumber, BadNumber, 1},
		{`[1e]`, BadNumber, BadNumber, 1},
		{`[1.2.3]`, BadNumber, BadNumber, 1},
		{`[0x10]`, BadNumber, BadNumber, 1},
		{`[+1]`, Syntax, Syntax, 1},
		{`[NaN]`, Syntax, Syntax, 1},
		{`[.5]`, Syntax, Syntax, 1},
		{`[tru]`, Syntax, Syntax, 4},
		{`[nul`, Truncated, Truncated, 4},
		{`[1,]`, Syntax, Syntax, 3},
		{`[1 2]`, Syntax, Syntax, 3},
		{`{"a":1,}`, Syntax, Syntax, 7},
		{`{"a" 1}`, Syntax, Syntax, 5},
		{`{"a":}`, Syntax, Syntax, 5},
		{`{a:1}`, Syntax, Syntax, 1},
		{`{"a":1`, Truncated, Truncated, 6},
		{`[`, Truncated, Truncated, 1},
		{"[1\x00]", Syntax, Syntax, 2},
		{strings.Repeat("[", 256) + strings.Repeat("]", 256), 0, 0, 0},
		{strings.Repeat("[", 257) + strings.Repeat("]", 257), Depth, Depth, 256},
		{strings.Repeat(`{"a":`, 257) + "1" + strings.Repeat("}", 257), Depth, Depth, 256 * 5},
		{many(500, func(i int) string { return fmt.Sprint("n", i) }), 0, 0, 0},
		{many(500, func(i int) string { return fmt.Sprint("n", i%499) }), Duplicate, Duplicate, -1},
		{many(17, func(i int) string { return fmt.Sprint("n", i%16) }), Duplicate, Duplicate, -1},
		{many(100, func(i int) string { return []string{"N", "n"}[i/99] + fmt.Sprint(i%99) }), 0, CaseVariant, -1},
		{many(100, func(i int) string { return []string{`\u006e`, "n"}[i/99] + fmt.Sprint(i%99) }), Duplicate, Duplicate, -1},
	} {
		label := c.in
		if len(label) > 40 {
			label = label[:40]
		}
		errFree, errGov := walk([]byte(c.in), nil), walk([]byte(c.in), names)
		if got := reason(errFree); got != c.free {
			t.Errorf("%q free-form: %v, want reason %d", label, errFree, c.free)
		}
		if got := reason(errGov); got != c.gov {
			t.Errorf("%q governed: %v, want reason %d", label, errGov, c.gov)
		}
		var e *Error
		if c.wantOffset >= 0 && (errors.As(errFree, &e) || errors.As(errGov, &e)) && e.Offset != c.wantOffset {
			t.Errorf("%q: %v, want offset %d", label, e, c.wantOffset)
		}
		var s Scanner
		s.Reset([]byte(c.in))
		s.Skip()
		if got := reason(s.End()); got != c.free {
			t.Errorf("%q skipped: %v, want reason %d", label, s.Err(), c.free)
		}
	}
}

// TestEveryPlace puts each special byte at each offset of the eight-byte words.
func TestEveryPlace(t *testing.T) {
	for pad := range 40 {
		for tail := range 20 {
			a, z := strings.Repeat("a", pad), strings.Repeat("z", tail)
			for ins, want := range map[string]Reason{"": 0, `\n`: 0, "é": 0, "\x7f": 0, "\x1f": ControlByte, "\xc3": BadUTF8, `\q`: BadEscape, "\x80": BadUTF8} {
				in := `["` + a + ins + z + `"]`
				if got := reason(walk([]byte(in), nil)); got != want {
					t.Fatalf("%q: reason %d, want %d", in, got, want)
				}
			}
		}
	}
}

func TestSpansAndSkipping(t *testing.T) {
	data := []byte(` { "a" : [1, {"b":2}] , "c":"x\ny", "d" : 12 , "e":true, "f":1.0, "g":-0, "h":1e2, "i":-7, "j":9999999999999999999 } `)
	var s Scanner
	s.Reset(data)
	got := map[string]string{}
	m := s.Enter(nil)
	for s.Member(&m) {
		switch m.Name {
		case "a": // not read: must be skipped
		case "c":
			str := s.Str()
			got["c"] = string(data[str.Start:str.End]) + "=" + s.Text(str)
		case "e":
			got["e"] = fmt.Sprint(s.Bool())
		default:
			start := s.Pos()
			n, ok := s.Int()
			got[m.Name] = fmt.Sprintf("%s %d %v", data[start:s.Pos()], n, ok)
		}
	}
	if err := s.End(); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"c": "\"x\\ny\"=x\ny", "d": "12 12 true", "e": "true", "f": "1.0 0 false", "g": "-0 0 false", "h": "1e2 0 false", "i": "-7 -7 true", "j": "9999999999999999999 0 false"}
	for k, w := range want {
		if got[k] != w {
			t.Errorf("%s: %q, want %q", k, got[k], w)
		}
	}
}

func TestSeekReadsAgain(t *testing.T) {
	var s Scanner
	s.Reset([]byte(`{"a":{"x":1,"y":[2]},"b":3}`))
	names := ""
	m := s.Enter(nil)
	for s.Member(&m) {
		start, end := s.Skip()
		s.Seek(start)
		s.Skip()
		if s.Pos() != end {
			t.Fatalf("read again ends at %d, not %d", s.Pos(), end)
		}
		names += m.Name
	}
	if err := s.End(); err != nil || names != "ab" {
		t.Fatal(err, names)
	}
}

func TestNoAllocations(t *testing.T) {
	data := []byte(`{"model":"gpt-4o","messages":[{"role":"user","content":"` + strings.Repeat("hello wörld ", 50) + `"}],"temperature":0.5,"stream":true}`)
	names := NewNames("model", "stream")
	var s Scanner
	s.Reset(data)
	s.Skip() // grows the list of names once
	if n := testing.AllocsPerRun(100, func() {
		s.Reset(data)
		for m := s.Enter(names); s.Member(&m); {
			if s.Kind() == String {
				s.Text(s.Str())
			}
		}
		if s.End() != nil {
			t.Fatal(s.Err())
		}
	}); n != 0 {
		t.Errorf("%v allocations for clean input", n)
	}
}

func TestQuote(t *testing.T) {
	for _, in := range []string{"", "a", "a\"b\\c\n\x00\x1f\u2028é😀", "\xff"} {
		q := AppendQuoted(nil, in)
		var s Scanner
		s.Reset(q)
		str := s.Str()
		if err := s.End(); err != nil {
			t.Fatalf("%q: %v", q, err)
		}
		if got := s.Text(str); got != strings.ToValidUTF8(in, "\uFFFD") {
			t.Errorf("%q came back as %q", in, got)
		}
	}
}

func TestStop(t *testing.T) {
	var s Scanner
	s.Reset([]byte(`[1,2,3]`))
	n := 0
	for l := s.Open(); s.Element(&l); n++ {
		s.Stop()
	}
	if n != 1 || reason(s.End()) != Stopped {
		t.Fatal(n, s.Err())
	}
}

func BenchmarkSkip(b *testing.B) {
	for name, body := range map[string]string{
		"text100KB":  `{"messages":[{"content":"` + strings.Repeat("The quick brown fox jumps over it. ", 3000) + `"}]}`,
		"utf8_100KB": `{"messages":[{"content":"` + strings.Repeat("Größe für Übung, naïve café. ", 3200) + `"}]}`,
		"code100KB":  `{"messages":[{"content":"` + strings.Repeat(`\tif x == \"y\" {\n\t\treturn nil\n\t}\n`, 2800) + `"}]}`,
		"names100k":  many(100_000, func(i int) string { return fmt.Sprint("member", i) }),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			var s Scanner
			data := []byte(body)
			for b.Loop() {
				s.Reset(data)
				s.Skip()
				if s.End() != nil {
					b.Fatal(s.Err())
				}
			}
		})
	}
}
