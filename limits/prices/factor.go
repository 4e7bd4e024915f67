package prices

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Factor multiplies rates, in units of 10⁻⁹; 0 means that there is none.
type Factor int64

// maxFactor is the largest factor that is believed.
const maxFactor Factor = 1_000_000_000_000

// ParseFactor reads a decimal factor such as "0.5" or "1.1", above 0 and at most
// 1,000, with at most nine decimals.
func ParseFactor(s string) (Factor, error) {
	m, err := llm.ParseMoney(s)
	if f := Factor(m); err == nil && f > 0 && f <= maxFactor {
		return f, nil
	}
	return 0, fmt.Errorf("%q is not a factor such as 0.5 or 1.1, above 0 and at most 1000", s)
}

// of returns m times the factor, rounded up; without a factor m.
func (f Factor) of(m llm.Money) llm.Money {
	if f == 0 {
		return m
	}
	return scale(m, llm.Money(f), llm.USD)
}

// scale returns ⌈m·num/den⌉, saturating; den must be positive. Negative amounts
// count as 0.
func scale(m, num, den llm.Money) llm.Money {
	if m <= 0 || num <= 0 {
		return 0
	}
	hi, lo := bits.Mul64(uint64(m), uint64(num))
	if hi >= uint64(den) {
		return llm.MaxMoney
	}
	q, r := bits.Div64(hi, lo, uint64(den))
	if r > 0 {
		q++
	}
	if q > math.MaxInt64 {
		return llm.MaxMoney
	}
	return llm.Money(q)
}
