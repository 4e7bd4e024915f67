package limits

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// ErrLimit is wrapped by every error of the Parse functions of this package.
var ErrLimit = errors.New("not a limit")

// ParseRate reads "<amount>/<window>", e.g. "600/min", "200k/min", "5/2h". The
// amount is at least 1.
func ParseRate(s string) (amount int64, window time.Duration, err error) {
	n, w, ok := strings.Cut(s, "/")
	if !ok {
		return 0, 0, fmt.Errorf("%w: %q has no window (want e.g. 600/min)", ErrLimit, s)
	}
	if amount, err = ParseAmount(n); err != nil {
		return 0, 0, err
	}
	if window, err = ParseWindow(w); err != nil {
		return 0, 0, err
	}
	return amount, window, nil
}

// ParseAmount reads a whole number of at least 1 with an optional k (thousand)
// or M (million).
func ParseAmount(s string) (int64, error) {
	digits, mult := s, int64(1)
	switch {
	case strings.HasSuffix(s, "k"):
		digits, mult = s[:len(s)-1], 1_000
	case strings.HasSuffix(s, "M"):
		digits, mult = s[:len(s)-1], 1_000_000
	}
	n, err := wholeNumber(digits)
	if err != nil || n < 1 || n > math.MaxInt64/mult {
		return 0, fmt.Errorf("%w: %q is not an amount (want a whole number of at least 1 such as 600, 200k or 1M)", ErrLimit, s)
	}
	return n * mult, nil
}

// wholeNumber is strconv.ParseInt without signs and underscores.
func wholeNumber(s string) (int64, error) {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, strconv.ErrSyntax
		}
	}
	return strconv.ParseInt(s, 10, 64)
}

var windowUnits = []struct {
	name string
	unit time.Duration
}{
	{"s", time.Second}, {"min", time.Minute}, {"m", time.Minute}, {"h", time.Hour},
	{"d", 24 * time.Hour}, {"day", 24 * time.Hour}, {"week", 7 * 24 * time.Hour}, {"month", 30 * 24 * time.Hour},
}

// MaxWindow is the longest window of a rate limit.
const MaxWindow = 366 * 24 * time.Hour

// ParseWindow reads the window of a rate limit: s, min (or m), h, d (or day),
// week or month (30 days; a sliding window has no calendar), with an optional
// whole number before it: "10s", "2h". At most MaxWindow.
func ParseWindow(s string) (time.Duration, error) {
	i := 0
	for i < len(s) && s[i] >= '0' && s[i] <= '9' {
		i++
	}
	n := int64(1)
	if i > 0 {
		var err error
		if n, err = wholeNumber(s[:i]); err != nil || n < 1 {
			return 0, badWindow(s)
		}
	}
	for _, u := range windowUnits {
		if s[i:] == u.name {
			if n > int64(MaxWindow/u.unit) {
				return 0, fmt.Errorf("%w: the window %q is longer than 366 days", ErrLimit, s)
			}
			return time.Duration(n) * u.unit, nil
		}
	}
	return 0, badWindow(s)
}

func badWindow(s string) error {
	return fmt.Errorf("%w: %q is not a window (want s, min, h, day, week or month, e.g. min or 10s)", ErrLimit, s)
}
