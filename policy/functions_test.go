package policy

import (
	"context"
	"strings"
	"testing"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A function over segments, as the detectors will be: declared by the caller of
// Compile, lazy, and run once per request and list however many rules ask.
func TestFunctionsAreLazyAndMemoised(t *testing.T) {
	runs := 0
	shout := func(o *options) {
		o.functions = append(o.functions, cel.Function("shouts", cel.Overload("shouts_segments",
			[]*cel.Type{cel.ListType(segmentType.typ)}, cel.IntType,
			cel.UnaryBinding(func(v ref.Val) ref.Val {
				s, ok := v.(*list).sequence.(*selection)
				if !ok {
					return types.MaybeNoSuchOverloadErr(v)
				}
				return s.e.result(resultKey{"shouts", s.kind}, func() ref.Val {
					runs++
					n := 0
					for i := range s.size() {
						n += strings.Count((*llm.Segment)(s.at(i).(*segment)).Text, "!")
					}
					return types.Int(n)
				})
			}))))
	}
	a, b := deny(`llm.stream == false && shouts(prompt.all) > 0`), deny(`shouts(prompt.all) > 5 || shouts(prompt.user) > 2`)
	c := deny(`shouts(prompt.all) == 3`)
	a.Name, b.Name = "a", "b"
	s := mustCompile(t, []Option{shout}, a, b, c)
	for round := range 2 { // the memo must not outlive the request
		runs = 0
		x := chat()
		x.View.Segments[0].Text = "one!"
		x.View.Segments[1].Text = "two!!"
		if round == 1 {
			x.View.Segments[1].Text = "none"
		}
		d := s.Evaluate(context.Background(), x, testEnv())
		if runs != 2 || (d != nil) != (round == 0) || (d != nil && d.Rule != "r") {
			t.Errorf("round %d: ran %d times, %v", round, runs, d)
		}
	}
	if _, err := Compile([]Rule{a}); err == nil || !strings.Contains(err.Error(), "undeclared reference to 'shouts'") {
		t.Errorf("without the option: %v", err)
	}
}

// What is too large to be judged is refused, never judged in part.
func TestBounds(t *testing.T) {
	for name, c := range map[string]struct {
		x    *llm.Exchange
		expr string
	}{
		"model":    {func() *llm.Exchange { x := chat(); x.View.Model = strings.Repeat("m", maxNameBytes+1); return x }(), `llm.model == "x"`},
		"text":     {withText(1, maxText+1), `prompt.all.exists(s, s.text == "y")`},
		"segments": {withText(maxElements+1, 1), `prompt.user.size() == 0`},
		"all":      {withText(maxElements+1, 1), `prompt.all.size() == 0`},
		"tools": {func() *llm.Exchange { x := chat(); x.View.Tools = make([]llm.Tool, maxElements+1); return x }(),
			`llm.tools.size() == 0`},
		"scopes": {func() *llm.Exchange { x := chat(); x.Principal.Scopes = make([]string, maxLabels+1); return x }(),
			`"x" in caller.scopes`},
	} {
		if got := judge(t, c.expr, c.x); got != errSize.Error() {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestDidYouMean(t *testing.T) {
	for expr, want := range map[string]string{
		`llm.modle == "x"`:                   "'model'",
		`llm.maxtokens == 1`:                 "'max_tokens'",
		`prompt.tool_result.size() == 1`:     "'tool_results'",
		`caller.grups.size() == 1`:           "'groups'",
		`prompt.all.exists(s, s.txt == "x")`: "'text'",
		`llm.temperature_of_the_room == "x"`: "",
		`request.header["x"] == "y"`:         "'headers'",
	} {
		_, err := Compile([]Rule{deny(expr)})
		if err == nil || strings.Contains(err.Error(), "did you mean") != (want != "") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", expr, err)
		}
	}
}
