package audit

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Whatever stands in an exchange, its records are one line of bounded, plain JSON that
// reads back, and nothing personal stands in them in clear.
func FuzzRecord(f *testing.F) {
	for i, s := range hostile {
		f.Add(s, "user-canary-"+s[:min(len(s), 40)], uint16(i*7))
	}
	v := testVault(f)
	f.Fuzz(func(t *testing.T, s, user string, n uint16) {
		x := exchange(s)
		x.Principal = &llm.Principal{Key: s, User: user, Team: s}
		x.Path, x.View.Model, x.FinishReason, x.ClientIP = s, s, s, user
		x.Denied = &llm.Denial{Code: s, Stage: llm.Stage(s), Rule: s, Param: s}
		for range n % 90 {
			x.Tags = append(x.Tags, user)
			x.Policies = append(x.Policies, s)
			x.Decide(llm.Decision{Module: s, Rule: s, Action: s, Policy: s, Detail: s})
			x.Scanned(llm.Scan{Detector: s, Rule: s, Where: s, Verdict: s})
			x.Attempts = append(x.Attempts, x.Attempts[0])
		}
		who := subject(t, v, "user:fuzz")
		kept := &Content{Level: Level(s), Request: &Text{HMAC: s, File: s, SHA256: s, Omitted: s}, Answer: &Text{File: s}}
		for _, enc := range [][]byte{encodeAdmitted(s, s, x, x.Attempts[0], who, kept), encodeEnded(s, s, StageCompleted, x, who, kept), encodeErasure(s, x.Start, s, s, s, s)} {
			if len(enc) > MaxRecord || !utf8.Valid(enc) {
				t.Fatalf("%d bytes", len(enc))
			}
			line := string(enc)
			for _, r := range line {
				if r < 0x20 || r == 0x7f || r > 0x7f && obeyed(r) {
					t.Fatalf("%U is in the line", r)
				}
			}
			if strings.HasPrefix(user, "user-canary-") && !strings.Contains(s, "user-canary-") && strings.Contains(line, "user-canary-") {
				t.Fatal("a user stands in clear")
			}
			if err := decode(t, enc).Reveal(v); err != nil {
				t.Fatal(err)
			}
		}
	})
}
