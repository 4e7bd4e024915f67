package audit

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

const openFlags = os.O_CREATE | os.O_RDWR

// maxTorn is the most that a crash can leave unfinished: one batch. More than
// that at the end of the log was not made by a crash.
const maxTorn = maxBatchBytes + MaxRecord + maxBatch*64

// recover reads the state of the log and mends what a crash has torn. Nothing is
// changed on disk before it is clear that the log agrees with what it has signed.
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
	signed, why, err := l.checkpointsOnDisk()
	if err != nil {
		return nil, err
	}
	if len(starts) > 0 {
		if first, err := l.mayBeMissing(); err != nil {
			return nil, err
		} else if starts[0] > first {
			return nil, fmt.Errorf("%w: the segment with the records from %d on is missing; restore it from a copy", ErrDisagree, first)
		}
		if l.seg, err = l.open(segName(starts[len(starts)-1])); err != nil {
			return nil, err
		}
		if why == "" && len(signed) == 0 {
			why = "its checkpoint is missing"
		}
	}
	certain := int64(0)
	if why == "" && len(signed) > 0 {
		certain = signed[0].Size
	}
	// The hashes of older segments were synced before the last one began, so
	// reading that one is enough. If they are not there, or do not give what
	// was signed, all segments are read.
	end, err := l.replayFrom(starts, max(0, len(starts)-1), certain)
	if err != nil && !errors.Is(err, errReadAll) {
		return nil, err
	}
	if err != nil || (why == "" && len(starts) > 1 && l.holds(signed) != "") {
		if end, err = l.replayFrom(starts, 0, certain); err != nil {
			return nil, err
		}
	}
	if why == "" {
		why = l.holds(signed)
	}
	if why == "" && end.tail > maxTorn {
		why = fmt.Sprintf("%d bytes behind record %d are not whole records, more than a crash leaves", end.tail, l.tree.n)
	}
	if why != "" {
		if !l.o.AllowDisagreement {
			return nil, fmt.Errorf("%w: %s. Records may have been removed or changed: look for a copy; to go on, move the directory away so that a new log begins", ErrDisagree, why)
		}
		if l.o.Reason != "" {
			why += "; overridden because: " + l.o.Reason
		}
		events = append(events, systemEvent{eventOverridden, why})
		l.o.Logf("audit log: started by override: %s", why)
	}
	if len(starts) == 0 {
		if l.seg, err = l.createSegment(0); err != nil {
			return nil, err
		}
	}
	if e, err := l.cut(end, why != ""); err != nil {
		return nil, err
	} else if e != nil {
		events = append(events, *e)
	}
	if why != "" {
		if err := l.setAside(); err != nil {
			return nil, fmt.Errorf("setting the old checkpoints aside: %w", err)
		}
	}
	if err := l.harden(); err != nil {
		return nil, fmt.Errorf("writing the last records again: %w", err)
	}
	if err := l.hashes.Truncate(l.hashSize); err != nil {
		return nil, err
	}
	l.size, l.signed = l.tree.n, -1
	if why == "" && len(signed) > 0 {
		l.signed = signed[0].Size
		if n := l.tree.n - l.signed; n > 0 {
			events = append(events, systemEvent{"recovered", fmt.Sprintf("kept %d records behind the last checkpoint, from %d on", n, l.signed)})
		}
	}
	return events, nil
}

// eventOverridden is the event of a start by override.
const eventOverridden = "disagreement_overridden"

// setAside moves the old checkpoints, which the log no longer agrees with, out of
// the way: they are evidence. The log signs anew from here on.
func (l *Log) setAside() error {
	suffix := fmt.Sprintf(".overridden-%d", time.Now().UnixNano())
	if err := l.logged.Close(); err != nil {
		return err
	}
	for _, name := range []string{"checkpoints.log", "checkpoint"} {
		path := filepath.Join(l.o.Dir, name)
		if err := l.fs.Rename(path, path+suffix); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	// Not synced: the first new checkpoint does that. After a crash before it the
	// log refuses to start once more.
	var err error
	l.logged, err = l.open("checkpoints.log")
	l.logSize = 0
	return err
}

// harden writes the records behind the last checkpoint once more and syncs them:
// those that were found may be nothing but what the system still has in memory
// of a write whose sync failed.
func (l *Log) harden() error {
	if l.unsure >= l.segSize {
		return nil
	}
	b := make([]byte, min(l.segSize-l.unsure, 1<<20))
	for at := l.unsure; at < l.segSize; at += int64(len(b)) {
		b = b[:min(l.segSize-at, int64(len(b)))]
		if _, err := l.seg.ReadAt(b, at); err != nil && err != io.EOF {
			return err
		}
		if _, err := l.seg.WriteAt(b, at); err != nil {
			return err
		}
	}
	return l.seg.Sync()
}

// segEnd is how the last segment ends: after good bytes of records come tail
// bytes of something else.
type segEnd struct{ good, tail int64 }

var errReadAll = errors.New("the hashes are not complete")

// replayFrom reads the segments from the one at the position on. The first
// `certain` records are signed.
func (l *Log) replayFrom(starts []int64, from int, certain int64) (end segEnd, err error) {
	l.tree, l.hashSize, l.unsure = tree{}, 0, 0
	if len(starts) > 0 && starts[from] > 0 {
		if l.tree, err = treeAt(starts[from], hashReader{l.hashes}); err != nil {
			if from == 0 {
				return end, fmt.Errorf("%w: the file hashes lacks those of pruned records, which cannot be made anew; restore it from a copy: %w", ErrDisagree, err)
			}
			return end, errReadAll
		}
		for i := 1; i <= from; i++ {
			if err := l.joins(starts[i-1], starts[i]); err != nil {
				return end, err
			}
		}
	}
	for i := from; i < len(starts); i++ {
		if l.tree.n != starts[i] {
			return end, l.gap(starts[i])
		}
		f := l.seg
		if i < len(starts)-1 {
			if f, err = l.open(segName(starts[i])); err != nil {
				return end, err
			}
		}
		end, err = l.replay(f, certain)
		if f != l.seg {
			f.Close()
		}
		if err != nil {
			return end, err
		}
		if end.tail > 0 && i < len(starts)-1 {
			return end, fmt.Errorf("%w: the segment %s is damaged at byte %d; restore it from a copy", ErrDisagree, segName(starts[i]), end.good)
		}
	}
	l.segSize, l.segBorn = end.good, time.Time{}
	if l.segSize > 0 {
		b := make([]byte, min(l.segSize, 512))
		if _, err := l.seg.ReadAt(b, 0); err == nil {
			l.segBorn, _ = lineTime(b)
		}
	}
	return end, nil
}

var timeMark = []byte(`"ts":"`)

// lineTime reads the time of a record from the begin of its line.
func lineTime(line []byte) (time.Time, bool) {
	_, rest, ok := bytes.Cut(line[:min(len(line), 256)], timeMark)
	if !ok {
		return time.Time{}, false
	}
	text, _, ok := bytes.Cut(rest, []byte{'"'})
	if !ok {
		return time.Time{}, false
	}
	t, err := time.Parse(time.RFC3339Nano, string(text))
	return t, err == nil
}

func (l *Log) gap(start int64) error {
	return fmt.Errorf("%w: between record %d and the segment %s a segment is missing or cut; restore it from a copy", ErrDisagree, l.tree.n, segName(start))
}

// joins checks that the last record of a segment is the one before the next
// segment.
func (l *Log) joins(start, next int64) error {
	f, err := l.open(segName(start))
	if err != nil {
		return err
	}
	defer f.Close()
	r, err := sectionOf(f)
	if err != nil {
		return err
	}
	b := make([]byte, min(r.Size(), MaxRecord+128))
	if _, err := r.ReadAt(b, r.Size()-int64(len(b))); err != nil && err != io.EOF {
		return err
	}
	b, whole := bytes.CutSuffix(b, []byte("\n"))
	if !whole || checkLine(lastLine(b), next-1) != nil {
		return l.gap(next)
	}
	return nil
}

// replay reads a segment up to the first thing that is not the next record,
// adds its records to the tree and their hashes to the file.
func (l *Log) replay(f File, certain int64) (end segEnd, err error) {
	section, err := sectionOf(f)
	if err != nil {
		return end, err
	}
	r := bufio.NewReaderSize(section, 1<<20)
	l.unsure = 0
	l.hashSize = tlog.StoredHashIndex(0, l.tree.n) * tlog.HashSize
	var hb []byte
	flush := func() error {
		_, err := l.hashes.WriteAt(hb, l.hashSize)
		l.hashSize += int64(len(hb))
		hb = hb[:0]
		return err
	}
	var hashes []tlog.Hash
	for {
		line, err := readLine(r)
		if err != nil || checkLine(line, l.tree.n) != nil || !whole(line) {
			if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF && !errors.Is(err, bufio.ErrBufferFull) {
				return end, fmt.Errorf("reading the audit log: %w", err)
			}
			end.tail = section.Size() - end.good
			return end, flush()
		}
		end.good += int64(len(line)) + 1
		if l.tree.n < certain {
			l.unsure = end.good
		}
		hashes = l.tree.add(tlog.RecordHash(line), hashes[:0])
		for i := range hashes {
			hb = append(hb, hashes[i][:]...)
		}
		if len(hb) > 1<<20 {
			if err := flush(); err != nil {
				return end, err
			}
		}
	}
}

// whole reports whether a line can be one of ours: it has no control
// characters, which is what the holes of a torn batch are made of.
func whole(line []byte) bool {
	for _, c := range line {
		if c < 0x20 {
			return false
		}
	}
	return true
}

// holds compares the tree with checkpoints; it returns what is wrong.
func (l *Log) holds(signed []checkpoint.Checkpoint) string {
	for _, c := range signed {
		if c.Size > l.tree.n {
			return fmt.Sprintf("%d records are signed (root %s), %d are there", c.Size, c.Root, l.tree.n)
		}
		then, err := treeAt(c.Size, hashReader{l.hashes})
		if err != nil || then.root() != c.Root {
			return fmt.Sprintf("the first %d records are not those that were signed (root %s)", c.Size, c.Root)
		}
	}
	return ""
}

// cut takes off what follows the last record. After an override it is kept in a
// file, since it may be evidence.
func (l *Log) cut(end segEnd, keep bool) (*systemEvent, error) {
	if end.tail == 0 {
		return nil, nil
	}
	sum := sha256.New()
	if _, err := io.Copy(sum, io.NewSectionReader(l.seg, end.good, end.tail)); err != nil {
		return nil, err
	}
	digest := hex.EncodeToString(sum.Sum(nil))
	if keep {
		b := make([]byte, end.tail)
		if _, err := l.seg.ReadAt(b, end.good); err != nil && err != io.EOF {
			return nil, err
		}
		if err := writeFile(l.fs, filepath.Join(l.o.Dir, "cut-"+digest[:16]), b, 0o600); err != nil {
			return nil, err
		}
	}
	// Not synced: the record of the cut is what makes it durable. After a crash
	// before that, the tail is found, cut and recorded again.
	if err := l.seg.Truncate(end.good); err != nil {
		return nil, err
	}
	l.o.Logf("audit log: cut %d bytes of an unfinished record", end.tail)
	return &systemEvent{"recovered", fmt.Sprintf("cut %d bytes of an unfinished record, sha256 %s", end.tail, digest)}, nil
}

// checkpointsOnDisk reads what was signed last: the newest checkpoint and the end
// of the history, newest first, one of them if they are the same. If they cannot
// be trusted, why says so.
func (l *Log) checkpointsOnDisk() (signed []checkpoint.Checkpoint, why string, err error) {
	msgs := make([][]byte, 0, 2)
	b, err := readFile(l.fs, filepath.Join(l.o.Dir, "checkpoint"))
	if err == nil {
		msgs = append(msgs, b)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("reading the checkpoint: %w", err)
	}
	if b, err = l.mendHistory(); err != nil {
		return nil, "", err
	}
	if len(b) > 0 {
		msgs = append(msgs, b)
	}
	for _, msg := range msgs {
		c, _, err := checkpoint.Open(msg, l.keys.public)
		if err != nil {
			return nil, err.Error(), nil
		}
		switch {
		case len(signed) == 0 || signed[0] == c:
			signed = append(signed[:0], c)
		case c.Size > signed[0].Size:
			signed = []checkpoint.Checkpoint{c, signed[0]}
		default:
			signed = append(signed, c)
		}
	}
	return signed, "", nil
}

// mendHistory cuts a torn entry off the history of checkpoints and returns the
// last whole one.
func (l *Log) mendHistory() (last []byte, err error) {
	r, err := sectionOf(l.logged)
	if err != nil {
		return nil, err
	}
	const window = 64 << 10
	from := max(0, r.Size()-window)
	b := make([]byte, r.Size()-from)
	if _, err := r.ReadAt(b, from); err != nil && err != io.EOF {
		return nil, err
	}
	end := entryEnd(b)
	if end == 0 && from > 0 {
		return nil, fmt.Errorf("%w: the history of checkpoints ends in something else; move checkpoints.log away", ErrDisagree)
	}
	l.logSize = from + int64(end)
	if l.logSize < r.Size() {
		l.o.Logf("audit log: cut %d bytes of an unfinished checkpoint", r.Size()-l.logSize)
		if err := l.logged.Truncate(l.logSize); err != nil {
			return nil, err
		}
	}
	if end == 0 {
		return nil, nil
	}
	return b[entryEnd(b[:end-1]) : end-1], nil
}

// entryEnd is the offset behind the last whole entry: a line with a signature
// and a blank one.
func entryEnd(b []byte) int {
	for end := len(b); ; {
		i := bytes.LastIndex(b[:end], []byte("\n\n"))
		if i < 0 {
			return 0
		}
		if bytes.HasPrefix(lastLine(b[:i]), []byte("— ")) {
			return i + 2
		}
		end = i + 1
	}
}

func lastLine(b []byte) []byte { return b[bytes.LastIndexByte(b, '\n')+1:] }

// readLine reads a line without its newline. A last line that has none comes
// with io.ErrUnexpectedEOF.
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
	var num [20]byte
	rest, ok = bytes.CutPrefix(rest, strconv.AppendInt(num[:0], n, 10))
	if !ok || len(rest) < 2 || rest[0] != ',' || rest[len(rest)-1] != '}' {
		return errLine
	}
	return nil
}
