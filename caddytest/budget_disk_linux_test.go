package caddytest

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// LiteLLM #30460 and #36926: a write to its store timed out after it had taken
// effect, was done again or undone twice, and counters showed the cap plus what
// was spent. Here commits fail under load, and of some nobody can say what is on
// the disk: each call is in the books at most once, for what it cost or for its
// bound, and all books agree when the store is open again.
func TestBudgetLiteLLM30460UnknownCommit(t *testing.T) {
	if !alone(t) {
		return
	}
	p := newProvider(t)
	p.answers(fullAnswer)
	cfg := strings.Replace(budgetSite("budget 1 USD/total per global", ""), "\tllm_audit\n", "", 1)
	o := budgetVars(p, p)
	s := start(t, cfg, o)
	var answered, failed atomic.Int64
	for round := range 4 {
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 10 {
					switch a := s.ask(webKey, "x", 5); a.Status {
					case 200:
						answered.Add(1)
					case 503:
						failed.Add(1)
						a.denied(503, "store_unavailable", false)
					case 429:
					default:
						t.Errorf("%d %s", a.Status, a.Body)
					}
				}
			})
		}
		// In the middle of it the disk takes no more.
		if !eventually(func() bool { return answered.Load() >= int64(round*10+5) }) {
			t.Errorf("round %d: %d answered", round, answered.Load())
		}
		restore := fullDisk(t, 1)
		wg.Wait()
		s.ask(webKey, "x", 5).denied(503, "store_unavailable", false)
		restore()
		s.stop()
		s.stopped = false
		if err := s.load(cfg, o); err != nil {
			t.Fatal(err)
		}
		b := s.standing("global/total", "global")
		if b.Reserved != 0 || b.Settled > llm.USD {
			t.Errorf("round %d: %s settled, %s reserved", round, b.Settled, b.Reserved)
		}
	}
	// The same id from a client, again and again, is not the same call.
	for range 3 {
		c := message(false, "x", "Hi", `,"max_tokens":5`)
		c.header = map[string]string{"X-Request-Id": "the-same", "Idempotency-Key": "the-same", "Llm-Request-Id": "the-same"}
		if s.do(c).Status == 200 {
			answered.Add(1)
		}
	}
	totals := s.nothingHeld()
	ids := map[string]bool{}
	var sum llm.Money
	charged := 0
	for _, r := range s.rows("") {
		if ids[r.Request] {
			t.Errorf("%s is in the ledger twice", r.Request)
		}
		ids[r.Request] = true
		if sum += r.Cost; r.Cost > 0 {
			charged++
		}
		if r.Cost > r.Reserved || r.Cost != 0 && r.Cost < 5*thousandth {
			t.Errorf("%+v", r)
		}
	}
	if len(totals.Balances) != 1 || totals.Balances[0].Settled != sum || totals.Settled != sum || sum > llm.USD {
		t.Errorf("the rows say %s: %+v", sum, totals)
	}
	// Whoever got an answer paid for it, whatever became of the disk meanwhile.
	if int64(charged) < answered.Load() {
		t.Errorf("%d answered and %d charged", answered.Load(), charged)
	}
	t.Logf("%d answered, %d refused for want of a store, %d charged: %s of $1", answered.Load(), failed.Load(), charged, sum)
}

// A full disk fails closed: nothing leaves without its reservation. When there is
// space again calls go on, without a restart and without a reload, and what was in
// flight meanwhile is settled. The disk is a small one of memory, which a process
// may mount in a namespace of its own. Where the system does not allow that, a
// limit on the size of files stands for it; that error is none of a full disk's,
// and takes a reload to recover from.
func TestFullDiskFailsClosedAndRecovers(t *testing.T) {
	const how, noMounts = "CADDYTEST_DISK", "no mounts here"
	switch os.Getenv(how) {
	case "":
		run := func(value string, attr *syscall.SysProcAttr) (string, error) {
			cmd := exec.Command(os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
			cmd.Env, cmd.SysProcAttr = append(os.Environ(), how+"="+value), attr
			out, err := cmd.CombinedOutput()
			return string(out), err
		}
		out, err := run("mounted", &syscall.SysProcAttr{
			Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
			UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
			GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
		})
		if out == "" || strings.Contains(out, noMounts) {
			out, err = run("limited", nil)
		}
		if err != nil || !strings.Contains(out, "--- PASS: "+t.Name()) {
			t.Errorf("%v\n%s", err, out)
		}
		t.Log(out)
	case "mounted":
		dir := t.TempDir()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=8m"); err != nil {
			t.Log(noMounts, err)
			return
		}
		t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
		ballast := filepath.Join(dir, "ballast")
		fullDiskRun(t, dir, func(*site) {
			err := os.WriteFile(ballast, make([]byte, 16<<20), 0o600)
			if !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("filling the disk: %v", err)
			}
		}, func(*site, func()) {
			if err := os.Remove(ballast); err != nil {
				t.Fatal(err)
			}
		})
	default:
		restore := func() {}
		fullDiskRun(t, t.TempDir(), func(s *site) {
			info, err := os.Stat(filepath.Join(s.data, "ledger.db"))
			if err != nil {
				t.Fatal(err)
			}
			restore = fullDisk(t, uint64(info.Size()))
		}, func(_ *site, reload func()) {
			restore()
			reload()
		})
	}
}

func fullDiskRun(t *testing.T, dir string, fill func(s *site), free func(s *site, reload func())) {
	p := newProvider(t)
	p.answers(fullAnswer)
	data := filepath.Join(dir, "data")
	cfg := strings.Replace(budgetSite("budget 500 USD/day", ""), "\tllm_audit\n", "", 1)
	cfg = strings.Replace(cfg, "llm_gateway {", "llm_gateway {\n\t\tdata_dir "+data, 1)
	o := budgetVars(p, p)
	s := start(t, cfg, o)
	s.data = data
	s.ask(webKey, "x", 10).ok()
	g := newGate()
	p.answers(g.answer)
	st := s.open(message(false, "x", "Hi", `,"stream":true,"max_tokens":50`))
	lockstep(st, g, chatEvents[:2])
	p.answers(fullAnswer)
	p.forget()
	fill(s)
	var asked, answered, unavailable atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for end := time.Now().Add(patience); unavailable.Load() == 0 && time.Now().Before(end); {
				asked.Add(1)
				switch a := s.ask(webKey, "x", 1); a.Status {
				case 200:
					answered.Add(1)
				case 503:
					unavailable.Add(1)
					a.denied(503, "store_unavailable", false)
				default:
					t.Errorf("%d %s", a.Status, a.Body)
					return
				}
			}
		})
	}
	wg.Wait()
	if unavailable.Load() == 0 {
		t.Fatal("the disk never became full")
	}
	if n := int64(p.count()); n != answered.Load() {
		t.Errorf("%d calls left, %d were answered", n, answered.Load())
	}
	free(s, func() {
		if err := s.load(cfg, o); err != nil {
			t.Fatal(err)
		}
	})
	if !eventually(func() bool { return s.ask(webKey, "x", 1).Status == http.StatusOK }) {
		t.Fatal("it does not go on when there is space again")
	}
	for _, ev := range []string{chatEvents[2], chatEvents[3], chatUsageEvent, chatEvents[4]} {
		g.next <- ev + "\n\n"
	}
	close(g.next)
	if _, err := st.rest(); err != nil {
		t.Error(err)
	}
	s.quiet()
	id := st.id()
	var sum llm.Money
	totals := s.nothingHeld()
	for _, r := range s.rows("") {
		sum += r.Cost
	}
	if rows := s.rows(id); len(rows) != 1 || rows[0].Cost < 7*thousandth || rows[0].Cost > rows[0].Reserved {
		t.Errorf("the stream that was open: %+v", rows)
	}
	if int64(totals.Rows) < answered.Load() || len(totals.Balances) != 1 || totals.Balances[0].Settled != sum {
		t.Errorf("%d answered; the rows say %s: %d rows, %+v", answered.Load(), sum, totals.Rows, totals.Balances)
	}
	t.Logf("%d answered before the disk was full, %d refused", answered.Load(), unavailable.Load())
}
