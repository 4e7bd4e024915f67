package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// RateLimit holds callers to rates: requests and tokens in a window, and requests
// at once. All limits of a directive are charged together or not at all; what
// exceeds one is refused with 429 rate_limited and a Retry-After. No window,
// wherever it starts, admits more than its limit. Counters are kept in memory,
// shared by all routes and sites that name the same limit, and survive a reload.
//
// Requests are counted before the body is read. Tokens are reserved when a call
// is about to leave for a provider, by an upper bound, and settled to what it
// really used; so are the limits per model and provider, which are not known
// before.
type RateLimit struct {
	// Limits are the limits; at least one.
	Limits []Limit `json:"limits,omitempty"`
	// Headers says in which form answers tell where the caller stands: `dialect`
	// (default) as its provider does; `ietf` in the RateLimit fields of the IETF
	// as well.
	Headers string `json:"headers,omitempty"`

	common
	before []*limits.RateLimit // charged when the request comes
	gate   []*limits.RateLimit // charged when a call leaves
	bound  atomic.Pointer[boundThrottle]
}

// Limit is one rate limit.
type Limit struct {
	// Dimension is what is counted: `requests`, `tokens`, `input_tokens`,
	// `output_tokens` or `concurrent`.
	Dimension string `json:"dimension"`
	// Amount is how many; 1 to 2^53.
	Amount int64 `json:"amount"`
	// Window is the length of the window, in nanoseconds or as a duration string,
	// 1 ms to 366 days; not for `concurrent`.
	Window caddy.Duration `json:"window,omitempty"`
	// Burst makes it a rate with room instead of a sliding window: so many at
	// once, refilled at the amount per window. Default 0: a sliding window.
	Burst int64 `json:"burst,omitempty"`
	// Per is the scope that has its own counter: `key` (default), `user`,
	// `team`, `org`, `ip`, `model`, `provider`, `global`, or a placeholder such as
	// {http.request.host}. Callers without the scope share one counter.
	Per string `json:"per,omitempty"`
	// Overrides are amounts for single values of the scope. Default none.
	Overrides map[string]int64 `json:"overrides,omitempty"`
	// Name separates this counter from others of the same dimension, window
	// and scope. Default none: they share.
	Name string `json:"name,omitempty"`
	// Estimate reserves a third of the upper bound of a prompt's tokens, which
	// counts one for each byte. Default false. Not for `requests` and
	// `concurrent`.
	Estimate bool `json:"estimate,omitempty"`
}

// boundThrottle is the governor for one set of counters; a reload may bring
// another.
type boundThrottle struct {
	rates    *limits.Rates
	throttle *limits.Throttle
}

// CaddyModule describes the module to Caddy.
func (*RateLimit) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.llm_ratelimit", New: func() caddy.Module { return new(RateLimit) }}
}

// Provision checks the limits.
func (h *RateLimit) Provision(ctx caddy.Context) error {
	if err := h.provision(ctx); err != nil {
		return err
	}
	if err := h.validate(); err != nil {
		return fmt.Errorf("llm_ratelimit: %w", err)
	}
	switch h.Headers {
	case "", "dialect", "ietf":
	default:
		return fmt.Errorf("llm_ratelimit: headers: want dialect or ietf, not %q", h.Headers)
	}
	if len(h.Limits) == 0 {
		return errors.New("llm_ratelimit: no limit")
	}
	for i := range h.Limits {
		l := &h.Limits[i]
		if err := l.check(); err != nil {
			return fmt.Errorf("llm_ratelimit: limit %d: %w", i+1, err)
		}
		if err := l.clash(h.Limits[:i]); err != nil {
			return fmt.Errorf("llm_ratelimit: limit %d: %w", i+1, err)
		}
		if rl := l.limit(); l.atGate() {
			h.gate = append(h.gate, rl)
		} else {
			h.before = append(h.before, rl)
		}
	}
	return nil
}

func (l *Limit) limit() *limits.RateLimit {
	rl := &limits.RateLimit{
		Dimension: l.Dimension, Amount: l.Amount, Window: time.Duration(l.Window), Burst: l.Burst,
		Scope: l.scope(), Name: l.Name, Overrides: l.Overrides, Estimate: l.Estimate,
	}
	if rl.Scope == "model" && len(l.Overrides) > 0 { // as scopeValue does
		rl.Overrides = make(map[string]int64, len(l.Overrides))
		for model, n := range l.Overrides {
			rl.Overrides[strings.ToLower(model)] = n
		}
	}
	return rl
}

func (l *Limit) scope() string {
	if l.Per == "" {
		return "key"
	}
	return l.Per
}

// counted reports whether the limit counts tokens.
func (l *Limit) counted() bool {
	return l.Dimension == limits.Tokens || l.Dimension == limits.InputTokens || l.Dimension == limits.OutputTokens
}

// atGate reports whether the limit can only be charged when it is known where a
// call goes and what it says.
func (l *Limit) atGate() bool { return l.counted() || l.Per == "model" || l.Per == "provider" }

func (l *Limit) check() error {
	switch {
	case l.Dimension == limits.Concurrent:
		if l.Window != 0 || l.Burst != 0 {
			return errors.New("concurrent: takes a count, without a window and without burst")
		}
	case l.Dimension == limits.Requests || l.counted():
		if l.Window <= 0 {
			return fmt.Errorf("%s: no window; want e.g. 600/min", l.Dimension)
		}
		if w := time.Duration(l.Window); w < time.Millisecond || w > limits.MaxWindow {
			return fmt.Errorf("%s: a window of %s; want 1 ms to 366 days", l.Dimension, w)
		}
	default:
		return fmt.Errorf("unknown limit %q; want requests, tokens, input_tokens, output_tokens or concurrent", l.Dimension)
	}
	if err := checkAmount(l.Amount); err != nil {
		return fmt.Errorf("%s: the amount %w", l.Dimension, err)
	}
	if l.Estimate && (!l.counted() || l.Dimension == limits.OutputTokens) {
		return fmt.Errorf("%s: takes no estimate; only tokens and input_tokens do", l.Dimension)
	}
	if err := checkScope(l.scope(), "key", "user", "team", "org", "ip", "model", "provider", "global"); err != nil {
		return err
	}
	if len(l.Overrides) > 0 && l.Per == "global" {
		return fmt.Errorf("%s: per global has no values to override", l.Dimension)
	}
	for value, n := range l.Overrides {
		if value == "" {
			return fmt.Errorf("%s: override without a value", l.Dimension)
		}
		if err := checkAmount(n); err != nil {
			return fmt.Errorf("%s: override %s %w", l.Dimension, value, err)
		}
	}
	return l.checkBurst()
}

// checkBurst refuses a burst that would not come back within the longest window
// of all: whoever writes that means something else.
func (l *Limit) checkBurst() error {
	if l.Burst == 0 {
		return nil
	}
	if err := checkAmount(l.Burst); err != nil {
		return fmt.Errorf("%s: burst %w", l.Dimension, err)
	}
	if l.Burst/l.Amount > int64(limits.MaxWindow)/int64(l.Window) {
		return fmt.Errorf("%s: a burst of %d at %d in %s would take more than 366 days to come back", l.Dimension, l.Burst, l.Amount, time.Duration(l.Window))
	}
	return nil
}

func checkAmount(n int64) error {
	if n < 1 || n > limits.MaxAmount {
		return fmt.Errorf("must be 1 to %d, not %d", int64(limits.MaxAmount), n)
	}
	return nil
}

// clash refuses a limit that is one with another of the directive.
func (l *Limit) clash(others []Limit) error {
	for i := range others {
		o := &others[i]
		if l.Name != "" && o.Name == l.Name {
			return fmt.Errorf("two limits have the name %q", l.Name)
		}
		if o.Dimension == l.Dimension && o.Window == l.Window && o.scope() == l.scope() && o.Name == l.Name && (o.Burst > 0) == (l.Burst > 0) {
			return fmt.Errorf("%s per %s is given twice for the same window; give one of them a name", l.Dimension, l.scope())
		}
	}
	return nil
}

// checkScope accepts one of the named scopes or a placeholder.
func checkScope(scope string, known ...string) error {
	if slices.Contains(known, scope) || (strings.HasPrefix(scope, "{") && strings.HasSuffix(scope, "}") && len(scope) > 2) {
		return nil
	}
	return fmt.Errorf("unknown scope %q; want %s or a placeholder in braces", scope, strings.Join(known, ", "))
}

func (h *RateLimit) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.serve(w, r, next, h.govern)
}

func (h *RateLimit) govern(c *call, _ *http.Request) error {
	if err := c.ready(); err != nil {
		return err
	}
	x := &c.x
	c.standing.ietf = c.standing.ietf || h.Headers == "ietf"
	g := &rateGate{c: c, h: h}
	if err := g.charge(x.Start); err != nil {
		return err
	}
	x.Defer(g.end)
	x.Pass("ratelimit")
	x.Decide(llm.Decision{Module: "ratelimit", Action: "allow"})
	if len(h.gate) == 0 {
		return nil
	}
	g.throttle = h.throttle(c.stores.Rates)
	// Tokens are known once the body is; a flood has been turned away by now.
	if x.Dialect.HasBody() {
		if err := c.view(); err != nil {
			return err
		}
	}
	g.throttle.Declare(x)
	x.Govern(g)
	return nil
}

func (h *RateLimit) throttle(r *limits.Rates) *limits.Throttle {
	b := h.bound.Load()
	if b == nil || b.rates != r {
		b = &boundThrottle{r, limits.NewThrottle(r, h.gate, scopeValue)}
		h.bound.Store(b)
	}
	return b.throttle
}

// scopeValue returns the value of a scope for a request; empty means none.
// a is nil before the gate.
func scopeValue(x *llm.Exchange, a *llm.Attempt, scope string) string {
	p := x.Principal
	switch scope {
	case "global":
		return "global"
	case "ip":
		return x.ClientIP
	case "model":
		// Prices ignore case, so a budget must too.
		if a != nil && a.Deployment.Model != "" {
			return strings.ToLower(a.Deployment.Model)
		}
		return strings.ToLower(x.Model())
	case "provider":
		if a != nil {
			return a.Deployment.Provider
		}
		return ""
	case "key", "user", "team", "org":
		if p == nil {
			return ""
		}
		switch scope {
		case "key":
			return p.Key
		case "user":
			return p.User
		case "team":
			return p.Team
		}
		return p.Org
	}
	if x.Resolve == nil {
		return ""
	}
	return x.Resolve(scope)
}

var (
	_ caddy.Provisioner           = (*RateLimit)(nil)
	_ caddyhttp.MiddlewareHandler = (*RateLimit)(nil)
)
