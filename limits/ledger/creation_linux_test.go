package ledger

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/powerloss"
)

// When Open returns, both files have their names on the disk and the journal its whole
// length; without any one of the syncs that make it so they have not. (What is in
// the bbolt file is bbolt's to sync: see TestPowerLossLosesNothing.)
func TestMadeDurably(t *testing.T) {
	defer func(f func(*os.File) error) { syncFile = f }(syncFile)
	left := func(t *testing.T, drop int) (syncs int, err error) {
		dir := t.TempDir()
		disk, err := powerloss.Watch(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer disk.Close()
		syncFile = func(f *os.File) error {
			if syncs++; syncs-1 == drop {
				return nil
			}
			return disk.Sync(f)
		}
		l := openAt(t, filepath.Join(dir, "ledger.db"), Options{})
		defer l.Close()
		image := t.TempDir()
		if err := disk.Image(image); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(image, "ledger.db")
		if _, err := os.Stat(path); err != nil {
			return syncs, err
		}
		j, err := openJournal(path+journalSuffix, os.O_RDONLY)
		if err != nil {
			return syncs, err
		}
		defer j.close()
		_, _, err = j.read(0)
		return syncs, err
	}
	syncs, err := left(t, -1)
	if err != nil || syncs == 0 {
		t.Fatalf("%d syncs, %v", syncs, err)
	}
	for drop := range syncs {
		t.Run(fmt.Sprint("without number ", drop), func(t *testing.T) {
			if _, err := left(t, drop); err == nil {
				t.Error("nothing is missing")
			}
		})
	}
}
