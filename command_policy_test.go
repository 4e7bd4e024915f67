package gateway

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/trial"
)

// runPolicy runs `caddy llm policy …` in a directory of files.
func runPolicy(t *testing.T, files map[string]string, args ...string) (string, error) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(dir)
	cmd := policyCommand()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

const triedSite = `{
	llm_gateway {
		classifier moderation {
			url https://classifier.invalid/v1/moderations
			protocol openai_moderation
			api_key {env.NOT_SET}
		}
	}
}
:8080 {
	llm_auth {
		key web {env.NOT_SET}
	}
	llm_policy {
		deny secrets ` + "`secrets(prompt.all).size() > 0`" + ` "the prompt contains a credential"
		deny big ` + "`llm.max_tokens > 8000 && caller.team != \"research\"`" + `
		deny hateful ` + "`classify(\"moderation\", prompt.user).flagged`" + `
		flag falcon ` + "`prompt.untrusted.exists(s, s.text.contains(\"Falcon\"))`" + `
	}
	llm_policy {
		redact pii email {
			in request response
			style reversible
		}
	}
	llm_upstream openai {env.NOT_SET}
}
`

const triedCases = `{"config": "Caddyfile", "cases": [
	{"name": "secret", "user": "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "expect": {"decision": "deny", "rule": "secrets", "code": "policy_blocked", "message": "contains a credential"}},
	{"name": "secret in a tool result", "user": "x", "tool_result": "sk_live_4eC39HqLyjWDarjtT1zdp7dc", "expect": {"decision": "deny", "rule": "secrets"}},
	{"name": "mail", "user": "write to ann@home.example about Falcon", "answer": "I wrote to [[EMAIL_1]].", "tool_call": {"name": "mail", "arguments": {"to": "[[EMAIL_1]]"}}, "tools": ["mail"],
	 "dialects": ["chat", "messages", "responses", "generate_content"], "classifiers": {"moderation": {"flagged": false}},
	 "expect": {"decision": "allow", "matched": ["pii", "falcon"], "silent": ["big"], "rule": "pii", "action": "redact", "sent": "write to [[EMAIL_1]] about Falcon", "sent_lacks": ["ann@"], "answer": "I wrote to ann@home.example.", "answer_lacks": ["EMAIL_1"]}},
	{"name": "who", "user": "x", "max_tokens": 9000, "caller": {"key": "web", "team": "research"}, "classifiers": {"moderation": {"flagged": false}}, "expect": {"decision": "allow", "max_tokens": 9000}},
	{"name": "a classifier that does not answer", "user": "x", "expect": {"decision": "deny", "rule": "hateful"}},
	{"name": "as on the wire", "path": "/v1/chat/completions", "request": {"model": "m", "messages": [{"role": "user", "content": "to ann@home.example"}], "stream": true},
	 "classifiers": {"moderation": {"flagged": false}},
	 "answer_body": "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"[[EMA\"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"IL_1]]\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n",
	 "expect": {"decision": "allow", "answer": "ann@home.example"}},
	{"name": "broken", "path": "/v1/chat/completions", "request": {"model": "m"}, "expect": {"decision": "deny", "code": "malformed"}}
]}`

func TestPolicyTest(t *testing.T) {
	out, err := runPolicy(t, map[string]string{"Caddyfile": triedSite, "cases.json": triedCases}, "test", "cases.json")
	if err != nil || !strings.Contains(out, "34 of 34 runs as expected") {
		t.Errorf("%v\n%s", err, out)
	}
	// Every rule that is taken away makes cases fail.
	for name, change := range map[string][2]string{
		"secret":  {"secrets(prompt.all)", "secrets(prompt.system)"},
		"who":     {`caller.team != "research"`, "true"},
		"mail":    {"in request response", "in response"},
		"shadow":  {"`secrets(prompt.all).size() > 0` \"the prompt contains a credential\"", "`secrets(prompt.all).size() > 0` {\n\t\t\tenforcement shadow\n\t\t}"},
		"nothing": {"classify(\"moderation\", prompt.user).flagged", "false"},
	} {
		site := strings.Replace(triedSite, change[0], change[1], 1)
		if site == triedSite {
			t.Fatal(name)
		}
		out, err := runPolicy(t, map[string]string{"Caddyfile": site, "cases.json": triedCases}, "test", "--json", "cases.json")
		var results []trial.Result
		if jerr := json.Unmarshal([]byte(out), &results); jerr != nil {
			t.Fatal(jerr)
		}
		bad := 0
		for _, r := range results {
			if !r.OK {
				bad++
			}
		}
		if err == nil || bad == 0 || len(results) != 34 {
			t.Errorf("%s: %v, %d of %d failed", name, err, bad, len(results))
		}
	}
}

func TestPolicyTestRefuses(t *testing.T) {
	cases := `{"config": "Caddyfile", "cases": [{"name": "x", "user": "x", "expect": {"decision": "allow"}}]}`
	two := ":80 {\n\t@a path /a/*\n\thandle @a {\n\t\tllm_policy {\n\t\t\tdeny a `true`\n\t\t}\n\t\tllm_upstream simulated\n\t}\n\thandle {\n\t\tllm_policy {\n\t\t\tflag a `true`\n\t\t}\n\t\tllm_upstream simulated\n\t}\n}\n"
	for name, c := range map[string]struct {
		site, cases, want string
	}{
		"no file":    {"", cases, "Caddyfile"},
		"misspelt":   {strings.Replace(triedSite, "moderation\"", "moderatoin\"", 1), cases, `no classifier "moderatoin"; known are moderation`},
		"no policy":  {":80 {\n\tllm_upstream simulated\n}\n", cases, "no route to a model passes llm_policy"},
		"two routes": {two, cases, "choose one"},
		"no route":   {two, strings.Replace(cases, `"cases"`, `"route": "/b/", "cases"`, 1), `"/b/"`},
		"bad case":   {triedSite, `{"config": "Caddyfile"}`, "cases.json: no cases"},
	} {
		files := map[string]string{"cases.json": c.cases}
		if c.site != "" {
			files["Caddyfile"] = c.site
		}
		if out, err := runPolicy(t, files, "test", "cases.json"); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
	}
	chosen := strings.Replace(cases, `"cases"`, `"route": "(all)", "cases"`, 1)
	chosen = strings.Replace(chosen, "(all)", "/a/", 1)
	if out, err := runPolicy(t, map[string]string{"Caddyfile": two, "cases.json": chosen}, "test", "cases.json"); err == nil || !strings.Contains(out, "by a") {
		t.Errorf("the route's own rules: %v\n%s", err, out)
	}
}

func TestPolicyExplain(t *testing.T) {
	body := `{"model":"gpt-4o","max_tokens":9000,"messages":[{"role":"user","content":"Tell ann@home.example about Falcon"}]}`
	files := map[string]string{"Caddyfile": triedSite, "request.json": body}
	out, err := runPolicy(t, files, "explain", "request.json", "--team", "growth")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"/v1/chat/completions, model gpt-4o: deny 422 policy_blocked by big",
		"deny secrets: false", "deny big: true", `caller.team                                     "growth"`,
		"deny hateful: a classifier did not answer", "flag falcon: true",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
	}
	out, err = runPolicy(t, files, "explain", "request.json", "--team", "research", "--json")
	var e trial.Explained
	if err != nil || json.Unmarshal([]byte(out), &e) != nil || len(e.Rules) == 0 || e.Rules[0][1].Value != "false" {
		t.Errorf("%v\n%s", err, out)
	}
	for name, args := range map[string][]string{
		"time": {"--now", "noon"}, "header": {"--header", "x"}, "dialect": {"--path", "%"}, "route": {"--route", "nowhere"},
	} {
		if _, err := runPolicy(t, files, append([]string{"explain", "request.json"}, args...)...); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
	files["request.json"] = `{}`
	if _, err := runPolicy(t, files, "explain", "request.json"); err == nil || !strings.Contains(err.Error(), "--path") {
		t.Error(err)
	}
}

func TestPolicyCoverage(t *testing.T) {
	two := ":80 {\n\t@a path /a/*\n\thandle @a {\n\t\tllm_policy {\n\t\t\tdeny secrets `secrets(prompt.all).size() > 0` {\n\t\t\t\ton_error allow\n\t\t\t}\n\t\t\tflag seen `true`\n\t\t}\n\t\tllm_upstream simulated\n\t}\n" +
		"\thandle {\n\t\tllm_policy {\n\t\t\tdeny secrets `secrets(prompt.all).size() > 0` {\n\t\t\t\tenforcement shadow\n\t\t\t}\n\t\t}\n\t\tllm_upstream simulated\n\t}\n}\n"
	for name, c := range map[string]struct {
		site  string
		args  []string
		holes int
		want  []string
	}{
		"all":          {triedSite, nil, 0, []string{"on in all 14", "no holes", "request, response"}},
		"a rule less":  {two, nil, 1, []string{"HOLE: srv0 (all) reaches llm_upstream without rule seen", "note: srv0 (all): rule secrets is in shadow", "note: srv0 path /a/*: rule secrets lets pass"}},
		"in shadow":    {two, []string{"--rule", "secrets"}, 1, []string{"HOLE: srv0 (all): rule secrets is in shadow"}},
		"nowhere":      {two, []string{"--rule", "pii"}, 2, []string{"path /a/* reaches llm_upstream without rule pii"}},
		"no policy":    {":80 {\n\tllm_upstream simulated\n}\n", nil, 1, []string{"passes no rule"}},
		"a bare proxy": {":80 {\n\treverse_proxy https://api.openai.com\n}\n", nil, 1, []string{"reaches reverse_proxy api.openai.com:443 and passes no rule"}},
		"objects":      {strings.Replace(triedSite, "llm_upstream openai {env.NOT_SET}", "llm_upstream openai {env.NOT_SET} {\n\t\tobjects allow\n\t}", 1), nil, 1, []string{"objects are open"}},
		"a named route that one way passes no rule for": {"&(models) {\n\tllm_upstream simulated\n}\n:80 {\n\thandle /a/* {\n\t\tllm_policy {\n\t\t\tdeny a `true`\n\t\t}\n\t\tinvoke models\n\t}\n\thandle /b/* {\n\t\tinvoke models\n\t}\n\thandle_errors {\n\t\tinvoke models\n\t}\n}\n",
			nil, 2, []string{"HOLE: srv0 path /b/* reaches llm_upstream and passes no rule", "HOLE: srv0 (errors) reaches"}},
		"no model": {":80 {\n\trespond hi\n}\n", nil, 0, []string{"No route"}},
	} {
		files := map[string]string{"Caddyfile": c.site}
		out, err := runPolicy(t, files, append([]string{"coverage"}, c.args...)...)
		if (err != nil) != (c.holes > 0) {
			t.Errorf("%s: %v\n%s", name, err, out)
		}
		for _, w := range c.want {
			if !strings.Contains(out, w) {
				t.Errorf("%s: %q is not in\n%s", name, w, out)
			}
		}
		out, _ = runPolicy(t, files, append([]string{"coverage", "--json"}, c.args...)...)
		var got trial.Coverage
		if err := json.Unmarshal([]byte(out), &got); err != nil || len(got.Holes) != c.holes {
			t.Errorf("%s: %v, %d holes, want %d\n%s", name, err, len(got.Holes), c.holes, out)
		}
	}
	// A dialect that a rule cannot see is a hole.
	c := trial.Cover([]trial.CoveredRoute{{Name: "r", End: "e", Rules: []trial.CoveredRule{{Name: "pii", In: []string{"response"}}, {Name: "x"}}}},
		[]trial.Reach{{Dialect: "latin", Request: true, Answers: true, Whole: true}, {Dialect: "greek", Answers: true, Whole: true, Stream: true}}, nil)
	if len(c.Holes) != 2 || !strings.Contains(c.Holes[0], "pii cannot see latin") || !strings.Contains(c.Holes[1], "x cannot see greek") {
		t.Errorf("%q", c.Holes)
	}
}

// What recommend prints is a Caddyfile by which all that it was made of passes, whatever
// callers called their models, and it brings nothing into the file.
func TestRecommendHoldsHostileNames(t *testing.T) {
	t.Setenv("PLANTED", "`\"\n\tdeny planted `true` \"planted")
	models := []string{"gpt-4o", "a`b", `a"b`, `a\b`, "{$PLANTED}", "{env.PLANTED}", "{http.request.host}", "größe/漢", "x\u202ey", "z\u200b", "t\U000e0041", `\x7b`, "a' || true || 'b", "${PLANTED}", "#x"}
	at := time.Date(2026, 1, 15, 12, 0, 0, 0, time.UTC)
	tr := trial.Traffic{Scope: "team"}
	teams := []string{"blue", "two words", `quo"te`, `back\slash`, "tick`s", "{$PLANTED}", "new\nline", "größe"}
	for i, m := range models {
		for _, team := range teams {
			tr.Ended(&trial.Call{ID: m + team, Key: "k", Team: team, Model: m, Dialect: "chat", Start: at.Add(time.Duration(i) * time.Second), End: at.Add(time.Duration(i+1) * time.Second), Cost: 1000, OutputTokens: 7})
		}
	}
	var block bytes.Buffer
	tr.Recommend(&block)
	for _, r := range block.String() {
		if r != '\n' && r != '\t' && !unicode.IsPrint(r) {
			t.Fatalf("%q stands in\n%s", r, block.String())
		}
	}
	if strings.Count(block.String(), "# Left out") != 2 {
		t.Errorf("the names that no Caddyfile can hold are not told:\n%s", block.String())
	}
	files := map[string]string{"Caddyfile": ":80 {\n\tllm_auth {\n\t\tkey k {env.K}\n\t}\n" + block.String() + "\tllm_upstream simulated\n}\n"}
	var cases []map[string]any
	for i, team := range []string{"blue", "two words", `quo"te`, `back\slash`, "tick`s", "größe"} {
		for j, m := range append(models, "another") {
			decision := "allow"
			if m == "another" {
				decision = "deny"
			}
			cases = append(cases, map[string]any{"name": fmt.Sprint(i, j), "user": "x", "model": m, "dialects": []string{"chat"}, "caller": map[string]any{"key": "k", "team": team}, "expect": map[string]any{"decision": decision}})
		}
	}
	doc, err := json.Marshal(map[string]any{"config": "Caddyfile", "cases": cases})
	if err != nil {
		t.Fatal(err)
	}
	files["cases.json"] = string(doc)
	if out, err := runPolicy(t, files, "test", "cases.json"); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, block.String())
	}
}

// A request says to a terminal what it says, and no more.
func TestPolicyToolsEscape(t *testing.T) {
	site := ":80 {\n\tllm_policy {\n\t\tdeny a `llm.model == \"x\" || prompt.all.exists(s, s.text == \"y\")`\n\t}\n\tllm_upstream simulated\n}\n"
	evil := "m\u009b31m\u202e\u200b"
	text := "a\x1b[2J\x1b]0;t\x07\r\nHOLE: none"
	body, err := json.Marshal(map[string]any{"model": evil, "messages": []any{map[string]any{"role": "user", "content": text}}})
	if err != nil {
		t.Fatal(err)
	}
	cases, err := json.Marshal(map[string]any{"config": "Caddyfile", "cases": []any{map[string]any{"name": "c\x1b[2J\u202e", "user": text, "expect": map[string]any{"decision": "allow", "sent": "other\x1b[1m"}}}})
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{"Caddyfile": site, "request.json": string(body), "cases.json": string(cases)}
	for _, args := range [][]string{{"explain", "request.json", "--path", "/v1/chat/completions"}, {"explain", "--json", "request.json"}, {"test", "cases.json"}, {"test", "--json", "cases.json"}} {
		out, _ := runPolicy(t, files, args...)
		if len(out) < 50 {
			t.Errorf("%q: %q", args, out)
		}
		for _, r := range out {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Errorf("%q: %q is in\n%s", args, r, out)
				break
			}
		}
		if strings.Contains(out, "\nHOLE") {
			t.Errorf("%q: a line was made up", args)
		}
	}
	if _, err := runPolicy(t, map[string]string{"Caddyfile": site, "request.json": strings.Repeat(" ", maxInput+1)}, "explain", "request.json"); err == nil || !strings.Contains(err.Error(), "longer than") {
		t.Error(err)
	}
}
