package policy

import (
	"slices"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

// Bounds of an expression.
const (
	maxExprRunes = 16 << 10
	maxExprNodes = 4096
	maxExprDepth = 64
)

// language is what rules are written in: a CEL environment and the
// implementations of its functions.
type language struct {
	env   *cel.Env
	impls map[string]*impl
}

// standard is the language without functions of our own, built once: the
// variables of vars.go, the standard library and the extensions for strings,
// lists, sets, math, encoders, bindings and two-variable comprehensions, the detectors
// and classify.
var standard = sync.OnceValues(func() (*language, error) { return newLanguage(nil) })

// newLanguage builds the language with further functions. Their implementations
// find the running evaluation, and with it the memo of the request, through the
// lists of segments that they are given (see selection), and are guarded and
// metered like all others.
func newLanguage(functions []cel.EnvOption) (*language, error) {
	reg, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	p := &provider{Registry: reg, structs: make(map[string]*structType, len(structs))}
	for _, st := range structs {
		p.structs[st.name] = st
	}
	env, err := cel.NewEnv(append([]cel.EnvOption{
		cel.CustomTypeAdapter(adapter{reg}),
		cel.CustomTypeProvider(p),
		cel.Variable("llm", llmType.typ),
		cel.Variable("prompt", promptType.typ),
		cel.Variable("caller", callerType.typ),
		cel.Variable("request", requestType.typ),
		cel.Variable("response", responseType.typ),
		cel.Variable("budget", budgetType.typ),
		cel.Variable("content", cel.ListType(segmentType.typ)),
		cel.Variable("now", cel.TimestampType),
		ext.Strings(), ext.Lists(ext.ListsMaxRangeSize(maxListLen)), ext.Sets(), ext.Math(),
		ext.Encoders(), ext.Bindings(), ext.TwoVarComprehensions(),
		cel.ParserExpressionSizeLimit(maxExprRunes),
		cel.ParserRecursionLimit(maxExprDepth),
		cel.ExpressionNodeLimit(maxExprNodes),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals()),
		cel.EagerlyValidateDeclarations(true),
	}, slices.Concat(detectorFunctions(), promptFunctions(), toolFunctions(), []cel.EnvOption{classifyFunction(), detectFunction()}, functions)...)...)
	if err != nil {
		return nil, err
	}
	impls, err := implementations(env)
	if err != nil {
		return nil, err
	}
	return &language{env: env, impls: impls}, nil
}
