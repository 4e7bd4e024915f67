package pii

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
)

// Words that announce a telephone number, and words that follow one.
var (
	phoneBefore = automaton.Must("phone", "telefon", "téléphone", "telefono", "teléfono",
		" tel ", " tel:", " tel.", " tel(", " tel no", " tel#", " tel/", " call ", " call:", " call me", " calling", " mobile", " cell ", " cell:", " cellular", " fax", " contact", " reach me", " reach us", " reach him", " reach her", " reach them", " reach you", " reached at", " reachable", " answering at", " whatsapp",
		" sms", " dial ", " ring ", " ring:", " text me", " my number", " his number", " her number", " your number", " our number", " their number", " numbers are", " number to call", " hotline", " helpline", " handy", " viber", " signal:", " numero de", "móvil", " celular", " gsm", " office", " ph:", " ph.", " call us", " pager",
		" landline", " voicemail", " extension", " portable", " rufnummer", " numéro", " numero:", " cellulare", " mobil")
	phoneAfter = []string{"office", "fax", "mobile", "phone", "cell", "home", "work", "tel", "ext"}
	notPhone   = automaton.Must("isbn", "issn", "doi", "order", "invoice", "version", "serial", "tracking", "account", "zip", "population", "patent", "pmid", "year", "sku", "lat", "lon", "coordinates", "reference", "id:", "license", "licence", "passport")
)

// Country calling codes.
var callingCodes = func() map[int]bool {
	m := map[int]bool{1: true, 7: true}
	for _, c := range []int{20, 27, 30, 31, 32, 33, 34, 36, 39, 40, 41, 43, 44, 45, 46, 47, 48, 49, 51, 52, 53, 54, 55, 56, 57, 58, 60, 61, 62, 63, 64, 65, 66,
		81, 82, 84, 86, 90, 91, 92, 93, 94, 95, 98} {
		m[c] = true
	}
	for _, r := range [][2]int{{211, 213}, {216, 216}, {218, 218}, {220, 269}, {290, 291}, {297, 299}, {350, 359}, {370, 389}, {420, 423}, {500, 509},
		{590, 599}, {670, 692}, {800, 800}, {808, 808}, {850, 856}, {870, 870}, {878, 888}, {960, 979}, {992, 998}} {
		for c := r[0]; c <= r[1]; c++ {
			m[c] = true
		}
	}
	return m
}()

var phoneSeps = table(" -./")

// phone matches a telephone number: one with its country, one written as in
// North America, or any with a word nearby that says what it is.
func (f *finder) phone(p int, prev byte) int {
	if !open(prev) || prev == ',' && p > 1 && digit(f.text[p-2]) || prev == '(' && f.c.At(p) != '+' && p > 1 && alnum(f.text[p-2]) {
		return 0
	}
	if prev == ' ' && p > 1 && digit(f.text[p-2]) && f.c.At(p) != '+' {
		return 0 // the middle of a longer number
	}
	i := p
	plus := f.c.At(i) == '+'
	if plus {
		i++
	}
	var v [16]byte
	var groups [10]int
	n, sets, group, brackets, seps := 0, 0, 0, 0, 0
	var lastSep byte
	mixed := false
	for i-p < 32 {
		b := f.c.At(i)
		if digit(b) {
			if n == 15 {
				return 0
			}
			v[n] = b - '0'
			n++
			group++
			i++
			continue
		}
		if b == '(' && brackets == 0 && (group == 0 || n <= 4) {
			brackets = 1
			if group > 0 {
				groups[sets] = group
				sets++
				group = 0
			}
			i++
			continue
		}
		if b == ')' && brackets == 1 && group > 0 && group <= 5 {
			brackets = 2
			groups[sets] = group
			sets++
			group = 0
			i++
			if c := f.c.At(i); (c == ' ' || c == '-') && digit(f.c.At(i+1)) {
				i++
			}
			continue
		}
		if !phoneSeps[b] || brackets == 1 || group == 0 && !(b == ' ' && brackets == 2) {
			break
		}
		next := f.c.At(i + 1)
		if !digit(next) && !(next == '(' && brackets == 0) {
			break
		}
		if sets == len(groups)-1 {
			return 0
		}
		if group > 0 {
			groups[sets] = group
			sets++
			group = 0
		}
		if lastSep != 0 && lastSep != b {
			mixed = true
		}
		lastSep = b
		seps++
		i++
	}
	if group > 0 {
		groups[sets] = group
		sets++
	}
	if n < 6 || brackets == 1 {
		return 0
	}
	end := i
	g := groups[:sets]
	// An extension belongs to it.
	if e := f.extension(i); e > 0 {
		end = e
	} else if c := f.c.At(i); c == 'x' || c == ' ' && f.c.At(i+1) == 'x' {
		k := i + 1
		if c == ' ' {
			k++
		}
		from := k
		for k-from < 6 && digit(f.c.At(k)) {
			k++
		}
		if k > from {
			end = k
		}
	}
	if !f.closed(end) || f.c.At(end) == '%' || f.c.At(end) == '@' {
		return 0
	}
	if f.c.Short() {
		return 0
	}
	code, rest := 0, v[:n]
	international := plus
	if !plus && n > 10 && v[0] == 0 && v[1] == 0 && seps > 0 && g[0] > 1 {
		international, rest = true, v[2:n]
	}
	if international {
		if len(rest) < 8 {
			return 0
		}
		for k := range 3 {
			code = code*10 + int(rest[k])
			if callingCodes[code] {
				if code == 1 && (len(rest) != 11 || rest[1] < 2 && sets == 1) || code == 7 && len(rest) != 11 || sets == 1 && len(rest) > 13 {
					return 0
				}
				return end
			}
		}
		return 0
	}
	if slashed := lastSep == '/'; slashed && !mixed && n <= 8 || lastSep == '.' && sets == 2 && brackets == 0 {
		return 0 // a date, a fraction, a decimal number
	}
	if ones := single(g); ones > 1 || g[len(g)-1] == 1 || ones == 1 && lastSep == '.' && v[0] != 1 {
		return 0 // a version, an identifier of objects, decimal numbers
	}
	if dateForm(g, v[:n]) || len(g) > 3 && dateForm(g[:3], v[:g[0]+g[1]+g[2]]) || notPhoneForm(g) || lastSep == '.' && !mixed && octets(g, v[:n]) {
		return 0
	}
	american := form(g, 3, 3, 4) || form(g, 1, 3, 3, 4) && v[0] == 1 || form(g, 3, 7) && brackets == 2
	if american && (seps > 0 || brackets == 2) && lastSep != '/' && !(lastSep == ' ' && brackets == 0) {
		area := v[:n][n-10:]
		if (area[0] >= 2 && area[3] >= 2 || brackets == 2 || f.announced(p, end)) && !f.behind(p, 24, notPhone) {
			return end
		}
		return 0
	}
	if national(g, v[:n], lastSep, brackets, mixed) && !f.behind(p, 24, notPhone) {
		return end
	}
	if (n >= 7 || sets == 3) && f.announced(p, end) && !f.behind(p, 24, notPhone) {
		return end
	}
	return 0
}

// extension returns the end of "ext. 12" behind the number that ends at i, or 0.
func (f *finder) extension(i int) int {
	for k := 0; k < 2 && (f.c.At(i) == ' ' || f.c.At(i) == ','); k++ {
		i++
	}
	for _, w := range []string{"ext", "ension"} {
		k := 0
		for k < len(w) && f.c.At(i+k)|0x20 == w[k] {
			k++
		}
		if k < len(w) {
			if w == "ext" {
				return 0
			}
			break
		}
		i += k
	}
	for k := 0; k < 2 && strings.IndexByte(" .:", f.c.At(i)) >= 0 && f.c.At(i) != 0; k++ {
		i++
	}
	from := i
	for i-from < 6 && digit(f.c.At(i)) {
		i++
	}
	if i == from {
		return 0
	}
	return i
}

// national tells whether a number is written as within many countries: an area
// code that begins with one zero, then groups. Five pairs, as in France, could as
// well be a list: they need a word.
func national(g []int, v []byte, sep byte, brackets int, mixed bool) bool {
	if v[0] != 0 || v[1] == 0 || len(v) < 9 || len(v) > 11 || len(g) < 2 || len(g) > 4 || mixed || brackets == 0 && (len(g) < 3 || sep != ' ') {
		return false
	}
	return g[0] >= 2 && g[0] <= 5 && min(g[1], g[len(g)-1]) >= 3
}

// announced tells whether the text says that [p, end) is a telephone number.
func (f *finder) announced(p, end int) bool {
	if f.behindWord(p, 40, phoneBefore) || f.signed(p) {
		return true
	}
	i := end
	for k := 0; k < 3 && strings.IndexByte(" -,(", f.c.At(i)) >= 0 && f.c.At(i) != 0; k++ {
		i++
	}
	for _, w := range phoneAfter {
		k := 0
		for k < len(w) && f.c.At(i+k)|0x20 == w[k] {
			k++
		}
		if k == len(w) {
			return true
		}
	}
	return false
}

// signed tells whether a line begins with one letter that says in a signature what the
// number at p is: T 030 …, M: 0171 …
func (f *finder) signed(p int) bool {
	i := p
	if i > 0 && f.text[i-1] == ' ' {
		i--
	}
	if i > 0 && (f.text[i-1] == ':' || f.text[i-1] == '.') {
		i--
	}
	return i < p && i > 1 && strings.IndexByte("TMPF", f.text[i-1]) >= 0 && (f.text[i-2] == '\n' || f.text[i-2] == '|')
}

// single counts the groups of one digit.
func single(g []int) (n int) {
	for _, k := range g {
		if k == 1 {
			n++
		}
	}
	return n
}

// octets tells whether a number is written like an address of version 4.
func octets(g []int, v []byte) bool {
	if len(g) != 4 {
		return false
	}
	at := 0
	for _, n := range g {
		x := 0
		for _, d := range v[at : at+n] {
			x = x*10 + int(d)
		}
		if x > 255 || n > 1 && v[at] == 0 {
			return false
		}
		at += n
	}
	return true
}

func form(groups []int, want ...int) bool {
	if len(groups) != len(want) {
		return false
	}
	for i := range want {
		if groups[i] != want[i] {
			return false
		}
	}
	return true
}

// dateForm tells whether a number reads like a date or a span of years.
func dateForm(g []int, v []byte) bool {
	num := func(from, n int) (x int) {
		for _, d := range v[from : from+n] {
			x = x*10 + int(d)
		}
		return x
	}
	switch {
	case form(g, 4, 2, 2):
		return num(4, 2) <= 12 && num(6, 2) <= 31
	case form(g, 2, 2, 4), form(g, 1, 2, 4), form(g, 2, 1, 4):
		return num(len(v)-4, 4) >= 1000 && num(len(v)-4, 4) < 2200
	case form(g, 4, 4):
		return num(0, 4) >= 1000 && num(0, 4) < 2200 && num(4, 4) >= 1000 && num(4, 4) < 2200
	case form(g, 8):
		return num(0, 4) >= 1900 && num(0, 4) < 2100 && num(4, 2) <= 12 && num(6, 2) <= 31
	}
	return false
}

// notPhoneForm tells whether groups are those of something else: SSN, ISBN.
func notPhoneForm(g []int) bool {
	return form(g, 3, 2, 4) || form(g, 3, 1, 4, 4, 1) || form(g, 5, 4) || form(g, 4, 4, 4, 4)
}
