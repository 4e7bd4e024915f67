package caddytest

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2/caddyconfig"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What went wrong with budgets elsewhere: one test for each of those reports, by
// its number. See also the tests of a thousand calls at once.

// LiteLLM #27639 (and the kill switch of its PR #29493): some ways for a call to
// end forgot its reservation, and teams with money left were refused. Here every
// dialect, whole and streamed, ends at every stage, by either side.
func TestBudgetLiteLLM27639EveryEndingGivesBack(t *testing.T) {
	s, p := startBudget(t, "budget 50 USD/day")
	cells := 0
	for i := range faultSpeakers {
		q := &faultSpeakers[i]
		model := map[string]string{"o": "x", "c": "x", "r": "x", "a": "claude-x", "g": "gemini-x"}[q.line]
		if model == "" || q.name == "count_tokens" {
			continue
		}
		for _, stream := range []bool{false, true} {
			if stream && !q.stream {
				continue
			}
			c := q.call(model, stream)
			for stage := 0; stage <= 6; stage++ {
				p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
					if stage < 2 {
						sendJSON(w, []int{500, 400}[stage], `{"error":{"message":"no"}}`)
						return
					}
					begin(w, r, body, stream, stage-2, 1)
					panic(http.ErrAbortHandler)
				})
				s.do(c)
				began := make(chan struct{})
				p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
					begin(w, r, body, stream, stage-1, 2) // not the last: for its figures a provider is heard on
					close(began)
					<-r.Context().Done()
				})
				s.leave(c, began)
				cells += 2
			}
		}
	}
	s.quiet()
	t.Logf("%d endings", cells)
	// Nothing is held: all that is not spent can be had, to the last token.
	p.answers(fullAnswer)
	left := s.standing("key/day", "web").Remaining
	s.ask(webKey, "x", int(left/thousandth)-1).ok()
	if left := s.standing("key/day", "web").Remaining; left > 2*thousandth {
		t.Errorf("%s cannot be had", left)
	}
	s.reconcile("key/day")
}

// begin sends the header and some of an answer's events, but not the last ones, or
// the first half of a whole one: -1 is nothing at all, 0 the header.
func begin(w http.ResponseWriter, r *http.Request, body []byte, stream bool, events, last int) {
	if events < 0 {
		return
	}
	sh := shapeOf(r, body)
	if !stream {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(200)
		if events > 0 {
			fmt.Fprint(w, sh.whole[:len(sh.whole)/2])
		}
		w.(http.Flusher).Flush()
		return
	}
	w.Header().Set("Content-Type", sh.ctype)
	w.WriteHeader(200)
	for _, ev := range sh.events[:min(events, max(0, len(sh.events)-last))] {
		fmt.Fprint(w, ev+sh.sep)
	}
	w.(http.Flusher).Flush()
}

// leave makes a call and leaves once the provider says that it has begun.
func (s *site) leave(c call, began <-chan struct{}) {
	s.t.Helper()
	r, cancel := withCancel(s.newRequest(c))
	var wg sync.WaitGroup
	wg.Go(func() {
		<-began
		cancel()
	})
	if resp, err := s.client.Do(r); err == nil {
		buf := make([]byte, 1)
		for err == nil {
			_, err = resp.Body.Read(buf)
		}
		resp.Body.Close()
	}
	wg.Wait()
}

// LiteLLM PR #30330, its second half: the reset of a window while a call was in
// flight made the counter negative, so that the next window had more than its
// budget. Here a change of the time zone moves the budget into another day while
// a call runs; the call is settled where it was reserved.
func TestBudgetLiteLLM30330WindowEndsMidRequest(t *testing.T) {
	p := newProvider(t)
	cfg := budgetSite("budget 0.1 USD/day {\n\t\t\ttimezone {{zone}}\n\t\t}", "")
	s := start(t, cfg, zoned(p, today))
	g := newGate()
	p.answers(g.answer)
	st := s.open(message(false, "x", "Hi", `,"stream":true,"max_tokens":60`))
	lockstep(st, g, chatEvents[:2])
	if err := s.load(cfg, zoned(p, yesterday)); err != nil {
		t.Fatal(err)
	}
	p.answers(fullAnswer)
	s.ask(webKey, "x", 90).ok()
	s.ask(webKey, "x", 20).denied(429, "budget_exceeded", false)
	for _, ev := range []string{chatEvents[2], chatEvents[3], chatUsageEvent, chatEvents[4]} {
		g.next <- ev + "\n\n"
	}
	close(g.next)
	if _, err := st.rest(); err != nil {
		t.Error(err)
	}
	s.ended(st.id())
	s.quiet()
	// 7 tokens, and not in this window: 10 are left as before, no more, no less.
	s.ask(webKey, "x", 20).denied(429, "budget_exceeded", false)
	s.ask(webKey, "x", 9).ok()
	if err := s.load(cfg, zoned(p, today)); err != nil {
		t.Fatal(err)
	}
	s.ask(webKey, "x", 95).denied(429, "budget_exceeded", false)
	s.ask(webKey, "x", 92).ok()
	s.reconcile("key/day")
	for _, b := range s.ledger().Balances {
		if b.Settled < 0 || b.Settled > 100*thousandth {
			t.Errorf("%+v", b)
		}
	}
}

// Two zones in which it is never the same day: they are 25 hours apart.
const today, yesterday = "Pacific/Kiritimati", "Pacific/Pago_Pago"

func zoned(p *provider, zone string) options {
	o := budgetVars(p, p)
	o.vars["zone"] = zone
	return o
}

// LiteLLM #29576, #30002 and PR #40940: a job cleared the counters when a window
// ended, and when it did not run, or cleared the wrong copy, teams stayed locked
// out. Here no job runs: the window is a function of time and zone, a new one
// starts empty at once, and the old one is not forgotten.
func TestBudgetLiteLLM29576NewWindowStartsEmpty(t *testing.T) {
	p := newProvider(t)
	p.answers(fullAnswer)
	cfg := budgetSite("budget 0.1 USD/{{window}} {\n\t\t\ttimezone {{zone}}\n\t\t}", "")
	in := func(zone, window string) options {
		o := zoned(p, zone)
		o.vars["window"] = window
		return o
	}
	s := start(t, cfg, in(today, "day"))
	spend := func() {
		t.Helper()
		s.ask(webKey, "x", 80).ok()
		s.ask(webKey, "x", 80).denied(429, "budget_exceeded", false)
	}
	spend()
	for _, o := range []options{in(yesterday, "day"), in(today, "hour"), in(today, "week"), in(today, "month"), in(today, "total")} {
		if err := s.load(cfg, o); err != nil {
			t.Fatal(err)
		}
		spend()
	}
	for _, o := range []options{in(yesterday, "day"), in(today, "day")} {
		if err := s.load(cfg, o); err != nil {
			t.Fatal(err)
		}
		s.ask(webKey, "x", 80).denied(429, "budget_exceeded", false)
		s.ask(webKey, "x", 9).ok()
	}
	s.nothingHeld()
}

// LiteLLM #30684: after a restart of its store the counter was an old one, too
// low, and calls were admitted; refusing them was an option. Here the store is
// closed and opened again, several times, in a run of calls.
func TestBudgetLiteLLM30684StoreRestartedMidRun(t *testing.T) {
	p := newProvider(t)
	p.answers(fullAnswer)
	cfg := budgetSite("budget 1 USD/total per global", "")
	o := budgetVars(p, p)
	s := start(t, cfg, o)
	admitted := 0
	for round := range 4 {
		var wg sync.WaitGroup
		var mu sync.Mutex
		for i := range 60 {
			wg.Go(func() {
				if s.ask([]string{webKey, batchKey}[i%2], "x", 7).Status == 200 {
					mu.Lock()
					admitted++
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		before := s.standing("global/total", "global").Settled
		if want := llm.Money(admitted) * 7 * thousandth; before != want {
			t.Errorf("round %d: %s settled, want %s", round, before, want)
		}
		s.stop()
		s.stopped = false
		if err := s.load(cfg, o); err != nil {
			t.Fatal(err)
		}
		// Nobody has asked since, and it is known what was spent.
		if b := s.standing("global/total", "global"); b.Settled != before || b.Reserved != 0 {
			t.Errorf("round %d: %s before, %s and %s reserved after the restart", round, before, b.Settled, b.Reserved)
		}
	}
	if admitted != 142 { // of 7 tokens each, 1,000 in all
		t.Errorf("%d were admitted", admitted)
	}
	s.reconcile("global/total")
}

// LiteLLM #27381: a limiter was written and tested, and never put into the chain.
// Here a budget of every scope refuses through the real Caddyfile, before the
// provider is asked, and only whom it should.
func TestBudgetLiteLLM27381EveryScopeIsEnforced(t *testing.T) {
	ask := func(key, model, ip, project string) call {
		c := message(false, model, "Hi", `,"max_tokens":60`)
		c.key, c.header = key, map[string]string{"X-Forwarded-For": ip, "X-Project": project}
		return c
	}
	first := ask(webKey, "x", "192.0.2.1", "apollo")
	for scope, other := range map[string]call{
		"key": ask(batchKey, "x", "192.0.2.1", "apollo"), "user": ask(batchKey, "x", "192.0.2.1", "apollo"),
		"team": ask(batchKey, "x", "192.0.2.1", "apollo"), "org": ask(batchKey, "x", "192.0.2.1", "apollo"),
		"model": ask(webKey, "y", "192.0.2.1", "apollo"), "provider": ask(webKey, "second-x", "192.0.2.1", "apollo"),
		"ip": ask(webKey, "x", "192.0.2.2", "apollo"), "{http.request.header.X-Project}": ask(webKey, "x", "192.0.2.1", "gemini"),
		"global": {},
	} {
		t.Run(scope, func(t *testing.T) {
			p := newProvider(t)
			p.answers(fullAnswer)
			cfg := strings.Replace(budgetSite("budget 0.1 USD/day per "+scope, ""), "{", "{\n\tservers {\n\t\ttrusted_proxies static private_ranges\n\t}", 1)
			s := start(t, cfg, budgetVars(p, p))
			s.do(first).ok()
			p.forget()
			a := s.do(first).denied(429, "budget_exceeded", false)
			if rec := s.ended(a.Header.Get("Llm-Request-Id")); rec.Denial.Code != "budget_exceeded" || rec.Denial.Rule != scope+"/day" || len(rec.Attempts) != 0 {
				t.Errorf("the record: %s", rec.raw)
			}
			if p.count() != 0 {
				t.Error("it reached the provider")
			}
			if other.path == "" {
				other = ask(batchKey, "second-y", "192.0.2.2", "gemini")
				s.do(other).denied(429, "budget_exceeded", false)
			} else {
				s.do(other).ok()
			}
			s.reconcile(scope + "/day")
		})
	}
}

// LiteLLM #26672: a budget that was attached through an indirection (budget_id)
// was kept but not enforced: 99 of 30 were spent. Here one budget with an override
// is imported into two routes, one of them in front of a stock proxy, and used
// by two keys under several names of a model.
func TestBudgetLiteLLM26672IndirectionIsEnforced(t *testing.T) {
	p := newProvider(t)
	p.answers(fullAnswer)
	n := nameOf.Add(1)
	s := start(t, fmt.Sprintf(`{
	llm_gateway {
		provider one%[1]d openai {
			base_url {{one}}/v1
		}
		price * 0 1000
	}
}
(governed) {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			team growth
		}
		key batch {env.BATCH_KEY} {
			team growth
		}
	}
	llm_cost {
		budget 99 USD/day per team {
			name    shared
			override growth 0.3 USD
		}
	}
}
:8080 {
	handle_path /a/* {
		import governed
		llm_upstream {
			model smart one%[1]d/x
			model * one%[1]d
		}
	}
	handle_path /b/* {
		import governed
		reverse_proxy {{one}}
	}
}`, n), budgetVars(p, p))
	spent, refused := 0, 0
	for i := range 40 {
		c := message(false, []string{"x", "smart", "y"}[i%3], "Hi", `,"max_tokens":20`)
		c.path = []string{"/a", "/b"}[i%2] + c.path
		c.key = []string{webKey, batchKey}[i/2%2]
		if a := s.do(c); a.Status == 200 {
			spent += 20
		} else {
			a.denied(429, "budget_exceeded", false)
			refused++
		}
	}
	if spent != 280 || refused != 26 {
		t.Errorf("%d of 300 tokens used, %d refused", spent, refused)
	}
	if sum := s.reconcile("shared"); sum != 280*thousandth {
		t.Errorf("%s spent", sum)
	}
}

// Bifrost #2873: its passthrough routes went around the budgets. Here a budget is
// spent, and nothing gets past it by any path that costs; what is no endpoint
// reaches no provider at all.
func TestBudgetBifrost2873NoWayAround(t *testing.T) {
	for name, end := range map[string]string{"llm_upstream": "", "reverse_proxy": "reverse_proxy {{one}}"} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.answers(fullAnswer)
			cfg := budgetSite("budget 0.1 USD/day per global\n\t\tmin_output off", "")
			if end != "" {
				head, _, _ := strings.Cut(cfg, "\tllm_upstream")
				cfg = head + "\t" + end + "\n}"
			}
			s := start(t, cfg, budgetVars(p, p))
			s.ask(webKey, "x", 99).ok()
			p.forget()
			for i := range faultSpeakers {
				q := &faultSpeakers[i]
				if !q.stream {
					continue // neither embeddings nor count_tokens have output, which is all that costs here
				}
				model := map[string]string{"a": "claude-x", "g": "gemini-x"}[q.line]
				if model == "" {
					model = "x"
				}
				for _, stream := range []bool{false, true} {
					if a := s.do(q.call(model, stream)); a.Status < 400 || a.Status == 429 && !strings.Contains(a.Body, "budget") {
						t.Errorf("%s, stream %v: %d %s", q.name, stream, a.Status, a.Body)
					}
				}
			}
			for _, path := range []string{"/v1/realtime", "/v1/audio/speech", "/v1/images/generations", "/v1/moderations", "/openai/v1/whatever", "/v1/passthrough/chat",
				"/v1/files", "/v1/batches", "/v1/fine_tuning/jobs", "/v1/messages/batches", "/v1/complete", "/", "/v1/chat/completions/x", "/V1/CHAT/COMPLETIONS"} {
				for _, key := range []string{webKey, batchKey} {
					if a := s.do(call{path: path, key: key, body: `{"model":"x","messages":[{"role":"user","content":"Hi"}],"max_tokens":60}`}); a.Status < 400 {
						t.Errorf("%s: %d %s", path, a.Status, a.Body)
					}
				}
			}
			for _, r := range p.requests() {
				// A stock proxy that has an idle connection at hand may write the header of
				// a call that is being refused; what it asks for never leaves.
				if r.Body != "" || end == "" {
					t.Errorf("it reached the provider: %+v", r)
				}
			}
			s.nothingHeld()
		})
	}
}

// Bifrost #5673: a field that it did not know, `budget`, was ignored in silence,
// and so was the budget. Here every word that is not known is an error that names
// it, in the Caddyfile and in JSON.
func TestBudgetBifrost5673UnknownFieldIsRefused(t *testing.T) {
	for _, cost := range []string{
		"budgets 5 USD/day", "max_budget 5", "budget_id x", "budget 5 USD/day {\n\t\t\tlimit 3\n\t\t}", "budget 5 USD/day soft",
		"budget 5 USD/fortnight", "budget 5 EUR/day", "budget 5", "budget 5 USD/day per", "budget 5 USD/day per nobody", "budget 0 USD/day", "budget -5 USD/day",
		"budget 5 USD/day {\n\t\t\ttimezone Mars/Olympus\n\t\t}", "budget 5 USD/day\n\t\tbudget 6 USD/day", "on_exceed explode", "unpriced maybe", "budget five USD/day",
		"budget 5 USD/total rolling", "budget 5 USD/day {\n\t\t\toverride growth 5 tokens\n\t\t}", "budget 5 USD/day {\n\t\t\twarn 80% 50%\n\t\t}",
	} {
		_, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(budgetSite(cost, "")), map[string]any{"filename": "Caddyfile"})
		if err == nil {
			t.Errorf("%q was accepted", cost)
		} else if !strings.Contains(err.Error(), "Caddyfile:") {
			t.Errorf("%q: no place in %v", cost, err)
		}
	}
	p := newProvider(t)
	cfg := budgetSite("budget 5 USD/day", "")
	for where, change := range map[string]func(handler map[string]any){
		"budget":     func(h map[string]any) { h["budget"] = "5 USD/day" },
		"max_budget": func(h map[string]any) { h["budgets"].([]any)[0].(map[string]any)["max_budget"] = 5 },
	} {
		o := budgetVars(p, p)
		found := 0
		o.patch = func(cfg map[string]any) {
			walk(cfg, func(m map[string]any) {
				if m["handler"] == "llm_cost" {
					found++
					change(m)
				}
			})
		}
		s := prepare(t, o)
		if err := s.load(cfg, o); err == nil || !strings.Contains(err.Error(), "unknown field") || !strings.Contains(err.Error(), where) {
			t.Errorf("%s in JSON: %v", where, err)
		}
		if found != 1 {
			t.Errorf("%d handlers", found)
		}
	}
}
