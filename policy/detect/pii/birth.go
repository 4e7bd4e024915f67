package pii

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/shape"
)

var births = automaton.Must("born", "dob", "d.o.b", "date of birth", "birth date", "birthdate", "birthday", "date_of_birth", "dateofbirth", "birth_date",
	"geboren", "geburtsdatum", "geburtstag", "née le", "né le", "date de naissance", "naissance", "nacimiento", "nacido", "nacida", "nascimento", "nascido", "nata il", "nato il", "data di nascita", "geboortedatum", "urodzen")

var months = []string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
	"januar", "februar", "märz", "mai", "juni", "juli", "oktober", "dezember", "janvier", "mars", "avril", "juin", "juillet", "septembre", "octobre", "novembre",
	"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto", "septiembre", "octubre", "noviembre", "diciembre",
	"jan", "feb", "mar", "apr", "jun", "jul", "aug", "sept", "sep", "oct", "nov", "dec"}

// monthsBy are the months by the byte that they begin with.
var monthsBy = func() (t [256][]string) {
	for _, m := range months {
		t[m[0]] = append(t[m[0]], m)
	}
	return t
}()

// monthSecond are the second bytes of the months, by the first.
var monthSecond = func() (t [256]shape.Set) {
	for _, m := range months {
		t[m[0]].Add(m[1])
	}
	return t
}()

// dateBegins are the letters that dates begin with.
var dateBegins = table("jfmasondJFMASOND")

// birthBytes is how far before a date the word is that makes it one of birth.
const birthBytes = 40

// birth matches a whole date that the text says somebody was born on.
func (f *finder) birth(p int) int {
	b := f.c.At(p)
	if !digit(b) && !dateBegins[b] {
		return 0
	}
	if f.c.Short() {
		return 0
	}
	e := f.date(p)
	if e == 0 && !f.c.Short() {
		return 0
	}
	if !f.behind(p, birthBytes, births) {
		f.c.Clear() // it will be a date like any other
		return 0
	}
	if f.c.Short() || alnum(f.c.At(e)) || f.c.Short() {
		return 0
	}
	return e
}

// date matches 1984-03-12, 12.3.1984, 3/12/84, 12 March 1984, March 12th, 1984.
func (f *finder) date(p int) int {
	a, i := f.small(p, 4)
	switch {
	case i == p:
		i = f.month(p)
		if i == p {
			return 0
		}
		i = f.gap(i)
		day, e := f.small(i, 2)
		if e == i || day < 1 || day > 31 {
			return 0
		}
		return f.year(f.gap(f.ordinal(e)))
	case i-p == 4:
		if a < 1880 || a > 2100 {
			return 0
		}
		sep := f.c.At(i)
		if strings.IndexByte("-/.", sep) < 0 || sep == 0 {
			return 0
		}
		m, e := f.small(i+1, 2)
		if e == i+1 || f.c.At(e) != sep {
			return 0
		}
		d, end := f.small(e+1, 2)
		if end == e+1 || m < 1 || m > 12 || d < 1 || d > 31 {
			return 0
		}
		return end
	case i-p <= 2:
		if a < 1 || a > 31 {
			return 0
		}
		sep := f.c.At(i)
		if strings.IndexByte("-/.", sep) >= 0 && sep != 0 && digit(f.c.At(i+1)) {
			m, e := f.small(i+1, 2)
			if f.c.At(e) != sep || m < 1 || m > 31 || (m > 12 && a > 12) {
				return 0
			}
			y, end := f.small(e+1, 4)
			if n := end - e - 1; n != 2 && n != 4 || n == 4 && (y < 1880 || y > 2100) {
				return 0
			}
			return end
		}
		k := f.gap(f.ordinal(i))
		e := f.month(k)
		if e == k {
			return 0
		}
		return f.year(f.gap(e))
	}
	return 0
}

// small reads a number of at most n digits.
func (f *finder) small(i, n int) (value, end int) {
	end = i
	for end-i < n && digit(f.c.At(end)) {
		value = value*10 + int(f.text[end]-'0')
		end++
	}
	return value, end
}

func (f *finder) year(i int) int {
	y, e := f.small(i, 4)
	if e-i != 4 || y < 1880 || y > 2100 {
		return 0
	}
	return e
}

func (f *finder) ordinal(i int) int {
	switch [2]byte{f.c.At(i) | 0x20, f.c.At(i+1) | 0x20} {
	case [2]byte{'s', 't'}, [2]byte{'n', 'd'}, [2]byte{'r', 'd'}, [2]byte{'t', 'h'}:
		return i + 2
	}
	if f.c.At(i) == '.' {
		return i + 1
	}
	return i
}

// gap skips what stands between the parts of a date.
func (f *finder) gap(i int) int {
	for k := 0; k < 2; k++ {
		if b := f.c.At(i); b == ' ' || b == ',' || b == '-' || b == '.' {
			i++
		}
	}
	for _, of := range []string{"of ", "de "} {
		if f.c.At(i) == of[0] && f.c.At(i+1) == of[1] && f.c.At(i+2) == of[2] {
			return i + 3
		}
	}
	return i
}

func (f *finder) month(i int) int {
	first := fold(f.c.At(i))
	if monthsBy[first] == nil || !monthSecond[first].Has(fold(f.c.At(i+1))) {
		return i
	}
	for _, m := range monthsBy[first] {
		k := 0
		for k < len(m) && fold(f.c.At(i+k)) == m[k] {
			k++
		}
		if k == len(m) && !letter(f.c.At(i+k)) {
			return i + k
		}
	}
	return i
}

func fold(b byte) byte {
	if b >= 'A' && b <= 'Z' {
		b |= 0x20
	}
	return b
}
