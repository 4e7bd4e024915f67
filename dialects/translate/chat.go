package translate

import (
	"github.com/go-json-experiment/json/jsontext"
)

// chatCodec speaks OpenAI's chat completions.
var chatCodec = codec{
	readRequest:  readChatRequest,
	writeRequest: writeChatRequest,
	readAnswer:   readChatAnswer,
	writeAnswer:  writeChatAnswer,
	newReader:    func() eventReader { return &chatReader{} },
	newWriter:    newChatWriter,
}

// chatRequest is a chat request. Members that are only hints are named to keep
// them out of Rest.
type chatRequest struct {
	Model         string           `json:"model"`
	Messages      []jsontext.Value `json:"messages"`
	Stream        bool             `json:"stream"`
	StreamOptions struct {
		IncludeUsage bool           `json:"include_usage"`
		Rest         jsontext.Value `json:",embed"` // obfuscation, per-chunk figures: hints
	} `json:"stream_options"`
	MaxTokens     int64            `json:"max_tokens"`
	MaxCompletion int64            `json:"max_completion_tokens"`
	Temperature   jsontext.Value   `json:"temperature"`
	TopP          jsontext.Value   `json:"top_p"`
	TopK          jsontext.Value   `json:"top_k"` // of compatible servers
	Frequency     jsontext.Value   `json:"frequency_penalty"`
	Presence      jsontext.Value   `json:"presence_penalty"`
	Seed          jsontext.Value   `json:"seed"`
	Stop          jsontext.Value   `json:"stop"`
	N             int64            `json:"n"`
	Logprobs      bool             `json:"logprobs"`
	TopLogprobs   int64            `json:"top_logprobs"`
	Tools         []jsontext.Value `json:"tools"`
	ToolChoice    jsontext.Value   `json:"tool_choice"`
	Functions     []jsontext.Value `json:"functions"` // what tools were called first
	FunctionCall  jsontext.Value   `json:"function_call"`
	Parallel      *bool            `json:"parallel_tool_calls"`
	Format        jsontext.Value   `json:"response_format"`
	Effort        string           `json:"reasoning_effort"`
	Verbosity     string           `json:"verbosity"`
	CacheKey      string           `json:"prompt_cache_key"`
	User          string           `json:"user"`
	Safety        string           `json:"safety_identifier"`
	ServiceTier   string           `json:"service_tier"`
	Bias          jsontext.Value   `json:"logit_bias"`
	Modalities    []string         `json:"modalities"`

	// Hints: what is done with the answer, who asks, what makes it faster.
	Metadata       jsontext.Value `json:"metadata"`
	Store          jsontext.Value `json:"store"`
	CacheRetention jsontext.Value `json:"prompt_cache_retention"`
	CacheOptions   jsontext.Value `json:"prompt_cache_options"`
	Prediction     jsontext.Value `json:"prediction"`

	Rest jsontext.Value `json:",embed"`
}

// readChatRequest reads a client's request.
func readChatRequest(body []byte, n *notes) (*Request, error) {
	var q chatRequest
	if err := decode(body, &q, ""); err != nil {
		return nil, err
	}
	r := &Request{
		Model: q.Model, Stream: q.Stream, IncludeUsage: q.StreamOptions.IncludeUsage, Choices: max(q.N, 1), Parallel: q.Parallel,
		MaxTokens: q.MaxCompletion, Logprobs: q.Logprobs, TopLogprobs: q.TopLogprobs, Verbosity: q.Verbosity,
		CacheKey: q.CacheKey, User: q.User, ServiceTier: q.ServiceTier,
	}
	if r.MaxTokens == 0 {
		r.MaxTokens = q.MaxTokens
	}
	if r.User == "" {
		r.User = q.Safety
	}
	for _, f := range [...]struct {
		name string
		from jsontext.Value
		into *jsontext.Value
	}{
		{"temperature", q.Temperature, &r.Temperature}, {"top_p", q.TopP, &r.TopP}, {"top_k", q.TopK, &r.TopK},
		{"frequency_penalty", q.Frequency, &r.FrequencyPenalty}, {"presence_penalty", q.Presence, &r.PresencePenalty}, {"seed", q.Seed, &r.Seed},
	} {
		var err error
		if *f.into, err = number(f.from, f.name); err != nil {
			return nil, err
		}
	}
	switch r.Reasoning.Effort = q.Effort; q.Effort {
	case "":
	case "none":
		r.Reasoning.Mode = ReasoningOff
	default:
		r.Reasoning.Mode = ReasoningOn
	}
	if !absent(q.Bias) && !(q.Bias.Kind() == '{' && emptyObject(q.Bias)) {
		n.lose("logit_bias")
	}
	for _, m := range q.Modalities {
		if m != "text" {
			n.lose("modalities")
		}
	}
	n.loseMembers(q.Rest, "")
	p := chatInput{r: r, n: n}
	var err error
	if r.Stop, err = texts(q.Stop, "stop"); err != nil {
		return nil, err
	}
	if err := p.format(q.Format); err != nil {
		return nil, err
	}
	if err := p.tools(q.Tools, q.Functions); err != nil {
		return nil, err
	}
	if err := p.choice(q.ToolChoice, q.FunctionCall); err != nil {
		return nil, err
	}
	for i, v := range q.Messages {
		if err := p.message(v, at("messages", i)); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// texts reads a string or an array of strings.
func texts(v jsontext.Value, path string) ([]string, error) {
	if absent(v) {
		return nil, nil
	}
	if v.Kind() == '"' {
		return []string{unquote(v)}, nil
	}
	var list []string
	return list, decode(v, &list, path)
}

// chatInput reads what a chat request says to the model.
type chatInput struct {
	r      *Request
	n      *notes
	talked bool // the conversation has begun
	legacy int  // calls of `functions` so far: they had no ids
}

func (p *chatInput) format(v jsontext.Value) error {
	if absent(v) {
		return nil
	}
	const path = "response_format"
	var f struct {
		Type   string `json:"type"`
		Schema struct {
			Name        string         `json:"name"`
			Description string         `json:"description"`
			Schema      jsontext.Value `json:"schema"`
			Strict      *bool          `json:"strict"`
			Rest        jsontext.Value `json:",embed"`
		} `json:"json_schema"`
		Rest jsontext.Value `json:",embed"`
	}
	if err := decode(v, &f, path); err != nil {
		return err
	}
	p.n.loseMembers(f.Rest, path)
	switch s := &f.Schema; f.Type {
	case "", "text":
	case "json_object":
		p.r.Format.Kind = FormatJSON
	case "json_schema":
		p.n.loseMembers(s.Rest, path+".json_schema")
		if absent(s.Schema) {
			return invalidf(path+".json_schema.schema", "required with type json_schema")
		}
		p.r.Format = Format{Kind: FormatSchema, Name: s.Name, Description: s.Description, Schema: s.Schema, Strict: s.Strict}
	default:
		p.n.lose(path)
	}
	return nil
}

// chatFunction is the definition of a function, or the name of one.
type chatFunction struct {
	Name        string         `json:"name"`
	Description string         `json:"description"`
	Parameters  jsontext.Value `json:"parameters"`
	Strict      *bool          `json:"strict"`
	Rest        jsontext.Value `json:",embed"`
}

func (p *chatInput) tools(tools, functions []jsontext.Value) error {
	for i, v := range tools {
		path := at("tools", i)
		var t struct {
			Type     string       `json:"type"`
			Function chatFunction `json:"function"`
			Custom   struct {
				Name        string         `json:"name"`
				Description string         `json:"description"`
				Format      jsontext.Value `json:"format"`
				Rest        jsontext.Value `json:",embed"`
			} `json:"custom"`
			Cache jsontext.Value `json:"cache_control"` // an extension
			Rest  jsontext.Value `json:",embed"`
		}
		if err := decode(v, &t, path); err != nil {
			return err
		}
		p.n.loseMembers(t.Rest, path)
		switch {
		case t.Type == "custom" && t.Custom.Name != "":
			p.n.loseMembers(t.Custom.Rest, in(path, "custom"))
			p.r.Tools = append(p.r.Tools, Tool{Name: t.Custom.Name, Description: t.Custom.Description, Custom: true, Grammar: object(t.Custom.Format), Path: path})
		case (t.Type == "function" || t.Type == "") && t.Function.Name != "":
			p.function(&t.Function, t.Cache, in(path, "function"))
		case t.Type == "function" || t.Type == "custom":
			return invalidf(in(in(path, t.Type), "name"), "required")
		default: // a tool of the provider
			p.n.lose(path)
		}
	}
	if len(functions) > 0 && len(tools) == 0 {
		one := false
		p.r.Functions, p.r.Parallel = true, &one
	}
	for i, v := range functions {
		path := at("functions", i)
		var f chatFunction
		if err := decode(v, &f, path); err != nil {
			return err
		}
		if f.Name == "" {
			return invalidf(in(path, "name"), "required")
		}
		p.function(&f, nil, path)
	}
	return nil
}

func (p *chatInput) function(f *chatFunction, cache jsontext.Value, path string) {
	p.n.loseMembers(f.Rest, path)
	p.r.Tools = append(p.r.Tools, Tool{Name: f.Name, Description: f.Description, Parameters: object(f.Parameters), Strict: f.Strict, Cache: object(cache), Path: path})
}

// choice reads tool_choice, or function_call in its stead.
func (p *chatInput) choice(v, legacy jsontext.Value) error {
	path := "tool_choice"
	if absent(v) {
		v, path = legacy, "function_call"
	}
	c := &p.r.ToolChoice
	switch {
	case absent(v):
		return nil
	case v.Kind() == '"':
		return c.mode(unquote(v), path)
	}
	type named struct {
		Name string `json:"name"`
	}
	type choice struct {
		Type     string `json:"type"`
		Name     string `json:"name"`
		Function named  `json:"function"`
		Custom   named  `json:"custom"`
	}
	var o struct {
		choice
		Allowed struct {
			Mode  string   `json:"mode"`
			Tools []choice `json:"tools"`
		} `json:"allowed_tools"`
	}
	if err := decode(v, &o, path); err != nil {
		return err
	}
	nameOf := func(t *choice) string { return firstOf(t.Function.Name, t.Custom.Name, t.Name) }
	if o.Type == "allowed_tools" {
		c.Allowed = []string{}
		for i := range o.Allowed.Tools {
			c.Allowed = append(c.Allowed, nameOf(&o.Allowed.Tools[i]))
		}
		return c.mode(o.Allowed.Mode, in(path, "allowed_tools.mode"))
	}
	if c.Name = nameOf(&o.choice); c.Name == "" {
		return invalidf(path, "want auto, none, required or the name of a tool")
	}
	c.Mode = ToolNamed
	return nil
}

// mode reads OpenAI's words for how far tools must be called.
func (c *ToolChoice) mode(s, path string) error {
	switch s {
	case "auto":
		c.Mode = ToolAuto
	case "none":
		c.Mode = ToolNone
	case "required", "any":
		c.Mode = ToolAny
	case "":
	default:
		return invalidf(path, "want auto, none or required")
	}
	return nil
}

// firstOf returns the first string that is not empty.
func firstOf(list ...string) string {
	for _, s := range list {
		if s != "" {
			return s
		}
	}
	return ""
}
