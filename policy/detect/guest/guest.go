// Package guest is what detector modules share with Caddy: their namespace, their
// interface, and how they are read from a Caddyfile. It must not know any detector.
package guest

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect"
)

// Namespace is that of detector modules. What stands behind it is what one writes as
// the type: `detector <name> <type>`.
const Namespace = "llm_gateway.detectors"

// Detector is a module that finds something in texts: a Caddy module that may have
// Provision and Validate as any other, and caddyfile.Unmarshaler to be written in a
// Caddyfile.
type Detector interface {
	// Scanner returns what finds it. It is called once, after Provision; the
	// scanner is then used by many requests at a time, for as long as the
	// configuration serves. See detect.Local for the plain way to make one. A scanner
	// that panics refuses the request.
	Scanner() detect.Incremental
}

var (
	typeForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
	nameForm = regexp.MustCompile(`^[a-z][a-z0-9_]{0,39}$`)
)

// CheckName tells whether a detector may be called name: rules name it beside the
// kinds that come with the gateway.
func CheckName(name string, taken []string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("detector %q: want 1 to 40 of a-z, 0-9 and _, beginning with a letter", name)
	}
	if name == "pii" || name == "secrets" || slices.Contains(taken, name) {
		return fmt.Errorf("detector %s: the gateway has a kind of data of that name", name)
	}
	return nil
}

// Unmarshal reads the options of a detector of the type, which stand in the block
// that d is at.
func Unmarshal(d *caddyfile.Dispenser, typ string) (caddy.Module, error) {
	if !typeForm.MatchString(typ) {
		return nil, d.Errf("%q is no type of detectors", typ)
	}
	info, err := caddy.GetModule(Namespace + "." + typ)
	if err != nil {
		return nil, d.Errf("unknown type of detectors %q", typ)
	}
	m := info.New()
	u, ok := m.(caddyfile.Unmarshaler)
	if !ok {
		return nil, d.Errf("detectors of the type %q cannot be written in a Caddyfile", typ)
	}
	return m, u.UnmarshalCaddyfile(d)
}

// ScannerOf returns the scanner of a provisioned module.
func ScannerOf(m any) (detect.Incremental, error) {
	d, ok := m.(Detector)
	if !ok {
		return nil, fmt.Errorf("a module of %s that is no detector", Namespace)
	}
	s := d.Scanner()
	switch {
	case s == nil:
		return nil, errors.New("it has no scanner")
	case s.MaxMatch() < 1 || s.MaxMatch() > detect.MaxLong || s.MaxHeld() < 0 || s.MaxHeld() > 2*detect.MaxLong:
		return nil, fmt.Errorf("its matches may be up to %d bytes long, not %d, and it may hold back up to %d, not %d", detect.MaxLong, s.MaxMatch(), 2*detect.MaxLong, s.MaxHeld())
	}
	return s, nil
}
