package audit

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

const (
	promptText = `{"model":"gpt-4o","messages":[{"role":"user","content":"the secret prompt"}]}`
	answerText = `{"choices":[{"message":{"content":"the secret answer"}}]}`
)

// recorded sends a call through the gate at a level and returns its records.
func recorded(t *testing.T, l *Log, o RecorderOptions) (x *llm.Exchange, recs []*Record) {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	x = exchange(id.String())
	x.Attempts = nil
	x.Tags = []string{"beta"}
	x.View.Raw = []byte(promptText)
	sum := sha256.Sum256([]byte(answerText))
	x.Digest = sum[:]
	x.Record(NewRecorder(l, o))
	a, err := x.Admit(t.Context(), llm.Deployment{Provider: "p", Model: "m"}, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	a.Result = llm.ResultAnswered
	x.Finish(time.Now())
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	recs, err = Find(l.Dir(), x.ID)
	if err != nil || len(recs) != 2 {
		t.Fatal(recs, err)
	}
	return x, recs
}

func full(o RecorderOptions) RecorderOptions {
	o.Request = func() *Capture { return &Capture{Text: []byte(promptText)} }
	o.Answer = func() *Capture { return &Capture{Text: []byte(answerText)} }
	return o
}

// Each level keeps what it says and nothing more, and what it keeps can be read
// until the subject is erased; the log verifies before and after.
func TestLevels(t *testing.T) {
	dir := logDir(t)
	v := testVault(t)
	l := openLog(t, Options{Dir: dir, Vault: v})
	plain := sha256.Sum256([]byte(answerText))
	digest := hex.EncodeToString(plain[:])
	for _, level := range append(Levels, "") {
		_, recs := recorded(t, l, full(RecorderOptions{Content: level}))
		admitted, completed := recs[0], recs[1]
		if admitted.Stage != StageAdmitted || completed.Stage != StageCompleted {
			t.Fatal(level, admitted, completed)
		}
		if shown := completed.AnswerSHA256 == digest; shown != (level != LevelNone && level != LevelHash) {
			t.Errorf("%s: digest %q", level, completed.AnswerSHA256)
		}
		if (completed.Content == nil) != (level == LevelMetadata || level == "") {
			t.Errorf("%s: content %+v", level, completed.Content)
		}
		if completed.Content == nil {
			continue
		}
		c := completed.Content
		s, err := v.Lookup(completed.Subject)
		if err != nil {
			t.Fatal(err)
		}
		switch level {
		case LevelNone:
			if c.Request != nil || c.Answer != nil {
				t.Errorf("%+v", c)
			}
		case LevelHash:
			asked := sha256.Sum256([]byte(promptText))
			if c.Request.HMAC != hex.EncodeToString(s.HMAC(asked[:])) || c.Answer.HMAC != hex.EncodeToString(s.HMAC(plain[:])) || *admitted.Content.Request != *c.Request {
				t.Errorf("%+v %+v", c.Request, c.Answer)
			}
		default:
			if *admitted.Content.Request != *c.Request || admitted.Content.Answer != nil {
				t.Errorf("%+v", admitted.Content)
			}
			for text, part := range map[string]*Text{promptText: c.Request, answerText: c.Answer} {
				if got, err := v.Read(s, part.File, part.SHA256); err != nil || string(got) != text || part.Bytes != int64(len(text)) {
					t.Errorf("%s: %q, %v", level, got, err)
				}
			}
		}
	}
	before := verified(t, dir)
	lines, _ := os.ReadFile(filepath.Join(dir, segName(0)))

	e, err := l.Erase(t.Context(), time.Now(), "tester", "alice@example.com", "request 17")
	if err != nil || e.Subject != "user:alice@example.com" {
		t.Fatal(e, err)
	}
	if _, err := l.Erase(t.Context(), time.Now(), "tester", "alice@example.com", ""); !errors.Is(err, vault.ErrErased) {
		t.Error("erased twice:", err)
	}
	closeLog(t, l)
	after, _ := os.ReadFile(filepath.Join(dir, segName(0)))
	if !strings.HasPrefix(string(after), string(lines)) {
		t.Error("the erasure has changed records")
	}
	if rep := verified(t, dir); rep.Records != before.Records+1 {
		t.Errorf("%+v after %+v", rep, before)
	}
	recs := records(t, dir)
	last := recs[len(recs)-1]
	if last.Stage != StageAdmin || last.Event != EventErasure || last.Erased != e.ID || last.Seq != e.Record || strings.Contains(string(last.Raw), "alice") {
		t.Errorf("%s", last.Raw)
	}
	for _, r := range recs[:len(recs)-1] {
		if err := r.Reveal(v); !errors.Is(err, vault.ErrErased) || r.Principal.User.Revealed || r.Principal.Key != "alice" || r.Principal.Team != "research" {
			t.Errorf("%v: %s", err, r.Raw)
		}
	}
}

// A call whose request's text cannot be stored is refused before it leaves, or
// counted where the operator wants that.
func TestContentUnavailable(t *testing.T) {
	for _, mode := range []string{"deny", "allow"} {
		dir := logDir(t)
		vdir := filepath.Join(t.TempDir(), "vault")
		v, err := vault.Open(vdir, vault.Options{})
		if err != nil {
			t.Fatal(err)
		}
		subject(t, v, "user:alice@example.com") // the key is there
		// A file where the directory of texts should be.
		if err := os.WriteFile(filepath.Join(vdir, "content"), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		l := openLog(t, Options{Dir: dir, Vault: v})
		var unrecorded atomic.Int32
		x := exchange("0192-call")
		x.Attempts = nil
		x.View.Raw = []byte(promptText)
		x.Record(NewRecorder(l, full(RecorderOptions{Content: LevelFull, OnFailure: mode, OnUnrecorded: func() { unrecorded.Add(1) }})))
		_, err = x.Admit(t.Context(), llm.Deployment{Provider: "p"}, time.Now())
		var d *llm.Denial
		if denied := errors.As(err, &d) && d.Code == llm.CodeAuditUnavailable; denied != (mode == "deny") || unrecorded.Load() == 0 {
			t.Errorf("%s: %v, %d unrecorded", mode, err, unrecorded.Load())
		}
		x.BytesOut = 10
		x.Finish(time.Now())
		closeLog(t, l)
		verified(t, dir)
		recs := records(t, dir)
		if c := recs[len(recs)-1].Content; c == nil || c.Request == nil || c.Request.File != "" || c.Request.Omitted == "" || c.Answer == nil || c.Answer.File != "" || c.Answer.Omitted == "" {
			t.Errorf("%s: the record claims what is not stored: %s", mode, recs[len(recs)-1].Raw)
		}
	}
}

// Without the key of a subject a call is refused, too: nothing personal may stand in
// a record in clear, and no record may lack it unnoticed.
func TestVaultUnavailable(t *testing.T) {
	vdir := filepath.Join(t.TempDir(), "vault")
	v, err := vault.Open(vdir, vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(vdir, "keys"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir, Vault: v})
	x := exchange("call")
	x.Attempts = nil
	x.Record(NewRecorder(l, RecorderOptions{}))
	_, err = x.Admit(t.Context(), llm.Deployment{Provider: "p"}, time.Now())
	var d *llm.Denial
	if !errors.As(err, &d) || d.Code != llm.CodeAuditUnavailable {
		t.Fatal(err)
	}
	x.Denied = d
	x.Finish(time.Now())
	closeLog(t, l)
	for _, r := range records(t, dir) {
		if strings.Contains(string(r.Raw), "alice@") || strings.Contains(string(r.Raw), "192.0.2.7") || r.Omitted == 0 {
			t.Errorf("%s", r.Raw)
		}
	}
}

func TestSubjectNames(t *testing.T) {
	v := testVault(t)
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir, Vault: v})
	defer closeLog(t, l)
	user, key := subject(t, v, "user:x"), subject(t, v, "key:x")
	day := subject(t, v, StrangersOf(time.Date(2026, 11, 28, 23, 0, 0, 0, time.UTC)))
	erase := func(name string) (Erasure, error) { return l.Erase(t.Context(), time.Now(), "", name, "") }
	if _, err := erase("x"); !errors.Is(err, ErrAmbiguous) {
		t.Error(err)
	}
	if _, err := erase("nobody"); !errors.Is(err, vault.ErrErased) {
		t.Error(err)
	}
	if e, err := erase("user:x"); err != nil || e.ID != user.ID {
		t.Error(e, err)
	}
	if e, err := erase("x"); err != nil || e.ID != key.ID {
		t.Error(e, err)
	}
	if e, err := erase("id:" + day.ID); err != nil || e.Subject != "strangers:2026-11-28" {
		t.Error(e, err)
	}
	for _, id := range []string{"id:", "id:zz", "id:../../kek"} {
		if _, err := erase(id); err == nil {
			t.Errorf("%q is taken", id)
		}
	}
}
