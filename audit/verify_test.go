package audit

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func TestVerify(t *testing.T) {
	dir := filled(t, 120)
	var seen int64
	rep, err := Verify(dir, VerifyOptions{Progress: func(n, _ int64) { seen = n }})
	if err != nil {
		t.Fatal(err)
	}
	if rep.Records != 120 || rep.Signed != 120 || rep.Segments < 3 || rep.Checkpoints < 7 || rep.Live || rep.Origin != "caddy-llm-gateway/test" {
		t.Errorf("%+v", rep)
	}
	if seen != 0 && seen > 120 {
		t.Error("progress", seen)
	}
	wantText(t, errors.New(rep.String()), "120 records")
	// Reopening and going on keeps it whole, also over a lost file of hashes.
	for range 3 {
		l := openLog(t, Options{Dir: dir, Settings: Settings{SegmentBytes: 16 << 10}})
		mustPut(t, l, "more")
		closeLog(t, l)
		verified(t, dir)
		if err := os.Remove(filepath.Join(dir, "hashes")); err != nil {
			t.Fatal(err)
		}
		if _, err := Verify(dir, VerifyOptions{}); !errors.Is(err, ErrHashes) {
			t.Error("missing hashes:", err)
		}
		if _, err := Prove(dir, 1); err == nil {
			t.Error("proved without hashes")
		}
		closeLog(t, openLog(t, Options{Dir: dir}))
		verified(t, dir)
	}
}

// A log that was altered behind the gateway's back does not start, unless the
// operator insists, and then it is on record.
func TestDisagreement(t *testing.T) {
	clean := snapshot(t, filled(t, 60))
	delete(clean, "lock")
	var segs []string
	for name := range clean {
		if strings.HasPrefix(name, "seg-") {
			segs = append(segs, name)
		}
	}
	slices.Sort(segs)
	last := segs[len(segs)-1]
	for name, c := range map[string]struct {
		mutate   func(s snap)
		override bool // it can be overridden
	}{
		"changed record":           {func(s snap) { s[last] = bytes.Replace(s[last], []byte(`:200`), []byte(`:500`), 1) }, true},
		"changed and hashed again": {func(s snap) { forge(t, s, segs, segs[0], nil) }, true},
		"removed records": {func(s snap) {
			l := bytes.SplitAfter(s[last], []byte("\n"))
			s[last] = bytes.Join(l[:len(l)-2], nil)
		}, true},
		"checkpoint missing":          {func(s snap) { delete(s, "checkpoint"); delete(s, "checkpoints.log") }, true},
		"old checkpoint and old data": {func(s snap) { rollBack(t, s, segs) }, true},
		"garbage checkpoint":          {func(s snap) { s["checkpoint"] = []byte("hello\n") }, true},
		"a lot of garbage at the end": {func(s snap) { s[last] = append(s[last], bytes.Repeat([]byte("x"), maxTorn+1)...) }, true},
		"segment missing":             {func(s snap) { delete(s, segs[1]) }, false},
		"first segment missing":       {func(s snap) { delete(s, segs[0]) }, false},
		"segment cut":                 {func(s snap) { s[segs[0]] = s[segs[0]][:len(s[segs[0]])-10] }, false},
		"key missing":                 {func(s snap) { delete(s, "key") }, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := clean.clone()
			c.mutate(s)
			dir := s.write(t)
			before := snapshot(t, dir)
			_, err := Open(Options{Dir: dir, Node: "test"})
			if !errors.Is(err, ErrDisagree) {
				t.Fatalf("it starts: %v", err)
			}
			for _, f := range append(segs, "checkpoint", "key", "key.pub") {
				if b, _ := os.ReadFile(filepath.Join(dir, f)); !bytes.Equal(b, before[f]) {
					t.Errorf("refusing, it changed %s", f)
				}
			}
			l, err := Open(Options{Dir: dir, Node: "test", AllowDisagreement: true})
			if !c.override {
				if !errors.Is(err, ErrDisagree) {
					t.Fatalf("with a hole in it, it starts: %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			mustPut(t, l, "after")
			closeLog(t, l)
			if ev := events(t, dir); len(ev) == 0 || !strings.HasPrefix(ev[0], "disagreement_overridden: ") {
				t.Errorf("events %q", ev)
			}
			closeLog(t, openLog(t, Options{Dir: dir})) // and from then on it starts
		})
	}
}

func rollBack(t *testing.T, s snap, segs []string) {
	t.Helper()
	s["checkpoint"] = entries(s)[2]
	size, err := strconv.Atoi(strings.Split(string(s["checkpoint"]), "\n")[1])
	if err != nil {
		t.Fatal(err)
	}
	keepRecords(t, s, segs, size)
}

func TestForeignFile(t *testing.T) {
	s := snapshot(t, filled(t, 3))
	s["seg-7.jsonl"] = []byte("x")
	_, err := Open(Options{Dir: s.write(t), Node: "test"})
	wantText(t, err, "seg-7.jsonl")
}

func TestKeyThatOthersCanRead(t *testing.T) {
	dir := filled(t, 3)
	for _, mode := range []os.FileMode{0o640, 0o604, 0o666} {
		if err := os.Chmod(filepath.Join(dir, "key"), mode); err != nil {
			t.Fatal(err)
		}
		_, err := Open(Options{Dir: dir, Node: "test"})
		wantText(t, err, "can be read by others", "0600")
	}
	for _, f := range []string{"checkpoint", segName(0), "hashes"} {
		if st, err := os.Stat(filepath.Join(dir, f)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", f, st.Mode(), err)
		}
	}
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("directory: %v, %v", st.Mode(), err)
	}
}

// A host name that changes, as that of a container does, is not another log.
func TestOtherNode(t *testing.T) {
	dir := filled(t, 3)
	l := openLog(t, Options{Dir: dir, Node: "other host+1"})
	mustPut(t, l, "x")
	closeLog(t, l)
	if rep := verified(t, dir); rep.Origin != "caddy-llm-gateway/test" || rep.Records != 4 {
		t.Errorf("%+v", rep)
	}
}

// Receipts are checked here with nothing but golang.org/x/mod/sumdb, following
// the text of c2sp.org/tlog-proof.
func TestReceipts(t *testing.T) {
	dir := filled(t, 77)
	vkey, err := os.ReadFile(filepath.Join(dir, "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(strings.TrimSpace(string(vkey)))
	if err != nil {
		t.Fatal(err)
	}
	recs := records(t, dir)
	for _, r := range recs {
		receipt, err := Prove(dir, r.Index)
		if err != nil {
			t.Fatal(err)
		}
		head, msg, _ := strings.Cut(string(receipt), "\n\n")
		lines := strings.Split(head, "\n")
		if lines[0] != "c2sp.org/tlog-proof@v1" || lines[1] != fmt.Sprintf("index %d", r.Index) {
			t.Fatalf("receipt %q", receipt)
		}
		var proof tlog.RecordProof
		for _, s := range lines[2:] {
			b, err := base64.StdEncoding.DecodeString(s)
			if err != nil || len(b) != tlog.HashSize {
				t.Fatalf("receipt %q", receipt)
			}
			proof = append(proof, tlog.Hash(b))
		}
		n, err := note.Open([]byte(msg), note.VerifierList(verifier))
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Split(n.Text, "\n")
		size, err := strconv.ParseInt(text[1], 10, 64)
		if err != nil || text[0] != verifier.Name() || size != 77 {
			t.Fatalf("checkpoint %q", n.Text)
		}
		root, err := tlog.ParseHash(text[2])
		if err != nil {
			t.Fatal(err)
		}
		if err := tlog.CheckRecord(proof, size, root, r.Index, tlog.RecordHash(r.Raw)); err != nil {
			t.Fatal(err)
		}
		if _, err := VerifyReceipt(receipt, r.Raw, string(vkey)); err != nil {
			t.Fatal(err)
		}
		other := recs[(r.Index+1)%77].Raw
		if _, err := VerifyReceipt(receipt, other, string(vkey)); !errors.Is(err, ErrReceipt) {
			t.Errorf("receipt of %d holds for another record: %v", r.Index, err)
		}
		// Every byte of a receipt matters, but those of the blank it may end in.
		bad := bytes.Clone(receipt)
		at := int(r.Index) * len(bad) / 77
		bad[at] ^= 1
		if _, err := VerifyReceipt(bad, r.Raw, string(vkey)); err == nil {
			t.Errorf("receipt of %d holds with byte %d changed", r.Index, at)
		}
	}
	if _, err := Prove(dir, 77); !errors.Is(err, ErrUncovered) {
		t.Error(err)
	}
	if _, err := Prove(dir, -1); err == nil {
		t.Error("proved a record with a negative index")
	}
}

// A live log proves what it has just acknowledged.
func TestProveLive(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir})
	defer closeLog(t, l)
	i := mustPut(t, l, "now")
	if err := l.Checkpoint(); err != nil {
		t.Fatal(err)
	}
	receipt, err := l.Prove(i)
	if err != nil {
		t.Fatal(err)
	}
	found, err := Find(dir, "now")
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	if _, err := VerifyReceipt(receipt, found[0].Raw, l.VerifierKey()); err != nil {
		t.Fatal(err)
	}
}

func TestDamagedHashesProveNothing(t *testing.T) {
	dir := filled(t, 50)
	path := filepath.Join(dir, "hashes")
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b[tlog.StoredHashIndex(0, 8)*tlog.HashSize] ^= 1
	replace(t, path, b)
	if _, err := Prove(dir, 9); err == nil {
		t.Error("a false proof")
	}
	if _, err := Verify(dir, VerifyOptions{}); !errors.Is(err, ErrHashes) {
		t.Error(err)
	}
}

func TestFindAndScan(t *testing.T) {
	dir := filled(t, 100)
	l := openLog(t, Options{Dir: dir, Settings: Settings{SegmentBytes: 16 << 10}})
	mustPut(t, l, "id-42") // a second record of the same request, much later
	found, err := Find(dir, "id-99")
	if err != nil || len(found) != 1 || found[0].Index != 99 || found[0].Request != "id-99" {
		t.Fatal(found, err)
	}
	for _, id := range []string{"id-1000", "", `"`, "id-4", `id-42","x":"`} {
		found, err := Find(dir, id)
		if err != nil || (len(found) != 0) != (id == "id-4") {
			t.Errorf("%q: %v, %v", id, found, err)
		}
	}
	closeLog(t, l)
	var got []int64
	if err := Scan(dir, 57, func(i int64, _ []byte) bool { got = append(got, i); return i < 70 }); err != nil {
		t.Fatal(err)
	}
	if got[0] != 57 || got[len(got)-1] != 70 || len(got) != 14 {
		t.Error(got)
	}
}

func FuzzVerifyReceipt(f *testing.F) {
	dir := filled(f, 20)
	l, err := Open(Options{Dir: dir, Node: "test"})
	if err != nil {
		f.Fatal(err)
	}
	vkey := l.VerifierKey()
	if err := l.Close(); err != nil {
		f.Fatal(err)
	}
	good, err := Prove(dir, 3)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good, []byte("x"))
	f.Add([]byte("c2sp.org/tlog-proof@v1\nextra AAAA\nindex 1\n\n"), []byte{})
	f.Fuzz(func(t *testing.T, receipt, record []byte) {
		if _, err := VerifyReceipt(receipt, record, vkey); err == nil {
			// Only a record of the log can have a receipt.
			if _, err := Decode(record); err != nil {
				t.Fatalf("a receipt for %q", record)
			}
		}
	})
}
