package policy

import (
	"net/textproto"
	"reflect"
	"strings"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// hiddenHeaders carry credentials: rules never see them, whether or not
// llm_auth has already removed them. Names are in lower case with hyphens.
var hiddenHeaders = map[string]bool{
	"authorization": true, "proxy-authorization": true, "cookie": true,
	"x-api-key": true, "api-key": true, "x-goog-api-key": true,
}

// hidden reports whether a header is one of hiddenHeaders in any spelling.
func hidden(name string) bool {
	return hiddenHeaders[strings.ReplaceAll(strings.ToLower(name), "_", "-")]
}

// headers is request.headers: a map from names in lower case to values, several
// values joined by ", ". A name is looked up in any case. The map itself is only
// made when a rule walks or compares it.
type headers struct {
	e   *evaluation
	all traits.Mapper
}

var _ traits.Mapper = (*headers)(nil)

func (h *headers) mapper() traits.Mapper {
	if h.all == nil {
		m := make(map[string]string, len(h.e.env.Headers))
		for k, v := range h.e.env.Headers {
			if !hidden(k) {
				m[strings.ToLower(k)] = strings.Join(v, ", ")
			}
		}
		h.all = types.NewStringStringMap(types.DefaultTypeAdapter, m)
	}
	return h.all
}

// Find implements traits.Mapper. A name may come out of the request: it is paid for, and
// one that is too long cannot be told to be there or not.
func (h *headers) Find(key ref.Val) (ref.Val, bool) {
	k, ok := key.(types.String)
	if !ok {
		return nil, false
	}
	if len(k) > maxNameBytes {
		return tooLarge(), true
	}
	h.e.spend(uint64(len(k) / slowBytesPerUnit))
	if hidden(string(k)) {
		return nil, false
	}
	v := h.e.env.Headers[textproto.CanonicalMIMEHeaderKey(string(k))]
	switch len(v) {
	case 0:
		return nil, false
	case 1:
		return name(v[0]), true
	}
	return name(strings.Join(v, ", ")), true
}

// Get implements traits.Indexer.
func (h *headers) Get(key ref.Val) ref.Val {
	if v, ok := h.Find(key); ok {
		return v
	}
	return types.NewErr("no such key: %v", key)
}

// Contains implements traits.Container.
func (h *headers) Contains(key ref.Val) ref.Val {
	v, ok := h.Find(key)
	if types.IsError(v) {
		return v
	}
	return types.Bool(ok)
}

// Size implements traits.Sizer.
func (h *headers) Size() ref.Val { return h.mapper().Size() }

// Iterator implements traits.Iterable.
func (h *headers) Iterator() traits.Iterator { return h.mapper().Iterator() }

// Equal implements ref.Val.
func (h *headers) Equal(other ref.Val) ref.Val {
	if o, ok := other.(*headers); ok {
		other = o.mapper()
	}
	return h.mapper().Equal(other)
}

// ConvertToNative implements ref.Val.
func (h *headers) ConvertToNative(t reflect.Type) (any, error) { return h.mapper().ConvertToNative(t) }

// ConvertToType implements ref.Val.
func (h *headers) ConvertToType(t ref.Type) ref.Val { return convert(h, t) }

// Type implements ref.Val.
func (h *headers) Type() ref.Type { return types.MapType }

// Value implements ref.Val.
func (h *headers) Value() any { return h }
