package handlers

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/google/uuid"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/zap"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/objects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/redact"
)

// callVar is where the call travels in Caddy's table of request variables, which
// (unlike context values) is visible up and down the chain.
const callVar = "llm_gateway.call"

// call is one Exchange on its way through Caddy. The outermost llm_ handler
// creates and owns it; the handlers further in find it in the request's
// variables. Like the Exchange it belongs to the request's goroutine.
type call struct {
	x      llm.Exchange
	opts   *common // of the owner
	stores *Stores
	log    *zap.Logger
	header http.Header // the request's, shared with all handlers
	// escapedPath is the request's path as it was escaped on the wire.
	escapedPath string

	// entry is what is wrong with the request's line and headers. It is told
	// by the first governor after authentication, so that strangers learn
	// nothing but 401.
	entry *llm.Denial

	body body
	w    answerWriter
	// out is the writer that the handler at work was given: w, or what
	// handlers between the owner and it have wrapped around w.
	out    http.ResponseWriter
	parent context.Context // the client's: done when the client has gone
	cancel context.CancelCauseFunc
	watch  func() bool // stops looking whether the client leaves
	// linger is true when all of a stream has come but its last figures: then
	// the provider is heard to its end even if the client hangs up.
	linger atomic.Bool

	// upstream is true while llm_upstream drives the attempts itself; then
	// the gate before a stock proxy stands open.
	upstream bool
	// wrote is set by the transport once the header of an attempt was written;
	// until then nothing can have been billed.
	wrote atomic.Bool
	// traced is true when the transport reports such things at all.
	traced bool
	// refused is a refusal of the gate before a stock proxy. It wins over
	// whatever error the proxy makes of its cancelled request.
	refused *llm.Denial
	// redact is what rules change in the request and the answer; nil for nothing.
	redact *redact.Session
	// aside is what is judged while the call goes on; nil for nothing.
	aside *beside
	// reviews hold the answer against the rules of the policies on the way.
	reviews []*policy.Review
	// unread are what the policies say of parts of the answer that none can read.
	unread []unread
	cors   string // allowed origin of this request, "" if none
	// noUsage is true when the deployment at work must not be asked for the
	// usage of a stream.
	noUsage bool
	// home is who made, and where, what this request continues; nil if it
	// continues nothing.
	home *objects.Owner
	// key is the provider's credential of the attempt at work.
	key string
	// standing is what the answer tells of the caller's rate limits.
	standing rateStanding
	// lost names what a translation could not carry, for the answer's header.
	lost []string
	// sessionKey is what session found, once sessionRead is true.
	sessionKey  string
	sessionRead bool
	// modelLabel is the model as the configuration or the price catalogue
	// knows it: the only form that may become a label.
	modelLabel string
}

var errRefused = errors.New("refused at the gate")

// serve runs a handler's part of the request: govern does its work before the
// rest of the chain. The outermost handler opens the Exchange and closes it on
// every way out.
func (h *common) serve(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler, govern func(c *call, r *http.Request) error) error {
	if c, ok := caddyhttp.GetVar(r.Context(), callVar).(*call); ok && !c.w.done {
		c.out = w
		if err := govern(c, r); err != nil {
			return err
		}
		c.syncBody(r)
		return next.ServeHTTP(w, r)
	}
	if isProbe(r) {
		w.WriteHeader(http.StatusOK)
		return nil
	}
	c, r := h.open(w, r)
	return c.own(func() error {
		if c.refused != nil {
			return c.refused
		}
		c.out = &c.w
		if err := govern(c, r); err != nil {
			return err
		}
		c.syncBody(r)
		return next.ServeHTTP(&c.w, r)
	})
}

// isProbe reports whether the request is the harmless question "are you there"
// that Claude Code asks before it shows a key: it is answered without key and
// record.
func isProbe(r *http.Request) bool {
	return r.Method == http.MethodHead && (r.URL.Path == "/" || strings.HasSuffix(r.URL.Path, "/api/hello"))
}

// open makes the call of a request and the request that goes on down the chain.
func (h *common) open(w http.ResponseWriter, r *http.Request) (*call, *http.Request) {
	c := &call{opts: h, log: h.log, header: r.Header}
	x := &c.x
	if id, err := uuid.NewV7(); err == nil {
		x.ID = id.String()
	} else {
		c.refused = internalDenial(err)
	}
	x.Start = now()
	x.Method, x.Path, c.escapedPath = r.Method, r.URL.Path, r.URL.EscapedPath()
	ctx := r.Context()
	if srv, ok := ctx.Value(caddyhttp.ServerCtxKey).(*caddyhttp.Server); ok {
		x.Server = srv.Name()
	}
	x.ClientIP, _ = caddyhttp.GetVar(ctx, caddyhttp.ClientIPVarKey).(string)
	if sc := trace.SpanContextFromContext(ctx); sc.HasTraceID() {
		x.TraceID = sc.TraceID().String()
	}
	x.Dialect, x.Family, c.entry = dialects.Classify(r.Method, c.escapedPath, r.Header)
	if r.Method == http.MethodConnect || headerHasToken(r.Header, "Connection", "upgrade") || r.Header.Get("Upgrade") != "" || (r.ProtoMajor > 1 && r.Header.Get(":protocol") != "") {
		c.entry = llm.Deny(http.StatusNotImplemented, llm.CodeUpgradeUnsupported, llm.StageRequest,
			"this gateway does not govern upgraded connections (WebSocket, CONNECT); use HTTP requests or server-sent events")
	}
	stores, err := h.gw.Enter(ctx)
	if err != nil {
		c.refused = llm.Deny(http.StatusServiceUnavailable, llm.CodeStoreUnavailable, llm.StageInfrastructure,
			"the gateway's stores are not available; try again shortly").Because(err)
	}
	c.stores = stores

	c.parent = ctx
	ctx, c.cancel = context.WithCancelCause(context.WithoutCancel(ctx))
	c.watch = context.AfterFunc(c.parent, c.clientLeft)
	// A stock reverse_proxy asks the transport for a connection once per
	// attempt, on this goroutine, before anything is dialled or sent: that is
	// where the gate stands for it.
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn:      func(string) { c.connecting() },
		WroteHeaders: func() { c.wrote.Store(true) },
	})
	r = r.WithContext(ctx)
	c.body.init(c, r)
	r.Body = &c.body
	// Only identity can be observed; who wants compression puts `encode`
	// outside, where it still sees the client's own wish.
	r.Header.Set("Accept-Encoding", "identity")
	c.w.init(c, w)
	x.Resolve = func(placeholder string) string { return replacer(r).ReplaceAll(placeholder, "") }
	caddyhttp.SetVar(ctx, callVar, c)
	c.setPlaceholders(ctx)
	live.enter(c)
	return c, r
}

func headerHasToken(h http.Header, name, token string) bool {
	for _, v := range h.Values(name) {
		for part := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(part), token) {
				return true
			}
		}
	}
	return false
}

// own runs the chain and closes the Exchange, whatever happens in it.
func (c *call) own(chain func() error) (err error) {
	var stack []byte
	panicked := true
	var value any
	func() {
		defer func() {
			if panicked {
				value = recover()
				if value != http.ErrAbortHandler {
					stack = debug.Stack()
				}
			}
		}()
		err = chain()
		panicked = false
	}()
	switch {
	case !panicked:
	case value == errRefused:
		err = c.refused
	case value == http.ErrAbortHandler:
		// A stock proxy gives up like this when the answer breaks off in the
		// middle, on either side.
		err = errAborted
	default:
		// The stack is ours; the request's headers and body are not in it.
		c.log.Error("panic while handling a request", zap.String("request_id", c.x.ID),
			zap.String("panic", fmt.Sprint(value)), zap.ByteString("stack", stack))
		err = internalDenial(errPanicked)
	}
	return c.close(err)
}

var (
	errAborted  = errors.New("the answer was aborted")
	errPanicked = errors.New("a handler panicked")
)

// close ends the answer, settles, records, measures and lets go. It returns the
// error for Caddy's error routes if the owner is configured to pass errors.
func (c *call) close(err error) (pass error) {
	x := &c.x
	abort := false
	// Each of these runs whatever panics in the ones before it (the last written
	// runs first): nothing stays held.
	defer func() {
		if abort {
			panic(http.ErrAbortHandler)
		}
	}()
	defer live.leave(c) // late: the process may exit after it
	defer func() {
		if c.stores != nil {
			c.stores.Leave()
		}
	}()
	defer c.observe()
	defer func() {
		end := now()
		c.reviewed()
		c.judged()
		c.watch()
		c.cancel(context.Canceled)
		c.redacted(true)
		x.Finish(end)
	}()
	pass, abort = c.w.finish(err)
	return pass
}

// ready refuses what is wrong with the request as such. Every governor but
// llm_audit begins with it.
func (c *call) ready() error {
	if c.entry != nil {
		return c.entry
	}
	if c.x.Dialect == llm.DialectNone {
		return notAnEndpoint()
	}
	return nil
}

// lingerTime is how long the last figures of a stream may take once the client
// has left.
const lingerTime = 5 * time.Second

// clientLeft cancels the call, at once unless only its last figures are missing.
// It runs on a goroutine of its own.
func (c *call) clientLeft() {
	if c.linger.Load() {
		time.AfterFunc(lingerTime, func() { c.cancel(context.Canceled) })
		return
	}
	c.cancel(context.Canceled)
}

// connecting is called when a stock proxy's transport is about to take a
// connection: for the first attempt, and again for each time that the proxy or
// the transport tries anew. Every call that may have reached the model server is
// an attempt of its own, admitted and paid for.
//
// A refusal leaves by a panic, which own catches: a cancelled request is not
// enough, since a transport that has an idle connection at hand may notice that
// only after it has written the header.
func (c *call) connecting() {
	c.traced = true
	if a := c.x.Current(); !c.upstream && a != nil && c.refused == nil && c.wrote.Load() && c.w.mode == modeUndecided {
		a.Error = "the model server did not answer; tried again"
		c.endAttempt(llm.ResultCut)
		c.wrote.Store(false)
		if err := c.admitProxy(); err != nil {
			c.refused = denialOf(err)
			c.cancel(errRefused)
			panic(errRefused)
		}
		return
	}
	if !c.gateForProxy() {
		panic(errRefused)
	}
}

// gateForProxy admits the call if nobody has: it runs when something other than
// llm_upstream is about to send, or (at the latest) to answer. A refusal cancels
// the request and is kept for the owner.
func (c *call) gateForProxy() bool {
	if c.upstream || len(c.x.Attempts) > 0 {
		return c.refused == nil
	}
	if c.refused != nil {
		return false
	}
	if err := c.admitProxy(); err != nil {
		c.refused = denialOf(err)
		c.cancel(errRefused)
		return false
	}
	return true
}

func (c *call) admitProxy() error {
	if err := c.ready(); err != nil {
		return err
	}
	if c.x.Dialect == llm.Objects {
		return objectsDenied()
	}
	if c.body.encoding != "" && !c.body.read && c.x.Dialect.HasBody() {
		// The proxy has already copied the header that says how it is encoded.
		return llm.Deny(http.StatusUnsupportedMediaType, llm.CodeUnsupportedMedia, llm.StageRequest,
			"compressed bodies are not supported on this route; send the body as it is")
	}
	if err := c.view(); err != nil {
		return err
	}
	if v := c.x.View; v != nil && c.x.Dialect.Family() == llm.FamilyGemini && c.x.Model() != v.Model {
		return llm.Deny(http.StatusUnprocessableEntity, llm.CodePolicyBlocked, llm.StagePolicy,
			"a rule of this gateway's policy leads this call to another model, which this route cannot do for Gemini; name the model %q, or ask the operator, who can use llm_upstream", c.x.Model())
	}
	if c.x.View != nil {
		c.body.bytes("max_tokens") // here, not on the transport's goroutine
	}
	a, err := c.x.Admit(c.body.ctx, proxyDeployment(c.x.Model()), now())
	if err == nil {
		c.body.lower(a)
	}
	return err
}

// proxyDeployment stands for whatever a stock proxy talks to: priced by the
// model that the caller named.
func proxyDeployment(model string) llm.Deployment {
	return llm.Deployment{Provider: "reverse_proxy", Model: model, MaxTokensField: "max_tokens"}
}

// secretFree removes the provider's credential from words of the provider.
func (c *call) secretFree(s string) string {
	if c.key == "" {
		return s
	}
	return strings.ReplaceAll(s, c.key, "[redacted]")
}

// objectsDenied is the answer to calls of what a provider keeps for its whole
// account, where nobody keeps apart whose is whose.
func objectsDenied() *llm.Denial {
	return llm.Deny(http.StatusForbidden, llm.CodeObjectsDenied, llm.StageRequest,
		"files, batches, stored responses and other objects that the provider keeps are not open here: under a shared provider key everybody could read everybody's; the operator may turn on `objects allow` in llm_upstream")
}

func notAnEndpoint() *llm.Denial {
	return llm.Deny(http.StatusNotFound, llm.CodeNotFound, llm.StageRequest,
		"this path is not an LLM endpoint of this gateway; known are /v1/chat/completions, /v1/responses, /v1/embeddings, /v1/completions, /v1/messages, /v1/messages/count_tokens, /v1/models, Gemini's /v1beta/models/{model}:{verb} and Ollama's /api/chat, /api/generate, /api/embed and /api/tags")
}

// denialOf turns any error of the chain into a denial.
func denialOf(err error) *llm.Denial {
	var d *llm.Denial
	if errors.As(err, &d) {
		return d
	}
	var he caddyhttp.HandlerError
	if errors.As(err, &he) {
		switch he.StatusCode {
		case http.StatusRequestEntityTooLarge:
			return tooLarge().Because(err)
		case http.StatusGatewayTimeout:
			return llm.Deny(504, llm.CodeProviderTimeout, llm.StageProvider, "the model server did not answer in time; try again").Because(err)
		case http.StatusBadGateway, http.StatusServiceUnavailable:
			return llm.Deny(he.StatusCode, llm.CodeProviderError, llm.StageProvider, "the model server cannot be reached or gave no valid answer; try again").Because(err)
		case 499:
			return llm.Deny(499, llm.CodeClientGone, llm.StageRequest, "the client closed the request").Because(err)
		}
		if he.StatusCode >= 400 && he.StatusCode < 500 {
			return llm.Deny(he.StatusCode, "rejected", llm.StageRequest, "the request was rejected: %s", strings.ToLower(http.StatusText(he.StatusCode))).Because(err)
		}
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return llm.Deny(504, llm.CodeProviderTimeout, llm.StageProvider, "the model server did not answer in time; try again").Because(err)
	}
	return internalDenial(err)
}

// replacer returns the request's replacer.
func replacer(r *http.Request) *caddy.Replacer {
	return r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer)
}
