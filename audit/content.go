package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Level is how much of prompts and answers is kept.
type Level string

// The levels.
const (
	// LevelNone keeps nothing that was derived from a text.
	LevelNone Level = "none"
	// LevelMetadata, the default, keeps the SHA-256 of the answer as sent.
	LevelMetadata Level = "metadata"
	// LevelHash keeps keyed hashes of request and answer instead: only who has the
	// subject's key can tell whether a text is the one.
	LevelHash Level = "hash"
	// LevelRedacted stores request and answer with what the detectors find
	// masked, encrypted.
	LevelRedacted Level = "redacted"
	// LevelFull stores request and answer as they were, encrypted.
	LevelFull Level = "full"
)

// Levels are all of them, from little to much.
var Levels = []Level{LevelNone, LevelMetadata, LevelHash, LevelRedacted, LevelFull}

// Stores reports whether the level stores texts.
func (l Level) Stores() bool { return l == LevelRedacted || l == LevelFull }

// Content is what a record says of the texts.
type Content struct {
	Level   Level `json:"level"`
	Request *Text `json:"request,omitempty"`
	Answer  *Text `json:"answer,omitempty"`
}

// Text is one text: a keyed hash of it, or where it is stored.
type Text struct {
	// HMAC is HMAC-SHA256 under a key of the subject, of the SHA-256 of the bytes
	// as received or sent (see vault.Subject.HMAC).
	HMAC string `json:"hmac,omitempty"`
	// File is the stored text, below content/ in the vault; SHA256 the hash of
	// the ciphertext, Bytes the length of what was encrypted.
	File   string `json:"file,omitempty"`
	SHA256 string `json:"sha256,omitempty"`
	Bytes  int64  `json:"bytes,omitempty"`
	// Truncated says that more was sent than is kept.
	Truncated bool `json:"truncated,omitempty"`
	// Omitted is why nothing was stored.
	Omitted string `json:"omitted,omitempty"`
}

// notStored is a text that should have been stored and is not.
func notStored() *Text { return &Text{Omitted: "it could not be stored"} }

// Capture is a text as a level wants it stored, or why it cannot be.
type Capture struct {
	Text      []byte
	Truncated bool
	Omitted   string
}

// showsDigest reports whether the plain digest of the answer stands in the record.
// Who erases or hashes wants no way to confirm a guess.
func (c *Content) showsDigest() bool {
	return c == nil || c.Level != LevelNone && c.Level != LevelHash
}

func (l *line) content(c *Content) {
	if c == nil || c.Level == LevelMetadata {
		return
	}
	l.name("content")
	l.open("level", string(c.Level))
	l.text("request", c.Request)
	l.text("answer", c.Answer)
	l.byte('}')
}

func (l *line) text(name string, t *Text) {
	if t == nil {
		return
	}
	l.name(name)
	l.b = append(l.b, '{')
	at := len(l.b)
	l.str("hmac", t.HMAC)
	l.str("file", t.File)
	l.str("sha256", t.SHA256)
	l.num("bytes", t.Bytes)
	l.yes("truncated", t.Truncated)
	l.str("omitted", t.Omitted)
	if len(l.b) > at { // without the comma of the first member
		l.b = append(l.b[:at], l.b[at+1:]...)
	}
	l.b = append(l.b, '}')
}

// keeping is the work of one recorder on the texts of its exchange.
type keeping struct {
	level           Level
	request, answer func() *Capture
	kept            *Content
}

// keepRequest puts the request into the record, once. What has to be stored is
// returned; it must be durable before the record is relied on.
func (k *keeping) keepRequest(l *Log, x *llm.Exchange, who *vault.Subject) (*vault.Blob, error) {
	if k.level == "" || k.level == LevelMetadata || k.kept != nil {
		return nil, nil
	}
	k.kept = &Content{Level: k.level}
	if k.level == LevelNone || x.View == nil {
		return nil, nil
	}
	if who == nil {
		return nil, errNoSubject
	}
	if k.level == LevelHash {
		sum := sha256.Sum256(x.View.Raw)
		k.kept.Request = &Text{HMAC: hex.EncodeToString(who.HMAC(sum[:]))}
		return nil, nil
	}
	t, b, err := l.keep(x, who, "request", k.request)
	k.kept.Request = t
	return b, err
}

// keepAnswer is keepRequest for the answer, at the end.
func (k *keeping) keepAnswer(l *Log, x *llm.Exchange, who *vault.Subject) (*vault.Blob, error) {
	if k.kept == nil || k.level == LevelNone || x.BytesOut == 0 {
		return nil, nil
	}
	if who == nil {
		return nil, errNoSubject
	}
	if k.level == LevelHash {
		k.kept.Answer = &Text{HMAC: hex.EncodeToString(who.HMAC(x.Digest))}
		return nil, nil
	}
	t, b, err := l.keep(x, who, "answer", k.answer)
	k.kept.Answer = t
	return b, err
}

var errNoSubject = errors.New("no key to encrypt the texts under")

func (l *Log) keep(x *llm.Exchange, who *vault.Subject, part string, capture func() *Capture) (*Text, *vault.Blob, error) {
	var c *Capture
	if capture != nil {
		c = capture()
	}
	if c == nil {
		return nil, nil, nil
	}
	if c.Omitted != "" {
		return &Text{Omitted: c.Omitted}, nil, nil
	}
	b, err := l.o.Vault.Seal(who, dayOf(x), x.ID, part, c.Text)
	if err != nil {
		return nil, nil, err
	}
	return &Text{File: b.File, SHA256: b.SHA256, Bytes: int64(len(c.Text)), Truncated: c.Truncated}, b, nil
}

// dayOf is when the request began, as its id says: a reader who has only the id
// finds its texts.
func dayOf(x *llm.Exchange) time.Time {
	if u, err := uuid.Parse(x.ID); err == nil && u.Version() == 7 {
		return time.Unix(u.Time().UnixTime())
	}
	return x.Start
}

// store makes a blob durable; a nil one is.
func store(b *vault.Blob) error {
	if b == nil {
		return nil
	}
	if err := b.Store(); err != nil {
		return fmt.Errorf("audit log: %w", err)
	}
	return nil
}
