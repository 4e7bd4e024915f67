package anthropicgo2

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/anthropics/anthropic-sdk-go/v2"
	"github.com/anthropics/anthropic-sdk-go/v2/option"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

func TestMessages(t *testing.T) {
	harness.Cell(t, name, "messages", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client()
		var res *http.Response
		got, err := c.Messages.New(harness.Context(t), ask("claude-sonnet-4-5", probe), option.WithResponseInto(&res))
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", got.Content[0].Text, mock.Answer(probe))
		harness.Equal(t, "stop reason", got.StopReason, anthropic.StopReasonEndTurn)
		harness.Equal(t, "model", string(got.Model), "claude-sonnet-4-5")
		harness.Equal(t, "input tokens", got.Usage.InputTokens, 1)
		if !strings.HasPrefix(res.Header.Get("Request-Id"), "req_mock_") {
			t.Errorf("request-id: got %q, want the provider's", res.Header.Get("Request-Id"))
		}
		if harness.Get().Gateway && res.Header.Get("LLM-Request-Id") == "" {
			t.Error("no LLM-Request-Id")
		}
		seen := harness.WantSeen(t, probe, 1)[0]
		harness.Equal(t, "anthropic-version at the provider", seen.Header.Get("Anthropic-Version"), version)
	})
	harness.Cell(t, name, "beta-headers", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client()
		var sent *http.Request
		_, err := c.Messages.New(harness.Context(t), ask("claude-sonnet-4-5", probe),
			option.WithHeader("anthropic-beta", "one-2025-01-01,two-2025-02-02"),
			option.WithMiddleware(func(r *http.Request, next option.MiddlewareNext) (*http.Response, error) {
				sent = r
				return next(r)
			}))
		if err != nil {
			t.Fatal(err)
		}
		if sent.Header.Get(keyHeader) == "" {
			t.Errorf("this client no longer sends its key as %s: %v", keyHeader, sent.Header)
		}
		seen := harness.WantSeen(t, probe, 1)[0]
		harness.Equal(t, "anthropic-beta at the provider", seen.Header.Get("Anthropic-Beta"), "one-2025-01-01,two-2025-02-02")
	})
	harness.Cell(t, name, "messages-stream", func(t *testing.T) {
		probe := harness.Probe(t)
		text, msg := stream(t, ask("claude-sonnet-4-5", probe))
		harness.Equal(t, "text of the deltas", text, mock.Answer(probe))
		harness.Equal(t, "text of the whole", msg.Content[0].Text, mock.Answer(probe))
		harness.Equal(t, "stop reason", msg.StopReason, anthropic.StopReasonEndTurn)
		harness.Equal(t, "input tokens", msg.Usage.InputTokens, 1)
		if msg.Usage.OutputTokens < 2 {
			t.Errorf("output tokens: %d, want those of the last event", msg.Usage.OutputTokens)
		}
		harness.WantSeen(t, probe, 1)
	})
	harness.Cell(t, name, "stream-live", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client()
		s := c.Messages.NewStreaming(harness.Context(t), ask("claude-gate", probe))
		defer s.Close()
		var text strings.Builder
		for s.Next() {
			text.WriteString(s.Current().Delta.Text)
			if text.Len() > 0 {
				harness.Release(t, probe) // only now may the provider go on
			}
		}
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", text.String(), mock.Answer(probe))
	})
	harness.Cell(t, name, "cancel", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client()
		ctx, cancel := context.WithCancel(harness.Context(t))
		defer cancel()
		s := c.Messages.NewStreaming(ctx, ask("claude-gate", probe))
		defer s.Close()
		if !s.Next() {
			t.Fatal(s.Err())
		}
		cancel()
		harness.WantGone(t, probe)
	})
}

// stream reads a whole stream and returns its deltas and what they make.
func stream(t *testing.T, params anthropic.MessageNewParams) (string, anthropic.Message) {
	t.Helper()
	c := client()
	s := c.Messages.NewStreaming(harness.Context(t), params)
	defer s.Close()
	var text strings.Builder
	var msg anthropic.Message
	for s.Next() {
		event := s.Current()
		if err := msg.Accumulate(event); err != nil {
			t.Fatal(err)
		}
		text.WriteString(event.Delta.Text)
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String(), msg
}

func tools(names ...string) []anthropic.ToolUnionParam {
	var out []anthropic.ToolUnionParam
	for _, n := range names {
		out = append(out, anthropic.ToolUnionParamOfTool(anthropic.ToolInputSchemaParam{
			Properties: map[string]any{"city": map[string]any{"type": "string"}, "days": map[string]any{"type": "integer"}},
			Required:   []string{"city"},
		}, n))
	}
	return out
}

func TestTools(t *testing.T) {
	check := func(t *testing.T, msg anthropic.Message) {
		t.Helper()
		harness.Equal(t, "stop reason", msg.StopReason, anthropic.StopReasonToolUse)
		harness.Equal(t, "number of calls", len(msg.Content), 2)
		for i, name := range []string{"weather", "forecast"} {
			call := msg.Content[i].AsToolUse()
			harness.Equal(t, "name", call.Name, name)
			harness.Equal(t, "input", string(call.Input), mock.ToolArguments[i])
		}
	}
	harness.Cell(t, name, "tools", func(t *testing.T) {
		c := client()
		params := ask("claude-sonnet-4-5", harness.Probe(t))
		params.Tools = tools("weather", "forecast")
		got, err := c.Messages.New(harness.Context(t), params)
		if err != nil {
			t.Fatal(err)
		}
		check(t, *got)
		params.Messages = append(params.Messages, got.ToParam(), anthropic.NewUserMessage(
			anthropic.NewToolResultBlock(got.Content[0].ID, "rain in Zürich", false)))
		got, err = c.Messages.New(harness.Context(t), params)
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "answer to the result", got.Content[0].Text, mock.ToolAnswer("rain in Zürich"))
	})
	harness.Cell(t, name, "tools-stream", func(t *testing.T) {
		params := ask("claude-sonnet-4-5", harness.Probe(t))
		params.Tools = tools("weather", "forecast")
		_, msg := stream(t, params)
		check(t, msg)
	})
}

func TestBrokenStreams(t *testing.T) {
	// broken must end in an error after a part of the text, never quietly.
	broken := func(t *testing.T, model string) error {
		probe := harness.Probe(t)
		c := client()
		s := c.Messages.NewStreaming(harness.Context(t), ask(model, probe))
		defer s.Close()
		var text strings.Builder
		for s.Next() {
			text.WriteString(s.Current().Delta.Text)
		}
		if s.Err() == nil {
			t.Fatal("the stream ended as if it were whole")
		}
		if text.Len() == 0 || !strings.HasPrefix(mock.Answer(probe), text.String()) {
			t.Errorf("text before the break: %q", text.String())
		}
		return s.Err()
	}
	harness.Cell(t, name, "cut", func(t *testing.T) { broken(t, "claude-cut") })
	harness.Cell(t, name, "inband-error", func(t *testing.T) {
		if err := broken(t, "claude-inband"); !strings.Contains(err.Error(), "mock: overloaded in the middle") {
			t.Errorf("the provider's own words are lost: %v", err)
		}
	})
	harness.GatewayCell(t, name, "quiet-end", func(t *testing.T) { broken(t, "claude-eof") })
}

func TestCountTokens(t *testing.T) {
	harness.Cell(t, name, "count-tokens", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client()
		got, err := c.Messages.CountTokens(harness.Context(t), anthropic.MessageCountTokensParams{
			Model: "claude-sonnet-4-5", Messages: ask("", probe+" and three words").Messages,
		})
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "tokens", got.InputTokens, 4)
		harness.WantSeen(t, probe, 1)
	})
}

func TestModels(t *testing.T) {
	list := func(t *testing.T, key string) string {
		c := at("", key)
		page, err := c.Models.List(harness.Context(t), anthropic.ModelListParams{Limit: anthropic.Int(1000)})
		if err != nil {
			t.Fatal(err)
		}
		ids := " "
		for _, m := range page.Data {
			ids += m.ID + " "
		}
		return ids
	}
	harness.Cell(t, name, "models", func(t *testing.T) {
		ids := list(t, harness.Get().AnthropicKey)
		for _, id := range []string{" claude-sonnet-4-5 ", " claude-haiku-4-5 "} {
			if !strings.Contains(ids, id) {
				t.Errorf("no%sin%s", id, ids)
			}
		}
		c := client()
		got, err := c.Models.Get(harness.Context(t), "claude-haiku-4-5", anthropic.ModelGetParams{})
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "one model", got.ID, "claude-haiku-4-5")
	})
	harness.GatewayCell(t, name, "models-restricted", func(t *testing.T) {
		ids := list(t, harness.Get().RestrictedKey)
		if !strings.Contains(ids, " claude-haiku-4-5 ") || strings.Contains(ids, " claude-sonnet-4-5 ") || strings.Contains(ids, " gpt-4o ") {
			t.Errorf("a key for gpt-4o-mini and claude-haiku-* was shown%s", ids)
		}
	})
}
