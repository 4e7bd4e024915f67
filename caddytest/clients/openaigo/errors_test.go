package openaigo

import (
	"errors"
	"net/http"
	"strconv"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

// TestProviderErrors: what the provider says reaches the client unchanged.
func TestProviderErrors(t *testing.T) {
	fails := func(t *testing.T, model string, w want) *http.Response {
		probe := harness.Probe(t)
		c := client()
		_, err := c.Chat.Completions.New(harness.Context(t), ask(model, probe))
		w.check(t, err)
		s := c.Chat.Completions.NewStreaming(harness.Context(t), ask(model, probe))
		for s.Next() {
		}
		res := w.check(t, s.Err())
		harness.WantSeen(t, probe, 2)
		if id := res.Header.Get("X-Request-Id"); len(id) < 9 || id[:9] != "req_mock_" {
			t.Errorf("x-request-id: got %q, want the provider's", id)
		}
		return res
	}
	harness.Cell(t, name, "provider-400", func(t *testing.T) {
		fails(t, "gpt-err-400", want{400, "mock_bad_request", "invalid_request_error", "mock: prompt is too long: 210000 tokens > 200000 maximum"})
	})
	harness.Cell(t, name, "provider-429", func(t *testing.T) {
		res := fails(t, "gpt-err-429", want{429, "mock_rate_limit", "rate_limit_error", "mock: too many requests"})
		harness.Equal(t, "retry-after", res.Header.Get("Retry-After"), "7")
		harness.Equal(t, "x-ratelimit-remaining-requests", res.Header.Get("X-Ratelimit-Remaining-Requests"), "0")
	})
	harness.Cell(t, name, "provider-500", func(t *testing.T) {
		fails(t, "gpt-err-500", want{500, "mock_server_error", "api_error", "mock: the server exploded"})
	})
	harness.Cell(t, name, "retry", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client(option.WithMaxRetries(2))
		got, err := c.Chat.Completions.New(harness.Context(t), ask("gpt-flaky", probe))
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", got.Choices[0].Message.Content, mock.Answer(probe))
		harness.WantSeen(t, probe, 2)
	})
}

// TestDenials: what the gateway refuses never reaches the provider.
func TestDenials(t *testing.T) {
	denied := func(t *testing.T, c openai.Client, model, more string, w want) *http.Response {
		t.Helper()
		probe := harness.Probe(t)
		_, err := c.Chat.Completions.New(harness.Context(t), ask(model, probe+more))
		res := w.check(t, err)
		harness.WantSeen(t, probe, 0)
		if res.Header.Get("X-Request-Id") == "" || res.Header.Get("LLM-Request-Id") == "" {
			t.Error("the denial has no x-request-id or no LLM-Request-Id")
		}
		return res
	}
	cell := func(feature string, f func(t *testing.T)) { harness.GatewayCell(t, name, feature, f) }
	cell("denied-401", func(t *testing.T) {
		denied(t, at("", "sk-not-a-key-of-this-gateway"), "gpt-4o-mini", "", want{status: 401, code: "unauthenticated"})
	})
	cell("denied-403", func(t *testing.T) {
		denied(t, at("", harness.Get().RestrictedKey), "gpt-4o", "", want{status: 403, code: "model_not_allowed"})
		c := at("", harness.Get().RestrictedKey)
		if _, err := c.Chat.Completions.New(harness.Context(t), ask("gpt-4o-mini", "hello")); err != nil {
			t.Errorf("the model that the key may use: %v", err)
		}
	})
	cell("denied-404", func(t *testing.T) {
		denied(t, client(), "nobody-has-this", "", want{status: 404, code: "model_not_found", message: "nobody-has-this"})
	})
	cell("denied-422", func(t *testing.T) {
		denied(t, client(), "gpt-4o-mini", " "+harness.Marker, want{status: 422, code: "policy_blocked", message: "this text must not leave"})
		probe := harness.Probe(t)
		c := client()
		s := c.Chat.Completions.NewStreaming(harness.Context(t), ask("gpt-4o-mini", probe+" "+harness.Marker))
		if s.Next() {
			t.Fatal("a blocked stream began")
		}
		want{status: 422, code: "policy_blocked"}.check(t, s.Err())
		_, err := c.Responses.New(harness.Context(t), respond("gpt-4o-mini", probe+" "+harness.Marker))
		want{status: 422, code: "policy_blocked"}.check(t, err)
		_, err = c.Embeddings.New(harness.Context(t), openai.EmbeddingNewParams{
			Model: "text-embedding-3-small",
			Input: openai.EmbeddingNewParamsInputUnion{OfString: openai.String(probe + " " + harness.Marker)},
		})
		want{status: 422, code: "policy_blocked"}.check(t, err)
		harness.WantSeen(t, probe, 0)
	})
	cell("denied-429-rate", func(t *testing.T) {
		c := at("/limited", harness.Get().LimitedKey)
		// One call an hour: whoever comes first has it, the next is refused. The
		// window slides in steps, so the wait may be a step longer than it.
		for range 2 {
			_, err := c.Chat.Completions.New(harness.Context(t), ask("gpt-4o-mini", "hello"))
			if err == nil {
				continue
			}
			res := want{status: 429, code: "rate_limited"}.check(t, err)
			wantRetryAfter(t, res, 3700)
			for _, h := range []string{"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests"} {
				if res.Header.Get(h) == "" {
					t.Errorf("no %s", h)
				}
			}
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
		res := denied(t, c, "gpt-4o-mini", "", want{status: 429, code: "budget_exceeded"})
		harness.Equal(t, "x-should-retry", res.Header.Get("X-Should-Retry"), "false")
		wantRetryAfter(t, res, 86400)
		harness.Equal(t, "calls", calls, 1)
	})
	cell("denied-400", func(t *testing.T) {
		for member, value := range map[string]any{"model": 7, "stream": "yes", "max_tokens": "ten", "messages": "hello"} {
			probe := harness.Probe(t)
			c := client()
			_, err := c.Chat.Completions.New(harness.Context(t), ask("gpt-4o-mini", probe),
				option.WithJSONSet("metadata", map[string]any{"p": probe}), option.WithJSONSet(member, value))
			var e *openai.Error
			if !errors.As(err, &e) {
				t.Errorf("%s: got %v, want an API error", member, err)
				continue
			}
			if e.StatusCode != 400 || e.Code != "malformed" || e.Message == "" {
				t.Errorf("%s of a wrong type: got %d %s %q", member, e.StatusCode, e.Code, e.Message)
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
