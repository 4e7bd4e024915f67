package handlers

import (
	"context"
	"fmt"
	"sync"

	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// beside is what is worked out about a call while it goes on: rules that wait for a
// classifier and refuse nothing.
type beside struct {
	wg    sync.WaitGroup
	mu    sync.Mutex
	found []policy.Findings // by when they were begun
}

// judgeBeside runs an evaluation of a set of rules, named by its hash, on a goroutine of
// its own, which the client does not end by leaving: see policy.
func (c *call) judgeBeside(ctx context.Context, hash string, evaluate func(context.Context) policy.Findings) {
	if c.aside == nil {
		c.aside = new(beside)
	}
	b := c.aside
	b.mu.Lock()
	n := len(b.found)
	b.found = append(b.found, policy.Findings{})
	b.mu.Unlock()
	b.wg.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				c.log.Error("panic while a rule was evaluated beside its request", zap.String("request_id", c.x.ID), zap.String("panic", fmt.Sprint(p)))
			}
		}()
		f := evaluate(ctx)
		for i := range f.Decisions {
			f.Decisions[i].Policy = hash
		}
		b.mu.Lock()
		defer b.mu.Unlock()
		b.found[n] = f
	})
}

// judged waits for the evaluations beside the call and puts what they decided on the
// Exchange. The client has its answer by now; the end of a stream's connection, and
// the next request on it, wait as long as the slowest classifier may take.
func (c *call) judged() {
	b := c.aside
	if b == nil {
		return
	}
	c.aside = nil
	if c.w.sent {
		_ = c.w.ctrl.Flush()
	}
	b.wg.Wait()
	for _, f := range b.found {
		for _, d := range f.Decisions {
			c.x.Decide(d)
		}
		for _, s := range f.Scans {
			c.x.Scanned(s)
		}
	}
}
