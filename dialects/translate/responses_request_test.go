package translate

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// sameJSON compares two documents, whatever the order of their members.
func sameJSON(t *testing.T, got []byte, want string) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Fatalf("not JSON: %v\n%s", err, got)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatalf("the test's own JSON: %v\n%s", err, want)
	}
	if !reflect.DeepEqual(g, w) {
		t.Errorf("got  %s\nwant %s", indent(g), indent(w))
	}
}

func indent(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	_ = e.Encode(v)
	return b.Bytes()
}

// strict fails unless the body passes the pass that all requests go through.
func strict(t *testing.T, d llm.Dialect, body string) {
	t.Helper()
	if _, den := dialects.Parse(d, []byte(body)); den != nil {
		t.Fatalf("the test's request is refused before translation: %v", den)
	}
}

func testCall(client, upstream llm.Dialect) *Call {
	return New(client, upstream, Options{RequestID: "0191-ab", Now: time.Unix(1700000000, 0), MaxTokensField: "max_completion_tokens", IncludeUsage: true})
}

// translated returns what a request becomes, and what it loses.
func translated(t *testing.T, client, upstream llm.Dialect, body string) ([]byte, []string) {
	t.Helper()
	strict(t, client, body)
	out, lost, err := testCall(client, upstream).Request([]byte(body))
	if err != nil {
		t.Fatalf("%s to %s: %v\n%s", client, upstream, err, body)
	}
	if !json.Valid(out) {
		t.Fatalf("not JSON: %s", out)
	}
	return out, lost
}

// What Responses requests become for Gemini: both codecs are of this file's
// making, so that this is the plainest reading of each member.
func TestResponsesToGemini(t *testing.T) {
	const user = `"contents":[{"role":"user","parts":[{"text":"hi"}]}]`
	for name, tc := range map[string]struct {
		in, want string
		lost     []string
	}{
		"text": {in: `{"model":"m","input":"hi"}`, want: `{` + user + `}`},
		"instructions": {
			in:   `{"model":"m","instructions":"be kind","input":[{"role":"developer","content":"be short"},{"role":"system","content":[{"type":"input_text","text":"be right"}]},{"role":"user","content":"hi"}]}`,
			want: `{"systemInstruction":{"parts":[{"text":"be kind"},{"text":"be short"},{"text":"be right"}]},` + user + `}`,
		},
		"instructions in the middle are told in the user's place": {
			in:   `{"model":"m","input":[{"role":"user","content":"hi"},{"role":"developer","content":"be short"}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"},{"text":"be short"}]}]}`,
		},
		"hints": {
			in: `{"model":"m","input":"hi","store":false,"metadata":{"a":"b"},"user":"u","safety_identifier":"s","prompt_cache_key":"k","prompt_cache_retention":"24h",
				"client_metadata":{"x":"y"},"truncation":"disabled","include":["web_search_call.results"],"stream":true,"stream_options":{"include_obfuscation":false},
				"service_tier":"auto","text":{"verbosity":"low","format":{"type":"text"}},"background":false,"previous_response_id":null,"max_tool_calls":3}`,
			want: `{` + user + `}`,
		},
		"state of the provider": {
			in: `{"model":"m","input":[{"role":"user","content":"hi"},{"type":"item_reference","id":"msg_1"},{"id":"msg_2"},{"type":"item_reference","id":"rs_1"},{"type":"web_search_call","id":"ws","status":"completed"}],
				"previous_response_id":"resp_1","conversation":"c","prompt":{"id":"p"},"background":true,"truncation":"auto","made_up":1}`,
			want: `{` + user + `}`,
			lost: []string{"background", "conversation", "input[1]", "input[2]", "input[4]", "made_up", "previous_response_id", "prompt", "truncation"},
		},
		"sampling": {
			in:   `{"model":"m","input":"hi","max_output_tokens":99,"temperature":0.50,"top_p":1,"top_logprobs":3,"include":["message.output_text.logprobs"]}`,
			want: `{` + user + `,"generationConfig":{"maxOutputTokens":99,"temperature":0.5,"topP":1,"responseLogprobs":true,"logprobs":3}}`,
		},
		"structured output": {
			in:   `{"model":"m","input":"hi","text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"object","$defs":{"a":{"anyOf":[{"type":"null"}]}}}}}}`,
			want: `{` + user + `,"generationConfig":{"responseMimeType":"application/json","responseJsonSchema":{"type":"object","$defs":{"a":{"anyOf":[{"type":"null"}]}}}}}`,
		},
		"any JSON": {
			in:   `{"model":"m","input":"hi","text":{"format":{"type":"json_object"}}}`,
			want: `{` + user + `,"generationConfig":{"responseMimeType":"application/json"}}`,
		},
		"media": {
			in: `{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,aGk=","detail":"low"},
				{"type":"input_image","image_url":"https://x.test/a.JPG?b=c.gif"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,aGk="},
				{"type":"input_file","filename":"a.pdf","file_data":"aGk="},{"type":"input_file","file_url":"https://x.test/a.pdf"},
				{"type":"input_audio","input_audio":{"data":"aGk=","format":"wav"}},
				{"type":"input_image","file_id":"f"},{"type":"input_image","image_url":"https://x.test/a"},{"type":"input_video"}]}]}`,
			want: `{"contents":[{"role":"user","parts":[{"inlineData":{"mimeType":"image/png","data":"aGk="}},
				{"fileData":{"mimeType":"image/jpeg","fileUri":"https://x.test/a.JPG?b=c.gif"}},{"inlineData":{"mimeType":"application/pdf","data":"aGk="}},
				{"inlineData":{"mimeType":"application/pdf","data":"aGk="}},{"fileData":{"mimeType":"application/pdf","fileUri":"https://x.test/a.pdf"}},
				{"inlineData":{"mimeType":"audio/wav","data":"aGk="}}]}]}`,
			lost: []string{"input[0].content[6].file_id", "input[0].content[7]", "input[0].content[8]"},
		},
		"parallel tools": {
			in: `{"model":"gemini-2.5-flash","input":[{"role":"user","content":"hi"},
				{"type":"message","role":"assistant","content":[{"type":"output_text","text":"so","annotations":[]}]},
				{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},{"type":"function_call","call_id":"c2","name":"g","arguments":""},
				{"type":"function_call_output","call_id":"c1","output":"one"},
				{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"two"},{"type":"input_image","image_url":"data:image/png;base64,aGk="}]},
				{"role":"user","content":"and?"}],"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":true},{"type":"function","name":"g","parameters":null}],
				"tool_choice":"auto","parallel_tool_calls":true}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"}]},
				{"role":"model","parts":[{"text":"so"},{"functionCall":{"id":"c1","name":"f","args":{"a":1}}},{"functionCall":{"id":"c2","name":"g","args":{}}}]},
				{"role":"user","parts":[{"functionResponse":{"id":"c1","name":"f","response":{"output":"one"}}},{"functionResponse":{"id":"c2","name":"g","response":{"output":"two"}}},
				{"inlineData":{"mimeType":"image/png","data":"aGk="}},{"text":"and?"}]}],
				"tools":[{"functionDeclarations":[{"name":"f","description":"d","parametersJsonSchema":{"type":"object"}},{"name":"g"}]}],
				"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}}`,
		},
		"calls that Gemini did not make are marked in the current turn only": {
			in: `{"model":"gemini-3-pro","input":[{"role":"user","content":"hi"},{"type":"function_call","call_id":"c0","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c0","output":"0"},
				{"role":"assistant","content":"so"},{"role":"user","content":"on"},
				{"type":"function_call","call_id":"c1","name":"f","arguments":"{}"},{"type":"function_call","call_id":"c2","name":"f","arguments":"{}"},
				{"type":"function_call_output","call_id":"c1","output":"1"},{"type":"function_call_output","call_id":"c2","output":"2"}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"id":"c0","name":"f","args":{}}}]},
				{"role":"user","parts":[{"functionResponse":{"id":"c0","name":"f","response":{"output":"0"}}}]},{"role":"model","parts":[{"text":"so"}]},{"role":"user","parts":[{"text":"on"}]},
				{"role":"model","parts":[{"functionCall":{"id":"c1","name":"f","args":{}},"thoughtSignature":"skip_thought_signature_validator"},{"functionCall":{"id":"c2","name":"f","args":{}}}]},
				{"role":"user","parts":[{"functionResponse":{"id":"c1","name":"f","response":{"output":"1"}}},{"functionResponse":{"id":"c2","name":"f","response":{"output":"2"}}}]}]}`,
		},
		"a call that the model broke does not end the conversation": {
			in:   `{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{\"a"}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"."}]},{"role":"model","parts":[{"functionCall":{"id":"c","name":"f","args":{"malformed_arguments":"{\"a"}}}]}]}`,
		},
		"custom tools": {
			in: `{"model":"m","input":[{"role":"user","content":"hi"},{"type":"custom_tool_call","call_id":"c","name":"patch","input":"a\nb"},{"type":"custom_tool_call_output","call_id":"c","output":"ok"}],
				"tools":[{"type":"custom","name":"patch","description":"d","format":{"type":"grammar","syntax":"lark","definition":"start: x"}}],"tool_choice":{"type":"custom","name":"patch"}}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"id":"c","name":"patch","args":{"input":"a\nb"}}}]},
				{"role":"user","parts":[{"functionResponse":{"id":"c","name":"patch","response":{"output":"ok"}}}]}],
				"tools":[{"functionDeclarations":[{"name":"patch","description":"d","parametersJsonSchema":{"type":"object","properties":{"input":{"type":"string",
				"description":"The input of the tool as plain text. It must match this lark grammar:\nstart: x"}},"required":["input"],"additionalProperties":false}}]}],
				"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["patch"]}}}`,
		},
		"tools in namespaces, found later and hosted": {
			in: `{"model":"m","input":[{"type":"additional_tools","role":"developer","tools":[{"type":"namespace","name":"ns","description":"d","tools":[{"type":"function","name":"f","parameters":{}},{"type":"custom","name":"c"}]}]},
				{"role":"user","content":"hi"},{"type":"function_call","call_id":"1","namespace":"ns","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"1","output":""},
				{"type":"tool_search_call","call_id":"2","execution":"client","arguments":{"q":"x"}},{"type":"tool_search_output","call_id":"2","execution":"client","tools":[{"type":"function","name":"found"}]}],
				"tools":[{"type":"tool_search","execution":"client","description":"s","parameters":{"type":"object"}},{"type":"tool_search"},{"type":"web_search","external_web_access":false},
				{"type":"web_search"},{"type":"local_shell"},{"type":"mcp","server_label":"x"}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"id":"1","name":"ns__f","args":{}}}]},
				{"role":"user","parts":[{"functionResponse":{"id":"1","name":"ns__f","response":{"output":""}}}]},{"role":"model","parts":[{"functionCall":{"id":"2","name":"tool_search","args":{"q":"x"}}}]},
				{"role":"user","parts":[{"functionResponse":{"id":"2","name":"tool_search","response":{"output":"{\"tools\":[{\"type\":\"function\",\"name\":\"found\"}]}"}}}]}],
				"tools":[{"functionDeclarations":[{"name":"tool_search","description":"s","parametersJsonSchema":{"type":"object"}},{"name":"ns__f","parametersJsonSchema":{}},
				{"name":"ns__c","parametersJsonSchema":{"type":"object","properties":{"input":{"type":"string","description":"The input of the tool as plain text."}},"required":["input"],"additionalProperties":false}},{"name":"found"}]}]}`,
			lost: []string{"tools[3]", "tools[4]", "tools[5]"},
		},
		"tool choices": {
			in: `{"model":"m","input":"hi","tools":[{"type":"function","name":"f"},{"type":"function","name":"g"},{"type":"function","name":"h"}],"parallel_tool_calls":false,
				"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"},{"type":"function","name":"g"},{"type":"mcp"}]}}`,
			want: `{` + user + `,"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g"},{"name":"h"}]}],"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["f","g"]}}}`,
			lost: []string{"parallel_tool_calls", "tool_choice.tools[2]"},
		},
		"some tools, freely": {
			in:   `{"model":"m","input":"hi","tools":[{"type":"function","name":"f"},{"type":"function","name":"g"}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"g"}]}}`,
			want: `{` + user + `,"tools":[{"functionDeclarations":[{"name":"g"}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}}}`,
		},
		"no tools": {
			in:   `{"model":"m","input":"hi","tools":[{"type":"function","name":"f"}],"tool_choice":"none"}`,
			want: `{` + user + `,"tools":[{"functionDeclarations":[{"name":"f"}]}],"toolConfig":{"functionCallingConfig":{"mode":"NONE"}}}`,
		},
		"a hosted tool by force": {
			in:   `{"model":"m","input":"hi","tool_choice":{"type":"web_search_preview"}}`,
			want: `{` + user + `}`, lost: []string{"tool_choice"},
		},
		"effort in tokens": {
			in:   `{"model":"gemini-2.5-flash","input":"hi","reasoning":{"effort":"medium","summary":"auto","context":"all_turns"}}`,
			want: `{` + user + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":8192,"includeThoughts":true}}}`,
		},
		"effort in levels": {
			in:   `{"model":"gemini-3.1-pro-preview","input":"hi","reasoning":{"effort":"xhigh"}}`,
			want: `{` + user + `,"generationConfig":{"thinkingConfig":{"thinkingLevel":"high"}}}`,
		},
		"no effort": {
			in:   `{"model":"gemini-2.5-flash","input":"hi","reasoning":{"effort":"none","summary":"auto"}}`,
			want: `{` + user + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":0}}}`,
		},
		"no effort of a model that always thinks": {
			in:   `{"model":"gemini-2.5-pro","input":"hi","reasoning":{"effort":"none","mode":"pro"}}`,
			want: `{` + user + `,"generationConfig":{"thinkingConfig":{"thinkingBudget":128}}}`, lost: []string{"reasoning.mode"},
		},
		"only a summary": {
			in:   `{"model":"gemini-flash-latest","input":"hi","reasoning":{"summary":"auto"}}`,
			want: `{` + user + `,"generationConfig":{"thinkingConfig":{"includeThoughts":true}}}`,
		},
		"other models think as they like": {
			in:   `{"model":"gemma-3","input":"hi","reasoning":{"effort":"low"},"include":["reasoning.encrypted_content"]}`,
			want: `{` + user + `}`,
		},
		"another's reasoning": {
			in: `{"model":"m","input":[{"role":"user","content":"hi"},{"type":"reasoning","id":"rs","summary":[{"type":"summary_text","text":"x"}],"encrypted_content":"gAAAA","content":null,"status":null},
				{"role":"assistant","content":[{"type":"refusal","refusal":"no"}],"phase":"final_answer"}]}`,
			want: `{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"text":"no"}]}]}`,
		},
		"tier": {in: `{"model":"m","input":"hi","service_tier":"flex"}`, want: `{` + user + `}`, lost: []string{"service_tier"}},
	} {
		t.Run(name, func(t *testing.T) {
			out, lost := translated(t, llm.Responses, llm.GenerateContent, tc.in)
			sameJSON(t, out, tc.want)
			sameSet(t, lost, tc.lost)
		})
	}
}

func sameSet(t *testing.T, got, want []string) {
	t.Helper()
	set := func(l []string) map[string]bool {
		m := make(map[string]bool)
		for _, s := range l {
			m[s] = true
		}
		return m
	}
	if !reflect.DeepEqual(set(got), set(want)) {
		t.Errorf("lost %q, want %q", got, want)
	}
}

// Bodies of the wrong shape are the caller's mistake, told with the place.
func TestResponsesRequestsRefused(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"m","input":7}`:                                                                              "input",
		`{"model":"m","input":[7]}`:                                                                            "input[0]",
		`{"model":"m","input":["hi"]}`:                                                                         "input[0]",
		`{"model":"m","input":[{"role":"robot","content":"x"}]}`:                                               "input[0].role",
		`{"model":"m","input":[{"type":"message","content":"x"}]}`:                                             "input[0].role",
		`{"model":"m","input":[{"role":"user","content":[{"type":7}]}]}`:                                       "input[0].content[0].type",
		`{"model":"m","input":[{"role":"user","content":[7]}]}`:                                                "input[0].content[0]",
		`{"model":"m","input":[{"type":"function_call","call_id":"c","arguments":"{}"}]}`:                      "input[0].name",
		`{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":{}}]}`:             "input[0].arguments",
		`{"model":"m","input":[{"type":"function_call","name":"f","arguments":"{}"}]}`:                         "input[0].call_id",
		`{"model":"m","input":[{"type":"function_call_output","output":"x"}]}`:                                 "input[0].call_id",
		`{"model":"m","input":[{"type":"reasoning","summary":7}]}`:                                             "input[0].summary",
		`{"model":"m","input":"x","tools":7}`:                                                                  "tools",
		`{"model":"m","input":"x","tools":[7]}`:                                                                "tools[0]",
		`{"model":"m","input":"x","tools":[{"type":"function"}]}`:                                              "tools[0].name",
		`{"model":"m","input":"x","tools":[{"type":"namespace","name":"n","tools":[{"type":"function"}]}]}`:    "tools[0].tools[0].name",
		`{"model":"m","input":"x","tools":[{"type":"namespace","name":"n","tools":[{"type":"namespace"}]}]}`:   "tools[0].tools[0]",
		`{"model":"m","input":"x","tool_choice":"perhaps"}`:                                                    "tool_choice",
		`{"model":"m","input":"x","tool_choice":{"type":"function"}}`:                                          "tool_choice.name",
		`{"model":"m","input":"x","tool_choice":7}`:                                                            "tool_choice",
		`{"model":"m","input":"x","tool_choice":{"type":"allowed_tools","mode":"x"}}`:                          "tool_choice.mode",
		`{"model":"m","input":"x","temperature":"hot"}`:                                                        "temperature",
		`{"model":"m","input":"x","text":7}`:                                                                   "text",
		`{"model":"m","input":"x","text":{"format":{"type":"json_schema"}}}`:                                   "text.format.schema",
		`{"model":"m","input":"x","reasoning":{"effort":7}}`:                                                   "reasoning.effort",
		`{"model":"m","input":"x","parallel_tool_calls":"no"}`:                                                 "parallel_tool_calls",
		`{"model":"m","input":"x","include":"all"}`:                                                            "include",
		`{"model":"m","instructions":7,"input":"x"}`:                                                           "instructions",
		`{"model":"m","input":"x","top_logprobs":1.5}`:                                                         "top_logprobs",
		`{"model":"m","input":[{"type":"custom_tool_call","call_id":"c","name":"f","input":{}}]}`:              "input[0].input",
		`{"model":"m","input":[{"type":"additional_tools","tools":[{"type":"custom"}]}]}`:                      "input[0].tools[0].name",
		`{"model":"m","input":[{"type":"function_call_output","call_id":"c","output":[{"text":7}]}]}`:          "input[0].output[0].text",
		`{"model":"m","input":[{"type":"message","role":"user","content":{"type":"input_text"}}]}`:             "input[0].content",
		`{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":[]}]}]}`: "input[0].content[0].text",
	} {
		out, _, err := testCall(llm.Responses, llm.GenerateContent).Request([]byte(body))
		d, ok := err.(*llm.Denial)
		if !ok || d.Status != 400 || d.Param != param {
			t.Errorf("%s\n\tgot %s, %v (%+v), want a refusal of %s", body, out, err, d, param)
		}
	}
}

// What Codex sends by default passes whole, whichever model it thinks it has.
func TestCodexPasses(t *testing.T) {
	for name, body := range codexRequests {
		t.Run(name, func(t *testing.T) {
			for _, upstream := range []llm.Dialect{llm.Chat, llm.Messages, llm.GenerateContent} {
				if !Can(llm.Responses, upstream) {
					t.Errorf("no way to %s", upstream)
					continue
				}
				if upstream == llm.GenerateContent { // which cannot be told to call one at a time
					body = strings.Replace(body, `"parallel_tool_calls":false`, `"parallel_tool_calls":true`, 1)
				}
				out, lost := translated(t, llm.Responses, upstream, body)
				if len(lost) > 0 {
					t.Errorf("%s: lost %q", upstream, lost)
				}
				for _, s := range []string{"apply the patch", "exec_command", "team__ask", "echo hi", "it is done", "begin_patch"} {
					if !bytes.Contains(out, []byte(s)) {
						t.Errorf("%s: %q is missing in %s", upstream, s, out)
					}
				}
			}
		})
	}
}

// codexRequests have the shape that Codex 0.169 sent in a capture: for a model
// that it does not know, and for those that it does (several generations).
var codexRequests = map[string]string{
	"unknown model": codexBody(``, codexTools+`,`+codexTeam+`,{"type":"web_search","external_web_access":false}`,
		`"parallel_tool_calls":true,"reasoning":{"summary":"auto"}`),
	"tool search": codexBody(``, codexTools+`,`+codexTeam+`,{"type":"tool_search","execution":"client","description":"find","parameters":{"type":"object"}},{"type":"web_search","external_web_access":false,"search_content_types":["text","image"]}`,
		`"parallel_tool_calls":true,"reasoning":{"effort":"medium"},"text":{"verbosity":"low"}`),
	"tools in the input": codexBody(`{"type":"additional_tools","role":"developer","tools":[`+codexTools+`,`+codexTeam+`]},`, ``,
		`"parallel_tool_calls":false,"reasoning":{"effort":"low","context":"all_turns"},"text":{"verbosity":"low"}`),
}

const (
	codexTools = `{"type":"function","name":"exec_command","description":"run","strict":false,"parameters":{"type":"object","properties":{"cmd":{"type":"string"}},"required":["cmd"],"additionalProperties":false}},
		{"type":"custom","name":"apply_patch","description":"apply the patch","format":{"type":"grammar","syntax":"lark","definition":"start: begin_patch hunk+ end_patch"}}`
	codexTeam = `{"type":"namespace","name":"team","description":"others","tools":[{"type":"function","name":"ask","description":"ask one","strict":false,"parameters":{"type":"object","properties":{}}}]}`
)

func codexBody(before, tools, more string) string {
	if tools != "" {
		more += `,"tools":[` + tools + `]`
	}
	return `{"model":"gemini-3-pro","stream":true,"input":[` + before + `
		{"type":"message","id":"msg_1","role":"developer","content":[{"type":"input_text","text":"you are an agent"}]},
		{"type":"message","id":"msg_2","role":"user","content":[{"type":"input_text","text":"<environment_context/>"}]},
		{"type":"message","id":"msg_3","role":"user","content":[{"type":"input_text","text":"say hi"}]},
		{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"content":null,"encrypted_content":"gAAAAAB"},
		{"type":"function_call","status":"completed","id":"fc_1","name":"exec_command","arguments":"{\"cmd\": \"echo hi\"}","call_id":"call_1"},
		{"type":"function_call","status":"completed","id":"fc_2","name":"ask","namespace":"team","arguments":"{}","call_id":"call_2"},
		{"type":"custom_tool_call","id":"ct_2","status":"completed","call_id":"call_3","name":"apply_patch","input":"*** Begin Patch\n*** End Patch"},
		{"type":"function_call_output","id":"fco_1","call_id":"call_1","output":"Exit code: 0"},
		{"type":"function_call_output","id":"fco_2","call_id":"call_2","output":"hello"},
		{"type":"custom_tool_call_output","id":"ctco_1","call_id":"call_3","output":"it is done"}],
		"tool_choice":"auto","store":false,"include":["reasoning.encrypted_content"],"prompt_cache_key":"01a2","client_metadata":{"x-codex-turn-metadata":"{}"},` + more + `}`
}

// Very many of anything cost no more than their bytes.
func TestManyOfEverything(t *testing.T) {
	many := func(n int, s string) string {
		return strings.Repeat(s+",", n-1) + s
	}
	var names, calls []string
	for i := range 20_000 {
		names = append(names, `{"type":"function","name":"f`+strconv.Itoa(i)+`"}`)
		calls = append(calls, `{"type":"function_call","call_id":"c`+strconv.Itoa(i)+`","namespace":"n","name":"f`+strconv.Itoa(i)+`","arguments":"{}"}`)
	}
	seal := packSeal(Seal{Origin: llm.GenerateContent, Kind: sealCall, ID: "c1", Data: "x"})
	for name, body := range map[string]string{
		"tools":      `{"model":"m","input":"x","tools":[` + strings.Join(names, ",") + `],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[` + strings.Join(names, ",") + `]}}`,
		"namespaces": `{"model":"m","input":[` + strings.Join(calls, ",") + `],"tools":[{"type":"namespace","name":"n","tools":[` + strings.Join(names, ",") + `]}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[` + many(20_000, `{"type":"namespace","name":"n"}`) + `]}}`,
		"seals":      `{"model":"m","input":[` + strings.Join(calls, ",") + `,` + many(20_000, `{"type":"reasoning","summary":[],"encrypted_content":"`+seal+`"}`) + `]}`,
		"results":    `{"model":"m","input":[` + many(20_000, `{"type":"function_call_output","call_id":"c","output":"x"}`) + `]}`,
		"turns":      `{"model":"m","input":[` + many(20_000, `{"role":"user","content":"x"},{"role":"assistant","content":"x"}`) + `]}`,
		"unknown":    `{"model":"m","input":[` + many(20_000, `{"type":"x"}`) + `]}`,
	} {
		for _, upstream := range []llm.Dialect{llm.Chat, llm.Messages, llm.GenerateContent} {
			start := time.Now()
			out, _, err := testCall(llm.Responses, upstream).Request([]byte(body))
			if err != nil || !json.Valid(out) {
				t.Errorf("%s to %s: %v", name, upstream, err)
			}
			t.Logf("%s to %s: %d bytes in %v", name, upstream, len(body), time.Since(start))
		}
	}
	// The text of an emulated tool in the smallest pieces.
	var u unwrapper
	n := len(u.feed(`{"input":"`))
	for range 1 << 20 {
		n += len(u.feed("x"))
	}
	var odd unwrapper
	for range 1 << 20 {
		n += len(odd.feed("x"))
	}
	if n != 1<<20 || len(odd.rest()) != 1<<20 {
		t.Errorf("%d bytes, %d of the odd one", n, len(odd.rest()))
	}
}
