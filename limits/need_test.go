package limits

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A prompt of 100 tokens costs at most 104, each token out 2, and rounding 2 more.

// What is not affordable is lowered to what is, and no further than min_output.
func TestLoweredToWhatIsAffordable(t *testing.T) {
	for _, tc := range []struct {
		name      string
		budget    llm.Money
		change    func(x *llm.Exchange)
		want      int64 // MaxTokens of the attempt; 0 unchanged, -1 refused
		minOutput int64
	}{
		{name: "all of it fits", budget: 104 + 2 + 100},
		{name: "one too little", budget: 104 + 2 + 99, want: 49},
		{name: "as little as may be", budget: 104 + 2 + 20, want: 10},
		{name: "less than may be", budget: 104 + 2 + 19, want: -1},
		{name: "not even the prompt", budget: 103, want: -1},
		{name: "the caller asks for less than may be", budget: 104 + 2 + 9, want: -1, change: func(x *llm.Exchange) { x.View.MaxTokens = 5 }},
		{name: "two choices", budget: 104 + 2 + 100, want: 25, change: func(x *llm.Exchange) { x.View.Choices = 2 }},
		{name: "a rule has lowered it before", budget: 104 + 2 + 60, want: 0, change: func(x *llm.Exchange) { x.Changes.MaxTokens = 30 }},
		{name: "a thinking budget needs more", budget: 104 + 2 + 60, want: -1, change: func(x *llm.Exchange) { x.View.MinOutput = 25 }},
		{name: "a thinking budget fits", budget: 104 + 2 + 80, want: 40, change: func(x *llm.Exchange) { x.View.MinOutput = 30 }},
		{name: "never", budget: 104 + 2 + 99, want: -1, minOutput: -1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := GuardOptions{Budgets: []Budget{dayBudget(tc.budget)}, MinOutput: 10}
			if tc.minOutput < 0 {
				o.MinOutput = 0
			}
			f := guard(t, o)
			x := f.exchange()
			if tc.change != nil {
				tc.change(x)
			}
			a, err := f.admit(x, openai)
			if tc.want < 0 {
				var d *llm.Denial
				if !errors.As(err, &d) || d.Code != llm.CodeBudgetExceeded {
					t.Fatalf("admitted with %+v, %v", a, err)
				}
				return
			}
			if err != nil || a.MaxTokens != tc.want {
				t.Fatalf("%v: MaxTokens %d, want %d", err, a.MaxTokens, tc.want)
			}
			if a.Reserved > tc.budget || a.CutAt != x.OutputLimit(a)*max(1, x.View.Choices) {
				t.Errorf("reserved %d of %d, cut at %d", a.Reserved, tc.budget, a.CutAt)
			}
			if tc.want > 0 && x.OutputLimit(a) != tc.want {
				t.Errorf("the limit is %d", x.OutputLimit(a))
			}
			x.Finish(noon)
		})
	}
}

// Whatever is lowered fits every budget, and one token more would not.
func TestLoweringIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		day := dayBudget(llm.Money(rapid.Int64Range(1, 5000).Draw(rt, "day")))
		total := Budget{Budget: ledger.Budget{Amount: llm.Money(rapid.Int64Range(1, 5000).Draw(rt, "total")), Window: BudgetTotal, Scope: "key"}}
		tokens := Budget{Budget: ledger.Budget{Amount: llm.Money(rapid.Int64Range(1, 5000).Draw(rt, "tokens")), Unit: BudgetTokens, Window: BudgetDay, Scope: "key"}}
		f := guard(t, GuardOptions{Budgets: []Budget{day, total, tokens}, MinOutput: 1})
		defer f.l.Close()
		x := f.exchange()
		x.View.MaxTokens = rapid.Int64Range(1, 1<<40).Draw(rt, "max_tokens")
		x.View.Choices = rapid.Int64Range(1, 5).Draw(rt, "choices")
		x.View.InputBound = rapid.Int64Range(0, 3000).Draw(rt, "input")
		fits := func(n int64) bool {
			cost := llm.Money(0)
			if in := x.View.InputBound; in > 0 {
				cost = llm.Money(in) + min(llm.Money(in), 5) - 1
			}
			out := n * x.View.Choices
			cost += llm.Money(2*out) + min(llm.Money(out), 3) - 1
			return cost <= day.Amount && cost <= total.Amount && llm.Money(x.View.InputBound+out) <= tokens.Amount
		}
		a, err := f.admit(x, openai)
		if err != nil {
			if fits(1) {
				rt.Fatalf("refused though one token fits: %v", err)
			}
			return
		}
		n := x.OutputLimit(a)
		if !fits(n) || n < x.View.MaxTokens && fits(n+1) {
			rt.Fatalf("lowered to %d of %d", n, x.View.MaxTokens)
		}
		x.Finish(noon)
	})
}

// Budgets of tokens hold prompt and output, and are charged what was used.
func TestTokenBudgetIsCharged(t *testing.T) {
	b := Budget{Budget: ledger.Budget{Amount: 400, Unit: BudgetTokens, Window: BudgetDay, Scope: "key"}}
	f := guard(t, GuardOptions{Budgets: []Budget{b}})
	x := f.exchange()
	a, err := f.admit(x, openai)
	if err != nil {
		t.Fatal(err)
	}
	if _, held, _ := f.l.Balance(b.Budget, "alice", noon); held != 150 {
		t.Errorf("%d tokens held", held)
	}
	a.Result = llm.ResultAnswered
	a.Usage = llm.Usage{Input: 10, CacheRead: 20, CacheWrite: 1, CacheWrite1h: 2, Output: 30, Reported: true, Final: true}
	x.Finish(noon)
	if s, held, left := f.l.Balance(b.Budget, "alice", noon); s != 63 || held != 0 || left != 337 {
		t.Errorf("settled %d, held %d, left %d", s, held, left)
	}
	// Parts count instead of the totals; what is not known counts in full.
	x = f.exchange()
	if a, err = f.admit(x, openai); err != nil {
		t.Fatal(err)
	}
	a.Result = llm.ResultAnswered
	a.Usage = llm.Usage{Input: 10, Output: 30, Reported: true, Final: true, Parts: []llm.Usage{{Input: 50, Output: 1}, {CacheRead: 6}}}
	x.Finish(noon)
	x = f.exchange()
	if a, err = f.admit(x, openai); err != nil {
		t.Fatal(err)
	}
	a.Result = llm.ResultCut
	x.Finish(noon)
	if s, _, _ := f.l.Balance(b.Budget, "alice", noon); s != 63+57+150 {
		t.Errorf("settled %d", s)
	}
	x = f.exchange()
	_, err = f.admit(x, openai)
	var d *llm.Denial
	if !errors.As(err, &d) || d.Code != llm.CodeBudgetExceeded {
		t.Fatalf("150 of 130 tokens: %v", err)
	}
}

// A scope value can have an amount of its own; a refusal names the fallback.
func TestOverrideAndFallback(t *testing.T) {
	b := dayBudget(150)
	b.Overrides = map[string]llm.Money{"alice": 10_000}
	f := guard(t, GuardOptions{Budgets: []Budget{b}, Fallback: "cheap"})
	if _, err := f.admit(f.exchange(), openai); err != nil {
		t.Fatal(err)
	}
	x := f.exchange()
	x.Principal = &llm.Principal{Key: "bob"}
	_, err := f.admit(x, openai)
	var d *llm.Denial
	if !errors.As(err, &d) || d.Fallback != "cheap" {
		t.Fatalf("bob: %v", err)
	}
}

// Thresholds are told once, and from then on stand on each attempt.
func TestWarningsReachTheCaller(t *testing.T) {
	b := dayBudget(1000)
	b.Warn = []int{10, 50}
	var got []int
	f := guard(t, GuardOptions{Budgets: []Budget{b}, OnWarn: func(_ *llm.Exchange, w []ledger.Warning) {
		for i := range w {
			got = append(got, w[i].Percent)
		}
	}})
	for i, warning := range []string{"", "key/day 10%", "key/day 10%", "key/day 10%", "key/day 10%", "key/day 50%"} {
		x := f.exchange()
		a, err := f.admit(x, openai)
		if err != nil {
			t.Fatal(err)
		}
		if a.Warning != warning {
			t.Errorf("call %d: %q, want %q", i, a.Warning, warning)
		}
		a.Result, a.Usage = llm.ResultAnswered, llm.Usage{Input: 100, Reported: true, Final: true}
		x.Finish(noon)
	}
	if len(got) != 2 || got[0] != 10 || got[1] != 50 {
		t.Errorf("told of %v", got)
	}
}

// An estimate reserves the bound until it has seen enough, then what nearly all
// calls cost, and the bound again for a model that it does not know.
func TestEstimates(t *testing.T) {
	b := dayBudget(llm.USD)
	b.Estimate = true
	f := guard(t, GuardOptions{Budgets: []Budget{b}})
	var last llm.Money
	for i := range 2 * enoughCalls {
		x := f.exchange()
		a, err := f.admit(x, openai)
		if err != nil {
			t.Fatal(err)
		}
		if last = a.Reserved; (last == 206) != (i < enoughCalls) {
			t.Fatalf("call %d reserves %d", i, last)
		}
		if a.CutAt != 0 {
			t.Error("an estimate cuts")
		}
		a.Result, a.Usage = llm.ResultAnswered, llm.Usage{Input: 10, Output: 5, Reported: true, Final: true}
		x.Finish(noon)
	}
	if last < 20 || last > 30 { // 20 of 206
		t.Errorf("calls that cost 20 reserve %d", last)
	}
	if g := f.g.estimates.of(moneyOf("another"), 206); g != 206 {
		t.Errorf("an unknown model reserves %d", g)
	}
}

// What is learned is a quantile: never above the bound, never less than 95 of 100
// calls cost.
func TestEstimatesAreAQuantile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		e := newEstimates()
		bound := llm.Money(rapid.Int64Range(1, int64(llm.MaxMoney)).Draw(rt, "bound"))
		costs := rapid.SliceOfN(rapid.Int64Range(0, int64(bound)), enoughCalls, 100).Draw(rt, "costs")
		for _, c := range costs {
			e.learn("m", bound, llm.Money(c))
		}
		got := e.of("m", bound)
		within := 0
		for _, c := range costs {
			if llm.Money(c) <= got {
				within++
			}
		}
		if got < 1 || got > bound || within*quantilePer < len(costs)*quantile {
			rt.Fatalf("%d of %d: %d of %d calls within", got, bound, within, len(costs))
		}
	})
	e := newEstimates()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range fullCalls {
				e.learn("m", 1000, 100)
				if e.of("m", 1000) > 1000 {
					t.Error("more than the bound")
				}
			}
		})
	}
	wg.Wait()
	if p := e.models["m"]; p.total >= fullCalls {
		t.Errorf("nothing is forgotten: %d", p.total)
	}
	for range 2 * maxEstimates {
		e.learn(uuid.NewString(), 10, 10)
	}
	if len(e.models) > maxEstimates {
		t.Errorf("%d models", len(e.models))
	}
}

// The model's own limit bounds a call without one, unless the operator has said
// otherwise; where it is not known the default is put in.
func TestLimitOfACallWithoutOne(t *testing.T) {
	cat := prices.Embedded().With([]prices.Override{
		{Pattern: "limited", Price: prices.Price{Rates: prices.Rates{Input: prices.USD(1_000_000), Output: prices.USD(2_000_000)}, MaxOutput: 300}},
		{Pattern: "unlimited", Price: prices.Price{Rates: prices.Rates{Input: prices.USD(1_000_000), Output: prices.USD(2_000_000)}}},
	})
	for _, tc := range []struct {
		model  string
		always bool
		sent   int64 // what is put in
		output int64 // what is reserved
	}{
		{"limited", false, 0, 300}, {"limited", true, 70, 70}, {"unlimited", false, 70, 70},
	} {
		f := guard(t, GuardOptions{Budgets: []Budget{dayBudget(10_000)}, DefaultMaxTokens: 70, AlwaysDefault: tc.always})
		f.g.cat = func() *prices.Catalogue { return cat }
		x := f.exchange()
		x.View.MaxTokens = -1
		x.Govern(f.g)
		a, err := x.Admit(t.Context(), llm.Deployment{Provider: "openai", Model: tc.model}, noon)
		if err != nil {
			t.Fatal(err)
		}
		if a.MaxTokens != tc.sent || a.Reserved != llm.Money(104+2+2*tc.output) || a.CutAt != tc.output {
			t.Errorf("%+v: put in %d, reserved %d, cut at %d", tc, a.MaxTokens, a.Reserved, a.CutAt)
		}
	}
}
