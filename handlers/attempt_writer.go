package handlers

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
)

// What the response pipeline does for llm_upstream: answers of other dialects, and
// attempts of which nothing has reached the client yet.

// empty reports whether an event of a stream carries no data: a comment, which
// keeps the connection alive.
func (w *answerWriter) empty(ev []byte) bool {
	_, lines := w.split.(*answer.LineSplitter)
	return !lines && len(answer.Data(ev)) == 0
}

// maxLead bounds what is held of a stream before its first event, in bytes.
const maxLead = 64 << 10

// splitter cuts a stream into its events.
type splitter interface {
	Feed(p []byte, yield func(event []byte) error) error
	Rest() []byte
}

// translate passes an event on in the client's dialect.
func (w *answerWriter) translate(ev []byte) error {
	if w.failed() {
		return w.providerFailed()
	}
	out, err := w.tr.Event(nil, ev, w.read.Usage)
	if err != nil {
		return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the model server sent an event that cannot be translated; the answer is incomplete").Because(err)
	}
	if len(out) > 0 {
		w.seq++
	}
	return w.translatedOut(out)
}

// providerFailed is the denial for an error that the provider reported inside
// its answer.
func (w *answerWriter) providerFailed() *llm.Denial {
	message, _ := w.read.Failed()
	message = w.permitted(message)
	if a := w.c.x.Current(); a != nil && a.Error == "" {
		a.Error = "the provider failed inside its answer"
	}
	if message == "" {
		return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the provider failed while it answered; try again")
	}
	return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the provider failed while it answered: %s", w.c.secretFree(message))
}

// borrow takes the headers that clients use of a provider's answer.
func (w *answerWriter) borrow(from http.Header) {
	h := w.c.out.Header()
	w.borrowed = slices.Grow(w.borrowed, len(from))
	for name, v := range from {
		if !providers.AnswerHeader(name) {
			continue
		}
		if w.c.key != "" && slices.ContainsFunc(v, func(v string) bool { return strings.Contains(v, w.c.key) }) {
			continue // some providers repeat what they were sent
		}
		h[name] = v
		w.borrowed = append(w.borrowed, name)
	}
	if enc := from.Get("Content-Encoding"); enc != "" {
		h.Set("Content-Encoding", enc)
		w.borrowed = append(w.borrowed, "Content-Encoding")
	}
}

// reset forgets an attempt of which nothing has reached the client.
func (w *answerWriter) reset() {
	h := w.under.Header()
	for _, name := range w.borrowed {
		h.Del(name)
	}
	w.borrowed = w.borrowed[:0]
	w.mode, w.status, w.hidden, w.split, w.read, w.whole, w.length, w.held, w.broken, w.seq = modeUndecided, 0, false, nil, nil, nil, 0, 0, nil, 0
	w.texts, w.text = 0, 0
	w.forgetAnswer()
	w.upstream, w.tr, w.remember, w.lead, w.strict, w.limited = llm.DialectNone, nil, nil, nil, false, false
	w.c.linger.Store(false)
}

// endTranslation passes on the end of a translated stream, once.
func (w *answerWriter) endTranslation() {
	if w.tr == nil || w.gone != nil {
		return
	}
	if w.translatedOut(w.tr.End(nil, w.read.Usage())) == nil && w.sent {
		_ = w.ctrl.Flush()
	}
}

// translateWhole turns a whole answer into the client's dialect, once.
func (w *answerWriter) translateWhole() error {
	tr := w.tr
	if tr == nil {
		return nil
	}
	if w.failed() {
		return w.providerFailed()
	}
	out, err := tr.Body(w.whole, w.read.Usage())
	if err != nil {
		return llm.Deny(http.StatusBadGateway, llm.CodeProviderError, llm.StageProvider, "the model server's answer cannot be translated").Because(err)
	}
	w.whole, w.tr = out, nil
	w.under.Header().Set("Content-Type", "application/json")
	return nil
}

// failed reports whether the model server said, inside its answer, that it
// failed.
func (w *answerWriter) failed() bool {
	if w.read == nil {
		return false
	}
	_, failed := w.read.Failed()
	return failed
}
