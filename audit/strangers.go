package audit

import (
	"net/netip"
	"sync"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Bounds for the counting of strangers: at most two records per source and code
// in an interval, and this many sources; the rest are one source, "_other".
const (
	strangerInterval = time.Minute
	maxStrangers     = 4096
)

// strangers counts what ended before authentication, by source and code.
type strangers struct {
	mu      sync.Mutex
	sources map[strangerKey]*stranger
}

type strangerKey struct{ source, code string }

type stranger struct {
	server, stage string
	status        int
	count         int64 // calls that no record speaks of yet
	since         time.Time
}

// strange records the first vain call of a source in an interval at once and
// counts the others; the count is written when the interval is over. A record
// that could not be written is counted too, so that no call is forgotten.
func (l *Log) strange(x *llm.Exchange, r *Recorder) {
	key := strangerKey{source: sourceOf(x.ClientIP), code: string(x.Outcome)}
	stage := llm.StageRequest
	if x.Denied != nil {
		key.code, stage = x.Denied.Code, x.Denied.Stage
	}
	s := &l.strangers
	s.mu.Lock()
	if s.sources == nil {
		s.sources = make(map[strangerKey]*stranger)
	}
	e := s.sources[key]
	if e == nil && len(s.sources) >= maxStrangers {
		key.source = otherSource
		e = s.sources[key]
	}
	if e != nil {
		e.count++
		s.mu.Unlock()
		return
	}
	e = &stranger{server: x.Server, stage: string(stage), status: x.Status, since: x.End}
	s.sources[key] = e
	s.mu.Unlock()
	who, err := r.subject(x)
	if err != nil {
		r.o.OnUnrecorded()
		l.o.Logf("audit log: a record lacks its source: %v", err)
	}
	l.append(encodeEnded(l.o.Node, r.o.ConfigHash, StageDenied, x, who, nil), false, func() {
		r.o.OnUnrecorded()
		s.restore(key, e, 1)
	})
}

const otherSource = "_other"

// restore counts calls again whose record was not written.
func (s *strangers) restore(key strangerKey, was *stranger, n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.sources[key]
	if e == nil && len(s.sources) >= maxStrangers {
		key.source = otherSource
		e = s.sources[key]
	}
	if e == nil {
		e = &stranger{server: was.server, stage: was.stage, status: was.status, since: was.since}
		s.sources[key] = e
	}
	e.count += n
}

// sourceOf is the address that strangers are counted by: an IPv6 source is its
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

// flushStrangers queues the counts of intervals that are over (or all). It runs
// on the writer's goroutine too, so it does not wait for room in the queue.
func (l *Log) flushStrangers(now time.Time, all bool) {
	s := &l.strangers
	var acks []*Ack
	s.mu.Lock()
	for key, e := range s.sources {
		if !all && now.Sub(e.since) < strangerInterval {
			continue
		}
		delete(s.sources, key)
		if e.count > 0 {
			var who *vault.Subject
			if l.o.Vault != nil {
				who, _ = l.o.Vault.Subject(StrangersOf(e.since)) // without it the source is left out
			}
			acks = append(acks, &Ack{
				line: encodeStrangers(l.o.Node, now, e, key, who), done: make(chan struct{}), index: -1,
				lost: func() { s.restore(key, e, e.count) },
			})
		}
	}
	s.mu.Unlock()
	if len(acks) == 0 {
		return
	}
	l.mu.Lock()
	taken := !l.closed && l.failed == nil
	if taken {
		l.queue = append(l.queue, acks...)
	}
	l.mu.Unlock()
	if !taken {
		for _, a := range acks {
			a.end(-1, ErrClosed)
		}
		return
	}
	l.signal()
}
