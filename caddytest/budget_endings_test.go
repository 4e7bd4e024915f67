package caddytest

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/caddyserver/caddy/v2"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// endings are the ways in which a provider may end a call; each gets a random
// number for what is left open.
var endings = []struct {
	name   string
	weight int
	answer func(w http.ResponseWriter, r *http.Request, body []byte, n int)
}{
	{"whole", 20, func(w http.ResponseWriter, r *http.Request, body []byte, _ int) { fullAnswer(w, r, body) }},
	{"small", 10, func(w http.ResponseWriter, r *http.Request, body []byte, _ int) { nativeAnswer(w, r, body) }},
	{"status", 20, func(w http.ResponseWriter, _ *http.Request, _ []byte, n int) {
		statuses := []int{400, 401, 402, 403, 404, 408, 409, 413, 415, 422, 424, 429, 431, 498, 500, 501, 502, 503, 504, 507, 520, 524, 529, 599, 201, 204, 301, 304}
		sendJSON(w, statuses[n%len(statuses)], `{"error":{"message":"no"}}`)
	}},
	{"abort", 6, func(http.ResponseWriter, *http.Request, []byte, int) { panic(http.ErrAbortHandler) }},
	{"cut", 14, func(w http.ResponseWriter, r *http.Request, body []byte, n int) {
		begin(w, r, body, strings.Contains(string(body), `"stream":true`), n%9, 1)
		panic(http.ErrAbortHandler)
	}},
	{"short", 6, func(w http.ResponseWriter, r *http.Request, body []byte, n int) {
		begin(w, r, body, strings.Contains(string(body), `"stream":true`), n%9, 1)
	}},
	{"silent", 1, func(_ http.ResponseWriter, r *http.Request, _ []byte, _ int) { <-r.Context().Done() }},
	{"stalled", 1, func(w http.ResponseWriter, r *http.Request, body []byte, n int) {
		begin(w, r, body, true, n%5, 1)
		<-r.Context().Done()
	}},
	{"slow", 3, func(w http.ResponseWriter, r *http.Request, body []byte, _ int) {
		if d := dialectOf(r.URL.Path); d != nil && strings.Contains(string(body), `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			for _, ev := range d.events {
				time.Sleep(time.Millisecond)
				_, _ = io.WriteString(w, ev+"\n\n")
				w.(http.Flusher).Flush()
			}
			return
		}
		time.Sleep(5 * time.Millisecond)
		nativeAnswer(w, r, body)
	}},
	{"garbage", 4, func(w http.ResponseWriter, _ *http.Request, _ []byte, n int) {
		w.Header().Set("Content-Type", []string{"application/json", "text/event-stream", "text/html", ""}[n%4])
		_, _ = io.WriteString(w, "data: ]{ \xff\n\n")
	}},
	{"failed", 4, func(w http.ResponseWriter, r *http.Request, body []byte, n int) {
		begin(w, r, body, true, n%3, 1)
		_, _ = io.WriteString(w, "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"no\"}}\n\n")
	}},
	{"empty", 3, func(w http.ResponseWriter, _ *http.Request, _ []byte, _ int) { w.WriteHeader(200) }},
	{"uncounted", 3, func(w http.ResponseWriter, _ *http.Request, _ []byte, _ int) {
		sendJSON(w, 200, `{"id":"x","choices":[{"index":0,"message":{"content":"hi"},"finish_reason":"stop"}]}`)
	}},
	{"negative", 3, func(w http.ResponseWriter, r *http.Request, body []byte, n int) { usageAnswer(-n)(w, r, body) }},
	{"lying", 2, func(w http.ResponseWriter, r *http.Request, body []byte, n int) { usageAnswer(50+n%200)(w, r, body) }},
}

var endingIn = regexp.MustCompile(`end ([a-z]+) (\d+)`)

// endAsTold answers by what the prompt says.
func endAsTold(w http.ResponseWriter, r *http.Request, body []byte) {
	m := endingIn.FindSubmatch(body)
	if m == nil {
		fullAnswer(w, r, body)
		return
	}
	n, _ := strconv.Atoi(string(m[2]))
	for i := range endings {
		if endings[i].name == string(m[1]) {
			endings[i].answer(w, r, body, n)
		}
	}
}

// 10,000 calls (1,000 with -short) that end at random: every status, an abort or
// silence of the provider at every stage, the client's leave at every stage,
// handlers that panic, reloads in the middle, timeouts, figures that are missing,
// negative or lies; whole, streamed and translated, with a second deployment and
// without. Afterwards nothing is reserved, in memory or in the store after a
// restart, every slot is free, and ledger and audit log say the same sum.
func TestRandomEndings(t *testing.T) {
	calls, workers, slots := 10_000, 32, 40
	if testing.Short() {
		calls = 1_000
	}
	p, good := newProvider(t), newProvider(t)
	p.answers(endAsTold)
	good.answers(fullAnswer)
	final := budgetSite("budget 100k USD/day per key\n\t\tbudget 1000M tokens/month per team\n\t\tbudget 100k USD/total per model\n\t\tbudget 100k USD/hour rolling per global",
		fmt.Sprintf("llm_ratelimit {\n\t\tconcurrent %d\n\t\ttokens 900M/h per team\n\t}\n\ttest_panic", slots))
	final = strings.Replace(final, "\t\tbudget 100k USD/total per model\n", "\t\tbudget 100k USD/total per model\n", 1)
	o := budgetVars(p, good)
	random := strings.Replace(final, "max_fails 1000", "max_fails 1000\n\t\tfirst_byte_timeout 250ms\n\t\tstream_idle_timeout 250ms", 1)
	s := start(t, random, o)
	l, leave := s.leaseLedger()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: workers, DisableCompression: true}, Timeout: patience}
	t.Cleanup(client.CloseIdleConnections)
	talkers := []*speaker{}
	for i := range faultSpeakers {
		if q := &faultSpeakers[i]; q.line != "l" {
			talkers = append(talkers, q)
		}
	}
	weights := 0
	for i := range endings {
		weights += endings[i].weight
	}
	var wg sync.WaitGroup
	next := make(chan int)
	var mu sync.Mutex
	tally := map[string]int{}
	for range workers {
		wg.Go(func() {
			for i := range next {
				got := s.endOne(client, talkers, weights, rand.New(rand.NewPCG(20261123, uint64(i))))
				mu.Lock()
				tally[got]++
				mu.Unlock()
			}
		})
	}
	for i := range calls {
		if i%(calls/5) == calls/10 { // five reloads in the middle of it
			if err := caddy.Load(s.adapt(random, o), true); err != nil {
				t.Error(err)
			}
		}
		next <- i
	}
	close(next)
	wg.Wait()
	if err := s.load(final, o); err != nil {
		t.Fatal(err)
	}
	s.quiet()
	p.answers(fullAnswer)
	s.slots(p, slots)
	s.quiet()
	debt := l.Debt()
	leave()
	sum := s.reconcile("key/day")
	rows, over := s.rows(""), llm.Money(0)
	for _, r := range rows {
		over += max(0, r.Cost-r.Reserved)
	}
	if over != debt {
		t.Errorf("the rows are %s over their reservations, and the debt is %s", over, debt)
	}
	// A restart finds nothing that is open, and charges nothing.
	s.stopped = false
	if err := s.load(final, o); err != nil {
		t.Fatal(err)
	}
	s.quiet()
	if totals := s.nothingHeld(); totals.Rows != len(rows) || totals.Settled != sum {
		t.Errorf("after a restart %d rows and %s, before %d and %s", totals.Rows, totals.Settled, len(rows), sum)
	}
	t.Logf("%d calls, %d attempts paid for: %s, of it %s beyond the bound; clients saw %v", calls, len(rows), sum, debt, tally)
}

// endOne makes one call that ends at random, and says what came of it.
func (s *site) endOne(client *http.Client, talkers []*speaker, weights int, rnd *rand.Rand) string {
	q := talkers[rnd.IntN(len(talkers))]
	kind, at := "", rnd.IntN(weights)
	for i := range endings {
		if at -= endings[i].weight; at < 0 {
			kind = endings[i].name
			break
		}
	}
	model := map[string]string{"a": "claude-x", "g": "gemini-x"}[q.line]
	switch {
	case kind == "lying" && model != "":
		model = strings.TrimSuffix(model, "x") + "lying"
	case kind == "lying":
		model = "lying"
	case model == "":
		model = []string{"x", "smart"}[rnd.IntN(2)]
	}
	c := q.call(model, q.stream && rnd.IntN(2) == 0)
	c.body = strings.Replace(c.body, `:"hi"`, fmt.Sprintf(`:"end %s %d"`, kind, rnd.IntN(1000)), 1)
	c.key = []string{"", batchKey}[rnd.IntN(2)]
	switch rnd.IntN(40) {
	case 0:
		c.header = map[string]string{"X-Test-Panic": "at once"}
	case 1:
		c.header = map[string]string{"X-Test-Panic": "second write"}
	}
	r, cancel := withCancel(s.newRequest(c))
	defer cancel()
	leaves := rnd.IntN(10)
	switch leaves {
	case 0: // at some moment
		timer := time.AfterFunc(time.Duration(rnd.IntN(5000))*time.Microsecond, cancel)
		defer timer.Stop()
	case 1: // in the middle of its own request
		s.half(r, c.body, rnd)
		return "left early"
	}
	resp, err := client.Do(r)
	if err != nil {
		return "no answer"
	}
	defer resp.Body.Close()
	if leaves == 2 { // in the middle of the answer
		_, _ = io.CopyN(io.Discard, resp.Body, int64(rnd.IntN(600)))
		return "left"
	}
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return "broken"
	}
	return strconv.Itoa(resp.StatusCode)
}

// half sends the beginning of a request and hangs up.
func (s *site) half(r *http.Request, body string, rnd *rand.Rand) {
	c, err := net.Dial("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)))
	if err != nil {
		return // in the moment of a reload
	}
	defer c.Close()
	var text strings.Builder
	fmt.Fprintf(&text, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", r.URL.RequestURI(), len(body))
	_ = r.Header.Write(&text)
	text.WriteString("\r\n" + body)
	n := rnd.IntN(text.Len() + 1)
	_, _ = io.WriteString(c, text.String()[:n])
	if n%2 == 0 {
		_ = c.(*net.TCPConn).SetLinger(0)
	}
}
