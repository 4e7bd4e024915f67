package prices

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

func priceFile(asOf string, models ...string) []byte {
	var list []string
	for i, m := range models {
		list = append(list, fmt.Sprintf(`{"match":[%q],"prices":[{"rates":{"input":"%d","output":"2"}}]}`, m, i+1))
	}
	return []byte(`{"as_of":"` + asOf + `","providers":[{"name":"openai","well_known":true,"models":[` + strings.Join(list, ",") + `]},{"name":"house","models":[` + list[0] + `]}]}`)
}

// What was read holds before the embedded catalogue and behind the operator's own
// prices; what is broken changes nothing.
func TestSource(t *testing.T) {
	own := Price{Rates: Rates{Input: USD(9 * llm.USD), Output: USD(9 * llm.USD)}}
	s := NewSource([]Override{{Pattern: "mine", Price: own}})
	at := time.Now()
	input := func(typ, model string) string {
		p, ok := s.Current().Lookup("x", typ, model, at)
		if !ok {
			return "none"
		}
		return p.Input.String()
	}
	embedded := input("openai", "gpt-4o")
	if embedded == "none" || input("openai", "new-model") != "none" || input("", "mine") != "$9.00" {
		t.Fatalf("embedded: %s, %s, %s", embedded, input("openai", "new-model"), input("", "mine"))
	}
	first := s.Current().Version()
	good := priceFile("2026-11-01", "new-model", "mine", "other-model", "gpt-4o-mini")
	if changed, err := s.Update(good); err != nil || !changed {
		t.Fatal(changed, err)
	}
	if changed, err := s.Update(good); err != nil || changed {
		t.Error("the same prices are a change", err)
	}
	check := func() {
		t.Helper()
		for _, c := range [][3]string{{"openai", "new-model", "$1.00"}, {"", "new-model", "$1.00"}, {"house", "new-model", "$1.00"}, {"", "mine", "$9.00"}, {"openai", "gpt-4o", embedded}, {"openai", "gpt-4o-mini", "$4.00"}} {
			if got := input(c[0], c[1]); got != c[2] {
				t.Errorf("%s at %s costs %s, want %s", c[1], c[0], got, c[2])
			}
		}
	}
	check()
	version := s.Current().Version()
	if version == first || !strings.HasPrefix(version, "2026-11-01~") {
		t.Errorf("version %s", version)
	}
	for name, bad := range map[string][]byte{
		"nothing": nil, "no JSON": []byte("<html>"), "cut": good[:len(good)/2], "no provider": []byte(`{"as_of":"2026-11-02","providers":[]}`),
		"negative": []byte(strings.Replace(string(good), `"2"`, `"-2"`, 1)), "no date": []byte(strings.Replace(string(good), "2026-11-01", "soon", 1)),
		"huge": make([]byte, MaxFile+1),
	} {
		if _, err := s.Update(bad); err == nil {
			t.Errorf("%s is taken", name)
		}
		if s.Current().Version() != version {
			t.Errorf("%s: version %s", name, s.Current().Version())
		}
		check()
	}
	// Few models are the operator's own, and he may take some away; a catalogue of
	// many does not lose most of them in a day.
	if changed, err := s.Update(priceFile("2026-11-03", "a")); err != nil || !changed || input("openai", "new-model") != "none" {
		t.Errorf("one instead of four: %v, new-model costs %s", err, input("openai", "new-model"))
	}
	var many []string
	for i := range manyModels {
		many = append(many, fmt.Sprintf("m%d", i))
	}
	if _, err := s.Update(priceFile("2026-11-04", many...)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Update(priceFile("2026-11-05", many[:manyModels/2-2]...)); !errors.Is(err, ErrShrunk) || input("openai", "m99") == "none" {
		t.Errorf("less than half of %d models: %v", manyModels, err)
	}
	if _, err := s.Update(priceFile("2026-11-06", many[:manyModels/2]...)); err != nil || input("openai", "m99") != "none" {
		t.Errorf("half of %d models: %v", manyModels, err)
	}
}

// A list of others neither makes a model free that is known to cost something, nor
// shortens the output that is reserved; a file of our own shape may.
func TestSourceDoubts(t *testing.T) {
	at := time.Now()
	known, ok := Embedded().Lookup("openai", "openai", "gpt-4o", at)
	if !ok || known.Free() {
		t.Fatal("the catalogue does not know gpt-4o")
	}
	models := `"gpt-4o":{"cost":{"input":0,"output":0}},"gpt-4o-2024-08-06":{"cost":{"input":0,"output":0}},` +
		`"house-free":{"cost":{"input":0,"output":0}},"gpt-4o-mini":{"cost":{"input":7,"output":8},"limit":{"output":1}}`
	for name, list := range map[string]string{
		"models.dev": `{"openai":{"models":{` + models + `}}}`,
		"litellm": `{"gpt-4o":{"litellm_provider":"openai","input_cost_per_token":0,"output_cost_per_token":0},` +
			`"gpt-4o-2024-08-06":{"litellm_provider":"openai","input_cost_per_token":0.0,"output_cost_per_token":0.0},` +
			`"house-free":{"litellm_provider":"openai","input_cost_per_token":0,"output_cost_per_token":0},` +
			`"gpt-4o-mini":{"litellm_provider":"openai","input_cost_per_token":7e-06,"output_cost_per_token":8e-06,"max_output_tokens":1}}`,
	} {
		s := NewSource(nil)
		if _, err := s.Update([]byte(list)); err != nil {
			t.Fatal(name, err)
		}
		for _, model := range []string{"gpt-4o", "gpt-4o-2024-08-06"} {
			if p, ok := s.Current().Lookup("openai", "openai", model, at); !ok || p.Free() {
				t.Errorf("%s: %s is free: %v", name, model, ok)
			}
		}
		if p, ok := s.Current().Lookup("openai", "openai", "house-free", at); !ok || !p.Free() {
			t.Errorf("%s: nobody says that house-free costs anything: %v", name, ok)
		}
		before, _ := Embedded().Lookup("openai", "openai", "gpt-4o-mini", at)
		if p, ok := s.Current().Lookup("openai", "openai", "gpt-4o-mini", at); !ok || *p.Input != 7*llm.USD || p.MaxOutput != max(1, before.MaxOutput) {
			t.Errorf("%s: gpt-4o-mini: %v, %d tokens", name, ok, p.MaxOutput)
		}
	}
	s := NewSource(nil)
	if _, err := s.Update([]byte(`{"as_of":"2026-11-01","providers":[{"name":"openai","models":[{"match":["gpt-4o"],"prices":[{"rates":{"input":"0","output":"0"}}]}]}]}`)); err != nil {
		t.Fatal(err)
	}
	if p, ok := s.Current().Lookup("openai", "openai", "gpt-4o", at); !ok || !p.Free() {
		t.Error("the operator's own file does not count")
	}
}
