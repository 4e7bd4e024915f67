package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// RateLimit holds callers to rates: requests in a window and requests at once.
// All limits of a directive are charged together or not at all; what exceeds one
// is refused with 429 rate_limited and a Retry-After. No window, wherever it
// starts, admits more than its limit. Counters are kept in memory, shared by all
// routes and sites that name the same limit, and survive a reload.
//
// It stands before the body is read, so the scopes `model` and `provider` are
// not available here.
type RateLimit struct {
	// Limits are the limits; at least one.
	Limits []Limit `json:"limits,omitempty"`

	common
	limits []*limits.RateLimit
}

// Limit is one rate limit.
type Limit struct {
	// Dimension is what is counted: `requests` or `concurrent`.
	Dimension string `json:"dimension"`
	// Amount is how many; at least 1.
	Amount int64 `json:"amount"`
	// Window is the length of the window of `requests`, in nanoseconds or as a
	// duration string; not for `concurrent`.
	Window caddy.Duration `json:"window,omitempty"`
	// Per is the scope that has its own counter: `key` (default), `user`,
	// `team`, `org`, `ip`, `global`, or a placeholder such as
	// {http.request.host}. Callers without the scope share one counter.
	Per string `json:"per,omitempty"`
	// Name separates this counter from others of the same dimension, window
	// and scope. Default none: they share.
	Name string `json:"name,omitempty"`
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
	if len(h.Limits) == 0 {
		return errors.New("llm_ratelimit: no limit")
	}
	for i := range h.Limits {
		if err := h.Limits[i].check(); err != nil {
			return fmt.Errorf("llm_ratelimit: %w", err)
		}
		l := h.Limits[i]
		h.limits = append(h.limits, &limits.RateLimit{Dimension: l.Dimension, Amount: l.Amount, Window: time.Duration(l.Window), Scope: l.scope(), Name: l.Name})
	}
	return nil
}

func (l *Limit) scope() string {
	if l.Per == "" {
		return "key"
	}
	return l.Per
}

func (l *Limit) check() error {
	switch l.Dimension {
	case "requests":
		if l.Window <= 0 {
			return errors.New("requests: no window; want e.g. 600/min")
		}
	case "concurrent":
		if l.Window != 0 {
			return errors.New("concurrent: takes a count without a window")
		}
	default:
		return fmt.Errorf("unknown limit %q; want requests or concurrent", l.Dimension)
	}
	if l.Amount < 1 {
		return fmt.Errorf("%s: the amount must be at least 1", l.Dimension)
	}
	return checkScope(l.scope(), "key", "user", "team", "org", "ip", "global")
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
	var few [4]limits.Charge
	charges := few[:0]
	for _, l := range h.limits {
		charges = append(charges, limits.Charge{Limit: l, Value: scopeValue(x, nil, l.Scope)})
	}
	taken, refused := c.stores.Rates.Take(x.Start, charges)
	if refused != nil {
		return c.rateLimited(refused)
	}
	x.Pass("ratelimit")
	x.Decide(llm.Decision{Module: "ratelimit", Action: "allow"})
	x.Defer(taken.Release)
	for _, s := range taken.Status {
		if s.Limit.Dimension == "requests" {
			rateHeaders(x, c.w.under.Header(), s.Limit.Amount, s.Remaining, s.Reset, x.Start)
			break
		}
	}
	return nil
}

// rateHeaders tells the caller where it stands, in the headers that its SDK
// reads. The first requests limit of the directive speaks.
func rateHeaders(x *llm.Exchange, h http.Header, limit, remaining int64, reset time.Time, at time.Time) {
	if x.Family == llm.FamilyAnthropic {
		h.Set("Anthropic-Ratelimit-Requests-Limit", strconv.FormatInt(limit, 10))
		h.Set("Anthropic-Ratelimit-Requests-Remaining", strconv.FormatInt(remaining, 10))
		h.Set("Anthropic-Ratelimit-Requests-Reset", reset.UTC().Format(time.RFC3339))
		return
	}
	h.Set("X-Ratelimit-Limit-Requests", strconv.FormatInt(limit, 10))
	h.Set("X-Ratelimit-Remaining-Requests", strconv.FormatInt(remaining, 10))
	h.Set("X-Ratelimit-Reset-Requests", max(0, reset.Sub(at)).Round(time.Millisecond).String())
}

func (c *call) rateLimited(r *limits.Refusal) error {
	l := r.Limit
	what := "requests at once"
	if l.Dimension == "requests" {
		what = "requests in " + windowName(l.Window)
	}
	name := l.Name
	if name == "" {
		name = l.Dimension
	}
	d := llm.Deny(http.StatusTooManyRequests, llm.CodeRateLimited, llm.StageQuota,
		"the limit of %d %s per %s is reached; wait %s and try again", l.Amount, what, scopeName(l.Scope), waitName(r.RetryAfter))
	d.Rule = name
	d.RetryAfter = max(r.RetryAfter, time.Second)
	c.x.Decide(llm.Decision{Module: "ratelimit", Rule: name, Action: "deny", Code: d.Code})
	if l.Dimension == "requests" {
		rateHeaders(&c.x, c.w.under.Header(), l.Amount, 0, c.x.Start.Add(r.RetryAfter), c.x.Start)
	}
	return d
}

func waitName(d time.Duration) string {
	return strconv.FormatInt(max(1, int64((d+time.Second-1)/time.Second)), 10) + " s"
}

func windowName(d time.Duration) string {
	switch d {
	case time.Second:
		return "a second"
	case time.Minute:
		return "a minute"
	case time.Hour:
		return "an hour"
	case 24 * time.Hour:
		return "a day"
	}
	return d.String()
}

// scopeName is how a scope is called to the client.
func scopeName(scope string) string {
	if strings.HasPrefix(scope, "{") {
		return "caller group"
	}
	return scope
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

// UnmarshalCaddyfile reads the directive, in one line or as a block:
//
//	llm_ratelimit requests 60/min
//	llm_ratelimit {
//		requests   <n>/<window> [per <scope>] [name <name>]
//		concurrent <n>          [per <scope>] [name <name>]
//		errors json|pass
//		debug_headers
//	}
func (h *RateLimit) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if d.NextArg() {
		if err := h.unmarshalLimit(d); err != nil {
			return err
		}
	}
	if err := h.block(d, func() error { return h.unmarshalLimit(d) }); err != nil {
		return err
	}
	if len(h.Limits) == 0 {
		return d.Err("llm_ratelimit needs at least one limit, e.g. requests 600/min")
	}
	return nil
}

func (h *RateLimit) unmarshalLimit(d *caddyfile.Dispenser) error {
	l := Limit{Dimension: d.Val()}
	if l.Dimension != "requests" && l.Dimension != "concurrent" {
		return d.Errf("unknown option %q of llm_ratelimit; want requests or concurrent", l.Dimension)
	}
	if !d.NextArg() {
		return d.ArgErr()
	}
	if l.Dimension == "requests" {
		n, window, err := limits.ParseRate(d.Val())
		if err != nil {
			return d.Errf("requests: %v", err)
		}
		l.Amount, l.Window = n, caddy.Duration(window)
	} else {
		n, err := parseCount(d.Val())
		if err != nil {
			return d.Errf("concurrent: %v", err)
		}
		l.Amount = n
	}
	for d.NextArg() {
		var into *string
		switch d.Val() {
		case "per":
			into = &l.Per
		case "name":
			into = &l.Name
		default:
			return d.Errf("%s: unexpected argument %q; want per <scope> or name <name>", l.Dimension, d.Val())
		}
		if *into != "" || !d.NextArg() || d.Val() == "" {
			return d.ArgErr()
		}
		*into = d.Val()
	}
	if err := l.check(); err != nil {
		return d.Errf("%v", err)
	}
	for _, other := range h.Limits {
		if other.Dimension == l.Dimension && other.Window == l.Window && other.scope() == l.scope() && other.Name == l.Name {
			return d.Errf("%s per %s is given twice for the same window; give one of them a name", l.Dimension, l.scope())
		}
	}
	h.Limits = append(h.Limits, l)
	return nil
}

// ParseRateLimit is the Caddyfile directive llm_ratelimit.
func ParseRateLimit(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(RateLimit)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*RateLimit)(nil)
	_ caddyhttp.MiddlewareHandler = (*RateLimit)(nil)
	_ caddyfile.Unmarshaler       = (*RateLimit)(nil)
)
