package llm

// Family is the house style of an API: which envelope its errors wear and
// which headers carry its credentials.
type Family uint8

// The families.
const (
	FamilyOpenAI Family = iota // also everything that has no better guess
	FamilyAnthropic
	FamilyGemini
	FamilyOllama // the native API; its compatible endpoints belong to the others
)

var familyNames = [...]string{"openai", "anthropic", "gemini", "ollama"}

// String returns "openai", "anthropic", "gemini" or "ollama".
func (f Family) String() string { return familyNames[f] }

// Dialect is what a client speaks on one endpoint: the shape of the request, of
// the answer and of its stream.
type Dialect uint8

// The dialects, with the path each is spoken on (under any prefix).
const (
	DialectNone      Dialect = iota // not an endpoint that we know
	Chat                            // OpenAI, POST /v1/chat/completions
	Responses                       // OpenAI, POST /v1/responses
	Embeddings                      // OpenAI, POST /v1/embeddings
	Completions                     // OpenAI, POST /v1/completions
	Models                          // OpenAI, GET /v1/models
	Messages                        // Anthropic, POST /v1/messages
	CountTokens                     // Anthropic, POST /v1/messages/count_tokens
	AnthropicModels                 // Anthropic, GET /v1/models with anthropic-version
	InputTokens                     // OpenAI, POST /v1/responses/input_tokens
	GenerateContent                 // Gemini, POST …/models/{model}:generateContent and :streamGenerateContent
	GeminiCount                     // Gemini, POST …/models/{model}:countTokens
	GeminiEmbed                     // Gemini, POST …/models/{model}:embedContent
	GeminiBatchEmbed                // Gemini, POST …/models/{model}:batchEmbedContents
	GeminiModels                    // Gemini, GET /v1beta/models, and /v1/models with x-goog-api-key
	OllamaChat                      // Ollama, POST /api/chat
	OllamaGenerate                  // Ollama, POST /api/generate
	OllamaEmbed                     // Ollama, POST /api/embed
	OllamaModels                    // Ollama, GET /api/tags
	Objects                         // what a provider keeps for its account: /v1/files, /v1/batches, /v1/responses/{id}…
)

var dialectNames = [...]string{"", "chat", "responses", "embeddings", "completions", "models", "messages", "count_tokens", "models",
	"input_tokens", "generate_content", "gemini_count_tokens", "embed_content", "batch_embed_contents", "models",
	"ollama_chat", "ollama_generate", "ollama_embed", "models", "objects"}

// String returns the name used in CEL, metrics, placeholders and records.
func (d Dialect) String() string { return dialectNames[d] }

// Family returns the family whose envelope this dialect uses.
func (d Dialect) Family() Family {
	switch d {
	case Messages, CountTokens, AnthropicModels:
		return FamilyAnthropic
	case GenerateContent, GeminiCount, GeminiEmbed, GeminiBatchEmbed, GeminiModels:
		return FamilyGemini
	case OllamaChat, OllamaGenerate, OllamaEmbed, OllamaModels:
		return FamilyOllama
	}
	return FamilyOpenAI
}

// HasBody reports whether a request of this dialect carries a JSON body that
// must be read, judged and forwarded.
func (d Dialect) HasBody() bool {
	switch d {
	case Chat, Responses, Embeddings, Completions, Messages, CountTokens, InputTokens,
		GenerateContent, GeminiCount, GeminiEmbed, GeminiBatchEmbed, OllamaChat, OllamaGenerate, OllamaEmbed:
		return true
	}
	return false
}

// Lists reports whether a call of this dialect asks which models there are.
func (d Dialect) Lists() bool {
	switch d {
	case Models, AnthropicModels, GeminiModels, OllamaModels:
		return true
	}
	return false
}

// Generates reports whether an answer of this dialect holds output tokens.
func (d Dialect) Generates() bool {
	switch d {
	case Chat, Responses, Completions, Messages, GenerateContent, OllamaChat, OllamaGenerate:
		return true
	}
	return false
}

// Billed reports whether a provider charges for calls of this dialect.
func (d Dialect) Billed() bool {
	switch d {
	case Chat, Responses, Embeddings, Completions, Messages,
		GenerateContent, GeminiEmbed, GeminiBatchEmbed, OllamaChat, OllamaGenerate, OllamaEmbed:
		return true
	}
	return false
}
