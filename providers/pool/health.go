package pool

import (
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Key identifies a deployment across reloads. A provider that was given another
// address or credential is another deployment.
type Key struct {
	Provider, Address, Model string
	// Credential is a fingerprint.
	Credential [8]byte
}

// Params are how failures are judged.
type Params struct {
	// FailDuration is how long a failure is remembered, and how long a tripped
	// circuit stays open.
	FailDuration time.Duration
	// MaxFails is how many failures within FailDuration trip the circuit.
	MaxFails int
}

// maxDeployments bounds the number of deployments that are remembered: model
// names may come from clients.
const maxDeployments = 8192

// sweepEvery bounds how often a full registry is searched: every newcomer would
// have to wait for that.
const sweepEvery = time.Second

// Registry holds the health of all deployments of a process. The zero value is
// ready. It is safe for concurrent use.
type Registry struct {
	mu    sync.RWMutex
	m     map[Key]*Health
	swept time.Time // when it was last full and searched for what may go
}

// Health returns the health of a deployment; the same pointer as long as the
// deployment is in use or has anything to remember.
func (r *Registry) Health(k Key) *Health {
	r.mu.RLock()
	h := r.m[k]
	r.mu.RUnlock()
	if h != nil {
		return h
	}
	var endpoint *Health
	if k.Model != "" {
		e := k
		e.Model = ""
		endpoint = r.Health(e)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if h := r.m[k]; h != nil {
		return h
	}
	if r.m == nil {
		r.m = make(map[Key]*Health)
	}
	if now := time.Now(); len(r.m) >= maxDeployments && now.Sub(r.swept) >= sweepEvery {
		r.swept = now
		for old, h := range r.m {
			if old.Model != "" && h.forgettable(now) {
				delete(r.m, old)
			}
		}
	}
	h = &Health{endpoint: endpoint}
	if len(r.m) < maxDeployments || k.Model == "" {
		k.Model = strings.Clone(k.Model) // it may be a piece of a large request
		r.m[k] = h
	} // else it is good for this one call
	return h
}

// Health is what is known of one deployment. It is safe for concurrent use.
type Health struct {
	// endpoint is the health of the provider's address and credential as such,
	// whatever the model: what active checks write.
	endpoint *Health
	inflight atomic.Int64

	mu       sync.Mutex
	fails    []time.Time // within the last FailDuration, at most MaxFails
	counts   time.Time   // until when they may be worth remembering
	tripped  bool        // MaxFails was reached and no success came since
	probing  bool        // one call is finding out whether it works again
	cooling  time.Time   // until when the provider asked not to be called
	latency  time.Duration
	measured time.Time // when latency was last measured
	down     string    // what the active check says is wrong
}

// State is whether a deployment may be called now.
type State struct {
	OK bool
	// Why says, without secrets or addresses, why not.
	Why string
	// Until is when it may be called again; zero if that is not known.
	Until time.Time
}

// State returns whether the deployment may be called at a time.
func (h *Health) State(now time.Time, p Params) State {
	if h.endpoint != nil {
		if s := h.endpoint.State(now, p); !s.OK {
			return s
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case h.down != "":
		return State{Why: h.down}
	case now.Before(h.cooling):
		return State{Why: "rate limited", Until: h.cooling}
	case h.tripped:
		if until := h.openUntil(p); now.Before(until) {
			return State{Why: "failed recently", Until: until}
		}
		if h.probing {
			return State{Why: "being tried after failures"}
		}
	}
	return State{OK: true}
}

// openUntil is when a tripped circuit lets a call through to find out.
func (h *Health) openUntil(p Params) time.Time {
	if len(h.fails) == 0 {
		return time.Time{}
	}
	return h.fails[len(h.fails)-1].Add(p.FailDuration)
}

// Begin counts a call that is about to be made. Exactly one of Succeeded, Failed
// and Abandoned must follow.
func (h *Health) Begin() {
	h.inflight.Add(1)
	h.mu.Lock()
	h.probing = h.probing || h.tripped
	h.mu.Unlock()
}

// Succeeded ends a call that was answered; firstByte is how long the first byte
// took. The circuit closes.
func (h *Health) Succeeded(now time.Time, firstByte time.Duration) {
	h.inflight.Add(-1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.fails, h.tripped, h.probing = h.fails[:0], false, false
	// A moving average over about the last eight; an old figure says nothing.
	if h.measured.IsZero() || now.Sub(h.measured) > latencyAge {
		h.latency = firstByte
	} else {
		h.latency += (firstByte - h.latency) / 8
	}
	h.measured = now
}

// Failed ends a call that failed by the deployment's fault.
func (h *Health) Failed(now time.Time, p Params) {
	h.inflight.Add(-1)
	h.mu.Lock()
	defer h.mu.Unlock()
	kept := h.fails[:0]
	for _, t := range h.fails {
		if now.Sub(t) < p.FailDuration {
			kept = append(kept, t)
		}
	}
	if n := max(p.MaxFails, 1); len(kept) >= n {
		kept = append(kept[:0], kept[len(kept)-n+1:]...)
	}
	h.fails, h.counts = append(kept, now), now.Add(2*p.FailDuration)
	if h.probing || len(h.fails) >= max(p.MaxFails, 1) {
		h.tripped = true
	}
	h.probing = false
}

// Cooled ends a call that the provider refused for the time being: the
// deployment is left alone until then. It is no failure.
func (h *Health) Cooled(until time.Time) {
	h.inflight.Add(-1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.probing = false
	if until.After(h.cooling) {
		h.cooling = until
	}
}

// Abandoned ends a call that says nothing about the deployment: the client left,
// or the request was refused for what it was.
func (h *Health) Abandoned() {
	h.inflight.Add(-1)
	h.mu.Lock()
	h.probing = false
	h.mu.Unlock()
}

// Check notes what an active check found: "" for healthy.
func (h *Health) Check(why string) {
	h.mu.Lock()
	h.down = why
	h.mu.Unlock()
}

// latencyAge is how long a measured latency is believed.
const latencyAge = time.Minute

// Load returns the number of calls under way and the average time to the first
// byte, zero when it is not known.
func (h *Health) Load(now time.Time) (inflight int64, latency time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.measured.IsZero() && now.Sub(h.measured) <= latencyAge {
		latency = h.latency
	}
	return h.inflight.Load(), latency
}

// forgettable reports whether nothing that still counts would be lost with this
// entry.
func (h *Health) forgettable(now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	failed := (len(h.fails) > 0 || h.tripped) && now.Before(h.counts)
	return h.inflight.Load() == 0 && !failed && h.down == "" && !now.Before(h.cooling)
}
