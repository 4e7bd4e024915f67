//go:build unix

package powerloss

import (
	"os"
	"path/filepath"
	"testing"
)

// Only what was synced, under a name that was synced, is left.
func TestDisk(t *testing.T) {
	root := t.TempDir()
	d, err := Watch(root)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	sync := func(path string) {
		t.Helper()
		f, err := os.Open(path)
		if err == nil {
			err = d.Sync(f)
			_ = f.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(root, "a")
	want := func(what, text string, there bool) {
		t.Helper()
		left := t.TempDir()
		if err := d.Image(left); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(left, "a"))
		if string(b) != text || (err == nil) != there {
			t.Errorf("%s: %q, %v", what, b, err)
		}
	}
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	want("nothing synced", "", false)
	sync(root)
	want("the name synced", "", true)
	sync(path)
	want("all synced", "one", true)
	write("two")
	want("written again", "one", true)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	want("removed", "one", true)
	sync(root)
	want("removed and synced", "", false)
	if !d.Remembers([]byte("one")) {
		t.Error("its block is forgotten")
	}
}
