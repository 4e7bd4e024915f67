package strictjson

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"unicode/utf16"
	"unicode/utf8"
)

// Str is a JSON string as it stands in the text: Start is the offset of the
// opening quote, End the one after the closing quote.
type Str struct {
	Start, End int
	// Escaped is whether it holds a backslash.
	Escaped bool
}

// Str reads a string, which Kind has announced.
func (s *Scanner) Str() Str {
	if s.Kind() != String {
		s.bad(s.pos)
		return Str{}
	}
	start := s.pos
	end, escaped, _ := s.quoted(start + 1)
	if s.err != nil {
		return Str{}
	}
	s.pos = end + 1
	return Str{Start: start, End: end + 1, Escaped: escaped}
}

// Text returns the decoded text. Without escapes it shares memory with the
// scanned text, which must then stay unmodified as long as it is used. A lone
// surrogate escape decodes to U+FFFD.
func (s *Scanner) Text(t Str) string {
	if t.End-t.Start < 3 {
		return ""
	}
	raw := s.data[t.Start+1 : t.End-1]
	if !t.Escaped {
		return alias(raw)
	}
	return alias(AppendUnescaped(make([]byte, 0, len(raw)), raw))
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// piece is how much of a long text is looked at at once, in bytes: enough to be
// worth the calls, little enough that a text full of escapes costs little more.
const piece = 512

// plain returns how many bytes at the start of p, in steps of 32, are neither
// quotes nor backslashes nor control bytes, and, in the high bits, whether there may
// be any that are not ASCII.
func plain(p []byte) (n int, high uint64) {
	if i := bytes.IndexByte(p, '"'); i >= 0 {
		p = p[:i]
	}
	if i := bytes.IndexByte(p, '\\'); i >= 0 {
		p = p[:i]
	}
	for ; len(p)-n >= 32; n += 32 {
		q := p[n : n+32 : n+32]
		v, w, x, y := binary.LittleEndian.Uint64(q), binary.LittleEndian.Uint64(q[8:]), binary.LittleEndian.Uint64(q[16:]), binary.LittleEndian.Uint64(q[24:])
		high |= v | w | x | y
		if ((v-ones*' ')&^v|(w-ones*' ')&^w|(x-ones*' ')&^x|(y-ones*' ')&^y)&highs != 0 {
			break
		}
	}
	return n, high
}

// quoted scans a string whose first byte after the quote is at i. It returns the
// offset of the closing quote and whether there are escapes, and whether one of
// them makes a name unusable (NUL, lone surrogate).
func (s *Scanner) quoted(i int) (end int, escaped, odd bool) {
	b := s.data
	start := i
	var acc uint64
	for {
		from := i
		// Eight bytes at a time, until one is a quote, a backslash or a control
		// byte. The test for a zero byte errs only above the first true hit, and
		// the first hit is the only one used.
		for i+16 <= len(b) {
			w := binary.LittleEndian.Uint64(b[i:])
			q, e := w^(ones*'"'), w^(ones*'\\')
			acc |= w
			if m := ((q-ones)&^q | (e-ones)&^e | (w-ones*' ')&^w) & highs; m != 0 {
				i += bits.TrailingZeros64(m) >> 3
				goto special
			}
			w = binary.LittleEndian.Uint64(b[i+8:])
			q, e = w^(ones*'"'), w^(ones*'\\')
			acc |= w
			if m := ((q-ones)&^q | (e-ones)&^e | (w-ones*' ')&^w) & highs; m != 0 {
				i += 8 + bits.TrailingZeros64(m)>>3
				goto special
			}
			if i += 16; i-from >= 64 && len(b)-i > piece {
				// A long text: by pieces.
				n, high := plain(b[i : i+piece])
				acc |= high
				i += n
			}
		}
		for ; ; i++ {
			if i >= len(b) {
				s.fail(Truncated, len(b))
				return 0, false, false
			}
			c := b[i]
			if c == '"' || c == '\\' || c < ' ' {
				break
			}
			acc |= uint64(c)
		}
	special:
		switch b[i] {
		case '"':
			// The mask above may have seen bytes beyond the quote: at worst a
			// needless check here.
			if acc&highs != 0 && !s.lenient && !utf8.Valid(b[start:i]) {
				s.fail(BadUTF8, start-1)
				return 0, false, false
			}
			return i, escaped, odd
		case '\\':
			escaped = true
			n, o := escapeLen(b[i:])
			if n <= 0 {
				if n < 0 {
					s.fail(Truncated, len(b))
				} else {
					s.fail(BadEscape, i)
				}
				return 0, false, false
			}
			odd = odd || o
			i += n
		default:
			s.fail(ControlByte, i)
			return 0, false, false
		}
	}
}

// escapeLen returns the length of the escape at the start of b (a surrogate pair
// counts as one), 0 if it is not one, -1 if the text ends in it, and whether it
// is NUL or a lone surrogate.
func escapeLen(b []byte) (n int, odd bool) {
	if len(b) < 2 {
		return -1, false
	}
	switch b[1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return 2, false
	case 'u':
	default:
		return 0, false
	}
	r := hex4(b[2:])
	if r < 0 {
		for _, c := range b[2:] { // cut short, or wrong?
			if !isHex(c) {
				return 0, false
			}
		}
		return -1, false
	}
	if !utf16.IsSurrogate(r) {
		return 6, r == 0
	}
	if len(b) >= 12 && b[6] == '\\' && b[7] == 'u' {
		if utf16.DecodeRune(r, hex4(b[8:])) != utf8.RuneError {
			return 12, false
		}
	}
	return 6, true
}

func isHex(c byte) bool {
	return c-'0' <= 9 || (c|0x20)-'a' <= 5
}

// hex4 decodes four hexadecimal digits, -1 if they are not there.
func hex4(b []byte) rune {
	if len(b) < 4 {
		return -1
	}
	var r rune
	for _, c := range b[:4] {
		switch {
		case c-'0' <= 9:
			c -= '0'
		case (c|0x20)-'a' <= 5:
			c = (c | 0x20) - 'a' + 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// AppendUnescaped appends the decoded inside of a JSON string that the scanner
// has accepted. Lone surrogates become U+FFFD.
func AppendUnescaped(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'u':
			r := hex4(raw)
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				pair := rune(utf8.RuneError)
				if len(raw) >= 6 && raw[0] == '\\' && raw[1] == 'u' {
					pair = utf16.DecodeRune(r, hex4(raw[2:]))
				}
				if pair != utf8.RuneError {
					raw = raw[6:]
				}
				r = pair
			}
			dst = utf8.AppendRune(dst, r)
			continue
		}
		dst = append(dst, c)
	}
}

const hexDigits = "0123456789abcdef"

// AppendQuoted appends text as a JSON string. Only what JSON demands is
// escaped; invalid UTF-8 becomes U+FFFD.
func AppendQuoted(dst []byte, text string) []byte {
	dst = append(dst, '"')
	for _, r := range text {
		switch {
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[r>>4], hexDigits[r&15])
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return append(dst, '"')
}
