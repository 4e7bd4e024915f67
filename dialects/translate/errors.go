package translate

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Error translates the body of a provider's error into the client's envelope.
func Error(client, upstream llm.Family, status int, body []byte, requestID string) []byte {
	return answer.ErrorBody(client, llm.Deny(status, llm.CodeProviderError, llm.StageProvider, "the provider answered with status %d", status), requestID)
}
