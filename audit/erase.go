package audit

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
)

// EventErasure is the event of the admin record that says that the key of a subject
// is destroyed; EventErasureFailed follows it if that went wrong.
const (
	EventErasure       = "erasure"
	EventErasureFailed = "erasure.failed"
)

// Erasure is what came of one.
type Erasure struct {
	// Subject is the name of the subject, ID what stands for it in records.
	Subject string `json:"subject"`
	ID      string `json:"id"`
	// Record is the index of the record that speaks of it.
	Record int64 `json:"record"`
}

// ErrAmbiguous says that a bare name is both a user's and a key's.
var ErrAmbiguous = errors.New("there is a user and a key of that name; say user:<name> or key:<name>")

// Erase destroys the key of a subject: what records and stored texts hold of it can
// never be read again, while every proof still verifies. The subject is named
// user:<name>, key:<name>, strangers:<day> (UTC), or id:<id> as in records; a bare name
// is a user's, else a key's. A record that says so, without the name, is durable
// before. vault.ErrErased says that there is no such subject, or no longer.
func (l *Log) Erase(ctx context.Context, at time.Time, actor, subject, detail string) (e Erasure, err error) {
	v := l.o.Vault
	if v == nil {
		return e, errors.New("the log has no vault")
	}
	if err := ctx.Err(); err != nil {
		return e, err
	}
	if e.Subject, err = resolveSubject(v, subject); err != nil {
		return e, err
	}
	if e.ID, err = v.Intend(e.Subject); err != nil {
		return e, err
	}
	e.Record, err = l.carry(at, actor, e.ID, detail)
	return e, err
}

// carry records an erasure that is noted in the vault, and makes it. It does not end
// in between because somebody stops waiting: the record may be durable then.
func (l *Log) carry(at time.Time, actor, id, detail string) (index int64, err error) {
	v := l.o.Vault
	// Its own line, since the name of the subject must not stand in it.
	index, err = l.append(encodeErasure(l.o.Node, at, actor, EventErasure, id, detail), true, nil).Wait(context.Background())
	if err != nil {
		return index, errors.Join(fmt.Errorf("the erasure cannot be recorded, so it was not made: %w", err), v.Forgo(id))
	}
	if err = v.Carry(id); err != nil {
		_, rerr := l.append(encodeErasure(l.o.Node, time.Now(), actor, EventErasureFailed, id, ""), true, nil).Wait(context.Background())
		return index, errors.Join(fmt.Errorf("the key may still exist; the next start tries again: %w", err), rerr)
	}
	return index, nil
}

// finishErasures makes the erasures that a stop of the process has interrupted. Their
// record may say already that they were made.
func (l *Log) finishErasures() error {
	if l.o.Vault == nil {
		return nil
	}
	ids, err := l.o.Vault.Intended()
	if err != nil {
		return err
	}
	for _, id := range ids {
		if _, err := l.carry(time.Now(), "the start of the log", id, "asked for before the process stopped"); err != nil {
			return err
		}
		l.o.Logf("audit log: an erasure that was interrupted is made (subject %s)", id)
	}
	return nil
}

// resolveSubject finds the subject that an operator names.
func resolveSubject(v *vault.Vault, name string) (subject string, err error) {
	if id, ok := strings.CutPrefix(name, "id:"); ok {
		s, err := v.Lookup(id)
		if err != nil {
			return "", err
		}
		if _, err := v.Find(s.Name); err != nil {
			return "", fmt.Errorf("the name of the subject is too long to be found by its id; name it: %w", err)
		}
		return s.Name, nil
	}
	candidates := []string{name}
	if !strings.HasPrefix(name, subjectUser) && !strings.HasPrefix(name, subjectKey) && !strings.HasPrefix(name, subjectStrangers) {
		candidates = []string{subjectUser + name, subjectKey + name}
	}
	for _, c := range candidates {
		_, err := v.Find(c)
		if errors.Is(err, vault.ErrErased) {
			continue
		}
		if err != nil {
			return "", err
		}
		if subject != "" {
			return "", ErrAmbiguous
		}
		subject = c
	}
	if subject == "" {
		return "", vault.ErrErased
	}
	return subject, nil
}

func encodeErasure(node string, at time.Time, actor, event, id, detail string) []byte {
	l := begin(node, StageAdmin, at)
	l.str("actor", actor)
	l.str("event", event)
	l.str("erased", id)
	l.str("detail", detail)
	l.byte('}')
	return l.b
}
