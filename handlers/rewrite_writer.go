package handlers

import (
	"errors"
	"net/http"
	"slices"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// What the response pipeline does for rules that change answers. It works on what
// the client will see: after a translation.

// rewriteEvents prepares for a stream.
func (w *answerWriter) rewriteEvents() {
	c := w.c
	w.rewriteBody()
	if w.rewrite == nil && len(c.reviews) == 0 {
		return
	}
	w.pieces = new(answer.Splitter)
	if c.x.Dialect.Family() == llm.FamilyOllama {
		w.pieces = new(answer.LineSplitter)
	}
}

// rewriteBody prepares for an answer that is held whole.
func (w *answerWriter) rewriteBody() {
	c := w.c
	var filters []rewrite.Filter
	for _, r := range c.reviews {
		if r.Watches() {
			filters = append(filters, r)
		}
	}
	if c.redact != nil && c.redact.Answers() {
		filters = append(filters, c.redact)
	}
	if len(filters) > 0 || len(c.unread) > 0 {
		w.rewrite = rewrite.New(c.x.Dialect, rewrite.Chain(filters...))
	}
}

// unreadable refuses an answer that no rule can look into, where one must.
func (w *answerWriter) unreadable(status int) bool {
	c := w.c
	if !w.insists() || status == http.StatusNoContent || status == http.StatusNotModified || c.x.Method == http.MethodHead {
		return false
	}
	w.mode = modeWhole
	w.broken = unscannableAnswer()
	return true
}

// insists reports whether no answer may pass that cannot be examined.
func (w *answerWriter) insists() bool {
	c := w.c
	return len(c.reviews) > 0 || len(c.unread) > 0 || c.redact != nil && c.redact.Examines(true)
}

func unscannableAnswer() *llm.Denial {
	return llm.Deny(http.StatusUnprocessableEntity, llm.CodeUnscannable, llm.StagePolicy,
		"the answer cannot be examined by the policy of this gateway, so it was withheld; ask for text or JSON, or ask the operator")
}

// unread is what a policy says of parts of an answer that it cannot read.
type unread struct {
	policy  string // its hash
	allowed func(part string) bool
}

// unscannable refuses an answer for such parts, if a policy does not let them pass.
func (w *answerWriter) unscannable() *llm.Denial {
	parts := w.rewrite.Unread()[w.noted:]
	if w.noted += len(parts); len(parts) == 0 {
		return nil
	}
	for _, u := range w.c.unread {
		if d := policy.UnscannableAnswer(&w.c.x, u.policy, parts, u.allowed); d != nil {
			if a := w.c.x.Current(); a != nil && a.Error == "" {
				a.Error = "the answer was stopped by a rule"
			}
			return d
		}
	}
	return nil
}

// looksInto reports whether any policy looks at the events of the answer.
func (w *answerWriter) looksInto() bool { return w.rewrite != nil || len(w.c.reviews) > 0 }

// rewritten sends what becomes of one event.
func (w *answerWriter) rewritten(ev []byte) error {
	for _, r := range w.c.reviews {
		if err := r.Event(ev); err != nil {
			return unscannableAnswer().Because(err)
		}
	}
	out := ev
	if w.rewrite != nil {
		var err error
		if out, err = w.rewrite.Event(nil, ev); err != nil && w.insists() {
			return unscannableAnswer().Because(err)
		} else if err != nil {
			out = ev
		}
		if d := w.unscannable(); d != nil {
			return d
		}
	}
	return w.release(out)
}

// permitted is what the rules about answers let pass of words of the provider that reach
// the client in an error of ours; "" where one refuses them.
func (w *answerWriter) permitted(words string) string {
	for _, r := range w.c.reviews {
		if r.Watches() {
			words = r.Whole(rewrite.Text, words)
		}
		if r.Denied() != nil {
			return ""
		}
	}
	if w.c.redact != nil && w.c.redact.Answers() {
		words = w.c.redact.Whole(rewrite.Text, words)
	}
	return words
}

// release sends what the rules let pass, or keeps it while one of them must see more.
func (w *answerWriter) release(out []byte) error {
	if d := w.withheld(); d != nil {
		return d
	}
	for _, r := range w.c.reviews {
		if r.Buffers() || r.Holds() {
			if len(w.parked)+len(out) > maxParked {
				return unscannableAnswer().Because(errParked)
			}
			w.parked = append(w.parked, out...)
			return nil
		}
	}
	if len(w.parked) > 0 {
		out = append(w.parked, out...)
		w.parked = nil
	}
	return w.emit(out)
}

// maxParked bounds what is held of a stream for rules, in bytes.
const maxParked = 16 << 20

var errParked = errors.New("more had to be held for a rule than can be")

// withheld is the refusal of the answer by a rule, nil if there is none.
func (w *answerWriter) withheld() *llm.Denial {
	for _, r := range w.c.reviews {
		if d := r.Denied(); d != nil {
			r.Blocked(w.c.x.BytesOut)
			if a := w.c.x.Current(); a != nil && a.Error == "" {
				a.Error = "the answer was stopped by a rule"
			}
			return d
		}
	}
	return nil
}

// translatedOut sends what a translation made of an event: none, one or several.
func (w *answerWriter) translatedOut(out []byte) error {
	if !w.looksInto() {
		return w.emit(out)
	}
	return w.pieces.Feed(out, w.rewritten)
}

// endStream sends what is still held when a stream has ended well, once the rules
// have judged all of it.
func (w *answerWriter) endStream() error {
	if !w.looksInto() || w.gone != nil || w.judged {
		return nil
	}
	w.judged = true
	var rest []byte
	if w.rewrite != nil {
		rest = w.rewrite.End(nil)
		if d := w.unscannable(); d != nil {
			w.broken = d
			return d
		}
	}
	if err := w.judge(); err != nil {
		w.broken = denialOf(err) // it stands, whatever the provider has said
		return err
	}
	if err := w.emit(append(w.parked, rest...)); err != nil {
		return err
	}
	if w.parked = nil; w.sent {
		_ = w.ctrl.Flush()
	}
	return nil
}

// judge lets the rules judge an answer that has come in full.
func (w *answerWriter) judge() error {
	for _, r := range w.c.reviews {
		if d := r.End(w.status, w.read.FinishReason(), w.read.Usage()); d != nil {
			break
		}
	}
	if d := w.withheld(); d != nil {
		return d
	}
	return nil
}

// rewriteWhole changes an answer that was held whole, once the rules have judged it.
func (w *answerWriter) rewriteWhole() error {
	if !w.looksInto() || len(w.whole) == 0 || w.judged {
		return nil
	}
	w.judged = true
	ok := w.status >= 200 && w.status < 300
	for _, r := range w.c.reviews {
		if !ok {
			break // what it says is the provider's, but it is looked through
		}
		if err := r.Body(w.whole); err != nil {
			return unscannableAnswer().Because(err)
		}
	}
	if w.rewrite != nil {
		out, err := w.rewrite.Body(w.whole)
		if err != nil && w.insists() {
			return unscannableAnswer().Because(err)
		} else if err == nil {
			w.whole = out
		}
		if d := w.unscannable(); d != nil {
			return d
		}
	}
	if !ok {
		if d := w.withheld(); d != nil {
			return d
		}
		return nil
	}
	return w.judge()
}

// forgetAnswer makes the rules forget an attempt of which nothing has reached the
// client.
func (w *answerWriter) forgetAnswer() {
	w.rewrite, w.pieces, w.parked, w.judged, w.noted = nil, nil, nil, false, 0
	if w.c.redact != nil {
		w.c.redact.ForgetAnswer()
	}
	for _, r := range w.c.reviews {
		r.Reset()
	}
}

// redacted writes into the record what the rules have looked at and found since
// the last time: in the request at once, in the answer at its end.
func (c *call) redacted(response bool) {
	if c.redact == nil {
		return
	}
	c.redact.Scans(response, c.x.Scanned)
	c.redact.Decisions(c.x.Decide)
}

// reviewed lets the rules about answers say their last.
func (c *call) reviewed() {
	for _, r := range c.reviews {
		r.Close()
	}
}

// buffers reports whether a rule needs the whole answer before any of it may leave.
func (c *call) buffers() bool {
	return slices.ContainsFunc(c.reviews, (*policy.Review).Buffers)
}
