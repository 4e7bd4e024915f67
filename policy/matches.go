package policy

import (
	"fmt"
	"io"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/interpreter"
)

// Bounds of matches().
const (
	maxMatchText    = 64 << 10 // bytes of the string
	maxPatternBytes = 1 << 10  // bytes of a pattern that is not a constant
	maxRegexProgram = 2000     // instructions of a compiled pattern
	// quickMatch is the product of instructions and bytes up to which a match
	// is surely short and runs without looking at the clock. Patterns of more than
	// quickInsts instructions are slower by an order of magnitude (package regexp
	// does not backtrack them), and only an eighth of it is short.
	quickMatch = 256 << 10
	quickInsts = 500
)

// matcher is matches() with bounds: RE2 is linear, but linear in pattern × text,
// and a regular expression at work can't be interrupted from outside.
type matcher struct {
	interpreter.InterpretableCall
	text, pattern interpreter.InterpretableV2
	constant      *pattern // nil when the pattern is computed
}

// pattern is a compiled regular expression.
type pattern struct {
	re     *regexp.Regexp
	insts  int
	prefix string // every match begins with it
}

// Args implements interpreter.InterpretableCall.
func (m *matcher) Args() []interpreter.InterpretableV2 {
	return []interpreter.InterpretableV2{m.text, computed{m.pattern}}
}

// computed hides that a pattern is a constant from the optimizer, which would
// put its own, unbounded matches() in our place.
type computed struct{ interpreter.InterpretableV2 }

func compilePattern(s string) (*pattern, error) {
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, err
	}
	p := &pattern{re: re}
	p.prefix, _ = re.LiteralPrefix()
	tree, err := syntax.Parse(s, syntax.Perl)
	if err != nil {
		return nil, err
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil {
		return nil, err
	}
	p.insts = len(prog.Inst)
	return p, nil
}

func newMatcher(call interpreter.InterpretableCall) (*matcher, error) {
	m := &matcher{InterpretableCall: call, text: call.Args()[0], pattern: call.Args()[1]}
	if c, ok := m.pattern.(interpreter.InterpretableConst); ok {
		if s, ok := c.Value().(types.String); ok {
			p, err := compilePattern(string(s))
			if err != nil {
				return nil, &planError{c.ID(), "the regular expression is not valid"}
			}
			if p.insts > maxRegexProgram {
				return nil, &planError{c.ID(), fmt.Sprintf("the regular expression is too large: %d instructions, at most %d", p.insts, maxRegexProgram)}
			}
			m.constant = p
		}
	}
	return m, nil
}

// Exec implements interpreter.InterpretableV2.
func (m *matcher) Exec(f *interpreter.ExecutionFrame) ref.Val {
	tv := m.text.Exec(f)
	if types.IsUnknownOrError(tv) {
		return tv
	}
	text, ok := tv.(types.String)
	if !ok {
		return types.MaybeNoSuchOverloadErr(tv)
	}
	if len(text) > maxMatchText {
		return types.NewErrWithNodeID(m.ID(), "%w: matches() on more than %d bytes", errTooLarge, maxMatchText)
	}
	p := m.constant
	if p == nil {
		pv := m.pattern.Exec(f)
		if types.IsUnknownOrError(pv) {
			return pv
		}
		s, ok := pv.(types.String)
		if !ok {
			return types.MaybeNoSuchOverloadErr(pv)
		}
		if len(s) > maxPatternBytes {
			return types.NewErrWithNodeID(m.ID(), "%w: a pattern of more than %d bytes", errTooLarge, maxPatternBytes)
		}
		var err error
		if p, err = compilePattern(string(s)); err != nil {
			return types.NewErrWithNodeID(m.ID(), "a computed pattern is not valid")
		}
		if p.insts > maxRegexProgram {
			return types.NewErrWithNodeID(m.ID(), "%w: a computed pattern", errTooLarge)
		}
	}
	return types.Bool(p.match(string(text), meterOf(f)))
}

// Eval implements interpreter.Interpretable.
func (m *matcher) Eval(a interpreter.Activation) ref.Val { return m.Exec(interpreter.AsFrame(a)) }

func (p *pattern) match(s string, e *evaluation) bool {
	quick := quickMatch
	if p.insts > quickInsts {
		quick /= 8
	}
	if work := p.insts * len(s); work <= quick {
		e.worked(work / slowBytesPerUnit)
		e.spend(uint64(1 + len(s)/slowBytesPerUnit))
		return p.re.MatchString(s)
	}
	if p.prefix != "" && !strings.Contains(s, p.prefix) {
		e.spend(uint64(1 + len(s)/walkBytesPerUnit))
		return false
	}
	return p.re.MatchReader(&metered{s: s, e: e, units: uint64(32 * (1 + p.insts/64)), work: 64 * p.insts})
}

// metered reads a string for a regular expression and pays as it goes.
type metered struct {
	s     string
	e     *evaluation
	n     int
	units uint64 // for 64 runes: a wide pattern does more on each
	work  int    // at most, for 64 runes
}

// ReadRune implements io.RuneReader.
func (m *metered) ReadRune() (rune, int, error) {
	if m.s == "" {
		return 0, 0, io.EOF
	}
	if m.n++; m.n%64 == 0 {
		m.e.worked(m.work)
		m.e.spend(m.units)
	}
	r, size := rune(m.s[0]), 1
	if r >= utf8.RuneSelf {
		r, size = utf8.DecodeRuneInString(m.s)
	}
	m.s = m.s[size:]
	return r, size, nil
}
