package policy

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"net/http"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/interpreter"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Actions of the decisions that Evaluate adds, besides ActionDeny and
// ActionFlag.
const (
	DecisionWouldDeny = would + ActionDeny // a deny rule in shadow matched
	DecisionWouldFlag = would + ActionFlag // a flag rule in shadow matched
	DecisionError     = "error"            // a rule could not be evaluated

	would = "would_" // before the action of any rule in shadow
)

// Evaluate runs the rules in order on a request and returns the first refusal,
// nil if there is none. For every rule that matched or could not be evaluated,
// up to the one that refused, it appends a decision to x. Decisions, denials and
// their causes hold nothing of the prompt.
//
// A rule that cannot be evaluated refuses the request unless its OnError is
// "allow" or it is in shadow: with code policy_blocked, or with unscannable when
// it looks at a body of which x has no View.
//
// It takes at most the deadline for each rule, and what classifiers take that the rule
// asks; ctx is for these.
func (s *Set) Evaluate(ctx context.Context, x *llm.Exchange, env RequestEnv) *llm.Denial {
	if len(s.rules) == 0 {
		return nil
	}
	e := newEvaluation(x, env)
	defer e.release()
	e.clock = s.clock
	defer s.sign(x, env, len(x.Decisions))
	for i := range s.rules {
		r := &s.rules[i]
		if e.routed && r.Action == ActionRoute {
			continue // the first that matches decides
		}
		matched, err := r.matches(e, s)
		if errors.Is(err, errPending) && r.beside && env.Beside != nil {
			env.Beside(r.later(e, s))
			continue
		}
		if errors.Is(err, errPending) {
			e.ask(ctx)
			matched, err = r.decided(ctx, e, s)
		}
		if err == nil && !matched {
			continue
		}
		if d := r.apply(e, err); d != nil {
			return d
		}
	}
	return nil
}

// sign puts the name of the set on the decisions that it has added.
func (s *Set) sign(x *llm.Exchange, env RequestEnv, from int) {
	for i := range x.Decisions[from:] {
		x.Decisions[from+i].Policy = cmp.Or(env.Policy, s.hash)
	}
}

var (
	errNoView   = errors.New("the body was not understood")
	errDeadline = errors.New("it ran out of time")
	errCost     = errors.New("it went over its cost limit")
	errSize     = errors.New("something in the request is too large for it")
	errOther    = errors.New("its evaluation failed")
)

// matches evaluates one rule. A rule that reads the model of a call that names a
// provider with it ("openai/gpt-4o") matches if it does with either name, with the
// prefix and without: behind some routes the prefix is part of the name, behind others
// it only chooses, and the rule stands before all of them.
func (r *rule) matches(e *evaluation, s *Set) (matched bool, err error) {
	e.bare = false
	matched, err = r.once(e, s)
	if matched || !r.model || err != nil && err != errOther {
		return matched, err
	}
	bare, ok := e.bareModel()
	if !ok {
		return false, err
	}
	full := e.memo[slotModel]
	defer func() { e.memo[slotModel] = full }()
	e.memo[slotModel] = name(bare)
	e.bare = true
	// A table of models, for one, may not know the longer name: that must not let pass
	// what the shorter is refused for.
	matched, failed := r.once(e, s)
	if matched || failed != nil {
		return matched, failed
	}
	return false, err
}

// bareModel is the model without the name of a provider before it; false if there is
// none.
func (e *evaluation) bareModel() (model string, ok bool) {
	provider, model, ok := llm.SplitModel(e.x.Model())
	return model, ok && e.env.Provider != nil && e.env.Provider(provider)
}

// once evaluates one rule on the request as its fields say it.
func (r *rule) once(e *evaluation, s *Set) (matched bool, err error) {
	if r.needsBody && e.x.View == nil && (e.x.Dialect.HasBody() || e.x.Dialect == llm.DialectNone) {
		return false, errNoView
	}
	defer func() {
		if p := recover(); p != nil { // Eval recovers by itself; this is for the rest
			matched, err = false, errOther
		}
	}()
	e.fuel, e.sinceLook, e.wanted = s.costLimit, 0, e.wanted[:0]
	e.phrases, e.paid = r.phrases, false
	if e.patience = 0; r.clocked {
		e.deadline = e.clock().Add(s.deadline)
		// The clock runs while other goroutines have the processor, too. A rule
		// that has done less than a sixteenth of the work that its time is
		// good for is not to blame, and its caller must not be refused.
		e.patience = s.costLimit - min(s.costLimit/2, uint64(s.deadline/(16*unitTime)))
	}
	v, _, err := r.program.Eval(e)
	if err != nil {
		if err = reduce(err); len(e.wanted) > 0 && err == errOther {
			err = errPending // what has no value yet may look like a mistake
		}
		return false, err
	}
	if types.IsUnknown(v) && len(e.wanted) > 0 {
		return false, errPending
	}
	b, ok := v.(types.Bool)
	if !ok {
		return false, errOther
	}
	return bool(b), nil
}

// reduce reduces an evaluation error to its kind: its text may quote the
// request.
func reduce(err error) error {
	var cancelled interpreter.EvalCancelledError
	switch {
	case errors.As(err, &cancelled) && cancelled.Cause == interpreter.CostLimitExceeded:
		return errCost
	case errors.As(err, &cancelled):
		return errDeadline
	case errors.Is(err, errTooLarge):
		return errSize
	case errors.Is(err, errClassifier):
		return errClassifier
	}
	return errOther
}

// decide records what a rule that matched (err nil) or failed has to say, and
// returns its refusal if it is one.
func (r *rule) decide(x *llm.Exchange, err error) *llm.Denial {
	d := llm.Decision{Module: "policy", Rule: r.Name, Action: r.Action}
	code, refuse := llm.CodePolicyBlocked, r.Action == ActionDeny
	if err != nil {
		if errors.Is(err, errNoView) {
			code = llm.CodeUnscannable
		}
		d.Action, d.Detail = DecisionError, err.Error()
		refuse = r.OnError == OnErrorDeny
	}
	if !r.enforced(x) {
		refuse = false
		if d.Action != DecisionError {
			d.Action = would + d.Action
		}
	}
	if refuse {
		d.Code = code
		if err != nil {
			d.Action = ActionDeny
		}
	}
	x.Decide(d)
	if !refuse {
		return nil
	}
	denial := llm.Deny(http.StatusUnprocessableEntity, code, llm.StagePolicy, "%s", r.message(err))
	denial.Rule = r.Name
	denial.Err = err
	return denial
}

// message is what the client is told.
func (r *rule) message(err error) string {
	switch {
	case errors.Is(err, errNoView):
		return fmt.Sprintf("the request could not be examined by policy rule %q, so it was refused; send a supported request format or ask the operator of this gateway", r.Name)
	case err != nil:
		return fmt.Sprintf("policy rule %q could not be evaluated for this request (%v), so it was refused; shorten the request or ask the operator of this gateway", r.Name, err)
	case r.Message == "":
		return fmt.Sprintf("refused by policy rule %q; change the request or ask the operator of this gateway", r.Name)
	}
	return fmt.Sprintf("%s (policy rule %q)", r.Message, r.Name)
}

// answerMessage is what the client is told of an answer that it does not get, or not
// in full.
func (r *rule) answerMessage(err error) string {
	switch {
	case err != nil:
		return fmt.Sprintf("policy rule %q could not be evaluated for the answer (%v), so it was withheld; ask the operator of this gateway", r.Name, err)
	case r.Message == "":
		return fmt.Sprintf("the answer was withheld by policy rule %q; change the request or ask the operator of this gateway", r.Name)
	}
	return fmt.Sprintf("%s (policy rule %q)", r.Message, r.Name)
}

// enforced reports whether what the rule says is done for this call. Which calls of a
// sample are is told by their ids, so that it can be told again later.
func (r *rule) enforced(x *llm.Exchange) bool {
	switch r.Enforcement {
	case EnforceShadow:
		return false
	case EnforceSample:
		h := fnv.New64a()
		h.Write([]byte(x.ID))
		h.Write([]byte{0})
		h.Write([]byte(r.Name))
		return mix(h.Sum64())%100 < uint64(r.Sample)
	}
	return true
}

// mix spreads the bits of a hash (the last step of SplitMix64): ids of one moment
// differ in few places.
func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
