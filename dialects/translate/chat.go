package translate

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
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

	Metadata       jsontext.Value `json:"metadata"`
	Store          jsontext.Value `json:"store"`
	CacheRetention jsontext.Value `json:"prompt_cache_retention"`
	CacheOptions   jsontext.Value `json:"prompt_cache_options"`

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
	if !absent(q.Bias) && string(q.Bias) != "{}" {
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
		choice  `json:",inline"`
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

// chatToolCall is a call in a message, whole or a piece of a stream.
type chatToolCall struct {
	Index    *int64 `json:"index"`
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string         `json:"name"`
		Arguments jsontext.Value `json:"arguments"`
	} `json:"function"`
	Custom struct {
		Name  string `json:"name"`
		Input string `json:"input"`
	} `json:"custom"`
	Extra struct {
		Google struct {
			Signature string `json:"thought_signature"`
		} `json:"google"`
	} `json:"extra_content"`
}

// seal is Gemini's signature, which Google's own chat API puts there.
func (t *chatToolCall) seal() Seal {
	if s := t.Extra.Google.Signature; s != "" {
		return Seal{Origin: llm.GenerateContent, Data: s}
	}
	return Seal{}
}

// openSeal marks reasoning of a chat server: it is open text, which such servers
// want back in a loop of tools, and which means nothing to others.
var openSeal = Seal{Origin: llm.Chat, Data: "reasoning_content"}

// arguments are a string; some servers give the object itself.
func (t *chatToolCall) arguments() string {
	if v := t.Function.Arguments; !absent(v) {
		if v.Kind() == '"' {
			return unquote(v)
		}
		return string(v)
	}
	return ""
}

// chatMessage is a message of a request or an answer.
type chatMessage struct {
	Role         string         `json:"role"`
	Content      jsontext.Value `json:"content"`
	Refusal      string         `json:"refusal"`
	ToolCalls    []chatToolCall `json:"tool_calls"`
	FunctionCall *struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	} `json:"function_call"`
	ToolCallID string         `json:"tool_call_id"`
	Name       string         `json:"name"`
	Reasoning  jsontext.Value `json:"reasoning_content"`
	Thinking   jsontext.Value `json:"reasoning"`
	Audio      jsontext.Value `json:"audio"`
	Cache      jsontext.Value `json:"cache_control"`
	// What says nothing to the model.
	Annotations jsontext.Value `json:"annotations"`
	Details     jsontext.Value `json:"reasoning_details"`
	ID          jsontext.Value `json:"id"`
	Rest        jsontext.Value `json:",embed"`
}

// reasoning is the readable reasoning, under either name that servers use.
func (m *chatMessage) reasoning() string {
	for _, v := range [...]jsontext.Value{m.Reasoning, m.Thinking} {
		if !absent(v) && v.Kind() == '"' {
			if s := unquote(v); s != "" {
				return s
			}
		}
	}
	return ""
}

func (p *chatInput) message(v jsontext.Value, path string) error {
	var m chatMessage
	if err := decode(v, &m, path); err != nil {
		return err
	}
	p.n.loseMembers(m.Rest, path)
	if !absent(m.Audio) {
		p.n.lose(in(path, "audio"))
	}
	parts, err := p.content(m.Content, in(path, "content"))
	if err != nil {
		return err
	}
	if len(parts) > 0 && !absent(m.Cache) {
		parts[len(parts)-1].Cache = m.Cache
	}
	switch m.Role {
	case "system", "developer":
		if !p.talked {
			p.r.System = append(p.r.System, parts...)
			return nil
		}
		p.add(RoleSystem, parts...)
	case "user":
		p.add(RoleUser, parts...)
	case "assistant":
		return p.assistant(&m, parts, path)
	case "tool", "function":
		id := m.ToolCallID
		if m.Role == "function" {
			id = legacyID(p.legacy)
		}
		if id == "" {
			return invalidf(in(path, "tool_call_id"), "required")
		}
		p.add(RoleUser, Part{Kind: PartToolResult, ID: id, Content: parts, Path: path})
	default:
		return invalidf(in(path, "role"), "want system, developer, user, assistant or tool")
	}
	return nil
}

// legacyID makes an id for a call of `functions`: its results follow at once.
func legacyID(n int) string { return at("call_function", n) }

// add appends parts to the conversation. Results of tools that follow each other
// are one turn.
func (p *chatInput) add(role string, parts ...Part) {
	p.talked = true
	if len(parts) == 0 {
		return
	}
	ms := p.r.Messages
	if n := len(ms); n > 0 && parts[0].Kind == PartToolResult && ms[n-1].Role == role && ms[n-1].Parts[0].Kind == PartToolResult {
		ms[n-1].Parts = append(ms[n-1].Parts, parts...)
		return
	}
	p.r.Messages = append(ms, Message{Role: role, Parts: parts})
}

func (p *chatInput) assistant(m *chatMessage, parts []Part, path string) error {
	var all []Part
	if s := m.reasoning(); s != "" {
		// Its signature is lost in this dialect: only a chat server that
		// reasons in the open takes it back.
		all = append(all, Part{Kind: PartReasoning, Text: s, Seal: openSeal, Path: in(path, "reasoning_content")})
	}
	all = append(all, parts...)
	if m.Refusal != "" {
		all = append(all, Part{Kind: PartRefusal, Text: m.Refusal, Path: in(path, "refusal")})
	}
	for i := range m.ToolCalls {
		t := &m.ToolCalls[i]
		where := at(in(path, "tool_calls"), i)
		part := Part{Kind: PartToolCall, ID: t.ID, Name: t.Function.Name, Args: t.arguments(), Seal: t.seal(), Path: where}
		if t.Type == "custom" {
			part.Custom, part.Name, part.Args = true, t.Custom.Name, t.Custom.Input
		}
		if part.Name == "" || part.ID == "" {
			return invalidf(where, "want an id and a name")
		}
		all = append(all, part)
	}
	if f := m.FunctionCall; f != nil {
		p.legacy++
		all = append(all, Part{Kind: PartToolCall, ID: legacyID(p.legacy), Name: f.Name, Args: f.Arguments, Path: in(path, "function_call")})
	}
	p.add(RoleAssistant, all...)
	p.talked = true
	return nil
}

// content reads a string or content parts.
func (p *chatInput) content(v jsontext.Value, path string) ([]Part, error) {
	if absent(v) {
		return nil, nil
	}
	if v.Kind() == '"' {
		if s := unquote(v); s != "" {
			return []Part{{Text: s, Path: path}}, nil
		}
		return nil, nil
	}
	var list []struct {
		Type    string `json:"type"`
		Text    string `json:"text"`
		Refusal string `json:"refusal"`
		Image   struct {
			URL    string `json:"url"`
			Detail string `json:"detail"`
		} `json:"image_url"`
		File struct {
			Data string `json:"file_data"`
			ID   string `json:"file_id"`
			Name string `json:"filename"`
		} `json:"file"`
		Audio struct {
			Data   string `json:"data"`
			Format string `json:"format"`
		} `json:"input_audio"`
		Cache jsontext.Value `json:"cache_control"`
		// A mark for the provider's cache.
		Breakpoint jsontext.Value `json:"prompt_cache_breakpoint"`
		Rest       jsontext.Value `json:",embed"`
	}
	if err := decode(v, &list, path); err != nil {
		return nil, err
	}
	parts := make([]Part, 0, len(list))
	for i := range list {
		q := &list[i]
		part := Part{Path: at(path, i), Cache: object(q.Cache)}
		p.n.loseMembers(q.Rest, part.Path)
		switch {
		case q.Type == "text":
			part.Text = q.Text
		case q.Type == "refusal":
			part.Kind, part.Text = PartRefusal, q.Refusal
		case q.Type == "image_url" && q.Image.URL != "":
			part.Kind, part.Media = PartImage, media(q.Image.URL)
			part.Media.Detail = q.Image.Detail
		case q.Type == "file" && q.File.Data != "":
			part.Kind, part.Media = PartFile, media(q.File.Data)
			if part.Media.Data == "" { // bare base64
				part.Media = &Media{MIME: typeOf(q.File.Name), Data: q.File.Data}
			}
			part.Media.Name = q.File.Name
		case q.Type == "file" && q.File.ID != "":
			p.n.lose(part.Path + ".file.file_id")
			continue
		case q.Type == "input_audio" && q.Audio.Data != "":
			part.Kind, part.Media = PartAudio, &Media{MIME: "audio/" + q.Audio.Format, Data: q.Audio.Data}
		default:
			p.n.lose(part.Path)
			continue
		}
		parts = append(parts, part)
	}
	return parts, nil
}
