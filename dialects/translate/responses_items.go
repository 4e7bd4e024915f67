package translate

import (
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// responsesItem is an input item, or one of an answer's output, of any type.
type responsesItem struct {
	Type      string           `json:"type"`
	Role      string           `json:"role"`
	Content   jsontext.Value   `json:"content"`
	ID        string           `json:"id"`
	CallID    string           `json:"call_id"`
	Name      string           `json:"name"`
	Namespace string           `json:"namespace"`
	Arguments jsontext.Value   `json:"arguments"`
	Input     jsontext.Value   `json:"input"`
	Output    jsontext.Value   `json:"output"`
	Summary   []responsesPart  `json:"summary"`
	Encrypted string           `json:"encrypted_content"`
	Tools     []jsontext.Value `json:"tools"`
	Execution string           `json:"execution"`

	// What says nothing to the model.
	Status    jsontext.Value `json:"status"`
	Phase     jsontext.Value `json:"phase"`
	Caller    jsontext.Value `json:"caller"`
	Async     jsontext.Value `json:"async"`
	CreatedBy jsontext.Value `json:"created_by"`
	Rest      jsontext.Value `json:",embed"`
}

// responsesPart is a content part of any type.
type responsesPart struct {
	Type     string         `json:"type"`
	Text     string         `json:"text"`
	Refusal  string         `json:"refusal"`
	ImageURL string         `json:"image_url"`
	Detail   string         `json:"detail"`
	FileID   string         `json:"file_id"`
	FileData string         `json:"file_data"`
	FileURL  string         `json:"file_url"`
	FileName string         `json:"filename"`
	Audio    jsontext.Value `json:"input_audio"`
	Logprobs jsontext.Value `json:"logprobs"`

	Annotations jsontext.Value `json:"annotations"`
	Breakpoint  jsontext.Value `json:"prompt_cache_breakpoint"`
	Rest        jsontext.Value `json:",embed"`
}

// input reads the input: a string or items.
func (p *responsesInput) input(v jsontext.Value, path string) error {
	if absent(v) {
		return nil
	}
	switch v.Kind() {
	case '"':
		p.add(RoleUser, Part{Text: unquote(v), Path: path})
		return nil
	case '[':
	default:
		return invalidf(path, "want a string or an array of items, found %s", kindName(v.Kind()))
	}
	var items []jsontext.Value
	if err := decode(v, &items, path); err != nil {
		return err
	}
	// A seal for a tool call may stand behind it.
	var seals []Seal
	for i, v := range items {
		var it responsesItem
		path := at(path, i)
		if err := decode(v, &it, path); err != nil {
			return err
		}
		if it.Type == "reasoning" {
			if s := sealOf(it.ID, it.Encrypted); s.Kind == sealCall && s.ID != "" {
				seals = append(seals, s)
				continue
			}
		}
		if err := p.item(&it, path); err != nil {
			return err
		}
	}
	p.seal(seals)
	return nil
}

// sealCall is the kind of a seal that belongs to the tool call with its ID.
const sealCall = "call"

// seal puts seals to their tool calls.
func (p *responsesInput) seal(seals []Seal) {
	if len(seals) == 0 {
		return
	}
	byCall := make(map[string]Seal, len(seals))
	for _, s := range seals {
		byCall[s.ID] = s
	}
	for i := range p.r.Messages {
		for j := range p.r.Messages[i].Parts {
			part := &p.r.Messages[i].Parts[j]
			if part.Kind != PartToolCall {
				continue
			}
			if s, ok := byCall[part.ID]; ok {
				part.Seal = s
			}
		}
	}
}

// add appends a part to the conversation. What the assistant says in several
// items is one turn, and so are the results of several tools.
func (p *responsesInput) add(role string, part Part) {
	p.talked = true
	ms := p.r.Messages
	if len(ms) > 0 {
		last := &ms[len(ms)-1]
		if last.Role == role && (role == RoleAssistant || part.Kind == PartToolResult && last.Parts[0].Kind == PartToolResult) {
			last.Parts = append(last.Parts, part)
			return
		}
	}
	p.r.Messages = append(ms, Message{Role: role, Parts: []Part{part}})
}

func (p *responsesInput) item(it *responsesItem, path string) error {
	switch it.Type {
	case "", "message":
		if it.Type == "" && it.Role == "" {
			p.n.lose(path) // a reference
			return nil
		}
		return p.message(it, path)
	case "function_call", "custom_tool_call", "tool_search_call":
		return p.call(it, path)
	case "function_call_output", "custom_tool_call_output", "tool_search_output":
		return p.result(it, path)
	case "reasoning":
		return p.reasoning(it, path)
	case "item_reference":
		// Reasoning that another provider keeps is no part of what was said; the
		// AI SDK refers to it unless it is told store: false.
		if strings.HasPrefix(it.ID, outPrefix[outReasoning]) {
			return nil
		}
	case "additional_tools":
		return p.tools(it.Tools, in(path, "tools"), "")
	}
	// References to what the provider keeps, and the history of its own tools.
	p.n.lose(path)
	return nil
}

func (p *responsesInput) message(it *responsesItem, path string) error {
	p.n.loseMembers(it.Rest, path)
	role := it.Role
	switch role {
	case RoleUser, RoleAssistant, RoleSystem:
	case "developer":
		role = RoleSystem
	default:
		return invalidf(in(path, "role"), "want user, assistant, system or developer")
	}
	parts, err := p.content(it.Content, in(path, "content"))
	if err != nil || len(parts) == 0 {
		return err
	}
	switch {
	case role == RoleSystem && !p.talked:
		for _, part := range parts {
			if part.Kind != PartText {
				p.n.lose(part.Path)
				continue
			}
			p.r.System = append(p.r.System, part)
		}
	case role == RoleAssistant:
		for _, part := range parts {
			p.add(role, part)
		}
	default:
		p.talked = true
		p.r.Messages = append(p.r.Messages, Message{Role: role, Parts: parts})
	}
	return nil
}

// content reads a string or content parts.
func (p *responsesInput) content(v jsontext.Value, path string) ([]Part, error) {
	if absent(v) {
		return nil, nil
	}
	if v.Kind() == '"' {
		return []Part{{Text: unquote(v), Path: path}}, nil
	}
	var list []responsesPart
	if err := decode(v, &list, path); err != nil {
		return nil, err
	}
	parts := make([]Part, 0, len(list))
	for i := range list {
		if part, ok := p.part(&list[i], at(path, i)); ok {
			parts = append(parts, part)
		}
	}
	return parts, nil
}

func (p *responsesInput) part(q *responsesPart, path string) (Part, bool) {
	p.n.loseMembers(q.Rest, path)
	part := Part{Path: path}
	switch q.Type {
	case "input_text", "output_text", "text", "summary_text", "reasoning_text":
		part.Text = q.Text
		return part, true
	case "refusal":
		part.Kind, part.Text = PartRefusal, q.Refusal
		return part, true
	case "input_image":
		if q.ImageURL != "" {
			part.Kind, part.Media = PartImage, media(q.ImageURL)
			part.Media.Detail = q.Detail
			return part, true
		}
	case "input_file":
		part.Kind = PartFile
		switch {
		case q.FileData != "":
			part.Media = media(q.FileData)
			if part.Media.Data == "" { // bare base64
				part.Media = &Media{MIME: typeOf(q.FileName), Data: q.FileData}
			}
		case q.FileURL != "":
			part.Media = &Media{URL: q.FileURL, MIME: typeOf(q.FileURL)}
		}
		if part.Media != nil {
			part.Media.Name, part.Media.Detail = q.FileName, q.Detail
			return part, true
		}
	case "input_audio":
		var a struct {
			Data   string `json:"data"`
			Format string `json:"format"`
		}
		if !absent(q.Audio) && decodeAnswer(q.Audio, &a) == nil && a.Data != "" {
			part.Kind, part.Media = PartAudio, &Media{MIME: "audio/" + a.Format, Data: a.Data}
			return part, true
		}
	}
	if q.FileID != "" {
		path = in(path, "file_id")
	}
	p.n.lose(path)
	return Part{}, false
}

func (p *responsesInput) call(it *responsesItem, path string) error {
	part := Part{Kind: PartToolCall, ID: it.CallID, Path: path}
	if part.ID == "" {
		part.ID = it.ID
	}
	var err error
	switch it.Type {
	case "tool_search_call":
		if it.Execution != "client" || it.CallID == "" {
			p.n.lose(path) // the provider's own search
			return nil
		}
		part.Name, part.Args = searchTool, string(it.Arguments)
		if absent(it.Arguments) || it.Arguments.Kind() != '{' {
			part.Args = ""
		}
	case "custom_tool_call":
		part.Custom, part.Name = true, p.wireName(it.Namespace, it.Name)
		part.Args, err = text(it.Input, in(path, "input"))
	default:
		part.Name = p.wireName(it.Namespace, it.Name)
		part.Args, err = text(it.Arguments, in(path, "arguments"))
	}
	if err != nil {
		return err
	}
	if part.Name == "" {
		return invalidf(in(path, "name"), "required")
	}
	if part.ID == "" {
		return invalidf(in(path, "call_id"), "required")
	}
	if !part.Custom && part.Args != "" && !isObject(part.Args) {
		// The model broke its call and the client kept that: refusing it now
		// would end the conversation for good.
		part.Args = string(append(keyString([]byte{'{'}, "malformed_arguments", part.Args), '}'))
	}
	p.add(RoleAssistant, part)
	return nil
}

func (p *responsesInput) result(it *responsesItem, path string) error {
	part := Part{Kind: PartToolResult, ID: it.CallID, Custom: it.Type == "custom_tool_call_output", Path: path}
	if it.Type == "tool_search_output" {
		if it.Execution == "server" || it.CallID == "" {
			p.n.lose(path)
			return nil
		}
		// What was found can be called from now on.
		if err := p.tools(it.Tools, in(path, "tools"), ""); err != nil {
			return err
		}
		var b strings.Builder
		b.WriteString(`{"tools":[`)
		for i, t := range it.Tools {
			if i > 0 {
				b.WriteByte(',')
			}
			b.Write(t)
		}
		b.WriteString("]}")
		part.Content = []Part{{Text: b.String(), Path: path}}
		p.add(RoleUser, part)
		return nil
	}
	if part.ID == "" {
		return invalidf(in(path, "call_id"), "required")
	}
	var err error
	if part.Content, err = p.content(it.Output, in(path, "output")); err != nil {
		return err
	}
	p.add(RoleUser, part)
	return nil
}

func (p *responsesInput) reasoning(it *responsesItem, path string) error {
	s, err := reasoningText(it, path)
	if err != nil {
		return err
	}
	p.add(RoleAssistant, Part{Kind: PartReasoning, Text: s, Seal: sealOf(it.ID, it.Encrypted), Path: path})
	return nil
}

// reasoningText is the readable form of a reasoning item: its summary, or the
// reasoning itself where there is none.
func reasoningText(it *responsesItem, path string) (string, error) {
	if len(it.Summary) > 0 {
		return joinTexts(it.Summary), nil
	}
	if absent(it.Content) {
		return "", nil
	}
	if it.Content.Kind() == '"' {
		return unquote(it.Content), nil
	}
	var list []responsesPart
	if err := decode(it.Content, &list, in(path, "content")); err != nil {
		return "", err
	}
	return joinTexts(list), nil
}

func joinTexts(list []responsesPart) string {
	if len(list) == 1 {
		return list[0].Text
	}
	texts := make([]string, len(list))
	for i := range list {
		texts[i] = list[i].Text
	}
	return strings.Join(texts, "\n\n")
}

// media reads an address: of the data itself, or of what the provider fetches.
func media(url string) *Media {
	rest, ok := strings.CutPrefix(url, "data:")
	if !ok {
		return &Media{URL: url, MIME: typeOf(url)}
	}
	head, data, _ := strings.Cut(rest, ",")
	mime, _, _ := strings.Cut(head, ";")
	return &Media{MIME: mime, Data: data}
}

// types by the end of a file's name.
var types = map[string]string{
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp",
	".heic": "image/heic", ".heif": "image/heif", ".pdf": "application/pdf", ".txt": "text/plain", ".md": "text/markdown",
	".csv": "text/csv", ".html": "text/html", ".json": "application/json", ".wav": "audio/wav", ".mp3": "audio/mp3",
	".mp4": "video/mp4", ".mov": "video/mov", ".webm": "video/webm",
}

// typeOf guesses the media type of a file by its name, "" if it cannot.
func typeOf(name string) string {
	name, _, _ = strings.Cut(name, "?")
	name, _, _ = strings.Cut(name, "#")
	name = name[strings.LastIndexByte(name, '/')+1:]
	if i := strings.LastIndexByte(name, '.'); i >= 0 {
		return types[strings.ToLower(name[i:])]
	}
	return ""
}

// isResponsesSeal reports whether a seal can go to a Responses provider.
func isResponsesSeal(s Seal) bool { return s.Origin == llm.Responses && s.Data != "" }
