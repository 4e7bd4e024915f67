package handlers

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/redact"
)

// Policy judges requests and answers by rules in CEL, in order: `deny` refuses with
// 422 policy_blocked, `flag` and `tag` let the call pass and say so in the record,
// `route` and `set` change what is asked for. Rules are type-checked when the
// configuration is adapted; at run time each evaluation is bounded in cost and time,
// and a rule that cannot be evaluated refuses the call unless its `on_error` says
// `allow`. `redact` rules take personal data and credentials out of what passes the
// others, in requests, answers or both.
type Policy struct {
	// Rules are evaluated in order; the first enforced `deny` that matches ends.
	// Rules that redact work on what passes, all at once.
	Rules []Rule `json:"rules,omitempty"`
	// CostLimit bounds the cost of one rule, in CEL cost units. Default
	// 100,000.
	CostLimit int64 `json:"cost_limit,omitempty"`
	// Deadline bounds the time of one rule. Default 5ms.
	Deadline caddy.Duration `json:"deadline,omitempty"`
	// Unscannable says, of the parts of requests and answers in which no rule can read
	// (`file`, `image`, `tokens`), whether they are refused where a rule reads texts:
	// `deny` or `allow`. Default: `deny`, but `allow` for images in requests.
	Unscannable map[string]string `json:"unscannable,omitempty"`

	common
	set     *policy.Set
	redacts []redaction
	hash    string // of all rules, for records
	// classifiers are the names that rules may ask.
	classifiers []string
	// detectors are those of the operator's own, without their scanners while the
	// configuration is read.
	detectors policy.Detectors
	// provider reports whether callers may put a provider's name before a model.
	provider func(name string) bool
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
	h.detectors = h.gw.Detectors()
	h.provider = declaredProvider(h.gw)
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
	for part, what := range h.Unscannable {
		if !slices.Contains(policy.Parts, part) || what != "deny" && what != "allow" {
			return fmt.Errorf("llm_policy: unscannable: want deny or allow for file, image or tokens, not %q for %q", what, part)
		}
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
		r, err := h.Rules[i].redaction(h.detectors, h.options()...)
		if err != nil {
			return fmt.Errorf("llm_policy: rule %s: %w", h.Rules[i].Name, err)
		}
		h.redacts = append(h.redacts, r)
	}
	h.hash = h.policyHash()
	for i := range h.redacts {
		h.redacts[i].rule.Policy = h.hash
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
		for _, part := range append([]string{r.Name, r.Style, r.Enforcement, strings.Join(r.In, " "), r.Expr, strconv.Itoa(r.Sample), r.OnError}, r.Kinds...) {
			fmt.Fprintf(sum, "\n%d:%s", len(part), part)
		}
		sum.Write([]byte{';'})
	}
	return hex.EncodeToString(sum.Sum(nil))
}

// unscannable refuses what no rule can read.
func (h *Policy) unscannable(x *llm.Exchange) *llm.Denial {
	return policy.Unscannable(x, h.hash, policy.AllowedParts(h.Unscannable, false))
}

// redactions are the rules that redact this call.
func (h *Policy) redactions(ctx context.Context, x *llm.Exchange, env policy.RequestEnv) ([]*redact.Rule, *llm.Denial) {
	var rules []*redact.Rule
	for i := range h.redacts {
		r := &h.redacts[i]
		holds, denied := r.when.Holds(ctx, x, env)
		if denied != nil {
			return nil, denied
		}
		if !holds {
			continue
		}
		rule := r.rule
		if r.sample > 0 {
			own := *rule
			own.Shadow = !policy.Sampled(x, rule.Name, r.sample)
			rule = &own
		}
		rules = append(rules, rule)
	}
	return rules, nil
}

// judge lets the rules judge a request; it returns those that redact it.
func (h *Policy) judge(ctx context.Context, x *llm.Exchange, env policy.RequestEnv) ([]*redact.Rule, *llm.Denial) {
	seen := h.set.ReadsTexts()
	if seen {
		if d := h.unscannable(x); d != nil {
			return nil, d
		}
	}
	if d := h.set.Evaluate(ctx, x, env); d != nil {
		return nil, d
	}
	rules, d := h.redactions(ctx, x, env)
	if d == nil && !seen && slices.ContainsFunc(rules, func(r *redact.Rule) bool { return r.Request && r.Insists() }) {
		d = h.unscannable(x)
	}
	return rules, d
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
		env := policy.RequestEnv{
			Headers: r.Header, Host: strings.ToLower(r.Host), Target: r.URL.RequestURI(), Now: c.x.Start, Classifiers: h.gw.Asker(), Detectors: h.detectors, Policy: h.hash, Provider: h.provider, Approvals: approvals{c.stores}, Budgets: func() []policy.Budget { return c.budgets(h.gw.Budgets()) },
			Beside: func(evaluate func(context.Context) policy.Findings) { c.judgeBeside(r.Context(), h.hash, evaluate) },
		}
		rules, denied := h.judge(r.Context(), &c.x, env)
		c.x.Judged(h.hash)
		if denied != nil {
			return denied
		}
		if err := c.redactBy(rules); err != nil {
			return err
		}
		// Handlers further in change the headers, and the rules about the answer
		// are asked later.
		if h.set.Answers() {
			env.Headers = r.Header.Clone()
		}
		if review := h.set.Review(r.Context(), &c.x, env); review != nil {
			c.reviews = append(c.reviews, review)
		}
		if h.set.ReadsAnswers() || slices.ContainsFunc(rules, func(r *redact.Rule) bool { return r.Response && r.Insists() }) {
			c.unread = append(c.unread, unread{policy: h.hash, allowed: policy.AllowedParts(h.Unscannable, true)})
		}
		c.x.Pass("policy")
		return nil
	})
}

// countRules counts what the rules had to say.
func (c *call) countRules() {
	for i := range c.x.Decisions {
		d := &c.x.Decisions[i]
		if d.Module != "policy" || d.Rule == "" {
			continue
		}
		action, enforcement := d.Action, "on"
		if a, shadow := strings.CutPrefix(action, "would_"); shadow {
			action, enforcement = a, "shadow"
		}
		metrics.rules.WithLabelValues(d.Rule, action, enforcement).Inc()
	}
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
	if err != nil && c.redact.Examines(false) {
		return llm.Deny(http.StatusUnprocessableEntity, llm.CodeUnscannable, llm.StagePolicy,
			"the request could not be examined by the policy of this gateway, so it was refused; send a supported request format").Because(err)
	}
	c.x.Changes.Edits = edits
	c.redacted(false)
	return nil
}

// ParsePolicy is the Caddyfile directive llm_policy.
func ParsePolicy(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := &Policy{classifiers: declaredClassifiers(h), detectors: declaredDetectors(h)}
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Policy)(nil)
	_ caddyhttp.MiddlewareHandler = (*Policy)(nil)
	_ caddyfile.Unmarshaler       = (*Policy)(nil)
)
