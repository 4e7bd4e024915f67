// Package acme is an example of a provider type of your own: `acme`, a model
// server in your house that speaks OpenAI's chat completions at an address of its
// own and wants every call signed.
//
// Copy it into a module of yours, rename it, and build Caddy with both:
//
//	xcaddy build --with github.com/caddy-llm-gateway/caddy-llm-gateway --with example.com/acme
package acme

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
)

func init() { caddy.RegisterModule(new(Acme)) }

// Acme sends calls to an Acme model server.
type Acme struct {
	// HTTP brings api_key (one or several), base_url, header and transport, with
	// placeholders resolved and secrets kept out of errors.
	guest.HTTP
	// Tenant is sent with every call. Required.
	Tenant string `json:"tenant,omitempty"`

	tenant string
}

// CaddyModule describes the module to Caddy. The last part of the id is what one
// writes behind llm_upstream.
func (*Acme) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: guest.Namespace + ".acme", New: func() caddy.Module { return new(Acme) }}
}

// Provision resolves the options. It must not dial or open anything: it also
// runs for `caddy validate`.
func (p *Acme) Provision(ctx caddy.Context) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("acme: %w", err)
	}
	err := p.Setup(ctx, "acme", "")
	if err == nil {
		p.tenant, err = p.Resolve("tenant", p.Tenant)
	}
	return err
}

func (p *Acme) check() error {
	switch {
	case p.BaseURL == "":
		return errors.New("base_url is missing")
	case p.Keyless():
		return errors.New("api_key is missing")
	case p.Tenant == "":
		return errors.New("tenant is missing")
	}
	return nil
}

// Type implements providers.Provider. Prices are found by it, unless the
// provider's name in the configuration is one of the catalogue.
func (*Acme) Type() string { return "acme" }

// Dialects implements providers.Provider. Calls of other dialects are translated
// into the first of these that they can be translated into.
func (*Acme) Dialects() []llm.Dialect { return spoken }

var spoken = []llm.Dialect{llm.Chat, llm.Models}

var paths = map[llm.Dialect]string{llm.Chat: "/inference/chat", llm.Models: "/inference/models"}

// NewRequest implements providers.Provider. It is called once per attempt, by
// many requests at a time.
func (p *Acme) NewRequest(ctx context.Context, c *providers.Call) (*http.Request, error) {
	path, ok := paths[c.Dialect]
	if !ok {
		return nil, fmt.Errorf("no endpoint for %q", c.Dialect)
	}
	// NewRequest of package providers passes on only what is allowed of the
	// client's headers and query: never copy others.
	req, err := providers.NewRequest(ctx, guest.Below(p.Base(), path), c)
	if err != nil {
		return nil, err
	}
	p.AddHeaders(req.Header)
	req.Header.Set("Acme-Tenant", p.tenant)
	mac := hmac.New(sha256.New, []byte(p.Key(c.Key)))
	mac.Write(c.Body)
	req.Header.Set("Acme-Signature", hex.EncodeToString(mac.Sum(nil)))
	return req, nil
}

// MaxTokensField implements providers.Provider.
func (*Acme) MaxTokensField() string { return "max_tokens" }

// IncludeUsage implements providers.Provider: the server understands
// stream_options.include_usage.
func (*Acme) IncludeUsage() bool { return true }

// ParseOption implements guest.Parser.
func (p *Acme) ParseOption(d *caddyfile.Dispenser) (bool, error) {
	if d.Val() == "tenant" {
		return true, guest.One(d, &p.Tenant)
	}
	return p.HTTP.ParseOption(d)
}

// Complete implements guest.Parser.
func (p *Acme) Complete(d *caddyfile.Dispenser) error {
	if err := p.check(); err != nil {
		return d.Errf("acme: %v", err)
	}
	return nil
}

var (
	_ caddy.Provisioner  = (*Acme)(nil)
	_ caddy.CleanerUpper = (*Acme)(nil)
	_ providers.Provider = (*Acme)(nil)
	_ providers.Keyring  = (*Acme)(nil)
	_ guest.Parser       = (*Acme)(nil)
)
