package limits

import (
	"fmt"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Budget is one configured budget; see ledger.Budget.
type Budget = ledger.Budget

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

// ParseBudgetWindow reads hour, day, week, month or total.
func ParseBudgetWindow(s string) (BudgetWindow, error) { return ledger.ParseWindow(s) }

// ParseBudgetAmount reads the two words in which a configuration writes a
// budget: an amount such as "20" or "1.5k", more than 0, and "USD/<window>".
func ParseBudgetAmount(amount, per string) (llm.Money, BudgetWindow, error) {
	m, err := llm.ParseMoney(amount)
	if err != nil {
		return 0, 0, err
	}
	if m <= 0 {
		return 0, 0, fmt.Errorf("%w: a budget of %q lets nothing pass (want more than 0)", ErrLimit, amount)
	}
	currency, window, ok := strings.Cut(per, "/")
	if !ok || currency != "USD" {
		return 0, 0, fmt.Errorf("%w: %q (want USD/<hour|day|week|month|total>)", ErrLimit, per)
	}
	w, err := ParseBudgetWindow(window)
	if err != nil {
		return 0, 0, err
	}
	return m, w, nil
}
