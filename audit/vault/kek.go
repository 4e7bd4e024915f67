package vault

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// KeyBytes is the length of the key of a vault and of every other key.
const KeyBytes = 32

// Errors of a vault.
var (
	// ErrKey is wrapped when the key of the vault is missing, damaged, readable by
	// others or not the one that the vault was made with.
	ErrKey = errors.New("the key of the audit vault cannot be used")
	// ErrErased says that there is no key for a subject: it was erased, or its
	// key is not in this copy.
	ErrErased = errors.New("the subject's key does not exist: it was erased, or is not in this copy")
)

// ParseKey reads a key as operators give it: 32 bytes in hex or base64.
func ParseKey(s string) ([]byte, error) {
	s = strings.TrimSpace(s)
	if b, err := hex.DecodeString(s); err == nil && len(b) == KeyBytes {
		return b, nil
	}
	for _, enc := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if b, err := enc.DecodeString(s); err == nil && len(b) == KeyBytes {
			return b, nil
		}
	}
	return nil, fmt.Errorf("%w: want 32 bytes in hex or base64 (for example from openssl rand -base64 32)", ErrKey)
}

// keys are what is derived from the key of the vault.
type keys struct {
	wrap  cipher.AEAD
	names []byte
}

// loadKeys finds the key of the vault: the given one, else the file, which is made
// if create is true.
func loadKeys(dir string, given []byte, create bool) (*keys, error) {
	path := filepath.Join(dir, "kek.id")
	known, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	fresh := err != nil && create
	wrapped, err := someKey(dir)
	if err != nil {
		return nil, err
	}
	kek := given
	if kek == nil {
		// A key that was lost is not replaced: what it wraps would be lost unnoticed.
		if kek, err = keyFile(dir, fresh && wrapped == ""); err != nil {
			return nil, err
		}
	}
	if len(kek) != KeyBytes {
		return nil, fmt.Errorf("%w: %d bytes, want %d", ErrKey, len(kek), KeyBytes)
	}
	id := []byte(hex.EncodeToString(derive(kek, "id")[:8]) + "\n")
	wrap, err := newAEAD(derive(kek, "wrap"))
	if err != nil {
		return nil, err
	}
	other := fmt.Errorf("%w: the vault was made with another key; give that one, or move the vault away to begin a new one", ErrKey)
	switch {
	case fresh:
		if wrapped != "" { // kek.id was lost: the keys themselves tell
			b, err := os.ReadFile(wrapped)
			if err != nil {
				return nil, err
			}
			if _, err := open(wrap, b, []byte("key "+filepath.Base(wrapped))); err != nil {
				return nil, other
			}
		}
		if err := writeFile(dir, path, id); err != nil {
			return nil, err
		}
	case !bytes.Equal(known, id):
		return nil, other
	}
	return &keys{wrap: wrap, names: derive(kek, "names")}, nil
}

// someKey is the file of a subject's key, "" if there is none.
func someKey(dir string) (string, error) {
	dir = filepath.Join(dir, "keys")
	prefixes, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	for _, p := range prefixes {
		entries, err := os.ReadDir(filepath.Join(dir, p.Name()))
		if err != nil {
			return "", err
		}
		for _, e := range entries {
			if validID(e.Name()) {
				return filepath.Join(dir, p.Name(), e.Name()), nil
			}
		}
	}
	return "", err
}

// keyFile reads the key's file, or makes it. A file that others can read is
// refused: whoever has read it can read everything until it is replaced.
func keyFile(dir string, create bool) ([]byte, error) {
	path := filepath.Join(dir, "kek")
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		key := make([]byte, KeyBytes)
		_, _ = rand.Read(key) // never fails
		// If another process was faster, its key counts.
		if err := createFile(dir, path, []byte(base64.StdEncoding.EncodeToString(key)+"\n")); err != nil {
			return nil, err
		}
		st, err = os.Stat(path)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if st.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%w: others may read %s (mode %04o); make it 0600", ErrKey, filepath.Base(path), st.Mode().Perm())
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return ParseKey(string(b))
}

// derive makes a key for one purpose.
func derive(key []byte, purpose string) []byte {
	b, err := hkdf.Key(sha256.New, key, nil, "caddy-llm-gateway audit vault 1 "+purpose, KeyBytes)
	if err != nil {
		panic(err) // the length is fixed
	}
	return b
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	b, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(b)
}

// seal encrypts with a random nonce, which it puts in front.
func seal(a cipher.AEAD, plain, context []byte) []byte {
	out := make([]byte, a.NonceSize(), a.NonceSize()+len(plain)+a.Overhead())
	_, _ = rand.Read(out) // never fails
	return a.Seal(out, out, plain, context)
}

var errDamaged = errors.New("damaged, or encrypted under another key")

// open undoes seal.
func open(a cipher.AEAD, sealed, context []byte) ([]byte, error) {
	n := a.NonceSize()
	if len(sealed) < n+a.Overhead() {
		return nil, errDamaged
	}
	plain, err := a.Open(nil, sealed[:n:n], sealed[n:], context)
	if err != nil {
		return nil, errDamaged
	}
	return plain, nil
}
