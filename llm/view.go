package llm

// Span is a half-open range of byte offsets [Start, End) into View.Raw.
type Span struct{ Start, End int }

// Len returns the number of bytes in the span.
func (s Span) Len() int { return s.End - s.Start }

// IsZero reports whether the span is absent: no value of a JSON object can
// begin at offset 0.
func (s Span) IsZero() bool { return s.Start == 0 && s.End == 0 }

// SegmentKind says what a piece of a prompt is.
type SegmentKind uint8

// The kinds of segments.
const (
	KindText SegmentKind = iota
	KindToolResult
	KindToolArgs
	KindToolDef
	KindReasoning
	KindImage // text is empty or the URL; data is not decoded
	KindFile  // as KindImage, for documents and audio
)

var kindNames = [...]string{"text", "tool_result", "tool_args", "tool_def", "reasoning", "image", "file"}

// String returns the name that CEL and records use.
func (k SegmentKind) String() string { return kindNames[k] }

// Roles of segments, the same words in every dialect. OpenAI's "developer" is
// RoleSystem: both speak for the operator of the application.
const (
	RoleSystem    = "system"
	RoleUser      = "user"
	RoleAssistant = "assistant"
	RoleTool      = "tool"
)

// Segment is one piece of what the caller sends: the unit that policy judges.
type Segment struct {
	Role string
	Kind SegmentKind
	// Path says where it stands, e.g. "messages[2].content[0].text".
	Path string
	// Text is the decoded text. It may share memory with View.Raw.
	Text string
	// Span covers the JSON string with its quotes, or the whole JSON value
	// where the piece is not a string (tool definitions, Anthropic tool input);
	// then Text is the raw JSON.
	Span Span
}

// Tool is a tool (function) offered to the model.
type Tool struct {
	Name string
	// Type is "function" for the client's own tools, else the name of a
	// server-side tool such as "web_search".
	Type string
	Span Span
}

// View is what one strict pass over a request body found. Policy, cost and
// upstream all judge and forward this one reading of these same bytes.
type View struct {
	Dialect Dialect
	// Raw is the body as received, after content decoding. Never modified.
	Raw []byte
	// Model is the model that the caller named; ModelSpan is the JSON string
	// with its quotes.
	Model     string
	ModelSpan Span
	// Stream is whether a streamed answer was asked for.
	Stream bool
	// MaxTokens is the caller's limit on output tokens per choice, -1 when
	// none is given. MaxTokensSpan is its value, MaxTokensField its name.
	MaxTokens      int64
	MaxTokensSpan  Span
	MaxTokensField string
	// MinOutput is the least limit on output tokens that the rest of the request
	// allows (Anthropic: more than the thinking budget), 0 for any.
	MinOutput int64
	// Choices is the number of answers asked for (OpenAI n × best_of), at least
	// 1; for prompts in batches (completions, embeddings) the number of answers
	// over all of them.
	Choices int64
	// IncludeUsage is whether the caller asked for the usage chunk of a chat or
	// completions stream. StreamOptions is the span of the stream_options
	// object, zero when there is none; StreamOptionsEmpty says that it has no
	// member; IncludeUsageSpan is the value of include_usage in it.
	IncludeUsage       bool
	StreamOptions      Span
	StreamOptionsEmpty bool
	IncludeUsageSpan   Span
	// Segments are the pieces of the prompt in order of appearance.
	Segments []Segment
	// Tools are the tools offered.
	Tools []Tool
	// InputBound is an upper bound on the input tokens: one per byte of text
	// (no byte-level tokenizer makes more) plus the dialect's template overhead.
	InputBound int64
	// Unbounded names the parts of the request whose tokens cannot be bounded
	// from its bytes: "previous_response_id", "image_url", "web_search"… Empty
	// means that InputBound holds.
	Unbounded []string
	// Members is the number of members of the top-level object.
	Members int
}

// Edit replaces a span of View.Raw by New.
type Edit struct {
	Span Span
	New  []byte
}

// Splice returns raw with the edits applied. Edits must be sorted by start and
// must not overlap; an insertion has an empty span. Without edits raw itself is
// returned, so the result must not be modified.
func Splice(raw []byte, edits []Edit) []byte {
	if len(edits) == 0 {
		return raw
	}
	n := len(raw)
	for _, e := range edits {
		n += len(e.New) - e.Span.Len()
	}
	out := make([]byte, 0, n)
	at := 0
	for _, e := range edits {
		out = append(out, raw[at:e.Span.Start]...)
		out = append(out, e.New...)
		at = e.Span.End
	}
	return append(out, raw[at:]...)
}
