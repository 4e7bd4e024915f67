// Package openai is the provider type `openai`: OpenAI itself, and every server
// that is compatible with it (vLLM, llama.cpp, Ollama, Groq, Mistral, …) by
// base_url.
package openai

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
)

func init() { caddy.RegisterModule(new(OpenAI)) }

// DefaultBaseURL is OpenAI's own address.
const DefaultBaseURL = "https://api.openai.com/v1"

// OpenAI sends calls to OpenAI or a compatible server.
type OpenAI struct {
	guest.HTTP
	// Organization and Project are sent as OpenAI-Organization and
	// OpenAI-Project. Default none.
	Organization string `json:"organization,omitempty"`
	Project      string `json:"project,omitempty"`
	// IncludeUsageOption says whether streams may be asked for their usage by
	// stream_options.include_usage: `on` (default) or `off`, for servers that
	// refuse the option. Without it streams are priced by estimate unless the
	// server reports usage by itself.
	IncludeUsageOption string `json:"include_usage,omitempty"`
	// MaxTokensOption is the member of a chat request in which the server takes
	// the limit on output tokens. Default: max_completion_tokens at OpenAI,
	// max_tokens with a base_url.
	MaxTokensOption string `json:"max_tokens_field,omitempty"`
	// Speaks are the dialects that the server takes natively, of: chat,
	// responses, embeddings, completions, models, input_tokens, messages,
	// count_tokens, objects. Calls of other dialects are translated into the
	// first that fits. Default: responses chat embeddings completions models
	// input_tokens objects, with a base_url chat before responses.
	Speaks []string `json:"speaks,omitempty"`

	organization, project string
	spoken                []llm.Dialect
}

// CaddyModule describes the module to Caddy.
func (*OpenAI) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: guest.Namespace + ".openai", New: func() caddy.Module { return new(OpenAI) }}
}

// Provision resolves the options.
func (p *OpenAI) Provision(ctx caddy.Context) error {
	if p.Keyless() && p.BaseURL == "" {
		return errors.New("openai: api_key is missing; only a server with its own base_url may go without")
	}
	switch p.IncludeUsageOption {
	case "", "on", "off":
	default:
		return errors.New("openai: include_usage: want on or off")
	}
	switch p.MaxTokensOption {
	case "", "max_tokens", "max_completion_tokens":
	default:
		return errors.New("openai: max_tokens_field: want max_tokens or max_completion_tokens")
	}
	var err error
	if p.spoken, err = speak(p.Speaks); err != nil {
		return fmt.Errorf("openai: %w", err)
	}
	if err := p.Setup(ctx, "openai", DefaultBaseURL); err != nil {
		return err
	}
	if p.organization, err = p.Resolve("organization", p.Organization); err != nil {
		return err
	}
	p.project, err = p.Resolve("project", p.Project)
	return err
}

// Type implements providers.Provider.
func (*OpenAI) Type() string { return "openai" }

// Dialects implements providers.Provider.
func (p *OpenAI) Dialects() []llm.Dialect {
	switch {
	case p.spoken != nil:
		return p.spoken
	case p.BaseURL != "":
		return compatible
	}
	return native
}

// What is preferred for translation stands first: at OpenAI the Responses API,
// which carries reasoning; elsewhere chat completions, which everybody has.
var (
	native     = []llm.Dialect{llm.Responses, llm.Chat, llm.Embeddings, llm.Completions, llm.Models, llm.InputTokens, llm.Objects}
	compatible = []llm.Dialect{llm.Chat, llm.Responses, llm.Embeddings, llm.Completions, llm.Models, llm.InputTokens, llm.Objects}
)

// speakable are the dialects that may be named in `speaks`.
var speakable = map[string]llm.Dialect{
	"chat": llm.Chat, "responses": llm.Responses, "embeddings": llm.Embeddings, "completions": llm.Completions, "models": llm.Models,
	"input_tokens": llm.InputTokens, "messages": llm.Messages, "count_tokens": llm.CountTokens, "objects": llm.Objects,
}

// speak turns the names in `speaks` into dialects. What is not written is nil.
func speak(names []string) (spoken []llm.Dialect, err error) {
	for _, name := range names {
		d, ok := speakable[name]
		switch {
		case !ok:
			return nil, fmt.Errorf("speaks: unknown dialect %q; known are chat, responses, embeddings, completions, models, input_tokens, messages, count_tokens and objects", name)
		case slices.Contains(spoken, d):
			return nil, fmt.Errorf("speaks: %s is given twice", name)
		}
		spoken = append(spoken, d)
	}
	return spoken, nil
}

// address is where a call goes.
func address(base *url.URL, c *providers.Call) (*url.URL, error) {
	if c.Dialect == llm.Objects {
		return guest.ObjectAddress(base, c.Path)
	}
	return providers.Endpoint(base, c.Dialect)
}

// NewRequest implements providers.Provider.
func (p *OpenAI) NewRequest(ctx context.Context, c *providers.Call) (*http.Request, error) {
	u, err := address(p.Base(), c)
	if err != nil {
		return nil, err
	}
	req, err := providers.NewRequest(ctx, u, c)
	if err != nil {
		return nil, err
	}
	if p.organization != "" {
		req.Header.Set("OpenAI-Organization", p.organization)
	}
	if p.project != "" {
		req.Header.Set("OpenAI-Project", p.project)
	}
	guest.ObjectType(req, c)
	p.AddHeaders(req.Header)
	if key := p.Key(c.Key); key != "" {
		req.Header["Authorization"] = []string{"Bearer " + key}
	}
	return req, nil
}

// MaxTokensField implements providers.Provider.
func (p *OpenAI) MaxTokensField() string {
	switch {
	case p.MaxTokensOption != "":
		return p.MaxTokensOption
	case p.BaseURL != "":
		return "max_tokens"
	}
	return "max_completion_tokens"
}

// IncludeUsage implements providers.Provider.
func (p *OpenAI) IncludeUsage() bool { return p.IncludeUsageOption != "off" }

// ParseOption implements guest.Parser.
func (p *OpenAI) ParseOption(d *caddyfile.Dispenser) (bool, error) {
	switch d.Val() {
	case "organization":
		return true, guest.One(d, &p.Organization)
	case "project":
		return true, guest.One(d, &p.Project)
	case "speaks":
		if p.Speaks != nil {
			return true, d.Err("speaks is given twice")
		}
		if p.Speaks = d.RemainingArgs(); len(p.Speaks) == 0 {
			return true, d.Err("speaks needs dialects, such as chat or responses")
		}
		if _, err := speak(p.Speaks); err != nil {
			return true, d.WrapErr(err)
		}
		return true, nil
	case "include_usage":
		if err := guest.One(d, &p.IncludeUsageOption); err != nil {
			return true, err
		}
		if p.IncludeUsageOption != "on" && p.IncludeUsageOption != "off" {
			return true, d.Err("include_usage takes on or off")
		}
		return true, nil
	case "max_tokens_field":
		if err := guest.One(d, &p.MaxTokensOption); err != nil {
			return true, err
		}
		if p.MaxTokensOption != "max_tokens" && p.MaxTokensOption != "max_completion_tokens" {
			return true, d.Err("max_tokens_field takes max_tokens or max_completion_tokens")
		}
		return true, nil
	}
	return p.HTTP.ParseOption(d)
}

// Complete implements guest.Parser.
func (p *OpenAI) Complete(d *caddyfile.Dispenser) error {
	if p.Keyless() && p.BaseURL == "" {
		return d.Err("openai needs an api_key; only a server with its own base_url may go without")
	}
	return nil
}

var (
	_ caddy.Provisioner  = (*OpenAI)(nil)
	_ caddy.CleanerUpper = (*OpenAI)(nil)
	_ providers.Provider = (*OpenAI)(nil)
	_ guest.Parser       = (*OpenAI)(nil)
)
