package rewrite

import (
	"bytes"
	"errors"
	"io"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// node is a JSON value of an event with its place in the bytes.
type node struct {
	kind       jsontext.Kind // '{', '[', '"', '0', 't', 'f' or 'n'
	name       string        // of a member, "" of an element
	named      llm.Span      // where the name stands, with quotes
	start, end int           // of the value, with quotes
	kids       []node        // of an object or array
	text       string        // of a string, decoded
}

// The bounds of an event, and of a whole answer: more is not an answer of a model.
const (
	maxNodes      = 1 << 17
	maxWholeNodes = 1 << 20
	maxDepth      = 128
)

var errTooComplex = errors.New("an event has too many values")

// parse reads one JSON document of an event into a tree.
func parse(data []byte) (*node, error) { return parseUpTo(data, maxNodes) }

func parseUpTo(data []byte, nodes int) (*node, error) {
	p := parser{left: nodes, dec: jsontext.NewDecoder(bytes.NewReader(data), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))}
	var root node
	if err := p.value(&root, 0); err != nil {
		return nil, err
	}
	if _, err := p.dec.ReadToken(); err != io.EOF {
		return nil, errTrailing
	}
	return &root, nil
}

// readName reads the name of a member, and where it stands.
func readName(dec *jsontext.Decoder) (name string, at llm.Span, err error) {
	raw, err := dec.ReadValue()
	if err != nil {
		return "", at, err
	}
	b, err := jsontext.AppendUnquote(nil, raw)
	if err != nil && len(b) == 0 {
		return "", at, err
	}
	end := int(dec.InputOffset())
	return string(b), llm.Span{Start: end - len(raw), End: end}, nil
}

type parser struct {
	dec  *jsontext.Decoder
	left int // how many values there may be
}

func (p *parser) value(to *node, depth int) error {
	if p.left--; p.left < 0 || depth > maxDepth {
		return errTooComplex
	}
	to.kind = p.dec.PeekKind()
	switch to.kind {
	case '{', '[':
		if _, err := p.dec.ReadToken(); err != nil {
			return err
		}
		to.start = int(p.dec.InputOffset()) - 1
		for k := p.dec.PeekKind(); k != '}' && k != ']'; k = p.dec.PeekKind() {
			var kid node
			if to.kind == '{' {
				var err error
				if kid.name, kid.named, err = readName(p.dec); err != nil {
					return err
				}
			}
			if err := p.value(&kid, depth+1); err != nil {
				return err
			}
			to.kids = append(to.kids, kid)
		}
		_, err := p.dec.ReadToken()
		to.end = int(p.dec.InputOffset())
		return err
	}
	raw, err := p.dec.ReadValue()
	if err != nil {
		return err
	}
	to.end = int(p.dec.InputOffset())
	to.start = to.end - len(raw)
	if to.kind == '"' {
		to.text = string(strictjson.AppendHalves(nil, raw))
	}
	return nil
}

// get returns a member, nil if there is none. Of members of one name it is the
// last, as most readers take it.
func (n *node) get(name string) *node {
	if n == nil || n.kind != '{' {
		return nil
	}
	for i := len(n.kids) - 1; i >= 0; i-- {
		if n.kids[i].name == name {
			return &n.kids[i]
		}
	}
	return nil
}

// str returns the text of a string member, "" if there is none.
func (n *node) str(name string) string {
	if m := n.get(name); m != nil && m.kind == '"' {
		return m.text
	}
	return ""
}

// raw returns the bytes of a member, "" if there is none.
func (n *node) raw(data []byte, name string) string {
	if m := n.get(name); m != nil {
		return string(data[m.start:m.end])
	}
	return ""
}

// place returns the bytes of the member index, or i where there is none: what stands
// first often has no number.
func (n *node) place(data []byte, i int) string {
	if at := n.raw(data, "index"); at != "" {
		return at
	}
	return strconv.Itoa(i)
}

// elements returns the elements of an array member.
func (n *node) elements(name string) []node {
	if m := n.get(name); m != nil && m.kind == '[' {
		return m.kids
	}
	return nil
}
