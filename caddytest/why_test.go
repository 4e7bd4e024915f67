package caddytest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// `caddy llm why` tells what happened to a request: of a running server, and of
// the files once it has stopped; what a client called things never reaches the
// terminal as it is.
func TestWhy(t *testing.T) {
	p := newProvider(t)
	was := caddy.ConfigAutosavePath
	t.Cleanup(func() { caddy.ConfigAutosavePath = was })
	o := options{admin: freePort(t), vars: map[string]string{"openai": p.URL, "deadport": fmt.Sprint(freePort(t))}}
	admin := fmt.Sprintf("127.0.0.1:%d", o.admin)
	s := prepare(t, o)
	caddy.ConfigAutosavePath = s.file("autosave.json")
	if err := s.load(strings.Replace(fullSite, "{\n", "{\n\tadmin "+admin+"\n", 1), o); err != nil {
		t.Fatal(err)
	}
	stories := map[string]struct {
		call call
		want []string
	}{
		"answered": {message(false, "gpt-4o-mini", "hello", ""), []string{
			"key web, team growth, from 127.0.0.1", "POST /v1/chat/completions for gpt-4o-mini", "flag greeting", "openai/gpt-4o-mini: answered, status 200, 11 + 7 tokens, $0.00000585", "ok, status 200"}},
		"blocked": {message(true, "claude-sonnet-4-5", "about FALCON", ""), []string{"deny no-falcon policy_blocked", "policy_blocked at stage policy no-falcon", "denied, status 422"}},
		"dead":    {message(false, "dead-1", "x", ""), []string{"dead/dead-1: unsent", "provider_error at stage provider", "provider_error, status 502"}},
		"hostile": {message(false, `gpt-4o\u001b[2J\u202e`, "x", ""), []string{"malformed at stage request"}},
	}
	ids := map[string]string{}
	for name, st := range stories {
		ids[name] = s.do(st.call).Header.Get("Llm-Request-Id")
		s.ended(ids[name])
	}
	judge := func(args ...string) {
		t.Helper()
		for name, st := range stories {
			out := mustCommand(t, append([]string{"why", ids[name]}, args...)...)
			for _, want := range st.want {
				if !strings.Contains(out, want) {
					t.Errorf("%s: %q is not in\n%s", name, want, out)
				}
			}
			if strings.ContainsAny(out, "\x1b\u202e") {
				t.Errorf("%s: %q", name, out)
			}
		}
	}
	judge("--address", admin)
	var found []struct{ Record record }
	if err := json.Unmarshal([]byte(mustCommand(t, "why", "--json", ids["answered"], "--address", admin)), &found); err != nil || len(found) != 2 || found[1].Record.Stage != "completed" {
		t.Errorf("--json: %v %+v", err, found)
	}
	for _, args := range [][]string{{"why", "0198c0de-0000-7000-8000-000000000000", "--address", admin}, {"why", ids["answered"], "--address", "127.0.0.1:1"}, {"why"}} {
		if out, err := command(t, args...); err == nil {
			t.Errorf("%v: %s", args, out)
		}
	}
	s.stop()
	judge("--data-dir", s.data)
}
