package audit

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// What an operator did is a record like any other: durable when Admin returns,
// part of what is signed, bounded and escaped.
func TestAdminRecord(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	at := time.Date(2026, 11, 23, 20, 0, 0, 5, time.UTC)
	mustPut(t, l, "before")
	index, err := l.Admin(t.Context(), at, "alice", "budget.raise", "key/day of web-app by $5.00: \x1b[2Jrelease\nweek")
	if err != nil || index < 1 {
		t.Fatalf("index %d: %v", index, err)
	}
	// Durable: what is read here is in the file, not only in memory.
	recs := records(t, dir)
	r := recs[index]
	if r.Stage != StageAdmin || r.Actor != "alice" || r.Event != "budget.raise" || r.Detail != "key/day of web-app by $5.00: \x1b[2Jrelease\nweek" || !r.TS.Equal(at) {
		t.Errorf("%+v", r)
	}
	if raw := string(r.Raw); strings.ContainsAny(raw, "\x1b\n") {
		t.Errorf("a terminal may obey %q", raw)
	}
	long := strings.Repeat("\x00", 1<<20)
	if index, err = l.Admin(t.Context(), at, long, long, long); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	if n := len(records(t, dir)[index].Raw); n > 4<<10 {
		t.Errorf("a record of %d bytes", n)
	}
	verified(t, dir)

	if _, err := l.Admin(t.Context(), at, "alice", "budget.raise", ""); !errors.Is(err, ErrClosed) {
		t.Errorf("a closed log: %v", err)
	}
	l = openLog(t, Options{Dir: dir})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.Admin(ctx, at, "alice", "budget.raise", "late"); err != nil && !errors.Is(err, context.Canceled) {
		t.Errorf("nobody waits: %v", err)
	}
	closeLog(t, l)
	verified(t, dir)
}
