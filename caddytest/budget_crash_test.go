package caddytest

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// LiteLLM PR #30330, its first half: an instance died in the middle of a request
// and its reservation stood for ever. Here a process that serves is killed with
// streams open; the next one charges each of them once, and nothing stays held.
func TestBudgetLiteLLM30330KilledMidRequest(t *testing.T) {
	const dirVar, urlVar = "CADDYTEST_KILLED_DIR", "CADDYTEST_KILLED_URL"
	site := func(dir string) string {
		return strings.Replace(budgetSite("budget 0.3 USD/day", ""), "llm_gateway {", "llm_gateway {\n\t\tdata_dir "+dir, 1)
	}
	if dir := os.Getenv(dirVar); dir != "" {
		s := start(t, site(dir), options{vars: map[string]string{"one": os.Getenv(urlVar), "two": os.Getenv(urlVar)}})
		fmt.Printf("port %d\n", s.port)
		_, _ = io.Copy(io.Discard, os.Stdin) // until it is killed, or the other test ends
		return
	}
	p := newProvider(t)
	p.answers(fullAnswer)
	dir := filepath.Join(t.TempDir(), "data")
	cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$")
	cmd.Env = append(os.Environ(), dirVar+"="+dir, urlVar+"="+p.URL, "TMPDIR="+t.TempDir())
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	port, lines := 0, bufio.NewScanner(out)
	for port == 0 && lines.Scan() {
		if n, ok := strings.CutPrefix(lines.Text(), "port "); ok {
			port, _ = strconv.Atoi(n)
		}
	}
	if port == 0 {
		_ = cmd.Process.Kill()
		t.Fatalf("the process did not start: %v", cmd.Wait())
	}
	s := prepare(t, budgetVars(p, p))
	own := s.URL
	s.URL = fmt.Sprint("http://127.0.0.1:", port)
	ids := map[string]int64{} // what each call costs, at least
	ids[s.ask(webKey, "x", 20).ok().Header.Get("Llm-Request-Id")] = 20
	for range 3 {
		g := newGate()
		p.answers(g.answer)
		st := s.open(message(false, "x", "Hi", `,"stream":true,"max_tokens":50`))
		lockstep(st, g, chatEvents[:2])
		ids[st.id()] = 50
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	p.answers(fullAnswer)
	s.URL, s.data = own, dir
	if err := s.load(site(dir), budgetVars(p, p)); err != nil {
		t.Fatal(err)
	}
	if b := s.standing("key/day", "web"); b.Settled < 170*thousandth || b.Settled > 170*thousandth+10 || b.Reserved != 0 {
		t.Errorf("after the kill %s is settled and %s reserved", b.Settled, b.Reserved)
	}
	s.ask(webKey, "x", 131).denied(429, "budget_exceeded", false)
	s.ask(webKey, "x", 129).ok()
	totals := s.nothingHeld()
	if totals.Rows != 5 {
		t.Errorf("%d rows for 5 calls", totals.Rows)
	}
	for _, r := range s.rows("") {
		want, ok := ids[r.Request]
		if !ok {
			continue
		}
		delete(ids, r.Request)
		if r.Cost < llm.Money(want)*thousandth || r.Cost > r.Reserved || want == 50 && r.Kind != ledger.CrashCharged {
			t.Errorf("%s %s of %s reserved: %+v", r.Kind, r.Cost, r.Reserved, r)
		}
	}
	if len(ids) > 0 {
		t.Errorf("not in the ledger: %v", ids)
	}
	s.verify("default")
}
