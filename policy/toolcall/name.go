package toolcall

import (
	"strings"
	"unicode"
	"unicode/utf8"

	unorm "golang.org/x/text/unicode/norm"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
)

// prefixes stand before names of tools in dialects, agents and protocols, and say
// where a tool comes from, not which it is.
var prefixes = []string{"functions", "function", "tools", "tool", "default_api", "mcp"}

// Name returns the canonical name of a tool: in lower case, letters that look like
// ASCII as ASCII, marks and what nobody sees left out, camelCase and all separators written
// with single underscores, and without the namespaces that agents put before names
// ("functions.bash", "mcp__files__read" is "files_read"). Names that a model or a
// runtime could take for the same tool have the same canonical name; it is empty
// only if nothing in the name is a letter or a digit.
func Name(name string) string {
	text := name
	if !ascii(name) {
		text = plain(name)
	}
	b := make([]byte, 0, len(text)+4)
	gap := false // a separator is due before the next character
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'A' && c <= 'Z':
			if i > 0 && (lower(text[i-1]) || digit(text[i-1]) || upper(text[i-1]) && i+1 < len(text) && lower(text[i+1])) {
				gap = true
			}
			c |= 0x20
		case lower(c) || digit(c) || c >= 0x80:
		default:
			gap = true
			continue
		}
		if gap && len(b) > 0 {
			b = append(b, '_')
		}
		gap = false
		b = append(b, c)
	}
	out := string(b)
	for cut := true; cut; {
		cut = false
		for _, p := range prefixes {
			if rest, ok := strings.CutPrefix(out, p+"_"); ok && rest != "" {
				out, cut = rest, true
			}
		}
	}
	return out
}

// plain writes what looks like ASCII in ASCII, without marks and in lower case
// where it is not. What one step makes of a character may fold further.
func plain(name string) string {
	for range 4 {
		text := norm.Of(unorm.NFKD.String(name)).Text()
		text = unorm.NFC.String(strings.Map(func(r rune) rune {
			switch {
			case unicode.Is(unicode.Mn, r):
				return -1
			case r < utf8.RuneSelf:
				return r
			}
			return unicode.ToLower(r)
		}, text))
		if text == name {
			break
		}
		name = text
	}
	return name
}

// Is tells whether a name means the tool: whether their canonical names are equal,
// also with their separators left out ("execute_shell", "executeshell").
func Is(name, tool string) bool {
	a, b := Name(name), Name(tool)
	return a != "" && (a == b || strings.ReplaceAll(a, "_", "") == strings.ReplaceAll(b, "_", ""))
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
func digit(c byte) bool { return c >= '0' && c <= '9' }
