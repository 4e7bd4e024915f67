package handlers

import (
	"fmt"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// budgetWarning is the name of the event that Caddy's `events` option can
// subscribe to.
const budgetWarning = "llm_budget_warning"

// warner tells everybody who should know that a threshold of a budget was
// reached: metric, log, Caddy's events and the webhook. Settlement does not wait
// for any of them.
type warner struct {
	log    *zap.Logger
	events *caddyevents.App
	ctx    caddy.Context
	hook   *hook
	// slots bounds the deliveries that are under way.
	slots chan struct{}
}

// maxDeliveries is how many warnings may be on their way at once; more are
// dropped, counted and logged.
const maxDeliveries = 64

func (w *warner) setup(ctx caddy.Context, cfg *Webhook, log *zap.Logger) error {
	w.log, w.ctx, w.slots = log, ctx, make(chan struct{}, maxDeliveries)
	if cfg != nil {
		var err error
		if w.hook, err = newHook(cfg); err != nil {
			return err
		}
	}
	app, err := ctx.App("events")
	if err != nil {
		return fmt.Errorf("getting the events app: %w", err)
	}
	w.events = app.(*caddyevents.App)
	return nil
}

// warn is limits.GuardOptions.OnWarn.
func (w *warner) warn(x *llm.Exchange, list []ledger.Warning) {
	for i := range list {
		v := list[i]
		metrics.warnings.WithLabelValues(v.Budget.Label(), strconv.Itoa(v.Percent)).Inc()
		w.log.Warn("a budget has reached a threshold", zap.String("budget", v.Budget.Label()), zap.String("scope", v.Budget.Scope), zap.String("value", v.Value),
			zap.Int("percent", v.Percent), zap.String("settled", v.Budget.Unit.Format(v.Settled)), zap.String("amount", v.Budget.Unit.Format(v.Amount)), zap.String("request_id", x.ID))
		select {
		case w.slots <- struct{}{}:
		default:
			metrics.undelivered.Inc()
			w.log.Error("too many warnings are on their way; this one is not delivered", zap.String("budget", v.Budget.Label()))
			continue
		}
		n := notice{
			Event: budgetWarning, Request: x.ID, At: x.End.UTC().Format(time.RFC3339), Budget: v.Budget.Label(), Scope: v.Budget.Scope, Value: v.Value,
			Percent: v.Percent, Unit: v.Budget.Unit.String(), Settled: amountOf(v.Budget.Unit, v.Settled), Amount: amountOf(v.Budget.Unit, v.Amount),
		}
		if !v.Ends.IsZero() {
			n.Ends = v.Ends.UTC().Format(time.RFC3339)
		}
		go w.deliver(n)
	}
}

// deliver runs on a goroutine of its own: handlers of events may take their time.
func (w *warner) deliver(n notice) {
	defer func() { <-w.slots }()
	w.events.Emit(w.ctx, budgetWarning, n.fields())
	if w.hook == nil {
		return
	}
	if err := w.hook.send(&n); err != nil {
		metrics.undelivered.Inc()
		w.log.Error("a warning could not be delivered to the webhook", zap.String("budget", n.Budget), zap.Error(err))
	}
}

// notice is what a webhook gets, as JSON. Amounts are decimal numbers in the
// unit.
type notice struct {
	Event   string `json:"event"`
	Request string `json:"request_id"`
	At      string `json:"at"`
	Budget  string `json:"budget"`
	Scope   string `json:"scope"`
	Value   string `json:"value"`
	Percent int    `json:"percent"`
	Unit    string `json:"unit"`
	Settled string `json:"settled"`
	Amount  string `json:"amount"`
	Ends    string `json:"ends,omitempty"`
}

func (n *notice) fields() map[string]any {
	return map[string]any{
		"request_id": n.Request, "at": n.At, "budget": n.Budget, "scope": n.Scope, "value": n.Value, "percent": n.Percent,
		"unit": n.Unit, "settled": n.Settled, "amount": n.Amount, "ends": n.Ends,
	}
}

func amountOf(u ledger.Unit, m llm.Money) string {
	if u == ledger.Tokens {
		return strconv.FormatInt(int64(m), 10)
	}
	return m.Decimal()
}
