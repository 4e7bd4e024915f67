package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
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

// write is the only goroutine that writes to the journal. It puts whatever waits
// into one frame, so that under load one sync serves many calls.
func (l *Ledger) write() {
	defer close(l.done)
	if l.o.hooks.writer != nil {
		l.o.hooks.writer()
	}
	var carry []op // settlements that could not be written yet
	timer := time.NewTimer(time.Hour)
	timer.Stop()
	armed := false
	apply := time.NewTimer(time.Hour)
	apply.Stop()
	waiting := false // something waits for apply
	retry := retryMin
	var begun time.Time
	size := 0
	for {
		select {
		case <-l.urgent:
		case <-timer.C:
			armed = false
		case <-apply.C:
			if waiting = !l.rotate(); waiting {
				apply.Reset(l.applyEvery)
			}
			continue
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
			}
			if closed && !more {
				l.drain(carry)
				l.finish()
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
		if !waiting && l.current.last != 0 {
			apply.Reset(l.applyEvery)
			waiting = true
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
		l.pmu.Lock()
		l.tried = time.Time{} // however short ago bbolt's disk was full: there is no later
		l.pmu.Unlock()
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
	done, err := 0, l.isBroken()
	if err == nil {
		done, err = l.journal(carry, b)
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
	broken := l.isBroken() != nil
	var keep []op
	if !broken {
		keep = carry[min(done, len(carry)):]
	}
	for i := max(0, done-len(carry)); i < len(ops); i++ {
		b.errs[i] = err
		if ops[i].settle != nil && !broken {
			keep = append(keep, ops[i])
		}
	}
	close(b.done)
	return keep
}

// journal writes carry and a batch into the journal. done is how many of them are
// durable, also after an error.
func (l *Ledger) journal(carry []op, b *batch) (done int, err error) {
	defer catch(&err)
	seen := known{current: l.current}
	l.pmu.Lock()
	seen.applying = l.applying
	l.pmu.Unlock()
	defer seen.close()
	n := len(carry) + len(b.ops)
	for first := true; first || done < n; first = false {
		e := encoder{b: make([]byte, frameHead, max(journalPage, l.frameHint))}
		i := done
		for ; i < n && int64(len(e.b)) < min(maxFrame, l.j.size/2); i++ {
			if i < len(carry) {
				seen.note(&carry[i])
				e.record(&carry[i])
				continue
			}
			o := &b.ops[i-len(carry)]
			if o.reserve != nil {
				has, err := seen.has(l.db, &o.reserve.call.ID)
				if err != nil {
					return done, err
				}
				if has {
					b.errs[i-len(carry)] = ErrDuplicate
					continue
				}
				if len(o.reserve.from) == 0 {
					continue // only a probe whether the file can be written
				}
			}
			seen.note(o)
			e.record(o)
		}
		seen.close() // bbolt may have to grow before there is room
		if err := l.append(e.b); err != nil {
			return done, err
		}
		l.frameHint = pages(int64(len(e.b)))
		done = i
	}
	if l.j.used[l.j.cur] >= l.j.size/2 {
		l.rotate()
	}
	return done, nil
}

// maxFrame bounds a frame in bytes, but for its last record.
const maxFrame = 256 << 10

// known tells which attempts have a row. What is pending is taken before the
// transaction begins: so nothing is missed that moves from there to the file.
type known struct {
	current, applying *pending
	batch             map[ID]struct{} // with a row in the batch being written
	tx                *bbolt.Tx
	rows              *bbolt.Bucket
	newest            []byte // the last key of rows; nil if there is none
}

func (k *known) has(db *bbolt.DB, id *ID) (bool, error) {
	if _, ok := k.batch[*id]; ok {
		return true, nil
	}
	key := id.key()
	if _, ok := k.current.rows[string(key)]; ok {
		return true, nil
	}
	if k.applying != nil {
		if _, ok := k.applying.rows[string(key)]; ok {
			return true, nil
		}
	}
	if k.tx == nil {
		tx, err := db.Begin(false)
		if err != nil {
			return false, err
		}
		k.tx, k.rows = tx, tx.Bucket(rowsBucket)
		k.newest, _ = k.rows.Cursor().Last()
	}
	// Ids of requests rise with time: nearly all come after every row in the file.
	if bytes.Compare(key, k.newest) > 0 {
		return false, nil
	}
	return k.rows.Get(key) != nil, nil
}

// note remembers a row of this batch.
func (k *known) note(o *op) {
	if o.settle == nil || o.row == nil {
		return
	}
	if k.batch == nil {
		k.batch = map[ID]struct{}{}
	}
	k.batch[o.settle.call.ID] = struct{}{}
}

func (k *known) close() {
	if k.tx != nil {
		_ = k.tx.Rollback()
		k.tx = nil
	}
}

// append makes a frame durable. b begins with frameHead bytes for its head.
func (l *Ledger) append(b []byte) error {
	if err := l.makeRoom(len(b)); err != nil {
		return err
	}
	if l.o.hooks.beforeCommit != nil {
		if err := l.o.hooks.beforeCommit(); err != nil {
			return err
		}
	}
	if err := l.j.write(b); err != nil {
		return err
	}
	if l.o.hooks.afterCommit != nil {
		if err := l.o.hooks.afterCommit(); err != nil {
			return err
		}
	}
	l.j.advance(b)
	l.pmu.Lock()
	defer l.pmu.Unlock()
	return l.current.add(l.j.seq, b[frameHead:])
}

// update is bbolt's, with a panic over a damaged file turned into an error: the
// writer must go on to tell those who wait.
func (l *Ledger) update(f func(*bbolt.Tx) error) (err error) {
	defer catch(&err)
	return l.db.Update(f)
}

func catch(err *error) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%w: %v", ErrCorrupt, p)
	}
}

func (l *Ledger) isBroken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.broken
}

// Err is why the ledger writes no more until it has been opened anew, nil while
// it does (a full disk heals by itself).
func (l *Ledger) Err() error { return l.isBroken() }

// isFull reports whether a write found no space. A sync that fails for that reason is
// another matter: after it nobody knows what the disk has. (It comes as the bare
// number, from bbolt, too.)
func isFull(err error) bool {
	var w *os.PathError
	return errors.As(err, &w) && w.Op == "write" && (errors.Is(w.Err, syscall.ENOSPC) || errors.Is(w.Err, syscall.EDQUOT))
}

// report takes note of how a write went. A full disk may get space again;
// after any other failure (a sync that failed, above all) nobody can say what
// the disk has, so this file is not written any more: calls are refused until
// the ledger has been opened anew, which charges what is then open.
func (l *Ledger) report(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.broken != nil: // for good, whatever another goroutine has just written
	case err == nil:
		if l.failing != nil {
			l.o.Logf("ledger: writing works again")
		}
		l.failing = nil
	case isFull(err):
		if l.failing == nil {
			l.o.Logf("ledger: the disk is full; calls are refused until there is space: %v", err)
		}
		l.failing = err
	default:
		l.o.Logf("ledger: writing failed; calls are refused until the ledger is opened anew (reload or restart): %v", err)
		l.failing, l.broken = err, err
	}
}
