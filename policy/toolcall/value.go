package toolcall

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
)

// maxValues bounds the values of one document: what is larger is no call of a tool.
const maxValues = 1 << 16

var errValues = fmt.Errorf("more than %d values", maxValues)

// value is a JSON value.
type value struct {
	kind    strictjson.Kind
	text    string  // of a string, decoded; of a number, as it is written
	number  float64 // of a number
	items   []value // of an array; of an object, by the order of names
	names   []string
	members map[string]int // place in items
}

// parse reads a document strictly: two readers cannot understand it differently.
func parse(text string) (value, error) {
	var s strictjson.Scanner
	s.Reset([]byte(text))
	p := parser{s: &s}
	v := p.value()
	if err := s.End(); err != nil && p.err == nil {
		return v, err
	}
	return v, p.err
}

type parser struct {
	s   *strictjson.Scanner
	n   int
	err error
}

func (p *parser) value() (v value) {
	if p.n++; p.n > maxValues {
		p.err = errValues
		p.s.Stop()
		return v
	}
	v.kind = p.s.Kind()
	switch v.kind {
	case strictjson.Object:
		v.members = map[string]int{}
		for m := p.s.Enter(nil); p.s.Member(&m); {
			name := strings.Clone(m.Name)
			v.members[name] = len(v.items)
			v.names = append(v.names, name)
			v.items = append(v.items, p.value())
		}
	case strictjson.Array:
		for l := p.s.Open(); p.s.Element(&l); {
			v.items = append(v.items, p.value())
		}
	case strictjson.String:
		v.text = strings.Clone(p.s.Text(p.s.Str()))
	case strictjson.Number:
		start, end := p.s.Skip()
		v.text = string(p.s.Data()[start:end])
		n, err := strconv.ParseFloat(v.text, 64)
		if err != nil && p.err == nil && p.s.Err() == nil {
			p.err = errors.New("a number that is too large")
			p.s.Stop()
		}
		v.number = n
	default:
		p.s.Skip()
	}
	return v
}

func (v *value) member(name string) (*value, bool) {
	i, ok := v.members[name]
	if !ok {
		return nil, false
	}
	return &v.items[i], true
}

func (v *value) equal(w *value) bool {
	if v.kind != w.kind {
		return false
	}
	switch v.kind {
	case strictjson.String:
		return v.text == w.text
	case strictjson.Number:
		return v.number == w.number
	case strictjson.Array:
		if len(v.items) != len(w.items) {
			return false
		}
		for i := range v.items {
			if !v.items[i].equal(&w.items[i]) {
				return false
			}
		}
	case strictjson.Object:
		if len(v.items) != len(w.items) {
			return false
		}
		for name, i := range v.members {
			other, ok := w.member(name)
			if !ok || !v.items[i].equal(other) {
				return false
			}
		}
	}
	return true
}

// Argument returns what stands in the arguments of a call at a path: names of
// members and places in arrays, joined by dots ("files.0.path"). A string is
// returned decoded, everything else as it is written; ok is false if there is
// nothing. It returns an error for arguments that are no JSON.
func Argument(arguments, path string) (text string, ok bool, err error) {
	var s strictjson.Scanner
	s.Reset([]byte(arguments))
	start, end := s.Skip()
	if err := s.End(); err != nil {
		return "", false, err
	}
	for step := range strings.SplitSeq(path, ".") {
		s.Reset([]byte(arguments[start:end]))
		base, found := start, false
		switch s.Kind() {
		case strictjson.Object:
			for m := s.Enter(nil); s.Member(&m); {
				if m.Name == step {
					a, b := s.Skip()
					start, end, found = base+a, base+b, true
				}
			}
		case strictjson.Array:
			want, err := strconv.Atoi(step)
			i := 0
			for l := s.Open(); s.Element(&l); i++ {
				a, b := s.Skip()
				if err == nil && i == want {
					start, end, found = base+a, base+b, true
				}
			}
		}
		if !found {
			return "", false, nil
		}
	}
	s.Reset([]byte(arguments[start:end]))
	if s.Kind() == strictjson.String {
		return s.Text(s.Str()), true, nil
	}
	return arguments[start:end], true, nil
}
