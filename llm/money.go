package llm

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Money is an amount of US dollars in nano-dollars (10⁻⁹ USD). It is an integer
// on purpose: sums of floats drift, and a budget that drifts is not a budget.
// The range is about ±9.2 billion dollars; the functions below saturate at its
// ends instead of wrapping.
type Money int64

// Common amounts.
const (
	NanoUSD Money = 1
	USD     Money = 1_000_000_000
	// MaxMoney is the largest amount; arithmetic saturates here.
	MaxMoney Money = math.MaxInt64
)

// ErrMoney is wrapped by every error of ParseMoney.
var ErrMoney = errors.New("not an amount of money")

// ParseMoney reads a non-negative decimal amount of dollars such as "20",
// "0.25" or "1.5k" (k and M multiply by a thousand and a million) with at most
// nine decimals. Signs, exponents and separators are refused.
func ParseMoney(s string) (Money, error) {
	digits, mult := s, int64(1)
	switch {
	case strings.HasSuffix(s, "k"):
		digits, mult = s[:len(s)-1], 1_000
	case strings.HasSuffix(s, "M"):
		digits, mult = s[:len(s)-1], 1_000_000
	}
	whole, frac, hasFrac := strings.Cut(digits, ".")
	if whole == "" || (hasFrac && frac == "") || len(frac) > 9 || !allDigits(whole) || !allDigits(frac) {
		return 0, fmt.Errorf("%w: %q (want dollars such as 20, 0.25 or 1.5k)", ErrMoney, s)
	}
	w, err := strconv.ParseInt(whole, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("%w: %q is too large", ErrMoney, s)
	}
	f, _ := strconv.ParseInt((frac + "000000000")[:9], 10, 64)
	hi, lo := bits.Mul64(uint64(w), uint64(USD))
	lo, carry := bits.Add64(lo, uint64(f), 0)
	if hi+carry != 0 || lo > math.MaxInt64/uint64(mult) {
		return 0, fmt.Errorf("%w: %q is too large", ErrMoney, s)
	}
	return Money(int64(lo) * mult), nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// Add returns m+n, saturating at MaxMoney (and its negative).
func (m Money) Add(n Money) Money {
	s := m + n
	switch {
	case m > 0 && n > 0 && s < 0:
		return MaxMoney
	case m < 0 && n < 0 && s >= 0:
		return -MaxMoney
	}
	return s
}

// PerMillion returns the cost of n units at a rate of m per million units,
// rounded up to the next nano-dollar, with a 128-bit intermediate. A negative n
// or m counts as zero: usage comes from outside and must never create credit.
func (m Money) PerMillion(n int64) Money {
	if m <= 0 || n <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(m), uint64(n))
	lo, carry := bits.Add64(lo, 999_999, 0)
	hi += carry
	if hi >= 1_000_000 {
		return MaxMoney
	}
	q, _ := bits.Div64(hi, lo, 1_000_000)
	if q > math.MaxInt64 {
		return MaxMoney
	}
	return Money(q)
}

// String formats the amount as dollars without losing a digit and with at
// least two decimals: "$0.00", "$1.50", "$0.000012345", "-$2.00".
func (m Money) String() string {
	sign := ""
	u := uint64(m)
	if m < 0 {
		sign, u = "-", -u
	}
	return sign + "$" + decimal(u)
}

// Decimal formats the amount as a bare decimal number of dollars, as used in
// headers, placeholders and exports: "1.50", "-0.000012345".
func (m Money) Decimal() string {
	if m < 0 {
		return "-" + decimal(-uint64(m))
	}
	return decimal(uint64(m))
}

func decimal(u uint64) string {
	frac := fmt.Sprintf("%09d", u%uint64(USD))
	for len(frac) > 2 && frac[len(frac)-1] == '0' {
		frac = frac[:len(frac)-1]
	}
	return strconv.FormatUint(u/uint64(USD), 10) + "." + frac
}
