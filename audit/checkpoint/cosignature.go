package checkpoint

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// A cosignature is 8 bytes of time and an Ed25519 signature.
const cosignatureLen = 8 + ed25519.SignatureSize

// cosigned is the message that a witness signs.
func cosigned(at uint64, text []byte) []byte {
	return append([]byte("cosignature/v1\ntime "+strconv.FormatUint(at, 10)+"\n"), text...)
}

// cosignerHash is the key ID of a cosigner.
func cosignerHash(name string, public ed25519.PublicKey) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write([]byte{algCosignature})
	h.Write(public)
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// cosigner is a note.Signer that makes cosignatures.
type cosigner struct {
	name    string
	hash    uint32
	private ed25519.PrivateKey
	now     func() time.Time
}

func (c *cosigner) Name() string    { return c.name }
func (c *cosigner) KeyHash() uint32 { return c.hash }

func (c *cosigner) Sign(msg []byte) ([]byte, error) {
	at := c.now().Unix()
	if at < 0 {
		return nil, errors.New("the clock stands before 1970")
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, cosignatureLen), uint64(at))
	return append(b, ed25519.Sign(c.private, cosigned(uint64(at), msg))...), nil
}

// Cosigner returns what signs as a witness with the key, and the verifier key
// that logs and auditors need for it. A key that cosigns must not sign a log.
func (k *Key) Cosigner(now func() time.Time) (_ note.Signer, verifierKey string, err error) {
	private, err := privateKey(k.Text)
	if err != nil {
		return nil, "", err
	}
	public := private.Public().(ed25519.PublicKey)
	c := &cosigner{name: k.Name(), hash: cosignerHash(k.Name(), public), private: private, now: now}
	vkey := fmt.Sprintf("%s+%08x+%s", c.name, c.hash, base64.StdEncoding.EncodeToString(append([]byte{algCosignature}, public...)))
	return c, vkey, nil
}

// Cosignatures verifies those of one witness.
type Cosignatures struct {
	name   string
	hash   uint32
	public ed25519.PublicKey
}

// NewCosignatures reads the verifier key of a witness. Besides its own form
// (algorithm byte 4) that of a plain Ed25519 key is taken, which some witnesses
// publish.
func NewCosignatures(verifierKey string) (*Cosignatures, error) {
	bad := errors.New("not the verifier key of a witness (name+hash+base64)")
	parts := strings.SplitN(strings.TrimSpace(verifierKey), "+", 3)
	if len(parts) != 3 || parts[0] == "" {
		return nil, bad
	}
	b, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(b) != 1+ed25519.PublicKeySize {
		return nil, bad
	}
	c := &Cosignatures{name: parts[0], public: b[1:]}
	c.hash = cosignerHash(c.name, c.public)
	switch b[0] {
	case algCosignature:
		if parts[1] != fmt.Sprintf("%08x", c.hash) {
			return nil, fmt.Errorf("%w: its hash is wrong", bad)
		}
	case algEd25519:
		if _, err := note.NewVerifier(strings.TrimSpace(verifierKey)); err != nil {
			return nil, bad
		}
	default:
		return nil, fmt.Errorf("%w: algorithm %d; Ed25519 cosignatures (4) are known", bad, b[0])
	}
	return c, nil
}

// Name implements note.Verifier.
func (c *Cosignatures) Name() string { return c.name }

// KeyHash implements note.Verifier.
func (c *Cosignatures) KeyHash() uint32 { return c.hash }

// Verify implements note.Verifier.
func (c *Cosignatures) Verify(msg, sig []byte) bool {
	if len(sig) != cosignatureLen {
		return false
	}
	at := binary.BigEndian.Uint64(sig)
	return at < 1<<63 && ed25519.Verify(c.public, cosigned(at, msg), sig[8:])
}

// CosignedAt is the time that a verified cosignature states.
func CosignedAt(s note.Signature) (time.Time, error) {
	b, err := base64.StdEncoding.DecodeString(s.Base64)
	if err != nil || len(b) != 4+cosignatureLen {
		return time.Time{}, errors.New("not a cosignature")
	}
	return time.Unix(int64(binary.BigEndian.Uint64(b[4:])), 0).UTC(), nil
}
