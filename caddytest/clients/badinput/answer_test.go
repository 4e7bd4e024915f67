package badinput

import (
	"bytes"
	"strings"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/caddytest/clients/harness"
)

// named is a good body for another model.
func (f family) named(model, probe string) []byte {
	return bytes.Replace(f.body(probe), []byte(f.model), []byte(model), 1)
}

func TestAnswers(t *testing.T) {
	// Half an answer is not passed off as a whole one.
	both(t, "broken-answer", func(t *testing.T, fam family, probe string) {
		for _, how := range []string{"cut", "eof"} {
			a := send(t, fam.request(t, fam.named(fam.prefix+"-"+how, probe)))
			fam.refused(t, how, a, 502, "provider_error")
			harness.WantSeen(t, probe, 1)
			probe += "-next"
		}
	})
	both(t, "dead-provider", func(t *testing.T, fam family, probe string) {
		a := send(t, fam.request(t, fam.named("dead-"+fam.provider+"/any-model", probe)))
		fam.refused(t, "a provider that is not there", a, 502, "provider_error")
		if bytes.Contains(a.body, []byte("127.0.0.1")) {
			t.Errorf("the answer tells the provider's address: %s", a.body)
		}
	})
	// A provider that does not begin to answer, and one that stops in the middle.
	both(t, "timeouts", func(t *testing.T, fam family, probe string) {
		r := fam.request(t, fam.named(fam.prefix+"-hang", probe))
		r.URL.Path = "/hasty" + fam.path
		fam.refused(t, "no answer", send(t, r), 504, "provider_timeout")
		harness.WantSeen(t, probe, 1)

		probe += "-stall"
		body := bytes.Replace(fam.named(fam.prefix+"-gate", probe), []byte("{"), []byte(`{"stream":true,`), 1)
		r = fam.request(t, body)
		r.URL.Path = "/hasty" + fam.path
		a := send(t, r)
		harness.Equal(t, "status of a stream that stalls", a.status, 200)
		events := strings.Split(strings.TrimSpace(string(a.body)), "\n\n")
		last := events[len(events)-1]
		if fam.anthropic != strings.HasPrefix(last, "event: error\n") || !strings.Contains(last, `"error":{`) {
			t.Errorf("the stream does not end in an error event, but in %q", last)
		}
		harness.WantGone(t, probe)
	})
	// A model whose provider does not speak the dialect of the call.
	both(t, "other-dialect", func(t *testing.T, fam family, probe string) {
		// What the other dialect has no place for is refused by its name.
		field := `"logit_bias":{"7":1}`
		if fam.anthropic {
			field = `"top_k":3`
		}
		body := fam.named(fam.other, probe)
		a := send(t, fam.request(t, append([]byte("{"+field+","), body[1:]...)))
		fam.refused(t, fam.other, a, 400, "unsupported_field")
		if name, _, _ := strings.Cut(field[1:], `"`); !strings.Contains(string(a.body), name) {
			t.Errorf("%s is not named: %s", name, a.body)
		}
		harness.WantSeen(t, probe, 0)
		// Everything else is translated.
		a = send(t, fam.request(t, body))
		harness.Equal(t, "status", a.status, 200)
		harness.WantSeen(t, probe, 1)
	})
}
