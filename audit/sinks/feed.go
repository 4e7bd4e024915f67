package sinks

import (
	"context"
	"encoding/json"
	"sync"
	"time"
)

// Record is one record of a log.
type Record struct {
	Index int64 `json:"index"`
	// Record is the record as it was hashed.
	Record json.RawMessage `json:"record"`
}

// Sink is where records go.
type Sink interface {
	// Send delivers records of a log, in order. An error means that none has been
	// taken: they are sent again, as often as the Feed tries. It is not called
	// concurrently, and must return soon after ctx is done.
	Send(ctx context.Context, log string, records []Record) error
}

// Bounds of a feed.
const (
	maxQueued      = 10_000
	maxQueuedBytes = 16 << 20
	maxSent        = 500
	maxSentBytes   = 1 << 20
	sendTimeout    = 15 * time.Second
	closeTimeout   = 3 * time.Second
)

// Results that a feed counts.
const (
	ResultSent    = "sent"
	ResultDropped = "dropped" // the queue was full
	ResultFailed  = "failed"  // it could not be delivered
)

// Feed takes records to a sink without ever making the log wait.
type Feed struct {
	log   string
	sink  Sink
	count func(result string, n int)
	logf  func(msg string, args ...any)
	// waits are the pauses before each further try.
	waits []time.Duration

	mu     sync.Mutex
	queue  []Record
	bytes  int
	closed bool
	wake   chan struct{} // capacity 1
	done   chan struct{}
	cancel context.CancelFunc
}

// NewFeed starts a feed. count is told what became of records, logf what an operator
// should know. Close it.
func NewFeed(log string, sink Sink, count func(result string, n int), logf func(msg string, args ...any)) *Feed {
	return newFeed(log, sink, count, logf, []time.Duration{time.Second, 5 * time.Second, 30 * time.Second})
}

func newFeed(log string, sink Sink, count func(string, int), logf func(string, ...any), waits []time.Duration) *Feed {
	ctx, cancel := context.WithCancel(context.Background())
	f := &Feed{log: log, sink: sink, count: count, logf: logf, waits: waits, wake: make(chan struct{}, 1), done: make(chan struct{}), cancel: cancel}
	go f.run(ctx)
	return f
}

// Offer queues a copy of a record, or counts it as dropped.
func (f *Feed) Offer(index int64, line []byte) {
	f.mu.Lock()
	if f.closed || len(f.queue) >= maxQueued || f.bytes+len(line) > maxQueuedBytes {
		f.mu.Unlock()
		f.count(ResultDropped, 1)
		return
	}
	f.queue = append(f.queue, Record{Index: index, Record: append(json.RawMessage(nil), line...)})
	f.bytes += len(line)
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Close sends what is queued, for a few seconds at most, and ends the feed.
func (f *Feed) Close() error {
	f.mu.Lock()
	f.closed = true
	f.mu.Unlock()
	select {
	case f.wake <- struct{}{}:
	default:
	}
	t := time.NewTimer(closeTimeout)
	defer t.Stop()
	select {
	case <-f.done:
	case <-t.C:
		f.cancel()
		<-f.done
	}
	f.cancel()
	return nil
}

func (f *Feed) run(ctx context.Context) {
	defer close(f.done)
	failing := false
	for {
		batch, closed := f.take()
		if len(batch) == 0 {
			if closed {
				return
			}
			select {
			case <-f.wake:
			case <-ctx.Done():
				return
			}
			continue
		}
		err := f.send(ctx, batch)
		if err != nil {
			f.count(ResultFailed, len(batch))
		} else {
			f.count(ResultSent, len(batch))
		}
		if failed := err != nil; failed != failing {
			failing = failed
			if failed {
				f.logf("audit sink of log %s: %v; records are left out until it takes them again", f.log, err)
			} else {
				f.logf("audit sink of log %s: it takes records again", f.log)
			}
		}
	}
}

// take removes the next batch from the queue.
func (f *Feed) take() (batch []Record, closed bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n, size := 0, 0
	for n < len(f.queue) && n < maxSent && (n == 0 || size+len(f.queue[n].Record) <= maxSentBytes) {
		size += len(f.queue[n].Record)
		n++
	}
	batch = f.queue[:n:n]
	f.queue, f.bytes = f.queue[n:], f.bytes-size
	if len(f.queue) == 0 {
		f.queue = nil
	}
	return batch, f.closed
}

// send delivers a batch, trying again after each pause.
func (f *Feed) send(ctx context.Context, batch []Record) (err error) {
	for i := 0; ; i++ {
		err = func() error {
			ctx, cancel := context.WithTimeout(ctx, sendTimeout)
			defer cancel()
			return f.sink.Send(ctx, f.log, batch)
		}()
		if err == nil || i == len(f.waits) || ctx.Err() != nil {
			return err
		}
		t := time.NewTimer(f.waits[i])
		select {
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return err
		}
	}
}
