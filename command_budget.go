package gateway

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/limits/usage"
)

var errNeedsServer = errors.New("a budget is raised in the running server, which cannot be reached: start it, or give its admin endpoint with --address")

// budgetCommand is `caddy llm budget`.
func budgetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "budget",
		Short: "Show where budgets stand, and raise one until its window ends",
	}
	cmd.AddCommand(budgetShowCommand(), budgetRaiseCommand())
	return cmd
}

func budgetShowCommand() *cobra.Command {
	var src source
	var budget, scope, value, format string
	var limit int
	cmd := &cobra.Command{
		Use:   "show",
		Short: "Show every balance: amount, settled, reserved, remaining, when the window ends",
		Long: `Asks the running server where every scope value stands with every budget, in the
windows that have not ended. Settled is what ended calls cost, reserved what calls
hold that are under way, granted what an operator has added. Without a server, or
with --data-dir, it reads the file, which knows what was settled and nothing else.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "table" && format != "json" {
				return fmt.Errorf("format: want table or json, not %q", format)
			}
			q := url.Values{}
			for name, v := range map[string]string{"budget": budget, "scope": scope, "value": value} {
				if v != "" {
					q.Set(name, v)
				}
			}
			if limit != 0 {
				q.Set("limit", strconv.Itoa(limit))
			}
			v := new(budgetsView)
			running, err := src.ask(http.MethodGet, adminPrefix+"budgets?"+q.Encode(), nil, v)
			if !running {
				v, err = fileBudgets(src.dataDir(), time.Now(), cmp.Or(limit, defaultBalances), keepBudgets(q))
				err = src.fileError(err)
			}
			if err != nil {
				return err
			}
			if format == "json" {
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(v)
			}
			return v.table(cmd.OutOrStdout())
		},
	}
	src.flags(cmd)
	f := cmd.Flags()
	f.StringVar(&budget, "budget", "", "only the budget of this label")
	f.StringVar(&scope, "scope", "", "only budgets of this scope, e.g. key or team")
	f.StringVar(&value, "value", "", "only this value of the scope, e.g. the id of a key")
	f.IntVar(&limit, "limit", 0, fmt.Sprintf("most lines (default %d)", defaultBalances))
	f.StringVar(&format, "format", "table", "table or json")
	return cmd
}

func serverFlags(cmd *cobra.Command, src *source) {
	cmd.Flags().StringVar(&src.admin, "address", "", "address of Caddy's admin endpoint; default localhost:2019")
}

func (v *budgetsView) table(out io.Writer) error {
	t := usage.TextTable{Left: 4}
	t.Add("budget", "value", "window", "ends", "amount", "granted", "settled", "reserved", "remaining", "unit")
	for i := range v.Balances {
		b := &v.Balances[i]
		name := b.Budget
		if !b.Configured {
			name += " (not configured)"
		}
		window := b.Window
		if b.Rolling {
			window = "rolling " + window
		}
		ends := "never"
		switch {
		case b.Rolling:
			ends = "rolls"
		case !b.Ends.IsZero():
			ends = b.Ends.UTC().Format("2006-01-02 15:04 MST")
		}
		t.Add(usage.Printable(name), usage.Printable(b.Value), window, ends, orDash(b.Amount), orDash(b.Granted), b.Settled, orDash(b.Reserved), orDash(b.Remaining), b.Unit)
	}
	if err := t.Write(out); err != nil {
		return err
	}
	if v.More > 0 {
		fmt.Fprintf(out, "and %d more (see --limit, --budget, --scope and --value)\n", v.More)
	}
	return nil
}

func budgetRaiseCommand() *cobra.Command {
	var src source
	var reason string
	var takeBack, asJSON bool
	cmd := &cobra.Command{
		Use:   "raise <budget> <value> <amount> USD|tokens --reason <words>",
		Short: "Give one value of a budget's scope more until its current window ends",
		Long: `Adds an amount to what one value of a budget's scope has in the current window: of
a rolling budget for the length of one window from now on, of a total for good.
The budget is named by its label as in "caddy llm budget show", such as key/day,
or by its name. The server records who asked for it, and why, and answers once
the change is on disk. --take-back undoes what was given.`,
		Example: `  caddy llm budget raise key/day web-app 5 USD --reason "release week"`,
		Args:    cobra.ExactArgs(4),
		RunE: func(cmd *cobra.Command, args []string) error {
			req := raiseRequest{Budget: args[0], Value: args[1], Amount: args[2], Unit: args[3], Reason: reason, By: claimedUser(), TakeBack: takeBack}
			body, err := json.Marshal(req)
			if err != nil {
				return err
			}
			var a raiseAnswer
			running, err := src.ask(http.MethodPost, adminPrefix+"budgets/raise", bytes.NewReader(body), &a)
			if !running {
				return errNeedsServer
			}
			if err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			if asJSON {
				return json.NewEncoder(out).Encode(a)
			}
			a.tell(out)
			return nil
		},
	}
	serverFlags(cmd, &src)
	f := cmd.Flags()
	f.StringVar(&reason, "reason", "", "why, for the audit log")
	f.BoolVar(&takeBack, "take-back", false, "take the amount back from what was given before")
	f.BoolVar(&asJSON, "json", false, "print the answer as JSON")
	_ = cmd.MarkFlagRequired("reason")
	return cmd
}

func (a *raiseAnswer) tell(out io.Writer) {
	b := &a.Balance
	until := ""
	if !b.Ends.IsZero() {
		until = " until " + b.Ends.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(out, "%s of %s: %s + %s granted%s, %s %s remaining\n", usage.Printable(b.Budget), usage.Printable(b.Value), b.Amount, b.Granted, until, b.Remaining, b.Unit)
	if a.Log != "" {
		fmt.Fprintf(out, "record %d of the audit log %s\n", a.Record, usage.Printable(a.Log))
	} else {
		fmt.Fprintln(out, "note: the config has no llm_audit, so only Caddy's log knows of it")
	}
	if a.New {
		fmt.Fprintf(out, "note: nothing was charged to %s in this window before; see that it is spelled as in the config\n", usage.Printable(b.Value))
	}
}
