package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// powerless is a disk under the ledger's writer that can lose power. bbolt
// writes with system calls, so the harness stands behind those: a seccomp
// filter on the writer's thread reports every write, truncation and sync of the
// ledger's file before it happens. What was written since the last sync is only
// pending; when the power fails, any part of it may be on the disk, in any
// order, torn at sectors.
type powerless struct {
	path string

	mu      sync.Mutex
	durable []byte
	pending []pendingWrite
	syncs   int

	listener int
	ready    chan error
	stop     atomic.Bool
	done     chan struct{}
}

type pendingWrite struct {
	at   int64
	data []byte
	size int64 // of a truncation, when data is nil
}

const sector = 512

func newPowerless(path string) *powerless {
	return &powerless{path: path, ready: make(chan error, 1), done: make(chan struct{})}
}

// install runs on the writer's goroutine. The thread is never unlocked, so it
// ends with the goroutine and takes the filter with it.
func (p *powerless) install() {
	runtime.LockOSThread()
	var err error
	if p.durable, err = os.ReadFile(p.path); err == nil {
		p.listener, err = listen()
	}
	if err == nil {
		go p.serve()
	}
	p.ready <- err
}

// listen installs the filter on this thread and returns the descriptor on which
// the kernel asks.
func listen() (int, error) {
	const load, jump, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	filter := []unix.SockFilter{
		{Code: load, K: 0}, // the number of the call
		{Code: jump, Jt: 4, K: unix.SYS_PWRITE64},
		{Code: jump, Jt: 3, K: unix.SYS_FTRUNCATE},
		{Code: jump, Jt: 2, K: unix.SYS_FDATASYNC},
		{Code: jump, Jt: 1, K: unix.SYS_FSYNC},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
		{Code: ret, K: unix.SECCOMP_RET_USER_NOTIF},
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return 0, err
	}
	prog := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	fd, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, unix.SECCOMP_FILTER_FLAG_NEW_LISTENER, uintptr(unsafe.Pointer(&prog)))
	if errno != 0 {
		return 0, fmt.Errorf("seccomp: %w (this test needs a kernel that lets a process filter itself)", errno)
	}
	return int(fd), nil
}

// The kernel's structures for seccomp notifications.
type notification struct {
	id         uint64
	pid, flags uint32
	nr         int32
	arch       uint32
	ip         uint64
	args       [6]uint64
}

type answer struct {
	id    uint64
	val   int64
	errno int32
	flags uint32
}

const (
	notifRecv     = 0xc0502100 // SECCOMP_IOCTL_NOTIF_RECV
	notifSend     = 0xc0182101 // SECCOMP_IOCTL_NOTIF_SEND
	notifContinue = 1          // SECCOMP_USER_NOTIF_FLAG_CONTINUE
)

func (p *powerless) serve() {
	defer close(p.done)
	defer unix.Close(p.listener)
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		panic(err)
	}
	defer mem.Close()
	for !p.stop.Load() {
		fds := []unix.PollFd{{Fd: int32(p.listener), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 20); n < 1 || err != nil || fds[0].Revents&unix.POLLIN == 0 {
			continue
		}
		var n notification
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(p.listener), notifRecv, uintptr(unsafe.Pointer(&n))); errno != 0 {
			continue
		}
		p.mu.Lock()
		switch n.nr {
		case unix.SYS_PWRITE64:
			data := make([]byte, n.args[2])
			if _, err := mem.ReadAt(data, int64(n.args[1])); err != nil {
				panic(err)
			}
			p.pending = append(p.pending, pendingWrite{at: int64(n.args[3]), data: data})
		case unix.SYS_FTRUNCATE:
			p.pending = append(p.pending, pendingWrite{size: int64(n.args[1])})
		default:
			for _, w := range p.pending {
				p.durable = w.apply(p.durable, false)
			}
			p.pending = nil
			p.syncs++
		}
		p.mu.Unlock()
		a := answer{id: n.id, flags: notifContinue}
		unix.Syscall(unix.SYS_IOCTL, uintptr(p.listener), notifSend, uintptr(unsafe.Pointer(&a)))
	}
}

func (w *pendingWrite) apply(disk []byte, torn bool) []byte {
	end := w.size
	if w.data != nil {
		end = w.at + int64(len(w.data))
	}
	if int64(len(disk)) < end {
		disk = append(disk, make([]byte, end-int64(len(disk)))...)
	}
	for at := 0; at < len(w.data); at += sector {
		if torn && rand.IntN(4) == 0 {
			continue
		}
		copy(disk[w.at+int64(at):], w.data[at:min(at+sector, len(w.data))])
	}
	return disk
}

// image returns what is on the disk if the power fails now.
func (p *powerless) image() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	disk := append([]byte(nil), p.durable...)
	if rand.IntN(4) == 0 {
		return disk // nothing of what is pending
	}
	for _, i := range rand.Perm(len(p.pending)) {
		if rand.IntN(3) > 0 {
			disk = p.pending[i].apply(disk, rand.IntN(3) == 0)
		}
	}
	return disk
}

// losePower makes calls on a ledger, takes images of the disk at random moments
// and returns how many of them have lost a durable reservation, or are no
// ledger any more, with one of the reasons.
func losePower(t *testing.T, o Options, images int) (lost int, why error) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	p := newPowerless(path)
	openAt(t, path, Options{}).Close() // so that the file is there for install
	o.hooks.writer = p.install
	l := openAt(t, path, o)
	if err := <-p.ready; err != nil {
		t.Fatal(err)
	}
	acked := lockedSet{ids: map[string]bool{}}
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				u, _ := uuid.NewV7()
				r := u.String()
				h, _, err := reserve(l, noon, Call{ID: ID{Request: r}, Time: noon}, needOf(r), []Charge{charge(crashBudget, "k")})
				if err == nil {
					err = h.Durable(context.Background())
				}
				if err != nil {
					t.Error(err)
					return
				}
				acked.add(r)
				if rand.IntN(4) > 0 {
					h.Settle(noon, Row{Cost: costOf(r)})
				}
			}
		})
	}
	for i := range images {
		time.Sleep(time.Duration(rand.IntN(4000)) * time.Microsecond)
		durable := acked.copy() // before the image: the image may know more
		file := filepath.Join(dir, fmt.Sprint("image", i))
		if err := os.WriteFile(file, p.image(), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := judge(file, durable); err != nil {
			lost, why = lost+1, err
		}
		os.Remove(file)
	}
	close(stop)
	wg.Wait()
	l.Close()
	p.stop.Store(true)
	<-p.done
	t.Logf("%d durable reservations, %d syncs, %d images of which %d lost something", len(acked.ids), p.syncs, images, lost)
	return lost, why
}

func judge(file string, durable map[string]bool) (err error) {
	// A file cut short makes faults where it is mapped.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the file cannot be read: %v", v)
		}
	}()
	l, err := Open(file, Options{})
	if err != nil {
		return err
	}
	defer l.Close()
	return eachOnce(l, durable)
}

func TestPowerLossLosesNothing(t *testing.T) {
	images := 200
	if testing.Short() {
		images = 40
	}
	if lost, why := losePower(t, Options{}, images); lost > 0 {
		t.Errorf("%d images lost something, e.g.: %v", lost, why)
	}
}

// The harness itself: without the sync it must find losses, or the test above
// proves nothing.
func TestPowerLossHarnessCatchesAMissingSync(t *testing.T) {
	lost, why := losePower(t, Options{NoSync: true}, 40)
	if lost == 0 {
		t.Error("no image lost anything although nothing was synced")
	}
	t.Logf("e.g.: %v", why)
}
