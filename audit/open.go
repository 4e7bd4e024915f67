package audit

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Open opens a log, or makes it. It refuses a directory that another process
// has open (ErrLocked), a key that others can read, and files that do not match
// the last signed checkpoint (ErrDisagree). What a crash has torn is cut off, and
// a system record says so, and which records were found behind the last
// checkpoint.
func Open(o Options) (_ *Log, err error) {
	if o.FS == nil {
		o.FS = osFS{}
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	o.Node = cleanName(o.Node)
	if o.Origin == "" {
		o.Origin = OriginOf(o.Node, "")
	}
	l := &Log{o: o, fs: o.FS, wake: make(chan struct{}, 1), done: make(chan struct{}), stop: make(chan struct{}), asks: make(chan func()), opened: time.Now()}
	l.space.L = &l.mu
	s := o.Settings.withDefaults()
	l.settings.Store(&s)
	if err := l.publisher.configure(s); err != nil {
		return nil, err
	}
	if err := l.fs.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the audit log: %w", err)
	}
	if l.lock, err = l.fs.Lock(filepath.Join(o.Dir, "lock")); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.closeFiles()
		}
	}()
	if o.Vault != nil {
		if err := o.Vault.Sweep(); err != nil {
			return nil, fmt.Errorf("clearing up the vault: %w", err)
		}
	}
	var added []systemEvent
	if l.keys, added, err = loadKeys(l.fs, o.Dir, o.Origin, o.Keys, o.AllowDisagreement); err != nil {
		return nil, err
	}
	events, err := l.recover()
	if err != nil {
		return nil, err
	}
	if l.signed < 0 {
		// From its first moment on a log has a checkpoint: a log without one
		// has lost it.
		if err := l.checkpoint(); err != nil {
			return nil, fmt.Errorf("signing the first checkpoint: %w", err)
		}
	}
	l.findBallast()
	if l.settings.Load().Ballast > 0 {
		l.layAt = l.opened
	}
	l.background.Add(2)
	go l.run()
	go l.upkeep()
	go l.publish()
	// What was found is signed at once: a process that dies again and again
	// would otherwise never vouch for anything.
	if len(events) > 0 {
		if err := l.record(events); err != nil {
			l.Close()
			return nil, fmt.Errorf("recording the recovery: %w", err)
		}
	}
	if err := l.keysAdded(added); err != nil {
		l.Close()
		return nil, err
	}
	if err := l.finishErasures(); err != nil {
		// Calls are not refused for it: the next start tries again.
		l.o.Logf("audit log: finishing an erasure: %v", err)
	}
	return l, nil
}

// closeFiles closes what is open, the lock last.
func (l *Log) closeFiles() (err error) {
	for _, f := range []File{l.seg, l.hashes, l.logged, l.ballast} {
		if f != nil {
			if cerr := f.Close(); err == nil {
				err = cerr
			}
		}
	}
	if l.lock != nil {
		if cerr := l.lock.Close(); err == nil {
			err = cerr
		}
	}
	l.seg, l.hashes, l.logged, l.ballast, l.lock = nil, nil, nil, nil, nil
	return err
}

// cleanName makes a host name fit for the name of a key: notes forbid blanks
// and pluses.
func cleanName(s string) string {
	s = strings.Map(func(r rune) rune {
		if r > ' ' && r < 0x7f && r != '+' && r != '/' {
			return r
		}
		return '-'
	}, s)
	if s == "" {
		return "node"
	}
	return s[:min(len(s), 64)]
}

// OriginOf is the name of a log in its checkpoints if none is given: that of the
// node and, unless it is empty, of the log on it.
func OriginOf(node, log string) string {
	origin := "caddy-llm-gateway/" + cleanName(node)
	if log != "" {
		origin += "/" + cleanName(log)
	}
	return origin
}

// segName is the name of the segment whose first record has the number n.
func segName(n int64) string { return fmt.Sprintf("seg-%020d.jsonl", n) }

// segments lists the first record numbers of the segments in dir, in order.
func segments(fsys FS, dir string) ([]int64, error) {
	entries, err := fsys.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []int64
	for _, e := range entries {
		s, ok := strings.CutPrefix(e.Name(), "seg-")
		if !ok {
			continue
		}
		s, ok = strings.CutSuffix(s, ".jsonl")
		n, err := strconv.ParseInt(s, 10, 64)
		if !ok || err != nil || n < 0 || segName(n) != e.Name() {
			return nil, fmt.Errorf("foreign file %s in the audit log", e.Name())
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return out, nil
}

// open opens a file of the log, making it if need be.
func (l *Log) open(name string) (File, error) {
	return l.fs.OpenFile(filepath.Join(l.o.Dir, name), openFlags, 0o600)
}

// sectionOf reads a file from its begin to the length that it has now.
func sectionOf(f File) (*io.SectionReader, error) {
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return io.NewSectionReader(f, 0, st.Size()), nil
}
