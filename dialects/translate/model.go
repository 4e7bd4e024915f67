package translate

import (
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Request is a conversation in nobody's dialect.
type Request struct {
	Model  string
	Stream bool
	// IncludeUsage is whether a chat client asked for the usage chunk.
	IncludeUsage bool
	// System are the instructions before the first message, one part (of
	// PartText) for each block or message that the caller sent.
	System []Part
	// Messages alternate as the caller had them; codecs for dialects that ask
	// for strict alternation merge neighbours of one role.
	Messages []Message

	Tools      []Tool
	ToolChoice ToolChoice
	// Parallel is whether several tool calls in one answer are allowed; nil
	// when the caller did not say.
	Parallel *bool

	// MaxTokens limits the output, in tokens; 0 when the caller gave none.
	MaxTokens int64
	// Temperature and the other numbers are the caller's own literals, nil when
	// absent: they are passed on as written.
	Temperature, TopP, TopK, FrequencyPenalty, PresencePenalty, Seed jsontext.Value
	Stop                                                             []string
	// Choices is the number of answers asked for (n, candidateCount), at least 1.
	Choices int64
	// Logprobs asks for log probabilities, TopLogprobs for that many
	// alternatives.
	Logprobs    bool
	TopLogprobs int64

	Format    Format
	Reasoning Reasoning
	// Verbosity is OpenAI's low, medium or high; "" when absent. It is a hint:
	// Codex sends it in every call, and a longer answer is none that is wrong.
	Verbosity string
	// CacheKey is OpenAI's prompt_cache_key, User an opaque id of the end user:
	// hints, no loss where they cannot be carried.
	CacheKey, User string
	// ServiceTier is the tier asked for, "" or "auto" for the provider's choice.
	ServiceTier string

	// Functions is whether a chat client offered its tools as `functions`, the
	// older form, in which an answer has one call at most and no id for it.
	Functions bool

	// byName finds the tools once all are known; see tool.
	byName map[string]int
}

// Roles of messages. Instructions in the middle of a conversation have
// RoleSystem; the result of a tool is a part of a RoleUser message.
const (
	RoleSystem    = llm.RoleSystem
	RoleUser      = llm.RoleUser
	RoleAssistant = llm.RoleAssistant
)

// Message is one turn, or a piece of one.
type Message struct {
	Role  string
	Parts []Part
}

// PartKind says what a part is.
type PartKind uint8

// The kinds of parts.
const (
	PartText       PartKind = iota
	PartRefusal             // Text: the model's words
	PartImage               // Media
	PartFile                // Media: a document such as a PDF
	PartAudio               // Media
	PartToolCall            // ID, Name, Args
	PartToolResult          // ID, Content, IsError
	PartReasoning           // Text (may be empty), Seal
)

// Part is one piece of a message.
type Part struct {
	Kind  PartKind
	Text  string
	Media *Media
	// ID is the id of a tool call, in the call and in its result.
	ID string
	// Name is the name of the tool that is called.
	Name string
	// Args are the arguments of a call as the text of a JSON object; "" means {}.
	Args string
	// Custom marks the call of a tool whose input is free text: Args is that
	// text.
	Custom bool
	// Content is what a tool returned: text, images, files.
	Content []Part
	IsError bool
	// Seal is what a provider put beside its reasoning, or beside a tool call,
	// and must get back unchanged.
	Seal Seal
	// Cache is Anthropic's cache_control: a hint.
	Cache jsontext.Value
	// Path is where the part stood in the caller's request, e.g.
	// "messages[2].content[0]": for naming what cannot be carried.
	Path string
}

// Seal is opaque state of a provider: Anthropic's thinking signatures and
// redacted data, OpenAI's encrypted reasoning, Gemini's thought signatures. Only
// the dialect that made it understands it; the others carry it as it is, where
// they have a place for it.
type Seal struct {
	// Origin is the dialect that made it; llm.DialectNone when there is none.
	Origin llm.Dialect
	// Kind tells several of one dialect apart, e.g. "redacted".
	Kind string
	// ID is the id of the item that it belongs to (Responses), "" without one.
	ID   string
	Data string
}

// Media is an image, a document or sound, inline or by address.
type Media struct {
	// MIME is the type, e.g. "image/png"; "" when unknown (by address).
	MIME string
	// Data is the content in standard base64, "" when it is given by URL.
	Data string
	// URL is an address that the provider would fetch; the gateway never does.
	URL string
	// FileID names a file that the provider keeps.
	FileID string
	// Name is the name of a document, Detail OpenAI's detail level of an image.
	Name, Detail string
}

// Tool is a tool that the model may call.
type Tool struct {
	Name, Description string
	// Parameters is the JSON schema of the arguments, nil when there is none.
	Parameters jsontext.Value
	// Strict is OpenAI's strict mode; nil when the caller did not say.
	Strict *bool
	// Custom marks a tool whose input is free text instead of JSON; Grammar is
	// the caller's format for it (see grammarOf), nil for any text.
	Custom  bool
	Grammar jsontext.Value
	// Cache is Anthropic's cache_control: a hint.
	Cache jsontext.Value
	Path  string
	// Namespace and Local are what the caller calls the tool, when Name was made
	// from both for providers that know no namespaces (Responses); or Local alone,
	// when it is longer than other providers take (Messages).
	Namespace, Local string
	// Search marks the tool by which a Responses client looks up further tools
	// itself: its calls and results are items of their own kind.
	Search bool
}

// ToolMode is how far the model must call tools.
type ToolMode uint8

// The modes.
const (
	ToolDefault ToolMode = iota // the caller did not say
	ToolAuto
	ToolNone
	ToolAny   // "required" in OpenAI's words
	ToolNamed // one certain tool
)

// ToolChoice is how the model must choose tools.
type ToolChoice struct {
	Mode ToolMode
	Name string // of ToolNamed
	// Allowed restricts ToolAuto and ToolAny to these tools; nil for all.
	Allowed []string
}

// FormatKind is the kind of output asked for.
type FormatKind uint8

// The kinds of formats.
const (
	FormatText FormatKind = iota
	FormatJSON
	FormatSchema
)

// Format is the form that the answer's text must have.
type Format struct {
	Kind              FormatKind
	Name, Description string
	Schema            jsontext.Value
	Strict            *bool
}

// Reasoning is how much the model should think, and what of it is shown.
type Reasoning struct {
	// Mode says whether the caller turned thinking on or off, or left it to the
	// model.
	Mode ReasoningMode
	// Effort is none, minimal, low, medium, high, xhigh or max; "" when absent.
	Effort string
	// Budget is a limit in tokens; 0 when absent.
	Budget int64
	// Summary asks for a readable summary: auto, concise, detailed; "" when
	// absent, "omitted" when it is not wanted.
	Summary string
	// Sealed asks for the encrypted form, for callers that keep the
	// conversation themselves.
	Sealed bool
}

// ReasoningMode is whether the model should think.
type ReasoningMode uint8

// The modes.
const (
	ReasoningDefault ReasoningMode = iota
	ReasoningOff
	ReasoningOn
	ReasoningAdaptive // the model decides
)

// Finish is why an answer ended, the same words for all dialects.
type Finish string

// The reasons.
const (
	FinishStop     Finish = "stop"
	FinishLength   Finish = "length"
	FinishTools    Finish = "tools"
	FinishSequence Finish = "sequence" // a stop sequence of the caller
	FinishFilter   Finish = "filter"   // content filter, safety
	FinishRefusal  Finish = "refusal"
	FinishPause    Finish = "pause" // a long turn was paused and can be continued
	FinishContext  Finish = "context"
	FinishUnknown  Finish = "unknown"
)

// Answer is a whole answer in nobody's dialect.
type Answer struct {
	ID, Model string
	// Created is in seconds since 1970, 0 when the provider did not say.
	Created int64
	Choices []Choice
	// Tier is the service tier that answered.
	Tier string
}

// Choice is one of the answers to one request.
type Choice struct {
	Index  int64
	Parts  []Part
	Finish Finish
	// Sequence is the stop sequence that ended it.
	Sequence string
	// Logprobs is in the form of OpenAI's chat, nil without.
	Logprobs jsontext.Value
}

// DeltaKind says what a piece of a streamed answer is.
type DeltaKind uint8

// The kinds of deltas, in the order in which they may come: one DeltaStart; then
// parts, each opened by its first delta; DeltaFinish once per choice. The end of
// the stream, with its usage, comes through Call.End.
const (
	DeltaStart     DeltaKind = iota // ID, Model, Created
	DeltaText                       // Text
	DeltaRefusal                    // Text
	DeltaReasoning                  // Text
	DeltaSeal                       // Seal: of the reasoning part Part, or of the tool call Part, before its DeltaTool
	DeltaTool                       // ID, Name, Custom: a tool call begins
	DeltaArgs                       // Text: the next piece of its arguments
	DeltaLogprobs                   // Raw, in the form of chat's logprobs
	DeltaFinish                     // Finish, Sequence
	DeltaPing                       // keep-alive
)

// Delta is one piece of a streamed answer.
type Delta struct {
	Kind   DeltaKind
	Choice int64
	// Part tells the parts of one choice apart: a number of the provider's own
	// counting, the same for all deltas of one part.
	Part     int64
	ID, Name string
	Model    string
	Created  int64
	Text     string
	Custom   bool
	Seal     Seal
	Finish   Finish
	Sequence string
	Raw      jsontext.Value
	Tier     string // service tier, with DeltaStart or DeltaFinish
}
