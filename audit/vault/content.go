package vault

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// blobMagic begins every stored text: version 1, then nonce, ciphertext and tag of
// AES-256-GCM.
const blobMagic = "LLMBLOB1"

// Blob is an encrypted text on its way to the disk.
type Blob struct {
	// File is its place below content/, SHA256 the hash of all its bytes.
	File   string
	SHA256 string
	v      *Vault
	data   []byte
}

// Seal encrypts a text under a subject's key. request and part name it; at gives
// the day whose directory it belongs to.
func (v *Vault) Seal(s *Subject, at time.Time, request, part string, text []byte) (*Blob, error) {
	if !plainName(request) || !plainName(part) {
		return nil, fmt.Errorf("audit vault: %q is no name for a stored text", bounded(request))
	}
	b := &Blob{v: v, File: at.UTC().Format(time.DateOnly) + "/" + request + "-" + part}
	b.data = append([]byte(blobMagic), seal(s.aead, text, blobContext(s, b.File))...)
	sum := sha256.Sum256(b.data)
	b.SHA256 = hex.EncodeToString(sum[:])
	return b, nil
}

// Store makes the blob durable.
func (b *Blob) Store() error {
	path := filepath.Join(b.v.dir, "content", filepath.FromSlash(b.File))
	// Written where it stays: a rename between directories makes all others of the
	// file system wait, and what a dead process leaves can be read with the
	// subject's key only, and goes with its day.
	err := putFile(filepath.Dir(path), path, b.data, os.Rename)
	b.data = nil
	if err != nil {
		return fmt.Errorf("audit vault: storing a text: %w", err)
	}
	return nil
}

func blobContext(s *Subject, file string) []byte {
	return []byte("content " + s.ID + " " + file)
}

// Errors of Read.
var (
	ErrNoContent = errors.New("the text is not stored here: it was pruned, or is not in this copy")
	ErrAltered   = errors.New("the stored text is not the one that the record speaks of")
)

// Ciphertext returns the stored bytes of a text after checking them against the
// hash in its record.
func (v *Vault) Ciphertext(file, sha string) ([]byte, error) {
	if !fs.ValidPath(file) || filepath.Dir(filepath.Dir(filepath.FromSlash(file))) != "." {
		return nil, fmt.Errorf("audit vault: %q is no stored text", bounded(file))
	}
	b, err := os.ReadFile(filepath.Join(v.dir, "content", filepath.FromSlash(file)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoContent
	}
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != sha {
		return nil, ErrAltered
	}
	return b, nil
}

// Read returns a stored text.
func (v *Vault) Read(s *Subject, file, sha string) ([]byte, error) {
	b, err := v.Ciphertext(file, sha)
	if err != nil {
		return nil, err
	}
	if len(b) < len(blobMagic) || string(b[:len(blobMagic)]) != blobMagic {
		return nil, ErrAltered
	}
	return open(s.aead, b[len(blobMagic):], blobContext(s, file))
}

// PruneContent removes the stored texts of all days before the one that before is
// in (UTC). It returns how many days it has removed. Keys stay.
func (v *Vault) PruneContent(before time.Time) (days int, err error) {
	dir := filepath.Join(v.dir, "content")
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	last := before.UTC().Format(time.DateOnly)
	for _, e := range entries {
		if _, err := time.Parse(time.DateOnly, e.Name()); err != nil || e.Name() >= last {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return days, err
		}
		days++
	}
	if days == 0 {
		return 0, nil
	}
	return days, syncDir(dir)
}

// plainName reports whether s can be part of a file name.
func plainName(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return true
}
