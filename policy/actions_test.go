package policy

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// run evaluates rules on a request of a dialect and returns it as it goes on.
func run(t *testing.T, d llm.Dialect, body string, rules ...Rule) (*llm.Exchange, *llm.Denial) {
	t.Helper()
	v, den := dialects.Parse(d, []byte(body))
	if den != nil {
		t.Fatal(den)
	}
	x := &llm.Exchange{ID: "0190", Dialect: d, View: v, Principal: &llm.Principal{Key: "web", Models: []string{"gpt-4*"}}}
	return x, mustCompile(t, nil, rules...).Evaluate(context.Background(), x, testEnv())
}

func actionsOf(x *llm.Exchange) (out []string) {
	for _, d := range x.Decisions {
		out = append(out, d.Rule+" "+d.Action)
	}
	return out
}

const plainChat = `{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"Ｂash"}},{"type":"function","function":{"name":"look"}}]}`

// Rules behind one that changes the request judge what it has become.
func TestOrder(t *testing.T) {
	x, d := run(t, llm.Chat, plainChat,
		Rule{Name: "strip", Action: ActionStripTools, Expr: "true", Tools: []string{"BASH"}},
		Rule{Name: "left", Action: ActionDeny, Expr: `llm.tools.size() != 1 || llm.tools[0].name != "look"`},
		Rule{Name: "route", Action: ActionRoute, Expr: "true", Model: "gpt-4o-mini"},
		Rule{Name: "late", Action: ActionRoute, Expr: "true", Model: "gpt-4.1"},
		Rule{Name: "set", Action: ActionSet, Expr: `llm.model == "gpt-4o-mini"`, MaxTokens: 30, Settings: map[string]string{"temperature": "0", "top_k": "1"}},
		Rule{Name: "capped", Action: ActionTag, Expr: "llm.max_tokens == 30", Tags: []string{"a", "b"}},
		Rule{Name: "nothing", Action: ActionStripTools, Expr: "true", Tools: []string{"none"}},
	)
	if d != nil {
		t.Fatal(d)
	}
	if want := []string{"strip strip_tools", "route route", "set set", "capped tag"}; !slices.Equal(actionsOf(x), want) {
		t.Errorf("%v", actionsOf(x))
	}
	if x.Model() != "gpt-4o-mini" || x.Changes.MaxTokens != 30 || !slices.Equal(x.Tags, []string{"a", "b"}) || x.Decisions[2].Detail != "max_tokens 30, temperature 0, top_k is not in this dialect" {
		t.Errorf("%+v %v %+v", x.Changes, x.Tags, x.Decisions)
	}
	if want := `{"temperature":0,"model":"gpt-4o","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"look"}}]}`; string(x.View.Raw) != want {
		t.Errorf("%s", x.View.Raw)
	}
}

// In shadow nothing changes.
func TestShadowActions(t *testing.T) {
	rules := []Rule{
		{Name: "strip", Action: ActionStripTools, Expr: "true"},
		{Name: "route", Action: ActionRoute, Expr: "true", Model: "o3"},
		{Name: "set", Action: ActionSet, Expr: "true", MaxTokens: 1, Settings: map[string]string{"seed": "1"}},
		{Name: "tag", Action: ActionTag, Expr: "true", Tags: []string{"x"}},
		{Name: "header", Action: ActionRequireHeader, Expr: "true", Header: "X-None"},
		{Name: "approve", Action: ActionApprove, Expr: "true"},
		{Name: "deny", Action: ActionDeny, Expr: "true"},
	}
	for i := range rules {
		rules[i].Enforcement = EnforceShadow
	}
	x, d := run(t, llm.Chat, plainChat, rules...)
	if d != nil || x.Changes.Model != "" || x.Changes.MaxTokens != 0 || len(x.Tags) != 0 || string(x.View.Raw) != plainChat {
		t.Errorf("%v %+v %v", d, x.Changes, x.Tags)
	}
	for i, a := range actionsOf(x) {
		if want := rules[i].Name + " would_" + rules[i].Action; a != want {
			t.Errorf("%s, want %s", a, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for _, c := range []struct {
		rule         Rule
		code, within string
	}{
		{Rule{Action: ActionRoute, Model: "o3"}, llm.CodeModelNotAllowed, `"o3"`},
		{Rule{Action: ActionSet, Model: "o3"}, llm.CodeModelNotAllowed, `"o3"`},
		{Rule{Action: ActionRequireHeader, Header: "X-None"}, llm.CodePolicyBlocked, "send the header X-None"},
		{Rule{Action: ActionRequireHeader, Header: "x-team", Values: []string{"red", "gr*"}, Message: "say your team"}, llm.CodePolicyBlocked, "say your team"},
		{Rule{Action: ActionRequireHeader, Header: "x-team", Values: []string{"red", "bl*"}}, "", ""},
		{Rule{Action: ActionApprove}, llm.CodePolicyBlocked, "keeps none"},
	} {
		c.rule.Name, c.rule.Expr = "r", "true"
		x, d := run(t, llm.Chat, plainChat, c.rule)
		switch {
		case c.code == "":
			if d != nil {
				t.Errorf("%+v: %v", c.rule, d)
			}
		case d == nil || d.Code != c.code || d.Rule != "r" || !strings.Contains(d.Message, c.within):
			t.Errorf("%+v: %v", c.rule, d)
		case len(x.Decisions) != 1 || x.Decisions[0].Action != ActionDeny || x.Decisions[0].Code != c.code:
			t.Errorf("%+v: %+v", c.rule, x.Decisions)
		}
	}
}

// A sample is on for about its share of the calls, for the same ones each time.
func TestSample(t *testing.T) {
	s := mustCompile(t, nil, Rule{Name: "r", Action: ActionDeny, Expr: "true", Enforcement: EnforceSample, Sample: 20})
	denied := 0
	for i := range 1000 {
		x := chat()
		x.ID = "01a222ce-f341-7120-82a5-" + strings.Repeat("0", i%3) + string(rune('a'+i%26)) + strings.Repeat("x", i/26)
		first := s.Evaluate(context.Background(), x, testEnv()) != nil
		if first != (s.Evaluate(context.Background(), x, testEnv()) != nil) {
			t.Fatal("not the same twice")
		}
		if first {
			denied++
		} else if x.Decisions[0].Action != DecisionWouldDeny {
			t.Fatalf("%+v", x.Decisions)
		}
	}
	if denied < 150 || denied > 250 {
		t.Errorf("on for %d of 1,000", denied)
	}
}

// A name of megabytes is not walked by every pattern.
func TestStripToolsLongName(t *testing.T) {
	for size, want := range map[int]error{maxNameBytes: nil, maxNameBytes + 1: errSize} {
		v, err := dialects.Parse(llm.Chat, []byte(`{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"`+strings.Repeat("s", size)+`"}}]}`))
		if err != nil {
			t.Fatal(err)
		}
		s := mustCompile(t, nil, Rule{Name: "s", Action: ActionStripTools, Expr: "true", Tools: []string{"*shell*"}})
		if d := s.Evaluate(context.Background(), &llm.Exchange{Dialect: llm.Chat, View: v}, testEnv()); (d != nil) != (want != nil) || d != nil && d.Err != want {
			t.Errorf("%d: %v", size, d)
		}
		all := mustCompile(t, nil, Rule{Name: "s", Action: ActionStripTools, Expr: "true"})
		if d := all.Evaluate(context.Background(), &llm.Exchange{Dialect: llm.Chat, View: v}, testEnv()); d != nil {
			t.Errorf("%d, all: %v", size, d)
		}
	}
}
