package handlers

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/pool"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/routing"
)

// Upstream sends calls to LLM providers, in the dialect that the client speaks,
// byte for byte except for declared edits, or translated for a provider that
// does not speak it. It ends the chain.
//
// A deployment that fails before the first byte has gone to the client is
// replaced by the model's next one; each attempt passes the gate at its own
// price.
//
// An answer that breaks off is never passed off as whole: before its first byte
// the client gets an error in its dialect, after it an in-band error event. When
// the client leaves, the call of the provider is cancelled at once.
//
// It refuses (500 misordered) requests that did not pass the handlers that the
// global option `require` names; by default llm_auth.
type Upstream struct {
	// ProviderRaw is a provider given in place, for a site that needs only one.
	ProviderRaw json.RawMessage `json:"provider,omitempty" caddy:"namespace=llm_gateway.providers inline_key=type"`
	// Models route models to providers; the first line whose pattern matches
	// decides. Without lines every model goes to the provider given in place.
	Models []ModelLine `json:"models,omitempty"`
	// FirstByteTimeout bounds the time from sending the request to the first
	// byte of the answer's body. Default 10m.
	FirstByteTimeout caddy.Duration `json:"first_byte_timeout,omitempty"`
	// StreamIdleTimeout bounds the time between two reads of an answer that has
	// begun. Default 5m.
	StreamIdleTimeout caddy.Duration `json:"stream_idle_timeout,omitempty"`
	// OnUnsupported says what happens to a call that is translated into another
	// dialect and has a part that it cannot carry: `reject` (default) answers
	// 400 naming it, `drop` sends the call without it, `warn` does that too and
	// names it in the header LLM-Unsupported of the answer. Hints that cannot
	// change what an answer means (cache marks, metadata) are no such part.
	OnUnsupported string `json:"on_unsupported,omitempty"`

	Balance
	Objects
	common
	inlineType string
	inline     providers.Provider
	table      routing.Table
	ends       map[string]*endpoint
	selectors  []selector // of the table's lines
	lists      modelLists
	labels     labelSet
}

// ModelLine routes the models that match a pattern.
type ModelLine struct {
	// Pattern is a model or alias name; `*` stands for any characters.
	Pattern string `json:"pattern"`
	// Targets are providers (`openai`) or deployments (`openai/gpt-4o`, which
	// also renames the model). Default: the provider given in place.
	Targets []string `json:"targets,omitempty"`
	// Weights are the shares of the targets, in their order, for the policies
	// that go by weight: from 1 to 1000. Default: 1 for each.
	Weights []int `json:"weights,omitempty"`
	// LBPolicy chooses among the targets. Default: the lb_policy of the handler.
	LBPolicy string `json:"lb_policy,omitempty"`
}

// CaddyModule describes the module to Caddy.
func (*Upstream) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.llm_upstream", New: func() caddy.Module { return new(Upstream) }}
}

// Provision loads the provider and checks the routes.
func (h *Upstream) Provision(ctx caddy.Context) error {
	if err := h.provision(ctx); err != nil {
		return err
	}
	if err := h.validate(); err != nil {
		return fmt.Errorf("llm_upstream: %w", err)
	}
	if len(h.ProviderRaw) > 0 {
		mod, err := ctx.LoadModule(h, "ProviderRaw")
		if err != nil {
			return fmt.Errorf("llm_upstream: provider: %w", err)
		}
		p, ok := mod.(providers.Provider)
		if !ok {
			return fmt.Errorf("llm_upstream: provider: module %T is not a provider", mod)
		}
		h.inline, h.table.Inline = p, p.Type()
	}
	h.table.Declared = declaredProvider(h.gw)
	for _, m := range h.Models {
		line := routing.Line{Pattern: m.Pattern}
		if len(m.Weights) > 0 && len(m.Weights) != len(m.Targets) {
			return fmt.Errorf("llm_upstream: model %s: want one weight for each of its %d targets", m.Pattern, len(m.Targets))
		}
		for i, s := range m.Targets {
			t, err := routing.ParseTarget(s)
			if err != nil {
				return fmt.Errorf("llm_upstream: model %s: %w", m.Pattern, err)
			}
			if len(m.Weights) > 0 {
				if t.Weight = m.Weights[i]; t.Weight < 1 {
					return fmt.Errorf("llm_upstream: model %s: weights must be positive", m.Pattern)
				}
			}
			line.Targets = append(line.Targets, t)
		}
		policy, err := pool.ParsePolicy(cmp.Or(m.LBPolicy, h.LBPolicy))
		if err != nil {
			return fmt.Errorf("llm_upstream: model %s: %w", m.Pattern, err)
		}
		h.selectors = append(h.selectors, selector{})
		h.selectors[len(h.selectors)-1].Policy = policy
		h.table.Lines = append(h.table.Lines, line)
	}
	if err := h.table.Check(); err != nil {
		return fmt.Errorf("llm_upstream: %w", err)
	}
	switch h.OnUnsupported {
	case "", "reject", "drop", "warn":
	default:
		return fmt.Errorf("llm_upstream: on_unsupported: want reject, drop or warn, not %q", h.OnUnsupported)
	}
	if err := h.Balance.setup(); err != nil {
		return fmt.Errorf("llm_upstream: %w", err)
	}
	h.ends = make(map[string]*endpoint)
	if h.inline != nil {
		h.ends[h.table.Inline] = newEndpoint(h.table.Inline, h.inline)
	}
	for _, l := range h.table.Lines {
		for _, t := range l.Targets {
			if p, ok := h.provider(t.Provider); ok && h.ends[t.Provider] == nil {
				h.ends[t.Provider] = newEndpoint(t.Provider, p)
			}
		}
	}
	if err := h.setupObjects(); err != nil {
		return fmt.Errorf("llm_upstream: %w", err)
	}
	if h.HealthInterval > 0 {
		h.gw.Background(h.checkHealth)
	}
	if h.FirstByteTimeout == 0 {
		h.FirstByteTimeout = caddy.Duration(10 * time.Minute)
	}
	if h.StreamIdleTimeout == 0 {
		h.StreamIdleTimeout = caddy.Duration(5 * time.Minute)
	}
	if h.FirstByteTimeout < 0 || h.StreamIdleTimeout < 0 {
		return errors.New("llm_upstream: timeouts must be positive")
	}
	return nil
}

// provider returns the provider that a choice names.
func (h *Upstream) provider(name string) (providers.Provider, bool) {
	if h.inline != nil && name == h.table.Inline {
		return h.inline, true
	}
	return h.gw.Provider(name)
}

func (h *Upstream) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.serve(w, r, next, h.answer)
}

// answer drives the request to its end; it always returns an error, errAnswered
// when all went well, since nothing may run after it.
func (h *Upstream) answer(c *call, r *http.Request) error {
	c.upstream = true
	x := &c.x
	for _, name := range h.gw.Required() {
		if !x.Passed(name) {
			h.log.Error("llm_upstream was reached without a required handler; check the order of the directives",
				zap.String("missing", "llm_"+name), zap.String("request_id", x.ID))
			return llm.Deny(http.StatusInternalServerError, llm.CodeMisordered, llm.StageInfrastructure,
				"the gateway is misconfigured: this route does not pass llm_%s before llm_upstream; the operator must fix the order of the directives", name)
		}
	}
	if err := c.ready(); err != nil {
		return err
	}
	switch {
	case x.Dialect == llm.Objects:
		return h.object(c, r)
	case x.Dialect.Lists():
		return h.models(c, r)
	}
	if err := c.view(); err != nil {
		return err
	}
	if err := mayName(x); err != nil {
		return err
	}
	if err := h.mayRefer(c); err != nil {
		return err
	}
	x.Changes.DefaultMaxTokens = 0 // the gate knows better: it sees the deployment
	var p plan
	if err := h.plan(c, &p); err != nil {
		return err
	}
	err := h.attempts(c, r, &p)
	if err == errAnswered {
		return err
	}
	if model := fallback(x, err); model != "" {
		return h.fallBack(c, r, model, err)
	}
	return err
}

// fallback is the model to ask instead after a budget has refused, "" for none.
func fallback(x *llm.Exchange, err error) string {
	var d *llm.Denial
	if errors.As(err, &d) && d.Code == llm.CodeBudgetExceeded && d.Fallback != x.Model() {
		return d.Fallback
	}
	return ""
}

// fallBack asks another model because a budget refused the one that was asked
// for; once, and only a model that this key may use. If that cannot be either,
// the first refusal stands.
func (h *Upstream) fallBack(c *call, r *http.Request, model string, refused error) error {
	x := &c.x
	asked := x.Changes.Model
	x.Changes.Model = model
	x.Decide(llm.Decision{Module: "cost", Rule: "on_exceed", Action: "fallback", Detail: model})
	var p plan
	err := h.plan(c, &p)
	if err == nil && x.Principal != nil && !x.Principal.MayUse(model) {
		err = modelNotAllowed(model)
	}
	if err == nil {
		err = h.attempts(c, r, &p)
	}
	var d *llm.Denial
	if errors.As(err, &d) && d.Stage != llm.StageProvider && d.Status != 499 {
		x.Changes.Model = asked
		return refused
	}
	return err
}

func clip(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}

// UnmarshalCaddyfile reads the directive:
//
//	llm_upstream [<type> [<api key>]] {
//		<options of the provider: api_key, base_url, …>
//		model <pattern> [<provider>|<provider>/<model> …] {
//			lb_policy <policy>
//			weights   <n…>
//		}
//		lb_policy       first|round_robin|weighted_round_robin|random|least_conn|lowest_latency
//		lb_retries      <n>
//		lb_try_duration <duration>
//		lb_try_interval <duration>
//		fail_duration    <duration>
//		max_fails        <n>
//		unhealthy_status <code|4xx|5xx…>
//		health_interval <duration>
//		health_timeout  <duration>
//		health_uri      <path>
//		first_byte_timeout  <duration>
//		stream_idle_timeout <duration>
//		on_unsupported reject|drop|warn
//		objects deny|allow|shared [<provider…>]
//		errors json|pass
//		debug_headers
//	}
func (h *Upstream) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	var inline guest.Parser
	if d.NextArg() {
		h.inlineType = d.Val()
		p, err := guest.New(d, h.inlineType)
		if err != nil {
			return err
		}
		inline = p
		if d.NextArg() {
			if err := inline.PositionalKey(d); err != nil {
				return err
			}
		}
	}
	if d.NextArg() {
		return d.Err("llm_upstream takes a provider type and an API key; everything else goes into a block")
	}
	if err := h.block(d, func() error {
		var err error
		switch d.Val() {
		case "model":
			err = h.unmarshalModel(d)
		case "first_byte_timeout":
			err = durationArg(d, &h.FirstByteTimeout)
		case "stream_idle_timeout":
			err = durationArg(d, &h.StreamIdleTimeout)
		case "on_unsupported":
			if err = oneArg(d, &h.OnUnsupported); err == nil && !slices.Contains([]string{"reject", "drop", "warn"}, h.OnUnsupported) {
				err = d.Errf("on_unsupported takes reject, drop or warn, not %q", h.OnUnsupported)
			}
		case "objects":
			err = h.Objects.unmarshal(d)
		default:
			name := d.Val()
			var ok bool
			if ok, err = h.Balance.unmarshal(d); ok || err != nil {
				break
			}
			if inline != nil {
				ok, err = inline.ParseOption(d)
			}
			if err == nil && !ok {
				err = d.Errf("unknown option %q of llm_upstream", name)
			}
		}
		return err
	}); err != nil {
		return err
	}
	if inline != nil {
		if err := inline.Complete(d); err != nil {
			return err
		}
		h.ProviderRaw = caddyconfig.JSONModuleObject(inline, "type", h.inlineType, nil)
	}
	if inline == nil && len(h.Models) == 0 {
		return d.Err("llm_upstream needs a provider, e.g. llm_upstream openai {env.OPENAI_API_KEY}, or `model <pattern> <provider>` lines")
	}
	return nil
}

func (h *Upstream) unmarshalModel(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return d.ArgErr()
	}
	m := ModelLine{Pattern: args[0], Targets: args[1:]}
	if m.Pattern == "" {
		return d.Err("model: the pattern is empty")
	}
	if len(m.Targets) == 0 && h.inlineType == "" {
		return d.Errf("model %s leads to no provider", m.Pattern)
	}
	for _, t := range m.Targets {
		if _, err := routing.ParseTarget(t); err != nil {
			return d.Errf("model %s: %v", m.Pattern, err)
		}
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		switch d.Val() {
		case "lb_policy":
			if err := oneArg(d, &m.LBPolicy); err != nil {
				return err
			}
			if _, err := pool.ParsePolicy(m.LBPolicy); err != nil {
				return d.Errf("lb_policy: %v", err)
			}
		case "weights":
			if m.Weights != nil {
				return d.Err("weights is given twice")
			}
			for _, s := range d.RemainingArgs() {
				w, err := strconv.Atoi(s)
				if err != nil || w < 1 || w > routing.MaxWeight {
					return d.Errf("weights: %q is not a number from 1 to %d", s, routing.MaxWeight)
				}
				m.Weights = append(m.Weights, w)
			}
			if len(m.Weights) != len(m.Targets) {
				return d.Errf("weights: want one for each of the %d targets of model %s", len(m.Targets), m.Pattern)
			}
		default:
			return d.Errf("unknown option %q of model %s; known are lb_policy and weights", d.Val(), m.Pattern)
		}
	}
	if slices.ContainsFunc(h.Models, func(o ModelLine) bool { return o.Pattern == m.Pattern }) {
		return d.Errf("model %s is given twice", m.Pattern)
	}
	h.Models = append(h.Models, m)
	return nil
}

// ParseUpstream is the Caddyfile directive llm_upstream.
func ParseUpstream(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Upstream)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Upstream)(nil)
	_ caddyhttp.MiddlewareHandler = (*Upstream)(nil)
	_ caddyfile.Unmarshaler       = (*Upstream)(nil)
)
