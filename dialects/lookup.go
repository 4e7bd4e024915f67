package dialects

import "github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"

// StringMember returns the value of a member of the top-level object of a body
// that has passed Parse, "" if it is not there or no string.
func StringMember(raw []byte, name string) string {
	var s strictjson.Scanner
	s.Reset(raw)
	if s.Kind() != strictjson.Object {
		return ""
	}
	for m := s.Enter(nil); s.Member(&m); {
		if m.Name != name {
			continue // Member skips what was not read
		}
		if s.Kind() != strictjson.String {
			return ""
		}
		return s.Text(s.Str())
	}
	return ""
}
