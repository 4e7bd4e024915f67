package audit

import (
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// memFS is a file layer in memory that knows what is durable and what is not,
// and fails on demand.
type memFS struct {
	mu       sync.Mutex
	files    map[string]*memFile // as programs see them
	durable  map[string]*memFile // the names that survive a power loss
	noSync   bool                // Sync lies: nothing becomes durable
	noDir    bool                // SyncDir lies
	room     int64               // bytes that may still be added; negative is unlimited
	syncErr  error               // what Sync of segments returns
	openErr  error               // what creating a file returns
	openOf   string              // that has this in its name
	readOnly bool                // every write fails
	locked   map[string]bool
	syncs    int
	removes  int               // how many removals succeed; negative is all
	onSync   func(name string) // called before each sync, with mu held
}

type memFile struct {
	data, synced []byte
	mode         fs.FileMode
}

func newMemFS() *memFS {
	return &memFS{files: map[string]*memFile{}, durable: map[string]*memFile{}, room: -1, removes: -1, locked: map[string]bool{}}
}

func (m *memFS) OpenFile(name string, flag int, perm fs.FileMode) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.files[name]
	if f == nil {
		if flag&os.O_CREATE == 0 {
			return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
		}
		if m.openErr != nil && strings.Contains(name, m.openOf) {
			return nil, &fs.PathError{Op: "open", Path: name, Err: m.openErr}
		}
		f = &memFile{mode: perm}
		m.files[name] = f
	}
	if flag&os.O_TRUNC != 0 {
		f.data = nil
	}
	return &memHandle{m: m, f: f, name: name}, nil
}

func (m *memFS) Rename(from, to string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files[from] == nil {
		return &fs.PathError{Op: "rename", Path: from, Err: fs.ErrNotExist}
	}
	m.files[to] = m.files[from]
	delete(m.files, from)
	return nil
}

func (m *memFS) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.files[name] == nil {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrNotExist}
	}
	if m.removes == 0 {
		return &fs.PathError{Op: "remove", Path: name, Err: syscall.EIO}
	}
	m.removes--
	delete(m.files, name)
	return nil
}

func (m *memFS) ReadDir(dir string) ([]fs.DirEntry, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []fs.DirEntry
	for name, f := range m.files {
		if filepath.Dir(name) == dir {
			out = append(out, fs.FileInfoToDirEntry(memInfo{filepath.Base(name), f}))
		}
	}
	return out, nil
}

func (m *memFS) MkdirAll(string, fs.FileMode) error { return nil }

func (m *memFS) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.noDir {
		return nil
	}
	for name := range m.durable {
		if filepath.Dir(name) == dir && m.files[name] == nil {
			delete(m.durable, name)
		}
	}
	for name, f := range m.files {
		if filepath.Dir(name) == dir {
			m.durable[name] = f
		}
	}
	return nil
}

type memLock struct {
	m    *memFS
	name string
}

func (l memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	delete(l.m.locked, l.name)
	return nil
}

func (m *memFS) Lock(name string) (io.Closer, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.locked[name] {
		return nil, ErrLocked
	}
	m.locked[name] = true
	return memLock{m, name}, nil
}

type memInfo struct {
	name string
	f    *memFile
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return int64(len(i.f.data)) }
func (i memInfo) Mode() fs.FileMode  { return i.f.mode }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return false }
func (i memInfo) Sys() any           { return nil }

type memHandle struct {
	m    *memFS
	f    *memFile
	name string
}

func (h *memHandle) ReadAt(b []byte, at int64) (int, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if at >= int64(len(h.f.data)) {
		return 0, io.EOF
	}
	n := copy(b, h.f.data[at:])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (h *memHandle) WriteAt(b []byte, at int64) (int, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	n := len(b)
	if h.m.readOnly {
		return 0, &fs.PathError{Op: "write", Path: h.name, Err: syscall.EROFS}
	}
	if grow := at + int64(n) - int64(len(h.f.data)); grow > 0 && h.m.room >= 0 {
		if short := grow - h.m.room; short > 0 {
			n = max(0, n-int(short))
			grow -= short
		}
		h.m.room -= max(0, grow)
	}
	if end := at + int64(n); end > int64(len(h.f.data)) {
		h.f.data = append(h.f.data, make([]byte, end-int64(len(h.f.data)))...)
	}
	copy(h.f.data[at:], b[:n])
	if n < len(b) {
		return n, &fs.PathError{Op: "write", Path: h.name, Err: syscall.ENOSPC}
	}
	return n, nil
}

func (h *memHandle) Truncate(size int64) error {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if size > int64(len(h.f.data)) {
		h.f.data = append(h.f.data, make([]byte, size-int64(len(h.f.data)))...)
	} else {
		if h.m.room >= 0 {
			h.m.room += int64(len(h.f.data)) - size
		}
		h.f.data = h.f.data[:size]
	}
	return nil
}

func (h *memHandle) Sync() error {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	if h.m.syncErr != nil && strings.Contains(h.name, "seg-") {
		return h.m.syncErr
	}
	h.m.syncs++
	if h.m.onSync != nil {
		h.m.onSync(h.name)
	}
	if !h.m.noSync {
		h.f.synced = append(h.f.synced[:0], h.f.data...)
	}
	return nil
}

func (h *memHandle) Stat() (fs.FileInfo, error) {
	h.m.mu.Lock()
	defer h.m.mu.Unlock()
	return memInfo{filepath.Base(h.name), &memFile{data: h.f.data, mode: h.f.mode}}, nil
}

func (h *memHandle) Close() error { return nil }

// powerLoss writes into a new directory what a power loss would leave: what was
// synced, and if rnd is given a random part of what was not, with holes of zeros
// where pages were not written.
func (m *memFS) powerLoss(t testing.TB, rnd *rand.Rand) string {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for name, f := range m.durable {
		if m.files[name] == nil && rnd != nil && rnd.IntN(2) == 0 {
			continue // its removal reached the disk
		}
		b := append([]byte(nil), f.synced...)
		if extra := len(f.data) - len(b); rnd != nil && extra > 0 && strings.Contains(name, "seg-") {
			tail := append([]byte(nil), f.data[len(b):len(b)+rnd.IntN(extra+1)]...)
			for at := 0; at < len(tail); at += 512 {
				if rnd.IntN(3) == 0 {
					clear(tail[at:min(at+512, len(tail))])
				}
			}
			b = append(b, tail...)
		}
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(name)), b, f.mode); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
