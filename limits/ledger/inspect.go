package ledger

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"time"

	"github.com/google/uuid"
	"go.etcd.io/bbolt"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Totals is what a ledger's file says.
type Totals struct {
	Open     int       // reservations that have not ended
	Reserved llm.Money // their sum
	Rows     int
	Settled  llm.Money // the sum of the rows' costs
	Balances []BalanceTotal
}

// BalanceTotal is the stored balance of a scope value of a budget in one window.
type BalanceTotal struct {
	Window             Window
	Rolling            bool
	Unit               Unit
	At                 int64 // local date as yyyymmdd, or the second an hour or a rolling slot begins in
	Scope, Name, Value string
	Settled            llm.Money
}

// Inspect reads the totals of a ledger that no process has open. It changes
// nothing: what a dead process left open is counted as open.
func Inspect(path string) (t Totals, err error) {
	err = readOnly(path, func(tx *bbolt.Tx, p *pending) error {
		var over layer
		if b := tx.Bucket(rowsBucket); b != nil {
			if over, err = p.over(openStore(tx)); err != nil {
				return err
			}
		}
		if err := eachOpen(tx, over.open, func(o openRecord) error {
			t.Open, t.Reserved = t.Open+1, t.Reserved.Add(o.need)
			return nil
		}); err != nil {
			return err
		}
		if err := eachRow(tx, over.rows, time.Time{}, func(r *Row) bool {
			t.Rows, t.Settled = t.Rows+1, t.Settled.Add(r.Cost)
			return true
		}); err != nil {
			return err
		}
		return each(tx.Bucket(balancesBucket), over.balances, nil, func(k, v []byte) (bool, error) {
			key, err := parseBalanceKey(k)
			if err != nil {
				return false, err
			}
			s, err := decodeBalance(v)
			t.Balances = append(t.Balances, BalanceTotal{key.window, key.rolling, key.unit, key.at, key.scope, key.name, key.value, s.settled})
			return true, err
		})
	})
	return t, err
}

// ReadRows calls f for the rows of a ledger that no process has open, in the
// order of their request ids (that is of time, roughly), from a moment on,
// until f returns false.
func ReadRows(path string, from time.Time, f func(*Row) bool) error {
	return readOnly(path, func(tx *bbolt.Tx, p *pending) error {
		return eachRow(tx, p.rowsOver(nil), from, f)
	})
}

// Rows is ReadRows for an open ledger. It sees what is on disk, in the journal or in
// the bbolt file: settlements of the last moments may be missing. It must not run
// long: the file cannot shrink its history meanwhile.
func (l *Ledger) Rows(from time.Time, f func(*Row) bool) error {
	// First what is pending: whatever is put into the bbolt file in between is seen
	// in both, and counts once.
	l.pmu.Lock()
	over := l.current.rowsOver(nil)
	if l.applying != nil {
		over = l.applying.rowsOver(over)
	}
	l.pmu.Unlock()
	return l.db.View(func(tx *bbolt.Tx) error { return eachRow(tx, over, from, f) })
}

// rowsOver adds the rows to a map, over those that it has.
func (p *pending) rowsOver(rows map[string][]byte) map[string][]byte {
	if rows == nil {
		rows = make(map[string][]byte, len(p.rows))
	}
	for k, r := range p.rows {
		rows[k] = r.row
	}
	return rows
}

// readOnly gives f what the bbolt file has and what its journal adds to it.
func readOnly(path string, f func(*bbolt.Tx, *pending) error) error {
	db, err := openFile(path, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true, NoStatistics: true})
	if err != nil {
		return openError(path, err)
	}
	defer db.Close()
	return db.View(func(tx *bbolt.Tx) error {
		m, err := readMarks(tx)
		if err != nil {
			return err
		}
		p := newPending()
		if m.layout == layoutJournal {
			j, err := openJournal(path+journalSuffix, os.O_RDONLY)
			if errors.Is(err, fs.ErrNotExist) {
				return lostJournal(path)
			}
			if err != nil {
				return err
			}
			defer j.close()
			frames, _, err := j.of(m)
			if err != nil {
				return err
			}
			if p, err = collect(frames, j); err != nil {
				return err
			}
		}
		return f(tx, p)
	})
}

func eachOpen(tx *bbolt.Tx, over map[string][]byte, f func(openRecord) error) error {
	return each(tx.Bucket(openBucket), over, nil, func(k, v []byte) (bool, error) {
		id, err := parseKey(k)
		if err != nil {
			return false, err
		}
		o, err := decodeOpen(id, v)
		if err != nil {
			return false, err
		}
		return true, f(o)
	})
}

func eachRow(tx *bbolt.Tx, over map[string][]byte, from time.Time, f func(*Row) bool) error {
	// A UUID of version 7 begins with its milliseconds: rows before can be
	// skipped without reading them. One hour is left for attempts that were
	// admitted late.
	var first []byte
	if !from.IsZero() && from.UnixMilli() > 3_600_000 {
		var u uuid.UUID
		binary.BigEndian.PutUint64(u[:8], uint64(from.UnixMilli()-3_600_000)<<16)
		first = append([]byte{1}, u[:8]...)
	}
	b := tx.Bucket(rowsBucket)
	for k := range over {
		if b != nil && b.Get([]byte(k)) != nil {
			delete(over, k) // the first row of an attempt is the one that counts
		}
	}
	return each(b, over, first, func(k, v []byte) (bool, error) {
		id, err := parseKey(k)
		if err != nil {
			return false, err
		}
		r, err := decodeRow(id, v)
		if err != nil {
			return false, err
		}
		return r.Time.Before(from) || f(&r), nil
	})
}
