package answer

import (
	"bytes"
	"slices"
)

// pattern is an ordinary event as it was last seen, but for what differs from one
// such event to the next: its texts, its padding, its number. What matches it says
// the same as that event did, so it needs no look of its own.
type pattern struct {
	raw    []byte // a copy of the event
	gaps   []gap  // in order
	misses uint   // events that were looked at because they did not match
}

// gap is a part of an event that may differ: the inside of a string, or a number.
type gap struct {
	from, to int // offsets
	kind     gapKind
}

type gapKind uint8

const (
	gapText   gapKind = iota // counts as generated text
	gapString                // a string that does not
	gapNumber
)

// maxPattern bounds what is kept of an event, in bytes.
const maxPattern = 4 << 10

// match reports whether an event is the known one with other texts, and the bytes
// of text in it.
func (p *pattern) match(raw []byte) (text int64, ok bool) {
	if len(p.gaps) == 0 {
		return 0, false
	}
	from := 0
	for i := range p.gaps {
		g := &p.gaps[i]
		same := p.raw[from:g.from]
		if !bytes.HasPrefix(raw, same) {
			return 0, false
		}
		raw = raw[len(same):]
		n := g.length(raw)
		if n < 0 {
			return 0, false
		}
		if g.kind == gapText {
			text += int64(n)
		}
		raw = raw[n:]
		from = g.to
	}
	return text, bytes.Equal(raw, p.raw[from:])
}

// length is how much of b the gap takes; -1 if b does not go on like that.
func (g *gap) length(b []byte) int {
	if g.kind == gapNumber {
		n := 0
		for n < len(b) && b[n]-'0' <= 9 {
			n++
		}
		return n
	}
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			return i
		case c < ' ': // a line end would begin another field
			return -1
		case c == '\\':
			if i++; i < len(b) && b[i] < ' ' {
				return -1
			}
		}
	}
	return -1
}

// learn takes an event whose data d was found to hold nothing but text. It looks
// again ever more rarely, so that streams without a pattern cost no more for it.
func (p *pattern) learn(raw, d []byte) {
	if p.misses++; p.misses&(p.misses-1) != 0 || len(raw) > maxPattern {
		return
	}
	// The data must be the last line, as all providers send it.
	at := len(bytes.TrimRight(raw, "\r\n")) - len(d)
	if at < 0 || !bytes.Equal(raw[at:at+len(d)], d) {
		return
	}
	head, ok := bytes.CutSuffix(bytes.TrimSuffix(raw[:at], []byte(" ")), []byte("data:"))
	if !ok || (len(head) > 0 && head[len(head)-1] != '\n' && head[len(head)-1] != '\r') {
		return
	}
	p.gaps = p.gaps[:0]
	scan(d, func(name []byte, from, to int) {
		kind := gapString
		switch {
		case from == len(d):
			return
		case d[from] != '"':
			if string(name) != "sequence_number" {
				return
			}
			for to = from; to < len(d) && d[to]-'0' <= 9; to++ {
			}
			if kind = gapNumber; to == from {
				return
			}
		case textual(name):
			kind = gapText
			fallthrough
		case string(name) == "obfuscation":
			from++
		default:
			return
		}
		p.gaps = append(p.gaps, gap{at + from, at + to, kind})
	})
	p.raw = append(p.raw[:0], raw...)
	p.gaps = slices.Clip(p.gaps)
}
