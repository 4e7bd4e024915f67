// Package badinput speaks plain HTTP to the gateway, as no official client does:
// wrong, hostile and merely odd requests in both families. Each must get a clear
// error in its own family's envelope, and nothing may reach the provider.
package badinput

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
)

func TestMain(m *testing.M) { harness.Main(m) }

// family is one house style of API.
type family struct {
	name      string // of the client in the list of cells
	path      string
	model     string
	provider  string
	prefix    string // of the models of the mock that misbehave
	other     string // a model of the other family
	anthropic bool
}

var families = []family{
	{"http-openai", "/v1/chat/completions", "gpt-4o-mini", "openai", "gpt", "claude-haiku-4-5", false},
	{"http-anthropic", "/v1/messages", "claude-haiku-4-5", "claude", "claude", "gpt-4o-mini", true},
}

// both runs a cell for each family.
func both(t *testing.T, feature string, f func(t *testing.T, fam family, probe string)) {
	for _, fam := range families {
		harness.GatewayCell(t, fam.name, feature, func(t *testing.T) { f(t, fam, harness.Probe(t)) })
	}
}

func (f family) body(probe string) []byte {
	return fmt.Appendf(nil, `{"model":%q,"max_tokens":50,"messages":[{"role":"user","content":%q}]}`, f.model, probe)
}

// request returns a good request; the caller spoils it.
func (f family) request(t *testing.T, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(harness.Context(t), http.MethodPost, harness.Get().URL+f.path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if f.anthropic {
		r.Header.Set("X-Api-Key", harness.Get().AnthropicKey)
		r.Header.Set("Anthropic-Version", "2023-06-01")
	} else {
		r.Header.Set("Authorization", "Bearer "+harness.Get().OpenAIKey)
	}
	return r
}

// client does not follow redirects or reuse connections: a refusal of a body
// half read may close one.
var client = &http.Client{
	Transport:     &http.Transport{DisableKeepAlives: true, DisableCompression: true, ExpectContinueTimeout: time.Second},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// answer is a whole answer.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func send(t *testing.T, r *http.Request) answer {
	t.Helper()
	res, err := client.Do(r)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s %s: %v", r.Method, r.URL, err)
	}
	return answer{res.StatusCode, res.Header, b}
}

// types are the words of Anthropic's envelope for each status.
var types = map[int]string{
	400: "invalid_request_error", 401: "authentication_error", 403: "permission_error", 404: "not_found_error",
	405: "invalid_request_error", 413: "request_too_large", 415: "invalid_request_error", 502: "api_error",
}

// refused fails the test unless the answer is an error in the family's envelope
// with that status and code.
func (f family) refused(t *testing.T, what string, a answer, status int, code string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: status %d, want %d: %.300s", what, a.status, status, a.body)
		return
	}
	var e struct {
		Type  string
		Error struct{ Type, Message, Code string }
	}
	if err := json.Unmarshal(a.body, &e); err != nil {
		t.Errorf("%s: the body is not JSON: %.300s", what, a.body)
		return
	}
	if e.Error.Message == "" || e.Error.Type == "" {
		t.Errorf("%s: no message or no type: %s", what, a.body)
	}
	if e.Error.Code != code {
		t.Errorf("%s: code %q, want %q", what, e.Error.Code, code)
	}
	if f.anthropic {
		if e.Type != "error" || (types[status] != "" && e.Error.Type != types[status]) {
			t.Errorf("%s: want Anthropic's envelope with type %s: %s", what, types[status], a.body)
		}
	}
	if a.header.Get("LLM-Request-Id") == "" {
		t.Errorf("%s: no LLM-Request-Id", what)
	}
}
