package caddytest

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// Attacks that once worked. Each is named for what it got.

const attackedProxy = `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 100 USD/day
	}
	reverse_proxy {{up}} {
		%s
	}
}`

// A body where none belongs ended the process.
func TestAttackBodyOnGET(t *testing.T) {
	p := newProvider(t)
	up := strings.TrimPrefix(p.URL, "http://")
	s := start(t, fmt.Sprintf(attackedProxy, "header_up X-Nothing here"), options{vars: map[string]string{"up": up}})
	for _, path := range []string{"/v1/models", "/v1/models/gpt-4o"} {
		s.do(call{method: "GET", path: path, body: `{"x":1}`})
	}
	s.chat(call{}).ok()
}

// Who hung up before the usage chunk paid for the text only.
func TestAttackHangUpBeforeUsage(t *testing.T) {
	p := newProvider(t)
	p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, `data: {"choices":[{"index":0,"delta":{"content":"hi"},"finish_reason":"stop"}]}`+"\n\n")
		w.(http.Flusher).Flush()
		time.Sleep(300 * time.Millisecond)
		fmt.Fprint(w, `data: {"choices":[],"usage":{"prompt_tokens":5000,"completion_tokens":50000,"total_tokens":55000}}`+"\n\ndata: [DONE]\n\n")
	})
	for name, cfg := range map[string]string{"llm_upstream": `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 100 USD/day
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}`, "reverse_proxy": fmt.Sprintf(attackedProxy, "header_up X-Nothing here")} {
		t.Run(name, func(t *testing.T) {
			s := start(t, cfg, options{vars: map[string]string{"openai": p.URL, "up": strings.TrimPrefix(p.URL, "http://")}})
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			req := s.newRequest(call{path: "/v1/chat/completions", body: `{"model":"gpt-4o","stream":true,"max_tokens":60000,"messages":[{"role":"user","content":"hi"}]}`}).WithContext(ctx)
			resp, err := s.client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := newEventReader(resp.Body).next(); err != nil {
				t.Fatal(err)
			}
			cancel()
			resp.Body.Close()
			rec := s.ended(resp.Header.Get("LLM-Request-Id"))
			// 5,000 × $2.50 and 50,000 × $10 a million.
			if want := int64(512_500_000); rec.Cost != want {
				t.Errorf("charged %d, want %d: %s", rec.Cost, want, rec.raw)
			}
			s.nothingHeld()
		})
	}
}

// An idempotency key made the transport send one admitted call many times.
func TestAttackIdempotencyKey(t *testing.T) {
	var calls atomic.Int64
	p := newProvider(t)
	var cold atomic.Bool
	p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		if !cold.Load() {
			time.Sleep(50 * time.Millisecond) // so that each warm-up gets a connection of its own
			plainAnswer(w, r, body)
			return
		}
		calls.Add(1)
		panic(http.ErrAbortHandler)
	})
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}`, options{vars: map[string]string{"openai": p.URL}})
	done := make(chan struct{})
	for range 5 {
		go func() {
			s.chat(call{})
			done <- struct{}{}
		}()
	}
	for range 5 {
		<-done
	}
	cold.Store(true)
	s.chat(call{header: map[string]string{"Idempotency-Key": "a1"}}).denied(502, "provider_error", false)
	if n := calls.Load(); n != 1 {
		t.Errorf("one admission made %d calls", n)
	}
}

// Retries of a stock proxy were paid once.
func TestAttackProxyRetries(t *testing.T) {
	var calls atomic.Int64
	p := newProvider(t)
	p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
		calls.Add(1)
		panic(http.ErrAbortHandler)
	})
	s := start(t, fmt.Sprintf(attackedProxy, "request_buffers 4MB\n\t\tlb_retries 3\n\t\tlb_retry_match {\n\t\t\tmethod POST\n\t\t}"),
		options{vars: map[string]string{"up": strings.TrimPrefix(p.URL, "http://")}})
	a := s.chat(call{})
	a.denied(502, "provider_error", false)
	rec := s.ended(a.Header.Get("LLM-Request-Id"))
	if n := calls.Load(); n < 2 || int64(len(rec.Attempts)) != n {
		t.Errorf("%d calls, %d attempts on record: %s", n, len(rec.Attempts), rec.raw)
	}
	s.nothingHeld()
}

// A provider that repeats its credential in an error told it to the client.
func TestAttackEchoedCredential(t *testing.T) {
	p := newProvider(t)
	p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("X-Ratelimit-Limit-Requests", r.Header.Get("Authorization"))
		sendJSON(w, 401, `{"error":{"message":"Incorrect API key provided: `+openaiKey+`"}}`)
	})
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}`, options{vars: map[string]string{"openai": p.URL}})
	a := s.chat(call{})
	if a.Status != 401 || strings.Contains(a.Body, openaiKey) || strings.Contains(fmt.Sprint(a.Header), openaiKey) {
		t.Errorf("status %d, headers %v: %s", a.Status, a.Header, a.Body)
	}
}
