package ledger

import (
	"bytes"
	"encoding/binary"
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
	err = readOnly(path, func(tx *bbolt.Tx) error {
		if err := eachOpen(tx, func(o openRecord) error {
			t.Open, t.Reserved = t.Open+1, t.Reserved.Add(o.need)
			return nil
		}); err != nil {
			return err
		}
		if err := eachRow(tx, time.Time{}, func(r *Row) (bool, error) {
			t.Rows, t.Settled = t.Rows+1, t.Settled.Add(r.Cost)
			return true, nil
		}); err != nil {
			return err
		}
		b := tx.Bucket(balancesBucket)
		if b == nil {
			return nil
		}
		return forEach(b, func(k, v []byte) error {
			key, err := parseBalanceKey(k)
			if err != nil {
				return err
			}
			s, err := decodeBalance(v)
			t.Balances = append(t.Balances, BalanceTotal{key.window, key.rolling, key.unit, key.at, key.scope, key.name, key.value, s.settled})
			return err
		})
	})
	return t, err
}

// ReadRows calls f for the rows of a ledger that no process has open, in the
// order of their request ids (that is of time, roughly), from a moment on,
// until f returns false.
func ReadRows(path string, from time.Time, f func(*Row) bool) error {
	return readOnly(path, func(tx *bbolt.Tx) error {
		return eachRow(tx, from, func(r *Row) (bool, error) { return f(r), nil })
	})
}

// Rows is ReadRows for an open ledger. It sees what is on disk: settlements of
// the last moments may be missing. It must not run long: the file cannot shrink
// its history meanwhile.
func (l *Ledger) Rows(from time.Time, f func(*Row) bool) error {
	return l.db.View(func(tx *bbolt.Tx) error {
		return eachRow(tx, from, func(r *Row) (bool, error) { return f(r), nil })
	})
}

func readOnly(path string, f func(*bbolt.Tx) error) error {
	db, err := openFile(path, &bbolt.Options{Timeout: lockTimeout, ReadOnly: true, NoStatistics: true})
	if err != nil {
		return openError(path, err)
	}
	defer db.Close()
	return db.View(f)
}

func eachOpen(tx *bbolt.Tx, f func(openRecord) error) error {
	b := tx.Bucket(openBucket)
	if b == nil {
		return nil
	}
	return forEach(b, func(k, v []byte) error {
		id, err := parseKey(k)
		if err != nil {
			return err
		}
		o, err := decodeOpen(id, v)
		if err != nil {
			return err
		}
		return f(o)
	})
}

func eachRow(tx *bbolt.Tx, from time.Time, f func(*Row) (bool, error)) error {
	b := tx.Bucket(rowsBucket)
	if b == nil {
		return nil
	}
	c := b.Cursor()
	// A UUID of version 7 begins with its milliseconds: rows before can be
	// skipped without reading them. One hour is left for attempts that were
	// admitted late.
	k, v := c.First()
	if !from.IsZero() && from.UnixMilli() > 3_600_000 {
		var u uuid.UUID
		binary.BigEndian.PutUint64(u[:8], uint64(from.UnixMilli()-3_600_000)<<16)
		k, v = c.Seek(append([]byte{1}, u[:8]...))
	}
	var last []byte
	for ; k != nil; k, v = c.Next() {
		if last != nil && bytes.Compare(last, k) >= 0 {
			return ErrCorrupt // see forEach
		}
		last = append(last[:0], k...)
		id, err := parseKey(k)
		if err != nil {
			return err
		}
		r, err := decodeRow(id, v)
		if err != nil {
			return err
		}
		if r.Time.Before(from) {
			continue
		}
		if more, err := f(&r); err != nil || !more {
			return err
		}
	}
	return nil
}
