package main

import (
	"errors"
	"fmt"
	"log"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// inside marks the process that runs in the namespace.
const inside = "AGENTSUITE_INSIDE"

// enter runs this program again in a network namespace of its own and returns
// its exit code. What is started there can reach loopback and nothing else.
func enter() int {
	runtime.LockOSThread() // the child ends with the thread that started it
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), inside+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = nil, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGTERM}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	if err := cmd.Start(); err != nil {
		log.Printf("this machine does not let me make a network namespace: %v", err)
		log.Print("the agents run only where they can reach nothing but loopback: run as root, or allow unprivileged user namespaces")
		return 1
	}
	go func() {
		for s := range signals {
			_ = cmd.Process.Signal(s)
		}
	}()
	err := cmd.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() > 0:
		return exit.ExitCode()
	}
	log.Print(err)
	return 1
}

// loopbackOnly brings loopback up and makes sure that there is nothing else.
func loopbackOnly() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	var req struct {
		name  [unix.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(req.name[:], "lo")
	req.flags = unix.IFF_UP | unix.IFF_RUNNING
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&req))); errno != 0 {
		return fmt.Errorf("bringing loopback up in the namespace: %w; run as root, or allow unprivileged user namespaces", errno)
	}
	all, err := net.Interfaces()
	if err != nil {
		return err
	}
	for _, i := range all {
		if i.Flags&net.FlagLoopback == 0 && i.Flags&net.FlagUp != 0 {
			return fmt.Errorf("%s is up in the namespace: agents must reach loopback only", i.Name)
		}
	}
	// The proof: an address of the outside has no route.
	c, err := net.Dial("udp", "192.0.2.1:9")
	if err == nil {
		_ = c.Close()
		return errors.New("there is a route out of the namespace")
	}
	if !strings.Contains(err.Error(), "unreachable") {
		return fmt.Errorf("looking for a route out of the namespace: %w", err)
	}
	return nil
}

// adopt makes this process the parent of what its descendants leave behind.
func adopt() error { return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) }

// orphans ends processes that agents left behind: those whose parent this process
// has become, except those in keep. It returns what they were.
func orphans(keep map[int]bool) (names []string) {
	for range 50 {
		again := false
		dir, err := os.ReadDir("/proc")
		if err != nil {
			return names
		}
		for _, e := range dir {
			var pid, parent int
			var state byte
			if _, err := fmt.Sscan(e.Name(), &pid); err != nil || keep[pid] {
				continue
			}
			b, err := os.ReadFile("/proc/" + e.Name() + "/stat")
			if err != nil {
				continue
			}
			stat := string(b)
			name := stat[strings.IndexByte(stat, '(')+1 : strings.LastIndexByte(stat, ')')]
			if _, err := fmt.Sscanf(stat[strings.LastIndexByte(stat, ')')+1:], " %c %d", &state, &parent); err != nil || parent != os.Getpid() {
				continue
			}
			again = true
			if state != 'Z' {
				names = append(names, name)
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
			_, _ = syscall.Wait4(pid, nil, 0, nil)
		}
		if !again {
			break
		}
	}
	return names
}
