package policy

import (
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// sequence is what a list shows: elements become CEL values when asked for.
type sequence interface {
	size() int
	at(i int) ref.Val // 0 ≤ i < size
}

// list is a CEL list over a sequence.
type list struct {
	opaque
	sequence
}

var _ traits.Lister = (*list)(nil)

// ConvertToType implements ref.Val.
func (l *list) ConvertToType(t ref.Type) ref.Val { return convert(l, t) }

// Type implements ref.Val.
func (l *list) Type() ref.Type { return types.ListType }

// Value implements ref.Val.
func (l *list) Value() any { return l }

// Size implements traits.Sizer.
func (l *list) Size() ref.Val { return types.Int(l.size()) }

// Get implements traits.Indexer.
func (l *list) Get(index ref.Val) ref.Val {
	i, err := types.IndexOrError(index)
	if err != nil {
		return types.WrapErr(err)
	}
	if i < 0 || i >= l.size() {
		return types.NewErr("index out of bounds")
	}
	return l.at(i)
}

// Contains implements traits.Container.
func (l *list) Contains(v ref.Val) ref.Val {
	for i := range l.size() {
		if l.at(i).Equal(v) == types.True {
			return types.True
		}
	}
	return types.False
}

// Equal implements ref.Val.
func (l *list) Equal(other ref.Val) ref.Val {
	o, ok := other.(traits.Lister)
	if !ok || o.Size() != l.Size() {
		return types.False
	}
	for i := range l.size() {
		if l.at(i).Equal(o.Get(types.Int(i))) != types.True {
			return types.False
		}
	}
	return types.True
}

// Add implements traits.Adder.
func (l *list) Add(other ref.Val) ref.Val {
	o, ok := other.(traits.Lister)
	if !ok {
		return types.MaybeNoSuchOverloadErr(other)
	}
	vals := make([]ref.Val, l.size())
	for i := range vals {
		vals[i] = l.at(i)
	}
	return types.NewRefValList(types.DefaultTypeAdapter, vals).Add(o)
}

// Iterator implements traits.Iterable.
func (l *list) Iterator() traits.Iterator { return &iterator{l: l} }

// iterator walks a list once.
type iterator struct {
	opaque
	l *list
	i int
}

// ConvertToType implements ref.Val.
func (it *iterator) ConvertToType(t ref.Type) ref.Val { return convert(it, t) }

// Equal implements ref.Val.
func (it *iterator) Equal(ref.Val) ref.Val { return types.False }

// Type implements ref.Val.
func (it *iterator) Type() ref.Type { return types.IteratorType }

// Value implements ref.Val.
func (it *iterator) Value() any { return it }

// HasNext implements traits.Iterator.
func (it *iterator) HasNext() ref.Val { return types.Bool(it.i < it.l.size()) }

// Next implements traits.Iterator.
func (it *iterator) Next() ref.Val {
	if it.i >= it.l.size() {
		return nil
	}
	it.i++
	return it.l.at(it.i - 1)
}
