package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// proofHeader begins a receipt (C2SP tlog-proof).
const proofHeader = "c2sp.org/tlog-proof@v1"

// ErrUncovered is returned by Prove for a record that no checkpoint covers yet;
// one is signed every second.
var ErrUncovered = errors.New("no signed checkpoint covers this record yet; try again in a second")

// Prove makes a receipt for the record with the index, from the files of a log,
// live or copied: the inclusion hashes and the newest signed checkpoint.
func Prove(dir string, index int64) ([]byte, error) {
	msg, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrUncovered
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	vkey, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		return nil, fmt.Errorf("reading the verifier key: %w", err)
	}
	v, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		return nil, fmt.Errorf("verifier key: %w", err)
	}
	c, err := openCheckpoint(msg, v)
	if err != nil {
		return nil, err
	}
	if index < 0 {
		return nil, fmt.Errorf("%d is not the index of a record", index)
	}
	if index >= c.size {
		return nil, ErrUncovered
	}
	f, err := os.Open(filepath.Join(dir, "hashes"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	proof, err := tlog.ProveRecord(c.size, index, hashReader{f})
	if err != nil {
		return nil, fmt.Errorf("proving record %d: %w", index, err)
	}
	leaf, err := hashReader{f}.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return nil, err
	}
	if tlog.CheckRecord(proof, c.size, c.root, index, leaf[0]) != nil {
		return nil, errors.New("the file hashes of the audit log is damaged: stop the server, move it away and start again, it is made anew from the records")
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s\nindex %d\n", proofHeader, index)
	for _, h := range proof {
		b.WriteString(h.String() + "\n")
	}
	b.WriteByte('\n')
	b.Write(msg)
	return b.Bytes(), nil
}

// Prove is the function of that name for an open log.
func (l *Log) Prove(index int64) ([]byte, error) { return Prove(l.o.Dir, index) }

// ErrReceipt is wrapped by the errors of VerifyReceipt.
var ErrReceipt = errors.New("the receipt does not hold")

// VerifyReceipt checks that a record (its line, without the newline) is in the
// log whose verifier key is given. It needs nothing else.
func VerifyReceipt(receipt, record []byte, verifierKey string) error {
	v, err := note.NewVerifier(strings.TrimSpace(verifierKey))
	if err != nil {
		return fmt.Errorf("%w: verifier key: %w", ErrReceipt, err)
	}
	head, msg, ok := bytes.Cut(receipt, []byte("\n\n"))
	if !ok {
		return fmt.Errorf("%w: not a tlog-proof", ErrReceipt)
	}
	lines := strings.Split(string(head), "\n")
	if len(lines) < 2 || lines[0] != proofHeader {
		return fmt.Errorf("%w: not a tlog-proof", ErrReceipt)
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") { // optional, not bound by the tree
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return fmt.Errorf("%w: no index", ErrReceipt)
	}
	num, ok := strings.CutPrefix(lines[0], "index ")
	index, err := strconv.ParseInt(num, 10, 64)
	if !ok || err != nil || index < 0 {
		return fmt.Errorf("%w: no index", ErrReceipt)
	}
	var proof tlog.RecordProof
	for _, s := range lines[1:] {
		h, err := tlog.ParseHash(s)
		if err != nil {
			return fmt.Errorf("%w: %w", ErrReceipt, err)
		}
		proof = append(proof, h)
	}
	c, err := openCheckpoint(msg, v)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if err := tlog.CheckRecord(proof, c.size, c.root, index, tlog.RecordHash(record)); err != nil {
		return fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	return nil
}
