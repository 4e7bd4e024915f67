package redact

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
)

// jsonText puts replacements into a text that is JSON, so that it stays JSON: what is
// replaced in a string stays within its quotes, and a number that is replaced becomes a
// string. A text that does not begin as an object or array is no JSON, and is plain.
type jsonText struct {
	begun, plain bool
	inString     bool
	escaped      bool // the byte before was a backslash
	token        bool // within a number or a word
	drop         bool // the rest of the number was replaced
}

// structural reports whether a byte outside of strings belongs to no number or word.
func structural(c byte) bool { return strings.IndexByte("{}[]:,\" \t\r\n", c) >= 0 }

// next goes one byte on; it returns whether that is part of a value, which a
// replacement may stand for.
func (j *jsonText) next(c byte) (value bool) {
	switch {
	case !j.begun && strings.IndexByte(" \t\r\n", c) >= 0:
		return false
	case !j.begun:
		j.begun, j.plain = true, c != '{' && c != '[' // as norm.IsJSON
	}
	switch {
	case j.plain:
		return true
	case j.inString && j.escaped:
		j.escaped = false
		return true
	case j.inString:
		j.escaped = c == '\\'
		j.inString = c != '"'
		return j.inString
	case structural(c):
		j.token, j.drop, j.inString = false, false, c == '"'
		return false
	}
	return true
}

// text is what a match says, whose bytes come next.
func (j *jsonText) text(match string) string {
	if is, _ := norm.IsJSON(match); j.plain || !j.begun && !is {
		return match
	}
	return norm.Unescape(match)
}

// pass writes text as it is.
func (j *jsonText) pass(b *strings.Builder, text string) {
	from := 0
	for i := range len(text) {
		if value := j.next(text[i]); value && !j.plain && !j.inString {
			j.token = true
			if j.drop {
				b.WriteString(text[from:i])
				from = i + 1
			}
		}
	}
	b.WriteString(text[from:])
}

// replace writes what stands for text, fit for a string of JSON.
func (j *jsonText) replace(b *strings.Builder, text, with string) {
	written := false
	for i := range len(text) {
		c := text[i]
		value := j.next(c)
		switch {
		case !value:
			b.WriteByte(c)
		case j.plain || j.inString:
			if !written {
				b.WriteString(with)
			}
			written = true
		case j.drop: // replaced already
		case j.token: // its first digits have gone: any digit ends them
			b.WriteByte('0')
			written, j.drop = true, true
		default:
			b.WriteByte('"')
			if !written {
				b.WriteString(with)
			}
			b.WriteByte('"')
			written, j.token, j.drop = true, true, true
		}
	}
}

// restore writes a value in the place of the token that stands for it.
func (j *jsonText) restore(b *strings.Builder, token, value string) {
	bare := j.begun && !j.plain && !j.inString
	if bare { // a model that forgot the quotes
		b.WriteString(`"` + value + `"`)
		return
	}
	j.replace(b, token, value)
}
