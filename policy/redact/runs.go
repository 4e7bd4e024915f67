package redact

import (
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/norm"
)

// run returns how many segments from the first on a model reads as one text.
func run(segments []llm.Segment) int {
	n := 1
	for n < len(segments) && dialects.Continues(&segments[n-1], &segments[n]) {
		n++
	}
	return n
}

// across returns the texts of segments that are read as one, with what stands for the
// values in them; nil if no value reaches from one into the next. Such a value is
// replaced where it begins, and also where nothing else would be left of a text, since
// some providers refuse empty ones.
func (s *Session) across(rules []*Rule, segments []llm.Segment) []string {
	texts := make([]string, len(segments))
	for i := range segments {
		texts[i] = segments[i].Text
	}
	scanners := s.scanners(rules, rewrite.Text, false)
	matches := norm.Across(texts, scanners...)
	if len(matches) == 0 {
		return nil
	}
	at := 0
	for _, text := range texts {
		s.scanned[0].add(len(text))
		for _, m := range norm.Deep(text, scanners...) {
			m.Start, m.End = m.Start+at, m.End+at
			matches = append(matches, m)
		}
		at += len(text)
	}
	slices.SortStableFunc(matches, detect.Compare)
	st := s.stream(rules, rewrite.Text, false)
	matches = st.enforced(matches)
	all := strings.Join(texts, "")
	with := make([]string, len(matches))
	for i, m := range matches {
		with[i] = st.instead(m, all[m.Start:m.End])
	}
	begin := 0
	for i, text := range texts {
		end, done := begin+len(text), begin
		var b strings.Builder
		last := ""
		for j, m := range matches {
			if m.End <= begin || m.Start >= end {
				continue
			}
			b.WriteString(all[done:max(done, m.Start)])
			if last = with[j]; m.Start >= begin {
				b.WriteString(last)
			}
			done = min(m.End, end)
		}
		b.WriteString(all[done:end])
		if texts[i] = b.String(); b.Len() == 0 {
			texts[i] = last
		}
		begin = end
	}
	return texts
}
