// Package simulated is the provider type `simulated`: a deterministic model
// server inside the process, for demos, tests and trying out a configuration. It
// needs no account and no network, and says in every answer that it is
// simulated. It must never be mistaken for a model.
package simulated

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
)

func init() { caddy.RegisterModule(new(Simulated)) }

// Simulated answers calls of every dialect without a network. What it does is
// chosen by the name of the model, see Handler.
type Simulated struct {
	// Pace is the time between the events of a stream. Default 0.
	Pace caddy.Duration `json:"pace,omitempty"`
	// Speaks lists the dialects that it takes: `chat`, `responses`, `messages`,
	// `generate_content`; calls in others are translated. Default: all dialects.
	Speaks []string `json:"speaks,omitempty"`

	transport http.RoundTripper
	dialects  []llm.Dialect
}

// CaddyModule describes the module to Caddy.
func (*Simulated) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: guest.Namespace + ".simulated", New: func() caddy.Module { return new(Simulated) }}
}

// speakable are the dialects that may be named in speaks.
var speakable = map[string]llm.Dialect{"chat": llm.Chat, "responses": llm.Responses, "messages": llm.Messages, "generate_content": llm.GenerateContent}

// Provision makes the in-process transport.
func (p *Simulated) Provision(caddy.Context) error {
	for _, name := range p.Speaks {
		d, ok := speakable[name]
		if !ok {
			return fmt.Errorf("simulated: speaks: %q is none of chat, responses, messages and generate_content", name)
		}
		p.dialects = append(p.dialects, d)
	}
	p.transport = &Transport{Handler: Handler(time.Duration(p.Pace))}
	return nil
}

// Type implements providers.Provider.
func (*Simulated) Type() string { return "simulated" }

// Dialects implements providers.Provider.
func (p *Simulated) Dialects() []llm.Dialect {
	if p.dialects == nil {
		return spoken
	}
	return p.dialects
}

var spoken = []llm.Dialect{llm.Chat, llm.Responses, llm.Embeddings, llm.Completions, llm.Models, llm.Messages, llm.CountTokens, llm.AnthropicModels, llm.InputTokens,
	llm.GenerateContent, llm.GeminiCount, llm.GeminiEmbed, llm.GeminiBatchEmbed, llm.GeminiModels, llm.OllamaChat, llm.OllamaGenerate, llm.OllamaEmbed, llm.OllamaModels}

var base = &url.URL{Scheme: "http", Host: "simulated.invalid", Path: "/v1"}

// natives are the paths of the dialects that have no place below /v1.
var natives = map[llm.Dialect]string{
	llm.GenerateContent: ":generateContent", llm.GeminiCount: ":countTokens", llm.GeminiEmbed: ":embedContent", llm.GeminiBatchEmbed: ":batchEmbedContents",
	llm.GeminiModels: "/v1beta/models", llm.OllamaChat: "/api/chat", llm.OllamaGenerate: "/api/generate", llm.OllamaEmbed: "/api/embed", llm.OllamaModels: "/api/tags",
}

// NewRequest implements providers.Provider.
func (p *Simulated) NewRequest(ctx context.Context, c *providers.Call) (*http.Request, error) {
	path, ok := natives[c.Dialect]
	if !ok {
		u, err := providers.Endpoint(base, c.Dialect)
		if err != nil {
			return nil, err
		}
		return providers.NewRequest(ctx, u, c)
	}
	query := ""
	if path[0] == ':' {
		model, err := guest.ModelPath(c.Model)
		if err != nil {
			return nil, err
		}
		if c.Stream && c.Dialect == llm.GenerateContent {
			path = ":streamGenerateContent"
			if !strings.HasSuffix(c.Path, path) || strings.Contains(c.RawQuery, "alt=sse") {
				query = "alt=sse"
			}
		}
		path = "/v1beta/models/" + model + path
	}
	req, err := providers.NewRequest(ctx, guest.Below(&url.URL{Scheme: base.Scheme, Host: base.Host}, path), c)
	if err == nil {
		req.URL.RawQuery = query
	}
	return req, err
}

// Transport implements providers.Provider.
func (p *Simulated) Transport() http.RoundTripper { return p.transport }

// MaxTokensField implements providers.Provider.
func (*Simulated) MaxTokensField() string { return "max_tokens" }

// IncludeUsage implements providers.Provider.
func (*Simulated) IncludeUsage() bool { return true }

// PositionalKey implements guest.Parser.
func (*Simulated) PositionalKey(d *caddyfile.Dispenser) error {
	return d.Err("the simulated provider takes no API key")
}

// ParseOption implements guest.Parser.
func (p *Simulated) ParseOption(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "pace":
	case "speaks":
		if p.Speaks != nil {
			return true, d.Err("speaks is given twice")
		}
		if p.Speaks = d.RemainingArgs(); len(p.Speaks) == 0 {
			return true, d.ArgErr()
		}
		for _, name := range p.Speaks {
			if _, ok := speakable[name]; !ok {
				return true, d.Errf("speaks: %q is none of chat, responses, messages and generate_content", name)
			}
		}
		return true, nil
	default:
		return false, nil
	}
	var s string
	if err := guest.One(d, &s); err != nil {
		return true, err
	}
	dur, err := caddy.ParseDuration(s)
	if err != nil || dur < 0 || p.Pace != 0 {
		return true, d.Errf("pace: %q is not a duration such as 50ms, or it is given twice", s)
	}
	p.Pace = caddy.Duration(dur)
	return true, nil
}

// Complete implements guest.Parser.
func (*Simulated) Complete(*caddyfile.Dispenser) error { return nil }

var (
	_ caddy.Provisioner  = (*Simulated)(nil)
	_ providers.Provider = (*Simulated)(nil)
	_ guest.Parser       = (*Simulated)(nil)
)
