package translate

import (
	"hash/fnv"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// A custom tool takes free text, which only OpenAI's dialects can carry. To
// other providers it is offered as a function whose only argument is that text;
// the way back undoes it, piece by piece in streams.

// customMember is the argument that holds the text.
const customMember = "input"

// customSchema is the JSON schema of an emulated custom tool.
func customSchema(t *Tool) jsontext.Value {
	b := append([]byte(nil), `{"type":"object","properties":{"`+customMember+`":{"type":"string"`...)
	if d := grammarText(t.Grammar); d != "" {
		b = keyString(b, "description", d)
	}
	return append(b, `}},"required":["`+customMember+`"],"additionalProperties":false}`...)
}

// grammarText tells a model what the text must look like.
func grammarText(g jsontext.Value) string {
	syntax, definition := grammarOf(g)
	if definition == "" {
		return "The input of the tool as plain text."
	}
	return "The input of the tool as plain text. It must match this " + syntax + " grammar:\n" + definition
}

// grammarOf reads a custom tool's format: of the Responses API, where syntax and
// definition stand beside the type, or of chat, where they stand in a member
// called grammar.
func grammarOf(g jsontext.Value) (syntax, definition string) {
	if absent(g) || g.Kind() != '{' {
		return "", ""
	}
	var f struct {
		Syntax     string         `json:"syntax"`
		Definition string         `json:"definition"`
		Grammar    jsontext.Value `json:"grammar"`
	}
	if decodeAnswer(g, &f) != nil {
		return "", ""
	}
	if f.Definition == "" && !absent(f.Grammar) && f.Grammar.Kind() == '{' {
		return grammarOf(f.Grammar)
	}
	return f.Syntax, f.Definition
}

// wrapCustom makes the arguments of an emulated call.
func wrapCustom(input string) string {
	return string(append(keyString([]byte{'{'}, customMember, input), '}'))
}

// unwrapCustom returns the text in the arguments of an emulated call. A model that
// did not keep to the schema is taken by its word.
func unwrapCustom(args string) string {
	var u unwrapper
	return u.feed(args) + u.rest()
}

// unwrapper takes the text out of {"input":"…"} while it comes. The zero value is
// ready.
type unwrapper struct {
	head  []byte // what came before the text began
	begun bool   // inside the text
	done  bool
	held  string // an escape that is not complete
}

// feed returns the text in the next piece.
func (u *unwrapper) feed(piece string) string {
	if u.done {
		return ""
	}
	if !u.begun {
		u.head = append(u.head, piece...)
		if len(u.head)-len(piece) > maxHead {
			return "" // it is not what was asked for
		}
		head := string(u.head)
		i := strings.Index(head, `"`+customMember+`"`)
		if i < 0 {
			return ""
		}
		rest := strings.TrimLeft(head[i+len(customMember)+2:], " \t\r\n")
		if rest == "" || rest[0] != ':' {
			return ""
		}
		rest = strings.TrimLeft(rest[1:], " \t\r\n")
		if rest == "" || rest[0] != '"' {
			return ""
		}
		u.begun, u.head, piece = true, nil, rest[1:]
	}
	s := u.held + piece
	u.held = ""
	var b strings.Builder
	for i := 0; i < len(s); {
		switch c := s[i]; c {
		case '"':
			u.done = true
			return b.String()
		case '\\':
			r, n := unescape(s[i:])
			if n == 0 {
				u.held = s[i:]
				return b.String()
			}
			b.WriteRune(r)
			i += n
		default:
			j := strings.IndexAny(s[i:], `"\`)
			if j < 0 {
				j = len(s) - i
			}
			b.WriteString(s[i : i+j])
			i += j
		}
	}
	return b.String()
}

// rest returns what is left at the end: the arguments as they are, if they never
// had the shape.
func (u *unwrapper) rest() string {
	if u.begun {
		return ""
	}
	return string(u.head)
}

// maxHead bounds where the text must begin.
const maxHead = 1024

// unescape decodes the escape at the start of s. n is its length, 0 when more is
// needed.
func unescape(s string) (r rune, n int) {
	if len(s) < 2 {
		return 0, 0
	}
	switch c := s[1]; c {
	case 'n':
		return '\n', 2
	case 't':
		return '\t', 2
	case 'r':
		return '\r', 2
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'u':
	default:
		return rune(c), 2
	}
	if len(s) < 6 {
		return 0, 0
	}
	hi := hex4(s[2:6])
	if !utf16.IsSurrogate(hi) {
		return hi, 6
	}
	if len(s) < 12 && strings.HasPrefix(`\u`, s[6:min(len(s), 8)]) || len(s) >= 8 && len(s) < 12 && s[6:8] == `\u` {
		return 0, 0 // its second half is to come
	}
	if len(s) >= 12 && s[6:8] == `\u` {
		if r := utf16.DecodeRune(hi, hex4(s[8:12])); r != utf8.RuneError {
			return r, 12
		}
	}
	return utf8.RuneError, 6
}

func hex4(s string) rune {
	n, err := strconv.ParseUint(s, 16, 32)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}

// maxToolName is the longest name that all providers take.
const maxToolName = 64

// flatName makes the name of a tool in a namespace, for providers that have
// none. A name that would be too long ends in a hash instead.
func flatName(namespace, name string) string {
	if namespace == "" {
		return name
	}
	s := namespace + "__" + name
	if strings.HasSuffix(namespace, "__") {
		s = namespace + name
	}
	if len(s) <= maxToolName {
		return s
	}
	return hashed(s)
}

func hashed(s string) string {
	h := fnv.New32a()
	h.Write([]byte(s))
	return s[:maxToolName-9] + "_" + strconv.FormatUint(uint64(h.Sum32())|1<<32, 16)[1:]
}

// tool returns the tool that the caller offered under the name that providers
// see, nil if there is none.
func (r *Request) tool(name string) *Tool {
	if r == nil || len(r.Tools) == 0 {
		return nil
	}
	if r.byName == nil { // a request may hold very many
		r.byName = make(map[string]int, len(r.Tools))
		for i := len(r.Tools) - 1; i >= 0; i-- { // the first of a name
			r.byName[r.Tools[i].Name] = i
		}
	}
	if i, ok := r.byName[name]; ok {
		return &r.Tools[i]
	}
	return nil
}

// some returns the tools that the choice is restricted to, as a set: there may be
// very many.
func (c *ToolChoice) some() map[string]bool {
	set := make(map[string]bool, len(c.Allowed))
	for _, name := range c.Allowed {
		set[name] = true
	}
	return set
}
