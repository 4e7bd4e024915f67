package dialects

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// ollamaMember reads a member of a request of Ollama's native API: /api/chat,
// /api/generate or /api/embed.
func (p *parser) ollamaMember(name string) {
	switch name {
	case "messages":
		if !p.null() {
			p.list(name, (*parser).ollamaMessage)
		}
	case "tools":
		p.tools(name)
	case "input":
		p.required = true
		p.batch(name)
	case "prompt":
		p.v.InputBound += messageOverhead
		p.optionalText(llm.RoleUser, llm.KindText, name)
	case "suffix":
		p.optionalText(llm.RoleUser, llm.KindText, name)
	case "system", "template":
		p.optionalText(llm.RoleSystem, llm.KindText, name)
	case "images":
		p.images(llm.RoleUser, name)
	case "context":
		p.context(name)
	case "options":
		p.ollamaOptions(name)
	case "format":
		if p.Kind() == strictjson.Object {
			p.raw(llm.RoleSystem, llm.KindToolDef, name)
		} else {
			p.count(name)
		}
	case "think", "raw", "keep_alive", "truncate", "dimensions", "shift", "logprobs", "top_logprobs":
		p.setting(name)
	default:
		p.other(name)
	}
}

var ollamaNames = strictjson.NewNames("role", "content", "thinking", "images", "tool_calls", "tool_name", "tool_call_id")

// ollamaMessage reads one message of /api/chat.
func (p *parser) ollamaMessage(int) {
	if !p.is(strictjson.Object, "") {
		return
	}
	p.v.InputBound += messageOverhead
	m := p.mark()
	role, given := "", false
	for o := p.Enter(ollamaNames); p.Member(&o); {
		switch o.Name {
		case "role":
			role, given = p.role()
		case "content":
			p.content("", o.Name, 0)
		case "thinking":
			p.optionalText(llm.RoleAssistant, llm.KindReasoning, o.Name)
		case "images":
			p.images("", o.Name)
		case "tool_calls":
			if !p.null() {
				p.list(o.Name, (*parser).toolCall)
			}
		case "tool_name", "tool_call_id":
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
	if role == llm.RoleTool {
		p.results(m)
	}
	p.fill(m, role)
}

// images reads a list of pictures in base64.
func (p *parser) images(role, name string) {
	if p.null() {
		return
	}
	p.list(name, func(p *parser, _ int) {
		if p.is(strictjson.String, "") {
			p.opaque(role, llm.KindImage, "")
			p.v.InputBound += p.image
		}
	})
}

// context reads the tokens of an earlier answer. They are opaque to policy.
func (p *parser) context(name string) {
	if p.null() || !p.is(strictjson.Array, name) {
		return
	}
	start := p.at()
	n := p.push(name)
	for l := p.Open(); p.Element(&l); {
		p.token()
	}
	p.pop(n)
	if p.Err() == nil && p.Pos()-start > 2 {
		p.add(llm.RoleUser, llm.KindFile, name, "", llm.Span{Start: start, End: p.Pos()})
	}
}

var ollamaOptionNames = strictjson.NewNames("num_predict", "num_ctx", "stop")

// ollamaOptions reads the options of the model, of which one is the limit on
// output tokens. Ollama takes zero and negative limits for none.
func (p *parser) ollamaOptions(name string) {
	if p.null() || !p.is(strictjson.Object, name) {
		return
	}
	at := p.push(name)
	for o := p.Enter(ollamaOptionNames); p.Member(&o); {
		if o.Name != "num_predict" {
			if o.Name != "stop" { // an aside
				p.memberName(&o, "", llm.KindText)
				p.setting(o.Name)
			}
			continue
		}
		start := p.at()
		n, ok := p.integer(o.Name, -maxTokens, maxTokens)
		p.v.MaxTokensField, p.v.MaxTokensSpan = o.Name, llm.Span{Start: start, End: p.Pos()}
		if ok && n > 0 {
			p.v.MaxTokens = n
		}
	}
	p.pop(at)
}
