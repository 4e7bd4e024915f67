package approval

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
)

// Bounds of what waits.
const (
	// MaxEntries is how many calls are kept, decided ones included. Those that have
	// expired make room for others.
	MaxEntries = 10_000
	// MaxPending is how many calls of one key may wait.
	MaxPending = 100
	// pruneEvery is how often what has expired is dropped, at most.
	pruneEvery = time.Minute
	// keep is how long a call that has expired is still listed.
	keep = 24 * time.Hour
	// lockTimeout is how long to wait for another process to let go of the file.
	lockTimeout = 2 * time.Second
)

// maxEntries is MaxEntries, less in tests.
var maxEntries = MaxEntries

var (
	entries     = []byte("approvals") // id → Entry
	calls       = []byte("calls")     // digest of a question → id
	meta        = []byte("meta")
	versionKey  = []byte("version")
	secretKey   = []byte("secret")
	fileVersion = []byte{1}

	// ErrUnknown is returned for an id that is not there, or has expired.
	ErrUnknown = errors.New("no call waits under this id")
	// ErrDecided is returned for a call that was decided or made before.
	ErrDecided = errors.New("the call is decided already")
)

// Entry is one call. Times are in UTC.
type Entry struct {
	ID        string    `json:"id"`
	State     string    `json:"state"` // pending, granted, denied or used
	Principal string    `json:"principal"`
	Model     string    `json:"model"`
	Rule      string    `json:"rule"`
	Policy    string    `json:"policy"`  // hash of the rules
	Digest    string    `json:"digest"`  // SHA-256 of the call, in hex
	Request   string    `json:"request"` // id of the request that was refused first
	Asked     time.Time `json:"asked"`
	Expires   time.Time `json:"expires"`
	By        string    `json:"by,omitzero"`
	Reason    string    `json:"reason,omitzero"`
	Decided   time.Time `json:"decided,omitzero"`
	Used      time.Time `json:"used,omitzero"`
}

// Store is the file. It implements policy.Approver and is safe for concurrent use.
type Store struct {
	db     *bbolt.DB
	secret []byte

	mu     sync.Mutex // of changes, and of pruned
	pruned time.Time
}

// Open opens the file, which it makes if it is not there. A file that another process
// has open, or that is not of this version, is refused.
func Open(path string) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		if errors.Is(err, bbolterrors.ErrTimeout) {
			return nil, fmt.Errorf("%s is in use by another process", path)
		}
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	s := &Store{db: db}
	if err := s.prepare(); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), db.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return s, nil
}

func (s *Store) prepare() error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, name := range [][]byte{entries, calls, meta} {
			if _, err := tx.CreateBucketIfNotExists(name); err != nil {
				return err
			}
		}
		m := tx.Bucket(meta)
		switch v := m.Get(versionKey); {
		case v == nil:
			if err := m.Put(versionKey, fileVersion); err != nil {
				return err
			}
		case string(v) != string(fileVersion):
			return fmt.Errorf("it is of version %d, want %d", v, fileVersion)
		}
		if s.secret = slices.Clone(m.Get(secretKey)); len(s.secret) == 0 {
			s.secret = make([]byte, 32)
			_, _ = rand.Read(s.secret) // never fails
			return m.Put(secretKey, s.secret)
		}
		return nil
	})
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

var letters = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// token is what goes with an entry: nobody can make it who has not the file.
func (s *Store) token(e *Entry) string {
	mac := hmac.New(sha256.New, s.secret)
	for _, part := range []string{e.ID, e.Principal, e.Rule, e.Policy, e.Digest, e.Expires.Format(time.RFC3339Nano)} {
		fmt.Fprintf(mac, "%d:%s\n", len(part), part)
	}
	return e.ID + "." + letters.EncodeToString(mac.Sum(nil)[:20])
}

// callKey is where a call stands in the bucket calls.
func callKey(q *policy.Question) []byte {
	h := sha256.New()
	for _, part := range []string{q.Principal, q.Rule, q.Policy} {
		fmt.Fprintf(h, "%d:%s\n", len(part), part)
	}
	h.Write(q.Digest[:])
	return h.Sum(nil)
}

// is reports whether an entry is of a question, and good at a time.
func (e *Entry) is(q *policy.Question, now time.Time) bool {
	return e.Principal == q.Principal && e.Rule == q.Rule && e.Policy == q.Policy && e.Digest == hex.EncodeToString(q.Digest[:]) && now.Before(e.Expires)
}

// get reads an entry; false if it is not there.
func get(tx *bbolt.Tx, id string) (e Entry, ok bool) {
	v := tx.Bucket(entries).Get([]byte(id))
	return e, v != nil && json.Unmarshal(v, &e) == nil
}

func put(tx *bbolt.Tx, e *Entry) error {
	v, err := json.Marshal(e)
	if err != nil {
		return err
	}
	return tx.Bucket(entries).Put([]byte(e.ID), v)
}

// Approve implements policy.Approver.
func (s *Store) Approve(q policy.Question, token string, now time.Time) (policy.Approval, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now = now.UTC()
	var e Entry
	found, shown := false, false
	err := s.db.View(func(tx *bbolt.Tx) error {
		if id, _, ok := strings.Cut(token, "."); ok && len(id) <= 64 {
			if t, ok := get(tx, id); ok && t.is(&q, now) && hmac.Equal([]byte(s.token(&t)), []byte(token)) {
				e, found, shown = t, true, true
				return nil
			}
		}
		if id := tx.Bucket(calls).Get(callKey(&q)); id != nil {
			e, found = get(tx, string(id))
			found = found && e.is(&q, now)
		}
		return nil
	})
	if err != nil {
		return policy.Approval{}, err
	}
	switch {
	case !found, e.State == policy.ApprovalUsed && !shown:
		if e, err = s.park(&q, now); err != nil {
			return policy.Approval{}, err
		}
	case e.State == policy.ApprovalGranted && shown:
		id := e.ID
		if err := s.change(id, func(e *Entry) error {
			e.State, e.Used = policy.ApprovalUsed, now
			return nil
		}); err != nil {
			return policy.Approval{}, err
		}
		return policy.Approval{ID: id, State: policy.ApprovalGranted, By: e.By, Expires: e.Expires, GiveBack: func() { s.giveBack(id) }}, nil
	case e.State == policy.ApprovalGranted:
		e.State = policy.ApprovalPending // for this caller: it has not shown its token
	}
	return policy.Approval{ID: e.ID, Token: s.token(&e), State: e.State, By: e.By, Expires: e.Expires}, nil
}

// park notes a call that waits from now on.
func (s *Store) park(q *policy.Question, now time.Time) (Entry, error) {
	if now.Sub(s.pruned) > pruneEvery {
		if err := s.prune(now); err != nil {
			return Entry{}, err
		}
		s.pruned = now
	}
	raw := make([]byte, 10)
	_, _ = rand.Read(raw)
	e := Entry{
		ID: "apr_" + letters.EncodeToString(raw), State: policy.ApprovalPending, Principal: q.Principal, Model: q.Model, Rule: q.Rule, Policy: q.Policy,
		Digest: hex.EncodeToString(q.Digest[:]), Request: q.Request, Asked: now, Expires: q.Expires.UTC(),
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		total, mine := 0, 0
		oldest := Entry{Expires: now}
		if err := tx.Bucket(entries).ForEach(func(_, v []byte) error {
			var o Entry
			if total++; json.Unmarshal(v, &o) != nil {
				return nil
			}
			if o.Principal == q.Principal && o.State == policy.ApprovalPending && now.Before(o.Expires) {
				mine++
			}
			if o.Expires.Before(oldest.Expires) {
				oldest = o
			}
			return nil
		}); err != nil {
			return err
		}
		if mine >= MaxPending {
			return policy.ErrApprovalsFull
		}
		if total >= maxEntries {
			if oldest.ID == "" {
				return policy.ErrApprovalsFull
			}
			if err := errors.Join(tx.Bucket(entries).Delete([]byte(oldest.ID)), forget(tx, &oldest)); err != nil {
				return err
			}
		}
		if err := tx.Bucket(calls).Put(callKey(q), []byte(e.ID)); err != nil {
			return err
		}
		return put(tx, &e)
	})
	return e, err
}

// forget drops what points from a call to its entry.
func forget(tx *bbolt.Tx, e *Entry) error {
	q := policy.Question{Principal: e.Principal, Rule: e.Rule, Policy: e.Policy}
	digest, err := hex.DecodeString(e.Digest)
	if err != nil || copy(q.Digest[:], digest) != len(q.Digest) {
		return nil // none of ours
	}
	if k := callKey(&q); string(tx.Bucket(calls).Get(k)) == e.ID {
		return tx.Bucket(calls).Delete(k)
	}
	return nil
}

// prune drops what has expired long ago, and what points to it.
func (s *Store) prune(now time.Time) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		gone := map[string]bool{}
		if err := tx.Bucket(entries).ForEach(func(k, v []byte) error {
			var e Entry
			if json.Unmarshal(v, &e) != nil || now.After(e.Expires.Add(keep)) {
				gone[string(k)] = true
			}
			return nil
		}); err != nil || len(gone) == 0 {
			return err
		}
		var old [][]byte
		if err := tx.Bucket(calls).ForEach(func(k, v []byte) error {
			if gone[string(v)] {
				old = append(old, slices.Clone(k))
			}
			return nil
		}); err != nil {
			return err
		}
		for _, k := range old {
			if err := tx.Bucket(calls).Delete(k); err != nil {
				return err
			}
		}
		for id := range gone {
			if err := tx.Bucket(entries).Delete([]byte(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

// change changes an entry on the disk.
func (s *Store) change(id string, f func(*Entry) error) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		e, ok := get(tx, id)
		if !ok {
			return ErrUnknown
		}
		if err := f(&e); err != nil {
			return err
		}
		return put(tx, &e)
	})
}

// giveBack lets a call be made once more that was not made after all. If that cannot
// be written, the approval stays used.
func (s *Store) giveBack(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.change(id, func(e *Entry) error {
		e.State, e.Used = policy.ApprovalGranted, time.Time{}
		return nil
	})
}

// Get returns an entry that has not expired.
func (s *Store) Get(id string, now time.Time) (e Entry, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		var ok bool
		if e, ok = get(tx, id); !ok || !now.Before(e.Expires) {
			return ErrUnknown
		}
		return nil
	})
	return e, err
}

// Decidable says why a call cannot be granted, or denied, any more; nil if it can.
func (e *Entry) Decidable(grant bool, now time.Time) error {
	switch {
	case !now.Before(e.Expires):
		return ErrUnknown
	case e.State == policy.ApprovalPending, e.State == policy.ApprovalGranted && !grant:
		return nil
	}
	return fmt.Errorf("%w: it is %s", ErrDecided, e.State)
}

// Decide grants or denies a call that waits. One that was granted and not made yet can
// still be denied. It returns once that is on the disk.
func (s *Store) Decide(id string, grant bool, by, reason string, now time.Time) (out Entry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.change(id, func(e *Entry) error {
		if err := e.Decidable(grant, now); err != nil {
			return err
		}
		if e.State = policy.ApprovalDenied; grant {
			e.State = policy.ApprovalGranted
		}
		e.By, e.Reason, e.Decided = by, reason, now.UTC()
		out = *e
		return nil
	})
	return out, err
}

// List returns the calls in a state, all for "", the latest first. Those that have
// expired are "expired", whatever they were, unless they were made.
func (s *Store) List(state string, now time.Time) (list []Entry, err error) {
	list = []Entry{}
	err = s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(entries).ForEach(func(_, v []byte) error {
			var e Entry
			if json.Unmarshal(v, &e) != nil {
				return nil
			}
			if !now.Before(e.Expires) && e.State != policy.ApprovalUsed {
				e.State = "expired"
			}
			if state == "" || state == e.State {
				list = append(list, e)
			}
			return nil
		})
	})
	slices.SortFunc(list, func(a, b Entry) int { return cmp.Or(b.Asked.Compare(a.Asked), cmp.Compare(a.ID, b.ID)) })
	return list, err
}

var _ policy.Approver = (*Store)(nil)
