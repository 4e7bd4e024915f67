package audit

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/witness"
)

// outside is a witness and an inbox behind one HTTP server.
type outside struct {
	*httptest.Server
	key    string
	mu     sync.Mutex
	down   bool
	posted [][]byte
}

func newOutside(t *testing.T, logKey string) *outside {
	t.Helper()
	k, err := checkpoint.NewKey("witness.example/w1")
	if err != nil {
		t.Fatal(err)
	}
	keys, err := checkpoint.ParseKeys(logKey)
	if err != nil {
		t.Fatal(err)
	}
	s, err := witness.NewServer(t.TempDir(), k, []checkpoint.Keys{keys}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	o := &outside{key: s.VerifierKey()}
	o.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		o.mu.Lock()
		defer o.mu.Unlock()
		switch {
		case o.down:
			w.WriteHeader(http.StatusBadGateway)
		case r.URL.Path == "/inbox":
			o.posted = append(o.posted, body)
		default:
			a := s.Add(body)
			w.WriteHeader(a.Status)
			_, _ = w.Write(a.Body)
		}
	}))
	t.Cleanup(o.Close)
	return o
}

func (o *outside) setDown(down bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.down = down
}

func published(t *testing.T, l *Log) {
	t.Helper()
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	l.publisher.round(t.Context(), l)
}

// Checkpoints reach a witness, a file and a URL; receipts carry the cosignature;
// and a log that was rolled back learns it from the witness.
func TestPublish(t *testing.T) {
	dir, key := logDir(t), newKey(t)
	out := newOutside(t, key.VerifierKey)
	file := filepath.Join(t.TempDir(), "elsewhere")
	o := Options{Dir: dir, Keys: []string{key.Text}, Settings: Settings{PublishEvery: time.Hour}}
	l := openLog(t, o)
	o.Witnesses = []Witness{{URL: out.URL + "/w", VerifierKey: out.key}}
	o.PublishTo = []string{file, out.URL + "/inbox?token=secret"}
	if _, err := l.Configure(o); err != nil {
		t.Fatal(err)
	}
	mustPut(t, l, "one")
	published(t, l)
	mustPut(t, l, "two")
	out.setDown(true)
	published(t, l)
	for _, p := range l.Published() {
		if down := strings.HasPrefix(p.Target, "http"); (p.Error != "") != down || strings.Contains(p.Target+p.Error, "secret") {
			t.Errorf("%+v", p)
		}
	}
	out.setDown(false)
	published(t, l)
	before := snapshot(t, dir)
	for i := range 3 {
		mustPut(t, l, "more")
		if i == 1 {
			published(t, l)
		}
	}
	receipt, err := Prove(dir, 1)
	if err != nil {
		t.Fatal(err)
	}
	rec := records(t, dir)[1]
	got, err := VerifyReceipt(receipt, rec.Raw, key.VerifierKey, out.key)
	if err != nil || len(got.Witnesses) != 1 || got.Witnesses[0].Witness != "witness.example/w1" || got.Index != 1 {
		t.Fatalf("%+v, %v\n%s", got, err, receipt)
	}
	if _, err := VerifyReceipt(receipt, rec.Raw, key.VerifierKey, newOutside(t, key.VerifierKey).key); !errors.Is(err, ErrReceipt) {
		t.Error("another witness has cosigned:", err)
	}
	closeLog(t, l) // with a last round
	all := records(t, dir)
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	kept := entries(snap{"checkpoints.log": b})
	if last := kept[len(kept)-1]; !bytes.Equal(last, snapshot(t, dir)["checkpoint"]) || !bytes.Equal(last, out.posted[len(out.posted)-1]) {
		t.Errorf("the last checkpoint did not get out: %q", last)
	}
	if _, err := Verify(dir, VerifyOptions{Held: kept, Since: kept[len(kept)-1]}); err == nil {
		t.Error("checkpoints before --since cannot be checked")
	}
	if rep, err := Verify(dir, VerifyOptions{Held: kept}); err != nil || rep.Held != len(kept) || rep.Records != int64(len(all)) {
		t.Errorf("%+v, %v", rep, err)
	}

	// The thief of disk and key rolls it back; it verifies, but not for the witness.
	delete(before, "lock")
	old := before.write(t)
	var said []string
	o.Dir, o.Logf = old, func(f string, a ...any) { said = append(said, f) }
	l, err = Open(o)
	if err != nil {
		t.Fatal(err)
	}
	mustPut(t, l, "another history")
	published(t, l)
	closeLog(t, l)
	if ev := events(t, old); len(ev) == 0 || !strings.Contains(ev[len(ev)-1], "witness_disagrees") {
		t.Errorf("events %q", ev)
	}
	if len(said) == 0 {
		t.Error("the operator was told nothing")
	}
}

// A witness that hangs delays nobody.
func TestHangingWitness(t *testing.T) {
	key, stop := newKey(t), make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-stop:
		case <-r.Context().Done():
		}
	}))
	defer srv.Close()
	defer close(stop)
	out := newOutside(t, key.VerifierKey)
	l := openLog(t, Options{Dir: logDir(t), Keys: []string{key.Text}, Settings: Settings{
		PublishEvery: time.Millisecond, Witnesses: []Witness{{URL: srv.URL, VerifierKey: out.key}},
	}})
	for range 50 {
		mustPut(t, l, "x")
	}
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
}

func TestBadTargets(t *testing.T) {
	for _, s := range []Settings{
		{PublishTo: []string{"relative/path"}}, {PublishTo: []string{"https://"}},
		{Witnesses: []Witness{{URL: "ftp://x", VerifierKey: "x"}}},
		{Witnesses: []Witness{{URL: "https://example.com", VerifierKey: "nonsense"}}},
	} {
		if s.Check() == nil {
			t.Errorf("took %+v", s)
		}
		if _, err := Open(Options{Dir: logDir(t), Node: "x", Settings: s}); err == nil {
			t.Errorf("opened with %+v", s)
		}
	}
}

// What a config that fails has set of a log is taken back; what one that was
// followed by another has set is not.
func TestConfigureUndo(t *testing.T) {
	l := openLog(t, Options{Dir: logDir(t), Settings: Settings{Retention: time.Hour}})
	set := func(keep time.Duration, to ...string) func() {
		t.Helper()
		undo, err := l.Configure(Options{Settings: Settings{Retention: keep, PublishTo: to}})
		if err != nil {
			t.Fatal(err)
		}
		return undo
	}
	now := func(keep time.Duration, targets int) {
		t.Helper()
		if got := l.settings.Load().Retention; got != keep || len(l.Published()) != targets {
			t.Errorf("retention %s, %d targets", got, len(l.Published()))
		}
	}
	failed := set(2*time.Hour, filepath.Join(t.TempDir(), "x"))
	now(2*time.Hour, 1)
	failed()
	now(time.Hour, 0)
	old := set(3 * time.Hour)
	next := set(4 * time.Hour)
	old()
	now(4*time.Hour, 0)
	if _, err := l.Configure(Options{Settings: Settings{PublishTo: []string{"x"}}}); err == nil {
		t.Error("took a bad target")
	}
	if _, err := l.Configure(Options{Keys: []string{"x"}}); err == nil {
		t.Error("took a bad key")
	}
	now(4*time.Hour, 0)
	next()
	now(3*time.Hour, 0)
	closeLog(t, l)
}
