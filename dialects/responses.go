package dialects

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// responsesMember reads a member of a responses request.
func (p *parser) responsesMember(name string) {
	switch name {
	case "instructions":
		p.content(llm.RoleSystem, name, 0)
	case "input":
		switch p.Kind() {
		case strictjson.String:
			p.v.InputBound += messageOverhead
			p.text(llm.RoleUser, llm.KindText, name)
		case strictjson.Array:
			p.list(name, (*parser).item)
		case strictjson.Null:
			p.Skip()
		default:
			p.wrong(name, "a string or an array of items")
		}
	case "max_output_tokens":
		p.limit(name)
	case "tools":
		p.tools(name)
	case "text":
		p.format(name)
	case "prompt":
		p.template(name)
	case "previous_response_id", "conversation", "background", "context_management":
		p.unboundedIfSet(name)
	case "stream_options", "reasoning", "include", "truncation", "parallel_tool_calls", "tool_choice", "top_logprobs",
		"max_tool_calls", "prompt_cache_retention":
		p.setting(name)
	default:
		p.other(name)
	}
}

// template reads the prompt that the provider keeps, and what the caller puts in its
// variables: texts, or parts of content.
func (p *parser) template(name string) {
	if p.Kind() != strictjson.Object {
		p.unboundedIfSet(name)
		return
	}
	empty := true
	n := p.push(name)
	for o := p.Enter(templateNames); p.Member(&o); {
		empty = false
		if o.Name != "variables" || p.Kind() != strictjson.Object {
			p.memberName(&o, llm.RoleUser, llm.KindText)
			p.count(o.Name)
			continue
		}
		in := p.push(o.Name)
		for v := p.Enter(nil); p.Member(&v); {
			p.memberName(&v, llm.RoleUser, llm.KindText)
			at := p.push(v.Name)
			switch p.Kind() {
			case strictjson.String:
				p.text(llm.RoleUser, llm.KindText, "")
			case strictjson.Object:
				p.part(llm.RoleUser, 0)
			default:
				p.collect(llm.RoleUser, llm.KindText, "")
			}
			p.pop(at)
		}
		p.pop(in)
	}
	p.pop(n)
	if !empty {
		p.unbounded(name)
	}
}

var templateNames = strictjson.NewNames("id", "version", "variables")

// itemClass says how an input item of a known type is judged.
type itemClass uint8

const (
	itemUnknown itemClass = iota
	itemMessage
	itemCall
	itemResult
	itemReasoning
)

// itemClasses are the items that hold all that the model will see of them. Items
// of other types are the history of server-side tools, or references: their
// texts are collected, their tokens have no bound.
var itemClasses = map[string]itemClass{
	"message":       itemMessage,
	"function_call": itemCall, "custom_tool_call": itemCall, "local_shell_call": itemCall, "shell_call": itemCall, "apply_patch_call": itemCall,
	"function_call_output": itemResult, "custom_tool_call_output": itemResult, "local_shell_call_output": itemResult,
	"shell_call_output": itemResult, "apply_patch_call_output": itemResult, "computer_call_output": itemResult,
	"reasoning": itemReasoning, "compaction": itemReasoning,
}

// item reads one input item.
func (p *parser) item(int) {
	if !p.is(strictjson.Object, "") {
		return
	}
	p.v.InputBound += messageOverhead
	m := p.mark()
	typ, role, given, content := "", "", false, false
	for o := p.Enter(messageNames); p.Member(&o); {
		switch o.Name {
		case "type":
			typ = p.word(o.Name)
		case "role":
			if !p.null() {
				role, given = p.role()
			}
		case "content":
			content = true
			switch p.Kind() {
			case strictjson.String, strictjson.Array, strictjson.Null:
				p.content("", o.Name, 0)
			default:
				p.wrong(o.Name, "a string or an array of content parts")
			}
		case "arguments", "input", "action":
			p.arguments(o.Name)
		case "output":
			p.output()
		case "summary":
			if p.Kind() == strictjson.Array {
				p.parts("", o.Name, 0)
			} else {
				p.unknown(&o, "", llm.KindReasoning)
			}
		case "id", "call_id", "status", "name", "encrypted_content", "phase":
			p.id(o.Name)
		default:
			p.unknown(&o, "", llm.KindText)
		}
	}
	if p.Err() != nil {
		return
	}
	if typ == "" && (given || content) {
		typ = "message"
	}
	switch itemClasses[typ] {
	case itemMessage:
		if !given {
			p.deny(p.join("role"), "%s: required", p.join("role"))
			return
		}
		p.fill(m, role)
	case itemCall, itemReasoning:
		p.fill(m, llm.RoleAssistant)
	case itemResult:
		p.results(m)
	default:
		p.again(m, llm.RoleUser, llm.KindText)
		switch {
		case typ == "":
			p.unbounded("item_reference")
		case clean(typ):
			p.unbounded(typ)
		default:
			p.unbounded(unboundedContent)
		}
	}
}

// output reads what a tool returned: a string, content parts, or anything.
func (p *parser) output() {
	switch p.Kind() {
	case strictjson.String:
		p.text(llm.RoleTool, llm.KindToolResult, "output")
	case strictjson.Array:
		p.parts(llm.RoleTool, "output", 0)
	case strictjson.Object:
		if m := p.mark(); p.imageOutput() {
			return
		} else {
			p.Seek(m.pos)
		}
		p.collect(llm.RoleTool, llm.KindToolResult, "output")
	default:
		p.count("output")
	}
}

// imageOutput reads the screenshot that a computer call returned, if that is
// what comes; else nothing was noted.
func (p *parser) imageOutput() bool {
	m, overhead := p.mark(), int64(partOverhead)
	shot := false
	for o := p.Enter(partNames); p.Member(&o); {
		if o.Name == "type" && p.Kind() == strictjson.String {
			shot = p.word(o.Name) == "computer_screenshot"
		}
	}
	if p.v.Segments = p.v.Segments[:m.segments]; p.Err() != nil || !shot {
		return false
	}
	end := p.Pos()
	p.Seek(m.pos)
	n := p.push("output")
	for o := p.Enter(partNames); p.Member(&o); {
		switch {
		case p.null():
		case o.Name == "image_url":
			p.imageURL(llm.RoleTool)
		case o.Name == "file_id":
			p.fileMember(llm.RoleTool, o.Name)
		case o.Name == "type":
			p.count(o.Name)
		default:
			p.unknown(&o, llm.RoleTool, llm.KindToolResult)
		}
	}
	p.pop(n)
	p.v.InputBound += overhead
	return p.Pos() == end
}
