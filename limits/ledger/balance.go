package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// balanceKey identifies the balance of one scope value of one budget in one
// window.
type balanceKey struct {
	window             Window
	at                 int64
	scope, name, value string
}

// bytes returns the key as stored: windows of a kind in the order of time.
func (k *balanceKey) bytes() []byte {
	b := make([]byte, 0, 32+len(k.scope)+len(k.name)+len(k.value))
	b = append(b, byte(k.window))
	b = binary.BigEndian.AppendUint64(b, uint64(k.at)^(1<<63))
	for _, s := range [...]string{k.scope, k.name} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	return append(b, k.value...)
}

func parseBalanceKey(b []byte) (k balanceKey, err error) {
	if len(b) < 9 || Window(b[0]) < Hour || Window(b[0]) > Total {
		return k, ErrCorrupt
	}
	k.window = Window(b[0])
	k.at = int64(binary.BigEndian.Uint64(b[1:]) ^ (1 << 63))
	b = b[9:]
	for _, s := range [...]*string{&k.scope, &k.name} {
		if len(b) < 2 {
			return k, ErrCorrupt
		}
		n := int(binary.BigEndian.Uint16(b))
		if b = b[2:]; len(b) < n {
			return k, ErrCorrupt
		}
		*s, b = string(b[:n]), b[n:]
	}
	k.value = string(b)
	return k, nil
}

// balance is what has been spent and is held. Ledger.mu guards it.
type balance struct {
	key               balanceKey
	end               int64 // Unix second in which its window ends, 0 never
	settled, reserved llm.Money
	// amount and label are those of the latest request, for the metrics.
	amount llm.Money
	label  string
}

// left returns what may still be reserved; below 0 there is debt.
func (b *balance) left(amount llm.Money) llm.Money {
	return amount.Add(-b.settled).Add(-b.reserved)
}

func encodeBalance(settled llm.Money, end int64) []byte {
	e := encoder{b: append(make([]byte, 0, 24), codecVersion)}
	e.int(int64(settled))
	e.int(end)
	return e.b
}

func decodeBalance(v []byte) (settled llm.Money, end int64, err error) {
	d := decoder{b: v}
	d.version()
	settled = llm.Money(d.int())
	end = d.int()
	return settled, end, d.end()
}

// The bounds of memory: how many balances are kept, and the longest scope
// value in bytes; a longer one is replaced by its hash.
const (
	MaxBalances = 200_000
	maxValue    = 128
	// memoryFor is how long after its end a window stays in memory, in case a
	// clock is set back; the file keeps it for storedFor.
	memoryFor = 48 * time.Hour
	storedFor = 62 * 24 * time.Hour
)

// find returns the balance of a charge at a moment and makes it if need be.
// Ledger.mu is held.
func (l *Ledger) find(now time.Time, c *Charge) *balance {
	b := c.Budget
	k := balanceKey{window: b.Window, at: b.Window.at(now, b.zone()), scope: b.Scope, name: b.Name, value: scopeValue(c.Value)}
	if bal := l.balances[k]; bal != nil {
		bal.amount = b.Amount
		return bal
	}
	if len(l.balances) >= l.maxBalances && k.value != Overflow {
		l.forget(now)
		if len(l.balances) >= l.maxBalances {
			// Too many: who comes now shares one balance, rather than being
			// let through unseen.
			return l.find(now, &Charge{Budget: b, Value: Overflow})
		}
	}
	if l.made++; l.made%4096 == 0 {
		l.forget(now)
	}
	bal := &balance{key: k.clone(), amount: b.Amount, label: b.Label()}
	if end := b.End(now); !end.IsZero() {
		bal.end = end.Unix()
	}
	l.balances[bal.key] = bal
	return bal
}

func scopeValue(v string) string {
	switch {
	case v == "":
		return None
	case len(v) > maxValue:
		sum := sha256.Sum256([]byte(v))
		return "sha256:" + hex.EncodeToString(sum[:])
	}
	return v
}

// clone copies the strings: they may be pieces of a large request.
func (k balanceKey) clone() balanceKey {
	k.value = string(append([]byte(nil), k.value...))
	return k
}

// forget drops from memory what ended long ago.
func (l *Ledger) forget(now time.Time) {
	before := now.Add(-memoryFor).Unix()
	for k, b := range l.balances {
		if b.end != 0 && b.end < before && b.reserved == 0 {
			delete(l.balances, k)
		}
	}
}
