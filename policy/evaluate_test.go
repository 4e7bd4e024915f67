package policy

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// broken is an expression that compiles and never evaluates.
const broken = `prompt.all[99].text == ""`

func TestDecisions(t *testing.T) {
	rule := func(name, action, expr, enforcement, onError string) Rule {
		return Rule{Name: name, Action: action, Expr: expr, Enforcement: enforcement, OnError: onError}
	}
	for _, c := range []struct {
		name   string
		rules  []Rule
		denied string // rule that denied
		want   []string
	}{
		{"no rules", nil, "", nil},
		{"no match", []Rule{rule("a", "deny", "false", "", "")}, "", nil},
		{"deny", []Rule{rule("a", "deny", "true", "", "")}, "a", []string{"a deny policy_blocked"}},
		{"flag goes on", []Rule{rule("a", "flag", "true", "", ""), rule("b", "deny", "true", "", "")}, "b", []string{"a flag ", "b deny policy_blocked"}},
		{"first deny ends", []Rule{rule("a", "deny", "true", "on", ""), rule("b", "flag", "true", "", "")}, "a", []string{"a deny policy_blocked"}},
		{"shadow", []Rule{rule("a", "deny", "true", "shadow", ""), rule("b", "flag", "true", "shadow", "")}, "", []string{"a would_deny ", "b would_flag "}},
		{"error denies", []Rule{rule("a", "deny", broken, "", "")}, "a", []string{"a deny policy_blocked"}},
		{"error in a flag denies", []Rule{rule("a", "flag", broken, "", "deny")}, "a", []string{"a deny policy_blocked"}},
		{"error allowed", []Rule{rule("a", "deny", broken, "", "allow"), rule("b", "flag", "true", "", "")}, "", []string{"a error ", "b flag "}},
		{"error in shadow", []Rule{rule("a", "deny", broken, "shadow", "deny")}, "", []string{"a error "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := mustCompile(t, nil, c.rules...)
			x := chat()
			d := s.Evaluate(context.Background(), x, testEnv())
			var got []string
			for _, dec := range x.Decisions {
				if dec.Module != "policy" {
					t.Errorf("module %q", dec.Module)
				}
				got = append(got, dec.Rule+" "+dec.Action+" "+dec.Code)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("decisions %q, want %q", got, c.want)
			}
			if (d == nil) != (c.denied == "") || (d != nil && (d.Rule != c.denied || d.Status != 422 || d.Stage != llm.StagePolicy || d.Code != llm.CodePolicyBlocked)) {
				t.Errorf("denial %+v, want one by %q", d, c.denied)
			}
		})
	}
}

func TestMessage(t *testing.T) {
	r := Rule{Name: "no-tools", Action: "deny", Expr: "true", Message: "tools {env.HOME} are not %s enabled"}
	d := mustCompile(t, nil, r).Evaluate(context.Background(), chat(), testEnv())
	if d == nil || d.Message != `tools {env.HOME} are not %s enabled (policy rule "no-tools")` {
		t.Errorf("got %v", d)
	}
	r.Message = ""
	d = mustCompile(t, nil, r).Evaluate(context.Background(), chat(), testEnv())
	if d == nil || !strings.Contains(d.Message, `"no-tools"`) {
		t.Errorf("got %v", d)
	}
}

// What a rule says about a failure must not quote the prompt, which the errors
// of CEL do.
func TestErrorsDoNotQuoteThePrompt(t *testing.T) {
	for _, expr := range []string{
		`int(prompt.user[0].text) == 1`,
		`timestamp(prompt.user[0].text) == now`,
		`request.headers[prompt.user[0].text] == ""`,
		`{"a": 1}[prompt.user[0].text] == 1`,
		`prompt.user[0].text.matches(prompt.user[0].text)`,
		`prompt.user[0].text.format([]) == ""`,
		`base64.decode(prompt.user[0].text) == b""`,
	} {
		x := chat()
		x.View.Segments[1].Text = "CANARY( %d CANARY"
		d := mustCompile(t, nil, deny(expr)).Evaluate(context.Background(), x, testEnv())
		if d == nil || d.Err == nil {
			t.Errorf("%s: got %v, want an error", expr, d)
			continue
		}
		if s := fmt.Sprintf("%+v %+v %v", *d, x.Decisions, d.Error()); strings.Contains(s, "CANARY") {
			t.Errorf("%s: %s", expr, s)
		}
	}
}

func TestNoBody(t *testing.T) {
	for _, c := range []struct {
		dialect llm.Dialect
		expr    string
		code    string // "" when it must be judged, and be false
	}{
		{llm.Chat, `llm.model == "x"`, llm.CodeUnscannable},
		{llm.Chat, `prompt.all.exists(s, s.text == "")`, llm.CodeUnscannable},
		{llm.Chat, `dyn(llm).stream == true`, llm.CodeUnscannable},
		{llm.Messages, `size(llm.tools) > 0`, llm.CodeUnscannable},
		{llm.DialectNone, `size(llm.tools) > 0`, llm.CodeUnscannable},
		{llm.Chat, `caller.key == "x" || llm.dialect == "messages"`, ""},
		{llm.Models, `llm.model != "" || prompt.all.size() > 0 || llm.tools.size() > 0 || llm.stream || has(llm.max_tokens) || llm.max_tokens != -1 || llm.choices != 0`, ""},
	} {
		x := chat()
		x.View, x.Dialect = nil, c.dialect
		d := mustCompile(t, nil, deny(c.expr)).Evaluate(context.Background(), x, testEnv())
		if (c.code == "" && d != nil) || (c.code != "" && (d == nil || d.Code != c.code)) {
			t.Errorf("%v %s: got %v, want %q", c.dialect, c.expr, d, c.code)
		}
		r := deny(c.expr)
		r.OnError = OnErrorAllow
		if d := mustCompile(t, nil, r).Evaluate(context.Background(), x, testEnv()); d != nil {
			t.Errorf("%v %s with on_error allow: got %v", c.dialect, c.expr, d)
		}
	}
}

func TestNoPrincipal(t *testing.T) {
	x := chat()
	x.Principal = nil
	if got := judge(t, `caller.key == "" && caller.team == "" && caller.groups.size() == 0 && !("tools" in caller.scopes)`, x); got != "true" {
		t.Error(got)
	}
}

func TestChangesAreSeen(t *testing.T) {
	x := chat()
	x.Changes.Model, x.Changes.MaxTokens = "gpt-5", 100
	if got := judge(t, `llm.model == "gpt-5" && llm.max_tokens == 100`, x); got != "true" {
		t.Error(got)
	}
	x.Changes.MaxTokens = 10_000 // it lowers, it never raises
	if got := judge(t, `llm.max_tokens == 500`, x); got != "true" {
		t.Error(got)
	}
}

func TestNeedsBody(t *testing.T) {
	for expr, want := range map[string]bool{
		`caller.key == "x"`:           false,
		`llm.dialect == "chat"`:       false,
		`request.path == "/"`:         false,
		`now > timestamp(0)`:          false,
		`"llm" == "prompt"`:           false,
		`llm.model == "x"`:            true,
		`prompt.all.size() > 1`:       true,
		`dyn(llm).dialect == "chat"`:  true,
		`[llm].exists(l, l.stream)`:   true,
		`cel.bind(p, prompt, p == p)`: true,
	} {
		if got := mustCompile(t, nil, deny(expr)).NeedsBody(); got != want {
			t.Errorf("%s: %v", expr, got)
		}
	}
	if mustCompile(t, nil).NeedsBody() {
		t.Error("no rules need no body")
	}
}

func TestHash(t *testing.T) {
	base := Rule{Name: "a", Action: "deny", Expr: "true", Message: "m"}
	hash := func(opts []Option, rules ...Rule) string { return mustCompile(t, opts, rules...).Hash() }
	same := base
	same.Enforcement, same.OnError = "on", "deny"
	if hash(nil, base) != hash(nil, same) || len(hash(nil)) != 64 {
		t.Error("defaults change the hash")
	}
	seen := map[string]int{}
	for i, h := range []string{
		hash(nil), hash(nil, base),
		hash(nil, Rule{Name: "b", Action: "deny", Expr: "true", Message: "m"}),
		hash(nil, Rule{Name: "a", Action: "flag", Expr: "true", Message: "m"}),
		hash(nil, Rule{Name: "a", Action: "deny", Expr: "true ", Message: "m"}),
		hash(nil, Rule{Name: "a", Action: "deny", Expr: "true", Message: "n"}),
		hash(nil, Rule{Name: "a", Action: "deny", Expr: "true", Message: "m", OnError: "allow"}),
		hash(nil, Rule{Name: "a", Action: "deny", Expr: "true", Message: "m", Enforcement: "shadow"}),
		hash([]Option{WithCostLimit(9)}, base), hash([]Option{WithDeadline(time.Second)}, base),
		hash(nil, base, Rule{Name: "b", Action: "deny", Expr: "true"}),
		hash(nil, Rule{Name: "b", Action: "deny", Expr: "true"}, base),
	} {
		if j, ok := seen[h]; ok {
			t.Errorf("%d and %d have the same hash", i, j)
		}
		seen[h] = i
	}
}

func TestCompileRefusesRules(t *testing.T) {
	ok := deny("true")
	for _, c := range []struct {
		want string
		f    func(*Rule)
	}{
		{"needs a name", func(r *Rule) { r.Name = "" }},
		{"printable", func(r *Rule) { r.Name = "a b" }},
		{"unknown action", func(r *Rule) { r.Action = "block" }},
		{"unknown action", func(r *Rule) { r.Action = "" }},
		{"unknown enforcement", func(r *Rule) { r.Enforcement = "off" }},
		{"unknown on_error", func(r *Rule) { r.OnError = "ignore" }},
		{"is empty", func(r *Rule) { r.Expr = " \n" }},
		{"UTF-8", func(r *Rule) { r.Expr = "\"\xff\" == \"\"" }},
		{"control", func(r *Rule) { r.Message = "a\r\nb" }},
	} {
		r := ok
		c.f(&r)
		_, err := Compile([]Rule{r})
		var ce *CompileError
		if !errors.As(err, &ce) || ce.Line != 0 || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
	_, err := Compile([]Rule{ok, ok})
	var ce *CompileError
	if !errors.As(err, &ce) || ce.Rule != "r" || !strings.Contains(ce.Msg, "same name") {
		t.Errorf("got %v", err)
	}
	if _, err := Compile([]Rule{ok, {Name: "second", Action: "deny", Expr: "llm.modle"}}); !errors.As(err, &ce) || ce.Rule != "second" || ce.Line != 1 || ce.Column != 4 || ce.Unwrap() == nil {
		t.Errorf("got %v", err)
	}
}

// One set serves many requests at once; each must see its own values.
func TestConcurrently(t *testing.T) {
	s := mustCompile(t, nil, deny(`llm.model != caller.key || prompt.user.exists(u, u.text != caller.key) || request.headers["x-team"] != caller.key || prompt.all[int(caller.user)].text == "never"`))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				id := fmt.Sprint(i, "-", j)
				x := chat()
				x.Principal = &llm.Principal{Key: id, User: "0"}
				if j%3 == 0 {
					x.Principal.User = "77" // an evaluation error
				}
				x.View.Model = id
				x.View.Segments = []llm.Segment{{Role: llm.RoleUser, Text: id}, {Role: llm.RoleUser, Text: id}}
				env := testEnv()
				env.Headers["X-Team"] = []string{id}
				d := s.Evaluate(context.Background(), x, env)
				if (d != nil) != (j%3 == 0) || (d != nil && d.Err != errOther) {
					t.Errorf("%s: %v", id, d)
				}
			}
		})
	}
	wg.Wait()
}

// The pool must not keep a request alive or show it to the next one.
func TestReleaseForgets(t *testing.T) {
	x := chat()
	e := newEvaluation(x, testEnv())
	e.segments(selectUntrusted)
	e.headers.mapper()
	e.now()
	e.release()
	if e.x != nil || e.env.Headers != nil || e.headers.all != nil || len(e.selections[selectUntrusted].idx) != 0 || e.selections[selectUntrusted].done {
		t.Errorf("kept %+v", e)
	}
	for i, m := range e.memo {
		if m != nil {
			t.Errorf("slot %d kept %v", i, m)
		}
	}
}

func FuzzCompile(f *testing.F) {
	for _, h := range hostiles {
		f.Add(h.expr)
	}
	f.Add(`llm.modle == "x"`)
	f.Add(`request.headers.transformMap(k, v, v + k).size() > lists.range(3).map(x, x * 2)[1]`)
	f.Add(`has(llm.max_tokens) ? prompt.all[0].text.matches("a|b") : cel.bind(x, now, x < now)`)
	f.Fuzz(func(t *testing.T, expr string) {
		s, err := Compile([]Rule{deny(expr)}, WithCostLimit(10_000))
		if err != nil {
			var ce *CompileError
			if !errors.As(err, &ce) || ce.Msg == "" || ce.Line < 0 || ce.Column < 0 || (ce.Line > 0) != (ce.Column > 0) {
				t.Fatalf("%#v", err)
			}
			return
		}
		x := chat()
		d := s.Evaluate(context.Background(), x, testEnv())
		if (d != nil) != (len(x.Decisions) == 1) {
			t.Fatalf("denial %v, decisions %v", d, x.Decisions)
		}
	})
}

// A provider before the model is no way around a rule about models, in any action.
func TestProviderBeforeModel(t *testing.T) {
	provider := func(name string) bool { return name == "openai" }
	for _, c := range []struct {
		model, expr string
		want        bool
	}{
		{"gpt-4o", `llm.model == "gpt-4o"`, true},
		{"openai/gpt-4o", `llm.model == "gpt-4o"`, true},
		{"openai/gpt-4o", `llm.model == "openai/gpt-4o"`, true},
		{"openai/gpt-4o", `llm.model.startsWith("gpt-")`, true},
		{"openai/gpt-4o", `!(llm.model in ["gpt-4o"])`, true},
		{"openai/gpt-4o", `[llm].exists(l, l.model == "gpt-4o")`, true},
		{"openai/gpt-4o", `llm.model == "gpt-4o" && llm.model == "openai/gpt-4o"`, false},
		{"openai/gpt-4o", `llm.model == "o3"`, false},
		{"azure/gpt-4o", `llm.model == "gpt-4o"`, false}, // no provider: part of the name
		{"openai/", `llm.model == ""`, false},
		{"openai/x/gpt-4o", `llm.model == "x/gpt-4o"`, true},
	} {
		x := chat()
		x.View.Model = c.model
		env := testEnv()
		env.Provider = provider
		s := mustCompile(t, nil, Rule{Name: "first", Action: ActionFlag, Expr: c.expr}, Rule{Name: "full", Action: ActionFlag, Expr: `llm.model == "` + c.model + `"`})
		s.Evaluate(context.Background(), x, env)
		if got := len(x.Decisions) == 2; got != c.want || x.Decisions[len(x.Decisions)-1].Rule != "full" {
			t.Errorf("%s of %s: %v, want %v", c.expr, c.model, x.Decisions, c.want)
		}
		out := s.Explain(context.Background(), x, env)
		if got := out[0].Value == "true"; got != c.want || !strings.HasPrefix(out[0].Parts[0].Value, out[0].Value) {
			t.Errorf("%s of %s: explained as %+v", c.expr, c.model, out[0])
		}
		if c.model != "gpt-4o" {
			env.Provider = nil
			x.Decisions = nil
			if s.Evaluate(context.Background(), x, env); len(x.Decisions) == 2 && c.expr == `llm.model == "gpt-4o"` {
				t.Errorf("%s of %s: matched though no provider is declared", c.expr, c.model)
			}
		}
	}

	// One that knows the shorter name only does not fail on the longer.
	for model, want := range map[string]string{"openai/gpt-4o": ActionDeny, "gpt-4o": ActionDeny, "openai/o3": DecisionError, "o3": DecisionError} {
		x := chat()
		x.View.Model = model
		env := testEnv()
		env.Provider = provider
		s := mustCompile(t, nil, Rule{Name: "table", Action: ActionDeny, Expr: `{"gpt-4o": true}[llm.model]`, OnError: OnErrorAllow})
		if s.Evaluate(context.Background(), x, env); len(x.Decisions) != 1 || x.Decisions[0].Action != want || (want == ActionDeny) != (x.Decisions[0].Detail == "") {
			t.Errorf("%s: %+v", model, x.Decisions)
		}
	}

	// So do conditions of rules that redact.
	x := chat()
	x.View.Model = "openai/gpt-4o"
	env := testEnv()
	env.Provider = provider
	c, err := NewCondition(Rule{Name: "c", Expr: `llm.model == "gpt-4o"`})
	if err != nil {
		t.Fatal(err)
	}
	if holds, d := c.Holds(context.Background(), x, env); !holds || d != nil {
		t.Errorf("condition: %v, %v", holds, d)
	}
}
