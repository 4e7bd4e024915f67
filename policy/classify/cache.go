package classify

import (
	"container/list"
	"crypto/sha256"
	"encoding/binary"
	"io"
	"sync"
	"time"
)

// Bounds of what a classifier's cache holds: answers, and bytes of names in them.
const (
	maxCached      = 10_000
	maxCachedBytes = 16 << 20
)

// cacheKey is the whole SHA-256 of tenant, direction and texts: a shorter one could be met by
// another text on purpose.
type cacheKey [sha256.Size]byte

// keyOf hashes every part with its length before it, so that no two questions are the
// same bytes.
func keyOf(q Question) (k cacheKey) {
	h := sha256.New()
	part := func(s string) {
		var n [8]byte
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		_, _ = io.WriteString(h, s)
	}
	part(q.Tenant)
	flag := func(is bool) {
		if is {
			h.Write([]byte{1})
		} else {
			h.Write([]byte{0})
		}
	}
	flag(q.Answer)
	for i := range q.Texts {
		part(q.Texts[i].Text)
		flag(q.Texts[i].Document)
	}
	h.Sum(k[:0])
	return k
}

// cache remembers answers, the ones used latest.
type cache struct {
	keep time.Duration

	mu    sync.Mutex
	known map[cacheKey]*list.Element
	order *list.List // of *remembered, the one used latest in front
	bytes int
}

type remembered struct {
	key   cacheKey
	v     Verdict
	until time.Time
}

func newCache(keep time.Duration) *cache {
	return &cache{keep: keep, known: map[cacheKey]*list.Element{}, order: list.New()}
}

// get returns an answer that has not expired.
func (c *cache) get(k cacheKey, now time.Time) (Verdict, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.known[k]
	if e == nil {
		return Verdict{}, false
	}
	r := e.Value.(*remembered)
	if !now.Before(r.until) {
		c.drop(e)
		return Verdict{}, false
	}
	c.order.MoveToFront(e)
	return r.v, true
}

// put remembers an answer.
func (c *cache) put(k cacheKey, v Verdict, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.known[k]; e != nil {
		c.drop(e)
	}
	c.known[k] = c.order.PushFront(&remembered{k, v, now.Add(c.keep)})
	c.bytes += size(v)
	for c.order.Len() > maxCached || c.bytes > maxCachedBytes {
		c.drop(c.order.Back())
	}
}

func (c *cache) drop(e *list.Element) {
	r := e.Value.(*remembered)
	delete(c.known, r.key)
	c.bytes -= size(r.v)
	c.order.Remove(e)
}

// size is about what the names of a verdict take.
func size(v Verdict) (n int) {
	for _, name := range v.Categories {
		n += len(name)
	}
	for name := range v.Scores {
		n += len(name)
	}
	return n
}
