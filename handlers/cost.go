package handlers

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Cost prices every call and holds callers to budgets. Before a call leaves, an
// upper bound of its cost is reserved, durably, in every budget that it touches;
// afterwards the reservation is settled to what the call really cost. Where the
// bound is not affordable the limit on output tokens is lowered to what is; what
// does not fit even so is refused with 429 budget_exceeded. The sum of admitted
// upper bounds never exceeds a budget, however many calls run at once.
type Cost struct {
	// Budgets are the budgets; without one, calls are priced and recorded only.
	Budgets []Budget `json:"budgets,omitempty"`
	// Unpriced says what happens to models without a price: `deny` (default)
	// refuses them with 403 model_unpriced; `meter` lets them pass at no cost;
	// a number is their price in USD per million tokens, in and out.
	Unpriced string `json:"unpriced,omitempty"`
	// DefaultMaxTokens is the limit on output tokens that is put into a request
	// which names none, so that its cost has a bound. Default: the model's own
	// limit where the price list knows it, else 16,384. Only used with budgets.
	DefaultMaxTokens int64 `json:"default_max_tokens,omitempty"`
	// MinOutput is the lowest limit on output tokens of each choice to which a
	// call is lowered when its own is not affordable, before it is refused.
	// Default 1,024; -1 never lowers.
	MinOutput int64 `json:"min_output,omitempty"`
	// Fallback is the model that llm_upstream asks instead when a budget refuses
	// a call and the key may use that model. Default none: the call is refused.
	// In front of a stock reverse_proxy it has no effect.
	Fallback string `json:"fallback,omitempty"`
	// Unbounded is the amount in USD that is reserved for a request whose input
	// has no bound that could be known from its bytes (previous_response_id,
	// media by URL, server-side tools). Default: under a budget such requests
	// are refused with 403 unbounded_request.
	Unbounded string `json:"unbounded,omitempty"`
	// UnboundedTokens is what budgets of tokens reserve for such a request.
	// Default: refused as above.
	UnboundedTokens int64 `json:"unbounded_tokens,omitempty"`
	// Allocation says where requests name the project and the tags that their cost
	// is for. Default nowhere.
	Allocation *Allocation `json:"allocation,omitempty"`
	// Webhook is told of thresholds of budgets (`warn`) that were reached.
	Webhook *Webhook `json:"webhook,omitempty"`

	common
	options limits.GuardOptions
	guard   atomic.Pointer[boundGuard]
	warner  warner
}

// Budget is one budget.
type Budget struct {
	// Amount is the amount in the unit, e.g. "20", "0.50" or "2M".
	Amount string `json:"amount"`
	// Unit is `USD` (default) or `tokens` (prompt and output together).
	Unit string `json:"unit,omitempty"`
	// Window is how long it lasts: `hour`, `day`, `week`, `month` (of the
	// calendar) or `total`.
	Window string `json:"window"`
	// Rolling looks back over the length of the window (a month has 30 days) from
	// every moment, instead of starting anew with the calendar. Default false.
	Rolling bool `json:"rolling,omitempty"`
	// Per is the scope that has its own budget: `key` (default), `user`,
	// `team`, `org`, `model`, `provider`, `ip`, `global` or a placeholder.
	// Callers without the scope share one budget.
	Per string `json:"per,omitempty"`
	// Name separates this budget from others of the same window and scope.
	// Default none.
	Name string `json:"name,omitempty"`
	// TimeZone is the IANA zone in which the calendar runs. Default UTC.
	TimeZone string `json:"timezone,omitempty"`
	// Overrides are amounts, in the unit, for single values of the scope.
	Overrides map[string]string `json:"overrides,omitempty"`
	// Warn are the percentages of the amount, from 1 to 1000, whose settlement is
	// reported: once a window as an event, a metric, a log line and to the
	// webhook, and from then on in the header LLM-Budget-Warning.
	Warn []int `json:"warn,omitempty"`
	// Reserve is `strict` (default): the upper bound of a call is reserved, and
	// the budget cannot be exceeded by what was admitted; or `estimate`: what 95
	// of 100 calls of the model cost is reserved, and the budget can be exceeded
	// by what is in flight beyond that.
	Reserve string `json:"reserve,omitempty"`
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

// The defaults of DefaultMaxTokens, where the model's own limit is not known, and
// of MinOutput.
const (
	defaultMaxTokens = 16_384
	defaultMinOutput = 1_024
)

// Provision checks the budgets and declares the ledger.
func (h *Cost) Provision(ctx caddy.Context) error {
	if err := h.provision(ctx); err != nil {
		return err
	}
	if err := h.setup(ctx); err != nil {
		return fmt.Errorf("llm_cost: %w", err)
	}
	h.gw.UseLedger()
	h.gw.UseBudgets(h.options.Budgets)
	return nil
}

func (h *Cost) setup(ctx caddy.Context) (err error) {
	if err := h.validate(); err != nil {
		return err
	}
	o := &h.options
	for i := range h.Budgets {
		lb, err := h.Budgets[i].budget()
		if err != nil {
			return fmt.Errorf("budget %d: %w", i+1, err)
		}
		for _, other := range o.Budgets {
			if err := lb.Clash(other); err != nil {
				return fmt.Errorf("budget %d: %w", i+1, err)
			}
		}
		o.Budgets = append(o.Budgets, lb)
	}
	if o.Unpriced, err = parseUnpriced(h.Unpriced); err != nil {
		return fmt.Errorf("unpriced: %w", err)
	}
	if h.Unbounded != "" {
		if o.UnboundedCeiling, err = llm.ParseMoney(h.Unbounded); err != nil {
			return fmt.Errorf("unbounded: %w", err)
		}
	}
	if o.UnboundedTokens = h.UnboundedTokens; o.UnboundedTokens < 0 {
		return errors.New("unbounded_tokens: must not be negative")
	}
	o.DefaultMaxTokens, o.AlwaysDefault = h.DefaultMaxTokens, h.DefaultMaxTokens != 0
	if o.DefaultMaxTokens == 0 {
		o.DefaultMaxTokens = defaultMaxTokens
	}
	if o.DefaultMaxTokens < 1 {
		return errors.New("default_max_tokens: must be at least 1")
	}
	switch o.MinOutput = h.MinOutput; {
	case o.MinOutput == 0:
		o.MinOutput = defaultMinOutput
	case o.MinOutput == -1:
		o.MinOutput = 0
	case o.MinOutput < 0:
		return errors.New("min_output: must be at least 1, or -1 for never")
	}
	if h.Allocation != nil {
		if err := h.Allocation.validate(); err != nil {
			return err
		}
	}
	o.Fallback = h.Fallback
	o.ScopeValue = scopeValue
	if err := h.warner.setup(ctx, h.Webhook, h.log); err != nil {
		return err
	}
	o.OnWarn = h.warner.warn
	return nil
}

func (b *Budget) budget() (limits.Budget, error) {
	var lb limits.Budget
	unit := b.Unit
	if unit == "" {
		unit = "USD"
	}
	amount, u, window, err := limits.ParseBudgetAmount(b.Amount, unit+"/"+b.Window)
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
	lb.Budget = ledger.Budget{Amount: amount, Unit: u, Window: window, Rolling: b.Rolling, Scope: scope, Name: b.Name, Warn: b.Warn, TimeZone: time.UTC}
	switch {
	case b.Rolling && window == limits.BudgetTotal:
		return lb, errors.New("rolling: a total never ends, so nothing can roll")
	case b.Rolling && b.TimeZone != "":
		return lb, errors.New("timezone: a rolling budget follows no calendar")
	}
	if b.TimeZone != "" {
		if lb.TimeZone, err = time.LoadLocation(b.TimeZone); err != nil || b.TimeZone == "Local" {
			return lb, fmt.Errorf("timezone: %q is not a zone such as Europe/Berlin", b.TimeZone)
		}
	}
	for value, s := range b.Overrides {
		if value == "" {
			return lb, errors.New("override: the value is empty")
		}
		if scope == "model" {
			value = strings.ToLower(value) // as scopeValue does
		}
		if lb.Overrides == nil {
			lb.Overrides = map[string]llm.Money{}
		}
		if lb.Overrides[value], err = limits.ParseAmountOf(u, s); err != nil {
			return lb, fmt.Errorf("override %s: %w", value, err)
		}
	}
	for i, p := range b.Warn {
		if p < 1 || p > 1000 || i > 0 && p <= b.Warn[i-1] {
			return lb, errors.New("warn: want rising percentages from 1% to 1000%, e.g. 50% 80% 100%")
		}
	}
	switch b.Reserve {
	case "", "strict":
	case "estimate":
		lb.Estimate = true
	default:
		return lb, fmt.Errorf("reserve: want strict or estimate, not %q", b.Reserve)
	}
	return lb, nil
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
	return h.serve(w, r, next, func(c *call, r *http.Request) error {
		if err := c.ready(); err != nil {
			return err
		}
		if err := c.view(); err != nil {
			return err
		}
		c.allocate(r, h.Allocation)
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
		b = &boundGuard{ledger: l, guard: limits.NewGuard(l, h.gw.Catalogue, h.options)}
		h.guard.Store(b)
	}
	return b.guard
}

var (
	_ caddy.Provisioner           = (*Cost)(nil)
	_ caddyhttp.MiddlewareHandler = (*Cost)(nil)
	_ caddyfile.Unmarshaler       = (*Cost)(nil)
)
