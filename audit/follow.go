package audit

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"time"
)

// Follower reads the records of a log as they come, from the files, live or copied.
// A live log's newest records may be read before they are durable.
type Follower struct {
	dir   string
	next  int64 // the record to read next
	file  *os.File
	start int64 // first record of the open segment
	off   int64
	buf   []byte
}

// Follow returns a Follower that begins with record from, or with the first one that
// was kept. Close it.
func Follow(dir string, from int64) *Follower { return &Follower{dir: dir, next: from} }

// Close closes the open file.
func (f *Follower) Close() error {
	if f.file == nil {
		return nil
	}
	err := f.file.Close()
	f.file = nil
	return err
}

// Read calls yield with every whole record that is there and was not read yet, in
// order, until it returns false.
func (f *Follower) Read(yield func(index int64, line []byte) bool) error {
	for {
		if f.file == nil {
			if ok, err := f.open(); !ok || err != nil {
				return err
			}
		}
		more, err := f.lines(yield)
		if err != nil || !more {
			return err
		}
		// The segment is read to its end: has the next one begun?
		if f.next == f.start {
			return nil
		}
		if _, err := os.Stat(filepath.Join(f.dir, segName(f.next))); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				return nil
			}
			return err
		}
		if err := f.Close(); err != nil {
			return err
		}
	}
}

// open opens the segment that holds the next record, and goes to it.
func (f *Follower) open() (ok bool, err error) {
	starts, err := segments(osFS{}, f.dir)
	if err != nil || len(starts) == 0 {
		return false, err
	}
	i := sort.Search(len(starts), func(i int) bool { return starts[i] > f.next }) - 1
	if i < 0 { // pruned meanwhile
		i, f.next = 0, starts[0]
	}
	if f.file, err = os.Open(filepath.Join(f.dir, segName(starts[i]))); err != nil {
		return false, err
	}
	want := f.next
	f.start, f.next, f.off, f.buf = starts[i], starts[i], 0, f.buf[:0]
	if want > f.next {
		_, err = f.lines(func(index int64, _ []byte) bool { return index+1 < want })
	}
	return err == nil, err
}

// lines reads the whole lines that the segment has now.
func (f *Follower) lines(yield func(index int64, line []byte) bool) (more bool, err error) {
	chunk := make([]byte, 256<<10)
	for {
		for {
			i := bytes.IndexByte(f.buf, '\n')
			if i < 0 {
				break
			}
			line := f.buf[:i]
			f.buf = f.buf[i+1:]
			index := f.next
			f.next++
			if !yield(index, line) {
				return false, nil
			}
		}
		n, err := f.file.ReadAt(chunk, f.off)
		f.off += int64(n)
		f.buf = append(f.buf[:len(f.buf):len(f.buf)], chunk[:n]...)
		if len(f.buf) > MaxRecord+1<<12 && bytes.IndexByte(f.buf, '\n') < 0 {
			return false, fmt.Errorf("record %d is longer than a record can be", f.next)
		}
		if err == io.EOF && n == 0 {
			// Half a record may be taken back by the writer: it is read again.
			f.off -= int64(len(f.buf))
			f.buf = f.buf[:0]
			return true, nil
		}
		if err != nil && err != io.EOF {
			return false, err
		}
	}
}

// FirstSince is a record number from which all records that were made at t or later
// can be found: the first of a segment. An hour makes up for clocks that were set
// back.
func FirstSince(dir string, t time.Time) (int64, error) {
	starts, err := segments(osFS{}, dir)
	if err != nil || len(starts) == 0 || t.IsZero() {
		return 0, err
	}
	t = t.Add(-time.Hour)
	var bad error
	i := sort.Search(len(starts), func(i int) bool {
		later := false
		if _, err := scanSegment(filepath.Join(dir, segName(starts[i])), starts[i], func(_ int64, line []byte) bool {
			r, err := Decode(line)
			if err != nil {
				bad = err
				return false
			}
			later = r.TS.After(t)
			return false
		}); err != nil {
			bad = err
		}
		return later
	})
	return starts[max(0, i-1)], bad
}

// Extent is what a log's files hold.
type Extent struct {
	First int64 // number of the first record that is kept
	Bytes int64 // of all segments
}

// ExtentOf measures the files of a log from the segment of record from on. It fails
// for a directory that holds no log.
func ExtentOf(dir string, from int64) (e Extent, err error) {
	starts, err := segments(osFS{}, dir)
	if err != nil {
		return e, err
	}
	if len(starts) == 0 {
		return e, fmt.Errorf("%s holds no audit log: %w", dir, fs.ErrNotExist)
	}
	e.First = starts[0]
	for i, s := range starts {
		if i+1 < len(starts) && starts[i+1] <= from {
			continue
		}
		st, err := os.Stat(filepath.Join(dir, segName(s)))
		if err != nil {
			return e, err
		}
		e.Bytes += st.Size()
	}
	return e, nil
}

// NearEnd is a record number at a segment's begin that is at least n records before
// the end, or 0: where to begin to read for the last n.
func NearEnd(dir string, n int64) (int64, error) {
	starts, err := segments(osFS{}, dir)
	if err != nil {
		return 0, err
	}
	for i := len(starts) - 2; i >= 0; i-- {
		if starts[len(starts)-1]-starts[i] >= n {
			return starts[i], nil
		}
	}
	return 0, nil
}
