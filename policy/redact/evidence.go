package redact

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// coverage is how much the scanners of a session have looked at.
type coverage struct {
	texts int
	bytes int64
	open  int // texts of a stream that have not ended
}

func (c *coverage) add(n int) {
	c.texts++
	c.bytes += int64(n)
}

// Scans calls f with the evidence of each rule, for the request or for the answer,
// if anything was looked at. It must be called before Decisions, which forgets the
// findings.
func (s *Session) Scans(response bool, f func(llm.Scan)) {
	c, where := &s.scanned[0], "request"
	if response {
		c, where = &s.scanned[1], "response"
	}
	if c.texts == 0 {
		return
	}
	for _, r := range s.active(response) {
		e := llm.Scan{Detector: "redact", Rule: r.Name, Where: where, Texts: c.texts, Bytes: c.bytes, Verdict: llm.ScanClear}
		for k, n := range s.counts {
			if k.rule == r.Name && k.response == response {
				e.Found += n
			}
		}
		switch {
		case e.Found > 0:
			e.Verdict = llm.ScanFound
		case c.open > 0: // the stream broke off while something was held back
			e.Verdict = llm.ScanUnfinished
		}
		f(e)
	}
}

// Masking returns a session that masks for good what the rules of s, and more
// besides, look for, in requests and answers alike: for copies that are kept. s may
// be nil.
func (s *Session) Masking(more ...*Rule) *Session {
	m := NewSession()
	if s != nil {
		more = append(more, s.rules...)
	}
	for _, r := range more {
		c := *r
		c.Style, c.Request, c.Response, c.Shadow = Mask, true, true, false
		m.Add(&c)
	}
	return m
}

// Mask returns a whole text as the rules leave it, also what is encoded in it.
func (s *Session) Mask(text string) string {
	return s.whole(s.active(false), rewrite.Text, text, false)
}
