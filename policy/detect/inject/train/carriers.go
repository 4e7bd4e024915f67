package main

import (
	"fmt"
	"strings"
)

// slotMark stands in a carrier where a text of another hand may be put.
const slotMark = "\x00"

// What stands around a text of another hand once it has been put in.
const (
	openMark  = "\x01"
	closeMark = "\x02"
)

// place takes these marks out of the text of r and tells it where they were.
func place(r row) row {
	from, to := strings.Index(r.Text, openMark), strings.Index(r.Text, closeMark)
	if from < 0 || to < from {
		return r
	}
	inner := r.Text[from+len(openMark) : to]
	rest := r.Text[to+len(closeMark):]
	r.Text = r.Text[:from] + inner + rest
	if r.Label == 1 {
		r.from, r.to = from, from+len(inner)
	}
	return r
}

// A carrier is a text as tools return it, with slotMarks between its parts. quote
// writes a text so that it fits in at those places.
type carrier struct {
	text  string
	quote func(string) string
}

func plainQuote(s string) string { return s }

func jsonQuote(s string) string {
	return strings.NewReplacer("\\", "\\\\", "\"", "\\\"", "\n", "\\n", "\t", "\\t").Replace(s)
}

func lineQuote(s string) string { return strings.Join(strings.Fields(s), " ") }

// carry makes a carrier. Prose is what the texts of others put in for sentences: it
// may be nil.
func (s *speaker) carry(prose func() string) carrier {
	sentence := s.sentence(prose)
	makers := []func(func() string) carrier{
		s.table, s.table, s.table, s.table, s.csv, s.json, s.json, s.json, s.json, s.yaml, s.xml, s.codeAnswer, s.codeAnswer, s.codeAnswer, s.codeAnswer, s.mail,
		s.mail, s.mail, s.mail, s.page, s.page, s.page, s.transcript, s.faq, s.howto, s.list, s.log, s.results, s.results, s.reviews, s.note, s.note, s.source, s.old, s.manual, s.manual, s.manual,
	}
	return makers[s.rnd.IntN(len(makers))](sentence)
}

// sentence returns what makes sentences that tell something.
func (s *speaker) sentence(prose func() string) func() string {
	return func() string {
		if prose != nil && s.chance(0.6) {
			return prose()
		}
		switch s.rnd.IntN(6) {
		case 0:
			return s.say("fact")
		case 1:
			return s.say("prose")
		case 2:
			return s.say("techdoc")
		}
		return s.say("kstatement")
	}
}

// parts joins parts with marks before, between and after them.
func (s *speaker) parts(n int, between string, part func() string) string {
	var b strings.Builder
	b.WriteString(slotMark)
	for range n {
		b.WriteString(part())
		b.WriteString(between)
		b.WriteString(slotMark)
	}
	return b.String()
}

// cell makes what stands in a field of a record.
func (s *speaker) cell() string {
	switch s.rnd.IntN(9) {
	case 0:
		return fmt.Sprint(s.rnd.IntN(2000))
	case 1:
		return fmt.Sprint(1900 + s.rnd.IntN(126))
	case 2:
		return fmt.Sprintf("%d,%03d", s.rnd.IntN(900), s.rnd.IntN(1000))
	case 3:
		return fmt.Sprintf("%.1f%%", float64(s.rnd.IntN(1000))/10)
	case 4:
		return fmt.Sprintf("%s %d", s.say("kmonth"), 1+s.rnd.IntN(28))
	case 5:
		w := s.randomWord(3 + s.rnd.IntN(8))
		return strings.ToUpper(w[:1]) + w[1:]
	case 6:
		a, b := s.randomWord(4+s.rnd.IntN(4)), s.randomWord(4+s.rnd.IntN(6))
		return strings.ToUpper(a[:1]) + a[1:] + " " + strings.ToUpper(b[:1]) + b[1:]
	}
	return s.say("kproper")
}

func (s *speaker) table(sentence func() string) carrier {
	columns := 2 + s.rnd.IntN(6)
	prose := -1
	if s.chance(0.2) {
		prose = s.rnd.IntN(columns)
	}
	width := 0
	if s.chance(0.5) {
		width = 8 + s.rnd.IntN(20)
	}
	form := s.rnd.IntN(6)
	row := func(cell func(i int) string) string {
		cells := make([]string, columns)
		for i := range cells {
			cells[i] = cell(i)
			if n := width - len(cells[i]); n > 0 {
				cells[i] += strings.Repeat(" ", n)
			}
		}
		switch form {
		case 0:
			return strings.Join(cells, "\t")
		case 1:
			return strings.Join(cells, "  ")
		case 2:
			return strings.Join(cells, " | ")
		case 3:
			return "<tr><td>" + strings.Join(cells, "</td><td>") + "</td></tr>"
		}
		return "| " + strings.Join(cells, " | ") + " |"
	}
	head := row(func(int) string { return s.say("kcolumn") })
	if form == 4 && s.chance(0.6) {
		head += "\n|" + strings.Repeat("---|", columns)
	}
	first := true
	body := s.parts(3+s.rnd.IntN(14), "\n", func() string {
		if first {
			first = false
			return head
		}
		return row(func(i int) string {
			if i == prose {
				return sentence()
			}
			return s.cell()
		})
	})
	if s.chance(0.15) {
		body = sentence() + "\n" + body
	}
	if s.chance(0.3) {
		return carrier{text: s.inField(body), quote: lineQuote}
	}
	return carrier{text: body, quote: plainQuote}
}

// inField leaves some of the marks where they are and moves the others into the
// fields of a table.
func (s *speaker) inField(body string) string {
	for _, sep := range []string{" | ", "\t", "</td><td>"} {
		if strings.Contains(body, sep) {
			return strings.ReplaceAll(strings.ReplaceAll(body, slotMark, ""), sep, " "+slotMark+sep)
		}
	}
	return body
}

func (s *speaker) csv(sentence func() string) carrier {
	columns := 2 + s.rnd.IntN(5)
	sep := []string{",", ";", "\t"}[s.rnd.IntN(3)]
	prose := s.rnd.IntN(columns * 2)
	body := s.parts(3+s.rnd.IntN(10), "\n", func() string {
		cells := make([]string, columns)
		for i := range cells {
			cells[i] = s.cell()
			if i == prose {
				cells[i] = `"` + sentence() + slotMark + `"`
			}
		}
		return strings.Join(cells, sep)
	})
	return carrier{text: body, quote: lineQuote}
}

// value makes the value of a member of a record.
func (s *speaker) value(sentence func() string) string {
	switch s.rnd.IntN(7) {
	case 0, 1:
		return sentence()
	case 2:
		return sentence() + " " + slotMark + sentence()
	case 3:
		return s.say("kmail")
	case 4:
		return s.say("kreview")
	}
	return s.cell()
}

func (s *speaker) json(sentence func() string) carrier {
	var object func(depth int) string
	object = func(depth int) string {
		var m []string
		for range 2 + s.rnd.IntN(5) {
			name := s.say("kjson")
			switch k := s.rnd.IntN(8); {
			case k == 0 && depth < 2:
				m = append(m, fmt.Sprintf("%q: %s", name, object(depth+1)))
			case k == 1 && depth < 2:
				var list []string
				for range 1 + s.rnd.IntN(3) {
					list = append(list, object(depth+1))
				}
				m = append(m, fmt.Sprintf("%q: [%s]", name+"s", strings.Join(list, ", ")))
			case k == 2:
				m = append(m, fmt.Sprintf("%q: %d", name, s.rnd.IntN(9000)))
			default:
				m = append(m, fmt.Sprintf("%q: \"%s%s\"", name, jsonQuote(s.value(sentence)), slotMark))
			}
		}
		if s.chance(0.4) {
			pad := "\n" + strings.Repeat("  ", depth+1)
			return "{" + pad + strings.Join(m, ","+pad) + pad[:len(pad)-2] + "}"
		}
		return "{" + strings.Join(m, ", ") + "}"
	}
	text := object(0)
	if s.chance(0.3) {
		text = "[" + text + ", " + object(0) + ", " + object(0) + "]"
	}
	quote := jsonQuote
	if s.chance(0.2) {
		// as Python prints it
		text = strings.ReplaceAll(text, `"`, "'")
	}
	return carrier{text: text, quote: quote}
}

func (s *speaker) yaml(sentence func() string) carrier {
	pad := []string{"", "  ", "- "}[s.rnd.IntN(3)]
	return carrier{text: s.parts(3+s.rnd.IntN(8), "\n", func() string {
		return pad + s.say("kjson") + ": " + s.value(sentence) + " " + slotMark
	}), quote: lineQuote}
}

func (s *speaker) xml(sentence func() string) carrier {
	root := s.say("kjson")
	return carrier{text: "<" + root + ">\n" + s.parts(2+s.rnd.IntN(7), "\n", func() string {
		name := s.say("kjson")
		return "  <" + name + ">" + s.value(sentence) + slotMark + "</" + name + ">"
	}) + "</" + root + ">", quote: plainQuote}
}

// snippet makes a few lines of code, fenced or not.
func (s *speaker) snippet() string {
	list := "kcode"
	if s.chance(0.3) {
		list = "codeline"
	}
	code := s.several(list, 1, 8, "\n")
	switch s.rnd.IntN(5) {
	case 0:
		return code
	case 1:
		return "```" + []string{"python", "js", "go", "sql"}[s.rnd.IntN(4)] + "\n" + code + "\n```"
	case 2:
		return "    " + strings.ReplaceAll(code, "\n", "\n    ")
	}
	return "```\n" + code + "\n```\n"
}

func (s *speaker) codeAnswer(sentence func() string) carrier {
	return carrier{text: s.parts(2+s.rnd.IntN(6), "\n", func() string {
		text := s.several("kanswer", 1, 3, " ")
		if s.chance(0.7) {
			text += "\n" + s.snippet()
		}
		if s.chance(0.15) {
			text += "\n" + sentence()
		}
		if s.chance(0.3) {
			text += "\n"
		}
		return text
	}), quote: plainQuote}
}

// source is a file of a program with comments.
func (s *speaker) source(sentence func() string) carrier {
	mark := []string{"# ", "// ", "-- ", " * "}[s.rnd.IntN(4)]
	return carrier{text: s.parts(3+s.rnd.IntN(6), "\n", func() string {
		if s.chance(0.4) {
			return mark + sentence() + slotMark
		}
		if s.chance(0.3) {
			return mark + s.say("kstep")
		}
		return s.several("codeline", 1, 6, "\n")
	}), quote: func(t string) string { return mark + strings.ReplaceAll(t, "\n", "\n"+mark) }}
}

func (s *speaker) mail(sentence func() string) carrier {
	between := []string{"\n\n", "\n", " ", "\n\n"}[s.rnd.IntN(4)]
	line := func() string {
		if s.chance(0.25) {
			return sentence()
		}
		return s.several("kmail", 1, 2, " ")
	}
	body := s.parts(2+s.rnd.IntN(8), between, line)
	head := ""
	switch s.rnd.IntN(5) {
	case 0:
		head = "From: " + s.say("kfrom") + "\nSubject: " + s.say("ksubject") + "\n\n"
	case 1:
		head = "SUBJECT: " + s.say("ksubject") + "\nFROM: " + s.say("kfrom") + "\nDATE: " + s.cell() + "\nBODY: "
	case 2:
		head = "Subject: " + s.say("ksubject") + "\nTo: " + s.say("kfrom") + "\n\n" + s.pick("kmail") + "\n"
	case 3:
		return carrier{text: fmt.Sprintf(`{"from": %q, "subject": %q, "body": "%s"}`, s.say("kfrom"), s.say("ksubject"), jsonQuote(body)), quote: jsonQuote}
	}
	return carrier{text: head + body, quote: plainQuote}
}

func (s *speaker) page(sentence func() string) carrier {
	html := s.chance(0.4)
	form := s.rnd.IntN(3)
	text := s.parts(2+s.rnd.IntN(6), "\n", func() string {
		h := s.say("kheading")
		var p []string
		for range 1 + s.rnd.IntN(4) {
			p = append(p, sentence())
		}
		body := strings.Join(p, " "+[]string{"", slotMark}[s.rnd.IntN(2)])
		if s.chance(0.2) {
			body += "\n" + s.several("kstep", 1, 4, "\n")
		}
		switch {
		case html:
			return "<h2>" + h + "</h2>\n<p>" + body + "</p>"
		case form == 0:
			return "## " + h + "\n\n" + body + "\n"
		case form == 1:
			return body + "\n"
		}
		return h + "\n" + body
	})
	return carrier{text: text, quote: plainQuote}
}

func (s *speaker) transcript(sentence func() string) carrier {
	form := s.rnd.IntN(3)
	return carrier{text: s.parts(3+s.rnd.IntN(8), "\n", func() string {
		line := s.say("ktalk")
		if s.chance(0.3) {
			line = sentence()
		}
		name := strings.ToLower(s.say("kname"))
		switch form {
		case 0:
			return fmt.Sprintf("[%02d:%02d] %s: %s%s", s.rnd.IntN(24), s.rnd.IntN(60), name, line, slotMark)
		case 1:
			return fmt.Sprintf(`{"user": %q, "text": "%s%s"},`, name, jsonQuote(line), slotMark)
		}
		return name + ": " + line + slotMark
	}), quote: lineQuote}
}

func (s *speaker) faq(func() string) carrier {
	form := s.rnd.IntN(3)
	return carrier{text: s.parts(2+s.rnd.IntN(5), "\n", func() string {
		q, a := s.say("kfaq"), s.several("kfaqa", 1, 2, " ")
		switch form {
		case 0:
			return "Q: " + q + "\nA: " + a + slotMark
		case 1:
			return "### " + q + "\n\n" + a + "\n"
		}
		return q + " " + a
	}), quote: lineQuote}
}

func (s *speaker) howto(sentence func() string) carrier {
	i := 0
	form := s.rnd.IntN(3)
	return carrier{text: "How to " + s.say("rdo") + "\n\n" + s.parts(3+s.rnd.IntN(7), "\n", func() string {
		i++
		step := s.several("kstep", 1, 2, " ")
		if s.chance(0.2) {
			step += " " + sentence()
		}
		switch form {
		case 0:
			return fmt.Sprintf("%d. %s", i, step)
		case 1:
			return "- " + step
		}
		return step
	}), quote: lineQuote}
}

func (s *speaker) list(sentence func() string) carrier {
	mark := []string{"- ", "* ", "[ ] ", "• ", ""}[s.rnd.IntN(5)]
	return carrier{text: s.parts(3+s.rnd.IntN(9), "\n", func() string {
		if s.chance(0.2) {
			return mark + sentence()
		}
		return mark + s.say("ktodo")
	}), quote: func(t string) string { return mark + lineQuote(t) }}
}

func (s *speaker) log(func() string) carrier {
	return carrier{text: s.parts(4+s.rnd.IntN(12), "\n", func() string {
		line := s.say("klog")
		if s.chance(0.4) {
			line = s.say("logline")
		}
		return fmt.Sprintf("2026-%02d-%02dT%02d:%02d:00Z %s", 1+s.rnd.IntN(12), 1+s.rnd.IntN(28), s.rnd.IntN(24), s.rnd.IntN(60), line)
	}), quote: lineQuote}
}

func (s *speaker) results(sentence func() string) carrier {
	i := 0
	form := s.rnd.IntN(3)
	return carrier{text: s.parts(2+s.rnd.IntN(5), "\n", func() string {
		i++
		title := s.say("kheading")
		if s.chance(0.3) {
			title = s.say("ksubject")
		}
		body := sentence() + " " + slotMark + sentence()
		site := s.randomWord(5+s.rnd.IntN(6)) + ".example"
		switch form {
		case 0:
			return fmt.Sprintf("Title: %s\nURL: https://%s/%s\nSnippet: %s\n", title, site, s.randomWord(6), body)
		case 1:
			return fmt.Sprintf("%d. %s | %s\n   %s", i, title, site, body)
		}
		return fmt.Sprintf(`{"title": "%s", "link": "https://%s", "snippet": "%s"}`, jsonQuote(title), site, jsonQuote(body))
	}), quote: lineQuote}
}

func (s *speaker) reviews(sentence func() string) carrier {
	return carrier{text: s.parts(2+s.rnd.IntN(5), "\n", func() string {
		text := s.several("kreview", 1, 3, " ")
		if s.chance(0.4) {
			text += " " + sentence()
		}
		if s.chance(0.5) {
			return fmt.Sprintf("%s (%d/5): %s%s", s.say("kproper"), 1+s.rnd.IntN(5), text, slotMark)
		}
		return text
	}), quote: lineQuote}
}

// manual is one of the texts that tell their readers what to do and ask them things.
func (s *speaker) manual(sentence func() string) carrier {
	list := []string{"kform", "kform", "kchange", "khelp", "klicence", "kspec", "kspec", "kpun"}[s.rnd.IntN(8)]
	form := s.rnd.IntN(6)
	i := 0
	return carrier{text: s.parts(3+s.rnd.IntN(8), "\n", func() string {
		i++
		line := s.say(list)
		if s.chance(0.25) {
			line += " " + sentence()
		} else if s.chance(0.3) {
			line += " " + s.say(list)
		}
		switch form {
		case 0:
			return fmt.Sprintf("%d. %s", i, line)
		case 1:
			return "- " + line
		case 2:
			return "### " + line + "\n"
		case 3:
			return "  --" + s.say("kident") + "\n      " + line
		case 4:
			return fmt.Sprintf("%07x %s", s.rnd.IntN(1<<28), line)
		}
		return line
	}), quote: lineQuote}
}

// note is running text.
func (s *speaker) note(sentence func() string) carrier {
	between := []string{" ", "\n", "\n\n"}[s.rnd.IntN(3)]
	return carrier{text: s.parts(1+s.rnd.IntN(10), between, sentence), quote: plainQuote}
}

// old is one of the first carriers.
func (s *speaker) old(func() string) carrier {
	c := s.pick("carriera")
	nested := s.nested
	s.nested = true
	defer func() { s.nested = nested }()
	c = s.fill(strings.Replace(c, "{ATTACK}", slotMark, 1), 0)
	quote := plainQuote
	if strings.ContainsAny(c[:1], "{[") {
		quote = jsonQuote
	}
	return carrier{text: c, quote: quote}
}

// clean returns the text of c as it is.
func (c carrier) clean() string { return strings.ReplaceAll(c.text, slotMark, "") }

// with returns the text of c with another text at one of its marks: at the first, the last or one by lot.
func (s *speaker) with(c carrier, text string) string {
	parts := strings.Split(c.text, slotMark)
	if len(parts) < 2 {
		return c.clean() + "\n" + openMark + text + closeMark
	}
	at := 1 + s.rnd.IntN(len(parts)-1)
	switch s.rnd.IntN(4) {
	case 0:
		at = 1
	case 1:
		at = len(parts) - 1
	}
	before, after := strings.Join(parts[:at], ""), strings.Join(parts[at:], "")
	text = c.quote(text)
	// A text of its own begins after a blank or a line, unless it fills a field.
	if n := len(before); n > 0 && !strings.ContainsAny(before[n-1:], " \n\t\">'") {
		text = " " + text
	}
	if len(after) > 0 && !strings.ContainsAny(after[:1], " \n\t\"<'") {
		if strings.HasSuffix(before, "\n") || before == "" {
			text += []string{"\n", "\n", "\n\n", " "}[s.rnd.IntN(4)]
		} else {
			text += " "
		}
	}
	if after == "" && strings.HasSuffix(before, "\n") && s.chance(0.5) {
		text = "\n" + text
	}
	return before + openMark + text + closeMark + after
}
