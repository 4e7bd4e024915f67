package rewrite

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

type byteKind = jsontext.Kind

// frame is an event: its data and the lines around them.
type frame struct {
	lines []byte // the other lines of a server-sent event, each with its end
	data  []byte
	bare  bool // a line of newline-delimited JSON, or JSON without any framing
	text  int  // where the text stands in the data of a likeness
}

// cut takes an event apart.
func cut(d llm.Dialect, raw []byte) frame {
	if d.Family() == llm.FamilyOllama {
		return frame{data: bytes.TrimRight(raw, "\r\n"), bare: true}
	}
	var f frame
	seen := false
	raw = bytes.TrimPrefix(raw, []byte("\xef\xbb\xbf")) // may open a stream
	for rest := raw; len(rest) > 0; {
		line := rest
		if i := bytes.IndexAny(rest, "\r\n"); i >= 0 {
			line = rest[:i]
			if rest = rest[i+1:]; len(rest) > 0 && raw[len(raw)-len(rest)-1] == '\r' && rest[0] == '\n' {
				rest = rest[1:]
			}
		} else {
			rest = nil
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case len(line) == 0:
		case string(name) == "data":
			if seen {
				f.data = append(f.data, '\n')
			}
			f.data = append(f.data, bytes.TrimPrefix(value, []byte(" "))...)
			seen = true
		default:
			f.lines = append(append(f.lines, line...), '\n')
		}
	}
	if !seen && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("{")) {
		return frame{data: bytes.TrimSpace(raw), bare: true} // Google's errors inside a stream
	}
	return f
}

// append writes the event.
func (f *frame) append(dst []byte) []byte {
	if f.bare {
		return append(append(dst, f.data...), '\n')
	}
	dst = append(dst, f.lines...)
	if len(f.data) == 0 {
		return append(dst, '\n')
	}
	for line := range bytes.SplitSeq(f.data, []byte("\n")) {
		dst = append(append(append(dst, "data: "...), line...), '\n')
	}
	return append(dst, '\n')
}

// said filters the lines beside the data, which no client should read and any could: comments,
// ids and fields that nobody knows. It reports whether any has changed.
func (f *frame) said(filter Filter) (changed bool) {
	var out []byte
	for rest := f.lines; len(rest) > 0; {
		line, after, _ := bytes.Cut(rest, []byte("\n"))
		rest = after
		text := string(line)
		if !plainLine(line) {
			text = filter.Whole(Text, text)
			changed = changed || text != string(line)
		}
		out = append(append(out, text...), '\n')
	}
	if changed {
		f.lines = out
	}
	return changed
}

// plainLine reports whether a line names a kind of event, in letters that hold no value.
func plainLine(line []byte) bool {
	name, ok := bytes.CutPrefix(line, []byte("event:"))
	return ok && len(name) < 64 && len(bytes.Trim(name, " abcdefghijklmnopqrstuvwxyz_.")) == 0
}
