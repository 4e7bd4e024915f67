package handlers

import (
	"fmt"
	"strings"
	"testing"

	"go.uber.org/zap"
)

// What no rule can look into does not pass where one would have to: it is refused unless
// the configuration allows it, and recorded either way.
func TestUnscannableAnswers(t *testing.T) {
	picture := `{"choices":[{"index":0,"message":{"role":"assistant","content":"see","images":[{"type":"image_url","image_url":{"url":"data:image/png;base64,AA=="}}]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}}`
	stream := "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"first words \"}}]}\n\ndata: {\"choices\":[{\"index\":0,\"delta\":{\"images\":[{\"type\":\"image_url\",\"image_url\":{\"url\":\"data:image/png;base64,AA==\"}}]}}]}\n\n" + finish + done
	body := func(stream string) string {
		return `{"model":"m","stream":` + stream + `,"messages":[{"role":"user","content":"draw"}]}`
	}
	redact := Rule{Name: "out", Action: actionRedact, Kinds: []string{"email"}, In: []string{"response"}}
	deny := Rule{Name: "no", Action: "deny", Expr: `has_phrase(response.all, "x y")`, In: []string{"response"}}
	held := Rule{Name: "no", Action: "deny", Expr: `response.text == "x"`, In: []string{"response"}, Buffer: true}
	shadow := redact
	shadow.Enforcement = "shadow"
	lax := deny
	lax.OnError = "allow"
	ends := Rule{Name: "no", Action: "deny", Expr: `response.finish_reason == "x" || response.tool_calls.exists(c, c.name == "x")`, In: []string{"response"}, Buffer: true}
	for _, tc := range []struct {
		name   string
		rule   Rule
		allow  string
		denied bool
		record string
	}{
		{"redact", redact, "", true, "deny response: image"},
		{"deny", deny, "", true, "deny response: image"},
		{"a rule about the whole", held, "", true, "deny response: image"},
		{"allowed", redact, "image", false, "allow response: image"},
		{"something else is allowed", redact, "file", true, "deny response: image"},
		{"shadow", shadow, "", false, ""},
		{"on_error allow", lax, "", false, ""},
		{"no texts", ends, "", false, ""},
		{"requests", Rule{Name: "in", Action: actionRedact, Kinds: []string{"email"}}, "", false, ""},
	} {
		p := &Policy{Rules: []Rule{tc.rule}}
		if tc.allow != "" {
			p.Unscannable = map[string]string{tc.allow: "allow"}
		}
		p.gw, p.log = &house{}, zap.NewNop()
		if err := p.setUp(); err != nil {
			t.Fatal(err)
		}
		for _, streamed := range []bool{false, true} {
			ctype, text := "application/json", picture
			if streamed {
				ctype, text = "text/event-stream", stream
			}
			rec, c := passThrough(t, p, chatPath, body(fmt.Sprint(streamed)), ctype, []byte(text), func(int) int { return 50 })
			record := ""
			for _, d := range c.x.Decisions {
				if d.Rule == "unscannable" {
					record = d.Action + " " + d.Detail
				}
			}
			if got := c.x.Denied != nil; got != tc.denied || record != tc.record {
				t.Errorf("%s, streamed %v: %v, recorded %q; %d %s", tc.name, streamed, c.x.Denied, record, rec.Code, rec.Body)
			}
			if has := strings.Contains(rec.Body.String(), "base64"); has == tc.denied {
				t.Errorf("%s, streamed %v: %s", tc.name, streamed, rec.Body)
			}
			if tc.denied && !strings.Contains(rec.Body.String(), "unscannable allow image") {
				t.Errorf("%s, streamed %v: %s", tc.name, streamed, rec.Body)
			}
		}
	}
}
