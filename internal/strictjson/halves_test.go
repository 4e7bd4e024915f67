package strictjson

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// A text that is cut anywhere, between surrogates or between bytes, is whole again when
// its pieces are put together.
func TestHalves(t *testing.T) {
	const text = `{"\u00e9": "\ud83d\ude00é😀\n\\` + "\"}"
	for _, quoted := range []string{`"a\ud83d\ude00é😀\n\\\"\/\u0041"`, `"\ud83d\ud83d\ude00\ude00\ude00"`, `""`, `"` + "\xff\xf0\x9f" + `"`} {
		got := string(AppendHalves(nil, []byte(quoted)))
		back := string(AppendQuotedHalves(nil, got))
		var a, b string
		if json.Unmarshal([]byte(quoted), &a) != nil || json.Unmarshal([]byte(back), &b) != nil || a != b {
			t.Errorf("%s: %+q, written again as %s", quoted, got, back)
		}
	}
	high, low := string(AppendHalves(nil, []byte(`"x\ud83d"`))), string(AppendHalves(nil, []byte(`"\ude00y"`)))
	if whole, begun := CutHalf(high); whole != "x" || begun == "" || JoinHalves(begun+low) != "😀y" {
		t.Errorf("%+q %+q", high, low)
	}
	for i := range len(text) {
		whole, begun := CutHalf(text[:i])
		if whole+begun != text[:i] || !utf8.ValidString(whole) || len(begun) > 3 {
			t.Errorf("%q is cut into %q and %q", text[:i], whole, begun)
		}
	}
	if whole, begun := CutHalf("\x80\x80\x80"); whole != "\x80\x80\x80" || begun != "" {
		t.Errorf("%q %q", whole, begun)
	}
}

func FuzzHalves(f *testing.F) {
	f.Add(`\ud83d\ude00`, 3)
	f.Add("é\\ud83dx\xed\xa0\xbd", 1)
	f.Fuzz(func(t *testing.T, inside string, at int) {
		quoted := []byte(`"` + inside + `"`)
		if !json.Valid(quoted) {
			return
		}
		text := string(AppendHalves(nil, quoted))
		if utf8.ValidString(inside) {
			var want, got string
			if err := json.Unmarshal(quoted, &want); err != nil {
				t.Fatal(err)
			}
			if err := json.Unmarshal(AppendQuotedHalves(nil, text), &got); err != nil || got != want {
				t.Fatalf("%s: %+q, want %+q (%v)", quoted, got, want, err)
			}
			if !strings.Contains(want, "\ufffd") && (text != want || JoinHalves(text) != want) {
				t.Fatalf("%s: %+q, want %+q", quoted, text, want)
			}
		}
		// In two pieces, what the first holds back joined with the second.
		cut := min(max(at, 0), len(text))
		whole, begun := CutHalf(text[:cut])
		if whole+begun != text[:cut] || JoinHalves(whole+JoinHalves(begun+text[cut:])) != JoinHalves(text) {
			t.Fatalf("%+q cut at %d", text, cut)
		}
	})
}
