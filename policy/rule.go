package policy

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"cel.dev/cel-go/cel"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
)

// The values of Rule.Action.
const (
	ActionDeny  = "deny"  // refuse when the expression is true
	ActionFlag  = "flag"  // only note that it was true
	ActionRoute = "route" // ask another model
	ActionSet   = "set"   // change what the request asks for
	ActionTag   = "tag"   // mark the call in the record and the ledger

	ActionStripTools    = "strip_tools"    // take tools out of the request
	ActionRequireHeader = "require_header" // refuse unless a header is there
	ActionApprove       = "approve"        // refuse until a person has agreed
)

// The values of Rule.In, Rule.Enforcement and Rule.OnError.
const (
	InRequest  = "request" // the default
	InResponse = "response"
	InBoth     = "both"

	EnforceOn     = "on"     // the default
	EnforceShadow = "shadow" // evaluate and record, but change nothing
	EnforceSample = "sample" // on for a share of the calls, in shadow for the others

	OnErrorDeny  = "deny"  // the default
	OnErrorAllow = "allow" // go on as if the rule had not matched
)

// Rule is one rule as written in the configuration.
type Rule struct {
	// Name identifies the rule in answers, records and metrics. Required, unique
	// in its set, printable, without spaces, at most 128 bytes.
	Name string
	// Action is what a match means: one of the Action constants.
	Action string
	// Expr is a CEL expression with a bool result, at most 16 KiB long.
	Expr string
	// In says what the rule judges: the request, the answer, or each of them. Only
	// deny, flag and tag can judge answers.
	In string
	// Buffer holds an answer until its end, for a deny rule that can only judge it
	// whole.
	Buffer bool
	// Message tells the client why it was refused and what to do; may be empty.
	// It is sent as it stands. Of deny, require_header and approve; of flag it says
	// what the flag means, and nobody is told.
	Message string
	// Model is the model to ask. Of route, and of set.
	Model string
	// MaxTokens is the limit on output tokens to set, or to lower to; 0 for none.
	// Of set.
	MaxTokens int64
	// Settings are members of the request to set, see dialects.Settings, with their
	// values as JSON. Of set.
	Settings map[string]string
	// Tags are those to add. Of tag.
	Tags []string
	// Tools are patterns of names or types of tools, as llm.MatchModel takes them.
	// Of strip_tools; none stands for all tools.
	Tools []string
	// Header is the name of the header that must be there, Values are patterns of
	// which one must match it, none for any value. Of require_header.
	Header string
	Values []string
	// Expires is how long a person may take, and how long after that the call may
	// be made. Of approve; 0 means an hour.
	Expires time.Duration
	// Enforcement is "on" (or empty), "shadow" or "sample".
	Enforcement string
	// Sample is the share of the calls, in percent from 1 to 99, for which the rule
	// is on. Of "sample" only.
	Sample int
	// OnError says what happens when the expression cannot be evaluated: "deny"
	// (or empty) or "allow". It holds for flags too: a flag that could not be
	// judged is a request that could not be judged. Shadow rules never deny.
	OnError string
}

// CompileError says which rule does not compile, and where in its expression.
type CompileError struct {
	// Rule is the name of the rule.
	Rule string
	// Line and Column, both from 1 and in characters, point into Rule.Expr; 0
	// when the fault is not in the expression.
	Line, Column int
	// Msg says what is wrong.
	Msg string
	// Err is the cause; may be nil.
	Err error
}

// Error names rule, position and fault.
func (e *CompileError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("policy rule %q: %s", e.Rule, e.Msg)
	}
	return fmt.Sprintf("policy rule %q: %d:%d: %s", e.Rule, e.Line, e.Column, e.Msg)
}

// Unwrap returns the cause, may be nil.
func (e *CompileError) Unwrap() error { return e.Err }

// RequestEnv is what rules may see of a request beyond its Exchange.
type RequestEnv struct {
	// Headers are the request's headers, with canonical names. They are read
	// during Evaluate only. Credential headers are invisible to rules.
	Headers http.Header
	// Host is the site that was asked, in lower case: part of what an approval is for,
	// since other sites may have other providers.
	Host string
	// Target is the path and the query of the request line, without credentials: part of
	// what a person who approves a call agrees to.
	Target string
	// Now is the value of `now`. Required.
	Now time.Time
	// Policy is the hash by which decisions name the set of rules, "" for its own.
	Policy string
	// Provider reports whether a provider of that name is declared, which callers may put
	// before a model. nil for none.
	Provider func(name string) bool
	// Budgets returns where the caller stands with the budgets that it falls under;
	// asked once, when a rule reads them. nil for none.
	Budgets func() []Budget
	// Approvals keeps the calls that wait for a person, and knows which of them may
	// go. Where it is nil, an approve rule that matches refuses.
	Approvals Approver
	// Classifiers answer classify(). Where it is nil, rules that need an answer cannot
	// be evaluated.
	Classifiers classify.Asker
	// Detectors are what detect() runs: those that the set was compiled with.
	Detectors Detectors
	// Beside, if not nil, is given the evaluations of rules that wait for a classifier
	// and refuse nothing (flags, unless they say `on_error deny`, and rules in shadow).
	// It runs them on other goroutines, so that the request need not wait, and adds
	// what they find to the Exchange before that is recorded.
	Beside func(evaluate func(ctx context.Context) Findings)
}

// Defaults of the options.
const (
	DefaultCostLimit = 100_000
	DefaultDeadline  = 5 * time.Millisecond
)

// Option changes how rules are compiled and evaluated.
type Option func(*options)

type options struct {
	costLimit uint64
	deadline  time.Duration
	clock     func() time.Time // for the deadline, not for `now`
	// functions are those that rules may call beyond CEL's own and the detectors.
	functions []cel.EnvOption
	// classifiers are the names that classify() takes, sorted.
	classifiers []string
	// detectors are those that detect() takes.
	detectors Detectors
}

// language returns the language that the rules are written in.
func (o *options) language() (*language, error) {
	if len(o.functions) == 0 {
		return standard()
	}
	return newLanguage(o.functions)
}

// WithCostLimit sets the most CEL cost units that one rule may use on one
// request; 0 means DefaultCostLimit. A unit is about 20 ns of work: a loop pays
// one an iteration and one for each variable, field and call in its body; a
// function that walks over a string pays one for 128 bytes, one that copies it one
// for 64, one that decodes it one for 8.
func WithCostLimit(units uint64) Option {
	return func(o *options) {
		if units > 0 {
			o.costLimit = units
		}
	}
}

// WithDeadline sets how long one rule may run on one request; 0 means
// DefaultDeadline.
func WithDeadline(d time.Duration) Option {
	return func(o *options) {
		if d > 0 {
			o.deadline = d
		}
	}
}
