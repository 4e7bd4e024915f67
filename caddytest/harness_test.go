package caddytest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-llm-gateway/caddy-llm-gateway"
)

// The secrets of all tests. Every site checks at its end that none of them is in
// a file that it wrote.
const (
	webKey    = "canary-web-client-key-0001"
	batchKey  = "canary-batch-client-key-0002"
	openaiKey = "canary-openai-provider-key-0003"
	claudeKey = "canary-anthropic-provider-key-0004"
	wrongKey  = "canary-mistyped-client-key-0005"
)

var canaries = []string{webKey, batchKey, openaiKey, claudeKey, wrongKey}

// patience bounds every wait, so that a broken gateway ends in a failed test and
// not in a hanging one.
const patience = 60 * time.Second

// site is one running Caddy.
type site struct {
	t    *testing.T
	dir  string // of everything that the site writes
	data string // the gateway's data directory
	port int
	URL  string

	repl    *strings.Replacer
	stopped bool
	client  *http.Client
	// leaky lists canaries that a test lets be written on purpose.
	leaky []string
}

// options of start.
type options struct {
	vars  map[string]string // {{name}} in the Caddyfile
	patch func(cfg map[string]any)
	tls   bool
	// autosave and admin are for the tests that look at what Caddy itself
	// writes and tells.
	admin int
}

// start runs Caddy with a Caddyfile. ":8080" in it stands for the site's
// address, {{name}} for variables; {{dir}} is the directory for its files.
func start(t *testing.T, caddyfile string, o options) *site {
	t.Helper()
	s := prepare(t, o)
	if err := s.apply(caddyfile, o); err != nil {
		t.Fatalf("loading the config: %v", err)
	}
	return s
}

// apply loads a Caddyfile and returns when nothing but it serves: a server that
// is being replaced closes the connections that idle and resets those that the
// kernel has handed to its listener, with any Caddy.
func (s *site) apply(caddyfile string, o options) error {
	s.t.Helper()
	if err := caddy.Load(s.adapt(caddyfile, o), true); err != nil {
		return err
	}
	s.newClient()
	if !eventually(func() bool { return listeners(s.port) <= 1 }) {
		s.t.Fatal("the listener of the old config is not closed")
	}
	return nil
}

// listeners counts the TCP sockets that listen on a port; 0 where the system
// does not tell.
func listeners(port int) (n int) {
	suffix := fmt.Sprintf(":%04X", port)
	for _, table := range []string{"/proc/self/net/tcp", "/proc/self/net/tcp6"} {
		b, err := os.ReadFile(table)
		if err != nil {
			time.Sleep(100 * time.Millisecond)
			return 0
		}
		for line := range strings.Lines(string(b)) {
			// sl local_address rem_address st …; 0A is LISTEN.
			if f := strings.Fields(line); len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], suffix) {
				n++
			}
		}
	}
	return n
}

// prepare makes the surroundings of a site without starting it.
func prepare(t *testing.T, o options) *site {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("XDG_DATA_HOME", filepath.Join(dir, "xdg"))
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(dir, "config"))
	t.Setenv("WEB_APP_KEY", webKey)
	t.Setenv("BATCH_KEY", batchKey)
	t.Setenv("OPENAI_API_KEY", openaiKey)
	t.Setenv("ANTHROPIC_API_KEY", claudeKey)
	s := &site{t: t, dir: dir, data: filepath.Join(dir, "xdg", "caddy", "llm"), port: freePort(t)}
	s.URL = fmt.Sprintf("http://127.0.0.1:%d", s.port)
	if o.tls {
		s.URL = fmt.Sprintf("https://localhost:%d", s.port)
	}
	pairs := []string{":8080", fmt.Sprint(":", s.port), "{{dir}}", dir}
	for name, v := range o.vars {
		pairs = append(pairs, "{{"+name+"}}", v)
	}
	s.repl = strings.NewReplacer(pairs...)
	s.newClient()
	t.Cleanup(func() {
		s.stop()
		s.checkCanaries()
		s.checkGoroutines()
	})
	return s
}

// newClient gives the site a client without connections.
func (s *site) newClient() {
	if s.client != nil {
		s.client.CloseIdleConnections()
	}
	tr := &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true}
	s.client = &http.Client{Transport: tr, Timeout: patience, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// adapt turns a Caddyfile into the JSON that is loaded. It adds what keeps tests
// apart from each other and from the machine, nothing that the gateway sees.
func (s *site) adapt(caddyfile string, o options) []byte {
	s.t.Helper()
	adapted, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(s.repl.Replace(caddyfile)), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		s.t.Fatalf("adapting the Caddyfile: %v", err)
	}
	for _, w := range warnings {
		if !strings.Contains(w.Message, "not formatted") {
			s.t.Logf("warning: %s", w)
		}
	}
	var cfg map[string]any
	if err := json.Unmarshal(adapted, &cfg); err != nil {
		s.t.Fatal(err)
	}
	if o.admin == 0 {
		cfg["admin"] = map[string]any{"disabled": true, "config": map[string]any{"persist": false}}
	}
	cfg["storage"] = map[string]any{"module": "file_system", "root": filepath.Join(s.dir, "storage")}
	setDefault(cfg, map[string]any{
		"writer": map[string]any{"output": "file", "filename": s.file("default.log"), "roll": false}, "level": "DEBUG",
	}, "logging", "logs", "default")
	setDefault(cfg, "30s", "apps", "http", "grace_period")
	if o.tls {
		setDefault(cfg, false, "apps", "pki", "certificate_authorities", "local", "install_trust")
	}
	if o.patch != nil {
		o.patch(cfg)
	}
	out, err := json.Marshal(cfg)
	if err != nil {
		s.t.Fatal(err)
	}
	return out
}

// setDefault sets a member of nested objects if it is not there.
func setDefault(in map[string]any, value any, path ...string) {
	for _, name := range path[:len(path)-1] {
		next, ok := in[name].(map[string]any)
		if !ok {
			next = map[string]any{}
			in[name] = next
		}
		in = next
	}
	if _, ok := in[path[len(path)-1]]; !ok {
		in[path[len(path)-1]] = value
	}
}

// file names a file of the site.
func (s *site) file(name string) string { return filepath.Join(s.dir, name) }

// read returns the content of a file of the site, empty if it is not there.
func (s *site) read(name string) string {
	b, err := os.ReadFile(s.file(name))
	if err != nil && !os.IsNotExist(err) {
		s.t.Error(err)
	}
	return string(b)
}

// stop stops Caddy and waits until the gateway has let go of its files.
func (s *site) stop() {
	if s.stopped {
		return
	}
	s.stopped = true
	if err := caddy.Stop(); err != nil {
		s.t.Errorf("stopping: %v", err)
	}
	s.client.CloseIdleConnections()
}

// checkCanaries looks for secrets in everything that the site has written.
func (s *site) checkCanaries() {
	_ = filepath.Walk(s.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		for _, c := range canaries {
			if i := bytes.Index(b, []byte(c)); i >= 0 && !contains(s.leaky, c) {
				s.t.Errorf("a secret is in %s: …%s…", strings.TrimPrefix(path, s.dir), lineAt(b, i))
				return nil
			}
		}
		return nil
	})
}

func contains(list []string, v string) bool {
	for _, l := range list {
		if l == v {
			return true
		}
	}
	return false
}

// checkGoroutines waits until no goroutine of the gateway runs any more.
func (s *site) checkGoroutines() {
	var left []string
	ok := eventually(func() bool {
		left = left[:0]
		buf := make([]byte, 4<<20)
		buf = buf[:runtime.Stack(buf, true)]
		for _, g := range strings.Split(string(buf), "\n\n") {
			if strings.Contains(g, "caddy-llm-gateway/caddy-llm-gateway") && !strings.Contains(g, "/caddytest.") {
				left = append(left, g)
			}
		}
		return len(left) == 0
	})
	if !ok {
		s.t.Errorf("%d goroutines of the gateway are left, the first:\n%s", len(left), left[0])
	}
}

// eventually polls until a condition holds, for a bounded time.
func eventually(cond func() bool) bool {
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		if cond() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

var ports struct {
	sync.Mutex
	next int
}

// freePort finds a port that is free for TCP and UDP and that no other test has
// been given. It lies below those that the system gives to connections and to
// listeners on port 0, so that nobody takes it before Caddy does; processes begin
// at different ones.
func freePort(t testing.TB) int {
	t.Helper()
	const low, high = 12_000, 32_000
	ports.Lock()
	defer ports.Unlock()
	if ports.next == 0 {
		ports.next = os.Getpid() * 127 % (high - low)
	}
	for range high - low {
		ports.next = (ports.next + 1) % (high - low)
		p := low + ports.next
		l, err := net.Listen("tcp", fmt.Sprint(":", p))
		if err != nil {
			continue
		}
		l.Close()
		u, err := net.ListenPacket("udp", fmt.Sprint(":", p))
		if err != nil {
			continue
		}
		u.Close()
		return p
	}
	t.Fatal("no free port")
	return 0
}

// newListener takes a free port.
func newListener() (net.Listener, error) { return net.Listen("tcp", "127.0.0.1:0") }

// lineAt is the line of a file around an offset.
func lineAt(b []byte, i int) []byte {
	from := bytes.LastIndexByte(b[:i], '\n') + 1
	if end := bytes.IndexByte(b[i:], '\n'); end >= 0 {
		return b[from : i+end]
	}
	return b[from:]
}
