package approval

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func open(t *testing.T, path string) *Store {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func question() policy.Question {
	return policy.Question{Principal: "web", Rule: "wire", Policy: "p1", Digest: [32]byte{1}, Model: "gpt-4o", Request: "r1", Expires: noon.Add(time.Hour)}
}

// ask fails the test unless the call is in that state, and returns the approval.
func ask(t *testing.T, s *Store, q policy.Question, token string, at time.Time, want string) policy.Approval {
	t.Helper()
	a, err := s.Approve(q, token, at)
	if err != nil || a.State != want {
		t.Fatalf("got %+v, %v; want %s", a, err, want)
	}
	return a
}

func TestOnceOverRestart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, path)
	q := question()
	first := ask(t, s, q, "", noon, policy.ApprovalPending)
	if again := ask(t, s, q, "", noon.Add(time.Minute), policy.ApprovalPending); again.ID != first.ID || again.Token != first.Token {
		t.Error("the same call waits twice")
	}
	ask(t, s, q, first.Token, noon, policy.ApprovalPending)
	if _, err := s.Decide(first.ID, true, "eve", "fine", noon); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Decide(first.ID, true, "eve", "fine", noon); !errors.Is(err, ErrDecided) {
		t.Error(err)
	}
	_ = s.Close()
	s = open(t, path)
	ask(t, s, q, "", noon, policy.ApprovalPending) // without the token
	a := ask(t, s, q, first.Token, noon, policy.ApprovalGranted)
	if a.By != "eve" || a.ID != first.ID {
		t.Errorf("%+v", a)
	}
	ask(t, s, q, first.Token, noon, policy.ApprovalUsed)
	a.GiveBack()
	ask(t, s, q, first.Token, noon, policy.ApprovalGranted)
	_ = s.Close()
	s = open(t, path)
	ask(t, s, q, first.Token, noon, policy.ApprovalUsed)
	if next := ask(t, s, q, "", noon, policy.ApprovalPending); next.ID == first.ID {
		t.Error("a used approval was asked for again")
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
}

// A token is good for its own call only, and not for ever.
func TestTokenIsBound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.db")
	s := open(t, path)
	first := ask(t, s, question(), "", noon, policy.ApprovalPending)
	if _, err := s.Decide(first.ID, true, "eve", "", noon); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*policy.Question){
		"key":    func(q *policy.Question) { q.Principal = "batch" },
		"rule":   func(q *policy.Question) { q.Rule = "other" },
		"policy": func(q *policy.Question) { q.Policy = "p2" },
		"body":   func(q *policy.Question) { q.Digest = [32]byte{2} },
	} {
		q := question()
		change(&q)
		if a := ask(t, s, q, first.Token, noon, policy.ApprovalPending); a.ID == first.ID {
			t.Errorf("another %s may use it", name)
		}
	}
	later := question()
	later.Expires = noon.Add(3 * time.Hour)
	if a := ask(t, s, later, first.Token, noon.Add(time.Hour), policy.ApprovalPending); a.ID == first.ID {
		t.Error("it is good after its end")
	}
	for _, forged := range []string{first.ID, first.ID + ".", first.ID + "." + "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "." + first.Token, first.Token + "a"} {
		ask(t, s, question(), forged, noon, policy.ApprovalPending)
	}
	ask(t, s, question(), first.Token, noon, policy.ApprovalGranted)
	if b, _ := os.ReadFile(path); bytes.Contains(b, []byte(first.Token)) {
		t.Error("the token is in the file")
	}
}

func TestDenied(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"))
	a := ask(t, s, question(), "", noon, policy.ApprovalPending)
	if _, err := s.Decide(a.ID, true, "eve", "", noon); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Decide(a.ID, false, "eve", "second thoughts", noon); err != nil {
		t.Error(err)
	}
	if a := ask(t, s, question(), a.Token, noon, policy.ApprovalDenied); a.By != "eve" {
		t.Errorf("%+v", a)
	}
	if _, err := s.Decide("apr_x", true, "", "", noon); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if _, err := s.Decide(a.ID, true, "", "", noon.Add(2*time.Hour)); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
}

func TestBounds(t *testing.T) {
	s := open(t, filepath.Join(t.TempDir(), "a.db"))
	s.db.NoSync = true
	q := question()
	for i := range MaxPending {
		q.Digest[1] = byte(i + 1)
		ask(t, s, q, "", noon, policy.ApprovalPending)
	}
	q.Digest[2] = 1
	if _, err := s.Approve(q, "", noon); !errors.Is(err, policy.ErrApprovalsFull) {
		t.Errorf("one more than may wait: %v", err)
	}
	other := q
	other.Principal = "batch"
	ask(t, s, other, "", noon, policy.ApprovalPending)
	// What has expired makes room, and is listed as that for a while.
	q.Expires = noon.Add(5 * time.Hour)
	ask(t, s, q, "", noon.Add(2*time.Hour), policy.ApprovalPending)
	if list, err := s.List("expired", noon.Add(2*time.Hour)); err != nil || len(list) != MaxPending+1 {
		t.Errorf("%d, %v", len(list), err)
	}
	q.Digest[2], q.Expires = 2, noon.Add(72*time.Hour)
	ask(t, s, q, "", noon.Add(48*time.Hour), policy.ApprovalPending)
	if list, err := s.List("", noon.Add(48*time.Hour)); err != nil || len(list) != 1 {
		t.Errorf("%d, %v", len(list), err)
	}
}
