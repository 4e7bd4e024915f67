package gateway

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

var errApprovalServer = errors.New("calls wait in the running server, which cannot be reached: start it, or give its admin endpoint with --address")

// approvalCommand is `caddy llm approval`.
func approvalCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "approval",
		Short: "List the calls that wait for a person, and grant or deny them",
	}
	cmd.AddCommand(approvalListCommand(), approvalDecideCommand("grant", "Let a call that waits be made, once"), approvalDecideCommand("deny", "Refuse a call that waits, or one that was granted and not made yet"))
	return cmd
}

func approvalListCommand() *cobra.Command {
	var src source
	var state, format string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show the calls that wait for a person",
		Long: `Asks the running server which calls the "approve" rules of llm_policy hold. What the
calls say is not stored: the digest tells whether a request is the one that waits.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "table" && format != "json" {
				return fmt.Errorf("format: want table or json, not %q", format)
			}
			q := url.Values{}
			if state != "all" {
				q.Set("state", state)
			}
			var v approvalsView
			running, err := src.ask(http.MethodGet, adminPrefix+"approvals?"+q.Encode(), nil, &v)
			if !running {
				return errApprovalServer
			}
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if format == "json" {
				return printJSON(out, v)
			}
			t := usage.TextTable{Left: 9}
			t.Add("id", "state", "key", "model", "rule", "asked", "expires", "digest", "by")
			for i := range v.Approvals {
				a := &v.Approvals[i]
				t.Add(usage.Printable(a.ID), a.State, usage.Printable(a.Principal), usage.Printable(a.Model), usage.Printable(a.Rule),
					a.Asked.UTC().Format("2006-01-02 15:04 MST"), a.Expires.UTC().Format("2006-01-02 15:04 MST"), a.Digest[:min(12, len(a.Digest))], usage.Printable(orDash(a.By)))
			}
			return t.Write(out)
		},
	}
	serverFlags(cmd, &src)
	cmd.Flags().StringVar(&state, "state", "pending", "pending, granted, denied, used, expired or all")
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}

func approvalDecideCommand(verb, short string) *cobra.Command {
	var src source
	var reason string
	cmd := &cobra.Command{
		Use:   verb + " <id>",
		Short: short,
		Long: short + `. The server records who asked for it, and why, before the
decision counts.`,
		Example: "  caddy llm approval " + verb + ` apr_zgkcoq4lqeejmeyt --reason "agreed by phone"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := json.Marshal(approvalRequest{ID: args[0], Reason: reason, By: claimedUser()})
			if err != nil {
				return err
			}
			var a approvalAnswer
			running, err := src.ask(http.MethodPost, adminPrefix+"approvals/"+verb, bytes.NewReader(body), &a)
			if !running {
				return errApprovalServer
			}
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			fmt.Fprintf(out, "%s is %s: key %s, model %s, rule %s, until %s\n", usage.Printable(a.Approval.ID), a.Approval.State, usage.Printable(a.Approval.Principal),
				usage.Printable(a.Approval.Model), usage.Printable(a.Approval.Rule), a.Approval.Expires.UTC().Format(time.RFC3339))
			if a.Log != "" {
				fmt.Fprintf(out, "record %d of the audit log %s\n", a.Record, usage.Printable(a.Log))
			} else {
				fmt.Fprintln(out, "note: the config has no llm_audit, so only Caddy's log knows of it")
			}
			return nil
		},
	}
	serverFlags(cmd, &src)
	cmd.Flags().StringVar(&reason, "reason", "", "why, for the audit log")
	return cmd
}
