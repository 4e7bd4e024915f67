package providers_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

const clientKey = "a-client-key-of-enough-length"

// gateway runs a site with these lines of global options and of the site, and
// returns its address.
func gateway(t *testing.T, global, site string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	text := fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n\tllm_gateway {\n\t\tdata_dir %s\n%s\n\t}\n}\nhttp://%s {\n\tllm_audit\n\tllm_auth {\n\t\tkey web %s\n\t}\n%s\n}\n",
		t.TempDir(), global, addr, clientKey, site)
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return addr
}

// send sends a request with the key where the client's SDK puts it.
func send(t *testing.T, method, addr, path, body, keyHeader string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	key := clientKey
	if keyHeader == "Authorization" {
		key = "Bearer " + key
	}
	req.Header.Set(keyHeader, key)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Errorf("%s: %v after %s", path, err, b)
	}
	return res, string(b)
}

// TestNativeThroughGateway: clients that speak Gemini and Ollama get whole
// answers, streamed and not, and refusals in their own envelope.
func TestNativeThroughGateway(t *testing.T) {
	addr := gateway(t, "\t\tprovider simulated\n\t\tprice simulated/* 1 1", "\tllm_cost {\n\t\tunpriced meter\n\t\tbudget 5 USD/day\n\t}\n\tllm_upstream {\n\t\tmodel sim-* simulated\n\t}")
	const contents, chat = `{"contents":[{"role":"user","parts":[{"text":"hello"}]}]}`, `"messages":[{"role":"user","content":"hello"}]}`
	for _, tc := range []struct {
		method, path, body, key string
		status                  int
		ctype                   string
		say                     []string
	}{
		{"POST", "/v1beta/models/sim-x:generateContent", contents, "X-Goog-Api-Key", 200, "application/json", []string{"simulated answer of sim-x to: hello", `"finishReason":"STOP"`}},
		{"POST", "/v1/models/sim-x:streamGenerateContent?alt=sse", contents, "X-Goog-Api-Key", 200, "text/event-stream", []string{"data: {", `"finishReason":"STOP"`}},
		{"POST", "/v1beta/models/sim-x:streamGenerateContent", contents, "X-Goog-Api-Key", 200, "application/json", []string{`[{"candidates":`, `"finishReason":"STOP"`}},
		{"POST", "/v1beta/models/sim-x:countTokens", contents, "X-Goog-Api-Key", 200, "application/json", []string{`"totalTokens":`}},
		{"POST", "/v1beta/models/sim-x:embedContent", `{"content":{"parts":[{"text":"a"}]}}`, "X-Goog-Api-Key", 200, "application/json", []string{`"embedding"`}},
		{"POST", "/v1beta/models/sim-x:batchEmbedContents", `{"requests":[{"model":"models/sim-x","content":{"parts":[{"text":"a"}]}}]}`, "X-Goog-Api-Key", 200, "application/json", []string{`"embeddings"`}},
		{"POST", "/v1beta/models/sim-x:batchEmbedContents", `{"requests":[{"model":"models/sim-dear","content":{}}]}`, "X-Goog-Api-Key", 400, "application/json", []string{`"status":"INVALID_ARGUMENT"`, "another model"}},
		{"POST", "/v1beta/models/other:generateContent", contents, "X-Goog-Api-Key", 404, "application/json", []string{`"status":"NOT_FOUND"`, `"reason":"model_not_found"`}},
		{"POST", "/v1beta/models/sim-error-503:generateContent", contents, "X-Goog-Api-Key", 503, "application/json", []string{`"status":"UNAVAILABLE"`}},
		{"POST", "/v1beta/models/sim-x:generateContent", `{"contents":[],"generationConfig":{},"generation_config":{}}`, "X-Goog-Api-Key", 400, "application/json", []string{"two spellings"}},
		{"GET", "/v1beta/models", "", "X-Goog-Api-Key", 200, "application/json", []string{`{"models":[`, `"name":"models/sim-fast"`}},
		{"GET", "/v1/models", "", "X-Goog-Api-Key", 200, "application/json", []string{`{"models":[`, `"name":"models/sim-fast"`}},

		{"POST", "/api/chat", `{"model":"sim-x",` + chat, "Authorization", 200, "application/x-ndjson", []string{`"content":"simulated "`, `"done":true`}},
		{"POST", "/api/chat", `{"model":"sim-x","stream":false,` + chat, "Authorization", 200, "application/json", []string{"simulated answer", `"done":true`}},
		{"POST", "/api/generate", `{"model":"sim-x","prompt":"hello"}`, "Authorization", 200, "application/x-ndjson", []string{`"response":"simulated "`, `"done":true`}},
		{"POST", "/api/embed", `{"model":"sim-x","input":["a"]}`, "Authorization", 200, "application/json", []string{`"embeddings"`}},
		{"POST", "/api/chat", `{"model":"other",` + chat, "Authorization", 404, "application/json", []string{`{"error":"`, `"code":"model_not_found"}`}},
		{"GET", "/api/tags", "", "Authorization", 200, "application/json", []string{`{"models":[`, `"name":"sim-fast"`}},
		{"POST", "/v1/responses/input_tokens", `{"model":"sim-x","input":"hello"}`, "Authorization", 200, "application/json", []string{`"input_tokens":`}},
		{"POST", "/api/pull", `{"model":"sim-x"}`, "Authorization", 404, "application/json", []string{"error"}},
	} {
		t.Run(tc.method+tc.path+tc.body[:min(len(tc.body), 30)], func(t *testing.T) {
			res, got := send(t, tc.method, addr, tc.path, tc.body, tc.key)
			if res.StatusCode != tc.status || res.Header.Get("Content-Type") != tc.ctype {
				t.Fatalf("%d %s: %s", res.StatusCode, res.Header.Get("Content-Type"), got)
			}
			for _, say := range tc.say {
				if !strings.Contains(got, say) {
					t.Errorf("no %q in %s", say, got)
				}
			}
		})
	}
	// A broken stream says so, in the form that the client's SDK reports.
	if got := sendCut(t, addr, "/api/chat", `{"model":"sim-cut",`+chat); !strings.Contains(got, `{"error":"`) || !strings.Contains(got, "\n") {
		t.Errorf("ollama: %s", got)
	}
	if got := sendCut(t, addr, "/v1beta/models/sim-cut:streamGenerateContent?alt=sse", contents); !strings.Contains(got, "\n\n{\"error\":{\"code\":502,") {
		t.Errorf("gemini: %s", got)
	}
}

// sendCut is send for an answer whose connection may be aborted at its end.
func sendCut(t *testing.T, addr, path, body string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+clientKey)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return string(b)
}

// TestProvidersThroughGateway: what arrives at an Azure resource, at Google and
// at Ollama.
func TestProvidersThroughGateway(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		seen = append(seen, strings.Join([]string{r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Api-Key"), r.Header.Get("X-Goog-Api-Key"), string(b)}, " | "))
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		switch {
		case strings.Contains(r.URL.Path, ":generateContent"):
			io.WriteString(w, `{"candidates":[{"content":{"parts":[{"text":"hi"}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1}}`)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			io.WriteString(w, `{"model":"m","message":{"role":"assistant","content":"hi"},"done":true,"prompt_eval_count":1,"eval_count":1}`)
		default:
			io.WriteString(w, `{"id":"1","object":"chat.completion","model":"gpt-4o","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`)
		}
	}))
	defer server.Close()
	addr := gateway(t, fmt.Sprintf(`
		provider azure {
			api_key azure-key
			base_url %[1]s
			deployment gpt-4o our-4o
		}
		provider dated azure {
			api_key dated-key
			base_url %[1]s
			api_version 2024-10-21
			deployment gpt-4o our-4o
		}
		provider gemini {
			api_key goog-key
			base_url %[1]s
		}
		provider ollama {
			base_url %[1]s
		}
		provider keys openai {
			api_key key-one key-two
			base_url %[1]s/v1
		}`, server.URL), `
	llm_upstream {
		model v1 azure/gpt-4o
		model dated dated/gpt-4o
		model g gemini/gemini-2.5-flash
		model o ollama/llama3.2
		model k keys/gpt-4o
	}`)
	const messages = `"messages":[{"role":"user","content":"hello"}]}`
	for _, tc := range []struct{ path, body, want string }{
		{"/v1/chat/completions", `{"model":"v1",` + messages, `/openai/v1/chat/completions |  | azure-key |  | {"model":"our-4o",` + messages},
		{"/v1/chat/completions", `{"model":"dated",` + messages, `/openai/deployments/our-4o/chat/completions?api-version=2024-10-21 |  | dated-key |  | {"model":"our-4o",` + messages},
		{"/v1beta/models/g:generateContent", `{"contents":[]}`, `/v1beta/models/gemini-2.5-flash:generateContent |  |  | goog-key | {"contents":[]}`},
		{"/api/chat", `{"model":"o","stream":false,` + messages, `/api/chat |  |  |  | {"model":"llama3.2","stream":false,` + messages},
		{"/v1/chat/completions", `{"model":"o",` + messages, `/v1/chat/completions |  |  |  | {"model":"llama3.2",` + messages},
	} {
		seen = nil
		res, got := send(t, "POST", addr, tc.path, tc.body, "Authorization")
		if res.StatusCode != 200 || len(seen) != 1 || seen[0] != tc.want {
			t.Errorf("%s %s: %d %s\n got %q\nwant %s", tc.path, tc.body, res.StatusCode, got, seen, tc.want)
		}
	}
	seen = nil
	for range 6 {
		if res, got := send(t, "POST", addr, "/v1/chat/completions", `{"model":"k",`+messages, "Authorization"); res.StatusCode != 200 {
			t.Fatalf("%d %s", res.StatusCode, got)
		}
	}
	all := strings.Join(seen, "\n")
	if strings.Count(all, "Bearer key-one") == 0 || strings.Count(all, "Bearer key-two") == 0 || len(seen) != 6 {
		t.Errorf("keys are not used in turn:\n%s", all)
	}
}
