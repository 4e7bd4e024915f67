package audit

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Open opens a log, or makes it. It refuses a directory that another process
// has open (ErrLocked), a key that others can read, and files that do not match
// the last signed checkpoint (ErrDisagree). A record that was torn by a crash is
// cut off and a system record says so.
func Open(o Options) (_ *Log, err error) {
	if o.FS == nil {
		o.FS = osFS{}
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.SegmentBytes <= 0 {
		o.SegmentBytes = 64 << 20
	}
	o.Node = cleanName(o.Node)
	if o.Origin == "" {
		o.Origin = "caddy-llm-gateway/" + o.Node
	}
	l := &Log{o: o, fs: o.FS, wake: make(chan struct{}, 1), done: make(chan struct{}), checkpoints: make(chan chan error)}
	l.space.L = &l.mu
	if err := l.fs.MkdirAll(o.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the directory of the audit log: %w", err)
	}
	if l.lock, err = lockDir(filepath.Join(o.Dir, "lock")); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			for _, f := range []io.Closer{l.seg, l.hashes, l.logged} {
				if f != nil && f != File(nil) {
					f.Close()
				}
			}
			l.lock.Close()
		}
	}()
	if l.key, err = loadKey(l.fs, o.Dir, o.Origin); err != nil {
		return nil, err
	}
	rec, err := l.recover()
	if err != nil {
		return nil, err
	}
	go l.run()
	for _, event := range rec {
		if _, err := l.append(encodeSystem(l.o.Node, time.Now(), event), true).Wait(context.Background()); err != nil {
			l.Close()
			return nil, fmt.Errorf("recording the recovery: %w", err)
		}
	}
	return l, nil
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
		if !ok || err != nil || segName(n) != e.Name() {
			return nil, fmt.Errorf("foreign file %s in the audit log", e.Name())
		}
		out = append(out, n)
	}
	slices.Sort(out)
	return out, nil
}

// recover reads the state of the log and mends what a crash has torn.
func (l *Log) recover() (events []systemEvent, err error) {
	starts, err := segments(l.fs, l.o.Dir)
	if err != nil {
		return nil, err
	}
	if l.hashes, err = l.open("hashes"); err != nil {
		return nil, err
	}
	if l.logged, err = l.open("checkpoints.log"); err != nil {
		return nil, err
	}
	last, err := l.lastCheckpoint()
	if err != nil {
		return nil, err
	}
	if err := l.mendCheckpointsLog(); err != nil {
		return nil, err
	}
	if len(starts) == 0 {
		starts = []int64{0}
		if l.seg, err = l.createSegment(0); err != nil {
			return nil, err
		}
	} else if l.seg, err = l.open(segName(starts[len(starts)-1])); err != nil {
		return nil, err
	}
	l.segStart = starts[len(starts)-1]
	// The hashes of older segments were synced before the last one began; if
	// they are there, only the last segment is read. Otherwise all are.
	from := len(starts) - 1
	l.tree, err = treeAt(l.segStart, hashReader{l.hashes})
	if err != nil {
		from, l.tree = 0, tree{}
		if starts[0] != 0 {
			return nil, fmt.Errorf("the audit log begins with record %d and its hashes are missing", starts[0])
		}
	}
	var torn []byte
	for i := from; i < len(starts); i++ {
		if l.tree.n != starts[i] {
			return l.disagree(events, last, fmt.Sprintf("segment %s follows record %d", segName(starts[i]), l.tree.n))
		}
		f := l.seg
		if i < len(starts)-1 {
			if f, err = l.open(segName(starts[i])); err != nil {
				return nil, err
			}
		}
		good, tail, err := l.replay(f)
		if f != l.seg {
			f.Close()
		}
		if err != nil {
			return nil, err
		}
		if len(tail) > 0 && i < len(starts)-1 {
			return nil, fmt.Errorf("segment %s is damaged at byte %d and is not the last one; restore it from a copy", segName(starts[i]), good)
		}
		l.segSize, torn = good, tail
	}
	if len(torn) > 0 {
		sum := sha256.Sum256(torn)
		if err := l.seg.Truncate(l.segSize); err != nil {
			return nil, err
		}
		if err := l.seg.Sync(); err != nil {
			return nil, err
		}
		events = append(events, systemEvent{"recovered", fmt.Sprintf("cut %d bytes of an unfinished record, sha256 %s", len(torn), hex.EncodeToString(sum[:]))})
		l.o.Logf("audit log: cut %d bytes of an unfinished record", len(torn))
	}
	if err := l.hashes.Truncate(l.hashSize); err != nil {
		return nil, err
	}
	l.size, l.signed = l.tree.n, last.size
	if last.size == 0 {
		return events, nil
	}
	if last.size > l.tree.n {
		return l.disagree(events, last, fmt.Sprintf("%d records are signed, %d are there", last.size, l.tree.n))
	}
	then, err := treeAt(last.size, hashReader{l.hashes})
	if err != nil {
		return nil, err
	}
	if then.root() != last.root {
		return l.disagree(events, last, "a signed record was changed")
	}
	return events, nil
}

// disagree refuses, or records that the operator has overridden it.
func (l *Log) disagree(events []systemEvent, last checkpoint, why string) ([]systemEvent, error) {
	if !l.o.AllowDisagreement {
		return nil, fmt.Errorf("%w: %s. Records may have been removed or changed; look for a copy before anything else", ErrDisagree, why)
	}
	l.size, l.signed = l.tree.n, 0
	return append(events, systemEvent{"disagreement_overridden", fmt.Sprintf("%s; the last checkpoint had %d records and root %s", why, last.size, last.root)}), nil
}

func (l *Log) open(name string) (File, error) {
	return l.fs.OpenFile(filepath.Join(l.o.Dir, name), os.O_CREATE|os.O_RDWR, 0o600)
}

// replay reads a segment, adds its records to the tree and their hashes to the
// file. It returns the offset behind the last whole record and what follows it.
func (l *Log) replay(f File) (good int64, tail []byte, err error) {
	st, err := f.Stat()
	if err != nil {
		return 0, nil, err
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, st.Size()), 1<<20)
	l.hashSize = tlog.StoredHashIndex(0, l.tree.n) * tlog.HashSize
	var hb []byte
	flush := func() error {
		_, err := l.hashes.WriteAt(hb, l.hashSize)
		l.hashSize += int64(len(hb))
		hb = hb[:0]
		return err
	}
	for {
		line, err := readLine(r)
		if err == io.EOF && len(line) == 0 {
			return good, nil, flush()
		}
		if err != nil || checkLine(line, l.tree.n) != nil {
			rest, rerr := io.ReadAll(io.LimitReader(r, 1<<20))
			if rerr != nil {
				return 0, nil, rerr
			}
			if err == nil && bytes.Contains(rest, []byte("\n"+string(linePrefix))) {
				// Whole records follow a broken one: that is no torn tail.
				return 0, nil, fmt.Errorf("%w: record %d is damaged and others follow it", ErrDisagree, l.tree.n)
			}
			return good, append(append(line, '\n'), rest...), flush()
		}
		good += int64(len(line)) + 1
		for _, h := range l.tree.add(tlog.RecordHash(line), nil) {
			hb = append(hb, h[:]...)
		}
		if len(hb) > 1<<20 {
			if err := flush(); err != nil {
				return 0, nil, err
			}
		}
	}
}

// readLine reads a line without its newline. A last line that has none comes
// with io.EOF or io.ErrUnexpectedEOF.
func readLine(r *bufio.Reader) ([]byte, error) {
	var long []byte
	for {
		part, err := r.ReadSlice('\n')
		if err == nil {
			if long == nil {
				return part[:len(part)-1], nil
			}
			return append(long, part[:len(part)-1]...), nil
		}
		long = append(long, part...)
		if errors.Is(err, bufio.ErrBufferFull) && len(long) <= 2*MaxRecord {
			continue
		}
		if err == io.EOF && len(long) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return long, err
	}
}

// linePrefix begins every record.
var linePrefix = []byte(`{"v":1,"seq":`)

var errLine = errors.New("not a record of this log")

// checkLine says whether a line is the record number n, by its form.
func checkLine(line []byte, n int64) error {
	rest, ok := bytes.CutPrefix(line, linePrefix)
	if !ok || len(line) > MaxRecord+64 {
		return errLine
	}
	num := strconv.AppendInt(nil, n, 10)
	rest, ok = bytes.CutPrefix(rest, num)
	if !ok || len(rest) < 2 || rest[0] != ',' || rest[len(rest)-1] != '}' {
		return errLine
	}
	return nil
}

// lastCheckpoint reads the newest signed checkpoint; a log without one has
// size 0.
func (l *Log) lastCheckpoint() (c checkpoint, err error) {
	v, err := note.NewVerifier(l.key.vkey)
	if err != nil {
		return c, err
	}
	b, err := readFile(l.fs, filepath.Join(l.o.Dir, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, fmt.Errorf("reading the checkpoint: %w", err)
	}
	if c, err = openCheckpoint(b, v); err != nil {
		if l.o.AllowDisagreement {
			return checkpoint{}, nil
		}
		return c, fmt.Errorf("%w: %w", ErrDisagree, err)
	}
	return c, nil
}

// mendCheckpointsLog cuts a torn entry off the history of checkpoints.
func (l *Log) mendCheckpointsLog() error {
	st, err := l.logged.Stat()
	if err != nil {
		return err
	}
	size := st.Size()
	from := max(0, size-4096)
	b := make([]byte, size-from)
	if _, err := l.logged.ReadAt(b, from); err != nil && err != io.EOF {
		return err
	}
	if len(b) == 0 {
		return nil
	}
	// An entry ends with a signature line and a blank one.
	end := int64(0)
	if i := bytes.LastIndex(b, []byte("\n\n")); i >= 0 && bytes.HasPrefix(lastLine(b[:i]), []byte("— ")) {
		end = from + int64(i) + 2
	} else if from > 0 || i >= 0 {
		// The last blank line is the one inside an entry.
		if j := bytes.LastIndex(b[:max(i, 0)], []byte("\n\n")); j >= 0 {
			end = from + int64(j) + 2
		}
	}
	l.logSize = end
	return l.logged.Truncate(end)
}

func lastLine(b []byte) []byte {
	return b[bytes.LastIndexByte(b, '\n')+1:]
}
