package dialects

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Codex offers a search among its own tools. It is bounded as its other tools
// are, if and only if the client is said to run it.
func TestWhoRunsToolSearch(t *testing.T) {
	for tool, bounded := range map[string]bool{
		`{"type":"tool_search","execution":"client","parameters":{"type":"object"}}`: true,
		`{"execution":"client","type":"tool_search"}`:                                true,
		`{"type":"tool_search","execution":"server"}`:                                false,
		`{"type":"tool_search"}`:                                                     false,
		`{"type":"tool_search","execution":{"a":["client"]}}`:                        false,
		`{"type":"tool_search","execution":null}`:                                    false,
		`{"type":"web_search","execution":"client"}`:                                 false,
	} {
		v, denial := Parse(llm.Responses, []byte(`{"model":"m","input":"hi","tools":[`+tool+`]}`))
		if denial != nil {
			t.Errorf("%s: %v", tool, denial)
			continue
		}
		if got := strings.Join(v.Unbounded, " "); (got == "") != bounded {
			t.Errorf("%s: unbounded by %q", tool, got)
		}
	}
}

// A tool that has a name for each of two readers is refused.
func TestToolWithTwoNames(t *testing.T) {
	for _, c := range []struct {
		d      llm.Dialect
		tool   string
		denied bool
	}{
		{llm.Chat, `{"type":"function","function":{"name":"bash"},"name":"ok"}`, true},
		{llm.Responses, `{"type":"function","name":"bash","function":{"name":"ok"}}`, true},
		{llm.Responses, `{"type":"custom","custom":{"name":"ok"},"function":{"name":"bash"}}`, true},
		{llm.Messages, `{"name":"bash","function":{"name":"ok"}}`, true},
		{llm.Chat, `{"type":"function","function":{"name":"bash"},"name":"bash"}`, false},
		{llm.Chat, `{"type":"function","function":{"name":"bash"},"name":null}`, false},
	} {
		v, den := Parse(c.d, []byte(`{"model":"m","max_tokens":1,"messages":[],"tools":[`+c.tool+`]}`))
		if (den != nil) != c.denied || den != nil && den.Param != "tools[0].name" || den == nil && v.Tools[0].Name != "bash" {
			t.Errorf("%s: %v", c.tool, den)
		}
	}
}
