package caddytest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// sentLimit is the limit on output in the last request that the provider got, and
// how long its body is.
func (p *provider) sentLimit() (limit, length int) {
	p.t.Helper()
	all := p.requests()
	if len(all) == 0 {
		p.t.Error("nothing reached the provider")
		return 0, 0
	}
	last := all[len(all)-1]
	if !json.Valid([]byte(last.Body)) {
		p.t.Errorf("the provider got %s", last.Body)
	}
	if n := last.Header.Get("Content-Length"); n != "" && n != fmt.Sprint(len(last.Body)) {
		p.t.Errorf("Content-Length %s of %d bytes", n, len(last.Body))
	}
	return limitOf([]byte(last.Body)), len(last.Body)
}

// A limit on output that is not affordable is lowered to what is, in every
// dialect, translated, streamed, and before a stock proxy; and the call can cost
// no more than that. An agent that asks for 64k on a small budget is not locked
// out.
func TestBudgetLowersTheOutput(t *testing.T) {
	budget := "budget 2.5 USD/total per key"
	for i := range faultSpeakers {
		q := &faultSpeakers[i]
		model := map[string]string{"o": "x", "c": "x", "r": "x", "a": "claude-x", "g": "gemini-x"}[q.line]
		if model == "" || !q.stream {
			continue
		}
		for _, stream := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, stream %v", q.name, stream), func(t *testing.T) {
				s, p := startBudget(t, budget)
				c := q.call(model, stream)
				c.body = strings.Replace(c.body, ":50", ":64000", 1)
				// $2.50 are 2,500 tokens (and the last of them 2 nano-dollars short).
				a := s.do(c).ok()
				if n, _ := p.sentLimit(); n != 2499 {
					t.Errorf("lowered to %d: %s", n, p.requests()[0].Body)
				}
				rec := s.ended(a.Header.Get("Llm-Request-Id"))
				if rec.Usage.Output != 2499 || !strings.Contains(rec.raw, `"module":"cost","rule":"max_tokens","action":"lower"`) {
					t.Errorf("the record: %s", rec.raw)
				}
				p.forget()
				if a := s.do(c); a.Status != 429 || !strings.Contains(a.Body, "budget_exceeded") || p.count() != 0 {
					t.Errorf("%d %s; %d calls", a.Status, a.Body, p.count())
				}
				s.reconcile("key/total")
			})
		}
	}
}

// The stock proxy has announced the length of the body when the limit is lowered:
// the body keeps it.
func TestBudgetLowersBeforeReverseProxy(t *testing.T) {
	p := newProvider(t)
	p.answers(fullAnswer)
	n := nameOf.Add(1)
	s := start(t, fmt.Sprintf(`{
	llm_gateway {
		price reverse_proxy/* 0 1000
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
		key batch {env.BATCH_KEY}
	}
	llm_cost {
		budget 2.5 USD/total {
			name proxied%d
		}
	}
	reverse_proxy {{one}}
}`, n), budgetVars(p, p))
	for i, c := range []call{
		message(false, "x", "Hi", `,"max_tokens":64000`),
		message(true, "x", "Hi", `,"max_tokens":64000`),
	} {
		c.key = []string{"", batchKey}[i]
		a := s.do(c).ok()
		if limit, length := p.sentLimit(); limit != 2499 || length != len(c.body) {
			t.Errorf("limit %d, %d bytes of %d: %q", limit, length, len(c.body), p.requests()[i].Body)
		}
		if rec := s.ended(a.Header.Get("Llm-Request-Id")); rec.Usage.Output != 2499 {
			t.Errorf("the record: %s", rec.raw)
		}
		s.do(c).denied(429, "budget_exceeded", c.anthropic)
	}
	s.reconcile(fmt.Sprint("proxied", n))
}

// A call is lowered down to min_output and no further; a thinking budget must fit
// below the limit; off never lowers; of several choices each has its part.
func TestMinOutput(t *testing.T) {
	thinking := `,"max_tokens":64000,"thinking":{"type":"enabled","budget_tokens":2000}`
	for _, c := range []struct {
		name, cost string
		call       call
		limit      int // that the provider is sent; 0 for a refusal
	}{
		{"the default is 1,024", "budget 1.03 USD/day", message(false, "x", "Hi", `,"max_tokens":9000`), 1029},
		{"below it", "budget 1.01 USD/day", message(false, "x", "Hi", `,"max_tokens":9000`), 0},
		{"what the caller itself asks for may be less", "budget 1.01 USD/day", message(false, "x", "Hi", `,"max_tokens":1000`), 1000},
		{"a lower one", "budget 0.1 USD/day\n\t\tmin_output 50", message(false, "x", "Hi", `,"max_tokens":9000`), 99},
		{"off", "budget 8 USD/day\n\t\tmin_output off", message(false, "x", "Hi", `,"max_tokens":9000`), 0},
		{"two choices", "budget 8 USD/day", message(false, "x", "Hi", `,"n":2,"max_tokens":9000`), 3999},
		{"two choices that cannot", "budget 2 USD/day", message(false, "x", "Hi", `,"n":2,"max_tokens":9000`), 0},
		{"thinking fits", "budget 4 USD/day", message(true, "claude-x", "Hi", thinking), 3999},
		{"thinking does not fit", "budget 2.5 USD/day", message(true, "claude-x", "Hi", thinking), 0},
		{"several budgets: the tightest", "budget 8 USD/day\n\t\tbudget 3 USD/hour\n\t\tbudget 5k tokens/month", message(false, "x", "Hi", `,"max_tokens":9000`), 2999},
		{"several budgets: the tokens", "budget 8 USD/day\n\t\tbudget 2k tokens/month", message(false, "x", "Hi", `,"max_tokens":9000`), -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, p := startBudget(t, c.cost)
			p.answers(nativeAnswer)
			if c.limit == 0 {
				s.do(c.call).denied(429, "budget_exceeded", c.call.anthropic)
				if p.count() != 0 {
					t.Error("it reached the provider")
				}
				return
			}
			s.do(c.call).ok()
			if n, _ := p.sentLimit(); n != c.limit && (c.limit > 0 || n < 1024 || n > 2000) {
				t.Errorf("lowered to %d, want %d", n, c.limit)
			}
			s.nothingHeld()
		})
	}
}

// A call that names no limit gets one, so that its cost has a bound, and can be
// lowered; without a budget it is left alone.
func TestDefaultLimitOfOutput(t *testing.T) {
	proxied := func(cost string) string {
		return `{
	llm_gateway {
		price * 0 1000
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		` + cost + `
	}
	reverse_proxy {{one}}
}`
	}
	for _, c := range []struct {
		name, site, model string
		limit             int // 7 is none
	}{
		{"llm_upstream", budgetSite("budget 100 USD/day", ""), "x", 16384},
		{"the model's own", budgetSite("budget 1000 USD/day", ""), "gpt-4o", -1},
		{"told", budgetSite("budget 100 USD/day\n\t\tdefault_max_tokens 300", ""), "gpt-4o", 300},
		{"lowered", budgetSite("budget 5 USD/day", ""), "x", 4999},
		{"no budget", budgetSite("unpriced deny", ""), "x", 7},
		{"reverse_proxy", proxied("budget 100 USD/day"), "x", 16384},
		{"reverse_proxy, told", proxied("budget 100 USD/day\n\t\tdefault_max_tokens 300"), "x", 300},
		{"reverse_proxy, lowered", proxied("budget 5 USD/day"), "x", 4999},
		{"reverse_proxy, no budget", proxied("unpriced deny"), "x", 7},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			s := start(t, c.site, budgetVars(p, p))
			for _, more := range []string{"", `,"stream":true`} {
				s.do(message(false, c.model, "Hi", more)).ok()
				n, _ := p.sentLimit()
				if c.limit < 0 {
					if n < 1024 || n > 128_000 {
						t.Errorf("limit %d", n)
					}
					continue
				}
				want := c.limit
				if want == 4999 && more != "" {
					want -= 7 // the first call's
				}
				if n != want {
					t.Errorf("limit %d, want %d: %s", n, want, p.requests()[0].Body)
				}
			}
			s.nothingHeld()
		})
	}
}

// The limit that a fallback of the first deployment leaves is told to the second
// one, too, whatever it speaks.
func TestLoweredAtEachAttempt(t *testing.T) {
	bad, good := newProvider(t), newProvider(t)
	bad.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		sendJSON(w, 200, `{"id":"x","choices":[{"message":{"content":"half an answ`)
	})
	good.answers(fullAnswer)
	s := start(t, budgetSite("budget 2 USD/total", ""), budgetVars(bad, good))
	s.do(message(false, "smart", "Hi", `,"max_tokens":64000`)).ok()
	first, _ := bad.sentLimit()
	second, _ := good.sentLimit()
	// What broke off is charged by estimate, so that less is left for the second.
	if first != 1999 || second >= first || second < 1024 {
		t.Errorf("lowered to %d, then to %d", first, second)
	}
	s.reconcile("key/total")
}
