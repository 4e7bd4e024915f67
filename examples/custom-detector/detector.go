// Package badge is an example of a detector of your own: `badge`, which finds the
// numbers on the badges of a company, a letter and seven digits with a check digit.
//
// Copy it into a module of yours, rename it, and build Caddy with both:
//
//	xcaddy build --with github.com/caddy-llm-gateway/caddy-llm-gateway --with example.com/badge
package badge

import (
	"errors"
	"strings"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/guest"
)

func init() { caddy.RegisterModule(new(Badge)) }

// Badge finds badge numbers.
type Badge struct {
	// Sites are the letters of the sites whose badges count. Required.
	Sites string `json:"sites"`
}

// CaddyModule describes the module to Caddy. The last part of the id is the type that
// one writes behind the detector's name.
func (*Badge) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{ID: guest.Namespace + ".badge", New: func() caddy.Module { return new(Badge) }}
}

// Validate checks the options. Like Provision, it must not dial or open anything.
func (b *Badge) Validate() error {
	if b.Sites == "" || strings.Trim(b.Sites, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		return errors.New("badge: sites takes capital letters, e.g. BMX")
	}
	return nil
}

// length is how long a badge number is, in bytes.
const length = 8

// Scanner implements guest.Detector. detect.Local makes a scanner out of a function
// that looks at one place of a text: it finds the same in a stream as in a whole text,
// however the stream is cut.
func (b *Badge) Scanner() detect.Incremental {
	begins := new([256]bool)
	for _, site := range []byte(b.Sites) {
		begins[site] = true
	}
	return &detect.Local{Max: length, Begins: begins, At: at, Kind: "badge"}
}

// at tells whether a badge number stands at text[at].
func at(text string, at int) (end int, rule string) {
	end = at + length
	if end > len(text) || at > 0 && word(text[at-1]) || end < len(text) && word(text[end]) {
		return 0, ""
	}
	sum := 0
	for _, b := range []byte(text[at+1 : end]) {
		if b < '0' || b > '9' {
			return 0, ""
		}
		sum += int(b - '0')
	}
	if sum%10 != 0 {
		return 0, ""
	}
	return end, "badge-number"
}

func word(b byte) bool {
	return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= '0' && b <= '9' || b == '_'
}

// UnmarshalCaddyfile reads the block.
func (b *Badge) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		if d.Val() != "sites" {
			return d.Errf("unknown option %q of badge; want sites", d.Val())
		}
		if !d.Args(&b.Sites) {
			return d.Err("sites takes letters")
		}
	}
	if err := b.Validate(); err != nil {
		return d.Err(err.Error())
	}
	return nil
}

var (
	_ caddy.Validator       = (*Badge)(nil)
	_ caddyfile.Unmarshaler = (*Badge)(nil)
	_ guest.Detector        = (*Badge)(nil)
)
