package llm

import "testing"

func TestParseNumber(t *testing.T) {
	for _, tc := range []struct {
		number string
		shift  int
		want   string // "" for an error
	}{
		{"0", 6, "0"}, {"0.0", 6, "0"}, {"-0", 6, "0"}, {"0e9", 6, "0"}, {"2.5e-06", 6, "2.5"}, {"2.1999999999999999e-06", 6, "2.2"}, {"0.18000000000000002", 0, "0.18"},
		{"1E3", 0, "1000"}, {"1e+2", 0, "100"}, {"123456789012345678901234567890e-30", 0, "0.123456789"}, {"2.5", -3, "0.0025"}, {"1e-30", 0, "0.000000001"}, {"0.0000000004", 0, "0.000000001"},
		{"0.0000000015", 0, "0.000000002"}, {"9e9", 0, "9000000000"}, {"1e10", 0, ""}, {"1e40", 0, ""}, {"1e41", 0, ""}, {"-1", 0, ""}, {"-1e-30", 0, ""}, {"", 0, ""}, {"x", 0, ""}, {"1e", 0, ""},
		{"10000000000000000000000000000000000000000000000000000000000000", 0, ""},
	} {
		m, err := ParseNumber(tc.number, tc.shift)
		want, _ := ParseMoney(tc.want)
		if (err != nil) != (tc.want == "") || m != want {
			t.Errorf("%s × 10^%d: %s, %v; want %s", tc.number, tc.shift, m, err, tc.want)
		}
	}
}

func FuzzParseNumber(f *testing.F) {
	f.Add("2.1999999999999999e-06", 6)
	f.Add("-0.0e40", -3)
	f.Add("99999999999999999999999999", 0)
	f.Fuzz(func(t *testing.T, number string, shift int) {
		if m, err := ParseNumber(number, shift%10); err == nil && m < 0 || err != nil && m != 0 {
			t.Fatalf("%q: %d, %v", number, m, err)
		}
	})
}
