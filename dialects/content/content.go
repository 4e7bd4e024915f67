package content

import (
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Bounds of what is kept of one answer.
const (
	// MaxText is how many bytes of text are kept; with more the view is Short.
	MaxText = 4 << 20
	// maxParts is how many texts and calls are kept.
	maxParts = 1 << 14
)

// ErrUnreadable says that an answer, or an event of one, is not what its dialect
// has.
var ErrUnreadable = errors.New("the answer is not of its dialect")

// Call is a tool call of the model.
type Call struct {
	// Name is the name of the tool, Arguments what it is called with: JSON for
	// most tools, free text for OpenAI's custom ones.
	Name, Arguments string
	// Type is "function" for the client's own tools, else what the provider calls
	// a call that it runs itself, such as "server_tool_use".
	Type string
}

// Content is what was read of one answer. It is not safe for concurrent use.
type Content struct {
	d     llm.Dialect
	parts []*part
	index map[string]*part
	size  int
	short bool
	// changes counts what was added to calls.
	changes int
	// ids are those of the tool calls of a chat that were last at each place.
	ids map[string]string
}

// part is one text, or one call with its arguments.
type part struct {
	key  string
	kind llm.SegmentKind
	path string
	name string
	typ  string
	text strings.Builder
	// group is what ends the part: a choice of a chat; done says that it has ended.
	group string
	done  bool
}

// said is the text of a part, of which the halves of characters came in pieces.
func (p *part) said() string {
	text := p.text.String()
	if utf8.ValidString(text) {
		return text
	}
	return strings.ToValidUTF8(strictjson.JoinHalves(text), "\ufffd")
}

// New returns a reader for an answer of the dialect.
func New(d llm.Dialect) *Content { return &Content{d: d, index: map[string]*part{}} }

// Event reads one complete event of a stream, as it would go to the client.
func (c *Content) Event(raw []byte) error {
	data := raw
	if c.d.Family() != llm.FamilyOllama {
		if data = answer.Data(raw); len(data) == 0 {
			return nil // a comment, or an error without framing
		}
	}
	switch c.d {
	case llm.Messages:
		return c.messagesEvent(data)
	case llm.Responses:
		return c.responsesEvent(data)
	case llm.GenerateContent:
		return c.gemini(data)
	case llm.OllamaChat, llm.OllamaGenerate:
		return c.ollama(data)
	case llm.Chat, llm.Completions:
		if strings.TrimSpace(string(data)) == "[DONE]" {
			c.End()
			return nil
		}
		return c.chat(data)
	}
	return nil
}

// Body reads an answer that is there in full.
func (c *Content) Body(b []byte) error {
	defer c.End()
	switch c.d {
	case llm.Messages:
		return c.message(b)
	case llm.Responses:
		var r responseBody
		if err := decode(b, &r); err != nil {
			return err
		}
		return c.output(r.Output)
	case llm.GenerateContent:
		if strings.HasPrefix(strings.TrimSpace(string(b[:min(len(b), 64)])), "[") { // a stream without alt=sse
			var chunks []jsontext.Value
			if err := decode(b, &chunks); err != nil {
				return err
			}
			for _, chunk := range chunks {
				if err := c.gemini(chunk); err != nil {
					return err
				}
			}
			return nil
		}
		return c.gemini(b)
	case llm.OllamaChat, llm.OllamaGenerate:
		return c.ollama(b)
	case llm.Chat, llm.Completions:
		return c.chat(b)
	}
	return nil
}

// End says that nothing follows: all calls are complete.
func (c *Content) End() {
	for _, p := range c.parts {
		p.done = true
	}
}

// Short reports whether more was said than is kept.
func (c *Content) Short() bool { return c.short }

// Segments returns the texts, reasoning and arguments so far, in the order in which
// they began.
func (c *Content) Segments() []llm.Segment {
	out := make([]llm.Segment, 0, len(c.parts))
	for _, p := range c.parts {
		if p.text.Len() > 0 {
			out = append(out, llm.Segment{Role: llm.RoleAssistant, Kind: p.kind, Path: p.path, Text: p.said()})
		}
	}
	return out
}

// Text returns what was said to the user, the choices one after the other.
func (c *Content) Text() string { return c.join(llm.KindText) }

// Reasoning returns what the model thought, as far as it shows it.
func (c *Content) Reasoning() string { return c.join(llm.KindReasoning) }

func (c *Content) join(kind llm.SegmentKind) string {
	var texts []string
	for _, p := range c.parts {
		if p.kind == kind && p.text.Len() > 0 {
			texts = append(texts, p.said())
		}
	}
	return strings.Join(texts, "\n")
}

// Calls returns the tool calls that are complete, in the order in which they began.
func (c *Content) Calls() []Call {
	var out []Call
	for _, p := range c.parts {
		if p.kind == llm.KindToolArgs && p.done {
			out = append(out, Call{Name: strings.ToValidUTF8(p.name, "\ufffd"), Arguments: p.said(), Type: p.typ})
		}
	}
	return out
}

// Changes is a number that grows with every piece of a tool call: while it stays,
// so do the calls.
func (c *Content) Changes() int { return c.changes }

// Open reports whether a tool call has begun that is not complete.
func (c *Content) Open() bool {
	for _, p := range c.parts {
		if p.kind == llm.KindToolArgs && !p.done {
			return true
		}
	}
	return false
}

// at returns the part of a key, new or old; nil if there are too many.
func (c *Content) at(key, group string, kind llm.SegmentKind) *part {
	if p, ok := c.index[key]; ok {
		return p
	}
	if len(c.parts) >= maxParts {
		c.short = true
		return nil
	}
	p := &part{key: key, kind: kind, path: key, group: group}
	if kind == llm.KindToolArgs {
		p.typ = "function"
	}
	c.index[key] = p
	c.parts = append(c.parts, p)
	return p
}

// say appends to a part.
func (c *Content) say(key, group string, kind llm.SegmentKind, text string) {
	if text == "" {
		return
	}
	if p := c.at(key, group, kind); p != nil {
		c.write(p, text)
	}
}

func (c *Content) write(p *part, text string) {
	if room := MaxText - c.size; len(text) > room {
		c.short = true
		text = text[:room]
	}
	c.size += len(text)
	p.text.WriteString(text)
}

// call notes a tool call, or more of it.
func (c *Content) call(key, group, name, typ, arguments string) {
	p := c.at(key, group, llm.KindToolArgs)
	if p == nil {
		return
	}
	if room := MaxText - c.size; len(name) > room {
		c.short, name = true, name[:room]
	}
	if name == p.name {
		name = "" // some servers repeat it in every piece
	}
	c.size += len(name)
	p.name += name
	if typ != "" {
		p.typ = typ
	}
	c.write(p, arguments)
	p.done = false // also one that seemed complete
	c.changes++
}

// finish ends the parts of a group.
func (c *Content) finish(group string) {
	for _, p := range c.parts {
		if p.group == group {
			p.done = true
		}
	}
}

// retire ends the parts of a group and gives its place to others: servers that number
// nothing begin everything at 0, and a call must not hide in the one before it.
func (c *Content) retire(group string) {
	for _, p := range c.parts {
		if p.group == group {
			p.done, p.group = true, ""
			delete(c.index, p.key)
		}
	}
}

// drop forgets the parts of a group, which what comes now replaces.
func (c *Content) drop(group string) {
	kept := c.parts[:0]
	for _, p := range c.parts {
		if p.group == group {
			c.size -= p.text.Len() + len(p.name)
			delete(c.index, p.key)
			continue
		}
		kept = append(kept, p)
	}
	clear(c.parts[len(kept):])
	c.parts = kept
}

// decode reads JSON as the SDKs do: repeated names, of which the last counts, and
// unpaired surrogates are no reason to refuse it.
func decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v, jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)); err != nil {
		return ErrUnreadable
	}
	return nil
}

// texts returns the text of a value that is a string, or a list of parts with
// texts; other values have none.
func texts(v jsontext.Value) string {
	switch v.Kind() {
	case '"':
		return string(strictjson.AppendHalves(nil, v))
	case '[':
		var list []struct {
			Text    jsontext.Value `json:"text"`
			Refusal jsontext.Value `json:"refusal"`
			Summary jsontext.Value `json:"summary"`
		}
		if decode(v, &list) != nil {
			return ""
		}
		var b strings.Builder
		for _, p := range list {
			b.WriteString(texts(p.Text))
			b.WriteString(texts(p.Refusal))
			b.WriteString(texts(p.Summary))
		}
		return b.String()
	case '{':
		var one struct {
			Text jsontext.Value `json:"text"`
		}
		_ = decode(v, &one)
		if len(one.Text) > 0 {
			return texts(one.Text)
		}
	}
	return ""
}

// arguments returns what a call is called with: the text of a string, else JSON.
func arguments(v jsontext.Value) string {
	if v.Kind() == '"' {
		return texts(v)
	}
	if v.Kind() == 'n' {
		return ""
	}
	return string(v)
}

// place joins a name and a number, as in "choices[1]".
func place(name string, i int64) string { return name + "[" + strconv.FormatInt(i, 10) + "]" }

// number reads a small integer; 0 for what is none.
func number(v jsontext.Value) int64 {
	n, _ := strconv.ParseInt(string(v), 10, 64)
	return n
}
