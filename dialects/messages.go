package dialects

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// messagesMember reads a member of an Anthropic messages or count_tokens request.
func (p *parser) messagesMember(name string) {
	switch name {
	case "messages":
		p.required = true
		p.list(name, (*parser).message)
	case "system":
		p.content(llm.RoleSystem, name, 0)
	case "max_tokens":
		p.limit(name)
	case "tools":
		p.tools(name)
	case "mcp_servers":
		p.servers(name)
	case "container":
		p.unboundedIfSet(name)
	case "context_management":
		p.contextManagement()
	case "output_format", "output_config":
		p.format(name)
	case "speed":
		p.ordinary(name, "standard")
	case "inference_geo":
		p.ordinary(name, "global", "not_available")
	case "thinking":
		p.thinking()
	case "tool_choice", "top_k":
		p.setting(name)
	case "stop_sequences":
		p.Skip() // an aside
	default:
		p.other(name)
	}
}

// thinking reads how much of the output may be thought: the limit on output must
// be larger. Anything that is not such a number is the provider's business.
func (p *parser) thinking() {
	start := p.at()
	defer func() { p.sweep("thinking", start) }()
	if p.Kind() != strictjson.Object {
		p.Skip()
		return
	}
	for o := p.Enter(thinkingNames); p.Member(&o); {
		if o.Name != "budget_tokens" || p.Kind() != strictjson.Number {
			p.Skip()
			continue
		}
		if n, ok := p.Int(); ok && n > 0 && n <= maxTokens {
			p.v.MinOutput = n
		}
	}
}

var thinkingNames = strictjson.NewNames("budget_tokens")

// message reads one message. The content's roles are set at the end: a tool's
// result stands in a user's message.
func (p *parser) message(int) {
	if !p.is(strictjson.Object, "") {
		return
	}
	p.v.InputBound += messageOverhead
	m := p.mark()
	role, given := "", false
	for o := p.Enter(messageNames); p.Member(&o); {
		switch o.Name {
		case "role":
			role, given = p.role()
		case "content":
			p.content("", o.Name, 0)
		case "id", "type":
			p.id(o.Name)
		default:
			p.unknown(&o, "", llm.KindText)
		}
	}
	if p.Err() != nil {
		return
	}
	if !given {
		p.deny(p.join("role"), "%s: required", p.join("role"))
		return
	}
	p.fill(m, role)
}

// contextManagement looks for edits other than clearing: compaction is a further
// billed call over the whole context.
func (p *parser) contextManagement() {
	if p.Kind() != strictjson.Object {
		p.unboundedIfSet("context_management")
		return
	}
	start, segments := p.at(), len(p.v.Segments)
	defer func() {
		p.v.Segments = p.v.Segments[:segments]
		p.sweep("context_management", start)
	}()
	for o := p.Enter(editNames); p.Member(&o); {
		if o.Name != "edits" || p.Kind() != strictjson.Array {
			p.unboundedIfSet("context_management")
			continue
		}
		for l := p.Open(); p.Element(&l); {
			typ := ""
			if p.Kind() == strictjson.Object {
				for e := p.Enter(editNames); p.Member(&e); {
					if e.Name == "type" && p.Kind() == strictjson.String {
						typ = p.word(e.Name)
					}
				}
			}
			if !strings.HasPrefix(typ, "clear_") {
				p.unbounded("context_management")
			}
		}
	}
}

var editNames = strictjson.NewNames("edits", "type")
