package audit

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

// Tiles as in C2SP tlog-tiles: 256 hashes, or entries, each.
const (
	tileHeight = 8
	tileWidth  = 1 << tileHeight
)

// Tiles is what ExportTiles has written.
type Tiles struct {
	Origin  string `json:"origin"`
	Size    int64  `json:"size"` // records that the checkpoint covers
	First   int64  `json:"first"`
	Tiles   int64  `json:"tiles"`
	Bundles int64  `json:"bundles"`
}

// ExportTiles writes what the newest checkpoint of a log covers, live or copied,
// in the layout of C2SP tlog-tiles: checkpoint, tile/<level>/…, tile/entries/….
// Any web server can serve that, and any client of such logs can read it. If the
// directory has an older export of the same log only what is new is written.
// Entries that were pruned are left out; First is the least index that is there
// for certain (the "minimum index").
func ExportTiles(dir, into string, progress func(done, of int64)) (t Tiles, err error) {
	keys, err := publicKeys(dir)
	if err != nil {
		return t, err
	}
	msg, err := NewestCheckpoint(dir)
	if err != nil {
		return t, fmt.Errorf("reading the checkpoint: %w", err)
	}
	c, _, err := checkpoint.Open(msg, keys)
	if err != nil {
		return t, err
	}
	f, err := os.Open(filepath.Join(dir, "hashes"))
	if err != nil {
		return t, err
	}
	defer f.Close()
	e := &tileExport{dir: dir, into: into, size: c.Size, hashes: hashReader{f}, progress: progress}
	if err := e.continues(keys); err != nil {
		return t, err
	}
	then, err := treeAt(c.Size, e.hashes)
	if err != nil || then.root() != c.Root {
		return t, ErrHashes
	}
	if err := e.levels(); err != nil {
		return t, err
	}
	if err := e.bundles(); err != nil {
		return t, err
	}
	// Last: it must not promise what is not there yet.
	if err := e.write("checkpoint", msg); err != nil {
		return t, err
	}
	return Tiles{Origin: c.Origin, Size: c.Size, First: e.first, Tiles: e.tiles, Bundles: e.written}, nil
}

type tileExport struct {
	dir, into      string
	size, was      int64 // records now, and in the older export
	first          int64
	tiles, written int64
	hashes         hashReader
	progress       func(done, of int64)
	pending        []byte
}

// continues checks that an older export in the directory is one of this log.
func (e *tileExport) continues(keys checkpoint.Keys) error {
	msg, err := os.ReadFile(filepath.Join(e.into, "checkpoint"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	c, _, err := checkpoint.Open(msg, keys)
	if err != nil {
		return fmt.Errorf("%s has an export of another log: %w", e.into, err)
	}
	then, err := treeAt(min(c.Size, e.size), e.hashes)
	if err != nil || c.Size > e.size || then.root() != c.Root {
		return fmt.Errorf("%s has an export of %d records that this log does not continue", e.into, c.Size)
	}
	e.was = c.Size
	return nil
}

// levels writes the tiles of hashes.
func (e *tileExport) levels() error {
	for level, count := 0, e.size; count > 0; level, count = level+1, count>>tileHeight {
		// Tiles that were full before are there.
		for n := e.was >> (tileHeight * (level + 1)); n*tileWidth < count; n++ {
			w := min(count-n*tileWidth, tileWidth)
			b, err := tlog.ReadTileData(tlog.Tile{H: tileHeight, L: level, N: n, W: int(w)}, e.hashes)
			if err != nil {
				return fmt.Errorf("reading tile %d of level %d: %w", n, level, err)
			}
			if err := e.write(tilePath(strconv.Itoa(level), n, w), b); err != nil {
				return err
			}
			e.tiles++
		}
	}
	return nil
}

// bundles writes the entries, each held against its hash.
func (e *tileExport) bundles() error {
	starts, err := segments(osFS{}, e.dir)
	if err != nil {
		return err
	}
	if len(starts) > 0 {
		e.first = (starts[0] + tileWidth - 1) / tileWidth * tileWidth
	}
	from := max(e.first, e.was/tileWidth*tileWidth)
	if from >= e.size {
		return nil
	}
	next, want := from, []tlog.Hash(nil)
	var failed error
	err = Scan(e.dir, from, func(i int64, line []byte) bool {
		if i != next || len(line) > 1<<16-1 {
			failed = fmt.Errorf("record %d is missing or too long", next)
			return false
		}
		if i%tileWidth == 0 {
			want, failed = e.leaves(i)
		}
		if failed == nil && tlog.RecordHash(line) != want[i%tileWidth] {
			failed = tampered("record %d is not the one that was hashed", i)
		}
		if failed != nil {
			return false
		}
		e.pending = binary.BigEndian.AppendUint16(e.pending, uint16(len(line)))
		e.pending = append(e.pending, line...)
		if next++; next%tileWidth == 0 || next == e.size {
			w := next - (next-1)/tileWidth*tileWidth
			failed = e.write(tilePath("entries", (next-1)/tileWidth, w), e.pending)
			e.pending = e.pending[:0]
			e.written++
			if e.progress != nil {
				e.progress(next, e.size)
			}
		}
		return failed == nil && next < e.size
	})
	if err = errors.Join(err, failed); err == nil && next < e.size {
		err = fmt.Errorf("record %d is missing", next)
	}
	return err
}

// leaves reads the hashes of the records of a bundle.
func (e *tileExport) leaves(from int64) ([]tlog.Hash, error) {
	at := make([]int64, 0, tileWidth)
	for i := from; i < min(from+tileWidth, e.size); i++ {
		at = append(at, tlog.StoredHashIndex(0, i))
	}
	return e.hashes.ReadHashes(at)
}

// tilePath is the path of a tile: its number in groups of three digits, all but
// the last marked by an x, and its width if it is not full.
func tilePath(level string, n, width int64) string {
	path := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		path = fmt.Sprintf("x%03d/%s", n%1000, path)
	}
	if width < tileWidth {
		path += fmt.Sprintf(".p/%d", width)
	}
	return filepath.Join("tile", level, filepath.FromSlash(path))
}

// write puts a whole file in its place, or none.
func (e *tileExport) write(name string, data []byte) error {
	path := filepath.Join(e.into, name)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, data) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	return writeFileQuick(path, data)
}

// writeFileQuick writes a file under another name first. It is not synced: an
// export can be made again.
func writeFileQuick(path string, data []byte) error {
	tmp := path + ".tmp"
	if err := os.WriteFile(tmp, data, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}
