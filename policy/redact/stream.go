package redact

import (
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
)

// stream redacts one text. It implements rewrite.Stream.
type stream struct {
	s        *Session
	rules    []*Rule
	kind     rewrite.Kind
	response bool
	d        *norm.Stream
	json     jsonText // of Arguments
	at       int      // position in the whole text of what Feed returns next
	open     bool     // fed, and not flushed
}

func (s *Session) stream(rules []*Rule, k rewrite.Kind, response bool) *stream {
	scanners := s.scanners(rules, k, response)
	t := &stream{s: s, rules: rules, kind: k, response: response}
	if k == rewrite.Arguments {
		t.d = norm.NewJSONStream(scanners...)
	} else {
		t.d = norm.NewStream(scanners...)
	}
	return t
}

func (s *Session) scanners(rules []*Rule, k rewrite.Kind, response bool) (scanners []detect.Incremental) {
	for _, r := range rules {
		scanners = append(scanners, r.Scanners...)
	}
	if response && len(scanners) > 0 {
		// What is encoded can be read in a stream, too, as long as it is short.
		scanners = append(scanners, norm.Encoded(scanners...))
	}
	// What the model only thought about keeps its replacements: it may be
	// signed, and goes back to the model.
	if response && len(s.values) > 0 && k != rewrite.Reasoning {
		scanners = append(scanners, tokens{s})
	}
	return scanners
}

// Feed implements rewrite.Stream.
func (t *stream) Feed(piece string) string {
	c := &t.s.scanned[1]
	if !t.open {
		t.open = true
		c.open++
		c.texts++
	}
	c.bytes += int64(len(piece))
	return t.write(t.d.Feed(piece))
}

// Flush implements rewrite.Stream.
func (t *stream) Flush() string {
	if t.open {
		t.open = false
		t.s.scanned[1].open--
	}
	return t.write(t.d.Flush())
}

// Held implements rewrite.Stream.
func (t *stream) Held() int { return t.d.Held() }

// write puts the replacements into text that is decided.
func (t *stream) write(text string, matches []detect.Match) string {
	begin := t.at
	t.at += len(text)
	args := t.kind == rewrite.Arguments
	if len(matches) == 0 && !args {
		return text
	}
	var b strings.Builder
	done := begin
	for _, m := range t.enforced(matches) {
		before, value := text[done-begin:m.Start-begin], text[m.Start-begin:m.End-begin]
		done = m.End
		if !args {
			b.WriteString(before)
			b.WriteString(t.instead(m, value))
			continue
		}
		t.json.pass(&b, before)
		if with := t.instead(m, t.json.text(value)); m.Kind == tokenKind {
			t.json.restore(&b, value, with)
		} else {
			t.json.replace(&b, value, with)
		}
	}
	if args {
		t.json.pass(&b, text[done-begin:])
	} else {
		b.WriteString(text[done-begin:])
	}
	return b.String()
}

// instead is what stands for a match.
func (t *stream) instead(m detect.Match, value string) string {
	if m.Kind == tokenKind {
		return t.restored(value)
	}
	return t.s.replacement(t.ruleOf(m, false), m, value, t.response)
}

// enforced returns the matches to replace, joined where they overlap. What only
// rules in shadow ask for is counted.
func (t *stream) enforced(matches []detect.Match) []detect.Match {
	kept := matches[:0]
	var last detect.Match
	for i, m := range matches {
		switch {
		case i > 0 && m == last: // two rules have the same scanner
			continue
		case m.Kind == tokenKind || t.ruleOf(m, false) != nil:
			kept = append(kept, m)
		default:
			if r := t.ruleOf(m, true); r != nil {
				t.s.counts[countKey{r.Name, m.Rule, t.response}]++
			}
		}
		last = m
	}
	return detect.Merge(kept)
}

// ruleOf is the first rule that asks for a match.
func (t *stream) ruleOf(m detect.Match, shadow bool) *Rule {
	for _, r := range t.rules {
		if r.Shadow == shadow && (r.Rules[m.Rule] || r.Kinds[m.Kind]) {
			return r
		}
	}
	return nil
}

// restored is the value for which a token stands, fit for the text that it is put
// into.
func (t *stream) restored(token string) string {
	value, ok := t.s.values[token]
	switch {
	case !ok: // something to replace overlaps the token
		return "[REDACTED]"
	case t.kind == rewrite.Arguments:
		q := strictjson.AppendQuoted(nil, value)
		return string(q[1 : len(q)-1])
	}
	return value
}

const tokenKind = "token"

// tokens finds the replacements of a session's values. It is a detect.Incremental.
type tokens struct{ s *Session }

// maxToken bounds a replacement in bytes.
const maxToken = 64

// MaxMatch implements detect.Scanner.
func (tokens) MaxMatch() int { return maxToken }

// MaxHeld implements detect.Incremental.
func (tokens) MaxHeld() int { return maxToken }

// Scan implements detect.Scanner.
func (t tokens) Scan(dst []detect.Match, text string) []detect.Match {
	dst, _ = t.Advance(dst, text, 0, true)
	return dst
}

// Advance implements detect.Incremental.
func (t tokens) Advance(dst []detect.Match, text string, from int, final bool) ([]detect.Match, int) {
	for from < len(text) {
		i := strings.IndexByte(text[from:], '[')
		if i < 0 {
			return dst, len(text)
		}
		from += i
		rest := text[from:]
		if !strings.HasPrefix(rest, "[[") {
			if len(rest) == 1 && !final {
				return dst, from
			}
			from++
			continue
		}
		end := 2
		for end < len(rest) && end < maxToken && inToken(rest[end]) {
			end++
		}
		switch {
		case strings.HasPrefix(rest[end:], "]]"):
			if _, ok := t.s.values[rest[:end+2]]; ok {
				dst = append(dst, detect.Match{Start: from, End: from + end + 2, Rule: tokenKind, Kind: tokenKind})
				from += end + 2
				continue
			}
		case !final && (end == len(rest) || rest[end:] == "]"):
			return dst, from
		}
		from++
	}
	return dst, from
}

func inToken(c byte) bool { return c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' }
