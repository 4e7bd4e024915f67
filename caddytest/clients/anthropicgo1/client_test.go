// Package anthropicgo1 runs major version 1 of Anthropic's official Go client.
package anthropicgo1

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/option"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
)

const (
	name = "anthropic-go-1"
	// version and keyHeader are what this major sends.
	version   = "2023-06-01"
	keyHeader = "X-Api-Key"
)

func TestMain(m *testing.M) { harness.Main(m) }

func client(opts ...option.RequestOption) anthropic.Client {
	return at("", harness.Get().AnthropicKey, opts...)
}

// at returns a client for a path prefix of the server, with a key of its own.
// It never tries again unless an option says so.
func at(prefix, key string, opts ...option.RequestOption) anthropic.Client {
	all := []option.RequestOption{
		option.WithoutEnvironmentDefaults(),
		option.WithBaseURL(harness.Get().URL + prefix), option.WithAPIKey(key), option.WithMaxRetries(0),
	}
	return anthropic.NewClient(append(all, opts...)...)
}

func ask(model, text string) anthropic.MessageNewParams {
	return anthropic.MessageNewParams{
		Model: anthropic.Model(model), MaxTokens: 100,
		Messages: []anthropic.MessageParam{anthropic.NewUserMessage(anthropic.NewTextBlock(text))},
	}
}

// want is what an error must be, as the SDK shows it.
type want struct {
	status  int
	typ     string
	code    string // ours, beside the type; "" for any
	message string // a part of it
}

func (w want) check(t *testing.T, err error) *http.Response {
	t.Helper()
	var e *anthropic.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an API error with status %d", err, err, w.status)
	}
	harness.Equal(t, "status", e.StatusCode, w.status)
	harness.Equal(t, "type", string(e.Type()), w.typ)
	if w.code != "" && !strings.Contains(e.RawJSON(), `"code":"`+w.code+`"`) {
		t.Errorf("code: got %s, want %q", e.RawJSON(), w.code)
	}
	if !strings.Contains(e.RawJSON(), w.message) {
		t.Errorf("message: got %q, want it to contain %q", e.RawJSON(), w.message)
	}
	if e.RequestID == "" {
		t.Error("the error has no request-id")
	}
	return e.Response
}
