package vault

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/powerloss"
)

// watched is a directory for a vault on a disk that keeps only what was synced.
func watched(t *testing.T) (dir string, disk *powerloss.Disk) {
	t.Helper()
	root := t.TempDir()
	disk, err := powerloss.Watch(root)
	if err != nil {
		t.Fatal(err)
	}
	before := syncFile
	syncFile = disk.Sync
	t.Cleanup(func() {
		syncFile = before
		disk.Close()
	})
	return filepath.Join(root, "vault"), disk
}

// after opens what is left of the vault when the power fails now.
func after(t *testing.T, disk *powerloss.Disk) (*Vault, string) {
	t.Helper()
	root := t.TempDir()
	if err := disk.Image(root); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "vault")
	v, err := Open(dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := v.Sweep(); err != nil {
		t.Fatal(err)
	}
	return v, dir
}

// What the vault has promised is there after a power loss: keys, stored texts, and
// that a key is gone.
func TestPowerLoss(t *testing.T) {
	dir, disk := watched(t)
	v := openVault(t, dir, Options{})
	at := time.Date(2026, 5, 6, 7, 8, 9, 0, time.UTC)
	store := func(s *Subject, at time.Time, request string) *Blob {
		t.Helper()
		b, err := v.Seal(s, at, request, "request", []byte("the text of "+request))
		if err == nil {
			err = b.Store()
		}
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	alice := mustSubject(t, v, "user:alice")
	line := alice.Sealed("user", "alice")
	first := store(alice, at, "r1")
	check := func(what string, b *Blob, want string) {
		t.Helper()
		left, _ := after(t, disk)
		s, err := left.Subject("user:alice")
		if err != nil || s.ID != alice.ID {
			t.Fatalf("%s: the key is gone: %v", what, err)
		}
		_, c := decode(t, line)
		if name, err := s.Open("user", c); name != "alice" || err != nil {
			t.Fatalf("%s: %q, %v", what, name, err)
		}
		if text, err := left.Read(s, b.File, b.SHA256); string(text) != want || err != nil {
			t.Fatalf("%s: %q, %v", what, text, err)
		}
	}
	check("the first text", first, "the text of r1")
	later := store(alice, at.AddDate(0, 0, 1), "r2")
	check("a text of a new day", later, "the text of r2")
	second := store(alice, at, "r3")
	check("another text of a day", second, "the text of r3")

	// What was pruned does not come back.
	if days, err := v.PruneContent(at.AddDate(0, 0, 1)); days != 1 || err != nil {
		t.Fatal(days, err)
	}
	left, _ := after(t, disk)
	if _, err := left.Ciphertext(first.File, first.SHA256); !errors.Is(err, ErrNoContent) {
		t.Errorf("after pruning: %v", err)
	}

	// An erasure that was announced is known; one that was made holds, and no block
	// has the key.
	secret, err := os.ReadFile(v.keyPath(alice.ID))
	if err != nil || !disk.Remembers(secret) {
		t.Fatal("the key is not on the disk", err)
	}
	id, err := v.Intend("user:alice")
	if err != nil {
		t.Fatal(err)
	}
	left, _ = after(t, disk)
	if ids, err := left.Intended(); len(ids) != 1 || ids[0] != id || err != nil {
		t.Fatalf("announced: %v, %v", ids, err)
	}
	if err := v.Carry(id); err != nil {
		t.Fatal(err)
	}
	if disk.Remembers(secret) {
		t.Error("the key can still be read from the blocks of its file")
	}
	left, where := after(t, disk)
	if ids, err := left.Intended(); len(ids) != 0 || err != nil {
		t.Errorf("made: %v, %v", ids, err)
	}
	if _, err := os.Stat(filepath.Join(where, "keys")); err == nil {
		if _, err := os.Stat(left.keyPath(alice.ID)); err == nil {
			t.Error("the file of the key has come back")
		}
	}
	if s, err := left.Subject("user:alice"); err != nil || s.ID == alice.ID {
		t.Error("the subject has come back", err)
	}
}
