package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// agent is a coding agent as it is started for one prompt.
type agent struct {
	// prepare writes its configuration into an empty home and returns what to
	// run there.
	prepare func(s *suite, home, model, prompt string) (args, env []string, err error)
}

// write makes a file of an agent's configuration.
func write(dir, name, content string) error {
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(content), 0o600)
}

var claudeCode = agent{func(s *suite, _, model, prompt string) ([]string, []string, error) {
	return []string{
			s.bin("@anthropic-ai/claude-code-linux-x64/claude"), "--print", "--allowedTools", "Bash(cat:*)", "--", prompt,
		}, []string{
			"ANTHROPIC_BASE_URL=" + s.url, "ANTHROPIC_AUTH_TOKEN=" + s.anthropicKey, "ANTHROPIC_MODEL=" + model,
			"ANTHROPIC_DEFAULT_HAIKU_MODEL=" + model, // for its small calls
			"CLAUDE_CODE_MAX_RETRIES=1",
		}, nil
}}

// claudeCodeByKey shows its key in the other of the two headers.
var claudeCodeByKey = agent{func(s *suite, home, model, prompt string) (args, env []string, err error) {
	args, env, err = claudeCode.prepare(s, home, model, prompt)
	for i := range env {
		env[i] = strings.Replace(env[i], "ANTHROPIC_AUTH_TOKEN=", "ANTHROPIC_API_KEY=", 1)
	}
	return args, env, err
}}

var codex = agent{func(s *suite, home, model, prompt string) ([]string, []string, error) {
	search := ""
	if strings.Contains(model, "-on-") {
		search = "web_search = \"disabled\"\n" // no other dialect has OpenAI's
	}
	err := write(home, ".codex/config.toml", fmt.Sprintf(`model = %q
model_provider = "gateway"
%s
[model_providers.gateway]
name = "gateway"
base_url = %q
env_key = "GATEWAY_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
`, model, search, s.url+"/v1"))
	return []string{
		s.bin("@openai/codex-linux-x64/vendor/x86_64-unknown-linux-musl/bin/codex"), "exec", "--skip-git-repo-check",
		"--dangerously-bypass-approvals-and-sandbox", "--color", "never", prompt,
	}, []string{"GATEWAY_KEY=" + s.openAIKey}, err
}}

var geminiCLI = agent{func(s *suite, home, model, prompt string) ([]string, []string, error) {
	err := write(home, ".gemini/settings.json", `{"security": {"auth": {"selectedType": "gemini-api-key"}}}`)
	return []string{
		s.node(), s.bin("@google/gemini-cli/bundle/gemini.js"), "--model", model, "--yolo", "--skip-trust", "--prompt", prompt,
	}, []string{"GOOGLE_GEMINI_BASE_URL=" + s.url, "GEMINI_API_KEY=" + s.googleKey}, err
}}

// openCode with one of the providers that it bundles.
func openCode(npm, version string, key func(*suite) string) agent {
	return agent{func(s *suite, home, model, prompt string) ([]string, []string, error) {
		err := write(home, ".config/opencode/opencode.json", fmt.Sprintf(`{
  "$schema": "https://opencode.ai/config.json",
  "permission": {"bash": "allow"},
  "provider": {
    "gateway": {
      "npm": %q,
      "options": {"baseURL": %q, "apiKey": "{env:GATEWAY_KEY}"},
      "models": {%q: {}}
    }
  }
}
`, npm, s.url+version, model))
		return []string{s.bin("opencode-linux-x64/bin/opencode"), "run", "--model", "gateway/" + model, prompt},
			[]string{"GATEWAY_KEY=" + key(s)}, err
	}}
}

func openAIKey(s *suite) string    { return s.openAIKey }
func anthropicKey(s *suite) string { return s.anthropicKey }
func googleKey(s *suite) string    { return s.googleKey }

// client is an agent on a model.
type client struct {
	name   string
	agent  agent
	model  string
	native bool // also runs without a gateway
}

var clients = []client{
	{"claude-code", claudeCode, "claude-sonnet-4-5", true},
	{"claude-code-api-key", claudeCodeByKey, "claude-sonnet-4-5", true},
	{"claude-code-chat", claudeCode, "on-chat", false},
	{"claude-code-responses", claudeCode, "on-responses", false},
	{"claude-code-gemini", claudeCode, "on-gemini", false},
	{"codex", codex, "gpt-5.5", true},
	{"codex-chat", codex, "gpt-5.5-on-chat", false},
	{"codex-messages", codex, "gpt-5.5-on-messages", false},
	{"codex-gemini", codex, "gpt-5.5-on-gemini", false},
	{"gemini-cli", geminiCLI, "gemini-2.5-pro", true},
	{"opencode-chat", openCode("@ai-sdk/openai-compatible", "/v1", openAIKey), "gpt-4o", true},
	{"opencode-responses", openCode("@ai-sdk/openai", "/v1", openAIKey), "gpt-5.5", true},
	{"opencode-messages", openCode("@ai-sdk/anthropic", "/v1", anthropicKey), "claude-sonnet-4-5", true},
	{"opencode-gemini", openCode("@ai-sdk/google", "/v1beta", googleKey), "gemini-2.5-pro", true},
	{"opencode-chat-messages", openCode("@ai-sdk/openai-compatible", "/v1", openAIKey), "on-messages", false},
}

func (c *client) is(a string) bool { return strings.HasPrefix(c.name, a) }
