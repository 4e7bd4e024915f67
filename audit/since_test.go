package audit

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

// A checkpoint held elsewhere finds the one who holds disk and key: he can sign
// another history, but not one that the checkpoint fits.
func TestHeldCheckpoint(t *testing.T) {
	dir := filled(t, 90)
	clean := snapshot(t, dir)
	all := entries(clean)
	held := all[3]
	for _, c := range all {
		rep, err := Verify(dir, VerifyOptions{Held: [][]byte{c, all[1]}})
		if err != nil || rep.Held != 2 {
			t.Fatalf("%+v, %v", rep, err)
		}
	}
	var segs []string
	for name := range clean {
		if strings.HasPrefix(name, "seg-") {
			segs = append(segs, name)
		}
	}
	slices.Sort(segs)
	key := signingKeyOf(t, clean)
	for name, mutate := range map[string]func(s snap){
		"another record": func(s snap) { forge(t, s, segs, segs[0], key) },
		"a shorter log":  func(s snap) { keepRecords(t, s, segs, 20); forge(t, s, present(s, segs), segs[0], key) },
		"a log of another key": func(s snap) {
			other := newKey(t)
			forge(t, s, segs, segs[0], other)
			s["key.pub"] = []byte(other.VerifierKey)
		},
	} {
		s := clean.clone()
		delete(s, "lock")
		mutate(s)
		dir := s.write(t)
		if _, err := Verify(dir, VerifyOptions{}); err != nil {
			t.Errorf("%s: the forgery is poor: %v", name, err)
		}
		for _, o := range []VerifyOptions{{Held: [][]byte{held}}, {Since: held}} {
			if _, err := Verify(dir, o); !errors.Is(err, ErrTampered) {
				t.Errorf("%s: not detected: %v", name, err)
			}
		}
	}
	if _, err := Verify(dir, VerifyOptions{Held: [][]byte{[]byte("hello")}}); err == nil {
		t.Error("took nonsense for a checkpoint")
	}
}

func present(s snap, segs []string) (out []string) {
	for _, name := range segs {
		if s[name] != nil {
			out = append(out, name)
		}
	}
	return out
}

// Since a checkpoint only what follows is read, and all of that counts.
func TestVerifySince(t *testing.T) {
	dir := filled(t, 120)
	clean := snapshot(t, dir)
	all := entries(clean)
	for i, c := range all {
		rep, err := Verify(dir, VerifyOptions{Since: c})
		if err != nil || rep.Records != 120 || rep.Checkpoints != int64(len(all)-i) {
			t.Fatalf("since %d: %+v, %v", i, rep, err)
		}
	}
	starts, err := segments(osFS{}, dir)
	if err != nil {
		t.Fatal(err)
	}
	since, size := all[len(all)-2], int64(0)
	if c, _, err := checkpointOf(t, dir, since); err == nil {
		size = c
	}
	flip := func(seg int, line int) snap {
		s := clean.clone()
		delete(s, "lock")
		name := segName(starts[seg])
		l := bytes.SplitAfter(s[name], []byte("\n"))
		l[line] = bytes.Replace(l[line], []byte(`:200`), []byte(`:500`), 1)
		s[name] = bytes.Join(l, nil)
		return s
	}
	before, after := flip(0, 0), flip(len(starts)-1, 0)
	if starts[len(starts)-1] < size {
		t.Fatal("the last segment begins before the checkpoint")
	}
	if _, err := Verify(before.write(t), VerifyOptions{Since: since}); err != nil {
		t.Error("what came before was read:", err)
	}
	if _, err := Verify(after.write(t), VerifyOptions{Since: since}); !errors.Is(err, ErrTampered) {
		t.Error("what comes after was not read:", err)
	}
	if _, err := Verify(dir, VerifyOptions{Since: since, Held: all[:1]}); err == nil {
		t.Error("an older checkpoint cannot be checked")
	}
	b, err := os.ReadFile(filepath.Join(dir, "hashes"))
	if err != nil {
		t.Fatal(err)
	}
	b[(tlog.StoredHashIndex(0, size)-1)*tlog.HashSize] ^= 1
	replace(t, filepath.Join(dir, "hashes"), b)
	if _, err := Verify(dir, VerifyOptions{Since: since}); err == nil {
		t.Error("with damaged hashes it continues the checkpoint")
	}
}

func checkpointOf(t *testing.T, dir string, msg []byte) (int64, tlog.Hash, error) {
	t.Helper()
	keys, err := publicKeys(dir)
	if err != nil {
		t.Fatal(err)
	}
	c, _, err := checkpoint.Open(msg, keys)
	return c.Size, c.Root, err
}

// signingKeyOf reads the key of a log, as its thief would.
func signingKeyOf(t *testing.T, s snap) *checkpoint.Key {
	t.Helper()
	k, err := checkpoint.ParseKey(string(s["key"]))
	if err != nil {
		t.Fatal(err)
	}
	return k
}
