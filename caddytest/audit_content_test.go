package caddytest

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
)

// levelsSite keeps as much of texts as the header X-Level says.
const levelsSite = `{
	{{admin}}
	llm_gateway {
		audit default {
			sink webhook {{hook}} {
				secret {env.HOOK_SECRET}
			}
		}
	}
}
:8080 {
	@none header X-Level none
	@hash header X-Level hash
	@redacted header X-Level redacted
	@full header X-Level full
	llm_audit @none {
		content none
	}
	llm_audit @hash {
		content hash
	}
	llm_audit @redacted {
		content redacted
	}
	llm_audit @full {
		content full
	}
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			user alice@example.com
			team growth
		}
	}
	llm_policy {
		flag mail {{rule}}
		redact words email {
			style reversible
		}
	}
	llm_cost {
		budget 100 USD/day
		tags header X-Tags
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}
`

// What each level keeps of a call, streamed or not, is what it says, in no record
// stands a person in clear, and after an erasure nothing can be read while the log
// still verifies.
func TestContentLevels(t *testing.T) {
	p := newProvider(t)
	p.answers(echo)
	var mu sync.Mutex
	var posted []string
	hook := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		mu.Lock()
		defer mu.Unlock()
		posted = append(posted, r.Header.Get("LLM-Signature")+string(b))
	}))
	defer hook.Close()
	t.Setenv("HOOK_SECRET", "sixteen-characters-or-more")
	was := caddy.ConfigAutosavePath
	t.Cleanup(func() { caddy.ConfigAutosavePath = was })
	admin := freePort(t)
	address := fmt.Sprintf("127.0.0.1:%d", admin)
	o := options{admin: admin, vars: map[string]string{"openai": p.URL, "admin": "admin " + address, "hook": hook.URL, "rule": "`pii(prompt.user).size() > 0`"}}
	s := prepare(t, o)
	caddy.ConfigAutosavePath = s.file("autosave.json")
	if err := s.load(levelsSite, o); err != nil {
		t.Fatal(err)
	}
	const said = "write to bob@corp.example, card 4111 1111 1111 1111"
	type sent struct{ level, request, answer, id string }
	var calls []sent
	for _, level := range []string{"none", "", "hash", "redacted", "full"} {
		for _, stream := range []bool{false, true} {
			c := message(false, "gpt-4o", said, `,"max_tokens":50`+map[bool]string{true: `,"stream":true`}[stream])
			c.header = map[string]string{"X-Level": level, "X-Tags": "secret-tag"}
			a := s.do(c).ok()
			if !strings.Contains(a.Body, "bob@corp.example") && !stream {
				t.Errorf("%s: the client got %s", level, a.Body)
			}
			calls = append(calls, sent{level, c.body, a.Body, a.Header.Get("Llm-Request-Id")})
			s.ended(a.Header.Get("Llm-Request-Id"))
		}
	}
	s.chat(call{key: "-"})
	dir := filepath.Join(s.data, "audit", "default")
	text := func(id, part string) (string, error) {
		return command(t, "audit", "content", id, "--data-dir", s.data, "--part", part)
	}
	same := func(id, part, text string) bool {
		file := filepath.Join(t.TempDir(), "text")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := command(t, "audit", "content", id, "--data-dir", s.data, "--part", part, "--compare", file)
		return err == nil
	}
	for _, c := range calls {
		r := s.ended(c.id)
		digest := r.Answer == sha(c.answer)
		request, rerr := text(c.id, "request")
		answer, aerr := text(c.id, "answer")
		stored := rerr == nil && aerr == nil
		if want := c.level == "redacted" || c.level == "full"; stored != want {
			t.Errorf("%q: stored %v: %v, %v", c.level, stored, rerr, aerr)
		}
		if want := c.level != "none" && c.level != "hash"; digest != want {
			t.Errorf("%q: the digest is %q", c.level, r.Answer)
		}
		switch c.level {
		case "hash":
			if !same(c.id, "answer", c.answer) || same(c.id, "answer", c.answer+" ") || !same(c.id, "request", c.request) || same(c.id, "request", "x") {
				t.Error("the keyed hashes do not tell the texts")
			}
		case "full":
			if request != c.request || answer != c.answer {
				t.Errorf("stored: %s\n%s", request, answer)
			}
		case "redacted":
			for _, secret := range []string{"bob@corp", "4111", "me@model.example"} {
				if strings.Contains(request+answer, secret) || strings.Contains(streamed(answer), secret) {
					t.Errorf("%s is stored: %s\n%s", secret, request, answer)
				}
			}
			if !strings.Contains(request, "[EMAIL]") || !strings.Contains(answer, "EMAIL]") {
				t.Errorf("stored: %s\n%s", request, answer)
			}
		}
		if !strings.Contains(r.raw, `"policies":["`) || !strings.Contains(r.raw, `{"detector":"pii","where":"prompt.user","texts":1,"bytes":51,"verdict":"found"`) ||
			!strings.Contains(r.raw, `"rule":"words","where":"request"`) {
			t.Errorf("no evidence: %s", r.raw)
		}
	}
	if out := mustCommand(t, "audit", "query", "--data-dir", s.data, "--principal", "user:alice@*", "--outcome", "ok", "--model", "gpt-4*", "--rule", "mail", "--json"); strings.Count(out, "\n") != len(calls) || strings.Count(out, `"secret-tag"`) != len(calls) {
		t.Errorf("query found %s", out)
	}
	if _, err := command(t, "audit", "query", "--data-dir", s.data, "--outcome", "cut"); err == nil {
		t.Error("query has found what is not there")
	}
	why := mustCommand(t, "why", calls[0].id, "--address", address)
	for _, want := range []string{"alice@example.com", "from 127.0.0.1", "secret-tag", "looked at"} {
		if !strings.Contains(why, want) {
			t.Errorf("why does not say %s: %s", want, why)
		}
	}
	ok := eventually(func() bool {
		mu.Lock()
		defer mu.Unlock()
		return strings.Count(strings.Join(posted, ""), `"stage":"completed"`) == len(calls)
	})
	mu.Lock()
	all := strings.Join(posted, "\n")
	mu.Unlock()
	if !ok || !strings.HasPrefix(all, "t=") || strings.Contains(all, "alice@") {
		t.Errorf("the webhook got %s", all)
	}

	out := mustCommand(t, "audit", "erase", "--subject", "alice@example.com", "--reason", "request 17", "--address", address)
	if !strings.Contains(out, "destroyed") || strings.Contains(out, "alice") {
		t.Error(out)
	}
	if _, err := command(t, "audit", "erase", "--subject", "alice@example.com", "--address", address); err == nil {
		t.Error("erased twice")
	}
	for _, c := range calls {
		if _, err := text(c.id, "answer"); err == nil {
			t.Errorf("%q: an erased answer can be read", c.level)
		}
	}
	if out := mustCommand(t, "audit", "query", "--data-dir", s.data, "--outcome", "ok"); strings.Contains(out, "alice@") || strings.Contains(out, "127.0.0.1") {
		t.Errorf("an erased person is shown: %s", out)
	}
	if out := mustCommand(t, "why", calls[0].id, "--address", address); strings.Contains(out, "alice@") || !strings.Contains(out, "erased") {
		t.Errorf("an erased person is shown: %s", out)
	}
	s.stop()
	s.verify("default")
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		for _, secret := range []string{"alice@example.com", "127.0.0.1:", "secret-tag", "bob@corp"} {
			// The actor of an admin record is an operator's address.
			if strings.Contains(string(b), secret) && !(secret == "127.0.0.1:" && strings.Contains(string(b), "admin endpoint, from 127.0.0.1:")) {
				t.Errorf("%s stands in %s", secret, path)
			}
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	// The strangers of a day are a subject of their own, which needs no server.
	day := ""
	if err := audit.Scan(dir, 0, func(_ int64, line []byte) bool {
		r, err := audit.Decode(line)
		if err == nil && r.Principal == nil && r.ClientIP != nil {
			day = "strangers:" + r.TS.UTC().Format("2006-01-02")
		}
		return true
	}); err != nil || day == "" {
		t.Fatal("no record of a stranger", err)
	}
	mustCommand(t, "audit", "erase", "--subject", day, "--data-dir", s.data)
	v, err := vault.Open(filepath.Join(dir, "vault"), vault.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range s.records("default", "") {
		var rec struct{ Subject string }
		if err := json.Unmarshal([]byte(r.raw), &rec); err != nil {
			t.Fatal(err)
		}
		if rec.Subject == "" {
			continue
		}
		if _, err := v.Lookup(rec.Subject); !errors.Is(err, vault.ErrErased) {
			t.Errorf("record %d can be read: %v", r.Seq, err)
		}
	}
	s.verify("default")
}

// streamed joins the texts of a stream's events.
func streamed(body string) (text string) {
	for _, line := range strings.Split(body, "\n") {
		data, ok := strings.CutPrefix(line, "data: ")
		var e struct {
			Choices []struct {
				Delta struct {
					Content string
					Calls   []struct{ Function struct{ Arguments string } } `json:"tool_calls"`
				}
			}
		}
		if !ok || json.Unmarshal([]byte(data), &e) != nil {
			continue
		}
		for _, c := range e.Choices {
			text += c.Delta.Content
			for _, call := range c.Delta.Calls {
				text += call.Function.Arguments
			}
		}
	}
	return text
}

// everyCallEnded fails the test if an admitted call of a log has no record of how it
// ended, or one without what was measured.
func (s *site) everyCallEnded(log string) (gone int) {
	s.t.Helper()
	admitted, ended := map[string]bool{}, map[string]record{}
	for _, r := range s.records(log, "") {
		switch r.Stage {
		case "admitted":
			admitted[r.Request] = true
		case "completed":
			ended[r.Request] = r
		}
	}
	for id := range admitted {
		r, ok := ended[id]
		switch {
		case !ok:
			s.t.Errorf("nothing says how %s ended", id)
		case r.Outcome == "" || len(r.Attempts) == 0 || r.BytesOut > 0 && r.Answer == "" || !strings.Contains(r.raw, `"duration_us"`):
			s.t.Errorf("it lacks what was measured: %s", r.raw)
		case r.Outcome == "client_gone":
			gone++
			if r.Usage.Input == 0 {
				s.t.Errorf("a call that left is free: %s", r.raw)
			}
		}
	}
	return gone
}
