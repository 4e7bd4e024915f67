package norm

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// equalJSON fails unless a stream finds what DeepJSON finds in a text without runs.
func equalJSON(t *testing.T, text string, step int) {
	t.Helper()
	s := NewJSONStream(scanners...)
	got := feed(t, s, text, step)
	whole := NewJSONStream(scanners...)
	_, want := whole.Feed(text)
	_, rest := whole.Flush()
	if want = append(want, rest...); !slices.Equal(got, want) {
		t.Fatalf("%q in pieces of %d: %+v, want %+v", text, step, got, want)
	}
	for _, m := range got {
		if json.Valid([]byte(text)) && !json.Valid([]byte(`"`+text[m.Start:m.End]+`"`)) && !strings.ContainsAny(text[m.Start:m.End], `"{}[]:,`) {
			t.Fatalf("%q: %+v cuts an escape", text, m)
		}
	}
}

var jsonTexts = map[string]string{
	`{"a":"first\nada@example.org\n"}`:                             `ada@example.org`,
	`{"a":"\ud83d\ude00ada@example.org"}`:                          `ada@example.org`,
	`{"a":"ada\u0040example.org"}`:                                 `ada\u0040example.org`,
	`{"a":"\uD835\uDC1Ada@example.org"}`:                           `\uD835\uDC1Ada@example.org`, // a bold a
	`{"a":"\"ada@example.org\""}`:                                  `ada@example.org`,
	`{"a":"4111\u00201111\t1111"}`:                                 ``,
	`{"a":"{\"b\":\"ada\\u0040example.org\"}"}`:                    `ada\\u0040example.org`,
	`{"a":4111111111111111}`:                                       `4111111111111111`,
	`{"a":"\ud83dx ada@example.org`:                                `ada@example.org`,
	`{"a":"\`:                                                      ``,
	`{"a":"\u00`:                                                   ``,
	`\q ada@example.org \ud83d\u0041 \ud83d\`:                      `ada@example.org`,
	`{"key":"` + "gh" + `p_4U3LSowpDx8XvYE7A8GH56oxU5aWnY2mzIbV"}`: "gh" + `p_4U3LSowpDx8XvYE7A8GH56oxU5aWnY2mzIbV`,
}

// What strings of JSON say is found whatever their escapes, which stay whole.
func TestJSON(t *testing.T) {
	for text, want := range jsonTexts {
		got := ""
		if m := detect.Merge(DeepJSON(text, scanners...)); len(m) == 1 {
			got = text[m[0].Start:m[0].End]
		} else if len(m) > 1 {
			t.Errorf("%s: %+v", text, m)
		}
		if got != want {
			t.Errorf("%s: found %q, want %q", text, got, want)
		}
		for step := 1; step <= len(text); step++ {
			equalJSON(t, text, step)
		}
	}
}

func FuzzJSONStream(f *testing.F) {
	for s := range jsonTexts {
		f.Add(s, 2)
	}
	f.Fuzz(func(t *testing.T, text string, step int) {
		text = text[:min(len(text), 300)]
		equalJSON(t, text, min(max(step, 1), 64))
		var s string
		if quoted := `"` + text + `"`; utf8.ValidString(text) && json.Unmarshal([]byte(quoted), &s) == nil && !strings.Contains(s, "\ufffd") && Unescape(text) != s {
			t.Fatalf("%s is read as %q", text, Unescape(text))
		}
	})
}
