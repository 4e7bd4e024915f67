package prices

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// importLiteLLM reads LiteLLM's list: flat members per model, in dollars per token,
// with context band and service tier as suffixes of their names.
func importLiteLLM(top map[string]jsontext.Value) (*Imported, error) {
	i := newImporter(ShapeLiteLLM)
	for _, name := range slices.Sorted(maps.Keys(top)) {
		if name == "sample_spec" {
			continue
		}
		var members map[string]jsontext.Value
		if err := json.Unmarshal(top[name], &members); err != nil || top[name].Kind() != '{' {
			return nil, fmt.Errorf("model %.100q: not an object", name)
		}
		l := lite{price: &SnapshotPrice{}}
		if members["litellm_provider"] == nil { // of an alias, or of nobody
			i.leave(name, "it has no provider")
			continue
		}
		if err := json.Unmarshal(members["litellm_provider"], &l.provider); err != nil {
			return nil, fmt.Errorf("model %.100q: litellm_provider is not a string", name)
		}
		for _, member := range slices.Sorted(maps.Keys(members)) {
			if err := l.member(member, members[member]); err != nil {
				return nil, fmt.Errorf("model %.100q: %.100s: %w", name, member, err)
			}
		}
		if r := &l.price.Rates; l.other && (r.Input == "" || r.Input == "0") && (r.Output == "" || r.Output == "0") {
			l.why = "tokens are not what it is priced by"
		}
		if l.why != "" {
			i.leave(name, l.why)
			continue
		}
		i.put(l.named(name), l.model, l.price)
	}
	return i.done()
}

// lite is a model of LiteLLM's list.
type lite struct {
	provider, model string
	price           *SnapshotPrice
	why             string // it is left out
	// other is true if it has a price of something that is not a token.
	other bool
}

// named sets the model's own name, without the provider in front of it, and returns
// that of the provider as the rest of us call it.
func (l *lite) named(name string) string {
	l.model = name
	if p, rest, ok := strings.Cut(name, "/"); ok && p != "" && strings.HasPrefix(l.provider, p) {
		l.model = rest
	}
	switch p := l.provider; {
	case strings.HasPrefix(p, "vertex_ai"):
		return "vertex"
	case p == "bedrock_converse":
		return "bedrock"
	case p == "text-completion-openai":
		return "openai"
	case p == "cohere_chat":
		return "cohere"
	}
	return l.provider
}

// liteRates are the members that are rates, without suffixes.
var liteRates = map[string]kind{
	"input_cost_per_token": input, "output_cost_per_token": output,
	"cache_read_input_token_cost": cacheRead, "cache_creation_input_token_cost": cacheWrite,
	"cache_creation_input_token_cost_above_1hr": cacheWrite1h, "cache_read_input_audio_token_cost": cacheReadAudio,
	"cache_read_input_token_cost_per_audio_token": cacheReadAudio,
	"input_cost_per_audio_token":                  inputAudio, "input_cost_per_image_token": inputImage,
	"output_cost_per_audio_token": outputAudio, "output_cost_per_image_token": outputImage, "output_cost_per_reasoning_token": reasoning,
}

// liteTiers are the suffixes for service tiers.
var liteTiers = map[string]string{"_priority": "priority", "_flex": "flex", "_batches": "batch", "_batch": "batch", "_fast": "fast"}

// member reads one member of a model.
func (l *lite) member(name string, v jsontext.Value) error {
	p := l.price
	switch name {
	case "file_search_cost_per_1k_calls":
		return fee(&p.FileSearch, v, -3)
	case "code_interpreter_cost_per_session":
		return fee(&p.CodeSession, v, 0)
	case "input_cost_per_query", "input_cost_per_request":
		return fee(&p.Request, v, 0)
	case "search_context_cost_per_query":
		return l.searches(v)
	case "tiered_pricing":
		return l.ranges(v)
	case "provider_specific_entry":
		return l.specific(v)
	case "max_output_tokens":
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && n > 0 {
			p.MaxOutput = n
		}
		return nil
	}
	if !strings.Contains(name, "cost") {
		return nil
	}
	base, tier, above, ok := suffixes(name)
	k, known := liteRates[base]
	m, given, err := number(v, 6)
	if !ok || !known {
		if err == nil && given && m > 0 {
			if strings.Contains(name, "token") {
				l.why = "its price has a part that is not understood: " + name
			} else {
				l.other = true // seconds, characters, pictures and the like
			}
		}
		return nil
	}
	if err != nil || !given {
		return err
	}
	if above > 0 && inclusive(l.provider) {
		above--
	}
	return l.rate(k, tier, above, m)
}

// suffixes parts the name of a rate from its context band and service tier, which
// stand in either order.
func suffixes(name string) (base, tier string, above int64, ok bool) {
	for {
		found := false
		for suffix, t := range liteTiers {
			if s, cut := strings.CutSuffix(name, suffix); cut && tier == "" {
				name, tier, found = s, t, true
			}
		}
		if s, cut := strings.CutSuffix(name, "_tokens"); cut {
			if at := strings.LastIndex(s, "_above_"); at >= 0 && above == 0 {
				digits, thousands := strings.CutSuffix(s[at+len("_above_"):], "k")
				n, err := strconv.ParseInt(digits, 10, 32)
				if err != nil || n < 1 {
					return "", "", 0, false
				}
				if thousands {
					n *= 1000
				}
				name, above, found = s[:at], n, true
			}
		}
		if !found {
			return name, tier, above, true
		}
	}
}

// rate puts a rate where it belongs.
func (l *lite) rate(k kind, tier string, above int64, m llm.Money) error {
	p := l.price
	if tier == "" {
		r := &p.Rates
		if above > 0 {
			r = p.Tier(above)
		}
		*r.fields()[k] = written(m)
		return nil
	}
	s, put := p.tierServed(tier)
	r := &s.Rates
	if above > 0 {
		r = tierAbove(&s.Tiers, above)
	}
	*r.fields()[k] = written(m)
	put(s)
	return nil
}

func fee(to *string, v jsontext.Value, shift int) error {
	m, given, err := number(v, shift)
	if err != nil || !given {
		return err
	}
	if m > 0 {
		dearer(to, m)
	}
	return nil
}

// searches takes the dearest size of context: which one was used is not reported.
func (l *lite) searches(v jsontext.Value) error {
	if v.Kind() == 'n' {
		return nil
	}
	var sizes map[string]jsontext.Value
	if err := json.Unmarshal(v, &sizes); err != nil {
		return errors.New("not an object of prices")
	}
	for _, v := range sizes {
		if err := fee(&l.price.WebSearch, v, 0); err != nil {
			return err
		}
	}
	return nil
}

// ranges reads tiered_pricing: rates by ranges of the prompt's length.
func (l *lite) ranges(v jsontext.Value) error {
	if v.Kind() == 'n' {
		return nil
	}
	var list []map[string]jsontext.Value
	if err := json.Unmarshal(v, &list); err != nil {
		return errors.New("not a list of ranges")
	}
	for n, members := range list {
		var bounds []jsontext.Value
		if err := json.Unmarshal(members["range"], &bounds); err != nil || len(bounds) == 0 {
			return fmt.Errorf("entry %d: no range", n+1)
		}
		from, err := strconv.ParseInt(strings.TrimSuffix(string(bounds[0]), ".0"), 10, 64)
		if err != nil || from < 0 {
			return fmt.Errorf("entry %d: the range begins at %.40s", n+1, bounds[0])
		}
		for name, v := range members {
			k, known := liteRates[name]
			if !known {
				if name != "range" && strings.Contains(name, "cost") {
					l.why = "its price has a part that is not understood: " + name
				}
				continue
			}
			m, given, err := number(v, 6)
			if err != nil {
				return fmt.Errorf("entry %d: %s: %w", n+1, name, err)
			}
			if given {
				if err := l.rate(k, "", from, m); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// specific reads factors: of the speed "fast", and of regions by two letters.
func (l *lite) specific(v jsontext.Value) error {
	if v.Kind() != '{' {
		return nil
	}
	var factors map[string]jsontext.Value
	if err := json.Unmarshal(v, &factors); err != nil {
		return errors.New("not an object")
	}
	for name, v := range factors {
		if v.Kind() != '0' || name != "fast" && len(name) != 2 {
			continue
		}
		m, err := llm.ParseNumber(string(v), 0)
		if err == nil {
			_, err = ParseFactor(written(m))
		}
		if err != nil {
			return fmt.Errorf("%s: %.40s is no factor", name, v)
		}
		if name == "fast" {
			s, put := l.price.tierServed(name)
			s.Times = written(m)
			put(s)
			continue
		}
		if l.price.Regions == nil {
			l.price.Regions = map[string]string{}
		}
		l.price.Regions[name] = written(m)
	}
	return nil
}
