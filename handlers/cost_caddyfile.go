package handlers

import (
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
)

// UnmarshalCaddyfile reads the directive:
//
//	llm_cost {
//		budget <amount> USD|tokens/<hour|day|week|month|total> [rolling] [per <scope>] {
//			rolling
//			timezone <IANA zone>
//			name     <name>
//			override <value> <amount> USD|tokens
//			warn     <n>% …
//			reserve  strict|estimate
//		}
//		on_exceed deny|fallback <model>
//		unpriced deny|meter|<USD per million tokens>
//		default_max_tokens <n>
//		min_output <n>|off
//		unbounded <amount> [USD|tokens]
//		project header <name>
//		project metadata <member>
//		tags header <name>
//		webhook <URL> [<secret>]
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
		case "on_exceed":
			err = h.unmarshalOnExceed(d)
		case "unpriced":
			if err = oneArg(d, &h.Unpriced); err == nil {
				if _, perr := parseUnpriced(h.Unpriced); perr != nil {
					err = d.Errf("unpriced: %v", perr)
				}
			}
		case "default_max_tokens":
			err = countArg(d, &h.DefaultMaxTokens)
		case "min_output":
			err = h.unmarshalMinOutput(d)
		case "unbounded":
			err = h.unmarshalUnbounded(d)
		case "webhook":
			err = h.unmarshalWebhook(d)
		default:
			name := d.Val()
			var ok bool
			if ok, err = unmarshalAllocation(d, &h.Allocation); err == nil && !ok {
				err = d.Errf("unknown option %q of llm_cost", name)
			}
		}
		return err
	})
}

func (h *Cost) unmarshalOnExceed(d *caddyfile.Dispenser) error {
	switch args := d.RemainingArgs(); {
	case h.Fallback != "":
		return d.Err("on_exceed is given twice")
	case len(args) == 1 && args[0] == "deny":
	case len(args) == 2 && args[0] == "fallback" && args[1] != "":
		h.Fallback = args[1]
	default:
		return d.Err("on_exceed takes deny, or fallback and a model")
	}
	return nil
}

func (h *Cost) unmarshalMinOutput(d *caddyfile.Dispenser) error {
	var s string
	if h.MinOutput != 0 {
		return d.Err("min_output is given twice")
	}
	if err := oneArg(d, &s); err != nil {
		return err
	}
	if s == "off" {
		h.MinOutput = -1
		return nil
	}
	n, err := parseCount(s)
	if err != nil {
		return d.Errf("min_output: %v, or off", err)
	}
	h.MinOutput = n
	return nil
}

func (h *Cost) unmarshalUnbounded(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) == 1 {
		args = append(args, "USD")
	}
	if len(args) != 2 {
		return d.Err("unbounded takes an amount such as 0.50 USD or 100k tokens")
	}
	unit, err := limits.ParseBudgetUnit(args[1])
	if err != nil {
		return d.Errf("unbounded: %v", err)
	}
	n, err := limits.ParseAmountOf(unit, args[0])
	if err != nil {
		return d.Errf("unbounded: %v", err)
	}
	switch {
	case unit == limits.BudgetTokens && h.UnboundedTokens == 0:
		h.UnboundedTokens = int64(n)
	case unit == limits.BudgetUSD && h.Unbounded == "":
		h.Unbounded = args[0]
	default:
		return d.Errf("unbounded is given twice for %s", unit)
	}
	return nil
}

func (h *Cost) unmarshalWebhook(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if h.Webhook != nil || len(args) < 1 || len(args) > 2 || args[0] == "" {
		return d.Err("webhook takes a URL and perhaps a secret, once")
	}
	h.Webhook = &Webhook{URL: args[0]}
	if len(args) == 2 {
		if h.Webhook.Secret = args[1]; args[1] == "" {
			return d.Err("webhook: the secret is empty")
		}
	}
	return nil
}

func (h *Cost) unmarshalBudget(d *caddyfile.Dispenser) error {
	var b Budget
	var per string
	if !d.Args(&b.Amount, &per) {
		return d.Errf("budget takes an amount and a window, e.g. budget 20 USD/day")
	}
	unit, window, ok := strings.Cut(per, "/")
	if !ok {
		return d.Errf("budget: %q; want USD/<hour|day|week|month|total> or tokens/…", per)
	}
	if b.Window = window; unit != "USD" {
		b.Unit = unit
	}
	for d.NextArg() {
		switch {
		case d.Val() == "rolling" && !b.Rolling:
			b.Rolling = true
		case d.Val() == "per" && b.Per == "" && d.NextArg() && d.Val() != "":
			b.Per = d.Val()
		default:
			return d.Errf("budget: unexpected argument; want rolling or per <scope>")
		}
	}
	for d.NextBlock(1) {
		if err := b.option(d); err != nil {
			return err
		}
	}
	lb, err := b.budget()
	if err != nil {
		return d.Errf("budget: %v", err)
	}
	for i := range h.Budgets {
		if o, oerr := h.Budgets[i].budget(); oerr == nil {
			if err := lb.Clash(o); err != nil {
				return d.Errf("budget: %v", err)
			}
		}
	}
	h.Budgets = append(h.Budgets, b)
	return nil
}

func (b *Budget) option(d *caddyfile.Dispenser) error {
	switch d.Val() {
	case "timezone":
		return oneArg(d, &b.TimeZone)
	case "name":
		return oneArg(d, &b.Name)
	case "reserve":
		return oneArg(d, &b.Reserve)
	case "rolling":
		b.Rolling = true
		return noMore(d)
	case "warn":
		return b.unmarshalWarn(d)
	case "override":
		args := d.RemainingArgs()
		unit := b.Unit
		if unit == "" {
			unit = "USD"
		}
		if len(args) != 3 || args[0] == "" || args[2] != unit {
			return d.Errf("override takes a value of the scope and an amount in the budget's unit, e.g. override research 2000 %s", unit)
		}
		if _, ok := b.Overrides[args[0]]; ok {
			return d.Errf("override %s is given twice", args[0])
		}
		if b.Overrides == nil {
			b.Overrides = map[string]string{}
		}
		b.Overrides[args[0]] = args[1]
		return nil
	}
	return d.Errf("unknown option %q of budget", d.Val())
}

func (b *Budget) unmarshalWarn(d *caddyfile.Dispenser) error {
	if b.Warn != nil {
		return d.Err("warn is given twice")
	}
	for _, s := range d.RemainingArgs() {
		digits, ok := strings.CutSuffix(s, "%")
		n, err := strconv.Atoi(digits)
		if !ok || err != nil {
			return d.Errf("warn: %q is not a percentage such as 80%%", s)
		}
		b.Warn = append(b.Warn, n)
	}
	if len(b.Warn) == 0 {
		return d.ArgErr()
	}
	return nil
}

// ParseCost is the Caddyfile directive llm_cost.
func ParseCost(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Cost)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}
