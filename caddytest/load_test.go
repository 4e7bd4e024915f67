package caddytest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Many calls at once against a budget that fits ten of them: ten leave, however
// they race, and what they did not use is free again afterwards.
func TestBudgetUnderConcurrency(t *testing.T) {
	p := newProvider(t)
	s := start(t, `
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_cost {
		budget 1.05 USD/total
		unpriced 1000
	}
	llm_upstream openai {env.OPENAI_API_KEY} {
		base_url {{openai}}/v1
	}
}`, options{vars: map[string]string{"openai": p.URL}})
	// At $0.001 a token the output's bound is $0.05 and the input's is the
	// same for all: learn it from a refusal's reservation is not needed, a
	// first call tells it.
	body := `{"model":"x","messages":[{"role":"user","content":"a"}],"max_tokens":50}`
	first := s.chat(call{body: body}).ok()
	id := first.Header.Get("Llm-Request-Id")
	s.ended(id)
	release := make(chan struct{})
	var arrived atomic.Int64
	p.answers(func(w http.ResponseWriter, r *http.Request, b []byte) {
		arrived.Add(1)
		select {
		case <-release:
		case <-r.Context().Done():
			return
		}
		plainAnswer(w, r, b)
	})
	const callers = 60
	statuses := make(chan int, callers)
	for range callers {
		go func() {
			resp, err := s.client.Do(s.newRequest(call{path: "/v1/chat/completions", body: body}))
			if err != nil {
				statuses <- 0
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			statuses <- resp.StatusCode
		}()
	}
	counts := map[int]int{}
	// All that are refused answer at once; the others wait at the provider.
	if !eventually(func() bool {
		for {
			select {
			case st := <-statuses:
				counts[st]++
				continue
			default:
			}
			return counts[429]+int(arrived.Load()) == callers
		}
	}) {
		t.Fatalf("%v were answered, %d reached the provider", counts, arrived.Load())
	}
	admitted := int(arrived.Load())
	close(release)
	for range callers - counts[429] {
		counts[<-statuses]++
	}
	if counts[200] != admitted || counts[200]+counts[429] != callers || admitted == 0 || counts[429] == 0 {
		t.Errorf("statuses %v, %d reached the provider", counts, admitted)
	}
	totals := s.nothingHeld()
	if want := int64(admitted+1) * 18_000_000; int64(totals.Settled) != want {
		t.Errorf("settled %s, want %d", totals.Settled, want)
	}
	rows := s.rows(id)
	if len(rows) != 1 {
		t.Fatalf("rows: %+v", rows)
	}
	// The first call has used $0.018 for good.
	fits := (1_050_000_000 - 18_000_000) / int64(rows[0].Reserved)
	if int64(admitted) != fits {
		t.Errorf("%d calls were admitted, %d fit at %s each", admitted, fits, rows[0].Reserved)
	}
	s.verify("default")
}

// 1,000 streams at 20 events a second with a reload in the middle: none is cut,
// no event is lost or moved.
func TestThousandStreams(t *testing.T) {
	const streams, events = 1000, 20
	p := newProvider(t)
	s := prepare(t, encodedOptions(p, protocols[0], "growth", "1M"))
	site := strings.Replace(strings.Replace(encodedSite, "concurrent 100", "concurrent 2000", 1), "\tencode {", "\tencode /never {", 1)
	reload := func(team string) {
		t.Helper()
		if err := s.load(site, encodedOptions(p, protocols[0], team, "1M")); err != nil {
			t.Fatal(err)
		}
	}
	reload("growth")
	var started sync.WaitGroup
	started.Add(streams)
	begin := make(chan struct{})
	p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		select {
		case <-begin:
		case <-r.Context().Done():
			return
		}
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for i := range events {
			<-tick.C
			fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"event %d\"},\"finish_reason\":null}]}\n\n", i)
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, stream(chatEvents[3], chatUsageEvent, chatEvents[4]))
	})
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: streams, DisableCompression: true}}
	t.Cleanup(client.CloseIdleConnections)
	errs := make(chan error, streams)
	for range streams {
		go func() {
			errs <- func() error {
				resp, err := client.Do(s.newRequest(call{path: "/v1/chat/completions", body: dialects[0].streamRequest}))
				if err != nil {
					started.Done()
					return err
				}
				defer resp.Body.Close()
				started.Done()
				sc := bufio.NewScanner(resp.Body)
				i, done := 0, false
				for sc.Scan() {
					switch line := sc.Text(); {
					case strings.Contains(line, "event "):
						if !strings.Contains(line, fmt.Sprintf(`"event %d"`, i)) {
							return fmt.Errorf("event %d: %s", i, line)
						}
						i++
					case line == "data: [DONE]":
						done = true
					case strings.Contains(line, "error"):
						return fmt.Errorf("after %d events: %s", i, line)
					}
				}
				if i != events || !done || sc.Err() != nil {
					return fmt.Errorf("%d events, done %v: %v", i, done, sc.Err())
				}
				return nil
			}()
		}()
	}
	started.Wait()
	memory := func() uint64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return m.HeapInuse >> 20
	}
	before := memory()
	close(begin)
	time.Sleep(events / 2 * 50 * time.Millisecond)
	reload("research")
	middle := memory()
	failed := 0
	for range streams {
		if err := <-errs; err != nil {
			if failed++; failed <= 5 {
				t.Error(err)
			}
		}
	}
	if failed > 0 {
		t.Errorf("%d of %d streams failed", failed, streams)
	}
	client.CloseIdleConnections()
	totals := s.nothingHeld()
	if totals.Rows != streams {
		t.Errorf("%d rows for %d streams", totals.Rows, streams)
	}
	ok := 0
	for _, r := range s.records("default", "") {
		if r.Stage == "completed" && r.Outcome == "ok" && r.Usage.Output == 7 {
			ok++
		}
	}
	if ok != streams {
		t.Errorf("%d records for %d streams", ok, streams)
	}
	s.verify("default")
	t.Logf("%d streams of %d events with a reload in the middle: none cut; heap %d MiB when open, %d MiB in the middle (this process is client, gateway and provider)", streams, events, before, middle)
}
