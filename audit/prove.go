package audit

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

// proofHeader begins a receipt (C2SP tlog-proof).
const proofHeader = "c2sp.org/tlog-proof@v1"

// ErrUncovered is returned by Prove for a record that no checkpoint covers yet;
// one is signed every second.
var ErrUncovered = errors.New("no signed checkpoint covers this record yet; try again in a second")

// Prove makes a receipt for the record with the index, from the files of a log,
// live or copied: the inclusion hashes and the newest signed checkpoint, if
// possible one that witnesses have cosigned.
func Prove(dir string, index int64) ([]byte, error) {
	keys, err := publicKeys(dir)
	if err != nil {
		return nil, err
	}
	msg, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, ErrUncovered
	}
	if err != nil {
		return nil, fmt.Errorf("reading the checkpoint: %w", err)
	}
	c, _, err := checkpoint.Open(msg, keys)
	if err != nil {
		return nil, err
	}
	if index < 0 {
		return nil, fmt.Errorf("%d is not the index of a record", index)
	}
	if index >= c.Size {
		return nil, ErrUncovered
	}
	f, err := os.Open(filepath.Join(dir, "hashes"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if b, err := os.ReadFile(filepath.Join(dir, cosignedName)); err == nil {
		if cosigned, _, err := checkpoint.Open(b, keys); err == nil && index < cosigned.Size && cosigned.Size <= c.Size {
			if receipt, err := receipt(cosigned, b, index, hashReader{f}); err == nil {
				return receipt, nil
			}
		}
	}
	return receipt(c, msg, index, hashReader{f})
}

// cosignedName is the file of the newest checkpoint with the signatures of
// witnesses.
const cosignedName = "checkpoint.cosigned"

// publicKeys reads key.pub.
func publicKeys(dir string) (checkpoint.Keys, error) {
	b, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		return nil, fmt.Errorf("reading the verifier keys: %w", err)
	}
	return checkpoint.ParseKeys(string(b))
}

// receipt makes the receipt of a record under a checkpoint, and checks it.
func receipt(c checkpoint.Checkpoint, msg []byte, index int64, r tlog.HashReader) ([]byte, error) {
	proof, err := tlog.ProveRecord(c.Size, index, r)
	if err != nil {
		return nil, fmt.Errorf("proving record %d: %w", index, err)
	}
	leaf, err := r.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
	if err != nil {
		return nil, err
	}
	if tlog.CheckRecord(proof, c.Size, c.Root, index, leaf[0]) != nil {
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

// Receipt is what VerifyReceipt found.
type Receipt struct {
	Origin string `json:"origin"` // the log's name
	Index  int64  `json:"index"`  // of the record
	Size   int64  `json:"size"`   // records that the checkpoint covers
	// Witnesses are those of the given ones whose cosignature holds.
	Witnesses []Cosigned `json:"witnesses,omitempty"`
}

// Cosigned is a witness's word: at that time it had seen the log with this
// checkpoint and with nothing that contradicts it.
type Cosigned struct {
	Witness string    `json:"witness"`
	At      time.Time `json:"at"`
}

// VerifyReceipt checks that a record (its line, without the newline) is in the
// log whose verifier keys are given, one a line. It needs nothing else. Of the
// witnesses whose keys are given it says which have cosigned.
func VerifyReceipt(receipt, record []byte, verifierKeys string, witnesses ...string) (r Receipt, err error) {
	keys, err := checkpoint.ParseKeys(verifierKeys)
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	index, proof, msg, err := parseReceipt(receipt)
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	c, _, err := checkpoint.Open(msg, keys)
	if err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	if err := tlog.CheckRecord(proof, c.Size, c.Root, index, tlog.RecordHash(record)); err != nil {
		return r, fmt.Errorf("%w: %w", ErrReceipt, err)
	}
	r = Receipt{Origin: c.Origin, Index: index, Size: c.Size}
	for _, w := range witnesses {
		v, err := checkpoint.NewCosignatures(w)
		if err != nil {
			return r, fmt.Errorf("witness: %w", err)
		}
		n, err := note.Open(msg, note.VerifierList(v))
		if err != nil {
			return r, fmt.Errorf("%w: the witness %s has not cosigned it", ErrReceipt, v.Name())
		}
		at, err := checkpoint.CosignedAt(n.Sigs[0])
		if err != nil {
			return r, fmt.Errorf("%w: %w", ErrReceipt, err)
		}
		r.Witnesses = append(r.Witnesses, Cosigned{v.Name(), at})
	}
	return r, nil
}

// parseReceipt takes a C2SP tlog-proof apart.
func parseReceipt(receipt []byte) (index int64, proof tlog.RecordProof, msg []byte, err error) {
	errForm := errors.New("not a tlog-proof")
	head, msg, ok := bytes.Cut(receipt, []byte("\n\n"))
	if !ok {
		return 0, nil, nil, errForm
	}
	lines := strings.Split(string(head), "\n")
	if len(lines) < 2 || lines[0] != proofHeader {
		return 0, nil, nil, errForm
	}
	lines = lines[1:]
	if strings.HasPrefix(lines[0], "extra ") { // optional, not bound by the tree
		lines = lines[1:]
	}
	if len(lines) == 0 {
		return 0, nil, nil, errors.New("no index")
	}
	num, ok := strings.CutPrefix(lines[0], "index ")
	index, err = strconv.ParseInt(num, 10, 64)
	if !ok || err != nil || index < 0 || num != strconv.FormatInt(index, 10) {
		return 0, nil, nil, errors.New("no index")
	}
	for _, s := range lines[1:] {
		h, err := tlog.ParseHash(s)
		if err != nil {
			return 0, nil, nil, err
		}
		proof = append(proof, h)
	}
	return index, proof, msg, nil
}
