package translate

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// messagesCodec speaks Anthropic's messages.
var messagesCodec = codec{
	readRequest:  readMessagesRequest,
	writeRequest: writeMessagesRequest,
	readAnswer:   readMessagesAnswer,
	writeAnswer:  writeMessagesAnswer,
	newReader:    func() eventReader { return &messagesReader{} },
	newWriter:    newMessagesWriter,
}

// messagesRequest is a request of either version of the API. Members that are
// only hints are named to keep them out of Rest.
type messagesRequest struct {
	Model       string           `json:"model"`
	Messages    []jsontext.Value `json:"messages"`
	System      jsontext.Value   `json:"system"`
	MaxTokens   int64            `json:"max_tokens"`
	Stream      bool             `json:"stream"`
	Temperature jsontext.Value   `json:"temperature"`
	TopP        jsontext.Value   `json:"top_p"`
	TopK        jsontext.Value   `json:"top_k"`
	Stop        []string         `json:"stop_sequences"`
	Tools       []jsontext.Value `json:"tools"`
	ToolChoice  struct {
		Type     string         `json:"type"`
		Name     string         `json:"name"`
		Disable  *bool          `json:"disable_parallel_tool_use"`
		RestOfIt jsontext.Value `json:",embed"`
	} `json:"tool_choice"`
	Thinking struct {
		Type    string         `json:"type"`
		Budget  int64          `json:"budget_tokens"`
		Display string         `json:"display"`
		Rest    jsontext.Value `json:",embed"`
	} `json:"thinking"`
	Output struct {
		Effort string         `json:"effort"`
		Format jsontext.Value `json:"format"`
		Rest   jsontext.Value `json:",embed"`
	} `json:"output_config"`
	Format   jsontext.Value `json:"output_format"` // its older place
	Metadata struct {
		User string         `json:"user_id"`
		Rest jsontext.Value `json:",embed"`
	} `json:"metadata"`
	ServiceTier string         `json:"service_tier"`
	Speed       string         `json:"speed"`
	Context     jsontext.Value `json:"context_management"`
	Geo         string         `json:"inference_geo"`
	Servers     jsontext.Value `json:"mcp_servers"`

	Cache       jsontext.Value `json:"cache_control"`
	Betas       jsontext.Value `json:"betas"`
	Diagnostics jsontext.Value `json:"diagnostics"`

	Rest jsontext.Value `json:",embed"`
}

// readMessagesRequest reads a client's request.
func readMessagesRequest(body []byte, n *notes) (*Request, error) {
	var q messagesRequest
	if err := decode(body, &q, ""); err != nil {
		return nil, err
	}
	r := &Request{
		Model: q.Model, Stream: q.Stream, Choices: 1, MaxTokens: q.MaxTokens, Stop: q.Stop, User: q.Metadata.User,
	}
	for _, f := range [...]struct {
		name string
		from jsontext.Value
		into *jsontext.Value
	}{{"temperature", q.Temperature, &r.Temperature}, {"top_p", q.TopP, &r.TopP}, {"top_k", q.TopK, &r.TopK}} {
		var err error
		if *f.into, err = number(f.from, f.name); err != nil {
			return nil, err
		}
	}
	if q.ServiceTier != "auto" {
		r.ServiceTier = q.ServiceTier
	}
	if q.Speed != "" && q.Speed != "standard" {
		n.lose("speed")
	}
	switch q.Geo {
	case "", "global", "not_available":
	default:
		n.lose("inference_geo")
	}
	if !absent(q.Servers) && !(q.Servers.Kind() == '[' && emptyArray(q.Servers)) {
		n.lose("mcp_servers")
	}
	if err := hintedContext(q.Context, n); err != nil {
		return nil, err
	}
	n.loseMembers(q.Rest, "")
	n.loseMembers(q.Thinking.Rest, "thinking")
	n.loseMembers(q.Output.Rest, "output_config")
	switch t := &r.Reasoning; q.Thinking.Type {
	case "":
	case "enabled":
		t.Mode, t.Budget = ReasoningOn, q.Thinking.Budget
	case "disabled":
		t.Mode = ReasoningOff
	case "adaptive":
		t.Mode = ReasoningAdaptive
	default:
		return nil, invalidf("thinking.type", "want enabled, disabled or adaptive")
	}
	if q.Thinking.Display == "omitted" {
		r.Reasoning.Summary = "omitted"
	}
	r.Reasoning.Effort = q.Output.Effort
	format, where := q.Output.Format, "output_config.format"
	if absent(format) {
		format, where = q.Format, "output_format"
	}
	p := messagesInput{r: r, n: n}
	if err := p.format(format, where); err != nil {
		return nil, err
	}
	if err := p.tools(q.Tools); err != nil {
		return nil, err
	}
	if q.ToolChoice.Disable != nil {
		allowed := !*q.ToolChoice.Disable
		r.Parallel = &allowed
	}
	n.loseMembers(q.ToolChoice.RestOfIt, "tool_choice")
	switch c := &r.ToolChoice; q.ToolChoice.Type {
	case "":
	case "auto":
		c.Mode = ToolAuto
	case "any":
		c.Mode = ToolAny
	case "none":
		c.Mode = ToolNone
	case "tool":
		if c.Mode, c.Name = ToolNamed, shortName(q.ToolChoice.Name); c.Name == "" {
			return nil, invalidf("tool_choice.name", "required")
		}
	default:
		return nil, invalidf("tool_choice.type", "want auto, any, tool or none")
	}
	system, err := p.content(q.System, "system")
	if err != nil {
		return nil, err
	}
	for _, part := range system {
		switch {
		case part.Kind != PartText:
			n.lose(part.Path)
		case !strings.HasPrefix(part.Text, billingHeader):
			r.System = append(r.System, part)
		}
	}
	for i, v := range q.Messages {
		if err := p.message(v, at("messages", i)); err != nil {
			return nil, err
		}
	}
	p.seal()
	return r, nil
}

// billingHeader begins a block that Claude Code puts before its instructions: it
// is meant for Anthropic's billing, and is no instruction.
const billingHeader = "x-anthropic-billing-header:"

// hintedContext loses a context_management that does more than clear what is
// old: clearing only saves tokens.
func hintedContext(v jsontext.Value, n *notes) error {
	if absent(v) {
		return nil
	}
	var q struct {
		Edits []struct {
			Type string `json:"type"`
		} `json:"edits"`
	}
	if err := decode(v, &q, "context_management"); err != nil {
		return err
	}
	for _, e := range q.Edits {
		if !strings.HasPrefix(e.Type, "clear_") {
			n.lose("context_management")
		}
	}
	return nil
}

// messagesInput reads what a request says to the model.
type messagesInput struct {
	r *Request
	n *notes
	// seals are those of tool calls, which stand in thinking blocks of their own.
	seals []Seal
}

func (p *messagesInput) format(v jsontext.Value, path string) error {
	if absent(v) {
		return nil
	}
	var f struct {
		Type   string         `json:"type"`
		Name   string         `json:"name"`
		Schema jsontext.Value `json:"schema"`
		Rest   jsontext.Value `json:",embed"`
	}
	if err := decode(v, &f, path); err != nil {
		return err
	}
	p.n.loseMembers(f.Rest, path)
	switch {
	case f.Type == "json_schema" && !absent(f.Schema):
		p.r.Format = Format{Kind: FormatSchema, Name: f.Name, Schema: f.Schema}
	case f.Type == "json_schema":
		return invalidf(in(path, "schema"), "required")
	case f.Type != "" && f.Type != "text":
		p.n.lose(path)
	}
	return nil
}

func (p *messagesInput) tools(list []jsontext.Value) error {
	for i, v := range list {
		path := at("tools", i)
		var t struct {
			Type        string         `json:"type"`
			Name        string         `json:"name"`
			Description string         `json:"description"`
			Schema      jsontext.Value `json:"input_schema"`
			Strict      *bool          `json:"strict"`
			Cache       jsontext.Value `json:"cache_control"`
			// Hints: how and when the definition is shown, and who may call.
			Examples jsontext.Value `json:"input_examples"`
			Defer    jsontext.Value `json:"defer_loading"`
			Eager    jsontext.Value `json:"eager_input_streaming"`
			Callers  jsontext.Value `json:"allowed_callers"`
			Rest     jsontext.Value `json:",embed"`
		}
		if err := decode(v, &t, path); err != nil {
			return err
		}
		if t.Type != "" && t.Type != "custom" { // a tool of the provider
			p.n.lose(path)
			continue
		}
		if t.Name == "" {
			return invalidf(in(path, "name"), "required")
		}
		p.n.loseMembers(t.Rest, path)
		tool := Tool{Name: shortName(t.Name), Description: t.Description, Parameters: object(t.Schema), Strict: t.Strict, Cache: object(t.Cache), Path: path}
		if tool.Name != t.Name {
			tool.Local = t.Name
		}
		p.r.Tools = append(p.r.Tools, tool)
	}
	return nil
}

func (p *messagesInput) message(v jsontext.Value, path string) error {
	var m struct {
		Role    string         `json:"role"`
		Content jsontext.Value `json:"content"`
		ID      jsontext.Value `json:"id"`
		Rest    jsontext.Value `json:",embed"`
	}
	if err := decode(v, &m, path); err != nil {
		return err
	}
	p.n.loseMembers(m.Rest, path)
	parts, err := p.content(m.Content, in(path, "content"))
	if err != nil {
		return err
	}
	switch m.Role {
	case RoleUser, RoleAssistant, RoleSystem:
	default:
		return invalidf(in(path, "role"), "want user, assistant or system")
	}
	if len(parts) > 0 {
		p.r.Messages = append(p.r.Messages, Message{Role: m.Role, Parts: parts})
	}
	return nil
}

// messagesBlock is a content block of any type.
type messagesBlock struct {
	Type      string         `json:"type"`
	Text      string         `json:"text"`
	ID        string         `json:"id"`
	Name      string         `json:"name"`
	Input     jsontext.Value `json:"input"`
	ToolUseID string         `json:"tool_use_id"`
	ToolName  string         `json:"tool_name"`
	Content   jsontext.Value `json:"content"`
	IsError   bool           `json:"is_error"`
	Thinking  string         `json:"thinking"`
	Signature string         `json:"signature"`
	Data      string         `json:"data"`
	Title     string         `json:"title"`
	Context   string         `json:"context"`
	Source    struct {
		Type    string         `json:"type"`
		MIME    string         `json:"media_type"`
		Data    string         `json:"data"`
		URL     string         `json:"url"`
		FileID  string         `json:"file_id"`
		Content jsontext.Value `json:"content"`
	} `json:"source"`
	Cache jsontext.Value `json:"cache_control"`
	// Of a document: whether it must be cited. Of a text: what it cited, which
	// says nothing to the model, as little as who called a tool.
	Citations jsontext.Value `json:"citations"`
	Caller    jsontext.Value `json:"caller"`
	Rest      jsontext.Value `json:",embed"`
}

// content reads a string or blocks.
func (p *messagesInput) content(v jsontext.Value, path string) ([]Part, error) {
	if absent(v) {
		return nil, nil
	}
	if v.Kind() == '"' {
		if s := unquote(v); s != "" {
			return []Part{{Text: s, Path: path}}, nil
		}
		return nil, nil
	}
	var list []messagesBlock
	if err := decode(v, &list, path); err != nil {
		return nil, err
	}
	parts := make([]Part, 0, len(list))
	for i := range list {
		where := at(path, i)
		more, err := p.block(&list[i], where)
		if err != nil {
			return nil, err
		}
		for j := range more {
			if more[j].Path == "" {
				more[j].Path = where
			}
			if more[j].Cache == nil && !absent(list[i].Cache) {
				more[j].Cache = list[i].Cache
			}
		}
		parts = append(parts, more...)
	}
	return parts, nil
}

func (p *messagesInput) block(q *messagesBlock, path string) ([]Part, error) {
	p.n.loseMembers(q.Rest, path)
	switch q.Type {
	case "text":
		if q.Text == "" {
			return nil, nil
		}
		return []Part{{Text: q.Text}}, nil
	case "image", "document":
		if cites(q.Citations) {
			p.n.lose(in(path, "citations"))
		}
		return p.media(q, path)
	case "tool_reference": // a search found it; it is among the tools
		return []Part{{Text: "The tool " + shortName(q.ToolName) + " is available."}}, nil
	case "tool_use":
		if q.ID == "" || q.Name == "" {
			return nil, invalidf(path, "want an id and a name")
		}
		if !absent(q.Input) && q.Input.Kind() != '{' {
			return nil, invalidf(in(path, "input"), "want an object")
		}
		return []Part{{Kind: PartToolCall, ID: q.ID, Name: shortName(q.Name), Args: string(object(q.Input))}}, nil
	case "tool_result":
		if q.ToolUseID == "" {
			return nil, invalidf(in(path, "tool_use_id"), "required")
		}
		content, err := p.content(q.Content, in(path, "content"))
		return []Part{{Kind: PartToolResult, ID: q.ToolUseID, Content: content, IsError: q.IsError}}, err
	case "thinking":
		s := Seal{Origin: llm.Messages, Data: q.Signature}
		if packed, ours := unpackSeal(q.Signature); ours {
			s = packed
		} else if q.Signature == "" {
			s = Seal{}
		}
		if s.Kind == sealCall && s.ID != "" {
			p.seals = append(p.seals, s)
			return nil, nil
		}
		return []Part{{Kind: PartReasoning, Text: q.Thinking, Seal: s}}, nil
	case "redacted_thinking":
		return []Part{{Kind: PartReasoning, Seal: Seal{Origin: llm.Messages, Kind: sealRedacted, Data: q.Data}}}, nil
	}
	// The history of the provider's own tools, search results, containers.
	p.n.lose(path)
	return nil, nil
}

// cites reports whether a document's citations are turned on.
func cites(v jsontext.Value) bool {
	var q struct {
		Enabled bool `json:"enabled"`
	}
	return !absent(v) && v.Kind() == '{' && decodeAnswer(v, &q) == nil && q.Enabled
}

// sealRedacted is the kind of a seal that is all there is of its reasoning.
const sealRedacted = "redacted"

func (p *messagesInput) media(q *messagesBlock, path string) ([]Part, error) {
	part := Part{Kind: PartImage}
	if q.Type == "document" {
		part.Kind = PartFile
	}
	switch s := &q.Source; {
	case s.Type == "base64" && s.Data != "":
		part.Media = &Media{MIME: s.MIME, Data: s.Data, Name: q.Title}
	case s.Type == "url" && s.URL != "":
		part.Media = &Media{MIME: typeOf(s.URL), URL: s.URL, Name: q.Title}
		if q.Type == "document" && part.Media.MIME == "" {
			part.Media.MIME = "application/pdf"
		}
	case s.Type == "text" || s.Type == "content":
		parts := []Part{{Text: s.Data}}
		if s.Type == "content" {
			var err error
			if parts, err = p.content(s.Content, path+".source.content"); err != nil {
				return nil, err
			}
		}
		for _, about := range [...]string{q.Context, q.Title} { // what it is, before what it says
			if about != "" {
				parts = append([]Part{{Text: about}}, parts...)
			}
		}
		return parts, nil
	case s.Type == "file":
		p.n.lose(path + ".source.file_id")
		return nil, nil
	default:
		return nil, invalidf(path+".source", "want base64, url, text, content or file")
	}
	if q.Context != "" {
		return []Part{{Text: q.Context}, part}, nil
	}
	return []Part{part}, nil
}

// seal puts seals to their tool calls.
func (p *messagesInput) seal() {
	in := responsesInput{r: p.r, n: p.n}
	in.seal(p.seals)
}
