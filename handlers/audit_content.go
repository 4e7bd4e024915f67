package handlers

import (
	"fmt"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/redact"
)

// What llm_audit keeps of texts at the levels full and redacted. The copy of an
// answer is made of the bytes that were sent, in the one place that sends them.

const (
	// maxKept bounds the copy of an answer, in bytes; what is beyond is left out
	// and the record says so.
	maxKept = 64 << 20
	// maxExamined bounds the text that is searched for a redacted copy, in bytes;
	// strings beyond are left out of it.
	maxExamined = 4 << 20
)

// omittedUnreadable is why a text was not stored.
const omittedUnreadable = "it could not be examined"

// keptText is the copy of an answer while it is sent.
type keptText struct {
	on        bool
	bytes     []byte
	truncated bool
}

// add copies what was sent. shared says that nobody will change p.
func (k *keptText) add(p []byte, shared bool) {
	if !k.on || len(p) == 0 {
		return
	}
	if room := maxKept - len(k.bytes); len(p) > room {
		p, k.truncated = p[:room], true
	}
	if k.bytes == nil && shared {
		k.bytes = p[:len(p):len(p)]
		return
	}
	k.bytes = append(k.bytes, p...)
}

// keepFull returns what the level full stores.
func (c *call) keepFull() (request, answer func() *audit.Capture) {
	return func() *audit.Capture { return &audit.Capture{Text: c.x.View.Raw} },
		func() *audit.Capture { return &audit.Capture{Text: c.w.kept.bytes, Truncated: c.w.kept.truncated} }
}

// sensitive is what a redacted copy never holds, whatever llm_policy looks for.
var sensitive = func() *redact.Rule {
	d, err := policy.Detect([]string{"pii", "secrets"})
	if err != nil {
		panic(err) // both are built in
	}
	return &redact.Rule{Name: "audit", Scanners: d.Scanners, Rules: d.Rules, Kinds: d.Kinds}
}()

// keepRedacted returns what the level redacted stores: the texts with all personal
// data and credentials masked that the detectors find, and whatever else the
// redact rules of this request look for. What cannot be examined is not stored.
func (c *call) keepRedacted() (request, answer func() *audit.Capture) {
	return func() *audit.Capture { return masked(c.redact.Masking(sensitive), c.x.View.Raw, false) },
		func() *audit.Capture {
			s := c.redact.Masking(sensitive)
			if c.w.mode == modeEvents {
				return maskedStream(s, c.x.Dialect, &c.w.kept)
			}
			return masked(s, c.w.kept.bytes, c.w.kept.truncated)
		}
}

// masked is a JSON text with every string examined; a truncated one is none.
func masked(s *redact.Session, text []byte, truncated bool) *audit.Capture {
	if truncated {
		return &audit.Capture{Omitted: omittedUnreadable}
	}
	left, skipped := maxExamined, false
	out, err := rewrite.Strings(text, func(v string) string {
		if left -= len(v); left < 0 {
			skipped = true
			return fmt.Sprintf("[%d bytes left out]", len(v))
		}
		return s.Mask(v)
	})
	if err != nil {
		return &audit.Capture{Omitted: omittedUnreadable}
	}
	return &audit.Capture{Text: out, Truncated: skipped}
}

// maskedStream is the same of a stream.
func maskedStream(s *redact.Session, d llm.Dialect, kept *keptText) *audit.Capture {
	var split splitter = new(answer.Splitter)
	if d.Family() == llm.FamilyOllama {
		split = new(answer.LineSplitter)
	}
	text := kept.bytes
	truncated := kept.truncated
	if len(text) > maxExamined {
		text, truncated = text[:maxExamined], true
	}
	r := rewrite.New(d, s)
	out := make([]byte, 0, len(text))
	err := split.Feed(text, func(ev []byte) (err error) {
		out, err = r.Event(out, ev)
		return err
	})
	if err != nil {
		return &audit.Capture{Omitted: omittedUnreadable}
	}
	out = r.End(out)
	// What follows the last whole event is part of one that cannot be read.
	return &audit.Capture{Text: out, Truncated: truncated || len(split.Rest()) > 0}
}
