package policy

import (
	"crypto/sha256"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/secrets"
)

// maxFindings bounds how many different values are told apart in one answer; more
// are counted each.
const maxFindings = 1 << 14

// findings is what was found in the texts of an answer so far. A value that is said
// twice, as streams repeat their texts at the end, counts once.
type findings struct {
	secrets, pii []string
	phrases      map[string]bool
	seen         map[[sha256.Size]byte]struct{}
}

// list returns what a function of detectors gives for the answer; ok is false for
// what was not looked for.
func (f *findings) list(function string, w *watched) (rules []string, ok bool) {
	switch {
	case function == "secrets" && w.secrets:
		return f.secrets, true
	case function == "pii" && w.pii:
		return f.pii, true
	}
	return nil, false
}

// add notes matches in a text, and reports whether any is new.
func (f *findings) add(text string, at int, matches []detect.Match) (news bool) {
	byKind := map[string][]detect.Match{}
	for _, m := range matches {
		byKind[m.Kind] = append(byKind[m.Kind], m)
	}
	for kind, ms := range byKind {
		if kind == phraseKind {
			for _, m := range ms {
				if !f.phrases[m.Rule] {
					if f.phrases == nil {
						f.phrases = map[string]bool{}
					}
					f.phrases[m.Rule], news = true, true
				}
			}
			continue
		}
		for _, m := range detect.Merge(ms) {
			rule := strings.ReplaceAll(m.Rule, "-", "_")
			key := sha256.Sum256([]byte(kind + "\x00" + rule + "\x00" + text[m.Start-at:m.End-at]))
			if _, known := f.seen[key]; known {
				continue
			}
			if f.seen == nil {
				f.seen = map[[sha256.Size]byte]struct{}{}
			}
			if len(f.seen) < maxFindings {
				f.seen[key] = struct{}{}
			}
			news = true
			if kind == detect.KindSecret {
				f.secrets = append(f.secrets, rule)
			} else {
				f.pii = append(f.pii, rule)
			}
		}
	}
	return news
}

// watched is what the rules of a set look for in the texts of answers.
type watched struct {
	secrets, pii bool
	phrases      []string
	scanners     []detect.Incremental
}

// add joins what one more rule looks for.
func (w *watched) add(u *answerUse) {
	w.secrets, w.pii = w.secrets || u.secrets, w.pii || u.pii
	for _, p := range u.phrases {
		if !w.has(p) {
			w.phrases = append(w.phrases, p)
		}
	}
}

func (w *watched) has(words string) bool {
	for _, p := range w.phrases {
		if p == words {
			return true
		}
	}
	return false
}

// ready makes the scanners.
func (w *watched) ready() {
	w.scanners = nil
	if w.secrets {
		w.scanners = append(w.scanners, secrets.New())
	}
	if w.pii {
		w.scanners = append(w.scanners, pii.New())
	}
	for _, p := range w.phrases {
		w.scanners = append(w.scanners, phrase{p})
	}
	if len(w.scanners) > 0 {
		// What is encoded can be read as long as it is short.
		w.scanners = append(w.scanners, norm.Encoded(w.scanners...))
	}
}

// watch looks at one text of an answer and lets it pass unchanged, but never a byte
// of what makes a rule refuse. It is a rewrite.Stream.
type watch struct {
	r     *Review
	d     *norm.Stream
	at    int
	begun bool
}

// Feed implements rewrite.Stream.
func (w *watch) Feed(piece string) string {
	if !w.begun {
		w.begun = true
		w.r.texts++
		w.r.open++
	}
	w.r.bytes += int64(len(piece))
	return w.pass(w.d.Feed(piece))
}

// Flush implements rewrite.Stream.
func (w *watch) Flush() string {
	if w.begun {
		w.begun = false
		w.r.open--
	}
	return w.pass(w.d.Flush())
}

// Held implements rewrite.Stream.
func (w *watch) Held() int { return w.d.Held() }

func (w *watch) pass(text string, matches []detect.Match) string {
	at := w.at
	w.at += len(text)
	if len(matches) > 0 && w.r.found.add(text, at, matches) {
		w.r.check()
	}
	if w.r.denied != nil {
		return ""
	}
	return text
}

// Stream implements rewrite.Filter.
func (r *Review) Stream(k rewrite.Kind) rewrite.Stream {
	scanners := r.set.watched.scanners
	if k == rewrite.Arguments {
		return &watch{r: r, d: norm.NewJSONStream(scanners...)}
	}
	return &watch{r: r, d: norm.NewStream(scanners...)}
}

// Whole implements rewrite.Filter.
func (r *Review) Whole(k rewrite.Kind, text string) string {
	if text == "" {
		return ""
	}
	s := r.Stream(k)
	return s.Feed(text) + s.Flush()
}
