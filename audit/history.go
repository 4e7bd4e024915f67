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

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

// trust knows which keys of a log count. A key that signs a checkpoint over the
// record of another key hands over to it.
type trust struct {
	ring    checkpoint.Keys // all that the log names, the given ones first
	texts   map[uint32]string
	trusted map[uint32]bool
	// handed are keys by the record that names them, until a trusted key has
	// signed over it.
	handed []handOver
	signed int64 // records that the newest checkpoint by a trusted key covers
	newest uint32
}

type handOver struct {
	record int64
	hash   uint32
}

// load reads the keys: the given ones are trusted, without any all in key.pub.
func (t *trust) load(fsys FS, dir, given string) error {
	text := given
	b, err := readFile(fsys, filepath.Join(dir, "key.pub"))
	if err != nil && (given == "" || !errors.Is(err, fs.ErrNotExist)) {
		return fmt.Errorf("reading the verifier keys: %w", err)
	}
	own, err := checkpoint.ParseKeys(text + "\n" + string(b))
	if err != nil {
		if given != "" {
			if _, gerr := checkpoint.ParseKeys(given); gerr != nil {
				return gerr
			}
			return tampered("the file key.pub is not that of your key: %w", err)
		}
		return err
	}
	if given == "" {
		text = string(b)
	}
	counts, err := checkpoint.ParseKeys(text)
	if err != nil {
		return err
	}
	t.ring, t.trusted, t.texts = own, map[uint32]bool{}, map[uint32]string{}
	for _, v := range counts {
		t.trusted[v.KeyHash()] = true
	}
	for _, line := range strings.Fields(given + "\n" + string(b)) {
		if v, err := note.NewVerifier(line); err == nil {
			t.texts[v.KeyHash()] = line
		}
	}
	return nil
}

// handOver notes that a record names a key.
func (t *trust) handOver(record int64, vkey string) {
	v, err := note.NewVerifier(vkey)
	if err != nil || v.Name() != t.ring[0].Name() || t.trusted[v.KeyHash()] {
		return
	}
	if !t.ring.Has(v.Name(), v.KeyHash()) {
		t.ring = append(t.ring, v)
		t.texts[v.KeyHash()] = vkey
	}
	t.handed = append(t.handed, handOver{record, v.KeyHash()})
}

// holds notes that a checkpoint of that size, signed by these keys, holds.
func (t *trust) holds(size int64, signed []note.Signature) {
	first := true
	for _, s := range signed {
		if !t.trusted[s.Hash] {
			continue
		}
		if t.signed = size; first {
			t.newest, first = s.Hash, false
		}
		for len(t.handed) > 0 && t.handed[0].record < size {
			t.trusted[t.handed[0].hash] = true
			t.handed = t.handed[1:]
		}
	}
}

// vouched reports whether a trusted key has signed the first n records.
func (t *trust) vouched(n int64) bool { return t.signed >= n }

// newestKey is the trusted key that signed last.
func (t *trust) newestKey() string {
	if s, ok := t.texts[t.newest]; ok {
		return s
	}
	for _, v := range t.ring {
		if t.trusted[v.KeyHash()] {
			return t.texts[v.KeyHash()]
		}
	}
	return ""
}

// history reads checkpoints.log one entry at a time.
type history struct {
	io.Closer
	r     *bufio.Reader
	trust *trust
	next  checkpoint.Checkpoint
	by    []note.Signature // who signed next
	have  bool
	last  checkpoint.Checkpoint
	err   error
}

// openHistory begins with the first checkpoint of at least so many records.
func openHistory(dir string, t *trust, since int64) (*history, error) {
	f, err := os.Open(filepath.Join(dir, "checkpoints.log"))
	if errors.Is(err, fs.ErrNotExist) {
		return &history{Closer: io.NopCloser(nil), r: bufio.NewReader(bytes.NewReader(nil)), trust: t}, nil
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
	h := &history{Closer: f, r: bufio.NewReaderSize(io.NewSectionReader(f, 0, st.Size()), 64<<10), trust: t}
	h.advance(since)
	if h.err != nil {
		f.Close()
	}
	return h, h.err
}

// advance reads the next entry of at least so many records: the text of a
// checkpoint, a blank line, signatures, a blank line.
func (h *history) advance(since int64) {
	h.have = false
	for {
		msg, err := readEntry(h.r)
		if err == io.EOF {
			// Half an entry at the end is what a crash or a live log leaves.
			return
		}
		if err != nil {
			h.err = tampered("the history of checkpoints is damaged after %d records: %w", h.last.Size, err)
			return
		}
		if since > 0 {
			if c, err := checkpoint.Parse(string(msg)); err == nil && c.Size < since {
				continue
			}
		}
		c, by, err := checkpoint.Open(msg, h.trust.ring)
		if err != nil {
			h.err = tampered("the history of checkpoints is damaged after %d records: %w", h.last.Size, err)
			return
		}
		if c.Size < h.last.Size || (c.Size == h.last.Size && h.last.Size > 0 && c.Root != h.last.Root) {
			h.err = tampered("the checkpoint of %d records follows one of %d", c.Size, h.last.Size)
			return
		}
		h.next, h.by, h.have = c, by, true
		return
	}
}

var errEntry = errors.New("an entry is not a signed checkpoint")

// readEntry reads an entry of a history of checkpoints, without the blank line
// at its end.
func readEntry(r *bufio.Reader) (msg []byte, err error) {
	for blanks := 0; ; {
		line, err := r.ReadSlice('\n')
		if err != nil {
			if errors.Is(err, bufio.ErrBufferFull) {
				return nil, errEntry
			}
			return nil, err
		}
		if len(line) == 1 {
			if blanks++; blanks == 2 {
				return msg, nil
			}
		} else if blanks == 1 && !bytes.HasPrefix(line, []byte("— ")) {
			return nil, errEntry
		}
		if msg = append(msg, line...); len(msg) > checkpoint.MaxLen {
			return nil, errEntry
		}
	}
}

// check compares the tree with the checkpoints of its size.
func (h *history) check(t *tree, rep *Report) error {
	if h.err != nil {
		return h.err
	}
	for h.have && h.next.Size == t.n {
		if t.root() != h.next.Root {
			return tampered("the first %d records are not those that were signed", t.n)
		}
		rep.Checkpoints++
		h.trust.holds(t.n, h.by)
		h.last = h.next
		if h.advance(0); h.err != nil {
			return h.err
		}
	}
	return nil
}

// newestCheckpoint reads the newest checkpoint; a log that has signed none has an
// empty one.
func newestCheckpoint(fsys FS, dir string, t *trust) (c checkpoint.Checkpoint, err error) {
	b, err := readFile(fsys, filepath.Join(dir, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return c, nil
	}
	if err != nil {
		return c, err
	}
	if c, _, err = checkpoint.Open(b, t.ring); err != nil {
		return c, tampered("%w", err)
	}
	return c, nil
}
