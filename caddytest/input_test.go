package caddytest

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/zstd"
)

const inputSite = `
{
	servers {
		timeouts {
			read_body 700ms
		}
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}
`

func encoders() map[string]func([]byte) []byte {
	return map[string]func([]byte) []byte{
		"gzip": func(b []byte) []byte {
			var out bytes.Buffer
			z := gzip.NewWriter(&out)
			_, _ = z.Write(b)
			z.Close()
			return out.Bytes()
		},
		"br": func(b []byte) []byte {
			var out bytes.Buffer
			z := brotli.NewWriter(&out)
			_, _ = z.Write(b)
			z.Close()
			return out.Bytes()
		},
		"zstd": func(b []byte) []byte {
			z, err := zstd.NewWriter(nil)
			if err != nil {
				panic(err)
			}
			defer z.Close()
			return z.EncodeAll(b, nil)
		},
	}
}

// Compressed bodies are decoded within the limit, and the provider gets plain
// bytes; bombs are refused.
func TestCompressedBodies(t *testing.T) {
	p := newProvider(t)
	s := start(t, inputSiteOnly, options{vars: map[string]string{"openai": p.URL}})
	bomb := []byte(with(dialects[0].request, `,"x":"`+strings.Repeat("a", 64<<20)+`"`))
	for name, encode := range encoders() {
		t.Run(name, func(t *testing.T) {
			s.t = t
			p.forget()
			header := map[string]string{"Content-Encoding": name}
			s.chat(call{body: string(encode([]byte(dialects[0].request))), header: header}).ok()
			if got := p.requests()[0]; got.Body != dialects[0].request || got.Header.Get("Content-Encoding") != "" {
				t.Errorf("the provider got %q as %v", got.Body, got.Header)
			}
			p.forget()
			s.chat(call{body: string(encode(bomb)), header: header}).denied(413, "too_large", false)
			cut := encode([]byte(dialects[0].request))
			s.chat(call{body: string(cut[:len(cut)/2]), header: header}).denied(400, "malformed", false)
			if p.count() != 0 {
				t.Error("it reached the provider")
			}
		})
	}
	s.t = t
}

// Requests that no client library sends.
func TestHostileRequests(t *testing.T) {
	p := newProvider(t)
	s := start(t, inputSite, options{vars: map[string]string{"openai": p.URL}})
	auth := "Host: x\r\nAuthorization: Bearer " + webKey + "\r\nContent-Type: application/json\r\n"
	body := dialects[0].request
	length := fmt.Sprintf("Content-Length: %d\r\n\r\n", len(body))
	for _, path := range []string{
		"/v1/chat/../chat/completions", "/v1/chat/%2e%2e/chat/completions", "/v1/..%2fv1/chat/completions",
		"//v1/chat/completions", "/v1//chat/completions", "/v1/chat%2fcompletions", "/v1/chat/completions%00",
		"/v1/chat\\completions", "/v1/%63hat/completions", "/v1/./chat/completions", "/v1/chat/completions/.",
	} {
		a := s.raw("POST " + path + " HTTP/1.1\r\n" + auth + length + body)
		if a.Status != 400 && a.Status != 404 {
			t.Errorf("%s: got %d %v %s", path, a.Status, a.Err, a.Body)
			continue
		}
		if a.Status == 400 && !strings.Contains(a.Body, `"malformed"`) && !strings.HasPrefix(a.Body, "400 Bad Request") {
			t.Errorf("%s: %s", path, a.Body)
		}
	}
	for name, request := range map[string]string{
		"two lengths":          "POST /v1/chat/completions HTTP/1.1\r\n" + auth + "Content-Length: 5\r\n" + length + body,
		"length and chunked":   "POST /v1/chat/completions HTTP/1.1\r\n" + auth + "Transfer-Encoding: chunked\r\n" + length + "0\r\n\r\n" + body,
		"broken chunk":         "POST /v1/chat/completions HTTP/1.1\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\nzz\r\n" + body,
		"header bomb":          "POST /v1/chat/completions HTTP/1.1\r\n" + auth + "X-Bomb: " + strings.Repeat("a", 3<<20) + "\r\n" + length + body,
		"no host":              "POST /v1/chat/completions HTTP/1.1\r\nAuthorization: Bearer " + webKey + "\r\n" + length + body,
		"CONNECT":              "CONNECT example.com:443 HTTP/1.1\r\n" + auth + "\r\n",
		"upgrade":              "GET /v1/realtime HTTP/1.1\r\n" + auth + "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"h2c upgrade":          "POST /v1/chat/completions HTTP/1.1\r\n" + auth + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n" + length + body,
		"a value with a NUL":   "POST /v1/chat/completions HTTP/1.1\r\n" + auth + "X-Y: a\x00b\r\n" + length + body,
		"lower case method":    "post /v1/chat/completions HTTP/1.1\r\n" + auth + length + body,
		"TRACE":                "TRACE /v1/chat/completions HTTP/1.1\r\n" + auth + "\r\n",
		"underscore key":       "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nX_Api_Key: " + webKey + "\r\n" + length + body,
		"slow body":            "POST /v1/chat/completions HTTP/1.1\r\n" + auth + "Content-Length: 500\r\n\r\n{",
		"slow chunked body":    "POST /v1/chat/completions HTTP/1.1\r\n" + auth + "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n",
		"body of wrong length": "POST /v1/chat/completions HTTP/1.1\r\n" + auth + "Content-Length: 10\r\n\r\n" + body[:10],
	} {
		t.Run(name, func(t *testing.T) {
			s.t = t
			a := s.raw(request)
			if a.Status >= 200 && a.Status < 400 {
				t.Errorf("got %d %s", a.Status, a.Body)
			}
			switch name {
			case "CONNECT", "upgrade", "h2c upgrade":
				a.denied(501, "upgrade_unsupported", false)
			case "slow body", "slow chunked body":
				a.denied(408, "request_timeout", false)
				if rec := s.ended(a.Header.Get("Llm-Request-Id")); rec.Denial.Code != "request_timeout" {
					t.Errorf("the record: %s", rec.raw)
				}
			case "underscore key":
				a.denied(401, "unauthenticated", false)
			case "lower case method", "TRACE":
				a.denied(405, "method_not_allowed", false)
			}
		})
	}
	s.t = t
	// A client that leaves in the middle of its body.
	c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", s.port))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(c, "POST /v1/chat/completions HTTP/1.1\r\n"+auth+"Content-Length: 500\r\n\r\n{\"a")
	time.Sleep(20 * time.Millisecond)
	c.Close()
	if !eventually(func() bool {
		for _, r := range s.records("default", "") {
			if r.Denial.Code == "client_gone" || r.Outcome == "client_gone" {
				return true
			}
		}
		return false
	}) {
		t.Error("no record of a client that left in the middle of its body")
	}
	if n := p.count(); n != 0 {
		t.Errorf("%d of these reached the provider: %+v", n, p.requests())
	}
	s.chat(call{}).ok()
}

// HEAD probes are answered without key and record; everything else is not.
func TestProbes(t *testing.T) {
	p := newProvider(t)
	s := start(t, inputSite, options{vars: map[string]string{"openai": p.URL}})
	for _, path := range []string{"/", "/api/hello", "/prefix/api/hello"} {
		if a := s.do(call{method: "HEAD", path: path, key: "-"}); a.Status != 200 || a.Body != "" {
			t.Errorf("HEAD %s: %d %q", path, a.Status, a.Body)
		}
	}
	if n := len(s.records("default", "")); n != 0 {
		t.Errorf("%d records", n)
	}
	for _, c := range []call{{method: "GET", path: "/"}, {method: "GET", path: "/api/hello"}, {method: "HEAD", path: "/v1/models"}, {method: "HEAD", path: "/v1/chat/completions"}} {
		c.key = "-"
		if a := s.do(c); a.Status != 401 {
			t.Errorf("%s %s without a key: %d", c.method, c.path, a.Status)
		}
	}
	if a := s.do(call{method: "HEAD", path: "/v1/models"}); a.Status != 200 || a.Body != "" {
		t.Errorf("HEAD /v1/models: %d %q", a.Status, a.Body)
	}
	if p.count() > 1 {
		t.Errorf("%d requests reached the provider", p.count())
	}
}

// Browsers may call from the origins that the operator names, and only these.
func TestCORS(t *testing.T) {
	p := newProvider(t)
	s := start(t, strings.Replace(inputSite, "key web {env.WEB_APP_KEY}", "key web {env.WEB_APP_KEY}\n\t\tcors https://app.example", 1),
		options{vars: map[string]string{"openai": p.URL}})
	preflight := func(origin string) *answer {
		return s.do(call{method: "OPTIONS", path: "/v1/chat/completions", key: "-", header: map[string]string{
			"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization, content-type"}})
	}
	a := preflight("https://app.example")
	if a.Status != 204 || a.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || !strings.Contains(a.Header.Get("Access-Control-Allow-Headers"), "authorization") {
		t.Errorf("got %d %v", a.Status, a.Header)
	}
	preflight("https://evil.example").denied(403, "cors_disabled", false)
	preflight("https://app.example.evil").denied(403, "cors_disabled", false)
	a = s.chat(call{header: map[string]string{"Origin": "https://app.example"}}).ok()
	if a.Header.Get("Access-Control-Allow-Origin") != "https://app.example" || a.Header.Get("Vary") == "" {
		t.Errorf("headers: %v", a.Header)
	}
	a = s.chat(call{header: map[string]string{"Origin": "https://evil.example"}})
	if a.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("headers: %v", a.Header)
	}
	// A refusal can be read by the page, too.
	a = s.chat(call{key: wrongKey, header: map[string]string{"Origin": "https://app.example"}}).denied(401, "unauthenticated", false)
	if a.Header.Get("Access-Control-Allow-Origin") != "https://app.example" {
		t.Errorf("headers of a refusal: %v", a.Header)
	}
}

// A client that asks before it sends its body is told to go on if it may, and
// that it may not if it may not.
func TestExpectContinue(t *testing.T) {
	p := newProvider(t)
	s := start(t, inputSite, options{vars: map[string]string{"openai": p.URL}})
	body := dialects[0].request
	try := func(key string) (first string, rest []byte) {
		c, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", s.port))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(patience))
		fmt.Fprintf(c, "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: %d\r\n\r\n", key, len(body))
		buf := make([]byte, 12)
		if _, err := io.ReadFull(c, buf); err != nil {
			t.Fatal(err)
		}
		if string(buf) == "HTTP/1.1 100" {
			_, _ = io.WriteString(c, body)
		}
		rest, _ = io.ReadAll(c)
		return string(buf), rest
	}
	if first, rest := try(webKey); first != "HTTP/1.1 100" || !bytes.Contains(rest, []byte(chatWhole)) {
		t.Errorf("got %s %s", first, rest)
	}
	if first, rest := try(wrongKey); first != "HTTP/1.1 401" {
		t.Errorf("a stranger was told to send its body: %s %s", first, rest)
	}
}
