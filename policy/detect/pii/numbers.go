package pii

import (
	"net/netip"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
)

// digits are what a number is made of.
type digits struct {
	value  [20]byte // the digits themselves, 0 to 9
	n      int
	groups [8]int // how many digits stand between separators
	sets   int    // how many groups
	sep    byte   // the separator, or 0; 1 for different ones
	end    int
}

// read takes a number of most digits with single separators out of seps.
func (f *finder) read(p, most int, seps string) (d digits) {
	i, group := p, 0
	for d.n < most {
		b := f.c.At(i)
		if digit(b) {
			d.value[d.n] = b - '0'
			d.n++
			group++
			i++
			continue
		}
		if group == 0 || b == 0 || strings.IndexByte(seps, b) < 0 || d.sets == len(d.groups)-1 || !digit(f.c.At(i+1)) {
			break
		}
		d.groups[d.sets] = group
		d.sets++
		group = 0
		if d.sep == 0 {
			d.sep = b
		} else if d.sep != b {
			d.sep = 1
		}
		i++
	}
	if group > 0 {
		d.groups[d.sets] = group
		d.sets++
	}
	d.end = i
	return d
}

// form tells whether the groups of d are these.
func (d *digits) form(groups ...int) bool {
	if d.sets != len(groups) {
		return false
	}
	for i, g := range groups {
		if d.groups[i] != g {
			return false
		}
	}
	return true
}

func (d *digits) number(from, to int) (n int) {
	for _, v := range d.value[from:to] {
		n = n*10 + int(v)
	}
	return n
}

// closed tells whether a number may end at e.
func (f *finder) closed(e int) bool {
	b := f.c.At(e)
	if alnum(b) || b == '_' {
		return false
	}
	return !((b == '-' || b == '.' || b == ',' || b == '/') && digit(f.c.At(e+1)))
}

// open tells whether a number may begin behind prev.
func open(prev byte) bool { return !joins[prev] }

// joins are the bytes that join what stands behind them to what stands before.
var joins = table(".-/_#$%&@+*^\\~")

// table is the set of the bytes of s.
func table(s string) (t [256]bool) {
	for i := range len(s) {
		t[s[i]] = true
	}
	return t
}

// card matches the number of a payment card.
func (f *finder) card(p int, prev byte) int {
	b := f.c.At(p)
	if b < '1' || b > '6' || prev == '.' || prev == '_' || prev == '-' && p > 1 && alnum(f.text[p-2]) {
		return 0
	}
	d := f.read(p, 20, " -")
	if d.n < 12 || d.n > 19 || d.sep == 1 {
		return 0
	}
	if d.sets > 1 && !(d.form(4, 4, 4, 4) || d.form(4, 6, 5) || d.form(4, 6, 4) || d.form(4, 4, 4, 4, 3) || d.form(4, 4, 5) || d.form(6, 13) || d.form(4, 4, 4) && d.value[0] != 4 || d.form(4, 4, 4, 1) || d.form(4, 4, 4, 3)) {
		return 0
	}
	if c := f.c.At(d.end); alnum(c) || c == '_' || (c == '.' || c == '-') && alnum(f.c.At(d.end+1)) {
		return 0
	}
	if f.c.Short() || !brand(&d) || !luhn(d.value[:d.n]) {
		return 0
	}
	same := true
	for _, v := range d.value[1:d.n] {
		same = same && v == d.value[0]
	}
	if same || zeros(&d) > 8 {
		return 0
	}
	// Where an issuer's numbers are rare and everybody's are as long, it takes a
	// word; so it does in a list of numbers.
	if (d.n == 12 || d.n > 16 && d.sets == 1 && f.listed(p)) && !f.behind(p, 48, cardWords) {
		return 0
	}
	return d.end
}

var cardWords = automaton.Must("card", "credit", "debit", "visa", "master", "maestro", "amex", "diners", "discover", "jcb", "unionpay", "payment", "pay ", "charge", "pan:", "pan ", "cc:", "cc ", "cc#", "karte", "carte", "tarjeta", "cartão", "carta")

// zeros counts the zeros at the end.
func zeros(d *digits) (n int) {
	for n < d.n && d.value[d.n-1-n] == 0 {
		n++
	}
	return n
}

// listed tells whether a number stands behind another: "123, 456".
func (f *finder) listed(p int) bool {
	lo := max(0, p-24)
	i := p
	for i > lo && strings.IndexByte(" \t\n\r", f.text[i-1]) >= 0 {
		i--
	}
	return i > lo+1 && f.text[i-1] == ',' && digit(f.text[i-2])
}

// brand tells whether a network issues cards with this beginning and length.
func brand(d *digits) bool {
	two, three, four := d.number(0, 2), d.number(0, 3), d.number(0, 4)
	switch {
	case d.value[0] == 4:
		return d.n == 13 || d.n == 16 || d.n == 19
	case two >= 51 && two <= 55, four >= 2221 && four <= 2720:
		return d.n == 16
	case two == 34 || two == 37:
		return d.n == 15
	case three >= 300 && three <= 305, two == 36, two == 38, two == 39:
		return d.n == 14 || d.n == 16
	case four == 1800, four == 2131:
		return d.n == 15
	case four >= 3528 && four <= 3589:
		return d.n >= 16
	case four == 6011, three >= 644 && three <= 649, two == 65:
		return d.n == 16 || d.n == 19
	case two == 62:
		return d.n >= 16
	case two == 50, two >= 56 && two <= 58, two == 60, two == 63, two == 67:
		return d.n == 12 || d.n == 13 || d.n == 16 || d.n == 18 || d.n == 19
	case four >= 2200 && four <= 2204:
		return d.n == 16
	}
	return false
}

// luhn is the check of cards and many identifiers.
func luhn(v []byte) bool {
	sum := 0
	for i := range len(v) {
		n := int(v[len(v)-1-i])
		if i%2 == 1 {
			if n *= 2; n > 9 {
				n -= 9
			}
		}
		sum += n
	}
	return sum%10 == 0
}

var versions = automaton.Must("version", "release", "ver.", "build", "firmware", " v", "section", "chapter", "oid")

// ip4 matches four octets.
func (f *finder) ip4(p int, prev byte) int {
	if strings.IndexByte(".-_", prev) >= 0 && prev != 0 {
		return 0
	}
	i := p
	var octets [4]int
	for k := range 4 {
		from := i
		for i-from < 4 && digit(f.c.At(i)) {
			octets[k] = octets[k]*10 + int(f.text[i]-'0')
			i++
		}
		if i == from || i-from > 3 || octets[k] > 255 || i-from > 1 && f.text[from] == '0' {
			return 0
		}
		if k < 3 {
			if f.c.At(i) != '.' {
				return 0
			}
			i++
		}
	}
	if b := f.c.At(i); alnum(b) || b == '_' || (b == '.' || b == '-') && alnum(f.c.At(i+1)) && (b == '.' || digit(f.c.At(i+1))) {
		// 1.2.3.4.5 is no address, and 1.2.3.4-5 no single one.
		return 0
	}
	if f.c.Short() || octets[0] == 0 || octets[0] == 127 || octets[0] == 255 {
		return 0
	}
	if octets[0] < 10 && octets[1] < 20 && octets[2] < 20 && f.behind(p, 24, versions) {
		return 0
	}
	return i
}

// ip6 matches an address of version 6, or one of a network card.
func (f *finder) ip6(p int, prev byte) (int, string) {
	if prev == ':' || prev == '.' || prev == '-' {
		return 0, ""
	}
	if f.c.At(p+2) == '-' {
		return f.dashed(p), MAC
	}
	i, colons, digitsSeen, groups, group := p, 0, 0, 0, 0
	for i-p < 46 {
		b := f.c.At(i)
		if hex(b) {
			if group++; group > 4 {
				return 0, ""
			}
			if group == 1 {
				groups++
			}
			if digit(b) {
				digitsSeen++
			}
		} else if b == ':' {
			colons++
			group = 0
		} else if b == '.' && colons >= 2 && digit(f.c.At(i+1)) {
			group = 0
		} else {
			break
		}
		i++
		if colons == 0 && i-p > 4 {
			return 0, ""
		}
	}
	if colons < 2 {
		return 0, ""
	}
	if f.text[i-1] == ':' && !(i-p >= 2 && f.text[i-2] == ':') {
		i--
	}
	if f.c.Short() || alnum(f.c.At(i)) || f.c.At(i) == '_' {
		return 0, ""
	}
	v := f.text[p:i]
	if colons == 5 && len(v) == 17 && groups == 6 && digitsSeen > 0 {
		return i, MAC
	}
	if digitsSeen == 0 || groups < 2 || groups < 3 && len(v) < 7 {
		return 0, ""
	}
	if a, err := netip.ParseAddr(v); err != nil || !a.Is6() || a.IsLoopback() || a.IsUnspecified() {
		return 0, ""
	}
	return i, IP
}

// dashed matches the address of a network card as Windows writes it: AB-12-…
func (f *finder) dashed(p int) int {
	letters, digits := 0, 0
	for i := range 17 {
		switch b := f.c.At(p + i); {
		case i%3 == 2:
			if b != '-' {
				return 0
			}
		case digit(b):
			digits++
		case hex(b):
			letters++
		default:
			return 0
		}
	}
	if b := f.c.At(p + 17); alnum(b) || b == '-' || b == '_' || letters == 0 || digits == 0 || f.c.Short() {
		return 0
	}
	return p + 17
}

// behind tells whether a word of a stands in the n bytes before p.
func (f *finder) behind(p, n int, a *automaton.Automaton) bool {
	return a.Contains(f.text[max(0, p-n):p])
}

// behindWord is behind for words of which those that begin with a space stand for
// a whole word: what is no letter or digit counts as that space.
func (f *finder) behindWord(p, n int, a *automaton.Automaton) bool {
	var s automaton.State
	lo := max(0, p-n)
	if lo == 0 {
		s = a.Next(s, ' ')
	}
	for i := lo; i < p; i++ {
		b := f.text[i]
		if s = a.Next(s, b); a.Ends(s) {
			return true
		}
		if b < 0x80 && !alnum(b) && b != ' ' {
			if t := a.Next(0, ' '); t != 0 && s == 0 {
				s = t
			}
		}
	}
	return false
}
