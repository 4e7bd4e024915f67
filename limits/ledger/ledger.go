package ledger

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
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
	// KnownEnds, if set, says of calls whose process died how they ended, as far as
	// anybody else has it in writing; they are settled by that. It is asked once,
	// by Open. It must not lock the ledger.
	KnownEnds func(calls []Call) map[ID]Known
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

// Known is how a call ended, by what somebody else has in writing.
type Known struct {
	Cost   llm.Money
	Tokens int64
	Usage  llm.Usage
	Result llm.Result
}

// hooks let tests of this package reach in.
type hooks struct {
	writer       func()       // runs first on the writer's goroutine
	beforeCommit func() error // may fail a batch
	afterCommit  func() error // may deny a commit that has happened
	applier      func()       // runs first on the goroutine that writes to bbolt
	beforeApply  func() error // may fail what is put into bbolt
	area         int64        // size of a new journal's areas
	applyEvery   time.Duration
	noFrameSync  bool // leaves out the syncs of the journal
	noApplySync  bool // leaves out the syncs of bbolt
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

	// The writer's.
	j          *journal
	frameHint  int64 // bytes of the last frame
	applyEvery time.Duration

	pmu      sync.Mutex
	current  *pending // in the journal's current area; only the writer changes it
	applying *pending // in the other area, until bbolt has it; nil if that is free
	applyErr error    // why it does not have it yet
	tried    time.Time

	toApply chan *pending
	kick    chan struct{} // try again to apply
	applied chan struct{} // it was tried
	closing chan struct{} // do not try again
	ended   chan struct{} // the applier has ended

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
	timeout := lockTimeout
	if o.hooks.lockTimeout > 0 {
		timeout = o.hooks.lockTimeout
	}
	db, err := openFile(path, &bbolt.Options{Timeout: timeout, FreelistType: bbolt.FreelistMapType, NoSync: o.NoSync || o.hooks.noApplySync, NoStatistics: true})
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
		applyEvery:  applyEvery,
		current:     newPending(),
		toApply:     make(chan *pending, 1),
		kick:        make(chan struct{}, 1),
		applied:     make(chan struct{}, 1),
		closing:     make(chan struct{}),
		ended:       make(chan struct{}),
	}
	if o.hooks.applyEvery > 0 {
		l.applyEvery = o.hooks.applyEvery
	}
	if o.hooks.maxBalances > 0 {
		l.maxBalances = o.hooks.maxBalances
	}
	if err := l.resume(); err != nil {
		l.closeFiles()
		return nil, fmt.Errorf("reading the ledger %s: %w", path, err)
	}
	go l.apply()
	go l.write()
	return l, nil
}

// openFile is bbolt.Open, with a panic over a damaged file turned into an error.
func openFile(path string, o *bbolt.Options) (db *bbolt.DB, err error) {
	defer catch(&err)
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
	if cerr := l.closeFiles(); err == nil {
		err = cerr
	}
	return err
}

func (l *Ledger) closeFiles() error {
	var err error
	if l.j != nil {
		err = l.j.close()
	}
	return errors.Join(err, l.db.Close()) // with it goes the lock on both
}

// Refusal says which budget has not enough left: if several have not, the one
// that takes longest.
type Refusal struct {
	Budget    *Budget
	Value     string
	Need      llm.Money // what was asked of it
	Amount    llm.Money // what the scope value has in this window
	Remaining llm.Money // at least 0
	// Ends is when there may be enough: the end of its window, for a rolling one
	// when enough has left it; zero for never.
	Ends time.Time
}

// Hold is a reservation, or the promise of a row without one.
type Hold struct {
	l     *Ledger
	call  Call
	need  llm.Money // the most that is held in a budget of money
	from  []hit
	batch *batch // that makes it durable, nil if nothing needs to be
	op    int
	done  bool
	few   [3]hit
}

// hit is what a hold takes from one balance.
type hit struct {
	bal    *balance
	charge Charge
}

// Reserve holds what each charge needs or, if one budget has not as much left,
// nothing: settled + reserved never exceeds a budget's amount by a reservation.
// It decides in memory and starts the write; Hold.Durable waits for it.
// Reserving an ID that is open returns its Hold and takes nothing.
//
// With no charges, or none that needs anything, nothing has to be held and
// nothing is written, unless the file cannot be written at the moment or not as
// fast as calls come: then Durable waits until it can, so that no call leaves
// that could not be recorded.
func (l *Ledger) Reserve(now time.Time, call Call, charges []Charge) (*Hold, *Refusal, error) {
	if len(call.Request) > maxRequestID {
		return nil, nil, fmt.Errorf("the request id has more than %d bytes", maxRequestID)
	}
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
	h := &Hold{l: l, call: call}
	h.from = h.few[:0]
	var refused *Refusal
	for i := range charges {
		c := charges[i]
		c.Need = max(0, c.Need)
		bal := l.find(now, &c)
		if left := bal.left(c.amount()); c.Need > 0 && c.Need > left {
			r := &Refusal{Budget: c.Budget, Value: c.Value, Need: c.Need, Amount: c.amount().Add(bal.granted), Remaining: max(0, left),
				Ends: bal.ends(c.Budget, c.amount(), c.Need, now)}
			if refused == nil || later(r.Ends, refused.Ends) {
				refused = r
			}
			continue
		}
		if c.Need > 0 && !contains(h.from, bal) {
			c.Value = bal.key.value
			h.from = append(h.from, hit{bal, c})
		}
	}
	if refused != nil {
		return nil, refused, nil
	}
	for i := range h.from {
		t := &h.from[i]
		t.bal.reserved = t.bal.reserved.Add(t.charge.Need)
		if t.charge.Budget.Unit == USD {
			h.need = max(h.need, t.charge.Need)
		}
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

func contains(hits []hit, b *balance) bool {
	for i := range hits {
		if hits[i].bal == b {
			return true
		}
	}
	return false
}

// Reserved returns the most that this hold reserves in a budget of money.
func (h *Hold) Reserved() llm.Money { return h.need }

// Warned names the budgets of which a threshold was reached before this call, and
// the highest, e.g. "key/day 80%, team/month 50%"; "" for none.
func (h *Hold) Warned() string {
	h.l.mu.Lock()
	defer h.l.mu.Unlock()
	s := ""
	for i := range h.from {
		if b := h.from[i].bal; b.warned > 0 && len(h.from[i].charge.Budget.Warn) > 0 {
			if s != "" {
				s += ", "
			}
			s += h.from[i].charge.Budget.Label() + " " + strconv.Itoa(b.warned) + "%"
		}
	}
	return s
}

// Durable returns once the reservation is on disk, or with the reason why it is
// not. It is safe to call more than once.
func (h *Hold) Durable(ctx context.Context) error {
	if h.batch == nil {
		return nil
	}
	return h.batch.wait(ctx, h.op)
}

// wait returns how one write of a batch went.
func (b *batch) wait(ctx context.Context, op int) error {
	select {
	case <-b.done:
		return b.errs[op]
	default:
	}
	select {
	case <-b.done:
		return b.errs[op]
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Settle replaces the reservation by what the call cost (Row.Cost) and used
// (Row.Tokens) and writes the row, soon and without waiting. More than was
// reserved is charged too, as debt. The row's Call, Reserved and Kind are filled
// in from the reservation. Only the first of Settle and Cancel counts. It
// returns the thresholds that this has reached.
func (h *Hold) Settle(now time.Time, r Row) []Warning {
	r.Call, r.Reserved, r.Kind = h.call, h.need, Settled
	r.Served = clip(r.Served)
	r.Cost, r.Tokens = max(0, r.Cost), max(0, r.Tokens)
	return h.end(now, &r)
}

// Cancel gives the reservation back, for a call that never left: it writes no
// row.
func (h *Hold) Cancel() { h.end(time.Time{}, nil) }

func (h *Hold) end(now time.Time, r *Row) (warnings []Warning) {
	l := h.l
	l.mu.Lock()
	defer l.mu.Unlock()
	if h.done {
		return nil
	}
	h.done = true
	delete(l.open, h.call.ID)
	l.reserved -= h.need
	o := op{settle: h, row: r}
	if r != nil && len(h.from) > 0 {
		o.credits = make([]credit, 0, len(h.from))
	}
	for i := range h.from {
		t := &h.from[i]
		t.bal.reserved -= t.charge.Need
		if r == nil {
			continue
		}
		cost := r.spent(t.charge.Budget.Unit)
		if cost == 0 {
			continue
		}
		key := t.bal.settle(now.Unix(), cost)
		warnings = t.bal.cross(warnings, &t.charge, now.Unix())
		o.credits = append(o.credits, credit{key: key, end: t.bal.end, cost: cost, warned: t.bal.warned})
	}
	if r != nil && len(h.from) > 0 && r.Cost > h.need && h.need > 0 {
		l.debt = l.debt.Add(r.Cost - h.need)
	}
	if r == nil && h.unwritten() {
		return nil // nothing of it is on disk
	}
	l.enqueue(o)
	wake(l.lazy)
	return warnings
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
