package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"go.etcd.io/bbolt"
)

// applyEvery is how long a write is only in the journal at most, while the disk
// takes what it is given. More is put into bbolt at once the longer it is.
const applyEvery = time.Second

// pruneEvery is how often, in applied areas, old windows are removed.
const pruneEvery = 64

// lostJournal is the error for a bbolt file that is not complete and alone.
func lostJournal(path string) error {
	return fmt.Errorf("%w: %s is missing, and %s was not closed: the last reservations and settlements are in the journal only. "+
		"Put both files back together. If the journal is lost, an empty file %s accepts that they are lost with it",
		ErrJournal, path+journalSuffix, path, path+acceptedSuffix)
}

// resume opens the journal, or makes one, and recovers from it what the process
// before has left.
func (l *Ledger) resume() error {
	var m marks
	err := l.db.View(func(tx *bbolt.Tx) (err error) {
		m, err = readMarks(tx)
		return err
	})
	if err != nil {
		return err
	}
	frames, err := l.openJournal(m)
	if err != nil {
		return err
	}
	journalled, err := collect(frames, l.j)
	if err != nil {
		return err
	}
	if n := len(frames); n > 0 {
		// What was read may be in memory only; what is in bbolt must not be ahead
		// of what the journal has on disk.
		if err := l.j.again(&frames[n-1]); err != nil {
			return err
		}
	}
	if err := l.recover(l.o.Now(), journalled); err != nil {
		return err
	}
	// The last frame stays until there is another: it says how far the journal goes.
	l.j.turn()
	if err := os.Remove(l.path + acceptedSuffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// openJournal sets l.j and returns the frames that are not in the bbolt file.
func (l *Ledger) openJournal(m marks) (frames []frame, err error) {
	path := l.path + journalSuffix
	_, statErr := os.Stat(l.path + acceptedSuffix)
	accepted := statErr == nil
	j, err := openJournal(path, os.O_RDWR)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if m.layout == layoutJournal {
			if !accepted {
				return nil, lostJournal(l.path)
			}
			l.o.Logf("ledger: the journal is lost, and with it the last reservations and settlements; this was accepted by the file %s", l.path+acceptedSuffix)
		}
		return nil, l.newJournal(m)
	case err != nil:
		return nil, err
	}
	l.j = j
	j.noSync = l.o.NoSync || l.o.hooks.noFrameSync
	if m.layout == 0 || j.id != m.id && (m.layout == layoutWhole || accepted) {
		// The bbolt file is complete, or what it lacks is given up. A process may have died after it made the journal
		// and before it said so here; then there is nothing in it.
		if _, _, err := j.read(^uint64(0)); err != nil {
			return nil, err
		}
		if j.seq > j.base {
			return nil, fmt.Errorf("%w: %s belongs to another ledger than %s. Put its ledger back, or move it away if that is not needed", ErrJournal, path, l.path)
		}
		return nil, l.newJournal(m)
	}
	frames, torn, err := j.read(m.applied)
	if m.layout == layoutJournal {
		frames, torn, err = j.of(m)
	}
	if err != nil {
		return nil, err
	}
	if torn != 0 {
		l.o.Logf("ledger: the last frame of the journal, at byte %d, was not written whole; it is left out: nobody was told that it is durable", torn)
	}
	if n := len(frames); n > 0 {
		l.o.Logf("ledger: %d frames of the journal were not in the ledger's file when the last process ended; they are now", n)
	}
	if j.seq < m.applied { // an old one, and this file is complete
		return nil, l.newJournal(m)
	}
	return frames, nil
}

// newJournal makes a new journal in the place of what is there.
func (l *Ledger) newJournal(m marks) error {
	if l.j != nil {
		_ = l.j.close()
	}
	area := int64(defaultArea)
	if l.o.hooks.area > 0 {
		area = l.o.hooks.area
	}
	l.j = nil
	j, err := createJournal(l.path+journalSuffix, m.applied, area, l.o.NoSync)
	if err != nil {
		return fmt.Errorf("making the ledger's journal: %w", err)
	}
	l.j = j
	l.j.noSync = l.o.NoSync || l.o.hooks.noFrameSync
	return nil
}

// collect is what frames come to.
func collect(frames []frame, j *journal) (*pending, error) {
	p := newPending()
	for i := range frames {
		if err := p.add(frames[i].seq, frames[i].records); err != nil {
			return nil, fmt.Errorf("%s at byte %d: %w", j.path, frames[i].at, err)
		}
	}
	return p, nil
}

// rotate hands what the current area holds to the applier and goes on in the other
// one, if that is free. It reports whether nothing waits to be handed over.
func (l *Ledger) rotate() bool {
	if l.current.last == 0 {
		return true
	}
	l.pmu.Lock()
	defer l.pmu.Unlock()
	if l.applying != nil || l.j.unsure {
		return false
	}
	p := l.current
	l.applying, l.current = p, newPending()
	l.j.turn()
	l.toApply <- p // has room: the applier takes it before applying is nil again
	return true
}

// makeRoom sees to it that a frame of n bytes fits into the current area. It waits
// for the applier if need be.
func (l *Ledger) makeRoom(n int) error {
	if pages(int64(n)) > l.j.size {
		return fmt.Errorf("a frame of %d bytes is too large for the ledger's journal", n)
	}
	if l.j.fits(n) {
		return nil
	}
	if err := l.makeSure(); err != nil {
		return err
	}
	for kicked := false; ; {
		select {
		case <-l.applied: // of another time; whatever happens from here on is said anew
		default:
		}
		if l.rotate() {
			return nil
		}
		l.pmu.Lock()
		err, tried := l.applyErr, l.tried
		l.pmu.Unlock()
		if err != nil {
			if kicked || time.Since(tried) < retryMin {
				return err
			}
			wake(l.kick)
			kicked = true
		}
		select {
		case <-l.applied:
		case <-l.ended:
			kicked = true
		}
	}
}

// makeSure overwrites a frame that may be on the disk though it was reported as not
// written.
func (l *Ledger) makeSure() error {
	if !l.j.unsure {
		return nil
	}
	b := make([]byte, frameHead)
	if err := l.j.write(b); err != nil {
		return err
	}
	l.j.advance(b)
	l.pmu.Lock()
	defer l.pmu.Unlock()
	return l.current.add(l.j.seq, nil)
}

// apply is the only goroutine that writes to bbolt while the ledger is open: one
// area of the journal in one transaction.
func (l *Ledger) apply() {
	defer close(l.ended)
	if l.o.hooks.applier != nil {
		l.o.hooks.applier()
	}
	n := 0
	for p := range l.toApply {
		for retry := retryMin; ; retry = min(2*retry, retryMax) {
			n++
			err := l.update(func(tx *bbolt.Tx) error { return l.applyTx(tx, p, layoutJournal, n%pruneEvery == 0) })
			l.pmu.Lock()
			again := l.applyErr != nil
			l.tried = time.Now()
			if l.applyErr = err; err == nil {
				l.applying = nil
			}
			l.pmu.Unlock()
			if err == nil {
				wake(l.applied)
				break
			}
			if !isFull(err) {
				l.report(err)
				wake(l.applied)
				return
			}
			if !again {
				l.o.Logf("ledger: the disk is full; calls go on until the journal is, too: %v", err)
			}
			wake(l.applied)
			select {
			case <-l.kick:
			case <-time.After(retry):
			case <-l.closing:
				return
			}
		}
	}
}

func (l *Ledger) applyTx(tx *bbolt.Tx, p *pending, layout byte, prune bool) error {
	if l.o.hooks.beforeApply != nil {
		if err := l.o.hooks.beforeApply(); err != nil {
			return err
		}
	}
	if err := p.apply(tx); err != nil {
		return err
	}
	if err := l.mark(tx, layout, p.last); err != nil {
		return err
	}
	if !prune {
		return nil
	}
	return pruneBalances(tx, l.o.Now().Add(-storedFor).Unix(), 1000)
}

// finish puts everything into bbolt, so that its file is complete without the
// journal. What it cannot put there stays in the journal for the next Open.
func (l *Ledger) finish() {
	close(l.closing)
	close(l.toApply)
	<-l.ended
	if l.isBroken() != nil {
		return
	}
	err := l.makeSure()
	if err == nil {
		err = l.update(func(tx *bbolt.Tx) error {
			for _, p := range []*pending{l.applying, l.current} {
				if p == nil || p.last == 0 {
					continue
				}
				if err := l.applyTx(tx, p, layoutJournal, false); err != nil {
					return err
				}
			}
			return l.mark(tx, layoutWhole, l.j.seq)
		})
	}
	if err != nil {
		l.o.Logf("ledger: not everything could be taken over from the journal; the next start does that: %v", err)
	}
	l.report(err)
}
