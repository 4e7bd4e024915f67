package translate

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

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
	if m.Name != "" && m.Role != "tool" && m.Role != "function" && m.Role != "assistant" {
		p.n.lose(in(path, "name")) // tells speakers apart
	}
	parts, err := p.content(m.Content, in(path, "content"))
	if err != nil {
		return err
	}
	if len(parts) > 0 && !absent(object(m.Cache)) {
		parts[len(parts)-1].Cache = object(m.Cache)
	}
	switch m.Role {
	case "system", "developer":
		if !p.talked {
			for i := range parts {
				if parts[i].Kind != PartText {
					p.n.lose(parts[i].Path)
					continue
				}
				p.r.System = append(p.r.System, parts[i])
			}
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
		if p.legacy++; f.Name == "" {
			return invalidf(in(path, "function_call.name"), "required")
		}
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
			part.Path += ".input_audio"
		default:
			p.n.lose(part.Path)
			continue
		}
		parts = append(parts, part)
	}
	return parts, nil
}
