package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/redact"
)

// Policy judges requests by rules in CEL, in order: `deny` refuses with 422
// policy_blocked, `flag` lets the call pass and says so in the record. Rules are
// type-checked when the configuration is adapted; at run time each evaluation is
// bounded in cost and time, and a rule that cannot be evaluated refuses the call
// unless its `on_error` says `allow`. `redact` rules take personal data and
// credentials out of what passes the others, in requests, answers or both.
type Policy struct {
	// Rules are evaluated in order; the first enforced `deny` that matches ends.
	// Rules that redact work on what passes, all at once.
	Rules []Rule `json:"rules,omitempty"`
	// CostLimit bounds the cost of one rule, in CEL cost units. Default
	// 100,000.
	CostLimit int64 `json:"cost_limit,omitempty"`
	// Deadline bounds the time of one rule. Default 5ms.
	Deadline caddy.Duration `json:"deadline,omitempty"`

	common
	set     *policy.Set
	redacts []*redact.Rule
	hash    string // of all rules, for records
	// classifiers are the names that rules may ask.
	classifiers []string
}

// Rule is one rule of the policy.
type Rule struct {
	// Name identifies the rule in refusals, records and metrics.
	Name string `json:"name"`
	// Action is `deny`, `flag` or `redact`.
	Action string `json:"action"`
	// Expr is a CEL expression that is true when the rule matches. It never
	// passes through placeholders. Not for `redact`.
	Expr string `json:"expr,omitempty"`
	// Kinds are the kinds of data that `redact` takes out: `pii` or one of its
	// kinds (`email`, `credit_card`, …), `secrets` or one of its rules.
	Kinds []string `json:"kinds,omitempty"`
	// Style is what `redact` puts there: `mask` (default) names the kind,
	// [EMAIL]; `hash` adds a keyed hash, the same for equal values until the
	// server restarts; `reversible` numbers the values of a request, [[EMAIL_1]],
	// and gives them back wherever the answer repeats the number.
	Style string `json:"style,omitempty"`
	// In says where `redact` looks: `request` (default) and `response`.
	In []string `json:"in,omitempty"`
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
	h.classifiers = h.gw.Asker().Names()
	return h.setUp()
}

// setUp makes what the rules say ready to run.
func (h *Policy) setUp() error {
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
	for i := range h.Rules {
		if h.Rules[i].Action != actionRedact {
			continue
		}
		r, err := h.Rules[i].redaction()
		if err != nil {
			return fmt.Errorf("llm_policy: rule %s: %w", h.Rules[i].Name, err)
		}
		h.redacts = append(h.redacts, r)
	}
	h.hash = h.policyHash()
	for _, r := range h.redacts {
		r.Policy = h.hash
	}
	return nil
}

// policyHash names the rules in records: two policies with the same hash do the
// same.
func (h *Policy) policyHash() string {
	sum := sha256.New()
	sum.Write([]byte(h.set.Hash()))
	for i := range h.Rules {
		r := &h.Rules[i]
		if r.Action != actionRedact {
			continue
		}
		// Each part with its length, so that no two policies give the same bytes.
		for _, part := range append([]string{r.Name, r.Style, r.Enforcement, strings.Join(r.In, " ")}, r.Kinds...) {
			fmt.Fprintf(sum, "\n%d:%s", len(part), part)
		}
		sum.Write([]byte{';'})
	}
	return hex.EncodeToString(sum.Sum(nil))
}

const actionRedact = "redact"

// redaction is the rule as the package redact takes it.
func (r *Rule) redaction() (*redact.Rule, error) {
	out := &redact.Rule{Name: r.Name, Shadow: r.Enforcement == "shadow"}
	switch {
	case r.Name == "":
		return nil, errors.New("a rule needs a name")
	case r.Expr != "" || r.Message != "" || r.OnError != "":
		return nil, errors.New("a redact rule takes no expression, message or on_error")
	case r.Enforcement != "" && r.Enforcement != "on" && r.Enforcement != "shadow":
		return nil, fmt.Errorf("enforcement takes on or shadow, not %q", r.Enforcement)
	case len(r.Kinds) == 0:
		return nil, errors.New("redact needs kinds of data, e.g. email credit_card")
	}
	switch r.Style {
	case "", "mask":
	case "hash":
		out.Style = redact.Hash
	case "reversible":
		out.Style = redact.Reversible
	default:
		return nil, fmt.Errorf("style takes mask, hash or reversible, not %q", r.Style)
	}
	out.Request = len(r.In) == 0
	for _, in := range r.In {
		switch in {
		case "request":
			out.Request = true
		case "response":
			out.Response = true
		case "both":
			out.Request, out.Response = true, true
		default:
			return nil, fmt.Errorf("in takes request and response, not %q", in)
		}
	}
	d, err := policy.Detect(r.Kinds)
	if err != nil {
		return nil, err
	}
	out.Scanners, out.Rules, out.Kinds = d.Scanners, d.Rules, d.Kinds
	return out, nil
}

func (h *Policy) compile() (*policy.Set, error) {
	rules := make([]policy.Rule, 0, len(h.Rules))
	for _, r := range h.Rules {
		if r.Action != actionRedact {
			rules = append(rules, policy.Rule{Name: r.Name, Action: r.Action, Expr: r.Expr, Message: r.Message, Enforcement: r.Enforcement, OnError: r.OnError})
		}
	}
	opts := []policy.Option{policy.WithClassifiers(h.classifiers...)}
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
		denied := h.set.Evaluate(r.Context(), &c.x, policy.RequestEnv{
			Headers: r.Header, Now: c.x.Start, Classifiers: h.gw.Asker(),
			Beside: func(evaluate func(context.Context) policy.Findings) { c.judgeBeside(r.Context(), h.hash, evaluate) },
		})
		for i := range c.x.Decisions[before:] {
			d := &c.x.Decisions[before+i]
			d.Policy = h.hash
			c.countRule(*d)
		}
		c.x.Judged(h.hash)
		if denied != nil {
			return denied
		}
		if err := c.redactBy(h.redacts); err != nil {
			return err
		}
		c.x.Pass("policy")
		return nil
	})
}

// countRule counts what a rule had to say.
func (c *call) countRule(d llm.Decision) {
	action, enforcement := d.Action, "on"
	if a, shadow := strings.CutPrefix(action, "would_"); shadow {
		action, enforcement = a, "shadow"
	}
	metrics.rules.WithLabelValues(d.Rule, action, enforcement).Inc()
}

// redactBy takes out of the request what the rules find, and lets them see the
// answer.
func (c *call) redactBy(rules []*redact.Rule) error {
	if len(rules) == 0 {
		return nil
	}
	if c.redact == nil {
		c.redact = redact.NewSession()
	}
	c.redact.Add(rules...)
	edits, err := c.redact.Request(c.x.View)
	if err != nil {
		return llm.Deny(http.StatusUnprocessableEntity, llm.CodeUnscannable, llm.StagePolicy,
			"the request could not be examined by the policy of this gateway, so it was refused; send a supported request format").Because(err)
	}
	c.x.Changes.Edits = edits
	c.redacted(false)
	return nil
}

// UnmarshalCaddyfile reads the directive:
//
//	llm_policy {
//		deny <name> `<CEL>` ["<message>"] {
//			enforcement on|shadow
//			on_error    deny|allow
//		}
//		flag <name> `<CEL>` { … }
//		redact <name> <kind…> {
//			in          request response
//			style       mask|hash|reversible
//			enforcement on|shadow
//		}
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
		case actionRedact:
			err = h.unmarshalRedact(d)
		case "cost_limit":
			err = countArg(d, &h.CostLimit)
		case "deadline":
			err = durationArg(d, &h.Deadline)
		default:
			err = d.Errf("unknown option %q of llm_policy; want deny, flag or redact", d.Val())
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
	one := Policy{Rules: []Rule{r}, classifiers: h.classifiers}
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

func (h *Policy) unmarshalRedact(d *caddyfile.Dispenser) error {
	r := Rule{Action: actionRedact}
	args := d.RemainingArgs()
	if len(args) < 2 || args[0] == "" {
		return d.Err("redact takes a name and kinds of data, e.g. redact pii email credit_card")
	}
	r.Name, r.Kinds = args[0], args[1:]
	for d.NextBlock(1) {
		var err error
		switch d.Val() {
		case "in":
			err = someArgs(d, &r.In)
		case "style":
			err = oneArg(d, &r.Style)
		case "enforcement":
			err = oneArg(d, &r.Enforcement)
		default:
			err = d.Errf("unknown option %q of rule %s; want in, style or enforcement", d.Val(), r.Name)
		}
		if err != nil {
			return err
		}
	}
	if _, err := r.redaction(); err != nil {
		return d.Errf("redact %s: %v", r.Name, err)
	}
	for _, other := range h.Rules {
		if other.Name == r.Name {
			return d.Errf("rule %s is given twice", r.Name)
		}
	}
	h.Rules = append(h.Rules, r)
	return nil
}

// ParsePolicy is the Caddyfile directive llm_policy.
func ParsePolicy(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := &Policy{classifiers: declaredClassifiers(h)}
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Policy)(nil)
	_ caddyhttp.MiddlewareHandler = (*Policy)(nil)
	_ caddyfile.Unmarshaler       = (*Policy)(nil)
)
