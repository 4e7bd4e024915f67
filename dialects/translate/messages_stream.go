package translate

import (
	"bytes"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// messagesReader reads the events of a provider's stream.
type messagesReader struct {
	// ignored are the blocks of types that are not translated.
	ignored map[int64]bool
}

func (q *messagesReader) read(data []byte, emit func(Delta)) (end bool, err error) {
	if bytes.Equal(bytes.TrimSpace(data), chatDone) { // of compatible servers
		return false, nil
	}
	var ev struct {
		Type    string        `json:"type"`
		Index   int64         `json:"index"`
		Message messagesBody  `json:"message"`
		Block   messagesBlock `json:"content_block"`
		Delta   struct {
			Type       string `json:"type"`
			Text       string `json:"text"`
			Thinking   string `json:"thinking"`
			Signature  string `json:"signature"`
			Partial    string `json:"partial_json"`
			StopReason string `json:"stop_reason"`
			Sequence   string `json:"stop_sequence"`
		} `json:"delta"`
	}
	if err := decodeAnswer(data, &ev); err != nil {
		return false, err
	}
	switch ev.Type {
	case "message_start":
		emit(Delta{Kind: DeltaStart, ID: ev.Message.ID, Model: ev.Message.Model, Tier: ev.Message.Usage.Tier})
	case "content_block_start":
		q.block(ev.Index, &ev.Block, emit)
	case "content_block_delta":
		if q.ignored[ev.Index] {
			return false, nil
		}
		switch d := &ev.Delta; d.Type {
		case "text_delta":
			emit(Delta{Kind: DeltaText, Part: ev.Index, Text: d.Text})
		case "thinking_delta":
			emit(Delta{Kind: DeltaReasoning, Part: ev.Index, Text: d.Thinking})
		case "signature_delta":
			if d.Signature != "" {
				emit(Delta{Kind: DeltaSeal, Part: ev.Index, Seal: signature(d.Signature)})
			}
		case "input_json_delta":
			if d.Partial != "" {
				emit(Delta{Kind: DeltaArgs, Part: ev.Index, Text: d.Partial})
			}
		}
	case "message_delta":
		if ev.Delta.StopReason != "" {
			emit(Delta{Kind: DeltaFinish, Finish: messagesFinish(ev.Delta.StopReason), Sequence: ev.Delta.Sequence})
		}
	case "message_stop":
		return true, nil
	case "ping":
		emit(Delta{Kind: DeltaPing})
	}
	return false, nil
}

func (q *messagesReader) block(index int64, b *messagesBlock, emit func(Delta)) {
	switch b.Type {
	case "text":
		if b.Text != "" {
			emit(Delta{Kind: DeltaText, Part: index, Text: b.Text})
		}
	case "thinking":
		if b.Thinking != "" {
			emit(Delta{Kind: DeltaReasoning, Part: index, Text: b.Thinking})
		}
		if b.Signature != "" {
			emit(Delta{Kind: DeltaSeal, Part: index, Seal: signature(b.Signature)})
		}
	case "redacted_thinking":
		emit(Delta{Kind: DeltaSeal, Part: index, Seal: Seal{Origin: llm.Messages, Kind: sealRedacted, Data: b.Data}})
	case "tool_use":
		emit(Delta{Kind: DeltaTool, Part: index, ID: b.ID, Name: b.Name})
		// Compatible servers give the whole input at once.
		if !absent(b.Input) && b.Input.Kind() == '{' && !emptyObject(b.Input) {
			emit(Delta{Kind: DeltaArgs, Part: index, Text: string(b.Input)})
		}
	default:
		if q.ignored == nil {
			q.ignored = make(map[int64]bool)
		}
		q.ignored[index] = true
	}
}

// messagesWriter writes the events of a client's stream. Blocks come strictly one
// after the other: what belongs to a later one waits until the open one is done.
type messagesWriter struct {
	c     *Call
	begun bool
	// open is the part whose block is open, by its kind; index is the number of
	// that block.
	open  *messagesOut
	index int64
	parts map[int64]*messagesOut
	// queue are the parts that wait, in order, waiting the pieces of each.
	queue   []int64
	waiting map[int64][]Delta
	seals   map[int64]Seal
	called  bool
	finish  *Delta
}

// messagesOut is a part on its way to the client.
type messagesOut struct {
	part   int64
	kind   DeltaKind // DeltaText, DeltaReasoning or DeltaTool
	id     string
	closed bool
	args   balance
	// seal came when the block of the call was open: it follows it.
	seal Seal
}

// balance follows the text of a JSON object to its closing brace.
type balance struct {
	depth    int
	begun    bool
	str, esc bool
}

func (q *balance) feed(s string) {
	for i := range len(s) {
		switch c := s[i]; {
		case q.esc:
			q.esc = false
		case q.str:
			q.esc, q.str = c == '\\', c != '"'
		case c == '"':
			q.str = true
		case c == '{' || c == '[':
			q.depth++
			q.begun = true
		case c == '}' || c == ']':
			q.depth--
		}
	}
}

// done reports whether the object is complete.
func (q *balance) done() bool { return q.begun && q.depth <= 0 }

func newMessagesWriter(c *Call) eventWriter {
	return &messagesWriter{c: c, index: -1, parts: make(map[int64]*messagesOut), waiting: make(map[int64][]Delta), seals: make(map[int64]Seal)}
}

// event begins an event with its name, up to the type in its data.
func event(dst []byte, name string) []byte {
	dst = append(append(append(dst, "event: "...), name...), "\ndata: {\"type\":\""...)
	return append(append(dst, name...), '"')
}

const endOfEvent = "}\n\n"

func (w *messagesWriter) start(dst []byte, d *Delta) []byte {
	w.begun = true
	b := keyString(append(event(dst, "message_start"), `,"message":{`...), "id", w.c.id("msg_", d.ID))
	b = keyString(append(b, `,"type":"message","role":"assistant"`...), "model", w.c.model(d.Model))
	b = append(b, `,"content":[],"stop_reason":null,"stop_sequence":null`...)
	// What was read is known at the end: message_delta says it.
	return append(append(appendMessagesUsage(key(b, "usage"), llm.Usage{}), '}'), endOfEvent...)
}

func (w *messagesWriter) write(dst []byte, d *Delta) []byte {
	if d.Kind == DeltaPing {
		if !w.begun {
			return append(dst, ": ping\n\n"...)
		}
		return append(event(dst, "ping"), endOfEvent...)
	}
	if d.Choice != 0 {
		return dst
	}
	if !w.begun {
		dst = w.start(dst, d)
	}
	switch d.Kind {
	case DeltaStart, DeltaLogprobs:
	case DeltaFinish:
		if w.finish == nil {
			f := *d
			w.finish = &f
		}
	default:
		if w.waits(d) {
			if w.waiting[d.Part] == nil {
				w.queue = append(w.queue, d.Part)
			}
			w.waiting[d.Part] = append(w.waiting[d.Part], *d)
			return dst
		}
		dst = w.piece(dst, d)
		if w.open == nil || w.open.done() {
			dst = w.release(dst)
		}
	}
	return dst
}

// done reports whether nothing more can come for a part, as far as it shows.
func (o *messagesOut) done() bool { return o.kind == DeltaTool && o.args.done() }

// waits reports whether a piece must wait: another tool call is open and not
// complete, or something waits already that came before.
func (w *messagesWriter) waits(d *Delta) bool {
	if w.open == nil || w.open.part == d.Part {
		return false
	}
	return len(w.queue) > 0 || w.open.kind == DeltaTool && !w.open.done()
}

// release sends what has waited, as far as it can go now: all pieces of the part
// that is first in the queue, then of the next.
func (w *messagesWriter) release(dst []byte) []byte {
	for len(w.queue) > 0 && (w.open == nil || w.open.kind != DeltaTool || w.open.done()) {
		part := w.queue[0]
		pieces := w.waiting[part]
		w.queue = w.queue[1:]
		delete(w.waiting, part)
		for i := range pieces {
			dst = w.piece(dst, &pieces[i])
		}
	}
	return dst
}

// piece writes a piece whose turn it is.
func (w *messagesWriter) piece(dst []byte, d *Delta) []byte {
	switch d.Kind {
	case DeltaText, DeltaRefusal:
		if d.Text == "" {
			return dst
		}
		dst = w.block(dst, d.Part, DeltaText, d)
		return w.delta(dst, "text_delta", "text", d.Text)
	case DeltaReasoning:
		if d.Text == "" {
			return dst
		}
		dst = w.block(dst, d.Part, DeltaReasoning, d)
		return w.delta(dst, "thinking_delta", "thinking", d.Text)
	case DeltaSeal:
		return w.seal(dst, d)
	case DeltaTool:
		if s, sealed := w.seals[d.Part]; sealed {
			delete(w.seals, d.Part)
			dst = w.callSeal(w.close(dst), s, w.c.callID(d.ID, int(d.Part)))
		}
		w.called = true
		return w.block(dst, d.Part, DeltaTool, d)
	case DeltaArgs:
		o := w.parts[d.Part]
		if o == nil || o.closed {
			return dst // behind its end
		}
		if !o.args.begun {
			switch strings.TrimSpace(d.Text) {
			case "", "null": // no object at all
				return dst
			}
		}
		o.args.feed(d.Text)
		return w.delta(dst, "input_json_delta", "partial_json", d.Text)
	}
	return dst
}

// seal writes what belongs to reasoning into its block. That of a tool call waits
// for the id of the call.
func (w *messagesWriter) seal(dst []byte, d *Delta) []byte {
	o := w.parts[d.Part]
	switch {
	case o != nil && o.kind == DeltaTool:
		if o.closed {
			return w.callSeal(w.close(dst), d.Seal, o.id)
		}
		o.seal = d.Seal
		return dst
	case d.Seal.Kind == sealCall || o == nil && d.Seal.Origin == llm.GenerateContent:
		w.seals[d.Part] = d.Seal
		return dst
	case d.Seal.Origin == llm.Messages && d.Seal.Kind == sealRedacted:
		dst = w.close(dst)
		w.index++
		b := keyInt(event(dst, "content_block_start"), "index", w.index)
		b = append(append(keyString(append(b, `,"content_block":{"type":"redacted_thinking"`...), "data", d.Seal.Data), '}'), endOfEvent...)
		return append(keyInt(event(b, "content_block_stop"), "index", w.index), endOfEvent...)
	}
	dst = w.block(dst, d.Part, DeltaReasoning, d)
	return w.delta(dst, "signature_delta", "signature", clientSignature(d.Seal))
}

// callSeal writes the seal of a tool call as a block of its own, where none is
// open.
func (w *messagesWriter) callSeal(dst []byte, s Seal, id string) []byte {
	s.Kind, s.ID = sealCall, toolID(id)
	w.index++
	b := keyInt(event(dst, "content_block_start"), "index", w.index)
	b = append(append(b, `,"content_block":{"type":"thinking","thinking":"","signature":""}`...), endOfEvent...)
	b = w.delta(b, "signature_delta", "signature", packSeal(s))
	return append(keyInt(event(b, "content_block_stop"), "index", w.index), endOfEvent...)
}

// block makes sure that the block of a part is open.
func (w *messagesWriter) block(dst []byte, part int64, kind DeltaKind, d *Delta) []byte {
	if w.open != nil && w.open.part == part && w.open.kind == kind {
		return dst
	}
	dst = w.close(dst)
	w.open = &messagesOut{part: part, kind: kind}
	w.parts[part] = w.open
	w.index++
	b := keyInt(event(dst, "content_block_start"), "index", w.index)
	switch kind {
	case DeltaTool:
		w.open.id = w.c.callID(d.ID, int(part))
		b = keyString(append(b, `,"content_block":{"type":"tool_use"`...), "id", toolID(w.open.id))
		b = append(keyString(b, "name", w.c.toolName(d.Name)), `,"input":{}}`...)
	case DeltaReasoning:
		b = append(b, `,"content_block":{"type":"thinking","thinking":"","signature":""}`...)
	default:
		b = append(b, `,"content_block":{"type":"text","text":""}`...)
	}
	return append(b, endOfEvent...)
}

func (w *messagesWriter) delta(dst []byte, typ, member, text string) []byte {
	b := keyInt(event(dst, "content_block_delta"), "index", w.index)
	b = keyString(append(key(b, "delta"), '{'), "type", typ)
	return append(append(keyString(b, member, text), '}'), endOfEvent...)
}

// close ends the open block.
func (w *messagesWriter) close(dst []byte) []byte {
	if w.open == nil {
		return dst
	}
	o := w.open
	o.closed, w.open = true, nil
	dst = append(keyInt(event(dst, "content_block_stop"), "index", w.index), endOfEvent...)
	if o.seal.Origin != llm.DialectNone {
		dst = w.callSeal(dst, o.seal, o.id)
	}
	return dst
}

func (w *messagesWriter) end(dst []byte, u llm.Usage) []byte {
	if !w.begun {
		dst = w.start(dst, &Delta{})
	}
	for len(w.queue) > 0 {
		dst = w.release(w.close(dst))
	}
	dst = w.close(dst)
	f := Delta{Finish: FinishStop}
	switch {
	case w.finish != nil:
		f = *w.finish
	case w.called: // the provider ended without a reason
		f.Finish = FinishTools
	}
	reason := w.c.messagesReason(f.Finish, f.Sequence)
	b := keyString(append(event(dst, "message_delta"), `,"delta":{`...), "stop_reason", reason)
	if reason == "stop_sequence" && f.Sequence != "" {
		b = keyString(b, "stop_sequence", f.Sequence)
	} else {
		b = keyRaw(b, "stop_sequence", "null")
	}
	b = append(appendMessagesUsage(key(append(b, '}'), "usage"), u), endOfEvent...)
	return append(event(b, "message_stop"), endOfEvent...)
}
