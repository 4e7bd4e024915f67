package gateway

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	_ "github.com/caddyserver/caddy/v2/modules/standard"
)

func TestCheck(t *testing.T) {
	auth := "\tllm_auth {\n\t\tkey web {env.K}\n\t}\n"
	for name, tc := range map[string]struct {
		text  string
		holes int
		want  []string
	}{
		"governed": {":8080 {\n\tllm_audit\n" + auth + "\tllm_upstream openai {env.K}\n}\n", 0, []string{"llm_audit llm_auth", "ok"}},
		"no auth":  {":8080 {\n\tllm_audit\n\tllm_upstream openai {env.K}\n}\n", 1, []string{"does not pass llm_auth"}},
		"required": {"{\n\tllm_gateway {\n\t\trequire auth cost\n\t}\n}\n:8080 {\n" + auth + "\tllm_upstream openai {env.K}\n}\n", 1, []string{"does not pass llm_cost"}},
		"misordered in a route": {":8080 {\n\troute {\n\t\tllm_ratelimit requests 5/min\n\t" + strings.ReplaceAll(auth, "\n\t", "\n\t\t") + "\t\tllm_upstream openai {env.K}\n\t}\n}\n",
			1, []string{"llm_auth runs after"}},
		"plain proxy to a provider": {":8080 {\n\treverse_proxy https://api.openai.com\n}\n", 1, []string{"reverse_proxy api.openai.com:443", "anybody can call"}},
		"governed proxy":            {":8080 {\n\t@c path /v1/chat/completions\n\thandle @c {\n\t\tllm_audit\n\t" + strings.ReplaceAll(auth, "\n\t", "\n\t\t") + "\t\treverse_proxy localhost:1\n\t}\n\thandle {\n\t\trespond hi\n\t}\n}\n", 0, []string{"/v1/chat/completions", "ok"}},
		"a named route": {"&(models) {\n\tllm_upstream openai {env.K}\n}\n:8080 {\n\thandle /a/* {\n\t" + strings.ReplaceAll(auth, "\n\t", "\n\t\t") + "\t\tinvoke models\n\t}\n\thandle /b/* {\n\t\tinvoke models\n\t}\n}\n",
			1, []string{"path /a/*  llm_auth", "path /b/*  -"}},
		"governors in a named route": {"&(gate) {\n" + auth + "}\n:8080 {\n\troute {\n\t\tinvoke gate\n\t\tllm_upstream openai {env.K}\n\t}\n}\n", 0, []string{"llm_auth", "ok"}},
		"a route in itself":          {"&(x) {\n\tinvoke x\n}\n:8080 {\n\tinvoke x\n}\n", 0, []string{"No route"}},
		"behind an error":            {":8080 {\n" + auth + "\tllm_upstream openai {env.K}\n\thandle_errors {\n\t\treverse_proxy https://api.openai.com\n\t}\n}\n", 1, []string{"(errors)", "anybody can call"}},
		"behind an answer":           {":8080 {\n\treverse_proxy localhost:1 {\n\t\thandle_response {\n\t\t\treverse_proxy https://api.openai.com\n\t\t}\n\t}\n}\n", 1, []string{"(answers)", "anybody can call"}},
		"no model":                   {":8080 {\n\trespond hi\n}\n", 0, []string{"No route"}},
		"log":                        {":8080 {\n\tlog\n" + auth + "\tllm_upstream openai {env.K}\n}\n", 0, []string{"warning", "llm_safe"}},
		"safe log":                   {":8080 {\n\tlog {\n\t\tformat llm_safe\n\t}\n" + auth + "\tllm_upstream openai {env.K}\n}\n", 0, []string{"ok"}},
	} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "Caddyfile")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			routes, warnings, err := checkFile(file, "")
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if holes := printRoutes(&out, routes, warnings); holes != tc.holes {
				t.Errorf("%d holes, want %d", holes, tc.holes)
			}
			for _, w := range tc.want {
				if !strings.Contains(out.String(), w) {
					t.Errorf("%q is missing in\n%s", w, out.String())
				}
			}
			if name == "safe log" && strings.Contains(out.String(), "warning: server") {
				t.Error(out.String())
			}
		})
	}
}

func TestScrub(t *testing.T) {
	for in, want := range map[string]string{
		"/v1/x":                         "/v1/x",
		"/v1/x?key=canary":              "/v1/x?key=REDACTED",
		"/v1/x?a=1&KEY=canary&b=2":      "/v1/x?a=1&KEY=REDACTED&b=2",
		"/v1/x?%6bey=canary":            "/v1/x?%6bey=REDACTED",
		"/v1/x?a=b;key=canary":          "/v1/x?a=b;key=REDACTED",
		"/v1/x?monkey=1":                "/v1/x?monkey=1",
		`Get "http://h/?key=canary": x`: `Get "http://h/?key=REDACTED": x`,
		"what? key = 1":                 "what? key = 1",
	} {
		if got := scrub(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
	for _, name := range []string{"X-Api-Key", "x_api_key", "AUTHORIZATION", "Cookie", "X-Goog-Api-Key", "api-key"} {
		if !isCredential(name) {
			t.Errorf("%s is not taken for a credential", name)
		}
	}
}
