package gateway

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

// runCommand executes a command as the shell would.
func runCommand(t *testing.T, cmd *cobra.Command, args ...string) (string, error) {
	t.Helper()
	var out bytes.Buffer
	cmd.SetOut(&out)
	cmd.SetErr(&out)
	cmd.SilenceUsage, cmd.SilenceErrors = true, true
	cmd.SetArgs(args)
	err := cmd.Execute()
	return out.String(), err
}

// The commands work on the files of a log without a server: a receipt is made and
// checked, the log verified against what was kept, and a change is told by words
// and by JSON.
func TestAuditCommands(t *testing.T) {
	data := t.TempDir()
	dir := filepath.Join(data, "audit", "default")
	l, err := audit.Open(audit.Options{Dir: dir, Node: "n"})
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		if _, err := l.Admin(context.Background(), time.Now(), "a test", "test.change", "detail"); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	file := func(name string) string { return filepath.Join(data, name) }
	key := filepath.Join(dir, "key.pub")
	if out, err := runCommand(t, auditProveCommand(), "7", "--data-dir", data, "-o", file("receipt"), "--record", file("record")); err != nil || out != "record 7 of the log default\n" {
		t.Fatal(out, err)
	}
	if out, err := runCommand(t, auditCheckReceiptCommand(), "--key", key, file("receipt"), file("record")); err != nil || !strings.HasPrefix(out, "ok: it is record 7 ") {
		t.Error(out, err)
	}
	b, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file("kept"), b, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"--data-dir", data}, {dir}, {dir, "--key", key}, {dir, "--checkpoint", file("kept")}, {dir, "--since", file("kept")}} {
		if out, err := runCommand(t, auditVerifyCommand(), args...); err != nil || !strings.HasPrefix(out, "ok: 20 records") {
			t.Errorf("%v: %s %v", args, out, err)
		}
	}
	if out, err := runCommand(t, auditExportCommand(), "--format", "tiles", "--log", dir, file("tiles")); err != nil {
		t.Error(out, err)
	}
	if _, err := os.Stat(file("tiles/tile/entries/000.p/20")); err != nil {
		t.Error(err)
	}
	if out, err := runCommand(t, auditOverrideCommand(), dir, "--reason", "none"); err != nil || !strings.Contains(out, "nothing was overridden") {
		t.Error(out, err)
	}
	if _, err := runCommand(t, auditOverrideCommand(), file("nowhere"), "--reason", "none"); err == nil {
		t.Error("a log was made where none was")
	}
	segs, err := filepath.Glob(filepath.Join(dir, "seg-*"))
	if err != nil || len(segs) != 1 {
		t.Fatal(segs, err)
	}
	text, err := os.ReadFile(segs[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(segs[0], bytes.Replace(text, []byte("detail\":\"detail"), []byte("detail\":\"detaiL"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := runCommand(t, auditVerifyCommand(), dir, "--json")
	if err == nil || !strings.Contains(err.Error(), "does not verify") {
		t.Errorf("a changed record: %v", err)
	}
	var r verifyResult
	if jerr := json.Unmarshal([]byte(out), &r); jerr != nil || r.OK || r.Error == "" {
		t.Errorf("%v %s", jerr, out)
	}
	if out, err := runCommand(t, auditOverrideCommand(), dir, "--reason", "the disk was replaced"); err != nil || !strings.Contains(out, "Overridden and recorded") {
		t.Error(out, err)
	}
	if _, err := runCommand(t, auditVerifyCommand(), dir); err == nil {
		t.Error("verify is silent about an override")
	}
	if out, err := runCommand(t, auditVerifyCommand(), dir, "--overridden"); err != nil || !strings.Contains(out, "the disk was replaced") {
		t.Error(out, err)
	}
}
