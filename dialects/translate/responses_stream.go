package translate

import (
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// responsesWriter writes the events of a stream for a Responses client. Texts and
// reasoning are closed when something else begins; tool calls stay open until
// the end, because other dialects mix the pieces of parallel ones.
type responsesWriter struct {
	shell   responsesShell
	seq     int64
	started bool
	items   []*openItem
	// last is the text or reasoning that is open, nil if none is.
	last     *openItem
	finish   Finish
	refused  bool
	finished bool
}

// openItem is an item on its way.
type openItem struct {
	outItem
	index  int
	part   int64 // the provider's number of the part
	begun  bool  // a content part or summary part is open
	closed bool
	unwrap *unwrapper
}

func newResponsesWriter(c *Call) eventWriter {
	return &responsesWriter{shell: newResponsesShell(c)}
}

// open begins an event: its name, and the members that all have.
func (w *responsesWriter) open(b []byte, name string) []byte {
	b = append(append(b, "event: "...), name...)
	b = append(append(b, "\ndata: {\"type\":\""...), name...)
	b = append(b, `","sequence_number":`...)
	b = strconv.AppendInt(b, w.seq, 10)
	w.seq++
	return b
}

// close ends an event.
func closeEvent(b []byte) []byte { return append(b, "}\n\n"...) }

// about appends the members that say which item an event belongs to.
func (it *openItem) about(b []byte) []byte {
	b = keyInt(b, "output_index", int64(it.index))
	return keyString(b, "item_id", it.id)
}

// inside appends those that say which part of it.
func (it *openItem) inside(b []byte) []byte {
	b = it.about(b)
	if it.kind == outReasoning {
		return append(b, `,"summary_index":0`...)
	}
	return keyInt(b, "content_index", int64(len(it.parts)-1))
}

// response appends an event that carries the response object.
func (w *responsesWriter) response(b []byte, name string, u *llm.Usage) []byte {
	var items []*outItem
	if u != nil {
		items = make([]*outItem, len(w.items))
		for i, it := range w.items {
			items[i] = &it.outItem
		}
	}
	b = key(w.open(b, name), "response")
	return closeEvent(w.shell.append(b, items, u))
}

func (w *responsesWriter) start(b []byte) []byte {
	if w.started {
		return b
	}
	w.started = true
	b = w.response(b, "response.created", nil)
	return w.response(b, "response.in_progress", nil)
}

func (w *responsesWriter) write(b []byte, d *Delta) []byte {
	if d.Choice != 0 { // there is one answer in this dialect
		return b
	}
	switch d.Kind {
	case DeltaPing:
		return append(b, ": keep-alive\n\n"...)
	case DeltaStart:
		if !w.started {
			w.shell.model, w.shell.created = d.Model, d.Created
			w.tier(d.Tier)
		}
		return w.start(b)
	}
	b = w.start(b)
	switch d.Kind {
	case DeltaText, DeltaRefusal:
		return w.text(b, d)
	case DeltaReasoning:
		return w.reasoning(b, d)
	case DeltaSeal:
		return w.seal(b, d)
	case DeltaTool:
		return w.tool(b, d)
	case DeltaArgs:
		return w.args(b, d)
	case DeltaLogprobs:
		if w.last != nil && w.last.kind == outMessage && w.last.begun {
			w.last.parts[len(w.last.parts)-1].addLogprobs(d.Raw)
		}
	case DeltaFinish:
		w.finish = d.Finish
		w.tier(d.Tier)
	}
	return b
}

func (w *responsesWriter) tier(s string) {
	if s != "" {
		w.shell.tier = s
	}
}

// add begins an item.
func (w *responsesWriter) add(b []byte, it *openItem) ([]byte, *openItem) {
	it.index = len(w.items)
	it.id = w.shell.itemID(it.kind, it.index)
	w.items = append(w.items, it)
	b = keyInt(w.open(b, "response.output_item.added"), "output_index", int64(it.index))
	b = it.append(key(b, "item"), "in_progress", true)
	return closeEvent(b), it
}

func (w *responsesWriter) text(b []byte, d *Delta) []byte {
	refusal := d.Kind == DeltaRefusal
	if d.Text == "" {
		return b
	}
	it := w.last
	if it == nil || it.kind != outMessage {
		b, it = w.add(w.settle(b), &openItem{outItem: outItem{kind: outMessage}})
		w.last = it
	} else if it.begun && (it.part != d.Part || it.parts[len(it.parts)-1].refusal != refusal) {
		b = w.endPart(b, it)
	}
	if !it.begun {
		it.begun, it.part = true, d.Part
		it.parts = append(it.parts, outPart{refusal: refusal})
		b = key(it.inside(w.open(b, "response.content_part.added")), "part")
		b = closeEvent(it.parts[len(it.parts)-1].append(b, true))
	}
	p := &it.parts[len(it.parts)-1]
	p.text = append(p.text, d.Text...)
	if refusal {
		w.refused = true
		return closeEvent(keyString(it.inside(w.open(b, "response.refusal.delta")), "delta", d.Text))
	}
	b = keyString(it.inside(w.open(b, "response.output_text.delta")), "delta", d.Text)
	return closeEvent(append(b, `,"logprobs":[]`...))
}

// endPart closes the open part of a message.
func (w *responsesWriter) endPart(b []byte, it *openItem) []byte {
	if !it.begun {
		return b
	}
	it.begun = false
	p := &it.parts[len(it.parts)-1]
	if p.refusal {
		b = key(it.inside(w.open(b, "response.refusal.done")), "refusal")
		b, _ = jsontext.AppendQuote(b, p.text)
	} else {
		b = key(it.inside(w.open(b, "response.output_text.done")), "text")
		b, _ = jsontext.AppendQuote(b, p.text)
		b = append(append(append(b, `,"logprobs":[`...), p.logprobs...), ']')
	}
	b = key(it.inside(w.open(closeEvent(b), "response.content_part.done")), "part")
	return closeEvent(p.append(b, false))
}

// reasoningItem returns the open reasoning item of a part, a new one if it is not
// the one that is open.
func (w *responsesWriter) reasoningItem(b []byte, part int64) ([]byte, *openItem) {
	if it := w.last; it != nil && it.kind == outReasoning && it.part == part {
		return b, it
	}
	b, it := w.add(w.settle(b), &openItem{outItem: outItem{kind: outReasoning}, part: part})
	w.last = it
	return b, it
}

func (w *responsesWriter) reasoning(b []byte, d *Delta) []byte {
	if d.Text == "" {
		return b
	}
	b, it := w.reasoningItem(b, d.Part)
	if !it.begun {
		it.begun = true
		b = it.inside(w.open(b, "response.reasoning_summary_part.added"))
		b = closeEvent(append(b, `,"part":{"type":"summary_text","text":""}`...))
	}
	it.text = append(it.text, d.Text...)
	return closeEvent(keyString(it.inside(w.open(b, "response.reasoning_summary_text.delta")), "delta", d.Text))
}

// seal keeps a seal for the reasoning that it belongs to, or lets it travel in an
// item of its own: for a tool call, which has no place for it, and for reasoning
// that is not shown or was closed.
func (w *responsesWriter) seal(b []byte, d *Delta) []byte {
	if d.Seal.Origin == llm.DialectNone {
		return b
	}
	call := d.Seal.ID
	if it := w.callOf(d.Part); it != nil {
		call = it.callID
	} else if d.Seal.Kind != sealCall {
		call = ""
	}
	if call != "" {
		b, it := w.add(w.settle(b), &openItem{outItem: *callSeal(d.Seal, call)})
		return w.done(b, it)
	}
	b, it := w.reasoningItem(b, d.Part)
	if it.seal.Origin == d.Seal.Origin && it.seal.Data != "" && it.seal.ID == d.Seal.ID && it.seal.Kind == d.Seal.Kind && d.Seal.Origin == llm.Messages {
		it.seal.Data += d.Seal.Data // a signature may come in pieces
		return b
	}
	it.seal = d.Seal
	return b
}

// callOf returns the open tool call of a part, nil if there is none.
func (w *responsesWriter) callOf(part int64) *openItem {
	for i := len(w.items) - 1; i >= 0; i-- {
		if it := w.items[i]; it.kind >= outCall && it.part == part && !it.closed {
			return it
		}
	}
	return nil
}

func (w *responsesWriter) tool(b []byte, d *Delta) []byte {
	if w.callOf(d.Part) != nil {
		return b // some servers repeat the head with every piece
	}
	it := &openItem{part: d.Part}
	it.named(w.shell.c.request, d.Name, d.Custom)
	if it.kind == outCustom && !d.Custom {
		it.unwrap = new(unwrapper)
	}
	it.callID = d.ID
	if it.callID == "" {
		it.callID = w.shell.callID(len(w.items))
	}
	b, _ = w.add(w.settle(b), it)
	return b
}

func (w *responsesWriter) args(b []byte, d *Delta) []byte {
	it := w.callOf(d.Part)
	if it == nil || d.Text == "" {
		return b
	}
	s := d.Text
	if it.unwrap != nil {
		s = it.unwrap.feed(s)
	}
	return w.piece(b, it, s)
}

// piece appends the next piece of a call's arguments.
func (w *responsesWriter) piece(b []byte, it *openItem, s string) []byte {
	if s == "" {
		return b
	}
	it.text = append(it.text, s...)
	name := "response.function_call_arguments.delta"
	switch it.kind {
	case outCustom:
		name = "response.custom_tool_call_input.delta"
	case outSearch:
		return b // comes whole
	}
	return closeEvent(keyString(it.about(w.open(b, name)), "delta", s))
}

// settle closes the text or reasoning that is open.
func (w *responsesWriter) settle(b []byte) []byte {
	if w.last != nil {
		b = w.done(b, w.last)
		w.last = nil
	}
	return b
}

// done closes an item.
func (w *responsesWriter) done(b []byte, it *openItem) []byte {
	if it.closed {
		return b
	}
	it.closed = true
	switch it.kind {
	case outMessage:
		b = w.endPart(b, it)
	case outReasoning:
		if it.begun {
			b = key(it.inside(w.open(b, "response.reasoning_summary_text.done")), "text")
			b, _ = jsontext.AppendQuote(b, it.text)
			b = it.inside(w.open(closeEvent(b), "response.reasoning_summary_part.done"))
			b = append(b, `,"part":{"type":"summary_text","text":`...)
			b, _ = jsontext.AppendQuote(b, it.text)
			b = closeEvent(append(b, '}'))
		}
	case outCall:
		if len(it.text) == 0 {
			b = w.piece(b, it, "{}")
		}
		b = key(keyString(it.about(w.open(b, "response.function_call_arguments.done")), "name", it.name), "arguments")
		b, _ = jsontext.AppendQuote(b, it.text)
		b = closeEvent(b)
	case outCustom:
		if it.unwrap != nil {
			b = w.piece(b, it, it.unwrap.rest())
		}
		b = key(it.about(w.open(b, "response.custom_tool_call_input.done")), "input")
		b, _ = jsontext.AppendQuote(b, it.text)
		b = closeEvent(b)
	}
	status := "completed"
	if w.finished && w.shell.status != status && it.index == len(w.items)-1 {
		status = "incomplete"
	}
	b = keyInt(w.open(b, "response.output_item.done"), "output_index", int64(it.index))
	b = it.append(key(b, "item"), status, false)
	return closeEvent(b)
}

func (w *responsesWriter) end(b []byte, u llm.Usage) []byte {
	b = w.start(b)
	w.finished = true
	w.shell.end(w.finish, w.refused)
	for _, it := range w.items {
		b = w.done(b, it)
	}
	return w.response(b, "response."+w.shell.status, &u)
}
