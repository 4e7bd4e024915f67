package audit

import (
	"context"
	"net/http"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// RecorderOptions say how one llm_audit handler uses a log.
type RecorderOptions struct {
	// OnFailure is what happens to a call whose record cannot be made durable:
	// "deny" (also when empty) or "allow".
	OnFailure string
	// ConfigHash identifies the configuration.
	ConfigHash string
	// OnUnrecorded is called for every record that could not be written.
	OnUnrecorded func()
}

// Recorder writes the records of exchanges to a log. It implements
// llm.Recorder, holds no state and may be shared.
type Recorder struct {
	log *Log
	o   RecorderOptions
}

// NewRecorder returns a recorder for the log.
func NewRecorder(l *Log, o RecorderOptions) *Recorder {
	if o.OnUnrecorded == nil {
		o.OnUnrecorded = func() {}
	}
	return &Recorder{log: l, o: o}
}

// Admitted starts writing the admitted record of an attempt.
func (r *Recorder) Admitted(x *llm.Exchange, a *llm.Attempt) (llm.Hold, error) {
	return &admitted{r: r, a: a, ack: r.log.append(encodeAdmitted(r.log.o.Node, r.o.ConfigHash, x, a), true, nil)}, nil
}

// admitted is the hold of an admitted record; there is nothing to give back.
type admitted struct {
	r   *Recorder
	a   *llm.Attempt
	ack *Ack
}

// Durable waits until the record is on disk.
func (h *admitted) Durable(ctx context.Context) error {
	index, err := h.ack.Wait(ctx)
	if err == nil {
		h.a.AuditIndex = index
		return nil
	}
	if ctx.Err() != nil {
		return llm.Deny(499, llm.CodeClientGone, llm.StageRequest, "the client closed the request").Because(err)
	}
	h.r.o.OnUnrecorded()
	if h.r.o.OnFailure == "allow" {
		return nil
	}
	return llm.Deny(http.StatusServiceUnavailable, llm.CodeAuditUnavailable, llm.StageInfrastructure,
		"the call cannot be recorded at the moment and is therefore refused; try again shortly").Because(err)
}

// Settle does nothing: a record stays.
func (*admitted) Settle(*llm.Exchange, *llm.Attempt) {}

// Ended queues the outcome: completed if something was admitted or answered,
// else denied. What strangers ask for in vain is counted per source, so that
// they cannot fill the disk. A question that is no call and was answered without
// a principal (a preflight) leaves no record.
func (r *Recorder) Ended(x *llm.Exchange) {
	stage := StageCompleted
	if len(x.Attempts) == 0 {
		refused := x.Denied != nil || x.Status >= 400
		switch {
		case x.Principal == nil && (refused || x.Outcome != llm.OutcomeOK):
			r.log.strange(x, r)
			return
		case x.Principal == nil && x.Dialect == llm.DialectNone:
			return
		case x.Denied != nil:
			stage = StageDenied
		}
	}
	r.log.append(encodeEnded(r.log.o.Node, r.o.ConfigHash, stage, x), false, r.o.OnUnrecorded)
}
