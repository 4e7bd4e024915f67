package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// An erasure that has been announced must happen, also if the process dies in
// between: Intend notes it on disk first, Carry does it and removes the note, and
// whoever opens the vault next carries out what Intended still lists.

const intentDir = "erasing"

func (v *Vault) intentPath(id string) string { return filepath.Join(v.dir, intentDir, id) }

// Intend notes durably that the key of a subject is about to be destroyed, and
// returns its id; ErrErased if there is nothing to erase. The note does not name the
// subject.
func (v *Vault) Intend(name string) (id string, err error) {
	if v.o.ReadOnly {
		return "", errReadOnly
	}
	m := v.stripe(name)
	m.Lock()
	defer m.Unlock()
	k, err := v.load()
	if err != nil {
		return "", err
	}
	namePath := v.namePath(k, name)
	if id, err = v.idOf(k, namePath); err != nil {
		return "", err
	}
	if err := writeFile(v.dir, v.intentPath(id), seal(k.wrap, []byte(filepath.Base(namePath)), []byte("erasing "+id))); err != nil {
		return id, fmt.Errorf("audit vault: noting an erasure: %w", err)
	}
	return id, nil
}

// Forgo takes back what Intend has noted.
func (v *Vault) Forgo(id string) error {
	if !validID(id) {
		return fmt.Errorf("audit vault: %q is not the id of a subject", bounded(id))
	}
	if err := os.Remove(v.intentPath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Join(v.dir, intentDir))
}

// Intended lists the ids of the subjects whose erasure was noted and not finished.
func (v *Vault) Intended() (ids []string, err error) {
	entries, err := os.ReadDir(filepath.Join(v.dir, intentDir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	for _, e := range entries {
		if validID(e.Name()) {
			ids = append(ids, e.Name())
		}
	}
	return ids, err
}

// Carry destroys, durably, the key whose erasure was noted, and forgets it; nothing is
// noted then. A subject that was made under the same name since then keeps its own. A
// call that is under way may finish with the key that it holds; what it stores cannot be
// read either.
func (v *Vault) Carry(id string) error {
	if v.o.ReadOnly {
		return errReadOnly
	}
	if !validID(id) {
		return fmt.Errorf("audit vault: %q is not the id of a subject", bounded(id))
	}
	k, err := v.load()
	if err != nil {
		return err
	}
	b, err := os.ReadFile(v.intentPath(id))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // somebody else has done it
	}
	if err != nil {
		return err
	}
	base, err := open(k.wrap, b, []byte("erasing "+id))
	if err != nil || !validName(string(base)) {
		return errors.New("audit vault: the note of an erasure is damaged")
	}
	namePath := filepath.Join(v.dir, "names", string(base[:2]), string(base))
	// Who makes or erases a subject holds its stripe, which only its name tells.
	for i := range v.stripes {
		v.stripes[i].Lock()
		defer v.stripes[i].Unlock()
	}
	now, err := v.idOf(k, namePath)
	if err != nil && !errors.Is(err, ErrErased) {
		return err
	}
	if now != id {
		namePath = ""
	}
	v.forget(id)
	if err := v.destroy(id, namePath); err != nil {
		return err
	}
	return v.Forgo(id)
}

var errReadOnly = errors.New("audit vault: opened for reading")

// destroy destroys a key and, unless it is empty, the name that leads to it. The key
// first: without it the name leads nowhere.
func (v *Vault) destroy(id, namePath string) error {
	if err := destroy(v.keyPath(id)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("audit vault: destroying a key: %w", err)
	}
	if namePath == "" {
		return nil
	}
	if err := destroy(namePath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("audit vault: destroying the name of a key: %w", err)
	}
	return nil
}

// forget forgets the keys of a subject that are in memory.
func (v *Vault) forget(id string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, m := range [...]map[string]*Subject{v.young, v.old} {
		for name, s := range m {
			if s.ID == id {
				delete(m, name)
			}
		}
	}
	clear(v.byID)
}

// validName reports whether s can be the file of a name.
func validName(s string) bool { return len(s) == 64 && plainName(s) }
