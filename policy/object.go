package policy

import (
	"errors"
	"fmt"
	"reflect"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// structType is a type of object that rules can select fields of.
type structType struct {
	name   string
	typ    *types.Type
	names  []string
	fields map[string]*types.FieldType
}

// newStruct makes a type of the given fields.
func newStruct(name string, fields ...fieldDef) *structType {
	st := &structType{
		name:   name,
		typ:    types.NewObjectType(name, traits.FieldTesterType|traits.IndexerType),
		fields: make(map[string]*types.FieldType, len(fields)),
	}
	for _, f := range fields {
		st.names = append(st.names, f.name)
		st.fields[f.name] = &types.FieldType{Type: f.typ, IsSet: f.isSet, GetFrom: f.get}
	}
	return st
}

// fieldDef is one field of a structType.
type fieldDef struct {
	name  string
	typ   *types.Type
	get   func(any) (any, error)
	isSet func(any) bool
}

var errForeign = errors.New("not a value of this type")

// field defines a field read from a T. A get that returns nil has no value,
// which has() tells.
func field[T any](name string, typ *types.Type, get func(T) ref.Val) fieldDef {
	return fieldDef{
		name: name, typ: typ,
		get: func(v any) (any, error) {
			t, ok := v.(T)
			if !ok {
				return nil, errForeign
			}
			out := get(t)
			if err, failed := out.(*types.Err); failed {
				return nil, err
			}
			return out, nil
		},
		isSet: func(v any) bool {
			t, ok := v.(T)
			return ok && get(t) != nil
		},
	}
}

// selectField serves dynamic access (x of type dyn): the checker has not seen
// the field's name.
func (st *structType) selectField(target any, name ref.Val) ref.Val {
	s, ok := name.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(name)
	}
	f, ok := st.fields[string(s)]
	if !ok {
		return types.NewErr("no such field")
	}
	v, err := f.GetFrom(target)
	if err != nil {
		return types.WrapErr(err)
	}
	return v.(ref.Val)
}

// hasField serves dynamic has().
func (st *structType) hasField(target any, name ref.Val) ref.Val {
	s, ok := name.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(name)
	}
	f, ok := st.fields[string(s)]
	if !ok {
		return types.NewErr("no such field")
	}
	return types.Bool(f.IsSet(target))
}

// provider adds our object types to the standard ones.
type provider struct {
	*types.Registry
	structs map[string]*structType
}

// FindStructType implements types.Provider.
func (p *provider) FindStructType(name string) (*types.Type, bool) {
	if st, ok := p.structs[name]; ok {
		return types.NewTypeTypeWithParam(st.typ), true
	}
	return p.Registry.FindStructType(name)
}

// FindStructFieldNames implements types.Provider.
func (p *provider) FindStructFieldNames(name string) ([]string, bool) {
	if st, ok := p.structs[name]; ok {
		return st.names, true
	}
	return p.Registry.FindStructFieldNames(name)
}

// FindStructFieldType implements types.Provider.
func (p *provider) FindStructFieldType(name, field string) (*types.FieldType, bool) {
	if st, ok := p.structs[name]; ok {
		f, ok := st.fields[field]
		return f, ok
	}
	return p.Registry.FindStructFieldType(name, field)
}

// NewValue implements types.Provider: rules can't make values of our types.
func (p *provider) NewValue(name string, fields map[string]ref.Val) ref.Val {
	if _, ok := p.structs[name]; ok {
		return types.NewErr("a %s cannot be made by a rule", name)
	}
	return p.Registry.NewValue(name, fields)
}

// adapter passes CEL values through without the long type switch of the
// registry: the fields of our objects give nothing else.
type adapter struct{ *types.Registry }

// NativeToValue implements types.Adapter.
func (a adapter) NativeToValue(v any) ref.Val {
	if r, ok := v.(ref.Val); ok && r != nil {
		return r
	}
	return a.Registry.NativeToValue(v)
}

// opaque has the conversions of a value that converts to nothing.
type opaque struct{}

// ConvertToNative implements ref.Val.
func (opaque) ConvertToNative(t reflect.Type) (any, error) {
	return nil, fmt.Errorf("no conversion to %v", t)
}

// convert is ConvertToType of a value that only has its own type.
func convert(v ref.Val, to ref.Type) ref.Val {
	switch {
	case to == types.TypeType:
		return v.Type().(ref.Val)
	case to.TypeName() == v.Type().TypeName():
		return v
	}
	return types.NewErr("type conversion error from '%s' to '%s'", v.Type().TypeName(), to.TypeName())
}
