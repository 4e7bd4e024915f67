package dialects

import (
	"bytes"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Aside is a value of a request that no model is shown, and that the provider reads and
// keeps all the same: who its user is, labels, and where the answer stops.
type Aside struct {
	// Name is "user", "metadata" or "stop", in every dialect.
	Name string
	// Path says where it stands: "metadata", "generationConfig.stopSequences".
	Path string
	// Span is the value.
	Span llm.Span
}

// asides are the members that are asides, and within which members others are.
var (
	asides = map[string]string{
		"user": "user", "safety_identifier": "user", "prompt_cache_key": "cache", "metadata": "metadata", "labels": "metadata", "stop": "stop", "stop_sequences": "stop",
	}
	asidesWithin = map[string]map[string]string{
		"generationConfig":  {"stopSequences": "stop", "stop_sequences": "stop"},
		"generation_config": {"stopSequences": "stop", "stop_sequences": "stop"},
		"options":           {"stop": "stop"},
	}
)

// Asides returns them in the order in which they stand.
func Asides(raw []byte) []Aside { return asidesIn(raw, 0, "", asides) }

func asidesIn(raw []byte, offset int, path string, names map[string]string) (out []Aside) {
	eachMember(raw, func(member string, at llm.Span) {
		at.Start, at.End = at.Start+offset, at.End+offset
		if name := names[member]; name != "" {
			out = append(out, Aside{Name: name, Path: path + member, Span: at})
		} else if within := asidesWithin[member]; within != nil && path == "" {
			out = append(out, asidesIn(raw[at.Start:at.End], at.Start, member+".", within)...)
		}
	})
	return out
}

// eachMember calls f with the members of a JSON object, if it is one.
func eachMember(raw []byte, f func(name string, at llm.Span)) {
	dec := jsontext.NewDecoder(bytes.NewReader(raw), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if t, err := dec.ReadToken(); err != nil || t.Kind() != '{' {
		return
	}
	for dec.PeekKind() == '"' {
		t, err := dec.ReadToken()
		if err != nil {
			return
		}
		name := t.String()
		v, err := dec.ReadValue()
		if err != nil {
			return
		}
		end := int(dec.InputOffset())
		f(name, llm.Span{Start: end - len(v), End: end})
	}
}

// Texts calls f with the texts of the aside: of a string itself, of the elements of a list,
// and of the members of an object, of which name is the name. What is no text is given as
// JSON.
func (a Aside) Texts(raw []byte, f func(name, path, text string, at llm.Span)) {
	v := jsontext.Value(raw[a.Span.Start:a.Span.End])
	switch v.Kind() {
	case '{':
		eachMember(v, func(name string, at llm.Span) {
			at.Start, at.End = at.Start+a.Span.Start, at.End+a.Span.Start
			f(name, a.Path+"."+name, textOf(raw[at.Start:at.End]), at)
		})
	case '[':
		dec := jsontext.NewDecoder(bytes.NewReader(v), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
		if _, err := dec.ReadToken(); err != nil {
			return
		}
		for i := 0; dec.PeekKind() != ']'; i++ {
			element, err := dec.ReadValue()
			if err != nil {
				return
			}
			end := a.Span.Start + int(dec.InputOffset())
			f("", a.Path+"["+strconv.Itoa(i)+"]", textOf(element), llm.Span{Start: end - len(element), End: end})
		}
	case 'n':
	default:
		f("", a.Path, textOf(v), a.Span)
	}
}

// textOf is the text of a string, and the JSON of anything else.
func textOf(v jsontext.Value) string {
	if v.Kind() != '"' {
		return string(v)
	}
	return string(strictjson.AppendUnescaped(nil, v[1:len(v)-1]))
}
