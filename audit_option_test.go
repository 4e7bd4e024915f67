package gateway

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

// A file with a key that others can read is refused, whichever key it is and whoever
// reads it; no message repeats what is in it.
func TestOpenKeyFiles(t *testing.T) {
	const secret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	path := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	read := map[string]func() error{
		"vault_key":   func() error { _, err := (&AuditLog{VaultKey: "{file." + path + "}"}).options(); return err },
		"--vault-key": func() error { _, err := readVaultKey(path); return err },
	}
	for name, f := range read {
		if err := f(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, mode := range []os.FileMode{0o644, 0o640, 0o604, 0o620} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for name, f := range read {
			if err := f(); err == nil || strings.Contains(err.Error(), secret) {
				t.Errorf("%s, mode %04o: %v", name, mode, err)
			}
		}
	}
}

// A key that cannot be made is refused before a record says that there is a new one.
func TestRotateGivenKeys(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "log")
	key, err := checkpoint.NewKey("log.example/a")
	if err != nil {
		t.Fatal(err)
	}
	log, err := audit.Open(audit.Options{Dir: dir, Origin: "log.example/a", Keys: []string{key.Text}})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	r := httptest.NewRequest("POST", "/llm_gateway/audit/a/rotate-key", strings.NewReader(`{"overlap_seconds":3600}`))
	r.Header.Set("Content-Type", "application/json")
	if err := rotateKey(httptest.NewRecorder(), r, log); err == nil || !strings.Contains(err.Error(), audit.ErrGivenKeys.Error()) {
		t.Error(err)
	}
	if n := log.Size(); n != 0 {
		t.Errorf("%d records of what was not done", n)
	}
}
