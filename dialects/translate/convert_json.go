package translate

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// What follows writes JSON by appending, which costs a tenth of encoding structs
// and lets whole answers and the events of streams share one form of each item.

// quoted appends a string as JSON.
func quoted(b []byte, s string) []byte {
	b, _ = jsontext.AppendQuote(b, s) // invalid UTF-8 is replaced
	return b
}

// elem appends what must stand before the next value of an array.
func elem(b []byte) []byte {
	if c := b[len(b)-1]; c != '[' && c != '{' {
		b = append(b, ',')
	}
	return b
}

// key appends the name of the next member of an object.
func key(b []byte, name string) []byte {
	b = append(elem(b), '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func keyString(b []byte, name, v string) []byte { return quoted(key(b, name), v) }

func keyInt(b []byte, name string, v int64) []byte { return strconv.AppendInt(key(b, name), v, 10) }

func keyBool(b []byte, name string, v bool) []byte { return strconv.AppendBool(key(b, name), v) }

func keyRaw(b []byte, name, v string) []byte { return append(key(b, name), v...) }

// keyValue appends a member that is JSON already, nothing when there is none.
func keyValue(b []byte, name string, v jsontext.Value) []byte {
	if absent(v) {
		return b
	}
	return append(key(b, name), bytes.TrimSpace(v)...)
}

// absent reports whether a member was not given, or given as null.
func absent(v jsontext.Value) bool { return len(v) == 0 || v.Kind() == 'n' }

// lenient is how requests and answers are decoded: a lone surrogate in a string
// is no reason to refuse it. Requests have passed the strict pass; in answers the
// last of two equal names wins, as in the providers' own SDKs.
var lenient = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

// decode reads v, which stands at path in the caller's request, into a struct or
// slice. A value of the wrong type is the caller's mistake.
func decode(v []byte, into any, path string) error {
	err := json.Unmarshal(v, into, lenient)
	if err == nil {
		return nil
	}
	var sem *json.SemanticError
	if errors.As(err, &sem) {
		path = joinPointer(path, sem.JSONPointer)
		if sem.JSONKind != 0 {
			return invalidf(orBody(path), "%s is not what is expected here", kindName(sem.JSONKind))
		}
		return invalidf(orBody(path), "the value is not what is expected here")
	}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) {
		return invalidf(orBody(joinPointer(path, syn.JSONPointer)), "not well-formed JSON")
	}
	return invalidf(orBody(path), "cannot be read")
}

func orBody(path string) string {
	if path == "" {
		return "the request body"
	}
	return path
}

// joinPointer appends a JSON pointer to a path: "input" and "/3/role" make
// "input[3].role".
func joinPointer(path string, p jsontext.Pointer) string {
	var b strings.Builder
	b.WriteString(path)
	for tok := range p.Tokens() {
		if _, err := strconv.ParseUint(tok, 10, 32); err == nil {
			b.WriteString("[" + tok + "]")
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(safeName(tok))
	}
	return b.String()
}

// safeName returns a member's name for use in a path: names that are no
// identifiers are the caller's free text, which must not get into records.
func safeName(s string) string {
	if s == "" || len(s) > 64 {
		return "?"
	}
	for i := range len(s) {
		if c := s[i]; (c|0x20)-'a' >= 26 && c-'0' >= 10 && c != '_' && c != '-' {
			return "?"
		}
	}
	return s
}

func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't', 'f':
		return "a boolean"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	case '[':
		return "an array"
	}
	return "this"
}

// text reads a JSON string.
func text(v jsontext.Value, path string) (string, error) {
	if absent(v) {
		return "", nil
	}
	if v.Kind() != '"' {
		return "", invalidf(path, "want a string, found %s", kindName(v.Kind()))
	}
	return unquote(v), nil
}

// unquote decodes a JSON string; invalid UTF-8 in it is replaced.
func unquote(v jsontext.Value) string {
	b, _ := jsontext.AppendUnquote(nil, bytes.TrimSpace(v))
	return string(b)
}

// number checks that a literal is a number, and drops null.
func number(v jsontext.Value, path string) (jsontext.Value, error) {
	if absent(v) {
		return nil, nil
	}
	if v.Kind() != '0' {
		return nil, invalidf(path, "want a number, found %s", kindName(v.Kind()))
	}
	return v, nil
}

// at makes the path of an element.
func at(path string, i int) string { return path + "[" + strconv.Itoa(i) + "]" }

// in makes the path of a member.
func in(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// loseMembers notes each member that was captured and is not null.
func (n *notes) loseMembers(v jsontext.Value, path string) {
	if len(v) == 0 {
		return
	}
	d := jsontext.NewDecoder(bytes.NewReader(v), lenient)
	if _, err := d.ReadToken(); err != nil {
		return
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return
		}
		s := name.String()
		if d.PeekKind() != 'n' {
			n.lose(in(path, safeName(s)))
		}
		if d.SkipValue() != nil {
			return
		}
	}
}

// errAnswer is wrapped by the errors of answers that cannot be translated.
var errAnswer = errors.New("an answer that cannot be translated")

// decodeAnswer reads a provider's answer or event.
func decodeAnswer(b []byte, into any) error {
	if err := json.Unmarshal(b, into, lenient); err != nil {
		var sem *json.SemanticError
		if errors.As(err, &sem) { // its text could hold parts of the answer
			return fmt.Errorf("%w: unexpected type at %q", errAnswer, joinPointer("", sem.JSONPointer))
		}
		return fmt.Errorf("%w: malformed JSON", errAnswer)
	}
	return nil
}

// isObject reports whether s is the text of one JSON object.
func isObject(s string) bool {
	v := jsontext.Value(strings.TrimSpace(s))
	return len(v) > 0 && v.Kind() == '{' && v.IsValid(lenient)
}
