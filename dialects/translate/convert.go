package translate

import "github.com/caddy-llm-gateway/caddy-llm-gateway/llm"

// conversion is a pair of dialects that are no conversations (embeddings, token
// counts) and are translated directly.
type conversion struct{ client, upstream llm.Dialect }

// conversions are the pairs that exist.
var conversions = [...]conversion{
	{llm.Embeddings, llm.GeminiBatchEmbed},
	{llm.CountTokens, llm.GeminiCount},
	{llm.CountTokens, llm.InputTokens},
}

// converter does the work of one conversion.
type converter struct {
	request func(c *Call, body []byte, n *notes) ([]byte, error)
	answer  func(c *Call, body []byte, u llm.Usage) ([]byte, error)
}

func conversionOf(client, upstream llm.Dialect) *converter {
	switch (conversion{client, upstream}) {
	case conversion{llm.Embeddings, llm.GeminiBatchEmbed}:
		return &embedToGemini
	case conversion{llm.CountTokens, llm.GeminiCount}:
		return &countToGemini
	case conversion{llm.CountTokens, llm.InputTokens}:
		return &countToResponses
	}
	return nil
}

var embedToGemini, countToGemini, countToResponses converter
