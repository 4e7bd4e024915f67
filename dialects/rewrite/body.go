package rewrite

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Strings returns a JSON value in which each string, names of members included, is what
// f makes of it: b itself if nothing changes, else a copy.
func Strings(b []byte, f func(string) string) ([]byte, error) {
	w := walker{f: simple(f), dec: jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))}
	if err := w.value("", Text, true); err != nil {
		return nil, err
	}
	if len(w.edits) == 0 {
		return b, nil
	}
	return llm.Splice(b, w.edits), nil
}

// simple is a Filter for whole strings only.
type simple func(string) string

func (simple) Stream(Kind) Stream              { return nil }
func (f simple) Whole(_ Kind, s string) string { return f(s) }

// Body returns what becomes of a whole answer: b itself if nothing changes, else
// a copy. An error says that it is no JSON document; then nothing of it may be
// sent.
func (r *Rewriter) Body(b []byte) ([]byte, error) {
	if r.d == llm.GenerateContent {
		return r.parts(b)
	}
	w := walker{r: r, f: r.f, raw: b, dec: jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))}
	if err := w.value("", Text, false); err != nil {
		return nil, err
	}
	if _, err := w.dec.ReadToken(); err != io.EOF {
		return nil, errTrailing
	}
	if len(w.edits) == 0 {
		return b, nil
	}
	return llm.Splice(b, w.edits), nil
}

var errTrailing = &jsontext.SyntacticError{Err: io.ErrUnexpectedEOF}

// walker visits every string of a document, which may be large: it makes no tree.
type walker struct {
	r     *Rewriter // nil for a value by itself
	f     Filter
	raw   []byte
	dec   *jsontext.Decoder
	edits []llm.Edit
}

func (w *walker) value(name string, around Kind, loose bool) error {
	kind := w.dec.PeekKind()
	if kind != '{' && kind != '[' {
		raw, err := w.dec.ReadValue()
		if err != nil || kind != '"' || !loose && opaque[name] {
			return err
		}
		s := string(strictjson.AppendHalves(nil, raw))
		if out := w.f.Whole(wholeKind(around, name, loose), s); out != s {
			end := int(w.dec.InputOffset())
			w.edits = append(w.edits, llm.Edit{Span: llm.Span{Start: end - len(raw), End: end}, New: strictjson.AppendQuotedHalves(nil, out)})
		}
		return nil
	}
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	g := glance{name: name}
	for k := w.dec.PeekKind(); k != '}' && k != ']'; k = w.dec.PeekKind() {
		member, inner := name, k
		if kind == '{' {
			var at llm.Span
			var err error
			if member, at, err = readName(w.dec); err != nil {
				return err
			}
			if loose {
				if out := w.f.Whole(Text, member); out != member {
					w.edits = append(w.edits, llm.Edit{Span: at, New: strictjson.AppendQuotedHalves(nil, out)})
				}
			}
			inner = w.dec.PeekKind()
			if w.r != nil && !loose {
				text, filled := w.peek()
				g.see(member, text, filled)
			}
			if w.r != nil && !loose && freed(name, member) && isContainer(inner) {
				if err := w.made(); err != nil {
					return err
				}
				continue
			}
			if w.r != nil && !loose && w.r.repeats(member, inner) && isContainer(inner) {
				raw, err := w.dec.ReadValue()
				if err != nil {
					return err
				}
				end := int(w.dec.InputOffset())
				w.edits = append(w.edits, llm.Edit{Span: llm.Span{Start: end - len(raw), End: end}, New: nothing(inner)})
				continue
			}
		}
		if kind == '{' && !loose && member == "type" && inner == '"' {
			typ, err := w.word()
			if err != nil {
				return err
			}
			around = kindWithin(around, typ)
			continue
		}
		if kind == '{' && !loose && plainData(member, g.typ) {
			member = g.typ
		}
		below := around
		if isContainer(inner) {
			below = kindBelow(around, member)
		}
		if err := w.value(member, below, loose); err != nil {
			return err
		}
	}
	if w.r != nil {
		w.r.note(g.part())
	}
	_, err := w.dec.ReadToken()
	return err
}

// peek says whether there is something in the value that comes next, and the text of a
// short string.
func (w *walker) peek() (text string, filled bool) {
	next := bytes.TrimLeft(w.raw[w.dec.InputOffset():], ": \t\r\n")
	switch kind := w.dec.PeekKind(); kind {
	case '"':
		if end := bytes.IndexByte(next[1:min(len(next), 256)], '"'); end >= 0 {
			v := jsontext.Value(next[:end+2])
			if v.IsValid(jsontext.AllowInvalidUTF8(true)) {
				text = string(strictjson.AppendHalves(nil, v))
			}
		}
		return text, !bytes.HasPrefix(next, []byte(`""`))
	case '{', '[':
		rest := bytes.TrimLeft(next[1:], " \t\r\n")
		return "", len(rest) > 0 && rest[0] != '}' && rest[0] != ']'
	default:
		return "", kind != 'n'
	}
}

// word reads a string that is no text.
func (w *walker) word() (string, error) {
	raw, err := w.dec.ReadValue()
	if err != nil {
		return "", err
	}
	return string(strictjson.AppendHalves(nil, raw)), nil
}

// made filters a value of the model's own making (see Rewriter.made).
func (w *walker) made() error {
	v, err := w.dec.ReadValue()
	if err != nil {
		return err
	}
	end := int(w.dec.InputOffset())
	at := llm.Span{Start: end - len(v), End: end}
	out, ok := filtered(w.f, v)
	if !ok {
		inner := walker{f: w.f, dec: jsontext.NewDecoder(bytes.NewReader(w.raw[at.Start:at.End]), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))}
		if err := inner.value("", Text, true); err != nil {
			return err
		}
		out = llm.Splice(w.raw[at.Start:at.End], inner.edits)
	}
	if out != nil {
		w.edits = append(w.edits, llm.Edit{Span: at, New: out})
	}
	return nil
}

func isContainer(k jsontext.Kind) bool { return k == '{' || k == '[' }
