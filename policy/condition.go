package policy

import (
	"context"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Condition is an expression over a request that decides whether something applies which
// is no rule in CEL itself. A nil Condition always holds.
type Condition struct {
	set *Set
}

// NewCondition compiles a condition of a rule: the rule's Name, Expr, Enforcement, Sample
// and OnError count, Action is what it is called in messages.
func NewCondition(r Rule, opts ...Option) (*Condition, error) {
	r.Action = ActionFlag // which has nothing but an expression
	set, err := Compile([]Rule{r}, opts...)
	if err != nil {
		return nil, err
	}
	return &Condition{set}, nil
}

// Hash is that of Set.Hash.
func (c *Condition) Hash() string {
	if c == nil {
		return ""
	}
	return c.set.Hash()
}

// Reads is what the expression reads: see Set.Reads.
func (c *Condition) Reads() []string {
	if c == nil {
		return nil
	}
	return c.set.rules[0].reads()
}

// Holds evaluates the condition on a request. If that fails, it is recorded as of any rule,
// and refuses the request unless the rule's OnError or Enforcement says otherwise.
func (c *Condition) Holds(ctx context.Context, x *llm.Exchange, env RequestEnv) (holds bool, refused *llm.Denial) {
	if c == nil {
		return true, nil
	}
	e := newEvaluation(x, env)
	defer e.release()
	e.clock = c.set.clock
	r := &c.set.rules[0]
	holds, err := r.decided(ctx, e, c.set)
	if err == nil {
		return holds, nil
	}
	defer c.set.sign(x, env, len(x.Decisions))
	return false, r.decide(x, err)
}

// Sampled reports whether a rule whose enforcement is a sample is on for a call: the same
// for all that the rule does.
func Sampled(x *llm.Exchange, name string, percent int) bool {
	r := rule{Rule: Rule{Name: name, Enforcement: EnforceSample, Sample: percent}}
	return r.enforced(x)
}
