package policy

import (
	"fmt"
	"testing"
	"time"
)

func TestZones(t *testing.T) {
	for _, at := range []time.Time{
		noon, noon.AddDate(0, 5, 0), time.Date(2026, 12, 31, 23, 45, 0, 0, time.UTC), time.Date(1880, 1, 1, 0, 0, 30, 0, time.UTC),
		time.Date(2026, 3, 29, 0, 59, 59, 0, time.UTC), time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC),
	} {
		for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Pacific/Marquesas", "Australia/Lord_Howe"} {
			loc, err := time.LoadLocation(name)
			if err != nil {
				t.Fatal(err)
			}
			local := at.In(loc)
			expr := fmt.Sprintf(`timestamp(%q).getHours(%q) == %d && timestamp(%[1]q).getMinutes(%[2]q) == %[4]d && timestamp(%[1]q).getDayOfWeek(%[2]q) == %[5]d && timestamp(%[1]q).getDate(%[2]q) == %[6]d`,
				at.Format(time.RFC3339), name, local.Hour(), local.Minute(), int(local.Weekday()), local.Day())
			for range 2 { // the second time from the cache
				if got := judge(t, expr, chat()); got != "true" {
					t.Errorf("%s: %s", expr, got)
				}
			}
		}
	}
	for _, name := range []string{"Mars/Olympus", "../../etc/passwd", "", "+25:99:1"} {
		if got := judge(t, fmt.Sprintf(`now.getHours(%q + "") == 99`, name), chat()); got == "true" {
			t.Errorf("%q: %s", name, got)
		}
	}
}

func BenchmarkZone(b *testing.B) {
	s, x, env := mustCompile(b, nil, deny(`now.getHours("Europe/Berlin") == 99`)), chat(), testEnv()
	for b.Loop() {
		s.Evaluate(b.Context(), x, env)
	}
}
