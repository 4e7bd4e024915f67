package handlers

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// UnmarshalCaddyfile reads the directive:
//
//	llm_policy {
//		deny  <name> `<CEL>` ["<message>"] { <options> }
//		flag  <name> `<CEL>` { <options> }
//		route <name> `<CEL>` <model> { <options> }
//		set   <name> `<CEL>` {
//			model      <model>
//			max_tokens <n>
//			temperature|top_p|top_k|seed|… <value>
//			<options>
//		}
//		strip_tools    <name> `<CEL>` [<pattern…>] { <options> }
//		require_header <name> `<CEL>` <header> [<pattern…>] {
//			message "<message>"
//			<options>
//		}
//		approve <name> `<CEL>` ["<message>"] {
//			expires <duration>
//			<options>
//		}
//		tag   <name> `<CEL>` <tag…> { <options> }
//		redact <name> <kind…> {
//			in          request|response|both
//			style       mask|hash|reversible
//			when        `<CEL>`
//			enforcement on|shadow|sample <percent>
//			on_error    deny|allow
//		}
//		unscannable deny|allow <file|image|tokens…>
//		cost_limit <units>
//		deadline   <duration>
//		errors json|pass
//		debug_headers
//	}
//
// The options of rules are:
//
//	in          request|response|both
//	buffer
//	enforcement on|shadow|sample <percent>
//	on_error    deny|allow
func (h *Policy) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next()
	if err := noMore(d); err != nil {
		return err
	}
	if err := h.block(d, func() error {
		switch d.Val() {
		case actionRedact:
			return h.unmarshalRedact(d)
		case "cost_limit":
			return countArg(d, &h.CostLimit)
		case "deadline":
			return durationArg(d, &h.Deadline)
		case "unscannable":
			return h.unscannableArg(d)
		}
		if read, ok := ruleArgs[d.Val()]; ok {
			return h.unmarshalRule(d, read)
		}
		return d.Errf("unknown option %q of llm_policy; want a rule (deny, flag, redact, route, set, tag, strip_tools, require_header, approve), unscannable, cost_limit or deadline", d.Val())
	}); err != nil {
		return err
	}
	if len(h.Rules) == 0 {
		return d.Err("llm_policy needs at least one rule")
	}
	return nil
}

// unscannableArg reads deny or allow, and the parts of which it is said.
func (h *Policy) unscannableArg(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) < 2 || args[0] != "deny" && args[0] != "allow" {
		return d.Errf("unscannable takes deny or allow, and what: %s", strings.Join(policy.Parts, ", "))
	}
	for _, part := range args[1:] {
		if !slices.Contains(policy.Parts, part) {
			return d.Errf("unscannable: %q is none of %s", part, strings.Join(policy.Parts, ", "))
		}
		if _, twice := h.Unscannable[part]; twice {
			return d.Errf("unscannable: %s is given twice", part)
		}
		if h.Unscannable == nil {
			h.Unscannable = map[string]string{}
		}
		h.Unscannable[part] = args[0]
	}
	return nil
}

// ruleArgs reads what stands behind the expression of a rule, by action.
var ruleArgs = map[string]func(d *caddyfile.Dispenser, r *Rule) error{
	policy.ActionDeny:  messageArg,
	policy.ActionFlag:  messageArg,
	policy.ActionRoute: modelArg,
	policy.ActionSet:   func(d *caddyfile.Dispenser, _ *Rule) error { return noMore(d) },
	policy.ActionTag: func(d *caddyfile.Dispenser, r *Rule) error {
		if r.Tags = d.RemainingArgs(); len(r.Tags) == 0 {
			return d.Errf("tag %s takes one or more tags behind the expression", r.Name)
		}
		return nil
	},
	policy.ActionApprove: messageArg,
	policy.ActionStripTools: func(d *caddyfile.Dispenser, r *Rule) error {
		r.Tools = d.RemainingArgs()
		return nil
	},
	policy.ActionRequireHeader: func(d *caddyfile.Dispenser, r *Rule) error {
		if !d.NextArg() || d.Val() == "" {
			return d.Errf("require_header %s takes the name of a header behind the expression", r.Name)
		}
		r.Header = d.Val()
		r.Values = d.RemainingArgs()
		return nil
	},
}

func messageArg(d *caddyfile.Dispenser, r *Rule) error {
	if d.NextArg() {
		if r.Message = d.Val(); r.Message == "" {
			return d.Errf("%s %s: the message is empty", r.Action, r.Name)
		}
	}
	return noMore(d)
}

func modelArg(d *caddyfile.Dispenser, r *Rule) error {
	if !d.NextArg() || d.Val() == "" {
		return d.Errf("route %s takes a model behind the expression", r.Name)
	}
	r.Model = d.Val()
	return noMore(d)
}

func (h *Policy) unmarshalRule(d *caddyfile.Dispenser, read func(*caddyfile.Dispenser, *Rule) error) error {
	r := Rule{Action: d.Val()}
	if !d.NextArg() {
		return d.Errf("%s takes a name and a CEL expression in backquotes", r.Action)
	}
	r.Name = d.Val()
	if !d.NextArg() {
		return d.Errf("%s takes a name and a CEL expression in backquotes", r.Action)
	}
	r.Expr = d.Val()
	at := *d // on the expression
	if err := read(d, &r); err != nil {
		return err
	}
	for d.NextBlock(1) {
		if err := r.option(d); err != nil {
			return err
		}
	}
	// Compiled here, on its own, so that a mistake is reported with its file and
	// line.
	one := Policy{Rules: []Rule{r}, classifiers: h.classifiers, detectors: h.detectors}
	if _, err := one.compile(); err != nil {
		return located(&at, err)
	}
	return h.add(d, r)
}

// located adds file and line to an error of a rule: of the line of the expression
// that it is about, if it is.
func located(d *caddyfile.Dispenser, err error) error {
	var c *policy.CompileError
	if errors.As(err, &c) && c.Line > 1 && d.Token().Line > 0 {
		t := d.Token()
		t.Line += c.Line - 1
		d = caddyfile.NewDispenser([]caddyfile.Token{t})
		d.Next()
	}
	return d.Errf("%v", err)
}

// add appends a rule, whose name must be new.
func (h *Policy) add(d *caddyfile.Dispenser, r Rule) error {
	for i := range h.Rules {
		if h.Rules[i].Name == r.Name {
			return d.Errf("rule %s is given twice", r.Name)
		}
	}
	h.Rules = append(h.Rules, r)
	return nil
}

// option reads an option of a rule in CEL.
func (r *Rule) option(d *caddyfile.Dispenser) error {
	switch name := d.Val(); name {
	case "in":
		return r.whereArg(d)
	case "buffer":
		r.Buffer = true
		return noMore(d)
	case "enforcement":
		return r.enforcementArg(d)
	case "on_error":
		return r.onErrorArg(d)
	default:
		switch {
		case r.Action == policy.ActionSet:
			return r.setting(d)
		case name == "message" && r.Action == policy.ActionRequireHeader:
			return oneArg(d, &r.Message)
		case name == "expires" && r.Action == policy.ActionApprove:
			return durationArg(d, &r.Expires)
		}
		return d.Errf("unknown option %q of rule %s; want in, buffer, enforcement or on_error", name, r.Name)
	}
}

func (r *Rule) onErrorArg(d *caddyfile.Dispenser) error {
	if err := oneArg(d, &r.OnError); err != nil {
		return err
	}
	if r.OnError != "deny" && r.OnError != "allow" {
		return d.Errf("on_error takes deny or allow, not %q", r.OnError)
	}
	return nil
}

func (r *Rule) whereArg(d *caddyfile.Dispenser) error {
	if err := someArgs(d, &r.In); err != nil {
		return err
	}
	if _, _, err := where(r.In); err != nil {
		return d.Errf("%v", err)
	}
	return nil
}

// enforcementArg reads on, shadow, or sample with a percentage.
func (r *Rule) enforcementArg(d *caddyfile.Dispenser) error {
	if r.Enforcement != "" {
		return d.Err("enforcement is given twice")
	}
	args := d.RemainingArgs()
	switch {
	case len(args) == 1 && (args[0] == "on" || args[0] == "shadow"):
	case len(args) == 2 && args[0] == "sample":
		n, err := strconv.Atoi(strings.TrimSuffix(args[1], "%"))
		if err != nil || n < 1 || n > 99 {
			return d.Errf("enforcement sample takes a percentage from 1 to 99, not %q", args[1])
		}
		r.Sample = n
	default:
		return d.Errf("enforcement takes on, shadow or sample <percent>, not %q", strings.Join(args, " "))
	}
	r.Enforcement = args[0]
	return nil
}

// setting reads what a set rule sets.
func (r *Rule) setting(d *caddyfile.Dispenser) error {
	switch name := d.Val(); name {
	case "model":
		return oneArg(d, &r.Model)
	case "max_tokens":
		return countArg(d, &r.MaxTokens)
	default:
		kind, known := dialects.Settings[name]
		if !known {
			return d.Errf("unknown option %q of rule %s; want model, max_tokens, %s, enforcement or on_error", name, r.Name,
				strings.Join(slices.Sorted(maps.Keys(dialects.Settings)), ", "))
		}
		if _, twice := r.Settings[name]; twice {
			return d.Errf("%s is given twice", name)
		}
		value := ""
		if err := oneArg(d, &value); err != nil {
			return err
		}
		if kind == 's' {
			value = strconv.Quote(value)
		}
		if !json.Valid([]byte(value)) {
			return d.Errf("%s cannot be set to %s", name, value)
		}
		if r.Settings == nil {
			r.Settings = map[string]json.RawMessage{}
		}
		r.Settings[name] = json.RawMessage(value)
		return nil
	}
}

func (h *Policy) unmarshalRedact(d *caddyfile.Dispenser) error {
	r := Rule{Action: actionRedact}
	args := d.RemainingArgs()
	if len(args) < 2 || args[0] == "" {
		return d.Err("redact takes a name and kinds of data, e.g. redact pii email credit_card")
	}
	r.Name, r.Kinds = args[0], args[1:]
	at := *d // where the condition stands
	for d.NextBlock(1) {
		var err error
		switch d.Val() {
		case "in":
			err = r.whereArg(d)
		case "style":
			err = oneArg(d, &r.Style)
		case "enforcement":
			err = r.enforcementArg(d)
		case "on_error":
			err = r.onErrorArg(d)
		case "when":
			if err = oneArg(d, &r.Expr); err == nil {
				at = *d
			}
		default:
			err = d.Errf("unknown option %q of rule %s; want in, style, when, enforcement or on_error", d.Val(), r.Name)
		}
		if err != nil {
			return err
		}
	}
	if _, err := r.redaction(h.detectors, h.options()...); err != nil {
		if errors.As(err, new(*policy.CompileError)) {
			return located(&at, err)
		}
		return d.Errf("redact %s: %v", r.Name, err)
	}
	return h.add(d, r)
}
