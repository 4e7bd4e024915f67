package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// asLine completes an encoded record as the writer does.
func asLine(enc []byte, seq string) []byte {
	return append(append(bytes.Clone(linePrefix), seq...), enc...)
}

func decode(t testing.TB, enc []byte) *Record {
	t.Helper()
	line := asLine(enc, "7")
	if !json.Valid(line) {
		t.Fatalf("not JSON: %s", line)
	}
	r, err := Decode(line)
	if err != nil {
		t.Fatalf("%v: %s", err, line)
	}
	return r
}

func TestEncodeCompleted(t *testing.T) {
	x := exchange("0192-id")
	x.Tags = []string{"pii", "beta"}
	x.Attempts[0].AuditIndex = 6
	x.Policies = []string{"beef"}
	x.Decisions[2].Policy = "beef"
	x.Scans = []llm.Scan{{Detector: "pii", Where: "prompt.user", Texts: 2, Bytes: 300, Verdict: llm.ScanFound, Found: 1}, {Detector: "redact", Rule: "mask", Where: "response", Texts: 1, Bytes: 5, Verdict: llm.ScanClear}}
	v := testVault(t)
	who := subject(t, v, SubjectOf(x.Principal))
	kept := &Content{Level: LevelFull, Request: &Text{File: "f", SHA256: "aa", Bytes: 12}, Answer: &Text{Omitted: "why", Truncated: true}}
	r := decode(t, encodeEnded("node1", "cafe", StageCompleted, x, who, kept))
	if line := string(r.Raw); strings.Contains(line, "alice@") || strings.Contains(line, "192.0.2.7") || strings.Contains(line, "beta") {
		t.Errorf("a personal value stands in clear: %s", line)
	}
	if err := r.Reveal(v); err != nil {
		t.Fatal(err)
	}
	r.personals(func(_ string, p *Personal) {
		if len(p.Pseudonym) != 24 || len(p.Cipher) == 0 || !p.Revealed {
			t.Errorf("%+v", p)
		}
		*p = Personal{Clear: p.Clear}
	})
	want := &Record{
		V: 1, Seq: 7, Index: 7, TS: x.End, Node: "node1", Stage: StageCompleted, Request: "0192-id",
		Trace:     "0af7651916cd43dd8448eb211c80319c",
		Subject:   who.ID,
		Principal: &Principal{"alice", &Personal{Clear: "alice@example.com"}, "research", "acme"},
		ClientIP:  &Personal{Clear: "192.0.2.7"}, Server: "srv0", Method: "POST", Path: "/v1/chat/completions", Dialect: "chat",
		Model: "gpt-4o", Stream: true, Config: "cafe",
		Decisions: []Decision{
			{Module: "auth", Rule: "alice", Action: "allow"}, {Module: "ratelimit", Action: "allow"},
			{Module: "policy", Rule: "no-secrets", Action: "flag", Policy: "beef", Detail: "looks like an e-mail address"}, {Module: "cost", Action: "allow"},
		},
		Policies: []string{"beef"},
		Scans: []Evidence{
			{Detector: "pii", Where: "prompt.user", Texts: 2, Bytes: 300, Verdict: "found", Found: 1},
			{Detector: "redact", Rule: "mask", Where: "response", Texts: 1, Bytes: 5, Verdict: "clear"},
		},
		Tags:    []*Personal{{Clear: "pii"}, {Clear: "beta"}},
		Content: kept,
		Attempts: []Attempt{{
			Deployment: Deployment{Provider: "openai", Type: "openai", Model: "gpt-4o-2024-08-06", Dialect: "responses", Credential: "2", Reserved: 9_000_000},
			Status:     200, Result: "answered", ProviderRequestID: "req_0123456789abcdef",
			OffsetMicros: 1000, TTFTMicros: 109_000, DurationMicros: 999_000, AdmittedIndex: 6,
			Usage: Usage{Input: 321, CacheRead: 100, Output: 200, Reasoning: 50, Model: "gpt-4o-2024-08-06"},
			Cost:  2_802_500, PriceVersion: "2026-11-20",
		}},
		Outcome: "ok", Cost: 2_802_500, Status: 200, BytesIn: 1234, BytesOut: 5678,
		AnswerSHA256: strings.Repeat("00", 32), FinishReason: "stop", TTFTMicros: 120_000, DurationMicros: 1_000_000,
	}
	r.Raw = nil
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

func TestEncodeAdmittedAndDenied(t *testing.T) {
	x := exchange("id")
	a := x.Attempts[0]
	x.Attempts = nil
	r := decode(t, encodeAdmitted("n", "c", x, a, nil, nil))
	if r.Stage != StageAdmitted || r.Deployment == nil || r.Deployment.Model != "gpt-4o-2024-08-06" || r.Deployment.Reserved != 9_000_000 || r.Outcome != "" || !r.TS.Equal(a.Started) {
		t.Errorf("%s", r.Raw)
	}
	x.Denied = &llm.Denial{Status: 429, Code: llm.CodeRateLimited, Stage: llm.StageQuota, Rule: "60/min", Param: "model", Message: "secret message"}
	x.Outcome, x.Status = llm.OutcomeDenied, 429
	r = decode(t, encodeEnded("n", "c", StageDenied, x, nil, nil))
	if r.Denial == nil || *r.Denial != (Denial{"rate_limited", "quota", "60/min", "model"}) || r.Attempts != nil || r.Status != 429 {
		t.Errorf("%s", r.Raw)
	}
	if bytes.Contains(r.Raw, []byte("secret message")) {
		t.Error("the message for the client is in the record")
	}
}

// A record never holds what was asked, wherever it stands in the Exchange.
func TestNoContent(t *testing.T) {
	const canary = "CANARY-prompt-text"
	x := exchange("id")
	x.View.Raw = []byte(canary)
	x.View.Segments = []llm.Segment{{Text: canary, Path: "messages[0]"}}
	x.View.Tools = []llm.Tool{{Name: canary}}
	x.Changes.Edits = []llm.Edit{{New: []byte(canary)}}
	x.Denied = llm.Deny(403, llm.CodePolicyBlocked, llm.StagePolicy, canary)
	x.Principal.Groups = []string{canary}
	for _, enc := range [][]byte{encodeEnded("n", "c", StageCompleted, x, nil, nil), encodeAdmitted("n", "c", x, x.Attempts[0], nil, nil)} {
		if bytes.Contains(enc, []byte(canary)) {
			t.Errorf("%s", enc)
		}
	}
}

var hostile = []string{
	"\x1b[31mred\x1b[0m\x07", "a\nb\r\n{\"v\":1,\"seq\":9}", "\"},{\"x\":\"", `\`, "\x00\x01\x7f", "\xff\xfe\xc0\xaf\xed\xa0\x80",
	"\u202egnp.exe\u2066x\u2069", "\u2028\u2029\ufeff\u200b", "\u009b31m", "日本語 ünïcode 🦊", strings.Repeat("\x01", 1<<20),
	strings.Repeat("é", 1<<19), strings.Repeat("a", 1<<20), strings.Repeat("\xff", 5000), strings.Repeat("\"", 5000), "",
}

// Hostile strings in every field: still one line, still JSON, nothing a terminal
// obeys, bounded.
func TestHostileStrings(t *testing.T) {
	v := testVault(t)
	for _, s := range hostile {
		x := exchange(s)
		who := subject(t, v, SubjectOf(&llm.Principal{User: s, Key: s}))
		kept := &Content{Level: Level(s), Request: &Text{s, s, s, 1, true, s}, Answer: &Text{s, s, s, 1, true, s}}
		x.Server, x.ClientIP, x.Method, x.Path, x.TraceID, x.FinishReason = s, s, s, s, s, s
		x.Principal = &llm.Principal{Key: s, User: s, Team: s, Org: s}
		x.View.Model = s
		x.Outcome = llm.Outcome(s)
		x.Denied = &llm.Denial{Code: s, Stage: llm.Stage(s), Rule: s, Param: s}
		a := *x.Attempts[0]
		a.Deployment = llm.Deployment{Provider: s, Type: s, Model: s}
		a.Error, a.ProviderRequestID, a.PriceVersion, a.Usage.Model, a.Usage.Tier = s, s, s, s, s
		x.Attempts = nil
		for range 40 {
			x.Decisions = append(x.Decisions, llm.Decision{Module: s, Rule: s, Action: s, Code: s, Detail: s})
			x.Attempts = append(x.Attempts, &a)
			x.Tags = append(x.Tags, s)
			x.Policies = append(x.Policies, s)
		}
		for range 80 {
			x.Scanned(llm.Scan{Detector: s, Rule: s, Where: s, Verdict: s, Texts: 1, Bytes: 1, Found: 1, ScoreMillis: 1})
		}
		for _, enc := range [][]byte{
			encodeEnded(s, s, StageCompleted, x, who, kept), encodeAdmitted(s, s, x, &a, who, kept), encodeSystem(s, x.Start, systemEvent{s, s}),
			encodeStrangers(s, x.End, &stranger{server: s, stage: s, count: 1}, strangerKey{s, s}, who),
		} {
			if len(enc)+64 > MaxRecord {
				t.Fatalf("%.20q: %d bytes", s, len(enc))
			}
			if !utf8.Valid(enc) {
				t.Fatalf("%.20q: not UTF-8", s)
			}
			for _, r := range string(enc) {
				if r < 0x20 || r == 0x7f || r > 0x7f && obeyed(r) {
					t.Fatalf("%.20q: %U is in the line", s, r)
				}
			}
			if len(s) == 1<<20 && !bytes.Contains(enc, []byte(cutMark)) {
				t.Fatalf("%.20q: the cut is not marked", s)
			}
			r := decode(t, enc)
			if n := len(r.Decisions) + len(r.Attempts) + len(r.Tags) + len(r.Policies) + len(r.Scans) + r.Omitted; r.Stage == StageCompleted && n != 44+40+40+40+80 {
				t.Fatalf("%.20q: %d decisions, attempts, tags, policies and scans shown or counted", s, n)
			}
			if err := r.Reveal(v); err != nil {
				t.Fatalf("%.20q: %v", s, err)
			}
			r.personals(func(_ string, p *Personal) {
				if len(p.Clear) > 256 || !utf8.ValidString(p.Clear) {
					t.Fatalf("%.20q: %q", s, p.Clear)
				}
			})
		}
	}
}

func FuzzAppendString(f *testing.F) {
	for _, s := range hostile[:10] {
		f.Add(s, 20)
	}
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(8, limit%2000)
		b := appendString(nil, s, limit)
		if len(b) > limit+2 {
			t.Fatalf("%d bytes", len(b))
		}
		var back string
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		want := strings.ToValidUTF8(s, "\ufffd")
		if cut, ok := strings.CutSuffix(back, cutMark); ok && !strings.HasSuffix(s, cutMark) {
			back = cut
		}
		// Runs of invalid bytes are one replacement in want, several in back.
		fold := func(s string) string {
			for strings.Contains(s, "\ufffd\ufffd") {
				s = strings.ReplaceAll(s, "\ufffd\ufffd", "\ufffd")
			}
			return s
		}
		if !strings.HasPrefix(fold(want), strings.TrimSuffix(fold(back), cutMark)) {
			t.Fatalf("%q became %q", s, back)
		}
		for _, r := range string(b) {
			if r < 0x20 || r == 0x7f || r > 0x7f && obeyed(r) {
				t.Fatalf("%U is in the string", r)
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add(asLine(encodeEnded("n", "c", StageCompleted, exchange("id"), nil, nil), "0"))
	f.Add([]byte(`{"v":2,"seq":1}`))
	f.Add([]byte(`{"v":1,"seq":1}{}`))
	f.Add([]byte("{\"v\":1,\"seq\":1,\"x\":2}\n"))
	f.Fuzz(func(t *testing.T, line []byte) {
		r, err := Decode(line)
		if err == nil && (r.V != 1 || r.Index != r.Seq || !bytes.Equal(r.Raw, line)) {
			t.Fatalf("%+v", r)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	for _, line := range []string{"", "x", "{}", `{"v":2,"seq":0}`, `{"v":1,"seq":0}{}`, `{"v":1,"seq":0,"unknown":1}`, `{"v":1,"seq":"0"}`, `[]`, `null`} {
		if r, err := Decode([]byte(line)); err == nil {
			t.Errorf("%q: %+v", line, r)
		}
	}
}

// A line longer than a record may be is refused before it reaches the log.
func TestTooLong(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	told := 0
	a := l.append(make([]byte, MaxRecord+1), true, func() { told++ })
	if _, err := a.Wait(t.Context()); err == nil || told != 1 {
		t.Error(err, told)
	}
	closeLog(t, l)
}

func BenchmarkEncodeAdmitted(b *testing.B) {
	x := exchange("01936d2e-5f1a-7c3e-8f00-0123456789ab")
	a := x.Attempts[0]
	x.Attempts = nil
	b.ReportAllocs()
	for b.Loop() {
		encodeAdmitted("node1", "0123456789abcdef", x, a, nil, nil)
	}
}

func BenchmarkEncodeCompleted(b *testing.B) {
	x := exchange("01936d2e-5f1a-7c3e-8f00-0123456789ab")
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n = len(encodeEnded("node1", "0123456789abcdef", StageCompleted, x, nil, nil))
	}
	b.ReportMetric(float64(n), "bytes/record")
}

func FuzzPlainPrefix(f *testing.F) {
	f.Add("0123456789abcdef\x1f", 3)
	f.Fuzz(func(t *testing.T, s string, c int) {
		// A single bad byte at every place of plain text, and whatever comes.
		text := []byte("The quick brown fox")
		text[uint(c)%uint(len(text))] = byte(c >> 8)
		for _, s := range []string{s, string(text)} {
			want := 0
			for want < len(s) && plain[s[want]] {
				want++
			}
			if got := plainPrefix(s); got != want {
				t.Fatalf("%q: %d, want %d", s, got, want)
			}
		}
	})
}

func TestPlainPrefix(t *testing.T) {
	for c := range 256 {
		for at := range 24 {
			text := []byte("The quick brown fox jumps")
			text[at] = byte(c)
			want := len(text)
			if !plain[c] {
				want = at
			}
			if got := plainPrefix(string(text)); got != want {
				t.Fatalf("%q: %d, want %d", text, got, want)
			}
		}
	}
}
