package dialects

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestSetMember(t *testing.T) {
	for _, c := range []struct {
		d                     llm.Dialect
		body, name, val, want string
		unknown               bool
	}{
		{d: llm.Chat, body: `{ "model":"m", "temperature" : 1.5 , "messages":[]}`, name: "temperature", val: "0", want: `{ "model":"m", "temperature" : 0 , "messages":[]}`},
		{d: llm.Chat, body: `{"model":"m","messages":[]}`, name: "store", val: "false", want: `{"store":false,"model":"m","messages":[]}`},
		{d: llm.Chat, body: `{"model":"m"}`, name: "top_k", val: "1", unknown: true},
		{d: llm.Responses, body: `{"model":"m","reasoning":{"effort":"high","summary":"auto"}}`, name: "reasoning_effort", val: `"low"`, want: `{"model":"m","reasoning":{"effort":"low","summary":"auto"}}`},
		{d: llm.Responses, body: `{"model":"m","reasoning":null}`, name: "reasoning_effort", val: `"low"`, want: `{"model":"m","reasoning":{"effort":"low"}}`},
		{d: llm.Responses, body: `{"model":"m"}`, name: "reasoning_effort", val: `"low"`, want: `{"reasoning":{"effort":"low"},"model":"m"}`},
		{d: llm.Messages, body: `{"model":"m"}`, name: "top_k", val: "4", want: `{"top_k":4,"model":"m"}`},
		{d: llm.Messages, body: `{"model":"m"}`, name: "seed", val: "4", unknown: true},
		{d: llm.GenerateContent, body: `{"contents":[],"generation_config":{"top_p":1}}`, name: "top_p", val: "0.5", want: `{"contents":[],"generation_config":{"top_p":0.5}}`},
		{d: llm.GenerateContent, body: `{"contents":[],"generationConfig":{ }}`, name: "temperature", val: "0", want: `{"contents":[],"generationConfig":{"temperature":0 }}`},
		{d: llm.OllamaChat, body: `{"model":"m","options":{"num_ctx":5}}`, name: "seed", val: "1", want: `{"model":"m","options":{"seed":1,"num_ctx":5}}`},
	} {
		got, ok := SetMember(c.d, []byte(c.body), c.name, []byte(c.val))
		if c.unknown {
			if ok || string(got) != c.body {
				t.Errorf("%v %s: %s", c.d, c.name, got)
			}
			continue
		}
		if !ok || string(got) != c.want {
			t.Errorf("%v %s %s: got %s", c.d, c.name, c.body, got)
		}
	}
}

func TestStripTools(t *testing.T) {
	for _, c := range []struct {
		d                   llm.Dialect
		pattern, body, want string
	}{
		{llm.Chat, "a", `{"model":"m","tools":[{"type":"function","function":{"name":"a"}}, {"type":"function","function":{"name":"b"}}],"tool_choice":"auto"}`,
			`{"model":"m","tools":[{"type":"function","function":{"name":"b"}}],"tool_choice":"auto"}`},
		{llm.Chat, "a", `{"model":"m","tools":[{"type":"function","function":{"name":"a"}}],"tool_choice":"auto","parallel_tool_calls":true}`, `{"model":"m"}`},
		{llm.Chat, "a", `{"tools":[{"function":{"name":"a"}},{"function":{"name":"b"}}],"tool_choice":{"type":"function","function":{"name":"a"}},"model":"m"}`,
			`{"tools":[{"function":{"name":"b"}}],"model":"m"}`},
		{llm.Chat, "a", `{"functions":[{"name":"b"},{"name":"a"},{"name":"c"}],"model":"m","function_call":{"name":"c"}}`,
			`{"functions":[{"name":"b"},{"name":"c"}],"model":"m","function_call":{"name":"c"}}`},
		{llm.Chat, "web_search_options", `{"model":"m","web_search_options":{}}`, `{"model":"m"}`},
		{llm.Chat, "z", `{"model":"m", "tools" : [ {"function":{"name":"a"}} ]}`, `{"model":"m", "tools" : [ {"function":{"name":"a"}} ]}`},
		{llm.Messages, "files", `{"model":"m","mcp_servers":[{"type":"url","name":"files"}],"tools":[{"name":"b"}]}`, `{"model":"m","tools":[{"name":"b"}]}`},
		{llm.Messages, "bash", `{"model":"m","tools":[{"type":"bash_20250124","name":"bash"},{"type":"custom","name":"b"}],"tool_choice":{"type":"tool","name":"bash"}}`,
			`{"model":"m","tools":[{"type":"custom","name":"b"}]}`},
		{llm.Responses, "web_search", `{"model":"m","tools":[{"type":"web_search"},{"type":"function","name":"f"}]}`, `{"model":"m","tools":[{"type":"function","name":"f"}]}`},
		{llm.Responses, "in", `{"model":"m","tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"in"},{"type":"function","name":"out"}]}]}`,
			`{"model":"m","tools":[{"type":"namespace","name":"n","tools":[{"type":"function","name":"out"}]}]}`},
		{llm.GenerateContent, "a", `{"contents":[],"tools":[{"functionDeclarations":[{"name":"a"}]},{"googleSearch":{}}],"toolConfig":{}}`, `{"contents":[],"tools":[{"googleSearch":{}}],"toolConfig":{}}`},
		{llm.GenerateContent, "google_search", `{"tools":[{"functionDeclarations":[{"name":"a"}],"googleSearch":{}}],"contents":[]}`, `{"tools":[{"functionDeclarations":[{"name":"a"}]}],"contents":[]}`},
		{llm.GenerateContent, "*", `{"contents":[],"tools":[{"functionDeclarations":{"name":"a"},"code_execution":{}}],"tool_config":{}}`, `{"contents":[]}`},
	} {
		match := func(name, typ string) bool { return llm.MatchModel(c.pattern, name) || llm.MatchModel(c.pattern, typ) }
		got := StripTools(c.d, []byte(c.body), match)
		if string(got) != c.want {
			t.Errorf("%v without %s:\n%s\nwant\n%s", c.d, c.pattern, got, c.want)
		}
	}
}

// Whatever is stripped and set, the rest is the same JSON, and no tool stays that was
// to go.
func FuzzEdit(f *testing.F) {
	f.Add([]byte(`{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"function":{"name":"aa"}},{"function":{"name":"b"}}],"tool_choice":{"name":"aa"}}`))
	f.Add([]byte(`{"contents":[{"parts":[{"text":"x"}]}],"tools":[{"functionDeclarations":[{"name":"a"}],"googleSearch":{}}],"generationConfig":null}`))
	f.Add([]byte(`{"model":"m","input":"x","tools":[{"type":"namespace","name":"n","tools":[{"name":"a"}]}],"reasoning":{"effort":"\u0061"}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, d := range []llm.Dialect{llm.Chat, llm.Messages, llm.Responses, llm.GenerateContent, llm.OllamaChat} {
			v, den := Parse(d, body)
			if den != nil {
				continue
			}
			drop := func(name, typ string) bool {
				return strings.HasPrefix(name, "a") || typ == "google_search" || typ == "web_search"
			}
			out := StripTools(d, body, drop)
			after, den := Reparse(v, out)
			if den != nil {
				t.Fatalf("%v: %s became %s: %v", d, body, out, den)
			}
			for _, tool := range after.Tools {
				if drop(tool.Name, tool.Type) {
					t.Errorf("%v: %s still offers %+v: %s", d, body, tool, out)
				}
			}
			for name := range Settings {
				set, ok := SetMember(d, out, name, []byte("1"))
				if !ok {
					continue
				}
				if !json.Valid(set) || bytes.Equal(set, out) && !bytes.Contains(out, []byte("1")) {
					t.Errorf("%v: %s with %s: %s", d, out, name, set)
				}
				if again, _ := SetMember(d, set, name, []byte("1")); !bytes.Equal(again, set) {
					t.Errorf("%v: %s set twice: %s", d, name, again)
				}
			}
		}
	})
}
