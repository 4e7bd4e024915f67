package ledger

import (
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestWindowEnds(t *testing.T) {
	berlin, santiago, apia, lordHowe := zone(t, "Europe/Berlin"), zone(t, "America/Santiago"), zone(t, "Pacific/Apia"), zone(t, "Australia/Lord_Howe")
	for _, tc := range []struct {
		name   string
		window Window
		loc    *time.Location
		at     string
		ends   string
	}{
		{"day UTC", Day, nil, "2026-11-23T12:00:00Z", "2026-11-24T00:00:00Z"},
		{"last instant of a day", Day, nil, "2026-11-23T23:59:59Z", "2026-11-24T00:00:00Z"},
		{"day in Berlin", Day, berlin, "2026-11-23T23:30:00Z", "2026-11-24T23:00:00Z"},
		{"day of 23 hours", Day, berlin, "2026-03-29T00:30:00Z", "2026-03-29T22:00:00Z"},
		{"day of 25 hours", Day, berlin, "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"},
		{"midnight that does not exist", Day, santiago, "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z"},
		{"day that does not exist", Day, apia, "2011-12-29T20:00:00Z", "2011-12-30T10:00:00Z"},
		{"leap day", Day, nil, "2028-02-28T10:00:00Z", "2028-02-29T00:00:00Z"},
		{"month with leap day", Month, nil, "2028-02-28T10:00:00Z", "2028-03-01T00:00:00Z"},
		{"month in Berlin over a change of clocks", Month, berlin, "2026-10-15T00:00:00Z", "2026-10-31T23:00:00Z"},
		{"year's end", Month, berlin, "2026-12-31T23:30:00Z", "2027-01-31T23:00:00Z"},
		{"week from Sunday", Week, nil, "2026-11-22T23:00:00Z", "2026-11-23T00:00:00Z"},
		{"week from Monday", Week, nil, "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"},
		{"week over the year's end", Week, nil, "2026-12-31T12:00:00Z", "2027-01-04T00:00:00Z"},
		{"hour", Hour, berlin, "2026-11-23T12:34:56Z", "2026-11-23T13:00:00Z"},
		{"first of two equal hours", Hour, berlin, "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z"},
		{"second of two equal hours", Hour, berlin, "2026-10-25T01:30:00Z", "2026-10-25T02:00:00Z"},
		{"half-hour change", Hour, lordHowe, "2026-04-04T14:45:00Z", "2026-04-04T15:00:00Z"},
	} {
		at, err := time.Parse(time.RFC3339, tc.at)
		if err != nil {
			t.Fatal(err)
		}
		b := Budget{Window: tc.window, TimeZone: tc.loc}
		if got := b.End(at).UTC().Format(time.RFC3339); got != tc.ends {
			t.Errorf("%s: ends %s, want %s", tc.name, got, tc.ends)
		}
	}
	if b := (&Budget{Window: Total}); !b.End(time.Now()).IsZero() || b.Window.at(time.Now(), time.UTC) != 0 {
		t.Error("total ends")
	}
}

// Between a moment and its window's end lies one window and no other, and the
// end begins a new one; for every zone with odd clocks.
func TestWindowIsAFunctionOfTime(t *testing.T) {
	names := []string{"UTC", "Europe/Berlin", "America/New_York", "America/Santiago", "Africa/Cairo", "Asia/Beirut", "Asia/Kathmandu", "Australia/Lord_Howe", "Pacific/Apia", "America/Havana", "Asia/Tehran", "Africa/Casablanca"}
	rapid.Check(t, func(rt *rapid.T) {
		b := Budget{Window: Window(rapid.IntRange(int(Hour), int(Month)).Draw(rt, "window"))}
		b.TimeZone, _ = time.LoadLocation(rapid.SampledFrom(names).Draw(rt, "zone"))
		at := time.Unix(rapid.Int64Range(1_000_000_000, 2_500_000_000).Draw(rt, "at"), 0)
		key := func(t time.Time) int64 { return b.Window.at(t, b.zone()) }
		end := b.End(at)
		if !end.After(at) {
			rt.Fatalf("%s ends %s", at, end)
		}
		if key(end) == key(at) {
			rt.Fatalf("%v in %s: the end %s of %s is in the same window", b.Window, b.TimeZone, end, at)
		}
		if key(end.Add(-time.Second)) != key(at) {
			rt.Fatalf("%v in %s: the window of %s is over before %s", b.Window, b.TimeZone, at, end)
		}
	})
}

func TestParseWindow(t *testing.T) {
	for w := Hour; w <= Total; w++ {
		if got, err := ParseWindow(w.String()); got != w || err != nil {
			t.Errorf("%s: %v %v", w, got, err)
		}
	}
	for _, s := range []string{"", "days", "Day", "minute", "year"} {
		if _, err := ParseWindow(s); !errors.Is(err, ErrWindow) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// A new window opens by the clock alone, over the change to winter time and the
// end of a month; a clock set back finds the old one as it was.
func TestWindowsOpenByTheClock(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, Options{Now: time.Now})
		defer l.Close()
		berlin := zone(t, "Europe/Berlin")
		day := &Budget{Amount: 10, Window: Day, Scope: "key", TimeZone: berlin}
		month := &Budget{Amount: 25, Window: Month, Scope: "key", TimeZone: berlin}
		// The bubble's clock begins on 2000-01-01; go to 2000-10-28 22:00 UTC,
		// the first instant of a day of 25 hours.
		time.Sleep(time.Until(time.Date(2000, 10, 28, 22, 0, 0, 0, time.UTC)))
		n := 0
		spend := func(amount llm.Money) bool {
			n++
			h, _ := take(t, l, time.Now(), id(n), amount, charge(day, "k"), charge(month, "k"))
			if h == nil {
				return false
			}
			h.Settle(time.Now(), Row{Cost: amount})
			return true
		}
		if !spend(10) || spend(1) {
			t.Fatal("the 29th")
		}
		time.Sleep(25*time.Hour - time.Second)
		if spend(1) {
			t.Fatal("the 29th has 25 hours")
		}
		time.Sleep(time.Second)
		if !spend(10) || spend(1) {
			t.Fatal("the 30th")
		}
		time.Sleep(24 * time.Hour)
		if spend(6) || !spend(5) || spend(1) {
			t.Fatal("the 31st: 5 of the month remain")
		}
		time.Sleep(24 * time.Hour)
		if !spend(10) {
			t.Fatal("November")
		}
		// The clock is set back an hour: October is as full as it was.
		if h, r := take(t, l, time.Now().Add(-time.Hour), id(99), 1, charge(month, "k")); h != nil || r.Remaining != 0 {
			t.Fatalf("%+v", r)
		}
	})
}

// Over the leap day of 2000, the ends of two months and a change of clocks, with a
// clock that jumps an hour forth and back at random: every day and every month, by the
// clock as it stood, has exactly its amount, however late a call is settled.
func TestLeapDayAndClockThatJumps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := open(t, Options{Now: time.Now})
		defer l.Close()
		york := zone(t, "America/New_York")
		day := &Budget{Amount: 5, Window: Day, Scope: "key", TimeZone: york}
		month := &Budget{Amount: 145, Window: Month, Scope: "key", TimeZone: york}
		rng := rand.New(rand.NewPCG(29, 2))
		days, months := map[string]llm.Money{}, map[string]llm.Money{}
		time.Sleep(time.Until(time.Date(2000, 2, 1, 5, 0, 0, 0, time.UTC)))
		var running []*Hold
		for n := range 24 * 75 {
			now := time.Now().Add(time.Duration(rng.IntN(3)-1) * time.Hour)
			local := now.In(york)
			d, m := local.Format(time.DateOnly), local.Format("2006-01")
			fits := days[d] < day.Amount && months[m] < month.Amount
			h, refused := take(t, l, now, id(n), 1, charge(day, "k"), charge(month, "k"))
			if (h != nil) != fits {
				t.Fatalf("at %s: admitted %v, %d of the day and %d of the month are gone: %+v", local, h != nil, days[d], months[m], refused)
			}
			if h != nil {
				days[d]++
				months[m]++
				running = append(running, h)
			}
			if len(running) > 3 { // some hours after it began, often in another day
				running[0].Settle(now, Row{Cost: 1})
				running = running[1:]
			}
			time.Sleep(time.Hour)
		}
		if days["2000-02-29"] != day.Amount || months["2000-02"] != month.Amount || months["2000-03"] != month.Amount {
			t.Errorf("of the leap day %d, of February %d, of March %d", days["2000-02-29"], months["2000-02"], months["2000-03"])
		}
	})
}
