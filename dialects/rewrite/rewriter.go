package rewrite

import (
	"bytes"
	"cmp"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Rewriter rewrites one answer. It is not safe for concurrent use.
type Rewriter struct {
	d       llm.Dialect
	f       Filter
	streams []*channel // in the order in which they began
	// seq is the number of the event at work, added counts those that the stream
	// did not have, which shifts the numbers of all after them (Responses).
	seq, added int64
	// calls are the ids of the tool calls of a chat that were last at each place.
	calls map[string]string
	// unread are the parts in which no filter can look.
	unread []string
	// last is an event that says that it is the last one, and may not be (Gemini); more
	// is true while such an event is read that was not.
	last []byte
	more bool
}

// New returns a rewriter for an answer in a dialect.
func New(d llm.Dialect, f Filter) *Rewriter { return &Rewriter{d: d, f: f} }

// maxChannels bounds the texts that a stream has at once.
const maxChannels = 1 << 12

// channel is one text of a stream.
type channel struct {
	key, group, part string
	stream           Stream
	// half is the beginning of a character that the last piece ended with.
	half string
	// last is the string that brought its last piece, of a whole answer.
	last int
	// frame is the last event that brought a piece of it, and at the place of
	// that string in the data: what was held back is sent in its likeness.
	frame frame
	at    llm.Span
}

// feed gives a piece to the filter, characters whole.
func (c *channel) feed(piece string) string {
	if c.half != "" {
		piece = strictjson.JoinHalves(c.half + piece)
	}
	piece, c.half = strictjson.CutHalf(piece)
	return c.stream.Feed(piece)
}

// flush returns what the filter held back: the text has ended.
func (c *channel) flush() string {
	rest := ""
	if c.half != "" {
		rest, c.half = c.stream.Feed(c.half), ""
	}
	return rest + c.stream.Flush()
}

// held reports whether anything is held back.
func (c *channel) held() bool { return c.half != "" || c.stream.Held() > 0 }

// piece is a string of an event that continues a channel.
type piece struct {
	node       *node
	key, group string
	kind       Kind
	// begin is the event for what is held of a text that this one has only begun; nil
	// where the event itself serves.
	begin *frame
	// part is what it belongs to within the group, or beside it; "" for nothing.
	part string
}

// reading is what an event means for the channels.
type reading struct {
	pieces []piece
	// ends are the groups and parts of channels that end with this event; all of
	// them if endAll.
	ends   []string
	endAll bool
	// partial are texts so far, which say again what came in pieces and may end within
	// what is looked for: they are emptied.
	partial []*node
}

// ended tells which channels end with the event.
func (r *reading) ended() func(*channel) bool {
	return func(c *channel) bool {
		return r.endAll || slices.Contains(r.ends, c.group) || c.part != "" && slices.Contains(r.ends, c.part)
	}
}

// continues reports whether the event has a piece of a channel.
func (r *reading) continues(c *channel) bool {
	return slices.ContainsFunc(r.pieces, func(p piece) bool { return p.key == c.key })
}

// Event appends to dst what becomes of one complete event, with whatever was held
// back and must come before it. Errors say that the event is no JSON or too
// complex to be examined; then nothing of it may be sent.
func (r *Rewriter) Event(dst, raw []byte) ([]byte, error) {
	if len(r.last) > 0 {
		last := r.last
		r.last, r.more = nil, true
		var err error
		dst, err = r.event(dst, last)
		if r.more = false; err != nil {
			return dst, err
		}
	}
	if r.d == llm.GenerateContent && len(r.streams) < maxChannels/2 && bytes.Contains(raw, []byte(`"finishReason"`)) {
		if root, err := parse(cut(r.d, raw).data); err == nil && slices.ContainsFunc(root.elements("candidates"), func(c node) bool { return finishes(&c) }) {
			r.last = bytes.Clone(raw)
			return dst, nil
		}
	}
	return r.event(dst, raw)
}

func (r *Rewriter) event(dst, raw []byte) ([]byte, error) {
	f := cut(r.d, raw)
	beside := f.said(r.f)
	data := bytes.TrimSpace(f.data)
	switch {
	case len(data) == 0 || string(data) == "[DONE]":
		if len(data) > 0 {
			dst = r.end(dst, func(*channel) bool { return true })
		}
		if beside {
			return f.append(dst), nil
		}
		return append(dst, raw...), nil
	}
	root, err := parse(f.data)
	if err != nil {
		return dst, err
	}
	seq := root.get("sequence_number")
	if seq != nil && seq.kind == '0' && r.d == llm.Responses {
		if n, err := strconv.ParseInt(string(f.data[seq.start:seq.end]), 10, 64); err == nil {
			r.seq = n
		}
	}
	read := r.read(f.data, root)
	ended := read.ended()
	dst = r.end(dst, func(c *channel) bool { return ended(c) && !read.continues(c) })
	var edits []llm.Edit
	continued := make(map[*node]bool, len(read.pieces))
	type held struct {
		c  *channel
		at *node
	}
	var waiting []held
	for i, p := range read.pieces {
		continued[p.node] = true
		c := r.channel(p)
		if c == nil {
			return dst, errTooComplex
		}
		text := c.feed(p.node.text)
		if ended(c) && !slices.ContainsFunc(read.pieces[i+1:], func(p piece) bool { return p.key == c.key }) {
			text += c.flush()
			r.drop(c)
		}
		if text != p.node.text {
			edits = append(edits, llm.Edit{Span: llm.Span{Start: p.node.start, End: p.node.end}, New: strictjson.AppendQuotedHalves(nil, text)})
		}
		switch {
		case c.held() && p.begin != nil:
			c.frame, c.at = *p.begin, llm.Span{Start: p.begin.text, End: p.begin.text + 2}
		case c.held():
			waiting = append(waiting, held{c, p.node})
		}
	}
	for _, n := range read.partial {
		continued[n] = true
		edits = append(edits, llm.Edit{Span: llm.Span{Start: n.start, End: n.end}, New: []byte(`""`)})
	}
	edits = r.others(edits, f.data, root, continued, Text, false)
	if len(waiting) > 0 {
		// The likeness says nothing but the held text: the other pieces of the
		// event have been sent.
		bare := slices.Clone(edits)
		for n := range continued {
			bare = slices.DeleteFunc(bare, func(e llm.Edit) bool { return e.Span.Start == n.start })
			bare = append(bare, llm.Edit{Span: llm.Span{Start: n.start, End: n.end}, New: []byte(`""`)})
		}
		likeness := splice(f.data, bare)
		for _, w := range waiting {
			shift := 0
			for _, e := range bare {
				if e.Span.Start < w.at.start {
					shift += len(e.New) - e.Span.Len()
				}
			}
			w.c.frame = frame{lines: bytes.Clone(f.lines), data: likeness, bare: f.bare}
			w.c.at = llm.Span{Start: w.at.start + shift, End: w.at.start + shift + 2}
		}
	}
	if r.added > 0 && seq != nil && seq.kind == '0' {
		edits = append(edits, r.number(seq))
	}
	if len(edits) == 0 && !beside {
		return append(dst, raw...), nil
	}
	f.data = splice(f.data, edits)
	return f.append(dst), nil
}

// End appends what is still held back, for a stream that ended without saying so
// of each text.
func (r *Rewriter) End(dst []byte) []byte {
	if len(r.last) > 0 {
		last := r.last
		r.last = nil
		dst, _ = r.event(dst, last) // it can be read, and there is room for its texts
	}
	r.seq++
	return r.end(dst, func(*channel) bool { return true })
}

// end ends channels and appends what they held, each in an event of its own.
func (r *Rewriter) end(dst []byte, which func(*channel) bool) []byte {
	for i := 0; i < len(r.streams); {
		c := r.streams[i]
		if !which(c) {
			i++
			continue
		}
		r.streams = slices.Delete(r.streams, i, i+1)
		text := c.flush()
		if text == "" || len(c.frame.data) == 0 {
			continue
		}
		f := c.frame
		edits := []llm.Edit{{Span: c.at, New: strictjson.AppendQuotedHalves(nil, text)}}
		if r.d == llm.Responses {
			if root, err := parse(f.data); err == nil {
				if n := root.get("sequence_number"); n != nil && n.kind == '0' {
					edits = append(edits, r.number(n))
					r.added++
				}
			}
		}
		f.data = splice(f.data, edits)
		dst = f.append(dst)
	}
	return dst
}

// number gives an event its place among those that are sent.
func (r *Rewriter) number(n *node) llm.Edit {
	return llm.Edit{Span: llm.Span{Start: n.start, End: n.end}, New: strconv.AppendInt(nil, r.seq+r.added, 10)}
}

// channel returns the channel of a piece, new or old; nil if there are too many.
func (r *Rewriter) channel(p piece) *channel {
	for _, c := range r.streams {
		if c.key == p.key {
			return c
		}
	}
	if len(r.streams) >= maxChannels {
		return nil
	}
	c := &channel{key: p.key, group: p.group, part: p.part, stream: r.f.Stream(p.kind)}
	r.streams = append(r.streams, c)
	return c
}

func (r *Rewriter) drop(c *channel) {
	r.streams = slices.DeleteFunc(r.streams, func(o *channel) bool { return o == c })
}

// others filters every string that continues nothing, and the names that a model has
// made. Log probabilities and numbers of tokens hold the same text once more, token by
// token; they are taken out.
func (r *Rewriter) others(edits []llm.Edit, data []byte, n *node, continued map[*node]bool, around Kind, loose bool) []llm.Edit {
	if n.kind == '{' && !loose {
		around = kindWithin(around, n.str("type"))
	}
	g := glance{name: n.name}
	for i := range n.kids {
		k := &n.kids[i]
		name := k.name
		if n.kind == '[' {
			name = n.name
		} else if !loose {
			g.see(name, k.text, k.text != "" || len(k.kids) > 0 || k.kind == '0' || k.kind == 't' || k.kind == 'f')
		}
		if loose && n.kind == '{' {
			if text := r.f.Whole(Text, k.name); text != k.name {
				edits = append(edits, llm.Edit{Span: k.named, New: strictjson.AppendQuotedHalves(nil, text)})
			}
		}
		switch {
		case !loose && n.kind == '{' && r.repeats(name, k.kind) && (k.kind == '{' || k.kind == '[' && len(k.kids) > 0):
			edits = append(edits, llm.Edit{Span: llm.Span{Start: k.start, End: k.end}, New: nothing(k.kind)})
		case k.kind == '"':
			if continued[k] || !loose && opaque[name] && !plainData(name, n.str("type")) {
				continue
			}
			if text := r.f.Whole(wholeKind(around, name, loose), k.text); text != k.text {
				edits = append(edits, llm.Edit{Span: llm.Span{Start: k.start, End: k.end}, New: strictjson.AppendQuotedHalves(nil, text)})
			}
		case k.kind == '{' || k.kind == '[':
			k.name = name // an element is called as its list
			if !loose && n.kind == '{' && freed(n.name, name) {
				edits = r.made(edits, data, k)
				continue
			}
			edits = r.others(edits, data, k, continued, kindBelow(around, name), loose)
		}
	}
	r.note(g.part())
	return edits
}

// made filters a value of the model's own making, as the text of JSON that a stream brings
// in pieces: where that does not stay JSON, string by string.
func (r *Rewriter) made(edits []llm.Edit, data []byte, n *node) []llm.Edit {
	raw := data[n.start:n.end]
	out, ok := filtered(r.f, raw)
	switch {
	case !ok:
		return r.others(edits, data, n, nil, Text, true)
	case out != nil:
		return append(edits, llm.Edit{Span: llm.Span{Start: n.start, End: n.end}, New: out})
	}
	return edits
}

// filtered returns what a filter makes of JSON, nil if that is the same; ok is false if
// it does not stay JSON.
func filtered(f Filter, raw []byte) (out []byte, ok bool) {
	text := string(raw)
	changed := f.Whole(Arguments, text)
	if changed == text {
		return nil, true
	}
	v := jsontext.Value(changed)
	return []byte(v), v.IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) && v.Kind() == jsontext.Value(raw).Kind()
}

// repeats reports whether a member repeats what was said in a form in which nothing can be
// found: log probabilities, and the numbers of tokens.
func (r *Rewriter) repeats(name string, kind byteKind) bool {
	switch name {
	case "logprobs", "logprobsResult", "prompt_logprobs", "completion_probabilities", "input_token_logprobs", "output_token_logprobs", "input_top_logprobs", "output_top_logprobs":
		return true // the longer names are of vLLM, llama.cpp and SGLang
	case "context":
		return r.d.Family() == llm.FamilyOllama && kind == '['
	case "token_ids", "prompt_token_ids", "tokens":
		return kind == '['
	}
	return false
}

// nothing is what stands for log probabilities that were taken out.
func nothing(kind byteKind) []byte {
	if kind == '[' {
		return []byte("[]")
	}
	return []byte("null")
}

func splice(data []byte, edits []llm.Edit) []byte {
	slices.SortFunc(edits, func(a, b llm.Edit) int { return cmp.Compare(a.Span.Start, b.Span.Start) })
	return bytes.Clone(llm.Splice(data, edits))
}
