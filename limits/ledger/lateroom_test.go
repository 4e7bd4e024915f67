package ledger

import (
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The applier may succeed at any moment while the writer looks for room: then its
// word must not be thrown away, since it says it only once, and the writer would wait
// for ever.
func TestRoomThatComesWhileItIsLookedFor(t *testing.T) {
	j, err := createJournal(filepath.Join(t.TempDir(), "journal"), 0, minArea, true)
	if err != nil {
		t.Fatal(err)
	}
	defer j.close()
	for range 20_000 {
		l := &Ledger{j: j, current: &pending{last: 2}, applying: &pending{last: 1}, applyErr: diskFull, tried: time.Now().Add(-time.Hour),
			toApply: make(chan *pending, 1), kick: make(chan struct{}, 1), applied: make(chan struct{}, 1), ended: make(chan struct{})}
		j.used[j.cur] = j.size
		var wg sync.WaitGroup
		wg.Go(func() { // what the applier does when it succeeds; after that it waits for the next area
			l.pmu.Lock()
			l.tried = time.Now()
			l.applyErr, l.applying = nil, nil
			l.pmu.Unlock()
			wake(l.applied)
		})
		if err := l.makeRoom(journalPage); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
	}
}
