package classify

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "canary-classifier-key"

// service is a classifier under our control.
type service struct {
	*httptest.Server
	asked  atomic.Int64
	body   atomic.Value // string, of the latest question
	header atomic.Value // http.Header
}

func newService(t *testing.T, answer func(w http.ResponseWriter, r *http.Request)) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		s.body.Store(string(b))
		s.header.Store(r.Header.Clone())
		s.asked.Add(1)
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func says(text string) func(http.ResponseWriter, *http.Request) {
	return func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, text) }
}

func registry(t *testing.T, c Config) *Registry {
	t.Helper()
	if c.Name == "" {
		c.Name = "mod"
	}
	r, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.Close)
	return r
}

var question = Question{Name: "mod", Tenant: "acme", Texts: []Text{{Text: "How do I bake bread?"}, {Text: "It is 20 degrees.", Document: true}}}

// Each protocol asks as its service wants to be asked and understands what it says.
func TestProtocols(t *testing.T) {
	for _, c := range []struct {
		name   string
		cfg    Config
		answer string
		asked  string
		want   Verdict
	}{
		{"generic", Config{Protocol: "generic"}, `{"flagged":true,"score":0.93,"categories":["Hate","a"],"more":1}`,
			`{"texts":["How do I bake bread?","It is 20 degrees."]}`, Verdict{true, 0.93, []string{"a", "hate"}, nil}},
		{"generic, least", Config{Protocol: "generic"}, `{"flagged":true}`, "", Verdict{true, 1, nil, nil}},
		{"generic, scores", Config{Protocol: "generic", Threshold: 0.5}, `{"flagged":false,"scores":{"x":0.6,"y":0.2}}`, "", Verdict{true, 0.6, nil, map[string]float64{"x": 0.6, "y": 0.2}}},
		{"generic, below the threshold", Config{Protocol: "generic", Threshold: 0.5}, `{"flagged":true,"score":0.4}`, "", Verdict{false, 0.4, nil, nil}},
		{"moderation", Config{Protocol: "openai_moderation", Model: "omni-moderation-latest"},
			`{"id":"m","model":"x","results":[{"flagged":false,"categories":{"hate":false},"category_scores":{"hate":0.1}},{"flagged":true,"categories":{"hate":true,"self-harm":null},"category_scores":{"hate":0.8,"violence":0.2}}]}`,
			`{"model":"omni-moderation-latest","input":["How do I bake bread?","It is 20 degrees."]}`,
			Verdict{true, 0.8, []string{"hate"}, map[string]float64{"hate": 0.8, "violence": 0.2}}},
		{"guard, safe", Config{Protocol: "llama_guard", Model: "guard"}, `{"choices":[{"message":{"content":"\n\nsafe"}}]}`,
			`{"model":"guard","messages":[{"role":"user","content":"How do I bake bread?\n\nIt is 20 degrees."}],"max_tokens":64,"temperature":0}`, Verdict{}},
		{"guard, unsafe", Config{Protocol: "llama_guard", Model: "guard"}, `{"choices":[{"message":{"content":"unsafe\nS10,S1"}}]}`, "", Verdict{true, 1, []string{"s1", "s10"}, nil}},
		{"presidio", Config{Protocol: "presidio", Language: "de"}, `[{"entity_type":"PERSON","start":0,"end":3,"score":0.85},{"entity_type":"DATE_TIME","start":5,"end":6,"score":0.3}]`,
			`{"text":"How do I bake bread?\n\nIt is 20 degrees.","language":"de"}`, Verdict{true, 0.85, []string{"person"}, map[string]float64{"person": 0.85, "date_time": 0.3}}},
		{"presidio, nothing", Config{Protocol: "presidio"}, `[]`, "", Verdict{Scores: map[string]float64{}}},
		{"presidio, threshold", Config{Protocol: "presidio", Threshold: 0.9}, `[{"entity_type":"PERSON","score":0.85}]`, "", Verdict{false, 0.85, nil, map[string]float64{"person": 0.85}}},
		{"shield", Config{Protocol: "azure_shield"}, `{"userPromptAnalysis":{"attackDetected":false},"documentsAnalysis":[{"attackDetected":true}]}`,
			`{"userPrompt":"How do I bake bread?","documents":["It is 20 degrees."]}`, Verdict{true, 1, []string{"document"}, nil}},
		{"bedrock", Config{Protocol: "bedrock"}, `{"action":"GUARDRAIL_INTERVENED","outputs":[{"text":"no"}],"assessments":[{"contentPolicy":{"filters":[{"type":"HATE","confidence":"MEDIUM","action":"BLOCKED"}]},"topicPolicy":{"topics":[{"name":"Finance","type":"DENY","action":"BLOCKED"}]},"wordPolicy":{"customWords":[{"match":"x"}]},"sensitiveInformationPolicy":{"piiEntities":[{"type":"EMAIL","match":"x"}],"regexes":[{"name":"ticket"}]}}]}`,
			`{"source":"INPUT","content":[{"text":{"text":"How do I bake bread?"}},{"text":{"text":"It is 20 degrees."}}]}`,
			Verdict{true, 1, []string{"email", "finance", "hate", "ticket", "word"}, map[string]float64{"hate": 0.5}}},
		{"bedrock, nothing", Config{Protocol: "bedrock"}, `{"action":"NONE","assessments":[]}`, "", Verdict{Scores: map[string]float64{}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, says(c.answer))
			c.cfg.URL, c.cfg.Key = s.URL, secret
			got, err := registry(t, c.cfg).Ask(context.Background(), question)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if c.asked != "" && s.body.Load() != c.asked {
				t.Errorf("asked %s", s.body.Load())
			}
			h := s.header.Load().(http.Header)
			if c.cfg.Protocol == "azure_shield" {
				if h.Get("Ocp-Apim-Subscription-Key") != secret || h.Get("Authorization") != "" {
					t.Error(h)
				}
			} else if h.Get("Authorization") != "Bearer "+secret {
				t.Error(h)
			}
		})
	}
}

// What does not clearly say yes or no is no answer, in every protocol.
func TestNonsense(t *testing.T) {
	many := `{"flagged":false,"categories":[` + strings.Repeat(`"x",`, 300) + `"x"]}`
	for protocol, answers := range map[string][]string{
		"generic": {`{"flagged":null}`, `{}`, `{"flagged":"no"}`, `{"flagged":false,"flagged":true}`, `{"flagged":false,"score":1.5}`, `{"flagged":false,"score":-1}`,
			`{"flagged":false,"scores":{"x":7}}`, many, `{"flagged":false,"categories":["` + strings.Repeat("x", 300) + `"]}`, "{\"flagged\":false,\"categories\":[\"\xff\"]}", `{"flagged":false} {"flagged":true}`},
		"openai_moderation": {`{"results":[]}`, `{"results":[{"flagged":false}]}`, `{"results":[{"flagged":false},{}]}`, `{"results":[{"flagged":false},{"flagged":false},{"flagged":false}]}`, `{"error":{"message":"x"}}`},
		"llama_guard": {`{"choices":[]}`, `{"choices":[{"message":{"content":""}}]}`, `{"choices":[{"message":{"content":"It is safe."}}]}`, `{"choices":[{"message":{"content":"safe\nS1"}}]}`,
			`{"choices":[{"message":{"content":"safe"}},{"message":{"content":"unsafe"}}]}`},
		"presidio":     {`null`, `[{"entity_type":"PERSON"}]`, `[{"score":0.5}]`, `[{"entity_type":"PERSON","score":2}]`, `{"error":"x"}`},
		"azure_shield": {`{}`, `{"userPromptAnalysis":{"attackDetected":false}}`, `{"userPromptAnalysis":{},"documentsAnalysis":[{"attackDetected":false}]}`, `{"userPromptAnalysis":{"attackDetected":false},"documentsAnalysis":[{}]}`},
		"bedrock":      {`{}`, `{"action":"none"}`, `{"action":"MAYBE"}`},
	} {
		for _, a := range append(answers, ``, `[`, `true`, `"safe"`, `<html>`, strings.Repeat("[", 100_000)) {
			s := newService(t, says(a))
			c := Config{Protocol: protocol, URL: s.URL}
			if protocols[protocol].needsModel {
				c.Model = "m"
			}
			if v, err := registry(t, c).Ask(context.Background(), question); err == nil || v.Flagged || len(a) > 0 && len(a) < 100 && strings.Contains(err.Error(), a) {
				t.Errorf("%s: %.80s gave %+v, %v", protocol, a, v, err)
			}
			s.Close()
		}
	}
}

func TestFailures(t *testing.T) {
	hang := make(chan struct{})
	t.Cleanup(func() { close(hang) })
	for _, c := range []struct {
		name   string
		answer func(http.ResponseWriter, *http.Request)
		result string
	}{
		{"hang", func(_ http.ResponseWriter, r *http.Request) {
			select {
			case <-hang:
			case <-r.Context().Done():
			}
		}, ResultTimeout},
		{"drip", func(w http.ResponseWriter, r *http.Request) {
			for range 1000 {
				if _, err := io.WriteString(w, " "); err != nil || r.Context().Err() != nil {
					return
				}
				w.(http.Flusher).Flush()
				time.Sleep(5 * time.Millisecond)
			}
		}, ResultTimeout},
		{"huge", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, strings.Repeat(" ", maxAnswer)+`{"flagged":false}`)
		}, ResultError},
		{"status", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(500)
			_, _ = io.WriteString(w, `{"flagged":false}`)
		}, ResultError},
		{"accepted", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(202)
			_, _ = io.WriteString(w, `{"flagged":false}`)
		}, ResultError},
		{"redirect", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere?k="+secret, http.StatusTemporaryRedirect)
		}, ResultError},
		{"cut", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"flagged":false}`)
		}, ResultError},
		{"reset", func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, ResultError},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newService(t, c.answer)
			for _, allow := range []bool{false, true} {
				r := registry(t, Config{Protocol: "generic", URL: s.URL + "/?token=" + secret, Key: secret, Timeout: 100 * time.Millisecond, Allow: allow, Cache: time.Hour})
				var results []string
				r.Observe = func(_, result string, _ time.Duration, err error) {
					results = append(results, result)
					if err == nil || strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "bread") {
						t.Errorf("it is told %v", err)
					}
				}
				for range 2 { // a failure is not remembered
					v, err := r.Ask(context.Background(), question)
					if (err == nil) != allow || !reflect.DeepEqual(v, Verdict{}) {
						t.Errorf("allow %t: %+v, %v", allow, v, err)
					}
				}
				if !reflect.DeepEqual(results, []string{c.result, c.result}) {
					t.Errorf("results %q, want %s", results, c.result)
				}
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		s := newService(t, says(""))
		s.Close()
		if _, err := registry(t, Config{Protocol: "generic", URL: s.URL + "/?token=" + secret}).Ask(context.Background(), question); err == nil || strings.Contains(err.Error(), secret) {
			t.Error(err)
		}
	})
	t.Run("too much text", func(t *testing.T) {
		s := newService(t, says(`{"flagged":false}`))
		q := question
		q.Texts = []Text{{Text: strings.Repeat("x", maxTexts+1)}}
		if _, err := registry(t, Config{Protocol: "generic", URL: s.URL}).Ask(context.Background(), q); !errors.Is(err, ErrTexts) || s.asked.Load() != 0 {
			t.Error(err)
		}
	})
	t.Run("unknown", func(t *testing.T) {
		if _, err := new(Registry).Ask(context.Background(), question); err == nil {
			t.Error("answered")
		}
	})
	t.Run("no text", func(t *testing.T) {
		s := newService(t, says(`{"flagged":true}`))
		if v, err := registry(t, Config{Protocol: "generic", URL: s.URL}).Ask(context.Background(), Question{Name: "mod"}); err != nil || v.Flagged || s.asked.Load() != 0 {
			t.Error(v, err)
		}
	})
}

// A client that leaves takes its question along; that is no answer, whatever
// on_error says.
func TestCancelled(t *testing.T) {
	began := make(chan struct{})
	s := newService(t, func(_ http.ResponseWriter, r *http.Request) {
		close(began)
		<-r.Context().Done()
	})
	r := registry(t, Config{Protocol: "generic", URL: s.URL, Timeout: time.Minute, Allow: true})
	var result string
	r.Observe = func(_, res string, _ time.Duration, _ error) { result = res }
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-began
		cancel()
	}()
	if _, err := r.Ask(ctx, question); !errors.Is(err, context.Canceled) || result != ResultCancelled {
		t.Errorf("%v, %s", err, result)
	}
}

// The trace of the request's own calls sees nothing of the question.
func TestNoTrace(t *testing.T) {
	s := newService(t, says(`{"flagged":false}`))
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GetConn: func(string) { t.Error("traced") }})
	if _, err := registry(t, Config{Protocol: "generic", URL: s.URL}).Ask(ctx, question); err != nil {
		t.Error(err)
	}
}

func TestCacheKeepsApart(t *testing.T) {
	s := newService(t, says(`{"flagged":true}`))
	r := registry(t, Config{Protocol: "generic", URL: s.URL, Cache: time.Hour})
	ask := func(q Question) {
		t.Helper()
		if v, err := r.Ask(context.Background(), q); err != nil || !v.Flagged {
			t.Fatal(v, err)
		}
	}
	ask(question)
	ask(question)
	if s.asked.Load() != 1 {
		t.Errorf("asked %d times", s.asked.Load())
	}
	for i, change := range []func(*Question){
		func(q *Question) { q.Tenant = "other" },
		func(q *Question) { q.Texts = []Text{{Text: "How do I bake bread?It is 20 degrees."}} },
		func(q *Question) {
			q.Texts = []Text{{Text: "How do I bake bread?I"}, {Text: "t is 20 degrees.", Document: true}}
		},
		func(q *Question) { q.Texts = []Text{{Text: "How do I bake bread?"}, {Text: "It is 20 degrees."}} },
		func(q *Question) { q.Texts = q.Texts[:1] },
	} {
		q := question
		change(&q)
		ask(q)
		if got := s.asked.Load(); got != int64(i+2) {
			t.Errorf("change %d was answered from another's cache", i)
		}
	}
}

func TestCacheExpiresAndIsBounded(t *testing.T) {
	c, now := newCache(time.Minute), time.Unix(1000, 0)
	key := func(i int) cacheKey { return keyOf(Question{Tenant: fmt.Sprint(i)}) }
	c.put(key(0), Verdict{Flagged: true}, now)
	for d, want := range map[time.Duration]bool{0: true, time.Minute - 1: true} {
		if _, ok := c.get(key(0), now.Add(d)); ok != want {
			t.Errorf("after %v: %t", d, ok)
		}
	}
	if _, ok := c.get(key(0), now.Add(time.Minute)); ok || c.order.Len() != 0 || len(c.known) != 0 {
		t.Error("what has expired was remembered")
	}
	for i := range maxCached + 500 {
		c.put(key(i), Verdict{}, now)
		c.get(key(0), now) // used all the time
	}
	if c.order.Len() != maxCached || len(c.known) != maxCached {
		t.Errorf("%d and %d entries", c.order.Len(), len(c.known))
	}
	if _, ok := c.get(key(0), now); !ok {
		t.Error("the one that was used most has gone")
	}
	if _, ok := c.get(key(1), now); ok {
		t.Error("the one that was used least has stayed")
	}
	c.put(key(0), Verdict{Score: 1}, now)
	if v, _ := c.get(key(0), now); v.Score != 1 || c.order.Len() != maxCached {
		t.Error("a newer answer did not take the place of the old one")
	}
}

func TestCheck(t *testing.T) {
	good := Config{Name: "mod", Protocol: "generic", URL: "https://classifier.example/check"}
	for want, change := range map[string]func(*Config){
		"":                  func(*Config) {},
		"a-z":               func(c *Config) { c.Name = "Mod!" },
		"protocol is mis":   func(c *Config) { c.Protocol = "" },
		"unknown protocol":  func(c *Config) { c.Protocol = "opnai" },
		"url is missing":    func(c *Config) { c.URL = "" },
		"full http":         func(c *Config) { c.URL = "classifier.example" },
		"without a user":    func(c *Config) { c.URL = "https://u:canary@x.example/" },
		"not in clear":      func(c *Config) { c.URL, c.Key = "http://x.example/", "canary" },
		"printable":         func(c *Config) { c.Key = "canary\nx" },
		"timeout":           func(c *Config) { c.Timeout = time.Hour },
		"cache":             func(c *Config) { c.Cache = 1000 * time.Hour },
		"threshold: want":   func(c *Config) { c.Threshold = 2 },
		"tells no scores":   func(c *Config) { c.Protocol, c.Threshold = "bedrock", 0.5 },
		"must name one":     func(c *Config) { c.Protocol = "llama_guard" },
		"takes none":        func(c *Config) { c.Model = "x" },
		"for presidio only": func(c *Config) { c.Language = "de" },
	} {
		c := good
		change(&c)
		err := c.Check()
		if (err == nil) != (want == "") || err != nil && (!strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary")) {
			t.Errorf("%+v: %v, want %q", c, err, want)
		}
	}
	if err := (&Config{Name: "a", Protocol: "generic", URL: "http://127.0.0.1:1/", Key: "k"}).Check(); err != nil {
		t.Error(err)
	}
	if _, err := New(good, good); err == nil {
		t.Error("the same name twice")
	}
}

// FuzzRead feeds answers to the readers: whatever they are, a verdict is one.
func FuzzRead(f *testing.F) {
	for _, a := range []string{`{"flagged":true,"score":0.5,"categories":["a"],"scores":{"a":1}}`, `{"results":[{"flagged":true,"categories":{"a":true},"category_scores":{"a":0.5}},{"flagged":false}]}`,
		`{"choices":[{"message":{"content":"unsafe\nS1"}}]}`, `[{"entity_type":"PERSON","score":0.5}]`, `{"userPromptAnalysis":{"attackDetected":true},"documentsAnalysis":[{"attackDetected":false}]}`,
		`{"action":"GUARDRAIL_INTERVENED","assessments":[{"contentPolicy":{"filters":[{"type":"HATE","confidence":"HIGH"}]}}]}`} {
		for i := range Protocols() {
			f.Add(uint8(i), []byte(a))
		}
	}
	f.Fuzz(func(t *testing.T, n uint8, a []byte) {
		name := Protocols()[int(n)%len(Protocols())]
		k := classifier{Config: Config{Protocol: name}, protocol: protocols[name]}
		v, err := k.protocol.read(&k.Config, question.Texts, a)
		if err == nil {
			v, err = k.checked(v)
		}
		if err == nil && !(v.Score >= 0 && v.Score <= 1) {
			t.Errorf("%s: %+v", name, v)
		}
	})
}
