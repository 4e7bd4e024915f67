package audit

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv("AUDIT_TEST_WRITER"); dir != "" {
		writeUntilKilled(dir)
		return
	}
	goleak.VerifyTestMain(m)
}

// repeat is how often a test does its thing: n times, or as the variable says, for
// the full figure.
func repeat(t testing.TB, variable string, n int) int {
	t.Helper()
	if s := os.Getenv(variable); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		n = n/4 + 1
	}
	return n
}

// exchange is an ordinary call that was answered.
func exchange(id string) *llm.Exchange {
	start := time.Date(2026, 11, 23, 12, 0, 0, 123456789, time.UTC)
	x := &llm.Exchange{
		ID: id, Start: start, Server: "srv0", ClientIP: "192.0.2.7", Method: "POST", Path: "/v1/chat/completions",
		TraceID: "0af7651916cd43dd8448eb211c80319c", Dialect: llm.Chat,
		Principal: &llm.Principal{Key: "alice", User: "alice@example.com", Team: "research", Org: "acme"},
		View:      &llm.View{Model: "gpt-4o", Stream: true},
		Status:    200, Outcome: llm.OutcomeOK, BytesIn: 1234, BytesOut: 5678, FinishReason: "stop",
		Digest:    make([]byte, 32),
		FirstByte: start.Add(120 * time.Millisecond), End: start.Add(time.Second),
	}
	x.Decisions = []llm.Decision{
		{Module: "auth", Rule: "alice", Action: "allow"},
		{Module: "ratelimit", Action: "allow"},
		{Module: "policy", Rule: "no-secrets", Action: "flag", Detail: "looks like an e-mail address"},
		{Module: "cost", Action: "allow"},
	}
	x.Attempts = []*llm.Attempt{{
		Deployment: llm.Deployment{Provider: "openai", Type: "openai", Model: "gpt-4o-2024-08-06", Dialect: llm.Responses, Credential: "2"},
		Started:    start.Add(time.Millisecond), FirstByte: start.Add(110 * time.Millisecond), Ended: start.Add(time.Second),
		Result: llm.ResultAnswered, Status: 200, ProviderRequestID: "req_0123456789abcdef",
		Usage: llm.Usage{Input: 321, CacheRead: 100, Output: 200, Reasoning: 50, Model: "gpt-4o-2024-08-06", Final: true, Reported: true},
		Cost:  2_802_500, Reserved: 9_000_000, PriceVersion: "2026-11-20",
	}}
	return x
}

func openLog(t testing.TB, o Options) *Log {
	t.Helper()
	if o.Node == "" {
		o.Node = "test"
	}
	l, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func logDir(t testing.TB) string { return filepath.Join(t.TempDir(), "log") }

// put appends a record and waits for it.
func put(l *Log, id string) (int64, error) {
	return l.append(encodeEnded("test", "cfg", StageCompleted, exchange(id), nil, nil), true, nil).Wait(context.Background())
}

func mustPut(t testing.TB, l *Log, id string) int64 {
	t.Helper()
	i, err := put(l, id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func closeLog(t testing.TB, l *Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// filled makes a closed log of n records in several segments and with several
// checkpoints.
func filled(t testing.TB, n int) string {
	t.Helper()
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir, Settings: Settings{SegmentBytes: 16 << 10}})
	for i := range n {
		mustPut(t, l, fmt.Sprintf("id-%d", i))
		if i%17 == 0 {
			if err := l.Checkpoint(); err != nil {
				t.Fatal(err)
			}
		}
	}
	closeLog(t, l)
	return dir
}

// records reads all records of a log.
func records(t testing.TB, dir string) (out []*Record) {
	t.Helper()
	err := Scan(dir, 0, func(index int64, line []byte) bool {
		r, err := Decode(line)
		if err != nil {
			t.Fatalf("record %d: %v", index, err)
		}
		if r.Seq != index {
			t.Fatalf("record %d says that it is %d", index, r.Seq)
		}
		out = append(out, r)
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// events are the events of the system records of a log.
func events(t testing.TB, dir string) (out []string) {
	for _, r := range records(t, dir) {
		if r.Stage == StageSystem {
			out = append(out, r.Event+": "+r.Detail)
		}
	}
	return out
}

func verified(t testing.TB, dir string) Report {
	t.Helper()
	rep, err := Verify(dir, VerifyOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func wantText(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("no error")
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("%q does not say %q", err, p)
		}
	}
}

func testVault(t testing.TB) *vault.Vault {
	t.Helper()
	v, err := vault.Open(filepath.Join(t.TempDir(), "vault"), vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func subject(t testing.TB, v *vault.Vault, name string) *vault.Subject {
	t.Helper()
	s, err := v.Subject(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
