package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, o Options) *Ledger {
	t.Helper()
	return openAt(t, filepath.Join(t.TempDir(), "ledger.db"), o)
}

func openAt(t testing.TB, path string, o Options) *Ledger {
	t.Helper()
	if o.Now == nil { // what tests write is of that day, whatever the day is
		o.Now = func() time.Time { return noon }
	}
	l, err := Open(path, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func id(n int) ID { return ID{Request: fmt.Sprint("r", n)} }

func charge(b *Budget, value string) Charge { return Charge{Budget: b, Value: value} }

// reserve asks each charge for the same amount.
func reserve(l *Ledger, now time.Time, c Call, need llm.Money, charges []Charge) (*Hold, *Refusal, error) {
	charges = slices.Clone(charges)
	for i := range charges {
		charges[i].Need = need
	}
	return l.Reserve(now, c, charges)
}

// take reserves and waits until it is durable.
func take(t testing.TB, l *Ledger, now time.Time, id ID, need llm.Money, charges ...Charge) (*Hold, *Refusal) {
	t.Helper()
	h, r, err := reserve(l, now, Call{ID: id, Time: now, Key: "k", Provider: "p", Model: "m"}, need, charges)
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

func inspect(t testing.TB, l *Ledger) Totals {
	t.Helper()
	path := l.path
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return inspectPath(t, path)
}

func inspectPath(t testing.TB, path string) Totals {
	t.Helper()
	totals, err := Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	return totals
}

func TestReserveAndSettle(t *testing.T) {
	l := open(t, Options{})
	key := &Budget{Amount: 100, Window: Day, Scope: "key"}
	team := &Budget{Amount: 150, Window: Month, Scope: "team"}
	a, _ := take(t, l, noon, id(1), 60, charge(key, "alice"), charge(team, "t"))
	b, _ := take(t, l, noon, id(2), 60, charge(key, "bob"), charge(team, "t"))
	// bob has 40 left, the team 30: the month's refusal is the longer one.
	_, r := take(t, l, noon, id(3), 41, charge(key, "bob"), charge(team, "t"))
	if r == nil || r.Budget != team || r.Remaining != 30 || !r.Ends.Equal(time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC)) {
		t.Fatalf("%+v", r)
	}
	if l.Reserved() != 120 || l.Open() != 2 {
		t.Errorf("reserved %d by %d", l.Reserved(), l.Open())
	}
	a.Settle(noon, Row{Cost: 10, Usage: llm.Usage{Input: 3, Output: 4}})
	a.Settle(noon, Row{Cost: 99})
	a.Cancel()
	b.Cancel()
	for _, tc := range []struct {
		b                         *Budget
		value                     string
		settled, reserved, remain llm.Money
	}{{key, "alice", 10, 0, 90}, {key, "bob", 0, 0, 100}, {team, "t", 10, 0, 140}, {team, "nobody", 0, 0, 150}} {
		s, r, left := l.Balance(*tc.b, tc.value, noon)
		if s != tc.settled || r != tc.reserved || left != tc.remain {
			t.Errorf("%s %s: %d %d %d", tc.b.Label(), tc.value, s, r, left)
		}
	}
	got := inspect(t, l)
	if got.Open != 0 || got.Reserved != 0 || got.Rows != 1 || got.Settled != 10 || len(got.Balances) != 2 {
		t.Errorf("%+v", got)
	}
	var rows []Row
	if err := ReadRows(l.path, time.Time{}, func(r *Row) bool { rows = append(rows, *r); return true }); err != nil {
		t.Fatal(err)
	}
	if r := rows[0]; r.Request != "r1" || r.Key != "k" || r.Usage.Input != 3 || r.Reserved != 60 || r.Kind != Settled || !r.Time.Equal(noon) {
		t.Errorf("%+v", r)
	}
}

func TestDebtIsCountedAndCloses(t *testing.T) {
	l := open(t, Options{})
	defer l.Close()
	b := &Budget{Amount: 100, Window: Day, Scope: "key"}
	h, _ := take(t, l, noon, id(1), 50, charge(b, "k"))
	h.Settle(noon, Row{Cost: 170})
	if l.Debt() != 120 {
		t.Errorf("debt %d", l.Debt())
	}
	if h, r := take(t, l, noon, id(2), 1, charge(b, "k")); h != nil || r.Remaining != 0 {
		t.Errorf("%+v", r)
	}
	// Raising the budget keeps what was spent.
	raised := &Budget{Amount: 200, Window: Day, Scope: "key"}
	if _, _, left := l.Balance(*raised, "k", noon); left != 30 {
		t.Errorf("remaining %d", left)
	}
	if h, _ := take(t, l, noon, id(3), 30, charge(raised, "k")); h == nil {
		t.Error("30 of 30 refused")
	}
}

func TestSameAttemptIsTakenOnce(t *testing.T) {
	l := open(t, Options{})
	b := &Budget{Amount: 100, Window: Day, Scope: "key"}
	h1, _ := take(t, l, noon, id(1), 60, charge(b, "k"))
	h2, _ := take(t, l, noon, id(1), 60, charge(b, "k"))
	if h1 != h2 || l.Reserved() != 60 {
		t.Fatalf("reserved %d", l.Reserved())
	}
	h2.Settle(noon, Row{Cost: 5})
	h1.Settle(noon, Row{Cost: 5})
	// A settled attempt cannot be had again.
	h3, _, err := reserve(l, noon, Call{ID: id(1), Time: noon}, 10, []Charge{charge(b, "k")})
	if err != nil {
		t.Fatal(err)
	}
	if err := h3.Durable(context.Background()); !errors.Is(err, ErrDuplicate) {
		t.Errorf("%v", err)
	}
	h3.Cancel()
	if got := inspect(t, l); got.Rows != 1 || got.Settled != 5 || got.Open != 0 || got.Balances[0].Settled != 5 {
		t.Errorf("%+v", got)
	}
}

func TestLongNamesAreCut(t *testing.T) {
	l := open(t, Options{})
	long := strings.Repeat("m", 1<<20)
	h, _, err := reserve(l, noon, Call{ID: id(1), Time: noon, Model: long}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	h.Settle(noon, Row{Served: long})
	if _, _, err := reserve(l, noon, Call{ID: ID{Request: long}}, 0, nil); err == nil {
		t.Error("a request id of a megabyte was taken")
	}
	l.Close()
	if err := ReadRows(l.path, time.Time{}, func(r *Row) bool {
		if len(r.Model) != maxText || len(r.Served) != maxText {
			t.Errorf("%d and %d bytes", len(r.Model), len(r.Served))
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
}

func TestBudgetTwiceInOneCall(t *testing.T) {
	l := open(t, Options{})
	b := &Budget{Amount: 100, Window: Day, Scope: "key"}
	h, _ := take(t, l, noon, id(1), 60, charge(b, "k"), charge(b, "k"))
	h.Settle(noon, Row{Cost: 60})
	if s, r, _ := l.Balance(*b, "k", noon); s != 60 || r != 0 {
		t.Errorf("settled %d, reserved %d", s, r)
	}
	if got := inspect(t, l); got.Balances[0].Settled != 60 {
		t.Errorf("%+v", got)
	}
}

func TestRestartKeepsBalances(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "ledger.db")
	b := &Budget{Amount: 100, Window: Total, Scope: "key"}
	for i := range 4 {
		l := openAt(t, path, Options{})
		h, _ := take(t, l, noon, id(i), 25, charge(b, "k"))
		if h == nil {
			t.Fatalf("round %d refused", i)
		}
		h.Settle(noon, Row{Cost: 25})
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l := openAt(t, path, Options{})
	defer l.Close()
	if h, _ := take(t, l, noon, id(9), 1, charge(b, "k")); h != nil {
		t.Error("admitted after everything was spent")
	}
	if fi, err := os.Stat(path); err != nil || fi.Mode().Perm() != 0o600 {
		t.Errorf("mode %v %v", fi.Mode(), err)
	}
}

func TestOpenReservationsAfterACrash(t *testing.T) {
	for _, onCrash := range []string{"", OnCrashCharge, OnCrashRelease} {
		t.Run("on_crash "+onCrash, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			b := &Budget{Amount: 100, Window: Total, Scope: "key"}
			l := openAt(t, path, Options{})
			take(t, l, noon, id(1), 40, charge(b, "k"))
			h, _ := take(t, l, noon, id(2), 20, charge(b, "k"))
			h.Settle(noon, Row{Cost: 7})
			l.Close() // without an end of r1: that is what a crash leaves
			if got := inspectPath(t, path); got.Open != 1 || got.Reserved != 40 || got.Settled != 7 {
				t.Fatalf("before: %+v", got)
			}
			want, kind := llm.Money(47), CrashCharged
			if onCrash == OnCrashRelease {
				want, kind = 7, Released
			}
			told := 0
			for range 3 { // the second and third start find nothing to do
				l = openAt(t, path, Options{OnCrash: onCrash, Logf: func(string, ...any) { told++ }})
				if s, r, _ := l.Balance(*b, "k", noon); s != want || r != 0 || l.Reserved() != 0 {
					t.Errorf("settled %d, reserved %d", s, r)
				}
				l.Close()
			}
			if told != 1 {
				t.Errorf("told %d times", told)
			}
			if got := inspectPath(t, path); got.Open != 0 || got.Rows != 2 || got.Settled != want {
				t.Errorf("after: %+v", got)
			}
			ReadRows(path, time.Time{}, func(r *Row) bool {
				if r.Request == "r1" && (r.Kind != kind || r.Reserved != 40 || r.Key != "k") {
					t.Errorf("%+v", r)
				}
				return true
			})
		})
	}
	if _, err := Open(filepath.Join(t.TempDir(), "l.db"), Options{OnCrash: "forget"}); err == nil {
		t.Error("on_crash forget was accepted")
	}
}

func TestSecondOpenIsRefused(t *testing.T) {
	l := open(t, Options{})
	defer l.Close()
	_, err := Open(l.path, Options{hooks: hooks{lockTimeout: 20 * time.Millisecond}})
	if !errors.Is(err, ErrInUse) {
		t.Errorf("%v", err)
	}
}

func TestNotALedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	if err := os.WriteFile(path, []byte("this is no database, and it is long enough to look like one, more or less"), 0o600); err != nil {
		t.Fatal(err)
	}
	if l, err := Open(path, Options{}); err == nil {
		l.Close()
		t.Error("opened")
	}
}

func TestNeverMoreThanTheBudgetUnderConcurrency(t *testing.T) {
	for _, tc := range []struct {
		name   string
		spent  llm.Money // before
		amount llm.Money
		scopes int // values among which the calls are spread; 1 = shared
	}{{"almost spent", 985, 1000, 1}, {"brand-new", 0, 1000, 50}, {"shared", 0, 1000, 1}} {
		t.Run(tc.name, func(t *testing.T) {
			l := open(t, Options{})
			key := &Budget{Amount: tc.amount, Window: Day, Scope: "key"}
			all := &Budget{Amount: 40 * tc.amount, Window: Month, Scope: "global"}
			if tc.spent > 0 {
				h, _ := take(t, l, noon, ID{Request: "before"}, tc.spent, charge(key, "k0"))
				h.Settle(noon, Row{Cost: tc.spent})
			}
			admitted := make([]atomic.Int64, tc.scopes)
			var total atomic.Int64
			start := make(chan struct{})
			var wg sync.WaitGroup
			for i := range 1000 {
				wg.Go(func() {
					<-start
					need := llm.Money(1 + i%13)
					v := i % tc.scopes
					h, r, err := reserve(l, noon, Call{ID: id(i), Time: noon}, need, []Charge{charge(key, fmt.Sprint("k", v)), charge(all, "g")})
					if err != nil {
						t.Error(err)
					}
					if r != nil {
						return
					}
					admitted[v].Add(int64(need))
					total.Add(int64(need))
					if err := h.Durable(context.Background()); err != nil {
						t.Error(err)
					}
				})
			}
			close(start)
			wg.Wait()
			for v := range admitted {
				if sum := llm.Money(admitted[v].Load()); sum > tc.amount-tc.spent {
					t.Errorf("k%d: %d admitted, %d was left", v, sum, tc.amount-tc.spent)
				}
			}
			if total.Load() == 0 || total.Load() > int64(all.Amount) || l.Reserved() != llm.Money(total.Load()) {
				t.Errorf("%d admitted in all, %d reserved", total.Load(), l.Reserved())
			}
			if got := inspect(t, l); got.Reserved != llm.Money(total.Load()) {
				t.Errorf("%d on disk", got.Reserved)
			}
		})
	}
}

// Ten thousand calls end in every way there is; nothing stays reserved, and
// balances, rows and what was charged agree to the nano-dollar.
func TestNothingStaysReserved(t *testing.T) {
	l := open(t, Options{})
	key := &Budget{Amount: llm.USD, Window: Total, Scope: "key"}
	team := &Budget{Amount: llm.USD, Window: Total, Scope: "team"}
	var charged, rows atomic.Int64
	var wg sync.WaitGroup
	for g := range 50 {
		wg.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(g)))
			for i := range 200 {
				need := llm.Money(rng.IntN(1000))
				u, _ := uuid.NewV7()
				h, r, err := reserve(l, noon, Call{ID: ID{Request: u.String()}, Time: noon}, need, []Charge{charge(key, fmt.Sprint(g%5)), charge(team, "")})
				if err != nil || r != nil {
					t.Errorf("%d: %v %v", i, r, err)
					return
				}
				cost := llm.Money(rng.IntN(1100))
				end := func() {
					h.Settle(noon, Row{Cost: cost})
					rows.Add(1)
					if need > 0 {
						charged.Add(int64(cost))
					}
				}
				ctx, cancel := context.WithCancel(context.Background())
				switch rng.IntN(5) {
				case 0: // never left
					h.Cancel()
				case 1: // the client left while waiting for the disk
					cancel()
					h.Durable(ctx)
					h.Cancel()
				case 2: // settled before it was durable
					end()
				case 3: // a panic on the way
					func() {
						defer func() { recover() }()
						defer end()
						panic("x")
					}()
				default:
					h.Durable(ctx)
					end()
				}
				cancel()
			}
		})
	}
	wg.Wait()
	if l.Reserved() != 0 || l.Open() != 0 {
		t.Errorf("%d reserved by %d", l.Reserved(), l.Open())
	}
	got := inspect(t, l)
	if got.Open != 0 || got.Reserved != 0 || int64(got.Rows) != rows.Load() {
		t.Errorf("%d open with %d; %d rows of %d", got.Open, got.Reserved, got.Rows, rows.Load())
	}
	sums := map[string]llm.Money{}
	for _, b := range got.Balances {
		sums[b.Scope] += b.Settled
	}
	if sums["key"] != llm.Money(charged.Load()) || sums["team"] != llm.Money(charged.Load()) {
		t.Errorf("balances %v, charged %d", sums, charged.Load())
	}
}

func TestHostileScopeValues(t *testing.T) {
	l := open(t, Options{NoSync: true, hooks: hooks{maxBalances: 500}})
	b := &Budget{Amount: 100, Window: Day, Scope: "{x}"}
	admitted := 0
	for i := range 3000 {
		h, _, err := reserve(l, noon, Call{ID: id(i), Time: noon}, 10, []Charge{charge(b, fmt.Sprintf("v%d%0*d", i, i%3*200, 0))})
		if err != nil {
			t.Fatal(err)
		}
		if h != nil {
			admitted++
			h.Settle(noon, Row{Cost: 10})
		}
	}
	if len(l.balances) > 501 || admitted > 510 {
		t.Errorf("%d balances, %d admitted", len(l.balances), admitted)
	}
	for k := range l.balances {
		if len(k.value) > maxValue {
			t.Errorf("a value of %d bytes", len(k.value))
		}
	}
	// Days later they are forgotten.
	if h, _ := take(t, l, noon.AddDate(0, 0, 4), ID{Request: "later"}, 10, charge(b, "fresh")); h == nil {
		t.Error("no room after four days")
	}
	if len(l.balances) > 10 {
		t.Errorf("%d balances", len(l.balances))
	}
	l.Close()
}

func TestRatios(t *testing.T) {
	l := open(t, Options{Now: func() time.Time { return noon }})
	defer l.Close()
	key := &Budget{Amount: 1000, Window: Day, Scope: "key"}
	named := &Budget{Amount: 8 * llm.USD, Window: Total, Scope: "global", Name: "house"}
	take(t, l, noon, id(1), 250, charge(key, "a"), charge(named, ""))
	take(t, l, noon, id(2), 900, charge(key, "b"))
	take(t, l, noon.AddDate(0, 0, -1), id(3), 1000, charge(key, "a")) // yesterday does not count
	got := map[string]int64{}
	l.Ratios(func(b string, r int64) { got[b] = r })
	if len(got) != 2 || got["key/day"] != 100 || got["house"] != 999 {
		t.Errorf("%v", got)
	}
}

func TestPrune(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, Options{})
	day := &Budget{Amount: 1000, Window: Day, Scope: "key"}
	hour := &Budget{Amount: 1000, Window: Hour, Scope: "key"}
	total := &Budget{Amount: 1000, Window: Total, Scope: "key"}
	for i := range 100 {
		h, _ := take(t, l, noon.AddDate(0, 0, -i), id(i), 1, charge(day, "k"), charge(hour, "k"), charge(total, "k"))
		h.Settle(noon, Row{Cost: 1})
	}
	l.Close()
	l = openAt(t, path, Options{Now: func() time.Time { return noon }})
	if s, _, _ := l.Balance(*total, "k", noon); s != 100 {
		t.Errorf("total %d", s)
	}
	got := inspect(t, l)
	if n := len(got.Balances); n < 2*61+1 || n > 2*63+1 {
		t.Errorf("%d balances left", n)
	}
	if got.Rows != 100 {
		t.Errorf("%d rows", got.Rows)
	}
}
