package strictjson

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
)

// oracle reads data with jsontext: its verdict, and the names and strings in
// order.
func oracle(data []byte, lenientUTF8 bool) (strs []string, err error) {
	return tokens(jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowInvalidUTF8(lenientUTF8)))
}

func tokens(d *jsontext.Decoder) (strs []string, err error) {
	for values := 0; ; {
		t, err := d.ReadToken()
		if errors.Is(err, io.EOF) && values == 1 {
			return strs, nil
		}
		if err != nil {
			return strs, err
		}
		if t.Kind() == '"' {
			strs = append(strs, t.String())
		}
		if d.StackDepth() == 0 {
			if values++; values > 1 {
				return strs, errors.New("a second document")
			}
		}
	}
}

// FuzzAgainstJSONText: we accept what jsontext (duplicate names refused) accepts
// and read the same strings, but for these deliberate differences: we refuse
// nesting beyond 256, NUL in names and a byte order mark; we accept lone
// surrogate escapes in values. Case folding is off here.
func FuzzAgainstJSONText(f *testing.F) {
	for _, s := range []string{
		`{"model":"x","messages":[{"role":"user","content":"h\u00e9 \ud83d\ude00"}]}`, `[1,-0.5e+3,true,false,null]`, `{"a":1,"\u0061":2}`,
		`"\ud800"`, `"\ud800\u0061"`, "\"\xff\"", `{"\u0000":1}`, `[[[[]]]]`, `01`, `1 2`, `{"a":{"a":{"a":1}}}`, ``, ` `, "\"\x01\"", `"\/\b\f\n\r\t"`, `"\uD83D\uDE00\uDE00"`,
		`{"0":0,"1":0,"2":0,"3":0,"4":0,"5":0,"6":0,"7":0,"8":0,"9":0,"a":0,"b":0,"c":0,"d":0,"e":0,"f":0,"g":0,"h":0,"\u0067":0}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s Scanner
		s.Reset(data)
		var got []string
		walkValue(&s, nil, func(x string) { got = append(got, x) })
		err := s.End()
		var skipped Scanner
		skipped.Reset(data)
		skipped.Skip()
		if e := skipped.End(); (e == nil) != (err == nil) {
			t.Fatalf("read: %v, skipped: %v", err, e)
		}
		want, werr := oracle(data, false)
		switch r := reason(err); {
		case err == nil && werr != nil:
			// Only a lone surrogate escape may be the cause, and then our reading
			// is jsontext's lenient one. The raw bytes must be valid.
			if want, werr = oracle(data, true); werr != nil || !bytes.Contains(data, []byte(`\u`)) {
				t.Fatalf("we accept %q, jsontext says %v", data, werr)
			}
			fallthrough
		case err == nil:
			if !slices.Equal(got, want) {
				t.Fatalf("%q: read %q, jsontext %q", data, got, want)
			}
		case werr == nil && r != Depth && r != BadName && r != BOM:
			t.Fatalf("we refuse %q: %v", data, err)
		}
	})
}

// FuzzGoverned: folding only ever refuses more, and what it refuses beyond that
// it refuses as a case variant.
func FuzzGoverned(f *testing.F) {
	f.Add([]byte(`{"model":1,"Model":2}`))
	f.Add([]byte("{\"k\":1,\"\u212a\":2}"))
	f.Add([]byte(`{"MODEL":1}`))
	names := NewNames("model", "stream", "max_tokens")
	f.Fuzz(func(t *testing.T, data []byte) {
		free, gov := walk(data, nil), walk(data, names)
		if free != nil && gov == nil || free == nil && gov != nil && reason(gov) != CaseVariant {
			t.Fatalf("%q: free-form %v, governed %v", data, free, gov)
		}
	})
}

// FuzzLenient: what is read leniently is read as jsontext reads it with repeated
// names and invalid UTF-8 allowed, but for a depth that no one reaches.
func FuzzLenient(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"a":2,"\u0061":"\ud800","\u0000":null}`, "{\"\xff\":\"\xff\xfe\x80a\"}", "\"\xff\"x", `{"a":[1,{"b":"\udc00\ud800"}],"A":true}`, "\xef\xbb\xbf{}", `[01]`, `{"a"}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		var s, skipped Scanner
		var got []string
		s.ResetLenient(data)
		walkValue(&s, nil, func(x string) { got = append(got, string([]rune(x))) })
		err := s.End()
		skipped.ResetLenient(data)
		skipped.Skip()
		if e := skipped.End(); (e == nil) != (err == nil) {
			t.Fatalf("read: %v, skipped: %v", err, e)
		}
		d := jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
		want, werr := tokens(d)
		if (err == nil) != (werr == nil) {
			t.Fatalf("%q: %v, jsontext says %v", data, err, werr)
		}
		if err == nil && !slices.Equal(got, want) {
			t.Fatalf("%q: read %q, jsontext %q", data, got, want)
		}
	})
}

// FuzzLongTexts: what stands somewhere in a long text is found there, as in a short one.
func FuzzLongTexts(f *testing.F) {
	for _, s := range []string{`"`, `\`, `\n`, "\x01", "\xff", "é", "", `\\"`, "\xc3", "\u00e9\x1f"} {
		for _, at := range []uint16{0, 1, 63, 64, 95, 500, 575, 576, 577, 608, 1087, 1088, 2000} {
			f.Add([]byte(s), at)
		}
	}
	f.Add([]byte("\",\",\xa2"), uint16(197))
	f.Fuzz(func(t *testing.T, odd []byte, at uint16) {
		read := func(before, after int) error {
			data := slices.Concat([]byte(`["`), bytes.Repeat([]byte("x"), before), odd, bytes.Repeat([]byte("y"), after), []byte(`"]`))
			var s Scanner
			s.Reset(data)
			var got []string
			walkValue(&s, nil, func(x string) { got = append(got, x) })
			err := s.End()
			if err != nil {
				if e := err.(*Error); e.Offset > before { // invalid UTF-8 is told at its string's start, which may lie before
					e.Offset -= before
				}
				return err
			}
			if want := string(AppendUnescaped(nil, data[2:len(data)-2])); len(got) == 1 && got[0] != want {
				t.Fatalf("%q, not %q", got[0], want)
			}
			return nil
		}
		a, b := read(int(at), 1500), read(3, 1500)
		if (a == nil) != (b == nil) || a != nil && *a.(*Error) != *b.(*Error) {
			t.Fatalf("%q behind %d bytes: %v; behind 3: %v", odd, at, a, b)
		}
	})
}
