package handlers

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What comes as JSON is checked like what is written in a Caddyfile.
func TestRateLimitCheck(t *testing.T) {
	minute := caddy.Duration(time.Minute)
	for name, tc := range map[string]struct {
		l    Limit
		want string // "" is fine
	}{
		"requests":             {Limit{Dimension: "requests", Amount: 1, Window: minute}, ""},
		"all of it":            {Limit{Dimension: "tokens", Amount: limits.MaxAmount, Window: caddy.Duration(limits.MaxWindow), Burst: limits.MaxAmount, Per: "{http.request.host}", Name: "n", Estimate: true, Overrides: map[string]int64{"x": 1}}, ""},
		"concurrent":           {Limit{Dimension: "concurrent", Amount: 1, Per: "model"}, ""},
		"nothing":              {Limit{}, "unknown limit"},
		"no amount":            {Limit{Dimension: "requests", Window: minute}, "must be 1 to"},
		"negative amount":      {Limit{Dimension: "requests", Amount: -1, Window: minute}, "must be 1 to"},
		"huge amount":          {Limit{Dimension: "requests", Amount: math.MaxInt64, Window: minute}, "must be 1 to"},
		"no window":            {Limit{Dimension: "tokens", Amount: 1}, "no window"},
		"negative window":      {Limit{Dimension: "tokens", Amount: 1, Window: -1}, "no window"},
		"short window":         {Limit{Dimension: "tokens", Amount: 1, Window: 1}, "1 ms to"},
		"long window":          {Limit{Dimension: "tokens", Amount: 1, Window: math.MaxInt64}, "366 days"},
		"window of concurrent": {Limit{Dimension: "concurrent", Amount: 1, Window: minute}, "without a window"},
		"burst of concurrent":  {Limit{Dimension: "concurrent", Amount: 1, Burst: 1}, "without burst"},
		"negative burst":       {Limit{Dimension: "requests", Amount: 1, Window: minute, Burst: -1}, "burst must be"},
		"absurd burst":         {Limit{Dimension: "requests", Amount: 1, Window: minute, Burst: 1_000_000}, "366 days"},
		"scope":                {Limit{Dimension: "requests", Amount: 1, Window: minute, Per: "planet"}, "planet"},
		"override of 0":        {Limit{Dimension: "requests", Amount: 1, Window: minute, Overrides: map[string]int64{"x": 0}}, "override x"},
		"override of nobody":   {Limit{Dimension: "requests", Amount: 1, Window: minute, Overrides: map[string]int64{"": 1}}, "without a value"},
		"override of global":   {Limit{Dimension: "requests", Amount: 1, Window: minute, Per: "global", Overrides: map[string]int64{"x": 1}}, "no values"},
		"estimated requests":   {Limit{Dimension: "requests", Amount: 1, Window: minute, Estimate: true}, "estimate"},
	} {
		err := tc.l.check()
		if (err == nil) != (tc.want == "") || err != nil && !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

func TestRateLimitClash(t *testing.T) {
	base := Limit{Dimension: "requests", Amount: 1, Window: caddy.Duration(time.Minute)}
	for name, tc := range map[string]struct {
		change func(*Limit)
		clash  bool
	}{
		"the same":       {func(*Limit) {}, true},
		"another amount": {func(l *Limit) { l.Amount = 7 }, true},
		"per key":        {func(l *Limit) { l.Per = "key" }, true},
		"override":       {func(l *Limit) { l.Overrides = map[string]int64{"x": 1} }, true},
		"scope":          {func(l *Limit) { l.Per = "team" }, false},
		"window":         {func(l *Limit) { l.Window++ }, false},
		"name":           {func(l *Limit) { l.Name = "x" }, false},
		"burst":          {func(l *Limit) { l.Burst = 1 }, false},
		"dimension":      {func(l *Limit) { l.Dimension = "tokens" }, false},
	} {
		l := base
		tc.change(&l)
		if err := l.clash([]Limit{{Dimension: "concurrent", Amount: 1}, base}); (err != nil) != tc.clash {
			t.Errorf("%s: %v", name, err)
		}
	}
	a, b := base, base
	a.Name, b.Name, b.Dimension = "x", "x", "tokens"
	if err := a.clash([]Limit{b}); err == nil {
		t.Error("two limits of one name")
	}
}

// Of several limits of one dimension the one with the least left speaks; the one
// that refused before all; another dimension is not touched.
func TestRateStanding(t *testing.T) {
	minute := &limits.RateLimit{Dimension: limits.Requests, Amount: 10, Window: time.Minute, Scope: "key"}
	hour := &limits.RateLimit{Dimension: limits.Requests, Amount: 100, Window: time.Hour, Scope: "key"}
	tokens := &limits.RateLimit{Dimension: limits.Tokens, Amount: 1000, Window: time.Minute, Scope: "team", Name: `a"b\c` + "\r\nX: 1\xff"}
	var s rateStanding
	h := http.Header{"X-Ratelimit-Remaining-Tokens": {"7"}}
	s.write(&llm.Exchange{}, h, false)
	if len(h) != 1 {
		t.Errorf("without limits: %v", h)
	}
	s.tell(nil, []limits.Status{{Limit: minute, Amount: 10, Remaining: 9, Reset: time.Minute}, {Limit: hour, Amount: 100, Remaining: 5, Reset: 1500 * time.Millisecond}})
	s.write(&llm.Exchange{}, h, false)
	if h.Get("X-Ratelimit-Limit-Requests") != "100" || h.Get("X-Ratelimit-Remaining-Requests") != "5" || h.Get("X-Ratelimit-Reset-Requests") != "1.5s" || h.Get("X-Ratelimit-Remaining-Tokens") != "7" {
		t.Errorf("%v", h)
	}
	s.ietf = true
	s.tell(nil, []limits.Status{{Limit: tokens, Amount: limits.MaxAmount, Remaining: math.MaxInt64, Reset: time.Nanosecond}})
	s.refused(&limits.Refusal{Limit: minute, Amount: 10, Remaining: 8})
	if s.elsewhere() {
		t.Error("a limit per key is one of the model")
	}
	h = http.Header{"X-Ratelimit-Remaining-Requests": {"1", "2"}, "X-Ratelimit-Remaining-Tokens": {"7"}}
	s.write(&llm.Exchange{Family: llm.FamilyAnthropic}, h, false)
	if h.Get("Anthropic-Ratelimit-Requests-Remaining") != "8" || len(h["X-Ratelimit-Remaining-Requests"]) != 0 || len(h["X-Ratelimit-Remaining-Tokens"]) != 0 {
		t.Errorf("%v", h)
	}
	const policy = `"requests-key-60s";q=10;w=60, "requests-key-3600s";q=100;w=3600, "a\"b\\c__X: 1_";q=999999999999999;qu="tokens";w=60`
	const left = `"requests-key-60s";r=8;t=0, "requests-key-3600s";r=5;t=2, "a\"b\\c__X: 1_";r=999999999999999;t=1`
	if h.Get("Ratelimit-Policy") != policy || h.Get("Ratelimit") != left {
		t.Errorf("%s\n%s", h.Get("Ratelimit-Policy"), h.Get("Ratelimit"))
	}
	s.refused(&limits.Refusal{Limit: &limits.RateLimit{Scope: "provider"}})
	if !s.elsewhere() {
		t.Error("a limit per provider is not")
	}
	// What is told anew takes the place of what was told before, and of a refusal.
	s.tell(s.all[0], []limits.Status{{Limit: minute, Amount: 10, Remaining: 3}})
	s.write(&llm.Exchange{}, h, false)
	if h.Get("X-Ratelimit-Remaining-Requests") != "3" || len(s.all) != 2 || s.elsewhere() {
		t.Errorf("%v", h)
	}
}

// Whatever stands in a Caddyfile gives limits that make sense, or an error.
func FuzzRateLimitCaddyfile(f *testing.F) {
	for _, s := range []string{
		"llm_ratelimit requests 60/min", "llm_ratelimit {\n tokens 200k/min per team\n concurrent 16 per key\n}",
		"llm_ratelimit {\n tokens 1M/h per model {\n override x 5\n burst 7\n estimate\n name n\n }\n headers ietf\n}",
		"llm_ratelimit requests 60/min override a 1 override a 2", "llm_ratelimit {\n requests 5/min {\n", "llm_ratelimit { }",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h := new(RateLimit)
		if h.UnmarshalCaddyfile(caddyfile.NewTestDispenser(s)) != nil {
			return
		}
		for i := range h.Limits {
			if err := h.Limits[i].check(); err != nil {
				t.Errorf("%q: %v", s, err)
			}
			if err := h.Limits[i].clash(h.Limits[:i]); err != nil {
				t.Errorf("%q: %v", s, err)
			}
		}
		if len(h.Limits) == 0 {
			t.Errorf("%q: no limit", s)
		}
	})
}
