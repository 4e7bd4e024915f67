// Package terminal makes texts of others fit to be shown on a terminal. What a caller
// named or wrote may hold bytes that a terminal obeys, or characters that make a line
// look like another.
package terminal

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxName = 64
	maxLine = 4096
)

// Name returns a name for a table: whatever a terminal may obey instead of showing it,
// and whatever is invisible, is escaped, and so is the backslash; what is longer than a
// table can bear, 64 characters, is cut.
func Name(s string) string { return escape(s, maxName, true) }

// Line is Name for a line of running text of up to 4,096 characters.
func Line(s string) string { return escape(s, maxLine, true) }

// Text is Line for a text that may have backslashes of its own, such as a quoted value or
// an expression: they stay as they are.
func Text(s string) string { return escape(s, maxLine, false) }

func escape(s string, most int, backslash bool) string {
	var b strings.Builder
	n := 0
	for i, r := range s {
		if n >= most {
			b.WriteString("…")
			break
		}
		n++
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\\' && backslash:
			b.WriteString(`\\`)
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// JSON returns a JSON document, which encoders leave with characters above ASCII as they
// are, with those escaped that Name escapes. It is the same document.
func JSON(doc []byte) []byte {
	var b bytes.Buffer
	for i := 0; i < len(doc); {
		r, n := utf8.DecodeRune(doc[i:])
		switch {
		case r < 0x7f || n == 1 && r == utf8.RuneError || unicode.IsPrint(r):
			b.Write(doc[i : i+n])
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		i += n
	}
	return b.Bytes()
}
