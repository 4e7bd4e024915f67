package translate

import (
	"bytes"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// responsesEvent is an event of any type.
type responsesEvent struct {
	Type      jsontext.Value `json:"type"`
	Delta     jsontext.Value `json:"delta"`
	Text      jsontext.Value `json:"text"`
	Refusal   jsontext.Value `json:"refusal"`
	Arguments jsontext.Value `json:"arguments"`
	Input     jsontext.Value `json:"input"`
	Logprobs  jsontext.Value `json:"logprobs"`
	Item      jsontext.Value `json:"item"`
	Response  jsontext.Value `json:"response"`
	Output    jsontext.Value `json:"output_index"`
	Content   jsontext.Value `json:"content_index"`
	Summary   jsontext.Value `json:"summary_index"`
}

// responsesReader reads the events of a Responses provider. Every event that says
// something may be missing but the deltas of what it says, or the other way
// round: what was not said in pieces is taken from the whole.
type responsesReader struct {
	started bool
	items   map[int64]*readItem
	tools   bool
	refused bool
}

// readItem is what was seen of an output item.
type readItem struct {
	open   bool // a tool call was announced
	done   bool
	custom bool
	// said are the content parts of which something came; summary is the part of
	// the summary that is being read, raw whether it is the reasoning itself.
	said     map[int64]bool
	summary  int64
	thinking bool
	raw      bool
	args     bool
}

// partsPerItem is the room for the content parts of an item in a Part number.
const partsPerItem = 1024

var doneData = []byte("[DONE]")

func (r *responsesReader) read(data []byte, emit func(Delta)) (bool, error) {
	if bytes.Equal(bytes.TrimSpace(data), doneData) {
		return false, nil // some servers add it
	}
	var e responsesEvent
	if err := decodeAnswer(data, &e); err != nil {
		return false, err
	}
	if absent(e.Type) || e.Type.Kind() != '"' {
		return false, nil
	}
	index := count(e.Output)
	part := index * partsPerItem
	typ := unquote(e.Type)
	switch typ {
	case "response.created", "response.in_progress", "response.completed", "response.incomplete", "response.queued":
		return r.response(typ, e.Response, emit)
	case "response.failed", "error":
		return false, fmt.Errorf("%w: the provider reports a failure", errAnswer)
	case "response.output_item.added", "response.output_item.done":
		if absent(e.Item) {
			return false, nil
		}
		var it responsesItem
		if err := decodeAnswer(e.Item, &it); err != nil {
			return false, err
		}
		r.start(emit, nil)
		if typ == "response.output_item.added" {
			r.added(&it, index, emit)
			return false, nil
		}
		return false, r.whole(&it, index, emit)
	}
	if !spoken(typ) {
		return false, nil // of another kind of tool, or of nobody's
	}
	r.start(emit, nil)
	it := r.item(index)
	content := count(e.Content)
	switch typ {
	case "response.output_text.delta":
		r.say(it, Delta{Kind: DeltaText, Part: part + content, Text: str(e.Delta)}, content, emit)
		if lp := chatLogprobs(e.Logprobs); lp != nil {
			emit(Delta{Kind: DeltaLogprobs, Part: part + content, Raw: lp})
		}
	case "response.output_text.done":
		if !it.said[content] {
			r.say(it, Delta{Kind: DeltaText, Part: part + content, Text: str(e.Text)}, content, emit)
		}
	case "response.refusal.delta":
		r.say(it, Delta{Kind: DeltaRefusal, Part: part + content, Text: str(e.Delta)}, content, emit)
	case "response.refusal.done":
		if !it.said[content] {
			r.say(it, Delta{Kind: DeltaRefusal, Part: part + content, Text: str(e.Refusal)}, content, emit)
		}
	case "response.reasoning_summary_text.delta", "response.reasoning_summary.delta":
		r.think(it, part, count(e.Summary), false, str(e.Delta), emit)
	case "response.reasoning_text.delta":
		r.think(it, part, content, true, str(e.Delta), emit)
	case "response.function_call_arguments.delta", "response.custom_tool_call_input.delta":
		r.arguments(it, part, str(e.Delta), emit)
	case "response.function_call_arguments.done":
		if !it.args {
			r.arguments(it, part, str(e.Arguments), emit)
		}
	case "response.custom_tool_call_input.done":
		if !it.args {
			r.arguments(it, part, str(e.Input), emit)
		}
	}
	return false, nil
}

// spoken reports whether an event carries a piece of the answer.
func spoken(typ string) bool {
	switch typ {
	case "response.output_text.delta", "response.output_text.done", "response.refusal.delta", "response.refusal.done",
		"response.reasoning_summary_text.delta", "response.reasoning_summary.delta", "response.reasoning_text.delta",
		"response.function_call_arguments.delta", "response.function_call_arguments.done",
		"response.custom_tool_call_input.delta", "response.custom_tool_call_input.done":
		return true
	}
	return false
}

// count reads an index; anything else is 0.
func count(v jsontext.Value) (n int64) {
	if len(v) > 6 {
		return 0
	}
	for _, c := range v {
		if c < '0' || c > '9' {
			return 0
		}
		n = n*10 + int64(c-'0')
	}
	return n
}

// str reads a string; anything else is "".
func str(v jsontext.Value) string {
	if len(v) < 2 || v[0] != '"' {
		return ""
	}
	return unquote(v)
}

func (r *responsesReader) start(emit func(Delta), q *responsesBody) {
	if r.started {
		return
	}
	r.started = true
	d := Delta{Kind: DeltaStart}
	if q != nil {
		d.ID, d.Model, d.Created, d.Tier = q.ID, q.Model, q.created(), q.Tier
	}
	emit(d)
}

func (r *responsesReader) item(index int64) *readItem {
	it := r.items[index]
	if it == nil {
		if r.items == nil {
			r.items = make(map[int64]*readItem)
		}
		it = &readItem{}
		r.items[index] = it
	}
	return it
}

// response reads an event with the response object.
func (r *responsesReader) response(typ string, v jsontext.Value, emit func(Delta)) (bool, error) {
	var q responsesBody
	if !absent(v) {
		if err := decodeAnswer(v, &q); err != nil {
			return false, err
		}
	}
	r.start(emit, &q)
	if typ != "response.completed" && typ != "response.incomplete" {
		return false, nil
	}
	items, err := q.items()
	if err != nil {
		return false, err
	}
	for i := range items {
		if err := r.whole(&items[i], int64(i), emit); err != nil {
			return false, err
		}
	}
	if typ == "response.incomplete" {
		q.Status = "incomplete"
	}
	emit(Delta{Kind: DeltaFinish, Finish: q.finish(r.tools, r.refused), Tier: q.Tier})
	return true, nil
}

func (r *responsesReader) say(it *readItem, d Delta, content int64, emit func(Delta)) {
	if d.Text == "" {
		return
	}
	if it.said == nil {
		it.said = make(map[int64]bool, 1)
	}
	it.said[content] = true
	r.refused = r.refused || d.Kind == DeltaRefusal
	emit(d)
}

// think reads reasoning. Of a summary and the reasoning itself the one that comes
// first is taken.
func (r *responsesReader) think(it *readItem, part, section int64, raw bool, s string, emit func(Delta)) {
	if s == "" || it.thinking && it.raw != raw {
		return
	}
	if it.thinking && it.summary != section {
		s = "\n\n" + s
	}
	it.thinking, it.raw, it.summary = true, raw, section
	emit(Delta{Kind: DeltaReasoning, Part: part, Text: s})
}

func (r *responsesReader) arguments(it *readItem, part int64, s string, emit func(Delta)) {
	if s == "" || !it.open || it.done {
		return
	}
	it.args = true
	emit(Delta{Kind: DeltaArgs, Part: part, Text: s, Custom: it.custom})
}

// added announces a tool call; the rest comes with its first piece.
func (r *responsesReader) added(q *responsesItem, index int64, emit func(Delta)) {
	it := r.item(index)
	if it.open || it.done || q.Type != "function_call" && q.Type != "custom_tool_call" {
		return
	}
	id := q.CallID
	if id == "" {
		id = q.ID
	}
	it.open, it.custom, r.tools = true, q.Type == "custom_tool_call", true
	emit(Delta{Kind: DeltaTool, Part: index * partsPerItem, ID: id, Name: q.Name, Custom: it.custom})
}

// whole reads a complete item: what did not come in pieces, and its seal.
func (r *responsesReader) whole(q *responsesItem, index int64, emit func(Delta)) error {
	it := r.item(index)
	if it.done {
		return nil
	}
	r.added(q, index, emit)
	part := index * partsPerItem
	parts, logprobs, err := q.answer()
	if err != nil {
		return err
	}
	for i, p := range parts {
		switch p.Kind {
		case PartText, PartRefusal:
			if !it.said[int64(i)] {
				kind := DeltaText
				if p.Kind == PartRefusal {
					kind = DeltaRefusal
				}
				r.say(it, Delta{Kind: kind, Part: part + int64(i), Text: p.Text}, int64(i), emit)
				if logprobs != nil && p.Kind == PartText {
					emit(Delta{Kind: DeltaLogprobs, Part: part + int64(i), Raw: logprobs})
				}
			}
		case PartReasoning:
			if !it.thinking {
				r.think(it, part, 0, false, p.Text, emit)
			}
			if p.Seal.Origin != llm.DialectNone {
				emit(Delta{Kind: DeltaSeal, Part: part, Seal: p.Seal})
			}
		case PartToolCall:
			if !it.args {
				r.arguments(it, part, p.Args, emit)
			}
		}
	}
	it.done = true
	return nil
}
