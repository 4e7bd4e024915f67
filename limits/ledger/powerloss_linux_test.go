package ledger

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unsafe"

	"github.com/google/uuid"
	"golang.org/x/sys/unix"
)

// powerless is a disk under the ledger that can lose power. bbolt writes with
// system calls, so the harness stands behind those: a seccomp filter on the threads
// of the writer and of the applier reports every write, truncation and sync before
// it happens. What was written to a file since its last sync is only pending; when
// the power fails, any part of it may be on the disk, in any order, torn at sectors.
type powerless struct {
	path string // of the bbolt file; the journal lies beside it

	mu    sync.Mutex
	files map[string]*lossy
	syncs int

	ready chan error
	stop  atomic.Bool
	done  sync.WaitGroup
}

// lossy is what the disk has of a file.
type lossy struct {
	durable []byte
	pending []pendingWrite
}

type pendingWrite struct {
	at   int64
	data []byte
	size int64 // of a truncation, when data is nil
}

const sector = 512

func newPowerless(path string) (*powerless, error) {
	p := &powerless{path: path, files: map[string]*lossy{}, ready: make(chan error, 2)}
	for _, file := range []string{path, path + journalSuffix} {
		b, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		p.files[file] = &lossy{durable: b}
	}
	return p, nil
}

// install runs on the goroutines that write. Their threads are never unlocked, so
// they end with the goroutines and take the filters with them.
func (p *powerless) install() {
	runtime.LockOSThread()
	listener, err := listen()
	if err == nil {
		p.done.Go(func() { p.serve(listener) })
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

func (p *powerless) serve(listener int) {
	defer unix.Close(listener)
	mem, err := os.Open("/proc/self/mem")
	if err != nil {
		panic(err)
	}
	defer mem.Close()
	for !p.stop.Load() {
		fds := []unix.PollFd{{Fd: int32(listener), Events: unix.POLLIN}}
		if n, err := unix.Poll(fds, 20); n < 1 || err != nil || fds[0].Revents&unix.POLLIN == 0 {
			continue
		}
		var n notification
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(listener), notifRecv, uintptr(unsafe.Pointer(&n))); errno != 0 {
			continue
		}
		name, err := os.Readlink(fmt.Sprint("/proc/self/fd/", n.args[0]))
		if err != nil {
			panic(err)
		}
		p.mu.Lock()
		f := p.files[name]
		if f == nil {
			panic("a file that is not watched is written: " + name)
		}
		switch n.nr {
		case unix.SYS_PWRITE64:
			data := make([]byte, n.args[2])
			if _, err := mem.ReadAt(data, int64(n.args[1])); err != nil {
				panic(err)
			}
			f.pending = append(f.pending, pendingWrite{at: int64(n.args[3]), data: data})
		case unix.SYS_FTRUNCATE:
			f.pending = append(f.pending, pendingWrite{size: int64(n.args[1])})
		default:
			for _, w := range f.pending {
				f.durable = w.apply(f.durable, false)
			}
			f.pending = nil
			p.syncs++
		}
		p.mu.Unlock()
		a := answer{id: n.id, flags: notifContinue}
		unix.Syscall(unix.SYS_IOCTL, uintptr(listener), notifSend, uintptr(unsafe.Pointer(&a)))
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

// image writes down what is on the disk if the power fails now; with strict nothing of
// what is pending.
func (p *powerless) image(path string, strict bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, f := range p.files {
		if err := os.WriteFile(path+strings.TrimPrefix(name, p.path), f.image(strict), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (f *lossy) image(strict bool) []byte {
	disk := append([]byte(nil), f.durable...)
	if strict || rand.IntN(4) == 0 {
		return disk // nothing of what is pending
	}
	for _, i := range rand.Perm(len(f.pending)) {
		if rand.IntN(3) > 0 {
			disk = f.pending[i].apply(disk, rand.IntN(3) == 0)
		}
	}
	return disk
}

// losePower makes calls on a ledger, takes images of the disk at random moments
// and returns how many of them have lost a durable reservation, or are no
// ledger any more, with one of the reasons.
func losePower(t *testing.T, o Options, images int, strict bool) (lost int, why error) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	// Small areas, so that they take turns all the time.
	o.hooks.area, o.hooks.applyEvery = 8*journalPage, 5*time.Millisecond
	openAt(t, path, o).Close() // so that the files are there
	p, err := newPowerless(path)
	if err != nil {
		t.Fatal(err)
	}
	o.hooks.writer, o.hooks.applier = p.install, p.install
	l := openAt(t, path, o)
	for range 2 {
		if err := <-p.ready; err != nil {
			t.Fatal(err)
		}
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
		if err := p.image(file, strict); err != nil {
			t.Fatal(err)
		}
		if err := judge(file, durable); err != nil {
			lost, why = lost+1, err
		}
		os.Remove(file)
		os.Remove(file + journalSuffix)
	}
	close(stop)
	wg.Wait()
	l.Close()
	p.stop.Store(true)
	p.done.Wait()
	t.Logf("%d durable reservations, %d frames, %d syncs, %d images of which %d lost something", len(acked.ids), l.j.seq, p.syncs, images, lost)
	return lost, why
}

func judge(file string, durable map[string]bool) (err error) {
	// A file cut short makes faults where it is mapped, in any goroutine that reads it.
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	faults := func() { debug.SetPanicOnFault(true) }
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("the file cannot be read: %v", v)
		}
	}()
	l, err := Open(file, Options{hooks: hooks{writer: faults, applier: faults}})
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
	if lost, why := losePower(t, Options{}, images, false); lost > 0 {
		t.Errorf("%d images lost something, e.g.: %v", lost, why)
	}
}

// The harness itself: without the syncs, of both files or of one, it must find
// losses, or the test above proves nothing. Without those of bbolt nothing of what is
// pending is on the disk: its pages would lead anywhere, and bbolt with them.
func TestPowerLossHarnessCatchesAMissingSync(t *testing.T) {
	for name, o := range map[string]Options{
		"of both":        {NoSync: true},
		"of the journal": {hooks: hooks{noFrameSync: true}},
		"of bbolt":       {hooks: hooks{noApplySync: true}},
	} {
		t.Run(name, func(t *testing.T) {
			lost, why := losePower(t, o, 60, o.NoSync || o.hooks.noApplySync)
			if lost == 0 {
				t.Error("no image lost anything although nothing was synced")
			}
			t.Logf("e.g.: %v", why)
		})
	}
}
