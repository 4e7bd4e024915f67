package translate

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// sameSorted compares what was lost, in any order.
func sameSorted(t *testing.T, got, want []string) {
	t.Helper()
	got, want = slices.Clone(got), slices.Clone(want)
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("lost %q, want %q", got, want)
	}
}

// What chat requests become for Anthropic. The parts that all have in common are
// left out of the table: the model, a limit of 99 and the user's "hi".
func TestChatToMessages(t *testing.T) {
	const (
		hi   = `{"role":"user","content":"hi"}`
		said = `{"role":"user","content":[{"type":"text","text":"hi"}]}`
		f    = `"tools":[{"type":"function","function":{"name":"f"}}]`
		fOut = `"tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}]`
	)
	for name, tc := range map[string]struct {
		model          string // claude-x by default
		messages, more string
		want, wantMore string // messages and other members
		lost           []string
	}{
		"text": {},
		"several instructions": {
			messages: `{"role":"system","content":"a"},{"role":"developer","content":[{"type":"text","text":"b"},{"type":"text","text":"c","cache_control":{"type":"ephemeral"}}]},` + hi,
			wantMore: `"system":[{"type":"text","text":"a"},{"type":"text","text":"b"},{"type":"text","text":"c","cache_control":{"type":"ephemeral"}}]`},
		"an image in the instructions": {messages: `{"role":"system","content":[{"type":"image_url","image_url":{"url":"https://x.example/a.png"}}]},` + hi, want: said, lost: []string{"messages[0].content[0]"}},
		"empty instructions":           {messages: `{"role":"system","content":" "},` + hi},
		"instructions in the middle": {
			messages: hi + `,{"role":"assistant","content":"yes \n"},{"role":"developer","content":"be short"},{"role":"user","content":"go on"}`,
			want:     said + `,{"role":"assistant","content":[{"type":"text","text":"yes"}]},{"role":"user","content":[{"type":"text","text":"<system>\nbe short\n</system>"},{"type":"text","text":"go on"}]}`},
		"only instructions":    {messages: `{"role":"system","content":"a"}`, want: `{"role":"user","content":[{"type":"text","text":"."}]}`, wantMore: `"system":[{"type":"text","text":"a"}]`},
		"the assistant begins": {messages: `{"role":"assistant","content":"a"},` + hi, want: `{"role":"user","content":[{"type":"text","text":"."}]},{"role":"assistant","content":[{"type":"text","text":"a"}]},` + said},
		"neighbours are merged": {
			messages: hi + `,{"role":"user","content":"there"},{"role":"assistant","content":"a"},{"role":"assistant","content":"b"},` + hi,
			want:     `{"role":"user","content":[{"type":"text","text":"hi"},{"type":"text","text":"there"}]},{"role":"assistant","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},` + said},
		"images": {
			messages: `{"role":"user","content":[{"type":"text","text":"what"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aW1n","detail":"low"}},{"type":"image_url","image_url":{"url":"https://x.example/a.jpg"},"cache_control":{"type":"ephemeral"}}]}`,
			want: `{"role":"user","content":[{"type":"text","text":"what"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"}},
				{"type":"image","source":{"type":"url","url":"https://x.example/a.jpg"},"cache_control":{"type":"ephemeral"}}]}`},
		"files": {
			messages: `{"role":"user","content":[{"type":"file","file":{"filename":"a.pdf","file_data":"data:application/pdf;base64,cGRm"}},{"type":"file","file":{"filename":"b.pdf","file_data":"cGRm"}},
				{"type":"file","file":{"filename":"c.txt","file_data":"data:text/plain;base64,aGVsbG8="}}]}`,
			want: `{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"cGRm"},"title":"a.pdf"},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"cGRm"},"title":"b.pdf"},
				{"type":"document","source":{"type":"text","media_type":"text/plain","data":"hello"},"title":"c.txt"}]}`},
		"what has no place": {
			messages: `{"role":"user","name":"Bob","content":[{"type":"file","file":{"file_id":"file-1"}},{"type":"input_audio","input_audio":{"data":"YQ==","format":"wav"}},{"type":"video_url","video_url":{"url":"x"}},
				{"type":"image_url","image_url":{"url":"data:text/html;base64,YQ=="}},{"type":"file","file":{"filename":"a.zip","file_data":"data:application/zip;base64,YQ=="}},{"type":"text","text":"hi","strange":1}]}`,
			lost: []string{"messages[0].name", "messages[0].content[0].file.file_id", "messages[0].content[1].input_audio", "messages[0].content[2].video_url", "messages[0].content[2]", "messages[0].content[3]", "messages[0].content[4]", "messages[0].content[5].strange"}},
		"nothing is left of a turn": {messages: `{"role":"user","content":[{"type":"input_audio","input_audio":{"data":"YQ==","format":"mp3"}}]}`, want: `{"role":"user","content":[{"type":"text","text":"."}]}`, lost: []string{"messages[0].content[0].input_audio"}},
		"parallel tools": {
			messages: hi + `,{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"functions.f:1","type":"function","function":{"name":"f","arguments":""}}]},
				{"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"functions.f:1","content":[{"type":"text","text":"two"},{"type":"image_url","image_url":{"url":"data:image/png;base64,aW1n"}}],"cache_control":{"type":"ephemeral"}},{"role":"user","content":"so"}`,
			more: f,
			want: said + `,{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{"a":1}},{"type":"tool_use","id":"functions_f_1","name":"f","input":{}}]},
				{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":[{"type":"text","text":"one"}]},{"type":"tool_result","tool_use_id":"functions_f_1","content":[{"type":"text","text":"two"},
				{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aW1n"},"cache_control":{"type":"ephemeral"}}]},{"type":"text","text":"so"}]}`,
			wantMore: fOut},
		"something between the results": {
			messages: hi + `,{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"b","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"developer","content":"quick"},{"role":"tool","tool_call_id":"a","content":"1"},{"role":"user","content":" "},{"role":"tool","tool_call_id":"b","content":"2"}`,
			more:     f,
			want: said + `,{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}},{"type":"tool_use","id":"b","name":"f","input":{}}]},
				{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"1"}]},{"type":"tool_result","tool_use_id":"b","content":[{"type":"text","text":"2"}]},{"type":"text","text":"<system>\nquick\n</system>"}]}`,
			wantMore: fOut},
		"wrong arguments in the history": {
			messages: hi + `,{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{\"a\":"}},{"id":"b","type":"function","function":{"name":"f","arguments":"[1]"}},{"id":"c","type":"function","function":{"name":"f","arguments":"null"}},{"id":"d","type":"function","function":{"name":"f","arguments":{"o":1}}}]},
				{"role":"tool","tool_call_id":"a","content":""}`,
			more: f,
			want: said + `,{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{"invalid_arguments":"{\"a\":"}},{"type":"tool_use","id":"b","name":"f","input":{"invalid_arguments":"[1]"}},{"type":"tool_use","id":"c","name":"f","input":{}},{"type":"tool_use","id":"d","name":"f","input":{"o":1}}]},
				{"role":"user","content":[{"type":"tool_result","tool_use_id":"a"}]}`,
			wantMore: fOut},
		"calls without tools": {
			messages: hi + `,{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"g","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"x"}`,
			want: said + `,{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"g","input":{}}]},
				{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"x"}]}]}`,
			wantMore: `"tools":[{"name":"g","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"none"}`},
		"reasoning of others and refusals": {
			messages: hi + `,{"role":"assistant","reasoning_content":"hm","content":null,"refusal":"no"},{"role":"user","content":"why"}`,
			want:     said + `,{"role":"assistant","content":[{"type":"text","text":"no"}]},{"role":"user","content":[{"type":"text","text":"why"}]}`},
		"functions": {
			messages: hi + `,{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"1"},{"role":"assistant","content":null,"function_call":{"name":"f","arguments":"{}"}},{"role":"function","name":"f","content":"2"}`,
			more:     `"functions":[{"name":"f","description":"d","parameters":{"type":"object"}}],"function_call":{"name":"f"}`,
			want: said + `,{"role":"assistant","content":[{"type":"tool_use","id":"call_function_1_","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_function_1_","content":[{"type":"text","text":"1"}]}]},
				{"role":"assistant","content":[{"type":"tool_use","id":"call_function_2_","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"call_function_2_","content":[{"type":"text","text":"2"}]}]}`,
			wantMore: `"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"f","disable_parallel_tool_use":true}`},
		"tools": {
			more: `"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"properties":{"a":{}}},"strict":true},"cache_control":{"type":"ephemeral"}},{"type":"function","function":{"name":"g","strict":false}},
				{"type":"custom","custom":{"name":"patch","description":"p"}},{"type":"web_search"}],"parallel_tool_calls":false`,
			wantMore: `"tools":[{"name":"f","description":"d","input_schema":{"type":"object","properties":{"a":{}}},"strict":true,"cache_control":{"type":"ephemeral"}},{"name":"g","input_schema":{"type":"object","properties":{}}},
				{"name":"patch","description":"p","input_schema":{"type":"object","properties":{"input":{"type":"string","description":"The input of the tool as plain text."}},"required":["input"],"additionalProperties":false}}],"tool_choice":{"type":"auto","disable_parallel_tool_use":true}`,
			lost: []string{"tools[3]"}},
		"no parallel calls without tools": {more: `"parallel_tool_calls":false,"tool_choice":"none"`},
		"choice: auto":                    {more: f + `,"tool_choice":"auto","parallel_tool_calls":true`, wantMore: fOut + `,"tool_choice":{"type":"auto"}`},
		"choice: none":                    {more: f + `,"tool_choice":"none"`, wantMore: fOut + `,"tool_choice":{"type":"none"}`},
		"choice: required":                {more: f + `,"tool_choice":"required"`, wantMore: fOut + `,"tool_choice":{"type":"any"}`},
		"choice: named":                   {more: f + `,"tool_choice":{"type":"function","function":{"name":"f"}}`, wantMore: fOut + `,"tool_choice":{"type":"tool","name":"f"}`},
		"choice: some": {
			more:     `"tools":[{"type":"function","function":{"name":"e"}},{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}}`,
			wantMore: fOut + `,"tool_choice":{"type":"any"}`},
		"stop":    {more: `"stop":"a"`, wantMore: `"stop_sequences":["a"]`},
		"stops":   {more: `"stop":["a","b"]`, wantMore: `"stop_sequences":["a","b"]`},
		"no stop": {more: `"stop":null,"temperature":null,"tools":null,"user":null,"n":1,"logit_bias":{ },"response_format":null,"metadata":{"a":"b"},"store":false,"prediction":{"type":"content","content":"x"},"prompt_cache_key":"k","safety_identifier":null,"verbosity":"low"`},
		"sampling": {
			more:     `"temperature":0.50,"top_k":7,"frequency_penalty":0,"presence_penalty":-0.0`,
			wantMore: `"temperature":0.50,"top_k":7`},
		"defaults of sampling": {more: `"temperature":1,"top_p":1.0`},
		"both of sampling":     {model: "claude-sonnet-4-5", more: `"temperature":0.2,"top_p":0.9`, wantMore: `"temperature":0.2`, lost: []string{"top_p"}},
		"too hot":              {more: `"temperature":1.5`, lost: []string{"temperature"}},
		"a number beyond all":  {more: `"temperature":1e999`, lost: []string{"temperature"}},
		"only OpenAI": {more: `"seed":1,"frequency_penalty":0.1,"presence_penalty":-1,"logit_bias":{"1":2},"n":2,"logprobs":true,"top_logprobs":2,"modalities":["text","audio"],"audio":{"voice":"x"},"web_search_options":{},"response_format":{"type":"json_object"},"service_tier":"flex","Strange name!":1`,
			lost: []string{"seed", "frequency_penalty", "presence_penalty", "logit_bias", "n", "logprobs", "modalities", "audio", "web_search_options", "response_format", "service_tier", "?"}},
		"schema":                               {more: `"response_format":{"type":"json_schema","json_schema":{"name":"x","strict":true,"schema":{"type":"object"}}}`, wantMore: `"output_config":{"format":{"type":"json_schema","schema":{"type":"object"}}}`},
		"text format":                          {more: `"response_format":{"type":"text"}`},
		"unknown format":                       {more: `"response_format":{"type":"grammar","grammar":"x"}`, lost: []string{"response_format.grammar", "response_format"}},
		"user":                                 {more: `"user":"u-1"`, wantMore: `"metadata":{"user_id":"u-1"}`},
		"a long user":                          {more: `"user":"` + strings.Repeat("u", 300) + `"`},
		"safety":                               {more: `"safety_identifier":"s"`, wantMore: `"metadata":{"user_id":"s"}`},
		"default tier":                         {more: `"service_tier":"default"`, wantMore: `"service_tier":"standard_only"`},
		"auto tier":                            {more: `"service_tier":"auto"`},
		"priority":                             {more: `"service_tier":"priority"`, wantMore: `"service_tier":"auto"`},
		"stream":                               {more: `"stream":true,"stream_options":{"include_usage":true,"include_obfuscation":false}`, wantMore: `"stream":true`},
		"reasoning: off":                       {more: `"reasoning_effort":"none"`},
		"reasoning: budget":                    {model: "claude-sonnet-4-5", more: `"reasoning_effort":"low","max_tokens":5000,"temperature":1`, wantMore: `"max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":2048}`},
		"reasoning: a budget within the limit": {model: "claude-3-7-sonnet-latest", more: `"reasoning_effort":"high","max_tokens":5000`, wantMore: `"max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":4000}`},
		"reasoning: no room":                   {model: "claude-sonnet-4-5", more: `"reasoning_effort":"high","max_tokens":1000`, wantMore: `"max_tokens":1000`},
		"reasoning: no limit":                  {model: "us.anthropic.claude-opus-4-1-20250805-v1:0", more: `"reasoning_effort":"xhigh","max_tokens":null`, wantMore: `"max_tokens":32000,"thinking":{"type":"enabled","budget_tokens":25600}`},
		"reasoning: adaptive":                  {model: "claude-opus-4-6", more: `"reasoning_effort":"minimal","top_p":0.97`, wantMore: `"thinking":{"type":"adaptive"},"output_config":{"effort":"low"},"top_p":0.97`},
		"reasoning: adaptive with a schema":    {model: "claude-opus-5", more: `"reasoning_effort":"xhigh","response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{}}}`, wantMore: `"thinking":{"type":"adaptive"},"output_config":{"effort":"max","format":{"type":"json_schema","schema":{}}}`},
		"reasoning and sampling":               {model: "claude-sonnet-4-5", more: `"reasoning_effort":"low","max_tokens":5000,"temperature":0.3,"top_p":0.5,"top_k":3`, wantMore: `"max_tokens":5000,"thinking":{"type":"enabled","budget_tokens":2048}`, lost: []string{"temperature", "top_p", "top_k"}},
		"reasoning: an old model":              {model: "claude-3-5-haiku-20241022", more: `"reasoning_effort":"low","max_tokens":5000`, wantMore: `"max_tokens":5000`},
		"reasoning with a forced tool":         {model: "claude-opus-4-6", more: `"reasoning_effort":"low","tool_choice":"required",` + f, wantMore: fOut + `,"tool_choice":{"type":"any"}`},
		"reasoning in a loop of tools": {model: "claude-opus-4-6",
			messages: hi + `,{"role":"assistant","tool_calls":[{"id":"a","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"a","content":"x"}`, more: `"reasoning_effort":"low",` + f,
			want: said + `,{"role":"assistant","content":[{"type":"tool_use","id":"a","name":"f","input":{}}]},
				{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"x"}]}]}`, wantMore: fOut},
		"reasoning after a loop of tools": {model: "claude-opus-4-6", messages: hi + `,{"role":"assistant","content":"a"},` + hi, more: `"reasoning_effort":"low"`,
			want: said + `,{"role":"assistant","content":[{"type":"text","text":"a"}]},` + said, wantMore: `"thinking":{"type":"adaptive"},"output_config":{"effort":"low"}`},
		"reasoning behind words put into its mouth": {model: "claude-opus-4-6", messages: hi + `,{"role":"assistant","content":"So"}`, more: `"reasoning_effort":"low"`,
			want: said + `,{"role":"assistant","content":[{"type":"text","text":"So"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			model, in, want := tc.model, tc.messages, tc.want
			if model == "" {
				model = "claude-x"
			}
			if in == "" {
				in = hi
			}
			if want == "" {
				want = said
			}
			more, wantMore := tc.more, tc.wantMore
			if !strings.Contains(more, "max_tokens") {
				more = `"max_completion_tokens":99` + comma(more)
				wantMore = `"max_tokens":99` + comma(wantMore)
			}
			if tc.lost != nil && tc.want == "" && in != hi {
				want = said
			}
			out, lost := translated(t, llm.Chat, llm.Messages, fmt.Sprintf(`{"model":%q,"messages":[%s]%s}`, model, in, comma(more)))
			sameJSON(t, out, fmt.Sprintf(`{"model":%q,"messages":[%s]%s}`, model, want, comma(wantMore)))
			sameSorted(t, lost, tc.lost)
			strict(t, llm.Messages, string(out))
		})
	}
}

func comma(s string) string {
	if s == "" {
		return ""
	}
	return "," + s
}

// Chat requests that are no such thing. Each error names the member.
func TestChatRefused(t *testing.T) {
	for body, at := range map[string]string{
		`{"model":"m","messages":[{"role":"user","content":7}]}`:                                           "messages[0].content",
		`{"model":"m","messages":[7]}`:                                                                     "messages[0]",
		`{"model":"m","messages":7}`:                                                                       "messages",
		`{"model":"m","messages":[{"role":"robot","content":"x"}]}`:                                        "messages[0].role",
		`{"model":"m","messages":[{"role":"tool","content":"x"}]}`:                                         "messages[0].tool_call_id",
		`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"","function":{"name":"f"}}]}]}`: "messages[0].tool_calls[0]",
		`{"model":"m","messages":[{"role":"assistant","tool_calls":[{"id":"a","function":7}]}]}`:           "messages[0].tool_calls[0].function",
		`{"model":"m","messages":[{"role":"assistant","function_call":{"arguments":"{}"}}]}`:               "messages[0].function_call.name",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":"x"}]}]}`:      "messages[0].content[0].image_url",
		`{"model":"m","messages":[],"tools":[{"type":"function"}]}`:                                        "tools[0].function.name",
		`{"model":"m","messages":[],"tools":[{"type":"custom","custom":{}}]}`:                              "tools[0].custom.name",
		`{"model":"m","messages":[],"tools":{}}`:                                                           "tools",
		`{"model":"m","messages":[],"functions":[{}]}`:                                                     "functions[0].name",
		`{"model":"m","messages":[],"tool_choice":"some"}`:                                                 "tool_choice",
		`{"model":"m","messages":[],"tool_choice":{"type":"function"}}`:                                    "tool_choice",
		`{"model":"m","messages":[],"tool_choice":7}`:                                                      "tool_choice",
		`{"model":"m","messages":[],"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"x"}}}`:  "tool_choice.allowed_tools.mode",
		`{"model":"m","messages":[],"function_call":"x"}`:                                                  "function_call",
		`{"model":"m","messages":[],"stop":7}`:                                                             "stop",
		`{"model":"m","messages":[],"stop":["a",7]}`:                                                       "stop[1]",
		`{"model":"m","messages":[],"temperature":"0"}`:                                                    "temperature",
		`{"model":"m","messages":[],"logprobs":"yes"}`:                                                     "logprobs",
		`{"model":"m","messages":[],"response_format":"json"}`:                                             "response_format",
		`{"model":"m","messages":[],"response_format":{"type":"json_schema","json_schema":{"name":"x"}}}`:  "response_format.json_schema.schema",
		`{"model":"m","messages":[{"role":"user","content":[{"type":"file","file":{"filename":"a.txt","file_data":"data:text/plain;base64,/w=="}}]}]}`: "messages[0].content[0]",
	} {
		out, _, err := testCall(llm.Chat, llm.Messages).Request([]byte(body))
		d, ok := err.(*llm.Denial)
		if !ok {
			t.Errorf("%s: became %s, %v", body, out, err)
		} else if d.Param != at || d.Status != 400 || !strings.HasPrefix(d.Message, at+": ") {
			t.Errorf("%s: %q: %s", body, d.Param, d.Message)
		}
	}
}
