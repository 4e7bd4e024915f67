package reconcile

import (
	"errors"
	"math/big"
	"strconv"
	"strings"
)

var (
	errDecimal  = errors.New("not a decimal number")
	errNegative = errors.New("a negative amount")
	errHuge     = errors.New("an amount beyond all reason")
)

// decimal is an exact amount of money, in 10⁻²⁴ dollars: exports print more
// digits than anything is billed in.
type decimal struct{ n big.Int }

const decimals = 24

var (
	one  = new(big.Int).Exp(big.NewInt(10), big.NewInt(decimals), nil)
	nano = new(big.Int).Exp(big.NewInt(10), big.NewInt(decimals-9), nil)
	// most bounds an amount and a sum: 10¹⁵ dollars.
	most = new(big.Int).Mul(one, big.NewInt(1_000_000_000_000_000))
)

// parseDecimal reads a JSON number such as 0.06, "123.78912" or 1.2e-05, shifted
// by some places (2 for cents). Digits beyond the 24th are dropped.
func parseDecimal(s string, places int) (*decimal, error) {
	mantissa, exp := s, 0
	if i := strings.IndexAny(s, "eE"); i >= 0 {
		n, err := strconv.Atoi(s[i+1:])
		if err != nil || n < -100 || n > 30 {
			return nil, errDecimal
		}
		mantissa, exp = s[:i], n
	}
	if strings.HasPrefix(mantissa, "-") {
		if strings.Trim(mantissa, "-0.") == "" && strings.Count(mantissa, "-") == 1 {
			mantissa = mantissa[1:] // minus nothing
		} else {
			return nil, errNegative
		}
	}
	whole, frac, has := strings.Cut(mantissa, ".")
	if whole == "" || has && frac == "" || len(mantissa) > 200 || strings.Trim(whole+frac, "0123456789") != "" {
		return nil, errDecimal
	}
	d := &decimal{}
	d.n.SetString(whole+frac, 10)
	shift := decimals - len(frac) + exp - places
	ten := new(big.Int)
	if shift >= 0 {
		d.n.Mul(&d.n, ten.Exp(big.NewInt(10), big.NewInt(int64(shift)), nil))
	} else {
		d.n.Quo(&d.n, ten.Exp(big.NewInt(10), big.NewInt(int64(-shift)), nil))
	}
	if d.n.Cmp(most) > 0 {
		return nil, errHuge
	}
	return d, nil
}

func (d *decimal) plus(o *decimal) error {
	if d.n.Add(&d.n, &o.n); d.n.Cmp(most) > 0 {
		return errHuge
	}
	return nil
}

// nanos rounds to the nearest nano-dollar.
func (d *decimal) nanos() *big.Int {
	half := new(big.Int).Rsh(nano, 1)
	return half.Quo(half.Add(half, &d.n), nano)
}
