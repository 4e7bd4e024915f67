// Package ollama is the provider type `ollama`: an Ollama server, which speaks
// its own API and those of OpenAI and Anthropic.
package ollama

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
)

func init() { caddy.RegisterModule(new(Ollama)) }

// DefaultBaseURL is where Ollama listens unless told otherwise.
const DefaultBaseURL = "http://127.0.0.1:11434"

// Ollama sends calls to an Ollama server. A key is needed only where a proxy or
// Ollama's cloud asks for one.
type Ollama struct {
	guest.HTTP
}

// CaddyModule describes the module to Caddy.
func (*Ollama) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: guest.Namespace + ".ollama", New: func() caddy.Module { return new(Ollama) }}
}

// Provision resolves the options.
func (p *Ollama) Provision(ctx caddy.Context) error {
	if err := p.Setup(ctx, "ollama", DefaultBaseURL); err != nil {
		return err
	}
	// OpenAI's SDKs want /v1 in the address, Ollama's own does not.
	base := p.Base()
	base.Path, base.RawPath = strings.TrimSuffix(base.Path, "/v1"), strings.TrimSuffix(base.RawPath, "/v1")
	return nil
}

// Type implements providers.Provider.
func (*Ollama) Type() string { return "ollama" }

// Dialects implements providers.Provider.
func (*Ollama) Dialects() []llm.Dialect { return spoken }

var spoken = []llm.Dialect{llm.OllamaChat, llm.Chat, llm.Responses, llm.Messages, llm.Embeddings, llm.OllamaGenerate, llm.OllamaEmbed, llm.Completions,
	llm.Models, llm.OllamaModels}

var paths = map[llm.Dialect]string{
	llm.OllamaChat: "/api/chat", llm.OllamaGenerate: "/api/generate", llm.OllamaEmbed: "/api/embed", llm.OllamaModels: "/api/tags",
	llm.Chat: "/v1/chat/completions", llm.Responses: "/v1/responses", llm.Messages: "/v1/messages", llm.Embeddings: "/v1/embeddings",
	llm.Completions: "/v1/completions", llm.Models: "/v1/models",
}

// NewRequest implements providers.Provider.
func (p *Ollama) NewRequest(ctx context.Context, c *providers.Call) (*http.Request, error) {
	path, ok := paths[c.Dialect]
	if !ok {
		return nil, fmt.Errorf("no endpoint for %q", c.Dialect)
	}
	req, err := providers.NewRequest(ctx, guest.Below(p.Base(), path), c)
	if err != nil {
		return nil, err
	}
	p.AddHeaders(req.Header)
	if key := p.Key(c.Key); key != "" {
		req.Header["Authorization"] = []string{"Bearer " + key}
	}
	return req, nil
}

// MaxTokensField implements providers.Provider.
func (*Ollama) MaxTokensField() string { return "max_tokens" }

// IncludeUsage implements providers.Provider.
func (*Ollama) IncludeUsage() bool { return true }

// Complete implements guest.Parser.
func (*Ollama) Complete(*caddyfile.Dispenser) error { return nil }

var (
	_ caddy.Provisioner  = (*Ollama)(nil)
	_ caddy.CleanerUpper = (*Ollama)(nil)
	_ providers.Provider = (*Ollama)(nil)
	_ providers.Keyring  = (*Ollama)(nil)
	_ guest.Parser       = (*Ollama)(nil)
)
