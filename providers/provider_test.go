package providers

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Whatever a client sends as a credential, cookie, address or transfer header
// stays here.
func TestRequestHeaders(t *testing.T) {
	client := http.Header{}
	pass := map[string]string{
		"Accept": "application/json", "User-Agent": "OpenAI/Python 1.2.3", "Anthropic-Version": "2023-06-01", "Anthropic-Beta": "a,b",
		"Openai-Beta": "assistants=v2", "Idempotency-Key": "k", "Session-Id": "s", "X-Claude-Code-Session-Id": "c",
	}
	for k, v := range pass {
		client.Set(k, v)
	}
	for _, k := range []string{
		"Authorization", "Proxy-Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key", "Cookie", "Set-Cookie", "X-Forwarded-For", "X-Forwarded-Host",
		"X-Real-Ip", "Forwarded", "Via", "True-Client-Ip", "Cf-Connecting-Ip", "Host", "Connection", "Te", "Transfer-Encoding", "Upgrade", "Expect",
		"Content-Length", "Content-Encoding", "Accept-Encoding", "Origin", "Referer", "Openai-Organization", "Openai-Project", "X-Custom", "X-Stainless-Lang",
		"Sec-Websocket-Protocol", "Traceparent", "Baggage", "Authentication", "X-Auth-Token",
	} {
		client.Set(k, "canary")
	}
	u := &url.URL{Scheme: "http", Host: "up", Path: "/v1/chat/completions"}
	req, err := NewRequest(context.Background(), u, &Call{Dialect: llm.Chat, Method: "POST", Header: client, Body: []byte(`{}`), RawQuery: "key=canary&api_key=canary&limit=5&%6Bey=canary&limit"})
	if err != nil {
		t.Fatal(err)
	}
	for k, vs := range req.Header {
		if strings.Contains(strings.Join(vs, ","), "canary") {
			t.Errorf("%s: %v", k, vs)
		}
	}
	for k, v := range pass {
		got := req.Header.Get(k)
		if k == "Idempotency-Key" { // hidden from net/http, which would send the call again by itself
			if got != "" {
				t.Error("net/http sees the idempotency key")
			}
			got = strings.Join(map[string][]string(req.Header)["idempotency-key"], ",")
		}
		if got != v {
			t.Errorf("%s is %q", k, got)
		}
	}
	if req.Header.Get("Accept-Encoding") != "identity" || req.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%v", req.Header)
	}
	if req.URL.RawQuery != "limit=5&limit" {
		t.Errorf("query %q", req.URL.RawQuery)
	}
	if req.Host != "up" || req.ContentLength != 2 {
		t.Errorf("host %q, length %d", req.Host, req.ContentLength)
	}
	for range 2 { // a dead connection is replaced by another with the same body
		body, err := req.GetBody()
		if err != nil {
			t.Fatal(err)
		}
		if b, _ := io.ReadAll(body); string(b) != "{}" {
			t.Errorf("%s", b)
		}
	}
}

func TestRequestWithoutBody(t *testing.T) {
	req, err := NewRequest(context.Background(), &url.URL{Scheme: "http", Host: "up"}, &Call{Dialect: llm.Models, Method: "GET"})
	if err != nil || req.Body != nil || req.GetBody != nil || req.ContentLength != 0 || req.Header["Content-Type"] != nil {
		t.Errorf("%v %+v", err, req)
	}
	if v, ok := req.Header["User-Agent"]; !ok || v[0] != "" {
		t.Error("Go's own user agent would be sent")
	}
}

func TestQuery(t *testing.T) {
	for in, want := range map[string]string{
		"": "", "beta=true": "beta=true", "api-version=1": "", "a=b&beta=true&key=x": "beta=true", "&&": "", "after_id=a%26b&order=asc": "after_id=a%26b&order=asc",
		"KEY=x": "", "limit=1;key=x": "", "beta": "beta", "=x": "",
	} {
		if got := allowQuery(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

func TestEndpoint(t *testing.T) {
	for _, tc := range []struct {
		base string
		d    llm.Dialect
		want string
	}{
		{"https://api.openai.com/v1", llm.Chat, "https://api.openai.com/v1/chat/completions"},
		{"https://api.openai.com/v1", llm.Responses, "https://api.openai.com/v1/responses"},
		{"https://api.openai.com/v1", llm.Embeddings, "https://api.openai.com/v1/embeddings"},
		{"https://api.openai.com/v1", llm.Completions, "https://api.openai.com/v1/completions"},
		{"https://api.openai.com/v1", llm.Models, "https://api.openai.com/v1/models"},
		{"https://api.anthropic.com/v1", llm.Messages, "https://api.anthropic.com/v1/messages"},
		{"https://api.anthropic.com/v1", llm.CountTokens, "https://api.anthropic.com/v1/messages/count_tokens"},
		{"https://api.anthropic.com/v1", llm.AnthropicModels, "https://api.anthropic.com/v1/models"},
		{"http://127.0.0.1:11434", llm.Chat, "http://127.0.0.1:11434/chat/completions"},
		{"http://[::1]:8080/a%2Fb/v1", llm.Chat, "http://[::1]:8080/a%2Fb/v1/chat/completions"},
		{"http://h/a%20b/v1", llm.Chat, "http://h/a%20b/v1/chat/completions"},
	} {
		base, err := url.Parse(tc.base)
		if err != nil {
			t.Fatal(err)
		}
		u, err := Endpoint(base, tc.d)
		if err != nil || u.String() != tc.want {
			t.Errorf("%s %v: %v, %v", tc.base, tc.d, u, err)
		}
		if base.String() != tc.base {
			t.Errorf("the base became %v", base)
		}
	}
	if _, err := Endpoint(&url.URL{}, llm.DialectNone); err == nil {
		t.Error("an endpoint for nothing")
	}
}

func TestAnswerHeaders(t *testing.T) {
	up := http.Header{}
	keep := []string{"Content-Type", "Retry-After", "Retry-After-Ms", "X-Should-Retry", "Request-Id", "X-Request-Id", "X-Ratelimit-Remaining-Tokens", "Anthropic-Ratelimit-Requests-Reset", "Openai-Model"}
	drop := []string{"Set-Cookie", "Openai-Organization", "Openai-Project", "Anthropic-Organization-Id", "Server", "Cf-Ray", "Transfer-Encoding", "Content-Length", "Content-Encoding",
		"Connection", "Strict-Transport-Security", "Access-Control-Allow-Origin", "Alt-Svc", "Www-Authenticate", "Location", "X-Envoy-Upstream", "Llm-Cost"}
	for _, k := range append(keep, drop...) {
		up.Set(k, "v")
	}
	dst := http.Header{"X-Own": {"1"}}
	for name, v := range up {
		if AnswerHeader(name) {
			dst[name] = v
		}
	}
	for _, k := range keep {
		if dst.Get(k) != "v" {
			t.Errorf("%s is missing", k)
		}
	}
	for _, k := range drop {
		if dst.Get(k) != "" {
			t.Errorf("%s was passed on", k)
		}
	}
	if dst.Get("X-Own") != "1" {
		t.Error("our own header is gone")
	}
}

func TestProviderRequestID(t *testing.T) {
	for want, h := range map[string]http.Header{
		"": {}, "a": {"X-Request-Id": {"a"}}, "b": {"Request-Id": {"b"}, "X-Request-Id": {"a"}},
	} {
		if got := ProviderRequestID(h); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
