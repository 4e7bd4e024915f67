package badinput

import (
	"bytes"
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
	// A model whose provider does not speak the dialect of the call.
	both(t, "other-dialect", func(t *testing.T, fam family, probe string) {
		a := send(t, fam.request(t, fam.named(fam.other, probe)))
		fam.refused(t, fam.other, a, 400, "unsupported_dialect")
		harness.WantSeen(t, probe, 0)
	})
}
