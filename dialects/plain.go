package dialects

import (
	"github.com/caddy-llm-gateway/caddy-llm-gateway/internal/strictjson"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
)

// embeddingsMember reads a member of an embeddings request.
func (p *parser) embeddingsMember(name string) {
	switch name {
	case "input":
		p.required = true
		p.batch(name)
	case "encoding_format", "dimensions":
		p.setting(name)
	default:
		p.other(name)
	}
}

// completionsMember reads a member of an old completions request.
func (p *parser) completionsMember(name string) {
	switch name {
	case "prompt":
		if !p.null() {
			p.batch(name)
		}
	case "suffix":
		p.optionalText(llm.RoleUser, llm.KindText, name)
	case "max_tokens":
		p.limit(name)
	case "n":
		if n, ok := p.integer(name, 1, maxChoices); ok {
			p.n = n
		}
	case "best_of":
		if n, ok := p.integer(name, 1, maxChoices); ok {
			p.best = n
		}
	case "stream_options":
		p.streamOptions()
	case "n_predict":
		p.unboundedIfSet(name)
	case "stop":
		p.Skip() // an aside
	case "response_format": // of compatible servers
		p.format(name)
	case "frequency_penalty", "presence_penalty", "seed", "logprobs", "logit_bias", "echo":
		p.setting(name)
	default:
		p.other(name)
	}
}

// batch reads one prompt or many: a string, an array of strings, an array of
// token numbers, or an array of such arrays. Token numbers are opaque to policy.
func (p *parser) batch(name string) {
	switch p.Kind() {
	case strictjson.String:
		p.v.InputBound += messageOverhead
		p.text(llm.RoleUser, llm.KindText, name)
		return
	case strictjson.Array:
	default:
		p.wrong(name, "a string, an array of strings or an array of tokens")
		return
	}
	start := p.at()
	first := p.Kind()
	n := p.push(name)
	i := 0
	for l := p.Open(); p.Element(&l); i++ {
		k := p.Kind()
		if i == 0 {
			first = k
		} else if k != first {
			p.deny(name, "%s: want elements of one type", name)
			return
		}
		at := p.pushIndex(i)
		switch k {
		case strictjson.String:
			p.v.InputBound += messageOverhead
			p.text(llm.RoleUser, llm.KindText, "")
		case strictjson.Number:
			p.token()
		case strictjson.Array:
			p.v.InputBound += messageOverhead
			from := p.at()
			for t := p.Open(); p.Element(&t); {
				p.token()
			}
			if p.Err() == nil {
				p.add(llm.RoleUser, llm.KindFile, "", "", llm.Span{Start: from, End: p.Pos()})
			}
		case strictjson.Object: // multimodal inputs of compatible servers
			p.collect(llm.RoleUser, llm.KindText, "")
			p.unbounded(unboundedContent)
		default:
			p.wrong("", "a string, a token or an array of tokens")
		}
		p.pop(at)
	}
	p.pop(n)
	if p.Err() != nil {
		return
	}
	if i > 0 && first == strictjson.Number {
		p.v.InputBound += messageOverhead
		p.add(llm.RoleUser, llm.KindFile, name, "", llm.Span{Start: start, End: p.Pos()})
		return
	}
	p.answers = max(int64(i), 1)
}

// token reads one token number.
func (p *parser) token() {
	if !p.is(strictjson.Number, "") {
		return
	}
	if _, ok := p.Int(); !ok {
		where := p.join("")
		p.deny(where, "%s: want an integer", where)
		return
	}
	p.v.InputBound++
}
