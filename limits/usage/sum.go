package usage

import (
	"errors"
	"fmt"
	"math/big"
	"math/bits"
	"strings"
)

// Sum is a sum of int64 that cannot overflow: 128 bits, two's complement.
type Sum struct {
	hi int64
	lo uint64
}

// SumOf returns n.
func SumOf(n int64) Sum { return Sum{n >> 63, uint64(n)} }

// Plus returns s+t.
func (s Sum) Plus(t Sum) Sum {
	lo, carry := bits.Add64(s.lo, t.lo, 0)
	return Sum{s.hi + t.hi + int64(carry), lo}
}

// Minus returns s-t.
func (s Sum) Minus(t Sum) Sum {
	lo, borrow := bits.Sub64(s.lo, t.lo, 0)
	return Sum{s.hi - t.hi - int64(borrow), lo}
}

// Add adds n.
func (s *Sum) Add(n int64) { *s = s.Plus(SumOf(n)) }

// Sign returns -1, 0 or 1.
func (s Sum) Sign() int {
	switch {
	case s.hi < 0:
		return -1
	case s.hi == 0 && s.lo == 0:
		return 0
	}
	return 1
}

// Abs returns s without its sign.
func (s Sum) Abs() Sum {
	if s.hi < 0 {
		return Sum{}.Minus(s)
	}
	return s
}

// Cmp returns -1, 0 or 1 as s is less than, equal to or more than t.
func (s Sum) Cmp(t Sum) int { return s.Minus(t).Sign() }

// Big returns the sum as a big integer.
func (s Sum) Big() *big.Int {
	n := new(big.Int).Lsh(big.NewInt(s.hi), 64)
	return n.Add(n, new(big.Int).SetUint64(s.lo))
}

// String returns the sum in decimal digits.
func (s Sum) String() string { return s.Big().String() }

// ErrSum is wrapped when a text is not a sum.
var ErrSum = errors.New("not a number that fits")

// ParseSum reads what String writes.
func ParseSum(text string) (Sum, error) {
	n, ok := new(big.Int).SetString(text, 10)
	// Underscores and a plus sign are of Go's syntax, not of JSON's.
	if !ok || len(text) > 40 || strings.ContainsAny(text, "_+") || n.BitLen() > 126 {
		return Sum{}, fmt.Errorf("%w: %.50q", ErrSum, text)
	}
	neg := n.Sign() < 0
	n.Abs(n)
	lo := new(big.Int).And(n, new(big.Int).SetUint64(^uint64(0))).Uint64()
	s := Sum{int64(new(big.Int).Rsh(n, 64).Uint64()), lo}
	if neg {
		s = Sum{}.Minus(s)
	}
	return s, nil
}

// MarshalJSON writes an integer.
func (s Sum) MarshalJSON() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalJSON reads an integer.
func (s *Sum) UnmarshalJSON(b []byte) (err error) {
	*s, err = ParseSum(string(b))
	return err
}

// USD is a sum of money in nano-dollars.
type USD struct{ Sum }

// Decimal returns the exact amount of dollars, e.g. "1.50" or "-0.000012345".
func (u USD) Decimal() string {
	sign := ""
	if u.Sign() < 0 {
		sign = "-"
	}
	whole, frac := new(big.Int).QuoRem(u.Abs().Big(), big.NewInt(1_000_000_000), new(big.Int))
	digits := fmt.Sprintf("%09d", frac.Int64())
	for len(digits) > 2 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return sign + whole.String() + "." + digits
}

// String returns the amount as dollars.
func (u USD) String() string { return u.Decimal() }

// MarshalJSON writes the decimal amount as a string, so that no reader makes a
// float of it.
func (u USD) MarshalJSON() ([]byte, error) { return []byte(`"` + u.Decimal() + `"`), nil }

// UnmarshalJSON reads what MarshalJSON writes.
func (u *USD) UnmarshalJSON(b []byte) error {
	if len(b) < 2 || b[0] != '"' || b[len(b)-1] != '"' {
		return fmt.Errorf("%w: want a decimal amount in quotes", ErrSum)
	}
	whole, frac, ok := strings.Cut(string(b[1:len(b)-1]), ".")
	if !ok || len(frac) == 0 || len(frac) > 9 || whole == "" || strings.Trim(frac, "0123456789") != "" {
		return fmt.Errorf("%w: %.50q is not a decimal amount", ErrSum, b)
	}
	s, err := ParseSum(whole + (frac + "000000000")[:9])
	u.Sum = s
	return err
}
