package llm

// Family is the house style of an API: which envelope its errors wear and
// which headers carry its credentials.
type Family uint8

// The families.
const (
	FamilyOpenAI Family = iota // also everything that has no better guess
	FamilyAnthropic
)

// String returns "openai" or "anthropic".
func (f Family) String() string {
	if f == FamilyAnthropic {
		return "anthropic"
	}
	return "openai"
}

// Dialect is what a client speaks on one endpoint: the shape of the request, of
// the answer and of its stream.
type Dialect uint8

// The dialects, with the path each is spoken on (under any prefix).
const (
	DialectNone     Dialect = iota // not an endpoint that we know
	Chat                           // OpenAI, POST /v1/chat/completions
	Responses                      // OpenAI, POST /v1/responses
	Embeddings                     // OpenAI, POST /v1/embeddings
	Completions                    // OpenAI, POST /v1/completions
	Models                         // OpenAI, GET /v1/models
	Messages                       // Anthropic, POST /v1/messages
	CountTokens                    // Anthropic, POST /v1/messages/count_tokens
	AnthropicModels                // Anthropic, GET /v1/models with anthropic-version
)

var dialectNames = [...]string{"", "chat", "responses", "embeddings", "completions", "models", "messages", "count_tokens", "models"}

// String returns the name used in CEL, metrics, placeholders and records.
func (d Dialect) String() string { return dialectNames[d] }

// Family returns the family whose envelope this dialect uses.
func (d Dialect) Family() Family {
	switch d {
	case Messages, CountTokens, AnthropicModels:
		return FamilyAnthropic
	}
	return FamilyOpenAI
}

// HasBody reports whether a request of this dialect carries a JSON body that
// must be read, judged and forwarded.
func (d Dialect) HasBody() bool {
	switch d {
	case Chat, Responses, Embeddings, Completions, Messages, CountTokens:
		return true
	}
	return false
}

// Billed reports whether a provider charges for calls of this dialect.
func (d Dialect) Billed() bool {
	switch d {
	case Chat, Responses, Embeddings, Completions, Messages:
		return true
	}
	return false
}
