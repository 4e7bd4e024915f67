package answer

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// lines feeds the lines of an Ollama stream.
func readLines(t *testing.T, d llm.Dialect, in ...string) *Answer {
	t.Helper()
	a := New(d, true)
	for _, s := range in {
		if a.Event([]byte(s+"\n")) != Pass {
			t.Fatalf("%s: malformed", s)
		}
	}
	return a
}

func TestGeminiUsage(t *testing.T) {
	for _, tc := range []struct {
		name   string
		d      llm.Dialect
		stream bool
		in     []string
		want   llm.Usage
	}{
		{"thoughts are outside the candidates", llm.GenerateContent, false, []string{`{"candidates":[{"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":7,"totalTokenCount":22},"modelVersion":"gemini-2.5-pro"}`},
			llm.Usage{Input: 10, Output: 12, Reasoning: 7, Model: "gemini-2.5-pro", Reported: true, Final: true}},
		{"cached are inside the prompt, tools beside it", llm.GenerateContent, false, []string{`{"candidates":[],"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":60,"toolUsePromptTokenCount":9,"candidatesTokenCount":5,"totalTokenCount":114,"trafficType":"ON_DEMAND_FLEX"}}`},
			llm.Usage{Input: 49, CacheRead: 60, Output: 5, Tier: "flex", Reported: true, Final: true}},
		{"audio", llm.GenerateContent, false, []string{`{"usageMetadata":{"promptTokenCount":100,"cachedContentTokenCount":30,"candidatesTokenCount":5,"promptTokensDetails":[{"modality":"TEXT","tokenCount":40},{"modality":"AUDIO","tokenCount":60}],"cacheTokensDetails":[{"modality":"AUDIO","tokenCount":20}],"candidatesTokensDetails":[{"modality":"AUDIO","tokenCount":4}],"serviceTier":"standard"}}`},
			llm.Usage{Input: 70, CacheRead: 30, InputAudio: 40, CacheReadAudio: 20, Output: 5, OutputAudio: 4, OutputSplit: true, Tier: "standard", Reported: true, Final: true}},
		{"total beyond its parts is output", llm.GenerateContent, false, []string{`{"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"totalTokenCount":20}}`},
			llm.Usage{Input: 10, Output: 10, Reported: true, Final: true}},
		{"the last chunk wins", llm.GenerateContent, true, []string{
			`{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":10,"totalTokenCount":10},"modelVersion":"models/g"}`,
			`{"candidates":[{"content":{"parts":[{"text":"b"}]}}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":3,"totalTokenCount":13}}`,
			`{"candidates":[{"content":{"parts":[{"text":"c"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":6,"totalTokenCount":16}}`},
			llm.Usage{Input: 10, Output: 6, Model: "g", Reported: true, Final: true}},
		{"not final before the end", llm.GenerateContent, true, []string{`{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":3,"totalTokenCount":13}}`},
			llm.Usage{Input: 10, Output: 3, Reported: true}},
		{"a refused prompt", llm.GenerateContent, true, []string{`{"promptFeedback":{"blockReason":"SAFETY"},"usageMetadata":{"promptTokenCount":10,"totalTokenCount":10}}`},
			llm.Usage{Input: 10, Reported: true, Final: true}},
		{"web searches", llm.GenerateContent, false, []string{`{"candidates":[{"finishReason":"STOP","groundingMetadata":{"webSearchQueries":["a","b"]}}],"usageMetadata":{"promptTokenCount":1,"candidatesTokenCount":1}}`},
			llm.Usage{Input: 1, Output: 1, WebSearches: 2, Reported: true, Final: true}},
		{"figures that are none", llm.GenerateContent, false, []string{`{"usageMetadata":{"promptTokenCount":-5,"candidatesTokenCount":"3","totalTokenCount":null}}`}, llm.Usage{}},
		{"no usage", llm.GenerateContent, false, []string{`{"candidates":[]}`}, llm.Usage{}},
		{"an array of chunks", llm.GenerateContent, false, []string{`[{"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":1}},` + "\r\n" + `{"candidates":[{"finishReason":"MAX_TOKENS"}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":4}}]`},
			llm.Usage{Input: 10, Output: 4, Reported: true, Final: true}},
		{"embedding", llm.GeminiBatchEmbed, false, []string{`{"embeddings":[{"values":[1,2]}],"usageMetadata":{"promptTokenCount":10}}`}, llm.Usage{Input: 10, Reported: true, Final: true}},
		{"embedding without figures", llm.GeminiEmbed, false, []string{`{"embedding":{"values":[1,2]}}`}, llm.Usage{}},

		{"ollama", llm.OllamaChat, false, []string{`{"model":"m","message":{"role":"assistant","content":"hi"},"done":true,"done_reason":"stop","prompt_eval_count":26,"eval_count":3,"eval_duration":123456789}`},
			llm.Usage{Input: 26, Output: 3, Model: "m", Reported: true, Final: true}},
		{"ollama embed", llm.OllamaEmbed, false, []string{`{"model":"m","embeddings":[[1]],"prompt_eval_count":4}`}, llm.Usage{Input: 4, Model: "m", Reported: true, Final: true}},
		{"ollama: a cached prompt that is not counted", llm.OllamaGenerate, false, []string{`{"model":"m","response":"x","done":true,"eval_count":3}`}, llm.Usage{Output: 3, Model: "m", Reported: true}},
		{"ollama: loading costs nothing", llm.OllamaGenerate, false, []string{`{"model":"m","response":"","done":true,"done_reason":"load"}`}, llm.Usage{Model: "m", Reported: true, Final: true}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := read(t, tc.d, tc.stream, tc.in...).Usage(); !reflect.DeepEqual(got, tc.want) {
				t.Errorf("\n got %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

// Where each compatible server puts its usage in a stream.
func TestServersUsage(t *testing.T) {
	const text = `{"id":"1","object":"chat.completion.chunk","created":1,"model":"m","choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":null}]}`
	for _, tc := range []struct {
		name string
		in   []string
		want llm.Usage
	}{
		{"Groq: x_groq", []string{text, `{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"x_groq":{"id":"r","usage":{"queue_time":0.1,"prompt_tokens":18,"completion_tokens":5,"total_tokens":23,"total_time":0.02}}}`},
			llm.Usage{Input: 18, Output: 5}},
		{"DeepSeek: last chunk with choices, cache hits", []string{text, `{"model":"m","choices":[{"index":0,"delta":{"content":"","reasoning_content":null},"finish_reason":"stop"}],"usage":{"prompt_tokens":18,"completion_tokens":5,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":10},"prompt_cache_hit_tokens":10,"prompt_cache_miss_tokens":8}}`},
			llm.Usage{Input: 8, CacheRead: 10, Output: 5}},
		{"z.ai: last chunk with choices", []string{text, `{"model":"m","choices":[{"index":0,"finish_reason":"stop","delta":{"role":"assistant","content":""}}],"usage":{"prompt_tokens":18,"completion_tokens":5,"total_tokens":23,"prompt_tokens_details":{"cached_tokens":4}}}`},
			llm.Usage{Input: 14, CacheRead: 4, Output: 5}},
		{"OpenRouter: comments, cost, reasoning beyond the completion", []string{text, `{"provider":"X","model":"m","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop","native_finish_reason":"stop"}],"usage":{"prompt_tokens":18,"completion_tokens":5,"total_tokens":23,"cost":0.00014,"is_byok":false,"cost_details":{"upstream_inference_cost":null},"completion_tokens_details":{"reasoning_tokens":9}}}`},
			llm.Usage{Input: 18, Output: 5, Reasoning: 5, ProviderCost: 140_000}},
		{"Mistral: last chunk with choices", []string{text, `{"model":"m","choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}],"usage":{"prompt_tokens":18,"total_tokens":23,"completion_tokens":5,"num_cached_tokens":2}}`},
			llm.Usage{Input: 16, CacheRead: 2, Output: 5}},
		{"vLLM: usage in every chunk", []string{`{"model":"m","choices":[{"index":0,"delta":{"content":"h"},"finish_reason":null}],"usage":{"prompt_tokens":18,"total_tokens":19,"completion_tokens":1}}`,
			`{"model":"m","choices":[{"index":0,"delta":{"content":"i"},"finish_reason":"stop"}],"usage":{"prompt_tokens":18,"total_tokens":23,"completion_tokens":5}}`,
			`{"model":"m","choices":[],"usage":{"prompt_tokens":18,"total_tokens":23,"completion_tokens":5}}`}, llm.Usage{Input: 18, Output: 5}},
		{"Google's OpenAI face: the total is beyond its parts", []string{text, `{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":18,"completion_tokens":2,"total_tokens":23}}`}, llm.Usage{Input: 18, Output: 5}},
		{"llama.cpp: usage chunk with timings", []string{text, `{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, `{"model":"m","choices":[],"usage":{"prompt_tokens":18,"completion_tokens":5,"total_tokens":23},"timings":{"prompt_n":1}}`}, llm.Usage{Input: 18, Output: 5}},
		{"Moonshot: inside the choice", []string{text, `{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop","usage":{"prompt_tokens":18,"completion_tokens":5,"total_tokens":23}}]}`}, llm.Usage{Input: 18, Output: 5}},
		{"OpenAI: moderation behind the usage", []string{text, `{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`, `{"model":"m","choices":[],"usage":{"prompt_tokens":18,"completion_tokens":5,"total_tokens":23}}`, `{"model":"m","choices":[],"moderation":{"flagged":false}}`}, llm.Usage{Input: 18, Output: 5}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := New(llm.Chat, true)
			a.Event([]byte(": OPENROUTER PROCESSING\n\n"))
			for _, s := range append(tc.in, "[DONE]") {
				if a.Event([]byte("data: "+s+"\n\n")) == Malformed {
					t.Fatal(s)
				}
			}
			tc.want.Model, tc.want.Reported, tc.want.Final = "m", true, true
			if got := a.Usage(); !reflect.DeepEqual(got, tc.want) || !a.Whole() {
				t.Errorf("\n got %+v\nwant %+v", got, tc.want)
			}
		})
	}
}

func TestGeminiTerminal(t *testing.T) {
	const (
		a0, f0 = `{"candidates":[{"index":0,"content":{"parts":[{"text":"a"}]}}]}`, `{"candidates":[{"content":{"parts":[{"text":"z"}]},"finishReason":"STOP"}]}`
		a1, f1 = `{"candidates":[{"index":1,"content":{"parts":[{"text":"a"}]}}]}`, `{"candidates":[{"index":1,"finishReason":"MAX_TOKENS"}]}`
	)
	for _, tc := range []struct {
		name   string
		in     []string
		want   bool
		finish string
	}{
		{"nothing", nil, false, ""},
		{"text", []string{a0}, false, ""},
		{"finished", []string{a0, f0}, true, "STOP"},
		{"one of two", []string{a0, a1, f0}, false, "STOP"},
		{"both", []string{a0, a1, f0, f1}, true, "MAX_TOKENS"},
		{"a reason in every chunk, then a cut", []string{f0, a0}, false, "STOP"},
		{"figures behind the end", []string{a0, f0, `{"candidates":[{"index":0}],"usageMetadata":{"promptTokenCount":1}}`}, true, "STOP"},
		{"no reason yet", []string{`{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}`}, false, ""},
		{"a refused prompt", []string{`{"promptFeedback":{"blockReason":"PROHIBITED_CONTENT"}}`}, true, "PROHIBITED_CONTENT"},
		{"the end in the text", []string{`{"candidates":[{"content":{"parts":[{"text":"\"finishReason\":\"STOP\""}]}}]}`}, false, ""},
		{"done is not its end", []string{"[DONE]"}, false, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := read(t, llm.GenerateContent, true, tc.in...)
			if a.Terminal() != tc.want || a.FinishReason() != tc.finish {
				t.Errorf("terminal %v, finish %q", a.Terminal(), a.FinishReason())
			}
		})
	}
}

func TestOllamaStream(t *testing.T) {
	const text, end = `{"model":"m","created_at":"2026-01-01T00:00:00Z","message":{"role":"assistant","content":"hello"},"done":false}`,
		`{"model":"m","message":{"role":"assistant","content":""},"done":true,"done_reason":"stop","total_duration":1,"prompt_eval_count":26,"eval_count":298}`
	a := readLines(t, llm.OllamaChat, text, "", text)
	if a.Terminal() || a.TextBytes() != 10 || a.Usage().Reported {
		t.Errorf("before the end: %+v, %d", a.Usage(), a.TextBytes())
	}
	a = readLines(t, llm.OllamaChat, text, end)
	if !a.Terminal() || !a.Whole() || a.FinishReason() != "stop" || a.Model() != "m" || a.Usage().Output != 298 {
		t.Errorf("at the end: %+v", a.Usage())
	}
	a = readLines(t, llm.OllamaGenerate, `{"model":"m","response":"abc","thinking":"de","done":false}`)
	if a.TextBytes() != 5 {
		t.Error(a.TextBytes())
	}
	// What a tool is called with is not the stream's own word.
	a = readLines(t, llm.OllamaChat, `{"model":"m","message":{"tool_calls":[{"function":{"name":"f","arguments":{"done":true,"error":"x"}}}]},"done": false}`)
	if _, failed := a.Failed(); a.Terminal() || failed || a.TextBytes() == 0 {
		t.Error("arguments were taken for the end")
	}
	a = readLines(t, llm.OllamaChat, `{"message":{"tool_calls":[{"function":{"arguments":{"done":false}}}]},"done":true,"prompt_eval_count":1,"eval_count":1}`)
	if !a.Whole() {
		t.Error("the end was overlooked")
	}
	a = readLines(t, llm.OllamaChat, text, `{"error":"an error was encountered while running the model"}`)
	if words, failed := a.Failed(); !failed || words != "an error was encountered while running the model" || a.Terminal() {
		t.Error(words, failed)
	}
	for _, bad := range []string{"x\n", "[1]\n", "{\"done\":true\n", `{"done":true} {}` + "\n", "data: {}\n"} {
		if New(llm.OllamaChat, true).Event([]byte(bad)) != Malformed {
			t.Errorf("%q is not malformed", bad)
		}
	}
}

func TestNewBodies(t *testing.T) {
	for _, tc := range []struct {
		d    llm.Dialect
		body string
		ok   bool
	}{
		{llm.GenerateContent, `{}`, true}, {llm.GenerateContent, `[]`, false}, {llm.GenerateContent, `[{}]`, false}, {llm.GenerateContent, `[1]`, false}, {llm.GenerateContent, `{} {}`, false},
		{llm.GenerateContent, `{"candidates":[`, false}, {llm.GenerateContent, ``, false}, {llm.GenerateContent, `"x"`, false}, {llm.GenerateContent, `[{"error":{"message":"m"}}]`, true},
		{llm.GenerateContent, `[{"candidates":[{"finishReason":"STOP"}]}`, false}, {llm.GenerateContent, `[{"candidates":[{"finishReason":"STOP"}]}] x`, false},
		{llm.OllamaChat, `{"done":true}`, true}, {llm.OllamaChat, `{"done":false}`, false}, {llm.OllamaChat, "{\"done\":false}\n{\"done\":true}", false}, {llm.OllamaChat, `[]`, false}, {llm.OllamaChat, `{"error":"x"}`, true},
		{llm.OllamaEmbed, `{"embeddings":[]}`, true},
		{llm.InputTokens, `{"input_tokens":5}`, true}, {llm.InputTokens, `{`, false}, {llm.GeminiCount, `{"totalTokens":5}`, true}, {llm.GeminiCount, `[]`, true}, {llm.Objects, `[1,"a"]`, true}, {llm.Objects, `{} x`, false},
		{llm.GeminiModels, `{"models":[]}`, true}, {llm.OllamaModels, `{"models":[]}`, true},
	} {
		if err := New(tc.d, false).Body([]byte(tc.body)); (err == nil) != tc.ok {
			t.Errorf("%v %s: %v", tc.d, tc.body, err)
		}
	}
	for d, body := range map[llm.Dialect]string{
		llm.GenerateContent: `{"error":{"code":503,"message":"overloaded","status":"UNAVAILABLE"}}`, llm.OllamaGenerate: `{"error":"overloaded"}`,
	} {
		if words, failed := read(t, d, false, body).Failed(); !failed || words != "overloaded" {
			t.Errorf("%v: %q %v", d, words, failed)
		}
	}
	a := New(llm.GenerateContent, true)
	if a.Event([]byte("{\"error\": {\"code\":503,\n\"message\":\"m\"}}\r\n\r\n")) != Pass {
		t.Error("a bare error is malformed")
	}
	if words, failed := a.Failed(); !failed || words != "m" {
		t.Error("a bare error inside a stream was overlooked")
	}
	if n := read(t, llm.GenerateContent, true, `{"candidates":[{"content":{"parts":[{"text":"abc"},{"functionCall":{"name":"f","args":{}}},{"inlineData":{"mimeType":"image/png","data":"`+strings.Repeat("A", 1<<20)+`"}}]}}]}`).TextBytes(); n < 3+20 || n > 10<<10 {
		t.Error(n)
	}
}

func TestNewErrors(t *testing.T) {
	d := llm.Deny(429, llm.CodeRateLimited, llm.StageQuota, "slow down")
	d.RetryAfter = 1500 * time.Millisecond
	if got, want := string(ErrorBody(llm.FamilyGemini, d, "r")), `{"error":{"code":429,"message":"slow down","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"rate_limited","domain":"llm-gateway","metadata":{"requestId":"r"}},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"2s"}]}}`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if got, want := string(ErrorBody(llm.FamilyOllama, d, "r")), `{"error":"slow down","code":"rate_limited"}`; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	for status, want := range map[int]string{400: "INVALID_ARGUMENT", 401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 413: "INVALID_ARGUMENT", 422: "INVALID_ARGUMENT",
		429: "RESOURCE_EXHAUSTED", 499: "CANCELLED", 500: "INTERNAL", 501: "UNIMPLEMENTED", 502: "UNAVAILABLE", 503: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"} {
		if got := geminiStatus(status); got != want {
			t.Errorf("%d: %s", status, got)
		}
	}
	// Google's SDKs throw at an error object that is no event of its own.
	if got := ErrorEvent(llm.GenerateContent, d, "r", 3); !bytes.HasPrefix(got, []byte(`{"error":{"code":429,`)) || bytes.Contains(got, []byte("\n\n")) || !json.Valid(got) {
		t.Errorf("%s", got)
	}
	if got := string(ErrorEvent(llm.OllamaChat, d, "r", 3)); got != `{"error":"slow down","code":"rate_limited"}`+"\n" {
		t.Errorf("%s", got)
	}
	for _, text := range hostile {
		d := llm.Deny(502, text, llm.StageProvider, "%s", text)
		for _, f := range []llm.Family{llm.FamilyGemini, llm.FamilyOllama} {
			if b := ErrorBody(f, d, text); !json.Valid(b) || len(b) > 40<<10 || bytes.ContainsAny(b, "<>&\x00\x7f\n\r") {
				t.Errorf("%.80q: %.200s", text, b)
			}
			if b := ModelsBody(f, []ModelInfo{{ID: text, Provider: text}, {ID: "b"}}); !json.Valid(b) {
				t.Errorf("%.80q: %.200s", text, b)
			}
		}
		for _, dialect := range []llm.Dialect{llm.GenerateContent, llm.OllamaChat, llm.OllamaGenerate} {
			a := New(dialect, true)
			if a.Event(ErrorEvent(dialect, d, text, 1)) != Pass {
				t.Errorf("%v %.80q: malformed", dialect, text)
			}
			if _, failed := a.Failed(); !failed && text != "" {
				t.Errorf("%v %.80q: no failure", dialect, text)
			}
		}
	}
}

func TestNewModels(t *testing.T) {
	models := []ModelInfo{{"a", "p"}, {"tunedModels/b", "p"}}
	for f, want := range map[llm.Family]string{
		llm.FamilyGemini: `{"models":[{"name":"models/a","version":"","displayName":"a","supportedGenerationMethods":["generateContent","countTokens","embedContent","batchEmbedContents"]},{"name":"tunedModels/b","version":"","displayName":"tunedModels/b","supportedGenerationMethods":["generateContent","countTokens","embedContent","batchEmbedContents"]}]}`,
		llm.FamilyOllama: `{"models":[{"name":"a","model":"a","modified_at":"1970-01-01T00:00:00Z","size":0,"digest":"","details":{"parent_model":"","format":"","family":"","families":[],"parameter_size":"","quantization_level":""}},{"name":"tunedModels/b","model":"tunedModels/b","modified_at":"1970-01-01T00:00:00Z","size":0,"digest":"","details":{"parent_model":"","format":"","family":"","families":[],"parameter_size":"","quantization_level":""}}]}`,
	} {
		if got := string(ModelsBody(f, models)); got != want {
			t.Errorf("\n got %s\nwant %s", got, want)
		}
		if got := string(ModelsBody(f, nil)); got != `{"models":[]}` {
			t.Error(got)
		}
	}
}

func TestLineSplitter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		stream := rapid.StringMatching(`([a{} \r]|\n|\r\n){0,40}`).Draw(rt, "stream")
		var s LineSplitter
		var got []string
		for left := stream; left != ""; {
			n := rapid.IntRange(1, len(left)).Draw(rt, "n")
			piece := []byte(left[:n])
			left = left[n:]
			if err := s.Feed(piece, func(line []byte) error { got = append(got, string(line)); return nil }); err != nil {
				rt.Fatal(err)
			}
			for i := range piece { // what was handed out or kept must not depend on it
				piece[i] = '!'
			}
		}
		var want []string
		for line := range strings.Lines(stream) {
			want = append(want, line)
		}
		rest := ""
		if n := len(want); n > 0 && !strings.HasSuffix(want[n-1], "\n") {
			rest, want = strings.TrimSpace(want[n-1]), want[:n-1]
		}
		if strings.Join(got, "|") != strings.Join(want, "|") || string(s.Rest()) != rest {
			rt.Fatalf("%q + %q, want %q + %q", got, s.Rest(), want, rest)
		}
	})
	var s LineSplitter
	if err := s.Feed(bytes.Repeat([]byte("x"), MaxEvent), nil); err != nil {
		t.Error(err)
	}
	if err := s.Feed([]byte("x"), nil); err != ErrEventTooLarge {
		t.Error(err)
	}
	if err := new(LineSplitter).Feed(append(bytes.Repeat([]byte("x"), MaxEvent), '\n'), func([]byte) error { return nil }); err != ErrEventTooLarge {
		t.Error(err)
	}
	stop := errNotObject
	if err := new(LineSplitter).Feed([]byte("a\nb\n"), func([]byte) error { return stop }); err != stop {
		t.Error(err)
	}
	for ctype, want := range map[string]bool{"application/x-ndjson": true, "application/x-ndjson; charset=utf-8": true, "APPLICATION/NDJSON": true, "application/json": false, "": false} {
		if IsNDJSON(ctype) != want {
			t.Error(ctype)
		}
	}
}

// A stream of Ollama read without the shortcut says the same.
func FuzzOllama(f *testing.F) {
	f.Add([]byte(`{"model":"m","message":{"content":"x"},"done":false}`))
	f.Add([]byte(`{"done":true,"eval_count":3,"message":{"tool_calls":[{"arguments":{"done":false}}]}}`))
	f.Add([]byte(`{"error":"x"}`))
	f.Fuzz(func(t *testing.T, line []byte) {
		a := New(llm.OllamaChat, true)
		v := a.Event(line)
		check(t, a)
		if bytes.Contains(line, []byte(`\`)) || !json.Valid(line) || v == Malformed {
			return
		}
		var c ollamaChunk
		if c.decode(decoder(line)) != nil {
			return
		}
		// Only a nested or repeated member of the name may hide the end.
		if _, failed := a.Failed(); (c.done != a.Terminal() && !c.failed || c.failed != failed) && bytes.Count(line, []byte(`"done"`)) == 1 {
			t.Fatalf("%s: done %v failed %v, read %v %v", line, c.done, c.failed, a.Terminal(), failed)
		}
	})
}

func BenchmarkNewEvents(b *testing.B) {
	for _, c := range []struct {
		name string
		d    llm.Dialect
		raw  string
	}{
		{"gemini", llm.GenerateContent, `data: {"candidates":[{"content":{"parts":[{"text":"Hello there, this is a chunk"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":3,"totalTokenCount":13,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10}]},"modelVersion":"gemini-2.5-flash","responseId":"abc"}` + "\r\n\r\n"},
		{"ollama", llm.OllamaChat, `{"model":"llama3.2","created_at":"2026-01-01T00:00:00.000000Z","message":{"role":"assistant","content":"Hello"},"done":false}` + "\n"},
	} {
		b.Run(c.name, func(b *testing.B) {
			a, raw := New(c.d, true), []byte(c.raw)
			b.ReportAllocs()
			for b.Loop() {
				if a.Event(raw) != Pass {
					b.Fatal("malformed")
				}
			}
		})
	}
}
