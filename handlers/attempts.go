package handlers

import (
	"errors"
	"net/http"
	"time"

	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// failure is an attempt that ended by its deployment's fault before anything of
// it reached the client: another deployment may be tried.
type failure struct {
	// why says it in a few words, without secrets or addresses.
	why string
	// limited is true if the provider only asked not to be called for a while.
	limited bool
	// err is what the client is told if this was the only deployment.
	err *llm.Denial
}

func (f *failure) Error() string { return f.why }

// unfit is a deployment that cannot take this request at all: nothing was sent.
type unfit struct{ err *llm.Denial }

func (u *unfit) Error() string { return u.err.Error() }

// attempts tries the deployments of a plan until one has answered, or none is
// left. It always returns an error, errAnswered when all went well.
func (h *Upstream) attempts(c *call, r *http.Request, p *plan) error {
	ctx := r.Context()
	var only error // what is wrong with the request for the deployments that could not take it
	for {
		cand := p.take(now())
		if cand == nil {
			break
		}
		if wait := p.pause(cand, now()); wait > 0 {
			timer := time.NewTimer(wait)
			select {
			case <-timer.C:
			case <-ctx.Done():
				timer.Stop()
				return c.upstreamError(ctx, new(llm.Attempt), ctx.Err(), "the request was cancelled")
			}
		}
		err := h.try(c, r, p, cand)
		if err == errAnswered {
			return err
		}
		var f *failure
		var u *unfit
		switch {
		case errors.As(err, &f):
			h.log.Warn("a deployment failed", zap.String("request_id", c.x.ID), zap.String("deployment", cand.label()), zap.String("why", f.why))
			p.note(cand, f.why, f.limited)
			only = f.err
			if p.more(now()) {
				c.w.reset()
				continue
			}
		case errors.As(err, &u):
			cand.dead = true
			p.left++
			p.begun--
			if only == nil {
				only = u.err
			}
			continue
		default:
			return err
		}
		break
	}
	if only != nil && (p.begun == 0 || len(p.list) == 1) {
		return only
	}
	return p.exhausted(now())
}
