// Package answer reads and writes what goes back to the client: it splits
// event streams, follows an answer to its end (usage, failure, terminal event)
// and writes errors and lists of models in the caller's dialect.
//
// It must stay cheap on the events that carry text and must not know who asks
// or what anything costs.
package answer

import (
	"bytes"
	"errors"
	"strings"
)

// MaxEvent is the size of the largest server-sent event that is read, in bytes.
const MaxEvent = 16 << 20

// ErrEventTooLarge is returned by Feed for an event beyond MaxEvent.
var ErrEventTooLarge = errors.New("server-sent event larger than 16 MiB")

// Splitter cuts a stream of bytes into server-sent events at their blank lines,
// whatever mixture of LF, CRLF and CR ends the lines and wherever the stream is
// cut into pieces (the format is WHATWG HTML, server-sent events). No byte is
// lost, added or moved. The zero value is ready.
type Splitter struct {
	tail []byte // an event that is not complete
	// within is true inside a line; false where a line begins. cr is true
	// behind a CR whose LF may still come.
	within, cr bool
}

// Feed cuts p and calls yield for each complete event, its blank line included.
// An event that lies within p is a slice of it; an unfinished one is kept for
// the next call. The LF of a blank CRLF line that was cut in two comes as a
// piece of its own, since the event was handed out at the CR. It stops at the
// first error of yield.
func (s *Splitter) Feed(p []byte, yield func(event []byte) error) error {
	if s.cr && len(p) > 0 && len(s.tail) == 0 {
		s.cr = false
		if p[0] == '\n' {
			if err := yield(p[:1]); err != nil {
				return err
			}
			p = p[1:]
		}
	}
	lf := bytes.IndexByte(p, '\r') < 0
	for len(p) > 0 {
		n := s.scan(p, lf)
		if n == 0 {
			if len(s.tail)+len(p) > MaxEvent {
				return ErrEventTooLarge
			}
			s.tail = append(s.tail, p...)
			return nil
		}
		ev := p[:n]
		if len(s.tail) > 0 {
			if len(s.tail)+n > MaxEvent {
				return ErrEventTooLarge
			}
			s.tail = append(s.tail, ev...)
			ev, s.tail = s.tail, nil
		}
		p = p[n:]
		if err := yield(ev); err != nil {
			return err
		}
	}
	return nil
}

// Rest returns the unfinished event at the end of what was fed.
func (s *Splitter) Rest() []byte { return s.tail }

// scan returns the offset just behind the blank line that ends the current
// event, or 0 if p does not hold it. lf says that there is no CR in p.
func (s *Splitter) scan(p []byte, lf bool) int {
	i := 0
	if s.cr {
		s.cr = false
		if p[0] == '\n' { // the second half of a CRLF
			i = 1
		}
	}
	for i < len(p) {
		if !s.within {
			switch p[i] {
			case '\n':
				return i + 1
			case '\r':
				if i+1 == len(p) {
					s.cr = true
					return i + 1
				}
				if p[i+1] == '\n' {
					return i + 2
				}
				return i + 1
			}
			s.within = true
		}
		// The CR is searched before the LF only: a search to the end of p for
		// every line would make long pieces cost the square of their length.
		j := bytes.IndexByte(p[i:], '\n')
		line := p[i:]
		if j >= 0 {
			line = line[:j]
		}
		if !lf {
			if k := bytes.IndexByte(line, '\r'); k >= 0 {
				j = k
			}
		}
		if j < 0 {
			return 0
		}
		i += j + 1
		s.within = false
		if p[i-1] == '\r' {
			if i == len(p) {
				s.cr = true
			} else if p[i] == '\n' {
				i++
			}
		}
	}
	return 0
}

// Data returns the value of the event's data field; several data lines, which no
// LLM provider sends, are joined in a copy.
func Data(event []byte) []byte {
	var first, joined []byte
	event = bytes.TrimPrefix(event, byteOrderMark) // may open a stream
	for len(event) > 0 {
		var line []byte
		line, event = cutLine(event)
		v, ok := bytes.CutPrefix(line, []byte("data:"))
		if !ok {
			continue
		}
		v = bytes.TrimPrefix(v, []byte(" "))
		switch {
		case first == nil:
			first = v
			if len(bytes.Trim(event, "\r\n")) == 0 {
				return first
			}
		case joined == nil:
			joined = append(append(append(joined, first...), '\n'), v...)
		default:
			joined = append(append(joined, '\n'), v...)
		}
	}
	if joined != nil {
		return joined
	}
	return first
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// cutLine cuts b behind its first line end. Of a CRLF the LF stays, as an empty
// line, which means nothing inside an event.
func cutLine(b []byte) (line, rest []byte) {
	line = b
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		line, rest = b[:i], b[i+1:]
	}
	if i := bytes.IndexByte(line, '\r'); i >= 0 {
		line, rest = b[:i], b[i+1:]
	}
	return line, rest
}

// IsSSE reports whether a Content-Type is that of an event stream.
func IsSSE(contentType string) bool { return mediaType(contentType, "text/event-stream") }

// IsJSON reports whether a Content-Type is JSON.
func IsJSON(contentType string) bool {
	if mediaType(contentType, "application/json") {
		return true
	}
	t, _, _ := strings.Cut(contentType, ";")
	return strings.HasSuffix(strings.ToLower(strings.TrimSpace(t)), "+json")
}

func mediaType(contentType, want string) bool {
	return len(contentType) >= len(want) && strings.EqualFold(contentType[:len(want)], want) &&
		(len(contentType) == len(want) || contentType[len(want)] == ';' || contentType[len(want)] == ' ')
}
