package providers_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	_ "github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	_ "github.com/caddyserver/caddy/v2/modules/standard"

	_ "github.com/caddy-llm-gateway/caddy-llm-gateway"
)

// TestDocs: every Caddyfile in docs/providers.md is formatted, loads in the
// stock binary with its environment set, and leaves no file behind.
func TestDocs(t *testing.T) {
	text, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	for _, name := range []string{"HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"} {
		t.Setenv(name, home)
	}
	blocks := regexp.MustCompile("(?s)```caddyfile\n(.*?)```").FindAllSubmatch(text, -1)
	if len(blocks) < 9 {
		t.Fatalf("%d Caddyfiles", len(blocks))
	}
	for _, m := range blocks {
		block := string(m[1])
		for _, env := range regexp.MustCompile(`\{env\.([A-Z0-9_]+)\}`).FindAllStringSubmatch(block, -1) {
			t.Setenv(env[1], "a-value-for-"+env[1])
		}
		if got := string(caddyfile.Format([]byte(block))); got != block {
			t.Errorf("not formatted:\n%s\nwant\n%s", block, got)
		}
		config, warnings, err := caddyconfig.GetAdapter("caddyfile").Adapt([]byte(block), map[string]any{"filename": "providers.md"})
		if err != nil || len(warnings) > 0 {
			t.Errorf("%v %v\n%s", err, warnings, block)
			continue
		}
		var cfg caddy.Config
		if err := json.Unmarshal(config, &cfg); err != nil {
			t.Fatal(err)
		}
		if err := caddy.Validate(&cfg); err != nil {
			t.Errorf("%v\n%s", err, block)
		}
	}
	if err := filepath.WalkDir(home, func(path string, _ os.DirEntry, err error) error {
		if strings.Contains(path, "llm") {
			t.Errorf("validation left %s behind", path)
		}
		return err
	}); err != nil {
		t.Error(err)
	}
}
