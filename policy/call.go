package policy

import (
	"encoding/binary"
	"slices"
	"strings"
	"unsafe"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/functions"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// impl is an implementation of a function.
type impl = functions.Overload

// implementations returns those of all functions of the environment, by overload
// and by function name.
func implementations(env *cel.Env) (map[string]*impl, error) {
	out := map[string]*impl{}
	for _, decl := range env.Functions() {
		bindings, err := decl.Bindings()
		if err != nil {
			return nil, err
		}
		for _, b := range bindings {
			switch b.Operator {
			case "string_lower_ascii":
				b.Unary = mapASCII('A', 'Z')
			case "string_upper_ascii":
				b.Unary = mapASCII('a', 'z')
			}
			if strings.HasPrefix(b.Operator, "timestamp_to_") && strings.HasSuffix(b.Operator, "_with_tz") && b.Binary != nil {
				b.Binary = inZone(b.Binary)
			}
			out[b.Operator] = b
		}
	}
	// The planner has these built in.
	out[overloads.Equals] = &impl{Binary: types.Equal}
	out[overloads.NotEquals] = &impl{Binary: func(a, b ref.Val) ref.Val { return types.Bool(types.Equal(a, b) != types.True) }}
	return out, nil
}

// guardCall replaces a call by one that asks its guard and pays before it runs.
func (d decorator) guardCall(c interpreter.InterpretableCall) (interpreter.InterpretableV2, error) {
	if c.Function() == "matches" {
		return newMatcher(c)
	}
	g := guardOf(c.Function(), c.OverloadID())
	if g == nil || len(c.Args()) == 0 {
		return c, nil
	}
	if c.Function() == operators.Equals || c.Function() == operators.NotEquals {
		for _, a := range c.Args() {
			if _, ok := a.(interpreter.InterpretableConst); ok {
				return c, nil // bounded by the constant
			}
		}
	}
	fn := d.impls[c.OverloadID()]
	if fn == nil {
		fn = d.impls[c.Function()]
	}
	if fn == nil || fn.NonStrict {
		return c, nil
	}
	return &guarded{InterpretableCall: c, args: c.Args(), fn: fn, guard: g}, nil
}

// guarded is a strict function call behind a guard.
type guarded struct {
	interpreter.InterpretableCall
	args  []interpreter.InterpretableV2
	fn    *impl
	guard guard
}

// Exec implements interpreter.InterpretableV2.
func (g *guarded) Exec(f *interpreter.ExecutionFrame) ref.Val {
	e := meterOf(f)
	var few [2]ref.Val // stays on the stack, unlike what a function is given
	var args []ref.Val
	if len(g.args) > len(few) || e == nil {
		args = make([]ref.Val, len(g.args))
	}
	for i, a := range g.args {
		v := a.Exec(f)
		if types.IsUnknownOrError(v) {
			return v
		}
		if args != nil {
			args[i] = v
		} else {
			few[i] = v
		}
	}
	if args == nil {
		// Nothing else is evaluated until the implementation has begun, so all
		// calls can share one slice for their guards.
		e.scratch = few
		args = e.scratch[:len(g.args)]
	}
	units, ok := g.guard(args)
	if !ok {
		return types.NewErrWithNodeID(g.ID(), "%w", errTooLarge)
	}
	e.spend(uint64(units))
	if t := g.fn.OperandTrait; t != 0 && !args[0].Type().HasTrait(t) {
		return types.NewErrWithNodeID(g.ID(), "no such overload: %s", g.Function())
	}
	var out ref.Val
	switch {
	case len(args) == 1 && g.fn.Unary != nil:
		out = g.fn.Unary(args[0])
	case len(args) == 2 && g.fn.Binary != nil:
		out = g.fn.Binary(args[0], args[1])
	case g.fn.Function != nil:
		out = g.fn.Function(slices.Clone(args)...)
	default:
		return types.NewErrWithNodeID(g.ID(), "no such overload: %s", g.Function())
	}
	return types.LabelErrNode(g.ID(), out)
}

// Eval implements interpreter.Interpretable.
func (g *guarded) Eval(a interpreter.Activation) ref.Val { return g.Exec(interpreter.AsFrame(a)) }

// mapASCII returns a function that flips bit 0x20 of the ASCII letters from lo
// to hi: lowerAscii and upperAscii, eight bytes at a time.
func mapASCII(lo, hi byte) functions.UnaryOp {
	const ones, high = 0x0101010101010101, 0x8080808080808080
	return func(v ref.Val) ref.Val {
		s, ok := v.(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(v)
		}
		b := make([]byte, len(s))
		copy(b, s)
		i := 0
		for ; i+8 <= len(b); i += 8 {
			w := binary.LittleEndian.Uint64(b[i:])
			// In each byte with a clear top bit, the sums below set the top bit
			// when it is ≥ lo and when it is > hi; no sum carries over.
			low := w &^ high
			geLo := low + ones*uint64(0x80-lo)
			gtHi := low + ones*uint64(0x7f-hi)
			letters := geLo &^ gtHi &^ w & high
			binary.LittleEndian.PutUint64(b[i:], w^letters>>2)
		}
		for ; i < len(b); i++ {
			if c := b[i]; lo <= c && c <= hi {
				b[i] ^= 0x20
			}
		}
		return types.String(unsafe.String(unsafe.SliceData(b), len(b))) // nobody else holds b
	}
}
