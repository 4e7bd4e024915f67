package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// tb is what both testing and rapid have.
type tb interface {
	Helper()
	Fatal(...any)
}

func copyFile(t tb, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// snapshot copies the files of an open ledger as a process leaves them that is
// killed now.
func snapshot(t tb, l *Ledger, to string) {
	t.Helper()
	// Not in the middle of a commit of bbolt: a copy is not made at one instant.
	tx, err := l.db.Begin(true)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	copyFile(t, l.path, to)
	copyFile(t, l.path+journalSuffix, to+journalSuffix)
}

// never keeps all writes in the journal.
var never = hooks{applyEvery: 24 * time.Hour}

// crashed makes n durable reservations, each in a frame of its own and settled for
// but the last, and returns the files as a kill leaves them.
func crashed(t testing.TB, n int, h hooks) (path string) {
	t.Helper()
	l := open(t, Options{hooks: h})
	var before *Hold
	for i := range n {
		if before != nil {
			before.Settle(noon, Row{Cost: 1})
		}
		before, _ = take(t, l, noon, id(i), 10, charge(crashBudget, "k"))
	}
	path = filepath.Join(t.TempDir(), "copy.db")
	snapshot(t, l, path)
	if err := l.Close(); err != nil && h.beforeApply == nil {
		t.Fatal(err)
	}
	return path
}

// settledAt opens the files and returns what they say was spent.
func settledAt(t testing.TB, path string, logf func(string, ...any)) llm.Money {
	t.Helper()
	l := openAt(t, path, Options{Logf: logf})
	s, held, _ := l.Balance(*crashBudget, "k", noon)
	if held != 0 {
		t.Errorf("%d held after a start", held)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return s
}

func framesOf(t testing.TB, path string) (*journal, []frame) {
	t.Helper()
	return framesAfter(t, path, 0)
}

func framesAfter(t testing.TB, path string, seq uint64) (*journal, []frame) {
	t.Helper()
	j, err := openJournal(path+journalSuffix, os.O_RDONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	frames, _, err := j.read(seq)
	if err != nil {
		t.Fatal(err)
	}
	return j, frames
}

func change(t testing.TB, path string, f func(b []byte) []byte) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, f(b), 0o600); err != nil {
		t.Fatal(err)
	}
}

func inBolt(t testing.TB, path string, f func(tx *bbolt.Tx) error) {
	t.Helper()
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.Update(f), db.Close()); err != nil {
		t.Fatal(err)
	}
}

func marksOf(t testing.TB, path string) (m marks) {
	t.Helper()
	inBolt(t, path, func(tx *bbolt.Tx) (err error) { m, err = readMarks(tx); return err })
	return m
}

// The last frame may be torn in any way: what was durable before it is there, the
// torn one counts whole or not at all, and an operator is told.
func TestTornLastFrame(t *testing.T) {
	path := crashed(t, 4, never)
	_, frames := framesOf(t, path)
	last := frames[len(frames)-1]
	if len(frames) != 4 {
		t.Fatalf("%d frames", len(frames))
	}
	whole, err := os.ReadFile(path + journalSuffix)
	if err != nil {
		t.Fatal(err)
	}
	end := int(last.at) + frameHead + len(last.records)
	for cut := int(last.at); cut <= end; cut++ {
		torn := slices.Clone(whole)
		clear(torn[cut:])
		again := filepath.Join(t.TempDir(), "torn.db")
		copyFile(t, path, again)
		if err := os.WriteFile(again+journalSuffix, torn, 0o600); err != nil {
			t.Fatal(err)
		}
		told := false
		got := settledAt(t, again, func(msg string, args ...any) { told = told || strings.Contains(msg, "not written whole") })
		// In the last frame the third call was settled and the fourth reserved.
		want := llm.Money(1 + 1 + 10)
		if string(torn) == string(whole) {
			want = 1 + 1 + 1 + 10
		}
		if got != want {
			t.Fatalf("cut at %d of %d: %d settled, want %d", cut-int(last.at), end-int(last.at), got, want)
		}
		// Who reads it knows by magic and number that it was begun.
		if head := cut >= int(last.at)+9; told != (head && string(torn) != string(whole)) {
			t.Fatalf("cut at %d: told %v", cut-int(last.at), told)
		}
	}
}

// The first frame of a process may be torn as well: what tells how far the journal
// goes is still there.
func TestTornFirstFrame(t *testing.T) {
	path := crashed(t, 4, never)
	for round := range 3 {
		l := openAt(t, path, Options{hooks: never})
		seq := l.j.seq
		take(t, l, noon, ID{Request: fmt.Sprint("first", round)}, 10, charge(crashBudget, "k"))
		path = filepath.Join(t.TempDir(), "copy.db")
		snapshot(t, l, path)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		_, frames := framesAfter(t, path, seq)
		if len(frames) != 1 {
			t.Fatalf("%d frames", len(frames))
		}
		change(t, path+journalSuffix, func(b []byte) []byte {
			clear(b[frames[0].at:][:64])
			return b
		})
	}
	if got := settledAt(t, path, nil); got != 13 {
		t.Errorf("%d settled", got)
	}
}

// A frame that others were written after was whole once: whatever is wrong with it
// is damage, nothing opens, and the error says where.
func TestDamagedFrameRefuses(t *testing.T) {
	for name, h := range map[string]hooks{
		"in one area":                        never,
		"in two areas, none of them applied": {area: 4 * journalPage, applyEvery: time.Hour, beforeApply: func() error { return diskFull }},
	} {
		t.Run(name, func(t *testing.T) {
			path := crashed(t, 6, h) // two pages, then four
			_, frames := framesOf(t, path)
			if len(frames) != 6 {
				t.Fatalf("%d frames", len(frames))
			}
			for i, f := range frames[:5] {
				for _, at := range []int64{0, 4, 9, 16, frameHead, frameHead + int64(len(f.records)) - 1} {
					damaged := filepath.Join(t.TempDir(), "damaged.db")
					copyFile(t, path, damaged)
					copyFile(t, path+journalSuffix, damaged+journalSuffix)
					change(t, damaged+journalSuffix, func(b []byte) []byte { b[f.at+at] ^= 0x10; return b })
					_, err := Open(damaged, Options{})
					if !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), damaged+journalSuffix) {
						t.Fatalf("frame %d, byte %d: %v", i, at, err)
					}
					if i > 0 && !strings.Contains(err.Error(), fmt.Sprintf("at byte %d:", f.at)) {
						t.Errorf("frame %d, byte %d of it, lies at %d: %v", i, at, f.at, err)
					}
					if _, err := Inspect(damaged); !errors.Is(err, ErrJournal) {
						t.Errorf("inspect: %v", err)
					}
					if err := ReadRows(damaged, time.Time{}, func(*Row) bool { return true }); !errors.Is(err, ErrJournal) {
						t.Errorf("rows: %v", err)
					}
				}
			}
		})
	}
}

// The two files belong together: one without the other, or of another time, is
// found out.
func TestFilesThatDoNotBelongTogether(t *testing.T) {
	// Three moments of one ledger, with areas that have taken turns in between, and
	// another ledger.
	l := open(t, Options{hooks: hooks{area: 4 * journalPage, applyEvery: time.Millisecond}})
	dir := t.TempDir()
	at := func(n int) string { return filepath.Join(dir, fmt.Sprint(n)) }
	for i := range 3 {
		for n := range 20 {
			h, _ := take(t, l, noon, id(100*i+n), 10, charge(crashBudget, "k"))
			h.Settle(noon, Row{Cost: 1})
			time.Sleep(time.Millisecond)
		}
		take(t, l, noon, id(100*i+99), 10, charge(crashBudget, "k"))
		snapshot(t, l, at(i))
	}
	other := crashed(t, 2, never)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	closed := l.path
	fresh := open(t, Options{})
	if err := fresh.Close(); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, file, journal string
		want                string // in the error; empty: it opens
	}{
		{"as they were", at(1), at(1), ""},
		{"closed", closed, closed, ""},
		{"closed, without its journal", closed, "", ""},
		{"in use, without its journal", at(1), "", "is missing"},
		{"an older file", at(0), at(2), "older than its journal"},
		{"an older journal", at(2), at(0), "the journal is older"},
		{"another's journal", at(1), other, "belongs to another ledger"},
		{"closed, with another's journal", fresh.path, other, "belongs to another ledger"},
		{"closed, with a journal in which nothing is", fresh.path, closed, "belongs to another ledger"},
		{"closed, with its own journal of before", closed, at(0), ""},
		{"a journal alone", "", at(1), "belongs to another ledger"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			if tc.file != "" {
				copyFile(t, tc.file, path)
			}
			if tc.journal != "" {
				copyFile(t, tc.journal+journalSuffix, path+journalSuffix)
			}
			l, err := Open(path, Options{})
			if err == nil {
				l.Close()
			}
			if (err == nil) != (tc.want == "") || err != nil && !(errors.Is(err, ErrJournal) && strings.Contains(err.Error(), tc.want)) {
				t.Fatalf("%v", err)
			}
			if err == nil || tc.file == "" || tc.file == closed || tc.file == fresh.path {
				return
			}
			if _, err := Inspect(path); !errors.Is(err, ErrJournal) {
				t.Errorf("inspect: %v", err)
			}
		})
	}
	for _, died := range []bool{false, true} { // after the new journal was made
		t.Run(fmt.Sprint("the loss is accepted, and the start died: ", died), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			copyFile(t, at(1), path)
			if err := os.WriteFile(path+acceptedSuffix, nil, 0o600); err != nil {
				t.Fatal(err)
			}
			want := 1
			if died {
				j, err := createJournal(path+journalSuffix, 7, minArea, false)
				if err := errors.Join(err, j.close()); err != nil {
					t.Fatal(err)
				}
				want = 0
			}
			told := 0
			for range 2 {
				l := openAt(t, path, Options{Logf: func(msg string, _ ...any) {
					if strings.Contains(msg, "lost") {
						told++
					}
				}})
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := os.Stat(path + acceptedSuffix); told != want || !os.IsNotExist(err) {
				t.Errorf("told %d times, the file is there still: %v", told, err)
			}
		})
	}
	t.Run("the loss is accepted, and there is another's journal", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger.db")
		copyFile(t, at(1), path)
		copyFile(t, other+journalSuffix, path+journalSuffix)
		if err := os.WriteFile(path+acceptedSuffix, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path, Options{}); !errors.Is(err, ErrJournal) {
			t.Errorf("%v", err)
		}
	})
}

func TestNotAJournal(t *testing.T) {
	path := crashed(t, 2, never)
	whole, err := os.ReadFile(path + journalSuffix)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"empty":     nil,
		"short":     whole[:20],
		"cut":       whole[:len(whole)-1],
		"longer":    append(slices.Clone(whole), 0),
		"text":      []byte(strings.Repeat("this is no journal. ", 1000)),
		"layout":    append(append(slices.Clone(whole[:len(journalMagic)]), 9), whole[len(journalMagic)+1:]...),
		"area":      append(append(slices.Clone(whole[:len(journalMagic)+5]), 0xff), whole[len(journalMagic)+6:]...),
		"other sum": append(append(slices.Clone(whole[:journalHeader-1]), ^whole[journalHeader-1]), whole[journalHeader:]...),
	} {
		t.Run(name, func(t *testing.T) {
			bad := filepath.Join(t.TempDir(), "ledger.db")
			copyFile(t, path, bad)
			if err := os.WriteFile(bad+journalSuffix, b, 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(bad, Options{}); !errors.Is(err, ErrJournal) || !strings.Contains(err.Error(), bad+journalSuffix) {
				t.Errorf("%v", err)
			}
		})
	}
	t.Run("a directory", func(t *testing.T) {
		bad := filepath.Join(t.TempDir(), "ledger.db")
		copyFile(t, path, bad)
		if err := os.Mkdir(bad+journalSuffix, 0o700); err != nil {
			t.Fatal(err)
		}
		if l, err := Open(bad, Options{}); err == nil {
			l.Close()
			t.Error("opened")
		}
	})
}

// A ledger of the time before journals is taken over, and one that was closed is
// complete in its bbolt file and of the layout that it had then.
func TestUpgradeAndBack(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	l := openAt(t, path, Options{})
	h, _ := take(t, l, noon, id(1), 10, charge(crashBudget, "k"))
	h.Settle(noon, Row{Cost: 3})
	take(t, l, noon, id(2), 10, charge(crashBudget, "k")) // left open
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path + journalSuffix); err != nil {
		t.Fatal(err)
	}
	inBolt(t, path, func(tx *bbolt.Tx) error { return tx.Bucket(metaBucket).Delete(journalKey) })
	if m := marksOf(t, path); m != (marks{layout: 2}) {
		t.Fatalf("%+v", m)
	}
	if got := inspectPath(t, path); got.Rows != 1 || got.Open != 1 || got.Settled != 3 {
		t.Errorf("%+v", got)
	}
	l = openAt(t, path, Options{})
	if s, _, _ := l.Balance(*crashBudget, "k", noon); s != 13 {
		t.Errorf("%d settled", s)
	}
	used := filepath.Join(t.TempDir(), "used.db")
	snapshot(t, l, used)
	if m := marksOf(t, used); m.layout != 3 {
		t.Errorf("an older gateway would read a file that is not complete: %+v", m)
	}
	for _, name := range []string{path, path + journalSuffix} {
		if st, err := os.Stat(name); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, st, err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if m := marksOf(t, path); m.layout != 2 || m.applied != l.j.seq {
		t.Errorf("%+v, number %d", m, l.j.seq)
	}
}

// What a process leaves that dies while it makes the journal is no obstacle.
func TestDiesWhileMakingTheJournal(t *testing.T) {
	closed := open(t, Options{})
	h, _ := take(t, closed, noon, id(1), 10, charge(crashBudget, "k"))
	h.Settle(noon, Row{Cost: 3})
	if err := closed.Close(); err != nil {
		t.Fatal(err)
	}
	for name, leave := range map[string]func(path string) error{
		"half of it, under another name": func(path string) error { return os.WriteFile(path+journalSuffix+".new", []byte("half"), 0o644) },
		"made, and not mentioned yet": func(path string) error {
			j, err := createJournal(path+journalSuffix, 0, minArea, false)
			if err == nil {
				err = j.close()
			}
			return err
		},
	} {
		for _, old := range []bool{false, true} {
			t.Run(fmt.Sprint(name, ", the ledger is old: ", old), func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "ledger.db")
				want := llm.Money(0)
				if old {
					copyFile(t, closed.path, path)
					want = 3
				}
				if err := leave(path); err != nil {
					t.Fatal(err)
				}
				for range 2 {
					if got := settledAt(t, path, nil); got != want {
						t.Errorf("%d settled, want %d", got, want)
					}
				}
				st, err := os.Stat(path + journalSuffix)
				if err != nil || st.Mode().Perm() != 0o600 {
					t.Errorf("%v %v", st, err)
				}
			})
		}
	}
}

// Whoever reads sees what is in the journal only: the rows of an open ledger, and
// all of a file whose process has died.
func TestReadersSeeTheJournal(t *testing.T) {
	for name, h := range map[string]hooks{
		"nothing applied": never,
		"half applied":    {area: 4 * journalPage, applyEvery: time.Hour},
		"all the time":    {area: 4 * journalPage, applyEvery: time.Millisecond},
		"never, for want of room": {area: 64 * journalPage, applyEvery: time.Millisecond,
			beforeApply: func() error { return diskFull }},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, Options{hooks: h})
			day := &Budget{Amount: 1e9, Window: Day, Scope: "key"}
			roll := &Budget{Amount: 1e9, Window: Hour, Rolling: true, Scope: "team"}
			var open, rows int
			var held, sum llm.Money
			for i := range 40 {
				h, _ := take(t, l, noon, id(i), 10, charge(day, fmt.Sprint("k", i%3)), charge(roll, "t"))
				switch i % 4 {
				case 0:
					open, held = open+1, held+10
				case 1:
					h.Cancel()
				default:
					h.Settle(noon, Row{Cost: llm.Money(i)})
					rows, sum = rows+1, sum+llm.Money(i)
				}
			}
			if err := l.Grant(context.Background(), *day, "k1", 77, noon); err != nil { // after it everything is in the journal
				t.Fatal(err)
			}
			seen := map[string]int{}
			last := ""
			if err := l.Rows(time.Time{}, func(r *Row) bool {
				seen[r.Request]++
				if len(r.Request) == len(last) && r.Request <= last {
					t.Errorf("%s after %s", r.Request, last)
				}
				last = r.Request
				return true
			}); err != nil || len(seen) != rows {
				t.Errorf("%d rows of %d: %v", len(seen), rows, err)
			}
			n := 0
			if err := l.Rows(time.Time{}, func(*Row) bool { n++; return n < 3 }); err != nil || n != 3 {
				t.Errorf("%d rows, %v", n, err)
			}
			if err := l.Rows(noon.Add(time.Second), func(r *Row) bool { t.Error(r.Request); return true }); err != nil {
				t.Error(err)
			}
			path := filepath.Join(t.TempDir(), "copy.db")
			snapshot(t, l, path)
			check := func(got Totals, when string) {
				t.Helper()
				var days, rolls llm.Money
				for _, b := range got.Balances {
					if b.Rolling {
						rolls += b.Settled
					} else {
						days += b.Settled
					}
				}
				if got.Open != open || got.Reserved != held || got.Rows != rows || got.Settled != sum || days != sum || rolls != sum {
					t.Errorf("%s: %+v; want %d open with %d, %d rows of %d", when, got, open, held, rows, sum)
				}
			}
			check(inspectPath(t, path), "killed")
			n = 0
			if err := ReadRows(path, time.Time{}, func(*Row) bool { n++; return true }); err != nil || n != rows {
				t.Errorf("%d rows, %v", n, err)
			}
			if _, err := os.Stat(path + journalSuffix + ".new"); !os.IsNotExist(err) || marksOf(t, path).layout != layoutJournal {
				t.Error("reading has changed something")
			}
			err := l.Close()
			if full := h.beforeApply != nil; (err != nil) != full {
				t.Fatal(err)
			}
			check(inspectPath(t, l.path), "closed")
			l = openAt(t, path, Options{})
			defer l.Close()
			if s, _, left := l.Balance(*day, "k1", noon); left != 1e9+77-s {
				t.Errorf("%d settled and %d left: the grant is not there", s, left)
			}
		})
	}
}

// While bbolt's disk is full calls go on as long as the journal has room, then they
// are refused; with space again everything is where it belongs.
func TestFullDiskBehindTheJournal(t *testing.T) {
	var full atomic.Bool
	l := open(t, Options{hooks: hooks{area: 4 * journalPage, applyEvery: time.Millisecond, beforeApply: func() error {
		if full.Load() {
			return diskFull
		}
		return nil
	}}})
	full.Store(true)
	admitted, refused := 0, 0
	for i := range 40 {
		h, _, err := reserve(l, noon, Call{ID: id(i), Time: noon}, 10, []Charge{charge(crashBudget, "k")})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Durable(context.Background()); err == nil {
			if refused > 0 {
				t.Fatal("admitted with a full journal")
			}
			admitted++
			h.Settle(noon, Row{Cost: 3})
			continue
		} else if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		refused++
		h.Cancel()
	}
	// Each area has four pages; the first may have been left half full.
	if admitted < 5 || admitted > 8 || l.Err() != nil {
		t.Errorf("%d admitted, %d refused, %v", admitted, refused, l.Err())
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	snapshot(t, l, path)
	if got := inspectPath(t, path); got.Open+got.Rows != admitted || got.Open > 1 {
		t.Errorf("killed while the disk is full: %+v of %d", got, admitted)
	}
	full.Store(false)
	for n := 100; ; n++ { // it is tried again, but not for each call
		h, _, err := reserve(l, noon, Call{ID: id(n), Time: noon}, 10, []Charge{charge(crashBudget, "k")})
		if err != nil {
			t.Fatal(err)
		}
		if err := h.Durable(context.Background()); err == nil {
			h.Settle(noon, Row{Cost: 3})
			break
		}
		h.Cancel()
		time.Sleep(10 * time.Millisecond)
	}
	if got := inspect(t, l); got.Open != 0 || got.Rows != admitted+1 || got.Settled != 3*llm.Money(admitted+1) || got.Balances[0].Settled != got.Settled {
		t.Errorf("%+v, %d admitted", got, admitted)
	}
}

// A failure of bbolt's that is no full disk is final, and so is any failed sync of
// the journal; what was durable before is there at the next start.
func TestFailuresBehindThePromiseAreFinal(t *testing.T) {
	defer func(f func(*os.File) error) { syncData = f }(syncData)
	for name, errno := range map[string]error{
		"applying": syscall.EIO, "applying, a sync of a full disk": syscall.ENOSPC, "syncing": syscall.EIO, "syncing a full disk": syscall.ENOSPC,
	} {
		t.Run(name, func(t *testing.T) {
			var fail atomic.Bool
			h := hooks{applyEvery: time.Millisecond}
			syncData = dataSync
			if strings.HasPrefix(name, "applying") {
				h.beforeApply = func() error {
					if fail.Load() {
						return errno
					}
					return nil
				}
			} else {
				syncData = func(f *os.File) error {
					if fail.Load() {
						return errno
					}
					return dataSync(f)
				}
			}
			l := open(t, Options{hooks: h})
			take(t, l, noon, id(0), 10, charge(crashBudget, "k"))
			fail.Store(true)
			durable := llm.Money(10)
			for i := 1; l.Err() == nil; i++ {
				h, _, err := reserve(l, noon, Call{ID: id(i), Time: noon}, 10, []Charge{charge(crashBudget, "k")})
				if err == nil && h.Durable(context.Background()) == nil {
					durable += 10
				}
			}
			fail.Store(false)
			if _, _, err := reserve(l, noon, Call{ID: ID{Request: "later"}, Time: noon}, 10, []Charge{charge(crashBudget, "k")}); !errors.Is(err, errno) {
				t.Errorf("promised: %v", err)
			}
			path := l.path
			if err := l.Close(); !errors.Is(err, errno) {
				t.Errorf("closed with %v", err)
			}
			if m := marksOf(t, path); m.layout != layoutJournal {
				t.Errorf("called complete: %+v", m)
			}
			// What failed may be on the disk: then it is charged, as ever.
			if s := settledAt(t, path, nil); s != durable && s != durable+10 {
				t.Errorf("%d settled, %d were durable", s, durable)
			}
		})
	}
}

// A frame that was reported as not written and is on the disk all the same must
// not come back.
func TestDeniedFrameDoesNotComeBack(t *testing.T) {
	for _, next := range []string{"overwritten", "closed", "areas take turns", "time passes"} {
		t.Run(next, func(t *testing.T) {
			var deny atomic.Bool
			every := time.Hour
			if next == "time passes" {
				every = time.Millisecond
			}
			l := open(t, Options{hooks: hooks{area: 4 * journalPage, applyEvery: every, afterCommit: func() error {
				if deny.Load() {
					return diskFull
				}
				return nil
			}}})
			take(t, l, noon, id(0), 10, charge(crashBudget, "k"))
			deny.Store(true)
			h, _, err := reserve(l, noon, Call{ID: ID{Request: strings.Repeat("d", 200)}, Time: noon}, 500, []Charge{charge(crashBudget, "k")})
			if err != nil {
				t.Fatal(err)
			}
			if err := h.Durable(context.Background()); !errors.Is(err, syscall.ENOSPC) {
				t.Fatal(err)
			}
			h.Cancel()
			deny.Store(false)
			want := llm.Money(10)
			switch next {
			case "time passes": // an area that is handed over must not end in it
				time.Sleep(20 * time.Millisecond)
				fallthrough
			case "overwritten":
				take(t, l, noon, id(1), 10, charge(crashBudget, "k"))
				want = 20
			case "areas take turns":
				for i := 1; i < 9; i++ {
					take(t, l, noon, id(i), 10, charge(crashBudget, "k"))
					want += 10
				}
			}
			path := l.path
			if next != "closed" {
				path = filepath.Join(t.TempDir(), "copy.db")
				snapshot(t, l, path)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			if s := settledAt(t, path, nil); s != want {
				t.Errorf("%d settled, want %d", s, want)
			}
		})
	}
}

// An attempt whose row lies among others in the file cannot be had again; one without
// a row can, whether it comes before them, between or behind them.
func TestSettledAttemptsAmongOthers(t *testing.T) {
	l := open(t, Options{hooks: hooks{applyEvery: time.Millisecond}})
	for n := 2; n <= 6; n += 2 {
		h, _ := take(t, l, noon, id(n), 10, charge(crashBudget, "k"))
		h.Settle(noon, Row{Cost: 1})
	}
	l.Close() // all is in bbolt
	l = openAt(t, l.path, Options{})
	defer l.Close()
	for n := 1; n <= 7; n++ {
		h, _, err := reserve(l, noon, Call{ID: id(n), Time: noon}, 10, []Charge{charge(crashBudget, "k")})
		if err != nil {
			t.Fatal(err)
		}
		var want error
		if n%2 == 0 {
			want = ErrDuplicate
		}
		if err := h.Durable(context.Background()); !errors.Is(err, want) {
			t.Errorf("%d: %v, want %v", n, err, want)
		}
	}
}

// An attempt that has a row cannot be had again, wherever the row is.
func TestSettledAttemptCannotBeHadAgain(t *testing.T) {
	for name, h := range map[string]hooks{
		"in the journal":    never,
		"on its way":        {area: 4 * journalPage, applyEvery: time.Millisecond, beforeApply: func() error { return diskFull }},
		"in bbolt":          {applyEvery: time.Millisecond},
		"in the same frame": {applyEvery: time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			l := open(t, Options{hooks: h})
			first, _ := take(t, l, noon, id(1), 10, charge(crashBudget, "k"))
			first.Settle(noon, Row{Cost: 1})
			where := func() string {
				l.pmu.Lock()
				defer l.pmu.Unlock()
				k := string(first.call.key())
				if _, ok := l.current.rows[k]; ok {
					return "in the journal"
				}
				if l.applying != nil {
					if _, ok := l.applying.rows[k]; ok {
						return "on its way"
					}
				}
				return "in bbolt"
			}
			if name != "in the same frame" {
				take(t, l, noon, id(2), 10, charge(crashBudget, "k"))
				for end := time.Now().Add(time.Minute); where() != name && time.Now().Before(end); {
					time.Sleep(time.Millisecond)
				}
				if where() != name {
					t.Fatal(where())
				}
			}
			again, _, err := reserve(l, noon, Call{ID: id(1), Time: noon}, 10, []Charge{charge(crashBudget, "k")})
			if err != nil {
				t.Fatal(err)
			}
			if err := again.Durable(context.Background()); !errors.Is(err, ErrDuplicate) {
				t.Errorf("%v", err)
			}
			// Nor does a second row count, of one who does not heed that.
			again.Settle(noon, Row{Cost: 500})
			take(t, l, noon, id(3), 10, charge(crashBudget, "k"))
			seen := 0
			if err := l.Rows(time.Time{}, func(r *Row) bool { seen += int(r.Cost); return true }); err != nil || seen != 1 {
				t.Errorf("rows of %d: %v", seen, err)
			}
			killed := filepath.Join(t.TempDir(), "copy.db")
			snapshot(t, l, killed)
			l.Close()
			for _, path := range []string{killed, l.path} {
				if got := inspectPath(t, path); got.Rows != 1 || got.Settled != 1 || got.Balances[0].Settled != 1 {
					t.Errorf("%+v", got)
				}
			}
		})
	}
}

// After an unknown outcome the areas must not take turns before the frame is gone,
// also when the next one does not fit where it lies.
func TestDeniedFrameAtTheEndOfAnArea(t *testing.T) {
	var deny atomic.Bool
	l := open(t, Options{hooks: hooks{area: 4 * journalPage, applyEvery: time.Hour, beforeApply: func() error { return diskFull }, afterCommit: func() error {
		if deny.Load() {
			return diskFull
		}
		return nil
	}}})
	one := func(n int, texts int) (*Hold, error) {
		h, _, err := reserve(l, noon, Call{ID: id(n), Time: noon, Tags: slices.Repeat([]string{strings.Repeat("t", maxText)}, texts)}, 10, []Charge{charge(crashBudget, "k")})
		if err != nil {
			t.Fatal(err)
		}
		return h, h.Durable(context.Background())
	}
	// One page and then one page, of four: the area is half full and would turn.
	for n := range 1 {
		if _, err := one(n, 0); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := one(1, maxTags); err != nil { // two pages
		t.Fatal(err)
	}
	l.pmu.Lock()
	cur, used := l.j.cur, l.j.used[l.j.cur]
	l.pmu.Unlock()
	for n := 2; used+journalPage < l.j.size; n++ { // to the last page of the second area
		if _, err := one(n, 0); err != nil {
			t.Fatal(err)
		}
		l.pmu.Lock()
		cur, used = l.j.cur, l.j.used[l.j.cur]
		l.pmu.Unlock()
	}
	deny.Store(true)
	h, err := one(100, 0)
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	h.Cancel()
	deny.Store(false)
	seq := l.j.seq
	if h, err = one(101, maxTags); !errors.Is(err, syscall.ENOSPC) { // the other area is not free
		t.Fatal(err)
	}
	h.Cancel()
	if l.j.cur != cur || l.j.seq != seq+1 || l.j.unsure {
		t.Errorf("area %d, number %d, unsure %v; before: %d, %d", l.j.cur, l.j.seq, l.j.unsure, cur, seq)
	}
	path := filepath.Join(t.TempDir(), "copy.db")
	snapshot(t, l, path)
	got := inspectPath(t, path)
	l.Close()
	for _, f := range func() []frame { _, f := framesOf(t, path); return f }() {
		if strings.Contains(string(f.records), "r100") {
			t.Error("the denied reservation is in the journal")
		}
	}
	if got.Rows != 0 || got.Reserved != 10*llm.Money(got.Open) {
		t.Errorf("%+v", got)
	}
}

// What a client writes into a call cannot look like a frame: it does not know the
// journal's id.
func TestForgedFrame(t *testing.T) {
	path := crashed(t, 3, never)
	_, frames := framesOf(t, path)
	last := frames[len(frames)-1]
	forge := func(id journalID) {
		change(t, path+journalSuffix, func(b []byte) []byte {
			b[last.at+frameHead] ^= 1 // the last frame is torn
			f := b[last.at+last.size:]
			binary.LittleEndian.PutUint32(f, frameMagic)
			binary.LittleEndian.PutUint32(f[4:], 0)
			binary.LittleEndian.PutUint64(f[8:], last.seq+1)
			binary.LittleEndian.PutUint32(f[16:], (&journal{id: id}).sum(f[:16], nil))
			return b
		})
	}
	forge(journalID{})
	if got := settledAt(t, path, nil); got != 11 {
		t.Errorf("%d settled", got)
	}
	// The test itself: with the id it is a frame.
	path = crashed(t, 3, never)
	var j *journal
	j, frames = framesOf(t, path)
	last = frames[len(frames)-1]
	forge(j.id)
	if _, err := Open(path, Options{}); !errors.Is(err, ErrJournal) {
		t.Errorf("%v", err)
	}
}

// A frame that was written and not synced when the process was killed is read by the
// next process. When that one has put it into bbolt and loses its power, the
// journal has it on disk, too.
func TestReadFrameIsMadeDurable(t *testing.T) {
	defer func(f func(*os.File) error) { syncData = f }(syncData)
	var disk []byte // what it has of the journal
	sync := func(f *os.File) error {
		st, err := f.Stat()
		if err == nil {
			disk = make([]byte, st.Size())
			_, err = f.ReadAt(disk, 0)
		}
		return err
	}
	syncData = sync
	l := open(t, Options{hooks: never})
	take(t, l, noon, id(0), 10, charge(crashBudget, "k"))
	syncData = func(*os.File) error { return nil }
	take(t, l, noon, id(1), 10, charge(crashBudget, "k")) // only in memory
	dir := t.TempDir()
	killed, dark := filepath.Join(dir, "killed.db"), filepath.Join(dir, "dark.db")
	snapshot(t, l, killed)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	syncData = sync
	l = openAt(t, killed, Options{hooks: never})
	defer l.Close()
	snapshot(t, l, dark)
	if err := os.WriteFile(dark+journalSuffix, disk, 0o600); err != nil {
		t.Fatal(err)
	}
	if got := settledAt(t, dark, nil); got != 20 {
		t.Errorf("%d settled", got)
	}
}

// Batches of more than one frame, and of more than an area, are written in pieces.
func TestHugeBatches(t *testing.T) {
	l := open(t, Options{NoSync: true, hooks: hooks{area: maxFrame + 64<<10}})
	tags := slices.Repeat([]string{strings.Repeat("t", maxText)}, maxTags)
	var holds []*Hold
	for i := range 3000 {
		h, _, err := reserve(l, noon, Call{ID: id(i), Time: noon, Tags: tags}, 10, []Charge{charge(crashBudget, "k")})
		if err != nil {
			t.Fatal(err)
		}
		holds = append(holds, h)
	}
	for i, h := range holds {
		if err := h.Durable(context.Background()); err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		h.Settle(noon, Row{Cost: 2})
	}
	if got := inspect(t, l); got.Rows != 3000 || got.Open != 0 || got.Balances[0].Settled != 6000 {
		t.Errorf("%+v", got)
	}
}

// A journal with anything in it is read, or refused with an error that names it; what
// is read goes on without a gap where bbolt's file ends.
func FuzzJournal(f *testing.F) {
	path := crashed(f, 3, hooks{applyEvery: never.applyEvery, area: minArea})
	whole, err := os.ReadFile(path + journalSuffix)
	if err != nil {
		f.Fatal(err)
	}
	_, frames := framesOf(f, path)
	f.Add(uint64(0), uint32(0), []byte{})
	f.Add(uint64(2), uint32(frames[1].at), []byte{1})
	f.Add(uint64(0), uint32(frames[2].at+frameHead), []byte("torn"))
	f.Add(uint64(1), uint32(frames[0].at+4), []byte{0xff, 0xff, 0xff, 0xff})
	f.Add(uint64(3), uint32(len(whole)-frameHead), binary.LittleEndian.AppendUint32(nil, frameMagic))
	f.Add(uint64(0), uint32(20), []byte{0, 0, 0, 0x10})
	f.Fuzz(func(t *testing.T, applied uint64, at uint32, with []byte) {
		b := slices.Clone(whole)
		if int64(at) < int64(len(b)) {
			copy(b[at:], with)
		}
		file := filepath.Join(t.TempDir(), "journal")
		if err := os.WriteFile(file, b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := openJournal(file, os.O_RDONLY)
		if err == nil {
			defer got.close()
			var frames []frame
			frames, _, err = got.read(applied)
			for i := range frames {
				if frames[i].seq != applied+1+uint64(i) {
					t.Fatalf("number %d after %d", frames[i].seq, applied)
				}
			}
			if err == nil {
				_, err = collect(frames, got)
			}
		}
		if err != nil && !strings.Contains(err.Error(), file) {
			t.Fatal(err)
		}
		// Records that the sum does not protect: any bytes end in a result or an error.
		p := newPending()
		_ = p.add(1, with)
	})
}
