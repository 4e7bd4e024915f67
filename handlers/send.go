package handlers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
)

var (
	errFirstByte = errors.New("no first byte in time")
	errIdle      = errors.New("the answer stalled")
)

// buffers are for copying answers.
var buffers = sync.Pool{New: func() any { b := make([]byte, 32<<10); return &b }}

// maxErrorBody bounds the body of a provider's error that is passed on, in
// bytes.
const maxErrorBody = 1 << 20

// send makes one attempt: gate, request, answer.
func (h *Upstream) send(c *call, r *http.Request, p providers.Provider, dep llm.Deployment) error {
	x := &c.x
	ctx := r.Context()
	a, err := x.Admit(ctx, dep, now())
	if err != nil {
		return err
	}
	var body []byte
	if dep.Model == x.View.Model {
		body = c.body.bytes(dep.MaxTokensField)
	} else {
		body = dialects.Outbound(x.View, &x.Changes, dep)
	}
	req, err := p.NewRequest(ctx, &providers.Call{
		Dialect: x.Dialect, Method: r.Method, Path: r.URL.Path, Header: r.Header, RawQuery: r.URL.RawQuery, Body: body, RequestID: x.ID,
	})
	if err != nil {
		a.Result, a.Error = llm.ResultUnsent, "the request could not be built"
		return internalDenial(err)
	}
	c.wrote.Store(false)
	watch := &watchdog{cancel: c.cancel}
	watch.timer = time.AfterFunc(time.Duration(h.FirstByteTimeout), watch.bite)
	defer watch.timer.Stop()
	resp, err := p.Transport().RoundTrip(req)
	if err != nil {
		return c.noAnswer(ctx, a, err)
	}
	defer resp.Body.Close()
	key := ""
	if p, ok := p.(interface{ Key() string }); ok {
		key = p.Key()
	}
	return h.relay(c, ctx, watch, a, resp, key)
}

// redact removes the provider's credential from an error of the provider: some
// repeat what they were sent.
func redact(body io.Reader, header http.Header, key string) io.Reader {
	for name, values := range header {
		for _, v := range values {
			if strings.Contains(v, key) {
				header.Del(name)
			}
		}
	}
	b, err := io.ReadAll(body)
	b = bytes.ReplaceAll(b, []byte(key), []byte("[redacted]"))
	if err != nil {
		return io.MultiReader(bytes.NewReader(b), failing{err})
	}
	return bytes.NewReader(b)
}

// failing is a reader that fails.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// watchdog cancels a call whose provider does not begin, or does not go on.
type watchdog struct {
	timer  *time.Timer
	cancel context.CancelCauseFunc
	begun  atomic.Bool
}

func (w *watchdog) bite() {
	if w.begun.Load() {
		w.cancel(errIdle)
	} else {
		w.cancel(errFirstByte)
	}
}

// unwritten reports whether the transport is known not to have written a byte of
// the attempt. Of one that reports nothing (HTTP/3, in-process) it is not known.
func (c *call) unwritten() bool { return c.traced && !c.wrote.Load() }

// noAnswer says what it means that the round trip failed.
func (c *call) noAnswer(ctx context.Context, a *llm.Attempt, err error) error {
	var dial *net.OpError
	if c.unwritten() || (errors.As(err, &dial) && dial.Op == "dial") {
		a.Result = llm.ResultUnsent // the request's header never left
	}
	return c.upstreamError(ctx, a, err, "the provider cannot be reached or closed the connection; try again")
}

// upstreamError turns a failure of the provider's side into a denial and notes
// it on the attempt.
func (c *call) upstreamError(ctx context.Context, a *llm.Attempt, err error, otherwise string) error {
	cause := context.Cause(ctx)
	switch {
	case errors.Is(cause, errShutdown):
		a.Error = "the gateway was shut down"
		return llm.Deny(http.StatusServiceUnavailable, llm.CodeInternal, llm.StageInfrastructure, "the gateway is shutting down; the answer is incomplete").Because(err)
	case c.parent.Err() != nil:
		a.Error = "the client left"
		return llm.Deny(499, llm.CodeClientGone, llm.StageRequest, "the client closed the request").Because(err)
	case errors.Is(cause, errFirstByte):
		a.Error = "no answer in time"
		return llm.Deny(http.StatusGatewayTimeout, llm.CodeProviderTimeout, llm.StageProvider, "the provider did not begin to answer in time; try again").Because(err)
	case errors.Is(cause, errIdle):
		a.Error = "the answer stalled"
		return llm.Deny(http.StatusGatewayTimeout, llm.CodeProviderTimeout, llm.StageProvider, "the provider's answer stalled; it is incomplete").Because(err)
	}
	a.Error = "connection failed"
	if a.Status != 0 {
		a.Error = "the answer broke off"
	}
	return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "%s", otherwise).Because(err)
}

// relay passes the provider's answer on through the response pipeline. key is
// the provider's credential.
func (h *Upstream) relay(c *call, ctx context.Context, watch *watchdog, a *llm.Attempt, resp *http.Response, key string) error {
	x, w := &c.x, &c.w
	a.Status = resp.StatusCode
	a.ProviderRequestID = providers.ProviderRequestID(resp.Header)
	ok := resp.StatusCode >= 200 && resp.StatusCode < 300
	ctype := resp.Header.Get("Content-Type")
	switch {
	case resp.StatusCode < 200 || (resp.StatusCode >= 300 && resp.StatusCode < 400):
		a.Result, a.Error = llm.ResultRefused, "the provider answered with a redirect"
		return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the provider answered with a redirect, which is never followed; the operator should check base_url")
	case ok && resp.StatusCode != http.StatusNoContent && !answer.IsJSON(ctype) && !(x.Stream() && (ctype == "" || answer.IsSSE(ctype))):
		a.Error = "neither JSON nor an event stream"
		return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the provider's answer is neither JSON nor an event stream")
	case !ok:
		a.Result = llm.ResultRefused
		if resp.StatusCode == http.StatusUnauthorized {
			a.Error = "the provider refused the gateway's credential"
		}
	}
	providers.CopyAnswerHeaders(c.out.Header(), resp.Header)
	src := io.Reader(resp.Body)
	if !ok {
		if src = io.LimitReader(resp.Body, maxErrorBody); key != "" {
			src = redact(src, c.out.Header(), key)
		}
	}
	c.out.WriteHeader(resp.StatusCode)
	if w.broken != nil {
		a.Error = "unreadable encoding"
		return w.broken
	}
	flush := w.FlushError
	if c.out != http.ResponseWriter(w) {
		flush = http.NewResponseController(c.out).Flush
	}
	if w.sent { // the client learns at once that the stream has begun
		_ = flush()
	}
	idle := time.Duration(h.StreamIdleTimeout)
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for {
		n, err := src.Read(*buf)
		if n > 0 {
			watch.begun.Store(true)
			watch.timer.Reset(idle)
			if _, werr := c.out.Write((*buf)[:n]); werr != nil {
				if w.gone != nil {
					a.Error = "the client left"
				} else {
					a.Error = "malformed answer"
				}
				return werr
			}
			if w.mode != modeWhole {
				if ferr := flush(); ferr != nil && w.gone == nil && !c.linger.Load() {
					w.gone = ferr
					a.Error = "the client left"
					return ferr
				}
			}
		}
		if err == io.EOF {
			return w.ended()
		}
		if err != nil {
			return c.upstreamError(ctx, a, err, "the provider's answer broke off; it is incomplete")
		}
	}
}

// ended is what llm_upstream returns when the provider has sent all it had:
// whether that was a whole answer is judged here, before anything says so.
func (w *answerWriter) ended() error {
	if err := w.complete(w.gone != nil); err != nil {
		if a := w.c.x.Current(); a != nil && a.Error == "" {
			a.Error = "the answer is incomplete"
		}
		return err
	}
	return errAnswered
}
