package handlers

import (
	"fmt"
	"net/http"
	"regexp"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Audit records every call that passes in a log that cannot be altered
// unnoticed: an `admitted` record is durable before anything leaves for a
// provider, a `completed` or `denied` record says how it ended. User names, client
// addresses and tags stand in records encrypted under a key of their subject, which
// can be destroyed; so are the texts of prompts and answers, if they are kept at
// all. It should be the first of the llm_ directives of a site (the directive order
// sees to that).
type Audit struct {
	// Name is the log to write to: the folder audit/<name> in the data
	// directory. Routes that name the same log share it. Default "default".
	Name string `json:"name,omitempty"`
	// Content says how much of prompts and answers is kept: `none` (nothing that
	// was derived from a text), `metadata` (default: the SHA-256 of the answer as
	// sent, no text), `hash` (keyed hashes of request and answer), `redacted` (both
	// texts, with what the detectors and the redact rules of llm_policy find
	// masked) or `full` (both texts as they were). Texts are stored beside the
	// log, encrypted. The level of the outermost llm_audit of a request counts.
	Content string `json:"content,omitempty"`
	// OnFailure says what happens to a call when its record cannot be made
	// durable: `deny` (default) refuses it with 503 audit_unavailable; `allow`
	// lets it pass and counts it in caddy_llm_audit_failures_total.
	OnFailure string `json:"on_failure,omitempty"`

	common
	unrecorded func()
}

// levels names the levels for messages.
const levels = "none, metadata, hash, redacted or full"

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
	failed := metrics.failed.WithLabelValues(h.Name)
	h.unrecorded = failed.Inc
	h.gw.UseAudit(h.Name)
	return nil
}

var logName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,63}$`)

// Validate checks the options.
func (h *Audit) Validate() error {
	if h.Name != "" && !logName.MatchString(h.Name) {
		return fmt.Errorf("name: %q; want 1 to 64 of a-z, 0-9, _ and -, beginning with a letter or digit", h.Name)
	}
	if h.Content != "" && !slices.Contains(audit.Levels, audit.Level(h.Content)) {
		return fmt.Errorf("content: want %s, not %q", levels, h.Content)
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
		if c.x.Recorded() {
			return nil
		}
		o := audit.RecorderOptions{
			OnFailure: h.OnFailure, ConfigHash: h.gw.ConfigHash(), Content: audit.Level(h.Content), OnUnrecorded: h.unrecorded,
		}
		switch o.Content {
		case audit.LevelFull:
			o.Request, o.Answer = c.keepFull()
		case audit.LevelRedacted:
			o.Request, o.Answer = c.keepRedacted()
		}
		c.w.kept.on = o.Content.Stores()
		c.x.Record(audit.NewRecorder(log, o))
		return nil
	})
}

// UnmarshalCaddyfile reads the directive:
//
//	llm_audit [<name>] {
//		content    none|metadata|hash|redacted|full
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
			if err = oneArg(d, &h.Content); err == nil && !slices.Contains(audit.Levels, audit.Level(h.Content)) {
				err = d.Errf("content takes %s, not %q", levels, h.Content)
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
