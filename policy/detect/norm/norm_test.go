package norm

import (
	"encoding/base64"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                               "",
		"plain":                          "plain",
		"ig\u200bno\u00adre\ufeff":       "ignore",
		"\U000e0069\U000e0067\U000e006e": "ign",
		"іgnоrе":                         "ignore",
		"ＡＫＩＡ１２":                         "AKIA12",
		"𝐢𝐠𝐧𝐨𝐫𝐞 𝓪𝓵𝓵":                     "ignore all",
		"🅐🅱🇺":                            "ABU",
		"i\u0301g\u0336n":                "ign",
		"ﬁne ½":                          "fine 1/2",
		"٤١١١ ४":                         "4111 4",
		"“quoted” – dash":                `"quoted" - dash`,
		"漢字かな café 한국":                   "漢字かな café 한국",
		"\xff\xe2\x80":                   "\xff\xe2\x80",
		"a\u202eb\u2066c":                "abc",
		"\U0001f468\u200d\U0001f469 \u2764\ufe0f": "\U0001f468\U0001f469 \u2764",
	} {
		v := Of(in)
		if v.Text() != want {
			t.Errorf("%q: %q, want %q", in, v.Text(), want)
		}
		if v.Same() != (in == want) {
			t.Errorf("%q: Same is %v", in, v.Same())
		}
	}
}

func TestLookalikesAreASCII(t *testing.T) {
	seen := map[rune]bool{}
	for _, script := range lookalikes {
		for pair := range strings.FieldsSeq(script) {
			r, n := utf8.DecodeRuneInString(pair)
			if r < 0x80 || len(pair) != n+1 || pair[n] >= 0x80 || seen[r] {
				t.Errorf("the pair %q is wrong or there twice", pair)
			}
			seen[r] = true
		}
	}
}

func TestOriginal(t *testing.T) {
	const text = "a\u200bb ｃd\u00ad\u00ade!"
	v := Of(text)
	if v.Text() != "ab cde!" {
		t.Fatal(v.Text())
	}
	for _, c := range []struct {
		start, end int
		want       string
	}{{0, 1, "a"}, {1, 2, "b"}, {0, 2, "a\u200bb"}, {3, 4, "ｃ"}, {3, 6, "ｃd\u00ad\u00ade"}, {5, 6, "e"}, {6, 7, "!"}, {0, 7, text}, {2, 2, ""}} {
		from, to := v.Original(c.start, c.end)
		if text[from:to] != c.want {
			t.Errorf("[%d,%d): %q, want %q", c.start, c.end, text[from:to], c.want)
		}
	}
}

func FuzzView(f *testing.F) {
	f.Add("ig\u200bnore \U000e0041ｆ\xff", 3)
	f.Add("𝐢\u00ad", 1)
	f.Fuzz(func(t *testing.T, text string, step int) {
		step = min(max(step, 1), 50)
		v := Of(text)
		var w View
		for i := 0; i < len(text); i += step {
			w.Write(text[i:min(len(text), i+step)], false)
		}
		w.Write("", true)
		if v.Text() != w.Text() {
			t.Fatalf("%q in pieces of %d: %q, want %q", text, step, w.Text(), v.Text())
		}
		last := 0
		for i := range len(v.Text()) {
			from, to := v.Original(i, i+1)
			f2, t2 := w.Original(i, i+1)
			if from != f2 || to != t2 || from < last || to <= from || to > len(text) {
				t.Fatalf("%q byte %d: [%d,%d) and [%d,%d) after %d", text, i, from, to, f2, t2, last)
			}
			last = from
		}
		if v.Same() && v.Text() != text {
			t.Fatalf("%q passes for the same as %q", v.Text(), text)
		}
	})
}

var (
	scanners = []detect.Incremental{secrets.New(), pii.New()}
	deep     = append(scanners[:2:2], Encoded(scanners...))
)

func TestRuns(t *testing.T) {
	const secret = "write to ada@example.org, please"
	for _, in := range []string{
		base64.StdEncoding.EncodeToString([]byte(secret)), base64.URLEncoding.EncodeToString([]byte(secret)), base64.RawStdEncoding.EncodeToString([]byte(secret)),
		hex.EncodeToString([]byte(secret)), url.QueryEscape("ada@example.org"), "data:text/plain;base64," + base64.StdEncoding.EncodeToString([]byte(secret)),
		"q=" + base64.StdEncoding.EncodeToString([]byte(secret)),
	} {
		text := "before " + in + " after"
		got := Deep(text, pii.New())
		if streamed := Scan(text, Encoded(pii.New())); !slices.Equal(got, streamed) {
			t.Errorf("%q: Deep %+v, Encoded %+v", in, got, streamed)
		}
		if len(got) != 1 || got[0].Rule != pii.Email || !strings.Contains(text[got[0].Start:got[0].End], in[len(in)-10:]) {
			t.Errorf("%q: %+v", in, got)
		}
	}
	for _, in := range []string{"internationalization", "deadbeefdeadbeefdeadbeefdeadbeef", "100% sure", "/usr/local/share/applications/x", ""} {
		if got := Deep(in, scanners...); len(got) > 0 {
			t.Errorf("%q: %+v", in, got)
		}
	}
}

func TestHiddenSecretIsCovered(t *testing.T) {
	token := "gh" + "p_4U3LSowpDx8XvYE7A8GH56oxU5aWnY2mzIbV"
	text := "use " + token[:9] + "\u200b" + token[9:20] + "\u00ad" + token[20:] + " now"
	got := detect.Merge(Scan(text, scanners...))
	if len(got) != 1 || text[:got[0].Start] != "use " || text[got[0].End:] != " now" {
		t.Errorf("%+v", got)
	}
}

// feed writes text into a stream in steps and returns what it finds. It fails if
// the text comes out changed, or a match with another part than its own.
func feed(t *testing.T, s interface {
	Feed(string) (string, []detect.Match)
	Flush() (string, []detect.Match)
}, text string, step int) []detect.Match {
	t.Helper()
	var out strings.Builder
	var got []detect.Match
	take := func(safe string, m []detect.Match) {
		from := out.Len()
		out.WriteString(safe)
		for _, m := range m {
			if m.Start < from || m.End > out.Len() {
				t.Fatalf("%q: %+v was given out with [%d,%d)", text, m, from, out.Len())
			}
		}
		got = append(got, m...)
	}
	for i := 0; i < len(text); i += step {
		take(s.Feed(text[i:min(len(text), i+step)]))
	}
	take(s.Flush())
	if out.String() != text {
		t.Fatalf("%q came out as %q", text, out.String())
	}
	return got
}

// equal fails unless a stream finds what Scan finds.
func equal(t *testing.T, text string, step int) {
	t.Helper()
	s := NewStream(deep...)
	got := feed(t, s, text, step)
	if want := Scan(text, deep...); !slices.Equal(got, want) {
		t.Fatalf("%q in pieces of %d: %+v, want %+v", text, step, got, want)
	}
}

var streamed = []string{
	"mail a\u200bda@exa\u00admple.org now", "card ４１１１ 1111 1111 1111.", "\U000e0061\U000e0040\U000e0062\U000e002e\U000e0069\U000e006f x",
	"password = \"tr\u200b0ub4dor&3\" and ada@example.org", "call ٢١٢-٥٥٥-٠١٨٧ today", "see d3JpdGUgdG8gYWRhQGV4YW1wbGUub3JnLCBwbGVhc2U= or ada%40example.org", "\u200b\u200b\u200b", "caf\u00e9 漢字 \xff",
	`{"to":"ada\u0040example.org","x":"\\u0041\ud83d\u00`, `4111\u00201111\u200b 1111 \uff11111.`,
}

// JSON inside a text may write any character by its number, and who reads the JSON
// gets the character.
func TestEscapes(t *testing.T) {
	for text, want := range map[string]string{
		`ada\\\\u0040example.org \\\\\\`:             `ada\\\\u0040example.org`,
		`{"to":"ada\u0040example.org"}`:              `ada\u0040example.org`,
		`{"to":"\u0061d\u0061@example\u002Eorg"}`:    `\u0061d\u0061@example\u002Eorg`,
		`{"to":"\\u003cada\\u0040example.org\\u003e`: `ada\\u0040example.org`,
		`\ud83d \u00 \u004 ada@example.org`:          `ada@example.org`,
		`4111\u00201111\u00201111\u00201111`:         `4111\u00201111\u00201111\u00201111`,
		`\u12 \`:                                     ``,
	} {
		got := ""
		if m := detect.Merge(Scan(text, scanners...)); len(m) == 1 {
			got = text[m[0].Start:m[0].End]
		} else if len(m) > 1 {
			t.Errorf("%s: %+v", text, m)
		}
		if got != want {
			t.Errorf("%s: found %q, want %q", text, got, want)
		}
		for step := 1; step <= len(text); step++ {
			equal(t, text, step)
		}
	}
}

func TestStream(t *testing.T) {
	for _, text := range streamed {
		for step := 1; step <= len(text); step++ {
			equal(t, text, step)
		}
	}
}

func FuzzStream(f *testing.F) {
	for _, s := range streamed {
		f.Add(s, 2)
	}
	f.Fuzz(func(t *testing.T, text string, step int) {
		equal(t, text[:min(len(text), 300)], min(max(step, 1), 64))
	})
}

// Runs that are longer than what is read are not held beyond that.
func TestLongRun(t *testing.T) {
	text := "a " + strings.Repeat("YWRhQGV4YW1wbGUub3JnIA", 400) + " b"
	equal(t, text, 13)
	s := NewStream(deep...)
	for i := 0; i < len(text); i += 13 {
		s.Feed(text[i:min(len(text), i+13)])
		if s.Held() > 2*maxEncoded {
			t.Fatalf("%d bytes are held", s.Held())
		}
	}
}

// A long stream keeps positions although it forgets what is behind it.
func TestLongStream(t *testing.T) {
	equal(t, strings.Repeat("ｆull-width “text” and b\u200bob@example.org, so long. ", 400), 11)
}

func FuzzRuns(f *testing.F) {
	f.Add("aGVsbG8gd29ybGQsIGhlbGxvIHdvcmxk %41%42")
	f.Fuzz(func(t *testing.T, text string) {
		last, size := 0, 0
		for _, r := range Runs(text) {
			if r.Start < last || r.End <= r.Start || r.End > len(text) || !utf8.ValidString(r.Text) {
				t.Fatalf("%q: %+v", text, r)
			}
			last = r.End
			size += len(r.Text)
		}
		if size > len(text) {
			t.Fatalf("%d bytes out of %d", size, len(text))
		}
	})
}

func BenchmarkOf(b *testing.B) {
	rep := func(s string, n int) string { return strings.Repeat(s, n/len(s)+1)[:n] }
	for name, text := range map[string]string{
		"100KB ASCII": rep("The quarterly report shows. ", 100<<10), "100KB Cyrillic": rep("Квартальный отчёт показывает. ", 100<<10), "100KB ideographs": rep("季度报告显示销售额增长", 100<<10),
		"1MB zero width": rep("\u200b", 1<<20), "1MB marks": rep("\u0301", 1<<20), "1MB math": rep("𝐀", 1<<20), "1MB ligature": rep("\ufdfa", 1<<20), "1MB mixed": rep("aｂ\u200b", 1<<20),
	} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Of(text)
			}
		})
	}
}

func BenchmarkDeep(b *testing.B) {
	rep := func(s string, n int) string { return strings.Repeat(s, n/len(s)+1)[:n] }
	for name, text := range map[string]string{"1MB base64": rep("YWJjZGVmZ2hpamts", 1<<20), "1MB percent": rep("%41", 1<<20), "1MB hex": rep("41", 1<<20), "1MB assignments": rep("key=key=", 1<<20)} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				Deep(text, scanners...)
			}
		})
	}
}
