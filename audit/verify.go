package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// VerifyOptions configure Verify.
type VerifyOptions struct {
	// VerifierKey is the log's public key from a source of your own; empty
	// takes the one beside the log, which proves less: who can rewrite the log
	// can rewrite that too.
	VerifierKey string
	// AllowUnsigned accepts records behind the newest checkpoint, and half a
	// record at the end, although no process has the log open: so end the copy
	// of a log that was in use, and the log of a process that was killed.
	// Report.Records - Report.Signed is how many nothing vouches for.
	AllowUnsigned bool
	// Progress is called now and then with the number of records checked.
	Progress func(records int64)
}

// Report is what Verify found.
type Report struct {
	Origin      string `json:"origin"`
	VerifierKey string `json:"verifier_key"`
	Records     int64  `json:"records"`     // checked
	Signed      int64  `json:"signed"`      // covered by the newest checkpoint
	Checkpoints int64  `json:"checkpoints"` // all of which hold
	Segments    int    `json:"segments"`
	Root        string `json:"root"` // of the newest checkpoint
	// Live is true when a process has the log open: then records behind the
	// newest checkpoint and half a line at the end are normal.
	Live bool `json:"live"`
	// Tail is the number of bytes of an unfinished last record.
	Tail int64 `json:"tail_bytes,omitempty"`
}

// String says it in a line.
func (r Report) String() string {
	s := fmt.Sprintf("%d records in %d segments, %d of them signed; %d checkpoints hold; root %s", r.Records, r.Segments, r.Signed, r.Checkpoints, r.Root)
	if r.Live {
		s += " (the log is open and growing)"
	}
	return s
}

// ErrHashes is wrapped when the records are as they were signed, but the file of
// hashes, from which proofs are made, is not.
var ErrHashes = errors.New("the records verify, but the file hashes is damaged; stop the server, move it away and start again, it is made anew from the records")

// ErrTampered is wrapped by the error of Verify when the log is not what was
// signed.
var ErrTampered = errors.New("the audit log does not verify")

func tampered(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrTampered, fmt.Sprintf(format, args...))
}

// Verify recomputes the hash of every record and the tree over them, and holds
// it against every checkpoint in the log's history. Memory is constant whatever
// the size of the log.
func Verify(dir string, o VerifyOptions) (rep Report, err error) {
	fsys := osFS{}
	if o.VerifierKey == "" {
		b, err := readFile(fsys, filepath.Join(dir, "key.pub"))
		if err != nil {
			return rep, fmt.Errorf("reading the verifier key: %w", err)
		}
		o.VerifierKey = strings.TrimSpace(string(b))
	}
	v, err := note.NewVerifier(o.VerifierKey)
	if err != nil {
		return rep, fmt.Errorf("verifier key: %w", err)
	}
	rep.Origin, rep.VerifierKey = v.Name(), o.VerifierKey
	rep.Live = locked(filepath.Join(dir, "lock"))
	// The checkpoints are read before the records: on a live log the records
	// only grow past them.
	newest, err := newestCheckpoint(fsys, dir, v)
	if err != nil {
		return rep, err
	}
	rep.Signed, rep.Root = newest.size, newest.root.String()
	history, err := openHistory(dir, v)
	if err != nil {
		return rep, err
	}
	defer history.Close()
	stored, err := os.Open(filepath.Join(dir, "hashes"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return rep, err
	}
	hashes := &hashFile{r: bufio.NewReaderSize(bytes.NewReader(nil), 16), most: newest.size}
	if err == nil {
		defer stored.Close()
		hashes.r = bufio.NewReaderSize(stored, 256<<10)
	}
	if err := rep.records(fsys, dir, history, hashes, o.Progress); err != nil {
		return rep, err
	}
	if c, ok := history.peek(); ok && c.size > rep.Records {
		return rep, tampered("a checkpoint covers %d records, but only %d are there", c.size, rep.Records)
	}
	if history.err != nil {
		return rep, history.err
	}
	if history.last.size < newest.size || (history.last.size == newest.size && history.last.root != newest.root) {
		return rep, tampered("the newest checkpoint (%d records) is missing from the history (%d records)", newest.size, history.last.size)
	}
	growing := rep.Live || o.AllowUnsigned
	if history.last.size > newest.size && !growing {
		return rep, tampered("the newest checkpoint (%d records) is older than the history (%d records)", newest.size, history.last.size)
	}
	if rep.Tail > 0 && !growing {
		return rep, tampered("%d bytes of an unfinished record at the end; if the process was killed or this is a copy of a log in use, allow for it, or open the log once", rep.Tail)
	}
	if rep.Records > newest.size && !growing {
		return rep, tampered("%d records stand behind the last checkpoint, though a log that is closed signs all it has; if the process was killed or this is a copy of a log in use, allow for it, or open the log once", rep.Records-newest.size)
	}
	if hashes.wrong || hashes.records < newest.size {
		return rep, fmt.Errorf("%w (at record %d)", ErrHashes, hashes.records)
	}
	return rep, nil
}

// hashFile compares the stored hashes with computed ones, as far as they were
// signed: behind that, those of a live log may still change.
type hashFile struct {
	r       *bufio.Reader
	most    int64 // records
	records int64 // whose hashes are as they should be
	wrong   bool
	ended   bool
}

func (f *hashFile) check(want []tlog.Hash) {
	var h tlog.Hash
	for i := range want {
		if f.wrong || f.ended || f.records == f.most {
			return
		}
		if _, err := io.ReadFull(f.r, h[:]); err != nil {
			f.ended = true
		} else if h != want[i] {
			f.wrong = true
		}
	}
	if !f.wrong && !f.ended {
		f.records++
	}
}

// records walks through all records in order.
func (rep *Report) records(fsys FS, dir string, h *history, stored *hashFile, progress func(int64)) error {
	starts, err := segments(fsys, dir)
	if err != nil {
		return tampered("%v", err)
	}
	var t tree
	if err := h.check(&t, rep); err != nil {
		return err
	}
	for i, start := range starts {
		if start != t.n {
			return tampered("segment %s should begin with record %d", segName(start), t.n)
		}
		f, err := os.Open(filepath.Join(dir, segName(start)))
		if err != nil {
			return err
		}
		r := bufio.NewReaderSize(f, 1<<20)
		var leaves []tlog.Hash
		for {
			line, err := readLine(r)
			if err == io.EOF && len(line) == 0 {
				break
			}
			if errors.Is(err, io.ErrUnexpectedEOF) && i == len(starts)-1 {
				rep.Tail = int64(len(line))
				break
			}
			if err == nil {
				err = checkLine(line, t.n)
			}
			if err != nil {
				f.Close()
				return tampered("record %d in %s: %v", t.n, segName(start), err)
			}
			leaves = t.add(tlog.RecordHash(line), leaves[:0])
			stored.check(leaves)
			if err := h.check(&t, rep); err != nil {
				f.Close()
				return err
			}
			if progress != nil && t.n%10_000 == 0 {
				progress(t.n)
			}
		}
		f.Close()
		rep.Segments++
	}
	rep.Records = t.n
	return nil
}

// history reads checkpoints.log one entry at a time.
type history struct {
	io.Closer
	r    *bufio.Reader
	v    note.Verifier
	next checkpoint
	have bool
	last checkpoint
	err  error
}

func openHistory(dir string, v note.Verifier) (*history, error) {
	f, err := os.Open(filepath.Join(dir, "checkpoints.log"))
	if errors.Is(err, fs.ErrNotExist) {
		return &history{Closer: io.NopCloser(nil), r: bufio.NewReader(bytes.NewReader(nil)), v: v}, nil
	}
	if err != nil {
		return nil, err
	}
	// Only what is there now: entries that a live log adds later may speak of
	// segments that were not there when they were listed.
	st, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, err
	}
	h := &history{Closer: f, r: bufio.NewReader(io.NewSectionReader(f, 0, st.Size())), v: v}
	h.advance()
	return h, h.err
}

func (h *history) peek() (checkpoint, bool) { return h.next, h.have }

// advance reads the next entry: origin, size, root, blank, signature, blank.
func (h *history) advance() {
	h.have = false
	var msg []byte
	for range 6 {
		line, err := h.r.ReadBytes('\n')
		if err == io.EOF && len(msg) == 0 && len(line) == 0 {
			return
		}
		if err != nil {
			// Half an entry at the end is what a crash or a live log leaves.
			return
		}
		if len(msg) > 4096 {
			h.err = tampered("the history of checkpoints is damaged")
			return
		}
		msg = append(msg, line...)
	}
	c, err := openCheckpoint(msg[:len(msg)-1], h.v)
	if err != nil || msg[len(msg)-1] != '\n' {
		h.err = tampered("the history of checkpoints is damaged after %d records: %v", h.last.size, err)
		return
	}
	if c.size < h.last.size || (c.size == h.last.size && h.last.size > 0 && c.root != h.last.root) {
		h.err = tampered("the checkpoint of %d records follows one of %d", c.size, h.last.size)
		return
	}
	h.next, h.have = c, true
}

// check compares the tree with the checkpoints of its size.
func (h *history) check(t *tree, rep *Report) error {
	if h.err != nil {
		return h.err
	}
	for h.have && h.next.size == t.n {
		if t.root() != h.next.root {
			return tampered("the first %d records are not those that were signed", t.n)
		}
		rep.Checkpoints++
		h.last = h.next
		h.advance()
		if h.err != nil {
			return h.err
		}
	}
	return nil
}

func newestCheckpoint(fsys FS, dir string, v note.Verifier) (c checkpoint, err error) {
	b, err := readFile(fsys, filepath.Join(dir, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if c, err = openCheckpoint(b, v); err != nil {
		return c, tampered("%v", err)
	}
	return c, nil
}
