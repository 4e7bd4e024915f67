package translate

import (
	"bytes"
	"maps"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Numbers of the parts of a choice: chat streams tell them apart by their kind,
// and tool calls by their index.
const (
	chatReasoningPart = iota
	chatTextPart
	chatRefusalPart
	chatToolPart // and above
)

// chatReader reads the chunks of a provider's stream.
type chatReader struct {
	begun   bool
	choices map[int64]*chatState
}

// chatState is what is known of one choice.
type chatState struct {
	thinking, refused bool
	tools             []*chatTool
	byIndex           map[int64]int // the latest call of an index
	byID              map[string]int
}

// chatTool is a call that is being streamed.
type chatTool struct {
	id            string
	begun, sealed bool
	held          []byte // arguments that came before the name
}

var chatDone = []byte("[DONE]")

func (q *chatReader) read(data []byte, emit func(Delta)) (end bool, err error) {
	if bytes.Equal(bytes.TrimSpace(data), chatDone) {
		return true, nil
	}
	var c chatBody
	if err := decodeAnswer(data, &c); err != nil {
		return false, err
	}
	// Azure begins with a chunk about its filters that says nothing else.
	if !q.begun && (c.ID != "" || len(c.Choices) > 0) {
		q.begun = true
		emit(Delta{Kind: DeltaStart, ID: c.ID, Model: c.Model, Created: c.created(), Tier: c.tier()})
	}
	for i := range c.Choices {
		q.choice(&c, i, emit)
	}
	return false, nil
}

func (q *chatReader) choice(c *chatBody, i int, emit func(Delta)) {
	ch := &c.Choices[i]
	m, at := &ch.Delta, ch.Index
	s := q.choices[at]
	if s == nil {
		if q.choices == nil {
			q.choices = make(map[int64]*chatState)
		}
		s = &chatState{}
		q.choices[at] = s
	}
	if text := m.reasoning(); text != "" {
		s.thinking = true
		emit(Delta{Kind: DeltaReasoning, Choice: at, Part: chatReasoningPart, Text: text})
	}
	said := chatTexts(m.Content)
	if s.thinking && (len(said) > 0 || m.Refusal != "" || len(m.ToolCalls) > 0 || ch.Finish != "") {
		s.thinking = false
		emit(Delta{Kind: DeltaSeal, Choice: at, Part: chatReasoningPart, Seal: openSeal})
	}
	for _, p := range said {
		emit(Delta{Kind: DeltaText, Choice: at, Part: chatTextPart, Text: p.Text})
	}
	if m.Refusal != "" {
		s.refused = true
		emit(Delta{Kind: DeltaRefusal, Choice: at, Part: chatRefusalPart, Text: m.Refusal})
	}
	for j := range m.ToolCalls {
		s.tool(&m.ToolCalls[j], at, emit)
	}
	if !absent(ch.Logprobs) {
		emit(Delta{Kind: DeltaLogprobs, Choice: at, Part: chatTextPart, Raw: ch.Logprobs})
	}
	if ch.Finish != "" {
		d := Delta{Kind: DeltaFinish, Choice: at, Finish: chatFinish(ch.Finish), Tier: c.tier()}
		if d.Finish == FinishStop {
			switch {
			case len(s.tools) > 0: // some servers say so
				d.Finish = FinishTools
			case s.refused:
				d.Finish = FinishRefusal
			case c.sequence(i) != "":
				d.Finish, d.Sequence = FinishSequence, c.sequence(i)
			}
		}
		emit(d)
	}
}

// tool reads a piece of a tool call.
func (s *chatState) tool(t *chatToolCall, choice int64, emit func(Delta)) {
	name := firstOf(t.Function.Name, t.Custom.Name)
	n := s.find(t, name)
	o, part := s.tools[n], chatToolPart+int64(n)
	if o.id == "" && t.ID != "" {
		o.id = t.ID
		s.byID[t.ID] = n
	}
	if seal := t.seal(); seal.Origin != llm.DialectNone && !o.sealed {
		o.sealed = true
		emit(Delta{Kind: DeltaSeal, Choice: choice, Part: part, Seal: seal})
	}
	piece := t.arguments() + t.Custom.Input
	if !o.begun {
		if name == "" {
			o.held = append(o.held, piece...)
			return
		}
		o.begun = true
		emit(Delta{Kind: DeltaTool, Choice: choice, Part: part, ID: o.id, Name: name, Custom: t.Type == "custom"})
		if len(o.held) > 0 {
			piece, o.held = string(append(o.held, piece...)), nil
		}
	}
	if piece != "" {
		emit(Delta{Kind: DeltaArgs, Choice: choice, Part: part, Text: piece})
	}
}

// find returns the number of the call that a piece belongs to. The index tells,
// but some servers leave it out, and others give every call the index 0: then a
// new id is a new call, and so is a new name where there are neither.
func (s *chatState) find(t *chatToolCall, name string) int {
	if s.byID == nil {
		s.byIndex, s.byID = make(map[int64]int), make(map[string]int)
	}
	n, known := len(s.tools)-1, len(s.tools) > 0
	if t.Index != nil {
		n, known = s.byIndex[*t.Index]
	}
	switch {
	case !known:
	case t.ID != "" && s.tools[n].id != "" && s.tools[n].id != t.ID:
		n, known = s.byID[t.ID]
	case t.ID == "" && t.Index == nil && name != "" && s.tools[n].begun:
		known = false
	}
	if !known {
		n = len(s.tools)
		s.tools = append(s.tools, &chatTool{})
	}
	if t.Index != nil {
		s.byIndex[*t.Index] = n
	}
	return n
}

// chatWriter writes the chunks of a client's stream.
type chatWriter struct {
	c       *Call
	begun   bool
	id      string
	model   string
	created int64
	tier    string
	// choices by their number.
	choices map[int64]*chatChoice
}

type chatChoice struct {
	opened, finished, refused bool
	tools                     []*chatOut         // by index
	parts                     map[int64]*chatOut // the same, by part
	seals                     map[int64]Seal     // of calls that are to begin
}

// chatOut is a tool call on its way to the client.
type chatOut struct {
	index  int64
	custom bool
	// emulated is set for a tool whose input is free text, given as a function
	// to a provider that has no such tools.
	emulated *unwrapper
	said     bool // it has arguments
}

func newChatWriter(c *Call) eventWriter {
	return &chatWriter{c: c, choices: make(map[int64]*chatChoice)}
}

// head begins a chunk up to and with the bracket of its choices.
func (w *chatWriter) head(b []byte) []byte {
	if !w.begun { // a stream that never said so
		w.start(&Delta{})
	}
	b = keyString(append(b, "data: {"...), "id", w.id)
	b = keyInt(append(b, `,"object":"chat.completion.chunk"`...), "created", w.created)
	b = keyString(b, "model", w.model)
	if w.tier != "" {
		b = keyString(b, "service_tier", w.tier)
	}
	return append(key(b, "choices"), '[')
}

func (w *chatWriter) start(d *Delta) {
	w.begun = true
	w.id, w.model, w.created, w.tier = w.c.id("chatcmpl-", d.ID), w.c.model(d.Model), w.c.dated(d.Created), chatTier(d.Tier)
}

// delta begins a chunk with one choice up to the brace of its delta.
func (w *chatWriter) delta(b []byte, choice int64) []byte {
	return append(keyInt(append(w.head(b), '{'), "index", choice), `,"delta":{`...)
}

// close ends a chunk that delta began.
func (w *chatWriter) close(b []byte) []byte {
	return append(b, "},\"logprobs\":null,\"finish_reason\":null}]}\n\n"...)
}

func (w *chatWriter) choice(dst []byte, n int64) ([]byte, *chatChoice) {
	ch := w.choices[n]
	if ch == nil {
		ch = &chatChoice{}
		w.choices[n] = ch
	}
	if !ch.opened {
		ch.opened = true
		dst = w.close(append(w.delta(dst, n), `"role":"assistant","content":""`...))
	}
	return dst, ch
}

func (w *chatWriter) write(dst []byte, d *Delta) []byte {
	switch d.Kind {
	case DeltaStart:
		w.start(d)
		return dst
	case DeltaPing:
		return append(dst, ": ping\n\n"...)
	}
	dst, ch := w.choice(dst, d.Choice)
	switch d.Kind {
	case DeltaText:
		return w.close(keyString(w.delta(dst, d.Choice), "content", d.Text))
	case DeltaRefusal:
		ch.refused = true
		return w.close(keyString(w.delta(dst, d.Choice), "refusal", d.Text))
	case DeltaReasoning:
		return w.close(keyString(w.delta(dst, d.Choice), "reasoning_content", d.Text))
	case DeltaSeal:
		if d.Seal.Origin == llm.GenerateContent { // the only one with a place here
			if ch.seals == nil {
				ch.seals = make(map[int64]Seal)
			}
			ch.seals[d.Part] = d.Seal
		}
	case DeltaTool:
		return w.tool(dst, ch, d)
	case DeltaArgs:
		o := ch.parts[d.Part]
		if o == nil {
			return dst
		}
		piece := d.Text
		if o.emulated != nil {
			piece = o.emulated.feed(piece)
		}
		return w.args(dst, d.Choice, o, piece)
	case DeltaLogprobs:
		b := append(w.delta(dst, d.Choice), '}')
		return append(append(keyValue(b, "logprobs", oneLine(d.Raw)), `,"finish_reason":null}]}`...), "\n\n"...)
	case DeltaFinish:
		if ch.finished {
			return dst
		}
		ch.finished = true
		if tier := chatTier(d.Tier); tier != "" {
			w.tier = tier
		}
		dst = w.flush(dst, d.Choice, ch)
		b := append(w.delta(dst, d.Choice), `},"logprobs":null`...)
		return append(keyString(b, "finish_reason", w.c.chatReason(d.Finish, ch.refused)), "}]}\n\n"...)
	}
	return dst
}

// flush completes the calls: with what an emulated tool never opened, and with an
// empty object where a provider sent no arguments, since clients parse them.
func (w *chatWriter) flush(dst []byte, choice int64, ch *chatChoice) []byte {
	for _, o := range ch.tools {
		switch {
		case o.emulated != nil:
			dst = w.args(dst, choice, o, o.emulated.rest())
			o.emulated = nil
		case !o.said && !o.custom:
			dst = w.args(dst, choice, o, "{}")
		}
	}
	return dst
}

func (w *chatWriter) tool(dst []byte, ch *chatChoice, d *Delta) []byte {
	if ch.parts[d.Part] != nil {
		return dst
	}
	o := &chatOut{index: int64(len(ch.tools)), custom: d.Custom}
	if ch.parts == nil {
		ch.parts = make(map[int64]*chatOut)
	}
	ch.parts[d.Part], ch.tools = o, append(ch.tools, o)
	if t := w.c.request.tool(d.Name); t != nil && t.Custom && !d.Custom {
		o.custom, o.emulated = true, new(unwrapper)
	}
	if w.c.functions() {
		if o.index > 0 { // there is no place for a second one
			return dst
		}
		b := keyString(append(w.delta(dst, d.Choice), `"function_call":{`...), "name", d.Name)
		return w.close(append(b, `,"arguments":""}`...))
	}
	b := keyInt(append(w.delta(dst, d.Choice), `"tool_calls":[{`...), "index", o.index)
	b = keyString(b, "id", w.c.callID(d.ID, int(o.index)))
	if o.custom {
		b = append(keyString(append(keyRaw(b, "type", `"custom"`), `,"custom":{`...), "name", d.Name), `,"input":""}`...)
	} else {
		b = append(keyString(append(keyRaw(b, "type", `"function"`), `,"function":{`...), "name", d.Name), `,"arguments":""}`...)
	}
	return w.close(append(appendChatSeal(b, ch.seals[d.Part]), "}]"...))
}

func (w *chatWriter) args(dst []byte, choice int64, o *chatOut, piece string) []byte {
	if piece == "" || w.c.functions() && o.index > 0 {
		return dst
	}
	o.said = true
	if w.c.functions() {
		b := keyString(append(w.delta(dst, choice), `"function_call":{`...), "arguments", piece)
		return w.close(append(b, '}'))
	}
	b := keyInt(append(w.delta(dst, choice), `"tool_calls":[{`...), "index", o.index)
	if o.custom {
		b = keyString(append(b, `,"custom":{`...), "input", piece)
	} else {
		b = keyString(append(b, `,"function":{`...), "arguments", piece)
	}
	return w.close(append(b, "}}]"...))
}

// oneLine takes the line ends out of JSON, which would end the data of an event.
func oneLine(v jsontext.Value) jsontext.Value {
	if bytes.ContainsAny(v, "\r\n") {
		v = v.Clone()
		_ = v.Compact(lenient)
	}
	return v
}

func (w *chatWriter) end(dst []byte, u llm.Usage) []byte {
	for _, n := range slices.Sorted(maps.Keys(w.choices)) {
		if ch := w.choices[n]; !ch.finished { // the provider ended without a reason
			f := FinishStop
			if len(ch.tools) > 0 {
				f = FinishTools
			}
			dst = w.write(dst, &Delta{Kind: DeltaFinish, Choice: n, Finish: f})
		}
	}
	if len(w.choices) == 0 {
		dst = w.write(dst, &Delta{Kind: DeltaFinish, Finish: FinishStop})
	}
	if w.c.request != nil && w.c.request.IncludeUsage {
		dst = append(appendChatUsage(key(append(w.head(dst), ']'), "usage"), u), "}\n\n"...)
	}
	return append(dst, "data: [DONE]\n\n"...)
}
