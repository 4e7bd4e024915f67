package dialects

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Google's servers read JSON as protocol buffers do: every member may be spelled
// in camelCase or in snake_case. Both are read here, and an object that has a
// member in both spellings is refused, since it could be read in two ways.

// spelled returns the members of the object that comes next by their names in
// snake_case; it replaces Member in a loop.
type spelled struct {
	strictjson.Members
	seen []string // those of more than one word
}

func (p *parser) enterSpelled(names *strictjson.Names) spelled {
	return spelled{Members: p.Enter(names)}
}

// next moves to the next member; its name is Name as written, and snake in the
// one spelling that code compares.
func (p *parser) next(o *spelled) (snake string, ok bool) {
	if !p.Member(&o.Members) {
		return "", false
	}
	snake = snakeCase(o.Name)
	if o.Name == "" {
		o.Name = "?" // so that it has a place in paths
	}
	if strings.Contains(snake, "_") {
		for _, s := range o.seen {
			if s == snake {
				p.deny(p.join(o.Name), "%s: given in two spellings: send each member once", p.join(o.Name))
				return "", false
			}
		}
		if len(o.seen) < maxSpelled { // no object of the API has as many
			o.seen = append(o.seen, snake)
		}
	}
	return snake, true
}

const maxSpelled = 64

// snakeCase turns a name in camelCase into snake_case. Names that have an
// underscore already are none of camelCase.
func snakeCase(s string) string {
	upper := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '_':
			return s
		case c-'A' < 26:
			upper++
		}
	}
	if upper == 0 || len(s) > maxTypeLen {
		return s
	}
	b := make([]byte, 0, len(s)+upper)
	for i := range len(s) {
		if c := s[i]; c-'A' < 26 {
			b = append(b, '_', c|0x20)
		} else {
			b = append(b, c)
		}
	}
	return string(b)
}

// bothCases makes a set of governed names from names in snake_case, in both
// spellings.
func bothCases(names ...string) *strictjson.Names {
	var all []string
	for _, s := range names {
		all = append(all, s)
		if camel := camelCase(s); camel != s {
			all = append(all, camel)
		}
	}
	return strictjson.NewNames(all...)
}

func camelCase(s string) string {
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '_' && i+1 < len(s) {
			i++
			b = append(b, s[i]&^0x20)
			continue
		}
		b = append(b, s[i])
	}
	return string(b)
}

var (
	geminiTop = bothCases("contents", "content", "system_instruction", "tools", "tool_config", "generation_config", "cached_content",
		"safety_settings", "model", "requests", "generate_content_request", "service_tier", "routing_config", "title", "task_type")
	geminiConfig = bothCases("max_output_tokens", "candidate_count", "response_schema", "response_json_schema", "response_mime_type",
		"response_modalities", "thinking_config", "routing_config", "model_selection_config", "stop_sequences")
	geminiContent = strictjson.NewNames("role", "parts")
	geminiPart    = bothCases("text", "thought", "thought_signature", "inline_data", "file_data", "function_call", "function_response",
		"executable_code", "code_execution_result", "video_metadata", "media_resolution", "tool_call", "tool_response")
	geminiData = bothCases("mime_type", "data", "display_name", "file_uri")
	geminiCall = bothCases("id", "name", "args", "response", "parts", "partial_args", "will_continue", "scheduling", "code", "language", "output", "outcome")
	geminiTool = bothCases("function_declarations", "google_search", "google_search_retrieval", "code_execution", "url_context", "computer_use",
		"file_search", "google_maps", "enterprise_web_search", "retrieval", "mcp_servers")
)

// geminiBody reads the whole body of a Gemini request.
func (p *parser) geminiBody(d llm.Dialect) {
	p.v.Members = p.geminiMembers(d, true)
	if p.Err() != nil || p.required {
		return
	}
	switch d {
	case llm.GeminiEmbed:
		p.deny("content", "content: required")
	case llm.GeminiBatchEmbed:
		p.deny("requests", "requests: required")
	default:
		p.deny("contents", "contents: required")
	}
}

// geminiMembers reads the members of a request; those of generateContent also
// where countTokens holds such a request inside.
func (p *parser) geminiMembers(d llm.Dialect, outer bool) (n int) {
	o := p.enterSpelled(geminiTop)
	for {
		name, ok := p.next(&o)
		if !ok {
			return n
		}
		n++
		switch name {
		case "contents":
			if !p.null() {
				p.required = true
				p.oneOrMany(o.Name, func(p *parser) { p.geminiContent(llm.RoleUser) })
			}
		case "content":
			if !p.null() && p.is(strictjson.Object, o.Name) {
				p.required = true
				at := p.push(o.Name)
				p.geminiContent(llm.RoleUser)
				p.pop(at)
			}
		case "system_instruction":
			switch {
			case p.null():
			case p.Kind() == strictjson.String:
				p.text(llm.RoleSystem, llm.KindText, o.Name)
			case p.is(strictjson.Object, o.Name):
				at := p.push(o.Name)
				p.geminiContent(llm.RoleSystem)
				p.pop(at)
			}
		case "tools":
			if !p.null() {
				p.oneOrMany(o.Name, (*parser).geminiTool)
			}
		case "generation_config":
			p.geminiConfig(o.Name)
		case "requests":
			if d != llm.GeminiBatchEmbed || !outer {
				p.unknown(&o.Members, llm.RoleUser, llm.KindText)
				p.unbounded(unboundedContent)
				continue
			}
			count := int64(0)
			p.list(o.Name, func(p *parser, _ int) {
				count++
				if p.is(strictjson.Object, "") {
					p.geminiMembers(d, false)
				}
			})
			p.required, p.answers = true, max(count, 1)
		case "generate_content_request":
			if p.null() {
				continue
			}
			if d != llm.GeminiCount || !outer {
				p.unknown(&o.Members, llm.RoleUser, llm.KindText)
				p.unbounded(unboundedContent)
			} else if p.is(strictjson.Object, o.Name) {
				at := p.push(o.Name)
				p.geminiMembers(d, false)
				p.pop(at)
			}
		case "model":
			p.geminiModel(o.Name)
		case "title":
			p.optionalText(llm.RoleUser, llm.KindText, o.Name)
		case "service_tier":
			p.ordinary(name, "standard", "flex", "STANDARD", "FLEX", "SERVICE_TIER_UNSPECIFIED", "unspecified")
		case "cached_content", "routing_config", "model_selection_config":
			p.unboundedIfSet(name)
		case "labels":
			p.Skip()
		case "safety_settings", "task_type", "output_dimensionality", "store", "auto_truncate":
			p.setting(o.Name) // never shown to a model
		case "tool_config":
			p.count(o.Name)
		default:
			p.unknown(&o.Members, llm.RoleUser, llm.KindText)
		}
	}
}

// geminiModel reads the model where a body names it besides the path (counting
// and embedding). All must name the same one.
func (p *parser) geminiModel(name string) {
	if p.null() || !p.is(strictjson.String, name) {
		return
	}
	t := p.Str()
	if p.Err() != nil {
		return
	}
	model := strings.TrimPrefix(p.Text(t), "models/")
	where := p.join(name)
	if den := checkModel(model); den != nil {
		p.deny(where, "%s", den.Message)
	} else if p.v.Model != "" && p.v.Model != model {
		p.deny(where, "%s: names another model than the rest of the request", where)
	}
	p.v.Model = model
}

// oneOrMany reads an array, or what its only element would be.
func (p *parser) oneOrMany(name string, each func(*parser)) {
	if p.Kind() == strictjson.Object {
		n := p.push(name)
		each(p)
		p.pop(n)
		return
	}
	p.list(name, func(p *parser, _ int) {
		if p.is(strictjson.Object, "") {
			each(p)
		}
	})
}

// geminiContent reads a content: a role and its parts.
func (p *parser) geminiContent(role string) {
	p.v.InputBound += messageOverhead
	m := p.mark()
	for o := p.Enter(geminiContent); p.Member(&o); {
		switch o.Name {
		case "role":
			if p.null() || !p.is(strictjson.String, "role") {
				continue
			}
			from := p.mark()
			switch r := p.word("role"); {
			case r == "" || r == "user":
			case role == llm.RoleSystem: // whatever it says
			case r == "model":
				role = llm.RoleAssistant
			case r == "function":
				role = llm.RoleTool
			case r == "system":
				role = llm.RoleSystem
			default:
				p.again(from, llm.RoleUser, llm.KindText)
				if n := len(p.v.Segments); n > from.segments {
					p.v.Segments[n-1].Path = p.here("role")
				}
			}
		case "parts":
			if !p.null() {
				p.oneOrMany(o.Name, func(p *parser) { p.geminiPart(0) })
			}
		default:
			p.unknown(&o, "", llm.KindText)
			p.unbounded(unboundedContent)
		}
	}
	p.fill(m, role)
}

// geminiPart reads a part.
func (p *parser) geminiPart(depth int) {
	p.v.InputBound += partOverhead
	m, thought := p.mark(), false
	o := p.enterSpelled(geminiPart)
	for {
		name, ok := p.next(&o)
		if !ok {
			break
		}
		if p.null() {
			continue
		}
		switch name {
		case "text":
			if p.is(strictjson.String, o.Name) {
				p.text("", llm.KindText, o.Name)
			}
		case "thought":
			if k := p.Kind(); k != strictjson.True && k != strictjson.False {
				p.wrong(o.Name, "true or false")
				continue
			}
			thought = p.Bool()
		case "inline_data", "file_data":
			p.geminiData(name, o.Name)
		case "function_call", "function_response", "executable_code", "code_execution_result":
			if p.is(strictjson.Object, o.Name) {
				at := p.push(o.Name)
				p.geminiCall(name, depth)
				p.pop(at)
			}
		case "thought_signature":
			p.id(o.Name)
		case "video_metadata", "media_resolution":
			p.count(o.Name)
		default:
			p.unknown(&o.Members, "", llm.KindText)
			p.unbounded(unboundedContent)
		}
	}
	if thought {
		for i := m.segments; i < len(p.v.Segments); i++ {
			if s := &p.v.Segments[i]; s.Kind == llm.KindText {
				s.Kind = llm.KindReasoning
			}
		}
	}
}

// geminiData reads inline data or the address of a file.
func (p *parser) geminiData(snake, name string) {
	if !p.is(strictjson.Object, name) {
		return
	}
	at := p.push(name)
	mime, what := "", ""
	var data strictjson.Str
	o := p.enterSpelled(geminiData)
	for {
		member, ok := p.next(&o)
		if !ok {
			break
		}
		if p.null() {
			continue
		}
		switch member {
		case "mime_type":
			mime = p.word(o.Name)
		case "data", "file_uri":
			if (member == "data") == (snake == "inline_data") {
				if p.is(strictjson.String, o.Name) {
					data, what = p.Str(), o.Name
				}
				continue
			}
			fallthrough
		default: // display_name, too
			p.unknown(&o.Members, "", llm.KindText)
		}
	}
	if p.Err() == nil {
		kind, text := llm.KindFile, ""
		if picture(mime) {
			kind = llm.KindImage
		}
		switch {
		case snake == "file_data":
			p.unbounded(snake)
			if data.End > 0 {
				text = p.Text(data)
			}
		case kind == llm.KindImage:
			p.v.InputBound += p.image
		case strings.HasPrefix(mime, "audio/"), strings.HasPrefix(mime, "text/"):
			p.v.InputBound += int64(data.End - data.Start) // 32 tokens a second: far under one a byte
		default:
			p.unbounded(snake)
		}
		if data.End > 0 {
			p.add("", kind, what, text, llm.Span{Start: data.Start, End: data.End})
		}
	}
	p.pop(at)
}

// geminiCall reads a call, its response, or code that was run.
func (p *parser) geminiCall(part string, depth int) {
	o := p.enterSpelled(geminiCall)
	for {
		name, ok := p.next(&o)
		if !ok {
			return
		}
		switch {
		case p.null():
		case name == "args":
			p.raw(llm.RoleAssistant, llm.KindToolArgs, o.Name)
		case name == "response" || name == "output":
			p.unknown(&o.Members, llm.RoleTool, llm.KindToolResult)
		case name == "code":
			p.unknown(&o.Members, llm.RoleAssistant, llm.KindToolArgs)
		case name == "parts" && part == "function_response" && depth == 0:
			m := p.mark()
			p.oneOrMany(o.Name, func(p *parser) { p.geminiPart(depth + 1) })
			p.results(m)
		case name == "id" || name == "name" || name == "language" || name == "outcome" || name == "will_continue" || name == "scheduling":
			p.id(o.Name)
		case part == "function_response" || part == "code_execution_result":
			p.unknown(&o.Members, llm.RoleTool, llm.KindToolResult)
		default:
			p.unknown(&o.Members, llm.RoleAssistant, llm.KindToolArgs)
		}
	}
}

// geminiTool reads an element of tools: declarations of functions, or the name
// of something that the provider runs itself.
func (p *parser) geminiTool() {
	o := p.enterSpelled(geminiTool)
	for {
		name, ok := p.next(&o)
		if !ok {
			return
		}
		switch {
		case p.null():
		case name == "function_declarations":
			p.oneOrMany(o.Name, func(p *parser) { p.tool(true) })
		default:
			p.memberName(&o.Members, llm.RoleSystem, llm.KindToolDef)
			from, end := p.Skip()
			if p.Err() != nil {
				return
			}
			typ := name
			if !clean(typ) {
				typ = unboundedTool
			}
			if len(p.v.Tools) >= maxPieces {
				p.deny("tools", "tools: more than %d: send fewer", maxPieces)
				return
			}
			p.unbounded(typ)
			span := llm.Span{Start: from, End: end}
			p.v.Tools = append(p.v.Tools, llm.Tool{Type: typ, Span: span})
			p.v.InputBound += toolOverhead
			p.add(llm.RoleSystem, llm.KindToolDef, o.Name, p.json(span), span)
		}
	}
}

// geminiConfig reads generationConfig.
func (p *parser) geminiConfig(name string) {
	if p.null() || !p.is(strictjson.Object, name) {
		return
	}
	at := p.push(name)
	o := p.enterSpelled(geminiConfig)
	for {
		name, ok := p.next(&o)
		if !ok {
			break
		}
		switch name {
		case "max_output_tokens":
			p.limit(o.Name)
		case "candidate_count":
			if n, ok := p.integer(o.Name, 1, maxChoices); ok {
				p.n = n
			}
		case "response_schema", "response_json_schema", "_response_json_schema":
			if p.Kind() == strictjson.Object {
				p.raw(llm.RoleSystem, llm.KindToolDef, o.Name)
			} else {
				p.count(o.Name)
			}
		case "response_modalities":
			p.geminiModalities(name, o.Name)
		case "routing_config", "model_selection_config": // Vertex: they choose another model
			p.unboundedIfSet(name)
		case "stop_sequences":
			p.Skip() // an aside
		case "temperature", "top_p", "top_k", "seed", "response_mime_type", "presence_penalty", "frequency_penalty",
			"response_logprobs", "logprobs", "thinking_config", "media_resolution", "audio_timestamp", "speech_config", "image_config",
			"enable_enhanced_civic_answers":
			p.setting(o.Name)
		default:
			p.unknown(&o.Members, llm.RoleSystem, llm.KindText)
		}
	}
	p.pop(at)
}

// geminiModalities reads what the model may answer with: pictures and speech are
// dearer than the listed price of output.
func (p *parser) geminiModalities(snake, name string) {
	if p.Kind() != strictjson.Array {
		p.unboundedIfSet(snake)
		return
	}
	for l := p.Open(); p.Element(&l); {
		if p.Kind() != strictjson.String {
			p.wrong(name, "an array of strings")
			return
		}
		if t := p.Str(); p.Err() == nil && !strings.EqualFold(p.Text(t), "text") {
			p.unbounded(snake)
		}
	}
}
