package caddytest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// LiteLLM #34732: its check of a budget and the record of what was spent were
// separate steps, so that any number of calls at once passed a budget that had
// room for one of them. Here a thousand calls meet a budget that is almost spent.
func TestBudgetLiteLLM34732AlmostSpent(t *testing.T) {
	thousandCalls(t, "budget 1 USD/day per key", "key/day", 900, 1)
}

// LiteLLM #40095: a user that it had never seen had no counter yet, and until the
// first one was made everybody passed. Here a thousand calls are the first.
func TestBudgetLiteLLM40095BrandNew(t *testing.T) {
	thousandCalls(t, "budget 1 USD/day per user", "user/day", 0, 1)
}

// A thousand calls of two keys on the budgets of their teams, and of all on one.
func TestThousandCallsOnASharedBudget(t *testing.T) {
	t.Run("team", func(t *testing.T) { thousandCalls(t, "budget 1 USD/month per team", "team/month", 0, 2) })
	t.Run("global", func(t *testing.T) { thousandCalls(t, "budget 1 USD/total per global", "global/total", 0, 1) })
	t.Run("lowered", func(t *testing.T) {
		thousandCalls(t, "budget 1 USD/total per global\n\t\tmin_output 4", "global/total", 0, 1)
	})
}

// thousandCalls makes 1,000 calls at once, streams and whole answers, at two
// providers of which the first often fails: what is settled and reserved never
// exceeds the budget of $1 (or the `budgets` budgets), and 90 % of it can be used.
// spent tokens are used before.
func thousandCalls(t *testing.T, cost, label string, spent, budgets int) {
	const calls, connections = 1000, 200
	flaky, good := newProvider(t), newProvider(t)
	var n atomic.Int64
	flaky.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		switch n.Add(1) % 5 {
		case 0:
			sendJSON(w, 500, `{"error":{"message":"down"}}`)
		case 1:
			sendJSON(w, 200, `{"id":"x","choices":[{"message":{"content":"half an answ`)
		case 2:
			panic(http.ErrAbortHandler)
		default:
			fullAnswer(w, r, body)
		}
	})
	good.answers(fullAnswer)
	s := start(t, budgetSite(cost, ""), budgetVars(flaky, good))
	if spent > 0 {
		s.ask(webKey, "second-x", spent).ok()
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections, MaxConnsPerHost: connections, DisableCompression: true}, Timeout: patience}
	t.Cleanup(client.CloseIdleConnections)
	watch := s.audit()
	begin := make(chan struct{})
	var wg sync.WaitGroup
	var answered, refused, failed atomic.Int64
	for i := range calls {
		rnd := rand.New(rand.NewPCG(4, uint64(i)))
		c := message(false, "smart", "Hi", fmt.Sprintf(`,"max_tokens":%d`, 5+rnd.IntN(20)))
		if rnd.IntN(2) == 0 {
			c.body = strings.Replace(c.body, `{`, `{"stream":true,`, 1)
		}
		if budgets > 1 && i%2 == 0 {
			c.key = batchKey
		}
		wg.Go(func() {
			<-begin
			resp, err := client.Do(s.newRequest(c))
			if err != nil {
				t.Error(err)
				return
			}
			defer resp.Body.Close()
			body, _ := io.ReadAll(resp.Body)
			switch {
			case resp.StatusCode == 200:
				answered.Add(1)
			case resp.StatusCode == 429 && strings.Contains(string(body), "budget_exceeded"):
				refused.Add(1)
			case resp.StatusCode == 502:
				failed.Add(1)
			default:
				t.Errorf("%d %s", resp.StatusCode, body)
			}
		})
	}
	close(begin)
	wg.Wait()
	s.quiet()
	// What the failed ones gave back can be used to the last: one call after the
	// other until none fits.
	late := 0
	for i := range budgets {
		for s.ask([]string{webKey, batchKey}[i], "second-x", 25).Status == 200 {
			late++
		}
	}
	watch.stop()
	if answered.Load() == 0 || refused.Load() == 0 {
		t.Errorf("%d answered, %d refused: the budget was not reached", answered.Load(), refused.Load())
	}
	sum := s.reconcile(label)
	amount := llm.Money(budgets) * llm.USD
	if sum > amount || sum < amount/10*9 {
		t.Errorf("%s of %s spent", sum, amount)
	}
	t.Logf("%d at once: %d answered, %d refused, %d failed at both; then %d more one by one; %s of %s spent; %d looks at the balances, at most %v",
		calls, answered.Load(), refused.Load(), failed.Load(), late, sum, amount, watch.samples, watch.most)
}
