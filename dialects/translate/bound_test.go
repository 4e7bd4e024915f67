package translate

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// bounded holds a translated request to what was reserved for it: read as a request
// of its own, it must not ask for more than the bound of the caller's.
func bounded(client llm.Dialect, body []byte) error {
	const limit = 5000
	v, den := dialects.Parse(client, body)
	if den != nil || len(v.Unbounded) > 0 {
		return nil
	}
	for upstream := range codecs {
		if !Can(client, upstream) {
			continue
		}
		c := testCall(client, upstream)
		c.Options.MaxTokens = limit // of a budget
		out, _, err := c.Request(body)
		if err != nil {
			continue
		}
		w, den := dialects.Parse(upstream, out)
		if den != nil {
			return fmt.Errorf("%s: our own reader refuses it: %s\n%s\nfrom\n%s", upstream, den.Message, out, body)
		}
		most := int64(limit)
		if v.MaxTokens >= 0 {
			most = min(most, v.MaxTokens)
		}
		if w.MaxTokens < 0 || w.MaxTokens > most {
			return fmt.Errorf("%s: a limit of %d, reserved for %d:\n%s\nfrom\n%s", upstream, w.MaxTokens, most, out, body)
		}
		if w.Choices > v.Choices {
			return fmt.Errorf("%s: %d choices, reserved for %d:\n%s\nfrom\n%s", upstream, w.Choices, v.Choices, out, body)
		}
		// Tools that are named in the history only are defined anew; the gate
		// reserves for the translated request itself.
		invented := len(v.Tools) == 0 && len(w.Tools) > 0
		if have := dialects.InputBound(v, upstream); w.InputBound > have && !invented {
			return fmt.Errorf("%s: an input of up to %d tokens, reserved for %d:\n%s\nfrom\n%s", upstream, w.InputBound, have, out, body)
		}
		if len(w.Unbounded) > 0 {
			return fmt.Errorf("%s: nothing bounds %v:\n%s\nfrom\n%s", upstream, w.Unbounded, out, body)
		}
	}
	return nil
}

// What a budget reserves for a request covers what translation makes of it.
func TestTranslationStaysInBounds(t *testing.T) {
	n, seen := 0, map[string]bool{}
	check := func(client llm.Dialect, body []byte) {
		n++
		if err := bounded(client, body); err != nil {
			if k := fmt.Sprint(client, err)[:min(60, len(err.Error()))]; !seen[k] {
				seen[k] = true
				t.Errorf("%s to %v", client, err)
			}
		}
	}
	for _, client := range []llm.Dialect{llm.Chat, llm.Messages, llm.Responses} {
		files, _ := filepath.Glob("../testdata/requests/" + client.String() + "/*")
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			check(client, b)
			if len(b) < 4<<10 && b[0] == '{' {
				if _, den := dialects.Parse(client, b); den == nil {
					mutants(t, string(b), func(m []byte) { check(client, m) })
				}
			}
		}
		for _, doc := range []string{talk[client], plainRequests[client], rich[client]} {
			check(client, []byte(doc))
			mutants(t, doc, func(m []byte) { check(client, m) })
		}
	}
	t.Logf("%d requests", n)
}

// rich are requests with as much as has a bound.
var rich = map[llm.Dialect]string{
	llm.Chat: `{"model":"claude-sonnet-4-5","max_tokens":9999,"n":1,"stop":["a","b"],"messages":[{"role":"developer","content":[{"type":"text","text":"s"}]},{"role":"system","content":""},{"role":"user","name":"n","content":"hi"},
		{"role":"system","content":"again"},{"role":"user","content":""},{"role":"assistant","content":null,"reasoning_content":"hm","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"custom","custom":{"name":"c","input":"x"}}]},
		{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"x"}]},{"role":"tool","tool_call_id":"b","content":"y"},{"role":"tool","tool_call_id":"zz","content":"z"}],
		"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true}},{"type":"custom","custom":{"name":"c","description":"d","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}}],
		"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}},"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object"},"strict":true}},"reasoning_effort":"high","verbosity":"low"}`,
	llm.Messages: `{"model":"gpt-5","max_tokens":9999,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"document","title":"t","context":"c","source":{"type":"text","media_type":"text/plain","data":"d"}},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"x"}]}},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"}}]},
		{"role":"system","content":"s"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"x"},{"type":"redacted_thinking","data":"r"},{"type":"tool_use","id":"a","name":"f","input":{"a":1}},{"type":"tool_use","id":"b","name":"f","input":{}}]},
		{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","is_error":true,"content":[{"type":"text","text":"x"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"}},{"type":"search_result","source":"s","title":"t","content":[{"type":"text","text":"x"}]}]},{"type":"tool_result","tool_use_id":"b"}]}],
		"tools":[{"type":"custom","name":"f","description":"d","input_schema":{"type":"object"}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},"thinking":{"type":"enabled","budget_tokens":2000},"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}}}`,
	llm.Responses: `{"model":"claude-opus-4-6","max_output_tokens":9999,"instructions":"be kind","input":[{"role":"developer","content":"d"},{"role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:image/png;base64,aW1n","detail":"low"}]},
		{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"s"}],"encrypted_content":"e"},{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"x\":1}"},{"type":"custom_tool_call","call_id":"c2","name":"c","input":"x"},{"type":"local_shell_call","call_id":"c3","id":"l","status":"completed","action":{"type":"exec","command":["ls"],"env":{}}},
		{"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"see"},{"type":"input_image","image_url":"data:image/png;base64,aW1n"}]},{"type":"custom_tool_call_output","call_id":"c2","output":"y"},{"type":"local_shell_call_output","call_id":"c3","output":"z"},{"type":"function_call_output","call_id":"zz","output":"lost"}],
		"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},{"type":"custom","name":"c","description":"d","format":{"type":"grammar","syntax":"lark","definition":"x"}},{"type":"local_shell"},{"type":"namespace","name":"n","description":"d","tools":[{"type":"function","name":"g","parameters":{}}]}],
		"tool_choice":"required","text":{"format":{"type":"json_schema","name":"n","description":"d","schema":{"type":"object"},"strict":true},"verbosity":"low"},"reasoning":{"effort":"high","summary":"auto"}}`,
}
