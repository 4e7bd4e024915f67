package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A call through the gate: its admitted record is on disk before Admit returns,
// its completed record follows, and both can be found.
func TestRecorder(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	x := exchange("call")
	x.Attempts = nil
	x.Record(NewRecorder(l, RecorderOptions{ConfigHash: "cfg"}))
	for want := range int64(2) {
		a, err := x.Admit(t.Context(), llm.Deployment{Provider: "p", Model: "m"}, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		if a.AuditIndex != want || l.Size() != want+1 {
			t.Fatalf("index %d, %d durable", a.AuditIndex, l.Size())
		}
		if got := records(t, dir); got[want].Stage != StageAdmitted || got[want].Attempt != int(want) || got[want].Config != "cfg" {
			t.Fatalf("%s", got[want].Raw)
		}
		a.Result = llm.ResultUnsent
		x.Settle(a, time.Now())
	}
	x.Finish(time.Now())
	closeLog(t, l)
	found, err := Find(dir, "call")
	if err != nil || len(found) != 3 {
		t.Fatal(found, err)
	}
	if last := found[2]; last.Stage != StageCompleted || len(last.Attempts) != 2 || last.Attempts[1].AdmittedIndex != 1 || last.Attempts[0].Result != "unsent" {
		t.Errorf("%s", last.Raw)
	}
}

func TestRecorderOnFailure(t *testing.T) {
	for _, mode := range []string{"", "deny", "allow"} {
		m := newMemFS()
		l := openLog(t, Options{Dir: "/log", FS: m})
		var unrecorded atomic.Int32
		x := exchange("call")
		x.Attempts = nil
		x.Record(NewRecorder(l, RecorderOptions{OnFailure: mode, OnUnrecorded: func() { unrecorded.Add(1) }}))
		m.mu.Lock()
		m.room = 0
		m.mu.Unlock()
		a, err := x.Admit(t.Context(), llm.Deployment{Provider: "p"}, time.Now())
		if mode == "allow" {
			if err != nil || a.AuditIndex != -1 {
				t.Fatal(a, err)
			}
		} else {
			var d *llm.Denial
			if !errors.As(err, &d) || d.Status != 503 || d.Code != llm.CodeAuditUnavailable || d.Stage != llm.StageInfrastructure || !errors.Is(err, syscall.ENOSPC) {
				t.Fatalf("%s: %v", mode, err)
			}
			x.Denied, x.Outcome, x.Status = d, llm.OutcomeDenied, 503
		}
		if n := unrecorded.Load(); n != 1 {
			t.Errorf("%s: %d counted", mode, n)
		}
		x.Finish(time.Now())
		_ = l.Close()
		if n := unrecorded.Load(); n != 2 {
			t.Errorf("%s: the lost outcome was not counted: %d", mode, n)
		}
		if d := m.powerLoss(t, nil); len(records(t, d)) != 0 {
			t.Errorf("%s: there are records", mode)
		}
	}
}

// What ends without a principal and without an attempt.
func TestEndedWithoutPrincipal(t *testing.T) {
	for _, c := range []struct {
		name    string
		x       llm.Exchange
		records int
	}{
		{"a preflight", llm.Exchange{Method: "OPTIONS", Status: 204, Outcome: llm.OutcomeOK}, 0},
		{"a list of models where no key is asked", llm.Exchange{Method: "GET", Dialect: llm.Models, Status: 200, Outcome: llm.OutcomeOK}, 1},
		{"no key", llm.Exchange{Denied: llm.Deny(401, "unauthenticated", llm.StageAuth, ""), Status: 401, Outcome: llm.OutcomeDenied}, 1},
		{"gone before a key was seen", llm.Exchange{Outcome: llm.OutcomeClientGone, Status: 499, Dialect: llm.Chat}, 1},
		{"our own failure", llm.Exchange{Outcome: llm.OutcomeError, Status: 500, Dialect: llm.Chat}, 1},
	} {
		dir := logDir(t)
		l := openLog(t, Options{Dir: dir})
		NewRecorder(l, RecorderOptions{}).Ended(&c.x)
		closeLog(t, l)
		if got := records(t, dir); len(got) != c.records {
			t.Errorf("%s: %d records", c.name, len(got))
		}
	}
}

// denied is a call without a key from the address.
func denied(ip, code string) *llm.Exchange {
	return &llm.Exchange{
		ID: "stranger", ClientIP: ip, Server: "srv0", Status: 401, Start: time.Now(), End: time.Now(), Outcome: llm.OutcomeDenied,
		Denied: llm.Deny(401, code, llm.StageAuth, "no"),
	}
}

// counts adds up what the records say about denied calls: a record without a
// count speaks of one.
func counts(t *testing.T, v *vault.Vault, recs []*Record) (calls int64, bySource map[string]int64) {
	bySource = map[string]int64{}
	for _, r := range recs {
		if r.Stage == StageDenied {
			n := max(1, r.Count)
			calls += n
			if err := r.Reveal(v); err != nil {
				t.Error(err)
			}
			bySource[sourceOrSelf(r.ClientIP.String())] += n
		}
	}
	return calls, bySource
}

func sourceOrSelf(s string) string {
	if k := sourceOf(s); k != "_unknown" {
		return k
	}
	return s
}

// Strangers cannot fill the disk, and each of their calls is counted.
func TestStrangers(t *testing.T) {
	dir, v := logDir(t), testVault(t)
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, Options{Dir: dir, Vault: v})
		r := NewRecorder(l, RecorderOptions{})
		for range 1000 {
			r.Ended(denied("192.0.2.1", "unauthenticated"))
		}
		r.Ended(denied("192.0.2.1", "malformed"))
		for i := range 300 { // one machine, many addresses
			r.Ended(denied(fmt.Sprintf("2001:db8:1:2::%x", i+1), "unauthenticated"))
		}
		r.Ended(denied("::ffff:192.0.2.1", "unauthenticated"))
		r.Ended(denied("nonsense", "unauthenticated"))
		time.Sleep(time.Second)
		if n := l.Size(); n != 4 { // the first of each source and code
			t.Errorf("%d records at first", n)
		}
		time.Sleep(2 * time.Minute)
		if n := l.Size(); n != 6 { // two counts
			t.Errorf("%d records after the interval", n)
		}
		r.Ended(denied("192.0.2.1", "unauthenticated"))
		r.Ended(denied("192.0.2.1", "unauthenticated"))
		closeLog(t, l)
	})
	recs := records(t, dir)
	calls, by := counts(t, v, recs)
	if calls != 1000+1+300+1+1+2 || by["192.0.2.1"] != 1004 || by["2001:db8:1:2::/64"] != 300 {
		t.Errorf("%d calls counted: %v", calls, by)
	}
	if len(recs) != 8 {
		t.Errorf("%d records", len(recs))
	}
	verified(t, dir)
}

// Beyond the bound of sources the rest is one source.
func TestManyStrangers(t *testing.T) {
	dir, v := logDir(t), testVault(t)
	const n = maxStrangers + 1000
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, Options{Dir: dir, Vault: v})
		r := NewRecorder(l, RecorderOptions{})
		for i := range n {
			r.Ended(denied(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), "unauthenticated"))
		}
		l.strangers.mu.Lock()
		if len(l.strangers.sources) > maxStrangers+1 {
			t.Errorf("%d sources in memory", len(l.strangers.sources))
		}
		l.strangers.mu.Unlock()
		closeLog(t, l)
	})
	recs := records(t, dir)
	if calls, by := counts(t, v, recs); calls != n || by[otherSource] < 900 {
		t.Errorf("%d of %d calls counted, %d of them elsewhere", calls, n, by[otherSource])
	}
	if len(recs) > maxStrangers+2 {
		t.Errorf("%d records", len(recs))
	}
}

// Counts whose record could not be written are not forgotten.
func TestStrangersWithoutSpace(t *testing.T) {
	m := newMemFS()
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, Options{Dir: "/log", FS: m})
		r := NewRecorder(l, RecorderOptions{})
		m.mu.Lock()
		m.room = 0
		m.mu.Unlock()
		for range 10 {
			r.Ended(denied("192.0.2.1", "unauthenticated"))
		}
		time.Sleep(3 * time.Minute)
		m.mu.Lock()
		m.room = -1
		m.mu.Unlock()
		time.Sleep(3 * time.Minute)
		closeLog(t, l)
	})
	if calls, _ := counts(t, nil, records(t, m.powerLoss(t, nil))); calls != 10 {
		t.Errorf("%d of 10 calls counted", calls)
	}
}

// Checkpoints follow the records by a second, and only then.
func TestCheckpointEachSecond(t *testing.T) {
	dir := logDir(t)
	synctest.Test(t, func(t *testing.T) {
		l := openLog(t, Options{Dir: dir})
		if _, err := Prove(dir, 0); !errors.Is(err, ErrUncovered) {
			t.Error(err)
		}
		mustPut(t, l, "one")
		time.Sleep(1100 * time.Millisecond)
		if _, err := Prove(dir, 0); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour) // idle: nothing is signed
		mustPut(t, l, "two")
		closeLog(t, l)
	})
	if rep := verified(t, dir); rep.Checkpoints != 3 || rep.Signed != 2 { // of 0, 1 and 2 records
		t.Errorf("%+v", rep)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "key.pub")); err != nil || len(b) == 0 {
		t.Error(err)
	}
}
