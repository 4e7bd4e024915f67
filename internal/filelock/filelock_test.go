package filelock

import (
	"errors"
	"path/filepath"
	"testing"
)

func TestLock(t *testing.T) {
	name := filepath.Join(t.TempDir(), "lock")
	if Held(name) {
		t.Error("held before it is there")
	}
	for range 2 {
		l, err := Lock(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Lock(name); !errors.Is(err, ErrHeld) {
			t.Error("taken twice:", err)
		}
		if !Held(name) {
			t.Error("not held")
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if Held(name) {
			t.Error("still held")
		}
	}
	if _, err := Lock(filepath.Join(name, "below")); err == nil || errors.Is(err, ErrHeld) {
		t.Error(err)
	}
}
