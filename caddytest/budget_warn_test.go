package caddytest

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

const hookSecret = "a-secret-of-the-webhook"

// sink receives what a webhook posts.
type sink struct {
	*httptest.Server
	t *testing.T

	mu   sync.Mutex
	got  []map[string]any
	fail int // how many posts to refuse first
}

func newSink(t *testing.T, fail int) *sink {
	t.Helper()
	k := &sink{t: t, fail: fail}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		at, sum, _ := strings.Cut(strings.TrimPrefix(r.Header.Get("LLM-Signature"), "t="), ",v1=")
		m := hmac.New(sha256.New, []byte(hookSecret))
		m.Write([]byte(at + "." + string(body)))
		sec, err := strconv.ParseInt(at, 10, 64)
		if err != nil || time.Since(time.Unix(sec, 0)).Abs() > time.Hour || sum != hex.EncodeToString(m.Sum(nil)) || r.Method != http.MethodPost {
			t.Errorf("%s with signature %q of %s", r.Method, r.Header.Get("LLM-Signature"), body)
		}
		var v map[string]any
		if err := json.Unmarshal(body, &v); err != nil {
			t.Errorf("%v in %s", err, body)
		}
		k.mu.Lock()
		defer k.mu.Unlock()
		if k.fail > 0 {
			k.fail--
			w.WriteHeader(500)
			return
		}
		k.got = append(k.got, v)
		w.WriteHeader(204)
	}))
	t.Cleanup(k.Close)
	return k
}

// percents are what a scope value was warned of, in order of arrival.
func (k *sink) percents(value string) (out []float64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, v := range k.got {
		if v["value"] == value {
			out = append(out, v["percent"].(float64))
		}
	}
	return out
}

// want waits until these warnings have come for a scope value, and no others.
func (k *sink) want(value string, percents ...float64) {
	k.t.Helper()
	var got []float64
	eventually(func() bool {
		got = k.percents(value)
		slices.Sort(got) // they are delivered beside each other
		return len(got) >= len(percents)
	})
	if !slices.Equal(got, percents) {
		k.t.Errorf("%s was warned of %v, want %v", value, got, percents)
	}
}

// told are the events that Caddy's events app has passed on.
var told struct {
	sync.Mutex
	events []caddy.Event
}

type eventRecorder struct{}

func (eventRecorder) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "events.handlers.test_record", New: func() caddy.Module { return new(eventRecorder) }}
}

func (eventRecorder) Handle(_ context.Context, e caddy.Event) error {
	told.Lock()
	defer told.Unlock()
	told.events = append(told.events, e)
	return nil
}

func init() { caddy.RegisterModule(eventRecorder{}) }

// warnedOptions subscribe to the event and name the webhook.
func warnedOptions(p *provider, k *sink) options {
	o := budgetVars(p, p)
	o.vars["hook"] = "webhook " + k.URL + "/hook?x=1 " + hookSecret
	o.patch = func(cfg map[string]any) {
		setDefault(cfg, []any{map[string]any{"events": []string{"llm_budget_warning"}, "handlers": []any{map[string]any{"handler": "test_record"}}}}, "apps", "events", "subscriptions")
	}
	return o
}

// Bifrost #5770: a threshold fired long before it was reached. Here what is
// reserved is no reason to warn; a threshold fires when what is settled reaches
// it, to the nano-dollar, once a window, and neither a reload nor a restart makes
// it fire again: it is a function of the row in the store. Metric, event, header
// and webhook say the same.
func TestBudgetBifrost5770WarnsOnceAndNotEarly(t *testing.T) {
	p, k := newProvider(t), newSink(t, 1)
	p.answers(fullAnswer)
	scrapePort := freePort(t)
	name := fmt.Sprint("warned", nameOf.Add(1))
	cfg := budgetSite("{{hook}}\n\t\tbudget 0.1 USD/day {\n\t\t\tname "+name+"\n\t\t\twarn 50% 80% 100%\n\t\t}", "") +
		fmt.Sprintf("\n:%d {\n\tmetrics /metrics\n}\n", scrapePort)
	o := warnedOptions(p, k)
	s := start(t, cfg, o)
	s.ask(webKey, "x", 40).ok()
	g := newGate()
	p.answers(g.answer)
	st := s.open(message(false, "x", "Hi", `,"stream":true,"max_tokens":59`)) // 99 % is settled or reserved
	p.answers(fullAnswer)
	s.ask(batchKey, "x", 49).ok().told("Llm-Budget-Warning", "")
	for _, ev := range []string{chatEvents[1], chatEvents[3], chatUsageEvent, chatEvents[4]} {
		g.next <- ev + "\n\n"
	}
	close(g.next)
	_, _ = st.rest()
	s.ended(st.id())
	s.ask(webKey, "x", 2).ok().told("Llm-Budget-Warning", "") // 49 %
	k.want("web")
	s.ask(webKey, "x", 1).ok().told("Llm-Budget-Warning", "") // and with this one 50
	k.want("web", 50)                                         // although the first try was refused
	s.ask(webKey, "x", 1).ok().told("Llm-Budget-Warning", name+" 50%")
	if err := s.load(cfg, o); err != nil {
		t.Fatal(err)
	}
	s.ask(webKey, "x", 1).ok().told("Llm-Budget-Warning", name+" 50%")
	s.stop()
	s.stopped = false
	if err := s.load(cfg, o); err != nil {
		t.Fatal(err)
	}
	s.ask(webKey, "x", 27).ok().told("Llm-Budget-Warning", name+" 50%") // 79 %
	k.want("web", 50)
	s.ask(webKey, "x", 2).ok()
	k.want("web", 50, 80)
	s.ask(webKey, "x", 17).ok().told("Llm-Budget-Warning", name+" 80%")
	s.ask(webKey, "x", 1).ok()
	k.want("web", 50, 80)
	s.ask(webKey, "x", 1).ok()
	k.want("web", 50, 80, 100)
	s.ask(webKey, "x", 1).denied(429, "budget_exceeded", false)
	k.want("batch")
	other := *s
	other.URL = fmt.Sprint("http://127.0.0.1:", scrapePort)
	m := scrape(t, &other)
	for _, percent := range []int{50, 80, 100} {
		if got := m[fmt.Sprintf(`caddy_llm_budget_warnings_total{budget="%s",percent="%d"}`, name, percent)]; got != 1 {
			t.Errorf("the metric of %d%% says %v", percent, got)
		}
	}
	if got := sum(m, "caddy_llm_budget_warnings_undelivered_total"); got != 0 {
		t.Errorf("%v were not delivered", got)
	}
	k.mu.Lock()
	first := k.got[0]
	k.mu.Unlock()
	for field, want := range map[string]any{"event": "llm_budget_warning", "budget": name, "scope": "key", "value": "web", "unit": "USD", "settled": "0.05", "amount": "0.10"} {
		if first[field] != want {
			t.Errorf("%s is %v, want %v", field, first[field], want)
		}
	}
	if at, err := time.Parse(time.RFC3339, fmt.Sprint(first["ends"])); err != nil || !at.After(time.Now()) {
		t.Errorf("ends: %v", first["ends"])
	}
	told.Lock()
	var events []string
	for _, e := range told.events {
		if e.Data["budget"] == name {
			events = append(events, fmt.Sprint(e.Name(), " ", e.Data["percent"]))
		}
	}
	told.Unlock()
	slices.Sort(events)
	if !slices.Equal(events, []string{"llm_budget_warning 100", "llm_budget_warning 50", "llm_budget_warning 80"}) {
		t.Errorf("the events: %v", events)
	}
	s.reconcile(name)
}

// Bifrost PR #5558: with an override each node counted for itself, and thresholds
// fired at other sums. Here the thresholds of a value with an override are parts
// of the override, whoever of the team spends it and however many at once.
func TestBudgetBifrost5558ThresholdsOfOverrides(t *testing.T) {
	p, k := newProvider(t), newSink(t, 0)
	p.answers(fullAnswer)
	s := start(t, budgetSite("{{hook}}\n\t\tbudget 0.1 USD/month per team {\n\t\t\toverride growth 0.4 USD\n\t\t\twarn 50% 75%\n\t\t}", ""), warnedOptions(p, k))
	var wg sync.WaitGroup
	for range 19 {
		wg.Go(func() { s.ask(webKey, "x", 10).ok() })
	}
	wg.Wait()
	s.ask(batchKey, "x", 49).ok()
	s.ask(webKey, "x", 9).ok()
	k.want("growth") // 199 of 400
	s.ask(batchKey, "x", 1).ok()
	k.want("research", 50) // 50 of 100
	for range 11 {
		wg.Go(func() { s.ask(webKey, "x", 10).ok() })
	}
	wg.Wait()
	k.want("growth", 50, 75) // 309 of 400
	s.ask(webKey, "x", 1).ok().told("Llm-Budget-Warning", "team/month 75%")
	k.want("research", 50)
	if sum := s.reconcile("team/month"); sum != llm.Money(310+50)*thousandth {
		t.Errorf("%s spent", sum)
	}
}

// A window of its own has warnings of its own; a rolling budget and one of tokens
// warn as well.
func TestBudgetWarningsOfOtherBudgets(t *testing.T) {
	p, k := newProvider(t), newSink(t, 0)
	p.answers(fullAnswer)
	for _, c := range []struct{ budget, label, value, settled string }{
		{"budget 0.1 USD/day per team {\n\t\t\ttimezone " + today + "\n\t\t\twarn 50%\n\t\t}", "team/day", "growth", "0.06"},
		{"budget 0.1 USD/day per team {\n\t\t\ttimezone " + yesterday + "\n\t\t\twarn 50%\n\t\t}", "team/day", "growth", "0.06"},
		{"budget 0.1 USD/day rolling per org {\n\t\t\twarn 50%\n\t\t}", "org/rolling-day", "acme", "0.06"},
		{"budget 200 tokens/hour per user {\n\t\t\twarn 10%\n\t\t}", "user/hour/tokens", "ada", "71"},
	} {
		k.mu.Lock()
		k.got = nil
		k.mu.Unlock()
		s := start(t, budgetSite("{{hook}}\n\t\t"+c.budget, ""), warnedOptions(p, k))
		s.ask(webKey, "x", 60).ok()
		if !eventually(func() bool { return len(k.percents(c.value)) == 1 }) {
			t.Fatalf("%s: no warning", c.label)
		}
		s.ask(webKey, "x", 1).ok()
		s.stop()
		k.mu.Lock()
		if v := k.got[0]; len(k.got) != 1 || v["budget"] != c.label || v["settled"] != c.settled {
			t.Errorf("%s: %v", c.label, k.got)
		}
		k.mu.Unlock()
	}
}
