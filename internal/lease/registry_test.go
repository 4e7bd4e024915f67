package lease

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

type value struct {
	open    *atomic.Int32
	closing time.Duration
}

func (v *value) Close() error {
	time.Sleep(v.closing)
	v.open.Add(-1)
	return nil
}

// Whatever the interleaving, a key is never open twice and ends closed.
func TestOneValuePerKey(t *testing.T) {
	var r Registry[*value]
	var open, most atomic.Int32
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 50 {
				l, err := r.Acquire("k", func() (*value, error) {
					n := open.Add(1)
					if n > most.Load() {
						most.Store(n)
					}
					return &value{open: &open}, nil
				})
				if err != nil {
					t.Error(err)
					return
				}
				if open.Load() != 1 {
					t.Error("leased value is not open")
				}
				l.Release()
				l.Release()
			}
		})
	}
	wg.Wait()
	if most.Load() != 1 || open.Load() != 0 || r.Len() != 0 {
		t.Fatalf("open at most %d (want 1), open at the end %d, entries %d", most.Load(), open.Load(), r.Len())
	}
}

// Who comes while the value closes waits for the end of that.
func TestAcquireWaitsForClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var r Registry[*value]
		var open atomic.Int32
		mk := func() (*value, error) {
			if open.Add(1) != 1 {
				t.Error("opened before the other was closed")
			}
			return &value{open: &open, closing: time.Second}, nil
		}
		a, _ := r.Acquire("k", mk)
		go a.Release()
		synctest.Wait()
		start := time.Now()
		b, err := r.Acquire("k", mk)
		if err != nil {
			t.Fatal(err)
		}
		if time.Since(start) != time.Second {
			t.Fatalf("waited %v", time.Since(start))
		}
		b.Release()
	})
}

func TestFailedOpenFreesTheKey(t *testing.T) {
	var r Registry[*value]
	boom := errors.New("boom")
	if _, err := r.Acquire("k", func() (*value, error) { return nil, boom }); !errors.Is(err, boom) {
		t.Fatalf("got %v", err)
	}
	if r.Len() != 0 {
		t.Fatal("the key is still taken")
	}
}

// brittle is a value that can become useless.
type brittle struct {
	value
	broken atomic.Bool
}

func (b *brittle) Err() error {
	if b.broken.Load() {
		return errors.New("broken")
	}
	return nil
}

// A useless value is closed and opened anew for the next who asks; its holders
// may release it at any time.
func TestFailedValueIsReplaced(t *testing.T) {
	var r Registry[*brittle]
	var open atomic.Int32
	mk := func() (*brittle, error) {
		if n := open.Add(1); n != 1 {
			t.Errorf("%d open at once", n)
		}
		return &brittle{value: value{open: &open}}, nil
	}
	a, err := r.Acquire("k", mk)
	if err != nil {
		t.Fatal(err)
	}
	a.Value().broken.Store(true)
	b, err := r.Acquire("k", mk)
	if err != nil {
		t.Fatal(err)
	}
	if a.Value() == b.Value() || b.Value().Err() != nil {
		t.Fatal("the broken value was leased again")
	}
	a.Release()
	if open.Load() != 1 {
		t.Fatal("releasing the broken value closed its successor")
	}
	b.Release()
	if open.Load() != 0 || r.Len() != 0 {
		t.Fatalf("%d open, %d entries", open.Load(), r.Len())
	}
}
