package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Errors of the ledger.
var (
	// ErrClosed: the ledger has been closed.
	ErrClosed = errors.New("the ledger is closed")
	// ErrInUse: another process has the file open.
	ErrInUse = errors.New("the ledger is in use by another process; one process at a time may use a data directory")
	// ErrDuplicate: this request and attempt has been settled before.
	ErrDuplicate = errors.New("this attempt is in the ledger already")
	// ErrBusy: more writes wait than the disk can take.
	ErrBusy = errors.New("the ledger cannot keep up")
)

// What to do with reservations that a dead process has left (Options.OnCrash).
const (
	OnCrashCharge  = "charge"
	OnCrashRelease = "release"
)

// Options configure a ledger.
type Options struct {
	// OnCrash says what happens on Open with reservations whose process died:
	// "charge" (default, also empty) charges them in full; "release" gives them
	// back, and with that gives up the guarantee that budgets are never
	// exceeded.
	OnCrash string
	// Logf, if set, is told of what an operator should know.
	Logf func(msg string, args ...any)
	// Now is the clock; nil is time.Now. It is used for Open and for Ratios;
	// decisions get their time from the caller.
	Now func() time.Time
	// NoSync leaves out every sync of the file. A crash of the machine then
	// loses reservations and may destroy the file. Only for tests and
	// benchmarks.
	NoSync bool

	hooks hooks
}

// hooks let tests of this package reach in.
type hooks struct {
	writer       func()       // runs first on the writer's goroutine
	beforeCommit func() error // may fail a batch
	afterCommit  func() error // may deny a commit that has happened
	lockTimeout  time.Duration
	maxBalances  int
}

// Ledger is an open ledger. It is safe for concurrent use.
type Ledger struct {
	db          *bbolt.DB
	path        string
	o           Options
	maxBalances int

	mu       sync.Mutex
	balances map[balanceKey]*balance
	open     map[ID]*Hold
	reserved llm.Money // of all open holds
	debt     llm.Money // charged beyond what was reserved
	made     int       // balances made so far
	queue    []*batch  // the last one is still being filled
	failing  error     // why the last batch was not written; nil once one was
	broken   error     // why nothing will be written any more
	closed   bool

	urgent chan struct{} // somebody waits for a write
	lazy   chan struct{} // something may be written soon
	done   chan struct{} // the writer has ended
}

// lockTimeout is how long Open waits for another process to let go of the file:
// an old process may be about to end.
const lockTimeout = 3 * time.Second

// Open opens or makes the ledger at path, with mode 0600, and its directory. It
// settles what a dead process has left open, before it returns. It returns
// ErrInUse if another process has the file open.
func Open(path string, o Options) (*Ledger, error) {
	switch o.OnCrash {
	case "":
		o.OnCrash = OnCrashCharge
	case OnCrashCharge, OnCrashRelease:
	default:
		return nil, fmt.Errorf("on_crash: %q (want charge or release)", o.OnCrash)
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the ledger's directory: %w", err)
	}
	_, statErr := os.Stat(path)
	timeout := lockTimeout
	if o.hooks.lockTimeout > 0 {
		timeout = o.hooks.lockTimeout
	}
	db, err := openFile(path, &bbolt.Options{Timeout: timeout, FreelistType: bbolt.FreelistMapType, NoSync: o.NoSync, NoStatistics: true})
	if err != nil {
		return nil, openError(path, err)
	}
	l := &Ledger{
		db: db, path: path, o: o,
		maxBalances: MaxBalances,
		balances:    map[balanceKey]*balance{},
		open:        map[ID]*Hold{},
		queue:       []*batch{newBatch()},
		urgent:      make(chan struct{}, 1),
		lazy:        make(chan struct{}, 1),
		done:        make(chan struct{}),
	}
	if o.hooks.maxBalances > 0 {
		l.maxBalances = o.hooks.maxBalances
	}
	if err := l.recover(o.Now()); err != nil {
		db.Close()
		return nil, fmt.Errorf("reading the ledger %s: %w", path, err)
	}
	if errors.Is(statErr, os.ErrNotExist) && !o.NoSync {
		// A new file is durable only once its directory entry is.
		if err := syncDir(filepath.Dir(path)); err != nil {
			db.Close()
			return nil, fmt.Errorf("syncing the ledger's directory: %w", err)
		}
	}
	go l.write()
	return l, nil
}

// openFile is bbolt.Open, with a panic over a damaged file turned into an error.
func openFile(path string, o *bbolt.Options) (db *bbolt.DB, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", ErrCorrupt, p)
		}
	}()
	return bbolt.Open(path, 0o600, o)
}

func openError(path string, err error) error {
	if errors.Is(err, bolterrors.ErrTimeout) {
		return fmt.Errorf("%s: %w", path, ErrInUse)
	}
	return fmt.Errorf("opening the ledger %s: %w", path, err)
}

// Close writes what waits and closes the file. Reservations that are still open
// stay in the file and count as left by a crash at the next Open.
func (l *Ledger) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		<-l.done
		return nil
	}
	l.closed = true
	l.mu.Unlock()
	wake(l.urgent)
	<-l.done
	l.mu.Lock()
	err := l.failing
	l.mu.Unlock()
	if cerr := l.db.Close(); err == nil {
		err = cerr
	}
	return err
}

// Refusal says which budget has not enough left: if several have not, the one
// whose window ends last.
type Refusal struct {
	Budget    *Budget
	Value     string
	Remaining llm.Money // at least 0
	Ends      time.Time // when its window ends; zero for never
}

// Hold is a reservation, or the promise of a row without one.
type Hold struct {
	l     *Ledger
	call  Call
	need  llm.Money
	from  []*balance
	batch *batch // that makes it durable, nil if nothing needs to be
	op    int
	done  bool
	few   [3]*balance
}

// Reserve holds need in every budget or, if one has not as much left, in none:
// settled + reserved never exceeds a budget's amount by a reservation. It
// decides in memory and starts the write; Hold.Durable waits for it. Reserving
// an ID that is open returns its Hold and takes nothing.
//
// With no charges, or a need of 0, nothing has to be held and nothing is
// written, unless the file cannot be written at the moment or not as fast as
// calls come: then Durable waits until it can, so that no call leaves that
// could not be recorded.
func (l *Ledger) Reserve(now time.Time, call Call, need llm.Money, charges []Charge) (*Hold, *Refusal, error) {
	if len(call.Request) > maxRequestID {
		return nil, nil, fmt.Errorf("the request id has more than %d bytes", maxRequestID)
	}
	need = max(0, need)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.closed:
		return nil, nil, ErrClosed
	case l.broken != nil:
		return nil, nil, l.broken
	case len(l.queue) > maxQueue:
		return nil, nil, ErrBusy
	}
	if h := l.open[call.ID]; h != nil {
		return h, nil, nil
	}
	call.clip()
	h := &Hold{l: l, call: call, need: need}
	h.from = h.few[:0]
	var refused *Refusal
	for i := range charges {
		c := &charges[i]
		bal := l.find(now, c)
		if left := bal.left(c.Budget.Amount); need > 0 && need > left {
			r := &Refusal{Budget: c.Budget, Value: c.Value, Remaining: max(0, left), Ends: c.Budget.End(now)}
			if refused == nil || later(r.Ends, refused.Ends) {
				refused = r
			}
			continue
		}
		if need > 0 && !contains(h.from, bal) {
			h.from = append(h.from, bal)
		}
	}
	if refused != nil {
		return nil, refused, nil
	}
	for _, bal := range h.from {
		bal.reserved = bal.reserved.Add(need)
	}
	if len(h.from) == 0 {
		h.need = 0
	}
	l.reserved = l.reserved.Add(h.need)
	l.open[call.ID] = h
	if len(h.from) > 0 || l.failing != nil || len(l.queue) > slowQueue {
		h.batch, h.op = l.enqueue(op{reserve: h})
		wake(l.urgent)
	}
	return h, nil, nil
}

// later reports whether a is after b, where zero is never.
func later(a, b time.Time) bool {
	if a.IsZero() || b.IsZero() {
		return a.IsZero() && !b.IsZero()
	}
	return a.After(b)
}

func contains(bs []*balance, b *balance) bool {
	for _, x := range bs {
		if x == b {
			return true
		}
	}
	return false
}

// Reserved returns what this hold reserves in each of its budgets.
func (h *Hold) Reserved() llm.Money { return h.need }

// Durable returns once the reservation is on disk, or with the reason why it is
// not. It is safe to call more than once.
func (h *Hold) Durable(ctx context.Context) error {
	if h.batch == nil {
		return nil
	}
	select {
	case <-h.batch.done:
		return h.batch.errs[h.op]
	default:
	}
	select {
	case <-h.batch.done:
		return h.batch.errs[h.op]
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Settle replaces the reservation by what the call cost and writes the row,
// soon and without waiting. More than was reserved is charged too, as debt. The
// row's Call, Reserved and Kind are filled in from the reservation. Only the
// first of Settle and Cancel counts.
func (h *Hold) Settle(r Row) {
	r.Call, r.Reserved, r.Kind = h.call, h.need, Settled
	r.Served = clip(r.Served)
	r.Cost = max(0, r.Cost)
	h.end(r.Cost, &r)
}

// Cancel gives the reservation back, for a call that never left: it writes no
// row.
func (h *Hold) Cancel() { h.end(0, nil) }

func (h *Hold) end(cost llm.Money, r *Row) {
	l := h.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.done {
		return
	}
	h.done = true
	delete(l.open, h.call.ID)
	l.reserved -= h.need
	for _, bal := range h.from {
		bal.reserved -= h.need
		bal.settled = bal.settled.Add(cost)
	}
	if len(h.from) > 0 && cost > h.need {
		l.debt = l.debt.Add(cost - h.need)
	}
	if r == nil && h.unwritten() {
		return // nothing of it is on disk
	}
	l.enqueue(op{settle: h, row: r, cost: cost})
	wake(l.lazy)
}

// unwritten reports whether the reservation is known not to be in the file.
func (h *Hold) unwritten() bool {
	if h.batch == nil {
		return true
	}
	select {
	case <-h.batch.done:
		return h.batch.errs[h.op] != nil
	default:
		return false
	}
}

func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Reserved returns what is held at this moment by all calls together.
func (l *Ledger) Reserved() llm.Money {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.reserved
}

// Open returns the number of calls that are neither settled nor cancelled.
func (l *Ledger) Open() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.open)
}

// Debt returns what calls have cost beyond their reservations since Open.
func (l *Ledger) Debt() llm.Money {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.debt
}

// Balance returns where a scope value stands with a budget in the window of
// now. Remaining is at least 0.
func (l *Ledger) Balance(b Budget, value string, now time.Time) (settled, reserved, remaining llm.Money) {
	l.mu.Lock()
	defer l.mu.Unlock()
	k := balanceKey{window: b.Window, at: b.Window.at(now, b.zone()), scope: b.Scope, name: b.Name, value: scopeValue(value)}
	bal := l.balances[k]
	if bal == nil {
		return 0, 0, max(0, b.Amount)
	}
	return bal.settled, bal.reserved, max(0, bal.left(b.Amount))
}

// Ratios calls f for each budget that was asked since Open, with what remains
// of it in its current window in thousandths: the lowest of all its scope
// values.
func (l *Ledger) Ratios(f func(budget string, ratio int64)) {
	now := l.o.Now().Unix()
	lowest := map[string]int64{}
	l.mu.Lock()
	for _, b := range l.balances {
		if b.amount <= 0 || (b.end != 0 && b.end <= now) {
			continue
		}
		left := max(0, b.left(b.amount))
		ratio := int64(left / max(1, b.amount/1000))
		ratio = min(1000, ratio)
		if old, ok := lowest[b.label]; !ok || ratio < old {
			lowest[b.label] = ratio
		}
	}
	l.mu.Unlock()
	for label, ratio := range lowest {
		f(label, ratio)
	}
}
