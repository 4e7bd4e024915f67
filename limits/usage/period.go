package usage

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrPeriod is wrapped when a moment cannot be read.
var ErrPeriod = errors.New("not a moment")

var units = map[string]time.Duration{
	"s": time.Second, "m": time.Minute, "min": time.Minute, "h": time.Hour,
	"d": 24 * time.Hour, "day": 24 * time.Hour, "days": 24 * time.Hour, "week": 7 * 24 * time.Hour, "weeks": 7 * 24 * time.Hour,
}

// ParseFrom reads where a period begins: a day ("2026-11-01", its first moment in
// zone), a month ("2026-11"), an RFC 3339 time, or how long ago ("7d", "24h").
func ParseFrom(s string, now time.Time, zone *time.Location) (time.Time, error) {
	return parseMoment(s, now, zone, 0)
}

// ParseTo reads where a period ends, in the same words; of a day or a month it is
// the end, so that from and to the same day is that day.
func ParseTo(s string, now time.Time, zone *time.Location) (time.Time, error) {
	return parseMoment(s, now, zone, 1)
}

func parseMoment(s string, now time.Time, zone *time.Location, next int) (time.Time, error) {
	if t, err := time.ParseInLocation(time.DateOnly, s, zone); err == nil {
		return t.AddDate(0, 0, next), nil
	}
	if t, err := time.ParseInLocation("2006-01", s, zone); err == nil {
		return t.AddDate(0, next, 0), nil
	}
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t, nil
	}
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	unit, ok := units[s[digits:]]
	n, err := strconv.ParseInt(s[:digits], 10, 64)
	if !ok || err != nil || n <= 0 || n > int64(100*365*24*time.Hour/unit) {
		return time.Time{}, fmt.Errorf("%w: %.50q (want a day such as 2026-11-01, a month such as 2026-11, an RFC 3339 time, or how long ago, such as 24h or 7d)", ErrPeriod, s)
	}
	return now.Add(-time.Duration(n) * unit), nil
}
