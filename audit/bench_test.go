package audit

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit/vault"
)

// BenchmarkAppend is the time until a record is durable, with so many writers
// that wait for theirs before they write the next.
func BenchmarkAppend(b *testing.B) {
	x := exchange("01936d2e-5f1a-7c3e-8f00-0123456789ab")
	for _, writers := range []int{1, 64, 512} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			var mu sync.Mutex
			var took []time.Duration
			l := openLog(b, Options{Dir: logDir(b), OnAppend: func(d time.Duration) {
				mu.Lock()
				took = append(took, d)
				mu.Unlock()
			}})
			next := make(chan struct{}, writers)
			var wg sync.WaitGroup
			for range writers {
				wg.Go(func() {
					for range next {
						if _, err := l.append(encodeEnded("n", "c", StageCompleted, x, nil, nil), true, nil).Wait(b.Context()); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			for b.Loop() {
				next <- struct{}{}
			}
			close(next)
			wg.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "records/s")
			if err := l.Close(); err != nil {
				b.Fatal(err)
			}
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
		})
	}
}

// BenchmarkPaced is the durable latency at 500 records a second.
func BenchmarkPaced(b *testing.B) {
	var mu sync.Mutex
	var took []time.Duration
	l := openLog(b, Options{Dir: logDir(b), OnAppend: func(d time.Duration) {
		mu.Lock()
		took = append(took, d)
		mu.Unlock()
	}})
	x := exchange("01936d2e-5f1a-7c3e-8f00-0123456789ab")
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for b.Loop() {
		<-tick.C
		l.append(encodeEnded("n", "c", StageCompleted, x, nil, nil), true, nil)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-µs")
}

func BenchmarkVerify(b *testing.B) {
	dir := logDir(b)
	l := openLog(b, Options{Dir: dir})
	enc := encodeEnded("n", "c", StageCompleted, exchange("01936d2e-5f1a-7c3e-8f00-0123456789ab"), nil, nil)
	const n = 200_000
	var last *Ack
	for range n {
		last = l.append(append([]byte(nil), enc...), true, nil)
	}
	if _, err := last.Wait(b.Context()); err != nil {
		b.Fatal(err)
	}
	if err := l.Close(); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if rep := verified(b, dir); rep.Records != n {
			b.Fatal(rep)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "records/s")
}

// BenchmarkRecord is what a call costs at the level metadata, without the disk: its
// admitted and its completed record, without and with what is encrypted in them.
func BenchmarkRecord(b *testing.B) {
	for name, v := range map[string]*vault.Vault{"nothing personal": nil, "encrypted": testVault(b)} {
		b.Run(name, func(b *testing.B) {
			l := &Log{o: Options{Node: "node1", Vault: v, Logf: func(string, ...any) {}}}
			x := exchange("01936d2e-5f1a-7c3e-8f00-0123456789ab")
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				r := NewRecorder(l, RecorderOptions{ConfigHash: "0123456789abcdef"})
				who, err := r.subject(x)
				if err != nil {
					b.Fatal(err)
				}
				n = len(encodeAdmitted("node1", "0123456789abcdef", x, x.Attempts[0], who, nil)) + len(encodeEnded("node1", "0123456789abcdef", StageCompleted, x, who, nil))
			}
			b.ReportMetric(float64(n), "bytes/call")
		})
	}
}
