package gateway

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/detect/guest"
)

// parseDetector reads `detector <name> <type> { … }`.
func parseDetector(d *caddyfile.Dispenser, app *App) error {
	var name, typ string
	if !d.Args(&name, &typ) {
		return d.Err("detector takes a name and a type, e.g. detector internal patterns { … }")
	}
	if err := guest.CheckName(name, policy.DetectorKinds()); err != nil {
		return d.Errf("%v", err)
	}
	if app.DetectorsRaw[name] != nil {
		return d.Errf("detector %s is given twice", name)
	}
	m, err := guest.Unmarshal(d, typ)
	if err != nil {
		return err
	}
	if app.DetectorsRaw == nil {
		app.DetectorsRaw = map[string]json.RawMessage{}
	}
	app.DetectorsRaw[name] = caddyconfig.JSONModuleObject(m, "type", typ, nil)
	return nil
}

// provisionDetectors loads the detectors.
func (a *App) provisionDetectors(ctx caddy.Context) error {
	a.detectors = policy.Detectors{}
	if len(a.DetectorsRaw) == 0 {
		return nil
	}
	mods, err := ctx.LoadModule(a, "DetectorsRaw")
	if err != nil {
		return fmt.Errorf("llm_gateway: detectors: %w", err)
	}
	for name, m := range mods.(map[string]any) {
		if err := guest.CheckName(name, policy.DetectorKinds()); err != nil {
			return fmt.Errorf("llm_gateway: %w", err)
		}
		if a.detectors[name], err = guest.ScannerOf(m); err != nil {
			return fmt.Errorf("llm_gateway: detector %s: %w", name, err)
		}
	}
	return nil
}

// loadDetectors makes the detectors of a configuration that is not served.
func loadDetectors(raw map[string]json.RawMessage) (policy.Detectors, error) {
	ctx, cancel := caddy.NewContext(caddy.Context{Context: context.Background()})
	defer cancel()
	a := App{DetectorsRaw: raw}
	err := a.provisionDetectors(ctx)
	return a.detectors, err
}

// Detectors implements handlers.Gateway.
func (a *App) Detectors() policy.Detectors { return a.detectors }
