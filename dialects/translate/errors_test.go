package translate

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What a client reads of a provider's error: message, type, code.
func TestErrors(t *testing.T) {
	const (
		openai, anthropic = llm.FamilyOpenAI, llm.FamilyAnthropic
		gemini, ollama    = llm.FamilyGemini, llm.FamilyOllama
	)
	for name, tc := range map[string]struct {
		client, upstream   llm.Family
		status             int
		body               string
		message, typ, code string
	}{
		"chat for anthropic":      {anthropic, openai, 400, `{"error":{"message":"Unknown model","type":"invalid_request_error","param":null,"code":"model_not_found"}}`, "Unknown model", "invalid_request_error", "model_not_found"},
		"anthropic for chat":      {openai, anthropic, 529, `{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"},"request_id":"req_1"}`, "Overloaded", "server_error", "overloaded_error"},
		"rate limit":              {openai, anthropic, 429, `{"type":"error","error":{"type":"rate_limit_error","message":"slow down"}}`, "slow down", "rate_limit_error", "rate_limit_error"},
		"overloaded":              {anthropic, openai, 503, `{"error":{"message":"busy","type":"server_error"}}`, "busy", "overloaded_error", "server_error"},
		"gemini":                  {openai, gemini, 400, `{"error":{"code":400,"message":"bad schema","status":"INVALID_ARGUMENT"}}`, "bad schema", "invalid_request_error", "invalid_argument"},
		"gemini's streams":        {anthropic, gemini, 404, `[{"error":{"code":404,"message":"no such model","status":"NOT_FOUND"}}]`, "no such model", "not_found_error", "not_found"},
		"ollama":                  {anthropic, ollama, 404, `{"error":"model \"x\" not found"}`, `model "x" not found`, "not_found_error", "provider_error"},
		"numeric code":            {openai, openai, 500, `{"error":{"message":"boom","code":500}}`, "boom", "server_error", "provider_error"},
		"message alone":           {anthropic, openai, 500, `{"object":"error","message":"no GPU","type":"InternalServerError","code":500}`, "no GPU", "api_error", "InternalServerError"},
		"detail":                  {openai, openai, 403, `{"detail":"not yours"}`, "not yours", "permission_error", "provider_error"},
		"list of details":         {openai, openai, 422, `{"detail":[{"type":"extra_forbidden","loc":["body","messages",0,"name"],"msg":"Extra inputs are not permitted"}]}`, "body.messages[0].name: Extra inputs are not permitted", "invalid_request_error", "provider_error"},
		"plain text":              {anthropic, openai, 401, "Unauthorized\n", "Unauthorized", "authentication_error", "provider_error"},
		"a page":                  {openai, anthropic, 502, "<html><body>Bad gateway</body></html>", "the provider answered with status 502 and no reason", "server_error", "provider_error"},
		"nothing":                 {anthropic, openai, 500, "", "the provider answered with status 500 and no reason", "api_error", "provider_error"},
		"garbage":                 {openai, openai, 500, "\x00\x01\xff", "the provider answered with status 500 and no reason", "server_error", "provider_error"},
		"half of JSON":            {openai, openai, 500, `{"error":{"mess`, "the provider answered with status 500 and no reason", "server_error", "provider_error"},
		"null":                    {openai, openai, 500, `null`, "the provider answered with status 500 and no reason", "server_error", "provider_error"},
		"error of a wrong type":   {openai, openai, 500, `{"error":7}`, "the provider answered with status 500 and no reason", "server_error", "provider_error"},
		"message of a wrong type": {openai, openai, 500, `{"error":{"message":{"a":1},"type":"x"}}`, "the provider answered with status 500 and no reason", "server_error", "x"},
		"too long: OpenAI": {anthropic, openai, 400, `{"error":{"message":"This model's maximum context length is 128000 tokens. However, your messages resulted in 150001 tokens. Please reduce the length of the messages.","type":"invalid_request_error","param":"messages","code":"context_length_exceeded"}}`,
			"prompt is too long: 150001 tokens > 128000 maximum", "invalid_request_error", "context_length_exceeded"},
		"too long: vLLM": {anthropic, openai, 400, `{"object":"error","message":"This model's maximum context length is 8192 tokens and your request has 10000 input tokens","code":400}`,
			"prompt is too long: 10000 tokens > 8192 maximum", "invalid_request_error", "context_length_exceeded"},
		"too long: llama.cpp": {anthropic, openai, 400, `{"error":{"code":400,"message":"request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":5000,"n_ctx":4096}}`,
			"prompt is too long: 5000 tokens > 4096 maximum", "invalid_request_error", "context_length_exceeded"},
		"too long: Mistral": {anthropic, openai, 400, `{"object":"error","message":"Prompt contains 40000 tokens, too large for model with 32768 maximum context length","type":"invalid_request_error"}`,
			"prompt is too long: 40000 tokens > 32768 maximum", "invalid_request_error", "context_length_exceeded"},
		"too long: Gemini": {anthropic, gemini, 400, `{"error":{"code":400,"message":"The input token count (1200000) exceeds the maximum number of tokens allowed (1048576).","status":"INVALID_ARGUMENT"}}`,
			"prompt is too long: 1200000 tokens > 1048576 maximum", "invalid_request_error", "context_length_exceeded"},
		"too long, without numbers": {anthropic, openai, 400, `{"error":{"message":"Your input exceeds the context window of this model.","code":"context_length_exceeded"}}`,
			"prompt is too long: Your input exceeds the context window of this model.", "invalid_request_error", "context_length_exceeded"},
		"too long: Anthropic": {openai, anthropic, 400, `{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 208310 tokens > 200000 maximum"}}`,
			"prompt is too long: 208310 tokens > 200000 maximum", "invalid_request_error", "context_length_exceeded"},
		"too long with the answer: Anthropic": {openai, anthropic, 400, `{"type":"error","error":{"type":"invalid_request_error","message":"input length and max_tokens exceed context limit: 188240 + 21333 > 200000"}}`,
			"input length and max_tokens exceed context limit: 188240 + 21333 > 200000", "invalid_request_error", "context_length_exceeded"},
		"words about length in a failure": {anthropic, openai, 500, `{"error":{"message":"context length cache failed","code":"x"}}`, "context length cache failed", "api_error", "x"},
	} {
		t.Run(name, func(t *testing.T) {
			out := Error(tc.client, tc.upstream, tc.status, []byte(tc.body), "req-1")
			var e struct {
				Type  string
				Error struct{ Message, Type, Code string }
				ID    string `json:"request_id"`
			}
			if err := json.Unmarshal(out, &e); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			if e.Error.Message != tc.message || e.Error.Type != tc.typ || e.Error.Code != tc.code {
				t.Errorf("%s", out)
			}
			if (tc.client == anthropic) != (e.Type == "error" && e.ID == "req-1") {
				t.Errorf("envelope: %s", out)
			}
		})
	}
	for _, client := range []llm.Family{openai, anthropic, gemini, ollama} {
		huge := []byte(`{"error":{"message":"` + strings.Repeat("é", 1<<20) + `"}}`)
		if out := Error(client, openai, 400, huge, "r"); len(out) > 8192 || !json.Valid(out) {
			t.Errorf("%s: %d bytes", client, len(out))
		}
		deep := []byte(strings.Repeat(`{"error":`, 20_000))
		if out := Error(client, openai, 400, deep, "r"); !json.Valid(out) {
			t.Errorf("%s: %s", client, out)
		}
	}
}
