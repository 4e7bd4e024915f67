package llm

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// maxExponent is beyond any price, and small enough to shift by.
const maxExponent = 40

// ParseNumber reads a JSON number, multiplied by 10 to the power of shift, as an
// amount of dollars: per token with shift 6 is per million tokens. It goes digit by
// digit, never through floating point, and rounds to the nearest nano-dollar, since
// lists of prices have the scars of floats (0.18000000000000002); but what is not
// zero never becomes zero. Negative numbers are refused.
func ParseNumber(number string, shift int) (Money, error) {
	bad := func(why string) (Money, error) { return 0, fmt.Errorf("%.40q %s", number, why) }
	mantissa, exp, power := number, "", shift+9
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		mantissa, exp = number[:i], number[i+1:]
		n, err := strconv.Atoi(exp)
		if err != nil || n > maxExponent || n < -maxExponent {
			return bad("is no price")
		}
		power += n
	}
	if strings.HasPrefix(mantissa, "-") {
		if strings.Trim(mantissa, "-0.") == "" {
			return 0, nil
		}
		return bad("is negative")
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+frac, "0")
	power -= len(frac)
	const most = 18 // significant digits that fit into 64 bits
	if len(digits) > most {
		power += len(digits) - most
		digits = digits[:most]
	}
	if digits == "" {
		if whole == "" {
			return bad("is no number")
		}
		return 0, nil
	}
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		return bad("is no number")
	}
	for ; power > 0; power-- {
		hi, lo := bits.Mul64(n, 10)
		if hi != 0 || lo > math.MaxInt64 {
			return bad("is too large")
		}
		n = lo
	}
	for ; power < 0; power++ {
		if power == -1 {
			n += 5 // the nearest; digits cut before were less than that
		}
		n /= 10
	}
	if n > math.MaxInt64 {
		return bad("is too large")
	}
	return max(1, Money(n)), nil
}
