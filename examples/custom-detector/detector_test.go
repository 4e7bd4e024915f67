package badge

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-llm-gateway/caddy-llm-gateway"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// adapt turns a Caddyfile into JSON.
func adapt(text string) ([]byte, error) {
	config, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "badge.caddyfile"})
	return config, err
}

// load runs the example with its own data directory and returns its address.
func load(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("badge.caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(string(text), "# Run: ") {
		t.Error("the example does not say how to run it")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	l.Close()
	r := strings.NewReplacer("{\n\tllm_gateway {\n", fmt.Sprintf("{\n\tadmin off\n\tauto_https off\n\tllm_gateway {\n\t\tdata_dir %s\n", t.TempDir()), ":8080", "http://"+addr)
	config, err := adapt(r.Replace(string(text)))
	if err != nil {
		t.Fatal(err)
	}
	if err := caddy.Load(config, true); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			t.Error(err)
		}
	})
	return addr
}

// TestExample sends requests through a gateway with the example's detector.
func TestExample(t *testing.T) {
	const key = "a-client-key-of-enough-length"
	var got string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = string(body)
		w.Header().Set("Content-Type", "text/event-stream")
		// A badge number of the model's own, cut in the middle.
		for _, piece := range []string{"ask B12", "3000", "4 at noon"} {
			q, _ := json.Marshal(piece)
			fmt.Fprintf(w, "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":null}]}\n\n", q)
		}
		io.WriteString(w, "data: [DONE]\n\n")
	}))
	defer server.Close()
	t.Setenv("WEB_APP_KEY", key)
	t.Setenv("OPENAI_API_KEY", "provider-key")
	t.Setenv("OPENAI_BASE_URL", server.URL)
	addr := load(t)
	send := func(text string) (int, string) {
		q, _ := json.Marshal(text)
		req, _ := http.NewRequestWithContext(t.Context(), "POST", "http://"+addr+"/v1/chat/completions",
			strings.NewReader(`{"model":"m","stream":true,"messages":[{"role":"user","content":`+string(q)+`}]}`))
		req.Header.Set("Authorization", "Bearer "+key)
		req.Header.Set("Content-Type", "application/json")
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(b)
	}
	status, answer := send("who has M0000019 and X0000019 and M0000018?")
	if status != 200 || !strings.Contains(got, "who has [BADGE_NUMBER] and X0000019 and M0000018?") {
		t.Errorf("%d; the provider got %s", status, got)
	}
	var said strings.Builder
	for line := range strings.Lines(answer) {
		var e struct {
			Choices []struct{ Delta struct{ Content string } }
		}
		if json.Unmarshal([]byte(strings.TrimPrefix(line, "data: ")), &e) == nil && len(e.Choices) > 0 {
			said.WriteString(e.Choices[0].Delta.Content)
		}
	}
	if said.String() != "ask [BADGE_NUMBER] at noon" {
		t.Errorf("the client got %q", said.String())
	}
	got = ""
	if status, answer = send(strings.Repeat("M0000019 ", 10)); status != 422 || got != "" || !strings.Contains(answer, "list of all staff") {
		t.Errorf("%d %s", status, answer)
	}
}

func TestScanner(t *testing.T) {
	b := &Badge{Sites: "BM"}
	text := "B0000055 b0000055 B00000550 XB0000055 M1234567 M0000000"
	whole := b.Scanner().Scan(nil, text)
	if len(whole) != 2 || text[whole[0].Start:whole[0].End] != "B0000055" {
		t.Errorf("%+v", whole)
	}
	for cut := range len(text) {
		s := detect.NewStream(b.Scanner())
		_, found := s.Feed(text[:cut])
		_, more := s.Feed(text[cut:])
		found = append(append([]detect.Match(nil), found...), more...)
		_, last := s.Flush()
		if n := len(found) + len(last); n != len(whole) {
			t.Errorf("cut at %d: %d matches", cut, n)
		}
	}
}

func TestRefuses(t *testing.T) {
	for options, want := range map[string]string{
		"detector staff badge":                 "sites takes capital letters",
		"detector staff badge {\n sites b\n}":  "sites takes capital letters",
		"detector staff badge {\n sitez B\n}":  "sitez",
		"detector email badge {\n sites B\n}":  "a kind of data of that name",
		"detector staff badges {\n sites B\n}": "unknown type of detectors",
		"detector staff":                       "a name and a type",
		"detector staff badge {\n sites B\n}\n detector staff badge {\n sites B\n}": "given twice",
		"detector staff badge {\n sites B\n}":                                       "",
	} {
		_, err := adapt("{\n\tllm_gateway {\n" + options + "\n\t}\n}\nhttp://x {\n\tllm_policy {\n\t\tdeny d `llm.stream`\n\t}\n\tllm_upstream simulated\n}\n")
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", options, err, want)
		}
	}
}
