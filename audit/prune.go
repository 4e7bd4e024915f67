package audit

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Old records are removed by whole segments. What stays of them is their hashes,
// so that every proof and checkpoint still holds, and a signed record that says
// which were removed: Verify accepts that records are missing only as far as such
// a record says. It is signed before anything is removed.

// eventPruned is the event of that record.
const eventPruned = "pruned"

const prunedForm = "first kept record %d"

// prunedTo reads the number of the first kept record from the detail of a pruned
// record.
func prunedTo(detail string) (n int64, ok bool) {
	_, err := fmt.Sscanf(detail, prunedForm, &n)
	return n, err == nil && n >= 0
}

// prunedName is a small file with the same words, so that a start knows without
// reading the whole log which segments may be missing.
const prunedName = "pruned"

// prune removes the segments whose records are all older than the retention. It
// returns the number of the first record that is kept now.
func (l *Log) prune(now time.Time) (first int64, err error) {
	l.pruning.Lock()
	defer l.pruning.Unlock()
	keep := l.settings.Load().Retention
	if keep > 0 && l.o.Vault != nil {
		if _, err := l.o.Vault.PruneContent(now.Add(-keep)); err != nil {
			return 0, fmt.Errorf("removing old texts: %w", err)
		}
	}
	starts, err := segments(l.fs, l.o.Dir)
	if err != nil || len(starts) == 0 {
		return 0, err
	}
	k, until := 0, time.Time{}
	if keep > 0 {
		for k+1 < len(starts) {
			// A segment ends where the next one begins.
			ends, err := l.firstTime(starts[k+1])
			if err != nil {
				return 0, err
			}
			if now.Sub(ends) <= keep {
				break
			}
			k, until = k+1, ends
		}
	}
	if k == 0 {
		return starts[0], nil
	}
	detail := fmt.Sprintf(prunedForm+"; removed %d files with the records %d to %d, made before %s",
		starts[k], k, starts[0], starts[k]-1, until.UTC().Format(time.RFC3339))
	if err := l.record([]systemEvent{{eventPruned, detail}}); err != nil {
		return starts[0], fmt.Errorf("recording what is pruned: %w", err)
	}
	if err := writeFile(l.fs, filepath.Join(l.o.Dir, prunedName), []byte(detail+"\n"), 0o600); err != nil {
		return starts[0], err
	}
	// Oldest first: whatever a crash leaves is without a gap.
	for _, start := range starts[:k] {
		if err := l.fs.Remove(filepath.Join(l.o.Dir, segName(start))); err != nil {
			return start, fmt.Errorf("removing old records: %w", err)
		}
		if err := l.fs.SyncDir(l.o.Dir); err != nil {
			return start, err
		}
	}
	l.o.Logf("audit log: pruned: %s", detail)
	return starts[k], nil
}

// firstTime is when the first record of a segment was made.
func (l *Log) firstTime(start int64) (time.Time, error) {
	f, err := l.fs.OpenFile(filepath.Join(l.o.Dir, segName(start)), os.O_RDONLY, 0)
	if err != nil {
		return time.Time{}, err
	}
	defer f.Close()
	section, err := sectionOf(f)
	if err != nil {
		return time.Time{}, err
	}
	line, err := bufio.NewReaderSize(section, 512).Peek(int(min(section.Size(), 256)))
	if err != nil {
		return time.Time{}, err
	}
	if t, ok := lineTime(line); ok {
		return t, nil
	}
	return time.Now(), nil // it has no record yet
}

// mayBeMissing is the number of the first record that must be there.
func (l *Log) mayBeMissing() (int64, error) {
	b, err := readFile(l.fs, filepath.Join(l.o.Dir, prunedName))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	n, ok := prunedTo(string(b))
	if !ok {
		return 0, fmt.Errorf("%w: the file %s is damaged", ErrDisagree, prunedName)
	}
	return n, nil
}

// pruneEvery is how often old records are looked for.
const pruneEvery = time.Hour

// upkeep removes old records as long as the log is open. Not while the clock
// cannot be trusted: one that jumped ahead would make everything old.
func (l *Log) upkeep() {
	defer l.background.Done()
	for wait := time.Minute; ; wait = pruneEvery {
		t := time.NewTimer(wait)
		select {
		case <-l.stop:
			t.Stop()
			return
		case now := <-t.C:
			if jumped := l.clockJump(now); jumped > pruneEvery {
				l.o.Logf("audit log: the clock has jumped by %s since the start; nothing is pruned until the next one", jumped)
				continue
			}
			if _, err := l.prune(now); err != nil && !errors.Is(err, ErrClosed) {
				l.o.Logf("audit log: pruning: %v; trying again in an hour", err)
			}
		}
	}
}

// clockJump is by how much the wall clock has left the steady one behind since
// the log was opened; negative if it was set back.
func (l *Log) clockJump(now time.Time) time.Duration {
	return now.Round(0).Sub(l.opened.Round(0)) - now.Sub(l.opened)
}

// minJump is what a clock must be set by to be worth a record.
const minJump = 2 * time.Second

// checkClock records when the clock was set. Records are in the order of their
// numbers, whatever their times say. It runs on the writer's goroutine.
func (l *Log) checkClock(jump time.Duration) {
	by := jump - l.jumped
	if by > -minJump && by < minJump {
		return
	}
	l.jumped = jump
	l.o.Logf("audit log: the clock was set by %s", by)
	l.note(systemEvent{"clock_set", "by " + by.String()})
}
