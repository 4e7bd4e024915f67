package handlers

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// endAttempt closes the current attempt with what the answer's reader measured.
// An attempt that llm_upstream has already judged keeps its verdict.
//
// broke says that the provider failed, as opposed to the client leaving or a
// timeout: then what was not seen was not produced either.
func (c *call) endAttempt(result llm.Result, broke bool) {
	a := c.x.Current()
	if a == nil {
		return
	}
	w := &c.w
	if a.Result == llm.ResultPending {
		a.Result = result
		if result == llm.ResultCut && !c.upstream && c.traced && !c.wrote.Load() && a.Status == 0 {
			a.Result, a.Error = llm.ResultUnsent, "the model server cannot be reached"
		}
		if result == llm.ResultAnswered && a.Status >= 400 {
			a.Result = llm.ResultRefused
		}
		if w.read != nil {
			a.Usage = w.read.Usage()
			c.x.FinishReason = w.read.FinishReason()
		}
		if a.Result == llm.ResultCut {
			c.estimate(a, broke)
		}
	}
	c.x.Settle(a, now())
}

// Bytes per token for estimates of what was not reported: text runs at 3.5 to 5
// bytes a token in the tokenizers measured, so 3 rather over- than underrates.
const bytesPerToken = 3

// estimate completes the usage of an answer that broke off before its final
// figures: the larger of what was reported and what was seen. Where nothing of
// an answer that may well have been produced was seen, its bound is charged.
func (c *call) estimate(a *llm.Attempt, broke bool) {
	u := &a.Usage
	if u.Final || !c.x.Dialect.Billed() {
		return
	}
	v := c.x.View
	if v == nil {
		return
	}
	u.Estimated = true
	// An estimate never goes beyond the bound that was reserved: only figures
	// of the provider may.
	limit := int64(math.MaxInt64)
	if n := c.maxOutput(); n > 0 {
		limit = n * v.Choices
	}
	if u.Prompt() == 0 {
		u.Input = min(v.InputBound, (v.InputBound+bytesPerToken-1)/bytesPerToken)
	}
	switch {
	case c.w.mode == modeEvents:
		u.Output = max(u.Output, min(limit, (c.w.read.TextBytes()+bytesPerToken-1)/bytesPerToken))
	case broke:
		// What was not seen was not produced.
		u.Output = max(u.Output, min(limit, int64(len(c.w.whole)+bytesPerToken-1)/bytesPerToken))
	case limit < math.MaxInt64:
		u.Input = max(u.Input, v.InputBound)
		u.Output = max(u.Output, limit)
	}
}

// maxOutput is the limit on output tokens of each choice, 0 when there is none.
func (c *call) maxOutput() int64 {
	n := max(0, c.x.View.MaxTokens)
	if m := c.x.Changes.MaxTokens; m > 0 && (n == 0 || m < n) {
		n = m
	}
	return n
}

// ownHeaders adds the gateway's headers to an answer.
func (c *call) ownHeaders(h http.Header) {
	x := &c.x
	h["Llm-Request-Id"] = []string{x.ID}
	a := x.Current()
	if a != nil && a.AuditIndex >= 0 {
		h["Llm-Audit-Id"] = []string{strconv.FormatInt(a.AuditIndex, 10)}
	}
	if c.cors != "" {
		h.Set("Access-Control-Allow-Origin", c.cors)
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Expose-Headers", "LLM-Request-Id, LLM-Audit-Id, Retry-After, X-Request-Id, Request-Id")
	}
	if !c.opts.DebugHeaders {
		return
	}
	if a != nil {
		h.Set("LLM-Provider", a.Deployment.Provider)
		h.Set("LLM-Model", a.Deployment.Model)
		if a.Result != llm.ResultPending {
			_, cost := x.Totals()
			h.Set("LLM-Cost-USD", cost.Decimal())
		}
	}
	if len(x.Decisions) > 0 {
		parts := make([]string, len(x.Decisions))
		for i, d := range x.Decisions {
			parts[i] = d.Module + ":" + d.Action
			if d.Rule != "" {
				parts[i] += ":" + d.Rule
			}
		}
		h.Set("LLM-Decisions", strings.Join(parts, ", "))
	}
}

// passError hands a refusal to Caddy's error routes.
func passError(d *llm.Denial) error {
	return caddyhttp.Error(d.Status, d)
}
