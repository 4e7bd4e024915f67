package dialects

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Content parts are read by the names of their members, the same in all
// dialects: the names do not contradict each other, the type may come last, and
// compatible servers take each other's parts anyway.

var partNames = strictjson.NewNames("type", "text", "refusal", "image_url", "input_audio", "file", "file_id", "file_url", "file_data",
	"filename", "source", "content", "input", "thinking", "data", "title", "context", "role", "url")

// partClass says how a part of a known type is judged once all of it was read.
type partClass uint8

const (
	partUnknown      partClass = iota
	partPlain                  // text, media
	partReasoning              // its texts are reasoning
	partDocument               // its inline data cannot be bounded
	partResult                 // its texts are what a tool returned
	partOpaqueResult           // what a server-side tool returned: any structure
	partUpload                 // stands for files that are elsewhere
)

var partClasses = map[string]partClass{
	"text": partPlain, "input_text": partPlain, "output_text": partPlain, "refusal": partPlain,
	"image_url": partPlain, "input_image": partPlain, "image": partPlain, "input_audio": partPlain,
	"file": partPlain, "input_file": partPlain, "document": partDocument, "search_result": partPlain,
	"thinking": partReasoning, "redacted_thinking": partReasoning, "summary_text": partReasoning, "reasoning_text": partReasoning,
	"tool_use": partPlain, "server_tool_use": partPlain, "mcp_tool_use": partPlain, "tool_reference": partPlain,
	"tool_result": partResult, "mcp_tool_result": partResult, "compaction": partPlain, "container_upload": partUpload,
	"web_search_tool_result": partOpaqueResult, "web_fetch_tool_result": partOpaqueResult, "code_execution_tool_result": partOpaqueResult,
	"bash_code_execution_tool_result": partOpaqueResult, "text_editor_code_execution_tool_result": partOpaqueResult,
	"tool_search_tool_result": partOpaqueResult,
}

// content reads a member that is a string, an array of parts, or null.
func (p *parser) content(role, name string, depth int) {
	switch p.Kind() {
	case strictjson.String:
		p.text(role, llm.KindText, name)
	case strictjson.Array:
		p.parts(role, name, depth)
	case strictjson.Null:
		p.Skip()
	default:
		p.wrong(name, "a string or an array of content parts")
	}
}

// parts reads an array of content parts.
func (p *parser) parts(role, name string, depth int) {
	n := p.push(name)
	i := 0
	for l := p.Open(); p.Element(&l); i++ {
		k := p.pushIndex(i)
		if p.Kind() == strictjson.String { // compatible servers take bare strings
			p.text(role, llm.KindText, "")
		} else if p.is(strictjson.Object, "") {
			p.part(role, depth)
		}
		p.pop(k)
	}
	p.pop(n)
}

// part reads one content part.
func (p *parser) part(role string, depth int) {
	p.v.InputBound += partOverhead
	m := p.mark()
	typ, odd, want := "", "", ""
	inline := false // has inline data of a document or an image
	data := 0       // where the member of that name is
	for o := p.Enter(partNames); p.Member(&o); {
		k := p.Kind()
		if k == strictjson.Null {
			p.Skip()
			continue
		}
		switch o.Name {
		case "type":
			if k == strictjson.String {
				typ = p.word("type")
				continue
			}
			odd, want = "type", "a string"
		case "text", "refusal", "title", "context", "filename":
			if k == strictjson.String {
				p.text(role, llm.KindText, o.Name)
				continue
			}
			odd, want = o.Name, "a string"
		case "thinking":
			if k == strictjson.String {
				p.text(role, llm.KindReasoning, o.Name)
				continue
			}
			odd, want = o.Name, "a string"
		case "image_url":
			p.imageURL(role)
			continue
		case "input_audio":
			bound := p.v.InputBound
			s := p.opaque(role, llm.KindFile, o.Name)
			p.v.InputBound = bound + int64(s.Len()) // ten tokens a second: far under one a byte
			continue
		case "file":
			if k == strictjson.Object {
				p.file(role)
				continue
			}
			odd, want = o.Name, "an object"
		case "file_id", "file_url", "file_data":
			p.fileMember(role, o.Name)
			continue
		case "source":
			if k == strictjson.Object {
				inline = p.source(role, depth) || inline
				continue
			}
			if k == strictjson.String { // of a search result
				p.text(role, llm.KindText, o.Name)
				continue
			}
			odd, want = o.Name, "an object"
		case "content":
			switch {
			case k == strictjson.String, k == strictjson.Array && depth < maxNesting:
				p.content(role, o.Name, depth+1)
			default:
				p.unknown(&o, role, llm.KindText)
			}
			continue
		case "input":
			p.raw(llm.RoleAssistant, llm.KindToolArgs, o.Name)
			continue
		case "id", "tool_use_id", "name", "tool_name", "server_name", "signature", "encrypted_content":
			p.id(o.Name)
			continue
		case "data": // sealed thoughts, or unknown
			data = p.at()
			p.Skip()
			continue
		case "logprobs": // the text once more, token by token
			p.logprobs(role, o.Name)
			continue
		case "cache_control", "detail", "format", "is_error", "annotations":
			p.count(o.Name)
			continue
		default:
			p.unknown(&o, role, llm.KindText)
			continue
		}
		p.count(o.Name) // of a type that it should not have
	}
	if data > 0 && p.Err() == nil {
		end := p.Pos()
		if p.Seek(data); typ == "redacted_thinking" {
			p.id("data")
		} else {
			p.collect(role, llm.KindText, "data")
		}
		p.Seek(end)
	}
	if p.Err() != nil {
		return
	}
	switch class := partClasses[typ]; {
	case class == partUnknown:
		p.again(m, role, llm.KindText)
		p.unbounded(unboundedContent)
	case class == partOpaqueResult:
		p.again(m, llm.RoleTool, llm.KindToolResult)
	case odd != "":
		p.deny(p.join(odd), "%s: want %s", p.join(odd), want)
	case class == partReasoning:
		for i := m.segments; i < len(p.v.Segments); i++ {
			p.v.Segments[i].Kind = llm.KindReasoning
		}
	case class == partResult:
		p.results(m)
	case class == partUpload:
		p.unbounded(typ)
	case class == partDocument && inline:
		p.unbounded("document")
		for i := m.segments; i < len(p.v.Segments); i++ {
			if s := &p.v.Segments[i]; s.Kind == llm.KindImage {
				s.Kind = llm.KindFile
			}
		}
	}
}

// imageURL reads the member image_url: a URL, or an object with one.
func (p *parser) imageURL(role string) {
	switch p.Kind() {
	case strictjson.String:
		p.url(role, llm.KindImage, "image_url")
	case strictjson.Object:
		n := p.push("image_url")
		for o := p.Enter(partNames); p.Member(&o); {
			switch {
			case o.Name == "url" && p.Kind() == strictjson.String:
				p.url(role, llm.KindImage, o.Name)
			case o.Name == "url":
				p.wrong(o.Name, "a string")
			case o.Name == "file_id":
				p.fileMember(role, o.Name)
			default:
				p.memberName(&o, role, llm.KindText)
				p.count(o.Name)
			}
		}
		p.pop(n)
	default:
		p.wrong("image_url", "a string or an object")
	}
}

// url reads a URL: inline data of an image has a bound, nothing else has.
func (p *parser) url(role string, kind llm.SegmentKind, name string) {
	t := p.Str()
	if p.Err() != nil {
		return
	}
	span := llm.Span{Start: t.Start, End: t.End}
	s := p.Text(t)
	const scheme = "data:"
	if len(s) >= len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
		if picture(strings.ToLower(s[len(scheme):min(len(s), len(scheme)+maxTypeLen)])) {
			p.add(role, kind, name, "", span)
			p.v.InputBound += p.image
			return
		}
		kind = llm.KindFile // some servers take documents in the place of pictures
	}
	p.add(role, kind, name, s, span)
	p.unbounded("image_url")
}

// picture reports whether a media type is that of an image; an SVG is a text.
func picture(media string) bool {
	return strings.HasPrefix(media, "image/") && !strings.HasPrefix(media, "image/svg")
}

// logprobs reads log probabilities: what is there in tokens can no rule read.
func (p *parser) logprobs(role, name string) {
	if p.Kind() != strictjson.Array {
		p.count(name)
		return
	}
	bound := p.v.InputBound
	start, end := p.Skip()
	p.v.InputBound = bound + int64(end-start)
	if string(p.Data()[start:end]) != "[]" && p.Err() == nil {
		p.add(role, llm.KindFile, name, "", llm.Span{Start: start, End: end})
	}
}

// file reads the member file of a chat part.
func (p *parser) file(role string) {
	n := p.push("file")
	for o := p.Enter(partNames); p.Member(&o); {
		switch o.Name {
		case "file_id", "file_data", "file_url":
			p.fileMember(role, o.Name)
		case "filename":
			p.optionalText(role, llm.KindText, o.Name)
		default:
			p.unknown(&o, role, llm.KindText)
		}
	}
	p.pop(n)
}

// fileMember reads a file by id, URL or inline. Inline files are compressed
// formats for the most part: their bytes bound nothing.
func (p *parser) fileMember(role, name string) {
	if p.null() {
		return
	}
	if !p.is(strictjson.String, name) {
		return
	}
	if name == "file_url" {
		p.text(role, llm.KindFile, name)
	} else {
		p.opaque(role, llm.KindFile, name)
	}
	p.unbounded(name)
}

// source reads the source of an Anthropic image or document. It reports whether
// it holds inline data that is not text.
func (p *parser) source(role string, depth int) (inline bool) {
	n := p.push("source")
	m := p.mark()
	typ, media := "", ""
	var data strictjson.Str
	for o := p.Enter(sourceNames); p.Member(&o); {
		k := p.Kind()
		switch {
		case k == strictjson.Null:
			p.Skip()
		case o.Name == "type":
			typ = p.word(o.Name)
		case o.Name == "media_type":
			media = p.word(o.Name)
		case o.Name == "data":
			if p.is(strictjson.String, o.Name) {
				data = p.Str()
			}
		case o.Name == "url":
			if p.is(strictjson.String, o.Name) {
				p.text(role, llm.KindFile, o.Name)
				p.unbounded("source.url")
			}
		case o.Name == "file_id":
			p.fileMember(role, o.Name)
		case o.Name == "content" && depth < maxNesting:
			p.content(role, o.Name, depth+1)
		default:
			p.unknown(&o, role, llm.KindText)
		}
	}
	switch {
	case p.Err() != nil:
	case typ == "base64":
		kind := llm.KindFile
		if picture(media) {
			kind = llm.KindImage
			p.v.InputBound += p.image
		} else {
			p.unbounded("document")
		}
		if data.End > 0 {
			p.add(role, kind, "data", "", llm.Span{Start: data.Start, End: data.End})
		}
		inline = true
	case typ != "text" && typ != "url" && typ != "file" && typ != "content":
		p.again(m, role, llm.KindText)
		p.unbounded(unboundedContent)
	case data.End > 0:
		p.add(role, llm.KindText, "data", p.Text(data), llm.Span{Start: data.Start, End: data.End})
	}
	p.pop(n)
	return inline
}

var sourceNames = strictjson.NewNames("type", "media_type", "data", "url", "file_id", "content")
