package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

// feature is what a cell tries with an agent.
type feature struct {
	name string
	// mood is what the provider does; it stands in the probe.
	mood    string
	gateway bool   // only a gateway makes it so
	of      string // which clients have it, an expression; "": all
	order   string // what the agent is to run
	fails   bool   // whether the agent may end with an error
	check   func(r *result) error
}

// marker is what the policy of the gateway under test forbids.
const marker = "do-not-send-this"

const note = mock.Unpatched

// said fails unless the agent printed the whole answer.
func said(r *result) error {
	if want := mock.Answer(r.probe); !strings.Contains(flat(r.out), flat(want)) {
		return fmt.Errorf("the agent did not print %q", want)
	}
	return nil
}

// flat leaves differences in white space out, as agents lay texts out anew.
func flat(s string) string { return strings.Join(strings.Fields(s), " ") }

// told fails unless the agent printed these words and not the whole answer.
func told(words string) func(r *result) error {
	return func(r *result) error {
		all := flat(r.out + " " + r.err)
		if strings.Contains(all, flat(mock.Answer(r.probe))) {
			return errors.New("the agent printed an answer as if it were whole")
		}
		if !strings.Contains(all, words) {
			return fmt.Errorf("the agent did not say %q", words)
		}
		return nil
	}
}

const inband = "mock: overloaded in the middle of the answer"

var features = []feature{
	{name: "text", check: func(r *result) error { return errors.Join(said(r), r.arrived(1)) }},
	{name: "tool", order: "execute: cat note.txt", check: func(r *result) error {
		if !strings.Contains(flat(r.out), "The tool said:") || !strings.Contains(r.out, note) {
			return fmt.Errorf("the agent did not print what the tool said of %q", note)
		}
		return r.arrived(2)
	}},
	// Claude Code understands the numbers, and would compact a longer conversation.
	{name: "error", mood: "err-400", of: "^claude-code", fails: true, check: told("~210000 tokens (limit 200000)")},
	// Codex knows the code that such an error has in its own dialect, which the
	// gateway gives to one that comes from another.
	{name: "error", mood: "err-400", of: "^codex-", fails: true, check: told("ran out of room in the model's context window")},
	{name: "error", mood: "err-400", of: "^(codex$|gemini-cli|opencode)", fails: true, check: told("prompt is too long: 210000 tokens")},
	{name: "interrupted", mood: "once-cut", of: "^claude-code", check: func(r *result) error {
		return errors.Join(said(r), whole(r), r.arrived(2))
	}},
	{name: "quiet-end", mood: "once-eof", of: "^claude-code", gateway: true, check: func(r *result) error {
		return errors.Join(said(r), whole(r), r.arrived(2))
	}},
	{name: "inband-error", mood: "once-inband", of: "^claude-code", check: func(r *result) error {
		return errors.Join(said(r), whole(r), r.arrived(2))
	}},
	{name: "denied", gateway: true, order: marker, fails: true, check: func(r *result) error {
		return errors.Join(told("this text must not leave")(r), r.absent())
	}},
	// Codex edits files with a tool of which the input is free text.
	{name: "patch", of: "^codex", order: "patch: note.txt", check: func(r *result) error {
		b, err := os.ReadFile(filepath.Join(r.project, "note.txt"))
		if err == nil && string(b) != mock.Patched+"\n" {
			err = fmt.Errorf("the file holds %q", b)
		}
		return errors.Join(err, r.arrived(2))
	}},
	{name: "response-failed", mood: "inband", of: "^codex", fails: true, check: told(inband)},
	{name: "broken", mood: "cut", fails: true, check: func(r *result) error {
		if strings.Contains(flat(r.out), flat(mock.Answer(r.probe))) {
			return errors.New("the agent printed an answer as if it were whole")
		}
		return r.arrived(1)
	}},
}

// whole fails if the agent printed more than the one answer: pieces of two are
// never one.
func whole(r *result) error {
	if n := strings.Count(r.out, "You said:"); n != 1 {
		return fmt.Errorf("the agent printed %d beginnings of answers", n)
	}
	return nil
}

// arrived fails unless at least n requests with the probe reached the provider.
func (r *result) arrived(n int) error {
	if len(r.seen) < n {
		return fmt.Errorf("%d requests reached the provider, want %d or more", len(r.seen), n)
	}
	return nil
}

// absent fails if a request with the probe reached the provider.
func (r *result) absent() error {
	if len(r.seen) != 0 {
		return fmt.Errorf("%d requests reached the provider, want none", len(r.seen))
	}
	return nil
}

// wants reports whether a client has this cell.
func (f *feature) wants(c *client) bool { return regexp.MustCompile(f.of).MatchString(c.name) }

// countTokens asks as Claude Code does; not every conversation makes it ask.
func (s *suite) countTokens(c *client, probe string) (transcript string, err error) {
	body := fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"%s and three words"}],"tools":[{"name":"Bash","input_schema":{"type":"object","properties":{"command":{"type":"string"}}}}]}`, c.model, probe)
	req, err := http.NewRequest("POST", s.url+"/v1/messages/count_tokens?beta=true", strings.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+s.anthropicKey)
	req.Header.Set("Anthropic-Version", "2023-06-01")
	req.Header.Set("Anthropic-Beta", "token-counting-2024-11-01")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		return "", err
	}
	transcript = res.Status + "\n" + string(b)
	var v struct {
		Type        string
		InputTokens int `json:"input_tokens"`
		Error       struct{ Type, Message string }
	}
	if err := json.Unmarshal(b, &v); err != nil {
		return transcript, err
	}
	if c.model == "on-chat" { // there is no such thing: it is told in Anthropic's words, and the agent estimates
		if res.StatusCode/100 != 4 || v.Type != "error" || v.Error.Message == "" {
			return transcript, errors.New("want an error in Anthropic's envelope")
		}
		return transcript, nil
	}
	if res.StatusCode != http.StatusOK || v.InputTokens != 4 {
		return transcript, errors.New("want 4 tokens")
	}
	return transcript, nil
}
