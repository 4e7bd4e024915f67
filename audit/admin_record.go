package audit

import (
	"context"
	"fmt"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
)

// Admin records that an operator changes something: who (as far as is known), what
// (a short name such as "budget.raise") and the details, without secrets and without
// what names a person. It returns once the record is durable, with its index; the
// change must take effect only then, and not at all if there is an error.
//
// ctx counts before the record is queued, not after: it may be durable by the time
// that somebody stops waiting, and the change must follow then.
func (l *Log) Admin(ctx context.Context, at time.Time, actor, action, detail string) (int64, error) {
	return l.admin(ctx, encodeAdmin(l.o.Node, at, actor, action, detail, nil, ""))
}

// AdminAbout is Admin for a change that concerns a person: value, which names or
// describes them, stands in the record encrypted under the key of the subject (see
// SubjectOf and StrangersOf), as a tag.
func (l *Log) AdminAbout(ctx context.Context, at time.Time, actor, action, detail, subject, value string) (int64, error) {
	var who *vault.Subject
	if l.o.Vault != nil {
		var err error
		if who, err = l.o.Vault.Subject(subject); err != nil {
			return -1, fmt.Errorf("audit log: %w", err)
		}
	}
	return l.admin(ctx, encodeAdmin(l.o.Node, at, actor, action, detail, who, value))
}

func (l *Log) admin(ctx context.Context, line []byte) (int64, error) {
	if err := ctx.Err(); err != nil {
		return -1, err
	}
	return l.append(line, true, nil).Wait(context.WithoutCancel(ctx))
}

func encodeAdmin(node string, at time.Time, actor, action, detail string, who *vault.Subject, value string) []byte {
	l := begin(node, StageAdmin, at)
	if who != nil {
		l.str("subject", who.ID)
	}
	l.str("actor", actor)
	l.str("event", action)
	l.str("detail", detail)
	if value != "" {
		l.tags(who, []string{value})
	}
	l.num("omitted", int64(l.omitted))
	l.byte('}')
	return l.b
}
