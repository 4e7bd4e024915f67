package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// More than one batch waits when the writer gets to work: the last, partly filled
// one is written too, though nobody comes after it.
func TestLastBatchIsWritten(t *testing.T) {
	start := make(chan struct{})
	l, err := Open(filepath.Join(t.TempDir(), "ledger.db"), Options{hooks: hooks{writer: func() { <-start }}})
	if err != nil {
		t.Fatal(err)
	}
	b := &Budget{Amount: 1000 * llm.USD, Window: Total, Scope: "key"}
	now := time.Now()
	var holds []*Hold
	for i := range 2*batchOps + 10 {
		h, refused, err := l.Reserve(now, Call{ID: ID{Request: fmt.Sprint(i)}, Time: now}, []Charge{{Budget: b, Value: "web", Need: 1}})
		if err != nil || refused != nil {
			t.Fatal(err, refused)
		}
		holds = append(holds, h)
	}
	close(start)
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for i, h := range holds {
		if err := h.Durable(ctx); err != nil {
			t.Fatalf("reservation %d: %v", i, err)
		}
	}
	for _, h := range holds {
		h.Cancel()
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// What was settled before Close is in the file after it, however much waits.
func TestCloseWritesEverything(t *testing.T) {
	const n = 3*batchOps + 7
	path := filepath.Join(t.TempDir(), "ledger.db")
	start := make(chan struct{})
	l, err := Open(path, Options{hooks: hooks{writer: func() { <-start }}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	for i := range n {
		h, _, err := l.Reserve(now, Call{ID: ID{Request: fmt.Sprint(i)}, Time: now}, nil)
		if err != nil {
			t.Fatal(err)
		}
		h.Settle(now, Row{Cost: 1, Result: llm.ResultAnswered})
	}
	time.AfterFunc(10*time.Millisecond, func() { close(start) })
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	totals, err := Inspect(path)
	if err != nil || totals.Rows != n || totals.Settled != n {
		t.Errorf("%d rows of %s, want %d: %v", totals.Rows, totals.Settled, n, err)
	}
}

// A Close, or two, beside writers, a reader and a disk that is full now and then: what was
// called durable is there once, whatever was under way.
func TestCloseBesideWriters(t *testing.T) {
	for round := range 20 {
		path := filepath.Join(t.TempDir(), "l.db")
		d := &brokenDisk{}
		h := d.hooks()
		h.area = 8 * journalPage
		l, err := Open(path, Options{NoSync: true, hooks: h, Now: func() time.Time { return noon }})
		if err != nil {
			t.Fatal(err)
		}
		acked := lockedSet{ids: map[string]bool{}}
		var wg sync.WaitGroup
		for w := range 6 {
			wg.Go(func() {
				for n := 0; ; n++ {
					r := fmt.Sprint("w", w, "n", n)
					hd, _, err := reserve(l, noon, Call{ID: ID{Request: r}, Time: noon}, needOf(r), []Charge{charge(crashBudget, "k")})
					if err != nil {
						return
					}
					if err := hd.Durable(context.Background()); err != nil {
						hd.Cancel()
						continue
					}
					acked.add(r)
					if rand.IntN(4) > 0 {
						hd.Settle(noon, Row{Cost: costOf(r)})
					}
				}
			})
		}
		wg.Go(func() {
			for l.Rows(time.Time{}, func(*Row) bool { return true }) == nil {
			}
		})
		wg.Go(func() {
			for range 30 {
				d.apply.Store(rand.IntN(3) == 0)
				d.deny.Store(rand.IntN(4) == 0)
				d.commit.Store(rand.IntN(4) == 0)
				time.Sleep(200 * time.Microsecond)
			}
			d.apply.Store(round%3 == 0)
			d.deny.Store(false)
			d.commit.Store(false)
		})
		time.Sleep(time.Duration(rand.IntN(15)) * time.Millisecond)
		if round%2 == 0 {
			go l.Close()
		}
		l.Close()
		wg.Wait()
		l = openAt(t, path, Options{NoSync: true})
		checkEachOnce(t, l, acked.ids)
		l.Close()
	}
}
