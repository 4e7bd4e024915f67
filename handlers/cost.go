package handlers

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Cost prices every call and holds callers to budgets. Before a call leaves, an
// upper bound of its cost is reserved, durably, in every budget that it touches;
// afterwards the reservation is settled to what the call really cost. What does
// not fit is refused with 429 budget_exceeded. The sum of admitted upper bounds
// never exceeds a budget, however many calls run at once.
type Cost struct {
	// Budgets are the budgets; without one, calls are priced and recorded only.
	Budgets []Budget `json:"budgets,omitempty"`
	// Unpriced says what happens to models without a price: `deny` (default)
	// refuses them with 403 model_unpriced; `meter` lets them pass at no cost;
	// a number is their price in USD per million tokens, in and out.
	Unpriced string `json:"unpriced,omitempty"`
	// DefaultMaxTokens is the limit on output tokens that is put into a request
	// which names none, so that its cost has a bound. Default 16,384. Only used
	// with budgets.
	DefaultMaxTokens int64 `json:"default_max_tokens,omitempty"`
	// Unbounded is the amount in USD that is reserved for a request whose input
	// has no bound that could be known from its bytes (previous_response_id,
	// media by URL, server-side tools). Default: under a budget such requests
	// are refused with 403 unbounded_request.
	Unbounded string `json:"unbounded,omitempty"`

	common
	options limits.GuardOptions
	guard   atomic.Pointer[boundGuard]
}

// Budget is one budget.
type Budget struct {
	// Amount is the amount in USD, e.g. "20" or "0.50".
	Amount string `json:"amount"`
	// Window is how long it lasts: `hour`, `day`, `week`, `month` (of the
	// calendar) or `total`.
	Window string `json:"window"`
	// Per is the scope that has its own budget: `key` (default), `user`,
	// `team`, `org`, `model`, `provider`, `ip`, `global` or a placeholder.
	// Callers without the scope share one budget.
	Per string `json:"per,omitempty"`
	// Name separates this budget from others of the same window and scope.
	// Default none.
	Name string `json:"name,omitempty"`
	// TimeZone is the IANA zone in which the calendar runs. Default UTC.
	TimeZone string `json:"timezone,omitempty"`
}

// boundGuard is the guard for one open ledger; a reload may bring another.
type boundGuard struct {
	ledger *ledger.Ledger
	guard  *limits.Guard
}

// CaddyModule describes the module to Caddy.
func (*Cost) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.handlers.llm_cost", New: func() caddy.Module { return new(Cost) }}
}

// defaultMaxTokens bounds the output of a request that names no limit.
const defaultMaxTokens = 16_384

// Provision checks the budgets and declares the ledger.
func (h *Cost) Provision(ctx caddy.Context) error {
	if err := h.provision(ctx); err != nil {
		return err
	}
	if err := h.validate(); err != nil {
		return fmt.Errorf("llm_cost: %w", err)
	}
	o := &h.options
	for i, b := range h.Budgets {
		lb, err := b.budget()
		if err != nil {
			return fmt.Errorf("llm_cost: budget %d: %w", i+1, err)
		}
		o.Budgets = append(o.Budgets, lb)
	}
	var err error
	if o.Unpriced, err = parseUnpriced(h.Unpriced); err != nil {
		return fmt.Errorf("llm_cost: unpriced: %w", err)
	}
	if h.Unbounded != "" {
		if o.UnboundedCeiling, err = llm.ParseMoney(h.Unbounded); err != nil {
			return fmt.Errorf("llm_cost: unbounded: %w", err)
		}
	}
	o.DefaultMaxTokens = h.DefaultMaxTokens
	if o.DefaultMaxTokens == 0 {
		o.DefaultMaxTokens = defaultMaxTokens
	}
	if o.DefaultMaxTokens < 1 {
		return fmt.Errorf("llm_cost: default_max_tokens: must be at least 1")
	}
	o.ScopeValue = scopeValue
	h.gw.UseLedger()
	return nil
}

func (b *Budget) budget() (limits.Budget, error) {
	var lb limits.Budget
	amount, err := llm.ParseMoney(b.Amount)
	if err != nil {
		return lb, err
	}
	if amount <= 0 {
		return lb, fmt.Errorf("the amount must be more than 0")
	}
	window, err := limits.ParseBudgetWindow(b.Window)
	if err != nil {
		return lb, err
	}
	scope := b.Per
	if scope == "" {
		scope = "key"
	}
	if err := checkScope(scope, "key", "user", "team", "org", "model", "provider", "ip", "global"); err != nil {
		return lb, err
	}
	zone := time.UTC
	if b.TimeZone != "" {
		if zone, err = time.LoadLocation(b.TimeZone); err != nil || b.TimeZone == "Local" {
			return lb, fmt.Errorf("timezone: %q is not a zone such as Europe/Berlin", b.TimeZone)
		}
	}
	return limits.Budget{Amount: amount, Window: window, Scope: scope, Name: b.Name, TimeZone: zone}, nil
}

func parseUnpriced(s string) (limits.UnpricedPolicy, error) {
	switch s {
	case "", "deny":
		return limits.UnpricedPolicy{Mode: limits.UnpricedDeny}, nil
	case "meter":
		return limits.UnpricedPolicy{Mode: limits.UnpricedMeter}, nil
	}
	rate, err := llm.ParseMoney(s)
	if err != nil || rate <= 0 {
		return limits.UnpricedPolicy{}, fmt.Errorf("%q; want deny, meter or a price in USD per million tokens such as 1 or 0.50", s)
	}
	return limits.UnpricedPolicy{Mode: limits.UnpricedRate, Rate: rate}, nil
}

func (h *Cost) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	return h.serve(w, r, next, func(c *call, _ *http.Request) error {
		if err := c.ready(); err != nil {
			return err
		}
		if err := c.view(); err != nil {
			return err
		}
		g := h.guardFor(c.stores.Ledger)
		if g == nil {
			return llm.Deny(http.StatusServiceUnavailable, llm.CodeStoreUnavailable, llm.StageInfrastructure, "the ledger is not available; try again shortly")
		}
		g.Declare(&c.x)
		c.x.Govern(g)
		c.x.Pass("cost")
		return nil
	})
}

func (h *Cost) guardFor(l *ledger.Ledger) *limits.Guard {
	if l == nil {
		return nil
	}
	b := h.guard.Load()
	if b == nil || b.ledger != l {
		b = &boundGuard{ledger: l, guard: limits.NewGuard(l, h.gw.Catalogue(), h.options)}
		h.guard.Store(b)
	}
	return b.guard
}

// UnmarshalCaddyfile reads the directive:
//
//	llm_cost {
//		budget <amount> USD/<hour|day|week|month|total> [per <scope>] {
//			timezone <IANA zone>
//			name     <name>
//		}
//		unpriced deny|meter|<USD per million tokens>
//		default_max_tokens <n>
//		unbounded <USD>
//		errors json|pass
//		debug_headers
//	}
func (h *Cost) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noMore(d); err != nil {
		return err
	}
	return h.block(d, func() error {
		var err error
		switch d.Val() {
		case "budget":
			err = h.unmarshalBudget(d)
		case "unpriced":
			if err = oneArg(d, &h.Unpriced); err == nil {
				if _, perr := parseUnpriced(h.Unpriced); perr != nil {
					err = d.Errf("unpriced: %v", perr)
				}
			}
		case "default_max_tokens":
			err = countArg(d, &h.DefaultMaxTokens)
		case "unbounded":
			if err = oneArg(d, &h.Unbounded); err == nil {
				if _, perr := llm.ParseMoney(h.Unbounded); perr != nil {
					err = d.Errf("unbounded: %v", perr)
				}
			}
		default:
			err = d.Errf("unknown option %q of llm_cost", d.Val())
		}
		return err
	})
}

func (h *Cost) unmarshalBudget(d *caddyfile.Dispenser) error {
	var b Budget
	var unit string
	if !d.Args(&b.Amount, &unit) {
		return d.Errf("budget takes an amount and a window, e.g. budget 20 USD/day")
	}
	currency, window, ok := strings.Cut(unit, "/")
	if !ok || currency != "USD" {
		return d.Errf("budget: %q; want USD/<hour|day|week|month|total>", unit)
	}
	b.Window = window
	for d.NextArg() {
		if d.Val() != "per" || b.Per != "" || !d.NextArg() || d.Val() == "" {
			return d.Errf("budget: unexpected argument; want per <scope>")
		}
		b.Per = d.Val()
	}
	for d.NextBlock(1) {
		var err error
		switch d.Val() {
		case "timezone":
			err = oneArg(d, &b.TimeZone)
		case "name":
			err = oneArg(d, &b.Name)
		default:
			err = d.Errf("unknown option %q of budget", d.Val())
		}
		if err != nil {
			return err
		}
	}
	lb, err := b.budget()
	if err != nil {
		return d.Errf("budget: %v", err)
	}
	for _, other := range h.Budgets {
		if o, oerr := other.budget(); oerr == nil && o.Window == lb.Window && o.Scope == lb.Scope && o.Name == lb.Name {
			return d.Errf("a budget per %s and %s is given twice; give one of them a name", lb.Scope, b.Window)
		}
	}
	h.Budgets = append(h.Budgets, b)
	return nil
}

// ParseCost is the Caddyfile directive llm_cost.
func ParseCost(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Cost)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

var (
	_ caddy.Provisioner           = (*Cost)(nil)
	_ caddyhttp.MiddlewareHandler = (*Cost)(nil)
	_ caddyfile.Unmarshaler       = (*Cost)(nil)
)
