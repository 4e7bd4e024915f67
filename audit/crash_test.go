package audit

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/filelock"
)

// writeUntilKilled is the other process of TestKill: eight writers that say on
// standard output which records were acknowledged.
func writeUntilKilled(dir string) {
	l, err := Open(Options{Dir: dir, Node: "child", Settings: Settings{SegmentBytes: 64 << 10}})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	var out sync.Mutex
	for w := range 8 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d-%d-%d", os.Getpid(), w, n)
				index, err := put(l, id)
				if err != nil {
					os.Exit(1)
				}
				out.Lock()
				fmt.Printf("%d %s\n", index, id)
				out.Unlock()
			}
		}()
	}
	select {}
}

// Whatever was acknowledged before kill -9 is there afterwards, at its place.
func TestKill(t *testing.T) {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := logDir(t)
	acked := map[int64]string{}
	kills := repeat(t, "AUDIT_KILLS", 12)
	for round := range kills {
		cmd := exec.Command(exe)
		cmd.Env = append(os.Environ(), "AUDIT_TEST_WRITER="+dir)
		stdout, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		in := bufio.NewScanner(stdout)
		for n, most := 0, 20+rand.IntN(400); in.Scan(); n++ {
			if n == most {
				if err := cmd.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
			var index int64
			var id string
			if _, err := fmt.Sscan(in.Text(), &index, &id); err != nil {
				if n < most {
					t.Fatalf("round %d: the writer says %q", round, in.Text())
				}
				break // the last line, torn
			}
			acked[index] = id
		}
		_ = cmd.Wait()
	}
	l := openLog(t, Options{Dir: dir})
	closeLog(t, l)
	have := map[int64]string{}
	for _, r := range records(t, dir) {
		have[r.Index] = r.Request
	}
	for index, id := range acked {
		if have[index] != id {
			t.Errorf("record %d (%s) was acknowledged and is lost; there is %q", index, id, have[index])
		}
	}
	rep := verified(t, dir)
	t.Logf("%d kills, %d records acknowledged, none lost; %s", kills, len(acked), rep)
}

// fill writes records from several goroutines and returns which were acknowledged.
func fill(t *testing.T, l *Log, writers, each int) map[int64]string {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	acked := map[int64]string{}
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				id := fmt.Sprintf("w%d-%d", w, n)
				if index, err := put(l, id); err == nil {
					mu.Lock()
					acked[index] = id
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	return acked
}

// lost counts acknowledged records that are not in the log.
func lost(t *testing.T, dir string, acked map[int64]string) (n int) {
	t.Helper()
	have := map[int64]string{}
	for _, r := range records(t, dir) {
		have[r.Index] = r.Request
	}
	for index, id := range acked {
		if have[index] != id {
			n++
		}
	}
	return n
}

// A power loss keeps what was synced and any part of the rest. Nothing that was
// acknowledged may be lost, and the log opens and verifies.
func TestPowerLoss(t *testing.T) {
	for seed := range uint64(25) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		m := newMemFS()
		l := openLog(t, Options{Dir: "/log", FS: m, Settings: Settings{SegmentBytes: 32 << 10}})
		acked := fill(t, l, 6, 20)
		// The last batch is written but its sync is on the way.
		m.mu.Lock()
		m.syncErr = errors.New("no power")
		m.mu.Unlock()
		fill(t, l, 6, 1)
		dir := m.powerLoss(t, rnd)
		l.Close()
		re := openLog(t, Options{Dir: dir})
		closeLog(t, re)
		if n := lost(t, dir, acked); n > 0 {
			t.Fatalf("seed %d: %d of %d acknowledged records are lost", seed, n, len(acked))
		}
		verified(t, dir)
	}
}

// When a segment begins, the hashes of the older ones are durable: recovery need
// not read them again.
func TestHashesAreSyncedAtRotation(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m, Settings: Settings{SegmentBytes: 8 << 10}})
	fill(t, l, 2, 20)
	starts, err := segments(m, "/log")
	if err != nil || len(starts) < 3 {
		t.Fatal(starts, err)
	}
	m.mu.Lock()
	have, want := len(m.files["/log/hashes"].synced), tlog.StoredHashIndex(0, starts[len(starts)-1])*tlog.HashSize
	m.mu.Unlock()
	if int64(have) < want {
		t.Errorf("%d bytes of hashes are durable, the older segments have %d", have, want)
	}
	closeLog(t, l)
}

// TestPowerLoss can fail: without the sync, acknowledged records are lost.
func TestPowerLossWithoutSync(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m})
	mustPut(t, l, "first")
	m.mu.Lock()
	m.noSync = true
	m.mu.Unlock()
	acked := fill(t, l, 4, 10)
	dir := m.powerLoss(t, nil)
	l.Close()
	re, err := Open(Options{Dir: dir, Node: "test"})
	if err == nil {
		closeLog(t, re)
		if lost(t, dir, acked) == 0 {
			t.Fatal("nothing synced and nothing lost: the fault layer does not work")
		}
	}
}

// A new segment whose name was never made durable loses its records.
func TestPowerLossWithoutSyncDir(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m, Settings: Settings{SegmentBytes: 4 << 10}})
	mustPut(t, l, "first")
	m.mu.Lock()
	m.noDir = true
	m.mu.Unlock()
	acked := fill(t, l, 2, 20)
	dir := m.powerLoss(t, nil)
	l.Close()
	re, err := Open(Options{Dir: dir, Node: "test"})
	if err == nil {
		closeLog(t, re)
		if lost(t, dir, acked) == 0 {
			t.Fatal("no name synced and nothing lost: the fault layer does not work")
		}
	}
}

// Without space records fail, none is half written, and the log goes on by
// itself when there is space again.
func TestNoSpace(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m})
	for i := range 5 {
		mustPut(t, l, fmt.Sprint("before-", i))
	}
	for _, room := range []int64{0, 1, 31, 32, 100, 300} {
		m.mu.Lock()
		m.room = room
		m.mu.Unlock()
		if _, err := put(l, "none"); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
		if l.Err() != nil {
			t.Fatalf("no space is not the end: %v", l.Err())
		}
		m.mu.Lock()
		if b := m.files["/log/"+segName(0)].data; b[len(b)-1] != '\n' || bytes.Count(b, []byte("\n")) != 5 {
			t.Errorf("room for %d bytes: half a record was left behind", room)
		}
		m.mu.Unlock()
	}
	m.mu.Lock()
	m.room = -1
	m.mu.Unlock()
	if i := mustPut(t, l, "after"); i != 5 {
		t.Errorf("the next record is number %d", i)
	}
	closeLog(t, l)
	if err := m.SyncDir("/log"); err != nil {
		t.Fatal(err)
	}
	dir := m.powerLoss(t, nil)
	if got := records(t, dir); len(got) != 6 {
		t.Errorf("%d records", len(got))
	}
	closeLog(t, openLog(t, Options{Dir: dir})) // makes the hashes durable again
	verified(t, dir)
}

// Without a file handle for the next segment the last one goes on.
func TestNoFileHandles(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m, Settings: Settings{SegmentBytes: 2 << 10}})
	m.mu.Lock()
	m.openErr, m.openOf = syscall.EMFILE, "seg-"
	m.mu.Unlock()
	fill(t, l, 1, 10)
	m.mu.Lock()
	m.openErr = nil
	m.mu.Unlock()
	fill(t, l, 1, 10)
	closeLog(t, l)
	dir := m.powerLoss(t, nil)
	closeLog(t, openLog(t, Options{Dir: dir}))
	if got := len(records(t, dir)); got != 20 {
		t.Errorf("%d records", got)
	}
	if starts, _ := segments(osFS{}, dir); len(starts) < 3 {
		t.Errorf("segments %v", starts)
	}
	verified(t, dir)
}

// After a failed sync the log is closed for good and never syncs again.
func TestSyncError(t *testing.T) {
	m := newMemFS()
	var said []string
	l := openLog(t, Options{Dir: "/log", FS: m, Logf: func(f string, a ...any) { said = append(said, fmt.Sprintf(f, a...)) }})
	mustPut(t, l, "good")
	m.mu.Lock()
	m.syncErr = syscall.EIO
	m.mu.Unlock()
	if _, err := put(l, "bad"); !errors.Is(err, ErrFailed) || !errors.Is(err, syscall.EIO) {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.syncErr = nil
	syncs := m.syncs
	m.mu.Unlock()
	if _, err := put(l, "later"); !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
	if err := l.Checkpoint(); !errors.Is(err, ErrFailed) {
		t.Error("a failed log signs:", err)
	}
	if l.Size() != 1 || !errors.Is(l.Err(), ErrFailed) {
		t.Error(l.Size(), l.Err())
	}
	if err := l.Close(); !errors.Is(err, ErrFailed) {
		t.Error(err)
	}
	if m.syncs != syncs {
		t.Error("it synced again after the failure")
	}
	if len(said) == 0 {
		t.Error("the operator was told nothing")
	}
}

// A second process is refused and told what to do; a verifier is not, and does
// not keep the first from starting.
func TestSecondProcess(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	_, err := Open(Options{Dir: dir, Node: "test"})
	if !errors.Is(err, ErrLocked) {
		t.Fatal(err)
	}
	wantText(t, err, "another process", "data_dir")
	mustPut(t, l, "one")
	rep, err := Verify(dir, VerifyOptions{})
	if err != nil || !rep.Live {
		t.Fatal(rep, err)
	}
	closeLog(t, l)
	if rep := verified(t, dir); rep.Live {
		t.Error("a closed log is called live")
	}
	if _, err := put(l, "late"); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Error("closing twice:", err)
	}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				filelock.Held(filepath.Join(dir, "lock"))
			}
		}
	})
	for range 20 {
		closeLog(t, openLog(t, Options{Dir: dir}))
	}
	close(stop)
	wg.Wait()
}

// Who waits for an acknowledgement can give up; the record is written all the same.
func TestWaitGivesUp(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	a := l.append(encodeEnded("test", "cfg", StageCompleted, exchange("left"), nil, nil), true, nil)
	if _, err := a.Wait(ctx); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if i, err := a.Wait(context.Background()); i != 0 || err != nil {
		t.Fatal(i, err)
	}
	closeLog(t, l)
}

// A record that nobody waits for is written soon, and before the log closes.
func TestLazy(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	a := l.append(encodeEnded("test", "cfg", StageCompleted, exchange("lazy"), nil, nil), false, nil)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if _, err := a.Wait(ctx); err != nil {
		t.Fatal(err)
	}
	l.append(encodeEnded("test", "cfg", StageCompleted, exchange("lazy2"), nil, nil), false, nil)
	closeLog(t, l)
	if n := len(records(t, dir)); n != 2 {
		t.Fatalf("%d records", n)
	}
}
