package limits

import (
	"math"
	"math/bits"
	"slices"
	"time"
)

// meter is the counter of a limit with a burst: the generic cell rate algorithm,
// kept as a vessel that what is charged fills and that leaks at the rate. There
// is room as long as the level stays within the burst. All is exact: what has
// leaked of the next whole unit is kept as a fraction, and nothing is rounded in
// the caller's favour.
//
// What is open (may still be settled) is served in the order in which it came.
// Only what has not leaked yet can be given back: the rest is time that has
// passed, and nobody may have it twice.
type meter struct {
	rate   int64 // units in a window, as of the latest request
	burst  int64
	level  int64
	part   uint64 // leaked of the next unit, in units of 1/window; 0 at level 0
	at     int64  // the time of level
	served int64  // leaked so far: the position of the leak
	// open are the charges that may still change, in order.
	open []*takenItem
}

// set takes the parameters of the limit as they are now.
func (m *meter) set(rate, burst int64) { m.rate, m.burst = rate, burst }

// drain leaks until t.
func (m *meter) drain(window, t int64) {
	if t <= m.at {
		return
	}
	passed := uint64(t - m.at)
	m.at = t
	if m.level == 0 {
		return
	}
	hi, lo := bits.Mul64(passed, uint64(m.rate))
	lo, carry := bits.Add64(lo, m.part, 0)
	hi += carry
	leak := uint64(math.MaxUint64)
	if hi < uint64(window) {
		leak, m.part = bits.Div64(hi, lo, uint64(window))
	}
	if leak >= uint64(m.level) {
		m.served += m.level
		m.level, m.part = 0, 0
		return
	}
	m.served += int64(leak)
	m.level -= int64(leak)
}

// charge fills in n. It returns the position at which that will have leaked.
func (m *meter) charge(n int64) int64 {
	m.level += n
	return m.served + m.level
}

// settle replaces what an open charge holds by what was used.
func (m *meter) settle(it *takenItem, used int64) {
	at := slices.Index(m.open, it)
	if at < 0 {
		return
	}
	m.open = slices.Delete(m.open, at, at+1)
	if used > it.n {
		// A debt is worked off at the rate, but one call does not lock a caller
		// out for longer than a window after the burst has come back.
		most := max(m.level, m.burst+m.rate)
		m.level = min(m.level+min(used-it.n, maxTotal), most)
		return
	}
	inside := it.mark - m.served
	if m.part > 0 {
		inside-- // a part of the next unit has leaked already
	}
	back := min(it.n-used, max(0, inside))
	m.level -= back
	if m.level == 0 {
		m.part = 0
	}
	for _, later := range m.open[at:] {
		later.mark -= back
	}
}

// wait returns how long it takes until n units more have leaked.
func (m *meter) wait(window, n int64) time.Duration {
	if n <= 0 {
		return 0
	}
	if m.rate <= 0 {
		return MaxWindow
	}
	hi, lo := bits.Mul64(uint64(n), uint64(window))
	lo, borrow := bits.Sub64(lo, m.part, 0)
	hi -= borrow
	lo, carry := bits.Add64(lo, uint64(m.rate)-1, 0)
	hi += carry
	if hi >= uint64(m.rate) {
		return MaxWindow
	}
	d, _ := bits.Div64(hi, lo, uint64(m.rate))
	return time.Duration(min(d, uint64(MaxWindow)))
}
