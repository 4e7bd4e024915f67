package vault

import (
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
)

// tmpDir is where files of a vault are written before they get their place. What a
// dead process has left there may be the key of a subject that nothing leads to: see
// Sweep.
const tmpDir = "tmp"

// syncFile is os.File.Sync; tests put a disk in its place that loses what was not
// synced.
var syncFile = (*os.File).Sync

// writeFile makes a small file of the vault whole and durable, with its directory, or
// not at all. A file of that name is replaced.
func writeFile(vault, path string, data []byte) error {
	return putFile(filepath.Join(vault, tmpDir), path, data, os.Rename)
}

// createFile is writeFile, but a file that is there already stays as it is.
func createFile(vault, path string, data []byte) error {
	return putFile(filepath.Join(vault, tmpDir), path, data, func(tmp, path string) error {
		err := os.Link(tmp, path)
		if err == nil || errors.Is(err, fs.ErrExist) {
			err = os.Remove(tmp)
		}
		return err
	})
}

// putFile writes a file in one directory and gives it its place.
func putFile(tmp, path string, data []byte, name func(tmp, path string) error) error {
	dir := filepath.Dir(path)
	for _, d := range [...]string{dir, tmp} {
		if err := makeDir(d); err != nil {
			return err
		}
	}
	f, err := os.CreateTemp(tmp, ".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err == nil {
		err = syncFile(f)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = name(f.Name(), path)
	}
	if err != nil {
		_ = os.Remove(f.Name())
		return err
	}
	return syncDir(dir)
}

// Sweep removes what a dead process has left unfinished. Nobody else may be at work in
// the vault.
func (v *Vault) Sweep() error {
	dir := filepath.Join(v.dir, tmpDir)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		// Not overwritten: it may be a second name of a file in its place.
		if rerr := os.Remove(filepath.Join(dir, e.Name())); err == nil {
			err = rerr
		}
	}
	return err
}

// makeDir makes a directory and those above it, durably.
func makeDir(dir string) error {
	switch st, err := os.Stat(dir); {
	case err == nil && st.IsDir():
		return nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	above := filepath.Dir(dir)
	if err := makeDir(above); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(above)
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = syncFile(d)
	if cerr := d.Close(); err == nil {
		err = cerr
	}
	return err
}

// destroy overwrites a file, syncs it, and removes it durably. On disks and file
// systems that write elsewhere the old blocks may live on; they are wrapped under
// the key of the vault.
func destroy(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	st, err := f.Stat()
	if err == nil {
		noise := make([]byte, st.Size())
		_, _ = rand.Read(noise)
		_, err = f.WriteAt(noise, 0)
	}
	if err == nil {
		err = syncFile(f)
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if rerr := os.Remove(path); err == nil {
		err = rerr
	}
	if err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}
