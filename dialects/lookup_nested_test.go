package dialects

import "testing"

func TestNestedString(t *testing.T) {
	for _, c := range []struct{ raw, want string }{
		{`{"model":"m","metadata":{"a":1,"project":"atlas","z":[]}}`, "atlas"},
		{`{"metadata":{"x":{"project":"deep"},"project":"\u0061tlas"},"project":"top"}`, "atlas"},
		{`{"messages":[{"metadata":{"project":"inner"}}],"metadata":{}}`, ""},
		{`{"metadata":{"project":7}}`, ""},
		{`{"metadata":null}`, ""},
		{`{"metadata":"project"}`, ""},
		{`{"Metadata":{"project":"other case"}}`, ""},
		{`{"metadata":{"project":"cut`, ""},
		{`{"metadata":{"project"`, ""},
		{`[]`, ""},
		{`--boundary`, ""},
		{``, ""},
	} {
		if got := NestedString([]byte(c.raw), "metadata", "project"); got != c.want {
			t.Errorf("%s: %q, want %q", c.raw, got, c.want)
		}
	}
}

func FuzzNestedString(f *testing.F) {
	f.Add([]byte(`{"metadata":{"project":"atlas"}}`))
	f.Add([]byte(`{"metadata":{"project":`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		NestedString(raw, "metadata", "project")
	})
}
