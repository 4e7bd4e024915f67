package gateway

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/caddy-llm-gateway/caddy-llm-gateway/audit"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/llm"
	"github.com/caddy-llm-gateway/caddy-llm-gateway/policy/trial"
)

func policyRecommendCommand() *cobra.Command {
	var in recordedTraffic
	t := trial.Traffic{}
	cmd := &cobra.Command{
		Use:   "recommend <audit log directory>",
		Short: "Print the tightest limits that recorded traffic would have passed",
		Long: `Reads the records of an audit log and prints, as directives of a Caddyfile: for each
key (or team) the models that it used, a cap on output tokens, how many calls it made
in any minute and had under way at once, and what a day cost, with what was reserved
for running calls. Calls that were refused are left out. It is what was, not what is
right: read it before you use it.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if t.Scope != "key" && t.Scope != "team" {
				return fmt.Errorf("--per: want key or team, not %q", t.Scope)
			}
			if t.Headroom < 0 || t.Headroom > 1000 {
				return fmt.Errorf("--headroom: want 0 to 1000 percent")
			}
			if err := in.all(args[0], func(rec *audit.Record) bool {
				addTraffic(&t, rec)
				return true
			}); err != nil {
				return err
			}
			t.Recommend(cmd.OutOrStdout())
			return nil
		},
	}
	in.flags(cmd)
	cmd.Flags().StringVar(&t.Scope, "per", "key", "key or team")
	cmd.Flags().IntVar(&t.Headroom, "headroom", 0, "what to add to what was seen, in percent")
	return cmd
}

// addTraffic adds one record to the traffic.
func addTraffic(t *trial.Traffic, rec *audit.Record) {
	if rec.Principal == nil || rec.Request == "" {
		return
	}
	c := &trial.Call{ID: rec.Request, Key: rec.Principal.Key, Team: rec.Principal.Team, Model: rec.Model, Dialect: rec.Dialect, Start: rec.TS, End: rec.TS}
	switch {
	case rec.Stage == audit.StageAdmitted && rec.Deployment != nil:
		t.Admitted(c, llm.Money(rec.Deployment.Reserved))
	case rec.Stage == audit.StageCompleted && len(rec.Attempts) > 0:
		c.Start = rec.TS.Add(-time.Duration(rec.DurationMicros) * time.Microsecond)
		c.Cost = llm.Money(rec.Cost)
		for i := range rec.Attempts {
			c.OutputTokens = max(c.OutputTokens, rec.Attempts[i].Usage.Output)
		}
		t.Ended(c)
	case rec.Stage == audit.StageCompleted, rec.Stage == audit.StageDenied:
		t.Refused(c)
	}
}
