package policy

import (
	"fmt"
	"sync"
	"sync/atomic"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/toolcall"
)

// toolFunctions are the functions about calls of tools:
//
//	tool_name(name)            the canonical name, "functions.Bash" is "bash"
//	tool_is(name, tool)        whether the name means the tool
//	tool_arg(arguments, path)  an argument as text, "" if there is none
//	args_match(arguments, schema)  whether the arguments fit a JSON Schema
//
// Arguments that are no JSON match no schema, and tool_arg is an error on them.
func toolFunctions() []cel.EnvOption {
	two := func(name string, result *cel.Type, f func(a, b string) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_string_string", []*cel.Type{cel.StringType, cel.StringType}, result, cel.BinaryBinding(func(a, b ref.Val) ref.Val {
			x, ok := a.(types.String)
			y, ok2 := b.(types.String)
			if !ok || !ok2 {
				return types.MaybeNoSuchOverloadErr(a)
			}
			return f(string(x), string(y))
		})))
	}
	return []cel.EnvOption{
		cel.Function("tool_name", cel.Overload("tool_name_string", []*cel.Type{cel.StringType}, cel.StringType, cel.UnaryBinding(func(v ref.Val) ref.Val {
			s, ok := v.(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(v)
			}
			return types.String(toolcall.Name(string(s)))
		}))),
		two("tool_is", cel.BoolType, func(name, tool string) ref.Val { return types.Bool(toolcall.Is(name, tool)) }),
		two("tool_arg", cel.StringType, func(arguments, path string) ref.Val {
			text, _, err := toolcall.Argument(arguments, path)
			if err != nil {
				return types.NewErr("the arguments of the call are no JSON")
			}
			return types.String(text)
		}),
		two(argsMatch, cel.BoolType, func(arguments, schema string) ref.Val {
			s, err := schemaOf(schema)
			if err != nil {
				return types.WrapErr(err)
			}
			return types.Bool(s.Check(arguments) == nil)
		}),
	}
}

const argsMatch = "args_match"

// maxSchemas bounds how many schemas are kept compiled: only those that stand in
// rules are, and rules come and go with configurations.
const maxSchemas = 1024

var (
	schemas     sync.Map // text → *toolcall.Schema
	schemaCount atomic.Int32
)

// schemaOf returns a schema, compiled before if it stands in a rule.
func schemaOf(text string) (*toolcall.Schema, error) {
	if s, ok := schemas.Load(text); ok {
		return s.(*toolcall.Schema), nil
	}
	return toolcall.Compile(text)
}

// checkSchemas compiles the schemas that stand in an expression, and returns the node
// of one that is wrong and what is the matter with it.
func checkSchemas(a *ast.AST) (id int64, msg string) {
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != argsMatch || msg != "" {
			return
		}
		arg := e.AsCall().Args()[1]
		if arg.Kind() != ast.LiteralKind {
			return
		}
		text, ok := arg.AsLiteral().Value().(string)
		if !ok {
			return
		}
		s, err := toolcall.Compile(text)
		if err != nil {
			id, msg = arg.ID(), fmt.Sprintf("args_match: %v", err)
			return
		}
		if schemaCount.Load() < maxSchemas {
			if _, had := schemas.LoadOrStore(text, s); !had {
				schemaCount.Add(1)
			}
		}
	}))
	return id, msg
}
