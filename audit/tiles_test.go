package audit

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// The paths of c2sp.org/tlog-tiles.
func TestTilePath(t *testing.T) {
	for _, c := range []struct {
		n, width int64
		want     string
	}{
		{0, 256, "tile/0/000"}, {0, 1, "tile/0/000.p/1"}, {999, 256, "tile/0/999"}, {1000, 256, "tile/0/x001/000"},
		{1234067, 256, "tile/0/x001/x234/067"}, {1234067, 7, "tile/0/x001/x234/067.p/7"},
	} {
		if got := filepath.ToSlash(tilePath("0", c.n, c.width)); got != c.want {
			t.Errorf("%d, %d: %s, want %s", c.n, c.width, got, c.want)
		}
	}
}

// An export has the records as they were hashed, and does not mix logs.
func TestExportTiles(t *testing.T) {
	dir, into := filled(t, 300), t.TempDir()
	got, err := ExportTiles(dir, into, func(done, of int64) {
		if done > of || of != 300 {
			t.Error(done, of)
		}
	})
	if err != nil || got.Size != 300 || got.Bundles != 2 || got.Tiles != 3 || got.First != 0 {
		t.Fatalf("%+v, %v", got, err)
	}
	recs := records(t, dir)
	for i, name := range []string{"000", "001.p/44"} {
		b, err := os.ReadFile(filepath.Join(into, "tile", "entries", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		for n := i * tileWidth; len(b) > 0; n++ {
			size := binary.BigEndian.Uint16(b)
			if string(b[2:2+size]) != string(recs[n].Raw) {
				t.Fatalf("record %d", n)
			}
			b = b[2+size:]
		}
	}
	if _, err := ExportTiles(filled(t, 400), into, nil); err == nil {
		t.Error("an export of another log was overwritten")
	}
	if again, err := ExportTiles(dir, into, nil); err != nil || again.Size != 300 {
		t.Error(again, err)
	}
	hashes := filepath.Join(dir, "hashes")
	b, err := os.ReadFile(hashes)
	if err != nil {
		t.Fatal(err)
	}
	b[tlog.StoredHashIndex(0, 9)*tlog.HashSize] ^= 1
	replace(t, hashes, b)
	if _, err := ExportTiles(dir, t.TempDir(), nil); err == nil {
		t.Error("a record was exported that does not have its hash")
	}
}
