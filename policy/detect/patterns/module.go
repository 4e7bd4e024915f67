package patterns

import (
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/guest"
)

func init() { caddy.RegisterModule(new(Module)) }

// Module finds what the operator describes: patterns of tokens and phrases.
type Module struct {
	// Patterns are what to look for; of two that match at one place the first
	// counts. At most 1,000.
	Patterns []Spec `json:"patterns"`

	scanner *Scanner
}

// Spec is one pattern.
type Spec struct {
	// Name is what a match is called in records and where it is masked: lower case
	// letters, digits and hyphens, at most 40.
	Name string `json:"name"`
	// Expr is a regular expression of literals, ASCII classes, groups, alternatives
	// and bounded repetitions, at most 256 bytes long where it matches.
	Expr string `json:"expr,omitempty"`
	// Phrase is words instead: found whatever the case of ASCII letters and the
	// space between them.
	Phrase string `json:"phrase,omitempty"`
}

// CaddyModule describes the module to Caddy.
func (*Module) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: guest.Namespace + ".patterns", New: func() caddy.Module { return new(Module) }}
}

// Provision compiles the patterns.
func (m *Module) Provision(caddy.Context) error { return m.compile() }

func (m *Module) compile() (err error) {
	list := make([]Pattern, len(m.Patterns))
	for i, p := range m.Patterns {
		list[i] = Pattern(p)
	}
	if m.scanner, err = New(list...); err != nil {
		return fmt.Errorf("patterns: %w", err)
	}
	return nil
}

// Scanner implements guest.Detector.
func (m *Module) Scanner() detect.Incremental { return m.scanner }

// UnmarshalCaddyfile reads the block:
//
//	detector <name> patterns {
//		pattern <rule> `<expression>`
//		phrase  <rule> "<words>"
//	}
func (m *Module) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		var s Spec
		what := d.Val()
		var value string
		if what != "pattern" && what != "phrase" {
			return d.Errf("unknown option %q of patterns; want pattern or phrase", what)
		}
		if !d.Args(&s.Name, &value) {
			return d.Errf("%s takes a name and what to look for", what)
		}
		if d.NextArg() {
			return d.Errf("%s %s: one value; quote what has blanks", what, s.Name)
		}
		if what == "pattern" {
			s.Expr = value
		} else {
			s.Phrase = value
		}
		// Each by itself, for the line.
		if _, err := New(Pattern(s)); err != nil {
			return d.Errf("%v", err)
		}
		m.Patterns = append(m.Patterns, s)
	}
	if err := m.compile(); err != nil {
		return d.Errf("%v", err)
	}
	return nil
}

var (
	_ caddy.Provisioner     = (*Module)(nil)
	_ caddyfile.Unmarshaler = (*Module)(nil)
	_ guest.Detector        = (*Module)(nil)
)
