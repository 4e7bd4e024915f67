package rewrite

import "strings"

// Kind says what a text of an answer is.
type Kind uint8

// The kinds.
const (
	// Text is what the model says.
	Text Kind = iota
	// Arguments are those of a tool call as JSON inside a string: what is put
	// into them must be escaped for a JSON string once more.
	Arguments
	// Reasoning is what the model thinks; it may be signed.
	Reasoning
)

// Filter changes texts.
type Filter interface {
	// Stream returns a filter for one text that comes in pieces.
	Stream(Kind) Stream
	// Whole returns what becomes of a text that is there in full: the same as a
	// Stream makes of it, however it is cut.
	Whole(Kind, string) string
}

// Stream filters one text that comes in pieces.
type Stream interface {
	// Feed takes the next piece and returns what can be sent by now.
	Feed(piece string) string
	// Flush returns what was held back: the text has ended.
	Flush() string
	// Held is how many bytes are held back.
	Held() int
}

// opaque are the names of members whose strings are no text: names, ids, types,
// encoded data and signatures. Inside what a model may shape freely (see free)
// names say nothing.
var opaque = set("id", "object", "type", "model", "role", "index", "finish_reason", "stop_reason", "stop_sequence", "system_fingerprint", "service_tier",
	"status", "call_id", "item_id", "tool_call_id", "tool_use_id", "previous_response_id", "response_id", "container", "signature", "encrypted_content",
	"obfuscation", "b64_json", "data", "thoughtSignature", "thought_signature", "finishReason", "modelVersion", "responseId", "mimeType", "mime_type",
	"created_at", "done_reason", "truncation", "background", "effort", "verbosity", "provider", "native_finish_reason", "trafficType", "modality",
	"media_type", "file_id", "prompt_cache_key", "safety_identifier", "request_id", "caller", "blockReason", "encrypted_index")

// free are the names of members that hold values of the model's own making.
var free = set("input", "args", "arguments", "parameters", "output", "parsed", "json", "result", "metadata", "attributes", "env")

// freed reports whether a member of an object, itself a member called parent, holds
// values of the model's own making. The output of a response is the list of its items,
// which have ids and arguments as everywhere.
func freed(parent, member string) bool {
	if parent == "functionResponse" && member == "response" {
		return true
	}
	return free[member] && (member != "output" || parent != "" && parent != "response")
}

// plainData reports whether a member called data holds text as it is: documents of Messages
// whose source has the type text.
func plainData(member, typ string) bool { return member == "data" && typ == "text" }

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}

// kindWithin is the kind of what an object holds, by its type and by where it stands:
// everything within thoughts is thought.
func kindWithin(around Kind, typ string) Kind {
	if around == Text && (strings.Contains(typ, "reasoning") || strings.Contains(typ, "thinking") || typ == "summary_text") {
		return Reasoning
	}
	return around
}

// kindBelow is the kind of what a member holds that is no string.
func kindBelow(around Kind, name string) Kind {
	if partsOf[name] && name != "content" {
		return Reasoning
	}
	return around
}

// wholeKind is kindOf, but inside what a model has shaped names say nothing.
func wholeKind(around Kind, name string, loose bool) Kind {
	if loose {
		return Text
	}
	return max(around, kindOf(name))
}

// kindOf is the kind of a whole string by the member that holds it.
func kindOf(name string) Kind {
	switch name {
	case "arguments", "partial_json":
		return Arguments
	case "thinking", "reasoning", "reasoning_content":
		return Reasoning
	}
	return Text
}

// Chain returns a filter that is one filter after the other.
func Chain(filters ...Filter) Filter {
	if len(filters) == 1 {
		return filters[0]
	}
	return chain(filters)
}

type chain []Filter

// Stream implements Filter.
func (c chain) Stream(k Kind) Stream {
	s := make(chained, len(c))
	for i, f := range c {
		s[i] = f.Stream(k)
	}
	return s
}

// Whole implements Filter.
func (c chain) Whole(k Kind, text string) string {
	for _, f := range c {
		text = f.Whole(k, text)
	}
	return text
}

type chained []Stream

// Feed implements Stream.
func (c chained) Feed(piece string) string {
	for _, s := range c {
		piece = s.Feed(piece)
	}
	return piece
}

// Flush implements Stream.
func (c chained) Flush() string {
	rest := ""
	for _, s := range c {
		if rest != "" {
			rest = s.Feed(rest)
		}
		rest += s.Flush()
	}
	return rest
}

// Held implements Stream.
func (c chained) Held() (n int) {
	for _, s := range c {
		n += s.Held()
	}
	return n
}
