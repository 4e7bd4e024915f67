package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// canarySite writes everything that Caddy can write: default log on debug, access
// log with the requests' and answers' headers, error log, metrics.
const canarySite = `
{
	metrics
	{{admin}}
	log {
		output file {{dir}}/default.log
		format {{format}}
		level DEBUG
	}
	servers {
		trusted_proxies static private_ranges
	}
	llm_gateway {
		data_dir {{dir}}/data
		provider openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{openai}}/v1
		}
		provider claude anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {{openai}}
		}
		provider dead openai {
			api_key {env.OPENAI_API_KEY}
			base_url http://127.0.0.1:{{deadport}}/v1
		}
		price dead/* free
	}
}
:8080 {
	{{access}}
	handle /metrics {
		metrics
	}
	handle /proxied/* {
		llm_audit proxied {
			{{errors}}
		}
		llm_auth {
			key web {env.WEB_APP_KEY}
		}
		llm_cost {
			unpriced meter
		}
		test_panic
		reverse_proxy {{openai}}
	}
	handle {
		llm_audit {
			debug_headers
			{{errors}}
		}
		llm_auth {
			key web {env.WEB_APP_KEY}
			key batch {env.BATCH_KEY}
		}
		llm_ratelimit requests 1M/min
		llm_policy {
			deny falcon ` + "`prompt.all.exists(s, s.text.contains(\"FALCON\"))`" + `
		}
		llm_cost {
			budget 10 USD/day
		}
		test_panic
		llm_upstream {
			model claude-* claude
			model dead-* dead
			model * openai
		}
	}
}
`

// ways in which a client may show a key.
func credentials(key string) []map[string]string {
	return []map[string]string{
		{"Authorization": "Bearer " + key},
		{"Authorization": "bearer  " + key},
		{"X-Api-Key": key},
		{"Api-Key": key},
		{"X-Goog-Api-Key": key},
		{"query": "key=" + key},
		{"query": "beta=true&KEY=" + key},
		{"Authorization": "Bearer " + key, "Cookie": "session=" + key, "Proxy-Authorization": "Basic " + key},
	}
}

// Secrets appear in no output, whatever happens.
func TestCanary(t *testing.T) {
	access := "log {\n\t\toutput file {{dir}}/access.log\n\t\tformat llm_safe\n\t}"
	for _, c := range []struct{ name, format, access, errors string }{
		// As the examples write it: llm_safe everywhere.
		{"safe logs", "llm_safe", access, "errors json"},
		{"safe logs, errors passed", "llm_safe", access, "errors pass"},
		// A site that knows nothing of llm_safe and has no access log. (On
		// debug Caddy's own rewrite handlers print the headers of requests
		// that have not come to us yet; there are none in this site.)
		{"plain default log", "json", "", "errors json"},
	} {
		t.Run(c.name, func(t *testing.T) { runCanary(t, c.format, c.access, c.errors) })
	}
}

func runCanary(t *testing.T, format, access, errors string) {
	p := newProvider(t)
	admin := freePort(t)
	was := caddy.ConfigAutosavePath
	t.Cleanup(func() { caddy.ConfigAutosavePath = was })
	o := options{admin: admin, vars: map[string]string{
		"openai": p.URL, "deadport": fmt.Sprint(freePort(t)), "format": format, "errors": errors,
		"admin": fmt.Sprintf("admin 127.0.0.1:%d", admin),
	}}
	s := prepare(t, o)
	s.data = s.file("data")
	caddy.ConfigAutosavePath = s.file("autosave.json")
	site := strings.Replace(canarySite, "{{access}}", access, 1)
	if err := s.load(site, o); err != nil {
		t.Fatal(err)
	}
	var outputs []string
	show := func(a *answer) {
		outputs = append(outputs, fmt.Sprint(a.Status, a.Header, a.Body))
	}
	n := 0
	try := func(c call) {
		for _, key := range []string{webKey, batchKey, wrongKey} {
			for _, cred := range credentials(key) {
				c := c
				c.key = "-"
				c.header = map[string]string{"Accept-Encoding": "identity"}
				for name, v := range cred {
					if name == "query" {
						c.path += "?" + v
						continue
					}
					c.header[name] = v
				}
				if c.anthropic {
					c.header["Anthropic-Version"] = "2023-06-01"
				}
				for name, v := range map[string]string{"X-Test-Panic": c.body} {
					if strings.Contains(v, "PANIC") {
						c.header[name] = "1"
					}
				}
				show(s.do(c))
				n++
			}
		}
	}
	broken := func(kind string) func(w http.ResponseWriter, r *http.Request, body []byte) {
		return func(w http.ResponseWriter, r *http.Request, body []byte) {
			// A provider that tells everything it was told.
			w.Header().Set("X-Echo", r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"))
			w.Header().Set("Set-Cookie", "key="+r.Header.Get("Authorization")+r.Header.Get("X-Api-Key"))
			switch kind {
			case "cut":
				w.Header().Set("Content-Length", "1000")
				sendJSON(w, 200, "{")
				panic(http.ErrAbortHandler)
			case "html":
				w.Header().Set("Content-Type", "text/html")
				_, _ = io.WriteString(w, "<html>")
			case "500":
				sendJSON(w, 500, `{"error":{"message":"no","type":"server_error"}}`)
			default:
				plainAnswer(w, r, body)
			}
		}
	}
	chat := func(text string) call { return message(false, "gpt-4o-mini", text, "") }
	for _, kind := range []string{"ok", "500", "html", "cut"} {
		p.answers(broken(kind))
		try(chat("Say hello."))
	}
	p.answers(broken("ok"))
	try(message(true, "claude-sonnet-4-5", "Say hello.", ""))
	streamed := chat("Say hello.")
	streamed.body = dialects[0].streamRequest
	try(streamed)
	try(call{method: "GET", path: "/v1/models"})
	try(chat("FALCON"))                           // policy
	try(chat("PANIC"))                            // a broken module
	try(message(false, "dead-1", "x", ""))        // dead provider
	try(message(false, "unpriced-thing", "", "")) // no price
	try(call{path: "/v1/chat/completions", body: "{"})
	try(call{path: "/nothing/here", body: "{}"})
	try(call{method: "GET", path: "/v1/chat/completions"})
	try(call{path: "/v1//chat/completions", body: "{}"})
	proxied := chat("Say hello.")
	proxied.path = "/proxied" + proxied.path
	try(proxied)
	p.answers(broken("cut"))
	try(proxied)
	panicking := chat("PANIC")
	panicking.path = "/proxied" + panicking.path
	try(panicking)
	p.Close()
	try(proxied)
	try(chat("Say hello."))

	get := func(url string) string {
		resp, err := http.Get(url)
		if err != nil {
			t.Error(err)
			return ""
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 200 || len(b) == 0 {
			t.Errorf("%s: %d", url, resp.StatusCode)
		}
		return string(b)
	}
	base := fmt.Sprintf("http://127.0.0.1:%d", admin)
	config := get(base + "/config/")
	if !strings.Contains(config, "{env.WEB_APP_KEY}") {
		t.Error("the config dump is not the config")
	}
	outputs = append(outputs, config, get(base+"/metrics"), get(s.URL+"/metrics"), get(base+"/llm_gateway/audit/default"))
	for _, r := range s.records("default", "") {
		if r.Request != "" {
			outputs = append(outputs, get(base+"/llm_gateway/requests/"+r.Request))
			break
		}
	}
	s.stop()
	for _, out := range outputs {
		for _, secret := range canaries {
			if i := strings.Index(out, secret); i >= 0 {
				t.Fatalf("a secret is in an answer: …%s…", out[max(0, i-300):min(len(out), i+len(secret)+20)])
			}
		}
	}
	// The files are checked when the site ends. They must be there for that to
	// mean anything.
	files := []string{"default.log", "autosave.json", "data/ledger.db", "data/ledger.db.journal"}
	if access != "" {
		files = append(files, "access.log")
	}
	for _, name := range files {
		if st, err := os.Stat(s.file(name)); err != nil || st.Size() == 0 {
			t.Errorf("%s was not written: %v", name, err)
		}
	}
	if access != "" {
		line, _, _ := strings.Cut(s.read("access.log"), "\n")
		var entry struct {
			Request struct{ Headers map[string][]string }
			LLM     map[string]any
		}
		if err := json.Unmarshal([]byte(line), &entry); err != nil || len(entry.Request.Headers) == 0 || entry.LLM["request_id"] == nil {
			t.Errorf("the access log lost more than secrets: %v %s", err, line)
		}
	}
	s.verify("default")
	s.verify("proxied")
	if len(s.records("proxied", "")) == 0 {
		t.Error("the second log is empty")
	}
	s.nothingHeld()
	t.Logf("%d requests; %d files and %d answers looked through", n, len(files)+2, len(outputs))
	_ = filepath.Separator
}
