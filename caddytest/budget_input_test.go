package caddytest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// Limits on output and numbers of choices that are no such thing never reach the
// provider and hold nothing; what is one, but more than there is money for, is
// lowered or refused.
func TestBudgetBadLimits(t *testing.T) {
	s, p := startBudget(t, "budget 1 USD/day\n\t\tmin_output 500")
	for _, v := range []string{
		"-1", "0", "-0", `"50"`, "1.5", "50.0", "5e1", "1e3", "1e308", "1e400", "-1e400", "9223372036854775807", "9223372036854775808", "-9223372036854775808",
		"18446744073709551616", "99999999999999999999999999", "[]", "[50]", "{}", "true", "0x10", "NaN", "Infinity", "050", "+5", "5_0",
	} {
		for i := range faultSpeakers {
			q := &faultSpeakers[i]
			model := map[string]string{"a": "claude-x", "g": "gemini-x", "l": "llama-x"}[q.line]
			if model == "" {
				model = "x"
			}
			// Ollama and Gemini have values of their own for "no limit".
			if !strings.Contains(q.body, ":50") || q.name == "ollama" {
				continue
			}
			c := q.call(model, false)
			c.body = strings.Replace(c.body, ":50", ":"+v, 1)
			if a := s.do(c); a.Status != 400 {
				t.Errorf("%s with a limit of %s: %d %s", q.name, v, a.Status, a.Body)
			}
		}
	}
	for _, more := range []string{
		`"n":1000000000`, `"n":-1`, `"n":0`, `"n":1.5`, `"n":"2"`, `"n":9223372036854775807`, `"n":1e9`, `"n":[]`, `"best_of":1000000000`,
		`"max_completion_tokens":5`, `"max_completion_tokens":-5`, `"max_tokens":5`, `"MAX_TOKENS":5`, `"max_to\u006bens":5`,
	} {
		if a := s.do(message(false, "x", "Hi", `,"max_tokens":10,`+more)); a.Status != 400 {
			t.Errorf("%s: %d %s", more, a.Status, a.Body)
		}
	}
	if n := p.count(); n != 0 {
		t.Errorf("%d of these reached the provider: %s", n, p.requests()[0].Body)
	}
	// 128 choices of 10 tokens are $1.28, and are not lowered below 500 each.
	s.do(message(false, "x", "Hi", `,"max_tokens":10,"n":128`)).denied(429, "budget_exceeded", false)
	s.do(message(false, "x", "Hi", `,"max_tokens":10,"n":90`)).ok()
	s.do(message(false, "x", "Hi", `,"max_tokens":999999999`)).ok()
	if n, _ := p.sentLimit(); n != 989 {
		t.Errorf("lowered to %d", n)
	}
	s.reconcile("key/day")
}

// Whatever a provider says of what was used, no call is free that was answered, no
// sum overflows or sinks, and what is billed beyond the bound is debt: charged in
// full, and nothing more is admitted until it has left the window.
func TestBudgetUsageThatIsMissingOrLies(t *testing.T) {
	const bound = 20 // tokens of output
	chunk := func(usage string) string {
		return `data: {"id":"c","object":"chat.completion.chunk","model":"x","choices":[],"usage":` + usage + "}"
	}
	for _, c := range []struct {
		name   string
		usage  string // of a whole answer, and the last chunk of a stream
		events []string
		want   int64 // tokens charged; -1: the bound
	}{
		{"none", "", nil, -1},
		{"null", "null", nil, -1},
		{"empty", "{}", nil, -1},
		{"an array", "[]", nil, -1},
		{"a string", `"7"`, nil, -1},
		{"negative", `{"prompt_tokens":-5,"completion_tokens":-7,"total_tokens":-12}`, nil, -1},
		{"negative output", `{"prompt_tokens":11,"completion_tokens":-7}`, nil, -1},
		{"output missing", `{"prompt_tokens":11}`, nil, -1},
		{"output null", `{"prompt_tokens":11,"completion_tokens":null}`, nil, -1},
		{"output of a wrong type", `{"prompt_tokens":11,"completion_tokens":"7"}`, nil, -1},
		{"output broken", `{"prompt_tokens":11,"completion_tokens":7.5}`, nil, -1},
		{"output absurd", `{"prompt_tokens":11,"completion_tokens":1e30}`, nil, -1},
		{"output beyond 64 bits", `{"prompt_tokens":11,"completion_tokens":99999999999999999999}`, nil, -1},
		{"output of 63 bits", `{"prompt_tokens":11,"completion_tokens":9223372036854775807}`, nil, -1},
		{"prompt missing", `{"completion_tokens":7}`, nil, 7},
		{"details beyond their sum", `{"prompt_tokens":11,"completion_tokens":7,"completion_tokens_details":{"reasoning_tokens":-100},"prompt_tokens_details":{"cached_tokens":1000000}}`, nil, 7},
		{"more than reserved", `{"prompt_tokens":11,"completion_tokens":500}`, nil, 500},
		{"more in the total", `{"prompt_tokens":11,"completion_tokens":7,"total_tokens":311}`, nil, 300},
		{"far more than the budget", `{"prompt_tokens":11,"completion_tokens":100000}`, nil, 100_000},
		{"exactly the bound", `{"prompt_tokens":11,"completion_tokens":20}`, nil, 20},
		{"in the first chunk", "", []string{strings.Replace(chatEvents[0], `"choices"`, `"usage":{"prompt_tokens":11,"completion_tokens":7},"choices"`, 1), chatEvents[1], chatEvents[3], chatEvents[4]}, 7},
		{"in the chunk of the end", "", []string{chatEvents[1], strings.Replace(chatEvents[3], `"choices"`, `"usage":{"prompt_tokens":11,"completion_tokens":7},"choices"`, 1), chatEvents[4]}, 7},
		{"growing", "", []string{chatEvents[1], chunk(`{"prompt_tokens":11,"completion_tokens":2}`), chatEvents[1], chatEvents[3], chunk(`{"prompt_tokens":11,"completion_tokens":9}`), chatEvents[4]}, 9},
		{"the last one null", "", []string{chatEvents[1], chatEvents[3], chunk(`{"prompt_tokens":11,"completion_tokens":9}`), chunk(`{"prompt_tokens":null,"completion_tokens":null}`), chatEvents[4]}, 9},
		// Each figure is the sum so far: the last one counts.
		{"shrinking", "", []string{chatEvents[1], chunk(`{"prompt_tokens":11,"completion_tokens":9}`), chatEvents[3], chunk(`{"prompt_tokens":11,"completion_tokens":2}`), chatEvents[4]}, 2},
		{"never", "", []string{chatEvents[1], chatEvents[3], chatEvents[4]}, -1},
	} {
		for _, stream := range []bool{false, true} {
			if stream && c.events == nil && c.usage == "" || !stream && c.events != nil {
				continue
			}
			t.Run(fmt.Sprintf("%s, stream %v", c.name, stream), func(t *testing.T) {
				s, p := startBudget(t, "budget 10 USD/day\n\t\tmin_output off")
				p.answers(func(w http.ResponseWriter, _ *http.Request, _ []byte) {
					switch {
					case c.events != nil:
						w.Header().Set("Content-Type", "text/event-stream")
						fmt.Fprint(w, streamOf(c.events))
					case stream:
						w.Header().Set("Content-Type", "text/event-stream")
						fmt.Fprint(w, streamOf([]string{chatEvents[0], chatEvents[1], chatEvents[3], chunk(c.usage), chatEvents[4]}))
					default:
						usage := ""
						if c.usage != "" {
							usage = `,"usage":` + c.usage
						}
						sendJSON(w, 200, `{"id":"x","object":"chat.completion","model":"x","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}]`+usage+`}`)
					}
				})
				a := s.do(message(false, "x", "Hi", fmt.Sprintf(`,"stream":%v,"max_tokens":%d`, stream, bound))).ok()
				rec := s.ended(a.Header.Get("Llm-Request-Id"))
				want := llm.Money(c.want) * thousandth
				if c.want < 0 {
					if want = bound * thousandth; !rec.Usage.Estimated {
						t.Errorf("the record: %s", rec.raw)
					}
				}
				if got := llm.Money(rec.Cost); got < want || got > want+2 {
					t.Errorf("charged %s, want %s: %s", got, want, rec.raw)
				}
				s.quiet()
				b := s.standing("key/day", "web")
				if b.Settled != llm.Money(rec.Cost) || b.Reserved != 0 {
					t.Errorf("%s settled, %s reserved", b.Settled, b.Reserved)
				}
				p.answers(fullAnswer)
				if b.Settled > 10*llm.USD {
					s.ask(webKey, "x", 1).denied(429, "budget_exceeded", false)
				} else {
					s.ask(webKey, "x", 1).ok()
				}
				totals := s.nothingHeld()
				if len(totals.Balances) != 1 || totals.Balances[0].Settled != totals.Settled {
					t.Errorf("the books: %+v", totals)
				}
			})
		}
	}
}

// streamOf is stream, for where a variable has its name.
func streamOf(events []string) string { return stream(events...) }

// The same in the other dialects: an answer that is whole but for the last figure
// of its output is charged all that was reserved.
func TestBudgetOutputNeverTold(t *testing.T) {
	s, p := startBudget(t, "budget 100 USD/day")
	silent := strings.NewReplacer(`,"output_tokens":7}`, `}`, `"output_tokens":7,`, ``, `"usage":{"output_tokens":7}`, `"usage":{}`, `,"completion_tokens":7`, ``, `,"total_tokens":18`, ``,
		`,"candidatesTokenCount":7`, ``, `,"totalTokenCount":18`, ``, `,"eval_count":7`, ``)
	p.answers(func(w http.ResponseWriter, r *http.Request, body []byte) {
		healthyAnswer(&rewriter{w, silent}, r, body)
	})
	for i := range faultSpeakers {
		q := &faultSpeakers[i]
		model := map[string]string{"a": "claude-x", "g": "gemini-x", "l": "llama-x"}[q.line]
		if model == "" {
			model = "x"
		}
		for _, stream := range []bool{false, true} {
			if !q.stream {
				continue
			}
			a := s.do(q.call(model, stream)).ok()
			rec := s.ended(a.Header.Get("Llm-Request-Id"))
			if rec.Cost < 50*int64(thousandth) || rec.Cost > 50*int64(thousandth)+2 || !rec.Usage.Estimated || rec.Outcome != "ok" {
				t.Errorf("%s, stream %v: %s", q.name, stream, rec.raw)
			}
		}
	}
	s.reconcile("key/day")
}
