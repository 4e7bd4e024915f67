package limits

import (
	"slices"
	"sort"
	"time"
)

// windowSlices is how many slices a window is cut into. A slice is counted until
// all of it has left the window, so counts err by at most one slice, upwards:
// 64/65 = 98.4 % of a limit is usable at a steady rate.
const windowSlices = 64

// slidingWindow counts what was charged within a window that ends now.
type slidingWindow struct {
	total   int64 // the sum of the slices that count
	head    int   // the first that counts
	buckets []bucket
}

// bucket counts one slice of time. Only slices in which something happened have
// one, so that a caller seen once costs little.
type bucket struct{ slice, n int64 }

// expire forgets the slices that have wholly left the window that ends at t.
func (w *slidingWindow) expire(width, t int64) {
	oldest := t/width - windowSlices // the slice in which that window starts
	for w.head < len(w.buckets) && w.buckets[w.head].slice < oldest {
		w.total -= w.buckets[w.head].n
		w.head++
	}
	if w.head == len(w.buckets) {
		w.buckets, w.head = w.buckets[:0], 0
	}
}

// charge counts n in the slice of t, or in the latest one if others have shown
// that it is later. It returns that slice.
func (w *slidingWindow) charge(width, t, n int64) (slice int64) {
	slice = t / width
	if n == 0 {
		return slice
	}
	w.total += n
	last := len(w.buckets)
	if last > w.head && w.buckets[last-1].slice >= slice {
		w.buckets[last-1].n += n
		return w.buckets[last-1].slice
	}
	if last == cap(w.buckets) {
		if w.head > 0 { // make room in place
			last = copy(w.buckets, w.buckets[w.head:])
			w.buckets, w.head = w.buckets[:last], 0
		} else if last >= 8 { // the next size is the last: more never count at once
			w.buckets = slices.Grow(w.buckets, windowSlices+2-last)
		}
	}
	w.buckets = append(w.buckets, bucket{slice, n})
	return slice
}

// refund gives n of a slice back, if that still counts.
func (w *slidingWindow) refund(slice, n int64) {
	live := w.buckets[w.head:]
	i := sort.Search(len(live), func(i int) bool { return live[i].slice >= slice })
	if i == len(live) || live[i].slice != slice {
		return
	}
	n = min(n, live[i].n)
	live[i].n -= n
	w.total -= n
	for last := len(w.buckets); last > w.head && w.buckets[last-1].n == 0; last-- {
		w.buckets = w.buckets[:last-1]
	}
}

// leaves returns when a slice stops counting, from t on.
func leaves(width, slice, t int64) time.Duration {
	return time.Duration(max(1, (slice+windowSlices+1)*width-t))
}

// empty returns how long it takes from t until nothing counts.
func (w *slidingWindow) empty(width, t int64) time.Duration {
	if w.total == 0 {
		return 0
	}
	return leaves(width, w.buckets[len(w.buckets)-1].slice, t)
}

// wait returns how long it takes from t until an excess has left.
func (w *slidingWindow) wait(width, t, excess int64) (d time.Duration) {
	for i := w.head; i < len(w.buckets) && excess > 0; i++ {
		if w.buckets[i].n > 0 {
			excess -= w.buckets[i].n
			d = leaves(width, w.buckets[i].slice, t)
		}
	}
	return d
}
