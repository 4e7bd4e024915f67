package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What may become of an attempt when the process dies now.
type fate struct {
	need, cost     llm.Money
	acked          bool // its reservation was called durable
	settled, ended bool
	sure           bool // a later write was called durable, and with it the end of this one
	final          bool // a start has seen it: it stays what it was then
	row            bool
	kind           Kind
	charged        llm.Money
}

// check says whether a row, or none, is what may be found at a start.
func (f *fate) check(r *Row) error {
	switch {
	case f.final:
		if f.row != (r != nil) || r != nil && (r.Kind != f.kind || r.Cost != f.charged) {
			return fmt.Errorf("was %v, %s of %d, at an earlier start", f.row, f.kind, f.charged)
		}
	case f.acked && !f.ended:
		if r == nil || r.Kind != CrashCharged || r.Cost != f.need {
			return errors.New("a durable reservation is not charged")
		}
	case r != nil && r.Kind == CrashCharged:
		if f.sure || r.Cost != f.need {
			return errors.New("charged as open")
		}
	case r != nil:
		if !f.settled || r.Kind != Settled || r.Cost != f.cost {
			return errors.New("settled by another cost")
		}
	case f.settled && f.acked:
		return errors.New("neither charged nor settled")
	}
	return nil
}

// disk is what goes wrong under a ledger.
type brokenDisk struct {
	apply, commit, deny atomic.Bool
}

func (d *brokenDisk) hooks() hooks {
	when := func(b *atomic.Bool) func() error {
		return func() error {
			if b.Load() {
				return diskFull
			}
			return nil
		}
	}
	return hooks{area: minArea, applyEvery: time.Millisecond, beforeApply: when(&d.apply), beforeCommit: when(&d.commit), afterCommit: when(&d.deny)}
}

// Random calls, over areas that take turns all the time, on disks that are full in any
// place and for any time, with kills, stops and failed starts in between: after each
// start every attempt has the one row that it may have, and the balances are their
// sum; meanwhile every reader sees each row once, and never again not.
func TestFaultsAgainstAModel(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 4
	}
	for seed := range uint64(rounds) {
		if err := faults(t, rand.New(rand.NewPCG(seed, 1))); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
	}
}

func faults(t *testing.T, r *rand.Rand) error {
	dir := t.TempDir()
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "0.db")
	disk := &brokenDisk{}
	var log []string
	note := func(format string, args ...any) { log = append(log, fmt.Sprintf(format, args...)) }
	fail := func(err error) error { return fmt.Errorf("%w\n%s", err, strings.Join(log, "\n")) }
	start := func() (*Ledger, error) {
		disk = &brokenDisk{}
		return Open(path, Options{NoSync: true, hooks: disk.hooks(), Now: func() time.Time { return noon }})
	}
	l, err := start()
	if err != nil {
		return err
	}
	defer func() { l.Close() }()
	day := &Budget{Amount: llm.MaxMoney / 2, Window: Day, Scope: "key"}
	fates := map[string]*fate{}
	holds := map[string]*Hold{}
	names := []string{}
	granted := llm.Money(0)
	var maybe []llm.Money // of grants that were denied and may be on the disk until another write is
	var mu sync.Mutex     // of seen
	seen := map[string]bool{}
	look := func(l *Ledger) error {
		mu.Lock()
		before := make(map[string]bool, len(seen))
		for k := range seen {
			before[k] = true
		}
		mu.Unlock()
		now := map[string]bool{}
		var twice string
		if err := l.Rows(time.Time{}, func(r *Row) bool {
			if now[r.Request] {
				twice = r.Request
			}
			now[r.Request] = true
			return true
		}); err != nil {
			return err
		}
		if twice != "" {
			return fmt.Errorf("%s is seen twice", twice)
		}
		for k := range before {
			if !now[k] {
				return fmt.Errorf("%s is not seen any more", k)
			}
		}
		mu.Lock()
		defer mu.Unlock()
		for k := range now {
			seen[k] = true
		}
		return nil
	}
	barrier := func(upTo int) {
		for _, n := range names[:upTo] {
			if f := fates[n]; f.ended {
				f.sure = true
				if f.settled && f.acked {
					mu.Lock()
					seen[n] = true
					mu.Unlock()
				}
			}
		}
	}
	// judge opens path and compares it with the model.
	judge := func() error {
		before, err := Inspect(path)
		if err != nil {
			return fmt.Errorf("inspect: %w", err)
		}
		next, err := start()
		if err != nil {
			return err
		}
		l = next
		rows := map[string]*Row{}
		sum := llm.Money(0)
		var twice error
		if err := l.Rows(time.Time{}, func(r *Row) bool {
			if rows[r.Request] != nil {
				twice = fmt.Errorf("%s twice", r.Request)
			}
			c := *r
			rows[r.Request] = &c
			sum += r.Cost
			return true
		}); err != nil {
			return err
		}
		if twice != nil {
			return twice
		}
		if len(rows) != before.Rows+before.Open {
			return fmt.Errorf("%d rows, but before the start there were %d and %d open", len(rows), before.Rows, before.Open)
		}
		for _, n := range names {
			f := fates[n]
			if err := f.check(rows[n]); err != nil {
				if r := rows[n]; r != nil {
					err = fmt.Errorf("%s of %d: %w", r.Kind, r.Cost, err)
				}
				return fmt.Errorf("%s %+v: %w", n, *f, err)
			}
			f.final, f.row = true, rows[n] != nil
			if f.row {
				f.kind, f.charged = rows[n].Kind, rows[n].Cost
				seen[n] = true
			}
			delete(rows, n)
		}
		if len(rows) > 0 {
			return fmt.Errorf("rows of nobody: %v", rows)
		}
		holds = map[string]*Hold{}
		for _, b := range []*Budget{crashBudget, day} {
			if s, held, _ := l.Balance(*b, "k", noon); s != sum || held != 0 {
				return fmt.Errorf("balance %d, %d held, rows %d", s, held, sum)
			}
		}
		got := llm.Money(0)
		l.Balances(noon, func(b BalanceInfo) bool { got += b.Granted; return true })
		if got != granted && !slices.Contains(maybe, got) {
			return fmt.Errorf("granted %d, not %d (or %v)", got, granted, maybe)
		}
		granted, maybe = got, nil
		return nil
	}
	var stop chan struct{}
	var readers sync.WaitGroup
	var readErr atomic.Pointer[error]
	read := func(l *Ledger) {
		stop = make(chan struct{})
		s := stop
		readers.Go(func() {
			for {
				select {
				case <-s:
					return
				default:
				}
				if err := look(l); err != nil {
					readErr.CompareAndSwap(nil, &err)
					return
				}
				time.Sleep(50 * time.Microsecond)
			}
		})
	}
	halt := func() {
		if stop != nil {
			close(stop)
		}
		stop = nil
		readers.Wait()
	}
	read(l)
	defer func() { halt() }()
	images := 0
	for step := range 400 {
		if e := readErr.Load(); e != nil {
			return fail(*e)
		}
		switch p := r.IntN(100); {
		case p < 45: // reserve
			name := fmt.Sprint("r", step)
			before := len(names)
			f := &fate{need: llm.Money(1 + r.IntN(1000))}
			call := Call{ID: ID{Request: name}, Time: noon}
			for range r.IntN(maxTags) * r.IntN(2) {
				call.Tags = append(call.Tags, strings.Repeat("t", maxText))
			}
			h, _, err := reserve(l, noon, call, f.need, []Charge{charge(crashBudget, "k"), charge(day, "k")})
			if err != nil {
				return fail(err)
			}
			names, fates[name] = append(names, name), f
			wait := r.IntN(4) > 0
			if !wait {
				note("%s need %d, not waited for", name, f.need)
				holds[name] = h
				if r.IntN(2) == 0 {
					h.Cancel()
					f.ended = true
					delete(holds, name)
				}
				break
			}
			err = h.Durable(context.Background())
			note("%s need %d: %v", name, f.need, err)
			if err != nil {
				h.Cancel()
				f.ended = true
				break
			}
			f.acked = true
			holds[name] = h
			barrier(before)
			maybe = nil
		case p < 75: // end one
			if len(holds) == 0 {
				break
			}
			name := slices.Sorted(maps.Keys(holds))[r.IntN(len(holds))]
			h, f := holds[name], fates[name]
			if r.IntN(4) == 0 {
				h.Cancel()
				note("%s cancelled", name)
			} else {
				if h.Durable(context.Background()) == nil {
					f.acked = true
				}
				if f.acked {
					f.cost, f.settled = llm.Money(r.IntN(1500)), true
					h.Settle(noon, Row{Cost: f.cost})
					note("%s settled %d", name, f.cost)
				} else {
					h.Cancel()
					note("%s denied", name)
				}
			}
			f.ended = true
			delete(holds, name)
		case p < 78: // a grant
			n := llm.Money(1 + r.IntN(100))
			before := len(names)
			err := l.Grant(context.Background(), *crashBudget, "k", n, noon)
			note("grant of %d: %v", n, err)
			if err == nil {
				granted, maybe = granted+n, nil
				barrier(before)
			} else {
				maybe = append(maybe, granted+n)
			}
		case p < 84:
			v := r.IntN(2) == 0
			disk.apply.Store(v)
			note("apply fails: %v", v)
		case p < 88:
			v := r.IntN(3) == 0
			disk.commit.Store(v)
			note("commit fails: %v", v)
		case p < 92:
			v := r.IntN(3) == 0
			disk.deny.Store(v)
			note("commit is denied: %v", v)
		case p < 96:
			time.Sleep(time.Duration(r.IntN(3000)) * time.Microsecond)
		case p < 98: // a kill
			images++
			to := filepath.Join(dir, fmt.Sprint(images, ".db"))
			if err := imageOf(l, to); err != nil {
				return fail(err)
			}
			halt()
			disk.apply.Store(false)
			l.Close()
			path = to
			note("killed")
			if r.IntN(3) == 0 { // and again while it starts
				x, err := Open(path, Options{NoSync: true, Now: func() time.Time { return noon }, KnownEnds: func([]Call) map[ID]Known { panic("killed") }})
				note("a start that is killed: %v", err)
				if err == nil { // nothing was open
					if err := x.Close(); err != nil {
						return fail(err)
					}
				}
			}
			seen = map[string]bool{}
			if err := judge(); err != nil {
				return fail(err)
			}
			read(l)
		default: // a stop
			halt()
			lossy := disk.apply.Load() || disk.commit.Load() || disk.deny.Load() // or the journal may have no room
			err := l.Close()
			note("stopped: %v", err)
			if !lossy {
				barrier(len(names))
				for _, n := range names {
					fates[n].acked = fates[n].acked || holds[n] != nil && holds[n].Durable(context.Background()) == nil
				}
			}
			seen = map[string]bool{}
			if err := judge(); err != nil {
				return fail(err)
			}
			read(l)
		}
	}
	return nil
}

// imageOf copies the files of an open ledger as of one instant.
func imageOf(l *Ledger, to string) error {
	tx, err := l.db.Begin(true) // keeps the applier out
	if err != nil {
		return err
	}
	defer tx.Rollback()
	b, err := os.ReadFile(l.path)
	if err != nil {
		return err
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		return err
	}
	var j []byte
	for {
		again, err := os.ReadFile(l.path + journalSuffix)
		if err != nil {
			return err
		}
		if bytes.Equal(j, again) {
			return os.WriteFile(to+journalSuffix, j, 0o600)
		}
		j = again
	}
}
