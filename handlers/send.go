package handlers

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/translate"
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

// try makes one attempt: gate, request, answer. It returns errAnswered, a
// *failure after which another deployment may be tried, an *unfit, or what the
// client is to be told.
func (h *Upstream) try(c *call, r *http.Request, p *plan, cand *candidate) error {
	x, provider := &c.x, cand.end.provider
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	tr, body, err := h.translated(c, cand, nil)
	if err != nil {
		return err
	}
	a, err := x.Admit(ctx, cand.dep, now())
	if err != nil {
		// What is said of this model only does not keep another from answering.
		if d := denialOf(err); d.Code == llm.CodeModelNotAllowed || d.Code == llm.CodeModelUnpriced ||
			(d.Code == llm.CodeRateLimited && c.standing.elsewhere()) {
			return &unfit{d}
		}
		return err
	}
	c.noUsage, c.key = !provider.IncludeUsage(), cand.key
	switch {
	case tr == nil:
		body = c.outbound(cand, a)
	case a.MaxTokens > 0: // the gate has lowered it
		if tr, body, err = h.translated(c, cand, a); err != nil {
			a.Result, a.Error = llm.ResultUnsent, "the request could not be translated"
			return err
		}
	}
	query := r.URL.RawQuery
	if tr != nil {
		query = "" // it belongs to the client's dialect
	}
	req, err := provider.NewRequest(ctx, &providers.Call{
		Dialect: cand.dep.Dialect, Model: wireModel(cand), Stream: x.Stream(), Key: cand.key,
		Method: r.Method, Path: r.URL.Path, Header: r.Header, RawQuery: query, Body: body, RequestID: x.ID,
	})
	if err != nil {
		a.Result, a.Error = llm.ResultUnsent, "the request could not be built"
		return denialOf(err)
	}
	c.wrote.Store(false)
	cand.health.Begin()
	judged := false
	defer func() {
		if !judged { // also when something panics
			cand.health.Abandoned()
		}
	}()
	watch := &watchdog{cancel: cancel}
	watch.timer = time.AfterFunc(time.Duration(h.FirstByteTimeout), watch.bite)
	defer watch.timer.Stop()
	resp, err := provider.Transport().RoundTrip(req)
	if err == nil {
		defer resp.Body.Close()
		err = h.relay(c, ctx, watch, a, resp, p, cand, tr)
	} else {
		err = c.noAnswer(ctx, a, err)
		if d := denialOf(err); d.Stage == llm.StageProvider {
			err = &failure{why: a.Error, err: d}
		}
	}
	judged = h.judge(c, cand, a, err)
	if err == errAnswered {
		return err
	}
	var f *failure
	if errors.As(err, &f) {
		c.endAttempt(llm.ResultCut)
	}
	return err
}

// judge tells the deployment's health what came of an attempt. It reports
// whether it said anything.
func (h *Upstream) judge(c *call, cand *candidate, a *llm.Attempt, err error) bool {
	if c.w.limited { // relayError has said for how long
		return true
	}
	at := now()
	if err == errAnswered && a.Status < 400 && !c.w.failed() {
		first := a.FirstByte
		if first.IsZero() {
			first = at
		}
		cand.health.Succeeded(at, first.Sub(a.Started))
		return true
	}
	var f *failure
	switch {
	case errors.As(err, &f):
		cand.health.Failed(at, h.params)
	case errors.Is(err, errAnswered) && (h.unhealthy(a.Status) || a.Status < 400):
		cand.health.Failed(at, h.params)
	default:
		if d := denialOf(err); d.Stage != llm.StageProvider || errors.Is(err, errAnswered) {
			return false
		}
		cand.health.Failed(at, h.params)
	}
	return true
}

// translated returns the request in the dialect of a deployment that does not
// speak the client's; nil if it does. a is nil before the gate.
func (h *Upstream) translated(c *call, cand *candidate, a *llm.Attempt) (*translate.Call, []byte, error) {
	x := &c.x
	c.lost = nil // of an attempt before this one
	if cand.dep.Dialect == x.Dialect {
		return nil, nil, nil
	}
	tr := translate.New(x.Dialect, cand.dep.Dialect, translate.Options{
		RequestID: x.ID, Now: x.Start, Model: wireModel(cand), MaxTokens: x.ChangesFor(a).MaxTokens,
		MaxTokensField: cand.dep.MaxTokensField, IncludeUsage: cand.end.provider.IncludeUsage(),
	})
	body, lost, err := tr.Request(dialects.Outbound(x.View, &llm.Changes{Edits: x.Changes.Edits}, llm.Deployment{}))
	if err != nil {
		return nil, nil, &unfit{denialOf(err)}
	}
	if len(lost) > 0 {
		switch h.OnUnsupported {
		case "drop":
		case "warn":
			c.lost = lost
		default:
			d := llm.Deny(http.StatusBadRequest, llm.CodeUnsupportedField, llm.StageRequest,
				"%s: the provider of this model speaks another dialect (%s) that has no place for it; leave it out, or the operator may set on_unsupported to drop or warn",
				strings.Join(lost, ", "), cand.dep.Dialect)
			d.Param = lost[0]
			return nil, nil, &unfit{d}
		}
	}
	if x.Passed("cost") || x.Passed("ratelimit") {
		// What is reserved must cover what is sent: some translations add what
		// the other dialect insists on.
		if v, d := dialects.Parse(cand.dep.Dialect, body); d == nil {
			cand.dep.InputBound = v.InputBound
		}
	}
	return tr, body, nil
}

// outbound returns the body of an attempt at a deployment that speaks the
// client's dialect.
func (c *call) outbound(cand *candidate, a *llm.Attempt) []byte {
	x := &c.x
	model := wireModel(cand)
	if c.noUsage && x.Changes.IncludeUsage || model != x.View.Model || a.MaxTokens > 0 {
		ch := x.ChangesFor(a)
		ch.IncludeUsage = ch.IncludeUsage && !c.noUsage
		return dialects.Outbound(x.View, &ch, llm.Deployment{Model: model, MaxTokensField: cand.dep.MaxTokensField})
	}
	return c.body.bytes(cand.dep.MaxTokensField)
}

// wireModel is the model as the provider itself calls it.
func wireModel(cand *candidate) string {
	if p, ok := cand.end.provider.(providers.Renamer); ok {
		return p.WireModel(cand.dep.Model)
	}
	return cand.dep.Model
}

// withoutKey removes the provider's credential from an error of the provider: some
// repeat what they were sent.
func withoutKey(body io.Reader, header http.Header, key string) io.Reader {
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

// relay passes the provider's answer on through the response pipeline.
func (h *Upstream) relay(c *call, ctx context.Context, watch *watchdog, a *llm.Attempt, resp *http.Response, p *plan, cand *candidate, tr *translate.Call) error {
	w := &c.w
	a.Status = resp.StatusCode
	a.ProviderRequestID = c.secretFree(providers.ProviderRequestID(resp.Header))
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return h.relayError(c, ctx, watch, a, resp, p, cand, tr)
	}
	ctype := resp.Header.Get("Content-Type")
	stream := c.x.Stream()
	switch {
	case resp.StatusCode == http.StatusNoContent && tr == nil, answer.IsJSON(ctype) && (tr == nil || !stream):
	case stream && (ctype == "" || answer.IsSSE(ctype) || answer.IsNDJSON(ctype)), answer.IsSSE(ctype) && tr == nil && c.x.Dialect.HasBody():
	default:
		return c.failed(a, nil, "neither JSON nor an event stream", "the provider's answer is neither JSON nor an event stream")
	}
	w.upstream, w.tr, w.remember = cand.dep.Dialect, tr, h.remember(c, cand)
	// An error that comes before anything else in the answer counts like an
	// error status while there is another deployment to try.
	w.strict = p.more(now())
	w.borrow(resp.Header)
	w.length = resp.ContentLength
	wrapped := c.out != http.ResponseWriter(w)
	c.out.WriteHeader(resp.StatusCode)
	if w.broken != nil {
		return c.failed(a, w.broken, "unreadable encoding", "")
	}
	if w.sent {
		_ = http.NewResponseController(c.out).Flush()
	}
	err := c.copy(ctx, watch, a, resp.Body, time.Duration(h.StreamIdleTimeout))
	if err == errAnswered {
		return err
	}
	var d *llm.Denial
	if !w.sent && !wrapped && errors.As(err, &d) && d.Stage == llm.StageProvider {
		return c.failed(a, d, a.Error, "")
	}
	return err
}

// failed is an attempt that failed before anything of it reached the client.
func (c *call) failed(a *llm.Attempt, d *llm.Denial, why, message string) error {
	if a.Error == "" {
		a.Error = why
	}
	if d == nil {
		d = llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "%s", message)
	}
	return &failure{why: a.Error, err: d}
}

// relayError deals with an answer that is an error of the provider: another
// deployment is tried if that may help; else the client gets it as it is.
func (h *Upstream) relayError(c *call, ctx context.Context, watch *watchdog, a *llm.Attempt, resp *http.Response, p *plan, cand *candidate, tr *translate.Call) error {
	w, status := &c.w, resp.StatusCode
	a.Result = llm.ResultRefused
	if status < 400 {
		a.Error = "the provider answered with a redirect"
		return c.failed(a, nil, a.Error, "the provider answered with a redirect, which is never followed; the operator should check base_url")
	}
	limited := status == http.StatusTooManyRequests || (status == http.StatusServiceUnavailable && resp.Header.Get("Retry-After") != "")
	if limited {
		cand.health.Cooled(now().Add(retryAfter(resp.Header, now())))
		w.limited = true
	}
	denied := status == http.StatusUnauthorized || status == http.StatusForbidden
	if denied {
		a.Error = "the provider refused the gateway's credential"
	}
	elsewhere := limited || denied || h.unhealthy(status)
	if elsewhere && (p.more(now()) || len(p.list) > 1 && !denied) {
		// Read what there is, so that the connection can be used again, but do
		// not wait for it.
		watch.timer.Reset(drainTime)
		_, _ = io.CopyN(io.Discard, resp.Body, 64<<10)
		why := "status " + strconv.Itoa(status)
		switch {
		case limited:
			why = "rate limited (" + why + ")"
		case denied:
			why = "credential refused (" + why + ")"
		}
		a.Error = why
		return &failure{why: why, limited: limited, err: llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the provider failed; try again")}
	}
	w.upstream = cand.dep.Dialect
	w.borrow(resp.Header)
	src := io.LimitReader(resp.Body, maxErrorBody)
	if cand.key != "" {
		src = withoutKey(src, c.out.Header(), cand.key)
	}
	if tr != nil {
		body, err := io.ReadAll(src)
		if err != nil {
			return c.upstreamError(ctx, a, err, "the provider's answer broke off; it is incomplete")
		}
		src = bytes.NewReader(translate.Error(c.x.Family, cand.dep.Dialect.Family(), status, body, c.x.ID))
		c.out.Header().Set("Content-Type", "application/json")
		c.out.Header().Del("Content-Encoding")
	}
	c.out.WriteHeader(status)
	if w.broken != nil {
		a.Error = "unreadable encoding"
		return w.broken
	}
	return c.copy(ctx, watch, a, src, time.Duration(h.StreamIdleTimeout))
}

// drainTime is how long the body of an error may take that nobody will see.
const drainTime = 50 * time.Millisecond

// retryAfter is how long the provider asks to be left alone.
func retryAfter(h http.Header, at time.Time) time.Duration {
	d := time.Duration(coolDown)
	if ms, err := strconv.ParseInt(h.Get("Retry-After-Ms"), 10, 64); err == nil && ms >= 0 && ms < int64(maxCoolDown/time.Millisecond) {
		d = time.Duration(ms) * time.Millisecond
	} else if v := h.Get("Retry-After"); v != "" {
		if s, err := strconv.ParseFloat(v, 64); err == nil && s >= 0 {
			d = time.Duration(min(s, maxCoolDown.Seconds()) * float64(time.Second))
		} else if t, err := http.ParseTime(v); err == nil {
			d = t.Sub(at)
		}
	}
	return min(max(d, 0), maxCoolDown)
}

// copy writes the provider's answer into the pipeline as it comes.
func (c *call) copy(ctx context.Context, watch *watchdog, a *llm.Attempt, src io.Reader, idle time.Duration) error {
	w := &c.w
	flush := w.FlushError
	if c.out != http.ResponseWriter(w) {
		flush = http.NewResponseController(c.out).Flush
	}
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
				} else if a.Error == "" {
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
	a := w.c.x.Current()
	if err := w.complete(w.gone != nil); err != nil {
		if a != nil && a.Error == "" {
			a.Error = "the answer is incomplete"
		}
		return err
	}
	if w.strict && !w.sent && w.failed() {
		if a != nil && a.Error == "" {
			a.Error = "the provider failed inside its answer"
		}
		return w.providerFailed()
	}
	return errAnswered
}
