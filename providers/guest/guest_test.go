package guest_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/anthropic"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/azure"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/gemini"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/ollama"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/openai"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/simulated"
)

const canary = "sk-canary-0123456789"

// parse reads `<type> [key] { options }` the way llm_upstream does.
func parse(input string) (guest.Parser, error) {
	d := caddyfile.NewTestDispenser(input)
	d.Next()
	p, err := guest.New(d, d.Val())
	if err != nil {
		return nil, err
	}
	if d.NextArg() {
		if err := p.PositionalKey(d); err != nil {
			return nil, err
		}
	}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		ok, err := p.ParseOption(d)
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, d.Errf("unknown option %s", d.Val())
		}
	}
	return p, p.Complete(d)
}

func TestCaddyfile(t *testing.T) {
	for _, tc := range []struct{ name, in, want, err string }{
		{"positional key", "openai {env.K}", `{"api_key":"{env.K}"}`, ""},
		{"all of openai", `openai {
			api_key {env.K}
			base_url http://127.0.0.1:8000/v1/
			header x-a 1
			header X-B {env.B}
			organization org
			project proj
			include_usage off
			max_tokens_field max_completion_tokens
			transport http {
				dial_timeout 3s
			}
		}`, `{"api_key":"{env.K}","base_url":"http://127.0.0.1:8000/v1/","headers":{"X-A":"1","X-B":"{env.B}"},"transport":{"dial_timeout":3000000000,"protocol":"http"},"organization":"org","project":"proj","include_usage":"off","max_tokens_field":"max_completion_tokens"}`, ""},
		{"no key with base_url", "openai {\nbase_url http://h/v1\n}", `{"base_url":"http://h/v1"}`, ""},
		{"base_url by placeholder", "openai k {\nbase_url {env.URL}\n}", `{"api_key":"k","base_url":"{env.URL}"}`, ""},
		{"anthropic", "anthropic {env.K}", `{"api_key":"{env.K}"}`, ""},
		{"anthropic options", "anthropic {\napi_key {env.K}\nbase_url https://h\nheader a b\n}", `{"api_key":"{env.K}","base_url":"https://h","headers":{"A":"b"}}`, ""},
		{"simulated", "simulated", `{}`, ""},
		{"gemini", "gemini {env.K}", `{"api_key":"{env.K}"}`, ""},
		{"gemini elsewhere without key", "gemini {\nbase_url http://h\n}", `{"base_url":"http://h"}`, ""},
		{"ollama", "ollama", `{}`, ""},
		{"ollama with key", "ollama k {\nbase_url http://h:11434\n}", `{"api_key":"k","base_url":"http://h:11434"}`, ""},
		{"azure", "azure k {\nbase_url https://n.openai.azure.com\ndeployment gpt-4o my-4o\ndeployment gpt-5 five\n}", `{"api_key":"k","base_url":"https://n.openai.azure.com","deployments":{"gpt-4o":"my-4o","gpt-5":"five"}}`, ""},
		{"azure dated", "azure k {\nbase_url https://n.openai.azure.com\napi_version 2024-10-21\nmax_tokens_field max_tokens\n}", `{"api_key":"k","base_url":"https://n.openai.azure.com","api_version":"2024-10-21","max_tokens_field":"max_tokens"}`, ""},
		{"simulated pace", "simulated {\npace 50ms\n}", `{"pace":50000000}`, ""},

		{"unknown type", "opnai " + canary, "", "unknown provider type"},
		{"no key", "openai", "", "needs an api_key"},
		{"no key, anthropic", "anthropic", "", "needs an api_key"},
		{"empty key", `openai ""`, "", "empty"},
		{"empty option", "openai {\napi_key \"\"\n}", "", "needs a value"},
		{"option without value", "openai {\napi_key\n}", "", "needs a value"},
		{"key twice", "openai " + canary + " {\napi_key " + canary + "\n}", "", "twice"},
		{"key without type", canary, "", "expected a provider type"},
		{"many keys", "openai a {\napi_key b c\napi_key {env.D}\n}", `{"api_key":"a","api_keys":["b","c","{env.D}"]}`, ""},
		{"keys without a positional one", "gemini {\napi_key b c\n}", `{"api_key":"b","api_keys":["c"]}`, ""},
		{"two keys alike", "openai {\napi_key " + canary + " x " + canary + "\n}", "", "twice"},
		{"one of many empty", "openai {\napi_key " + canary + " \"\"\n}", "", "needs a value"},
		{"speaks", "openai k {\nbase_url http://h/v1\nspeaks chat messages\n}", `{"api_key":"k","base_url":"http://h/v1","speaks":["chat","messages"]}`, ""},
		{"speaks nothing", "openai k {\nspeaks\n}", "", "needs dialects"},
		{"speaks gibberish", "openai k {\nspeaks chat klingon\n}", "", "klingon"},
		{"speaks stutter", "openai k {\nspeaks chat chat\n}", "", "twice"},
		{"speaks twice", "openai k {\nspeaks chat\nspeaks chat\n}", "", "twice"},
		{"base_url without scheme", "openai k {\nbase_url localhost:8000/v1\n}", "", "must begin with http"},
		{"base_url without host", "openai k {\nbase_url http:///v1\n}", "", "no host"},
		{"base_url with port only", "openai k {\nbase_url http://:80/v1\n}", "", "no host"},
		{"base_url with userinfo", "openai k {\nbase_url https://u:" + canary + "@h/v1\n}", "", "must not hold credentials"},
		{"base_url with query", "openai k {\nbase_url https://h/v1?key=" + canary + "\n}", "", "query"},
		{"base_url of another scheme", "openai k {\nbase_url file:///etc\n}", "", "must begin with http"},
		{"base_url broken", "openai k {\nbase_url http://h:" + canary + "/\n}", "", "not a URL"},
		{"base_url twice", "openai k {\nbase_url http://h\nbase_url http://h\n}", "", "twice"},
		{"header without value", "openai k {\nheader X-A\n}", "", "name and a value"},
		{"header empty", "openai k {\nheader X-A \"\"\n}", "", "name and a value"},
		{"header twice", "openai k {\nheader X-A " + canary + "\nheader x-a 2\n}", "", "twice"},
		{"include_usage", "openai k {\ninclude_usage maybe\n}", "", "on or off"},
		{"max_tokens_field", "openai k {\nmax_tokens_field tokens\n}", "", "max_completion_tokens"},
		{"transport unknown", "openai k {\ntransport carrier_pigeon\n}", "", "carrier_pigeon"},
		{"transport without name", "openai k {\ntransport\n}", "", "argument"},
		{"transport twice", "openai k {\ntransport http\ntransport http\n}", "", "twice"},
		{"unknown option", "openai k {\norganisation x\n}", "", "organisation"},
		{"option of another type", "anthropic k {\norganization x\n}", "", "organization"},
		{"no key, gemini", "gemini", "", "needs an api_key"},
		{"azure without base_url", "azure " + canary, "", "base_url is missing"},
		{"azure without key", "azure {\nbase_url https://h\n}", "", "api_key is missing"},
		{"azure version", "azure k {\nbase_url https://h\napi_version tomorrow\n}", "", "api_version"},
		{"azure version with more", "azure k {\nbase_url https://h\napi_version \"2024-10-21&x=y\"\n}", "", "api_version"},
		{"azure deployment", "azure k {\nbase_url https://h\ndeployment a\n}", "", "a model and the name"},
		{"azure deployment twice", "azure k {\nbase_url https://h\ndeployment a b\ndeployment a c\n}", "", "twice"},
		{"azure field", "azure k {\nbase_url https://h\nmax_tokens_field x\n}", "", "max_tokens_field"},
		{"simulated with key", "simulated " + canary, "", "no API key"},
		{"simulated api_key", "simulated {\napi_key " + canary + "\n}", "", "api_key"},
		{"simulated speaks", "simulated {\nspeaks chat messages\n}", `{"speaks":["chat","messages"]}`, ""},
		{"simulated speaks latin", "simulated {\nspeaks latin\n}", "", "latin"},
		{"pace", "simulated {\npace fast\n}", "", "not a duration"},
		{"pace negative", "simulated {\npace -1s\n}", "", "not a duration"},
		{"pace twice", "simulated {\npace 1s\npace 1s\n}", "", "twice"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			p, err := parse(tc.in)
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) {
					t.Fatalf("got error %v, want %q", err, tc.err)
				}
				if strings.Contains(err.Error(), canary) {
					t.Errorf("the error tells a secret: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if b, _ := json.Marshal(p); string(b) != tc.want {
				t.Errorf("got %s", b)
			}
		})
	}
}

// provision sets a module up as Caddy does, and cleans up after the test.
func provision(t *testing.T, p caddy.Provisioner) error {
	t.Helper()
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	t.Cleanup(cancel)
	err := p.Provision(ctx)
	if c, ok := p.(caddy.CleanerUpper); ok {
		t.Cleanup(func() {
			if err := c.Cleanup(); err != nil {
				t.Error(err)
			}
		})
	}
	return err
}

func TestProvisionRefuses(t *testing.T) {
	t.Setenv("EMPTY_KEY", "")
	t.Setenv("BLANK_KEY", "  \n")
	t.Setenv("SPLIT_KEY", canary+"\nX-Evil: 1")
	t.Setenv("BAD_URL", "https://u:"+canary+"@h/v1")
	t.Setenv("ODD_URL", "ftp://"+canary)
	o := func(h guest.HTTP) caddy.Provisioner { return &openai.OpenAI{HTTP: h} }
	a := func(h guest.HTTP) caddy.Provisioner { return &anthropic.Anthropic{HTTP: h} }
	for _, tc := range []struct {
		name string
		h    guest.HTTP
		err  string
	}{
		{"no key", guest.HTTP{}, "api_key is missing"},
		{"empty env", guest.HTTP{APIKey: "{env.EMPTY_KEY}"}, "api_key: "},
		{"missing env", guest.HTTP{APIKey: "{env.CERTAINLY_NOT_SET_KEY}"}, "api_key: "},
		{"blank env", guest.HTTP{APIKey: "{env.BLANK_KEY}"}, "api_key: resolves to nothing"},
		{"unknown placeholder", guest.HTTP{APIKey: "{http.request.header.X}"}, "api_key: "},
		{"missing file", guest.HTTP{APIKey: "{file." + filepath.Join(t.TempDir(), "none") + "}"}, "api_key: "},
		{"split key", guest.HTTP{APIKey: "{env.SPLIT_KEY}"}, "api_key: has blanks"},
		{"no scheme", guest.HTTP{APIKey: canary, BaseURL: "localhost:1/v1"}, "base_url: must begin with http"},
		{"userinfo", guest.HTTP{APIKey: canary, BaseURL: "{env.BAD_URL}"}, "base_url: must not hold credentials"},
		{"other scheme", guest.HTTP{APIKey: canary, BaseURL: "{env.ODD_URL}"}, "base_url: must begin with http"},
		{"empty base", guest.HTTP{APIKey: canary, BaseURL: "{env.EMPTY_KEY}"}, "base_url: "},
		{"empty header", guest.HTTP{APIKey: canary, Headers: map[string]string{"X-A": "{env.EMPTY_KEY}"}}, "header X-A: "},
		{"unknown transport", guest.HTTP{APIKey: canary, TransportRaw: json.RawMessage(`{"protocol":"pigeon"}`)}, "transport: "},
		{"transport of another kind", guest.HTTP{APIKey: canary, TransportRaw: json.RawMessage(`{"protocol":"http","dial_timeout":"x"}`)}, "transport: "},
	} {
		for typ, p := range map[string]caddy.Provisioner{"openai": o(tc.h), "anthropic": a(tc.h)} {
			err := provision(t, p)
			if err == nil || !strings.Contains(err.Error(), tc.err) || !strings.HasPrefix(err.Error(), typ+": ") {
				t.Errorf("%s %s: %v", typ, tc.name, err)
				continue
			}
			if strings.Contains(err.Error(), canary) {
				t.Errorf("%s %s tells a secret: %v", typ, tc.name, err)
			}
		}
	}
	for want, p := range map[string]*openai.OpenAI{
		"include_usage": {HTTP: guest.HTTP{APIKey: canary}, IncludeUsageOption: "maybe"}, "max_tokens_field": {HTTP: guest.HTTP{APIKey: canary}, MaxTokensOption: "x"},
	} {
		if err := provision(t, p); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}

func request(t *testing.T, p providers.Provider, d llm.Dialect, header http.Header) *http.Request {
	t.Helper()
	path := "/any/v1/x"
	if d == llm.Objects {
		path = "/any/v1/files/a b/content"
	}
	req, err := p.NewRequest(t.Context(), &providers.Call{Dialect: d, Model: "a b/c", Method: "POST", Path: path, RawQuery: "key=client&beta=true", Header: header, Body: []byte("{}"), RequestID: "r"})
	if err != nil {
		t.Fatal(err)
	}
	return req
}

// What leaves carries the provider's credential and none of the client's.
func TestRequests(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PROVIDER_KEY", canary)
	t.Setenv("TEAM", "blue")
	client := http.Header{"Authorization": {"Bearer client"}, "X-Api-Key": {"client"}, "Cookie": {"client"}, "Openai-Organization": {"client"}, "X-Forwarded-For": {"client"},
		"Anthropic-Beta": {"b1", "b2"}, "User-Agent": {"ua"}}
	for _, tc := range []struct {
		name string
		p    providers.Provider
		d    llm.Dialect
		url  string
		want map[string]string
	}{
		{"openai", &openai.OpenAI{HTTP: guest.HTTP{APIKey: "{env.PROVIDER_KEY}"}, Organization: "org", Project: "proj"}, llm.Chat, "https://api.openai.com/v1/chat/completions?beta=true",
			map[string]string{"Authorization": "Bearer " + canary, "X-Api-Key": "", "Openai-Organization": "org", "Openai-Project": "proj"}},
		{"openai by file", &openai.OpenAI{HTTP: guest.HTTP{APIKey: "{file." + file + "}", BaseURL: "http://h:1/x/v1/", Headers: map[string]string{"x-team": "{env.TEAM}", "Authorization": "Bearer other"}}}, llm.Responses, "http://h:1/x/v1/responses?beta=true",
			map[string]string{"Authorization": "Bearer " + canary, "X-Team": "blue", "Openai-Organization": ""}},
		{"a server without key", &openai.OpenAI{HTTP: guest.HTTP{BaseURL: "http://[::1]:11434/v1"}}, llm.Embeddings, "http://[::1]:11434/v1/embeddings?beta=true",
			map[string]string{"Authorization": "", "X-Api-Key": ""}},
		{"its key in a header", &openai.OpenAI{HTTP: guest.HTTP{BaseURL: "http://h/v1", Headers: map[string]string{"Api-Key": "{env.PROVIDER_KEY}"}}}, llm.Chat, "http://h/v1/chat/completions?beta=true",
			map[string]string{"Authorization": "", "Api-Key": canary}},
		{"anthropic", &anthropic.Anthropic{HTTP: guest.HTTP{APIKey: "{env.PROVIDER_KEY}"}}, llm.Messages, "https://api.anthropic.com/v1/messages?beta=true",
			map[string]string{"Authorization": "", "X-Api-Key": canary, "Anthropic-Version": anthropic.DefaultVersion}},
		{"anthropic elsewhere", &anthropic.Anthropic{HTTP: guest.HTTP{APIKey: "{env.PROVIDER_KEY}", BaseURL: "http://h/a%2Fb/"}}, llm.CountTokens, "http://h/a%2Fb/v1/messages/count_tokens?beta=true",
			map[string]string{"X-Api-Key": canary}},
		{"objects of openai", &openai.OpenAI{HTTP: guest.HTTP{APIKey: "{env.PROVIDER_KEY}"}}, llm.Objects, "https://api.openai.com/v1/files/a%20b/content?beta=true",
			map[string]string{"Authorization": "Bearer " + canary}},
		{"objects of anthropic", &anthropic.Anthropic{HTTP: guest.HTTP{APIKey: "{env.PROVIDER_KEY}"}}, llm.Objects, "https://api.anthropic.com/v1/files/a%20b/content?beta=true",
			map[string]string{"X-Api-Key": canary}},
		{"vLLM's messages", &openai.OpenAI{HTTP: guest.HTTP{BaseURL: "http://h:8000/v1"}, Speaks: []string{"chat", "messages"}}, llm.Messages, "http://h:8000/v1/messages?beta=true",
			map[string]string{"Authorization": ""}},
		{"gemini", &gemini.Gemini{HTTP: guest.HTTP{APIKey: "{env.PROVIDER_KEY}"}}, llm.GenerateContent, "https://generativelanguage.googleapis.com/v1beta/models/a%20b/c:generateContent",
			map[string]string{"Authorization": "", "X-Goog-Api-Key": canary}},
		{"gemini by version", &gemini.Gemini{HTTP: guest.HTTP{BaseURL: "http://h/x%2Fy/v1"}}, llm.GeminiCount, "http://h/x%2Fy/v1/models/a%20b/c:countTokens",
			map[string]string{"X-Goog-Api-Key": ""}},
		{"gemini's models", &gemini.Gemini{HTTP: guest.HTTP{APIKey: "k"}}, llm.GeminiModels, "https://generativelanguage.googleapis.com/v1beta/models", nil},
		{"ollama", new(ollama.Ollama), llm.OllamaChat, "http://127.0.0.1:11434/api/chat?beta=true", map[string]string{"Authorization": ""}},
		{"ollama's OpenAI face", &ollama.Ollama{HTTP: guest.HTTP{APIKey: "{env.PROVIDER_KEY}", BaseURL: "http://h:1/v1/"}}, llm.Chat, "http://h:1/v1/chat/completions?beta=true",
			map[string]string{"Authorization": "Bearer " + canary}},
		{"azure v1", &azure.Azure{HTTP: guest.HTTP{APIKey: "{env.PROVIDER_KEY}", BaseURL: "https://n.openai.azure.com/"}}, llm.Chat, "https://n.openai.azure.com/openai/v1/chat/completions?beta=true",
			map[string]string{"Authorization": "", "Api-Key": canary}},
		{"azure preview", &azure.Azure{HTTP: guest.HTTP{APIKey: "k", BaseURL: "https://n.openai.azure.com/openai/v1"}, APIVersion: "preview"}, llm.Responses, "https://n.openai.azure.com/openai/v1/responses?api-version=preview&beta=true", nil},
		{"azure dated", &azure.Azure{HTTP: guest.HTTP{APIKey: "k", BaseURL: "https://n.openai.azure.com"}, APIVersion: "2024-10-21"}, llm.Chat, "https://n.openai.azure.com/openai/deployments/a%20b/c/chat/completions?api-version=2024-10-21&beta=true", nil},
		{"azure dated responses", &azure.Azure{HTTP: guest.HTTP{APIKey: "k", BaseURL: "https://n.openai.azure.com/openai"}, APIVersion: "2025-04-01-preview"}, llm.Responses, "https://n.openai.azure.com/openai/responses?api-version=2025-04-01-preview&beta=true", nil},
		{"simulated", new(simulated.Simulated), llm.AnthropicModels, "http://simulated.invalid/v1/models?beta=true", map[string]string{"Authorization": "", "X-Api-Key": ""}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if err := provision(t, tc.p.(caddy.Provisioner)); err != nil {
				t.Fatal(err)
			}
			req := request(t, tc.p, tc.d, client.Clone())
			if req.URL.String() != tc.url {
				t.Errorf("url %s", req.URL)
			}
			for k, v := range tc.want {
				if got := req.Header.Get(k); got != v || len(req.Header.Values(k)) > 1 {
					t.Errorf("%s: %q", k, req.Header.Values(k))
				}
			}
			for k, vs := range req.Header {
				if strings.Contains(strings.Join(vs, " "), "client") {
					t.Errorf("%s: %v is the client's", k, vs)
				}
			}
			if got := req.Header["Anthropic-Beta"]; len(got) != 2 || got[1] != "b2" {
				t.Errorf("beta: %v", got)
			}
			if tc.p.Transport() == nil {
				t.Error("no transport")
			}
			// A second request is not shaped by the first.
			if again := request(t, tc.p, tc.d, client.Clone()); again.URL.String() != tc.url {
				t.Errorf("then %s", again.URL)
			}
			if _, err := tc.p.NewRequest(t.Context(), &providers.Call{Method: "POST"}); err == nil {
				t.Error("a request in no dialect")
			}
		})
	}
	// The client's own version of the API passes byte for byte.
	p := &anthropic.Anthropic{HTTP: guest.HTTP{APIKey: "k"}}
	if err := provision(t, p); err != nil {
		t.Fatal(err)
	}
	if got := request(t, p, llm.Messages, http.Header{"Anthropic-Version": {"2029-01-01"}}).Header["Anthropic-Version"]; len(got) != 1 || got[0] != "2029-01-01" {
		t.Error(got)
	}
}

func TestFacts(t *testing.T) {
	all := []llm.Dialect{llm.DialectNone, llm.Chat, llm.Responses, llm.Embeddings, llm.Completions, llm.Models, llm.Messages, llm.CountTokens, llm.AnthropicModels}
	for _, tc := range []struct {
		p      providers.Provider
		typ    string
		speaks string
		field  string
		usage  bool
	}{
		{new(openai.OpenAI), "openai", "011111000", "max_completion_tokens", true},
		{&openai.OpenAI{HTTP: guest.HTTP{BaseURL: "http://h"}, IncludeUsageOption: "off"}, "openai", "011111000", "max_tokens", false},
		{&openai.OpenAI{MaxTokensOption: "max_tokens"}, "openai", "011111000", "max_tokens", true},
		{new(anthropic.Anthropic), "anthropic", "000000111", "max_tokens", false},
		{new(simulated.Simulated), "simulated", "011111111", "max_tokens", true},
		{new(gemini.Gemini), "gemini", "000000000", "", false},
		{new(ollama.Ollama), "ollama", "011111100", "max_tokens", true},
		{new(azure.Azure), "azure", "011111000", "max_completion_tokens", true},
		{&azure.Azure{APIVersion: "2024-10-21"}, "azure", "010110000", "max_completion_tokens", true},
		{&azure.Azure{APIVersion: "2024-02-01"}, "azure", "010110000", "max_tokens", false},
		{&azure.Azure{APIVersion: "2025-04-01-preview", MaxTokensOption: "max_tokens"}, "azure", "011110000", "max_tokens", true},
	} {
		var speaks string
		for _, d := range all {
			if providers.Speaks(tc.p, d) {
				speaks += "1"
			} else {
				speaks += "0"
			}
		}
		if tc.p.Type() != tc.typ || speaks != tc.speaks || tc.p.MaxTokensField() != tc.field || tc.p.IncludeUsage() != tc.usage {
			t.Errorf("%s: %s %s %v", tc.p.Type(), speaks, tc.p.MaxTokensField(), tc.p.IncludeUsage())
		}
	}
}

// A name of a model, which a client may have chosen, leads to no other address.
func TestModelInPath(t *testing.T) {
	g := &gemini.Gemini{HTTP: guest.HTTP{APIKey: "k"}}
	az := &azure.Azure{HTTP: guest.HTTP{APIKey: "k", BaseURL: "https://h"}, APIVersion: "2024-10-21"}
	for _, p := range []providers.Provider{g, az} {
		if err := provision(t, p.(caddy.Provisioner)); err != nil {
			t.Fatal(err)
		}
		d := p.Dialects()[0]
		for _, model := range []string{"", ".", "..", "../x", "a/../b", "a//b", "/a", "a/"} {
			_, err := p.NewRequest(t.Context(), &providers.Call{Dialect: d, Model: model, Method: "POST", Path: "/v1/x"})
			var den *llm.Denial
			if !errors.As(err, &den) || den.Status != 400 {
				t.Errorf("%s %q: %v", p.Type(), model, err)
			}
		}
		for model, want := range map[string]string{"a?b#c": "a%3Fb%23c", "a%2f..": "a%252f..", "a\\b;c": "a%5Cb%3Bc", "é:x": "%C3%A9:x"} {
			req, err := p.NewRequest(t.Context(), &providers.Call{Dialect: d, Model: model, Method: "POST", Path: "/v1/x"})
			if err != nil || !strings.Contains(req.URL.String(), "/"+want) || strings.Contains(req.URL.RawQuery, "b") || req.URL.Fragment != "" {
				t.Errorf("%s %q: %v %v", p.Type(), model, err, req.URL)
			}
		}
	}
	for _, tc := range []struct {
		call providers.Call
		want string
	}{
		{providers.Call{Model: "models/g"}, "/v1beta/models/g:generateContent"},
		{providers.Call{Model: "tunedModels/t"}, "/v1beta/tunedModels/t:generateContent"},
		{providers.Call{Model: "g", Stream: true, Path: "/v1/chat/completions"}, "/v1beta/models/g:streamGenerateContent?alt=sse"},
		{providers.Call{Model: "g", Stream: true, Path: "/v1beta/models/g:streamGenerateContent", RawQuery: "alt=sse&key=client"}, "/v1beta/models/g:streamGenerateContent?alt=sse"},
		{providers.Call{Model: "g", Stream: true, Path: "/v1beta/models/g:streamGenerateContent", RawQuery: "%24alt=sse"}, "/v1beta/models/g:streamGenerateContent?alt=sse"},
		{providers.Call{Model: "g", Stream: true, Path: "/v1beta/models/g:streamGenerateContent"}, "/v1beta/models/g:streamGenerateContent"},
		{providers.Call{Model: "g", Stream: true, Path: "/v1beta/models/g:streamGenerateContent", RawQuery: "alt=json"}, "/v1beta/models/g:streamGenerateContent"},
	} {
		tc.call.Dialect, tc.call.Method = llm.GenerateContent, "POST"
		req, err := g.NewRequest(t.Context(), &tc.call)
		if err != nil || req.URL.RequestURI() != tc.want {
			t.Errorf("%+v: %v %v", tc.call, err, req.URL)
		}
	}
}

// A file goes up in the form in which it came; every other body is JSON.
func TestObjectType(t *testing.T) {
	p := &openai.OpenAI{HTTP: guest.HTTP{APIKey: "k"}}
	if err := provision(t, p); err != nil {
		t.Fatal(err)
	}
	const form = "multipart/form-data; boundary=x"
	for d, want := range map[llm.Dialect]string{llm.Objects: form, llm.Chat: "application/json"} {
		req := request(t, p, d, http.Header{"Content-Type": {form}})
		if got := req.Header.Get("Content-Type"); got != want {
			t.Errorf("%v: %s", d, got)
		}
	}
	if _, err := p.NewRequest(t.Context(), &providers.Call{Dialect: llm.Objects, Method: "GET", Path: "/v1/elsewhere"}); err == nil {
		t.Error("an object nowhere")
	}
}

func TestDeployments(t *testing.T) {
	p := &azure.Azure{HTTP: guest.HTTP{APIKey: "k", BaseURL: "https://h"}, Deployments: map[string]string{"gpt-4o": "mine"}}
	if err := provision(t, p); err != nil {
		t.Fatal(err)
	}
	if p.WireModel("gpt-4o") != "mine" || p.WireModel("gpt-5") != "gpt-5" {
		t.Error(p.WireModel("gpt-4o"), p.WireModel("gpt-5"))
	}
}

func TestManyKeys(t *testing.T) {
	t.Setenv("KEY_A", "aaa")
	t.Setenv("KEY_B", "bbb")
	t.Setenv("KEY_SAME", "aaa")
	keys := func(written ...string) guest.HTTP {
		return guest.HTTP{APIKey: written[0], APIKeys: written[1:], BaseURL: "https://h"}
	}
	for header, p := range map[string]providers.Provider{
		"Authorization": &openai.OpenAI{HTTP: keys("{env.KEY_A}", "{env.KEY_B}")}, "X-Api-Key": &anthropic.Anthropic{HTTP: keys("{env.KEY_A}", "{env.KEY_B}")},
		"X-Goog-Api-Key": &gemini.Gemini{HTTP: keys("{env.KEY_A}", "{env.KEY_B}")}, "Api-Key": &azure.Azure{HTTP: keys("{env.KEY_A}", "{env.KEY_B}")},
	} {
		if err := provision(t, p.(caddy.Provisioner)); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.(providers.Keyring).Keys(), " "); got != "aaa bbb" {
			t.Errorf("%s: %s", p.Type(), got)
		}
		for asked, want := range map[string]string{"": "aaa", "aaa": "aaa", "bbb": "bbb"} {
			req, err := p.NewRequest(t.Context(), &providers.Call{Dialect: p.Dialects()[0], Model: "m", Method: "POST", Path: "/v1/x", Key: asked})
			if err != nil || strings.TrimPrefix(req.Header.Get(header), "Bearer ") != want {
				t.Errorf("%s: asked for %q, sent %v: %v", p.Type(), asked, req.Header, err)
			}
		}
	}
	for want, written := range map[string][]string{"number 2 is the same": {"{env.KEY_A}", "{env.KEY_SAME}"}, "one is empty": {"{env.KEY_A}", ""}, "api_key: ": {"{env.KEY_A}", "{env.CERTAINLY_NOT_SET}"}} {
		if err := provision(t, &openai.OpenAI{HTTP: keys(written...)}); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "aaa") {
			t.Errorf("%v: %v", written, err)
		}
	}
	only := &openai.OpenAI{HTTP: guest.HTTP{APIKeys: []string{"{env.KEY_B}"}}}
	if err := provision(t, only); err != nil || only.Keys()[0] != "bbb" {
		t.Error(err)
	}
}

func TestSpeaks(t *testing.T) {
	for want, p := range map[string]*openai.OpenAI{
		"responses chat embeddings completions models input_tokens objects": {HTTP: guest.HTTP{APIKey: "k"}},
		"chat responses embeddings completions models input_tokens objects": {HTTP: guest.HTTP{BaseURL: "http://h"}},
		"messages chat": {HTTP: guest.HTTP{BaseURL: "http://h"}, Speaks: []string{"messages", "chat"}},
	} {
		if err := provision(t, p); err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, d := range p.Dialects() {
			got = append(got, d.String())
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%v, want %s", got, want)
		}
	}
	if err := provision(t, &openai.OpenAI{HTTP: guest.HTTP{APIKey: "k"}, Speaks: []string{"klingon"}}); err == nil || !strings.Contains(err.Error(), "openai: speaks") {
		t.Error(err)
	}
}
