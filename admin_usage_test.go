package gateway

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func TestFindBudget(t *testing.T) {
	all := []limits.Budget{
		{Budget: ledger.Budget{Window: ledger.Day, Scope: "key"}},
		{Budget: ledger.Budget{Window: ledger.Day, Scope: "key", Unit: ledger.Tokens}},
		{Budget: ledger.Budget{Window: ledger.Day, Scope: "team", Rolling: true}},
		{Budget: ledger.Budget{Window: ledger.Month, Scope: "team", Name: "soft"}},
		{Budget: ledger.Budget{Window: ledger.Week, Scope: "team", Name: "soft"}},
		{Budget: ledger.Budget{Window: ledger.Month, Scope: "org", Name: "hard"}},
		{Budget: ledger.Budget{Window: ledger.Total, Scope: "{http.request.header.X-Case}"}},
	}
	for label, want := range map[string]int{
		"key/day": 0, "key/day/tokens": 1, "team/rolling-day": 2, "soft@team/month": 3, "team/month": 3, "soft@team/week": 4, "hard": 5, "org/month": 5,
		"{http.request.header.X-Case}/total": 6,
	} {
		if got, err := findBudget(all, label); err != nil || !got.Same(all[want]) {
			t.Errorf("%s: %+v %v", label, got, err)
		}
	}
	for label, want := range map[string]string{"soft": "several budgets", "key": "no budget", "": "no budget", "day/key": "no budget", "\x1b[2J": `\x1b[2J`} {
		if _, err := findBudget(all, label); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "soft@team/week") {
			t.Errorf("%q: %v", label, err)
		}
	}
	if _, err := findBudget(nil, "x"); err == nil {
		t.Error("there is none")
	}
}

func TestWindowStart(t *testing.T) {
	berlin, beirut := zone(t, "Europe/Berlin"), zone(t, "Asia/Beirut")
	for _, c := range []struct {
		b         ledger.Budget
		now, want string
	}{
		{ledger.Budget{Window: ledger.Hour}, "2026-11-23T20:15:00Z", "2026-11-23T20:00:00Z"},
		{ledger.Budget{Window: ledger.Day}, "2026-11-23T20:15:00Z", "2026-11-23T00:00:00Z"},
		{ledger.Budget{Window: ledger.Day, TimeZone: berlin}, "2026-10-25T22:00:00Z", "2026-10-24T22:00:00Z"},
		{ledger.Budget{Window: ledger.Week}, "2026-11-22T23:59:59Z", "2026-11-16T00:00:00Z"},
		{ledger.Budget{Window: ledger.Month, TimeZone: berlin}, "2026-10-31T22:59:59Z", "2026-09-30T22:00:00Z"},
		// Clocks were set forward at midnight: the day begins at one.
		{ledger.Budget{Window: ledger.Day, TimeZone: beirut}, "2026-03-29T10:00:00Z", "2026-03-28T22:00:00Z"},
		{ledger.Budget{Window: ledger.Total}, "2026-11-23T20:15:00Z", "0001-01-01T00:00:00Z"},
		{ledger.Budget{Window: ledger.Day, Rolling: true}, "2026-11-23T20:15:00Z", "0001-01-01T00:00:00Z"},
	} {
		now, _ := time.Parse(time.RFC3339, c.now)
		got := windowStart(&c.b, now)
		if got.UTC().Format(time.RFC3339) != c.want {
			t.Errorf("%s of %s: %s, want %s", c.b.Window, c.now, got.UTC().Format(time.RFC3339), c.want)
		}
		if !got.IsZero() && (got.After(now) || !c.b.End(got).Equal(c.b.End(now))) {
			t.Errorf("%s of %s: %s is in another window", c.b.Window, c.now, got)
		}
	}
}

func TestUsageOptions(t *testing.T) {
	now := time.Date(2026, 11, 23, 20, 0, 0, 0, time.UTC)
	for _, c := range []struct{ query, from, to string }{
		{"", "2026-10-24T20:00:00Z", "0001-01-01T00:00:00Z"},
		{"from=all", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"from=2026-11-01&to=2026-11-01", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"},
		{"from=2026-11-01&timezone=Europe/Berlin", "2026-10-31T23:00:00Z", "0001-01-01T00:00:00Z"},
		{"to=2026-01", "0001-01-01T00:00:00Z", "2026-02-01T00:00:00Z"},
	} {
		q, _ := url.ParseQuery(c.query)
		o, err := usageOptions(q, now)
		if err != nil || o.From.UTC().Format(time.RFC3339) != c.from || o.To.UTC().Format(time.RFC3339) != c.to {
			t.Errorf("%s: %v %v %v", c.query, o.From, o.To, err)
		}
	}
	for _, bad := range []string{"x=1", "from=x", "to=x", "from=7d&from=8d", "by=x", "where=x", "timezone=Local", "timezone=x", "groups=0", "groups=x", "groups=9999999", "from=2026-11-02&to=2026-11-01"} {
		q, _ := url.ParseQuery(bad)
		if _, err := usageOptions(q, now); err == nil {
			t.Errorf("%s was taken", bad)
		}
	}
}

// A report whose client has gone ends.
func TestReportStops(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	n := 0
	_, err := report(ctx, usage.Options{}, func(_ time.Time, f func(*ledger.Row) bool) error {
		for f(&ledger.Row{Kind: ledger.Settled}) {
			if n++; n == 5_000 {
				cancel()
			}
		}
		return nil
	})
	if err == nil || n > 8_000 {
		t.Errorf("%v after %d rows", err, n)
	}
}

// The files alone tell what was settled, in windows that have not ended.
func TestFileBudgets(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(filepath.Join(dir, "ledger.db"), ledger.Options{NoSync: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	budgets := []*ledger.Budget{
		{Amount: llm.USD, Window: ledger.Day, Scope: "key"}, {Amount: llm.USD, Window: ledger.Hour, Scope: "key"},
		{Amount: llm.USD, Window: ledger.Week, Scope: "key"}, {Amount: llm.USD, Window: ledger.Month, Scope: "key"},
		{Amount: llm.USD, Window: ledger.Total, Scope: "key", Name: "life"}, {Amount: llm.USD, Window: ledger.Day, Scope: "key", Rolling: true},
		{Amount: 1000, Window: ledger.Day, Scope: "key", Unit: ledger.Tokens},
	}
	spend := func(id string, at time.Time) {
		var charges []ledger.Charge
		for _, b := range budgets {
			charges = append(charges, ledger.Charge{Budget: b, Value: "web", Need: 100})
		}
		h, refused, err := l.Reserve(at, ledger.Call{ID: ledger.ID{Request: id}, Time: at, Key: "web"}, charges)
		if err != nil || refused != nil {
			t.Fatal(err, refused)
		}
		if err := h.Durable(t.Context()); err != nil {
			t.Fatal(err)
		}
		h.Settle(at, ledger.Row{Cost: 60, Tokens: 7, Result: llm.ResultAnswered})
	}
	spend("old", now.Add(-50*24*time.Hour))
	spend("one", now)
	spend("two", now)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	v, err := fileBudgets(dir, now, 100, func(*ledger.BalanceInfo) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"key/day": "0.00000012", "key/hour": "0.00000012", "key/week": "0.00000012", "key/month": "0.00000012",
		"life": "0.00000018", "key/rolling-day": "0.00000012", "key/day/tokens": "14"}
	for _, b := range v.Balances {
		if want[b.Budget] != b.Settled || b.Value != "web" || b.Reserved != "" || b.Remaining != "" {
			t.Errorf("%+v, want %s", b, want[b.Budget])
		}
		delete(want, b.Budget)
	}
	if len(want) > 0 {
		t.Errorf("not shown: %v", want)
	}
	v, err = fileBudgets(dir, now, 2, keepBudgets(url.Values{"scope": {"key"}}))
	if err != nil || len(v.Balances) != 2 || v.More != 5 {
		t.Errorf("%d balances and %d more: %v", len(v.Balances), v.More, err)
	}
	if v, err = fileBudgets(dir, now, 2, keepBudgets(url.Values{"value": {"other"}})); err != nil || len(v.Balances) != 0 {
		t.Errorf("%+v %v", v, err)
	}
}

// What cannot be recorded is not done, and what cannot be done is recorded as
// failed.
func TestRaiseIsRecordedFirst(t *testing.T) {
	dir := t.TempDir()
	b := limits.Budget{Budget: ledger.Budget{Amount: llm.USD, Window: ledger.Total, Scope: "model"}, Overrides: map[string]llm.Money{"gpt-4o": 3 * llm.USD}}
	a := &App{log: zap.NewNop(), budgets: []limits.Budget{b}}
	open := func() (*ledger.Ledger, *audit.Log) {
		l, err := ledger.Open(filepath.Join(dir, "ledger.db"), ledger.Options{})
		if err != nil {
			t.Fatal(err)
		}
		log, err := audit.Open(audit.Options{Dir: filepath.Join(dir, "log"), Node: "test"})
		if err != nil {
			t.Fatal(err)
		}
		return l, log
	}
	req := &raiseRequest{Budget: "model/total", Value: "GPT-4o", Amount: "2", Unit: "USD", Reason: "x", By: "ada"}
	granted := func(l *ledger.Ledger) (m llm.Money) {
		l.Balances(time.Now(), func(i ledger.BalanceInfo) bool { m += i.Granted; return true })
		return m
	}
	events := func() (out []string) {
		if err := audit.Scan(filepath.Join(dir, "log"), 0, func(_ int64, line []byte) bool {
			r, err := audit.Decode(line)
			if err != nil {
				t.Fatal(err)
			}
			if r.Stage == audit.StageAdmin {
				out = append(out, r.Event+" by "+r.Actor)
			}
			return true
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	l, log := open()
	answer, err := a.raise(t.Context(), "me", l, map[string]*audit.Log{"other": log}, req)
	if err != nil || answer.Balance.Amount != "3.00" || answer.Balance.Granted != "2.00" || answer.Balance.Value != "gpt-4o" || granted(l) != 2*llm.USD || fmt.Sprint(events()) != "[budget.raise by me]" {
		t.Fatalf("%+v %v, granted %s, records %v", answer, err, granted(l), events())
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.raise(t.Context(), "me", l, map[string]*audit.Log{"default": log}, req); err == nil || granted(l) != 2*llm.USD {
		t.Errorf("without a record: %v, granted %s", err, granted(l))
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	again, log := open()
	defer again.Close()
	if _, err := a.raise(t.Context(), "me", l, map[string]*audit.Log{"default": log}, req); err == nil {
		t.Error("a closed ledger took a grant")
	}
	if got := fmt.Sprint(events()); got != "[budget.raise by me budget.raise by me budget.raise.failed by me]" {
		t.Errorf("records %s", got)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// Names of strangers do not reach the terminal as they are.
func TestBudgetTableIsSafe(t *testing.T) {
	v := &budgetsView{Balances: []balanceView{{Budget: "ip/day", Value: "\x1b[2J\u202e", Window: "day", Settled: "0.00", Unit: "USD"}}, More: 3}
	var b strings.Builder
	if err := v.table(&b); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(b.String(), "\x1b\u202e") || !strings.Contains(b.String(), "and 3 more") || !strings.Contains(b.String(), "not configured") {
		t.Errorf("%q", b.String())
	}
	a := raiseAnswer{Balance: balanceView{Budget: "\x1b", Value: "\x07"}, New: true}
	b.Reset()
	a.tell(&b)
	if strings.ContainsAny(b.String(), "\x1b\x07") || !strings.Contains(b.String(), "spelled") || !strings.Contains(b.String(), "no llm_audit") {
		t.Errorf("%q", b.String())
	}
}

func TestActor(t *testing.T) {
	for addr, want := range map[string]string{"": "local socket", "@": "local socket", "127.0.0.1:5": "admin endpoint, from 127.0.0.1:5"} {
		if got := actorOf(&http.Request{RemoteAddr: addr}); got != want {
			t.Errorf("%q: %q", addr, got)
		}
	}
	if claimedUser() == "" {
		t.Error("nobody")
	}
	r := raiseRequest{Value: "x", Reason: "y"}
	if err := r.check(); err != nil {
		t.Error(err)
	}
	for i, bad := range []raiseRequest{{Reason: "y"}, {Value: "x"}, {Value: strings.Repeat("x", 2000), Reason: "y"}, {Value: "x", Reason: strings.Repeat("y", 600)}, {Value: "x", Reason: "y", By: fmt.Sprintf("%200d", 1)}} {
		if err := bad.check(); err == nil {
			t.Errorf("%d was taken", i)
		}
	}
}

// What an operator gives to a person is recorded without naming them in clear: an
// erasure reaches it.
func TestRaiseOfPerson(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Open(filepath.Join(dir, "ledger.db"), ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	log, err := openLog(filepath.Join(dir, "log"), audit.Options{Dir: filepath.Join(dir, "log"), Node: "test"})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	core, logged := observer.New(zap.DebugLevel)
	a := &App{log: zap.New(core)}
	for scope, value := range map[string]string{"user": "alice@example.com", "ip": "192.0.2.7", "{http.request.header.x-person}": "bob@example.com", "key": "web"} {
		b := limits.Budget{Budget: ledger.Budget{Amount: llm.USD, Window: ledger.Total, Scope: scope}}
		a.budgets = []limits.Budget{b}
		answer, err := a.raise(t.Context(), "me", l, map[string]*audit.Log{"default": log}, &raiseRequest{Budget: b.Label(), Value: value, Amount: "2", Unit: "USD", Reason: "x"})
		if err != nil {
			t.Fatal(scope, err)
		}
		line, err := audit.Line(log.Dir(), answer.Record)
		if err != nil {
			t.Fatal(err)
		}
		rec, err := audit.Decode(line)
		if err != nil {
			t.Fatal(err)
		}
		if scope == "key" {
			if !strings.Contains(rec.Detail, value) || rec.Subject != "" {
				t.Errorf("%s", line)
			}
			continue
		}
		if strings.Contains(string(line), value) || len(rec.Tags) != 1 {
			t.Errorf("%s: %s", scope, line)
			continue
		}
		if c := newRevealer(log.Dir(), nil).reveal(rec); c == nil || len(c.Tags) != 1 || c.Tags[0] != value {
			t.Errorf("%s: %+v", scope, c)
		}
		if scope == "user" {
			if _, err := log.Erase(t.Context(), time.Now(), "me", "user:"+value, ""); err != nil {
				t.Error(err)
			}
			if c := newRevealer(log.Dir(), nil).reveal(rec); c == nil || !c.Erased {
				t.Errorf("after the erasure: %+v", c)
			}
		}
	}
	for _, e := range logged.All() {
		if s := fmt.Sprint(e.Message, e.ContextMap()); strings.Contains(s, "@example.com") || strings.Contains(s, "192.0.2.7") {
			t.Errorf("logged: %s", s)
		}
	}
}
