// Package guest is what the provider modules share of Caddy: the options of an
// HTTP provider, the resolution of its secrets, its transport, and how its
// options are read from a Caddyfile. It must not know any provider's API.
package guest

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp/reverseproxy"
)

// Namespace is where provider modules live.
const Namespace = "llm_gateway.providers"

// Parser is what a provider module implements so that its options can be
// written in `llm_upstream <type> { … }` and `provider <name> <type> { … }`,
// between options that are not its own.
type Parser interface {
	caddy.Module
	// PositionalKey takes the API key that stands behind the type.
	PositionalKey(d *caddyfile.Dispenser) error
	// ParseOption reads the option that d stands on; it returns false, having
	// consumed nothing, if the option is not one of the provider's.
	ParseOption(d *caddyfile.Dispenser) (bool, error)
	// Complete checks the whole once all options were read.
	Complete(d *caddyfile.Dispenser) error
}

// New returns a fresh module of the type for parsing.
func New(d *caddyfile.Dispenser, typ string) (Parser, error) {
	if !typeName.MatchString(typ) {
		// Perhaps a key whose type was forgotten: it must not be repeated.
		return nil, d.Err("expected a provider type such as openai, anthropic or simulated")
	}
	info, err := caddy.GetModule(Namespace + "." + typ)
	if err != nil {
		if strings.ContainsFunc(typ, func(r rune) bool { return r != '_' && (r < 'a' || r > 'z') }) {
			// Perhaps a key whose type was forgotten: it is not repeated.
			return nil, d.Err("expected a provider type such as openai, anthropic or simulated before anything else")
		}
		return nil, d.Errf("unknown provider type %q", typ)
	}
	p, ok := info.New().(Parser)
	if !ok {
		return nil, d.Errf("provider type %q cannot be written in a Caddyfile", typ)
	}
	return p, nil
}

// typeName is what types of providers are called.
var typeName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,19}$`)

// HTTP holds the options of a provider that is reached by HTTP. Modules embed it.
type HTTP struct {
	// APIKey is the provider's credential. Use a placeholder such as
	// {env.OPENAI_API_KEY} or {file./run/secrets/openai}; a literal is readable
	// in Caddy's configuration dump.
	APIKey string `json:"api_key,omitempty"`
	// APIKeys are further credentials. Each is a deployment of its own: calls
	// go to them in turn, and one that is refused or out of quota is left alone
	// for a while.
	APIKeys []string `json:"api_keys,omitempty"`
	// BaseURL is what the provider's own SDK takes. Default: the provider's
	// public address.
	BaseURL string `json:"base_url,omitempty"`
	// Headers are added to every request, for proxies and gateways in between.
	// Values may be placeholders.
	Headers map[string]string `json:"headers,omitempty"`
	// TransportRaw is how to reach the provider: any module of Caddy's
	// namespace http.reverse_proxy.transport. Default: http, with up to 256
	// idle connections.
	TransportRaw json.RawMessage `json:"transport,omitempty" caddy:"namespace=http.reverse_proxy.transport inline_key=protocol"`

	keys      []string
	base      *url.URL
	headers   [][2]string
	transport http.RoundTripper
	resolve   func(option, written string) (string, error)
}

// Resolve expands the placeholders of a further option of the provider, after
// Setup. One that is not written is empty; one that resolves to nothing is an
// error.
func (h *HTTP) Resolve(option, written string) (string, error) { return h.resolve(option, written) }

// Setup resolves and checks the options. It neither dials nor opens anything.
// defaultBase is used without BaseURL.
func (h *HTTP) Setup(ctx caddy.Context, typ, defaultBase string) (err error) {
	repl := caddy.NewReplacer()
	h.resolve = func(option, written string) (string, error) {
		if written == "" {
			return "", nil
		}
		v, err := repl.ReplaceOrErr(written, true, true)
		if err != nil {
			return "", fmt.Errorf("%s: %s: %w", typ, option, err)
		}
		if v = strings.TrimSpace(v); v == "" {
			return "", fmt.Errorf("%s: %s: resolves to nothing", typ, option)
		}
		return v, nil
	}
	if h.keys, err = h.resolveKeys(typ); err != nil {
		return err
	}
	base := defaultBase
	if h.BaseURL != "" {
		if base, err = h.resolve("base_url", h.BaseURL); err != nil {
			return err
		}
	}
	if h.base, err = parseBase(base); err != nil {
		return fmt.Errorf("%s: base_url: %w", typ, err)
	}
	for name, written := range h.Headers {
		if reserved[http.CanonicalHeaderKey(name)] {
			return fmt.Errorf("%s: header %s is set by the gateway itself", typ, name)
		}
		v, err := h.resolve("header "+name, written)
		if err != nil {
			return err
		}
		h.headers = append(h.headers, [2]string{http.CanonicalHeaderKey(name), v})
	}
	return h.setTransport(ctx, typ)
}

func (h *HTTP) setTransport(ctx caddy.Context, typ string) error {
	if h.TransportRaw != nil {
		mod, err := ctx.LoadModule(h, "TransportRaw")
		if err != nil {
			return fmt.Errorf("%s: transport: %w", typ, err)
		}
		rt, ok := mod.(http.RoundTripper)
		if !ok {
			return fmt.Errorf("%s: transport: module %T is not a transport", typ, mod)
		}
		h.transport = rt
		return nil
	}
	off := false
	t := &reverseproxy.HTTPTransport{
		Compression: &off,
		DialTimeout: caddy.Duration(10 * time.Second),
		KeepAlive:   &reverseproxy.KeepAlive{MaxIdleConnsPerHost: 256},
	}
	if h.base.Scheme == "https" {
		t.TLS = new(reverseproxy.TLSConfig)
	}
	if err := t.Provision(ctx); err != nil {
		return fmt.Errorf("%s: transport: %w", typ, err)
	}
	h.transport = t
	return nil
}

// Cleanup closes idle connections. Streams that are still running keep theirs.
func (h *HTTP) Cleanup() error {
	if c, ok := h.transport.(caddy.CleanerUpper); ok && h.TransportRaw == nil {
		return c.Cleanup()
	}
	return nil
}

// reserved are headers that an operator cannot set: they would break the call or
// its metering.
var reserved = map[string]bool{
	"Accept-Encoding": true, "Content-Length": true, "Content-Type": true,
	"Content-Encoding": true, "Connection": true, "Transfer-Encoding": true, "Host": true, "Idempotency-Key": true, "X-Idempotency-Key": true,
}

func parseBase(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	switch {
	case err != nil:
		return nil, errors.New("not a URL")
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("must begin with http:// or https://")
	case u.Host == "" || u.Hostname() == "":
		return nil, errors.New("has no host")
	case u.User != nil:
		return nil, errors.New("must not hold credentials; use api_key")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("must not have a query or fragment")
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// Base is the resolved base URL, without a slash at its end. Callers copy it.
func (h *HTTP) Base() *url.URL { return h.base }

// Transport is what requests are sent with.
func (h *HTTP) Transport() http.RoundTripper { return h.transport }

// AddHeaders adds the configured headers.
func (h *HTTP) AddHeaders(dst http.Header) {
	for _, kv := range h.headers {
		dst.Set(kv[0], kv[1])
	}
}

// ParseOption implements Parser for the options of HTTP.
func (h *HTTP) ParseOption(d *caddyfile.Dispenser) (bool, error) {
	switch name := d.Val(); name {
	case "api_key":
		return true, h.parseKeys(d)
	case "base_url":
		if err := One(d, &h.BaseURL); err != nil {
			return true, err
		}
		if !strings.Contains(h.BaseURL, "{") {
			if _, err := parseBase(h.BaseURL); err != nil {
				return true, d.Errf("base_url: %v", err)
			}
		}
		return true, nil
	case "header":
		args := d.RemainingArgs()
		if len(args) != 2 || args[0] == "" || args[1] == "" {
			return true, d.Err("header takes a name and a value")
		}
		if h.Headers == nil {
			h.Headers = make(map[string]string)
		}
		key := http.CanonicalHeaderKey(args[0])
		if reserved[key] {
			return true, d.Errf("header %s is set by the gateway itself", key)
		}
		if _, twice := h.Headers[key]; twice {
			return true, d.Errf("header %s is given twice", key)
		}
		h.Headers[key] = args[1]
		return true, nil
	case "transport":
		if h.TransportRaw != nil {
			return true, d.Err("transport is given twice")
		}
		if !d.NextArg() {
			return true, d.ArgErr()
		}
		typ := d.Val()
		unm, err := caddyfile.UnmarshalModule(d, "http.reverse_proxy.transport."+typ)
		if err != nil {
			return true, err
		}
		if _, ok := unm.(http.RoundTripper); !ok {
			return true, d.Errf("transport %s cannot send requests", typ)
		}
		h.TransportRaw = caddyconfig.JSONModuleObject(unm, "protocol", typ, nil)
		return true, nil
	}
	return false, nil
}

// One reads the single argument of an option that may be given once. The value
// is never repeated in the error: it may be a secret.
func One(d *caddyfile.Dispenser, into *string) error {
	name := d.Val()
	if *into != "" {
		return d.Errf("%s is given twice", name)
	}
	if !d.NextArg() || d.Val() == "" {
		return d.Errf("%s needs a value", name)
	}
	*into = d.Val()
	if d.NextArg() {
		return d.Errf("%s takes one value", name)
	}
	return nil
}
