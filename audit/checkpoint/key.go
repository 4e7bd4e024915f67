package checkpoint

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// algEd25519 and algCosignature are the algorithm bytes of signed notes.
const (
	algEd25519     = 1
	algCosignature = 4
)

var errKey = errors.New("not a signing key (PRIVATE+KEY+name+hash+base64)")

// Key is a signing key with its public form.
type Key struct {
	note.Signer
	// Text is the private form, VerifierKey the public one.
	Text, VerifierKey string
}

// NewKey makes an Ed25519 key. The name is that of the log, or of a witness.
func NewKey(name string) (*Key, error) {
	text, _, err := note.GenerateKey(rand.Reader, name)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	return ParseKey(text)
}

// ParseKey reads the private form of a key. Errors do not repeat it.
func ParseKey(text string) (*Key, error) {
	text = strings.TrimSpace(text)
	s, err := note.NewSigner(text)
	if err != nil {
		return nil, errKey
	}
	private, err := privateKey(text)
	if err != nil {
		return nil, err
	}
	// Derived, so that the two forms can never disagree.
	vkey, err := note.NewEd25519VerifierKey(s.Name(), private.Public().(ed25519.PublicKey))
	if err != nil {
		return nil, err
	}
	return &Key{Signer: s, Text: text, VerifierKey: vkey}, nil
}

// privateKey reads PRIVATE+KEY+<name>+<hash>+<base64 of algorithm byte and seed>.
func privateKey(text string) (ed25519.PrivateKey, error) {
	parts := strings.SplitN(text, "+", 5)
	if len(parts) != 5 {
		return nil, errKey
	}
	b, err := base64.StdEncoding.DecodeString(parts[4])
	if err != nil || len(b) != 1+ed25519.SeedSize || b[0] != algEd25519 {
		return nil, errKey
	}
	return ed25519.NewKeyFromSeed(b[1:]), nil
}

// Keys are the public keys of a log, newest first. They implement
// note.Verifiers.
type Keys []note.Verifier

// ParseKeys reads verifier keys, one a line. Blank lines are passed over.
func ParseKeys(text string) (Keys, error) {
	var keys Keys
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		v, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("verifier key: %w", err)
		}
		if len(keys) > 0 && v.Name() != keys[0].Name() {
			return nil, fmt.Errorf("verifier keys of two logs, %q and %q", keys[0].Name(), v.Name())
		}
		if !keys.Has(v.Name(), v.KeyHash()) {
			keys = append(keys, v)
		}
	}
	if len(keys) == 0 {
		return nil, errors.New("no verifier key")
	}
	return keys, nil
}

// Has reports whether the key is one of them.
func (k Keys) Has(name string, hash uint32) bool {
	_, err := k.Verifier(name, hash)
	return err == nil
}

// Verifier implements note.Verifiers.
func (k Keys) Verifier(name string, hash uint32) (note.Verifier, error) {
	for _, v := range k {
		if v.Name() == name && v.KeyHash() == hash {
			return v, nil
		}
	}
	return nil, &note.UnknownVerifierError{Name: name, KeyHash: hash}
}
