package policy

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// actions are those that a rule can have.
var actions = []string{ActionDeny, ActionFlag, ActionRoute, ActionSet, ActionTag}

// Bounds of what rules set.
const (
	maxModelName = 256
	maxTags      = 16
	maxTagBytes  = 64
)

// checkAction validates what an action needs, and that there is nothing else.
func checkAction(r *Rule, bad func(format string, args ...any) error) error {
	is := func(action string) bool { return r.Action == action }
	printable := func(s string, most int) bool {
		return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) })
	}
	switch {
	case r.Message != "" && !is(ActionDeny) && !is(ActionFlag):
		return bad("only deny takes a message")
	case is(ActionRoute) && r.Model == "":
		return bad("route needs a model")
	case r.Model != "" && !is(ActionRoute) && !is(ActionSet):
		return bad("only route and set take a model")
	case r.Model != "" && !printable(r.Model, maxModelName):
		return bad("%q is no name of a model", r.Model)
	case r.MaxTokens != 0 && !is(ActionSet):
		return bad("only set takes max_tokens")
	case r.MaxTokens < 0 || r.MaxTokens > 1_000_000_000:
		return bad("max_tokens takes a number from 1 to 1,000,000,000")
	case is(ActionSet) && r.Model == "" && r.MaxTokens == 0:
		return bad("set needs something to set, e.g. max_tokens 1000")
	case is(ActionTag) != (len(r.Tags) > 0):
		return bad("tag needs tags, and only tag takes them")
	case len(r.Tags) > maxTags:
		return bad("more than %d tags", maxTags)
	}
	for _, t := range r.Tags {
		if !printable(t, maxTagBytes) {
			return bad("a tag must be printable, without spaces and at most %d bytes long", maxTagBytes)
		}
	}
	return nil
}

// checkAnswer validates what a rule reads of an answer against where it stands.
func checkAnswer(r *Rule, a *ast.AST, u usage, fail func(id int64, format string, args ...any) error) (answerUse, error) {
	if r.In == InRequest {
		if u.response != 0 {
			return answerUse{}, fail(u.response, "`response` can't be used here: the rule judges requests, before there is an answer; a rule `in response` can")
		}
		return answerUse{}, nil
	}
	use := answerUseOf(a)
	for _, p := range use.phrases {
		if tooLong(p) {
			return use, fail(0, "has_phrase() looks for phrases of 1 to %d bytes", maxPhrase)
		}
	}
	if r.In == InBoth && u.response != 0 {
		return use, fail(u.response, "`response` can't be used in a rule that judges requests, too; `content` is the texts of whichever is judged")
	}
	if !use.any {
		return use, fail(0, "the rule is about answers and reads nothing of them; leave out `in`, or read `response` or `content`")
	}
	if !use.early && !r.Buffer && r.Action == ActionDeny && r.Enforcement != EnforceShadow {
		why := "this part of the rule needs the whole answer"
		if use.why != "" {
			why = use.why
		}
		return use, fail(use.late, "%s: add `buffer` to the rule, which holds every answer until its end; without, answers can be denied by what secrets(), pii() and has_phrase() find in response.all and by response.tool_calls.exists(…)", why)
	}
	if r.Buffer && use.early {
		return use, fail(0, "the rule can be decided while the answer is on its way: leave out `buffer`, which would hold it for nothing")
	}
	return use, nil
}

// apply does what a rule says that has matched (err nil) or could not be evaluated,
// records it, and returns its refusal if it is one.
func (r *rule) apply(e *evaluation, err error) *llm.Denial {
	x := e.x
	if err != nil || r.Action == ActionDeny || r.Action == ActionFlag {
		d := r.decide(x, err)
		if d != nil && e.answer != nil {
			d.Message = r.answerMessage(err)
		}
		return d
	}
	d := llm.Decision{Module: "policy", Rule: r.Name, Action: r.Action}
	if !r.enforced(x) {
		d.Action = would + r.Action
	}
	var refused *llm.Denial
	switch r.Action {
	case ActionRoute, ActionSet:
		d.Detail, refused = r.change(e, d.Action == r.Action)
	case ActionTag:
		d.Detail = strings.Join(r.Tags, ", ")
		if d.Action == r.Action {
			for _, t := range r.Tags {
				if !slices.Contains(x.Tags, t) {
					x.Tags = append(x.Tags, t)
				}
			}
		}
	}
	if refused != nil {
		d.Action, d.Code = ActionDeny, refused.Code
		refused.Rule = r.Name
	}
	x.Decide(d)
	return refused
}

// change does what route and set say.
func (r *rule) change(e *evaluation, enforced bool) (detail string, refused *llm.Denial) {
	x := e.x
	var told []string
	if r.Model != "" {
		told = append(told, "model "+r.Model)
		if enforced {
			if !mayBecome(x, r.Model) {
				return told[0], notAllowed(r.Model)
			}
			x.Changes.Model = r.Model
		}
	}
	if r.MaxTokens > 0 {
		told = append(told, "max_tokens "+strconv.FormatInt(r.MaxTokens, 10))
		if enforced && (x.Changes.MaxTokens == 0 || r.MaxTokens < x.Changes.MaxTokens) {
			x.Changes.MaxTokens = r.MaxTokens
		}
	}
	if enforced {
		e.routed = e.routed || r.Action == ActionRoute
		e.memo[slotModel], e.memo[slotMaxTokens] = nil, nil
	}
	return strings.Join(told, ", "), nil
}

// mayBecome reports whether the caller's key may use a model that a rule has chosen:
// it must be among the key's models, unless what the client named is listed there as
// it stands.
func mayBecome(x *llm.Exchange, model string) bool {
	p := x.Principal
	if p == nil || len(p.Models) == 0 {
		return true
	}
	return x.View != nil && slices.Contains(p.Models, x.View.Model) || p.MayUse(model)
}

func notAllowed(model string) *llm.Denial {
	d := llm.Deny(http.StatusForbidden, llm.CodeModelNotAllowed, llm.StageAuth,
		"a rule of this gateway's policy leads this call to the model %q, which your key may not use; ask the operator of this gateway", model)
	d.Param = "model"
	return d
}
