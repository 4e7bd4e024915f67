package dialects

import "github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"

// NestedString returns the value of a member of an object that is itself a member
// of the top-level object of a body that has passed Parse, such as metadata.user_id;
// "" if it is not there or no string.
func NestedString(raw []byte, object, name string) string {
	var s strictjson.Scanner
	s.Reset(raw)
	if s.Kind() != strictjson.Object {
		return ""
	}
	for m := s.Enter(nil); s.Member(&m); {
		if m.Name != object {
			continue // Member skips what was not read
		}
		if s.Kind() != strictjson.Object {
			return ""
		}
		for n := s.Enter(nil); s.Member(&n); {
			if n.Name != name {
				continue
			}
			if s.Kind() != strictjson.String {
				return ""
			}
			return s.Text(s.Str())
		}
		return ""
	}
	return ""
}
