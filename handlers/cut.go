package handlers

import (
	"net/http"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What a token can be: a provider that keeps to max_tokens sends at most one
// event for each token, and its tokens are on average far below roomyToken bytes
// of text; none is longer than hugeToken bytes for long.
const (
	roomyToken = 8
	hugeToken  = 64
)

// overspent reports, after each event, whether a stream goes on beyond what was
// reserved for it (Attempt.CutAt): by the provider's own running figures, or
// because there is more text, in more events, than that many tokens can be. A
// provider that keeps to the limit it was sent is never cut.
func (w *answerWriter) overspent() bool {
	a := w.c.x.Current()
	if a == nil || a.CutAt <= 0 {
		return false
	}
	text := w.read.TextBytes()
	if text == w.text {
		return false
	}
	w.text = text
	w.texts++
	switch {
	case w.read.Terminal() || w.read.FinishReason() != "":
		return false
	case text/hugeToken > a.CutAt, text/roomyToken > a.CutAt && w.texts > a.CutAt:
		return true
	}
	return w.texts%reportEvery == 0 && w.reported() > a.CutAt
}

// reportEvery is after how many events with text the figures are looked at.
const reportEvery = 64

func (w *answerWriter) reported() int64 {
	u := w.read.Usage()
	return u.Output
}

// reservationSpent ends a stream that has used up what was reserved for it.
func reservationSpent() *llm.Denial {
	d := llm.Deny(http.StatusTooManyRequests, llm.CodeBudgetExceeded, llm.StageQuota,
		"the model server went on beyond the limit on output that the budget allows; the answer was cut and is incomplete")
	d.NoRetry = true
	return d
}
