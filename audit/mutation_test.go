package audit

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

// Any change of a log is found, by somebody who has nothing but the files.
func TestMutations(t *testing.T) {
	dir := filled(t, 200)
	clean := snapshot(t, dir)
	delete(clean, "lock")
	var segs []string
	for name := range clean {
		if strings.HasPrefix(name, "seg-") {
			segs = append(segs, name)
		}
	}
	slices.Sort(segs)
	if len(segs) < 4 {
		t.Fatalf("%d segments", len(segs))
	}
	work := clean.write(t)
	rnd := rand.New(rand.NewPCG(7, 7))
	seg := func() string { return segs[rnd.IntN(len(segs))] }
	lines := func(b []byte) [][]byte { return bytes.SplitAfter(b[:len(b)-1], []byte("\n")) }
	join := func(l [][]byte) []byte {
		b := bytes.Join(l, nil)
		if len(b) > 0 && b[len(b)-1] != '\n' {
			b = append(b, '\n')
		}
		return b
	}
	mutations := map[string]func(s snap){
		"flip a bit": func(s snap) {
			names := append(slices.Clone(segs), "checkpoint", "checkpoints.log", "hashes")
			b := s[names[rnd.IntN(len(names))]]
			b[rnd.IntN(len(b))] ^= 1 << rnd.IntN(8)
		},
		"delete a record": func(s snap) {
			n := seg()
			l := lines(s[n])
			i := rnd.IntN(len(l))
			s[n] = join(slices.Delete(l, i, i+1))
		},
		"duplicate a record": func(s snap) {
			n := seg()
			l := lines(s[n])
			i := rnd.IntN(len(l))
			s[n] = join(slices.Insert(slices.Clone(l), i, append(bytes.TrimSuffix(bytes.Clone(l[i]), []byte("\n")), '\n')))
		},
		"swap records": func(s snap) {
			n := seg()
			l := lines(s[n])
			i, j := rnd.IntN(len(l)), rnd.IntN(len(l)-1)
			if j >= i {
				j++
			}
			l[len(l)-1] = append(bytes.Clone(l[len(l)-1]), '\n')
			l[i], l[j] = l[j], l[i]
			s[n] = join(l)
		},
		"truncate": func(s snap) {
			names := append(slices.Clone(segs), "checkpoint", "checkpoints.log", "hashes")
			n := names[rnd.IntN(len(names))]
			s[n] = s[n][:rnd.IntN(len(s[n]))]
		},
		"append a record": func(s snap) {
			n := segs[len(segs)-1]
			s[n] = append(s[n], fmt.Sprintf(`{"v":1,"seq":%d,"ts":"2026-11-23T12:00:01Z","node":"test","stage":"denied"}`+"\n", 200)...)
		},
		"append to a segment in the middle": func(s snap) {
			n := segs[rnd.IntN(len(segs)-1)]
			l := lines(s[n])
			s[n] = append(s[n], l[0]...)
		},
		"swap segments": func(s snap) {
			i, j := rnd.IntN(len(segs)), rnd.IntN(len(segs)-1)
			if j >= i {
				j++
			}
			s[segs[i]], s[segs[j]] = s[segs[j]], s[segs[i]]
		},
		"delete a segment": func(s snap) { delete(s, seg()) },
		"foreign segment":  func(s snap) { s[fmt.Sprintf("seg-%020d.jsonl", 1000+rnd.IntN(1000))] = s[segs[0]] },
		"replay an old checkpoint": func(s snap) {
			all := entries(s)
			s["checkpoint"] = all[rnd.IntN(len(all)-1)]
		},
		"roll everything back to an old checkpoint but the history": func(s snap) {
			all := entries(s)
			old := all[1+rnd.IntN(len(all)-2)]
			s["checkpoint"] = old
			size, _ := strconv.Atoi(strings.Split(string(old), "\n")[1])
			keepRecords(t, s, segs, size)
		},
		"delete the checkpoint":  func(s snap) { delete(s, "checkpoint") },
		"delete the history":     func(s snap) { delete(s, "checkpoints.log") },
		"shorten the history":    func(s snap) { b := s["checkpoints.log"]; s["checkpoints.log"] = b[:entryEnd(b[:len(b)-1])] },
		"change a value":         func(s snap) { n := seg(); s[n] = bytes.Replace(s[n], []byte(`"alice"`), []byte(`"mallo"`), 1) },
		"edit and hash it again": func(s snap) { forge(t, s, segs, seg(), nil) },
		"edit, hash and sign with a key of one's own": func(s snap) {
			skey, _, err := note.GenerateKey(bytes.NewReader(bytes.Repeat([]byte{byte(rnd.IntN(256))}, 64)), "caddy-llm-gateway/test")
			if err != nil {
				t.Fatal(err)
			}
			signer, err := note.NewSigner(skey)
			if err != nil {
				t.Fatal(err)
			}
			forge(t, s, segs, seg(), signer)
		},
	}
	n, each := 0, repeat(t, "AUDIT_MUTATIONS", 40*len(mutations))/len(mutations)+1
	for _, name := range slices.Sorted(maps.Keys(mutations)) { // the same every time
		mutate := mutations[name]
		for i := range each {
			s := clean.clone()
			mutate(s)
			same := len(s) == len(clean)
			for k := range clean {
				same = same && bytes.Equal(s[k], clean[k])
			}
			if same {
				continue // two equal things were swapped
			}
			n++
			for k, b := range clean {
				if !bytes.Equal(s[k], b) || s[k] == nil {
					replace(t, filepath.Join(work, k), s[k])
				}
			}
			for k := range s {
				if clean[k] == nil {
					replace(t, filepath.Join(work, k), s[k])
				}
			}
			if rep, err := Verify(work, VerifyOptions{}); err == nil {
				t.Errorf("%s (%d): not detected: %s", name, i, rep)
			}
			for k := range s {
				if clean[k] == nil {
					replace(t, filepath.Join(work, k), nil)
				}
			}
			for k, b := range clean {
				if !bytes.Equal(s[k], b) {
					replace(t, filepath.Join(work, k), b)
				}
			}
		}
	}
	if _, err := Verify(work, VerifyOptions{}); err != nil {
		t.Fatal("the clean log does not verify:", err)
	}
	t.Logf("%d mutations detected", n)
}

// entries are the checkpoints of the history, oldest first.
func entries(s snap) (out [][]byte) {
	for b := s["checkpoints.log"]; len(b) > 0; {
		end := 0
		for range 6 {
			end += bytes.IndexByte(b[end:], '\n') + 1
		}
		out = append(out, bytes.Clone(b[:end-1]))
		b = b[end:]
	}
	return out
}

func replace(t *testing.T, path string, b []byte) {
	t.Helper()
	var err error
	if b == nil {
		if err = os.Remove(path); errors.Is(err, os.ErrNotExist) {
			err = nil
		}
	} else {
		err = os.WriteFile(path, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// keepRecords cuts the segments of a log to its first records.
func keepRecords(t *testing.T, s snap, segs []string, size int) {
	t.Helper()
	for _, name := range segs {
		start, err := strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(name, "seg-"), ".jsonl"))
		if err != nil {
			t.Fatal(err)
		}
		l := bytes.SplitAfter(s[name], []byte("\n"))
		if keep := size - start; keep <= 0 {
			delete(s, name)
		} else if keep < len(l) {
			s[name] = bytes.Join(l[:keep], nil)
		}
	}
}

// forge changes a record and computes all hashes anew, and signs them if it is
// given a key: what somebody can do who holds the disk but not the log's key.
func forge(t *testing.T, s snap, segs []string, victim string, signer note.Signer) {
	t.Helper()
	s[victim] = bytes.Replace(s[victim], []byte(`"status":200`), []byte(`"status":500`), 1)
	var tr tree
	var hashes []tlog.Hash
	for _, name := range segs {
		for line := range bytes.Lines(s[name]) {
			hashes = tr.add(tlog.RecordHash(bytes.TrimSuffix(line, []byte("\n"))), hashes)
		}
	}
	b := make([]byte, 0, len(hashes)*tlog.HashSize)
	for _, h := range hashes {
		b = append(b, h[:]...)
	}
	s["hashes"] = b
	if signer != nil {
		msg, err := checkpoint.Checkpoint{Origin: signer.Name(), Size: tr.n, Root: tr.root()}.Sign(signer)
		if err != nil {
			t.Fatal(err)
		}
		s["checkpoint"] = msg
		s["checkpoints.log"] = append(msg, '\n')
	}
}
