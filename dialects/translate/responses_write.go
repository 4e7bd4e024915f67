package translate

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// writeResponsesRequest writes a request for a provider of the Responses API.
// Nothing is stored there, so reasoning travels in its encrypted form.
func writeResponsesRequest(r *Request, c *Call, n *notes) ([]byte, error) {
	w := responsesRequestWriter{r: r, c: c, n: n, b: make([]byte, 0, 4096)}
	w.b = append(w.b, '{')
	w.b = keyString(w.b, "model", r.Model)
	w.conversation()
	w.options()
	w.b = keyRaw(w.b, "store", "false")
	if r.Stream {
		w.b = keyRaw(w.b, "stream", "true")
	}
	return append(w.b, '}'), nil
}

// responsesRequestWriter writes one request.
type responsesRequestWriter struct {
	r *Request
	c *Call
	n *notes
	b []byte
	// custom are the ids of calls of custom tools; sealed is whether the history
	// holds reasoning of this API.
	custom map[string]bool
	sealed bool
}

// conversation writes what counts as input: the messages, the tools, and what
// goes with them.
func (w *responsesRequestWriter) conversation() {
	r := w.r
	if s := joinParts(r.System, "\n\n"); s != "" {
		w.b = keyString(w.b, "instructions", s)
	}
	w.b = append(key(w.b, "input"), '[')
	for i := range r.Messages {
		w.message(&r.Messages[i])
	}
	w.b = append(w.b, ']')
	w.tools()
	if r.Parallel != nil {
		w.b = keyBool(w.b, "parallel_tool_calls", *r.Parallel)
	}
	w.text()
	w.reasoning()
}

// options writes what steers the generation.
func (w *responsesRequestWriter) options() {
	r, b := w.r, w.b
	if r.MaxTokens > 0 {
		b = keyInt(b, "max_output_tokens", r.MaxTokens)
	}
	b = keyValue(b, "temperature", r.Temperature)
	b = keyValue(b, "top_p", r.TopP)
	w.loseValue(r.TopK, "top_k")
	w.losePenalty(r.FrequencyPenalty, "frequency_penalty")
	w.losePenalty(r.PresencePenalty, "presence_penalty")
	w.loseValue(r.Seed, "seed")
	if len(r.Stop) > 0 {
		w.n.lose(memberOf(w.c.Client, "stop"))
	}
	if r.Choices > 1 {
		w.n.lose("n")
	}
	var include []string
	if r.Logprobs {
		include = append(include, logprobsInclude)
		if r.TopLogprobs > 0 {
			b = keyInt(b, "top_logprobs", r.TopLogprobs)
		}
	}
	// Models that do not reason refuse to be asked for it.
	if think := r.Reasoning; think.Sealed || w.sealed || w.c.Client == llm.Messages && think.Mode != ReasoningOff && think != (Reasoning{}) {
		include = append(include, sealedInclude)
	}
	if include != nil {
		b = append(key(b, "include"), '[')
		for _, s := range include {
			b = quoted(elem(b), s)
		}
		b = append(b, ']')
	}
	switch r.ServiceTier {
	case "", "auto":
	case "default", "flex", "priority", "scale", "fast":
		b = keyString(b, "service_tier", r.ServiceTier)
	case "standard", "standard_only":
		b = keyString(b, "service_tier", "default")
	default:
		w.n.lose("service_tier")
	}
	if r.CacheKey != "" {
		b = keyString(b, "prompt_cache_key", r.CacheKey)
	}
	if r.User != "" && len(r.User) <= maxUser {
		b = keyString(b, "safety_identifier", r.User)
	}
	w.b = b
}

// maxUser is the longest id of an end user that the API takes.
const maxUser = 64

func (w *responsesRequestWriter) loseValue(v jsontext.Value, name string) {
	if !absent(v) {
		w.n.lose(memberOf(w.c.Client, name))
	}
}

// losePenalty notes a penalty, unless it is 0, the default.
func (w *responsesRequestWriter) losePenalty(v jsontext.Value, name string) {
	if strings.Trim(string(v), "-0.eE+") != "" {
		w.loseValue(v, name)
	}
}

// memberOf returns the caller's name for a member that is called name in chat.
func memberOf(client llm.Dialect, name string) string {
	switch client {
	case llm.Messages, llm.CountTokens:
		switch name {
		case "stop":
			return "stop_sequences"
		case "parallel_tool_calls":
			return "tool_choice.disable_parallel_tool_use"
		}
	}
	return name
}

// joinParts joins the texts of parts.
func joinParts(parts []Part, sep string) string {
	if len(parts) == 1 {
		return parts[0].Text
	}
	texts := make([]string, 0, len(parts))
	for i := range parts {
		if parts[i].Text != "" {
			texts = append(texts, parts[i].Text)
		}
	}
	return strings.Join(texts, sep)
}

// message writes a turn as items: each run of texts and media is a message,
// calls, results and reasoning are items of their own.
func (w *responsesRequestWriter) message(m *Message) {
	open := false
	end := func() {
		if open {
			w.b = append(w.b, "]}"...)
			open = false
		}
	}
	for i := range m.Parts {
		p := &m.Parts[i]
		switch p.Kind {
		case PartToolCall:
			end()
			w.call(p)
			continue
		case PartToolResult:
			end()
			w.result(p)
			continue
		case PartReasoning:
			end()
			w.reasoningItem(p)
			continue
		}
		if !open {
			w.b = append(elem(w.b), `{"type":"message","role":`...)
			w.b = append(key(quoted(w.b, m.Role), "content"), '[')
			open = true
		}
		w.part(p, m.Role)
	}
	end()
}

// part writes a content part. What the model said has other types than what it
// is told.
func (w *responsesRequestWriter) part(p *Part, role string) {
	b := elem(w.b)
	switch {
	case p.Kind == PartText && role == RoleAssistant:
		b = append(keyString(append(b, `{"type":"output_text"`...), "text", p.Text), '}')
	case p.Kind == PartText:
		b = append(keyString(append(b, `{"type":"input_text"`...), "text", p.Text), '}')
	case p.Kind == PartRefusal:
		if role == RoleAssistant {
			b = append(keyString(append(b, `{"type":"refusal"`...), "refusal", p.Text), '}')
		} else {
			b = append(keyString(append(b, `{"type":"input_text"`...), "text", p.Text), '}')
		}
	case p.Kind == PartImage && role != RoleAssistant && hasMedia(p.Media):
		b = keyString(append(b, `{"type":"input_image"`...), "image_url", dataURL(p.Media))
		if p.Media.Detail != "" {
			b = keyString(b, "detail", p.Media.Detail)
		}
		b = append(b, '}')
	case p.Kind == PartFile && role != RoleAssistant && hasMedia(p.Media):
		b = append(b, `{"type":"input_file"`...)
		if p.Media.Data == "" {
			b = keyString(b, "file_url", p.Media.URL)
		} else {
			name := p.Media.Name
			if name == "" { // required beside data
				name = "document"
				if p.Media.MIME == "application/pdf" {
					name = "document.pdf"
				}
			}
			b = keyString(keyString(b, "filename", name), "file_data", dataURL(p.Media))
		}
		b = append(b, '}')
	case p.Kind == PartAudio && role != RoleAssistant && p.Media != nil && p.Media.Data != "":
		b = keyString(append(b, `{"type":"input_audio","input_audio":{`...), "data", p.Media.Data)
		_, format, _ := strings.Cut(p.Media.MIME, "/")
		b = append(keyString(b, "format", format), "}}"...)
	default:
		w.n.lose(p.Path)
		return
	}
	w.b = b
}

// hasMedia reports whether there is something that every provider could read.
func hasMedia(m *Media) bool { return m != nil && (m.Data != "" || m.URL != "") }

// dataURL returns the address of media, or the data as one.
func dataURL(m *Media) string {
	if m.Data == "" {
		return m.URL
	}
	mime := m.MIME
	if mime == "" {
		mime = "application/octet-stream"
	}
	return "data:" + mime + ";base64," + m.Data
}

func (w *responsesRequestWriter) call(p *Part) {
	b := elem(w.b)
	if p.Custom {
		if w.custom == nil {
			w.custom = make(map[string]bool)
		}
		w.custom[p.ID] = true
		b = keyString(append(b, `{"type":"custom_tool_call"`...), "call_id", p.ID)
		b = keyString(keyString(b, "name", p.Name), "input", p.Args)
	} else {
		args := p.Args
		if args == "" {
			args = "{}"
		}
		b = keyString(append(b, `{"type":"function_call"`...), "call_id", p.ID)
		b = keyString(keyString(b, "name", p.Name), "arguments", args)
	}
	w.b = append(b, '}')
}

// result writes what a tool returned: a string where it can be, since not all
// servers take parts. That it failed has no place here; its text says so.
func (w *responsesRequestWriter) result(p *Part) {
	b := append(elem(w.b), `{"type":"function_call_output"`...)
	if p.Custom || w.custom[p.ID] {
		b = append(b[:len(b)-len(`"function_call_output"`)], `"custom_tool_call_output"`...)
	}
	b = keyString(b, "call_id", p.ID)
	if textOnly(p.Content) {
		w.b = append(keyString(b, "output", joinParts(p.Content, "\n")), '}')
		return
	}
	w.b = append(key(b, "output"), '[')
	for i := range p.Content {
		w.part(&p.Content[i], RoleUser)
	}
	w.b = append(w.b, "]}"...)
}

func textOnly(parts []Part) bool {
	for i := range parts {
		if parts[i].Kind != PartText {
			return false
		}
	}
	return true
}

// reasoningItem writes reasoning that this API made. That of others means nothing
// to it, and is no part of what was said.
func (w *responsesRequestWriter) reasoningItem(p *Part) {
	if !isResponsesSeal(p.Seal) {
		return
	}
	w.sealed = true
	b := append(elem(w.b), `{"type":"reasoning"`...)
	if p.Seal.ID != "" {
		b = keyString(b, "id", p.Seal.ID)
	}
	b = appendSummary(b, p.Text)
	w.b = append(keyString(b, "encrypted_content", p.Seal.Data), '}')
}

// appendSummary appends the member summary.
func appendSummary(b []byte, text string) []byte {
	b = append(key(b, "summary"), '[')
	if text != "" {
		b = append(keyString(append(b, `{"type":"summary_text"`...), "text", text), '}')
	}
	return append(b, ']')
}

func (w *responsesRequestWriter) tools() {
	r := w.r
	if len(r.Tools) > 0 {
		b := append(key(w.b, "tools"), '[')
		for i := range r.Tools {
			t := &r.Tools[i]
			b = append(elem(b), '{')
			if t.Custom {
				b = keyString(keyRaw(b, "type", `"custom"`), "name", t.Name)
				if t.Description != "" {
					b = keyString(b, "description", t.Description)
				}
				if syntax, definition := grammarOf(t.Grammar); definition != "" {
					b = append(key(b, "format"), `{"type":"grammar"`...)
					b = append(keyString(keyString(b, "syntax", syntax), "definition", definition), '}')
				}
				b = append(b, '}')
				continue
			}
			b = keyString(keyRaw(b, "type", `"function"`), "name", t.Name)
			if t.Description != "" {
				b = keyString(b, "description", t.Description)
			}
			if absent(t.Parameters) {
				b = keyRaw(b, "parameters", `{"type":"object","properties":{}}`)
			} else {
				b = keyValue(b, "parameters", t.Parameters)
			}
			// Left out it would mean strict here, and nowhere else.
			b = append(keyBool(b, "strict", t.Strict != nil && *t.Strict), '}')
		}
		w.b = append(b, ']')
	}
	c := &r.ToolChoice
	if c.Mode == ToolDefault && c.Allowed == nil {
		return
	}
	b := key(w.b, "tool_choice")
	switch {
	case c.Mode == ToolNamed:
		b = append(keyString(w.toolRef(b, c.Name), "name", c.Name), '}')
	case c.Allowed != nil && c.Mode != ToolNone:
		mode := "auto"
		if c.Mode == ToolAny {
			mode = "required"
		}
		b = append(key(keyString(append(b, `{"type":"allowed_tools"`...), "mode", mode), "tools"), '[')
		for _, name := range c.Allowed {
			b = append(keyString(w.toolRef(elem(b), name), "name", name), '}')
		}
		b = append(b, "]}"...)
	case c.Mode == ToolNone:
		b = append(b, `"none"`...)
	case c.Mode == ToolAny:
		b = append(b, `"required"`...)
	default:
		b = append(b, `"auto"`...)
	}
	w.b = b
}

// toolRef begins an object that names a tool.
func (w *responsesRequestWriter) toolRef(b []byte, name string) []byte {
	if t := w.r.tool(name); t != nil && t.Custom {
		return append(b, `{"type":"custom"`...)
	}
	return append(b, `{"type":"function"`...)
}

// text writes the form of the answer.
func (w *responsesRequestWriter) text() {
	f := &w.r.Format
	if f.Kind == FormatText && w.r.Verbosity == "" {
		return
	}
	b := append(key(w.b, "text"), '{')
	switch f.Kind {
	case FormatJSON:
		b = keyRaw(b, "format", `{"type":"json_object"}`)
	case FormatSchema:
		name := f.Name
		if name == "" { // required
			name = "answer"
		}
		b = keyString(append(key(b, "format"), `{"type":"json_schema"`...), "name", name)
		if f.Description != "" {
			b = keyString(b, "description", f.Description)
		}
		b = keyValue(b, "schema", f.Schema)
		if f.Strict != nil {
			b = keyBool(b, "strict", *f.Strict)
		}
		b = append(b, '}')
	}
	if w.r.Verbosity != "" {
		b = keyString(b, "verbosity", w.r.Verbosity)
	}
	w.b = append(b, '}')
}

// reasoning writes how much to think. A budget in tokens has no place here and
// becomes a level; thinking that is turned off is left to the model's default,
// because models that do not reason refuse any level.
func (w *responsesRequestWriter) reasoning() {
	q := &w.r.Reasoning
	effort, summary := q.Effort, q.Summary
	if effort == "" && q.Mode == ReasoningOn && q.Budget > 0 {
		effort = effortOf(q.Budget)
	}
	if summary == "omitted" {
		summary = ""
	} else if summary == "" && w.c.Client == llm.Messages && (q.Mode == ReasoningOn || q.Mode == ReasoningAdaptive) {
		summary = "auto" // a client that turns thinking on shows it
	}
	switch summary {
	case "", "auto", "concise", "detailed":
	default:
		summary = "auto" // another dialect's word
	}
	if effort == "" && summary == "" {
		return
	}
	b := append(key(w.b, "reasoning"), '{')
	if effort != "" {
		b = keyString(b, "effort", effort)
	}
	if summary != "" {
		b = keyString(b, "summary", summary)
	}
	w.b = append(b, '}')
}

// effortOf turns a budget of tokens into a level.
func effortOf(budget int64) string {
	switch {
	case budget <= 4096:
		return "low"
	case budget <= 16384:
		return "medium"
	}
	return "high"
}
