package dialects

import (
	"bytes"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestGeminiContent(t *testing.T) {
	for _, c := range []struct {
		dialect llm.Dialect
		body    string
		want    []string
	}{
		{llm.GenerateContent, `{"contents":[]}`, nil},
		{llm.GenerateContent, `{"contents":[{"role":"user","parts":[{"text":"a"},{"text":"b"}]},{"parts":[{"text":"c"}],"role":"model"},{"parts":[{"text":"d"}]}],"systemInstruction":{"role":"model","parts":[{"text":"s"}]}}`,
			[]string{`user text contents[0].parts[0].text "a"`, `user text contents[0].parts[1].text "b"`, `assistant text contents[1].parts[0].text "c"`,
				`user text contents[2].parts[0].text "d"`, `system text systemInstruction.parts[0].text "s"`}},
		// Vertex's examples write single objects for lists.
		{llm.GenerateContent, `{"system_instruction":"sys","contents":{"role":"user","parts":{"text":"a"}},"tools":{"functionDeclarations":{"name":"f"}}}`,
			[]string{`system text system_instruction "sys"`, `user text contents.parts.text "a"`, `system tool_def tools.functionDeclarations "{\"name\":\"f\"}"`, `tool function f`}},
		{llm.GenerateContent, `{"contents":[{"role":"model","parts":[{"text":"hm","thought":true,"thoughtSignature":"x"},{"functionCall":{"name":"f","args":{"a":"b"}}}]},{"role":"user","parts":[{"functionResponse":{"name":"f","response":{"output":"evil \u0041","list":["x"]},"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}}]},{"role":"function","parts":[{"text":"old"}]}]}`,
			[]string{`assistant reasoning contents[0].parts[0].text "hm"`, `assistant tool_args contents[0].parts[1].functionCall.args "{\"a\":\"b\"}"`,
				`tool tool_result contents[1].parts[0].functionResponse.response.output "evil A"`, `tool tool_result contents[1].parts[0].functionResponse.response.list[0] "x"`,
				`tool image contents[1].parts[0].functionResponse.parts[0].inlineData.data ""`, `tool text contents[2].parts[0].text "old"`}},
		{llm.GenerateContent, `{"contents":[{"parts":[{"inline_data":{"mime_type":"image/jpeg","data":"AAAA"}},{"inlineData":{"data":"AAAA","mimeType":"application/pdf","displayName":"d"}},{"fileData":{"fileUri":"gs://b/f","mimeType":"image/png"}},{"inlineData":{"mimeType":"audio/mp3","data":"AAAA"}},{"fileData":{"fileUri":"https://y"}}]}]}`,
			[]string{`user image contents[0].parts[0].inline_data.data ""`, `user file contents[0].parts[1].inlineData.data ""`, `user text contents[0].parts[1].inlineData.displayName "d"`,
				`user image contents[0].parts[2].fileData.fileUri "gs://b/f"`, `user file contents[0].parts[3].inlineData.data ""`, `user file contents[0].parts[4].fileData.fileUri "https://y"`,
				`unbounded inline_data file_data`}},
		{llm.GenerateContent, `{"contents":[{"role":"wizard","parts":[{"newThing":{"x":"hidden"}},{"executableCode":{"language":"PYTHON","code":"print(1)"}},{"codeExecutionResult":{"outcome":"OUTCOME_OK","output":"1"}}],"zzz":"y"}]}`,
			[]string{`user text contents[0].role "wizard"`, `user text contents[0].parts[0].newThing.x "hidden"`, `assistant tool_args contents[0].parts[1].executableCode.code "print(1)"`,
				`tool tool_result contents[0].parts[2].codeExecutionResult.output "1"`, `user text contents[0].zzz "y"`, `unbounded unknown_content`}},
		{llm.GenerateContent, `{"contents":[],"tools":[{"function_declarations":[{"name":"f","parameters":{"type":"OBJECT"}},{"name":"g"}]},{"googleSearch":{}},{"url_context":{}},{"codeExecution":{}},{"We Ird":{}}],"cachedContent":"c/1","service_tier":"priority","generationConfig":{"responseSchema":{"a":1},"responseModalities":["TEXT","IMAGE"],"routingConfig":{"manualMode":{"modelName":"dear"}},"odd":{"t":"x"}}}`,
			[]string{`system tool_def tools[0].function_declarations[0] "{\"name\":\"f\",\"parameters\":{\"type\":\"OBJECT\"}}"`, `system tool_def tools[0].function_declarations[1] "{\"name\":\"g\"}"`,
				`system tool_def tools[1].googleSearch "{}"`, `system tool_def tools[2].url_context "{}"`, `system tool_def tools[3].codeExecution "{}"`, `system tool_def tools[4].? "We Ird"`, `system tool_def tools[4].? "{}"`,
				`system tool_def generationConfig.responseSchema "{\"a\":1}"`, `system text generationConfig.odd.t "x"`,
				`tool function f`, `tool function g`, `tool google_search `, `tool url_context `, `tool code_execution `, `tool unknown_tool `,
				`unbounded google_search url_context code_execution unknown_tool cached_content service_tier response_modalities routing_config`}},
		{llm.GeminiCount, `{"generateContentRequest":{"model":"models/g","contents":[{"parts":[{"text":"a"}]}],"tools":[{"googleSearch":{}}]}}`,
			[]string{`user text generateContentRequest.contents[0].parts[0].text "a"`, `system tool_def generateContentRequest.tools[0].googleSearch "{}"`, `tool google_search `, `unbounded google_search`}},
		{llm.GenerateContent, `{"contents":[],"generateContentRequest":{"contents":[{"parts":[{"text":"smuggled"}]}]}}`,
			[]string{`user text generateContentRequest.contents[0].parts[0].text "smuggled"`, `unbounded unknown_content`}},
		{llm.GeminiEmbed, `{"content":{"parts":[{"text":"a"}]},"title":"t"}`, []string{`user text content.parts[0].text "a"`, `user text title "t"`}},
		{llm.GeminiBatchEmbed, `{"requests":[{"content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}`,
			[]string{`user text requests[0].content.parts[0].text "a"`, `user text requests[1].content.parts[0].text "b"`}},

		// Ollama.
		{llm.OllamaChat, `{"model":"m","messages":[{"role":"system","content":"s"},{"role":"user","content":"u","images":["AAAA"]},{"role":"assistant","content":"","thinking":"hm","tool_calls":[{"function":{"name":"f","arguments":{"a":1}}}]},{"role":"tool","content":"r","tool_name":"f","odd":"o"}],"format":{"type":"object"},"tools":[{"type":"function","function":{"name":"f"}}]}`,
			[]string{`system text messages[0].content "s"`, `user text messages[1].content "u"`, `user image messages[1].images[0] ""`, `assistant text messages[2].content ""`,
				`assistant reasoning messages[2].thinking "hm"`, `assistant tool_args messages[2].tool_calls[0].function.arguments "{\"a\":1}"`,
				`tool tool_result messages[3].content "r"`, `tool tool_result messages[3].odd "o"`, `system tool_def format "{\"type\":\"object\"}"`,
				`system tool_def tools[0] "{\"type\":\"function\",\"function\":{\"name\":\"f\"}}"`, `tool function f`}},
		{llm.OllamaGenerate, `{"model":"m","prompt":"p","suffix":"s","system":"y","template":"t","images":["AA"],"context":[1,2]}`,
			[]string{`user text prompt "p"`, `user text suffix "s"`, `system text system "y"`, `system text template "t"`, `user image images[0] ""`, `user file context ""`}},
		{llm.OllamaGenerate, `{"model":"m"}`, nil},
		{llm.OllamaEmbed, `{"model":"m","input":["a","b"]}`, []string{`user text input[0] "a"`, `user text input[1] "b"`}},
		{llm.InputTokens, `{"model":"m","instructions":"s","input":"a"}`, []string{`system text instructions "s"`, `user text input "a"`}},
	} {
		v, den := Parse(c.dialect, []byte(c.body))
		if den != nil {
			t.Errorf("%s: %v", c.body, den)
			continue
		}
		if got := show(v); got != lines(c.want...) {
			t.Errorf("%s\ngot:\n%swant:\n%s", c.body, got, lines(c.want...))
		}
		checkView(t, v)
	}
}

func TestGeminiMembers(t *testing.T) {
	type want struct {
		stream       bool
		max, choices int64
		field        string
	}
	for _, c := range []struct {
		dialect llm.Dialect
		body    string
		want
	}{
		{llm.GenerateContent, `{"contents":[]}`, want{max: -1, choices: 1}},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"maxOutputTokens":9,"candidateCount":3}}`, want{max: 9, choices: 3, field: "maxOutputTokens"}},
		{llm.GenerateContent, `{"contents":[],"generation_config":{"max_output_tokens":9}}`, want{max: 9, choices: 1, field: "max_output_tokens"}},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"maxOutputTokens":null}}`, want{max: -1, choices: 1, field: "maxOutputTokens"}},
		{llm.GenerateContent, `{"contents":[],"generationConfig":null}`, want{max: -1, choices: 1}},
		{llm.GeminiBatchEmbed, `{"requests":[{},{},{}]}`, want{max: -1, choices: 3}},
		{llm.OllamaChat, `{"model":"m","messages":[]}`, want{stream: true, max: -1, choices: 1}},
		{llm.OllamaChat, `{"model":"m","stream":null}`, want{stream: true, max: -1, choices: 1}},
		{llm.OllamaChat, `{"model":"m","stream":false,"options":{"num_predict":7}}`, want{max: 7, choices: 1, field: "num_predict"}},
		{llm.OllamaGenerate, `{"model":"m","options":{"num_predict":-1}}`, want{stream: true, max: -1, choices: 1, field: "num_predict"}},
		{llm.OllamaGenerate, `{"model":"m","options":{"num_predict":0}}`, want{stream: true, max: -1, choices: 1, field: "num_predict"}},
		{llm.OllamaGenerate, `{"model":"m","options":{"num_predict":null}}`, want{stream: true, max: -1, choices: 1, field: "num_predict"}},
		{llm.OllamaEmbed, `{"model":"m","input":["a","b"]}`, want{max: -1, choices: 2}},
	} {
		v, den := Parse(c.dialect, []byte(c.body))
		if den != nil {
			t.Errorf("%s: %v", c.body, den)
			continue
		}
		if got := (want{v.Stream, v.MaxTokens, v.Choices, v.MaxTokensField}); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.body, got, c.want)
		}
	}
}

func TestGeminiDenials(t *testing.T) {
	for _, c := range []struct {
		dialect    llm.Dialect
		body       string
		param, say string
	}{
		{llm.GenerateContent, `[]`, "", "want an object"},
		{llm.GenerateContent, `{}`, "contents", "required"},
		{llm.GeminiEmbed, `{}`, "content", "required"},
		{llm.GeminiBatchEmbed, `{}`, "requests", "required"},
		{llm.GeminiCount, `{}`, "contents", "required"},
		{llm.GenerateContent, `{"contents":[],"Contents":[]}`, "", "letter case"},
		{llm.GenerateContent, `{"contents":[],"generationconfig":{}}`, "", "letter case"},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"MaxOutputTokens":5}}`, "", "letter case"},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{},"generationConfig":{}}`, "", "duplicate"},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{},"generation_config":{}}`, "generation_config", "two spellings"},
		{llm.GenerateContent, `{"contents":[],"generation\u0043onfig":{},"generation_config":{}}`, "generation_config", "two spellings"},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"max_output_tokens":null,"maxOutputTokens":5}}`, "generationConfig.maxOutputTokens", "two spellings"},
		{llm.GenerateContent, `{"contents":[{"parts":[{"inlineData":{},"inline_data":{}}]}]}`, "contents[0].parts[0].inline_data", "two spellings"},
		{llm.GenerateContent, `{"contents":[{"parts":[{"inlineData":{"mimeType":"a","mime_type":"b"}}]}]}`, "contents[0].parts[0].inlineData.mime_type", "two spellings"},
		{llm.GenerateContent, `{"contents":[],"futureMember":1,"future_member":2}`, "future_member", "two spellings"},
		{llm.GenerateContent, `{"contents":5}`, "contents", "want an array"},
		{llm.GenerateContent, `{"contents":["x"]}`, "contents[0]", "want an object"},
		{llm.GenerateContent, `{"contents":[{"role":5}]}`, "contents[0].role", "a string"},
		{llm.GenerateContent, `{"contents":[{"parts":"x"}]}`, "contents[0].parts", "an array"},
		{llm.GenerateContent, `{"contents":[{"parts":[{"text":5}]}]}`, "contents[0].parts[0].text", "a string"},
		{llm.GenerateContent, `{"contents":[{"parts":[{"thought":"yes"}]}]}`, "contents[0].parts[0].thought", "true or false"},
		{llm.GenerateContent, `{"contents":[{"parts":[{"functionCall":[]}]}]}`, "contents[0].parts[0].functionCall", "an object"},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"maxOutputTokens":"100"}}`, "generationConfig.maxOutputTokens", "an integer"},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"maxOutputTokens":1e2}}`, "generationConfig.maxOutputTokens", "exponent"},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"maxOutputTokens":0}}`, "generationConfig.maxOutputTokens", "from 1"},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"candidateCount":1000}}`, "generationConfig.candidateCount", "from 1"},
		{llm.GenerateContent, `{"contents":[],"generationConfig":[]}`, "generationConfig", "an object"},
		{llm.GenerateContent, `{"contents":[],"systemInstruction":5}`, "systemInstruction", "an object"},
		{llm.GenerateContent, `{"contents":[],"tools":[5]}`, "tools[0]", "an object"},
		{llm.GenerateContent, `{"contents":[],"model":5}`, "model", "a string"},
		{llm.GeminiBatchEmbed, `{"requests":[{"model":"models/a"},{"model":"b"}]}`, "requests[1].model", "another model"},
		{llm.GeminiCount, `{"model":"a","generateContentRequest":{"model":"models/b","contents":[]}}`, "generateContentRequest.model", "another model"},
		{llm.OllamaChat, `{"messages":[]}`, "model", "required"},
		{llm.OllamaChat, `{"model":"m","Stream":false}`, "", "letter case"},
		{llm.OllamaChat, `{"model":"m","messages":[{"content":"x"}]}`, "messages[0].role", "required"},
		{llm.OllamaChat, `{"model":"m","messages":[{"role":"user","images":[5]}]}`, "messages[0].images[0]", "a string"},
		{llm.OllamaChat, `{"model":"m","options":{"num_predict":"5"}}`, "options.num_predict", "an integer"},
		{llm.OllamaChat, `{"model":"m","options":{"num_predict":5.0}}`, "options.num_predict", "fraction"},
		{llm.OllamaChat, `{"model":"m","options":{"Num_Predict":5}}`, "", "letter case"},
		{llm.OllamaChat, `{"model":"m","options":[]}`, "options", "an object"},
		{llm.OllamaGenerate, `{"model":"m","prompt":["a"]}`, "prompt", "a string"},
		{llm.OllamaGenerate, `{"model":"m","context":["a"]}`, "context", "a number"},
		{llm.OllamaEmbed, `{"model":"m"}`, "input", "required"},
	} {
		v, den := Parse(c.dialect, []byte(c.body))
		if den == nil {
			t.Errorf("%s: accepted", c.body)
			continue
		}
		if v != nil || den.Status != 400 || den.Param != c.param || !strings.Contains(den.Message, c.say) {
			t.Errorf("%s: %+v, want param %q and %q", c.body, den, c.param, c.say)
		}
	}
}

func TestNestedLimit(t *testing.T) {
	for _, c := range []struct {
		dialect    llm.Dialect
		body, want string
	}{
		{llm.GenerateContent, `{"contents":[]}`, `{"generationConfig":{"maxOutputTokens":5},"contents":[]}`},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{}}`, `{"contents":[],"generationConfig":{"maxOutputTokens":5}}`},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{ "a":1}}`, `{"contents":[],"generationConfig":{"maxOutputTokens":5, "a":1}}`},
		{llm.GenerateContent, `{"contents":[],"generation_config":{ }}`, `{"contents":[],"generation_config":{"maxOutputTokens":5 }}`},
		{llm.GenerateContent, `{"contents":[],"generation_config":null}`, `{"contents":[],"generation_config":{"maxOutputTokens":5}}`},
		{llm.GenerateContent, `{"contents":[],"generation_config":{"max_output_tokens":null}}`, `{"contents":[],"generation_config":{"max_output_tokens":5}}`},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"max_output_tokens":50}}`, `{"contents":[],"generationConfig":{"max_output_tokens":5}}`},
		{llm.GenerateContent, `{"contents":[],"generationConfig":{"maxOutputTokens":4}}`, `{"contents":[],"generationConfig":{"maxOutputTokens":4}}`},
		{llm.GeminiCount, `{"contents":[]}`, `{"contents":[]}`},
		{llm.GeminiEmbed, `{"content":{}}`, `{"content":{}}`},
		{llm.OllamaChat, `{"model":"m"}`, `{"options":{"num_predict":5},"model":"m"}`},
		{llm.OllamaChat, `{"model":"m","options":{"seed":1}}`, `{"model":"m","options":{"num_predict":5,"seed":1}}`},
		{llm.OllamaChat, `{"model":"m","options":{}}`, `{"model":"m","options":{"num_predict":5}}`},
		{llm.OllamaChat, `{"model":"m","options":null}`, `{"model":"m","options":{"num_predict":5}}`},
		{llm.OllamaGenerate, `{"model":"m","options":{"num_predict":-2}}`, `{"model":"m","options":{"num_predict":5}}`},
		{llm.OllamaGenerate, `{"model":"m","options":{"num_predict":6}}`, `{"model":"m","options":{"num_predict":5}}`},
		{llm.OllamaEmbed, `{"model":"m","input":"x"}`, `{"model":"m","input":"x"}`},
		{llm.InputTokens, `{"model":"m","input":"x"}`, `{"model":"m","input":"x"}`},
	} {
		v, den := Parse(c.dialect, []byte(c.body))
		if den != nil {
			t.Errorf("%s: %v", c.body, den)
			continue
		}
		got := Outbound(v, &llm.Changes{MaxTokens: 5}, llm.Deployment{})
		if string(got) != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.body, got, c.want)
		}
		if _, den := Parse(c.dialect, got); den != nil {
			t.Errorf("%s: %v", got, den)
		}
	}
}

func TestGeminiModels(t *testing.T) {
	for _, c := range []struct {
		dialect           llm.Dialect
		body, model, want string
	}{
		{llm.GenerateContent, `{"contents":[]}`, "n", `{"contents":[]}`},
		{llm.GenerateContent, `{"model" : "models/m","contents":[{"role":"model"}]}`, "n", `{"model" : "models/n","contents":[{"role":"model"}]}`},
		{llm.GenerateContent, `{"m\u006fdel":"m","contents":[]}`, "tunedModels/n", `{"m\u006fdel":"tunedModels/n","contents":[]}`},
		{llm.GeminiBatchEmbed, `{"requests":[{"model":"models/m","content":{}},{"model":"m"},{}]}`, "n", `{"requests":[{"model":"models/n","content":{}},{"model":"models/n"},{}]}`},
		{llm.GeminiCount, `{"generate_content_request":{"model":"models/m","contents":[]}}`, "n", `{"generate_content_request":{"model":"models/n","contents":[]}}`},
		{llm.GeminiBatchEmbed, `{"requests":[{"model":"models/m","content":{}}]}`, "m", `{"requests":[{"model":"models/m","content":{}}]}`},
	} {
		v, den := Parse(c.dialect, []byte(c.body))
		if den != nil {
			t.Errorf("%s: %v", c.body, den)
			continue
		}
		verb := map[llm.Dialect]string{llm.GenerateContent: "generateContent", llm.GeminiBatchEmbed: "batchEmbedContents", llm.GeminiCount: "countTokens"}[c.dialect]
		if den := SetPath(v, "/v1beta/models/m:"+verb); den != nil || v.Model != "m" || v.Stream {
			t.Errorf("%s: %v, model %q", c.body, den, v.Model)
		}
		if got := string(Outbound(v, &llm.Changes{}, llm.Deployment{Model: c.model})); got != c.want {
			t.Errorf("%s\n got %s\nwant %s", c.body, got, c.want)
		}
	}
	v, _ := Parse(llm.GeminiBatchEmbed, []byte(`{"requests":[{"model":"models/dear"}]}`))
	if den := SetPath(v, "/v1beta/models/cheap:batchEmbedContents"); den == nil || den.Param != "model" {
		t.Error("another model in the body", den)
	}
	v, _ = Parse(llm.GenerateContent, []byte(`{"contents":[]}`))
	if den := SetPath(v, "/v1/models/g%01:generateContent"); den == nil {
		t.Error("a control byte in the model")
	}
	if den := SetPath(v, "/v1/models/"+strings.Repeat("x", 300)+":generateContent"); den == nil {
		t.Error("a long model")
	}
	if den := SetPath(v, "/v1/models/g:streamGenerateContent"); den != nil || !v.Stream {
		t.Error(den, v.Stream)
	}
	v, _ = Parse(llm.Chat, []byte(`{"model":"m","messages":[]}`))
	if den := SetPath(v, "/v1/models/g:generateContent"); den != nil || v.Model != "m" {
		t.Error("another dialect's view was changed")
	}
}

func TestSpellings(t *testing.T) {
	for camel, snake := range map[string]string{
		"maxOutputTokens": "max_output_tokens", "text": "text", "topP": "top_p", "max_output_tokens": "max_output_tokens", "a_B": "a_B", "": "",
	} {
		if got := snakeCase(camel); got != snake {
			t.Errorf("%q: %q, want %q", camel, got, snake)
		}
	}
	for snake, camel := range map[string]string{"max_output_tokens": "maxOutputTokens", "text": "text", "top_p": "topP"} {
		if got := camelCase(snake); got != camel {
			t.Errorf("%q: %q, want %q", snake, got, camel)
		}
	}
}

// geminiAgain checks what holds for every Gemini request that is accepted: it
// reads the same after a change of the model and a limit, and no object of the
// structure has a member in two spellings.
func geminiAgain(t *testing.T, v *llm.View) {
	t.Helper()
	v.Model = "m"
	w, den := Parse(v.Dialect, Outbound(v, &llm.Changes{MaxTokens: 1, Model: "other"}, llm.Deployment{}))
	if den != nil || v.Dialect == llm.GenerateContent && w.MaxTokens != 1 || w.Model != "" && w.Model != "other" {
		t.Fatalf("%q: outbound %v %+v", v.Raw, den, w)
	}
	if len(w.Segments) != len(v.Segments) {
		t.Fatalf("%q: %d segments became %d", v.Raw, len(v.Segments), len(w.Segments))
	}
	seen := map[string]bool{}
	d := jsontext.NewDecoder(bytes.NewReader(v.Raw), jsontext.AllowInvalidUTF8(true))
	_, _ = d.ReadToken()
	for n := 0; d.PeekKind() == '"' && n < maxSpelled; n++ {
		name, err := d.ReadToken()
		if err != nil {
			t.Fatal(err)
		}
		s := snakeCase(name.String())
		if seen[s] {
			t.Fatalf("%q: %s twice", v.Raw, s)
		}
		seen[s] = true
		_ = d.SkipValue()
	}
}

func BenchmarkParseGemini(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog, twice. ", 1600)
	body := []byte(`{"contents":[{"role":"user","parts":[{"text":"` + text + `"},{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}],"generationConfig":{"maxOutputTokens":100},"tools":[{"functionDeclarations":[{"name":"f"}]}]}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, den := Parse(llm.GenerateContent, body); den != nil {
			b.Fatal(den)
		}
	}
}
