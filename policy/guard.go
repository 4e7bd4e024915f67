package policy

import (
	"errors"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Bounds of what one function call may be given. The cost meter charges a call
// when it is over and no clock can stop one, so the arguments are looked at
// before: within these bounds any one call takes a few milliseconds at most.
const (
	maxStringArg = 256 << 10 // bytes, for functions that build strings
	maxListLen   = 10_000    // elements of a list that a function works on
	maxPairs     = 100_000   // comparisons between two lists
)

// errTooLarge is wrapped by the errors of guards.
var errTooLarge = errors.New("too large")

// tooLarge makes a new error each time: the interpreter writes to it.
func tooLarge() ref.Val { return types.WrapErr(errTooLarge) }

// guard looks at the arguments of a call; nil lets it happen.
type guard func(args ...ref.Val) ref.Val

// unguarded are the functions whose work does not grow with their arguments.
var unguarded = map[string]bool{
	operators.NotStrictlyFalse: true, operators.OldNotStrictlyFalse: true, operators.LogicalNot: true,
	operators.Subtract: true, operators.Multiply: true, operators.Divide: true, operators.Modulo: true, operators.Negate: true,
	operators.Greater: true, operators.GreaterEquals: true, operators.Less: true, operators.LessEquals: true,
	operators.Equals: true, operators.NotEquals: true, operators.Index: true,
	"type": true, "dyn": true,
}

// special are the functions with bounds of their own.
var special = map[string]guard{
	overloads.Contains:   long,
	overloads.StartsWith: long,
	overloads.EndsWith:   long,
	overloads.Size:       long,
	"lowerAscii":         long,
	"upperAscii":         long,
	operators.Add:        sum,
	operators.In:         membership,
	operators.OldIn:      membership,
	"in":                 membership,
	"replace":            replacement,
	"join":               joining,
	"distinct":           pairs,
	"sets.contains":      pairs,
	"sets.equivalent":    pairs,
	"sets.intersects":    pairs,
}

// guardedFunctions returns the implementations of all functions of the
// environment that need a guard, guarded.
func guardedFunctions(env *cel.Env) ([]*functions.Overload, error) {
	var out []*functions.Overload
	seen := map[string]bool{}
	for fn, decl := range env.Functions() {
		if unguarded[fn] || strings.HasPrefix(fn, "cel.@") {
			continue
		}
		g, ok := special[fn]
		if !ok {
			g = ordinary
		}
		bindings, err := decl.Bindings()
		if err != nil {
			return nil, err
		}
		for _, b := range bindings {
			if seen[b.Operator] || b.NonStrict {
				continue
			}
			seen[b.Operator] = true
			out = append(out, guarded(b, g))
		}
	}
	return out, nil
}

func guarded(b *functions.Overload, g guard) *functions.Overload {
	w := *b
	switch b.Operator {
	case "string_lower_ascii":
		w.Unary = mapASCII('A', 'Z', 'a'-'A')
	case "string_upper_ascii":
		w.Unary = mapASCII('a', 'z', 'A'-'a')
	}
	if f := w.Unary; f != nil {
		w.Unary = func(a ref.Val) ref.Val {
			if v := g(a); v != nil {
				return v
			}
			return f(a)
		}
	}
	if f := w.Binary; f != nil {
		w.Binary = func(a, b ref.Val) ref.Val {
			if v := g(a, b); v != nil {
				return v
			}
			return f(a, b)
		}
	}
	if f := w.Function; f != nil {
		w.Function = func(args ...ref.Val) ref.Val {
			if v := g(args...); v != nil {
				return v
			}
			return f(args...)
		}
	}
	return &w
}

// length returns the number of elements of a list or map, else 0.
func length(v ref.Val) int {
	switch v.(type) {
	case traits.Lister, traits.Mapper:
		if n, ok := v.(traits.Sizer).Size().(types.Int); ok {
			return int(n)
		}
	}
	return 0
}

// within checks strings, bytes and lists against a bound each.
func within(args []ref.Val, text, elements int) ref.Val {
	for _, a := range args {
		switch v := a.(type) {
		case types.String:
			if len(v) > text {
				return tooLarge()
			}
		case types.Bytes:
			if len(v) > text {
				return tooLarge()
			}
		case types.Int, types.Bool, types.Double, types.Uint, types.Timestamp, types.Duration:
		default:
			if length(v) > elements {
				return tooLarge()
			}
		}
	}
	return nil
}

// ordinary is the guard of functions of which nothing more is known.
func ordinary(args ...ref.Val) ref.Val { return within(args, maxStringArg, maxListLen) }

// long is the guard of functions that walk over a string once and fast.
func long(args ...ref.Val) ref.Val { return within(args, maxText, maxElements) }

// sum guards +: what strings and lists grow by.
func sum(args ...ref.Val) ref.Val {
	text, elements := 0, 0
	for _, a := range args {
		switch v := a.(type) {
		case types.String:
			text += len(v)
		case types.Bytes:
			text += len(v)
		case types.Int, types.Double, types.Uint, types.Timestamp, types.Duration:
			return nil
		default:
			elements += length(v)
		}
	}
	if text > maxText {
		return tooLarge()
	}
	if elements > maxElements {
		return tooLarge()
	}
	return nil
}

// membership guards `x in list`.
func membership(args ...ref.Val) ref.Val { return within(args, maxText, maxElements) }

// replacement guards replace(old, new[, n]): its result may be the product of
// two arguments.
func replacement(args ...ref.Val) ref.Val {
	if v := ordinary(args...); v != nil {
		return v
	}
	if len(args) < 3 {
		return nil
	}
	s, ok1 := args[0].(types.String)
	old, ok2 := args[1].(types.String)
	with, ok3 := args[2].(types.String)
	if ok1 && ok2 && ok3 && len(s)+strings.Count(string(s), string(old))*len(with) > maxStringArg*2 {
		return tooLarge()
	}
	return nil
}

// joining guards join([separator]).
func joining(args ...ref.Val) ref.Val {
	if v := ordinary(args...); v != nil {
		return v
	}
	total := 0
	if len(args) > 1 {
		if sep, ok := args[1].(types.String); ok {
			total = len(sep) * length(args[0])
		}
	}
	if l, ok := args[0].(traits.Lister); ok {
		for i := range length(l) {
			if s, ok := l.Get(types.Int(i)).(types.String); ok {
				total += len(s)
			}
			if total > maxText {
				return tooLarge()
			}
		}
	}
	return nil
}

// pairs guards functions that compare each element with each.
func pairs(args ...ref.Val) ref.Val {
	n := length(args[0])
	m := n
	if len(args) > 1 {
		m = length(args[1])
	}
	if n > maxListLen || m > maxListLen || n*m > maxPairs {
		return tooLarge()
	}
	return nil
}

// mapASCII returns a function that shifts the bytes from lo to hi, copying the
// string only if there are any.
func mapASCII(lo, hi byte, shift int) functions.UnaryOp {
	return func(v ref.Val) ref.Val {
		s, ok := v.(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(v)
		}
		i := 0
		for i < len(s) && (s[i] < lo || s[i] > hi) {
			i++
		}
		if i == len(s) {
			return v
		}
		b := []byte(s)
		for ; i < len(b); i++ {
			if c := b[i]; lo <= c && c <= hi {
				b[i] = byte(int(c) + shift)
			}
		}
		return types.String(b)
	}
}
