package ledger

import (
	"bytes"
	"encoding/binary"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The kinds of records in the journal.
const (
	recordOpen   = 1 // key, value of the bucket open
	recordSettle = 2 // flags, key; with hasRow: value of the bucket rows, number of credits, credits
	recordGrant  = 3 // key, value of the bucket grants
)

// Flags of recordSettle.
const (
	wasOpen = 1 << iota // the reservation may be in the bucket open
	hasRow
)

// record appends a write to a frame. A reservation of a call that has a row already
// is not for the journal (see Ledger.journal).
func (e *encoder) record(o *op) {
	switch {
	case o.reserve != nil:
		h := o.reserve
		e.b = append(e.b, recordOpen)
		e.bytes(func() { e.key(&h.call.ID) })
		e.bytes(func() { e.open(&h.call, h.need, h.from) })
	case o.grant != nil:
		e.b = append(e.b, recordGrant)
		e.bytes(func() { e.b = append(e.b, o.grant.key.bytes()...) })
		e.bytes(func() { e.b = append(e.b, encodeGrant(o.grant)...) })
	default:
		h := o.settle
		flags := byte(0)
		if h.batch != nil {
			flags |= wasOpen
		}
		if o.row != nil {
			flags |= hasRow
		}
		e.b = append(e.b, recordSettle, flags)
		e.bytes(func() { e.key(&h.call.ID) })
		if o.row == nil {
			return
		}
		e.bytes(func() { e.row(o.row) })
		e.int(int64(len(o.credits)))
		for i := range o.credits {
			c := &o.credits[i]
			e.bytes(func() { e.b = append(e.b, c.key.bytes()...) })
			e.int(c.key.storedEnd(c.end))
			e.int(int64(c.cost))
			e.int(int64(c.warned))
		}
	}
}

// bytes appends what f appends, behind its length.
func (e *encoder) bytes(f func()) {
	at := len(e.b)
	e.b = append(e.b, 0, 0, 0, 0)
	f()
	binary.LittleEndian.PutUint32(e.b[at:], uint32(len(e.b)-at-4))
}

func (d *decoder) bytes() []byte {
	if len(d.b) < 4 || uint64(binary.LittleEndian.Uint32(d.b)) > uint64(len(d.b)-4) {
		d.bad, d.b = true, nil
		return nil
	}
	n := int(binary.LittleEndian.Uint32(d.b))
	v := d.b[4 : 4+n : 4+n]
	d.b = d.b[4+n:]
	return v
}

func (d *decoder) byte() byte {
	if len(d.b) == 0 {
		d.bad = true
		return 0
	}
	c := d.b[0]
	d.b = d.b[1:]
	return c
}

// pending is what frames of the journal come to that bbolt does not have yet. It
// keeps their records, whose bytes must not change.
type pending struct {
	last   uint64 // the number of the last frame
	open   map[string]reservation
	rows   map[string]settlement
	grants map[string][]byte
}

// reservation is what becomes of one in the bucket open.
type reservation struct {
	value []byte // nil: it has ended
	fresh bool   // bbolt has never had it: an attempt is open once at a time
}

// settlement is a row and what it adds to balances, if the row is new.
type settlement struct {
	row     []byte
	credits []byte // number, then as in recordSettle
}

func newPending() *pending {
	return &pending{open: map[string]reservation{}, rows: map[string]settlement{}, grants: map[string][]byte{}}
}

// add takes in the records of a frame. Every write may come twice and counts once.
func (p *pending) add(seq uint64, records []byte) error {
	d := decoder{b: records}
	for len(d.b) > 0 {
		switch d.byte() {
		case recordOpen:
			k, v := d.bytes(), d.bytes()
			if _, ended := p.rows[string(k)]; !ended {
				before, known := p.open[string(k)]
				p.open[string(k)] = reservation{v, before.fresh || !known}
			}
		case recordGrant:
			k, v := d.bytes(), d.bytes()
			p.grants[string(k)] = v
		case recordSettle:
			flags := d.byte()
			k := d.bytes()
			if flags&wasOpen != 0 {
				if p.open[string(k)].fresh {
					delete(p.open, string(k))
				} else {
					p.open[string(k)] = reservation{}
				}
			}
			if flags&hasRow == 0 {
				break
			}
			s := settlement{row: d.bytes()}
			rest := d.b
			for range d.int() {
				if d.bad {
					break
				}
				d.bytes()
				d.int()
				d.int()
				d.int()
			}
			s.credits = rest[:len(rest)-len(d.b)]
			if _, twice := p.rows[string(k)]; !twice && !d.bad {
				p.rows[string(k)] = s
			}
		default:
			d.bad = true
		}
		if d.bad {
			return ErrCorrupt
		}
	}
	p.last = seq
	return nil
}

// layer is what a transaction has to change for pending writes, by bucket: nil
// removes a key.
type layer struct{ open, rows, balances, grants map[string][]byte }

// over compares pending writes with what a transaction sees.
func (p *pending) over(s *store) (l layer, err error) {
	l = layer{open: map[string][]byte{}, rows: make(map[string][]byte, len(p.rows)), grants: p.grants}
	for k, r := range p.open {
		if r.value == nil || s.rows.Get([]byte(k)) == nil {
			l.open[k] = r.value
		}
	}
	for k, r := range p.rows {
		if s.rows.Get([]byte(k)) != nil {
			continue
		}
		l.rows[k] = r.row
		d := decoder{b: r.credits}
		for range d.int() {
			key, end, cost, warned := d.bytes(), d.int(), llm.Money(d.int()), d.int()
			if d.bad {
				return l, ErrCorrupt
			}
			s.add(key, end, cost, warned)
		}
	}
	l.balances, err = s.sum()
	return l, err
}

// put writes pending changes in the order of their keys.
func (l *layer) put(s *store) error {
	for _, c := range []struct {
		to   *bbolt.Bucket
		from map[string][]byte
	}{{s.open, l.open}, {s.rows, l.rows}, {s.balances, l.balances}, {s.grants, l.grants}} {
		for _, k := range slices.Sorted(maps.Keys(c.from)) {
			var err error
			if v := c.from[k]; v == nil {
				err = c.to.Delete([]byte(k))
			} else {
				err = c.to.Put([]byte(k), v)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// apply writes pending changes into a transaction.
func (p *pending) apply(tx *bbolt.Tx) error {
	s := openStore(tx)
	l, err := p.over(s)
	if err != nil {
		return err
	}
	return l.put(s)
}

// each calls f for the keys of a bucket and of what lies over it, in order, from a
// key on, until f returns false. What lies over the bucket counts where both have
// a key. The pages of a damaged file may lead in a circle: then the keys do not
// rise, and it ends with ErrCorrupt.
func each(b *bbolt.Bucket, over map[string][]byte, from []byte, f func(k, v []byte) (bool, error)) error {
	keys := slices.Sorted(maps.Keys(over))
	i, _ := slices.BinarySearch(keys, string(from))
	keys = keys[i:]
	var c *bbolt.Cursor
	var k, v []byte
	if b != nil {
		c = b.Cursor()
		k, v = c.Seek(from)
	}
	var last []byte
	for k != nil || len(keys) > 0 {
		if len(keys) > 0 && (k == nil || keys[0] <= string(k)) {
			key := keys[0]
			keys = keys[1:]
			if over[key] != nil {
				if more, err := f([]byte(key), over[key]); err != nil || !more {
					return err
				}
			}
			if k == nil || key != string(k) {
				continue
			}
		} else if more, err := f(k, v); err != nil || !more {
			return err
		}
		last = append(last[:0], k...)
		if k, v = c.Next(); k != nil && bytes.Compare(last, k) >= 0 {
			return ErrCorrupt
		}
	}
	return nil
}
