package objects

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"go.etcd.io/bbolt"
	bbolterrors "go.etcd.io/bbolt/errors"
)

// Owner is who made an object, and where it is.
type Owner struct {
	// Principal is the name of the key whose call made it.
	Principal string
	// Provider is the name of the provider that keeps it, Credential tells its
	// credentials apart as llm.Deployment does.
	Provider, Credential string
}

// Stored says how long an object is remembered.
type Stored bool

// The ways of remembering.
const (
	// ShortLived is for responses and their items, which providers drop after
	// 30 days.
	ShortLived Stored = false
	// UntilDeleted is for everything else.
	UntilDeleted Stored = true
)

const (
	// shortLife is how long short-lived objects are remembered.
	shortLife = 31 * 24 * time.Hour
	// gap is how long what is remembered may wait for the disk.
	gap = 250 * time.Millisecond
	// maxPending bounds what waits for the disk.
	maxPending = 100_000
	// pruneEvery is how often what is too old is dropped.
	pruneEvery = 6 * time.Hour
	// lockTimeout is how long to wait for another process to let go of the file.
	lockTimeout = 2 * time.Second
)

var (
	bucket      = []byte("objects")
	metaBucket  = []byte("meta")
	versionKey  = []byte("version")
	fileVersion = []byte{1}

	// ErrClosed is returned after Close.
	ErrClosed = errors.New("the store of objects is closed")
	// ErrFull is returned while more waits for the disk than it can take.
	ErrFull = errors.New("the store of objects cannot keep up with the disk")
)

// key is the hash of an id: the file must not hold ids, which are capabilities.
type key [sha256.Size]byte

// Store is the map from objects to owners. It is safe for concurrent use.
type Store struct {
	db   *bbolt.DB
	wake chan struct{}
	stop chan struct{}
	done chan struct{}

	writing sync.Mutex // held while a batch goes to the disk

	mu      sync.Mutex
	pending map[key]change
	batch   *batch
	err     error
	closed  bool
}

// change is an entry that waits for the disk; a nil value removes it.
type change struct{ value []byte }

// batch is what goes to the disk together.
type batch struct {
	done chan struct{}
	err  error
}

// Open opens the store in a file, which it makes if it is not there. A file that
// another process has open, or that is not of this version, is refused.
func Open(path string, now time.Time) (*Store, error) {
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: lockTimeout, FreelistType: bbolt.FreelistMapType})
	if err != nil {
		if errors.Is(err, bbolterrors.ErrTimeout) {
			return nil, fmt.Errorf("%s is in use by another process", path)
		}
		return nil, fmt.Errorf("opening %s: %w", path, err)
	}
	s := &Store{db: db, wake: make(chan struct{}, 1), stop: make(chan struct{}), done: make(chan struct{}), pending: map[key]change{}}
	if err := s.prepare(now); err != nil {
		return nil, errors.Join(fmt.Errorf("opening %s: %w", path, err), db.Close())
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go s.write()
	return s, nil
}

func (s *Store) prepare(now time.Time) error {
	if err := s.db.Update(func(tx *bbolt.Tx) error {
		meta, err := tx.CreateBucketIfNotExists(metaBucket)
		if err != nil {
			return err
		}
		switch v := meta.Get(versionKey); {
		case v == nil:
			if err := meta.Put(versionKey, fileVersion); err != nil {
				return err
			}
		case string(v) != string(fileVersion):
			return fmt.Errorf("it is of version %d, want %d", v, fileVersion)
		}
		_, err = tx.CreateBucketIfNotExists(bucket)
		return err
	}); err != nil {
		return err
	}
	return s.prune(now)
}

// prune drops short-lived entries that are too old.
func (s *Store) prune(now time.Time) error {
	oldest := now.Add(-shortLife).Unix()
	var old [][]byte
	if err := s.db.View(func(tx *bbolt.Tx) error {
		return tx.Bucket(bucket).ForEach(func(k, v []byte) error {
			if e, err := decode(v); err == nil && !e.kept && e.at < oldest {
				old = append(old, append([]byte(nil), k...))
			}
			return nil
		})
	}); err != nil || len(old) == 0 {
		return err
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		for _, k := range old {
			if err := tx.Bucket(bucket).Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// Remember notes the owner of an object: at once for Lookup, and soon after on
// the disk. The first owner stays: an id that is seen again does not change
// hands.
func (s *Store) Remember(id string, o Owner, how Stored, at time.Time) error {
	_, err := s.put(id, encode(entry{o, bool(how), at.Unix()}))
	return err
}

// RememberNow is Remember, and returns once it is on the disk.
func (s *Store) RememberNow(ctx context.Context, id string, o Owner, how Stored, at time.Time) error {
	b, err := s.put(id, encode(entry{o, bool(how), at.Unix()}))
	if err != nil || b == nil {
		return err
	}
	select {
	case <-b.done:
		return b.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Forget drops an object that was deleted at the provider.
func (s *Store) Forget(id string) error {
	_, err := s.put(id, nil)
	return err
}

func (s *Store) put(id string, value []byte) (*batch, error) {
	k := key(sha256.Sum256([]byte(id)))
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.err != nil:
		return nil, s.err
	case s.closed:
		return nil, ErrClosed
	case len(s.pending) >= maxPending:
		return nil, ErrFull
	}
	if value != nil && s.get(k) != nil {
		return s.batch, nil // perhaps still on its way
	}
	s.pending[k] = change{value}
	if s.batch == nil {
		s.batch = &batch{done: make(chan struct{})}
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return s.batch, nil
}

// get returns the encoded entry; the caller holds s.mu.
func (s *Store) get(k key) (v []byte) {
	if c, ok := s.pending[k]; ok {
		return c.value
	}
	_ = s.db.View(func(tx *bbolt.Tx) error {
		v = append(v, tx.Bucket(bucket).Get(k[:])...)
		return nil
	})
	return v
}

// Lookup returns the owner of an object; false for one that nobody made here.
func (s *Store) Lookup(id string) (Owner, bool) {
	k := key(sha256.Sum256([]byte(id)))
	s.mu.Lock()
	v := s.get(k)
	s.mu.Unlock()
	if v == nil {
		return Owner{}, false
	}
	e, err := decode(v)
	return e.owner, err == nil
}

// Err is why the store can no longer be written, nil while it can.
func (s *Store) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

// write brings to the disk what was remembered, many at a time.
func (s *Store) write() {
	defer close(s.done)
	prune := time.NewTicker(pruneEvery)
	defer prune.Stop()
	for {
		select {
		case <-s.wake:
			t := time.NewTimer(gap)
			select {
			case <-t.C:
			case <-s.stop:
				t.Stop()
			}
			s.flush()
		case now := <-prune.C:
			_ = s.prune(now) // once more at the next tick
		case <-s.stop:
			s.flush()
			return
		}
	}
}

// flush commits what is pending. Entries stay visible to Lookup while it runs.
func (s *Store) flush() {
	s.writing.Lock()
	defer s.writing.Unlock()
	s.mu.Lock()
	b := s.batch
	s.batch = nil
	work := make(map[key]change, len(s.pending))
	for k, c := range s.pending {
		work[k] = c
	}
	s.mu.Unlock()
	if b == nil {
		return
	}
	err := s.db.Update(func(tx *bbolt.Tx) error {
		bk := tx.Bucket(bucket)
		for k, c := range work {
			if c.value == nil {
				if err := bk.Delete(k[:]); err != nil {
					return err
				}
				continue
			}
			if err := bk.Put(k[:], c.value); err != nil {
				return err
			}
		}
		return nil
	})
	s.mu.Lock()
	if err != nil {
		s.err = fmt.Errorf("writing the store of objects: %w", err)
		b.err = s.err
	} else {
		for k, c := range work {
			if now, ok := s.pending[k]; ok && string(now.value) == string(c.value) && (now.value == nil) == (c.value == nil) {
				delete(s.pending, k)
			}
		}
	}
	s.mu.Unlock()
	close(b.done)
}

// Close writes what is pending and closes the file.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.closed = true
	s.mu.Unlock()
	close(s.stop)
	<-s.done
	return errors.Join(s.Err(), s.db.Close())
}

// entry is what the file says of an object.
type entry struct {
	owner Owner
	kept  bool
	at    int64 // seconds since 1970
}

// encode writes: version 1, whether it is kept, the time in 8 bytes, and the
// owner's three strings, each with its length as a varint before it.
func encode(e entry) []byte {
	b := []byte{1, 0}
	if e.kept {
		b[1] = 1
	}
	b = binary.BigEndian.AppendUint64(b, uint64(e.at))
	for _, s := range [...]string{e.owner.Principal, e.owner.Provider, e.owner.Credential} {
		b = append(binary.AppendUvarint(b, uint64(len(s))), s...)
	}
	return b
}

var errEntry = errors.New("malformed entry")

func decode(b []byte) (e entry, err error) {
	if len(b) < 10 || b[0] != 1 || b[1] > 1 {
		return e, errEntry
	}
	e.kept, e.at = b[1] == 1, int64(binary.BigEndian.Uint64(b[2:]))
	b = b[10:]
	for _, into := range [...]*string{&e.owner.Principal, &e.owner.Provider, &e.owner.Credential} {
		n, size := binary.Uvarint(b)
		if size <= 0 || n > uint64(len(b)-size) {
			return e, errEntry
		}
		*into, b = string(b[size:size+int(n)]), b[size+int(n):]
	}
	if len(b) > 0 {
		return e, errEntry
	}
	return e, nil
}
