package openaigo

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/responses"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

func respond(model, text string) responses.ResponseNewParams {
	return responses.ResponseNewParams{Model: model, Input: responses.ResponseNewParamsInputUnion{OfString: openai.String(text)}}
}

func TestResponses(t *testing.T) {
	harness.Cell(t, name, "responses", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client()
		got, err := c.Responses.New(harness.Context(t), respond("gpt-4o-mini", probe))
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", got.OutputText(), mock.Answer(probe))
		harness.Equal(t, "status", got.Status, responses.ResponseStatusCompleted)
		harness.Equal(t, "input tokens", got.Usage.InputTokens, 1)
		harness.WantSeen(t, probe, 1)
	})
	// read returns the text of the deltas, the last event and the error.
	read := func(t *testing.T, params responses.ResponseNewParams) (string, responses.ResponseStreamEventUnion, error) {
		c := client()
		s := c.Responses.NewStreaming(harness.Context(t), params)
		defer s.Close()
		var text strings.Builder
		var last responses.ResponseStreamEventUnion
		for s.Next() {
			last = s.Current()
			if last.Type == "response.output_text.delta" {
				text.WriteString(last.Delta)
			}
		}
		return text.String(), last, s.Err()
	}
	harness.Cell(t, name, "responses-stream", func(t *testing.T) {
		probe := harness.Probe(t)
		text, last, err := read(t, respond("gpt-4o-mini", probe))
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", text, mock.Answer(probe))
		harness.Equal(t, "last event", last.Type, "response.completed")
		harness.Equal(t, "text of the whole", last.Response.OutputText(), mock.Answer(probe))
		harness.Equal(t, "input tokens", last.Response.Usage.InputTokens, 1)
	})
	harness.Cell(t, name, "responses-tools", func(t *testing.T) {
		params := respond("gpt-4o-mini", harness.Probe(t))
		params.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("weather", map[string]any{
			"type": "object", "properties": map[string]any{"city": map[string]any{"type": "string"}},
		}, false)}
		c := client()
		got, err := c.Responses.New(harness.Context(t), params)
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "name", got.Output[0].Name, "weather")
		harness.Equal(t, "arguments", got.Output[0].AsFunctionCall().Arguments, mock.ToolArguments[0])
		_, last, err := read(t, params)
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "streamed arguments", last.Response.Output[0].AsFunctionCall().Arguments, mock.ToolArguments[0])
	})
	// A break of a Responses stream may be an error of the stream or an event
	// that says so; it must not look whole.
	broken := func(t *testing.T, model string) {
		text, last, err := read(t, respond(model, harness.Probe(t)))
		if err == nil && last.Type != "response.failed" && last.Type != "error" {
			t.Fatalf("the stream ended quietly, after %s", last.Type)
		}
		if text == "" {
			t.Error("no text came before the break")
		}
	}
	harness.Cell(t, name, "responses-cut", func(t *testing.T) { broken(t, "gpt-cut") })
	harness.Cell(t, name, "responses-inband-error", func(t *testing.T) { broken(t, "gpt-inband") })
	harness.GatewayCell(t, name, "responses-quiet-end", func(t *testing.T) { broken(t, "gpt-eof") })
}

func TestEmbeddings(t *testing.T) {
	embed := func(t *testing.T, format openai.EmbeddingNewParamsEncodingFormat, texts ...string) *openai.CreateEmbeddingResponse {
		c := client()
		got, err := c.Embeddings.New(harness.Context(t), openai.EmbeddingNewParams{
			Model: "text-embedding-3-small", EncodingFormat: format,
			Input: openai.EmbeddingNewParamsInputUnion{OfArrayOfStrings: texts},
		})
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "vectors", len(got.Data), len(texts))
		harness.Equal(t, "tokens", got.Usage.PromptTokens, int64(len(texts)))
		return got
	}
	harness.Cell(t, name, "embeddings-float", func(t *testing.T) {
		texts := []string{harness.Probe(t), "Zürich"}
		for i, d := range embed(t, openai.EmbeddingNewParamsEncodingFormatFloat, texts...).Data {
			var got []float32
			for _, f := range d.Embedding {
				got = append(got, float32(f))
			}
			if !slices.Equal(got, mock.Vector(texts[i])) {
				t.Errorf("vector %d: %v", i, got)
			}
		}
	})
	harness.Cell(t, name, "embeddings-base64", func(t *testing.T) {
		texts := []string{harness.Probe(t), "Zürich"}
		for i, d := range embed(t, openai.EmbeddingNewParamsEncodingFormatBase64, texts...).Data {
			var raw struct{ Embedding string }
			if err := json.Unmarshal([]byte(d.RawJSON()), &raw); err != nil {
				t.Fatal(err)
			}
			b, err := base64.StdEncoding.DecodeString(raw.Embedding)
			if err != nil {
				t.Fatal(err)
			}
			var got []float32
			for ; len(b) >= 4; b = b[4:] {
				got = append(got, math.Float32frombits(binary.LittleEndian.Uint32(b)))
			}
			if !slices.Equal(got, mock.Vector(texts[i])) {
				t.Errorf("vector %d: %v", i, got)
			}
		}
	})
}

func TestCompletions(t *testing.T) {
	params := func(text string) openai.CompletionNewParams {
		return openai.CompletionNewParams{
			Model:  openai.CompletionNewParamsModelGPT3_5TurboInstruct,
			Prompt: openai.CompletionNewParamsPromptUnion{OfString: openai.String(text)},
		}
	}
	harness.Cell(t, name, "completions", func(t *testing.T) {
		probe := harness.Probe(t)
		c := client()
		got, err := c.Completions.New(harness.Context(t), params(probe))
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", got.Choices[0].Text, mock.Answer(probe))
		harness.Equal(t, "input tokens", got.Usage.PromptTokens, 1)
	})
	harness.Cell(t, name, "completions-stream", func(t *testing.T) {
		for _, asked := range []bool{false, true} {
			probe := harness.Probe(t)
			c := client()
			p := params(probe)
			if asked {
				p.StreamOptions.IncludeUsage = openai.Bool(true)
			}
			s := c.Completions.NewStreaming(harness.Context(t), p)
			var text strings.Builder
			usage := false
			for s.Next() {
				for _, choice := range s.Current().Choices {
					text.WriteString(choice.Text)
				}
				usage = usage || s.Current().JSON.Usage.Valid()
			}
			if err := s.Err(); err != nil {
				t.Fatal(err)
			}
			_ = s.Close()
			harness.Equal(t, "text", text.String(), mock.Answer(probe))
			harness.Equal(t, "usage shown", usage, asked)
		}
	})
}

func TestModels(t *testing.T) {
	list := func(t *testing.T, key string) []string {
		c := at("", key)
		page, err := c.Models.List(harness.Context(t))
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, m := range page.Data {
			ids = append(ids, m.ID)
		}
		return ids
	}
	harness.Cell(t, name, "models", func(t *testing.T) {
		ids := list(t, harness.Get().OpenAIKey)
		for _, id := range []string{"gpt-4o", "gpt-4o-mini"} {
			if !slices.Contains(ids, id) {
				t.Errorf("no %s in %v", id, ids)
			}
		}
		c := client()
		got, err := c.Models.Get(harness.Context(t), "gpt-4o-mini")
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "one model", got.ID, "gpt-4o-mini")
	})
	harness.GatewayCell(t, name, "models-restricted", func(t *testing.T) {
		ids := list(t, harness.Get().RestrictedKey)
		if !slices.Contains(ids, "gpt-4o-mini") || slices.Contains(ids, "gpt-4o") || slices.Contains(ids, "claude-sonnet-4-5") {
			t.Errorf("a key for gpt-4o-mini and claude-haiku-* was shown %v", ids)
		}
	})
}
