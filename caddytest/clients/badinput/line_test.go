package badinput

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
)

func TestRequestLine(t *testing.T) {
	both(t, "path", func(t *testing.T, fam family, probe string) {
		end := strings.TrimPrefix(fam.path, "/v1")
		for _, path := range []string{
			"/v1/../v1" + end, "/v1/." + end, "/x/%2e%2e/v1" + end, "/..%2fv1" + end, "/v1%2f" + end[1:], "//v1" + end, "/v1/" + end,
		} {
			r := fam.request(t, fam.body(probe))
			r.URL = &url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Opaque: "//" + r.URL.Host + path}
			fam.refused(t, path, send(t, r), 400, "malformed")
		}
		harness.WantSeen(t, probe, 0)
		r := fam.request(t, fam.body(probe))
		r.URL.Path = "/any/prefix" + fam.path
		harness.Equal(t, "status under a prefix", send(t, r).status, 200)
	})
	both(t, "method", func(t *testing.T, fam family, probe string) {
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodDelete, http.MethodPatch} {
			r := fam.request(t, fam.body(probe))
			r.Method = method
			fam.refused(t, method, send(t, r), 405, "method_not_allowed")
		}
		harness.WantSeen(t, probe, 0)
	})
	both(t, "unknown-endpoint", func(t *testing.T, fam family, probe string) {
		for _, path := range []string{"/v1/nothing-here", "/v1/files", "/v1/batches", fam.path + "-more", "/v1"} {
			status, code := 404, "not_found"
			if path == "/v1/files" || path == "/v1/batches" { // what providers keep
				status, code = 403, "objects_denied"
			}
			r := fam.request(t, fam.body(probe))
			r.URL.Path = path
			fam.refused(t, path, send(t, r), status, code)
			r = fam.request(t, fam.body(probe))
			r.URL.Path = path
			r.Header.Del("Authorization")
			r.Header.Del("X-Api-Key")
			fam.refused(t, path+" without a key", send(t, r), 401, "unauthenticated")
		}
		harness.WantSeen(t, probe, 0)
	})
}

func TestHeaders(t *testing.T) {
	both(t, "conflicting-keys", func(t *testing.T, fam family, probe string) {
		env := harness.Get()
		for _, second := range []string{env.RestrictedKey, "sk-not-a-key-of-this-gateway"} {
			r := fam.request(t, fam.body(probe))
			r.Header.Set("Api-Key", second)
			fam.refused(t, "two different keys", send(t, r), 400, "conflicting_credentials")
		}
		harness.WantSeen(t, probe, 0)
		for _, header := range []string{"Authorization", "X-Api-Key", "Api-Key", "X-Goog-Api-Key"} {
			r := fam.request(t, fam.body(probe))
			r.Header.Del("Authorization")
			r.Header.Del("X-Api-Key")
			value := env.OpenAIKey
			if header == "Authorization" {
				value = "Bearer " + value
			}
			r.Header.Set(header, value)
			if a := send(t, r); a.status != 200 {
				t.Errorf("the key in %s: %d %s", header, a.status, a.body)
			}
		}
		r := fam.request(t, fam.body(probe))
		r.Header.Set("Authorization", "Bearer "+env.OpenAIKey)
		r.Header.Set("X-Api-Key", env.OpenAIKey)
		harness.Equal(t, "status with the same key twice", send(t, r).status, 200)
	})
	// Of the client's headers the provider gets what its API needs, and nothing
	// that tells of the client.
	both(t, "headers", func(t *testing.T, fam family, probe string) {
		r := fam.request(t, fam.body(probe))
		for name, value := range map[string]string{
			"Cookie": "session=1", "X-Forwarded-For": "192.0.2.1", "Forwarded": "for=192.0.2.1", "X-Real-Ip": "192.0.2.1",
			"Referer": "https://intern.example/", "Origin": "https://intern.example", "X-Intern-Secret": "1", "Te": "trailers",
		} {
			r.Header.Set(name, value)
		}
		r.Header.Set("Accept-Encoding", "gzip, br, zstd")
		a := send(t, r)
		harness.Equal(t, "status", a.status, 200)
		got := harness.WantSeen(t, probe, 1)[0].Header
		for _, name := range []string{"Cookie", "X-Forwarded-For", "Forwarded", "X-Real-Ip", "Referer", "Origin", "X-Intern-Secret", "Te", "Via"} {
			if got.Get(name) != "" {
				t.Errorf("%s reached the provider: %q", name, got.Get(name))
			}
		}
		if enc := got.Get("Accept-Encoding"); enc != "" && enc != "identity" {
			t.Errorf("accept-encoding at the provider: %q", enc)
		}
	})
	// A key in the query, however it is spelt, goes no further. (The search of the
	// log at the end of the run looks for these too.)
	both(t, "key-in-query", func(t *testing.T, fam family, probe string) {
		env := harness.Get()
		for i, name := range []string{"key", "KEY", "api_key", "api-key", "%6bey", "%4b%45%59", "a=b;key", "a=b&%6Bey"} {
			p := fmt.Sprintf("%s-%d", probe, i)
			r := fam.request(t, fam.body(p))
			r.URL.RawQuery = name + "=" + env.OpenAIKey + "&beta=true"
			if a := send(t, r); a.status != 200 && (a.status < 400 || a.status > 403) {
				t.Errorf("?%s=: status %d: %s", name, a.status, a.body)
			}
			for _, seen := range harness.Seen(t, p) {
				if strings.Contains(seen.Query, env.OpenAIKey) {
					t.Errorf("?%s= reached the provider", name)
				}
			}
		}
	})
	both(t, "upgrade", func(t *testing.T, fam family, probe string) {
		r := fam.request(t, fam.body(probe))
		r.Header.Set("Connection", "Upgrade")
		r.Header.Set("Upgrade", "websocket")
		r.Header.Set("Sec-WebSocket-Version", "13")
		r.Header.Set("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")
		fam.refused(t, "upgrade", send(t, r), 501, "upgrade_unsupported")
		harness.WantSeen(t, probe, 0)
	})
	both(t, "preflight", func(t *testing.T, fam family, _ string) {
		r := fam.request(t, nil)
		r.Method = http.MethodOptions
		r.Header = http.Header{
			"Origin": {"https://app.example"}, "Access-Control-Request-Method": {"POST"},
			"Access-Control-Request-Headers": {"authorization, content-type"},
		}
		a := send(t, r)
		fam.refused(t, "preflight", a, 403, "cors_disabled")
		harness.Equal(t, "allowed origin", a.header.Get("Access-Control-Allow-Origin"), "")
	})
	both(t, "header-bomb", func(t *testing.T, fam family, probe string) {
		r := fam.request(t, fam.body(probe))
		r.Header.Set("X-Bomb", strings.Repeat("x", 2<<20))
		harness.Equal(t, "status", send(t, r).status, http.StatusRequestHeaderFieldsTooLarge)
		harness.WantSeen(t, probe, 0)
	})
}

// TestProbe: the question that Claude Code asks before it shows a key.
func TestProbe(t *testing.T) {
	for feature, path := range map[string]string{"head-root": "/", "head-hello": "/api/hello"} {
		harness.GatewayCell(t, "http-probe", feature, func(t *testing.T) {
			res, err := client.Head(harness.Get().URL + path)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			harness.Equal(t, "status", res.StatusCode, 200)
		})
	}
}
