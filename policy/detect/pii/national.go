package pii

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
)

// nationalID is an identifier that a state gives to people.
type nationalID struct {
	rule string
	// forms are how it is written: # a digit, A a capital, * either, anything
	// else itself. A form that begins with ! is common enough to need a word.
	forms []string
	check func(v []byte) bool // over the letters and digits, in capitals
	words []string            // one of which stands before a common form
	index int                 // in nationalIDs
}

// Words which say that a number is an identifier of a person.
var nationalIDs = []*nationalID{
	{rule: SSN, forms: []string{"###-##-####", "!### ## ####", "!#########", "!###.##.####"}, check: ssn, words: oneOf("ssn", "social security", "social-security", "itin", "taxpayer")},
	{rule: "uk-nhs-number", forms: []string{"!### ### ####", "!###-###-####", "!##########"}, check: nhs, words: oneOf("nhs")},
	{rule: "uk-nino", forms: []string{"AA ## ## ## A", "!AA######A"}, check: nino, words: oneOf("nino", "national insurance", "ni number")},
	{rule: "ca-sin", forms: []string{"!### ### ###", "!###-###-###", "!#########"}, check: sin, words: oneOf("sin", "social insurance", "nas ")},
	{rule: "in-aadhaar", forms: []string{"!#### #### ####", "!####-####-####", "!############"}, check: aadhaar, words: oneOf("aadhaar", "aadhar", "uidai", "uid")},
	{rule: "in-pan", forms: []string{"!AAAAA####A"}, check: pan, words: oneOf("pan ", "pan:", "permanent account", "pan card", "pan number", "pan is")},
	{rule: "es-dni", forms: []string{"########A", "########-A", "A#######A", "A-#######-A", "##.###.###-A", "##.###.###A"}, check: dni, words: nil},
	{rule: "it-codice-fiscale", forms: []string{"AAAAAA##A##A###A"}, check: codice},
	{rule: "fr-nir", forms: []string{"!###############", "# ## ## ## ### ### ##"}, check: nir, words: oneOf("nir", "insee", "sécurité sociale", "securite sociale", "numéro de sécu", "vitale")},
	{rule: "de-tax-id", forms: []string{"!###########", "!## ### ### ###"}, check: steuer, words: oneOf("steuer", "idnr", "tax id", "tin", "identifikationsnummer")},
	{rule: "br-cpf", forms: []string{"###.###.###-##", "!###########"}, check: cpf, words: oneOf("cpf", "pessoa")},
	{rule: "pl-pesel", forms: []string{"!###########"}, check: pesel, words: oneOf("pesel")},
	{rule: "nl-bsn", forms: []string{"!#########", "!####.##.###"}, check: bsn, words: oneOf("bsn", "burgerservice", "sofi")},
	{rule: "se-personnummer", forms: []string{"!######-####", "!########-####", "!############", "!##########"}, check: personnummer, words: oneOf("personnummer", "personal number", "personal identity", "swedish id")},
	{rule: "fi-hetu", forms: []string{"######-###*", "######A###*", "######+###*"}, check: hetu},
	{rule: "cn-resident-id", forms: []string{"#################*"}, check: resident},
	{rule: "kr-rrn", forms: []string{"######-#######"}, check: rrn},
	{rule: "sg-nric", forms: []string{"A#######A"}, check: nric},
	{rule: "mx-curp", forms: []string{"AAAA######AAAAAA*#"}, check: curp},
	{rule: "za-id", forms: []string{"!#############"}, check: southAfrica, words: oneOf("id number", "identity", "id no", "south afric", " id")},
	{rule: "tr-tckn", forms: []string{"!###########"}, check: tckn, words: oneOf("tckn", "t.c.", "kimlik", "tc no")},
	{rule: "au-tfn", forms: []string{"!### ### ###", "!#########"}, check: tfn, words: oneOf("tfn", "tax file")},
	{rule: "au-medicare", forms: []string{"!#### ##### #", "!##########"}, check: medicare, words: oneOf("medicare")},
	{rule: "us-passport", forms: []string{"!#########", "!A########"}, check: always, words: oneOf("passport")},
	{rule: "us-bank-routing", forms: []string{"!#########"}, check: routing, words: oneOf("routing", "aba ")},
}

func oneOf(words ...string) []string { return words }

// saying is one machine for the words of all, and said whose words they are.
var saying, saidOf = func() (*automaton.Automaton, []int) {
	var words []string
	var of []int
	for i, id := range nationalIDs {
		id.index = i
		for _, w := range id.words {
			words = append(words, w)
			of = append(of, i)
		}
	}
	return automaton.Must(words...), of
}()

// said tells whether a word of id stands in the wordBytes before p. The text is read
// once, however many numbers and identifiers ask.
func (f *finder) said(id *nationalID, p int) bool {
	lo := max(0, p-wordBytes)
	if f.sayRead < lo {
		f.sayRead, f.sayState = lo, 0
	}
	for ; f.sayRead < p; f.sayRead++ {
		if f.sayState = saying.Next(f.sayState, f.text[f.sayRead]); saying.Ends(f.sayState) {
			saying.Words(f.sayState, func(w, n int) bool {
				last := &f.sayLast[saidOf[w]]
				*last = max(*last, f.sayRead-n+2)
				return true
			})
		}
	}
	return f.sayLast[id.index] > lo
}

const (
	wordBytes = 48 // how far before a number its word begins
	maxForm   = 24
)

// written is one form of an identifier.
type written struct {
	id     *nationalID
	form   string
	common bool
}

// byLead are the forms by how they begin: so many digits, or so many letters
// and then no more of them. A * counts as what comes before it.
var byLead = func() (t [2][maxForm][]written) {
	for _, id := range nationalIDs {
		for _, form := range id.forms {
			w := written{id: id, form: strings.TrimPrefix(form, "!"), common: form[0] == '!'}
			which, first := 0, w.form[0]
			if first == 'A' {
				which = 1
			}
			n := len(w.form) - len(strings.TrimLeft(w.form, string(first)))
			t[which][n] = append(t[which][n], w)
			if n < len(w.form) && w.form[n] == '*' {
				t[which][n+1] = append(t[which][n+1], w)
			}
		}
	}
	return t
}()

// valid tells whether v, which has the form, passes the check.
func (w *written) valid(v string, buf *[maxForm]byte) bool {
	all := buf[:0]
	for k := range len(v) {
		if c := w.form[k]; c == '#' || c == 'A' || c == '*' {
			all = append(all, v[k])
		}
	}
	return w.id.check(all)
}

// national matches one of the identifiers.
func (f *finder) national(p int, prev byte) (int, string) {
	if !open(prev) {
		return 0, ""
	}
	which, n := 0, 0
	if letter(f.c.At(p)) {
		which = 1
		for n < maxForm-1 && letter(f.c.At(p+n)) {
			n++
		}
	} else {
		for n < maxForm-1 && digit(f.c.At(p+n)) {
			n++
		}
	}
	if f.c.Short() {
		return 0, ""
	}
	for _, w := range byLead[which][n] {
		fits := true
		for k := range len(w.form) {
			b := f.c.At(p + k)
			switch w.form[k] {
			case '#':
				fits = digit(b)
			case 'A':
				fits = b >= 'A' && b <= 'Z'
			case '*':
				fits = digit(b) || b >= 'A' && b <= 'Z'
			default:
				fits = b == w.form[k]
			}
			if !fits {
				break
			}
		}
		if f.c.Short() {
			// What did not fit is the end. Without its word it never will.
			if w.common && !f.said(w.id, p) {
				f.c.Clear()
				continue
			}
			return 0, ""
		}
		// The word is asked for first: that is cheap, and numbers without one are many.
		if !fits || w.common && !f.said(w.id, p) || !w.valid(f.text[p:p+len(w.form)], &f.letters) {
			continue
		}
		if f.closed(p + len(w.form)) {
			if f.c.Short() {
				return 0, ""
			}
			return p + len(w.form), w.id.rule
		}
		if f.c.Short() {
			return 0, ""
		}
	}
	return 0, ""
}
