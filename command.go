package gateway

import (
	"github.com/spf13/cobra"

	caddycmd "github.com/caddyserver/caddy/v2/cmd"
)

// registerCommand adds `caddy llm …`.
func registerCommand() {
	caddycmd.RegisterCommand(caddycmd.Command{
		Name:  "llm",
		Usage: "<command>",
		Short: "Tools of the LLM gateway: a demo, a check of a Caddyfile, the story of a request, usage and budgets, the audit log",
		Long: `Tools of the LLM gateway.

  caddy llm demo               watch governed calls without an account or a key
  caddy llm check              list routes of a Caddyfile that escape governance
  caddy llm why <request id>   what happened to a request, and why
  caddy llm usage              what calls used and cost, by key, team, model, day
  caddy llm usage reconcile    compare the ledger with a provider's export
  caddy llm budget show        where every budget stands
  caddy llm budget raise       give a key, team, … more until the window ends
  caddy llm approval           calls that wait for a person: list, grant, deny
  caddy llm policy test        try the rules on cases that you wrote down
  caddy llm policy explain     what each rule makes of a request, and why
  caddy llm prices show        what a model costs
  caddy llm prices import      read LiteLLM's or models.dev's price list
  caddy llm audit verify       check that an audit log was not altered
  caddy llm audit prove        a receipt for one record that verifies offline
  caddy llm audit query        find records; tail -f, export, merge and content read them too
  caddy llm audit erase        destroy the key of a person`,
		CobraFunc: func(cmd *cobra.Command) {
			cmd.AddCommand(demoCommand(), checkCommand(), whyCommand(), usageCommand(), budgetCommand(), pricesCommand(), auditCommand(), policyCommand(), approvalCommand())
			// Errors are printed once, by Caddy.
			cmd.SilenceUsage = true
			for _, c := range cmd.Commands() {
				c.SilenceUsage = true
			}
		},
	})
}
