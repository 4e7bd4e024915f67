package vault

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// Erase is both halves of an erasure.
func (v *Vault) Erase(name string) (id string, err error) {
	if id, err = v.Intend(name); err != nil {
		return "", err
	}
	return id, v.Carry(id)
}

func files(t *testing.T, dir string) (all []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(dir, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A subject that cannot be made leaves no key behind that nobody could erase, however
// often it is tried.
func TestNoOrphans(t *testing.T) {
	dir := vaultDir(t)
	v := openVault(t, dir, Options{})
	if err := os.WriteFile(filepath.Join(dir, "names"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := v.Subject("user:alice"); err == nil {
			t.Fatal("made without a place for names")
		}
	}
	if all := files(t, filepath.Join(dir, "keys")); len(all) != 0 {
		t.Errorf("keys without names: %q", all)
	}
	if err := os.Remove(filepath.Join(dir, "names")); err != nil {
		t.Fatal(err)
	}
	// The other way round: a name whose key could not be made.
	if err := os.WriteFile(filepath.Join(dir, "keys"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if _, err := v.Subject("user:alice"); err == nil {
			t.Fatal("made without a place for keys")
		}
	}
	if err := os.Remove(filepath.Join(dir, "keys")); err != nil {
		t.Fatal(err)
	}
	s := mustSubject(t, v, "user:alice")
	if all := files(t, filepath.Join(dir, "names")); len(all) != 1 {
		t.Errorf("names: %q", all)
	}
	if id, err := v.Erase("user:alice"); err != nil || id != s.ID {
		t.Error(id, err)
	}
	if all := append(files(t, filepath.Join(dir, "keys")), files(t, filepath.Join(dir, "names"))...); len(all) != 0 {
		t.Errorf("left after the erasure: %q", all)
	}
}

// A vault that has lost the mark of its key, or the key, takes no other one.
func TestLostKeyFiles(t *testing.T) {
	dir := vaultDir(t)
	mustSubject(t, openVault(t, dir, Options{}), "user:alice")
	id := filepath.Join(dir, "kek.id")
	if err := os.Remove(id); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{Key: make([]byte, KeyBytes)}); !errors.Is(err, ErrKey) {
		t.Error("another key is taken:", err)
	}
	// The right one is known by what it opens.
	if _, err := openVault(t, dir, Options{}).Find("user:alice"); err != nil {
		t.Error(err)
	}
	if err := errors.Join(os.Remove(id), os.Remove(filepath.Join(dir, "kek"))); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrKey) {
		t.Error("a lost key was replaced:", err)
	}
}

// An erasure that was noted destroys the key that it was noted for, and no later one.
func TestCarry(t *testing.T) {
	dir := vaultDir(t)
	v := openVault(t, dir, Options{})
	first := mustSubject(t, v, "user:alice")
	id, err := v.Intend("user:alice")
	if err != nil || id != first.ID {
		t.Fatal(id, err)
	}
	if _, err := v.Erase("user:alice"); err != nil {
		t.Fatal(err)
	}
	second := mustSubject(t, v, "user:alice")
	for range 2 {
		if err := v.Carry(id); err != nil {
			t.Fatal(err)
		}
	}
	if s, err := v.Find("user:alice"); err != nil || s.ID != second.ID {
		t.Error("the wrong key is gone:", err)
	}
	if id, err = v.Intend("user:alice"); err != nil || id != second.ID {
		t.Fatal(id, err)
	}
	if err := v.Carry(id); err != nil {
		t.Fatal(err)
	}
	if s := mustSubject(t, v, "user:alice"); s.ID == second.ID {
		t.Error("an erased key is still in memory")
	}
	if _, err := v.Intend("user:bob"); !errors.Is(err, ErrErased) {
		t.Error(err)
	}
	for _, id := range []string{"", "../kek", "zz"} {
		if v.Carry(id) == nil || v.Forgo(id) == nil {
			t.Errorf("%q is taken", id)
		}
	}
}
