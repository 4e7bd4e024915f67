package handlers

import (
	"slices"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
)

// UnmarshalCaddyfile reads the directive, in one line or as a block. What stands
// behind a limit can also stand in a block of its own.
//
//	llm_ratelimit requests 60/min
//	llm_ratelimit {
//		requests|tokens|input_tokens|output_tokens <n>/<window> [per <scope>] {
//			override <value> <n>
//			burst    <n>
//			name     <name>
//			estimate
//		}
//		concurrent <n> [per <scope>] [override <value> <n>] [name <name>]
//		headers dialect|ietf
//		errors json|pass
//		debug_headers
//	}
func (h *RateLimit) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		if err := h.unmarshalLimit(d, false); err != nil {
			return err
		}
	}
	err := h.block(d, func() error {
		if d.Val() != "headers" {
			return h.unmarshalLimit(d, true)
		}
		if err := oneArg(d, &h.Headers); err != nil {
			return err
		}
		if h.Headers != "dialect" && h.Headers != "ietf" {
			return d.Errf("headers takes dialect or ietf, not %q", h.Headers)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(h.Limits) == 0 {
		return d.Err("llm_ratelimit needs at least one limit, e.g. requests 600/min")
	}
	return nil
}

var rateDimensions = []string{limits.Requests, limits.Tokens, limits.InputTokens, limits.OutputTokens, limits.Concurrent}

func (h *RateLimit) unmarshalLimit(d *caddyfile.Dispenser, block bool) error {
	l := Limit{Dimension: d.Val()}
	if !slices.Contains(rateDimensions, l.Dimension) {
		return d.Errf("unknown option %q of llm_ratelimit; want %s or headers", l.Dimension, strings.Join(rateDimensions, ", "))
	}
	if !d.NextArg() {
		return d.ArgErr()
	}
	if l.Dimension == limits.Concurrent {
		n, err := limits.ParseAmount(d.Val())
		if err != nil {
			return d.Errf("concurrent: %v", err)
		}
		l.Amount = n
	} else {
		n, window, err := limits.ParseRate(d.Val())
		if err != nil {
			return d.Errf("%s: %v", l.Dimension, err)
		}
		l.Amount, l.Window = n, caddy.Duration(window)
	}
	for d.NextArg() {
		if err := l.unmarshalOption(d); err != nil {
			return err
		}
	}
	for block && d.NextBlock(1) {
		if err := l.unmarshalOption(d); err != nil {
			return err
		}
		if err := noMore(d); err != nil {
			return err
		}
	}
	if err := l.check(); err != nil {
		return d.Errf("%v", err)
	}
	if err := l.clash(h.Limits); err != nil {
		return d.Errf("%v", err)
	}
	h.Limits = append(h.Limits, l)
	return nil
}

// unmarshalOption reads what can stand behind a limit or in its block.
func (l *Limit) unmarshalOption(d *caddyfile.Dispenser) error {
	option := d.Val()
	word := func(into *string) error {
		if *into != "" {
			return d.Errf("%s: %s is given twice", l.Dimension, option)
		}
		if !d.NextArg() || d.Val() == "" {
			return d.ArgErr()
		}
		*into = d.Val()
		return nil
	}
	amount := func(into *int64) error {
		if *into != 0 {
			return d.Errf("%s: %s is given twice", l.Dimension, option)
		}
		if !d.NextArg() {
			return d.ArgErr()
		}
		n, err := limits.ParseAmount(d.Val())
		if err != nil {
			return d.Errf("%s: %s: %v", l.Dimension, option, err)
		}
		*into = n
		return nil
	}
	switch option {
	case "per":
		return word(&l.Per)
	case "name":
		return word(&l.Name)
	case "burst":
		return amount(&l.Burst)
	case "estimate":
		if l.Estimate {
			return d.Errf("%s: estimate is given twice", l.Dimension)
		}
		l.Estimate = true
		return nil
	case "override":
		var value string
		if err := word(&value); err != nil {
			return err
		}
		if _, twice := l.Overrides[value]; twice {
			return d.Errf("%s: override %s is given twice", l.Dimension, value)
		}
		var n int64
		if err := amount(&n); err != nil {
			return err
		}
		if l.Overrides == nil {
			l.Overrides = map[string]int64{}
		}
		l.Overrides[value] = n
		return nil
	}
	return d.Errf("%s: unexpected %q; want per <scope>, override <value> <n>, burst <n>, name <name> or estimate", l.Dimension, option)
}

// ParseRateLimit is the Caddyfile directive llm_ratelimit.
func ParseRateLimit(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(RateLimit)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var _ caddyfile.Unmarshaler = (*RateLimit)(nil)
