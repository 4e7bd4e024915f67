package acme

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-llm-gateway/caddy-llm-gateway"
)

// free is the address of a free port.
func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// adapt turns a Caddyfile into JSON.
func adapt(text string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "acme.caddyfile"})
	return config, err
}

// load runs the example with its own data directory and returns its address.
func load(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("acme.caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# Run: ") {
		t.Error("the example does not say how to run it")
	}
	addr := free(t)
	global := fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n\tllm_gateway {\n\t\tdata_dir %s\n\t}\n}\n", t.TempDir())
	config, err := adapt(global + strings.Replace(string(text), ":8080", "http://"+addr, 1))
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return addr
}

const (
	clientKey = "a-client-key-of-enough-length"
	acmeKey   = "acme-secret"
)

// TestExample sends requests through a gateway with the example's provider.
func TestExample(t *testing.T) {
	var got *http.Request
	var body []byte
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(t.Context())
		body, _ = io.ReadAll(r.Body)
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"id":"1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":1,"total_tokens":4}}`)
	}))
	defer server.Close()
	t.Setenv("WEB_APP_KEY", clientKey)
	t.Setenv("ACME_KEY", acmeKey)
	t.Setenv("ACME_URL", server.URL+"/eu")
	addr := load(t)

	const chat = `{"model":"m","messages":[{"role":"user","content":"hello"}]}`
	req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+addr+"/v1/chat/completions", strings.NewReader(chat))
	req.Header.Set("Authorization", "Bearer "+clientKey)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	answer, _ := io.ReadAll(res.Body)
	res.Body.Close()
	if res.StatusCode != 200 || !strings.Contains(string(answer), `"content":"hi"`) {
		t.Fatalf("%d %s", res.StatusCode, answer)
	}
	mac := hmac.New(sha256.New, []byte(acmeKey))
	mac.Write([]byte(chat))
	if got.URL.Path != "/eu/inference/chat" || string(body) != chat || got.Header.Get("Acme-Tenant") != "research" ||
		got.Header.Get("Acme-Signature") != hex.EncodeToString(mac.Sum(nil)) || got.Header.Get("Authorization") != "" {
		t.Errorf("%s %v %s", got.URL, got.Header, body)
	}
}

func TestRefuses(t *testing.T) {
	for options, want := range map[string]string{
		"":                                    "base_url is missing",
		"base_url http://h":                   "tenant is missing",
		"base_url h\n\t\ttenant t":            "must begin with http",
		"base_url http://h\n\t\ttenant":       "tenant needs a value",
		"base_url http://h\n\t\ttenantt x":    "tenantt",
		"base_url http://h\n\t\ttenant t\n\t": "",
	} {
		_, err := adapt("http://x {\n\tllm_upstream acme " + acmeKey + " {\n\t\t" + options + "\n\t}\n}\n")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) || err != nil && strings.Contains(err.Error(), acmeKey) {
			t.Errorf("%q: %v, want %q", options, err, want)
		}
	}
}
