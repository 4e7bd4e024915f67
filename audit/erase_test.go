package audit

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
)

// An erasure that a dying process has left behind, with its record or before it, is
// made by the next start, and recorded.
func TestErasureSurvives(t *testing.T) {
	dir, v := logDir(t), testVault(t)
	closeLog(t, openLog(t, Options{Dir: dir, Vault: v}))
	s := subject(t, v, "user:alice")
	if id, err := v.Intend("user:alice"); err != nil || id != s.ID {
		t.Fatal(id, err)
	}
	// So far only noted: the process dies here.
	v, err := vault.Open(v.Dir(), vault.Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := openLog(t, Options{Dir: dir, Vault: v})
	if _, err := v.Lookup(s.ID); !errors.Is(err, vault.ErrErased) {
		t.Error("the key lives on:", err)
	}
	if _, err := v.Find("user:alice"); !errors.Is(err, vault.ErrErased) {
		t.Error("the name lives on:", err)
	}
	if ids, err := v.Intended(); len(ids) != 0 || err != nil {
		t.Error(ids, err)
	}
	closeLog(t, l)
	verified(t, dir)
	recs := records(t, dir)
	if last := recs[len(recs)-1]; last.Event != EventErasure || last.Erased != s.ID {
		t.Errorf("%s", last.Raw)
	}
}

// Who stops waiting leaves no record of what was not done.
func TestErasureAbandoned(t *testing.T) {
	dir, v := logDir(t), testVault(t)
	l := openLog(t, Options{Dir: dir, Vault: v})
	s := subject(t, v, "user:alice")
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := l.Erase(gone, time.Now(), "tester", "user:alice", "")
	if err == nil {
		t.Error("erased for nobody")
	}
	if _, err := v.Lookup(s.ID); err != nil {
		t.Error(err)
	}
	closeLog(t, l)
	// Neither does a log that cannot record it.
	if _, err := l.Erase(t.Context(), time.Now(), "tester", "user:alice", ""); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if ids, err := v.Intended(); len(ids) != 0 || err != nil {
		t.Error(ids, err)
	}
	if _, err := v.Lookup(s.ID); err != nil {
		t.Error(err)
	}
	for _, r := range records(t, dir) {
		if r.Event == EventErasure {
			t.Errorf("%s", r.Raw)
		}
	}
}

// A key that cannot be destroyed is said to be there, and destroyed by the next start.
func TestErasureFails(t *testing.T) {
	dir, v := logDir(t), testVault(t)
	l := openLog(t, Options{Dir: dir, Vault: v})
	s := subject(t, v, "user:alice")
	key := filepath.Join(v.Dir(), "keys", s.ID[:2], s.ID)
	aside := filepath.Join(t.TempDir(), "key")
	// A directory with something in it cannot be removed.
	if err := errors.Join(os.Rename(key, aside), os.MkdirAll(filepath.Join(key, "x"), 0o700)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.carry(time.Now(), "tester", mustIntend(t, v, "user:alice"), ""); err == nil {
		t.Error("erased what cannot be erased")
	}
	closeLog(t, l)
	recs := records(t, dir)
	if last := recs[len(recs)-1]; last.Event != EventErasureFailed || last.Erased != s.ID {
		t.Errorf("%s", last.Raw)
	}
	if err := errors.Join(os.RemoveAll(key), os.Rename(aside, key)); err != nil {
		t.Fatal(err)
	}
	closeLog(t, openLog(t, Options{Dir: dir, Vault: v}))
	if _, err := os.Stat(key); !errors.Is(err, os.ErrNotExist) {
		t.Error("the key lives on:", err)
	}
}

func mustIntend(t *testing.T, v *vault.Vault, name string) string {
	t.Helper()
	id, err := v.Intend(name)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// What a process leaves behind that dies while it makes a key is gone after the next
// start: nothing leads to such a key, so no erasure would find it.
func TestUnfinishedKeyIsSwept(t *testing.T) {
	dir, v := logDir(t), testVault(t)
	s := subject(t, v, "user:alice")
	key := filepath.Join(v.Dir(), "keys", s.ID[:2], s.ID)
	wrapped, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	left := filepath.Join(v.Dir(), "tmp", "123")
	second := filepath.Join(v.Dir(), "tmp", "456")
	if err := errors.Join(os.WriteFile(left, wrapped, 0o600), os.Link(key, second)); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, Options{Dir: dir, Vault: v})
	for _, path := range []string{left, second} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Error("it lies there:", err)
		}
	}
	if _, err := v.Find("user:alice"); err != nil {
		t.Error("a key in use is gone:", err)
	}
	closeLog(t, l)
}
