package gateway

import (
	"cmp"
	"path/filepath"
	"slices"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
)

// zoneSlack is how far the end of a window can be from its end in UTC: the file
// knows the local date of a window, but not the zone.
const zoneSlack = 14 * time.Hour

// fileBudgets is what the file of a ledger says of budgets in a data directory
// that no process uses: what was settled in windows that have not ended. Amounts
// stand in the config, so what remains is not known.
func fileBudgets(dir string, now time.Time, limit int, keep func(*ledger.BalanceInfo) bool) (*budgetsView, error) {
	totals, err := ledger.Inspect(filepath.Join(dir, "ledger.db"))
	if err != nil {
		return nil, err
	}
	type id struct {
		budget, value string
		start         time.Time
	}
	at := map[id]*ledger.BalanceInfo{}
	var ids []id
	for _, b := range totals.Balances {
		start, end := storedWindow(&b)
		slack := zoneSlack
		if b.Rolling || b.Window == ledger.Hour {
			slack = 0 // stored as moments
		}
		if !end.IsZero() && end.Add(slack).Before(now) {
			continue
		}
		if b.Rolling {
			start, end = time.Time{}, time.Time{}
		}
		budget := ledger.Budget{Window: b.Window, Rolling: b.Rolling, Unit: b.Unit, Scope: b.Scope, Name: b.Name}
		k := id{budget.Label(), b.Value, start}
		i := at[k]
		if i == nil {
			i = &ledger.BalanceInfo{Budget: k.budget, Unit: b.Unit, Window: b.Window, Rolling: b.Rolling, Scope: b.Scope, Name: b.Name, Value: b.Value, Ends: end}
			at[k], ids = i, append(ids, k)
		}
		i.Settled = i.Settled.Add(b.Settled)
	}
	slices.SortFunc(ids, func(a, b id) int {
		return cmp.Or(cmp.Compare(a.budget, b.budget), cmp.Compare(a.value, b.value), a.start.Compare(b.start))
	})
	v := &budgetsView{Budgets: []budgetView{}, Balances: []balanceView{}}
	for _, k := range ids {
		i := at[k]
		switch {
		case !keep(i):
		case len(v.Balances) >= limit:
			v.More++
		default:
			bv := balanceOf(i, nil, now)
			bv.Starts, bv.Configured, bv.Granted, bv.Reserved = k.start, true, "", ""
			v.Balances = append(v.Balances, bv)
		}
	}
	return v, nil
}

// storedWindow is the time of a stored balance, as if its zone were UTC; zero
// where it never ends.
func storedWindow(b *ledger.BalanceTotal) (start, end time.Time) {
	y, m, d := int(b.At/10_000), time.Month(b.At/100%100), int(b.At%100)
	day := time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	switch {
	case b.Window == ledger.Total:
		return time.Time{}, time.Time{}
	case b.Rolling:
		start = time.Unix(b.At, 0).UTC()
		return start, start.Add(map[ledger.Window]time.Duration{ledger.Hour: time.Hour, ledger.Day: 24 * time.Hour, ledger.Week: 7 * 24 * time.Hour, ledger.Month: 30 * 24 * time.Hour}[b.Window])
	case b.Window == ledger.Hour:
		start = time.Unix(b.At, 0).UTC()
		return start, start.Add(time.Hour)
	case b.Window == ledger.Day:
		return day, day.AddDate(0, 0, 1)
	case b.Window == ledger.Week:
		return day, day.AddDate(0, 0, 7)
	}
	return day, day.AddDate(0, 1, 0)
}
