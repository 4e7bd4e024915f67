package caddytest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// recordedSite is fullSite with its log's content level and rules.
func recordedSite(content, rules string) string {
	site := strings.Replace(fullSite, "\tllm_audit\n", "\tllm_audit {\n\t\tcontent "+content+"\n\t}\n", 1)
	from := strings.Index(site, "\tllm_policy {")
	to := from + strings.Index(site[from:], "\n\t}\n") + len("\n\t}\n")
	return site[:from] + "\tllm_policy {\n" + rules + "\t}\n" + site[to:]
}

type replayed struct {
	Records, Others, Judged, Unjudged, Masked int
	StillAllowed                              int `json:"still_allowed"`
	StillDenied                               int `json:"still_denied"`
	NewlyDenied                               int `json:"newly_denied"`
	NewlyAllowed                              int `json:"newly_allowed"`
	Reasons                                   map[string]int
	Changed                                   []struct{ Request, Key, Model, Was, Now string }
	Rules                                     []struct {
		Rule, Action string
		Times        int
	}
}

// Traffic that a site has recorded is judged again by other rules: without texts as
// far as the records go, with them as if it came anew.
func TestPolicyReplay(t *testing.T) {
	const rules = "\t\tdeny no-falcon `prompt.all.exists(s, s.text.contains(\"FALCON\"))`\n"
	for _, c := range []struct {
		name, content, rules string
		want                 replayed
		reason, changed      string
	}{
		{"the same rules, with texts", "full", rules, replayed{Records: 8, Others: 1, Judged: 8, StillAllowed: 7, StillDenied: 1}, "", ""},
		{"the same rules, without", "metadata", rules, replayed{Records: 8, Others: 1, Unjudged: 8}, "rule no-falcon reads prompt.all, which the record does not hold (llm_audit kept no content)", ""},
		{"metadata is enough", "metadata", "\t\tdeny no-claude `llm.model.startsWith(\"claude\") && caller.team == \"growth\"`\n",
			replayed{Records: 8, Others: 1, Judged: 8, StillAllowed: 4, NewlyDenied: 3, NewlyAllowed: 1}, "", "denied by no-claude"},
		{"what metadata decides", "metadata", "\t\tdeny no-claude `llm.model.startsWith(\"claude\")`\n" + rules,
			replayed{Records: 8, Others: 1, Judged: 3, Unjudged: 5, NewlyDenied: 3}, "prompt.all", "denied by no-claude"},
		{"texts that were allowed", "full", "\t\tdeny no-greeting `prompt.user.exists(s, s.text.contains(\"hello\"))`\n\t\tflag stream `llm.stream`\n",
			replayed{Records: 8, Others: 1, Judged: 8, StillAllowed: 2, NewlyDenied: 5, NewlyAllowed: 1}, "", "denied by no-greeting"},
		{"answers", "full", "\t\tdeny no-answer `response.text.contains(\"Hello\")` {\n\t\t\tin response\n\t\t\tbuffer\n\t\t}\n",
			replayed{Records: 8, Others: 1, Judged: 7, Unjudged: 1, NewlyDenied: 7}, "response.text", "denied by no-answer"},
		{"masked texts", "redacted", "\t\tdeny mail `pii(prompt.user).size() > 0`\n", replayed{Records: 8, Others: 1, Judged: 8, Masked: 8, StillAllowed: 7, NewlyAllowed: 1}, "", "allowed"},
		{"headers", "full", "\t\tdeny h `\"x\" in request.headers`\n", replayed{Records: 8, Others: 1, Unjudged: 8}, "rule h reads request.headers", ""},
		{"what no record holds", "full", "\t\trequire_header h `true` X-Team\n\t\tapprove a `llm.model.startsWith(\"claude\")`\n", replayed{Records: 8, Others: 1, Unjudged: 8}, "rule a reads approvals, which the record does not hold", ""},
		{"shadow does not matter", "metadata", "\t\tdeny h `\"x\" in request.headers` {\n\t\t\tenforcement shadow\n\t\t}\n", replayed{Records: 8, Others: 1, Judged: 8, StillAllowed: 7, NewlyAllowed: 1}, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := newProvider(t)
			o := options{vars: map[string]string{"openai": p.URL, "deadport": fmt.Sprint(freePort(t))}}
			s := start(t, recordedSite(c.content, rules), o)
			for i := range 7 {
				text := "hello to ann@home.example"
				if i < 2 {
					text = "good day"
				}
				s.do(message(i > 3, []string{"gpt-4o-mini", "claude-sonnet-4-5"}[i/4], text, "")).ok()
			}
			s.do(message(false, "gpt-4o-mini", "about FALCON", "")).denied(422, "policy_blocked", false)
			s.do(message(false, "gpt-4o-mini", "x", `,"max_tokens":9000000`)).denied(429, "budget_exceeded", false)
			s.stop()
			file := s.file("new.Caddyfile")
			if err := os.WriteFile(file, []byte(s.repl.Replace(recordedSite("full", c.rules))), 0o600); err != nil {
				t.Fatal(err)
			}
			dir := filepath.Join(s.data, "audit", "default")
			out := mustCommand(t, "policy", "replay", dir, "--policy", file, "--json")
			var got replayed
			if err := json.Unmarshal([]byte(out), &got); err != nil {
				t.Fatal(err)
			}
			g := got
			g.Reasons, g.Changed, g.Rules = nil, nil, nil
			if fmt.Sprint(g) != fmt.Sprint(c.want) {
				t.Errorf("got  %+v\nwant %+v\n%s", g, c.want, out)
			}
			text := mustCommand(t, "policy", "replay", dir, "--policy", file)
			if !strings.Contains(text, c.reason) || !strings.Contains(text, c.changed) || (c.reason == "") != (len(got.Reasons) == 0) {
				t.Errorf("want %q and %q in\n%s", c.reason, c.changed, text)
			}
			t.Log("\n" + text)
		})
	}
}

// What is recommended loads, and is what the traffic needed.
func TestPolicyRecommend(t *testing.T) {
	p := newProvider(t)
	o := options{vars: map[string]string{"openai": p.URL, "deadport": fmt.Sprint(freePort(t))}}
	s := start(t, fullSite, o)
	for i := range 5 {
		s.do(message(i > 2, []string{"gpt-4o-mini", "claude-sonnet-4-5"}[i/3], "hello", "")).ok()
	}
	c := message(false, "gpt-4o-mini", "hello", "")
	c.key = batchKey
	s.do(c).ok()
	// The provider before the model: rules are held against either name.
	prefixed := message(false, "openai/gpt-4o-mini", "hello", "")
	prefixed.key = batchKey
	s.do(prefixed).ok()
	s.do(message(false, "gpt-4o", "FALCON", "")) // refused: not among what is needed
	s.stop()
	dir := filepath.Join(s.data, "audit", "default")
	out := mustCommand(t, "policy", "recommend", dir)
	for _, want := range []string{
		"# 7 calls of 2 keys", "requests 2/min per key {\n\t\toverride web 5\n\t}", "concurrent 1 per key\n",
		"deny models-web `caller.key == \"web\" && llm.model != \"\" && !(llm.model in [\"claude-sonnet-4-5\", \"gpt-4o-mini\"])`",
		"deny models-batch `caller.key == \"batch\" && llm.model != \"\" && !(llm.model in [\"gpt-4o-mini\", \"openai/gpt-4o-mini\"])`", "max_tokens 7", "budget 0.",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	t.Log("\n" + out)
	// The traffic passes what was recommended, to the last call.
	inner := "\t" + strings.ReplaceAll(strings.TrimSuffix(out, "\n"), "\n", "\n\t") + "\n"
	site := fullSite[:strings.Index(fullSite, "\tllm_ratelimit {")] + inner + "\ttest_panic\n" + fullSite[strings.Index(fullSite, "\tllm_upstream {"):]
	again := start(t, site, o)
	for i := range 5 {
		again.do(message(i > 2, []string{"gpt-4o-mini", "claude-sonnet-4-5"}[i/3], "hello", "")).ok()
	}
	again.do(c).ok()
	again.do(prefixed).ok()
	again.do(c).denied(429, "rate_limited", false)
	again.do(message(false, "gpt-4o", "hello", "")).denied(429, "rate_limited", false)
	team := mustCommand(t, "policy", "recommend", dir, "--per", "team", "--headroom", "50")
	if !strings.Contains(team, "# 7 calls of 1 teams") || !strings.Contains(team, "requests 8/min per team") {
		t.Error(team)
	}
	for _, args := range [][]string{{"policy", "recommend", dir, "--per", "planet"}, {"policy", "recommend", dir, "--headroom", "-1"}, {"policy", "recommend", filepath.Join(dir, "nowhere")},
		{"policy", "recommend", t.TempDir()}, {"policy", "recommend", dir, "--from", "noon"}, {"policy", "replay", dir, "--policy", filepath.Join(dir, "nowhere")}} {
		if out, err := command(t, args...); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
}
