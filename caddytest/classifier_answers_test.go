package caddytest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A rule that refuses waits for what a classifier says of the whole answer, and nothing of
// it leaves before; a flag goes on beside, also when the client has hung up.
func TestClassifiersOfAnswers(t *testing.T) {
	p := newProvider(t)
	p.answers(func(w http.ResponseWriter, _ *http.Request, body []byte) {
		word := "kind"
		if strings.Contains(string(body), "wicked") {
			word = "evil"
		}
		if strings.Contains(string(body), `"stream":true`) {
			w.Header().Set("Content-Type", "text/event-stream")
			for _, piece := range []string{word[:2], word[2:] + " words"} {
				fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":null}]}\n\n", piece)
				_ = http.NewResponseController(w).Flush()
			}
			_, _ = io.WriteString(w, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")
			return
		}
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`, word+" words")
	})
	hold := make(chan struct{})
	guard := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/slow" {
			<-hold
		}
		fmt.Fprintf(w, `{"flagged":%v}`, strings.Contains(string(b), "evil") || r.URL.Path == "/slow" && strings.Contains(string(b), "kind words"))
	}))
	defer guard.Close()
	s := start(t, strings.NewReplacer(
		"deny bad `classify(\"guard\", prompt.user).score > 0.8`", "deny bad `classify(\"guard\", response.all).flagged` \"not that\" {\n\t\t\t\tin response\n\t\t\t\tbuffer\n\t\t\t}",
		"flag hateful `classify(\"slow\", prompt.user).flagged`", "flag hateful `classify(\"slow\", content).flagged` {\n\t\t\t\tin response\n\t\t\t}",
		"protocol openai_moderation", "protocol generic",
	).Replace(classifierSite), options{vars: map[string]string{"openai": p.URL, "guard": guard.URL}})

	for _, stream := range []string{"", `,"stream":true`} {
		a := s.do(message(false, "gpt-4o-mini", "a wicked prompt", stream))
		a.denied(422, "policy_blocked", false)
		if strings.Contains(a.Body, "evil") || strings.Contains(a.Body, "vil words") {
			t.Errorf("it left: %s", a.Body)
		}
		client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
		resp, err := client.Do(s.newRequest(message(false, "gpt-4o-mini", "a prompt", stream)))
		if err != nil {
			t.Fatal(err)
		}
		got, buf := "", make([]byte, 4096)
		for !strings.Contains(got, "[DONE]") && (stream != "" || int64(len(got)) < resp.ContentLength) {
			n, err := resp.Body.Read(buf)
			if got += string(buf[:n]); err != nil {
				break
			}
		}
		if !strings.Contains(got, "words") {
			t.Errorf("the answer waits for a flag: %s", got)
		}
		resp.Body.Close()
		client.CloseIdleConnections() // the client has gone
		if stream != "" {
			close(hold)
		}
		defer func(id string) {
			if r := s.ended(id); !strings.Contains(fmt.Sprint(r.Decisions), "hateful flag") || !strings.Contains(r.raw, `"where":"response"`) {
				t.Errorf("recorded %s", r.raw)
			}
		}(resp.Header.Get("Llm-Request-Id"))
	}
}
