package ledger

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// op is one write: a reservation, the end of one, or a grant.
type op struct {
	reserve *Hold
	settle  *Hold
	row     *Row     // of a settle; nil for a call that never left
	credits []credit // of a settle
	grant   *grant
}

// credit is what a settlement adds to one stored balance.
type credit struct {
	key    balanceKey
	end    int64
	cost   llm.Money
	warned int
}

// batch is a group of writes that become durable together.
type batch struct {
	ops  []op
	errs []error       // one for each op, valid once done
	done chan struct{} // closed when the batch is durable or has failed
}

func newBatch() *batch { return &batch{done: make(chan struct{})} }

const (
	batchOps  = 1024
	slowQueue = 8   // batches: beyond that calls wait for the disk
	maxQueue  = 256 // batches: beyond that no call is taken on
	// settleDelay is how long a settlement may wait for company. Nobody waits
	// for it, and if the process dies meanwhile the reservation is charged.
	settleDelay = 50 * time.Millisecond
	// Under load commits begin at least commitGap apart unless enough writes
	// wait: on a fast disk a commit for every two or three calls costs more
	// processor than the calls themselves. Load is when the last commit had
	// company; who comes alone does not wait, and on a slower disk nobody does.
	commitGap = 2 * time.Millisecond
	company   = 3
	enough    = 16
	retryMin  = 100 * time.Millisecond
	retryMax  = 5 * time.Second
)

// enqueue adds a write to the batch being filled. Ledger.mu is held: so the
// writes are in the order of the decisions.
func (l *Ledger) enqueue(o op) (*batch, int) {
	b := l.queue[len(l.queue)-1]
	if len(b.ops) >= batchOps {
		b = newBatch()
		l.queue = append(l.queue, b)
	}
	b.ops = append(b.ops, o)
	return b, len(b.ops) - 1
}

// next takes the oldest batch off the queue. more says that another one waits:
// also the one being filled, if it is not the first, since it has something in it
// and whoever put it there has woken the writer before.
func (l *Ledger) next() (b *batch, more, closed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	b = l.queue[0]
	if len(l.queue) == 1 {
		l.queue[0] = newBatch()
	} else {
		l.queue, more = l.queue[1:], true
	}
	return b, more, l.closed
}

// write is the only goroutine that writes. It puts whatever waits into one
// transaction, so that under load one sync serves many calls.
func (l *Ledger) write() {
	defer close(l.done)
	if l.o.hooks.writer != nil {
		l.o.hooks.writer()
	}
	var carry []op // settlements that could not be written yet
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	armed := false
	retry := retryMin
	commits := 0
	var begun time.Time
	size := 0
	for {
		select {
		case <-l.urgent:
		case <-timer.C:
			armed = false
		case <-l.lazy:
			if !armed {
				timer.Reset(settleDelay)
				armed = true
			}
			continue
		}
		for more := true; more; {
			var b *batch
			var closed bool
			l.gather(begun, size)
			b, more, closed = l.next()
			begun, size = time.Now(), len(b.ops)
			if len(b.ops) > 0 || len(carry) > 0 {
				carry = l.commit(b, carry)
				if commits++; commits%4096 == 0 {
					l.prune()
				}
			}
			if closed && !more {
				l.drain(carry)
				return
			}
		}
		if len(carry) > 0 {
			timer.Reset(retry)
			armed = true
			retry = min(2*retry, retryMax)
		} else {
			retry = retryMin
		}
	}
}

// gather waits for company until the next commit may begin; n is the size of the
// last one.
func (l *Ledger) gather(last time.Time, n int) {
	wait := commitGap - time.Since(last)
	if wait <= 0 || n < company {
		return
	}
	l.mu.Lock()
	few := len(l.queue) == 1 && len(l.queue[0].ops) < enough && !l.closed
	l.mu.Unlock()
	if few {
		time.Sleep(wait)
	}
}

// drain tries once more to write what is left when the ledger closes.
func (l *Ledger) drain(carry []op) {
	if len(carry) > 0 {
		carry = l.commit(newBatch(), carry)
	}
	if len(carry) > 0 {
		l.o.Logf("ledger: %d settlements could not be written; their reservations will be charged at the next start", len(carry))
	}
}

// commit writes a batch, after what earlier ones left behind, and returns what
// it could not write and must not lose.
func (l *Ledger) commit(b *batch, carry []op) []op {
	b.errs = make([]error, len(b.ops))
	err := l.isBroken()
	if err == nil {
		err = l.update(func(tx *bbolt.Tx) error {
			s := openStore(tx)
			for i := range carry {
				if err := s.apply(&carry[i], nil); err != nil {
					return err
				}
			}
			for i := range b.ops {
				if err := s.apply(&b.ops[i], &b.errs[i]); err != nil {
					return err
				}
			}
			if err := s.flush(); err != nil {
				return err
			}
			if l.o.hooks.beforeCommit != nil {
				return l.o.hooks.beforeCommit()
			}
			return nil
		})
		if err == nil && l.o.hooks.afterCommit != nil {
			err = l.o.hooks.afterCommit()
		}
	}
	l.report(err)
	// A batch is kept by the holds that were reserved in it, and its operations
	// keep the holds that were settled in it: without this each batch would
	// keep all those before it.
	ops := b.ops
	b.ops = nil
	if err == nil {
		close(b.done)
		return nil
	}
	var keep []op
	if l.isBroken() == nil {
		keep = carry
	}
	for i := range ops {
		b.errs[i] = err
		if ops[i].settle != nil && l.isBroken() == nil {
			keep = append(keep, ops[i])
		}
	}
	close(b.done)
	return keep
}

// update is bbolt's, with a panic over a damaged file turned into an error: the
// writer must go on to tell those who wait.
func (l *Ledger) update(f func(*bbolt.Tx) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	return l.db.Update(f)
}

func (l *Ledger) isBroken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// Err is why the ledger writes no more until it has been opened anew, nil while
// it does (a full disk heals by itself).
func (l *Ledger) Err() error { return l.isBroken() }

// report takes note of how a write went. A full disk may get space again;
// after any other failure (a sync that failed, above all) nobody can say what
// the disk has, so this file is not written any more: calls are refused until
// the ledger has been opened anew, which charges what is then open.
func (l *Ledger) report(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		if l.failing != nil {
			l.o.Logf("ledger: writing works again")
		}
		l.failing = nil
	case l.broken != nil:
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		if l.failing == nil {
			l.o.Logf("ledger: the disk is full; calls are refused until there is space: %v", err)
		}
		l.failing = err
	default:
		l.o.Logf("ledger: writing failed; calls are refused until the ledger is opened anew (reload or restart): %v", err)
		l.failing, l.broken = err, err
	}
}

// prune removes windows that ended long ago from the file.
func (l *Ledger) prune() {
	before := l.o.Now().Add(-storedFor).Unix()
	err := l.update(func(tx *bbolt.Tx) error { return pruneBalances(tx, before, 1000) })
	l.report(err)
}
