package handlers

import (
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/dialects/answer"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/pii"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/redact"
)

// What a provider says of its failure inside an answer is part of the answer, also where
// the client reads it in an error of the gateway's own.
func TestWordsOfAFailure(t *testing.T) {
	c := &call{redact: redact.NewSession()}
	c.redact.Add(&redact.Rule{Name: "r", Scanners: []detect.Incremental{pii.New()}, Kinds: map[string]bool{detect.KindPII: true}, Response: true})
	c.w.c, c.w.read = c, answer.New(llm.Chat, true)
	c.w.read.Event([]byte(`data: {"error":{"message":"no such user bob@corp.example"}}` + "\n\n"))
	if said := c.w.providerFailed().Message; strings.Contains(said, "bob") || !strings.Contains(said, "[EMAIL]") {
		t.Error(said)
	}
}

// Neither do comments that come before anything else pass unread, while another deployment
// may still answer.
func TestCommentsOfTheLead(t *testing.T) {
	c := &call{redact: redact.NewSession()}
	c.redact.Add(&redact.Rule{Name: "r", Scanners: []detect.Incremental{pii.New()}, Kinds: map[string]bool{detect.KindPII: true}, Response: true})
	c.x.Dialect = llm.Chat
	w := &c.w
	w.c, w.read, w.split, w.strict = c, answer.New(llm.Chat, true), new(answer.Splitter), true
	w.rewriteEvents()
	if err := w.events([]byte(": bob@corp.example is asked\n\n")); err != nil {
		t.Fatal(err)
	}
	if lead := string(w.lead); strings.Contains(lead, "bob") || !strings.Contains(lead, "[EMAIL]") {
		t.Error(lead)
	}
}
