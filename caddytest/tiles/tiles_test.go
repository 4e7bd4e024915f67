package tiles

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

// fill appends records until the log has n.
func fill(t *testing.T, dir string, n int64) {
	t.Helper()
	l, err := audit.Open(audit.Options{Dir: dir, Node: "tiles", Settings: audit.Settings{SegmentBytes: 64 << 10}})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	const writers = 64
	missing := n - l.Size()
	for w := range int64(writers) {
		wg.Go(func() {
			for i := w; i < missing; i += writers {
				if _, err := l.Admin(context.Background(), time.Now(), "a test", "test.record", fmt.Sprint(i)); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

func key(t *testing.T, dir string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func leaves(bundle []byte) ([][]byte, error) {
	b := &api.EntryBundle{}
	if err := b.UnmarshalText(bundle); err != nil {
		return nil, err
	}
	out := make([][]byte, 0, len(b.Entries))
	for _, e := range b.Entries {
		out = append(out, rfc6962.DefaultHasher.HashLeaf(e))
	}
	return out, nil
}

// check runs fsck with a limit: on some damage it never comes back.
func check(t *testing.T, export, vkey string, limit time.Duration) error {
	t.Helper()
	v, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() {
		done <- fsck.New(v.Name(), v, client.FileFetcher{Root: export}, leaves, fsck.Opts{N: 2}).Check(ctx)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Exports of every shape of tree, each made into the directory of the last, are
// what tessera expects.
func TestFsckAcceptsExports(t *testing.T) {
	sizes := []int64{1, 2, 255, 256, 257, 3000, 66_000}
	if s := os.Getenv("TILES_RECORDS"); s != "" {
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, n)
	}
	log, export := filepath.Join(t.TempDir(), "log"), t.TempDir()
	for _, n := range sizes {
		fill(t, log, n)
		start := time.Now()
		got, err := audit.ExportTiles(log, export, nil)
		if err != nil || got.Size != n {
			t.Fatalf("%d records: %+v, %v", n, got, err)
		}
		exported := time.Since(start)
		start = time.Now()
		if err := check(t, export, key(t, log), time.Minute); err != nil {
			t.Fatalf("%d records: %v", n, err)
		}
		t.Logf("%d records: exported in %v (%d tiles, %d bundles new), accepted in %v", n, exported, got.Tiles, got.Bundles, time.Since(start))
	}
	fresh := t.TempDir()
	if _, err := audit.ExportTiles(log, fresh, nil); err != nil {
		t.Fatal(err)
	}
	if err := check(t, fresh, key(t, log), time.Minute); err != nil {
		t.Errorf("an export at once: %v", err)
	}
	// It can fail: one flipped bit is not accepted.
	bundle := filepath.Join(fresh, "tile", "entries", "000")
	b, err := os.ReadFile(bundle)
	if err != nil {
		t.Fatal(err)
	}
	b[100] ^= 1
	if err := os.WriteFile(bundle, b, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := check(t, fresh, key(t, log), 5*time.Second); err == nil {
		t.Error("fsck accepts a changed record")
	}
}

// A stranger's reader accepts receipts, of their own record only.
func TestStrangerReadsReceipts(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	fill(t, log, 300)
	for i := range int64(300) {
		receipt, err := audit.Prove(log, i)
		if err != nil {
			t.Fatal(err)
		}
		line, err := audit.Line(log, i)
		if err != nil {
			t.Fatal(err)
		}
		if err := checkReceipt(string(receipt), string(line), key(t, log)); err != nil {
			t.Fatalf("record %d: %v", i, err)
		}
		if err := checkReceipt(string(receipt), strings.Replace(string(line), "test.record", "test.recorD", 1), key(t, log)); err == nil {
			t.Fatalf("record %d: the receipt holds for a changed record", i)
		}
	}
}
