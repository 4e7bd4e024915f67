package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

// LLM-Audit-Id is the index of the admitted record; the admin API finds the
// records of a request and hands out a receipt that holds offline.
func TestReceiptOfAnAnswer(t *testing.T) {
	p := newProvider(t)
	was := caddy.ConfigAutosavePath
	t.Cleanup(func() { caddy.ConfigAutosavePath = was })
	admin := freePort(t)
	o := options{admin: admin, vars: map[string]string{"openai": p.URL, "admin": fmt.Sprintf("admin 127.0.0.1:%d", admin)}}
	s := prepare(t, o)
	caddy.ConfigAutosavePath = s.file("autosave.json")
	if err := s.load("{\n\t{{admin}}\n}\n"+inputSiteOnly, o); err != nil {
		t.Fatal(err)
	}
	s.chat(call{}).ok()
	a := s.chat(call{}).ok()
	id := a.Header.Get("Llm-Request-Id")
	index, err := strconv.ParseInt(a.Header.Get("Llm-Audit-Id"), 10, 64)
	if err != nil {
		t.Fatalf("LLM-Audit-Id: %v", err)
	}
	s.ended(id)
	var admitted record
	for _, r := range s.records("default", "") {
		if r.Seq == index {
			admitted = r
		}
	}
	if admitted.Stage != "admitted" || admitted.Request != id {
		t.Fatalf("record %d is not the admitted one of %s: %s", index, id, admitted.raw)
	}
	get := func(path string) (int, []byte) {
		resp, err := http.Get(fmt.Sprintf("http://127.0.0.1:%d/llm_gateway/%s", admin, path))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b
	}
	status, b := get("requests/" + id)
	var found []struct {
		Log    string
		Index  int64
		Record json.RawMessage
	}
	if err := json.Unmarshal(b, &found); err != nil || status != 200 || len(found) != 2 || found[0].Index != index || string(found[0].Record) != admitted.raw {
		t.Errorf("the records of the request: %d %v %s", status, err, b)
	}
	status, receipt := get(fmt.Sprint("audit/default/proof/", index))
	if status != 200 {
		t.Fatalf("the receipt: %d %s", status, receipt)
	}
	pub, err := os.ReadFile(filepath.Join(s.data, "audit", "default", "key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	key := strings.TrimSpace(string(pub))
	if _, err := audit.VerifyReceipt(receipt, []byte(admitted.raw), key); err != nil {
		t.Errorf("the receipt does not hold: %v", err)
	}
	if _, err := audit.VerifyReceipt(receipt, []byte(strings.Replace(admitted.raw, "gpt-4o-mini", "gpt-4o-maxi", 1)), key); err == nil {
		t.Error("the receipt holds for another record")
	}
	for _, path := range []string{"requests/nobody", "requests/..%2f..%2fkey", "audit/default/proof/999999", "audit/default/proof/-1", "audit/other", "audit/..%2f.."} {
		if status, b := get(path); status < 400 || status >= 500 {
			t.Errorf("%s: %d %s", path, status, b)
		}
	}
}

const inputSiteOnly = `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}
`

// A data directory that another process uses is refused with a clear message.
func TestDataDirectoryInUse(t *testing.T) {
	p := newProvider(t)
	o := options{vars: map[string]string{"openai": p.URL}}
	s := prepare(t, o)
	dir := filepath.Join(s.data, "audit", "default")
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	other, err := audit.Open(audit.Options{Dir: dir, Node: "other"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.load(inputSiteOnly, o); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("got %v", err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.load(inputSiteOnly, o); err != nil {
		t.Fatal(err)
	}
	s.chat(call{}).ok()
}

// debug_headers tell provider, model, cost and decisions; without the option
// nobody learns them.
func TestDebugHeaders(t *testing.T) {
	p := newProvider(t)
	site := strings.Replace(inputSiteOnly, "\tllm_upstream", "\tllm_cost\n\tllm_upstream", 1)
	s := start(t, strings.Replace(site, "llm_audit", "llm_audit {\n\t\tdebug_headers\n\t}", 1), options{vars: map[string]string{"openai": p.URL}})
	a := s.chat(call{}).ok()
	for name, want := range map[string]string{"Llm-Provider": "openai", "Llm-Model": "gpt-4o-mini", "Llm-Cost-Usd": "0.00000585"} {
		if a.Header.Get(name) != want {
			t.Errorf("%s: %q", name, a.Header.Get(name))
		}
	}
	if !strings.Contains(a.Header.Get("Llm-Decisions"), "auth:allow:web") {
		t.Errorf("decisions: %q", a.Header.Get("Llm-Decisions"))
	}
	if err := s.load(site, options{vars: map[string]string{"openai": p.URL}}); err != nil {
		t.Fatal(err)
	}
	a = s.chat(call{}).ok()
	for name := range a.Header {
		if strings.HasPrefix(name, "Llm-") && name != "Llm-Request-Id" && name != "Llm-Audit-Id" {
			t.Errorf("%s: %q", name, a.Header.Get(name))
		}
	}
}

// A module of somebody else that breaks in the middle of a stream, in front of a
// stock reverse_proxy: the client learns that the answer is not whole.
func TestPanicMidStream(t *testing.T) {
	p := newProvider(t)
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 100 USD/day
	}
	test_panic
	reverse_proxy {{openai}}
}`, options{vars: map[string]string{"openai": p.URL}})
	for i := range dialects[:4] {
		d := &dialects[i]
		g := newGate()
		p.answers(g.answer)
		st := s.open(call{path: d.path, body: d.streamRequest, anthropic: d.anthropic, header: map[string]string{"X-Test-Panic": "second write"}})
		lockstep(st, g, d.events[:1])
		g.next <- d.events[1] + "\n\n"
		rest, err := st.rest()
		if err != nil || !strings.Contains(rest, `"code":"internal_error"`) || strings.Count(rest, "\n\n") != 1 {
			t.Errorf("%s: after the panic: %q, %v", d.name, rest, err)
		}
		<-g.gone
		rec := s.ended(st.id())
		if rec.Outcome != "cut" || rec.Denial.Code != "internal_error" || rec.Cost <= 0 {
			t.Errorf("%s: the record: %s", d.name, rec.raw)
		}
	}
	if strings.Contains(s.read("default.log"), webKey) || !strings.Contains(s.read("default.log"), "a handler broke") {
		t.Error("the log does not tell the operator, or tells too much")
	}
	s.nothingHeld()
}

// Headers that a route adds when the answer is written are on the answer.
func TestDeferredHeaders(t *testing.T) {
	p := newProvider(t)
	for name, site := range map[string]string{
		"outside": ":8080 {\n\theader >X-Mine yes\n\theader -X-Ratelimit-Remaining-Requests\n" + strings.TrimPrefix(inputSiteOnly, "\n:8080 {\n"),
		"inside": `
:8080 {
	route {
		llm_audit
		llm_auth {
			key web {env.WEB_APP_KEY}
		}
		header >X-Mine yes
		llm_upstream openai {env.OPENAI_API_KEY} {
			base_url {{openai}}/v1
		}
	}
}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := start(t, site, options{vars: map[string]string{"openai": p.URL}})
			for _, body := range []string{dialects[0].request, dialects[0].streamRequest} {
				if a := s.chat(call{body: body}).ok(); a.Header.Get("X-Mine") != "yes" {
					t.Errorf("headers: %v", a.Header)
				}
			}
			if a := s.chat(call{body: "{"}).denied(400, "malformed", false); name == "outside" && a.Header.Get("X-Mine") != "yes" {
				t.Errorf("headers of a refusal: %v", a.Header)
			}
		})
	}
}

// encode between the governors and the upstream is outside of what we see, or
// does nothing; it never makes an answer unreadable.
func TestEncodeInsideRoute(t *testing.T) {
	p := newProvider(t)
	for _, end := range []string{"llm_upstream openai {env.OPENAI_API_KEY} {\n\t\t\tbase_url {{openai}}/v1\n\t\t}", "reverse_proxy {{openai}}"} {
		s := start(t, `
:8080 {
	route {
		llm_audit
		llm_auth {
			key web {env.WEB_APP_KEY}
		}
		encode {
			gzip
			minimum_length 1
			match {
				header Content-Type application/json*
				header Content-Type text/event-stream*
			}
		}
		`+end+`
	}
}`, options{vars: map[string]string{"openai": p.URL}})
		for body, want := range map[string]string{dialects[0].request: chatWhole, dialects[0].streamRequest: stream(chatEvents...)} {
			st := s.open(call{path: "/v1/chat/completions", body: body, header: map[string]string{"Accept-Encoding": "gzip"}})
			if got, err := st.rest(); err != nil || got != want {
				t.Errorf("%s: got %q, %v", end, got, err)
			}
			rec := s.ended(st.id())
			if rec.Answer != sha(want) {
				t.Errorf("the record is not of the plain answer: %s", rec.raw)
			}
		}
	}
}
