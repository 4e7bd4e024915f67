package policy

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"cel.dev/cel-go/common/ast"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/toolcall"
)

// actions are those that a rule can have.
var actions = []string{ActionDeny, ActionFlag, ActionRoute, ActionSet, ActionTag, ActionStripTools, ActionRequireHeader, ActionApprove}

// Bounds of what rules set.
const (
	maxModelName = 256
	maxTags      = 16
	maxTagBytes  = 64
	maxExpires   = 30 * 24 * time.Hour
)

// checkAction validates what an action needs, and that there is nothing else.
func checkAction(r *Rule, bad func(format string, args ...any) error) error {
	is := func(actions ...string) bool { return slices.Contains(actions, r.Action) }
	switch {
	case r.Message != "" && !is(ActionDeny, ActionFlag, ActionRequireHeader, ActionApprove):
		return bad("%s takes no message", r.Action)
	case is(ActionRoute) && r.Model == "":
		return bad("route needs a model")
	case r.Model != "" && !is(ActionRoute, ActionSet):
		return bad("only route and set take a model")
	case r.Model != "" && !printable(r.Model, maxModelName):
		return bad("%q is no name of a model", r.Model)
	case (r.MaxTokens != 0 || len(r.Settings) > 0) && !is(ActionSet):
		return bad("only set takes max_tokens and other settings")
	case r.MaxTokens < 0 || r.MaxTokens > 1_000_000_000:
		return bad("max_tokens takes a number from 1 to 1,000,000,000")
	case is(ActionSet) && r.Model == "" && r.MaxTokens == 0 && len(r.Settings) == 0:
		return bad("set needs something to set, e.g. max_tokens 1000")
	case is(ActionTag) != (len(r.Tags) > 0):
		return bad("tag needs tags, and only tag takes them")
	case len(r.Tags) > maxTags:
		return bad("more than %d tags", maxTags)
	case len(r.Tools) > 0 && !is(ActionStripTools):
		return bad("only strip_tools takes patterns of tools")
	case is(ActionRequireHeader) != (r.Header != ""):
		return bad("require_header needs the name of a header, and only it takes one")
	case len(r.Values) > 0 && r.Header == "":
		return bad("values of a header need its name")
	case r.Header != "" && strings.ContainsFunc(r.Header, notToken):
		return bad("%q is no name of a header", r.Header)
	case r.Header != "" && hidden(r.Header):
		return bad("%s carries a credential: rules never see it", r.Header)
	case r.Expires != 0 && !is(ActionApprove), r.Expires < 0 || r.Expires > maxExpires:
		return bad("expires is for approve, and takes at most %d days", maxExpires/(24*time.Hour))
	}
	for _, t := range r.Tags {
		if !printable(t, maxTagBytes) {
			return bad("a tag must be printable, without spaces and at most %d bytes long", maxTagBytes)
		}
	}
	for _, p := range slices.Concat(r.Tools, r.Values) {
		if p == "" || len(p) > maxModelName || !utf8.ValidString(p) {
			return bad("%q is no pattern", p)
		}
	}
	for name, value := range r.Settings {
		if !validSetting(dialects.Settings[name], value) {
			return bad("%s cannot be set to %s", name, value)
		}
	}
	return nil
}

// notToken reports whether a character cannot be in the name of a header.
func notToken(c rune) bool {
	return !(c|0x20 >= 'a' && c|0x20 <= 'z' && c < 0x80 || c >= '0' && c <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", c))
}

func printable(s string, most int) bool {
	return s != "" && len(s) <= most && utf8.ValidString(s) && !strings.ContainsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || !unicode.IsPrint(c) })
}

// validSetting reports whether JSON is a value of a kind of setting.
func validSetting(kind byte, value string) bool {
	switch kind {
	case 'n':
		f, err := strconv.ParseFloat(value, 64)
		return err == nil && jsontext.Value(value).IsValid() && f > -1e15 && f < 1e15
	case 'b':
		return value == "true" || value == "false"
	case 's':
		word, err := strconv.Unquote(value)
		return err == nil && jsontext.Value(value).IsValid() && printable(word, maxTagBytes)
	}
	return false
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
	if err == nil && r.Action == ActionStripTools && len(r.Tools) > 0 && e.longTool() {
		err = errSize
	}
	if err != nil || r.Action == ActionDeny || r.Action == ActionFlag {
		d := r.decide(x, err)
		if d != nil && e.answer != nil {
			d.Message = r.answerMessage(err)
		}
		return d
	}
	enforced := r.enforced(x)
	d := llm.Decision{Module: "policy", Rule: r.Name, Action: r.Action}
	if !enforced {
		d.Action = would + r.Action
	}
	var refused *llm.Denial
	switch r.Action {
	case ActionRoute, ActionSet:
		d.Detail, refused = r.change(e, enforced)
	case ActionTag:
		d.Detail = strings.Join(r.Tags, ", ")
		if enforced {
			for _, t := range r.Tags {
				if !slices.Contains(x.Tags, t) {
					x.Tags = append(x.Tags, t)
				}
			}
		}
	case ActionStripTools:
		var told bool
		if d.Detail, told, refused = r.strip(e, enforced); !told && refused == nil {
			return nil // there was nothing to take out
		}
	case ActionRequireHeader:
		if r.headerThere(e) {
			return nil
		}
		if d.Detail = "without " + r.Header; enforced {
			refused = r.refusal("send the header " + r.Header + ", which this gateway's policy asks for")
		}
	case ActionApprove:
		if enforced {
			d.Detail, refused = r.approved(e)
		}
	}
	if refused != nil {
		d.Action, d.Code = ActionDeny, refused.Code
		refused.Rule = r.Name
	}
	x.Decide(d)
	return refused
}

// refusal is what the client is told by rules that refuse by themselves.
func (r *rule) refusal(otherwise string) *llm.Denial {
	text := fmt.Sprintf("%s (policy rule %q)", cmp.Or(r.Message, otherwise), r.Name)
	return llm.Deny(http.StatusUnprocessableEntity, llm.CodePolicyBlocked, llm.StagePolicy, "%s", text)
}

// headerThere reports whether the required header is there, with a right value.
func (r *rule) headerThere(e *evaluation) bool {
	for _, v := range e.env.Headers.Values(r.Header) {
		if v != "" && len(r.Values) == 0 {
			return true
		}
		for _, p := range r.Values {
			if llm.MatchModel(p, v) {
				return true
			}
		}
	}
	return false
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
	if x.View != nil && len(r.Settings) > 0 {
		body := body(x)
		for _, name := range slices.Sorted(maps.Keys(r.Settings)) {
			changed, known := dialects.SetMember(x.Dialect, body, name, []byte(r.Settings[name]))
			if !known {
				told = append(told, name+" is not in this dialect")
				continue
			}
			body = changed
			told = append(told, name+" "+r.Settings[name])
		}
		if enforced {
			refused = e.rewrite(body)
		}
	}
	if enforced {
		e.routed = e.routed || r.Action == ActionRoute
		e.memo[slotModel], e.memo[slotMaxTokens] = nil, nil
	}
	return strings.Join(told, ", "), refused
}

// longTool reports whether a tool has a name that is too long to be held against patterns:
// what is shown to expressions is bounded, too.
func (e *evaluation) longTool() bool {
	return e.x.View != nil && slices.ContainsFunc(e.x.View.Tools, func(t llm.Tool) bool { return len(t.Name) > maxNameBytes || len(t.Type) > maxNameBytes })
}

// strip takes tools out of the request. What runs a tool may not tell cases or
// look-alikes apart, so patterns are held against its plain and its canonical name. told is false if there were none to take.
func (r *rule) strip(e *evaluation, enforced bool) (detail string, told bool, refused *llm.Denial) {
	x := e.x
	if x.View == nil {
		return "", false, nil
	}
	drop := func(name, typ string) bool {
		if len(r.Tools) == 0 {
			return true
		}
		plain, canonical := strings.ToLower(norm.Of(name).Text()), toolcall.Name(name)
		return slices.ContainsFunc(r.Tools, func(p string) bool {
			p = strings.ToLower(p)
			return name != "" && (llm.MatchModel(p, plain) || llm.MatchModel(p, canonical)) || typ != "function" && llm.MatchModel(p, typ)
		})
	}
	n := 0
	for i := range x.View.Tools {
		if drop(x.View.Tools[i].Name, x.View.Tools[i].Type) {
			n++
		}
	}
	if n == 0 {
		return "", false, nil
	}
	if enforced {
		refused = e.rewrite(dialects.StripTools(x.Dialect, body(x), drop))
	}
	return strconv.Itoa(n) + " tools", true, refused
}

// body is the request's body with the edits so far.
func body(x *llm.Exchange) []byte { return llm.Splice(x.View.Raw, x.Changes.Edits) }

// rewrite goes on with another body: rules behind this one judge it, and it is what is
// bounded, priced and sent.
func (e *evaluation) rewrite(body []byte) *llm.Denial {
	x := e.x
	v, d := dialects.Reparse(x.View, body)
	if d != nil {
		return llm.Deny(http.StatusUnprocessableEntity, llm.CodeUnscannable, llm.StagePolicy,
			"the request could not be changed as the policy of this gateway asks, so it was refused; ask the operator of this gateway").Because(d)
	}
	x.View, x.Changes.Edits = v, nil
	clear(e.memo[:])
	clear(e.results)
	clear(e.answers)
	e.asides.forget()
	for i := range e.selections {
		e.selections[i].reset()
	}
	return nil
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
