package dialects

import "github.com/caddy-llm-gateway/caddy-llm-gateway/llm"

// What a request costs beyond its texts, in tokens. InputBound counts one token
// for each byte of text and of every member that we do not know, and these:
const (
	// requestOverhead covers the template around all messages.
	requestOverhead = 32
	// messageOverhead covers the template around a message or input item: role
	// markers and separators.
	messageOverhead = 16
	// partOverhead covers the template around a content part.
	partOverhead = 8
	// toolOverhead covers the rendering of a tool definition; providers add
	// instructions of their own to tools that they define (up to some 750).
	toolOverhead = 1024
	// toolsOverhead covers the instructions that a provider adds once when any
	// tool is offered (Anthropic: up to 806).
	toolsOverhead = 1024
	// imageBoundOpenAI is the bound of an inline image in OpenAI's dialects: the
	// dearest documented case is gpt-4o-mini at high detail, 2,833 + 5,667 tokens
	// for each of at most eight tiles.
	imageBoundOpenAI = 50_000
	// imageBoundAnthropic is the bound of an inline image in Anthropic's
	// dialect: images are scaled down to under 5,000 tokens.
	imageBoundAnthropic = 8_000
)

// What translation can add, in tokens: marks around instructions that change their
// place, names and types of parts, the schema of a tool that took free text.
const (
	translationOverhead     = 256
	translationPartOverhead = 32
	translationToolOverhead = 512
)

// InputBound is the bound of a request's input at an upstream of a dialect. One
// that speaks the caller's gets what the caller sent; to another it is
// translated, which adds to it, and which may count an image otherwise.
func InputBound(v *llm.View, upstream llm.Dialect) int64 {
	if upstream == llm.DialectNone || upstream == v.Dialect {
		return v.InputBound
	}
	n := v.InputBound + translationOverhead + int64(len(v.Segments))*translationPartOverhead + int64(len(v.Tools))*translationToolOverhead
	if v.Dialect.Family() == llm.FamilyAnthropic {
		for i := range v.Segments {
			if v.Segments[i].Kind == llm.KindImage {
				n += imageBoundOpenAI - imageBoundAnthropic
			}
		}
	}
	return n
}

// Limits of form. They are far beyond what any provider takes, and keep sums and
// products of what comes from outside small.
const (
	maxModelLen  = 256
	maxTokens    = 1_000_000_000
	maxChoices   = 128
	maxNesting   = 8   // of content inside content; deeper is read as unknown
	maxPathLen   = 512 // of Segment.Path
	maxTypeLen   = 64
	maxPieces    = 1 << 16 // segments, and tools: a view must not outgrow its body by far
	maxUnbounded = 32      // distinct names listed in View.Unbounded
)

// Names used in View.Unbounded for what has no name of its own.
const (
	unboundedContent = "unknown_content"
	unboundedTool    = "unknown_tool"
)
