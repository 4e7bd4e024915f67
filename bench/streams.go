package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"
)

// manyStreams runs n streams at 20 events a second at once through the governed
// chain, reloads the config in the middle, and says what was lost.
func manyStreams(ctx context.Context, bin, tmp string, n int) error {
	const gap = 50 * time.Millisecond
	events := *chunkCount
	expectChunks(events)
	up, upAddr, err := startUpstream(ctx, -1, events, gap)
	if err != nil {
		return err
	}
	defer up.stop()
	data := filepath.Join(tmp, "data-streams")
	if err := os.MkdirAll(data, 0o700); err != nil {
		return err
	}
	p, addr, err := startCaddy(ctx, -1, bin, filepath.Join(*configs, "governed.Caddyfile"), upAddr, data)
	if err != nil {
		return err
	}
	req := request(addr, benchKey, 1000, true)
	var cut, wrong, whole, got atomic.Int64
	var firstBad atomic.Value
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			time.Sleep(time.Duration(i) * time.Second / time.Duration(n)) // not all in one instant
			c, err := net.Dial("tcp", addr)
			if err != nil {
				cut.Add(1)
				firstBad.CompareAndSwap(nil, err.Error())
				return
			}
			defer c.Close()
			if _, err := c.Write(req); err != nil {
				cut.Add(1)
				return
			}
			l := &load{}
			err = l.answer(bufio.NewReaderSize(c, 8<<10), events)
			got.Add(l.chunks)
			switch {
			case err == nil:
				whole.Add(1)
			case err == errShort || err == io.EOF:
				cut.Add(1)
				firstBad.CompareAndSwap(nil, err.Error())
			default:
				wrong.Add(1)
				firstBad.CompareAndSwap(nil, err.Error())
			}
		})
	}
	length := time.Duration(events) * gap
	time.Sleep(length / 4)
	early := p.rss()
	time.Sleep(length / 4)
	if err := reload(ctx, bin, p, addr, upAddr, data); err != nil {
		return fmt.Errorf("reloading: %w", err)
	}
	time.Sleep(length / 4)
	late := p.rss()
	wg.Wait()
	if err := p.stop(); err != nil {
		return err
	}
	admitted, completed, err := countRecords(data)
	if err != nil {
		return err
	}
	fmt.Printf("%d streams of %d events, 20 a second each, one reload in the middle:\n", n, events)
	fmt.Printf("  whole %d, cut %d, with lost, reordered or changed events %d\n", whole.Load(), cut.Load(), wrong.Load())
	fmt.Printf("  events %d of %d; records: %d admitted, %d completed; memory %d MB early, %d MB late\n",
		got.Load(), int64(n*events), admitted, completed, early>>20, late>>20)
	if int(whole.Load()) != n || admitted != int64(n) || completed != int64(n) {
		return fmt.Errorf("not all streams were whole and recorded: %v", firstBad.Load())
	}
	return nil
}

// reload gives the running Caddy the same config with a change that matters to
// nobody, so that Caddy does not skip it.
func reload(ctx context.Context, bin string, p *process, addr, upAddr, data string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	_, admin, err := net.SplitHostPort(p.admin)
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, bin, "adapt", "--config", filepath.Join(*configs, "governed.Caddyfile"), "--adapter", "caddyfile")
	cmd.Env = append(os.Environ(), "BENCH_PORT="+port, "BENCH_ADMIN="+admin, "BENCH_UPSTREAM="+upAddr, "BENCH_DATA="+data)
	config, err := cmd.Output()
	if err != nil {
		return err
	}
	changed := bytes.Replace(config, []byte(`"level":"ERROR"`), []byte(`"level":"FATAL"`), 1)
	if bytes.Equal(changed, config) {
		return fmt.Errorf("the config has no log level to change: %s", config)
	}
	hr, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.admin+"/load", bytes.NewReader(changed))
	if err != nil {
		return err
	}
	hr.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(hr)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		b, _ := io.ReadAll(resp.Body)
		return fmt.Errorf("status %d: %s", resp.StatusCode, b)
	}
	return nil
}
