package audit

import "bytes"

// Subscribe makes f see every record from now on, once it is durable: line is the
// record as it was hashed. f runs on the writer's goroutine, so it must not wait, and
// it must copy what it keeps. cancel ends it; f may be at work then.
func (l *Log) Subscribe(f func(index int64, line []byte)) (cancel func()) {
	s := &subscriber{f}
	l.subMu.Lock()
	defer l.subMu.Unlock()
	l.subscribers = append(l.subscribers[:len(l.subscribers):len(l.subscribers)], s)
	return func() {
		l.subMu.Lock()
		defer l.subMu.Unlock()
		var rest []*subscriber
		for _, other := range l.subscribers {
			if other != s {
				rest = append(rest, other)
			}
		}
		l.subscribers = rest
	}
}

type subscriber struct {
	f func(index int64, line []byte)
}

// show shows a batch, as it was written, to those who want to see it.
func (l *Log) show(first int64, lines []byte) {
	l.subMu.Lock()
	subscribers := l.subscribers
	l.subMu.Unlock()
	if len(subscribers) == 0 {
		return
	}
	for len(lines) > 0 {
		line, rest, _ := bytes.Cut(lines, []byte{'\n'})
		for _, s := range subscribers {
			s.f(first, line)
		}
		lines = rest
		first++
	}
}
