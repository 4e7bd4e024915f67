package translate

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// writeChatRequest writes a request for a provider of chat completions.
func writeChatRequest(r *Request, c *Call, n *notes) ([]byte, error) {
	w := chatRequestWriter{r: r, c: c, n: n, b: make([]byte, 0, 1024+c.size+c.size/8)}
	w.b = keyString(append(w.b, '{'), "model", r.Model)
	w.b = append(key(w.b, "messages"), '[')
	if s := joinParts(r.System, "\n\n"); s != "" {
		w.b = append(keyString(append(w.b, `{"role":"system"`...), "content", s), '}')
	}
	for i := range r.Messages {
		w.message(&r.Messages[i])
	}
	w.b = append(w.b, ']')
	w.tools()
	w.options()
	if r.Stream {
		w.b = keyRaw(w.b, "stream", "true")
		if c.Options.IncludeUsage {
			w.b = keyRaw(w.b, "stream_options", `{"include_usage":true}`)
		}
	}
	return append(w.b, '}'), nil
}

// chatRequestWriter writes one request.
type chatRequestWriter struct {
	r *Request
	c *Call
	n *notes
	b []byte
}

// message writes a turn. The results of tools are messages of their own here, and
// what is no text in them follows as the user's.
func (w *chatRequestWriter) message(m *Message) {
	if m.Role == RoleAssistant {
		w.assistant(m)
		return
	}
	var rest []Part
	for i := range m.Parts {
		p := &m.Parts[i]
		if p.Kind != PartToolResult {
			rest = append(rest, *p)
			continue
		}
		w.b = keyString(append(elem(w.b), `{"role":"tool"`...), "tool_call_id", p.ID)
		said := joinParts(textsOf(p.Content), "\n")
		if p.IsError && said == "" { // else the words of the tool say so
			said = "the tool failed"
		}
		w.b = append(keyString(w.b, "content", said), '}')
		for j := range p.Content {
			if p.Content[j].Kind != PartText {
				rest = append(rest, p.Content[j])
			}
		}
	}
	if len(rest) == 0 {
		return
	}
	role := `{"role":"user"`
	if m.Role == RoleSystem {
		if w.compatible() {
			// The templates of many open models refuse instructions behind the
			// first message: they stay in their place as marked text.
			rest = append(append([]Part{{Text: "<system>"}}, rest...), Part{Text: "</system>"})
		} else {
			role = `{"role":"system"`
		}
	}
	w.b = append(elem(w.b), role...)
	if textOnly(rest) {
		// A string, since not all servers take parts.
		w.b = append(keyString(w.b, "content", joinParts(rest, "\n")), '}')
		return
	}
	w.b = append(key(w.b, "content"), '[')
	for i := range rest {
		w.part(&rest[i])
	}
	if w.b[len(w.b)-1] == '[' { // all of it was lost
		w.b = append(w.b, `{"type":"text","text":"."}`...)
	}
	w.b = append(w.b, "]}"...)
}

// compatible reports whether the provider is one of the many that follow OpenAI,
// which is known by the name that they have kept for the limit. Some refuse
// members that are new to them, so that these get no hints.
func (w *chatRequestWriter) compatible() bool { return w.c.Options.MaxTokensField == "max_tokens" }

// textsOf returns the parts that are text.
func textsOf(parts []Part) []Part {
	if textOnly(parts) {
		return parts
	}
	var out []Part
	for i := range parts {
		if parts[i].Kind == PartText {
			out = append(out, parts[i])
		}
	}
	return out
}

// part writes a content part of the user.
func (w *chatRequestWriter) part(p *Part) {
	b := elem(w.b)
	switch {
	case p.Kind == PartText || p.Kind == PartRefusal:
		b = append(keyString(append(b, `{"type":"text"`...), "text", p.Text), '}')
	case p.Kind == PartImage && hasMedia(p.Media):
		b = keyString(append(b, `{"type":"image_url","image_url":{`...), "url", dataURL(p.Media))
		if p.Media.Detail != "" {
			b = keyString(b, "detail", p.Media.Detail)
		}
		b = append(b, "}}"...)
	case p.Kind == PartFile && p.Media != nil && p.Media.Data != "":
		name := p.Media.Name
		if name == "" { // required beside data
			name = "document.pdf"
		}
		b = keyString(append(b, `{"type":"file","file":{`...), "filename", name)
		b = append(keyString(b, "file_data", dataURL(p.Media)), "}}"...)
	case p.Kind == PartAudio && p.Media != nil && p.Media.Data != "":
		b = keyString(append(b, `{"type":"input_audio","input_audio":{`...), "data", p.Media.Data)
		_, format, _ := strings.Cut(p.Media.MIME, "/")
		b = append(keyString(b, "format", format), "}}"...)
	default: // a file by address or id
		w.n.lose(p.Path)
		return
	}
	w.b = b
}

func (w *chatRequestWriter) assistant(m *Message) {
	var said, refusal, reasoning []string
	calls := false
	for i := range m.Parts {
		switch p := &m.Parts[i]; p.Kind {
		case PartText:
			said = append(said, p.Text)
		case PartRefusal:
			refusal = append(refusal, p.Text)
		case PartToolCall:
			calls = true
		case PartReasoning:
			// Only a server that reasons in the open gets it back; to others
			// it would be an unknown member.
			if p.Seal.Origin == llm.Chat && p.Text != "" {
				reasoning = append(reasoning, p.Text)
			}
		default:
			w.n.lose(p.Path)
		}
	}
	if said == nil && refusal == nil && !calls {
		return // reasoning alone says nothing
	}
	b := append(elem(w.b), `{"role":"assistant"`...)
	if said != nil || !calls {
		b = keyString(b, "content", strings.Join(said, "\n"))
	} else {
		b = keyRaw(b, "content", "null")
	}
	if refusal != nil {
		b = keyString(b, "refusal", strings.Join(refusal, "\n"))
	}
	if reasoning != nil {
		b = keyString(b, "reasoning_content", strings.Join(reasoning, "\n"))
	}
	if calls {
		b = append(key(b, "tool_calls"), '[')
		for i := range m.Parts {
			if p := m.Parts[i]; p.Kind == PartToolCall {
				if p.Custom {
					p.Custom, p.Args = false, wrapCustom(p.Args)
				}
				b = appendChatCall(elem(b), &p)
			}
		}
		b = append(b, ']')
	}
	w.b = append(b, '}')
}

// appendChatCall appends a tool call as messages have it.
func appendChatCall(b []byte, p *Part) []byte {
	b = keyString(append(b, '{'), "id", p.ID)
	if p.Custom {
		b = keyString(append(keyRaw(b, "type", `"custom"`), `,"custom":{`...), "name", p.Name)
		return append(keyString(b, "input", p.Args), "}}"...)
	}
	args := p.Args
	if args == "" {
		args = "{}"
	}
	b = keyString(append(keyRaw(b, "type", `"function"`), `,"function":{`...), "name", p.Name)
	b = append(keyString(b, "arguments", args), '}')
	return append(appendChatSeal(b, p.Seal), '}')
}

// appendChatSeal appends Gemini's thought signature where Google's own chat API
// has it. Other seals have no place here.
func appendChatSeal(b []byte, s Seal) []byte {
	if s.Origin != llm.GenerateContent || s.Data == "" {
		return b
	}
	return append(keyString(append(key(b, "extra_content"), `{"google":{`...), "thought_signature", s.Data), "}}"...)
}

func (w *chatRequestWriter) tools() {
	r, b := w.r, w.b
	if len(r.Tools) > 0 {
		b = append(key(b, "tools"), '[')
		for i := range r.Tools {
			t := &r.Tools[i]
			b = elem(b)
			b = keyString(append(b, `{"type":"function","function":{`...), "name", t.Name)
			if t.Description != "" {
				b = keyString(b, "description", t.Description)
			}
			if t.Custom {
				// Free text is offered as an argument: few servers of this
				// dialect know tools of that kind.
				b = append(key(b, "parameters"), customSchema(t)...)
			} else {
				b = keyValue(b, "parameters", t.Parameters)
			}
			if t.Strict != nil {
				b = keyBool(b, "strict", *t.Strict)
			}
			b = append(b, "}}"...)
		}
		b = append(b, ']')
		if r.Parallel != nil {
			b = keyBool(b, "parallel_tool_calls", *r.Parallel)
		}
	}
	c := &r.ToolChoice
	switch {
	case len(r.Tools) == 0: // a choice is refused without tools
	case c.Mode == ToolNamed:
		b = append(w.toolRef(key(b, "tool_choice"), c.Name), '}')
	case c.Allowed != nil && c.Mode != ToolNone:
		mode := "auto"
		if c.Mode == ToolAny {
			mode = "required"
		}
		b = keyString(append(key(b, "tool_choice"), `{"type":"allowed_tools","allowed_tools":{`...), "mode", mode)
		b = append(key(b, "tools"), '[')
		for _, name := range c.Allowed {
			b = append(w.toolRef(elem(b), name), '}')
		}
		b = append(b, "]}}"...)
	case c.Mode == ToolNone:
		b = keyRaw(b, "tool_choice", `"none"`)
	case c.Mode == ToolAny:
		b = keyRaw(b, "tool_choice", `"required"`)
	case c.Mode == ToolAuto:
		b = keyRaw(b, "tool_choice", `"auto"`)
	}
	w.b = b
}

// toolRef appends an object that names a tool, without its closing brace.
func (w *chatRequestWriter) toolRef(b []byte, name string) []byte {
	return append(keyString(append(b, `{"type":"function","function":{`...), "name", name), '}')
}

// options writes what steers the generation.
func (w *chatRequestWriter) options() {
	r, b := w.r, w.b
	if r.MaxTokens > 0 {
		limit := r.MaxTokens
		if w.c.Client == llm.Messages { // where it must be given: it may be one for Claude
			if most := canWrite(r.Model); most > 0 {
				limit = min(limit, most)
			}
		}
		b = keyInt(b, firstOf(w.c.Options.MaxTokensField, "max_completion_tokens"), limit)
	}
	// Reasoning models take no more than the default, which some clients send.
	fixed := reasons(r.Model)
	if t, ok := numberOf(r.Temperature); ok && !(fixed && t == 1) {
		b = keyValue(b, "temperature", r.Temperature)
	}
	if p, ok := numberOf(r.TopP); ok && !(fixed && p == 1) {
		b = keyValue(b, "top_p", r.TopP)
	}
	b = keyValue(b, "frequency_penalty", r.FrequencyPenalty)
	b = keyValue(b, "presence_penalty", r.PresencePenalty)
	b = keyValue(b, "seed", r.Seed)
	if !absent(r.TopK) {
		w.n.lose("top_k")
	}
	if len(r.Stop) > 0 {
		b = append(key(b, "stop"), '[')
		for _, s := range r.Stop {
			b = quoted(elem(b), s)
		}
		b = append(b, ']')
	}
	if r.Choices > 1 {
		b = keyInt(b, "n", r.Choices)
	}
	if r.Logprobs {
		b = keyRaw(b, "logprobs", "true")
		if r.TopLogprobs > 0 {
			b = keyInt(b, "top_logprobs", r.TopLogprobs)
		}
	}
	switch f := &r.Format; f.Kind {
	case FormatJSON:
		b = keyRaw(b, "response_format", `{"type":"json_object"}`)
	case FormatSchema:
		b = append(key(b, "response_format"), `{"type":"json_schema","json_schema":{`...)
		b = keyString(b, "name", firstOf(f.Name, "answer")) // required
		if f.Description != "" {
			b = keyString(b, "description", f.Description)
		}
		b = keyValue(b, "schema", f.Schema)
		switch {
		case f.Strict != nil:
			b = keyBool(b, "strict", *f.Strict)
		case w.c.Client == llm.Messages: // Anthropic's schemas are always kept to
			b = keyRaw(b, "strict", "true")
		}
		b = append(b, "}}"...)
	}
	if e := w.effort(); e != "" {
		b = keyString(b, "reasoning_effort", e)
	}
	if r.Verbosity != "" && !w.compatible() {
		b = keyString(b, "verbosity", r.Verbosity)
	}
	if r.CacheKey != "" && !w.compatible() {
		b = keyString(b, "prompt_cache_key", r.CacheKey)
	}
	switch r.ServiceTier {
	case "", "auto":
	case "default", "flex", "priority", "scale", "fast":
		b = keyString(b, "service_tier", r.ServiceTier)
	case "standard", "standard_only":
		if !w.compatible() {
			b = keyString(b, "service_tier", "default")
		}
	default:
		w.n.lose("service_tier")
	}
	if r.User != "" && len(r.User) <= maxUser && !w.compatible() {
		b = keyString(b, "user", r.User)
	}
	w.b = b
}

// effort is how much to think. An OpenAI client's own word is passed on. What an
// Anthropic client asks for is meant for Claude, and Claude Code always asks: it
// is a hint here, given only to models that are known to take it, since the
// others refuse the whole call.
func (w *chatRequestWriter) effort() string {
	q := &w.r.Reasoning
	if w.c.Client != llm.Messages {
		return q.Effort
	}
	if q.Mode == ReasoningOff || !reasons(w.r.Model) {
		return ""
	}
	switch q.Effort {
	case "low", "medium", "high":
		return q.Effort
	case "xhigh", "max":
		return "high"
	}
	if q.Mode == ReasoningOn && q.Budget > 0 {
		return effortOf(q.Budget)
	}
	return ""
}

// canWrite is how many tokens a model of OpenAI's can write, 0 if that is not known
// or more than clients ask for. It refuses calls with a higher limit.
func canWrite(model string) int64 {
	model = strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	for _, m := range [...]struct {
		prefix string
		most   int64
	}{{"gpt-4o", 16_384}, {"chatgpt-4o", 16_384}, {"gpt-4.1", 32_768}, {"gpt-4", 4096}, {"gpt-3.5", 4096}} {
		if strings.HasPrefix(model, m.prefix) {
			return m.most
		}
	}
	return 0
}

// reasons reports whether a model is one of OpenAI's that take an effort, by its
// name, under any prefix that routers put before it.
func reasons(model string) bool {
	model = strings.ToLower(model[strings.LastIndexByte(model, '/')+1:])
	for _, p := range [...]string{"o1", "o3", "o4", "gpt-5", "gpt-6", "gpt-oss", "codex"} {
		if strings.HasPrefix(model, p) && !strings.Contains(model, "-chat") {
			return true
		}
	}
	return false
}
