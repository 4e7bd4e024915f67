package audit

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// algEd25519 is the algorithm byte of signed notes for Ed25519.
const algEd25519 = 1

var errKey = errors.New("the key of the log is damaged")

// verifierKey derives the public form of a note's signing key, so that the two
// files can never disagree.
func verifierKey(skey string) (string, error) {
	// PRIVATE+KEY+<name>+<hash>+<base64 of algorithm byte and seed>
	rest, ok := strings.CutPrefix(skey, "PRIVATE+KEY+")
	if !ok {
		return "", errKey
	}
	name, rest, ok := strings.Cut(rest, "+")
	if !ok {
		return "", errKey
	}
	_, b64, ok := strings.Cut(rest, "+")
	if !ok {
		return "", errKey
	}
	key, err := base64.StdEncoding.DecodeString(b64)
	if err != nil || len(key) != 1+ed25519.SeedSize || key[0] != algEd25519 {
		return "", errKey
	}
	pub := ed25519.NewKeyFromSeed(key[1:]).Public().(ed25519.PublicKey)
	return note.NewEd25519VerifierKey(name, pub)
}
