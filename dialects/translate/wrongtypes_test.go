package translate

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// odd is what may stand where something else is expected.
var odd = []string{`null`, `true`, `7`, `-1`, `1e999`, `1.5`, `""`, `"x"`, `"\ud800"`, `[]`, `[null]`, `[7]`, `["x"]`, `[{}]`, `{}`, `{"x":1}`, `{"type":"x"}`, `[[]]`}

// mutants calls f with every document that is doc with one value replaced by an
// odd one, or left out.
func mutants(t testing.TB, doc string, f func(mutant []byte)) (n int) {
	var root any
	d := json.NewDecoder(strings.NewReader(doc))
	d.UseNumber()
	if err := d.Decode(&root); err != nil {
		t.Fatalf("%v: %s", err, doc)
	}
	emit := func() {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(root); err != nil {
			t.Fatal(err)
		}
		n++
		f(bytes.TrimSpace(b.Bytes()))
	}
	var walk func(v any)
	replace := func(v any, set func(any)) {
		for _, o := range odd {
			set(json.RawMessage(o))
			emit()
		}
		set(v)
		walk(v)
	}
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, x := range v {
				replace(x, func(y any) { v[k] = y })
				delete(v, k)
				emit()
				v[k] = x
			}
		case []any:
			for i, x := range v {
				replace(x, func(y any) { v[i] = y })
			}
		}
	}
	walk(root)
	return n
}

// A value of any wrong type anywhere in a request is refused, or leaves a request
// that is one.
func TestWrongTypesInRequests(t *testing.T) {
	n := 0
	for client, docs := range map[llm.Dialect][]string{
		llm.Chat: {talk[llm.Chat], `{"model":"claude-sonnet-4-5","stream":true,"stream_options":{"include_usage":true},"max_tokens":9999,"n":1,"stop":["a"],"temperature":0.5,"top_p":0.9,"top_k":1,"seed":1,"logprobs":true,"top_logprobs":2,"frequency_penalty":1,"presence_penalty":1,
			"messages":[{"role":"developer","content":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}]},{"role":"user","name":"n","content":[{"type":"input_audio","input_audio":{"data":"YQ==","format":"wav"}},{"type":"refusal","refusal":"r"},{"type":"file","file":{"file_id":"f"}}],"cache_control":{"type":"ephemeral"}},
			{"role":"assistant","content":null,"refusal":"no","reasoning_content":"hm","audio":{"id":"x"},"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"x"},
			{"role":"assistant","tool_calls":[{"index":0,"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"G"}}},{"id":"b","type":"custom","custom":{"name":"c","input":"x"}}]},{"role":"tool","tool_call_id":"a","content":[{"type":"text","text":"x"}]}],
			"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"},"strict":true},"cache_control":{"type":"ephemeral"}},{"type":"custom","custom":{"name":"c","description":"d","format":{"type":"grammar","grammar":{"syntax":"lark","definition":"x"}}}}],
			"functions":[{"name":"g"}],"function_call":{"name":"g"},"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}},"parallel_tool_calls":true,"response_format":{"type":"json_schema","json_schema":{"name":"n","description":"d","schema":{"type":"object"},"strict":true}},
			"reasoning_effort":"low","verbosity":"low","prompt_cache_key":"k","user":"u","safety_identifier":"s","service_tier":"flex","logit_bias":{"1":1},"modalities":["text"],"metadata":{"a":"b"},"store":true}`},
		llm.Messages: {talk[llm.Messages], `{"model":"gpt-5","stream":true,"max_tokens":9999,"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"temperature":0.5,"top_p":0.9,"top_k":1,"stop_sequences":["a"],
			"messages":[{"role":"user","content":[{"type":"document","title":"t","context":"c","citations":{"enabled":true},"source":{"type":"text","media_type":"text/plain","data":"d"}},{"type":"document","source":{"type":"content","content":[{"type":"text","text":"x"}]}},{"type":"image","source":{"type":"file","file_id":"f"}},{"type":"image","source":{"type":"url","url":"u"}}]},
			{"role":"system","content":"s"},{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"` + packSeal(openSeal) + `"},{"type":"redacted_thinking","data":"r"},{"type":"tool_use","id":"a","name":"f","input":{"a":1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","is_error":true,"content":[{"type":"text","text":"x"}]}]}],
			"tools":[{"type":"custom","name":"f","description":"d","input_schema":{"type":"object"},"strict":true,"cache_control":{"type":"ephemeral"}},{"type":"web_search_20250305","name":"w"}],"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true},
			"thinking":{"type":"enabled","budget_tokens":2000,"display":"omitted"},"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"type":"object"}}},"output_format":{"type":"json_schema","name":"n","schema":{}},"metadata":{"user_id":"u"},"service_tier":"auto","speed":"fast","inference_geo":"us",
			"context_management":{"edits":[{"type":"clear_x"}]},"mcp_servers":[{"type":"url"}],"cache_control":{"type":"ephemeral"},"betas":["x"]}`},
	} {
		for _, doc := range docs {
			fuzzRequest(t, client, []byte(doc))
			n += mutants(t, doc, func(m []byte) { fuzzRequest(t, client, m) })
		}
	}
	t.Logf("%d requests", n)
}

// A value of any wrong type anywhere in an answer or an event of a stream is
// refused, or leaves an answer that keeps the client's rules.
func TestWrongTypesInAnswers(t *testing.T) {
	n := 0
	for upstream, doc := range map[llm.Dialect]string{
		llm.Chat: `{"id":"c","object":"chat.completion","created":7,"model":"x","service_tier":"default","choices":[{"index":0,"finish_reason":"tool_calls","stop_reason":"x","logprobs":{"content":[{"token":"a"}]},
			"message":{"role":"assistant","content":[{"type":"text","text":"a"}],"refusal":"r","reasoning_content":"hm","annotations":[],"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"G"}}},{"id":"b","type":"custom","custom":{"name":"c","input":"x"}}]}}],
			"usage":{"prompt_tokens":2,"completion_tokens":1,"total_tokens":3,"prompt_tokens_details":{"cached_tokens":1}}}`,
		llm.Messages: `{"id":"m","type":"message","role":"assistant","model":"x","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"redacted_thinking","data":"r"},{"type":"text","text":"a","citations":[{}]},{"type":"tool_use","id":"a","name":"f","input":{"a":1}},{"type":"server_tool_use","id":"s","name":"w","input":{}}],
			"stop_reason":"stop_sequence","stop_sequence":"x","usage":{"input_tokens":1,"output_tokens":2,"cache_read_input_tokens":3,"service_tier":"standard"}}`,
	} {
		n += mutants(t, doc, func(m []byte) {
			for client, request := range plainRequests {
				if !Can(client, upstream) {
					continue
				}
				c := testCall(client, upstream)
				if _, _, err := c.Request([]byte(request)); err != nil {
					t.Fatal(err)
				}
				out, err := c.Body(m, llm.Usage{Input: 1})
				if err != nil {
					continue
				}
				if err := answer.New(client, false).Body(out); err != nil {
					t.Fatalf("%s from %s: %v\n%s\n%s", client, upstream, err, m, out)
				}
			}
		})
	}
	for _, shape := range chatShapes {
		n += eachEvent(t, shape.stream, func(stream string) {
			if got, err := relayed(t, llm.Messages, llm.Chat, plainRequests[llm.Messages], stream, 1<<20); err == nil {
				brief(t, got)
				ownReader(t, llm.Messages, withoutComments(got))
			}
		})
	}
	for _, shape := range messagesShapes {
		n += eachEvent(t, shape.stream, func(stream string) {
			if got, err := relayed(t, llm.Chat, llm.Messages, messagesShapeRequest(shape.functions), stream, 1<<20); err == nil {
				if _, docs := frames(t, got); len(docs) > 0 {
					lawfulChat(t, docs)
				}
				ownReader(t, llm.Chat, withoutComments(got))
			}
		})
	}
	t.Logf("%d answers", n)
}

// eachEvent calls f with the stream in which one event is a mutant.
func eachEvent(t testing.TB, stream string, f func(string)) (n int) {
	events := strings.SplitAfter(stream, "\n\n")
	for i, ev := range events {
		d := string(answer.Data([]byte(ev)))
		if !strings.HasPrefix(d, "{") {
			continue
		}
		n += mutants(t, d, func(m []byte) {
			f(strings.Join(events[:i], "") + "data: " + string(m) + "\n\n" + strings.Join(events[i+1:], ""))
		})
	}
	return n
}
