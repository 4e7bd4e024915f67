package translate

import (
	"bytes"
	"math"

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
	begun bool
	// tools are the calls of each choice by their part, and the ids that came
	// without an index.
	tools map[[2]int64]*chatTool
	last  map[int64]int64 // the latest call of a choice
	// thinking are the choices that are reasoning.
	thinking map[int64]bool
}

type chatTool struct {
	id     string
	begun  bool
	sealed bool
	custom bool
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
	if !q.begun {
		q.begun = true
		emit(Delta{Kind: DeltaStart, ID: c.ID, Model: c.Model, Created: c.created(), Tier: c.tier()})
	}
	for i := range c.Choices {
		ch := &c.Choices[i]
		m, at := &ch.Delta, ch.Index
		if s := m.reasoning(); s != "" {
			if q.thinking == nil {
				q.thinking = make(map[int64]bool)
			}
			q.thinking[at] = true
			emit(Delta{Kind: DeltaReasoning, Choice: at, Part: chatReasoningPart, Text: s})
		} else if q.thinking[at] && (len(m.ToolCalls) > 0 || ch.Finish != "" || len(chatTexts(m.Content)) > 0) {
			delete(q.thinking, at)
			emit(Delta{Kind: DeltaSeal, Choice: at, Part: chatReasoningPart, Seal: openSeal})
		}
		for _, p := range chatTexts(m.Content) {
			emit(Delta{Kind: DeltaText, Choice: at, Part: chatTextPart, Text: p.Text})
		}
		if m.Refusal != "" {
			emit(Delta{Kind: DeltaRefusal, Choice: at, Part: chatRefusalPart, Text: m.Refusal})
		}
		for j := range m.ToolCalls {
			q.tool(&m.ToolCalls[j], at, emit)
		}
		if !absent(ch.Logprobs) {
			emit(Delta{Kind: DeltaLogprobs, Choice: at, Part: chatTextPart, Raw: ch.Logprobs})
		}
		if ch.Finish != "" {
			f := chatFinish(ch.Finish)
			if _, called := q.last[at]; called && f == FinishStop { // some servers say so
				f = FinishTools
			}
			emit(Delta{Kind: DeltaFinish, Choice: at, Finish: f, Tier: c.tier()})
		}
	}
	return false, nil
}

// tool reads a piece of a tool call. Some servers leave the index out: then a new
// id is a new call.
func (q *chatReader) tool(t *chatToolCall, choice int64, emit func(Delta)) {
	if q.tools == nil {
		q.tools, q.last = make(map[[2]int64]*chatTool), make(map[int64]int64)
	}
	part, known := q.last[choice]
	switch {
	case t.Index != nil && *t.Index >= 0 && *t.Index < math.MaxInt32:
		part = chatToolPart + *t.Index
		// Others give every call the index 0.
		if s := q.tools[[2]int64{choice, part}]; s != nil && t.ID != "" && s.id != "" && s.id != t.ID && s.begun {
			for q.tools[[2]int64{choice, part}] != nil && q.tools[[2]int64{choice, part}].id != t.ID {
				part++
			}
		}
	case !known:
		part = chatToolPart
	case t.ID != "" && q.tools[[2]int64{choice, part}].id != t.ID:
		part++
	}
	at := [2]int64{choice, part}
	s := q.tools[at]
	if s == nil {
		s = &chatTool{}
		q.tools[at] = s
	}
	q.last[choice] = part
	if t.ID != "" {
		s.id = t.ID
	}
	if seal := t.seal(); seal.Origin != llm.DialectNone && !s.sealed {
		s.sealed = true
		emit(Delta{Kind: DeltaSeal, Choice: choice, Part: part, Seal: seal})
	}
	name := firstOf(t.Function.Name, t.Custom.Name)
	if !s.begun && name != "" {
		s.begun = true
		emit(Delta{Kind: DeltaTool, Choice: choice, Part: part, ID: s.id, Name: name, Custom: t.Type == "custom"})
	}
	if piece := t.arguments() + t.Custom.Input; piece != "" && s.begun {
		emit(Delta{Kind: DeltaArgs, Choice: choice, Part: part, Text: piece})
	}
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
	opened   bool
	finished bool
	tools    map[int64]*chatOut // by part
}

// chatOut is a tool call on its way to the client.
type chatOut struct {
	index  int64
	custom bool
	// emulated is set for a tool whose input is free text, given as a function
	// to a provider that has no such tools.
	emulated *unwrapper
	seal     Seal
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
	w.id, w.model, w.created, w.tier = w.c.id("chatcmpl-", d.ID), w.c.model(d.Model), w.c.dated(d.Created), d.Tier
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
		return w.close(keyString(w.delta(dst, d.Choice), "refusal", d.Text))
	case DeltaReasoning:
		return w.close(keyString(w.delta(dst, d.Choice), "reasoning_content", d.Text))
	case DeltaSeal:
		if d.Seal.Origin == llm.GenerateContent { // the only one with a place here
			ch.out(d.Part).seal = d.Seal
		}
	case DeltaTool:
		return w.tool(dst, ch, d)
	case DeltaArgs:
		o := ch.out(d.Part)
		piece := d.Text
		if o.emulated != nil {
			if piece = o.emulated.feed(piece); piece == "" {
				return dst
			}
		}
		return w.args(dst, d.Choice, o, piece)
	case DeltaLogprobs:
		b := append(w.delta(dst, d.Choice), '}')
		return append(append(keyValue(b, "logprobs", d.Raw), `,"finish_reason":null}]}`...), "\n\n"...)
	case DeltaFinish:
		if ch.finished {
			return dst
		}
		ch.finished = true
		if d.Tier != "" {
			w.tier = d.Tier
		}
		dst = w.flush(dst, d.Choice, ch)
		b := append(w.delta(dst, d.Choice), `},"logprobs":null`...)
		return append(keyString(b, "finish_reason", chatReason(d.Finish)), "}]}\n\n"...)
	}
	return dst
}

// flush sends what an emulated tool never opened.
func (w *chatWriter) flush(dst []byte, choice int64, ch *chatChoice) []byte {
	for _, o := range ch.tools {
		if o.emulated != nil {
			if rest := o.emulated.rest(); rest != "" {
				dst = w.args(dst, choice, o, rest)
			}
			o.emulated = nil
		}
	}
	return dst
}

func (ch *chatChoice) out(part int64) *chatOut {
	o := ch.tools[part]
	if o == nil {
		if ch.tools == nil {
			ch.tools = make(map[int64]*chatOut)
		}
		o = &chatOut{index: int64(len(ch.tools))}
		ch.tools[part] = o
	}
	return o
}

func (w *chatWriter) tool(dst []byte, ch *chatChoice, d *Delta) []byte {
	o := ch.out(d.Part)
	o.custom = d.Custom
	if t := w.c.request.tool(d.Name); t != nil && t.Custom && !d.Custom {
		o.custom, o.emulated = true, new(unwrapper)
	}
	b := keyString(keyInt(append(w.delta(dst, d.Choice), `"tool_calls":[{`...), "index", o.index), "id", d.ID)
	if o.custom {
		b = append(keyString(append(keyRaw(b, "type", `"custom"`), `,"custom":{`...), "name", d.Name), `,"input":""}`...)
	} else {
		b = append(keyString(append(keyRaw(b, "type", `"function"`), `,"function":{`...), "name", d.Name), `,"arguments":""}`...)
	}
	return w.close(append(appendChatSeal(b, o.seal), "}]"...))
}

func (w *chatWriter) args(dst []byte, choice int64, o *chatOut, piece string) []byte {
	b := keyInt(append(w.delta(dst, choice), `"tool_calls":[{`...), "index", o.index)
	if o.custom {
		b = keyString(append(b, `,"custom":{`...), "input", piece)
	} else {
		b = keyString(append(b, `,"function":{`...), "arguments", piece)
	}
	return w.close(append(b, "}}]"...))
}

func (w *chatWriter) end(dst []byte, u llm.Usage) []byte {
	for n, ch := range w.choices {
		if !ch.finished { // the provider ended without a reason
			dst = w.write(dst, &Delta{Kind: DeltaFinish, Choice: n, Finish: FinishStop})
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
