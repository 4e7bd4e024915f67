package caddytest

import (
	"strings"
	"testing"
)

// Overrides in both forms, bursts, and the scopes that are known at the gate.
func TestRateOptions(t *testing.T) {
	p := newProvider(t)
	// admitted is how many of ten calls pass.
	admitted := func(s *site, c call) (n int) {
		for range 10 {
			switch a := s.chat(c); a.Status {
			case 200:
				n++
			case 429:
				a.denied(429, "rate_limited", false)
			default:
				t.Errorf("%d %s", a.Status, a.Body)
			}
		}
		return n
	}
	for name, tc := range map[string]struct {
		limits     string
		web, batch int
	}{
		"override on the line":  {"requests 2/h per key override batch 5 override other 9", 2, 5},
		"override in the block": {"requests 2/h per team {\n\t\t\toverride research 5\n\t\t\toverride growth 3\n\t\t\tname x\n\t\t}", 3, 5},
		"burst":                 {"requests 1/h burst 4", 4, 4},
		"burst in the block":    {"requests 1/h {\n\t\t\tburst 4\n\t\t}", 4, 4},
		"global":                {"requests 6/h per global", 6, 0},
		"per model":             {"requests 6/h per model", 6, 0},
		"per provider":          {"requests 6/h per provider override nobody 1", 6, 0},
		"placeholder":           {"requests 4/h per {http.request.header.X-Nobody-Sends}", 4, 0},
		"tokens of a model":     {"tokens 600/h per model override GPT-4o-mini 36 override x 1", 0, 0},
		"tokens with a burst":   {"tokens 1/h burst 200", 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := startRated(t, p, tc.limits)
			c := call{body: `{"model":"gpt-4o-mini","messages":[{"role":"user","content":"Hi"}],"max_tokens":10}`}
			web, batch := admitted(s, c), 0
			c.key = batchKey
			batch = admitted(s, c)
			if name == "tokens with a burst" {
				if web < 5 || web > 10 || batch != web { // 200 tokens, each call 18 of up to some 75
					t.Errorf("%d and %d passed", web, batch)
				}
				return
			}
			if web != tc.web || batch != tc.batch {
				t.Errorf("%d and %d passed, want %d and %d", web, batch, tc.web, tc.batch)
			}
		})
	}
}

// On request the fields of the IETF, for every limit.
func TestRateLimitFieldsOfTheIETF(t *testing.T) {
	p := newProvider(t)
	s := startRated(t, p, `requests 100/h
		tokens 10k/min per team name bulk
		concurrent 3
		headers ietf`)
	s.chat(call{}).ok().
		told("Ratelimit-Policy", `"requests-key-3600s";q=100;w=3600, "concurrent-key";q=3;qu="concurrent-requests", "bulk";q=10000;qu="tokens";w=60`).
		told("X-Ratelimit-Remaining-Requests", "99")
	a := s.do(message(true, "claude-sonnet-4-5", strings.Repeat("x", 11_000), "")).denied(429, "rate_limited", true)
	if got := a.Header.Get("Ratelimit-Policy"); !strings.HasPrefix(got, `"bulk";q=10000;`) {
		t.Errorf("the limit that refuses does not come first: %s", got)
	}
	if got := a.Header.Get("Ratelimit"); !strings.HasPrefix(got, `"bulk";r=9982;t=6`) || !strings.Contains(got, `"requests-key-3600s";r=99;t=3`) {
		t.Errorf("RateLimit: %s", got)
	}
}

// The limits of the contract's governed site, as they are written there.
func TestContractRateLimits(t *testing.T) {
	p := newProvider(t)
	s := startRated(t, p, `requests 600/min per key
		tokens 200k/min per team
		concurrent 16 per key`)
	s.chat(call{}).ok().told("X-Ratelimit-Limit-Requests", "600").told("X-Ratelimit-Limit-Tokens", "200000").told("X-Ratelimit-Remaining-Tokens", "199982")
	g := newGate()
	p.answers(g.answer)
	var streams []*openStream
	for range 16 {
		streams = append(streams, s.open(call{path: "/v1/chat/completions", body: dialects[0].streamRequest}))
	}
	if a := s.chat(call{}).denied(429, "rate_limited", false); !strings.Contains(a.Body, "the limit of 16 requests at once per key is reached") {
		t.Error(a.Body)
	}
	p.answers(plainAnswer)
	s.chat(call{key: batchKey}).ok()
	for _, st := range streams {
		st.close()
		s.ended(st.id())
	}
	if !eventually(func() bool { return s.chat(call{}).Status == 200 }) {
		t.Error("the slots did not come back")
	}
}

// What makes no sense is refused while the config is read, saying where.
func TestRateConfigErrors(t *testing.T) {
	for limits, want := range map[string]string{
		"requests 5":                                     "no window",
		"requests 0/min":                                 "amount",
		"requests -5/min":                                "amount",
		"tokens 1.5k/min":                                "amount",
		"tokens 99999999999999999999/min":                "amount",
		"tokens 10000000000M/min":                        "must be 1 to",
		"tokens 5/fortnight":                             "window",
		"tokens 5/0s":                                    "window",
		"tokens 5/-1h":                                   "window",
		"tokens 5/9999d":                                 "366 days",
		"tokens 5/min per":                               "rong argument",
		"tokens 5/min per planet":                        "planet",
		"tokens 5/min per {}":                            "'{}'",
		"tokens 5/min per key per team":                  "given twice",
		"tokens 5/min burst 0":                           "burst",
		"tokens 5/min burst -1":                          "burst",
		"tokens 5/min burst":                             "rong argument",
		"tokens 5/min burst 1k burst 2k":                 "given twice",
		"requests 1/d burst 1k":                          "366 days",
		"tokens 5/min override":                          "rong argument",
		"tokens 5/min override x":                        "rong argument",
		"tokens 5/min override x 0":                      "override",
		"tokens 5/min override x 5/min":                  "override",
		"tokens 5/min override x 5 USD":                  "unexpected",
		"tokens 5/min override x 5 override x 6":         "given twice",
		"tokens 5/min per global override x 5":           "no values to override",
		"tokens 5/min {\n\t\t\toverride\n\t\t}":          "rong argument",
		"tokens 5/min {\n\t\t\tburst 5 6\n\t\t}":         "unexpected argument",
		"tokens 5/min {\n\t\t\tzone UTC\n\t\t}":          "zone",
		"requests 5/min estimate":                        "estimate",
		"output_tokens 5/min estimate":                   "estimate",
		"tokens 5/min estimate estimate":                 "given twice",
		"concurrent 5/min":                               "concurrent",
		"concurrent 5 burst 5":                           "burst",
		"concurrent 0":                                   "amount",
		"words 5/min":                                    "words",
		"headers rfc":                                    "headers",
		"headers":                                        "rong argument",
		"tokens 5/min\n\t\ttokens 6/min per key":         "given twice",
		"tokens 5/min name a\n\t\trequests 6/min name a": "two limits have the name",
	} {
		err := load(t, strings.ReplaceAll(rated(limits), "{{openai}}", "http://127.0.0.1:1"))
		if err == nil {
			t.Errorf("%q is accepted", limits)
			continue
		}
		if msg := err.Error(); !strings.Contains(msg, want) || !strings.Contains(msg, "Caddyfile:") {
			t.Errorf("%q: %v; want %q and the line", limits, err, want)
		}
	}
}
