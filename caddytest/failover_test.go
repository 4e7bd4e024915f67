package caddytest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// two providers of one model, with a budget and an audit log around them. The
// names of the providers are new for each site: the health of deployments
// outlives a config on purpose.
var nameOf atomic.Int64

func startPair(t *testing.T, opts string, urls ...string) *site {
	t.Helper()
	return startPaid(t, "100", opts, urls...)
}

// startPaid is startPair with another budget, in USD a day.
func startPaid(t *testing.T, budget, opts string, urls ...string) *site {
	t.Helper()
	n := nameOf.Add(1)
	var decl, targets strings.Builder
	vars := map[string]string{}
	for i, u := range urls {
		name := fmt.Sprintf("p%d-%d", n, i)
		typ, base, model := "openai", u+"/v1", "gpt-4o"
		if strings.HasSuffix(u, "#claude") {
			typ, base, model = "anthropic", strings.TrimSuffix(u, "#claude"), "claude-sonnet-4-5"
		}
		fmt.Fprintf(&decl, "provider %s %s {\n api_key {env.OPENAI_API_KEY}\n base_url %s\n}\n", name, typ, base)
		fmt.Fprintf(&targets, " %s/%s", name, model)
		vars["p"+strconv.Itoa(i)] = name
	}
	return start(t, `{
	llm_gateway {
		`+decl.String()+`
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget `+budget+` USD/day
	}
	llm_upstream {
		model smart`+targets.String()+`
		`+opts+`
	}
}`, options{vars: vars})
}

const smart = `{"model":"smart","messages":[{"role":"user","content":"hi"}],"max_tokens":50}`
const smartStream = `{"model":"smart","stream":true,"messages":[{"role":"user","content":"hi"}],"max_tokens":50}`

// dead returns the address of a server that is not there.
func dead(t *testing.T) string {
	t.Helper()
	srv := httptest.NewServer(http.NotFoundHandler())
	u := srv.URL
	srv.Close()
	return u
}

// Whatever the first deployment does before its first byte, the client gets the
// second one's whole answer, each attempt is in the record, and nothing stays
// reserved.
func TestFailover(t *testing.T) {
	sick := map[string]func(w http.ResponseWriter, r *http.Request, body []byte){
		"500": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			sendJSON(w, 500, `{"error":{"message":"boom"}}`)
		},
		"503 html": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.WriteHeader(503)
			_, _ = io.WriteString(w, "<html>")
		},
		"429": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Retry-After", "20")
			sendJSON(w, 429, `{}`)
		},
		"401": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			sendJSON(w, 401, `{"error":{"message":"`+openaiKey+`"}}`)
		},
		"reset": func(http.ResponseWriter, *http.Request, []byte) { panic(http.ErrAbortHandler) },
		"redirect": func(w http.ResponseWriter, r *http.Request, _ []byte) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		},
		"html": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, "hi")
		},
		"cut JSON": func(w http.ResponseWriter, _ *http.Request, _ []byte) { sendJSON(w, 200, `{"id":"x"`) },
		"bad gzip": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Encoding", "gzip")
			sendJSON(w, 200, "x")
		},
		"error 200": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			sendJSON(w, 200, `{"error":{"message":"overloaded"}}`)
		},
		"slow": func(_ http.ResponseWriter, r *http.Request, _ []byte) { <-r.Context().Done() },
		"empty stream": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "text/event-stream")
			w.WriteHeader(200)
		},
		"half an event": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, chatEvents[0][:30])
		},
		"error first": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"error\":{\"message\":\"overloaded\"}}\n\n")
		},
		"garbage event": func(w http.ResponseWriter, _ *http.Request, _ []byte) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: nonsense\n\n")
		},
	}
	cells := 0
	for name, behave := range sick {
		t.Run(name, func(t *testing.T) {
			bad, good := newProvider(t), newProvider(t)
			bad.answers(behave)
			s := startPair(t, "first_byte_timeout 4s", bad.URL, good.URL)
			for i, body := range []string{smart, smartStream} {
				a := s.chat(call{body: body}).ok()
				if !strings.Contains(a.Body, " there.") || strings.Count(a.Body, "chatcmpl-1") == 0 || strings.Contains(a.Body, "error") || strings.Contains(a.Body, "<html") {
					t.Errorf("the client got %s", a.Body)
				}
				rec := s.ended(a.Header.Get("Llm-Request-Id"))
				// Cooling down or tripped, the first is not asked a second time.
				if n := len(rec.Attempts); n != 2 && (n != 1 || i == 0) {
					t.Fatalf("%d attempts: %s", n, rec.raw)
				}
				last := rec.Attempts[len(rec.Attempts)-1]
				if last.Result != "answered" || last.Usage.Output != 7 || rec.Outcome != "ok" {
					t.Errorf("the record: %s", rec.raw)
				}
				if len(rec.Attempts) == 2 && (rec.Attempts[0].Error == "" || rec.Attempts[0].Result == "answered") {
					t.Errorf("the first attempt: %s", rec.raw)
				}
				cells++
			}
			s.nothingHeld()
			rows := s.rows("")
			for _, r := range rows {
				if r.Cost > r.Reserved {
					t.Errorf("overspent: %+v", r)
				}
			}
		})
	}
	t.Logf("%d cells", cells)
}

// Of a stream that has begun nothing is ever taken from another deployment.
func TestNoFailoverAfterTheFirstByte(t *testing.T) {
	bad, good := newProvider(t), newProvider(t)
	bad.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		sendPieces(w, chatEvents[0]+"\n\n"+chatEvents[1]+"\n\n", 1000, 1)
		panic(http.ErrAbortHandler)
	})
	s := startPair(t, "", bad.URL, good.URL)
	a := s.chat(call{body: smartStream})
	if a.Status != 200 || !strings.Contains(a.Body, `"error"`) || strings.Contains(a.Body, " there.") || strings.Contains(a.Body, "[DONE]") {
		t.Errorf("the client got %d %s", a.Status, a.Body)
	}
	if good.count() != 0 {
		t.Error("the second deployment was asked")
	}
	rec := s.ended(a.Header.Get("Llm-Request-Id"))
	if len(rec.Attempts) != 1 || rec.Attempts[0].Result != "cut" || !rec.Attempts[0].Usage.Estimated {
		t.Errorf("the record: %s", rec.raw)
	}
	s.nothingHeld()
}

// All deployments down: one error that names each and why, with no secret; what
// the request itself is to blame for is passed on as it is.
func TestAllDeploymentsDown(t *testing.T) {
	bad := newProvider(t)
	bad.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		sendJSON(w, 500, `{"error":{"message":"`+openaiKey+`"}}`)
	})
	s := startPair(t, "", dead(t), bad.URL)
	a := s.chat(call{body: smart}).denied(502, "provider_error", false)
	for _, want := range []string{"/gpt-4o: connection failed", "/gpt-4o: status 500"} {
		if !strings.Contains(a.Body, want) {
			t.Errorf("%q is not in %s", want, a.Body)
		}
	}
	if strings.Contains(a.Body, openaiKey) || strings.Contains(a.Body, "127.0.0.1") {
		t.Errorf("the answer tells too much: %s", a.Body)
	}
	bad.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("Retry-After", "20")
		sendJSON(w, 429, `{}`)
	})
	bad.forget()
	s.chat(call{body: smart}).denied(502, "provider_error", false)
	a = s.chat(call{body: smart}).denied(502, "provider_error", false)
	if bad.count() != 1 {
		t.Errorf("a deployment that asked for 20 s was called %d times", bad.count())
	}
	if !strings.Contains(a.Body, "rate limited") {
		t.Errorf("%s", a.Body)
	}
	s.nothingHeld()
}

// A model whose deployments all cool down is refused without a call, and says
// when to come back.
func TestRateLimitedDeployments(t *testing.T) {
	limit := func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("Retry-After", "7")
		sendJSON(w, 429, `{}`)
	}
	one, two := newProvider(t), newProvider(t)
	one.answers(limit)
	two.answers(limit)
	s := startPair(t, "", one.URL, two.URL)
	for range 3 {
		a := s.chat(call{body: smart}).denied(503, "no_deployment", false)
		if n, _ := strconv.Atoi(a.Header.Get("Retry-After")); n < 1 || n > 7 {
			t.Errorf("Retry-After: %q", a.Header.Get("Retry-After"))
		}
	}
	if one.count() != 1 || two.count() != 1 {
		t.Errorf("called %d and %d times", one.count(), two.count())
	}
	s.nothingHeld()
}

// A deployment whose model the key may not use is passed over, and its provider
// never asked; an error that never ends does not hold the next one up.
func TestFailoverToWhatIsAllowed(t *testing.T) {
	slow, dear, good := newProvider(t), newProvider(t), newProvider(t)
	slow.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(500)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	n := nameOf.Add(1)
	s := start(t, fmt.Sprintf(`{
	llm_gateway {
		provider slow%[1]d openai {
			base_url {{slow}}/v1
		}
		provider dear%[1]d openai {
			base_url {{dear}}/v1
		}
		provider good%[1]d openai {
			base_url {{good}}/v1
		}
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			models gpt-4o* some*
		}
	}
	llm_cost {
		budget 100 USD/day
	}
	llm_upstream {
		model some* slow%[1]d/gpt-4o dear%[1]d/o3-pro good%[1]d/gpt-4o-mini
	}
}`, n), options{vars: map[string]string{"slow": slow.URL, "dear": dear.URL, "good": good.URL}})
	s.chat(call{body: strings.Replace(smart, "smart", "something", 1)}).ok()
	if slow.count() != 1 || dear.count() != 0 || good.count() != 1 {
		t.Errorf("asked %d, %d and %d times", slow.count(), dear.count(), good.count())
	}
	s.nothingHeld()
}

// Each attempt is paid for by itself, a broken one by estimate, and all together
// never exceed the budget, however many calls run at once.
func TestBudgetUnderFailover(t *testing.T) {
	broken, good := newProvider(t), newProvider(t)
	broken.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		sendJSON(w, 200, `{"id":"x","choices":[{"message":{"content":"half an answ`)
	})
	s := startPaid(t, "0.02", "max_fails 1000", broken.URL, good.URL)
	var wg sync.WaitGroup
	var answered, refused atomic.Int64
	for range 40 {
		wg.Go(func() {
			for range 10 {
				switch a := s.chat(call{body: smart}); {
				case a.Status == 200:
					answered.Add(1)
				case a.Status == 429 && strings.Contains(a.Body, "budget_exceeded"):
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
			}
		})
	}
	wg.Wait()
	if answered.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d answered, %d refused: the budget was not reached", answered.Load(), refused.Load())
	}
	s.nothingHeld()
	var spent llm.Money
	attempts := 0
	for _, r := range s.rows("") {
		spent += r.Cost
		attempts++
		if r.Cost > r.Reserved {
			t.Errorf("overspent: %+v", r)
		}
	}
	if spent > 20_000_000 { // nano-USD
		t.Errorf("%s spent of 0.02", spent)
	}
	t.Logf("%d answered, %d refused, %d paid attempts, %s of 0.02 USD spent", answered.Load(), refused.Load(), attempts, spent)
}

// The caller's own mistake is no reason to try elsewhere.
func TestNoFailoverForTheCallersMistake(t *testing.T) {
	one, two := newProvider(t), newProvider(t)
	one.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		sendJSON(w, 400, `{"error":{"message":"no such tool","code":"x"}}`)
	})
	s := startPair(t, "", one.URL, two.URL)
	if a := s.chat(call{body: smart}); a.Status != 400 || a.Body != `{"error":{"message":"no such tool","code":"x"}}` {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if two.count() != 0 {
		t.Error("the second was asked")
	}
}

func TestRetriesOfOneDeployment(t *testing.T) {
	p := newProvider(t)
	flaky := func(times int64) {
		var n atomic.Int64
		p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
			if n.Add(1) <= times {
				sendJSON(w, 500, `{"error":{"message":"boom"}}`)
				return
			}
			plainAnswer(w, r, body)
		})
	}
	s := startPair(t, "lb_retries 2\nlb_try_interval 1ms", p.URL)
	flaky(2)
	rec := s.ended(s.chat(call{body: smart}).ok().Header.Get("Llm-Request-Id"))
	if len(rec.Attempts) != 3 {
		t.Errorf("%s", rec.raw)
	}
	flaky(3) // the third failure is the provider's own word
	if a := s.chat(call{body: smart}); a.Status != 500 || a.Body != `{"error":{"message":"boom"}}` {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	s.nothingHeld()
}

// A written fail_duration leaves a failed deployment alone, even the only one.
func TestCircuitOfOneDeployment(t *testing.T) {
	p := newProvider(t)
	p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) { sendJSON(w, 500, `{}`) })
	s := startPair(t, "fail_duration 1m", p.URL)
	if a := s.chat(call{body: smart}); a.Status != 500 {
		t.Errorf("%d", a.Status)
	}
	s.chat(call{body: smart}).denied(503, "no_deployment", false)
	if p.count() != 1 {
		t.Errorf("called %d times", p.count())
	}
}

// A continued response and a pinned session stay where they are.
func TestStickiness(t *testing.T) {
	one, two := newProvider(t), newProvider(t)
	s := startPair(t, "lb_policy round_robin", one.URL, two.URL)
	for range 6 {
		s.chat(call{body: smart}).ok()
	}
	if one.count() != 3 || two.count() != 3 {
		t.Errorf("round robin: %d and %d", one.count(), two.count())
	}
	for _, c := range []call{
		{body: smart, header: map[string]string{"X-Claude-Code-Session-Id": "abc"}},
		{body: strings.Replace(smart, `{`, `{"prompt_cache_key":"k",`, 1)},
	} {
		one.forget()
		two.forget()
		for range 6 {
			s.chat(c).ok()
		}
		if one.count()*two.count() != 0 {
			t.Errorf("a session went to both: %d and %d", one.count(), two.count())
		}
	}
}

// Active checks take a deployment out before a client finds out, by its list of
// models or by a path of the operator's.
func TestActiveHealthCheck(t *testing.T) {
	t.Run("models", func(t *testing.T) { activeHealthCheck(t, "/models", "") })
	t.Run("uri", func(t *testing.T) { activeHealthCheck(t, "/healthz", "health_uri /healthz") })
}

func activeHealthCheck(t *testing.T, path, opts string) {
	one, two := newProvider(t), newProvider(t)
	sick := func(w http.ResponseWriter, r *http.Request, body []byte) {
		if strings.HasSuffix(r.URL.Path, path) {
			sendJSON(w, 500, `{}`)
			return
		}
		plainAnswer(w, r, body)
	}
	one.answers(sick)
	healthy := func(w http.ResponseWriter, r *http.Request, body []byte) {
		if strings.HasSuffix(r.URL.Path, "/healthz") {
			w.WriteHeader(204)
			return
		}
		plainAnswer(w, r, body)
	}
	two.answers(healthy)
	s := startPair(t, "health_interval 10ms\n"+opts, one.URL, two.URL)
	calls := func(p *provider) (n int) {
		for _, r := range p.requests() {
			if !strings.HasSuffix(r.URI, path) {
				n++
			}
		}
		return n
	}
	reached := func(p *provider) bool {
		return eventually(func() bool {
			p.forget()
			s.chat(call{body: smart}).ok()
			return calls(p) == 1
		})
	}
	if !reached(two) {
		t.Error("the second is never chosen while the check of the first fails")
	}
	one.answers(healthy)
	if !reached(one) {
		t.Error("the first does not come back")
	}
	s.stop()
	if !eventually(func() bool { // the last check may still be under way
		n := one.count()
		time.Sleep(50 * time.Millisecond)
		return one.count() == n
	}) {
		t.Error("checks go on after the end")
	}
}
