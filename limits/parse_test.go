package limits

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestParseRate(t *testing.T) {
	for s, want := range map[string]struct {
		n int64
		w time.Duration
	}{
		"600/min": {600, time.Minute}, "60/m": {60, time.Minute}, "1/s": {1, time.Second}, "200k/h": {200_000, time.Hour},
		"1M/d": {1_000_000, 24 * time.Hour}, "5/day": {5, 24 * time.Hour}, "5/week": {5, 168 * time.Hour},
		"5/month": {5, 720 * time.Hour}, "7/10s": {7, 10 * time.Second}, "7/366d": {7, MaxWindow},
	} {
		n, w, err := ParseRate(s)
		if err != nil || n != want.n || w != want.w {
			t.Errorf("%s: %d %s %v", s, n, w, err)
		}
	}
	for _, s := range []string{"", "600", "/min", "600/", "-1/min", "+1/min", "0/min", "1.5/min", "1K/min", "1m/min", "1e3/min", "1_000/min",
		"60/fortnight", "60/0s", "60/-1s", "60/367d", "60/min/key", "9223372036854775808/s", "9223372036854776k/s", "60/ min", "60/99999999999999999999s", "k/min"} {
		_, _, err := ParseRate(s)
		if !errors.Is(err, ErrLimit) {
			t.Errorf("%q: %v", s, err)
		}
	}
	if _, _, err := ParseRate("600/fortnight"); !strings.Contains(err.Error(), "fortnight") {
		t.Errorf("the error does not name the text: %v", err)
	}
}

func TestParseBudgetAmount(t *testing.T) {
	m, _, w, err := ParseBudgetAmount("20", "USD/day")
	if err != nil || m != 20*llm.USD || w != BudgetDay {
		t.Errorf("%v %v %v", m, w, err)
	}
	for _, bad := range [][2]string{{"0", "USD/day"}, {"20", "EUR/day"}, {"20", "USD"}, {"20", "USD/year"}, {"x", "USD/day"}, {"20", "usd/day"}, {"-1", "USD/day"}} {
		if _, _, _, err := ParseBudgetAmount(bad[0], bad[1]); err == nil {
			t.Errorf("%v: no error", bad)
		}
	}
}

func FuzzParseRate(f *testing.F) {
	for _, s := range []string{"600/min", "200k/10s", "1M/month", "/", "9223372036854775807/s", "1/99999999999h", "０/s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, w, err := ParseRate(s)
		if err != nil {
			if !errors.Is(err, ErrLimit) || n != 0 || w != 0 {
				t.Fatalf("%q: %d %s %v", s, n, w, err)
			}
			return
		}
		if n < 1 || w < time.Second || w > MaxWindow {
			t.Fatalf("%q: %d %s", s, n, w)
		}
	})
}

func FuzzParseBudgetAmount(f *testing.F) {
	f.Add("20", "USD/day")
	f.Add("1.5k", "USD/total")
	f.Add("9999999999", "USD/hour")
	f.Fuzz(func(t *testing.T, amount, per string) {
		m, _, w, err := ParseBudgetAmount(amount, per)
		if err == nil && (m <= 0 || w < BudgetHour || w > BudgetTotal || per != "USD/"+w.String()) {
			t.Fatalf("%q %q: %v %v", amount, per, m, w)
		}
	})
}
