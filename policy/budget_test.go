package policy

import (
	"context"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestBudgets(t *testing.T) {
	asked := 0
	env := testEnv()
	env.Budgets = func() []Budget {
		asked++
		return []Budget{{"key/day", true, 20, 5}, {"team/month", true, 500, 400}, {"tokens", false, 1000, 900}}
	}
	for expr, want := range map[string]bool{
		`budget.remaining_ratio == 0.25`:                                 true,
		`budget.remaining_usd < 6.0 && budget.remaining_tokens == 900.0`: true,
		`budget.all.exists(b, b.name == "key/day" && b.unit == "USD" && b.amount == 20.0 && b.remaining == 5.0 && b.ratio < 0.3)`: true,
		`budget.all.size() != 3`: false,
	} {
		d := mustCompile(t, nil, deny(expr)).Evaluate(context.Background(), chat(), env)
		if (d != nil) != want || d != nil && d.Err != nil {
			t.Errorf("%s: %v", expr, d)
		}
	}
	if asked != 4 {
		t.Errorf("asked %d times", asked)
	}
	env.Budgets = nil
	if d := mustCompile(t, nil, deny(`budget.remaining_ratio < 1.0 || budget.remaining_usd < 1e12`)).Evaluate(context.Background(), chat(), env); d != nil {
		t.Error("a caller without budgets:", d)
	}
}

func TestUnscannable(t *testing.T) {
	x := &llm.Exchange{View: &llm.View{Raw: []byte(`{"input":[1,2],"f":"x"}`), Segments: []llm.Segment{
		{Kind: llm.KindText, Text: "hi"},
		{Kind: llm.KindFile, Span: llm.Span{Start: 9, End: 14}}, {Kind: llm.KindFile, Span: llm.Span{Start: 19, End: 22}}, {Kind: llm.KindImage},
	}}}
	d := Unscannable(x, "p", func(part string) bool { return part == PartImage })
	if d == nil || d.Code != llm.CodeUnscannable || d.Status != 422 || len(x.Decisions) != 1 || x.Decisions[0].Detail != "tokens, file" {
		t.Errorf("%v %+v", d, x.Decisions)
	}
	x.Decisions = nil
	if d := Unscannable(x, "p", func(string) bool { return true }); d != nil || x.Decisions[0].Action != "allow" || x.Decisions[0].Detail != "tokens, file, image" {
		t.Errorf("%v %+v", d, x.Decisions)
	}
}
