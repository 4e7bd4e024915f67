package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

// The exit statuses of `caddy llm audit verify`, for scripts. 1 is any other
// failure.
const (
	exitTampered = 2 // the log is not what was signed
	exitHashes   = 3 // the records are, but proofs cannot be made
)

// verifyResult is what --json prints.
type verifyResult struct {
	OK    bool   `json:"ok"`
	Error string `json:"error,omitempty"`
	audit.Report
}

func auditVerifyCommand() *cobra.Command {
	var asJSON, copied, overridden bool
	var since, key string
	var held []string
	var src source
	cmd := &cobra.Command{
		Use:   "verify [<log directory or name>]",
		Short: "Check that no record of a log was altered, removed, added or moved",
		Long: `Recomputes the hash of every record and the Merkle tree over them, and holds the
result against every checkpoint that the log has signed. It reads files only, of
a live log or a copy. A name stands for a log in the data directory; the default
is "default".

Who holds the disk and the signing key can sign another history. A checkpoint
that you have kept elsewhere finds that out: --checkpoint checks the whole log
and that it contains the checkpoint; --since checks that the log continues it,
and only reads the records that came after.

Exit status: 0 the log holds, 2 it does not, 3 its records hold but the file of
hashes is damaged, 1 it could not be checked.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			o := audit.VerifyOptions{AllowUnsigned: copied, AllowOverridden: overridden}
			var err error
			if o.VerifierKeys, err = keyArgument(key); err != nil {
				return err
			}
			if since != "" {
				if o.Since, err = os.ReadFile(since); err != nil {
					return err
				}
			}
			for _, path := range held {
				b, err := os.ReadFile(path)
				if err != nil {
					return err
				}
				o.Held = append(o.Held, b)
			}
			bar := newProgress("verifying")
			o.Progress = bar.at
			report, err := audit.Verify(src.logDir(args), o)
			bar.end()
			out := cmd.OutOrStdout()
			if asJSON {
				r := verifyResult{OK: err == nil, Report: report}
				if err != nil {
					r.Error = err.Error()
				}
				if jerr := json.NewEncoder(out).Encode(r); jerr != nil {
					return jerr
				}
			} else if err == nil {
				fmt.Fprintf(out, "ok: %s\n", report)
				if report.OwnKey {
					fmt.Fprintln(out, "The key came from beside the log: who can rewrite the log can rewrite it too. Give one of your own with --key.")
				}
			}
			switch {
			case errors.Is(err, audit.ErrTampered):
				return exit(cmd, exitTampered, err)
			case errors.Is(err, audit.ErrHashes):
				return exit(cmd, exitHashes, err)
			}
			return err
		},
	}
	f := cmd.Flags()
	f.BoolVar(&asJSON, "json", false, "print the report as JSON")
	f.StringVar(&key, "key", "", "verifier key of the log from a source of your own, or a file with it; default: key.pub beside the log")
	f.StringVar(&since, "since", "", "file with a checkpoint up to which the log is known to be good: check only what follows")
	f.StringArrayVar(&held, "checkpoint", nil, "file with a checkpoint that the log must contain (may be repeated)")
	f.BoolVar(&copied, "copy", false, "it is a copy of a log in use, or of one whose process was killed: records behind the last checkpoint are normal")
	f.BoolVar(&overridden, "overridden", false, "the log was once started by override (see caddy llm audit override): check what it has signed since")
	f.StringVar(&src.dir, "data-dir", "", "the data directory in which a named log is")
	return cmd
}

// exit ends a command with a status of its own.
func exit(cmd *cobra.Command, status int, err error) error {
	return caddycmd.WrapCommandFuncForCobra(func(caddycmd.Flags) (int, error) { return status, err })(cmd, nil)
}

// logDir is the directory of the log that an argument names: a directory, or the
// name of a log in the data directory.
func (s *source) logDir(args []string) string {
	if len(args) == 0 {
		return filepath.Join(s.auditDir(), "default")
	}
	if auditName.MatchString(args[0]) {
		if _, err := os.Stat(args[0]); err != nil {
			return filepath.Join(s.auditDir(), args[0])
		}
	}
	return args[0]
}

// keyArgument is a verifier key, or a file with one.
func keyArgument(s string) (string, error) {
	if s == "" {
		return "", nil
	}
	b, err := os.ReadFile(s)
	if errors.Is(err, os.ErrNotExist) {
		return s, nil
	}
	return string(b), err
}
