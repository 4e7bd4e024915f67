package gateway

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2"
	caddycmd "github.com/caddyserver/caddy/v2/cmd"
	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

// source is where a command reads from: the running server through Caddy's
// admin endpoint, or files when no server runs or a directory is named.
type source struct {
	dir, admin string
}

func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.dir, "data-dir", "", "read the files of this data directory instead of asking the running server")
	cmd.Flags().StringVar(&s.admin, "address", "", "address of Caddy's admin endpoint; default localhost:2019")
}

// auditDir is the directory of the audit logs when files are read.
func (s *source) auditDir() string {
	dir := s.dir
	if dir == "" {
		dir = filepath.Join(caddy.AppDataDir(), "llm")
	}
	return filepath.Join(dir, "audit")
}

// get asks the running server; running is false when none answers, or a
// directory was named.
func (s *source) get(path string) (body []byte, running bool, err error) {
	if s.dir != "" {
		return nil, false, nil
	}
	addr := s.admin
	if addr == "" {
		addr = caddy.DefaultAdminListen
	}
	resp, err := caddycmd.AdminAPIRequest(addr, http.MethodGet, path, nil, nil)
	if err != nil {
		// Caddy's client does not wrap what it reports; a request that could
		// not be made at all means that no server runs, unless one was named.
		unreachable := strings.HasPrefix(err.Error(), "performing request:")
		return nil, !unreachable || s.admin != "", err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	return body, true, err
}

// whyCommand is `caddy llm why`.
func whyCommand() *cobra.Command {
	var src source
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "why <request id>",
		Short: "Tell what happened to a request: every decision, attempt, cost and how it ended",
		Long: `Prints the audit records of the request with this id (the header LLM-Request-Id
of its answer). It asks the running server through the admin endpoint; without
one, or with --data-dir, it reads the files.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := src.find(args[0])
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return json.NewEncoder(out).Encode(found)
			}
			for _, f := range found {
				if err := tell(out, f); err != nil {
					return err
				}
			}
			return nil
		},
	}
	src.flags(cmd)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the records as JSON")
	return cmd
}

func (s *source) find(id string) ([]foundRecord, error) {
	body, running, err := s.get(adminPrefix + "requests/" + id)
	if running {
		if err != nil {
			return nil, err
		}
		var found []foundRecord
		return found, json.Unmarshal(body, &found)
	}
	return findRequest(s.auditDir(), id)
}

// auditCommand is `caddy llm audit`.
func auditCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Verify an audit log and prove single records",
	}
	cmd.AddCommand(auditVerifyCommand(), auditProveCommand(), auditCheckReceiptCommand())
	return cmd
}

func auditVerifyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "verify <log directory>",
		Short: "Check that no record of a log was altered, removed, added or moved",
		Long: `Recomputes the hash of every record and the Merkle tree over them, and holds the
result against every checkpoint that the log has signed. It reads files only, of
a live log or a copy. The exit status is 1 if anything is wrong.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, err := audit.Verify(args[0], audit.VerifyOptions{})
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return json.NewEncoder(out).Encode(report)
			}
			fmt.Fprintf(out, "ok: %s\n", report)
			return nil
		},
	}
	cmd.Flags().BoolVar(&asJSON, "json", false, "print the report as JSON")
	return cmd
}

func auditProveCommand() *cobra.Command {
	var src source
	var log, output string
	cmd := &cobra.Command{
		Use:   "prove <index>",
		Short: "Make a receipt for a record: its place in the signed log, verifiable offline",
		Long: `The index is the header LLM-Audit-Id of the answer. The receipt is a C2SP
tlog-proof: inclusion hashes and the signed checkpoint.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			index, err := strconv.ParseInt(args[0], 10, 64)
			if err != nil || index < 0 {
				return fmt.Errorf("%q is not the index of a record", args[0])
			}
			receipt, running, err := src.get(adminPrefix + "audit/" + log + "/proof/" + args[0])
			if !running {
				receipt, err = audit.Prove(filepath.Join(src.auditDir(), log), index)
			}
			if err != nil {
				return err
			}
			if output == "" {
				_, err = cmd.OutOrStdout().Write(receipt)
				return err
			}
			return os.WriteFile(output, receipt, 0o600)
		},
	}
	src.flags(cmd)
	cmd.Flags().StringVar(&log, "log", "default", "name of the log")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the receipt to this file")
	return cmd
}

func auditCheckReceiptCommand() *cobra.Command {
	var key string
	cmd := &cobra.Command{
		Use:   "check-receipt <receipt file> <record file>",
		Short: "Check a receipt against a record, with nothing but the log's public key",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			receipt, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			record, err := os.ReadFile(args[1])
			if err != nil {
				return err
			}
			for len(record) > 0 && record[len(record)-1] == '\n' {
				record = record[:len(record)-1]
			}
			if err := audit.VerifyReceipt(receipt, record, key); err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), "ok: the record is in the signed log")
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the log's verifier key (the file key.pub in its directory)")
	_ = cmd.MarkFlagRequired("key")
	return cmd
}
