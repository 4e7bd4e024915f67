package caddytest

import (
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/quic-go/quic-go/http3"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/ledger"
)

// plain undoes the encoding of an answer.
func plain(t *testing.T, resp *http.Response) io.Reader {
	if resp.Header.Get("Content-Encoding") != "gzip" {
		return resp.Body
	}
	z, err := gzip.NewReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// encodedSite is governed, behind encode and an access log.
const encodedSite = `
{
	auto_https disable_redirects
	grace_period 1m
	llm_gateway {
		provider openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{openai}}/v1
		}
		provider claude anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {{openai}}
		}
	}
}
{{address}} {
	{{tls}}
	encode {
		gzip
		minimum_length 1
		match {
			header Content-Type text/event-stream*
			header Content-Type application/json*
		}
	}
	log {
		output file {{dir}}/access.log
		format llm_safe
	}
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			team {{team}}
		}
	}
	llm_ratelimit {
		requests {{requests}}/h
		concurrent 100
	}
	llm_cost {
		budget 100 USD/day
	}
	llm_upstream {
		model claude-* claude
		model * openai
	}
}
`

// protocol is a way to reach a site.
type protocol struct {
	name string
	tls  bool
	open func(t *testing.T) http.RoundTripper
}

var insecure = &tls.Config{InsecureSkipVerify: true} //nolint:gosec // the site's own throw-away CA

var protocols = []protocol{
	{"HTTP/1.1", false, func(t *testing.T) http.RoundTripper {
		tr := &http.Transport{DisableCompression: true}
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	}},
	{"HTTP/2", true, func(t *testing.T) http.RoundTripper {
		tr := &http.Transport{DisableCompression: true, TLSClientConfig: insecure.Clone(), ForceAttemptHTTP2: true}
		t.Cleanup(tr.CloseIdleConnections)
		return tr
	}},
	{"HTTP/3", true, func(t *testing.T) http.RoundTripper {
		tr := &http3.Transport{DisableCompression: true, TLSClientConfig: insecure.Clone()}
		t.Cleanup(func() { tr.Close() })
		return tr
	}},
}

func encodedOptions(p *provider, proto protocol, team, requests string) options {
	o := options{tls: proto.tls, vars: map[string]string{"openai": p.URL, "team": team, "requests": requests, "address": ":8080", "tls": ""}}
	if proto.tls {
		o.vars["address"], o.vars["tls"] = "localhost:8080", "tls internal"
	}
	return o
}

// load reloads the site with changed variables.
func (s *site) load(caddyfile string, o options) error {
	s.t.Helper()
	pairs := []string{"{{dir}}", s.dir}
	for name, v := range o.vars {
		pairs = append(pairs, "{{"+name+"}}", strings.ReplaceAll(v, ":8080", fmt.Sprint(":", s.port)))
	}
	s.repl = strings.NewReplacer(append(pairs, ":8080", fmt.Sprint(":", s.port))...)
	if err := s.apply(caddyfile, o); err != nil {
		return err
	}
	if o.tls {
		s.awaitTLS()
	}
	return nil
}

// awaitTLS waits until the site has its certificate: Caddy gets it beside the
// start.
func (s *site) awaitTLS() {
	s.t.Helper()
	if !eventually(func() bool {
		c, err := tls.Dial("tcp", fmt.Sprint("localhost:", s.port), insecure)
		if err == nil {
			c.Close()
		}
		return err == nil
	}) {
		s.t.Fatal("the site has no certificate")
	}
}

// startEncoded starts the site for a protocol.
func startEncoded(t *testing.T, p *provider, proto protocol, requests string) *site {
	t.Helper()
	o := encodedOptions(p, proto, "growth", requests)
	s := prepare(t, o)
	if err := s.load(encodedSite, o); err != nil {
		t.Fatal(err)
	}
	return s
}

// A stream that is open across reloads finishes, settles and is recorded, on
// every protocol, under encode and an access log.
func TestReloadMidStream(t *testing.T) {
	for _, proto := range protocols {
		for i := range dialects[:4] {
			d := &dialects[i]
			t.Run(proto.name+"/"+d.name, func(t *testing.T) {
				p := newProvider(t)
				s := startEncoded(t, p, proto, "1000")
				g := newGate()
				p.answers(g.answer)
				client := &http.Client{Transport: proto.open(t)}
				c := call{path: d.path, body: d.streamRequest, anthropic: d.anthropic, header: map[string]string{"Accept-Encoding": "gzip"}}
				st := s.openWith(client, c)
				if !strings.HasPrefix(st.resp.Proto, strings.TrimSuffix(proto.name, ".1")) || st.resp.Header.Get("Content-Encoding") != "gzip" {
					t.Fatalf("got %s with encoding %q", st.resp.Proto, st.resp.Header.Get("Content-Encoding"))
				}
				n := d.unfinishedFrom
				lockstep(st, g, d.events[:n])
				for _, team := range []string{"research", "sales"} {
					if err := s.load(encodedSite, encodedOptions(p, proto, team, "1000")); err != nil {
						t.Fatal(err)
					}
				}
				// The new config serves already.
				p.answers(plainAnswer)
				fresh := &http.Client{Transport: proto.open(t), Timeout: patience}
				resp, err := fresh.Do(s.newRequest(call{path: d.path, body: d.request, anthropic: d.anthropic}))
				if err != nil {
					t.Fatal(err)
				}
				_, _ = io.Copy(io.Discard, resp.Body)
				resp.Body.Close()
				if rec := s.ended(resp.Header.Get("Llm-Request-Id")); rec.Principal.Team != "sales" {
					t.Errorf("the new config does not serve: %s", rec.raw)
				}
				// The old one finishes what it has begun.
				rest := d.events[n:]
				if d.name == "chat" || d.name == "completions" {
					last := len(rest) - 1
					g.next <- strings.Join(rest[:last], "\n\n") + "\n\n" + chatUsageEvent + "\n\n" + rest[last] + "\n\n"
				} else {
					g.next <- stream(rest...)
				}
				close(g.next)
				got, err := st.rest()
				if err != nil || got != stream(rest...) {
					t.Fatalf("after the reload: %q, %v", got, err)
				}
				rec := s.ended(st.id())
				if rec.Outcome != "ok" || rec.Usage.Input != 11 || rec.Usage.Output != 7 || rec.Cost <= 0 || rec.Principal.Team != "growth" {
					t.Errorf("the record: %s", rec.raw)
				}
				totals := s.nothingHeld()
				if rows := s.rows(st.id()); totals.Rows != 2 || len(rows) != 1 || int64(rows[0].Cost) != rec.Cost {
					t.Errorf("%d rows, of the stream %+v", totals.Rows, rows)
				}
				s.verify("default")
				if !eventually(func() bool { return strings.Count(s.read("access.log"), "\n") == 2 }) {
					t.Errorf("the access log: %s", s.read("access.log"))
				}
				if !strings.Contains(s.read("access.log"), st.id()) {
					t.Error("the stream is not in the access log")
				}
			})
		}
	}
}

// A reload that fails changes nothing: the old config serves on, its streams go
// on, counters and files are the same.
func TestFailedReloadChangesNothing(t *testing.T) {
	p := newProvider(t)
	s := startEncoded(t, p, protocols[0], "5")
	g := newGate()
	p.answers(g.answer)
	c := call{path: "/v1/chat/completions", body: dialects[0].streamRequest, header: map[string]string{"Accept-Encoding": "gzip"}}
	st := s.open(c)
	lockstep(st, g, chatEvents[:2])
	p.answers(plainAnswer)
	s.ended(s.chat(call{}).ok().Header.Get("Llm-Request-Id"))
	size := len(s.records("default", ""))

	taken, err := newListener()
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	broken := map[string]func(cfg string) string{
		"a secret that resolves to nothing": func(cfg string) string { return strings.Replace(cfg, "{env.WEB_APP_KEY}", "{env.NO_SUCH_KEY}", 1) },
		"a provider without address":        func(cfg string) string { return strings.Replace(cfg, "{{openai}}/v1", "{env.NO_SUCH_URL}", 1) },
		"a port that is taken": func(cfg string) string {
			return cfg + "\n" + taken.Addr().String() + " {\n\trespond hi\n}\n"
		},
		"another data directory that is a file": func(cfg string) string {
			if err := os.WriteFile(s.file("not-a-dir"), nil, 0o600); err != nil {
				t.Fatal(err)
			}
			return strings.Replace(cfg, "llm_gateway {", "llm_gateway {\n\t\tdata_dir {{dir}}/not-a-dir", 1)
		},
	}
	o := encodedOptions(p, protocols[0], "research", "1000")
	for name, f := range broken {
		if err := s.load(f(encodedSite), o); err == nil {
			t.Fatalf("%s was accepted", name)
		} else {
			t.Logf("%s: %v", name, err)
			for _, secret := range canaries {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: a secret is in the error", name)
				}
			}
		}
		if got := len(s.records("default", "")); got != size {
			t.Errorf("%s: %d records became %d", name, size, got)
		}
	}
	// 5 an hour; 2 were used before. The limit of the failed configs was 1000.
	for range 3 {
		a := s.chat(call{}).ok()
		if rec := s.ended(a.Header.Get("Llm-Request-Id")); rec.Principal.Team != "growth" {
			t.Errorf("another config serves: %s", rec.raw)
		}
	}
	s.chat(call{}).denied(429, "rate_limited", false)
	g.next <- strings.Join(chatEvents[2:], "\n\n") + "\n\n"
	close(g.next)
	if got, err := st.rest(); err != nil || got != stream(chatEvents[2:]...) {
		t.Errorf("the stream: %q, %v", got, err)
	}
	if rec := s.ended(st.id()); rec.Outcome != "ok" {
		t.Errorf("the record: %s", rec.raw)
	}
	s.nothingHeld()
	s.verify("default")
}

// What was counted before a reload counts after it; a changed amount applies at
// once to what was counted.
func TestCountersSurviveReload(t *testing.T) {
	p := newProvider(t)
	s := startEncoded(t, p, protocols[0], "4")
	for range 2 {
		s.chat(call{}).ok()
	}
	reload := func(requests string) {
		t.Helper()
		if err := s.load(encodedSite, encodedOptions(p, protocols[0], "growth", requests)); err != nil {
			t.Fatal(err)
		}
	}
	reload("4")
	if a := s.chat(call{}).ok(); a.Header.Get("X-Ratelimit-Remaining-Requests") != "1" {
		t.Errorf("remaining: %q, want 1", a.Header.Get("X-Ratelimit-Remaining-Requests"))
	}
	s.chat(call{}).ok()
	s.chat(call{}).denied(429, "rate_limited", false)
	reload("6")
	s.chat(call{}).ok()
	s.chat(call{}).ok()
	s.chat(call{}).denied(429, "rate_limited", false)
	reload("3")
	s.chat(call{}).denied(429, "rate_limited", false)
	totals := s.nothingHeld()
	if totals.Rows != 6 {
		t.Errorf("%d rows for 6 calls", totals.Rows)
	}
}

// Budgets are what was spent, before a reload, after it, and after a restart.
func TestBudgetSurvivesReloadAndRestart(t *testing.T) {
	p := newProvider(t)
	cfg := `
{
	llm_gateway {
		data_dir {{dir}}/data
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 0.01 USD/total
		unpriced 1000
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}`
	o := options{vars: map[string]string{"openai": p.URL}}
	s := start(t, cfg, o)
	s.data = s.file("data")
	// $0.001 a token; a call uses 18 of them at $0.018? No: the model has no
	// price, so $1000 per million tokens: $0.001 a token, 18 tokens $0.018.
	body := `{"model":"x","messages":[{"role":"user","content":"a"}],"max_tokens":1}`
	s.chat(call{body: body}).denied(429, "budget_exceeded", false)
	cfg = strings.Replace(cfg, "0.01 USD", "1 USD", 1)
	if err := s.load(cfg, o); err != nil {
		t.Fatal(err)
	}
	a := s.chat(call{body: body}).ok()
	if rec := s.ended(a.Header.Get("Llm-Request-Id")); rec.Cost != 18_000_000 {
		t.Errorf("the cost: %s", rec.raw)
	}
	spent := s.nothingHeld()
	if int64(spent.Settled) != 18_000_000 || len(spent.Balances) != 1 {
		t.Errorf("the ledger: %+v", spent)
	}
	// The next process.
	s.stopped = false
	if err := s.apply(strings.Replace(cfg, "1 USD/total", "0.02 USD/total", 1), o); err != nil {
		t.Fatal(err)
	}
	s.chat(call{body: body}).denied(429, "budget_exceeded", false)
	s.nothingHeld()
	s.verify("default")
}

// Every event reaches the client before the next one leaves the provider, on
// every protocol, compressed or not, through encode and an access log.
func TestCadence(t *testing.T) {
	for _, proto := range protocols {
		for _, encoding := range []string{"identity", "gzip"} {
			t.Run(proto.name+"/"+encoding, func(t *testing.T) {
				p := newProvider(t)
				s := startEncoded(t, p, proto, "1000")
				client := &http.Client{Transport: proto.open(t)}
				for i := range dialects[:4] {
					d := &dialects[i]
					g := newGate()
					p.answers(g.answer)
					st := s.openWith(client, call{path: d.path, body: d.streamRequest, anthropic: d.anthropic, header: map[string]string{"Accept-Encoding": encoding}})
					lockstep(st, g, d.events)
					close(g.next)
					if rest, err := st.rest(); err != nil || rest != "" {
						t.Errorf("%s: after the end %q, %v", d.name, rest, err)
					}
					st.close()
				}
				s.nothingHeld()
			})
		}
	}
}

// Reloads under load cut nothing and lose nothing.
func TestManyStreamsAcrossReloads(t *testing.T) {
	const streams = 200
	p := newProvider(t)
	s := prepare(t, encodedOptions(p, protocols[0], "growth", "100000"))
	if err := s.load(strings.Replace(encodedSite, "concurrent 100", "concurrent 1000", 1), encodedOptions(p, protocols[0], "growth", "100000")); err != nil {
		t.Fatal(err)
	}
	ready := make(chan struct{}, streams)
	release := make(chan struct{})
	p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, stream(chatEvents[:2]...))
		w.(http.Flusher).Flush()
		ready <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
			return
		}
		_, _ = io.WriteString(w, stream(append(append([]string{}, chatEvents[2:4]...), chatUsageEvent, chatEvents[4])...))
	})
	type result struct {
		id, body string
		err      error
	}
	results := make(chan result, streams)
	for range streams {
		go func() {
			resp, err := s.client.Do(s.newRequest(call{path: "/v1/chat/completions", body: dialects[0].streamRequest}))
			if err != nil {
				results <- result{err: err}
				return
			}
			defer resp.Body.Close()
			b, err := io.ReadAll(resp.Body)
			results <- result{resp.Header.Get("Llm-Request-Id"), string(b), err}
		}()
	}
	for range streams {
		select {
		case <-ready:
		case r := <-results:
			t.Fatalf("an early end: %v %q", r.err, r.body)
		case <-time.After(patience):
			t.Fatal("not all streams have begun")
		}
	}
	for i := range 5 {
		if err := s.load(strings.Replace(encodedSite, "concurrent 100", "concurrent 1000", 1), encodedOptions(p, protocols[0], fmt.Sprint("team", i), "100000")); err != nil {
			t.Fatal(err)
		}
	}
	close(release)
	want := stream(chatEvents...)
	ids := map[string]bool{}
	for range streams {
		r := <-results
		if r.err != nil || r.body != want {
			t.Errorf("a stream was cut: %v %q", r.err, r.body)
		}
		ids[r.id] = true
	}
	totals := s.nothingHeld()
	if totals.Rows != streams || len(ids) != streams {
		t.Errorf("%d rows of %d requests for %d streams", totals.Rows, len(ids), streams)
	}
	completed := 0
	for _, r := range s.records("default", "") {
		if r.Stage == "completed" && ids[r.Request] && r.Outcome == "ok" && r.Usage.Output == 7 {
			completed++
		}
	}
	if completed != streams {
		t.Errorf("%d records for %d streams", completed, streams)
	}
	s.verify("default")
	t.Logf("%d streams across 5 reloads: none cut, none lost", streams)
}

// A stream that is open while the config moves to another data directory, or to
// one without a gateway, settles and is recorded where it began.
func TestReloadAwayMidStream(t *testing.T) {
	site := strings.Replace(streamSite, "llm_gateway {", "llm_gateway {\n\t\tdata_dir {{dir}}/{{data}}", 1)
	for name, next := range map[string]string{
		"other data directory": site,
		"no gateway":           ":8080 {\n\trespond hello\n}\n",
		"nothing":              "",
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			o := options{vars: map[string]string{"openai": p.URL, "data": "first"}}
			s := prepare(t, o)
			s.data = s.file("first")
			if err := s.load(site, o); err != nil {
				t.Fatal(err)
			}
			g := newGate()
			p.answers(g.answer)
			st := s.open(call{path: "/v1/chat/completions", body: dialects[0].streamRequest})
			lockstep(st, g, chatEvents[:2])
			if next == "" {
				if err := caddy.Stop(); err != nil {
					t.Fatal(err)
				}
			} else {
				o.vars["data"] = "second"
				if err := s.load(next, o); err != nil {
					t.Fatal(err)
				}
			}
			g.next <- stream(chatEvents[2], chatEvents[3], chatUsageEvent, chatEvents[4])
			close(g.next)
			if got, err := st.rest(); err != nil || got != stream(chatEvents[2:]...) {
				t.Errorf("the stream: %q, %v", got, err)
			}
			if rec := s.ended(st.id()); rec.Outcome != "ok" || rec.Cost != 5850 {
				t.Errorf("the record: %s", rec.raw)
			}
			// Nobody holds the first directory any more, although a config runs.
			totals, err := ledger.Inspect(s.file("first/ledger.db"))
			if !eventually(func() bool {
				totals, err = ledger.Inspect(s.file("first/ledger.db"))
				return err == nil
			}) {
				t.Fatal(err)
			}
			if totals.Open != 0 || totals.Rows != 1 || int64(totals.Settled) != 5850 {
				t.Errorf("the first ledger: %+v", totals)
			}
			s.verify("default")
			if name == "other data directory" {
				p.answers(plainAnswer)
				s.chat(call{}).ok()
				s.data = s.file("second")
				if totals := s.nothingHeld(); totals.Rows != 1 {
					t.Errorf("the second ledger: %+v", totals)
				}
			}
		})
	}
}
