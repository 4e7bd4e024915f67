package ledger

import (
	"context"
	"errors"
	"os"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// diskFull is what a write to a full disk returns.
var diskFull = &os.PathError{Op: "write", Path: "ledger.db", Err: syscall.ENOSPC}

func TestFullDisk(t *testing.T) {
	var full atomic.Bool
	l := open(t, Options{hooks: hooks{beforeCommit: func() error {
		if full.Load() {
			return diskFull
		}
		return nil
	}}})
	b := &Budget{Amount: 1000, Window: Day, Scope: "key"}
	before, _ := take(t, l, noon, id(0), 10, charge(b, "k"))
	full.Store(true)
	before.Settle(noon, Row{Cost: 4}) // must survive
	for i := 1; i < 50; i++ {
		h, _, err := reserve(l, noon, Call{ID: id(i), Time: noon}, 10, []Charge{charge(b, "k")})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Durable(context.Background()); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("%d: %v", i, err)
		}
		h.Cancel()
	}
	// Even a call that reserves nothing does not leave: it could not be recorded.
	h, _, err := reserve(l, noon, Call{ID: id(60), Time: noon}, 0, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.Durable(context.Background()); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	h.Cancel()
	if l.Reserved() != 0 {
		t.Errorf("%d reserved", l.Reserved())
	}
	full.Store(false)
	after, _ := take(t, l, noon, id(99), 10, charge(b, "k"))
	after.Settle(noon, Row{Cost: 6})
	if got := inspect(t, l); got.Open != 0 || got.Rows != 2 || got.Settled != 10 || got.Balances[0].Settled != 10 {
		t.Errorf("%+v", got)
	}
}

// A commit that is reported as failed may have happened: what is written again
// counts once.
func TestUnknownOutcomeCountsOnce(t *testing.T) {
	var deny atomic.Bool
	var denied atomic.Int64
	l := open(t, Options{hooks: hooks{afterCommit: func() error {
		if deny.Load() {
			denied.Add(1)
			return diskFull
		}
		return nil
	}}})
	b := &Budget{Amount: 1000, Window: Day, Scope: "key"}
	h, _ := take(t, l, noon, id(1), 50, charge(b, "k"))
	deny.Store(true)
	h.Settle(noon, Row{Cost: 30})
	for denied.Load() < 2 { // written, and written again
		time.Sleep(time.Millisecond)
	}
	deny.Store(false)
	if got := inspect(t, l); got.Rows != 1 || got.Open != 0 || got.Balances[0].Settled != 30 {
		t.Errorf("%+v", got)
	}
}

// After a failed sync nobody knows what the disk has: nothing more is promised.
func TestFailedSyncIsFinal(t *testing.T) {
	var fail atomic.Bool
	l := open(t, Options{hooks: hooks{beforeCommit: func() error {
		if fail.Load() {
			return syscall.EIO
		}
		return nil
	}}})
	b := &Budget{Amount: 1000, Window: Day, Scope: "key"}
	h0, _ := take(t, l, noon, id(0), 10, charge(b, "k"))
	fail.Store(true)
	h, _, _ := reserve(l, noon, Call{ID: id(1), Time: noon}, 10, []Charge{charge(b, "k")})
	if err := h.Durable(context.Background()); !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	h.Cancel()
	fail.Store(false)
	if _, _, err := reserve(l, noon, Call{ID: id(2), Time: noon}, 10, []Charge{charge(b, "k")}); !errors.Is(err, syscall.EIO) {
		t.Errorf("promised after a failed sync: %v", err)
	}
	h0.Settle(noon, Row{Cost: 1})
	path := l.path
	if err := l.Close(); err == nil {
		t.Error("closed as if nothing had happened")
	}
	l = openAt(t, path, Options{}) // opened anew it works, and charges what was open
	defer l.Close()
	if s, _, _ := l.Balance(*b, "k", noon); s != 10 {
		t.Errorf("settled %d", s)
	}
}

// A settlement that waits for the disk to have space closes its attempt all the same:
// who has it again in the write that takes both is told.
func TestAttemptWhoseRowWaits(t *testing.T) {
	var full atomic.Bool
	var tried atomic.Int64
	l := open(t, Options{hooks: hooks{beforeCommit: func() error {
		if full.Load() {
			tried.Add(1)
			return diskFull
		}
		return nil
	}}})
	defer l.Close()
	first, _ := take(t, l, noon, id(1), 10, charge(crashBudget, "k"))
	full.Store(true)
	first.Settle(noon, Row{Cost: 4})
	for tried.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	full.Store(false)
	again, _, err := reserve(l, noon, Call{ID: id(1), Time: noon}, 10, []Charge{charge(crashBudget, "k")})
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Durable(context.Background()); !errors.Is(err, ErrDuplicate) {
		t.Errorf("promised an attempt that has a row: %v", err)
	}
	again.Cancel()
	if got := inspect(t, l); got.Rows != 1 || got.Open != 0 || got.Settled != 4 {
		t.Errorf("%+v", got)
	}
}

// At Close what waits is tried once more, and so is bbolt's disk, however short ago it
// was full: nobody tries again later.
func TestCloseTriesAgainAtOnce(t *testing.T) {
	var full atomic.Bool
	l := open(t, Options{hooks: hooks{area: minArea, applyEvery: time.Millisecond, beforeApply: func() error {
		if full.Load() {
			return diskFull
		}
		return nil
	}}})
	full.Store(true)
	first, _ := take(t, l, noon, id(0), 10, charge(crashBudget, "k"))
	for n := 1; ; n++ { // until the journal is full, too
		h, _, err := reserve(l, noon, Call{ID: id(n), Time: noon}, 10, []Charge{charge(crashBudget, "k")})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Durable(context.Background()); errors.Is(err, syscall.ENOSPC) {
			h.Cancel()
			break
		} else if err != nil {
			t.Fatal(err)
		}
		h.Cancel()
	}
	first.Settle(noon, Row{Cost: 4})
	// As if it had been tried at this moment; the applier will not by itself for long.
	l.pmu.Lock()
	l.tried = time.Now().Add(time.Hour)
	l.pmu.Unlock()
	full.Store(false)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := inspectPath(t, l.path); got.Open != 0 || got.Rows != 1 || got.Settled != 4 {
		t.Errorf("%+v", got)
	}
}
