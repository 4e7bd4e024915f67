package ledger

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// balanceKey identifies the balance of one scope value of one budget in one
// window. Of a rolling budget the window is a slot of time when stored, and all
// slots are one balance with at = 0 in memory.
type balanceKey struct {
	window             Window
	rolling            bool
	unit               Unit
	at                 int64
	scope, name, value string
}

const (
	windowBits  = 0x07
	rollingBit  = 0x08
	unitShift   = 4
	balanceHead = 9 // bytes before the texts
)

// kind is the first byte of a stored key.
func (k *balanceKey) kind() byte {
	b := byte(k.window) | byte(k.unit)<<unitShift
	if k.rolling {
		b |= rollingBit
	}
	return b
}

// bytes returns the key as stored: windows of a kind in the order of time.
func (k *balanceKey) bytes() []byte {
	b := make([]byte, 0, 32+len(k.scope)+len(k.name)+len(k.value))
	b = append(b, k.kind())
	b = binary.BigEndian.AppendUint64(b, uint64(k.at)^(1<<63))
	for _, s := range [...]string{k.scope, k.name} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(s)))
		b = append(b, s...)
	}
	return append(b, k.value...)
}

func parseBalanceKey(b []byte) (k balanceKey, err error) {
	if len(b) < balanceHead {
		return k, ErrCorrupt
	}
	k.window, k.rolling, k.unit = Window(b[0]&windowBits), b[0]&rollingBit != 0, Unit(b[0]>>unitShift)
	if k.window < Hour || k.window > Total || k.unit > Tokens || k.rolling && k.window == Total {
		return k, ErrCorrupt
	}
	k.at = int64(binary.BigEndian.Uint64(b[1:]) ^ (1 << 63))
	b = b[balanceHead:]
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

// balance is what has been spent and is held, in the unit of its key.
// Ledger.mu guards it.
type balance struct {
	key               balanceKey
	end               int64 // Unix second in which its window ends, 0 never
	settled, reserved llm.Money
	// slots are the parts of settled of a rolling budget, in the order of time. The
	// first gone of them have left the window and wait in case the clock is set
	// back.
	slots []slot
	gone  int
	// granted is what an operator has added for this window; of a rolling
	// budget until grantEnd (Unix second).
	granted  llm.Money
	grantEnd int64
	// warned is the highest percentage that was reported in this window, of a
	// rolling budget at warnedAt (Unix second).
	warned   int
	warnedAt int64
	// amount, label and budget are those of the latest request.
	amount llm.Money
	label  string
}

// slot is what was settled in one slice of time of a rolling window.
type slot struct {
	at int64 // Unix second in which it begins
	n  llm.Money
}

// rollingSlots is how many slots a rolling window has. A slot counts until all
// of it has left the window, so that no window, wherever it starts, exceeds the
// amount; 64 of 65 parts are usable at a steady rate.
const rollingSlots = 64

func (w Window) slotWidth() int64 { return (w.seconds() + rollingSlots - 1) / rollingSlots }

// left returns what may still be reserved; below 0 there is debt.
func (b *balance) left(amount llm.Money) llm.Money {
	return amount.Add(b.granted).Add(-b.settled).Add(-b.reserved)
}

// expire forgets what has left a rolling window.
func (b *balance) expire(now int64) {
	if b.grantEnd != 0 && b.grantEnd <= now {
		b.granted, b.grantEnd = 0, 0
	}
	if !b.key.rolling {
		return
	}
	old := now - b.key.window.seconds() - b.key.window.slotWidth()
	for b.gone < len(b.slots) && b.slots[b.gone].at <= old {
		b.settled -= b.slots[b.gone].n
		b.gone++
	}
	for b.gone > 0 && b.slots[b.gone-1].at > old {
		b.gone--
		b.settled = b.settled.Add(b.slots[b.gone].n)
	}
	i := 0
	for i < b.gone && b.slots[i].at <= old-clockSlack {
		i++
	}
	if b.slots, b.gone = b.slots[i:], b.gone-i; len(b.slots) == 0 {
		b.slots = nil
	}
}

// clockSlack is how far a clock may be set back, in seconds, without freeing what
// a rolling window had let go before.
const clockSlack = 2 * 3600

// settle adds what was spent. It returns the key under which that is stored.
func (b *balance) settle(now int64, cost llm.Money) balanceKey {
	k := b.key
	if !k.rolling {
		b.settled = b.settled.Add(cost)
		return k
	}
	b.expire(now)
	w := k.window.slotWidth()
	k.at = floorDiv(now, w) * w
	if n := len(b.slots); n > b.gone && b.slots[n-1].at >= k.at {
		k.at = b.slots[n-1].at // also when a clock was set back
		b.slots[n-1].n = b.slots[n-1].n.Add(cost)
	} else {
		b.slots = append(b.slots, slot{k.at, cost})
	}
	b.settled = b.settled.Add(cost)
	return k
}

// storedEnd is when what is stored under a key need not be loaded any more.
func (k *balanceKey) storedEnd(end int64) int64 {
	if k.rolling {
		return k.at + k.window.slotWidth() + k.window.seconds()
	}
	return end
}

// ends returns when need will fit if nothing more is asked: of a calendar window
// its end, of a rolling one when enough slots have left.
func (b *balance) ends(budget *Budget, amount, need llm.Money, now time.Time) time.Time {
	if !b.key.rolling {
		return budget.End(now)
	}
	left := b.left(amount)
	for _, s := range b.slots[b.gone:] {
		if left = left.Add(s.n); need <= left {
			return time.Unix(b.key.storedSlotEnd(s.at), 0)
		}
	}
	// Only what is held stands in the way; nobody knows when it ends.
	return now.Add(time.Minute)
}

func (k *balanceKey) storedSlotEnd(at int64) int64 {
	return at + k.window.slotWidth() + k.window.seconds()
}

// cross appends the warnings of thresholds that were reached and not reported in
// this window.
func (b *balance) cross(to []Warning, c *Charge, now int64) []Warning {
	amount := c.amount().Add(b.granted)
	if len(c.Budget.Warn) == 0 || amount <= 0 {
		return to
	}
	if b.key.rolling && b.warned > 0 && now-b.warnedAt >= b.key.window.seconds() {
		b.warned = 0
	}
	for _, p := range c.Budget.Warn {
		if p <= b.warned || !reached(b.settled, amount, p) {
			continue
		}
		b.warned, b.warnedAt = p, now
		to = append(to, Warning{Budget: c.Budget, Value: b.key.value, Percent: p, Settled: b.settled, Amount: amount, Ends: unixOrZero(b.end)})
	}
	return to
}

// reached reports whether settled is at least p percent of amount.
func reached(settled, amount llm.Money, p int) bool {
	if settled <= 0 {
		return false
	}
	h1, l1 := bits.Mul64(uint64(settled), 100)
	h2, l2 := bits.Mul64(uint64(amount), uint64(p))
	return h1 > h2 || h1 == h2 && l1 >= l2
}

func unixOrZero(s int64) time.Time {
	if s == 0 {
		return time.Time{}
	}
	return time.Unix(s, 0)
}

// stored is the value under a balance key.
type stored struct {
	settled llm.Money
	end     int64
	warned  int64 // see balance.warned
}

func encodeBalance(s stored) []byte {
	e := encoder{b: append(make([]byte, 0, 24), codecVersion)}
	e.int(int64(s.settled))
	e.int(s.end)
	e.int(s.warned)
	return e.b
}

func decodeBalance(v []byte) (s stored, err error) {
	d := decoder{b: v}
	d.version()
	s.settled = llm.Money(d.int())
	s.end = d.int()
	s.warned = d.int()
	return s, d.end()
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

// key returns the key of a budget's balance at a moment.
func (b *Budget) key(now time.Time, value string) balanceKey {
	k := balanceKey{window: b.Window, rolling: b.Rolling, unit: b.Unit, scope: b.Scope, name: b.Name, value: scopeValue(value)}
	if !b.Rolling {
		k.at = b.Window.at(now, b.zone())
	}
	return k
}

// find returns the balance of a charge at a moment and makes it if need be.
// Ledger.mu is held.
func (l *Ledger) find(now time.Time, c *Charge) *balance {
	b := c.Budget
	k := b.key(now, c.Value)
	if bal := l.balances[k]; bal != nil {
		bal.amount = c.amount()
		bal.expire(now.Unix())
		return bal
	}
	if len(l.balances) >= l.maxBalances && k.value != Overflow {
		l.forget(now)
		if len(l.balances) >= l.maxBalances {
			// Too many: who comes now shares one balance, rather than being
			// let through unseen.
			return l.find(now, &Charge{Budget: b, Value: Overflow, Amount: c.Amount})
		}
	}
	if l.made++; l.made%4096 == 0 {
		l.forget(now)
	}
	bal := &balance{key: k.clone(), amount: c.amount(), label: b.Label()}
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
		b.expire(now.Unix())
		if b.reserved != 0 || b.granted != 0 && (b.end == 0 || b.end >= before) {
			continue
		}
		if b.end != 0 && b.end < before || b.key.rolling && len(b.slots) == 0 {
			delete(l.balances, k)
		}
	}
}

// load puts a stored balance into memory.
func (l *Ledger) load(k balanceKey, s stored, now int64) {
	if k.rolling && k.storedEnd(0)+clockSlack <= now {
		return
	}
	b := l.remembered(k, s.end)
	b.settled = b.settled.Add(s.settled)
	b.warned = max(b.warned, int(s.warned))
	if k.rolling {
		// Stored in the order of time, for each kind of window.
		b.slots = append(b.slots, slot{k.at, s.settled})
		b.warnedAt = max(b.warnedAt, k.at)
	}
}

// remembered returns the balance in memory to which a stored key belongs.
func (l *Ledger) remembered(k balanceKey, end int64) *balance {
	if k.rolling {
		k.at, end = 0, 0
	}
	b := l.balances[k]
	if b == nil {
		b = &balance{key: k, end: end}
		b.label = (&Budget{Window: k.window, Rolling: k.rolling, Unit: k.unit, Scope: k.scope, Name: k.name}).Label()
		l.balances[k] = b
	}
	return b
}
