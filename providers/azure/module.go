// Package azure is the provider type `azure`: OpenAI's models in Azure, by the
// v1 API or by the older one with dated versions and a deployment in the address.
package azure

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
)

func init() { caddy.RegisterModule(new(Azure)) }

// Azure sends calls to an Azure OpenAI resource.
type Azure struct {
	guest.HTTP
	// APIVersion chooses the API: empty for v1, "preview" for its preview, or a
	// date such as 2024-10-21 for the older API.
	APIVersion string `json:"api_version,omitempty"`
	// Deployments map models to the names of their deployments, so that clients,
	// prices and records go by the model. A model without an entry is its own
	// deployment's name.
	Deployments map[string]string `json:"deployments,omitempty"`
	// MaxTokensOption is the member of a chat request that limits the output:
	// max_completion_tokens (default) or max_tokens (default before version
	// 2024-09).
	MaxTokensOption string `json:"max_tokens_field,omitempty"`
}

// CaddyModule describes the module to Caddy.
func (*Azure) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: guest.Namespace + ".azure", New: func() caddy.Module { return new(Azure) }}
}

// Provision resolves the options.
func (p *Azure) Provision(ctx caddy.Context) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("azure: %w", err)
	}
	if err := p.Setup(ctx, "azure", ""); err != nil {
		return err
	}
	// What people copy from Azure's pages may hold the API's own path.
	base := p.Base()
	for _, end := range [...]string{"/v1", "/openai"} {
		base.Path = strings.TrimSuffix(base.Path, end)
		base.RawPath = strings.TrimSuffix(base.RawPath, end)
	}
	path := "/openai"
	if !p.dated() {
		path = "/openai/v1"
	}
	*base = *guest.Below(base, path)
	return nil
}

// date is a version of the older API.
var date = regexp.MustCompile(`^20\d\d-\d\d-\d\d(-preview)?$`)

func (p *Azure) check() error {
	switch {
	case p.BaseURL == "":
		return errors.New("base_url is missing: name the resource, such as https://NAME.openai.azure.com")
	case p.Keyless() && len(p.Headers) == 0:
		return errors.New("api_key is missing")
	case p.APIVersion != "" && p.APIVersion != "preview" && !date.MatchString(p.APIVersion):
		return errors.New("api_version: want a date such as 2024-10-21, preview, or nothing for the v1 API")
	case p.MaxTokensOption != "" && p.MaxTokensOption != "max_tokens" && p.MaxTokensOption != "max_completion_tokens":
		return errors.New("max_tokens_field: want max_tokens or max_completion_tokens")
	}
	for model, name := range p.Deployments {
		if model == "" || name == "" {
			return errors.New("deployments: a model or the name of a deployment is empty")
		}
	}
	return nil
}

// dated reports whether the older API is spoken.
func (p *Azure) dated() bool { return p.APIVersion != "" && p.APIVersion != "preview" }

// Type implements providers.Provider.
func (*Azure) Type() string { return "azure" }

// Dialects implements providers.Provider.
func (p *Azure) Dialects() []llm.Dialect {
	switch {
	case !p.dated():
		return current
	case p.APIVersion >= "2025-03-01":
		return dated
	}
	return dated[:3]
}

var (
	current = []llm.Dialect{llm.Chat, llm.Responses, llm.Embeddings, llm.Completions, llm.Models, llm.Objects}
	dated   = []llm.Dialect{llm.Chat, llm.Embeddings, llm.Completions, llm.Responses}
)

// WireModel implements providers.Renamer.
func (p *Azure) WireModel(model string) string {
	if name, ok := p.Deployments[model]; ok {
		return name
	}
	return model
}

// NewRequest implements providers.Provider.
func (p *Azure) NewRequest(ctx context.Context, c *providers.Call) (*http.Request, error) {
	u, err := p.address(c)
	if err != nil {
		return nil, err
	}
	req, err := providers.NewRequest(ctx, u, c)
	if err != nil {
		return nil, err
	}
	if p.APIVersion != "" {
		version := "api-version=" + p.APIVersion
		if req.URL.RawQuery != "" {
			version += "&" + req.URL.RawQuery
		}
		req.URL.RawQuery = version
	}
	guest.ObjectType(req, c)
	p.AddHeaders(req.Header)
	if key := p.Key(c.Key); key != "" {
		req.Header["Api-Key"] = []string{key}
	}
	return req, nil
}

func (p *Azure) address(c *providers.Call) (*url.URL, error) {
	base := p.Base()
	if c.Dialect == llm.Objects && !p.dated() {
		return guest.ObjectAddress(base, c.Path)
	}
	if p.dated() && c.Dialect != llm.Responses {
		switch c.Dialect {
		case llm.Chat, llm.Embeddings, llm.Completions:
		default:
			return nil, fmt.Errorf("no endpoint for %q", c.Dialect)
		}
		name, err := guest.ModelPath(c.Model)
		if err != nil {
			return nil, err
		}
		base = guest.Below(base, "/deployments/"+name)
	}
	return providers.Endpoint(base, c.Dialect)
}

// MaxTokensField implements providers.Provider.
func (p *Azure) MaxTokensField() string {
	switch {
	case p.MaxTokensOption != "":
		return p.MaxTokensOption
	case p.dated() && p.APIVersion < "2024-09":
		return "max_tokens"
	}
	return "max_completion_tokens"
}

// IncludeUsage implements providers.Provider.
func (p *Azure) IncludeUsage() bool { return !p.dated() || p.APIVersion >= "2024-09" }

// ParseOption implements guest.Parser.
func (p *Azure) ParseOption(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "api_version":
		return true, guest.One(d, &p.APIVersion)
	case "max_tokens_field":
		return true, guest.One(d, &p.MaxTokensOption)
	case "deployment":
		args := d.RemainingArgs()
		if len(args) != 2 || args[0] == "" || args[1] == "" {
			return true, d.Err("deployment takes a model and the name of its deployment")
		}
		if _, twice := p.Deployments[args[0]]; twice {
			return true, d.Errf("deployment of %s is given twice", args[0])
		}
		if p.Deployments == nil {
			p.Deployments = make(map[string]string)
		}
		p.Deployments[args[0]] = args[1]
		return true, nil
	}
	return p.HTTP.ParseOption(d)
}

// Complete implements guest.Parser.
func (p *Azure) Complete(d *caddyfile.Dispenser) error {
	if err := p.check(); err != nil {
		return d.Errf("azure: %v", err)
	}
	return nil
}

var (
	_ caddy.Provisioner  = (*Azure)(nil)
	_ caddy.CleanerUpper = (*Azure)(nil)
	_ providers.Provider = (*Azure)(nil)
	_ providers.Keyring  = (*Azure)(nil)
	_ providers.Renamer  = (*Azure)(nil)
	_ guest.Parser       = (*Azure)(nil)
)
