package handlers

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// endAttempt closes the current attempt with what the answer's reader measured.
// An attempt that llm_upstream has already judged keeps its verdict.
func (c *call) endAttempt(result llm.Result) {
	a := c.x.Current()
	if a == nil {
		return
	}
	w := &c.w
	if a.Result == llm.ResultPending {
		a.Result = result
		if result == llm.ResultCut && !c.upstream && c.unwritten() && a.Status == 0 {
			a.Result, a.Error = llm.ResultUnsent, "the model server cannot be reached"
		}
		if result == llm.ResultAnswered && a.Status >= 400 {
			a.Result = llm.ResultRefused
		}
		if w.read != nil {
			a.Usage = w.read.Usage()
			a.Usage.Model, a.Usage.Tier, a.Usage.Region = c.secretFree(a.Usage.Model), c.secretFree(a.Usage.Tier), c.secretFree(a.Usage.Region)
			c.x.FinishReason = c.secretFree(w.read.FinishReason())
		}
		switch a.Result {
		case llm.ResultCut:
			c.estimate(a)
		case llm.ResultAnswered:
			c.supply(a)
		}
	}
	c.x.Settle(a, now())
}

// Rates for estimates of what was not reported. Text runs at 3.5 to 5 bytes a
// token in the tokenizers measured, so 3 rather over- than underrates. Hidden
// reasoning is not seen at all: what a model can have written by then is
// bounded by the time it had, and few are faster than a token a millisecond.
const (
	bytesPerToken  = 3
	tokensPerMilli = 1
)

// estimate completes the usage of an answer that broke off before its final
// figures, whoever broke it: the largest of what was reported, what was seen and
// what can have been written in the time. A call that may have reached the
// provider is never free.
func (c *call) estimate(a *llm.Attempt) {
	u, v := &a.Usage, c.x.View
	if u.Final || v == nil || !c.x.Dialect.Billed() {
		return
	}
	u.Estimated = true
	if u.Prompt() == 0 {
		u.Input = (v.InputBound + bytesPerToken - 1) / bytesPerToken
	}
	if !c.x.Dialect.Generates() {
		return
	}
	seen := int64(c.w.held)
	if c.w.mode == modeEvents {
		seen = c.w.read.TextBytes()
	}
	out := max((seen+bytesPerToken-1)/bytesPerToken, now().Sub(a.Started).Milliseconds()*tokensPerMilli*v.Choices)
	// An estimate never goes beyond the bound that was reserved: only figures
	// of the provider may.
	if n := c.x.OutputLimit(a); n > 0 {
		out = min(out, n*v.Choices)
	}
	u.Output = max(u.Output, out)
}

// supply completes the usage of a whole answer of which the provider gave some
// figures and not the last ones: nothing generated is free. An output that is not
// known counts as all that was reserved for it, or is estimated where nothing was;
// where only the prompt is missing, that is estimated. (An answer without any
// figure is the governors' business: they charge their bounds.)
func (c *call) supply(a *llm.Attempt) {
	u, v := &a.Usage, c.x.View
	if !u.Reported || v == nil || !c.x.Dialect.Generates() {
		return
	}
	if u.Final {
		if u.Prompt() == 0 { // no prompt has no tokens
			u.Input, u.Estimated = (v.InputBound+bytesPerToken-1)/bytesPerToken, true
		}
		return
	}
	output, known := u.Output, u.Output > 0 && u.Prompt() == 0
	c.estimate(a)
	if known {
		u.Output = output
	} else if n := c.x.OutputLimit(a); n > 0 {
		u.Output = max(u.Output, n*v.Choices)
	}
}

// ownHeaders adds the gateway's headers to an answer.
func (c *call) ownHeaders(h http.Header) {
	x := &c.x
	h["Llm-Request-Id"] = []string{x.ID}
	a := x.Current()
	c.standing.write(x, h, x.Denied == nil && a != nil && a.Status == http.StatusTooManyRequests)
	if a != nil && a.AuditIndex >= 0 {
		h["Llm-Audit-Id"] = []string{strconv.FormatInt(a.AuditIndex, 10)}
	}
	if a != nil && a.MaxTokens > 0 && x.View != nil && a.MaxTokens < x.View.MaxTokens {
		h["Llm-Max-Tokens"] = []string{strconv.FormatInt(a.MaxTokens, 10)}
	}
	if a != nil && a.Warning != "" {
		h["Llm-Budget-Warning"] = []string{a.Warning}
	}
	if c.cors != "" {
		h.Set("Access-Control-Allow-Origin", c.cors)
		h.Add("Vary", "Origin")
		h.Set("Access-Control-Expose-Headers", "LLM-Request-Id, LLM-Audit-Id, LLM-Budget-Warning, LLM-Max-Tokens, Retry-After, X-Request-Id, Request-Id")
	}
	if len(c.lost) > 0 {
		h.Set("LLM-Unsupported", strings.Join(c.lost, ", "))
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

func statusOr(s, other int) int {
	if s == 0 {
		return other
	}
	return s
}

// outcomeOf says how an exchange ended that was refused before its first byte.
func outcomeOf(d *llm.Denial) llm.Outcome {
	switch d.Stage {
	case llm.StageProvider:
		return llm.OutcomeProviderError
	case llm.StageInfrastructure:
		return llm.OutcomeError
	}
	return llm.OutcomeDenied
}
