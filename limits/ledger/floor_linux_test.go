package ledger

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// appendOnly is the least that a journal must do: frames with a checksum, written
// and synced in the groups in which they come. It is the measure of what the rest
// costs: recovery, rows by id, balances, bbolt.
type appendOnly struct {
	f    *os.File
	mu   sync.Mutex
	next *appended
	wake chan struct{}
	stop chan struct{}
	end  chan struct{}
}

type appended struct {
	buf  []byte
	done chan struct{}
	err  error
}

func newAppendOnly(path string) (*appendOnly, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	// Written full beforehand, so that a sync has no metadata to write; a file that
	// is only preallocated is slower than bbolt.
	if _, err := f.Write(make([]byte, 64<<20)); err != nil {
		return nil, err
	}
	if err := f.Sync(); err != nil {
		return nil, err
	}
	a := &appendOnly{f: f, next: &appended{done: make(chan struct{})}, wake: make(chan struct{}, 1), stop: make(chan struct{}), end: make(chan struct{})}
	go a.run()
	return a, nil
}

func (a *appendOnly) run() {
	defer close(a.end)
	for at := int64(0); ; {
		select {
		case <-a.wake:
		case <-a.stop:
			return
		}
		a.mu.Lock()
		b := a.next
		a.next = &appended{done: make(chan struct{})}
		a.mu.Unlock()
		if at+int64(len(b.buf)) > 60<<20 {
			at = 0 // the benchmark goes round
		}
		var n int
		if n, b.err = a.f.WriteAt(b.buf, at); b.err == nil {
			b.err = unix.Fdatasync(int(a.f.Fd()))
		}
		at += int64(n)
		close(b.done)
	}
}

// write appends a frame; wait says whether the caller needs it on disk.
func (a *appendOnly) write(payload []byte, wait bool) error {
	a.mu.Lock()
	b := a.next
	b.buf = binary.LittleEndian.AppendUint32(b.buf, uint32(len(payload)))
	b.buf = binary.LittleEndian.AppendUint32(b.buf, crc32.Checksum(payload, crc32.MakeTable(crc32.Castagnoli)))
	b.buf = append(b.buf, payload...)
	a.mu.Unlock()
	if !wait {
		return nil
	}
	select {
	case a.wake <- struct{}{}:
	default:
	}
	<-b.done
	return b.err
}

// The same two writes for each call as BenchmarkReserveSettle, on the least that
// an append-only journal would do for them.
func BenchmarkAppendOnly(b *testing.B) {
	for _, writers := range []int{1, 16, 64, 256} {
		b.Run(fmt.Sprint(writers), func(b *testing.B) {
			a, err := newAppendOnly(filepath.Join(b.TempDir(), "journal"))
			if err != nil {
				b.Fatal(err)
			}
			call := Call{ID: ID{Request: "019a2088-b174-7575-ac0f-6e7c5bd00ea0"}, Key: "k", Provider: "openai", Model: "gpt-4o"}
			bal := &balance{key: balanceKey{window: Day, scope: "key", value: "k"}}
			open := encodeOpen(&call, 1000, []hit{{bal: bal, charge: Charge{Need: 1000}}, {bal: bal, charge: Charge{Need: 1000}}})
			row := encodeRow(&Row{Call: call, Kind: Settled, Cost: 900, Usage: llm.Usage{Input: 100, Output: 20}})
			b.ResetTimer()
			var wg sync.WaitGroup
			for w := range writers {
				n := b.N / writers
				if w < b.N%writers {
					n++
				}
				wg.Go(func() {
					for range n {
						if err := a.write(open, true); err != nil {
							b.Error(err)
							return
						}
						if err := a.write(row, false); err != nil {
							b.Error(err)
						}
					}
				})
			}
			wg.Wait()
			b.StopTimer()
			close(a.stop)
			<-a.end
			a.f.Close()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "reserves/s")
		})
	}
}
