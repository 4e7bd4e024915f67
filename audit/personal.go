package audit

import (
	"encoding/base64"
	"fmt"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Kinds of personal values, as the vault keeps them apart.
const (
	kindUser     = "user"
	kindClientIP = "client_ip"
	kindTag      = "tag"
)

// Personal is a value that names or describes a person: a pseudonym, the same for
// the same value of one subject, and the value encrypted under that subject's key.
type Personal struct {
	Pseudonym string `json:"h"`
	// Cipher is nonce, ciphertext and tag of AES-256-GCM, in base64.
	Cipher string `json:"c"`

	// Clear is the value, set by Reveal; Revealed says that it was.
	Clear    string `json:"-"`
	Revealed bool   `json:"-"`
}

// String is the value in clear if it is known, else its pseudonym after a tilde;
// empty for nil.
func (p *Personal) String() string {
	switch {
	case p == nil:
		return ""
	case p.Revealed:
		return p.Clear
	}
	return "~" + p.Pseudonym
}

// Names of subjects. A user of the same name is one subject whatever key it uses;
// a key without a user is one; what strangers send belongs to the day.
const (
	subjectUser      = "user:"
	subjectKey       = "key:"
	subjectStrangers = "strangers:"
)

// SubjectOf is the name of the subject that records of a principal belong to:
// "user:<user>", or "key:<key>" for a key without a user.
func SubjectOf(p *llm.Principal) string {
	if p.User != "" {
		return subjectUser + p.User
	}
	return subjectKey + p.Key
}

// StrangersOf is the name of the subject of all who asked without a valid key on
// one day (UTC): "strangers:2026-11-28". Its number is bounded by time, not by
// what strangers do.
func StrangersOf(at time.Time) string { return subjectStrangers + at.UTC().Format(time.DateOnly) }

// subjectOf finds the subject of an exchange. Without a vault there is none, and
// personal values are left out of records.
func (l *Log) subjectOf(x *llm.Exchange) (*vault.Subject, error) {
	if l.o.Vault == nil {
		return nil, nil
	}
	if x.Principal == nil {
		return l.o.Vault.Subject(StrangersOf(x.Start))
	}
	return l.o.Vault.Subject(SubjectOf(x.Principal))
}

// personal writes a value encrypted under the key of its subject. What cannot be
// encrypted is left out, and counted.
func (l *line) personal(name string, s *vault.Subject, kind, value string) {
	if value == "" {
		return
	}
	if s == nil {
		l.omitted++
		return
	}
	l.name(name)
	l.b = append(l.b, s.Sealed(kind, value)...)
}

func (l *line) tags(s *vault.Subject, tags []string) {
	n := len(tags)
	if n == 0 {
		return
	}
	if s == nil {
		l.omitted += n
		return
	}
	l.omitted += max(0, n-maxTags)
	l.name("tags")
	for i, t := range tags[:min(n, maxTags)] {
		l.byte("[,"[min(i, 1)])
		if len(t) > maxTag {
			t = t[:maxTag]
		}
		l.b = append(l.b, s.Sealed(kindTag, t)...)
	}
	l.byte(']')
}

// personals are the personal values of a record with their kinds.
func (r *Record) personals(f func(kind string, p *Personal)) {
	if r.Principal != nil && r.Principal.User != nil {
		f(kindUser, r.Principal.User)
	}
	if r.ClientIP != nil {
		f(kindClientIP, r.ClientIP)
	}
	for _, t := range r.Tags {
		if t != nil {
			f(kindTag, t)
		}
	}
}

// Reveal decrypts the personal values of a record. vault.ErrErased says that the key
// of their subject is gone; they keep their pseudonyms then.
func (r *Record) Reveal(v *vault.Vault) error {
	if r.Subject == "" || v == nil {
		return nil
	}
	s, err := v.Lookup(r.Subject)
	if err != nil {
		return err
	}
	r.personals(func(kind string, p *Personal) {
		b, derr := base64.RawStdEncoding.DecodeString(p.Cipher)
		if derr == nil {
			p.Clear, derr = s.Open(kind, b)
		}
		if p.Revealed = derr == nil; derr != nil && err == nil {
			err = fmt.Errorf("the %s of record %d cannot be decrypted", kind, r.Seq)
		}
	})
	return err
}
