package handlers

import (
	"context"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

const placeholderPrefix = "http.llm."

// setPlaceholders makes {http.llm.*} available; values are computed only when
// somebody asks.
func (c *call) setPlaceholders(ctx context.Context) {
	repl, ok := ctx.Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
	if !ok {
		return
	}
	repl.Map(func(key string) (any, bool) {
		name, ok := strings.CutPrefix(key, placeholderPrefix)
		if !ok {
			return nil, false
		}
		return c.placeholder(name)
	})
}

// placeholder returns the value of {http.llm.<name>}.
func (c *call) placeholder(name string) (any, bool) {
	x := &c.x
	a := x.Current()
	p := x.Principal
	if p == nil {
		p = &llm.Principal{}
	}
	switch name {
	case "request_id":
		return x.ID, true
	case "dialect":
		return x.Dialect.String(), true
	case "model":
		if x.View == nil {
			return "", true
		}
		return x.View.Model, true
	case "upstream_model":
		if a == nil {
			return "", true
		}
		return a.Deployment.Model, true
	case "provider":
		if a == nil {
			return "", true
		}
		return a.Deployment.Provider, true
	case "stream":
		return x.Stream(), true
	case "user":
		return p.User, true
	case "key.id":
		return p.Key, true
	case "team":
		return p.Team, true
	case "org":
		return p.Org, true
	case "decision":
		if x.Denied != nil {
			return "deny", true
		}
		return "allow", true
	case "rule":
		if x.Denied != nil {
			return x.Denied.Rule, true
		}
		return "", true
	case "tokens.input":
		u, _ := x.Totals()
		return u.Prompt(), true
	case "tokens.output":
		u, _ := x.Totals()
		return u.Output, true
	case "cost.usd":
		_, cost := x.Totals()
		return cost.Decimal(), true
	case "ttft_ms":
		if x.FirstByte.IsZero() {
			return "", true
		}
		return x.FirstByte.Sub(x.Start).Milliseconds(), true
	}
	return nil, false
}

// logFields adds one object `llm` to the access log of the request.
func (c *call) logFields() {
	if extra, ok := c.parent.Value(caddyhttp.ExtraLogFieldsCtxKey).(*caddyhttp.ExtraLogFields); ok {
		extra.Set(zap.Object("llm", c))
	}
}

// MarshalLogObject writes the fields of the access log. Nothing in them is
// content or a secret.
func (c *call) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	x := &c.x
	enc.AddString("request_id", x.ID)
	enc.AddString("outcome", string(x.Outcome))
	if s := x.Dialect.String(); s != "" {
		enc.AddString("dialect", s)
	}
	if p := x.Principal; p != nil {
		enc.AddString("key", p.Key)
		if p.User != "" {
			enc.AddString("user", p.User)
		}
		if p.Team != "" {
			enc.AddString("team", p.Team)
		}
	}
	if v := x.View; v != nil {
		enc.AddString("model", v.Model)
		enc.AddBool("stream", v.Stream)
	}
	if d := x.Denied; d != nil {
		enc.AddString("stage", string(d.Stage))
		enc.AddString("code", d.Code)
		if d.Rule != "" {
			enc.AddString("rule", d.Rule)
		}
	}
	if a := x.Current(); a != nil {
		enc.AddString("provider", a.Deployment.Provider)
		enc.AddString("upstream_model", a.Deployment.Model)
		enc.AddInt("attempts", len(x.Attempts))
		if a.AuditIndex >= 0 {
			enc.AddInt64("audit_id", a.AuditIndex)
		}
		u, cost := x.Totals()
		enc.AddInt64("tokens_input", u.Prompt())
		enc.AddInt64("tokens_output", u.Output)
		enc.AddString("cost_usd", cost.Decimal())
	}
	if !x.FirstByte.IsZero() {
		enc.AddInt64("ttft_ms", int64(x.FirstByte.Sub(x.Start)/time.Millisecond))
	}
	return nil
}
