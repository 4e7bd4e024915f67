package ledger

import (
	"bytes"
	"encoding/binary"
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
	metaBucket     = []byte("meta")     // "version" → layout; "journal"
	openBucket     = []byte("open")     // ID → reservation
	rowsBucket     = []byte("rows")     // ID → row
	balancesBucket = []byte("balances") // balanceKey → settled amount
	grantsBucket   = []byte("grants")   // balanceKey → granted amount
	versionKey     = []byte("version")
	journalKey     = []byte("journal") // journalID, number of the last frame that is in here
)

// The layouts of the file. A file that has been closed is complete in itself; one that
// is in use, or whose process died, is not without its journal.
const (
	layoutWhole   = 2
	layoutJournal = 3
)

// store is the buckets of one transaction. What is to be added to balances is added
// up first and written once.
type store struct {
	meta, open, rows, balances, grants *bbolt.Bucket
	sums                               map[string]*stored // by key; settled is what is to be added
}

func openStore(tx *bbolt.Tx) *store {
	s := &store{meta: tx.Bucket(metaBucket), open: tx.Bucket(openBucket), rows: tx.Bucket(rowsBucket), balances: tx.Bucket(balancesBucket), grants: tx.Bucket(grantsBucket)}
	s.rows.FillPercent = 0.9 // almost always appended to
	return s
}

// add notes what has to be added to a balance.
func (s *store) add(key []byte, end int64, cost llm.Money, warned int64) {
	if s.sums == nil {
		s.sums = map[string]*stored{}
	}
	sum := s.sums[string(key)]
	if sum == nil {
		sum = &stored{}
		s.sums[string(key)] = sum
	}
	sum.settled, sum.end, sum.warned = sum.settled.Add(cost), end, max(sum.warned, warned)
}

// sum returns what those balances are with it.
func (s *store) sum() (map[string][]byte, error) {
	balances := make(map[string][]byte, len(s.sums))
	for k, c := range s.sums {
		var b stored
		if v := s.balances.Get([]byte(k)); v != nil {
			var err error
			if b, err = decodeBalance(v); err != nil {
				return nil, err
			}
		}
		b.settled, b.end, b.warned = b.settled.Add(c.settled), c.end, max(b.warned, c.warned)
		balances[k] = encodeBalance(b)
	}
	return balances, nil
}

// recover makes the buckets, takes over what the journal has, ends what a dead
// process has left open and loads the balances. One transaction does all of it, so
// a crash in the middle changes nothing.
func (l *Ledger) recover(now time.Time, journalled *pending) error {
	return l.update(func(tx *bbolt.Tx) error {
		if err := makeBuckets(tx); err != nil {
			return err
		}
		if err := journalled.apply(tx); err != nil {
			return err
		}
		if err := l.mark(tx, layoutJournal, l.j.seq); err != nil {
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
	return nil
}

// marks are what a file says of its journal.
type marks struct {
	layout  byte // 0: the file is new
	id      journalID
	applied uint64 // the number of the last frame that is in the file
}

func readMarks(tx *bbolt.Tx) (m marks, err error) {
	b := tx.Bucket(metaBucket)
	if b == nil {
		return m, nil
	}
	if v := b.Get(versionKey); len(v) > 0 {
		m.layout = v[0]
	}
	switch m.layout {
	case 0, layoutWhole, layoutJournal:
	default:
		return m, fmt.Errorf("the file was written by another version of the gateway (layout %d, this one reads %d and %d)", m.layout, layoutWhole, layoutJournal)
	}
	v := b.Get(journalKey)
	switch {
	case v == nil && m.layout != layoutJournal:
	case len(v) == len(m.id)+8:
		copy(m.id[:], v)
		m.applied = binary.BigEndian.Uint64(v[len(m.id):])
	default:
		return m, ErrCorrupt
	}
	return m, nil
}

// mark writes down which frames are in the file.
func (l *Ledger) mark(tx *bbolt.Tx, layout byte, applied uint64) error {
	b := tx.Bucket(metaBucket)
	if err := b.Put(versionKey, []byte{layout}); err != nil {
		return err
	}
	return b.Put(journalKey, binary.BigEndian.AppendUint64(slices.Clone(l.j.id[:]), applied))
}

// endCrashed ends every open reservation and writes a row that says how: settled
// by what is known of its end, else charged in full or released.
func (l *Ledger) endCrashed(tx *bbolt.Tx, now time.Time) error {
	s := openStore(tx)
	var open []openRecord
	if err := eachOpen(tx, nil, func(o openRecord) error {
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
			key, cost := f.key, f.need
			if isKnown {
				cost = r.spent(f.key.unit)
			}
			if key.rolling {
				w := key.window.slotWidth()
				key.at = floorDiv(now.Unix(), w) * w
			}
			s.add(key.bytes(), key.storedEnd(f.end), cost, 0)
		}
	}
	balances, err := s.sum()
	if err != nil {
		return err
	}
	if err := (&layer{balances: balances}).put(s); err != nil {
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
	if err := syncFile(d); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// forEach calls f for every key in order (see each).
func forEach(b *bbolt.Bucket, f func(k, v []byte) error) error {
	return each(b, nil, nil, func(k, v []byte) (bool, error) { return true, f(k, v) })
}
