package caddytest

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// fullDisk makes every file of this process refuse to grow beyond a size, which
// is as near to a full disk as a test without privileges gets. Existing bytes
// can still be written. It returns the way back.
func fullDisk(t *testing.T, size uint64) (restore func()) {
	t.Helper()
	signal.Ignore(syscall.SIGXFSZ)
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	now := syscall.Rlimit{Cur: size, Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &now); err != nil {
		t.Fatal(err)
	}
	done := false
	restore = func() {
		if done {
			return
		}
		done = true
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(restore)
	return restore
}

// alone runs the test in a process of its own and returns false in the one that
// began it: the limit on files would also hit what the test runner writes.
func alone(t *testing.T) bool {
	t.Helper()
	const child = "CADDYTEST_ALONE"
	if os.Getenv(child) != "" {
		return true
	}
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
	cmd.Env = append(os.Environ(), child+"=1")
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+t.Name()) {
		t.Errorf("%v\n%s", err, out)
	}
	return false
}

// When the record of a call cannot be written, the call does not leave: 503
// audit_unavailable, in both dialects. It goes on when there is space again,
// without a restart.
func TestAuditUnavailable(t *testing.T) {
	if !alone(t) {
		return
	}
	p := newProvider(t)
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_upstream {
		model claude-* claude
		model * openai
	}
}`, options{vars: map[string]string{"openai": p.URL}, patch: func(cfg map[string]any) { withProviders(cfg, p.URL) }})
	s.ended(s.chat(call{}).ok().Header.Get("Llm-Request-Id"))
	p.forget()
	segs, err := filepath.Glob(filepath.Join(s.data, "audit", "default", "seg-*.jsonl"))
	if err != nil || len(segs) != 1 {
		t.Fatalf("segments: %v %v", segs, err)
	}
	st, err := os.Stat(segs[0])
	if err != nil {
		t.Fatal(err)
	}
	restore := fullDisk(t, uint64(st.Size())+10)
	s.chat(call{}).denied(503, "audit_unavailable", false)
	s.chat(call{body: dialects[0].streamRequest}).denied(503, "audit_unavailable", false)
	s.do(message(true, "claude-sonnet-4-5", "x", "")).denied(503, "audit_unavailable", true)
	if n := p.count(); n != 0 {
		t.Errorf("%d calls left without a record", n)
	}
	restore()
	if !eventually(func() bool { return s.chat(call{}).Status == 200 }) {
		t.Error("it does not go on when there is space again")
	}
	s.stop()
	s.verify("default")
}

// The same for the ledger, under a budget: 503 store_unavailable. After an error
// of which nobody can say what it left on the disk (this one is none of a full
// disk's) the ledger has to be opened anew; a restart does that, and charges what
// was open.
func TestStoreUnavailable(t *testing.T) {
	if !alone(t) {
		return
	}
	p := newProvider(t)
	cfg := `
:8080 {
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 100 USD/day
	}
	llm_upstream {
		model claude-* claude
		model * openai
	}
}`
	o := options{vars: map[string]string{"openai": p.URL}, patch: func(cfg map[string]any) { withProviders(cfg, p.URL) }}
	s := start(t, cfg, o)
	s.chat(call{}).ok()
	p.forget()
	restore := fullDisk(t, 1)
	s.chat(call{}).denied(503, "store_unavailable", false)
	s.do(message(true, "claude-sonnet-4-5", "x", "")).denied(503, "store_unavailable", true)
	if n := p.count(); n != 0 {
		t.Errorf("%d calls left without a reservation", n)
	}
	restore()
	s.stop()
	s.stopped = false
	if err := s.load(cfg, o); err != nil {
		t.Fatal(err)
	}
	s.chat(call{}).ok()
	totals := s.nothingHeld()
	if totals.Rows != 2 {
		t.Errorf("%d rows for 2 calls", totals.Rows)
	}
}

// The ledger's log tells the operator "calls are refused until the ledger is
// opened anew (reload or restart)": so a reload must help.
func TestStoreOpensAnewOnReload(t *testing.T) {
	if !alone(t) {
		return
	}
	p := newProvider(t)
	cfg := `
:8080 {
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 100 USD/day
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}`
	o := options{vars: map[string]string{"openai": p.URL}}
	s := start(t, cfg, o)
	s.chat(call{}).ok()
	restore := fullDisk(t, 1)
	s.chat(call{}).denied(503, "store_unavailable", false)
	restore()
	if err := s.load(cfg, o); err != nil {
		t.Fatal(err)
	}
	s.chat(call{}).ok()
}

// withProviders declares both providers in the app.
func withProviders(cfg map[string]any, url string) {
	setDefault(cfg, map[string]any{
		"openai": map[string]any{"type": "openai", "api_key": "{env.OPENAI_API_KEY}", "base_url": url + "/v1"},
		"claude": map[string]any{"type": "anthropic", "api_key": "{env.ANTHROPIC_API_KEY}", "base_url": url},
	}, "apps", "llm_gateway", "providers")
}
