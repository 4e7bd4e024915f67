package audit

import (
	"context"
	"time"
)

// Admin records that an operator changes something: who (as far as is known), what
// (a short name such as "budget.raise") and the details, without secrets. It
// returns once the record is durable, with its index; the change must take effect
// only then, and not at all if there is an error.
func (l *Log) Admin(ctx context.Context, at time.Time, actor, action, detail string) (int64, error) {
	return l.append(encodeAdmin(l.o.Node, at, actor, action, detail), true, nil).Wait(ctx)
}

func encodeAdmin(node string, at time.Time, actor, action, detail string) []byte {
	l := begin(node, StageAdmin, at, 512)
	l.str("actor", actor)
	l.str("event", action)
	l.str("detail", detail)
	l.byte('}')
	return l.b
}
