package toolcall

import (
	"strings"
	"testing"
)

func TestName(t *testing.T) {
	for in, want := range map[string]string{
		"bash": "bash", "Bash": "bash", "BASH": "bash", "functions.bash": "bash", "functions__Bash": "bash", "default_api:bash": "bash",
		"mcp__files__read": "files_read", "tools/execute-shell": "execute_shell", "executeShell": "execute_shell", "ExecuteShell": "execute_shell",
		"HTTPRequest": "http_request", "get2Files": "get2_files", "  bash\n": "bash", "ba\u200bsh": "bash", "bаsh": "bash", "ｂａｓｈ": "bash",
		"𝗯𝗮𝘀𝗵": "bash", "b\u00adash": "bash", "bàsh": "bash", "functions": "functions", "functions.": "functions", "": "", "--": "", "ferramenta_ação": "ferramenta_acao",
		"functions.functions.bash": "bash", "搜索": "搜索",
	} {
		if got := Name(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
		if got := Name(Name(in)); got != Name(in) {
			t.Errorf("%q: the canonical name %q becomes %q", in, Name(in), got)
		}
	}
	if !Is("Functions.ExecuteShell", "executeshell") || Is("bash2", "bash") || Is("", "") || Is("--", "..") {
		t.Error("Is")
	}
}

func TestArgument(t *testing.T) {
	const args = `{"command":"rm -rf \"\/\"","files":[{"path":"/etc/passwd"},{"path":2}],"deep":{"a.b":1},"n":1.50,"null":null}`
	for path, want := range map[string]string{
		"command": `rm -rf "/"`, "files.0.path": "/etc/passwd", "files.1.path": "2", "n": "1.50", "files.1": `{"path":2}`, "null": "null",
		"files.2": "-", "files.x": "-", "nothing": "-", "command.x": "-", "": "-", "Command": "-",
	} {
		got, ok, err := Argument(args, path)
		if err != nil || ok != (want != "-") || ok && got != want {
			t.Errorf("%s: %q %v %v, want %q", path, got, ok, err, want)
		}
	}
	for _, bad := range []string{"", "{", `{"a":1}x`, `{"a":1,"a":2}`, "\"\xff\""} {
		if _, _, err := Argument(bad, "a"); err == nil {
			t.Errorf("%q: no error", bad)
		}
	}
}

func TestSchema(t *testing.T) {
	for _, c := range []struct{ schema, fits, not string }{
		{`true`, `1 {} null`, ``},
		{`false`, ``, `1 {}`},
		{`{"type":"integer"}`, `1 -3 2.0`, `1.5 "1" null true`},
		{`{"type":["string","null"]}`, `"x" null`, `1 []`},
		{`{"enum":[1,"a",{"b":[1]}]}`, `1 "a" {"b":[1]} 1.0`, `2 "b" {"b":[2]}`},
		{`{"const":{"a":1,"b":2}}`, `{"b":2,"a":1}`, `{"a":1}`},
		{`{"type":"object","required":["path"],"properties":{"path":{"type":"string","pattern":"^/srv/"}},"additionalProperties":false}`,
			`{"path":"/srv/x"}`, `{} {"path":"/etc/passwd"} {"path":"/srv/x","mode":1} {"path":1} []`},
		{`{"minLength":2,"maxLength":3}`, `"ab" "äöü" 1`, `"a" "abcd"`},
		{`{"minimum":1,"maximum":5}`, `1 5`, `0 5.01`},
		{`{"exclusiveMinimum":1,"exclusiveMaximum":5}`, `1.1`, `1 5`},
		{`{"multipleOf":0.1}`, `0.3 1`, `0.35`},
		{`{"items":{"type":"number"},"minItems":1,"maxItems":3,"uniqueItems":true}`, `[1] [1,2,3]`, `[] [1,1] ["a"] [1,2,3,4]`},
		{`{"minProperties":1,"maxProperties":1}`, `{"a":1}`, `{} {"a":1,"b":2}`},
		{`{"additionalProperties":{"type":"string"}}`, `{"a":"x"}`, `{"a":1}`},
		{`{"allOf":[{"type":"string"},{"minLength":2}]}`, `"ab"`, `"a" 1`},
		{`{"anyOf":[{"type":"string"},{"type":"null"}]}`, `"a" null`, `1`},
		{`{"oneOf":[{"type":"number"},{"type":"integer"}]}`, `1.5`, `1 "a"`},
		{`{"not":{"type":"string"}}`, `1`, `"a"`},
		{`{"$schema":"x","title":"t","description":"d","format":"uri","type":"string"}`, `"x"`, `1`},
	} {
		s, err := Compile(c.schema)
		if err != nil {
			t.Errorf("%s: %v", c.schema, err)
			continue
		}
		for _, a := range strings.Fields(c.fits) {
			if err := s.Check(a); err != nil {
				t.Errorf("%s: %s: %v", c.schema, a, err)
			}
		}
		for _, a := range strings.Fields(c.not) {
			if s.Check(a) == nil {
				t.Errorf("%s: %s fits", c.schema, a)
			}
		}
		for _, a := range []string{"", "{", `{"a":1,"a":1}`, "1 2", "1e999"} {
			if s.Check(a) == nil {
				t.Errorf("%s: %q fits", c.schema, a)
			}
		}
	}
}

// A limit that would not be checked must not look as if it were.
func TestBadSchema(t *testing.T) {
	for schema, want := range map[string]string{
		`{"type":"strin"}`: "/type", `{"pattern":"("}`: "/pattern", `{"$ref":"#/x"}`: "$ref", `{"properties":{"a":{"minimun":1}}}`: "schema/properties/a",
		`{"required":[1]}`: "/required", `[]`: "want an object", `{"minLength":-1}`: "/minLength", `{"multipleOf":0}`: "/multipleOf", `{"anyOf":[]}`: "/anyOf",
		`{"a":1`: "no JSON", `{"type":[]}`: "/type", `{"enum":1}`: "/enum", `{"not":1}`: "/not", strings.Repeat(" ", maxSchema+1): "larger",
	} {
		if _, err := Compile(schema); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", schema, err, want)
		}
	}
}

// Values of a call never are in an error, which may end in a record.
func TestErrorsHoldNoValue(t *testing.T) {
	s, _ := Compile(`{"properties":{"a":{"maxLength":3},"b":{"enum":["x"]}}}`)
	for _, args := range []string{`{"a":"topsecret"}`, `{"b":"topsecret"}`, `{"a":"topsecret`} {
		if err := s.Check(args); err == nil || strings.Contains(err.Error(), "topsecret") {
			t.Errorf("%s: %v", args, err)
		}
	}
}

// Hostile arguments end in an error, and soon: alternatives within alternatives,
// many items that must differ, many values.
func TestBounds(t *testing.T) {
	schema := `{"type":"string"}`
	for range 20 {
		schema = `{"anyOf":[` + schema + `,` + schema + `]}`
		if len(schema) > maxSchema/4 {
			break
		}
	}
	s, err := Compile(`{"items":` + schema + `}`)
	if err != nil {
		t.Fatal(err)
	}
	if s.Check("["+strings.Repeat("1,", 1000)+"1]") == nil {
		t.Error("fits")
	}
	slow, err := Compile(`{"pattern":"(x+x+)+y"}`)
	if err != nil {
		t.Fatal(err)
	}
	if slow.Check(`"`+strings.Repeat("x", 1<<20)+`"`) == nil {
		t.Error("a long string fits a pattern")
	}
	if _, err := Compile(`{"pattern":"(a{500}){4}"}`); err == nil {
		t.Error("a pattern of many instructions")
	}
	unique, _ := Compile(`{"uniqueItems":true}`)
	var b strings.Builder
	for i := range 60000 {
		b.WriteString(strings.Repeat("1", 1+i%5) + ",")
	}
	if unique.Check("["+b.String()+"1]") == nil {
		t.Error("items that are the same")
	}
	if anything, _ := Compile("true"); anything.Check("["+strings.Repeat("[],", maxValues)+"1]") == nil {
		t.Error("too many values fit")
	}
}

func FuzzSchema(f *testing.F) {
	f.Add(`{"type":"object","properties":{"a":{"enum":[1]}}}`, `{"a":1}`, "a.b.0")
	f.Add(`{"oneOf":[{"not":true},{"uniqueItems":true}]}`, `[1,[2],"\ud800"]`, "")
	f.Fuzz(func(t *testing.T, schema, args, path string) {
		if s, err := Compile(schema); err == nil {
			_ = s.Check(args)
		}
		_, _, _ = Argument(args, path)
		n := Name(path)
		if Name(n) != n {
			t.Fatalf("%q: the canonical name %q becomes %q", path, n, Name(n))
		}
	})
}
