package limits

import (
	"context"
	"errors"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// asks is a chat call with bounds; maxTokens -1 is none.
func asks(input, maxTokens int64) *llm.Exchange {
	return &llm.Exchange{
		ID: "x", Dialect: llm.Chat, Principal: &llm.Principal{Key: "alice", Team: "growth"},
		View: &llm.View{Dialect: llm.Chat, Model: "m", MaxTokens: maxTokens, Choices: 1, InputBound: input},
	}
}

func byTeam(x *llm.Exchange, a *llm.Attempt, scope string) string {
	switch scope {
	case "team":
		return x.Principal.Team
	case "provider":
		return a.Deployment.Provider
	}
	return x.Principal.Key
}

// admit sends an exchange through the gate.
func admit(x *llm.Exchange, g *Throttle, now time.Time) (*llm.Attempt, error) {
	x.Govern(g)
	return x.Admit(context.Background(), llm.Deployment{Provider: "p", Model: "m"}, now)
}

func uses(in, out int64) llm.Usage {
	return llm.Usage{Input: in, Output: out, Reported: true, Final: true}
}

func limited(t *testing.T, err error) *llm.Denial {
	t.Helper()
	var d *llm.Denial
	if !errors.As(err, &d) {
		t.Fatalf("not a denial: %v", err)
	}
	if d.Status != 429 || d.Code != llm.CodeRateLimited || d.Stage != llm.StageQuota {
		t.Errorf("%+v", d)
	}
	return d
}

// left is what a throttle's limit has for the team.
func left(g *Throttle, l *RateLimit, now time.Time) int64 {
	k, refused := g.r.Take(now, []Charge{{Limit: l, Value: "growth", N: 1, Hold: true}})
	if refused != nil {
		return refused.Remaining
	}
	k.Settle(now, func(*RateLimit) int64 { return 0 })
	return k.Status[0].Remaining
}

// What is reserved, for every dimension and way to bound a call, and what is left
// of it for every way to end.
func TestTokensAreReservedAndSettled(t *testing.T) {
	const limit = 100_000
	for name, tc := range map[string]struct {
		dimension string
		estimate  bool
		change    func(x *llm.Exchange)
		end       func(a *llm.Attempt)
		reserved  int64
		charged   int64
	}{
		"answered":       {dimension: Tokens, end: func(a *llm.Attempt) { a.Result, a.Usage = llm.ResultAnswered, uses(200, 30) }, reserved: 1400, charged: 230},
		"input":          {dimension: InputTokens, end: func(a *llm.Attempt) { a.Result, a.Usage = llm.ResultAnswered, uses(200, 30) }, reserved: 900, charged: 200},
		"output":         {dimension: OutputTokens, end: func(a *llm.Attempt) { a.Result, a.Usage = llm.ResultAnswered, uses(200, 30) }, reserved: 500, charged: 30},
		"estimate":       {dimension: Tokens, estimate: true, change: func(x *llm.Exchange) { x.View.InputBound = 901 }, end: func(a *llm.Attempt) { a.Result, a.Usage = llm.ResultAnswered, uses(200, 30) }, reserved: 801, charged: 230},
		"unsent":         {dimension: Tokens, end: func(a *llm.Attempt) { a.Result = llm.ResultUnsent }, reserved: 1400},
		"refused":        {dimension: Tokens, end: func(a *llm.Attempt) { a.Result = llm.ResultRefused }, reserved: 1400},
		"cut, estimated": {dimension: Tokens, end: func(a *llm.Attempt) { a.Usage = llm.Usage{Input: 300, Output: 40, Estimated: true} }, reserved: 1400, charged: 340},
		"unknown":        {dimension: Tokens, end: func(a *llm.Attempt) {}, reserved: 1400, charged: 1400},
		"unknown, called an estimate": {
			dimension: Tokens, end: func(a *llm.Attempt) { a.Usage.Estimated = true }, reserved: 1400, charged: 1400,
		},
		"nothing, as reported": {
			dimension: Tokens, end: func(a *llm.Attempt) { a.Result, a.Usage.Reported = llm.ResultAnswered, true }, reserved: 1400,
		},
		"cached": {dimension: InputTokens, end: func(a *llm.Attempt) {
			a.Result, a.Usage = llm.ResultAnswered, llm.Usage{Input: 1, CacheRead: 20, CacheWrite: 300, CacheWrite1h: 400, Reported: true}
		}, reserved: 900, charged: 721},
		"parts": {dimension: Tokens, end: func(a *llm.Attempt) {
			a.Result, a.Usage = llm.ResultAnswered, llm.Usage{Input: 5, Output: 5, Reported: true, Parts: []llm.Usage{uses(100, 10), uses(200, 20)}}
		}, reserved: 1400, charged: 330},
		"debt":       {dimension: Tokens, end: func(a *llm.Attempt) { a.Result, a.Usage = llm.ResultAnswered, uses(5000, 600) }, reserved: 1400, charged: 5600},
		"lies, less": {dimension: Tokens, end: func(a *llm.Attempt) { a.Result, a.Usage = llm.ResultAnswered, uses(-5000, -600) }, reserved: 1400},
		"lies, more": {dimension: Tokens, end: func(a *llm.Attempt) { a.Result, a.Usage = llm.ResultAnswered, uses(1<<62, 1<<62) }, reserved: 1400, charged: limit},
		"choices":    {dimension: Tokens, change: func(x *llm.Exchange) { x.View.Choices = 4 }, end: func(a *llm.Attempt) { a.Result = llm.ResultUnsent }, reserved: 900 + 4*500},
		"no limit on the output": {
			dimension: Tokens, change: func(x *llm.Exchange) { x.View.MaxTokens = -1 }, end: func(a *llm.Attempt) { a.Result = llm.ResultUnsent }, reserved: 900 + UnlimitedOutput,
		},
		"a rule's limit": {
			dimension: Tokens, change: func(x *llm.Exchange) { x.Changes.MaxTokens = 100 }, end: func(a *llm.Attempt) { a.Result = llm.ResultUnsent }, reserved: 1000,
		},
		"embeddings": {
			dimension: Tokens, change: func(x *llm.Exchange) { x.Dialect = llm.Embeddings }, end: func(a *llm.Attempt) { a.Result, a.Usage = llm.ResultAnswered, uses(100, 0) }, reserved: 900, charged: 100,
		},
		"counting tokens": {
			dimension: Tokens, change: func(x *llm.Exchange) { x.Dialect = llm.CountTokens }, end: func(a *llm.Attempt) { a.Result = llm.ResultAnswered },
		},
		"no body": {
			dimension: Tokens, change: func(x *llm.Exchange) { x.Dialect, x.View = llm.Models, nil }, end: func(a *llm.Attempt) { a.Result = llm.ResultAnswered },
		},
	} {
		t.Run(name, func(t *testing.T) {
			for _, burst := range []int64{0, limit} {
				l := &RateLimit{Dimension: tc.dimension, Amount: limit, Window: time.Hour, Burst: burst, Scope: "team", Estimate: tc.estimate}
				g := NewThrottle(NewRates(), []*RateLimit{l}, byTeam)
				now := time.Now()
				x := asks(900, 500)
				if tc.change != nil {
					tc.change(x)
				}
				a, err := admit(x, g, now)
				if err != nil {
					t.Fatal(err)
				}
				if got := limit - left(g, l, now); got != tc.reserved {
					t.Errorf("reserved %d, want %d", got, tc.reserved)
				}
				tc.end(a)
				x.Settle(a, now)
				if got := limit - left(g, l, now); got != tc.charged {
					t.Errorf("burst %d: charged %d, want %d", burst, got, tc.charged)
				}
				x.Finish(now)
				if got := limit - left(g, l, now); got != tc.charged {
					t.Errorf("charged %d after the end, want %d", got, tc.charged)
				}
				if a.MaxTokens != 0 {
					t.Errorf("lowered to %d", a.MaxTokens)
				}
			}
		})
	}
}

// Where the whole bound does not fit but the input does, the output is lowered to
// what does; not below 256, or what the caller itself wants.
func TestOutputIsLowered(t *testing.T) {
	now := time.Now()
	for name, tc := range map[string]struct {
		used, input, max, choices, thinking int64
		dimension                           string
		lowered                             int64 // 0: as asked
		refused                             bool
	}{
		"fits":                     {used: 0, input: 400, max: 600},
		"just too much":            {used: 1, input: 400, max: 600, lowered: 599},
		"much too much":            {used: 0, input: 100, max: 1_000_000, lowered: 900},
		"without a limit":          {used: 0, input: 100, max: -1, lowered: 900},
		"to the least":             {used: 344, input: 400, max: 600, lowered: 256},
		"below the least":          {used: 345, input: 400, max: 600, refused: true},
		"the caller wants less":    {used: 590, input: 400, max: 10},
		"the caller's does not":    {used: 591, input: 400, max: 10, refused: true},
		"choices":                  {used: 0, input: 100, max: 600, choices: 3, lowered: 300},
		"choices, below":           {used: 0, input: 400, max: 600, choices: 3, refused: true},
		"thinking":                 {used: 0, input: 100, max: 2000, thinking: 600, lowered: 900},
		"thinking does not fit":    {used: 0, input: 300, max: 2000, thinking: 600, refused: true},
		"output only":              {used: 300, input: 5000, max: 2000, dimension: OutputTokens, lowered: 700},
		"absurd bounds":            {input: math.MaxInt64, max: math.MaxInt64, choices: math.MaxInt64, refused: true},
		"absurd output":            {input: 100, max: math.MaxInt64, lowered: 900},
		"input only":               {used: 300, input: 500, max: 2000, dimension: InputTokens},
		"input only, does not fit": {used: 300, input: 701, max: 1, dimension: InputTokens, refused: true},
	} {
		t.Run(name, func(t *testing.T) {
			dimension := tc.dimension
			if dimension == "" {
				dimension = Tokens
			}
			l := &RateLimit{Dimension: dimension, Amount: 1000, Window: time.Minute, Scope: "team"}
			g := NewThrottle(NewRates(), []*RateLimit{l}, byTeam)
			g.r.Take(now, []Charge{{Limit: l, Value: "growth", N: tc.used, PerOutput: 1}})
			x := asks(tc.input, tc.max)
			x.View.Choices, x.View.MinOutput = max(1, tc.choices), tc.thinking
			a, err := admit(x, g, now)
			if (err != nil) != tc.refused {
				t.Fatalf("refused: %v", err)
			}
			if err != nil {
				if got := left(g, l, now); got != 1000-tc.used {
					t.Errorf("a refused call left %d", got)
				}
				return
			}
			if a.MaxTokens != tc.lowered {
				t.Errorf("lowered to %d, want %d", a.MaxTokens, tc.lowered)
			}
			said := len(x.Decisions) > 0 && x.Decisions[0].Action == "lower" && x.Decisions[0].Rule == dimension
			if said != (tc.lowered > 0) {
				t.Errorf("decisions: %+v", x.Decisions)
			}
		})
	}
}

// A refusal says which limit, what is left, what is needed and how long to wait;
// one that waiting does not help says so, and does not ask to come back.
func TestTokenRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &RateLimit{Dimension: Tokens, Amount: 200_000, Window: time.Minute, Scope: "team", Name: "bulk"}
		hour := &RateLimit{Dimension: InputTokens, Amount: 150_000, Window: time.Hour, Scope: "key"}
		g := NewThrottle(NewRates(), []*RateLimit{l, hour}, byTeam)
		first := asks(99_000, 1000)
		if _, err := admit(first, g, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		_, err := admit(asks(100_000, 4000), g, time.Now())
		d := limited(t, err)
		// Both refuse; the hour takes longer.
		if d.Rule != "input_tokens" || d.RetryAfter < 59*time.Minute || d.NoRetry {
			t.Errorf("%+v", d)
		}
		const want = "the limit of 150,000 input tokens an hour per key is reached: 51,000 left and this request needs room for at least 100,000; wait "
		if !strings.HasPrefix(d.Message, want) {
			t.Errorf("%s", d.Message)
		}
		_, err = admit(asks(210_000, 4000), g, time.Now())
		d = limited(t, err)
		if !d.NoRetry || d.RetryAfter != 0 || !strings.Contains(d.Message, "can never fit") {
			t.Errorf("%+v", d)
		}
		// As soon as the first turns out to be small, there is room.
		a := first.Current()
		a.Result, a.Usage = llm.ResultAnswered, uses(20_000, 10)
		first.Settle(a, time.Now())
		if _, err := admit(asks(100_000, 4000), g, time.Now()); err != nil {
			t.Error(err)
		}
	})
}

// Each attempt of a call reserves for itself; one that was refused or never sent
// gives all back, one that broke off is charged for what it used.
func TestFailoverAttemptsReserveEach(t *testing.T) {
	l := tokensPer("team", 10_000, time.Minute)
	asked := &RateLimit{Dimension: Requests, Amount: 10, Window: time.Minute, Scope: "provider"}
	slots := &RateLimit{Dimension: Concurrent, Amount: 1, Scope: "provider"}
	g := NewThrottle(NewRates(), []*RateLimit{l, asked, slots}, byTeam)
	x := asks(1000, 1000)
	x.Govern(g)
	now := time.Now()
	try := func(result llm.Result, u llm.Usage) {
		t.Helper()
		a, err := x.Admit(context.Background(), llm.Deployment{Provider: "p", Model: "m"}, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := left(g, l, now); got > 8000 {
			t.Errorf("%d left while it runs", got)
		}
		a.Result, a.Usage = result, u
		x.Settle(a, now)
	}
	want := func(tokens, requests int64) {
		t.Helper()
		if got := left(g, l, now); got != tokens {
			t.Errorf("%d tokens left, want %d", got, tokens)
		}
		k, refused := g.r.Take(now, []Charge{{Limit: asked, Value: "p", Hold: true}})
		if refused != nil {
			t.Fatalf("%+v", refused)
		}
		if got := k.Status[0].Remaining + 1; got != requests {
			t.Errorf("%d requests left, want %d", got, requests)
		}
		k.Settle(now, func(*RateLimit) int64 { return 0 })
	}
	try(llm.ResultUnsent, llm.Usage{})
	want(10_000, 10)
	try(llm.ResultRefused, llm.Usage{})
	want(10_000, 9)
	try(llm.ResultCut, llm.Usage{Input: 500, Output: 100, Estimated: true})
	want(9400, 8)
	try(llm.ResultAnswered, uses(200, 200))
	want(9000, 7)
	x.Finish(now)
	want(9000, 7)
}

// A thousand calls at once whose answers take all that they may: their tokens
// stay within the limit, though none has been answered when the last is judged.
func TestThousandCallsBeforeTheFirstAnswer(t *testing.T) {
	for _, burst := range []int64{0, 100_000} {
		l := &RateLimit{Dimension: Tokens, Amount: 100_000, Window: 24 * time.Hour, Burst: burst, Scope: "team"}
		g := NewThrottle(NewRates(), []*RateLimit{l}, byTeam)
		var wg sync.WaitGroup
		var tokens, refused atomic.Int64
		start := make(chan struct{})
		answers := make(chan struct{})
		for range 1000 {
			wg.Go(func() {
				<-start
				x := asks(400, 600)
				a, err := admit(x, g, time.Now())
				if refused.Add(1); err != nil {
					return
				}
				refused.Add(-1)
				<-answers
				out := int64(600)
				if a.MaxTokens > 0 {
					out = a.MaxTokens
				}
				tokens.Add(400 + out)
				a.Result, a.Usage = llm.ResultAnswered, uses(400, out)
				x.Finish(time.Now())
			})
		}
		close(start)
		for refused.Load() < 900 {
			time.Sleep(time.Millisecond)
		}
		close(answers)
		wg.Wait()
		if got := tokens.Load(); got > 100_000 || got < 99_000 {
			t.Errorf("burst %d: %d tokens used of 100,000", burst, got)
		}
	}
}

// However calls are made and however they end, no window holds more tokens than
// the limit, but for what providers took beyond the bound.
func TestNoWindowHoldsMoreTokens(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := tokensPer("team", 10_000, time.Minute)
		g := NewThrottle(NewRates(), []*RateLimit{l}, byTeam)
		now := time.Duration(0)
		var spent []plainEvent
		type running struct {
			x    *llm.Exchange
			a    *llm.Attempt
			at   time.Duration
			most int64
		}
		var calls []running
		finish := func(i int, used int64) {
			c := calls[i]
			calls[i] = calls[len(calls)-1]
			calls = calls[:len(calls)-1]
			c.a.Result, c.a.Usage = llm.ResultAnswered, uses(min(used, 50), max(0, used-50))
			c.x.Finish(g.r.base.Add(now))
			spent = append(spent, plainEvent{c.at, used})
		}
		for range rapid.IntRange(1, 100).Draw(t, "n") {
			now += time.Duration(rapid.Int64Range(0, int64(20*time.Second)).Draw(t, "step"))
			x := asks(rapid.Int64Range(50, 4000).Draw(t, "input"), rapid.Int64Range(-1, 8000).Draw(t, "max"))
			if x.View.MaxTokens < 0 {
				x.View.MaxTokens = 4096
			}
			if a, err := admit(x, g, g.r.base.Add(now)); err == nil {
				b := BoundOf(x, a)
				calls = append(calls, running{x, a, now, b.tokens()})
			}
			if len(calls) > 0 && rapid.Bool().Draw(t, "answer") {
				i := rapid.IntRange(0, len(calls)-1).Draw(t, "which")
				finish(i, rapid.Int64Range(0, calls[i].most).Draw(t, "used"))
			}
		}
		for len(calls) > 0 {
			finish(0, calls[0].most)
		}
		for _, from := range spent {
			sum := int64(0)
			for _, e := range spent {
				if e.at >= from.at && e.at < from.at+time.Minute {
					sum += e.n
				}
			}
			if sum > 10_000 {
				t.Fatalf("%d tokens in a minute", sum)
			}
		}
	})
}
