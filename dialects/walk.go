package dialects

import "github.com/go-json-experiment/json/jsontext"

// The functions of this file walk over JSON that has passed Parse: they check
// nothing.

// skipSpace returns the offset of the next byte that is no white space.
func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\n' || b[i] == '\r') {
		i++
	}
	return i
}

// skipString returns the offset behind the string that begins at i.
func skipString(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}

// skipValue returns the offset behind the value that begins at i.
func skipValue(b []byte, i int) int {
	depth := 0
	for i < len(b) {
		switch b[i] {
		case '"':
			i = skipString(b, i)
		case '{', '[':
			depth++
			i++
		case '}', ']':
			if depth--; depth < 0 {
				return i
			}
			i++
		case ',', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return i
			}
			i++
			continue
		default:
			i++
			if depth == 0 {
				continue // within a number or a word
			}
		}
		if depth == 0 && (b[i-1] == '"' || b[i-1] == '}' || b[i-1] == ']') {
			return i
		}
	}
	return i
}

// jsonItem is a member of an object, or an element of an array, which has no name.
type jsonItem struct {
	name       string
	start      int // of the name, or of the value of an element
	value, end int
}

// jsonItems returns what an object or array holds; nothing for other values.
func jsonItems(b []byte) (items []jsonItem) {
	i := skipSpace(b, 0)
	if i >= len(b) || b[i] != '{' && b[i] != '[' {
		return nil
	}
	object := b[i] == '{'
	for i = skipSpace(b, i+1); i < len(b) && b[i] != '}' && b[i] != ']'; i = skipSpace(b, i) {
		it := jsonItem{start: i}
		if object {
			end := skipString(b, i)
			name, _ := jsontext.AppendUnquote(nil, b[i:end])
			it.name = string(name)
			i = skipSpace(b, skipSpace(b, end)+1) // over the colon
		}
		it.value = i
		it.end = skipValue(b, i)
		items = append(items, it)
		if i = skipSpace(b, it.end); i < len(b) && b[i] == ',' {
			i = skipSpace(b, i+1)
		}
	}
	return items
}

// jsonText returns the text of a string, "" for other values.
func jsonText(b []byte) string {
	if len(b) == 0 || b[0] != '"' {
		return ""
	}
	s, _ := jsontext.AppendUnquote(nil, b)
	return string(s)
}

// replaced returns the JSON of a container in which items have other values, or are
// gone (nil). Bytes around items that stay next to each other stay.
func replaced(b []byte, items []jsonItem, values map[int][]byte) []byte {
	if len(items) == 0 || len(values) == 0 {
		return b
	}
	out := append([]byte(nil), b[:items[0].start]...)
	last := -1
	for i := range items {
		v, changed := values[i]
		if changed && v == nil {
			continue
		}
		switch {
		case last == i-1 && last >= 0:
			out = append(out, b[items[last].end:items[i].start]...)
		case last >= 0:
			out = append(out, ',')
		}
		out = append(out, b[items[i].start:items[i].value]...)
		if changed {
			out = append(out, v...)
		} else {
			out = append(out, b[items[i].value:items[i].end]...)
		}
		last = i
	}
	return append(out, b[items[len(items)-1].end:]...)
}
