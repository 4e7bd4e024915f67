// Package demo is the tour of `caddy llm demo`: a governed site on loopback with
// the simulated provider, scripted calls that show each control acting, and the
// printing of what happened. It starts no server itself; it is given the address
// of one. It must not reach anything but that address.
package demo

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Caddyfile is the configuration of the demo's site. It takes the port from
// LLM_DEMO_PORT when it is adapted, and the data directory and keys from the
// environment.
//
//go:embed Caddyfile
var Caddyfile []byte

// Keys are the secrets of the demo's callers.
type Keys struct{ Alice, Bob, Carol string }

// Tour is one run of the script.
type Tour struct {
	// Out is where the story goes; Colour adds terminal colours.
	Out    io.Writer
	Colour bool
	// URL is the address of the site.
	URL  string
	Keys Keys
	// Record returns a readable form of the records of a request, Prove a
	// sentence that says what was proved about its admitted record.
	Record func(requestID string) (string, error)
	Prove  func(requestID string) (string, error)

	client http.Client
	step   int
	failed int
}

// call is one scripted request.
type call struct {
	title  string
	say    string // what to look at
	key    string
	path   string
	body   string
	stream bool
	want   int // expected status
	code   string
	// says is what the answer must hold; lowered, that its limit was lowered.
	says    string
	lowered bool
}

// Run plays the tour. It returns an error if a control did not act as told.
func (t *Tour) Run(ctx context.Context) error {
	t.client.Timeout = 30 * time.Second
	chat := func(model, text, more string) string {
		b, _ := json.Marshal(text)
		return `{"model":"` + model + `","messages":[{"role":"user","content":` + string(b) + `}]` + more + `}`
	}
	var proved string
	for _, c := range []call{
		{title: "An allowed call", say: "authenticated, judged, limited, priced, recorded, answered", key: t.Keys.Alice, path: "/v1/chat/completions", body: chat("gpt-4o", "What is a reverse proxy, in one sentence?", `,"max_tokens":100`), want: 200},
		{title: "The same in Anthropic's dialect", say: "one gateway, the client's own API", key: t.Keys.Alice, path: "/v1/messages", body: chat("claude-sonnet-4-5", "Say hello.", `,"max_tokens":100`), want: 200},
		{title: "Any client on any model", say: "an OpenAI client asks for Claude: the call and its answer are translated", key: t.Keys.Alice, path: "/v1/chat/completions", body: chat("claude-sonnet-4-5", "Say hello to OpenAI's clients.", `,"max_tokens":100`), want: 200},
		{title: "A provider that is down", say: "the model `smart` has two deployments: the first fails, the second answers, the record has both", key: t.Keys.Alice, path: "/v1/chat/completions", body: chat("smart", "Are you still there?", `,"max_tokens":100`), want: 200},
		{title: "No key", say: "denied by default", path: "/v1/chat/completions", body: chat("gpt-4o", "Hi", ""), want: 401, code: "unauthenticated"},
		{title: "A model that this key may not use", say: "alice may use gpt-4o*, claude-* and smart", key: t.Keys.Alice, path: "/v1/chat/completions", body: chat("o3-pro", "Hi", ""), want: 403, code: "model_not_allowed"},
		{title: "A prompt that the policy forbids", say: "the rule `project-falcon` reads the user's text", key: t.Keys.Alice, path: "/v1/chat/completions", body: chat("gpt-4o", "Summarise Project Falcon for the board.", ""), want: 422, code: "policy_blocked"},
		{title: "A streamed answer", say: "events pass as they come; usage is read on the way", key: t.Keys.Alice, path: "/v1/chat/completions", body: chat("gpt-4o-mini", "Count to five.", `,"stream":true,"max_tokens":200`), stream: true, want: 200},
		{title: "A prompt with an address and a card number", say: "the provider reads replacements; alice reads her address again, the card stays masked", key: t.Keys.Alice, path: "/v1/chat/completions", body: chat("gpt-4o", "Write to ann@home.example about card 4242 4242 4242 4242.", `,"max_tokens":100`), want: 200, says: "to: Write to ann@home.example about card [CREDIT_CARD]."},
		{title: "A limit that the budget cannot cover", say: "carol asks for 64,000 tokens: her limit is lowered to what she can pay, instead of refusing her", key: t.Keys.Carol, path: "/v1/chat/completions", body: chat("gpt-4o", "Write a very long novel.", `,"max_tokens":64000`), want: 200, lowered: true},
		{title: "A call that the budget cannot cover", say: "the prompt alone may cost more than carol has left today", key: t.Keys.Carol, path: "/v1/chat/completions", body: chat("gpt-4o", "Summarise this. "+strings.Repeat("It was a dark and stormy night. ", 700), `,"max_tokens":500`), want: 429, code: "budget_exceeded"},
	} {
		id, err := t.play(ctx, c)
		if err != nil {
			return err
		}
		if c.want == 200 && proved == "" {
			proved = id
		}
	}
	if err := t.rateLimit(ctx, call{key: t.Keys.Bob, path: "/v1/chat/completions", body: chat("gpt-4o-mini", "Again!", `,"max_tokens":20`)}); err != nil {
		return err
	}
	if err := t.evidence(proved); err != nil {
		return err
	}
	if t.failed > 0 {
		return fmt.Errorf("%d steps of the demo did not go as they should", t.failed)
	}
	return nil
}

// play makes one call and tells how it went.
func (t *Tour) play(ctx context.Context, c call) (requestID string, err error) {
	t.heading(c.title, c.say)
	model, prompt := peek(c.body)
	who := "no key"
	for name, key := range map[string]string{"alice": t.Keys.Alice, "bob": t.Keys.Bob, "carol": t.Keys.Carol} {
		if key == c.key {
			who = name
		}
	}
	t.line("request", fmt.Sprintf("POST %s  model %s  as %s", c.path, model, who))
	t.line("prompt", prompt)
	resp, took, err := t.send(ctx, c)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	if c.stream && resp.StatusCode == http.StatusOK {
		err = t.showStream(resp.Body)
	} else {
		err = t.showAnswer(resp, c.says)
	}
	if err != nil {
		return "", err
	}
	id := resp.Header.Get("LLM-Request-Id")
	t.verdict(resp, c)
	t.line("time", took.Round(100*time.Microsecond).String()+" to the first byte")
	if rec, err := t.Record(id); err == nil {
		t.line("record", rec)
	} else {
		t.wrong("record: " + err.Error())
	}
	return id, nil
}

func (t *Tour) send(ctx context.Context, c call) (*http.Response, time.Duration, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, t.URL+c.path, strings.NewReader(c.body))
	if err != nil {
		return nil, 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	if strings.HasSuffix(c.path, "/messages") {
		req.Header.Set("Anthropic-Version", "2023-06-01")
	}
	if c.key != "" {
		req.Header.Set("Authorization", "Bearer "+c.key)
	}
	start := time.Now()
	resp, err := t.client.Do(req)
	return resp, time.Since(start), err
}

// verdict prints the decision and holds it against the script.
func (t *Tour) verdict(resp *http.Response, c call) {
	h := resp.Header
	status := fmt.Sprintf("%d", resp.StatusCode)
	if c.code != "" {
		status += " " + c.code
	}
	text := status
	if d := h.Get("LLM-Decisions"); d != "" {
		text += "  (" + d + ")"
	}
	switch {
	case resp.StatusCode != c.want:
		t.wrong(fmt.Sprintf("status %d, but it should be %d", resp.StatusCode, c.want))
	case c.want == 200:
		t.line("decision", t.paint(green, "allowed ")+text)
	default:
		t.line("decision", t.paint(red, "refused ")+text)
	}
	if n := h.Get("LLM-Max-Tokens"); n != "" {
		t.line("lowered", "max_tokens is "+n)
	} else if c.lowered {
		t.wrong("the limit was not lowered")
	}
	if cost := h.Get("LLM-Cost-USD"); cost != "" {
		t.line("cost", "$"+cost+"  "+h.Get("LLM-Provider")+"/"+h.Get("LLM-Model")+" (simulated, priced as the real one)")
	}
}

// rateLimit calls until the limit of the key is reached.
func (t *Tour) rateLimit(ctx context.Context, c call) error {
	t.heading("Too many requests", "10 in a minute are allowed to each key; bob calls until he is stopped")
	for n := 1; n <= 20; n++ {
		resp, _, err := t.send(ctx, c)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			return err
		}
		if resp.StatusCode == http.StatusTooManyRequests {
			t.line("answers", fmt.Sprintf("%d calls answered, the next refused", n-1))
			t.line("decision", t.paint(red, "refused ")+"429 rate_limited, Retry-After: "+resp.Header.Get("Retry-After")+" s")
			t.line("message", message(body))
			if n != 11 {
				t.wrong("the limit is 10")
			}
			return nil
		}
	}
	t.wrong("20 calls passed a limit of 10")
	return nil
}

// evidence looks a record up and proves it.
func (t *Tour) evidence(id string) error {
	t.heading("Evidence", "the record of the first call, looked up and proved against the signed log")
	t.line("request", id)
	rec, err := t.Record(id)
	if err != nil {
		return err
	}
	t.line("record", rec)
	proof, err := t.Prove(id)
	if err != nil {
		return err
	}
	t.line("proof", t.paint(green, "verified ")+proof)
	return nil
}

func (t *Tour) showAnswer(resp *http.Response, says string) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	t.line("answer", message(body))
	if !strings.Contains(string(body), says) {
		t.wrong("the answer should say " + says)
	}
	return nil
}

// showStream prints the text of a chat stream as it comes.
func (t *Tour) showStream(r io.Reader) error {
	t.label("answer")
	var events int
	s := bufio.NewScanner(r)
	for s.Scan() {
		data, ok := strings.CutPrefix(s.Text(), "data: ")
		if !ok {
			continue
		}
		events++
		var ev struct {
			Choices []struct {
				Delta struct {
					Content string `json:"content"`
				} `json:"delta"`
			} `json:"choices"`
		}
		if json.Unmarshal([]byte(data), &ev) == nil {
			for _, c := range ev.Choices {
				fmt.Fprint(t.Out, c.Delta.Content)
			}
		}
	}
	fmt.Fprintln(t.Out)
	t.line("stream", fmt.Sprintf("%d events", events))
	return s.Err()
}

// message finds the words in an answer or an error of either dialect.
func message(body []byte) string {
	var v struct {
		Error struct {
			Message string `json:"message"`
		} `json:"error"`
		Choices []struct {
			Message struct {
				Content string `json:"content"`
			} `json:"message"`
		} `json:"choices"`
		Content []struct {
			Text string `json:"text"`
		} `json:"content"`
	}
	if json.Unmarshal(body, &v) != nil {
		return string(bytes.TrimSpace(body))
	}
	switch {
	case v.Error.Message != "":
		return v.Error.Message
	case len(v.Choices) > 0:
		return v.Choices[0].Message.Content
	case len(v.Content) > 0:
		return v.Content[0].Text
	}
	return string(bytes.TrimSpace(body))
}

func peek(body string) (model, prompt string) {
	var v struct {
		Model    string `json:"model"`
		Messages []struct {
			Content string `json:"content"`
		} `json:"messages"`
	}
	_ = json.Unmarshal([]byte(body), &v)
	if len(v.Messages) > 0 {
		prompt = v.Messages[0].Content
	}
	if len(prompt) > 80 {
		prompt = prompt[:80] + fmt.Sprintf("… (%d bytes)", len(prompt))
	}
	return v.Model, prompt
}
