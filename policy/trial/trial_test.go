package trial

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// echo lets everything pass as it is, if told so; the paths tell it the dialect.
type echo struct {
	out  Outcome
	err  error
	seen []*Request
}

func (e *echo) Run(_ context.Context, r *Request) (*Outcome, error) {
	e.seen = append(e.seen, r)
	if e.err != nil {
		return nil, e.err
	}
	o := e.out
	o.Dialect, _, _ = dialects.Classify(r.Method, r.Path, r.Header)
	if o.Denied == nil {
		o.Sent, o.Model = r.Body, "gpt-4o"
		o.Answer, o.AnswerType = r.Answer, r.Type
		if o.Dialect != llm.Chat {
			o.Answer = nil // the answer is in the form of chat here
		}
	}
	return &o, nil
}

func parse(t *testing.T, cases string) *File {
	t.Helper()
	f, err := Parse([]byte(`{"config":"Caddyfile","cases":[` + cases + `]}`))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// A request in words is a valid request in every dialect, with all that was said.
func TestRequestsInWords(t *testing.T) {
	f := parse(t, `{"name":"all","dialects":["chat","messages","responses","generate_content"],"model":"gpt-4o","system":"Be kind.","user":"Hello","tool_result":"20 degrees",
		"tools":["lookup","mail"],"max_tokens":77,"headers":{"X-Team":"blue"},"now":"2026-02-03T04:05:06Z","ip":"192.0.2.9","expect":{"decision":"allow"}}`)
	r := &echo{}
	results := Run(context.Background(), f, r)
	if len(results) != 8 {
		t.Fatalf("%d runs", len(results))
	}
	for i, res := range results {
		if !res.OK || res.Stream != (i%2 == 1) {
			t.Errorf("%+v", res)
		}
		req := r.seen[i]
		d, _, bad := dialects.Classify(req.Method, req.Path, req.Header)
		if bad != nil {
			t.Fatal(bad)
		}
		v, bad := dialects.Parse(d, req.Body)
		if bad == nil {
			bad = dialects.SetPath(v, req.Path)
		}
		if bad != nil {
			t.Fatalf("%s: %v in %s", res.Dialect, bad, req.Body)
		}
		texts := map[string]string{}
		for _, s := range v.Segments {
			texts[s.Role+" "+s.Kind.String()] += s.Text
		}
		if v.Model != "gpt-4o" || v.MaxTokens != 77 || v.Stream != res.Stream || len(v.Tools) != 2 || v.Tools[1].Name != "mail" ||
			texts["user text"] != "Hello" || texts["system text"] != "Be kind." || !strings.Contains(texts["tool tool_result"]+texts["user tool_result"], "20 degrees") {
			t.Errorf("%s: %+v %q", res.Dialect, v, texts)
		}
		if req.Header.Get("X-Team") != "blue" || req.IP != "192.0.2.9" || req.Now.Second() != 6 || req.Caller.Key != "test" {
			t.Errorf("%+v", req)
		}
	}
}

// Each expectation fails where it should, and says so.
func TestExpectations(t *testing.T) {
	denied := Outcome{Denied: &llm.Denial{Status: 422, Code: llm.CodePolicyBlocked, Rule: "secrets", Message: "no keys here"},
		Decisions: []llm.Decision{{Module: "policy", Rule: "early", Action: "flag"}, {Module: "policy", Rule: "secrets", Action: "deny"}}}
	allowed := Outcome{Tags: []string{"eu"}, Decisions: []llm.Decision{{Module: "policy", Rule: "early", Action: "flag"}, {Module: "auth", Rule: "other", Action: "allow"}}}
	for _, c := range []struct {
		expect string
		out    Outcome
		want   string // part of the problem, "" for none
	}{
		{`"decision":"deny"`, denied, ""},
		{`"decision":"allow"`, denied, "decision: got deny 422 policy_blocked by secrets (early flag), want allow"},
		{`"decision":"deny"`, allowed, "decision: got allow (early flag), want deny"},
		{`"decision":"deny","rule":"secrets","action":"deny","code":"policy_blocked","message":"keys","matched":["early"],"silent":["late"]`, denied, ""},
		{`"decision":"deny","rule":"early"`, denied, `rule: refused by "secrets", want early`},
		{`"decision":"deny","code":"unscannable"`, denied, "code: got policy_blocked"},
		{`"decision":"deny","message":"tools"`, denied, "message:"},
		{`"decision":"deny","sent":"x"`, denied, "nothing would be sent"},
		{`"decision":"allow","code":"x"`, allowed, "code: got none"},
		{`"decision":"allow","rule":"early","action":"flag","tags":["eu"]`, allowed, ""},
		{`"decision":"allow","rule":"late"`, allowed, "rule: late had nothing to say"},
		{`"decision":"allow","rule":"other"`, allowed, "rule: other had nothing to say"},
		{`"decision":"allow","rule":"early","action":"deny"`, allowed, "action: early said"},
		{`"decision":"allow","matched":["late"]`, allowed, "matched: late"},
		{`"decision":"allow","silent":["early"]`, allowed, "silent: early said flag"},
		{`"decision":"allow","tags":[]`, allowed, "tags:"},
		{`"decision":"allow","sent":"Hello","sent_has":["Hel"],"sent_lacks":["Bye"],"model":"gpt-4o","max_tokens":9,"tools":["mail"]`, allowed, ""},
		{`"decision":"allow","sent":"Hell"`, allowed, `sent: got "Hello"`},
		{`"decision":"allow","sent_has":["Bye"]`, allowed, "sent_has:"},
		{`"decision":"allow","sent_lacks":["Hel"]`, allowed, "sent_lacks:"},
		{`"decision":"allow","model":"gpt-5"`, allowed, "model:"},
		{`"decision":"allow","max_tokens":10`, allowed, "max_tokens: got 9"},
		{`"decision":"allow","tools":[]`, allowed, "tools:"},
		{`"decision":"allow","answer":"Well met","answer_has":["Well","\"to\": \"ann\""],"answer_lacks":["ill"]`, allowed, ""},
		{`"decision":"allow","answer":"Well"`, allowed, `answer: got "Well met"`},
		{`"decision":"allow","answer_has":["ill"]`, allowed, "answer_has:"},
		{`"decision":"allow","answer_lacks":["met"]`, allowed, "answer_lacks:"},
		{`"decision":"allow","answer_lacks":["ann"]`, allowed, "answer_lacks:"},
	} {
		f := parse(t, `{"name":"x","dialects":["chat"],"user":"Hello","max_tokens":9,"tools":["mail"],"answer":"Well met","tool_call":{"name":"mail","arguments":{"to": "ann"}},"expect":{`+c.expect+`}}`)
		for _, res := range Run(context.Background(), f, &echo{out: c.out}) {
			got := strings.Join(res.Problems, "; ")
			if res.OK != (c.want == "") || !strings.Contains(got, c.want) || c.want != "" && len(res.Problems) != 1 {
				t.Errorf("%s (stream %t): got %q, want %q", c.expect, res.Stream, got, c.want)
			}
		}
	}
	f := parse(t, `{"name":"x","user":"Hello","expect":{"decision":"deny"}}`)
	for _, res := range Run(context.Background(), f, &echo{err: errors.New("boom")}) {
		if res.OK || res.Got != "error" || res.Problems[0] != "boom" {
			t.Errorf("%+v", res)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	ok := `"expect":{"decision":"allow"}`
	for text, want := range map[string]string{
		``:                         "line 1",
		`{`:                        "line 1",
		"{\n\"confg\":\"x\"}":      `line 2: unknown field "confg"`,
		`{"config":"x"} {}`:        "something follows",
		`{"cases":[]}`:             `"config" is missing`,
		`{"config":"x"}`:           "no cases",
		`{"config":"x","cases":1}`: "line 1",
		"{\"config\":\"x\",\n\"cases\":[{\"name\":\n3}]}":                                            "line 3",
		`{"config":"x","cases":[{"user":"x",` + ok + `}]}`:                                           "case 1: has no name",
		`{"config":"x","cases":[{"name":"a","user":"x",` + ok + `},{"name":"a","user":"x"}]}`:        "given twice",
		`{"config":"x","cases":[{"name":"a",` + ok + `}]}`:                                           "asks nothing",
		`{"config":"x","cases":[{"name":"a","user":"x"}]}`:                                           "expect needs",
		`{"config":"x","cases":[{"name":"a","user":"x","expect":{"decision":"maybe"}}]}`:             `"maybe"`,
		`{"config":"x","cases":[{"name":"a","user":"x","expect":{"decision":"deny","action":"x"}}]}`: "action needs rule",
		`{"config":"x","cases":[{"name":"a","user":"x","dialects":["latin"],` + ok + `}]}`:           `"latin"`,
		`{"config":"x","cases":[{"name":"a","user":"x","dialects":["chat","chat"],` + ok + `}]}`:     "twice",
		`{"config":"x","cases":[{"name":"a","user":"x","now":"noon",` + ok + `}]}`:                   `"noon"`,
		`{"config":"x","cases":[{"name":"a","user":"x","max_tokens":-1,` + ok + `}]}`:                "negative",
		`{"config":"x","cases":[{"name":"a","user":"x","path":"/v1/messages",` + ok + `}]}`:          "stand alone",
		`{"config":"x","cases":[{"name":"a","request":{},` + ok + `}]}`:                              "path is missing",
		`{"config":"x","cases":[{"name":"a","user":"x","answer_body":{},` + ok + `}]}`:               "answer_body",
		`{"config":"x","cases":[{"name":"a","user":"x","tool_call":{},` + ok + `}]}`:                 "no name",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
	}
}

func TestPrint(t *testing.T) {
	var b strings.Builder
	failed := Print(&b, []Result{
		{Case: "one", Dialect: "chat", OK: true, Got: "allow"}, {Case: "one", Dialect: "chat", Stream: true, OK: true, Got: "allow"},
		{Case: "one", Dialect: "messages", OK: true, Got: "allow"},
		{Case: "two", Dialect: "chat", Got: "deny", Problems: []string{"decision: no"}},
	})
	want := `      CASE            TRIED                          GOT
ok    one             chat (whole, stream), messages  allow
FAIL  two             chat                           deny
        decision: no                                 
3 of 4 runs as expected
`
	if failed != 1 || strings.Join(strings.Fields(b.String()), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("%d failed:\n%s", failed, b.String())
	}
}

func TestGuessPath(t *testing.T) {
	for body, want := range map[string]string{
		`{"messages":[]}`:                        "/v1/chat/completions",
		`{"messages":[],"system":"x"}`:           "/v1/messages",
		`{"input":"x"}`:                          "/v1/responses",
		`{"input":"x","dimensions":3}`:           "/v1/embeddings",
		`{"prompt":"x"}`:                         "/v1/completions",
		`{"contents":[],"model":"models/gem-1"}`: "/v1beta/models/gem-1:generateContent",
		`{}`:                                     "",
		`[1]`:                                    "",
	} {
		if got := GuessPath([]byte(body)); got != want {
			t.Errorf("%s: %q", body, got)
		}
	}
}

// FuzzParse feeds files of cases; what is accepted can be tried.
func FuzzParse(f *testing.F) {
	f.Add(`{"config":"Caddyfile","route":"x","cases":[{"name":"a","user":"x","answer":"y","tool_call":{"name":"t","arguments":{}},"classifiers":{"m":{"flagged":true}},"expect":{"decision":"deny","sent":"z","tags":[]}}]}`)
	f.Add(`{"config":"Caddyfile","cases":[{"name":"a","path":"/v1/chat/completions","request":{"messages":[]},"answer_body":"data: x\n\n","expect":{"decision":"allow","answer":""}}]}`)
	f.Add(`{"config":"Caddyfile","cases":[{"name":"a","path":"/v1/messages","request":null,"expect":{"decision":"allow","sent_lacks":["x"]}}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse([]byte(text))
		if err != nil {
			return
		}
		for _, r := range Run(context.Background(), file, &echo{}) {
			if r.OK && len(r.Problems) > 0 {
				t.Error(r)
			}
		}
		if _, err := json.Marshal(file); err != nil {
			t.Error(err)
		}
	})
}
