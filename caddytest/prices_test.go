package caddytest

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const housePrices = `{"as_of":"2026-11-01","providers":[{"name":"openai","models":[{"match":["house-model"],"prices":[{"rates":{"input":"%d","output":"%d"}}]}]}]}`

func pricesSite(source string) string {
	return `
{
	llm_gateway {
		data_dir {{dir}}/data
		prices ` + source + `
	}
}
:8080 {
	handle /metrics {
		metrics
	}
	handle {
		llm_audit
		llm_auth {
			key web {env.WEB_APP_KEY}
		}
		llm_cost {
			budget 1 USD/day per key
		}
		llm_upstream openai {env.OPENAI_API_KEY} {
			base_url {{openai}}/v1
		}
	}
}`
}

const houseCall = `{"model":"house-model","max_tokens":50,"messages":[{"role":"user","content":"hi"}]}`

// houseAnswer used 10 and 5 tokens.
func houseAnswer(w http.ResponseWriter, _ *http.Request, _ []byte) {
	sendJSON(w, 200, `{"id":"c","object":"chat.completion","model":"house-model","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}`)
}

// costs waits until a call of the model costs what it does at prices of n dollars.
func (s *site) costs(n int64) {
	s.t.Helper()
	want, last := n*(10+5)*1000, ""
	if !eventually(func() bool {
		a := s.chat(call{body: houseCall})
		if a.Status != 200 {
			last = a.Body
			return false
		}
		rec := s.ended(a.Header.Get("Llm-Request-Id"))
		last = rec.raw
		return rec.Cost == want
	}) {
		s.t.Fatalf("no call costs %d: %s", want, last)
	}
}

// priceErrors is how many refreshes have failed in this process.
func priceErrors(t *testing.T, s *site) float64 {
	t.Helper()
	return scrape(t, s)["caddy_llm_prices_refresh_errors_total"]
}

// Prices are read from a file, at the start and whenever it changes. While it is
// broken or gone, what was read before holds, and the metric says so; also over a
// reload and after a restart.
func TestPricesFromAFile(t *testing.T) {
	p := newProvider(t)
	p.answers(houseAnswer)
	file := filepath.Join(t.TempDir(), "prices.json")
	age := 10 * time.Hour
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		age -= time.Hour // so that each writing shows, however coarse the clock of the disk
		at := time.Now().Add(-age)
		if err := os.Chtimes(file, at, at); err != nil {
			t.Fatal(err)
		}
	}
	broken := func(s *site) {
		t.Helper()
		before := priceErrors(t, s)
		if !eventually(func() bool { return priceErrors(t, s) > before }) {
			t.Fatal("the metric does not tell")
		}
	}
	write(fmt.Sprintf(housePrices, 1, 1))
	o := options{vars: map[string]string{"openai": p.URL}}
	t.Setenv("HOUSE_PRICES", file)
	cfg := pricesSite("file {env.HOUSE_PRICES} refresh 1s")
	s := start(t, cfg, o)
	s.data = s.file("data")
	s.chat(call{body: houseCall}).ok() // the file was read before the first call
	s.costs(1)
	for i, bad := range []string{"{ broken", "", fmt.Sprintf(housePrices, 9, 9)[:60], `{"as_of":"2026-11-01","providers":[]}`, strings.Replace(fmt.Sprintf(housePrices, 9, 9), `"9"`, `"-9"`, 1), "gone"} {
		write(bad)
		if bad == "gone" {
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		broken(s)
		s.costs(1)
		if i == 2 { // a reload forgets nothing
			if err := s.load(cfg, o); err != nil {
				t.Fatal(err)
			}
			s.chat(call{body: houseCall}).ok()
			s.costs(1)
		}
	}
	write(fmt.Sprintf(housePrices, 7, 7))
	s.costs(7)
}

// Prices come from a URL, and what was last read well serves a start at which the
// URL does not answer.
func TestPricesFromAURL(t *testing.T) {
	p := newProvider(t)
	p.answers(houseAnswer)
	var down atomic.Bool
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintf(w, housePrices, 3, 3)
	}))
	defer web.Close()
	o := options{vars: map[string]string{"openai": p.URL}}
	s := start(t, pricesSite("url "+web.URL+"/a.json?token=canary-price-token-0001"), o)
	s.data = s.file("data")
	s.costs(3)
	if !eventually(func() bool { kept, _ := filepath.Glob(s.file("data/prices-*.json")); return len(kept) == 1 }) {
		t.Fatal("nothing is kept for the next start")
	}
	// With another token nothing is in memory, as after a restart.
	down.Store(true)
	before := priceErrors(t, s)
	if err := s.load(pricesSite("url "+web.URL+"/a.json?token=canary-price-token-0002"), o); err != nil {
		t.Fatal(err)
	}
	s.chat(call{body: houseCall}).ok()
	s.costs(3)
	if !eventually(func() bool { return priceErrors(t, s) > before }) {
		t.Error("the metric does not tell")
	}
	if log, err := os.ReadFile(s.file("default.log")); err != nil || !strings.Contains(string(log), "prices could not be refreshed") || strings.Contains(string(log), "canary-price") {
		t.Errorf("%v; the log: %s", err, log)
	}
	// What was kept of one source is not that of another.
	if err := s.load(pricesSite("url "+web.URL+"/b.json"), o); err != nil {
		t.Fatal(err)
	}
	s.chat(call{body: houseCall}).denied(403, "model_unpriced", false)
}
