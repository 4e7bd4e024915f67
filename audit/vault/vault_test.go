package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func openVault(t testing.TB, dir string, o Options) *Vault {
	t.Helper()
	v, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func vaultDir(t testing.TB) string { return filepath.Join(t.TempDir(), "log", "vault") }

func mustSubject(t testing.TB, v *Vault, name string) *Subject {
	t.Helper()
	s, err := v.Subject(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type sealedValue struct{ H, C string }

func decode(t testing.TB, b []byte) (v sealedValue, cipher []byte) {
	t.Helper()
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	cipher, err := base64.RawStdEncoding.DecodeString(v.C)
	if err != nil {
		t.Fatal(err)
	}
	return v, cipher
}

// everything is every byte below a directory.
func everything(t testing.TB, dir string) (all []byte) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(append(all, path...), b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// A value can be read as long as the key of its subject exists, in this process or
// the next, and by nobody else's key.
func TestSubjects(t *testing.T) {
	dir := vaultDir(t)
	v := openVault(t, dir, Options{})
	alice, bob := mustSubject(t, v, "user:alice@example.com"), mustSubject(t, v, "user:bob")
	if alice.ID == bob.ID || mustSubject(t, v, "user:alice@example.com") != alice {
		t.Fatal("subjects are not told apart")
	}
	got, cipher := decode(t, alice.Sealed("client_ip", "192.0.2.7"))
	if again, _ := decode(t, alice.Sealed("client_ip", "192.0.2.7")); again != got {
		t.Error("sealed twice")
	}
	if other, _ := decode(t, bob.Sealed("client_ip", "192.0.2.7")); other.H == got.H {
		t.Error("one pseudonym for a value of two subjects")
	}
	if other, _ := decode(t, alice.Sealed("user", "192.0.2.7")); other.H == got.H {
		t.Error("one pseudonym for two kinds")
	}
	if got.H != alice.Pseudonym("client_ip", "192.0.2.7") {
		t.Error("the pseudonym cannot be found again")
	}
	if _, err := bob.Open("client_ip", cipher); err == nil {
		t.Error("another subject's key opens it")
	}
	if _, err := alice.Open("user", cipher); err == nil {
		t.Error("it opens as another kind")
	}

	next := openVault(t, dir, Options{ReadOnly: true})
	s, err := next.Lookup(alice.ID)
	if err != nil || s.Name != "user:alice@example.com" {
		t.Fatal(s, err)
	}
	if clear, err := s.Open("client_ip", cipher); err != nil || clear != "192.0.2.7" {
		t.Errorf("%q, %v", clear, err)
	}
	if s, err := next.Find("user:bob"); err != nil || s.ID != bob.ID {
		t.Error(s, err)
	}
	if _, err := next.Subject("user:new"); !errors.Is(err, ErrErased) {
		t.Error("a reader makes keys:", err)
	}
	for _, secret := range []string{"alice", "bob", "192.0.2.7"} {
		if bytes.Contains(everything(t, dir), []byte(secret)) {
			t.Errorf("%s stands in the vault in clear", secret)
		}
	}
}

// After an erasure nothing of the subject is left on disk or in memory, also not its
// name; the others stay, and the subject can begin anew.
func TestErase(t *testing.T) {
	dir := vaultDir(t)
	v := openVault(t, dir, Options{})
	alice, bob := mustSubject(t, v, "user:alice"), mustSubject(t, v, "user:bob")
	_, cipher := decode(t, alice.Sealed("user", "alice"))
	b, err := v.Seal(alice, time.Unix(0, 0), "req-1", "answer", []byte("the secret answer"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Store(); err != nil {
		t.Fatal(err)
	}
	var files []string
	for _, path := range []string{v.keyPath(alice.ID), v.namePath(v.keys, "user:alice")} {
		old, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, string(old))
	}
	// Another name for the key's blocks shows that they were overwritten.
	shadow := filepath.Join(t.TempDir(), "shadow")
	if err := os.Link(v.keyPath(alice.ID), shadow); err != nil {
		t.Fatal(err)
	}
	id, err := v.Erase("user:alice")
	if err != nil || id != alice.ID {
		t.Fatal(id, err)
	}
	if left, err := os.ReadFile(shadow); err != nil || string(left) == files[0] || len(left) != len(files[0]) {
		t.Error("the key was not overwritten", err)
	}
	for _, f := range files {
		if bytes.Contains(everything(t, dir), []byte(f)) {
			t.Error("a file of the subject is left")
		}
	}
	if bytes.Contains(everything(t, filepath.Join(dir, "names")), []byte(alice.ID)) || bytes.Contains(everything(t, filepath.Join(dir, "keys")), []byte(alice.ID)) {
		t.Error("the id is left")
	}
	if _, err := v.Lookup(alice.ID); !errors.Is(err, ErrErased) {
		t.Error(err)
	}
	if _, err := v.Erase("user:alice"); !errors.Is(err, ErrErased) {
		t.Error("erased twice:", err)
	}
	again := mustSubject(t, v, "user:alice")
	if again.ID == alice.ID || again == alice {
		t.Error("the erased key is used again")
	}
	if _, err := again.Open("user", cipher); err == nil {
		t.Error("the new key opens what was erased")
	}
	if _, err := v.Read(again, b.File, b.SHA256); err == nil {
		t.Error("the new key opens an erased text")
	}
	if _, err := v.Ciphertext(b.File, b.SHA256); err != nil {
		t.Error("the ciphertext no longer agrees with its record:", err)
	}
	if s, err := openVault(t, dir, Options{}).Subject("user:bob"); err != nil || s.ID != bob.ID {
		t.Error("erasing one has touched another", err)
	}
}

// A key whose making was cut short by a crash is made anew.
func TestHalfMade(t *testing.T) {
	dir := vaultDir(t)
	v := openVault(t, dir, Options{})
	s := mustSubject(t, v, "user:x")
	if err := os.Remove(v.keyPath(s.ID)); err != nil { // as an erasure that was cut short
		t.Fatal(err)
	}
	again := mustSubject(t, openVault(t, dir, Options{}), "user:x")
	if again.ID == s.ID {
		t.Error("the lost key is used")
	}
}

func TestKey(t *testing.T) {
	dir := vaultDir(t)
	openVault(t, dir, Options{})
	for name, mode := range map[string]fs.FileMode{"kek": 0o600, "": 0o700 | fs.ModeDir} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode() != mode {
			t.Errorf("%s: %v %v", name, st.Mode(), err)
		}
	}
	given := bytes.Repeat([]byte{7}, KeyBytes)
	if _, err := Open(dir, Options{Key: given}); !errors.Is(err, ErrKey) {
		t.Error("another key is taken:", err)
	}
	if _, err := Open(dir, Options{Key: []byte("short")}); !errors.Is(err, ErrKey) {
		t.Error("a short key is taken:", err)
	}
	if err := os.Chmod(filepath.Join(dir, "kek"), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrKey) || !strings.Contains(err.Error(), "0640") {
		t.Error("a key that others can read is taken:", err)
	}
	if err := os.Remove(filepath.Join(dir, "kek")); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{ReadOnly: true}); !errors.Is(err, ErrKey) {
		t.Error(err)
	}
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrKey) {
		t.Error("a lost key is replaced by a new one, as if nothing had been:", err)
	}
	other := vaultDir(t)
	openVault(t, other, Options{Key: given})
	if _, err := os.Stat(filepath.Join(other, "kek")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a given key is written down", err)
	}
	for _, s := range []string{strings.Repeat("ab", 32), base64.StdEncoding.EncodeToString(given), base64.RawURLEncoding.EncodeToString(given) + "\n"} {
		if b, err := ParseKey(s); err != nil || len(b) != KeyBytes {
			t.Errorf("%q: %v", s, err)
		}
	}
	for _, s := range []string{"", "ab", strings.Repeat("ab", 31), strings.Repeat("g", 64), base64.StdEncoding.EncodeToString(given[:31])} {
		if _, err := ParseKey(s); err == nil || s != "" && strings.Contains(err.Error(), s) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// Memory is bounded by the cache, whoever comes.
func TestCache(t *testing.T) {
	v := openVault(t, vaultDir(t), Options{CacheSubjects: 4})
	ids := map[string]string{}
	for round := range 2 {
		for i := range 20 {
			name := fmt.Sprint("user:", i)
			s := mustSubject(t, v, name)
			if round == 0 {
				ids[name] = s.ID
			} else if ids[name] != s.ID {
				t.Fatalf("%s has a new key", name)
			}
			if n := len(v.young) + len(v.old); n > 8 {
				t.Fatalf("%d subjects in memory", n)
			}
		}
	}
	s := mustSubject(t, v, "user:1")
	for i := range 1000 {
		s.Sealed("client_ip", fmt.Sprint(i))
	}
	if len(s.sealed) > maxSealed {
		t.Errorf("%d values in memory", len(s.sealed))
	}
}

// Subjects are made, used and erased at once without a mix-up.
func TestConcurrent(t *testing.T) {
	v := openVault(t, vaultDir(t), Options{CacheSubjects: 2})
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for i := range 30 {
				name := fmt.Sprint("user:", (g+i)%5)
				s, err := v.Subject(name)
				if err != nil {
					t.Error(err)
					return
				}
				_, c := decode(t, s.Sealed("user", name))
				if clear, err := s.Open("user", c); err != nil || clear != name {
					t.Errorf("%q, %v", clear, err)
				}
				if i%7 == 0 {
					if _, err := v.Erase(name); err != nil && !errors.Is(err, ErrErased) {
						t.Error(err)
					}
				}
			}
		})
	}
	wg.Wait()
}

func TestContent(t *testing.T) {
	dir := vaultDir(t)
	v := openVault(t, dir, Options{})
	s := mustSubject(t, v, "key:web")
	at := time.Date(2026, 11, 28, 23, 59, 0, 0, time.UTC)
	text := bytes.Repeat([]byte("attack at dawn "), 10_000)
	b, err := v.Seal(s, at, "0192-id", "request", text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.Read(s, b.File, b.SHA256); !errors.Is(err, ErrNoContent) {
		t.Error(err)
	}
	if err := b.Store(); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Read(s, b.File, b.SHA256); err != nil || !bytes.Equal(got, text) {
		t.Error(err)
	}
	if bytes.Contains(everything(t, dir), []byte("attack")) {
		t.Error("the text is stored in clear")
	}
	if b.File != "2026-11-28/0192-id-request" {
		t.Error(b.File)
	}
	path := filepath.Join(dir, "content", b.File)
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw[len(raw)/2] ^= 1
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Read(s, b.File, b.SHA256); !errors.Is(err, ErrAltered) {
		t.Error(err)
	}
	for _, file := range []string{"../kek", "/etc/passwd", "a", "a/b/c", "", "a/../../kek", "..", "x/.."} {
		if _, err := v.Ciphertext(file, ""); err == nil || errors.Is(err, ErrAltered) {
			t.Errorf("%q: %v", file, err)
		}
	}
	for _, id := range []string{"", "../x", "a/b", "A", strings.Repeat("a", 65), "a\x00"} {
		if _, err := v.Seal(s, at, id, "request", nil); err == nil {
			t.Errorf("%q is taken as a name", id)
		}
	}
	if n, err := v.PruneContent(at); n != 0 || err != nil {
		t.Error(n, err)
	}
	if n, err := v.PruneContent(at.AddDate(0, 0, 1)); n != 1 || err != nil {
		t.Error(n, err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func FuzzSealed(f *testing.F) {
	for _, s := range []string{"alice", "", "\xff\xfe", "a\nb\x1b[31m\"", strings.Repeat("é", 300)} {
		f.Add(s)
	}
	v := openVault(f, vaultDir(f), Options{})
	s := mustSubject(f, v, "user:x")
	f.Fuzz(func(t *testing.T, text string) {
		line := s.Sealed("tag", text)
		for _, c := range line {
			if c < 0x20 || c >= 0x7f {
				t.Fatalf("%q", line)
			}
		}
		_, c := decode(t, line)
		clear, err := s.Open("tag", c)
		if err != nil || clear != bounded(text) || len(clear) > maxValue || len(line) > 500 {
			t.Fatalf("%q became %q, %v", text, clear, err)
		}
	})
}

func BenchmarkSealed(b *testing.B) {
	v := openVault(b, vaultDir(b), Options{})
	mustSubject(b, v, "user:alice")
	b.ReportAllocs()
	for b.Loop() {
		s, err := v.Subject("user:alice")
		if err != nil {
			b.Fatal(err)
		}
		s.Sealed("user", "alice")
		s.Sealed("client_ip", "192.0.2.7")
	}
}
