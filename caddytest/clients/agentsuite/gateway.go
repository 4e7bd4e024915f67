package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

// gateway is the server under test.
type gateway struct {
	cmd      *exec.Cmd
	log      string
	data     string
	ended    chan struct{}
	status   error
	stopping bool
}

// start runs the gateway and waits until it answers.
func (s *suite) start(ctx context.Context, binary, config string, keys mock.Config, client string) (*gateway, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	s.url = fmt.Sprintf("http://127.0.0.1:%d", port)
	g := &gateway{log: filepath.Join(s.work, "caddy.log"), data: filepath.Join(s.work, "data"), ended: make(chan struct{})}
	home := filepath.Join(s.work, "caddy-home")
	if err := errors.Join(os.Mkdir(home, 0o700), os.Mkdir(g.data, 0o700)); err != nil {
		return nil, err
	}
	out, err := os.Create(g.log)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	g.cmd = exec.Command(binary, "run", "--config", config, "--adapter", "caddyfile")
	g.cmd.Stdout, g.cmd.Stderr = out, out
	g.cmd.Env = []string{
		"HOME=" + home, "XDG_CONFIG_HOME=" + home, "XDG_DATA_HOME=" + home, "PATH=" + os.Getenv("PATH"),
		fmt.Sprintf("GATEWAY_PORT=%d", port), "LLM_DATA_DIR=" + g.data, "MOCK_URL=" + s.mock.URL,
		"OPENAI_API_KEY=" + keys.OpenAIKey, "ANTHROPIC_API_KEY=" + keys.AnthropicKey, "GOOGLE_API_KEY=" + keys.GoogleKey,
		"CLIENT_KEY=" + client,
	}
	g.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := g.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		g.status = g.cmd.Wait()
		close(g.ended)
	}()
	for {
		req, err := http.NewRequestWithContext(ctx, "GET", s.url+"/v1/models", nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+client)
		if res, err := http.DefaultClient.Do(req); err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return g, nil
			}
		}
		select {
		case <-g.ended:
			b, _ := os.ReadFile(g.log)
			return nil, fmt.Errorf("the gateway ended: %v\n%s", g.status, b)
		case <-ctx.Done():
			g.stop()
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// stop ends the gateway orderly.
func (g *gateway) stop() {
	if !g.stopping {
		g.stopping = true
		_ = g.cmd.Process.Signal(syscall.SIGTERM)
	}
	<-g.ended
}

var panics = regexp.MustCompile(`(?i)panic|runtime error|DATA RACE`)

// evidence looks at what the gateway left behind.
func (s *suite) evidence(g *gateway, secrets []string) {
	g.stop()
	logged, err := os.ReadFile(g.log)
	if err != nil {
		log.Fatal(err)
	}
	s.tell("caddy", "clean-exit", string(logged), g.status)
	if m := panics.Find(logged); m != nil {
		s.tell("caddy", "no-panic", string(logged), fmt.Errorf("the log says %q", m))
	} else {
		s.tell("caddy", "no-panic", "", nil)
	}
	s.tell("secrets", "logs", "", holds(logged, secrets))
	words := append(secrets, "probe-", note) // records hold no word of a prompt or an answer
	s.tell("secrets", "records", "", filepath.WalkDir(g.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if err := holds(b, words); err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		return nil
	}))
	res, err := http.Get(s.mock.URL + "/_mock/served")
	if err != nil {
		log.Fatal(err)
	}
	defer res.Body.Close()
	served, err := io.ReadAll(res.Body)
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.work, "served.json"), served, 0o600); err != nil {
		log.Fatal(err)
	}
}

func holds(b []byte, words []string) error {
	for _, w := range words {
		if bytes.Contains(b, []byte(w)) {
			return fmt.Errorf("a key or a prompt stands in it: %.14s…", w)
		}
	}
	return nil
}
