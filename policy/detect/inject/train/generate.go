package main

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// lists returns every list of the grammar.
func lists() lexicon {
	x := make(lexicon)
	for _, text := range []string{
		attackLists, payloadLists, attackLists2, payloadLists2,
		personaLists, toolLists, toolLists2, benignLists, questionLists, roleLists,
		languageLists1, languageLists1b, languageLists2, languageLists2b, technicalLists, triggerLists,
		requestLists, shapingLists, carrierLists, carrierLists2,
	} {
		x.add(text)
	}
	x["q"] = []string{"`"} // cannot stand in a raw string
	return x
}

// How many texts of each sort the grammar makes.
const (
	nDirect   = 24000
	nPersona  = 4000
	nTool     = 20000
	nReshape  = 7000
	nTidy     = 3000
	nHard     = 22000
	nCarrier  = 15000
	nDocument = 6000
	nEmbedded = 9000
	nLanguage = 700 // of each language, and as many harmless
)

// grammar returns the synthetic texts, the same for the same seed and rows: all
// that the counts above say, or one in part of them.
func grammar(seed uint64, rows []row, part int) []row {
	s := &speaker{lex: lists(), rnd: rand.New(rand.NewPCG(seed, 3))}
	var out []row
	add := func(n, label int, kind string, make func() string) {
		for range n / part {
			out = append(out, row{Text: make(), Label: label, Source: "grammar", Kind: kind})
		}
	}
	add(nDirect, 1, "direct", func() string { return s.shape(s.say("direct")) })
	add(nPersona, 1, "persona", s.personaText)
	add(nTool, 1, "tool", func() string { return s.inCarrier(s.shape(s.say("aiask"))) })
	add(nReshape, 1, "tool", func() string {
		text := s.say("promotion")
		if s.chance(0.5) {
			text = s.codeOrder()
		}
		return s.inCarrier(text)
	})
	add(nHard, 0, "hard", func() string { return s.shape(s.say("hard")) })
	add(nCarrier, 0, "carrier", func() string { return s.inCarrier(s.shape(s.say("note"))) })
	add(nTidy, 0, "carrier", func() string { return s.carry(nil).clean() })
	add(nDocument, 0, "document", s.document)
	var langs []string
	for name := range s.lex {
		if l, ok := strings.CutSuffix(name, ".atk"); ok {
			langs = append(langs, l)
		}
	}
	slices.Sort(langs)
	for _, l := range langs {
		add(nLanguage, 1, "language", func() string { return s.foreignAttack(l) })
		add(nLanguage, 0, "foreign", func() string { return s.foreignGood(l) })
	}
	return append(out, s.embedded(rows, nEmbedded/part)...)
}

// foreignAttack makes an attack in another language, often in the middle of
// something harmless or together with English.
func (s *speaker) foreignAttack(lang string) string {
	attack := s.say(lang + ".atk")
	if s.chance(0.35) {
		attack += ". " + s.say(lang+".atk")
	}
	switch s.rnd.IntN(8) {
	case 0, 1:
		attack = s.say(lang+".good") + " " + attack
	case 2:
		attack = s.say("question") + " " + attack
	case 3:
		attack = s.say("lead") + " " + attack
	case 4:
		attack = attack + ": " + s.say("payload")
	case 5:
		attack = s.inCarrier(attack)
	}
	return s.shape(attack)
}

// foreignGood makes harmless text in another language.
func (s *speaker) foreignGood(lang string) string {
	text := s.several(lang+".good", 1, 3, " ")
	if s.chance(0.15) {
		text = s.inCarrier(text)
	} else if s.chance(0.1) {
		text = s.say("question") + " " + text
	}
	return s.shape(text)
}

// embedded puts synthetic attacks into benign rows, at the start, the end or
// between two words. The row stays of its source, so that it is held out with
// it.
func (s *speaker) embedded(rows []row, n int) []row {
	var benign []int
	for i, r := range rows {
		if r.Label == 0 && len(r.Text) > 80 {
			benign = append(benign, i)
		}
	}
	var out []row
	for range min(n, len(benign)) {
		r := rows[benign[s.rnd.IntN(len(benign))]]
		list := "aiask"
		if s.chance(0.4) {
			list = "direct"
		}
		attack := s.shape(s.say(list))
		at := 0
		switch s.rnd.IntN(4) {
		case 0, 1:
			at = len(r.Text)
		case 2:
			from := s.rnd.IntN(len(r.Text))
			if i := strings.IndexAny(r.Text[from:], " \n"); i >= 0 {
				at = from + i
			}
		}
		between := "\n"
		if s.chance(0.4) {
			between = " "
		}
		r.Text = strings.TrimSpace(r.Text[:at] + between + attack + between + r.Text[at:])
		r.Label, r.Kind = 1, "embedded"
		out = append(out, r)
	}
	return out
}

// personaText makes a jailbreak of a few sentences or many about one name.
func (s *speaker) personaText() string {
	name := s.pick("pname")
	saved := s.lex["pname"]
	s.lex["pname"] = []string{name}
	defer func() { s.lex["pname"] = saved }()
	var b strings.Builder
	b.WriteString(s.say("persona"))
	between := " "
	if s.chance(0.3) {
		between = "\n"
	}
	n := s.rnd.IntN(9)
	if n > 0 {
		b.WriteString(between + s.several("prule", 1, n, between))
	}
	b.WriteString(between + s.say("pend"))
	return s.shape(b.String())
}

// inCarrier puts a text where a tool's answer has room for one.
func (s *speaker) inCarrier(text string) string {
	if s.chance(0.12) {
		return text
	}
	if s.chance(0.2) {
		return s.document() + "\n" + text + "\n" + s.document()
	}
	if s.chance(0.5) {
		return place(row{Text: s.with(s.carry(nil), text)}).Text
	}
	c := s.old(nil)
	return strings.Replace(c.text, slotMark, text, 1)
}
