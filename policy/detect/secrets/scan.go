package secrets

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/automaton"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/internal/shape"
)

const (
	// nearBytes is how far before a token a word of rule.near may begin.
	nearBytes = 96
	// runMin is how long a run of token bytes is before rules look at it whose
	// tokens have no prefix of their own.
	runMin = 14
	// usualBits is the entropy that tokens have.
	usualBits = 2.6
	maxURL    = 128 // bytes of a password in an address
)

// compiled is a rule, ready to run.
type compiled struct {
	id      string
	pattern *shape.Pattern
	open    bool
	near    []int // numbers of words of nearWords
	slashes bool  // tokens may begin with a slash or plus: base64
	bits    float64
	upper   bool
	bare    bool // no prefix tells what it is
}

// Scanner finds credentials. The zero value is not usable; take New().
type Scanner struct {
	prefixed [256][]*compiled // by first byte: the token begins with fixed bytes
	pairs    [256]shape.Set   // by first byte: the second bytes of prefixed
	bare     [256]runRules    // by first byte: any run of enough bytes may be it
	idle     [256]bool        // nothing begins with the byte but values, see opens
	words    *automaton.Automaton
	rules    []string
	// nearWords are the words, in the order of their numbers.
	nearWords []string
}

var _ detect.Incremental = (*Scanner)(nil)

var (
	tokenBytes = shape.Bytes(`A-Za-z0-9_+/.~|:!=-`)
	plainBytes = shape.Bytes(`!#-&(-+.-9<>-[\]-_a-z{}~@*%^\x80-\xff-`) // an unquoted value
	single     = newScanner()
)

// New returns the scanner; all calls return the same one.
func New() *Scanner { return single }

func newScanner() *Scanner {
	s := &Scanner{}
	number := map[string]int{}
	var words []string
	seen := map[string]bool{}
	var free, near [256][]*compiled
	for _, group := range [][]rule{codeRules, cloudRules, serviceRules} {
		for _, r := range group {
			c := compile(&r)
			for w := range strings.SplitSeq(r.near, "|") {
				if w == "" {
					continue
				}
				if _, ok := number[w]; !ok {
					number[w] = len(words)
					words = append(words, w)
				}
				c.near = append(c.near, number[w])
			}
			if !seen[r.id] {
				seen[r.id] = true
				s.rules = append(s.rules, r.id)
			}
			first := 0
			for b := range 256 {
				if c.pattern.First.Has(byte(b)) {
					first++
				}
			}
			bare := first > 4
			c.bare = bare
			for b := range 256 {
				switch {
				case !c.pattern.First.Has(byte(b)):
				case len(c.near) > 0:
					near[b] = append(near[b], c)
				case bare:
					free[b] = append(free[b], c)
				default:
					s.prefixed[b] = append(s.prefixed[b], c)
					for i := range c.pattern.Second {
						s.pairs[b][i] |= c.pattern.Second[i]
					}
				}
			}
		}
	}
	s.rules = append(s.rules, ruleKey, ruleURL, rulePassword, ruleGeneric, ruleBasic, ruleFlag)
	for b := range 256 {
		s.bare[b] = byRun(free[b], near[b])
		s.idle[b] = s.prefixed[b] == nil && len(s.bare[b].all) == 0 && b != '-'
	}
	s.words, s.nearWords = automaton.Must(words...), words
	return s
}

func compile(r *rule) *compiled {
	c := &compiled{id: r.id, pattern: shape.Compile(r.pattern), open: r.open, bits: r.bits, upper: r.upper}
	if c.bits == 0 {
		c.bits = usualBits
	}
	if c.pattern.Max > detect.MaxLong {
		panic("secrets: " + r.id + " may match too much")
	}
	c.slashes = c.pattern.First.Has('/')
	return c
}

// Rules of matchers that are not patterns.
const (
	ruleKey      = "private-key"
	ruleURL      = "url-password"
	rulePassword = "password"
	ruleGeneric  = "generic-secret"
	ruleBasic    = "basic-authorization"
	ruleFlag     = "command-password"
)

// Rules returns the names of all rules.
func (s *Scanner) Rules() []string { return append([]string(nil), s.rules...) }

// MaxMatch implements detect.Scanner.
func (s *Scanner) MaxMatch() int { return detect.MaxLong }

// MaxHeld implements detect.Incremental.
func (s *Scanner) MaxHeld() int { return detect.MaxLong + 64 }

// Scan implements detect.Scanner.
func (s *Scanner) Scan(dst []detect.Match, text string) []detect.Match {
	dst, _ = s.Advance(dst, text, 0, true)
	return dst
}

// Advance implements detect.Incremental.
func (s *Scanner) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	j := job{s: s, c: detect.NewCursor(text, final), text: text}
	return j.advance(dst, from)
}

func (j *job) advance(dst []detect.Match, from int) ([]detect.Match, int) {
	j.c.Remember(&j.runs)
	text := j.text
	for p := from; p < len(text); {
		b := text[p]
		var prev byte
		if p > 0 {
			prev = text[p-1]
		}
		if alnum(prev) && !j.escaped(p) || j.s.idle[b] && !opens[prev] {
			p++
			continue
		}
		end, rule := j.at(p, b, prev)
		if j.c.Short() {
			return dst, p
		}
		if end > p {
			dst = append(dst, detect.Match{Start: p, End: end, Rule: rule, Kind: detect.KindSecret})
			p = end
			continue
		}
		p++
		if alnum(b) && prev != '\\' && prev != '%' {
			// Nothing begins within a word, or right behind it. An escape that is
			// part of one stands at its beginning.
			for p < len(text) && alnums[text[p]] {
				p++
			}
			p = min(p+1, len(text))
		}
	}
	return dst, len(text)
}

// opens are the bytes behind which something may begin whatever it begins with.
var opens = table(":\"'` \t=>(\n")

// table is the set of the bytes of s.
func table(s string) (t [256]bool) {
	for i := range len(s) {
		t[s[i]] = true
	}
	return t
}

// alnums are the letters and digits, tokens the bytes of tokens.
var alnums, tokens = func() (a, t [256]bool) {
	for b := range 256 {
		a[b], t[b] = alnum(byte(b)), tokenBytes.Has(byte(b))
	}
	return a, t
}()

// job is one call of Advance. What it remembers only saves time: no answer
// depends on where the call began.
type job struct {
	s    *Scanner
	c    detect.Cursor
	text string

	runEnd int // token bytes go on until here
	runs   detect.Runs

	flags, names, calls trail
	empty, rows         glance

	state automaton.State
	read  int   // where the machine of near words is
	last  []int // by word: where it began last, +1
	any   int   // where the last of all words began, +1
}

// escaped tells whether the letter or digit before p belongs to an escape of
// JSON or of a URL, as in \nAKIA or %3DAKIA.
func (j *job) escaped(p int) bool {
	if p < 2 {
		return false
	}
	switch b := j.text[p-1]; {
	case j.text[p-2] == '\\':
		return b == 'n' || b == 'r' || b == 't'
	case p >= 3 && j.text[p-3] == '%':
		return hexDigit(b) && hexDigit(j.text[p-2])
	case p >= 6 && j.text[p-6] == '\\' && j.text[p-5] == 'u':
		return hexDigit(b) && hexDigit(j.text[p-2]) && hexDigit(j.text[p-3]) && hexDigit(j.text[p-4])
	}
	return false
}

// at returns the match that begins at p, if any.
func (j *job) at(p int, b, prev byte) (end int, rule string) {
	if rules := j.s.prefixed[b]; rules != nil && j.s.pairs[b].Has(j.c.At(p+1)) {
		for _, r := range rules {
			if !r.pattern.Second.Has(j.c.At(p+1)) || !r.pattern.Begins(j.text[p:]) {
				continue
			}
			if e := r.pattern.Match(&j.c, p); e > 0 && j.accept(r, p, e) {
				return e, r.id
			}
		}
	}
	if j.c.Short() {
		return 0, ""
	}
	if b == '-' {
		return j.privateKey(p), ruleKey
	}
	if prev == ':' {
		if e := j.urlPassword(p); e > 0 || j.c.Short() {
			return e, ruleURL
		}
		if e := j.userFlag(p); e > 0 || j.c.Short() {
			return e, ruleFlag
		}
		if e := j.passwordFile(p); e > 0 || j.c.Short() {
			return e, rulePassword
		}
	}
	if e, id := j.bare(p, b, prev); e > 0 || j.c.Short() {
		return e, id
	}
	switch b {
	case ' ', '\t', '\r', '\n', '"', '\'', '`', '=', ':', '>', '(', '<', '{', '[', ',', ';', '|', '/':
		return 0, "" // no value begins like this
	}
	switch prev {
	case '"', '\'', '`', ' ', '\t', '=', ':', '>', '(':
		if prev == ' ' && p > 1 && nameByte(j.text[p-2]) && !announcing(j.text[:p-1]) {
			return 0, ""
		}
		return j.assigned(p)
	case '\n':
		// Behind a line that may be the name of a variable.
		i := p - 2
		if i > 0 && j.text[i] == '\r' {
			i--
		}
		if i >= 0 && (j.text[i] >= 'A' && j.text[i] <= 'Z' || digit(j.text[i])) {
			return j.assigned(p)
		}
	}
	return 0, ""
}

// accept tells whether the token text[p:e] that fits the pattern of r is one.
func (j *job) accept(r *compiled, p, e int) bool {
	if !r.open {
		if b := j.c.At(e); alnum(b) || b == '_' || (len(r.near) > 0 && (b == '-' || b == '+' || b == '/' && r.slashes)) {
			return false
		}
	}
	if r.bits < 0 {
		return true
	}
	token := j.text[p:e]
	if (r.upper || r.bare || len(r.near) > 0) && !hasDigit(token) {
		return false
	}
	if entropy(token) < r.bits || j.empty.within(j.text, p, e, emptyTokens) || (r.bare || len(r.near) > 0) && j.rows.within(j.text, p, e, rows) {
		return false
	}
	l := look(token)
	if r.upper && (l.upper == 0 || l.lower == 0 || l.digit == 0) || r.bare && l.digit < 2 && !made(token, &l) {
		return false
	}
	if len(r.near) > 0 && (l.digit == 0 || l.digit == len(token) || slug(token, &l)) {
		return false
	}
	return true
}

// bare tries the rules whose tokens have no prefix.
func (j *job) bare(p int, b, prev byte) (int, string) {
	rules := &j.s.bare[b]
	if len(rules.all) == 0 || prev == '_' || !j.run(p) {
		return 0, ""
	}
	todo := rules.fit(&j.c, p)
	if todo.empty() {
		return 0, ""
	}
	if prev == '-' && digestName(j.text[max(0, p-8):p-1]) || prev == ' ' && strings.HasSuffix(j.text[max(0, p-8):p], "commit ") {
		return 0, "" // what a lock file or a page says of another file, or a log of a commit
	}
	j.readTo(p)
	if j.any == 0 || j.any <= p-nearBytes {
		todo.only(&rules.free)
	}
	for i := todo.next(); i >= 0; i = todo.next() {
		r := rules.all[i]
		if !r.pattern.Begins(j.text[p:]) {
			continue
		}
		if r.slashes && (prev == '/' || prev == '+' || b == '/' || b == '+') {
			continue
		}
		if len(r.near) > 0 && !j.near(r, p) {
			continue
		}
		if e := r.pattern.Match(&j.c, p); e > 0 && j.accept(r, p, e) {
			return e, r.id
		}
		if j.c.Short() {
			return 0, ""
		}
	}
	return 0, ""
}

// digestName tells whether s ends in the name of a hash function.
func digestName(s string) bool {
	for len(s) > 0 && digit(s[len(s)-1]) {
		s = s[:len(s)-1]
	}
	return strings.HasSuffix(s, "sha") || strings.HasSuffix(s, "md")
}

// run tells whether at least runMin token bytes begin at p.
func (j *job) run(p int) bool {
	if p+runMin <= j.runEnd {
		return true
	}
	e := max(p, min(j.runEnd, len(j.text)))
	for end := min(len(j.text), p+detect.MaxMatch); e < end && tokens[j.text[e]]; {
		e++
	}
	j.runEnd = e
	if e-p >= runMin {
		return true
	}
	j.c.At(e) // too short, unless the run goes on in text that is still to come
	return false
}

// readTo looks for words of rules up to p.
func (j *job) readTo(p int) {
	if lo := p - nearBytes; j.read < lo {
		j.read, j.state = lo, 0
	}
	for ; j.read < p; j.read++ {
		if j.state = j.s.words.Next(j.state, j.text[j.read]); !j.s.words.Ends(j.state) {
			continue
		}
		if j.last == nil {
			j.last = make([]int, len(j.s.nearWords))
		}
		j.s.words.Words(j.state, func(w, n int) bool {
			j.last[w] = j.read - n + 2
			j.any = max(j.any, j.last[w])
			return true
		})
	}
}

// near tells whether a word of the rule begins in the nearBytes before p.
func (j *job) near(r *compiled, p int) bool {
	for _, w := range r.near {
		if j.last[w] > p-nearBytes && j.last[w] > 0 {
			return true
		}
	}
	return false
}
