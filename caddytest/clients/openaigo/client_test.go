// Package openaigo runs OpenAI's official Go client.
package openaigo

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
)

const name = "openai-go-3"

func TestMain(m *testing.M) { harness.Main(m) }

func client(opts ...option.RequestOption) openai.Client {
	return at("", harness.Get().OpenAIKey, opts...)
}

// at returns a client for a path prefix of the server, with a key of its own.
// It never tries again unless an option says so.
func at(prefix, key string, opts ...option.RequestOption) openai.Client {
	all := []option.RequestOption{
		option.WithBaseURL(harness.Get().URL + prefix + "/v1"), option.WithAPIKey(key), option.WithMaxRetries(0),
	}
	return openai.NewClient(append(all, opts...)...)
}

func ask(model, text string) openai.ChatCompletionNewParams {
	return openai.ChatCompletionNewParams{
		Model:    model,
		Messages: []openai.ChatCompletionMessageParamUnion{openai.UserMessage(text)},
	}
}

// want is what an error must be, as the SDK shows it.
type want struct {
	status  int
	code    string
	typ     string // "" for any
	message string // a part of it
}

func (w want) check(t *testing.T, err error) *http.Response {
	t.Helper()
	var e *openai.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an API error with status %d", err, err, w.status)
	}
	harness.Equal(t, "status", e.StatusCode, w.status)
	harness.Equal(t, "code", e.Code, w.code)
	if w.typ != "" {
		harness.Equal(t, "type", e.Type, w.typ)
	}
	if e.Message == "" || !strings.Contains(e.Message, w.message) {
		t.Errorf("message: got %q, want it to contain %q", e.Message, w.message)
	}
	return e.Response
}
