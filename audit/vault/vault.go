package vault

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
)

// Options of a vault.
type Options struct {
	// Key is the key that wraps the subjects' keys, 32 bytes; nil for the file
	// kek in the vault.
	Key []byte
	// ReadOnly makes no key, neither of the vault nor of a subject.
	ReadOnly bool
	// CacheSubjects is how many subjects' keys stay in memory, at least; at most
	// twice as many do. Default 8192.
	CacheSubjects int
}

// Vault is an open vault. It is safe for concurrent use. One process at a time may
// write to it: that is what the log's lock is for.
type Vault struct {
	dir string
	o   Options

	once sync.Once
	keys *keys
	err  error

	// stripes keep work on one subject apart: its making and its erasure.
	stripes [64]sync.Mutex
	seed    maphash.Seed

	mu        sync.RWMutex
	young     map[string]*Subject // by name; what is asked for moves here
	old       map[string]*Subject
	byID      map[string]*Subject // of readers
	cacheSize int
}

// Open returns the vault of a directory. Without ReadOnly its key is loaded, or
// made, at once, so that a wrong one is told at the start; the directory is made.
func Open(dir string, o Options) (*Vault, error) {
	v := &Vault{dir: dir, o: o, seed: maphash.MakeSeed(), young: map[string]*Subject{}, byID: map[string]*Subject{}, cacheSize: o.CacheSubjects}
	if v.cacheSize <= 0 {
		v.cacheSize = 8192
	}
	if _, err := v.load(); err != nil {
		return nil, fmt.Errorf("audit vault: %w", err)
	}
	return v, nil
}

func (v *Vault) load() (*keys, error) {
	v.once.Do(func() { v.keys, v.err = loadKeys(v.dir, v.o.Key, !v.o.ReadOnly) })
	return v.keys, v.err
}

// Dir is the directory of the vault.
func (v *Vault) Dir() string { return v.dir }

// Subject returns the subject of that name, making its key if there is none.
func (v *Vault) Subject(name string) (*Subject, error) {
	if s := v.cached(name); s != nil {
		return s, nil
	}
	m := v.stripe(name)
	m.Lock()
	defer m.Unlock()
	if s := v.cached(name); s != nil {
		return s, nil
	}
	s, err := v.find(name)
	if errors.Is(err, ErrErased) && !v.o.ReadOnly {
		s, err = v.make(name)
	}
	if err != nil {
		return nil, fmt.Errorf("audit vault: %w", err)
	}
	v.remember(name, s)
	return s, nil
}

// Find returns the subject of that name, ErrErased if there is none.
func (v *Vault) Find(name string) (*Subject, error) {
	m := v.stripe(name)
	m.Lock()
	defer m.Unlock()
	return v.find(name)
}

// Lookup returns the subject of an id, as records name it, for reading. ErrErased
// says that its key is gone.
func (v *Vault) Lookup(id string) (*Subject, error) {
	v.mu.RLock()
	s, ok := v.byID[id]
	v.mu.RUnlock()
	if ok {
		if s == nil {
			return nil, ErrErased
		}
		return s, nil
	}
	s, err := v.read(id)
	if err != nil && !errors.Is(err, ErrErased) {
		return nil, fmt.Errorf("audit vault: %w", err)
	}
	if v.o.ReadOnly { // nobody erases through this vault
		v.mu.Lock()
		if len(v.byID) >= v.cacheSize {
			clear(v.byID)
		}
		v.byID[id] = s
		v.mu.Unlock()
	}
	return s, err
}

func (v *Vault) stripe(name string) *sync.Mutex {
	return &v.stripes[maphash.String(v.seed, name)%uint64(len(v.stripes))]
}

func (v *Vault) cached(name string) *Subject {
	v.mu.RLock()
	s, hot := v.young[name]
	if !hot {
		s = v.old[name]
	}
	v.mu.RUnlock()
	if s != nil && !hot {
		v.mu.Lock()
		// It may have been erased meanwhile.
		if v.old[name] == s {
			v.put(name, s)
		}
		v.mu.Unlock()
	}
	return s
}

func (v *Vault) remember(name string, s *Subject) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.put(name, s)
}

// put adds to the younger half of the cache; when that is full the older half is
// dropped.
func (v *Vault) put(name string, s *Subject) {
	if len(v.young) >= v.cacheSize {
		v.old, v.young = v.young, make(map[string]*Subject, v.cacheSize/4)
	}
	v.young[name] = s
}

func (v *Vault) namePath(k *keys, name string) string {
	m := hmac.New(sha256.New, k.names)
	m.Write([]byte(name))
	h := hex.EncodeToString(m.Sum(nil))
	return filepath.Join(v.dir, "names", h[:2], h)
}

func (v *Vault) keyPath(id string) string { return filepath.Join(v.dir, "keys", id[:2], id) }

// idOf reads which id a name has.
func (v *Vault) idOf(k *keys, namePath string) (string, error) {
	b, err := os.ReadFile(namePath)
	if errors.Is(err, fs.ErrNotExist) {
		return "", ErrErased
	}
	if err != nil {
		return "", err
	}
	id, err := open(k.wrap, b, []byte("name "+filepath.Base(namePath)))
	if err != nil {
		return "", fmt.Errorf("a name in the vault is %w", err)
	}
	if !validID(string(id)) {
		return "", errors.New("a name in the vault is damaged")
	}
	return string(id), nil
}

func (v *Vault) find(name string) (*Subject, error) {
	k, err := v.load()
	if err != nil {
		return nil, err
	}
	id, err := v.idOf(k, v.namePath(k, name))
	if err != nil {
		return nil, err
	}
	s, err := v.read(id)
	if err == nil && s.Name != bounded(name) {
		return nil, errors.New("a name in the vault leads to another subject")
	}
	return s, err
}

// stored is the content of a key's file.
type stored struct {
	Key  []byte `json:"key"`
	Name string `json:"name"`
}

func (v *Vault) read(id string) (*Subject, error) {
	if !validID(id) {
		return nil, fmt.Errorf("%q is not the id of a subject", bounded(id))
	}
	k, err := v.load()
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(v.keyPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrErased
	}
	if err != nil {
		return nil, err
	}
	plain, err := open(k.wrap, b, []byte("key "+id))
	if err != nil {
		return nil, fmt.Errorf("the key of subject %s is %w", id, err)
	}
	var st stored
	if err := json.Unmarshal(plain, &st); err != nil || len(st.Key) != KeyBytes {
		return nil, fmt.Errorf("the key of subject %s is damaged", id)
	}
	return newSubject(id, st)
}

// make makes the key of a subject and puts it on disk: first the name that leads to
// it, then the key. A key without its name could never be erased, and it holds the
// subject's name; a name that leads to no key is made anew.
func (v *Vault) make(name string) (*Subject, error) {
	k, err := v.load()
	if err != nil {
		return nil, err
	}
	id := make([]byte, 12)
	st := stored{Key: make([]byte, KeyBytes), Name: bounded(name)}
	_, _ = rand.Read(id) // never fails
	_, _ = rand.Read(st.Key)
	s, err := newSubject(hex.EncodeToString(id), st)
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(st)
	if err != nil {
		return nil, err
	}
	path := v.namePath(k, name)
	if err := writeFile(v.dir, path, seal(k.wrap, []byte(s.ID), []byte("name "+filepath.Base(path)))); err != nil {
		return nil, fmt.Errorf("storing the name of a subject: %w", err)
	}
	if err := writeFile(v.dir, v.keyPath(s.ID), seal(k.wrap, plain, []byte("key "+s.ID))); err != nil {
		_ = os.Remove(v.keyPath(s.ID)) // it may be there, but not for good
		return nil, fmt.Errorf("storing the key of a subject: %w", err)
	}
	return s, nil
}

// validID reports whether s can be the id of a subject. It becomes part of a path.
func validID(s string) bool {
	b, err := hex.DecodeString(s)
	return err == nil && len(b) == 12
}
