package llm

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestParseMoney(t *testing.T) {
	for in, want := range map[string]Money{
		"0": 0, "20": 20 * USD, "0.25": USD / 4, "1.5k": 1500 * USD, "2M": 2_000_000 * USD,
		"0.000000001": 1, "9223372036.854775807": MaxMoney,
	} {
		got, err := ParseMoney(in)
		if err != nil || got != want {
			t.Errorf("%q: got %d, %v; want %d", in, got, err, want)
		}
	}
	for _, in := range []string{"", "-1", "+1", "1.", ".5", "1e3", "1,5", "0.0000000001", "9223372036.854775808", "9999999999M", "k", "1 ", "0x1", "１"} {
		if got, err := ParseMoney(in); err == nil {
			t.Errorf("%q: accepted as %v", in, got)
		}
	}
}

func TestMoneyString(t *testing.T) {
	for m, want := range map[Money]string{0: "$0.00", USD: "$1.00", 12_345: "$0.000012345", -2 * USD: "-$2.00", 1_500_000_000: "$1.50"} {
		if got := m.String(); got != want {
			t.Errorf("%d: got %q, want %q", int64(m), got, want)
		}
	}
}

func TestMoneyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money(rapid.Int64Range(0, math.MaxInt64).Draw(t, "m"))
		got, err := ParseMoney(m.Decimal())
		if err != nil || got != m {
			t.Fatalf("%d became %q became %d, %v", int64(m), m.Decimal(), int64(got), err)
		}
	})
}

// PerMillion equals the exact quotient, rounded up and saturated.
func TestPerMillion(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := rapid.Int64().Draw(t, "rate")
		n := rapid.Int64().Draw(t, "n")
		got := Money(m).PerMillion(n)
		if m <= 0 || n <= 0 {
			if got != 0 {
				t.Fatalf("%d × %d created %d", m, n, got)
			}
			return
		}
		want := new(big.Int).Mul(big.NewInt(m), big.NewInt(n))
		want.Add(want, big.NewInt(999_999)).Quo(want, big.NewInt(1_000_000))
		if !want.IsInt64() {
			want.SetInt64(math.MaxInt64)
		}
		if int64(got) != want.Int64() {
			t.Fatalf("%d × %d / 1e6: got %d, want %v", m, n, got, want)
		}
	})
}

func TestAddSaturates(t *testing.T) {
	if got := MaxMoney.Add(1); got != MaxMoney {
		t.Error(got)
	}
	if got := (-MaxMoney).Add(-2); got != -MaxMoney {
		t.Error(got)
	}
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"20", "0.25", "1.5k", "9223372036.854775807", "", "1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMoney(s)
		if err == nil && m < 0 {
			t.Fatalf("%q is negative: %d", s, m)
		}
	})
}
