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
	if err := w.value("", true); err != nil {
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
	w := walker{f: r.f, dec: jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))}
	if err := w.value("", false); err != nil {
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
	f     Filter
	dec   *jsontext.Decoder
	edits []llm.Edit
}

func (w *walker) value(name string, loose bool) error {
	kind := w.dec.PeekKind()
	if kind != '{' && kind != '[' {
		raw, err := w.dec.ReadValue()
		if err != nil || kind != '"' || !loose && opaque[name] {
			return err
		}
		text, err := jsontext.AppendUnquote(nil, raw)
		if err != nil && len(text) == 0 {
			return err
		}
		s := string(text)
		if out := w.f.Whole(wholeKind(name, loose), s); out != s {
			end := int(w.dec.InputOffset())
			w.edits = append(w.edits, llm.Edit{Span: llm.Span{Start: end - len(raw), End: end}, New: strictjson.AppendQuoted(nil, out)})
		}
		return nil
	}
	if _, err := w.dec.ReadToken(); err != nil {
		return err
	}
	for k := w.dec.PeekKind(); k != '}' && k != ']'; k = w.dec.PeekKind() {
		member := name
		if kind == '{' {
			var at llm.Span
			var err error
			if member, at, err = readName(w.dec); err != nil {
				return err
			}
			if loose {
				if out := w.f.Whole(Text, member); out != member {
					w.edits = append(w.edits, llm.Edit{Span: at, New: strictjson.AppendQuoted(nil, out)})
				}
			}
			if inner := w.dec.PeekKind(); !loose && isLogprobs(member) && (inner == '{' || inner == '[') {
				raw, err := w.dec.ReadValue()
				if err != nil {
					return err
				}
				end := int(w.dec.InputOffset())
				w.edits = append(w.edits, llm.Edit{Span: llm.Span{Start: end - len(raw), End: end}, New: nothing(inner)})
				continue
			}
		}
		if err := w.value(member, loose || kind == '{' && freed(name, member) && isContainer(w.dec.PeekKind())); err != nil {
			return err
		}
	}
	_, err := w.dec.ReadToken()
	return err
}

func isContainer(k jsontext.Kind) bool { return k == '{' || k == '[' }
