package audit

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A follower sees every record once, in order, over segments, however the reads fall
// between the writes.
func TestFollow(t *testing.T) {
	dir := logDir(t)
	l := openLog(t, Options{Dir: dir, Settings: Settings{SegmentBytes: 8 << 10}})
	f := Follow(dir, 0)
	defer f.Close()
	var got []int64
	read := func(stop int) {
		n := 0
		if err := f.Read(func(i int64, line []byte) bool {
			if r, err := Decode(line); err != nil || r.Seq != i {
				t.Fatalf("%d: %v %s", i, err, line)
			}
			got = append(got, i)
			n++
			return stop == 0 || n < stop
		}); err != nil {
			t.Fatal(err)
		}
	}
	read(0)
	for i := range 60 {
		mustPut(t, l, fmt.Sprint(i))
		switch i % 7 {
		case 3:
			read(0)
		case 5:
			read(1)
		}
	}
	read(0)
	// Half a record is not one; it may be taken back.
	starts, _ := segments(osFS{}, dir)
	closeLog(t, l)
	path := filepath.Join(dir, segName(starts[len(starts)-1]))
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(slices.Clone(whole), `{"v":1,"se`...), 0o600); err != nil {
		t.Fatal(err)
	}
	read(0)
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}
	read(0)
	if len(got) != 60 || got[59] != 59 {
		t.Errorf("%d records: %v", len(got), got)
	}
	late := Follow(dir, 41)
	defer late.Close()
	first := int64(-1)
	if err := late.Read(func(i int64, _ []byte) bool { first = i; return false }); err != nil || first != 41 {
		t.Error(first, err)
	}
	if n, err := NearEnd(dir, 10); err != nil || n > 50 || n == 0 {
		t.Error(n, err)
	}
	if n, err := FirstSince(dir, time.Now().Add(24*365*10*time.Hour)); err != nil || n != starts[len(starts)-1] {
		t.Error(n, err)
	}
	if n, err := FirstSince(dir, time.Unix(0, 0)); err != nil || n != 0 {
		t.Error(n, err)
	}
	if _, err := ExtentOf(t.TempDir(), 0); err == nil {
		t.Error("an empty directory is a log")
	}
}

// Several logs become one, in the order of time; what is in two copies comes once.
func TestMerge(t *testing.T) {
	base := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	dirs := make([]string, 2)
	for n, offsets := range [][]int{{0, 20, 10, 50, 60}, {5, 15, 25, 55}} {
		dirs[n] = logDir(t)
		l := openLog(t, Options{Dir: dirs[n], Node: fmt.Sprint("node", n)})
		for _, o := range offsets {
			x := exchange(fmt.Sprint(o))
			x.End = base.Add(time.Duration(o) * time.Second)
			if _, err := l.append(encodeEnded(fmt.Sprint("node", n), "c", StageCompleted, x, nil, nil), true, nil).Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		closeLog(t, l)
	}
	var got []string
	if err := Merge([]string{dirs[0], dirs[1], dirs[0]}, func(log int, _ []byte, r *Record) bool {
		got = append(got, r.Request)
		if want := fmt.Sprint("node", log%2); r.Node != want {
			t.Errorf("a record of %s as one of %s", r.Node, want)
		}
		return true
	}); err != nil {
		t.Fatal(err)
	}
	// 10 was written after 20 by a clock that had gone back: it stays there.
	if want := []string{"0", "5", "15", "20", "10", "25", "50", "55", "60"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	if err := Merge([]string{dirs[0], t.TempDir()}, func(int, []byte, *Record) bool { return true }); err == nil {
		t.Error("a directory without a log is merged")
	}
}

func TestFilter(t *testing.T) {
	v := testVault(t)
	x := exchange("id")
	x.Denied = llm.Deny(422, "policy_blocked", llm.StagePolicy, "").Because(nil)
	x.Denied.Rule = "hard-stop"
	x.Scans = []llm.Scan{{Detector: "redact", Rule: "masks", Found: 1}, {Detector: "redact", Rule: "quiet"}}
	r := decode(t, encodeEnded("n", "c", StageCompleted, x, subject(t, v, "user:alice@example.com"), nil))
	if err := r.Reveal(v); err != nil {
		t.Fatal(err)
	}
	at := x.End
	for _, c := range []struct {
		f    Filter
		want bool
	}{
		{Filter{}, true},
		{Filter{Since: at, Until: at.Add(1)}, true}, {Filter{Since: at.Add(1)}, false}, {Filter{Until: at}, false},
		{Filter{Principal: "alice"}, true}, {Filter{Principal: "alice@*"}, true}, {Filter{Principal: "res?arch"}, true}, {Filter{Principal: "bob"}, false},
		{Filter{Principal: "key:alice"}, true}, {Filter{Principal: "user:alice"}, false}, {Filter{Principal: "user:*example.com"}, true}, {Filter{Principal: "team:acme"}, false}, {Filter{Principal: "org:acme"}, true},
		{Filter{ClientIP: "192.0.2.*"}, true}, {Filter{ClientIP: "10.*"}, false},
		{Filter{Model: "gpt-4o"}, true}, {Filter{Model: "gpt-4o-2024*"}, true}, {Filter{Model: "claude*"}, false},
		{Filter{Outcomes: []string{"denied", "ok"}}, true}, {Filter{Outcomes: []string{"denied"}}, false},
		{Filter{Stages: []string{StageCompleted}}, true}, {Filter{Stages: []string{StageAdmin}}, false}, {Filter{Requests: []string{"id"}}, true}, {Filter{Requests: []string{"other"}}, false},
		{Filter{Rule: "no-secrets"}, true}, {Filter{Rule: "hard-*"}, true}, {Filter{Rule: "masks"}, true}, {Filter{Rule: "quiet"}, false}, {Filter{Rule: "x"}, false},
	} {
		if got := c.f.Match(r); got != c.want {
			t.Errorf("%+v: %v", c.f, got)
		}
	}
	hidden := decode(t, encodeEnded("n", "c", StageCompleted, x, subject(t, v, "user:alice@example.com"), nil))
	if (&Filter{Principal: "user:*"}).Match(hidden) || (&Filter{ClientIP: "*"}).Match(hidden) {
		t.Error("what is not revealed is matched")
	}
}
