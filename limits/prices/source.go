package prices

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
)

// MaxFile is the size in bytes beyond which a price file is not read.
const MaxFile = 16 << 20

// ErrShrunk is wrapped when new prices know far fewer models than those read before
// them, if those were manyModels or more: rather an accident at their source than a
// decision.
var ErrShrunk = errors.New("the new prices know less than half as many models as those before")

const manyModels = 100

// Source is where prices come from at run time: the embedded catalogue, over it
// what was last read from a file or URL, and over that the operator's overrides.
// It is safe for concurrent use.
type Source struct {
	overrides []Override
	read      atomic.Pointer[Catalogue] // what was read last, alone; nil for nothing
	current   atomic.Pointer[Catalogue]
}

// NewSource returns the source with the embedded catalogue and overrides.
func NewSource(overrides []Override) *Source {
	s := &Source{overrides: overrides}
	s.current.Store(Embedded().With(overrides))
	return s
}

// Current is the catalogue that holds now.
func (s *Source) Current() *Catalogue { return s.current.Load() }

// Update takes prices that were read from a file or URL, in any shape that Import
// reads. If something is wrong with them it says what, and what held before goes on
// to hold. It reports whether anything changed.
func (s *Source) Update(data []byte) (changed bool, err error) {
	if len(data) > MaxFile {
		return false, fmt.Errorf("the prices have more than %d MiB", MaxFile>>20)
	}
	c, err := Load(data)
	if err != nil {
		return false, err
	}
	if !strings.Contains(c.version, "~") {
		sum := sha256.Sum256(data)
		c.version += "~" + hex.EncodeToString(sum[:4])
	}
	if c.imported {
		c.doubt(Embedded())
	}
	before := s.read.Load()
	if before != nil {
		if before.version == c.version {
			return false, nil
		}
		if n := before.Models(); n >= manyModels && c.Models()*2 < n {
			return false, fmt.Errorf("%w: %d and %d", ErrShrunk, c.Models(), before.Models())
		}
	}
	s.read.Store(c)
	s.current.Store(c.Over(Embedded()).With(s.overrides))
	return true, nil
}

// doubt takes out of a list of others what would let calls pass unpaid although the
// catalogue knows better: a price of nothing, which in such lists often means that
// nobody has looked it up, and a shorter limit on the output, which bounds what is
// reserved. Who means it says so with an override or a file of our own shape.
func (c *Catalogue) doubt(base *Catalogue) {
	for name, p := range c.providers {
		known := base.providers[name]
		if known == nil {
			continue
		}
		for model, m := range p.exact {
			k := known.find(model)
			if k == nil {
				continue
			}
			for i := range m.prices {
				price := &m.prices[i].price
				was := &k.prices[len(k.prices)-1].price
				if price.Free() && !was.Free() {
					delete(p.exact, model)
					break
				}
				if price.MaxOutput > 0 {
					price.MaxOutput = max(price.MaxOutput, was.MaxOutput)
				}
			}
		}
	}
}
