package audit

import (
	"context"
	"net/http"
	"net/netip"
	"sync"
	"time"

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
	return &admitted{r: r, a: a, ack: r.log.append(encodeAdmitted(r.log.o.Node, r.o.ConfigHash, x, a), true)}, nil
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
// else denied. Denials of strangers are counted per source, so that they cannot
// fill the disk; an answered question without a principal (a preflight) leaves
// no record.
func (r *Recorder) Ended(x *llm.Exchange) {
	stage := StageCompleted
	if len(x.Attempts) == 0 {
		if x.Principal == nil {
			if x.Denied != nil {
				r.log.strange(x, r)
			}
			return
		}
		if x.Denied != nil {
			stage = StageDenied
		}
	}
	r.write(encodeEnded(r.log.o.Node, r.o.ConfigHash, stage, x))
}

func (r *Recorder) write(line []byte) {
	if a := r.log.append(line, false); a.refused() {
		r.o.OnUnrecorded()
	}
}

// refused reports whether the log took no record at all.
func (a *Ack) refused() bool {
	select {
	case <-a.done:
		return a.err != nil
	default:
		return false
	}
}

// Bounds for the counting of strangers.
const (
	strangerInterval = time.Minute
	maxStrangers     = 4096
)

// strangers counts denials before authentication, by source and code.
type strangers struct {
	mu      sync.Mutex
	sources map[strangerKey]*stranger
}

type strangerKey struct{ source, code string }

type stranger struct {
	server, stage string
	status        int
	count         int64
	since         time.Time
}

// strange records the first denial of a source in an interval at once and
// counts the others; the count is written when the interval is over.
func (l *Log) strange(x *llm.Exchange, r *Recorder) {
	key := strangerKey{sourceOf(x.ClientIP), x.Denied.Code}
	s := &l.strangers
	s.mu.Lock()
	if s.sources == nil {
		s.sources = make(map[strangerKey]*stranger)
	}
	e := s.sources[key]
	if e == nil && len(s.sources) >= maxStrangers {
		key.source = "_other"
		e = s.sources[key]
	}
	if e != nil {
		e.count++
		s.mu.Unlock()
		return
	}
	s.sources[key] = &stranger{server: x.Server, stage: string(x.Denied.Stage), status: x.Status, since: x.End}
	s.mu.Unlock()
	r.write(encodeEnded(l.o.Node, r.o.ConfigHash, StageDenied, x))
}

// sourceOf is the address that denials are counted by: an IPv6 source is its
// /64, since one machine has that many addresses.
func sourceOf(ip string) string {
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return "_unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, _ := a.Prefix(64)
	return p.String()
}

// flushStrangers writes the counts of intervals that are over (or all). It may
// run on the writer's goroutine, so it does not wait for room in the queue.
func (l *Log) flushStrangers(now time.Time, all bool) {
	s := &l.strangers
	var lines [][]byte
	s.mu.Lock()
	for key, e := range s.sources {
		if !all && now.Sub(e.since) < strangerInterval {
			continue
		}
		delete(s.sources, key)
		if e.count > 0 {
			lines = append(lines, encodeStrangers(l.o.Node, now, e, key))
		}
	}
	s.mu.Unlock()
	if len(lines) == 0 {
		return
	}
	l.mu.Lock()
	if !l.closed && l.failed == nil {
		for _, line := range lines {
			l.queue = append(l.queue, &Ack{line: line, done: make(chan struct{}), index: -1})
		}
	}
	l.mu.Unlock()
	l.signal()
}
