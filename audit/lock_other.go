//go:build !unix

package audit

import (
	"errors"
	"fmt"
	"os"
)

// lockDir takes the lock of a log by creating the file; a process that dies
// leaves it behind, and the operator removes it.
func lockDir(name string) (*os.File, error) {
	_ = os.Remove(name) // fails on systems that protect open files
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, ErrLocked
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w", name, err)
	}
	return f, nil
}
