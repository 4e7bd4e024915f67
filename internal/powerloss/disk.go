//go:build unix

// Package powerloss tells tests what would be on the disk if the power failed now.
//
// Code that must be durable calls os.File.Sync through a variable; a test puts
// Disk.Sync in its place. The disk then knows of a file what it held when it was
// synced, and of a directory the names that it had then; Image writes down just that.
// What was written and not synced is lost, as the strictest file system would lose it.
package powerloss

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// Disk watches one directory and all below it. It is safe for concurrent use.
type Disk struct {
	root uint64

	mu    sync.Mutex
	data  map[uint64][]byte           // of files, by inode
	names map[uint64]map[string]entry // of directories
	held  []*os.File                  // so that no inode is used again
}

// entry is a name in a directory.
type entry struct {
	inode uint64
	dir   bool
}

// Watch begins to watch a directory that exists. What it holds now is lost unless it is
// synced later.
func Watch(root string) (*Disk, error) {
	st, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	ino, err := inode(st)
	if err != nil {
		return nil, err
	}
	return &Disk{root: ino, data: map[uint64][]byte{}, names: map[uint64]map[string]entry{}}, nil
}

// Close lets go of the files.
func (d *Disk) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, f := range d.held {
		_ = f.Close()
	}
	d.held = nil
}

// Sync stands for os.File.Sync.
func (d *Disk) Sync(f *os.File) error {
	st, err := f.Stat()
	if err != nil {
		return err
	}
	ino, err := inode(st)
	if err != nil {
		return err
	}
	again, err := os.Open(f.Name())
	if err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.held = append(d.held, again)
	if !st.IsDir() {
		d.data[ino], err = os.ReadFile(f.Name())
		return err
	}
	entries, err := os.ReadDir(f.Name())
	if err != nil {
		return err
	}
	names := map[string]entry{}
	for _, e := range entries {
		st, err := e.Info()
		if err != nil {
			return err
		}
		ino, err := inode(st)
		if err != nil {
			return err
		}
		names[e.Name()] = entry{ino, e.IsDir()}
	}
	d.names[ino] = names
	return nil
}

// Image writes what would be left into a directory. A file whose name is durable and
// whose content never was is empty; so is such a directory.
func (d *Disk) Image(to string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.image(d.root, to)
}

func (d *Disk) image(dir uint64, to string) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	for name, e := range d.names[dir] {
		path, err := filepath.Join(to, name), error(nil)
		if e.dir {
			err = d.image(e.inode, path)
		} else {
			err = os.WriteFile(path, d.data[e.inode], 0o600)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Remembers reports whether any block holds the bytes, those of removed files too.
func (d *Disk) Remembers(b []byte) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, data := range d.data {
		if bytes.Contains(data, b) {
			return true
		}
	}
	return false
}

func inode(st os.FileInfo) (uint64, error) {
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, fmt.Errorf("no inode of %s", st.Name())
	}
	return sys.Ino, nil
}
