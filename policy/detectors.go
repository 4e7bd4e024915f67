package policy

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	covert "github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/hidden"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/inject"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

// maxScan bounds the text that one call of a detector looks at, in bytes; with
// more the rule cannot be evaluated, rather than being evaluated in part.
const maxScan = 4 << 20

// bytesPerToken is what tokens() counts by.
const bytesPerToken = 4

// detectorFunctions are the functions over lists of segments:
//
//	secrets(list)            the rules of the credentials found, one entry each
//	pii(list[, kinds])       the kinds of the personal data found, one entry each
//	injection_score(list)    how much the worst text looks like an injection, 0 to 1
//	hidden_chars(list)       how many characters cannot be seen
//	has_phrase(list, phrase) whether the phrase occurs, whatever its case
//	tokens(list)             about how many tokens the texts are
//
// Each runs once a request and list, however many rules ask.
func detectorFunctions() []cel.EnvOption {
	segments := cel.ListType(segmentType.typ)
	one := func(name string, result *cel.Type, f func(*selection) ref.Val) cel.EnvOption {
		return cel.Function(name, cel.Overload(name+"_segments", []*cel.Type{segments}, result, cel.UnaryBinding(func(v ref.Val) ref.Val {
			return scan(v, name, f)
		})))
	}
	return []cel.EnvOption{
		one("secrets", cel.ListType(cel.StringType), func(s *selection) ref.Val { return s.rules(secrets.New()) }),
		cel.Function("injection_score", cel.Overload("injection_score_segments", []*cel.Type{segments}, cel.DoubleType, cel.UnaryBinding(injectionScore))),
		one("hidden_chars", cel.IntType, func(s *selection) ref.Val {
			n := 0
			s.each(func(text string) { n += hiddenChars(text) })
			return types.Int(n)
		}),
		one("tokens", cel.IntType, func(s *selection) ref.Val {
			n := 0
			s.each(func(text string) { n += (len(text) + bytesPerToken - 1) / bytesPerToken })
			return types.Int(n)
		}),
		cel.Function("pii",
			cel.Overload("pii_segments", []*cel.Type{segments}, cel.ListType(cel.StringType), cel.UnaryBinding(func(v ref.Val) ref.Val {
				return scan(v, "pii", func(s *selection) ref.Val { return s.rules(pii.New()) })
			})),
			cel.Overload("pii_segments_kinds", []*cel.Type{segments, cel.ListType(cel.StringType)}, cel.ListType(cel.StringType), cel.BinaryBinding(piiOf))),
		cel.Function("has_phrase", cel.Overload("has_phrase_segments_string", []*cel.Type{segments, cel.StringType}, cel.BoolType, cel.BinaryBinding(hasPhrase))),
	}
}

// scan runs a detector over one of the lists of `prompt`, once a request.
func scan(v ref.Val, name string, f func(*selection) ref.Val) ref.Val {
	l, ok := v.(*list)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	s, ok := l.sequence.(*selection)
	if !ok {
		return types.MaybeNoSuchOverloadErr(v)
	}
	if v, ok := s.watched(name); ok {
		return v
	}
	if a := s.e.answer; s.kind == selectAnswer && (a == nil || a.said == nil || a.said.Short()) {
		return tooLarge()
	}
	if v, ok := s.e.results[resultKey{name, s.kind}]; ok {
		return v
	}
	size := 0
	s.each(func(text string) { size += len(text) })
	if size > maxScan {
		return s.e.result(resultKey{name, s.kind}, func() ref.Val {
			s.evidence(name, size, nil)
			return tooLarge()
		})
	}
	return s.e.result(resultKey{name, s.kind}, func() ref.Val {
		// What a detector takes is bounded by what it looks at: the deadline of
		// the rule is for the rest of it.
		began := s.e.clock()
		paid := s.e.paid
		s.e.paid = false
		defer func() {
			if !paid {
				s.e.deadline = s.e.deadline.Add(s.e.clock().Sub(began))
			}
		}()
		v := f(s)
		s.evidence(name, size, v)
		return v
	})
}

// watched returns what was found in the texts of an answer on their way; ok is false
// for other lists, and for what was not looked for.
func (s *selection) watched(function string) (v ref.Val, ok bool) {
	if s.kind != selectAnswer || s.e.answer == nil || s.e.watched == nil {
		return nil, false
	}
	found := s.e.answer.found
	if words, is := strings.CutPrefix(function, "has_phrase "); is {
		return types.Bool(found.phrases[words]), s.e.watched.has(words)
	}
	list, ok := found.list(function, s.e.watched)
	if !ok {
		return nil, false
	}
	return types.DefaultTypeAdapter.NativeToValue(append([]string{}, list...)), true
}

// each calls f for the text of each segment of the list.
func (s *selection) each(f func(text string)) {
	for i := range s.size() {
		f((*llm.Segment)(s.at(i).(*segment)).Text)
	}
}

// runs calls f for texts of the list, two or more, that a model reads as one.
func (s *selection) runs(f func(texts []string)) {
	if s.kind == selectAnswer || s.kind == selectAside {
		return
	}
	var run []string
	flush := func() {
		if len(run) > 1 {
			f(run)
		}
		run = run[:0]
	}
	var before *llm.Segment
	for i := range s.size() {
		g := (*llm.Segment)(s.at(i).(*segment))
		if before == nil || !dialects.Continues(before, g) {
			flush()
		}
		run, before = append(run, g.Text), g
	}
	flush()
}

// rules lists the rules of all matches: in the texts, in their normalised form and
// in what is encoded in them.
func (s *selection) rules(sc detect.Incremental) ref.Val {
	found := []string{}
	add := func(matches []detect.Match) {
		for _, m := range detect.Merge(matches) {
			found = append(found, strings.ReplaceAll(m.Rule, "-", "_"))
		}
	}
	s.each(func(text string) { add(norm.Deep(text, sc)) })
	s.runs(func(texts []string) { add(norm.Across(texts, sc)) })
	return types.DefaultTypeAdapter.NativeToValue(found)
}

// piiOf is pii with the kinds that count.
func piiOf(v, kinds ref.Val) ref.Val {
	all := scan(v, "pii", func(s *selection) ref.Val { return s.rules(pii.New()) })
	found, ok := all.(traits.Lister)
	wanted, ok2 := kinds.(traits.Lister)
	if !ok || !ok2 {
		return all
	}
	pick := func() ref.Val {
		var kept []ref.Val
		for it := found.Iterator(); it.HasNext() == types.True; {
			if k := it.Next(); wanted.Contains(k) == types.True {
				kept = append(kept, k)
			}
		}
		return types.DefaultTypeAdapter.NativeToValue(kept)
	}
	s, ok := v.(*list).sequence.(*selection)
	if !ok || s.kind == selectAnswer { // of which more may be found
		return pick()
	}
	name := "pii"
	for i := range length(wanted) {
		k, _ := wanted.Get(types.Int(i)).(types.String)
		name += " " + string(k)
	}
	return s.e.result(resultKey{name, s.kind}, pick)
}

func hasPhrase(v, phrase ref.Val) ref.Val {
	p, ok := phrase.(types.String)
	if !ok || p == "" {
		return types.MaybeNoSuchOverloadErr(phrase)
	}
	words := words(string(p))
	if l, ok := v.(*list); ok {
		if s, ok := l.sequence.(*selection); ok {
			s.e.payPhrase(s, words)
		}
	}
	return scan(v, "has_phrase "+words, func(s *selection) ref.Val {
		found := false
		look := func(text string) {
			found = found || strings.Contains(strings.Join(strings.Fields(strings.ToLower(norm.Read(text))), " "), words)
		}
		s.each(look)
		s.runs(func(texts []string) { // some servers put a space between parts, some nothing
			if !found {
				look(strings.Join(texts, ""))
				look(strings.Join(texts, " "))
			}
		})
		return types.Bool(found)
	})
}

// payPhrase takes what it costs to look for a phrase that does not stand in the rule, but
// comes out of the request: of these there may be many.
func (e *evaluation) payPhrase(s *selection, words string) {
	if _, had := e.results[resultKey{"has_phrase " + words, s.kind}]; had || e.phrases[words] {
		return
	}
	size := 0
	s.each(func(text string) { size += len(text) })
	e.spend(uint64(size / slowBytesPerUnit))
	e.paid = true
}

// injectionScore is the worst score of the texts and of what is encoded in them. What a
// tool returned is judged as such: a request has no place there.
func injectionScore(v ref.Val) ref.Val {
	return scan(v, "injection_score", func(s *selection) ref.Val {
		worst := 0.0
		for i := range s.size() {
			segment := (*llm.Segment)(s.at(i).(*segment))
			score := inject.Score
			if selectToolResults.includes(segment) {
				score = inject.ScoreToolResult
			}
			worst = max(worst, score(segment.Text))
			for _, r := range norm.Runs(segment.Text) {
				worst = max(worst, score(r.Text))
			}
		}
		return types.Double(worst)
	})
}

// hiddenChars counts the characters that nobody sees and that have no honest use
// where they stand.
func hiddenChars(text string) (n int) {
	for _, m := range covert.New().Scan(nil, text) {
		n += utf8.RuneCountInString(text[m.Start:m.End])
	}
	return n
}

// Detection is what a list of kinds of data means for the scanners.
type Detection struct {
	Scanners     []detect.Incremental
	Rules, Kinds map[string]bool // see redact.Rule
}

// Detect returns the scanners for kinds of data, as configurations name them: the
// kinds of pii, the rules of secrets, `pii` for all personal data and `secrets`
// for all credentials. It returns an error that lists the kinds for one that is
// not known.
func Detect(kinds []string) (d Detection, err error) {
	d.Rules, d.Kinds = map[string]bool{}, map[string]bool{}
	p, s := pii.New(), secrets.New()
	var ofPII, ofSecrets bool
	for _, k := range kinds {
		rule := strings.ReplaceAll(k, "_", "-")
		switch {
		case k == "pii":
			ofPII, d.Kinds[detect.KindPII] = true, true
		case k == "secrets":
			ofSecrets, d.Kinds[detect.KindSecret] = true, true
		case slices.Contains(p.Rules(), rule):
			ofPII, d.Rules[rule] = true, true
		case slices.Contains(s.Rules(), rule):
			ofSecrets, d.Rules[rule] = true, true
		default:
			return d, fmt.Errorf("%q is no kind of data that can be found; known are pii, %s, secrets and the names of its rules", k,
				strings.ReplaceAll(strings.Join(p.Rules(), ", "), "-", "_"))
		}
	}
	if ofPII {
		d.Scanners = append(d.Scanners, p)
	}
	if ofSecrets {
		d.Scanners = append(d.Scanners, s)
	}
	return d, nil
}
