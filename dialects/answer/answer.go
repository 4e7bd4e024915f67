package answer

import (
	"bytes"
	"errors"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Verdict says what to do with an event.
type Verdict uint8

// The verdicts.
const (
	// Pass: it goes to the client.
	Pass Verdict = iota
	// UsageOnly: the chunk of a chat or completions stream that carries only
	// usage; a client that did not ask for it must not see it.
	UsageOnly
	// Malformed: its data is not the JSON that the dialect asks for.
	Malformed
)

// Answer follows one answer, streamed or not. It is not safe for concurrent use.
type Answer struct {
	dialect llm.Dialect
	stream  bool

	usage    usage
	model    string
	tier     string
	finish   string
	text     int64
	terminal bool
	failed   bool
	failure  string
	// choices are those of a chat stream that were seen, and whether they have
	// said why they finished.
	choices map[int64]bool
}

// New returns a reader for an answer of the dialect.
func New(d llm.Dialect, stream bool) *Answer { return &Answer{dialect: d, stream: stream} }

var (
	doneMark   = []byte("[DONE]")
	usageMark  = []byte(`"usage"`)
	errorMark  = []byte(`"error"`)
	groqMark   = []byte(`"x_groq"`)
	finishMark = []byte(`"finish_reason"`)
	nullMark   = []byte("null")
	startMark  = []byte("message_start")
	deltaMark  = []byte("message_delta")
	stopMark   = []byte("message_stop")
	typeMark   = []byte(`"type"`)
)

// Event looks at one complete server-sent event. Events that only carry text
// are recognised without parsing them.
func (a *Answer) Event(raw []byte) Verdict {
	d := data(raw)
	if len(d) == 0 {
		return Pass // a comment or ping
	}
	switch a.dialect {
	case llm.Messages:
		return a.messagesEvent(raw, d)
	case llm.Responses:
		return a.responsesEvent(d)
	}
	return a.chatEvent(d)
}

// chatEvent reads a chunk of chat completions or completions.
func (a *Answer) chatEvent(d []byte) Verdict {
	if bytes.Equal(bytes.TrimSpace(d), doneMark) {
		a.terminal = true
		return Pass
	}
	if !object(d) {
		return Malformed
	}
	a.text += textBytes(d)
	if !bytes.Contains(d, usageMark) && !bytes.Contains(d, errorMark) && !bytes.Contains(d, groqMark) && !finishes(d) {
		if a.choices == nil {
			a.choices = map[int64]bool{0: false}
		}
		return Pass
	}
	var c chatChunk
	if err := c.read(d); err != nil {
		return Malformed
	}
	if c.failed {
		a.fail(c.failure)
		return Pass
	}
	a.chatMeta(&c)
	for _, ch := range c.choices {
		if a.choices == nil {
			a.choices = make(map[int64]bool)
		}
		a.choices[ch.index] = a.choices[ch.index] || ch.finish != ""
		if ch.finish != "" {
			a.finish = ch.finish
		}
	}
	if c.hasUsage && len(c.choices) == 0 && c.emptyChoices && !c.more {
		return UsageOnly
	}
	return Pass
}

// chatMeta takes what a chunk or a whole answer of the OpenAI family says about
// itself.
func (a *Answer) chatMeta(c *chatChunk) {
	if c.model != "" {
		a.model = c.model
	}
	if c.tier != "" {
		a.tier = c.tier
	}
	if c.hasUsage {
		a.usage.merge(&c.usage)
		a.usage.final = true
	}
}

// messagesEvent reads an event of Anthropic's messages.
func (a *Answer) messagesEvent(raw, d []byte) Verdict {
	if !object(d) {
		return Malformed
	}
	head := d[:min(len(d), 200)]
	switch {
	case bytes.Contains(head, startMark), bytes.Contains(head, deltaMark), bytes.Contains(head, stopMark),
		bytes.Contains(head, errorMark), bytes.HasPrefix(raw, []byte("event: error")), !bytes.Contains(head, typeMark):
	default:
		a.text += textBytes(d)
		return Pass
	}
	var m messagesEvent
	if err := m.read(d); err != nil {
		return Malformed
	}
	switch m.kind {
	case "message_stop":
		a.terminal = true
	case "error":
		a.fail(m.failure)
	case "message_start", "message_delta":
		if m.model != "" {
			a.model = m.model
		}
		if m.tier != "" {
			a.tier = m.tier
		}
		if m.finish != "" {
			a.finish = m.finish
		}
		if m.hasUsage {
			a.usage.merge(&m.usage)
			a.usage.final = a.usage.final || m.kind == "message_delta"
		}
	default:
		a.text += textBytes(d)
	}
	return Pass
}

// responsesEvent reads an event of OpenAI's Responses API.
func (a *Answer) responsesEvent(d []byte) Verdict {
	if bytes.Equal(bytes.TrimSpace(d), doneMark) {
		return Pass // some servers add it
	}
	if !object(d) {
		return Malformed
	}
	kind := responsesKind(d)
	switch kind {
	case "response.completed", "response.incomplete", "response.failed", "error":
	default:
		if bytes.HasSuffix([]byte(kind), []byte(".delta")) {
			a.text += textBytes(d)
		}
		return Pass
	}
	var r responsesBody
	if err := r.readEvent(d); err != nil {
		return Malformed
	}
	switch kind {
	case "response.completed", "response.incomplete":
		a.terminal = true
		a.responsesMeta(&r)
	case "response.failed":
		a.terminal = true
		a.responsesMeta(&r)
		a.fail(r.failure)
	case "error":
		a.fail(r.failure)
	}
	return Pass
}

func (a *Answer) responsesMeta(r *responsesBody) {
	if r.model != "" {
		a.model = r.model
	}
	if r.tier != "" {
		a.tier = r.tier
	}
	a.finish = r.status
	if r.incomplete != "" {
		a.finish = r.incomplete
	}
	if r.hasUsage {
		a.usage.merge(&r.usage)
		a.usage.final = true
	}
}

var errNotObject = errors.New("the answer is not one JSON object")

// Body reads an answer that is not streamed. It returns an error if the body is
// not exactly one JSON document.
func (a *Answer) Body(b []byte) error {
	if a.dialect == llm.Models || a.dialect == llm.AnthropicModels || a.dialect == llm.CountTokens {
		return valid(b)
	}
	if !object(bytes.TrimSpace(b)) {
		return errNotObject
	}
	switch a.dialect {
	case llm.Messages:
		var m messagesEvent
		if err := m.readBody(b); err != nil {
			return err
		}
		a.model, a.tier, a.finish = m.model, m.tier, m.finish
		if m.hasUsage {
			a.usage.merge(&m.usage)
			a.usage.final = true
		}
		if m.kind == "error" {
			a.fail(m.failure)
		}
	case llm.Responses:
		var r responsesBody
		if err := r.readBody(b); err != nil {
			return err
		}
		a.responsesMeta(&r)
		if r.failed {
			a.fail(r.failure)
		}
	default:
		var c chatChunk
		if err := c.readBody(b); err != nil {
			return err
		}
		a.chatMeta(&c)
		for _, ch := range c.choices {
			if ch.finish != "" {
				a.finish = ch.finish
			}
		}
		if c.failed {
			a.fail(c.failure)
		}
	}
	a.terminal = true
	return nil
}

func (a *Answer) fail(message string) {
	a.failed = true
	if message != "" {
		a.failure = message
	}
}

// Terminal reports whether the answer has come to its dialect's proper end: for
// chat and completions `[DONE]`, or (since some servers leave that out) a finish
// reason for every choice that was seen; for Responses response.completed,
// .incomplete or .failed; for messages message_stop.
func (a *Answer) Terminal() bool {
	if a.terminal {
		return true
	}
	if a.dialect == llm.Messages || a.dialect == llm.Responses || len(a.choices) == 0 {
		return false
	}
	for _, finished := range a.choices {
		if !finished {
			return false
		}
	}
	return true
}

// Failed reports whether the provider said, inside the answer, that it failed,
// and its words for it.
func (a *Answer) Failed() (message string, ok bool) { return a.failure, a.failed }

// FinishReason is the model's word for why it stopped, "" if it has not said.
func (a *Answer) FinishReason() string { return a.finish }

// Model is the model that answered, as the provider says.
func (a *Answer) Model() string { return a.model }

// TextBytes is the number of bytes of generated text, tool arguments and
// reasoning in the events so far; it rather over- than underrates.
func (a *Answer) TextBytes() int64 { return a.text }

// Usage returns what was consumed, by what the provider has said so far.
func (a *Answer) Usage() llm.Usage {
	u := a.usage.result(a.dialect.Family())
	u.Model, u.Tier = a.model, a.tier
	return u
}

// object reports whether data looks like a JSON object; it is parsed only where
// it matters.
func object(d []byte) bool {
	d = bytes.TrimSpace(d)
	return len(d) >= 2 && d[0] == '{' && d[len(d)-1] == '}'
}

// finishes reports whether a chunk has a finish_reason that is not null.
func finishes(d []byte) bool {
	for {
		i := bytes.Index(d, finishMark)
		if i < 0 {
			return false
		}
		d = d[i+len(finishMark):]
		v := bytes.TrimLeft(d, ": \t")
		if !bytes.HasPrefix(v, nullMark) {
			return true
		}
	}
}

// textNames are the members of deltas that hold generated text.
var textNames = [][]byte{
	[]byte(`"content`), []byte(`"text`), []byte(`"arguments`), []byte(`"delta`), []byte(`"partial_json`),
	[]byte(`"thinking`), []byte(`"reasoning_content`), []byte(`"reasoning`), []byte(`"refusal`),
}

var nameEnd = []byte(`":`)

// textBytes estimates the bytes of text in a delta: the length of the strings
// behind the members that carry text, escapes counted as they stand.
func textBytes(d []byte) (n int64) {
	for i := 0; i < len(d); {
		j := bytes.Index(d[i:], nameEnd)
		if j < 0 {
			break
		}
		name := d[i : i+j]
		at := i + j + len(nameEnd)
		for at < len(d) && d[at] == ' ' {
			at++
		}
		if at >= len(d) || d[at] != '"' {
			i = at
			continue
		}
		at++
		end := at
		for end < len(d) && d[end] != '"' {
			if d[end] == '\\' {
				end++
			}
			end++
		}
		end = min(end, len(d))
		for _, text := range textNames {
			if bytes.HasSuffix(name, text) {
				n += int64(end - at)
				break
			}
		}
		i = end
	}
	return n
}

// responsesKind returns the type of an event of the Responses API.
func responsesKind(d []byte) string {
	v := bytes.Index(d, typeMark)
	if v < 0 {
		return ""
	}
	rest := bytes.TrimLeft(d[v+len(typeMark):], ": \t")
	if len(rest) == 0 || rest[0] != '"' {
		return ""
	}
	end := bytes.IndexByte(rest[1:], '"')
	if end < 0 {
		return ""
	}
	kind := string(rest[1 : 1+end])
	if bytes.HasPrefix(d, []byte(`{"type"`)) || kind == "error" || bytes.HasPrefix([]byte(kind), []byte("response.")) {
		return kind
	}
	// The first member called type belongs to something inside: look properly.
	var r responsesBody
	if r.readEvent(d) != nil {
		return ""
	}
	return r.event
}

// valid reports whether b is one JSON document.
func valid(b []byte) error {
	d := jsontext.NewDecoder(bytes.NewBuffer(b), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if err := d.SkipValue(); err != nil {
		return err
	}
	return atEnd(d)
}
