// Package made makes texts that hold invented credentials and personal data in
// documented forms, and texts that only look like it. Values are drawn when the
// texts are made, so that nothing that looks like a credential stands in a file.
// It is for measures and tests only.
package made

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
)

// A Row is a text, and where what it holds stands. A row without Spans must not
// be flagged.
type Row struct {
	Name  string // provider, kind of data or kind of look-alike
	Text  string
	Spans []Span
}

// A Span is the bytes [Start, End).
type Span struct{ Start, End int }

// maker draws values.
type maker struct{ *rand.Rand }

const (
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	lower = "abcdefghijklmnopqrstuvwxyz"
	digit = "0123456789"
)

// classes are the letters of a value by the name that a template gives.
var classes = map[string]string{
	"hex": digit + "abcdef", "HEX": digit + "ABCDEF", "d": digit, "a": lower, "A": upper,
	"an": upper + lower + digit, "ln": lower + digit, "UN": upper + digit, "al": upper + lower,
	"b64": upper + lower + digit + "+/", "url": upper + lower + digit + "-_", "b32": upper + "234567", "bech": "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L",
	"p": upper + lower + digit + "!#%*+-_=.~^",
}

// fill writes what stands in «» in template: a class and a length as in «hex40»,
// or the name of a value. Parts in ‹› are marked as what is to be found.
func (m maker) fill(name, template string) Row {
	row := Row{Name: name}
	var out strings.Builder
	start := 0
	for i := 0; i < len(template); {
		rest := template[i:]
		switch {
		case strings.HasPrefix(rest, "«"):
			end := strings.Index(rest, "»")
			out.WriteString(m.value(rest[len("«"):end]))
			i += end + len("»")
		case strings.HasPrefix(rest, "‹"):
			start = out.Len()
			i += len("‹")
		case strings.HasPrefix(rest, "›"):
			row.Spans = append(row.Spans, Span{start, out.Len()})
			i += len("›")
		default:
			out.WriteByte(rest[0])
			i++
		}
	}
	row.Text = out.String()
	return row
}

func (m maker) from(letters string, n int) string {
	out := make([]byte, n)
	for i := range out {
		out[i] = letters[m.IntN(len(letters))]
	}
	return string(out)
}

func (m maker) pick(list []string) string { return list[m.IntN(len(list))] }

func (m maker) value(of string) string {
	if f, ok := values[of]; ok {
		return f(m)
	}
	at := strings.IndexAny(of, digit)
	if strings.HasPrefix(of, "b64") || strings.HasPrefix(of, "b32") {
		at = 3
	}
	class := classes[of[:at]]
	n, err := strconv.Atoi(strings.TrimPrefix(of[at:], ":"))
	if class == "" || err != nil {
		panic(fmt.Sprintf("made: no value %q", of))
	}
	return m.from(class, n)
}
