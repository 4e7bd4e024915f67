package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// process is a child of the benchmark.
type process struct {
	cmd   *exec.Cmd
	admin string
}

// start runs a command, on one core if core is not negative.
func start(ctx context.Context, core int, env []string, out io.Writer, name string, args ...string) (*process, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Stdout, cmd.Stderr = out, io.Discard
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := startOn(cmd, core); err != nil {
		return nil, err
	}
	return &process{cmd: cmd}, nil
}

// startOn starts the command on one core if core is not negative. A child takes
// over the set of the thread that forks it, so that every thread it ever has is
// pinned and its Go runtime sees one core from the first instruction; to pin it
// once it runs would come too late for the threads it has made by then.
func startOn(cmd *exec.Cmd, core int) error {
	if core < 0 {
		return cmd.Start()
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("reading the cores of this process: %w", err)
	}
	set.Set(core)
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("pinning to core %d: %w", core, err)
	}
	err := cmd.Start()
	return errors.Join(err, unix.SchedSetaffinity(0, &before))
}

// pinSelf moves every thread of this process to one core. Threads made
// meanwhile by one that has not moved yet are found by looking again.
func pinSelf(core int) error {
	var set unix.CPUSet
	set.Set(core)
	moved := map[string]bool{}
	for more := true; more; {
		more = false
		tasks, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if moved[t.Name()] {
				continue
			}
			id, err := strconv.Atoi(t.Name())
			if err != nil {
				return err
			}
			if err := unix.SchedSetaffinity(id, &set); err != nil && !errors.Is(err, unix.ESRCH) {
				return fmt.Errorf("pinning to core %d: %w", core, err)
			}
			moved[t.Name()] = true
			more = true
		}
	}
	return nil
}

// stop ends the process gracefully: queued records reach the disk.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(os.Interrupt)
	err := p.cmd.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil
	}
	return err
}

// cpu is the time that all threads of the process have run, from the
// scheduler's own count in nanoseconds.
func (p *process) cpu() time.Duration {
	var sum time.Duration
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", p.cmd.Process.Pid))
	for _, t := range tasks {
		b, err := os.ReadFile(t)
		if err != nil {
			continue
		}
		first, _, _ := strings.Cut(string(b), " ")
		n, _ := strconv.ParseInt(first, 10, 64)
		sum += time.Duration(n)
	}
	return sum
}

// rss is the resident memory in bytes.
func (p *process) rss() int64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	f := strings.Fields(rest)
	if len(f) == 0 {
		return 0
	}
	n, _ := strconv.ParseInt(f[0], 10, 64)
	return n << 10
}

// metric reads a value from Caddy's admin metrics.
func (p *process) metric(name string) float64 {
	resp, err := http.Get("http://" + p.admin + "/metrics")
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	s := bufio.NewScanner(resp.Body)
	for s.Scan() {
		if v, ok := strings.CutPrefix(s.Text(), name+" "); ok {
			f, _ := strconv.ParseFloat(v, 64)
			return f
		}
	}
	return 0
}

// profile writes CPU and allocation profiles of the process, of the next d.
func (p *process) profile(path string, d time.Duration) {
	seconds := max(1, int(d.Seconds()))
	p.fetch(fmt.Sprintf("/debug/pprof/profile?seconds=%d", seconds), path+".cpu.pprof")
	p.fetch("/debug/pprof/allocs", path+".allocs.pprof")
}

func (p *process) fetch(url, path string) {
	resp, err := http.Get("http://" + p.admin + url)
	if err != nil {
		return
	}
	defer resp.Body.Close()
	f, err := os.Create(path)
	if err != nil {
		return
	}
	defer f.Close()
	_, _ = io.Copy(f, resp.Body)
}

// startUpstream starts the mock in a process of its own and returns its address.
func startUpstream(ctx context.Context, core, chunks int, gap time.Duration, more ...string) (*process, string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, "", err
	}
	r, w := io.Pipe()
	p, err := start(ctx, core, nil, w, self, append([]string{"-upstream", "127.0.0.1:0", "-chunks", strconv.Itoa(chunks), "-gap", gap.String()}, more...)...)
	if err != nil {
		return nil, "", err
	}
	line, err := bufio.NewReader(r).ReadString('\n')
	return p, strings.TrimSpace(line), err
}

// startCaddy starts Caddy with one of the committed configs.
func startCaddy(ctx context.Context, core int, bin, config, upstream, data string) (p *process, addr string, err error) {
	port, admin := freePort(), freePort()
	addr = "127.0.0.1:" + port
	p, err = start(ctx, core, []string{
		"BENCH_PORT=" + port, "BENCH_ADMIN=" + admin, "BENCH_UPSTREAM=" + upstream, "BENCH_DATA=" + data,
		"BENCH_KEY=" + benchKey, "BENCH_PROVIDER_KEY=sk-bench-provider", "XDG_CONFIG_HOME=" + data, "XDG_DATA_HOME=" + data,
	}, io.Discard, bin, "run", "--config", config, "--adapter", "caddyfile")
	if err != nil {
		return nil, "", err
	}
	p.admin = "127.0.0.1:" + admin
	for range 200 {
		c, err := net.Dial("tcp", addr)
		if err == nil {
			c.Close()
			return p, addr, nil
		}
		time.Sleep(50 * time.Millisecond)
	}
	_ = p.stop()
	return nil, "", fmt.Errorf("caddy did not listen on %s", addr)
}

const benchKey = "bench-key-0123456789abcdef"

func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "0"
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// countRecords counts the completed and admitted records of a data directory.
func countRecords(data string) (admitted, completed int64, err error) {
	files, err := filepath.Glob(filepath.Join(data, "audit", "*", "seg-*.jsonl"))
	if err != nil {
		return 0, 0, err
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return 0, 0, err
		}
		s := bufio.NewScanner(f)
		s.Buffer(nil, 1<<20)
		for s.Scan() {
			switch {
			case bytes.Contains(s.Bytes(), []byte(`"stage":"admitted"`)):
				admitted++
			case bytes.Contains(s.Bytes(), []byte(`"stage":"completed"`)):
				completed++
			}
		}
		f.Close()
		if err := s.Err(); err != nil {
			return 0, 0, err
		}
	}
	return admitted, completed, nil
}
