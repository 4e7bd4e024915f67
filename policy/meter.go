package policy

import (
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// A rule is stopped by a meter and by a clock, and both are read in the same
// places: once an iteration of every loop, and before every function call whose
// work grows with its arguments. What lies between two such places is bounded by
// the size of the expression.
//
// An iteration costs one unit and one more for every variable, field and call in
// the body; a call costs as told in guard.go. CEL's own meter is not used: its
// bookkeeping grows with every step of a loop and is searched at every step, so
// that a loop over 10,000 segments takes 90 ms. Nor is CEL's own way of being
// interrupted, a context whose channel somebody closes: it costs five
// allocations a rule, and on one busy core nobody gets to close the channel
// before the scheduler's time slice of 10 ms is over.

// unitTime is about what a cost unit stands for.
const unitTime = 20 * time.Nanosecond

// How many bytes of a string one cost unit, some 20 ns, pays for.
const (
	walkBytesPerUnit = 128 // functions that walk over it, many bytes at a time
	copyBytesPerUnit = 64  // functions that copy it
	slowBytesPerUnit = 8   // functions that decode every rune or build lists
)

// meterName is a variable that no expression can name; it gives the running
// evaluation to the nodes of a program.
const meterName = "#meter"

// meterOf returns the running evaluation, nil while CEL folds constants.
func meterOf(f *interpreter.ExecutionFrame) *evaluation {
	v, _ := f.ResolveName(meterName)
	e, _ := v.(*evaluation)
	return e
}

// spend takes cost units and stops the rule if none are left or its time is
// over. The panics are CEL's own way of stopping an evaluation: Program.Eval
// turns them into errors.
func (e *evaluation) spend(units uint64) {
	if e == nil {
		return
	}
	if units > e.fuel {
		panic(interpreter.EvalCancelledError{Message: "cost limit exceeded", Cause: interpreter.CostLimitExceeded})
	}
	e.fuel -= units
	// Reading the clock takes as long as two units: not every time.
	if e.sinceLook += units; e.sinceLook >= 32 {
		e.sinceLook = 0
		if e.fuel > e.patience {
			return // it cannot have worked that long: the machine was busy elsewhere
		}
		if e.clock().After(e.deadline) {
			panic(interpreter.EvalCancelledError{Message: "deadline exceeded", Cause: interpreter.ContextCancelled})
		}
	}
}

// worked notes that a call may have worked longer than what it pays for says: the
// clock counts sooner.
func (e *evaluation) worked(units int) {
	if e != nil {
		e.patience += uint64(units)
	}
}

// loopNode returns the id of a part of the loop that is evaluated in each
// iteration, the condition if it computes anything and else the step, and what
// an iteration costs.
func loopNode(c ast.ComprehensionExpr) (id int64, units uint64) {
	units = 1 + weigh(c.LoopCondition(), c) + weigh(c.LoopStep(), c)
	if cond := c.LoopCondition(); cond.Kind() == ast.CallKind {
		switch cond.AsCall().FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr, operators.Conditional:
		default:
			return cond.ID(), units
		}
	}
	return c.LoopStep().ID(), units
}

// weigh counts the variables, fields and calls of an expression. The loops in it
// pay for their own iterations; the hidden variable and the logic that macros
// make are free.
func weigh(e ast.Expr, c ast.ComprehensionExpr) (n uint64) {
	switch e.Kind() {
	case ast.IdentKind:
		if e.AsIdent() != c.AccuVar() {
			n = 1
		}
	case ast.SelectKind:
		n = 1 + weigh(e.AsSelect().Operand(), c)
	case ast.CallKind:
		call := e.AsCall()
		switch call.FunctionName() {
		case operators.LogicalAnd, operators.LogicalOr, operators.LogicalNot, operators.Conditional, operators.NotStrictlyFalse:
		default:
			n = 1
		}
		if call.IsMemberFunction() {
			n += weigh(call.Target(), c)
		}
		for _, a := range call.Args() {
			n += weigh(a, c)
		}
	case ast.ListKind:
		n = 1
		for _, x := range e.AsList().Elements() {
			n += weigh(x, c)
		}
	case ast.MapKind:
		n = 1
		for _, x := range e.AsMap().Entries() {
			n += weigh(x.AsMapEntry().Key(), c) + weigh(x.AsMapEntry().Value(), c)
		}
	case ast.ComprehensionKind:
		inner := e.AsComprehension()
		n = 1 + weigh(inner.IterRange(), c) + weigh(inner.AccuInit(), c) + weigh(inner.Result(), inner)
	}
	return n
}

// decorator puts the meter into a program while it is planned.
type decorator struct {
	loops map[int64]uint64 // nodes that pay for an iteration, and how much
	impls map[string]*impl
}

func (d decorator) decorate(i interpreter.InterpretableV2) (interpreter.InterpretableV2, error) {
	if call, ok := i.(interpreter.InterpretableCall); ok {
		var err error
		if i, err = d.guardCall(call); err != nil {
			return nil, err
		}
	}
	units, ok := d.loops[i.ID()]
	if !ok {
		return i, nil
	}
	// The planner and the optimizer look at these interfaces.
	switch n := i.(type) {
	case interpreter.InterpretableConst:
		return i, nil
	case interpreter.InterpretableAttribute:
		return &paidAttribute{n, units}, nil
	case interpreter.InterpretableCall:
		return &paidCall{n, units}, nil
	default:
		return &paidNode{n, units}, nil
	}
}

type paidCall struct {
	interpreter.InterpretableCall
	units uint64
}

// Exec implements interpreter.InterpretableV2.
func (p *paidCall) Exec(f *interpreter.ExecutionFrame) ref.Val {
	meterOf(f).spend(p.units)
	return p.InterpretableCall.Exec(f)
}

// Eval implements interpreter.Interpretable.
func (p *paidCall) Eval(a interpreter.Activation) ref.Val { return p.Exec(interpreter.AsFrame(a)) }

type paidAttribute struct {
	interpreter.InterpretableAttribute
	units uint64
}

// Exec implements interpreter.InterpretableV2.
func (p *paidAttribute) Exec(f *interpreter.ExecutionFrame) ref.Val {
	meterOf(f).spend(p.units)
	return p.InterpretableAttribute.Exec(f)
}

// Eval implements interpreter.Interpretable.
func (p *paidAttribute) Eval(a interpreter.Activation) ref.Val { return p.Exec(interpreter.AsFrame(a)) }

type paidNode struct {
	interpreter.InterpretableV2
	units uint64
}

// Exec implements interpreter.InterpretableV2.
func (p *paidNode) Exec(f *interpreter.ExecutionFrame) ref.Val {
	meterOf(f).spend(p.units)
	return p.InterpretableV2.Exec(f)
}

// Eval implements interpreter.Interpretable.
func (p *paidNode) Eval(a interpreter.Activation) ref.Val { return p.Exec(interpreter.AsFrame(a)) }
