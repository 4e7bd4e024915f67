package policy

import (
	"net/http"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Parts of a request in which no rule can read: their names in configurations.
const (
	PartFile   = "file"   // documents and sound, inline, by id or by address
	PartImage  = "image"  // pictures
	PartTokens = "tokens" // text as numbers of tokens
)

// Parts lists the names.
var Parts = []string{PartFile, PartImage, PartTokens}

// AllowedParts reports whether a part may pass, by what the configuration says of parts:
// "deny" or "allow". Where it says nothing, pictures in requests may.
func AllowedParts(said map[string]string, response bool) func(part string) bool {
	return func(part string) bool {
		what, is := said[part]
		return what == "allow" || !is && part == PartImage && !response
	}
}

// ReadsAnswers reports whether a rule that can refuse reads the texts of answers.
func (s *Set) ReadsAnswers() bool { return s.answersRead }

// UnscannableAnswer is Unscannable for the parts of an answer that have come since the
// last time.
func UnscannableAnswer(x *llm.Exchange, policy string, parts []string, allowed func(part string) bool) *llm.Denial {
	var refused, let []string
	for _, part := range parts {
		list := &refused
		if allowed(part) {
			list = &let
		}
		*list = append(*list, part)
	}
	if len(let) > 0 {
		x.Decide(llm.Decision{Module: "policy", Rule: UnscannableRule, Policy: policy, Action: "allow", Detail: "response: " + strings.Join(let, ", ")})
	}
	if len(refused) == 0 {
		return nil
	}
	x.Decide(llm.Decision{Module: "policy", Rule: UnscannableRule, Policy: policy, Action: ActionDeny, Code: llm.CodeUnscannable, Detail: "response: " + strings.Join(refused, ", ")})
	d := llm.Deny(http.StatusUnprocessableEntity, llm.CodeUnscannable, llm.StagePolicy,
		"the answer holds what the policy of this gateway cannot read (%s), so it was withheld; ask for text, or ask the operator, who can allow it with `unscannable allow %s`",
		strings.Join(refused, ", "), strings.Join(refused, " "))
	d.Rule = UnscannableRule
	return d
}

// UnscannableRule is the name under which such parts are recorded and counted.
const UnscannableRule = "unscannable"

// ReadsTexts reports whether a rule that can refuse reads the texts of requests: then
// what it cannot read must not pass for empty.
func (s *Set) ReadsTexts() bool { return s.readsTexts }

// Unscannable refuses a request with parts in which no rule can read, unless they are
// all allowed; nil if there are none. It records what it has found.
func Unscannable(x *llm.Exchange, policy string, allowed func(part string) bool) *llm.Denial {
	if x.View == nil {
		return nil
	}
	var refused, let []string
	for i := range x.View.Segments {
		g := &x.View.Segments[i]
		part := ""
		switch g.Kind {
		case llm.KindFile:
			if part = PartFile; g.Span.Start < g.Span.End && g.Span.End <= len(x.View.Raw) && x.View.Raw[g.Span.Start] == '[' {
				part = PartTokens
			}
		case llm.KindImage:
			part = PartImage
		default:
			continue
		}
		list := &refused
		if allowed(part) {
			list = &let
		}
		if !slices.Contains(*list, part) {
			*list = append(*list, part)
		}
	}
	if len(refused) == 0 {
		if len(let) > 0 {
			x.Decide(llm.Decision{Module: "policy", Rule: UnscannableRule, Policy: policy, Action: "allow", Detail: strings.Join(let, ", ")})
		}
		return nil
	}
	x.Decide(llm.Decision{Module: "policy", Rule: UnscannableRule, Policy: policy, Action: ActionDeny, Code: llm.CodeUnscannable, Detail: strings.Join(refused, ", ")})
	d := llm.Deny(http.StatusUnprocessableEntity, llm.CodeUnscannable, llm.StagePolicy,
		"the request holds what the policy of this gateway cannot read (%s), so it was refused; send text, or ask the operator, who can allow it with `unscannable allow %s`",
		strings.Join(refused, ", "), strings.Join(refused, " "))
	d.Rule = UnscannableRule
	return d
}
