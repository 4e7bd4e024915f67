package audit

import (
	"bytes"
	"container/heap"
	"fmt"
	"time"
)

// Merge calls f with the records of several logs, live or copied, by the time at
// which they were made, then by node and number, until it returns false. Records of
// one log stay in its order, also where its clock went back. The same record from
// two copies of a log comes once. log is the index of its directory in dirs.
func Merge(dirs []string, f func(log int, line []byte, r *Record) bool) error {
	h := &mergeHeap{}
	defer func() {
		for _, m := range *h {
			m.log.Close()
		}
	}()
	for i, dir := range dirs {
		e, err := ExtentOf(dir, 0)
		if err != nil {
			return err
		}
		m := &merging{at: i, log: Follow(dir, e.First)}
		more, err := m.advance()
		if err != nil || !more {
			m.log.Close()
			if err != nil {
				return fmt.Errorf("%s: %w", dir, err)
			}
			continue
		}
		*h = append(*h, m)
	}
	heap.Init(h)
	var last []byte
	for len(*h) > 0 {
		m := (*h)[0]
		if !bytes.Equal(last, m.line) {
			last = append(last[:0], m.line...)
			if !f(m.at, m.line, m.r) {
				return nil
			}
		}
		more, err := m.advance()
		if err != nil {
			return fmt.Errorf("%s: %w", dirs[m.at], err)
		}
		if more {
			heap.Fix(h, 0)
		} else {
			heap.Pop(h)
			m.log.Close()
		}
	}
	return nil
}

// merging is one log on its way into a merge.
type merging struct {
	at   int
	log  *Follower
	line []byte
	r    *Record
	when time.Time // the latest time so far: a clock that went back moves nothing
}

func (m *merging) advance() (more bool, err error) {
	var bad error
	err = m.log.Read(func(_ int64, line []byte) bool {
		m.line = append(m.line[:0], line...)
		if m.r, bad = Decode(line); bad == nil {
			more = true
			if m.r.TS.After(m.when) {
				m.when = m.r.TS
			}
		}
		return false
	})
	if err == nil {
		err = bad
	}
	return more, err
}

type mergeHeap []*merging

func (h mergeHeap) Len() int      { return len(h) }
func (h mergeHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Less implements sort.Interface.
func (h mergeHeap) Less(i, j int) bool {
	a, b := h[i], h[j]
	if !a.when.Equal(b.when) {
		return a.when.Before(b.when)
	}
	if a.r.Node != b.r.Node {
		return a.r.Node < b.r.Node
	}
	if a.r.Seq != b.r.Seq {
		return a.r.Seq < b.r.Seq
	}
	return a.at < b.at
}

// Push implements heap.Interface.
func (h *mergeHeap) Push(x any) { *h = append(*h, x.(*merging)) }

// Pop implements heap.Interface.
func (h *mergeHeap) Pop() any {
	old := *h
	x := old[len(old)-1]
	*h = old[:len(old)-1]
	return x
}
