package dialects

import (
	"bytes"
	"slices"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Reparse returns the view of a request whose body rules have changed. What stands in
// the path, and the caller's own model, stay. A denial says that the change has
// broken the request.
func Reparse(old *llm.View, body []byte) (*llm.View, *llm.Denial) {
	v, d := Parse(old.Dialect, body)
	if d != nil {
		return nil, d
	}
	if old.Dialect.Family() == llm.FamilyGemini {
		v.Model, v.Stream = old.Model, old.Stream
	}
	return v, nil
}

// Settings are the members that SetMember knows, by the name that configurations
// use, and the kind of value each takes: 'n' for a number, 'b' for true or false,
// 's' for a word.
var Settings = map[string]byte{
	"temperature": 'n', "top_p": 'n', "top_k": 'n', "seed": 'n', "frequency_penalty": 'n', "presence_penalty": 'n',
	"reasoning_effort": 's', "parallel_tool_calls": 'b', "store": 'b',
}

// settingPath is where a setting stands in a request of the dialect, nil where the
// dialect has no such thing.
func settingPath(d llm.Dialect, name string) []string {
	common := name == "temperature" || name == "top_p"
	sampling := common || name == "seed" || name == "frequency_penalty" || name == "presence_penalty"
	switch d {
	case llm.Chat:
		if name != "top_k" {
			return []string{name}
		}
	case llm.Completions:
		if sampling {
			return []string{name}
		}
	case llm.Responses:
		switch {
		case name == "reasoning_effort":
			return []string{"reasoning", "effort"}
		case common, name == "parallel_tool_calls", name == "store":
			return []string{name}
		}
	case llm.Messages:
		if common || name == "top_k" {
			return []string{name}
		}
	case llm.GenerateContent:
		if sampling || name == "top_k" {
			return []string{"generationConfig", camelCase(name)}
		}
	case llm.OllamaChat, llm.OllamaGenerate:
		if sampling || name == "top_k" {
			return []string{"options", name}
		}
	}
	return nil
}

// SetMember returns the body with a setting at a value, which is JSON. It reports
// false, and the body as it is, where the dialect has no such setting. The body must
// have passed Parse.
func SetMember(d llm.Dialect, body []byte, name string, value []byte) ([]byte, bool) {
	path := settingPath(d, name)
	if path == nil {
		return body, false
	}
	return setPath(body, path, value), true
}

func setPath(object []byte, path []string, value []byte) []byte {
	items := jsonItems(object)
	for i, it := range items {
		if it.name != path[0] && it.name != snakeCase(path[0]) {
			continue
		}
		v := value
		if len(path) > 1 {
			if v = object[it.value:it.end]; v[0] != '{' {
				v = []byte("{}") // null
			}
			v = setPath(v, path[1:], value)
		}
		return replaced(object, items, map[int][]byte{i: v})
	}
	v := value
	if len(path) > 1 {
		v = setPath([]byte("{}"), path[1:], value)
	}
	member := append(append(strictjson.AppendQuoted(nil, path[0]), ':'), v...)
	if len(items) > 0 {
		member = append(member, ',')
	}
	at := brace(object)
	return slices.Concat(object[:at], member, object[at:])
}

// toolMembers are the members of a request that offer tools.
var toolMembers = map[string]bool{"tools": true, "functions": true, "mcp_servers": true, "web_search_options": true}

// needsTools are members that make no sense without tools: providers refuse them.
var needsTools = map[string]bool{"tool_choice": true, "function_call": true, "parallel_tool_calls": true, "tool_config": true}

// StripTools returns the body without the tools for which drop, given their name and
// type as in llm.Tool, is true; body itself if there are none. Where none is left, or
// one is forced that is gone, what chooses among them goes, too. The body must have
// passed Parse.
func StripTools(d llm.Dialect, body []byte, drop func(name, typ string) bool) []byte {
	s := stripper{d: d, drop: drop}
	items := jsonItems(body)
	values := map[int][]byte{}
	left := false
	for i, it := range items {
		if !toolMembers[it.name] {
			continue
		}
		v := body[it.value:it.end]
		out := v
		switch {
		case v[0] == 'n': // null
			continue
		case it.name == "web_search_options":
			if s.gone(it.name, it.name) {
				out = nil
			}
		default:
			s.servers = it.name == "mcp_servers"
			out = s.list(v)
			s.servers = false
		}
		if !bytes.Equal(out, v) {
			values[i] = out
		}
		left = left || out != nil
	}
	if len(values) == 0 {
		return body
	}
	for i, it := range items {
		if needsTools[snakeCase(it.name)] && (!left || s.names(body[it.value:it.end])) {
			values[i] = nil
		}
	}
	return replaced(body, items, values)
}

// stripper takes tools out of a request.
type stripper struct {
	d       llm.Dialect
	drop    func(name, typ string) bool
	dropped []string
	servers bool // in the list of Anthropic's servers of tools
}

func (s *stripper) gone(name, typ string) bool {
	if !s.drop(name, typ) {
		return false
	}
	s.dropped = append(s.dropped, name)
	return true
}

// names reports whether a value names a tool that is gone.
func (s *stripper) names(v []byte) bool {
	if text := jsonText(v); text != "" {
		return slices.Contains(s.dropped, text)
	}
	for _, it := range jsonItems(v) {
		if s.names(v[it.value:it.end]) {
			return true
		}
	}
	return false
}

// list strips a list of tools, or a tool by itself; nil if nothing is left.
func (s *stripper) list(v []byte) []byte {
	if v[0] == '{' {
		return s.tool(v)
	}
	items := jsonItems(v)
	values := map[int][]byte{}
	gone := 0
	for i, it := range items {
		tool := v[it.value:it.end]
		if out := s.tool(tool); !bytes.Equal(out, tool) {
			if values[i] = out; out == nil {
				gone++
			}
		}
	}
	if gone > 0 && gone == len(items) {
		return nil
	}
	return replaced(v, items, values)
}

// tool strips one tool: nil if it goes.
func (s *stripper) tool(v []byte) []byte {
	items := jsonItems(v)
	if s.d.Family() == llm.FamilyGemini && len(items) > 0 && jsonItemNamed(items, "name") < 0 {
		return s.gemini(v, items)
	}
	name, typ := "", ""
	inner := -1
	for i, it := range items {
		switch value := v[it.value:it.end]; it.name {
		case "name":
			name = jsonText(value)
		case "type":
			typ = jsonText(value)
		case "function", "custom":
			for _, f := range jsonItems(value) {
				if f.name == "name" {
					name = jsonText(value[f.value:f.end])
				}
			}
		case "tools":
			if value[0] == '[' {
				inner = i
			}
		}
	}
	switch {
	case s.servers:
		typ = mcpServer
	case typ == "" || typ == "custom" && s.d.Family() == llm.FamilyAnthropic:
		typ = "function"
	}
	if s.gone(name, typ) {
		return nil
	}
	if inner < 0 {
		return v
	}
	list := v[items[inner].value:items[inner].end]
	out := s.list(list)
	switch {
	case out == nil:
		return nil
	case bytes.Equal(out, list):
		return v
	}
	return replaced(v, items, map[int][]byte{inner: out})
}

// gemini strips an element of Gemini's tools: declarations of functions, and what the
// provider runs itself, each named by its member.
func (s *stripper) gemini(v []byte, items []jsonItem) []byte {
	values := map[int][]byte{}
	gone := 0
	for i, it := range items {
		value := v[it.value:it.end]
		out := value
		switch name := snakeCase(it.name); {
		case value[0] == 'n':
		case name == "function_declarations":
			out = s.list(value)
		case s.gone("", name):
			out = nil
		}
		if !bytes.Equal(out, value) {
			if values[i] = out; out == nil {
				gone++
			}
		}
	}
	if gone > 0 && gone == len(items) {
		return nil
	}
	return replaced(v, items, values)
}

func jsonItemNamed(items []jsonItem, name string) int {
	return slices.IndexFunc(items, func(it jsonItem) bool { return it.name == name })
}
