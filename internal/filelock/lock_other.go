//go:build !unix

package filelock

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// Lock takes a lock by creating the file. Where open files
// cannot be removed, as on Windows, one that a dead process left behind is
// removed first.
func Lock(name string) (io.Closer, error) {
	_ = os.Remove(name)
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, ErrHeld
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	return f, nil
}

// Held reports whether somebody has the lock: such a file cannot be renamed.
func Held(name string) bool {
	if _, err := os.Stat(name); err != nil {
		return false
	}
	return os.Rename(name, name+".probe") != nil || os.Rename(name+".probe", name) != nil
}
