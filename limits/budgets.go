package limits

import (
	"fmt"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Budget is one configured budget: see ledger.Budget, and how calls are held to
// it.
type Budget struct {
	ledger.Budget
	// Overrides are amounts for single scope values, in the budget's unit.
	Overrides map[string]llm.Money
	// Estimate reserves what calls of the model usually cost (95 of 100 cost no
	// more) instead of their upper bound. The budget can then be exceeded, by
	// what is in flight beyond the estimates.
	Estimate bool
}

// Same reports whether two budgets share their balances.
func (b Budget) Same(o Budget) bool {
	return b.Window == o.Window && b.Rolling == o.Rolling && b.Unit == o.Unit && b.Scope == o.Scope && b.Name == o.Name
}

// Clash says why two budgets cannot stand in one list: they are the same one, or have
// one name. Nil if they can.
func (b Budget) Clash(o Budget) error {
	switch {
	case b.Name != "" && b.Name == o.Name:
		return fmt.Errorf("two budgets have the name %q", b.Name)
	case b.Same(o):
		return fmt.Errorf("a budget %s is given twice; give one of them a name", b.Label())
	}
	return nil
}

// BudgetWindow is the window of a budget; see ledger.Window.
type BudgetWindow = ledger.Window

// The windows of budgets.
const (
	BudgetHour  = ledger.Hour
	BudgetDay   = ledger.Day
	BudgetWeek  = ledger.Week
	BudgetMonth = ledger.Month
	BudgetTotal = ledger.Total
)

// BudgetUnit is what a budget counts; see ledger.Unit.
type BudgetUnit = ledger.Unit

// The units of budgets.
const (
	BudgetUSD    = ledger.USD
	BudgetTokens = ledger.Tokens
)

// ParseBudgetWindow reads hour, day, week, month or total.
func ParseBudgetWindow(s string) (BudgetWindow, error) { return ledger.ParseWindow(s) }

// ParseBudgetUnit reads "USD" or "tokens".
func ParseBudgetUnit(s string) (BudgetUnit, error) {
	switch s {
	case "USD":
		return BudgetUSD, nil
	case "tokens":
		return BudgetTokens, nil
	}
	return 0, fmt.Errorf("%w: %q (want USD or tokens)", ErrLimit, s)
}

// ParseAmountOf reads an amount in a unit: "20" or "0.50" USD, "200k" or "2M"
// tokens; more than 0.
func ParseAmountOf(unit BudgetUnit, s string) (llm.Money, error) {
	if unit == BudgetTokens {
		n, err := ParseAmount(s)
		return llm.Money(n), err
	}
	m, err := llm.ParseMoney(s)
	if err == nil && m <= 0 {
		err = fmt.Errorf("%w: a budget of %q lets nothing pass (want more than 0)", ErrLimit, s)
	}
	return m, err
}

// ParseBudgetAmount reads the two words in which a configuration writes a
// budget: an amount such as "20", "1.5k" or (of tokens) "2M", more than 0, and
// "USD/<window>" or "tokens/<window>".
func ParseBudgetAmount(amount, per string) (llm.Money, BudgetUnit, BudgetWindow, error) {
	name, window, ok := strings.Cut(per, "/")
	if !ok {
		return 0, 0, 0, fmt.Errorf("%w: %q (want USD/<hour|day|week|month|total> or tokens/…)", ErrLimit, per)
	}
	unit, err := ParseBudgetUnit(name)
	if err != nil {
		return 0, 0, 0, err
	}
	m, err := ParseAmountOf(unit, amount)
	if err != nil {
		return 0, 0, 0, err
	}
	w, err := ParseBudgetWindow(window)
	return m, unit, w, err
}
