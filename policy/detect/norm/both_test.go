package norm

import (
	"hash/maphash"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/hidden"
)

// plainly is Scan as one would write it: both forms of the text are read whole.
func plainly(text string, scanners ...detect.Incremental) []detect.Match {
	out := detect.ScanAll(text, scanners...)
	v := of(text, true)
	for _, s := range scanners {
		first := len(out)
		out = s.Scan(out, v.Text())
		for i := first; i < len(out); i++ {
			out[i].Start, out[i].End = v.Original(out[i].Start, out[i].End)
		}
	}
	return tidy(out)
}

// strict is a scanner that makes use of all that a scanner may: whether a match begins
// at a place, and how long it is, depends on every one of the MaxBehind bytes before it
// and on up to MaxMatch bytes behind it, of which it wants none too early.
type strict struct{ seed maphash.Seed }

func (strict) MaxMatch() int { return detect.MaxMatch }
func (strict) MaxHeld() int  { return detect.MaxMatch }

func (s strict) Scan(dst []detect.Match, text string) []detect.Match {
	dst, _ = s.Advance(dst, text, 0, true)
	return dst
}

func (s strict) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	for p := from; p < len(text); p++ {
		if text[p] != 'e' {
			continue
		}
		h := maphash.String(s.seed, text[max(0, p-detect.MaxBehind):p])
		if h%16 != 0 {
			continue
		}
		n := 1 << (h >> 8 % 10)
		if p+n > len(text) {
			if !final {
				return dst, p
			}
			n = len(text) - p
		}
		if maphash.String(s.seed, text[p:p+n])%4 == 0 {
			continue
		}
		dst = append(dst, detect.Match{Start: p, End: p + n, Rule: "strict", Kind: "test"})
		p += n - 1
	}
	return dst, len(text)
}

// same fails unless Scan finds what plainly finds.
func same(t interface {
	Helper()
	Fatalf(string, ...any)
}, text string) {
	t.Helper()
	all := append(deep[:len(deep):len(deep)], hidden.New(), strict{maphash.MakeSeed()})
	got, want := Scan(text, all...), plainly(text, all...)
	if !slices.Equal(got, want) {
		for i := range max(len(got), len(want)) {
			if i >= len(got) || i >= len(want) || got[i] != want[i] {
				t.Fatalf("%q: match %d of %d differs, want %d matches; got %+v, want %+v", text, i, len(got), len(want), got[min(i, len(got)):], want[min(i, len(want)):])
			}
		}
	}
}

// Parts of texts. Some only mean something together, some are long enough for a text to
// be read once there.
var mixed = func() []string {
	prose := "The quarterly report shows that sales rose by four percent, while costs stayed flat. Please find the figures attached; the meeting was moved to Thursday at ten, platform seven (self-service). "
	blob := "d3JpdGUgdG8gYWRhQGV4YW1wbGUub3JnLCBwbGVhc2UgYW5kIGRvIG5vdCBmb3JnZXQ"
	return append([]string{
		prose, prose[:90], strings.Repeat(prose, 3), strings.Repeat(prose, 8), blob, strings.Repeat(blob, 9), strings.Repeat(blob, 40), strings.Repeat("a", 700), strings.Repeat("key=", 150),
		strings.Repeat("(", 600), strings.Repeat("1", 600), strings.Repeat("a.", 300), strings.Repeat("12:", 250), strings.Repeat(" ", 600), strings.Repeat("4111 ", 130), strings.Repeat("Straße und Öl, ", 40),
		strings.Repeat("季度报告显示", 40), "季度，", "’", "“", "”", " – ", "é", "ｐ", "４", "а", "е", "о", "\u200b", "\u00ad", "\u0301", "\U000e0041", "\U0001f44d\ufe0f", "𝐚", "½", "½а", "\ufdfa", "\xff", "\xe2\x80", `\u0040`, `\u0020`, `\n`, `\\`, `\`,
		"ada@exam", "ple.org", "ada@example.org", "@", "4111 1111 1111 ", "1111", "password", "passwоrd", "=", ": ", "\"", "'", "tr0ub4dor&3", "api_key", "9f8a7b6c5d4e3f2a1b0c9d8e", "ssn ", "536-22-1234", "+49 30 ", "901820", "call ", "212-555-", "0187",
		"192.168.", "17.4", "gh" + "p_4U3LSowpDx8XvYE7", "A8GH56oxU5aWnY2mzIbV", "born on ", "12 March 1984", "DE89 3704 0044 ", "0532 0130 00", "https://me:", "s3cret9x", "@host/", "Authorization: Basic ", "QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Bearer ",
		"-----BEGIN PRIV" + "ATE KEY-----", "-----END PRIV" + "ATE KEY-----", "eyJhbGciOiJIUzI1NiJ9", ".eyJzdWIiOiIxMjM0NTY3ODkwIn0", ".c2lnbmF0dXJlc2lnbmF0dXJl", "-u ", "--password ", "heroku_api ", "8f14e45f-ceea-467f-9575-6a3bb1e3f1d2", "user ", "is ", " ", "\n", ".", "-", "_",
	}, streamed...)
}()

// texts are made of parts, cut anywhere.
func texts(r *rapid.T) string {
	var out strings.Builder
	for range rapid.IntRange(1, 14).Draw(r, "parts") {
		part := rapid.SampledFrom(mixed).Draw(r, "part")
		if rapid.IntRange(0, 3).Draw(r, "cut") == 0 {
			part = part[rapid.IntRange(0, len(part)).Draw(r, "from"):]
		}
		out.WriteString(part)
	}
	return out.String()
}

// Whatever is between what a scanner looks for and characters that are not ASCII, Scan
// finds what it finds when both forms of the text are read whole.
func TestScanIsPlain(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) { same(r, texts(r)) })
}

// A value at every distance behind and before a character that is not ASCII.
func TestEveryDistance(t *testing.T) {
	prose := strings.Repeat("The report shows, that sales rose; see (below) for more. ", 30)
	for _, value := range []string{"ada@example.org", "password = “tr0ub4dor&3”", "call me at 212-555-0187", "https://me:s3cret9x@host/", "curl --user \"me:9d8f7s6a5g\""} {
		for _, odd := range []string{"’", "\u200b"} {
			for gap := 0; gap < 2*leastStretch; gap += 1 + gap%11 {
				same(t, odd+prose[:gap]+value+" and "+prose[:leastStretch]+odd)
				same(t, prose[:600]+odd+value+prose[:gap]+odd+value)
			}
		}
	}
}

// FuzzScan reads bytes as parts of texts, or as themselves.
func FuzzScan(f *testing.F) {
	f.Add([]byte{2, 0xfe, 18, 3, 51, 52, 18, 3})
	f.Add([]byte{3, 18, 1, 1, 47, 24, 48, 3, 20})
	f.Add([]byte("\x05\x12\x06\xfd\x12\x03"))
	f.Fuzz(func(t *testing.T, program []byte) {
		var out strings.Builder
		for i := 0; i < min(len(program), 24); i++ {
			switch b := int(program[i]); {
			case b < len(mixed):
				out.WriteString(mixed[b])
			case b == 0xfe && i+2 < len(program): // part of a part
				part := mixed[int(program[i+1])%len(mixed)]
				out.WriteString(part[int(program[i+2])*len(part)/256:])
				i += 2
			case b == 0xfd && i+1 < len(program): // as it is
				i++
				out.WriteByte(program[i])
			}
			if out.Len() > 6<<10 {
				break
			}
		}
		same(t, out.String())
	})
}
