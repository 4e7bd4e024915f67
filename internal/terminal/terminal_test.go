package terminal

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode"
)

func TestEscapes(t *testing.T) {
	for in, want := range map[string]string{
		"gpt-4o": "gpt-4o", "größe 漢": "größe 漢", "a\x1b[2Jb": `a\u001b[2Jb`, "a\u009b31mb": `a\u009b31mb`, "a\nb\tc": `a\u000ab\u0009c`,
		"x\u202egpj": `x\u202egpj`, "z\u200bw": `z\u200bw`, "t\U000e0041": `t\U000e0041`, "\xff": `\xff`, "\uFFFD": "\uFFFD", `c:\d`: `c:\\d`, "\x7f": `\u007f`,
	} {
		if got := Name(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	if got := Name(strings.Repeat("a", 70)); got != strings.Repeat("a", 64)+"…" {
		t.Errorf("%q", got)
	}
	if got := Text(`"a\n" \d`); got != `"a\n" \d` {
		t.Errorf("%q", got)
	}
}

func TestJSON(t *testing.T) {
	in := map[string]string{"m": "a\u009b31m\x7f \u202e \U000e0041 漢 é \x1b", "k\u200b": `\`}
	doc, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	safe := JSON(doc)
	var out map[string]string
	if err := json.Unmarshal(safe, &out); err != nil || len(out) != 2 || out["m"] != in["m"] || out["k\u200b"] != `\` {
		t.Errorf("%v, %q", err, out)
	}
	for _, r := range string(safe) {
		if !unicode.IsPrint(r) {
			t.Errorf("%q is left in %s", r, safe)
		}
	}
}
