package sinks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"go.uber.org/goleak"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tally counts what a feed says.
type tally struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *tally) count(result string, n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[result] += n
}

func (c *tally) of(result string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[result]
}

type fake struct {
	mu     sync.Mutex
	got    []int64
	fail   int           // so many calls fail
	hang   chan struct{} // Send waits for it
	called int
}

func (s *fake) Send(ctx context.Context, _ string, records []Record) error {
	if s.hang != nil {
		select {
		case <-s.hang:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.called++; s.fail > 0 {
		s.fail--
		return errors.New("no")
	}
	for _, r := range records {
		s.got = append(s.got, r.Index)
	}
	return nil
}

func quiet(string, ...any) {}

// What was offered arrives once and in order, also after failures and at the end.
func TestFeedDelivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tally
		s := &fake{fail: 2}
		f := NewFeed("default", s, c.count, quiet)
		line := []byte(`{"v":1}`)
		for i := range int64(1200) {
			f.Offer(i, line)
		}
		time.Sleep(time.Minute)
		f.Offer(1200, line)
		line[0] = 'x' // the feed has its own copy
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		if len(s.got) != 1201 || c.of(ResultSent) != 1201 || c.of(ResultDropped)+c.of(ResultFailed) != 0 {
			t.Fatalf("%d arrived: %v", len(s.got), c.n)
		}
		for i, got := range s.got {
			if got != int64(i) {
				t.Fatalf("record %d came as number %d", got, i)
			}
		}
		f.Offer(1, line)
		if c.of(ResultDropped) != 1 {
			t.Error("what comes after the end is not counted")
		}
	})
}

// A sink that fails for good loses records, and they are counted; one that hangs
// costs bounded memory, never makes the writer wait, and does not hold up the end.
func TestFeedLoses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c tally
		f := NewFeed("default", &fake{fail: 1 << 30}, c.count, quiet)
		f.Offer(1, []byte("{}"))
		time.Sleep(time.Minute)
		if c.of(ResultFailed) != 1 {
			t.Errorf("%v", c.n)
		}
		f.Close()

		c = tally{}
		f = NewFeed("default", &fake{hang: make(chan struct{})}, c.count, quiet)
		f.Offer(0, []byte("{}"))
		synctest.Wait() // it hangs with the first
		began := time.Now()
		for i := range int64(maxQueued + 50) {
			f.Offer(i, []byte("{}"))
		}
		if time.Since(began) != 0 {
			t.Error("the writer waited")
		}
		if n := c.of(ResultDropped); n != 50 {
			t.Errorf("%d dropped", n)
		}
		big := make([]byte, maxQueuedBytes)
		f.Offer(1, big)
		if n := c.of(ResultDropped); n != 51 {
			t.Errorf("%d dropped", n)
		}
		f.Close()
		if d := time.Since(began); d != closeTimeout {
			t.Errorf("the end took %v", d)
		}
	})
}

func parse(t *testing.T, text string, into caddyfile.Unmarshaler) error {
	t.Helper()
	d := caddyfile.NewTestDispenser(text)
	return into.UnmarshalCaddyfile(d)
}

func TestWebhook(t *testing.T) {
	var mu sync.Mutex
	var bodies, signatures []string
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		bodies, signatures = append(bodies, string(b)), append(signatures, r.Header.Get("LLM-Signature"))
		if len(bodies) == 1 {
			w.WriteHeader(500)
		}
	}))
	defer srv.Close()
	t.Setenv("HOOK_SECRET", "sixteen-characters")
	s := new(Webhook)
	if err := parse(t, "webhook "+srv.URL+" {\n secret {env.HOOK_SECRET}\n}", s); err != nil {
		t.Fatal(err)
	}
	if err := s.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	records := []Record{{7, json.RawMessage(`{"v":1,"seq":7}`)}, {8, json.RawMessage(`{"v":1,"seq":8}`)}}
	if err := s.Send(t.Context(), "default", records); err == nil || strings.Contains(err.Error(), srv.URL) {
		t.Errorf("%v", err)
	}
	if err := s.Send(t.Context(), "default", records); err != nil {
		t.Fatal(err)
	}
	if want := `{"log":"default","records":[{"index":7,"record":{"v":1,"seq":7}},{"index":8,"record":{"v":1,"seq":8}}]}`; bodies[1] != want {
		t.Errorf("%s", bodies[1])
	}
	var at int64
	if _, err := fmt.Sscanf(signatures[1], "t=%d,", &at); err != nil || webhook.Sign([]byte("sixteen-characters"), time.Unix(at, 0), []byte(bodies[1])) != signatures[1] {
		t.Errorf("%s, %v", signatures[1], err)
	}
}

func TestOTLP(t *testing.T) {
	got := make(chan string, 4)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- r.URL.Path + " " + r.Header.Get("Authorization") + " " + r.Header.Get("Content-Type") + " " + string(b)
	}))
	defer srv.Close()
	t.Setenv("OTLP_TOKEN", "Bearer canary-token")
	s := new(OTLP)
	if err := parse(t, "otlp "+srv.URL+"/v1/logs {\n header Authorization {env.OTLP_TOKEN}\n}", s); err != nil {
		t.Fatal(err)
	}
	if err := s.Provision(caddy.Context{}); err != nil {
		t.Fatal(err)
	}
	line := `{"v":1,"seq":7,"ts":"2026-11-28T12:00:00Z","node":"n1","stage":"completed","request":"req-1","principal":{"key":"web"},"model":"gpt-4o","outcome":"ok"}`
	for range 2 {
		if err := s.Send(t.Context(), "default", []Record{{7, json.RawMessage(line)}}); err != nil {
			t.Fatal(err)
		}
		sent := <-got
		// The body is protobuf, in which strings stand as they are.
		for _, want := range []string{"/v1/logs", "Bearer canary-token", "application/x-protobuf", line, "llm_gateway.audit.completed", "llm_gateway.audit.index", "gen_ai.request.model", "req-1"} {
			if !strings.Contains(sent, want) {
				t.Errorf("%q is not in %q", want, sent)
			}
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	srv.Close()
	if err := s.Send(t.Context(), "default", []Record{{7, json.RawMessage(line)}}); err == nil {
		t.Error("a record that went nowhere counts as sent")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestRefusedOptions(t *testing.T) {
	t.Setenv("EMPTY", "")
	for _, c := range []struct {
		text string
		into interface {
			caddyfile.Unmarshaler
			caddy.Provisioner
		}
	}{
		{"webhook", new(Webhook)}, {"webhook https://a b", new(Webhook)}, {"webhook https://a {\n x y\n}", new(Webhook)}, {"webhook https://a {\n secret\n}", new(Webhook)},
		{"webhook http://example.com/x", new(Webhook)}, {"webhook nonsense", new(Webhook)}, {"webhook https://a {\n secret short\n}", new(Webhook)}, {"webhook {env.EMPTY}", new(Webhook)},
		{"webhook https://a {\n secret {env.EMPTY}\n}", new(Webhook)},
		{"otlp ftp://x", new(OTLP)}, {"otlp https://a b", new(OTLP)}, {"otlp {\n header X\n}", new(OTLP)}, {"otlp {\n x y\n}", new(OTLP)}, {"otlp {\n header X {env.EMPTY}\n}", new(OTLP)}, {"otlp {\n header X a\n header X b\n}", new(OTLP)},
	} {
		err := parse(t, c.text, c.into)
		if err == nil {
			err = c.into.Provision(caddy.Context{})
		}
		if err == nil {
			t.Errorf("%q is taken", c.text)
		}
	}
	if err := parse(t, "log x", new(Log)); err == nil {
		t.Error("log takes an argument")
	}
}
