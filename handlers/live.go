package handlers

import (
	"context"
	"errors"
	"sync"
)

// live are the calls that are under way in this process, whatever config they
// belong to.
var live = liveCalls{calls: map[*call]struct{}{}}

type liveCalls struct {
	mu    sync.Mutex
	calls map[*call]struct{}
	empty chan struct{} // non-nil while somebody waits; closed when none is left
}

func (l *liveCalls) enter(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls[c] = struct{}{}
}

func (l *liveCalls) leave(c *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.calls, c)
	if len(l.calls) == 0 && l.empty != nil {
		close(l.empty)
		l.empty = nil
	}
}

var errShutdown = errors.New("the gateway is shutting down")

// EndAll ends the calls that are still under way when the process exits: Caddy's
// grace period is over and leaves them running, but each must be settled and
// recorded. It returns when all have ended or the context is done.
func EndAll(ctx context.Context) {
	live.mu.Lock()
	if len(live.calls) == 0 {
		live.mu.Unlock()
		return
	}
	if live.empty == nil {
		live.empty = make(chan struct{})
	}
	empty := live.empty
	for c := range live.calls {
		c.cancel(errShutdown)
	}
	live.mu.Unlock()
	select {
	case <-empty:
	case <-ctx.Done():
	}
}
