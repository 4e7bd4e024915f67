package dialects

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

var toolNames = strictjson.NewNames("type", "name", "function", "custom", "description", "parameters", "input_schema", "tools", "execution")

// clientTools are the types whose calls the client runs: nothing happens at the
// provider that the request's bytes do not bound. Every other type is taken for
// a server-side tool.
var clientTools = map[string]bool{
	"function": true, "custom": true, "local_shell": true, "apply_patch": true, "computer_use_preview": true, "namespace": true,
}

// clientToolPrefixes are Anthropic's client tools; their types end in a date.
var clientToolPrefixes = [...]string{"bash_2", "text_editor_2", "computer_2", "memory_2"}

func clientTool(typ string) bool {
	if clientTools[typ] {
		return true
	}
	for _, pre := range clientToolPrefixes {
		if strings.HasPrefix(typ, pre) {
			return true
		}
	}
	return false
}

// tools reads the member tools (or the old functions) of any dialect.
func (p *parser) tools(name string) {
	if !p.null() {
		p.list(name, func(p *parser, _ int) { p.tool(true) })
	}
}

// tool reads one definition. Those inside a namespace are part of its segment.
func (p *parser) tool(outer bool) {
	if !p.is(strictjson.Object, "") {
		return
	}
	start, segments := p.at(), len(p.v.Segments)
	typ, name, execution := "", "", ""
	for o := p.Enter(toolNames); p.Member(&o); {
		switch o.Name {
		case "type":
			typ = p.word(o.Name)
		case "execution":
			if p.Kind() == strictjson.String {
				execution = p.toolName()
			}
		case "name":
			p.named(&name, p.toolName())
		case "function", "custom":
			if p.Kind() != strictjson.Object {
				continue
			}
			for f := p.Enter(toolNames); p.Member(&f); {
				if f.Name == "name" {
					p.named(&name, p.toolName())
				}
			}
		case "tools":
			if outer && p.Kind() == strictjson.Array {
				p.list(o.Name, func(p *parser, _ int) { p.tool(false) })
			}
		}
	}
	if p.Err() != nil {
		return
	}
	p.v.Segments = p.v.Segments[:segments] // one for all of it, below
	if len(p.v.Tools) >= maxPieces {
		p.deny("tools", "tools: more than %d: send fewer", maxPieces)
		return
	}
	span := llm.Span{Start: start, End: p.Pos()}
	// Absent or "custom" is the client's own tool in Anthropic's dialect, absent
	// means a function in the old OpenAI one.
	if typ == "" || typ == "custom" && p.v.Dialect.Family() == llm.FamilyAnthropic {
		typ = "function"
	}
	// Codex searches among its own tools: who runs that is said beside the type.
	if !clientTool(typ) && !(typ == "tool_search" && execution == "client") {
		if clean(typ) {
			p.unbounded(typ)
		} else {
			p.unbounded(unboundedTool)
		}
	}
	p.v.Tools = append(p.v.Tools, llm.Tool{Name: name, Type: typ, Span: span})
	p.v.InputBound += toolOverhead
	if outer {
		p.add(llm.RoleSystem, llm.KindToolDef, "", p.json(span), span)
	}
}

// named notes the name of a tool. Dialects write it in different places: with another in
// each, some readers would take one and some the other.
func (p *parser) named(name *string, found string) {
	if *name != "" && found != "" && *name != found {
		p.deny(p.join("name"), "%s: the tool has two names: send one", p.join("name"))
		return
	}
	if found != "" {
		*name = found
	}
}

// toolName reads the name of a tool, or who runs it: a string, or of no use.
func (p *parser) toolName() string {
	if p.null() || !p.is(strictjson.String, "name") {
		return ""
	}
	t := p.Str()
	if p.Err() != nil {
		return ""
	}
	return p.Text(t)
}

// format reads what constrains the answer (response_format, text, output_format,
// output_config). A schema reaches the model as a tool definition does.
func (p *parser) format(name string) {
	if p.Kind() != strictjson.Object {
		p.count(name)
		return
	}
	n := p.push(name)
	for o := p.Enter(formatNames); p.Member(&o); {
		switch k := p.Kind(); {
		case (o.Name == "json_schema" || o.Name == "schema") && k == strictjson.Object:
			p.raw(llm.RoleSystem, llm.KindToolDef, o.Name)
		case o.Name == "format" && k == strictjson.Object:
			p.format(o.Name)
		case o.Name == "description" && k == strictjson.String, o.Name == "grammar" && k == strictjson.String:
			p.text(llm.RoleSystem, llm.KindToolDef, o.Name)
		default:
			p.memberName(&o, llm.RoleSystem, llm.KindToolDef)
			p.count(o.Name)
		}
	}
	p.pop(n)
}

var formatNames = strictjson.NewNames("json_schema", "schema", "format", "description", "grammar", "type")

// call reads a function call of an assistant: {name, arguments} or, for custom
// tools, {name, input}.
func (p *parser) call(name string) {
	if p.null() || !p.is(strictjson.Object, name) {
		return
	}
	n := p.push(name)
	for o := p.Enter(callNames); p.Member(&o); {
		switch o.Name {
		case "arguments", "input":
			p.arguments(o.Name)
		case "name":
			p.id(o.Name)
		default:
			p.unknown(&o, llm.RoleAssistant, llm.KindToolArgs)
		}
	}
	p.pop(n)
}

// arguments reads a call's arguments: a string of JSON, or JSON.
func (p *parser) arguments(name string) {
	switch p.Kind() {
	case strictjson.String:
		p.text(llm.RoleAssistant, llm.KindToolArgs, name)
	case strictjson.Null:
		p.Skip()
	default:
		p.raw(llm.RoleAssistant, llm.KindToolArgs, name)
	}
}

var callNames = strictjson.NewNames("name", "arguments", "input", "type", "function", "custom", "id")

// mcpServer is the type of a server of tools that the provider calls itself.
const mcpServer = "mcp_server"

// servers reads Anthropic's mcp_servers: the tools of each are the model's, too,
// whatever they are.
func (p *parser) servers(name string) {
	start, segments := p.at(), len(p.v.Segments)
	p.unboundedIfSet(name)
	if p.Err() != nil {
		return
	}
	p.v.Segments = p.v.Segments[:segments]
	if p.Data()[start] != 'n' && p.Pos()-start > 2 {
		bound, span := p.v.InputBound, llm.Span{Start: start, End: p.Pos()}
		p.add(llm.RoleSystem, llm.KindToolDef, name, p.json(span), span)
		p.v.InputBound = bound
	}
	raw := p.Data()[start:p.Pos()]
	for _, it := range jsonItems(raw) {
		if len(p.v.Tools) >= maxPieces {
			p.deny(name, "%s: more than %d: send fewer", name, maxPieces)
			return
		}
		server := raw[it.value:it.end]
		t := llm.Tool{Type: mcpServer, Span: llm.Span{Start: start + it.value, End: start + it.end}}
		for _, m := range jsonItems(server) {
			if m.name == "name" {
				t.Name = jsonText(server[m.value:m.end])
			}
		}
		p.v.Tools = append(p.v.Tools, t)
	}
}
