package norm

import (
	"encoding/base64"
	"encoding/hex"
	"strings"
	"unicode/utf8"
)

// Bounds of what is decoded.
const (
	// MaxRun is how many bytes of one encoded run are decoded.
	MaxRun = 8 << 10
	// minBase64 and minHex are shorter than any secret, and long enough that a
	// word is rarely taken for one.
	minBase64 = 20
	minHex    = 24
	// minRun is the least that is decoded without percent escapes.
	minRun = min(minBase64, minHex)
)

// A Run is a part of a text that is encoded, and what it says. It is decoded
// once: what is encoded within it stays so.
type Run struct {
	// Start and End are the bytes [Start, End) of the text.
	Start, End int
	// Text is the decoded text, readable and no longer than the run.
	Text string
}

// Runs returns the runs of text that are base64 (both alphabets), hexadecimal
// digits or percent escapes and decode to something readable. It takes linear
// time and returns no more bytes than text has.
func Runs(text string) (out []Run) {
	for i := 0; i < len(text); {
		if !runByte(text[i]) {
			i++
			continue
		}
		start, escapes := i, false
		for i < len(text) && i-start < MaxRun && runByte(text[i]) {
			escapes = escapes || text[i] == '%'
			i++
		}
		if i-start < minRun && !escapes {
			continue
		}
		if r, ok := decode(text[start:i]); ok {
			r.Start, r.End = r.Start+start, r.End+start
			out = append(out, r)
		}
	}
	return out
}

// decode decodes one run.
func decode(s string) (r Run, ok bool) {
	var n [numClasses]int
	for k := range len(s) {
		n[runClasses[s[k]]]++
	}
	if n[escape] > 0 {
		if text, changed := unescape(s); changed && readable(text) {
			return Run{End: len(s), Text: text}, true
		}
		return r, false
	}
	// A value may follow the name of a parameter: take what is behind the last
	// byte that is in no alphabet.
	from := 0
	if n[other] > 0 {
		for k := range len(s) {
			if !base64Byte(s[k]) && s[k] != '=' {
				from = k + 1
			}
		}
	}
	for k := from; k+1 < len(s); k++ {
		if s[k] == '=' && base64Byte(s[k+1]) {
			from = k + 1
		}
	}
	v := s[from:]
	if len(v) >= minHex && n[hexa] >= len(v) && len(v)%2 == 0 {
		if b, err := hex.DecodeString(v); err == nil && readable(string(b)) {
			return Run{Start: from, End: len(s), Text: string(b)}, true
		}
	}
	if len(v) < minBase64 {
		return r, false
	}
	raw := make([]byte, 0, len(v))
	for k := range len(v) {
		switch b := v[k]; b {
		case '-':
			raw = append(raw, '+')
		case '_':
			raw = append(raw, '/')
		case '=':
		default:
			raw = append(raw, b)
		}
	}
	if len(raw)%4 == 1 {
		raw = raw[:len(raw)-1]
	}
	size, err := base64.RawStdEncoding.Decode(raw, raw)
	if err != nil || !readable(string(raw[:size])) {
		return r, false
	}
	return Run{Start: from, End: len(s), Text: string(raw[:size])}, true
}

// unescape replaces percent escapes, those that are none stay.
func unescape(s string) (string, bool) {
	out := make([]byte, 0, len(s))
	changed := false
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) && hexDigit(s[i+1]) && hexDigit(s[i+2]) {
			out = append(out, value(s[i+1])<<4|value(s[i+2]))
			i += 2
			changed = true
			continue
		}
		out = append(out, s[i])
	}
	return string(out), changed
}

// readable tells whether s is text: valid UTF-8 nearly without control bytes.
func readable(s string) bool {
	if !utf8.ValidString(s) {
		return false
	}
	control := 0
	for i := range len(s) {
		if b := s[i]; b < ' ' && b != '\n' && b != '\r' && b != '\t' || b == 0x7f {
			control++
		}
	}
	return control*32 <= len(s)
}

func base64Byte(b byte) bool {
	return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z' || b == '+' || b == '/' || b == '-' || b == '_'
}

// What the bytes of a run are.
const (
	none byte = iota // part of no run
	letter
	escape
	other // in no alphabet of base64
	hexa
	numClasses
)

var runClasses = func() (t [256]byte) {
	for i := range t {
		switch b := byte(i); {
		case b == '%':
			t[i] = escape
		case hexDigit(b):
			t[i] = hexa
		case base64Byte(b) || b == '=':
			t[i] = letter
		case strings.IndexByte(".~:&?@;,!", b) >= 0:
			t[i] = other
		}
	}
	return t
}()

func runByte(b byte) bool { return runClasses[b] != none }

func hexDigit(b byte) bool { return b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'f' }

func value(b byte) byte {
	if b <= '9' {
		return b - '0'
	}
	return b | 0x20 - 'a' + 10
}
