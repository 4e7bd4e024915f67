//go:build unix

package gateway

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
)

// A server that never answers, or never ends, holds up nothing: neither the start of a
// config nor its end; and what it is asked with stays out of the logs.
func TestPriceServerHangs(t *testing.T) {
	asked, free := make(chan struct{}, 8), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"as_of":"2026-11-01"`))
		w.(http.Flusher).Flush()
		asked <- struct{}{}
		select {
		case <-free:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(free)
	core, logged := observer.New(zap.DebugLevel)
	src := prices.NewSource(nil)
	w, err := (&PriceSource{URL: srv.URL + "/prices?token=s3cret", Refresh: caddy.Duration(time.Hour)}).watch(src, zap.New(core), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	before := src.Current()
	w.begin()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); w.run(ctx) }()
	<-asked
	cancel()
	<-done
	if src.Current() != before {
		t.Error("half an answer counts")
	}
	for _, e := range logged.All() {
		if s := e.Message; strings.Contains(s, "s3cret") {
			t.Error(s)
		}
		for k, v := range e.ContextMap() {
			if s, ok := v.(string); ok && strings.Contains(s, "s3cret") {
				t.Errorf("%s: %s", k, s)
			}
		}
	}
}

// A pipe, a directory, or a data directory that takes no file change nothing.
func TestPriceFileIsHostile(t *testing.T) {
	dir := t.TempDir()
	src := prices.NewSource(nil)
	path := filepath.Join(dir, "prices")
	watch := func(data string) *priceWatch {
		t.Helper()
		w, err := (&PriceSource{File: path}).watch(src, zap.NewNop(), data)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	w := watch(dir)
	w.begin() // would wait for a writer
	if err := w.look(t.Context()); err == nil {
		t.Error("a pipe is read")
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(`{"as_of":"2026-11-01","providers":[{"name":"house","models":[{"match":["m"],"prices":[{"rates":{"input":"1"}}]}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	// A file stands where the data directory should be: the prices hold, but are not kept.
	if err := os.WriteFile(filepath.Join(dir, "data"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w = watch(filepath.Join(dir, "data"))
	w.begin()
	if _, ok := src.Current().Lookup("house", "house", "m", time.Now()); !ok {
		t.Error("good prices do not hold because they cannot be kept")
	}
}
