package caddytest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Portkey, Kong and Envoy count tokens after the response, if they have token
// quotas at all: whatever is in flight goes past them. Here they are reserved
// before: what does not fit never leaves, although nothing has been used yet.
func TestBudgetTokensAreReservedBeforehand(t *testing.T) {
	s, p := startBudget(t, "budget 300 tokens/day per key\n\t\tmin_output off")
	g := newGate()
	p.answers(g.answer)
	st := s.open(message(false, "x", "Hi", `,"stream":true,"max_tokens":150`))
	b := s.standing("key/day/tokens", "web")
	if b.Settled != 0 || b.Reserved < 150+11 || b.Reserved > 300 {
		t.Errorf("%d tokens are reserved", b.Reserved)
	}
	for range 5 {
		s.ask(webKey, "x", 150).denied(429, "budget_exceeded", false)
	}
	s.ask(batchKey, "x", 1_000).denied(429, "budget_exceeded", false)
	if p.count() != 1 {
		t.Errorf("%d calls reached the provider", p.count())
	}
	g.next <- stream(chatEvents[1], chatEvents[3], chatUsageEvent, chatEvents[4])
	close(g.next)
	_, _ = st.rest()
	s.ended(st.id())
	p.answers(usageAnswer(7))
	s.ask(webKey, "x", 150).ok()
	if b := s.standing("key/day/tokens", "web"); b.Settled != 2*18 || b.Reserved != 0 {
		t.Errorf("%d settled, %d reserved", b.Settled, b.Reserved)
	}
	s.nothingHeld()
}

// A thousand calls at once on a budget of tokens, in every dialect.
func TestBudgetOfTokensUnderConcurrency(t *testing.T) {
	s, p := startBudget(t, "budget 5k tokens/day per global\n\t\tmin_output off")
	p.answers(fullAnswer)
	watch := s.audit()
	var wg sync.WaitGroup
	var ok, refused atomic.Int64
	for i := range 100 {
		wg.Go(func() {
			for j := range 10 {
				c := message(i%2 == 0, []string{"claude-x", "x"}[i%2], "Hi", fmt.Sprintf(`,"max_tokens":%d`, 10+i%7*j))
				switch a := s.do(c); a.Status {
				case 200:
					ok.Add(1)
				case 429:
					refused.Add(1)
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
			}
		})
	}
	wg.Wait()
	watch.stop()
	s.quiet()
	b := s.standing("global/day/tokens", "global")
	if b.Settled > 5000 || b.Settled < 4500 || ok.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d of 5,000 tokens used: %d answered, %d refused", b.Settled, ok.Load(), refused.Load())
	}
	var used int64
	s.nothingHeld()
	for _, r := range s.rows("") {
		used += r.Tokens
	}
	if used != int64(b.Settled) {
		t.Errorf("the rows say %d tokens, the balance %d", used, b.Settled)
	}
	t.Logf("%d answered, %d refused, %d of 5,000 tokens used, at most %d settled and reserved", ok.Load(), refused.Load(), used, watch.most["global/day/tokens global"])
}

// A rolling budget is kept apart from one of the calendar, and both must agree.
func TestRollingBudget(t *testing.T) {
	s, _ := startBudget(t, "budget 0.1 USD/hour rolling\n\t\tbudget 0.2 USD/day\n\t\tbudget 1 USD/month rolling per team")
	s.ask(webKey, "x", 90).ok()
	a := s.ask(webKey, "x", 20).denied(429, "budget_exceeded", false).told("X-Should-Retry", "false")
	// When the call of a moment ago has left the last hour (in slots of a minute).
	if wait := time.Duration(a.number("Retry-After")) * time.Second; wait < 58*time.Minute || wait > 62*time.Minute {
		t.Errorf("Retry-After: %v", wait)
	}
	if !strings.Contains(a.Body, "enough may be free again at") {
		t.Error(a.Body)
	}
	s.ask(webKey, "x", 9).ok()
	s.ask(batchKey, "x", 90).ok()
	for label, want := range map[string]llm.Money{"key/rolling-hour": 99, "key/day": 99} {
		if b := s.standing(label, "web"); b.Settled != want*thousandth || b.Reserved != 0 {
			t.Errorf("%s: %s", label, b.Settled)
		}
	}
	if b := s.standing("team/rolling-month", "growth"); b.Settled != 99*thousandth || !b.Rolling {
		t.Errorf("team: %+v", b)
	}
	s.reconcile("key/rolling-hour")
}

// Budgets of one window and scope under two names are two budgets; an override
// holds for its value only, up or down.
func TestBudgetNamesAndOverrides(t *testing.T) {
	s, _ := startBudget(t, `budget 0.1 USD/day per team {
			name small
			override research 0.3 USD
		}
		budget 0.2 USD/day per team {
			name large
		}
		budget 9 USD/day per model {
			override DEAR-x 0.05 USD
		}`)
	refused := func(key, model string, n int, why string) {
		t.Helper()
		if a := s.ask(key, model, n).denied(429, "budget_exceeded", false); !strings.Contains(a.Body, why) {
			t.Errorf("%q is not in %s", why, a.Body)
		}
	}
	s.ask(batchKey, "Dear-X", 45).ok()
	refused(webKey, "dear-x", 8, "the budget of $0.05 a day per model")
	s.ask(webKey, "x", 90).ok()
	refused(webKey, "x", 20, "the budget small of $0.10 a day per team")
	s.ask(batchKey, "x", 90).ok()
	s.ask(batchKey, "x", 60).ok()
	refused(batchKey, "x", 60, "the budget large of $0.20 a day per team")
	s.nothingHeld()
}

// What has no price is refused, counted at no cost, or at a flat rate; what has
// no bound is refused, or reserved by a ceiling.
func TestUnpricedAndUnbounded(t *testing.T) {
	byURL := call{path: "/v1/chat/completions", body: `{"model":"x","max_tokens":10,"messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://pictures.example/cat.png"}}]}]}`}
	searching := call{path: "/v1/responses", body: `{"model":"x","max_output_tokens":10,"input":"Hi","tools":[{"type":"web_search"}]}`}
	unpriced := func(cost string) string {
		return strings.Replace(budgetSite(cost, ""), "price * 0 1000", "price known 0 1000", 1)
	}
	for _, c := range []struct {
		name, site string
		try        func(s *site)
		spent      llm.Money // what the calls cost, in thousandths
	}{
		{"deny is the default", unpriced("budget 1 USD/day"), func(s *site) {
			s.ask(webKey, "x", 10).denied(403, "model_unpriced", false)
			s.ask(webKey, "known", 10).ok()
		}, 10},
		{"deny without a budget", unpriced("unpriced deny"), func(s *site) { s.ask(webKey, "x", 10).denied(403, "model_unpriced", false) }, 0},
		{"meter", unpriced("budget 1 USD/day\n\t\tunpriced meter"), func(s *site) {
			for range 3 {
				s.ask(webKey, "x", 1_000_000).ok()
			}
			s.ask(webKey, "known", 10).ok()
		}, 10},
		{"a rate", unpriced("budget 1 USD/day\n\t\tunpriced 1000"), func(s *site) {
			s.ask(webKey, "x", 10).ok()
		}, 21}, // the rate is for the prompt too
		{"unbounded", budgetSite("budget 1 USD/day", ""), func(s *site) {
			s.do(byURL).denied(403, "unbounded_request", false)
			s.do(searching).denied(403, "unbounded_request", false)
		}, 0},
		{"unbounded USD", budgetSite("budget 1 USD/day\n\t\tmin_output off\n\t\tunbounded 0.6 USD", ""), func(s *site) {
			s.do(byURL).ok() // reserves $0.61 and costs $0.01
			s.do(byURL).ok()
			s.ask(webKey, "x", 400).ok()
			s.do(byURL).denied(429, "budget_exceeded", false)
		}, 420},
		{"unbounded USD and a budget of tokens", budgetSite("budget 9 USD/day\n\t\tbudget 1M tokens/day\n\t\tunbounded 0.6 USD", ""), func(s *site) {
			s.do(byURL).denied(403, "unbounded_request", false)
		}, 0},
		{"unbounded tokens", budgetSite("budget 1000 tokens/day\n\t\tmin_output off\n\t\tunbounded 500 tokens", ""), func(s *site) {
			s.do(byURL).ok()
			b := s.standing("key/day/tokens", "web")
			if b.Settled != 21 {
				t.Errorf("%d tokens", b.Settled)
			}
			s.ask(webKey, "x", 600).ok()
			s.do(byURL).denied(429, "budget_exceeded", false)
		}, 610},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.answers(fullAnswer)
			s := start(t, c.site, budgetVars(p, p))
			c.try(s)
			s.nothingHeld()
			var sum llm.Money
			for _, r := range s.rows("") {
				sum += r.Cost
			}
			if sum != c.spent*thousandth {
				t.Errorf("%s was spent, want %s", sum, c.spent*thousandth)
			}
		})
	}
}

// A budget that reserves estimates learns what calls really cost, lets more of
// them run at once than their bounds allow, and goes over by no more than what is
// in flight.
func TestEstimatedBudget(t *testing.T) {
	p := newProvider(t)
	p.answers(usageAnswer(10)) // of 1,000 that they might use
	cfg := budgetSite("budget 3 USD/day {\n\t\t\treserve {{reserve}}\n\t\t}\n\t\tmin_output off", "")
	most := func(reserve string) (atOnce int, over llm.Money) {
		o := budgetVars(p, p)
		o.vars["reserve"] = reserve
		s := start(t, cfg, o)
		p.answers(usageAnswer(10))
		for range 30 { // to learn from
			s.ask(webKey, "x", 1000).ok()
		}
		release := make(chan struct{})
		var arrived atomic.Int64
		p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
			arrived.Add(1)
			select {
			case <-release:
				usageAnswer(100)(w, r, body) // ten times what was learned
			case <-r.Context().Done():
			}
		})
		var wg sync.WaitGroup
		var refused atomic.Int64
		const calls = 200
		for range calls {
			wg.Go(func() {
				if s.ask(webKey, "x", 1000).Status == 429 {
					refused.Add(1)
				}
			})
		}
		if !eventually(func() bool { return arrived.Load()+refused.Load() == calls }) {
			t.Errorf("%d arrived, %d refused", arrived.Load(), refused.Load())
		}
		var held, bounds llm.Money
		s.books(func(l *ledger.Ledger) { held = l.Reserved() })
		bounds = llm.Money(arrived.Load()) * 1000 * thousandth
		close(release)
		wg.Wait()
		s.quiet()
		b := s.standing("key/day", "web")
		over = max(0, b.Settled-b.Amount)
		if over > bounds {
			t.Errorf("%s over, and only %s was in flight", over, bounds)
		}
		if over > 0 {
			s.ask(webKey, "x", 1).denied(429, "budget_exceeded", false)
		}
		s.nothingHeld()
		t.Logf("reserve %s: %d of %d at once, %s held for bounds of %s; %s of %s settled: %s over", reserve, arrived.Load(), calls, held, bounds, b.Settled, b.Amount, over)
		return int(arrived.Load()), over
	}
	strict, over := most("strict")
	if strict != 2 || over != 0 {
		t.Errorf("strict: %d at once, %s over", strict, over)
	}
	if estimate, _ := most("estimate"); estimate < 50 {
		t.Errorf("estimate: %d at once", estimate)
	}
}
