package answer

import "bytes"

// What follows looks at events without parsing them: most carry a few bytes of
// text, and a parser would cost more than all the rest of the gateway.

var (
	doneMark   = []byte("[DONE]")
	usageMark  = []byte(`"usage"`)
	errorMark  = []byte(`"error"`)
	groqMark   = []byte(`"x_groq"`)
	finishMark = []byte(`"finish_reason"`)
	indexMark  = []byte(`"index"`)
	nullMark   = []byte("null")
	startMark  = []byte(`"message_start"`)
	deltaMark  = []byte(`"message_delta"`)
	stopMark   = []byte(`"message_stop"`)
	typeMark   = []byte(`"type"`)
)

// object reports whether data looks like a JSON object; it is parsed only where
// it matters.
func object(d []byte) bool {
	d = bytes.TrimSpace(d)
	return len(d) >= 2 && d[0] == '{' && d[len(d)-1] == '}'
}

// plainChunk reports whether a chunk of a chat holds nothing but text of the first
// choice. Providers write `null` for what is not there yet, in every chunk.
func plainChunk(d []byte) bool {
	return !has(d, usageMark) && !has(d, errorMark) && !has(d, groqMark) && !has(d, finishMark) && !indexed(d)
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

// indexed reports whether a member called index is anything but 0: a second
// choice, or a second call of a tool.
func indexed(d []byte) bool {
	for {
		i := bytes.Index(d, indexMark)
		if i < 0 {
			return false
		}
		d = behind(d[i+len(indexMark):])
		if len(d) < 2 || d[0] != '0' || (d[1] != ',' && d[1] != '}' && d[1] != ' ') {
			return true
		}
	}
}

// textual reports whether a member, given as what stands before the quote that
// ends its name, holds generated text in a delta.
func textual(name []byte) bool {
	i := bytes.LastIndexByte(name, '"')
	switch string(name[i+1:]) {
	case "content", "text", "arguments", "delta", "partial_json", "thinking", "reasoning_content", "reasoning", "refusal",
		"response": // of Ollama's generate
		return i >= 0
	}
	return false
}

var nameEnd = []byte(`":`)

// textBytes estimates the bytes of text in a delta: the length of the strings
// behind the members that carry text, escapes counted as they stand.
func textBytes(d []byte) (n int64) {
	for i := 0; i < len(d); {
		j := bytes.Index(d[i:], nameEnd)
		if j < 0 {
			break
		}
		name := d[i : i+j]
		at := i + j + len(nameEnd)
		for at < len(d) && d[at] == ' ' {
			at++
		}
		if at >= len(d) || d[at] != '"' {
			i = at
			continue
		}
		at++
		end := at + stringEnd(d[at:])
		if textual(name) {
			n += int64(end - at)
		}
		i = end
	}
	return n
}

// stringEnd returns where the quote is that ends a JSON string.
func stringEnd(d []byte) int {
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
