package vault

import (
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"
)

// maxValue bounds a sealed value and the stored name of a subject, in bytes.
const maxValue = 256

// Subject is whom records speak of, with its keys.
type Subject struct {
	// ID is random and stands in records.
	ID string
	// Name is the name that it was made under, cut at 256 bytes.
	Name string

	aead cipher.AEAD
	mac  []byte

	mu     sync.Mutex
	sealed map[value][]byte
}

type value struct{ kind, text string }

// maxSealed bounds the values of a subject that stay in memory.
const maxSealed = 32

func newSubject(id string, st stored) (*Subject, error) {
	a, err := newAEAD(derive(st.Key, "seal"))
	if err != nil {
		return nil, err
	}
	return &Subject{ID: id, Name: st.Name, aead: a, mac: derive(st.Key, "mac")}, nil
}

// Sealed returns what stands in a record for a value of a kind ("user",
// "client_ip", "tag"): a JSON object with a pseudonym, the same for the same value
// of this subject and of no other, and the encrypted value:
//
//	{"h":"<24 hex digits>","c":"<base64>"}
//
// The result must not be modified.
func (s *Subject) Sealed(kind, text string) []byte {
	text = bounded(text)
	k := value{kind, text}
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.sealed[k]; ok {
		return b
	}
	c := seal(s.aead, []byte(text), s.context(kind))
	b := make([]byte, 0, 40+base64.RawStdEncoding.EncodedLen(len(c)))
	b = append(b, `{"h":"`...)
	b = append(b, s.pseudonym(kind, text)...)
	b = append(b, `","c":"`...)
	b = base64.RawStdEncoding.AppendEncode(b, c)
	b = append(b, `"}`...)
	if len(s.sealed) >= maxSealed {
		clear(s.sealed)
	}
	if s.sealed == nil {
		s.sealed = make(map[value][]byte, 2)
	}
	s.sealed[k] = b
	return b
}

// Pseudonym is what stands for a value in records about this subject.
func (s *Subject) Pseudonym(kind, text string) string { return s.pseudonym(kind, bounded(text)) }

func (s *Subject) pseudonym(kind, text string) string {
	m := hmac.New(sha256.New, s.mac)
	m.Write([]byte(kind + "\x00" + text))
	return hex.EncodeToString(m.Sum(nil)[:12])
}

// Open decrypts the value of a kind from a record.
func (s *Subject) Open(kind string, sealed []byte) (string, error) {
	b, err := open(s.aead, sealed, s.context(kind))
	return string(b), err
}

// HMAC is the keyed hash of a text that is known by its SHA-256:
// HMAC-SHA256(key of the subject, "content\x00" + sum).
func (s *Subject) HMAC(sum []byte) []byte {
	m := hmac.New(sha256.New, s.mac)
	m.Write([]byte("content\x00"))
	m.Write(sum)
	return m.Sum(nil)
}

func (s *Subject) context(kind string) []byte { return fmt.Appendf(nil, "%s %s", kind, s.ID) }

// bounded makes a text valid UTF-8 and cuts it at maxValue bytes, between
// characters. Of a very long one only the beginning is looked at.
func bounded(s string) string {
	head := s[:min(len(s), 4*maxValue)]
	v := strings.ToValidUTF8(head, "\uFFFD") // which can be longer, and shorter
	if len(v) <= maxValue && len(head) == len(s) {
		return v
	}
	n := min(len(v), maxValue-len("…"))
	for n > 0 && n < len(v) && !utf8.RuneStart(v[n]) {
		n--
	}
	return v[:n] + "…"
}
