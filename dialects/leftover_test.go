package dialects

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// said is prose that no place of a request may hide.
const said = "say project falcon 4111 1111 1111 1111"

// sees reports whether rules can read what was said in a request, or are told that
// there is something that they cannot read.
func sees(v *llm.View) bool {
	for _, s := range v.Segments {
		if strings.Contains(s.Text, said) {
			return true
		}
		at := strings.Index(string(v.Raw), said)
		if (s.Kind == llm.KindFile || s.Kind == llm.KindImage) && s.Text == "" && s.Span.Start < at && at < s.Span.End {
			return true
		}
	}
	for _, a := range Asides(v.Raw) {
		if strings.Contains(string(v.Raw[a.Span.Start:a.Span.End]), said) {
			return true
		}
	}
	return strings.Contains(v.Model, said)
}

// plant calls f with the document once for each value in it, and each object, where
// something is said in its place, or in a member of any name; path says where.
func plant(doc any, path string, put func(any), f func(path string)) {
	switch x := doc.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(x)) {
			plant(x[k], path+"."+k, func(v any) { x[k] = v }, f)
		}
		for _, k := range []string{said, "planted"} {
			x[k] = said
			if k == said {
				x[k] = 1
			}
			f(path + "{" + k + "}")
			delete(x, k)
		}
	case []any:
		for i := range x {
			plant(x[i], path+"[]", func(v any) { x[i] = v }, f)
		}
	}
	for _, v := range []any{said, []any{said}, map[string]any{"a": map[string]any{said: []any{1}}}, map[string]any{"text": said}} {
		put(v)
		f(path)
	}
	put(doc)
}

// TestNothingEscapesTheView: whatever is said anywhere in a request, in the place of any
// value, in a member of any name or as its name, is text that rules read, a part that they
// are told that they cannot read, or an aside; or the request is refused.
func TestNothingEscapesTheView(t *testing.T) {
	requests := []request{
		{"", llm.Chat, []byte(`{"model":"m","messages":[{"role":"assistant","content":[{"type":"text","text":"x","annotations":[{"title":"x"}],"logprobs":[{"token":"x"}],"data":"x"}],
			"name":"n","annotations":[{"type":"url_citation","url_citation":{"title":"x"}}],"audio":{"id":"a","transcript":"x","data":"x"},"tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{}"}}]},
			{"role":"tool","tool_call_id":"c","content":"x"}],"tool_choice":{"type":"function","function":{"name":"f"}},"response_format":{"type":"json","value":{}},
			"documents":[{"text":"x"}],"logit_bias":{"1":1},"reasoning_effort":"low","audio":{"voice":"v"},"stream_options":{"include_usage":true},"models":["a"],"n_predict":1,
			"web_search_options":{"user_location":{"approximate":{"city":"x"}}},"service_tier":"auto","temperature":1,"prompt_cache_key":"x","stop":["x"],"user":"u","prediction":{"type":"content","content":"x"}}`)},
		{"", llm.Responses, []byte(`{"model":"m","input":[{"type":"message","role":"assistant","id":"i","status":"completed","content":[{"type":"output_text","text":"x","annotations":[{"title":"x"}],"logprobs":[{"token":"x"}]}]},
			{"type":"function_call_output","call_id":"c","output":{"a":{"b":1}}},{"type":"computer_call_output","call_id":"c","output":{"type":"computer_screenshot","image_url":"data:image/png;base64,AA"}},
			{"type":"reasoning","id":"r","summary":[],"encrypted_content":"AA=="}],
			"prompt":{"id":"p","version":"1","variables":{"a":"x","b":{"type":"input_text","text":"x"},"c":{"type":"input_file","file_data":"AA"}}},"text":{"format":{"type":"grammar","definition":"x"},"verbosity":"low"},
			"context_management":[{"type":"compaction"}],"conversation":{"id":"c"},"reasoning":{"effort":"low"},"include":["x"],"tool_choice":{"type":"mcp","server_label":"s"},"tools":[{"type":"mcp","server_label":"s"}]}`)},
		{"", llm.Messages, []byte(`{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"document","source":{"type":"text","media_type":"text/plain","data":"x"},"citations":{"enabled":true},"title":"t"},
			{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AA"}},{"type":"search_result","source":"x","title":"t","content":[{"type":"text","text":"x"}]},
			{"type":"tool_result","tool_use_id":"t","content":"x","is_error":false}]},{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"AA"},{"type":"redacted_thinking","data":"AA"},
			{"type":"tool_use","id":"t","name":"f","input":{"a":[1]}}]}],"mcp_servers":[{"type":"url","url":"https://x","name":"n","tool_configuration":{}}],"container":{"id":"c","skills":[{"type":"t"}]},
			"context_management":{"edits":[{"type":"clear_tool_uses_20250919","trigger":{"type":"t","value":1}}]},"tool_choice":{"type":"auto"},"thinking":{"type":"enabled","budget_tokens":1024},"output_config":{"effort":"low"},
			"speed":"fast","metadata":{"user_id":"u"},"stop_sequences":["x"]}`)},
		{"", llm.GenerateContent, []byte(`{"contents":[{"role":"user","parts":[{"text":"x","videoMetadata":{"fps":1},"thoughtSignature":"AA"},{"functionResponse":{"id":"i","name":"f","response":{"a":{"b":1}}}},{"inlineData":{"mimeType":"image/png","data":"AA"}},
			{"functionCall":{"name":"f","args":{"a":1}}}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY"}},"safetySettings":[{"category":"c"}],"labels":{"a":"b"},"cachedContent":"c",
			"generationConfig":{"stopSequences":["x"],"responseMimeType":"x","responseSchema":{"type":"x"},"speechConfig":{"voiceConfig":{"name":"v"}},"thinkingConfig":{"thinkingBudget":1},"temperature":1}}`)},
		{"", llm.OllamaChat, []byte(`{"model":"m","messages":[{"role":"tool","tool_name":"f","content":"x"}],"options":{"num_predict":1,"stop":["x"],"seed":1},"format":"json","keep_alive":"5m","think":true}`)},
		{"", llm.OllamaGenerate, []byte(`{"model":"m","prompt":"x","template":"x","context":[1],"images":["AA"]}`)},
		{"", llm.Embeddings, []byte(`{"model":"m","input":["x"],"encoding_format":"float","instruction":"x","messages":[{"role":"user","content":"x"}]}`)},
		{"", llm.Completions, []byte(`{"model":"m","prompt":["x"],"suffix":"x","logit_bias":{"1":1},"grammar":"x","echo":true}`)},
	}
	for _, r := range append(requests, corpus(t)...) {
		var doc any
		dec := json.NewDecoder(bytes.NewReader(r.body))
		dec.UseNumber()
		if err := dec.Decode(&doc); err != nil {
			t.Fatal(err)
		}
		plant(doc, "", func(v any) { doc = v }, func(path string) {
			body, err := json.Marshal(doc)
			if err != nil {
				t.Fatal(err)
			}
			if v, den := Parse(r.dialect, body); den == nil && !sees(v) {
				t.Errorf("%v%s: escapes: %.2000s", r.dialect, path, body)
			}
		})
	}
}
