package gateway

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
)

func runPrices(t *testing.T, args ...string) (out, errs string, err error) {
	t.Helper()
	var o, e bytes.Buffer
	cmd := pricesCommand()
	cmd.SetOut(&o)
	cmd.SetErr(&e)
	cmd.SetArgs(args)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	err = cmd.Execute()
	return o.String(), e.String(), err
}

func TestPricesCommand(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	list := write("list.json", `{"gpt-4o":{"litellm_provider":"openai","input_cost_per_token":7e-06,"output_cost_per_token":8e-06,"input_cost_per_token_flex":3.5e-06,"output_cost_per_token_flex":4e-06,"search_context_cost_per_query":{"search_context_size_low":0.03},"max_output_tokens":9},
		"dall-x":{"litellm_provider":"openai","output_cost_per_image":0.04}}`)
	out, errs, err := runPrices(t, "import", list, "--as-of", "2026-11-20")
	if err != nil || !strings.Contains(errs, `left out: "dall-x": tokens are not what it is priced by`) || !strings.Contains(errs, "litellm: 1 models of 1 providers, 1 left out") {
		t.Fatal(err, errs)
	}
	c, err := prices.Load([]byte(out))
	if err != nil || c.Version() != "2026-11-20" {
		t.Fatal(err)
	}
	made := write("made.json", out)
	again, _, err := runPrices(t, "import", made)
	if err != nil || again != out {
		t.Errorf("%v: a price file is not imported as it stands: %s", err, again)
	}
	for _, file := range []string{list, made} {
		out, _, err = runPrices(t, "show", "gpt-4o", "--provider", "openai", "--file", file)
		for _, want := range []string{"input              7\n", "output             8\n", "tier flex: input   3.5\n", "web search         0.03 each\n", "most output        9 tokens\n"} {
			if err != nil || !strings.Contains(out, want) {
				t.Errorf("%v: no %q in\n%s", err, want, out)
			}
		}
	}
	if out, _, err = runPrices(t, "show", "gpt-4o"); err != nil || !strings.Contains(out, "prices 2026-08-21\ninput       2.5\noutput      10\ncache read  1.25\n") {
		t.Errorf("%v\n%s", err, out)
	}
	for _, tc := range []struct {
		args []string
		want string
	}{
		{[]string{"show", "nobody-knows"}, "--provider"},
		{[]string{"show", "gpt-4o", "--file", filepath.Join(dir, "gone")}, "no such file"},
		{[]string{"import", write("bad.json", `{"m":{"litellm_provider":"openai","input_cost_per_token":-1}}`)}, `"m": input_cost_per_token`},
		{[]string{"import", list, "--as-of", "soon"}, "as_of"},
		{[]string{"import", made, "--as-of", "2026-11-20"}, "says itself"},
		{[]string{"import", dir}, "directory"},
	} {
		if out, _, err := runPrices(t, tc.args...); err == nil || !strings.Contains(err.Error(), tc.want) || out != "" {
			t.Errorf("%v: %v, %q", tc.args, err, out)
		}
	}
}
