package gateway

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/trial"
)

// recipe is one section of docs/recipes.md.
type recipe struct {
	name, global, policy, cases string
}

// recipes reads the page: the indented blocks of its sections.
func recipes(t *testing.T) (out []recipe) {
	t.Helper()
	b, err := os.ReadFile("docs/recipes.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, section := range strings.Split(string(b), "\n## ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		r := recipe{name: name}
		var block []string
		for _, line := range append(strings.Split(text, "\n"), "") {
			if inside, ok := strings.CutPrefix(line, "    "); ok {
				block = append(block, inside)
				continue
			}
			if len(block) == 0 {
				continue
			}
			s := strings.Join(block, "\n") + "\n"
			block = nil
			switch {
			case strings.HasPrefix(s, "["):
				r.cases += s
			case strings.HasPrefix(s, "{"):
				r.global += s
			case strings.HasPrefix(s, "llm_policy {"):
				r.policy += s
			default:
				t.Errorf("%s: a block that is neither options, rules nor cases:\n%s", name, s)
			}
		}
		out = append(out, r)
	}
	return out
}

// Every recipe loads, does what its cases say, and its cases would notice if it did not.
func TestRecipes(t *testing.T) {
	all := recipes(t)
	if len(all) < 10 {
		t.Errorf("%d recipes", len(all))
	}
	long := regexp.MustCompile(`\{\{9000 bytes\}\}`)
	for _, r := range all {
		t.Run(r.name, func(t *testing.T) {
			run := func(policy string) (results []trial.Result) {
				dir := t.TempDir()
				site := r.global + ":8080 {\n\tllm_auth {\n\t\tkey web {env.WEB_APP_KEY}\n\t}\n\t" + strings.ReplaceAll(policy, "\n", "\n\t") + "\n\tllm_upstream simulated\n}\n"
				cases := `{"config": "Caddyfile", "cases": ` + long.ReplaceAllString(r.cases, strings.Repeat("word word ", 900)) + `}`
				for name, text := range map[string]string{"Caddyfile": site, "cases.json": cases} {
					if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				results, err := runCases(t.Context(), filepath.Join(dir, "cases.json"))
				if err != nil {
					t.Fatal(err)
				}
				return results
			}
			for _, res := range run(r.policy) {
				if !res.OK {
					t.Errorf("%s (%s, stream %t): %s", res.Case, res.Dialect, res.Stream, strings.Join(res.Problems, "; "))
				}
			}
			failed := 0
			for _, res := range run("llm_policy {\n\tflag nothing `false`\n}\n") {
				if !res.OK {
					failed++
				}
			}
			if failed == 0 {
				t.Error("the cases pass without the rules, too")
			}
		})
	}
}
