package handlers

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/redact"
)

// Rule is one rule of the policy.
type Rule struct {
	// Name identifies the rule in refusals, records and metrics.
	Name string `json:"name"`
	// Action is `deny`, `flag`, `route`, `set`, `tag`, `strip_tools`,
	// `require_header`, `approve` or `redact`.
	Action string `json:"action"`
	// Expr is a CEL expression that is true when the rule matches. It never
	// passes through placeholders. A `redact` rule applies to the calls for whose
	// requests it is true; default: to all.
	Expr string `json:"expr,omitempty"`
	// In says where the rule looks: `request` (default), `response`, or both. Of
	// `deny`, `flag`, `tag` and `redact`.
	In []string `json:"in,omitempty"`
	// Buffer holds each answer until its end, for a `deny` rule that can only
	// judge it whole. Default false.
	Buffer bool `json:"buffer,omitempty"`
	// Message is what the client of a denied request is told.
	Message string `json:"message,omitempty"`
	// Model is the model to ask instead. Of `route`, and of `set`.
	Model string `json:"model,omitempty"`
	// MaxTokens limits the output tokens, where the request says more or nothing.
	// Of `set`. Default 0, which leaves the limit alone.
	MaxTokens int64 `json:"max_tokens,omitempty"`
	// Settings are members of the request to set, with their values: temperature,
	// top_p, top_k, seed, frequency_penalty, presence_penalty, reasoning_effort,
	// parallel_tool_calls, store. Of `set`.
	Settings map[string]json.RawMessage `json:"settings,omitempty"`
	// Tools are patterns of the names or types of the tools that `strip_tools`
	// takes out of the request. Default: all tools.
	Tools []string `json:"tools,omitempty"`
	// Header is the request header that `require_header` wants; Values are patterns
	// of which one must match its value. Default: any value.
	Header string   `json:"header,omitempty"`
	Values []string `json:"values,omitempty"`
	// Expires is how long a person may take to approve a call, and its sender to
	// make it. Of `approve`. Default 1h.
	Expires caddy.Duration `json:"expires,omitempty"`
	// Tags are added to the call in the record. Of `tag`.
	Tags []string `json:"tags,omitempty"`
	// Kinds are the kinds of data that `redact` takes out: `pii` or one of its
	// kinds (`email`, `credit_card`, …), `secrets` or one of its rules.
	Kinds []string `json:"kinds,omitempty"`
	// Style is what `redact` puts there: `mask` (default) names the kind,
	// [EMAIL]; `hash` adds a keyed hash, the same for equal values until the
	// server restarts; `reversible` numbers the values of a request, [[EMAIL_1]],
	// and gives them back wherever the answer repeats the number.
	Style string `json:"style,omitempty"`
	// Enforcement is `on` (default), `shadow`: then a match only counts, or
	// `sample`: on for some calls, in shadow for the others.
	Enforcement string `json:"enforcement,omitempty"`
	// Sample is the share of the calls, in percent, for which a rule with
	// enforcement `sample` is on.
	Sample int `json:"sample,omitempty"`
	// OnError is what happens when the rule cannot be evaluated: `deny`
	// (default) or `allow`. Of `redact` also when a text cannot be examined.
	OnError string `json:"on_error,omitempty"`
}

const actionRedact = "redact"

// redaction is a rule that redacts.
type redaction struct {
	rule   *redact.Rule
	when   *policy.Condition // nil for always
	sample int               // percent of the calls for which it is on, 0 for no sample
}

// redaction is the rule as the package redact takes it, with what decides whether it
// applies.
func (r *Rule) redaction(known policy.Detectors, opts ...policy.Option) (redaction, error) {
	out := &redact.Rule{Name: r.Name, Shadow: r.Enforcement == policy.EnforceShadow, Lenient: r.OnError == policy.OnErrorAllow}
	none := redaction{}
	switch {
	case r.Name == "":
		return none, errors.New("a rule needs a name")
	case r.Message != "" || r.Buffer || r.Model != "" || r.MaxTokens != 0 || len(r.Tags) > 0 ||
		len(r.Settings) > 0 || len(r.Tools) > 0 || r.Header != "" || len(r.Values) > 0 || r.Expires != 0:
		return none, errors.New("a redact rule takes kinds, style, in, when, enforcement and on_error only")
	case r.Enforcement != "" && r.Enforcement != policy.EnforceOn && r.Enforcement != policy.EnforceShadow && r.Enforcement != policy.EnforceSample:
		return none, fmt.Errorf("enforcement takes on, shadow or sample, not %q", r.Enforcement)
	case (r.Enforcement == policy.EnforceSample) != (r.Sample != 0) || r.Sample < 0 || r.Sample > 99:
		return none, errors.New("enforcement sample takes a percentage from 1 to 99")
	case r.OnError != "" && r.OnError != policy.OnErrorDeny && r.OnError != policy.OnErrorAllow:
		return none, fmt.Errorf("on_error takes deny or allow, not %q", r.OnError)
	case len(r.Kinds) == 0:
		return none, errors.New("redact needs kinds of data, e.g. email credit_card")
	}
	switch r.Style {
	case "", "mask":
	case "hash":
		out.Style = redact.Hash
	case "reversible":
		out.Style = redact.Reversible
	default:
		return none, fmt.Errorf("style takes mask, hash or reversible, not %q", r.Style)
	}
	var err error
	if out.Request, out.Response, err = where(r.In); err != nil {
		return none, err
	}
	d, err := policy.DetectWith(r.Kinds, known)
	if err != nil {
		return none, err
	}
	out.Scanners, out.Rules, out.Kinds = d.Scanners, d.Rules, d.Kinds
	var when *policy.Condition
	if r.Expr != "" {
		when, err = policy.NewCondition(policy.Rule{Name: r.Name, Expr: r.Expr, Enforcement: r.Enforcement, Sample: r.Sample, OnError: r.OnError}, opts...)
		if err != nil {
			return none, err
		}
	}
	return redaction{out, when, r.Sample}, nil
}

// rule is the rule as the package policy takes it.
func (r *Rule) rule() (policy.Rule, error) {
	out := policy.Rule{
		Name: r.Name, Action: r.Action, Expr: r.Expr, Buffer: r.Buffer, Message: r.Message, Model: r.Model, MaxTokens: r.MaxTokens, Tags: r.Tags,
		Enforcement: r.Enforcement, Sample: r.Sample, OnError: r.OnError,
		Tools: r.Tools, Header: r.Header, Values: r.Values, Expires: time.Duration(r.Expires),
	}
	for name, value := range r.Settings {
		if out.Settings == nil {
			out.Settings = make(map[string]string, len(r.Settings))
		}
		out.Settings[name] = string(value)
	}
	if len(r.Kinds) > 0 || r.Style != "" {
		return out, fmt.Errorf("rule %s: only redact takes kinds and a style", r.Name)
	}
	request, response, err := where(r.In)
	switch {
	case err != nil:
		return out, fmt.Errorf("rule %s: %w", r.Name, err)
	case request && response:
		out.In = policy.InBoth
	case response:
		out.In = policy.InResponse
	}
	return out, nil
}

// where reads the option in.
func where(in []string) (request, response bool, err error) {
	request = len(in) == 0
	for _, s := range in {
		switch s {
		case "request":
			request = true
		case "response":
			response = true
		case "both":
			request, response = true, true
		default:
			return false, false, fmt.Errorf("in takes request, response or both, not %q", s)
		}
	}
	return request, response, nil
}

func (h *Policy) compile() (*policy.Set, error) {
	rules := make([]policy.Rule, 0, len(h.Rules))
	for i := range h.Rules {
		if h.Rules[i].Action == actionRedact {
			continue
		}
		r, err := h.Rules[i].rule()
		if err != nil {
			return nil, err
		}
		rules = append(rules, r)
	}
	return policy.Compile(rules, h.options()...)
}

// options are how the expressions are compiled.
func (h *Policy) options() []policy.Option {
	opts := []policy.Option{policy.WithClassifiers(h.classifiers...), policy.WithDetectors(h.detectors)}
	if h.CostLimit > 0 {
		opts = append(opts, policy.WithCostLimit(uint64(h.CostLimit)))
	}
	if h.Deadline > 0 {
		opts = append(opts, policy.WithDeadline(time.Duration(h.Deadline)))
	}
	return opts
}
