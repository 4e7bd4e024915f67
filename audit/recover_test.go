package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
)

// Every length to which the last record can be torn is recovered, and recorded.
func TestTornTail(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	for i := range 3 {
		mustPut(t, l, fmt.Sprint("id-", i))
	}
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir) // the checkpoint covers three records
	mustPut(t, l, "last")
	closeLog(t, l)
	seg, err := os.ReadFile(filepath.Join(dir, segName(0)))
	if err != nil {
		t.Fatal(err)
	}
	start := len(before[segName(0)])
	for end := start; end < len(seg); end += 37 {
		before[segName(0)] = seg[:end]
		d := before.write(t)
		re := openLog(t, Options{Dir: d})
		mustPut(t, re, "after")
		closeLog(t, re)
		got := records(t, d)
		torn := end > start
		if wantLen := map[bool]int{false: 4, true: 5}[torn]; len(got) != wantLen {
			t.Fatalf("torn at %d: %d records, want %d", end, len(got), wantLen)
		}
		if torn {
			if r := got[3]; r.Stage != StageSystem || r.Event != "recovered" || !strings.Contains(r.Detail, fmt.Sprintf("cut %d bytes", end-start)) {
				t.Fatalf("torn at %d: the record of it is %s", end, r.Raw)
			}
		}
		if got[len(got)-1].Request != "after" {
			t.Fatalf("torn at %d: last is %s", end, got[len(got)-1].Raw)
		}
		verified(t, d)
	}
}

// A batch of which the disk took later pages but not earlier ones.
func TestTornInTheMiddle(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	mustPut(t, l, "good")
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	before := snapshot(t, dir)
	for i := range 5 {
		mustPut(t, l, fmt.Sprint("unacknowledged-", i))
	}
	closeLog(t, l)
	seg, err := os.ReadFile(filepath.Join(dir, segName(0)))
	if err != nil {
		t.Fatal(err)
	}
	start := len(before[segName(0)])
	clear(seg[start+100 : start+200])
	before[segName(0)] = seg
	d := before.write(t)
	closeLog(t, openLog(t, Options{Dir: d}))
	got := records(t, d)
	if len(got) != 2 || got[1].Event != "recovered" {
		t.Fatalf("%d records, last %s", len(got), got[len(got)-1].Raw)
	}
	verified(t, d)
}

// Whole records behind the last checkpoint are kept, and it is on record that
// nothing vouches for them but the disk.
func TestUnsignedTailIsKept(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	mustPut(t, l, "signed")
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	mustPut(t, l, "unsigned")
	mustPut(t, l, "unsigned too")
	d := snapshot(t, dir).write(t) // as kill -9 leaves it
	closeLog(t, l)
	if _, err := Verify(d, VerifyOptions{}); !errors.Is(err, ErrTampered) {
		t.Errorf("unsigned records verify: %v", err)
	}
	rep, err := Verify(d, VerifyOptions{AllowUnsigned: true})
	if err != nil || rep.Records != 3 || rep.Signed != 1 {
		t.Errorf("%+v, %v", rep, err)
	}
	closeLog(t, openLog(t, Options{Dir: d}))
	if ev := events(t, d); len(ev) != 1 || !strings.Contains(ev[0], "kept 2 records") {
		t.Errorf("events %q", ev)
	}
	verified(t, d)
}

// snap is the content of a log's directory.
type snap map[string][]byte

func snapshot(t testing.TB, dir string) snap {
	t.Helper()
	s := snap{}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		s[e.Name()] = b
	}
	return s
}

func (s snap) clone() snap {
	c := snap{}
	for k, v := range s {
		c[k] = bytes.Clone(v)
	}
	return c
}

func (s snap) write(t testing.TB) string {
	t.Helper()
	dir := logDir(t)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, b := range s {
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// Verify, Prove, Find and Scan work while the log grows and begins segments.
func TestReadWhileWritten(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir, Settings: Settings{SegmentBytes: 8 << 10}})
	mustPut(t, l, "first")
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for i := range 1000 {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := put(l, fmt.Sprint("id-", i)); err != nil {
				t.Error(err)
				return
			}
			if i%5 == 0 {
				if err := l.Checkpoint(); err != nil {
					t.Error(err)
					return
				}
			}
		}
	}()
	for range 25 {
		if rep, err := Verify(dir, VerifyOptions{}); err != nil || !rep.Live {
			t.Errorf("%+v: %v", rep, err)
			break
		}
		if found, err := Find(dir, "first"); err != nil || len(found) != 1 {
			t.Error(found, err)
			break
		}
		if receipt, err := Prove(dir, 0); err != nil {
			t.Error(err)
			break
		} else if _, err := VerifyReceipt(receipt, records(t, dir)[0].Raw, l.VerifierKey()); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	<-done
	closeLog(t, l)
	t.Log(verified(t, dir))
}

// The search for an id that is not there ends at its own time.
func TestOlder(t *testing.T) {
	line := asLine(encodeEnded("n", "c", StageCompleted, exchange("x"), nil, nil), "0") // of 2026
	v7, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	for id, want := range map[string]bool{
		"0193": false, "": false, "0192f0c1-2345-7000-8000-000000000000": false, // of 2024
		"ffffffff-ffff-7000-8000-000000000000": true, uuid.NewString(): false,
	} {
		if got := older(line, id); got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	if older(line, v7.String()) != older(line, strings.ToUpper(v7.String())) {
		t.Error("upper case")
	}
}
