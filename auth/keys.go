package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"hash"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Bounds of a secret, in bytes.
const (
	// MinSecret is the shortest secret that is accepted in a configuration.
	MinSecret = 16
	// MaxSecret is the longest one; a longer credential matches no key.
	MaxSecret = 4096
	// maxName bounds the names of keys, users, teams and so on, in bytes: they
	// become parts of records and of the keys of counters.
	maxName = 128
)

// digest is the keyed hash of a secret.
type digest [sha256.Size]byte

// entry is one key of the set; it holds no secret.
type entry struct {
	digest    digest
	principal *llm.Principal
}

// Keys is an immutable set of client keys, hashed. It is safe for concurrent
// use. It holds no secret, and printing or marshalling it tells only how many
// keys there are.
type Keys struct {
	// byDigest is searched by the keyed hash of what the client sent. The pepper
	// is random, so a caller can't steer the hash, and how long the search takes
	// says nothing about any secret.
	byDigest map[digest]*entry
	decoy    *entry // compared with when nothing was found
	hashers  sync.Pool
}

// hasher is the reusable state of one hash computation.
type hasher struct {
	mac hash.Hash
	buf []byte
	sum []byte
}

// NewKeys checks and hashes the keys. It refuses an empty set, names or secrets
// that are missing, malformed, too short or given twice. Its errors name the key
// by its name, or by its place when it has none, and never contain a secret.
func NewKeys(specs []KeySpec) (*Keys, error) {
	if len(specs) == 0 {
		return nil, fmt.Errorf("auth: no keys are configured")
	}
	pepper := make([]byte, sha256.Size)
	rand.Read(pepper) // never fails: the runtime stops the process instead
	k := &Keys{byDigest: make(map[digest]*entry, len(specs))}
	k.hashers.New = func() any { return &hasher{mac: hmac.New(sha256.New, pepper)} }
	k.decoy = &entry{}
	rand.Read(k.decoy.digest[:])
	names := make(map[string]bool, len(specs))
	for i := range specs {
		s := &specs[i]
		if err := s.check(i); err != nil {
			return nil, err
		}
		if names[s.Name] {
			return nil, fmt.Errorf("auth: key %q is configured twice", s.Name)
		}
		names[s.Name] = true
		d := k.hash(s.Secret)
		if prev, ok := k.byDigest[d]; ok {
			return nil, fmt.Errorf("auth: keys %q and %q have the same secret", prev.principal.Key, s.Name)
		}
		k.byDigest[d] = &entry{digest: d, principal: &llm.Principal{
			Key: s.Name, User: s.User, Team: s.Team, Org: s.Org,
			Groups: slices.Clone(s.Groups), Scopes: slices.Clone(s.Scopes), Models: slices.Clone(s.Models),
			Expires: s.Expires,
		}}
	}
	return k, nil
}

// Len returns the number of keys.
func (k *Keys) Len() int { return len(k.byDigest) }

// Find returns the principal that the secret belongs to, or a 401: the same one
// at the same cost whether the secret is unknown, malformed or almost right. A
// right secret whose time is over is told so (code key_expired): who has it
// learns nothing new about other keys.
//
// The principal is shared by all requests of the key and must not be modified.
func (k *Keys) Find(secret string, now time.Time) (*llm.Principal, *llm.Denial) {
	d := k.hash(secret)
	e, ok := k.byDigest[d]
	if !ok {
		e = k.decoy
	}
	if same := subtle.ConstantTimeCompare(d[:], e.digest[:]) == 1; !same || !ok {
		return nil, unauthenticated(llm.CodeUnauthenticated, `Bearer error="invalid_token"`,
			"the API key is not valid here; check that it is complete and meant for this gateway")
	}
	if x := e.principal.Expires; !x.IsZero() && !now.Before(x) {
		return nil, unauthenticated(llm.CodeExpired, `Bearer error="invalid_token"`,
			"the API key has expired; ask the operator of this gateway for a new one")
	}
	return e.principal, nil
}

// hash returns the keyed hash of a secret. A secret beyond MaxSecret is cut one
// byte after it: no such key exists, and hashing megabytes would be a gift to
// attackers.
func (k *Keys) hash(secret string) (d digest) {
	if len(secret) > MaxSecret {
		secret = secret[:MaxSecret+1]
	}
	h := k.hashers.Get().(*hasher)
	h.buf = append(h.buf[:0], secret...)
	h.mac.Reset()
	h.mac.Write(h.buf)
	clear(h.buf) // the pool must not keep secrets
	h.sum = h.mac.Sum(h.sum[:0])
	copy(d[:], h.sum)
	k.hashers.Put(h)
	return d
}

// unauthenticated builds a 401.
func unauthenticated(code, challenge, message string) *llm.Denial {
	d := llm.Deny(http.StatusUnauthorized, code, llm.StageAuth, "%s", message)
	d.Header = [][2]string{{"WWW-Authenticate", challenge}}
	return d
}

// String tells how many keys there are.
func (k *Keys) String() string {
	if k == nil {
		return "auth.Keys(nil)"
	}
	return fmt.Sprintf("auth.Keys(%d keys)", len(k.byDigest))
}

// GoString is String, for %#v.
func (k *Keys) GoString() string { return k.String() }

// MarshalText is String, for encoders of JSON and logs.
func (k *Keys) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// check validates the spec at index i of its list.
func (s *KeySpec) check(i int) error {
	if s.Name == "" {
		return fmt.Errorf("auth: key %d has no name", i+1)
	}
	if why := badName(s.Name); why != "" {
		return fmt.Errorf("auth: the name of key %d %s", i+1, why)
	}
	if why := badSecret(s.Secret); why != "" {
		return fmt.Errorf("auth: the secret of key %q %s", s.Name, why)
	}
	for _, f := range [...]struct{ what, value string }{{"user", s.User}, {"team", s.Team}, {"org", s.Org}} {
		if why := badName(f.value); f.value != "" && why != "" {
			return fmt.Errorf("auth: the %s of key %q %s", f.what, s.Name, why)
		}
	}
	for _, f := range [...]struct {
		what   string
		values []string
	}{{"group", s.Groups}, {"scope", s.Scopes}, {"model", s.Models}} {
		for _, v := range f.values {
			if v == "" {
				return fmt.Errorf("auth: key %q has an empty %s", s.Name, f.what)
			}
			if why := badLabel(v); why != "" {
				return fmt.Errorf("auth: a %s of key %q %s", f.what, s.Name, why)
			}
		}
	}
	return nil
}

// badSecret says what is wrong with a secret, without quoting it.
func badSecret(s string) string {
	switch {
	case s == "":
		return "is empty"
	case len(s) < MinSecret:
		return fmt.Sprintf("is too short: want at least %d characters", MinSecret)
	case len(s) > MaxSecret:
		return fmt.Sprintf("is too long: want at most %d characters", MaxSecret)
	case s[0] == '{' && s[len(s)-1] == '}':
		return "is a placeholder that was not replaced"
	}
	for i := range len(s) {
		if s[i] <= ' ' || s[i] >= 0x7f {
			return "contains a space, a control character or a character outside ASCII"
		}
	}
	return ""
}

// badName says what is wrong with a name that counters are kept under. Names
// that begin with "_" are kept for the gateway's own buckets, such as "_none".
func badName(s string) string {
	if strings.HasPrefix(s, "_") {
		return `begins with "_", which is reserved`
	}
	return badLabel(s)
}

func badLabel(s string) string {
	if len(s) > maxName {
		return fmt.Sprintf("is longer than %d bytes", maxName)
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, func(r rune) bool { return unicode.IsSpace(r) || !unicode.IsPrint(r) }) {
		return "contains a space, a control character or invalid UTF-8"
	}
	return ""
}
