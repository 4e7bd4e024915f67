package ledger

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"go.etcd.io/bbolt"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// The buckets of the file.
var (
	metaBucket     = []byte("meta")     // "version" → layoutVersion
	openBucket     = []byte("open")     // ID → reservation
	rowsBucket     = []byte("rows")     // ID → row
	balancesBucket = []byte("balances") // balanceKey → settled amount
	grantsBucket   = []byte("grants")   // balanceKey → granted amount
	versionKey     = []byte("version")
	layoutVersion  = []byte{2}
)

// store applies writes within one transaction. Balances are added up first and
// written once.
type store struct {
	open, rows, balances, grants *bbolt.Bucket
	sums                         map[balanceKey]*credit
}

func openStore(tx *bbolt.Tx) *store {
	s := &store{open: tx.Bucket(openBucket), rows: tx.Bucket(rowsBucket), balances: tx.Bucket(balancesBucket), grants: tx.Bucket(grantsBucket)}
	s.rows.FillPercent = 0.9 // almost always appended to
	return s
}

// apply puts one write into the transaction. What only concerns this write goes
// to result; the error returned fails the whole batch. Every write may come
// twice (after a commit whose outcome is unknown) and counts once.
func (s *store) apply(o *op, result *error) error {
	if h := o.reserve; h != nil {
		k := h.call.key()
		if s.rows.Get(k) != nil {
			*result = ErrDuplicate
			return nil
		}
		if len(h.from) == 0 {
			return nil // only a probe whether the file can be written
		}
		return s.open.Put(k, encodeOpen(&h.call, h.need, h.from))
	}
	if g := o.grant; g != nil {
		return s.grants.Put(g.key.bytes(), encodeGrant(g))
	}
	h := o.settle
	k := h.call.key()
	if h.batch != nil {
		if err := s.open.Delete(k); err != nil {
			return err
		}
	}
	if o.row == nil || s.rows.Get(k) != nil {
		return nil
	}
	if err := s.rows.Put(k, encodeRow(o.row)); err != nil {
		return err
	}
	for i := range o.credits {
		s.add(&o.credits[i])
	}
	return nil
}

// add notes what has to be added to a balance when the transaction ends.
func (s *store) add(c *credit) {
	if s.sums == nil {
		s.sums = map[balanceKey]*credit{}
	}
	sum := s.sums[c.key]
	if sum == nil {
		sum = &credit{key: c.key, end: c.end}
		s.sums[c.key] = sum
	}
	sum.cost = sum.cost.Add(c.cost)
	sum.warned = max(sum.warned, c.warned)
}

// flush writes the balances.
func (s *store) flush() error {
	for _, c := range s.sums {
		k := c.key.bytes()
		var b stored
		if v := s.balances.Get(k); v != nil {
			var err error
			if b, err = decodeBalance(v); err != nil {
				return err
			}
		}
		b.settled, b.end, b.warned = b.settled.Add(c.cost), c.key.storedEnd(c.end), max(b.warned, int64(c.warned))
		if err := s.balances.Put(k, encodeBalance(b)); err != nil {
			return err
		}
	}
	return nil
}

// recover makes the buckets, ends what a dead process has left open and loads
// the balances. One transaction does all of it, so a crash in the middle
// changes nothing.
func (l *Ledger) recover(now time.Time) error {
	return l.update(func(tx *bbolt.Tx) error {
		if err := makeBuckets(tx); err != nil {
			return err
		}
		if err := l.endCrashed(tx, now); err != nil {
			return err
		}
		if err := pruneBalances(tx, now.Add(-storedFor).Unix(), 1<<30); err != nil {
			return err
		}
		memory := now.Add(-memoryFor).Unix()
		err := forEach(tx.Bucket(balancesBucket), func(k, v []byte) error {
			key, err := parseBalanceKey(k)
			if err != nil {
				return err
			}
			b, err := decodeBalance(v)
			if err == nil && (b.end == 0 || b.end >= memory) {
				l.load(key, b, now.Unix())
			}
			return err
		})
		if err != nil {
			return err
		}
		return l.loadGrants(tx.Bucket(grantsBucket), now.Unix())
	})
}

// loadGrants puts the grants into memory and removes those that have ended.
func (l *Ledger) loadGrants(b *bbolt.Bucket, now int64) error {
	var old [][]byte
	err := forEach(b, func(k, v []byte) error {
		key, err := parseBalanceKey(k)
		if err != nil {
			return err
		}
		amount, end, err := decodeGrant(v)
		if err != nil {
			return err
		}
		if end != 0 && end+int64(memoryFor.Seconds()) < now {
			old = append(old, slices.Clone(k))
			return nil
		}
		bal := l.remembered(key, end)
		bal.granted, bal.grantEnd = amount, end
		return nil
	})
	if err != nil {
		return err
	}
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func makeBuckets(tx *bbolt.Tx) error {
	for _, name := range [][]byte{metaBucket, openBucket, rowsBucket, balancesBucket, grantsBucket} {
		if _, err := tx.CreateBucketIfNotExists(name); err != nil {
			return err
		}
	}
	meta := tx.Bucket(metaBucket)
	switch v := meta.Get(versionKey); {
	case v == nil:
		return meta.Put(versionKey, layoutVersion)
	case string(v) != string(layoutVersion):
		return fmt.Errorf("the file was written by another version of the gateway (layout %d, this one reads %d)", v[0], layoutVersion[0])
	}
	return nil
}

// endCrashed ends every open reservation and writes a row that says how: settled
// by what is known of its end, else charged in full or released.
func (l *Ledger) endCrashed(tx *bbolt.Tx, now time.Time) error {
	s := openStore(tx)
	var open []openRecord
	if err := eachOpen(tx, func(o openRecord) error {
		open = append(open, o)
		return nil
	}); err != nil || len(open) == 0 {
		return err
	}
	var known map[ID]Known
	if l.o.KnownEnds != nil {
		calls := make([]Call, len(open))
		for i := range open {
			calls[i] = open[i].call
		}
		known = l.o.KnownEnds(calls)
	}
	ended, sum := 0, llm.Money(0)
	for i := range open {
		o := &open[i]
		k := o.call.key()
		if err := s.open.Delete(k); err != nil {
			return err
		}
		if s.rows.Get(k) != nil {
			continue // cannot be: a settlement removes both at once
		}
		end, isKnown := known[o.call.ID]
		if isKnown {
			ended++
			if end.Result == llm.ResultUnsent {
				continue // it never left: as if it had been cancelled
			}
		} else {
			sum = sum.Add(o.need)
		}
		r := l.crashed(o, end, isKnown)
		if err := s.rows.Put(k, encodeRow(&r)); err != nil {
			return err
		}
		if r.Kind == Released {
			continue
		}
		for j := range o.from {
			f := &o.from[j]
			c := credit{key: f.key, end: f.end, cost: f.need}
			if isKnown {
				c.cost = r.spent(f.key.unit)
			}
			if c.key.rolling {
				w := c.key.window.slotWidth()
				c.key.at = floorDiv(now.Unix(), w) * w
			}
			s.add(&c)
		}
	}
	if err := s.flush(); err != nil {
		return err
	}
	if ended > 0 {
		l.o.Logf("ledger: %d calls had not ended here when the last process did; they were settled by their records", ended)
	}
	if n := len(open) - ended; n > 0 {
		l.o.Logf("ledger: %d calls had not ended when the last process did; %s reserved for them: %s", n, sum,
			map[string]string{OnCrashCharge: "charged in full", OnCrashRelease: "released"}[l.o.OnCrash])
	}
	return nil
}

// crashed is the row of a call whose process died.
func (l *Ledger) crashed(o *openRecord, end Known, known bool) Row {
	r := Row{Call: o.call, Kind: Released, Reserved: o.need, Result: llm.ResultCut}
	switch {
	case known:
		r.Kind, r.Cost, r.Tokens, r.Usage, r.Result = Settled, max(0, end.Cost), max(0, end.Tokens), end.Usage, end.Result
		r.Served, r.Usage.Parts = clip(end.Usage.Model), nil
	case l.o.OnCrash == OnCrashCharge:
		r.Kind, r.Cost, r.Usage.Estimated = CrashCharged, o.need, true
		for i := range o.from {
			if f := &o.from[i]; f.key.unit == Tokens {
				r.Tokens = max(r.Tokens, int64(f.need))
			}
		}
	}
	return r
}

// pruneBalances removes up to n balances of windows that ended before.
func pruneBalances(tx *bbolt.Tx, before int64, n int) error {
	b := tx.Bucket(balancesBucket)
	var old [][]byte
	for kind := byte(Hour); kind <= byte(Total)|rollingBit|byte(Tokens)<<unitShift; kind++ {
		if Window(kind&windowBits) == Total {
			continue
		}
		c := b.Cursor()
		for k, v := c.Seek([]byte{kind}); k != nil && k[0] == kind && len(old) < n; k, v = c.Next() {
			if m := len(old); m > 0 && old[m-1][0] == kind && bytes.Compare(old[m-1], k) >= 0 {
				return ErrCorrupt // see forEach
			}
			s, err := decodeBalance(v)
			if err != nil {
				return err
			}
			if s.end == 0 || s.end >= before {
				break // windows of a kind are stored in the order of time
			}
			old = append(old, append([]byte(nil), k...))
		}
	}
	for _, k := range old {
		if err := b.Delete(k); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// forEach calls f for every key in order. The pages of a damaged file may lead
// in a circle: then the keys do not rise, and it ends with ErrCorrupt.
func forEach(b *bbolt.Bucket, f func(k, v []byte) error) error {
	var last []byte
	return b.ForEach(func(k, v []byte) error {
		if last != nil && bytes.Compare(last, k) >= 0 {
			return ErrCorrupt
		}
		last = append(last[:0], k...)
		return f(k, v)
	})
}
