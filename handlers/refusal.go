package handlers

import (
	"strconv"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// deny answers with a refusal in the caller's dialect, or hands it to Caddy's
// error routes.
func (w *answerWriter) deny(d *llm.Denial) (pass error, abort bool) {
	c, x := w.c, &w.c.x
	h := w.under.Header()
	// What a model server began to answer is not ours to repeat.
	for _, name := range [...]string{"Content-Length", "Content-Encoding", "Content-Type", "Etag", "Last-Modified", "Cache-Control"} {
		h.Del(name)
	}
	for _, kv := range d.Header {
		h.Set(kv[0], kv[1])
	}
	if d.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((d.RetryAfter+time.Second-1)/time.Second), 10))
	}
	if d.NoRetry {
		h.Set("X-Should-Retry", "false")
	}
	if x.Family == llm.FamilyAnthropic {
		h.Set("Request-Id", x.ID)
	} else {
		h.Set("X-Request-Id", x.ID)
	}
	w.status = d.Status
	x.Status = d.Status
	if c.opts.Errors == "pass" {
		c.ownHeaders(h)
		return passError(d), false
	}
	h.Set("Content-Type", "application/json")
	w.mode, w.whole = modeWhole, answer.ErrorBody(x.Family, d, x.ID)
	w.sendWhole()
	return nil, false
}
