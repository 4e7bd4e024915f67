package caddytest

import (
	"fmt"
	"strings"
	"testing"
)

const ownDetector = `{
	llm_gateway {
		detector internal patterns {
			pattern employee-id ` + "`EMP-[0-9]{6}`" + `
			phrase  falcon "Project Falcon"
		}
		provider openai {
			api_key {env.OPENAI_API_KEY}
			base_url {{provider}}/v1
		}
		provider claude anthropic {
			api_key {env.ANTHROPIC_API_KEY}
			base_url {{provider}}
		}
	}
}
:8080 {
	llm_audit
	llm_auth {
		key web {env.WEB_APP_KEY}
	}
	llm_policy {
		deny falcon ` + "`\"falcon\" in detect(\"internal\", prompt.all)`" + ` "that project is secret"
		redact ids internal {
			in request response
		}
	}
	llm_upstream {
		model gpt-4o* openai
		model claude-* claude
	}
}
`

// A detector of the operator's own works like those that come with the gateway: in
// rules, and in prompts and answers, in all dialects, streamed or not.
func TestOwnDetector(t *testing.T) {
	p := newProvider(t)
	p.answers(echo)
	s := start(t, ownDetector, options{vars: map[string]string{"provider": p.URL}})
	for i := range redactCalls {
		q := &redactCalls[i]
		for _, stream := range []bool{false, true} {
			name := fmt.Sprintf("%s, stream %v", q.name, stream)
			send := func(text string) *answer {
				p.forget()
				body := strings.Replace(strings.Replace(q.body, "TEXT", text, 1), "STREAM", fmt.Sprint(stream), 1)
				return s.do(call{path: q.path, body: body, anthropic: q.anthropic})
			}
			a := send("who is EMP-123456, EMP-12345?").ok()
			if got := p.requests()[0].Body; !strings.Contains(got, "who is [EMPLOYEE_ID], EMP-12345?") {
				t.Errorf("%s: the provider got %s", name, got)
			}
			if text, _ := heard(t, q.path, a.Body, stream); text != "you said who is [EMPLOYEE_ID], EMP-12345? and I am me@model.example" {
				t.Errorf("%s: the client got %q", name, text)
			}
			// Two spaces, a hard one and a Cyrillic letter.
			send("tell me of project  Fаlcon").denied(422, "policy_blocked", q.anthropic)
			if p.count() != 0 {
				t.Errorf("%s: the project reached the provider", name)
			}
		}
	}
}
