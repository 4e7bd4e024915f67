package audit

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/powerloss"
)

// What was published into a file survives a power loss there.
func TestPublishedSurvivesPowerLoss(t *testing.T) {
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
	want := ""
	for _, text := range []string{"one\n", "two\n"} {
		if err := appendFile(filepath.Join(root, "checkpoints"), []byte(text)); err != nil {
			t.Fatal(err)
		}
		want += text
		left := t.TempDir()
		if err := disk.Image(left); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(filepath.Join(left, "checkpoints")); string(b) != want {
			t.Errorf("%q is left of %q: %v", b, want, err)
		}
	}
}
