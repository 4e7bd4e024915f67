package handlers

import (
	"fmt"
	"net/http"
	"regexp"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Audit records every call that passes in a log that cannot be altered
// unnoticed: an `admitted` record is durable before anything leaves for a
// provider, a `completed` or `denied` record says how it ended. Records hold
// metadata only, never the text of prompts or answers. It should be the first
// of the llm_ directives of a site (the directive order sees to that).
type Audit struct {
	// Name is the log to write to: the folder audit/<name> in the data
	// directory. Routes that name the same log share it. Default "default".
	Name string `json:"name,omitempty"`
	// Content says how much of prompts and answers is kept. The only level so
	// far is `metadata` (default): none of their text.
	Content string `json:"content,omitempty"`
	// OnFailure says what happens to a call when its record cannot be made
	// durable: `deny` (default) refuses it with 503 audit_unavailable; `allow`
	// lets it pass and counts it in caddy_llm_audit_failures_total.
	OnFailure string `json:"on_failure,omitempty"`

	common
}

// CaddyModule describes the module to Caddy.
func (*Audit) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.llm_audit", New: func() caddy.Module { return new(Audit) }}
}

// Provision looks up the app and declares the log.
func (h *Audit) Provision(ctx caddy.Context) error {
	if err := h.provision(ctx); err != nil {
		return err
	}
	if h.Name == "" {
		h.Name = "default"
	}
	if err := h.Validate(); err != nil {
		return fmt.Errorf("llm_audit: %w", err)
	}
	h.gw.UseAudit(h.Name)
	return nil
}

var logName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Validate checks the options.
func (h *Audit) Validate() error {
	if h.Name != "" && !logName.MatchString(h.Name) {
		return fmt.Errorf("name: %q; want 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit", h.Name)
	}
	if h.Content != "" && h.Content != "metadata" {
		return fmt.Errorf("content: %q is not available; want metadata", h.Content)
	}
	switch h.OnFailure {
	case "", "deny", "allow":
	default:
		return fmt.Errorf("on_failure: want deny or allow, not %q", h.OnFailure)
	}
	return h.validate()
}

func (h *Audit) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.serve(w, r, next, func(c *call, _ *http.Request) error {
		log := c.stores.Logs[h.Name]
		if log == nil {
			return llm.Deny(http.StatusServiceUnavailable, llm.CodeAuditUnavailable, llm.StageInfrastructure,
				"the audit log is not available; try again shortly")
		}
		c.x.Pass("audit")
		c.x.Record(audit.NewRecorder(log, audit.RecorderOptions{
			OnFailure: h.OnFailure, ConfigHash: h.gw.ConfigHash(),
			OnUnrecorded: func() { metrics.failed.WithLabelValues(h.Name).Inc() },
		}))
		return nil
	})
}

// UnmarshalCaddyfile reads the directive:
//
//	llm_audit [<name>] {
//		content    metadata
//		on_failure deny|allow
//		errors     json|pass
//		debug_headers
//	}
func (h *Audit) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		h.Name = d.Val()
		if !logName.MatchString(h.Name) {
			return d.Errf("log name %q: want 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit", h.Name)
		}
	}
	if err := noMore(d); err != nil {
		return err
	}
	return h.block(d, func() error {
		var err error
		switch d.Val() {
		case "content":
			if err = oneArg(d, &h.Content); err == nil && h.Content != "metadata" {
				err = d.Errf("content %q is not available; want metadata", h.Content)
			}
		case "on_failure":
			if err = oneArg(d, &h.OnFailure); err == nil && h.OnFailure != "deny" && h.OnFailure != "allow" {
				err = d.Errf("on_failure takes deny or allow, not %q", h.OnFailure)
			}
		default:
			err = d.Errf("unknown option %q of llm_audit", d.Val())
		}
		return err
	})
}

// ParseAudit is the Caddyfile directive llm_audit.
func ParseAudit(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Audit)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Audit)(nil)
	_ caddy.Validator             = (*Audit)(nil)
	_ caddyhttp.MiddlewareHandler = (*Audit)(nil)
	_ caddyfile.Unmarshaler       = (*Audit)(nil)
)
