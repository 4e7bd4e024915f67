package handlers

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"net/http"
	"strconv"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/translate"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// maxAnswer bounds an answer that is held whole (JSON, not streamed), in bytes.
const maxAnswer = 64 << 20

// mode is how the body of an answer is treated.
type mode uint8

const (
	modeUndecided mode = iota
	modeDirect         // bytes go through: nothing of ours is in them
	modeWhole          // held until it is known to be whole
	modeEvents         // server-sent events, one at a time
)

// answerWriter is the one response pipeline: every byte of every answer, from
// llm_upstream or from a stock handler, goes through it exactly once. It splits
// the answer, shows it to the dialect's reader (usage, end, errors) and writes.
// It is installed once, by the owner of the Exchange, inside `encode` and the
// access log, where bytes are still plain.
//
// An answer that is not streamed is held until it has been seen whole, so that a
// broken one can still become a proper error. Of a stream only the unfinished
// last event is held.
type answerWriter struct {
	c      *call
	under  http.ResponseWriter
	ctrl   *http.ResponseController
	mode   mode
	status int
	sent   bool // the header has gone to the client
	done   bool // finish has run; late writes are refused
	hidden bool // the usage chunk was not asked for by the caller

	split splitter
	read  *answer.Answer
	// upstream is the dialect of the answer as it comes, DialectNone for the
	// client's own; tr translates it into that.
	upstream llm.Dialect
	tr       *translate.Call
	// strict makes an error that comes before anything was sent a failure of
	// the attempt, since another may follow; limited says that the provider
	// asked not to be called for a while.
	strict, limited bool
	// rewrite changes the texts of the answer in the client's dialect, nil if no
	// policy asks for it; pieces splits what a translation brings for it.
	rewrite *rewrite.Rewriter
	pieces  splitter
	// parked is what a rule holds until it has seen more; judged says that the
	// rules have seen all of the answer.
	parked []byte
	judged bool
	// noted is how many of the parts that no rule can read have been told of.
	noted int
	// remember notes the ids of what the provider keeps; nil if nobody asks.
	remember func(body []byte)
	// lead is what came before the first event while another deployment may
	// still answer.
	lead []byte
	// borrowed are the names of the headers that came from the provider.
	borrowed []string
	whole    []byte
	length   int64    // of the whole answer, as announced; 0 or less if it is not known
	kept     keptText // what llm_audit stores of the answer
	held     int      // bytes that were held, dropped ones included
	sum      hash.Hash
	// broken is why the answer must not go on: too large, unreadable…
	broken *llm.Denial
	// gone is the error of a write to the client.
	gone error
	seq  int // events passed, for in-band errors
	// texts counts the events that brought text, text is how much of it there is;
	// see overspent.
	texts, text int64
}

var (
	errLateWrite = errors.New("write after the end of the exchange")
	// errAnswered ends the chain after a handler of ours has answered itself.
	errAnswered = errors.New("answered")
)

// answerNothing sends an answer without a body that is none of a provider's, and
// for which the gate therefore stays shut. The handler returns errAnswered.
func (w *answerWriter) answerNothing(status int) {
	w.mode, w.status = modeDirect, status
	w.sendHeader()
}

func (w *answerWriter) init(c *call, under http.ResponseWriter) {
	w.c, w.under, w.ctrl = c, under, http.NewResponseController(under)
}

// Header returns the header of the answer.
func (w *answerWriter) Header() http.Header { return w.under.Header() }

// Unwrap lets http.ResponseController reach deadlines and full duplex.
func (w *answerWriter) Unwrap() http.ResponseWriter { return w.under }

// WriteHeader decides how the body will be treated. Informational answers pass.
func (w *answerWriter) WriteHeader(status int) {
	if w.done || w.mode != modeUndecided {
		return
	}
	if status >= 100 && status < 200 {
		w.under.WriteHeader(status)
		return
	}
	c := w.c
	w.status = status
	// The latest moment for the gate: something answers without having asked
	// for a connection or read the body.
	if !c.gateForProxy() {
		w.mode = modeWhole // swallowed; the owner answers with the refusal
		return
	}
	h := w.under.Header()
	if a := c.x.Current(); a != nil && a.Status == 0 && !c.upstream {
		a.Status = status
	}
	if enc := h.Get("Content-Encoding"); enc != "" && enc != "identity" {
		w.fail("the model server answered in an encoding that was not asked for")
		return
	}
	ctype := h.Get("Content-Type")
	ok := status >= 200 && status < 300
	dialect := c.x.Dialect
	if w.upstream != llm.DialectNone {
		dialect = w.upstream
	}
	switch {
	case ok && dialect.HasBody() && (answer.IsSSE(ctype) || answer.IsNDJSON(ctype) || (ctype == "" && c.x.Stream())):
		w.mode = modeEvents
		lines := answer.IsNDJSON(ctype) || (ctype == "" && dialect.Family() == llm.FamilyOllama)
		if ctype == "" && !lines {
			h.Set("Content-Type", "text/event-stream")
		} else if ctype == "" {
			h.Set("Content-Type", "application/x-ndjson")
		}
		h.Del("Content-Length")
		w.hidden = c.x.Changes.IncludeUsage && !c.noUsage && !c.x.View.IncludeUsage
		w.read = answer.New(dialect, true)
		w.split = new(answer.Splitter)
		if lines {
			w.split = new(answer.LineSplitter)
		}
		w.rewriteEvents()
		// Where another deployment may follow, the header goes out with the
		// first event; else the client learns at once that the stream begins.
		if !w.strict && !c.buffers() {
			w.sendHeader()
		}
	case answer.IsJSON(ctype) || (ok && c.upstream):
		w.mode = modeWhole
		w.read = answer.New(dialect, false)
		w.rewriteBody()
		if w.length == 0 && h.Get("Content-Length") != "" { // of a stock proxy
			w.length, _ = strconv.ParseInt(h.Get("Content-Length"), 10, 64)
		}
		if w.length > 0 && w.length <= 1<<20 {
			w.whole = make([]byte, 0, w.length)
		}
	case w.unreadable(status):
	default:
		w.mode = modeDirect
		w.sendHeader()
	}
}

// fail gives up on the answer before anything of it was sent.
func (w *answerWriter) fail(why string) {
	w.mode = modeWhole
	w.broken = llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "%s", why)
}

// sendHeader adds our own headers and sends the answer's.
func (w *answerWriter) sendHeader() {
	w.sent = true
	w.c.x.Status = w.status
	w.c.ownHeaders(w.under.Header())
	w.under.WriteHeader(w.status)
}

// Write takes the next bytes of the answer.
func (w *answerWriter) Write(p []byte) (int, error) {
	if w.done {
		return 0, errLateWrite
	}
	if w.mode == modeUndecided {
		w.WriteHeader(http.StatusOK)
	}
	if w.broken != nil {
		return 0, w.broken
	}
	if w.c.refused != nil && !w.sent {
		return 0, w.c.refused
	}
	if w.gone != nil && !w.c.linger.Load() {
		return 0, w.gone
	}
	switch w.mode {
	case modeWhole:
		if a := w.c.x.Current(); a != nil && a.FirstByte.IsZero() {
			a.FirstByte = now()
		}
		if len(w.whole)+len(p) > maxAnswer {
			w.fail("the model server's answer is larger than 64 MiB; ask for a streamed answer")
			w.whole = nil // w.held goes on to say how much there was
			return 0, w.broken
		}
		w.whole = append(w.whole, p...)
		w.held += len(p)
	case modeEvents:
		if err := w.events(p); err != nil {
			return 0, err
		}
	default:
		if err := w.emit(p); err != nil {
			return 0, err
		}
	}
	return len(p), nil
}

// events passes the complete events in p on, neighbours in one write.
func (w *answerWriter) events(p []byte) error {
	var run []byte
	err := w.split.Feed(p, func(ev []byte) error {
		verdict := w.read.Event(ev)
		if w.read.Terminal() && !w.c.linger.Load() {
			w.c.linger.Store(true)
		}
		if w.overspent() {
			return reservationSpent()
		}
		if w.gone != nil {
			return nil // only the figures count now
		}
		if w.remember != nil && namesObject(ev) {
			w.remember(answer.Data(ev))
		}
		if !w.sent && w.strict && w.failed() {
			return w.providerFailed()
		}
		if !w.sent && w.strict && w.empty(ev) && len(w.lead)+len(ev) <= maxLead {
			// Keep-alives say nothing yet: another deployment may still answer.
			if w.rewrite != nil && w.tr == nil {
				if out, err := w.rewrite.Event(nil, ev); err == nil {
					ev = out
				} else if w.insists() {
					return unscannableAnswer().Because(err)
				}
			}
			w.lead = append(w.lead, ev...)
			return nil
		}
		if w.c.key != "" && w.failed() && bytes.Contains(ev, []byte(w.c.key)) {
			// Some providers repeat what they were sent.
			ev = bytes.ReplaceAll(ev, []byte(w.c.key), []byte("[redacted]"))
		}
		if w.tr != nil && verdict != answer.Malformed {
			return w.translate(ev)
		}
		switch verdict {
		case answer.UsageOnly:
			if w.hidden {
				return nil
			}
		case answer.Malformed:
			if w.read.Terminal() {
				return nil // whatever it is, the answer has ended
			}
			return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the model server sent a malformed event; the answer is incomplete")
		}
		w.seq++
		if w.looksInto() {
			return w.rewritten(ev)
		}
		if n := len(run); n > 0 && cap(run) > n && &run[:n+1][n] == &ev[0] {
			run = run[:n+len(ev)]
			return nil
		}
		if err := w.emit(run); err != nil {
			return err
		}
		run = ev
		return nil
	})
	if w.gone == nil {
		if e := w.emit(run); e != nil {
			err = e
		}
	}
	if w.gone != nil && w.c.linger.Load() {
		return nil
	}
	if err != nil && w.broken == nil && w.gone == nil {
		var d *llm.Denial
		if !errors.As(err, &d) {
			d = llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the model server sent an event that is too large; the answer is incomplete").Because(err)
		}
		w.broken = d
		return d
	}
	return err
}

// emit writes bytes of the body to the client.
func (w *answerWriter) emit(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	if !w.sent {
		w.sendHeader()
		if len(w.lead) > 0 && w.tr == nil {
			p = append(w.lead, p...)
		}
		w.lead = nil
	}
	if w.c.x.FirstByte.IsZero() {
		t := now()
		w.c.x.FirstByte = t
		if a := w.c.x.Current(); a != nil && a.FirstByte.IsZero() {
			a.FirstByte = t
		}
	}
	if w.sum == nil {
		w.sum = sha256.New()
	}
	n, err := w.under.Write(p)
	w.sum.Write(p[:n])
	w.kept.add(p[:n], w.mode == modeWhole)
	w.c.x.BytesOut += int64(n)
	if err != nil {
		w.gone = err
	}
	return err
}

// ReadFrom makes sure that io.Copy goes through Write.
func (w *answerWriter) ReadFrom(r io.Reader) (int64, error) {
	return io.CopyBuffer(struct{ io.Writer }{w}, r, make([]byte, 32<<10))
}

// Flush is FlushError for those who ask for an http.Flusher.
func (w *answerWriter) Flush() { _ = w.FlushError() }

// FlushError sends what was written. Of an answer that is held whole there is
// nothing to send yet.
func (w *answerWriter) FlushError() error {
	if w.done || !w.sent {
		return nil
	}
	return w.ctrl.Flush()
}

// finish ends the answer: err is what the chain returned. It returns an error to
// hand to Caddy's error routes, and whether the connection must be aborted
// because there is no other way left to say that the answer is not whole.
func (w *answerWriter) finish(err error) (pass error, abort bool) {
	c, x := w.c, &w.c.x
	defer func() {
		w.done = true
		if w.sum != nil {
			x.Digest = w.sum.Sum(nil)
		}
	}()
	switch {
	case c.refused != nil:
		err = c.refused
	case w.broken != nil:
		err = w.broken
	}
	answered := errors.Is(err, errAnswered)
	if answered {
		err = nil
	}
	if w.mode == modeEvents && w.broken == nil && (w.failed() || w.read.Whole() || w.read.Ended()) {
		// All that matters had come: the provider said that it failed, or the
		// last figures are in. Clients hang up right then.
		err = nil
	}
	gone := w.gone != nil || c.parent.Err() != nil
	if err == nil && !answered {
		err = w.complete(gone)
	}
	if err == nil && w.mode == modeEvents {
		w.endTranslation()
		if err = w.endStream(); w.gone != nil {
			err = nil
		}
	}
	if err == nil && w.mode == modeEvents {
		if !w.sent && w.gone == nil {
			w.sendHeader() // a stream without an event
		}
	}
	if err == nil {
		x.Outcome = llm.OutcomeOK
		switch {
		case w.failed():
			// An answer that holds the provider's own error is none: it goes
			// to the client as it is, and is billed by what was seen.
			x.Outcome = llm.OutcomeProviderError
			if a := x.Current(); a != nil && a.Error == "" {
				a.Error = "the provider failed inside its answer"
			}
			c.endAttempt(llm.ResultCut)
		case w.status >= 400:
			x.Outcome = llm.OutcomeProviderError
			fallthrough
		default:
			c.endAttempt(llm.ResultAnswered)
		}
		if w.mode == modeWhole {
			w.sendWhole()
		}
		if w.gone != nil && x.Outcome == llm.OutcomeOK {
			x.Outcome = llm.OutcomeClientGone
		}
		return nil, false
	}
	d := denialOf(err)
	if errors.Is(err, errAborted) {
		d = llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the answer of the model server broke off; it is incomplete").Because(err)
	}
	if d.Status == 499 {
		gone = true
	}
	c.endAttempt(llm.ResultCut)
	switch {
	case gone && !(d.Stage != llm.StageProvider && d.Status != 499 && w.gone == nil):
		// The client left: there is nobody to tell. A denial that was decided
		// before that stays a denial in the record.
		x.Outcome, x.Status = llm.OutcomeClientGone, statusOr(x.Status, 499)
		return nil, w.sent
	case !w.sent:
		x.Denied = d
		x.Outcome = outcomeOf(d)
		return w.deny(d)
	case w.mode == modeEvents:
		x.Denied = d
		x.Outcome = llm.OutcomeCut
		_ = w.emit(answer.ErrorEvent(x.Dialect, d, x.ID, w.seq))
		_ = w.ctrl.Flush()
		// Gemini has no event for a failure that every reader understands.
		return nil, x.Dialect == llm.GenerateContent
	}
	x.Denied = d
	x.Outcome = llm.OutcomeCut
	return nil, true
}

// complete says why an answer whose handler returned without an error is not
// whole after all.
func (w *answerWriter) complete(gone bool) error {
	switch w.mode {
	case modeUndecided:
		if gone {
			return llm.Deny(499, llm.CodeClientGone, llm.StageRequest, "the client closed the request")
		}
		return llm.Deny(http.StatusNotFound, llm.CodeNotFound, llm.StageInfrastructure, "nothing answers here; the operator must add llm_upstream or reverse_proxy to this route")
	case modeEvents:
		if w.gone != nil && !w.read.Whole() && !w.failed() {
			return w.gone
		}
		if len(w.split.Rest()) > 0 || (!w.read.Terminal() && !w.failed()) {
			return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the stream of the model server ended early; the answer is incomplete")
		}
		w.endTranslation()
		if err := w.endStream(); err != nil && w.gone == nil {
			return err
		}
	case modeWhole:
		if w.status >= 200 && w.status < 300 && w.status != http.StatusNoContent && w.c.x.Dialect.HasBody() {
			if err := w.read.Body(w.whole); err != nil {
				return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the model server's answer is not valid JSON").Because(err)
			}
			if w.remember != nil {
				w.remember(w.whole)
				w.remember = nil
			}
			if err := w.translateWhole(); err != nil {
				return err
			}
		}
		return w.rewriteWhole()
	}
	return nil
}

// sendWhole sends an answer that was held.
func (w *answerWriter) sendWhole() {
	h := w.under.Header()
	if w.c.key != "" && w.failed() { // some providers repeat what they were sent
		w.whole = bytes.ReplaceAll(w.whole, []byte(w.c.key), []byte("[redacted]"))
	}
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", "application/json")
	}
	if w.c.x.Method == http.MethodHead || w.status == http.StatusNoContent || w.status == http.StatusNotModified {
		w.sendHeader() // an answer of these has no body
		return
	}
	h["Content-Length"] = []string{strconv.Itoa(len(w.whole))}
	w.sendHeader()
	_ = w.emit(w.whole)
}
