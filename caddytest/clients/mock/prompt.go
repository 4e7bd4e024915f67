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
}

// Answer is the text with which the provider answers a user's text.
func Answer(user string) string {
	return "You said: " + user + " – Grüße, 世界 👋 and \"quotes\"\n."
}

// ToolAnswer is the text with which it answers a tool's result.
func ToolAnswer(result string) string { return "The tool said: " + result }

// ToolArguments are the arguments of the calls that it makes, for the first and
// the second tool offered.
var ToolArguments = [2]string{
	`{"city":"Zürich","days":3}`,
	`{"city":"København \"K\"","days":12345678901234567890}`,
}

func (p prompt) answer() string {
	if p.toolResult != "" {
		return ToolAnswer(p.toolResult)
	}
	return Answer(p.lastUser)
}

// wantsTools reports whether the answer is a call of the tools offered.
func (p prompt) wantsTools() bool { return len(p.tools) > 0 && p.toolResult == "" }

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
		for _, name := range []string{"text", "content", "output"} {
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
	all = append(all, text(c.req["system"]), text(c.req["instructions"]))
	list, _ := c.req["messages"].([]any)
	switch in := c.req["input"].(type) {
	case string:
		list = []any{map[string]any{"role": "user", "content": in}}
	case []any:
		list = in
	}
	for _, item := range list {
		m, ok := item.(map[string]any)
		if !ok {
			continue
		}
		t := text(m)
		all = append(all, t)
		role, _ := m["role"].(string)
		typ, _ := m["type"].(string)
		switch {
		case role == "tool", typ == "function_call_output":
			p.toolResult = t
		case role == "user":
			p.toolResult = ""
			if r, ok := toolResult(m["content"]); ok {
				p.toolResult = r
			} else {
				p.lastUser = t
			}
		}
	}
	p.all = strings.Join(all, " ")
	tools, _ := c.req["tools"].([]any)
	for _, tool := range tools {
		m, _ := tool.(map[string]any)
		if f, ok := m["function"].(map[string]any); ok {
			m = f
		}
		if name, ok := m["name"].(string); ok {
			p.tools = append(p.tools, name)
		}
	}
	if len(p.tools) > len(ToolArguments) {
		p.tools = p.tools[:len(ToolArguments)]
	}
	return p
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
