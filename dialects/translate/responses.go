package translate

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// responsesCodec speaks OpenAI's Responses API.
var responsesCodec = codec{
	readRequest:  readResponsesRequest,
	writeRequest: writeResponsesRequest,
	readAnswer:   readResponsesAnswer,
	writeAnswer:  writeResponsesAnswer,
	newReader:    func() eventReader { return &responsesReader{} },
	newWriter:    newResponsesWriter,
}

// sealedInclude asks for the encrypted reasoning, logprobsInclude for the
// log probabilities.
const (
	sealedInclude   = "reasoning.encrypted_content"
	logprobsInclude = "message.output_text.logprobs"
)

// responsesRequest is a request of the Responses API. Members that are only
// hints, or say what is so anyway, are named to keep them out of Rest.
type responsesRequest struct {
	Model           string           `json:"model"`
	Stream          bool             `json:"stream"`
	Input           jsontext.Value   `json:"input"`
	Instructions    jsontext.Value   `json:"instructions"`
	Tools           []jsontext.Value `json:"tools"`
	ToolChoice      jsontext.Value   `json:"tool_choice"`
	Parallel        *bool            `json:"parallel_tool_calls"`
	MaxOutputTokens int64            `json:"max_output_tokens"`
	Temperature     jsontext.Value   `json:"temperature"`
	TopP            jsontext.Value   `json:"top_p"`
	TopLogprobs     int64            `json:"top_logprobs"`
	Text            responsesText    `json:"text"`
	Reasoning       responsesEffort  `json:"reasoning"`
	Include         []string         `json:"include"`
	Truncation      string           `json:"truncation"`
	Background      bool             `json:"background"`
	ServiceTier     string           `json:"service_tier"`
	User            string           `json:"user"`
	Safety          string           `json:"safety_identifier"`
	CacheKey        string           `json:"prompt_cache_key"`

	Store          jsontext.Value `json:"store"`
	Metadata       jsontext.Value `json:"metadata"`
	ClientMetadata jsontext.Value `json:"client_metadata"`
	CacheRetention jsontext.Value `json:"prompt_cache_retention"`
	CacheOptions   jsontext.Value `json:"prompt_cache_options"`
	StreamOptions  jsontext.Value `json:"stream_options"`
	MaxToolCalls   jsontext.Value `json:"max_tool_calls"` // of hosted tools

	Rest jsontext.Value `json:",embed"`
}

type responsesText struct {
	Format    jsontext.Value `json:"format"`
	Verbosity string         `json:"verbosity"`
	Rest      jsontext.Value `json:",embed"`
}

type responsesFormat struct {
	Type        string         `json:"type"`
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Schema      jsontext.Value `json:"schema"`
	Strict      *bool          `json:"strict"`
	Rest        jsontext.Value `json:",embed"`
}

type responsesEffort struct {
	Effort  string         `json:"effort"`
	Summary string         `json:"summary"`
	Old     string         `json:"generate_summary"`
	Context jsontext.Value `json:"context"` // which of the sealed reasoning to use: a hint
	Mode    string         `json:"mode"`
	Rest    jsontext.Value `json:",embed"`
}

// readResponsesRequest reads a client's request.
func readResponsesRequest(body []byte, n *notes) (*Request, error) {
	var q responsesRequest
	if err := decode(body, &q, ""); err != nil {
		return nil, err
	}
	r := &Request{
		Model: q.Model, Stream: q.Stream, Parallel: q.Parallel, MaxTokens: q.MaxOutputTokens, Choices: 1,
		TopLogprobs: q.TopLogprobs, Logprobs: q.TopLogprobs > 0, Verbosity: q.Text.Verbosity,
		CacheKey: q.CacheKey, User: q.User, ServiceTier: q.ServiceTier,
	}
	if r.User == "" {
		r.User = q.Safety
	}
	var err error
	if r.Temperature, err = number(q.Temperature, "temperature"); err != nil {
		return nil, err
	}
	if r.TopP, err = number(q.TopP, "top_p"); err != nil {
		return nil, err
	}
	for _, inc := range q.Include { // the others ask for the results of hosted tools
		switch inc {
		case sealedInclude:
			r.Reasoning.Sealed = true
		case logprobsInclude:
			r.Logprobs = true
		}
	}
	if q.Truncation != "" && q.Truncation != "disabled" {
		n.lose("truncation")
	}
	if q.Background {
		n.lose("background")
	}
	n.loseMembers(q.Rest, "")
	n.loseMembers(q.Text.Rest, "text")
	q.Reasoning.read(&r.Reasoning, n)
	if err := readResponsesFormat(q.Text.Format, r, n); err != nil {
		return nil, err
	}
	p := responsesInput{r: r, n: n}
	if err := p.tools(q.Tools, "tools", ""); err != nil {
		return nil, err
	}
	if err := p.instructions(q.Instructions); err != nil {
		return nil, err
	}
	if err := p.input(q.Input, "input"); err != nil {
		return nil, err
	}
	return r, p.choice(q.ToolChoice)
}

func (q *responsesEffort) read(r *Reasoning, n *notes) {
	n.loseMembers(q.Rest, "reasoning")
	if q.Mode != "" && q.Mode != "standard" {
		n.lose("reasoning.mode")
	}
	r.Effort, r.Summary = q.Effort, q.Summary
	if r.Summary == "" {
		r.Summary = q.Old
	}
	switch r.Effort {
	case "":
	case "none":
		r.Mode = ReasoningOff
	default:
		r.Mode = ReasoningOn
	}
}

func readResponsesFormat(v jsontext.Value, r *Request, n *notes) error {
	if absent(v) {
		return nil
	}
	var f responsesFormat
	if err := decode(v, &f, "text.format"); err != nil {
		return err
	}
	n.loseMembers(f.Rest, "text.format")
	switch f.Type {
	case "", "text":
	case "json_object":
		r.Format.Kind = FormatJSON
	case "json_schema":
		if absent(f.Schema) {
			return invalidf("text.format.schema", "required with type json_schema")
		}
		r.Format = Format{Kind: FormatSchema, Name: f.Name, Description: f.Description, Schema: f.Schema, Strict: f.Strict}
	default:
		n.lose("text.format")
	}
	return nil
}

// responsesTool is a tool of any type.
type responsesTool struct {
	Type        string           `json:"type"`
	Name        string           `json:"name"`
	Description string           `json:"description"`
	Parameters  jsontext.Value   `json:"parameters"`
	Strict      *bool            `json:"strict"`
	Format      jsontext.Value   `json:"format"`
	Tools       []jsontext.Value `json:"tools"`
	Execution   string           `json:"execution"`
	// WebAccess false means that a web search may only use what the provider
	// has stored.
	WebAccess *bool `json:"external_web_access"`
	// Hints: what is loaded when, and who may call.
	Defer   jsontext.Value `json:"defer_loading"`
	Async   jsontext.Value `json:"async"`
	Callers jsontext.Value `json:"allowed_callers"`
	Output  jsontext.Value `json:"output_schema"`
	Rest    jsontext.Value `json:",embed"`
}

// responsesInput reads what a request says to the model.
type responsesInput struct {
	r *Request
	n *notes
	// talked is whether the conversation has begun, so that further
	// instructions stand in its middle.
	talked bool
	// have are the tools by their names, wire their names by what the caller
	// calls them in a namespace, spaces the names in each namespace.
	have   map[string]int
	wire   map[[2]string]string
	spaces map[string][]string
}

// searchTool is the name under which the client's own search for tools is
// offered as a function.
const searchTool = "tool_search"

// tools reads definitions. Those in a namespace get both names in one.
func (p *responsesInput) tools(list []jsontext.Value, path, namespace string) error {
	for i, v := range list {
		var t responsesTool
		path := at(path, i)
		if err := decode(v, &t, path); err != nil {
			return err
		}
		switch t.Type {
		case "function", "custom":
			if t.Name == "" {
				return invalidf(in(path, "name"), "required")
			}
			p.n.loseMembers(t.Rest, path)
			p.offer(Tool{
				Name: flatName(namespace, t.Name), Description: t.Description, Parameters: object(t.Parameters), Strict: t.Strict,
				Custom: t.Type == "custom", Grammar: t.Format, Path: path, Namespace: namespace, Local: t.Name,
			})
		case "namespace":
			if namespace != "" || t.Name == "" {
				return invalidf(path, "a namespace needs a name and cannot stand inside another")
			}
			if err := p.tools(t.Tools, in(path, "tools"), t.Name); err != nil {
				return err
			}
		case "tool_search":
			// Without the provider's own search all tools are offered at once.
			if t.Execution == "client" {
				p.offer(Tool{Name: searchTool, Description: t.Description, Parameters: object(t.Parameters), Path: path, Search: true})
			}
		case "web_search", "web_search_2025_08_26":
			// Codex offers this in every call, limited to what the provider has
			// stored; without it the model only has one source less.
			if t.WebAccess == nil || *t.WebAccess {
				p.n.lose(path)
			}
		default: // local_shell, shell, apply_patch, mcp and other tools of the provider
			p.n.lose(path)
		}
	}
	return nil
}

// offer adds a tool; one that was there already (found again by a search) is
// replaced.
func (p *responsesInput) offer(t Tool) {
	if p.have == nil {
		p.have, p.wire, p.spaces = make(map[string]int), make(map[[2]string]string), make(map[string][]string)
	}
	if i, ok := p.have[t.Name]; ok {
		if old := &p.r.Tools[i]; old.Namespace == t.Namespace && old.Local == t.Local {
			*old = t
			return
		}
		t.Name = clash(t.Name)
	}
	if i, ok := p.have[t.Name]; ok { // found again
		p.r.Tools[i] = t
		return
	}
	p.have[t.Name] = len(p.r.Tools)
	if t.Namespace != "" {
		p.wire[[2]string{t.Namespace, t.Local}] = t.Name
		p.spaces[t.Namespace] = append(p.spaces[t.Namespace], t.Name)
	}
	p.r.Tools = append(p.r.Tools, t)
}

// clash renames a tool whose flat name belongs to another.
func clash(name string) string {
	if len(name) < maxToolName {
		name += strings.Repeat("_", maxToolName-len(name))
	}
	return hashed(name)
}

// object returns a schema, nil for none.
func object(v jsontext.Value) jsontext.Value {
	if absent(v) {
		return nil
	}
	return v
}

// wireName returns the name under which providers know a tool of the caller.
func (p *responsesInput) wireName(namespace, name string) string {
	if s := p.wire[[2]string{namespace, name}]; s != "" {
		return s
	}
	return flatName(namespace, name)
}

// choice reads tool_choice.
func (p *responsesInput) choice(v jsontext.Value) error {
	const path = "tool_choice"
	c := &p.r.ToolChoice
	if absent(v) {
		return nil
	}
	if v.Kind() == '"' {
		return p.mode(unquote(v), path)
	}
	var o struct {
		Type      string           `json:"type"`
		Name      string           `json:"name"`
		Namespace string           `json:"namespace"`
		Mode      string           `json:"mode"`
		Tools     []jsontext.Value `json:"tools"`
		Rest      jsontext.Value   `json:",embed"`
	}
	if err := decode(v, &o, path); err != nil {
		return err
	}
	switch o.Type {
	case "function", "custom":
		if o.Name == "" {
			return invalidf(in(path, "name"), "required")
		}
		c.Mode, c.Name = ToolNamed, p.wireName(o.Namespace, o.Name)
	case "allowed_tools":
		if err := p.mode(o.Mode, in(path, "mode")); err != nil {
			return err
		}
		c.Allowed = []string{}
		for i, t := range o.Tools {
			var one struct {
				Type      string `json:"type"`
				Name      string `json:"name"`
				Namespace string `json:"namespace"`
			}
			where := at(in(path, "tools"), i)
			if err := decode(t, &one, where); err != nil {
				return err
			}
			switch one.Type {
			case "function", "custom":
				c.Allowed = append(c.Allowed, p.wireName(one.Namespace, one.Name))
			case "namespace":
				c.Allowed = append(c.Allowed, p.spaces[one.Name]...)
				delete(p.spaces, one.Name) // once is enough
			default:
				p.n.lose(where)
			}
		}
	default:
		p.n.lose(path)
	}
	p.n.loseMembers(o.Rest, path)
	return nil
}

func (p *responsesInput) mode(s, path string) error {
	c := &p.r.ToolChoice
	switch s {
	case "auto":
		c.Mode = ToolAuto
	case "none":
		c.Mode = ToolNone
	case "required":
		c.Mode = ToolAny
	case "":
	default:
		return invalidf(path, "want auto, none or required")
	}
	return nil
}

// instructions are those of the request itself: a string, or messages.
func (p *responsesInput) instructions(v jsontext.Value) error {
	if absent(v) {
		return nil
	}
	if v.Kind() == '[' {
		return p.input(v, "instructions")
	}
	s, err := text(v, "instructions")
	if err == nil && s != "" {
		p.r.System = append(p.r.System, Part{Text: s, Path: "instructions"})
	}
	return err
}

// sealOf reads the encrypted reasoning of an item: one of ours holds the seal of
// another dialect, any other is OpenAI's own.
func sealOf(id, encrypted string) Seal {
	if encrypted == "" {
		return Seal{}
	}
	if s, ok := unpackSeal(encrypted); ok {
		return s
	}
	return Seal{Origin: llm.Responses, ID: id, Data: encrypted}
}
