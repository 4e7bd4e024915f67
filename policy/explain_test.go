package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
)

func TestExplain(t *testing.T) {
	rule := func(name, action, expr string) Rule { return Rule{Name: name, Action: action, Expr: expr} }
	s := mustCompile(t, []Option{WithClassifiers("mod")},
		rule("a", ActionDeny, `llm.max_tokens > 100 && caller.team == "growth"`),
		rule("b", ActionFlag, `llm.model == "other" && prompt.user.size() > 0 && llm.stream`),
		rule("c", ActionFlag, `prompt.all.exists(s, s.text.contains("20 degrees"))`),
		rule("d", ActionDeny, broken),
		rule("e", ActionDeny, `classify("mod", prompt.user).score > 0.5`),
		rule("f", ActionFlag, `llm.tools.exists(t, t.name.startsWith("web"))`),
	)
	x := chat()
	env := testEnv()
	env.Classifiers = &asker{answers: map[string]classify.Verdict{"mod": {Score: 0.25}}}
	var got []string
	for _, e := range s.Explain(context.Background(), x, env) {
		got = append(got, e.Rule+" "+e.Value)
		for _, p := range e.Parts {
			got = append(got, fmt.Sprintf("%s%s = %s", strings.Repeat(".", p.Depth+1), p.Expr, p.Value))
		}
	}
	want := []string{
		"a true",
		`.llm.max_tokens > 100 && caller.team == "growth" = true`,
		`..llm.max_tokens > 100 = true`,
		`...llm.max_tokens = 500`,
		`..caller.team == "growth" = true`,
		`...caller.team = "growth"`,
		"b false",
		`.llm.model == "other" && prompt.user.size() > 0 && llm.stream = false`,
		`..llm.model == "other" = false`,
		`...llm.model = "gpt-4o-mini"`,
		`..prompt.user.size() > 0 = not evaluated`,
		`..llm.stream = not evaluated`,
		"c true",
		`.prompt.all.exists(s, s.text.contains("20 degrees")) = true, last looked at one whose text is "It is 20 degrees."`,
		`..prompt.all = 6 segments`,
		"d its evaluation failed",
		`.prompt.all[99].text == "" = error: its evaluation failed`,
		`..prompt.all[99].text = error: its evaluation failed`,
		`...prompt.all[99] = error: its evaluation failed`,
		`....prompt.all = 6 segments`,
		"e false",
		`.classify("mod", prompt.user).score > 0.5 = false`,
		`..classify("mod", prompt.user).score = 0.25`,
		`...classify("mod", prompt.user) = flagged false, score 0.25, categories `,
		`....prompt.user = 2 segments`,
		"f true",
		`.llm.tools.exists(t, t.name.startsWith("web")) = true, last looked at one whose name is "web_search"`,
		`..llm.tools = 2 elements`,
	}
	if g, w := strings.Join(got, "\n"), strings.Join(want, "\n"); g != w {
		t.Errorf("got\n%s\nwant\n%s", g, w)
	}
	if len(x.Decisions)+len(x.Scans) != 0 {
		t.Errorf("it left %v %v on the exchange", x.Decisions, x.Scans)
	}
	x.View = nil
	for _, e := range s.Explain(context.Background(), x, env)[1:] {
		if e.Value != errNoView.Error() || e.Parts != nil {
			t.Errorf("without a body: %+v", e)
		}
	}
}

// What is told of a hostile request is bounded.
func TestExplainIsBounded(t *testing.T) {
	x := chat()
	x.View.Segments = []llm.Segment{{Role: llm.RoleUser, Text: strings.Repeat("x\n", 1<<20)}}
	s := mustCompile(t, nil, deny(`prompt.all.exists(s, s.text == "y") || `+strings.Repeat(`llm.model == "x" || `, 200)+`prompt.all[0].text == "z"`))
	for _, e := range s.Explain(context.Background(), x, testEnv()) {
		if len(e.Parts) > maxParts {
			t.Errorf("%d parts", len(e.Parts))
		}
		for _, p := range e.Parts {
			if len(p.Value) > 4*maxRendered {
				t.Errorf("%d bytes of a value", len(p.Value))
			}
		}
	}
}
