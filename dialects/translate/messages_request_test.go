package translate

import (
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What Anthropic's requests become for chat: for OpenAI, and where it says so for
// a server that follows it. The model m, a limit of 99 and the user's "hi" are
// left out of the table.
func TestMessagesToChat(t *testing.T) {
	const (
		hi   = `{"role":"user","content":"hi"}`
		f    = `"tools":[{"name":"f","input_schema":{"type":"object"}}]`
		fOut = `"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]`
	)
	long := strings.Repeat("n", 100)
	packed := packSeal(openSeal)
	gemini := packSeal(Seal{Origin: llm.GenerateContent, Kind: sealCall, ID: "a", Data: "G"})
	for name, tc := range map[string]struct {
		compatible     bool
		model          string
		messages, more string
		want, wantMore string
		lost           []string
	}{
		"text": {},
		"Claude Code": {
			messages: `{"role":"user","content":[{"type":"text","text":"<system-reminder>x</system-reminder>"},{"type":"text","text":"hi","cache_control":{"type":"ephemeral","ttl":"1h"}}]}`,
			more: `"system":[{"type":"text","text":"x-anthropic-billing-header: cc_version=2.1;"},{"type":"text","text":"You are Claude Code","cache_control":{"type":"ephemeral"}},{"type":"text","text":"be brief"}],
				"thinking":{"type":"adaptive"},"context_management":{"edits":[{"type":"clear_thinking_20251015","keep":"all"}]},"output_config":{"effort":"high"},"metadata":{"user_id":"{\"device_id\":\"0123456789012345678901234567890123456789012345678901234567890123456789\"}"},
				"cache_control":{"type":"ephemeral"},"temperature":1,"tools":[{"name":"Bash","description":"run","input_schema":{"$schema":"x","type":"object"},"eager_input_streaming":true,"cache_control":{"type":"ephemeral"}}],"stream":true`,
			want:     `{"role":"system","content":"You are Claude Code\n\nbe brief"},{"role":"user","content":"<system-reminder>x</system-reminder>\nhi"}`,
			wantMore: `"temperature":1,"tools":[{"type":"function","function":{"name":"Bash","description":"run","parameters":{"$schema":"x","type":"object"}}}],"stream":true,"stream_options":{"include_usage":true}`},
		"instructions in the middle": {
			messages: hi + `,{"role":"system","content":[{"type":"text","text":"be short"}]}`,
			want:     hi + `,{"role":"system","content":"be short"}`},
		"instructions in the middle, elsewhere": {compatible: true,
			messages: hi + `,{"role":"system","content":"be short"}`, more: `"metadata":{"user_id":"u"},"service_tier":"standard_only"`,
			want: hi + `,{"role":"user","content":"<system>\nbe short\n</system>"}`},
		"images and documents": {
			messages: `{"role":"user","content":[{"type":"text","text":"what"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"}},{"type":"image","source":{"type":"url","url":"https://x.example/a.jpg"}},
				{"type":"document","title":"a.pdf","source":{"type":"base64","media_type":"application/pdf","data":"cGRm"}},{"type":"document","title":"T","context":"C","source":{"type":"text","media_type":"text/plain","data":"words"}},
				{"type":"document","source":{"type":"content","content":[{"type":"text","text":"more"}]}}]}`,
			want: `{"role":"user","content":[{"type":"text","text":"what"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aW1n"}},{"type":"image_url","image_url":{"url":"https://x.example/a.jpg"}},
				{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,cGRm"}},{"type":"text","text":"T"},{"type":"text","text":"C"},{"type":"text","text":"words"},{"type":"text","text":"more"}]}`},
		"what has no place": {
			messages: `{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f1"}},{"type":"document","citations":{"enabled":true},"source":{"type":"url","url":"https://x.example/a"}},{"type":"search_result","source":{},"title":"x","content":[]},
				{"type":"container_upload","file_id":"f"},{"type":"text","text":"hi","odd":1}]},{"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}},{"type":"web_search_tool_result","tool_use_id":"s","content":[]},{"type":"text","text":"so","citations":[{"type":"x"}]}],"odd":1},` + hi,
			want: `{"role":"user","content":[{"type":"text","text":"hi"}]},{"role":"assistant","content":"so"},` + hi,
			lost: []string{"messages[0].content[0].source.file_id", "messages[0].content[1].citations", "messages[0].content[1]", "messages[0].content[2]", "messages[0].content[3].file_id", "messages[0].content[3]", "messages[0].content[4].odd",
				"messages[1].odd", "messages[1].content[0]", "messages[1].content[1]"}},
		"nothing is left of a turn": {messages: `{"role":"user","content":[{"type":"document","source":{"type":"url","url":"https://x.example/a.pdf"}}]}`, want: `{"role":"user","content":[{"type":"text","text":"."}]}`, lost: []string{"messages[0].content[0]"}},
		"parallel tools": {
			messages: hi + `,{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"SIG"},{"type":"redacted_thinking","data":"RED"},{"type":"text","text":"look"},{"type":"tool_use","id":"a","name":"f","input":{"x":1}},{"type":"tool_use","id":"b","name":"f","input":{},"caller":{"type":"direct"}}]},
				{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"one","cache_control":{"type":"ephemeral"}},{"type":"tool_result","tool_use_id":"b","is_error":true,"content":[{"type":"text","text":"two"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"}}]},{"type":"text","text":"so"}]}`,
			more: f + `,"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`,
			want: hi + `,{"role":"assistant","content":"look","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"x\":1}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},
				{"role":"tool","tool_call_id":"a","content":"one"},{"role":"tool","tool_call_id":"b","content":"two"},{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:image/png;base64,aW1n"}},{"type":"text","text":"so"}]}`,
			wantMore: fOut + `,"tool_choice":"auto","parallel_tool_calls":false`},
		"results without words": {
			messages: hi + `,{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]},{"role":"assistant","content":[{"type":"tool_use","id":"b","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"b","is_error":true,"content":""}]}`,
			more:     f,
			want: hi + `,{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":""},
				{"role":"assistant","content":null,"tool_calls":[{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"b","content":"the tool failed"}`,
			wantMore: fOut},
		"a search for tools": {
			messages: hi + `,{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"tool_reference","tool_name":"g"}]}]}`,
			more:     `"tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"g","defer_loading":true,"input_schema":{"type":"object"}}]`,
			want:     hi + `,{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"The tool g is available."}`,
			wantMore: `"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}},{"type":"function","function":{"name":"g","parameters":{"type":"object"}}}]`},
		"reasoning that came from a server of chat": {
			messages: hi + `,{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"` + packed + `"},{"type":"text","text":"a"}]},` + hi,
			want:     hi + `,{"role":"assistant","content":"a","reasoning_content":"hm"},` + hi},
		"reasoning alone": {
			messages: hi + `,{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""}]},` + hi, want: hi + `,` + hi},
		"the signature of Gemini": {
			messages: hi + `,{"role":"assistant","content":[{"type":"thinking","thinking":"","signature":"` + gemini + `"},{"type":"tool_use","id":"a","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":"1"}]}`, more: f,
			want: hi + `,{"role":"assistant","content":null,"tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"},"extra_content":{"google":{"thought_signature":"G"}}}]},{"role":"tool","tool_call_id":"a","content":"1"}`, wantMore: fOut},
		"tools of the provider": {
			more:     `"tools":[{"type":"web_search_20250305","name":"web_search"},{"type":"custom","name":"f","input_schema":{"type":"object"},"strict":true,"odd":1},{"type":"bash_20250124","name":"bash"}],"mcp_servers":[{"type":"url","url":"x","name":"y"}],"container":"c"`,
			wantMore: `"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"},"strict":true}}]`, lost: []string{"tools[0]", "tools[1].odd", "tools[2]", "mcp_servers", "container"}},
		"only tools of the provider": {more: `"tools":[{"type":"web_search_20250305","name":"web_search"}],"tool_choice":{"type":"any"}`, lost: []string{"tools[0]"}},
		"no tools":                   {more: `"tools":[],"mcp_servers":[],"tool_choice":{"type":"auto"},"stop_sequences":null,"thinking":null,"speed":"standard","inference_geo":"global","container":null`},
		"choice: any":                {more: f + `,"tool_choice":{"type":"any"}`, wantMore: fOut + `,"tool_choice":"required"`},
		"choice: none":               {more: f + `,"tool_choice":{"type":"none"}`, wantMore: fOut + `,"tool_choice":"none"`},
		"choice: named":              {more: f + `,"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":false}`, wantMore: fOut + `,"tool_choice":{"type":"function","function":{"name":"f"}},"parallel_tool_calls":true`},
		"a long name": {more: `"tools":[{"name":"` + long + `","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"` + long + `"}`,
			wantMore: `"tools":[{"type":"function","function":{"name":"` + shortName(long) + `","parameters":{"type":"object"}}}],"tool_choice":{"type":"function","function":{"name":"` + shortName(long) + `"}}`},
		"sampling": {more: `"temperature":0.5,"top_p":0.9,"top_k":5,"stop_sequences":["a","b"]`, wantMore: `"temperature":0.5,"top_p":0.9,"stop":["a","b"]`, lost: []string{"top_k"}},
		"schema": {more: `"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}`,
			wantMore: `"response_format":{"type":"json_schema","json_schema":{"name":"answer","schema":{"type":"object"},"strict":true}}`},
		"schema in its older place": {more: `"output_format":{"type":"json_schema","name":"x","schema":{"type":"object"}}`,
			wantMore: `"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object"},"strict":true}}`},
		"format of another kind":   {more: `"output_config":{"format":{"type":"xml"},"odd":1}`, lost: []string{"output_config.format", "output_config.odd"}},
		"tiers":                    {more: `"service_tier":"standard_only","metadata":{"user_id":"u"}`, wantMore: `"service_tier":"default","user":"u"`},
		"auto tier":                {more: `"service_tier":"auto"`},
		"only Anthropic":           {more: `"speed":"fast","inference_geo":"us","context_management":{"edits":[{"type":"compact_20260112"}]},"thinking":{"type":"enabled","budget_tokens":2000,"odd":1},"fallback":1`, lost: []string{"speed", "inference_geo", "context_management", "thinking.odd", "fallback"}},
		"thinking: budget":         {model: "openai/gpt-5.5", more: `"thinking":{"type":"enabled","budget_tokens":10000},"temperature":1,"top_p":1`, wantMore: `"reasoning_effort":"medium"`},
		"thinking: effort":         {model: "o4-mini", more: `"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}`, wantMore: `"reasoning_effort":"low"`},
		"thinking: max":            {model: "gpt-5", more: `"thinking":{"type":"adaptive"},"output_config":{"effort":"max"}`, wantMore: `"reasoning_effort":"high"`},
		"thinking: off":            {model: "gpt-5", more: `"thinking":{"type":"disabled"},"output_config":{"effort":"max"}`},
		"thinking: of others":      {model: "gpt-4o", more: `"thinking":{"type":"enabled","budget_tokens":10000}`},
		"chat models do not think": {model: "gpt-5-chat-latest", more: `"thinking":{"type":"enabled","budget_tokens":10000}`},
	} {
		t.Run(name, func(t *testing.T) {
			model, in, want, field := tc.model, tc.messages, tc.want, "max_completion_tokens"
			if model == "" {
				model = "m"
			}
			if in == "" {
				in = hi
			}
			if want == "" {
				want = hi
			}
			if tc.compatible {
				field = "max_tokens"
			}
			body := fmt.Sprintf(`{"model":%q,"max_tokens":99,"messages":[%s]%s}`, model, in, comma(tc.more))
			strict(t, llm.Messages, body)
			c := testCall(llm.Messages, llm.Chat)
			c.Options.MaxTokensField = field
			out, lost, err := c.Request([]byte(body))
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, out, fmt.Sprintf(`{"model":%q,"%s":99,"messages":[%s]%s}`, model, field, want, comma(tc.wantMore)))
			sameSorted(t, lost, tc.lost)
			strict(t, llm.Chat, string(out))
		})
	}
}

// Anthropic's requests that are no such thing. Each error names the member.
func TestMessagesRefused(t *testing.T) {
	for body, at := range map[string]string{
		`{"model":"m","messages":[{"role":"user","content":7}]}`:                                                                                   "messages[0].content",
		`{"model":"m","messages":[{"role":"user","content":["x"]}]}`:                                                                               "messages[0].content[0]",
		`{"model":"m","messages":[{"role":"robot","content":"x"}]}`:                                                                                "messages[0].role",
		`{"model":"m","messages":{}}`:                                                                                                              "messages",
		`{"model":"m","messages":[],"system":7}`:                                                                                                   "system",
		`{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","name":"f","input":{}}]}]}`:                                    "messages[0].content[0]",
		`{"model":"m","messages":[{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":[]}]}]}`:                           "messages[0].content[0].input",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]}`:                                              "messages[0].content[0].tool_use_id",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":7}]}]}`:                              "messages[0].content[0].content",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"image","source":{}}]}]}]}`: "messages[0].content[0].content[0].source",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64"}}]}]}`:                                       "messages[0].content[0].source",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"image","source":"x"}]}]}`:                                                     "messages[0].content[0].source",
		`{"model":"m","messages":[],"tools":[{"input_schema":{}}]}`:                                                                                "tools[0].name",
		`{"model":"m","messages":[],"tools":[7]}`:                                                                                                  "tools[0]",
		`{"model":"m","messages":[],"tool_choice":{"type":"some"}}`:                                                                                "tool_choice.type",
		`{"model":"m","messages":[],"tool_choice":{"type":"tool"}}`:                                                                                "tool_choice.name",
		`{"model":"m","messages":[],"tool_choice":"auto"}`:                                                                                         "tool_choice",
		`{"model":"m","messages":[],"thinking":{"type":"deep"}}`:                                                                                   "thinking.type",
		`{"model":"m","messages":[],"output_config":{"format":{"type":"json_schema"}}}`:                                                            "output_config.format.schema",
		`{"model":"m","messages":[],"output_format":"json"}`:                                                                                       "output_format",
		`{"model":"m","messages":[],"stop_sequences":"x"}`:                                                                                         "stop_sequences",
		`{"model":"m","messages":[],"temperature":[]}`:                                                                                             "temperature",
		`{"model":"m","messages":[],"context_management":{"edits":7}}`:                                                                             "context_management.edits",
		`{"model":"m","messages":[],"metadata":{"user_id":7}}`:                                                                                     "metadata.user_id",
	} {
		out, _, err := testCall(llm.Messages, llm.Chat).Request([]byte(body))
		d, ok := err.(*llm.Denial)
		if !ok {
			t.Errorf("%s: became %s, %v", body, out, err)
		} else if d.Param != at || d.Status != 400 || !strings.HasPrefix(d.Message, at+": ") {
			t.Errorf("%s: %q: %s", body, d.Param, d.Message)
		}
	}
}

// A limit meant for Claude does not become one that a model refuses.
func TestLimitForChat(t *testing.T) {
	for model, want := range map[string]string{"gpt-4o": "16384", "openai/gpt-4o-mini": "16384", "gpt-4.1": "32768", "gpt-4-turbo": "4096", "gpt-5": "64000", "llama": "64000"} {
		out, _ := translated(t, llm.Messages, llm.Chat, `{"model":"`+model+`","max_tokens":64000,"messages":[{"role":"user","content":"hi"}]}`)
		if !strings.Contains(string(out), `"max_completion_tokens":`+want+`}`) {
			t.Errorf("%s: %s", model, out)
		}
	}
}

// Servers that follow OpenAI get no hints: some refuse what is new to them.
func TestHintsForChat(t *testing.T) {
	const in = `{"model":"m","input":"hi","prompt_cache_key":"k","safety_identifier":"u","text":{"verbosity":"low"}}`
	for field, want := range map[string]string{
		"max_tokens":            `{"model":"m","messages":[{"role":"user","content":"hi"}]}`,
		"max_completion_tokens": `{"model":"m","messages":[{"role":"user","content":"hi"}],"verbosity":"low","prompt_cache_key":"k","user":"u"}`,
	} {
		c := testCall(llm.Responses, llm.Chat)
		c.Options.MaxTokensField = field
		out, lost, err := c.Request([]byte(in))
		if err != nil || len(lost) > 0 {
			t.Fatalf("%v, lost %q", err, lost)
		}
		sameJSON(t, out, want)
	}
}
