package pii

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
)

// Names of the rules.
const (
	Email       = "email"
	Phone       = "phone"
	Card        = "credit-card"
	IBAN        = "iban"
	IP          = "ip-address"
	MAC         = "mac-address"
	Crypto      = "crypto-address"
	DateOfBirth = "date-of-birth"
	SSN         = "us-ssn"
)

// maxMatch is what no match exceeds: the longest mail address.
const maxMatch = 320

// Scanner finds personal data. Its zero value is ready.
type Scanner struct{}

var _ detect.Incremental = Scanner{}

// New returns the scanner.
func New() Scanner { return Scanner{} }

// Rules returns the names of all rules.
func (Scanner) Rules() []string {
	out := []string{Email, Phone, Card, IBAN, IP, MAC, Crypto, DateOfBirth}
	for _, id := range nationalIDs {
		out = append(out, id.rule)
	}
	return out
}

// MaxMatch implements detect.Scanner.
func (Scanner) MaxMatch() int { return maxMatch }

// MaxHeld implements detect.Incremental.
func (Scanner) MaxHeld() int { return maxMatch + 32 }

// Scan implements detect.Scanner.
func (s Scanner) Scan(dst []detect.Match, text string) []detect.Match {
	dst, _ = s.Advance(dst, text, 0, true)
	return dst
}

// Advance implements detect.Incremental.
func (Scanner) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	f := finder{c: detect.NewCursor(text, final), text: text}
	for p := from; p < len(text); {
		b := text[p]
		if !starts[b] {
			p++
			continue
		}
		var prev byte
		if p > 0 {
			prev = text[p-1]
		}
		if alnum(prev) && !escaped(text, p-1) || prev == '_' || escaped(text, p) {
			p++
			continue
		}
		end, rule := f.at(p, b, prev)
		if f.c.Short() {
			return dst, p
		}
		if end > p {
			dst = append(dst, detect.Match{Start: p, End: end, Rule: rule, Kind: detect.KindPII})
			p = end
			continue
		}
		p++
		if alnums[b] && prev != '\\' {
			// Nothing begins within a word, or right behind it. An escape that is
			// part of one stands at its beginning.
			for p < len(text) && alnums[text[p]] {
				p++
			}
			p = min(p+1, len(text))
		}
	}
	return dst, len(text)
}

// alnums are the letters and digits.
var alnums = func() (t [256]bool) {
	for b := range 256 {
		t[b] = alnum(byte(b))
	}
	return t
}()

// starts are the bytes with which a match can begin.
var starts = func() (t [256]bool) {
	for b := range 256 {
		t[b] = alnum(byte(b)) || b == '+' || b == '(' || b == ':' || b == '_'
	}
	// Letters of the alphabets of Europe in UTF-8.
	for b := 0xc3; b <= 0xc9; b++ {
		t[b] = true
	}
	return t
}()

// finder is one call of Advance. What it remembers only saves time.
type finder struct {
	c    detect.Cursor
	text string

	// No name of a mailbox begins before quiet: where the run of bytes that
	// could be one ends, there is no at sign.
	quiet int

	letters [maxForm]byte // those of an identifier that is checked

	// Where the words of identifiers are, see said.
	sayState automaton.State
	sayRead  int
	sayLast  [maxNational]int // by identifier: where its last word begins, +1
}

// maxNational is how many identifiers there are at most.
const maxNational = 32

func (f *finder) at(p int, b, prev byte) (int, string) {
	switch {
	case digit(b):
		return f.number(p, prev)
	case b == '+' || b == '(':
		return f.phone(p, prev), Phone
	case b == ':':
		return f.ip6(p, prev)
	}
	// The word decides what is worth trying: most are words.
	if e := f.email(p, prev); e > 0 || f.c.Short() {
		return e, Email
	}
	if b|0x20 >= 'a' && b|0x20 <= 'f' {
		if e, rule := f.ip6(p, prev); e > 0 || f.c.Short() {
			return e, rule
		}
	}
	if letter(b) {
		return f.code(p, b, prev)
	}
	return 0, ""
}

// number tries what begins with a digit, the strict forms first.
func (f *finder) number(p int, prev byte) (int, string) {
	if e, rule := f.ip6(p, prev); e > 0 || f.c.Short() {
		return e, rule
	}
	if e := f.ip4(p, prev); e > 0 || f.c.Short() {
		return e, IP
	}
	if e := f.card(p, prev); e > 0 || f.c.Short() {
		return e, Card
	}
	if e := f.birth(p); e > 0 || f.c.Short() {
		return e, DateOfBirth
	}
	if e, rule := f.national(p, prev); e > 0 || f.c.Short() {
		return e, rule
	}
	if e := f.phone(p, prev); e > 0 || f.c.Short() {
		return e, Phone
	}
	if e := f.email(p, prev); e > 0 || f.c.Short() {
		return e, Email
	}
	return f.crypto(p), Crypto
}

// code tries what begins with a letter and is no mail address.
func (f *finder) code(p int, b, prev byte) (int, string) {
	if e := f.birth(p); e > 0 || f.c.Short() {
		return e, DateOfBirth
	}
	digits := false
	i := p
	for end := min(len(f.text), p+26); i < end && alnums[f.text[i]]; i++ {
		digits = digits || digit(f.text[i])
	}
	n := i - p
	if n < 26 {
		f.c.At(i)
	}
	if f.c.Short() {
		return 0, ""
	}
	if !digits && n < 6 && n != 2 {
		return 0, "" // a word; identifiers have digits early on
	}
	if e := f.iban(p); e > 0 || f.c.Short() {
		return e, IBAN
	}
	if n == 26 && digits {
		if e := f.crypto(p); e > 0 || f.c.Short() {
			return e, Crypto
		}
	}
	if digits || n == 2 {
		return f.national(p, prev)
	}
	return 0, ""
}

func letter(b byte) bool { b |= 0x20; return b >= 'a' && b <= 'z' }
func digit(b byte) bool  { return b >= '0' && b <= '9' }
func alnum(b byte) bool  { return letter(b) || digit(b) }
func hex(b byte) bool    { return digit(b) || b|0x20 >= 'a' && b|0x20 <= 'f' }

// escaped tells whether the byte at p is the letter of an escape of JSON.
func escaped(text string, p int) bool {
	if p < 1 || text[p-1] != '\\' || p >= 2 && text[p-2] == '\\' {
		return false
	}
	b := text[p]
	return b == 'n' || b == 'r' || b == 't'
}
