package policy

import (
	"errors"
	"strings"

	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/overloads"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// Bounds of what one function call may be given. No clock can stop a call that
// is under way, so its arguments are looked at before: within these bounds any
// one call takes a few milliseconds at most.
const (
	maxStringArg = 256 << 10 // bytes, for functions that build strings
	maxFold      = 1 << 20   // bytes, for functions that copy a string once
	maxListLen   = 10_000    // elements of a list that a function works on
	maxPairs     = 100_000   // comparisons between two lists
)

// errTooLarge is wrapped by the errors of guards.
var errTooLarge = errors.New("too large")

// tooLarge makes a new error each time: the interpreter writes to it.
func tooLarge() ref.Val { return types.WrapErr(errTooLarge) }

// guard looks at the arguments of a call. It says what the call will cost, or
// false when its arguments are too large.
type guard func(args []ref.Val) (units int, ok bool)

// unguarded are the functions whose work does not grow with their arguments, or that
// see to it by themselves.
var unguarded = map[string]bool{
	operators.NotStrictlyFalse: true, "__not_strictly_false__": true, operators.LogicalNot: true,
	operators.Subtract: true, operators.Multiply: true, operators.Divide: true, operators.Modulo: true, operators.Negate: true,
	operators.Index: true, "type": true, "dyn": true,
	// These bound what they look at by themselves (see scan).
	"secrets": true, "pii": true, "injection_score": true, "hidden_chars": true, "has_phrase": true, "tokens": true, "classify_prompt": true, "risk": true, "detect": true,
	classifyName: true,
}

// unguardedOverloads are overloads of guarded functions of which the same holds.
var unguardedOverloads = map[string]bool{
	overloads.AddInt64: true, overloads.AddUint64: true, overloads.AddDouble: true, overloads.AddDurationDuration: true,
	overloads.AddDurationTimestamp: true, overloads.AddTimestampDuration: true,
	overloads.LessInt64: true, overloads.LessEqualsInt64: true, overloads.GreaterInt64: true, overloads.GreaterEqualsInt64: true,
	overloads.LessDouble: true, overloads.LessEqualsDouble: true, overloads.GreaterDouble: true, overloads.GreaterEqualsDouble: true,
	overloads.LessTimestamp: true, overloads.LessEqualsTimestamp: true, overloads.GreaterTimestamp: true, overloads.GreaterEqualsTimestamp: true,
	overloads.SizeList: true, overloads.SizeListInst: true, overloads.SizeMap: true, overloads.SizeMapInst: true,
	overloads.SizeBytes: true, overloads.SizeBytesInst: true,
}

// special are the functions with bounds of their own.
var special = map[string]guard{
	overloads.Contains:   walk,
	overloads.StartsWith: affix,
	overloads.EndsWith:   affix,
	overloads.Size:       walk,
	"lowerAscii":         fold,
	"upperAscii":         fold,
	operators.Add:        sum,
	operators.In:         compare,
	operators.OldIn:      compare,
	operators.Equals:     compare,
	operators.NotEquals:  compare,
	operators.Less:       order, operators.LessEquals: order, operators.Greater: order, operators.GreaterEquals: order,
	"replace":         replacement,
	"join":            joining,
	"distinct":        pairs,
	"sets.contains":   pairs,
	"sets.equivalent": pairs,
	"sets.intersects": pairs,
}

// guardOf returns the guard of a function, nil if it needs none.
func guardOf(function, overload string) guard {
	if unguarded[function] || unguardedOverloads[overload] || strings.HasPrefix(function, "cel.@") {
		return nil
	}
	if g, ok := special[function]; ok {
		return g
	}
	return ordinary
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

// measure sums up the bytes of strings and the elements of lists.
func measure(args []ref.Val) (text, elements int) {
	for _, a := range args {
		switch v := a.(type) {
		case types.String:
			text += len(v)
		case types.Bytes:
			text += len(v)
		case types.Int, types.Bool, types.Double, types.Uint, types.Timestamp, types.Duration:
		default:
			elements += length(v)
		}
	}
	return text, elements
}

// elementBytes sums up the strings in the lists and maps, and in what is in these:
// functions that sort, compare or print elements walk over them many times. Every
// element counts as a byte, too. It stops counting beyond maxFold.
func elementBytes(args []ref.Val) (n int) {
	for _, a := range args {
		n += stringBytes(a, maxFold-n)
	}
	return n
}

func stringBytes(v ref.Val, most int) (n int) {
	count := func(x ref.Val) {
		n++
		switch x := x.(type) {
		case types.String:
			n += len(x)
		case types.Bytes:
			n += len(x)
		case traits.Lister, traits.Mapper:
			n += stringBytes(x, most-n)
		}
	}
	switch l := v.(type) {
	case traits.Lister:
		for i := 0; i < length(l) && n <= most; i++ {
			count(l.Get(types.Int(i)))
		}
	case traits.Mapper:
		for it := l.Iterator(); it.HasNext() == types.True && n <= most; {
			k := it.Next()
			count(k)
			if x, ok := l.Find(k); ok {
				count(x)
			}
		}
	}
	return n
}

// ordinary is the guard of functions of which nothing more is known.
func ordinary(args []ref.Val) (int, bool) {
	text, elements := measure(args)
	if text > maxStringArg || elements > maxListLen {
		return 0, false
	}
	inside := 0
	if elements > 0 {
		inside = elementBytes(args)
	}
	return (text+inside)/slowBytesPerUnit + elements, inside <= maxFold
}

// walk is the guard of functions that walk over a string once and fast.
func walk(args []ref.Val) (int, bool) {
	text, _ := measure(args)
	return text / walkBytesPerUnit, text <= 2*maxText
}

// affix is the guard of startsWith and endsWith, which only look at as much of
// the first string as the second is long.
func affix(args []ref.Val) (int, bool) { return walk(args[1:]) }

// fold is the guard of lowerAscii and upperAscii.
func fold(args []ref.Val) (int, bool) {
	text, _ := measure(args)
	return text / copyBytesPerUnit, text <= maxFold
}

// sum guards +: what strings and lists grow by. Lists are joined without being
// copied.
func sum(args []ref.Val) (int, bool) {
	text, elements := measure(args)
	return text / copyBytesPerUnit, text <= maxText && elements <= maxElements
}

// compare guards ==, != and in: at worst they walk over two strings of one length, or
// over all elements of the shorter list.
func compare(args []ref.Val) (int, bool) {
	if _, ok := args[1].(types.String); ok {
		return alike(args[0], args[1]), true // by far the most frequent; bounded by maxText
	}
	if _, ok := args[1].(traits.Mapper); ok {
		if key, ok := args[0].(types.String); ok {
			return len(key) / walkBytesPerUnit, true
		}
	}
	_, elements := measure(args)
	if elements > 2*maxElements {
		return 0, false
	}
	return elements + inside(args[0], args[1]), true
}

// alike is what it costs to find two strings equal.
func alike(a, b ref.Val) int {
	x, ok := a.(types.String)
	y, ok2 := b.(types.String)
	if !ok || !ok2 || len(x) != len(y) {
		return 0
	}
	return len(x) / walkBytesPerUnit
}

// inside is what it may cost to compare what is in a list with a value, or with what is
// at the same place of another list, beyond one unit for each.
func inside(a, b ref.Val) (units int) {
	l, ok := b.(traits.Lister)
	if _, own := b.(*list); !ok || own {
		return 0 // of the segments of a request, those that are not the same differ early
	}
	s, isString := a.(types.String)
	if isString && len(s) < walkBytesPerUnit {
		return 0
	}
	m, _ := a.(traits.Lister)
	for i := 0; i < length(l); i++ {
		v := l.Get(types.Int(i))
		switch {
		case isString:
			units += alike(s, v)
		case m != nil && i < length(m):
			w := m.Get(types.Int(i))
			units += alike(w, v)
			if n := min(length(w), length(v)); n > 0 {
				units += n + inside(w, v)
			}
		}
	}
	return units
}

// order guards the comparisons that say which of two comes first.
func order(args []ref.Val) (int, bool) {
	x, ok := args[0].(types.String)
	y, ok2 := args[1].(types.String)
	if !ok || !ok2 {
		return 0, true
	}
	return min(len(x), len(y)) / walkBytesPerUnit, true
}

// replacement guards replace(old, new[, n]): its result may be the product of
// two arguments.
func replacement(args []ref.Val) (int, bool) {
	units, ok := ordinary(args)
	if !ok || len(args) < 3 {
		return units, ok
	}
	s, ok1 := args[0].(types.String)
	old, ok2 := args[1].(types.String)
	with, ok3 := args[2].(types.String)
	if ok1 && ok2 && ok3 {
		size := len(s) + strings.Count(string(s), string(old))*len(with)
		return units + size/copyBytesPerUnit, size <= 2*maxStringArg
	}
	return units, true
}

// joining guards join([separator]): the separator is repeated.
func joining(args []ref.Val) (int, bool) {
	units, ok := ordinary(args)
	if !ok {
		return units, false
	}
	total := elementBytes(args[:1])
	if len(args) > 1 {
		if sep, ok := args[1].(types.String); ok {
			total += len(sep) * length(args[0])
		}
	}
	return units + total/copyBytesPerUnit, total <= maxFold
}

// pairs guards functions that compare each element with each.
func pairs(args []ref.Val) (int, bool) {
	n := length(args[0])
	m := n
	if len(args) > 1 {
		m = length(args[1])
	}
	if n > maxListLen || m > maxListLen || n*m > maxPairs {
		return 0, false
	}
	inside := elementBytes(args)
	return n*m + inside/walkBytesPerUnit*max(n, m), inside <= maxFold
}
