package secrets

import "math"

// entropy returns the bits per byte of s by the frequency of its bytes.
func entropy(s string) float64 {
	if len(s) < 2 {
		return 0
	}
	var count [256]uint16
	for i := range min(len(s), 4096) {
		count[s[i]]++
	}
	n := float64(min(len(s), 4096))
	var bits float64
	for _, c := range count {
		if c > 0 {
			f := float64(c) / n
			bits -= f * math.Log2(f)
		}
	}
	return bits
}

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

func letter(b byte) bool { b |= 0x20; return b >= 'a' && b <= 'z' }
func digit(b byte) bool  { return b >= '0' && b <= '9' }
func alnum(b byte) bool  { return letter(b) || digit(b) }
func hexDigit(b byte) bool {
	return digit(b) || (b|0x20 >= 'a' && b|0x20 <= 'f')
}
