package limits

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

var openai = llm.Deployment{Provider: "openai", Type: "openai", Model: "test-model"}

// house prices: 1 nano-dollar for a token in, 2 for one out.
var house = prices.Embedded().With([]prices.Override{
	{Pattern: "test-model", Price: prices.Price{Rates: prices.Rates{Input: prices.USD(1_000_000), Output: prices.USD(2_000_000)}}},
	{Pattern: "free/*", Free: true},
})

func testCatalogue() *prices.Catalogue { return house }

func byKey(x *llm.Exchange, a *llm.Attempt, scope string) string {
	switch scope {
	case "key":
		return x.Principal.Key
	case "model":
		return a.Deployment.Model
	}
	return ""
}

func dayBudget(amount llm.Money) Budget {
	return Budget{Budget: ledger.Budget{Amount: amount, Window: BudgetDay, Scope: "key"}}
}

type fixture struct {
	path string
	l    *ledger.Ledger
	g    *Guard
}

func guard(t testing.TB, o GuardOptions) *fixture {
	t.Helper()
	f := &fixture{path: filepath.Join(t.TempDir(), "ledger.db")}
	var err error
	if f.l, err = ledger.Open(f.path, ledger.Options{Now: func() time.Time { return noon }}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.l.Close() })
	o.ScopeValue = byKey
	f.g = NewGuard(f.l, testCatalogue, o)
	return f
}

// exchange is a chat call of alice with a prompt bound of 100 and 50 tokens out.
func (f *fixture) exchange() *llm.Exchange {
	u, _ := uuid.NewV7()
	x := &llm.Exchange{
		ID: u.String(), Start: noon, Dialect: llm.Chat, Principal: &llm.Principal{Key: "alice", Team: "growth"},
		View: &llm.View{Model: "test-model", MaxTokens: 50, Choices: 1, InputBound: 100},
	}
	return x
}

func (f *fixture) admit(x *llm.Exchange, d llm.Deployment) (*llm.Attempt, error) {
	f.g.Declare(x)
	x.Govern(f.g)
	return x.Admit(context.Background(), d, noon)
}

func (f *fixture) close(t testing.TB) (ledger.Totals, []ledger.Row) {
	t.Helper()
	if err := f.l.Close(); err != nil {
		t.Fatal(err)
	}
	totals, err := ledger.Inspect(f.path)
	if err != nil {
		t.Fatal(err)
	}
	var rows []ledger.Row
	if err := ledger.ReadRows(f.path, time.Time{}, func(r *ledger.Row) bool { rows = append(rows, *r); return true }); err != nil {
		t.Fatal(err)
	}
	return totals, rows
}

func denial(t testing.TB, err error, status int, code string) *llm.Denial {
	t.Helper()
	var d *llm.Denial
	if !errors.As(err, &d) || d.Status != status || d.Code != code {
		t.Fatalf("%v; want %d %s", err, status, code)
	}
	return d
}

func TestGuardReservesAndSettles(t *testing.T) {
	f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(1000)}})
	x := f.exchange()
	a, err := f.admit(x, openai)
	if err != nil {
		t.Fatal(err)
	}
	// 100 in at 1, 50 out at 2, and each of 5 and 3 buckets may round up.
	if a.Reserved != 100+4+100+2 || f.l.Reserved() != a.Reserved || a.PriceVersion != house.Version() {
		t.Fatalf("reserved %d at %s", a.Reserved, a.PriceVersion)
	}
	a.Result = llm.ResultAnswered
	a.Usage = llm.Usage{Input: 40, CacheRead: 10, Output: 20, Reported: true, Final: true, Model: "test-model-2026-01-31"}
	x.Settle(a, noon)
	if a.Cost != 90 || f.l.Reserved() != 0 {
		t.Errorf("cost %d, reserved %d", a.Cost, f.l.Reserved())
	}
	if s, r, left := f.l.Balance(dayBudget(1000).Budget, "alice", noon); s != 90 || r != 0 || left != 910 {
		t.Errorf("%d %d %d", s, r, left)
	}
	totals, rows := f.close(t)
	if totals.Settled != 90 || totals.Reserved != 0 || len(rows) != 1 {
		t.Fatalf("%+v", totals)
	}
	if r := rows[0]; r.Request != x.ID || r.Key != "alice" || r.Team != "growth" || r.Provider != "openai" || r.Model != "test-model" ||
		r.Served != "test-model-2026-01-31" || r.Usage.Input != 40 || r.Cost != 90 || r.PriceVersion != house.Version() || r.Kind != ledger.Settled {
		t.Errorf("%+v", r)
	}
}

func TestGuardRefusesWhatDoesNotFit(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	month := Budget{Budget: ledger.Budget{Amount: 250, Window: BudgetMonth, Scope: "key", Name: "house", TimeZone: berlin}}
	f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(1000), month}})
	if _, err := f.admit(f.exchange(), openai); err != nil {
		t.Fatal(err)
	}
	x := f.exchange()
	_, err = f.admit(x, openai)
	d := denial(t, err, 429, llm.CodeBudgetExceeded)
	if d.Rule != "house" || !d.NoRetry || d.Stage != llm.StageQuota {
		t.Errorf("%+v", d)
	}
	if want := time.Date(2026, 11, 30, 23, 0, 0, 0, time.UTC).Sub(noon); d.RetryAfter != want {
		t.Errorf("retry after %s, want %s", d.RetryAfter, want)
	}
	for _, word := range []string{"house", "$0.000000044", "$0.00000025", "$0.000000206", "key", "2026-12-01T00:00:00+01:00"} {
		if !strings.Contains(d.Message, word) {
			t.Errorf("%q is not in %q", word, d.Message)
		}
	}
	if strings.Contains(d.Message, "alice") {
		t.Errorf("the message names a caller: %q", d.Message)
	}
	if last := x.Decisions[len(x.Decisions)-1]; last.Action != "deny" || last.Rule != "house" || last.Code != llm.CodeBudgetExceeded {
		t.Errorf("%+v", last)
	}
	if s, r, _ := f.l.Balance(dayBudget(1000).Budget, "alice", noon); s != 0 || r != 206 {
		t.Errorf("the other budget was charged: %d %d", s, r)
	}
	// Another caller has its own.
	y := f.exchange()
	y.Principal = &llm.Principal{Key: "bob"}
	if _, err := f.admit(y, openai); err != nil {
		t.Error(err)
	}
	total := guard(t, GuardOptions{Budgets: []Budget{{Budget: ledger.Budget{Amount: 1, Window: BudgetTotal, Scope: "key"}}}})
	_, err = total.admit(total.exchange(), openai)
	if d := denial(t, err, 429, llm.CodeBudgetExceeded); d.RetryAfter != 0 || !d.NoRetry {
		t.Errorf("%+v", d)
	}
}

func TestGuardUnpriced(t *testing.T) {
	unknown := llm.Deployment{Provider: "local", Type: "openai", Model: "nobody-knows"}
	f := guard(t, GuardOptions{})
	_, err := f.admit(f.exchange(), unknown)
	if d := denial(t, err, 403, llm.CodeModelUnpriced); d.Param != "model" || !strings.Contains(d.Message, "nobody-knows") {
		t.Errorf("%+v", d)
	}
	usage := llm.Usage{Input: 1000, Output: 100, Reported: true, Final: true, Model: "gpt-4o"}
	for _, tc := range []struct {
		name   string
		policy UnpricedPolicy
		want   llm.Money
	}{
		{"meter", UnpricedPolicy{Mode: UnpricedMeter}, 0},
		// The rate stays, whatever the answer calls itself.
		{"rate", UnpricedPolicy{Mode: UnpricedRate, Rate: llm.USD}, 1_100_000},
	} {
		f := guard(t, GuardOptions{Unpriced: tc.policy, Budgets: []Budget{dayBudget(llm.USD)}})
		x := f.exchange()
		a, err := f.admit(x, unknown)
		if err != nil {
			t.Fatal(tc.name, err)
		}
		a.Result, a.Usage = llm.ResultAnswered, usage
		x.Settle(a, noon)
		if a.Cost != tc.want {
			t.Errorf("%s: %s", tc.name, a.Cost)
		}
		if totals, rows := f.close(t); len(rows) != 1 || rows[0].Usage.Input != 1000 || totals.Reserved != 0 {
			t.Errorf("%s: %+v", tc.name, rows)
		}
	}
}

func TestGuardUnbounded(t *testing.T) {
	unbounded := func(f *fixture) *llm.Exchange {
		x := f.exchange()
		x.View.Unbounded = []string{"previous_response_id", "image_url"}
		return x
	}
	f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(10_000)}})
	_, err := f.admit(unbounded(f), openai)
	if d := denial(t, err, 403, llm.CodeUnbounded); !strings.Contains(d.Message, "previous_response_id, image_url") {
		t.Errorf("%+v", d)
	}
	f = guard(t, GuardOptions{Budgets: []Budget{dayBudget(10_000)}, UnboundedCeiling: 500})
	a, err := f.admit(unbounded(f), openai)
	if err != nil || a.Reserved != 706 {
		t.Errorf("%v %+v", err, a)
	}
	// Nothing is held, so nothing has to be bounded.
	f = guard(t, GuardOptions{})
	if _, err := f.admit(unbounded(f), openai); err != nil {
		t.Error(err)
	}
	f = guard(t, GuardOptions{Budgets: []Budget{dayBudget(1)}})
	if _, err := f.admit(unbounded(f), llm.Deployment{Provider: "free", Model: "m"}); err != nil {
		t.Error(err)
	}
	// No limit on the output and none declared.
	x := f.exchange()
	x.View.MaxTokens = -1
	_, err = f.admit(x, openai)
	denial(t, err, 403, llm.CodeUnbounded)
	x = f.exchange()
	x.View = nil
	_, err = f.admit(x, openai)
	denial(t, err, 403, llm.CodeUnbounded)
}

func TestGuardBadInput(t *testing.T) {
	for name, change := range map[string]func(*llm.View){
		"huge max_tokens":   func(v *llm.View) { v.MaxTokens = math.MaxInt64 },
		"a billion choices": func(v *llm.View) { v.Choices = 1_000_000_000 },
		"both":              func(v *llm.View) { v.MaxTokens, v.Choices = math.MaxInt64, math.MaxInt64 },
		"huge prompt":       func(v *llm.View) { v.InputBound = math.MaxInt64 },
	} {
		f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(1000)}})
		x := f.exchange()
		change(x.View)
		_, err := f.admit(x, openai)
		if err == nil {
			t.Errorf("%s: admitted", name)
			continue
		}
		denial(t, err, 429, llm.CodeBudgetExceeded)
		// The largest budget there is does not overflow either.
		f = guard(t, GuardOptions{Budgets: []Budget{dayBudget(llm.MaxMoney)}})
		for range 3 {
			x = f.exchange()
			change(x.View)
			f.admit(x, openai)
		}
		if _, r, left := f.l.Balance(dayBudget(llm.MaxMoney).Budget, "alice", noon); r < 0 || left < 0 {
			t.Errorf("%s: reserved %d, left %d", name, r, left)
		}
	}
}

func TestDeclare(t *testing.T) {
	for _, tc := range []struct {
		name      string
		dialect   llm.Dialect
		stream    bool
		max       int64
		changed   int64
		budgets   bool
		wantUsage bool
		wantMax   int64
	}{
		{"chat", llm.Chat, false, -1, 0, true, false, 777},
		{"chat with a limit", llm.Chat, false, 5, 0, true, false, 0},
		{"chat with a limit of 0", llm.Chat, false, 0, 0, true, false, 0},
		{"a rule has set one", llm.Chat, false, -1, 9, true, false, 9},
		{"no budgets", llm.Chat, true, -1, 0, false, true, 0},
		{"completions stream", llm.Completions, true, -1, 0, true, true, 777},
		{"responses stream", llm.Responses, true, -1, 0, true, false, 777},
		{"gemini stream", llm.GenerateContent, true, -1, 0, true, false, 777},
		{"ollama", llm.OllamaChat, false, -1, 0, true, false, 777},
		{"gemini counting", llm.GeminiCount, false, -1, 0, true, false, 0},
		{"messages stream", llm.Messages, true, 5, 0, true, false, 0},
		{"embeddings", llm.Embeddings, false, -1, 0, true, false, 0},
		{"count_tokens", llm.CountTokens, false, -1, 0, true, false, 0},
	} {
		o := GuardOptions{DefaultMaxTokens: 777}
		if tc.budgets {
			o.Budgets = []Budget{dayBudget(1)}
		}
		x := &llm.Exchange{Dialect: tc.dialect, View: &llm.View{Stream: tc.stream, MaxTokens: tc.max}}
		x.Changes.MaxTokens = tc.changed
		g := NewGuard(nil, testCatalogue, o)
		g.Declare(x)
		if x.Changes.IncludeUsage != tc.wantUsage || x.ChangesFor(nil).MaxTokens != tc.wantMax {
			t.Errorf("%s: %+v", tc.name, x.Changes)
		}
		g.Declare(&llm.Exchange{Dialect: tc.dialect})
	}
}

func TestNotBilledIsNotHeld(t *testing.T) {
	f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(1)}})
	for _, d := range []llm.Dialect{llm.CountTokens, llm.Models, llm.AnthropicModels} {
		x := f.exchange()
		x.Dialect = d
		if _, err := f.admit(x, llm.Deployment{Model: "nobody-knows"}); err != nil {
			t.Errorf("%s: %v", d, err)
		}
		x.Finish(noon)
	}
	// Embeddings have no output.
	f = guard(t, GuardOptions{Budgets: []Budget{dayBudget(1000)}})
	x := f.exchange()
	x.Dialect, x.View.MaxTokens = llm.Embeddings, -1
	if a, err := f.admit(x, openai); err != nil || a.Reserved != 104 {
		t.Errorf("%v %+v", err, a)
	}
}

func TestHowACallIsCharged(t *testing.T) {
	full := llm.Usage{Input: 40, Output: 20, Reported: true, Final: true}
	for _, tc := range []struct {
		name      string
		result    llm.Result
		usage     llm.Usage
		want      llm.Money
		estimated bool
		rows      int
	}{
		{"answered", llm.ResultAnswered, full, 80, false, 1},
		{"unsent", llm.ResultUnsent, llm.Usage{}, 0, false, 0},
		{"refused", llm.ResultRefused, llm.Usage{}, 0, false, 1},
		{"answered without usage", llm.ResultAnswered, llm.Usage{}, 206, true, 1},
		{"cut with an estimate", llm.ResultCut, llm.Usage{Input: 30, Output: 10, Estimated: true}, 50, true, 1},
		{"cut after the first figures", llm.ResultCut, llm.Usage{Input: 40, Output: 1, Reported: true}, 42, false, 1},
		{"cut and nobody knows", llm.ResultCut, llm.Usage{}, 206, true, 1},
		{"pending: a panic", llm.ResultPending, llm.Usage{}, 206, true, 1},
		{"more than the bound: debt", llm.ResultAnswered, llm.Usage{Input: 40, Output: 2000, Reported: true, Final: true}, 4040, false, 1},
		{"negative usage", llm.ResultAnswered, llm.Usage{Input: -40, Output: -1, Reported: true, Final: true}, 0, false, 1},
		{"usage of zero is not missing", llm.ResultAnswered, llm.Usage{Reported: true, Final: true}, 0, false, 1},
	} {
		f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(1000)}})
		x := f.exchange()
		a, err := f.admit(x, openai)
		if err != nil {
			t.Fatal(err)
		}
		a.Result, a.Usage = tc.result, tc.usage
		x.Finish(noon)
		x.Settle(a, noon)
		if a.Cost != tc.want || a.Usage.Estimated != tc.estimated {
			t.Errorf("%s: cost %d, estimated %v", tc.name, a.Cost, a.Usage.Estimated)
		}
		totals, rows := f.close(t)
		if totals.Settled != tc.want || totals.Reserved != 0 || totals.Open != 0 || len(rows) != tc.rows {
			t.Errorf("%s: %+v", tc.name, totals)
		}
	}
}

// Two guards in the way of one request: both hold, one speaks.
func TestTwoGuards(t *testing.T) {
	f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(1000)}})
	inner := NewGuard(f.l, testCatalogue, GuardOptions{Budgets: []Budget{{Budget: ledger.Budget{Amount: 500, Window: BudgetTotal, Scope: "model"}}}, ScopeValue: byKey})
	x := f.exchange()
	x.Govern(f.g)
	x.Govern(inner)
	a, err := x.Admit(context.Background(), openai, noon)
	if err != nil {
		t.Fatal(err)
	}
	a.Result, a.Usage = llm.ResultAnswered, llm.Usage{Input: 40, Output: 20, Reported: true, Final: true}
	x.Finish(noon)
	totals, rows := f.close(t)
	if len(totals.Balances) != 2 || totals.Balances[0].Settled != 80 || totals.Balances[1].Settled != 80 || totals.Open != 0 {
		t.Errorf("%+v", totals)
	}
	main := 0
	for _, r := range rows {
		if r.Part == 0 {
			main++
		}
	}
	if main != 1 || a.Cost != 80 {
		t.Errorf("%+v", rows)
	}
}

// If another governor refuses, or the record cannot be written, all is given back.
func TestNothingHeldWhenOthersRefuse(t *testing.T) {
	f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(1000)}})
	for _, other := range []llm.Governor{refusing{}, failing{}, panicking{}} {
		x := f.exchange()
		x.Govern(f.g)
		x.Govern(other)
		func() {
			defer func() { recover() }()
			if _, err := x.Admit(context.Background(), openai, noon); err == nil {
				t.Errorf("%T: admitted", other)
			}
		}()
		x.Finish(noon)
	}
	// The client leaves while the disk is busy.
	x := f.exchange()
	x.Govern(f.g)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := x.Admit(ctx, openai, noon); err != nil {
		denial(t, err, 499, llm.CodeClientGone)
	}
	x.Finish(noon)
	if f.l.Reserved() != 0 || f.l.Open() != 0 {
		t.Errorf("%d reserved by %d", f.l.Reserved(), f.l.Open())
	}
	if totals, rows := f.close(t); totals.Open != 0 || len(rows) > 1 {
		t.Errorf("%+v", totals)
	}
	_, err := f.admit(f.exchange(), openai)
	denial(t, err, 503, llm.CodeStoreUnavailable)
}

type refusing struct{}

func (refusing) Reserve(*llm.Exchange, *llm.Attempt) (llm.Hold, error) {
	return nil, errors.New("no")
}

type panicking struct{}

func (panicking) Reserve(*llm.Exchange, *llm.Attempt) (llm.Hold, error) { panic("x") }

type failing struct{}

func (failing) Reserve(*llm.Exchange, *llm.Attempt) (llm.Hold, error) { return failing{}, nil }
func (failing) Durable(context.Context) error                         { return errors.New("no disk") }
func (failing) Settle(*llm.Exchange, *llm.Attempt)                    {}
