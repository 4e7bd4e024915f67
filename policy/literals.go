package policy

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/topic"
)

// checkLiterals refuses words that are written in an expression and mean nothing where
// they stand: a rule that asks for them would never match, or could never be evaluated.
func checkLiterals(a *ast.AST) (id int64, msg string) {
	complain := func(e ast.Expr, format string, args ...any) {
		if msg == "" {
			id, msg = e.ID(), fmt.Sprintf(format, args...)
		}
	}
	known := func(e ast.Expr, what string, words []string) {
		if s, ok := text(e); ok && !slices.Contains(words, s) {
			complain(e, "no %s %q; known are %s", what, s, strings.Join(words, ", "))
		}
	}
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind {
			return
		}
		call := e.AsCall()
		args := call.Args()
		switch name := call.FunctionName(); {
		case name == "pii" && len(args) == 2 && args[1].Kind() == ast.ListKind:
			list := args[1].AsList().Elements()
			if len(list) == 0 {
				complain(args[1], "an empty list of kinds finds nothing; name kinds, or leave the list out")
			}
			for _, k := range list {
				known(k, "kind of personal data", kindsFound("pii"))
			}
		case name == "has_phrase" && len(args) == 2:
			if s, ok := text(args[1]); ok && (strings.TrimSpace(s) == "" || tooLong(words(s))) {
				complain(args[1], "has_phrase() takes words, at most %d bytes of them", maxPhrase)
			}
		case name == operators.In && len(args) == 2 && args[1].Kind() == ast.CallKind:
			if f := args[1].AsCall().FunctionName(); kindsFound(f) != nil {
				known(args[0], "word that "+f+"() gives:", kindsFound(f))
			}
		case (name == operators.Equals || name == operators.NotEquals) && len(args) == 2:
			for i, side := range args {
				if what, words := namesOf(a, side); words != nil {
					known(args[1-i], what, words)
				}
			}
		case call.IsMemberFunction() && strings.HasPrefix(name, "get") && len(args) == 1:
			if s, ok := text(args[0]); ok && a.GetType(call.Target().ID()).TypeName() == "google.protobuf.Timestamp" && !isZone(s) {
				complain(args[0], "no time zone %q; write one as \"Europe/Berlin\" or \"+01:00\"", s)
			}
		}
	}))
	return id, msg
}

// text is a string that is written in an expression.
func text(e ast.Expr) (s string, ok bool) {
	if e.Kind() == ast.LiteralKind {
		s, ok = e.AsLiteral().Value().(string)
	}
	return s, ok
}

// kindsFound are the words that a function of detectors can give, nil for other functions.
func kindsFound(function string) (kinds []string) {
	switch function {
	case "pii":
		kinds = pii.New().Rules()
	case "secrets":
		kinds = secrets.New().Rules()
	case "classify_prompt":
		return append(topic.Classes(), classCredentials, classPersonal)
	default:
		return nil
	}
	for i := range kinds {
		kinds[i] = strings.ReplaceAll(kinds[i], "-", "_")
	}
	return kinds
}

// namesOf are the words that a field can be, nil if it can be any.
func namesOf(a *ast.AST, e ast.Expr) (what string, names []string) {
	if e.Kind() != ast.SelectKind {
		return "", nil
	}
	s := e.AsSelect()
	switch of := a.GetType(s.Operand().ID()).TypeName(); {
	case of == llmType.typ.TypeName() && s.FieldName() == "dialect":
		for _, v := range dialectValues {
			if d := v.Value().(string); d != "" && !slices.Contains(names, d) {
				names = append(names, d)
			}
		}
		return "dialect", append(names, llm.DialectNone.String())
	case of == segmentType.typ.TypeName() && s.FieldName() == "kind":
		for _, v := range kindValues {
			names = append(names, v.Value().(string))
		}
		return "kind of segment", names
	}
	return "", nil
}

var offset = regexp.MustCompile(`^[+-]?\d\d:\d\d$`)

// isZone reports whether CEL knows a time zone.
func isZone(name string) bool {
	if offset.MatchString(name) {
		return true
	}
	_, err := time.LoadLocation(name)
	return err == nil
}
