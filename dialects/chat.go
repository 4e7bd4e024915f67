package dialects

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// chatMember reads a member of a chat completions request.
func (p *parser) chatMember(name string) {
	switch name {
	case "messages":
		p.required = true
		p.list(name, (*parser).chatMessage)
	case "max_tokens", "max_completion_tokens":
		p.limit(name)
	case "n":
		if n, ok := p.integer(name, 1, maxChoices); ok {
			p.n = n
		}
	case "best_of": // of compatible servers
		if n, ok := p.integer(name, 1, maxChoices); ok {
			p.best = n
		}
	case "stream_options":
		p.streamOptions()
	case "tools", "functions":
		p.tools(name)
	case "response_format":
		p.format(name)
	case "prediction":
		p.prediction()
	case "web_search_options":
		if !p.null() { // an empty object asks for a search, too
			start := p.at()
			p.raw(llm.RoleSystem, llm.KindToolDef, name)
			p.unbounded(name)
			p.v.Tools = append(p.v.Tools, llm.Tool{Name: name, Type: name, Span: llm.Span{Start: start, End: p.Pos()}})
		}
	case "n_predict": // llama.cpp's own limit, which overrides the others
		p.unboundedIfSet(name)
	case "frequency_penalty", "presence_penalty", "seed", "logprobs", "top_logprobs", "logit_bias", "parallel_tool_calls",
		"reasoning_effort", "verbosity", "modalities":
		p.setting(name)
	case "tool_choice", "function_call", "audio":
		p.count(name)
	default:
		p.other(name)
	}
}

// prediction reads the predicted output: rejected parts of it are billed as
// output beyond the limit.
func (p *parser) prediction() {
	if p.null() || !p.is(strictjson.Object, "prediction") {
		return
	}
	n := p.push("prediction")
	for o := p.Enter(messageNames); p.Member(&o); {
		switch o.Name {
		case "content":
			p.content(llm.RoleAssistant, o.Name, 0)
		case "type":
			p.count(o.Name)
		default:
			p.unknown(&o, llm.RoleAssistant, llm.KindText)
		}
	}
	p.pop(n)
	p.unbounded("prediction")
}

var messageNames = strictjson.NewNames("role", "content", "name", "tool_calls", "function_call", "tool_call_id", "refusal", "audio",
	"reasoning", "reasoning_content", "type", "id", "output", "arguments", "input", "summary", "action", "call_id", "encrypted_content")

// chatMessage reads one message. The role may come after the content: the
// segments get it at the end.
func (p *parser) chatMessage(int) {
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
		case "refusal":
			p.optionalText("", llm.KindText, o.Name)
		case "reasoning", "reasoning_content":
			if p.Kind() == strictjson.String {
				p.text(llm.RoleAssistant, llm.KindReasoning, o.Name)
			} else {
				p.unknown(&o, llm.RoleAssistant, llm.KindReasoning)
			}
		case "tool_calls":
			if !p.null() {
				p.list(o.Name, (*parser).toolCall)
			}
		case "function_call":
			p.call(o.Name)
		case "audio": // an earlier answer, by id
			p.spoken(o.Name)
		case "name", "tool_call_id", "id", "type":
			p.id(o.Name)
		default:
			// Chat templates of compatible servers can print any member.
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

// spoken reads what an assistant has said aloud: an id, or the sound and its words.
func (p *parser) spoken(name string) {
	if p.Kind() != strictjson.Object {
		p.unboundedIfSet(name)
		return
	}
	p.unbounded(name)
	n := p.push(name)
	for o := p.Enter(spokenNames); p.Member(&o); {
		switch {
		case o.Name == "id":
			p.id(o.Name)
		case o.Name == "data" && p.Kind() == strictjson.String:
			p.v.InputBound += int64(p.opaque("", llm.KindFile, o.Name).Len())
		default:
			p.unknown(&o, "", llm.KindText)
		}
	}
	p.pop(n)
}

var spokenNames = strictjson.NewNames("id", "data", "transcript")

// role reads a role and translates it. One that we do not know is not trusted
// more than a user's, and is itself text: a chat template may print it.
func (p *parser) role() (role string, ok bool) {
	if !p.is(strictjson.String, "role") {
		return "", false
	}
	m := p.mark()
	switch r := p.word("role"); r {
	case "user":
		return llm.RoleUser, true
	case "system", "developer":
		return llm.RoleSystem, true
	case "assistant":
		return llm.RoleAssistant, true
	case "tool", "function":
		return llm.RoleTool, true
	}
	p.again(m, llm.RoleUser, llm.KindText)
	if n := len(p.v.Segments); n > m.segments {
		p.v.Segments[n-1].Path = p.here("role")
	}
	return llm.RoleUser, true
}

// toolCall reads an element of tool_calls.
func (p *parser) toolCall(int) {
	if !p.is(strictjson.Object, "") {
		return
	}
	p.v.InputBound += partOverhead
	for o := p.Enter(callNames); p.Member(&o); {
		switch o.Name {
		case "function", "custom":
			p.call(o.Name)
		case "arguments", "input":
			p.arguments(o.Name)
		case "id", "type", "index", "name":
			p.id(o.Name)
		default:
			p.unknown(&o, llm.RoleAssistant, llm.KindToolArgs)
		}
	}
}
