package ledger

import (
	"errors"
	"fmt"
	"time"
	_ "time/tzdata" // budgets name IANA zones, and the machine may have none

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Window is how long a budget lasts before it starts anew.
type Window uint8

// The windows, of the calendar in the budget's time zone unless the budget is
// rolling. Weeks begin on Monday. Total never ends.
const (
	Hour Window = iota + 1
	Day
	Week
	Month
	Total
)

var windowNames = [...]string{"", "hour", "day", "week", "month", "total"}

// String returns the name used in configurations.
func (w Window) String() string {
	if int(w) < len(windowNames) {
		return windowNames[w]
	}
	return "unknown"
}

// seconds is the length of a rolling window; a rolling month has 30 days.
func (w Window) seconds() int64 {
	switch w {
	case Hour:
		return 3600
	case Day:
		return 24 * 3600
	case Week:
		return 7 * 24 * 3600
	case Month:
		return 30 * 24 * 3600
	}
	return 0
}

// ErrWindow is wrapped by the error of ParseWindow.
var ErrWindow = errors.New("not a window of a budget")

// ParseWindow reads hour, day, week, month or total.
func ParseWindow(s string) (Window, error) {
	for w := Hour; w <= Total; w++ {
		if s == windowNames[w] {
			return w, nil
		}
	}
	return 0, fmt.Errorf("%w: %q (want hour, day, week, month or total)", ErrWindow, s)
}

// Unit is what a budget counts.
type Unit uint8

// The units: money in nano-USD, or tokens.
const (
	USD Unit = iota
	Tokens
)

// String returns the name used in configurations and reports.
func (u Unit) String() string {
	if u == Tokens {
		return "tokens"
	}
	return "USD"
}

// Format writes an amount of the unit for people, e.g. "$1.50" or "200 tokens".
func (u Unit) Format(m llm.Money) string {
	if u == Tokens {
		return fmt.Sprintf("%d tokens", int64(m))
	}
	return m.String()
}

// Budget is an amount for a window. Its balances are found by Window, Rolling,
// Unit, Scope and Name (and the caller's scope value and the moment), never by
// Amount or TimeZone: raising a budget keeps what was spent.
type Budget struct {
	// Amount is in nano-USD, or a number of tokens if Unit says so. Everything
	// that is charged to a budget or read off it is in that unit.
	Amount llm.Money
	Unit   Unit
	Window Window
	// Rolling budgets look back from each moment over a window's length instead
	// of starting anew with the calendar. A rolling Total makes no sense.
	Rolling  bool
	Scope    string         // "key", "team", … or a placeholder; a label here
	Name     string         // keeps budgets of one window and scope apart; may be empty
	TimeZone *time.Location // nil is UTC; without meaning for a rolling budget
	// Warn are the percentages of the amount whose settlement is reported, each
	// once a window; rising.
	Warn []int
}

// Label names the budget for metrics and messages: its name, else what
// identifies it, e.g. "key/day", "team/rolling-day" or "key/day/tokens".
func (b *Budget) Label() string {
	if b.Name != "" {
		return b.Name
	}
	s := b.Scope + "/"
	if b.Rolling {
		s += "rolling-"
	}
	s += b.Window.String()
	if b.Unit == Tokens {
		s += "/tokens"
	}
	return s
}

func (b *Budget) zone() *time.Location {
	if b.TimeZone == nil {
		return time.UTC
	}
	return b.TimeZone
}

// at returns the key of the window that t falls into: a pure function of the
// moment and the zone, so that no job has to reset anything. Days, weeks and
// months are named by their local date, hours by the second they begin in.
func (w Window) at(t time.Time, loc *time.Location) int64 {
	t = t.In(loc)
	y, m, d := t.Date()
	switch w {
	case Hour:
		_, off := t.Zone()
		local := t.Unix() + int64(off)
		return floorDiv(local, 3600)*3600 - int64(off)
	case Day:
		return date(y, m, d)
	case Week:
		since := (int(t.Weekday()) + 6) % 7 // days since Monday
		y, m, d = time.Date(y, m, d-since, 12, 0, 0, 0, time.UTC).Date()
		return date(y, m, d)
	case Month:
		return date(y, m, 1)
	}
	return 0
}

func date(y int, m time.Month, d int) int64 { return int64(y)*10_000 + int64(m)*100 + int64(d) }

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// End returns the first moment after t that belongs to another window of the
// budget; the zero time for Total and for a rolling budget, which has none.
func (b *Budget) End(t time.Time) time.Time {
	if b.Rolling {
		return time.Time{}
	}
	loc := b.zone()
	local := t.In(loc)
	y, m, d := local.Date()
	var end time.Time
	switch b.Window {
	case Hour:
		end = time.Unix(Hour.at(t, loc)+3600, 0)
	case Day:
		end = time.Date(y, m, d+1, 0, 0, 0, 0, loc)
	case Week:
		end = time.Date(y, m, d+7-(int(local.Weekday())+6)%7, 0, 0, 0, 0, loc)
	case Month:
		end = time.Date(y, m+1, 1, 0, 0, 0, 0, loc)
	default:
		return time.Time{}
	}
	// Where clocks are set at midnight, midnight may not exist, and the
	// library may name a moment on either side of the gap; where they are set
	// back over it, the window ends only at the second one.
	now := b.Window.at(t, loc)
	for range 48 {
		if end.After(t) && b.Window.at(end, loc) != now {
			break
		}
		end = end.Add(30 * time.Minute)
	}
	for range 48 {
		earlier := end.Add(-30 * time.Minute)
		if !earlier.After(t) || b.Window.at(earlier, loc) == now {
			break
		}
		end = earlier
	}
	return end.In(loc)
}

// None is the scope value that callers without the scope share, Overflow the
// one that newcomers share when there are too many.
const (
	None     = "_none"
	Overflow = "_overflow"
)

// Charge asks one budget for an amount.
type Charge struct {
	Budget *Budget
	Value  string // resolved scope value; empty means None
	// Need is what is asked for, in the budget's unit.
	Need llm.Money
	// Amount replaces the budget's amount for this scope value; 0 does not.
	Amount llm.Money
}

func (c *Charge) amount() llm.Money {
	if c.Amount > 0 {
		return c.Amount
	}
	return c.Budget.Amount
}

// Warning says that what was settled in a window has reached a percentage of its
// budget.
type Warning struct {
	Budget  *Budget
	Value   string
	Percent int       // of Budget.Warn
	Settled llm.Money // in the budget's unit
	Amount  llm.Money // what the scope value has in this window
	Ends    time.Time // when the window ends; zero for never, or rolling
}
