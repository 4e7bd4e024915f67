package handlers

import (
	"net/http"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What the response pipeline does for rules that change answers. It works on what
// the client will see: after a translation.

// rewriteEvents prepares for a stream.
func (w *answerWriter) rewriteEvents() {
	c := w.c
	if c.redact == nil || !c.redact.Answers() {
		return
	}
	w.rewrite = rewrite.New(c.x.Dialect, c.redact)
	w.pieces = new(answer.Splitter)
	if c.x.Dialect.Family() == llm.FamilyOllama {
		w.pieces = new(answer.LineSplitter)
	}
}

// rewriteBody prepares for an answer that is held whole.
func (w *answerWriter) rewriteBody() {
	if c := w.c; c.redact != nil && c.redact.Answers() {
		w.rewrite = rewrite.New(c.x.Dialect, c.redact)
	}
}

// unreadable refuses an answer that no rule can look into, where one must.
func (w *answerWriter) unreadable(status int) bool {
	c := w.c
	if c.redact == nil || !c.redact.Examines() || status == http.StatusNoContent || status == http.StatusNotModified || c.x.Method == http.MethodHead {
		return false
	}
	w.mode = modeWhole
	w.broken = unscannableAnswer()
	return true
}

func unscannableAnswer() *llm.Denial {
	return llm.Deny(http.StatusUnprocessableEntity, llm.CodeUnscannable, llm.StagePolicy,
		"the answer cannot be examined by the policy of this gateway, so it was withheld; ask for text or JSON, or ask the operator")
}

// rewritten sends what becomes of one event.
func (w *answerWriter) rewritten(ev []byte) error {
	out, err := w.rewrite.Event(nil, ev)
	if err != nil {
		return unscannableAnswer().Because(err)
	}
	return w.emit(out)
}

// translatedOut sends what a translation made of an event: none, one or several.
func (w *answerWriter) translatedOut(out []byte) error {
	if w.rewrite == nil {
		return w.emit(out)
	}
	return w.pieces.Feed(out, w.rewritten)
}

// endRewriting sends what is still held when a stream has ended well.
func (w *answerWriter) endRewriting() {
	if w.rewrite == nil || w.gone != nil {
		return
	}
	if w.emit(w.rewrite.End(nil)) == nil && w.sent {
		_ = w.ctrl.Flush()
	}
}

// rewriteWhole changes an answer that was held whole, once.
func (w *answerWriter) rewriteWhole() error {
	r := w.rewrite
	if r == nil || len(w.whole) == 0 {
		return nil
	}
	w.rewrite = nil
	out, err := r.Body(w.whole)
	if err != nil {
		return unscannableAnswer().Because(err)
	}
	w.whole = out
	return nil
}

// redacted writes into the record what the rules have looked at and found since
// the last time: in the request at once, in the answer at its end.
func (c *call) redacted(response bool) {
	if c.redact == nil {
		return
	}
	c.redact.Scans(response, c.x.Scanned)
	c.redact.Decisions(func(d llm.Decision) {
		c.x.Decide(d)
		c.countRule(d)
	})
}
