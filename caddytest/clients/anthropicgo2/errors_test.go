package anthropicgo2

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

// TestProviderErrors: what the provider says reaches the client unchanged.
func TestProviderErrors(t *testing.T) {
	fails := func(t *testing.T, model string, w want) *http.Response {
		probe := harness.Probe(t)
		c := client()
		_, err := c.Messages.New(harness.Context(t), ask(model, probe))
		w.check(t, err)
		s := c.Messages.NewStreaming(harness.Context(t), ask(model, probe))
		for s.Next() {
		}
		res := w.check(t, s.Err())
		harness.WantSeen(t, probe, 2)
		if id := res.Header.Get("Request-Id"); !strings.HasPrefix(id, "req_mock_") {
			t.Errorf("request-id: got %q, want the provider's", id)
		}
		return res
	}
	harness.Cell(t, name, "provider-400", func(t *testing.T) {
		fails(t, "claude-err-400", want{status: 400, typ: "invalid_request_error", message: `"mock: prompt is too long: 210000 tokens \u003e 200000 maximum"`})
	})
	harness.Cell(t, name, "provider-429", func(t *testing.T) {
		res := fails(t, "claude-err-429", want{status: 429, typ: "rate_limit_error", message: "mock: too many requests"})
		harness.Equal(t, "retry-after", res.Header.Get("Retry-After"), "7")
		harness.Equal(t, "anthropic-ratelimit-requests-remaining", res.Header.Get("Anthropic-Ratelimit-Requests-Remaining"), "0")
	})
	harness.Cell(t, name, "provider-500", func(t *testing.T) {
		fails(t, "claude-err-500", want{status: 500, typ: "api_error", message: "mock: the server exploded"})
	})
	harness.Cell(t, name, "provider-529", func(t *testing.T) {
		fails(t, "claude-err-529", want{status: 529, typ: "overloaded_error", message: "mock: overloaded"})
	})
	harness.Cell(t, name, "retry", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client(option.WithMaxRetries(2))
		got, err := c.Messages.New(harness.Context(t), ask("claude-flaky", probe))
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", got.Content[0].Text, mock.Answer(probe))
		harness.WantSeen(t, probe, 2)
	})
}

// TestDenials: what the gateway refuses never reaches the provider.
func TestDenials(t *testing.T) {
	denied := func(t *testing.T, c anthropic.Client, model, more string, w want) *http.Response {
		t.Helper()
		probe := harness.Probe(t)
		_, err := c.Messages.New(harness.Context(t), ask(model, probe+more))
		res := w.check(t, err)
		harness.WantSeen(t, probe, 0)
		if res.Header.Get("LLM-Request-Id") == "" {
			t.Error("the denial has no LLM-Request-Id")
		}
		return res
	}
	cell := func(feature string, f func(t *testing.T)) { harness.GatewayCell(t, name, feature, f) }
	cell("denied-401", func(t *testing.T) {
		denied(t, at("", "sk-not-a-key-of-this-gateway"), "claude-sonnet-4-5", "", want{status: 401, typ: "authentication_error", code: "unauthenticated"})
	})
	cell("denied-403", func(t *testing.T) {
		denied(t, at("", harness.Get().RestrictedKey), "claude-sonnet-4-5", "", want{status: 403, typ: "permission_error", code: "model_not_allowed"})
		c := at("", harness.Get().RestrictedKey)
		if _, err := c.Messages.New(harness.Context(t), ask("claude-haiku-4-5", "hello")); err != nil {
			t.Errorf("a model that the key may use: %v", err)
		}
	})
	cell("denied-404", func(t *testing.T) {
		denied(t, client(), "nobody-has-this", "", want{status: 404, typ: "not_found_error", code: "model_not_found", message: "nobody-has-this"})
	})
	cell("denied-422", func(t *testing.T) {
		w := want{status: 422, typ: "invalid_request_error", code: "policy_blocked", message: "this text must not leave"}
		denied(t, client(), "claude-sonnet-4-5", " "+harness.Marker, w)
		probe := harness.Probe(t)
		c := client()
		s := c.Messages.NewStreaming(harness.Context(t), ask("claude-sonnet-4-5", probe+" "+harness.Marker))
		if s.Next() {
			t.Fatal("a blocked stream began")
		}
		w.check(t, s.Err())
		params := ask("claude-sonnet-4-5", probe)
		params.System = []anthropic.TextBlockParam{{Text: "also here: " + harness.Marker}}
		_, err := c.Messages.New(harness.Context(t), params)
		w.check(t, err)
		_, err = c.Messages.CountTokens(harness.Context(t), anthropic.MessageCountTokensParams{
			Model: "claude-sonnet-4-5", Messages: ask("", probe+" "+harness.Marker).Messages,
		})
		w.check(t, err)
		harness.WantSeen(t, probe, 0)
	})
	cell("denied-429-rate", func(t *testing.T) {
		c := at("/limited", harness.Get().LimitedKey)
		// One call an hour: whoever comes first has it, the next is refused. The
		// window slides in steps, so the wait may be a step longer than it.
		for range 2 {
			_, err := c.Messages.New(harness.Context(t), ask("claude-sonnet-4-5", "hello"))
			if err == nil {
				continue
			}
			wantRetryAfter(t, want{status: 429, typ: "rate_limit_error", code: "rate_limited"}.check(t, err), 3700)
			return
		}
		t.Fatal("two calls passed where one an hour may")
	})
	cell("denied-429-budget", func(t *testing.T) {
		// With retries on: the SDK must obey x-should-retry and not try again.
		var calls int
		c := at("/poor", harness.Get().LimitedKey, option.WithMaxRetries(2),
			option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
				calls++
				return next(r)
			}))
		res := denied(t, c, "claude-sonnet-4-5", "", want{status: 429, typ: "rate_limit_error", code: "budget_exceeded"})
		harness.Equal(t, "x-should-retry", res.Header.Get("X-Should-Retry"), "false")
		wantRetryAfter(t, res, 86400)
		harness.Equal(t, "calls", calls, 1)
	})
	cell("denied-400", func(t *testing.T) {
		for member, value := range map[string]any{"model": 7, "stream": "yes", "max_tokens": "ten", "messages": "hello"} {
			probe := harness.Probe(t)
			c := client()
			_, err := c.Messages.New(harness.Context(t), ask("claude-sonnet-4-5", probe),
				option.WithJSONSet("metadata", map[string]any{"user_id": probe}), option.WithJSONSet(member, value))
			var e *anthropic.Error
			if !errors.As(err, &e) {
				t.Errorf("%s: got %v, want an API error", member, err)
				continue
			}
			if e.StatusCode != 400 || e.Type() != "invalid_request_error" {
				t.Errorf("%s of a wrong type: got %d %s", member, e.StatusCode, e.RawJSON())
			}
			harness.WantSeen(t, probe, 0)
		}
	})
}

func wantRetryAfter(t *testing.T, res *http.Response, atMost int) {
	t.Helper()
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err != nil || n < 1 || n > atMost {
		t.Errorf("retry-after: got %q, want 1 to %d", res.Header.Get("Retry-After"), atMost)
	}
}
