package toolcall

import (
	"errors"
	"fmt"
	"math"
	"regexp"
	"regexp/syntax"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
)

// A Schema is a compiled JSON Schema. It is immutable and safe for concurrent use.
//
// It knows the words that say something of one value: type, enum, const,
// properties, required, additionalProperties, minProperties, maxProperties, items,
// minItems, maxItems, uniqueItems, minLength, maxLength, pattern, minimum, maximum,
// exclusiveMinimum, exclusiveMaximum, multipleOf, allOf, anyOf, oneOf, not. Any
// other word but a comment ($schema, $id, $comment, title, description, default,
// examples, format, deprecated, readOnly, writeOnly) is an error: a limit that
// would not be checked must not look as if it were.
type Schema struct {
	root *rule
}

// Bounds of schemas.
const (
	maxSchema = 64 << 10 // bytes
	// maxSteps bounds the work of one Check, some milliseconds: a step is a value
	// compared with a rule, or eight instructions of a pattern on one byte.
	maxSteps = 1 << 18
	maxInsts = 2000 // instructions of a pattern
)

type rule struct {
	never         bool // the schema false
	types         map[string]bool
	enum          []value
	members       map[string]*rule
	required      []string
	others        *rule // of additional properties; nil for any
	items         *rule
	least, most   [3]int // of length, items and members; most 0 with unbounded false
	bounded       [3]bool
	unique        bool
	pattern       *regexp.Regexp
	insts         int // of the pattern
	min, max      float64
	minOpen       bool
	maxOpen       bool
	multiple      float64
	all, any, one []*rule
	not           *rule
	hasEnum       bool
}

const (
	ofLength = iota
	ofItems
	ofMembers
)

// Compile reads a schema. Its errors say where.
func Compile(schema string) (*Schema, error) {
	if len(schema) > maxSchema {
		return nil, fmt.Errorf("the schema is larger than %d bytes", maxSchema)
	}
	v, err := parse(schema)
	if err != nil {
		return nil, fmt.Errorf("the schema is no JSON: %w", err)
	}
	r, err := compile(&v, "")
	if err != nil {
		return nil, err
	}
	return &Schema{r}, nil
}

func compile(v *value, at string) (*rule, error) {
	r := &rule{min: math.Inf(-1), max: math.Inf(1)}
	switch v.kind {
	case strictjson.True:
		return r, nil
	case strictjson.False:
		r.never = true
		return r, nil
	case strictjson.Object:
	default:
		return nil, fmt.Errorf("schema%s: want an object, true or false", at)
	}
	for i, name := range v.names {
		if err := r.word(name, &v.items[i], at); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// word reads one member of a schema.
func (r *rule) word(name string, v *value, at string) (err error) {
	where := at + "/" + name
	bad := func(want string) error { return fmt.Errorf("schema%s: want %s", where, want) }
	count := func(k int, least bool) error {
		if v.kind != strictjson.Number || v.number < 0 || v.number != math.Trunc(v.number) || v.number > math.MaxInt32 {
			return bad("a whole number")
		}
		if least {
			r.least[k] = int(v.number)
		} else {
			r.most[k], r.bounded[k] = int(v.number), true
		}
		return nil
	}
	number := func(to *float64) error {
		if v.kind != strictjson.Number {
			return bad("a number")
		}
		*to = v.number
		return nil
	}
	several := func(to *[]*rule) error {
		if v.kind != strictjson.Array || len(v.items) == 0 {
			return bad("a list of schemas")
		}
		for i := range v.items {
			sub, err := compile(&v.items[i], fmt.Sprintf("%s/%d", where, i))
			if err != nil {
				return err
			}
			*to = append(*to, sub)
		}
		return nil
	}
	switch name {
	case "type":
		r.types = map[string]bool{}
		list := v.items
		if v.kind == strictjson.String {
			list = []value{*v}
		}
		for _, t := range list {
			switch t.text {
			case "object", "array", "string", "number", "integer", "boolean", "null":
				r.types[t.text] = true
			default:
				return bad("a type of JSON")
			}
		}
		if len(r.types) == 0 {
			return bad("a type of JSON")
		}
	case "enum":
		if v.kind != strictjson.Array {
			return bad("a list")
		}
		r.enum, r.hasEnum = append(r.enum, v.items...), true
	case "const":
		r.enum, r.hasEnum = append(r.enum, *v), true
	case "properties":
		if v.kind != strictjson.Object {
			return bad("an object")
		}
		r.members = map[string]*rule{}
		for i, member := range v.names {
			if r.members[member], err = compile(&v.items[i], where+"/"+member); err != nil {
				return err
			}
		}
	case "required":
		if v.kind != strictjson.Array {
			return bad("a list of names")
		}
		for _, n := range v.items {
			if n.kind != strictjson.String {
				return bad("a list of names")
			}
			r.required = append(r.required, n.text)
		}
	case "additionalProperties":
		r.others, err = compile(v, where)
	case "items":
		r.items, err = compile(v, where)
	case "minLength":
		return count(ofLength, true)
	case "maxLength":
		return count(ofLength, false)
	case "minItems":
		return count(ofItems, true)
	case "maxItems":
		return count(ofItems, false)
	case "minProperties":
		return count(ofMembers, true)
	case "maxProperties":
		return count(ofMembers, false)
	case "uniqueItems":
		if v.kind != strictjson.True && v.kind != strictjson.False {
			return bad("true or false")
		}
		r.unique = v.kind == strictjson.True
	case "pattern":
		if v.kind != strictjson.String || len(v.text) > 1024 {
			return bad("a regular expression of at most 1,024 bytes")
		}
		if r.pattern, err = regexp.Compile(v.text); err != nil {
			return bad("a regular expression (RE2)")
		}
		if r.insts = instructions(v.text); r.insts > maxInsts {
			return bad("a simpler regular expression")
		}
	case "minimum":
		return number(&r.min)
	case "maximum":
		return number(&r.max)
	case "exclusiveMinimum":
		r.minOpen = true
		return number(&r.min)
	case "exclusiveMaximum":
		r.maxOpen = true
		return number(&r.max)
	case "multipleOf":
		if err := number(&r.multiple); err != nil || r.multiple <= 0 {
			return bad("a number above 0")
		}
	case "allOf":
		return several(&r.all)
	case "anyOf":
		return several(&r.any)
	case "oneOf":
		return several(&r.one)
	case "not":
		r.not, err = compile(v, where)
	case "$schema", "$id", "$comment", "title", "description", "default", "examples", "format", "deprecated", "readOnly", "writeOnly":
	default:
		return fmt.Errorf("schema%s: %q is not checked here", at, name)
	}
	return err
}

// instructions is how many instructions a regular expression becomes.
func instructions(pattern string) int {
	tree, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return math.MaxInt
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return math.MaxInt
	}
	return len(prog.Inst)
}

var errSteps = errors.New("the arguments take too long to check")

// Check returns nil if the arguments of a call fit the schema, else what does not,
// and where. Names of arguments may be in the error, their values are not.
func (s *Schema) Check(arguments string) error {
	v, err := parse(arguments)
	if err != nil {
		return fmt.Errorf("the arguments are no JSON: %w", err)
	}
	c := checker{}
	return c.check(s.root, &v, "")
}

type checker struct{ steps int }

func (c *checker) check(r *rule, v *value, at string) error {
	if c.steps++; c.steps > maxSteps {
		return errSteps
	}
	bad := func(what string) error { return fmt.Errorf("arguments%s: %s", at, what) }
	if r.never {
		return bad("not allowed")
	}
	if r.types != nil && !r.typed(v) {
		return bad("of another type")
	}
	if r.hasEnum {
		found := false
		for i := range r.enum {
			c.steps += 1 + len(v.items)
			found = found || r.enum[i].equal(v)
		}
		if !found {
			return bad("not one of the values allowed")
		}
	}
	switch v.kind {
	case strictjson.String:
		if !r.counted(ofLength, utf8.RuneCountInString(v.text)) {
			return bad("too short or too long")
		}
		if r.pattern != nil {
			if c.steps += len(v.text) * r.insts / 8; c.steps > maxSteps {
				return errSteps
			}
			if !r.pattern.MatchString(v.text) {
				return bad("not of the form that is asked for")
			}
		}
	case strictjson.Number:
		if v.number < r.min || v.number > r.max || r.minOpen && v.number == r.min || r.maxOpen && v.number == r.max {
			return bad("too small or too large")
		}
		if r.multiple > 0 {
			if q := v.number / r.multiple; math.Abs(q-math.Round(q)) > 1e-9 {
				return bad("not a multiple of what is asked for")
			}
		}
	case strictjson.Array:
		if !r.counted(ofItems, len(v.items)) {
			return bad("too few or too many items")
		}
		for i := range v.items {
			if r.items != nil {
				if err := c.check(r.items, &v.items[i], fmt.Sprintf("%s/%d", at, i)); err != nil {
					return err
				}
			}
			for k := 0; r.unique && k < i; k++ {
				if c.steps++; c.steps > maxSteps {
					return errSteps
				}
				if v.items[i].equal(&v.items[k]) {
					return bad("the same item twice")
				}
			}
		}
	case strictjson.Object:
		if !r.counted(ofMembers, len(v.items)) {
			return bad("too few or too many members")
		}
		for _, n := range r.required {
			if _, ok := v.members[n]; !ok {
				return bad(fmt.Sprintf("%q is missing", n))
			}
		}
		for i, n := range v.names {
			sub, ok := r.members[n]
			if !ok {
				sub = r.others
			}
			if sub == nil {
				continue
			}
			if err := c.check(sub, &v.items[i], at+"/"+n); err != nil {
				return err
			}
		}
	}
	return c.compose(r, v, at)
}

// compose checks allOf, anyOf, oneOf and not.
func (c *checker) compose(r *rule, v *value, at string) error {
	for _, sub := range r.all {
		if err := c.check(sub, v, at); err != nil {
			return err
		}
	}
	fits := func(subs []*rule) (n int, err error) {
		for _, sub := range subs {
			switch err := c.check(sub, v, at); {
			case errors.Is(err, errSteps):
				return 0, err
			case err == nil:
				n++
			}
		}
		return n, nil
	}
	if len(r.any) > 0 {
		if n, err := fits(r.any); err != nil || n == 0 {
			return errors.Join(err, fmt.Errorf("arguments%s: fits none of the forms allowed", at))
		}
	}
	if len(r.one) > 0 {
		if n, err := fits(r.one); err != nil || n != 1 {
			return errors.Join(err, fmt.Errorf("arguments%s: fits %d of the forms allowed, not one", at, n))
		}
	}
	if r.not != nil {
		if n, err := fits([]*rule{r.not}); err != nil || n > 0 {
			return errors.Join(err, fmt.Errorf("arguments%s: not allowed", at))
		}
	}
	return nil
}

func (r *rule) counted(k, n int) bool { return n >= r.least[k] && (!r.bounded[k] || n <= r.most[k]) }

func (r *rule) typed(v *value) bool {
	switch v.kind {
	case strictjson.Object:
		return r.types["object"]
	case strictjson.Array:
		return r.types["array"]
	case strictjson.String:
		return r.types["string"]
	case strictjson.Number:
		return r.types["number"] || r.types["integer"] && v.number == math.Trunc(v.number)
	case strictjson.True, strictjson.False:
		return r.types["boolean"]
	case strictjson.Null:
		return r.types["null"]
	}
	return false
}
