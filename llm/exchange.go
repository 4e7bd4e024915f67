package llm

import (
	"context"
	"errors"
	"slices"
	"time"
)

// Outcome is how an Exchange ended, as records and metrics name it.
type Outcome string

// The outcomes.
const (
	OutcomeOK            Outcome = "ok"
	OutcomeDenied        Outcome = "denied"         // refused by us
	OutcomeProviderError Outcome = "provider_error" // the provider's error was passed on, or it failed
	OutcomeClientGone    Outcome = "client_gone"    // the client left before the end
	OutcomeCut           Outcome = "cut"            // the answer began and ended in an error
	OutcomeError         Outcome = "error"          // our own failure
)

// Changes are the declared edits of a request. They are turned into byte edits
// for a deployment by the dialect, in one place, the moment the request leaves.
type Changes struct {
	// Model replaces the caller's model name; empty leaves it.
	Model string
	// MaxTokens sets or lowers the limit on output tokens; 0 leaves it.
	MaxTokens int64
	// DefaultMaxTokens is the limit for a request that has no other; 0 for none.
	// llm_upstream leaves that to the gate, which knows the deployment, and
	// clears it: it is for stock proxies, whose request is made before the gate.
	DefaultMaxTokens int64
	// IncludeUsage asks a chat or completions stream for its usage chunk.
	IncludeUsage bool
	// Edits are byte edits of View.Raw made by policy, sorted by span.
	Edits []Edit
}

// Exchange is one request on its way through the chain, from the outermost
// llm_ handler, which owns it, to the record of its outcome. It belongs to the
// goroutine of the request and is not safe for concurrent use.
type Exchange struct {
	ID       string // UUIDv7
	Start    time.Time
	Server   string // name of Caddy's HTTP server
	ClientIP string
	Method   string
	Path     string
	TraceID  string
	// Family is how the caller wants to be spoken to; Dialect what it speaks.
	Family  Family
	Dialect Dialect
	// Principal is nil until llm_auth has found one.
	Principal *Principal
	// View is nil until a handler needed the body (or when there is none).
	View *View
	// Changes are the edits declared so far.
	Changes Changes
	// Decisions are in the order in which they were taken.
	Decisions []Decision
	// Policies are the hashes of the sets of rules that were evaluated; Scans is
	// which detectors ran, ScansOmitted how many more did than are kept.
	Policies     []string
	Scans        []Scan
	ScansOmitted int
	Tags         []string
	// Project is what the cost is allocated to besides the team, "" for nothing:
	// the caller's word, not a right.
	Project string
	// Attempts are the admitted calls, in order.
	Attempts []*Attempt
	// Denied is the refusal that ended the exchange, nil if none.
	Denied *Denial
	// Status is the status sent to the client, 0 before that.
	Status  int
	Outcome Outcome
	// FirstByte is when the first byte of the answer's body left; BytesOut
	// counts them all; Digest is the SHA-256 of those bytes (nil before the
	// end); FinishReason is the model's own word for why it stopped.
	FirstByte    time.Time
	End          time.Time
	BytesIn      int64
	BytesOut     int64
	Digest       []byte
	FinishReason string
	// Resolve returns the value of a placeholder such as {http.request.host}
	// for this request, empty if unknown; nil outside a server. Only scopes of
	// limits and budgets use it, never text of a prompt.
	Resolve func(placeholder string) string

	passed    []string
	governors []Governor
	recorder  Recorder
	deferred  []func()
	finished  bool

	// Room for what nearly every request needs, so that it is one piece of
	// memory. An Exchange must not be copied.
	few struct {
		passed    [6]string
		governors [3]Governor
		deferred  [2]func()
		decisions [6]Decision
		attempts  [1]*Attempt
		policies  [1]string
	}
}

// Governor is what a governing handler leaves on the Exchange for the gate.
type Governor interface {
	// Reserve decides about one attempt and takes what it needs, in memory,
	// without waiting for I/O. It may start a durable write; Hold.Durable waits
	// for it. A refusal is returned as a *Denial, and then nothing was taken.
	Reserve(x *Exchange, a *Attempt) (Hold, error)
}

// Hold is what a Governor took for one attempt.
type Hold interface {
	// Durable returns once what Reserve started is on disk, or with the reason
	// why it never will be. It is called before anything leaves.
	Durable(ctx context.Context) error
	// Settle replaces the hold by what the attempt really used; an attempt with
	// ResultUnsent used nothing. Called exactly once, on every way out. It must
	// not block on I/O and cannot fail.
	Settle(x *Exchange, a *Attempt)
}

// Recorder writes the records of an Exchange.
type Recorder interface {
	// Admitted starts writing the record that must be durable before the
	// attempt leaves. Its Durable sets Attempt.AuditIndex.
	Admitted(x *Exchange, a *Attempt) (Hold, error)
	// Ended writes the outcome of the Exchange: completed if an attempt was
	// admitted, else denied. It does not wait for the disk.
	Ended(x *Exchange)
}

// Pass marks that a governing handler (by the name used in `require`, e.g.
// "auth") has done its work on this Exchange.
func (x *Exchange) Pass(handler string) {
	if x.passed == nil {
		x.passed = x.few.passed[:0]
	}
	x.passed = append(x.passed, handler)
}

// Passed reports whether the handler of that name has run.
func (x *Exchange) Passed(handler string) bool { return slices.Contains(x.passed, handler) }

// Govern adds a governor; the gate asks them in the order of these calls.
func (x *Exchange) Govern(g Governor) {
	if x.governors == nil {
		x.governors = x.few.governors[:0]
	}
	x.governors = append(x.governors, g)
}

// Record sets the recorder. The first one stays: the outermost llm_audit is the
// one that records.
func (x *Exchange) Record(r Recorder) {
	if x.recorder == nil {
		x.recorder = r
	}
}

// Recorded reports whether a recorder was set.
func (x *Exchange) Recorded() bool { return x.recorder != nil }

// Defer runs f when the Exchange has been settled and recorded, last added
// first, whatever happened before: releasing leases, slots and metrics.
func (x *Exchange) Defer(f func()) {
	if x.deferred == nil {
		x.deferred = x.few.deferred[:0]
	}
	x.deferred = append(x.deferred, f)
}

// Decide appends a decision.
func (x *Exchange) Decide(d Decision) {
	if x.Decisions == nil {
		x.Decisions = x.few.decisions[:0]
	}
	x.Decisions = append(x.Decisions, d)
}

// Model is the model as it stands now: what a rule chose, else what the caller
// named, else empty.
func (x *Exchange) Model() string {
	if x.Changes.Model != "" {
		return x.Changes.Model
	}
	if x.View != nil {
		return x.View.Model
	}
	return ""
}

// Stream reports whether the caller asked for a stream.
func (x *Exchange) Stream() bool { return x.View != nil && x.View.Stream }

// OutputLimit is the limit on output tokens of each choice with which an attempt
// leaves: the lowest of the caller's, the declared one and what a governor made
// of it for this attempt; -1 if there is none. a may be nil.
func (x *Exchange) OutputLimit(a *Attempt) int64 {
	n := int64(-1)
	if x.View != nil {
		n = x.View.MaxTokens
	}
	if m := x.ChangesFor(a).MaxTokens; m > 0 && (n < 0 || m < n) {
		n = m
	}
	return n
}

// ChangesFor returns the declared changes as they hold for one attempt. a may be
// nil.
func (x *Exchange) ChangesFor(a *Attempt) Changes {
	c := x.Changes
	if c.MaxTokens <= 0 && c.DefaultMaxTokens > 0 && x.View != nil && x.View.MaxTokens < 0 {
		c.MaxTokens = c.DefaultMaxTokens
	}
	if a != nil && a.MaxTokens > 0 && (c.MaxTokens <= 0 || a.MaxTokens < c.MaxTokens) {
		c.MaxTokens = a.MaxTokens
	}
	return c
}

// Current returns the latest attempt, nil if none was admitted.
func (x *Exchange) Current() *Attempt {
	if len(x.Attempts) == 0 {
		return nil
	}
	return x.Attempts[len(x.Attempts)-1]
}

// Totals returns the usage and cost of all attempts together.
func (x *Exchange) Totals() (u Usage, cost Money) {
	if len(x.Attempts) == 1 {
		return x.Attempts[0].Usage, x.Attempts[0].Cost
	}
	for _, a := range x.Attempts {
		u.Input += a.Usage.Input
		u.CacheRead += a.Usage.CacheRead
		u.CacheWrite += a.Usage.CacheWrite
		u.CacheWrite1h += a.Usage.CacheWrite1h
		u.Output += a.Usage.Output
		u.Reasoning += a.Usage.Reasoning
		u.Estimated = u.Estimated || a.Usage.Estimated
		cost = cost.Add(a.Cost)
	}
	return u, cost
}

// ErrFinished is returned by Admit after the Exchange has ended.
var ErrFinished = errors.New("the exchange has ended")

// Finish settles whatever is still held, writes the outcome and runs what was
// deferred. It is idempotent and must run on every way out.
func (x *Exchange) Finish(now time.Time) {
	if x.finished {
		return
	}
	x.finished = true
	x.End = now
	// Whatever panics in one of these, the others run: a panic goes on at the end.
	defer func() {
		list := x.deferred
		x.deferred = nil
		runAll(list)
	}()
	if x.recorder != nil {
		defer x.recorder.Ended(x)
	}
	x.settleAttempts(x.Attempts, now)
}

// settleAttempts settles each attempt that has not been, even if one of them panics.
func (x *Exchange) settleAttempts(list []*Attempt, now time.Time) {
	if len(list) == 0 {
		return
	}
	defer x.settleAttempts(list[1:], now)
	x.Settle(list[0], now)
}

// runAll runs the last function first, each even if one after it panics.
func runAll(list []func()) {
	for _, f := range list {
		defer f()
	}
}
