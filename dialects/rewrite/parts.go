package rewrite

import (
	"bytes"
	"io"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Google's answers bring a text in several parts also when they are whole, and without
// alt=sse a stream is one JSON array of its chunks. Clients put the parts together, so
// they are one text here, too.

// parted is a string of such an answer: its place, and what becomes of it.
type parted struct {
	at        llm.Span
	text, out string
}

// parts is Body for these.
func (r *Rewriter) parts(b []byte) ([]byte, error) {
	var p partsReader
	p.r = r
	r.more = true // all texts end with the answer
	dec := jsontext.NewDecoder(bytes.NewReader(b), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	left := maxWholeNodes
	chunk := func() error {
		v, err := dec.ReadValue()
		if err != nil {
			return err
		}
		end := int(dec.InputOffset())
		n, err := p.chunk(b[end-len(v):end], end-len(v), left)
		left -= n
		return err
	}
	if dec.PeekKind() == '[' {
		if _, err := dec.ReadToken(); err != nil {
			return nil, err
		}
		for k := dec.PeekKind(); k != ']'; k = dec.PeekKind() {
			if err := chunk(); err != nil {
				return nil, err
			}
		}
		if _, err := dec.ReadToken(); err != nil {
			return nil, err
		}
	} else if err := chunk(); err != nil {
		return nil, err
	}
	if _, err := dec.ReadToken(); err != io.EOF {
		return nil, errTrailing
	}
	p.end(func(*channel) bool { return true })
	for i := range p.said {
		if s := &p.said[i]; s.out != s.text {
			p.edits = append(p.edits, llm.Edit{Span: s.at, New: strictjson.AppendQuotedHalves(nil, s.out)})
		}
	}
	if len(p.edits) == 0 {
		return b, nil
	}
	return splice(b, p.edits), nil
}

// partsReader reads the chunks of an answer.
type partsReader struct {
	r     *Rewriter
	edits []llm.Edit
	said  []parted
}

// chunk reads the chunk at an offset, with so many values at most; it returns how many it
// has.
func (p *partsReader) chunk(data []byte, offset, most int) (int, error) {
	root, err := parseUpTo(data, most)
	if err != nil {
		return 0, err
	}
	read := p.r.read(data, root)
	ended := read.ended()
	p.end(func(c *channel) bool { return ended(c) && !read.continues(c) })
	continued := make(map[*node]bool, len(read.pieces))
	for _, piece := range read.pieces {
		continued[piece.node] = true
		c := p.r.channel(piece)
		if c == nil {
			return 0, errTooComplex
		}
		n := piece.node
		c.last = len(p.said)
		p.said = append(p.said, parted{at: llm.Span{Start: offset + n.start, End: offset + n.end}, text: n.text, out: c.feed(n.text)})
	}
	p.end(ended)
	for _, e := range p.r.others(nil, data, root, continued, Text, false) {
		e.Span.Start, e.Span.End = e.Span.Start+offset, e.Span.End+offset
		p.edits = append(p.edits, e)
	}
	return root.count(), nil
}

// end ends channels; what they held belongs to their last string.
func (p *partsReader) end(which func(*channel) bool) {
	kept := p.r.streams[:0]
	for _, c := range p.r.streams {
		if which(c) {
			p.said[c.last].out += c.flush()
			continue
		}
		kept = append(kept, c)
	}
	clear(p.r.streams[len(kept):])
	p.r.streams = kept
}

// count returns how many values a tree has.
func (n *node) count() int {
	total := 1
	for i := range n.kids {
		total += n.kids[i].count()
	}
	return total
}
