package translate

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// geminiCodec speaks Gemini's generateContent, to providers only.
var geminiCodec = codec{
	writeRequest: writeGeminiRequest,
	readAnswer:   readGeminiAnswer,
	newReader:    func() eventReader { return &geminiReader{} },
}

// unsigned is what Gemini takes for the signature of a tool call that it did not
// make itself, by its documentation.
const unsigned = "skip_thought_signature_validator"

// writeGeminiRequest writes a request for a provider. The model and whether the
// answer is streamed are in the address.
func writeGeminiRequest(r *Request, c *Call, n *notes) ([]byte, error) {
	w := newGeminiWriter(r, c, n)
	w.b = append(w.b, '{')
	w.conversation()
	w.config()
	return append(w.b, '}'), nil
}

// geminiWriter writes one request.
type geminiWriter struct {
	r *Request
	c *Call
	n *notes
	b []byte
	// names are those of the called tools by the id of the call.
	names map[string]string
	// current is the index of the message with which the current turn began,
	// whose calls must be signed.
	current int
}

func newGeminiWriter(r *Request, c *Call, n *notes) *geminiWriter {
	w := &geminiWriter{r: r, c: c, n: n, b: make([]byte, 0, 4096), names: make(map[string]string)}
	results := false // in this turn of the user's
	for i := range r.Messages {
		role := geminiRole(r.Messages[i].Role)
		if i == 0 || role != geminiRole(r.Messages[i-1].Role) {
			results = false
		}
		for j := range r.Messages[i].Parts {
			switch p := &r.Messages[i].Parts[j]; p.Kind {
			case PartToolCall:
				w.names[p.ID] = p.Name
			case PartToolResult:
				results = true
			}
		}
		if role == "user" && !results {
			w.current = i
		}
	}
	return w
}

// conversation writes the instructions, the messages and the tools.
func (w *geminiWriter) conversation() {
	if s := w.r.System; len(s) > 0 {
		b := append(key(w.b, "systemInstruction"), `{"parts":[`...)
		for i := range s {
			if s[i].Text != "" {
				b = append(keyString(append(elem(b), '{'), "text", s[i].Text), '}')
			}
		}
		w.b = append(b, "]}"...)
	}
	w.b = append(key(w.b, "contents"), '[')
	ms := w.r.Messages
	if len(ms) == 0 || geminiRole(ms[0].Role) == "model" { // the user must have begun
		w.b = append(w.b, `{"role":"user","parts":[{"text":"."}]}`...)
	}
	for i := 0; i < len(ms); {
		role := geminiRole(ms[i].Role)
		j := i + 1
		for j < len(ms) && geminiRole(ms[j].Role) == role {
			j++
		}
		w.content(role, i, j)
		i = j
	}
	w.b = append(w.b, ']')
	w.tools()
}

// geminiRole is the role of a message: there are only two. Instructions in the
// middle of a conversation are told in the user's place.
func geminiRole(role string) string {
	if role == RoleAssistant {
		return "model"
	}
	return "user"
}

// content writes neighbours of one role as one turn. The results of tools come
// first in theirs.
func (w *geminiWriter) content(role string, from, to int) {
	start := len(w.b)
	w.b = append(elem(w.b), `{"role":"`...)
	w.b = append(append(w.b, role...), `","parts":[`...)
	empty := len(w.b)
	if role == "user" {
		for i := from; i < to; i++ {
			for j := range w.r.Messages[i].Parts {
				if p := &w.r.Messages[i].Parts[j]; p.Kind == PartToolResult {
					w.result(p)
				}
			}
		}
	}
	signed := false
	var spare Seal // of reasoning, for the next call
	for i := from; i < to; i++ {
		for j := range w.r.Messages[i].Parts {
			p := &w.r.Messages[i].Parts[j]
			switch p.Kind {
			case PartToolResult:
			case PartReasoning:
				if p.Seal.Origin == llm.GenerateContent {
					spare = p.Seal
				}
			case PartToolCall:
				seal := p.Seal
				if seal.Origin != llm.GenerateContent && spare.Data != "" && (spare.ID == "" || spare.ID == p.ID) {
					seal, spare = spare, Seal{}
				}
				signature := ""
				switch {
				case seal.Origin == llm.GenerateContent:
					signature = seal.Data
				case !signed && i > w.current && thinkingLevels(w.r.Model):
					signature = unsigned
				}
				signed = signed || signature != ""
				w.call(p, signature)
			default:
				w.part(p)
			}
		}
	}
	if len(w.b) == empty { // an empty turn is refused
		w.b = w.b[:start]
		return
	}
	w.b = append(w.b, "]}"...)
}

func (w *geminiWriter) call(p *Part, signature string) {
	args := p.Args
	if p.Custom {
		args = wrapCustom(args)
	} else if !isObject(args) {
		args = "{}"
	}
	b := append(elem(w.b), `{"functionCall":{`...)
	if p.ID != "" {
		b = keyString(b, "id", p.ID)
	}
	b = append(keyRaw(keyString(b, "name", p.Name), "args", args), '}')
	if signature != "" {
		b = keyString(b, "thoughtSignature", signature)
	}
	w.b = append(b, '}')
}

// result writes what a tool returned; media stand beside it, where all models
// take them.
func (w *geminiWriter) result(p *Part) {
	name := w.names[p.ID]
	if name == "" {
		name = "tool" // its call is not in the conversation
	}
	b := append(elem(w.b), `{"functionResponse":{`...)
	if p.ID != "" {
		b = keyString(b, "id", p.ID)
	}
	b = append(key(keyString(b, "name", name), "response"), '{')
	member := "output"
	if p.IsError {
		member = "error"
	}
	texts := make([]Part, 0, len(p.Content))
	for i := range p.Content {
		if p.Content[i].Kind == PartText {
			texts = append(texts, p.Content[i])
		}
	}
	w.b = append(keyString(b, member, joinParts(texts, "\n")), "}}}"...)
	for i := range p.Content {
		if p.Content[i].Kind != PartText {
			w.part(&p.Content[i])
		}
	}
}

// part writes text or media.
func (w *geminiWriter) part(p *Part) {
	switch p.Kind {
	case PartText, PartRefusal:
		if p.Text != "" {
			w.b = append(keyString(append(elem(w.b), '{'), "text", p.Text), '}')
		}
		return
	case PartImage, PartFile, PartAudio:
		m := p.Media
		switch {
		case m == nil || m.MIME == "": // Gemini guesses nothing
		case m.Data != "":
			b := keyString(append(elem(w.b), `{"inlineData":{`...), "mimeType", m.MIME)
			w.b = append(keyString(b, "data", m.Data), "}}"...)
			return
		case m.URL != "":
			b := keyString(append(elem(w.b), `{"fileData":{`...), "mimeType", m.MIME)
			w.b = append(keyString(b, "fileUri", m.URL), "}}"...)
			return
		}
	}
	w.n.lose(p.Path)
}

func (w *geminiWriter) tools() {
	r, c := w.r, &w.r.ToolChoice
	b := w.b
	open := false
	some := c.some()
	for i := range r.Tools {
		t := &r.Tools[i]
		// There is no way to allow only some and leave the choice to the model:
		// the others are not offered.
		if c.Allowed != nil && c.Mode != ToolAny && !some[t.Name] {
			continue
		}
		if !open {
			b = append(key(b, "tools"), `[{"functionDeclarations":[`...)
			open = true
		}
		b = keyString(append(elem(b), '{'), "name", t.Name)
		if t.Description != "" {
			b = keyString(b, "description", t.Description)
		}
		if t.Custom {
			b = keyValue(b, "parametersJsonSchema", customSchema(t))
		} else {
			b = keyValue(b, "parametersJsonSchema", t.Parameters)
		}
		b = append(b, '}')
	}
	if !open {
		return
	}
	b = append(b, "]}]"...)
	mode := ""
	var allowed []string
	switch c.Mode {
	case ToolAuto:
		mode = "AUTO"
	case ToolNone:
		mode = "NONE"
	case ToolAny:
		mode, allowed = "ANY", c.Allowed
	case ToolNamed:
		mode, allowed = "ANY", []string{c.Name}
	}
	if mode != "" {
		b = keyString(append(key(b, "toolConfig"), `{"functionCallingConfig":{`...), "mode", mode)
		if len(allowed) > 0 {
			b = append(key(b, "allowedFunctionNames"), '[')
			for _, name := range allowed {
				b = quoted(elem(b), name)
			}
			b = append(b, ']')
		}
		b = append(b, "}}"...)
	}
	w.b = b
	if r.Parallel != nil && !*r.Parallel && c.Mode != ToolNone {
		w.n.lose(memberOf(w.c.Client, "parallel_tool_calls"))
	}
}

// config writes generationConfig.
func (w *geminiWriter) config() {
	r := w.r
	start := len(w.b)
	b := append(key(w.b, "generationConfig"), '{')
	empty := len(b)
	if r.MaxTokens > 0 {
		b = keyInt(b, "maxOutputTokens", r.MaxTokens)
	}
	b = keyValue(b, "temperature", r.Temperature)
	b = keyValue(b, "topP", r.TopP)
	b = keyValue(b, "topK", r.TopK)
	b = keyValue(b, "seed", r.Seed)
	b = keyValue(b, "presencePenalty", r.PresencePenalty)
	b = keyValue(b, "frequencyPenalty", r.FrequencyPenalty)
	if len(r.Stop) > 0 {
		b = append(key(b, "stopSequences"), '[')
		for _, s := range r.Stop {
			b = quoted(elem(b), s)
		}
		b = append(b, ']')
	}
	if r.Choices > 1 {
		b = keyInt(b, "candidateCount", r.Choices)
	}
	if r.Logprobs {
		b = keyRaw(b, "responseLogprobs", "true")
		if r.TopLogprobs > 0 {
			b = keyInt(b, "logprobs", r.TopLogprobs)
		}
	}
	switch r.Format.Kind {
	case FormatJSON:
		b = keyRaw(b, "responseMimeType", `"application/json"`)
	case FormatSchema:
		b = keyRaw(b, "responseMimeType", `"application/json"`)
		b = keyValue(b, "responseJsonSchema", r.Format.Schema)
	}
	b = w.thinking(b)
	switch r.ServiceTier {
	case "", "auto", "default", "standard", "standard_only":
	default:
		w.n.lose("service_tier")
	}
	if len(b) == empty {
		w.b = b[:start]
		return
	}
	w.b = append(b, '}')
}

// thinkingLevels reports whether a model takes a level of thinking; older ones
// take a number of tokens.
func thinkingLevels(model string) bool {
	v := geminiVersion(model)
	return v >= 3
}

// geminiVersion is the major version in a model's name: 0 for models that are no
// Gemini, the newest for names without a number ("gemini-flash-latest").
func geminiVersion(model string) int {
	i := strings.Index(model, "gemini-")
	if i < 0 {
		return 0
	}
	rest := model[i+len("gemini-"):]
	j := 0
	for j < len(rest) && rest[j] >= '0' && rest[j] <= '9' {
		j++
	}
	if j == 0 {
		return 3
	}
	v, err := strconv.Atoi(rest[:j])
	if err != nil {
		return 3
	}
	return v
}

// Budgets of models that take tokens, as Google's own OpenAI-compatible endpoint
// sets them; the least and the most that "pro" and the others take.
const (
	budgetLow, budgetMedium, budgetHigh = 1024, 8192, 24576
	budgetLeastPro, budgetMostPro       = 128, 32768
)

// thinking writes how much to think, and whether the thoughts are shown.
func (w *geminiWriter) thinking(b []byte) []byte {
	q := &w.r.Reasoning
	version := geminiVersion(w.r.Model)
	if *q == (Reasoning{Sealed: q.Sealed}) || version == 0 && q.Mode == ReasoningOff || version == 1 {
		return b
	}
	on := q.Mode == ReasoningOn || q.Mode == ReasoningAdaptive
	show := q.Summary != "omitted" && (q.Summary != "" || on && w.c.Client == llm.Messages)
	off := q.Mode == ReasoningOff || q.Effort == "none"
	c := []byte{'{'}
	switch {
	case version == 0:
	case version < 3:
		if n, ok := q.budget(strings.Contains(w.r.Model, "-pro"), off); ok {
			c = keyInt(c, "thinkingBudget", n)
		}
	default:
		if level := q.level(strings.Contains(w.r.Model, "-pro"), off); level != "" {
			c = keyString(c, "thinkingLevel", level)
		}
	}
	if show && !off {
		c = keyRaw(c, "includeThoughts", "true")
	}
	if len(c) == 1 {
		return b
	}
	return append(append(key(b, "thinkingConfig"), c...), '}')
}

// budget is the number of tokens to think; ok is false to leave it to the model.
func (q *Reasoning) budget(pro, off bool) (n int64, ok bool) {
	switch {
	case off && pro:
		return budgetLeastPro, true // it cannot be turned off
	case off:
		return 0, true
	case q.Budget > 0 && pro:
		return min(max(q.Budget, budgetLeastPro), budgetMostPro), true
	case q.Budget > 0:
		return min(q.Budget, budgetHigh), true
	}
	switch q.Effort {
	case "minimal", "low":
		return budgetLow, true
	case "medium":
		return budgetMedium, true
	case "high", "xhigh", "max":
		return budgetHigh, true
	}
	return 0, false
}

// level is the level to think at, "" to leave it to the model.
func (q *Reasoning) level(pro, off bool) string {
	effort := q.Effort
	if effort == "" && q.Budget > 0 {
		effort = effortOf(q.Budget)
	}
	switch {
	case off, effort == "minimal":
		if pro {
			return "low"
		}
		return "minimal"
	case effort == "low", effort == "medium":
		return effort
	case effort == "high", effort == "xhigh", effort == "max":
		return "high"
	}
	return ""
}

// geminiArgs returns arguments as the text of an object.
func geminiArgs(v jsontext.Value) string {
	if absent(v) || v.Kind() != '{' {
		return "{}"
	}
	c := v.Clone()
	if c.Compact(lenient) != nil {
		return string(v)
	}
	return string(c)
}
