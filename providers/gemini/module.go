// Package gemini is the provider type `gemini`: Google's Gemini API, and servers
// that speak it, by base_url.
package gemini

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
)

func init() { caddy.RegisterModule(new(Gemini)) }

// DefaultBaseURL is Google's own address; the version of the API is added, as
// the SDK does, unless a base_url ends in one.
const DefaultBaseURL = "https://generativelanguage.googleapis.com"

// Gemini sends calls to Google's Gemini API or a compatible server.
type Gemini struct {
	guest.HTTP
}

// CaddyModule describes the module to Caddy.
func (*Gemini) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: guest.Namespace + ".gemini", New: func() caddy.Module { return new(Gemini) }}
}

// Provision resolves the options.
func (p *Gemini) Provision(ctx caddy.Context) error {
	if p.Keyless() && p.BaseURL == "" {
		return errors.New("gemini: api_key is missing; only a server with its own base_url may go without")
	}
	if err := p.Setup(ctx, "gemini", DefaultBaseURL); err != nil {
		return err
	}
	base := p.Base()
	switch base.Path[strings.LastIndexByte(base.Path, '/')+1:] {
	case "v1", "v1beta", "v1alpha":
	default:
		*base = *guest.Below(base, "/v1beta")
	}
	return nil
}

// Type implements providers.Provider.
func (*Gemini) Type() string { return "gemini" }

// Dialects implements providers.Provider.
func (*Gemini) Dialects() []llm.Dialect { return spoken }

var spoken = []llm.Dialect{llm.GenerateContent, llm.GeminiCount, llm.GeminiEmbed, llm.GeminiBatchEmbed, llm.GeminiModels}

var verbs = map[llm.Dialect]string{
	llm.GenerateContent: ":generateContent", llm.GeminiCount: ":countTokens", llm.GeminiEmbed: ":embedContent", llm.GeminiBatchEmbed: ":batchEmbedContents",
}

const streamVerb = ":streamGenerateContent"

// NewRequest implements providers.Provider. A stream comes as server-sent events
// unless the client speaks Gemini itself and did not ask for them: then it is
// one array.
func (p *Gemini) NewRequest(ctx context.Context, c *providers.Call) (*http.Request, error) {
	u, err := p.address(c)
	if err != nil {
		return nil, err
	}
	req, err := providers.NewRequest(ctx, u, c)
	if err != nil {
		return nil, err
	}
	req.URL.RawQuery = "" // Google refuses parameters that it does not know
	if c.Dialect == llm.GenerateContent && c.Stream && (!strings.HasSuffix(c.Path, streamVerb) || wantsEvents(c.RawQuery)) {
		req.URL.RawQuery = "alt=sse"
	}
	p.AddHeaders(req.Header)
	if key := p.Key(c.Key); key != "" {
		req.Header["X-Goog-Api-Key"] = []string{key}
	}
	return req, nil
}

func (p *Gemini) address(c *providers.Call) (*url.URL, error) {
	if c.Dialect == llm.GeminiModels {
		return guest.Below(p.Base(), "/models"), nil
	}
	verb, ok := verbs[c.Dialect]
	if !ok {
		return nil, fmt.Errorf("no endpoint for %q", c.Dialect)
	}
	if c.Stream && c.Dialect == llm.GenerateContent {
		verb = streamVerb
	}
	model, err := guest.ModelPath(strings.TrimPrefix(c.Model, "models/"))
	if err != nil {
		return nil, err
	}
	if !strings.HasPrefix(model, "tunedModels/") {
		model = "models/" + model
	}
	return guest.Below(p.Base(), "/"+model+verb), nil
}

// wantsEvents reports whether a query asks for server-sent events.
func wantsEvents(raw string) bool {
	q, _ := url.ParseQuery(raw)
	return q.Get("alt") == "sse" || q.Get("$alt") == "sse"
}

// MaxTokensField implements providers.Provider. Gemini has one name only.
func (*Gemini) MaxTokensField() string { return "" }

// IncludeUsage implements providers.Provider: usage always comes.
func (*Gemini) IncludeUsage() bool { return false }

// Complete implements guest.Parser.
func (p *Gemini) Complete(d *caddyfile.Dispenser) error {
	if p.Keyless() && p.BaseURL == "" {
		return d.Err("gemini needs an api_key; only a server with its own base_url may go without")
	}
	return nil
}

var (
	_ caddy.Provisioner  = (*Gemini)(nil)
	_ caddy.CleanerUpper = (*Gemini)(nil)
	_ providers.Provider = (*Gemini)(nil)
	_ providers.Keyring  = (*Gemini)(nil)
	_ guest.Parser       = (*Gemini)(nil)
)
