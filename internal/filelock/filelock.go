// Package filelock holds locks between processes: one file each, which stays behind
// when the lock ends. A lock ends with the process at the latest.
package filelock

import "errors"

// ErrHeld says that somebody has the lock.
var ErrHeld = errors.New("the lock is held")
