package caddytest

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// rated is a site with limits: two keys of two teams, two providers.
func rated(limits string) string {
	n := nameOf.Add(1)
	return fmt.Sprintf(`{
	llm_gateway {
		provider one%[1]d openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{openai}}/v1
		}
		provider claude%[1]d anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {{openai}}
		}
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			team growth
		}
		key batch {env.BATCH_KEY} {
			team research
		}
	}
	llm_ratelimit {
		%[2]s
	}
	llm_policy {
		deny falcon `+"`prompt.all.exists(s, s.text.contains(\"FALCON\"))`"+` "not outside"
	}
	llm_upstream {
		model claude-* claude%[1]d
		model * one%[1]d
	}
}`, n, limits)
}

func startRated(t *testing.T, p *provider, limits string) *site {
	t.Helper()
	return start(t, rated(limits), options{vars: map[string]string{"openai": p.URL}})
}

// told checks a header of an answer.
func (a *answer) told(name, want string) *answer {
	a.s.t.Helper()
	if got := a.Header.Get(name); got != want {
		a.s.t.Errorf("%s: %q, want %q", name, got, want)
	}
	return a
}

// number reads a header of an answer.
func (a *answer) number(name string) int {
	a.s.t.Helper()
	n, err := strconv.Atoi(a.Header.Get(name))
	if err != nil {
		a.s.t.Errorf("%s: %q", name, a.Header.Get(name))
	}
	return n
}

// Each dimension counts what it says, in both dialects, and answers say what is
// left: of a whole answer what is left once it is settled.
func TestRateDimensions(t *testing.T) {
	p := newProvider(t)
	s := startRated(t, p, `requests 100/h
		tokens 10k/h
		input_tokens 9k/h
		output_tokens 8k/h per team
		concurrent 3`)
	s.chat(call{}).ok().
		told("X-Ratelimit-Limit-Requests", "100").told("X-Ratelimit-Remaining-Requests", "99").
		told("X-Ratelimit-Limit-Tokens", "10000").told("X-Ratelimit-Remaining-Tokens", "9982").
		told("Anthropic-Ratelimit-Tokens-Limit", "")
	a := s.do(message(true, "claude-sonnet-4-5", "Hi", "")).ok().
		told("Anthropic-Ratelimit-Requests-Limit", "100").told("Anthropic-Ratelimit-Requests-Remaining", "98").
		told("Anthropic-Ratelimit-Tokens-Limit", "10000").told("Anthropic-Ratelimit-Tokens-Remaining", "9964").
		told("Anthropic-Ratelimit-Input-Tokens-Limit", "9000").told("Anthropic-Ratelimit-Input-Tokens-Remaining", "8978").
		told("Anthropic-Ratelimit-Output-Tokens-Limit", "8000").told("Anthropic-Ratelimit-Output-Tokens-Remaining", "7986").
		told("X-Ratelimit-Limit-Tokens", "")
	for _, name := range []string{"Requests", "Tokens", "Input-Tokens", "Output-Tokens"} {
		if got := a.Header.Get("Anthropic-Ratelimit-" + name + "-Reset"); !strings.HasSuffix(got, "Z") {
			t.Errorf("the reset of %s: %q", name, got)
		}
	}
	// Another key has its own; what the provider is not asked for costs nothing.
	s.chat(call{key: batchKey}).ok().told("X-Ratelimit-Remaining-Tokens", "9982")
	s.do(call{method: "GET", path: "/v1/models"}).ok().told("X-Ratelimit-Remaining-Requests", "97").told("X-Ratelimit-Remaining-Tokens", "")
	s.do(message(true, "claude-sonnet-4-5", "Hi", "")).ok().told("Anthropic-Ratelimit-Tokens-Remaining", "9946")
}

// A stream is reserved by its bound while it runs and settled by its usage,
// which the caller need not have asked for.
func TestStreamsSettleTokens(t *testing.T) {
	p := newProvider(t)
	s := startRated(t, p, "tokens 10k/h")
	g := newGate()
	p.answers(g.answer)
	st := s.open(call{path: "/v1/chat/completions", body: `{"model":"gpt-4o-mini","stream":true,"messages":[{"role":"user","content":"hi"}],"max_tokens":5000}`})
	reserved := 10_000 - (&answer{s: s, Header: st.resp.Header}).number("X-Ratelimit-Remaining-Tokens")
	if reserved < 5000+11 || reserved > 5200 {
		t.Errorf("%d tokens are reserved", reserved)
	}
	g.next <- chatEvents[0] + "\n\n"
	st.want(chatEvents[0] + "\n\n")
	p.answers(plainAnswer)
	s.chat(call{}).ok().told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(10_000-reserved-18))
	for _, ev := range chatEvents[1:4] {
		g.next <- ev + "\n\n"
	}
	g.next <- chatUsageEvent + "\n\n"
	g.next <- chatEvents[4] + "\n\n"
	close(g.next)
	if rest, err := st.rest(); err != nil || strings.Contains(rest, `"usage"`) || !strings.Contains(rest, "[DONE]") {
		t.Errorf("%v: %s", err, rest)
	}
	s.ended(st.id())
	s.chat(call{}).ok().told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(10_000-3*18))
	// A client that leaves is charged for what it may have had, not for all that
	// was reserved.
	g = newGate()
	p.answers(g.answer)
	st = s.open(call{path: "/v1/chat/completions", body: dialects[0].streamRequest})
	g.next <- chatEvents[0] + "\n\n"
	st.want(chatEvents[0] + "\n\n")
	st.close()
	<-g.gone
	if rec := s.ended(st.id()); rec.Usage.Input == 0 || !rec.Usage.Estimated {
		t.Errorf("%s", rec.raw)
	}
	p.answers(plainAnswer)
	if got := s.chat(call{}).ok().number("X-Ratelimit-Remaining-Tokens"); got >= 10_000-4*18 {
		t.Errorf("%d left: the broken stream was free", got)
	}
}

// A call that does not fit is refused before the provider sees it, and counts
// for no limit of the directive; one that never fits is told so.
func TestTokenLimitRefuses(t *testing.T) {
	p := newProvider(t)
	s := startRated(t, p, `requests 100/h
		tokens 2000/h per team`)
	long := strings.Repeat("x", 1500)
	g := newGate()
	p.answers(g.answer)
	st := s.open(message(false, "gpt-4o-mini", long, `,"stream":true,"max_tokens":300`))
	for range 3 {
		a := s.do(message(false, "gpt-4o-mini", "Hi", `,"max_tokens":300`)).denied(429, "rate_limited", false)
		if wait := a.number("Retry-After"); wait < 3400 || wait > 3700 {
			t.Errorf("Retry-After: %d s", wait)
		}
		a.told("X-Ratelimit-Limit-Tokens", "2000").told("X-Should-Retry", "").told("X-Ratelimit-Remaining-Requests", "99")
		left := a.number("X-Ratelimit-Remaining-Tokens")
		if want := fmt.Sprintf("the limit of 2,000 tokens an hour per team is reached: %d left and this request needs room for at least ", left); !strings.Contains(a.Body, want) {
			t.Errorf("%q is not in %s", want, a.Body)
		}
	}
	a := s.do(message(true, "claude-sonnet-4-5", strings.Repeat("x", 2000), "")).denied(429, "rate_limited", true)
	a.told("Retry-After", "").told("X-Should-Retry", "false").told("Anthropic-Ratelimit-Tokens-Limit", "2000")
	if !strings.Contains(a.Body, "can never fit") {
		t.Error(a.Body)
	}
	// What the policy refuses has been counted as a request, and holds no tokens.
	s.do(message(false, "gpt-4o-mini", "FALCON", "")).denied(422, "policy_blocked", false).told("X-Ratelimit-Remaining-Requests", "98")
	if p.count() != 1 {
		t.Errorf("%d calls reached the provider", p.count())
	}
	close(g.next)
	_, _ = st.rest()
	rec := s.ended(st.id())
	p.answers(plainAnswer)
	s.do(message(false, "gpt-4o-mini", "Hi", `,"max_tokens":50`)).ok().
		told("X-Ratelimit-Remaining-Requests", "97").told("X-Ratelimit-Remaining-Tokens", strconv.FormatInt(2000-rec.Usage.Input-rec.Usage.Output-18, 10))
}

// Where only the prompt fits, the answer is limited to what is left.
func TestTokenLimitLowersTheOutput(t *testing.T) {
	p := newProvider(t)
	s := startRated(t, p, "tokens 1000/h per team")
	for _, c := range []call{
		message(false, "gpt-4o-mini", "Hi", `,"max_tokens":64000`),
		message(false, "gpt-4o-mini", "Hi", `,"stream":true,"max_completion_tokens":64000`),
		message(false, "gpt-4o-mini", "Hi", ``),
		message(true, "claude-sonnet-4-5", "Hi", `,"max_tokens":64000`),
		message(true, "gpt-4o-mini", "Hi", `,"max_tokens":64000`), // translated
	} {
		p.forget()
		a := s.do(c).ok()
		got := p.requests()[0].Body
		i := strings.Index(got, "_tokens\":")
		if i < 0 {
			t.Fatalf("no limit in %s", got)
		}
		digits := got[i+len("_tokens\":"):]
		n, err := strconv.Atoi(digits[:strings.IndexAny(digits, ",}")])
		if err != nil || n < 256 || n >= 1000 {
			t.Errorf("limited to %d (%v): %s", n, err, got)
		}
		rec := s.ended(a.Header.Get("Llm-Request-Id"))
		if !strings.Contains(rec.raw, `"action":"lower"`) {
			t.Errorf("%s", rec.raw)
		}
	}
}

// Attempts that fail give back what they reserved; the one that answers is
// settled.
func TestFailoverRefundsTokens(t *testing.T) {
	bad, good := newProvider(t), newProvider(t)
	bad.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		sendJSON(w, 500, `{"error":{"message":"down"}}`)
	})
	n := nameOf.Add(1)
	s := start(t, fmt.Sprintf(`{
	llm_gateway {
		provider dead%[1]d openai {
			base_url {{dead}}/v1
		}
		provider bad%[1]d openai {
			base_url {{bad}}/v1
		}
		provider good%[1]d openai {
			base_url {{good}}/v1
		}
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_ratelimit {
		requests 100/h
		tokens 1000/h
		requests 50/h per provider
		concurrent 1 per provider
	}
	llm_upstream {
		model smart dead%[1]d/gpt-4o bad%[1]d/gpt-4o good%[1]d/gpt-4o
		model down dead%[1]d/gpt-4o
		model none bad%[1]d/gpt-4o
		max_fails 1000
	}
}`, n), options{vars: map[string]string{"dead": dead(t), "bad": bad.URL, "good": good.URL}})
	for i := range 10 {
		s.chat(call{body: smart}).ok().
			told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(1000-18*(i+1))).
			told("X-Ratelimit-Remaining-Requests", strconv.Itoa(50-i-1)) // of the provider that answered, or refused
	}
	if bad.count() != 10 || good.count() != 10 {
		t.Errorf("asked %d and %d times", bad.count(), good.count())
	}
	for range 5 {
		s.chat(call{body: strings.Replace(smart, "smart", "down", 1)}).denied(502, "provider_error", false)
		if a := s.chat(call{body: strings.Replace(smart, "smart", "none", 1)}); a.Status != 500 {
			t.Errorf("%d %s", a.Status, a.Body)
		}
	}
	s.chat(call{body: smart}).ok().told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(1000-18*11))
}

// Where the limit of one provider is reached another answers, and the request
// counts once; when all are, the refusal of the first is told.
func TestLimitOfOneProviderLeavesTheOthers(t *testing.T) {
	p := newProvider(t)
	n := nameOf.Add(1)
	s := start(t, fmt.Sprintf(`{
	llm_gateway {
		provider small%[1]d openai {
			base_url {{openai}}/small/v1
		}
		provider large%[1]d openai {
			base_url {{openai}}/large/v1
		}
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_ratelimit {
		requests 100/h
		tokens 60/h per provider override large%[1]d 120
		headers ietf
	}
	llm_upstream {
		model smart small%[1]d/gpt-4o large%[1]d/gpt-4o
	}
}`, n), options{vars: map[string]string{"openai": p.URL}})
	ask := call{body: `{"model":"smart","messages":[{"role":"user","content":"hi"}],"max_tokens":1}`}
	passed := 0
	for range 20 {
		a := s.chat(ask)
		if a.Status == 429 {
			a.denied(429, "rate_limited", false).told("X-Ratelimit-Remaining-Requests", strconv.Itoa(100-passed))
			continue
		}
		passed++
		a.ok().told("X-Ratelimit-Remaining-Requests", strconv.Itoa(100-passed))
		if got := a.Header.Get("Ratelimit-Policy"); strings.Count(got, "requests-key") != 1 || strings.Count(got, "tokens-provider") != 1 {
			t.Errorf("RateLimit-Policy: %s", got)
		}
	}
	small, large := 0, 0
	for _, r := range p.requests() {
		if strings.HasPrefix(r.URI, "/small/") {
			small++
		} else {
			large++
		}
	}
	if small == 0 || large <= small || small+large != passed || passed == 20 {
		t.Errorf("%d calls of the small one and %d of the large one, %d passed", small, large, passed)
	}
}

// What was counted before a reload counts after it; new amounts, overrides and
// names apply at once, and a limit that is gone limits no more.
func TestTokensSurviveReload(t *testing.T) {
	p := newProvider(t)
	site := rated("tokens {{tokens}}")
	with := func(tokens string) options {
		return options{vars: map[string]string{"openai": p.URL, "tokens": tokens}}
	}
	s := start(t, site, with("1000/h per team"))
	for range 3 {
		s.chat(call{}).ok()
	}
	reload := func(tokens string) {
		t.Helper()
		if err := s.load(site, with(tokens)); err != nil {
			t.Fatal(err)
		}
	}
	ask := func() *answer { t.Helper(); return s.do(message(false, "gpt-4o-mini", "Hi", `,"max_tokens":10`)) }
	reload("1000/h per team")
	ask().ok().told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(1000-4*18))
	reload("120/h per team")
	ask().denied(429, "rate_limited", false).told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(120-4*18))
	reload("120/h per team override growth 5000")
	ask().ok().told("X-Ratelimit-Limit-Tokens", "5000").told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(5000-5*18))
	reload("1000/h per team name other")
	ask().ok().told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(1000-18))
	reload("1000/min per team")
	ask().ok().told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(1000-18))
	reload("1000/h per team")
	ask().ok().told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(1000-6*18))
	// A reload while a stream runs: it is settled in the counter that goes on.
	g := newGate()
	p.answers(g.answer)
	st := s.open(message(false, "gpt-4o-mini", "Hi", `,"stream":true,"max_tokens":300`))
	reload("2000/h per team")
	for _, ev := range append(slices.Clone(chatEvents[:4]), chatUsageEvent, chatEvents[4]) {
		g.next <- ev + "\n\n"
	}
	close(g.next)
	_, _ = st.rest()
	s.ended(st.id())
	p.answers(plainAnswer)
	ask().ok().told("X-Ratelimit-Remaining-Tokens", strconv.Itoa(2000-8*18))
}

// A slot of a model is held while a call runs there, and given back however it
// ends.
func TestConcurrentPerModel(t *testing.T) {
	p := newProvider(t)
	s := startRated(t, p, "concurrent 1 per model")
	g := newGate()
	p.answers(g.answer)
	st := s.open(call{path: "/v1/chat/completions", body: dialects[0].streamRequest})
	p.answers(plainAnswer)
	a := s.chat(call{key: batchKey}).denied(429, "rate_limited", false).told("Retry-After", "1")
	if !strings.Contains(a.Body, "the limit of 1 requests at once per model is reached") {
		t.Error(a.Body)
	}
	s.do(message(false, "gpt-4o", "Hi", "")).ok()
	st.close()
	s.ended(st.id())
	if !eventually(func() bool { return s.chat(call{}).Status == 200 }) {
		t.Error("the slot did not come back")
	}
	s.chat(call{}).ok()
}

// What a provider says of its own limits is about the gateway's account: where we
// speak of the same, ours stands alone.
func TestOwnRateHeadersWin(t *testing.T) {
	p := newProvider(t)
	loud := func(w http.ResponseWriter, r *http.Request, body []byte) {
		for _, name := range []string{
			"X-Ratelimit-Limit-Requests", "X-Ratelimit-Remaining-Requests", "X-Ratelimit-Reset-Requests",
			"X-Ratelimit-Limit-Tokens", "X-Ratelimit-Remaining-Tokens", "X-Ratelimit-Reset-Tokens",
			"Anthropic-Ratelimit-Tokens-Limit", "Anthropic-Ratelimit-Tokens-Remaining", "Anthropic-Ratelimit-Input-Tokens-Remaining",
		} {
			w.Header().Set(name, "777")
		}
		plainAnswer(w, r, body)
	}
	p.answers(loud)
	s := startRated(t, p, "tokens 10k/h")
	for _, stream := range []string{"", `,"stream":true`} {
		a := s.do(message(false, "gpt-4o-mini", "Hi", stream)).ok().told("X-Ratelimit-Limit-Tokens", "10000").told("X-Ratelimit-Limit-Requests", "777")
		for name, v := range a.Header {
			if strings.Contains(name, "Tokens") && !strings.Contains(name, "Input") && slices.Contains(v, "777") || len(v) > 1 {
				t.Errorf("%s: %v", name, v)
			}
		}
	}
	a := s.do(message(true, "claude-sonnet-4-5", "Hi", "")).ok().told("Anthropic-Ratelimit-Tokens-Limit", "10000")
	if a.Header.Get("X-Ratelimit-Limit-Tokens") != "" || a.Header.Get("Anthropic-Ratelimit-Tokens-Remaining") == "777" {
		t.Errorf("%v", a.Header)
	}
	// Where the provider is the one that refuses, its figures say why.
	p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("X-Ratelimit-Remaining-Tokens", "0")
		w.Header().Set("Retry-After", "7")
		sendJSON(w, 429, `{"error":{"message":"slow down"}}`)
	})
	if a := s.chat(call{}); a.Status != 429 || a.Header.Get("X-Ratelimit-Remaining-Tokens") != "0" || a.Header.Get("Retry-After") != "7" {
		t.Errorf("a 429 of the provider: %d %v", a.Status, a.Header)
	}
	p.answers(loud)
	// Also in front of a stock proxy.
	s.stop()
	s = start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_ratelimit tokens 10k/h
	reverse_proxy {{openai}}
}`, options{vars: map[string]string{"openai": p.URL}})
	a = s.chat(call{}).ok().told("X-Ratelimit-Remaining-Tokens", "9982")
	if v := a.Header.Values("X-Ratelimit-Remaining-Tokens"); len(v) != 1 {
		t.Errorf("%v", v)
	}
	s.do(message(false, "gpt-4o-mini", strings.Repeat("x", 11_000), "")).denied(429, "rate_limited", false)
}

// Many at once, in every way of asking: what the provider is asked for in all
// never exceeds the limit.
func TestTokensAtOnce(t *testing.T) {
	p := newProvider(t)
	var asked atomic.Int64
	p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		// Answers that use all that they may.
		n := maxTokensOf(t, string(body))
		asked.Add(int64(40 + n))
		sendJSON(w, 200, fmt.Sprintf(`{"id":"x","object":"chat.completion","created":1,"model":"gpt-4o-mini","choices":[{"index":0,"message":{"role":"assistant","content":"x"},"finish_reason":"length"}],"usage":{"prompt_tokens":%d,"completion_tokens":%d,"total_tokens":%d}}`, 40, n, 40+n))
	})
	s := startRated(t, p, `tokens 50k/h per global
		concurrent 100 per global`)
	var wg sync.WaitGroup
	var ok, refused atomic.Int64
	for i := range 50 {
		wg.Go(func() {
			for j := range 10 {
				switch a := s.do(message(false, "gpt-4o-mini", "Hi", fmt.Sprintf(`,"max_tokens":%d`, 100+i*j))); a.Status {
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
	t.Logf("%d answered, %d refused, %d of 50,000 tokens used", ok.Load(), refused.Load(), asked.Load())
	if asked.Load() > 50_000 || asked.Load() < 45_000 || refused.Load() == 0 {
		t.Errorf("%d tokens used of 50,000", asked.Load())
	}
}

func maxTokensOf(t *testing.T, body string) int {
	_, after, _ := strings.Cut(body, `"max_tokens":`)
	n, err := strconv.Atoi(strings.TrimRight(after, "} "))
	if err != nil {
		t.Errorf("%v in %s", err, body)
	}
	return n
}
