package caddytest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"golang.org/x/sys/unix"
)

// cannedTransport answers without a network, for benchmarks of what lies before it.
type cannedTransport struct{}

func (cannedTransport) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: "http.reverse_proxy.transport.test_canned", New: func() caddy.Module { return new(cannedTransport) }}
}

func (*cannedTransport) UnmarshalCaddyfile(d *caddyfile.Dispenser) error { d.Next(); return nil }

func (cannedTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body.Close()
	}
	body := chatWhole
	ctype := "application/json"
	if r.Header.Get("Accept") == "text/event-stream" {
		body, ctype = cannedStream, "text/event-stream"
	}
	return &http.Response{Status: "200 OK", StatusCode: 200, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r, ContentLength: int64(len(body)),
		Header: http.Header{"Content-Type": {ctype}, "Date": {"Sat, 28 Nov 2026 10:00:00 GMT"}}, Body: io.NopCloser(strings.NewReader(body))}, nil
}

var cannedStream = strings.Repeat(chatEvents[1]+"\n\n", 200) + stream(chatEvents[3], chatUsageEvent, chatEvents[4])

func init() { caddy.RegisterModule(cannedTransport{}) }

// What the chain itself costs, without connections: the site of the benchmark in
// bench/ and a stock reverse_proxy, each before a transport that answers at once.
//
//	go test ./caddytest -run '^$' -bench Chain -benchmem -cpu 1
func BenchmarkChain(b *testing.B) {
	governed, err := os.ReadFile("../bench/governed.Caddyfile")
	if err != nil {
		b.Fatal(err)
	}
	stock := ":8080 {\n\treverse_proxy 127.0.0.1:1 {\n\t\ttransport test_canned\n\t}\n}\n"
	for _, size := range []int{1000, 100_000} {
		for _, streamed := range []bool{false, true} {
			for _, name := range []string{"stock", "governed"} {
				if streamed && size > 1000 {
					continue
				}
				b.Run(fmt.Sprintf("%s/%d/stream=%v", name, size, streamed), func(b *testing.B) {
					dir := b.TempDir()
					b.Setenv("BENCH_KEY", webKey)
					b.Setenv("BENCH_PROVIDER_KEY", openaiKey)
					b.Setenv("XDG_CONFIG_HOME", dir)
					b.Setenv("XDG_DATA_HOME", dir)
					text := stock
					if name == "governed" {
						text = strings.NewReplacer("admin 127.0.0.1:{$BENCH_ADMIN}", "admin off", "{$BENCH_DATA}", dir, "{$BENCH_PORT}", fmt.Sprint(freePort(b)),
							"http://{$BENCH_UPSTREAM}/v1", "http://127.0.0.1:1/v1\n\t\ttransport test_canned").Replace(string(governed))
					} else {
						text = "{\n\tadmin off\n\tauto_https off\n}\n" + strings.Replace(text, ":8080", fmt.Sprintf("http://127.0.0.1:%d", freePort(b)), 1)
					}
					loadText(b, text)
					app, err := caddy.ActiveContext().App("http")
					if err != nil {
						b.Fatal(err)
					}
					server := app.(*caddyhttp.App).Servers["srv0"]
					more := ""
					if streamed {
						more = `,"stream":true,"stream_options":{"include_usage":true}`
					}
					body := fmt.Sprintf(`{"model":"gpt-4o-mini","max_tokens":100%s,"messages":[{"role":"system","content":"You are a helpful assistant."},{"role":"user","content":"%s"}]}`, more, strings.Repeat("All work and no play. ", size/22))
					b.ReportAllocs()
					b.SetParallelism(32)
					b.ResetTimer()
					used := cpuTime(b)
					b.RunParallel(func(pb *testing.PB) {
						for pb.Next() {
							r := httptest.NewRequest("POST", "http://127.0.0.1/v1/chat/completions", strings.NewReader(body))
							r.Header.Set("Authorization", "Bearer "+webKey)
							r.Header.Set("Content-Type", "application/json")
							if streamed {
								r.Header.Set("Accept", "text/event-stream")
							}
							w := &deafClient{header: http.Header{}}
							server.ServeHTTP(w, r)
							if w.status != 200 {
								b.Errorf("%d %s", w.status, w.body.String())
								return
							}
						}
					})
					b.ReportMetric(float64((cpuTime(b)-used).Nanoseconds())/1000/float64(b.N), "cpu-µs/op")
				})
			}
		}
	}
}

// loadText runs a Caddyfile until the benchmark ends.
func loadText(b *testing.B, text string) {
	b.Helper()
	cfg, _, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(text), map[string]any{"filename": "Caddyfile"})
	if err != nil {
		b.Fatal(err)
	}
	if err := caddy.Load(cfg, true); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := caddy.Stop(); err != nil {
			b.Error(err)
		}
	})
}

// cpuTime is what all threads of this process have used. Under other load it says
// more than the clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// deafClient is a client that looks at nothing but errors.
type deafClient struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *deafClient) Header() http.Header { return w.header }
func (w *deafClient) WriteHeader(s int)   { w.status = s }
func (w *deafClient) Flush()              {}
func (w *deafClient) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.status = 200
	}
	if w.status != 200 {
		w.body.Write(p)
	}
	return len(p), nil
}
