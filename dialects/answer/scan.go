package answer

import "bytes"

// What follows looks at events without parsing them: most carry a few bytes of
// text, and a parser would cost more than all the rest of the gateway.

var (
	doneMark  = []byte("[DONE]")
	errorMark = []byte(`"error"`)
	nullMark  = []byte("null")
	startMark = []byte(`"message_start"`)
	deltaMark = []byte(`"message_delta"`)
	stopMark  = []byte(`"message_stop"`)
	typeMark  = []byte(`"type"`)
)

// object reports whether data looks like a JSON object; it is parsed only where
// it matters.
func object(d []byte) bool {
	d = bytes.TrimSpace(d)
	return len(d) >= 2 && d[0] == '{' && d[len(d)-1] == '}'
}

// scanChunk looks at a chunk once, string by string: text is the bytes of generated
// text in it, escapes counted as they stand; plain reports whether it holds nothing
// but text of the first choice. Providers write `null` for what is not there yet,
// in every chunk.
func scanChunk(d []byte) (text int64, plain bool) { return scan(d, nil) }

// scan is scanChunk that tells where each member's value begins and, if it is a
// string, where its last quote is.
func scan(d []byte, value func(name []byte, from, to int)) (text int64, plain bool) {
	plain = true
	for i := 0; ; {
		q := bytes.IndexByte(d[i:], '"')
		if q < 0 {
			return text, plain
		}
		name, at := stringAt(d, i+q)
		if at >= len(d) || d[at] != ':' { // an element of an array
			if i = at; i >= len(d) {
				return text, plain
			}
			continue
		}
		for at++; at < len(d) && (d[at] == ' ' || d[at] == '\t'); at++ {
		}
		v := d[at:]
		switch string(name) {
		case "usage", "error", "x_groq", "finish_reason":
			plain = plain && bytes.HasPrefix(v, nullMark)
		case "index": // anything but 0 is a second choice, or a second tool call
			plain = plain && len(v) >= 2 && v[0] == '0' && (v[1] == ',' || v[1] == '}' || v[1] == ' ')
		default: // a name with an escape may be any of these
			plain = plain && (len(name) < 6 || bytes.IndexByte(name, '\\') < 0)
		}
		i = at
		n := 0
		if len(v) > 0 && v[0] == '"' {
			var s []byte
			s, i = stringAt(d, at)
			n = len(s)
			if textual(name) {
				text += int64(n)
			}
		}
		if value != nil {
			value(name, at, at+1+n)
		}
		if i >= len(d) {
			return text, plain
		}
	}
}

// stringAt returns what stands in the string whose first quote is d[at], and the
// offset of what follows it, blanks skipped.
func stringAt(d []byte, at int) (s []byte, next int) {
	at++
	end := at + stringEnd(d[at:])
	s = d[at:end]
	for next = end + 1; next < len(d) && (d[next] == ' ' || d[next] == '\t' || d[next] == '\n' || d[next] == '\r'); next++ {
	}
	return s, min(next, len(d))
}

// has reports whether a member of that (quoted) name is there and is not null.
func has(d, name []byte) bool {
	for {
		i := bytes.Index(d, name)
		if i < 0 {
			return false
		}
		d = d[i+len(name):]
		if !bytes.HasPrefix(behind(d), nullMark) {
			return true
		}
	}
}

// behind returns what follows a member's colon.
func behind(d []byte) []byte {
	i := 0
	for i < len(d) && (d[i] == ':' || d[i] == ' ' || d[i] == '\t') {
		i++
	}
	return d[i:]
}

// textual reports whether a member holds generated text in a delta.
func textual(name []byte) bool {
	switch string(name) {
	case "content", "text", "arguments", "delta", "partial_json", "thinking", "reasoning_content", "reasoning", "refusal",
		"response": // of Ollama's generate
		return true
	}
	return false
}

// textBytes estimates the bytes of text in a delta.
func textBytes(d []byte) int64 {
	n, _ := scanChunk(d)
	return n
}

// stringEnd returns where the quote is that ends a JSON string.
func stringEnd(d []byte) int {
	// Names and most values are short: a loop beats a call.
	for j, c := range d[:min(len(d), 24)] {
		if c == '"' {
			return j
		}
		if c == '\\' {
			break
		}
	}
	i := 0
	for {
		q := bytes.IndexByte(d[i:], '"')
		if q < 0 {
			return len(d)
		}
		q += i
		escapes := 0
		for q-1-escapes >= i && d[q-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return q
		}
		i = q + 1
	}
}

// responsesKind returns the type of an event of the Responses API.
func responsesKind(d []byte) []byte {
	v := bytes.Index(d, typeMark)
	if v < 0 {
		return nil
	}
	if rest := behind(d[v+len(typeMark):]); len(rest) > 0 && rest[0] == '"' {
		if end := bytes.IndexByte(rest[1:], '"'); end >= 0 {
			kind := rest[1 : 1+end]
			if bytes.HasPrefix(d, typeFirst) || bytes.HasPrefix(kind, responseDot) {
				return kind
			}
		}
	}
	// The first member called type belongs to something inside: look properly.
	var r responsesBody
	if r.readEvent(d) != nil {
		return nil
	}
	return []byte(r.event)
}

var (
	typeFirst   = []byte(`{"type"`)
	responseDot = []byte("response.")
	deltaEnd    = []byte(".delta")
)
