package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
)

func auditProveCommand() *cobra.Command {
	var src source
	var log, output, record string
	cmd := &cobra.Command{
		Use:   "prove <record index or request id>",
		Short: "Make a receipt for a record: its place in the signed log, verifiable offline",
		Long: `The receipt is a C2SP tlog-proof: inclusion hashes and the signed checkpoint, with
the cosignatures of witnesses if there are any. Of a request its outcome is
proved, which carries the digest of the answer as sent; the header LLM-Audit-Id
of the answer is the index of the record made before the call left.

With --record the record itself is written too: receipt and record are what an
auditor needs besides the log's public key.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			name, index, err := src.recordOf(log, args[0])
			if err != nil {
				return err
			}
			at := adminPrefix + "audit/" + name + "/"
			dir := filepath.Join(src.auditDir(), name)
			receipt, running, err := src.get(at + "proof/" + strconv.FormatInt(index, 10))
			if !running {
				receipt, err = audit.Prove(dir, index)
			}
			if err != nil {
				return err
			}
			if record != "" {
				line, running, err := src.get(at + "record/" + strconv.FormatInt(index, 10))
				if !running {
					line, err = audit.Line(dir, index)
				}
				if err != nil {
					return err
				}
				if err := os.WriteFile(record, append(line, '\n'), 0o600); err != nil {
					return err
				}
			}
			if output == "" {
				_, err = cmd.OutOrStdout().Write(receipt)
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "record %d of the log %s\n", index, name)
			return os.WriteFile(output, receipt, 0o600)
		},
	}
	src.flags(cmd)
	cmd.Flags().StringVar(&log, "log", "", "name of the log; default: the one that has the request, or \"default\"")
	cmd.Flags().StringVarP(&output, "output", "o", "", "write the receipt to this file")
	cmd.Flags().StringVar(&record, "record", "", "write the record to this file")
	return cmd
}

// recordOf finds the record that an index or a request id means. Of a request it
// is the last one, its outcome.
func (s *source) recordOf(log, id string) (name string, index int64, err error) {
	if index, err := strconv.ParseInt(id, 10, 64); err == nil && index >= 0 {
		if log == "" {
			log = "default"
		}
		return log, index, nil
	}
	found, err := s.find(id)
	if err != nil {
		return "", 0, err
	}
	return outcomeOf(found, log)
}

// outcomeOf is the last of the records of a request, in the named log if one is
// named.
func outcomeOf(found []foundRecord, log string) (name string, index int64, err error) {
	index = -1
	for _, f := range found {
		if log != "" && f.Log != log {
			continue
		}
		if index >= 0 && f.Log != name {
			return "", 0, fmt.Errorf("the request is in the logs %s and %s: name one", name, f.Log)
		}
		name, index = f.Log, f.Index
	}
	if index < 0 {
		return "", 0, fmt.Errorf("%w in the log %s", errNoRequest, log)
	}
	return name, index, nil
}

func auditCheckReceiptCommand() *cobra.Command {
	var key string
	var witnesses []string
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "check-receipt <receipt file> <record file>",
		Short: "Check a receipt against a record, with nothing but the log's public key",
		Long: `Exit status: 0 the record is in the signed log, 2 the receipt does not hold, 1 it
could not be checked.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			keys, err := keyArgument(key)
			if err != nil {
				return err
			}
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
			found, err := audit.VerifyReceipt(receipt, record, keys, witnesses...)
			if errors.Is(err, audit.ErrReceipt) {
				return exit(cmd, exitTampered, err)
			}
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return json.NewEncoder(out).Encode(found)
			}
			fmt.Fprintf(out, "ok: it is record %d in the signed log %s of %d records\n", found.Index, found.Origin, found.Size)
			for _, w := range found.Witnesses {
				fmt.Fprintf(out, "cosigned by %s at %s\n", w.Witness, w.At.Format("2006-01-02 15:04:05 MST"))
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&key, "key", "", "the log's verifier key, or a file with it (key.pub in its directory)")
	cmd.Flags().StringArrayVar(&witnesses, "witness", nil, "verifier key of a witness that must have cosigned (may be repeated)")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print what was found as JSON")
	_ = cmd.MarkFlagRequired("key")
	return cmd
}

func auditRotateKeyCommand() *cobra.Command {
	var src source
	var log, overlap string
	cmd := &cobra.Command{
		Use:   "rotate-key",
		Short: "Make a new signing key for a log of the running server",
		Long: `The new key signs at once, the old one beside it as long as --overlap says; then it
is removed. A record names the new key, signed by the old one, so who trusts the
old key can follow. Give the new verifier key, which is printed, to all who
check the log.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := caddy.ParseDuration(overlap)
			if err != nil {
				return fmt.Errorf("overlap: %w", err)
			}
			body, err := json.Marshal(rotateRequest{OverlapSeconds: int64(d / time.Second), By: claimedUser()})
			if err != nil {
				return err
			}
			var a rotateAnswer
			running, err := src.ask(http.MethodPost, adminPrefix+"audit/"+log+"/rotate-key", bytes.NewReader(body), &a)
			if !running {
				return errNeedsServer
			}
			if err != nil {
				return err
			}
			fmt.Fprintln(cmd.OutOrStdout(), a.VerifierKey)
			return nil
		},
	}
	serverFlags(cmd, &src)
	cmd.Flags().StringVar(&log, "log", "default", "name of the log")
	cmd.Flags().StringVar(&overlap, "overlap", "30d", "how long the old key goes on signing beside the new one")
	return cmd
}
