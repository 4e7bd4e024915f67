package policy

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// costError says that an expression can never stay within the cost limit.
type costError struct{ min, limit uint64 }

func (e *costError) Error() string {
	return fmt.Sprintf("the expression costs at least %d units; the limit is %d", e.min, e.limit)
}

// plan makes a program of a checked expression. A program whose greatest
// possible cost is proved to be within the limit runs without the meter, which
// costs more than most rules; every other program is metered as it runs.
func plan(env *cel.Env, checked *cel.Ast, u usage, o *options) (cel.Program, error) {
	bound, err := env.EstimateCost(checked, estimator{})
	if err != nil {
		return nil, err
	}
	if bound.Min > o.costLimit {
		return nil, &costError{min: bound.Min, limit: o.costLimit}
	}
	bindings, err := guardedFunctions(env)
	if err != nil {
		return nil, err
	}
	opts := []cel.ProgramOption{
		cel.Functions(bindings...),
		cel.CustomDecoratorV2(decorate(u.ticking)),
		cel.EvalOptions(cel.OptOptimize),
	}
	if bound.Max > o.costLimit {
		opts = append(opts, cel.CostLimit(o.costLimit), cel.CostTrackerOptions(trackers()...))
	}
	return env.Program(checked, opts...)
}

// bytesPerUnit is how many bytes of a string one cost unit walks over, for
// functions that do no more than that. (CEL's own figure is ten, made for
// interpreters that decode every rune.)
const bytesPerUnit = 64

// cheap are the overloads that walk over their strings once, fast, and the
// index of the argument whose length counts.
var cheap = map[string]int{
	overloads.ContainsString:   0,
	overloads.StartsWithString: 1,
	overloads.EndsWithString:   1,
	overloads.SizeString:       0,
	overloads.SizeStringInst:   0,
	"string_lower_ascii":       0,
	"string_upper_ascii":       0,
}

// trackers are the run-time side of our cost model; estimator is the static one.
func trackers() []interpreter.CostTrackerOption {
	var opts []interpreter.CostTrackerOption
	for id, arg := range cheap {
		opts = append(opts, interpreter.OverloadCostTracker(id, func(args []ref.Val, _ ref.Val) *uint64 {
			cost := uint64(1)
			if s, ok := args[arg].(types.String); ok {
				cost += uint64(len(s) / bytesPerUnit)
			}
			return &cost
		}))
	}
	for _, id := range []string{overloads.Equals, overloads.NotEquals} {
		opts = append(opts, interpreter.OverloadCostTracker(id, func(args []ref.Val, _ ref.Val) *uint64 {
			a, ok := args[0].(types.String)
			b, ok2 := args[1].(types.String)
			if !ok || !ok2 {
				return nil
			}
			cost := uint64(1)
			if len(a) == len(b) {
				cost += uint64(len(a) / bytesPerUnit)
			}
			return &cost
		}))
	}
	return opts
}

// estimator knows how large what rules see can be.
type estimator struct{}

// EstimateSize implements checker.CostEstimator.
func (estimator) EstimateSize(n checker.AstNode) *checker.SizeEstimate {
	path := n.Path()
	if len(path) == 0 {
		return nil
	}
	upTo := func(limit uint64) *checker.SizeEstimate { return &checker.SizeEstimate{Max: limit} }
	switch n.Type().Kind() {
	case types.ListKind:
		if path[0] == "caller" {
			return upTo(maxLabels)
		}
		return upTo(maxElements)
	case types.MapKind:
		return upTo(maxLabels)
	case types.StringKind:
		if path[0] == "prompt" && path[len(path)-1] == "text" {
			return upTo(maxText)
		}
		return upTo(maxNameBytes)
	}
	return nil
}

// EstimateCallCost implements checker.CostEstimator.
func (e estimator) EstimateCallCost(_, overloadID string, target *checker.AstNode, args []checker.AstNode) *checker.CallEstimate {
	i, ok := cheap[overloadID]
	if !ok {
		return nil
	}
	if target != nil {
		args = append([]checker.AstNode{*target}, args...)
	}
	if i >= len(args) {
		return nil
	}
	size := args[i].ComputedSize()
	if size == nil {
		size = e.EstimateSize(args[i])
	}
	if size == nil {
		return nil
	}
	est := &checker.CallEstimate{CostEstimate: checker.CostEstimate{Min: 1, Max: size.Max/bytesPerUnit + 1}}
	if overloadID == "string_lower_ascii" || overloadID == "string_upper_ascii" {
		est.ResultSize = size
	}
	return est
}
