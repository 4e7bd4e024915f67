package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// Policy judges requests by rules in CEL, in order: `deny` refuses with 422
// policy_blocked, `flag` lets the call pass and says so in the record. Rules are
// type-checked when the configuration is adapted; at run time each evaluation is
// bounded in cost and time, and a rule that cannot be evaluated refuses the call
// unless its `on_error` says `allow`.
type Policy struct {
	// Rules are evaluated in order; the first enforced `deny` that matches ends.
	Rules []Rule `json:"rules,omitempty"`
	// CostLimit bounds the cost of one rule, in CEL cost units. Default
	// 100,000.
	CostLimit int64 `json:"cost_limit,omitempty"`
	// Deadline bounds the time of one rule. Default 5ms.
	Deadline caddy.Duration `json:"deadline,omitempty"`

	common
	set *policy.Set
}

// Rule is one rule of the policy.
type Rule struct {
	// Name identifies the rule in refusals, records and metrics.
	Name string `json:"name"`
	// Action is `deny` or `flag`.
	Action string `json:"action"`
	// Expr is a CEL expression that is true when the rule matches. It never
	// passes through placeholders.
	Expr string `json:"expr"`
	// Message is what the client of a denied request is told.
	Message string `json:"message,omitempty"`
	// Enforcement is `on` (default) or `shadow`: then a match only counts.
	Enforcement string `json:"enforcement,omitempty"`
	// OnError is what happens when the rule cannot be evaluated: `deny`
	// (default) or `allow`.
	OnError string `json:"on_error,omitempty"`
}

// CaddyModule describes the module to Caddy.
func (*Policy) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.llm_policy", New: func() caddy.Module { return new(Policy) }}
}

// Provision compiles the rules.
func (h *Policy) Provision(ctx caddy.Context) error {
	if err := h.provision(ctx); err != nil {
		return err
	}
	if err := h.validate(); err != nil {
		return fmt.Errorf("llm_policy: %w", err)
	}
	if len(h.Rules) == 0 {
		return errors.New("llm_policy: no rule")
	}
	set, err := h.compile()
	if err != nil {
		return fmt.Errorf("llm_policy: %w", err)
	}
	h.set = set
	return nil
}

func (h *Policy) compile() (*policy.Set, error) {
	rules := make([]policy.Rule, len(h.Rules))
	for i, r := range h.Rules {
		rules[i] = policy.Rule{Name: r.Name, Action: r.Action, Expr: r.Expr, Message: r.Message, Enforcement: r.Enforcement, OnError: r.OnError}
	}
	var opts []policy.Option
	if h.CostLimit > 0 {
		opts = append(opts, policy.WithCostLimit(uint64(h.CostLimit)))
	}
	if h.Deadline > 0 {
		opts = append(opts, policy.WithDeadline(time.Duration(h.Deadline)))
	}
	return policy.Compile(rules, opts...)
}

func (h *Policy) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.serve(w, r, next, func(c *call, r *http.Request) error {
		if err := c.ready(); err != nil {
			return err
		}
		if err := c.view(); err != nil {
			return err
		}
		if err := mayName(&c.x); err != nil {
			return err
		}
		before := len(c.x.Decisions)
		denied := h.set.Evaluate(r.Context(), &c.x, policy.RequestEnv{Headers: r.Header, Now: c.x.Start})
		for _, d := range c.x.Decisions[before:] {
			action, enforcement := d.Action, "on"
			if a, shadow := strings.CutPrefix(action, "would_"); shadow {
				action, enforcement = a, "shadow"
			}
			metrics.rules.WithLabelValues(d.Rule, action, enforcement).Inc()
		}
		if denied != nil {
			return denied
		}
		c.x.Pass("policy")
		return nil
	})
}

// UnmarshalCaddyfile reads the directive:
//
//	llm_policy {
//		deny <name> `<CEL>` ["<message>"] {
//			enforcement on|shadow
//			on_error    deny|allow
//		}
//		flag <name> `<CEL>` { … }
//		cost_limit <units>
//		deadline   <duration>
//		errors json|pass
//		debug_headers
//	}
func (h *Policy) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noMore(d); err != nil {
		return err
	}
	if err := h.block(d, func() error {
		var err error
		switch d.Val() {
		case "deny", "flag":
			err = h.unmarshalRule(d)
		case "cost_limit":
			err = countArg(d, &h.CostLimit)
		case "deadline":
			err = durationArg(d, &h.Deadline)
		default:
			err = d.Errf("unknown option %q of llm_policy; want deny or flag", d.Val())
		}
		return err
	}); err != nil {
		return err
	}
	if len(h.Rules) == 0 {
		return d.Err("llm_policy needs at least one rule")
	}
	return nil
}

func (h *Policy) unmarshalRule(d *caddyfile.Dispenser) error {
	r := Rule{Action: d.Val()}
	if !d.Args(&r.Name, &r.Expr) {
		return d.Errf("%s takes a name and a CEL expression in backquotes", r.Action)
	}
	if d.NextArg() {
		if r.Message = d.Val(); r.Message == "" {
			return d.Errf("%s %s: the message is empty", r.Action, r.Name)
		}
	}
	if err := noMore(d); err != nil {
		return err
	}
	// Compiled here, on its own, so that a mistake is reported with its file
	// and line.
	one := Policy{Rules: []Rule{r}}
	if _, err := one.compile(); err != nil {
		return d.Errf("%v", err)
	}
	for _, other := range h.Rules {
		if other.Name == r.Name {
			return d.Errf("rule %s is given twice", r.Name)
		}
	}
	for d.NextBlock(1) {
		var err error
		switch d.Val() {
		case "enforcement":
			if err = oneArg(d, &r.Enforcement); err == nil && r.Enforcement != "on" && r.Enforcement != "shadow" {
				err = d.Errf("enforcement takes on or shadow, not %q", r.Enforcement)
			}
		case "on_error":
			if err = oneArg(d, &r.OnError); err == nil && r.OnError != "deny" && r.OnError != "allow" {
				err = d.Errf("on_error takes deny or allow, not %q", r.OnError)
			}
		default:
			err = d.Errf("unknown option %q of rule %s", d.Val(), r.Name)
		}
		if err != nil {
			return err
		}
	}
	h.Rules = append(h.Rules, r)
	return nil
}

// ParsePolicy is the Caddyfile directive llm_policy.
func ParsePolicy(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Policy)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Policy)(nil)
	_ caddyhttp.MiddlewareHandler = (*Policy)(nil)
	_ caddyfile.Unmarshaler       = (*Policy)(nil)
)
