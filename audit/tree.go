package audit

import (
	"errors"
	"fmt"
	"io"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// tree is the right edge of the Merkle tree: all that appending needs, a few
// dozen hashes however many records there are.
type tree struct {
	n     int64
	peaks []tlog.Hash // roots of the perfect subtrees of n, largest first
}

// add appends a leaf and returns the hashes to store for it, in the order of
// tlog's stored hashes: the leaf's, then that of each subtree it completes.
func (t *tree) add(leaf tlog.Hash, out []tlog.Hash) []tlog.Hash {
	h := leaf
	out = append(out, h)
	for level := 0; t.n>>level&1 == 1; level++ {
		h = tlog.NodeHash(t.peaks[len(t.peaks)-1], h)
		t.peaks = t.peaks[:len(t.peaks)-1]
		out = append(out, h)
	}
	t.peaks = append(t.peaks, h)
	t.n++
	return out
}

// root is the hash of the whole tree.
func (t *tree) root() tlog.Hash {
	if t.n == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	h := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		h = tlog.NodeHash(t.peaks[i], h)
	}
	return h
}

// hashReader reads stored hashes from the file.
type hashReader struct{ f io.ReaderAt }

var errShortHashes = errors.New("the file of hashes is too short")

// ReadHashes implements tlog.HashReader.
func (r hashReader) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	out := make([]tlog.Hash, len(indexes))
	if done, err := r.readBlock(indexes, out); done || err != nil {
		return out, err
	}
	for i, at := range indexes {
		if _, err := r.f.ReadAt(out[i][:], at*tlog.HashSize); err != nil {
			if err == io.EOF {
				err = errShortHashes
			}
			return nil, fmt.Errorf("reading hash %d: %w", at, err)
		}
	}
	return out, nil
}

// readBlock reads hashes that lie close together in one piece; it leaves others
// alone.
func (r hashReader) readBlock(indexes []int64, out []tlog.Hash) (done bool, err error) {
	const most = 1024
	if len(indexes) < 16 {
		return false, nil
	}
	first, last := slices.Min(indexes), slices.Max(indexes)
	if last-first >= most {
		return false, nil
	}
	b := make([]byte, (last-first+1)*tlog.HashSize)
	if _, err := r.f.ReadAt(b, first*tlog.HashSize); err != nil {
		if err == io.EOF {
			err = errShortHashes
		}
		return false, fmt.Errorf("reading hashes from %d on: %w", first, err)
	}
	for i, at := range indexes {
		copy(out[i][:], b[(at-first)*tlog.HashSize:])
	}
	return true, nil
}

// treeAt returns the right edge of the tree of the first n records.
func treeAt(n int64, r tlog.HashReader) (tree, error) {
	t := tree{n: n}
	var at []int64
	done := int64(0)
	for level := 62; level >= 0; level-- {
		if n>>level&1 == 1 {
			at = append(at, tlog.StoredHashIndex(level, done>>level))
			done += 1 << level
		}
	}
	var err error
	t.peaks, err = r.ReadHashes(at)
	return t, err
}
