package caddytest

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// The figures of the bars for streams and failover, printed and not judged: how
// long an event takes through the gateway, in the same dialect and translated,
// and what a failed first attempt adds. What is judged is that every event came.
func TestLatencyFigures(t *testing.T) {
	const events = 300
	p := newProvider(t)
	sent := make(chan time.Time, events)
	p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range events {
			time.Sleep(2 * time.Millisecond)
			sent <- time.Now()
			_, _ = io.WriteString(w, `data: {"id":"chatcmpl-1","object":"chat.completion.chunk","created":1,"model":"gpt-4o","choices":[{"index":0,"delta":{"content":"`+fmt.Sprintf("<%d>", i)+`"},"finish_reason":null}]}`+"\n\n")
			w.(http.Flusher).Flush()
		}
		_, _ = io.WriteString(w, chatEvents[3]+"\n\n"+chatEvents[4]+"\n\n")
	})
	s := startTranslated(t, p, "")
	for i, name := range map[int]string{0: "same dialect", 1: "chat to responses", 2: "chat to messages"} {
		q := &speakers[i]
		body := strings.Replace(strings.Replace(q.body, "MODEL", "chat", 1), "STREAM", "true", 1)
		for _, name := range []string{"max_tokens", "max_output_tokens"} { // all of it must fit
			body = strings.Replace(body, `"`+name+`":`, `"`+name+`":9`, 1)
		}
		resp, err := s.client.Do(s.newRequest(call{path: q.path, body: body, anthropic: q.anthropic}))
		if err != nil {
			t.Fatal(err)
		}
		var took []time.Duration
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 1<<20)
		for n := 0; lines.Scan(); {
			// Each piece of text comes once as a delta.
			if strings.Contains(lines.Text(), fmt.Sprintf("<%d>", n)) && !strings.Contains(lines.Text(), ".done") {
				took = append(took, time.Since(<-sent))
				n++
			}
		}
		resp.Body.Close()
		if len(took) != events {
			t.Errorf("%s: %d of %d events came", name, len(took), events)
			continue
		}
		slices.Sort(took)
		t.Logf("%s: an event is out p50 %v, p99 %v after it was sent", name, took[events/2], took[events*99/100])
	}

	bad, good := newProvider(t), newProvider(t)
	bad.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) { sendJSON(w, 500, `{}`) })
	figures := map[string][]time.Duration{}
	for name, urls := range map[string][]string{"one attempt": {good.URL}, "two attempts": {bad.URL, good.URL}} {
		s := startPair(t, "max_fails 1000", urls...)
		for range 60 {
			begin := time.Now()
			s.chat(call{body: smart}).ok()
			figures[name] = append(figures[name], time.Since(begin))
		}
		slices.Sort(figures[name])
		t.Logf("%s: p50 %v, p90 %v", name, figures[name][30], figures[name][54])
		s.stop()
	}
	if bad.count() == 0 {
		t.Error("there was no first attempt")
	}
}
