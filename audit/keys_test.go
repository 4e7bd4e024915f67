package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

func readKey(t *testing.T, dir, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// newKey makes a key for the log of the tests.
func newKey(t *testing.T) *checkpoint.Key {
	t.Helper()
	k, err := checkpoint.NewKey("caddy-llm-gateway/test")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Through a rotation the log verifies under the first key, which handed over,
// under the last, and under none that somebody made up.
func TestRotateKey(t *testing.T) {
	dir := logDir(t)
	now := time.Now()
	l := openLog(t, Options{Dir: dir})
	first := l.VerifierKey()
	mustPut(t, l, "under the first key")
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.RotateKey(now, time.Second); err == nil {
		t.Error("an overlap in which the old key cannot sign the record of the new one")
	}
	second, err := l.RotateKey(now, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	both, err := note.Open([]byte(readKey(t, dir, "checkpoint")+"\n"), mustKeys(t, first+"\n"+second))
	if err != nil || len(both.Sigs) != 2 || len(both.UnverifiedSigs) != 0 {
		t.Fatalf("the overlap is not signed by both: %v, %v", both, err)
	}
	mustPut(t, l, "under both keys")
	closeLog(t, l)
	if st, err := os.Stat(filepath.Join(dir, "key")); err != nil || st.Mode().Perm() != 0o600 {
		t.Error(st, err)
	}

	// Nothing is forgotten over a restart, and the overlap ends.
	l = openLog(t, Options{Dir: dir})
	if l.VerifierKey() != second || l.VerifierKeys() != second+"\n"+first {
		t.Errorf("keys %q", l.VerifierKeys())
	}
	l.checkKeys(now.Add(30 * time.Minute))
	if len(l.keys.signing) != 2 {
		t.Error("the old key was forgotten early")
	}
	l.checkKeys(now.Add(2 * time.Hour))
	mustPut(t, l, "under the second key")
	closeLog(t, l)
	if text := readKey(t, dir, "key"); strings.Contains(text, "\n") || strings.Contains(text, untilMark) {
		t.Error("the old key is still in the file")
	}
	if ev := strings.Join(events(t, dir), "\n"); ev != "key_added: "+second+"\nkey_retired: "+first {
		t.Errorf("events %s", ev)
	}
	alone, err := note.Open([]byte(readKey(t, dir, "checkpoint")+"\n"), mustKeys(t, first+"\n"+second))
	if err != nil || len(alone.Sigs) != 1 {
		t.Fatal(alone, err)
	}
	for name, key := range map[string]string{"the first key": first, "the second key": second, "both": first + "\n" + second, "none": ""} {
		rep, err := Verify(dir, VerifyOptions{VerifierKeys: key})
		if err != nil || rep.VerifierKey != second || rep.OwnKey != (key == "") {
			t.Errorf("under %s: %+v, %v", name, rep, err)
		}
	}
	if _, err := Verify(dir, VerifyOptions{VerifierKeys: newKey(t).VerifierKey}); !errors.Is(err, ErrTampered) {
		t.Error("under a stranger's key:", err)
	}
	for i, rec := range records(t, dir) {
		receipt, err := Prove(dir, int64(i))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyReceipt(receipt, rec.Raw, first+"\n"+second); err != nil {
			t.Error(err)
		}
	}
}

func mustKeys(t *testing.T, text string) checkpoint.Keys {
	t.Helper()
	k, err := checkpoint.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// Keys that are given stand in for the file; a new one must come beside the last.
func TestGivenKeys(t *testing.T) {
	dir := logDir(t)
	a, b, c := newKey(t), newKey(t), newKey(t)
	reopen := func(keys ...string) error {
		l, err := Open(Options{Dir: dir, Node: "x", Keys: keys})
		if err != nil {
			return err
		}
		mustPut(t, l, "record")
		if _, err := l.RotateKey(time.Now(), time.Hour); !errors.Is(err, ErrGivenKeys) {
			t.Error(err)
		}
		closeLog(t, l)
		return nil
	}
	if err := reopen(a.Text); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, "key")); !errors.Is(err, os.ErrNotExist) {
		t.Error("a given key was written down:", err)
	}
	if err := reopen(b.Text); !errors.Is(err, ErrDisagree) {
		t.Errorf("another key, not beside the last: %v", err)
	}
	other, err := checkpoint.NewKey("another/log")
	if err != nil {
		t.Fatal(err)
	}
	for _, keys := range [][]string{{other.Text}, {other.Text, a.Text}, {"PRIVATE+KEY+x"}, {""}} {
		err := reopen(keys...)
		if err == nil {
			t.Errorf("took the keys %q", keys)
		} else if strings.Contains(err.Error(), "PRIVATE") {
			t.Errorf("%v shows a key", err)
		}
	}
	for _, keys := range [][]string{{b.Text, a.Text}, {b.Text}, {c.Text, b.Text}} {
		if err := reopen(keys...); err != nil {
			t.Fatal(err)
		}
	}
	for _, k := range []*checkpoint.Key{a, b, c} {
		if rep, err := Verify(dir, VerifyOptions{VerifierKeys: k.VerifierKey}); err != nil || rep.VerifierKey != c.VerifierKey {
			t.Errorf("%+v, %v", rep, err)
		}
	}
}

// A key that the log did not hand over to does not count, though it stands in
// key.pub and has signed the newest checkpoint.
func TestKeyWithoutHandOver(t *testing.T) {
	s := snapshot(t, filled(t, 40))
	own := strings.TrimSpace(string(s["key.pub"]))
	thief := newKey(t)
	c, _, err := checkpoint.Open(s["checkpoint"], mustKeys(t, own))
	if err != nil {
		t.Fatal(err)
	}
	msg, err := c.Sign(thief)
	if err != nil {
		t.Fatal(err)
	}
	last := s["checkpoints.log"]
	s["checkpoints.log"] = append(bytes.Clone(last[:entryEnd(last[:len(last)-1])]), append(bytes.Clone(msg), '\n')...)
	s["checkpoint"] = msg
	s["key.pub"] = append(s["key.pub"], thief.VerifierKey+"\n"...)
	dir := s.write(t)
	if _, err := Verify(dir, VerifyOptions{VerifierKeys: own}); !errors.Is(err, ErrTampered) {
		t.Error(err)
	}
}

// Who stops between two steps of a rotation finds it completed at the next start.
func TestCrashInRotation(t *testing.T) {
	dir := filled(t, 3)
	old := readKey(t, dir, "key.pub")
	k := newKey(t)
	text := k.Text + "\n" + readKey(t, dir, "key") + untilMark + time.Now().Add(time.Hour).UTC().Format(time.RFC3339) + "\n"
	if err := os.WriteFile(filepath.Join(dir, "key"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	closeLog(t, openLog(t, Options{Dir: dir}))
	if got := readKey(t, dir, "key.pub"); got != k.VerifierKey+"\n"+old {
		t.Errorf("key.pub %q", got)
	}
	if ev := events(t, dir); len(ev) != 1 || ev[0] != "key_added: "+k.VerifierKey {
		t.Errorf("events %q", ev)
	}
	if _, err := Verify(dir, VerifyOptions{VerifierKeys: old}); err != nil {
		t.Error(err)
	}
}

func TestReadKeyFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "k")
	if err := os.WriteFile(path, []byte(" text\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadKeyFile(path); s != "text" || err != nil {
		t.Error(s, err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := ReadKeyFile(path)
	wantText(t, err, "can be read by others")
}
