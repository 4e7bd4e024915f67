package reconcile

import (
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
)

// KeyMap says which of our calls were made with which of the provider's API keys.
type KeyMap struct {
	dim    string            // of our side: key, user, team, org, provider or project
	theirs map[string]string // our value → the provider's key
	ids    map[string]bool
}

// ErrMap is wrapped when a map makes no sense.
var ErrMap = errors.New("not a map of keys")

var mapDims = []string{"key", "user", "team", "org", "provider", "project"}

// ParseMap reads entries such as "apikey_01=web-app,batch" (our keys) or
// "key_eu=provider:openai-eu" (another dimension, the same in all entries). It
// returns nil for none.
func ParseMap(entries []string) (*KeyMap, error) {
	if len(entries) == 0 {
		return nil, nil
	}
	m := &KeyMap{theirs: map[string]string{}, ids: map[string]bool{}}
	for _, e := range entries {
		id, ours, ok := strings.Cut(e, "=")
		if !ok || id == "" || ours == "" || id == Unmapped || id == All {
			return nil, fmt.Errorf("%w: %.80q (want the provider's key and ours, e.g. apikey_01=web-app)", ErrMap, e)
		}
		dim := "key"
		if d, rest, ok := strings.Cut(ours, ":"); ok && slices.Contains(mapDims, d) {
			dim, ours = d, rest
		}
		if m.dim == "" {
			m.dim = dim
		}
		if dim != m.dim {
			return nil, fmt.Errorf("%w: %.80q: one map has either keys or %ss, not both", ErrMap, e, m.dim)
		}
		if m.ids[id] {
			return nil, fmt.Errorf("%w: %.80q is given twice; separate several of ours by commas", ErrMap, id)
		}
		m.ids[id] = true
		for v := range strings.SplitSeq(ours, ",") {
			if v == "" || m.theirs[v] != "" {
				return nil, fmt.Errorf("%w: %.80q: an empty or repeated value", ErrMap, e)
			}
			m.theirs[v] = id
		}
	}
	return m, nil
}

func (m *KeyMap) knows(id string) bool { return m.ids[id] }

func (m *KeyMap) ours(value string) (id string, ok bool) {
	if id, ok = m.theirs[value]; ok {
		return id, true
	}
	return Unmapped, false
}

// ParseTolerance reads a percentage such as "1%" or "0.25%", up to 100%, and
// returns millionths.
func ParseTolerance(s string) (int64, error) {
	digits, ok := strings.CutSuffix(s, "%")
	whole, frac, has := strings.Cut(digits, ".")
	if ok && len(whole) > 0 && len(whole) <= 3 && len(frac) <= 4 && (!has || frac != "") && strings.Trim(whole+frac, "0123456789") == "" {
		n, err := strconv.ParseInt(whole+(frac + "0000")[:4], 10, 64)
		if err == nil && n <= 1_000_000 {
			return n, nil
		}
	}
	return 0, fmt.Errorf("tolerance: want a percentage such as 1%% or 0.25%%, not %.40q", s)
}

// percentOf writes millionths.
func percentOf(millionths int64) string {
	s := fmt.Sprintf("%d.%04d", millionths/10_000, millionths%10_000)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "%"
}

// percent is n in percent of base with two decimals, towards zero; "" where base
// is 0.
func percent(n, base *big.Int) string {
	if base.Sign() == 0 {
		return ""
	}
	q := new(big.Int).Mul(n, big.NewInt(10_000))
	q.Quo(q, base)
	sign := "+"
	if n.Sign() < 0 {
		sign = "-"
	}
	if n.Sign() == 0 {
		sign = ""
	}
	whole, frac := new(big.Int).QuoRem(q.Abs(q), big.NewInt(100), new(big.Int))
	return fmt.Sprintf("%s%s.%02d%%", sign, whole, frac.Int64())
}
