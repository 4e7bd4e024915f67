package audit

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// A log keeps some space in reserve. When the disk is full it lets go of it: then
// there is room to say so, to sign it, and to write how the calls that are under
// way end. New calls are refused until the reserve can be laid in again.

const ballastName = "ballast"

// ErrFull is returned for records of new calls while the disk is full.
var ErrFull = errors.New("the disk of the audit log is full")

func noSpace(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// findBallast opens the reserve that an earlier process has laid in: the disk may
// be full already.
func (l *Log) findBallast() {
	if l.settings.Load().Ballast > 0 {
		if f, err := l.fs.OpenFile(filepath.Join(l.o.Dir, ballastName), os.O_RDWR, 0o600); err == nil {
			l.ballast = f
		}
	}
}

// layBallast fills the reserve. It is written, not only measured out, since a
// file with holes reserves nothing.
func (l *Log) layBallast() error {
	want := l.settings.Load().Ballast
	if want <= 0 {
		return nil
	}
	if l.ballast == nil {
		f, err := l.open(ballastName)
		if err != nil {
			return err
		}
		l.ballast = f
	}
	st, err := l.ballast.Stat()
	if err != nil {
		return err
	}
	chunk := make([]byte, 64<<10)
	for at := st.Size(); at < want; at += int64(len(chunk)) {
		if left := want - at; left < int64(len(chunk)) {
			chunk = chunk[:left]
		}
		if _, err := l.ballast.WriteAt(chunk, at); err != nil {
			_ = l.ballast.Truncate(0)
			return err
		}
	}
	if err := l.ballast.Sync(); err != nil {
		_ = l.ballast.Truncate(0)
		return err
	}
	return nil
}

// dropBallast makes room once. It reports whether there was any to make.
func (l *Log) dropBallast(why error) bool {
	if l.ballast == nil || l.full {
		return false
	}
	st, err := l.ballast.Stat()
	if err != nil || st.Size() == 0 || l.ballast.Truncate(0) != nil {
		return false
	}
	l.setFull(true)
	l.layAt = time.Now().Add(layEvery)
	l.o.Logf("audit log: %v; calls are refused until there is space again", why)
	l.note(systemEvent{"disk_full", "new calls are refused; the space in reserve is used for how the others end"})
	return true
}

// layEvery is how often it is tried to lay in a reserve that is not there.
const layEvery = 5 * time.Second

// checkSpace lays the reserve in when there is room. It runs on the writer's
// goroutine.
func (l *Log) checkSpace(now time.Time) {
	if l.layAt.IsZero() || now.Before(l.layAt) {
		return
	}
	if l.layBallast() != nil {
		l.layAt = now.Add(layEvery)
		return
	}
	l.layAt = time.Time{}
	if l.full {
		l.setFull(false)
		l.o.Logf("audit log: there is space again")
		l.note(systemEvent{"disk_ok", "calls are taken again"})
	}
}

func (l *Log) setFull(full bool) {
	l.full = full
	l.mu.Lock()
	l.refuse = full
	l.mu.Unlock()
}
