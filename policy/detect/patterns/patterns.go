package patterns

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/shape"
)

// Kind is the kind of the matches.
const Kind = "pattern"

// Bounds.
const (
	// MaxPatterns is how many patterns and phrases one scanner takes.
	MaxPatterns = 1000
	// maxMatch is how many bytes a match has at most.
	maxMatch = 256
	maxName  = 40
	// maxGap is how much space stands between two words of a phrase.
	maxGap = 8
)

// A Pattern is what one rule looks for: Expr or Phrase.
type Pattern struct {
	// Name is the rule of its matches: lower case letters, digits and hyphens, at
	// most 40.
	Name string
	// Expr is a regular expression of literals, ASCII classes, groups, alternatives
	// and bounded repetitions; (?i) folds ASCII letters. A match begins and ends at
	// the border of a word where its outer bytes are letters or digits.
	Expr string
	// Phrase is words, found whatever the case of ASCII letters and the space
	// between them.
	Phrase string
}

// compiled is a pattern, ready to run.
type compiled struct {
	name    string
	pattern *shape.Pattern
}

// Scanner finds patterns. Take New.
type Scanner struct {
	first  shape.Set
	second [256]shape.Set // by first byte
	by     [256][]compiled
	most   int
	names  []string
}

var _ detect.Incremental = (*Scanner)(nil)

// New returns a scanner for patterns. Of two that match at one place the one given
// first counts. Its errors name the pattern and what is the matter with it.
func New(list ...Pattern) (*Scanner, error) {
	if len(list) == 0 {
		return nil, errors.New("there is no pattern")
	}
	if len(list) > MaxPatterns {
		return nil, fmt.Errorf("%d patterns; at most %d", len(list), MaxPatterns)
	}
	s := &Scanner{}
	seen := map[string]bool{}
	for _, p := range list {
		c, err := compile(p)
		if err != nil {
			return nil, fmt.Errorf("pattern %s: %w", p.Name, err)
		}
		if !seen[p.Name] {
			seen[p.Name] = true
			s.names = append(s.names, p.Name)
		}
		s.most = max(s.most, c.pattern.Max)
		for b := range 256 {
			if c.pattern.First.Has(byte(b)) {
				s.first.Add(byte(b))
				s.by[b] = append(s.by[b], c)
				for i := range c.pattern.Second {
					s.second[b][i] |= c.pattern.Second[i]
				}
			}
		}
	}
	return s, nil
}

var nameForm = regexp.MustCompile(`^[a-z][a-z0-9-]*$`)

func compile(p Pattern) (c compiled, err error) {
	expr := p.Expr
	switch {
	case len(p.Name) > maxName || !nameForm.MatchString(p.Name):
		return c, fmt.Errorf("the name must be lower case letters, digits and hyphens, at most %d", maxName)
	case (p.Expr == "") == (p.Phrase == ""):
		return c, errors.New("give an expression or a phrase")
	case !utf8.ValidString(p.Expr + p.Phrase):
		return c, errors.New("it is not valid UTF-8")
	case p.Phrase != "":
		words := strings.Fields(p.Phrase)
		for i, w := range words {
			words[i] = regexp.QuoteMeta(w)
		}
		expr = `(?i:` + strings.Join(words, fmt.Sprintf(`[ \t\r\n]{1,%d}`, maxGap)) + `)`
	default:
		if err := plainClasses(expr); err != nil {
			return c, err
		}
	}
	c.name = p.Name
	if c.pattern, err = shape.Parse(expr, maxMatch); err != nil {
		return c, err
	}
	return c, greedy(c.pattern, expr)
}

// plainClasses refuses classes of characters that are more than a byte.
func plainClasses(expr string) error {
	re, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return fmt.Errorf("it is no regular expression: %w", err)
	}
	var walk func(re *syntax.Regexp) error
	walk = func(re *syntax.Regexp) error {
		if re.Op == syntax.OpCharClass && len(re.Rune) > 0 && re.Rune[len(re.Rune)-1] != utf8.MaxRune {
			for _, r := range re.Rune {
				// (?i) adds the long s and the sign of Kelvin to s and k.
				if r >= utf8.RuneSelf && r != '\u017f' && r != '\u212a' {
					return fmt.Errorf("the class %s holds a character that is not ASCII: write alternatives, (?:ä|ö)", re)
				}
			}
		}
		for _, sub := range re.Sub {
			if err := walk(sub); err != nil {
				return err
			}
		}
		return nil
	}
	return walk(re)
}

// greedy refuses a pattern that does not match all it describes, because a
// repetition takes what should follow it. It tries examples.
func greedy(p *shape.Pattern, expr string) error {
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 64 {
		text := p.Sample(rnd.IntN)
		c := detect.NewCursor(text, true)
		if e := p.Match(&c, 0); e != len(text) {
			return errors.New("a repetition takes what should follow it and gives nothing back, or the first alternative hides a longer one: end the repetition with other characters, and put longer alternatives first")
		}
	}
	return nil
}

// Rules returns the names of the patterns, in the order given.
func (s *Scanner) Rules() []string { return append([]string(nil), s.names...) }

// MaxMatch implements detect.Scanner.
func (s *Scanner) MaxMatch() int { return s.most }

// MaxHeld implements detect.Incremental.
func (s *Scanner) MaxHeld() int { return s.most + 1 }

// Scan implements detect.Scanner.
func (s *Scanner) Scan(dst []detect.Match, text string) []detect.Match {
	dst, _ = s.Advance(dst, text, 0, true)
	return dst
}

// Advance implements detect.Incremental.
func (s *Scanner) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	c := detect.NewCursor(text, final)
	for p := from; p < len(text); {
		b := text[p]
		if !s.first.Has(b) || word(b) && p > 0 && word(text[p-1]) {
			p++
			continue
		}
		if p+1 < len(text) && !s.second[b].Has(text[p+1]) {
			p++
			continue
		}
		end, name := s.at(&c, p, b)
		if c.Short() {
			return dst, p
		}
		if end > p {
			dst = append(dst, detect.Match{Start: p, End: end, Rule: name, Kind: Kind})
			p = end
			continue
		}
		p++
	}
	return dst, len(text)
}

// at returns the match that begins at p, if any.
func (s *Scanner) at(c *detect.Cursor, p int, b byte) (end int, name string) {
	for _, r := range s.by[b] {
		e := r.pattern.Match(c, p)
		if e > p && !(word(c.At(e-1)) && word(c.At(e))) && !c.Short() {
			return e, r.name
		}
		if c.Short() {
			return 0, ""
		}
	}
	return 0, ""
}

// word tells whether b is part of a word; bytes of other alphabets are.
func word(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b >= utf8.RuneSelf
}
