// Package harness is what the Go suites share: where the server under test is,
// which keys to show, how to look at what reached the provider, and the cells
// (client × feature) into which results are counted.
//
// Without an environment it starts the mock provider in this process and the
// suites run directly against it; caddytest/clients/run sets the environment.
package harness

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"regexp"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

// Marker is the text that the policy of the gateway under test forbids.
const Marker = "do-not-send-this"

// Env is where the suites run.
type Env struct {
	Gateway       bool   // false: directly against the mock provider
	URL           string // of the server under test, without a path
	MockURL       string
	OpenAIKey     string // what an OpenAI client shows
	AnthropicKey  string // what an Anthropic client shows
	GoogleKey     string // what a Google client shows
	RestrictedKey string // a key that may use gpt-4o-mini and claude-haiku-* only
	LimitedKey    string // a key for the prefixes /limited and /poor
	results       string
}

// The environment of this process, set by Main.
var env Env

// Get returns the environment.
func Get() Env { return env }

// Main runs the tests of a package.
func Main(m *testing.M) {
	os.Exit(func() int {
		for _, name := range []string{"OPENAI_API_KEY", "OPENAI_BASE_URL", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID",
			"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL",
			"GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_GEMINI_BASE_URL"} {
			_ = os.Unsetenv(name) // the SDKs read these
		}
		env = Env{
			Gateway: os.Getenv("MODE") == "gateway", URL: os.Getenv("TARGET_URL"), MockURL: os.Getenv("MOCK_URL"),
			OpenAIKey: os.Getenv("OPENAI_CLIENT_KEY"), AnthropicKey: os.Getenv("ANTHROPIC_CLIENT_KEY"),
			GoogleKey:     os.Getenv("GOOGLE_CLIENT_KEY"),
			RestrictedKey: os.Getenv("RESTRICTED_KEY"), LimitedKey: os.Getenv("LIMITED_KEY"),
			results: os.Getenv("RESULTS"),
		}
		if env.URL == "" {
			env.OpenAIKey, env.AnthropicKey = "direct-openai-key-000", "direct-anthropic-key-000"
			env.GoogleKey = "direct-google-key-000"
			srv := httptest.NewServer(mock.New(mock.Config{OpenAIKey: env.OpenAIKey, AnthropicKey: env.AnthropicKey, GoogleKey: env.GoogleKey}))
			defer srv.Close()
			env.URL, env.MockURL = srv.URL, srv.URL
		}
		return m.Run()
	}())
}

// Cell runs one feature of one client as a test and counts its result.
func Cell(t *testing.T, client, feature string, f func(t *testing.T)) {
	t.Helper()
	finished := false // a test that skips itself passes, but is no result
	ok := t.Run(feature, func(t *testing.T) {
		f(t)
		finished = true
	})
	if env.results == "" {
		return
	}
	word := "FAIL"
	if ok && finished {
		word = "ok"
	}
	file, err := os.OpenFile(env.results, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(file, "%s %s %s\n", client, feature, word); err != nil {
		t.Error(err)
	}
	if err := file.Close(); err != nil {
		t.Error(err)
	}
}

// GatewayCell is a Cell about something that only the gateway does; there is no
// such cell when the suites run directly against the provider.
func GatewayCell(t *testing.T, client, feature string, f func(t *testing.T)) {
	t.Helper()
	if env.Gateway {
		Cell(t, client, feature, f)
	}
}

// Context is bounded, so that nothing hangs.
func Context(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

var serial atomic.Int64

// odd is what the mock provider would not take for a part of a probe.
var odd = regexp.MustCompile(`[^a-zA-Z0-9]+`)

// Probe returns a word that no other test puts into a prompt.
func Probe(t *testing.T) string {
	return fmt.Sprintf("probe-%s-%d-%d", odd.ReplaceAllString(t.Name(), "."), os.Getpid(), serial.Add(1))
}

// Seen returns the requests with that probe that reached the provider.
func Seen(t *testing.T, probe string) []mock.Seen {
	t.Helper()
	res, err := http.Get(env.MockURL + "/_mock/seen?probe=" + url.QueryEscape(probe))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var seen []mock.Seen
	if err := json.NewDecoder(res.Body).Decode(&seen); err != nil {
		t.Fatal(err)
	}
	return seen
}

// WantSeen fails the test unless exactly n requests with that probe reached the
// provider, and returns them.
func WantSeen(t *testing.T, probe string, n int) []mock.Seen {
	t.Helper()
	seen := Seen(t, probe)
	if len(seen) != n {
		t.Fatalf("%d requests reached the provider, want %d", len(seen), n)
	}
	return seen
}

// Release lets the gated stream of that probe go on.
func Release(t *testing.T, probe string) {
	t.Helper()
	res, err := http.Post(env.MockURL+"/_mock/release?probe="+url.QueryEscape(probe), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
}

// WantGone fails the test unless the provider sees that the caller of the gated
// stream of that probe has left.
func WantGone(t *testing.T, probe string) {
	t.Helper()
	res, err := http.Get(env.MockURL + "/_mock/gone?probe=" + url.QueryEscape(probe))
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK {
		t.Fatal("the client left, but the call at the provider was not cancelled")
	}
}

// Equal fails the test unless got is want.
func Equal[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
