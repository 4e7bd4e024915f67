package witness

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/filelock"
)

// log is a tree in memory with a key.
type log struct {
	t      *testing.T
	key    *checkpoint.Key
	hashes []tlog.Hash
	n      int64
}

func (l *log) ReadHashes(at []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(at))
	for i, n := range at {
		out[i] = l.hashes[n]
	}
	return out, nil
}

func newLog(t *testing.T, name string) *log {
	t.Helper()
	k, err := checkpoint.NewKey(name)
	if err != nil {
		t.Fatal(err)
	}
	return &log{t: t, key: k}
}

func (l *log) grow(n int64, what string) *log {
	l.t.Helper()
	for ; l.n < n; l.n++ {
		h, err := tlog.StoredHashes(l.n, fmt.Appendf(nil, "%s %d", what, l.n), l)
		if err != nil {
			l.t.Fatal(err)
		}
		l.hashes = append(l.hashes, h...)
	}
	return l
}

func (l *log) sign(n int64, keys ...note.Signer) []byte {
	l.t.Helper()
	root, err := tlog.TreeHash(n, l)
	if err != nil {
		l.t.Fatal(err)
	}
	if keys == nil {
		keys = []note.Signer{l.key}
	}
	msg, err := checkpoint.Checkpoint{Origin: l.key.Name(), Size: n, Root: root}.Sign(keys...)
	if err != nil {
		l.t.Fatal(err)
	}
	return msg
}

func (l *log) prove(old, size int64) (tlog.TreeProof, error) { return tlog.ProveTree(size, old, l) }

func (l *log) submission(old, size int64) []byte {
	s := submission{old: old, msg: l.sign(size)}
	if old > 0 && old < size {
		var err error
		if s.proof, err = l.prove(old, size); err != nil {
			l.t.Fatal(err)
		}
	}
	return s.encode()
}

func keysOf(t *testing.T, l *log) checkpoint.Keys {
	t.Helper()
	k, err := checkpoint.ParseKeys(l.key.VerifierKey)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

var at = time.Unix(1_800_000_000, 0)

func newServer(t *testing.T, dir string, logs ...*log) *Server {
	t.Helper()
	key, err := LoadKey(dir, "witness.example/w1")
	if err != nil {
		t.Fatal(err)
	}
	var keys []checkpoint.Keys
	for _, l := range logs {
		keys = append(keys, keysOf(t, l))
	}
	s, err := NewServer(dir, key, keys, func() time.Time { return at })
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each rule of add-checkpoint, in the order of the text of c2sp.org/tlog-witness.
func TestAddCheckpoint(t *testing.T) {
	l, fork, stranger := newLog(t, "log.example/a").grow(40, "record"), newLog(t, "log.example/a"), newLog(t, "log.example/b").grow(5, "x")
	fork.key = l.key
	fork.grow(40, "other")
	dir := t.TempDir()
	s := newServer(t, dir, l)
	add := func(what string, body []byte, status int, text string) Answer {
		t.Helper()
		a := s.Add(body)
		if a.Status != status || text != "" && string(a.Body) != text || (a.Err == nil) != (status == 200) {
			t.Errorf("%s: %d %q %v, want %d %q", what, a.Status, a.Body, a.Err, status, text)
		}
		return a
	}
	add("no body", nil, 400, "")
	add("no checkpoint", []byte("old 0\n\n"), 400, "")
	add("a checkpoint alone", l.sign(3), 400, "")
	add("an unknown log", stranger.submission(0, 5), 404, "")
	unsigned := newLog(t, "log.example/a").grow(7, "record")
	add("signed by nobody", unsigned.submission(0, 7), 403, "")
	add("a size from nowhere", l.submission(3, 7), 409, "0\n")
	add("backwards", bytes.Replace(l.submission(0, 7), []byte("old 0"), []byte("old 8"), 1), 400, "")
	add("leading zero", bytes.Replace(l.submission(0, 7), []byte("old 0"), []byte("old 00"), 1), 400, "")
	add("a proof from zero", append([]byte("old 0\n"+l.hashes[0].String()+"\n\n"), l.sign(7)...), 422, "")
	a := add("the first", l.submission(0, 7), 200, "")
	add("the first again", l.submission(0, 7), 409, "7\n")
	add("the same, from itself", l.submission(7, 7), 200, "")
	add("a fork of the same size", fork.submission(7, 7), 409, "7\n")
	add("a fork that goes on", fork.submission(7, 30), 422, "")
	add("a proof that was cut", bytes.Replace(l.submission(7, 30), []byte("old 7\n"), []byte("old 7\n"+l.hashes[0].String()+"\n"), 1), 422, "")
	add("too many hashes", append([]byte("old 7\n"+strings.Repeat(l.hashes[0].String()+"\n", 64)+"\n"), l.sign(30)...), 400, "")
	add("what follows", l.submission(7, 30), 200, "")
	add("rolled back", l.submission(0, 7), 409, "30\n")

	// The cosignature is the one of the specification, over the whole note.
	v, err := NewCosigner(s.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	n, err := note.Open(append(l.sign(7), a.Body...), note.VerifierList(v))
	if err != nil || len(n.Sigs) != 1 || n.Sigs[0].Name != "witness.example/w1" {
		t.Fatal(n, err)
	}
	if when, err := checkpoint.CosignedAt(n.Sigs[0]); err != nil || !when.Equal(at) {
		t.Error(when, err)
	}
	if _, err := note.Open(append(l.sign(8), a.Body...), note.VerifierList(v)); err == nil {
		t.Error("the cosignature holds for another checkpoint")
	}
	// A witness that starts again knows what it has seen.
	s = newServer(t, dir, l)
	add("rolled back, after a start", l.submission(0, 7), 409, "30\n")
	add("what follows, after a start", l.submission(30, 40), 200, "")
	// It does not guess when its own memory is gone bad.
	if err := os.WriteFile(s.path("log.example/a"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	add("damaged state", l.submission(0, 40), 500, "")
}

// NewCosigner is checkpoint.NewCosignatures, by a shorter name.
var NewCosigner = checkpoint.NewCosignatures

// An extension line is signed with the rest.
func TestExtensionLines(t *testing.T) {
	l := newLog(t, "log.example/a").grow(3, "record")
	root, err := tlog.TreeHash(3, l)
	if err != nil {
		t.Fatal(err)
	}
	msg, err := note.Sign(&note.Note{Text: checkpoint.Checkpoint{Origin: "log.example/a", Size: 3, Root: root}.Text() + "extension\n"}, l.key)
	if err != nil {
		t.Fatal(err)
	}
	s := newServer(t, t.TempDir(), l)
	a := s.Add(submission{msg: msg}.encode())
	v, err := NewCosigner(s.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := note.Open(append(msg, a.Body...), note.VerifierList(v)); err != nil || !strings.HasSuffix(n.Text, "extension\n") {
		t.Error(n, err)
	}
}

// A client finds out where the witness stands, follows, and says so when the
// witness has seen something else.
func TestClient(t *testing.T) {
	l := newLog(t, "log.example/a").grow(50, "record")
	s := newServer(t, t.TempDir(), l)
	posts, bad := 0, 0
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		posts++
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/w/add-checkpoint" || r.Method != http.MethodPost {
			t.Error(r.Method, r.URL)
		}
		a := s.Add(body)
		if bad != 0 {
			a.Status = bad
		}
		w.WriteHeader(a.Status)
		_, _ = w.Write(a.Body)
	}))
	defer srv.Close()
	key, err := NewCosigner(s.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	client := func() *Client { return &Client{URL: srv.URL + "/w/", Key: key, HTTP: srv.Client()} }
	submit := func(c *Client, l *log, n int64) error {
		msg := l.sign(n)
		line, err := c.Submit(context.Background(), n, msg, l.prove)
		if err == nil {
			if _, err := note.Open(append(msg, line...), note.VerifierList(key)); err != nil {
				t.Error(err)
			}
		}
		return err
	}
	c := client()
	for _, n := range []int64{1, 2, 9, 9, 40} {
		if err := submit(c, l, n); err != nil {
			t.Fatal(n, err)
		}
	}
	if posts != 5 {
		t.Errorf("%d posts for 5 checkpoints", posts)
	}
	// One that knows nothing needs one more.
	if err := submit(client(), l, 50); err != nil || posts != 7 {
		t.Error(err, posts)
	}
	if err := submit(client(), l, 41); !errors.Is(err, ErrDisagrees) {
		t.Error("rolled back:", err)
	}
	fork := newLog(t, "log.example/a")
	fork.key = l.key
	fork.grow(60, "other")
	for _, n := range []int64{50, 60} {
		if err := submit(client(), fork, n); !errors.Is(err, ErrDisagrees) {
			t.Error("a fork:", n, err)
		}
	}
	for _, status := range []int{404, 403, 500, 302} {
		bad = status
		if err := submit(client(), l, 50); err == nil || errors.Is(err, ErrDisagrees) {
			t.Error(status, err)
		}
	}
	bad = 409 // with a body that is no size
	if err := submit(&Client{URL: srv.URL + "/w", Key: key, HTTP: srv.Client(), last: 50}, l, 50); err == nil {
		t.Error("a conflict about nothing")
	}
}

// An answer that is not this witness's cosignature is none.
func TestFalseAnswers(t *testing.T) {
	l := newLog(t, "log.example/a").grow(5, "record")
	s, other := newServer(t, t.TempDir(), l), newServer(t, t.TempDir(), l)
	key, err := NewCosigner(s.VerifierKey())
	if err != nil {
		t.Fatal(err)
	}
	for _, answer := range [][]byte{nil, []byte("yes\n"), []byte("— witness.example/w1 AAAA\n"), other.Add(l.submission(0, 5)).Body, s.Add(l.submission(0, 4)).Body} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(answer) }))
		c := &Client{URL: srv.URL, Key: key, HTTP: srv.Client()}
		if line, err := c.Submit(context.Background(), 5, l.sign(5), l.prove); err == nil {
			t.Errorf("took %q for a cosignature: %q", answer, line)
		}
		srv.Close()
	}
}

func TestWitnessKey(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "w")
	a, err := LoadKey(dir, "w")
	if err != nil {
		t.Fatal(err)
	}
	b, err := LoadKey(dir, "another name")
	if err != nil || a.Text != b.Text {
		t.Error("another key", err)
	}
	pub, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := NewCosigner(string(pub)); err != nil {
		t.Error(err)
	}
	if err := os.Chmod(filepath.Join(dir, "key"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(dir, "w"); err == nil || !strings.Contains(err.Error(), "read by others") {
		t.Error(err)
	}
	for _, s := range []string{"", "x", "w+00000000+AAAA", "w+00000000+" + strings.Repeat("A", 44), strings.Replace(string(pub), "w+", "v+", 1)} {
		if _, err := NewCosigner(s); err == nil {
			t.Errorf("took %q for a witness's key", s)
		}
	}
	// The plain form of the same key is taken too.
	if _, err := NewCosigner(a.VerifierKey); err != nil {
		t.Error(err)
	}
}

func FuzzSubmission(f *testing.F) {
	f.Add([]byte("old 0\n\nlog\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n\n— x AAAA\n"))
	f.Add([]byte("old 12\nPlRNCrwHpqhGrupue0L7gxbjbMiKA9temvuZZDDpkaw=\n\nx\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := parseSubmission(body)
		if err != nil {
			return
		}
		again, err := parseSubmission(s.encode())
		if err != nil || again.old != s.old || len(again.proof) != len(s.proof) || sha256.Sum256(again.msg) != sha256.Sum256(s.msg) {
			t.Fatalf("%q: %v", body, err)
		}
	})
}

// A note whose text holds a blank line has two readings, so that one text would be
// signed and another verified: it is no checkpoint.
func TestBlankLine(t *testing.T) {
	l := newLog(t, "log.example/a").grow(3, "x")
	s := newServer(t, t.TempDir(), l)
	for _, more := range []string{"\n", "\nextension\n", "extension\n\nother\n"} {
		text, _, _ := bytes.Cut(l.sign(3), []byte("\n\n"))
		msg, err := note.Sign(&note.Note{Text: string(text) + "\n" + more}, l.key)
		if err != nil {
			t.Fatal(err)
		}
		if a := s.Add(submission{msg: msg}.encode()); a.Status != http.StatusBadRequest {
			t.Errorf("%q: %d %s", more, a.Status, a.Body)
		}
	}
	text, _, _ := bytes.Cut(l.sign(3), []byte("\n\n"))
	msg, err := note.Sign(&note.Note{Text: string(text) + "\nextension\n"}, l.key)
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Add(submission{msg: msg}.encode()); a.Status != http.StatusOK {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

// While another process is at the state nothing is cosigned: both would follow the same
// checkpoint, by two histories.
func TestOtherProcess(t *testing.T) {
	dir := t.TempDir()
	l := newLog(t, "log.example/a").grow(3, "x")
	s := newServer(t, dir, l)
	other, err := filelock.Lock(filepath.Join(dir, "lock"))
	if err != nil {
		t.Fatal(err)
	}
	if a := s.Add(l.submission(0, 3)); a.Status != http.StatusServiceUnavailable || len(a.Body) == 0 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if _, err := LoadKey(dir, "witness.example/w1"); err == nil {
		t.Error("the key is read, or made, beside another process")
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if a := s.Add(l.submission(0, 3)); a.Status != http.StatusOK {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}
