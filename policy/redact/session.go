package redact

import (
	"bytes"
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
)

// hashKey is the key of Hash: values found by two processes cannot be compared.
var hashKey = func() []byte {
	k := make([]byte, 32)
	_, _ = rand.Read(k) // never fails
	return k
}()

// Session is the redaction of one request and its answer. It is not safe for
// concurrent use.
type Session struct {
	rules []*Rule
	// values and tokens are the reversible values and what stands for them, each
	// by the other.
	values, tokens map[string]string
	numbers        map[string]int // of each label, the latest
	taken          func(token string) bool
	counts         map[countKey]int
	told           map[string]bool // rules whose findings in the request were told
	scanned        [2]coverage     // of the request, and of the answer
}

type countKey struct {
	rule, what string
	response   bool
}

// NewSession returns a session without rules.
func NewSession() *Session {
	return &Session{values: map[string]string{}, tokens: map[string]string{}, numbers: map[string]int{}, counts: map[countKey]int{}, told: map[string]bool{}}
}

// Add adds rules: from then on they take part. Where the findings of several rules
// overlap, the one added first decides.
func (s *Session) Add(rules ...*Rule) { s.rules = append(s.rules, rules...) }

// Request returns all edits of a request that the rules added so far want, in
// order and without overlap. Strings are replaced as a whole, all others stay byte for byte.
func (s *Session) Request(v *llm.View) ([]llm.Edit, error) {
	rules := s.active(false)
	if len(rules) == 0 || v == nil {
		return nil, nil
	}
	for k := range s.counts { // those of an earlier call, whose edits these replace
		if !k.response {
			delete(s.counts, k)
		}
	}
	s.scanned[0] = coverage{}
	// A replacement that the caller has written itself must not become a way to
	// name the value of another: numbers that occur in the request are left out.
	read := sync.OnceValue(func() string { return norm.Read(string(v.Raw)) })
	s.taken = func(token string) bool { return strings.Contains(read(), token) }
	var edits []llm.Edit
	value := func(at llm.Span, kind rewrite.Kind) error {
		raw := v.Raw[at.Start:at.End]
		if kind == rewrite.Arguments {
			if out := jsontext.Value(s.whole(rules, kind, string(raw), false)); out.IsValid(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true)) {
				if !bytes.Equal(out, raw) {
					edits = append(edits, llm.Edit{Span: at, New: out})
				}
				return nil
			}
		}
		out, err := rewrite.Strings(raw, func(text string) string { return s.whole(rules, rewrite.Text, text, false) })
		if err != nil {
			return fmt.Errorf("reading a value of the request: %w", err)
		}
		if !bytes.Equal(out, raw) {
			edits = append(edits, llm.Edit{Span: at, New: bytes.Clone(out)})
		}
		return nil
	}
	for i, skip := 0, 0; i < len(v.Segments); i++ {
		g := &v.Segments[i]
		if i >= skip {
			skip = i + run(v.Segments[i:])
			if texts := s.across(rules, v.Segments[i:skip]); texts != nil {
				for k, text := range texts {
					if g := &v.Segments[i+k]; text != g.Text {
						edits = append(edits, llm.Edit{Span: g.Span, New: strictjson.AppendQuoted(nil, text)})
					}
				}
				i = skip - 1
				continue
			}
		}
		if g.Span.IsZero() || g.Text == "" {
			continue
		}
		kind := rewrite.Text
		if g.Kind == llm.KindToolArgs {
			kind = rewrite.Arguments
		}
		if c := v.Raw[g.Span.Start]; c-'0' <= 9 { // a number by itself: what stands for it is a string
			if out := s.whole(rules, rewrite.Text, g.Text, false); out != g.Text {
				edits = append(edits, llm.Edit{Span: g.Span, New: strictjson.AppendQuoted(nil, out)})
			}
			continue
		} else if c != '"' {
			if err := value(g.Span, kind); err != nil {
				return nil, err
			}
			continue
		}
		if out := s.whole(rules, kind, g.Text, false); out != g.Text {
			edits = append(edits, llm.Edit{Span: g.Span, New: strictjson.AppendQuoted(nil, out)})
		}
	}
	for _, a := range dialects.Asides(v.Raw) {
		kind := rewrite.Text
		if c := v.Raw[a.Span.Start]; c == '{' || c == '[' {
			kind = rewrite.Arguments // with its names and numbers
		}
		if err := value(a.Span, kind); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(edits, func(a, b llm.Edit) int { return cmp.Compare(a.Span.Start, b.Span.Start) })
	kept := edits[:0]
	for _, e := range edits {
		if n := len(kept); n == 0 || e.Span.Start >= kept[n-1].Span.End {
			kept = append(kept, e)
		}
	}
	return kept, nil
}

// Answers reports whether anything may have to be done to the answer.
func (s *Session) Answers() bool { return len(s.values) > 0 || len(s.active(true)) > 0 }

// Examines reports whether a rule insists on looking at answers, or else at requests: then
// none may pass that cannot be read.
func (s *Session) Examines(response bool) bool {
	return slices.ContainsFunc(s.active(response), (*Rule).Insists)
}

func (s *Session) active(response bool) (rules []*Rule) {
	for _, r := range s.rules {
		if r.Request && !response || r.Response && response {
			rules = append(rules, r)
		}
	}
	return rules
}

// Stream implements rewrite.Filter.
func (s *Session) Stream(k rewrite.Kind) rewrite.Stream { return s.stream(s.active(true), k, true) }

// Whole implements rewrite.Filter.
func (s *Session) Whole(k rewrite.Kind, text string) string {
	return s.whole(s.active(true), k, text, true)
}

func (s *Session) whole(rules []*Rule, k rewrite.Kind, text string, response bool) string {
	if text == "" {
		return ""
	}
	st := s.stream(rules, k, response)
	if !response {
		// A request is there in full: also what is encoded in it can be read.
		s.scanned[0].add(len(text))
		deep := norm.Deep
		if k == rewrite.Arguments {
			deep = norm.DeepJSON
		}
		return st.write(text, deep(text, s.scanners(rules, k, false)...))
	}
	return st.Feed(text) + st.Flush()
}

// ForgetAnswer forgets what was looked at and found in an answer that comes to nobody:
// another one comes instead.
func (s *Session) ForgetAnswer() {
	for k := range s.counts {
		if k.response {
			delete(s.counts, k)
		}
	}
	s.scanned[1] = coverage{}
}

// Decisions calls f for each rule that found something since the last call, with
// what it found and where, e.g. "request: 2 email, 1 iban".
func (s *Session) Decisions(f func(llm.Decision)) {
	for _, response := range []bool{false, true} {
		for _, r := range s.rules {
			var found []string
			for k, n := range s.counts {
				if k.rule == r.Name && k.response == response {
					found = append(found, strconv.Itoa(n)+" "+k.what)
				}
			}
			if len(found) == 0 || !response && s.told[r.Name] {
				continue
			}
			slices.Sort(found)
			where := "request"
			s.told[r.Name] = s.told[r.Name] || !response
			if response {
				where = "response"
			}
			action := "redact"
			if r.Shadow {
				action = "would_redact"
			}
			f(llm.Decision{Module: "policy", Rule: r.Name, Policy: r.Policy, Action: action, Detail: where + ": " + strings.Join(found, ", ")})
		}
	}
	clear(s.counts)
}

// replacement is what stands for a value that a rule found.
func (s *Session) replacement(r *Rule, m detect.Match, value string, response bool) string {
	s.counts[countKey{r.Name, m.Rule, response}]++
	name := label(m.Rule)
	switch r.Style {
	case Hash:
		mac := hmac.New(sha256.New, hashKey)
		mac.Write([]byte(value))
		return "[" + name + ":" + hex.EncodeToString(mac.Sum(nil)[:6]) + "]"
	case Reversible:
		if t, ok := s.tokens[value]; ok {
			return t
		}
		for {
			s.numbers[name]++
			t := "[[" + name + "_" + strconv.Itoa(s.numbers[name]) + "]]"
			if s.taken != nil && s.taken(t) {
				continue
			}
			s.tokens[value] = t
			if !response {
				s.values[t] = value
			}
			return t
		}
	}
	return "[" + name + "]"
}
