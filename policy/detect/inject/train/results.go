package main

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// How many texts of each sort the head for tool results learns from.
const (
	nAsked    = 26000 // what a user asks, out of place
	nShaping  = 9000  // orders for another reply
	nCodeAsk  = 5000
	nAgent    = 14000 // orders to act
	nPlain    = 8000  // direct attacks
	nClean    = 46000 // carriers without anything
	nPeople   = 10000 // what people ask of each other
	nResLang  = 250   // of each language, and as many harmless
	nPassages = 6     // texts made of each long row of prose, at most
)

// A pool is what one family of sources has to give: requests, and sentences of prose.
type pool struct {
	source string
	asks   []string
	prose  []string
}

// resultTexts returns what the head for tool results learns from: the same for the same seed
// and rows. A text with parts of a row is of the source of the row, so that it is held out with it.
func resultTexts(seed uint64, rows []row, part int) []row {
	s := &speaker{lex: lists(), rnd: rand.New(rand.NewPCG(seed, 5)), nested: true}
	pools := makePools(rows)
	var out []row
	add := func(n, label int, kind string, weight float32, make func(p pool) string) {
		for range n / part {
			p := pool{source: "grammar"}
			if len(pools) > 0 && s.chance(0.5) {
				p = pools[s.rnd.IntN(len(pools))]
			}
			out = append(out, place(row{Text: make(p), Label: label, Source: p.source, Kind: kind, weight: weight}))
		}
	}
	in := func(p pool, text string) string { return s.with(s.carry(s.proseOf(p)), text) }
	add(nAsked, 1, "asked", 1, func(p pool) string {
		text := s.say("request")
		if len(p.asks) > 0 && s.chance(0.75) {
			text = p.asks[s.rnd.IntN(len(p.asks))]
		}
		return in(p, text)
	})
	add(nShaping, 1, "shaping", 1, func(p pool) string {
		text := s.say("shaping")
		if s.chance(0.2) {
			text = s.say("replyhackcap") + "."
		}
		return in(p, s.shape(text))
	})
	add(nCodeAsk, 1, "codeask", 1, func(p pool) string {
		text := s.codeOrder()
		if s.chance(0.7) {
			return s.with(s.codeAnswer(s.sentence(s.proseOf(p))), text)
		}
		return in(p, text)
	})
	add(nAgent, 1, "agent", 1.3, func(p pool) string {
		text := s.say("aiask")
		if s.chance(0.35) {
			text = s.say("kbait")
		}
		return in(p, s.shape(text))
	})
	add(nPlain, 1, "direct", 1, func(p pool) string {
		text := s.shape(s.say("direct"))
		if s.chance(0.2) {
			text = s.personaText()
		}
		if s.chance(0.3) {
			return text
		}
		return in(p, text)
	})
	add(nClean, 0, "clean", 1, func(p pool) string {
		text := s.carry(s.proseOf(p)).clean()
		if s.chance(0.15) {
			text += "\n\n" + s.carry(s.proseOf(p)).clean()
		}
		return text
	})
	add(nPeople, 0, "people", 1, func(p pool) string {
		text := s.say([]string{"kmail", "note", "ktalk", "kreview", "kstep", "techdoc"}[s.rnd.IntN(6)])
		return in(p, s.shape(text))
	})
	add(nDocument, 0, "document", 0.7, func(pool) string { return s.document() })
	var langs []string
	for name := range s.lex {
		if l, ok := strings.CutSuffix(name, ".atk"); ok {
			langs = append(langs, l)
		}
	}
	slices.Sort(langs)
	for _, l := range langs {
		add(nResLang, 1, "language", 1, func(p pool) string { return in(p, s.foreignAttack(l)) })
		add(nResLang, 0, "foreign", 1, func(p pool) string { return s.foreignGood(l) })
	}
	out = append(out, s.passages(rows, part)...)
	late := lateTexts(seed, 3*part)
	for i := range late {
		late[i].weight = 1
	}
	return append(out, late...)
}

// codeOrder asks for code to be put into an answer, and mostly brings it.
func (s *speaker) codeOrder() string {
	text := s.say("codeask")
	if s.chance(0.1) {
		return text
	}
	list := "badcode"
	if s.chance(0.4) {
		list = "kcode"
	}
	code := s.several(list, 1, 3, "\n")
	if s.chance(0.7) {
		code = "```\n" + code + "\n```"
	}
	return text + "\n" + code
}

// proseOf returns what draws sentences of p, or nil.
func (s *speaker) proseOf(p pool) func() string {
	if len(p.prose) == 0 {
		return nil
	}
	return func() string { return p.prose[s.rnd.IntN(len(p.prose))] }
}

// makePools sorts what the benign rows hold by their families.
func makePools(rows []row) []pool {
	pools := make([]pool, len(families))
	for i := range pools {
		pools[i].source = families[i][len(families[i])-1]
	}
	for _, r := range rows {
		if r.Label != 0 {
			continue
		}
		p := &pools[foldOf(r.Source)]
		p.asks = append(p.asks, asked(r)...)
		p.prose = append(p.prose, told(r)...)
	}
	return slices.DeleteFunc(pools, func(p pool) bool { return len(p.asks)+len(p.prose) == 0 })
}

// asked returns the requests of a row.
func asked(r row) []string {
	t := strings.TrimSpace(r.Text)
	switch r.Source {
	case "mbpp":
		t, _, _ = strings.Cut(t, "\n")
	case "gpteacher_toolformer":
		t = t[strings.LastIndexByte(t, '\n')+1:]
	case "apibench":
		t, _, _ = strings.Cut(strings.TrimPrefix(t, "{'Instruction': "), ", 'Output'")
	case "t0_p3":
		var out []string
		for _, s := range sentences(t) {
			if strings.HasSuffix(s, "?") && len(s) < 160 && len(strings.Fields(s)) > 3 {
				out = append(out, s)
			}
		}
		return out[:min(len(out), 1)]
	case "gsm8k":
		s := sentences(t)
		t = s[len(s)-1]
	case "bipia_train":
		return nil
	case "deepset_train", "deepset_test":
		if !strings.ContainsAny(t, "?.") {
			return nil
		}
	}
	if len(t) < 12 || len(t) > 320 || len(strings.Fields(t)) < 3 {
		return nil
	}
	return []string{t}
}

// told returns the sentences of a row that tell something and ask nobody.
func told(r row) []string {
	switch r.Source {
	case "t0_p3", "piguard_valid", "gsm8k":
	default:
		return nil
	}
	all := sentences(r.Text)
	if len(all) < 4 {
		return nil
	}
	var out []string
	// Instructions stand at the ends of these rows.
	for _, s := range all[1 : len(all)-1] {
		if len(s) > 30 && len(s) < 260 && strings.HasSuffix(s, ".") && !asks(s) {
			out = append(out, s)
		}
	}
	return out
}

// asks reports whether a sentence looks as if it asked for something.
func asks(sentence string) bool {
	t := " " + strings.ToLower(sentence) + " "
	for _, w := range []string{"?", " you ", " your ", "question", "answer", "sentence", "summar", "options", "review", "paragraph", "following", "passage", "given ", "generate", "write", "title", "article", "hint:", "- "} {
		if strings.Contains(t, w) {
			return true
		}
	}
	return false
}

// sentences cuts a text behind full stops, question and exclamation marks, and at line breaks.
func sentences(text string) []string {
	var out []string
	start := 0
	cut := func(end int) {
		if s := strings.TrimSpace(text[start:end]); s != "" {
			out = append(out, s)
		}
		start = end
	}
	for i := range len(text) {
		switch text[i] {
		case '\n':
			cut(i)
		case '.', '?', '!':
			if i+1 < len(text) && text[i+1] == ' ' {
				cut(i + 1)
			}
		}
	}
	cut(len(text))
	return out
}

// passages makes harmless texts of the sentences of long rows of prose, in their order, and as many
// with a request or an attack between two of them.
func (s *speaker) passages(rows []row, part int) []row {
	var out []row
	pools := make(map[int][]string)
	for _, p := range makePools(rows) {
		pools[foldOf(p.source)] = p.asks
	}
	for i, r := range rows {
		if r.Label != 0 || i%part != 0 {
			continue
		}
		if r.Source == "bipia_train" {
			for k := range 12 {
				lines := strings.SplitAfter(r.Text, "\n")
				at := []int{0, len(lines), s.rnd.IntN(len(lines) + 1)}[k%3]
				before, after := strings.Join(lines[:at], ""), strings.Join(lines[at:], "")
				text := strings.TrimSpace(before + "\n" + openMark + s.order(pools[foldOf(r.Source)]) + closeMark + "\n" + after)
				out = append(out, place(row{Text: text, Label: 1, Source: r.Source, Kind: "embedded", weight: 1}))
			}
			continue
		}
		list := told(r)
		if len(list) < 3 {
			continue
		}
		for k := range min(nPassages, len(list)/3) {
			at := s.rnd.IntN(len(list) - 2)
			some := slices.Clone(list[at:min(len(list), at+3+s.rnd.IntN(12))])
			between := []string{" ", "\n", "\n\n"}[s.rnd.IntN(3)]
			label := k % 2
			if label == 1 {
				some = slices.Insert(some, []int{0, len(some), s.rnd.IntN(len(some) + 1)}[s.rnd.IntN(3)], openMark+s.order(pools[foldOf(r.Source)])+closeMark)
			}
			out = append(out, place(row{Text: strings.Join(some, between), Label: label, Source: r.Source, Kind: "passage", weight: 1}))
		}
	}
	return out
}

// order is something that no tool has a reason to say.
func (s *speaker) order(asks []string) string {
	switch s.rnd.IntN(9) {
	case 0, 1:
		if len(asks) > 0 {
			return asks[s.rnd.IntN(len(asks))]
		}
		return s.say("request")
	case 2, 3:
		return s.say("request")
	case 4, 5:
		return s.shape(s.say("shaping"))
	case 6:
		return s.shape(s.say("kbait"))
	case 7:
		return s.say("codeask") + "\n```\n" + s.say("badcode") + "\n```"
	}
	return s.shape(s.say("aiask"))
}
