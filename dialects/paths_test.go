package dialects

import (
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestClassifyMore(t *testing.T) {
	goog := http.Header{"X-Goog-Api-Key": {"k"}}
	version := http.Header{"Anthropic-Version": {"2023-06-01"}, "X-Goog-Api-Key": {"k"}}
	bearer := http.Header{"X-Goog-Api-Key": {"k"}, "Authorization": {"Bearer k"}}
	for _, c := range []struct {
		method, path string
		h            http.Header
		dialect      llm.Dialect
		family       llm.Family
		status       int
		allow        string
	}{
		{"POST", "/v1beta/models/gemini-2.5-pro:generateContent", nil, llm.GenerateContent, llm.FamilyGemini, 0, ""},
		{"POST", "/p/v1beta/models/gemini-2.5-pro:streamGenerateContent", nil, llm.GenerateContent, llm.FamilyGemini, 0, ""},
		{"POST", "/v1/models/gemini-2.5-pro:generateContent", nil, llm.GenerateContent, llm.FamilyGemini, 0, ""},
		{"POST", "/v1/models/google/gemini:countTokens", nil, llm.GeminiCount, llm.FamilyGemini, 0, ""},
		{"POST", "/v1beta/tunedModels/mine-1:generateContent", nil, llm.GenerateContent, llm.FamilyGemini, 0, ""},
		{"POST", "/v1beta/models/e:embedContent", nil, llm.GeminiEmbed, llm.FamilyGemini, 0, ""},
		{"POST", "/v1/models/e:batchEmbedContents", nil, llm.GeminiBatchEmbed, llm.FamilyGemini, 0, ""},
		{"GET", "/v1beta/models/g:generateContent", nil, llm.GenerateContent, llm.FamilyGemini, 405, "POST"},
		{"GET", "/v1/models/g:generateContent", nil, llm.Models, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/models/g:unknownVerb", nil, llm.Models, llm.FamilyOpenAI, 405, "GET, HEAD"},
		{"POST", "/v1/models/g:GenerateContent", nil, llm.Models, llm.FamilyOpenAI, 405, "GET, HEAD"},
		{"POST", "/v1beta/models/g:predict", nil, llm.GeminiModels, llm.FamilyGemini, 405, "GET, HEAD"},
		{"POST", "/v1/models/:generateContent", nil, llm.Models, llm.FamilyOpenAI, 405, "GET, HEAD"},
		{"POST", "/v1/models/a/:generateContent", nil, llm.Models, llm.FamilyOpenAI, 405, "GET, HEAD"},
		{"POST", "/v2/models/g:generateContent", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1beta/models", nil, llm.GeminiModels, llm.FamilyGemini, 0, ""},
		{"GET", "/v1beta/models/gemini-2.5-pro", nil, llm.GeminiModels, llm.FamilyGemini, 0, ""},
		{"GET", "/v1/models", goog, llm.GeminiModels, llm.FamilyGemini, 0, ""},
		{"GET", "/v1/models/gemini", goog, llm.GeminiModels, llm.FamilyGemini, 0, ""},
		{"GET", "/v1/models", bearer, llm.Models, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/models", version, llm.AnthropicModels, llm.FamilyAnthropic, 0, ""},
		{"POST", "/v1beta/models", nil, llm.GeminiModels, llm.FamilyGemini, 405, "GET, HEAD"},
		{"POST", "/api/chat", nil, llm.OllamaChat, llm.FamilyOllama, 0, ""},
		{"POST", "/x/api/generate", nil, llm.OllamaGenerate, llm.FamilyOllama, 0, ""},
		{"POST", "/api/embed", nil, llm.OllamaEmbed, llm.FamilyOllama, 0, ""},
		{"GET", "/api/tags", nil, llm.OllamaModels, llm.FamilyOllama, 0, ""},
		{"HEAD", "/api/tags", nil, llm.OllamaModels, llm.FamilyOllama, 0, ""},
		{"GET", "/api/chat", nil, llm.OllamaChat, llm.FamilyOllama, 405, "POST"},
		{"POST", "/api/pull", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"GET", "/api/version", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/responses/input_tokens", nil, llm.InputTokens, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/responses/input_tokens", nil, llm.InputTokens, llm.FamilyOpenAI, 405, "POST"},
		{"POST", "/v1/files", nil, llm.Objects, llm.FamilyOpenAI, 0, ""},
		{"GET", "/p/v1/files/file-1/content", nil, llm.Objects, llm.FamilyOpenAI, 0, ""},
		{"DELETE", "/v1/files/file-1", version, llm.Objects, llm.FamilyAnthropic, 0, ""},
		{"PUT", "/v1/files/file-1", nil, llm.Objects, llm.FamilyOpenAI, 405, "GET, HEAD, POST, DELETE"},
		{"HEAD", "/v1/files/file-1", nil, llm.Objects, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/responses/resp_1", nil, llm.Objects, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/responses/resp_1/cancel", nil, llm.Objects, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/responses", nil, llm.Responses, llm.FamilyOpenAI, 405, "POST"},
		{"GET", "/v1/chat/completions/c_1", nil, llm.Objects, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/messages/batches/b/results", nil, llm.Objects, llm.FamilyAnthropic, 0, ""},
		{"POST", "/v1/fine_tuning/jobs", nil, llm.Objects, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/fine_tuning/checkpoints", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/filesystem", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/files/", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/files/a/", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"GET", "/v1/files/x/v1/files/y", nil, llm.DialectNone, llm.FamilyOpenAI, 0, ""},
		{"POST", "/v1/files/x/v1/messages", nil, llm.Messages, llm.FamilyAnthropic, 0, ""},
	} {
		d, f, den := Classify(c.method, c.path, c.h)
		status := 0
		if den != nil {
			status = den.Status
		}
		if d != c.dialect || f != c.family || status != c.status {
			t.Errorf("%s %s: %d %v %v, want %d %v %d", c.method, c.path, d, f, den, c.dialect, c.family, c.status)
		}
		if c.allow != "" && (den == nil || len(den.Header) != 1 || den.Header[0][1] != c.allow) {
			t.Errorf("%s %s: no Allow: %+v", c.method, c.path, den)
		}
	}
}

func TestPathModel(t *testing.T) {
	for path, want := range map[string]string{
		"/v1beta/models/g:generateContent": "g", "/v1/models/g:streamGenerateContent": "g stream", "/v1beta/models/a%20b:countTokens": "a b",
		"/v1/models/google/g:generateContent": "google/g", "/v1beta/tunedModels/t-1:generateContent": "tunedModels/t-1",
		"/v1/models/g:free:generateContent": "g:free", "/v1/models/x/v1beta/models/y:generateContent": "y",
		"/v1beta/models/g": "", "/v1beta/models/:generateContent": "", "/v1beta/models/a%2Fb:generateContent": "", "/models/g:generateContent": "",
		"/v1/models/../g:generateContent": "",
	} {
		model, stream, ok := PathModel(path)
		got := model
		if stream {
			got += " stream"
		}
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q %v, want %q", path, got, ok, want)
		}
	}
}

func TestObjectPath(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/files": "files||", "/v1/files/f": "files|f|", "/p/v1/files/f/content": "files|f|content", "/v1/vector_stores/v/files/f/content": "vector_stores|v|files/f/content",
		"/v1/responses/r": "responses|r|", "/v1/responses/r/input_items": "responses|r|input_items", "/v1/messages/batches": "messages/batches||", "/v1/messages/batches/b/results": "messages/batches|b|results",
		"/v1/chat/completions/c/messages": "chat/completions|c|messages", "/v1/fine_tuning/jobs/j/events": "fine_tuning/jobs|j|events", "/v1/files/a%20b": "files|a b|",
		"/v1/containers/c/files/f%20g/content": "containers|c|files/f%20g/content",
		"/v1/responses":                        "", "/v1/chat/completions": "", "/v1/files/": "", "/v1/files//x": "", "/v1/files/a/": "", "/v1/files/../x": "", "/v1/files/a%2Fb": "",
		"/v1/files/v1/files": "", "/v1/v1/files": "", "/v1/filesx": "", "/v1": "", "/files": "", "": "",
	} {
		kind, id, rest, ok := ObjectPath(path)
		got := kind + "|" + id + "|" + rest
		if ok != (want != "") || ok && got != want {
			t.Errorf("%s: %q %v, want %q", path, got, ok, want)
		}
	}
}

func FuzzPaths(f *testing.F) {
	for _, p := range []string{"/v1/files/a/b", "/v1beta/models/g:generateContent", "/v1/models/a/v1/files/b", "/v1/responses/%41"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		if model, _, ok := PathModel(path); ok {
			d, _, den := Classify("POST", path, nil)
			if model == "" || den != nil || d.Family() != llm.FamilyGemini {
				t.Fatalf("%q: model %q, %v %v", path, model, d, den)
			}
		}
		if kind, id, rest, ok := ObjectPath(path); ok {
			if kind == "" || id == "" && rest != "" || strings.Contains(id, "/") || strings.Contains(rest, "//") {
				t.Fatalf("%q: %q %q %q", path, kind, id, rest)
			}
		}
	})
}
