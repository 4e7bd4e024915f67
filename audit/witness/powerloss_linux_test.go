package witness

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/powerloss"
)

// A witness that has cosigned remembers it after a power loss, and who it is: else it
// could cosign another history.
func TestPowerLoss(t *testing.T) {
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
	l := newLog(t, "log.example/a").grow(20, "record")
	fork := newLog(t, "log.example/a")
	fork.key = l.key
	fork.grow(20, "other")
	s := newServer(t, root, l)
	for _, step := range [][2]int64{{0, 7}, {7, 12}} {
		if a := s.Add(l.submission(step[0], step[1])); a.Status != 200 {
			t.Fatal(a.Status, a.Err)
		}
		left := t.TempDir()
		if err := disk.Image(left); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"key", "key.pub"} {
			was, err := os.ReadFile(filepath.Join(root, name))
			is, _ := os.ReadFile(filepath.Join(left, name))
			if err != nil || !bytes.Equal(was, is) {
				t.Errorf("%s is lost", name)
			}
		}
		if a := newServer(t, left, l).Add(fork.submission(0, step[1])); a.Status != 409 {
			t.Errorf("after a power loss a fork of %d is answered %d", step[1], a.Status)
		}
	}
}
