package redact

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/rewrite"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

func TestScans(t *testing.T) {
	v, d := dialects.Parse(llm.Chat, []byte(`{"model":"m","messages":[{"role":"user","content":"call 12345 now"},{"role":"user","content":"well"}]}`))
	if d != nil {
		t.Fatal(d)
	}
	s := NewSession()
	s.Add(&Rule{Name: "numbers", Scanners: []detect.Incremental{digits{}}, Rules: map[string]bool{"number": true}, Request: true, Response: true},
		&Rule{Name: "words", Scanners: []detect.Incremental{digits{}}, Rules: map[string]bool{"word": true}, Request: true})
	scans := func(response bool) (out []llm.Scan) {
		s.Scans(response, func(e llm.Scan) { out = append(out, e) })
		return out
	}
	if got := scans(false); got != nil {
		t.Errorf("before anything was looked at: %+v", got)
	}
	if _, err := s.Request(v); err != nil {
		t.Fatal(err)
	}
	got := scans(false)
	if len(got) != 2 || got[0] != (llm.Scan{Detector: "redact", Rule: "numbers", Where: "request", Texts: 2, Bytes: 18, Verdict: llm.ScanFound, Found: 1}) ||
		got[1] != (llm.Scan{Detector: "redact", Rule: "words", Where: "request", Texts: 2, Bytes: 18, Verdict: llm.ScanClear}) {
		t.Errorf("%+v", got)
	}
	s.Decisions(func(llm.Decision) {})
	st := s.Stream(rewrite.Text)
	st.Feed("nothing 12")
	if got := scans(true); len(got) != 1 || got[0].Verdict != llm.ScanUnfinished || got[0].Bytes != 10 {
		t.Errorf("a stream that broke off: %+v", got)
	}
	st.Flush()
	if got := scans(true); len(got) != 1 || got[0].Verdict != llm.ScanClear || got[0].Where != "response" {
		t.Errorf("%+v", got)
	}
}

// An attempt that another one replaces leaves nothing behind in the record.
func TestForgetAnswer(t *testing.T) {
	s := NewSession()
	s.Add(numbers(Mask, true, true))
	if got := request(t, s, view(t, llm.Chat, `{"model":"m","messages":[{"role":"user","content":"1111"}]}`)); !strings.Contains(got, "[NUMBER]") {
		t.Fatal(got)
	}
	st := s.Stream(rewrite.Text)
	st.Feed("2222 3333 and 4")
	s.ForgetAnswer()
	s.Scans(true, func(e llm.Scan) { t.Errorf("%+v", e) })
	var told []string
	s.Decisions(func(d llm.Decision) { told = append(told, d.Detail) })
	if len(told) != 1 || told[0] != "request: 1 number" {
		t.Errorf("%q", told)
	}
}
