package dialects

import (
	"cmp"
	"strings"

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
	seen := uint8(0)
	for i := range len(s) {
		f := handleBytes[s[i]]
		if f == 0 {
			return false
		}
		seen |= f
	}
	return seen&handleLetter != 0 || len(s) <= shortDigits
}

// handleBytes are the bytes of handles: sealed data is long, and read in full.
var handleBytes = func() (t [256]uint8) {
	for c := range t {
		switch {
		case (byte(c)|0x20)-'a' < 26:
			t[c] = handleLetter
		case strings.IndexByte("0123456789_-.:/+=~", byte(c)) >= 0:
			t[c] = handleOther
		}
	}
	return t
}()

const handleLetter, handleOther = 1, 2

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
	// maxSettingWord is how long a word of an API may be where servers have their own:
	// keys are longer.
	maxSettingWord = 32
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
	p.below(name, maxTypeLen, true)
	p.v.InputBound = bound + int64(p.Pos()-start)
}

// setting is count for what no model is shown. Its numbers are no text: a provider
// refuses anything else in the place of a seed.
func (p *parser) setting(name string) {
	bound := p.v.InputBound
	p.below(name, maxTypeLen, false)
	p.v.InputBound = bound
}

// serverSettings are members by which clients of compatible servers and of routers say how
// to run a request, in any dialect. Their words are those of an API.
var serverSettings = func() map[string]bool {
	m := map[string]bool{}
	for _, name := range []string{"seed", "random_seed", "top_k", "min_p", "top_a", "typical_p", "samplers", "cache_control", "betas", "prompt_cache_retention",
		"provider", "transforms", "route", "priority", "stop_token_ids", "allowed_token_ids", "guided_decoding_backend",
		"bootstrap_room", "t_max_predict_ms", "reasoning_format", "prompt_mode", "input_type", "output_dtype", "task"} {
		m[name] = true
	}
	return m
}()

// constraints are members by which compatible servers bind the answer, as response_format
// does elsewhere.
var constraints = map[string]bool{"guided_json": true, "guided_regex": true, "guided_choice": true, "guided_grammar": true, "structured_outputs": true,
	"json_schema": true, "regex": true, "ebnf": true, "grammar": true}

// other reads a member of the document that we do not know: all text in it counts.
func (p *parser) other(name string) {
	if asides[name] != "" {
		p.aside()
		return
	}
	switch {
	case serverSettings[name]:
		bound, start := p.v.InputBound, p.at()
		p.below(name, maxSettingWord, false)
		p.v.InputBound = bound + int64(p.Pos()-start)
		return
	case constraints[name]:
		switch p.Kind() {
		case strictjson.Object, strictjson.Array:
			p.raw(llm.RoleSystem, llm.KindToolDef, name)
		default:
			p.collect(llm.RoleSystem, llm.KindToolDef, name)
		}
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
	p.below(name, len(p.Data()), true)
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
func (p *parser) below(name string, maxLen int, numbers bool) {
	n := len(p.path)
	if name != "" {
		p.push(name)
	}
	p.leftovers(maxLen, numbers)
	p.pop(n)
}

// leftovers makes segments of what in a value is no handle of at most maxLen bytes. They
// get the role of what they stand in, or are the user's. Numbers are left out where they
// only set something.
func (p *parser) leftovers(maxLen int, numbers bool) {
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
			p.leftovers(maxLen, numbers)
			p.pop(n)
		}
	case strictjson.Object:
		for m := p.Enter(nil); p.Member(&m); {
			p.memberName(&m, "", llm.KindText)
			n := p.push(m.Name)
			p.leftovers(maxLen, numbers)
			p.pop(n)
		}
	case strictjson.Number:
		if numbers {
			p.number("", llm.KindText)
		} else {
			p.Skip()
		}
	default:
		p.Skip()
	}
}
