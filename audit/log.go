package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
)

// Limits of the write path.
const (
	// MaxRecord is the longest record, in bytes without the newline. It keeps
	// every record below the 65,535 bytes of an entry in C2SP tlog-tiles.
	MaxRecord = 60 << 10
	// maxBatch and maxBatchBytes bound one group commit: past 256 KB a single
	// flush gets slower than two.
	maxBatch      = 1024
	maxBatchBytes = 256 << 10
	// maxQueue bounds what waits for the writer; who comes then waits too.
	maxQueue = 8192
	// lazy is how long a record that nobody waits for may lie in memory before
	// it is written with the next commit.
	lazy = 10 * time.Millisecond
)

// Errors of a log.
var (
	ErrClosed = errors.New("the audit log is closed")
	ErrFailed = errors.New("the audit log has failed and takes no more records until a restart")
	ErrLocked = errors.New("another process has this audit log open; stop it, or give this one another data_dir")
	// ErrDisagree is wrapped when the files do not match what the log has
	// signed.
	ErrDisagree = errors.New("the audit log disagrees with its last signed checkpoint")
)

// Options configure a log.
type Options struct {
	// Dir is the directory of the log. It is made if it does not exist.
	Dir string
	// Node names this machine in records; Origin the log in its checkpoints,
	// by default "caddy-llm-gateway/<node>". It is fixed when the log is made.
	Node, Origin string
	// Keys are the signing keys, newest first (PRIVATE+KEY+…). Without any the
	// log keeps its own in the file `key`, made at the first start.
	Keys []string
	// FS is the file layer; nil is the machine's.
	FS FS
	// OnAppend is called with the time that a record took until it was
	// durable, for records that somebody waited for.
	OnAppend func(time.Duration)
	// Logf reports what an operator should know.
	Logf func(msg string, args ...any)
	// Settings can be changed while the log is open.
	Settings
	// Vault encrypts what records hold of persons and keeps stored texts; nil leaves
	// both out.
	Vault *vault.Vault
	// VaultKey is for who opens the vault: the key that wraps its keys, nil for
	// the file beside them.
	VaultKey []byte
	// AllowDisagreement opens a log whose files do not match its last
	// checkpoint, and says so, with the Reason, in a record of its own. The old
	// checkpoints are set aside.
	AllowDisagreement bool
	Reason            string
}

// Settings are what can be changed of an open log, see Configure.
type Settings struct {
	// SegmentBytes is the size at which a new segment begins. Default 64 MiB.
	SegmentBytes int64
	// SegmentAge is the age at which one begins; 0 is none.
	SegmentAge time.Duration
	// Retention is how long records are kept at least; 0 or less is for ever.
	// Only whole segments are removed.
	Retention time.Duration
	// Ballast is the space in bytes that is kept in reserve for a full disk; 0
	// is none.
	Ballast int64
	// Witnesses cosign checkpoints; PublishTo are files, to which checkpoints
	// are appended, and http(s) URLs, to which they are posted. Each gets the
	// newest every PublishEvery (default 10 s) if the log has grown. They may
	// hold secrets and are not part of what is told of a configuration.
	Witnesses    []Witness     `json:"-"`
	PublishTo    []string      `json:"-"`
	PublishEvery time.Duration `json:"-"`
}

// Witness is a C2SP tlog-witness.
type Witness struct {
	// URL is its submission prefix, VerifierKey that of its cosignatures.
	URL, VerifierKey string
}

func (s Settings) withDefaults() Settings {
	if s.SegmentBytes <= 0 {
		s.SegmentBytes = 64 << 20
	}
	if s.PublishEvery <= 0 {
		s.PublishEvery = 10 * time.Second
	}
	return s
}

// Configure changes the settings and, if they are given, the keys of an open log,
// and signs what it has: it is called when a configuration starts. undo takes the
// settings back (not the keys) if nobody has changed them since: a configuration
// that fails to start must not leave its own behind.
func (l *Log) Configure(o Options) (undo func(), err error) {
	s := o.Settings.withDefaults()
	if err := l.publisher.configure(s); err != nil {
		return nil, err
	}
	before := l.settings.Swap(&s)
	undo = func() {
		if l.settings.CompareAndSwap(&s, before) {
			_ = l.publisher.configure(*before) // they were taken before
		}
	}
	if err := l.setKeys(o.Keys); err != nil {
		undo()
		return nil, err
	}
	if err := l.Checkpoint(); err != nil {
		l.o.Logf("audit log: checkpoint: %v", err)
	}
	return undo, nil
}

// Log is an open audit log: one writer for all who append.
type Log struct {
	o    Options
	fs   FS
	lock io.Closer

	settings atomic.Pointer[Settings]

	opened     time.Time
	stop       chan struct{} // closed when the log closes
	background sync.WaitGroup
	pruning    sync.Mutex
	publisher  publisher

	keyMu sync.Mutex // guards keys
	keys  *keyring

	mu     sync.Mutex
	space  sync.Cond // queue has room
	queue  []*Ack
	closed bool
	refuse bool // the disk is full: new calls are refused
	failed error
	wake   chan struct{} // capacity 1
	done   chan struct{}

	// Of the writer alone.
	begun    time.Time // of the last commit
	last     int       // records in it
	tree     tree
	seg      File
	segSize  int64
	segBorn  time.Time // of its first record; zero if it has none
	unsure   int64     // at the start: where in it the records begin that no checkpoint covers
	hashes   File
	hashSize int64
	signed   int64
	logged   File // checkpoints.log
	logSize  int64
	buf      []byte
	hashBuf  []byte
	leaves   []tlog.Hash
	// What the operator has been told of, once.
	stuck    bool // no new segment could be begun
	unsigned bool // no checkpoint could be written
	refusing bool // no record could be written
	keyStuck bool // a key could not be retired
	// The reserve for a full disk.
	ballast File
	full    bool      // it was let go of
	layAt   time.Time // when to try to lay it in; zero once it is there
	jumped  time.Duration

	subMu       sync.Mutex // guards subscribers, which are never changed in place
	subscribers []*subscriber

	state sync.Mutex // guards what follows
	size  int64      // durable records

	asks      chan func() // for the writer
	strangers strangers
}

// Ack is the promise of one record.
type Ack struct {
	line   []byte // the record after its sequence number
	done   chan struct{}
	index  int64
	err    error
	start  time.Time
	waited bool
	lost   func() // called if nobody waits and the record was not written
}

// Wait returns once the record is durable, with its index, or with the reason
// why it is not.
func (a *Ack) Wait(ctx context.Context) (int64, error) {
	select {
	case <-a.done:
		return a.index, a.err
	default:
	}
	select {
	case <-a.done:
		return a.index, a.err
	case <-ctx.Done():
		return -1, ctx.Err()
	}
}

// append queues an encoded record, whose bytes are then the log's. urgent records are committed at once; others
// with the next commit, at the latest after `lazy`.
//
// lost, if not nil, is told that the record was not written; it must not block.
func (l *Log) append(line []byte, urgent bool, lost func()) *Ack {
	a := &Ack{line: line, done: make(chan struct{}), index: -1, waited: urgent, lost: lost}
	if urgent {
		a.start = time.Now()
	}
	if len(line) > MaxRecord {
		a.end(-1, fmt.Errorf("record of %d bytes; at most %d fit", len(line), MaxRecord))
		return a
	}
	l.mu.Lock()
	for len(l.queue) >= maxQueue && !l.closed && l.failed == nil {
		l.space.Wait()
	}
	if l.closed || l.failed != nil || l.refuse && urgent {
		err := l.failed
		switch {
		case err != nil:
		case l.closed:
			err = ErrClosed
		default:
			err = ErrFull
		}
		l.mu.Unlock()
		a.end(-1, err)
		return a
	}
	l.queue = append(l.queue, a)
	first := len(l.queue) == 1
	l.mu.Unlock()
	if urgent {
		l.signal()
	} else if first {
		time.AfterFunc(lazy, l.signal)
	}
	return a
}

// note queues what the log has to say about itself. It runs on the writer's
// goroutine too, so it does not wait for room in the queue.
func (l *Log) note(events ...systemEvent) {
	if len(events) == 0 {
		return
	}
	l.mu.Lock()
	if !l.closed && l.failed == nil {
		for _, e := range events {
			l.queue = append(l.queue, &Ack{line: encodeSystem(l.o.Node, time.Now(), e), done: make(chan struct{}), index: -1})
		}
	}
	l.mu.Unlock()
	l.signal()
}

// record makes what the log has to say about itself durable and signs it.
func (l *Log) record(events []systemEvent) error {
	for _, e := range events {
		// Not urgent, so that a full disk does not refuse it; the checkpoint
		// hurries it up.
		a := l.append(encodeSystem(l.o.Node, time.Now(), e), false, nil)
		if err := l.Checkpoint(); err != nil {
			return err
		}
		if _, err := a.Wait(context.Background()); err != nil {
			return err
		}
	}
	return nil
}

// end keeps or breaks the promise.
func (a *Ack) end(index int64, err error) {
	reuse(a.line)
	a.index, a.err, a.line = index, err, nil
	close(a.done)
	if err != nil && a.lost != nil {
		a.lost()
	}
}

func (l *Log) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Size is the number of durable records.
func (l *Log) Size() int64 {
	l.state.Lock()
	defer l.state.Unlock()
	return l.size
}

// Err is why the log takes no more records, nil if it does.
func (l *Log) Err() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}

// VerifierKey is the public form of the log's newest key.
func (l *Log) VerifierKey() string {
	l.keyMu.Lock()
	defer l.keyMu.Unlock()
	return l.keys.signing[0].VerifierKey
}

// VerifierKeys are the public forms of all keys that ever signed the log, newest
// first, one a line.
func (l *Log) VerifierKeys() string {
	l.keyMu.Lock()
	defer l.keyMu.Unlock()
	return strings.Join(l.keys.texts, "\n")
}

// Dir is the directory of the log.
func (l *Log) Dir() string { return l.o.Dir }

// Checkpoint signs the tree as it is now, if it has grown since the last one.
// All that was appended before is in it.
func (l *Log) Checkpoint() error {
	var err error
	if !l.ask(func() {
		// What is queued belongs into it: who asks for a checkpoint asks for a
		// proof of what it has seen.
		for l.drain() {
		}
		err = l.checkpoint()
	}) {
		return ErrClosed
	}
	return err
}

// ask has the writer do something; false if it has ended.
func (l *Log) ask(f func()) bool {
	done := make(chan struct{})
	select {
	case l.asks <- func() { defer close(done); f() }:
		<-done
		return true
	case <-l.done:
		return false
	}
}

// Close writes what is queued, signs a last checkpoint and closes the files.
func (l *Log) Close() error {
	l.flushStrangers(time.Now(), true)
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.done
		return nil
	}
	l.closed = true
	l.space.Broadcast()
	l.mu.Unlock()
	close(l.stop)
	l.signal()
	<-l.done
	l.background.Wait()
	err := l.checkpoint()
	l.publisher.end(l)
	return errors.Join(err, l.closeFiles())
}

// tick is what the writer looks after once a second.
func (l *Log) tick(now time.Time) {
	l.checkKeys(now)
	l.checkClock(l.clockJump(now))
	l.checkSpace(now)
}

// run is the writer.
func (l *Log) run() {
	defer close(l.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-l.wake:
		case now := <-tick.C:
			l.flushStrangers(now, false)
			if l.Err() != nil {
				continue
			}
			l.tick(now)
			err := l.checkpoint()
			if noSpace(err) && l.dropBallast(err) {
				err = l.checkpoint()
			}
			if err != nil && !l.unsigned {
				l.o.Logf("audit log: checkpoint: %v; trying again each second", err)
			}
			l.unsigned = err != nil
			continue
		case f := <-l.asks:
			f()
			continue
		}
		for l.gather(); l.drain() && l.more(); l.gather() {
		}
		l.mu.Lock()
		end := l.closed && len(l.queue) == 0
		l.mu.Unlock()
		if end {
			return
		}
	}
}

// Under load commits begin at least commitGap apart unless enough records wait:
// on a fast disk a commit for every two or three records costs more processor
// than the requests themselves. Load is when the last commit had company; who
// comes alone does not wait, and on a slower disk nobody does.
const (
	commitGap = 2 * time.Millisecond
	company   = 3
	enough    = 16
)

// gather waits for company until the next commit may begin.
func (l *Log) gather() {
	wait := commitGap - time.Since(l.begun)
	if wait <= 0 || l.last < company {
		return
	}
	l.mu.Lock()
	few := len(l.queue) > 0 && len(l.queue) < enough && !l.closed
	l.mu.Unlock()
	if few {
		time.Sleep(wait)
	}
}

// more reports whether the next commit is due at once. Records that nobody waits
// for are not worth a commit of their own: they go with the next, at the latest
// after `lazy`.
func (l *Log) more() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 {
		return false
	}
	if l.closed || len(l.queue) >= maxBatch {
		return true
	}
	for _, a := range l.queue {
		if a.waited {
			return true
		}
	}
	time.AfterFunc(lazy, l.signal)
	return false
}

// drain commits one batch; it returns false when nothing is queued.
func (l *Log) drain() bool {
	l.mu.Lock()
	n, size := 0, 0
	for n < len(l.queue) && n < maxBatch && (n == 0 || size+len(l.queue[n].line) < maxBatchBytes) {
		size += len(l.queue[n].line)
		n++
	}
	batch := l.queue[:n:n]
	l.queue = l.queue[n:]
	if len(l.queue) == 0 {
		l.queue = nil
	}
	failed := l.failed
	l.space.Broadcast()
	l.mu.Unlock()
	if n == 0 {
		return false
	}
	l.begun, l.last = time.Now(), n
	first := l.tree.n
	err := failed
	if err == nil {
		err = l.commit(batch)
		if noSpace(err) && l.Err() == nil && l.dropBallast(err) {
			err = l.commit(batch)
		}
		if refused := err != nil; refused != l.refusing && l.Err() == nil {
			l.refusing = refused
			if refused {
				l.o.Logf("audit log: %v; records are refused until it can be written again", err)
			} else {
				l.o.Logf("audit log: it can be written again")
			}
		}
	}
	if err == nil {
		l.state.Lock()
		l.size = l.tree.n
		l.state.Unlock()
		l.show(first, l.buf)
	}
	for i, a := range batch {
		if err != nil {
			a.end(-1, err)
			continue
		}
		a.end(first+int64(i), nil)
		if a.waited && l.o.OnAppend != nil {
			l.o.OnAppend(time.Since(a.start))
		}
	}
	return true
}

// commit writes a batch and makes it durable. If it returns an error, none of
// the batch is part of the log.
func (l *Log) commit(batch []*Ack) error {
	if l.due(time.Now()) {
		if err := l.rotate(); err != nil {
			return err
		}
	}
	before := tree{n: l.tree.n, peaks: append([]tlog.Hash(nil), l.tree.peaks...)}
	buf, leaves := l.buf[:0], l.leaves[:0]
	for _, a := range batch {
		start := len(buf)
		buf = append(buf, linePrefix...)
		buf = strconv.AppendInt(buf, l.tree.n, 10)
		buf = append(buf, a.line...)
		leaves = l.tree.add(tlog.RecordHash(buf[start:]), leaves)
		buf = append(buf, '\n')
	}
	hb := l.hashBuf[:0]
	for i := range leaves {
		hb = append(hb, leaves[i][:]...)
	}
	l.buf, l.leaves, l.hashBuf = buf, leaves, hb
	// The hashes can be rebuilt, so they are not synced. They are written
	// first: if that fails, nothing has happened yet, and hashes without a
	// record are overwritten by the next.
	if _, err := l.hashes.WriteAt(hb, l.hashSize); err != nil {
		l.tree = before
		return fmt.Errorf("writing the hashes of the audit log: %w", err)
	}
	if _, err := l.seg.WriteAt(buf, l.segSize); err != nil {
		// No space, most likely: take back what may have been written, and go
		// on when there is space again.
		l.tree = before
		if terr := l.seg.Truncate(l.segSize); terr != nil {
			return l.fail(fmt.Errorf("writing: %w; taking it back: %w", err, terr))
		}
		return fmt.Errorf("writing the audit log: %w", err)
	}
	if err := l.seg.Sync(); err != nil {
		// After a failed sync nobody knows what is on the disk, and a second
		// one on the same file would report success. The log is closed for
		// good; the next start recovers it.
		l.tree = before
		return l.fail(fmt.Errorf("syncing: %w", err))
	}
	if l.segSize == 0 {
		l.segBorn = time.Now()
	}
	l.segSize += int64(len(buf))
	l.hashSize += int64(len(hb))
	return nil
}

// fail closes the log for good.
func (l *Log) fail(err error) error {
	err = fmt.Errorf("%w: %w", ErrFailed, err)
	l.mu.Lock()
	l.failed = err
	l.space.Broadcast()
	l.mu.Unlock()
	l.o.Logf("audit log: %v", err)
	return err
}

// due reports whether a new segment should begin.
func (l *Log) due(now time.Time) bool {
	s := l.settings.Load()
	return l.segSize >= s.SegmentBytes || s.SegmentAge > 0 && l.segSize > 0 && now.Sub(l.segBorn) >= s.SegmentAge
}

// rotate begins a new segment. Without a file handle or a place in the directory
// for it, the old one goes on.
func (l *Log) rotate() error {
	if err := l.hashes.Sync(); err != nil {
		return l.fail(fmt.Errorf("syncing hashes: %w", err))
	}
	f, err := l.createSegment(l.tree.n)
	if errors.Is(err, errSyncDir) {
		// The file is there, so going on in the old segment would leave a gap.
		return l.fail(err)
	}
	if err != nil {
		if !l.stuck {
			l.o.Logf("audit log: beginning a segment: %v; the old one goes on", err)
		}
		l.stuck = true
		return nil
	}
	old := l.seg
	l.seg, l.segSize, l.stuck = f, 0, false
	if err := old.Close(); err != nil { // it was synced: nothing is lost
		l.o.Logf("audit log: closing a segment: %v", err)
	}
	if err := l.checkpoint(); err != nil && l.Err() != nil {
		return err // else the next second tries again
	}
	return nil
}

var errSyncDir = errors.New("syncing the directory of the audit log")

func (l *Log) createSegment(n int64) (File, error) {
	f, err := l.fs.OpenFile(filepath.Join(l.o.Dir, segName(n)), openFlags|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	if err := l.fs.SyncDir(l.o.Dir); err != nil {
		f.Close()
		return nil, fmt.Errorf("%w: %w", errSyncDir, err)
	}
	return f, nil
}

// checkpoint signs the tree if it has grown.
func (l *Log) checkpoint() error {
	if err := l.Err(); err != nil {
		return err
	}
	n := l.tree.n
	if n == l.signed {
		return nil
	}
	l.keyMu.Lock()
	origin, signers := l.keys.origin, l.keys.signers()
	l.keyMu.Unlock()
	msg, err := checkpoint.Checkpoint{Origin: origin, Size: n, Root: l.tree.root()}.Sign(signers...)
	if err != nil {
		return fmt.Errorf("signing: %w", err)
	}
	// First into the history, so that the newest is never one that the
	// history lacks.
	entry := append(msg, '\n')
	if _, err := l.logged.WriteAt(entry, l.logSize); err != nil {
		_ = l.logged.Truncate(l.logSize)
		return err
	}
	if err := l.logged.Sync(); err != nil {
		return l.fail(fmt.Errorf("syncing checkpoints: %w", err))
	}
	l.logSize += int64(len(entry))
	if err := writeFile(l.fs, filepath.Join(l.o.Dir, "checkpoint"), msg, 0o600); err != nil {
		return err
	}
	l.signed = n
	return nil
}
