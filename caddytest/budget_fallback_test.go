package caddytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// When a budget refuses a call, the fallback answers it if the key may use that
// model: whole, streamed and translated; the record tells.
func TestFallbackOfABudget(t *testing.T) {
	p := newProvider(t)
	p.answers(fullAnswer)
	cfg := strings.Replace(budgetSite("budget 0.1 USD/day per model\n\t\ton_exceed fallback second-cheap", ""), "price * 0 1000", "price second-* 0 100\n\t\tprice * 0 1000", 1)
	s := start(t, cfg, budgetVars(p, p))
	s.ask(webKey, "x", 95).ok()
	s.do(message(true, "claude-x", "Hi", `,"max_tokens":95`)).ok()
	for _, stream := range []bool{false, true} {
		for _, anthropic := range []bool{false, true} {
			t.Run(fmt.Sprintf("stream %v, anthropic %v", stream, anthropic), func(t *testing.T) {
				s.t = t
				model := map[bool]string{false: "x", true: "claude-x"}[anthropic]
				p.forget()
				c := message(anthropic, model, "Hi", `,"max_tokens":50`)
				if stream {
					c.body = strings.Replace(c.body, "{", `{"stream":true,`, 1)
				}
				a := s.do(c).ok()
				want := map[bool]string{false: "[DONE]", true: "message_stop"}[anthropic]
				if !stream {
					want = map[bool]string{false: `"object":"chat.completion"`, true: `"type":"message"`}[anthropic]
				}
				if !strings.Contains(a.Body, want) {
					t.Errorf("the client got %s", a.Body)
				}
				got := p.requests()
				if len(got) != 1 || !strings.Contains(got[0].Body, `"second-cheap"`) {
					t.Errorf("the provider got %+v", got)
				}
				rec := s.ended(a.Header.Get("Llm-Request-Id"))
				if rec.Outcome != "ok" || rec.Model != model || len(rec.Attempts) != 1 || rec.Cost != 5*int64(thousandth) {
					t.Errorf("the record: %s", rec.raw)
				}
				var steps []string
				for _, d := range rec.Decisions {
					if d.Module == "cost" {
						steps = append(steps, d.Action+" "+d.Rule+" "+d.Code)
					}
				}
				if strings.Join(steps, ", ") != "deny model/day budget_exceeded, fallback on_exceed , allow  " {
					t.Errorf("the decisions: %q in %s", steps, rec.raw)
				}
			})
		}
	}
	s.t = t
	s.reconcile("model/day")
}

// The first refusal stands where the fallback cannot help: the key may not use it,
// its own budget refuses it, it is not known, or it is what was asked for.
func TestFallbackThatCannotHelp(t *testing.T) {
	for _, c := range []struct {
		name, cost string
		change     []string
		model      string
		rule       string
	}{
		{"not for this key", "budget 0.1 USD/day per model\n\t\ton_exceed fallback second-cheap", []string{"user ada", "user ada\n\t\t\tmodels x y"}, "x", "model/day"},
		{"refused itself", "budget 0.1 USD/day per key\n\t\ton_exceed fallback second-cheap", nil, "x", "key/day"},
		{"not known", "budget 0.1 USD/day per model\n\t\ton_exceed fallback nobody-knows", []string{"model * one", "model x one"}, "x", "model/day"},
		{"without a price", "budget 0.1 USD/day per model\n\t\ton_exceed fallback second-cheap", []string{"price * 0 1000", "price */x 0 1000"}, "x", "model/day"},
		{"the same", "budget 0.1 USD/day per model\n\t\ton_exceed fallback x", nil, "x", "model/day"},
		{"deny", "budget 0.1 USD/day per model\n\t\ton_exceed deny", nil, "x", "model/day"},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			p.answers(fullAnswer)
			cfg := budgetSite(c.cost, "")
			if c.change != nil {
				if !strings.Contains(cfg, c.change[0]) {
					t.Fatal("the site has changed")
				}
				cfg = strings.Replace(cfg, c.change[0], c.change[1], 1)
			}
			s := start(t, cfg, budgetVars(p, p))
			s.ask(webKey, c.model, 95).ok()
			p.forget()
			for _, stream := range []string{"", `,"stream":true`} {
				a := s.do(message(false, c.model, "Hi", stream+`,"max_tokens":50`)).denied(429, "budget_exceeded", false).told("X-Should-Retry", "false")
				if !strings.Contains(a.Body, "$0.10 a day per ") || strings.Contains(a.Body, "second-cheap") {
					t.Error(a.Body)
				}
				rec := s.ended(a.Header.Get("Llm-Request-Id"))
				if rec.Stage != "denied" || rec.Denial.Code != "budget_exceeded" || rec.Denial.Rule != c.rule || len(rec.Attempts) != 0 || rec.Model != c.model {
					t.Errorf("the record: %s", rec.raw)
				}
			}
			if p.count() != 0 {
				t.Error("it reached the provider")
			}
			s.nothingHeld()
		})
	}
}

// A model that costs nothing answers when all the money is spent, and what it
// cannot do is said of it.
func TestFallbackToAFreeModel(t *testing.T) {
	p, free := newProvider(t), newProvider(t)
	p.answers(fullAnswer)
	free.answers(fullAnswer)
	cfg := strings.Replace(budgetSite("budget 0.1 USD/day per key\n\t\ton_exceed fallback second-free", ""), "price * 0 1000", "price second-free free\n\t\tprice * 0 1000", 1)
	s := start(t, cfg, budgetVars(p, free))
	s.ask(webKey, "x", 99).ok()
	for _, n := range []int{1, 5, 50_000} {
		rec := s.ended(s.ask(webKey, "x", n).ok().Header.Get("Llm-Request-Id"))
		if n > 1 && (rec.Cost != 0 || rec.Usage.Output != int64(n)) {
			t.Errorf("the record: %s", rec.raw)
		}
	}
	if p.count() != 2 || free.count() != 2 {
		t.Errorf("%d and %d calls", p.count(), free.count())
	}
	free.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		sendJSON(w, 500, `{"error":{"message":"no room"}}`)
	})
	if a := s.ask(webKey, "x", 50); a.Status != 500 || !strings.Contains(a.Body, "no room") {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	s.reconcile("key/day")
}
