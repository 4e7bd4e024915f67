//go:build unix

package audit

import (
	"path/filepath"
	"syscall"
	"testing"
)

// A pipe in place of a file holds up nothing, least of all the end of the log.
func TestPublishToHostileFile(t *testing.T) {
	dir := logDir(t)
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	l := openLog(t, Options{Dir: dir, Settings: Settings{PublishTo: []string{pipe}}})
	mustPut(t, l, "call")
	published(t, l)
	if p := l.Published(); len(p) != 1 || p[0].Error == "" || p[0].Size != 0 {
		t.Errorf("%+v", p)
	}
	closeLog(t, l)
}
