package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// putAt appends a record that was made at a time.
func putAt(t testing.TB, l *Log, id string, at time.Time) {
	t.Helper()
	x := exchange(id)
	x.End = at
	if _, err := l.append(encodeEnded("test", "cfg", StageCompleted, x, nil, nil), true, nil).Wait(context.Background()); err != nil {
		t.Fatal(err)
	}
}

// aged makes a log of 120 records, one a day, the last one today.
func aged(t testing.TB, o Options, now time.Time) *Log {
	t.Helper()
	o.SegmentBytes = 16 << 10
	l := openLog(t, o)
	for i := range 120 {
		putAt(t, l, fmt.Sprintf("id-%d", i), now.Add(-time.Duration(119-i)*24*time.Hour))
		if i%17 == 0 {
			if err := l.Checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
	}
	return l
}

// Old records go by whole segments, on record; what stays proves and verifies as
// before, and so do receipts of records that are gone.
func TestPrune(t *testing.T) {
	dir, now := logDir(t), time.Now()
	l := aged(t, Options{Dir: dir, Settings: Settings{Retention: 50 * 24 * time.Hour}}, now)
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	old := records(t, dir)[5]
	receipt, err := Prove(dir, 5)
	if err != nil {
		t.Fatal(err)
	}
	checkpoints := entries(snapshot(t, dir))
	first, err := l.prune(now)
	if err != nil {
		t.Fatal(err)
	}
	if first <= 0 || first > 120-50 {
		t.Fatalf("the first kept record is %d", first)
	}
	if again, err := l.prune(now); again != first || err != nil {
		t.Error(again, err)
	}
	mustPut(t, l, "after")
	closeLog(t, l)
	rep := verified(t, dir)
	if rep.First != first || rep.Records != 122 || rep.Checkpoints < 7 {
		t.Errorf("%+v", rep)
	}
	if ev := events(t, dir); len(ev) != 1 || !strings.HasPrefix(ev[0], fmt.Sprintf("pruned: first kept record %d; removed ", first)) {
		t.Errorf("events %q", ev)
	}
	for _, c := range checkpoints {
		if _, err := Verify(dir, VerifyOptions{Since: c}); err != nil {
			t.Error(err)
		}
		if _, err := Verify(dir, VerifyOptions{Held: [][]byte{c}}); err != nil {
			t.Error(err)
		}
	}
	if _, err := VerifyReceipt(receipt, old.Raw, readKey(t, dir, "key.pub")); err != nil {
		t.Error(err)
	}
	if again, err := Prove(dir, 5); err != nil {
		t.Error("a record that is gone is no longer proved:", err)
	} else if _, err := VerifyReceipt(again, old.Raw, readKey(t, dir, "key.pub")); err != nil {
		t.Error(err)
	}
	if _, err := Line(dir, 5); err == nil || !strings.Contains(err.Error(), "pruned") {
		t.Error(err)
	}
	if found, err := Find(dir, "id-119"); err != nil || len(found) != 1 {
		t.Error(found, err)
	}
	tiles, err := ExportTiles(dir, t.TempDir(), nil)
	if err != nil || tiles.First != 256 {
		t.Errorf("%+v, %v", tiles, err)
	}
	// It goes on, also over a start, and prunes again.
	l = openLog(t, Options{Dir: dir, Settings: Settings{SegmentBytes: 16 << 10, Retention: 20 * 24 * time.Hour}})
	further, err := l.prune(now)
	if err != nil || further <= first {
		t.Fatal(further, err)
	}
	closeLog(t, l)
	if rep := verified(t, dir); rep.First != further {
		t.Errorf("%+v", rep)
	}
	pruned := snapshot(t, dir)
	delete(pruned, "lock")
	for name, mutate := range map[string]func(s snap){
		"one segment more":       func(s snap) { delete(s, present(s, segmentNames(s))[0]) },
		"a hash of what is gone": func(s snap) { s["hashes"][40] ^= 1 },
		"no hashes":              func(s snap) { delete(s, "hashes") },
	} {
		s := pruned.clone()
		mutate(s)
		dir := s.write(t)
		if _, err := Verify(dir, VerifyOptions{}); !errors.Is(err, ErrTampered) {
			t.Errorf("%s: %v", name, err)
		}
		if name == "a hash of what is gone" {
			continue // found by verify; a start reads no more than it needs
		}
		if _, err := Open(Options{Dir: dir, Node: "test"}); !errors.Is(err, ErrDisagree) {
			t.Errorf("%s: it starts: %v", name, err)
		}
	}
}

func segmentNames(s snap) (out []string) {
	for name := range s {
		if strings.HasPrefix(name, "seg-") {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// Segments that were removed without a record of it are missing, not pruned.
func TestMissingIsNotPruned(t *testing.T) {
	s := snapshot(t, filled(t, 100))
	delete(s, "lock")
	delete(s, segmentNames(s)[0])
	second := segmentNames(s)[0]
	var n int64
	if _, err := fmt.Sscanf(second, "seg-%020d.jsonl", &n); err != nil {
		t.Fatal(err)
	}
	s[prunedName] = fmt.Appendf(nil, prunedForm+"\n", n) // a liar's
	_, err := Verify(s.write(t), VerifyOptions{})
	wantText(t, err, "no record says that they were pruned")
}

// Whatever of a pruning reaches the disk before the power fails, the log opens
// and verifies.
func TestPowerLossInPrune(t *testing.T) {
	for seed := range uint64(20) {
		now := time.Now()
		m := newMemFS()
		l := aged(t, Options{Dir: "/log", FS: m, Settings: Settings{Retention: 50 * 24 * time.Hour}}, now)
		m.mu.Lock()
		m.removes = int(seed%4) - 1 // so many, or all; then the power fails
		m.mu.Unlock()
		_, err := l.prune(now)
		dir := m.powerLoss(t, rand.New(rand.NewPCG(seed, 3)))
		l.Close()
		if (err == nil) != (seed%4 == 0) {
			t.Fatalf("seed %d: %v", seed, err)
		}
		re, err := Open(Options{Dir: dir, Node: "test"})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		closeLog(t, re)
		verified(t, dir)
	}
}

func TestNothingToPrune(t *testing.T) {
	now := time.Now()
	for _, keep := range []time.Duration{0, -1, 400 * 24 * time.Hour} {
		dir := logDir(t)
		l := aged(t, Options{Dir: dir, Settings: Settings{Retention: keep}}, now)
		if first, err := l.prune(now); first != 0 || err != nil {
			t.Error(first, err)
		}
		closeLog(t, l)
		if len(events(t, dir)) != 0 {
			t.Error("events of nothing")
		}
	}
}

// A segment ends by its age too, also when it was begun by another process.
func TestSegmentAge(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir, Settings: Settings{SegmentAge: time.Hour}})
	made := time.Now().Add(-2 * time.Hour)
	putAt(t, l, "old", made)
	closeLog(t, l)
	l = openLog(t, Options{Dir: dir, Settings: Settings{SegmentAge: time.Hour}})
	if l.due(made.Add(30*time.Minute)) || !l.due(made.Add(90*time.Minute)) {
		t.Error("the age of a segment is not that of its first record")
	}
	mustPut(t, l, "in a segment of its own")
	closeLog(t, l)
	if starts, err := segments(osFS{}, dir); err != nil || len(starts) != 2 {
		t.Error(starts, err)
	}
	verified(t, dir)
}

// On a full disk new calls are refused, how the others end is written from the
// reserve, and the log goes on by itself.
func TestFullDisk(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m, Settings: Settings{Ballast: 64 << 10}})
	now := l.opened
	onWriter(t, l, func() { l.checkSpace(now.Add(time.Second)) })
	m.mu.Lock()
	if n := len(m.files["/log/"+ballastName].synced); n != 64<<10 {
		t.Errorf("%d bytes are in reserve", n)
	}
	m.room = 300
	m.mu.Unlock()
	var refused error
	for i := 0; refused == nil && i < 10; i++ {
		_, refused = put(l, "call")
	}
	if !errors.Is(refused, ErrFull) {
		t.Fatal(refused)
	}
	ends := 0
	for i := range 20 {
		l.append(encodeEnded("test", "cfg", StageCompleted, exchange(fmt.Sprint("end-", i)), nil, nil), false, func() { ends-- })
		ends++
	}
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if ends != 20 {
		t.Errorf("%d of 20 outcomes were written", ends)
	}
	onWriter(t, l, func() { l.checkSpace(now.Add(time.Minute)) })
	if _, err := put(l, "call"); !errors.Is(err, ErrFull) {
		t.Error("still full:", err)
	}
	m.mu.Lock()
	m.room = -1
	m.mu.Unlock()
	onWriter(t, l, func() { l.checkSpace(now.Add(2 * time.Minute)) })
	mustPut(t, l, "call")
	closeLog(t, l)
	dir := m.powerLoss(t, nil)
	closeLog(t, openLog(t, Options{Dir: dir}))
	if ev := events(t, dir); len(ev) != 2 || !strings.HasPrefix(ev[0], "disk_full: ") || !strings.HasPrefix(ev[1], "disk_ok: ") {
		t.Errorf("events %q", ev)
	}
	verified(t, dir)
}

// A process that starts on a full disk has the reserve of the one before.
func TestStartOnFullDisk(t *testing.T) {
	m := newMemFS()
	o := Options{Dir: "/log", FS: m, Settings: Settings{Ballast: 64 << 10}}
	l := openLog(t, o)
	onWriter(t, l, func() { l.checkSpace(l.opened.Add(time.Second)) })
	mustPut(t, l, "one")
	closeLog(t, l)
	m.mu.Lock()
	seg := m.files["/log/"+segName(0)]
	seg.data = append(seg.data, `{"v":1,"seq":1,`...) // so that there is something to record
	m.room = 10
	m.mu.Unlock()
	l = openLog(t, o)
	if _, err := put(l, "call"); !errors.Is(err, ErrFull) {
		t.Error(err)
	}
	closeLog(t, l)
}

// onWriter runs f where the writer cannot.
func onWriter(t *testing.T, l *Log, f func()) {
	t.Helper()
	if !l.ask(f) {
		t.Fatal("the log is closed")
	}
}

// A disk that can only be read refuses calls and nothing else; when it can be
// written again the log goes on.
func TestReadOnly(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m})
	mustPut(t, l, "before")
	m.mu.Lock()
	m.readOnly = true
	m.mu.Unlock()
	for range 3 {
		if _, err := put(l, "never"); !errors.Is(err, syscall.EROFS) {
			t.Fatal(err)
		}
	}
	if err := l.Checkpoint(); !errors.Is(err, syscall.EROFS) || l.Err() != nil {
		t.Error(err, l.Err())
	}
	m.mu.Lock()
	m.readOnly = false
	m.mu.Unlock()
	if i := mustPut(t, l, "after"); i != 1 {
		t.Errorf("record %d", i)
	}
	closeLog(t, l)
}

// Without file handles no checkpoint can be written; records go on, and the next
// checkpoint covers them.
func TestNoFileHandlesForCheckpoint(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m})
	mustPut(t, l, "one")
	m.mu.Lock()
	m.openErr, m.openOf = syscall.EMFILE, "checkpoint"
	m.mu.Unlock()
	for range 3 {
		mustPut(t, l, "more")
		if err := l.Checkpoint(); !errors.Is(err, syscall.EMFILE) {
			t.Fatal(err)
		}
	}
	m.mu.Lock()
	m.openErr = nil
	m.mu.Unlock()
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	dir := m.powerLoss(t, nil)
	closeLog(t, openLog(t, Options{Dir: dir}))
	if rep := verified(t, dir); rep.Records != 4 {
		t.Errorf("%+v", rep)
	}
}

// What a checkpoint or a rotated key promised survives a power loss.
func TestPowerLossAfterPromise(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m})
	mustPut(t, l, "one")
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	history := entries(snapshot(t, m.powerLoss(t, nil)))
	if n := len(history); n == 0 || !bytes.Contains(history[n-1], []byte("\n1\n")) {
		t.Errorf("the history lost its last checkpoint: %q", history)
	}
	vkey, err := l.RotateKey(time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	dir := m.powerLoss(t, nil)
	l.Close()
	re := openLog(t, Options{Dir: dir})
	if re.VerifierKey() != vkey {
		t.Error("the new key is lost")
	}
	closeLog(t, re)
	verified(t, dir)
}

// A record in a new segment survives though nothing but the segment's own begin
// made its name durable.
func TestPowerLossInNewSegment(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m, Settings: Settings{SegmentBytes: 4 << 10}})
	acked := map[int64]string{}
	for i := range 10 {
		id := fmt.Sprint("id-", i)
		acked[mustPut(t, l, id)] = id
		dir := m.powerLoss(t, nil)
		re := openLog(t, Options{Dir: dir})
		closeLog(t, re)
		if n := lost(t, dir, acked); n > 0 {
			t.Fatalf("%d acknowledged records are lost after %d", n, i+1)
		}
		if err := l.Checkpoint(); err != nil {
			t.Fatal(err)
		}
	}
	closeLog(t, l)
}

// Records whose sync failed, found in memory by the next start, are made durable
// before they are signed.
func TestFoundRecordsAreSynced(t *testing.T) {
	m := newMemFS()
	l := openLog(t, Options{Dir: "/log", FS: m})
	mustPut(t, l, "durable")
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	m.mu.Lock()
	m.syncErr = syscall.EIO
	m.mu.Unlock()
	if _, err := put(l, "in memory only"); !errors.Is(err, ErrFailed) {
		t.Fatal(err)
	}
	l.Close()
	m.mu.Lock()
	m.syncErr = nil
	m.mu.Unlock()
	first := -1
	m.onSync = func(name string) {
		if first < 0 && strings.Contains(name, "seg-") {
			first = strings.Count(string(m.files[name].data), "\n")
		}
	}
	l = openLog(t, Options{Dir: "/log", FS: m})
	if l.Size() != 3 { // and the record of the recovery
		t.Errorf("%d records", l.Size())
	}
	if first != 2 {
		t.Errorf("at the first sync there were %d records", first)
	}
	closeLog(t, l)
}

// A clock that is set is on record; the order of records does not depend on it.
func TestClockSet(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	for _, jump := range []time.Duration{0, time.Second, -time.Hour, -time.Hour, -time.Hour, time.Minute} {
		onWriter(t, l, func() { l.checkClock(jump) })
	}
	if j := l.clockJump(time.Now()); j < -time.Second || j > time.Second {
		t.Errorf("the clock jumped by %s", j)
	}
	closeLog(t, l)
	if ev := strings.Join(events(t, dir), "\n"); ev != "clock_set: by -1h0m0s\nclock_set: by 1h1m0s" {
		t.Errorf("events %s", ev)
	}
}

// After an override the log verifies from there on, if one knows of it; the old
// checkpoints are kept aside.
func TestVerifyOverridden(t *testing.T) {
	s := snapshot(t, filled(t, 60))
	delete(s, "lock")
	segs := segmentNames(s)
	last := segs[len(segs)-1]
	lines := bytes.SplitAfter(s[last], []byte("\n"))
	s[last] = bytes.Join(lines[:len(lines)-3], nil)
	dir := s.write(t)
	l, err := Open(Options{Dir: dir, Node: "test", AllowDisagreement: true, Reason: "the disk was replaced"})
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, l, "after")
	closeLog(t, l)
	if _, err := Verify(dir, VerifyOptions{}); !errors.Is(err, ErrTampered) || !strings.Contains(err.Error(), "the disk was replaced") {
		t.Error(err)
	}
	rep, err := Verify(dir, VerifyOptions{AllowOverridden: true})
	if err != nil || len(rep.Overridden) != 1 {
		t.Errorf("%+v, %v", rep, err)
	}
	if _, err := Verify(dir, VerifyOptions{AllowOverridden: true, Held: [][]byte{s["checkpoint"]}}); !errors.Is(err, ErrTampered) {
		t.Error("the old checkpoint holds:", err)
	}
	aside, err := filepath.Glob(filepath.Join(dir, "checkpoint*.overridden-*"))
	if err != nil || len(aside) != 2 {
		t.Error(aside, err)
	}
	for _, path := range aside {
		if b, err := os.ReadFile(path); err != nil || len(b) == 0 {
			t.Error(err)
		}
	}
}
