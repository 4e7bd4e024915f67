package policy

import (
	"fmt"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/checker"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
)

// planError says why a valid expression is refused all the same.
type planError struct {
	id  int64 // of the node, 0 for the whole expression
	msg string
}

func (e *planError) Error() string { return e.msg }

// plan makes a program of a checked expression, metered (see meter.go). An
// expression that could never stay within the cost limit is refused.
func plan(lang *language, checked *cel.Ast, u usage, o *options) (cel.Program, error) {
	bound, err := lang.env.EstimateCost(checked, estimator{})
	if err != nil {
		return nil, err
	}
	if bound.Min > o.costLimit {
		return nil, &planError{msg: fmt.Sprintf("the expression costs at least %d units; the limit is %d", bound.Min, o.costLimit)}
	}
	return lang.env.Program(checked,
		cel.CustomDecoratorV2(decorator{loops: u.loops, impls: lang.impls}.decorate),
		cel.EvalOptions(cel.OptOptimize),
	)
}

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
	est := &checker.CallEstimate{CostEstimate: checker.CostEstimate{Min: 1, Max: size.Max/walkBytesPerUnit + 1}}
	if overloadID == "string_lower_ascii" || overloadID == "string_upper_ascii" {
		est.ResultSize = size
	}
	return est
}
