package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
)

// keeper is a provider that keeps files and responses for its one account.
type keeper struct {
	mu    sync.Mutex
	files []string
	n     atomic.Int64
}

func (k *keeper) answer(w http.ResponseWriter, r *http.Request, body []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	id := strings.TrimPrefix(r.URL.Path, "/v1/files/")
	switch {
	case r.Method == "POST" && r.URL.Path == "/v1/files":
		id = fmt.Sprint("file-", k.n.Add(1))
		k.files = append(k.files, id)
		sendJSON(w, 200, `{"id":"`+id+`","object":"file"}`)
	case r.URL.Path == "/v1/files":
		var data []string
		for _, f := range k.files {
			data = append(data, `{"id":"`+f+`"}`)
		}
		sendJSON(w, 200, `{"object":"list","data":[`+strings.Join(data, ",")+`],"first_id":"x","has_more":false}`)
	case r.Method == "DELETE":
		sendJSON(w, 200, `{"id":"`+id+`","deleted":true}`)
	case strings.HasSuffix(r.URL.Path, "/content"):
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = io.WriteString(w, "the content of a file")
	case r.URL.Path == "/v1/responses" && r.Method == "POST":
		n := k.n.Add(1)
		if strings.Contains(string(body), `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, strings.ReplaceAll(stream(responsesEvents...), "resp_1", fmt.Sprint("resp_", n)))
			return
		}
		sendJSON(w, 200, strings.ReplaceAll(strings.ReplaceAll(responsesWhole, "resp_1", fmt.Sprint("resp_", n)), "msg_1", fmt.Sprint("msg_", n)))
	default:
		sendJSON(w, 200, `{"id":"`+id+`","object":"file"}`)
	}
}

func startObjects(t *testing.T, urls []string, opts string) *site {
	t.Helper()
	var decl, names strings.Builder
	for i, u := range urls {
		name := fmt.Sprintf("keeper%d-%d", nameOf.Add(1), i)
		fmt.Fprintf(&decl, "provider %s openai {\n api_key {env.OPENAI_API_KEY}\n base_url %s/v1\n}\n", name, u)
		fmt.Fprintf(&names, " %s", name)
	}
	return start(t, `{
	llm_gateway {
		`+decl.String()+`
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
		key batch {env.BATCH_KEY}
	}
	llm_upstream {
		model *`+names.String()+`
		`+opts+`
	}
}`, options{})
}

func TestObjectsAreDenied(t *testing.T) {
	p := newProvider(t)
	s := startObjects(t, []string{p.URL}, "")
	for _, c := range []call{
		{method: "GET", path: "/v1/files"}, {method: "GET", path: "/v1/files/file-1"}, {method: "POST", path: "/v1/batches", body: `{}`},
		{method: "GET", path: "/v1/responses/resp_1"}, {method: "DELETE", path: "/v1/responses/resp_1"}, {method: "GET", path: "/v1/conversations/c"},
		{method: "GET", path: "/v1/vector_stores"}, {method: "GET", path: "/v1/chat/completions/x"},
	} {
		s.do(c).denied(403, "objects_denied", false)
	}
	s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_file","file_id":"file-1"}]}]}`}).denied(403, "objects_denied", false)
	if p.count() != 0 {
		t.Errorf("%d calls", p.count())
	}
}

// A key sees, reads, refers to and deletes only what it has made.
func TestObjectsBelongToTheirMaker(t *testing.T) {
	p, k := newProvider(t), &keeper{}
	p.answers(k.answer)
	s := startObjects(t, []string{p.URL}, "objects allow")
	form := "--b\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nuser_data\r\n--b--\r\n"
	make := func(key string) string {
		a := s.do(call{path: "/v1/files", body: form, key: key, header: map[string]string{"Content-Type": "multipart/form-data; boundary=b"}}).ok()
		return strings.Split(a.Body, `"`)[3]
	}
	mine, yours := make(webKey), make(batchKey)
	if got := p.requests()[0]; got.Body != form || !strings.HasPrefix(got.Header.Get("Content-Type"), "multipart/form-data") {
		t.Errorf("the form arrived as %q %v", got.Body, got.Header)
	}
	if a := s.do(call{method: "GET", path: "/v1/files"}).ok(); !strings.Contains(a.Body, mine) || strings.Contains(a.Body, yours) {
		t.Errorf("the list: %s", a.Body)
	}
	p.forget()
	for _, c := range []call{
		{method: "GET", path: "/v1/files/" + yours}, {method: "DELETE", path: "/v1/files/" + yours}, {method: "GET", path: "/v1/files/" + yours + "/content"},
		{method: "GET", path: "/v1/files/file-unknown"}, {path: "/v1/batches", body: `{"input_file_id":"` + yours + `"}`},
		{path: "/v1/responses", body: `{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_file","file_id":"` + yours + `"}]}]}`},
		{path: "/v1/responses", body: `{"model":"gpt-4o","input":"x","tools":[{"type":"file_search","vector_store_ids":["vs_foreign"]}]}`},
	} {
		s.do(c).denied(404, "object_not_found", false)
	}
	if p.count() != 0 {
		t.Errorf("%d calls reached the provider: %v", p.count(), p.requests())
	}
	if a := s.do(call{method: "GET", path: "/v1/files/" + mine + "/content"}).ok(); a.Body != "the content of a file" {
		t.Errorf("%s", a.Body)
	}
	s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","input":[{"role":"user","content":[{"type":"input_file","file_id":"` + mine + `"}]}]}`}).ok()
	s.do(call{method: "DELETE", path: "/v1/files/" + mine}).ok()
	s.do(call{method: "GET", path: "/v1/files/" + mine}).denied(404, "object_not_found", false)
}

// What runs by itself can name any model, and so is not for a key that may not.
func TestBatchesOfARestrictedKey(t *testing.T) {
	p := newProvider(t)
	p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) { sendJSON(w, 200, `{"id":"batch_1"}`) })
	s := start(t, `:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY} {
			models gpt-4o*
		}
		key batch {env.BATCH_KEY}
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{url}}/v1
		objects allow
	}
}`, options{vars: map[string]string{"url": p.URL}})
	s.do(call{path: "/v1/batches", body: `{"endpoint":"/v1/responses"}`}).denied(403, "model_not_allowed", false)
	s.do(call{path: "/v1/batches", body: `{"endpoint":"/v1/responses"}`, key: batchKey}).ok()
}

// A response is continued by the key that made it, where it was made, and never
// anywhere else; the gateway still knows after a restart.
func TestContinuedResponses(t *testing.T) {
	one, two, k := newProvider(t), newProvider(t), &keeper{}
	one.answers(k.answer)
	two.answers(k.answer)
	s := startObjects(t, []string{one.URL, two.URL}, "lb_policy round_robin")
	first := func(stream bool) (id string, home, other *provider) {
		one.forget()
		two.forget()
		a := s.do(call{path: "/v1/responses", body: fmt.Sprintf(`{"model":"gpt-4o","stream":%v,"input":"hi"}`, stream)}).ok()
		i := strings.Index(a.Body, "resp_")
		id = a.Body[i : i+strings.IndexByte(a.Body[i:], '"')]
		if one.count() == 1 {
			return id, one, two
		}
		return id, two, one
	}
	for _, stream := range []bool{false, true, false, true} {
		id, home, other := first(stream)
		for range 3 {
			s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","previous_response_id":"` + id + `","input":"go on"}`}).ok()
		}
		if other.count() != 0 || home.count() != 4 {
			t.Errorf("%d calls where it was made, %d elsewhere", home.count(), other.count())
		}
		s.do(call{path: "/v1/responses", key: batchKey, body: `{"model":"gpt-4o","previous_response_id":"` + id + `","input":"tell me"}`}).denied(404, "object_not_found", false)
	}
	s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","previous_response_id":"resp_unknown","input":"x"}`}).denied(404, "object_not_found", false)
	a := s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","input":"hi"}`}).ok()
	i := strings.Index(a.Body, "msg_")
	item := a.Body[i : i+strings.IndexByte(a.Body[i:], '"')]
	s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","input":[{"type":"item_reference","id":"` + item + `"}]}`}).ok()
	s.do(call{path: "/v1/responses", key: batchKey, body: `{"model":"gpt-4o","input":[{"type":"item_reference","id":"` + item + `"}]}`}).denied(404, "object_not_found", false)

	// Its deployment is down: the other one is not asked.
	id, home, other := first(false)
	home.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		sendJSON(w, 500, `{"error":{"message":"boom"}}`)
	})
	if a := s.do(call{path: "/v1/responses", body: `{"model":"gpt-4o","previous_response_id":"` + id + `","input":"x"}`}); a.Status != 500 {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	if other.count() != 0 {
		t.Error("the other deployment was asked")
	}
}

func TestObjectsOptions(t *testing.T) {
	for opts, want := range map[string]string{
		"objects":                "deny, allow or shared",
		"objects maybe":          "deny, allow or shared",
		"objects deny x":         "takes no providers",
		"objects allow nobody":   "no provider of this route",
		"objects allow":          "both",
		"objects allow\nobjects": "twice",
	} {
		err := load(t, `{
	llm_gateway {
		provider a openai {
			base_url http://127.0.0.1:9/v1
		}
		provider b openai {
			base_url http://127.0.0.1:9/v1
		}
	}
}
:8080 {
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_upstream {
		model * a b
		`+opts+`
	}
}`)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", opts, err, want)
		}
	}
}

// load adapts and validates a Caddyfile and returns what is wrong with it.
func load(t *testing.T, caddyfile string) error {
	t.Helper()
	s := prepare(t, options{})
	adapted, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(s.repl.Replace(caddyfile)), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return err
	}
	var cfg *caddy.Config
	if err := caddy.StrictUnmarshalJSON(adapted, &cfg); err != nil {
		return err
	}
	cfg.Logging = &caddy.Logging{Logs: map[string]*caddy.CustomLog{"default": {BaseLog: caddy.BaseLog{WriterRaw: json.RawMessage(`{"output":"discard"}`)}}}}
	return caddy.Validate(cfg)
}
