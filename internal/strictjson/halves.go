package strictjson

import (
	"unicode/utf16"
	"unicode/utf8"
)

// Streams cut texts anywhere, also within a character: some servers between the two
// halves of a pair of surrogates, which JSON writes as \ud83d and \ude00, some between
// the bytes of one. Who puts the pieces together gets the character. The functions here
// keep such halves: a surrogate is written in three bytes as if it were a character
// (which is not valid UTF-8), other bytes stay as they are.

// AppendHalves appends the decoded text of a JSON string, given with its quotes and
// without syntax errors, and keeps halves of characters.
func AppendHalves(dst, quoted []byte) []byte {
	raw := quoted[1 : len(quoted)-1]
	for {
		i := 0
		for i < len(raw) && raw[i] != '\\' {
			i++
		}
		dst = append(dst, raw[:i]...)
		if i == len(raw) {
			return dst
		}
		raw = raw[i:]
		r := rune(-1)
		if raw[1] == 'u' {
			r = hex4(raw[2:])
		}
		if r < 0 || !utf16.IsSurrogate(r) {
			n := 2
			if raw[1] == 'u' {
				n = 6
			}
			dst = AppendUnescaped(dst, raw[:n])
			raw = raw[n:]
			continue
		}
		raw = raw[6:]
		if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
			if pair := utf16.DecodeRune(r, hex4(raw[2:])); pair != utf8.RuneError {
				dst = utf8.AppendRune(dst, pair)
				raw = raw[6:]
				continue
			}
		}
		dst = appendHalf(dst, r)
	}
}

// AppendQuotedHalves is AppendQuoted for a text with halves: a surrogate becomes its
// escape again, other invalid UTF-8 U+FFFD.
func AppendQuotedHalves(dst []byte, text string) []byte {
	from, open := 0, len(dst)
	for i := 0; i < len(text); i++ {
		r := half(text[i:])
		if r == 0 {
			continue
		}
		dst = appendInside(dst, text[from:i], open)
		dst = append(dst, '\\', 'u', hexDigits[r>>12], hexDigits[r>>8&15], hexDigits[r>>4&15], hexDigits[r&15])
		from = i + 3
		i += 2
	}
	return append(appendInside(dst, text[from:], open), '"')
}

// appendInside goes on with a string that begins at open.
func appendInside(dst []byte, text string, open int) []byte {
	at := len(dst)
	dst = AppendQuoted(dst, text)
	dst = dst[:len(dst)-1]
	if at == open {
		return dst
	}
	return append(dst[:at], dst[at+1:]...)
}

// JoinHalves joins pairs of surrogates of which each came by itself.
func JoinHalves(text string) string {
	var joined []byte
	from := 0
	for i := 0; i+6 <= len(text); i++ {
		high := half(text[i:])
		if high == 0 || high >= 0xdc00 {
			continue
		}
		if pair := utf16.DecodeRune(high, half(text[i+3:])); pair != utf8.RuneError {
			joined = utf8.AppendRune(append(joined, text[from:i]...), pair)
			from = i + 6
			i += 5
		}
	}
	if from == 0 {
		return text
	}
	return string(append(joined, text[from:]...))
}

// CutHalf cuts off what a text ends with and may be the beginning of a character: at most
// three bytes.
func CutHalf(text string) (whole, begun string) {
	n := len(text)
	if n >= 3 {
		if r := half(text[n-3:]); r != 0 && r < 0xdc00 {
			return text[:n-3], text[n-3:]
		}
	}
	for k := 1; k <= min(3, n); k++ {
		c := text[n-k]
		if c < 0x80 {
			break
		}
		if utf8.RuneStart(c) {
			if !utf8.FullRuneInString(text[n-k:]) {
				return text[:n-k], text[n-k:]
			}
			break
		}
	}
	return text, ""
}

func appendHalf(dst []byte, r rune) []byte {
	return append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
}

// half returns the surrogate that text begins with, 0 for none.
func half(text string) rune {
	if len(text) < 3 || text[0] != 0xed || text[1]&0xe0 != 0xa0 || text[2]&0xc0 != 0x80 {
		return 0
	}
	return 0xd000 | rune(text[1]&0x3f)<<6 | rune(text[2]&0x3f)
}
