package caddytest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/handlers"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// budgetSite is a site on which a token of output costs $0.001 and input nothing,
// so that the upper bound of a call is its max_tokens in thousandths of a dollar
// (and 2 nano-dollars for the rounding of its parts).
// cost is the block of llm_cost, more are lines before it. Two keys of two teams,
// a provider of each dialect and a second one of OpenAI's: "smart" goes to the
// first and then to the second.
func budgetSite(cost, more string) string {
	n := nameOf.Add(1)
	return strings.NewReplacer("{{n}}", fmt.Sprint(n), "{{cost}}", cost, "{{more}}", more).Replace(`{
	llm_gateway {
		provider one{{n}} openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{one}}/v1
		}
		provider two{{n}} openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{two}}/v1
		}
		provider claude{{n}} anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {{one}}
		}
		provider google{{n}} gemini {
			api_key {env.OPENAI_API_KEY}
			base_url {{one}}
		}
		provider lama{{n}} ollama {
			base_url {{one}}
		}
		price * 0 1000
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			user ada
			team growth
			org acme
		}
		key batch {env.BATCH_KEY} {
			user bob
			team research
			org other
		}
	}
	{{more}}
	llm_cost {
		{{cost}}
	}
	llm_upstream {
		model smart one{{n}}/x two{{n}}/y
		model claude-* claude{{n}}
		model gemini-* google{{n}}
		model llama-* lama{{n}}
		model second-* two{{n}}
		model * one{{n}}
		max_fails 1000
	}
}`)
}

// startBudget starts a budgetSite with one mock behind all its providers, which
// answers in full length.
func startBudget(t *testing.T, cost string) (*site, *provider) {
	t.Helper()
	p := newProvider(t)
	p.answers(fullAnswer)
	return start(t, budgetSite(cost, ""), budgetVars(p, p)), p
}

func budgetVars(one, two *provider) options {
	return options{vars: map[string]string{"one": one.URL, "two": two.URL}}
}

// ask makes a chat call with a limit on its output.
func (s *site) ask(key, model string, maxTokens int) *answer {
	s.t.Helper()
	c := message(false, model, "Hi", fmt.Sprintf(`,"max_tokens":%d`, maxTokens))
	c.key = key
	return s.do(c)
}

// limitOf is the limit on output tokens in a request, in any dialect; 7 if there
// is none.
func limitOf(body []byte) int {
	var v struct {
		MaxTokens     int `json:"max_tokens"`
		MaxCompletion int `json:"max_completion_tokens"`
		MaxOutput     int `json:"max_output_tokens"`
		Config        struct {
			Max int `json:"maxOutputTokens"`
		} `json:"generationConfig"`
	}
	_ = json.Unmarshal(body, &v)
	if n := max(v.MaxTokens, v.MaxCompletion, v.MaxOutput, v.Config.Max); n > 0 {
		return n
	}
	return 7
}

// fullAnswer answers like nativeAnswer, and says that all of the output that the
// request allows was used.
func fullAnswer(w http.ResponseWriter, r *http.Request, body []byte) {
	usageAnswer(limitOf(body))(w, r, body)
}

// usageAnswer answers like nativeAnswer, with a figure of output tokens.
func usageAnswer(output int) func(w http.ResponseWriter, r *http.Request, body []byte) {
	n, total := fmt.Sprint(output), fmt.Sprint(11+output)
	repl := strings.NewReplacer(`"completion_tokens":7`, `"completion_tokens":`+n, `"output_tokens":7`, `"output_tokens":`+n, `"candidatesTokenCount":7`, `"candidatesTokenCount":`+n,
		`"total_tokens":18`, `"total_tokens":`+total, `"totalTokenCount":18`, `"totalTokenCount":`+total)
	return func(w http.ResponseWriter, r *http.Request, body []byte) {
		nativeAnswer(&rewriter{w, repl}, r, body)
	}
}

// rewriter changes what is written, event by event.
type rewriter struct {
	http.ResponseWriter
	repl *strings.Replacer
}

func (w *rewriter) Write(p []byte) (int, error) {
	_, err := io.WriteString(w.ResponseWriter, w.repl.Replace(string(p)))
	return len(p), err
}

func (w *rewriter) Flush() { w.ResponseWriter.(http.Flusher).Flush() }

// books calls f with the ledger of the running site.
func (s *site) books(f func(l *ledger.Ledger)) {
	s.t.Helper()
	l, leave := s.leaseLedger()
	defer leave()
	f(l)
}

// leaseLedger keeps the ledger of the running site open until leave is called.
func (s *site) leaseLedger() (l *ledger.Ledger, leave func()) {
	s.t.Helper()
	app, err := caddy.ActiveContext().App(handlers.AppName)
	if err != nil {
		s.t.Fatal(err)
	}
	stores, err := app.(handlers.Gateway).Enter(context.Background())
	if err != nil {
		s.t.Fatal(err)
	}
	return stores.Ledger, stores.Leave
}

// standing is where a scope value stands with a budget, by the budget's label.
func (s *site) standing(label, value string) (b ledger.BalanceInfo) {
	s.t.Helper()
	s.books(func(l *ledger.Ledger) {
		l.Balances(time.Now(), func(i ledger.BalanceInfo) bool {
			if i.Budget == label && i.Value == value {
				b = i
			}
			return true
		})
	})
	return b
}

// quiet waits until no call holds anything, in memory.
func (s *site) quiet() {
	s.t.Helper()
	s.books(func(l *ledger.Ledger) {
		if !eventually(func() bool { return l.Open() == 0 && l.Reserved() == 0 }) {
			s.t.Errorf("%d calls hold %s", l.Open(), l.Reserved())
		}
	})
}

// auditor looks at all balances over and over while calls run: settled and
// reserved together never exceed the amount.
type auditor struct {
	t     *testing.T
	end   chan struct{}
	wg    sync.WaitGroup
	leave func()

	over    bool
	samples int
	most    map[string]llm.Money // the highest sum that was seen, by budget and value
}

func (s *site) audit() *auditor {
	s.t.Helper()
	l, leave := s.leaseLedger()
	a := &auditor{t: s.t, end: make(chan struct{}), leave: leave, most: map[string]llm.Money{}}
	a.wg.Go(func() {
		for {
			l.Balances(time.Now(), func(i ledger.BalanceInfo) bool {
				sum := i.Settled.Add(i.Reserved)
				if i.Amount > 0 && sum > i.Amount && !a.over {
					a.over = true
					s.t.Errorf("%s of %s: %s settled and %s reserved of %s", i.Budget, i.Value, i.Settled, i.Reserved, i.Amount)
				}
				name := i.Budget + " " + i.Value
				a.most[name] = max(a.most[name], sum)
				return true
			})
			a.samples++
			select {
			case <-a.end:
				return
			case <-time.After(200 * time.Microsecond):
			}
		}
	})
	return a
}

// stop ends the looking.
func (a *auditor) stop() {
	close(a.end)
	a.wg.Wait()
	a.leave()
}

// reconcile stops the site and checks its books: nothing is held, every row costs
// no more than was reserved (but of a model whose name says that it lies), the rows, the balances of the named budget and the
// audit records say the same sum. It returns that sum.
func (s *site) reconcile(budget string) llm.Money {
	s.t.Helper()
	totals := s.nothingHeld()
	var rows, balances llm.Money
	seen := map[ledger.ID]bool{}
	for _, r := range s.rows("") {
		rows += r.Cost
		if r.Cost < 0 || r.Cost > r.Reserved && !strings.Contains(r.Model, "lying") {
			s.t.Errorf("a row costs %s of %s reserved: %+v", r.Cost, r.Reserved, r)
		}
		if seen[r.ID] {
			s.t.Errorf("%v is in the ledger twice", r.ID)
		}
		seen[r.ID] = true
	}
	for _, b := range totals.Balances {
		if label := (&ledger.Budget{Window: b.Window, Rolling: b.Rolling, Unit: b.Unit, Scope: b.Scope, Name: b.Name}).Label(); label == budget {
			balances += b.Settled
		}
	}
	var records llm.Money
	for _, r := range s.records("default", "") {
		if r.Stage == "completed" {
			records += llm.Money(r.Cost)
		}
	}
	if rows != totals.Settled || rows != records || rows != balances {
		s.t.Errorf("the rows say %s, the totals %s, the balances %s, the audit log %s", rows, totals.Settled, balances, records)
	}
	s.verify("default")
	return rows
}

const thousandth = llm.Money(1_000_000) // of a dollar: what a token costs on a budgetSite

// withCancel gives a request a context that a test can end.
func withCancel(r *http.Request) (*http.Request, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	return r.WithContext(ctx), cancel
}
