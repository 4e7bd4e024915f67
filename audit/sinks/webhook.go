package sinks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/webhook"
)

// Webhook posts records as JSON: `{"log":…,"records":[{"index":…,"record":{…}}]}`.
// Any answer but 2xx is tried again after 1, 5 and 30 seconds.
type Webhook struct {
	// URL is where to post. https, or http to a loopback address. Placeholders are
	// resolved when the config is loaded.
	URL string `json:"url"`
	// Secret signs what is posted, if it is not empty (at least 16 characters): the
	// header LLM-Signature is then `t=<unix seconds>,v1=<hex HMAC-SHA256 of
	// "<t>.<body>">`. Placeholders are resolved. Default none.
	Secret string `json:"secret,omitempty"`

	client *webhook.Client
}

// CaddyModule describes the module to Caddy.
func (*Webhook) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "llm_gateway.audit_sinks.webhook", New: func() caddy.Module { return new(Webhook) }}
}

// Provision resolves URL and secret. It dials nobody.
func (s *Webhook) Provision(caddy.Context) error {
	address, err := resolve("url", s.URL)
	if err != nil {
		return err
	}
	secret := ""
	if s.Secret != "" {
		if secret, err = resolve("secret", s.Secret); err != nil {
			return err
		}
	}
	if s.client, err = webhook.New(address, secret); err != nil {
		return fmt.Errorf("audit sink webhook: %w", err)
	}
	return nil
}

// resolve replaces placeholders; what resolves to nothing is an error, which never
// says what it resolved to.
func resolve(option, written string) (string, error) {
	v, err := caddy.NewReplacer().ReplaceOrErr(written, true, true)
	if err != nil {
		return "", fmt.Errorf("%s: %w", option, err)
	}
	if strings.TrimSpace(v) == "" {
		return "", errors.New(option + ": resolves to nothing")
	}
	return v, nil
}

// Send implements Sink.
func (s *Webhook) Send(ctx context.Context, log string, records []Record) error {
	body, err := json.Marshal(struct {
		Log     string   `json:"log"`
		Records []Record `json:"records"`
	}{log, records})
	if err != nil {
		return err
	}
	return s.client.Post(ctx, time.Now(), body)
}

// Close closes idle connections.
func (s *Webhook) Close() error {
	s.client.Close()
	return nil
}

// UnmarshalCaddyfile reads:
//
//	webhook <url> {
//		secret <secret>
//	}
func (s *Webhook) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if !d.Args(&s.URL) || s.URL == "" {
		return d.Err("the sink webhook takes a URL")
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if d.Val() != "secret" || s.Secret != "" {
			return d.Errf("unknown or repeated option %q of the sink webhook; want secret", d.Val())
		}
		if !d.Args(&s.Secret) || s.Secret == "" {
			return d.Err("secret takes one value")
		}
	}
	return nil
}

var (
	_ caddy.Provisioner     = (*Webhook)(nil)
	_ caddyfile.Unmarshaler = (*Webhook)(nil)
	_ Sink                  = (*Webhook)(nil)
)
