package openaigo

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

func TestChat(t *testing.T) {
	harness.Cell(t, name, "chat", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client()
		var res *http.Response
		got, err := c.Chat.Completions.New(harness.Context(t), ask("gpt-4o-mini", probe), option.WithResponseInto(&res))
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", got.Choices[0].Message.Content, mock.Answer(probe))
		harness.Equal(t, "finish reason", got.Choices[0].FinishReason, "stop")
		harness.Equal(t, "model", got.Model, "gpt-4o-mini")
		harness.Equal(t, "input tokens", got.Usage.PromptTokens, 1)
		harness.Equal(t, "total tokens", got.Usage.TotalTokens, got.Usage.PromptTokens+got.Usage.CompletionTokens)
		harness.WantSeen(t, probe, 1)
		if !strings.HasPrefix(res.Header.Get("X-Request-Id"), "req_mock_") {
			t.Errorf("x-request-id: got %q, want the provider's", res.Header.Get("X-Request-Id"))
		}
		if harness.Get().Gateway && res.Header.Get("LLM-Request-Id") == "" {
			t.Error("no LLM-Request-Id")
		}
	})
	harness.Cell(t, name, "chat-stream", func(t *testing.T) {
		probe := harness.Probe(t)
		params := ask("gpt-4o-mini", probe)
		params.StreamOptions.IncludeUsage = openai.Bool(true)
		text, chunks := stream(t, params)
		harness.Equal(t, "text", text, mock.Answer(probe))
		last := chunks[len(chunks)-1]
		harness.Equal(t, "choices of the last chunk", len(last.Choices), 0)
		harness.Equal(t, "input tokens", last.Usage.PromptTokens, 1)
		if last.Usage.CompletionTokens == 0 {
			t.Error("no output tokens in the usage chunk that was asked for")
		}
		harness.WantSeen(t, probe, 1)
	})
	harness.Cell(t, name, "usage-hidden", func(t *testing.T) {
		probe := harness.Probe(t)
		text, chunks := stream(t, ask("gpt-4o-mini", probe))
		harness.Equal(t, "text", text, mock.Answer(probe))
		for i, c := range chunks {
			if c.JSON.Usage.Valid() || len(c.Choices) == 0 {
				t.Errorf("chunk %d: usage that nobody asked for: %s", i, c.RawJSON())
			}
		}
		if body := harness.WantSeen(t, probe, 1)[0].Body; harness.Get().Gateway && !strings.Contains(body, `"include_usage":true`) {
			t.Errorf("the gateway did not ask for usage, so it hid nothing: %s", body)
		}

		// Its wish is merged with the caller's other options.
		probe = harness.Probe(t)
		params := ask("gpt-4o-mini", probe)
		params.StreamOptions.IncludeObfuscation = openai.Bool(false)
		params.StreamOptions.IncludeUsage = openai.Bool(false)
		_, chunks = stream(t, params)
		for i, c := range chunks {
			if c.JSON.Usage.Valid() || len(c.Choices) == 0 {
				t.Errorf("chunk %d: usage that was declined: %s", i, c.RawJSON())
			}
		}
		if body := harness.WantSeen(t, probe, 1)[0].Body; !strings.Contains(body, `"include_obfuscation":false`) {
			t.Errorf("an option of the caller is lost: %s", body)
		}
	})
	harness.Cell(t, name, "stream-live", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client()
		s := c.Chat.Completions.NewStreaming(harness.Context(t), ask("gpt-gate", probe))
		defer s.Close()
		var text strings.Builder
		for s.Next() {
			text.WriteString(s.Current().Choices[0].Delta.Content)
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
		s := c.Chat.Completions.NewStreaming(ctx, ask("gpt-gate", probe))
		defer s.Close()
		if !s.Next() {
			t.Fatal(s.Err())
		}
		cancel()
		harness.WantGone(t, probe)
	})
}

// stream reads a whole stream and returns its text and its chunks.
func stream(t *testing.T, params openai.ChatCompletionNewParams) (string, []openai.ChatCompletionChunk) {
	t.Helper()
	c := client()
	s := c.Chat.Completions.NewStreaming(harness.Context(t), params)
	defer s.Close()
	var text strings.Builder
	var chunks []openai.ChatCompletionChunk
	for s.Next() {
		chunk := s.Current()
		chunks = append(chunks, chunk)
		for _, choice := range chunk.Choices {
			text.WriteString(choice.Delta.Content)
		}
	}
	if err := s.Err(); err != nil {
		t.Fatal(err)
	}
	return text.String(), chunks
}

func tools(names ...string) []openai.ChatCompletionToolUnionParam {
	var out []openai.ChatCompletionToolUnionParam
	for _, n := range names {
		out = append(out, openai.ChatCompletionFunctionTool(openai.FunctionDefinitionParam{
			Name: n, Description: openai.String("the weather of a city"),
			Parameters: openai.FunctionParameters{
				"type":       "object",
				"properties": map[string]any{"city": map[string]any{"type": "string"}, "days": map[string]any{"type": "integer"}},
				"required":   []string{"city"},
			},
		}))
	}
	return out
}

func TestTools(t *testing.T) {
	harness.Cell(t, name, "tools", func(t *testing.T) {
		c := client()
		params := ask("gpt-4o-mini", harness.Probe(t))
		params.Tools = tools("weather", "forecast")
		got, err := c.Chat.Completions.New(harness.Context(t), params)
		if err != nil {
			t.Fatal(err)
		}
		msg := got.Choices[0].Message
		harness.Equal(t, "finish reason", got.Choices[0].FinishReason, "tool_calls")
		harness.Equal(t, "number of calls", len(msg.ToolCalls), 2)
		harness.Equal(t, "first name", msg.ToolCalls[0].Function.Name, "weather")
		for i := range msg.ToolCalls {
			harness.Equal(t, "arguments", msg.ToolCalls[i].Function.Arguments, mock.ToolArguments[i])
		}
		params.Messages = append(params.Messages, msg.ToParam(),
			openai.ToolMessage("rain in Zürich", msg.ToolCalls[0].ID), openai.ToolMessage("sun", msg.ToolCalls[1].ID))
		got, err = c.Chat.Completions.New(harness.Context(t), params)
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "answer to the results", got.Choices[0].Message.Content, mock.ToolAnswer("sun"))
	})
	harness.Cell(t, name, "tools-stream", func(t *testing.T) {
		c := client()
		params := ask("gpt-4o-mini", harness.Probe(t))
		params.Tools = tools("weather", "forecast")
		s := c.Chat.Completions.NewStreaming(harness.Context(t), params)
		defer s.Close()
		var acc openai.ChatCompletionAccumulator
		for s.Next() {
			if !acc.AddChunk(s.Current()) {
				t.Fatal("the accumulator refused a chunk")
			}
		}
		if err := s.Err(); err != nil {
			t.Fatal(err)
		}
		calls := acc.Choices[0].Message.ToolCalls
		harness.Equal(t, "finish reason", acc.Choices[0].FinishReason, "tool_calls")
		harness.Equal(t, "number of calls", len(calls), 2)
		for i := range calls {
			harness.Equal(t, "arguments", calls[i].Function.Arguments, mock.ToolArguments[i])
		}
	})
}

func TestBrokenStreams(t *testing.T) {
	// broken must end in an error after a part of the text, never quietly.
	broken := func(t *testing.T, model string) error {
		probe := harness.Probe(t)
		c := client()
		s := c.Chat.Completions.NewStreaming(harness.Context(t), ask(model, probe))
		defer s.Close()
		var text strings.Builder
		for s.Next() {
			for _, choice := range s.Current().Choices {
				text.WriteString(choice.Delta.Content)
			}
		}
		if s.Err() == nil {
			t.Fatal("the stream ended as if it were whole")
		}
		if text.Len() == 0 || !strings.HasPrefix(mock.Answer(probe), text.String()) {
			t.Errorf("text before the break: %q", text.String())
		}
		return s.Err()
	}
	harness.Cell(t, name, "cut", func(t *testing.T) { broken(t, "gpt-cut") })
	harness.Cell(t, name, "inband-error", func(t *testing.T) {
		if err := broken(t, "gpt-inband"); !strings.Contains(err.Error(), "mock: overloaded in the middle") {
			t.Errorf("the provider's own words are lost: %v", err)
		}
	})
	harness.GatewayCell(t, name, "quiet-end", func(t *testing.T) { broken(t, "gpt-eof") })
}
