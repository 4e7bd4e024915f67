package ledger

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Balance returns where a scope value stands with a budget in the window of
// now, in the budget's unit. Remaining is at least 0.
func (l *Ledger) Balance(b Budget, value string, now time.Time) (settled, reserved, remaining llm.Money) {
	l.mu.Lock()
	defer l.mu.Unlock()
	bal := l.balances[b.key(now, value)]
	if bal == nil {
		return 0, 0, max(0, b.Amount)
	}
	bal.expire(now.Unix())
	return bal.settled, bal.reserved, max(0, bal.left(b.Amount))
}

// Ratios calls f for each budget that was asked since Open, with what remains
// of it in its current window in thousandths: the lowest of all its scope
// values.
func (l *Ledger) Ratios(f func(budget string, ratio int64)) {
	now := l.o.Now().Unix()
	lowest := map[string]int64{}
	l.mu.Lock()
	for _, b := range l.balances {
		if b.amount <= 0 || (b.end != 0 && b.end <= now) {
			continue
		}
		b.expire(now)
		left := max(0, b.left(b.amount))
		ratio := int64(left / max(1, b.amount/1000))
		ratio = min(1000, ratio)
		if old, ok := lowest[b.label]; !ok || ratio < old {
			lowest[b.label] = ratio
		}
	}
	l.mu.Unlock()
	for label, ratio := range lowest {
		f(label, ratio)
	}
}

// BalanceInfo is where one scope value stands with one budget.
type BalanceInfo struct {
	Budget      string // its label
	Unit        Unit
	Window      Window
	Rolling     bool
	Scope, Name string
	Value       string
	// Ends is when the window ends; zero for Total and for a rolling one.
	Ends time.Time
	// Amount is what the budget had at the latest request, without Granted; 0
	// if there was none since Open, since amounts are not stored.
	Amount            llm.Money
	Granted           llm.Money
	Settled, Reserved llm.Money
	Remaining         llm.Money // at least 0; 0 where Amount is not known
}

// Balances calls f for every balance of a window that has not ended, by label
// and value, until f returns false.
func (l *Ledger) Balances(now time.Time, f func(BalanceInfo) bool) {
	var list []BalanceInfo
	at := now.Unix()
	l.mu.Lock()
	for _, b := range l.balances {
		b.expire(at)
		if b.end != 0 && b.end <= at || b.settled == 0 && b.reserved == 0 && b.granted == 0 && b.amount == 0 {
			continue
		}
		i := BalanceInfo{
			Budget: b.label, Unit: b.key.unit, Window: b.key.window, Rolling: b.key.rolling, Scope: b.key.scope, Name: b.key.name, Value: b.key.value,
			Ends: unixOrZero(b.end), Amount: b.amount, Granted: b.granted, Settled: b.settled, Reserved: b.reserved,
		}
		if b.amount > 0 {
			i.Remaining = max(0, b.left(b.amount))
		}
		list = append(list, i)
	}
	l.mu.Unlock()
	slices.SortFunc(list, func(a, b BalanceInfo) int {
		return cmp.Or(cmp.Compare(a.Budget, b.Budget), cmp.Compare(a.Value, b.Value), cmp.Compare(a.Ends.Unix(), b.Ends.Unix()))
	})
	for _, i := range list {
		if !f(i) {
			return
		}
	}
}

// ErrGrant is wrapped when a grant makes no sense.
var ErrGrant = errors.New("not a grant")

// Grant adds an amount, in the budget's unit, to what a scope value has in the
// current window of a budget; of a rolling budget for the length of one window
// from now on, of a Total for good. A negative amount takes back what was
// granted before, never more. It returns once that is on disk; then it counts.
func (l *Ledger) Grant(ctx context.Context, b Budget, value string, amount llm.Money, now time.Time) error {
	if b.Window < Hour || b.Window > Total || b.Rolling && b.Window == Total || b.Scope == "" {
		return fmt.Errorf("%w: no such budget", ErrGrant)
	}
	if amount == 0 {
		return fmt.Errorf("%w: the amount is 0", ErrGrant)
	}
	l.mu.Lock()
	switch {
	case l.closed:
		l.mu.Unlock()
		return ErrClosed
	case l.broken != nil:
		l.mu.Unlock()
		return l.broken
	}
	bal := l.find(now, &Charge{Budget: &b, Value: value, Amount: b.Amount})
	sum := max(0, bal.granted.Add(amount))
	end := bal.end
	if b.Rolling {
		end = now.Unix() + b.Window.seconds()
	}
	bt, i := l.enqueue(op{grant: &grant{key: bal.key, amount: sum, end: end}})
	wake(l.urgent)
	l.mu.Unlock()
	// Less counts at once, more only once it is on disk: neither lets anything
	// pass that a crash would forbid.
	set := func() {
		l.mu.Lock()
		bal.granted, bal.grantEnd = sum, end
		l.mu.Unlock()
	}
	if amount < 0 {
		set()
	}
	if err := bt.wait(ctx, i); err != nil {
		return err
	}
	set()
	return nil
}

// grant is what an operator added to a balance.
type grant struct {
	key    balanceKey
	amount llm.Money
	end    int64 // Unix second until which it counts, 0 for ever
}

func encodeGrant(g *grant) []byte {
	e := encoder{b: append(make([]byte, 0, 24), codecVersion)}
	e.int(int64(g.amount))
	e.int(g.end)
	return e.b
}

func decodeGrant(v []byte) (amount llm.Money, end int64, err error) {
	d := decoder{b: v}
	d.version()
	amount = llm.Money(d.int())
	end = d.int()
	return amount, end, d.end()
}
