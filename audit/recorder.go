package audit

import (
	"context"
	"errors"
	"net/http"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// RecorderOptions say how one llm_audit handler uses a log.
type RecorderOptions struct {
	// OnFailure is what happens to a call whose record cannot be made durable:
	// "deny" (also when empty) or "allow".
	OnFailure string
	// ConfigHash identifies the configuration.
	ConfigHash string
	// OnUnrecorded is called for every record, or text of one, that could not be
	// written.
	OnUnrecorded func()
	// Content is how much of the texts is kept; empty is LevelMetadata. Request and
	// Answer return what the level wants stored, nil for nothing; they are
	// called at most once each, the latter at the end.
	Content         Level
	Request, Answer func() *Capture
}

// Recorder writes the records of one exchange to a log. It implements
// llm.Recorder.
type Recorder struct {
	log  *Log
	o    RecorderOptions
	keep keeping
	// who is the subject of the exchange: the same for all its records, also if
	// it is erased in between.
	who     *vault.Subject
	whoName *llm.Principal
	// storing tells whether the request's text is on disk, as long as nobody has
	// asked.
	storing chan error
}

// NewRecorder returns a recorder for the log.
func NewRecorder(l *Log, o RecorderOptions) *Recorder {
	if o.OnUnrecorded == nil {
		o.OnUnrecorded = func() {}
	}
	return &Recorder{log: l, o: o, keep: keeping{level: o.Content, request: o.Request, answer: o.Answer}}
}

// subject finds the subject of the exchange, once for each principal.
func (r *Recorder) subject(x *llm.Exchange) (*vault.Subject, error) {
	if r.who != nil && r.whoName == x.Principal {
		return r.who, nil
	}
	who, err := r.log.subjectOf(x)
	r.who, r.whoName = who, x.Principal
	return who, err
}

// Admitted starts writing the admitted record of an attempt, and the request's text
// if the level stores it.
func (r *Recorder) Admitted(x *llm.Exchange, a *llm.Attempt) (llm.Hold, error) {
	who, err := r.subject(x)
	var blob *vault.Blob
	if err == nil {
		blob, err = r.keep.keepRequest(r.log, x, who)
	}
	if err != nil {
		if err := r.failed(err); err != nil {
			return nil, err
		}
	}
	h := &admitted{r: r, a: a, ack: r.log.append(encodeAdmitted(r.log.o.Node, r.o.ConfigHash, x, a, who, r.keep.kept), true, nil)}
	if blob != nil {
		stored := make(chan error, 1)
		r.storing = stored
		go func() { stored <- store(blob) }()
	}
	return h, nil
}

// failed counts what could not be recorded and says what that means for the call.
func (r *Recorder) failed(err error) error {
	r.o.OnUnrecorded()
	if r.o.OnFailure == "allow" {
		return nil
	}
	return llm.Deny(http.StatusServiceUnavailable, llm.CodeAuditUnavailable, llm.StageInfrastructure,
		"the call cannot be recorded at the moment and is therefore refused; try again shortly").Because(err)
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
		err = h.r.stored(ctx)
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return llm.Deny(499, llm.CodeClientGone, llm.StageRequest, "the client closed the request").Because(err)
	}
	return h.r.failed(err)
}

// stored waits until the request's text is on disk. What is not is not claimed by
// the records that follow.
func (r *Recorder) stored(ctx context.Context) error {
	if r.storing == nil {
		return nil
	}
	select {
	case err := <-r.storing:
		r.storing = nil
		if err != nil {
			r.keep.kept.Request = notStored()
		}
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
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
	who, err := r.subject(x)
	if err == nil {
		err = r.keepTexts(x, who)
	}
	if err != nil {
		r.o.OnUnrecorded()
		r.log.o.Logf("audit log: a record lacks what should be kept: %v", err)
	}
	r.log.append(encodeEnded(r.log.o.Node, r.o.ConfigHash, stage, x, who, r.keep.kept), false, r.o.OnUnrecorded)
}

// keepTexts stores what the level wants of the texts before the record speaks of
// them.
func (r *Recorder) keepTexts(x *llm.Exchange, who *vault.Subject) error {
	// Of a call whose client has left while its text was on the way to the disk.
	if err := r.stored(context.Background()); err != nil {
		r.o.OnUnrecorded()
	}
	request, err := r.keep.keepRequest(r.log, x, who)
	if err == nil {
		if err = store(request); err != nil {
			r.keep.kept.Request = notStored()
		}
	}
	answer, aerr := r.keep.keepAnswer(r.log, x, who)
	if aerr == nil {
		if aerr = store(answer); aerr != nil {
			r.keep.kept.Answer = notStored()
		}
	}
	return errors.Join(err, aerr)
}
