package audit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/checkpoint"
)

// keyring is what a log signs with. The key that came last signs beside those
// before it until their time is over; the public forms of all that ever signed
// stand in key.pub, newest first.
type keyring struct {
	origin  string
	signing []signingKey    // newest first, never empty
	public  checkpoint.Keys // all that ever signed, newest first
	texts   []string        // of public
	// managed is true if the log keeps its keys itself, in the file `key`.
	managed bool
}

// signingKey signs until its time, forever if that is zero.
type signingKey struct {
	*checkpoint.Key
	until time.Time
}

// signers are the keys as notes want them.
func (k *keyring) signers() []note.Signer {
	out := make([]note.Signer, len(k.signing))
	for i := range k.signing {
		out[i] = k.signing[i].Key
	}
	return out
}

// The events of keys in system records. Their detail is the verifier key: who
// trusts a key that signed such a record trusts the key that it names.
const (
	eventKeyAdded   = "key_added"
	eventKeyRetired = "key_retired"
)

// untilMark stands between a key in the file `key` and the time until which it
// signs.
const untilMark = " until="

// loadKeys reads the keys of a log, or makes one at its first start. Given keys
// take the place of the file. What has changed since the last start is returned
// as events.
func loadKeys(fsys FS, dir, origin string, given []string, force bool) (*keyring, []systemEvent, error) {
	k := &keyring{managed: len(given) == 0}
	pub, err := readFile(fsys, filepath.Join(dir, "key.pub"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("reading the verifier keys: %w", err)
	}
	known := strings.TrimSpace(string(pub))
	if k.managed {
		given, err = keyFile(fsys, dir, origin)
		if err != nil {
			return nil, nil, err
		}
	}
	for _, line := range given {
		text, until, _ := strings.Cut(strings.TrimSpace(line), untilMark)
		key, err := checkpoint.ParseKey(text)
		if err != nil {
			return nil, nil, errors.New("the key of the log is damaged; restore it from a backup, without it nothing new can be signed")
		}
		s := signingKey{Key: key}
		if until != "" {
			if s.until, err = time.Parse(time.RFC3339, until); err != nil {
				return nil, nil, fmt.Errorf("the key file of the log is damaged: %w", err)
			}
		}
		if len(k.signing) > 0 && key.Name() != k.signing[0].Name() {
			return nil, nil, fmt.Errorf("the keys of a log must have one name, not %q and %q", k.signing[0].Name(), key.Name())
		}
		k.signing = append(k.signing, s)
	}
	k.origin = k.signing[0].Name()
	events, err := k.publish(fsys, dir, known, force)
	return k, events, err
}

// keyFile reads the file `key`, or makes it for a new log.
func keyFile(fsys FS, dir, origin string) ([]string, error) {
	path := filepath.Join(dir, "key")
	b, err := readFile(fsys, path)
	if errors.Is(err, fs.ErrNotExist) {
		// A log without its key has lost it: with a new one nothing that was
		// signed could be checked.
		if _, err := readFile(fsys, filepath.Join(dir, "checkpoint")); !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%w: the key file is missing; restore it from a backup, or move the directory away so that a new log begins", ErrDisagree)
		}
		key, err := checkpoint.NewKey(origin)
		if err != nil {
			return nil, err
		}
		if err := writeFile(fsys, path, []byte(key.Text+"\n"), 0o600); err != nil {
			return nil, fmt.Errorf("writing the key: %w", err)
		}
		return []string{key.Text}, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the key: %w", err)
	}
	if err := checkPrivate(fsys, path); err != nil {
		return nil, err
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return lines, nil
}

// ReadKeyFile reads signing keys, one a line, or the key of a vault from a file that
// nobody but its owner may read.
func ReadKeyFile(path string) (string, error) {
	if err := checkPrivate(osFS{}, path); err != nil {
		return "", err
	}
	b, err := readFile(osFS{}, path)
	return strings.TrimSpace(string(b)), err
}

// checkPrivate refuses a key that others may read.
func checkPrivate(fsys FS, path string) error {
	f, err := fsys.OpenFile(path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	if st.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the key file of the log can be read by others (mode %04o); make it 0600, and a new key if it may have been read", st.Mode().Perm())
	}
	return nil
}

// publish brings key.pub in line with the keys that sign. A key that is new to a
// log with a history must come beside one that is not: else nobody who trusts
// the old ones has a reason to trust it.
func (k *keyring) publish(fsys FS, dir, known string, force bool) (events []systemEvent, err error) {
	var old checkpoint.Keys
	if known != "" {
		if old, err = checkpoint.ParseKeys(known); err != nil {
			return nil, fmt.Errorf("%w: the file key.pub is damaged: %w", ErrDisagree, err)
		}
		if old[0].Name() != k.origin && !force {
			return nil, fmt.Errorf("%w: it is the log %q, and the key is that of %q", ErrDisagree, old[0].Name(), k.origin)
		}
	}
	var fresh []string
	linked := false
	for _, s := range k.signing {
		if old.Has(s.Name(), s.KeyHash()) {
			linked = true
		} else {
			fresh = append(fresh, s.VerifierKey)
		}
	}
	if len(old) > 0 && !linked && !force {
		return nil, fmt.Errorf("%w: it was signed with other keys; let the new key sign beside the last one for a while", ErrDisagree)
	}
	k.texts = fresh
	if known != "" {
		k.texts = append(k.texts, strings.Fields(known)...)
	}
	if k.public, err = checkpoint.ParseKeys(strings.Join(k.texts, "\n")); err != nil {
		return nil, err
	}
	if len(old) == 0 {
		return nil, k.writePublic(fsys, dir)
	}
	for _, f := range slices.Backward(fresh) {
		events = append(events, systemEvent{eventKeyAdded, f})
	}
	return events, nil
}

// writePublic writes key.pub. For keys that were added it comes after their
// record: what is in key.pub and not on record would never be recorded.
func (k *keyring) writePublic(fsys FS, dir string) error {
	if err := writeFile(fsys, filepath.Join(dir, "key.pub"), []byte(strings.Join(k.texts, "\n")+"\n"), 0o644); err != nil {
		return fmt.Errorf("writing the verifier keys: %w", err)
	}
	return nil
}

// retire drops keys whose time is over; it returns their events.
func (k *keyring) retire(fsys FS, dir string, now time.Time) (events []systemEvent, err error) {
	if !slices.ContainsFunc(k.signing, func(s signingKey) bool { return s.over(now) }) {
		return nil, nil
	}
	keep := slices.DeleteFunc(slices.Clone(k.signing), func(s signingKey) bool { return s.over(now) })
	if len(keep) == 0 {
		return nil, nil
	}
	if k.managed {
		if err := writeKeys(fsys, dir, keep); err != nil {
			return nil, err
		}
	}
	for _, s := range k.signing {
		if s.over(now) {
			events = append(events, systemEvent{eventKeyRetired, s.VerifierKey})
		}
	}
	k.signing = keep
	return events, nil
}

func (s signingKey) over(now time.Time) bool { return !s.until.IsZero() && now.After(s.until) }

func writeKeys(fsys FS, dir string, keys []signingKey) error {
	var b strings.Builder
	for _, s := range keys {
		b.WriteString(s.Text)
		if !s.until.IsZero() {
			b.WriteString(untilMark + s.until.UTC().Format(time.RFC3339))
		}
		b.WriteByte('\n')
	}
	if err := writeFile(fsys, filepath.Join(dir, "key"), []byte(b.String()), 0o600); err != nil {
		return fmt.Errorf("writing the keys: %w", err)
	}
	return nil
}

// ErrGivenKeys is returned by RotateKey for a log whose keys come from its
// configuration.
var ErrGivenKeys = errors.New("the keys of this log come from its configuration: put a new one before the old one there")

// RotateKey makes a new key. It signs at once, the old ones beside it as long as
// overlap says; then they are forgotten. It returns the new verifier key, once
// the record of it is durable and signed by both.
func (l *Log) RotateKey(now time.Time, overlap time.Duration) (string, error) {
	l.keyMu.Lock()
	vkey, events, err := l.keys.rotate(l.fs, l.o.Dir, now, overlap)
	l.keyMu.Unlock()
	if err != nil {
		return "", err
	}
	return vkey, l.keysAdded(events)
}

// keysAdded records keys that were added and publishes them.
func (l *Log) keysAdded(events []systemEvent) error {
	if len(events) == 0 {
		return nil
	}
	if err := l.record(events); err != nil {
		return fmt.Errorf("recording the new key: %w", err)
	}
	l.keyMu.Lock()
	defer l.keyMu.Unlock()
	return l.keys.writePublic(l.fs, l.o.Dir)
}

// GivenKeys reports whether the keys come from the configuration.
func (l *Log) GivenKeys() bool {
	l.keyMu.Lock()
	defer l.keyMu.Unlock()
	return !l.keys.managed
}

// setKeys takes the keys of a new configuration. One that drops given keys goes
// on with them until the next start.
func (l *Log) setKeys(given []string) error {
	if len(given) == 0 {
		return nil
	}
	l.keyMu.Lock()
	same := !l.keys.managed && len(given) == len(l.keys.signing)
	for i := 0; same && i < len(given); i++ {
		same = strings.TrimSpace(given[i]) == l.keys.signing[i].Text
	}
	if same {
		l.keyMu.Unlock()
		return nil
	}
	next, added, err := loadKeys(l.fs, l.o.Dir, l.keys.origin, given, false)
	if err == nil {
		l.keys = next
	}
	l.keyMu.Unlock()
	if err != nil {
		return err
	}
	return l.keysAdded(added)
}

// minOverlap is enough for the record of a new key to be signed by the old one.
const minOverlap = time.Minute

func (k *keyring) rotate(fsys FS, dir string, now time.Time, overlap time.Duration) (string, []systemEvent, error) {
	if !k.managed {
		return "", nil, ErrGivenKeys
	}
	if overlap < minOverlap {
		return "", nil, fmt.Errorf("an overlap of %s: the old key must sign the record of the new one, so at least %s", overlap, minOverlap)
	}
	key, err := checkpoint.NewKey(k.origin)
	if err != nil {
		return "", nil, err
	}
	next := *k
	next.signing = append([]signingKey{{Key: key}}, k.signing...)
	for i := range next.signing[1:] {
		if s := &next.signing[i+1]; s.until.IsZero() {
			s.until = now.Add(overlap)
		}
	}
	// The file first: a start after a crash finds the new key beside the old
	// ones and records it.
	if err := writeKeys(fsys, dir, next.signing); err != nil {
		return "", nil, err
	}
	events, err := next.publish(fsys, dir, strings.Join(k.texts, "\n"), false)
	if err != nil {
		return "", nil, err
	}
	*k = next
	return key.VerifierKey, events, nil
}

// checkKeys ends the time of old keys. It runs on the writer's goroutine.
func (l *Log) checkKeys(now time.Time) {
	l.keyMu.Lock()
	events, err := l.keys.retire(l.fs, l.o.Dir, now)
	l.keyMu.Unlock()
	if err != nil {
		if !l.keyStuck {
			l.o.Logf("audit log: retiring a key: %v; trying again each second", err)
		}
		l.keyStuck = true
		return
	}
	l.keyStuck = false
	l.note(events...)
}
