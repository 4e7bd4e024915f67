package dialects

import (
	"net/http"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestClassify(t *testing.T) {
	version := http.Header{"Anthropic-Version": {"2026-10-21"}}
	xkey := http.Header{"X-Api-Key": {"k"}}
	both := http.Header{"X-Api-Key": {"k"}, "Authorization": {"Bearer k"}}
	for _, c := range []struct {
		method, path string
		h            http.Header
		dialect      llm.Dialect
		family       llm.Family
		status       int
		allow        string
	}{
		{"POST", "/v1/chat/completions", nil, llm.Chat, llm.FamilyOpenAI, 0, ""},
		{"POST", "/any/prefix/v1/chat/completions", nil, llm.Chat, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/completions", nil, llm.Completions, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/responses", nil, llm.Responses, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/embeddings", nil, llm.Embeddings, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/messages", nil, llm.Messages, llm.FamilyAnthropic, 0, ""},
		{"POST", "/p/v1/messages/count_tokens", nil, llm.CountTokens, llm.FamilyAnthropic, 0, ""},
		{"GET", "/v1/models", nil, llm.Models, llm.FamilyOpenAI, 0, ""},
		{"HEAD", "/v1/models", nil, llm.Models, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/models", version, llm.AnthropicModels, llm.FamilyAnthropic, 0, ""},
		{"GET", "/v1/models", xkey, llm.Models, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/models/gpt-4o", nil, llm.Models, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/models/meta-llama/llama-3.1:free", nil, llm.Models, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/models/claude", version, llm.AnthropicModels, llm.FamilyAnthropic, 0, ""},
		{"GET", "/v1/chat/completions", nil, llm.Chat, llm.FamilyOpenAI, 405, "POST"},
		{"PUT", "/v1/messages", nil, llm.Messages, llm.FamilyAnthropic, 405, "POST"},
		{"POST", "/v1/models", nil, llm.Models, llm.FamilyOpenAI, 405, "GET, HEAD"},
		{"DELETE", "/v1/models/x", version, llm.AnthropicModels, llm.FamilyAnthropic, 405, "GET, HEAD"},
		{"POST", "/v1/models/x/v1/messages", nil, llm.Messages, llm.FamilyAnthropic, 0, ""},
		{"GET", "/", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/models/", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/messages/", nil, llm.DialectNone, llm.FamilyAnthropic, 0, ""},
		{"POST", "/v1/messages/batches", both, llm.Objects, llm.FamilyAnthropic, 0, ""},
		{"POST", "/v1/chat/completionsx", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1chat/completions", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/xv1/messages", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/V1/messages", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/audio/speech", xkey, llm.DialectNone, llm.FamilyAnthropic, 0, ""},
		{"POST", "/v1/audio/speech", both, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/audio/speech", version, llm.DialectNone, llm.FamilyAnthropic, 0, ""},
		{"POST", "/v1/.well/x", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/a%20b", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"OPTIONS", "*", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/v1/../v1/messages", version, llm.DialectNone, llm.FamilyAnthropic, 400, ""},
		{"POST", "/./v1/messages", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/x/..", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/%2e%2e/v1/messages", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/.%2E/v1/messages", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/v1%2fmessages", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/v1%2Fmessages", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"GET", "/v1/models/meta%2Fllama", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "//v1/messages", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/v1//messages", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", `/v1\messages`, nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/v1%5cmessages", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/v1/messages%00", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/v1/%6dessages", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/v1/messages%", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
		{"POST", "/v1/messages%zz", nil, llm.DialectNone, llm.FamilyOpenAI, 400, ""},
	} {
		d, f, den := Classify(c.method, c.path, c.h)
		status := 0
		if den != nil {
			status = den.Status
		}
		if d != c.dialect || f != c.family || status != c.status {
			t.Errorf("%s %s: %v %v %v, want %v %v %d", c.method, c.path, d, f, den, c.dialect, c.family, c.status)
		}
		if c.allow != "" && (den == nil || len(den.Header) != 1 || den.Header[0] != [2]string{"Allow", c.allow} || den.Code != llm.CodeMethodNotAllowed) {
			t.Errorf("%s %s: no Allow: %+v", c.method, c.path, den)
		}
	}
}

func TestModelID(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/models/gpt-4o": "gpt-4o", "/p/v1/models/a/b:c": "a/b:c", "/v1/models/a%20b": "a b",
		"/v1/models": "", "/v1/models/": "", "/v1/models/a/": "", "/v1/models/../x": "", "/x": "", "/v1/models/x/v1/messages": "",
	} {
		if got, ok := ModelID(path); ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q %v", path, got, ok)
		}
	}
}

func FuzzClassify(f *testing.F) {
	f.Add("/v1/messages")
	f.Add("/v1/models/a%2e%2e")
	f.Add("/a/%00/../v1/chat/completions")
	f.Fuzz(func(t *testing.T, path string) {
		d, _, den := Classify("POST", path, nil)
		if d != llm.DialectNone && den != nil && den.Status == 400 {
			t.Fatalf("%q: a dialect and 400", path)
		}
		if id, ok := ModelID(path); ok && id == "" {
			t.Fatalf("%q: an empty id", path)
		}
	})
}
