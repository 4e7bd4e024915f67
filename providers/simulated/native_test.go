package simulated

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
)

// ask sends a request the way llm_upstream does.
func ask(t *testing.T, d llm.Dialect, model string, stream bool, path, query, body string) (*http.Response, string, error) {
	t.Helper()
	p := new(Simulated)
	req, err := p.NewRequest(t.Context(), &providers.Call{Dialect: d, Model: model, Stream: stream, Method: "POST", Path: path, RawQuery: query, Header: http.Header{}, Body: []byte(body)})
	if err != nil {
		t.Fatal(err)
	}
	return call(t, Handler(0), req.URL.RequestURI(), body)
}

// TestNative: the gateway's own reader takes what is said in the dialects of
// Gemini and Ollama for whole answers with figures.
func TestNative(t *testing.T) {
	const contents = `{"contents":[{"role":"user","parts":[{"text":"hello there"}]}],"tools":[{"functionDeclarations":[{"name":"f"}]}],"generationConfig":{"maxOutputTokens":50}}`
	const chat = `"messages":[{"role":"user","content":"hello there"}],"tools":[{"type":"function","function":{"name":"f"}}],"options":{"num_predict":50}}`
	for _, tc := range []struct {
		name   string
		d      llm.Dialect
		model  string
		stream bool
		query  string
		body   string
		say    string // part of the answer
		finish string
	}{
		{"gemini", llm.GenerateContent, "sim-x", false, "", contents, "simulated answer of sim-x to: hello there", "STOP"},
		{"gemini stream", llm.GenerateContent, "sim-x", true, "alt=sse", contents, `"text":"simulated "`, "STOP"},
		{"gemini array", llm.GenerateContent, "sim-x", true, "", contents, `"text":"simulated "`, "STOP"},
		{"gemini tool", llm.GenerateContent, "sim-tools", false, "", contents, `"functionCall":{"args":{"simulated":true},"name":"f"}`, "STOP"},
		{"gemini limit", llm.GenerateContent, "sim-long-90", true, "alt=sse", contents, "simulated", "MAX_TOKENS"},
		{"ollama", llm.OllamaChat, "sim-x", false, "", `{"model":"sim-x","stream":false,` + chat, "simulated answer of sim-x to: hello there", "stop"},
		{"ollama stream", llm.OllamaChat, "sim-x", true, "", `{"model":"sim-x",` + chat, `"content":"simulated "`, "stop"},
		{"ollama tool", llm.OllamaChat, "sim-tools", true, "", `{"model":"sim-tools",` + chat, `"tool_calls":[{"function":{"arguments":{"simulated":true},"name":"f"}}]`, "stop"},
		{"ollama limit", llm.OllamaChat, "sim-long-90", true, "", `{"model":"sim-long-90",` + chat, "simulated", "length"},
		{"ollama generate", llm.OllamaGenerate, "sim-x", true, "", `{"model":"sim-x","prompt":"hello there"}`, `"response":"simulated "`, "stop"},
		{"ollama embed", llm.OllamaEmbed, "sim-x", false, "", `{"model":"sim-x","input":["a","b"]}`, `[[0.1,0.2,`, ""},
		{"gemini embed", llm.GeminiEmbed, "sim-x", false, "", `{"content":{"parts":[{"text":"a"}]}}`, `"values":[0.1`, ""},
		{"gemini batch", llm.GeminiBatchEmbed, "sim-x", false, "", `{"requests":[{},{}]}`, `"embeddings":[{"values"`, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := "/v1beta/models/" + tc.model + ":generateContent"
			if tc.stream {
				path = "/v1beta/models/" + tc.model + ":streamGenerateContent"
			}
			res, got, err := ask(t, tc.d, tc.model, tc.stream, path, tc.query, tc.body)
			if err != nil || res.StatusCode != 200 || !strings.Contains(got, tc.say) {
				t.Fatalf("%v %v %s", err, res, got)
			}
			ctype := res.Header.Get("Content-Type")
			a := answer.New(tc.d, tc.stream)
			see := func(ev []byte) error {
				if v := a.Event(ev); v != answer.Pass {
					t.Errorf("%s: verdict %d", ev, v)
				}
				return nil
			}
			switch {
			case answer.IsNDJSON(ctype):
				err = new(answer.LineSplitter).Feed([]byte(got), see)
			case answer.IsSSE(ctype):
				err = new(answer.Splitter).Feed([]byte(got), see)
			default:
				err = a.Body([]byte(got))
			}
			if err != nil || !a.Whole() || a.FinishReason() != tc.finish || a.Usage().Input == 0 {
				t.Errorf("%v whole %v finish %q usage %+v: %s", err, a.Whole(), a.FinishReason(), a.Usage(), got)
			}
		})
	}
}

func TestNativeFailures(t *testing.T) {
	contents, chat := `{"contents":[{"parts":[{"text":"a"}]}]}`, `{"model":"MODEL","messages":[{"role":"user","content":"a"}]}`
	for _, d := range []llm.Dialect{llm.GenerateContent, llm.OllamaChat} {
		body := contents
		if d == llm.OllamaChat {
			body = chat
		}
		say := func(model string) (*http.Response, string, error) {
			return ask(t, d, model, true, "/v1beta/models/x:streamGenerateContent", "alt=sse", strings.Replace(body, "MODEL", model, 1))
		}
		if res, got, err := say("sim-error-429"); err != nil || res.StatusCode != 429 || res.Header.Get("Retry-After") == "" || !strings.Contains(got, "simulated error 429") {
			t.Errorf("%v: %v %v %s", d, err, res, got)
		}
		_, got, err := say("sim-error-stream")
		a := answer.New(d, true)
		feed := new(answer.Splitter).Feed
		if d == llm.OllamaChat {
			feed = new(answer.LineSplitter).Feed
		}
		_ = feed([]byte(got), func(ev []byte) error { a.Event(ev); return nil })
		if words, failed := a.Failed(); err != nil || !failed || !strings.Contains(words, "simulated failure") || a.Terminal() {
			t.Errorf("%v: %v %q %s", d, err, words, got)
		}
		if _, got, err = say("sim-cut"); err != nil || strings.Contains(got, `"done":true`) || strings.Contains(got, "finishReason") {
			t.Errorf("%v: %v %s", d, err, got)
		}
	}
	for path, want := range map[string]string{"/v1beta/models": `"name":"models/sim-fast"`, "/api/tags": `"name":"sim-fast"`, "/v1/responses/input_tokens": `"input_tokens":1`} {
		if res, got, err := call(t, Handler(0), path, "{}"); err != nil || res.StatusCode != 200 || !strings.Contains(got, want) {
			t.Errorf("%s: %v %s", path, err, got)
		}
	}
}
