package dialects

import (
	"cmp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What a request says in places that are not made for prose: settings, ids, marks. A
// provider reads them all the same, and servers that are compatible with it put prose
// there, so everything that is not a handle becomes a segment.

// handle reports whether a string is the name of something rather than prose: a word of
// an API, an id, the name of a tool, encoded data. A longer run of digits and dashes is none, since cards and
// phones look like that.
func handle(s string) bool {
	letter := false
	for i := range len(s) {
		switch c := s[i]; {
		case (c|0x20)-'a' < 26:
			letter = true
		case c-'0' < 10, c == '_', c == '-', c == '.', c == ':', c == '/', c == '+', c == '=', c == '~':
		default:
			return false
		}
	}
	return letter || len(s) <= shortDigits
}

// memberHandle is handle for the names of members that we do not know: a long one with
// digits may be what somebody wrote as well as a name.
func memberHandle(s string) bool {
	if !handle(s) || len(s) > maxTypeLen {
		return false
	}
	for i := range len(s) {
		if s[i]-'0' < 10 {
			return len(s) <= maxNumbered
		}
	}
	return true
}

const (
	// shortDigits is how long a handle of digits may be: the number of a token.
	shortDigits = 7
	// maxNumbered is how long the name of a member with digits in it may be.
	maxNumbered = 12
	// longNumber is how many digits make a number worth looking at.
	longNumber = 9
)

// memberName makes a segment of a member's name unless it is a handle.
func (p *parser) memberName(m *strictjson.Members, role string, kind llm.SegmentKind) {
	if p.Err() == nil && !memberHandle(m.Name) {
		p.add(role, kind, "?", m.Name, llm.Span{Start: m.From, End: m.To})
	}
}

// unknown is collect for a member whose name may say something, too.
func (p *parser) unknown(m *strictjson.Members, role string, kind llm.SegmentKind) {
	name := cmp.Or(m.Name, "?")
	p.memberName(m, role, kind)
	p.collect(role, kind, name)
}

// number reads a number, which is a segment if it has digits enough to say something.
func (p *parser) number(role string, kind llm.SegmentKind) {
	start, end := p.Skip()
	if p.Err() != nil || end-start < longNumber {
		return
	}
	for _, c := range p.Data()[start:end] {
		if c-'0' > 9 {
			return // a fraction, or below zero
		}
	}
	span := llm.Span{Start: start, End: end}
	p.add(role, kind, "", p.json(span), span)
}

// count reads a value that is no text of the conversation, whose bytes may become tokens.
func (p *parser) count(name string) {
	bound, start := p.v.InputBound, p.at()
	p.below(name, maxTypeLen)
	p.v.InputBound = bound + int64(p.Pos()-start)
}

// setting is count for what no model is shown.
func (p *parser) setting(name string) {
	bound := p.v.InputBound
	p.below(name, maxTypeLen)
	p.v.InputBound = bound
}

// other reads a member of the document that we do not know: all text in it counts.
func (p *parser) other(name string) {
	if asides[name] != "" {
		p.aside()
		return
	}
	p.collect(llm.RoleUser, llm.KindText, name)
}

// aside reads a value that Asides tells apart; all of its bytes may become tokens.
func (p *parser) aside() {
	start, end := p.Skip()
	p.v.InputBound += int64(end - start)
}

// id is count for an id, a name, or sealed data: handles of any length.
func (p *parser) id(name string) {
	bound, start := p.v.InputBound, p.at()
	p.below(name, len(p.Data()))
	p.v.InputBound = bound + int64(p.Pos()-start)
}

// sweep reads the value at start once more, for what was passed over in it.
func (p *parser) sweep(name string, start int) {
	if p.Err() != nil {
		return
	}
	end := p.Pos()
	p.Seek(start)
	p.setting(name)
	p.Seek(end)
}

// below is leftovers for a member, or the value where we are (name empty).
func (p *parser) below(name string, maxLen int) {
	n := len(p.path)
	if name != "" {
		p.push(name)
	}
	p.leftovers(maxLen)
	p.pop(n)
}

// leftovers makes segments of what in a value is no handle of at most maxLen bytes. They
// get the role of what they stand in, or are the user's.
func (p *parser) leftovers(maxLen int) {
	switch p.Kind() {
	case strictjson.String:
		t := p.Str()
		if p.Err() != nil || t.End-t.Start <= 2 {
			return
		}
		if s := p.Text(t); !handle(s) || len(s) > maxLen {
			p.add("", llm.KindText, "", s, llm.Span{Start: t.Start, End: t.End})
		}
	case strictjson.Array:
		i := 0
		for l := p.Open(); p.Element(&l); i++ {
			n := p.pushIndex(i)
			p.leftovers(maxLen)
			p.pop(n)
		}
	case strictjson.Object:
		for m := p.Enter(nil); p.Member(&m); {
			p.memberName(&m, "", llm.KindText)
			n := p.push(m.Name)
			p.leftovers(maxLen)
			p.pop(n)
		}
	case strictjson.Number:
		p.number("", llm.KindText)
	default:
		p.Skip()
	}
}
