// Package lease keeps what must exist once per process and path (an audit log,
// a ledger, rate windows) open exactly as long as somebody needs it: one lease
// per loaded config and one per request in flight. Configs overlap while Caddy
// reloads, and old handlers go on serving streams after their Cleanup; so
// nobody owns a file, everybody leases it.
//
// The package opens nothing by itself and knows nothing of what it keeps.
package lease

import (
	"io"
	"sync"
)

// Registry holds at most one open value per key (for files: the absolute path).
// The zero value is ready to use.
type Registry[T io.Closer] struct {
	mu      sync.Mutex
	entries map[string]*entry[T]
}

// failer is what a value implements that may become useless while it is open.
// Such a value is closed and opened anew for the next who acquires it; those who
// still hold a lease keep a closed value, which refuses as the failed one did.
type failer interface {
	// Err is why the value is useless, nil if it is not. It must be safe for
	// concurrent use.
	Err() error
}

type entry[T io.Closer] struct {
	value T
	refs  int
	ready chan struct{} // closed once open has returned
	err   error
	gone  chan struct{} // non-nil while closing; closed when it has left
	// replaced is true once a failed value was closed for its holders.
	replaced bool
}

// failed reports whether the value is open and useless.
func (e *entry[T]) failed() bool {
	select {
	case <-e.ready:
	default:
		return false
	}
	f, ok := any(e.value).(failer)
	return ok && e.err == nil && f.Err() != nil
}

// leave removes a closed entry and tells those who wait for that.
func (r *Registry[T]) leave(key string, e *entry[T]) {
	r.mu.Lock()
	delete(r.entries, key)
	r.mu.Unlock()
	close(e.gone)
}

// Lease is one holder's claim on a value.
type Lease[T io.Closer] struct {
	r    *Registry[T]
	key  string
	e    *entry[T]
	once sync.Once
}

// Acquire returns a lease on the value of key and opens it first if nobody has
// it open. While another holder opens it, Acquire waits for that; while the
// last holder closes it, Acquire waits until it is closed (an entry leaves after
// it is closed, never before) and opens it anew.
func (r *Registry[T]) Acquire(key string, open func() (T, error)) (*Lease[T], error) {
	for {
		r.mu.Lock()
		e := r.entries[key]
		if e == nil {
			e = &entry[T]{refs: 1, ready: make(chan struct{})}
			if r.entries == nil {
				r.entries = make(map[string]*entry[T])
			}
			r.entries[key] = e
			r.mu.Unlock()
			return r.open(key, e, open)
		}
		if e.gone != nil {
			gone := e.gone
			r.mu.Unlock()
			<-gone
			continue
		}
		if e.failed() {
			e.gone, e.replaced = make(chan struct{}), true
			r.mu.Unlock()
			_ = e.value.Close() // it has told what was wrong with it
			r.leave(key, e)
			continue
		}
		e.refs++
		r.mu.Unlock()
		<-e.ready
		if e.err != nil {
			return nil, e.err // the opener has removed the entry
		}
		return &Lease[T]{r: r, key: key, e: e}, nil
	}
}

func (r *Registry[T]) open(key string, e *entry[T], open func() (T, error)) (l *Lease[T], err error) {
	opened := false
	defer func() {
		if !opened { // failed or panicked: the key is free again
			r.mu.Lock()
			delete(r.entries, key)
			r.mu.Unlock()
		}
		e.err = err
		close(e.ready)
	}()
	e.value, err = open()
	if err != nil {
		return nil, err
	}
	opened = true
	return &Lease[T]{r: r, key: key, e: e}, nil
}

// Value returns the leased value. It must not be used after Release.
func (l *Lease[T]) Value() T { return l.e.value }

// Release gives the lease back; the last one closes the value and returns the
// error of that. Releasing twice is harmless.
func (l *Lease[T]) Release() (err error) {
	l.once.Do(func() {
		r, e := l.r, l.e
		r.mu.Lock()
		e.refs--
		if e.refs > 0 || e.replaced {
			r.mu.Unlock()
			return
		}
		e.gone = make(chan struct{})
		r.mu.Unlock()
		defer r.leave(l.key, e)
		err = e.value.Close()
	})
	return err
}

// Len returns the number of values that are open or closing.
func (r *Registry[T]) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.entries)
}
