package translate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What the requests of other clients become for a Responses provider.
func TestRequestsToResponses(t *testing.T) {
	for name, tc := range map[string]struct {
		client   llm.Dialect
		in, want string
		lost     []string
	}{
		"chat: text": {llm.Chat, `{"model":"m","messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}],"store":false}`, nil},
		"chat: options": {llm.Chat, `{"model":"m","stream":true,"messages":[{"role":"system","content":"a"},{"role":"developer","content":"b"},{"role":"user","content":"hi"},{"role":"system","content":"c"}],
			"max_completion_tokens":50,"temperature":0.5,"top_p":0.9,"presence_penalty":0,"frequency_penalty":1,"seed":4,"stop":"x","n":2,"logprobs":true,"top_logprobs":2,
			"reasoning_effort":"low","verbosity":"high","service_tier":"flex","prompt_cache_key":"k","user":"u","response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"},"strict":true}}}`,
			`{"model":"m","instructions":"a\n\nb","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]},{"type":"message","role":"system","content":[{"type":"input_text","text":"c"}]}],
			"max_output_tokens":50,"temperature":0.5,"top_p":0.9,"include":["message.output_text.logprobs"],"top_logprobs":2,"reasoning":{"effort":"low"},
			"text":{"format":{"type":"json_schema","name":"n","schema":{"type":"object"},"strict":true},"verbosity":"high"},"service_tier":"flex","prompt_cache_key":"k","safety_identifier":"u","store":false,"stream":true}`,
			[]string{"frequency_penalty", "seed", "stop", "n"}},
		"chat: tools": {llm.Chat, `{"model":"m","messages":[{"role":"user","content":[{"type":"text","text":"hi"},{"type":"image_url","image_url":{"url":"https://x.test/a.png","detail":"low"}}]},
			{"role":"assistant","content":"so","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"custom","custom":{"name":"p","input":"raw"}}]},
			{"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"c2","content":"two"},{"role":"assistant","refusal":"no"}],
			"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"type":"object"}}},{"type":"function","function":{"name":"g","strict":true}},
			{"type":"custom","custom":{"name":"p","format":{"type":"grammar","grammar":{"syntax":"regex","definition":"a+"}}}}],
			"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"required","tools":[{"type":"function","function":{"name":"f"}}]}},"parallel_tool_calls":false}`,
			`{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"},{"type":"input_image","image_url":"https://x.test/a.png","detail":"low"}]},
			{"type":"message","role":"assistant","content":[{"type":"output_text","text":"so"}]},
			{"type":"function_call","call_id":"c1","name":"f","arguments":"{\"a\":1}"},{"type":"custom_tool_call","call_id":"c2","name":"p","input":"raw"},
			{"type":"function_call_output","call_id":"c1","output":"one"},{"type":"custom_tool_call_output","call_id":"c2","output":"two"},
			{"type":"message","role":"assistant","content":[{"type":"refusal","refusal":"no"}]}],
			"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":false},{"type":"function","name":"g","parameters":{"type":"object","properties":{}},"strict":true},
			{"type":"custom","name":"p","format":{"type":"grammar","syntax":"regex","definition":"a+"}}],
			"tool_choice":{"type":"allowed_tools","mode":"required","tools":[{"type":"function","name":"f"}]},"parallel_tool_calls":false,"store":false}`, nil},
		"messages: text": {llm.Messages, `{"model":"m","max_tokens":9,"system":[{"type":"text","text":"a","cache_control":{"type":"ephemeral"}},{"type":"text","text":"b"}],"messages":[{"role":"user","content":"hi"}],
			"stop_sequences":["x"],"top_k":3,"temperature":1,"metadata":{"user_id":"u"}}`,
			`{"model":"m","instructions":"a\n\nb","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}],"max_output_tokens":9,"temperature":1,"safety_identifier":"u","store":false}`,
			[]string{"stop_sequences", "top_k"}},
		"messages: thinking and tools": {llm.Messages, `{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":8000},"messages":[{"role":"user","content":"hi"},
			{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"` + packSeal(Seal{Origin: llm.Responses, ID: "rs_1", Data: "gAAAA"}) + `"},{"type":"thinking","thinking":"other","signature":"anthropics"},
			{"type":"tool_use","id":"t1","name":"f","input":{"a":1}},{"type":"tool_use","id":"t2","name":"f","input":{}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":"bad"},{"type":"tool_result","tool_use_id":"t2","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"aGk="}}]},{"type":"text","text":"go on"}]}],
			"tools":[{"name":"f","description":"d","input_schema":{"type":"object"}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true}}`,
			`{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]},
			{"type":"reasoning","id":"rs_1","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"gAAAA"},
			{"type":"function_call","call_id":"t1","name":"f","arguments":"{\"a\":1}"},{"type":"function_call","call_id":"t2","name":"f","arguments":"{}"},
			{"type":"function_call_output","call_id":"t1","output":"bad"},{"type":"function_call_output","call_id":"t2","output":[{"type":"input_image","image_url":"data:image/png;base64,aGk="}]},
			{"type":"message","role":"user","content":[{"type":"input_text","text":"go on"}]}],
			"tools":[{"type":"function","name":"f","description":"d","parameters":{"type":"object"},"strict":false}],"tool_choice":"required","parallel_tool_calls":false,
			"reasoning":{"effort":"medium","summary":"auto"},"max_output_tokens":9000,"include":["reasoning.encrypted_content"],"store":false}`, nil},
		"messages: no thinking": {llm.Messages, `{"model":"m","max_tokens":9,"thinking":{"type":"disabled"},"messages":[{"role":"user","content":[{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"aGk="}}]}],
			"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"f"}}`,
			`{"model":"m","input":[{"type":"message","role":"user","content":[{"type":"input_file","filename":"document.pdf","file_data":"data:application/pdf;base64,aGk="}]}],
			"tools":[{"type":"function","name":"f","parameters":{"type":"object"},"strict":false}],"tool_choice":{"type":"function","name":"f"},"max_output_tokens":9,"store":false}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			out, lost := translated(t, tc.client, llm.Responses, tc.in)
			strict(t, llm.Responses, string(out))
			sameJSON(t, out, tc.want)
			sameSet(t, lost, tc.lost)
		})
	}
}

// What the requests of other clients become for Gemini.
func TestRequestsToGemini(t *testing.T) {
	for name, tc := range map[string]struct {
		client   llm.Dialect
		in, want string
		lost     []string
	}{
		"chat: options": {llm.Chat, `{"model":"gemini-2.5-flash","messages":[{"role":"system","content":"a"},{"role":"user","content":"hi"}],"max_tokens":50,"temperature":0.5,"top_p":0.9,
			"presence_penalty":0.1,"frequency_penalty":0.2,"seed":4,"stop":["x","y"],"n":2,"logprobs":true,"top_logprobs":2,"reasoning_effort":"high","verbosity":"low","response_format":{"type":"json_object"},"logit_bias":{"1":2}}`,
			`{"systemInstruction":{"parts":[{"text":"a"}]},"contents":[{"role":"user","parts":[{"text":"hi"}]}],
			"generationConfig":{"maxOutputTokens":50,"temperature":0.5,"topP":0.9,"presencePenalty":0.1,"frequencyPenalty":0.2,"seed":4,"stopSequences":["x","y"],"candidateCount":2,"responseLogprobs":true,"logprobs":2,
			"responseMimeType":"application/json","thinkingConfig":{"thinkingBudget":24576}}}`, []string{"logit_bias"}},
		"chat: tools": {llm.Chat, `{"model":"gemini-2.5-flash","messages":[{"role":"user","content":"hi"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},
			{"id":"c2","type":"function","function":{"name":"g","arguments":"{\"b\":[1]}"}}]},{"role":"tool","tool_call_id":"c2","content":"2"},{"role":"tool","tool_call_id":"c1","content":"1"}],
			"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{"b":{"$ref":"#/$defs/x"}},"$defs":{"x":{"anyOf":[{"type":"array"},{"type":"null"}]}}}}}],
			"tool_choice":{"type":"function","function":{"name":"g"}}}`,
			`{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"id":"c1","name":"f","args":{}}},{"functionCall":{"id":"c2","name":"g","args":{"b":[1]}}}]},
			{"role":"user","parts":[{"functionResponse":{"id":"c2","name":"g","response":{"output":"2"}}},{"functionResponse":{"id":"c1","name":"f","response":{"output":"1"}}}]}],
			"tools":[{"functionDeclarations":[{"name":"f"},{"name":"g","parametersJsonSchema":{"type":"object","properties":{"b":{"$ref":"#/$defs/x"}},"$defs":{"x":{"anyOf":[{"type":"array"},{"type":"null"}]}}}}]}],
			"toolConfig":{"functionCallingConfig":{"mode":"ANY","allowedFunctionNames":["g"]}}}`, nil},
		"chat: the signature of a call comes back": {llm.Chat, `{"model":"gemini-3-pro","messages":[{"role":"user","content":"hi"},{"role":"assistant","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"},
			"extra_content":{"google":{"thought_signature":"U0lH"}}}]},{"role":"tool","tool_call_id":"c1","content":"1"}]}`,
			`{"contents":[{"role":"user","parts":[{"text":"hi"}]},{"role":"model","parts":[{"functionCall":{"id":"c1","name":"f","args":{}},"thoughtSignature":"U0lH"}]},
			{"role":"user","parts":[{"functionResponse":{"id":"c1","name":"f","response":{"output":"1"}}}]}]}`, nil},
		"messages": {llm.Messages, `{"model":"gemini-3-flash","max_tokens":64,"system":"s","top_k":5,"thinking":{"type":"adaptive"},"output_config":{"effort":"low"},
			"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"https://x.test/a.webp"}},{"type":"text","text":"hi"}]},
			{"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":"anthropics"},{"type":"tool_use","id":"t1","name":"f","input":{"a":1}}]},
			{"role":"user","content":[{"type":"text","text":"see"},{"type":"tool_result","tool_use_id":"t1","is_error":true,"content":[{"type":"text","text":"bad"}]}]}],
			"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"auto"}}`,
			`{"systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"role":"user","parts":[{"fileData":{"mimeType":"image/webp","fileUri":"https://x.test/a.webp"}},{"text":"hi"}]},
			{"role":"model","parts":[{"functionCall":{"id":"t1","name":"f","args":{"a":1}},"thoughtSignature":"skip_thought_signature_validator"}]},
			{"role":"user","parts":[{"functionResponse":{"id":"t1","name":"f","response":{"error":"bad"}}},{"text":"see"}]}],
			"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object"}}]}],"toolConfig":{"functionCallingConfig":{"mode":"AUTO"}},
			"generationConfig":{"maxOutputTokens":64,"topK":5,"thinkingConfig":{"thinkingLevel":"low","includeThoughts":true}}}`, nil},
		"messages: budget": {llm.Messages, `{"model":"gemini-2.5-pro","max_tokens":64000,"thinking":{"type":"enabled","budget_tokens":60000},"messages":[{"role":"user","content":"hi"}]}`,
			`{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{"maxOutputTokens":64000,"thinkingConfig":{"thinkingBudget":32768,"includeThoughts":true}}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			out, lost := translated(t, tc.client, llm.GenerateContent, tc.in)
			sameJSON(t, out, tc.want)
			sameSet(t, lost, tc.lost)
		})
	}
}

// Whole answers for a Responses client.
func TestAnswersToResponses(t *testing.T) {
	request := `{"model":"m","input":"hi","max_output_tokens":7,"temperature":0.5,"reasoning":{"effort":"low"},"parallel_tool_calls":false,` + patchTools + `}`
	shell := func(status, reason, model, output, usage string) string {
		return `{"id":"resp_0191ab","object":"response","created_at":1700000000,"status":"` + status + `","background":false,"error":null,"incomplete_details":` + reason + `,"instructions":null,"max_output_tokens":7,"metadata":{},
			"model":"` + model + `","output":` + output + `,"parallel_tool_calls":false,"previous_response_id":null,"reasoning":{"effort":"low","summary":null},"service_tier":null,"store":false,"temperature":0.5,
			"text":{"format":{"type":"text"}},"tool_choice":"auto","tools":[],"top_p":null,"truncation":"disabled","usage":` + usage + `,"user":null}`
	}
	signed := packSeal(Seal{Origin: llm.Messages, Data: "SIG"})
	for name, tc := range map[string]struct {
		upstream llm.Dialect
		in, want string
	}{
		"chat": {llm.Chat, `{"id":"c","object":"chat.completion","created":0,"model":"x","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":"so","tool_calls":[
			{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"patch","arguments":"{\"input\":\"l\\n\\\"q\"}"}}]}}],
			"usage":{"prompt_tokens":9,"completion_tokens":4,"total_tokens":13,"prompt_tokens_details":{"cached_tokens":2}}}`,
			shell("completed", "null", "x", `[{"type":"message","id":"msg_0191ab_0","status":"completed","role":"assistant","content":[{"type":"output_text","text":"so","annotations":[],"logprobs":[]}]},
			{"type":"function_call","id":"fc_0191ab_1","status":"completed","call_id":"c1","name":"f","arguments":"{\"a\":1}"},
			{"type":"custom_tool_call","id":"ctc_0191ab_2","status":"completed","call_id":"c2","name":"patch","input":"l\n\"q"}]`,
				`{"input_tokens":9,"input_tokens_details":{"cached_tokens":2,"cache_write_tokens":0},"output_tokens":4,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":13}`)},
		"messages": {llm.Messages, `{"id":"msg_1","type":"message","role":"assistant","model":"claude","content":[{"type":"thinking","thinking":"hm","signature":"SIG"},{"type":"text","text":"a"}],"stop_reason":"max_tokens","stop_sequence":null,
			"usage":{"input_tokens":3,"cache_read_input_tokens":4,"cache_creation_input_tokens":5,"output_tokens":6}}`,
			shell("incomplete", `{"reason":"max_output_tokens"}`, "claude", `[{"type":"reasoning","id":"rs_0191ab_0","summary":[{"type":"summary_text","text":"hm"}],"encrypted_content":"`+signed+`"},
			{"type":"message","id":"msg_0191ab_1","status":"incomplete","role":"assistant","content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[]}]}]`,
				`{"input_tokens":12,"input_tokens_details":{"cached_tokens":4,"cache_write_tokens":5},"output_tokens":6,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":18}`)},
		"gemini: blocked": {llm.GenerateContent, `{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":3,"totalTokenCount":3},"modelVersion":"g"}`,
			shell("incomplete", `{"reason":"content_filter"}`, "g", `[]`,
				`{"input_tokens":3,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":0,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":3}`)},
	} {
		t.Run(name, func(t *testing.T) {
			c := testCall(llm.Responses, tc.upstream)
			if _, _, err := c.Request([]byte(request)); err != nil {
				t.Fatal(err)
			}
			meter := answer.New(tc.upstream, false)
			if err := meter.Body([]byte(tc.in)); err != nil {
				t.Fatal(err)
			}
			out, err := c.Body([]byte(tc.in), meter.Usage())
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, out, tc.want)
			if _, err := readResponsesAnswer(out); err != nil {
				t.Errorf("its own reader refuses it: %v", err)
			}
		})
	}
}

// Answers of Gemini that are none.
func TestGeminiAnswersRefused(t *testing.T) {
	for _, in := range []string{
		`{}`, `[]`, `{"candidates":[]}`, `{"candidates":[{"content":{"parts":[{"text":"x"}]}}]}`, `{"error":{"code":500}}`,
		`{"candidates":[{"finishReason":"MALFORMED_FUNCTION_CALL"}]}`, `{"candidates":[{"finishReason":"STOP","content":{"parts":[{"inlineData":{"data":"x"}}]}}]}`,
		`{"candidates":[{"finishReason":"STOP","content":{"parts":[{"functionCall":{}}]}}]}`, `{"candidates":[{"finishReason":"STOP","content":7}]}`, `{"candidates":[{"finis`,
	} {
		if a, err := readGeminiAnswer([]byte(in)); err == nil {
			t.Errorf("%s: accepted as %+v", in, a)
		}
	}
}

func TestGeminiFinish(t *testing.T) {
	for reason, want := range map[string]Finish{"STOP": FinishStop, "MAX_TOKENS": FinishLength, "SAFETY": FinishFilter, "RECITATION": FinishFilter, "BLOCKLIST": FinishFilter,
		"PROHIBITED_CONTENT": FinishFilter, "SPII": FinishFilter, "OTHER": FinishUnknown} {
		a, err := readGeminiAnswer([]byte(`{"candidates":[{"finishReason":"` + reason + `","content":{"parts":[{"text":"a","thoughtSignature":"x"},{"text":"b"}]}}]}`))
		if err != nil || a.Choices[0].Finish != want || len(a.Choices[0].Parts) != 1 || a.Choices[0].Parts[0].Text != "ab" {
			t.Errorf("%s: %+v, %v", reason, a, err)
		}
	}
	a, err := readGeminiAnswer([]byte(`{"responseId":"r","createTime":"2026-01-02T03:04:05.6Z","candidates":[{"finishReason":"STOP","index":0,"content":{"parts":[{"functionCall":{"name":"f","args":{"a" : 1}},"thoughtSignature":"S"}]},
		"logprobsResult":{"chosenCandidates":[{"token":"é","logProbability":-0.5}],"topCandidates":[{"candidates":[{"token":"a","logProbability":-1}]}]}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	p := a.Choices[0].Parts[0]
	if a.Choices[0].Finish != FinishTools || !strings.HasPrefix(p.ID, "call_") || p.Args != `{"a":1}` || p.Seal.Data != "S" || p.Seal.ID != p.ID || a.Created != 1767323045 {
		t.Errorf("%+v %+v", a, p)
	}
	sameJSON(t, a.Choices[0].Logprobs, `{"content":[{"token":"é","logprob":-0.5,"bytes":[195,169],"top_logprobs":[{"token":"a","logprob":-1,"bytes":[97]}]}],"refusal":null}`)
}

// Embeddings and token counts.
func TestConversions(t *testing.T) {
	for name, tc := range map[string]struct {
		client, upstream                  llm.Dialect
		request, wantRequest, answer, out string
	}{
		"embeddings": {llm.Embeddings, llm.GeminiBatchEmbed, `{"model":"gemini-embedding-001","input":["a","b"],"dimensions":2}`,
			`{"requests":[{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"a"}]},"outputDimensionality":2},{"model":"models/gemini-embedding-001","content":{"parts":[{"text":"b"}]},"outputDimensionality":2}]}`,
			`{"embeddings":[{"values":[0.5,-1]},{"values":[1e-3,2]}]}`,
			`{"object":"list","data":[{"object":"embedding","index":0,"embedding":[0.5,-1]},{"object":"embedding","index":1,"embedding":[1e-3,2]}],"model":"gemini-embedding-001","usage":{"prompt_tokens":0,"total_tokens":0}}`},
		"embeddings in base64": {llm.Embeddings, llm.GeminiBatchEmbed, `{"model":"m","input":"a","encoding_format":"base64","user":"u"}`,
			`{"requests":[{"model":"models/m","content":{"parts":[{"text":"a"}]}}]}`, `{"embeddings":[{"values":[0.5,-1]}]}`,
			`{"object":"list","data":[{"object":"embedding","index":0,"embedding":"AAAAPwAAgL8="}],"model":"m","usage":{"prompt_tokens":0,"total_tokens":0}}`},
		"count for Gemini": {llm.CountTokens, llm.GeminiCount, `{"model":"gemini-3","system":"s","messages":[{"role":"user","content":"hi"}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"thinking":{"type":"adaptive"}}`,
			`{"generateContentRequest":{"model":"models/gemini-3","systemInstruction":{"parts":[{"text":"s"}]},"contents":[{"role":"user","parts":[{"text":"hi"}]}],"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{"type":"object"}}]}]}}`,
			`{"totalTokens":31,"promptTokensDetails":[]}`, `{"input_tokens":31}`},
		"count for OpenAI": {llm.CountTokens, llm.InputTokens, `{"model":"gpt","system":"s","messages":[{"role":"user","content":"hi"}]}`,
			`{"model":"gpt","instructions":"s","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"hi"}]}]}`,
			`{"object":"response.input_tokens","input_tokens":11}`, `{"input_tokens":11}`},
	} {
		t.Run(name, func(t *testing.T) {
			strict(t, tc.client, tc.request)
			c := testCall(tc.client, tc.upstream)
			out, lost, err := c.Request([]byte(tc.request))
			if err != nil || len(lost) > 0 {
				t.Fatalf("%v, lost %q", err, lost)
			}
			sameJSON(t, out, tc.wantRequest)
			out, err = c.Body([]byte(tc.answer), llm.Usage{})
			if err != nil {
				t.Fatal(err)
			}
			sameJSON(t, out, tc.out)
			for _, bad := range []string{`{}`, `[]`, `{"embeddings":[{"values":["x"]}],"totalTokens":"x","input_tokens":-1}`} {
				if out, err := c.Body([]byte(bad), llm.Usage{}); err == nil {
					t.Errorf("%s became %s", bad, out)
				}
			}
		})
	}
	for _, bad := range []string{`{"model":"m","input":[1,2]}`, `{"model":"m","input":[[1]]}`, `{"model":"m","input":[]}`, `{"model":"m","input":[{}]}`, `{"model":"m","input":"x","encoding_format":"int8"}`, `{"model":"m","input":"x","dimensions":-1}`} {
		if out, _, err := testCall(llm.Embeddings, llm.GeminiBatchEmbed).Request([]byte(bad)); err == nil {
			t.Errorf("%s became %s", bad, out)
		}
	}
}

// A custom tool's text comes out of the arguments of the function that stands for
// it, wherever they are cut.
func TestUnwrap(t *testing.T) {
	for args, want := range map[string]string{
		`{"input":"plain"}`: "plain",
		` { "input" : "a\nb\"c\\d\/\u00e9\ud83d\ude00\u2028" } `: "a\nb\"c\\d/é😀\u2028",
		`{"input":"\ud83d!"}`:      "\uFFFD!",
		`{"input":"\ud83d\u0041"}`: "\uFFFDA",
		`{"other":1}`:              `{"other":1}`,
		`free text`:                `free text`,
		`{"input":7}`:              `{"input":7}`,
		`{"input":""}`:             "",
		``:                         "",
	} {
		if got := unwrapCustom(args); got != want {
			t.Errorf("%s: %q, want %q", args, got, want)
		}
		for size := 1; size < len(args); size++ {
			var u unwrapper
			got := ""
			for rest := args; rest != ""; {
				n := min(size, len(rest))
				got += u.feed(rest[:n])
				rest = rest[n:]
			}
			if got += u.rest(); got != want {
				t.Errorf("%s in pieces of %d: %q, want %q", args, size, got, want)
			}
		}
	}
	for _, s := range []string{"", "a", "\x00\"\\\n", "😀\u2028"} {
		if got := unwrapCustom(wrapCustom(s)); got != s {
			t.Errorf("%q came back as %q", s, got)
		}
	}
}

func TestFlatNames(t *testing.T) {
	long := strings.Repeat("n", 70)
	for _, tc := range []struct{ namespace, name, want string }{{"", "f", "f"}, {"a", "f", "a__f"}, {"mcp__x__", "f", "mcp__x__f"}} {
		if got := flatName(tc.namespace, tc.name); got != tc.want {
			t.Errorf("%s %s: %s", tc.namespace, tc.name, got)
		}
	}
	a, b := flatName(long, "f"), flatName(long, "g")
	if a == b || len(a) != maxToolName {
		t.Errorf("%s %s", a, b)
	}
	// A tool of the same flat name stays another tool, and each is found again.
	body := `{"model":"m","input":[{"type":"function_call","call_id":"1","namespace":"a","name":"f","arguments":"{}"},{"type":"function_call","call_id":"2","name":"a__f","arguments":"{}"}],
		"tools":[{"type":"function","name":"a__f"},{"type":"namespace","name":"a","tools":[{"type":"function","name":"f"}]}]}`
	var n notes
	r, err := readResponsesRequest([]byte(body), &n)
	if err != nil {
		t.Fatal(err)
	}
	calls := r.Messages[0].Parts
	if len(r.Tools) != 2 || calls[0].Name == calls[1].Name || calls[1].Name != "a__f" {
		t.Fatalf("%+v %+v", r.Tools, calls)
	}
	var it outItem
	it.named(r, calls[0].Name, false)
	if it.namespace != "a" || it.name != "f" {
		t.Errorf("%+v", it)
	}
}

// The calls of tools that were flattened or emulated come back as what the caller
// knows, streamed and whole.
func TestToolsComeBack(t *testing.T) {
	request := `{"model":"m","stream":true,"input":"hi","tools":[{"type":"namespace","name":"team","tools":[{"type":"function","name":"ask"},{"type":"custom","name":"note"}]},{"type":"tool_search","execution":"client"}]}`
	stream := `data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"x","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"c0","type":"function","function":{"name":"team__ask","arguments":""}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"c1","type":"function","function":{"name":"team__note","arguments":"{\"in"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"put\":\"x\\"}},{"index":0,"function":{"arguments":"1}"}}]}}]}

data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"function":{"arguments":"ny\"}"}},{"index":2,"id":"c2","type":"function","function":{"name":"tool_search","arguments":"{\"q\":\"z\"}"}}]}}]}

data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}

data: [DONE]

`
	got, err := relayed(t, llm.Responses, llm.Chat, request, stream, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	r := lawful(t, got)
	b, _ := json.Marshal(r["output"])
	sameJSON(t, b, `[{"type":"function_call","id":"fc_0191ab_0","status":"completed","call_id":"c0","name":"ask","namespace":"team","arguments":"{\"a\":1}"},
		{"type":"custom_tool_call","id":"ctc_0191ab_1","status":"completed","call_id":"c1","name":"note","namespace":"team","input":"x\ny"},
		{"type":"tool_search_call","execution":"client","id":"tsc_0191ab_2","status":"completed","call_id":"c2","arguments":{"q":"z"}}]`)
}
