package translate

import (
	"encoding/base64"
	"slices"
	"strings"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// A client's dialect has one opaque member for reasoning; what another dialect
// put beside its own travels in it, marked as ours.

// sealMark begins a packed seal. A provider's own never looks like it: they are
// base64, which has no dot.
const sealMark = "llmgw1."

// sealable are the dialects whose seals exist, by the word for them in a packed
// seal.
var sealable = [...]llm.Dialect{llm.Chat, llm.Messages, llm.Responses, llm.GenerateContent}

// packSeal returns a seal as text that unpackSeal understands.
func packSeal(s Seal) string {
	raw := strings.Join([]string{s.Origin.String(), s.Kind, s.ID, s.Data}, "\x00")
	return sealMark + base64.RawURLEncoding.EncodeToString([]byte(raw))
}

// unpackSeal reads what packSeal made; ok is false for anything else.
func unpackSeal(text string) (s Seal, ok bool) {
	rest, ok := strings.CutPrefix(text, sealMark)
	if !ok {
		return Seal{}, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(rest)
	if err != nil {
		return Seal{}, false
	}
	f := strings.SplitN(string(raw), "\x00", 4)
	if len(f) != 4 {
		return Seal{}, false
	}
	i := slices.IndexFunc(sealable[:], func(d llm.Dialect) bool { return d.String() == f[0] })
	if i < 0 {
		return Seal{}, false
	}
	return Seal{Origin: sealable[i], Kind: f[1], ID: f[2], Data: f[3]}, true
}
