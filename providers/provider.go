// Package providers says what a provider is: where calls go, in which dialects,
// with which credential and headers. Each type of provider is a Caddy guest
// module in the namespace llm_gateway.providers (see the packages below this
// one); routing holds the table from models to providers.
//
// A provider builds requests and nothing else: it does not judge, meter, retry
// or read answers.
package providers

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Provider is the interface of the modules llm_gateway.providers.*. It must be
// safe for concurrent use once it is provisioned.
type Provider interface {
	// Type is the name of the type, e.g. "openai"; prices are found by it.
	Type() string
	// Dialects are the dialects that the provider takes natively, in the order
	// in which a call of another dialect should be translated into one of them.
	Dialects() []llm.Dialect
	// NewRequest builds the call: address, credential, allow-listed headers and
	// body. It must not pass on credentials, cookies or forwarding headers of
	// the client.
	NewRequest(ctx context.Context, c *Call) (*http.Request, error)
	// Transport is what the request is sent with.
	Transport() http.RoundTripper
	// MaxTokensField is the member of a chat request in which the provider
	// takes the limit on output tokens.
	MaxTokensField() string
	// IncludeUsage reports whether a stream may be asked for its usage by
	// stream_options.include_usage.
	IncludeUsage() bool
}

// Speaks reports whether a provider takes calls of the dialect natively.
func Speaks(p Provider, d llm.Dialect) bool { return slices.Contains(p.Dialects(), d) }

// Keyring is implemented by providers that may have several credentials. Each is
// a deployment of its own: with its own health, and tried after the others fail.
type Keyring interface {
	// Keys returns the resolved credentials in the order configured; none for a
	// provider that needs none. They are secrets.
	Keys() []string
}

// Renamer is implemented by providers that call a model by another name than
// the one it is known and priced by (Azure's deployments).
type Renamer interface {
	// WireModel returns the name to send for a model.
	WireModel(model string) string
}

// Call is what a provider is asked to send.
type Call struct {
	Dialect llm.Dialect
	// Model is the name to send, for dialects in which it is part of the
	// address; in the others it stands in Body already.
	Model string
	// Stream is whether a streamed answer is asked for.
	Stream bool
	// Key is the credential to use, one of Keyring.Keys; "" for the first.
	Key    string
	Method string
	// Path and RawQuery are the client's; Header too, without credentials.
	Path, RawQuery string
	Header         http.Header
	// Body is the request to send; nil for none.
	Body []byte
	// RequestID is the gateway's id of the request.
	RequestID string
}

// paths are where the dialects live below a base URL that ends in /v1.
var paths = map[llm.Dialect]string{
	llm.Chat: "/chat/completions", llm.Responses: "/responses", llm.Embeddings: "/embeddings",
	llm.Completions: "/completions", llm.Models: "/models", llm.InputTokens: "/responses/input_tokens",
	llm.Messages: "/messages", llm.CountTokens: "/messages/count_tokens", llm.AnthropicModels: "/models",
}

// Endpoint returns the address of a dialect below a base URL that ends in the
// version of the API.
func Endpoint(base *url.URL, d llm.Dialect) (*url.URL, error) {
	p, ok := paths[d]
	if !ok {
		return nil, fmt.Errorf("no endpoint for %q", d)
	}
	u := *base
	u.Path += p
	if u.RawPath != "" { // an escaped slash in the base stays escaped
		u.RawPath += p
	}
	return &u, nil
}

// NewRequest builds the request that the providers of this module have in
// common: address, query, body, and the client's allow-listed headers. It asks
// for identity encoding, since only plain bytes can be metered.
func NewRequest(ctx context.Context, u *url.URL, c *Call) (*http.Request, error) {
	u.RawQuery = allowQuery(c.RawQuery)
	req := (&http.Request{
		Method: c.Method, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: make(http.Header, 8),
	}).WithContext(ctx)
	if c.Body != nil {
		req.ContentLength = int64(len(c.Body))
		req.Body = io.NopCloser(bytes.NewReader(c.Body))
		// Lets the transport take another connection when a kept one turns out
		// dead before a byte was written.
		req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(c.Body)), nil }
		req.Header["Content-Type"] = jsonType
	}
	req.Header["Accept-Encoding"] = identity
	AllowRequestHeaders(req.Header, c.Header)
	return req, nil
}

var (
	jsonType = []string{"application/json"}
	identity = []string{"identity"}
)

// allowQuery keeps the parameters that are part of the providers' APIs.
func allowQuery(raw string) string {
	if raw == "" {
		return ""
	}
	var kept []string
	for pair := range strings.SplitSeq(raw, "&") {
		if strings.Contains(pair, ";") { // some servers take it for an ampersand
			continue
		}
		name, _, _ := strings.Cut(pair, "=")
		switch name {
		case "beta", "limit", "after", "after_id", "before_id", "order", "pageSize", "pageToken",
			"purpose", "include", "include[]", "starting_after", "before", "stream", "filter":
			kept = append(kept, pair)
		}
	}
	return strings.Join(kept, "&")
}

// passRequest are the headers of clients that providers understand and that
// carry neither credentials nor addresses. User-Agent is passed since providers
// adapt to SDK versions by it.
var passRequest = []string{
	"Accept", "User-Agent", "Anthropic-Version", "Anthropic-Beta", "Openai-Beta",
	"X-Client-Request-Id", "Session-Id", "Thread-Id", "X-Session-Id", "X-Session-Affinity", "X-Claude-Code-Session-Id",
	"Originator",
}

// AllowRequestHeaders copies the allow-listed headers of a client's request.
func AllowRequestHeaders(dst, src http.Header) {
	for _, name := range passRequest {
		if v := src[name]; len(v) > 0 {
			dst[name] = v
		}
	}
	if v := src["Idempotency-Key"]; len(v) > 0 {
		// Spelled so that net/http does not see it: it would take the call for
		// one that may be sent again by itself, past the gate.
		dst["idempotency-key"] = v
	}
	if _, ok := dst["User-Agent"]; !ok {
		dst["User-Agent"] = []string{""} // not Go's own
	}
}

// passAnswer are the headers of providers that clients use.
var passAnswer = map[string]bool{
	"Content-Type": true, "Retry-After": true, "Retry-After-Ms": true, "X-Should-Retry": true,
	"Request-Id": true, "X-Request-Id": true, "Cache-Control": true,
	"Openai-Model": true, "Openai-Version": true, "Openai-Processing-Ms": true, "Llm-Simulated": true,
}

// AnswerHeader reports whether a header of a provider's answer goes to the client:
// content type, retry and rate-limit headers, request ids. Cookies, transfer headers
// and everything that names the provider's account stay out.
func AnswerHeader(name string) bool {
	return passAnswer[name] || strings.HasPrefix(name, "X-Ratelimit-Limit-") || strings.HasPrefix(name, "X-Ratelimit-Remaining-") ||
		strings.HasPrefix(name, "X-Ratelimit-Reset-") || strings.HasPrefix(name, "Anthropic-Ratelimit-")
}

// ProviderRequestID returns the id that the provider gave the call.
func ProviderRequestID(h http.Header) string {
	for _, name := range [...]string{"Request-Id", "X-Request-Id"} {
		if v := h.Get(name); v != "" {
			return v
		}
	}
	return ""
}
