package gateway

import (
	"encoding/json"
	"testing"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/providers"
)

// The hash in the records tells configs apart by what decides, and holds nothing of
// secrets.
func TestConfigHash(t *testing.T) {
	detector := func(options string) map[string]json.RawMessage {
		return map[string]json.RawMessage{"badge": json.RawMessage(options)}
	}
	base := (&App{}).configHash(nil)
	seen := map[string]string{base: "nothing"}
	for name, hash := range map[string]string{
		"provider":         (&App{providers: map[string]providers.Provider{"openai": nil}}).configHash(nil),
		"detector":         (&App{}).configHash(detector(`{"type":"patterns","patterns":["A-[0-9]"]}`)),
		"another pattern":  (&App{}).configHash(detector(`{"type":"patterns","patterns":["B-[0-9]"]}`)),
		"classifier":       (&App{Classifiers: map[string]*Classifier{"guard": {Protocol: "generic"}}}).configHash(nil),
		"its threshold":    (&App{Classifiers: map[string]*Classifier{"guard": {Protocol: "generic", Threshold: 0.5}}}).configHash(nil),
		"crash":            (&App{OnCrash: "release"}).configHash(nil),
		"another provider": (&App{providers: map[string]providers.Provider{"claude": nil}}).configHash(nil),
	} {
		if other, ok := seen[hash]; ok || hash == "" {
			t.Errorf("%s and %s have one hash", name, other)
		}
		seen[hash] = name
	}
	with := &Classifier{Protocol: "generic", URL: "https://guard.example/?token=secret", APIKey: "secret"}
	without := &Classifier{Protocol: "generic"}
	if (&App{Classifiers: map[string]*Classifier{"g": with}}).configHash(nil) != (&App{Classifiers: map[string]*Classifier{"g": without}}).configHash(nil) {
		t.Error("the hash depends on a secret")
	}
}
