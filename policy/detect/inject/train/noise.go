package main

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
)

// document makes a harmless text of a few parts of one or several sorts, as
// documents are: prose, code, logs, numbers.
func (s *speaker) document() string {
	sorts := []func() string{
		func() string { return s.several("codeline", 3, 25, "\n") },
		func() string { return s.several("codeline", 3, 12, "\n\t") },
		func() string { return s.several("confline", 3, 15, "\n") },
		func() string { return s.several("logline", 3, 15, "\n") },
		func() string { return s.several("change", 3, 12, "\n") },
		func() string { return s.several("techdoc", 2, 8, " ") },
		func() string { return s.several("techdoc", 2, 8, "\n\n") },
		func() string { return s.several("prose", 2, 6, " ") },
		func() string { return s.several("prose", 2, 6, " ") },
		func() string { return s.several("fact", 2, 8, " ") },
		func() string { return s.several("secfact", 1, 4, " ") },
		func() string { return s.several("note", 1, 4, "\n") },
		s.numbers, s.hexText, s.base64Text, s.constants, s.letters, s.symbols,
	}
	var b strings.Builder
	one := sorts[s.rnd.IntN(len(sorts))]
	mixed := s.chance(0.6)
	for i := range 1 + s.rnd.IntN(6) {
		if i > 0 {
			b.WriteString("\n")
			if s.chance(0.5) {
				b.WriteString("\n## " + s.say("subject") + "\n\n")
			}
			if mixed {
				one = sorts[s.rnd.IntN(len(sorts))]
			}
		}
		b.WriteString(one())
	}
	return b.String()
}

func (s *speaker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(s.rnd.Uint32())
	}
	return b
}

func (s *speaker) numbers() string {
	var b strings.Builder
	sep := []string{", ", ",", "\t", " | ", " ", "; "}[s.rnd.IntN(6)]
	format := []string{"%d", "%.2f", "0x%x", "%d%%", "%03d", "$%d"}
	form := format[s.rnd.IntN(len(format))]
	for range 2 + s.rnd.IntN(12) {
		for i := range 2 + s.rnd.IntN(8) {
			if i > 0 {
				b.WriteString(sep)
			}
			n := s.rnd.IntN(100000) >> s.rnd.IntN(16)
			if form == "%.2f" {
				fmt.Fprintf(&b, form, float64(n)/100)
			} else {
				fmt.Fprintf(&b, form, n)
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}

func (s *speaker) hexText() string {
	var b strings.Builder
	quote := s.chance(0.4)
	spaced := s.chance(0.3)
	for range 2 + s.rnd.IntN(10) {
		t := hex.EncodeToString(s.bytes(8 + s.rnd.IntN(40)))
		switch {
		case spaced:
			for i := 0; i+1 < len(t); i += 2 {
				b.WriteString(t[i:i+2] + " ")
			}
			b.WriteByte('\n')
		case quote:
			b.WriteString("\t\t\"" + t + "\",\n")
		default:
			b.WriteString(t + "\n")
		}
	}
	return b.String()
}

func (s *speaker) base64Text() string {
	t := base64.StdEncoding.EncodeToString(s.bytes(60 + s.rnd.IntN(500)))
	if s.chance(0.5) {
		return "-----BEGIN CERTIFICATE-----\n" + t + "\n-----END CERTIFICATE-----"
	}
	return "data:image/png;base64," + t
}

// constants makes lists of names and values as header files have.
func (s *speaker) constants() string {
	prefix := strings.ToUpper(s.randomWord(2 + s.rnd.IntN(4)))
	form := []string{"\t%s_%s = %#x\n", "#define %s_%s %d\n", "%s_%s=%d\n", "\t%s.%s,\n", "#include <%s/%s.h>\n", "\t\"%s/%s\"\n", "%s %s {%d}\n"}[s.rnd.IntN(7)]
	var b strings.Builder
	for range 4 + s.rnd.IntN(16) {
		w := s.randomWord(3 + s.rnd.IntN(10))
		if s.chance(0.5) {
			w = strings.ToUpper(w)
		}
		if strings.Count(form, "%") == 2 {
			fmt.Fprintf(&b, form, prefix, w)
		} else {
			fmt.Fprintf(&b, form, prefix, w, s.rnd.IntN(5000))
		}
	}
	return b.String()
}

// letters makes words that are no words, of any script.
func (s *speaker) letters() string {
	first := []rune{'а', 'α', 'א', 'ا', 'अ', '一', 'あ', '가', 'ก', 'Ա', 'ა'}[s.rnd.IntN(11)]
	span := 26
	if first == '一' || first == '가' {
		span = 3000
	}
	var b strings.Builder
	for range 10 + s.rnd.IntN(60) {
		for range 1 + s.rnd.IntN(9) {
			b.WriteRune(first + rune(s.rnd.IntN(span)))
		}
		b.WriteByte(' ')
	}
	return b.String()
}

func (s *speaker) symbols() string {
	const marks = "!@#$%^&*()_+-=[]{};':\",./<>?\\|`~"
	var b strings.Builder
	for range 20 + s.rnd.IntN(100) {
		m := marks[s.rnd.IntN(len(marks))]
		for range 1 + s.rnd.IntN(3) {
			b.WriteByte(m)
		}
		if s.chance(0.2) {
			b.WriteString(s.say("ident"))
		}
	}
	return b.String()
}

// randomWord makes a word that could be one.
func (s *speaker) randomWord(n int) string {
	const consonants, vowels = "bcdfghklmnprstvwz", "aeiou"
	b := make([]byte, n)
	for i := range b {
		if i%2 == 0 {
			b[i] = consonants[s.rnd.IntN(len(consonants))]
		} else {
			b[i] = vowels[s.rnd.IntN(len(vowels))]
		}
	}
	return string(b)
}
