package caddytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// What went wrong elsewhere between an answer's bytes and its costs where the whole
// gateway is needed to show it. The others are TestCost… in limits.

// pricedSite is a budgetSite at which a token of input costs a tenth of a thousandth
// of a dollar, one read from a cache a hundredth, and one written to it an eighth.
func pricedSite(cost, more string) string {
	return strings.Replace(budgetSite(cost, more), "price * 0 1000", "price * 100 1000 10 125", 1)
}

// LiteLLM PR 33736: a call whose client hung up was free. Here it costs what the
// provider had reported, or else an estimate, and the budget says so.
func TestCostLiteLLM33736HangingUpIsNotFree(t *testing.T) {
	p := newProvider(t)
	s := start(t, pricedSite("budget 50 USD/day", ""), budgetVars(p, p))
	for i := range faultSpeakers {
		q := &faultSpeakers[i]
		model := map[string]string{"o": "x", "c": "x", "r": "x", "a": "claude-x", "g": "gemini-x"}[q.line]
		if model == "" || q.name == "count_tokens" || !q.stream {
			continue
		}
		before := s.standing("key/day", "web").Settled
		began := make(chan struct{})
		p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
			begin(w, r, body, true, 2, 2)
			close(began)
			<-r.Context().Done()
		})
		s.leave(q.call(model, true), began)
		s.quiet()
		if after := s.standing("key/day", "web").Settled; after <= before {
			t.Errorf("%s: nothing was charged", q.name)
		}
	}
	s.reconcile("key/day")
}

// LiteLLM PR 37558: the same where the client left before the first byte of the
// answer, and where no stream was asked for.
func TestCostLiteLLM37558HangingUpBeforeTheFirstByte(t *testing.T) {
	p := newProvider(t)
	s := start(t, pricedSite("budget 50 USD/day", ""), budgetVars(p, p))
	for _, stream := range []bool{false, true} {
		before := s.standing("key/day", "web").Settled
		began := make(chan struct{})
		p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
			close(began)
			<-r.Context().Done()
		})
		s.leave(message(false, "x", "Hi", fmt.Sprintf(`,"stream":%v,"max_tokens":60`, stream)), began)
		s.quiet()
		if after := s.standing("key/day", "web").Settled; after <= before || after > before+60*thousandth+100*thousandth/10 {
			t.Errorf("stream %v: %s was charged", stream, after-before)
		}
	}
	s.reconcile("key/day")
}

// open-ace PR 3422: a provider that broke off made the call free, although it had
// given figures by then.
func TestCostOpenAce3422ProviderBreaksOff(t *testing.T) {
	p := newProvider(t)
	s := start(t, pricedSite("budget 50 USD/day", ""), budgetVars(p, p))
	p.answers(func(w http.ResponseWriter, r *http.Request, _ []byte) {
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprint(w, "event: message_start\ndata: "+`{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude-x","content":[],"usage":{"input_tokens":200,"cache_read_input_tokens":1000,"output_tokens":3}}}`+"\n\n")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	a := s.do(message(true, "claude-x", strings.Repeat("words ", 400), `,"stream":true,"max_tokens":60`))
	rec := s.ended(a.Header.Get("Llm-Request-Id"))
	const least = (200*100 + 1000*10 + 3*1000) * 1000 // nano-dollars
	if rec.Cost < least || rec.Cost > least+57*int64(thousandth) || !rec.Usage.Estimated {
		t.Errorf("charged %d, want %d and a little: %s", rec.Cost, least, rec.raw)
	}
	s.reconcile("key/day")
}

// theam/facility PR 251: the first figures of a stream let go of what was reserved, so
// that a hard budget could be overspent while it ran. Here all of it is held until
// the last ones.
func TestCostFacility251PartialFiguresReleaseNothing(t *testing.T) {
	p := newProvider(t)
	s := start(t, budgetSite("budget 0.1 USD/day\n\t\tmin_output off", ""), budgetVars(p, p))
	g := newGate()
	p.answers(g.answer)
	st := s.open(message(false, "x", "Hi", `,"stream":true,"max_tokens":60`))
	partial := `data: {"id":"c","object":"chat.completion.chunk","model":"x","choices":[{"index":0,"delta":{"content":"Hel"}}],"usage":{"prompt_tokens":11,"completion_tokens":1,"total_tokens":12}}`
	lockstep(st, g, []string{chatEvents[1], partial})
	p.answers(fullAnswer)
	s.ask(webKey, "x", 41).denied(429, "budget_exceeded", false)
	if b := s.standing("key/day", "web"); b.Reserved < 60*thousandth || b.Settled != 0 {
		t.Errorf("%s reserved, %s settled", b.Reserved, b.Settled)
	}
	s.ask(webKey, "x", 39).ok()
	for _, ev := range []string{chatEvents[3], chatUsageEvent, chatEvents[4]} {
		g.next <- ev + "\n\n"
	}
	close(g.next)
	if _, err := st.rest(); err != nil {
		t.Error(err)
	}
	s.ended(st.id())
	s.quiet()
	if b := s.standing("key/day", "web"); b.Settled != (39+7)*thousandth {
		t.Errorf("%s settled", b.Settled)
	}
	s.reconcile("key/day")
}

// Envoy AI Gateway PR 2350: a call of an OpenAI client to Anthropic counted what was
// read from the cache twice, since one counts it inside the prompt and the other
// outside. Here the client is told its own dialect's figures, and charged the
// provider's, once.
func TestCostEnvoy2350TranslatedCacheCountsOnce(t *testing.T) {
	p := newProvider(t)
	s := start(t, pricedSite("budget 50 USD/day", ""), budgetVars(p, p))
	const usage = `"usage":{"input_tokens":200,"cache_read_input_tokens":1000,"cache_creation_input_tokens":40,"output_tokens":5}`
	p.answers(func(w http.ResponseWriter, _ *http.Request, body []byte) {
		if !strings.Contains(string(body), `"stream":true`) {
			sendJSON(w, 200, `{"id":"m","type":"message","role":"assistant","model":"claude-x","content":[{"type":"text","text":"x"}],"stop_reason":"end_turn",`+usage+`}`)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		for _, ev := range []string{
			`{"type":"message_start","message":{"id":"m","type":"message","role":"assistant","model":"claude-x","content":[],` + strings.Replace(usage, `:5}`, `:1}`, 1) + `}}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"x"}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":5}}`, `{"type":"message_stop"}`,
		} {
			kind, _, _ := strings.Cut(strings.TrimPrefix(ev, `{"type":"`), `"`)
			fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, ev)
		}
	})
	const want = (200*100 + 1000*10 + 40*125 + 5*1000) * 1000 // nano-dollars
	text := strings.Repeat("words ", 400)
	for _, more := range []string{`,"max_tokens":60`, `,"max_tokens":60,"stream":true,"stream_options":{"include_usage":true}`} {
		a := s.do(message(false, "claude-x", text, more)).ok()
		if rec := s.ended(a.Header.Get("Llm-Request-Id")); rec.Cost != want {
			t.Errorf("charged %d, want %d: %s", rec.Cost, want, rec.raw)
		}
		if !strings.Contains(a.Body, `"prompt_tokens":1240`) || !strings.Contains(a.Body, `"cached_tokens":1000`) {
			t.Errorf("the client is told: %s", a.Body)
		}
	}
	if sum := s.reconcile("key/day"); sum != 2*llm.Money(want) {
		t.Errorf("%s in all", sum)
	}
}
