package gateway

import (
	"errors"
	"path/filepath"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
)

// clearValues are the personal values of a record in clear.
type clearValues struct {
	User     string   `json:"user,omitempty"`
	ClientIP string   `json:"client_ip,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	// Erased says that the key of the record's subject is gone.
	Erased bool `json:"erased,omitempty"`
}

// revealer decrypts the personal values of the records of one log.
type revealer struct {
	v *vault.Vault // nil without the key of the vault
	// why is why there is none.
	why error
}

// newRevealer opens the vault beside a log for reading. key is its key, nil for the
// file in it.
func newRevealer(dir string, key []byte) *revealer {
	v, err := vault.Open(filepath.Join(dir, "vault"), vault.Options{Key: key, ReadOnly: true})
	return &revealer{v: v, why: err}
}

// reveal decrypts what it can of a record and returns it, nil for nothing.
func (r *revealer) reveal(rec *audit.Record) *clearValues {
	if r.v == nil || rec.Subject == "" {
		return nil
	}
	err := rec.Reveal(r.v)
	c := &clearValues{Erased: errors.Is(err, vault.ErrErased)}
	if rec.Principal != nil {
		c.User = clearOf(rec.Principal.User)
	}
	c.ClientIP = clearOf(rec.ClientIP)
	for _, t := range rec.Tags {
		if s := clearOf(t); s != "" {
			c.Tags = append(c.Tags, s)
		}
	}
	return c
}

func clearOf(p *audit.Personal) string {
	if p == nil || !p.Revealed {
		return ""
	}
	return p.Clear
}

// apply puts into a record what somebody else has decrypted of it.
func (c *clearValues) apply(rec *audit.Record) {
	if c == nil {
		return
	}
	set := func(p *audit.Personal, s string) {
		if p != nil && s != "" {
			p.Clear, p.Revealed = s, true
		}
	}
	if rec.Principal != nil {
		set(rec.Principal.User, c.User)
	}
	set(rec.ClientIP, c.ClientIP)
	for i, t := range rec.Tags {
		if i < len(c.Tags) && len(c.Tags) == len(rec.Tags) {
			set(t, c.Tags[i])
		}
	}
}
