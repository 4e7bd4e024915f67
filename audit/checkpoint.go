package audit

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// signer signs checkpoints.
type signer struct {
	note.Signer
	vkey string
}

// loadKey reads the key of a log, or makes one at its first start.
func loadKey(fsys FS, dir, origin string) (*signer, error) {
	path := filepath.Join(dir, "key")
	b, err := readFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		// A log without its key has lost it: with a new one nothing that was
		// signed could be checked, and key.pub would be overwritten.
		if _, err := readFile(fsys, filepath.Join(dir, "checkpoint")); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: the key file is missing; restore it from a backup, or move the directory away so that a new log begins", ErrDisagree)
		}
		skey, _, err := note.GenerateKey(rand.Reader, origin)
		if err != nil {
			return nil, fmt.Errorf("making a key: %w", err)
		}
		if err := writeFile(fsys, path, []byte(skey+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("writing the key: %w", err)
		}
		b = []byte(skey)
	} else if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	} else if err := checkPrivate(fsys, path); err != nil {
		return nil, err
	}
	s, err := note.NewSigner(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, errors.New("the key file of the log is damaged; restore it from a backup, without it nothing new can be signed")
	}
	vkey, err := verifierKey(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, err
	}
	pub := filepath.Join(dir, "key.pub")
	if old, err := readFile(fsys, pub); err != nil || strings.TrimSpace(string(old)) != vkey {
		if err := writeFile(fsys, pub, []byte(vkey+"\n"), 0o644); err != nil {
			return nil, fmt.Errorf("writing the verifier key: %w", err)
		}
	}
	return &signer{Signer: s, vkey: vkey}, nil
}

// checkPrivate refuses a key that others may read.
func checkPrivate(fsys FS, path string) error {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the key file of the log can be read by others (mode %04o); make it 0600, and a new key if it may have been read", st.Mode().Perm())
	}
	return nil
}

// checkpoint is a tree head: the log's name, its size and its root.
type checkpoint struct {
	origin string
	size   int64
	root   tlog.Hash
}

// sign renders the checkpoint as a signed note (C2SP tlog-checkpoint).
func (c checkpoint) sign(s note.Signer) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.origin + "\n" + strconv.FormatInt(c.size, 10) + "\n" + c.root.String() + "\n"}, s)
}

var errCheckpoint = errors.New("not a checkpoint")

// openCheckpoint verifies and reads a signed checkpoint.
func openCheckpoint(msg []byte, v note.Verifier) (c checkpoint, err error) {
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		return c, fmt.Errorf("checkpoint: %w", err)
	}
	lines := strings.SplitN(n.Text, "\n", 4)
	if len(lines) < 4 {
		return c, errCheckpoint
	}
	c.origin = lines[0]
	if c.size, err = strconv.ParseInt(lines[1], 10, 64); err != nil || c.size < 0 || lines[1] != strconv.FormatInt(c.size, 10) {
		return c, errCheckpoint
	}
	if c.root, err = tlog.ParseHash(lines[2]); err != nil {
		return c, errCheckpoint
	}
	if c.origin != v.Name() {
		return c, fmt.Errorf("%w: of the log %q, signed by %q", errCheckpoint, c.origin, v.Name())
	}
	return c, nil
}
