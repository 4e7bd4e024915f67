// Package genaigo runs Google's official Go client.
package genaigo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/genai"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

const name = "genai-go-1"

func TestMain(m *testing.M) { harness.Main(m) }

// at returns a client for the server with a key of its own.
func at(t *testing.T, key string) *genai.Models {
	t.Helper()
	c, err := genai.NewClient(context.Background(), &genai.ClientConfig{
		APIKey: key, Backend: genai.BackendGeminiAPI, HTTPClient: &http.Client{},
		HTTPOptions: genai.HTTPOptions{BaseURL: harness.Get().URL},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c.Models
}

func client(t *testing.T) *genai.Models { return at(t, harness.Get().GoogleKey) }

// read drains a stream: its text, its last piece, and the error that ended it.
func read(t *testing.T, c *genai.Models, model, prompt string, each func()) (text string, last *genai.GenerateContentResponse, err error) {
	for piece, err := range c.GenerateContentStream(harness.Context(t), model, genai.Text(prompt), nil) {
		if err != nil {
			return text, last, err
		}
		text, last = text+piece.Text(), piece
		if text != "" && each != nil {
			each()
		}
	}
	return text, last, nil
}

// failed fails the test unless err is an API error with these words.
func failed(t *testing.T, err error, status int, words string) {
	t.Helper()
	var e genai.APIError
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an API error with status %d", err, err, status)
	}
	harness.Equal(t, "status", e.Code, status)
	if !strings.Contains(e.Message+" "+e.Status, words) {
		t.Errorf("%q is not in %+v", words, e)
	}
}

func TestText(t *testing.T) {
	harness.Cell(t, name, "text", func(t *testing.T) {
		probe := harness.Probe(t)
		got, err := client(t).GenerateContent(harness.Context(t), "gemini-2.5-pro", genai.Text(probe), nil)
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", got.Text(), mock.Answer(probe))
		harness.Equal(t, "prompt tokens", got.UsageMetadata.PromptTokenCount, 1)
		harness.WantSeen(t, probe, 1)
	})
}

func TestStream(t *testing.T) {
	harness.Cell(t, name, "stream", func(t *testing.T) {
		probe := harness.Probe(t)
		text, last, err := read(t, client(t), "gemini-2.5-pro", probe, nil)
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", text, mock.Answer(probe))
		harness.Equal(t, "finish", last.Candidates[0].FinishReason, genai.FinishReasonStop)
		harness.WantSeen(t, probe, 1)
	})
}

func TestStreamLive(t *testing.T) {
	harness.Cell(t, name, "stream-live", func(t *testing.T) {
		probe := harness.Probe(t)
		text, _, err := read(t, client(t), "gemini-gate", probe, func() { harness.Release(t, probe) })
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", text, mock.Answer(probe))
	})
}

func TestCancel(t *testing.T) {
	harness.Cell(t, name, "cancel", func(t *testing.T) {
		probe := harness.Probe(t)
		ctx, cancel := context.WithCancel(harness.Context(t))
		defer cancel()
		for piece, err := range client(t).GenerateContentStream(ctx, "gemini-gate", genai.Text(probe), nil) {
			if err != nil {
				break
			}
			if piece.Text() != "" {
				cancel()
			}
		}
		harness.WantGone(t, probe)
	})
}

func TestTools(t *testing.T) {
	harness.Cell(t, name, "tools", func(t *testing.T) {
		probe := harness.Probe(t)
		config := &genai.GenerateContentConfig{Tools: []*genai.Tool{{FunctionDeclarations: []*genai.FunctionDeclaration{
			{Name: "weather", Parameters: &genai.Schema{Type: genai.TypeObject, Properties: map[string]*genai.Schema{"city": {Type: genai.TypeString}}}},
		}}}}
		contents := genai.Text(probe)
		got, err := client(t).GenerateContent(harness.Context(t), "gemini-2.5-pro", contents, config)
		if err != nil {
			t.Fatal(err)
		}
		calls := got.FunctionCalls()
		if len(calls) != 1 || calls[0].Name != "weather" {
			t.Fatalf("calls: %+v", calls)
		}
		var want map[string]any
		if err := json.Unmarshal([]byte(mock.ToolArguments[0]), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(calls[0].Args, want) {
			t.Errorf("arguments: %v, want %v", calls[0].Args, want)
		}
		contents = append(contents, got.Candidates[0].Content,
			genai.NewContentFromFunctionResponse("weather", map[string]any{"result": "rain in Zürich"}, genai.RoleUser))
		got, err = client(t).GenerateContent(harness.Context(t), "gemini-2.5-pro", contents, config)
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "text", got.Text(), mock.ToolAnswer("rain in Zürich"))
		harness.WantSeen(t, probe, 2)
	})
}

func TestCountTokens(t *testing.T) {
	harness.Cell(t, name, "count-tokens", func(t *testing.T) {
		got, err := client(t).CountTokens(harness.Context(t), "gemini-2.5-pro", genai.Text(harness.Probe(t)+" and three words"), nil)
		if err != nil {
			t.Fatal(err)
		}
		harness.Equal(t, "tokens", got.TotalTokens, 4)
	})
}

func TestEmbed(t *testing.T) {
	harness.Cell(t, name, "embed", func(t *testing.T) {
		probe := harness.Probe(t)
		got, err := client(t).EmbedContent(harness.Context(t), "gemini-embedding-001", genai.Text(probe), nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Embeddings) != 1 || !reflect.DeepEqual(got.Embeddings[0].Values, mock.Vector(probe)) {
			t.Errorf("got %+v", got.Embeddings)
		}
	})
}

func TestBrokenStreams(t *testing.T) {
	broken := func(model string) func(t *testing.T) {
		return func(t *testing.T) {
			probe := harness.Probe(t)
			text, _, err := read(t, client(t), model, probe, nil)
			if err == nil {
				t.Fatal("the stream ended as if it were whole")
			}
			if text == "" || !strings.HasPrefix(mock.Answer(probe), text) {
				t.Errorf("text before the break: %q", text)
			}
		}
	}
	harness.Cell(t, name, "cut", broken("gemini-cut"))
	harness.Cell(t, name, "inband-error", broken("gemini-inband"))
	harness.GatewayCell(t, name, "quiet-end", broken("gemini-eof"))
}

func TestErrors(t *testing.T) {
	fails := func(key func() string, model, text string, status int, words string, reach int) func(t *testing.T) {
		return func(t *testing.T) {
			probe := harness.Probe(t)
			_, err := at(t, key()).GenerateContent(harness.Context(t), model, genai.Text(probe+text), nil)
			failed(t, err, status, words)
			_, _, err = read(t, at(t, key()), model, probe+text, nil)
			failed(t, err, status, words)
			harness.WantSeen(t, probe, reach)
		}
	}
	own := func() string { return harness.Get().GoogleKey }
	harness.Cell(t, name, "provider-400", fails(own, "gemini-err-400", "", 400, "mock: prompt is too long", 2))
	harness.Cell(t, name, "provider-500", fails(own, "gemini-err-500", "", 500, "mock: the server exploded", 2))
	harness.GatewayCell(t, name, "denied-401", fails(func() string { return "not-a-key-of-this-gateway" }, "gemini-2.5-pro", "", 401, "UNAUTHENTICATED", 0))
	harness.GatewayCell(t, name, "denied-403", fails(func() string { return harness.Get().RestrictedKey }, "gemini-2.5-pro", "", 403, "PERMISSION_DENIED", 0))
	harness.GatewayCell(t, name, "denied-404", fails(own, "nobody-has-this", "", 404, "nobody-has-this", 0))
	harness.GatewayCell(t, name, "denied-422", fails(own, "gemini-2.5-pro", " "+harness.Marker, 422, "this text must not leave", 0))
}
