// Package checkpoint holds the signed forms that logs and their witnesses
// exchange: tree heads (C2SP tlog-checkpoint v1.0), signed notes with Ed25519
// keys, and the timestamped cosignatures of witnesses (C2SP tlog-cosignature).
//
// It does no I/O and knows no log.
package checkpoint

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// MaxLen bounds a signed checkpoint, in bytes, whatever its signatures.
const MaxLen = 64 << 10

// Checkpoint is a tree head: the log's name, its size in records and the root
// hash over them.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   tlog.Hash
}

// ErrFormat is wrapped when something is not a checkpoint.
var ErrFormat = errors.New("not a checkpoint")

// Text is what is signed.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + c.Root.String() + "\n"
}

// Sign renders the checkpoint as a note with the signatures of all signers.
func (c Checkpoint) Sign(signers ...note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.Text()}, signers...)
}

// Parse reads the text of a checkpoint. Lines after the third are extensions
// and are passed over.
func Parse(text string) (c Checkpoint, err error) {
	lines := strings.SplitN(text, "\n", 4)
	if len(lines) < 4 || lines[0] == "" {
		return c, ErrFormat
	}
	c.Origin = lines[0]
	if c.Size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.Size < 0 || lines[1] != strconv.FormatInt(c.Size, 10) {
		return c, fmt.Errorf("%w: its size is no number", ErrFormat)
	}
	if c.Root, err = tlog.ParseHash(lines[2]); err != nil {
		return c, fmt.Errorf("%w: its root is no hash", ErrFormat)
	}
	return c, nil
}

// Open verifies a signed checkpoint with keys of the log: at least one of them
// must have signed, and what they signed must be the log of that name. Signed
// are the keys that did.
func Open(msg []byte, keys Keys) (c Checkpoint, signed []note.Signature, err error) {
	if len(msg) > MaxLen {
		return c, nil, fmt.Errorf("%w: %d bytes", ErrFormat, len(msg))
	}
	n, err := note.Open(msg, keys)
	if err != nil {
		return c, nil, fmt.Errorf("checkpoint: %w", err)
	}
	if c, err = Parse(n.Text); err != nil {
		return c, nil, err
	}
	if strings.Contains(n.Text, "\n\n") { // who looks for the end of the text must not find another one
		return c, nil, fmt.Errorf("%w: it has an empty line", ErrFormat)
	}
	for _, s := range n.Sigs {
		if s.Name == c.Origin {
			signed = append(signed, s)
		}
	}
	if len(signed) == 0 {
		return c, nil, fmt.Errorf("%w: of the log %q, signed by %q", ErrFormat, c.Origin, n.Sigs[0].Name)
	}
	return c, signed, nil
}
