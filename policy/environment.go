package policy

import (
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

// environment is the CEL environment of request rules: the variables of vars.go,
// the standard library and the extensions for strings, lists, sets, math,
// encoders, bindings and two-variable comprehensions. It is built once.
var environment = sync.OnceValues(func() (*cel.Env, error) {
	reg, err := types.NewRegistry()
	if err != nil {
		return nil, err
	}
	p := &provider{Registry: reg, structs: make(map[string]*structType, len(structs))}
	for _, st := range structs {
		p.structs[st.name] = st
	}
	return cel.NewEnv(
		cel.CustomTypeAdapter(adapter{reg}),
		cel.CustomTypeProvider(p),
		cel.Variable("llm", llmType.typ),
		cel.Variable("prompt", promptType.typ),
		cel.Variable("caller", callerType.typ),
		cel.Variable("request", requestType.typ),
		cel.Variable("response", responseType.typ),
		cel.Variable("now", cel.TimestampType),
		ext.Strings(), ext.Lists(ext.ListsMaxRangeSize(maxListLen)), ext.Sets(), ext.Math(),
		ext.Encoders(), ext.Bindings(), ext.TwoVarComprehensions(),
		cel.ParserExpressionSizeLimit(maxExprRunes),
		cel.ParserRecursionLimit(maxExprDepth),
		cel.ExpressionNodeLimit(maxExprNodes),
		cel.ASTValidators(cel.ValidateRegexLiterals(), cel.ValidateRegexProgramSizeLimit(maxRegexProgram),
			cel.ValidateDurationLiterals(), cel.ValidateTimestampLiterals()),
		cel.EagerlyValidateDeclarations(true),
	)
})
