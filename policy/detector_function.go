package policy

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
)

// Detectors are the detectors of the operator's own, by name. While a configuration is
// read there are only their names, and the scanners are nil.
type Detectors map[string]detect.Incremental

// DetectorKinds are the names that a detector of one's own may not have: kinds of
// data that the gateway finds by itself.
func DetectorKinds() []string {
	kinds := pii.New().Rules()
	for i, k := range kinds {
		kinds[i] = strings.ReplaceAll(k, "-", "_")
	}
	return kinds
}

// WithDetectors makes detectors of one's own known to rules, as detect("name", list).
func WithDetectors(d Detectors) Option { return func(o *options) { o.detectors = d } }

var errDetector = errors.New("a detector that is not there")

// detectName is the name of the function.
const detectName = "detect"

// detectFunction declares detect(name, list): the rules of what the detector found in
// the texts, one entry each.
func detectFunction() cel.EnvOption {
	return cel.Function(detectName, cel.Overload("detect_string_segments",
		[]*cel.Type{cel.StringType, cel.ListType(segmentType.typ)}, cel.ListType(cel.StringType),
		cel.BinaryBinding(func(name, v ref.Val) ref.Val {
			n, ok := name.(types.String)
			if !ok {
				return types.MaybeNoSuchOverloadErr(name)
			}
			return scan(v, detectName+" "+string(n), func(s *selection) ref.Val {
				sc := s.e.env.Detectors[string(n)]
				if sc == nil {
					return types.WrapErr(errDetector)
				}
				return s.rules(sc)
			})
		})))
}

// checkDetectors refuses calls of detect() whose detector is not known.
func checkDetectors(a *ast.AST, known Detectors) (id int64, msg string) {
	ast.PreOrderVisit(a.Expr(), ast.NewExprVisitor(func(e ast.Expr) {
		if e.Kind() != ast.CallKind || e.AsCall().FunctionName() != detectName || msg != "" {
			return
		}
		name := e.AsCall().Args()[0]
		s, ok := "", false
		if name.Kind() == ast.LiteralKind {
			s, ok = name.AsLiteral().Value().(string)
		}
		if _, has := known[s]; ok && has {
			return
		}
		id = name.ID()
		switch {
		case !ok:
			msg = "the first argument of detect() must be the name of a detector in quotes"
		case len(known) == 0:
			msg = fmt.Sprintf("no detector %q: none is configured; add `detector %s <type> { … }` to the global option llm_gateway", s, s)
		default:
			msg = fmt.Sprintf("no detector %q; known are %s", s, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}))
	return id, msg
}

// ownKind is the kind of the matches of a detector of one's own.
func ownKind(name string) string { return "detector " + name }

// own is a detector of one's own, whose matches have its kind. The names of rules are
// written as those of the gateway are.
type own struct {
	detect.Incremental
	kind string
}

// Scan implements detect.Scanner.
func (o own) Scan(dst []detect.Match, text string) []detect.Match {
	n := len(dst)
	return o.mark(o.Incremental.Scan(dst, text), n)
}

// Advance implements detect.Incremental.
func (o own) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	n := len(dst)
	dst, next := o.Incremental.Advance(dst, text, from, final)
	return o.mark(dst, n), next
}

func (o own) mark(list []detect.Match, from int) []detect.Match {
	for i := from; i < len(list); i++ {
		list[i].Kind = o.kind
	}
	return list
}

// DetectWith is Detect for kinds that may also be names of detectors of one's own.
func DetectWith(kinds []string, known Detectors) (Detection, error) {
	var rest []string
	var mine []detect.Incremental
	ownKinds := map[string]bool{}
	for _, k := range kinds {
		sc, ok := known[k]
		if !ok {
			rest = append(rest, k)
			continue
		}
		ownKinds[ownKind(k)] = true
		if sc != nil {
			mine = append(mine, own{sc, ownKind(k)})
		}
	}
	d, err := Detect(rest)
	if err != nil {
		if len(known) > 0 {
			err = fmt.Errorf("%w, and the detectors %s", err, strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
		return d, err
	}
	maps.Copy(d.Kinds, ownKinds)
	d.Scanners = append(d.Scanners, mine...)
	return d, nil
}
