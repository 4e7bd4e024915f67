package secrets

import "math"

// entropyBytes is how much of a value is measured. More tells nothing new.
const entropyBytes = 96

// entropy returns the bits per byte of the beginning of s, by the frequency of
// its bytes.
func entropy(s string) float64 {
	s = s[:min(len(s), entropyBytes)]
	if len(s) < 2 {
		return 0
	}
	var count [256]uint8
	var sum int64
	for i := range len(s) {
		c := &count[s[i]]
		sum += steps[*c]
		*c++
	}
	return float64(whole[len(s)]-sum) / float64(int64(len(s))<<logBits)
}

const logBits = 32

// whole are n·log2(n) with logBits behind the point, and steps by how much one more of a
// byte that was seen n times adds to that. Integers, so that the order does not matter.
var whole, steps = func() (w, t [entropyBytes + 1]int64) {
	for i := 1; i < len(w); i++ {
		w[i] = int64(math.Round(float64(i) * math.Log2(float64(i)) * (1 << logBits)))
		t[i-1] = w[i] - w[i-1]
	}
	return w, t
}()

// looks counts what a value is made of.
type looks struct {
	lower, upper, digit, other int
	repeat                     int // the longest run of one byte
	words                      int // runs of three and more letters of one case
	hex                        bool
	changes                    int // from a letter to a digit or back
}

func look(s string) looks {
	l := looks{hex: true}
	run, letters := 0, 0
	for i := range len(s) {
		b := s[i]
		if i > 0 && b == s[i-1] {
			run++
		} else {
			run = 1
		}
		l.repeat = max(l.repeat, run)
		switch {
		case b >= 'a' && b <= 'z':
			l.lower++
		case b >= 'A' && b <= 'Z':
			l.upper++
		case b >= '0' && b <= '9':
			l.digit++
		default:
			l.other++
		}
		if !hexDigit(b) {
			l.hex = false
		}
		if letter(b) {
			letters++
			if letters == 3 {
				l.words++
			}
		} else {
			letters = 0
		}
		if i > 0 && ((letter(b) && digit(s[i-1])) || (digit(b) && letter(s[i-1]))) {
			l.changes++
		}
	}
	return l
}

func hasDigit(s string) bool {
	for i := range len(s) {
		if digit(s[i]) {
			return true
		}
	}
	return false
}

func letter(b byte) bool { b |= 0x20; return b >= 'a' && b <= 'z' }
func digit(b byte) bool  { return b >= '0' && b <= '9' }
func alnum(b byte) bool  { return letter(b) || digit(b) }
func hexDigit(b byte) bool {
	return digit(b) || (b|0x20 >= 'a' && b|0x20 <= 'f')
}
