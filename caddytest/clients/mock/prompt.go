package mock

import (
	"encoding/json"
	"strings"
)

// prompt is what the provider understood of a request.
type prompt struct {
	all        string // every text in it
	lastUser   string
	toolResult string // the last tool result, "" if none
	tools      []string
	structured bool  // an answer in a JSON schema is asked for
	agent      *turn // what an agent's user asked for, nil if the caller is no agent
}

// Answer is the text with which the provider answers a user's text.
func Answer(user string) string {
	return "You said: " + user + " – Grüße, 世界 👋 and \"quotes\"\n."
}

// Structured is the answer where a JSON schema is asked for.
const Structured = `{"city":"Zürich"}`

// ToolAnswer is the text with which it answers a tool's result.
func ToolAnswer(result string) string { return "The tool said: " + result }

// ToolArguments are the arguments of the calls that it makes, for the first and
// the second tool offered.
var ToolArguments = [2]string{
	`{"city":"Zürich","days":3}`,
	`{"city":"København \"K\"","days":12345678901234567890}`,
}

func (p prompt) answer() string {
	if p.agent != nil {
		return p.agent.answer()
	}
	if p.structured && p.toolResult == "" {
		return Structured
	}
	if p.toolResult != "" {
		return ToolAnswer(p.toolResult)
	}
	return Answer(p.lastUser)
}

// wantsTools reports whether the answer is a call of the tools offered.
func (p prompt) wantsTools() bool { return len(p.tools) > 0 && p.toolResult == "" }

// arguments are those of the call of a tool offered.
func (p prompt) arguments(i int) string {
	if p.agent != nil {
		return p.agent.arguments
	}
	return ToolArguments[i]
}

// text collects the text of a content: a string or a list of parts.
func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return v.String()
	case []any:
		var b strings.Builder
		for _, part := range v {
			b.WriteString(text(part))
		}
		return b.String()
	case map[string]any:
		for _, name := range []string{"text", "content", "output", "parts", "result", "error"} {
			if t, ok := v[name]; ok {
				return text(t)
			}
		}
	}
	return ""
}

func (c *call) prompt() prompt {
	var p prompt
	var all []string
	all = append(all, text(c.req["system"]), text(c.req["instructions"]), text(c.req["systemInstruction"]))
	for _, item := range c.turns() {
		t := text(item)
		all = append(all, t)
		role, _ := item["role"].(string)
		typ, _ := item["type"].(string)
		switch {
		case role == "tool", typ == "function_call_output", typ == "custom_tool_call_output":
			p.toolResult = t
		case role == "user":
			p.toolResult = ""
			if r, ok := toolResult(item["content"]); ok {
				p.toolResult = r
			} else if r, ok := functionResponse(item["parts"]); ok {
				p.toolResult = r
			} else {
				p.lastUser = t
			}
		}
	}
	p.all = strings.Join(all, " ")
	p.structured = c.wantsSchema()
	offered := c.tools()
	for _, tool := range offered {
		if name, ok := tool["name"].(string); ok {
			p.tools = append(p.tools, name)
		}
	}
	if len(p.tools) > len(ToolArguments) {
		p.tools = p.tools[:len(ToolArguments)]
	}
	if strings.HasPrefix(c.probe, "probe-agent-") {
		p.agent = c.agentTurn(offered)
		p.tools, p.toolResult, p.lastUser = p.agent.calls(), p.agent.result, c.probe
	}
	return p
}

// turns are the messages or items of a request, of whatever family.
func (c *call) turns() (list []map[string]any) {
	for _, name := range []string{"messages", "input", "contents"} {
		switch in := c.req[name].(type) {
		case string:
			list = append(list, map[string]any{"role": "user", "content": in})
		case []any:
			for _, item := range in {
				if m, ok := item.(map[string]any); ok {
					list = append(list, m)
				}
			}
		}
	}
	return list
}

// tools are the functions offered in a request, of whatever family.
func (c *call) tools() (list []map[string]any) {
	tools, _ := c.req["tools"].([]any)
	for _, tool := range tools {
		m, _ := tool.(map[string]any)
		if f, ok := m["function"].(map[string]any); ok {
			m = f
		}
		if many, ok := m["functionDeclarations"].([]any); ok {
			for _, f := range many {
				if f, ok := f.(map[string]any); ok {
					list = append(list, f)
				}
			}
			continue
		}
		list = append(list, m)
	}
	return list
}

// wantsSchema reports whether the request asks for an answer in a JSON schema, in
// the way of whatever family.
func (c *call) wantsSchema() bool {
	at := func(path ...string) any {
		var v any = c.req
		for _, name := range path {
			m, _ := v.(map[string]any)
			v = m[name]
		}
		return v
	}
	return at("response_format", "type") == "json_schema" || at("text", "format", "type") == "json_schema" ||
		at("output_config", "format", "type") == "json_schema" || at("output_format", "type") == "json_schema" ||
		at("generationConfig", "responseJsonSchema") != nil || at("generationConfig", "responseSchema") != nil
}

// functionResponse finds a Gemini functionResponse in the parts of a content.
func functionResponse(parts any) (string, bool) {
	list, _ := parts.([]any)
	for _, part := range list {
		m, _ := part.(map[string]any)
		if f, ok := m["functionResponse"].(map[string]any); ok {
			return text(f["response"]), true
		}
	}
	return "", false
}

// toolResult finds an Anthropic tool_result block in a content.
func toolResult(content any) (string, bool) {
	parts, _ := content.([]any)
	for _, part := range parts {
		if m, ok := part.(map[string]any); ok && m["type"] == "tool_result" {
			return text(m["content"]), true
		}
	}
	return "", false
}
