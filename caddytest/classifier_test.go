package caddytest

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// classifierSite asks one classifier before the call and one beside it.
const classifierSite = `
{
	metrics
	llm_gateway {
		classifier guard {
			url {{guard}}/check
			protocol generic
			api_key {env.OPENAI_API_KEY}
			timeout 5s
			cache 1h
		}
		classifier slow {
			url {{guard}}/slow
			protocol openai_moderation
			timeout 20s
		}
		classifier dead {
			url {{guard}}/dead
			protocol generic
			timeout 100ms
		}
		classifier lax {
			url {{guard}}/dead
			protocol generic
			timeout 100ms
			on_error allow
		}
	}
}
:8080 {
	@scrape path /metrics
	handle @scrape {
		metrics
	}
	handle {
		llm_audit
		llm_auth {
			key web {env.WEB_APP_KEY}
			key batch {env.BATCH_KEY}
		}
		llm_policy {
			deny bad ` + "`classify(\"guard\", prompt.user).score > 0.8`" + `
			flag hateful ` + "`classify(\"slow\", prompt.user).flagged`" + `
			deny lame ` + "`llm.model == \"gpt-4o\" && classify(\"dead\", prompt.user).flagged`" + `
			deny lazy ` + "`llm.model == \"gpt-4o-lax\" && classify(\"lax\", prompt.user).flagged`" + `
		}
		llm_upstream openai {env.OPENAI_API_KEY} {
			base_url {{openai}}/v1
		}
	}
}
`

func TestClassifiers(t *testing.T) {
	p := newProvider(t)
	hold := make(chan struct{}) // what "slow" waits for
	var checks, slow, left atomic.Int64
	guard := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		switch r.URL.Path {
		case "/check":
			checks.Add(1)
			if r.Header.Get("Authorization") != "Bearer "+openaiKey {
				t.Errorf("the guard was asked with %q", r.Header.Get("Authorization"))
			}
			score := "0.1"
			if strings.Contains(string(b), "wicked") {
				score = "0.9"
			}
			fmt.Fprintf(w, `{"flagged":true,"score":%s}`, score)
		case "/slow":
			slow.Add(1)
			select {
			case <-hold:
				_, _ = io.WriteString(w, `{"results":[{"flagged":true,"categories":{"hate":true}}]}`)
			case <-r.Context().Done():
				left.Add(1)
			}
		default:
			_, _ = io.WriteString(w, "<html>no answer</html>")
		}
	}))
	defer guard.Close()
	s := start(t, classifierSite, options{vars: map[string]string{"openai": p.URL, "guard": guard.URL}})
	before := scrape(t, s)

	// A refusal comes before the provider is asked, and is remembered.
	for range 2 {
		s.do(message(false, "gpt-4o-mini", "a wicked prompt", "")).denied(422, "policy_blocked", false)
	}
	if p.count() != 0 || checks.Load() != 1 || slow.Load() != 0 {
		t.Errorf("%d calls of the provider, %d checks, %d questions beside a refusal", p.count(), checks.Load(), slow.Load())
	}
	other := message(false, "gpt-4o-mini", "a wicked prompt", "")
	other.key = batchKey
	s.do(other).denied(422, "policy_blocked", false)
	if checks.Load() != 2 {
		t.Error("one caller was answered from what another had asked")
	}

	// A flag does not hold up the answer: it is there to its last byte while the
	// classifier thinks, streamed or not. The record waits.
	var ids []string
	for _, body := range []string{"", `,"stream":true`} {
		client := &http.Client{Transport: &http.Transport{}, Timeout: patience}
		defer client.CloseIdleConnections()
		resp, err := client.Do(s.newRequest(message(false, "gpt-4o-mini", "a kind prompt", body)))
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		got, buf := "", make([]byte, 4096)
		for !strings.Contains(got, "[DONE]") && (body != "" || int64(len(got)) < resp.ContentLength) {
			n, err := resp.Body.Read(buf)
			if got += string(buf[:n]); err != nil {
				break
			}
		}
		if !strings.Contains(got, "[DONE]") && got != chatWhole {
			t.Errorf("got %s", got)
		}
		ids = append(ids, resp.Header.Get("Llm-Request-Id"))
	}
	for _, id := range ids {
		for _, r := range s.records("default", id) {
			if r.Stage == "completed" {
				t.Error("the outcome was recorded before the classifier had answered")
			}
		}
	}
	close(hold)
	for _, id := range ids {
		r := s.ended(id)
		if !strings.Contains(fmt.Sprint(r.Decisions), "hateful flag") || r.Outcome != "ok" || !strings.Contains(r.raw, `"detector":"classify:slow"`) {
			t.Errorf("recorded %s", r.raw)
		}
	}

	// A classifier that answers nonsense refuses, or not where that was written down.
	s.do(message(false, "gpt-4o", "hello", "")).denied(422, "policy_blocked", false)
	s.do(message(false, "gpt-4o-lax", "hello", "")).ok()

	after := scrape(t, s)
	for name, labels := range map[string][]string{
		"caddy_llm_classifier_requests_total": {`classifier="guard"`, `result="flagged"`},
		"caddy_llm_policy_rule_total":         {`rule="hateful"`, `action="flag"`, `enforcement="on"`},
	} {
		if matching(after, name, labels)-matching(before, name, labels) < 2 {
			t.Errorf("%s%v: %v", name, labels, matching(after, name, labels))
		}
	}
	for _, labels := range [][]string{{`classifier="guard"`, `result="cached"`}, {`classifier="dead"`, `result="error"`}, {`classifier="lax"`, `result="error"`}} {
		if matching(after, "caddy_llm_classifier_requests_total", labels) < 1 {
			t.Errorf("%v is not counted", labels)
		}
	}
	if !eventually(func() bool { return strings.Contains(s.read("default.log"), "a classifier does not answer") }) {
		t.Error("nobody was told that a classifier does not answer")
	}
}

// A client that leaves takes its questions along.
func TestClassifierIsLeftWithTheClient(t *testing.T) {
	p := newProvider(t)
	asked, gone := make(chan struct{}, 1), make(chan struct{}, 1)
	guard := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		asked <- struct{}{}
		<-r.Context().Done()
		gone <- struct{}{}
	}))
	defer guard.Close()
	s := start(t, strings.Replace(classifierSite, "timeout 5s", "timeout 1m", 1), options{vars: map[string]string{"openai": p.URL, "guard": guard.URL}})
	req := s.newRequest(message(false, "gpt-4o-mini", "hello", ""))
	done := make(chan struct{})
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		defer close(done)
		if resp, err := client.Do(req.WithContext(ctx)); err == nil {
			resp.Body.Close()
			t.Error("answered")
		}
	}()
	<-asked
	cancel()
	<-done
	select {
	case <-gone:
	case <-time.After(patience):
		t.Error("the classifier is still asked")
	}
	if p.count() != 0 {
		t.Error("the provider was asked")
	}
}
