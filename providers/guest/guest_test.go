package guest_test

import (
	"context"
	"encoding/json"
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
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers/guest"
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
		{"simulated pace", "simulated {\npace 50ms\n}", `{"pace":50000000}`, ""},

		{"unknown type", "opnai " + canary, "", "unknown provider type"},
		{"no key", "openai", "", "needs an api_key"},
		{"no key, anthropic", "anthropic", "", "needs an api_key"},
		{"empty key", `openai ""`, "", "empty"},
		{"empty option", "openai {\napi_key \"\"\n}", "", "needs a value"},
		{"option without value", "openai {\napi_key\n}", "", "needs a value"},
		{"key twice", "openai " + canary + " {\napi_key " + canary + "\n}", "", "twice"},
		{"key without type", canary, "", "expected a provider type"},
		{"two values", "openai {\napi_key " + canary + " x\n}", "", "one value"},
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
		{"simulated with key", "simulated " + canary, "", "no API key"},
		{"simulated api_key", "simulated {\napi_key " + canary + "\n}", "", "api_key"},
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
	req, err := p.NewRequest(t.Context(), &providers.Call{Dialect: d, Method: "POST", Path: "/any/v1/x", RawQuery: "key=client&beta=true", Header: header, Body: []byte("{}"), RequestID: "r"})
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
