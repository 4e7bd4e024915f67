// Package anthropic is the provider type `anthropic`: Anthropic's API, and
// servers that speak it, by base_url.
package anthropic

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
)

func init() { caddy.RegisterModule(new(Anthropic)) }

const (
	// DefaultBaseURL is Anthropic's own address; the version of the API is
	// added, as the SDK does.
	DefaultBaseURL = "https://api.anthropic.com"
	// DefaultVersion is sent when a client names no anthropic-version.
	DefaultVersion = "2023-06-01"
)

// Anthropic sends calls to Anthropic or a compatible server.
type Anthropic struct {
	guest.HTTP
}

// CaddyModule describes the module to Caddy.
func (*Anthropic) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: guest.Namespace + ".anthropic", New: func() caddy.Module { return new(Anthropic) }}
}

// Provision resolves the options.
func (p *Anthropic) Provision(ctx caddy.Context) error {
	if p.Keyless() && p.BaseURL == "" {
		return errors.New("anthropic: api_key is missing; only a server with its own base_url may go without")
	}
	if err := p.Setup(ctx, "anthropic", DefaultBaseURL); err != nil {
		return err
	}
	p.Base().Path += "/v1"
	if p.Base().RawPath != "" {
		p.Base().RawPath += "/v1"
	}
	return nil
}

// Type implements providers.Provider.
func (*Anthropic) Type() string { return "anthropic" }

// Dialects implements providers.Provider.
func (*Anthropic) Dialects() []llm.Dialect { return spoken }

var spoken = []llm.Dialect{llm.Messages, llm.CountTokens, llm.AnthropicModels, llm.Objects}

// address is where a call goes.
func address(base *url.URL, c *providers.Call) (*url.URL, error) {
	if c.Dialect == llm.Objects {
		return guest.ObjectAddress(base, c.Path)
	}
	return providers.Endpoint(base, c.Dialect)
}

// NewRequest implements providers.Provider. The client's anthropic-version and
// anthropic-beta pass byte for byte; the key goes as x-api-key, which both
// versions of the API take.
func (p *Anthropic) NewRequest(ctx context.Context, c *providers.Call) (*http.Request, error) {
	u, err := address(p.Base(), c)
	if err != nil {
		return nil, err
	}
	req, err := providers.NewRequest(ctx, u, c)
	if err != nil {
		return nil, err
	}
	if req.Header["Anthropic-Version"] == nil {
		req.Header["Anthropic-Version"] = []string{DefaultVersion}
	}
	guest.ObjectType(req, c)
	p.AddHeaders(req.Header)
	if key := p.Key(c.Key); key != "" {
		req.Header["X-Api-Key"] = []string{key}
	}
	return req, nil
}

// MaxTokensField implements providers.Provider.
func (*Anthropic) MaxTokensField() string { return "max_tokens" }

// IncludeUsage implements providers.Provider: usage always comes.
func (*Anthropic) IncludeUsage() bool { return false }

// Complete implements guest.Parser.
func (p *Anthropic) Complete(d *caddyfile.Dispenser) error {
	if p.Keyless() && p.BaseURL == "" {
		return d.Err("anthropic needs an api_key; only a server with its own base_url may go without")
	}
	return nil
}

var (
	_ caddy.Provisioner  = (*Anthropic)(nil)
	_ caddy.CleanerUpper = (*Anthropic)(nil)
	_ providers.Provider = (*Anthropic)(nil)
	_ guest.Parser       = (*Anthropic)(nil)
)
