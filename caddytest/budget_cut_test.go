package caddytest

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// monologue is a stream of a provider, in the dialect of the path, that says
// these texts, event by event, until they end or the gateway leaves. It returns
// whether it came to its end, which says that output tokens were used.
func monologue(w http.ResponseWriter, r *http.Request, body []byte, output int, text func(i int) string) bool {
	sh := shapeOf(r, body)
	w.Header().Set("Content-Type", sh.ctype)
	form, head, tail := "", 0, []string{}
	switch d := dialectOf(r.URL.Path); {
	case d == nil && sh.sep == "\n": // Ollama
		form, tail = `{"model":"llama3","created_at":"2026-11-23T10:00:00Z","message":{"role":"assistant","content":TEXT},"done":false}`, sh.events[2:]
	case d == nil: // Gemini
		form, tail = `data: {"candidates":[{"content":{"role":"model","parts":[{"text":TEXT}]},"index":0}],"modelVersion":"gemini-2.5-pro"}`, sh.events[2:]
	case d.name == "chat":
		form, head, tail = strings.Replace(chatEvents[1], `"Hello"`, "TEXT", 1), 1, []string{chatEvents[3], chatUsageEvent, chatEvents[4]}
	case d.name == "completions":
		form, tail = strings.Replace(completionsEvents[0], `"Hello"`, "TEXT", 1), []string{completionsEvents[1], chatUsageEvent, completionsEvents[2]}
	case d.name == "responses":
		form, head, tail = strings.Replace(responsesEvents[1], `"Hello"`, "TEXT", 1), 1, responsesEvents[3:]
	case d.name == "messages":
		form, head, tail = strings.Replace(messagesEvents[3], `"Hello"`, "TEXT", 1), 2, messagesEvents[5:]
	}
	for _, ev := range sh.events[:head] {
		_, _ = io.WriteString(w, ev+sh.sep)
	}
	for i := 0; ; i++ {
		s := text(i)
		if s == "" {
			break
		}
		quoted, _ := json.Marshal(s)
		if _, err := io.WriteString(w, strings.Replace(form, "TEXT", string(quoted), 1)+sh.sep); err != nil || r.Context().Err() != nil {
			return false
		}
		w.(http.Flusher).Flush()
	}
	n := fmt.Sprint(output)
	repl := strings.NewReplacer(`"completion_tokens":7`, `"completion_tokens":`+n, `"output_tokens":7`, `"output_tokens":`+n, `"candidatesTokenCount":7`, `"candidatesTokenCount":`+n,
		`"eval_count":7`, `"eval_count":`+n, `"total_tokens":18`, `"total_tokens":`+fmt.Sprint(output+11), `"totalTokenCount":18`, `"totalTokenCount":`+fmt.Sprint(output+11))
	for _, ev := range tail {
		_, _ = io.WriteString(w, repl.Replace(ev)+sh.sep)
	}
	return true
}

// monologues are the dialects and translations, with a model that leads there.
func monologues(t *testing.T, f func(t *testing.T, q *speaker, c call)) {
	for i := range faultSpeakers {
		q := &faultSpeakers[i]
		if !q.stream {
			continue
		}
		model := map[string]string{"a": "claude-x", "g": "gemini-x", "l": "llama-x"}[q.line]
		if model == "" {
			model = "x"
		}
		t.Run(q.name, func(t *testing.T) { f(t, q, q.call(model, true)) })
	}
}

// A provider that goes on and on beyond the limit that it was sent is cut: the
// client gets a valid error event and no end of a whole answer, the call of the
// provider is cancelled, and what is charged is what was reserved.
func TestStreamBeyondItsReservationIsCut(t *testing.T) {
	s, p := startBudget(t, "budget 100 USD/day")
	monologues(t, func(t *testing.T, q *speaker, c call) {
		s.t = t
		gone := make(chan struct{})
		p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
			if monologue(w, r, body, 10_000, func(i int) string { return strings.Repeat(" and on", 3) }) {
				t.Error("it was never cut")
			}
			<-r.Context().Done()
			close(gone)
		})
		a := s.do(c)
		select {
		case <-gone:
		case <-time.After(patience):
			t.Fatal("the provider's call was not cancelled")
		}
		if a.Status != 200 || strings.Contains(a.Body, q.terminal) {
			t.Errorf("%d …%s", a.Status, tailOf(a.Body))
		}
		// Gemini has no event for a failure that every reader understands: its
		// connection breaks off, too.
		if gemini := q.name == "gemini"; (a.Err == nil) == gemini {
			t.Errorf("the answer ended with %v", a.Err)
		}
		cutEvent(t, q, a.Body)
		rec := s.ended(a.Header.Get("Llm-Request-Id"))
		if rec.Outcome != "cut" || rec.Denial.Code != "budget_exceeded" || rec.Usage.Output != 50 || !rec.Usage.Estimated || rec.Cost != 50*int64(thousandth) {
			t.Errorf("the record: %s", rec.raw)
		}
		if n := strings.Count(a.Body, " and on and on"); n < 50 || n > 120 {
			t.Errorf("%d events of 50 tokens have passed", n)
		}
	})
	s.t = t
	s.reconcile("key/day")
}

func tailOf(s string) string { return s[max(0, len(s)-500):] }

// cutEvent checks the last event of a stream that was cut.
func cutEvent(t *testing.T, q *speaker, body string) {
	t.Helper()
	body = strings.TrimRight(body, "\n")
	last := body[strings.LastIndex(body, "\n\n")+1:]
	name, data, sse := strings.Cut(strings.TrimLeft(last, "\n"), "data: ")
	if q.name == "ollama" || q.name == "gemini" { // a line of JSON is how these two fail
		name, data, sse = "", body[strings.LastIndex(body, "\n")+1:], true
	}
	if !sse || !json.Valid([]byte(data)) || !strings.Contains(data, "budget") {
		t.Errorf("the last event is %q", last)
		return
	}
	want := map[bool]string{true: "event: error\n", false: ""}[q.anthropic]
	if strings.HasPrefix(q.name, "responses") {
		if !strings.Contains(name, "event: ") {
			t.Errorf("the last event is called %q", name)
		}
	} else if name != want {
		t.Errorf("the last event is called %q, want %q", name, want)
	}
	if !strings.Contains(data, "error") {
		t.Errorf("no error in %s", data)
	}
}

// Before a stock proxy the same; and a provider whose own figures pass the limit
// is cut by them, however little it says.
func TestStreamIsCutBeforeReverseProxyAndByFigures(t *testing.T) {
	p := newProvider(t)
	cfg := budgetSite("budget 100 USD/day", "")
	head, _, _ := strings.Cut(cfg, "\tllm_upstream")
	for name, site := range map[string]string{"reverse_proxy": head + "\treverse_proxy {{one}}\n}", "figures": cfg} {
		t.Run(name, func(t *testing.T) {
			s := start(t, site, budgetVars(p, p))
			gone := make(chan struct{})
			p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
				if name == "figures" {
					w.Header().Set("Content-Type", "text/event-stream")
					for i := 0; r.Context().Err() == nil; i++ {
						// As vLLM does with continuous_usage_stats.
						ev := strings.Replace(chatEvents[1], `"finish_reason":null}]`, fmt.Sprintf(`"finish_reason":null}],"usage":{"prompt_tokens":11,"completion_tokens":%d,"total_tokens":%d}`, 3*i, 11+3*i), 1)
						if _, err := io.WriteString(w, strings.Replace(ev, "Hello", "a", 1)+"\n\n"); err != nil {
							break
						}
						w.(http.Flusher).Flush()
					}
				} else {
					monologue(w, r, body, 10_000, func(int) string { return " and on and on" })
				}
				<-r.Context().Done()
				close(gone)
			})
			a := s.chat(call{body: `{"model":"x","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}`})
			<-gone
			if a.Err != nil || !strings.Contains(tailOf(a.Body), "budget_exceeded") || strings.Contains(a.Body, "[DONE]") {
				t.Errorf("%v …%s", a.Err, tailOf(a.Body))
			}
			rec := s.ended(a.Header.Get("Llm-Request-Id"))
			if rec.Outcome != "cut" || rec.Denial.Code != "budget_exceeded" || rec.Usage.Output < 50 {
				t.Errorf("the record: %s", rec.raw)
			}
			s.nothingHeld()
		})
	}
}

// A provider that keeps the limit is never cut, however it slices its answer and
// however long its tokens are.
func TestStreamWithinItsReservationIsNeverCut(t *testing.T) {
	const limit = 100
	upTo := func(n int, s string) func(int) string {
		return func(i int) string {
			if i < n {
				return s
			}
			return ""
		}
	}
	s, p := startBudget(t, "budget 1000 USD/day")
	cells := 0
	monologues(t, func(t *testing.T, q *speaker, c call) {
		s.t = t
		c.body = strings.Replace(c.body, ":50", fmt.Sprint(":", limit), 1)
		for name, text := range map[string]func(int) string{
			"a word an event":        upTo(limit-1, " word"),
			"a long word an event":   upTo(limit-1, " responsibilities"),
			"a character an event":   upTo(limit*4, "x"),
			"a few large pieces":     upTo(3, strings.Repeat(" word", limit/3)),
			"one piece":              upTo(1, strings.Repeat(" wording", limit-1)),
			"dashes of 64 bytes":     upTo(limit-1, strings.Repeat("-", 64)),
			"64 bytes in few pieces": upTo(2, strings.Repeat("-", 64*(limit-2)/2)),
			"an emoji an event":      upTo(limit/3, "👩‍🚀"),
			"escapes":                upTo(limit-1, "\t\"\\\u0001"),
			"nothing":                upTo(0, ""),
		} {
			p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) { monologue(w, r, body, limit, text) })
			a := s.do(c)
			if a.Status != 200 || a.Err != nil || !strings.Contains(a.Body, q.terminal) || strings.Contains(a.Body, "budget_exceeded") {
				t.Errorf("%s: %d %v …%s", name, a.Status, a.Err, tailOf(a.Body))
			}
			cells++
		}
	})
	s.t = t
	s.reconcile("key/day")
	for _, r := range s.records("default", "") {
		if r.Stage == "completed" && (r.Outcome != "ok" || r.Usage.Output != limit) {
			t.Errorf("the record: %s", r.raw)
		}
	}
	t.Logf("%d streams", cells)
}

// Nothing is cut where nothing is reserved for it, or only an estimate.
func TestNoCutWithoutReservation(t *testing.T) {
	for name, cost := range map[string]string{"no budget": "unpriced deny", "estimate": "budget 100 USD/day {\n\t\t\treserve estimate\n\t\t}"} {
		t.Run(name, func(t *testing.T) {
			s, p := startBudget(t, cost)
			p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
				monologue(w, r, body, 3000, func(i int) string {
					if i < 3000 {
						return " and on and on"
					}
					return ""
				})
			})
			a := s.chat(call{body: `{"model":"x","stream":true,"max_tokens":50,"messages":[{"role":"user","content":"Hi"}]}`}).ok()
			if !strings.Contains(a.Body, "[DONE]") {
				t.Errorf("…%s", tailOf(a.Body))
			}
			if rec := s.ended(a.Header.Get("Llm-Request-Id")); rec.Outcome != "ok" || rec.Usage.Output != 3000 {
				t.Errorf("the record: %s", rec.raw)
			}
			s.nothingHeld()
		})
	}
}
