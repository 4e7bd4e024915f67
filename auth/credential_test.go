package auth

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// header builds a header from name, value pairs, names as given.
func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h[pairs[i]] = append(h[pairs[i]], pairs[i+1])
	}
	return h
}

func TestCredential(t *testing.T) {
	const conflict, none, malformed = llm.CodeConflicting, llm.CodeUnauthenticated, llm.CodeMalformed
	for _, c := range []struct {
		name   string
		h      http.Header
		query  string
		secret string
		code   string
	}{
		{"bearer", header("Authorization", "Bearer k1"), "", "k1", ""},
		{"scheme in any case", header("Authorization", "bEaReR k1"), "", "k1", ""},
		{"spaces and tab", header("Authorization", "  Bearer \t k1  "), "", "k1", ""},
		{"x-api-key", header("X-Api-Key", "k1"), "", "k1", ""},
		{"api-key", header("Api-Key", " k1 "), "", "k1", ""},
		{"x-goog-api-key", header("X-Goog-Api-Key", "k1"), "", "k1", ""},
		{"query", nil, "a=b&key=k1&c", "k1", ""},
		{"query encoded", nil, "%6bey=k%31", "k1", ""},
		{"query plus", nil, "key=k+1", "k 1", ""},
		{"same everywhere", header("Authorization", "Bearer k1", "X-Api-Key", "k1", "Api-Key", "k1", "X-Api-Key", "k1"), "key=k1&key=k1", "k1", ""},
		{"empty ones are absent", header("Authorization", "", "Authorization", "Bearer ", "X-Api-Key", " ", "Api-Key", "k1"), "key=", "k1", ""},
		{"headers differ", header("Authorization", "Bearer k1", "X-Api-Key", "k2"), "", "", conflict},
		{"one header twice", header("X-Api-Key", "k1", "X-Api-Key", "k2"), "", "", conflict},
		{"bearer twice", header("Authorization", "Bearer k1", "Authorization", "Bearer k2"), "", "", conflict},
		{"header and query", header("X-Api-Key", "k1"), "key=k2", "", conflict},
		{"query twice", nil, "key=k1&key=k2", "", conflict},
		{"case matters", header("X-Api-Key", "k1", "Api-Key", "K1"), "", "", conflict},
		{"nothing", nil, "", "", none},
		{"only empty", header("Authorization", "Bearer"), "key=&x", "", none},
		{"basic", header("Authorization", "Basic YTpi"), "", "", none},
		{"basic beside a key", header("Authorization", "Basic YTpi", "X-Api-Key", "k1"), "", "", none},
		{"no scheme", header("Authorization", "sk-1234567890123456"), "", "", none},
		{"bearer without space", header("Authorization", "Bearerk1"), "", "", none},
		{"underscores are not read", header("X_api_key", "k1"), "", "", none},
		{"the parameter in another case", nil, "Key=k1", "k1", ""},
		{"semicolons are not read", nil, "a=1;key=k1", "", none},
		{"bad encoding", nil, "key=%zz", "", malformed},
	} {
		t.Run(c.name, func(t *testing.T) {
			secret, d := Credential(c.h, c.query)
			if c.code == "" {
				if d != nil || secret != c.secret {
					t.Fatalf("got %q, %v; want %q", secret, d, c.secret)
				}
				return
			}
			if d == nil || d.Code != c.code || secret != "" || d.Stage != llm.StageAuth {
				t.Fatalf("got %q, %+v; want %s", secret, d, c.code)
			}
			status, challenge := 400, false
			if c.code == none {
				status, challenge = 401, true
			}
			if d.Status != status || slices.Contains(d.Header, [2]string{"WWW-Authenticate", "Bearer"}) != challenge {
				t.Errorf("got %+v", d)
			}
		})
	}
}

func TestStrip(t *testing.T) {
	h := header("Authorization", "Bearer k", "Proxy-Authorization", "Basic k", "Cookie", "a=k", "X-Api-Key", "k", "Api-Key", "k",
		"X-Goog-Api-Key", "k", "X_Api_Key", "k", "x_api_key", "k", "API_KEY", "k", "x-goog-api_key", "k", "authorization", "k",
		"Content-Type", "application/json", "Api-Keys", "stays", "X-Team", "blue", "Openai-Organization", "org")
	Strip(h, "")
	if len(h) != 4 || h["X-Team"] == nil || h["Content-Type"] == nil || h["Api-Keys"] == nil || h["Openai-Organization"] == nil {
		t.Errorf("left: %v", h)
	}
	for in, want := range map[string]string{
		"":                          "",
		"a=1":                       "a=1",
		"key=k":                     "",
		"key":                       "",
		"a=1&key=k":                 "a=1",
		"key=k&a=1":                 "a=1",
		"a=1&key=k&b=2":             "a=1&b=2",
		"a=1&key=k&key=l&b=2":       "a=1&b=2",
		"a=%7e+x&&key=k&b=%zz&":     "a=%7e+x&&b=%zz&",
		"%6Bey=k&beta=true":         "beta=true",
		"KEY=k&kEy=l&keys=1&mykey=": "keys=1&mykey=",
		"a=1;key=k;b=2":             "a=1;b=2",
		"a=1;key=k&b=2":             "a=1&b=2",
		"a=key":                     "a=key",
	} {
		if got := Strip(nil, in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func FuzzCredential(f *testing.F) {
	f.Add("Bearer k1", "k1", "x", "key=k1&a=b;key=2&%6bey=z")
	f.Add("Basic k1", "", "", "key=%zz")
	f.Add("bearer\t", "k", "k", "&&;;key")
	f.Fuzz(func(t *testing.T, authorization, key, other, query string) {
		h := header("Authorization", authorization, "X-Api-Key", key, "X-Other", other)
		secret, d := Credential(h, query)
		if (secret == "") == (d == nil) {
			t.Fatalf("both or neither: %q, %v", secret, d)
		}
		if d != nil {
			for _, s := range []string{authorization, key, query} {
				if len(s) > 30 && strings.Contains(d.Error(), s) {
					t.Fatalf("the denial quotes the request: %v", d)
				}
			}
		}
		left := Strip(h, query)
		if s, d := Credential(h, left); d == nil || d.Code != llm.CodeUnauthenticated {
			t.Fatalf("after Strip %q is still found in %q: %v", s, left, d)
		}
		if again := Strip(h, left); again != left {
			t.Fatalf("not idempotent: %q, then %q", left, again)
		}
		if h.Get("X-Other") != other {
			t.Fatal("another header was changed")
		}
		// What net/url reads besides the key is as before.
		before, _ := url.ParseQuery(query)
		after, _ := url.ParseQuery(left)
		for name := range before {
			if !strings.EqualFold(name, "key") && !strings.Contains(query, ";") && !slices.Equal(before[name], after[name]) {
				t.Fatalf("%q: %q became %q", name, before[name], after[name])
			}
		}
		for name := range after {
			if strings.EqualFold(name, "key") {
				t.Fatalf("a key is left in %q", left)
			}
		}
	})
}

func BenchmarkCredential(b *testing.B) {
	h := header("Authorization", "Bearer sgw-web-0123456789abcdef", "Content-Type", "application/json")
	b.ReportAllocs()
	for b.Loop() {
		Credential(h, "")
		Strip(header(), "beta=true")
	}
}
