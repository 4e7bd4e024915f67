package dialects

import (
	"cmp"
	"slices"
	"unsafe"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// add appends a segment; its bytes count as tokens.
func (p *parser) add(role string, kind llm.SegmentKind, name, text string, span llm.Span) {
	if len(p.v.Segments) >= maxPieces {
		p.deny("", "the request holds more than %d pieces of content: send fewer", maxPieces)
		return
	}
	p.v.InputBound += int64(len(text))
	p.v.Segments = append(p.v.Segments, llm.Segment{Role: role, Kind: kind, Path: p.here(name), Text: text, Span: span})
}

// text reads a string into a segment.
func (p *parser) text(role string, kind llm.SegmentKind, name string) {
	t := p.Str()
	if p.Err() == nil {
		p.add(role, kind, name, p.Text(t), llm.Span{Start: t.Start, End: t.End})
	}
}

// optionalText reads a string or null.
func (p *parser) optionalText(role string, kind llm.SegmentKind, name string) {
	if !p.null() && p.is(strictjson.String, name) {
		p.text(role, kind, name)
	}
}

// raw reads any value into one segment that holds its JSON.
func (p *parser) raw(role string, kind llm.SegmentKind, name string) {
	start, end := p.Skip()
	if p.Err() == nil {
		span := llm.Span{Start: start, End: end}
		p.add(role, kind, name, p.json(span), span)
	}
}

// json returns the JSON in a span, sharing its memory.
func (p *parser) json(s llm.Span) string {
	return unsafe.String(unsafe.SliceData(p.Data()[s.Start:s.End]), s.Len())
}

// opaque reads a value that is data, not text: a segment without text. It adds
// nothing to the bound; the caller does.
func (p *parser) opaque(role string, kind llm.SegmentKind, name string) llm.Span {
	start, end := p.Skip()
	if p.Err() != nil {
		return llm.Span{}
	}
	span := llm.Span{Start: start, End: end}
	p.add(role, kind, name, "", span)
	return span
}

// collect reads any value and makes a segment of every string in it: for what
// we do not know, so that no text escapes the view. All bytes count as tokens.
func (p *parser) collect(role string, kind llm.SegmentKind, name string) {
	bound := p.v.InputBound
	start := p.at()
	n := len(p.path)
	if name != "" {
		p.push(name)
	}
	p.collectStrings(role, kind)
	p.pop(n)
	p.v.InputBound = bound + int64(p.Pos()-start)
}

func (p *parser) collectStrings(role string, kind llm.SegmentKind) {
	switch p.Kind() {
	case strictjson.String:
		if t := p.Str(); p.Err() == nil && t.End-t.Start > 2 { // empty ones say nothing
			p.add(role, kind, "", p.Text(t), llm.Span{Start: t.Start, End: t.End})
		}
	case strictjson.Array:
		i := 0
		for l := p.Open(); p.Element(&l); i++ {
			n := p.pushIndex(i)
			p.collectStrings(role, kind)
			p.pop(n)
		}
	case strictjson.Object:
		for m := p.Enter(nil); p.Member(&m); {
			p.memberName(&m, role, kind)
			n := p.push(m.Name)
			p.collectStrings(role, kind)
			p.pop(n)
		}
	case strictjson.Number:
		p.number(role, kind)
	default:
		p.Skip()
	}
}

// unbounded notes a part of the request whose tokens its bytes do not bound.
func (p *parser) unbounded(name string) {
	if len(p.v.Unbounded) < maxUnbounded && !slices.Contains(p.v.Unbounded, name) {
		p.v.Unbounded = append(p.v.Unbounded, name)
	}
}

// unboundedIfSet skips a member and notes it unless it is null or empty.
func (p *parser) unboundedIfSet(name string) {
	if p.null() {
		return
	}
	start := p.at()
	p.count(name)
	if p.Err() != nil {
		return
	}
	switch string(p.Data()[start:p.Pos()]) {
	case "[]", "{}", "false", `""`:
	default:
		p.unbounded(name)
	}
}

// word reads a string that names a type or role; "" after null. Long ones are
// cut: they are none that we know.
func (p *parser) word(name string) string {
	if p.null() || !p.is(strictjson.String, name) {
		return ""
	}
	t := p.Str()
	if p.Err() != nil {
		return ""
	}
	s := p.Text(t)
	if !handle(s) || len(s) > maxTypeLen {
		p.add("", llm.KindText, name, s, llm.Span{Start: t.Start, End: t.End})
	} else {
		p.v.InputBound += int64(len(s)) // templates may print it
	}
	return s[:min(len(s), maxTypeLen)]
}

// ordinary skips a member that names a tier or mode of service. All but the
// ordinary ones cost more than the listed price, so they count as unbounded.
func (p *parser) ordinary(name string, words ...string) {
	if p.Kind() != strictjson.String {
		p.unboundedIfSet(name)
		return
	}
	if w := p.word(name); p.Err() == nil && !slices.Contains(words, w) {
		p.unbounded(name)
	}
}

// order sorts the segments by their place: a part's data is added when all of
// the part was read.
func (p *parser) order() {
	byPlace := func(a, b llm.Segment) int { return cmp.Compare(a.Span.Start, b.Span.Start) }
	s := p.v.Segments
	for i := 1; i < len(s); i++ {
		if s[i].Span.Start < s[i-1].Span.Start {
			slices.SortStableFunc(s, byPlace)
			return
		}
	}
}

// list reads an array member, calling each with the index of an element; the
// path is that of the element. It reports false if the value is not an array.
func (p *parser) list(name string, each func(*parser, int)) {
	if !p.is(strictjson.Array, name) {
		return
	}
	n := p.push(name)
	i := 0
	for l := p.Open(); p.Element(&l); i++ {
		k := p.pushIndex(i)
		each(p, i)
		p.pop(k)
	}
	p.pop(n)
}

// mark is a place to return to when what was read turns out to be something else.
type mark struct {
	segments, unbounded int
	bound               int64
	pos                 int
}

func (p *parser) mark() mark {
	return mark{len(p.v.Segments), len(p.v.Unbounded), p.v.InputBound, p.at()}
}

// again undoes what was noted since m and reads the value at m as unknown.
func (p *parser) again(m mark, role string, kind llm.SegmentKind) {
	if p.Err() != nil {
		return
	}
	end := p.Pos()
	p.v.Segments, p.v.Unbounded, p.v.InputBound = p.v.Segments[:m.segments], p.v.Unbounded[:m.unbounded], m.bound
	p.Seek(m.pos)
	p.collect(role, kind, "")
	p.Seek(end)
}

// fill sets the role of the segments since m that have none yet.
func (p *parser) fill(m mark, role string) {
	for i := m.segments; i < len(p.v.Segments); i++ {
		if s := &p.v.Segments[i]; s.Role == "" {
			s.Role = role
		}
	}
}

// results turns the texts since m into tool results.
func (p *parser) results(m mark) {
	for i := m.segments; i < len(p.v.Segments); i++ {
		s := &p.v.Segments[i]
		s.Role = llm.RoleTool
		if s.Kind == llm.KindText {
			s.Kind = llm.KindToolResult
		}
	}
}

// clean reports whether a type name may be shown in View.Unbounded and records.
func clean(s string) bool {
	for i := range len(s) {
		if c := s[i]; c-'a' >= 26 && c-'0' >= 10 && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) < maxTypeLen
}
