package caddytest

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The two blocks of governed.Caddyfile, to the letter.
const (
	governedRates = `
		llm_ratelimit {
			requests 600/min per key
			tokens 200k/min per team
			concurrent 16 per key
		}
`
	governedCost = `
		llm_cost {
			budget 20 USD/day per key
			budget 500 USD/month per team {
				timezone Europe/Berlin
				override research 2000 USD
				warn 50% 80% 100%
			}
			unpriced deny
		}
`
)

// startGoverned runs the site of governed.Caddyfile with these blocks, and one
// model more whose tokens of output cost $0.001. keys are more keys.
func startGoverned(t *testing.T, p *provider, blocks, keys string) *site {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "governed")
	t.Setenv("LLM_DATA_DIR", dir)
	t.Setenv("OPENAI_BASE_URL", p.URL+"/v1")
	t.Setenv("ANTHROPIC_BASE_URL", p.URL)
	t.Setenv("LOCAL_BASE_URL", p.URL+"/v1")
	s := start(t, `
{
	grace_period 5m
	metrics
	log {
		format llm_safe
	}
	llm_gateway {
		data_dir {env.LLM_DATA_DIR}
		require auth audit cost
		provider openai {
			api_key {env.OPENAI_API_KEY}
			base_url {env.OPENAI_BASE_URL}
		}
		provider claude anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {env.ANTHROPIC_BASE_URL}
		}
		provider local openai {
			base_url {env.LOCAL_BASE_URL}
		}
		price local/* free
		price openai/gpt-4o-dear 0 1000
	}
}
:8080 {
	handle /metrics {
		metrics
	}
	handle /v1/* {
		llm_audit main {
			content metadata
			on_failure deny
		}
		llm_auth {
			key web {env.WEB_APP_KEY} {
				team growth
				models gpt-4o* claude-* local/* smart
			}
			key batch {env.BATCH_KEY} {
				team research
				scopes tools
			}
			`+keys+`
		}
		`+blocks+`
		llm_upstream {
			model gpt-4o* openai
			model claude-* claude
			model smart openai/gpt-4o claude/claude-sonnet-4-5
			model local/* local
			lb_retries 2
			fail_duration 30s
			first_byte_timeout 2m
			stream_idle_timeout 60s
		}
	}
	handle {
		respond 404
	}
}`, options{patch: func(cfg map[string]any) {
		setDefault(cfg, []any{map[string]any{"events": []string{"llm_budget_warning"}, "handlers": []any{map[string]any{"handler": "test_record"}}}}, "apps", "events", "subscriptions")
	}})
	s.data = dir
	return s
}

// llm_ratelimit of governed.Caddyfile: 600 requests a minute and 16 at once for
// each key, 200,000 tokens a minute for each team.
func TestContractGovernedRates(t *testing.T) {
	p := newProvider(t)
	s := startGoverned(t, p, governedRates+governedCost, "")
	s.chat(call{}).ok().told("X-Ratelimit-Limit-Requests", "600").told("X-Ratelimit-Remaining-Requests", "599").
		told("X-Ratelimit-Limit-Tokens", "200000").told("X-Ratelimit-Remaining-Tokens", "199982")
	s.chat(call{key: "-"}).denied(401, "unauthenticated", false)
	var ok, refused atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 80 {
				switch a := s.chat(call{}); {
				case a.Status == 200:
					ok.Add(1)
				case a.Status == 429:
					refused.Add(1)
					a.denied(429, "rate_limited", false)
					if wait := a.number("Retry-After"); wait < 1 || wait > 62 {
						t.Errorf("Retry-After: %d", wait)
					}
				default:
					t.Errorf("%d %s", a.Status, a.Body)
				}
			}
		})
	}
	wg.Wait()
	if ok.Load() != 599 || refused.Load() != 41 {
		t.Errorf("%d were answered and %d refused, besides the first", ok.Load(), refused.Load())
	}
	// The other key has its own; 16 at once.
	p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		begin(w, r, body, true, 1, 1)
		<-r.Context().Done()
	})
	c := call{path: "/v1/chat/completions", body: dialects[0].streamRequest, key: batchKey}
	for range 16 {
		st := s.open(c)
		defer st.close()
	}
	s.do(c).denied(429, "rate_limited", false)
	if n := p.count(); n != 600+16 {
		t.Errorf("%d calls reached the provider", n)
	}
}

// Tokens: what does not fit into the minute is lowered, and then refused.
func TestContractGovernedTokens(t *testing.T) {
	p := newProvider(t)
	p.answers(fullAnswer)
	s := startGoverned(t, p, governedRates+governedCost, "")
	for range 12 {
		s.ask(webKey, "gpt-4o-mini", 16_000).ok()
	}
	a := s.ask(webKey, "gpt-4o-mini", 16_000).ok()
	limit, _ := p.sentLimit()
	if limit < 7_000 || limit >= 200_000-12*16_011 {
		t.Errorf("lowered to %d", limit)
	}
	left := a.number("X-Ratelimit-Remaining-Tokens")
	if left < 0 || left > 300 {
		t.Errorf("%d tokens are left", left)
	}
	s.ask(webKey, "gpt-4o-mini", 16_000).denied(429, "rate_limited", false)
	s.ask(batchKey, "gpt-4o-mini", 16_000).ok() // of another team
}

// llm_cost of governed.Caddyfile: $20 a day for each key, $500 a month in Berlin
// for each team, $2,000 for research, warnings, no model without a price.
func TestContractGovernedCost(t *testing.T) {
	told.Lock()
	told.events = nil
	told.Unlock()
	p := newProvider(t)
	p.answers(fullAnswer)
	var keys strings.Builder
	member := func(team string, i int) string { return fmt.Sprintf("a-key-of-%s-number-%03d", team, i) }
	for team, n := range map[string]int{"growth": 28, "research": 102} {
		for i := range n {
			fmt.Fprintf(&keys, "key %s%d %s {\n\t\t\t\tteam %s\n\t\t\t}\n\t\t\t", team, i, member(team, i), team)
		}
	}
	s := startGoverned(t, p, governedCost, keys.String())
	dear := "gpt-4o-dear"
	// The key's day. What is left of it is used by lowering the output.
	s.ask(webKey, dear, 15_000).ok()
	s.ask(webKey, dear, 15_000).ok()
	if limit, _ := p.sentLimit(); limit != 4_999 {
		t.Errorf("lowered to %d", limit)
	}
	a := s.ask(webKey, dear, 15_000).denied(429, "budget_exceeded", false).told("X-Should-Retry", "false")
	if !strings.Contains(a.Body, "the budget of $20.00 a day per key") {
		t.Error(a.Body)
	}
	day := time.Now().UTC()
	within(t, a, time.Date(day.Year(), day.Month(), day.Day()+1, 0, 0, 0, 0, time.UTC))
	s.ask(webKey, "claude-nobody-knows", 10).denied(403, "model_unpriced", false)
	s.ask(webKey, "local/llama", 50_000).ok() // free, whatever is spent
	// The team's month: 4.5 cents and 24 keys' days besides the $19.999 above.
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 24 {
		told := ""
		switch {
		case i >= 20:
			told = "team/month 80%"
		case i >= 12:
			told = "team/month 50%"
		}
		s.ask(member("growth", i), dear, 19_999).ok().told("Llm-Budget-Warning", told)
	}
	a = s.ask(member("growth", 24), dear, 1_000).denied(429, "budget_exceeded", false)
	if !strings.Contains(a.Body, "the budget of $500.00 a month per team") {
		t.Error(a.Body)
	}
	month := time.Now().In(berlin)
	within(t, a, time.Date(month.Year(), month.Month()+1, 1, 0, 0, 0, 0, berlin))
	s.ask(member("growth", 25), dear, 24).ok()
	s.ask(member("growth", 26), dear, 1).ok()
	s.ask(member("growth", 27), dear, 1).denied(429, "budget_exceeded", false)
	s.ask(member("growth", 0), "local/llama", 10).ok()
	// Research has four times as much.
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() { s.ask(member("research", i), dear, 19_999).ok() })
	}
	wg.Wait()
	if a := s.ask(member("research", 100), dear, 1_000).denied(429, "budget_exceeded", false); !strings.Contains(a.Body, "the budget of $2000.00 a month per team") {
		t.Error(a.Body)
	}
	s.ask(member("research", 101), dear, 90).ok().told("Llm-Budget-Warning", "team/month 80%")
	b := s.standing("team/month", "research")
	if b.Amount != 2000*llm.USD || b.Settled != 100*19_999*thousandth+90*thousandth {
		t.Errorf("research: %+v", b)
	}
	if b := s.standing("team/month", "growth"); b.Remaining != 0 || b.Settled != 500*llm.USD {
		t.Errorf("growth: %+v", b)
	}
	var warned []string
	if !eventually(func() bool {
		told.Lock()
		defer told.Unlock()
		warned = warned[:0]
		for _, e := range told.events {
			if amount := e.Data["amount"]; amount == "500.00" || amount == "2000.00" {
				warned = append(warned, fmt.Sprint(e.Data["value"], " ", e.Data["percent"]))
			}
		}
		slices.Sort(warned)
		return len(warned) >= 5
	}) || strings.Join(warned, ", ") != "growth 100, growth 50, growth 80, research 50, research 80" {
		t.Errorf("the warnings: %v", warned)
	}
	// An attempt that fails costs nothing of either budget.
	p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		if strings.HasSuffix(r.URL.Path, "/messages") {
			plainAnswer(w, r, body)
			return
		}
		sendJSON(w, 503, `{"error":{"message":"busy"}}`)
	})
	a = s.ask(batchKey, "smart", 50).ok()
	totals := s.nothingHeld()
	rows := s.rows(a.Header.Get("Llm-Request-Id"))
	if len(rows) < 2 || rows[0].Cost != 0 || rows[len(rows)-1].Cost != 11*3_000+7*15_000 || rows[len(rows)-1].Provider != "claude" {
		t.Errorf("the rows of a failover: %+v", rows)
	}
	t.Logf("%d rows, %s", totals.Rows, totals.Settled)
	s.verify("main")
}

// within checks that a refusal says to come back at a moment.
func within(t *testing.T, a *answer, at time.Time) {
	t.Helper()
	back := time.Now().Add(time.Duration(a.number("Retry-After")) * time.Second)
	if back.Sub(at).Abs() > time.Minute {
		t.Errorf("come back at %s, want %s", back, at)
	}
	if !strings.Contains(a.Body, at.Format(time.RFC3339)) {
		t.Errorf("%s is not in %s", at.Format(time.RFC3339), a.Body)
	}
}
