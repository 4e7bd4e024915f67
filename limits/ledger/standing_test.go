package ledger

import (
	"context"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A rolling budget looks back from every moment: what was spent counts for the
// length of the window and not much longer, also over a restart.
func TestRollingBudget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	b := &Budget{Amount: 100, Window: Day, Rolling: true, Scope: "key"}
	l := openAt(t, path, Options{Now: func() time.Time { return noon }})
	h, _ := take(t, l, noon, id(1), 60, charge(b, "k"))
	h.Settle(noon, Row{Cost: 60})
	h, _ = take(t, l, noon.Add(6*time.Hour), id(2), 40, charge(b, "k"))
	h.Settle(noon.Add(6*time.Hour), Row{Cost: 40})
	check := func(l *Ledger, at time.Duration, need llm.Money, fits bool, ends time.Duration) {
		t.Helper()
		h, r := take(t, l, noon.Add(at), ID{Request: at.String()}, need, charge(b, "k"))
		if (h != nil) != fits {
			t.Fatalf("after %s: %d fits: %v", at, need, h != nil)
		}
		if h != nil {
			h.Cancel()
			return
		}
		slot := time.Duration(Day.slotWidth()) * time.Second
		if d := r.Ends.Sub(noon.Add(ends)); d < 0 || d > 2*slot {
			t.Errorf("after %s: it ends at %s, want soon after %s", at, r.Ends, noon.Add(ends))
		}
	}
	check(l, 12*time.Hour, 1, false, 24*time.Hour)
	check(l, 24*time.Hour, 60, false, 24*time.Hour) // exactly a day: still counted
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openAt(t, path, Options{Now: func() time.Time { return noon.Add(13 * time.Hour) }})
	defer l.Close()
	check(l, 13*time.Hour, 1, false, 24*time.Hour)
	check(l, 25*time.Hour, 60, true, 0)
	check(l, 25*time.Hour, 61, false, 30*time.Hour)
	check(l, 31*time.Hour, 100, true, 0)
}

// Budgets of tokens and of money stand side by side in one reservation.
func TestTokenBudget(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	usd := &Budget{Amount: 1000, Window: Day, Scope: "key"}
	tok := &Budget{Amount: 50, Unit: Tokens, Window: Day, Scope: "key"}
	l := openAt(t, path, Options{Now: func() time.Time { return noon }})
	ask := func(n int, money, tokens llm.Money) (*Hold, *Refusal) {
		t.Helper()
		h, r, err := l.Reserve(noon, Call{ID: id(n), Time: noon}, []Charge{{Budget: usd, Value: "k", Need: money}, {Budget: tok, Value: "k", Need: tokens}})
		if err != nil {
			t.Fatal(err)
		}
		if h != nil {
			if err := h.Durable(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		return h, r
	}
	h, _ := ask(1, 100, 40)
	if _, r := ask(2, 100, 11); r == nil || r.Budget != tok || r.Remaining != 10 {
		t.Fatalf("refused by %+v", r)
	}
	h.Settle(noon, Row{Cost: 80, Tokens: 30})
	if h, _ = ask(3, 100, 20); h == nil {
		t.Fatal("20 of 50 tokens are left")
	}
	if h.Reserved() != 100 || l.Reserved() != 100 {
		t.Errorf("reserved %d, %d", h.Reserved(), l.Reserved())
	}
	if err := l.Close(); err != nil { // as after a crash: the second is charged in full
		t.Fatal(err)
	}
	l = openAt(t, path, Options{Now: func() time.Time { return noon }})
	defer l.Close()
	if s, _, left := l.Balance(*tok, "k", noon); s != 50 || left != 0 {
		t.Errorf("tokens: settled %d, left %d", s, left)
	}
	if s, _, _ := l.Balance(*usd, "k", noon); s != 180 {
		t.Errorf("money: settled %d", s)
	}
}

// Thresholds are reported when what is settled reaches them, each once a window,
// and not again after a restart or a raise.
func TestWarnings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	b := &Budget{Amount: 100, Window: Day, Scope: "key", Warn: []int{50, 80, 100}}
	l := openAt(t, path, Options{Now: func() time.Time { return noon }})
	n := 0
	spend := func(at time.Time, c llm.Money, want ...int) {
		t.Helper()
		n++
		h, r := take(t, l, at, id(n), 1, charge(b, "k"))
		if r != nil {
			t.Fatal(r)
		}
		var got []int
		for _, w := range h.Settle(at, Row{Cost: c}) {
			got = append(got, w.Percent)
		}
		if len(got) != len(want) || len(got) > 0 && (got[0] != want[0] || got[len(got)-1] != want[len(want)-1]) {
			t.Fatalf("spending %d warns of %v, want %v", c, got, want)
		}
	}
	spend(noon, 49)
	spend(noon, 1, 50)
	spend(noon, 10)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openAt(t, path, Options{Now: func() time.Time { return noon }})
	defer func() { l.Close() }()
	spend(noon, 1)
	spend(noon, 38, 80)
	b.Amount = 200
	spend(noon, 11)
	spend(noon, 90, 100)
	spend(noon.AddDate(0, 0, 1), 200, 50, 80, 100)
	spend(noon.AddDate(0, 0, 2), 1)
}

// A grant raises one scope value's budget for the window, durably.
func TestGrant(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	day := &Budget{Amount: 100, Window: Day, Scope: "key"}
	roll := &Budget{Amount: 100, Window: Hour, Rolling: true, Scope: "key"}
	l := openAt(t, path, Options{Now: func() time.Time { return noon }})
	ctx := context.Background()
	for _, b := range []*Budget{day, roll} {
		if err := l.Grant(ctx, *b, "k", 50, noon); err != nil {
			t.Fatal(err)
		}
		if err := l.Grant(ctx, *b, "k", -20, noon); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Grant(ctx, Budget{Window: Total, Rolling: true, Scope: "key"}, "k", 1, noon); !errors.Is(err, ErrGrant) {
		t.Errorf("a rolling total: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openAt(t, path, Options{Now: func() time.Time { return noon }})
	defer l.Close()
	for _, b := range []*Budget{day, roll} {
		if h, r := take(t, l, noon, ID{Request: "other"}, 101, charge(b, "other")); h != nil || r.Amount != 100 {
			t.Errorf("%s: another's budget was raised", b.Label())
		}
		if h, r := take(t, l, noon, ID{Request: "much"}, 131, charge(b, "k")); h != nil || r.Remaining != 130 || r.Amount != 130 {
			t.Errorf("%s: refused with %+v", b.Label(), r)
		}
		h, _ := take(t, l, noon, ID{Request: b.Label()}, 130, charge(b, "k"))
		if h == nil {
			t.Fatalf("%s was not raised", b.Label())
		}
		h.Cancel()
		if h, _ := take(t, l, noon.AddDate(0, 0, 1), ID{Request: "next"}, 101, charge(b, "k")); h != nil {
			t.Errorf("%s is raised in the next window too", b.Label())
		}
	}
	seen := 0
	l.Balances(noon, func(i BalanceInfo) bool {
		if i.Value == "k" && i.Budget == "key/day" && i.Ends.Equal(day.End(noon)) {
			seen++
			if i.Granted != 30 || i.Amount != 100 || i.Remaining != 130 {
				t.Errorf("%+v", i)
			}
		}
		return true
	})
	if seen != 1 {
		t.Errorf("%d balances", seen)
	}
}

// An override replaces the amount for one scope value.
func TestAmountOfOneValue(t *testing.T) {
	l := openAt(t, filepath.Join(t.TempDir(), "ledger.db"), Options{})
	defer l.Close()
	b := &Budget{Amount: 100, Window: Total, Scope: "team"}
	if h, _ := take(t, l, noon, id(1), 500, Charge{Budget: b, Value: "research", Amount: 600}); h == nil {
		t.Error("500 of 600 is refused")
	}
	if h, _ := take(t, l, noon, id(2), 101, charge(b, "growth")); h != nil {
		t.Error("101 of 100 is admitted")
	}
}
