package llm

import (
	"context"
	"time"
)

// Admit is the gate: the one place through which a call leaves. It asks every
// governor for this deployment, in order; if all agree it starts the durable
// writes of all of them and of the record together and waits for the slowest.
// Only then does it return an Attempt, and the caller may send.
//
// If anyone refuses, or a write fails, everything taken for this attempt is
// given back and the error (a *Denial) is returned; nothing may be sent.
// Every admitted attempt must be settled, by Settle or at the latest by Finish.
func (x *Exchange) Admit(ctx context.Context, d Deployment, now time.Time) (*Attempt, error) {
	if x.finished {
		return nil, ErrFinished
	}
	a := &Attempt{Deployment: d, Started: now, AuditIndex: -1}
	a.holds = a.few[:0]
	admitted := false
	defer func() {
		if !admitted { // also when a governor panics
			a.Result = ResultUnsent
			x.Settle(a, now)
		}
	}()
	for _, g := range x.governors {
		h, err := g.Reserve(x, a)
		if err != nil {
			return nil, err
		}
		if h != nil {
			a.holds = append(a.holds, h)
		}
	}
	if x.recorder != nil {
		h, err := x.recorder.Admitted(x, a)
		if err != nil {
			return nil, err
		}
		if h != nil {
			a.holds = append(a.holds, h)
		}
	}
	// The writes were all started above: waiting for them one after the other
	// costs as much as the slowest.
	for _, h := range a.holds {
		if err := h.Durable(ctx); err != nil {
			return nil, err
		}
	}
	admitted = true
	if x.Attempts == nil {
		x.Attempts = x.few.attempts[:0]
	}
	x.Attempts = append(x.Attempts, a)
	return a, nil
}

// Settle ends an attempt: each hold is replaced by what was really used. It is
// idempotent. An attempt whose result is still pending counts as cut.
func (x *Exchange) Settle(a *Attempt, now time.Time) {
	if a.settled {
		return
	}
	a.settled = true
	a.Ended = now
	if a.Result == ResultPending {
		a.Result = ResultCut
	}
	settleAll(x, a, a.holds)
	a.holds = nil
}

// settleAll settles each hold even if one of them panics; the panic goes on
// once all have been settled.
func settleAll(x *Exchange, a *Attempt, holds []Hold) {
	if len(holds) == 0 {
		return
	}
	defer settleAll(x, a, holds[1:])
	holds[0].Settle(x, a)
}
