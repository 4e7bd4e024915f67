package gateway

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/go-json-experiment/json"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// budgetsView is the answer to GET /llm_gateway/budgets.
type budgetsView struct {
	// Budgets are those of the running config.
	Budgets []budgetView `json:"budgets"`
	// Balances are where scope values stand in windows that have not ended.
	Balances []balanceView `json:"balances"`
	// More is how many balances did not fit.
	More int `json:"more,omitzero"`
}

// budgetView is a configured budget. Amounts are decimal numbers of the unit.
type budgetView struct {
	Budget    string            `json:"budget"` // its label
	Unit      string            `json:"unit"`
	Window    string            `json:"window"`
	Rolling   bool              `json:"rolling,omitzero"`
	Scope     string            `json:"scope"`
	Name      string            `json:"name,omitzero"`
	Amount    string            `json:"amount"`
	Overrides map[string]string `json:"overrides,omitempty"`
	TimeZone  string            `json:"timezone,omitzero"`
}

// balanceView is where one scope value stands with one budget.
type balanceView struct {
	Budget  string `json:"budget"`
	Unit    string `json:"unit"`
	Window  string `json:"window"`
	Rolling bool   `json:"rolling,omitzero"`
	Scope   string `json:"scope"`
	Name    string `json:"name,omitzero"`
	Value   string `json:"value"`
	// Starts and Ends are of the window; absent where it never ends, or rolls.
	Starts time.Time `json:"starts,omitzero"`
	Ends   time.Time `json:"ends,omitzero"`
	// Amount is without what was granted. Both are decimal numbers of the unit,
	// like what follows; Amount and Remaining are absent when no config knows the
	// budget any more, and what only the server knows when it does not run.
	Amount    string `json:"amount,omitzero"`
	Granted   string `json:"granted,omitzero"`
	Settled   string `json:"settled"`
	Reserved  string `json:"reserved,omitzero"`
	Remaining string `json:"remaining,omitzero"`
	// Configured is false for budgets that the running config has not.
	Configured bool `json:"configured"`
}

// The bounds of a view.
const (
	defaultBalances = 1_000
	maxBalances     = 100_000
)

// budgetsHandler answers GET /llm_gateway/budgets.
func (*AdminAPI) budgetsHandler(w http.ResponseWriter, r *http.Request) error {
	if err := onlyGET(r); err != nil {
		return err
	}
	q := r.URL.Query()
	limit := defaultBalances
	for name, v := range q {
		if !slices.Contains([]string{"budget", "scope", "value", "limit"}, name) || len(v) > 1 {
			return badRequest(fmt.Errorf("unknown or repeated parameter %.50q; want budget, scope, value or limit", name))
		}
	}
	if s := q.Get("limit"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > maxBalances {
			return badRequest(fmt.Errorf("limit: want a number from 1 to %d", maxBalances))
		}
		limit = n
	}
	app, stores, err := enter(r)
	if err != nil {
		return err
	}
	defer stores.Leave()
	if stores.Ledger == nil {
		return errNoLedger
	}
	view := app.budgetsView(stores.Ledger, time.Now(), limit, keepBudgets(q))
	w.Header().Set("Content-Type", "application/json")
	return json.MarshalWrite(w, view, json.Deterministic(true))
}

// keepBudgets is the choice that the parameters budget, scope and value make.
func keepBudgets(q url.Values) func(*ledger.BalanceInfo) bool {
	return func(b *ledger.BalanceInfo) bool {
		return matches(q.Get("budget"), b.Budget) && matches(q.Get("scope"), b.Scope) && matches(q.Get("value"), b.Value)
	}
}

func matches(want, got string) bool { return want == "" || want == got }

func badRequest(err error) error {
	return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: err}
}

func (a *App) configuredBudgets() []limits.Budget {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.budgets)
}

func (a *App) budgetsView(l *ledger.Ledger, now time.Time, limit int, keep func(*ledger.BalanceInfo) bool) *budgetsView {
	v := &budgetsView{Budgets: []budgetView{}, Balances: []balanceView{}}
	budgets := a.configuredBudgets()
	for i := range budgets {
		b := &budgets[i]
		bv := budgetView{Budget: b.Label(), Unit: b.Unit.String(), Window: b.Window.String(), Rolling: b.Rolling, Scope: b.Scope, Name: b.Name, Amount: number(b.Unit, b.Amount)}
		if b.TimeZone != nil && b.TimeZone != time.UTC {
			bv.TimeZone = b.TimeZone.String()
		}
		for value, m := range b.Overrides {
			if bv.Overrides == nil {
				bv.Overrides = map[string]string{}
			}
			bv.Overrides[strings.ToValidUTF8(value, "\uFFFD")] = number(b.Unit, m)
		}
		v.Budgets = append(v.Budgets, bv)
	}
	l.Balances(now, func(i ledger.BalanceInfo) bool {
		if !keep(&i) {
			return true
		}
		if len(v.Balances) >= limit {
			v.More++
			return true
		}
		v.Balances = append(v.Balances, balanceOf(&i, budgets, now))
		return true
	})
	return v
}

func balanceOf(i *ledger.BalanceInfo, budgets []limits.Budget, now time.Time) balanceView {
	v := balanceView{Budget: i.Budget, Unit: i.Unit.String(), Window: i.Window.String(), Rolling: i.Rolling, Scope: i.Scope, Name: i.Name,
		Value: strings.ToValidUTF8(i.Value, "\uFFFD"), Ends: i.Ends,
		Granted: number(i.Unit, i.Granted), Settled: number(i.Unit, i.Settled), Reserved: number(i.Unit, i.Reserved)}
	amount := i.Amount
	at := slices.IndexFunc(budgets, func(b limits.Budget) bool {
		return b.Window == i.Window && b.Rolling == i.Rolling && b.Unit == i.Unit && b.Scope == i.Scope && b.Name == i.Name
	})
	if at >= 0 {
		b := &budgets[at]
		v.Configured = true
		v.Starts = windowStart(&b.Budget, now)
		if amount == 0 { // nobody has asked for it since the start
			amount = amountFor(b, i.Value)
		}
	}
	if amount > 0 {
		v.Amount = number(i.Unit, amount)
		v.Remaining = number(i.Unit, max(0, amount.Add(i.Granted).Add(-i.Settled).Add(-i.Reserved)))
	}
	return v
}

func amountFor(b *limits.Budget, value string) llm.Money {
	if m := b.Overrides[value]; m > 0 {
		return m
	}
	return b.Amount
}

// number writes an amount without its unit.
func number(u ledger.Unit, m llm.Money) string {
	if u == ledger.Tokens {
		return strconv.FormatInt(int64(m), 10)
	}
	return m.Decimal()
}

// windowStart is the first moment of the window that now is in; zero for one that
// never ends or rolls.
func windowStart(b *ledger.Budget, now time.Time) time.Time {
	if b.Rolling || b.Window == ledger.Total {
		return time.Time{}
	}
	zone := b.TimeZone
	if zone == nil {
		zone = time.UTC
	}
	end := b.End(now)
	local := now.In(zone)
	y, m, d := local.Date()
	var t time.Time
	switch b.Window {
	case ledger.Hour:
		return end.Add(-time.Hour)
	case ledger.Day:
		t = time.Date(y, m, d, 0, 0, 0, 0, zone)
	case ledger.Week:
		t = time.Date(y, m, d-(int(local.Weekday())+6)%7, 0, 0, 0, 0, zone)
	default:
		t = time.Date(y, m, 1, 0, 0, 0, 0, zone)
	}
	// Where clocks are set at midnight, midnight may not exist.
	for range 48 {
		if b.End(t).Equal(end) {
			break
		}
		t = t.Add(30 * time.Minute)
	}
	return t
}

// raiseRequest is the body of POST /llm_gateway/budgets/raise.
type raiseRequest struct {
	// Budget is the label of a budget, or name@scope/window where several have
	// the name.
	Budget string `json:"budget"`
	Value  string `json:"value"` // of the scope
	Amount string `json:"amount"`
	Unit   string `json:"unit"` // must be the budget's
	Reason string `json:"reason"`
	// By is who says that they do this; the record says that it is a claim.
	By string `json:"by"`
	// TakeBack takes the amount away from what was granted before.
	TakeBack bool `json:"take_back"`
}

// raiseAnswer is the answer to it.
type raiseAnswer struct {
	Balance balanceView `json:"balance"`
	// New is true when nothing had been charged to the scope value in this
	// window: perhaps it was mistyped.
	New bool `json:"new,omitzero"`
	// Record is the index of the record in Log; absent without an audit log.
	Log    string `json:"log,omitzero"`
	Record int64  `json:"record,omitzero"`
}

const (
	maxRaiseBody = 64 << 10
	maxReason    = 500
	raiseTimeout = time.Minute
)

// raise answers POST /llm_gateway/budgets/raise.
func (*AdminAPI) raise(w http.ResponseWriter, r *http.Request) error {
	var req raiseRequest
	if err := readChange(w, r, &req); err != nil {
		return err
	}
	app, stores, err := enter(r)
	if err != nil {
		return err
	}
	defer stores.Leave()
	if stores.Ledger == nil {
		return errNoLedger
	}
	// A caller who leaves in the middle must not leave a record of a change that
	// was not made.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), raiseTimeout)
	defer cancel()
	answer, err := app.raise(ctx, actorOf(r), stores.Ledger, stores.Logs, &req)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	return json.MarshalWrite(w, answer)
}

func (a *App) raise(ctx context.Context, actor string, l *ledger.Ledger, logs map[string]*audit.Log, req *raiseRequest) (*raiseAnswer, error) {
	b, err := findBudget(a.configuredBudgets(), req.Budget)
	if err != nil {
		return nil, caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
	}
	if err := req.check(); err != nil {
		return nil, badRequest(err)
	}
	if req.Unit != b.Unit.String() {
		return nil, badRequest(fmt.Errorf("the budget %s is in %s, not in %q", b.Label(), b.Unit, req.Unit))
	}
	amount, err := limits.ParseAmountOf(b.Unit, req.Amount)
	if err != nil {
		return nil, badRequest(fmt.Errorf("amount: %w", err))
	}
	value := req.Value
	if b.Scope == "model" {
		value = strings.ToLower(value) // as calls are counted
	}
	b.Amount = amountFor(&b, value)
	now := time.Now()
	word := "raised by"
	if req.TakeBack {
		amount, word = -amount, "lowered by"
	}
	before, known := a.balance(l, &b, value, now)
	of, subject := strconv.Quote(value), personOf(b.Scope, value, now)
	if subject != "" {
		of = "the " + b.Scope + " in the tag"
	}
	detail := fmt.Sprintf("budget %s of %s %s %s (%s granted before)", b.Label(), of, word, b.Unit.Format(max(amount, -amount)), orZero(before.Granted))
	if end := b.End(now); !end.IsZero() {
		detail += ", until " + end.UTC().Format(time.RFC3339)
	}
	if req.By != "" {
		detail += "; claims to be " + strconv.Quote(req.By)
	}
	detail += "; reason: " + strconv.Quote(req.Reason)
	answer := &raiseAnswer{New: !known}
	// The record is durable before the change takes effect.
	log := adminLog(logs)
	record := func(ctx context.Context, at time.Time, event string) (int64, error) {
		if subject == "" {
			return log.Admin(ctx, at, actor, event, detail)
		}
		return log.AdminAbout(ctx, at, actor, event, detail, subject, value)
	}
	if log != nil {
		if answer.Record, err = record(ctx, now, "budget.raise"); err != nil {
			return nil, caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: fmt.Errorf("the change cannot be recorded, so it was not made: %w", err)}
		}
		answer.Log = filepath.Base(log.Dir())
	}
	err = l.Grant(ctx, b.Budget, value, amount, now)
	a.log.Info("a budget was changed by an operator", zap.String("actor", actor), zap.String("detail", detail), zap.Error(err))
	if err != nil {
		if log != nil {
			if _, rerr := record(context.WithoutCancel(ctx), time.Now(), "budget.raise.failed"); rerr != nil {
				a.log.Error("the failure of a change cannot be recorded", zap.Error(rerr))
			}
		}
		return nil, caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: fmt.Errorf("the ledger did not take the change: %w", err)}
	}
	answer.Balance, _ = a.balance(l, &b, value, now)
	return answer, nil
}

// personOf is the subject of an audit log that a value of a scope names or describes,
// "" for what stands in records in clear.
func personOf(scope, value string, now time.Time) string {
	switch {
	case value == ledger.None || slices.Contains([]string{"global", "model", "provider", "key", "team", "org"}, scope):
		return ""
	case scope == "user":
		return audit.SubjectOf(&llm.Principal{User: value})
	}
	// An address, or what a placeholder makes of a request: whose, nobody knows.
	return audit.StrangersOf(now)
}

func orZero(s string) string {
	if s == "" {
		return "0"
	}
	return s
}

func (r *raiseRequest) check() error {
	switch {
	case r.Value == "":
		return errors.New("value: want a value of the budget's scope; callers without it are _none")
	case len(r.Value) > 128:
		return errors.New("value: more than 128 bytes; name it as budget show does (sha256:…)")
	case strings.TrimSpace(r.Reason) == "":
		return errors.New("reason: want a few words for the record")
	case len(r.Reason) > maxReason:
		return fmt.Errorf("reason: more than %d bytes", maxReason)
	case len(r.By) > 128:
		return errors.New("by: more than 128 bytes")
	}
	return nil
}

// balance is where a scope value stands; known is false if nothing was ever
// charged to it in this window.
func (a *App) balance(l *ledger.Ledger, b *limits.Budget, value string, now time.Time) (v balanceView, known bool) {
	l.Balances(now, func(i ledger.BalanceInfo) bool {
		if i.Value != value || i.Window != b.Window || i.Rolling != b.Rolling || i.Unit != b.Unit || i.Scope != b.Scope || i.Name != b.Name ||
			!b.Rolling && !i.Ends.Equal(b.End(now)) && !i.Ends.IsZero() {
			return true
		}
		v, known = balanceOf(&i, []limits.Budget{*b}, now), true
		return false
	})
	return v, known
}

// findBudget finds a budget by its label, by scope/window, or by both joined
// with @ where a name alone is ambiguous.
func findBudget(budgets []limits.Budget, label string) (limits.Budget, error) {
	var found []limits.Budget
	var names []string
	for _, b := range budgets {
		plain := b.Budget
		plain.Name = ""
		path := plain.Label()
		full := b.Name + "@" + path
		if label == full {
			return b, nil
		}
		if label == b.Label() || label == path {
			found = append(found, b)
		}
		if b.Name == "" {
			full = path
		}
		names = append(names, full)
	}
	slices.Sort(names)
	switch {
	case len(budgets) == 0:
		return limits.Budget{}, errors.New("the running config has no budget")
	case len(found) == 0:
		return limits.Budget{}, fmt.Errorf("the running config has no budget %.80q; it has %s", label, strings.Join(names, ", "))
	case len(found) > 1:
		return limits.Budget{}, fmt.Errorf("several budgets are called %q; want one of %s", label, strings.Join(names, ", "))
	}
	return found[0], nil
}

// adminLog is the log that changes are recorded in: "default", else the first by
// name, nil without any.
func adminLog(logs map[string]*audit.Log) *audit.Log {
	if l := logs["default"]; l != nil {
		return l
	}
	first := ""
	for name := range logs {
		if first == "" || name < first {
			first = name
		}
	}
	return logs[first]
}

// actorOf is who makes an admin request, as far as it is known: the certificate
// of a remote administrator, else where the connection came from.
func actorOf(r *http.Request) string {
	if r.TLS != nil && len(r.TLS.PeerCertificates) > 0 {
		return "certificate " + r.TLS.PeerCertificates[0].Subject.String()
	}
	if r.RemoteAddr == "" || r.RemoteAddr == "@" {
		return "local socket"
	}
	return "admin endpoint, from " + r.RemoteAddr
}

// claimedUser is who runs the command, as the system says.
func claimedUser() string {
	for _, name := range []string{"SUDO_USER", "USER", "LOGNAME", "USERNAME"} {
		if u := os.Getenv(name); u != "" {
			return u + "@" + hostname()
		}
	}
	if u, err := user.Current(); err == nil {
		return u.Username + "@" + hostname()
	}
	return hostname()
}
