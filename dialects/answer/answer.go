package answer

import (
	"bytes"
	"errors"

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
	speed    string
	region   string
	finish   string
	text     int64
	terminal bool
	failed   bool
	failure  string
	// choices are those of a chat stream that were seen, and whether they have
	// said why they finished.
	choices map[int64]bool
	// open is how many of them have not.
	open int
	// known is the last ordinary event.
	known pattern
}

// New returns a reader for an answer of the dialect.
func New(d llm.Dialect, stream bool) *Answer { return &Answer{dialect: d, stream: stream} }

// Event looks at one complete server-sent event, or, in Ollama's dialects, at one
// line of newline-delimited JSON. Most of those that only carry text are
// recognised without parsing them.
func (a *Answer) Event(raw []byte) Verdict {
	if a.dialect.Family() == llm.FamilyOllama {
		return a.ollamaEvent(raw)
	}
	if text, ok := a.known.match(raw); ok {
		a.text += text
		return Pass
	}
	d := Data(raw)
	if len(d) == 0 && a.dialect == llm.GenerateContent && object(raw) {
		d = raw // Google sends errors inside a stream without framing
	}
	if len(d) == 0 {
		return Pass // a comment or ping
	}
	switch a.dialect {
	case llm.Messages:
		return a.messagesEvent(raw, d)
	case llm.Responses:
		return a.responsesEvent(raw, d)
	case llm.GenerateContent:
		return a.geminiEvent(d)
	}
	return a.chatEvent(raw, d)
}

// chatEvent reads a chunk of chat completions or completions.
func (a *Answer) chatEvent(raw, d []byte) Verdict {
	if bytes.Equal(bytes.TrimSpace(d), doneMark) {
		a.terminal = true
		return Pass
	}
	if !object(d) {
		return Malformed
	}
	text, plain := scanChunk(d)
	a.text += text
	if plain {
		if a.choices == nil {
			a.choice(0, false)
		}
		a.known.learn(raw, d)
		return Pass
	}
	var c chatChunk
	if err := c.read(d); err != nil {
		return Malformed
	}
	a.chatMeta(&c) // a failed call is billed too, if the provider says so
	if c.failed {
		a.fail(c.failure)
		return Pass
	}
	for _, ch := range c.choices {
		a.choice(ch.index, a.choices[ch.index] || ch.finish != "")
		if ch.finish != "" {
			a.finish = ch.finish
		}
	}
	if c.hasUsage && len(c.choices) == 0 && c.emptyChoices && !c.more {
		return UsageOnly
	}
	return Pass
}

// choice notes whether a choice has finished.
func (a *Answer) choice(index int64, finished bool) {
	if a.choices == nil {
		a.choices = make(map[int64]bool)
	}
	before, seen := a.choices[index]
	if !seen && len(a.choices) >= maxChoices {
		return
	}
	if seen && !before {
		a.open--
	}
	if !finished {
		a.open++
	}
	a.choices[index] = finished
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
		a.openaiFinal()
	}
}

// openaiFinal decides whether the figures so far are all there will be: without
// those of the output they are not, since nothing generated is free.
func (a *Answer) openaiFinal() {
	u := &a.usage
	switch {
	case u.completion.set, u.total.set && u.prompt.set, a.dialect == llm.Embeddings && u.any:
		u.final = true
	}
}

// maxChoices is more than any provider allows.
const maxChoices = 1024

// messagesEvent reads an event of Anthropic's messages.
func (a *Answer) messagesEvent(raw, d []byte) Verdict {
	if !object(d) {
		if bytes.Equal(bytes.TrimSpace(d), doneMark) {
			return Pass // some servers add it
		}
		return Malformed
	}
	// The quotes around the marks cannot occur inside a string of JSON, so what
	// the model writes is not taken for an event; and the type may stand
	// anywhere in the object.
	if !bytes.Contains(d, startMark) && !bytes.Contains(d, deltaMark) && !bytes.Contains(d, stopMark) && !bytes.Contains(d, errorMark) {
		a.text += textBytes(d)
		a.known.learn(raw, d)
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
		a.messagesMeta(&m)
		// The output of message_start is only its first tokens.
		if m.kind == "message_delta" && m.usage.completion.set {
			a.usage.final = true
		}
	case "": // of compatible servers
		if m.failed {
			a.fail(m.failure)
		}
	default:
		a.text += textBytes(d)
	}
	return Pass
}

// messagesMeta takes what an event or a whole message says about itself.
func (a *Answer) messagesMeta(m *messagesEvent) {
	if m.model != "" {
		a.model = m.model
	}
	if m.tier != "" {
		a.tier = m.tier
	}
	if m.speed != "" {
		a.speed = m.speed
	}
	if m.region != "" {
		a.region = m.region
	}
	if m.finish != "" {
		a.finish = m.finish
	}
	if m.hasUsage {
		a.usage.merge(&m.usage)
	}
}

// responsesEvent reads an event of OpenAI's Responses API.
func (a *Answer) responsesEvent(raw, d []byte) Verdict {
	if bytes.Equal(bytes.TrimSpace(d), doneMark) {
		return Pass // some servers add it
	}
	if !object(d) {
		return Malformed
	}
	kind := responsesKind(d)
	switch string(kind) {
	case "response.completed", "response.incomplete", "response.failed", "error":
	case "": // of compatible servers: an error as in a chat
		if !has(d, errorMark) {
			return Pass
		}
	default:
		if bytes.HasSuffix(kind, deltaEnd) {
			a.text += textBytes(d)
			a.known.learn(raw, d)
		}
		return Pass
	}
	var r responsesBody
	if err := r.readEvent(d); err != nil {
		return Malformed
	}
	switch string(kind) {
	case "response.completed", "response.incomplete":
		a.terminal = true
		a.responsesMeta(&r)
	case "response.failed":
		a.terminal = true
		a.responsesMeta(&r)
		a.fail(r.failure)
	case "error":
		a.fail(r.failure)
	default:
		if r.failed {
			a.fail(r.failure)
		}
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
		a.openaiFinal()
	}
}

var (
	errNotObject  = errors.New("the answer is not one JSON object")
	errUnfinished = errors.New("the answer ends before its end")
)

// Body reads an answer that is not streamed. It returns an error if the body is
// not exactly one JSON document, or (for dialects whose usage counts) not an
// object. A Gemini stream without alt=sse is such a body, too: an array of
// chunks.
func (a *Answer) Body(b []byte) error {
	if !a.dialect.Billed() {
		if err := valid(b); err != nil {
			return err
		}
		var c chatChunk
		if has(b, errorMark) && object(bytes.TrimSpace(b)) && c.readBody(b) == nil && c.failed {
			a.fail(c.failure)
		}
		return nil
	}
	switch a.dialect.Family() {
	case llm.FamilyGemini:
		return a.geminiBody(b)
	case llm.FamilyOllama:
		if !object(b) {
			return errNotObject
		}
		return a.ollamaBody(b)
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
		a.messagesMeta(&m)
		a.usage.final = m.usage.completion.set
		if m.failed || m.kind == "error" {
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
// .incomplete or .failed; for messages message_stop; for Gemini a finish reason
// for every candidate that was seen, or a refused prompt; for Ollama a line that
// says done.
func (a *Answer) Terminal() bool {
	if a.terminal {
		return true
	}
	if a.dialect == llm.Messages || a.dialect == llm.Responses || len(a.choices) == 0 {
		return false
	}
	return a.open == 0
}

// Ended reports whether the provider has said in so many words that the stream is
// over ([DONE], message_stop, response.completed…): nothing can follow, whatever
// happens to the connection.
func (a *Answer) Ended() bool { return a.terminal }

// Whole reports whether nothing that matters can follow: the terminal event has
// come and the final usage with it.
func (a *Answer) Whole() bool { return a.Terminal() && a.usage.final }

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
	u.Model, u.Tier, u.Region = a.model, a.tier, a.region
	if a.speed != "" && a.speed != "standard" {
		u.Tier = a.speed
	}
	return u
}

// valid reports whether b is one JSON document.
func valid(b []byte) error {
	d := decoder(b)
	if d.Skip(); d.Err() != nil {
		return d.Err()
	}
	return atEnd(d)
}
