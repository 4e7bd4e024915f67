package handlers

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"pgregory.net/rapid"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/prices"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/classify"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
)

// house is a gateway without stores.
type house struct{ left int }

func (*house) UseAudit(string)                            {}
func (*house) Background(func(context.Context))           {}
func (*house) UseLedger()                                 {}
func (*house) UseBudgets([]limits.Budget)                 {}
func (*house) Budgets() []limits.Budget                   { return nil }
func (*house) Detectors() policy.Detectors                { return nil }
func (*house) Asker() classify.Source                     { return new(classify.Registry) }
func (*house) Provider(string) (providers.Provider, bool) { return nil, false }
func (*house) Catalogue() *prices.Catalogue               { return prices.Embedded() }
func (*house) Required() []string                         { return nil }
func (*house) StateDir() string                           { return "" }
func (*house) Node() string                               { return "test" }
func (*house) ConfigHash() string                         { return "" }
func (h *house) Enter(context.Context) (*Stores, error) {
	return &Stores{Leave: func() { h.left++ }}, nil
}

// through sends a request through the owner to a stock handler.
func through(t interface{ Fatal(...any) }, method, path, body string, next func(w http.ResponseWriter, r *http.Request) error) (*httptest.ResponseRecorder, *call, error) {
	gw := &house{}
	h := &common{gw: gw, log: zap.NewNop()}
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	r = caddyhttp.PrepareRequest(r, caddy.NewReplacer(), rec, new(caddyhttp.Server))
	var c *call
	err := h.serve(rec, r, caddyhttp.HandlerFunc(next), func(got *call, _ *http.Request) error {
		c = got
		got.x.Changes.IncludeUsage = strings.Contains(body, `"stream":true`)
		return nil
	})
	if gw.left != 1 {
		t.Fatal("the lease on the stores was given back ", gw.left, " times")
	}
	return rec, c, err
}

const (
	chatPath = "/v1/chat/completions"
	asked    = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`
	delta    = "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":null}]}\n\n"
	finish   = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
	figures  = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n"
	done     = "data: [DONE]\n\n"
)

// However a stream is cut into writes, the client gets the same bytes, without
// the usage chunk that it did not ask for.
func TestStreamIsByteExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Repeat(delta, rapid.IntRange(0, 20).Draw(t, "events")) + ": ping\r\n\r\n" + finish + figures + done
		rec, c, err := through(t, "POST", chatPath, asked, func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/event-stream")
			w.Header().Set("Content-Length", "7") // a lie that must not pass
			for rest := text; rest != ""; {
				n := rapid.IntRange(1, len(rest)).Draw(t, "n")
				if _, err := io.WriteString(w, rest[:n]); err != nil {
					t.Fatal(err)
				}
				rest = rest[n:]
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if want := strings.Replace(text, figures, "", 1); rec.Body.String() != want {
			t.Fatalf("got %q, want %q", rec.Body.String(), want)
		}
		if rec.Header().Get("Content-Length") != "" {
			t.Fatal("the length of the provider's stream was passed on")
		}
		a := c.x.Current()
		if c.x.Outcome != llm.OutcomeOK || a.Result != llm.ResultAnswered || a.Usage.Input != 3 || a.Usage.Output != 2 || a.Usage.Estimated {
			t.Fatalf("outcome %s, %+v", c.x.Outcome, a.Usage)
		}
	})
}

// What is not whole never looks whole.
func TestBrokenAnswers(t *testing.T) {
	sse := func(text string, err error) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, text)
			return err
		}
	}
	whole := func(ctype, text string) func(http.ResponseWriter, *http.Request) error {
		return func(w http.ResponseWriter, _ *http.Request) error {
			w.Header().Set("Content-Type", ctype)
			w.WriteHeader(200)
			_, err := w.(io.ReaderFrom).ReadFrom(strings.NewReader(text))
			return err
		}
	}
	plain := strings.Replace(asked, `"stream":true,`, "", 1)
	for name, tc := range map[string]struct {
		body   string
		next   func(http.ResponseWriter, *http.Request) error
		status int
		want   string
	}{
		"no terminal event": {asked, sse(delta, nil), 200, `"code":"provider_error"`},
		"half an event":     {asked, sse(delta+"data: {\"cho", nil), 200, `"code":"provider_error"`},
		"malformed event":   {asked, sse(delta+"data: {\"cho\n\n"+done, nil), 200, `"code":"provider_error"`},
		"aborted": {asked, func(w http.ResponseWriter, r *http.Request) error {
			_ = sse(delta, nil)(w, r)
			panic(http.ErrAbortHandler)
		}, 200, "broke off"},
		"panic in the stream": {asked, func(w http.ResponseWriter, r *http.Request) error { _ = sse(delta, nil)(w, r); panic("canary") }, 200, `"code":"internal_error"`},
		"panic before":        {asked, func(http.ResponseWriter, *http.Request) error { panic("canary") }, 500, `"code":"internal_error"`},
		"error":               {asked, func(http.ResponseWriter, *http.Request) error { return errors.New("canary") }, 500, `"code":"internal_error"`},
		"half a document":     {plain, whole("application/json", `{"choices":[`), 502, `"code":"provider_error"`},
		"two documents":       {plain, whole("application/json", `{}{}`), 502, `"code":"provider_error"`},
		"encoded": {plain, func(w http.ResponseWriter, r *http.Request) error {
			w.Header().Set("Content-Encoding", "gzip")
			return whole("application/json", `{}`)(w, r)
		}, 502, `"code":"provider_error"`},
		"nothing": {plain, func(http.ResponseWriter, *http.Request) error { return nil }, 404, `"code":"not_found"`},
	} {
		t.Run(name, func(t *testing.T) {
			rec, c, err := through(t, "POST", chatPath, tc.body, tc.next)
			if err != nil {
				t.Fatal(err)
			}
			if rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.want) || strings.Contains(rec.Body.String(), "[DONE]") {
				t.Errorf("%d: %s", rec.Code, rec.Body)
			}
			if strings.Contains(rec.Body.String(), "canary") {
				t.Error("the cause of the failure reached the client")
			}
			if c.x.Outcome == llm.OutcomeOK {
				t.Error("recorded as ok")
			}
		})
	}
}

// Answers pass whole: other statuses, other types, without a body.
func TestAnswersPass(t *testing.T) {
	for name, tc := range map[string]struct {
		method, path, ctype, body string
		status                    int
	}{
		"json":           {"POST", chatPath, "application/json", `{"choices":[],"big":12345678901234567890,"odd":"\ud800"}`, 200},
		"provider error": {"POST", chatPath, "application/json", `{"error":{"message":"no"}}`, 429},
		"text error":     {"POST", chatPath, "text/plain", "bad gateway", 502},
		"page":           {"POST", chatPath, "text/html", "<p>", 200},
		"head":           {"HEAD", "/v1/models", "application/json", "", 200},
		"no content":     {"POST", chatPath, "application/json", "", 204},
	} {
		t.Run(name, func(t *testing.T) {
			body := `{"model":"m","messages":[]}`
			if tc.method == "HEAD" {
				body = ""
			}
			rec, _, err := through(t, tc.method, tc.path, body, func(w http.ResponseWriter, _ *http.Request) error {
				w.Header().Set("Content-Type", tc.ctype)
				w.WriteHeader(tc.status)
				_, err := io.WriteString(w, tc.body)
				return err
			})
			if err != nil || rec.Code != tc.status || rec.Body.String() != tc.body {
				t.Errorf("%v, %d: %s", err, rec.Code, rec.Body)
			}
			if rec.Header().Get("LLM-Request-Id") == "" {
				t.Error("no request id")
			}
		})
	}
}

// A refusal at the gate is the answer, whatever the handler behind it wrote.
func TestRefusedAtTheGate(t *testing.T) {
	for _, tc := range []struct {
		path, body string
		status     int
		code       string
	}{
		{chatPath, `{"model":"a","model":"b"}`, 400, "malformed"},
		{chatPath, `[]`, 400, "malformed"},
		{"/v1/unknown", `{}`, 404, "not_found"},
		{"/v1/files", `{}`, 403, "objects_denied"},
		{"/v1//chat/completions", `{}`, 400, "malformed"},
	} {
		read := 0
		rec, _, err := through(t, "POST", tc.path, tc.body, func(w http.ResponseWriter, r *http.Request) error {
			b, _ := io.ReadAll(r.Body)
			read = len(b)
			_, err := io.WriteString(w, "an answer that nobody admitted")
			return err
		})
		if err != nil || rec.Code != tc.status || !strings.Contains(rec.Body.String(), tc.code) || strings.Contains(rec.Body.String(), "nobody") {
			t.Errorf("%s: %v, %d: %s", tc.path, err, rec.Code, rec.Body)
		}
		if read != 0 {
			t.Errorf("%s: %d bytes of the body left before the gate", tc.path, read)
		}
	}
}
