package policy

import (
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Rules are stopped at their deadline by a look at the clock once every few
// iterations of every loop. CEL's own way, a context whose channel somebody
// closes, costs five allocations a rule, and on one busy core nobody gets to
// close the channel before the scheduler's time slice of 10 ms is over.

// tickingNode returns the id of a part of the loop that is evaluated in each
// iteration: the condition if it computes anything, else the step.
func tickingNode(c ast.ComprehensionExpr) int64 {
	if cond := c.LoopCondition(); cond.Kind() == ast.CallKind {
		switch cond.AsCall().FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr, operators.Conditional:
		default:
			return cond.ID()
		}
	}
	return c.LoopStep().ID()
}

// decorate makes the planner put ticks at the given nodes and replace matches().
func decorate(ticking map[int64]bool) interpreter.InterpretableDecoratorV2 {
	return func(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
		if call, ok := i.(interpreter.InterpretableCall); ok && call.Function() == "matches" {
			m, err := newMatcher(call)
			if err != nil {
				return nil, err
			}
			i = m
		}
		if !ticking[i.ID()] {
			return i, nil
		}
		// The planner, the optimizer and the meter look at these interfaces.
		switch n := i.(type) {
		case interpreter.InterpretableConst:
			return i, nil
		case interpreter.InterpretableAttribute:
			return &tickAttribute{n}, nil
		case interpreter.InterpretableCall:
			return &tickCall{n}, nil
		default:
			return &tickAny{n}, nil
		}
	}
}

func tick(f *interpreter.ExecutionFrame) { f.ResolveName(tickName) }

type tickCall struct{ interpreter.InterpretableCall }

// Exec implements interpreter.InterpretableV2.
func (t *tickCall) Exec(f *interpreter.ExecutionFrame) ref.Val {
	tick(f)
	return t.InterpretableCall.Exec(f)
}

// Eval implements interpreter.Interpretable.
func (t *tickCall) Eval(a interpreter.Activation) ref.Val { return t.Exec(interpreter.AsFrame(a)) }

type tickAttribute struct {
	interpreter.InterpretableAttribute
}

// Exec implements interpreter.InterpretableV2.
func (t *tickAttribute) Exec(f *interpreter.ExecutionFrame) ref.Val {
	tick(f)
	return t.InterpretableAttribute.Exec(f)
}

// Eval implements interpreter.Interpretable.
func (t *tickAttribute) Eval(a interpreter.Activation) ref.Val { return t.Exec(interpreter.AsFrame(a)) }

type tickAny struct{ interpreter.InterpretableV2 }

// Exec implements interpreter.InterpretableV2.
func (t *tickAny) Exec(f *interpreter.ExecutionFrame) ref.Val {
	tick(f)
	return t.InterpretableV2.Exec(f)
}

// Eval implements interpreter.Interpretable.
func (t *tickAny) Eval(a interpreter.Activation) ref.Val { return t.Exec(interpreter.AsFrame(a)) }
